//! New hotkeys and coldkeys, proxies, multisigs.

use parity_scale_codec::{Compact, Encode};
use sp_crypto_hashing::blake2_256;

use super::{Account, Bench, DispatchError, Ruleset, UNIT, account, address, compact, module};
use crate::local::runtime::{InvalidTransaction, Origin};

fn signed(who: &str) -> Origin {
    Origin::Signed(account(who))
}

/// Bytes that are encoded already.
#[derive(Clone)]
struct Given(Vec<u8>);

impl Encode for Given {
    fn encode_to<T: parity_scale_codec::Output + ?Sized>(&self, dest: &mut T) {
        dest.write(&self.0);
    }
}

fn transfer(bench: &Bench, to: &Account, value: u64) -> Given {
    Given(bench.encode("Balances", "transfer_keep_alive", &(address(to), compact(value))))
}

fn people() -> Bench {
    let mut bench = Bench::new(Ruleset::V461);
    bench.advance(2);
    for name in ["anna", "bert", "carl", "dora", "author"] {
        bench.fund(&account(name), 10 * UNIT);
    }
    bench
}

/// What `ProxyExecuted` says: `Ok` or the pallet and index of the error.
fn executed(bench: &Bench) -> Vec<u8> {
    bench
        .events
        .iter()
        .rev()
        .find(|e| bench.name_of(e) == "Proxy.ProxyExecuted")
        .unwrap()
        .fields
        .clone()
}

#[test]
fn proxies_act_within_their_type() {
    let mut bench = people();
    let (anna, bert) = (account("anna"), account("bert"));
    let before = bench.free(&anna);
    bench.dispatch(signed("anna"), "Proxy", "add_proxy", (address(&bert), 10_u8, 0_u32)).unwrap();
    assert_eq!(bench.free(&anna), before - 93_000_000);
    let again =
        bench.dispatch(signed("anna"), "Proxy", "add_proxy", (address(&bert), 10_u8, 0_u32));
    assert_eq!(again, Err(DispatchError::Module { pallet: "Proxy", name: "Duplicate" }));
    let own = bench.dispatch(signed("anna"), "Proxy", "add_proxy", (address(&anna), 10_u8, 0_u32));
    assert_eq!(own, Err(DispatchError::Module { pallet: "Proxy", name: "NoSelfProxy" }));
    let call = transfer(&bench, &account("carl"), UNIT);
    let proxied = (address(&anna), None::<u8>, call.clone());
    bench.dispatch(signed("bert"), "Proxy", "proxy", proxied.clone()).unwrap();
    assert_eq!(executed(&bench), [0]);
    assert_eq!(bench.free(&account("carl")), 11 * UNIT);
    let stranger = bench.dispatch(signed("dora"), "Proxy", "proxy", proxied.clone());
    assert_eq!(stranger, Err(DispatchError::Module { pallet: "Proxy", name: "NotProxy" }));
    // A transfer proxy may not stake, and what it may not do it may not do in a batch either.
    let stake = Given(bench.encode("SubtensorModule", "add_stake", &(bert, 1_u16, UNIT)));
    bench.dispatch(signed("bert"), "Proxy", "proxy", (address(&anna), None::<u8>, stake)).unwrap();
    assert_eq!(executed(&bench)[0], 1);
    bench.dispatch(signed("anna"), "Proxy", "add_proxy", (address(&bert), 3_u8, 0_u32)).unwrap();
    let batch = Given(bench.encode("Utility", "batch_all", &vec![call.clone()]));
    bench.dispatch(signed("bert"), "Proxy", "proxy", (address(&anna), Some(3_u8), batch)).unwrap();
    assert_eq!(executed(&bench)[0], 1);
    assert_eq!(bench.free(&account("carl")), 11 * UNIT);
    bench.dispatch(signed("anna"), "Proxy", "remove_proxies", ()).unwrap();
    assert_eq!(bench.free(&anna), before - UNIT);
    bench.check();
}

