//! Null consensus: subnets that pay miners by the plain average of scores, without Yuma, bonds or dividends.
//!
//! # Specification
//!
//! In our own words, from RaoFoundation/subtensor: `docs/guides/null-consensus.mdx` (442b406e) and the pallet's null
//! consensus module with its tests, read as stored files, never run. It is newer than spec version 461.
//!
//! ```text
//! permits   stake weight T = alpha + tao * tao_weight (64 fractional bits, as in the Yuma epoch);
//!           candidates: T > 0 and T >= stake threshold, by T descending, of equal ones the LOWER uid first (Yuma: the higher);
//!           the first min(max_allowed_validators, 64) get a permit; the owner always has one
//! rows      u32 scores by validator. A row counts only if its validator had a permit before (or is the owner), has one now,
//!           set the row after the mode was last switched on, within the activity cutoff, and after its own registration.
//!           Any other row is removed from storage.
//! entries   uid < n; row set after the target's registration; not the validator itself, except the owner.
//!           s = sum of the remaining scores; s = 0: the row counts nothing but stays
//! score_j   sum over rows of floor(score_ij * 2^64 / s_i)                           every row weighs the same, whatever its stake
//! payment   floor(score_j * emission / sum(score)); dust and epochs without scores are recycled by the caller
//! stored    incentive as floor(score_j * (2^32 - 1) / sum) and, for display, floor(score_j * 65535 / sum)
//! ```
//!
//! All emission after the owner cut goes to miners; there are no dividends. Uids are never pruned; at most 32,768 are
//! admitted, by proof of work.
//!
//! **Not verified:** nothing was executed on a chain; whether a release carries this form; the later `EpochConsensus::Null`
//! of the same repository, which pays by the weights of the validator with most stake and gives dividends by stake, is
//! another mode of the same name and is not computed here. The guide fixes the profile (registration, rate limits), which is
//! not arithmetic and not here.

mod division;

use division::{RowDivisor, Share};

use crate::epoch::{EpochError, Parameters};
use crate::fixed::I64F64;
use crate::rows::{Rows, RowsBuf};

/// Most uids a subnet of this mode may have, its owner included.
pub const MAX_UIDS: usize = 32_768;

/// Most validators besides the owner.
pub const MAX_VALIDATORS: u16 = 64;

/// State of a subnet with null consensus at its epoch. Every column has one value per uid.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct NullInput<'a> {
    /// Block in which the epoch runs.
    pub current_block: u64,
    /// Block in which scores were last invalidated by switching the mode (`NullWeightsResetAt`), 0 for never.
    pub reset_at: u64,
    /// Alpha units to divide.
    pub rao_emission: u64,
    /// Inherited alpha stake.
    pub alpha_stake: &'a [u64],
    /// Inherited TAO stake on root, in rao.
    pub tao_stake: &'a [u64],
    /// Block of registration.
    pub block_at_registration: &'a [u64],
    /// Permits of the previous epoch.
    pub validator_permit: &'a [bool],
    /// Block in which each row was set (`NullLastUpdate`); 0 without a row.
    pub last_update: &'a [u64],
    /// Scores by validator (`NullWeights`); an empty row is no row.
    pub scores: Rows<'a, u32>,
}

impl<'a> NullInput<'a> {
    /// A subnet with these columns; blocks and emission are set on the value afterwards.
    #[must_use]
    pub const fn new(
        alpha_stake: &'a [u64],
        tao_stake: &'a [u64],
        block_at_registration: &'a [u64],
        validator_permit: &'a [bool],
        last_update: &'a [u64],
        scores: Rows<'a, u32>,
    ) -> Self {
        Self {
            current_block: 0,
            reset_at: 0,
            rao_emission: 0,
            alpha_stake,
            tao_stake,
            block_at_registration,
            validator_permit,
            last_update,
            scores,
        }
    }
}

/// An owned [`NullInput`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[non_exhaustive]
pub struct NullSnapshot {
    /// See [`NullInput::current_block`].
    pub current_block: u64,
    /// See [`NullInput::reset_at`].
    pub reset_at: u64,
    /// See [`NullInput::rao_emission`].
    pub rao_emission: u64,
    /// See [`NullInput::alpha_stake`].
    pub alpha_stake: Vec<u64>,
    /// See [`NullInput::tao_stake`].
    pub tao_stake: Vec<u64>,
    /// See [`NullInput::block_at_registration`].
    pub block_at_registration: Vec<u64>,
    /// See [`NullInput::validator_permit`].
    pub validator_permit: Vec<bool>,
    /// See [`NullInput::last_update`].
    pub last_update: Vec<u64>,
    /// See [`NullInput::scores`].
    pub scores: RowsBuf<u32>,
}

