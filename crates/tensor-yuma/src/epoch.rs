//! The Yuma consensus epoch, bit for bit as the chain runs it.
//!
//! An [`Epoch`] is a reusable workspace: give it [`Parameters`] and an [`Input`], read the [`Outcome`]. Once it has seen a
//! subnet of some size, further epochs of that size allocate nothing.
//!
//! The computation, in the chain's words (stages are the submodules):
//!
//! ```text
//! stake         alpha + tao * tao_weight, normalised                       S [n]
//! active stake  S of active validators with the previous permit            A [n]
//! weights       masked rows, each normalised                               W [validators x miners]
//! consensus     stake-weighted median of each column                       C [n]
//! clipped       min(W, C)      validator trust = its row sums
//! incentive     norm(A . clipped)                                          I [n]
//! bonds         moving average toward the (clipped) weights                B [validators x miners]
//! dividends     norm(colnorm(B) . I)                                       D [n]
//! emission      I and D of their common sum
//! ```
//!
//! Every value is a fixed-point number in `0..=1` with 32 fractional bits. Sources: opentensor/subtensor 14bc6f9f,
//! `pallets/subtensor/src/epoch/`. There is no limit of 256 uids; rows may be in any order, hold zeros and name uids that do
//! not exist.

mod bonds;
mod dividends;
mod division;
mod emission;
mod engine;
mod explain;
mod input;
mod liquid_alpha;
mod load;
mod mechanism;
mod median;
mod outcome;
mod parameters;
mod permits;
mod stake;
mod trust;
mod workers;

pub use explain::{Claim, ExplainError, Explanation, LISTED, MinerSteps, ValidatorSteps, Vote};
pub use input::{Input, Snapshot};
pub use liquid_alpha::alpha_sigmoid;
pub use mechanism::{
    Aggregate, MechanismInput, MechanismsOutcome, SplitRule, mechanism_weight, split_emission,
};
pub use median::weighted_median;
pub use outcome::{Intermediates, Outcome};
pub use parameters::Parameters;
pub use permits::is_topk_nonzero;

use engine::Engine;

/// Raw value of 1.
const ONE: i64 = crate::fixed::ONE_32;

/// Which of the pallet's two variants to compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Rule {
    /// What the chain runs.
    #[default]
    Sparse,
    /// The pallet's dense variant, which only its tests run. It differs in exactly this:
    ///
    /// 1. the owner has no privilege: no exemption from the stake threshold, no forced permit, no self-weight;
    /// 2. commits hide nothing;
    /// 3. liquid alpha moves every pair by its true values, so that old bonds decay instead of vanishing and the order of
    ///    a row does not matter;
    /// 4. rows to store: all `n` pairs with a new permit, empty when the permit is lost, and the input's row when there
    ///    was none either.
    Dense,
}

/// Why an epoch cannot be computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EpochError {
    /// A column does not have one value per uid.
    #[error("column {column} has {got} values for {expected} uids")]
    ColumnLength {
        /// Field of [`Input`].
        column: &'static str,
        /// Number of uids.
        expected: usize,
        /// Values found.
        got: usize,
    },
    /// Uids are 16-bit.
    #[error("{n} neurons are more than uids exist")]
    TooManyUids {
        /// Neurons given.
        n: usize,
    },
    /// The owner's uid names no neuron.
    #[error("owner uid {uid} is not among {n} neurons")]
    OwnerUid {
        /// The uid.
        uid: u16,
        /// Number of neurons.
        n: usize,
    },
    /// A stake, or the sum of stakes up to this uid, needs more than 63 bits.
    #[error("stake up to uid {uid} exceeds 2^63 rao")]
    StakeOverflow {
        /// Where the sum overflowed.
        uid: usize,
    },
    /// A row names a uid twice, which the chain cannot store.
    #[error("row {row} names uid {uid} twice")]
    DuplicateUid {
        /// Row of weights or bonds.
        row: usize,
        /// The uid.
        uid: u16,
    },
    /// Bonds outgrew the number type; possible only with a moving average above a million.
    #[error("bonds overflow")]
    BondOverflow,
}

