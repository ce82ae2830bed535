//! Versions of the flow set: the texts of each, and when, by whom and instead of what it was taken into use.

use crate::{
    StoreFault,
    bindings::{moment, whole},
    limits::{FLOW_LOADS_KEPT, FLOW_VERSIONS_KEPT},
};
use sqlx::{ConnectOptions as _, Connection as _, Row, SqliteConnection, sqlite::SqliteConnectOptions};
use std::path::Path;
use terms::UnixMs;

/// A version of the flow set.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FlowVersion {
    /// Its content hash.
    pub hash: String,
    /// When it was first taken into use.
    pub first_loaded: UnixMs,
    /// When it was last taken into use.
    pub loaded: UnixMs,
    /// By what then: `start`, `a file change`, `SIGHUP`, `the API`, `a roll-back by …`.
    pub by: String,
    /// How often.
    pub loads: u64,
    /// Bytes of its texts.
    pub bytes: u64,
}

/// A version was taken into use.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FlowLoad {
    /// When.
    pub at: UnixMs,
    /// Which.
    pub hash: String,
    /// By what.
    pub by: String,
    /// A roll-back: the version that the files have, which stays unused as long as they are so.
    pub instead_of: Option<String>,
}

/// All of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowTexts {
    /// Its content hash.
    pub hash: String,
    /// Its files, in whatever form they were given.
    pub texts: String,
    /// When it was taken into use, the newest first.
    pub loads: Vec<FlowLoad>,
}

pub(crate) async fn keep(conn: &mut SqliteConnection, load: &FlowLoad, texts: &str) -> Result<(), StoreFault> {
    sqlx::query("insert or ignore into flow_version (hash, first_loaded, texts) values (?,?,?)")
        .bind(&load.hash)
        .bind(whole(load.at))
        .bind(texts)
        .execute(&mut *conn)
        .await?;
    sqlx::query("insert into flow_load (at, hash, who, instead_of) values (?,?,?,?)")
        .bind(whole(load.at))
        .bind(&load.hash)
        .bind(&load.by)
        .bind(&load.instead_of)
        .execute(&mut *conn)
        .await?;
    // The newest of each version tells when it was last used; of the others as many as a person would read.
    sqlx::query("delete from flow_load where seq <= (select max(seq) from flow_load) - ? and seq not in (select max(seq) from flow_load group by hash)")
        .bind(FLOW_LOADS_KEPT)
        .execute(&mut *conn)
        .await?;
    sqlx::query("delete from flow_version where hash not in (select hash from flow_load group by hash order by max(seq) desc limit ?)")
        .bind(FLOW_VERSIONS_KEPT)
        .execute(&mut *conn)
        .await?;
    sqlx::query("delete from flow_load where hash not in (select hash from flow_version)").execute(conn).await?;
    Ok(())
}

/// Every version, the one used last first.
pub(crate) async fn list(conn: &mut SqliteConnection) -> Result<Vec<FlowVersion>, StoreFault> {
    let query = "select v.hash, v.first_loaded, length(cast(v.texts as blob)) as bytes, l.at, l.who, \
                 (select count(*) from flow_load c where c.hash = v.hash) as loads \
                 from flow_version v join flow_load l on l.hash = v.hash \
                 where l.seq = (select max(seq) from flow_load m where m.hash = v.hash) order by l.seq desc";
    let rows = sqlx::query(query).fetch_all(conn).await?;
    rows.iter()
        .map(|row| {
            Ok(FlowVersion {
                hash: row.try_get("hash")?,
                first_loaded: moment(row, "first_loaded")?,
                loaded: moment(row, "at")?,
                by: row.try_get("who")?,
                loads: u64::try_from(row.try_get::<i64, _>("loads")?).unwrap_or_default(),
                bytes: u64::try_from(row.try_get::<i64, _>("bytes")?).unwrap_or_default(),
            })
        })
        .collect()
}

/// The versions whose hash begins so, two at most: with two, more must be said.
pub(crate) async fn find(conn: &mut SqliteConnection, beginning: &str) -> Result<Vec<FlowTexts>, StoreFault> {
    // A hash has no other characters, and these mean nothing to `like`.
    if beginning.is_empty() || !beginning.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Vec::new());
    }
    let rows = sqlx::query("select hash, texts from flow_version where hash like ? || '%' order by hash limit 2")
        .bind(beginning.to_ascii_lowercase())
        .fetch_all(&mut *conn)
        .await?;
    let mut found = Vec::new();
    for row in rows {
        let hash: String = row.try_get("hash")?;
        let loads = sqlx::query("select at, hash, who, instead_of from flow_load where hash = ? order by seq desc").bind(&hash).fetch_all(&mut *conn).await?;
        let loads = loads.iter().map(load).collect::<Result<_, StoreFault>>()?;
        found.push(FlowTexts { hash, texts: row.try_get("texts")?, loads });
    }
    Ok(found)
}

/// What was taken into use last.
pub(crate) async fn last(conn: &mut SqliteConnection) -> Result<Option<FlowLoad>, StoreFault> {
    let row = sqlx::query("select at, hash, who, instead_of from flow_load order by seq desc limit 1").fetch_optional(conn).await?;
    row.as_ref().map(load).transpose()
}

fn load(row: &sqlx::sqlite::SqliteRow) -> Result<FlowLoad, StoreFault> {
    Ok(FlowLoad { at: moment(row, "at")?, hash: row.try_get("hash")?, by: row.try_get("who")?, instead_of: row.try_get("instead_of")? })
}

/// The versions of a data folder, read beside a server that runs, or without one.
#[derive(Debug)]
pub struct FlowArchive(SqliteConnection);

impl FlowArchive {
    /// Opens it for reading; nothing is changed or made.
    ///
    /// # Errors
    /// [`StoreFault::Database`], also when there is none yet.
    pub async fn open(data: &Path) -> Result<Self, StoreFault> {
        let options = SqliteConnectOptions::new().filename(data.join(crate::database::FILE)).read_only(true).disable_statement_logging();
        Ok(Self(options.connect().await?))
    }

    /// As [`crate::Store::flow_versions`].
    ///
    /// # Errors
    /// [`StoreFault::Database`].
    pub async fn versions(&mut self) -> Result<Vec<FlowVersion>, StoreFault> {
        list(&mut self.0).await
    }

    /// As [`crate::Store::find_flow_version`].
    ///
    /// # Errors
    /// [`StoreFault::Database`].
    pub async fn find(&mut self, beginning: &str) -> Result<Vec<FlowTexts>, StoreFault> {
        find(&mut self.0, beginning).await
    }

    /// As [`crate::Store::last_flow_load`].
    ///
    /// # Errors
    /// [`StoreFault::Database`].
    pub async fn last(&mut self) -> Result<Option<FlowLoad>, StoreFault> {
        last(&mut self.0).await
    }

    /// Closes it.
    pub async fn close(self) {
        let _ = self.0.close().await;
    }
}
