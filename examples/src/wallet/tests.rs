//! Commands without a terminal.

use std::{collections::HashMap, io};

use clap::Parser;
use serde_json::Value;
use zeroize::Zeroizing;

use super::{Args, Console, Failure, Report, run};

const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

/// Answers in turn, and an environment.
#[derive(Default)]
struct Script {
    answers: Vec<String>,
    variables: HashMap<String, String>,
    input: String,
}

impl Console for Script {
    fn env(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn ask(&mut self, _: &str) -> Option<Zeroizing<String>> {
        (!self.answers.is_empty()).then(|| Zeroizing::new(self.answers.remove(0)))
    }

    fn input(&mut self) -> io::Result<Zeroizing<String>> {
        Ok(Zeroizing::new(core::mem::take(&mut self.input)))
    }
}

struct Bench {
    folder: tempfile::TempDir,
    script: Script,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), script: Script::default() }
    }

    fn run(&mut self, words: &[&str]) -> Result<Report, Failure> {
        let path = self.folder.path().to_str().unwrap().to_owned();
        let line = ["wallet", "--path", &path].into_iter().chain(words.iter().copied());
        let args = Args::try_parse_from(line).unwrap_or_else(|error| panic!("{error}"));
        run(&args, &mut self.script)
    }

    fn answer(&mut self, answers: &[&str]) -> &mut Self {
        self.script.answers = answers.iter().map(|answer| (*answer).to_owned()).collect();
        self
    }

    fn json(&mut self, words: &[&str]) -> Value {
        self.run(words).unwrap_or_else(|failure| panic!("{:?}", failure.reasons())).json
    }

    fn code(&mut self, words: &[&str]) -> u8 {
        match self.run(words) {
            Ok(report) => panic!("{}", report.text),
            Err(failure) => failure.exit_code(),
        }
    }
}

#[test]
fn the_command_line_is_sound() {
    use clap::CommandFactory;
    Args::command().debug_assert();
}

#[test]
fn a_wallet_is_made_listed_and_used() {
    let mut bench = Bench::new();
    let made = bench.run(&["create", "w", "--no-password"]).unwrap();
    assert!(made.json["keys"][0].get("mnemonic").is_none(), "no secret unasked");
    let cold = made.json["keys"][0]["address"].as_str().unwrap().to_owned();
    bench.run(&["new-hotkey", "w/hk-2", "--words", "24", "--scheme", "ed25519"]).unwrap();
    assert_eq!(bench.code(&["create", "w", "--no-password"]), 5);
    assert_eq!(bench.code(&["new-hotkey", "w"]), 2);
    assert_eq!(bench.code(&["new-hotkey", "w/x", "--words", "13"]), 2);

    let tree = bench.run(&["list"]).unwrap();
    assert!(tree.text.contains("└── w") && tree.text.contains("    └── hk-2"), "{}", tree.text);
    assert_eq!(tree.json["wallets"][0]["address"], cold.as_str());
    assert_eq!(tree.json["wallets"][0]["hotkeys"][1]["scheme"], "ed25519");

    let signed = bench.json(&["sign", "w", "hello"]);
    let signature = signed["signature"].as_str().unwrap().to_owned();
    assert_eq!(bench.json(&["verify", &cold, "hello", &signature])["valid"], true);
    assert_eq!(bench.json(&["verify", &cold, "68656c6c6f", &signature, "--hex"])["valid"], true);
    bench.script.input = format!("0x{signature}\n");
    assert_eq!(bench.json(&["verify", &cold, "hello", "-"])["valid"], true);
    assert_eq!(bench.code(&["verify", &cold, "hullo", &signature]), 1);
    assert_eq!(bench.code(&["verify", &cold, "hello", "00"]), 2);
    assert_eq!(bench.code(&["verify", "5x", "hello", &signature]), 2);
    assert_eq!(bench.code(&["sign", "nobody", "hello"]), 4);

    let wrapped =
        bench.json(&["sign", "w", "<Bytes>hi</Bytes>"])["signature"].as_str().unwrap().to_owned();
    assert_eq!(bench.json(&["verify", &cold, "hi", &wrapped])["valid"], true);
    assert_eq!(bench.code(&["verify", &cold, "hi", &wrapped, "--exact"]), 1);
}

