//! The programs `localnet`, `miner` and `query` as processes: a registered miner with a model publishes
//! its address, serves who has a permit, and outlives the loss of its node.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};
use tensor_chain::Subtensor;
use tensor_core::key::{Keypair, Scheme};
use tensor_core::{Hotkey, NetUid};

use super::miner::MINER;
use super::process::{Process, command};
use super::proxy::Proxy;

const LOCALNET: &str = env!("CARGO_BIN_EXE_localnet");
const QUERY: &str = env!("CARGO_BIN_EXE_query");
const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/model/small");
const SCENARIO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/scenario.json");
/// The scenario's subnet.
const NETUID: &str = "2";
const BODY: &str = r#"{"texts": ["great food", "never again"]}"#;

fn hotkey(uri: &str) -> Hotkey {
    Hotkey::new(Keypair::from_uri(uri, Scheme::Sr25519).unwrap().account_id())
}

/// Asks as the program `query` does, for the classes of two texts.
fn query(miner: &Process, uri: &str, protocol: &str) -> Value {
    let (axon, to) = (&miner.ready[0], &miner.ready[1]);
    let args = [
        "--uri",
        uri,
        "--axon",
        axon,
        "--to",
        to,
        "--synapse",
        "Classify",
        "--json",
        BODY,
        "--protocol",
        protocol,
        "--hashed",
        "texts",
    ];
    let output = command(QUERY, &args).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The likeliest class of each text.
fn best(classes: &Value) -> Vec<&str> {
    let score = |class: &Value| class[1].as_f64().unwrap();
    let of_text = |classes: &'_ Value| -> usize {
        let scores: Vec<f64> = classes.as_array().unwrap().iter().map(score).collect();
        (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap()
    };
    let texts = classes.as_array().unwrap().iter();
    texts.map(|classes| classes[of_text(classes)][0].as_str().unwrap()).collect()
}

fn metrics(address: &str) -> String {
    let address: SocketAddr = address.parse().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_miner_is_published_and_serves_who_has_a_permit() {
    let node =
        Process::start(LOCALNET, &["--port", "0", "--fast", "--quiet", "--scenario", SCENARIO]);
    let chain = Subtensor::connect(&node.ready[0]).await.unwrap();
    let proxy = Proxy::to(node.ready[0].trim_start_matches("ws://").parse().unwrap());
    let network = format!("ws://{}", proxy.address);
    let denied = hotkey("//miner//second").to_string();
    let start = |port: &str| {
        let args = [
            "--uri",
            "//miner//default",
            "--network",
            &network,
            "--netuid",
            NETUID,
            "--refresh",
            "1",
            "--deny",
            &denied,
            "--listen",
            "127.0.0.1:0",
            "--model",
            MODEL,
            "--protocols",
            "btauth,synapse,epistula",
            "--external-ip",
            "8.8.4.4",
            "--external-port",
            port,
            "--metrics",
            "127.0.0.1:0",
        ];
        Process::start(MINER, &args)
    };
    let me = hotkey("//miner//default");
    let published = async || {
        let graph = chain.metagraph(NetUid::new(2)).await.unwrap();
        graph.by_hotkey(&me).unwrap().axon.unwrap().address().unwrap().to_string()
    };
    let miner = start("4321");
    miner.wait_for("the address is published");
    assert_eq!(published().await, "8.8.4.4:4321");

    let served = |miner: &Process| {
        let line = query(miner, "//Bob//default", "btauth");
        assert_eq!((&line["ok"], &line["signature"]), (&json!(true), &json!("verified")), "{line}");
        assert_eq!(best(&line["body"]), ["positive", "negative"], "{line}");
    };
    served(&miner);
    let line = query(&miner, "//Bob//default", "epistula");
    assert_eq!(best(&line["body"]), ["positive", "negative"], "{line}");
    // The answer of SDK 10 is an object.
    let line = query(&miner, "//Bob//default", "synapse");
    assert_eq!(best(&line["body"]["answer"]), ["positive", "negative"], "{line}");
    for (uri, protocol, said) in [
        ("//Alice", "btauth", "not registered on this subnet"),
        ("//miner//second", "synapse", "Forbidden. Key is blacklisted: listed key."),
    ] {
        let line = query(&miner, uri, protocol);
        assert_eq!(line["status"], 403, "{line}");
        assert!(line["error"]["message"].as_str().unwrap().contains(said), "{line}");
    }

    let measured = miner.wait_for("metrics at http://");
    let measured = measured.split("http://").nth(1).unwrap().trim_end_matches("/metrics");
    let text = metrics(measured);
    for part in [
        "miner_registered 1\n",
        "miner_publications_total 1\n",
        "miner_pruning_rank ",
        "axon_requests_total{outcome=\"answered\"} 3\n",
        "axon_requests_total{outcome=\"Forbidden\"} 2\n",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let asked = format!("miner_last_request_seconds{{hotkey=\"{}\"}} ", hotkey("//Bob//default"));
    assert!(text.contains(&asked) && !text.contains(&format!("{asked}0\n")), "{text}");

    proxy.cut();
    miner.wait_for("serving on with what was known of the chain");
    served(&miner);
    proxy.mend();
    miner.wait_for("the chain answers again");
    served(&miner);
    miner.stop("TERM");

    // Its address changed.
    let miner = start("4322");
    miner.wait_for("the address is published");
    assert_eq!(published().await, "8.8.4.4:4322");
    miner.stop("INT");
    node.stop("TERM");
}

#[test]
fn what_has_no_place_on_the_chain_says_what_to_do() {
    let node = Process::start(LOCALNET, &["--port", "0", "--instant", "--quiet"]);
    let url = node.ready[0].as_str();
    for (args, expected) in [
        (&["--network", url, "--netuid", "1"][..], "btcli subnets register --netuid 1"),
        (&["--network", url, "--netuid", "77"], "subnet 77 does not exist"),
        (&["--network", url], "say which subnet with --netuid"),
        (&["--network", "ws://127.0.0.1:9", "--netuid", "1"], "--features localnet --bin localnet"),
    ] {
        let args = [&["--uri", "//Nobody", "--listen", "127.0.0.1:0"], args].concat();
        let output = command(MINER, &args).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(expected), "{said}");
    }
    node.stop("TERM");
}
