//! The stories of the chain's rules, as data: all pass, one changed number is found, and a story may be
//! told in many forms.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tensor_examples::conformance::{self, Suite, report::Report};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/scenarios");

/// Stories of more than a hundred thousand blocks: once is enough.
const LONG: [&str; 2] = ["04-", "05-"];

fn files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some()).collect();
    files.sort();
    files
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap().to_str().unwrap().to_owned()
}

fn check(path: &Path) -> Report {
    let vectors = conformance::load(Suite::Scenario, path).unwrap_or_else(|error| {
        panic!("{}: {}", path.display(), tensor_examples::cause::line_of(&error))
    });
    conformance::check(&vectors, |_| {})
}

fn check_json(document: &Value) -> Report {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("story.json");
    std::fs::write(&file, document.to_string()).unwrap();
    check(&file)
}

#[test]
fn every_story_of_the_rules_passes() {
    let mut wrong = Vec::new();
    for file in files() {
        let report = check(&file);
        if !report.is_success() {
            wrong.push(report.to_string());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let numbers: Vec<_> = files().iter().filter_map(|f| name(f)[..2].parse::<u32>().ok()).collect();
    for number in 1..=40 {
        assert!(numbers.contains(&number), "scenario {number} has no file");
    }
}

/// The place of the last number that a document expects.
fn expected_number(document: &Value) -> Option<String> {
    fn last(place: &str, value: &Value, inside: bool, found: &mut Option<String>) {
        match value {
            Value::Number(number) if inside && number.is_u64() => *found = Some(place.to_owned()),
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    last(&format!("{place}/{at}"), item, inside, found);
                }
            }
            Value::Object(fields) => {
                for (name, item) in fields {
                    // Not the keys of an entry, nor how far a value may lie.
                    if ["keys", "args", "within", "min", "max", "block"].contains(&name.as_str()) {
                        continue;
                    }
                    let escaped = name.replace('~', "~0").replace('/', "~1");
                    let inside = inside || name == "expect";
                    last(&format!("{place}/{escaped}"), item, inside, found);
                }
            }
            _ => {}
        }
    }
    let mut found = None;
    last("", document, false, &mut found);
    found
}

