//! Several nodes as one: failover, health, backoff, archives, and nodes that vouch for one another.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::executor::block_on;
use futures::{FutureExt, StreamExt};
use subxt::rpcs::RpcClient;
use tensor_chain::client::endpoints::{Agreeing, Endpoints, Patience, Sleep};
use tensor_chain::local::LocalChain;
use tensor_chain::testing::{Fault, FaultyRpc, Line};
use tensor_chain::{Error, Subtensor};
use tensor_core::chain::At;

use super::faults::{gift, manual, with_blocks};
use super::story::{TAO, key, local, sound};

/// A clock that stands: pauses are noted and end when everybody had a turn, limits never end.
fn noting(paused: &Arc<Mutex<Vec<Duration>>>) -> Sleep {
    let paused = Arc::clone(paused);
    Arc::new(move |time| {
        // The limits of `Patience`; everything else is a pause.
        if [10, 60].contains(&time.as_secs()) {
            return futures::future::pending().boxed();
        }
        paused.lock().unwrap().push(time);
        let mut waited = false;
        futures::future::poll_fn(move |context| {
            context.waker().wake_by_ref();
            if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }
        })
        .boxed()
    })
}

#[test]
fn the_next_endpoint_takes_over() {
    block_on(async {
        let chain = local();
        let (first, second) = (FaultyRpc::new(&chain), FaultyRpc::new(&chain));
        let endpoints = Endpoints::new([first.endpoint("first"), second.endpoint("second")])
            .with_genesis(chain.genesis_hash());
        let client = Subtensor::from_rpc(endpoints.clone()).await.unwrap();
        assert_eq!(endpoints.current(), Some("first"));
        first.set_line(Line::Down);
        let alice = key("//Alice");
        client.execute(&gift(5), &alice).await.unwrap();
        assert_eq!(endpoints.current(), Some("second"));
        second.set_line(Line::Down);
        assert!(client.balance(&alice.account_id()).await.is_err());
        assert!(endpoints.open().await.is_err());
        first.set_line(Line::Up);
        assert!(endpoints.open().await.is_ok());
        assert!(client.balance(&alice.account_id()).await.is_ok());
        assert!(endpoints.failures() > 0);
        sound(&chain);
    });
}

#[test]
fn a_followed_submission_survives_the_endpoint_it_was_sent_to() {
    // The socket closes, or stays open and says nothing: both before anything came of the submission.
    for line in [Line::Down, Line::Stalled] {
        let chain = manual();
        let dave = key("//Dave").account_id();
        let before = chain.balance(&dave);
        let (first, second) = (FaultyRpc::new(&chain), FaultyRpc::new(&chain));
        // How many limits are over: time passes when the test says so.
        let over = Arc::new(AtomicU32::new(0));
        let passing = Arc::clone(&over);
        let sleep: Sleep = Arc::new(move |_| {
            let passing = Arc::clone(&passing);
            futures::future::poll_fn(move |_| {
                let left = passing.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
                if left.is_ok() { Poll::Ready(()) } else { Poll::Pending }
            })
            .boxed()
        });
        let endpoints =
            Endpoints::new([first.endpoint("first"), second.endpoint("second")]).with_sleep(sleep);
        let client = block_on(Subtensor::from_rpc(endpoints.clone())).unwrap();
        let alice = key("//Alice");
        let (cut, gift) = (first.clone(), gift(7));
        let mut sent = Box::pin(client.execute(&gift, &alice));
        let mut context = Context::from_waker(Waker::noop());
        assert!(sent.as_mut().poll(&mut context).is_pending());
        assert_eq!(chain.waiting(), 1, "the node has it");
        cut.set_line(line);
        over.store(u32::from(line == Line::Stalled), Relaxed);
        let polled = sent.as_mut().poll(&mut context);
        assert!(polled.is_pending(), "{line:?}: {polled:?}");
        let receipt = with_blocks(&chain, 20, sent).unwrap();
        assert_eq!(endpoints.current(), Some("second"), "{line:?}");
        assert!(receipt.event("Balances", "Transfer").is_some());
        chain.advance(5);
        assert_eq!(chain.balance(&dave), before + 7, "{line:?}: once");
        assert_eq!(second.asked("author_submitAndWatchExtrinsic"), 0, "never sent again");
        sound(&chain);
    }
}

