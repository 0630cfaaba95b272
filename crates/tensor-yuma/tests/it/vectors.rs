//! Every value of the recorded epochs, bit for bit.

use serde_json::Value;
use tensor_yuma::vectors::VectorFile;

const VECTORS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/yuma/yuma_vectors.json"));

fn file() -> VectorFile {
    serde_json::from_str(VECTORS).unwrap()
}

#[test]
fn all_values_are_reproduced() {
    let file = file();
    assert!(file.cases.len() >= 28 && file.mechanism_cases.len() >= 2);
    let report = file.check();
    let shown: Vec<String> = report.mismatches.iter().map(ToString::to_string).collect();
    assert_eq!(report.failed, 0, "{} passed\n{}", report.passed, shown.join("\n"));
    assert_eq!(report.passed, file.names().len());
}

#[test]
fn the_computed_file_equals_the_recorded_one() {
    let computed = serde_json::to_value(file().computed().unwrap()).unwrap();
    let recorded: Value = serde_json::from_str(VECTORS).unwrap();
    assert_eq!(computed, recorded);
}
