//! Locks, conviction and collateral: alpha that is held back.

use serde::{Deserialize, Serialize};
use tensor_core::call::Value;
use tensor_core::{Alpha, BlockNumber, Coldkey, Hotkey, NetUid};

use super::super::Subtensor;
use super::super::raw::typed;
use super::fixed::Fixed;
use crate::codec::from_value;
use crate::error::Error;

/// A lock as it was when it was last touched. It runs out, and conviction grows, block by block; see
/// [`LockState::projected`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LockState {
    /// How much was locked.
    pub locked_mass: Alpha,
    /// How much conviction it had.
    pub conviction: Fixed<64>,
    /// When that was.
    pub last_update: BlockNumber,
}

impl LockState {
    /// Locked alpha and conviction at a later block, as floats, in rao. `perpetual` locks do not run
    /// out; an owner's lock convinces at once.
    #[allow(clippy::cast_precision_loss)]
    pub fn projected(
        &self,
        at: BlockNumber,
        rates: LockRates,
        perpetual: bool,
        owner: bool,
    ) -> (f64, f64) {
        let blocks = at.since(self.last_update) as f64;
        let (unlock, mature) = (rates.unlock as f64, rates.maturity as f64);
        let decay = |rate: f64| if rate > 0.0 { (-blocks / rate).exp() } else { 0.0 };
        let (unlocked, matured) = (decay(unlock), decay(mature));
        let mass = self.locked_mass.rao() as f64;
        let left = if perpetual { mass } else { mass * unlocked };
        if owner {
            return (left, left);
        }
        let grown = if perpetual {
            mass * (1.0 - matured)
        } else if rates.unlock == rates.maturity {
            if mature > 0.0 { mass * blocks / mature * matured } else { 0.0 }
        } else if unlock <= 0.0 || mature <= 0.0 {
            0.0
        } else {
            (mass * unlock * (unlocked - matured) / (unlock - mature)).max(0.0)
        };
        (left, self.conviction.to_f64_lossy() * matured + grown)
    }
}

/// How fast locks run out and conviction grows, in blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LockRates {
    /// The time in which 1/e of a lock is left.
    pub unlock: u64,
    /// The time in which conviction has grown to all but 1/e.
    pub maturity: u64,
}

/// A coldkey's lock on a subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Lock {
    /// The subnet.
    pub netuid: NetUid,
    /// The hotkey it speaks for.
    pub hotkey: Hotkey,
    /// The lock.
    pub state: LockState,
}

/// What of a subnet's locks speaks for one hotkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Conviction {
    /// The hotkey.
    pub hotkey: Hotkey,
    /// The locks together.
    pub state: LockState,
    /// Whether they do not run out.
    pub perpetual: bool,
    /// Whether they are the owner's.
    pub owner: bool,
}

/// All locks of a subnet, and what would make another hotkey its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubnetConvictions {
    /// The block this was read at.
    pub block: BlockNumber,
    /// The locks by hotkey and kind.
    pub convictions: Vec<Conviction>,
    /// The owner's hotkey.
    pub owner_hotkey: Hotkey,
    /// The alpha of which 18 % make an owner: outside the pool, less what is burned or the chain's own.
    pub eligible_alpha: Alpha,
    /// How fast locks change.
    pub rates: LockRates,
    /// When the subnet was registered; it cannot change hands in its first 2,629,800 blocks.
    pub registered_at: BlockNumber,
}

/// A miner's collateral.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MinerCollateral {
    /// How much is locked.
    pub locked: Alpha,
    /// How much of its earnings goes back to it.
    pub drain_ratio: Fixed<64>,
    /// How much must stay.
    pub min_locked: Alpha,
    /// How much it has earned back.
    pub earned: Alpha,
}

/// What collateral a subnet asks of its miners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CollateralPolicy {
    /// The share of a registration's price that is locked, of 65,535.
    pub lock_share: u16,
    /// How fast it is given back.
    pub drain_ratio: Fixed<64>,
}

const PALLET: &str = "SubtensorModule";

