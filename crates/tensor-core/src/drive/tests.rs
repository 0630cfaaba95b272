//! The loops against fakes, under a plain `block_on`.

use std::sync::Arc;

use futures::executor::block_on;

use super::*;
use crate::chain::{Chain as _, ChainError};
use crate::key::Scheme;
use crate::metagraph::{AxonInfo, Neuron};
use crate::miner::{Caller, Reject, miner_fn};
use crate::network::{BlockNumber, NetUid, Tempo, Uid};
use crate::testing::{FakeChain, LoopbackTransport, ManualClock};
use crate::transport::{Request, TransportError};
use crate::validator::{Asked, Query, Reply, Validator};
use crate::{Call, Coldkey, Hotkey, Keypair, Metagraph, ScoreBook, Weights};

#[derive(serde::Serialize, serde::Deserialize)]
struct Square(u64);

impl crate::miner::Synapse for Square {
    const NAME: &'static str = "Square";
    type Answer = u64;
}

/// Asks everybody for 7² and pays who knows it.
struct Arithmetic {
    book: ScoreBook,
    graph: Option<Metagraph>,
}

impl Validator for Arithmetic {
    fn plan(&mut self, graph: &Metagraph, _: BlockNumber) -> Vec<Query> {
        self.book.sync(graph);
        self.graph = Some(graph.clone());
        let ask = || Request::synapse("Square", serde_json::to_vec(&Square(7)).unwrap());
        graph.endpoints().map(|(uid, to)| Query::new(0, uid, to, ask())).collect()
    }

    fn observe(&mut self, query: &Asked, outcome: Result<Reply, TransportError>) {
        let right = outcome.is_ok_and(|reply| reply.is_success() && reply.body == "49");
        let graph = self.graph.as_ref().unwrap();
        self.book.record(graph, &query.hotkey, f64::from(u8::from(right))).unwrap();
    }

    fn weights(&mut self, graph: &Metagraph, _: BlockNumber) -> Option<Weights> {
        self.book.weights(graph, |score| score).ok()
    }
}

fn graph() -> Metagraph {
    let neurons = (0..4u8).map(|uid| {
        let hotkey = Hotkey::from_bytes([uid; 32]);
        let mut neuron = Neuron::new(Uid::new(uid.into()), hotkey, Coldkey::from_bytes([9; 32]));
        if uid > 0 {
            let address = format!("10.0.0.{uid}:80").parse().unwrap();
            neuron.axon = Some(AxonInfo::new(address, 1));
        }
        neuron
    });
    Metagraph::new(NetUid::new(1), BlockNumber::new(1), Tempo::new(10), neurons).unwrap()
}

fn transport() -> LoopbackTransport {
    let honest = miner_fn(|_: Caller, ask: Square| async move { Ok(ask.0 * ask.0) });
    let liar = miner_fn(|_: Caller, _: Square| async move { Ok::<_, Reject>(3) });
    // The third address answers nothing.
    let caller = Hotkey::from_bytes([0; 32]);
    LoopbackTransport::new(caller, Scheme::Sr25519)
        .with("10.0.0.1:80".parse().unwrap(), Arc::new(honest))
        .with("10.0.0.2:80".parse().unwrap(), Arc::new(liar))
}

#[test]
fn a_round_pays_who_answers_right() {
    let chain = Arc::new(FakeChain::new(graph()));
    let signer = Arc::new(Keypair::from_uri("//Validator", Scheme::Sr25519).unwrap());
    let policy = Arithmetic { book: ScoreBook::new(1.0).unwrap(), graph: None };
    let mut driver =
        Driver::new(chain.clone(), Arc::new(transport()), signer, NetUid::new(1), policy)
            .with_clock(Arc::new(ManualClock::new(0)))
            .with_options(Options::default().with_every(2));

    chain.advance(4);
    chain.finish();
    let mut steps = Vec::new();
    block_on(driver.run(|step| steps.push(step.unwrap())));

    assert_eq!(steps.iter().map(|step| step.block.value()).collect::<Vec<_>>(), [2, 4]);
    assert!(steps.iter().all(|step| (step.sent, step.ok) == (3, 2)));
    let calls = chain.submitted();
    assert_eq!(calls.len(), 2);
    let expected = Call::new("SubtensorModule", "set_weights")
        .arg("netuid", NetUid::new(1))
        .arg("dests", vec![1u16])
        .arg("weights", vec![u16::MAX])
        .arg("version_key", 0u64);
    assert_eq!(calls[0].1, expected);
}

#[test]
fn a_gap_in_the_headers_does_not_end_the_loop() {
    let chain = Arc::new(FakeChain::new(graph()));
    let signer = Arc::new(Keypair::from_uri("//Validator", Scheme::Sr25519).unwrap());
    let policy = Arithmetic { book: ScoreBook::new(1.0).unwrap(), graph: None };
    let mut driver =
        Driver::new(chain.clone(), Arc::new(transport()), signer, NetUid::new(1), policy);
    chain.advance(1);
    chain.fail(ChainError::UnknownBlock);
    chain.advance(1);
    chain.finish();
    let mut outcomes = Vec::new();
    block_on(driver.run(|step| outcomes.push(step.is_ok())));
    assert_eq!(outcomes, [true, false, true]);
}

