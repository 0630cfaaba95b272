//! Signed answers, several synapses on one axon, rates and metrics.

use std::time::Duration;

use futures::executor::block_on;
use serde_json::{Value as Json, json};
use tensor_core::Hotkey;
use tensor_core::key::{Keypair, Scheme, Signature};
use tensor_core::miner::{Caller, Reject, Synapse, miner_fn};
use tensor_core::transport::{Authenticity, Request, Transport};
use tensor_net::Network;
use tensor_net::admission::Rate;
use tensor_net::server::{AxonService, Limits, Router};
use tensor_net::wire::Identity;
use tensor_net::wire::epistula::{Epistula, EpistulaDialect};
use tensor_net::wire::response::{Answered, headers, payload, verify};
use tensor_net::wire::synapse::{Kind, SynapseDialect, SynapseProtocol, SynapseSpec};

use super::{ManualClock, NEW_YEAR, Shout, hotkey, key, shouter};

const ANSWERS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/wire/signed-answers.json"));

fn ask(text: &str) -> Request {
    Request::synapse("Shout", json!({ "text": text }).to_string())
}

#[test]
fn the_vectors_of_signed_answers_hold() {
    let cases: Vec<Json> = serde_json::from_str(ANSWERS).unwrap();
    assert!(cases.len() >= 4);
    for case in cases {
        let text = |name: &str| case[name].as_str().unwrap();
        let scheme = Scheme::from_name(text("scheme")).unwrap();
        let pair = Keypair::from_uri(text("axon_uri"), scheme).unwrap();
        let body = hex::decode(text("body_hex")).unwrap();
        let (caller, axon) = (text("caller").parse().unwrap(), Hotkey::new(pair.account_id()));
        let asked = hex::decode(text("request_signature")).unwrap().try_into().unwrap();
        let of = Answered {
            request_signature: &asked,
            status: case["status"].as_u64().unwrap() as u16,
            body: &body,
            nonce: text("nonce").parse().unwrap(),
            caller: &caller,
            axon: &axon,
        };
        let message = payload(scheme, &of);
        assert_eq!(String::from_utf8(message.clone()).unwrap(), text("payload"));
        let list: Vec<(String, String)> = case["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        assert_eq!(verify(&list, &of), Ok(Authenticity::Verified));
        if scheme == Scheme::Ed25519 {
            let ours: Signature = pair.sign(&message);
            let ours: Vec<(String, String)> =
                headers(&ours).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            assert_eq!(ours, list);
        }
        // Whatever differs, it is another answer.
        let other = hotkey("//Dave");
        for wrong in [
            Answered { status: of.status + 1, ..of },
            Answered { body: b"another", ..of },
            Answered { nonce: of.nonce + 1, ..of },
            Answered { request_signature: &[7; 64], ..of },
            Answered { caller: &other, ..of },
            Answered { axon: &other, ..of },
        ] {
            assert!(verify(&list, &wrong).is_err());
        }
        let mut twice = list.clone();
        twice.push(list[0].clone());
        assert!(verify(&twice, &of).is_err());
        assert_eq!(verify(&Vec::<(String, String)>::new(), &of), Ok(Authenticity::Unsigned));
    }
}

#[test]
fn an_axon_with_a_signer_proves_its_answers() {
    block_on(async {
        let network = Network::new();
        let plain = network.bind(AxonService::new(hotkey("//Bob"), shouter()));
        let signed = network.bind(AxonService::signed_by(key("//Bob")).build(shouter()));
        let client = network.client(key("//Alice"));
        for (axon, status, authenticity) in
            [(plain, 200, Authenticity::Unsigned), (signed, 200, Authenticity::Verified)]
        {
            let response = client.send(&axon, ask("hello")).await.unwrap();
            assert_eq!((response.status, response.authenticity), (status, authenticity));
        }
        // The miner's refusals are signed too, refusals of unproven requests are not.
        let response = client.send(&signed, ask("")).await.unwrap();
        assert_eq!((response.status, response.authenticity), (400, Authenticity::Verified));
        let mut elsewhere = signed;
        elsewhere.hotkey = hotkey("//Carol");
        let response = client.send(&elsewhere, ask("hello")).await.unwrap();
        assert_eq!((response.status, response.authenticity), (401, Authenticity::Unsigned));
    });
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Add {
    a: u32,
    b: u32,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Sum {
    sum: u32,
}

impl Synapse for Add {
    const NAME: &'static str = "Add";
    type Answer = Sum;
}

#[test]
fn one_axon_speaks_all_protocols_and_serves_several_synapses() {
    let bob = hotkey("//Bob");
    let add = miner_fn(|_: Caller, ask: Add| async move {
        let sum = ask.a.checked_add(ask.b);
        sum.map(|sum| Sum { sum }).ok_or_else(|| Reject::BadRequest("too large".into()))
    });
    let router = Router::new().route(Shout::NAME, shouter()).route(Add::NAME, add);
    let spec = SynapseSpec::new("Add")
        .with_field("a", Kind::Int)
        .with_field("b", Kind::Int)
        .with_hashed(["a", "b"]);
    let service = AxonService::signed_by(key("//Bob"))
        .with_protocol(tensor_net::wire::btauth::Btauth::new(bob))
        .with_protocol(SynapseProtocol::new(bob).with_synapse(spec.clone()))
        .with_protocol(Epistula::new(bob))
        .build(router);
    let network = Network::new();
    let axon = network.bind(service.clone());
    let identity = Identity::new(key("//Alice"));
    let btauth = network.client_as(identity.clone());
    let synapse = btauth.clone().with_dialect(SynapseDialect::new("x").with_synapse(spec));
    let epistula = btauth.clone().with_dialect(EpistulaDialect::new());
    for client in [btauth, synapse, epistula] {
        block_on(async {
            let request = Request::synapse("Add", r#"{"a":20,"b":22}"#);
            let response = client.send(&axon, request).await.unwrap();
            assert_eq!((response.status, response.authenticity), (200, Authenticity::Verified));
            let body = response.body.bytes(10_000).await.unwrap();
            let body: Json = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["sum"], 42);
            assert_eq!(client.send(&axon, ask("hi")).await.unwrap().status, 200);
            let unknown = Request::synapse("Nope", "{}");
            assert_eq!(client.send(&axon, unknown).await.unwrap().status, 404);
        });
    }
    let metrics = service.metrics();
    assert_eq!(metrics.answered, 6);
    assert_eq!(metrics.refused["UnknownSynapse"], 3);
    assert_eq!(metrics.requests(), 9);
    assert_eq!((metrics.in_flight, metrics.running, metrics.waiting), (0, 0, 0));
}

#[test]
fn rates_are_kept_and_charged_to_the_proven() {
    let clock = ManualClock::new(NEW_YEAR);
    let limits = Limits::default().with_hotkey_rate(Some(Rate::per_second(3)));
    let service = AxonService::builder(hotkey("//Bob"))
        .with_clock(clock.clone())
        .with_limits(limits)
        .build(shouter());
    let network = Network::new();
    let axon = network.bind(service);
    let alice = network.client_as(Identity::with_clock(key("//Alice"), clock.clone()));
    let carol = network.client_as(Identity::with_clock(key("//Carol"), clock.clone()));
    block_on(async {
        let statuses = async |client: &tensor_net::memory::MemoryClient, count: usize| {
            let mut all = Vec::new();
            for _ in 0..count {
                all.push(client.send(&axon, ask("x")).await.unwrap().status);
            }
            all
        };
        assert_eq!(statuses(&alice, 5).await, [200, 200, 200, 429, 429]);
        assert_eq!(statuses(&carol, 1).await, [200]);
        clock.advance_seconds(1);
        assert_eq!(statuses(&alice, 4).await, [200, 200, 200, 429]);
    });

    // By address, before anything is verified: strangers pay it with everybody behind that address.
    let limits = Limits::default()
        .with_address_rate(Some(Rate { requests: 2, per: Duration::from_secs(60) }));
    let service = AxonService::builder(hotkey("//Bob")).with_limits(limits).build(shouter());
    let axon = network.bind(service);
    let client = network.client(key("//Alice"));
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(block_on(client.send(&axon, ask("x"))).unwrap().status);
    }
    assert_eq!(statuses, [200, 200, 429]);
}

#[test]
fn a_wrong_clock_is_noticed() {
    let ours = ManualClock::new(NEW_YEAR);
    let service = AxonService::builder(hotkey("//Bob")).with_clock(ours.clone()).build(shouter());
    let network = Network::new();
    let axon = network.bind(service.clone());
    let theirs = ManualClock::new(NEW_YEAR + 45_000_000_000);
    for i in 0..6 {
        let identity = Identity::with_clock(key(&format!("//Caller{i}")), theirs.clone());
        let response = block_on(network.client_as(identity).send(&axon, ask("x"))).unwrap();
        assert_eq!(response.status, 401);
    }
    assert_eq!(service.metrics().clock_is_wrong, Some(45_000_000_000));
    assert!(service.metrics().to_prometheus().contains("axon_clock_is_wrong 1"));
}
