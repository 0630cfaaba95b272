//! The program `miner` as a process of its own, with a wallet's hotkey, asked by the program `query`.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::process::{Process, command};
use super::query::ask;

pub(crate) const MINER: &str = env!("CARGO_BIN_EXE_miner");
pub(crate) const EVE: &str = "5HGjWAeFDfFCWPsjFQdVV2Msvz2XtMktvgocEZcCj68kUMaw";

/// A folder with a wallet of bittensor-wallet 4.1.1 whose hotkey `h` is //Bob, readable as said.
fn wallets(mode: u32) -> TempDir {
    let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/wallets");
    let key = format!("{vectors}/bittensor-wallet-4.1.1/from-uri/hotkeys/h");
    let folder = tempfile::tempdir().unwrap();
    let hotkeys = folder.path().join("w/hotkeys");
    std::fs::create_dir_all(&hotkeys).unwrap();
    std::fs::copy(key, hotkeys.join("h")).unwrap();
    std::fs::set_permissions(hotkeys.join("h"), Permissions::from_mode(mode)).unwrap();
    folder
}

/// The arguments with a hotkey of that folder.
fn with<'a>(wallets: &'a TempDir, hotkey: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let folder = wallets.path().to_str().unwrap();
    let key = ["--wallet-path", folder, "--wallet", "w", "--hotkey", hotkey];
    [&key, &["--offline", "--listen", "127.0.0.1:0"][..], more].concat()
}

#[tokio::test]
async fn every_synapse_is_answered_as_the_official_packages_expect() {
    let more = ["--protocols", "btauth,synapse,epistula", "--deny", EVE];
    let wallets = wallets(0o600);
    let miner = Process::start(MINER, &with(&wallets, "h", &more));
    let address = miner.ready[0].parse().unwrap();
    let alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
    for (protocol, synapse, field, expected) in [
        ("synapse", "Prompt", "/completion", json!("X")),
        ("synapse", "/Unhashed", "/completion", json!("X")),
        ("synapse", "/PromptStream", "", json!("X ")),
        ("btauth", "generate", "/completion", json!("X")),
        ("btauth", "a/path", "/hotkey", json!(alice)),
        ("epistula", "a/path", "/bytes", json!(15)),
    ] {
        let (good, line) = ask(address, "//Alice", synapse, protocol, &[]).await;
        assert!(good, "{line}");
        // A stream is not signed.
        let signature = if field.is_empty() { "unsigned" } else { "verified" };
        assert_eq!(line["signature"], signature, "{line}");
        assert_eq!(line["body"].pointer(field), Some(&expected), "{line}");
    }
    for (uri, synapse, status, kind) in [
        ("//Alice", "Teapot", 418, "refused"),
        ("//Alice", "Late", 408, "refused"),
        ("//Alice", "Boom", 500, "failed"),
        ("//Alice", "Unheard", 500, "failed"),
        ("//Eve", "Prompt", 403, "refused"),
    ] {
        let (good, line) = ask(address, uri, synapse, "synapse", &[]).await;
        assert!(!good, "{line}");
        let expected: [Value; 2] = [status.into(), kind.into()];
        assert_eq!([&line["status"], &line["error"]["kind"]], expected.each_ref(), "{line}");
    }
    assert_eq!(miner.stop("TERM"), "");
}

#[test]
fn what_cannot_begin_says_why() {
    for (mode, hotkey, expected) in [
        (0o644, "h", "set it to 0600"),
        (0o600, "none", "the wallet's hotkey cannot be used"),
        (0o600, "../h", "the wallet's hotkey cannot be used"),
    ] {
        let wallets = wallets(mode);
        let output = command(MINER, &with(&wallets, hotkey, &[])).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(expected), "{said}");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let args = ["--uri", "//Bob", "--offline", "--listen", &address];
    let output = command(MINER, &args).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("choose another with --listen"), "{said}");
}
