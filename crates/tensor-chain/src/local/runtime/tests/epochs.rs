//! Epochs and what they pay: the two-epoch subnet, withheld incentives, children, root.

use super::{Bench, Ruleset, UNIT, account};
use crate::local::runtime::coinbase::Drained;

/// The subnet of scenarios 26 and 27: an owner, a validator with 1,000 alpha, `miners` miners; tempo 10.
fn small(miners: u16) -> Bench {
    let mut bench = Bench::new(Ruleset::V461);
    bench.run(|runtime, cx| runtime.items.tao_weight.set(cx.state, &0));
    bench.subnet(2, 1_000 * UNIT, 1_000 * UNIT, 10);
    bench.fund(&account("author"), UNIT);
    bench.seat(2, &account("owner"), &account("owner-hot"));
    bench.seat(2, &account("vali"), &account("vali-hot"));
    for miner in 0..miners {
        let name = format!("miner{miner}");
        bench.seat(2, &account(&name), &account(&format!("{name}-hot")));
    }
    bench.give_stake(&account("vali-hot"), &account("vali"), 2, 1_000 * UNIT);
    bench.run(|runtime, cx| {
        let items = &runtime.items;
        items.first_emission_block.set(cx.state, 2, &1);
        items.network_registration_allowed.set(cx.state, 2, &true);
        items.last_epoch_block.set(cx.state, 2, &0);
        items.subnet_emission_enabled.set(cx.state, 2, &false);
        items.stake_threshold.set(cx.state, &0);
    });
    bench
}

/// Stakes of the owner, the validator and each miner.
fn stakes(bench: &Bench, miners: u16) -> Vec<u64> {
    let mut stakes = vec![
        bench.stake(&account("owner-hot"), &account("owner"), 2),
        bench.stake(&account("vali-hot"), &account("vali"), 2),
    ];
    for miner in 0..miners {
        let name = format!("miner{miner}");
        stakes.push(bench.stake(&account(&format!("{name}-hot")), &account(&name), 2));
    }
    stakes
}

fn vote(bench: &mut Bench, uids: &[u16], values: &[u16]) {
    let args = (2_u16, uids.to_vec(), values.to_vec(), 0_u64);
    bench.call(&account("vali-hot"), "set_weights", args).unwrap();
}

#[test]
fn two_epochs_of_scenario_26() {
    let mut bench = small(1);
    let before = stakes(&bench, 1);
    let out = bench.alpha_out(2);
    bench.advance(10);
    let first = stakes(&bench, 1);
    let earned = |now: &[u64], then: &[u64]| -> Vec<u64> {
        now.iter().zip(then).map(|(now, then)| now - then).collect()
    };
    assert_eq!(earned(&first, &before), [1_799_954_220, 1_475_970_699 + 6_724_075_060, 0]);
    assert_eq!(bench.alpha_out(2), out + 10 * UNIT);
    assert_eq!(bench.runtime.items.validator_permit.get(&bench.state, 2), [true, true, false]);
    bench.check();
    vote(&mut bench, &[2], &[65_535]);
    bench.advance(10);
    let second = stakes(&bench, 1);
    assert_eq!(
        earned(&second, &first),
        [1_799_954_220, 737_985_349 + 3_362_037_530, 4_100_022_880]
    );
    assert_eq!(bench.alpha_out(2), out + 20 * UNIT);
    assert_eq!(bench.runtime.items.miner_burned.get(&bench.state, 2), 0);
    bench.check();
}

#[test]
fn withheld_incentives_of_scenario_27() {
    for recycle in [false, true] {
        let mut bench = small(1);
        bench.advance(10);
        bench.run(|runtime, cx| {
            runtime.items.recycle_or_burn.set(cx.state, 2, &u8::from(recycle));
        });
        vote(&mut bench, &[0], &[65_535]);
        let before = stakes(&bench, 1);
        let out = bench.alpha_out(2);
        bench.advance(10);
        let after = stakes(&bench, 1);
        assert_eq!(after[2] - before[2], 0);
        assert_eq!(after[1] - before[1], 737_985_349 + 3_362_037_530);
        let items = &bench.runtime.items;
        assert_eq!(items.miner_burned.get(&bench.state, 2), 1 << 32);
        let (gone, burned) = if recycle { (4_100_022_880, 0) } else { (0, 4_100_022_880) };
        assert_eq!(bench.alpha_out(2), out + 10 * UNIT - gone);
        assert_eq!(items.alpha_burned.get(&bench.state, 2), burned);
        bench.check();
    }
}

