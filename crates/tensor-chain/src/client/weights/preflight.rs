//! What the chain will check of weights, read in one request and checked first.

use tensor_core::call::Value;
use tensor_core::chain::At;
use tensor_core::weights::{U16Fraction, Weights};
use tensor_core::{BlockNumber, Hotkey, NetUid, Uid};

use super::super::Subtensor;
use super::super::read::storage_index;
use super::{SetWeights, WeightsRefused};
use crate::error::Error;

/// What the chain says before weights are sent.
#[derive(Clone, Debug)]
pub(super) struct Preflight {
    pub(super) block: BlockNumber,
    pub(super) uid: Uid,
    pub(super) commit_reveal: bool,
    pub(super) rate_limit: u64,
    last_update: u64,
    pub(super) version_key: u64,
    /// The integers to send.
    pub(super) weights: Weights,
}

impl Preflight {
    /// The first block that takes weights of this hotkey.
    pub(super) const fn allowed_from(&self) -> BlockNumber {
        match self.last_update {
            0 => BlockNumber::new(0),
            last => BlockNumber::new(last.saturating_add(self.rate_limit)),
        }
    }
}

impl Subtensor {
    /// Reads what the chain will check, in one request, and checks it first.
    pub(super) async fn preflight(
        &self,
        set: &SetWeights,
        hotkey: &Hotkey,
    ) -> Result<Preflight, Error> {
        const PALLET: &str = "SubtensorModule";
        if set.netuid == NetUid::ROOT {
            return Err(WeightsRefused::Root.into());
        }
        let index = storage_index(set.netuid, set.mechanism)?;
        let subnet = [Value::from(set.netuid)];
        let mechanism = [index];
        let neuron = [Value::from(set.netuid), Value::from(*hotkey)];
        let chain = self.at(At::Head);
        let values = chain
            .storage_batch(&[
                ("System", "Number", &[]),
                (PALLET, "NetworksAdded", &subnet),
                (PALLET, "Uids", &neuron),
                (PALLET, "MechanismCountCurrent", &subnet),
                (PALLET, "CommitRevealWeightsEnabled", &subnet),
                (PALLET, "WeightsSetRateLimit", &subnet),
                (PALLET, "LastUpdate", &mechanism),
                (PALLET, "MinAllowedWeights", &subnet),
                (PALLET, "WeightsVersionKey", &subnet),
                (PALLET, "SubnetworkN", &subnet),
                (PALLET, "ValidatorPermit", &subnet),
                (PALLET, "SubnetOwnerHotkey", &subnet),
                (PALLET, "MaxWeightsLimit", &subnet),
            ])
            .await?;
        let value = |place: usize| values.get(place).and_then(Option::as_ref);
        let number = |place| value(place).and_then(Value::as_u64);
        let needed = |place| {
            number(place).ok_or_else(|| Error::decode("the subnet's settings", "one is missing"))
        };
        if value(1).and_then(Value::as_bool) != Some(true) {
            return Err(Error::NoSuchSubnet(set.netuid));
        }
        let uid = number(2).and_then(|uid| u16::try_from(uid).ok()).map(Uid::new);
        let uid = uid.ok_or(WeightsRefused::NotRegistered(*hotkey))?;
        let count = needed(3)?;
        if u64::from(set.mechanism.value()) >= count {
            let (netuid, mechanism) = (set.netuid, set.mechanism);
            return Err(WeightsRefused::NoMechanism { netuid, mechanism, count }.into());
        }
        let entry = |place| value(place).and_then(Value::as_list).and_then(|l| l.get(uid.index()));
        let own_version = needed(8)?;
        let limit = u16::try_from(needed(12)?).unwrap_or(u16::MAX);
        let weights =
            set.weights(U16Fraction::from_bits(limit), uid).map_err(WeightsRefused::Scores)?;
        let version_key = set.version_key.unwrap_or(own_version);
        if version_key < own_version {
            return Err(WeightsRefused::OldVersion { got: version_key, least: own_version }.into());
        }
        let only_self = matches!(weights.uids().as_slice(), [only] if *only == uid.value());
        let owner = value(11).and_then(Value::as_account) == Some(hotkey.account());
        let permit = entry(10).and_then(Value::as_bool).unwrap_or(false);
        if !(permit || owner || only_self) {
            return Err(WeightsRefused::NoPermit(uid).into());
        }
        let neurons = u16::try_from(needed(9)?).unwrap_or(u16::MAX);
        if let Some((uid, _)) = weights.iter().find(|(uid, _)| uid.value() >= neurons) {
            return Err(WeightsRefused::UnknownUid { uid, neurons }.into());
        }
        let least = u16::try_from(needed(7)?).unwrap_or(u16::MAX).min(neurons);
        if weights.len() < usize::from(least) && !only_self {
            return Err(WeightsRefused::TooFew { got: weights.len(), least }.into());
        }
        Ok(Preflight {
            block: BlockNumber::new(needed(0)?),
            uid,
            commit_reveal: value(4).and_then(Value::as_bool).unwrap_or(true),
            rate_limit: needed(5)?,
            last_update: entry(6).and_then(Value::as_u64).unwrap_or(0),
            version_key,
            weights,
        })
    }
}
