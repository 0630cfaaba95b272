//! The crate's one error: [`Error`], with what to do about it.

mod code;
mod rejection;

use tensor_core::chain::ChainError;
use tensor_core::key::SignError;
use tensor_core::receipt::Receipt;
use tensor_core::{BoxError, NetUid};

pub use code::ErrorCode;
pub use rejection::{Reason, Rejection};

use crate::client::WeightsRefused;
use crate::client::endpoints::Disagreement;
use crate::codec::{
    DecodeError, DispatchFailure, EncodeError, MetadataError, Missing, StorageKeyError, TypedError,
};
use crate::policy::Violation;

/// Why the chain was not read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The connection is lost, or nothing answers.
    #[error("the node is not reachable")]
    Disconnected(#[source] BoxError),
    /// The nodes that must vouch for an answer gave different ones: at least one of them lies or errs.
    #[error(transparent)]
    Disagreement(#[from] Disagreement),
    /// The node answered with an error.
    #[error("the node refused {method}: {message} ({code})")]
    Rpc {
        /// What was asked.
        method: String,
        /// The JSON-RPC error code.
        code: i32,
        /// The node's words.
        message: String,
    },
    /// The node answered with something that is no answer.
    #[error("the answer to {method} cannot be read")]
    Answer {
        /// What was asked.
        method: String,
        /// Why not.
        #[source]
        source: BoxError,
    },
    /// The block is unknown to the node or its state is gone; an archive node may have it.
    #[error("the block is unknown or its state is pruned")]
    UnknownBlock,
    /// The subnet does not exist at that block.
    #[error("subnet {0} does not exist")]
    NoSuchSubnet(NetUid),
    /// The runtime lacks something by name, after an upgrade perhaps.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// Bytes of the chain do not fit its metadata, or not what this crate expects of them.
    #[error("{what} cannot be read")]
    Decode {
        /// What was read.
        what: String,
        /// Why not.
        #[source]
        source: BoxError,
    },
    /// The metadata cannot be read.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// A call does not fit the runtime's definition of it.
    #[error("{call} does not fit the runtime")]
    Encode {
        /// The call, or the runtime API's name.
        call: String,
        /// Why not.
        #[source]
        source: EncodeError,
    },
    /// A storage key does not fit the runtime's definition of it.
    #[error(transparent)]
    StorageKey(#[from] StorageKeyError),
    /// The node refused the extrinsic: it is in no block, no fee was paid.
    #[error("the node refused {call}: {rejection}")]
    Rejected {
        /// The call.
        call: String,
        /// The node's reason.
        rejection: Rejection,
    },
    /// The call was included and failed. Its fee is paid, nothing else changed.
    #[error("the chain refused {}: {}.{}", .0.call, .0.failure.pallet, .0.failure.name)]
    Dispatch(Box<FailedDispatch>),
    /// The extrinsic was sent, and nobody can say what became of it. Look before sending it again:
    /// it is still valid until its era ends.
    #[error("the extrinsic 0x{} was sent, its fate is unknown", hex::encode(extrinsic_hash))]
    FateUnknown {
        /// The extrinsic's hash.
        extrinsic_hash: [u8; 32],
        /// What kept it from being followed.
        #[source]
        source: Option<BoxError>,
    },
    /// The policy forbids signing this.
    #[error("the policy forbids it: {0}")]
    Policy(#[from] Violation),
    /// The weights cannot be set, whatever the block.
    #[error(transparent)]
    Weights(#[from] WeightsRefused),
    /// What is asked for makes no sense before any node is asked.
    #[error("{0}")]
    Invalid(String),
    /// The key could not sign.
    #[error("the extrinsic could not be signed")]
    Sign(#[from] SignError),
}

/// A call that was included and failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailedDispatch {
    /// The call, `Pallet.name`.
    pub call: String,
    /// The rule that it broke, named by that block's metadata.
    pub failure: DispatchFailure,
    /// Where it was included, what it cost, what happened.
    pub receipt: Receipt,
}

impl Error {
    /// Whether trying again, a block later, may help.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Disconnected(_) => true,
            Self::Rejected { rejection, .. } => rejection.is_retryable(),
            _ => false,
        }
    }

    /// The kind of failure.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NoSuchSubnet(_) => ErrorCode::SubnetNotExists,
            Self::UnknownBlock | Self::Missing(_) => ErrorCode::NotFound,
            Self::Encode { .. } | Self::StorageKey(_) | Self::Invalid(_) => {
                ErrorCode::InvalidArgument
            }
            Self::Rejected { rejection, .. } => rejection.error_code(),
            Self::Dispatch(failed) => failed.failure.code(),
            Self::Policy(_) => ErrorCode::PolicyViolation,
            Self::Weights(refused) => match refused {
                WeightsRefused::NotRegistered(_) => ErrorCode::NotRegistered,
                WeightsRefused::NoPermit(_) => ErrorCode::NotAuthorized,
                WeightsRefused::CommitsOnly => ErrorCode::Disabled,
                WeightsRefused::NotStored(_) => ErrorCode::Internal,
                _ => ErrorCode::InvalidArgument,
            },
            Self::Sign(_) => ErrorCode::NotAuthorized,
            Self::Disconnected(_)
            | Self::Disagreement(_)
            | Self::Rpc { .. }
            | Self::Answer { .. }
            | Self::Decode { .. }
            | Self::Metadata(_) => ErrorCode::Internal,
            Self::FateUnknown { .. } => ErrorCode::Unknown,
        }
    }

    /// What to do about it, in a sentence for people.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::FateUnknown { .. } => {
                "look for the extrinsic's hash on chain; it stays valid until its era ends"
            }
            Self::UnknownBlock => "ask an archive node",
            Self::Disagreement(_) => "compare the nodes, and leave out the one that differs",
            Self::Missing(_) => "the runtime was upgraded: update this crate, or use the new name",
            error => error.code().remedy(),
        }
    }

    pub(crate) fn decode(what: impl Into<String>, source: impl Into<BoxError>) -> Self {
        Self::Decode { what: what.into(), source: source.into() }
    }

    pub(crate) fn encode(call: impl Into<String>, source: EncodeError) -> Self {
        Self::Encode { call: call.into(), source }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::decode("the chain's answer", error)
    }
}

