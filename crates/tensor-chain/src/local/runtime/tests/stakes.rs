//! Pools, staking and moving (scenarios 12 to 18, 24).

use super::*;

fn market() -> (Bench, Account, Account) {
    let mut bench = Bench::new(Ruleset::V461);
    bench.subnet(2, 1_000 * UNIT, 1_000 * UNIT, 10);
    let (cold, hot) = (account("cold"), account("hot"));
    bench.fund(&cold, 10_000 * UNIT);
    bench.fund(&account("author"), UNIT);
    bench.run(|runtime, cx| runtime.create_hotkey(cx, &cold, &hot)).unwrap();
    (bench, cold, hot)
}

#[test]
fn a_purchase_and_a_sale_of_scenario_12() {
    let (mut bench, cold, hot) = market();
    let total = bench.runtime.items.total_stake.get(&bench.state);
    let author = bench.free(&account("author"));
    bench.call(&cold, "add_stake", (hot, 2_u16, 100 * UNIT)).unwrap();
    assert_eq!(bench.stake(&hot, &cold, 2), 90_867_473_489);
    assert_eq!(bench.pool(2), (1_099_949_645_228, 909_132_526_511));
    let price = bench.runtime.alpha_price(&bench.state, 2);
    assert_eq!(price.to_bits(), 22_318_516_836_437_299_217);
    assert_eq!(bench.runtime.items.total_stake.get(&bench.state), total + 100 * UNIT);
    assert_eq!(bench.free(&account("author")), author + 50_354_772);
    let event: (Account, Account, u64, u64, u16, u64) =
        bench.last_event("SubtensorModule.StakeAdded");
    assert_eq!(event, (cold, hot, 100 * UNIT, 90_867_473_489, 2, 50_354_772));

    let before = bench.free(&cold);
    bench.call(&cold, "remove_stake", (hot, 2_u16, 50 * UNIT)).unwrap();
    assert_eq!(bench.free(&cold) - before, 57_313_488_896);
    let event: (Account, Account, u64, u64, u16, u64) =
        bench.last_event("SubtensorModule.StakeRemoved");
    assert_eq!(event, (cold, hot, 57_313_488_896, 49_974_822_614, 2, 25_177_386));
    bench.check();
}

#[test]
fn the_round_trip_of_scenario_13() {
    let (mut bench, cold, hot) = market();
    let author = bench.free(&account("author"));
    bench.call(&cold, "add_stake", (hot, 2_u16, 100 * UNIT)).unwrap();
    let before = bench.free(&cold);
    bench.call(&cold, "remove_stake", (hot, 2_u16, 90_867_473_489_u64)).unwrap();
    assert_eq!(bench.free(&cold) - before, 99_903_887_024);
    assert_eq!(bench.free(&account("author")) - author, 50_354_772 + 45_758_202);
    assert_eq!(bench.pool(2), (1_000_000_000_002, 1_000_000_000_000));
    assert_eq!(bench.stake(&hot, &cold, 2), 0);
    bench.check();
}

#[test]
fn limits_of_scenarios_14_and_15() {
    let (mut bench, cold, hot) = market();
    let limit = 1_100_000_000_u64;
    let max = bench.runtime.max_buy(&bench.state, 2, limit).unwrap();
    assert_eq!(max, 48_833_438_136);
    let args = (hot, 2_u16, 100 * UNIT, limit, false);
    assert_eq!(bench.call(&cold, "add_stake_limit", args), Err(module("SlippageTooHigh")));
    bench.call(&cold, "add_stake_limit", (hot, 2_u16, 100 * UNIT, limit, true)).unwrap();
    let event: (Account, Account, u64, u64, u16, u64) =
        bench.last_event("SubtensorModule.StakeAdded");
    assert_eq!((event.3, event.5), (46_537_410_754, 24_589_966));
    assert_eq!(bench.pool(2), (1_048_808_848_170, 953_462_589_246));
    bench.check();

    let (mut bench, cold, hot) = market();
    bench.give_stake(&hot, &cold, 2, 100 * UNIT);
    let max = bench.runtime.max_sale(&bench.state, 2, 900_000_000).unwrap();
    assert_eq!(max, 54_119_805_293);
    bench.author = None;
    let args = (hot, 2_u16, 100 * UNIT, 900_000_000_u64, true);
    bench.call(&cold, "remove_stake_limit", args).unwrap();
    let event: (Account, Account, u64, u64, u16, u64) =
        bench.last_event("SubtensorModule.StakeRemoved");
    assert_eq!((event.2, event.3, event.5), (51_316_701_949, 54_092_553_389, 27_251_904));
    assert_eq!(bench.pool(2), (948_683_298_051, 1_054_092_553_389));
    bench.check();
    let (mut bench, cold, hot) = market();
    bench.give_stake(&hot, &cold, 2, 100 * UNIT);
    let args = (hot, 2_u16, UNIT, UNIT, true);
    let refused = bench.call(&cold, "remove_stake_limit", args);
    let expected = DispatchError::Module { pallet: "Swap", name: "PriceLimitExceeded" };
    assert_eq!(refused, Err(expected));
}

