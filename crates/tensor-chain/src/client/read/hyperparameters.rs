//! A subnet's hyperparameters, by name.
//!
//! The runtime gives them as a list of names and values (`get_subnet_hyperparams_v3`), so new ones need
//! no new client. Older runtimes give a record; it is read the same way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tensor_core::call::Value;
use tensor_core::{NetUid, Tao, Tempo};

use super::super::Subtensor;
use crate::codec::from_value;
use crate::error::Error;

/// The hyperparameters of a subnet at one block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hyperparameters(BTreeMap<String, Setting>);

/// One hyperparameter's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Setting {
    /// On or off.
    Bool(bool),
    /// An integer.
    Integer(u128),
    /// An amount of TAO.
    Tao(Tao),
    /// A fixed-point number: its bits and how many of them are after the point.
    Fixed {
        /// All bits.
        bits: i128,
        /// The bits after the point.
        fraction: u32,
    },
}

impl Setting {
    /// The value as a float, for display.
    #[allow(clippy::cast_precision_loss)]
    pub fn to_f64_lossy(self) -> f64 {
        match self {
            Self::Bool(value) => f64::from(u8::from(value)),
            Self::Integer(value) => value as f64,
            Self::Tao(value) => value.to_f64_lossy(),
            Self::Fixed { bits, fraction } => bits as f64 / 2f64.powi(fraction as i32),
        }
    }
}

impl Hyperparameters {
    /// The hyperparameter of that name, such as `commit_reveal_period`.
    pub fn get(&self, name: &str) -> Option<Setting> {
        self.0.get(name).copied()
    }

    /// The integer of that name.
    pub fn integer(&self, name: &str) -> Option<u64> {
        match self.get(name)? {
            Setting::Integer(value) => value.try_into().ok(),
            _ => None,
        }
    }

    /// The switch of that name.
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name)? {
            Setting::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// Blocks between epochs.
    pub fn tempo(&self) -> Option<Tempo> {
        u16::try_from(self.integer("tempo")?).ok().map(Tempo::new)
    }

    /// All of them by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, Setting)> {
        self.0.iter().map(|(name, setting)| (name.as_str(), *setting))
    }
}

const API: &str = "SubnetInfoRuntimeApi";

impl Subtensor {
    /// A subnet's hyperparameters.
    ///
    /// # Errors
    /// [`Error::NoSuchSubnet`], or [`Error`] when they cannot be read.
    pub async fn hyperparameters(&self, netuid: NetUid) -> Result<Hyperparameters, Error> {
        let args = [Value::from(netuid)];
        for method in
            ["get_subnet_hyperparams_v3", "get_subnet_hyperparams_v2", "get_subnet_hyperparams"]
        {
            let answer = match self.runtime_call(API, method, &args).await {
                Err(Error::Missing(_)) => continue,
                answer => answer?,
            };
            let Value::Option(found) = answer else {
                return Err(Error::decode(method, "it is no option"));
            };
            let found = *found.ok_or(Error::NoSuchSubnet(netuid))?;
            return read(found).ok_or_else(|| Error::decode(method, "it is no list of settings"));
        }
        let name = format!("{API}.get_subnet_hyperparams_v3");
        Err(crate::codec::Missing::new(crate::codec::Kind::RuntimeApi, name).into())
    }
}

macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident: $kind:ty = $item:literal;)*) => {
        /// Single hyperparameters, each one request.
        impl Subtensor {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// [`Error`] when it cannot be read.
                pub async fn $name(&self, netuid: NetUid) -> Result<$kind, Error> {
                    self.storage_as("SubtensorModule", $item, &[netuid.into()]).await
                }
            )*
        }
    };
}

settings! {
    /// How hard proof of work for a slot is.
    difficulty: u64 = "Difficulty";
    /// For how many blocks a new neuron cannot lose its slot.
    immunity_period: u16 = "ImmunityPeriod";
    /// The largest share of a row that one weight may have, of 65,535.
    max_weight_limit: u16 = "MaxWeightsLimit";
    /// How many neurons a validator must weigh at least.
    min_allowed_weights: u16 = "MinAllowedWeights";
    /// After how many epochs committed weights are revealed.
    reveal_period: u64 = "RevealPeriodEpochs";
    /// How many blocks a validator must leave between weights.
    weights_rate_limit: u64 = "WeightsSetRateLimit";
    /// Whether weights are committed first and revealed later.
    commit_reveal_enabled: bool = "CommitRevealWeightsEnabled";
    /// The version of validator software that the subnet asks for.
    weights_version_key: u64 = "WeightsVersionKey";
    /// Blocks between epochs.
    tempo: Tempo = "Tempo";
}

fn read(value: Value) -> Option<Hyperparameters> {
    let mut settings = BTreeMap::new();
    match value {
        Value::List(entries) => {
            for entry in entries {
                let name: String = from_value(entry.field("name")?.clone()).ok()?;
                let (kind, fields) = entry.field("value")?.as_variant()?;
                // A kind of value that does not exist yet hides that one only.
                if let Some(setting) = setting(kind, &fields.first()?.1) {
                    settings.insert(name, setting);
                }
            }
        }
        Value::Record(fields) => {
            for (name, value) in fields {
                if let Some(setting) = setting("", &value) {
                    settings.insert(name, setting);
                }
            }
        }
        _ => return None,
    }
    Some(Hyperparameters(settings))
}

fn setting(kind: &str, value: &Value) -> Option<Setting> {
    match value {
        Value::Bool(value) => Some(Setting::Bool(*value)),
        Value::Uint(value) if kind == "TaoBalance" => {
            u64::try_from(*value).ok().map(|rao| Setting::Tao(Tao::from_rao(rao)))
        }
        Value::Uint(value) => Some(Setting::Integer(*value)),
        record => {
            let fraction = match kind {
                "U64F64" | "I64F64" => 64,
                _ => 32,
            };
            let bits = match record.field("bits")? {
                Value::Int(bits) => *bits,
                bits => i128::try_from(bits.as_u128()?).ok()?,
            };
            Some(Setting::Fixed { bits, fraction })
        }
    }
}
