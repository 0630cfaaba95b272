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
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("altered-{}-{count}.json", std::process::id());
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
fn every_wire_vector_passes() {
    let report = check(Suite::Wire, &vectors("wire/wire-vectors.json"));
    assert!(report.is_success(), "{report}");
    for (protocol, count) in [("btauth1", 69), ("v10", 93), ("others", 7), ("about", 5)] {
        let right = report.passed().iter().filter(|name| name.starts_with(protocol)).count();
        assert_eq!(right, count, "{protocol}");
    }
}

#[test]
fn one_changed_wire_expectation_fails_exactly_its_case() {
    for (from, to, case) in [
        ("79231e24a5ebbba7", "79231e24a5ebbba6", "v10/python_str/3 "),
        ("acceptable delta is 4.50", "acceptable delta is 4.51", "v10/axon_verify/3 "),
        (
            "0b5bfb4b-2a63-4b0a-9c0e-3d6d5a6a7b01.17",
            "0b5bfb4b-2a63-4b0a-9c0e-3d6d5a6a7b01.18",
            "others/epistula_v2/0 ",
        ),
        ("0x5ab86af0572d4051", "0x5ab86af0572d4052", "others/fiber/plain/0 "),
        (
            "YRqRIdwe6x0Gz3ABDAnAFJa2nev1O0gBS2vQ3IveR/Y=\",",
            "YRqRIdwe6x0Gz3ABDAnAFJa2nev1O0gBS2vQ3IveR/Z=\",",
            "others/btlightning",
        ),
        ("10005000,", "10005001,", "v10/version_as_int"),
    ] {
        let altered = Altered::new("wire/wire-vectors.json", from, to);
        let report = check(Suite::Wire, &altered.0);
        assert_eq!(report.failed().len(), 1, "{from}: {report}");
        assert!(report.failed()[0].name().starts_with(case), "{report}");
    }
}

#[test]
fn one_changed_wire_value_fails_exactly_its_case() {
    let text = std::fs::read_to_string(vectors("wire/wire-vectors.json")).unwrap();
    let original: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (place, value, case) in [
        ("/about/keys/~1~1Bob/ed25519/public", "0x00", "about/keys //Bob"),
        ("/btauth1/sign/0/payload", "x", "btauth1/sign/0 "),
        ("/btauth1/verify/0/expect/nonce", "1", "btauth1/verify/0 "),
        ("/v10/body_hash/0/body_hash", "00", "v10/body_hash/0 "),
        ("/v10/dendrite_requests/0/body/prompt", "x", "v10/dendrite_requests/0 "),
        // The header of the nonce, which is signed.
        ("/v10/captured_http_request/headers/8/1", "1", "v10/captured_http_request"),
        ("/v10/axon_signature/message", "x", "v10/axon_signature"),
        ("/others/epistula_v1/body", "{\"signed_by\": \"5\"}", "others/epistula_v1"),
    ] {
        let mut changed = original.clone();
        *changed.pointer_mut(place).unwrap() = value.into();
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("wire.json");
        std::fs::write(&file, changed.to_string()).unwrap();
        let report = check(Suite::Wire, &file);
        assert_eq!(report.failed().len(), 1, "{place}: {report}");
        assert!(report.failed()[0].name().starts_with(case), "{place}: {report}");
    }
}

