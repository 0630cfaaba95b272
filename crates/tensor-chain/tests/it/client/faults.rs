//! Submissions over connections that break and nodes that lie: none lost, none doubled, no success
//! before the block's events.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use futures::executor::block_on;
use futures::future::{BoxFuture, FutureExt, join_all};
use futures::{StreamExt, stream};
use serde_json::value::{RawValue, to_raw_value};
use subxt::rpcs::client::{RawRpcFuture, RawRpcSubscription, RpcClientT};
use subxt::rpcs::{Error as RpcError, RpcClient};
use tensor_chain::client::endpoints::{Dial, Endpoints};
use tensor_chain::intent::Transfer;
use tensor_chain::local::{LocalChain, LocalRpc, Sealing};
use tensor_chain::{Config, Error, Subtensor};
use tensor_core::receipt::Stage;
use tensor_core::{BoxError, Tao};

use super::story::{TAO, key, local, sound};

/// What happens to the next submissions.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// The node gets it, the answer is lost.
    LostAfter,
    /// The node never gets it.
    LostBefore,
    /// The node gets it, and after the first update nothing comes any more.
    Silent,
    /// The node takes it back once and includes it again.
    Retracted,
    /// The node says that it is in the newest block, and forgets it.
    FalseSuccess,
    /// The node never gets it, and never says anything.
    Stalled,
    /// The node gets it, and says that it threw it out.
    FalseDrop,
}

/// A local chain behind a connection with faults.
#[derive(Clone)]
struct Faulty {
    inner: LocalRpc,
    chain: LocalChain,
    faults: Arc<Mutex<VecDeque<Fault>>>,
    /// Requests that are told the connection is gone.
    lost_requests: Arc<Mutex<u32>>,
}

impl Faulty {
    fn new(chain: &LocalChain, faults: &[Fault]) -> Self {
        Self {
            inner: chain.rpc(),
            chain: chain.clone(),
            faults: Arc::new(Mutex::new(faults.iter().copied().collect())),
            lost_requests: Arc::default(),
        }
    }

    fn raw(json: serde_json::Value) -> Result<Box<RawValue>, RpcError> {
        Ok(to_raw_value(&json).unwrap())
    }

    fn newest(&self) -> String {
        format!("0x{}", hex::encode(self.chain.block_hash(self.chain.block_number()).unwrap()))
    }
}

impl RpcClientT for Faulty {
    fn request_raw<'a>(
        &'a self,
        method: &'a str,
        params: Option<Box<RawValue>>,
    ) -> RawRpcFuture<'a, Box<RawValue>> {
        let mut lost = self.lost_requests.lock().unwrap();
        if *lost > 0 {
            *lost -= 1;
            return Box::pin(async { Err(RpcError::DisconnectedWillReconnect("cable".into())) });
        }
        self.inner.request_raw(method, params)
    }

    fn subscribe_raw<'a>(
        &'a self,
        sub: &'a str,
        params: Option<Box<RawValue>>,
        unsub: &'a str,
    ) -> RawRpcFuture<'a, RawRpcSubscription> {
        let fault = match sub {
            "author_submitAndWatchExtrinsic" => self.faults.lock().unwrap().pop_front(),
            _ => None,
        };
        let Some(fault) = fault else { return self.inner.subscribe_raw(sub, params, unsub) };
        Box::pin(async move {
            let lost = || RpcError::Client("the socket closed".into());
            let only = |updates: Vec<Result<Box<RawValue>, RpcError>>| RawRpcSubscription {
                stream: stream::iter(updates).chain(stream::pending()).boxed(),
                id: None,
            };
            match fault {
                Fault::LostBefore => Err(lost()),
                Fault::Stalled => Ok(only(vec![Self::raw("ready".into())])),
                Fault::FalseSuccess => {
                    Ok(only(vec![Self::raw(serde_json::json!({ "inBlock": self.newest() }))]))
                }
                fault => {
                    let real = self.inner.subscribe_raw(sub, params, unsub).await?;
                    match fault {
                        Fault::LostAfter => Err(lost()),
                        Fault::Silent => {
                            Ok(RawRpcSubscription { stream: real.stream.take(1).boxed(), id: None })
                        }
                        Fault::FalseDrop => Ok(only(vec![Self::raw("dropped".into())])),
                        _ => {
                            // In the newest block, no, in another one: then what really happens.
                            let block = self.newest();
                            let updates = vec![
                                Self::raw(serde_json::json!({ "inBlock": block })),
                                Self::raw(serde_json::json!({ "retracted": block })),
                            ];
                            let stream = stream::iter(updates).chain(real.stream).boxed();
                            Ok(RawRpcSubscription { stream, id: None })
                        }
                    }
                }
            }
        })
    }
}