impl Subtensor {
    /// Whether a coldkey accepts alpha that comes locked: bit 0 of its flags.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn accepts_locked_alpha(&self, coldkey: &Coldkey) -> Result<bool, Error> {
        let flags: u128 = self.storage_as(PALLET, "AccountFlags", &[(*coldkey).into()]).await?;
        Ok(flags & 1 == 1)
    }

    /// A coldkey's lock on a subnet.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn coldkey_lock(
        &self,
        coldkey: &Coldkey,
        netuid: NetUid,
    ) -> Result<Option<Lock>, Error> {
        let keys = [(*coldkey).into(), Value::from(netuid)];
        Ok(self.locks(&keys).await?.into_iter().next())
    }

    /// A coldkey's locks on all subnets.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn locks_for_coldkey(&self, coldkey: &Coldkey) -> Result<Vec<Lock>, Error> {
        self.locks(&[(*coldkey).into()]).await
    }

    /// The coldkeys whose locks on a subnet speak for a hotkey.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn locks_for_hotkey(
        &self,
        hotkey: &Hotkey,
        netuid: NetUid,
    ) -> Result<Vec<Coldkey>, Error> {
        let keys = [netuid.into(), Value::from(*hotkey)];
        let entries = self.storage_map(PALLET, "LockingColdkeys", &keys).await?;
        let coldkey =
            |(keys, _): (Vec<Value>, Value)| Some(Coldkey::new(keys.get(2)?.as_account()?));
        Ok(entries.into_iter().filter_map(coldkey).collect())
    }

    /// How much conviction speaks for a hotkey now.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn hotkey_conviction(
        &self,
        hotkey: &Hotkey,
        netuid: NetUid,
    ) -> Result<Fixed<64>, Error> {
        let args = [(*hotkey).into(), netuid.into()];
        self.runtime_call_as("StakeInfoRuntimeApi", "get_hotkey_conviction", &args).await
    }

    /// The hotkey for which most conviction on a subnet speaks.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn most_convicted_hotkey(&self, netuid: NetUid) -> Result<Option<Hotkey>, Error> {
        let method = "get_most_convicted_hotkey_on_subnet";
        self.runtime_call_as("StakeInfoRuntimeApi", method, &[netuid.into()]).await
    }

    /// All locks of a subnet, at one block.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn subnet_convictions(&self, netuid: NetUid) -> Result<SubnetConvictions, Error> {
        let chain = self.pinned().await?;
        let keys = [Value::from(netuid)];
        let items: [(&str, &str, &[Value]); 10] = [
            ("System", "Number", &[]),
            (PALLET, "SubnetOwnerHotkey", &keys),
            (PALLET, "SubnetAlphaOut", &keys),
            (PALLET, "SubnetProtocolAlpha", &keys),
            ("AlphaAssets", "AlphaBurned", &keys),
            (PALLET, "UnlockRate", &[]),
            (PALLET, "MaturityRate", &[]),
            (PALLET, "NetworkRegisteredAt", &keys),
            (PALLET, "OwnerLock", &keys),
            (PALLET, "DecayingOwnerLock", &keys),
        ];
        let (perpetual, decaying, values) = futures::try_join!(
            chain.storage_map(PALLET, "HotkeyLock", &keys),
            chain.storage_map(PALLET, "DecayingHotkeyLock", &keys),
            chain.storage_batch(&items)
        )?;
        let value = |place: usize| values.get(place).cloned().flatten();
        let number = |place: usize| value(place).and_then(|v| v.as_u64()).unwrap_or_default();
        let owner_hotkey: Hotkey = typed(PALLET, "SubnetOwnerHotkey", value(1))?;
        let mut convictions = Vec::new();
        for (entries, perpetual) in [(perpetual, true), (decaying, false)] {
            for (keys, state) in entries {
                let hotkey = keys.get(1).and_then(Value::as_account).map(Hotkey::new);
                let hotkey = hotkey.ok_or_else(|| Error::decode("HotkeyLock", "no hotkey"))?;
                let state = typed(PALLET, "HotkeyLock", Some(state))?;
                convictions.push(Conviction { hotkey, state, perpetual, owner: false });
            }
        }
        for (place, perpetual) in [(8, true), (9, false)] {
            let state: Option<LockState> = typed(PALLET, "OwnerLock", value(place))?;
            let hotkey = owner_hotkey;
            convictions.extend(state.map(|state| Conviction {
                hotkey,
                state,
                perpetual,
                owner: true,
            }));
        }
        let eligible = number(2).saturating_sub(number(3)).saturating_sub(number(4));
        Ok(SubnetConvictions {
            block: BlockNumber::new(number(0)),
            convictions,
            owner_hotkey,
            eligible_alpha: Alpha::from_rao(eligible),
            rates: LockRates { unlock: number(5), maturity: number(6) },
            registered_at: BlockNumber::new(number(7)),
        })
    }

    /// What collateral a subnet asks of its miners.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn collateral_policy(&self, netuid: NetUid) -> Result<CollateralPolicy, Error> {
        let keys = [Value::from(netuid)];
        let values = self
            .storage_batch(&[
                (PALLET, "CollateralLockShare", &keys),
                (PALLET, "CollateralDrainRatio", &keys),
            ])
            .await?;
        let mut values = values.into_iter();
        Ok(CollateralPolicy {
            lock_share: typed(PALLET, "CollateralLockShare", values.next().flatten())?,
            drain_ratio: typed(PALLET, "CollateralDrainRatio", values.next().flatten())?,
        })
    }

    /// A miner's collateral; its owner's coldkey is looked up unless given.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn miner_collateral(
        &self,
        netuid: NetUid,
        hotkey: &Hotkey,
        coldkey: Option<Coldkey>,
    ) -> Result<Option<MinerCollateral>, Error> {
        let coldkey = match coldkey {
            Some(coldkey) => coldkey,
            None => match self.hotkey_owner(hotkey).await? {
                Some(owner) => owner,
                None => return Ok(None),
            },
        };
        let keys = [netuid.into(), Value::from(*hotkey), coldkey.into()];
        self.storage_as(PALLET, "MinerCollateral", &keys).await
    }

    /// All collateral on a subnet, by hotkey and coldkey.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn subnet_collateral(
        &self,
        netuid: NetUid,
    ) -> Result<Vec<(Hotkey, Coldkey, MinerCollateral)>, Error> {
        let mut all = Vec::new();
        for (keys, value) in self.storage_map(PALLET, "MinerCollateral", &[netuid.into()]).await? {
            let account = |place: usize| {
                let account = keys.get(place).and_then(Value::as_account);
                account.ok_or_else(|| Error::decode("MinerCollateral", "its key holds no account"))
            };
            let collateral = from_value(value)
                .map_err(|source| Error::decode("SubtensorModule.MinerCollateral", source))?;
            all.push((Hotkey::new(account(1)?), Coldkey::new(account(2)?), collateral));
        }
        Ok(all)
    }

    async fn locks(&self, keys: &[Value]) -> Result<Vec<Lock>, Error> {
        let mut locks = Vec::new();
        for (keys, value) in self.storage_map(PALLET, "Lock", keys).await? {
            let netuid = keys.get(1).and_then(Value::as_u64).and_then(|n| u16::try_from(n).ok());
            let hotkey = keys.get(2).and_then(Value::as_account);
            let (Some(netuid), Some(hotkey)) = (netuid, hotkey) else {
                return Err(Error::decode("SubtensorModule.Lock", "its key has another shape"));
            };
            let state = typed(PALLET, "Lock", Some(value))?;
            locks.push(Lock { netuid: NetUid::new(netuid), hotkey: Hotkey::new(hotkey), state });
        }
        locks.sort_by_key(|lock| lock.netuid);
        Ok(locks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_run_out_and_convince() {
        let state = LockState {
            locked_mass: Alpha::from_rao(1_000_000),
            conviction: Fixed::default(),
            last_update: BlockNumber::new(100),
        };
        let rates = LockRates { unlock: 1000, maturity: 1000 };
        let at = |blocks: u64| BlockNumber::new(100 + blocks);
        assert_eq!(state.projected(at(0), rates, false, false), (1_000_000.0, 0.0));
        let (left, conviction) = state.projected(at(1000), rates, false, false);
        let e = std::f64::consts::E;
        assert!((left - 1_000_000.0 / e).abs() < 1.0 && (conviction - left).abs() < 1.0);
        let (left, conviction) = state.projected(at(100_000), rates, true, false);
        assert!(left == 1_000_000.0 && conviction > 999_999.0);
        let (left, conviction) = state.projected(at(1000), rates, false, true);
        assert_eq!(left, conviction);
    }
}