#[test]
fn a_subscription_is_restored_at_the_next_endpoint() {
    block_on(async {
        let chain = manual();
        let (first, second) = (FaultyRpc::new(&chain), FaultyRpc::new(&chain));
        let endpoints = Endpoints::new([first.endpoint("first"), second.endpoint("second")]);
        let client = Subtensor::from_rpc(endpoints.clone()).await.unwrap();
        let mut heads = client.headers();
        assert_eq!(heads.next().await.unwrap().unwrap().number.value(), 0);
        first.set_line(Line::Down);
        chain.advance(4);
        assert!(matches!(heads.next().await, Some(Err(Error::Disconnected(_)))));
        for expected in 1..=4 {
            assert_eq!(heads.next().await.unwrap().unwrap().number.value(), expected);
        }
        assert_eq!(endpoints.current(), Some("second"));
    });
}

#[test]
fn a_stalled_but_open_socket_has_failed() {
    block_on(async {
        let chain = local();
        let (first, second) = (FaultyRpc::new(&chain), FaultyRpc::new(&chain));
        // Every limit is over at once for whoever does not answer at once.
        let sleep: Sleep = Arc::new(|_| futures::future::ready(()).boxed());
        let endpoints = Endpoints::new([first.endpoint("first"), second.endpoint("second")])
            .with_sleep(sleep)
            .with_patience(Patience::default());
        let client = Subtensor::from_rpc(endpoints.clone()).await.unwrap();
        first.set_line(Line::Stalled);
        assert!(client.balance(&key("//Alice").account_id()).await.is_ok());
        assert_eq!(endpoints.current(), Some("second"));
    });
}

#[test]
fn who_fails_is_dialled_once_a_second_at_most_and_ever_less() {
    block_on(async {
        let chain = local();
        let only = FaultyRpc::new(&chain);
        let paused = Arc::default();
        let endpoints = Endpoints::new([only.endpoint("only")]).with_sleep(noting(&paused));
        let client = Subtensor::from_rpc(endpoints).await.unwrap();
        only.set_line(Line::Down);
        let alice = key("//Alice").account_id();
        // Many at once share the attempts.
        let asked = (0..20).map(|_| client.balance(&alice));
        assert!(futures::future::join_all(asked).await.iter().all(Result::is_err));
        let seconds: Vec<_> = paused.lock().unwrap().iter().map(Duration::as_secs).collect();
        assert_eq!(seconds[..5], [1, 2, 4, 8, 16]);
        assert!(seconds.len() < 20 && seconds[5..].iter().all(|pause| *pause == 30), "{seconds:?}");
        // Once it answers, all is forgotten.
        only.set_line(Line::Up);
        assert!(client.balance(&alice).await.is_ok());
        only.set_line(Line::Down);
        paused.lock().unwrap().clear();
        assert!(client.balance(&alice).await.is_err());
        assert_eq!(paused.lock().unwrap()[0].as_secs(), 1);
    });
}

#[test]
fn who_wants_to_be_asked_less_is() {
    block_on(async {
        let chain = local();
        let (first, second) = (FaultyRpc::new(&chain), FaultyRpc::new(&chain));
        let paused = Arc::default();
        let endpoints = Endpoints::new([first.endpoint("first"), second.endpoint("second")])
            .with_sleep(noting(&paused));
        let client = Subtensor::from_rpc(endpoints.clone()).await.unwrap();
        let asked = first.asked("state_getStorage");
        for _ in 0..2 {
            first.refuse("state_getStorage", -32_005, "too many requests");
        }
        assert!(client.balance(&key("//Alice").account_id()).await.is_ok());
        assert_eq!(first.asked("state_getStorage"), asked + 3);
        let paused: Vec<_> = paused.lock().unwrap().iter().map(Duration::as_secs).collect();
        assert_eq!(paused, [1, 2]);
        assert_eq!(endpoints.current(), Some("first"), "the others are not asked in its stead");
    });
}