#[test]
fn minima_of_scenario_16() {
    let (mut bench, cold, hot) = market();
    let low = bench.call(&cold, "add_stake", (hot, 2_u16, 2_001_006_u64));
    assert_eq!(low, Err(module("AmountTooLow")));
    bench.call(&cold, "add_stake", (hot, 2_u16, 2_001_007_u64)).unwrap();
    let event: (Account, Account, u64, u64, u16, u64) =
        bench.last_event("SubtensorModule.StakeAdded");
    assert_eq!(event.5, 1_007);
    let low = bench.call(&cold, "add_stake", (hot, 0_u16, 1_999_999_u64));
    assert_eq!(low, Err(module("AmountTooLow")));
    bench.call(&cold, "add_stake", (hot, 0_u16, 2_000_000_u64)).unwrap();
    assert_eq!(bench.stake(&hot, &cold, 0), 2_000_000);
    bench.check();
}

#[test]
fn the_swap_of_scenario_18() {
    let (mut bench, cold, hot) = market();
    bench.subnet(3, 1_000 * UNIT, 2_000 * UNIT, 10);
    bench.give_stake(&hot, &cold, 2, 10 * UNIT);
    let author = bench.free(&account("author"));
    let free = bench.free(&cold);
    bench.call(&cold, "swap_stake", (hot, 2_u16, 3_u16, 10 * UNIT)).unwrap();
    assert_eq!(bench.free(&cold), free);
    assert_eq!(bench.stake(&hot, &cold, 3), 19_598_163_154);
    assert_eq!(bench.free(&account("author")) - author, 4_936_282);
    assert_eq!(bench.pool(2), (990_099_009_902, 1_010_000_000_000));
    assert_eq!(bench.pool(3), (1_009_896_053_816, 1_980_401_836_846));
    let event: (Account, Account, u16, u16, u64) = bench.last_event("SubtensorModule.StakeSwapped");
    assert_eq!(event, (cold, hot, 2, 3, 9_896_053_816));
    bench.check();
}

#[test]
fn moves_within_a_subnet_cost_nothing() {
    let (mut bench, cold, hot) = market();
    let (other, friend) = (account("other"), account("friend"));
    bench.run(|runtime, cx| runtime.create_hotkey(cx, &friend, &other)).unwrap();
    bench.give_stake(&hot, &cold, 2, 10 * UNIT);
    bench.call(&cold, "move_stake", (hot, other, 2_u16, 2_u16, 4 * UNIT)).unwrap();
    assert_eq!(bench.stake(&hot, &cold, 2), 6 * UNIT);
    assert_eq!(bench.stake(&other, &cold, 2), 4 * UNIT);
    bench.call(&cold, "transfer_stake", (friend, other, 2_u16, 2_u16, 4 * UNIT)).unwrap();
    assert_eq!(bench.stake(&other, &friend, 2), 4 * UNIT);
    let same = bench.call(&cold, "swap_stake", (hot, 2_u16, 2_u16, UNIT));
    assert_eq!(same, Err(module("SameNetuid")));
    bench.admin("sudo_set_toggle_transfer", (2_u16, false));
    let refused = bench.call(&cold, "transfer_stake", (friend, hot, 2_u16, 2_u16, UNIT));
    assert_eq!(refused, Err(module("TransferDisallowed")));
    // Everything, by the largest amount (461).
    bench.call(&cold, "move_stake", (hot, other, 2_u16, 2_u16, u64::MAX)).unwrap();
    assert_eq!(bench.stake(&hot, &cold, 2), 0);
    bench.check();
}

#[test]
fn share_pools_of_scenario_24() {
    let mut bench = Bench::new(Ruleset::V461);
    bench.subnet(2, 1_000 * UNIT, 1_000 * UNIT, 10);
    let (hot, a, b, c) = (account("hot"), account("a"), account("b"), account("c"));
    bench.give_stake(&hot, &a, 2, UNIT);
    bench.give_stake(&hot, &b, 2, 3 * UNIT);
    bench.run(|runtime, cx| runtime.increase_stake_for_all(cx, &hot, 2, 400_000_000));
    assert_eq!(
        (bench.stake(&hot, &a, 2), bench.stake(&hot, &b, 2)),
        (1_100_000_000, 3_300_000_000)
    );
    bench.give_stake(&hot, &c, 2, 1_100_000_000);
    assert_eq!(bench.total(&hot, 2), 5_500_000_000);
    bench.run(|runtime, cx| runtime.decrease_stake(cx, &hot, &b, 2, 1_650_000_000));
    let stakes = [&a, &b, &c].map(|coldkey| bench.stake(&hot, coldkey, 2));
    assert_eq!(stakes, [1_100_000_000, 1_650_000_000, 1_100_000_000]);
}

