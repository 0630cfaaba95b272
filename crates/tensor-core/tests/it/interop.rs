//! Both official Python packages open what we wrote, and we open what they wrote.
//!
//! Runs with `TENSOR_INTEROP=1`; `TENSOR_PY_V10` and `TENSOR_PY_V11` then name the Python programs of
//! environments with bittensor 10.5.0 (bittensor-wallet 4.1.1) and bittensor 11.3.0. A peer that is
//! asked for and missing is a failure.

mod readers;

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tensor_core::{
    key::{Keypair, Mnemonic, Scheme, Signature, verify},
    wallet::{Keyfile, KeyfileError, Overwrite, Wallet, password, polkadot_js, sealed},
};

use crate::passwords;

const MNEMONIC: &str = "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth title";
const SEED: &str = "4ed8d4b17698ddeaa1f1559f152f87b5d472f725ca86d341bd0276f1b61197e2";
const MESSAGE: &[u8] = b"\x00interop \xff message";

struct Peer {
    python: PathBuf,
    version: u64,
}

impl Peer {
    /// The peers that are asked for: none, or both.
    fn all() -> Vec<Self> {
        if std::env::var_os("TENSOR_INTEROP").is_none_or(|asked| asked != "1") {
            return Vec::new();
        }
        [("TENSOR_PY_V10", 4), ("TENSOR_PY_V11", 11)]
            .into_iter()
            .map(|(variable, version)| {
                let python = std::env::var_os(variable);
                let python = python.unwrap_or_else(|| panic!("{variable} names no Python program"));
                let peer = Self { python: python.into(), version };
                assert_eq!(peer.ask(vec![json!({"op": "version"})]), [json!(version)]);
                peer
            })
            .collect()
    }

    fn ask(&self, requests: Vec<Value>) -> Vec<Value> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/peer.py");
        let mut child = Command::new(&self.python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", self.python.display()));
        let mut input = child.stdin.take().unwrap();
        input.write_all(Value::from(requests.clone()).to_string().as_bytes()).unwrap();
        drop(input);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{} failed", self.python.display());
        let answers: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answers.len(), requests.len());
        answers
    }
}

fn schemes() -> [Scheme; 2] {
    [Scheme::Sr25519, Scheme::Ed25519]
}

/// One password a scheme: every encrypted file costs the peer many seconds.
fn password_of(scheme: Scheme) -> &'static str {
    if scheme == Scheme::Sr25519 { "testing-Pa55" } else { "пароль 密码" }
}

fn check_signature(answer: &Value, key: &Keyfile) {
    assert_eq!(answer["ss58"], json!(key.account_id().to_string()), "{answer}");
    assert_eq!(answer["crypto"], json!(key.scheme().crypto_type()), "{answer}");
    let signature = Signature::from_hex(answer["signature"].as_str().unwrap(), key.scheme());
    assert!(verify(&key.account_id(), MESSAGE, &signature.unwrap()), "{answer}");
}

/// Coldkey and hotkey by scheme: one with phrase and seed, one with the key only.
fn keys(scheme: Scheme) -> (Keyfile, Keyfile) {
    let cold = Keyfile::from_mnemonic(&Mnemonic::parse(MNEMONIC).unwrap(), None, scheme);
    let hot = Keyfile::from_uri("//Alice//hot", scheme).unwrap();
    (cold, hot)
}

#[test]
fn what_we_wrote_opens_there() {
    for peer in Peer::all() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_str().unwrap();
        let mut requests = Vec::new();
        let mut expected = Vec::new();
        for scheme in schemes() {
            for password in [None, Some(password_of(scheme))] {
                let name = format!("{scheme}-{}", password.map_or("plain", |_| "locked"));
                let name = format!("{name}-{}", requests.len());
                let wallet = Wallet::new(root, &name).unwrap();
                let (cold, hot) = keys(scheme);
                let shared = password.map(passwords::shared);
                wallet.write_coldkey(&cold, shared, Overwrite::Never).unwrap();
                wallet.write_hotkey("hot-1", &hot, None, Overwrite::Never).unwrap();
                let mut request = json!({"op": "open", "root": root, "wallet": name, "hotkey": "hot-1", "message": hex::encode(MESSAGE)});
                match password {
                    // This one finds the password in the environment, as we encode it.
                    Some(text) if text.is_ascii() => {
                        let variable = password::variable_name(&wallet.coldkey_path());
                        request["value"] = password::encode(text, &variable).into();
                        request["variable"] = variable.into();
                    }
                    other => request["password"] = json!(other),
                }
                requests.push(request);
                expected.push((cold, hot));
            }
        }
        for (answer, (cold, hot)) in peer.ask(requests).iter().zip(&expected) {
            assert!(answer.get("error").is_none(), "{}: {answer}", peer.version);
            check_signature(&answer["coldkey"], cold);
            check_signature(&answer["hotkey"], hot);
            assert_eq!(answer["coldkeypub"]["ss58"], answer["coldkey"]["ss58"]);
            assert_eq!(answer["hotkeypub"]["crypto"], answer["hotkey"]["crypto"]);
        }
    }
}

