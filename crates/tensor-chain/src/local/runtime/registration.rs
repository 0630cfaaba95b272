//! Registering neurons for a burn, and validators on root (chain rules 7.1, 7.2, 7.5).

use tensor_yuma::emission::burn;
use tensor_yuma::fixed::U64F64;

use super::accounts::Keep;
use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::error::{DispatchError, errors};
use super::pool::ANY_BUY;
use super::{Account, Ruleset, Runtime};

/// Take of a hotkey that root registration makes a delegate: 18 %.
const ROOT_DELEGATE_TAKE: u16 = 11_796;

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "SubtensorModule":
        PAID burned_register(netuid: u16, hotkey: Account) => burned_register;
        PAID register_limit(netuid: u16, hotkey: Account, limit_price: u64) => register_limit;
        PAID register(netuid: u16, block_number: u64, nonce: u64, work: Vec<u8>, hotkey: Account, coldkey: Account) => register_with_work;
        PAID root_register(hotkey: Account) => root_register;
    );
}

impl Runtime {
    fn burned_register(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        hotkey: Account,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        self.register_neuron(cx, &coldkey, netuid, &hotkey)?;
        DONE
    }

    fn register_limit(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        hotkey: Account,
        limit: u64,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        if netuid == 0 {
            return Err(errors::SubtensorModule::RegistrationNotPermittedOnRootSubnet);
        }
        self.ensure_exists(cx.state, netuid)?;
        if self.items.burn.get(cx.state, netuid) > limit {
            return Err(errors::SubtensorModule::RegistrationPriceLimitExceeded);
        }
        self.register_neuron(cx, &coldkey, netuid, &hotkey)?;
        DONE
    }

    /// The old proof-of-work call: the work is ignored, the burn is paid.
    fn register_with_work(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        _block_number: u64,
        _nonce: u64,
        _work: Vec<u8>,
        hotkey: Account,
        _coldkey: Account,
    ) -> DispatchResult {
        self.burned_register(cx, origin, netuid, hotkey)
    }

    fn register_neuron(
        &self,
        cx: &mut Ctx<'_>,
        coldkey: &Account,
        netuid: u16,
        hotkey: &Account,
    ) -> Result<u16, DispatchError> {
        let items = &self.items;
        if netuid == 0 {
            return Err(errors::SubtensorModule::RegistrationNotPermittedOnRootSubnet);
        }
        self.ensure_exists(cx.state, netuid)?;
        if !items.network_registration_allowed.get(cx.state, netuid) {
            return Err(errors::SubtensorModule::SubNetRegistrationDisabled);
        }
        if items.uids.contains(cx.state, (netuid, *hotkey)) {
            return Err(errors::SubtensorModule::HotKeyAlreadyRegisteredInSubNet);
        }
        let cost = items.burn.get(cx.state, netuid);
        let keep = if self.ruleset == Ruleset::V425 { Keep::MayDie } else { Keep::Alive };
        if self.reducible(cx.state, coldkey, keep) < cost {
            return Err(errors::SubtensorModule::NotEnoughBalanceToStake);
        }
        self.create_hotkey(cx, coldkey, hotkey)?;
        if !self.owns(cx.state, coldkey, hotkey) {
            return Err(errors::SubtensorModule::NonAssociatedColdKey);
        }
        let max = items.max_allowed_uids.get(cx.state, netuid);
        let n = items.subnetwork_n.get(cx.state, netuid);
        let replaced =
            if n < max { None } else { self.neuron_to_prune(cx.state, netuid, cx.block) };
        if max == 0 || (n >= max && replaced.is_none()) {
            return Err(errors::SubtensorModule::NoNeuronIdAvailable);
        }
        let paid = self.burn_for_registration(cx, netuid, coldkey, cost)?;
        let uid = match replaced {
            None => self.append_neuron(cx, netuid, hotkey),
            Some(uid) => {
                self.replace_neuron(cx, netuid, uid, hotkey);
                uid
            }
        };
        self.bump_burn(cx, netuid);
        items.registrations_this_block.mutate(cx.state, netuid, |count| {
            *count = count.saturating_add(1);
        });
        items.rao_recycled.add(cx.state, netuid, cost);
        self.record_inflow(cx, netuid, paid);
        cx.emit(self.events.neuron_registered, (netuid, uid, *hotkey));
        Ok(uid)
    }

