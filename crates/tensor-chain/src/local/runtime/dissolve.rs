//! Dissolving a subnet: paying its stakers out and clearing its state (chain rules 6.5).

use super::accounts::Keep;
use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::error::{DispatchError, errors};
use super::{Account, Runtime};
use crate::local::state::State;

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "SubtensorModule":
        PAID dissolve_network(coldkey: Account, netuid: u16) => dissolve_network;
        PAID root_dissolve_network(netuid: u16) => root_dissolve_network;
    );
}

impl Runtime {
    fn dissolve_network(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        _coldkey: Account,
        netuid: u16,
    ) -> DispatchResult {
        origin.root()?;
        self.dissolve(cx, netuid)?;
        DONE
    }

    fn root_dissolve_network(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
    ) -> DispatchResult {
        origin.root()?;
        self.dissolve(cx, netuid)?;
        DONE
    }

    /// The subnet that makes room for a new one: past its immunity, with the lowest moving price, of equal ones the oldest.
    pub(crate) fn subnet_to_prune(&self, state: &State, block: u64) -> Option<u16> {
        let items = &self.items;
        let immunity = items.network_immunity_period.get(state);
        self.netuids(state)
            .into_iter()
            .filter(|netuid| *netuid != 0)
            .map(|netuid| (netuid, items.network_registered_at.get(state, netuid)))
            .filter(|(_, registered)| block >= registered.saturating_add(immunity))
            .min_by_key(|(netuid, registered)| {
                (items.subnet_moving_price.get(state, *netuid), *registered)
            })
            .map(|(netuid, _)| netuid)
    }

    /// Ends a subnet at once.
    pub(crate) fn dissolve(&self, cx: &mut Ctx<'_>, netuid: u16) -> Result<(), DispatchError> {
        if netuid == 0 || !self.items.networks_added.get(cx.state, netuid) {
            return Err(errors::SubtensorModule::SubnetNotExists);
        }
        self.drop_root_claims(cx, netuid);
        self.pay_out_pool(cx, netuid);
        self.clear_stake(cx, netuid);
        self.recycle_rest(cx, netuid);
        self.purge_commitments(cx, netuid);
        self.clear_subnet(cx, netuid);
        self.clear_voting_power(cx, netuid);
        self.items.evm_address.clear_under(cx.state, netuid);
        self.items.uids_by_evm_address.clear_under(cx.state, netuid);
        self.clear_stranded(cx, netuid);
        cx.emit(self.events.network_removed, netuid);
        Ok(())
    }

    /// What root stakers were still owed in this subnet's alpha ends with it.
    fn drop_root_claims(&self, cx: &mut Ctx<'_>, netuid: u16) {
        for (hotkey, mut rates) in self.items.root_claimable.entries(cx.state) {
            if rates.remove(&netuid).is_some() {
                self.items.root_claimable.set(cx.state, hotkey, &rates);
            }
        }
        for ((on, hotkey, coldkey), _) in self.items.root_claimed.entries(cx.state) {
            if on == netuid {
                self.items.root_claimed.remove(cx.state, (on, hotkey, coldkey));
            }
        }
    }

    /// Divides the pool's TAO between stakers and the protocol by alpha, leftover rao by largest remainder.
    fn pay_out_pool(&self, cx: &mut Ctx<'_>, netuid: u16) {
        let items = &self.items;
        let pot = items.subnet_tao.get(cx.state, netuid);
        items.subnet_tao.remove(cx.state, netuid);
        items.total_stake.sub(cx.state, pot);
        let protocol = items
            .subnet_alpha_in
            .get(cx.state, netuid)
            .saturating_add(items.subnet_protocol_alpha.get(cx.state, netuid));
        let mut claims: Vec<(Option<Account>, u64)> = items
            .alpha_shares
            .entries(cx.state)
            .into_iter()
            .filter(|((_, _, on), _)| *on == netuid)
            .map(|((hotkey, coldkey, _), _)| {
                (Some(coldkey), self.stake(cx.state, &hotkey, &coldkey, netuid))
            })
            .filter(|(_, alpha)| *alpha > 0)
            .collect();
        if protocol > 0 {
            claims.push((None, protocol));
        }
        let amounts: Vec<u64> = claims.iter().map(|(_, alpha)| *alpha).collect();
        for ((claimant, _), share) in claims.iter().zip(shares_of(pot, &amounts)) {
            if let Some(coldkey) = claimant
                && share > 0
            {
                // A coldkey that cannot exist with so little does not stop the dissolution; its part is recycled.
                let _ = self.transfer_from_subnet(cx, netuid, coldkey, share);
            }
        }
    }

