//! Who may call: one layer before every address but the two probes and signed links to audio.

use crate::{Problem, router::Shared};
use axum::{
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::net::{IpAddr, SocketAddr};
use subtle::ConstantTimeEq;
use terms::{MessageId, Secret};

/// Lets through what may pass; everything else is 401 or 403.
pub(crate) async fn check(State(shared): State<Shared>, request: Request<Body>, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    match judge(&shared, request.method(), request.uri(), request.headers(), peer) {
        Ok(()) => next.run(request).await,
        Err(problem) => {
            let mut response = problem.into_response();
            if response.status() == StatusCode::UNAUTHORIZED {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
            }
            response
        }
    }
}

fn judge(
    shared: &Shared,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    peer: Option<IpAddr>,
) -> Result<(), Problem> {
    if matches!(uri.path(), "/healthz" | "/readyz") || has_good_link(shared, method, uri) {
        return Ok(());
    }
    let tokens = &shared.options.tokens;
    if !tokens.is_empty() {
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let given = bearer.and_then(|text| text.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let given = given.map_or("", |(_, token)| token.trim());
        return if is_token(given, tokens) { Ok(()) } else { Err(Problem::bare(StatusCode::UNAUTHORIZED)) };
    }
    // Without a token only this machine is served, and no web page of another site that got a browser here to ask for it:
    // neither by sending a form across (Origin) nor by a name that resolves to this machine (Host).
    let refuse = |why: &str| Err(Problem::new(StatusCode::FORBIDDEN, why));
    if !peer.is_some_and(|peer| peer.to_canonical().is_loopback()) {
        return refuse("no token is configured: only this machine is served");
    }
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !is_this_machine(host) {
        return refuse("no token is configured: the Host must be a number or localhost");
    }
    let origin = headers.get(header::ORIGIN).map(|value| value.to_str().unwrap_or("?"));
    match origin.map(|origin| origin.split_once("://").map_or(origin, |(_, rest)| rest)) {
        Some(site) if site != host => refuse("a page of another site may not ask"),
        Some(_) | None => Ok(()),
    }
}

/// Every token is compared, each in constant time.
fn is_token(given: &str, tokens: &[Secret<String>]) -> bool {
    let matches = tokens.iter().filter(|token| {
        !token.expose().is_empty() && bool::from(token.expose().as_bytes().ct_eq(given.as_bytes()))
    });
    matches.count() > 0
}

fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    name.eq_ignore_ascii_case("localhost") || name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok()
}

/// `GET /v1/messages/<id>/audio?expires=<seconds>&signature=<hex>`, and the same of `recordings`, signed by the store's links and not yet over.
fn has_good_link(shared: &Shared, method: &Method, uri: &Uri) -> bool {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return false;
    }
    let id = ["/v1/messages/", "/v1/recordings/"].iter().find_map(|prefix| uri.path().strip_prefix(prefix)).and_then(|rest| rest.strip_suffix("/audio")).and_then(MessageId::parse);
    let value = |key: &str| {
        let pairs = uri.query().unwrap_or_default().split('&');
        pairs.filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == key).map(|(_, value)| value)
    };
    match (id, value("expires").and_then(|text| text.parse().ok()), value("signature")) {
        (Some(id), Some(expires), Some(signature)) => shared.store.is_good_link(id, expires, signature),
        (None, _, _) | (_, None, _) | (_, _, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_and_localhost_are_this_machine() {
        for good in ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080", "[::1]"] {
            assert!(is_this_machine(good), "{good}");
        }
        for bad in ["", "evil.example", "127.0.0.1.evil.example:80", "localhost.evil.example"] {
            assert!(!is_this_machine(bad), "{bad}");
        }
    }

    #[test]
    fn an_empty_token_opens_nothing() {
        let tokens = [Secret::new(String::new()), Secret::new("right".to_owned())];
        assert!(!is_token("", &tokens));
        assert!(!is_token("wrong", &tokens));
        assert!(is_token("right", &tokens));
    }
}
