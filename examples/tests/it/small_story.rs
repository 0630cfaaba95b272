//! One validator, two miners, signed requests in memory, a chain in virtual time, on runtimes that are
//! not tokio: nobody is forced to take one.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use futures::future::{join_all, select};
use tensor_chain::Subtensor;
use tensor_chain::local::{LocalChain, Preset};
use tensor_core::chain::Chain;
use tensor_core::drive::{Driver, Options, Pace, Presence};
use tensor_core::key::Scheme;
use tensor_core::{Hotkey, Keypair, NetUid, Tao};
use tensor_examples::founding::Founding;
use tensor_examples::subnet::cast::Kind;
use tensor_examples::subnet::input;
use tensor_examples::subnet::judge::{Judge, Material};
use tensor_examples::subnet::ledger;
use tensor_examples::subnet::ranking::Ranking;
use tensor_examples::subnet::worker;
use tensor_net::{AxonService, Network};

const ASSETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets");
const EPOCHS: u64 = 5;

fn key(name: &str) -> Keypair {
    Keypair::from_uri(&format!("//small//{name}"), Scheme::Sr25519).unwrap()
}

/// Plays the story and returns what each miner earned, the honest one first.
async fn story() -> Vec<u64> {
    let owner = key("owner");
    let neurons = ["validator", "honest", "random"].map(key);
    let chain = LocalChain::builder()
        .preset(Preset::Dev)
        .fund(owner.account_id(), 5_000_000_000_000)
        .fund(key("coldkey").account_id(), 5_000_000_000_000)
        .build()
        .unwrap();
    let subtensor = Subtensor::local(&chain).await.unwrap();
    let pace = Pace::new();
    let stage = pace.join(subtensor.clone());
    let netuid = Cell::new(NetUid::ROOT);

    let clock = async {
        loop {
            pace.all_rest().await;
            pace.next_block(|| chain.advance(1));
        }
    };
    let play = async {
        netuid.set(set_up(&stage, &owner, &neurons).await);
        let loops = loops(&pace, &subtensor, netuid.get(), &neurons);
        let watch = async {
            let mut headers = stage.headers();
            while futures::StreamExt::next(&mut headers).await.is_some() {
                if ledger::epochs_since_start(&subtensor, netuid.get()).await.unwrap() >= EPOCHS {
                    break;
                }
            }
        };
        select(Box::pin(loops), Box::pin(watch)).await;
    };
    // The clock runs for as long as the play does.
    select(Box::pin(clock), Box::pin(play)).await;

    let tao = chain.tao_ledger();
    assert!(tao.closes(), "{tao:?}");
    let alpha = chain.alpha_ledger(netuid.get());
    assert!(alpha.closes(), "{alpha:?}");
    let mut earned = Vec::new();
    for miner in &neurons[1..] {
        let keys = [Hotkey::new(miner.account_id()).into(), netuid.get().into()];
        let stake = subtensor.storage_as("SubtensorModule", "TotalHotkeyAlpha", &keys).await;
        earned.push(stake.unwrap());
    }
    earned
}

/// The owner founds the subnet; another coldkey brings the neurons, since incentive to the owner's own
/// hotkeys is withheld.
async fn set_up(chain: &dyn Chain, owner: &Keypair, neurons: &[Keypair]) -> NetUid {
    let stakes = [Tao::from_coins(100).unwrap(), Tao::ZERO, Tao::ZERO];
    let hotkeys = neurons.iter().map(|neuron| Hotkey::new(neuron.account_id()));
    let neurons: Vec<_> = hotkeys.zip(stakes).collect();
    let founding = Founding {
        owner,
        owner_hotkey: Hotkey::new(key("owner-hotkey").account_id()),
        coldkey: &key("coldkey"),
        neurons: &neurons,
        rules: Vec::new(),
    };
    founding.found(chain).await.unwrap()
}

/// A validator's rounds and two miners' presence, for as long as they are polled.
async fn loops(pace: &Pace, subtensor: &Subtensor, netuid: NetUid, neurons: &[Keypair]) {
    let network = Network::new();
    let mut running: Vec<futures::future::BoxFuture<'_, ()>> = Vec::new();
    for (key, kind) in neurons[1..].iter().zip([Kind::Medium, Kind::Random]) {
        let folder = Path::new(ASSETS).join("model").join(kind.model());
        let miner = worker::miner(kind, &folder, 7).unwrap();
        let axon = network.bind(AxonService::new(Hotkey::new(key.account_id()), miner));
        let chain = Arc::new(pace.join(subtensor.clone()));
        let mut presence = Presence::new(chain, Arc::new(key.clone()), netuid, axon.address, 1);
        running.push(Box::pin(async move {
            presence.run(|step| drop(step.unwrap().published.transpose().unwrap())).await;
        }));
    }
    let feedback = input::read(&Path::new(ASSETS).join("feedback.csv")).unwrap();
    let (known, unknown) = feedback.split_at(feedback.len() / 2);
    let material = Material { known: known.into(), unknown: unknown.into() };
    let me = Hotkey::new(neurons[0].account_id());
    let judge = Judge::new(me, material, Ranking::default(), 3).unwrap();
    let chain = Arc::new(pace.join(subtensor.clone()));
    let transport = Arc::new(network.client(neurons[0].clone()));
    let options = Options::default().with_every(5);
    let signer = Arc::new(neurons[0].clone());
    let mut driver = Driver::new(chain, transport, signer, netuid, judge).with_options(options);
    running.push(Box::pin(async move {
        driver.run(|step| drop(step.unwrap().weights.transpose().unwrap())).await;
    }));
    join_all(running).await;
}

fn check(earned: &[u64]) {
    assert!(earned[0] > 0, "the honest miner earned nothing");
    assert!(earned[1] < earned[0] / 4, "guessing paid: {earned:?}");
}

#[test]
fn on_smol() {
    check(&smol::block_on(story()));
}

#[test]
fn on_a_plain_block_on() {
    check(&futures::executor::block_on(story()));
}

#[test]
fn the_same_run_gives_the_same_money() {
    // Everything is seeded and time is virtual, so nothing may differ.
    let first = futures::executor::block_on(story());
    assert_eq!(smol::block_on(story()), first);
}
