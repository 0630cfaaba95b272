//! Both directions against the official Python packages: SDK 11.3.0 (btauth/1) and SDK 10.5.0 (axon and
//! dendrite). Runs where `TENSOR_INTEROP=1`, with the interpreters that have the packages in
//! `TENSOR_PY_V11` and `TENSOR_PY_V10`; then a missing one is a failure.

#[path = "../interop/peers.rs"]
mod peers;

use std::time::Duration;

use serde_json::{Value as Json, json};
use tensor_core::BoxError;
use tensor_core::Hotkey;
use tensor_core::key::{Keypair, Scheme};
use tensor_core::transport::{Endpoint, Request, Transport};
use tensor_net::client::Client;
use tensor_net::interop::{self, InteropMiner};
use tensor_net::server::{AxonService, Server};
use tensor_net::wire::btauth::{Btauth, BtauthDialect};
use tensor_net::wire::epistula::Epistula;
use tensor_net::wire::synapse::{SynapseDialect, SynapseProtocol};
use tensor_net::wire::{Dialect, Draft, Headers, Identity, Outgoing};

use super::{hotkey, key};
use peers::{Running, cases, python, script};

/// Where the scripts are.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop");

async fn serve() -> (u16, tokio::task::JoinHandle<()>) {
    let bob = hotkey("//Bob");
    // One stays undeclared: it is served all the same.
    let declared = interop::synapses().into_iter().filter(|spec| spec.name() != "Boom");
    let synapses = declared.fold(SynapseProtocol::new(bob), SynapseProtocol::with_synapse);
    let service = AxonService::builder(bob)
        .with_protocol(Btauth::new(bob))
        .with_protocol(synapses)
        .with_protocol(Epistula::new(bob))
        .build(InteropMiner::new().with_denied([hotkey("//Eve")]));
    let server = Server::bind("127.0.0.2:0", service).await.unwrap();
    let port = server.local_addr().unwrap().port();
    (port, tokio::spawn(server.serve()))
}

#[tokio::test]
async fn the_sdk_11_client_is_served() {
    let Some(python) = python("TENSOR_PY_V11") else { return };
    let (port, serving) = serve().await;
    let bob = hotkey("//Bob").to_string();
    let cases = cases(script(&python, "sdk11_client", &[&port.to_string(), &bob])).await;
    peers::check_sdk11_client(&cases, &hotkey("//Alice").to_string());
    serving.abort();
}

#[tokio::test]
async fn the_sdk_11_server_accepts_us() {
    let Some(python) = python("TENSOR_PY_V11") else { return };
    let bob = hotkey("//Bob").to_string();
    let (_server, address) = Running::sdk11_server(&python, &bob);
    let axon = Endpoint { hotkey: hotkey("//Bob"), address };
    for scheme in [Scheme::Sr25519, Scheme::Ed25519] {
        let pair = Keypair::from_uri("//Alice", scheme).unwrap();
        let me = pair.account_id().to_string();
        let identity = Identity::new(pair);
        let client = Client::builder(identity.clone()).allow_private_addresses().build();
        for (target, body) in [("/generate?x=%20&y=", "hello"), ("/x?", ""), ("/é", "z")] {
            let request = Request::new(Default::default(), target, body);
            let response = client.send(&axon, request).await.unwrap();
            let status = response.status;
            let answer = response.body.bytes(1_000).await.unwrap();
            assert_eq!(status, 200, "{target}: {answer:?}");
            let answer: Json = serde_json::from_slice(&answer).unwrap();
            assert_eq!(answer, json!({ "hotkey": me, "bytes": body.len() }));
        }
        let asks = (0..50).map(|_| {
            // However slow the machine is: what is asked is whether all are accepted.
            let request = Request::synapse("many", "x").with_timeout(Duration::from_secs(120));
            client.send(&axon, request)
        });
        for response in futures::future::join_all(asks).await {
            assert_eq!(response.unwrap().status, 200);
        }
        let carol = Endpoint { hotkey: hotkey("//Carol"), ..axon };
        let response = client.send(&carol, Request::synapse("x", "")).await.unwrap();
        assert_eq!(response.status, 401);
        let text = response.body.bytes(1_000).await.unwrap();
        assert!(String::from_utf8_lossy(&text).contains("WrongReceiver"));
        let unbound = Client::builder(identity)
            .with_dialect(BtauthDialect::new().unbound())
            .allow_private_addresses()
            .build();
        let response = unbound.send(&axon, Request::synapse("x", "")).await.unwrap();
        assert_eq!(response.status, 401);
    }
}

