//! Recordings (`record`, `record_call`): list, read, hear, delete. The shape is that of messages.

use crate::{Problem, messages::sound, router::Shared};
use axum::{
    Json,
    body::Body,
    extract::{Path, Query, Request, State, rejection::{PathRejection, QueryRejection}},
    http::{Response, StatusCode},
};
use serde::{Deserialize, Serialize};
use store::{Recording, RecordingQuery};
use terms::{CallId, MessageId, Name};

/// `?realm=&call=&limit=&after=`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    realm: Option<String>,
    call: Option<String>,
    limit: Option<u32>,
    after: Option<String>,
}

/// A page, newest first; `next` is the `after` of the following page.
#[derive(Serialize)]
pub(crate) struct Listed {
    recordings: Vec<Recording>,
    next: Option<MessageId>,
}

pub(crate) async fn list(
    State(shared): State<Shared>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Listed>, Problem> {
    let bad = |what: String| Problem::new(StatusCode::BAD_REQUEST, what);
    let Query(asked) = query.map_err(|fault| bad(fault.body_text()))?;
    let limit = asked.limit.unwrap_or(50);
    if !(1..=store::limits::PAGE_MAX).contains(&limit) {
        return Err(bad(format!("limit: {limit} is not within 1 to {}", store::limits::PAGE_MAX)));
    }
    let realm = asked.realm.map(|text| Name::new(&text)).transpose().map_err(|fault| bad(fault.to_string()))?;
    let call = match asked.call {
        Some(text) => Some(CallId::parse(&text).ok_or_else(|| bad("call: not the id of a call".to_owned()))?),
        None => None,
    };
    let after = match asked.after {
        Some(text) => Some(MessageId::parse(&text).ok_or_else(|| bad("after: not the id of a recording".to_owned()))?),
        None => None,
    };
    let page = shared.store.recordings(&RecordingQuery { realm, call, after, limit }).await?;
    Ok(Json(Listed { recordings: page.recordings, next: page.next }))
}

fn recording_id(path: Result<Path<String>, PathRejection>) -> Result<MessageId, Problem> {
    path.ok().and_then(|Path(text)| MessageId::parse(&text)).ok_or_else(|| Problem::not_found("recording"))
}

pub(crate) async fn get(
    State(shared): State<Shared>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Recording>, Problem> {
    let found = shared.store.recording(recording_id(path)?).await?;
    Ok(Json(found.ok_or_else(|| Problem::not_found("recording"))?))
}

pub(crate) async fn delete(
    State(shared): State<Shared>,
    path: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let deleted = shared.store.delete_recording(recording_id(path)?).await?;
    if deleted { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found("recording")) }
}

/// The WAV or Ogg Opus file, also in parts and conditionally.
pub(crate) async fn audio(
    State(shared): State<Shared>,
    path: Result<Path<String>, PathRejection>,
    request: Request<Body>,
) -> Result<Response<Body>, Problem> {
    let id = recording_id(path)?;
    let file = shared.store.recording_path(id).await?.ok_or_else(|| Problem::not_found("recording"))?;
    sound(file, request).await
}
