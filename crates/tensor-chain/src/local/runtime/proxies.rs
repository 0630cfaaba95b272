//! Accounts that act for others: proxies, pure proxies and announcements (chain rules 12.2).

mod filter;

pub(crate) use filter::{ANY, SMALL, SMALL_TRANSFER};

use parity_scale_codec::{Compact, Decode, Encode};
use sp_crypto_hashing::blake2_256;

use super::accounts::lookup;
use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DecodedCall, DispatchResult, Registrar, calls};
use super::error::{DispatchError, errors};
use super::{Account, Runtime};
use crate::local::state::State;
use crate::local::storage::record::{Address, Announcement, ProxyDefinition};

/// Deposit for any proxies at all, and for each (`ProxyDepositBase`, `ProxyDepositFactor`).
const PROXY_DEPOSIT: (u64, u64) = (60_000_000, 33_000_000);
/// The same for announcements.
const ANNOUNCEMENT_DEPOSIT: (u64, u64) = (36_000_000, 68_000_000);
const MAX_PROXIES: usize = 20;
const MAX_PENDING: usize = 75;

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "Proxy":
        PAID add_proxy(delegate: Address, proxy_type: u8, delay: u32) => add_proxy;
        PAID remove_proxy(delegate: Address, proxy_type: u8, delay: u32) => remove_proxy;
        PAID remove_proxies() => remove_proxies;
        PAID create_pure(proxy_type: u8, delay: u32, index: u16) => create_pure;
        PAID kill_pure(spawner: Address, proxy_type: u8, index: u16, height: Compact<u32>, ext_index: Compact<u32>) => kill_pure;
        PAID announce(real: Address, call_hash: [u8; 32]) => announce_proxied;
        PAID remove_announcement(real: Address, call_hash: [u8; 32]) => remove_announcement;
        PAID reject_announcement(delegate: Address, call_hash: [u8; 32]) => reject_announcement;
        PAID set_real_pays_fee(delegate: Address, pays_fee: bool) => set_real_pays_fee;
    );
    calls.add(
        "Proxy",
        "proxy",
        &["real", "force_proxy_type", "call"],
        true,
        |runtime, cx, origin, input| {
            let (real, kind) =
                <(Address, Option<u8>)>::decode(input).map_err(|_| DispatchError::Other)?;
            let (call, _) = runtime.split_call(input)?;
            runtime.proxy(cx, origin, real, kind, call)
        },
        None,
    );
    calls.add(
        "Proxy",
        "proxy_announced",
        &["delegate", "real", "force_proxy_type", "call"],
        true,
        |runtime, cx, origin, input| {
            let (delegate, real, kind) = <(Address, Address, Option<u8>)>::decode(input)
                .map_err(|_| DispatchError::Other)?;
            let (call, _) = runtime.split_call(input)?;
            runtime.proxy_announced(cx, origin, delegate, real, kind, call)
        },
        None,
    );
}

/// Acting for another.
impl Runtime {
    fn proxy(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        real: Address,
        kind: Option<u8>,
        call: &[u8],
    ) -> DispatchResult {
        let who = origin.signed()?;
        let real = lookup(real)?;
        let definition = self.find_proxy(cx.state, &real, &who, kind)?;
        if definition.delay > 0 {
            return Err(errors::Proxy::Unannounced);
        }
        self.act_for(cx, &definition, real, call)
    }

    fn proxy_announced(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        delegate: Address,
        real: Address,
        kind: Option<u8>,
        call: &[u8],
    ) -> DispatchResult {
        origin.signed()?;
        let (delegate, real) = (lookup(delegate)?, lookup(real)?);
        let definition = self.find_proxy(cx.state, &real, &delegate, kind)?;
        let hash = blake2_256(call);
        let now = block_number(cx);
        self.drop_announcements(cx, &delegate, |announcement| {
            announcement.real == real
                && announcement.call_hash == hash
                && now.saturating_sub(announcement.height) >= definition.delay
        })
        .map_err(|_| errors::Proxy::Unannounced)?;
        self.act_for(cx, &definition, real, call)
    }

    fn act_for(
        &self,
        cx: &mut Ctx<'_>,
        definition: &ProxyDefinition,
        real: Account,
        call: &[u8],
    ) -> DispatchResult {
        let inner = DecodedCall::parse(call).ok_or(DispatchError::Other)?;
        // The new origin carries only this proxy's filter.
        let outer = cx.proxy.replace(definition.proxy_type);
        let result = self.dispatch_nested(cx, Origin::Signed(real), &inner);
        cx.proxy = outer;
        let result = DispatchError::encode_result(result.map(drop), &self.interface);
        cx.emit(self.events.proxy_executed, result);
        DONE
    }

    /// The first definition that lets `delegate` act for `real`, of the given type if one is given.
    fn find_proxy(
        &self,
        state: &State,
        real: &Account,
        delegate: &Account,
        kind: Option<u8>,
    ) -> Result<ProxyDefinition, DispatchError> {
        let (definitions, _) = self.items.proxies.get(state, *real);
        definitions
            .into_iter()
            .find(|definition| {
                definition.delegate == *delegate
                    && kind.is_none_or(|kind| kind == definition.proxy_type)
            })
            .ok_or(errors::Proxy::NotProxy)
    }

