//! The chain as neurons see it: [`Chain`].

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;

use crate::BoxError;
use crate::call::Call;
use crate::key::Signer;
use crate::metagraph::Metagraph;
use crate::network::{BlockNumber, NetUid};
use crate::receipt::Receipt;

/// A chain that can be read, written and followed.
///
/// The real chain and the local one are both reached through tensor-chain's client; tests may bring
/// their own. Dropping any future is safe, except that a submission already sent may still land.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no chain",
    note = "use tensor-chain's `Subtensor`, the fake of tensor-core's feature `testing`, or implement `Chain`"
)]
pub trait Chain: Send + Sync {
    /// The subnet's metagraph as of one block.
    ///
    /// # Errors
    /// [`ChainError::NoSuchSubnet`], or what kept it from being read.
    async fn metagraph(&self, netuid: NetUid, at: At) -> Result<Metagraph, ChainError>;

    /// Signs the call, submits it and follows it until it is in a block and its events are checked.
    ///
    /// # Errors
    /// [`ChainError::Rejected`] before inclusion, [`ChainError::Dispatch`] after it;
    /// [`ChainError::FateUnknown`] when nobody can say.
    async fn submit(&self, call: Call, signer: &dyn Signer) -> Result<Receipt, ChainError>;

    /// The chain's heads from now on, each once, heights rising. This stream is the clock of
    /// everything that runs by blocks. An error item is a gap, not the end.
    fn headers(&self) -> BoxStream<'static, Result<Header, ChainError>>;
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        #[async_trait]
        impl<T: Chain + ?Sized> Chain for $pointer {
            async fn metagraph(&self, netuid: NetUid, at: At) -> Result<Metagraph, ChainError> {
                (**self).metagraph(netuid, at).await
            }

            async fn submit(&self, call: Call, signer: &dyn Signer) -> Result<Receipt, ChainError> {
                (**self).submit(call, signer).await
            }

            fn headers(&self) -> BoxStream<'static, Result<Header, ChainError>> {
                (**self).headers()
            }
        }
    )*};
}

forward!(&T, Box<T>, Arc<T>);

/// At which block to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum At {
    /// The newest block.
    #[default]
    Head,
    /// The newest block that stays.
    Finalized,
    /// The block of that height.
    Number(BlockNumber),
    /// The block of that hash.
    Hash([u8; 32]),
}

/// A block's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Header {
    /// The height.
    pub number: BlockNumber,
    /// The block's hash.
    pub hash: [u8; 32],
    /// The hash of the block before.
    pub parent: [u8; 32],
}

impl Header {
    /// Names a block.
    pub const fn new(number: BlockNumber, hash: [u8; 32], parent: [u8; 32]) -> Self {
        Self { number, hash, parent }
    }
}

/// Why the chain was not read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// The subnet does not exist at that block.
    #[error("subnet {0} does not exist")]
    NoSuchSubnet(NetUid),
    /// The block is unknown to the node or its state is gone; an archive node may have it.
    #[error("the block is unknown or its state is pruned")]
    UnknownBlock,
    /// The node refused the extrinsic: it is in no block, no fee was paid.
    #[error("the node refused the extrinsic: {reason}")]
    Rejected {
        /// The node's reason, by name where it has one (`Stale`, `Payment`, `RateLimitExceeded`).
        reason: String,
        /// Whether the same call, signed anew a block later, may pass.
        retryable: bool,
    },
    /// The call was included and failed: its fee is paid, nothing else changed.
    #[error("the chain refused {call}: {pallet}.{name}")]
    Dispatch {
        /// The call that failed.
        call: String,
        /// The pallet whose rule it broke.
        pallet: String,
        /// The rule's name in that block's metadata.
        name: String,
    },
    /// The extrinsic was sent and the connection lost: look before sending it again.
    #[error("the extrinsic was sent, its fate is unknown")]
    FateUnknown,
    /// The runtime lacks something by name, after an upgrade perhaps.
    #[error("the runtime has no {0}")]
    Missing(String),
    /// The runtime has it in a shape that cannot be read.
    #[error("{what} cannot be read")]
    Decode {
        /// What was read.
        what: String,
        /// Why not.
        #[source]
        source: BoxError,
    },
    /// The call does not fit the runtime's definition of it.
    #[error("{call} does not fit the runtime")]
    Encode {
        /// The call.
        call: String,
        /// Why not.
        #[source]
        source: BoxError,
    },
    /// A policy forbids signing this.
    #[error("the policy forbids it: {0}")]
    Policy(String),
    /// The key could not sign.
    #[error("the extrinsic could not be signed")]
    Sign(#[from] crate::key::SignError),
    /// The node is not reachable.
    #[error("the node is not reachable")]
    Disconnected(#[source] BoxError),
}

impl ChainError {
    /// Whether trying again, a block later, may help.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Disconnected(_) | Self::Rejected { retryable: true, .. })
    }
}

const _: () = {
    fn _dyn(_: &dyn Chain) {}
};
