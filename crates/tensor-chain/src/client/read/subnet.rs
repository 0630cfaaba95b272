//! Subnets: what there is and what it costs.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tensor_core::call::Value;
use tensor_core::{Alpha, BlockNumber, Coldkey, Hotkey, NetUid, Tao, Tempo};

use super::super::Subtensor;
use super::fixed::Fixed;
use crate::codec::from_value;
use crate::error::Error;

/// A subnet with its pool (`SubnetInfoRuntimeApi.get_dynamic_info`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SubnetInfo {
    /// The subnet.
    pub netuid: NetUid,
    /// Its name.
    pub subnet_name: String,
    /// Its token's symbol.
    pub token_symbol: String,
    /// The owner's hotkey.
    pub owner_hotkey: Hotkey,
    /// The owner.
    pub owner_coldkey: Coldkey,
    /// Blocks between epochs.
    pub tempo: Tempo,
    /// When the last epoch ran.
    pub last_step: BlockNumber,
    /// Blocks since then.
    pub blocks_since_last_step: u64,
    /// The alpha in its pool.
    pub alpha_in: Alpha,
    /// The alpha outside its pool: staked.
    pub alpha_out: Alpha,
    /// The TAO in its pool.
    pub tao_in: Tao,
    /// The alpha that each block adds outside.
    pub alpha_out_emission: Alpha,
    /// The alpha that each block adds to the pool.
    pub alpha_in_emission: Alpha,
    /// The TAO that each block adds to the pool.
    pub tao_in_emission: Tao,
    /// All TAO that was ever traded, in rao.
    pub subnet_volume: u128,
    /// When the subnet was registered.
    pub network_registered_at: BlockNumber,
    /// The smoothed price of its alpha in TAO.
    pub moving_price: Fixed<32>,
    /// What it says about itself.
    pub subnet_identity: Option<SubnetIdentity>,
}

/// What a subnet says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs)]
pub struct SubnetIdentity {
    pub subnet_name: String,
    pub github_repo: String,
    pub subnet_contact: String,
    pub subnet_url: String,
    pub discord: String,
    pub description: String,
    #[serde(default)]
    pub logo_url: String,
    pub additional: String,
}

/// A subnet in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SubnetSummary {
    /// The subnet.
    pub netuid: NetUid,
    /// Blocks between epochs.
    pub tempo: Tempo,
    /// The price of a slot.
    pub burn: Tao,
    /// How many neurons it has.
    pub neurons: u16,
}

/// The smoothed flow of TAO into a subnet's pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TaoFlow {
    /// When it was last smoothed.
    pub block: BlockNumber,
    /// The flow, in rao per block.
    pub flow: Fixed<64>,
}

const API: &str = "SubnetInfoRuntimeApi";

impl Subtensor {
    /// A subnet with its pool.
    ///
    /// # Errors
    /// [`Error::NoSuchSubnet`], or [`Error`] when it cannot be read.
    pub async fn subnet(&self, netuid: NetUid) -> Result<SubnetInfo, Error> {
        let info = self.runtime_call_as(API, "get_dynamic_info", &[netuid.into()]).await?;
        Option::ok_or(info, Error::NoSuchSubnet(netuid))
    }

