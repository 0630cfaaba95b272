//! Subnets, neurons and their prices (scenarios 4 to 11, 35 to 37, 39).

use super::*;

#[test]
fn lock_costs_of_scenarios_4_and_5() {
    let mut bench = Bench::new(Ruleset::V461);
    let key = crate::local::storage::record::RateLimitKey::NetworkLastRegistered;
    bench.run(|runtime, cx| {
        let items = &runtime.items;
        items.network_last_lock_cost.set(cx.state, &(1_000 * UNIT));
        items.network_min_lock_cost.set(cx.state, &(1_000 * UNIT));
        assert_eq!(runtime.network_lock_cost(cx.state, 0), 1_000_000_000_000);
        items.last_rate_limited_block.set(cx.state, key, &1_000);
        let costs = [0, 1, 7_200, 50_400, 100_800, 201_600]
            .map(|after| runtime.network_lock_cost(cx.state, 1_000 + after));
        assert_eq!(
            costs,
            [
                2_000_000_000_000,
                1_999_990_079_366,
                1_928_571_435_200,
                1_500_000_046_400,
                1_000_000_092_800,
                1_000_000_000_000
            ]
        );
        items.total_issuance.set(cx.state, &10_500_000_000_000_000);
        let costs = [7_200, 50_400, 100_800]
            .map(|after| runtime.network_lock_cost(cx.state, 1_000 + after));
        assert_eq!(costs, [1_857_142_863_200, 1_000_000_042_400, 1_000_000_000_000]);
    });
}

#[test]
fn schedules_of_scenario_6() {
    for (netuid, tempo, block, first) in
        [(1_u16, 360_u16, 1_000_u64, [1_359, 1_719, 2_079]), (5, 360, 1_000, [1_355, 1_715, 2_075])]
    {
        assert_eq!(epochs(netuid, tempo, block, 3), first);
    }
    assert_eq!(epochs(3, 10, 42, 3), [49, 59, 69]);
}

/// Blocks in which the first epochs of a subnet registered at `block` run.
fn epochs(netuid: u16, tempo: u16, block: u64, count: usize) -> Vec<u64> {
    let mut bench = Bench::new(Ruleset::V461);
    bench.jump(block);
    bench.run(|runtime, cx| runtime.init_subnet(cx, netuid, tempo));
    let mut blocks = Vec::new();
    while blocks.len() < count {
        bench.next();
        if bench.runtime.items.last_epoch_block.get(&bench.state, netuid) == bench.block {
            blocks.push(bench.block);
        }
    }
    blocks
}

#[test]
fn too_many_epochs_of_scenario_7() {
    let mut bench = Bench::new(Ruleset::V461);
    bench.jump(499);
    bench.run(|runtime, cx| {
        let items = &runtime.items;
        items.max_epochs_per_block.set(cx.state, &2);
        for netuid in [1, 2, 3] {
            runtime.init_subnet(cx, netuid, 10);
            items.last_epoch_block.set(cx.state, netuid, &490);
        }
    });
    bench.next();
    let items = &bench.runtime.items;
    let last = |bench: &Bench| {
        [1, 2, 3].map(|netuid| bench.runtime.items.last_epoch_block.get(&bench.state, netuid))
    };
    assert_eq!(last(&bench), [500, 500, 490]);
    assert_eq!(items.pending_epoch_at.get(&bench.state, 3), 501);
    let deferred: (u16, u64, u64) = bench.last_event("SubtensorModule.EpochDeferred");
    assert_eq!(deferred, (3, 500, 501));
    bench.next();
    assert_eq!(last(&bench), [500, 500, 501]);
    assert_eq!(bench.runtime.items.pending_epoch_at.get(&bench.state, 3), 0);
}

#[test]
fn burns_of_scenarios_8_to_10() {
    let mut bench = Bench::new(Ruleset::V461);
    bench.subnet(2, 1_000 * UNIT, 1_000 * UNIT, 0);
    bench.jump(10);
    let mut seen = BTreeMap::new();
    for after in 1..=720_u64 {
        bench.next();
        seen.insert(after, bench.runtime.items.burn.get(&bench.state, 2));
    }
    let at = [1, 2, 3, 10, 100, 360, 720].map(|after| seen[&after]);
    assert_eq!(
        at,
        [998_076_443, 996_156_586, 994_240_422, 980_930_083, 824_860_547, 499_999_865, 249_999_807]
    );
}

