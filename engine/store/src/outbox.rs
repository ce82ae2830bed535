//! The outbox: webhooks that are owed, written in the same transaction as what they tell of.

use crate::{
    StoreFault,
    bindings::{moment, whole},
    limits,
};
use sqlx::{Row, SqliteConnection, SqlitePool};
use terms::{Name, UnixMs};

/// A webhook to be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookDraft {
    /// Realm.
    pub realm: Name,
    /// Endpoint, an `http` or `https` address of at most 2,048 bytes. Whether it may be reached is decided at delivery.
    pub url: String,
    /// The event's name, such as `voicemail.saved`.
    pub event: String,
    /// The JSON body, at most 256 kB.
    pub body: String,
    /// Deliveries to one endpoint with the same key arrive in order; others do not wait for each other.
    pub order_key: String,
}

impl WebhookDraft {
    pub(crate) fn check(&self) -> Result<(), StoreFault> {
        let refused = |what: &str| Err(StoreFault::Refused(format!("webhook {}: {what}", self.event)));
        if self.body.len() > limits::DELIVERY_BODY_MAX {
            return refused("its body is over 256 kB");
        }
        if self.url.len() > limits::URL_MAX {
            return refused("its address is over 2,048 bytes");
        }
        Ok(())
    }
}

/// The state of the outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxCounts {
    /// Owed.
    pub waiting: u64,
    /// Delivered within the last week.
    pub done: u64,
    /// Given up or refused for good within the last week.
    pub lost: u64,
}

/// How a try changed a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    Done,
    /// The endpoint said 410: it wants no more.
    Gone,
    GivenUp { why: String },
    Later { attempts: u32, next_at: UnixMs, why: String },
}

/// A delivery that is owed, without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owed {
    pub(crate) seq: i64,
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) lane: String,
    pub(crate) attempts: u32,
    pub(crate) first_at: UnixMs,
    pub(crate) next_at: UnixMs,
}

pub(crate) async fn insert(conn: &mut SqliteConnection, draft: &WebhookDraft, now: UnixMs) -> Result<(), StoreFault> {
    sqlx::query(
        "insert into delivery (id, realm, url, lane, event, body, state, first_at, next_at) \
         values (?, ?, ?, ?, ?, ?, 'waiting', ?, ?)",
    )
    .bind(format!("msg_{}", uuid::Uuid::now_v7().simple()))
    .bind(draft.realm.as_str())
    .bind(&draft.url)
    .bind(&draft.order_key)
    .bind(&draft.event)
    .bind(&draft.body)
    .bind(whole(now))
    .bind(whole(now))
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn owed_after(pool: &SqlitePool, seq: i64, limit: usize) -> Result<Vec<Owed>, StoreFault> {
    let rows = sqlx::query(
        "select seq, id, url, lane, attempts, first_at, next_at from delivery \
         where state = 'waiting' and seq > ? order by seq limit ?",
    )
    .bind(seq)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Owed {
                seq: row.try_get("seq")?,
                id: row.try_get("id")?,
                url: row.try_get("url")?,
                lane: row.try_get("lane")?,
                attempts: row.try_get("attempts")?,
                first_at: moment(row, "first_at")?,
                next_at: moment(row, "next_at")?,
            })
        })
        .collect()
}

pub(crate) async fn body(pool: &SqlitePool, seq: i64) -> Result<Option<String>, StoreFault> {
    let row = sqlx::query("select body from delivery where seq = ?").bind(seq).fetch_optional(pool).await?;
    Ok(row.map(|row| row.try_get("body")).transpose()?)
}

pub(crate) async fn settle(
    conn: &mut SqliteConnection,
    seq: i64,
    settled: &Settled,
    now: UnixMs,
) -> Result<(), StoreFault> {
    const END: &str = "update delivery set state = ?, settled_at = ?, fault = ?, attempts = attempts + 1 where seq = ?";
    let ended = |state: &'static str, why: Option<String>| sqlx::query(END).bind(state).bind(whole(now)).bind(why).bind(seq);
    match settled {
        Settled::Done => ended("done", None).execute(conn).await?,
        Settled::Gone => ended("gone", None).execute(conn).await?,
        Settled::GivenUp { why } => ended("given_up", Some(why.clone())).execute(conn).await?,
        Settled::Later { attempts, next_at, why } => {
            sqlx::query("update delivery set attempts = ?, next_at = ?, fault = ? where seq = ?")
                .bind(*attempts)
                .bind(whole(*next_at))
                .bind(why)
                .bind(seq)
                .execute(conn)
                .await?
        }
    };
    Ok(())
}

pub(crate) async fn forget(conn: &mut SqliteConnection, now: UnixMs) -> Result<(), StoreFault> {
    sqlx::query("delete from delivery where state <> 'waiting' and settled_at < ?")
        .bind(whole(long_ago(now)))
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) fn long_ago(now: UnixMs) -> UnixMs {
    UnixMs(now.0.saturating_sub(u64::try_from(limits::SETTLED_KEEP.as_millis()).unwrap_or(u64::MAX)))
}

pub(crate) async fn counts(pool: &SqlitePool) -> Result<OutboxCounts, StoreFault> {
    let mut counts = OutboxCounts::default();
    for row in sqlx::query("select state, count(*) as n from delivery group by state").fetch_all(pool).await? {
        let n = u64::try_from(row.try_get::<i64, _>("n")?).unwrap_or(0);
        match row.try_get::<&str, _>("state")? {
            "waiting" => counts.waiting = n,
            "done" => counts.done = n,
            _ => counts.lost += n,
        }
    }
    Ok(counts)
}
