//! The miner of the interop synapses: [`Interop`].

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use serde_json::{Value as Json, json};
use tensor_core::miner::{Caller, Miner, Priority, Reject};
use tensor_core::transport::{Body, Request, Response};
use tensor_core::{BoxError, Hotkey};
use tensor_net::wire::synapse::Value;

use crate::interop::mixed;

/// Answers the interop synapses, and any path of the other protocols.
#[derive(Debug)]
pub(super) struct Interop {
    pub(super) deny: HashSet<Hotkey>,
}

#[async_trait]
impl Miner for Interop {
    async fn handle(&self, caller: &Caller, request: Request) -> Result<Response, Reject> {
        if caller.protocol == tensor_net::wire::synapse::NAME && request.name() == "Late" {
            return Err(Reject::Timeout);
        }
        answer(caller, request).await.map_err(Reject::Internal)
    }

    fn admit(&self, caller: &Caller) -> Result<Priority, Reject> {
        match self.deny.contains(&caller.hotkey) {
            true => Err(Reject::Forbidden("listed key".into())),
            false => Ok(Priority::default()),
        }
    }
}

async fn answer(caller: &Caller, request: Request) -> Result<Response, BoxError> {
    let name = request.name().to_owned();
    let body = request.body.bytes(BODY_BYTES).await?;
    if caller.protocol != tensor_net::wire::synapse::NAME {
        let answer = if name == "generate" {
            let ask: Json = serde_json::from_slice(&body)?;
            let prompt = ask.get("prompt").and_then(Json::as_str).unwrap_or_default();
            json!({ "completion": prompt.to_uppercase() })
        } else {
            json!({ "hotkey": caller.hotkey.to_string(), "bytes": body.len() })
        };
        return Ok(Response::ok(answer.to_string()));
    }
    let ask = Value::parse(core::str::from_utf8(&body)?)?;
    let upper = || match ask.get("prompt") {
        Some(Value::Str(text)) => text.to_uppercase(),
        _ => String::new(),
    };
    let answer = match name.as_str() {
        "Prompt" | "Unhashed" => json!({ "completion": upper() }),
        "Mixed" => json!({ "reply": mixed().hashed_texts(&ask)?.join("|") }),
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
        "PromptStream" => {
            let text = upper();
            let words = text.split_whitespace().map(|word| Ok(Bytes::from(format!("{word} "))));
            let words: Vec<Result<Bytes, BoxError>> = words.collect();
            return Ok(Response::ok(Body::Stream(futures::stream::iter(words).boxed())));
        }
        _ => return Err("boom".into()),
    };
    Ok(Response::ok(answer.to_string()))
}

/// Bytes of a request that are read: 1 MiB.
const BODY_BYTES: usize = 1 << 20;
