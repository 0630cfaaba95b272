//! Why nothing could be sent: [`Failure`].

use std::io;

use crate::hotkey::HotkeyError;

/// Why no request was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// Arguments that cannot be.
    #[error("{0}")]
    Usage(String),
    /// The body is no JSON.
    #[error("--json takes a JSON text")]
    Body(#[source] serde_json::Error),
    /// There is no key.
    #[error(transparent)]
    Key(#[from] HotkeyError),
    /// A line cannot be written.
    #[error("the output cannot be written")]
    Output(#[source] io::Error),
}