#[test]
fn a_wire_file_without_expectations_is_filled_in() {
    let path = vectors("wire/wire-vectors.json");
    let mut document: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let mut stripped = document.clone();
    for (list, fields) in [
        ("python_str", &["sha3_256_of_str", "body_hash_single_field"][..]),
        ("body_hash", &["strs", "body_hash", "axon_side_hash"][..]),
        ("dendrite_requests", &["signed_message"][..]),
        ("axon_verify", &["nonces_after"][..]),
    ] {
        for entry in stripped["v10"][list].as_array_mut().unwrap() {
            fields.iter().for_each(|field| drop(entry.as_object_mut().unwrap().remove(*field)));
        }
    }
    let file = std::env::temp_dir().join(format!("stripped-{}.json", std::process::id()));
    std::fs::write(&file, stripped.to_string()).unwrap();
    let loaded = conformance::load(Suite::Wire, &file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let (mut written, report) = conformance::emit(&loaded, |_| {}).unwrap();
    assert!(report.is_success(), "{report}");
    // Signatures are random, and what is compared by meaning may be worded otherwise.
    for whole in [&mut document, &mut written] {
        for entry in whole["v10"]["dendrite_requests"].as_array_mut().unwrap() {
            entry["headers"]["bt_header_dendrite_signature"] = serde_json::Value::Null;
            entry["body"]["dendrite"]["signature"] = serde_json::Value::Null;
        }
        for entry in whole["v10"]["axon_verify"].as_array_mut().unwrap() {
            if entry["tolerance"] != "must match" {
                entry["expect"] = serde_json::Value::Null;
                entry["nonces_after"] = serde_json::Value::Null;
            }
        }
    }
    for list in ["version_as_int", "python_str", "body_hash", "dendrite_requests", "axon_verify"] {
        assert_eq!(written["v10"][list], document["v10"][list], "{list}");
    }
    assert_eq!(written["about"], document["about"]);
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

#[test]
fn chain_encodings_pass() {
    let path = vectors("chain/golden-vectors.json");
    let report = check(Suite::Chain, &path);
    assert!(report.is_success(), "{report}");
    assert!(report.passed().len() >= 22, "{report}");
    let loaded = conformance::load(Suite::Chain, &path).unwrap();
    let (written, report) = conformance::emit(&loaded, |_| {}).unwrap();
    assert!(report.is_success(), "{report}");
    let original = conformance::numbers::to_value(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(written, original);
}

#[test]
fn one_changed_chain_value_fails_exactly_one_case() {
    let path = vectors("chain/golden-vectors.json");
    let original = conformance::numbers::to_value(&std::fs::read(&path).unwrap()).unwrap();
    for (place, name) in [
        ("/storage_keys/0/key_hex", "storage_keys/0"),
        ("/calls/0/data_hex", "calls/0"),
        ("/signature_payloads/0/payload_hex", "signature_payloads/0"),
        ("/extrinsics/0/extrinsic_hash", "extrinsics/0"),
        ("/multisig/0/ss58_address", "multisig/0"),
        ("/ss58/0/address", "ss58/0"),
        ("/constants/0/decoded", "constants/0"),
        ("/storage_values/0/decoded/data/free", "storage_values/0"),
        ("/query_maps/0/prefix_hex", "query_maps/0"),
        ("/runtime_calls/0/decoded/0/uid", "runtime_calls/0"),
        ("/block/decoded_header/hash", "block/decoded_header"),
        ("/block/decoded_extrinsics/0/call/call_hash", "block/decoded_extrinsics/0"),
    ] {
        let mut changed = original.clone();
        *changed.pointer_mut(place).unwrap() = serde_json::json!("0x00");
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("golden.json");
        std::fs::write(&file, conformance::numbers::to_text(&changed)).unwrap();
        let report = check(Suite::Chain, &file);
        let failed: Vec<_> = report.failed().iter().map(|case| case.name()).collect();
        assert_eq!(failed, [name], "{report}");
    }
}

#[test]
fn the_sdk_s_whole_file_of_chain_encodings_passes() {
    let interop = std::env::var_os("TENSOR_INTEROP").is_some();
    let Some(path) = std::env::var_os("TENSOR_GOLDEN") else {
        assert!(
            !interop,
            "TENSOR_GOLDEN is to name golden.json of the bittensor 11.3.0 source package"
        );
        return;
    };
    let report = check(Suite::Chain, std::path::Path::new(&path));
    assert!(report.is_success(), "{report}");
    assert!(report.passed().len() >= 56, "{report}");
}
