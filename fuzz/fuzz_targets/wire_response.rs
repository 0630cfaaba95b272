//! Answers of a hostile axon, read by clients of every protocol: nothing panics, nothing that was not
//! signed counts as signed, and no body passes its limit.
#![no_main]

use bytes::Bytes;
use futures::StreamExt as _;
use futures::executor::block_on;
use libfuzzer_sys::fuzz_target;
use serde::{Deserialize, Serialize};
use tensor_core::key::{Keypair, Scheme};
use tensor_core::miner::{Caller, Reject, Synapse, miner_fn};
use tensor_core::transport::{Authenticity, Body, Request, Response, Transport as _};
use tensor_core::{BoxError, Hotkey};
use tensor_fuzz::Text;
use tensor_net::Network;
use tensor_net::client::{FanOut, ask, fan_out};
use tensor_net::server::AxonService;
use tensor_net::wire::epistula::EpistulaDialect;
use tensor_net::wire::synapse::{SynapseDialect, official};
use tensor_net::wire::{Claim, Exchange, Head, Protocol, Refusal, Reply};

#[derive(Clone, Serialize, Deserialize)]
struct Prompt {
    prompt: String,
}

#[derive(Serialize, Deserialize)]
struct Completion {
    completion: Option<String>,
}

impl Synapse for Prompt {
    const NAME: &'static str = "Prompt";
    type Answer = Completion;
}

/// Answers whatever comes with what the fuzzer wrote.
struct Hostile {
    text: Text,
    is_stream: bool,
}

impl Protocol for Hostile {
    fn name(&self) -> &'static str {
        "hostile"
    }

    fn recognises(&self, _: &Head<'_>) -> bool {
        true
    }

    fn claim(&self, _: &Head<'_>, _: u64) -> Result<Claim, Refusal> {
        Err(Refusal::Method)
    }

    fn check(&self, _: &Claim, _: &Head<'_>, _: u64) -> Result<(), Refusal> {
        Ok(())
    }

    fn message(&self, _: &Claim, _: &Head<'_>, _: &[u8]) -> Vec<u8> {
        Vec::new()
    }

    fn reply(&self, _: &Exchange<'_>, _: Result<Response, Refusal>) -> Reply {
        let Text { headers, body, .. } = &self.text;
        let status = self.text.word(0, "200").parse().unwrap_or(200);
        let body = match self.is_stream {
            true => {
                let chunks = body.chunks(7).map(|chunk| Ok(Bytes::copy_from_slice(chunk)));
                let chunks: Vec<Result<Bytes, BoxError>> = chunks.collect();
                Body::Stream(futures::stream::iter(chunks).boxed())
            }
            false => Body::Full(body.clone().into()),
        };
        let mut reply = Reply::new(Response::new(status, body).with_content_type(""));
        for (name, value) in headers {
            reply = reply.with_header(name.clone(), String::from_utf8_lossy(value));
        }
        reply
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let hostile = Hostile { text: Text::parse(rest), is_stream: first & 1 == 1 };
    let network = Network::new();
    let miner = miner_fn(|_: Caller, _: Prompt| async { Err::<Completion, _>(Reject::Timeout) });
    let service = AxonService::builder(Hotkey::from_bytes([7; 32])).with_protocol(hostile);
    let axon = network.bind(service.build(miner));
    let client = network.client(Keypair::from_seed(&[1; 32], Scheme::Ed25519));
    let synapse = official::classes().into_iter().fold(SynapseDialect::new("fuzz"), SynapseDialect::with_synapse);
    let clients = [
        client.clone(),
        client.clone().with_dialect(synapse),
        client.with_dialect(EpistulaDialect::default()),
    ];
    for client in clients {
        block_on(async {
            let question = Prompt { prompt: "x".into() };
            if let Ok(answered) = ask(&client, &axon, &question, Request::DEFAULT_TIMEOUT).await {
                assert_eq!(answered.authenticity, Authenticity::Unsigned, "nobody signed");
            }
            let request = || Request::synapse("Prompt", r#"{"prompt": "x"}"#);
            if let Ok(response) = client.send(&axon, request()).await {
                assert_eq!(response.authenticity, Authenticity::Unsigned, "nobody signed");
                let _ = response.body.bytes(1 << 20).await;
            }
            let options = FanOut::default().with_response_bytes(64);
            for answer in fan_out(&client, &[axon], &options, |_| request()).await {
                let Some(Ok(response)) = answer.outcome else { continue };
                let body = response.body.bytes(1 << 20).await.unwrap();
                assert!(body.len() <= 64, "more than was allowed");
            }
        });
    }
});
