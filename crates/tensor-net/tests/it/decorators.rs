//! Transports around transports, and typed questions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::executor::block_on;
use futures::future::BoxFuture;
use serde_json::json;
use tensor_core::transport::{Body, Endpoint, Request, Response, Transport, TransportError};
use tensor_net::Network;
use tensor_net::client::{
    AskError, Faults, Faulty, Hedge, NotSent, Recorder, Replayer, Retry, ask as ask_typed,
};
use tensor_net::server::AxonService;
use tensor_net::timer::Timer;

use super::{Shout, hotkey, key, shouter};

/// Does not wait.
struct AtOnce;

impl Timer for AtOnce {
    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        futures::future::ready(()).boxed()
    }
}

/// Answers with a script, over and over.
struct Script(Vec<Step>, AtomicU32);

type Step = fn(&Endpoint) -> Result<Response, TransportError>;

impl Script {
    fn new(steps: &[Step]) -> Arc<Self> {
        Arc::new(Self(steps.to_vec(), AtomicU32::new(0)))
    }

    fn asked(&self) -> u32 {
        self.1.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, to: &Endpoint, _: Request) -> Result<Response, TransportError> {
        let turn = self.1.fetch_add(1, Ordering::SeqCst) as usize;
        self.0[turn % self.0.len()](to)
    }
}

