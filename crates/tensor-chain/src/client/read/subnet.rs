//! Subnets: what there is, what it costs, when its epochs are.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tensor_core::call::Value;
use tensor_core::{Alpha, BlockNumber, Coldkey, Hotkey, NetUid, Tao, Tempo, Uid};

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

/// A subnet's alpha in TAO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlphaPrice(u64);

impl AlphaPrice {
    /// One alpha for one TAO.
    pub const ONE: Self = Self(1_000_000_000);

    /// A price in rao for one alpha.
    pub const fn from_rao(rao: u64) -> Self {
        Self(rao)
    }

    /// The rao that one alpha costs.
    pub const fn rao(self) -> u64 {
        self.0
    }

    /// What that much alpha is worth at this price, not asking whether the pool would give it.
    pub fn value_of(self, alpha: Alpha) -> Tao {
        let value = u128::from(alpha.rao()) * u128::from(self.0) / 1_000_000_000;
        Tao::from_rao(u64::try_from(value).unwrap_or(u64::MAX))
    }

    /// The price as a float, for display.
    #[allow(clippy::cast_precision_loss)]
    pub fn to_f64_lossy(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

/// When a subnet's epochs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EpochSchedule {
    /// The block this was read at.
    pub block: BlockNumber,
    /// Blocks between epochs; 0: never.
    pub tempo: Tempo,
    /// When the last one ran.
    pub last_epoch: BlockNumber,
    /// When one was ordered for; `None` when none is.
    pub pending_at: Option<BlockNumber>,
    /// How many have run.
    pub index: u64,
    /// Blocks since the last one that paid.
    pub blocks_since_last_step: u64,
}

impl EpochSchedule {
    /// Blocks after which an epoch runs in any case.
    const MOST_BLOCKS: u64 = 50_400;

    /// The first block after the read one in which an epoch runs; `None` when none will. As
    /// `SubtensorModule` decides it: the ordered one, else a tempo after the last, at once if overdue.
    pub fn next(&self) -> Option<BlockNumber> {
        let tempo = u64::from(self.tempo.value());
        if tempo == 0 {
            return None;
        }
        let due = self.last_epoch.value().saturating_add(tempo);
        let due = self.pending_at.map_or(due, |pending| due.min(pending.value()));
        let forced = (Self::MOST_BLOCKS + 1).saturating_sub(self.blocks_since_last_step);
        let due = due.min(self.block.value().saturating_add(forced));
        Some(BlockNumber::new(due.max(self.block.value().saturating_add(1))))
    }
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

/// When a subnet may be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StartSchedule {
    /// When it was registered.
    pub registered_at: BlockNumber,
    /// How many blocks must pass.
    pub delay: u64,
}

impl StartSchedule {
    /// The first block that takes the start.
    pub const fn earliest_start(&self) -> BlockNumber {
        self.registered_at.saturating_add(self.delay)
    }
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

    /// The price of a subnet's alpha now.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn alpha_price(&self, netuid: NetUid) -> Result<AlphaPrice, Error> {
        self.runtime_call_as("SwapRuntimeApi", "current_alpha_price", &[netuid.into()]).await
    }

