//! Both directions against the official Python packages: SDK 11.3.0 (btauth/1) and SDK 10.5.0 (axon and
//! dendrite). Runs where `TENSOR_INTEROP=1`, with the interpreters that have the packages in
//! `TENSOR_PY_V11` and `TENSOR_PY_V10`; then a missing one is a failure.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value as Json, json};
use tensor_core::Hotkey;
use tensor_core::key::{Keypair, Scheme};
use tensor_core::transport::{Endpoint, Request, Transport};
use tensor_net::client::Client;
use tensor_net::interop::{self, InteropMiner};
use tensor_net::server::{AxonService, Server};
use tensor_net::wire::Identity;
use tensor_net::wire::btauth::{Btauth, BtauthDialect};
use tensor_net::wire::synapse::{SynapseDialect, SynapseProtocol};

use super::{hotkey, key};

/// The interpreter with that SDK, or nothing if interop was not asked for.
fn python(variable: &str) -> Option<PathBuf> {
    if std::env::var("TENSOR_INTEROP").as_deref() != Ok("1") {
        println!("interop was not asked for: TENSOR_INTEROP is not 1");
        return None;
    }
    match std::env::var_os(variable) {
        Some(path) => Some(PathBuf::from(path)),
        None => panic!("TENSOR_INTEROP=1 asks for interop, but {variable} names no Python"),
    }
}

