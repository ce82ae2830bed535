//! Messages as rows: kept with their events, listed, heard, transcribed, deleted, swept away.

use crate::{
    AudioLinks, StoreFault, WebhookDraft,
    bindings::{moment, name, whole},
    jobs, limits,
    outbox::{self, long_ago},
};
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, SqlitePool, sqlite::SqliteRow};
use std::time::Duration;
use terms::{CallId, MessageId, Name, UnixMs};
use voicemail::{
    Caller, EndCause, Entry, EventKind, Message, MessageDraft, MessageEvent, Notify, Transcript, Transcription, Waiting, retention,
};

/// Which messages to list: newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageQuery {
    /// Only of this realm.
    pub realm: Option<Name>,
    /// Only of this mailbox.
    pub mailbox: Option<Name>,
    /// Only those older than this one: the `next` of the page before.
    pub after: Option<MessageId>,
    /// At most so many; 1–200, 0 means 50.
    pub limit: u32,
}

/// A page of messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Newest first.
    pub messages: Vec<Message>,
    /// Where the next page begins, if there is one.
    pub next: Option<MessageId>,
}

/// What a sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Messages past their time.
    pub messages: usize,
    /// Recordings past their time.
    pub recordings: usize,
}

/// A row with what only this room needs.
struct Kept {
    message: Message,
    notify: Vec<Notify>,
}

/// Keeps a message with its events and its job. False when it is kept already: nothing is told twice.
pub(crate) async fn keep(
    conn: &mut SqliteConnection,
    draft: &MessageDraft,
    links: Option<&AudioLinks>,
    now: UnixMs,
) -> Result<bool, StoreFault> {
    let envelope = &draft.envelope;
    if !insert(conn, draft, if envelope.transcribe { "pending" } else { "off" }).await? {
        return Ok(false);
    }
    if envelope.transcribe {
        jobs::insert(conn, &envelope.realm, envelope.id, now).await?;
    }
    let fresh = Message::fresh(draft, links.map(|links| links.link(envelope.id, now)));
    tell(conn, EventKind::Saved, fresh, &envelope.notify, None, now).await?;
    Ok(true)
}

/// Keeps a message that was kept before, in a database that is lost: it was told of and transcribed then, and is not again. What happens
/// to it from now on is told. False when it is kept already.
pub(crate) async fn adopt(conn: &mut SqliteConnection, draft: &MessageDraft) -> Result<bool, StoreFault> {
    insert(conn, draft, "off").await
}

