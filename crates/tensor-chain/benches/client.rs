//! The client's own work: decoding a metagraph, composing a batch, making a client from cached metadata.
//!
//! `cargo bench -p tensor-chain --features local --bench client`; with `--test` each runs once.

#![allow(clippy::unwrap_used, reason = "a bench that cannot set up its chain has nothing to say")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use tensor_chain::codec::Metadata;
use tensor_chain::intent::{BurnedRegister, RegisterSubnet, StartCall, Transfer};
use tensor_chain::local::{LocalChain, Sealing};
use tensor_chain::{Config, Subtensor};
use tensor_core::call::Call;
use tensor_core::key::{Keypair, Scheme};
use tensor_core::{Hotkey, NetUid, Tao};

/// How many neurons the subnet has.
const NEURONS: u16 = 256;

fn main() {
    let once = std::env::args().any(|argument| argument == "--test");
    let rounds = if once { 1 } else { 51 };
    let (chain, netuid) = chain();
    let client = block_on(Subtensor::local(&chain)).unwrap();

    measure("metagraph of 256 neurons, chain and client", rounds, || {
        black_box(block_on(client.metagraph(netuid)).unwrap());
    });
    measure("all subnets with their pools", rounds, || {
        black_box(block_on(client.subnet_infos()).unwrap());
    });
    let runtime = block_on(client.runtime()).unwrap();
    let to = Keypair::from_uri("//Dave", Scheme::Sr25519).unwrap().account_id();
    measure("a batch of 1,000 calls composed", rounds, || {
        let calls: Vec<Call> =
            (0..1_000).map(|rao| Transfer::new(to, Tao::from_rao(rao)).to_call()).collect();
        let batch = Call::new("Utility", "batch_all").arg("calls", calls);
        black_box(runtime.metadata.encode_call(&batch).unwrap());
    });
    let mut config = Config::default();
    block_on(Subtensor::from_rpc_with(chain.rpc(), config.clone())).unwrap();
    config.attempts = 1;
    measure("a client from cached metadata", rounds, || {
        black_box(block_on(Subtensor::from_rpc_with(chain.rpc(), config.clone())).unwrap());
    });
    let bytes = runtime.metadata.as_bytes().to_vec();
    measure("metadata decoded", rounds, || {
        black_box(Metadata::decode(bytes.clone()).unwrap());
    });
    measure("metadata's digest", rounds.min(5), || {
        black_box(runtime.metadata.digest(461, "node-subtensor").unwrap());
    });
}

/// A chain with one full subnet.
fn chain() -> (LocalChain, NetUid) {
    let chain = LocalChain::builder().sealing(Sealing::Instant).build().unwrap();
    let alice = Keypair::from_uri("//Alice", Scheme::Sr25519).unwrap();
    chain.fund(&alice.account_id(), u64::MAX / 8);
    let client = block_on(Subtensor::local(&chain)).unwrap();
    let hotkey = |n: u16| {
        let mut bytes = [7; 32];
        bytes[..2].copy_from_slice(&n.to_le_bytes());
        Hotkey::from_bytes(bytes)
    };
    block_on(async {
        let receipt = client.execute(&RegisterSubnet::new(hotkey(0)), &alice).await.unwrap();
        let added = receipt.event("SubtensorModule", "NetworkAdded").unwrap();
        let netuid = NetUid::new(added.fields[0].1.as_u64().unwrap() as u16);
        client.execute(&StartCall::new(netuid), &alice).await.unwrap();
        let price = 1_000_000u64.to_le_bytes();
        for n in 1..NEURONS {
            // Every slot makes the next dearer; here they all cost the same.
            let subnet = netuid.value().to_le_bytes();
            chain.set_storage("SubtensorModule", "Burn", &[&subnet], Some(&price)).unwrap();
            client.execute(&BurnedRegister::new(netuid, hotkey(n)), &alice).await.unwrap();
        }
        (chain.clone(), netuid)
    })
}

fn measure(what: &str, rounds: usize, mut work: impl FnMut()) {
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    println!("{what}: {:?}", times[times.len() / 2]);
}