impl NullSnapshot {
    /// A subnet of `n` neurons without stake, scores or permits.
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self {
            alpha_stake: vec![0; n],
            tao_stake: vec![0; n],
            block_at_registration: vec![0; n],
            validator_permit: vec![false; n],
            last_update: vec![0; n],
            scores: RowsBuf::empty(n),
            ..Self::default()
        }
    }

    /// The snapshot, borrowed.
    #[must_use]
    pub fn as_input(&self) -> NullInput<'_> {
        NullInput {
            current_block: self.current_block,
            reset_at: self.reset_at,
            rao_emission: self.rao_emission,
            alpha_stake: &self.alpha_stake,
            tao_stake: &self.tao_stake,
            block_at_registration: &self.block_at_registration,
            validator_permit: &self.validator_permit,
            last_update: &self.last_update,
            scores: self.scores.as_rows(),
        }
    }
}

/// Result of an epoch of null consensus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct NullOutcome {
    /// Permits from now on.
    pub validator_permit: Vec<bool>,
    /// Share of the emission, of `u32::MAX` (`NullIncentive`).
    pub incentive: Vec<u32>,
    /// Share of the emission, of 65535, for display only.
    pub incentive_u16: Vec<u16>,
    /// Alpha units paid.
    pub emission: Vec<u64>,
    /// Uids whose rows are to be removed from storage, ascending.
    pub removed: Vec<u16>,
}

/// A reusable workspace for epochs of null consensus. Once it has seen a subnet of some size, epochs of that size allocate
/// nothing.
///
/// ```
/// use tensor_yuma::RowsBuf;
/// use tensor_yuma::epoch::Parameters;
/// use tensor_yuma::null::{NullConsensus, NullInput};
///
/// // The owner (uid 0, no stake) and a validator (uid 1) see it the other way round; both rows weigh the same.
/// let scores = RowsBuf::from_pairs([vec![(2, 1u32), (3, 3)], vec![(2, 3_000_000_000), (3, 1_000_000_000)], vec![], vec![]]);
/// let mut parameters = Parameters::default();
/// parameters.owner_uid = Some(0);
/// let mut input = NullInput::new(
///     &[0, 1_000_000_000, 0, 0], &[0; 4], &[1; 4], &[false, true, false, false], &[2, 2, 0, 0], scores.as_rows(),
/// );
/// (input.current_block, input.rao_emission) = (2, 1_000);
/// let mut consensus = NullConsensus::default();
/// assert_eq!(consensus.run(&parameters, &input)?.emission, [0, 0, 500, 500]);
/// # Ok::<(), tensor_yuma::epoch::EpochError>(())
/// ```
#[derive(Debug, Default)]
pub struct NullConsensus {
    candidates: Vec<(I64F64, u16)>,
    scores: Vec<u128>,
    outcome: NullOutcome,
}

impl NullConsensus {
    /// Run one epoch. Of the parameters it reads owner, threshold, number of validators, activity cutoff and TAO weight.
    ///
    /// # Errors
    /// [`EpochError`] for columns of the wrong length, more uids than [`MAX_UIDS`], an owner that does not exist, or a stake
    /// of 2^63 rao and more.
    pub fn run(
        &mut self,
        parameters: &Parameters,
        input: &NullInput<'_>,
    ) -> Result<&NullOutcome, EpochError> {
        check(parameters, input)?;
        self.permits(parameters, input)?;
        self.add_up(parameters, input);
        self.pay(input);
        Ok(&self.outcome)
    }

    /// Result of the last run.
    #[must_use]
    pub const fn outcome(&self) -> &NullOutcome {
        &self.outcome
    }

