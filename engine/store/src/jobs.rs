//! Jobs of transcription: written with the message, claimed by whoever recognises, tried again with back-off.

use crate::{
    AudioLinks, StoreFault,
    bindings::{name, whole},
    limits, messages,
};
use sqlx::{Row, SqliteConnection, SqlitePool};
use std::time::Duration;
use terms::{MessageId, Name, UnixMs};

/// A message to be transcribed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The job's number.
    pub id: i64,
    /// The message.
    pub message: MessageId,
    /// Its realm.
    pub realm: Name,
    /// Its mailbox.
    pub mailbox: Name,
    /// Wanted language, BCP 47; `None` leaves it to the recogniser.
    pub language: Option<String>,
    /// This try, from 1.
    pub attempt: u32,
}

/// What becomes of a job whose try failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobFate {
    /// It will be tried again.
    Again {
        /// Not before.
        at: UnixMs,
    },
    /// All tries are used up; `voicemail.transcription_failed` is owed.
    GivenUp,
    /// There is no such job (its message was deleted meanwhile).
    NoSuchJob,
}

/// The wait after a failed try, or `None` when it was the last.
pub(crate) fn wait_after(attempt: u32) -> Option<Duration> {
    if attempt >= limits::JOB_TRIES_MAX {
        return None;
    }
    let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX).min(limits::JOB_WAITS.len() - 1);
    Some(limits::JOB_WAITS[index])
}

pub(crate) async fn insert(conn: &mut SqliteConnection, realm: &Name, message: MessageId, now: UnixMs) -> Result<(), StoreFault> {
    sqlx::query("insert or ignore into job (realm, message, state, run_at) values (?, ?, 'waiting', ?)")
        .bind(realm.as_str())
        .bind(message.to_string())
        .bind(whole(now))
        .execute(conn)
        .await?;
    Ok(())
}

/// What ran when the engine stopped runs again. A job that stopped the engine each time comes to its end too.
pub(crate) async fn take_back(conn: &mut SqliteConnection) -> Result<(), StoreFault> {
    sqlx::query("update job set state = 'waiting' where state = 'running'").execute(conn).await?;
    Ok(())
}

pub(crate) async fn claim(conn: &mut SqliteConnection, now: UnixMs) -> Result<Option<Job>, StoreFault> {
    let due = sqlx::query(
        "update job set state = 'running', attempts = attempts + 1 where id = \
         (select id from job where state = 'waiting' and run_at <= ? order by run_at, id limit 1) \
         returning id, message, attempts",
    )
    .bind(whole(now))
    .fetch_optional(&mut *conn)
    .await?;
    let Some(due) = due else { return Ok(None) };
    let (id, message): (i64, String) = (due.try_get("id")?, due.try_get("message")?);
    let row = sqlx::query("select realm, mailbox, language from message where id = ? and deleted_at is null")
        .bind(&message)
        .fetch_optional(&mut *conn)
        .await?;
    let (Some(row), Some(message)) = (row, MessageId::parse(&message)) else {
        sqlx::query("delete from job where id = ?").bind(id).execute(conn).await?;
        return Ok(None);
    };
    Ok(Some(Job {
        id,
        message,
        realm: name(&row, "realm")?,
        mailbox: name(&row, "mailbox")?,
        language: row.try_get("language")?,
        attempt: due.try_get("attempts")?,
    }))
}

pub(crate) async fn failed(
    conn: &mut SqliteConnection,
    job: i64,
    reason: &str,
    may_retry: bool,
    links: Option<&AudioLinks>,
    now: UnixMs,
) -> Result<JobFate, StoreFault> {
    let row = sqlx::query("select message, attempts from job where id = ?").bind(job).fetch_optional(&mut *conn).await?;
    let Some(row) = row else { return Ok(JobFate::NoSuchJob) };
    let wait = if may_retry { wait_after(row.try_get("attempts")?) } else { None };
    if let Some(wait) = wait {
        let at = voicemail::retention::expires_at(now, wait);
        sqlx::query("update job set state = 'waiting', run_at = ?, fault = ? where id = ?")
            .bind(whole(at))
            .bind(reason)
            .bind(job)
            .execute(conn)
            .await?;
        return Ok(JobFate::Again { at });
    }
    sqlx::query("delete from job where id = ?").bind(job).execute(&mut *conn).await?;
    if let Some(id) = MessageId::parse(row.try_get("message")?) {
        messages::transcription_failed(conn, id, reason, links, now).await?;
    }
    Ok(JobFate::GivenUp)
}

/// When the next waiting job is due.
pub(crate) async fn next_due(pool: &SqlitePool) -> Result<Option<UnixMs>, StoreFault> {
    let row = sqlx::query("select min(run_at) as at from job where state = 'waiting'").fetch_one(pool).await?;
    let at: Option<i64> = row.try_get("at")?;
    Ok(at.map(|at| UnixMs(u64::try_from(at).unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let waits: Vec<Option<u64>> = (1..=6).map(|n| wait_after(n).map(|wait| wait.as_secs())).collect();
        assert_eq!(waits, [Some(10), Some(60), Some(300), Some(1_800), None, None]);
        assert_eq!(wait_after(0), Some(Duration::from_secs(10)));
    }
}