    /// Who pays for a call of `who`: the real account of a proxied call where it agreed to (chain rules 1.7).
    #[must_use]
    pub fn fee_payer(&self, state: &State, who: &Account, call: &DecodedCall<'_>) -> Account {
        let mut payer = *who;
        let mut call = *call;
        for _ in 0..2 {
            let Some((real, inner)) = self.paying_real(state, &payer, &call) else { break };
            payer = real;
            match inner {
                Some(inner) => call = inner,
                None => break,
            }
        }
        payer
    }

    /// The real account that pays for this call of `who`, and the call inside, if that is one.
    fn paying_real<'a>(
        &self,
        state: &State,
        who: &Account,
        call: &DecodedCall<'a>,
    ) -> Option<(Account, Option<DecodedCall<'a>>)> {
        let agreed = |call: &DecodedCall<'a>| {
            let (real, inner) = self.proxied(call)?;
            self.items.real_pays_fee.contains(state, (real, *who)).then_some((real, inner))
        };
        if !self.pays_by_content(call) {
            return agreed(call).map(|(real, inner)| (real, Some(inner)));
        }
        let calls = self.split_calls(&mut &call.args[..]).ok()?;
        let mut reals = calls.into_iter().map(|inner| agreed(&DecodedCall::parse(inner)?));
        let (real, _) = reals.next()??;
        reals.all(|other| other.is_some_and(|(other, _)| other == real)).then_some((real, None))
    }

    /// The real account and the inner call of `Proxy.proxy`.
    fn proxied<'a>(&self, call: &DecodedCall<'a>) -> Option<(Account, DecodedCall<'a>)> {
        if self.name_of(call)? != ("Proxy", "proxy") {
            return None;
        }
        let mut input = call.args;
        let (real, _) = <(Address, Option<u8>)>::decode(&mut input).ok()?;
        Some((real.0?, DecodedCall::parse(input)?))
    }

    fn set_real_pays_fee(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        delegate: Address,
        pays: bool,
    ) -> DispatchResult {
        let real = origin.signed()?;
        let delegate = lookup(delegate)?;
        self.find_proxy(cx.state, &real, &delegate, None)?;
        if pays {
            self.items.real_pays_fee.set(cx.state, (real, delegate), &());
        } else {
            self.items.real_pays_fee.remove(cx.state, (real, delegate));
        }
        cx.emit(self.events.real_pays_fee_set, (real, delegate, pays));
        DONE
    }
}

/// Naming proxies.
impl Runtime {
    fn add_proxy(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        delegate: Address,
        proxy_type: u8,
        delay: u32,
    ) -> DispatchResult {
        let who = origin.signed()?;
        let delegate = lookup(delegate)?;
        if delegate == who {
            return Err(errors::Proxy::NoSelfProxy);
        }
        let definition = ProxyDefinition { delegate, proxy_type, delay };
        let (mut definitions, deposit) = self.items.proxies.get(cx.state, who);
        let Err(at) = definitions.binary_search(&definition) else {
            return Err(errors::Proxy::Duplicate);
        };
        if definitions.len() >= MAX_PROXIES {
            return Err(errors::Proxy::TooMany);
        }
        definitions.insert(at, definition);
        let deposit = self.adjust_deposit(cx, &who, deposit, PROXY_DEPOSIT, definitions.len())?;
        self.items.proxies.set(cx.state, who, &(definitions, deposit));
        cx.emit(self.events.proxy_added, (who, delegate, proxy_type, delay));
        DONE
    }

    fn remove_proxy(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        delegate: Address,
        proxy_type: u8,
        delay: u32,
    ) -> DispatchResult {
        let who = origin.signed()?;
        let delegate = lookup(delegate)?;
        let definition = ProxyDefinition { delegate, proxy_type, delay };
        let (mut definitions, deposit) = self.items.proxies.get(cx.state, who);
        let at = definitions.binary_search(&definition).map_err(|_| errors::Proxy::NotFound)?;
        definitions.remove(at);
        let deposit = self.adjust_deposit(cx, &who, deposit, PROXY_DEPOSIT, definitions.len())?;
        // What a delegate may charge its account ends with the last proxy.
        if !definitions.iter().any(|left| left.delegate == delegate) {
            self.items.real_pays_fee.remove(cx.state, (who, delegate));
        }
        if definitions.is_empty() {
            self.items.proxies.remove(cx.state, who);
        } else {
            self.items.proxies.set(cx.state, who, &(definitions, deposit));
        }
        cx.emit(self.events.proxy_removed, (who, delegate, proxy_type, delay));
        DONE
    }

    fn remove_proxies(&self, cx: &mut Ctx<'_>, origin: Origin) -> DispatchResult {
        let who = origin.signed()?;
        self.forget_proxies(cx, &who, &who);
        DONE
    }