    fn permits(
        &mut self,
        parameters: &Parameters,
        input: &NullInput<'_>,
    ) -> Result<(), EpochError> {
        let weight = (parameters.tao_weight_proportion().to_bits() as i128) << 32;
        let threshold = i128::from(parameters.stake_threshold) << 64;
        self.candidates.clear();
        let stakes = input.alpha_stake.iter().zip(input.tao_stake);
        for (uid, (&alpha, &tao)) in (0u16..=u16::MAX).zip(stakes) {
            if alpha == 0 && tao == 0 {
                continue;
            }
            let overflow = || EpochError::StakeOverflow { uid: usize::from(uid) };
            let alpha = I64F64::from_int(alpha).ok_or_else(overflow)?;
            let tao =
                i128::try_from(u128::from(tao) * weight.unsigned_abs()).map_err(|_| overflow())?;
            let stake = alpha.checked_add(I64F64::from_bits(tao)).ok_or_else(overflow)?;
            if stake > I64F64::ZERO && stake.to_bits() >= threshold {
                self.candidates.push((stake, uid));
            }
        }
        let k = usize::from(parameters.max_allowed_validators.min(MAX_VALIDATORS));
        if self.candidates.len() > k {
            // Only who is among the first matters, not their order.
            self.candidates.select_nth_unstable_by(k, |a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
            self.candidates.truncate(k);
        }
        let permits = &mut self.outcome.validator_permit;
        permits.clear();
        permits.resize(input.alpha_stake.len(), false);
        for uid in self.candidates.iter().map(|(_, uid)| *uid).chain(parameters.owner_uid) {
            if let Some(permit) = permits.get_mut(usize::from(uid)) {
                *permit = true;
            }
        }
        Ok(())
    }

    fn add_up(&mut self, parameters: &Parameters, input: &NullInput<'_>) {
        let cutoff = parameters.activity_cutoff();
        let registered = input.block_at_registration;
        self.scores.clear();
        self.scores.resize(registered.len(), 0);
        self.outcome.removed.clear();
        for (uid, row) in (0u16..=u16::MAX).zip(input.scores.iter()) {
            if row.uids.is_empty() {
                continue;
            }
            let i = usize::from(uid);
            let is_owner = parameters.owner_uid == Some(uid);
            let set = input.last_update[i];
            let counts = (input.validator_permit[i] || is_owner)
                && self.outcome.validator_permit[i]
                && set > input.reset_at
                && set.saturating_add(cutoff) >= input.current_block
                && set > registered[i];
            if !counts {
                self.outcome.removed.push(uid);
                continue;
            }
            let valid = |target: u16| {
                registered.get(usize::from(target)).is_some_and(|&block| set > block)
                    && (target != uid || is_owner)
            };
            let entries = || row.uids.iter().zip(row.values).filter(|(target, _)| valid(**target));
            let sum: u64 = entries().map(|(_, &value)| u64::from(value)).sum();
            if sum == 0 {
                continue;
            }
            let divisor = RowDivisor::new(sum);
            for (&target, &value) in entries() {
                self.scores[usize::from(target)] += divisor.divide(value);
            }
        }
    }

    fn pay(&mut self, input: &NullInput<'_>) {
        let total: u128 = self.scores.iter().sum();
        let share = Share::new(total);
        let n = self.scores.len();
        let NullOutcome { incentive, incentive_u16, emission, .. } = &mut self.outcome;
        emission.clear();
        emission.resize(n, 0);
        incentive.clear();
        incentive.resize(n, 0);
        incentive_u16.clear();
        incentive_u16.resize(n, 0);
        let columns = emission.iter_mut().zip(incentive).zip(incentive_u16);
        for (&score, ((emission, incentive), display)) in self.scores.iter().zip(columns) {
            if score > 0 {
                let part = share.part(score);
                *emission = share.of(part, input.rao_emission);
                *incentive = share.of_few(part, u64::from(u32::MAX)) as u32;
                *display = share.of_few(part, 65_535) as u16;
            }
        }
    }
}

fn check(parameters: &Parameters, input: &NullInput<'_>) -> Result<(), EpochError> {
    let n = input.alpha_stake.len();
    if n > MAX_UIDS {
        return Err(EpochError::TooManyUids { n });
    }
    let columns = [
        ("tao_stake", input.tao_stake.len()),
        ("block_at_registration", input.block_at_registration.len()),
        ("validator_permit", input.validator_permit.len()),
        ("last_update", input.last_update.len()),
        ("scores", input.scores.len()),
    ];
    for (column, got) in columns {
        if got != n {
            return Err(EpochError::ColumnLength { column, expected: n, got });
        }
    }
    match parameters.owner_uid {
        Some(uid) if usize::from(uid) >= n => Err(EpochError::OwnerUid { uid, n }),
        _ => Ok(()),
    }
}
