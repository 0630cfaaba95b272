//! What the cast earned, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use tensor_chain::client::WeightRow;
use tensor_core::{Alpha, Metagraph, Uid};
use tensor_yuma::sim::plot::{PlotError, Quantity, svg};
use tensor_yuma::sim::{EpochRecord, History};

use super::Rehearsal;
use super::cast::{Cast, Neuron, Strategy};

/// A finished rehearsal.
#[derive(Clone, Debug)]
pub struct Report {
    rehearsal: Rehearsal,
    history: History,
    strategies: Vec<Strategy>,
}

/// What one strategy earned.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Pay {
    /// The strategy.
    pub strategy: Strategy,
    /// How many neurons live by it.
    pub neurons: usize,
    /// Alpha of one neuron in all, in rao: the mean over those neurons.
    pub alpha: u64,
    /// Alpha of one neuron a day, in rao.
    pub alpha_per_day: u64,
    /// For validators, dividends against their share of the stake: 1 is what the average unit earns.
    pub per_stake: Option<f64>,
}

/// Whether copying weights pays, by reveal period.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CopyingPays {
    /// For each reveal period in epochs, 0 for weights in the open: dividends per stake of the copier,
    /// against those of your validator.
    pub by_period: BTreeMap<u64, f64>,
}

impl CopyingPays {
    pub(super) fn add(&mut self, reveal_period: u64, report: &Report) {
        let per_stake = |strategy| {
            let pay = report.pay().into_iter().find(|pay| pay.strategy == strategy);
            pay.and_then(|pay| pay.per_stake).unwrap_or(0.0)
        };
        let judging = per_stake(Strategy::Judging);
        let copying = per_stake(Strategy::CopyingWeights);
        let ratio = if judging > 0.0 { copying / judging } else { 0.0 };
        self.by_period.insert(reveal_period, ratio);
    }

    /// The least reveal period from which on a copier's stake earns less than a judge's, by at least
    /// `margin` (0.02 for two in a hundred); `None` when copying pays in all that were played.
    #[must_use]
    pub fn stops_at(&self, margin: f64) -> Option<u64> {
        let stops = |ratio: &f64| *ratio < 1.0 - margin;
        let mut from = None;
        for (period, ratio) in &self.by_period {
            from = if stops(ratio) { from.or(Some(*period)) } else { None };
        }
        from
    }
}

impl Report {
    pub(super) fn new(rehearsal: &Rehearsal, cast: &Cast, epochs: Vec<EpochRecord>) -> Self {
        let strategies: Vec<_> = cast.neurons.iter().map(|neuron| neuron.strategy).collect();
        let validators = strategies.iter().filter(|strategy| strategy.validates());
        let mut history = History::default();
        history.name =
            format!("{} days, reveal period {}", rehearsal.days, rehearsal.reveal_period);
        history.validators = validators.map(|strategy| strategy.name().to_owned()).collect();
        history.miners = strategies.len() - history.validators.len();
        history.epochs = epochs;
        Self { rehearsal: *rehearsal, history, strategies }
    }

    /// What each strategy earned, validators first.
    #[must_use]
    pub fn pay(&self) -> Vec<Pay> {
        let validators = self.history.validators.len();
        let totals = self.history.totals();
        let mut by_strategy: BTreeMap<Strategy, Vec<(u64, Option<f64>)>> = BTreeMap::new();
        for (at, strategy) in self.strategies.iter().enumerate() {
            let earned = match totals.get(at) {
                Some(total) => (total.emission, Some(total.per_stake)),
                None => {
                    let epochs = self.history.epochs.iter();
                    let paid =
                        epochs.filter_map(|epoch| epoch.server_emission.get(at - validators));
                    (paid.fold(0, |sum: u64, one| sum.saturating_add(*one)), None)
                }
            };
            by_strategy.entry(*strategy).or_default().push(earned);
        }
        let mean = |strategy, each: Vec<(u64, Option<f64>)>| {
            let neurons = each.len();
            let sum = each.iter().fold(0u64, |sum, (alpha, _)| sum.saturating_add(*alpha));
            let alpha = sum / neurons as u64;
            let per_stake: Option<f64> = each.iter().map(|(_, per_stake)| *per_stake).sum();
            Pay {
                strategy,
                neurons,
                alpha,
                alpha_per_day: alpha / self.rehearsal.days.max(1),
                per_stake: per_stake.map(|sum| sum / neurons as f64),
            }
        };
        by_strategy.into_iter().map(|(strategy, each)| mean(strategy, each)).collect()
    }