#[test]
fn the_order_of_add_stake_checks() {
    let (mut bench, cold, hot) = market();
    let add = |bench: &mut Bench, hotkey: Account, netuid: u16, amount: u64| {
        bench.call(&cold, "add_stake", (hotkey, netuid, amount))
    };
    let huge = 1_000_001 * UNIT;
    assert_eq!(add(&mut bench, hot, 2, huge), Err(module("InsufficientLiquidity")));
    assert_eq!(add(&mut bench, hot, 9, UNIT), Err(module("SubnetNotExists")));
    bench.run(|runtime, cx| runtime.items.subtoken_enabled.set(cx.state, 2, &false));
    assert_eq!(add(&mut bench, hot, 2, 1), Err(module("SubtokenDisabled")));
    bench.run(|runtime, cx| runtime.items.subtoken_enabled.set(cx.state, 2, &true));
    assert_eq!(add(&mut bench, account("none"), 2, 1), Err(module("AmountTooLow")));
    let rich = 10_001 * UNIT;
    assert_eq!(add(&mut bench, account("none"), 2, rich), Err(module("NotEnoughBalanceToStake")));
    assert_eq!(add(&mut bench, account("none"), 2, UNIT), Err(module("HotKeyAccountNotExists")));
    // The whole balance passes the check and stakes all but the deposit.
    let free = bench.free(&cold);
    add(&mut bench, hot, 0, free).unwrap();
    assert_eq!(bench.free(&cold), 500);
    assert_eq!(bench.stake(&hot, &cold, 0), free - 500);
    bench.check();
}

#[test]
fn the_order_of_remove_stake_checks() {
    let (mut bench, cold, hot) = market();
    bench.give_stake(&hot, &cold, 2, 10 * UNIT);
    let low = bench.call(&cold, "remove_stake", (hot, 2_u16, 1_000_000_u64));
    assert_eq!(low, Err(module("AmountTooLow")));
    let none = bench.call(&cold, "remove_stake", (account("none"), 2_u16, UNIT));
    assert_eq!(none, Err(module("AmountTooLow")));
    let too_much = (hot, 2_u16, 11 * UNIT, 1_u64, true);
    let refused = bench.call(&cold, "remove_stake_limit", too_much);
    assert_eq!(refused, Err(module("NotEnoughStakeToWithdraw")));
    // More than the position is the position.
    bench.call(&cold, "remove_stake", (hot, 2_u16, 11 * UNIT)).unwrap();
    assert_eq!(bench.stake(&hot, &cold, 2), 0);
    bench.check();
}

#[test]
fn everything_can_be_unstaked_at_once() {
    let (mut bench, cold, hot) = market();
    bench.subnet(3, 500 * UNIT, 1_000 * UNIT, 10);
    for netuid in [0_u16, 2, 3] {
        bench.call(&cold, "add_stake", (hot, netuid, 10 * UNIT)).unwrap();
    }
    bench.call(&cold, "unstake_all_alpha", hot).unwrap();
    assert_eq!((bench.stake(&hot, &cold, 2), bench.stake(&hot, &cold, 3)), (0, 0));
    assert!(bench.stake(&hot, &cold, 0) > 29 * UNIT);
    bench.call(&cold, "unstake_all", hot).unwrap();
    assert_eq!(bench.stake(&hot, &cold, 0), 0);
    bench.check();
}

#[test]
fn alpha_can_be_destroyed_in_three_ways() {
    let (mut bench, cold, hot) = market();
    bench.call(&cold, "add_stake", (hot, 2_u16, 100 * UNIT)).unwrap();
    let out = bench.alpha_out(2);
    bench.call(&cold, "recycle_alpha", (hot, UNIT, 2_u16)).unwrap();
    assert_eq!(bench.alpha_out(2), out - UNIT);
    bench.call(&cold, "burn_alpha", (hot, UNIT, 2_u16)).unwrap();
    assert_eq!(bench.alpha_out(2), out - UNIT);
    let stake = bench.stake(&hot, &cold, 2);
    let args = (hot, 2_u16, UNIT, None::<u64>);
    bench.call(&cold, "add_stake_burn", args).unwrap();
    assert_eq!(bench.stake(&hot, &cold, 2), stake);
    let root = bench.call(&cold, "burn_alpha", (hot, UNIT, 0_u16));
    assert_eq!(root, Err(module("CannotBurnOrRecycleOnRootSubnet")));
    bench.check();
}
