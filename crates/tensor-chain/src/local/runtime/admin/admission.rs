//! Setters of who may register and for how much: uids, permits, burn, collateral.
//! Each has bounds, depends on other values, or has further effects.

use super::super::ctx::{Ctx, Origin};
use super::super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::super::error::errors;
use super::super::limits::{Hyperparameter, Limit};
use super::super::{Ruleset, Runtime};
use super::ONE;

/// `MinBurn` stays below this.
const MIN_BURN_BELOW: u64 = 1_000_000_000;

/// `MaxBurn` stays above this.
const MAX_BURN_ABOVE: u64 = 100_000_000;

/// Most uids of a subnet.
pub(super) const MOST_UIDS: u16 = 256;

/// Half-lives of the burn.
const HALF_LIVES: std::ops::RangeInclusive<u16> = 1..=36_100;

/// Largest part of a burn that is locked as collateral.
const MAX_LOCK_SHARE: u16 = 62_258;

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "AdminUtils":
        PAID sudo_set_max_allowed_uids(netuid: u16, max_allowed_uids: u16) => admin_max_allowed_uids;
        PAID sudo_set_min_allowed_uids(netuid: u16, min_allowed_uids: u16) => admin_min_allowed_uids;
        PAID sudo_set_max_allowed_validators(netuid: u16, max_allowed_validators: u16) => admin_max_allowed_validators;
        PAID sudo_set_min_burn(netuid: u16, min_burn: u64) => admin_min_burn;
        PAID sudo_set_max_burn(netuid: u16, max_burn: u64) => admin_max_burn;
        PAID sudo_set_owner_immune_neuron_limit(netuid: u16, immune_neurons: u16) => admin_owner_immune_limit;
        PAID sudo_set_burn_half_life(netuid: u16, burn_half_life: u16) => admin_burn_half_life;
        PAID sudo_set_burn_increase_mult(netuid: u16, burn_increase_mult: u128) => admin_burn_increase_mult;
        PAID sudo_set_network_pow_registration_allowed(netuid: u16, registration_allowed: bool) => admin_pow_registration;
        PAID sudo_set_collateral_lock_share(netuid: u16, lock_share: u16) => admin_lock_share;
        PAID sudo_set_collateral_drain_ratio(netuid: u16, drain_ratio: u128) => admin_drain_ratio;
    );
}

impl Runtime {
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

    /// Work registers nobody under 425, whose setter only refuses.
    fn admin_pow_registration(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        allowed: bool,
    ) -> DispatchResult {
        let limit = Limit::Owner(Hyperparameter::PowRegistrationAllowed);
        self.set_by_owner(cx, origin, netuid, limit, |runtime, cx, _| {
            if runtime.ruleset == Ruleset::V425 {
                return Err(errors::AdminUtils::POWRegistrationDisabled);
            }
            runtime.items.network_pow_registration_allowed.set(cx.state, netuid, &allowed);
            cx.emit(runtime.events.pow_registration_allowed, (netuid, allowed));
            Ok(())
        })
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
}