fn script(python: &PathBuf, name: &str, arguments: &[&str]) -> Command {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop");
    let mut command = Command::new(python);
    // The test's home keeps the SDK from touching the user's.
    command
        .arg(format!("{folder}/{name}.py"))
        .args(arguments)
        .env("HOME", std::env::temp_dir())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONWARNINGS", "ignore")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// Runs a script to its end and reads its lines of JSON.
async fn cases(mut command: Command) -> Vec<Json> {
    let output = tokio::task::spawn_blocking(move || {
        command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().unwrap()
    });
    let output = output.await.unwrap();
    assert!(output.status.success(), "the script failed");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// A server script, killed when dropped.
struct Running(Child);

impl Running {
    /// Starts it and reads lines until `ready` makes something of one.
    fn start<T>(mut command: Command, ready: impl Fn(&str) -> Option<T>) -> (Self, T) {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let found = lines.find_map(|line| ready(line.trim()));
        // What it says later must go somewhere, or it fails to say it.
        std::thread::spawn(move || lines.for_each(drop));
        let running = Self(child);
        (running, found.expect("the server script ended"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn case<'a>(cases: &'a [Json], name: &str) -> &'a Json {
    cases.iter().find(|case| case["case"] == name).unwrap_or_else(|| panic!("no case {name}"))
}

async fn serve() -> (u16, tokio::task::JoinHandle<()>) {
    let bob = hotkey("//Bob");
    // One stays undeclared: it is served all the same.
    let declared = interop::synapses().into_iter().filter(|spec| spec.name() != "Boom");
    let synapses = declared.fold(SynapseProtocol::new(bob), SynapseProtocol::with_synapse);
    let service = AxonService::builder(bob)
        .with_protocol(Btauth::new(bob))
        .with_protocol(synapses)
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
    let alice = hotkey("//Alice").to_string();
    for (name, status, part) in [
        ("sr25519", 200, r#"{"completion":"HELLO WORLD"}"#),
        ("ed25519", 200, "HELLO WORLD"),
        ("get", 200, &*format!(r#"{{"hotkey":"{alice}","bytes":0}}"#)),
        ("empty query", 200, r#""bytes":1"#),
        ("first", 200, "HELLO"),
        ("again", 401, "this nonce was already accepted from this hotkey"),
        ("changed body", 401, "signature does not verify against the claimed hotkey"),
        ("changed target", 401, "BadSignature"),
        ("changed method", 401, "BadSignature"),
        ("for another", 401, "request was signed for a different receiving hotkey"),
        ("for nobody", 401, "missing X-Bittensor-Receiver"),
        ("old", 401, "nonce is older than the 10s freshness window"),
        ("future", 401, "nonce is more than 2s in the future"),
        ("unsigned", 401, "missing or unsupported X-Bittensor-Version"),
    ] {
        let case = case(&cases, name);
        assert_eq!(case["status"], status, "{name}: {case}");
        assert!(case["body"].as_str().unwrap().contains(part), "{name}: {case}");
    }
    serving.abort();
}

#[tokio::test]
async fn the_sdk_11_server_accepts_us() {
    let Some(python) = python("TENSOR_PY_V11") else { return };
    let bob = hotkey("//Bob").to_string();
    let command = script(&python, "sdk11_server", &[&bob]);
    let (_server, port) = Running::start(command, |line| line.parse::<u16>().ok());
    let axon =
        Endpoint { hotkey: hotkey("//Bob"), address: format!("127.0.0.2:{port}").parse().unwrap() };
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
        let asks = (0..50).map(|_| client.send(&axon, Request::synapse("many", "x")));
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
    let ok = |name: &str| {
        let case = case(&cases, name);
        assert_eq!(case["status"], 200, "{case}");
        assert_eq!(case["success"], true, "{case}");
        assert_eq!(case["axon_status"], 200, "{case}");
        assert_eq!(case["axon_hotkey"], bob, "{case}");
        case
    };
    assert_eq!(ok("prompt")["completion"], "HELLO WORLD");
    assert_eq!(ok("prompt")["message"], "Success");
    assert_eq!(ok("unicode")["completion"], "漢字😀 \"IT'S\"\n\u{200b}");
    assert_eq!(ok("unhashed")["completion"], "X");
    let mixed = r#"it's|-3|2.0|True|[1, 2]|{'k': [None, 'v', 1.5], 'é': {'q': '"\''}}|None"#;
    assert_eq!(ok("mixed")["reply"], mixed);
    ok("ping");
    assert_eq!(ok("slow enough")["reply"], "done");
    assert_eq!(ok("many")["all"], json!([200]));
    assert_eq!(ok("stream")["chunks"], "A BB CCC ");
    assert_eq!(ok("stream")["completion"], "A BB CCC ");

    for (name, status, part) in [
        ("boom", 500, "Internal Server Error #"),
        ("late", 408, "Response timeout after: 12.0s"),
        ("slow", 408, "Request timeout after 0.5 seconds"),
        ("for another", 401, "Not Verified with error: Signature mismatch with "),
        ("changed nonce", 401, "Not Verified with error: Signature mismatch with "),
        (
            "old",
            401,
            "Not Verified with error: Nonce is too old: acceptable delta is 16.00 seconds",
        ),
        ("future", 401, "Not Verified with error: nonce is more than 10s in the future"),
        ("unsigned", 401, "Not Verified with error: Missing Signature"),
        ("changed field", 401, "Not Verified with error: Signature mismatch with "),
    ] {
        let case = case(&cases, name);
        assert_eq!(case["status"], status, "{case}");
        assert_eq!(case["success"], false, "{case}");
        let message = case["message"].as_str().unwrap_or_default();
        assert!(message.starts_with(part), "{case}");
    }
    let teapot = case(&cases, "teapot");
    assert_eq!(teapot["status"], 418, "{teapot}");
    assert_eq!(teapot["axon_status"], 418, "{teapot}");
    serving.abort();
}

#[tokio::test]
async fn the_sdk_10_axon_accepts_us() {
    let Some(python) = python("TENSOR_PY_V10") else { return };
    // The axon must be told its port. One that was free a moment ago nearly always still is.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let command = script(&python, "sdk10_axon", &[&free.port().to_string()]);
    let (_axon, ()) = Running::start(command, |line| (line == "ready").then_some(()));
    let axon = Endpoint { hotkey: hotkey("//Bob"), address: free };

    let client = |uri: &str| {
        let known = interop::synapses().into_iter();
        let dialect = known.fold(SynapseDialect::new(uri), SynapseDialect::with_synapse);
        Client::builder(Identity::new(key(uri)))
            .with_dialect(dialect)
            .allow_private_addresses()
            .build()
    };
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

#[test]
fn hotkeys_of_the_scripts_are_ours() {
    // The scripts derive //Bob by the official package, and the vectors say what it yields.
    assert_eq!(
        Hotkey::to_string(&hotkey("//Bob")),
        "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
    );
}