#[test]
fn one_changed_number_fails_exactly_its_story() {
    for file in files() {
        let name = name(&file);
        if LONG.iter().any(|long| name.starts_with(long)) {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let mut document: Value = serde_json::from_str(&text).unwrap();
        let place = expected_number(&document).unwrap_or_else(|| panic!("{name} expects nothing"));
        let number = document.pointer_mut(&place).unwrap();
        *number = json!(number.as_u64().unwrap() + 1_000);
        let report = check_json(&document);
        assert_eq!(report.failed().len(), 1, "{name}{place}: {report}");
        let story = place.strip_prefix("/scenarios/").map(|rest| rest.split('/').next().unwrap());
        let failed = report.failed()[0].name();
        match story {
            Some(at) => {
                assert_eq!(failed, document["scenarios"][at.parse::<usize>().unwrap()]["name"])
            }
            // The file has another name here.
            None => assert_eq!(failed, "story"),
        }
    }
}

#[test]
fn what_is_computed_is_what_was_expected() {
    for file in files() {
        if LONG.iter().any(|long| name(&file).starts_with(long)) {
            continue;
        }
        let vectors = conformance::load(Suite::Scenario, &file).unwrap();
        let (mut written, report) = conformance::emit(&vectors, |_| {}).unwrap();
        assert!(report.is_success(), "{report}");
        let original = conformance::numbers::to_value(&std::fs::read(&file).unwrap()).unwrap();
        // A step that expects nothing is to succeed, and is told so.
        silence(&mut written, &original);
        assert_eq!(written, original, "{}", file.display());
    }
}

/// Takes away the outcomes of the steps that expect none.
fn silence(written: &mut Value, original: &Value) {
    if let (Some(stories), Some(originals)) =
        (written["scenarios"].as_array_mut(), original["scenarios"].as_array())
    {
        stories.iter_mut().zip(originals).for_each(|(story, original)| silence(story, original));
        return;
    }
    let steps = written["steps"].as_array_mut().into_iter().flatten();
    let originals = original["steps"].as_array().into_iter().flatten();
    for (step, original) in steps.zip(originals).filter(|(_, step)| step.get("expect").is_none()) {
        assert!(original.get("call").is_none() || step["expect"] == json!({"ok": true}));
        step.as_object_mut().unwrap().remove("expect");
    }
    written.as_object_mut().unwrap().retain(|name, _| original.get(name).is_some());
}

/// One story, told once by the names of the metadata and once in other forms.
#[test]
fn a_story_may_be_told_in_many_forms() {
    let plain = json!({
        "preset": "dev",
        "steps": [
            {"at": 1, "signer": "//Alice", "call": "SubtensorModule.register_network", "args": {"hotkey": "//hot"}},
            {"at": 2, "signer": "root", "call": "AdminUtils.sudo_set_subtoken_enabled",
             "args": {"netuid": 2, "subtoken_enabled": true}},
            {"at": 3, "signer": "//Bob", "call": "SubtensorModule.add_stake",
             "args": {"hotkey": "//hot", "netuid": 2, "amount_staked": 1000}, "expect": {"error": "AmountTooLow"}},
            {"at": 4, "signer": "//Bob", "call": "Balances.transfer_keep_alive",
             "args": {"dest": "//new", "value": 5_000_000_000_u64}, "expect": {"ok": true}}
        ],
        "expect": {
            "storage": [
                {"pallet": "SubtensorModule", "item": "SubnetOwner", "keys": [2], "value": "//Alice"},
                {"pallet": "SubtensorModule", "item": "Uids", "keys": [2, "//hot"], "value": 0}
            ],
            "events": [
                {"pallet": "SubtensorModule", "name": "NetworkAdded", "block": 1},
                {"pallet": "Balances", "name": "Transfer", "fields": {"amount": 5_000_000_000_u64}}
            ],
            "balances": {"//new": 5_000_000_000_u64}
        }
    });
    let other = json!({
        "preset": {"name": "dev", "ruleset": 461, "funds": {"somebody": "1e9", "77": 1_000_000}},
        "accounts": {"owner": {"coldkey": "//Alice", "hotkey": "//hot", "rao": 5000}, "other": 7000},
        "steps": [
            {"signer": "owner", "pallet": "SubtensorModule", "call": "register_network", "args": ["owner.hotkey"]},
            {"at": "+1", "signer": "alice", "call": {"Sudo": {"sudo": {"call": {"AdminUtils": {
                "sudo_set_subtoken_enabled": {"netuid": "2", "subtoken_enabled": 1}}}}}}},
            {"at": {"block": 3}, "signer": "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty", "call": "add_stake",
             "args": {"hotkey": "//hot", "netuid": 2, "amount_staked": "1_000"},
             "expect": {"error": {"pallet": "SubtensorModule", "name": "AmountTooLow"}}},
            {"at": "0x4", "signer": "bob", "call": "transfer_keep_alive",
             "args": {"dest": {"Id": "//new"}, "value": "5e9"},
             "expect": {"ok": {"events": ["Balances.Transfer"]}}},
            // Nobody has the key of this account.
            {"signer": 77, "call": "System.remark_with_event", "args": ["0x00"]},
            {"advance": 3}
        ],
        "expect": {
            "storage": {"SubtensorModule": {"SubnetOwner": {"2": "owner"}}, "SubtensorModule.Uids(2, //hot)": 0,
                        "Axons": {"2, //hot": null}, "System.Account(//new)": {"data": {"free": {"min": 1}}}},
            "events": {"NetworkAdded": [2, null], "Balances.Transfer": {"to": "//new"}},
            "balances": [{"account": "other", "free": "7_000"}, {"account": "//new", "free": {"approx": 5_000_000_001_u64, "within": 1}, "nonce": 0}]
        }
    });
    for story in [plain, other] {
        let report = check_json(&story);
        assert!(report.is_success(), "{report}");
    }
}

#[test]
fn what_is_wrong_with_a_story_is_said() {
    let call = |args: Value| json!({"steps": [{"at": 1, "signer": "//Alice", "call": "add_stake", "args": args}]});
    for (story, said) in [
        (json!({"preset": "mainnet"}), "preset: a preset is \"dev\", \"localnet\""),
        (json!({"step": []}), "unknown field \"step\""),
        (json!({"steps": [{"at": 1, "sign": "x"}]}), "steps/0: unknown field \"sign\""),
        (json!({"steps": [{"at": u64::MAX}]}), "steps/0/at: 18446744073709551615 blocks are more"),
        (json!({"expect": {"balance_of": {}}}), "unknown field \"balance_of\""),
    ] {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("story.json");
        std::fs::write(&file, story.to_string()).unwrap();
        let error = conformance::load(Suite::Scenario, &file).unwrap_err();
        let line = tensor_examples::cause::line_of(&error);
        assert!(line.contains(said), "{line}");
    }
    for (story, said) in [
        (
            call(json!({"hotkey": "//hot", "netuid": 2})),
            "the argument \"amount_staked\" is missing",
        ),
        (call(json!({"hotkey": "5x", "netuid": 2, "amount_staked": 1})), "argument hotkey"),
        (call(json!({"hotkey": "//hot", "netuid": 70_000, "amount_staked": 1})), "70000"),
        (
            json!({"steps": [{"call": "no_such_call", "signer": "//Alice"}]}),
            "no call \"no_such_call\"",
        ),
        (json!({"expect": {"storage": {"Tempo": 5}}}), "has 1 more keys"),
        (json!({"expect": {"events": ["Nothing"]}}), "no event \"Nothing\""),
        (
            json!({"steps": [{"at": 3}, {"at": 2, "signer": "//Alice", "call": "System.remark", "args": ["0x00"]}]}),
            "block 2 is made already",
        ),
    ] {
        let report = check_json(&story);
        assert_eq!(report.failed().len(), 1, "{story}");
        assert!(report.to_string().contains(said), "{said}: {report}");
    }
}