    fn clear_stake(&self, cx: &mut Ctx<'_>, netuid: u16) {
        let items = &self.items;
        for ((hotkey, coldkey, on), _) in items.alpha_shares.entries(cx.state) {
            if on == netuid {
                items.alpha_shares.remove(cx.state, (hotkey, coldkey, on));
            }
        }
        let maps = [&items.total_hotkey_alpha, &items.total_hotkey_alpha_last_epoch];
        for map in maps {
            for ((hotkey, on), _) in map.entries(cx.state) {
                if on == netuid {
                    map.remove(cx.state, (hotkey, on));
                }
            }
        }
        for ((hotkey, on), _) in items.total_hotkey_shares.entries(cx.state) {
            if on == netuid {
                items.total_hotkey_shares.remove(cx.state, (hotkey, on));
            }
        }
        for map in [
            &items.subnet_alpha_in,
            &items.subnet_alpha_out,
            &items.subnet_protocol_alpha,
            &items.total_alpha_staked,
            &items.total_alpha_issuance,
            &items.alpha_burned,
            &items.alpha_recycled,
            &items.tao_reservoir,
            &items.alpha_reservoir,
        ] {
            map.remove(cx.state, netuid);
        }
    }

    fn recycle_rest(&self, cx: &mut Ctx<'_>, netuid: u16) {
        let account = Self::subnet_account(netuid);
        let rest = self.reducible(cx.state, &account, Keep::Alive);
        if self.recycle_tao(cx, &account, rest).is_ok() {
            self.items.rao_recycled.set(cx.state, netuid, &rest);
        }
    }

    fn clear_subnet(&self, cx: &mut Ctx<'_>, netuid: u16) {
        let items = &self.items;
        let state = &mut *cx.state;
        for (_, hotkey) in items.keys.under(state, netuid) {
            items.is_network_member.remove(state, (hotkey, netuid));
        }
        for index in self.mechanism_indices(state, netuid) {
            items.incentive.remove(state, index);
            items.consensus_by_mechanism.remove(state, index);
            items.last_update.remove(state, index);
            items.weights.clear_under(state, index);
            items.bonds.clear_under(state, index);
            items.weight_commits.clear_under(state, index);
            items.timelocked_commits.clear_under(state, index);
        }
        items.uids.clear_under(state, netuid);
        items.keys.clear_under(state, netuid);
        items.block_at_registration.clear_under(state, netuid);
        items.axons.clear_under(state, netuid);
        items.certificates.clear_under(state, netuid);
        items.prometheus.clear_under(state, netuid);
        items.alpha_dividends.clear_under(state, netuid);
        items.root_alpha_dividends.clear_under(state, netuid);
        items.pending_child_keys.clear_under(state, netuid);
        for map in [&items.child_keys, &items.parent_keys] {
            for ((hotkey, on), _) in map.entries(state) {
                if on == netuid {
                    map.remove(state, (hotkey, on));
                }
            }
        }
        for ((hotkey, on), _) in items.childkey_take.entries(state) {
            if on == netuid {
                items.childkey_take.remove(state, (hotkey, on));
            }
        }
        for ((coldkey, on), _) in items.auto_stake_destination.entries(state) {
            if on == netuid {
                items.auto_stake_destination.remove(state, (coldkey, on));
            }
        }
        for ((hotkey, on), _) in items.auto_stake_coldkeys.entries(state) {
            if on == netuid {
                items.auto_stake_coldkeys.remove(state, (hotkey, on));
            }
        }
        for ((account, on, kind), _) in items.transaction_key_last_block.entries(state) {
            if on == netuid {
                items.transaction_key_last_block.remove(state, (account, on, kind));
            }
        }
        let networks = items.total_networks.get(state).saturating_sub(1);
        items.total_networks.set(state, &networks);
        // Everything else is one value under the netuid.
        for prefix in self.subnet_items() {
            state.remove(&prefix(netuid));
        }
    }

