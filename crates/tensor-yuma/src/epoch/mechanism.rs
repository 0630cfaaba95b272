//! Several incentive mechanisms on one subnet: splitting the emission and adding the results up. Source: yuma.md 10.

use super::{Epoch, EpochError, Input, Outcome, Parameters};
use crate::fixed::U64F64;
use crate::rows::Rows;

/// What happens to a stored split that has fewer or more entries than there are mechanisms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum SplitRule {
    /// Spec version 425: missing entries count as 0.
    Padded,
    /// Since then: the split is ignored and the emission divided evenly.
    #[default]
    Exact,
}

/// Emission of each of `count` mechanisms; what rounding leaves goes to the first.
///
/// `split` holds proportions of 65535 that sum to 65535; without one the emission is divided evenly.
///
/// ```
/// use tensor_yuma::epoch::{SplitRule, split_emission};
/// assert_eq!(split_emission(1_001, 2, None, SplitRule::Exact), [501, 500]);
/// assert_eq!(split_emission(1_000_000, 2, Some(&[65_535]), SplitRule::Padded), [1_000_000, 0]);
/// assert_eq!(split_emission(1_000_000, 2, Some(&[65_535]), SplitRule::Exact), [500_000, 500_000]);
/// ```
#[must_use]
pub fn split_emission(
    emission: u64,
    count: usize,
    split: Option<&[u16]>,
    rule: SplitRule,
) -> Vec<u64> {
    let even = || vec![emission.checked_div(count as u64).unwrap_or(0); count];
    let mut parts = match (split, rule) {
        (None, _) => even(),
        (Some(split), SplitRule::Exact) if split.len() != count => even(),
        (Some(split), _) => (0..count)
            .map(|m| {
                let share = split.get(m).copied().unwrap_or(0);
                u64::try_from(u128::from(emission) * u128::from(share) / 65_535).unwrap_or(u64::MAX)
            })
            .collect(),
    };
    let sum = parts.iter().fold(0u64, |sum, part| sum.saturating_add(*part));
    if let Some(first) = parts.first_mut() {
        *first = first.saturating_add(emission.saturating_sub(sum));
    }
    parts
}

/// Weight of a mechanism in the aggregate: its part of the emission, and without any emission 1 for the first.
#[must_use]
pub fn mechanism_weight(part: u64, emission: u64, mechanism: usize) -> U64F64 {
    match U64F64::from_int(part).checked_div(U64F64::from_int(emission)) {
        Some(weight) => weight,
        None if mechanism == 0 => U64F64::ONE,
        None => U64F64::ZERO,
    }
}

/// What one mechanism of a subnet has of its own.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MechanismInput<'a> {
    /// See [`Input::last_update`].
    pub last_update: &'a [u64],
    /// See [`Input::commit_blocks`].
    pub commit_blocks: &'a [Option<u64>],
    /// See [`Input::weights`].
    pub weights: Rows<'a>,
    /// See [`Input::bonds`].
    pub bonds: Rows<'a>,
}

impl<'a> MechanismInput<'a> {
    /// A mechanism without live commits.
    #[must_use]
    pub const fn new(last_update: &'a [u64], weights: Rows<'a>, bonds: Rows<'a>) -> Self {
        Self { last_update, commit_blocks: &[], weights, bonds }
    }

    /// The same mechanism with live commits.
    #[must_use]
    pub const fn with_commit_blocks(self, commit_blocks: &'a [Option<u64>]) -> Self {
        Self { commit_blocks, ..self }
    }

    /// The subnet's input as this mechanism sees it, with this part of the emission.
    #[must_use]
    pub const fn of(&self, subnet: &Input<'a>, rao_emission: u64) -> Input<'a> {
        Input {
            rao_emission,
            last_update: self.last_update,
            commit_blocks: self.commit_blocks,
            weights: self.weights,
            bonds: self.bonds,
            ..*subnet
        }
    }
}

/// Sum of the mechanisms' results by uid, each weighted by its part of the emission: what the chain stores per subnet and pays
/// out by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Aggregate {
    /// Active on any mechanism.
    pub active: Vec<bool>,
    /// Permitted by any mechanism.
    pub new_validator_permit: Vec<bool>,
    /// Weighted, floored step by step.
    pub emission: Vec<u64>,
    /// Plain sum.
    pub server_emission: Vec<u64>,
    /// Plain sum.
    pub validator_emission: Vec<u64>,
    /// Plain sum.
    pub stake_u64: Vec<u64>,
    /// Weighted, floored step by step.
    pub stake_weight_u16: Vec<u16>,
    /// Weighted, floored step by step.
    pub consensus_u16: Vec<u16>,
    /// Of the first mechanism only; the chain stores incentive by mechanism instead.
    pub incentive_u16: Vec<u16>,
    /// Weighted, floored step by step.
    pub dividends_u16: Vec<u16>,
    /// Weighted, floored step by step.
    pub validator_trust_u16: Vec<u16>,
}

