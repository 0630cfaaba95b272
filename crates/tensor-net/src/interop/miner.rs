//! The miner of the interop synapses: [`InteropMiner`].

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use serde_json::{Value as Json, json};
use tensor_core::miner::{Caller, Miner, Priority, Reject};
use tensor_core::transport::{Body, Request, Response};
use tensor_core::{BoxError, Hotkey};

use crate::wire::synapse::official::class;
use crate::wire::synapse::{NAME, Value};

/// Answers the interop synapses of SDK 10, and any path of the other protocols. Needs tokio's time.
///
/// | synapse | answer |
/// | --- | --- |
/// | `Prompt`, `Unhashed` | `completion`: the prompt in capitals |
/// | `PromptStream` | the same as a stream, a chunk per word |
/// | `Mixed` | `reply`: the texts that are hashed, joined by `\|` |
/// | `Slow` | `reply`: `done`, after as many `seconds` as asked |
/// | `Teapot` | status 418 |
/// | `Late` | the caller's time is up: status 408 |
/// | `Boom`, any other | an error of the miner: status 500 |
///
/// In the other protocols `generate` answers as `Prompt`, and any other path says who asked, by
/// `hotkey`, and how many `bytes` came.
#[derive(Clone, Debug, Default)]
pub struct InteropMiner {
    denied: HashSet<Hotkey>,
}

impl InteropMiner {
    /// A miner that answers everybody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Refuses these hotkeys as a blacklist does.
    #[must_use]
    pub fn with_denied(mut self, hotkeys: impl IntoIterator<Item = Hotkey>) -> Self {
        self.denied.extend(hotkeys);
        self
    }
}

#[async_trait]
impl Miner for InteropMiner {
    async fn handle(&self, caller: &Caller, request: Request) -> Result<Response, Reject> {
        let name = request.name().to_owned();
        if caller.protocol != NAME {
            return path(caller, &name, request).await.map_err(Reject::Internal);
        }
        if name == "Late" {
            return Err(Reject::Timeout);
        }
        synapse(&name, request).await.map_err(Reject::Internal)
    }

    fn admit(&self, caller: &Caller) -> Result<Priority, Reject> {
        match self.denied.contains(&caller.hotkey) {
            true => Err(Reject::Forbidden("listed key".into())),
            false => Ok(Priority::default()),
        }
    }
}

async fn path(caller: &Caller, name: &str, request: Request) -> Result<Response, BoxError> {
    let body = request.body.bytes(BODY_BYTES).await?;
    let answer = if name == "generate" {
        let ask: Json = serde_json::from_slice(&body)?;
        let prompt = ask.get("prompt").and_then(Json::as_str).unwrap_or_default();
        json!({ "completion": prompt.to_uppercase() })
    } else {
        json!({ "hotkey": caller.hotkey.to_string(), "bytes": body.len() })
    };
    Ok(Response::ok(answer.to_string()))
}

async fn synapse(name: &str, request: Request) -> Result<Response, BoxError> {
    let body = request.body.bytes(BODY_BYTES).await?;
    let ask = Value::parse(core::str::from_utf8(&body)?)?;
    let upper = || match ask.get("prompt") {
        Some(Value::Str(text)) => text.to_uppercase(),
        _ => String::new(),
    };
    let answer = match name {
        "Prompt" | "Unhashed" => json!({ "completion": upper() }),
        "PromptStream" => {
            let text = upper();
            let words = text.split_whitespace().map(|word| Ok(Bytes::from(format!("{word} "))));
            let words: Vec<Result<Bytes, BoxError>> = words.collect();
            return Ok(Response::ok(Body::Stream(futures::stream::iter(words).boxed())));
        }
        "Mixed" => {
            let spec = class(name).ok_or("the class is not known")?;
            json!({ "reply": spec.hashed_texts(&ask)?.join("|") })
        }
        "Slow" => {
            let seconds = match ask.get("seconds") {
                Some(Value::Float(seconds)) => *seconds,
                Some(Value::Int(digits)) => digits.parse()?,
                _ => 0.0,
            };
            tokio::time::sleep(Duration::try_from_secs_f64(seconds)?).await;
            json!({ "reply": "done" })
        }
        "Teapot" => {
            let body = json!({ "axon": { "status_message": "short and stout" } });
            return Ok(Response::new(418, body.to_string()));
        }
        _ => return Err("boom".into()),
    };
    Ok(Response::ok(answer.to_string()))
}

/// Bytes of a request that are read: 1 MiB.
const BODY_BYTES: usize = 1 << 20;
