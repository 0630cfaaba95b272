//! Neurons, hotkeys and who owns them.

use serde::{Deserialize, Serialize};
use tensor_core::call::Value;
use tensor_core::weights::U16Fraction;
use tensor_core::{Alpha, BlockNumber, Coldkey, Hotkey, NetUid, Uid};

use super::super::Subtensor;
use crate::codec::{TypedError, from_value};
use crate::error::Error;

/// A neuron as `NeuronInfoRuntimeApi.get_neurons_lite` tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LiteNeuron {
    /// Its slot.
    pub uid: Uid,
    /// Its subnet.
    pub netuid: NetUid,
    /// Its hotkey.
    pub hotkey: Hotkey,
    /// The coldkey that owns it.
    pub coldkey: Coldkey,
    /// Whether it set weights within the activity cutoff.
    pub active: bool,
    /// Where it serves, as the chain keeps it.
    pub axon_info: RawAxon,
    /// Where its metrics are.
    pub prometheus_info: PrometheusInfo,
    /// Who staked what to it: coldkey and alpha.
    pub stake: Vec<(Coldkey, Alpha)>,
    /// What the last epoch paid it.
    pub emission: Alpha,
    /// Its share as a miner.
    pub incentive: U16Fraction,
    /// The stake-weighted median of the weights on it.
    pub consensus: U16Fraction,
    /// How much of its weights agreed with consensus.
    pub validator_trust: U16Fraction,
    /// Its share as a validator.
    pub dividends: U16Fraction,
    /// When it last set or committed weights.
    pub last_update: BlockNumber,
    /// Whether it may set weights.
    pub validator_permit: bool,
}

/// A neuron with its weights and bonds (`NeuronInfoRuntimeApi.get_neurons`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FullNeuron {
    /// What the lite form has.
    #[serde(flatten)]
    pub neuron: LiteNeuron,
    /// Its weights by uid.
    pub weights: Vec<(Uid, u16)>,
    /// Its bonds by uid.
    pub bonds: Vec<(Uid, u16)>,
}

/// An axon in the chain's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RawAxon {
    /// When it was published.
    pub block: BlockNumber,
    /// The publisher's version.
    pub version: u32,
    /// The address as a number.
    pub ip: u128,
    /// The port.
    pub port: u16,
    /// 4 or 6.
    pub ip_type: u8,
    /// The publisher's protocol number.
    pub protocol: u8,
}

/// Where a neuron publishes metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PrometheusInfo {
    /// When it was published.
    pub block: BlockNumber,
    /// The publisher's version.
    pub version: u32,
    /// The address as a number.
    pub ip: u128,
    /// The port.
    pub port: u16,
    /// 4 or 6.
    pub ip_type: u8,
}

const API: &str = "NeuronInfoRuntimeApi";

impl Subtensor {
    /// The slot of a hotkey in a subnet; `None` when it is not registered there.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn uid(&self, netuid: NetUid, hotkey: &Hotkey) -> Result<Option<Uid>, Error> {
        let keys = [netuid.into(), Value::from(*hotkey)];
        self.storage_as("SubtensorModule", "Uids", &keys).await
    }

    /// All neurons of a subnet, by uid. The [`metagraph`](Self::metagraph) says more in less time; this
    /// one tells who staked.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn neurons(&self, netuid: NetUid) -> Result<Vec<LiteNeuron>, Error> {
        self.runtime_call_as(API, "get_neurons_lite", &[netuid.into()]).await
    }

    /// One neuron; `None` when the slot is empty.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn neuron(&self, netuid: NetUid, uid: Uid) -> Result<Option<LiteNeuron>, Error> {
        self.runtime_call_as(API, "get_neuron_lite", &[netuid.into(), uid.into()]).await
    }

    /// All neurons of a subnet with weights and bonds: a large answer.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn full_neurons(&self, netuid: NetUid) -> Result<Vec<FullNeuron>, Error> {
        #[derive(Deserialize)]
        struct Rows {
            weights: Vec<(Uid, u16)>,
            bonds: Vec<(Uid, u16)>,
        }
        let answer = self.runtime_call(API, "get_neurons", &[netuid.into()]).await?;
        let Value::List(all) = answer else {
            return Err(Error::decode("get_neurons", "it is no list"));
        };
        let read = |value: Value| {
            let Rows { weights, bonds } = from_value(value.clone())?;
            Ok(FullNeuron { neuron: from_value(value)?, weights, bonds })
        };
        let all: Result<_, TypedError> = all.into_iter().map(read).collect();
        all.map_err(|source| Error::decode("get_neurons", source))
    }

    /// The coldkey that owns a hotkey; `None` for a hotkey that the chain does not know.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn hotkey_owner(&self, hotkey: &Hotkey) -> Result<Option<Coldkey>, Error> {
        let owner = self.stored("SubtensorModule", "Owner", &[(*hotkey).into()]).await?;
        Ok(owner.as_ref().and_then(Value::as_account).map(Coldkey::new))
    }

    /// The hotkeys that a coldkey owns.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn owned_hotkeys(&self, coldkey: &Coldkey) -> Result<Vec<Hotkey>, Error> {
        self.storage_as("SubtensorModule", "OwnedHotkeys", &[(*coldkey).into()]).await
    }

    /// The subnets that a hotkey is registered in, ascending.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn netuids_for_hotkey(&self, hotkey: &Hotkey) -> Result<Vec<NetUid>, Error> {
        let keys = [Value::from(*hotkey)];
        let entries = self.storage_map("SubtensorModule", "IsNetworkMember", &keys).await?;
        let member = |(keys, member): (Vec<Value>, Value)| {
            let netuid = u16::try_from(keys.get(1)?.as_u64()?).ok()?;
            member.as_bool()?.then(|| NetUid::new(netuid))
        };
        let mut netuids: Vec<_> = entries.into_iter().filter_map(member).collect();
        netuids.sort_unstable();
        Ok(netuids)
    }

    /// The EVM address tied to a neuron, and since which block.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn associated_evm_key(
        &self,
        netuid: NetUid,
        uid: Uid,
    ) -> Result<Option<([u8; 20], BlockNumber)>, Error> {
        let keys = [netuid.into(), uid.into()];
        self.storage_as("SubtensorModule", "AssociatedEvmAddress", &keys).await
    }
}
