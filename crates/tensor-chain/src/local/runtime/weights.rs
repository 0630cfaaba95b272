//! Setting weights (chain rules 8.1 to 8.3).

use parity_scale_codec::Compact;

use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::error::{DispatchError, RawBytes, errors};
use super::neurons::mechanism_index;
use super::{Account, Runtime};
use crate::local::state::State;

/// Weights of one item of a batch.
type PackedRow = Vec<(Compact<u16>, Compact<u16>)>;

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "SubtensorModule":
        FREE set_weights(netuid: u16, dests: Vec<u16>, weights: Vec<u16>, version_key: u64) => set_weights if check_set_weights;
        FREE set_mechanism_weights(netuid: u16, mecid: u8, dests: Vec<u16>, weights: Vec<u16>, version_key: u64) => set_mechanism_weights if check_set_mechanism_weights;
        FREE batch_set_weights(netuids: Vec<Compact<u16>>, weights: Vec<PackedRow>, version_keys: Vec<Compact<u64>>) => batch_set_weights if check_batch_set_weights;
    );
}

/// The calls and their checks.
impl Runtime {
    fn set_weights(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        dests: Vec<u16>,
        weights: Vec<u16>,
        version_key: u64,
    ) -> DispatchResult {
        self.set_mechanism_weights(cx, origin, netuid, 0, dests, weights, version_key)
    }

    fn set_mechanism_weights(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        mecid: u8,
        dests: Vec<u16>,
        weights: Vec<u16>,
        version_key: u64,
    ) -> DispatchResult {
        if self.items.commit_reveal_enabled.get(cx.state, netuid) {
            return Err(errors::SubtensorModule::CommitRevealEnabled);
        }
        let hotkey = origin.signed()?;
        self.store_weights(cx, &hotkey, netuid, mecid, &dests, &weights, version_key)?;
        DONE
    }

    fn batch_set_weights(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuids: Vec<Compact<u16>>,
        weights: Vec<PackedRow>,
        version_keys: Vec<Compact<u64>>,
    ) -> DispatchResult {
        let hotkey = origin.signed()?;
        if netuids.len() != weights.len() || netuids.len() != version_keys.len() {
            return Err(errors::SubtensorModule::InputLengthsUnequal);
        }
        let mut failures = Vec::new();
        for ((netuid, row), version_key) in netuids.iter().zip(&weights).zip(&version_keys) {
            let (dests, values): (Vec<u16>, Vec<u16>) =
                row.iter().map(|(dest, value)| (dest.0, value.0)).unzip();
            let outcome = if self.items.commit_reveal_enabled.get(cx.state, netuid.0) {
                Err(errors::SubtensorModule::CommitRevealEnabled)
            } else {
                cx.transact(|cx| {
                    self.store_weights(cx, &hotkey, netuid.0, 0, &dests, &values, version_key.0)
                })
            };
            if let Err(error) = outcome {
                failures.push((netuid.0, error));
            }
        }
        self.finish_weights_batch(cx, &hotkey, netuids, &failures)
    }

    /// The events that close a batch of weights or commits.
    pub(crate) fn finish_weights_batch(
        &self,
        cx: &mut Ctx<'_>,
        hotkey: &Account,
        netuids: Vec<Compact<u16>>,
        failures: &[(u16, DispatchError)],
    ) -> DispatchResult {
        if !failures.is_empty() {
            cx.emit(self.events.batch_weights_with_errors, ());
        }
        for (netuid, error) in failures {
            let error = RawBytes(error.encode_with(&self.interface));
            cx.emit(self.events.batch_weight_item_failed, (*netuid, error));
        }
        cx.emit(self.events.batch_weights_completed, (netuids, *hotkey));
        DONE
    }

    fn check_set_weights(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        netuid: &u16,
        _dests: &[u16],
        _weights: &[u16],
        _version_key: &u64,
    ) -> Result<(), DispatchError> {
        self.check_setting(cx, who, *netuid, 0)
    }

    fn check_set_mechanism_weights(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        netuid: &u16,
        mecid: &u8,
        _dests: &[u16],
        _weights: &[u16],
        _version_key: &u64,
    ) -> Result<(), DispatchError> {
        self.check_setting(cx, who, *netuid, *mecid)
    }

    fn check_setting(
        &self,
        cx: &Ctx<'_>,
        who: &Account,
        netuid: u16,
        mecid: u8,
    ) -> Result<(), DispatchError> {
        self.ensure_weights_stake(cx.state, who, netuid)?;
        if self.items.commit_reveal_enabled.get(cx.state, netuid) {
            return Ok(());
        }
        let too_fast = errors::SubtensorModule::SettingWeightsTooFast;
        self.check_weights_rate(cx, who, netuid, mecid, too_fast)
    }

    fn check_batch_set_weights(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        netuids: &[Compact<u16>],
        weights: &[PackedRow],
        version_keys: &[Compact<u64>],
    ) -> Result<(), DispatchError> {
        if netuids.len() != weights.len() || netuids.len() != version_keys.len() {
            return Err(errors::SubtensorModule::InputLengthsUnequal);
        }
        netuids.iter().try_for_each(|netuid| self.ensure_weights_stake(cx.state, who, netuid.0))
    }

