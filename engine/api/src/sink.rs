//! An endpoint for webhooks: verifies the signature and hands on what it receives. For demonstrations and tests.

use crate::{Problem, limits, problem, router};
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode},
    middleware,
    routing::any,
};
use std::{future::Future, io, sync::Arc};
use store::{Signer, WallClock};
use tokio::net::TcpListener;

/// A webhook whose signature is right.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// `webhook-id`: the same at every try of one delivery.
    pub id: String,
    /// `type` of the payload, empty when it has none.
    pub kind: String,
    /// The payload.
    pub payload: serde_json::Value,
}

/// Told of every webhook; says the status to answer (204 to accept; another to play an endpoint in trouble).
pub type OnEvent = Arc<dyn Fn(Received) -> StatusCode + Send + Sync>;

#[derive(Clone)]
struct Sink {
    signer: Signer,
    clock: WallClock,
    on_event: OnEvent,
}

/// Receives webhooks on any path until `stop` is done. Wrong or old signatures are answered 401 and handed to nobody.
///
/// # Errors
/// Those of the listener.
pub async fn serve(
    listener: TcpListener,
    signer: Signer,
    on_event: OnEvent,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let sink = Sink { signer, clock: Arc::new(store::wall_clock), on_event };
    let router = Router::new()
        .fallback(any(receive))
        .layer(DefaultBodyLimit::max(limits::SINK_BODY_MAX))
        .layer(middleware::map_response(async |response| problem::unify(response)))
        .with_state(sink);
    router::serve_router(listener, router, stop).await
}

async fn receive(State(sink): State<Sink>, headers: HeaderMap, body: Bytes) -> Result<StatusCode, Problem> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (id, signature) = (header("webhook-id"), header("webhook-signature"));
    let timestamp: u64 = header("webhook-timestamp").parse().unwrap_or(0);
    let age = ((sink.clock)().0 / 1_000).abs_diff(timestamp);
    if age > limits::SINK_AGE_MAX.as_secs() || !sink.signer.verifies(id, timestamp, &body, signature) {
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "the signature is not right"));
    }
    let payload: serde_json::Value =
        serde_json::from_slice(&body).map_err(|fault| Problem::new(StatusCode::BAD_REQUEST, fault.to_string()))?;
    let kind = payload.get("type").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    Ok((sink.on_event)(Received { id: id.to_owned(), kind, payload }))
}
