//! The one error of this crate: what went wrong, with the data a caller can act on.

use std::{fmt, io, path::PathBuf};

use crate::device::Device;

/// A foreign cause, kept as the source of an [`Error`].
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// Why inference did not happen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No candidate was a usable ONNX Runtime library. Every place that was tried is listed with its reason.
    #[error(
        "no usable ONNX Runtime library (get one with `pip install onnxruntime`, or name one in TENSOR_ML_ORT_LIB); tried: {}",
        list(tried)
    )]
    LibraryNotFound {
        /// Candidates in the order in which they were tried.
        tried: Vec<LibraryAttempt>,
    },
    /// A process holds one ONNX Runtime library, and another one is loaded already.
    #[error("ONNX Runtime is already loaded from {loaded}; one process uses one library, so {asked} cannot be loaded", loaded = .loaded.display(), asked = .asked.display())]
    LibraryConflict {
        /// The library in use.
        loaded: PathBuf,
        /// The library that was asked for.
        asked: PathBuf,
    },
    /// The backend is not part of this build or not known.
    #[error("backend `{backend}` is not available: {reason}")]
    BackendUnavailable {
        /// Name of the backend.
        backend: String,
        /// What is missing, and how to get it.
        reason: String,
    },
    /// The device asked for cannot be used. Nothing else was used in its place.
    #[error("device {device} is not available: {reason}")]
    ProviderUnavailable {
        /// The device asked for.
        device: Device,
        /// What is missing.
        reason: String,
    },
    /// A file could not be read.
    #[error("{path} cannot be read", path = .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The model file is not an ONNX model that the backend can load.
    #[error("model {model} cannot be loaded")]
    Model {
        /// Path or name of the model.
        model: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// A graph names a data file outside its folder, or one that is not there.
    #[error("external data `{location}` of {model}: {reason}")]
    ExternalData {
        /// Path or name of the model.
        model: String,
        /// The location as written in the graph.
        location: String,
        /// Why it is refused.
        reason: String,
    },
    /// A model does not keep the limits for models of strangers.
    #[error("model {model} is refused: {reason}")]
    Refused {
        /// Path or name of the model.
        model: String,
        /// The limit, and what was found.
        reason: String,
    },
    /// A configuration file is missing, malformed, or asks for what is not supported.
    #[error("{path}: {reason}", path = .path.display())]
    Config {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A row of a dataset is not what it should be.
    #[error("{path}, line {line}: {reason}", path = .path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// The line, from 1; the row where the format has no lines.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// An input is missing, unknown, or of another type or shape than the model takes.
    #[error("input `{name}`: expected {expected}, got {got}")]
    Input {
        /// Name of the input.
        name: String,
        /// What the model takes.
        expected: String,
        /// What was given.
        got: String,
    },
    /// An output is missing or of another type or shape than the caller can use.
    #[error("output `{name}`: expected {expected}, got {got}")]
    Output {
        /// Name of the output.
        name: String,
        /// What the caller needs.
        expected: String,
        /// What the model has.
        got: String,
    },
    /// A tensor's data and shape, or its type and the one asked for, do not fit.
    #[error("tensor: expected {expected}, got {got}")]
    Tensor {
        /// What was asked for.
        expected: String,
        /// What is there.
        got: String,
    },
    /// The text could not be tokenized, or the tokenizer not loaded.
    #[error("tokenizer")]
    Tokenizer(#[source] BoxError),
    /// The backend refused or broke off a run.
    #[error("{backend} failed to run the model")]
    Backend {
        /// Name of the backend.
        backend: &'static str,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// An engine elsewhere refused or broke off a request.
    #[error("{url}: {}{reason}", status.map(|status| format!("status {status}: ")).unwrap_or_default())]
    Remote {
        /// The beginning of its addresses.
        url: String,
        /// The status that it answered with; nothing when there was no answer, or one that cannot be read.
        status: Option<u16>,
        /// What it said, or what went wrong on the way.
        reason: String,
    },
    /// A file from a hub is not the one that the hub says it is. It was not kept.
    #[error("{file}: its digest is {got}, not {expected}")]
    Checksum {
        /// Its path in the model's folder.
        file: String,
        /// The hub's digest.
        expected: String,
        /// That of what came.
        got: String,
    },
    /// The caller cancelled the request.
    #[error("cancelled")]
    Cancelled,
    /// The request's deadline passed, or would have before an answer.
    #[error("deadline exceeded")]
    DeadlineExceeded,
    /// The queue is full. Try again later or elsewhere.
    #[error("busy: {queued} of {limit} queue places taken")]
    Busy {
        /// Requests waiting.
        queued: usize,
        /// The limit that was reached.
        limit: usize,
    },
    /// The worker has stopped: it was shut down, or its task panicked.
    #[error("the worker has stopped")]
    Stopped,
    /// An argument is out of its range.
    #[error("{what}: {reason}")]
    Argument {
        /// Which argument.
        what: &'static str,
        /// Its range, and what was given.
        reason: String,
    },
}

impl Error {
    /// Whether the same request may succeed later, unchanged.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::DeadlineExceeded => true,
            // No answer, or one that says so.
            Self::Remote { status, .. } => {
                matches!(status, None | Some(408 | 429 | 502 | 503 | 504))
            }
            _ => false,
        }
    }

    pub(crate) fn config(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::Config { path: path.into(), reason: reason.into() }
    }

    pub(crate) fn io(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }

    /// The error and its causes in one line, for reports that have no place for a chain.
    pub(crate) fn chain(&self) -> String {
        chain_of(self)
    }
}

/// One place where an ONNX Runtime library was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LibraryAttempt {
    /// The file, folder or library name that was tried.
    pub path: PathBuf,
    /// What made it a candidate, such as the name of an environment variable.
    pub origin: String,
    /// Why it is not usable.
    pub fault: LibraryFault,
}

impl fmt::Display for LibraryAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.path.display(), self.origin, self.fault)
    }
}

/// What is wrong with a candidate library.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LibraryFault {
    /// There is no such file, or the folder holds no ONNX Runtime library.
    #[error("not found")]
    Missing,
    /// The system's loader refused the file.
    #[error("not loadable: {0}")]
    Unloadable(String),
    /// The library loads but is not ONNX Runtime.
    #[error("not an ONNX Runtime library")]
    Alien,
    /// The library is ONNX Runtime, of a version older than the oldest supported one.
    #[error("version {found} is too old, 1.{oldest_minor} or newer is needed")]
    TooOld {
        /// Version that the library states.
        found: String,
        /// Oldest supported minor version.
        oldest_minor: u32,
    },
    /// The library is of the right version and still did not start.
    #[error("did not start: {0}")]
    Start(String),
}

/// Joins an error and its sources, each once.
#[allow(dead_code, reason = "used by some feature sets only")]
pub(crate) fn chain_of(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let part = error.to_string();
        if !text.contains(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        cause = error.source();
    }
    text
}

fn list(tried: &[LibraryAttempt]) -> String {
    if tried.is_empty() {
        return "nothing (no place to look was given)".into();
    }
    tried.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