#[tokio::test]
async fn the_sdk_10_dendrite_is_served() {
    let Some(python) = python("TENSOR_PY_V10") else { return };
    let (port, serving) = serve().await;
    let bob = hotkey("//Bob").to_string();
    let cases = cases(script(&python, "sdk10_dendrite", &[&port.to_string(), &bob])).await;
    peers::check_sdk10_dendrite(&cases, &bob);
    serving.abort();
}

#[tokio::test]
async fn an_epistula_client_is_served() {
    let Some(python) = python("TENSOR_PY_V10") else { return };
    let (port, serving) = serve().await;
    let bob = hotkey("//Bob").to_string();
    let cases = cases(script(&python, "epistula_client", &[&port.to_string(), &bob])).await;
    peers::check_epistula_client(&cases, &hotkey("//Alice").to_string());
    serving.abort();
}

#[tokio::test]
async fn the_sdk_10_axon_accepts_us() {
    let Some(python) = python("TENSOR_PY_V10") else { return };
    let (_axon, address) = Running::sdk10_axon(&python);
    let axon = Endpoint { hotkey: hotkey("//Bob"), address };

    let client = |uri: &str| client_of(uri, dendrite(uri));
    let alice = client("//Alice");
    let ask = async |client: &Client, to: &Endpoint, name: &str, fields: Json| {
        let response = client.send(to, Request::synapse(name, fields.to_string())).await.unwrap();
        let status = response.status;
        let body = response.body.bytes(1 << 20).await.unwrap();
        (status, serde_json::from_slice::<Json>(&body).unwrap_or(Json::Null), body)
    };

    let (status, answer, _) = ask(&alice, &axon, "Prompt", json!({ "prompt": "it's 漢字" })).await;
    assert_eq!((status, &answer["completion"]), (200, &json!("IT'S 漢字")));
    assert_eq!(answer["axon"]["hotkey"], hotkey("//Bob").to_string());
    let (status, answer, _) = ask(&alice, &axon, "Unhashed", json!({ "prompt": "x" })).await;
    assert_eq!((status, &answer["completion"]), (200, &json!("X")));
    let mixed = json!({
        "text": "it's", "number": -3, "ratio": 2, "flag": true, "items": [1, 2],
        "table": { "k": [null, "v", 1.5], "é\u{200b}": { "q": "\"'" } },
    });
    let (status, answer, _) = ask(&alice, &axon, "Mixed", mixed).await;
    let text = r#"it's|-3|2.0|True|[1, 2]|{'k': [None, 'v', 1.5], 'é\u200b': {'q': '"\''}}|None"#;
    assert_eq!((status, &answer["reply"]), (200, &json!(text)));
    assert_eq!(ask(&alice, &axon, "Synapse", json!({})).await.0, 200);
    assert_eq!(ask(&alice, &axon, "Boom", json!({})).await.0, 500);
    assert_eq!(ask(&alice, &axon, "Teapot", json!({})).await.0, 418);
    assert_eq!(ask(&alice, &axon, "Nope", json!({})).await.0, 404);
    let (status, answer, _) = ask(&alice, &axon, "Slow", json!({ "seconds": 0.01 })).await;
    assert_eq!((status, &answer["reply"]), (200, &json!("done")));
    assert_eq!(ask(&alice, &axon, "Late", json!({})).await.0, 408);
    let (status, _, body) = ask(&alice, &axon, "PromptStream", json!({ "prompt": "a bb c" })).await;
    assert_eq!((status, &*body), (200, &b"A BB C "[..]));

    let carol = Endpoint { hotkey: hotkey("//Carol"), ..axon };
    let (status, answer, _) = ask(&alice, &carol, "Prompt", json!({ "prompt": "x" })).await;
    assert_eq!(status, 401);
    assert!(answer["message"].as_str().unwrap().contains("Signature mismatch"), "{answer}");
    let (status, answer, _) =
        ask(&client("//Eve"), &axon, "Prompt", json!({ "prompt": "x" })).await;
    assert_eq!(status, 403);
    assert_eq!(answer["message"], "Forbidden. Key is blacklisted: listed key.");

    // Many at once: each its own nonce, none refused for coming out of order.
    let asks = (0..40).map(|i| ask(&alice, &axon, "Prompt", json!({ "prompt": format!("p{i}") })));
    for (i, (status, answer, _)) in futures::future::join_all(asks).await.into_iter().enumerate() {
        assert_eq!((status, &answer["completion"]), (200, &json!(format!("P{i}"))));
    }
}

