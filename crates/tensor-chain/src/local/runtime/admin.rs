//! The AdminUtils calls that set one value: hyperparameters of a subnet by owner or root, and global values by root (chain rules 6.7).

use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DispatchResult, Registrar};
use super::error::{DispatchError, errors};
use super::limits::{Hyperparameter, Limit};
use super::{Account, Runtime};
use crate::local::state::State;
use crate::local::storage::{Map, Value};

mod admission;
mod consensus;
mod economy;
mod mechanisms;

use super::ctx::EventId;
use parity_scale_codec::{Decode, Encode};

/// 1 with 64 fractional bits.
const ONE: u128 = 1 << 64;

/// Registers calls that the owner may make once in a while outside the freeze window, and root at any time outside it.
macro_rules! owner_setters {
    ($calls:ident: $($name:ident($arg:ident: $ty:ty) $limit:ident $item:ident $exists:literal $($event:ident)?;)*) => { $(
        $calls.add("AdminUtils", stringify!($name), &["netuid", stringify!($arg)], true, |runtime, cx, origin, input| {
            let (netuid, value) = <(u16, $ty)>::decode(input).map_err(|_| DispatchError::Other)?;
            runtime.set_by_owner(cx, origin, netuid, Limit::Owner(Hyperparameter::$limit), |runtime, cx, _| {
                if $exists {
                    runtime.ensure_subnet(cx.state, netuid)?;
                }
                runtime.put_parameter(cx, &runtime.items.$item, None $(.or(Some(runtime.events.$event)))?, netuid, value);
                Ok(())
            })
        }, None);
    )* };
}

/// Registers calls on a subnet that only root may make.
macro_rules! root_setters {
    ($calls:ident: $($name:ident($arg:ident: $ty:ty) $item:ident $window:literal $exists:literal $($event:ident)?;)*) => { $(
        $calls.add("AdminUtils", stringify!($name), &["netuid", stringify!($arg)], true, |runtime, cx, origin, input| {
            let (netuid, value) = <(u16, $ty)>::decode(input).map_err(|_| DispatchError::Other)?;
            origin.root()?;
            if $window {
                runtime.ensure_admin_window_open(cx, netuid)?;
            }
            if $exists {
                runtime.ensure_subnet(cx.state, netuid)?;
            }
            runtime.put_parameter(cx, &runtime.items.$item, None $(.or(Some(runtime.events.$event)))?, netuid, value);
            DONE
        }, None);
    )* };
}

/// Registers calls on a global value, for root.
macro_rules! global_setters {
    ($calls:ident: $($name:ident($arg:ident: $ty:ty) $item:ident $($event:ident)?;)*) => { $(
        $calls.add("AdminUtils", stringify!($name), &[stringify!($arg)], true, |runtime, cx, origin, input| {
            let value = <$ty>::decode(input).map_err(|_| DispatchError::Other)?;
            origin.root()?;
            runtime.put_global(cx, &runtime.items.$item, None $(.or(Some(runtime.events.$event)))?, value);
            DONE
        }, None);
    )* };
}

