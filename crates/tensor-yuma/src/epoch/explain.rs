//! Why a neuron earned what it earned, step by step, in numbers a person can follow.

use core::fmt;

use super::Epoch;
use crate::fixed::I32F32;

/// How many validators or targets an explanation lists at most, the weightiest first.
pub const LISTED: usize = 16;

/// Why an explanation cannot be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExplainError {
    /// The epoch keeps its matrices only when asked to before the run.
    #[error("the epoch keeps no matrices; ask it to with keep_intermediates")]
    NotKept,
    /// No such neuron in the last run.
    #[error("uid {uid} is not among the {n} neurons of the last run")]
    UnknownUid {
        /// The uid asked for.
        uid: u16,
        /// Number of neurons.
        n: usize,
    },
}

/// What happened to one neuron in the last run of an [`Epoch`]. Proportions are of 1; `Display` writes it as text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Explanation {
    /// The neuron.
    pub uid: u16,
    /// Its stake weight in rao.
    pub stake_rao: u64,
    /// Its stake among all.
    pub stake: I32F32,
    /// Its stake among the active validators with a permit; 0 means that its weights did not count for consensus.
    pub active_stake: I32F32,
    /// Whether it set weights recently enough.
    pub active: bool,
    /// Whether it holds a permit from now on.
    pub new_validator_permit: bool,
    /// As a miner.
    pub miner: MinerSteps,
    /// As a validator.
    pub validator: ValidatorSteps,
    /// What it is paid, alpha units (rao).
    pub emission: u64,
    /// Part of it as a miner.
    pub server_emission: u64,
    /// Part of it as a validator.
    pub validator_emission: u64,
}

/// From the validators' weights to the miner's incentive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct MinerSteps {
    /// Validators that weight it, by active stake; at most [`LISTED`].
    pub votes: Vec<Vote>,
    /// How many validators weight it in all.
    pub voters: usize,
    /// Stake that lower or equal weights must exceed for consensus.
    pub minority: I32F32,
    /// The weight at which they do.
    pub consensus: I32F32,
    /// Sum over validators of active stake times clipped weight.
    pub rank: I32F32,
    /// Sum of the ranks of all miners.
    pub rank_of_all: I32F32,
    /// Its part of that sum.
    pub incentive: I32F32,
}

/// One validator's weight for a miner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Vote {
    /// The validator.
    pub validator: u16,
    /// Its active stake.
    pub active_stake: I32F32,
    /// The normalised weight it gives.
    pub weight: I32F32,
    /// What clipping at consensus leaves of it.
    pub clipped: I32F32,
}

/// From the validator's bonds to its dividends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ValidatorSteps {
    /// Part of its weights that survives clipping.
    pub validator_trust: I32F32,
    /// Miners it has bonds to, by what they bring; at most [`LISTED`].
    pub claims: Vec<Claim>,
    /// How many it has bonds to in all.
    pub bonded: usize,
    /// Sum over all miners of claim times incentive.
    pub earned: I32F32,
    /// Its dividends among all validators.
    pub dividends: I32F32,
}

/// One bond of a validator and what it brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Claim {
    /// The miner.
    pub miner: u16,
    /// The weight the validator gives it, clipped.
    pub clipped: I32F32,
    /// The bond after this epoch, as stored (of its largest holder with relative bonds).
    pub bond: I32F32,
    /// The bond's part of all bonds to that miner.
    pub claim: I32F32,
    /// The miner's incentive.
    pub incentive: I32F32,
    /// Claim times incentive.
    pub earned: I32F32,
}

