//! Why a chain cannot be kept on disk.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::local::InterfaceError;

/// Why a folder cannot be used, or a block cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DurableError {
    /// The interface lacks what the rules need.
    #[error("the interface cannot be used")]
    Interface(#[from] InterfaceError),
    /// A process has the folder open.
    #[error("{path} is open in another process; stop that one, or use another folder")]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// Another version of this crate wrote the folder.
    #[error("{path} is of schema version {found}, and this program knows {known}")]
    Schema {
        /// The folder.
        path: PathBuf,
        /// The version there.
        found: u32,
        /// The version of this crate.
        known: u32,
    },
    /// The folder holds another chain than the one that was asked for.
    #[error("{path} holds a chain whose {what} is {found}, not {asked}")]
    OtherChain {
        /// The folder.
        path: PathBuf,
        /// What differs.
        what: &'static str,
        /// What the chain there has.
        found: String,
        /// What was asked for.
        asked: String,
    },
    /// The folder holds a chain, and a new one was to be written.
    #[error("{path} holds a chain already")]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A chain whose interface has changed since its genesis is not kept.
    #[error("a chain whose interface was upgraded cannot be kept on disk")]
    Upgraded,
    /// What is there is no chain, or contradicts itself.
    #[error("{path} does not hold a sound chain: {what}")]
    Corrupt {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// No room is left. The block in flight was not written; all before it are there.
    #[error("the disk of {path} is full; make room and start again")]
    Full {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file system refuses something else.
    #[error("{path} cannot be read or written")]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The database refuses something else.
    #[error("the database in {path} cannot be used")]
    Database {
        /// The folder.
        path: PathBuf,
        /// What it said.
        #[source]
        source: Box<redb::Error>,
    },
}

/// What the database said about the folder at `path`.
pub(super) fn at(path: &Path, error: impl Into<redb::Error>) -> DurableError {
    let path = path.to_owned();
    match error.into() {
        redb::Error::DatabaseAlreadyOpen => DurableError::Locked { path },
        redb::Error::Corrupted(what) => DurableError::Corrupt { path, what },
        redb::Error::Io(source) => match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                DurableError::Full { path, source }
            }
            ErrorKind::InvalidData => DurableError::Corrupt { path, what: source.to_string() },
            _ => DurableError::Io { path, source },
        },
        other => DurableError::Database { path, source: Box::new(other) },
    }
}

/// Something in the folder at `path` is not as this crate writes it.
pub(super) fn corrupt(path: &Path, what: impl Into<String>) -> DurableError {
    DurableError::Corrupt { path: path.to_owned(), what: what.into() }
}
