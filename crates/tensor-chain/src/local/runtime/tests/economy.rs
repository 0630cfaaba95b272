//! Emission into pools and pots, and the moving price.

use tensor_yuma::fixed::U96F32;

use super::{Bench, Ruleset, UNIT, account};

/// A started, emitting subnet.
fn emitting(bench: &mut Bench, netuid: u16, tao: u64, alpha: u64, moving_price: i128) {
    bench.subnet(netuid, tao, alpha, 0);
    bench.run(|runtime, cx| {
        let items = &runtime.items;
        items.first_emission_block.set(cx.state, netuid, &1);
        items.subnet_emission_enabled.set(cx.state, netuid, &true);
        items.network_registration_allowed.set(cx.state, netuid, &true);
        items.subnet_moving_price.set(cx.state, netuid, &moving_price);
    });
}

/// `percent` of one as `I96F32` bits.
fn price(percent: i128) -> i128 {
    (percent << 32) / 100
}

#[test]
fn one_tao_a_block_enters_the_world() {
    let mut bench = Bench::new(Ruleset::V461);
    emitting(&mut bench, 2, 1_000 * UNIT, 1_000 * UNIT, price(3));
    let ledger = |bench: &Bench| bench.runtime.tao_ledger(&bench.state);
    let before = ledger(&bench);
    bench.advance(10);
    let after = ledger(&bench);
    assert_eq!(after.minted - before.minted, 10 * u128::from(UNIT));
    assert_eq!(after.accounts - before.accounts, 10 * u128::from(UNIT));
    assert_eq!(after.recycled, before.recycled);
    bench.check();
}

#[test]
fn without_subnets_the_emission_is_recycled() {
    let mut bench = Bench::new(Ruleset::V461);
    bench.run(|runtime, cx| runtime.items.first_emission_block.clear(cx.state));
    let issuance = bench.runtime.items.total_issuance.get(&bench.state);
    let before = bench.runtime.tao_ledger(&bench.state);
    bench.advance(5);
    let after = bench.runtime.tao_ledger(&bench.state);
    assert_eq!(bench.runtime.items.total_issuance.get(&bench.state), issuance);
    assert_eq!(after.recycled - before.recycled, 5 * u128::from(UNIT));
    assert_eq!(after.issuance, before.issuance);
    bench.check();
}

#[test]
fn injection_of_scenario_17() {
    let mut bench = Bench::new(Ruleset::V425);
    bench.subnet(2, 1_000 * UNIT, 4_000 * UNIT, 0);
    bench.subnet(3, 1_000 * UNIT, 4_000 * UNIT, 0);
    let bits = |bench: &Bench| bench.runtime.alpha_price(&bench.state, 2).to_bits();
    let weight =
        |bench: &Bench, netuid| bench.runtime.items.swap_balancer.get(&bench.state, netuid);
    bench.run(|runtime, cx| {
        assert_eq!(runtime.adjust_liquidity(cx, 2, 1_000 * UNIT, 0), (1_000 * UNIT, 0));
        runtime.items.subnet_tao.add(cx.state, 2, 1_000 * UNIT);
        runtime.adjust_liquidity(cx, 3, 1_234_567, 2_432_765_890);
    });
    assert_eq!(weight(&bench, 2), 666_666_666_666_666_666);
    assert_eq!(bits(&bench), 4_611_686_018_427_387_917);
    assert_eq!(weight(&bench, 3), 499_848_306_996_458_184);
    let quote = bench.run(|runtime, cx| {
        runtime.buy_alpha(cx, 2, UNIT, crate::local::runtime::pool::ANY_BUY, false).unwrap()
    });
    assert_eq!((quote.paid_in, quote.paid_out), (999_496_453, 3_994_990_828));
}

#[test]
fn alpha_splits_as_in_scenario_19() {
    for ruleset in [Ruleset::V425, Ruleset::V461] {
        let mut bench = Bench::new(ruleset);
        emitting(&mut bench, 2, 1_000 * UNIT, 1_000 * UNIT, price(3));
        bench.run(|runtime, cx| runtime.items.subnet_emission_enabled.set(cx.state, 2, &false));
        let out = bench.alpha_out(2);
        bench.next();
        let items = &bench.runtime.items;
        assert_eq!(items.pending_owner_cut.get(&bench.state, 2), 179_995_422);
        assert_eq!(items.pending_server_emission.get(&bench.state, 2), 410_002_288);
        assert_eq!(items.pending_validator_emission.get(&bench.state, 2), 410_002_288);
        assert_eq!(bench.alpha_out(2), out + UNIT);
        assert_eq!(bench.runtime.alpha_ledger(&bench.state, 2).stranded.emission_dust, 2);
        bench.check();
    }
}