#[test]
fn what_they_wrote_opens_here() {
    for peer in Peer::all() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_str().unwrap();
        let mut requests = Vec::new();
        for scheme in schemes() {
            for password in [None, Some(password_of(scheme))] {
                let crypto = scheme.crypto_type();
                requests.push(json!({
                    "op": "create", "root": root, "wallet": format!("w{}", requests.len()), "hotkey": "h",
                    "password": password, "message": hex::encode(MESSAGE),
                    "cold": {"mnemonic": MNEMONIC, "crypto": crypto},
                    "hot": if password.is_none() { json!({"uri": "//Alice//hot", "crypto": crypto}) } else { json!({"seed": SEED, "crypto": crypto}) },
                }));
            }
        }
        for (request, answer) in requests.clone().iter().zip(peer.ask(requests)) {
            assert!(answer.get("error").is_none(), "{}: {answer}", peer.version);
            let wallet = Wallet::new(root, request["wallet"].as_str().unwrap()).unwrap();
            let locked = wallet.coldkey().unwrap();
            let cold = match request["password"].as_str() {
                Some(text) => locked.unlock(passwords::shared(text)),
                None => locked.open(),
            };
            let cold = cold.unwrap();
            let hot = wallet.hotkey("h").unwrap().open().unwrap();
            check_signature(&answer["cold"], cold.keyfile());
            check_signature(&answer["hot"], hot.keyfile());
            assert_eq!(cold.keyfile().phrase(), Some(MNEMONIC));
            assert_eq!(wallet.coldkey_public().unwrap().account_id(), cold.account_id());
            assert_eq!(wallet.hotkeys().unwrap().len(), 1);
        }
    }
}

#[test]
fn signatures_exports_and_sealed_messages_are_taken_both_ways() {
    let sealer = Keypair::from_uri("//Alice", Scheme::Ed25519).unwrap();
    for peer in Peer::all() {
        let mut requests = Vec::new();
        for scheme in schemes() {
            let pair = Keypair::from_uri(
                "//Bob/soft".trim_end_matches(if scheme == Scheme::Ed25519 { "/soft" } else { "" }),
                scheme,
            )
            .unwrap();
            let wrapped = [b"<Bytes>", MESSAGE, b"</Bytes>"].concat();
            for (message, good) in [(MESSAGE, true), (&wrapped, true), (b"other", false)] {
                requests.push(json!({"op": "verify", "ss58": pair.account_id().to_string(), "crypto": scheme.crypto_type(), "message": hex::encode(MESSAGE), "signature": pair.sign(message).to_hex(), "expected": good}));
            }
            // bittensor-wallet 4.1.1 panics on every ed25519 export, whoever wrote it.
            if scheme == Scheme::Sr25519 || peer.version == 11 {
                let export = polkadot_js::export(&pair, &"pw".into(), "bob").unwrap();
                requests.push(json!({"op": "encrypted_json", "json": export, "passphrase": "pw", "expected": {"ss58": pair.account_id().to_string(), "crypto": scheme.crypto_type()}}));
            }
        }
        let message = hex::encode(MESSAGE);
        let box_for_them = sealed::seal(&sealer.account_id(), Scheme::Ed25519, MESSAGE).unwrap();
        requests.push(json!({"op": "unseal", "uri": "//Alice", "crypto": 0, "sealed": hex::encode(box_for_them), "expected": message}));
        requests.push(
            json!({"op": "seal", "ss58": sealer.account_id().to_string(), "message": message}),
        );
        let answers = peer.ask(requests.clone());
        for (request, answer) in requests.iter().zip(&answers) {
            if let Some(expected) = request.get("expected") {
                assert_eq!(answer, expected, "{}: {request}", peer.version);
            }
        }
        let box_for_us = hex::decode(answers.last().unwrap().as_str().unwrap()).unwrap();
        assert_eq!(*sealed::open(&sealer, &box_for_us).unwrap(), MESSAGE);
    }
}

#[test]
fn a_seed_that_was_written_as_characters_opens_here() {
    for peer in Peer::all().into_iter().filter(|peer| peer.version == 4) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_str().unwrap();
        let seed = "11".repeat(32);
        let key = json!({"seed": seed, "crypto": 1});
        let request = json!({"op": "create", "root": root, "wallet": "w", "hotkey": "h", "password": null, "message": "", "cold": key, "hot": key});
        let answer = peer.ask(vec![request]).remove(0);
        assert!(answer.get("error").is_none(), "{answer}");
        let content = std::fs::read(folder.path().join("w/coldkey")).unwrap();
        let read = Keyfile::read(&content).unwrap();
        assert_eq!(
            read.account_id(),
            Keyfile::from_seed(&[0x11; 32], Scheme::Sr25519).account_id()
        );
        assert_eq!(read.seed(), Some([0x11; 32].as_slice()));
        assert!(!matches!(
            Keyfile::read(read.to_json().as_bytes()),
            Err(KeyfileError::Corrupt { .. })
        ));
    }
}
