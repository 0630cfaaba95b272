//! What is made of one answer: [`Outcome`], and whose fault a bad one is. The axon is a stranger.

use serde::Serialize;
use serde_json::Value as Json;
use tensor_core::Hotkey;
use tensor_core::transport::{Authenticity, Body, BodyError, Endpoint, Response, TransportError};

use super::Protocol;
use crate::cause::line_of;

/// What an answer must look like to be good.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    pub(super) protocol: Protocol,
    pub(super) streaming: bool,
    pub(super) limit: usize,
}

/// One answer, or why there is none.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The status, once a head was read.
    pub(super) status: Option<u16>,
    /// `verified`, `unsigned`, or nothing when no answer came.
    pub(super) signature: Option<&'static str>,
    /// Bytes of the body.
    pub(super) bytes: Option<usize>,
    /// The body: JSON as such, everything else as text.
    pub(super) body: Json,
    /// What is wrong; nothing for a good answer.
    pub(super) problem: Option<Problem>,
}

/// What is wrong with an answer, and whose fault it is.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Problem {
    /// The kind: `unreachable`, `timeout`, `forged`, `malformed`, `broken`, `not_json`,
    /// `null_terminal`, `redirected`, `refused`, `failed`, `unsendable`, `unsigned_by_us`,
    /// `no_endpoint` or `other`.
    pub(super) kind: &'static str,
    /// What happened, with its causes.
    pub(super) message: String,
    /// Whose fault it is.
    pub(super) blame: Blame,
    /// The hotkey to blame, when it is the axon's fault.
    pub(super) hotkey: Option<Hotkey>,
}

/// Whose fault a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Blame {
    /// The axon.
    Peer,
    /// Whoever asked: the request, the key or the address.
    Us,
}

/// Reads the rest of an answer and judges it.
pub(super) async fn judge(
    sent: Result<Response, TransportError>,
    to: &Endpoint,
    expected: Expected,
) -> Outcome {
    let mut response = match sent {
        Ok(response) => response,
        Err(error) => {
            return Outcome { problem: Some(transport(&error, to)), ..Outcome::default() };
        }
    };
    let mut outcome = Outcome {
        status: Some(response.status),
        signature: Some(match response.authenticity {
            Authenticity::Verified => "verified",
            _ => "unsigned",
        }),
        ..Outcome::default()
    };
    let body = std::mem::replace(&mut response.body, Body::empty());
    let body = match body.bytes(expected.limit).await {
        Ok(body) => body,
        Err(error) => {
            outcome.problem = Some(broken(error, to));
            return outcome;
        }
    };
    outcome.bytes = Some(body.len());
    let parsed = serde_json::from_slice::<Json>(&body);
    outcome.problem = status(response.status, parsed.as_ref().ok(), to)
        .or_else(|| content(&response, parsed.as_ref(), to, expected));
    outcome.body = match parsed {
        Ok(json) if !expected.streaming => json,
        _ => String::from_utf8_lossy(&body).into(),
    };
    outcome
}

fn peer(kind: &'static str, message: impl Into<String>, to: &Endpoint) -> Problem {
    Problem { kind, message: message.into(), blame: Blame::Peer, hotkey: Some(to.hotkey) }
}

fn transport(error: &TransportError, to: &Endpoint) -> Problem {
    let (kind, blame) = match error {
        TransportError::Unreachable { .. } => ("unreachable", Blame::Peer),
        TransportError::Timeout(_) => ("timeout", Blame::Peer),
        TransportError::Forged(_) => ("forged", Blame::Peer),
        TransportError::Malformed(_) => ("malformed", Blame::Peer),
        TransportError::Unsendable(_) => ("unsendable", Blame::Us),
        TransportError::Sign(_) => ("unsigned_by_us", Blame::Us),
        TransportError::NoEndpoint(_) => ("no_endpoint", Blame::Us),
        _ => ("other", Blame::Peer),
    };
    let hotkey = (blame == Blame::Peer).then_some(to.hotkey);
    Problem { kind, message: line_of(error), blame, hotkey }
}

/// A body that did not arrive, or is too long. The transport's own deadline comes as the body's error.
fn broken(error: BodyError, to: &Endpoint) -> Problem {
    match error {
        BodyError::Broken(source) => match source.downcast::<TransportError>() {
            Ok(error) => transport(&error, to),
            Err(source) => peer("broken", line_of(&BodyError::Broken(source)), to),
        },
        other => peer("broken", line_of(&other), to),
    }
}

fn status(status: u16, body: Option<&Json>, to: &Endpoint) -> Option<Problem> {
    let kind = match status {
        200 => return None,
        300..=399 => "redirected",
        400..=499 => "refused",
        _ => "failed",
    };
    let said = body.and_then(|body| {
        ["message", "detail", "error"].into_iter().find_map(|name| body.get(name))
    });
    let said = match said {
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let said: String = said.chars().take(500).collect();
    Some(peer(kind, format!("status {status}: {said}").trim_end_matches(": "), to))
}

/// Whether a body with status 200 is what was asked for.
fn content(
    response: &Response,
    parsed: Result<&Json, &serde_json::Error>,
    to: &Endpoint,
    expected: Expected,
) -> Option<Problem> {
    if expected.streaming {
        return None;
    }
    let is_synapse = expected.protocol == Protocol::Synapse;
    let says_json = response.content_type.to_ascii_lowercase().contains("json");
    let json = match parsed {
        Ok(json) => json,
        Err(error) if is_synapse || says_json => {
            return Some(peer("not_json", format!("the answer is no JSON: {error}"), to));
        }
        Err(_) => return None,
    };
    if !is_synapse {
        return None;
    }
    let Json::Object(members) = json else {
        return Some(peer("not_json", "the answer is no JSON object", to));
    };
    // Official dendrites crash on these, so no honest axon sends them.
    let terminal = ["axon", "dendrite"]
        .into_iter()
        .find(|name| members.get(*name).is_some_and(|value| !value.is_object()))?;
    Some(peer("null_terminal", format!("the answer's {terminal} is no object"), to))
}
