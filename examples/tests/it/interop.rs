//! The programs `miner` and `query` against the official Python packages: SDK 10.5.0, SDK 11.3.0, and
//! Epistula 2 signed by the official wallet. Runs where `TENSOR_INTEROP=1`, with the interpreters in
//! `TENSOR_PY_V11` and `TENSOR_PY_V10`; then a missing one is a failure.

#[path = "../../../crates/tensor-net/tests/interop/peers.rs"]
mod peers;

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::miner::{EVE, MINER};
use super::process::{Process, command};
use peers::{Running, cases, python, script};

/// Where the scripts are.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/tensor-net/tests/interop");
const QUERY: &str = env!("CARGO_BIN_EXE_query");
const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
const BOB: &str = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";

/// The program `miner` as //Bob, who denies //Eve; and its port.
fn miner() -> (Process, String) {
    let args = [
        "--uri",
        "//Bob",
        "--offline",
        "--model",
        "interop",
        "--listen",
        "127.0.0.2:0",
        "--protocols",
        "btauth,synapse,epistula",
        "--deny",
        EVE,
    ];
    let miner = Process::start(MINER, &args);
    assert_eq!(miner.ready[1], BOB);
    let port = miner.ready[0].parse::<SocketAddr>().unwrap().port().to_string();
    (miner, port)
}

#[tokio::test]
async fn the_miner_serves_the_official_clients() {
    let (Some(v10), Some(v11)) = (python("TENSOR_PY_V10"), python("TENSOR_PY_V11")) else { return };
    let (miner, port) = miner();
    let dendrite = cases(script(&v10, "sdk10_dendrite", &[&port, BOB]));
    let http_auth = cases(script(&v11, "sdk11_client", &[&port, BOB]));
    let epistula = cases(script(&v10, "epistula_client", &[&port, BOB]));
    let (dendrite, http_auth, epistula) = futures::join!(dendrite, http_auth, epistula);
    peers::check_sdk10_dendrite(&dendrite, BOB);
    peers::check_sdk11_client(&http_auth, ALICE);
    peers::check_epistula_client(&epistula, ALICE);
    miner.stop("TERM");
}

/// Asks as the program does: its exit code, and its lines.
fn query(address: SocketAddr, args: &[&str]) -> (Option<i32>, Vec<Value>) {
    let address = address.to_string();
    let to = if args.contains(&"--to") { &[][..] } else { &["--to", BOB] };
    let all = [&["--axon", &address][..], to, args].concat();
    let output = command(QUERY, &all).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[test]
fn a_real_axon_answers_the_query() {
    let Some(python) = python("TENSOR_PY_V10") else { return };
    let (_axon, address) = Running::sdk10_axon(&python);
    let ask = |uri: &str, synapse: &str, body: &str, more: &[&str]| {
        let args = ["--uri", uri, "--synapse", synapse, "--json", body, "--protocol", "synapse"];
        let (code, mut lines) = query(address, &[&args, more].concat());
        assert_eq!(lines.len(), 1, "{lines:?}");
        (code, lines.remove(0))
    };
    let mixed = r#"{"text": "it's", "number": -3, "ratio": 2, "flag": true, "items": [1, 2],
        "table": {"k": [null, "v", 1.5]}}"#;
    for (synapse, body, field, expected) in [
        ("Prompt", r#"{"prompt": "it's 漢字"}"#, "/completion", "IT'S 漢字"),
        ("Unhashed", r#"{"prompt": "x"}"#, "/completion", "X"),
        ("Mixed", mixed, "/reply", "it's|-3|2.0|True|[1, 2]|{'k': [None, 'v', 1.5]}|None"),
        ("Slow", r#"{"seconds": 0.01}"#, "/reply", "done"),
        ("PromptStream", r#"{"prompt": "a bb c"}"#, "", "A BB C "),
        ("Synapse", "{}", "/name", "Synapse"),
    ] {
        let (code, line) = ask("//Alice", synapse, body, &[]);
        assert_eq!(
            (code, &line["status"], &line["ok"]),
            (Some(0), &json!(200), &json!(true)),
            "{line}"
        );
        assert_eq!(line["body"].pointer(field), Some(&json!(expected)), "{line}");
        assert_eq!(line["signature"], "unsigned", "the original signs no answers: {line}");
    }
    let prompt = r#"{"prompt": "x"}"#;
    let charlie = "5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y";
    for (uri, synapse, more, status, kind, said) in [
        ("//Alice", "Boom", &[][..], 500, "failed", "Internal Server Error #"),
        ("//Alice", "Teapot", &[], 418, "refused", ""),
        ("//Alice", "Late", &[], 408, "refused", "Response timeout after: 12.0s"),
        ("//Alice", "Nope", &[], 404, "refused", "Synapse name 'Nope' not found"),
        ("//Eve", "Prompt", &[], 403, "refused", "Forbidden. Key is blacklisted: listed key."),
        ("//Alice", "Prompt", &["--to", charlie], 401, "refused", "Signature mismatch"),
        // Another set of hashed fields than the class has.
        (
            "//Alice",
            "Prompt",
            &["--hashed", "prompt,prompt"],
            500,
            "failed",
            "Internal Server Error #",
        ),
    ] {
        let (code, line) = ask(uri, synapse, prompt, more);
        assert_eq!((code, &line["status"]), (Some(1), &json!(status)), "{line}");
        assert_eq!(
            (&line["error"]["kind"], &line["error"]["blame"]),
            (&json!(kind), &json!("peer"))
        );
        assert!(line["error"]["message"].as_str().unwrap().contains(said), "{line}");
    }
    let (code, line) = ask("//Alice", "Slow", r#"{"seconds": 5}"#, &["--timeout", "0.3"]);
    assert_eq!((code, &line["error"]["kind"]), (Some(1), &json!("timeout")), "{line}");

    let many = [
        "--uri",
        "//Alice",
        "--synapse",
        "Prompt",
        "--json",
        prompt,
        "--protocol",
        "synapse",
        "--count",
        "40",
        "--concurrency",
        "8",
    ];
    let (code, lines) = query(address, &many);
    assert_eq!((code, lines.len()), (Some(0), 40), "{lines:?}");
}

#[test]
fn a_server_of_sdk_11_answers_the_query() {
    let Some(python) = python("TENSOR_PY_V11") else { return };
    let (_server, address) = Running::sdk11_server(&python, BOB);
    let args = [
        "--uri",
        "//Alice",
        "--synapse",
        "a/path?q=%20",
        "--json",
        "[1, 2]",
        "--count",
        "30",
        "--concurrency",
        "10",
    ];
    let (code, lines) = query(address, &args);
    assert_eq!((code, lines.len()), (Some(0), 30));
    for line in lines {
        assert_eq!(line["body"], json!({ "hotkey": ALICE, "bytes": 6 }), "{line}");
    }
    let (code, lines) = query(address, &[&args[..6], &["--to", ALICE]].concat());
    assert_eq!(
        (code, &lines[0]["status"], &lines[0]["body"]["error"]),
        (Some(1), &json!(401), &json!("WrongReceiver"))
    );
    assert_eq!(lines[0]["error"]["hotkey"], ALICE, "{lines:?}");
}
