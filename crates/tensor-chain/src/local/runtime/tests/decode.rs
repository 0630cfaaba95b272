//! Arguments that a call cannot have.

use parity_scale_codec::Encode;

use super::{Bench, Ruleset, account, address, compact};
use crate::local::runtime::{DecodedCall, Origin};

#[test]
fn calls_of_unknown_names_or_bytes_are_refused() {
    let mut bench = Bench::new(Ruleset::V461);
    assert!(DecodedCall::parse(&[]).is_none());
    assert!(DecodedCall::parse(&[7]).is_none());
    let who = account("who");
    for bytes in [vec![255, 0], vec![7, 255], vec![7, 2], vec![7, 2, 1, 2, 3]] {
        let call = DecodedCall::parse(&bytes).unwrap();
        let result = bench.run(|runtime, cx| runtime.dispatch(cx, Origin::Signed(who), &call));
        assert!(result.is_err(), "{bytes:?}");
    }
    assert!(bench.events.is_empty());
}

#[test]
fn bytes_after_the_arguments_are_refused() {
    let mut bench = Bench::new(Ruleset::V461);
    let who = account("who");
    bench.fund(&who, 1_000_000);
    let mut bytes = bench.encode(
        "Balances",
        "transfer_keep_alive",
        &(address(&account("you")), compact(1_000)),
    );
    0_u8.encode_to(&mut bytes);
    let call = DecodedCall::parse(&bytes).unwrap();
    let before = bench.free(&who);
    let result = bench.run(|runtime, cx| runtime.dispatch(cx, Origin::Signed(who), &call));
    assert!(result.is_err());
    assert_eq!(bench.free(&who), before);
}