impl From<TypedError> for Error {
    fn from(error: TypedError) -> Self {
        Self::decode("the chain's answer", error)
    }
}

impl From<Error> for ChainError {
    fn from(error: Error) -> Self {
        match error {
            Error::Disconnected(source) => Self::Disconnected(source),
            Error::UnknownBlock => Self::UnknownBlock,
            Error::NoSuchSubnet(netuid) => Self::NoSuchSubnet(netuid),
            Error::Missing(missing) => Self::Missing(format!("{} {}", missing.kind, missing.name)),
            Error::Decode { what, source } => Self::Decode { what, source },
            Error::Encode { call, source } => match source.missing() {
                Some(missing) => Self::Missing(missing),
                None => Self::Encode { call, source: source.into() },
            },
            Error::StorageKey(source) => {
                Self::Encode { call: "a storage key".to_owned(), source: source.into() }
            }
            Error::Rejected { rejection, .. } => Self::Rejected {
                retryable: rejection.is_retryable(),
                reason: rejection.reason.to_string(),
            },
            Error::Dispatch(failed) => Self::Dispatch {
                call: failed.call,
                pallet: failed.failure.pallet,
                name: failed.failure.name,
            },
            Error::FateUnknown { .. } => Self::FateUnknown,
            Error::Policy(violation) => Self::Policy(violation.to_string()),
            Error::Sign(error) => Self::Sign(error),
            Error::Weights(refused) => {
                Self::Rejected { reason: refused.to_string(), retryable: false }
            }
            Error::Invalid(message) => Self::Rejected { reason: message, retryable: false },
            error @ (Error::Rpc { .. } | Error::Disagreement(_) | Error::Answer { .. }) => {
                Self::Decode { what: "the node's answer".to_owned(), source: error.into() }
            }
            Error::Metadata(error) => {
                Self::Decode { what: "the metadata".to_owned(), source: error.into() }
            }
        }
    }
}
