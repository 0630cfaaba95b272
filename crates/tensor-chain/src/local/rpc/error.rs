//! JSON-RPC errors with the codes and texts of a Substrate node, since clients match on them.

use crate::local::{
    block::Hash, extrinsic::ExtrinsicError, pool::PoolError, rpc::json, runtime::InvalidTransaction,
};

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
#[non_exhaustive]
pub struct RpcError {
    /// The JSON-RPC code.
    pub code: i32,
    /// The message.
    pub message: String,
    /// More about it, where a node says more.
    pub data: Option<String>,
}

impl RpcError {
    pub(crate) fn new(code: i32, message: impl Into<String>, data: Option<String>) -> Self {
        Self { code, message: message.into(), data }
    }

    /// An error of the transport that answers like this table.
    #[cfg(feature = "ws-server")]
    pub(crate) fn from_parts(code: i32, message: &str, data: Option<String>) -> Self {
        Self::new(code, message, data)
    }

    pub(crate) fn method_not_found() -> Self {
        Self::new(-32_601, "Method not found", None)
    }

    pub(crate) fn invalid_params(what: &str) -> Self {
        Self::new(-32_602, "Invalid params", Some(what.to_owned()))
    }

    /// A read at a block that does not exist.
    pub(crate) fn unknown_block(hash: &Hash) -> Self {
        let hash = json::hex(hash);
        let text =
            format!("Client error: UnknownBlock: Header was not found in the database: {hash}");
        Self::new(4_003, text, None)
    }

    /// A read at a block whose state is gone.
    pub(crate) fn discarded(hash: &Hash) -> Self {
        let hash = json::hex(hash);
        let text = format!("Client error: UnknownBlock: State already discarded for {hash}");
        Self::new(4_003, text, None)
    }

    /// A runtime API that the runtime does not have.
    pub(crate) fn no_such_function(name: &str) -> Self {
        let text = format!(
            "Client error: Execution failed: Other error happened while constructing the runtime: \
             Exported method {name} is not found"
        );
        Self::new(4_003, text, None)
    }

    /// A runtime API that failed.
    pub(crate) fn execution(what: &str) -> Self {
        Self::new(4_003, format!("Client error: Execution failed: {what}"), None)
    }

    /// A page larger than a node serves.
    pub(crate) fn page_too_large(value: u64, max: u64) -> Self {
        let text = format!("count exceeds maximum value. value: {value}, max: {max}");
        Self::new(4_002, text, None)
    }
}

impl From<PoolError> for RpcError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Format(ExtrinsicError::Address) | PoolError::CannotLookup => {
                Self::new(1_011, "Unknown Transaction Validity", Some("CannotLookup".to_owned()))
            }
            PoolError::Format(error) => {
                Self::new(1_001, format!("Extrinsic has invalid format: {error}"), None)
            }
            PoolError::Invalid(invalid) => {
                let data = match invalid {
                    InvalidTransaction::Custom(code) => format!("Custom error: {code}"),
                    other => other.to_string(),
                };
                Self::new(1_010, "Invalid Transaction", Some(data))
            }
            PoolError::Unsigned => Self::new(
                1_011,
                "Unknown Transaction Validity",
                Some("NoUnsignedValidator".to_owned()),
            ),
            PoolError::Banned => Self::new(
                1_012,
                "Transaction is temporarily banned",
                Some("Transaction is temporarily banned".to_owned()),
            ),
            PoolError::AlreadyImported(hash) => {
                Self::new(1_013, "Transaction Already Imported", Some(json::hex(&hash)))
            }
            PoolError::TooLowPriority => Self::new(
                1_014,
                "Priority is too low: (0 vs 0)",
                Some(
                    "The transaction has too low priority to replace another transaction already \
                     in the pool."
                        .to_owned(),
                ),
            ),
            PoolError::Halted => Self::new(-32_603, "Internal error", Some(error.to_string())),
            PoolError::Full => Self::new(
                1_016,
                "Immediately Dropped",
                Some("The transaction couldn't enter the pool because of the limit".to_owned()),
            ),
        }
    }
}
