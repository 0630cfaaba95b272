//! The program `localnet` as a process of its own, and our client on its websocket.

use tensor_chain::Subtensor;
use tensor_chain::intent::Transfer;
use tensor_core::key::{Keypair, Scheme};
use tensor_core::{AccountId, NetUid, Tao};

use super::process::{Process, command};

const LOCALNET: &str = env!("CARGO_BIN_EXE_localnet");

fn account(uri: &str) -> AccountId {
    Keypair::from_uri(uri, Scheme::Sr25519).unwrap().account_id()
}

#[tokio::test(flavor = "multi_thread")]
async fn our_client_reads_and_transfers() {
    let args = ["--port", "0", "--fast", "--fund", "//Mallory=12.5"];
    let node = Process::start(LOCALNET, &args);
    let client = Subtensor::connect(&node.ready[0]).await.unwrap();
    assert_eq!(node.ready[1], format!("0x{}", hex::encode(client.genesis_hash())));
    let mallory = account("//Mallory");
    let balance = async || client.balance(&mallory).await.unwrap();
    assert_eq!(balance().await, Tao::from_rao(12_500_000_000));
    let alice = Keypair::from_uri("//Alice", Scheme::Sr25519).unwrap();
    let transfer = Transfer::new(mallory, Tao::from_rao(500_000_000));
    let receipt = client.execute(&transfer, &alice).await.unwrap();
    assert!(receipt.block.value() > 0);
    assert_eq!(balance().await, Tao::from_rao(13_000_000_000));
    let said = node.stop("TERM");
    assert!(said.contains("Balances.transfer_keep_alive"), "{said}");
    assert!(said.contains("stopping after block "), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn instant_makes_a_block_for_a_transaction_and_plays_a_scenario() {
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/scenario.json");
    let node =
        Process::start(LOCALNET, &["--port", "0", "--instant", "--quiet", "--scenario", scenario]);
    let client = Subtensor::connect(&node.ready[0]).await.unwrap();
    let before = client.block().await.unwrap();
    let alice = Keypair::from_uri("//Alice", Scheme::Sr25519).unwrap();
    let receipt = client
        .execute(&Transfer::new(account("//miner"), Tao::from_rao(1_000_000_000)), &alice)
        .await
        .unwrap();
    assert_eq!(receipt.block.value(), before.number.value() + 1);
    let graph = client.metagraph(NetUid::new(2)).await.unwrap();
    assert_eq!(graph.len(), 4);
    let said = node.stop("INT");
    let stopping = format!("stopping after block {}\n", receipt.block.value());
    assert_eq!(said, stopping, "quiet");
}

#[test]
fn what_cannot_run_says_why() {
    let output = command(LOCALNET, &["--scenario", "/nowhere.json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("/nowhere.json cannot be read"), "{said}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = command(LOCALNET, &["--port", &port]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("another --port"), "{said}");
}
