//! Why the program did not do what was asked.

use std::{io, path::PathBuf};

use tensor_ml::Error;

use crate::cause::line_of;

/// A command's failure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// What the library said.
    #[error(transparent)]
    Ml(#[from] Error),
    /// A file that cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file whose content is not what it should be.
    #[error("{}: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file that cannot be written.
    #[error("{} cannot be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The result cannot be written.
    #[error("the output cannot be written")]
    Output(#[source] io::Error),
    /// Arguments that do not go together, or one too few.
    #[error("{0}")]
    Usage(String),
    /// Python, which the bench compares with, did not do its part.
    #[error("python: {0}")]
    Python(String),
}

impl Failure {
    /// The failure, its causes, and what to do about it, in one line.
    pub fn to_line(&self) -> String {
        let mut line = line_of(self);
        if let Some(advice) = self.advice() {
            line += &format!(" ({advice})");
        }
        line
    }

    /// 2 for arguments that cannot be, 1 for everything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            _ => 1,
        }
    }

    fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Ml(Error::LibraryNotFound { .. }) => Some(
                "install it with `pip install onnxruntime` and set TENSOR_ML_ORT_LIB to the folder onnxruntime/capi in \
                 it, or use --backend rten",
            ),
            Self::Ml(Error::ProviderUnavailable { .. }) => {
                Some("--device auto takes what is there and says what was passed over")
            }
            _ => None,
        }
    }
}
