//! The setters whose value has bounds, depends on other values, or has further effects.

use super::super::Runtime;
use super::super::ctx::{Ctx, Origin};
use super::super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::super::error::{DispatchError, errors};
use super::super::limits::{Hyperparameter, Limit};

/// `MinBurn` stays below this.
const MIN_BURN_BELOW: u64 = 1_000_000_000;
/// `MaxBurn` stays above this.
const MAX_BURN_ABOVE: u64 = 100_000_000;
/// Most uids of a subnet.
pub(super) const MOST_UIDS: u16 = 256;
/// An owner's bonds memory, in millionths.
const OWNER_BONDS_MEMORY: u64 = 975_000;
/// Half-lives of the burn.
const HALF_LIVES: std::ops::RangeInclusive<u16> = 1..=36_100;
/// Least value of liquid alpha: a fortieth.
const LEAST_ALPHA: u16 = 1_638;
/// Largest part of a burn that is locked as collateral.
const MAX_LOCK_SHARE: u16 = 62_258;
/// 1 with 64 fractional bits.
const ONE: u128 = 1 << 64;

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "AdminUtils":
        PAID sudo_set_weights_version_key(netuid: u16, weights_version_key: u64) => admin_weights_version_key;
        PAID sudo_set_max_allowed_uids(netuid: u16, max_allowed_uids: u16) => admin_max_allowed_uids;
        PAID sudo_set_min_allowed_uids(netuid: u16, min_allowed_uids: u16) => admin_min_allowed_uids;
        PAID sudo_set_max_allowed_validators(netuid: u16, max_allowed_validators: u16) => admin_max_allowed_validators;
        PAID sudo_set_min_burn(netuid: u16, min_burn: u64) => admin_min_burn;
        PAID sudo_set_max_burn(netuid: u16, max_burn: u64) => admin_max_burn;
        PAID sudo_set_bonds_moving_average(netuid: u16, bonds_moving_average: u64) => admin_bonds_moving_average;
        PAID sudo_set_alpha_values(netuid: u16, alpha_low: u16, alpha_high: u16) => admin_alpha_values;
        PAID sudo_set_commit_reveal_weights_interval(netuid: u16, interval: u64) => admin_reveal_period;
        PAID sudo_set_alpha_sigmoid_steepness(netuid: u16, steepness: i16) => admin_steepness;
        PAID sudo_set_owner_immune_neuron_limit(netuid: u16, immune_neurons: u16) => admin_owner_immune_limit;
        PAID sudo_set_recycle_or_burn(netuid: u16, recycle_or_burn: u8) => admin_recycle_or_burn;
        PAID sudo_set_burn_half_life(netuid: u16, burn_half_life: u16) => admin_burn_half_life;
        PAID sudo_set_burn_increase_mult(netuid: u16, burn_increase_mult: u128) => admin_burn_increase_mult;
        PAID sudo_set_owner_cut_enabled(netuid: u16, enabled: bool) => admin_owner_cut_enabled;
        PAID sudo_set_owner_cut_auto_lock_enabled(netuid: u16, enabled: bool) => admin_owner_cut_auto_lock;
        PAID sudo_set_min_childkey_take_per_subnet(netuid: u16, take: u16) => admin_min_childkey_take;
        PAID sudo_set_subnet_emission_enabled(netuid: u16, enabled: bool) => admin_emission_enabled;
        PAID sudo_set_max_epochs_per_block(max_epochs_per_block: u8) => admin_max_epochs;
        PAID sudo_set_nominator_min_required_stake(min_stake: u64) => admin_nominator_minimum;
        PAID sudo_set_tao_flow_normalization_exponent(exponent: u128) => admin_flow_exponent;
        PAID sudo_set_total_issuance(total_issuance: u64) => admin_total_issuance;
        PAID sudo_set_collateral_lock_share(netuid: u16, lock_share: u16) => admin_lock_share;
        PAID sudo_set_collateral_drain_ratio(netuid: u16, drain_ratio: u128) => admin_drain_ratio;
        PAID sudo_set_liquid_alpha_consensus_mode(netuid: u16, mode: u8) => admin_liquid_alpha_mode;
    );
}

impl Runtime {
    fn admin_weights_version_key(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        key: u64,
    ) -> DispatchResult {
        self.set_by_owner(cx, origin, netuid, Limit::WeightsVersionKey, |runtime, cx, _| {
            runtime.ensure_subnet(cx.state, netuid)?;
            runtime.items.weights_version_key.set(cx.state, netuid, &key);
            cx.emit(runtime.events.weights_version_key_set, (netuid, key));
            Ok(())
        })
    }

