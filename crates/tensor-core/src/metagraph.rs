//! The state of one subnet at one block: [`Metagraph`].
//!
//! Stored by columns, one slice per field, since whoever ranks neurons reads one field of all; read by
//! rows through [`Metagraph::neuron`].

mod diff;
mod file;
mod neuron;

use std::collections::HashMap;

pub use diff::{Change, diff};
pub use file::LoadError;
pub use neuron::{AxonInfo, Neuron};

use crate::account::{Coldkey, Hotkey};
use crate::amount::Alpha;
use crate::network::{BlockNumber, NetUid, Tempo, Uid};
use crate::transport::Endpoint;
use crate::weights::U16Fraction;

/// A subnet's neurons and the numbers the last epoch gave them. Uids run from 0 without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metagraph {
    netuid: NetUid,
    block: BlockNumber,
    tempo: Tempo,
    last_epoch: BlockNumber,
    columns: Columns,
    by_hotkey: HashMap<Hotkey, Uid>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Columns {
    hotkey: Vec<Hotkey>,
    coldkey: Vec<Coldkey>,
    axon: Vec<Option<AxonInfo>>,
    active: Vec<bool>,
    validator_permit: Vec<bool>,
    alpha_stake: Vec<Alpha>,
    tao_stake: Vec<crate::Tao>,
    total_stake: Vec<Alpha>,
    incentive: Vec<U16Fraction>,
    dividends: Vec<U16Fraction>,
    consensus: Vec<U16Fraction>,
    validator_trust: Vec<U16Fraction>,
    emission: Vec<Alpha>,
    last_update: Vec<BlockNumber>,
    registered_at: Vec<BlockNumber>,
}

