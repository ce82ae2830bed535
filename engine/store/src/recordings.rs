//! Plain recordings (`record`, `record_call`) as rows, as others read them, and the event of one that is safe.

use crate::{
    AudioLinks, RecordingMeta, StoreFault, WebhookDraft,
    bindings::{name, whole},
    limits, outbox,
};
use serde::{Deserialize, Serialize};
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, SqlitePool, sqlite::SqliteRow};
use std::time::Duration;
use terms::{CallId, MessageId, Name, UnixMs};
use voicemail::retention;

/// The event of a recording that is safe on disk.
pub const RECORDING_SAVED: &str = "recording.saved";

/// A recording as events and HTTP show it: its one JSON shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// Its id.
    pub id: MessageId,
    /// Its realm.
    pub realm: Name,
    /// The call it was made in.
    pub call: CallId,
    /// When it began, RFC 3339 in UTC.
    pub recorded_at: String,
    /// Length of the audio, milliseconds.
    pub duration_ms: u64,
    /// Samples a second.
    pub rate_hz: u32,
    /// 1, or 2: the caller left, what the caller heard right.
    pub channels: u16,
    /// The end is missing: a crash or a full disk cut it off.
    pub partial: bool,
    /// Where the file is (WAV or Ogg Opus); absent when no public address is configured.
    pub audio_url: Option<String>,
}

/// Which recordings to list: newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordingQuery {
    /// Only of this realm.
    pub realm: Option<Name>,
    /// Only of this call.
    pub call: Option<CallId>,
    /// Only those older than this one: the `next` of the page before.
    pub after: Option<MessageId>,
    /// At most so many; 1–200, 0 means 50.
    pub limit: u32,
}

/// A page of recordings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordingPage {
    /// Newest first.
    pub recordings: Vec<Recording>,
    /// Where the next page begins, if there is one.
    pub next: Option<MessageId>,
}

/// Payload of `recording.saved` (Standard Webhooks: `type`, `timestamp`, `data`).
#[derive(Serialize)]
struct Saved<'a> {
    r#type: &'static str,
    timestamp: String,
    data: SavedBody<'a>,
}

#[derive(Serialize)]
struct SavedBody<'a> {
    recording: &'a Recording,
}

