//! What an axon answers: the echoed synapse, its headers, and the texts of refusals.

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;
use tensor_core::miner::Reject;
use tensor_core::transport::{Body, Response};

use super::echo::Members;
use super::official::fault;
use super::python::float_repr;
use super::{
    BODY_HASH, HOTKEY, NONCE, SDK_VERSION, SIGNATURE, SYNAPSE_NAME, SynapseProtocol, TIMEOUT, UUID,
    VERSION, Value, hash, message, optional, route, uuid_of,
};
use crate::wire::{AuthError, Exchange, Head, Malformed, Refusal, Reply};

pub(super) fn reply(
    protocol: &SynapseProtocol,
    exchange: &Exchange<'_>,
    outcome: Result<Response, Refusal>,
) -> Reply {
    match outcome {
        Ok(response) => match response.body {
            Body::Stream(_) => stream(protocol, exchange, response),
            Body::Full(_) => success(protocol, exchange, response),
        },
        Err(refusal) => refuse(protocol, exchange, &refusal),
    }
}

/// The request's synapse with the answer's members set, and the headers that repeat it.
fn success(protocol: &SynapseProtocol, exchange: &Exchange<'_>, response: Response) -> Reply {
    let Response { status, body: Body::Full(answer), .. } = response else {
        return Reply::new(response);
    };
    let mut echo = Members::parse(exchange.body).unwrap_or_default();
    let mut axon = terminal(&echo, "axon");
    let mut dendrite = terminal(&echo, "dendrite");
    let spec = protocol.synapses.get(route(exchange.head));
    // The hash changes only where the answer sets a hashed field.
    let mut rehash = false;
    match Members::parse(&answer) {
        Ok(mut answer) => {
            let changed = |name| answer.get(name).is_some();
            rehash = spec.is_some_and(|spec| spec.hashed().any(changed));
            for (which, terminal) in [("axon", &mut axon), ("dendrite", &mut dendrite)] {
                let given = answer.take(which);
                let given = given.and_then(|raw| Members::parse(raw.get().as_bytes()).ok());
                terminal.merge(given.unwrap_or_default());
            }
            echo.merge(answer);
        }
        // Nothing to answer with is an answer; anything else that is no object fits no synapse.
        Err(_) if answer.is_empty() => {}
        Err(error) => {
            let refusal = Refusal::Reject(Reject::Internal(error.into()));
            return refuse(protocol, exchange, &refusal);
        }
    }

    axon.set_to("status_code", &status);
    if status == 200 && text(&axon, "status_message").is_none() {
        axon.set_to("status_message", &"Success");
    }
    axon.set_to("process_time", &exchange.elapsed.as_secs_f64());

    let name = route(exchange.head);
    echo.set_to("name", &name);
    // Official clients crash on null here.
    if echo.get("timeout").is_none_or(|timeout| timeout.get() == "null") {
        echo.set_to("timeout", &12.0);
    }
    for size in ["total_size", "header_size"] {
        if echo.get(size).is_none() {
            echo.set_to(size, &0);
        }
    }
    if echo.get("computed_body_hash").is_none() {
        echo.set_to("computed_body_hash", &"");
    }
    echo.set("axon", object(&axon));
    echo.set("dendrite", object(&dendrite));
    let body = echo.to_json();

    let timeout = match echo.get("timeout").and_then(|raw| raw.get().parse::<f64>().ok()) {
        Some(seconds) => float_repr(seconds),
        None => "12.0".to_owned(),
    };
    let mut headers = Headers::default();
    headers.add(SYNAPSE_NAME, name);
    headers.add(TIMEOUT, &timeout);
    headers.add_terminal("axon", &axon);
    headers.add_terminal("dendrite", &dendrite);
    if let Some(spec) = spec {
        for (field, dummy) in spec.dummies(&echo.pick(spec.required())) {
            headers.add(&format!("bt_header_input_obj_{field}"), &STANDARD.encode(dummy));
        }
    }
    let signed = optional(exchange.head, BODY_HASH).ok().flatten().filter(|_| !rehash);
    let hash = match (signed, spec) {
        (Some(hash), _) => hash.to_owned(),
        (None, Some(spec)) => {
            spec.body_hash(&echo.pick(spec.hashed())).unwrap_or_else(|_| hash(""))
        }
        (None, None) => hash(""),
    };
    headers.add_sizes(body.len());
    headers.add(BODY_HASH, &hash);
    headers.reply(Response::new(status, body))
}