    /// Pays the burn, buys alpha for it and destroys the alpha. Returns what was paid into the pool and as fee.
    ///
    /// 425 leaves the fee on the subnet's account; 461 sends it to the author and gives back what the pool did not take.
    fn burn_for_registration(
        &self,
        cx: &mut Ctx<'_>,
        netuid: u16,
        coldkey: &Account,
        cost: u64,
    ) -> Result<u64, DispatchError> {
        let paid = self.transfer_to_subnet(cx, netuid, coldkey, cost)?;
        let quote = self.buy_alpha(cx, netuid, paid, ANY_BUY, false)?;
        self.items.subnet_alpha_out.sub(cx.state, netuid, quote.paid_out);
        if self.ruleset == Ruleset::V461 {
            self.pay_fee_from_subnet(cx, netuid, quote.fee_to_block_author)?;
            let unsold = paid.saturating_sub(quote.total_in());
            if unsold > 0 {
                self.transfer_from_subnet(cx, netuid, coldkey, unsold)?;
            }
        }
        Ok(paid)
    }

    /// Raises the burn at once, so that the next registration of the same block pays more.
    fn bump_burn(&self, cx: &mut Ctx<'_>, netuid: u16) {
        let items = &self.items;
        let bumped = burn::bump(
            items.burn.get(cx.state, netuid),
            U64F64::from_bits(items.burn_increase_mult.get(cx.state, netuid)),
            items.min_burn.get(cx.state, netuid),
            items.max_burn.get(cx.state, netuid),
        );
        items.burn.set(cx.state, netuid, &bumped);
    }

    fn root_register(&self, cx: &mut Ctx<'_>, origin: Origin, hotkey: Account) -> DispatchResult {
        let items = &self.items;
        let coldkey = origin.signed()?;
        self.ensure_exists(cx.state, 0)?;
        let this_block = items.registrations_this_block.get(cx.state, 0);
        if this_block >= items.max_registrations_per_block.get(cx.state, 0) {
            return Err(errors::SubtensorModule::TooManyRegistrationsThisBlock);
        }
        let this_interval = items.registrations_this_interval.get(cx.state, 0);
        if this_interval >= items.target_registrations.get(cx.state, 0).saturating_mul(3) {
            return Err(errors::SubtensorModule::TooManyRegistrationsThisInterval);
        }
        if items.uids.contains(cx.state, (0, hotkey)) {
            return Err(errors::SubtensorModule::HotKeyAlreadyRegisteredInSubNet);
        }
        self.create_hotkey(cx, &coldkey, &hotkey)?;
        let n = items.subnetwork_n.get(cx.state, 0);
        let uid = if n < items.max_allowed_uids.get(cx.state, 0) {
            self.append_neuron(cx, 0, &hotkey)
        } else {
            let stakes = items.keys.under(cx.state, 0).into_iter();
            let lowest = stakes
                .map(|(uid, hotkey)| (self.hotkey_stake(cx.state, &hotkey, 0), uid))
                .reduce(|best, next| if next.0 < best.0 { next } else { best });
            match lowest {
                Some((stake, uid)) if stake < self.hotkey_stake(cx.state, &hotkey, 0) => {
                    self.replace_neuron(cx, 0, uid, &hotkey);
                    uid
                }
                _ => return Err(errors::SubtensorModule::StakeTooLowForRoot),
            }
        };
        if !items.delegates.contains(cx.state, hotkey) {
            items.delegates.set(cx.state, hotkey, &ROOT_DELEGATE_TAKE);
        }
        items.registrations_this_interval.set(cx.state, 0, &this_interval.saturating_add(1));
        items.registrations_this_block.set(cx.state, 0, &this_block.saturating_add(1));
        cx.emit(self.events.neuron_registered, (0_u16, uid, hotkey));
        DONE
    }
}