macro_rules! columns {
    ($($(#[$doc:meta])* $field:ident: $kind:ty),* $(,)?) => {
        impl Metagraph {
            $($(#[$doc])* pub fn $field(&self) -> &[$kind] {
                &self.columns.$field
            })*

            /// The neuron in that slot.
            pub fn neuron(&self, uid: Uid) -> Option<Neuron> {
                let at = uid.index();
                Some(Neuron {
                    uid,
                    $($field: *self.columns.$field.get(at)?,)*
                })
            }
        }

        impl Columns {
            fn push(&mut self, neuron: Neuron) {
                $(self.$field.push(neuron.$field);)*
            }
        }
    };
}

columns! {
    /// The hotkey in each slot.
    hotkey: Hotkey,
    /// The coldkey that owns each hotkey.
    coldkey: Coldkey,
    /// Where each neuron serves, if it said.
    axon: Option<AxonInfo>,
    /// Whether each neuron set weights within the activity cutoff.
    active: bool,
    /// Whether each neuron may set weights.
    validator_permit: bool,
    /// The alpha staked to each hotkey on this subnet, its own and its parents' share.
    alpha_stake: Alpha,
    /// The TAO staked to each hotkey on root.
    tao_stake: crate::Tao,
    /// The stake that counts in consensus: alpha plus TAO at the chain's TAO weight.
    total_stake: Alpha,
    /// What each neuron earned as a miner, as a share of all miners.
    incentive: U16Fraction,
    /// What each neuron earned as a validator, as a share of all validators.
    dividends: U16Fraction,
    /// The stake-weighted median of the weights on each neuron.
    consensus: U16Fraction,
    /// How much of each validator's weights agreed with consensus.
    validator_trust: U16Fraction,
    /// What the last epoch paid each neuron.
    emission: Alpha,
    /// When each neuron last set or committed weights.
    last_update: BlockNumber,
    /// When each slot was last taken.
    registered_at: BlockNumber,
}

impl Metagraph {
    /// A metagraph of these neurons, whose uids must be their places.
    ///
    /// # Errors
    /// [`MetagraphError`] when a uid is out of place or a hotkey comes twice.
    pub fn new(
        netuid: NetUid,
        block: BlockNumber,
        tempo: Tempo,
        neurons: impl IntoIterator<Item = Neuron>,
    ) -> Result<Self, MetagraphError> {
        let mut columns = Columns::default();
        let mut by_hotkey = HashMap::new();
        for (place, neuron) in neurons.into_iter().enumerate() {
            if neuron.uid.index() != place {
                return Err(MetagraphError::OutOfPlace { uid: neuron.uid, place });
            }
            if by_hotkey.insert(neuron.hotkey, neuron.uid).is_some() {
                return Err(MetagraphError::Duplicate(neuron.hotkey));
            }
            columns.push(neuron);
        }
        Ok(Self { netuid, block, tempo, last_epoch: BlockNumber::new(0), columns, by_hotkey })
    }

    /// Sets when the subnet's last epoch ran.
    #[must_use]
    pub const fn with_last_epoch(mut self, block: BlockNumber) -> Self {
        self.last_epoch = block;
        self
    }

    /// The subnet.
    pub const fn netuid(&self) -> NetUid {
        self.netuid
    }

    /// The block this was read at.
    pub const fn block(&self) -> BlockNumber {
        self.block
    }

    /// Blocks between epochs.
    pub const fn tempo(&self) -> Tempo {
        self.tempo
    }

    /// When the last epoch ran; 0 before the first.
    pub const fn last_epoch(&self) -> BlockNumber {
        self.last_epoch
    }

    /// How many neurons there are.
    pub fn len(&self) -> usize {
        self.columns.hotkey.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The slot of a hotkey.
    pub fn uid_of(&self, hotkey: &Hotkey) -> Option<Uid> {
        self.by_hotkey.get(hotkey).copied()
    }

    /// The neuron of a hotkey.
    pub fn by_hotkey(&self, hotkey: &Hotkey) -> Option<Neuron> {
        self.neuron(self.uid_of(hotkey)?)
    }

    /// All neurons by uid.
    pub fn neurons(&self) -> impl Iterator<Item = Neuron> + '_ {
        (0..=u16::MAX).map_while(|uid| self.neuron(Uid::new(uid)))
    }

    /// The neurons that serve, with where.
    pub fn endpoints(&self) -> impl Iterator<Item = (Uid, Endpoint)> + '_ {
        self.neurons().filter_map(|neuron| {
            let address = neuron.axon?.address()?;
            Some((neuron.uid, Endpoint { hotkey: neuron.hotkey, address }))
        })
    }
}

/// Why neurons are no metagraph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetagraphError {
    /// Uids must be 0, 1, 2, … in order.
    #[error("uid {uid} stands at place {place}")]
    OutOfPlace {
        /// The uid.
        uid: Uid,
        /// Its place, from 0.
        place: usize,
    },
    /// A hotkey holds two slots.
    #[error("hotkey {0} comes twice")]
    Duplicate(Hotkey),
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn neurons(keys: &[u8]) -> Vec<Neuron> {
        let neuron = |(uid, key): (usize, &u8)| {
            Neuron::new(
                Uid::new(uid as u16),
                Hotkey::from_bytes([*key; 32]),
                Coldkey::from_bytes([200; 32]),
            )
        };
        keys.iter().enumerate().map(neuron).collect()
    }

    pub(super) fn graph(block: u64, neurons: Vec<Neuron>) -> Metagraph {
        Metagraph::new(NetUid::new(1), BlockNumber::new(block), Tempo::new(10), neurons).unwrap()
    }

    #[test]
    fn rows_and_columns_agree() {
        let graph = graph(5, neurons(&[1, 2, 3]));
        assert_eq!(graph.len(), 3);
        let second = graph.by_hotkey(&Hotkey::from_bytes([2; 32])).unwrap();
        assert_eq!(second.uid, Uid::new(1));
        assert_eq!(graph.hotkey()[1], second.hotkey);
        assert_eq!(graph.neurons().count(), 3);
        assert_eq!(graph.neuron(Uid::new(3)), None);
    }

    #[test]
    fn inconsistent_neurons_are_refused() {
        let new = |neurons| {
            Metagraph::new(NetUid::new(1), BlockNumber::new(1), Tempo::new(10), neurons)
                .unwrap_err()
        };
        assert_eq!(new(neurons(&[1, 1])), MetagraphError::Duplicate(Hotkey::from_bytes([1; 32])));
        let swapped: Vec<_> = neurons(&[1, 2]).into_iter().rev().collect();
        assert_eq!(new(swapped), MetagraphError::OutOfPlace { uid: Uid::new(1), place: 0 });
    }
}
