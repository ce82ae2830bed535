//! HTTP for flows (`http: { get: … }`): guarded, bounded in time and size, never following a redirect.

use crate::{Guard, Refusal, limits};
use reqwest::{
    Client, Response,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use std::time::Duration;

/// What may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Sends a body.
    Post,
    /// Replaces.
    Put,
    /// Changes.
    Patch,
    /// Removes.
    Delete,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpFetch {
    /// Method.
    pub method: Method,
    /// Address.
    pub url: String,
    /// Headers, at most 32; those of the connection itself are not for flows to set.
    pub headers: Vec<(String, String)>,
    /// Body, at most 256 kB. Its `Content-Type` is one of the headers.
    pub body: Option<Vec<u8>>,
    /// All of it, from resolution to the last byte; at most a minute.
    pub timeout: Duration,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpReply {
    /// Status, 100–599; every status is an answer.
    pub status: u16,
    /// Headers whose value is text, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body; what is not UTF-8 is replaced.
    pub text: String,
    /// Body as JSON, when it is JSON.
    pub json: Option<serde_json::Value>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchFault {
    /// Not an address that may be reached.
    #[error("refused: {0}")]
    Refused(#[from] Refusal),
    /// The request cannot be made as asked.
    #[error("bad request: {0}")]
    BadRequest(String),
    /// Time is over.
    #[error("no answer within {}", terms::spell_span(*.0))]
    Timeout(Duration),
    /// More than may be read.
    #[error("answer over {0} bytes")]
    TooLarge(usize),
    /// No connection, or it broke.
    #[error("unreachable: {0}")]
    Unreachable(String),
}

/// The guarded client for flows. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Fetcher {
    guard: Guard,
    client: Client,
}

/// Headers that belong to the connection.
const NOT_FOR_FLOWS: [&str; 7] =
    ["host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "proxy-authorization"];

impl Fetcher {
    /// A client behind a guard.
    ///
    /// # Errors
    /// [`FetchFault::Unreachable`] when TLS cannot be set up on this machine.
    pub fn new(guard: Guard) -> Result<Self, FetchFault> {
        let client = guard.client().map_err(|fault| FetchFault::Unreachable(reason(&fault)))?;
        Ok(Self { guard, client })
    }

    /// Asks and waits for the whole answer.
    ///
    /// # Errors
    /// A [`FetchFault`]; a status of 400 or 500 is an answer, not a fault.
    pub async fn fetch(&self, ask: HttpFetch) -> Result<HttpReply, FetchFault> {
        let url = self.guard.check(&ask.url)?;
        let headers = headers(&ask.headers)?;
        if ask.body.as_ref().is_some_and(|body| body.len() > limits::FETCH_BODY_MAX) {
            return Err(FetchFault::BadRequest(format!("body over {} bytes", limits::FETCH_BODY_MAX)));
        }
        let method = match ask.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut request = self.client.request(method, url).headers(headers);
        if let Some(body) = ask.body {
            request = request.body(body);
        }
        let limit = ask.timeout.min(limits::FETCH_TIME_MAX);
        let whole = async {
            let response = request.send().await.map_err(|fault| FetchFault::Unreachable(reason(&fault)))?;
            let status = response.status().as_u16();
            let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
            let headers = response.headers().iter();
            let headers = headers.filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?))).collect();
            let body = read_bounded(response, limits::FETCH_ANSWER_MAX).await?;
            let json = serde_json::from_slice(&body).ok();
            Ok(HttpReply { status, headers, text: String::from_utf8_lossy(&body).into_owned(), json })
        };
        tokio::time::timeout(limit, whole).await.map_err(|_| FetchFault::Timeout(limit))?
    }

    pub(crate) const fn guard(&self) -> &Guard {
        &self.guard
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }
}

fn headers(asked: &[(String, String)]) -> Result<HeaderMap, FetchFault> {
    let bad = |what: String| FetchFault::BadRequest(what.chars().take(120).collect());
    if asked.len() > limits::FETCH_HEADERS_MAX {
        return Err(bad(format!("over {} headers", limits::FETCH_HEADERS_MAX)));
    }
    let mut map = HeaderMap::new();
    for (name, value) in asked {
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad(format!("header name {name:?}")))?;
        if NOT_FOR_FLOWS.contains(&key.as_str()) {
            return Err(bad(format!("header {key} belongs to the connection")));
        }
        let value = HeaderValue::from_str(value).map_err(|_| bad(format!("value of header {key}")))?;
        map.append(key, value);
    }
    Ok(map)
}

/// Reads a body up to `most` bytes, and not one more into memory than a block beyond.
pub(crate) async fn read_bounded(mut response: Response, most: usize) -> Result<Vec<u8>, FetchFault> {
    let mut body = Vec::new();
    while let Some(block) = response.chunk().await.map_err(|fault| FetchFault::Unreachable(reason(&fault)))? {
        if body.len() + block.len() > most {
            return Err(FetchFault::TooLarge(most));
        }
        body.extend_from_slice(&block);
    }
    Ok(body)
}

/// The innermost reason, which names what happened; without the address, which may hold secrets.
pub(crate) fn reason(fault: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = fault;
    while let Some(next) = inner.source() {
        inner = next;
    }
    if std::ptr::addr_eq(inner, fault) { "request failed".to_owned() } else { inner.to_string() }
}
