//! What an epoch reads of a subnet's state, borrowed or owned.

use crate::rows::{Rows, RowsBuf};

/// A subnet's state at the block of its epoch, borrowed from wherever it lies. Every column has one value per uid.
///
/// Source: yuma.md 3.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Input<'a> {
    /// Block in which the epoch runs.
    pub current_block: u64,
    /// Block of the previous successful epoch; 0 for none.
    pub last_mechanism_step_block: u64,
    /// Alpha units (rao) to divide: what miners, validators and root have pending.
    pub rao_emission: u64,
    /// Inherited alpha stake, from [`crate::emission::inherit`].
    pub alpha_stake: &'a [u64],
    /// Inherited TAO stake on root, in rao.
    pub tao_stake: &'a [u64],
    /// Block of the last weights; a missing value counts as 0, further ones are ignored.
    pub last_update: &'a [u64],
    /// Block of registration; 0 for an empty slot.
    pub block_at_registration: &'a [u64],
    /// Validator permits of the previous epoch.
    pub validator_permit: &'a [bool],
    /// Earliest live weight commit of each validator; empty if there is none at all.
    pub commit_blocks: &'a [Option<u64>],
    /// Weights as stored (max-upscaled), in storage order.
    pub weights: Rows<'a>,
    /// Bonds as the previous epoch stored them.
    pub bonds: Rows<'a>,
}

impl Input<'_> {
    /// Number of uids.
    #[must_use]
    pub const fn n(&self) -> usize {
        self.alpha_stake.len()
    }
}

/// An owned [`Input`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Snapshot {
    /// See [`Input::current_block`].
    pub current_block: u64,
    /// See [`Input::last_mechanism_step_block`].
    pub last_mechanism_step_block: u64,
    /// See [`Input::rao_emission`].
    pub rao_emission: u64,
    /// See [`Input::alpha_stake`].
    pub alpha_stake: Vec<u64>,
    /// See [`Input::tao_stake`].
    pub tao_stake: Vec<u64>,
    /// See [`Input::last_update`].
    pub last_update: Vec<u64>,
    /// See [`Input::block_at_registration`].
    pub block_at_registration: Vec<u64>,
    /// See [`Input::validator_permit`].
    pub validator_permit: Vec<bool>,
    /// See [`Input::commit_blocks`].
    pub commit_blocks: Vec<Option<u64>>,
    /// See [`Input::weights`].
    pub weights: RowsBuf,
    /// See [`Input::bonds`].
    pub bonds: RowsBuf,
}

impl Snapshot {
    /// A subnet of `n` neurons without stake, weights, bonds or permits.
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self {
            alpha_stake: vec![0; n],
            tao_stake: vec![0; n],
            last_update: vec![0; n],
            block_at_registration: vec![0; n],
            validator_permit: vec![false; n],
            commit_blocks: Vec::new(),
            weights: RowsBuf::empty(n),
            bonds: RowsBuf::empty(n),
            ..Self::default()
        }
    }

    /// Number of uids.
    #[must_use]
    pub const fn n(&self) -> usize {
        self.alpha_stake.len()
    }

    /// The snapshot, borrowed.
    #[must_use]
    pub fn as_input(&self) -> Input<'_> {
        Input {
            current_block: self.current_block,
            last_mechanism_step_block: self.last_mechanism_step_block,
            rao_emission: self.rao_emission,
            alpha_stake: &self.alpha_stake,
            tao_stake: &self.tao_stake,
            last_update: &self.last_update,
            block_at_registration: &self.block_at_registration,
            validator_permit: &self.validator_permit,
            commit_blocks: &self.commit_blocks,
            weights: self.weights.as_rows(),
            bonds: self.bonds.as_rows(),
        }
    }
}

impl<'a> Input<'a> {
    /// A subnet whose columns are these; blocks, emission and commits are set on the value afterwards.
    #[must_use]
    pub const fn new(
        alpha_stake: &'a [u64],
        tao_stake: &'a [u64],
        last_update: &'a [u64],
        block_at_registration: &'a [u64],
        validator_permit: &'a [bool],
        weights: Rows<'a>,
        bonds: Rows<'a>,
    ) -> Self {
        Self {
            current_block: 0,
            last_mechanism_step_block: 0,
            rao_emission: 0,
            alpha_stake,
            tao_stake,
            last_update,
            block_at_registration,
            validator_permit,
            commit_blocks: &[],
            weights,
            bonds,
        }
    }

    /// An owned copy.
    #[must_use]
    pub fn to_snapshot(&self) -> Snapshot {
        let copy = |rows: Rows<'_>| {
            let mut buf = RowsBuf::new();
            rows.iter().for_each(|row| buf.push_row(row.iter()));
            buf
        };
        Snapshot {
            current_block: self.current_block,
            last_mechanism_step_block: self.last_mechanism_step_block,
            rao_emission: self.rao_emission,
            alpha_stake: self.alpha_stake.to_vec(),
            tao_stake: self.tao_stake.to_vec(),
            last_update: self.last_update.to_vec(),
            block_at_registration: self.block_at_registration.to_vec(),
            validator_permit: self.validator_permit.to_vec(),
            commit_blocks: self.commit_blocks.to_vec(),
            weights: copy(self.weights),
            bonds: copy(self.bonds),
        }
    }
}
