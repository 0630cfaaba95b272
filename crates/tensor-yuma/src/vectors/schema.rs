//! The shape of a vector file.

use serde::{Deserialize, Serialize};

use super::units::Units;
use crate::epoch::{Intermediates, Outcome, Parameters};
use crate::fixed::{I32F32, I64F64, U64F64};
use crate::rows::RowsBuf;

/// A whole file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct VectorFile {
    /// `yuma-vectors/1`.
    pub schema: String,
    /// Where the values come from.
    pub source: std::collections::BTreeMap<String, SourceValue>,
    /// Single functions.
    #[serde(default)]
    pub units: Units,
    /// Subnets over one or more epochs.
    #[serde(default)]
    pub cases: Vec<Case>,
    /// Subnets with several mechanisms.
    #[serde(default)]
    pub mechanism_cases: Vec<MechanismCase>,
}

/// Text or number in the provenance of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SourceValue {
    /// A number.
    Number(u64),
    /// A text.
    Text(String),
}

/// A subnet over one or more epochs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Case {
    /// Name of the case.
    pub name: String,
    /// Seed of the generator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Number of neurons.
    pub n: usize,
    /// Hyperparameters.
    pub hp: Parameters,
    /// Epochs in order; each continues from the bonds and permits of the one before.
    pub epochs: Vec<EpochVector>,
}

/// One epoch of a [`Case`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct EpochVector {
    /// Input; what is missing is kept from the epoch before.
    #[serde(rename = "in")]
    pub inputs: Inputs,
    /// Expected result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out: Option<Outputs>,
    /// Expected result of the dense variant on the same input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dense_out: Option<Outputs>,
}

/// Input of an epoch. The first epoch of a case must have everything, later ones inherit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are those of `epoch::Input`")]
pub struct Inputs {
    pub current_block: u64,
    pub last_mechanism_step_block: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rao_emission: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha_stake: Option<Vec<u64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tao_stake: Option<Vec<u64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_update: Option<Vec<u64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_at_registration: Option<Vec<u64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_blocks: Option<Vec<Option<u64>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<RowsBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validator_permit: Option<Vec<Flag>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bonds: Option<RowsBuf>,
}

/// A subnet with several mechanisms, over one epoch.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MechanismCase {
    /// Name of the case.
    pub name: String,
    /// Seed of the generator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Number of neurons.
    pub n: usize,
    /// Hyperparameters.
    pub hp: Parameters,
    /// Number of mechanisms.
    pub mechanism_count: usize,
    /// Stored split, if any.
    pub split: Option<Vec<u16>>,
    /// Emission of the subnet.
    pub rao_emission: u64,
    /// Input all mechanisms share.
    #[serde(rename = "in")]
    pub inputs: Inputs,
    /// The mechanisms.
    pub mechanisms: Vec<MechanismVector>,
    /// Expected aggregate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<Outputs>,
}

/// One mechanism of a [`MechanismCase`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MechanismVector {
    /// What the mechanism has of its own.
    #[serde(rename = "in")]
    pub inputs: MechanismInputs,
    /// Expected part of the emission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_emission: Option<u64>,
    /// Expected weight in the aggregate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_u64f64: Option<U64F64>,
    /// Expected result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out: Option<Outputs>,
}

/// Input of one mechanism.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are those of `epoch::MechanismInput`")]
pub struct MechanismInputs {
    pub last_update: Vec<u64>,
    #[serde(default)]
    pub commit_blocks: Vec<Option<u64>>,
    pub weights: RowsBuf,
    pub bonds: RowsBuf,
}

/// A truth value written as 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag(pub bool);

impl Serialize for Flag {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(u8::from(self.0))
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u8::deserialize(deserializer)? {
            0 => Ok(Self(false)),
            1 => Ok(Self(true)),
            other => Err(serde::de::Error::custom(format_args!("{other} is neither 0 nor 1"))),
        }
    }
}

