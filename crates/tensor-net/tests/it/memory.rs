//! Clients and axons in one process, on no runtime, with real signatures.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::executor::block_on;
use http_body_util::Full;
use serde_json::json;
use tensor_core::key::{Keypair, Scheme};
use tensor_core::miner::{Caller, Miner, Priority, Reject};
use tensor_core::transport::{Body, Endpoint, Request, Response, Transport, TransportError};
use tensor_net::Network;
use tensor_net::client::{FanOut, fan_out};
use tensor_net::server::{AxonService, Limits, PeerAddr};
use tensor_net::wire::btauth::{self, BtauthDialect};
use tensor_net::wire::{Identity, Message};

use super::{ManualClock, NEW_YEAR, Shouted, hotkey, key, shouter};

fn ask(text: &str) -> Request {
    Request::synapse("Shout", json!({ "text": text }).to_string())
}

async fn json_of(response: Response) -> serde_json::Value {
    serde_json::from_slice(&response.body.bytes(1 << 20).await.unwrap()).unwrap()
}

#[test]
fn a_question_is_signed_verified_and_answered() {
    block_on(async {
        let network = Network::new();
        let axon = network.bind(AxonService::new(hotkey("//Bob"), shouter()));
        for scheme in [Scheme::Sr25519, Scheme::Ed25519] {
            let alice = Keypair::from_uri("//Alice", scheme).unwrap();
            let client = network.client(alice.clone());
            let response = client.send(&axon, ask("hello")).await.unwrap();
            assert_eq!(response.status, 200);
            let answer: Shouted = serde_json::from_value(json_of(response).await).unwrap();
            let caller = alice.account_id().to_string();
            assert_eq!(answer, Shouted { text: "HELLO".into(), caller });
        }
    });
}

#[test]
fn refusals_carry_status_class_and_text() {
    block_on(async {
        let network = Network::new();
        let axon = network.bind(AxonService::new(hotkey("//Bob"), shouter()));
        let client = network.client(key("//Alice"));

        let response = client.send(&axon, ask("")).await.unwrap();
        assert_eq!(response.status, 400);
        assert_eq!(
            json_of(response).await,
            json!({ "error": "BadRequest", "message": "bad request: nothing to shout" })
        );
        let response = client.send(&axon, Request::synapse("Sing", "{}")).await.unwrap();
        assert_eq!(response.status, 404);

        // Signed for somebody else.
        let carol = Endpoint { hotkey: hotkey("//Carol"), ..axon };
        let response = client.send(&carol, ask("hello")).await.unwrap();
        assert_eq!(response.status, 401);
        assert_eq!(json_of(response).await["error"], "WrongReceiver");
    });
}

#[test]
fn a_dead_axon_is_unreachable() {
    block_on(async {
        let network = Network::new();
        let axon = network.bind(AxonService::new(hotkey("//Bob"), shouter()));
        let client = network.client(key("//Alice"));
        assert!(client.send(&axon, ask("hello")).await.is_ok());
        assert!(network.unbind(axon.address));
        assert!(!network.unbind(axon.address));
        let error = client.send(&axon, ask("hello")).await.unwrap_err();
        assert!(
            matches!(error, TransportError::Unreachable { address, .. } if address == axon.address)
        );
        assert!(error.is_retryable());
    });
}

/// Presents signed requests to a service by hand, so that they can be altered and repeated.
struct Bench {
    service: AxonService,
    clock: ManualClock,
    identity: Identity,
    axon: Endpoint,
}

impl Bench {
    fn new(miner: impl Miner + 'static) -> Self {
        Self::with_limits(miner, Limits::default())
    }

    fn with_limits(miner: impl Miner + 'static, limits: Limits) -> Self {
        let clock = ManualClock::new(NEW_YEAR);
        let builder = AxonService::builder(hotkey("//Bob"));
        let service = builder.with_clock(clock.clone()).with_limits(limits).build(miner);
        let identity = Identity::with_clock(key("//Alice"), clock.clone());
        let address = SocketAddr::from(([10, 0, 0, 1], 8091));
        Self { axon: Endpoint { hotkey: service.hotkey(), address }, service, clock, identity }
    }