impl Aggregate {
    /// Nothing yet, for `n` neurons.
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self {
            active: vec![false; n],
            new_validator_permit: vec![false; n],
            emission: vec![0; n],
            server_emission: vec![0; n],
            validator_emission: vec![0; n],
            stake_u64: vec![0; n],
            stake_weight_u16: vec![0; n],
            consensus_u16: vec![0; n],
            incentive_u16: vec![0; n],
            dividends_u16: vec![0; n],
            validator_trust_u16: vec![0; n],
        }
    }

    /// Add the result of the next mechanism. They must come in ascending order: the first counts for incentive, and every step
    /// floors.
    pub fn add(&mut self, mechanism: usize, outcome: &Outcome, weight: U64F64) {
        either(&mut self.active, &outcome.active);
        either(&mut self.new_validator_permit, &outcome.new_validator_permit);
        sum(&mut self.server_emission, &outcome.server_emission);
        sum(&mut self.validator_emission, &outcome.validator_emission);
        sum(&mut self.stake_u64, &outcome.stake_u64);
        for (total, value) in self.emission.iter_mut().zip(&outcome.emission) {
            *total = total.saturating_add(weighted(*value, weight));
        }
        let mut proportions = vec![
            (&mut self.stake_weight_u16, &outcome.stake_weight_u16),
            (&mut self.consensus_u16, &outcome.consensus_u16),
            (&mut self.dividends_u16, &outcome.dividends_u16),
            (&mut self.validator_trust_u16, &outcome.validator_trust_u16),
        ];
        if mechanism == 0 {
            proportions.push((&mut self.incentive_u16, &outcome.incentive_u16));
        }
        for (total, values) in proportions {
            for (total, value) in total.iter_mut().zip(values) {
                let step = weighted(u64::from(*value), weight);
                *total = u16::try_from(u64::from(*total).saturating_add(step)).unwrap_or(u16::MAX);
            }
        }
    }
}

/// Results of a subnet with several mechanisms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct MechanismsOutcome {
    /// Emission given to each mechanism.
    pub parts: Vec<u64>,
    /// Result of each mechanism; its incentive and bonds are stored.
    pub outcomes: Vec<Outcome>,
    /// What is stored per subnet.
    pub aggregate: Aggregate,
}

impl Epoch {
    /// Run every mechanism of a subnet on its part of `subnet.rao_emission` and add the results up.
    ///
    /// All mechanisms see the same stakes, registrations and previous permits; `last_update`, commits, weights and bonds of
    /// `subnet` itself are not read.
    ///
    /// # Errors
    /// As [`Epoch::run`].
    pub fn run_mechanisms(
        &mut self,
        parameters: &Parameters,
        subnet: &Input<'_>,
        mechanisms: &[MechanismInput<'_>],
        split: Option<&[u16]>,
        rule: SplitRule,
    ) -> Result<MechanismsOutcome, EpochError> {
        let emission = subnet.rao_emission;
        let parts = split_emission(emission, mechanisms.len(), split, rule);
        let mut aggregate = Aggregate::new(subnet.n());
        let mut outcomes = Vec::with_capacity(mechanisms.len());
        for (m, (mechanism, &part)) in mechanisms.iter().zip(&parts).enumerate() {
            let outcome = self.run(parameters, &mechanism.of(subnet, part))?;
            aggregate.add(m, outcome, mechanism_weight(part, emission, m));
            outcomes.push(outcome.clone());
        }
        Ok(MechanismsOutcome { parts, outcomes, aggregate })
    }
}

/// `floor(value * weight)`.
fn weighted(value: u64, weight: U64F64) -> u64 {
    U64F64::from_int(value).saturating_mul(weight).to_u64()
}

fn either(total: &mut [bool], values: &[bool]) {
    total.iter_mut().zip(values).for_each(|(total, value)| *total |= value);
}

fn sum(total: &mut [u64], values: &[u64]) {
    total.iter_mut().zip(values).for_each(|(total, value)| *total = total.saturating_add(*value));
}