macro_rules! outputs {
    ($($field:ident : $kind:ty),* $(,)?) => {
        /// Result of an epoch; what is absent is not compared.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[non_exhaustive]
        #[allow(missing_docs, reason = "the fields are those of `epoch::Outcome` and `epoch::Intermediates`")]
        pub struct Outputs {
            $(
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $field: Option<$kind>,
            )*
        }

        impl Outputs {
            /// Keep only the fields that `pattern` has.
            #[must_use]
            pub fn like(mut self, pattern: &Self) -> Self {
                $( if pattern.$field.is_none() { self.$field = None; } )*
                self
            }

            /// Call `report` with the name and both values, as text, of every field that differs where both have it, or that
            /// `computed` lacks.
            pub(super) fn differences(&self, computed: &Self, mut report: impl FnMut(&'static str, String)) {
                $(
                    if let Some(expected) = &self.$field {
                        match &computed.$field {
                            Some(got) if got == expected => {}
                            Some(got) => report(stringify!($field), super::check::Difference::between(expected, got)),
                            None => report(stringify!($field), "is not computed".to_owned()),
                        }
                    }
                )*
            }
        }
    };
}

outputs! {
    total_stake: Vec<I64F64>,
    stake: Vec<I32F32>,
    active_stake: Vec<I32F32>,
    consensus: Vec<I32F32>,
    validator_trust: Vec<I32F32>,
    incentive: Vec<I32F32>,
    dividends: Vec<I32F32>,
    active: Vec<Flag>,
    new_validator_permit: Vec<Flag>,
    server_emission: Vec<u64>,
    validator_emission: Vec<u64>,
    emission: Vec<u64>,
    stake_u64: Vec<u64>,
    stake_weight_u16: Vec<u16>,
    consensus_u16: Vec<u16>,
    incentive_u16: Vec<u16>,
    dividends_u16: Vec<u16>,
    validator_trust_u16: Vec<u16>,
    bonds: RowsBuf,
    weights_norm: RowsBuf<I32F32>,
    clipped: RowsBuf<I32F32>,
    ema_bonds: RowsBuf<I32F32>,
}

impl Outputs {
    pub(super) fn of(outcome: &Outcome, matrices: Option<&Intermediates>) -> Self {
        let flags = |values: &[bool]| Some(values.iter().map(|&value| Flag(value)).collect());
        Self {
            total_stake: Some(outcome.total_stake.clone()),
            stake: Some(outcome.stake.clone()),
            active_stake: Some(outcome.active_stake.clone()),
            consensus: Some(outcome.consensus.clone()),
            validator_trust: Some(outcome.validator_trust.clone()),
            incentive: Some(outcome.incentive.clone()),
            dividends: Some(outcome.dividends.clone()),
            active: flags(&outcome.active),
            new_validator_permit: flags(&outcome.new_validator_permit),
            server_emission: Some(outcome.server_emission.clone()),
            validator_emission: Some(outcome.validator_emission.clone()),
            emission: Some(outcome.emission.clone()),
            stake_u64: Some(outcome.stake_u64.clone()),
            stake_weight_u16: Some(outcome.stake_weight_u16.clone()),
            consensus_u16: Some(outcome.consensus_u16.clone()),
            incentive_u16: Some(outcome.incentive_u16.clone()),
            dividends_u16: Some(outcome.dividends_u16.clone()),
            validator_trust_u16: Some(outcome.validator_trust_u16.clone()),
            bonds: Some(outcome.bonds.clone()),
            weights_norm: matrices.map(|m| m.weights.clone()),
            clipped: matrices.map(|m| m.clipped.clone()),
            ema_bonds: matrices.map(|m| m.ema_bonds.clone()),
        }
    }

    pub(super) fn of_aggregate(aggregate: &crate::epoch::Aggregate) -> Self {
        let flags = |values: &[bool]| Some(values.iter().map(|&value| Flag(value)).collect());
        Self {
            active: flags(&aggregate.active),
            new_validator_permit: flags(&aggregate.new_validator_permit),
            server_emission: Some(aggregate.server_emission.clone()),
            validator_emission: Some(aggregate.validator_emission.clone()),
            emission: Some(aggregate.emission.clone()),
            stake_u64: Some(aggregate.stake_u64.clone()),
            stake_weight_u16: Some(aggregate.stake_weight_u16.clone()),
            consensus_u16: Some(aggregate.consensus_u16.clone()),
            incentive_u16: Some(aggregate.incentive_u16.clone()),
            dividends_u16: Some(aggregate.dividends_u16.clone()),
            validator_trust_u16: Some(aggregate.validator_trust_u16.clone()),
            ..Self::default()
        }
    }
}