/// The headers of a success and the stream as the miner made it.
fn stream(protocol: &SynapseProtocol, exchange: &Exchange<'_>, response: Response) -> Reply {
    let Response { status, body, content_type, .. } = response;
    let head = success(protocol, exchange, Response::new(status, ""));
    let content_type = match content_type.as_str() {
        "" | "application/json" => "text/event-stream",
        other => other,
    };
    let mut reply = Reply::new(Response::new(status, body).with_content_type(content_type));
    reply.headers = head.headers;
    reply
}

fn refuse(protocol: &SynapseProtocol, exchange: &Exchange<'_>, refusal: &Refusal) -> Reply {
    let status = match refusal {
        // What the priority hook's timeout is answered with, and what dendrites know as a timeout.
        Refusal::Reject(Reject::Timeout) => 408,
        other => other.status(),
    };
    match refusal {
        Refusal::Method => return framework(status, &serde_json::json!("Method Not Allowed")),
        Refusal::NotJson(_) => {
            let detail = serde_json::json!([{
                "type": "json_invalid", "loc": ["body", 0], "msg": "JSON decode error",
                "input": {}, "ctx": {},
            }]);
            return framework(status, &detail);
        }
        Refusal::Reject(Reject::UnknownSynapse(path))
            if exchange.proven.is_some() && path.contains('/') =>
        {
            return framework(status, &serde_json::json!("Not Found"));
        }
        _ => {}
    }
    let head = exchange.head;
    let message = refusal_text(protocol, exchange, refusal);
    let mut headers = Headers::default();
    let known = !matches!(refusal, Refusal::Reject(Reject::UnknownSynapse(_)));
    headers.add(SYNAPSE_NAME, if known { route(head) } else { super::PING });
    headers.add(TIMEOUT, &seconds(exchange));
    headers.add("bt_header_axon_status_code", &status.to_string());
    headers.add("bt_header_axon_status_message", &message);
    headers.add("bt_header_axon_process_time", &float_repr(exchange.elapsed.as_secs_f64()));
    if known {
        let me = &protocol.me;
        headers.add("bt_header_axon_version", &SDK_VERSION.to_string());
        headers.add("bt_header_axon_nonce", &exchange.now.to_string());
        headers.add("bt_header_axon_uuid", &protocol.uuid);
        headers.add("bt_header_axon_hotkey", me);
        let sender = optional(head, HOTKEY).ok().flatten();
        if let Some(signer) = &protocol.signer {
            let sender = sender.unwrap_or("None");
            let signed = format!("{}.{sender}.{me}.{}", exchange.now, protocol.uuid);
            if let Ok(signature) = signer.sign_sync(signed.as_bytes()) {
                let signature = format!("0x{}", hex::encode(signature.bytes));
                headers.add("bt_header_axon_signature", &signature);
            }
        }
        for name in [HOTKEY, NONCE, UUID, VERSION, SIGNATURE] {
            if let Ok(Some(value)) = optional(head, name) {
                headers.add(name, value);
            }
        }
        if let Some(peer) = head.peer {
            headers.add("bt_header_dendrite_ip", &peer.ip().to_string());
            headers.add("bt_header_dendrite_port", &peer.port().to_string());
        }
    }
    let body = serde_json::json!({ "message": message }).to_string();
    headers.add_sizes(body.len());
    headers.add(BODY_HASH, &hash(""));
    let mut reply = headers.reply(Response::new(status, body));
    if let Some(wait) = refusal.retry_after() {
        let wait = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        reply = reply.with_header("retry-after", wait.max(1).to_string());
    }
    reply
}

/// What the framework below the original answers on its own: no synapse headers.
fn framework(status: u16, detail: &serde_json::Value) -> Reply {
    let body = serde_json::json!({ "detail": detail }).to_string();
    let reply = Reply::new(Response::new(status, body));
    if status == 405 { reply.with_header("allow", "GET, POST") } else { reply }
}

