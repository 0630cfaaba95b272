//! Root and owners: sudo, batches, hyperparameters with their limits, takes and children.

use super::{Account, Bench, DispatchError, Ruleset, UNIT, account, address, compact, module};
use crate::local::runtime::{InvalidTransaction, Origin};
use parity_scale_codec::Encode;

/// Bytes that are encoded already.
#[derive(Clone)]
struct Given(Vec<u8>);

impl Encode for Given {
    fn encode_to<T: parity_scale_codec::Output + ?Sized>(&self, dest: &mut T) {
        dest.write(&self.0);
    }
}

fn world() -> Bench {
    let mut bench = Bench::new(Ruleset::V461);
    bench.fund(&account("author"), UNIT);
    for name in ["anna", "bert", "owner"] {
        bench.fund(&account(name), 100 * UNIT);
    }
    bench.subnet(2, 1_000 * UNIT, 1_000 * UNIT, 100);
    bench.jump(1_000);
    bench.run(|runtime, cx| runtime.items.last_epoch_block.set(cx.state, 2, &1_000));
    bench.events.clear();
    bench
}

fn sudo_key(bench: &Bench) -> Account {
    bench.runtime.items.sudo_key.get(&bench.state)
}

#[test]
fn sudo_reports_and_never_fails() {
    let mut bench = world();
    let key = sudo_key(&bench);
    let good = Given(bench.encode("AdminUtils", "sudo_set_tx_rate_limit", &7_u64));
    let stranger = bench.dispatch(Origin::Signed(account("anna")), "Sudo", "sudo", good.clone());
    assert_eq!(stranger, Err(DispatchError::Module { pallet: "Sudo", name: "RequireSudo" }));
    bench.dispatch(Origin::Signed(key), "Sudo", "sudo", good).unwrap();
    assert_eq!(bench.runtime.items.tx_rate_limit.get(&bench.state), 7);
    let bad = Given(bench.encode("AdminUtils", "sudo_set_kappa", &(99_u16, 1_u16)));
    bench.dispatch(Origin::Signed(key), "Sudo", "sudo", bad).unwrap();
    let last = bench.events.last().unwrap();
    assert_eq!((bench.name_of(last).as_str(), last.fields[0]), ("Sudo.Sudid", 1));
    bench.check();
}

#[test]
fn batches_stop_go_on_or_undo() {
    let bert = account("bert");
    for (name, left, last) in [
        ("batch", 99 * UNIT, "Utility.BatchInterrupted"),
        ("force_batch", 98 * UNIT, "Utility.BatchCompletedWithErrors"),
    ] {
        let mut bench = world();
        let calls = batch_of_three(&bench);
        bench.dispatch(Origin::Signed(account("anna")), "Utility", name, calls).unwrap();
        assert_eq!(bench.free(&account("anna")), left);
        assert_eq!(bench.event_names().last().unwrap(), last);
        bench.check();
    }
    let mut bench = world();
    let calls = batch_of_three(&bench);
    let undone = bench.dispatch(Origin::Signed(account("anna")), "Utility", "batch_all", calls);
    assert!(undone.is_err());
    assert!(bench.events.is_empty());
    assert_eq!((bench.free(&account("anna")), bench.free(&bert)), (100 * UNIT, 100 * UNIT));
    let inner = Given(bench.encode("Utility", "batch", &Vec::<u8>::new()));
    bench.dispatch(Origin::Signed(bert), "Utility", "batch", vec![inner]).unwrap();
    assert_eq!(bench.event_names(), ["Utility.BatchInterrupted"]);
}

/// A good transfer, one of too much, and another good one.
fn batch_of_three(bench: &Bench) -> Vec<Given> {
    let send = |value| {
        let args = (address(&account("bert")), compact(value));
        Given(bench.encode("Balances", "transfer_keep_alive", &args))
    };
    vec![send(UNIT), send(1_000 * UNIT), send(UNIT)]
}

fn set(bench: &mut Bench, who: &str, name: &str, args: impl Encode) -> Result<(), DispatchError> {
    bench.dispatch(Origin::Signed(account(who)), "AdminUtils", name, args)
}

#[test]
fn owners_set_their_parameters_once_in_a_while() {
    let mut bench = world();
    let immunity = |bench: &mut Bench, who: &str, blocks: u16| {
        set(bench, who, "sudo_set_immunity_period", (2_u16, blocks))
    };
    assert_eq!(immunity(&mut bench, "anna", 5), Err(DispatchError::BadOrigin));
    immunity(&mut bench, "owner", 5).unwrap();
    assert_eq!(bench.runtime.items.immunity_period.get(&bench.state, 2), 5);
    assert_eq!(immunity(&mut bench, "owner", 6), Err(module("TxRateLimitExceeded")));
    bench.admin("sudo_set_owner_hparam_rate_limit", 0_u16);
    immunity(&mut bench, "owner", 6).unwrap();
    bench.admin("sudo_set_immunity_period", (2_u16, 7_u16));
    assert_eq!(bench.runtime.items.immunity_period.get(&bench.state, 2), 7);
    let root_only = set(&mut bench, "owner", "sudo_set_kappa", (2_u16, 1_u16));
    assert_eq!(root_only, Err(DispatchError::BadOrigin));
}