/// Keeps a recording and owes its event. False when it is kept already: nothing is told twice.
pub(crate) async fn keep(
    conn: &mut SqliteConnection,
    meta: &RecordingMeta,
    length: Duration,
    links: Option<&AudioLinks>,
    now: UnixMs,
) -> Result<bool, StoreFault> {
    if !insert(conn, meta, length).await? {
        return Ok(false);
    }
    let Some(url) = &meta.notify else { return Ok(true) };
    let duration_ms = whole_ms(length);
    let recording = Recording {
        id: meta.id,
        realm: meta.realm.clone(),
        call: meta.call,
        recorded_at: meta.began.rfc3339(),
        duration_ms,
        rate_hz: meta.rate_hz,
        channels: meta.channels,
        partial: meta.partial,
        audio_url: links.map(|links| links.recording(meta.id, now)),
    };
    let payload = Saved { r#type: RECORDING_SAVED, timestamp: now.rfc3339(), data: SavedBody { recording: &recording } };
    let body = serde_json::to_string(&payload).map_err(|fault| StoreFault::Refused(fault.to_string()))?;
    let order_key = format!("call {}", meta.call);
    let draft = WebhookDraft { realm: meta.realm.clone(), url: url.clone(), event: RECORDING_SAVED.to_owned(), body, order_key };
    match draft.check() {
        Ok(()) => outbox::insert(conn, &draft, now).await?,
        Err(fault) => tracing::warn!(%fault, "event not told"),
    }
    Ok(true)
}

/// Its row; false when there is one.
pub(crate) async fn insert(conn: &mut SqliteConnection, meta: &RecordingMeta, length: Duration) -> Result<bool, StoreFault> {
    let row = sqlx::query(
        "insert or ignore into recording (id, realm, call, began, duration_ms, keep_until, rate_hz, channels, partial) \
         values (?,?,?,?,?,?,?,?,?)",
    )
    .bind(meta.id.to_string())
    .bind(meta.realm.as_str())
    .bind(meta.call.to_string())
    .bind(whole(meta.began))
    .bind(i64::try_from(whole_ms(length)).unwrap_or(i64::MAX))
    .bind(whole(retention::expires_at(meta.began, meta.keep.unwrap_or(limits::RECORDING_KEEP))))
    .bind(i64::from(meta.rate_hz))
    .bind(i64::from(meta.channels))
    .bind(meta.partial)
    .execute(conn)
    .await?;
    Ok(row.rows_affected() > 0)
}

fn whole_ms(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

pub(crate) async fn forgotten(conn: &mut SqliteConnection, ids: &[MessageId]) -> Result<bool, StoreFault> {
    let mut gone = 0;
    for id in ids {
        gone += sqlx::query("delete from recording where id = ?").bind(id.to_string()).execute(&mut *conn).await?.rows_affected();
    }
    Ok(gone > 0)
}

pub(crate) async fn list(
    pool: &SqlitePool,
    query: &RecordingQuery,
    link: impl Fn(MessageId) -> Option<String>,
) -> Result<RecordingPage, StoreFault> {
    let limit = if query.limit == 0 { 50 } else { query.limit.min(limits::PAGE_MAX) };
    let mut sql = QueryBuilder::<Sqlite>::new("select * from recording where true");
    if let Some(realm) = &query.realm {
        sql.push(" and realm = ").push_bind(realm.as_str().to_owned());
    }
    if let Some(call) = &query.call {
        sql.push(" and call = ").push_bind(call.to_string());
    }
    if let Some(after) = query.after {
        sql.push(" and id < ").push_bind(after.to_string());
    }
    sql.push(" order by id desc limit ").push_bind(i64::from(limit) + 1);
    let rows = sql.build().fetch_all(pool).await?;
    let mut recordings = Vec::new();
    for row in rows.iter().take(usize::try_from(limit).unwrap_or(usize::MAX)) {
        let mut recording = read(row)?;
        recording.audio_url = link(recording.id);
        recordings.push(recording);
    }
    let next = if rows.len() > recordings.len() { recordings.last().map(|recording| recording.id) } else { None };
    Ok(RecordingPage { recordings, next })
}

pub(crate) async fn get(pool: &SqlitePool, id: MessageId) -> Result<Option<Recording>, StoreFault> {
    let row = sqlx::query("select * from recording where id = ?").bind(id.to_string()).fetch_optional(pool).await?;
    row.as_ref().map(read).transpose()
}

/// Recordings past their time.
pub(crate) async fn overdue(pool: &SqlitePool, now: UnixMs) -> Result<Vec<(MessageId, Name)>, StoreFault> {
    let rows =
        sqlx::query("select id, realm from recording where keep_until <= ? limit 500").bind(whole(now)).fetch_all(pool).await?;
    Ok(rows
        .iter()
        .filter_map(|row| Some((MessageId::parse(row.try_get("id").ok()?)?, name(row, "realm").ok()?)))
        .collect())
}

fn read(row: &SqliteRow) -> Result<Recording, StoreFault> {
    let broken = |what: &str| StoreFault::Database(format!("a recording's {what} cannot be read"));
    let number = |column: &str| -> Result<u64, StoreFault> { Ok(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or(0)) };
    Ok(Recording {
        id: MessageId::parse(row.try_get("id")?).ok_or_else(|| broken("id"))?,
        realm: name(row, "realm")?,
        call: CallId::parse(row.try_get("call")?).ok_or_else(|| broken("call"))?,
        recorded_at: UnixMs(number("began")?).rfc3339(),
        duration_ms: number("duration_ms")?,
        rate_hz: u32::try_from(number("rate_hz")?).unwrap_or(0),
        channels: u16::try_from(number("channels")?).unwrap_or(1),
        partial: row.try_get("partial")?,
        audio_url: None,
    })
}