    /// What one neuron of that strategy earned, in rao.
    #[must_use]
    pub fn alpha(&self, strategy: Strategy) -> u64 {
        let pay = self.pay().into_iter().find(|pay| pay.strategy == strategy);
        pay.map_or(0, |pay| pay.alpha)
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = format!(
            "{:18} {:>7} {:>14} {:>12} {:>10}\n",
            "strategy", "neurons", "alpha each", "a day", "per stake"
        );
        for pay in self.pay() {
            let coins = |rao| format!("{:.3}", Alpha::from_rao(rao).to_f64_lossy());
            let per_stake = pay.per_stake.map_or(String::new(), |value| format!("{value:.3}"));
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{:18} {:>7} {:>14} {:>12} {per_stake:>10}",
                pay.strategy.name(),
                pay.neurons,
                coins(pay.alpha),
                coins(pay.alpha_per_day),
            );
        }
        text
    }

    /// Each epoch, as `simulate` writes it.
    #[must_use]
    pub fn csv(&self) -> String {
        self.history.to_csv()
    }

    /// A plot over the epochs.
    ///
    /// # Errors
    /// [`PlotError`] when drawing fails.
    pub fn svg(&self, quantity: Quantity) -> Result<String, PlotError> {
        svg(&self.history, quantity)
    }
}

/// One epoch by the metagraph and the weights on chain after it. Neurons take the uids after the
/// owner's, in the cast's order.
pub(super) fn record(
    epoch: usize,
    graph: &Metagraph,
    rows: &[WeightRow],
    cast: &Cast,
) -> EpochRecord {
    let uid = |neuron: &Neuron| graph.uid_of(&neuron.hotkey());
    let (validators, miners): (Vec<_>, Vec<_>) =
        cast.neurons.iter().partition(|neuron| neuron.strategy.validates());
    let column = |of: &[&Neuron], value: &dyn Fn(usize) -> f64| -> Vec<f64> {
        of.iter().map(|one| uid(one).map_or(0.0, |uid| value(usize::from(uid.value())))).collect()
    };
    let fraction = |column: &[tensor_core::weights::U16Fraction], at: usize| {
        column.get(at).map_or(0.0, |value| value.to_f64_lossy())
    };
    let alpha = |column: &[Alpha], of: &[&Neuron]| -> Vec<u64> {
        let rao = |uid: Uid| column.get(usize::from(uid.value())).map_or(0, |alpha| alpha.rao());
        of.iter().map(|one| uid(one).map_or(0, rao)).collect()
    };
    let weights = validators.iter().map(|validator| {
        let row = rows.iter().find(|row| Some(row.uid) == uid(validator));
        let sum: f64 = row.map_or(0.0, |row| row.values.iter().map(|one| f64::from(one.1)).sum());
        column(&miners, &|at| {
            let values =
                row.and_then(|row| row.values.iter().find(|one| usize::from(one.0.value()) == at));
            values.map_or(0.0, |one| f64::from(one.1) / sum.max(1.0))
        })
    });
    let mut record = EpochRecord::default();
    record.epoch = epoch;
    record.quality = vec![0.0; miners.len()];
    record.weights = weights.collect();
    record.consensus = column(&miners, &|at| fraction(graph.consensus(), at));
    record.incentive = column(&miners, &|at| fraction(graph.incentive(), at));
    record.validator_trust = column(&validators, &|at| fraction(graph.validator_trust(), at));
    record.dividends = column(&validators, &|at| fraction(graph.dividends(), at));
    record.validator_emission = alpha(graph.emission(), &validators);
    record.server_emission = alpha(graph.emission(), &miners);
    record.stake = alpha(graph.total_stake(), &validators);
    record
}