fn ok(_: &Endpoint) -> Result<Response, TransportError> {
    Ok(Response::ok(r#"{"text":"A","caller":"b"}"#))
}

fn busy(_: &Endpoint) -> Result<Response, TransportError> {
    Ok(Response::new(503, r#"{"message":"busy"}"#))
}

fn not_sent(to: &Endpoint) -> Result<Response, TransportError> {
    let source = NotSent("refused".into()).into();
    Err(TransportError::Unreachable { address: to.address, source })
}

fn broke(to: &Endpoint) -> Result<Response, TransportError> {
    Err(TransportError::Unreachable { address: to.address, source: "broke".into() })
}

fn axon() -> Endpoint {
    Endpoint { hotkey: hotkey("//Bob"), address: ([10, 0, 0, 1], 1).into() }
}

fn request() -> Request {
    Request::synapse("Shout", r#"{"text":"a"}"#)
}

#[test]
fn only_what_was_not_done_is_tried_again() {
    block_on(async {
        let script = Script::new(&[busy, not_sent, ok]);
        let retry = Retry::new(Arc::clone(&script), AtOnce);
        assert_eq!(retry.send(&axon(), request()).await.unwrap().status, 200);
        assert_eq!(script.asked(), 3);

        let script = Script::new(&[busy]);
        let retry = Retry::new(Arc::clone(&script), AtOnce).with_attempts(5);
        assert_eq!(retry.send(&axon(), request()).await.unwrap().status, 503);
        assert_eq!(script.asked(), 5);

        let script = Script::new(&[broke, ok]);
        let retry = Retry::new(Arc::clone(&script), AtOnce);
        assert!(retry.send(&axon(), request()).await.is_err());
        assert_eq!(script.asked(), 1);
        let script = Script::new(&[broke, ok]);
        let retry = Retry::new(Arc::clone(&script), AtOnce).idempotent();
        assert_eq!(retry.send(&axon(), request()).await.unwrap().status, 200);
    });
}

#[test]
fn a_hedge_takes_the_first_success() {
    struct SlowOnce(AtomicU32);
    #[async_trait]
    impl Transport for SlowOnce {
        async fn send(&self, to: &Endpoint, _: Request) -> Result<Response, TransportError> {
            match self.0.fetch_add(1, Ordering::SeqCst) {
                0 => futures::future::pending().await,
                _ => ok(to),
            }
        }
    }
    let hedge = Hedge::new(SlowOnce(AtomicU32::new(0)), AtOnce, Duration::from_millis(1));
    assert_eq!(block_on(hedge.send(&axon(), request())).unwrap().status, 200);
    // Quick answers are not asked for twice.
    let script = Script::new(&[ok, broke]);
    let hedge = Hedge::new(Arc::clone(&script), AtOnce, Duration::from_millis(1));
    assert_eq!(block_on(hedge.send(&axon(), request())).unwrap().status, 200);
    assert_eq!(script.asked(), 1);
}

#[test]
fn faults_are_the_same_for_the_same_seed() {
    let faults = Faults::default().with_lost(100).with_busy(100).with_cut(100).with_garbled(100);
    let fates = |seed: u64| -> Vec<String> {
        let script = Script::new(&[ok]);
        let faulty = Faulty::new(script, faults, seed);
        let fate = |_| {
            block_on(async {
                match faulty.send(&axon(), request()).await {
                    Err(error) => std::error::Error::source(&error).unwrap().to_string(),
                    Ok(response) if response.status == 503 => "busy".into(),
                    Ok(response) => {
                        let body = response.body.bytes(1_000).await.unwrap();
                        let whole = body == r#"{"text":"A","caller":"b"}"#;
                        if whole { "whole" } else { "garbled" }.into()
                    }
                }
            })
        };
        (0..2_000).map(fate).collect()
    };
    let first = fates(7);
    assert_eq!(first, fates(7));
    assert_ne!(first, fates(8));
    for fate in ["lost on the way", "busy", "the connection broke", "garbled"] {
        let share = first.iter().filter(|other| *other == fate).count();
        assert!((150..250).contains(&share), "{fate}: {share} of 2,000");
    }
}

#[test]
fn what_was_recorded_plays_again() {
    block_on(async {
        let network = Network::new();
        let axon = network.bind(AxonService::new(hotkey("//Bob"), shouter()));
        let client = network.client(key("//Alice"));
        let recorder = Recorder::new(client, Vec::new()).with_redaction(|entry| {
            entry.request = String::new();
        });
        let mut dead = axon;
        dead.address.set_port(1);
        let ask = |text: &str| Request::synapse("Shout", json!({ "text": text }).to_string());
        let mut live = Vec::new();
        for text in ["one", "two", ""] {
            let response = recorder.send(&axon, ask(text)).await.unwrap();
            live.push((response.status, response.body.bytes(1_000).await.unwrap()));
        }
        assert!(recorder.send(&dead, ask("three")).await.is_err());
        let lines = String::from_utf8(recorder.into_writer()).unwrap();
        assert_eq!(lines.lines().count(), 4);
        assert!(!lines.contains("b25l"), "the redacted request is on file");

        let replayer = Replayer::from_lines(&lines).unwrap();
        for (text, (status, body)) in ["one", "two", ""].into_iter().zip(live) {
            let response = replayer.send(&axon, ask(text)).await.unwrap();
            assert_eq!(response.status, status);
            assert_eq!(response.body.bytes(1_000).await.unwrap(), body);
        }
        let error = replayer.send(&dead, ask("three")).await.unwrap_err();
        assert!(matches!(error, TransportError::Unreachable { .. }));
        assert!(replayer.send(&axon, ask("never asked")).await.is_err());
        assert!(Replayer::from_lines("{}").is_err());
    });
}

#[test]
fn typed_questions_blame_whom_it_concerns() {
    let question = Shout { text: "hello".into() };
    let timeout = Duration::from_secs(1);
    block_on(async {
        let network = Network::new();
        let axon = network.bind(AxonService::new(hotkey("//Bob"), shouter()));
        let client = network.client(key("//Alice"));
        let answered = ask_typed(&client, &axon, &question, timeout).await.unwrap();
        assert_eq!(answered.answer.text, "HELLO");
        let empty = Shout { text: String::new() };
        let error = ask_typed(&client, &axon, &empty, timeout).await.unwrap_err();
        assert!(matches!(&error, AskError::Refused { status: 400, message, .. }
            if message == "bad request: nothing to shout"));
        assert_eq!(error.peer(), Some(axon.hotkey));
    });

    struct Says(u16, &'static str);
    #[async_trait]
    impl Transport for Says {
        async fn send(&self, _: &Endpoint, _: Request) -> Result<Response, TransportError> {
            Ok(Response::new(self.0, Body::from(self.1)))
        }
    }
    for says in [
        Says(200, ""),
        Says(200, "null"),
        Says(200, r#"{"text":1,"caller":"x"}"#),
        Says(200, r#"{"text":"A","caller":"x","dendrite":null}"#),
        Says(200, r#"{"text":"A","caller":"x","axon":null}"#),
    ] {
        let error = block_on(ask_typed(&says, &axon(), &question, timeout)).unwrap_err();
        assert!(matches!(error, AskError::Malformed { .. }), "{}: {error:?}", says.1);
        assert_eq!(error.peer(), Some(axon().hotkey));
    }
    for says in [Says(302, ""), Says(500, "[1]"), Says(422, r#"{"detail":[{"type":"x"}]}"#)] {
        let error = block_on(ask_typed(&says, &axon(), &question, timeout)).unwrap_err();
        assert!(matches!(error, AskError::Refused { status, .. } if status == says.0));
    }
}
