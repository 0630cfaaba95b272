//! The runtime APIs: what clients ask about subnets, neurons, stake and prices (chain-interface 2).

use super::Runtime;
use super::ctx::Ctx;

/// Why a runtime API fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// The arguments do not decode.
    #[error("Bad input data provided to runtime API")]
    Input,
}

impl Runtime {
    /// Answers a runtime API by its full name; nothing if it is not modelled.
    #[must_use]
    pub fn call_api(&self, cx: &Ctx<'_>, name: &str, args: &[u8]) -> Option<Result<Vec<u8>, ApiError>> {
        let _ = (cx, name, args);
        None
    }
}