/// Its row; false when there is one.
async fn insert(conn: &mut SqliteConnection, draft: &MessageDraft, transcription: &str) -> Result<bool, StoreFault> {
    let envelope = &draft.envelope;
    let fresh = Message::fresh(draft, None);
    let notify = json(&envelope.notify)?;
    let row = sqlx::query(
        "insert or ignore into message (id, realm, mailbox, call, caller_number, caller_name, dialled, began, duration_ms, \
         speech_ms, ended_by, partial, keep_until, notify, language, transcription) \
         values (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    )
    .bind(envelope.id.to_string())
    .bind(envelope.realm.as_str())
    .bind(envelope.mailbox.as_str())
    .bind(envelope.call.to_string())
    .bind(&envelope.caller.number)
    .bind(&envelope.caller.name)
    .bind(&envelope.dialled)
    .bind(whole(envelope.began))
    .bind(signed(fresh.duration_ms))
    .bind(fresh.speech_ms.map(signed))
    .bind(draft.cause.name())
    .bind(draft.partial)
    .bind(whole(retention::expires_at(envelope.began, envelope.keep)))
    .bind(notify)
    .bind(&envelope.language)
    .bind(transcription)
    .execute(conn)
    .await?;
    Ok(row.rows_affected() > 0)
}

/// Owes an event to every endpoint that wants it.
async fn tell(
    conn: &mut SqliteConnection,
    kind: EventKind,
    message: Message,
    notify: &[Notify],
    reason: Option<String>,
    now: UnixMs,
) -> Result<(), StoreFault> {
    let (realm, order_key) = (message.realm.clone(), order_key(&message.realm, &message.mailbox));
    let body = json(&MessageEvent::new(kind, now, message, reason))?;
    for endpoint in notify.iter().take(voicemail::limits::NOTIFY_MAX).filter(|n| n.events.contains(&kind)) {
        let (realm, url, event) = (realm.clone(), endpoint.url.clone(), kind.name().to_owned());
        let draft = WebhookDraft { realm, url, event, body: body.clone(), order_key: order_key.clone() };
        if let Err(fault) = draft.check() {
            tracing::warn!(%fault, "event not told");
            continue;
        }
        outbox::insert(conn, &draft, now).await?;
    }
    Ok(())
}

/// Events of one mailbox reach one endpoint in order.
pub(crate) fn order_key(realm: &Name, mailbox: &Name) -> String {
    format!("mailbox/{realm}/{mailbox}")
}

const COLUMNS: &str = "select * from message where deleted_at is null";

async fn find(conn: &mut SqliteConnection, id: MessageId) -> Result<Option<Kept>, StoreFault> {
    let row = sqlx::query("select * from message where deleted_at is null and id = ?")
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The mailbox of a message, deleted or not.
pub(crate) async fn place(conn: &mut SqliteConnection, id: MessageId) -> Result<Option<(Name, Name)>, StoreFault> {
    let row = sqlx::query("select realm, mailbox from message where id = ?").bind(id.to_string()).fetch_optional(conn).await?;
    row.as_ref().map(|row| Ok((name(row, "realm")?, name(row, "mailbox")?))).transpose()
}

pub(crate) async fn mark_heard(conn: &mut SqliteConnection, id: MessageId, heard: bool) -> Result<bool, StoreFault> {
    let row = sqlx::query("update message set heard = ? where id = ? and deleted_at is null and heard <> ?")
        .bind(heard)
        .bind(id.to_string())
        .bind(heard)
        .execute(conn)
        .await?;
    Ok(row.rows_affected() > 0)
}

/// Keeps a transcript, ends its job and owes the event. False when the message is gone or has one already.
pub(crate) async fn transcribed(
    conn: &mut SqliteConnection,
    id: MessageId,
    transcript: &Transcript,
    links: Option<&AudioLinks>,
    now: UnixMs,
) -> Result<bool, StoreFault> {
    sqlx::query("delete from job where message = ?").bind(id.to_string()).execute(&mut *conn).await?;
    let Some(mut kept) = find(conn, id).await? else { return Ok(false) };
    if kept.message.transcription == Transcription::Done {
        return Ok(false);
    }
    sqlx::query(
        "update message set transcription = 'done', transcript_text = ?, transcript_language = ?, transcript_model = ?, \
         transcript_took_ms = ? where id = ?",
    )
    .bind(&transcript.text)
    .bind(&transcript.language)
    .bind(&transcript.model)
    .bind(signed(transcript.took_ms))
    .bind(id.to_string())
    .execute(&mut *conn)
    .await?;
    kept.message.transcription = Transcription::Done;
    kept.message.transcript = Some(transcript.clone());
    kept.message.audio_url = links.map(|links| links.link(id, now));
    tell(conn, EventKind::Transcribed, kept.message, &kept.notify, None, now).await?;
    Ok(true)
}

pub(crate) async fn transcription_failed(
    conn: &mut SqliteConnection,
    id: MessageId,
    reason: &str,
    links: Option<&AudioLinks>,
    now: UnixMs,
) -> Result<(), StoreFault> {
    let Some(mut kept) = find(conn, id).await? else { return Ok(()) };
    sqlx::query("update message set transcription = 'failed' where id = ?").bind(id.to_string()).execute(&mut *conn).await?;
    kept.message.transcription = Transcription::Failed;
    kept.message.audio_url = links.map(|links| links.link(id, now));
    let reason = Some(reason.chars().take(500).collect());
    tell(conn, EventKind::TranscriptionFailed, kept.message, &kept.notify, reason, now).await
}

/// Marks a message deleted and owes the event; its files go afterwards.
pub(crate) async fn delete(conn: &mut SqliteConnection, id: MessageId, now: UnixMs) -> Result<bool, StoreFault> {
    let Some(kept) = find(conn, id).await? else { return Ok(false) };
    sqlx::query("update message set deleted_at = ? where id = ?")
        .bind(whole(now))
        .bind(id.to_string())
        .execute(&mut *conn)
        .await?;
    sqlx::query("delete from job where message = ?").bind(id.to_string()).execute(&mut *conn).await?;
    tell(conn, EventKind::Deleted, kept.message, &kept.notify, None, now).await?;
    Ok(true)
}

pub(crate) async fn files_removed(conn: &mut SqliteConnection, ids: &[MessageId]) -> Result<(), StoreFault> {
    for id in ids {
        sqlx::query("update message set files_removed = 1 where id = ?").bind(id.to_string()).execute(&mut *conn).await?;
    }
    Ok(())
}

pub(crate) async fn forget(conn: &mut SqliteConnection, now: UnixMs) -> Result<(), StoreFault> {
    sqlx::query("delete from message where files_removed = 1 and deleted_at < ?")
        .bind(whole(long_ago(now)))
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn list(
    pool: &SqlitePool,
    query: &MessageQuery,
    link: impl Fn(MessageId) -> Option<String>,
) -> Result<Page, StoreFault> {
    let limit = if query.limit == 0 { 50 } else { query.limit.min(limits::PAGE_MAX) };
    let mut sql = QueryBuilder::<Sqlite>::new(COLUMNS);
    for (column, wanted) in [(" and realm = ", &query.realm), (" and mailbox = ", &query.mailbox)] {
        if let Some(name) = wanted {
            sql.push(column).push_bind(name.as_str().to_owned());
        }
    }
    if let Some(after) = query.after {
        sql.push(" and id < ").push_bind(after.to_string());
    }
    sql.push(" order by id desc limit ").push_bind(i64::from(limit) + 1);
    let rows = sql.build().fetch_all(pool).await?;
    let mut messages = Vec::new();
    for row in rows.iter().take(usize::try_from(limit).unwrap_or(usize::MAX)) {
        let mut message = read(row)?.message;
        message.audio_url = link(message.id);
        messages.push(message);
    }
    let next = if rows.len() > messages.len() { messages.last().map(|message| message.id) } else { None };
    Ok(Page { messages, next })
}

pub(crate) async fn get(pool: &SqlitePool, id: MessageId) -> Result<Option<Message>, StoreFault> {
    let mut conn = pool.acquire().await?;
    Ok(find(&mut conn, id).await?.map(|kept| kept.message))
}

pub(crate) async fn waiting(pool: &SqlitePool, realm: &Name, mailbox: &Name) -> Result<Waiting, StoreFault> {
    let row = sqlx::query(
        "select count(*) filter (where heard = 0) as new, count(*) filter (where heard <> 0) as old from message \
         where realm = ? and mailbox = ? and deleted_at is null",
    )
    .bind(realm.as_str())
    .bind(mailbox.as_str())
    .fetch_one(pool)
    .await?;
    Ok(Waiting { new: row.try_get("new")?, old: row.try_get("old")? })
}

/// Messages as a visitor needs them: at most so many, new ones before those heard, each kind newest first.
pub(crate) async fn entries(pool: &SqlitePool, realm: &Name, mailbox: &Name, limit: u32) -> Result<Vec<Entry>, StoreFault> {
    let rows = sqlx::query(
        "select id, caller_number, caller_name, began, duration_ms, heard from message \
         where realm = ? and mailbox = ? and deleted_at is null order by heard, id desc limit ?",
    )
    .bind(realm.as_str())
    .bind(mailbox.as_str())
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let duration_ms = u64::try_from(row.try_get::<i64, _>("duration_ms")?).unwrap_or(0);
            Ok(Entry {
                id: MessageId::parse(row.try_get("id")?).ok_or_else(|| StoreFault::Database("a message's id cannot be read".to_owned()))?,
                caller: Caller { number: row.try_get("caller_number")?, name: row.try_get("caller_name")? },
                began: moment(row, "began")?,
                length: Duration::from_millis(duration_ms),
                heard: row.try_get("heard")?,
            })
        })
        .collect()
}

/// Messages past their time, oldest first.
pub(crate) async fn overdue(pool: &SqlitePool, now: UnixMs, limit: u32) -> Result<Vec<MessageId>, StoreFault> {
    let rows = sqlx::query("select id from message where deleted_at is null and keep_until <= ? order by keep_until limit ?")
        .bind(whole(now))
        .bind(limit)
        .fetch_all(pool)
        .await?;
    Ok(rows.iter().filter_map(|row| MessageId::parse(row.try_get("id").ok()?)).collect())
}

/// Deleted messages whose files may still lie there.
pub(crate) async fn to_clear(pool: &SqlitePool) -> Result<Vec<(MessageId, Name, Name)>, StoreFault> {
    let rows = sqlx::query("select id, realm, mailbox from message where deleted_at is not null and files_removed = 0 limit 1000")
        .fetch_all(pool)
        .await?;
    Ok(rows
        .iter()
        .filter_map(|row| {
            Some((MessageId::parse(row.try_get("id").ok()?)?, name(row, "realm").ok()?, name(row, "mailbox").ok()?))
        })
        .collect())
}

fn read(row: &SqliteRow) -> Result<Kept, StoreFault> {
    let broken = |what: &str| StoreFault::Database(format!("a message's {what} cannot be read"));
    let number = |column: &str| -> Result<Option<u64>, StoreFault> {
        let whole: Option<i64> = row.try_get(column)?;
        Ok(whole.map(|n| u64::try_from(n).unwrap_or(0)))
    };
    let began = UnixMs(number("began")?.unwrap_or(0));
    let transcription = match row.try_get::<&str, _>("transcription")? {
        "pending" => Transcription::Pending,
        "done" => Transcription::Done,
        "failed" => Transcription::Failed,
        _ => Transcription::Off,
    };
    let text: Option<String> = row.try_get("transcript_text")?;
    let transcript = match text {
        Some(text) => Some(Transcript {
            text,
            language: row.try_get::<Option<String>, _>("transcript_language")?.unwrap_or_default(),
            model: row.try_get::<Option<String>, _>("transcript_model")?.unwrap_or_default(),
            took_ms: number("transcript_took_ms")?.unwrap_or(0),
        }),
        None => None,
    };
    let notify = serde_json::from_str(row.try_get::<&str, _>("notify")?).map_err(|_| broken("notify"))?;
    let message = Message {
        id: MessageId::parse(row.try_get("id")?).ok_or_else(|| broken("id"))?,
        realm: name(row, "realm")?,
        mailbox: name(row, "mailbox")?,
        caller: Caller { number: row.try_get("caller_number")?, name: row.try_get("caller_name")? },
        call: CallId::parse(row.try_get("call")?).ok_or_else(|| broken("call"))?,
        dialled: row.try_get("dialled")?,
        recorded_at: began.rfc3339(),
        duration_ms: number("duration_ms")?.unwrap_or(0),
        speech_ms: number("speech_ms")?,
        ended_by: EndCause::parse(row.try_get("ended_by")?).ok_or_else(|| broken("ended_by"))?,
        partial: row.try_get("partial")?,
        heard: row.try_get("heard")?,
        audio_url: None,
        transcription,
        transcript,
    };
    Ok(Kept { message, notify })
}

fn json(value: &impl serde::Serialize) -> Result<String, StoreFault> {
    serde_json::to_string(value).map_err(|fault| StoreFault::Refused(fault.to_string()))
}
fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
