//! Every address and what stands before it.

use crate::{Exchange, access, limits, messages, problem, recordings, routes, versions};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, connect_info::IntoMakeServiceWithConnectInfo},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, patch, post},
};
use std::{fmt, future::Future, io, net::SocketAddr, sync::Arc};
use store::Store;
use terms::Secret;
use tokio::net::TcpListener;
use tower_http::{
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    timeout::TimeoutLayer,
    trace::TraceLayer,
};

/// The text of `/metrics`, made when asked.
pub type Metrics = Arc<dyn Fn() -> String + Send + Sync>;

/// What the HTTP side is told.
#[derive(Clone)]
pub struct ApiOptions {
    /// Tokens of callers (`Authorization: Bearer …`). Without one, only this machine is served.
    pub tokens: Vec<Secret<String>>,
    /// Renders the metrics in Prometheus' text format.
    pub metrics: Metrics,
}

impl fmt::Debug for ApiOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiOptions({} tokens)", self.tokens.len())
    }
}

/// What every address can use.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) options: Arc<ApiOptions>,
    pub(crate) exchange: Arc<dyn Exchange>,
    pub(crate) store: Store,
}

/// The whole HTTP side. It wants the peer's address: serve it with [`serve`], or with `ConnectInfo` of your own.
pub fn router(options: ApiOptions, exchange: Arc<dyn Exchange>, store: Store) -> Router {
    let shared = Shared { options: Arc::new(options), exchange, store };
    Router::new()
        .route("/healthz", get(routes::health))
        .route("/readyz", get(routes::ready))
        .route("/metrics", get(routes::metrics))
        .route("/v1/connections", get(routes::connections))
        .route("/v1/connections/{name}", get(routes::connection))
        .route("/v1/calls", get(routes::calls))
        .route("/v1/calls/{id}", get(routes::call).delete(routes::hang_up))
        .route("/v1/calls/{id}/conference", patch(routes::tune))
        .route("/v1/conferences", get(routes::conferences))
        .route("/v1/queues", get(routes::queues))
        .route("/v1/flows", get(routes::flows))
        .route("/v1/flows/versions", get(versions::list))
        .route("/v1/flows/versions/{hash}", get(versions::get))
        .route("/v1/flows/versions/{hash}/use", post(versions::take))
        .route("/v1/reload", post(routes::reload))
        .route("/v1/messages", get(messages::list))
        .route("/v1/messages/{id}", get(messages::get).delete(messages::delete))
        .route("/v1/messages/{id}/audio", get(messages::audio))
        .route("/v1/recordings", get(recordings::list))
        .route("/v1/recordings/{id}", get(recordings::get).delete(recordings::delete))
        .route("/v1/recordings/{id}/audio", get(recordings::audio))
        .fallback(routes::nothing_here)
        .layer(middleware::from_fn(read_body))
        .layer(middleware::from_fn_with_state(shared.clone(), access::check))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, limits::ANSWER_TIME))
        .layer(middleware::map_response(async |response| problem::unify(response)))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .with_state(shared)
}

/// Hands a body on whole, if it is not too large.
async fn read_body(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    match to_bytes(body, limits::BODY_READ_MAX).await {
        Ok(body) if body.len() <= limits::BODY_MAX => next.run(Request::from_parts(head, Body::from(body))).await,
        // Larger still, or broken off.
        Ok(_) | Err(_) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
    }
}

/// Neither queries nor headers: they carry signatures and tokens.
fn span(request: &Request) -> tracing::Span {
    let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    tracing::debug_span!("http", method = %request.method(), path = request.uri().path(), id)
}

/// Serves until `stop` is done, then lets requests under way finish.
///
/// # Errors
/// Those of the listener.
pub async fn serve(
    listener: TcpListener,
    options: ApiOptions,
    exchange: Arc<dyn Exchange>,
    store: Store,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve_router(listener, router(options, exchange, store), stop).await
}

pub(crate) async fn serve_router(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, with_peers(router)).with_graceful_shutdown(stop).await
}

fn with_peers(router: Router) -> IntoMakeServiceWithConnectInfo<Router, SocketAddr> {
    router.into_make_service_with_connect_info::<SocketAddr>()
}