    /// The prices of all subnets' alpha now.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn alpha_prices(&self) -> Result<Vec<(NetUid, AlphaPrice)>, Error> {
        #[derive(Deserialize)]
        struct SubnetPrice {
            netuid: NetUid,
            price: AlphaPrice,
        }
        let all: Vec<SubnetPrice> =
            self.runtime_call_as("SwapRuntimeApi", "current_alpha_price_all", &[]).await?;
        Ok(all.into_iter().map(|subnet| (subnet.netuid, subnet.price)).collect())
    }

    /// When a subnet's epochs are, for [`EpochSchedule::next`].
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn epoch_schedule(&self, netuid: NetUid) -> Result<EpochSchedule, Error> {
        const PALLET: &str = "SubtensorModule";
        let keys = [Value::from(netuid)];
        let values = self
            .storage_batch(&[
                ("System", "Number", &[]),
                (PALLET, "Tempo", &keys),
                (PALLET, "LastEpochBlock", &keys),
                (PALLET, "PendingEpochAt", &keys),
                (PALLET, "SubnetEpochIndex", &keys),
                (PALLET, "BlocksSinceLastStep", &keys),
            ])
            .await?;
        let number = |place: usize| {
            let value = values.get(place).and_then(Option::as_ref).and_then(Value::as_u64);
            value.ok_or_else(|| Error::decode("the epoch schedule", "a number is missing"))
        };
        let pending = number(3)?;
        Ok(EpochSchedule {
            block: BlockNumber::new(number(0)?),
            tempo: Tempo::new(u16::try_from(number(1)?).unwrap_or(u16::MAX)),
            last_epoch: BlockNumber::new(number(2)?),
            pending_at: (pending > 0).then(|| BlockNumber::new(pending)),
            index: number(4)?,
            blocks_since_last_step: number(5)?,
        })
    }

    /// The first block after the read one in which an epoch runs, as the runtime says.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn next_epoch_start_block(
        &self,
        netuid: NetUid,
    ) -> Result<Option<BlockNumber>, Error> {
        self.runtime_call_as(API, "get_next_epoch_start_block", &[netuid.into()]).await
    }

    /// How many blocks remain until the next epoch; `None` when none will come.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn blocks_until_next_epoch(&self, netuid: NetUid) -> Result<Option<u64>, Error> {
        let chain = self.pinned().await?;
        let (now, next) =
            futures::try_join!(chain.block_number(), chain.next_epoch_start_block(netuid))?;
        Ok(next.map(|next| next.since(now)))
    }

    /// Blocks since the last epoch that paid.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn blocks_since_last_step(&self, netuid: NetUid) -> Result<u64, Error> {
        self.storage_as("SubtensorModule", "BlocksSinceLastStep", &[netuid.into()]).await
    }

    /// Blocks since a neuron last set or committed weights; `None` for a slot that is not taken.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn blocks_since_last_update(
        &self,
        netuid: NetUid,
        uid: Uid,
    ) -> Result<Option<u64>, Error> {
        let keys = [Value::from(netuid)];
        let values = self
            .storage_batch(&[("System", "Number", &[]), ("SubtensorModule", "LastUpdate", &keys)])
            .await?;
        let now = values.first().and_then(Option::as_ref).and_then(Value::as_u64);
        let all = values.get(1).and_then(Option::as_ref).and_then(Value::as_list);
        let last = all.and_then(|all| all.get(uid.index())).and_then(Value::as_u64);
        Ok(now.zip(last).map(|(now, last)| now.saturating_sub(last)))
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

    /// When a subnet may be started.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn subnet_start_schedule(&self, netuid: NetUid) -> Result<StartSchedule, Error> {
        let keys = [netuid.into()];
        let registered_at =
            self.storage_as("SubtensorModule", "NetworkRegisteredAt", &keys).await?;
        let delay = match self.storage("SubtensorModule", "StartCallDelay", &[]).await {
            Ok(delay) => delay.and_then(|delay| delay.as_u64()),
            Err(Error::Missing(_)) => None,
            Err(error) => return Err(error),
        };
        let delay = match delay {
            Some(delay) => delay,
            None => self.constant_as("SubtensorModule", "InitialStartCallDelay").await?,
        };
        Ok(StartSchedule { registered_at, delay })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(block: u64, last: u64, pending: u64) -> EpochSchedule {
        EpochSchedule {
            block: BlockNumber::new(block),
            tempo: Tempo::new(360),
            last_epoch: BlockNumber::new(last),
            pending_at: (pending > 0).then(|| BlockNumber::new(pending)),
            index: 0,
            blocks_since_last_step: block.saturating_sub(last),
        }
    }

    #[test]
    fn epochs_come_a_tempo_after_the_last_or_as_ordered() {
        let next = |block, last, pending| schedule(block, last, pending).next().unwrap().value();
        assert_eq!(next(1020, 1000, 0), 1360);
        assert_eq!(next(1020, 1000, 1050), 1050);
        assert_eq!(next(1400, 1000, 0), 1401, "overdue");
        assert_eq!(next(60_000, 1000, 0), 60_001);
        let never = EpochSchedule { tempo: Tempo::new(0), ..schedule(5, 0, 0) };
        assert_eq!(never.next(), None);
    }

    #[test]
    fn prices_value_alpha_exactly() {
        let price = AlphaPrice::from_rao(1_500_000_000);
        assert_eq!(price.value_of(Alpha::from_rao(3)), Tao::from_rao(4));
        assert_eq!(AlphaPrice::ONE.value_of(Alpha::MAX), Tao::MAX);
    }
}
