//! Messages: list, read, hear, delete.

use crate::{Problem, router::Shared};
use axum::{
    Json,
    body::Body,
    extract::{Path, Query, Request, State, rejection::{PathRejection, QueryRejection}},
    http::{HeaderValue, Response, StatusCode, header},
};
use serde::{Deserialize, Serialize};
use store::MessageQuery;
use terms::{MessageId, Name};
use tower_http::services::ServeFile;
use voicemail::Message;

/// `?realm=&mailbox=&limit=&after=`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    realm: Option<String>,
    mailbox: Option<String>,
    limit: Option<u32>,
    after: Option<String>,
}

/// A page, newest first; `next` is the `after` of the following page.
#[derive(Serialize)]
pub(crate) struct Listed {
    messages: Vec<Message>,
    next: Option<MessageId>,
}

pub(crate) async fn list(
    State(shared): State<Shared>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Listed>, Problem> {
    let bad = |what: String| Problem::new(StatusCode::BAD_REQUEST, what);
    let Query(asked) = query.map_err(|fault| bad(fault.body_text()))?;
    let name = |text: Option<String>| text.map(|text| Name::new(&text)).transpose().map_err(|fault| bad(fault.to_string()));
    let limit = asked.limit.unwrap_or(50);
    if !(1..=store::limits::PAGE_MAX).contains(&limit) {
        return Err(bad(format!("limit: {limit} is not within 1 to {}", store::limits::PAGE_MAX)));
    }
    let after = match asked.after {
        Some(text) => Some(MessageId::parse(&text).ok_or_else(|| bad("after: not the id of a message".to_owned()))?),
        None => None,
    };
    let query = MessageQuery { realm: name(asked.realm)?, mailbox: name(asked.mailbox)?, after, limit };
    let page = shared.store.messages(&query).await?;
    Ok(Json(Listed { messages: page.messages, next: page.next }))
}

fn message_id(path: Result<Path<String>, PathRejection>) -> Result<MessageId, Problem> {
    path.ok().and_then(|Path(text)| MessageId::parse(&text)).ok_or_else(|| Problem::not_found("message"))
}

pub(crate) async fn get(
    State(shared): State<Shared>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Message>, Problem> {
    let found = shared.store.message(message_id(path)?).await?;
    Ok(Json(found.ok_or_else(|| Problem::not_found("message"))?))
}

pub(crate) async fn delete(
    State(shared): State<Shared>,
    path: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let deleted = shared.store.delete_message(message_id(path)?).await?;
    if deleted { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found("message")) }
}

/// The WAV file, also in parts (RFC 9110 §14) and conditionally.
pub(crate) async fn audio(
    State(shared): State<Shared>,
    path: Result<Path<String>, PathRejection>,
    request: Request<Body>,
) -> Result<Response<Body>, Problem> {
    let id = message_id(path)?;
    let file = shared.store.audio_path(id).await?.ok_or_else(|| Problem::not_found("message"))?;
    sound(file, request).await
}

/// Serves a sound file of the store: WAV, or Ogg Opus.
pub(crate) async fn sound(file: std::path::PathBuf, request: Request<Body>) -> Result<Response<Body>, Problem> {
    let served = ServeFile::new(&file).try_call(request).await.map_err(|fault| {
        tracing::error!(file = %file.display(), %fault, "audio cannot be read");
        Problem::bare(StatusCode::INTERNAL_SERVER_ERROR)
    })?;
    let mut response = served.map(Body::new);
    let headers = response.headers_mut();
    if response_is_audio(headers) {
        let is_opus = file.extension().is_some_and(|kind| kind == "opus");
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(if is_opus { "audio/ogg" } else { "audio/wav" }));
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}

fn response_is_audio(headers: &axum::http::HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(|kind| kind.starts_with("audio/"))
}