#[test]
fn two_miners_of_scenario_27() {
    let mut bench = small(2);
    bench.advance(10);
    vote(&mut bench, &[2, 3], &[1, 3]);
    let stored = bench.runtime.items.weights.get(&bench.state, (2, 1));
    assert_eq!(stored, [(2, 21_845), (3, 65_535)]);
    let before = stakes(&bench, 2);
    bench.advance(10);
    let after = stakes(&bench, 2);
    assert_eq!((after[2] - before[2], after[3] - before[3]), (1_025_005_720, 3_075_017_160));
    bench.check();
}

#[test]
fn a_child_shares_with_its_parent_as_in_scenario_25() {
    let cases = [(false, [900_007_629, 99_992_370]), (true, [1_000_000_000, 0])];
    for (same, [to_parent, to_child]) in cases {
        let mut bench = small(0);
        let (parent, child) = (account("parent-hot"), account("child-hot"));
        let owner = account("parent");
        let other = if same { owner } else { account("child") };
        bench.seat(2, &other, &child);
        bench.run(|runtime, cx| {
            runtime.create_hotkey(cx, &owner, &parent).unwrap();
            let items = &runtime.items;
            items.child_keys.set(cx.state, (parent, 2), &vec![(u64::MAX, child)]);
            items.parent_keys.set(cx.state, (child, 2), &vec![(u64::MAX, parent)]);
            items.childkey_take.set(cx.state, (child, 2), &6_553);
            items.ck_burn.set(cx.state, &0);
        });
        bench.give_stake(&parent, &owner, 2, UNIT);
        // Only the child votes, for the owner's uid, and gets all dividends.
        bench.run(|runtime, cx| {
            let items = &runtime.items;
            runtime.decrease_stake(cx, &account("vali-hot"), &account("vali"), 2, 1_000 * UNIT);
            items.subnet_alpha_out.sub(cx.state, 2, 1_000 * UNIT);
            items.total_alpha_issuance.sub(cx.state, 2, 1_000 * UNIT);
            items.delegates.set(cx.state, parent, &0);
            items.delegates.set(cx.state, child, &0);
            items.subnet_alpha_out.add(cx.state, 2, 2 * UNIT);
            items.total_alpha_issuance.add(cx.state, 2, 2 * UNIT);
            let drained = Drained { server: UNIT, validator: UNIT, root: 0, owner_cut: 0 };
            items.weights.set(cx.state, (2, 2), &vec![(0, u16::MAX)]);
            items.validator_permit.set(cx.state, 2, &vec![false, false, true]);
            items.active.set(cx.state, 2, &vec![true, true, true]);
            runtime.set_last_update(cx, 2, 2, 9);
            items.block_at_registration.set(cx.state, (2, 0), &0);
            runtime.distribute(cx, 2, drained);
        });
        let got = [bench.total(&parent, 2) - UNIT, bench.total(&child, 2)];
        let close = got.iter().zip([to_parent, to_child]).all(|(a, b)| a.abs_diff(b) <= 2);
        assert!(close, "{got:?} for {to_parent} {to_child}");
        bench.check();
    }
}

#[test]
fn the_same_calls_give_the_same_bytes() {
    let run = || {
        let mut bench = small(2);
        bench.advance(10);
        vote(&mut bench, &[2, 3], &[1, 3]);
        bench.advance(25);
        bench.state.chain_root(&[0; 32])
    };
    assert_eq!(run(), run());
}

#[test]
fn root_owes_as_in_scenario_29() {
    let mut bench = Bench::new(Ruleset::V425);
    bench.subnet(2, 1_000 * UNIT, 1_000 * UNIT, 10);
    let (hot, cold, owner) = (account("root-hot"), account("staker"), account("root-cold"));
    bench.run(|runtime, cx| {
        runtime.create_hotkey(cx, &owner, &hot).unwrap();
        runtime.items.delegates.set(cx.state, hot, &11_796);
    });
    bench.give_stake(&hot, &cold, 0, 2_000_000);
    bench.run(|runtime, cx| {
        runtime.items.subnet_alpha_out.add(cx.state, 2, 820_004);
        runtime.items.total_alpha_issuance.add(cx.state, 2, 820_004);
        runtime.add_root_dividends(cx, &hot, 2, 820_004);
    });
    let rate = bench.runtime.items.root_claimable.get(&bench.state, hot);
    assert_eq!(rate.get(&2).copied(), Some(1_760_945_181));
    let owed = bench.run(|runtime, cx| runtime.root_owed(cx, &hot, &cold, 2));
    assert_eq!(owed, 820_003);
    bench.check();
}
