//! Bindings of the registrar on disk: written through in shared transactions, loaded whole at start.

use crate::StoreFault;
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use terms::{Name, UnixMs};

/// One registered contact, as the store keeps it; the registrar's own type is translated by whoever calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindingRow {
    /// Realm (tenant).
    pub realm: Name,
    /// The connection (user) that registered.
    pub connection: Name,
    /// Contact address, the key within the connection.
    pub contact: String,
    /// `udp`, `tcp`, …
    pub transport: String,
    /// Address the REGISTER came from, `ip:port`.
    pub source: String,
    /// Our own address it came to, `ip:port`.
    pub local: String,
    /// Path addresses (RFC 3327), first to be visited first.
    pub path: Vec<String>,
    /// Call-ID of the REGISTER (RFC 3261 §10.3 step 7).
    pub call_id: String,
    /// CSeq of the REGISTER.
    pub cseq: u32,
    /// User-Agent, if it said one.
    pub user_agent: Option<String>,
    /// `+sip.instance` (RFC 5626), if it said one.
    pub instance: Option<String>,
    /// Preference in thousandths, 0–1000.
    pub q_thousandths: u16,
    /// When it was last refreshed.
    pub registered_at: UnixMs,
    /// When it is over.
    pub expires_at: UnixMs,
}

/// One change of the bindings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BindingChange {
    /// New or refreshed.
    Put(BindingRow),
    /// One contact is gone.
    Remove {
        /// Realm.
        realm: Name,
        /// Connection.
        connection: Name,
        /// Contact address.
        contact: String,
    },
    /// All contacts of a connection are gone (`Contact: *`).
    RemoveAll {
        /// Realm.
        realm: Name,
        /// Connection.
        connection: Name,
    },
}

const PUT: &str = "insert into binding (realm, connection, contact, transport, source, local, path, call_id, cseq, \
    user_agent, instance, q_thousandths, registered_at, expires_at) values (?,?,?,?,?,?,?,?,?,?,?,?,?,?) \
    on conflict (realm, connection, contact) do update set transport = excluded.transport, source = excluded.source, \
    local = excluded.local, path = excluded.path, call_id = excluded.call_id, cseq = excluded.cseq, \
    user_agent = excluded.user_agent, instance = excluded.instance, q_thousandths = excluded.q_thousandths, \
    registered_at = excluded.registered_at, expires_at = excluded.expires_at";

pub(crate) async fn apply(conn: &mut SqliteConnection, changes: &[BindingChange]) -> Result<(), StoreFault> {
    for change in changes {
        match change {
            BindingChange::Put(row) => put(conn, row).await?,
            BindingChange::Remove { realm, connection, contact } => {
                sqlx::query("delete from binding where realm = ? and connection = ? and contact = ?")
                    .bind(realm.as_str())
                    .bind(connection.as_str())
                    .bind(contact)
                    .execute(&mut *conn)
                    .await?;
            }
            BindingChange::RemoveAll { realm, connection } => {
                sqlx::query("delete from binding where realm = ? and connection = ?")
                    .bind(realm.as_str())
                    .bind(connection.as_str())
                    .execute(&mut *conn)
                    .await?;
            }
        }
    }
    Ok(())
}

async fn put(conn: &mut SqliteConnection, row: &BindingRow) -> Result<(), StoreFault> {
    let path = serde_json::to_string(&row.path).map_err(|fault| StoreFault::Refused(fault.to_string()))?;
    sqlx::query(PUT)
        .bind(row.realm.as_str())
        .bind(row.connection.as_str())
        .bind(&row.contact)
        .bind(&row.transport)
        .bind(&row.source)
        .bind(&row.local)
        .bind(path)
        .bind(&row.call_id)
        .bind(row.cseq)
        .bind(&row.user_agent)
        .bind(&row.instance)
        .bind(row.q_thousandths)
        .bind(whole(row.registered_at))
        .bind(whole(row.expires_at))
        .execute(conn)
        .await?;
    Ok(())
}

/// Bindings still good at `now`; a row that cannot be read is left out and counted.
pub(crate) async fn load(pool: &sqlx::SqlitePool, now: UnixMs) -> Result<(Vec<BindingRow>, usize), StoreFault> {
    let rows = sqlx::query("select * from binding where expires_at > ?").bind(whole(now)).fetch_all(pool).await?;
    let good: Vec<BindingRow> = rows.iter().filter_map(|row| read(row).ok()).collect();
    let lost = rows.len() - good.len();
    Ok((good, lost))
}

fn read(row: &SqliteRow) -> Result<BindingRow, StoreFault> {
    Ok(BindingRow {
        realm: name(row, "realm")?,
        connection: name(row, "connection")?,
        contact: row.try_get("contact")?,
        transport: row.try_get("transport")?,
        source: row.try_get("source")?,
        local: row.try_get("local")?,
        path: serde_json::from_str(row.try_get::<&str, _>("path")?).map_err(|f| StoreFault::Database(f.to_string()))?,
        call_id: row.try_get("call_id")?,
        cseq: row.try_get("cseq")?,
        user_agent: row.try_get("user_agent")?,
        instance: row.try_get("instance")?,
        q_thousandths: row.try_get("q_thousandths")?,
        registered_at: moment(row, "registered_at")?,
        expires_at: moment(row, "expires_at")?,
    })
}

/// A moment as SQLite's signed integer.
pub(crate) fn whole(at: UnixMs) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX)
}
pub(crate) fn moment(row: &SqliteRow, column: &str) -> Result<UnixMs, StoreFault> {
    Ok(UnixMs(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or(0)))
}
pub(crate) fn name(row: &SqliteRow, column: &str) -> Result<Name, StoreFault> {
    Name::new(row.try_get::<&str, _>(column)?).map_err(|fault| StoreFault::Database(fault.to_string()))
}