/// Runs a future; whenever it waits, a block is made. Panics when so many were not enough.
pub(super) fn with_blocks<T>(chain: &LocalChain, most: u32, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..most {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        chain.advance(1);
    }
    panic!("{most} blocks were not enough");
}

fn manual() -> LocalChain {
    let chain = local();
    chain.set_sealing(Sealing::Manual);
    chain
}

fn gift(rao: u64) -> Transfer {
    Transfer::new(key("//Dave").account_id(), Tao::from_rao(rao))
}

fn client(chain: &LocalChain, faults: &[Fault]) -> Subtensor {
    block_on(Subtensor::from_rpc(Faulty::new(chain, faults))).unwrap()
}

#[test]
fn what_was_sent_is_found_whatever_becomes_of_the_connection() {
    for fault in [Fault::LostAfter, Fault::Silent, Fault::Retracted, Fault::FalseDrop] {
        for stage in [Stage::InBlock, Stage::Finalized] {
            let chain = manual();
            let dave = key("//Dave").account_id();
            let before = chain.balance(&dave);
            let client = client(&chain, &[fault]).waiting_for(stage);
            let alice = key("//Alice");
            let receipt = with_blocks(&chain, 20, client.execute(&gift(7), &alice)).unwrap();
            assert!(receipt.stage >= stage, "{fault:?}");
            assert!(receipt.event("Balances", "Transfer").is_some(), "{fault:?}");
            chain.advance(5);
            assert_eq!(chain.balance(&dave), before + 7, "{fault:?}: once");
        }
    }
}

#[test]
fn what_never_arrived_is_known_to_be_nowhere_when_its_era_ends() {
    let chain = manual();
    let mut config = Config::default();
    config.era_period = 8;
    for fault in [Fault::LostBefore, Fault::FalseSuccess, Fault::Stalled] {
        let faulty = Faulty::new(&chain, &[fault]);
        let client = block_on(Subtensor::from_rpc_with(faulty, config.clone())).unwrap();
        let before = chain.balance(&key("//Dave").account_id());
        let alice = key("//Alice");
        let error = with_blocks(&chain, 30, client.execute(&gift(7), &alice)).unwrap_err();
        let Error::Rejected { rejection, .. } = &error else { panic!("{fault:?}: {error:?}") };
        assert!(error.is_retryable(), "{fault:?}: {rejection}");
        assert_eq!(chain.balance(&key("//Dave").account_id()), before);
        // The same nonce serves again.
        with_blocks(&chain, 10, client.execute(&gift(7), &alice)).unwrap();
        assert_eq!(chain.balance(&key("//Dave").account_id()), before + 7);
    }
}

#[test]
fn reads_are_asked_again_submissions_never() {
    let chain = local();
    let faulty = Faulty::new(&chain, &[]);
    let lost = Arc::clone(&faulty.lost_requests);
    let client = block_on(Subtensor::from_rpc(faulty)).unwrap();
    *lost.lock().unwrap() = 2;
    assert!(block_on(client.balance(&key("//Alice").account_id())).is_ok());
    *lost.lock().unwrap() = 100;
    let error = block_on(client.balance(&key("//Alice").account_id())).unwrap_err();
    assert!(matches!(error, Error::Disconnected(_)) && error.is_retryable());
}

#[test]
fn three_programs_with_one_key_lose_and_double_nothing() {
    let chain = manual();
    let (alice, dave) = (key("//Alice"), key("//Dave").account_id());
    let before = chain.balance(&dave);
    let clients: Vec<_> = (0..3).map(|_| client(&chain, &[])).collect();
    let gifts = clients.iter().enumerate().flat_map(|(program, client)| {
        let alice = &alice;
        (0..100u64).map(move |number| {
            let amount = 1 + number + 100 * program as u64;
            async move { client.execute(&gift(amount), alice).await }
        })
    });
    let receipts = with_blocks(&chain, 2_000, join_all(gifts));
    assert_eq!(receipts.len(), 300);
    for receipt in receipts {
        receipt.unwrap();
    }
    assert_eq!(chain.balance(&dave) - before, (1..=300).sum::<u64>());
    let nonce = block_on(clients[0].account(&alice.account_id())).unwrap().nonce;
    assert_eq!(nonce, 300);
}

#[test]
fn heads_that_a_break_hid_are_filled_in() {
    block_on(async {
        let chain = manual();
        let client = Subtensor::local(&chain).await.unwrap();
        let mut heads = client.headers();
        assert_eq!(heads.next().await.unwrap().unwrap().number.value(), 0);
        chain.advance(1);
        assert_eq!(heads.next().await.unwrap().unwrap().number.value(), 1);
        chain.close_subscriptions();
        chain.advance(3);
        assert!(matches!(heads.next().await.unwrap(), Err(Error::Disconnected(_))));
        for expected in 2..=4 {
            assert_eq!(heads.next().await.unwrap().unwrap().number.value(), expected);
        }
        sound(&chain);
    });
}

