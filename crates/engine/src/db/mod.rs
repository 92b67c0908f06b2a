//! The index and the history in SQLite, reached through sqlx.
//!
//! Nothing here is the truth about a container, image or volume: the files of the data root are.
//! A database that cannot be read is set aside and begun anew.

mod write;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    Row as _, SqlitePool,
    migrate::{Migration, MigrationType, Migrator},
    sqlite::{
        SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
    },
};
use terrarium_api::{Error, ErrorCode, LifecycleEvent, Sample};

use crate::{Result, time::now_ms};

/// Migrations in their order; a landed one never changes.
const MIGRATIONS: [(i64, &str, &str); 1] = [(
    1,
    "index and history",
    include_str!("../../migrations/0001_index_and_history.sql"),
)];

/// The database of a data root.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pool: SqlitePool,
}

/// A database, and where a damaged one was put before it.
pub(crate) struct Opened {
    pub(crate) database: Database,
    pub(crate) set_aside: Option<PathBuf>,
}

impl Database {
    /// Opens `DATA_ROOT/terrarium.db`, brings it up to date, and sets a damaged one aside.
    pub(crate) async fn open(data_root: &Path) -> Result<Opened> {
        let path = data_root.join("terrarium.db");
        match Self::try_open(&path).await {
            Ok(database) => Ok(Opened {
                database,
                set_aside: None,
            }),
            Err(error) if is_damage(&error) => {
                tracing::warn!(path = %path.display(), %error, "the index is damaged and is rebuilt");
                let aside = set_aside(&path)?;
                let database = Self::try_open(&path)
                    .await
                    .map_err(|error| failed("open", &error))?;
                Ok(Opened {
                    database,
                    set_aside: Some(aside),
                })
            }
            Err(error) => Err(failed("open", &error)),
        }
    }

    async fn try_open(path: &Path) -> sqlx::Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A power cut may lose the last moments of the history, never its consistency.
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new()
            .max_connections(2)
            .connect_with(options)
            .await?;
        let database = Self { pool };
        database.check_and_migrate().await?;
        Ok(database)
    }

    async fn check_and_migrate(&self) -> sqlx::Result<()> {
        let verdict: String = sqlx::query_scalar("PRAGMA quick_check(1)")
            .fetch_one(&self.pool)
            .await?;
        if verdict != "ok" {
            return Err(sqlx::Error::Protocol(verdict));
        }
        let migrations = MIGRATIONS.map(|(version, description, sql)| {
            let sql = sqlx::SqlStr::from_static(sql);
            Migration::new(
                version,
                description.into(),
                MigrationType::Simple,
                sql,
                false,
            )
        });
        Migrator::with_migrations(migrations.into())
            .run(&self.pool)
            .await?;
        Ok(())
    }

    /// The newest lifecycle events, newest first.
    pub(crate) async fn recent_events(&self, limit: u32) -> Result<Vec<LifecycleEvent>> {
        let query = sqlx::query("SELECT * FROM events ORDER BY at_ns DESC LIMIT ?").bind(limit);
        let rows = query
            .fetch_all(&self.pool)
            .await
            .map_err(|error| failed("read events from", &error))?;
        Ok(rows.iter().filter_map(event).collect())
    }

    /// Lifecycle events of a time span, oldest first.
    pub(crate) async fn events_between(
        &self,
        since_ns: u64,
        until_ns: u64,
    ) -> Result<Vec<LifecycleEvent>> {
        let query = sqlx::query("SELECT * FROM events WHERE at_ns BETWEEN ? AND ? ORDER BY at_ns")
            .bind(saturated(since_ns))
            .bind(saturated(until_ns));
        let rows = query
            .fetch_all(&self.pool)
            .await
            .map_err(|error| failed("read events from", &error))?;
        Ok(rows.iter().filter_map(event).collect())
    }

    /// The samples of a container since `from_ms`, oldest first.
    pub(crate) async fn samples(&self, container: &str, from_ms: u64) -> Result<Vec<Sample>> {
        let query = "SELECT value FROM samples WHERE container = ? AND at_ms >= ? ORDER BY at_ms";
        let query = sqlx::query_scalar::<_, String>(query)
            .bind(container)
            .bind(saturated(from_ms));
        let rows = query
            .fetch_all(&self.pool)
            .await
            .map_err(|error| failed("read samples from", &error))?;
        Ok(rows
            .iter()
            .filter_map(|text| serde_json::from_str(text).ok())
            .collect())
    }

    /// Waits for what is being written and closes the files.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

fn event(row: &SqliteRow) -> Option<LifecycleEvent> {
    Some(LifecycleEvent {
        at_ns: row.try_get::<i64, _>("at_ns").ok()?.try_into().ok()?,
        kind: row.try_get("kind").ok()?,
        action: row.try_get("action").ok()?,
        id: row.try_get("id").ok()?,
        attributes: serde_json::from_str(row.try_get("attributes").ok()?).ok()?,
    })
}

fn saturated(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Whether a new file would mend it; a full disk or a missing right would stay.
fn is_damage(error: &sqlx::Error) -> bool {
    match error {
        // SQLITE_CORRUPT and SQLITE_NOTADB, with their extended codes.
        sqlx::Error::Database(error) => {
            let code = error
                .code()
                .and_then(|code| code.parse::<u32>().ok())
                .unwrap_or_default();
            matches!(code & 0xff, 11 | 26)
        }
        sqlx::Error::Protocol(_) | sqlx::Error::Migrate(_) => true,
        _ => false,
    }
}

fn set_aside(path: &Path) -> Result<PathBuf> {
    use crate::error::Context as _;
    let aside = path.with_file_name(format!("terrarium.db.damaged-{}", now_ms()));
    fs::rename(path, &aside).context(|| format!("set {} aside", path.display()))?;
    for suffix in ["-wal", "-shm"] {
        // They belong to the file that was moved, and may never have been there.
        let _ = fs::remove_file(path.with_file_name(format!("terrarium.db{suffix}")));
    }
    Ok(aside)
}

fn failed(what: &str, error: &sqlx::Error) -> Error {
    Error::new(
        ErrorCode::DatabaseDamaged,
        format!("{what} the index terrarium.db"),
    )
    .because(error)
    .hint("the index can be deleted while Terrarium is closed: it is rebuilt at the next start")
}

#[cfg(test)]
mod tests;