fn set_burn(bench: &mut Bench, burn: u64, half_life: u16, mult: u64, min: u64, max: u64) {
    bench.run(|runtime, cx| {
        let items = &runtime.items;
        items.burn.set(cx.state, 2, &burn);
        items.burn_half_life.set(cx.state, 2, &half_life);
        items.burn_increase_mult.set(cx.state, 2, &(u128::from(mult) << 64));
        items.min_burn.set(cx.state, 2, &min);
        items.max_burn.set(cx.state, 2, &max);
    });
}

#[test]
fn burns_of_the_pallet_tests() {
    let mut bench = Bench::new(Ruleset::V461);
    bench.subnet(2, 1_000 * UNIT, 1_000 * UNIT, 0);
    let cold = account("cold");
    bench.fund(&cold, 100 * UNIT);
    bench.fund(&account("author"), UNIT);
    bench.jump(10);
    let burn = |bench: &Bench| bench.runtime.items.burn.get(&bench.state, 2);

    set_burn(&mut bench, 1_024, 2, 1, 0, u64::MAX);
    bench.advance(2);
    assert_eq!(burn(&bench), 511);
    bench.advance(2);
    assert_eq!(burn(&bench), 255);

    set_burn(&mut bench, 1_000, 1_000, 2, 0, u64::MAX);
    bench.call(&cold, "burned_register", (2_u16, account("h1"))).unwrap();
    assert_eq!(burn(&bench), 2_000);
    bench.next();
    assert_eq!(burn(&bench), 1_998);

    set_burn(&mut bench, 1, 1, 2, 100_000, 150_000);
    bench.next();
    assert_eq!(burn(&bench), 100_000);
    bench.call(&cold, "burned_register", (2_u16, account("h2"))).unwrap();
    assert_eq!(burn(&bench), 150_000);
    bench.next();
    assert_eq!(burn(&bench), 100_000);
    bench.next();
    assert_eq!(burn(&bench), 100_000);
}

#[test]
fn registrations_of_scenario_11() {
    let mut bench = Bench::new(Ruleset::V461);
    bench.subnet(2, 1_000 * UNIT, 1_000 * UNIT, 10);
    bench.fund(&account("author"), UNIT);
    let cold = account("cold");
    bench.fund(&cold, 100 * UNIT);
    let burn = |bench: &Bench| bench.runtime.items.burn.get(&bench.state, 2);
    let out = bench.alpha_out(2);
    bench.call(&cold, "burned_register", (2_u16, account("h1"))).unwrap();
    assert_eq!(bench.pool(2), (1_000_999_496_453, 999_001_501_543));
    assert_eq!(bench.alpha_out(2), out);
    assert_eq!(burn(&bench), 1_260_000_000);
    assert_eq!(bench.free(&account("author")), UNIT + 503_547);
    bench.call(&cold, "burned_register", (2_u16, account("h2"))).unwrap();
    assert_eq!(bench.pool(2), (1_002_258_861_983, 997_746_228_976));
    assert_eq!(burn(&bench), 1_587_600_000);
    bench.call(&cold, "burned_register", (2_u16, account("h3"))).unwrap();
    assert_eq!(burn(&bench), 2_000_376_000);
    let event: (u16, u16, Account) = bench.last_event("SubtensorModule.NeuronRegistered");
    assert_eq!(event, (2, 2, account("h3")));
    bench.check();

    // In 425 the fee stays where it was paid.
    let mut bench = Bench::new(Ruleset::V425);
    bench.subnet(2, 1_000 * UNIT, 1_000 * UNIT, 10);
    bench.fund(&cold, 100 * UNIT);
    bench.call(&cold, "burned_register", (2_u16, account("h1"))).unwrap();
    assert_eq!(bench.free(&account("author")), 0);
    let held = bench.free(&Runtime::subnet_account(2));
    assert_eq!(held, 1_000 * UNIT + 500 + UNIT);
    bench.check();
}