#[test]
fn announced_calls_wait() {
    let mut bench = people();
    let (anna, bert) = (account("anna"), account("bert"));
    bench.dispatch(signed("anna"), "Proxy", "add_proxy", (address(&bert), 0_u8, 5_u32)).unwrap();
    let call = transfer(&bench, &account("carl"), UNIT);
    let early = bench.dispatch(
        signed("bert"),
        "Proxy",
        "proxy",
        (address(&anna), None::<u8>, call.clone()),
    );
    let unannounced = Err(DispatchError::Module { pallet: "Proxy", name: "Unannounced" });
    assert_eq!(early, unannounced);
    let free = bench.free(&bert);
    bench
        .dispatch(signed("bert"), "Proxy", "announce", (address(&anna), blake2_256(&call.0)))
        .unwrap();
    assert_eq!(bench.free(&bert), free - 104_000_000);
    bench.advance(4);
    let args = (address(&bert), address(&anna), None::<u8>, call);
    assert_eq!(
        bench.dispatch(signed("dora"), "Proxy", "proxy_announced", args.clone()),
        unannounced
    );
    bench.next();
    bench.dispatch(signed("dora"), "Proxy", "proxy_announced", args).unwrap();
    assert_eq!((executed(&bench), bench.free(&bert)), (vec![0], free));
    assert_eq!(bench.free(&account("carl")), 11 * UNIT);
    bench.check();
}

#[test]
fn the_real_account_may_pay() {
    let mut bench = people();
    let (anna, bert) = (account("anna"), account("bert"));
    bench.dispatch(signed("anna"), "Proxy", "add_proxy", (address(&bert), 0_u8, 0_u32)).unwrap();
    let call = transfer(&bench, &account("carl"), UNIT);
    let proxied = bench.encode("Proxy", "proxy", &(address(&anna), None::<u8>, call));
    let parsed = super::DecodedCall::parse(&proxied).unwrap();
    assert_eq!(bench.runtime.fee_payer(&bench.state, &bert, &parsed), bert);
    bench.dispatch(signed("anna"), "Proxy", "set_real_pays_fee", (address(&bert), true)).unwrap();
    assert_eq!(bench.runtime.fee_payer(&bench.state, &bert, &parsed), anna);
    let batch = bench.encode("Utility", "batch", &vec![Given(proxied.clone()), Given(proxied)]);
    let parsed = super::DecodedCall::parse(&batch).unwrap();
    assert_eq!(bench.runtime.fee_payer(&bench.state, &bert, &parsed), anna);
    bench.check();
}

#[test]
fn pure_proxies_are_made_and_killed() {
    let mut bench = people();
    bench.dispatch(signed("anna"), "Proxy", "create_pure", (0_u8, 0_u32, 0_u16)).unwrap();
    let (pure, ..): (Account, Account, u8, u16) = bench.last_event("Proxy.PureCreated");
    bench.fund(&pure, UNIT);
    let kill =
        (address(&account("anna")), 0_u8, 0_u16, Compact(bench.block as u32), Compact(0_u32));
    let kill = Given(bench.encode("Proxy", "kill_pure", &kill));
    bench.dispatch(signed("anna"), "Proxy", "proxy", (address(&pure), None::<u8>, kill)).unwrap();
    assert_eq!(executed(&bench), [0]);
    assert_eq!(bench.free(&account("anna")), 10 * UNIT);
    bench.check();
}

#[test]
fn two_of_three_agree() {
    let mut bench = people();
    let call = transfer(&bench, &account("dora"), UNIT);
    let hash = blake2_256(&call.0);
    let weight = (compact(0), compact(0));
    let others = |who: &str| -> Vec<Account> {
        let all = ["anna", "bert", "carl"];
        all.iter().filter(|name| **name != who).map(|name| account(name)).collect()
    };
    let none = None::<(u32, u32)>;
    let step = (2_u16, others("anna"), none, hash, weight);
    bench.dispatch(signed("anna"), "Multisig", "approve_as_multi", step).unwrap();
    let (_, id, _): (Account, Account, [u8; 32]) = bench.last_event("Multisig.NewMultisig");
    assert_eq!(bench.free(&account("anna")), 10 * UNIT - 196_000_000);
    bench.fund(&id, 2 * UNIT);
    let when = Some((bench.block as u32, 0_u32));
    let early = (2_u16, others("bert"), none, call.clone(), weight);
    let early = bench.dispatch(signed("bert"), "Multisig", "as_multi", early);
    assert_eq!(early, Err(DispatchError::Module { pallet: "Multisig", name: "NoTimepoint" }));
    let step = (2_u16, others("bert"), when, call, weight);
    bench.dispatch(signed("bert"), "Multisig", "as_multi", step).unwrap();
    assert_eq!((bench.free(&id), bench.free(&account("dora"))), (UNIT, 11 * UNIT));
    assert_eq!(bench.free(&account("anna")), 10 * UNIT);
    bench.check();
}

