//! Errors as problem details (RFC 9457): one shape for all of them.

use crate::ExchangeFault;
use axum::{
    Json,
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};
use serde::Serialize;
use store::StoreFault;

/// An error as the caller sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Status, 400–599.
    pub status: u16,
    /// The status in words.
    pub title: String,
    /// What is wrong here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Problem {
    /// A problem with its particular.
    #[must_use]
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..Self::bare(status) }
    }
    /// A problem that its status says all of.
    #[must_use]
    pub fn bare(status: StatusCode) -> Self {
        Self { status: status.as_u16(), title: status.canonical_reason().unwrap_or("Error").to_owned(), detail: None }
    }
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("no such {what}"))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(TYPE));
        response
    }
}

const TYPE: &str = "application/problem+json";

impl From<StoreFault> for Problem {
    fn from(fault: StoreFault) -> Self {
        tracing::error!(%fault, "store");
        match fault {
            StoreFault::Busy(_) | StoreFault::Closed => Self::bare(StatusCode::SERVICE_UNAVAILABLE),
            StoreFault::InUse(_) | StoreFault::File { .. } | StoreFault::Database(_) | StoreFault::Refused(_) => {
                Self::bare(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

impl From<ExchangeFault> for Problem {
    fn from(fault: ExchangeFault) -> Self {
        match fault {
            ExchangeFault::Unavailable(why) => Self::new(StatusCode::SERVICE_UNAVAILABLE, why),
            ExchangeFault::Failed(why) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, why),
        }
    }
}

/// Errors made by libraries (wrong method, too large, too late, bad path) get the same shape; their headers stay.
pub(crate) fn unify(response: Response<Body>) -> Response<Body> {
    let status = response.status();
    let ours = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == TYPE);
    if !(status.is_client_error() || status.is_server_error()) || ours {
        return response;
    }
    let mut unified = Problem::bare(status).into_response();
    for (name, value) in response.headers() {
        if !matches!(*name, header::CONTENT_TYPE | header::CONTENT_LENGTH) {
            unified.headers_mut().append(name, value.clone());
        }
    }
    unified
}