#[tokio::test]
async fn what_was_changed_on_the_way_the_official_packages_refuse() {
    let (Some(v10), Some(v11)) = (python("TENSOR_PY_V10"), python("TENSOR_PY_V11")) else { return };
    let bob = hotkey("//Bob");
    let (_axon, address) = Running::sdk10_axon(&v10);
    let axon = Endpoint { hotkey: bob, address };
    let (_server, address) = Running::sdk11_server(&v11, &bob.to_string());
    let server = Endpoint { hotkey: bob, address };

    let body = |draft: &mut Draft| {
        draft.body = String::from_utf8_lossy(&draft.body).replace("\"x\"", "\"y\"").into()
    };
    let unsigned = |draft: &mut Draft| draft.signatures.clear();
    let nonce = |draft: &mut Draft| raise(draft, "nonce");
    type Change = fn(&mut Draft);
    let cases: [(&str, Change, u16, u16); 4] = [
        ("Prompt", body, 500, 401),
        // Not hashed, so the axon does not see it; all of a body is signed for the other.
        ("Unhashed", body, 200, 401),
        ("Prompt", nonce, 401, 401),
        ("Prompt", unsigned, 401, 401),
    ];
    for (name, change, from_axon, from_server) in cases {
        let tampered = client_of("//Alice", Tampered(dendrite("tampered"), change));
        let request = || Request::synapse(name, r#"{"prompt": "x"}"#);
        assert_eq!(tampered.send(&axon, request()).await.unwrap().status, from_axon, "{name}");
        let tampered = client_of("//Alice", Tampered(BtauthDialect::new(), change));
        assert_eq!(tampered.send(&server, request()).await.unwrap().status, from_server, "{name}");
    }
}

fn dendrite(seed: &str) -> SynapseDialect {
    interop::synapses().into_iter().fold(SynapseDialect::new(seed), SynapseDialect::with_synapse)
}

fn client_of(uri: &str, dialect: impl Dialect + 'static) -> Client {
    let builder = Client::builder(Identity::new(key(uri)));
    builder.with_dialect(dialect).allow_private_addresses().build()
}

/// Changes a request after its bytes to sign were laid down.
struct Tampered<D>(D, fn(&mut Draft));

impl<D: Dialect> Dialect for Tampered<D> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn draft(&self, outgoing: &Outgoing<'_>) -> Result<Draft, BoxError> {
        let mut draft = self.0.draft(outgoing)?;
        self.1(&mut draft);
        Ok(draft)
    }

    fn status(&self, status: u16, headers: &dyn Headers) -> Result<u16, BoxError> {
        self.0.status(status, headers)
    }
}

/// Adds one to the number in the header whose name ends so.
fn raise(draft: &mut Draft, end: &str) {
    let ends = |name: &str| name.to_lowercase().ends_with(end);
    let (_, value) = draft.headers.iter_mut().find(|(name, _)| ends(name)).unwrap();
    *value = (value.parse::<u64>().unwrap() + 1).to_string().into();
}

#[test]
fn hotkeys_of_the_scripts_are_ours() {
    // The scripts derive //Bob by the official package, and the vectors say what it yields.
    assert_eq!(
        Hotkey::to_string(&hotkey("//Bob")),
        "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
    );
}