#[test]
fn secrets_are_shown_only_when_asked() {
    let mut bench = Bench::new();
    let made = bench.run(&["new-hotkey", "w/h", "--show-mnemonic"]).unwrap();
    let phrase = made.json["keys"][0]["mnemonic"].as_str().unwrap().to_owned();
    let shown = bench.run(&["inspect", "w/h"]).unwrap();
    assert!(!shown.text.contains(&phrase) && shown.json.get("private_key").is_none());
    let shown = bench.run(&["inspect", "w/h", "--reveal", "--qr"]).unwrap();
    assert!(shown.text.contains(&phrase) && shown.text.contains('█'), "{}", shown.text);

    let address = shown.json["address"].clone();
    for (source, field) in
        [("mnemonic", "mnemonic"), ("seed", "seed"), ("private-key", "private_key")]
    {
        let secret = shown.json[field].as_str().unwrap();
        let again =
            bench.answer(&[secret]).json(&["regen", "other/h", "--from", source, "--overwrite"]);
        assert_eq!(again["keys"][0]["address"], address, "{source}");
    }
    let alice = bench.answer(&["//Alice"]).json(&["regen", "alice/h", "--from", "uri"]);
    assert_eq!(alice["keys"][0]["address"], ALICE);
    assert_eq!(bench.answer(&[]).code(&["regen", "x/h", "--from", "seed"]), 2);
    assert_eq!(bench.answer(&["12"]).code(&["regen", "x/h", "--from", "seed"]), 2);
}

#[test]
fn a_public_file_alone_can_be_watched() {
    let mut bench = Bench::new();
    bench.answer(&[ALICE]).run(&["regen", "watch", "--from", "address"]).unwrap();
    let shown = bench.json(&["inspect", "watch"]);
    assert_eq!((&shown["address"], &shown["secret"]), (&ALICE.into(), &false.into()));
    assert_eq!(bench.code(&["sign", "watch", "x"]), 4);
}

#[test]
fn an_export_comes_back() {
    let mut bench = Bench::new();
    bench.answer(&["//Alice"]).run(&["regen", "w/h", "--from", "uri"]).unwrap();
    let export = bench.answer(&["secret1", "secret1"]).run(&["export", "w/h"]).unwrap().text;
    let file = bench.folder.path().join("export.json");
    std::fs::write(&file, export).unwrap();
    let regen = ["regen", "w/again", "--from", "json", "--file", file.to_str().unwrap()];
    assert_eq!(bench.answer(&["wrong"]).code(&regen), 3);
    assert_eq!(bench.answer(&["secret1"]).json(&regen)["keys"][0]["address"], ALICE);

    let password = bench.folder.path().join("password");
    std::fs::write(&password, "secret2\n").unwrap();
    let password = password.to_str().unwrap().to_owned();
    let export = ["export", "w/h", "--new-password-file", &password];
    std::fs::write(&file, bench.answer(&[]).run(&export).unwrap().text).unwrap();
    let regen = [&regen[..], &["--export-password-file", &password, "--overwrite"]].concat();
    assert_eq!(bench.json(&regen)["keys"][0]["address"], ALICE);
}

#[test]
fn messages_are_sealed_to_ed25519_keys() {
    let mut bench = Bench::new();
    let made = bench.json(&["new-hotkey", "w/ed", "--scheme", "ed25519"]);
    let address = made["keys"][0]["address"].as_str().unwrap().to_owned();
    let sealed = bench.json(&["seal", &address, "for you"])["sealed"].as_str().unwrap().to_owned();
    assert_eq!(bench.json(&["unseal", "w/ed", &sealed])["message"], "for you");
    bench.run(&["new-hotkey", "w/sr"]).unwrap();
    assert_eq!(bench.code(&["unseal", "w/sr", &sealed]), 6);
}

#[test]
fn passwords_are_set_changed_and_taken_away() {
    let mut bench = Bench::new();
    bench.answer(&["//Alice"]).run(&["regen", "w", "--from", "uri", "--no-password"]).unwrap();
    assert_eq!(bench.answer(&[]).code(&["encrypt", "w"]), 3);
    assert_eq!(bench.answer(&["short", "short"]).code(&["encrypt", "w"]), 3);
    assert_eq!(bench.answer(&["long enough", "other one"]).code(&["encrypt", "w"]), 3);
    assert_eq!(
        bench.answer(&["first one", "first one"]).json(&["encrypt", "w"])["encryption"],
        "NaCl"
    );
    assert_eq!(bench.answer(&[]).code(&["encrypt", "w"]), 6);
    assert_eq!(bench.answer(&[]).code(&["sign", "w", "x"]), 3);
    assert_eq!(bench.json(&["inspect", "w"])["address"], ALICE, "the address needs no password");

    bench.script.variables.insert("BT_WALLET_PASSWORD".into(), "first one".into());
    bench.answer(&["second one", "second one"]).run(&["change-password", "w"]).unwrap();
    assert_eq!(bench.code(&["sign", "w", "x"]), 3, "the stored password is the old one");
    bench.script.variables.insert("BT_WALLET_PASSWORD".into(), "second one".into());
    assert_eq!(bench.json(&["decrypt", "w"])["encryption"], Value::Null);
    assert_eq!(bench.code(&["decrypt", "w"]), 6);
    assert_eq!(bench.json(&["sign", "w", "x"])["address"], ALICE);
}