    fn admin_max_allowed_uids(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        max: u16,
    ) -> DispatchResult {
        let limit = Limit::Owner(Hyperparameter::MaxAllowedUids);
        self.set_by_owner(cx, origin, netuid, limit, |runtime, cx, _| {
            let items = &runtime.items;
            runtime.ensure_subnet(cx.state, netuid)?;
            if max < items.min_allowed_uids.get(cx.state, netuid) {
                return Err(errors::AdminUtils::MaxAllowedUidsLessThanMinAllowedUids);
            }
            if items.subnetwork_n.get(cx.state, netuid) > max {
                return Err(errors::AdminUtils::MaxAllowedUIdsLessThanCurrentUIds);
            }
            if max > MOST_UIDS {
                return Err(errors::AdminUtils::MaxAllowedUidsGreaterThanDefaultMaxAllowedUids);
            }
            let mechanisms = u16::from(runtime.mechanisms(cx.state, netuid));
            if max.saturating_mul(mechanisms) > MOST_UIDS {
                return Err(errors::SubtensorModule::TooManyUIDsPerMechanism);
            }
            items.max_allowed_uids.set(cx.state, netuid, &max);
            cx.emit(runtime.events.max_allowed_uids_set, (netuid, max));
            Ok(())
        })
    }

    fn admin_min_allowed_uids(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        min: u16,
    ) -> DispatchResult {
        origin.root()?;
        self.ensure_admin_window_open(cx, netuid)?;
        self.ensure_subnet(cx.state, netuid)?;
        if min >= self.items.max_allowed_uids.get(cx.state, netuid) {
            return Err(errors::AdminUtils::MinAllowedUidsGreaterThanMaxAllowedUids);
        }
        if min >= self.items.subnetwork_n.get(cx.state, netuid) {
            return Err(errors::AdminUtils::MinAllowedUidsGreaterThanCurrentUids);
        }
        self.items.min_allowed_uids.set(cx.state, netuid, &min);
        cx.emit(self.events.min_allowed_uids_set, (netuid, min));
        DONE
    }

    fn admin_max_allowed_validators(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        max: u16,
    ) -> DispatchResult {
        origin.root()?;
        self.ensure_admin_window_open(cx, netuid)?;
        self.ensure_subnet(cx.state, netuid)?;
        if max > self.items.max_allowed_uids.get(cx.state, netuid) {
            return Err(errors::AdminUtils::MaxValidatorsLargerThanMaxUIds);
        }
        self.items.max_allowed_validators.set(cx.state, netuid, &max);
        cx.emit(self.events.max_allowed_validators_set, (netuid, max));
        DONE
    }

    fn admin_min_burn(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        min: u64,
    ) -> DispatchResult {
        let limit = Limit::Owner(Hyperparameter::MinBurn);
        self.set_by_owner(cx, origin, netuid, limit, |runtime, cx, _| {
            runtime.ensure_subnet(cx.state, netuid)?;
            if min >= MIN_BURN_BELOW || min >= runtime.items.max_burn.get(cx.state, netuid) {
                return Err(errors::AdminUtils::ValueNotInBounds);
            }
            runtime.items.min_burn.set(cx.state, netuid, &min);
            cx.emit(runtime.events.min_burn_set, (netuid, min));
            Ok(())
        })
    }

    fn admin_max_burn(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        max: u64,
    ) -> DispatchResult {
        let limit = Limit::Owner(Hyperparameter::MaxBurn);
        self.set_by_owner(cx, origin, netuid, limit, |runtime, cx, _| {
            runtime.ensure_subnet(cx.state, netuid)?;
            if max <= MAX_BURN_ABOVE || max <= runtime.items.min_burn.get(cx.state, netuid) {
                return Err(errors::AdminUtils::ValueNotInBounds);
            }
            runtime.items.max_burn.set(cx.state, netuid, &max);
            cx.emit(runtime.events.max_burn_set, (netuid, max));
            Ok(())
        })
    }

    fn admin_bonds_moving_average(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        average: u64,
    ) -> DispatchResult {
        let limit = Limit::Owner(Hyperparameter::BondsMovingAverage);
        self.set_by_owner(cx, origin, netuid, limit, |runtime, cx, owner| {
            if owner.is_some() && average > OWNER_BONDS_MEMORY {
                return Err(errors::AdminUtils::BondsMovingAverageMaxReached);
            }
            runtime.ensure_subnet(cx.state, netuid)?;
            runtime.items.bonds_moving_average.set(cx.state, netuid, &average);
            cx.emit(runtime.events.bonds_moving_average_set, (netuid, average));
            Ok(())
        })
    }

    fn admin_alpha_values(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        low: u16,
        high: u16,
    ) -> DispatchResult {
        let limit = Limit::Owner(Hyperparameter::AlphaValues);
        self.set_by_owner(cx, origin, netuid, limit, |runtime, cx, _| {
            if !runtime.items.liquid_alpha_on.get(cx.state, netuid) {
                return Err(errors::SubtensorModule::LiquidAlphaDisabled);
            }
            if high < LEAST_ALPHA {
                return Err(errors::SubtensorModule::AlphaHighTooLow);
            }
            if low < LEAST_ALPHA || low > high {
                return Err(errors::SubtensorModule::AlphaLowOutOfRange);
            }
            runtime.items.alpha_values.set(cx.state, netuid, &(low, high));
            Ok(())
        })
    }

