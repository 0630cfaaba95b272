//! `COVERAGE.md`: generated from the code and the official SDK's catalog, and compared with both.
//!
//! `TENSOR_BLESS=1 cargo test -p tensor-chain coverage` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value as Json;
use tensor_chain::client::READS;
use tensor_chain::intent;

use super::golden::metadata;

const CATALOG: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/chain/sdk-v11-catalog.json"));
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/COVERAGE.md");

#[test]
fn coverage_is_as_written() {
    let catalog: Json = serde_json::from_str(CATALOG).unwrap();
    let text = generate(&catalog);
    if std::env::var_os("TENSOR_BLESS").is_some() {
        std::fs::write(FILE, &text).unwrap();
    }
    let written = std::fs::read_to_string(FILE).unwrap();
    assert!(written == text, "COVERAGE.md is out of date; bless it");
}

fn generate(catalog: &Json) -> String {
    let reads: BTreeMap<&str, &str> = READS.iter().map(|read| (read.name, read.method)).collect();
    let intents: BTreeMap<&str, &intent::Info> =
        intent::ALL.iter().map(|info| (info.name, info)).collect();
    assert_eq!(intents.len(), intent::ALL.len(), "an intent is listed twice");
    assert_eq!(reads.len(), READS.len(), "a read is listed twice");
    let listed = |of: &str| catalog[of].as_array().unwrap().clone();
    let name = |entry: &Json| entry["name"].as_str().unwrap().to_owned();

    let mut text = String::from(
        "# Coverage\n\nWhat the official SDK (bittensor 11.3.0) reads and does, and where it is here. \
         A test generates this page from the code and compares it with the SDK's catalog.\n",
    );
    let all = listed("reads");
    let _ = write!(text, "\n## Reads\n\n{} of {}.\n\n", reads.len(), all.len());
    text.push_str("| official read | `Subtensor` |\n| --- | --- |\n");
    for read in &all {
        let name = name(read);
        match reads.get(name.as_str()) {
            Some(method) => writeln!(text, "| {name} | `{method}` |").unwrap(),
            None => writeln!(text, "| {name} | missing |").unwrap(),
        }
    }
    for name in reads.keys() {
        assert!(all.iter().any(|read| read["name"] == *name), "the SDK has no read {name}");
    }

    let all = listed("intents");
    let _ = write!(text, "\n## Intents\n\n{} of {}.\n\n", intents.len(), all.len());
    text.push_str("| official intent | calls | in runtime 461 |\n| --- | --- | --- |\n");
    let metadata = metadata();
    for entry in &all {
        let name = name(entry);
        let Some(info) = intents.get(name.as_str()) else {
            writeln!(text, "| {name} | missing | |").unwrap();
            continue;
        };
        let signer = format!("{:?}", info.signer).to_lowercase();
        assert_eq!(entry["signer"].as_str().unwrap(), signer, "{name} is signed by another key");
        let missing = info.calls.iter().filter(|call| !call.ends_with('*'));
        let missing: Vec<_> =
            missing.filter(|call| !metadata.has(tensor_chain::codec::Kind::Call, call)).collect();
        let there = if missing.is_empty() { "yes" } else { "no, in a newer one" };
        writeln!(text, "| {name} | {} | {there} |", info.calls.join(", ")).unwrap();
        assert_eq!(
            missing.is_empty(),
            entry["calls_not_in_v461"].is_null() || name == "set_hyperparameter",
            "{name}"
        );
    }
    for name in intents.keys() {
        assert!(all.iter().any(|entry| entry["name"] == *name), "the SDK has no intent {name}");
    }
    text
}

#[test]
fn nothing_is_missing() {
    let written = std::fs::read_to_string(FILE).unwrap();
    let missing: Vec<_> = written.lines().filter(|line| line.contains("| missing |")).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_error_of_the_runtime_has_a_kind() {
    use tensor_chain::ErrorCode;
    let metadata = metadata();
    let mut unknown = Vec::new();
    let mut count = 0;
    for pallet in metadata.as_subxt().pallets() {
        for error in pallet.error_variants().unwrap_or_default() {
            count += 1;
            if ErrorCode::of_chain_error(pallet.name(), &error.name) == ErrorCode::Unknown {
                unknown.push(format!("{}.{}", pallet.name(), error.name));
            }
        }
    }
    assert!(count > 390, "{count}");
    assert!(unknown.is_empty(), "{unknown:?}");
}