impl Epoch {
    /// Why `uid` earned what it earned in the last run.
    ///
    /// Costs one pass over the matrices; the lists are cut at [`LISTED`] entries.
    ///
    /// # Errors
    /// [`ExplainError`] when the matrices were not kept ([`Epoch::keep_intermediates`]) or there is no such neuron.
    pub fn explain(&self, uid: u16) -> Result<Explanation, ExplainError> {
        let matrices = self.intermediates().ok_or(ExplainError::NotKept)?;
        let outcome = self.outcome();
        let (i, n) = (usize::from(uid), outcome.n());
        if i >= n {
            return Err(ExplainError::UnknownUid { uid, n });
        }

        let mut votes = Vec::new();
        let mut rank = I32F32::ZERO;
        let mut rank_of_all = I32F32::ZERO;
        for (validator, active_stake) in (0u16..=u16::MAX).zip(&outcome.active_stake) {
            let clipped_row = matrices.clipped.as_rows().row(usize::from(validator));
            for (target, clipped) in clipped_row.iter() {
                let part = active_stake.saturating_mul(clipped);
                rank_of_all = rank_of_all.saturating_add(part);
                if target == uid {
                    rank = rank.saturating_add(part);
                }
            }
            let weights = matrices.weights.as_rows().row(usize::from(validator));
            if let Some(weight) = weights.get(uid) {
                let clipped = clipped_row.get(uid).unwrap_or(I32F32::ZERO);
                votes.push(Vote { validator, active_stake: *active_stake, weight, clipped });
            }
        }
        votes.sort_by(|a, b| {
            b.active_stake.cmp(&a.active_stake).then(a.validator.cmp(&b.validator))
        });
        let voters = votes.len();
        votes.truncate(LISTED);

        let bonds = matrices.ema_bonds.as_rows().row(i);
        let own_clipped = matrices.clipped.as_rows().row(i);
        let mut claims: Vec<Claim> = matrices
            .claims
            .as_rows()
            .row(i)
            .iter()
            .zip(bonds.values)
            .map(|((miner, claim), bond)| {
                let incentive = outcome.incentive[usize::from(miner)];
                let clipped = own_clipped.get(miner).unwrap_or(I32F32::ZERO);
                let earned = claim.saturating_mul(incentive);
                Claim { miner, clipped, bond: *bond, claim, incentive, earned }
            })
            .collect();
        let earned =
            claims.iter().fold(I32F32::ZERO, |sum, claim| sum.saturating_add(claim.earned));
        claims.sort_by(|a, b| b.earned.cmp(&a.earned).then(a.miner.cmp(&b.miner)));
        let bonded = claims.len();
        claims.truncate(LISTED);

        Ok(Explanation {
            uid,
            stake_rao: outcome.stake_u64[i],
            stake: outcome.stake[i],
            active_stake: outcome.active_stake[i],
            active: outcome.active[i],
            new_validator_permit: outcome.new_validator_permit[i],
            miner: MinerSteps {
                votes,
                voters,
                minority: matrices.minority,
                consensus: outcome.consensus[i],
                rank,
                rank_of_all,
                incentive: outcome.incentive[i],
            },
            validator: ValidatorSteps {
                validator_trust: outcome.validator_trust[i],
                claims,
                bonded,
                earned,
                dividends: outcome.dividends[i],
            },
            emission: outcome.emission[i],
            server_emission: outcome.server_emission[i],
            validator_emission: outcome.validator_emission[i],
        })
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "uid {} is paid {} alpha: {} as a miner, {} as a validator",
            self.uid,
            Units(self.emission),
            Units(self.server_emission),
            Units(self.validator_emission)
        )?;
        let activity = match (self.active, self.active_stake > I32F32::ZERO) {
            (_, true) => format!("{} among active validators", Percent(self.active_stake)),
            (true, false) => "not counted: no permit, or no stake".to_owned(),
            (false, false) => "not counted: inactive".to_owned(),
        };
        writeln!(
            f,
            "stake     {} = {} of all; {activity}",
            Units(self.stake_rao),
            Percent(self.stake)
        )?;
        let permit = if self.new_validator_permit {
            "holds a permit from now on"
        } else {
            "holds no permit from now on"
        };
        writeln!(f, "permit    {permit}")?;

        let miner = &self.miner;
        writeln!(f, "as a miner, weighted by {} validators:", miner.voters)?;
        for vote in &miner.votes {
            writeln!(
                f,
                "  uid {:>5} with stake {} gives {}, {} after clipping",
                vote.validator,
                Percent(vote.active_stake),
                Percent(vote.weight),
                Percent(vote.clipped)
            )?;
        }
        more(f, miner.voters, miner.votes.len())?;
        writeln!(
            f,
            "  consensus {}: the lowest weight up to which the stake of the weights exceeds {}",
            Percent(miner.consensus),
            Percent(miner.minority)
        )?;
        writeln!(
            f,
            "  rank {} (stake x clipped, summed) of {} for all miners = incentive {}",
            Percent(miner.rank),
            Percent(miner.rank_of_all),
            Percent(miner.incentive)
        )?;

        let validator = &self.validator;
        writeln!(f, "as a validator, bonded to {} miners:", validator.bonded)?;
        for claim in &validator.claims {
            writeln!(
                f,
                "  uid {:>5}: bond {}, a claim of {} on an incentive of {} = {}",
                claim.miner,
                Percent(claim.bond),
                Percent(claim.claim),
                Percent(claim.incentive),
                Percent(claim.earned)
            )?;
        }
        more(f, validator.bonded, validator.claims.len())?;
        writeln!(
            f,
            "  trust {}: what clipping leaves of its weights",
            Percent(validator.validator_trust)
        )?;
        write!(
            f,
            "  earned {} in all, dividends {} among validators",
            Percent(validator.earned),
            Percent(validator.dividends)
        )
    }
}

fn more(f: &mut fmt::Formatter<'_>, all: usize, shown: usize) -> fmt::Result {
    if all > shown { writeln!(f, "  and {} more", all - shown) } else { Ok(()) }
}

/// A proportion as a percentage with four digits.
struct Percent(I32F32);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.4} %", self.0.to_f64_lossy() * 100.0)
    }
}

/// An amount of 1e-9 units, exact.
struct Units(u64);

impl fmt::Display for Units {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
    }
}
