//! What can go wrong with the disk, one variant for each decision a caller can make.

use std::path::PathBuf;

/// Why the store could not do as asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreFault {
    /// Another engine uses this data folder.
    #[error("data folder {0} is in use by another engine")]
    InUse(PathBuf),
    /// A file or folder could not be made, read or written.
    #[error("{path}: {what}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        what: String,
    },
    /// The database refused.
    #[error("database: {0}")]
    Database(String),
    /// More is asked at once than is taken.
    #[error("store is busy: {0} writes wait")]
    Busy(usize),
    /// The store is closing.
    #[error("store is closed")]
    Closed,
    /// A value that cannot be kept, such as a webhook body over its limit.
    #[error("{0}")]
    Refused(String),
}

impl StoreFault {
    pub(crate) fn file(path: &std::path::Path, what: &std::io::Error) -> Self {
        Self::File { path: path.to_owned(), what: what.to_string() }
    }
}

impl From<sqlx::Error> for StoreFault {
    fn from(fault: sqlx::Error) -> Self {
        Self::Database(fault.to_string())
    }
}
