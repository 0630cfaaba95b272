//! The program `conformance` against the vectors in `testdata/`: all pass, and one changed bit is found.

use std::path::PathBuf;

use tensor_examples::conformance::{self, Suite, report::Report};

fn vectors(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata")).join(name)
}

fn check(suite: Suite, path: &std::path::Path) -> Report {
    conformance::check(&conformance::load(suite, path).unwrap(), |_| {})
}

/// A vector file with one text replaced, gone with the value.
struct Altered(PathBuf);

impl Altered {
    fn new(of: &str, from: &str, to: &str) -> Self {
        let text = std::fs::read_to_string(vectors(of)).unwrap();
        assert!(text.contains(from), "{from} is not in {of}");
        let name = format!("altered-{}-{}.json", std::process::id(), to.len() + of.len());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        Self(path)
    }
}

impl Drop for Altered {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn yuma_vectors_pass() {
    let report = check(Suite::Yuma, &vectors("yuma/yuma_vectors.json"));
    assert!(report.is_success(), "{report}");
    assert!(report.passed().len() > 200);
}

#[test]
fn one_changed_bit_fails_exactly_one_case() {
    // The consensus of the first neuron in the first epoch of the first case.
    let altered = Altered::new("yuma/yuma_vectors.json", "331052", "331053");
    let report = check(Suite::Yuma, &altered.0);
    assert_eq!(report.failed().len(), 1, "{report}");
    assert_eq!(report.failed()[0].name(), "default_small");
}

#[test]
fn an_unknown_field_is_an_error() {
    let altered = Altered::new("yuma/yuma_vectors.json", "\"current_block\"", "\"current_blok\"");
    assert!(conformance::load(Suite::Yuma, &altered.0).is_err());
}

#[test]
fn signed_requests_pass() {
    let report = check(Suite::Wire, &vectors("wire/wire-vectors.json"));
    let wrong: Vec<_> =
        report.failed().iter().filter(|case| case.name().starts_with("btauth1")).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let right = report.passed().iter().filter(|name| name.starts_with("btauth1")).count();
    assert_eq!(right, 69);
}

#[test]
fn wallets_pass() {
    let report = check(Suite::Wallet, &vectors("wallets"));
    assert!(report.is_success(), "{report}");
    assert_eq!(report.passed().len(), 4 + 23 + 62 + 32 + 5 + 10 + 6 + 4 + 1);
}

#[test]
fn one_changed_wallet_value_fails_exactly_one_case() {
    let folder = vectors("wallets");
    let text = std::fs::read_to_string(folder.join("wallet-vectors.json")).unwrap();
    let original: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (place, value, name) in [
        ("/uri/0/public", serde_json::json!("0x00"), "uri/0"),
        ("/mnemonic/0/keeps_phrase", serde_json::json!(false), "mnemonic/0"),
        ("/mnemonic_edge/0", serde_json::json!({"input": "", "ss58": "5"}), "mnemonic_edge/0"),
        ("/sign/0/verify_plain", serde_json::json!(false), "sign/0"),
        ("/ss58/2/ss58", serde_json::json!("5"), "ss58/2"),
        ("/ss58_edge/3/is_bittensor_address", serde_json::json!(true), "ss58_edge/3"),
        ("/password_env/0/value", serde_json::json!("NjEsJD4xOGUfLHBr"), "password_env/0"),
    ] {
        let mut changed = original.clone();
        for heavy in ["wallets", "files"] {
            changed[heavy] = serde_json::json!({});
        }
        *changed.pointer_mut(place).unwrap() = value;
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("wallet-vectors.json");
        std::fs::write(&file, changed.to_string()).unwrap();
        let report = check(Suite::Wallet, scratch.path());
        let failed: Vec<_> = report.failed().iter().map(|case| case.name()).collect();
        assert_eq!(failed, [name], "{report}");
    }
}

#[test]
fn what_is_computed_is_what_was_expected() {
    let path = vectors("yuma/yuma_vectors.json");
    let loaded = conformance::load(Suite::Yuma, &path).unwrap();
    let (written, report) = conformance::emit(&loaded, |_| {}).unwrap();
    assert!(report.is_success());
    let original: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(written["cases"], original["cases"]);
    assert_eq!(written["mechanism_cases"], original["mechanism_cases"]);
    assert_eq!(written["units"], original["units"]);
}
