//! The pool's power routine against recorded results of the big-number library the runtime uses.

use serde_json::Value;
use tensor_yuma::pool::{PowerArguments, WEIGHT_ONE, power_scaled};

const VECTORS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/yuma/power_vectors.json"));

#[test]
fn every_recorded_power_is_reproduced() {
    let rows: Vec<(String, String, u64, u64, u32, Value)> = serde_json::from_str(VECTORS).unwrap();
    assert!(rows.len() > 140);
    for (a, b, p, q, precision, expected) in rows {
        let base: (u128, u128) = (a.parse().unwrap(), b.parse().unwrap());
        let arguments = PowerArguments { base, exponent: (p, q), precision, scale: WEIGHT_ONE };
        let got = power_scaled(arguments).map(|value| value.to_string());
        assert_eq!(got.as_deref(), expected.as_str(), "{a}/{b} ^ {p}/{q}");
    }
}