#[test]
fn a_hotkey_is_replaced_on_one_subnet_and_on_all() {
    let mut bench = people();
    let (anna, old, new, third) =
        (account("anna"), account("old"), account("new"), account("third"));
    bench.subnet(2, 1_000 * UNIT, 1_000 * UNIT, 10);
    bench.subnet(3, 1_000 * UNIT, 1_000 * UNIT, 10);
    for netuid in [2_u16, 3] {
        bench.seat(netuid, &anna, &old);
        bench.call(&anna, "add_stake", (old, netuid, UNIT)).unwrap();
    }
    let stake = bench.stake(&old, &anna, 2);
    let axon = (2_u16, 7_u32, 134_744_072_u128, 8_091_u16, 4_u8, 0_u8, 0_u8, 0_u8);
    bench.call(&old, "serve_axon", axon).unwrap();
    let foreign = bench.call(&account("bert"), "swap_hotkey", (old, new, Some(2_u16)));
    assert_eq!(foreign, Err(module("NonAssociatedColdKey")));
    let same = bench.call(&anna, "swap_hotkey", (old, old, Some(2_u16)));
    assert_eq!(same, Err(module("NewHotKeyIsSameWithOld")));
    let free = bench.free(&anna);
    bench.call(&anna, "swap_hotkey", (old, new, Some(2_u16))).unwrap();
    assert_eq!(bench.free(&anna), free - 1_000_000);
    let items = &bench.runtime.items;
    assert_eq!(items.uids.try_get(&bench.state, (2, new)), Some(0));
    assert_eq!(items.uids.try_get(&bench.state, (3, old)), Some(0));
    assert!(items.axons.contains(&bench.state, (2, new)));
    assert_eq!((bench.stake(&new, &anna, 2), bench.stake(&old, &anna, 2)), (stake, 0));
    bench.check();
    let fast = bench.call(&anna, "swap_hotkey", (old, third, None::<u16>));
    assert_eq!(fast, Err(module("HotKeySetTxRateLimitExceeded")));
    bench.run(|runtime, cx| runtime.items.tx_rate_limit.set(cx.state, &0));
    bench.call(&anna, "swap_hotkey", (old, third, None::<u16>)).unwrap();
    let items = &bench.runtime.items;
    assert_eq!(items.uids.try_get(&bench.state, (3, third)), Some(0));
    assert!(!items.owner.contains(&bench.state, old));
    assert!(bench.stake(&third, &anna, 3) > 0);
    bench.check();
}

#[test]
fn a_coldkey_is_replaced_after_its_announcement() {
    let mut bench = people();
    let (anna, hot, new) = (account("anna"), account("hot"), account("new"));
    bench.subnet(2, 1_000 * UNIT, 1_000 * UNIT, 10);
    bench.seat(2, &anna, &hot);
    bench.call(&anna, "add_stake", (hot, 2_u16, UNIT)).unwrap();
    let stake = bench.stake(&hot, &anna, 2);
    bench.call(&anna, "announce_coldkey_swap", blake2_256(&new)).unwrap();
    let call = (address(&account("bert")), compact(1_000));
    let held = bench.validate(&anna, "Balances", "transfer_keep_alive", call);
    assert_eq!(held, Err(InvalidTransaction::Custom(0)));
    let early = bench.call(&anna, "swap_coldkey_announced", new);
    assert_eq!(early, Err(module("ColdkeySwapTooEarly")));
    let wrong = bench.call(&anna, "swap_coldkey_announced", account("other"));
    assert_eq!(wrong, Err(module("AnnouncedColdkeyHashDoesNotMatch")));
    bench.advance(50);
    let free = bench.free(&anna);
    bench.call(&anna, "swap_coldkey_announced", new).unwrap();
    assert_eq!((bench.free(&anna), bench.free(&new)), (0, free));
    assert_eq!((bench.stake(&hot, &anna, 2), bench.stake(&hot, &new, 2)), (0, stake));
    assert_eq!(bench.runtime.owner_of(&bench.state, &hot), new);
    bench.check();
    bench.call(&account("bert"), "announce_coldkey_swap", blake2_256(&new)).unwrap();
    bench.call(&account("bert"), "dispute_coldkey_swap", ()).unwrap();
    let held = bench.validate(&account("bert"), "SubtensorModule", "swap_coldkey_announced", new);
    assert_eq!(held, Err(InvalidTransaction::Custom(21)));
}
