//! Why weights cannot be set: [`WeightsRefused`].

use tensor_core::weights::WeightsError;
use tensor_core::{BlockNumber, Hotkey, MechId, NetUid, Uid};

/// Why weights cannot be set, whatever the block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsRefused {
    /// The hotkey has no slot in the subnet.
    #[error("hotkey {0} is not registered")]
    NotRegistered(Hotkey),
    /// The hotkey may not weigh others.
    #[error("uid {0} has no validator permit")]
    NoPermit(Uid),
    /// A uid is not taken.
    #[error("uid {uid} does not exist: the subnet has {neurons} neurons")]
    UnknownUid {
        /// The uid.
        uid: Uid,
        /// How many neurons there are.
        neurons: u16,
    },
    /// Too few uids have a weight.
    #[error("{got} uids have a weight, the subnet wants {least}")]
    TooFew {
        /// How many have.
        got: usize,
        /// How many must.
        least: u16,
    },
    /// The software is too old for the subnet.
    #[error("version key {got} is older than the subnet's {least}")]
    OldVersion {
        /// What was given.
        got: u64,
        /// What the subnet wants.
        least: u64,
    },
    /// Scores are no weights.
    #[error(transparent)]
    Scores(WeightsError),
    /// Root takes no weights.
    #[error("root takes no weights")]
    Root,
    /// The mechanism does not exist.
    #[error("subnet {netuid} has {count} mechanisms, none is number {mechanism}")]
    NoMechanism {
        /// The subnet.
        netuid: NetUid,
        /// The mechanism.
        mechanism: MechId,
        /// How many there are.
        count: u64,
    },
    /// The subnet takes commitments only, and this build cannot make them.
    #[error("the subnet takes timelocked commitments only: build with feature `timelock`")]
    CommitsOnly,
    /// The subnet takes commitments in a form that this crate does not know.
    #[error("the chain wants commitments of version {0}, this crate makes version 4")]
    CommitVersion(u64),
    /// The subnet never has an epoch, so nothing would ever be revealed.
    #[error("the subnet has no epochs")]
    NoEpochs,
    /// What is stored after inclusion is not what was sent.
    #[error("block {0} includes the call, but other weights are stored")]
    NotStored(BlockNumber),
}