    /// Raw keys of all single values of a subnet.
    #[allow(
        clippy::type_complexity,
        reason = "a list of key builders over maps of different values"
    )]
    fn subnet_items(&self) -> Vec<Box<dyn Fn(u16) -> crate::local::storage::KeyBuf + '_>> {
        let items = &self.items;
        macro_rules! keys {
            ($($item:ident),* $(,)?) => { vec![$(Box::new(move |netuid| items.$item.key(&netuid)),)*] };
        }
        keys![
            subnet_owner,
            subnetwork_n,
            networks_added,
            network_registered_at,
            active,
            emission,
            consensus,
            dividends,
            validator_permit,
            validator_trust,
            stake_weight,
            tempo,
            kappa,
            difficulty,
            max_allowed_uids,
            min_allowed_uids,
            immunity_period,
            activity_cutoff,
            activity_cutoff_factor_milli,
            last_epoch_block,
            pending_epoch_at,
            subnet_epoch_index,
            min_allowed_weights,
            registrations_this_interval,
            subnet_alpha_in_emission,
            subnet_alpha_out_emission,
            subnet_tao_in_emission,
            subnet_volume,
            subnet_moving_price,
            root_prop,
            subnet_tao_flow,
            subnet_excess_tao,
            subnet_root_sell_tao,
            token_symbol,
            subnet_mechanism,
            subnet_owner_hotkey,
            network_registration_allowed,
            network_pow_registration_allowed,
            transfer_toggle,
            subnet_locked,
            first_emission_block,
            pending_validator_emission,
            pending_server_emission,
            pending_root_alpha,
            pending_owner_cut,
            miner_burned,
            blocks_since_last_step,
            last_mechanism_step_block,
            serving_rate_limit,
            rho,
            alpha_sigmoid_steepness,
            max_allowed_validators,
            bonds_moving_average,
            bonds_penalty,
            bonds_reset_on,
            weights_set_rate_limit,
            scaling_law_power,
            target_registrations,
            commit_reveal_enabled,
            burn_half_life,
            burn_increase_mult,
            burn,
            min_burn,
            max_burn,
            min_difficulty,
            max_difficulty,
            registrations_this_block,
            ema_price_halving_blocks,
            max_registrations_per_block,
            adjustment_interval,
            adjustment_alpha,
            min_non_immune_uids,
            min_childkey_take_per_subnet,
            collateral_lock_share,
            collateral_drain_ratio,
            liquid_alpha_consensus_mode,
            root_claimable_threshold,
            weights_version_key,
            liquid_alpha_on,
            yuma3_on,
            alpha_values,
            subtoken_enabled,
            subnet_emission_enabled,
            owner_cut_enabled,
            owner_cut_auto_lock,
            immune_owner_uids_limit,
            recycle_or_burn,
            reveal_period,
            mechanism_count,
            mechanism_emission_split,
            subnet_identities,
            swap_balancer,
            swap_initialized,
            fee_rate,
        ]
    }
}

/// `pot` divided by `weights`: floors, then one more for the largest remainders, of equal ones the earlier.
fn shares_of(pot: u64, weights: &[u64]) -> Vec<u64> {
    let total: u128 = weights.iter().copied().map(u128::from).sum();
    if total == 0 {
        return vec![0; weights.len()];
    }
    let products = weights.iter().map(|weight| u128::from(pot) * u128::from(*weight));
    let mut shares: Vec<(u64, u128)> = products
        .map(|product| (u64::try_from(product / total).unwrap_or(u64::MAX), product % total))
        .collect();
    let given: u64 = shares.iter().map(|(share, _)| *share).sum();
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(shares[*at].1));
    let left = usize::try_from(pot - given).unwrap_or(usize::MAX);
    for at in order.into_iter().take(left) {
        shares[at].0 += 1;
    }
    shares.into_iter().map(|(share, _)| share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario 37.
    #[test]
    fn pots_are_divided_by_largest_remainder() {
        assert_eq!(shares_of(1_000_000_007, &[1, 1, 1]), [333_333_336, 333_333_336, 333_333_335]);
        let shares =
            shares_of(1_000_000_000_000, &[300_000_000_000, 500_000_000_000, 1_000_000_000_000]);
        assert_eq!(shares, [166_666_666_667, 277_777_777_778, 555_555_555_555]);
        assert_eq!(shares_of(5, &[]), [0_u64; 0]);
        assert_eq!(shares_of(5, &[0]), [0]);
    }
}