    /// All subnets with their pools, by netuid.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn subnet_infos(&self) -> Result<Vec<SubnetInfo>, Error> {
        let all: Vec<Option<SubnetInfo>> =
            self.runtime_call_as(API, "get_all_dynamic_info", &[]).await?;
        Ok(all.into_iter().flatten().collect())
    }

    /// All subnets with tempo, price and size, by netuid.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn subnets(&self) -> Result<Vec<SubnetSummary>, Error> {
        let chain = self.pinned().await?;
        let added = chain.storage_map("SubtensorModule", "NetworksAdded", &[]).await?;
        let netuid = |(keys, added): (Vec<Value>, Value)| {
            let netuid = keys.first()?.as_u64()?;
            added.as_bool()?.then(|| u16::try_from(netuid).ok().map(NetUid::new))?
        };
        let mut netuids: Vec<_> = added.into_iter().filter_map(netuid).collect();
        netuids.sort_unstable();
        let keys: Vec<_> = netuids.iter().map(|netuid| vec![Value::from(*netuid)]).collect();
        let (tempos, burns, sizes) = futures::try_join!(
            chain.storage_many("SubtensorModule", "Tempo", &keys),
            chain.storage_many("SubtensorModule", "Burn", &keys),
            chain.storage_many("SubtensorModule", "SubnetworkN", &keys)
        )?;
        let number = |value: Option<Value>| value.and_then(|v| v.as_u64()).unwrap_or_default();
        let rows = netuids.into_iter().zip(tempos).zip(burns).zip(sizes);
        let rows = rows.map(|(((netuid, tempo), burn), size)| SubnetSummary {
            netuid,
            tempo: Tempo::new(u16::try_from(number(tempo)).unwrap_or(u16::MAX)),
            burn: Tao::from_rao(number(burn)),
            neurons: u16::try_from(number(size)).unwrap_or(u16::MAX),
        });
        Ok(rows.collect())
    }

    /// Whether the subnet exists.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn subnet_exists(&self, netuid: NetUid) -> Result<bool, Error> {
        self.storage_as("SubtensorModule", "NetworksAdded", &[netuid.into()]).await
    }

    /// The price of a slot in the subnet now.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn burn(&self, netuid: NetUid) -> Result<Tao, Error> {
        self.storage_as("SubtensorModule", "Burn", &[netuid.into()]).await
    }

    /// The price of a new subnet now.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn network_registration_cost(&self) -> Result<Tao, Error> {
        let api = "SubnetRegistrationRuntimeApi";
        self.runtime_call_as(api, "get_network_registration_cost", &[]).await
    }

    /// How many incentive mechanisms a subnet has.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn mechanism_count(&self, netuid: NetUid) -> Result<u8, Error> {
        self.storage_as("SubtensorModule", "MechanismCountCurrent", &[netuid.into()]).await
    }

    /// How emission is split between a subnet's mechanisms, of 65,535; `None` for evenly.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn mechanism_emission_split(
        &self,
        netuid: NetUid,
    ) -> Result<Option<Vec<u16>>, Error> {
        self.storage_as("SubtensorModule", "MechanismEmissionSplit", &[netuid.into()]).await
    }

    /// What a subnet says about itself.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn subnet_identity(&self, netuid: NetUid) -> Result<Option<SubnetIdentity>, Error> {
        self.storage_as("SubtensorModule", "SubnetIdentitiesV3", &[netuid.into()]).await
    }

    /// The names that subnets gave themselves.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn subnet_names(&self) -> Result<BTreeMap<NetUid, String>, Error> {
        let all: BTreeMap<NetUid, SubnetIdentity> = self.by_netuid("SubnetIdentitiesV3").await?;
        Ok(all.into_iter().map(|(netuid, identity)| (netuid, identity.subnet_name)).collect())
    }

    /// The symbols of subnets' tokens.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn token_symbols(&self) -> Result<BTreeMap<NetUid, String>, Error> {
        self.by_netuid("TokenSymbol").await
    }

    /// The smoothed flow of TAO into subnets' pools.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn subnet_tao_flows(&self) -> Result<BTreeMap<NetUid, TaoFlow>, Error> {
        let all: BTreeMap<NetUid, (BlockNumber, Fixed<64>)> =
            self.by_netuid("SubnetEmaTaoFlow").await?;
        let flow = |(netuid, (block, flow))| (netuid, TaoFlow { block, flow });
        Ok(all.into_iter().map(flow).collect())
    }

    /// Whether a subnet shares in the block emission.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn subnet_emission_enabled(&self, netuid: NetUid) -> Result<bool, Error> {
        self.storage_as("SubtensorModule", "SubnetEmissionEnabled", &[netuid.into()]).await
    }

    /// The values of an item of SubtensorModule by netuid.
    async fn by_netuid<T: DeserializeOwned>(
        &self,
        item: &str,
    ) -> Result<BTreeMap<NetUid, T>, Error> {
        let mut all = BTreeMap::new();
        for (keys, value) in self.storage_map("SubtensorModule", item, &[]).await? {
            let netuid = keys.first().and_then(Value::as_u64).and_then(|n| u16::try_from(n).ok());
            let netuid = netuid.ok_or_else(|| Error::decode(item, "its key is no netuid"))?;
            let value = from_value(value)
                .map_err(|source| Error::decode(format!("SubtensorModule.{item}"), source))?;
            all.insert(NetUid::new(netuid), value);
        }
        Ok(all)
    }

    /// Whether alpha of the subnet trades: its owner has started it.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn subnet_is_active(&self, netuid: NetUid) -> Result<bool, Error> {
        let keys = [netuid.into()];
        let first = self.storage("SubtensorModule", "FirstEmissionBlockNumber", &keys).await?;
        Ok(!matches!(first, None | Some(Value::Option(None))))
    }
}