    fn forget_proxies(&self, cx: &mut Ctx<'_>, who: &Account, depositor: &Account) {
        let Some((definitions, deposit)) = self.items.proxies.take(cx.state, *who) else { return };
        self.unreserve(cx, depositor, deposit);
        for definition in definitions {
            self.items.real_pays_fee.remove(cx.state, (*who, definition.delegate));
        }
    }

    fn create_pure(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        proxy_type: u8,
        delay: u32,
        index: u16,
    ) -> DispatchResult {
        let who = origin.signed()?;
        let pure = pure_account(&who, proxy_type, index, block_number(cx), cx.extrinsic_index);
        if self.items.proxies.contains(cx.state, pure) {
            return Err(errors::Proxy::Duplicate);
        }
        let deposit = self.adjust_deposit(cx, &who, 0, PROXY_DEPOSIT, 1)?;
        let definition = ProxyDefinition { delegate: who, proxy_type, delay };
        self.items.proxies.set(cx.state, pure, &(vec![definition], deposit));
        cx.emit(self.events.pure_created, (pure, who, proxy_type, index));
        DONE
    }

    fn kill_pure(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        spawner: Address,
        proxy_type: u8,
        index: u16,
        height: Compact<u32>,
        ext_index: Compact<u32>,
    ) -> DispatchResult {
        let who = origin.signed()?;
        let spawner = lookup(spawner)?;
        if pure_account(&spawner, proxy_type, index, height.0, ext_index.0) != who {
            return Err(errors::Proxy::NoPermission);
        }
        self.forget_proxies(cx, &who, &spawner);
        cx.emit(self.events.pure_killed, (who, spawner, proxy_type, index));
        DONE
    }

    /// Brings a deposit to what `count` entries need.
    fn adjust_deposit(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        old: u64,
        (base, each): (u64, u64),
        count: usize,
    ) -> Result<u64, DispatchError> {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let new = if count == 0 { 0 } else { base.saturating_add(each.saturating_mul(count)) };
        if new > old {
            self.reserve(cx, who, new - old)?;
        } else {
            self.unreserve(cx, who, old - new);
        }
        Ok(new)
    }
}

/// Announcing calls.
impl Runtime {
    fn announce_proxied(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        real: Address,
        call_hash: [u8; 32],
    ) -> DispatchResult {
        let who = origin.signed()?;
        let real = lookup(real)?;
        self.find_proxy(cx.state, &real, &who, None)?;
        let (mut pending, deposit) = self.items.announcements.get(cx.state, who);
        if pending.len() >= MAX_PENDING {
            return Err(errors::Proxy::TooMany);
        }
        pending.push(Announcement { real, call_hash, height: block_number(cx) });
        let deposit =
            self.adjust_deposit(cx, &who, deposit, ANNOUNCEMENT_DEPOSIT, pending.len())?;
        self.items.announcements.set(cx.state, who, &(pending, deposit));
        cx.emit(self.events.proxy_announced, (real, who, call_hash));
        DONE
    }

    fn remove_announcement(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        real: Address,
        call_hash: [u8; 32],
    ) -> DispatchResult {
        let who = origin.signed()?;
        let real = lookup(real)?;
        self.drop_announcements(cx, &who, |announcement| {
            announcement.real == real && announcement.call_hash == call_hash
        })?;
        DONE
    }

    fn reject_announcement(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        delegate: Address,
        call_hash: [u8; 32],
    ) -> DispatchResult {
        let who = origin.signed()?;
        let delegate = lookup(delegate)?;
        self.drop_announcements(cx, &delegate, |announcement| {
            announcement.real == who && announcement.call_hash == call_hash
        })?;
        DONE
    }

    fn drop_announcements(
        &self,
        cx: &mut Ctx<'_>,
        delegate: &Account,
        drops: impl Fn(&Announcement) -> bool,
    ) -> Result<(), DispatchError> {
        let (mut pending, deposit) = self.items.announcements.get(cx.state, *delegate);
        let before = pending.len();
        pending.retain(|announcement| !drops(announcement));
        if pending.len() == before {
            return Err(errors::Proxy::NotFound);
        }
        let deposit =
            self.adjust_deposit(cx, delegate, deposit, ANNOUNCEMENT_DEPOSIT, pending.len())?;
        if pending.is_empty() {
            self.items.announcements.remove(cx.state, *delegate);
        } else {
            self.items.announcements.set(cx.state, *delegate, &(pending, deposit));
        }
        Ok(())
    }
}

/// The account of a pure proxy: a hash of how it came to be.
fn pure_account(who: &Account, proxy_type: u8, index: u16, height: u32, extrinsic: u32) -> Account {
    blake2_256(&(b"modlpy/proxy____", who, height, extrinsic, proxy_type, index).encode())
}

/// Block numbers are 32-bit in this pallet.
fn block_number(cx: &Ctx<'_>) -> u32 {
    u32::try_from(cx.block).unwrap_or(u32::MAX)
}
