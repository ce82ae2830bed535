//! Wrong PINs of mailboxes, as rows: they outlive calls and restarts.

use crate::{
    StoreFault,
    bindings::{moment, whole},
};
use sqlx::{Row, SqliteConnection};
use terms::{Name, UnixMs};
use voicemail::{PinGuard, PinTry};

/// Counts a try before its PIN is looked at, so that many calls at once guess no more than one.
pub(crate) async fn attempt(conn: &mut SqliteConnection, realm: &Name, mailbox: &Name, now: UnixMs) -> Result<PinTry, StoreFault> {
    let row = sqlx::query("select tried, locked_until, locks from pin_guard where realm = ? and mailbox = ?")
        .bind(realm.as_str())
        .bind(mailbox.as_str())
        .fetch_optional(&mut *conn)
        .await?;
    let mut guard = match row {
        Some(row) => PinGuard {
            wrong: times(row.try_get("tried")?),
            locked_until: moment(&row, "locked_until")?,
            locks: u32::try_from(row.try_get::<i64, _>("locks")?).unwrap_or(u32::MAX),
        },
        None => PinGuard::default(),
    };
    let before = guard.clone();
    let answer = guard.attempt(now);
    if guard != before {
        let tried = serde_json::to_string(&guard.wrong).map_err(|fault| StoreFault::Refused(fault.to_string()))?;
        sqlx::query("insert or replace into pin_guard (realm, mailbox, tried, locked_until, locks) values (?,?,?,?,?)")
            .bind(realm.as_str())
            .bind(mailbox.as_str())
            .bind(tried)
            .bind(whole(guard.locked_until))
            .bind(i64::from(guard.locks))
            .execute(conn)
            .await?;
    }
    Ok(answer)
}

/// Times as they are kept. What cannot be read locks nobody out: it was some tries of one hour.
fn times(text: &str) -> Vec<UnixMs> {
    let mut times: Vec<UnixMs> = serde_json::from_str(text).unwrap_or_default();
    times.truncate(voicemail::limits::PIN_WRONG_MAX);
    times
}

/// The PIN tried last was right: nothing counts any more.
pub(crate) async fn right(conn: &mut SqliteConnection, realm: &Name, mailbox: &Name) -> Result<(), StoreFault> {
    sqlx::query("delete from pin_guard where realm = ? and mailbox = ?")
        .bind(realm.as_str())
        .bind(mailbox.as_str())
        .execute(conn)
        .await?;
    Ok(())
}
