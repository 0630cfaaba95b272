//! Weights as single calls. What brings scores on chain with all checks is
//! [`Subtensor::set_weights`](crate::client::Subtensor::set_weights).

use tensor_core::{MechId, NetUid};

use super::intents;

intents! {
    /// Sets weights in the open. Refused while the subnet commits and reveals.
    SetPlainWeights, "set_weights", Hotkey, "SubtensorModule"."set_mechanism_weights" {
        /// The subnet.
        netuid: NetUid => "netuid",
        /// The mechanism.
        mechanism: MechId => "mecid",
        /// Whom they are on.
        uids: Vec<u16> => "dests",
        /// How much.
        values: Vec<u16> => "weights",
        /// The version of the validator's software.
        version_key: u64 => "version_key",
    }
    /// Commits to weights that drand's round opens.
    CommitTimelockedWeights, "commit_weights", Hotkey,
        "SubtensorModule"."commit_timelocked_mechanism_weights" {
        /// The subnet.
        netuid: NetUid => "netuid",
        /// The mechanism.
        mechanism: MechId => "mecid",
        /// The ciphertext.
        commit: Vec<u8> => "commit",
        /// The round that opens it.
        reveal_round: u64 => "reveal_round",
        /// The form of the ciphertext; 4 at runtime 461.
        version: u16 => "commit_reveal_version",
    }
    /// Reveals weights that were committed to by their hash.
    RevealWeights, "reveal_weights", Hotkey, "SubtensorModule"."reveal_mechanism_weights" {
        /// The subnet.
        netuid: NetUid => "netuid",
        /// The mechanism.
        mechanism: MechId => "mecid",
        /// Whom they are on.
        uids: Vec<u16> => "uids",
        /// How much.
        values: Vec<u16> => "values",
        /// What was hashed with them.
        salt: Vec<u16> => "salt",
        /// The version that was committed to.
        version_key: u64 => "version_key",
    }
    /// Commits to weights by their hash.
    CommitHashedWeights, "commit_hashed_weights", Hotkey,
        "SubtensorModule"."commit_mechanism_weights" {
        /// The subnet.
        netuid: NetUid => "netuid",
        /// The mechanism.
        mechanism: MechId => "mecid",
        /// The hash.
        commit_hash: [u8; 32] => "commit_hash",
    }
}
