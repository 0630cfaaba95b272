//! Requests of SDK 10 against a whole service with the classes of the recorded vectors: nobody but the
//! keys that signed the recorded requests reaches the miner, and every answer is one that official
//! dendrites can read.
#![no_main]

use futures::executor::block_on;
use http_body_util::Full;
use libfuzzer_sys::fuzz_target;
use tensor_core::miner::{Caller, Miner, Reject};
use tensor_core::transport::{Request, Response};
use tensor_core::{Clock, Hotkey};
use tensor_fuzz::Text;
use tensor_net::server::AxonService;
use tensor_net::wire::synapse::SynapseProtocol;
use tensor_net::wire::synapse::official::classes;

/// The keys of the recorded requests.
const SIGNERS: [&str; 4] = [
    "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
    "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty",
    "5HGjWAeFDfFCWPsjFQdVV2Msvz2XtMktvgocEZcCj68kUMaw",
    "5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y",
];

struct Echo;

#[async_trait::async_trait]
impl Miner for Echo {
    async fn handle(&self, caller: &Caller, request: Request) -> Result<Response, Reject> {
        assert!(SIGNERS.contains(&caller.hotkey.to_string().as_str()), "a forged request");
        let body = request.body.bytes(1 << 20).await.map_err(|error| Reject::Internal(error.into()))?;
        Ok(Response::ok(body))
    }
}

struct At(u64);

impl Clock for At {
    fn unix_nanos(&self) -> u64 {
        self.0
    }
}

fuzz_target!(|data: &[u8]| {
    let asked = Text::parse(data);
    let me: Hotkey = SIGNERS[1].parse().unwrap();
    let protocol = classes().into_iter().fold(SynapseProtocol::new(me), SynapseProtocol::with_synapse);
    // Started before, so that recorded nonces are not from an earlier process.
    let clock = At(asked.time().saturating_sub(2_000_000));
    let service = AxonService::builder(me).with_protocol(protocol).with_clock(clock).build(Echo);
    let mut request = http::Request::builder()
        .method(asked.word(0, "POST").as_str())
        .uri(asked.word(1, "/Prompt"));
    for (name, value) in &asked.headers {
        request = request.header(name.as_str(), value.as_slice());
    }
    let Ok(request) = request.body(Full::new(bytes::Bytes::from(asked.body))) else { return };
    let answer = block_on(service.answer(request));
    let (head, body) = answer.into_parts();
    for (name, value) in &head.headers {
        assert!(value.len() <= 8_190, "{name} is longer than aiohttp reads");
        assert!(value.to_str().is_ok(), "{name} is no ASCII");
    }
    let body = block_on(body.into_body().bytes(64 << 20)).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&body).expect("every answer is JSON");
    if head.status == 200 {
        assert!(json["dendrite"].is_object() && json["axon"].is_object(), "{json}");
        assert!(!json["timeout"].is_null(), "{json}");
    }
});
