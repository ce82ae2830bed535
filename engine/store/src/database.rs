//! Opening the database: migrations, durability, and what happens when the file cannot be read.

use crate::{Recovered, StoreFault, limits, recovery, seal};
use sqlx::{
    ConnectOptions, Connection, Row, SqliteConnection, SqlitePool,
    migrate::{Migration, MigrationType, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{borrow::Cow, path::Path, time::Duration};

pub(crate) const FILE: &str = "callflow.db";
const BEGUN: &str = "callflow.db.begun";
/// Files up to this size are checked page by page at every start (64 MB take about 0.1 s).
const CHECKED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Every migration, oldest first; never changed once released.
fn migrations() -> Vec<Migration> {
    use sqlx::SqlSafeStr as _;
    let simple = |version, name: &'static str, sql| Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sql, false);
    vec![
        simple(1, "first", include_str!("../migrations/0001_first.sql").into_sql_str()),
        simple(2, "recordings and pins", include_str!("../migrations/0002_recordings_and_pins.sql").into_sql_str()),
        simple(3, "flow versions", include_str!("../migrations/0003_flow_versions.sql").into_sql_str()),
        simple(4, "pin hour", include_str!("../migrations/0004_pin_hour.sql").into_sql_str()),
    ]
}

/// Whether rows must be made again from the descriptions beside the messages.
pub(crate) struct Opened {
    pub(crate) writer: SqliteConnection,
    pub(crate) readers: SqlitePool,
    pub(crate) is_new: bool,
}

/// Opens the database of a data folder; one that cannot be read is quarantined with its journal and a new one begun.
pub(crate) async fn open(root: &Path, told: &mut Recovered) -> Result<Opened, StoreFault> {
    let path = root.join(FILE);
    let existed = path.exists();
    if !existed {
        begin(root)?;
    }
    match try_open(&path).await {
        // One whose rows were still being made when the engine died is new, too.
        Ok((writer, readers)) => Ok(Opened { writer, readers, is_new: root.join(BEGUN).exists() }),
        Err(fault) if existed && is_corrupt(&fault) => {
            begin(root)?;
            for suffix in ["", "-wal", "-shm"] {
                let part = root.join(format!("{FILE}{suffix}"));
                if part.exists() {
                    recovery::quarantine(root, &part, &fault.to_string(), told);
                }
            }
            let (writer, readers) = try_open(&path).await?;
            Ok(Opened { writer, readers, is_new: true })
        }
        Err(fault) => Err(fault.into()),
    }
}

/// Says on disk that a database is begun, so that a start that dies before its rows are made is made up for by the next.
fn begin(root: &Path) -> Result<(), StoreFault> {
    seal::write_safely(&root.join(BEGUN), &[])?;
    seal::sync_folder(root)
}

/// Every row is made of what lay in the folders.
pub(crate) fn is_whole(root: &Path) {
    let begun = root.join(BEGUN);
    if let Err(fault) = std::fs::remove_file(&begun) {
        tracing::warn!(path = %begun.display(), %fault, "the next start looks through the folders again");
    }
}

async fn try_open(path: &Path) -> Result<(SqliteConnection, SqlitePool), sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5))
        .foreign_keys(true)
        .disable_statement_logging();
    let mut writer = options.connect().await?;
    if std::fs::metadata(path).is_ok_and(|file| file.len() <= CHECKED_BYTES_MAX) {
        let verdict: String = sqlx::query("pragma quick_check(1)").fetch_one(&mut writer).await?.try_get(0)?;
        if verdict != "ok" {
            writer.close().await?;
            return Err(sqlx::Error::Protocol(format!("{CORRUPT}: {verdict}")));
        }
    }
    if let Err(fault) = Migrator::with_migrations(migrations()).run_direct(None, &mut writer, false).await {
        writer.close().await?;
        return Err(sqlx::Error::Migrate(Box::new(fault)));
    }
    let readers = SqlitePoolOptions::new().max_connections(limits::READERS_MAX).connect_with(options).await?;
    Ok((writer, readers))
}

const CORRUPT: &str = "database is malformed";

fn is_corrupt(fault: &sqlx::Error) -> bool {
    let text = fault.to_string();
    // SQLITE_CORRUPT (11) and SQLITE_NOTADB (26), by their fixed texts; our own verdict above.
    ["malformed", "not a database", CORRUPT].iter().any(|sign| text.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;
    use terms::{Name, UnixMs};
    use voicemail::PinTry;

    /// Wrong PINs that were counted by their number go on counting.
    #[tokio::test]
    async fn a_database_of_before_keeps_its_wrong_pins() {
        let dir = tempfile::tempdir().unwrap();
        let options = SqliteConnectOptions::new().filename(dir.path().join(FILE)).create_if_missing(true);
        let mut old = options.connect().await.unwrap();
        Migrator::with_migrations(migrations().drain(..3).collect()).run_direct(None, &mut old, false).await.unwrap();
        let rows = "insert into pin_guard (realm, mailbox, wrong, since, locked_until, locks) values ('home', 'nine', 9, 1000, 0, 1), ('home', 'none', 0, 0, 0, 0)";
        sqlx::query(rows).execute(&mut old).await.unwrap();
        old.close().await.unwrap();
        let mut opened = open(dir.path(), &mut Recovered::default()).await.unwrap();
        assert!(!opened.is_new);
        let name = |text| Name::new(text).unwrap();
        for (mailbox, second) in [("nine", PinTry::Locked { until: UnixMs(2_000 + 30 * 60_000) }), ("none", PinTry::Allowed)] {
            let (realm, mailbox) = (name("home"), name(mailbox));
            assert_eq!(crate::pins::attempt(&mut opened.writer, &realm, &mailbox, UnixMs(2_000)).await.unwrap(), PinTry::Allowed);
            assert_eq!(crate::pins::attempt(&mut opened.writer, &realm, &mailbox, UnixMs(2_001)).await.unwrap(), second, "{mailbox}");
        }
    }
}
