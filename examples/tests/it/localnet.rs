//! The program `localnet` as a process of its own, and our client on its websocket.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use tensor_chain::Subtensor;
use tensor_chain::intent::Transfer;
use tensor_core::key::{Keypair, Scheme};
use tensor_core::{AccountId, NetUid, Tao};

/// A running `localnet`; dropping it kills it.
struct Localnet {
    child: Child,
    url: String,
    genesis: String,
}

impl Localnet {
    fn start(args: &[&str]) -> Self {
        let mut child = command(args).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut words = line.split_whitespace();
        assert_eq!(words.next(), Some("ready"), "{line:?}");
        let (url, genesis) = (words.next().unwrap().into(), words.next().unwrap().into());
        Self { child, url, genesis }
    }

    /// Asks it to stop, and returns what it said on standard error.
    fn stop(mut self, signal: &str) -> String {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status().unwrap();
        assert!(sent.success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        said
    }
}

impl Drop for Localnet {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_localnet"));
    command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn account(uri: &str) -> AccountId {
    Keypair::from_uri(uri, Scheme::Sr25519).unwrap().account_id()
}

#[tokio::test(flavor = "multi_thread")]
async fn our_client_reads_and_transfers() {
    let args = ["--port", "0", "--fast", "--fund", "//Mallory=12.5"];
    let node = Localnet::start(&args);
    let client = Subtensor::connect(&node.url).await.unwrap();
    assert_eq!(node.genesis, format!("0x{}", hex::encode(client.genesis_hash())));
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
    let node = Localnet::start(&["--port", "0", "--instant", "--quiet", "--scenario", scenario]);
    let client = Subtensor::connect(&node.url).await.unwrap();
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
    assert!(!said.contains("block 1 "), "{said}");
}

#[test]
fn what_cannot_run_says_why() {
    let output = command(&["--scenario", "/nowhere.json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("/nowhere.json cannot be read"), "{said}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = command(&["--port", &port]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("another --port"), "{said}");
}
