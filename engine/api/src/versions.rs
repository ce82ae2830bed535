//! Versions of the flow set: list them, read one, take an earlier one into use again.

use crate::{Problem, Used, router::Shared};
use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
};
use serde::Serialize;
use store::{FlowLoad, FlowTexts};

/// One version.
#[derive(Serialize)]
pub(crate) struct Version {
    hash: String,
    in_use: bool,
    first_loaded_at: String,
    loaded_at: String,
    by: String,
    loads: u64,
    bytes: u64,
}

/// All of them, the one used last first.
#[derive(Serialize)]
pub(crate) struct Versions {
    versions: Vec<Version>,
    /// Why the files on disk are not what is used, if so.
    held: Option<String>,
}

pub(crate) async fn list(State(shared): State<Shared>) -> Result<Json<Versions>, Problem> {
    let flows = shared.exchange.flows().await?;
    let version = |version: store::FlowVersion| Version {
        in_use: version.hash == flows.hash,
        hash: version.hash,
        first_loaded_at: version.first_loaded.rfc3339(),
        loaded_at: version.loaded.rfc3339(),
        by: version.by,
        loads: version.loads,
        bytes: version.bytes,
    };
    let versions = shared.store.flow_versions().await?.into_iter().map(version).collect();
    Ok(Json(Versions { versions, held: flows.held }))
}

/// One load of a version.
#[derive(Serialize)]
pub(crate) struct Load {
    at: String,
    by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    instead_of: Option<String>,
}

/// One version with its files.
#[derive(Serialize)]
pub(crate) struct Whole {
    hash: String,
    in_use: bool,
    loads: Vec<Load>,
    files: serde_json::Value,
}

pub(crate) async fn get(State(shared): State<Shared>, path: Result<Path<String>, PathRejection>) -> Result<Json<Whole>, Problem> {
    let FlowTexts { hash, texts, loads } = find(&shared, path).await?;
    let in_use = shared.exchange.flows().await?.hash == hash;
    let files = serde_json::from_str::<serde_json::Value>(&texts).ok().and_then(|mut whole| whole.get_mut("files").map(serde_json::Value::take));
    let load = |load: FlowLoad| Load { at: load.at.rfc3339(), by: load.by, instead_of: load.instead_of };
    Ok(Json(Whole { hash, in_use, loads: loads.into_iter().map(load).collect(), files: files.unwrap_or_default() }))
}

/// What came of it, and for how long.
#[derive(Serialize)]
pub(crate) struct InUse {
    version: u64,
    hash: String,
    note: &'static str,
}

pub(crate) async fn take(State(shared): State<Shared>, path: Result<Path<String>, PathRejection>) -> Result<Json<InUse>, Problem> {
    let FlowTexts { hash, texts, .. } = find(&shared, path).await?;
    match shared.exchange.use_flows(texts).await? {
        Used::Accepted { version } => Ok(Json(InUse { version, hash, note: "it is used until flow files change; calls under way keep theirs" })),
        Used::AlreadyInUse => Err(Problem::new(StatusCode::CONFLICT, format!("version {hash} is in use"))),
        Used::Refused { faults } => Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, faults)),
    }
}

/// The version whose hash begins so.
async fn find(shared: &Shared, path: Result<Path<String>, PathRejection>) -> Result<FlowTexts, Problem> {
    let gone = || Problem::not_found("version of the flows");
    let Path(beginning) = path.map_err(|_| gone())?;
    let mut found = shared.store.find_flow_version(&beginning).await?;
    match found.len() {
        0 => Err(gone()),
        1 => Ok(found.remove(0)),
        _ => Err(Problem::new(StatusCode::CONFLICT, format!("more than one version begins with {beginning}: write more of its hash"))),
    }
}