#[test]
fn an_endpoint_of_another_chain_is_not_used() {
    block_on(async {
        let chain = local();
        let other = LocalChain::builder().seed(9).build().unwrap();
        let (stranger, own) = (FaultyRpc::new(&other), FaultyRpc::new(&chain));
        let endpoints = Endpoints::new([stranger.endpoint("stranger"), own.endpoint("own")])
            .with_genesis(chain.genesis_hash());
        let client = Subtensor::from_rpc(endpoints.clone()).await.unwrap();
        assert_eq!(client.genesis_hash(), chain.genesis_hash());
        assert_eq!(endpoints.current(), Some("own"));
        // Unless it is said, the first one decides.
        let endpoints = Endpoints::new([own.endpoint("own"), stranger.endpoint("stranger")]);
        let client = Subtensor::from_rpc(endpoints).await.unwrap();
        own.set_line(Line::Down);
        let error = client.balance(&key("//Alice").account_id()).await.unwrap_err();
        assert!(matches!(error, Error::Disconnected(_)), "{error:?}");
        assert_eq!(stranger.asked("state_getStorage"), 0);
    });
}

#[test]
fn a_stalled_head_is_a_failure_and_old_blocks_come_from_the_archive() {
    block_on(async {
        let chain = LocalChain::builder().history(8).build().unwrap();
        chain.fund(&key("//Alice").account_id(), 5 * TAO);
        chain.advance(1);
        let full = chain.fork();
        let stalled = FaultyRpc::new(&chain.fork());
        let (fresh, archive) = (FaultyRpc::new(&chain), FaultyRpc::new(&full));
        let endpoints = Endpoints::new([stalled.endpoint("stalled"), fresh.endpoint("fresh")])
            .with_archives([archive.endpoint("archive")]);
        let client = Subtensor::from_rpc(endpoints.clone()).await.unwrap();
        assert_eq!(endpoints.current(), Some("stalled"));
        let oldest = Duration::from_millis(chain.config().block_ms() * 5);
        assert!(!endpoints.check(chain.now_ms(), oldest).await.unwrap());
        chain.advance(20);
        assert!(endpoints.check(chain.now_ms(), oldest).await.unwrap());
        assert_eq!(endpoints.current(), Some("fresh"));
        let late = chain.now_ms() + 1_000_000;
        assert!(endpoints.check(late, oldest).await.is_err());

        let hash = full.block_hash(1).unwrap();
        let old = client.at(At::Hash(hash));
        let balance = old.balance(&key("//Alice").account_id()).await.unwrap();
        assert_eq!(balance.rao(), full.balance(&key("//Alice").account_id()));
    });
}

#[test]
fn one_node_alone_cannot_lie_about_a_block() {
    let chain = local();
    let alice = key("//Alice");
    let account = alice.account_id();
    let nodes: Vec<_> = (0..3).map(|_| FaultyRpc::new(&chain)).collect();
    let agreeing = |least| {
        let clients = nodes.iter().map(|node| RpcClient::new(node.clone()));
        block_on(Subtensor::from_rpc(Agreeing::new(clients, least))).unwrap()
    };
    let truth = chain.balance(&account);
    let lie = || {
        // Somebody else's account in the place of this one.
        let nothing = serde_json::json!(format!("0x{}", "00".repeat(56)));
        nodes[0].answer("state_getStorage", nothing);
    };
    let majority = block_on(agreeing(2).pinned()).unwrap();
    block_on(majority.block_number()).unwrap();
    lie();
    assert_eq!(block_on(majority.balance(&account)).unwrap().rao(), truth);
    let all = block_on(agreeing(3).pinned()).unwrap();
    block_on(all.block_number()).unwrap();
    lie();
    let error = block_on(all.balance(&account)).unwrap_err();
    let Error::Disagreement(disagreement) = &error else { panic!("{error:?}") };
    assert_eq!((disagreement.most, disagreement.least, disagreement.nodes), (2, 3, 3));
    // What was refused is not remembered.
    assert_eq!(block_on(all.balance(&account)).unwrap().rao(), truth);

    // A success that only one of them tells of is none.
    let chain = manual();
    let nodes: Vec<_> = (0..2).map(|_| FaultyRpc::new(&chain)).collect();
    nodes[0].script([Fault::FalseSuccess]);
    let clients = nodes.iter().map(|node| RpcClient::new(node.clone()));
    let mut config = tensor_chain::Config::default();
    config.era_period = 8;
    let agreeing = Agreeing::new(clients, 2);
    let client = block_on(Subtensor::from_rpc_with(agreeing, config)).unwrap();
    let error = with_blocks(&chain, 30, client.execute(&gift(7), &alice)).unwrap_err();
    assert!(matches!(error, Error::Rejected { .. }), "{error:?}");
}
