//! What happened in a simulation, and how to write it down.

use core::fmt::Write as _;

/// One epoch of a simulation. Columns are by validator or by miner.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct EpochRecord {
    /// Epoch, from 0.
    pub epoch: usize,
    /// True quality of each miner.
    pub quality: Vec<f64>,
    /// Weights in force, by validator.
    pub weights: Vec<Vec<f64>>,
    /// Consensus on each miner.
    pub consensus: Vec<f64>,
    /// Incentive of each miner.
    pub incentive: Vec<f64>,
    /// Trust of each validator.
    pub validator_trust: Vec<f64>,
    /// Dividends of each validator.
    pub dividends: Vec<f64>,
    /// Alpha units paid to each validator.
    pub validator_emission: Vec<u64>,
    /// Alpha units paid to each miner.
    pub server_emission: Vec<u64>,
    /// Stake of each validator.
    pub stake: Vec<u64>,
}

impl EpochRecord {
    /// Part of the whole stake that a validator holds, `0..=1`; 0 where nobody has any.
    pub(super) fn stake_share(&self, validator: usize) -> f64 {
        // In floating point: a float variant takes stakes whose sum is beyond 64 bits.
        let total: f64 = self.stake.iter().map(|stake| *stake as f64).sum();
        if total > 0.0 { self.stake[validator] as f64 / total } else { 0.0 }
    }
}

/// A finished simulation.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct History {
    /// Name of the scenario.
    pub name: String,
    /// Name of each validator's behaviour.
    pub validators: Vec<String>,
    /// Number of miners.
    pub miners: usize,
    /// The epochs in order.
    pub epochs: Vec<EpochRecord>,
}

/// What one validator got over a whole simulation.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Total {
    /// Name of its behaviour.
    pub behaviour: String,
    /// Mean dividends over the epochs with stake.
    pub dividends: f64,
    /// Mean trust over the same epochs.
    pub validator_trust: f64,
    /// Alpha units in all.
    pub emission: u64,
    /// Dividends relative to its share of the stake in the same epochs: 1 is what the average unit of stake earns.
    pub per_stake: f64,
}

impl History {
    pub(super) const fn new(name: String, validators: Vec<String>, miners: usize) -> Self {
        Self { name, validators, miners, epochs: Vec::new() }
    }

    /// Sums and means by validator.
    #[must_use]
    pub fn totals(&self) -> Vec<Total> {
        self.validators
            .iter()
            .enumerate()
            .map(|(i, behaviour)| {
                let present: Vec<&EpochRecord> =
                    self.epochs.iter().filter(|epoch| epoch.stake[i] > 0).collect();
                let count = present.len().max(1) as f64;
                let mean = |f: &dyn Fn(&EpochRecord) -> f64| {
                    present.iter().map(|epoch| f(epoch)).sum::<f64>() / count
                };
                let share = mean(&|epoch| epoch.stake_share(i));
                let dividends = mean(&|epoch| epoch.dividends[i]);
                Total {
                    behaviour: behaviour.clone(),
                    dividends,
                    validator_trust: mean(&|epoch| epoch.validator_trust[i]),
                    emission: present
                        .iter()
                        .fold(0, |sum, epoch| sum.saturating_add(epoch.validator_emission[i])),
                    per_stake: if share > 0.0 { dividends / share } else { 0.0 },
                }
            })
            .collect()
    }

    /// One line per epoch and validator or miner: `epoch,role,index,name,quality,stake,consensus,incentive,trust,dividends,
    /// emission`, empty where a column does not apply.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut text = String::from(
            "epoch,role,index,name,quality,stake,consensus,incentive,trust,dividends,emission\n",
        );
        for e in &self.epochs {
            for (i, name) in self.validators.iter().enumerate() {
                let (stake, trust) = (e.stake[i], e.validator_trust[i]);
                let (dividends, emission) = (e.dividends[i], e.validator_emission[i]);
                // Writing to a string cannot fail.
                let _ = writeln!(
                    text,
                    "{},validator,{i},{name},,{stake},,,{trust},{dividends},{emission}",
                    e.epoch
                );
            }
            for j in 0..self.miners {
                let (quality, consensus) = (e.quality[j], e.consensus[j]);
                let (incentive, emission) = (e.incentive[j], e.server_emission[j]);
                let _ = writeln!(
                    text,
                    "{},miner,{j},,{quality},,{consensus},{incentive},,,{emission}",
                    e.epoch
                );
            }
        }
        text
    }
}
