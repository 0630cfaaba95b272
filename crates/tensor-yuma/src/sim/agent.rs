//! Validators by behaviour: what each sees and which weights it sets.

use core::fmt;

use super::Noise;

/// What a validator can know when it sets weights.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct View<'a> {
    /// Epoch, from 0.
    pub epoch: usize,
    /// True quality of every miner in this epoch, as measuring it would show.
    pub quality: &'a [f64],
    /// Weights of every validator that are public: those in force in the epoch before. Empty where none were set. With
    /// commit-reveal they are as old as the concealment.
    pub public: &'a [Vec<f64>],
    /// Consensus of the epoch before, by miner; empty in the first.
    pub consensus: &'a [f64],
    /// Stake of every validator, in rao.
    pub stake: &'a [u64],
    /// Which validator is asked.
    pub me: usize,
}

/// A validator's behaviour.
pub trait Agent: Send + Sync + fmt::Debug {
    /// A word for it in tables and plots.
    fn name(&self) -> &str;

    /// Weights by miner, in any scale; `None` leaves the previous ones in force.
    fn weights(&mut self, view: &View<'_>, noise: &mut Noise) -> Option<Vec<f64>>;

    /// Whether its stake is there yet.
    fn has_joined(&self, _epoch: usize) -> bool {
        true
    }
}

const _: fn(&dyn Agent) = |_| {};

impl<T: Agent + ?Sized> Agent for Box<T> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn weights(&mut self, view: &View<'_>, noise: &mut Noise) -> Option<Vec<f64>> {
        (**self).weights(view, noise)
    }

    fn has_joined(&self, epoch: usize) -> bool {
        (**self).has_joined(epoch)
    }
}

/// The behaviours at hand. Miners and validators are named by their position in the scenario.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)
)]
#[non_exhaustive]
pub enum Behaviour {
    /// Measures quality, with an error of this deviation.
    Honest {
        /// Deviation of the measurement.
        noise: f64,
    },
    /// Measures once in so many epochs and leaves its weights in between.
    Lazy {
        /// Deviation of the measurement.
        noise: f64,
        /// Epochs from one measurement to the next.
        every: usize,
    },
    /// Measures nothing and sets what is public: another's weights, or the last consensus.
    Copier {
        /// Whom it copies; the consensus if nobody.
        of: Option<usize>,
    },
    /// Gives everything to the same few miners, with others who do the same.
    Cabal {
        /// The favoured miners.
        miners: Vec<usize>,
    },
    /// Measures, then gives this part of its weight to its own miner.
    SelfDealer {
        /// Its miner.
        miner: usize,
        /// Part of the weight, `0..=1`.
        share: f64,
        /// Deviation of the measurement.
        noise: f64,
    },
    /// Behaves as another from some epoch on, and is not there before.
    LateJoiner {
        /// First epoch with its stake.
        epoch: usize,
        /// What it does then.
        then: Box<Self>,
    },
}

impl Behaviour {
    /// The behaviour as an agent.
    #[must_use]
    pub fn agent(&self) -> Box<dyn Agent> {
        Box::new(self.clone())
    }
}

impl Agent for Behaviour {
    fn name(&self) -> &str {
        match self {
            Self::Honest { .. } => "honest",
            Self::Lazy { .. } => "lazy",
            Self::Copier { .. } => "copier",
            Self::Cabal { .. } => "cabal",
            Self::SelfDealer { .. } => "self-dealer",
            Self::LateJoiner { .. } => "late joiner",
        }
    }

    fn weights(&mut self, view: &View<'_>, noise: &mut Noise) -> Option<Vec<f64>> {
        match self {
            Self::Honest { noise: deviation } => Some(measure(view, *deviation, noise)),
            Self::Lazy { noise: deviation, every } => {
                view.epoch.is_multiple_of((*every).max(1)).then(|| measure(view, *deviation, noise))
            }
            Self::Copier { of } => {
                let source = match of {
                    Some(of) => view.public.get(*of).map_or(&[][..], Vec::as_slice),
                    None => view.consensus,
                };
                source.iter().any(|w| *w > 0.0).then(|| source.to_vec())
            }
            Self::Cabal { miners } => Some(
                (0..view.quality.len())
                    .map(|miner| f64::from(u8::from(miners.contains(&miner))))
                    .collect(),
            ),
            Self::SelfDealer { miner, share, noise: deviation } => {
                let mut weights = measure(view, *deviation, noise);
                let total: f64 = weights.iter().sum();
                let share = share.clamp(0.0, 1.0);
                weights.iter_mut().for_each(|w| *w *= 1.0 - share);
                if let Some(own) = weights.get_mut(*miner) {
                    *own += share * total.max(1.0);
                }
                Some(weights)
            }
            Self::LateJoiner { then, epoch } => {
                if view.epoch < *epoch {
                    None
                } else {
                    then.weights(view, noise)
                }
            }
        }
    }

    fn has_joined(&self, epoch: usize) -> bool {
        match self {
            Self::LateJoiner { epoch: first, then } => epoch >= *first && then.has_joined(epoch),
            _ => true,
        }
    }
}

fn measure(view: &View<'_>, deviation: f64, noise: &mut Noise) -> Vec<f64> {
    view.quality.iter().map(|quality| (quality + deviation * noise.normal()).max(0.0)).collect()
}