    fn signed(&self, request: Request) -> http::Request<Bytes> {
        let message = block_on(Message::collect(request, 1 << 20)).unwrap();
        let dialect = BtauthDialect::new();
        block_on(self.identity.attempt(&dialect, &self.axon, &message)).unwrap().request
    }

    fn present(&self, request: http::Request<Bytes>) -> (u16, serde_json::Value) {
        let response = block_on(self.service.answer(request.map(Full::new)));
        let status = response.status().as_u16();
        let body = block_on(response.into_body().into_body().bytes(1 << 20)).unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    fn refusal(&self, request: http::Request<Bytes>) -> (u16, String) {
        let (status, body) = self.present(request);
        (status, body["error"].as_str().unwrap_or_default().to_owned())
    }
}

fn copy(request: &http::Request<Bytes>) -> http::Request<Bytes> {
    request.clone()
}

#[test]
fn every_altered_request_is_refused() {
    let bench = Bench::new(shouter());
    let good = bench.signed(ask("hello"));

    let mut body = copy(&good);
    *body.body_mut() = Bytes::from(r#"{"text":"hellO"}"#);
    let mut target = copy(&good);
    *target.uri_mut() = "/Shout?loud".parse().unwrap();
    let mut method = copy(&good);
    *method.method_mut() = http::Method::PUT;
    for altered in [body, target, method] {
        assert_eq!(bench.refusal(altered), (401, "BadSignature".into()));
    }
    for (name, value, class) in [
        (btauth::VERSION, "2", "MalformedAuth"),
        (btauth::HOTKEY, "5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y", "BadSignature"),
        (btauth::RECEIVER, "5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y", "WrongReceiver"),
        (btauth::NONCE, "1767225600000000007", "BadSignature"),
        (btauth::NONCE, "1767225500000000000", "StaleRequest"),
        (btauth::NONCE, "1767225700000000000", "StaleRequest"),
        (btauth::CRYPTO, "ed25519", "BadSignature"),
        (btauth::CRYPTO, "ecdsa", "MalformedAuth"),
        (btauth::SIGNATURE, "0x00", "MalformedAuth"),
    ] {
        let mut altered = copy(&good);
        altered.headers_mut().insert(name, value.parse().unwrap());
        assert_eq!(bench.refusal(altered), (401, class.into()), "{name}: {value}");
    }
    for name in
        [btauth::VERSION, btauth::HOTKEY, btauth::RECEIVER, btauth::NONCE, btauth::SIGNATURE]
    {
        let mut removed = copy(&good);
        removed.headers_mut().remove(name);
        assert_eq!(bench.present(removed).0, 401, "{name}");
        let mut doubled = copy(&good);
        doubled.headers_mut().append(name, "1".parse().unwrap());
        assert_eq!(bench.refusal(doubled), (401, "MalformedAuth".into()), "{name}");
    }
    // None of that used the nonce up.
    assert_eq!(bench.present(good).0, 200);
}

#[test]
fn a_request_counts_once() {
    let bench = Bench::new(shouter());
    let request = bench.signed(ask("hello"));
    assert_eq!(bench.present(copy(&request)).0, 200);
    assert_eq!(bench.refusal(copy(&request)), (401, "ReplayedRequest".into()));
    bench.clock.advance_seconds(9);
    assert_eq!(bench.refusal(copy(&request)), (401, "ReplayedRequest".into()));
    bench.clock.advance_seconds(2);
    assert_eq!(bench.refusal(request), (401, "StaleRequest".into()));
}

#[test]
fn a_restarted_axon_knows_nothing_of_before_and_says_so() {
    let bench = Bench::new(shouter());
    let request = bench.signed(ask("hello"));
    assert_eq!(bench.present(copy(&request)).0, 200);
    bench.clock.advance_seconds(1);
    let again =
        AxonService::builder(hotkey("//Bob")).with_clock(bench.clock.clone()).build(shouter());
    let bench = Bench { service: again, ..bench };
    assert_eq!(bench.refusal(request), (401, "StaleRequest".into()));
    let fresh = bench.signed(ask("hello"));
    assert_eq!(bench.present(fresh).0, 200);
}

/// Counts what reaches it; welcomes nobody but Alice.
#[derive(Default)]
struct Picky {
    admitted: AtomicUsize,
    handled: AtomicUsize,
}

#[async_trait]
impl Miner for Picky {
    async fn handle(&self, _: &Caller, _: Request) -> Result<Response, Reject> {
        self.handled.fetch_add(1, Ordering::SeqCst);
        Ok(Response::ok("{}"))
    }

    fn admit(&self, caller: &Caller) -> Result<Priority, Reject> {
        self.admitted.fetch_add(1, Ordering::SeqCst);
        if caller.hotkey == hotkey("//Alice") {
            Ok(Priority(1))
        } else {
            Err(Reject::Forbidden("you are not Alice".into()))
        }
    }
}

#[test]
fn admission_comes_before_the_signature_and_proves_nothing() {
    let miner = Arc::new(Picky::default());
    let bench = Bench::new(Arc::clone(&miner));
    let carol = Identity::with_clock(key("//Carol"), bench.clock.clone());
    let carol = Bench {
        identity: carol,
        service: bench.service.clone(),
        clock: bench.clock.clone(),
        axon: bench.axon,
    };
    assert_eq!(carol.refusal(carol.signed(ask("hello"))), (403, "Forbidden".into()));

    // In Alice's name, but not by her.
    let mut forged = carol.signed(ask("hello"));
    let alice = hotkey("//Alice").to_string().parse().unwrap();
    forged.headers_mut().insert(btauth::HOTKEY, alice);
    assert_eq!(bench.refusal(forged), (401, "BadSignature".into()));
    assert_eq!(miner.handled.load(Ordering::SeqCst), 0);
    assert_eq!(bench.present(bench.signed(ask("hello"))).0, 200);
    assert_eq!(miner.admitted.load(Ordering::SeqCst), 3);
    assert_eq!(miner.handled.load(Ordering::SeqCst), 1);
}

#[test]
fn limits_are_kept() {
    let limits = Limits::default().with_body_bytes(100).with_head_bytes(1_000);
    let bench = Bench::with_limits(shouter(), limits);
    let long = "x".repeat(200);
    assert_eq!(bench.refusal(bench.signed(ask(&long))), (413, "TooLarge".into()));
    let mut wide = bench.signed(ask("hello"));
    wide.headers_mut().insert("x-long", "y".repeat(1_000).parse().unwrap());
    assert_eq!(bench.refusal(wide), (431, "HeadTooLarge".into()));
    let none = Limits::default().with_in_flight(0);
    let bench = Bench::with_limits(shouter(), none);
    let response = block_on(bench.service.answer(bench.signed(ask("hello")).map(Full::new)));
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "1");
}

struct Panics;

#[async_trait]
impl Miner for Panics {
    async fn handle(&self, _: &Caller, _: Request) -> Result<Response, Reject> {
        panic!("a bug in the miner");
    }
}

#[test]
fn a_panic_costs_one_request() {
    let bench = Bench::new(Panics);
    for _ in 0..2 {
        let (status, body) = bench.present(bench.signed(ask("hello")));
        assert_eq!(status, 500);
        assert_eq!(body, json!({ "error": "Internal", "message": "internal error" }));
    }
}

/// Answers in pieces.
struct Streams;

#[async_trait]
impl Miner for Streams {
    async fn handle(&self, caller: &Caller, _: Request) -> Result<Response, Reject> {
        assert!(caller.address.is_some());
        let parts = ["one ", "two ", "three"].map(|part| Ok(Bytes::from(part)));
        let body = Body::Stream(futures::stream::iter(parts).boxed());
        Ok(Response::ok(body).with_content_type("text/event-stream"))
    }
}

#[test]
fn answers_stream() {
    let network = Network::new();
    let axon = network.bind(AxonService::new(hotkey("//Bob"), Streams));
    let client = network.client(key("//Alice"));
    let response = block_on(client.send(&axon, ask("hello"))).unwrap();
    assert_eq!(response.content_type, "text/event-stream");
    let Body::Stream(stream) = response.body else { panic!("no stream") };
    let parts: Vec<_> = block_on(stream.map(Result::unwrap).collect());
    assert_eq!(parts, ["one ", "two ", "three"]);
}

/// Keeps its slot until it is told to go on.
struct Waits(futures::lock::Mutex<()>);

#[async_trait]
impl Miner for Waits {
    async fn handle(&self, _: &Caller, _: Request) -> Result<Response, Reject> {
        let _ = self.0.lock().await;
        Ok(Response::ok("{}"))
    }
}

#[test]
fn more_than_the_queue_holds_is_told_to_come_back() {
    let limits = Limits::default().with_running(1).with_waiting(1);
    let miner = Arc::new(Waits(futures::lock::Mutex::new(())));
    let bench = Bench::with_limits(Arc::clone(&miner), limits);
    let gate = miner.0.try_lock().unwrap();
    let requests: Vec<_> = (0..3).map(|_| bench.signed(ask("hello")).map(Full::new)).collect();
    let mut answers: Vec<_> =
        requests.into_iter().map(|request| Box::pin(bench.service.answer(request))).collect();
    use futures::FutureExt;
    let third = {
        assert!((&mut answers[0]).now_or_never().is_none());
        assert!((&mut answers[1]).now_or_never().is_none());
        (&mut answers[2]).now_or_never().unwrap()
    };
    assert_eq!(third.status(), 503);
    answers.truncate(2);
    drop(gate);
    for answer in answers {
        assert_eq!(block_on(answer).status(), 200);
    }
    // A caller that goes away in the middle leaves no slot behind.
    let gate = miner.0.try_lock().unwrap();
    let request = bench.signed(ask("hello")).map(Full::new);
    let mut given_up = Box::pin(bench.service.answer(request));
    assert!((&mut given_up).now_or_never().is_none());
    drop(given_up);
    drop(gate);
    assert_eq!(bench.present(bench.signed(ask("hello"))).0, 200);
}

#[test]
fn many_are_asked_at_once() {
    block_on(async {
        let network = Network::new();
        let mut axons: Vec<_> = (0..20)
            .map(|i| network.bind(AxonService::new(hotkey(&format!("//Miner{i}")), shouter())))
            .collect();
        axons[7].address = SocketAddr::from(([10, 9, 9, 9], 1));
        let client = network.client(key("//Alice"));
        let answers = fan_out(&client, &axons, &FanOut::default(), |_| ask("hello")).await;
        assert_eq!(answers.len(), 20);
        for (index, (answer, axon)) in answers.iter().zip(&axons).enumerate() {
            assert_eq!(answer.endpoint, *axon);
            assert_eq!(answer.success().is_some(), index != 7);
            assert!(answer.started <= answer.ended);
        }
        let enough = FanOut::default().with_quorum(3);
        let answers = fan_out(&client, &axons, &enough, |_| ask("hello")).await;
        assert_eq!(answers.iter().filter(|answer| answer.success().is_some()).count(), 3);
    });
}

#[test]
fn the_service_is_a_tower_service() {
    use tower_service::Service;
    let mut bench = Bench::new(shouter());
    let mut request = bench.signed(ask("hello")).map(Full::new);
    request.extensions_mut().insert(PeerAddr(bench.axon.address));
    let response = block_on(bench.service.call(request)).unwrap();
    assert_eq!(response.status(), 200);
    let health = http::Request::get("/health").body(Full::<Bytes>::default()).unwrap();
    assert_eq!(block_on(bench.service.call(health)).unwrap().status(), 200);
    bench.service.drain();
    let health = http::Request::get("/health").body(Full::<Bytes>::default()).unwrap();
    assert_eq!(block_on(bench.service.call(health)).unwrap().status(), 503);
}

#[test]
fn virtual_time_rules_both_sides() {
    block_on(async {
        let clock = ManualClock::new(NEW_YEAR);
        let network = Network::new();
        let service =
            AxonService::builder(hotkey("//Bob")).with_clock(clock.clone()).build(shouter());
        let axon = network.bind(service);
        let client = network.client_as(Identity::with_clock(key("//Alice"), clock.clone()));
        for _ in 0..5 {
            // The clock stands, and still no nonce repeats.
            let response = client.send(&axon, ask("hello")).await.unwrap();
            assert_eq!(response.status, 200);
        }
        let late = ManualClock::new(NEW_YEAR - 60_000_000_000);
        let slow = network.client_as(Identity::with_clock(key("//Alice"), late));
        assert_eq!(slow.send(&axon, ask("hello")).await.unwrap().status, 401);
        let request = ask("hello").with_timeout(Duration::from_secs(1));
        assert_eq!(client.send(&axon, request).await.unwrap().status, 200);
    });
}