#[test]
fn the_order_of_registration_checks() {
    let mut bench = Bench::new(Ruleset::V461);
    bench.subnet(2, 1_000 * UNIT, 1_000 * UNIT, 10);
    let (cold, hot) = (account("cold"), account("hot"));
    let register = |bench: &mut Bench, netuid: u16, hotkey: Account| {
        bench.call(&cold, "burned_register", (netuid, hotkey))
    };
    let root = register(&mut bench, 0, hot);
    assert_eq!(root, Err(module("RegistrationNotPermittedOnRootSubnet")));
    assert_eq!(register(&mut bench, 9, hot), Err(module("SubnetNotExists")));
    bench.admin("sudo_set_network_registration_allowed", (2_u16, false));
    assert_eq!(register(&mut bench, 2, hot), Err(module("SubNetRegistrationDisabled")));
    bench.admin("sudo_set_network_registration_allowed", (2_u16, true));
    assert_eq!(register(&mut bench, 2, hot), Err(module("NotEnoughBalanceToStake")));
    // Keeping the account alive counts (461).
    bench.fund(&cold, UNIT + 499);
    assert_eq!(register(&mut bench, 2, hot), Err(module("NotEnoughBalanceToStake")));
    bench.fund(&cold, 100 * UNIT);
    let foreign = register(&mut bench, 2, account("owner-hot"));
    assert_eq!(foreign, Err(module("NonAssociatedColdKey")));
    let system = register(&mut bench, 2, Runtime::subnet_account(2));
    assert_eq!(system, Err(module("CannotUseSystemAccount")));
    let dear = bench.call(&cold, "register_limit", (2_u16, hot, UNIT - 1));
    assert_eq!(dear, Err(module("RegistrationPriceLimitExceeded")));
    bench.call(&cold, "register_limit", (2_u16, hot, UNIT)).unwrap();
    let again = register(&mut bench, 2, hot);
    assert_eq!(again, Err(module("HotKeyAlreadyRegisteredInSubNet")));
    // The old call ignores its work.
    let args = (2_u16, 0_u64, 0_u64, vec![1_u8], account("hot2"), cold);
    bench.call(&cold, "register", args).unwrap();
    bench.run(|runtime, cx| runtime.items.max_allowed_uids.set(cx.state, 2, &2));
    // Nobody is old enough or plentiful enough to be pruned but the immune ones.
    register(&mut bench, 2, account("hot3")).unwrap();
    bench.run(|runtime, cx| runtime.items.max_allowed_uids.set(cx.state, 2, &0));
    let closed = register(&mut bench, 2, account("hot4"));
    assert_eq!(closed, Err(module("NoNeuronIdAvailable")));
    bench.check();
}

#[test]
fn pruning_of_scenario_35() {
    let mut bench = Bench::new(Ruleset::V461);
    bench.subnet(2, 1_000 * UNIT, 1_000 * UNIT, 10);
    let owner = account("owner");
    bench.seat(2, &owner, &account("owner-hot"));
    for name in ["h1", "h2", "h3"] {
        bench.seat(2, &account("cold"), &account(name));
    }
    bench.jump(1_000);
    bench.run(|runtime, cx| {
        let items = &runtime.items;
        items.max_allowed_uids.set(cx.state, 2, &4);
        items.immunity_period.set(cx.state, 2, &100);
        items.min_non_immune_uids.set(cx.state, 2, &1);
        items.emission.set(cx.state, 2, &vec![0, 50, 20, 50]);
        for (uid, block) in [(0, 1), (1, 10), (2, 950), (3, 5)] {
            items.block_at_registration.set(cx.state, (2, uid), &block);
        }
        assert_eq!(runtime.neuron_to_prune(cx.state, 2, 1_000), Some(3));
        items.min_non_immune_uids.set(cx.state, 2, &10);
        assert_eq!(runtime.neuron_to_prune(cx.state, 2, 1_000), Some(2));
        items.min_non_immune_uids.set(cx.state, 2, &1);
    });
    // The newcomer takes the uid, and what was said of the old one is forgotten.
    bench.run(|runtime, cx| {
        runtime.items.weights.set(cx.state, (2, 1), &vec![(3, 65_535), (2, 1)]);
        runtime.items.bonds.set(cx.state, (2, 3), &vec![(1, 7)]);
    });
    let cold = account("cold");
    bench.fund(&cold, 100 * UNIT);
    bench.call(&cold, "burned_register", (2_u16, account("new"))).unwrap();
    let items = &bench.runtime.items;
    assert_eq!(items.uids.try_get(&bench.state, (2, account("new"))), Some(3));
    assert_eq!(items.uids.try_get(&bench.state, (2, account("h3"))), None);
    assert_eq!(items.weights.get(&bench.state, (2, 1)), [(3, 0), (2, 1)]);
    assert!(!items.bonds.contains(&bench.state, (2, 3)));
    assert_eq!(items.emission.get(&bench.state, 2)[3], 0);
    assert_eq!(bench.runtime.last_update_of(&bench.state, 2, 3), 1_000);
    bench.check();
}