    fn admin_reveal_period(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        period: u64,
    ) -> DispatchResult {
        let limit = Limit::Owner(Hyperparameter::WeightCommitInterval);
        self.set_by_owner(cx, origin, netuid, limit, |runtime, cx, _| {
            runtime.ensure_subnet(cx.state, netuid)?;
            if period > 100 {
                return Err(errors::SubtensorModule::RevealPeriodTooLarge);
            }
            if period < 1 {
                return Err(errors::SubtensorModule::RevealPeriodTooSmall);
            }
            runtime.items.reveal_period.set(cx.state, netuid, &period);
            cx.emit(runtime.events.commit_reveal_periods_set, (netuid, period));
            Ok(())
        })
    }

    fn admin_steepness(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        steepness: i16,
    ) -> DispatchResult {
        let limit = Limit::Owner(Hyperparameter::AlphaSigmoidSteepness);
        self.set_by_owner(cx, origin, netuid, limit, |runtime, cx, owner| {
            runtime.ensure_subnet(cx.state, netuid)?;
            if owner.is_some() && steepness < 0 {
                return Err(errors::AdminUtils::NegativeSigmoidSteepness);
            }
            runtime.items.alpha_sigmoid_steepness.set(cx.state, netuid, &steepness);
            cx.emit(runtime.events.alpha_sigmoid_steepness_set, (netuid, steepness));
            Ok(())
        })
    }

    fn admin_owner_immune_limit(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        limit: u16,
    ) -> DispatchResult {
        let rate = Limit::Owner(Hyperparameter::ImmuneNeuronLimit);
        self.set_by_owner(cx, origin, netuid, rate, |runtime, cx, _| {
            if !(1..=10).contains(&limit) {
                return Err(errors::SubtensorModule::InvalidValue);
            }
            runtime.items.immune_owner_uids_limit.set(cx.state, netuid, &limit);
            Ok(())
        })
    }

    fn admin_recycle_or_burn(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        choice: u8,
    ) -> DispatchResult {
        if choice > 1 {
            return Err(DispatchError::Other);
        }
        let limit = Limit::Owner(Hyperparameter::RecycleOrBurn);
        self.set_by_owner(cx, origin, netuid, limit, |runtime, cx, _| {
            runtime.items.recycle_or_burn.set(cx.state, netuid, &choice);
            Ok(())
        })
    }

    fn admin_burn_half_life(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        half_life: u16,
    ) -> DispatchResult {
        let limit = Limit::Owner(Hyperparameter::BurnHalfLife);
        self.set_by_owner(cx, origin, netuid, limit, |runtime, cx, _| {
            runtime.ensure_subnet_not_root(cx, netuid)?;
            if !HALF_LIVES.contains(&half_life) {
                return Err(errors::AdminUtils::InvalidValue);
            }
            runtime.items.burn_half_life.set(cx.state, netuid, &half_life);
            cx.emit(runtime.events.burn_half_life_set, (netuid, half_life));
            Ok(())
        })
    }

    fn admin_burn_increase_mult(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        mult: u128,
    ) -> DispatchResult {
        let limit = Limit::Owner(Hyperparameter::BurnIncreaseMult);
        self.set_by_owner(cx, origin, netuid, limit, |runtime, cx, _| {
            runtime.ensure_subnet_not_root(cx, netuid)?;
            if !(ONE..=3 * ONE).contains(&mult) {
                return Err(errors::AdminUtils::InvalidValue);
            }
            runtime.items.burn_increase_mult.set(cx.state, netuid, &mult);
            cx.emit(runtime.events.burn_increase_mult_set, (netuid, mult));
            Ok(())
        })
    }

    fn admin_owner_cut_enabled(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        enabled: bool,
    ) -> DispatchResult {
        self.ensure_owner_or_root(cx.state, origin, netuid)?;
        self.ensure_admin_window_open(cx, netuid)?;
        self.ensure_subnet_not_root(cx, netuid)?;
        self.items.owner_cut_enabled.set(cx.state, netuid, &enabled);
        DONE
    }

    fn admin_owner_cut_auto_lock(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        enabled: bool,
    ) -> DispatchResult {
        self.ensure_owner_or_root(cx.state, origin, netuid)?;
        self.ensure_admin_window_open(cx, netuid)?;
        self.ensure_subnet_not_root(cx, netuid)?;
        self.items.owner_cut_auto_lock.set(cx.state, netuid, &enabled);
        DONE
    }