#[test]
fn nothing_changes_shortly_before_an_epoch() {
    let mut bench = world();
    bench.admin("sudo_set_admin_freeze_window", 10_u16);
    bench.admin("sudo_set_owner_hparam_rate_limit", 0_u16);
    let closed = Err(module("AdminActionProhibitedDuringWeightsWindow"));
    for (block, expected) in [(1_090, Ok(())), (1_091, closed), (1_099, closed)] {
        bench.jump(block);
        let outcome = set(&mut bench, "owner", "sudo_set_rho", (2_u16, 11_u16));
        assert_eq!(outcome, expected, "block {block}");
    }
}

#[test]
fn values_have_bounds() {
    let mut bench = world();
    bench.admin("sudo_set_owner_hparam_rate_limit", 0_u16);
    let admin = |bench: &mut Bench, name: &str, args: Vec<u8>| {
        bench.dispatch(Origin::Root, "AdminUtils", name, Given(args))
    };
    for (name, args) in [
        ("sudo_set_max_allowed_uids", (2_u16, 9_999_u16).encode()),
        ("sudo_set_max_allowed_validators", (2_u16, 9_999_u16).encode()),
        ("sudo_set_min_burn", (2_u16, u64::MAX).encode()),
        ("sudo_set_commit_reveal_weights_interval", (2_u16, 10_000_u64).encode()),
        ("sudo_set_tempo", (2_u16, 1_u16).encode()),
        ("sudo_set_kappa", (99_u16, 1_u16).encode()),
    ] {
        let before = bench.state.chain_root(&[0; 32]);
        let outcome = admin(&mut bench, name, args);
        // The tempo of root is not bounded.
        if name != "sudo_set_tempo" {
            assert!(outcome.is_err(), "{name}");
            assert_eq!(before, bench.state.chain_root(&[0; 32]));
        }
    }
    let owner = bench.call(&account("owner"), "set_tempo", (2_u16, 1_u16));
    assert!(owner.is_err());
    bench.check();
}

#[test]
fn takes_rise_slowly_and_fall_at_once() {
    let mut bench = world();
    let (anna, hot) = (account("anna"), account("hot"));
    bench.run(|runtime, cx| runtime.create_hotkey(cx, &anna, &hot).unwrap());
    bench.call(&anna, "decrease_take", (hot, 100_u16)).unwrap();
    let lower = bench.call(&anna, "increase_take", (hot, 50_u16));
    assert_eq!(lower, Err(module("DelegateTakeTooLow")));
    let high = bench.validate(&anna, "SubtensorModule", "increase_take", (hot, 20_000_u16));
    assert_eq!(high, Err(InvalidTransaction::Custom(27)));
    let stranger =
        bench.validate(&account("bert"), "SubtensorModule", "decrease_take", (hot, 50_u16));
    assert_eq!(stranger, Err(InvalidTransaction::Custom(25)));
    let unknown = bench.validate(&anna, "SubtensorModule", "decrease_take", (anna, 50_u16));
    assert_eq!(unknown, Err(InvalidTransaction::Custom(4)));
    bench.call(&anna, "decrease_take", (hot, 50_u16)).unwrap();
    assert_eq!(bench.runtime.items.delegates.get(&bench.state, hot), 50);
}

#[test]
fn children_come_with_the_next_epoch_after_their_cooldown() {
    let mut bench = world();
    let (anna, hot, child) = (account("anna"), account("hot"), account("child"));
    bench.run(|runtime, cx| {
        runtime.create_hotkey(cx, &anna, &hot).unwrap();
        runtime.items.stake_threshold.set(cx.state, &0);
        runtime.items.tempo.set(cx.state, 2, &10);
    });
    let half = vec![(u64::MAX / 2, child)];
    let twice = vec![(1_u64, child), (2, child)];
    let twice = bench.call(&anna, "set_children", (hot, 2_u16, twice));
    assert_eq!(twice, Err(module("DuplicateChild")));
    let own = bench.call(&anna, "set_children", (hot, 2_u16, vec![(1_u64, hot)]));
    assert_eq!(own, Err(module("InvalidChild")));
    let root = bench.call(&anna, "set_children", (hot, 0_u16, half.clone()));
    assert_eq!(root, Err(module("RegistrationNotPermittedOnRootSubnet")));
    bench.call(&anna, "set_children", (hot, 2_u16, half.clone())).unwrap();
    let (_, _, cooldown, _): (Account, u16, u64, Vec<(u64, Account)>) =
        bench.last_event("SubtensorModule.SetChildrenScheduled");
    let fast = bench.call(&anna, "set_children", (hot, 2_u16, half.clone()));
    assert_eq!(fast, Err(module("TxRateLimitExceeded")));
    let items = bench.runtime.clone();
    bench.advance(cooldown - bench.block);
    let due = bench.runtime.next_epoch_start(&bench.state, 2).unwrap();
    assert!(items.items.child_keys.get(&bench.state, (hot, 2)).len() <= 1);
    bench.advance(due - bench.block);
    assert_eq!(items.items.child_keys.get(&bench.state, (hot, 2)), half);
    assert_eq!(items.items.parent_keys.get(&bench.state, (child, 2)), [(u64::MAX / 2, hot)]);
    bench.check();
}