#[test]
fn axons_of_scenario_36() {
    let mut bench = Bench::new(Ruleset::V461);
    bench.subnet(2, 1_000 * UNIT, 1_000 * UNIT, 10);
    let hot = account("hot");
    bench.seat(2, &account("cold"), &hot);
    bench.jump(100);
    let args =
        |ip: u128, port: u16, ip_type: u8| (2_u16, 1_u32, ip, port, ip_type, 4_u8, 0_u8, 0_u8);
    let serve = |bench: &mut Bench, ip, port, ip_type| {
        bench.call(&hot, "serve_axon", args(ip, port, ip_type))
    };
    let validate = |bench: &mut Bench, who: &Account, ip, port, ip_type| {
        bench.validate(who, "SubtensorModule", "serve_axon", args(ip, port, ip_type))
    };
    let invalid = |code| Err(InvalidTransaction::Custom(code));
    assert_eq!(serve(&mut bench, 2_130_706_433, 8_091, 4), Err(module("InvalidIpAddress")));
    assert_eq!(validate(&mut bench, &hot, 2_130_706_433, 8_091, 4), invalid(11));
    assert_eq!(serve(&mut bench, 134_744_072, 8_091, 5), Err(module("InvalidIpType")));
    assert_eq!(validate(&mut bench, &hot, 134_744_072, 8_091, 5), invalid(255));
    assert_eq!(serve(&mut bench, 134_744_072, 0, 4), Err(module("InvalidPort")));
    assert_eq!(validate(&mut bench, &hot, 134_744_072, 0, 4), invalid(13));
    assert_eq!(validate(&mut bench, &account("none"), 134_744_072, 8_091, 4), invalid(10));
    serve(&mut bench, 0, 8_091, 4).unwrap();
    bench.jump(149);
    assert_eq!(serve(&mut bench, 1, 1, 4), Err(module("ServingRateLimitExceeded")));
    assert_eq!(validate(&mut bench, &hot, 1, 1, 4), invalid(12));
    bench.jump(150);
    let tls = (2_u16, 1_u32, 134_744_072_u128, 8_091_u16, 4_u8, 4_u8, 0_u8, 0_u8, vec![7_u8; 33]);
    bench.call(&hot, "serve_axon_tls", tls).unwrap();
    let items = &bench.runtime.items;
    assert_eq!(items.axons.get(&bench.state, (2, hot)).block, 150);
    let certificate = items.certificates.get(&bench.state, (2, hot));
    assert_eq!((certificate.algorithm, certificate.public_key.len()), (7, 32));
    let prometheus = bench.call(&hot, "serve_prometheus", (2_u16, 1_u32, 0_u128, 9_u16, 4_u8));
    assert_eq!(prometheus, Err(module("InvalidIpAddress")));
    bench.call(&hot, "serve_prometheus", (2_u16, 1_u32, 5_u128, 9_u16, 4_u8)).unwrap();
    assert!(
        !bench.runtime.pays(
            &DecodedCall::parse(&bench.encode("SubtensorModule", "serve_axon", &args(0, 1, 4)))
                .unwrap()
        )
    );
    bench.check();
}

#[test]
fn inheritance_of_scenario_39() {
    let mut bench = Bench::new(Ruleset::V461);
    bench.subnet(2, 1_000 * UNIT, 1_000 * UNIT, 10);
    let (hot, parent) = (account("hot"), account("parent"));
    bench.give_stake(&hot, &account("c"), 2, 1_000_000_000_000);
    bench.give_stake(&parent, &account("c"), 2, 400_000_000_000);
    bench.run(|runtime, cx| {
        let children = vec![
            (5_534_023_222_112_865_484, account("k1")),
            (3_689_348_814_741_910_323, account("k2")),
        ];
        runtime.items.child_keys.set(cx.state, (hot, 2), &children);
        let parents = vec![(9_223_372_036_854_775_807, parent)];
        runtime.items.parent_keys.set(cx.state, (hot, 2), &parents);
        assert!(runtime.inherited(cx.state, &hot, 2, 2).abs_diff(700_000_000_139) <= 200);
    });
}

