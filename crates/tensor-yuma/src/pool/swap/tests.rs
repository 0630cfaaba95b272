//! The swap scenarios of chain rules 16, number by number.

use super::*;
use crate::pool::{Balancer, Stable};

const TAO: u64 = 1_000_000_000;

fn pool(tao: u64, alpha: u64) -> Reserves {
    Reserves { tao, alpha }
}

fn even() -> Reserves {
    pool(1_000 * TAO, 1_000 * TAO)
}

fn swap() -> Swap<Balancer> {
    Swap::new(Balancer::default())
}

fn summary(quote: &Quote) -> (u64, u64, u64) {
    (quote.paid_in, quote.fee, quote.paid_out)
}

#[test]
fn scenario_11_registrations_buy_alpha() {
    let first = swap().quote(even(), &Order::buy(TAO)).unwrap();
    assert_eq!(summary(&first), (999_496_453, 503_547, 998_498_457));
    assert_eq!(first.reserves_after, pool(1_000_999_496_453, 999_001_501_543));
    let second = swap().quote(first.reserves_after, &Order::buy(1_260_000_000)).unwrap();
    assert_eq!(summary(&second), (1_259_365_530, 634_470, 1_255_272_567));
    assert_eq!(second.reserves_after, pool(1_002_258_861_983, 997_746_228_976));
}

#[test]
fn scenario_12_stake_and_partial_unstake() {
    let buy = swap().quote(even(), &Order::buy(100 * TAO)).unwrap();
    assert_eq!(summary(&buy), (99_949_645_228, 50_354_772, 90_867_473_489));
    assert_eq!(buy.reserves_after, pool(1_099_949_645_228, 909_132_526_511));
    assert_eq!(buy.price_after.to_bits(), 22_318_516_836_437_299_217);
    assert_eq!(buy.fee_to_block_author, buy.fee);
    let sell = swap().quote(buy.reserves_after, &Order::sell(50 * TAO)).unwrap();
    assert_eq!(summary(&sell), (49_974_822_614, 25_177_386, 57_313_488_896));
    assert_eq!(sell.reserves_after, pool(1_042_636_156_332, 959_107_349_125));
}

#[test]
fn scenario_13_round_trip() {
    let buy = swap().quote(even(), &Order::buy(100 * TAO)).unwrap();
    let sell = swap().quote(buy.reserves_after, &Order::sell(buy.paid_out)).unwrap();
    assert_eq!((sell.paid_out, sell.fee), (99_903_887_024, 45_756_109));
    let author = swap().quote(sell.reserves_after, &Order::sell(sell.fee).without_fee()).unwrap();
    assert_eq!((author.paid_out, author.fee), (45_758_202, 0));
    assert_eq!(author.reserves_after, pool(1_000_000_000_002, 1_000_000_000_000));
}

#[test]
fn scenario_14_buy_limit() {
    let limit = U64F64::from_rao_price(1_100_000_000);
    assert_eq!(swap().max_amount(even(), Side::Buy, limit), Ok(48_833_438_136));
    let partial = swap().quote(even(), &Order::buy(100 * TAO).with_limit(1_100_000_000)).unwrap();
    assert_eq!(summary(&partial), (48_808_848_170, 24_589_966, 46_537_410_754));
    assert_eq!(partial.reserves_after, pool(1_048_808_848_170, 953_462_589_246));
    assert!(partial.price_after <= limit);
}

#[test]
fn scenario_15_sell_limit() {
    let limit = U64F64::from_rao_price(900_000_000);
    assert_eq!(swap().max_amount(even(), Side::Sell, limit), Ok(54_119_805_293));
    let order = Order::sell(54_119_805_293).with_limit(900_000_000);
    let quote = swap().quote(even(), &order).unwrap();
    assert_eq!(summary(&quote), (54_092_553_389, 27_251_904, 51_316_701_949));
    assert_eq!(quote.reserves_after, pool(948_683_298_051, 1_054_092_553_389));
    let at_price = swap().max_amount(even(), Side::Sell, U64F64::from_rao_price(TAO)).unwrap_err();
    assert_eq!(at_price.name(), "PriceLimitExceeded");
}

#[test]
fn scenario_16_minimum_stake() {
    assert_eq!(swap().with_fee(2_000_000), 2_001_007);
    assert_eq!(Swap::new(Stable).with_fee(2_000_000), 2_000_000);
    let quote = swap().quote(even(), &Order::buy(2_001_007)).unwrap();
    assert_eq!((quote.fee, quote.paid_in), (1_007, 2_000_000));
    let root = Swap::new(Stable).quote(Reserves::default(), &Order::buy(2_000_000)).unwrap();
    assert_eq!(summary(&root), (2_000_000, 0, 2_000_000));
}

#[test]
fn scenario_17_buy_after_injection() {
    let before = pool(1_000 * TAO, 4_000 * TAO);
    let curve = Balancer::default().inject(before, 1_000 * TAO, 0).unwrap();
    let quote = Swap::new(curve).quote(pool(2_000 * TAO, 4_000 * TAO), &Order::buy(TAO)).unwrap();
    assert_eq!((quote.paid_in, quote.paid_out), (999_496_453, 3_994_990_828));
}

#[test]
fn scenario_18_move_between_subnets() {
    let a = swap().quote(even(), &Order::sell(10 * TAO)).unwrap();
    assert_eq!(summary(&a), (9_994_964_523, 5_035_477, 9_896_053_816));
    let author = swap().quote(a.reserves_after, &Order::sell(a.fee).without_fee()).unwrap();
    assert_eq!(author.paid_out, 4_936_282);
    assert_eq!(author.reserves_after, pool(990_099_009_902, 1_010_000_000_000));
    let b = swap()
        .quote(pool(1_000 * TAO, 2_000 * TAO), &Order::buy(a.paid_out).without_fee())
        .unwrap();
    assert_eq!(summary(&b), (9_896_053_816, 0, 19_598_163_154));
    assert_eq!(b.reserves_after, pool(1_009_896_053_816, 1_980_401_836_846));
}

#[test]
fn the_fee_rate_is_truncated_before_it_is_applied() {
    assert_eq!(swap().fee(65_535), 32);
    assert_eq!(swap().with_fee_rate(0).fee(u64::MAX), 0);
}

#[test]
fn refusals_in_the_pallets_order() {
    let name = |reserves, order: Order| swap().quote(reserves, &order).unwrap_err().name();
    assert_eq!(name(pool(1, 0), Order::buy(TAO)), "SwapInputTooLarge");
    assert_eq!(name(pool(TAO, MINIMUM_RESERVE - 1), Order::buy(5)), "ReservesTooLow");
    assert_eq!(name(even(), Order::buy(5).with_limit(TAO)), "PriceLimitExceeded");
    assert_eq!(name(even(), Order::sell(5).with_limit(TAO)), "PriceLimitExceeded");
    // One rao at a price of 2 buys half a unit: nothing.
    assert_eq!(name(pool(2_000 * TAO, 1_000 * TAO), Order::buy(1)), "ReservesTooLow");
    let nothing = swap().quote(even(), &Order::buy(0)).unwrap();
    assert_eq!(summary(&nothing), (0, 0, 0));
}

#[test]
fn a_curve_behind_a_pointer_is_a_curve() {
    let boxed: Box<dyn Curve> = Box::new(Balancer::default());
    let quote = Swap::new(boxed).quote(even(), &Order::buy(TAO)).unwrap();
    assert_eq!(quote.paid_out, 998_498_457);
    assert!(quote.slippage_lossy(Side::Buy) > 0.0);
}
