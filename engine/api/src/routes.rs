//! The exchange's own state: probes, metrics, connections, calls, flows.

use crate::{limits, CallView, ConferenceView, ConnectionView, FlowsView, Problem, QueueView, Readiness, Reloaded, Tuned, Tuning, router::Shared};
use axum::{
    Json,
    extract::{Path, State, rejection::{JsonRejection, PathRejection}},
    http::{StatusCode, header},
    response::IntoResponse,
};
use serde::Serialize;
use terms::{CallId, Name};

pub(crate) async fn health() -> &'static str {
    "ok\n"
}

pub(crate) async fn ready(State(shared): State<Shared>) -> Result<&'static str, Problem> {
    match shared.exchange.readiness() {
        Readiness::Ready => Ok("ready\n"),
        Readiness::NotReady(why) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, why)),
    }
}

pub(crate) async fn metrics(State(shared): State<Shared>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], (shared.options.metrics)())
}

pub(crate) async fn nothing_here() -> Problem {
    Problem::bare(StatusCode::NOT_FOUND)
}

#[derive(Serialize)]
pub(crate) struct Connections {
    connections: Vec<ConnectionView>,
}

pub(crate) async fn connections(State(shared): State<Shared>) -> Result<Json<Connections>, Problem> {
    Ok(Json(Connections { connections: shared.exchange.connections().await? }))
}

pub(crate) async fn connection(
    State(shared): State<Shared>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<ConnectionView>, Problem> {
    let gone = || Problem::not_found("connection");
    let name = path.ok().and_then(|Path(text)| Name::new(&text).ok()).ok_or_else(gone)?;
    Ok(Json(shared.exchange.connection(name).await?.ok_or_else(gone)?))
}

#[derive(Serialize)]
pub(crate) struct Calls {
    calls: Vec<CallView>,
}

pub(crate) async fn calls(State(shared): State<Shared>) -> Result<Json<Calls>, Problem> {
    Ok(Json(Calls { calls: shared.exchange.calls().await? }))
}

#[derive(Serialize)]
pub(crate) struct Conferences {
    conferences: Vec<ConferenceView>,
}

pub(crate) async fn conferences(State(shared): State<Shared>) -> Result<Json<Conferences>, Problem> {
    Ok(Json(Conferences { conferences: shared.exchange.conferences().await? }))
}

#[derive(Serialize)]
pub(crate) struct Queues {
    queues: Vec<QueueView>,
}

pub(crate) async fn queues(State(shared): State<Shared>) -> Result<Json<Queues>, Problem> {
    Ok(Json(Queues { queues: shared.exchange.queues().await? }))
}

fn call_id(path: Result<Path<String>, PathRejection>) -> Result<CallId, Problem> {
    path.ok().and_then(|Path(text)| CallId::parse(&text)).ok_or_else(|| Problem::not_found("call"))
}

pub(crate) async fn call(
    State(shared): State<Shared>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<CallView>, Problem> {
    let found = shared.exchange.call(call_id(path)?).await?;
    Ok(Json(found.ok_or_else(|| Problem::not_found("call"))?))
}

pub(crate) async fn hang_up(
    State(shared): State<Shared>,
    path: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let ended = shared.exchange.hang_up(call_id(path)?).await?;
    if ended { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found("call")) }
}

pub(crate) async fn tune(
    State(shared): State<Shared>,
    path: Result<Path<String>, PathRejection>,
    body: Result<Json<Tuning>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let id = call_id(path)?;
    let Json(tuning) = body.map_err(|bad| Problem::new(bad.status(), bad.body_text()))?;
    if tuning.hears.len() > limits::PAIRS_MAX {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("hears: at most {} others", limits::PAIRS_MAX)));
    }
    match shared.exchange.tune(id, tuning).await? {
        Tuned::Done => Ok(StatusCode::NO_CONTENT),
        Tuned::NotInside => Err(Problem::not_found("call in a conference")),
        Tuned::Stranger(other) => Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("hears: {other} is not one of the others in this conference"))),
    }
}

pub(crate) async fn flows(State(shared): State<Shared>) -> Result<Json<FlowsView>, Problem> {
    Ok(Json(shared.exchange.flows().await?))
}

#[derive(Serialize)]
pub(crate) struct Version {
    version: u64,
}

pub(crate) async fn reload(State(shared): State<Shared>) -> Result<Json<Version>, Problem> {
    match shared.exchange.reload().await? {
        Reloaded::Accepted { version } => Ok(Json(Version { version })),
        Reloaded::Refused { faults } => Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, faults)),
    }
}
