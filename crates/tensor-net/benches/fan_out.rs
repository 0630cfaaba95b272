//! One question to 256 miners on loopback: how far apart the requests start, and how long all answers
//! take against a bare HTTP client that signs nothing and keeps no connections.
//!
//! ```text
//! cargo bench -p tensor-net --bench fan_out
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a bench may fail loudly"
)]

use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use tensor_core::Hotkey;
use tensor_core::key::{Keypair, Scheme};
use tensor_core::miner::{Caller, Reject, Synapse, miner_fn};
use tensor_core::transport::{Endpoint, Request};
use tensor_net::Client;
use tensor_net::client::{FanOut, fan_out};
use tensor_net::server::{AxonService, Server};
use tensor_net::wire::Identity;

#[derive(serde::Serialize, serde::Deserialize)]
struct Prompt {
    prompt: String,
}

impl Synapse for Prompt {
    const NAME: &'static str = "Prompt";
    type Answer = String;
}

const BODY: &str = r#"{"prompt":"hello world"}"#;

fn main() {
    let quick = std::env::args().any(|argument| argument == "--test");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(measure(if quick { 16 } else { 256 }, if quick { 2 } else { 20 }));
}

async fn measure(miners: u32, rounds: usize) {
    let mut axons = Vec::new();
    for number in 0..miners {
        let mut seed = [0; 32];
        seed[..4].copy_from_slice(&number.to_le_bytes());
        let hotkey = Hotkey::new(Keypair::from_seed(&seed, Scheme::Sr25519).account_id());
        let miner =
            miner_fn(
                |_: Caller, ask: Prompt| async move { Ok::<_, Reject>(ask.prompt.to_uppercase()) },
            );
        let server = Server::bind("127.0.0.1:0", AxonService::new(hotkey, miner)).await.unwrap();
        axons.push(Endpoint { hotkey, address: server.local_addr().unwrap() });
        tokio::spawn(server.serve());
    }
    let alice = Keypair::from_uri("//Alice", Scheme::Sr25519).unwrap();
    let client = Client::builder(Identity::new(alice)).allow_private_addresses().build();

    let mut spreads = Vec::new();
    let mut signed = Vec::new();
    let mut bare = Vec::new();
    for _ in 0..rounds {
        let begin = Instant::now();
        let options = FanOut::default();
        let answers =
            fan_out(&client, &axons, &options, |_| Request::synapse("Prompt", BODY)).await;
        signed.push(begin.elapsed());
        assert!(answers.iter().all(|answer| answer.success().is_some()));
        spreads.push(answers.iter().map(|answer| answer.started).max().unwrap());

        let begin = Instant::now();
        let asks = axons.iter().map(|axon| bare_request(axon.address));
        futures::future::join_all(asks).await;
        bare.push(begin.elapsed());
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    let (spread, signed, bare) = (median(&mut spreads), median(&mut signed), median(&mut bare));
    println!("{miners} miners, median of {rounds} rounds");
    println!("slowest start after the first: {spread:.2?} (at most 20 ms)");
    println!("all answers, signed: {signed:.2?}; bare requests: {bare:.2?}");
    let ratio = signed.as_secs_f64() / bare.as_secs_f64();
    println!("signed / bare: {ratio:.2} (at most 2)");
}

/// One request over a new connection. The axon refuses it, since it is not signed; the way is the same.
async fn bare_request(address: std::net::SocketAddr) {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::post("/Prompt")
        .header("host", address.to_string())
        .header("content-type", "application/json")
        .body(Full::new(bytes::Bytes::from_static(BODY.as_bytes())))
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), 401);
    response.into_body().collect().await.unwrap();
}