/// An endpoint that can be switched off.
struct Switch {
    name: &'static str,
    chain: LocalChain,
    on: Arc<Mutex<bool>>,
}

#[derive(Clone)]
struct Switched {
    inner: LocalRpc,
    on: Arc<Mutex<bool>>,
}

impl Dial for Switch {
    fn name(&self) -> &str {
        self.name
    }

    fn dial(&self) -> BoxFuture<'_, Result<RpcClient, BoxError>> {
        async {
            if !*self.on.lock().unwrap() {
                return Err("refused".into());
            }
            let (inner, on) = (self.chain.rpc(), Arc::clone(&self.on));
            Ok(RpcClient::new(Switched { inner, on }))
        }
        .boxed()
    }
}

impl RpcClientT for Switched {
    fn request_raw<'a>(
        &'a self,
        method: &'a str,
        params: Option<Box<RawValue>>,
    ) -> RawRpcFuture<'a, Box<RawValue>> {
        if !*self.on.lock().unwrap() {
            return Box::pin(async { Err(RpcError::Client("reset".into())) });
        }
        self.inner.request_raw(method, params)
    }

    fn subscribe_raw<'a>(
        &'a self,
        sub: &'a str,
        params: Option<Box<RawValue>>,
        unsub: &'a str,
    ) -> RawRpcFuture<'a, RawRpcSubscription> {
        self.inner.subscribe_raw(sub, params, unsub)
    }
}

fn switch(name: &'static str, chain: &LocalChain) -> (Box<dyn Dial>, Arc<Mutex<bool>>) {
    let on = Arc::new(Mutex::new(true));
    (Box::new(Switch { name, chain: chain.clone(), on: Arc::clone(&on) }), on)
}

#[test]
fn the_next_endpoint_takes_over() {
    block_on(async {
        let chain = local();
        let (first, first_on) = switch("first", &chain);
        let (second, second_on) = switch("second", &chain);
        let endpoints = Endpoints::new([first, second]).with_genesis(chain.genesis_hash());
        let client = Subtensor::from_rpc(endpoints.clone()).await.unwrap();
        assert_eq!(endpoints.current(), Some("first"));
        *first_on.lock().unwrap() = false;
        let alice = key("//Alice");
        client.execute(&gift(5), &alice).await.unwrap();
        assert_eq!(endpoints.current(), Some("second"));
        *second_on.lock().unwrap() = false;
        assert!(client.balance(&alice.account_id()).await.is_err());
        *first_on.lock().unwrap() = true;
        assert!(client.balance(&alice.account_id()).await.is_ok());
        assert!(endpoints.failures() > 0);
        sound(&chain);
    });
}

#[test]
fn an_endpoint_of_another_chain_is_not_used() {
    block_on(async {
        let chain = local();
        let other = LocalChain::builder().seed(9).build().unwrap();
        let (stranger, _) = switch("stranger", &other);
        let (own, _) = switch("own", &chain);
        let endpoints = Endpoints::new([stranger, own]).with_genesis(chain.genesis_hash());
        let client = Subtensor::from_rpc(endpoints.clone()).await.unwrap();
        assert_eq!(client.genesis_hash(), chain.genesis_hash());
        assert_eq!(endpoints.current(), Some("own"));
        sound(&chain);
    });
}

#[test]
fn a_stalled_head_is_a_failure_and_old_blocks_come_from_the_archive() {
    block_on(async {
        let chain = LocalChain::builder().history(8).build().unwrap();
        chain.fund(&key("//Alice").account_id(), 5 * TAO);
        chain.advance(1);
        let full = chain.fork();
        let (stalled, _) = switch("stalled", &chain.fork());
        let (fresh, _) = switch("fresh", &chain);
        let (archive, _) = switch("archive", &full);
        let endpoints = Endpoints::new([stalled, fresh]).with_archives([archive]);
        let client = Subtensor::from_rpc(endpoints.clone()).await.unwrap();
        assert_eq!(endpoints.current(), Some("stalled"));
        let oldest = std::time::Duration::from_millis(chain.config().block_ms() * 5);
        assert!(!endpoints.check(chain.now_ms(), oldest).await.unwrap());
        chain.advance(20);
        assert!(endpoints.check(chain.now_ms(), oldest).await.unwrap());
        assert_eq!(endpoints.current(), Some("fresh"));
        let late = chain.now_ms() + 1_000_000;
        assert!(endpoints.check(late, oldest).await.is_err());

        let hash = full.block_hash(1).unwrap();
        let old = client.at(tensor_core::chain::At::Hash(hash));
        let balance = old.balance(&key("//Alice").account_id()).await.unwrap();
        assert_eq!(balance.rao(), full.balance(&key("//Alice").account_id()));
    });
}
