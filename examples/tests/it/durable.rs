//! `localnet --data-dir`: a process that is killed at any moment, and one that takes its place.

use std::time::Duration;

use clap::Parser as _;
use tensor_chain::Subtensor;
use tensor_chain::intent::Transfer;
use tensor_chain::local::{DataDir, LocalChain};
use tensor_core::Tao;
use tensor_core::key::{Keypair, Scheme};
use tensor_examples::localnet::args::Args;

use super::process::{Process, command};

const LOCALNET: &str = env!("CARGO_BIN_EXE_localnet");

/// Height and first half of the hash in the newest whole line that tells of a block.
fn newest(said: &str) -> Option<(u64, String)> {
    let whole = said.rsplit_once('\n')?.0;
    let line = whole.lines().rev().find(|line| line.starts_with("block "))?;
    let mut words = line.split(' ').skip(1);
    Some((words.next()?.parse().ok()?, words.next()?.strip_prefix("0x")?.to_owned()))
}

/// Somebody who pays, for as long as there is a chain.
async fn pay(url: String) {
    let Ok(client) = Subtensor::connect(&url).await else { return };
    let alice = Keypair::from_uri("//Alice", Scheme::Sr25519).unwrap();
    let bob = Keypair::from_uri("//Bob", Scheme::Sr25519).unwrap().account_id();
    while client.execute(&Transfer::new(bob, Tao::from_rao(1_000)), &alice).await.is_ok() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_node_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let clocked = ["--fast", "--block-time", "0.02"];
    let args = [&["localnet", "--port", "0", "--data-dir", path][..], &clocked].concat();
    let mut known: Option<(u64, String)> = None;
    let mut genesis = None;
    // Moments after the node is ready, in milliseconds.
    for moment in [1u64, 90, 217, 33, 140, 411, 5, 260, 64, 333] {
        let node = Process::start(LOCALNET, &args[1..]);
        // Another process has it now.
        let refused = command(LOCALNET, &args[1..]).output().unwrap();
        assert_eq!(refused.status.code(), Some(2));
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(said.contains("is open in another process"), "{said}");
        let paying = tokio::spawn(pay(node.ready[0].clone()));
        assert_eq!(*genesis.get_or_insert_with(|| node.ready[1].clone()), node.ready[1]);
        tokio::time::sleep(Duration::from_millis(moment)).await;
        let said = node.kill();
        paying.abort();
        if let Some((height, _)) = &known {
            let on = said.lines().find_map(|line| line.strip_prefix("going on after block "));
            let on: u64 = on.expect("it says where it goes on").parse().unwrap();
            assert!(on >= *height, "block {height} was told of, and is lost: {on}");
        }
        known = newest(&said).or(known);
        // The hash chains of blocks and states are computed anew by whoever opens the folder.
        let config = Args::parse_from(&args).config(0);
        let chain = LocalChain::builder()
            .config(config)
            .open(DataDir::open(folder.path()).unwrap())
            .unwrap();
        assert_eq!(chain.oldest_number(), 0);
        assert!(chain.invariants().hold(), "{:?}", chain.invariants());
        if let Some((height, hash)) = &known {
            let found = chain.block_hash(*height).map(hex::encode).unwrap_or_default();
            assert_eq!(found.get(..hash.len()), Some(hash.as_str()), "block {height}");
        }
    }
    let (height, _) = known.expect("no block was made");
    assert!(height > 10, "{height}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_keeps_its_chain_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/scenario.json");
    let args = ["--port", "0", "--instant", "--data-dir", path, "--scenario", scenario];
    let node = Process::start(LOCALNET, &args);
    let alice = Keypair::from_uri("//Alice", Scheme::Sr25519).unwrap();
    let bob = Keypair::from_uri("//Bob", Scheme::Sr25519).unwrap().account_id();
    let client = Subtensor::connect(&node.ready[0]).await.unwrap();
    let transfer = Transfer::new(bob, Tao::from_rao(1_000));
    let receipt = client.execute(&transfer, &alice).await.unwrap();
    let said = node.stop("TERM");
    let head = format!("stopping after block {}\n", receipt.block.value());
    assert!(said.ends_with(&head), "{said}");

    let node = Process::start(LOCALNET, &args);
    let client = Subtensor::connect(&node.ready[0]).await.unwrap();
    let again = client.execute(&transfer, &alice).await.unwrap();
    assert_eq!(again.block.value(), receipt.block.value() + 1);
    node.stop("TERM");

    let other = [&args[..], &["--seed", "5"]].concat();
    let output = command(LOCALNET, &other).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("holds a chain whose seed is 0, not 5"), "{said}");
}
