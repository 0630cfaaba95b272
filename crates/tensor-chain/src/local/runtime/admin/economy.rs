//! Setters of where money goes: emission, the owner's cut, takes, minima.
//! Each has bounds, depends on other values, or has further effects.

use super::super::Runtime;
use super::super::ctx::{Ctx, Origin};
use super::super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::super::error::{DispatchError, errors};
use super::super::limits::{Hyperparameter, Limit};
use super::ONE;

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "AdminUtils":
        PAID sudo_set_recycle_or_burn(netuid: u16, recycle_or_burn: u8) => admin_recycle_or_burn;
        PAID sudo_set_owner_cut_enabled(netuid: u16, enabled: bool) => admin_owner_cut_enabled;
        PAID sudo_set_owner_cut_auto_lock_enabled(netuid: u16, enabled: bool) => admin_owner_cut_auto_lock;
        PAID sudo_set_min_childkey_take_per_subnet(netuid: u16, take: u16) => admin_min_childkey_take;
        PAID sudo_set_subnet_emission_enabled(netuid: u16, enabled: bool) => admin_emission_enabled;
        PAID sudo_set_nominator_min_required_stake(min_stake: u64) => admin_nominator_minimum;
        PAID sudo_set_tao_flow_normalization_exponent(exponent: u128) => admin_flow_exponent;
        PAID sudo_set_total_issuance(total_issuance: u64) => admin_total_issuance;
    );
}

impl Runtime {
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
}