/// The official text where there is one.
fn refusal_text(protocol: &SynapseProtocol, exchange: &Exchange<'_>, refusal: &Refusal) -> String {
    let head = exchange.head;
    match refusal {
        Refusal::Auth(error) => {
            let text = match error {
                AuthError::Malformed(malformed) => match malformed {
                    Malformed::Missing(HOTKEY) => {
                        "No SS58 formatted address or public key provided.".to_owned()
                    }
                    Malformed::Missing(NONCE) => "Missing Nonce".to_owned(),
                    Malformed::Missing(SIGNATURE) => "Missing Signature".to_owned(),
                    Malformed::NotHex(_) | Malformed::Encoding => fault(head),
                    other => other.to_string(),
                },
                AuthError::TooOld { age, window } => format!(
                    "Nonce is too old: acceptable delta is {:.2} seconds but request was {:.2} \
                     seconds old",
                    window.as_secs_f64(),
                    Duration::from_nanos(*age).as_secs_f64(),
                ),
                AuthError::Replayed => {
                    "Nonce is too old, a newer one was last processed".to_owned()
                }
                AuthError::BadSignature => {
                    let nonce = optional(head, NONCE).ok().flatten().and_then(super::integer);
                    let signature = optional(head, SIGNATURE).ok().flatten().unwrap_or("None");
                    let message = message(nonce.unwrap_or_default(), head, &protocol.me);
                    format!("Signature mismatch with {message} and {signature}")
                }
                other => other.to_string(),
            };
            format!("Not Verified with error: {text}")
        }
        Refusal::Reject(Reject::Forbidden(reason)) => {
            format!("Forbidden. Key is blacklisted: {reason}.")
        }
        Refusal::Reject(Reject::UnknownSynapse(name)) => {
            let names: Vec<Value> = core::iter::once(super::PING)
                .chain(protocol.order.iter().map(String::as_str))
                .map(|name| Value::Str(name.to_owned()))
                .collect();
            let names = super::python::repr(&Value::List(names));
            format!("Synapse name '{name}' not found. Available synapses {names}")
        }
        Refusal::Reject(Reject::Timeout) => {
            format!("Response timeout after: {}s", seconds(exchange))
        }
        Refusal::Reject(Reject::Internal(_)) => {
            let seed = format!("{} {:?}", exchange.now, optional(head, NONCE));
            format!("Internal Server Error #{}", uuid_of(&seed))
        }
        other => other.to_string(),
    }
}

/// What the original says of an address or a signature that cannot be read.
fn fault(head: &Head<'_>) -> String {
    let text = |name| optional(head, name).ok().flatten().unwrap_or_default();
    let address = fault::of_hotkey(text(HOTKEY)).map(str::to_owned);
    let said = address.or_else(|| fault::of_signature(text(SIGNATURE)));
    // An address of another network reads there.
    said.unwrap_or_else(|| "the address is not one of this network".to_owned())
}

/// The request's timeout as Python writes it.
fn seconds(exchange: &Exchange<'_>) -> String {
    let text = optional(exchange.head, TIMEOUT).ok().flatten();
    let seconds = text.and_then(super::parse_seconds).unwrap_or(Duration::from_secs(12));
    float_repr(seconds.as_secs_f64())
}

/// The `axon` or `dendrite` of a synapse, with all members that the class has.
fn terminal(synapse: &Members, which: &str) -> Members {
    let given = synapse.get(which).and_then(|raw| Members::parse(raw.get().as_bytes()).ok());
    let mut all = given.unwrap_or_default();
    for name in MEMBERS {
        if all.get(name).is_none() {
            all.set_to(name, &());
        }
    }
    all
}

fn object(members: &Members) -> Box<RawValue> {
    RawValue::from_string(members.to_json()).unwrap_or_default()
}

fn text(members: &Members, name: &str) -> Option<String> {
    match members.get(name)?.get() {
        "null" => None,
        raw => Some(super::python::str(&Value::parse(raw).ok()?)),
    }
}

/// Headers under way. Values are cut and cleaned so that every HTTP peer takes them.
#[derive(Default)]
struct Headers(Vec<(Cow<'static, str>, String)>);

impl Headers {
    fn add(&mut self, name: &str, value: &str) {
        let fits =
            value.len() <= VALUE_BYTES && value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        let value = if fits {
            value.to_owned()
        } else {
            let clean = |letter: char| if matches!(letter, ' '..='~') { letter } else { '?' };
            value.chars().take(VALUE_BYTES).map(clean).collect()
        };
        self.0.push((Cow::from(name.to_owned()), value));
    }

    fn add_terminal(&mut self, which: &str, members: &Members) {
        for (name, _) in members.iter().filter(|(name, _)| MEMBERS.contains(name)) {
            if let Some(value) = text(members, name) {
                self.add(&format!("bt_header_{which}_{name}"), &value);
            }
        }
    }

    fn add_sizes(&mut self, body: usize) {
        let head: usize = self.0.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        self.add("header_size", &head.to_string());
        self.add("total_size", &body.to_string());
    }

    fn reply(self, response: Response) -> Reply {
        let mut reply = Reply::new(response);
        reply.headers = self.0;
        reply
    }
}

/// What aiohttp takes of one header value, with some room.
const VALUE_BYTES: usize = 8_180;

/// The members of `axon` and `dendrite`.
const MEMBERS: [&str; 10] = [
    "status_code",
    "status_message",
    "process_time",
    "ip",
    "port",
    "version",
    "nonce",
    "uuid",
    "hotkey",
    "signature",
];