/// A reusable epoch: workspace and result.
///
/// ```
/// use tensor_yuma::RowsBuf;
/// use tensor_yuma::epoch::{Epoch, Parameters, Snapshot};
///
/// // Uid 0 validates, uids 1 and 2 mine.
/// let mut subnet = Snapshot::new(3);
/// subnet.current_block = 1_000;
/// subnet.rao_emission = 1_000_000;
/// subnet.alpha_stake = vec![1_000_000_000_000, 0, 0];
/// subnet.last_update = vec![990; 3];
/// subnet.validator_permit = vec![true, false, false];
/// subnet.weights = RowsBuf::from_pairs([vec![(1, 16_384), (2, 49_152)], vec![], vec![]]);
///
/// let mut epoch = Epoch::new();
/// let outcome = epoch.run(&Parameters::default(), &subnet.as_input())?;
/// assert_eq!(outcome.server_emission, [0, 125_000, 375_000]);
/// assert_eq!(outcome.validator_emission, [500_000, 0, 0]);
/// # Ok::<(), tensor_yuma::epoch::EpochError>(())
/// ```
#[derive(Debug, Default)]
pub struct Epoch {
    rule: Rule,
    engine: Engine,
    outcome: Outcome,
    intermediates: Option<Intermediates>,
}

impl Epoch {
    /// An epoch by the chain's rule.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An epoch by this rule.
    #[must_use]
    pub fn with_rule(rule: Rule) -> Self {
        Self { rule, ..Self::default() }
    }

    /// Keep the matrices of the next runs for [`Self::intermediates`] and [`Self::explain`]; costs their memory and time.
    #[must_use]
    pub fn keep_intermediates(mut self, keep: bool) -> Self {
        self.intermediates = keep.then(Intermediates::default);
        self
    }

    /// Least entries that are worth a thread of their own, instead of about 16,000. Changes the time, never the result.
    #[cfg(feature = "parallel")]
    #[must_use]
    pub fn with_chunk_entries(mut self, entries: usize) -> Self {
        self.engine.chunk_entries = entries.max(1);
        self
    }

    /// Run one epoch.
    ///
    /// With feature `parallel` on the current rayon pool, with the same bits.
    ///
    /// # Errors
    /// [`EpochError`] for columns of the wrong length, stakes that overflow, or rows the chain cannot store. The outcome of an
    /// earlier run is lost then.
    pub fn run(
        &mut self,
        parameters: &Parameters,
        input: &Input<'_>,
    ) -> Result<&Outcome, EpochError> {
        check(parameters, input)?;
        self.engine.run(
            self.rule,
            parameters,
            input,
            &mut self.outcome,
            self.intermediates.as_mut(),
        )?;
        Ok(&self.outcome)
    }

    /// Result of the last run; empty before the first.
    #[must_use]
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Result of the last run, without the workspace.
    #[must_use]
    pub fn into_outcome(self) -> Outcome {
        self.outcome
    }

    /// Matrices of the last run, if they were kept.
    #[must_use]
    pub const fn intermediates(&self) -> Option<&Intermediates> {
        self.intermediates.as_ref()
    }
}

fn check(parameters: &Parameters, input: &Input<'_>) -> Result<(), EpochError> {
    let n = input.n();
    if n > 1 << 16 {
        return Err(EpochError::TooManyUids { n });
    }
    let columns = [
        ("tao_stake", input.tao_stake.len()),
        ("block_at_registration", input.block_at_registration.len()),
        ("validator_permit", input.validator_permit.len()),
        ("weights", input.weights.len()),
        ("bonds", input.bonds.len()),
    ];
    for (column, got) in columns {
        if got != n {
            return Err(EpochError::ColumnLength { column, expected: n, got });
        }
    }
    let commits = input.commit_blocks.len();
    if commits != 0 && commits != n {
        return Err(EpochError::ColumnLength {
            column: "commit_blocks",
            expected: n,
            got: commits,
        });
    }
    match parameters.owner_uid {
        Some(uid) if usize::from(uid) >= n => Err(EpochError::OwnerUid { uid, n }),
        _ => Ok(()),
    }
}