#[test]
fn presence_publishes_only_what_the_chain_does_not_say() {
    let key = Keypair::from_uri("//Miner", Scheme::Sr25519).unwrap();
    let address = "10.0.0.9:80".parse().unwrap();
    let with_axon = |axon| {
        let hotkey = Hotkey::new(key.account_id());
        let mut neuron = Neuron::new(Uid::new(0), hotkey, Coldkey::from_bytes([9; 32]));
        neuron.axon = axon;
        Metagraph::new(NetUid::new(1), BlockNumber::new(1), Tempo::new(10), [neuron]).unwrap()
    };
    let chain = Arc::new(FakeChain::new(with_axon(None)));
    let signer = Arc::new(key.clone());
    let mut presence = Presence::new(chain.clone(), signer, NetUid::new(1), address, 1);

    let header = chain.advance(1);
    assert!(block_on(presence.step(&header)).unwrap().published.unwrap().is_ok());
    assert_eq!(chain.submitted()[0].0, key.account_id());
    chain.set_metagraph(with_axon(Some(AxonInfo::new(address, 0))));
    let header = chain.advance(1);
    assert!(block_on(presence.step(&header)).unwrap().published.is_none());
    presence.relocate("10.0.0.9:81".parse().unwrap());
    assert!(block_on(presence.step(&header)).unwrap().published.is_some());
}

#[test]
fn an_answer_that_is_too_long_is_a_failure() {
    let long = miner_fn(|_: Caller, _: Square| async move { Ok::<_, Reject>(u64::MAX) });
    let transport = LoopbackTransport::new(Hotkey::from_bytes([0; 32]), Scheme::Sr25519)
        .with("10.0.0.1:80".parse().unwrap(), Arc::new(long));
    let chain = Arc::new(FakeChain::new(graph()));
    let signer = Arc::new(Keypair::from_uri("//Validator", Scheme::Sr25519).unwrap());
    let policy = Arithmetic { book: ScoreBook::new(1.0).unwrap(), graph: None };
    let options = Options { reply_limit: 4, ..Options::default() };
    let mut driver =
        Driver::new(chain.clone(), Arc::new(transport), signer, NetUid::new(1), policy)
            .with_options(options);
    let header = chain.advance(1);
    assert_eq!(block_on(driver.step(&header)).unwrap().ok, 0);
}

#[test]
fn the_loops_can_be_spawned() {
    fn spawnable<T: Send>(_: T) {}
    let chain = Arc::new(FakeChain::new(graph()));
    let signer = Arc::new(Keypair::from_uri("//Validator", Scheme::Sr25519).unwrap());
    let policy = Arithmetic { book: ScoreBook::new(1.0).unwrap(), graph: None };
    let mut driver =
        Driver::new(chain.clone(), Arc::new(transport()), signer.clone(), NetUid::new(1), policy);
    spawnable(driver.run(|_| ()));
    let address = "10.0.0.9:80".parse().unwrap();
    spawnable(Presence::new(chain, signer, NetUid::new(1), address, 1).run(|_| ()));
}

#[test]
fn a_pace_makes_blocks_only_when_everybody_waits() {
    use futures::executor::LocalPool;
    use futures::task::LocalSpawnExt as _;

    let chain = Arc::new(FakeChain::new(graph()));
    let pace = Pace::new();
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut pool = LocalPool::new();
    for participant in 0..3 {
        let mut headers = pace.join(chain.clone()).headers();
        let seen = seen.clone();
        let work = async move {
            while let Some(header) = futures::StreamExt::next(&mut headers).await {
                // Work takes several polls, more for some than for others.
                for _ in 0..participant {
                    yield_once().await;
                }
                seen.lock().unwrap().push((header.unwrap().number.value(), participant));
            }
        };
        pool.spawner().spawn_local(work).unwrap();
    }
    pool.run_until(async {
        for _ in 0..5 {
            pace.all_rest().await;
            pace.next_block(|| chain.advance(1));
        }
        pace.all_rest().await;
    });
    let blocks: Vec<_> = seen.lock().unwrap().iter().map(|(block, _)| *block).collect();
    assert_eq!(blocks, [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5]);
}

#[test]
fn who_leaves_is_not_waited_for() {
    let chain = FakeChain::new(graph());
    let pace = Pace::new();
    let paced = pace.join(&chain);
    let rest = pace.all_rest();
    assert!(futures::FutureExt::now_or_never(rest).is_none());
    drop(paced);
    block_on(pace.all_rest());
}

async fn yield_once() {
    let mut yielded = false;
    core::future::poll_fn(|context| {
        if core::mem::replace(&mut yielded, true) {
            return core::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        core::task::Poll::Pending
    })
    .await;
}
