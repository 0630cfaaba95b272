//! Who plays: the owner, your validators, the copier of weights, and miners of known character.

use tensor_core::key::{Scheme, UriError};
use tensor_core::{Hotkey, Keypair, Tao, Validator};

use super::miners::Loyal;

/// What a neuron lives by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Strategy {
    /// Your validator.
    Judging,
    /// A validator that asks nobody and sets the weights that it can read of others.
    CopyingWeights,
    /// The ring's own validator: everything to the ring.
    Colluding,
    /// Your miner, on good days and bad ones.
    Honest,
    /// A miner that worked once and says the same ever since.
    Lazy,
    /// A miner that says what an honest one just said.
    Copying,
    /// Miners of one owner with one machine: what it finds, all hand in.
    Ring,
}

impl Strategy {
    /// Its name in a table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Judging => "your validator",
            Self::CopyingWeights => "copies weights",
            Self::Colluding => "ring's validator",
            Self::Honest => "honest miner",
            Self::Lazy => "lazy miner",
            Self::Copying => "copying miner",
            Self::Ring => "ring of miners",
        }
    }

    /// Whether it is paid for weights, not for answers.
    #[must_use]
    pub const fn validates(self) -> bool {
        matches!(self, Self::Judging | Self::CopyingWeights | Self::Colluding)
    }
}

pub(super) struct Neuron {
    pub(super) strategy: Strategy,
    pub(super) key: Keypair,
}

pub(super) struct Cast {
    pub(super) owner: Keypair,
    pub(super) owner_hotkey: Hotkey,
    pub(super) coldkey: Keypair,
    pub(super) neurons: Vec<Neuron>,
}

/// Validators first: the report counts on it.
const STRATEGIES: [Strategy; 11] = [
    Strategy::Judging,
    Strategy::Judging,
    Strategy::CopyingWeights,
    Strategy::Colluding,
    Strategy::Honest,
    Strategy::Honest,
    Strategy::Honest,
    Strategy::Lazy,
    Strategy::Copying,
    Strategy::Ring,
    Strategy::Ring,
];

impl Cast {
    pub(super) fn new() -> Result<Self, UriError> {
        let key = |name: &str| Keypair::from_uri(&format!("//rehearsal//{name}"), Scheme::Sr25519);
        let neuron = |(at, strategy): (usize, &Strategy)| {
            Ok(Neuron { strategy: *strategy, key: key(&format!("neuron//{at}"))? })
        };
        Ok(Self {
            owner: key("owner")?,
            owner_hotkey: Hotkey::new(key("owner//hotkey")?.account_id()),
            coldkey: key("coldkey")?,
            neurons: STRATEGIES.iter().enumerate().map(neuron).collect::<Result<_, UriError>>()?,
        })
    }

    /// The hotkeys of all who live by that strategy.
    pub(super) fn hotkeys(&self, strategy: Strategy) -> Vec<Hotkey> {
        let neurons = self.neurons.iter().filter(|one| one.strategy == strategy);
        neurons.map(Neuron::hotkey).collect()
    }
}

impl Neuron {
    pub(super) fn hotkey(&self) -> Hotkey {
        Hotkey::new(self.key.account_id())
    }

    /// Honest stake outweighs the rest, or no incentive could be right.
    pub(super) fn stake(&self) -> Tao {
        let coins = match self.strategy {
            Strategy::Judging => 300,
            Strategy::CopyingWeights | Strategy::Colluding => 100,
            _ => 0,
        };
        Tao::from_coins(coins).unwrap_or(Tao::ZERO)
    }

    /// The policy by which it judges, if it does.
    pub(super) fn judge<V: Validator + 'static>(
        &self,
        cast: &Cast,
        yours: &mut impl FnMut(Hotkey) -> V,
    ) -> Option<Box<dyn Validator>> {
        match self.strategy {
            Strategy::Judging => Some(Box::new(yours(self.hotkey()))),
            Strategy::Colluding => Some(Box::new(Loyal::new(cast.hotkeys(Strategy::Ring)))),
            _ => None,
        }
    }
}