    /// The rate limit as checked before inclusion: a hotkey without uid passes here and fails later.
    pub(crate) fn check_weights_rate(
        &self,
        cx: &Ctx<'_>,
        who: &Account,
        netuid: u16,
        mecid: u8,
        too_fast: DispatchError,
    ) -> Result<(), DispatchError> {
        match self.uid_of(cx.state, netuid, who) {
            Some(uid) if !self.weights_rate_passes(cx, netuid, mecid, uid) => Err(too_fast),
            _ => Ok(()),
        }
    }
}

/// The rules.
impl Runtime {
    /// Validates and stores one row, in the chain's order of checks, for plain weights and for reveals alike.
    #[allow(clippy::too_many_arguments, reason = "the call's own arguments")]
    pub(crate) fn store_weights(
        &self,
        cx: &mut Ctx<'_>,
        hotkey: &Account,
        netuid: u16,
        mecid: u8,
        dests: &[u16],
        weights: &[u16],
        version_key: u64,
    ) -> Result<(), DispatchError> {
        let items = &self.items;
        if netuid == 0 {
            return Err(errors::SubtensorModule::CanNotSetRootNetworkWeights);
        }
        if dests.len() != weights.len() {
            return Err(errors::SubtensorModule::WeightVecNotEqualSize);
        }
        self.ensure_mechanism(cx.state, netuid, mecid)?;
        let n = items.subnetwork_n.get(cx.state, netuid);
        if dests.len() > usize::from(n) {
            return Err(errors::SubtensorModule::UidsLengthExceedUidsInSubNet);
        }
        let Some(uid) = self.uid_of(cx.state, netuid, hotkey) else {
            return Err(errors::SubtensorModule::HotKeyNotRegisteredInSubNet);
        };
        self.ensure_weights_stake(cx.state, hotkey, netuid)?;
        let required = items.weights_version_key.get(cx.state, netuid);
        if required != 0 && version_key < required {
            return Err(errors::SubtensorModule::IncorrectWeightVersionKey);
        }
        let plain = !items.commit_reveal_enabled.get(cx.state, netuid);
        if plain && !self.weights_rate_passes(cx, netuid, mecid, uid) {
            return Err(errors::SubtensorModule::SettingWeightsTooFast);
        }
        let only_self = dests == [uid];
        let permitted = only_self
            || self.owner_uid(cx.state, netuid) == Some(uid)
            || items
                .validator_permit
                .get(cx.state, netuid)
                .get(usize::from(uid))
                .copied()
                .unwrap_or(false);
        if !permitted {
            return Err(errors::SubtensorModule::NeuronNoValidatorPermit);
        }
        let mut seen = std::collections::HashSet::with_capacity(dests.len());
        for dest in dests {
            if !seen.insert(*dest) {
                return Err(errors::SubtensorModule::DuplicateUids);
            }
        }
        if dests.iter().any(|dest| *dest >= n) {
            return Err(errors::SubtensorModule::UidVecContainInvalidOne);
        }
        let minimum = items.min_allowed_weights.get(cx.state, netuid).min(n);
        if !only_self && dests.len() < usize::from(minimum) {
            return Err(errors::SubtensorModule::WeightVecLengthIsLow);
        }
        // The limit on a single weight is the constant 65,535, which nothing exceeds.
        let upscaled = tensor_yuma::weights::max_upscale(weights);
        let row: Vec<(u16, u16)> = dests.iter().copied().zip(upscaled).collect();
        let index = mechanism_index(netuid, mecid);
        items.weights.set(cx.state, (index, uid), &row);
        if plain {
            self.set_last_update(cx, index, uid, cx.block);
        }
        cx.emit(self.events.weights_set, (index, uid));
        Ok(())
    }

    pub(crate) fn ensure_mechanism(
        &self,
        state: &State,
        netuid: u16,
        mecid: u8,
    ) -> Result<(), DispatchError> {
        let exists = self.items.networks_added.get(state, netuid);
        if exists && mecid < self.mechanisms(state, netuid) {
            Ok(())
        } else {
            Err(errors::SubtensorModule::MechanismDoesNotExist)
        }
    }

    /// Enough stake to set weights; the subnet owner's hotkey always has.
    pub(crate) fn ensure_weights_stake(
        &self,
        state: &State,
        hotkey: &Account,
        netuid: u16,
    ) -> Result<(), DispatchError> {
        let threshold = self.items.stake_threshold.get(state);
        let enough = threshold == 0
            || self.items.subnet_owner_hotkey.try_get(state, netuid) == Some(*hotkey)
            || self.stake_weight(state, hotkey, netuid) >= threshold;
        if enough { Ok(()) } else { Err(errors::SubtensorModule::NotEnoughStakeToSetWeights) }
    }

    /// Whether the uid's last update on the mechanism is long enough ago; 0 counts as never.
    pub(crate) fn weights_rate_passes(
        &self,
        cx: &Ctx<'_>,
        netuid: u16,
        mecid: u8,
        uid: u16,
    ) -> bool {
        if mecid >= self.mechanisms(cx.state, netuid) {
            return false;
        }
        let last = self.last_update_of(cx.state, mechanism_index(netuid, mecid), uid);
        let limit = self.items.weights_set_rate_limit.get(cx.state, netuid);
        last == 0 || cx.block.saturating_sub(last) >= limit
    }
}
