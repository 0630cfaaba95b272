//! Setters of how an epoch judges: versions, bonds, liquid alpha, reveals.
//! Each has bounds, depends on other values, or has further effects.

use super::super::Runtime;
use super::super::ctx::{Ctx, Origin};
use super::super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::super::error::{DispatchError, errors};
use super::super::limits::{Hyperparameter, Limit};

/// An owner's bonds memory, in millionths.
const OWNER_BONDS_MEMORY: u64 = 975_000;

/// Least value of liquid alpha: a fortieth.
const LEAST_ALPHA: u16 = 1_638;

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "AdminUtils":
        PAID sudo_set_weights_version_key(netuid: u16, weights_version_key: u64) => admin_weights_version_key;
        PAID sudo_set_bonds_moving_average(netuid: u16, bonds_moving_average: u64) => admin_bonds_moving_average;
        PAID sudo_set_alpha_values(netuid: u16, alpha_low: u16, alpha_high: u16) => admin_alpha_values;
        PAID sudo_set_commit_reveal_weights_interval(netuid: u16, interval: u64) => admin_reveal_period;
        PAID sudo_set_alpha_sigmoid_steepness(netuid: u16, steepness: i16) => admin_steepness;
        PAID sudo_set_max_epochs_per_block(max_epochs_per_block: u8) => admin_max_epochs;
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

    fn admin_max_epochs(&self, cx: &mut Ctx<'_>, origin: Origin, max: u8) -> DispatchResult {
        origin.root()?;
        if max < 1 {
            return Err(errors::AdminUtils::ValueNotInBounds);
        }
        self.items.max_epochs_per_block.set(cx.state, &max);
        cx.emit(self.events.max_epochs_per_block_set, max);
        DONE
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
}