    fn admin_min_childkey_take(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        take: u16,
    ) -> DispatchResult {
        let limit = Limit::Owner(Hyperparameter::MinChildkeyTake);
        self.set_by_owner(cx, origin, netuid, limit, |runtime, cx, _| {
            let items = &runtime.items;
            runtime.ensure_subnet(cx.state, netuid)?;
            let bounds =
                items.min_childkey_take.get(cx.state)..=items.max_childkey_take.get(cx.state);
            if !bounds.contains(&take) {
                return Err(errors::AdminUtils::InvalidValue);
            }
            items.min_childkey_take_per_subnet.set(cx.state, netuid, &take);
            cx.emit(runtime.events.min_childkey_take_per_subnet_set, (netuid, take));
            Ok(())
        })
    }

    fn admin_emission_enabled(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        enabled: bool,
    ) -> DispatchResult {
        origin.root()?;
        self.ensure_subnet_not_root(cx, netuid)?;
        self.items.subnet_emission_enabled.set(cx.state, netuid, &enabled);
        cx.emit(self.events.subnet_emission_enabled_set, (netuid, enabled));
        DONE
    }

    fn admin_max_epochs(&self, cx: &mut Ctx<'_>, origin: Origin, max: u8) -> DispatchResult {
        origin.root()?;
        if max < 1 {
            return Err(errors::AdminUtils::ValueNotInBounds);
        }
        self.items.max_epochs_per_block.set(cx.state, &max);
        cx.emit(self.events.max_epochs_per_block_set, max);
        DONE
    }

    fn admin_nominator_minimum(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        minimum: u64,
    ) -> DispatchResult {
        origin.root()?;
        let old = self.items.nominator_min_required_stake.get(cx.state);
        self.items.nominator_min_required_stake.set(cx.state, &minimum);
        if minimum > old {
            for ((hotkey, coldkey, netuid), _) in self.items.alpha_shares.entries(cx.state) {
                self.clear_small_nomination(cx, &hotkey, &coldkey, netuid);
            }
        }
        DONE
    }

    fn admin_flow_exponent(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        exponent: u128,
    ) -> DispatchResult {
        origin.root()?;
        if !(ONE..=2 * ONE).contains(&exponent) {
            return Err(errors::AdminUtils::InvalidValue);
        }
        self.items.flow_norm_exponent.set(cx.state, &exponent);
        DONE
    }

    fn admin_total_issuance(&self, _: &mut Ctx<'_>, _: Origin, _issuance: u64) -> DispatchResult {
        Err(errors::AdminUtils::Deprecated)
    }

    fn admin_lock_share(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        share: u16,
    ) -> DispatchResult {
        let limit = Limit::Owner(Hyperparameter::CollateralLockShare);
        self.set_by_owner(cx, origin, netuid, limit, |runtime, cx, _| {
            runtime.ensure_subnet_not_root(cx, netuid)?;
            if share > MAX_LOCK_SHARE {
                return Err(errors::AdminUtils::CollateralLockShareTooHigh);
            }
            runtime.items.collateral_lock_share.set(cx.state, netuid, &share);
            cx.emit(runtime.events.collateral_lock_share_set, (netuid, share));
            Ok(())
        })
    }

    fn admin_drain_ratio(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        ratio: u128,
    ) -> DispatchResult {
        let limit = Limit::Owner(Hyperparameter::CollateralDrainRatio);
        self.set_by_owner(cx, origin, netuid, limit, |runtime, cx, _| {
            runtime.ensure_subnet_not_root(cx, netuid)?;
            if ratio == 0 || ratio > 10 * ONE {
                return Err(errors::AdminUtils::CollateralDrainRatioOutOfBounds);
            }
            runtime.items.collateral_drain_ratio.set(cx.state, netuid, &ratio);
            cx.emit(runtime.events.collateral_drain_ratio_set, (netuid, ratio));
            Ok(())
        })
    }

    fn admin_liquid_alpha_mode(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        mode: u8,
    ) -> DispatchResult {
        if mode > 2 {
            return Err(DispatchError::Other);
        }
        let limit = Limit::Owner(Hyperparameter::LiquidAlphaConsensusMode);
        self.set_by_owner(cx, origin, netuid, limit, |runtime, cx, _| {
            runtime.ensure_subnet(cx.state, netuid)?;
            runtime.items.liquid_alpha_consensus_mode.set(cx.state, netuid, &mode);
            cx.emit(runtime.events.liquid_alpha_mode_set, (netuid, mode));
            Ok(())
        })
    }

    fn ensure_subnet_not_root(&self, cx: &Ctx<'_>, netuid: u16) -> Result<(), DispatchError> {
        self.ensure_subnet(cx.state, netuid)?;
        if netuid == 0 { Err(errors::AdminUtils::NotPermittedOnRootSubnet) } else { Ok(()) }
    }
}