#[test]
fn root_takes_its_part_as_in_scenario_20() {
    let mut bench = Bench::new(Ruleset::V425);
    bench.run(|runtime, cx| {
        let weight = (0.18 * u64::MAX as f64) as u64;
        assert!(runtime.items.tao_weight.get(cx.state).abs_diff(weight) < 1 << 20);
        runtime.items.tao_weight.set(cx.state, &971_718_665_099_567_868);
    });
    bench.subnet(2, 0, 1_000 * UNIT, 0);
    bench.give_stake(&account("root-hot"), &account("root-cold"), 0, 1_000 * UNIT);
    let proportion = bench.runtime.root_proportion(&bench.state, 2);
    assert_eq!(proportion, U96F32::from_bits(214_924_319));
}

#[test]
fn shares_of_scenario_21() {
    let mut bench = Bench::new(Ruleset::V425);
    bench.run(|runtime, cx| {
        // The subnet of the preset steps aside.
        runtime.items.first_emission_block.clear(cx.state);
        runtime.items.total_issuance.set(cx.state, &10_500_000_000_000_000);
    });
    emitting(&mut bench, 2, 1_000 * UNIT, 1_000 * UNIT, price(3));
    emitting(&mut bench, 3, 1_000 * UNIT, 1_000 * UNIT, price(1));
    bench.run(|runtime, cx| {
        runtime.items.miner_burned.set(cx.state, 2, &(1 << 31));
        runtime.items.total_issuance.set(cx.state, &10_500_000_000_000_000);
    });
    let gets = |bench: &Bench, netuid| {
        let items = &bench.runtime.items;
        items.subnet_excess_tao.get(&bench.state, netuid)
            + items.subnet_tao_in_emission.get(&bench.state, netuid)
    };
    bench.next();
    let (two, three) = (gets(&bench, 2), gets(&bench, 3));
    assert!(two.abs_diff(300_000_000) <= 400_000, "{two}");
    assert!(three.abs_diff(200_000_000) <= 400_000, "{three}");
    bench.run(|runtime, cx| runtime.items.subnet_emission_enabled.set(cx.state, 2, &false));
    bench.next();
    assert_eq!(gets(&bench, 2), 0);
    // Alpha goes on being minted.
    let items = &bench.runtime.items;
    assert_eq!(items.subnet_alpha_out_emission.get(&bench.state, 2), UNIT);
}

#[test]
fn moving_price_of_scenario_22() {
    let mut bench = Bench::new(Ruleset::V461);
    emitting(&mut bench, 2, 1_000 * UNIT, 1_000 * UNIT, 0);
    let moving = |bench: &Bench| bench.runtime.items.subnet_moving_price.get(&bench.state, 2);
    bench.jump(201_600);
    bench.run(|runtime, cx| runtime.items.subnet_mechanism.set(cx.state, 2, &1));
    bench.next();
    assert_eq!(moving(&bench), 6_442);
}

#[test]
fn emission_halves_with_the_issuance() {
    let mut bench = Bench::new(Ruleset::V461);
    emitting(&mut bench, 2, 1_000 * UNIT, 1_000 * UNIT, price(3));
    for (issuance, emission) in
        [(0, UNIT), (10_499_999_999_999_999, UNIT), (15_750_000 * UNIT, UNIT / 4)]
    {
        bench.run(|runtime, cx| runtime.items.total_issuance.set(cx.state, &issuance));
        let before = bench.runtime.tao_ledger(&bench.state).minted;
        bench.next();
        assert_eq!(bench.runtime.tao_ledger(&bench.state).minted - before, u128::from(emission));
    }
}

#[test]
fn the_gate_cuts_small_demand_off() {
    let mut bench = Bench::new(Ruleset::V461);
    bench.run(|runtime, cx| runtime.items.first_emission_block.clear(cx.state));
    for netuid in 2..12 {
        emitting(
            &mut bench,
            netuid,
            1_000 * UNIT,
            1_000 * UNIT,
            price(if netuid == 2 { 60 } else { 1 }),
        );
    }
    bench.advance(3);
    let items = &bench.runtime.items;
    let of = |netuid| {
        items.subnet_excess_tao.get(&bench.state, netuid)
            + items.subnet_tao_in_emission.get(&bench.state, netuid)
    };
    assert!(of(2) > of(3) * 60, "{} {}", of(2), of(3));
    bench.check();
}