pub(super) fn register(calls: &mut Registrar<'_>) {
    // name(argument: type), the owner's limit, the item, whether the subnet must exist, the event.
    owner_setters!(calls:
        sudo_set_serving_rate_limit(serving_rate_limit: u64) ServingRateLimit serving_rate_limit false serving_rate_limit_set;
        sudo_set_max_difficulty(max_difficulty: u64) MaxDifficulty max_difficulty true max_difficulty_set;
        sudo_set_adjustment_alpha(adjustment_alpha: u64) AdjustmentAlpha adjustment_alpha true adjustment_alpha_set;
        sudo_set_immunity_period(immunity_period: u16) ImmunityPeriod immunity_period true immunity_period_set;
        sudo_set_min_allowed_weights(min_allowed_weights: u16) MinAllowedWeights min_allowed_weights true min_allowed_weight_set;
        sudo_set_rho(rho: u16) Rho rho true rho_set;
        sudo_set_bonds_penalty(bonds_penalty: u16) BondsPenalty bonds_penalty true bonds_penalty_set;
        sudo_set_commit_reveal_weights_enabled(enabled: bool) CommitRevealEnabled commit_reveal_enabled true commit_reveal_enabled;
        sudo_set_liquid_alpha_enabled(enabled: bool) LiquidAlphaEnabled liquid_alpha_on false;
        sudo_set_toggle_transfer(toggle: bool) TransferEnabled transfer_toggle false transfer_toggle;
        sudo_set_yuma3_enabled(enabled: bool) Yuma3Enabled yuma3_on false yuma3_toggled;
        sudo_set_bonds_reset_enabled(enabled: bool) BondsResetEnabled bonds_reset_on false bonds_reset_toggled;
    );
    // name(argument: type), the item, whether the freeze window applies, whether the subnet must exist, the event.
    root_setters!(calls:
        sudo_set_min_difficulty(min_difficulty: u64) min_difficulty true true min_difficulty_set;
        sudo_set_weights_set_rate_limit(weights_set_rate_limit: u64) weights_set_rate_limit false true weights_set_rate_limit_set;
        sudo_set_adjustment_interval(adjustment_interval: u16) adjustment_interval false true adjustment_interval_set;
        sudo_set_kappa(kappa: u16) kappa false true kappa_set;
        sudo_set_network_registration_allowed(registration_allowed: bool) network_registration_allowed false false registration_allowed;
        sudo_set_target_registrations_per_interval(target_registrations_per_interval: u16) target_registrations true true registration_per_interval_set;
        sudo_set_difficulty(difficulty: u64) difficulty true true difficulty_set;
        sudo_set_max_registrations_per_block(max_registrations_per_block: u16) max_registrations_per_block true true max_registrations_per_block_set;
        sudo_set_rao_recycled(rao_recycled: u64) rao_recycled false true rao_recycled_set;
        sudo_set_ema_price_halving_period(ema_halving: u64) ema_price_halving_blocks false false;
        sudo_set_subtoken_enabled(subtoken_enabled: bool) subtoken_enabled true true;
        sudo_set_min_non_immune_uids(min: u16) min_non_immune_uids false false min_non_immune_uids_set;
    );
    global_setters!(calls:
        sudo_set_tx_rate_limit(tx_rate_limit: u64) tx_rate_limit tx_rate_limit_set;
        sudo_set_subnet_owner_cut(subnet_owner_cut: u16) subnet_owner_cut subnet_owner_cut_set;
        sudo_set_network_rate_limit(rate_limit: u64) network_rate_limit network_rate_limit_set;
        sudo_set_network_immunity_period(immunity_period: u64) network_immunity_period network_immunity_period_set;
        sudo_set_network_min_lock_cost(lock_cost: u64) network_min_lock_cost network_min_lock_cost_set;
        sudo_set_subnet_limit(max_subnets: u16) subnet_limit subnet_limit_set;
        sudo_set_lock_reduction_interval(interval: u64) network_lock_reduction_interval lock_reduction_interval_set;
        sudo_set_stake_threshold(min_stake: u64) stake_threshold stake_threshold_set;
        sudo_set_tx_delegate_take_rate_limit(tx_rate_limit: u64) tx_delegate_take_rate_limit tx_delegate_take_rate_limit_set;
        sudo_set_default_take(default_take: u16) max_delegate_take max_delegate_take_set;
        sudo_set_min_delegate_take(take: u16) min_delegate_take min_delegate_take_set;
        sudo_set_dissolve_network_schedule_duration(duration: u32) dissolve_schedule_duration dissolve_duration_set;
        sudo_set_subnet_moving_alpha(alpha: i128) subnet_moving_alpha;
        sudo_set_commit_reveal_version(version: u16) commit_reveal_version commit_reveal_version_set;
        sudo_set_ck_burn(burn: u64) ck_burn;
        sudo_set_admin_freeze_window(window: u16) admin_freeze_window admin_freeze_window_set;
        sudo_set_owner_hparam_rate_limit(epochs: u16) owner_hyperparam_rate_limit owner_hyperparam_rate_limit_set;
        sudo_set_tao_flow_cutoff(flow_cutoff: i128) tao_flow_cutoff;
        sudo_set_tao_flow_smoothing_factor(smoothing_factor: u64) flow_ema_smoothing_factor;
        sudo_set_net_tao_flow_enabled(enabled: bool) net_tao_flow_enabled;
        sudo_set_start_call_delay(delay: u64) start_call_delay start_call_delay_set;
        sudo_set_coldkey_swap_announcement_delay(duration: u32) coldkey_swap_announcement_delay coldkey_swap_announcement_delay_set;
        sudo_set_coldkey_swap_reannouncement_delay(duration: u32) coldkey_swap_reannouncement_delay coldkey_swap_reannouncement_delay_set;
        sudo_set_emission_bar_quantile(quantile: u128) emission_bar_quantile;
        sudo_set_emission_gate_exponent(exponent: u128) emission_gate_exponent;
        sudo_set_emission_bar_rank(rank: u16) emission_bar_rank;
    );
    admission::register(calls);
    consensus::register(calls);
    economy::register(calls);
    mechanisms::register(calls);
}

impl Runtime {
    fn ensure_subnet_not_root(&self, cx: &Ctx<'_>, netuid: u16) -> Result<(), DispatchError> {
        self.ensure_subnet(cx.state, netuid)?;
        if netuid == 0 { Err(errors::AdminUtils::NotPermittedOnRootSubnet) } else { Ok(()) }
    }

    /// A change by owner or root: the owner's rate limit, the freeze window (for both), the change, the limit's record.
    pub(crate) fn set_by_owner(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        limit: Limit,
        change: impl FnOnce(&Self, &mut Ctx<'_>, Option<&Account>) -> Result<(), DispatchError>,
    ) -> DispatchResult {
        let owner = self.ensure_owner_or_root(cx.state, origin, netuid)?;
        if let Some(owner) = &owner {
            self.ensure_limit(cx, limit, owner, netuid)?;
        }
        self.ensure_admin_window_open(cx, netuid)?;
        change(self, cx, owner.as_ref())?;
        if let Some(owner) = &owner {
            self.record_limit(cx, limit, owner, netuid);
        }
        DONE
    }

    /// The admin pallet's own error for a missing subnet.
    pub(crate) fn ensure_subnet(&self, state: &State, netuid: u16) -> Result<(), DispatchError> {
        if self.items.networks_added.get(state, netuid) {
            Ok(())
        } else {
            Err(errors::AdminUtils::SubnetDoesNotExist)
        }
    }

    fn put_parameter<V: Encode + Decode + Clone + Default>(
        &self,
        cx: &mut Ctx<'_>,
        item: &Map<u16, V>,
        event: Option<EventId>,
        netuid: u16,
        value: V,
    ) {
        item.set(cx.state, netuid, &value);
        if let Some(event) = event {
            cx.emit(event, (netuid, value));
        }
    }

    fn put_global<V: Encode + Decode + Clone + Default>(
        &self,
        cx: &mut Ctx<'_>,
        item: &Value<V>,
        event: Option<EventId>,
        value: V,
    ) {
        item.set(cx.state, &value);
        if let Some(event) = event {
            cx.emit(event, value);
        }
    }
}