#[test]
fn a_subnet_is_registered_started_and_dissolved() {
    let mut bench = Bench::new(Ruleset::V461);
    let (cold, hot) = (account("cold"), account("hot"));
    bench.fund(&cold, 10_000 * UNIT);
    bench.advance(3);
    let cost = bench.runtime.network_lock_cost(&bench.state, bench.block);
    bench.call(&cold, "register_network", hot).unwrap();
    let netuid = bench.last_event::<(u16, u16)>("SubtensorModule.NetworkAdded").0;
    assert_eq!(netuid, 2);
    assert_eq!(bench.pool(2).0, cost);
    let items = &bench.runtime.items;
    assert_eq!(items.subnet_owner.get(&bench.state, 2), cold);
    assert_eq!(items.uids.try_get(&bench.state, (2, hot)), Some(0));
    assert_eq!(items.token_symbol.get(&bench.state, 2), "β".as_bytes());
    assert_eq!(items.last_epoch_block.get(&bench.state, 2), 3 - 2);
    assert!(items.commit_reveal_enabled.get(&bench.state, 2));
    assert_eq!(bench.call(&hot, "start_call", 2_u16), Err(DispatchError::BadOrigin));
    bench.call(&cold, "start_call", 2_u16).unwrap();
    let again = bench.call(&cold, "start_call", 2_u16);
    assert_eq!(again, Err(module("FirstEmissionBlockNumberAlreadySet")));
    // The price of the next one is about twice this one's.
    bench.next();
    assert!(bench.runtime.network_lock_cost(&bench.state, bench.block) > 2 * cost - UNIT / 1_000);
    bench.advance(25);
    let staker = account("staker");
    bench.fund(&staker, 100 * UNIT);
    bench.call(&staker, "add_stake", (hot, 2_u16, 10 * UNIT)).unwrap();
    bench.check();
    let before = bench.free(&staker);
    bench.dispatch(Origin::Root, "SubtensorModule", "root_dissolve_network", 2_u16).unwrap();
    assert!(bench.free(&staker) > before);
    assert!(!bench.runtime.items.networks_added.contains(&bench.state, 2));
    let prefix_left = bench.runtime.items.keys.under(&bench.state, 2);
    assert!(prefix_left.is_empty());
    bench.check();
    bench.advance(12);
    bench.check();
}

#[test]
fn registration_of_a_subnet_checks_in_order() {
    let mut bench = Bench::new(Ruleset::V461);
    let (cold, hot) = (account("cold"), account("hot"));
    bench.advance(1);
    let poor = bench.call(&cold, "register_network", hot);
    assert_eq!(poor, Err(module("CannotAffordLockCost")));
    bench.fund(&cold, 10_000 * UNIT);
    bench.admin("sudo_set_network_rate_limit", 7_200_u64);
    bench.call(&cold, "register_network", hot).unwrap();
    bench.advance(1);
    let fast = bench.call(&cold, "register_network", account("hot2"));
    assert_eq!(fast, Err(module("NetworkTxRateLimitExceeded")));
    let before = bench.validate(&cold, "SubtensorModule", "register_network", account("hot2"));
    assert_eq!(before, Err(InvalidTransaction::Custom(6)));
    let foreign = bench.call(&account("other"), "register_network", hot);
    assert_eq!(foreign, Err(module("NonAssociatedColdKey")));
    bench.admin("sudo_set_network_rate_limit", 0_u64);
    bench.admin("sudo_set_subnet_limit", 2_u16);
    let full = bench.call(&cold, "register_network", account("hot2"));
    assert_eq!(full, Err(module("SubnetLimitReached")));
    // Past its immunity the oldest of the cheapest makes room.
    bench.admin("sudo_set_network_immunity_period", 0_u64);
    bench.call(&cold, "register_network", account("hot2")).unwrap();
    assert_eq!(bench.runtime.items.subnet_owner.get(&bench.state, 1), cold);
    bench.check();
}

#[test]
fn root_admits_by_stake() {
    let mut bench = Bench::new(Ruleset::V461);
    bench.advance(1);
    bench.run(|runtime, cx| runtime.items.max_allowed_uids.set(cx.state, 0, &1));
    let (cold, a, b) = (account("cold"), account("a"), account("b"));
    bench.call(&cold, "root_register", a).unwrap();
    assert_eq!(bench.runtime.items.delegates.get(&bench.state, a), 11_796);
    let busy = bench.call(&cold, "root_register", b);
    assert_eq!(busy, Err(module("TooManyRegistrationsThisBlock")));
    bench.next();
    let weak = bench.call(&cold, "root_register", b);
    assert_eq!(weak, Err(module("StakeTooLowForRoot")));
    bench.give_stake(&b, &cold, 0, UNIT);
    bench.call(&cold, "root_register", b).unwrap();
    assert_eq!(bench.runtime.items.uids.try_get(&bench.state, (0, b)), Some(0));
    assert_eq!(bench.runtime.items.uids.try_get(&bench.state, (0, a)), None);
}
