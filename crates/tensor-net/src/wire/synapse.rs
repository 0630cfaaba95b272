//! The protocol of axons and dendrites, SDK 10: a synapse is a JSON object posted to the route of its
//! name, and headers carry who asks.
//!
//! - [`SynapseProtocol`] is the axon's side, [`SynapseDialect`] the dendrite's.
//! - [`SynapseSpec`] says what a synapse class declares; the hash of the body depends on it.
//! - [`python`] writes values as Python does, [`official`] is the original's verification to the letter.
//!
//! The signature covers nonce, hotkeys, uuid and the hash of the listed fields. It does not cover the
//! route, the timeout, other fields or the answer.

mod dialect;
mod echo;
mod json;
pub mod official;
pub mod python;
mod reply;
mod spec;
pub mod tensor;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tensor_core::Hotkey;
use tensor_core::key::{Scheme, SignerSync};
use tensor_core::miner::Reject;
use tensor_core::transport::{Request, Response};

use echo::Members;

use super::{AuthError, Claim, Exchange, Found, Head, Malformed, Protocol, Refusal, Reply};

pub use dialect::SynapseDialect;
pub use json::{JsonError, Value};
pub use spec::{Field, FieldError, Kind, SynapseSpec, hash, hash_texts};

/// The protocol's name.
pub const NAME: &str = "synapse/10";

/// Header: the class name; informative.
pub const SYNAPSE_NAME: &str = "name";
/// Header: how long the caller waits, in seconds as a Python float. Not signed.
pub const TIMEOUT: &str = "timeout";
/// Header: the receiver's hotkey; informative, since the receiver signs for itself.
pub const AXON_HOTKEY: &str = "bt_header_axon_hotkey";
/// Header: the caller's software version.
pub const VERSION: &str = "bt_header_dendrite_version";
/// Header: unix nanoseconds in decimal.
pub const NONCE: &str = "bt_header_dendrite_nonce";
/// Header: names the caller's process.
pub const UUID: &str = "bt_header_dendrite_uuid";
/// Header: the caller's hotkey.
pub const HOTKEY: &str = "bt_header_dendrite_hotkey";
/// Header: `0x` and 128 hex digits.
pub const SIGNATURE: &str = "bt_header_dendrite_signature";
/// Header: the hash of the listed fields.
pub const BODY_HASH: &str = "computed_body_hash";
/// Header of answers: the status that counts.
pub const STATUS: &str = "bt_header_axon_status_code";

/// SDK 10.5.0 as its headers have it: a million times major, a thousand times minor, patch.
pub const SDK_VERSION: u64 = 10_005_000;

/// The axon's side for one hotkey.
///
/// Accepts what honest dendrites send and is stricter than the original where that let anybody in:
/// requests from the future, timeouts of any length (which widen the nonce's window and are not
/// signed), and versions so old that freshness was not checked. Each can be relaxed. Nonces may come
/// in any order, but each only once.
pub struct SynapseProtocol {
    /// The address as text, since it is part of every message.
    me: String,
    synapses: BTreeMap<String, SynapseSpec>,
    order: Vec<String>,
    undeclared: bool,
    max_ahead: Duration,
    max_timeout: Duration,
    min_version: u64,
    uuid: String,
    signer: Option<Box<dyn SignerSync>>,
}

impl SynapseProtocol {
    /// By how much a request may be older than its timeout: the official allowance.
    pub const ALLOWED_DELTA: Duration = Duration::from_secs(4);
    /// How far ahead of our clock a request may be unless said otherwise.
    pub const MAX_AHEAD: Duration = Duration::from_secs(10);
    /// How much of a request's timeout widens its window unless said otherwise.
    pub const MAX_TIMEOUT: Duration = Duration::from_secs(60);
    /// The first version whose nonces are times.
    pub const MIN_VERSION: u64 = 7_002_000;

    /// Accepts requests for this hotkey, of any synapse.
    pub fn new(me: Hotkey) -> Self {
        Self {
            me: me.to_string(),
            synapses: BTreeMap::new(),
            order: Vec::new(),
            undeclared: true,
            max_ahead: Self::MAX_AHEAD,
            max_timeout: Self::MAX_TIMEOUT,
            min_version: Self::MIN_VERSION,
            uuid: uuid_of(&format!("axon {me}")),
            signer: None,
        }
    }

    /// Declares a synapse. One with hashed fields can only be served when it is declared.
    #[must_use]
    pub fn with_synapse(mut self, spec: SynapseSpec) -> Self {
        let name = spec.name().to_owned();
        if self.synapses.insert(name.clone(), spec).is_none() {
            self.order.push(name);
        }
        self
    }

    /// Answers 404 to every synapse that is not declared.
    #[must_use]
    pub const fn declared_only(mut self) -> Self {
        self.undeclared = false;
        self
    }

    /// Sets how far ahead of our clock a request may be. The original has no limit.
    #[must_use]
    pub const fn with_max_ahead(mut self, ahead: Duration) -> Self {
        self.max_ahead = ahead;
        self
    }

    /// Sets how much of a request's timeout widens its window. The original has no limit.
    #[must_use]
    pub const fn with_max_timeout(mut self, timeout: Duration) -> Self {
        self.max_timeout = timeout;
        self
    }

    /// Sets the oldest version that is served. The original serves all, and those before 7.2.0
    /// without looking at the time.
    #[must_use]
    pub const fn with_min_version(mut self, version: u64) -> Self {
        self.min_version = version;
        self
    }

    /// Signs refusals as the original does. No known client looks at that signature, and it makes
    /// every refused request cost a signature, so it is off unless asked for.
    #[must_use]
    pub fn with_signer(mut self, signer: impl SignerSync + 'static) -> Self {
        self.signer = Some(Box::new(signer));
        self
    }

    fn window(&self, head: &Head<'_>) -> Result<Duration, Refusal> {
        let timeout = match optional(head, TIMEOUT)? {
            None => Duration::ZERO,
            Some(text) => parse_seconds(text)
                .ok_or(Malformed::Invalid { header: TIMEOUT, reason: "not a number of seconds" })?,
        };
        Ok(Self::ALLOWED_DELTA.saturating_add(timeout.min(self.max_timeout)))
    }
}

impl Protocol for SynapseProtocol {
    fn name(&self) -> &'static str {
        NAME
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        [HOTKEY, NONCE, SIGNATURE, BODY_HASH]
            .iter()
            .any(|name| head.headers.find(name) != Found::Nothing)
    }

    fn claim(&self, head: &Head<'_>, now: u64) -> Result<Claim, Refusal> {
        let route = route(head);
        if !self.undeclared && route != PING && !self.synapses.contains_key(route) {
            return Err(Reject::UnknownSynapse(route.to_owned()).into());
        }
        let sender = optional(head, HOTKEY)?.ok_or(Malformed::Missing(HOTKEY))?;
        let hotkey = sender.parse::<Hotkey>().map_err(|_| Malformed::Encoding)?;
        let nonce = match optional(head, NONCE)? {
            None => return Err(Malformed::Missing(NONCE).into()),
            Some(text) => integer(text).ok_or(Malformed::NotInteger(NONCE))?,
        };
        let version = match optional(head, VERSION)? {
            None => 0,
            Some(text) => integer(text).ok_or(Malformed::NotInteger(VERSION))?,
        };
        if version < self.min_version {
            let reason = "older than this axon serves";
            return Err(Malformed::Invalid { header: VERSION, reason }.into());
        }
        let signature = match optional(head, SIGNATURE)? {
            // The original looks at the nonce's age first.
            None | Some("") => {
                self.check_age(nonce, head, now)?;
                return Err(Malformed::Missing(SIGNATURE).into());
            }
            Some(text) => {
                let digits = text.strip_prefix("0x").ok_or(Malformed::NotHex(SIGNATURE))?;
                let bytes = hex::decode(digits).map_err(|_| Malformed::NotHex(SIGNATURE))?;
                <[u8; 64]>::try_from(bytes).map_err(|_| Malformed::Encoding)?
            }
        };
        let uuid = optional(head, UUID)?.unwrap_or("None");
        // The timeout is not signed, so a replay may come with another one: remember for the longest.
        let longest = Self::ALLOWED_DELTA.saturating_add(self.max_timeout);
        let longest = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX);
        let claim =
            Claim::new(hotkey, Scheme::Sr25519, signature, nonce, nonce.saturating_add(longest));
        let digest = Sha256::digest(uuid);
        let token = digest.first_chunk::<16>().copied().unwrap_or_default();
        Ok(claim.with_token(u128::from_be_bytes(token)))
    }

    fn check(&self, claim: &Claim, head: &Head<'_>, now: u64) -> Result<(), Refusal> {
        self.check_age(claim.nonce, head, now)
    }

    fn signs_body(&self) -> bool {
        false
    }

    fn message(&self, claim: &Claim, head: &Head<'_>, _: &[u8]) -> Vec<u8> {
        message(claim.nonce, head, &self.me).into_bytes()
    }

    fn open(&self, head: &Head<'_>, body: Bytes) -> Result<Request, Refusal> {
        if !matches!(head.method, "GET" | "POST") {
            return Err(Refusal::Method);
        }
        let route = route(head);
        let path = head.target.split(['?', '#']).next().unwrap_or_default();
        if path.trim_start_matches('/') != route {
            return Err(Reject::UnknownSynapse(path.to_owned()).into());
        }
        let json = optional(head, "content-type")?.is_some_and(is_json);
        if !json {
            return Err(Refusal::Body("the content type must be application/json"));
        }
        let spec = self.synapses.get(route);
        let hash = match spec {
            Some(spec) => spec.body_hash(&hashed_of(spec, &body)?).map_err(|_| {
                Refusal::Body("a hashed field is missing or of another type than declared")
            })?,
            // An undeclared class is taken to have no hashed fields.
            None => {
                object_of(&body)?;
                hash("")
            }
        };
        if optional(head, BODY_HASH)? != Some(hash.as_str()) {
            return Err(Refusal::Body("the hash of the body is not the one that was signed"));
        }
        let timeout = self.window(head)?.saturating_sub(Self::ALLOWED_DELTA);
        let request = head.to_request(body)?;
        Ok(if timeout.is_zero() { request } else { request.with_timeout(timeout) })
    }

    fn answer(&self, request: &Request) -> Option<Response> {
        let ours = request.name() == PING && !self.synapses.contains_key(PING);
        ours.then(|| Response::ok("{}"))
    }

    fn reply(&self, exchange: &Exchange<'_>, outcome: Result<Response, Refusal>) -> Reply {
        reply::reply(self, exchange, outcome)
    }
}

impl SynapseProtocol {
    fn check_age(&self, nonce: u64, head: &Head<'_>, now: u64) -> Result<(), Refusal> {
        let window = self.window(head)?;
        let age = now.saturating_sub(nonce);
        // Exactly as old as the window is too old, unlike in btauth/1.
        if now > nonce && u128::from(age) >= window.as_nanos() {
            return Err(AuthError::TooOld { age, window }.into());
        }
        let ahead = nonce.saturating_sub(now);
        if u128::from(ahead) > self.max_ahead.as_nanos() {
            return Err(AuthError::TooNew { ahead, window: self.max_ahead }.into());
        }
        Ok(())
    }
}

impl core::fmt::Debug for SynapseProtocol {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SynapseProtocol")
            .field("me", &self.me)
            .field("synapses", &self.order)
            .finish_non_exhaustive()
    }
}

/// The hashed fields of a body.
fn hashed_of(spec: &SynapseSpec, body: &[u8]) -> Result<Value, Refusal> {
    match Members::parse(body) {
        Ok(members) => Ok(members.pick(spec.hashed())),
        // Python's JSON has more than the standard's, such as NaN.
        Err(_) => object_of(body),
    }
}

fn object_of(body: &[u8]) -> Result<Value, Refusal> {
    let text = core::str::from_utf8(body).map_err(|error| Refusal::NotJson(error.into()))?;
    match Value::parse(text).map_err(|error| Refusal::NotJson(error.into()))? {
        object @ Value::Dict(_) => Ok(object),
        _ => Err(Refusal::Body("the body must be an object")),
    }
}

/// What a dendrite signs.
fn message(nonce: u64, head: &Head<'_>, me: &str) -> String {
    // Python formats what is missing as the word None.
    let text = |name| optional(head, name).ok().flatten().unwrap_or("None");
    format!("{nonce}.{}.{me}.{}.{}", text(HOTKEY), text(UUID), text(BODY_HASH))
}

/// The first segment of the path.
fn route<'a>(head: &Head<'a>) -> &'a str {
    let path = head.target.split(['?', '#']).next().unwrap_or_default();
    path.trim_start_matches('/').split('/').next().unwrap_or_default()
}

fn optional<'a>(head: &Head<'a>, name: &'static str) -> Result<Option<&'a str>, Malformed> {
    match head.headers.find(name) {
        Found::Nothing => Ok(None),
        Found::One(value) => Ok(Some(core::str::from_utf8(value).unwrap_or("\u{fffd}"))),
        Found::Many => Err(Malformed::Repeated(name)),
    }
}

/// A decimal integer. Negative ones are taken for zero and too large ones for the largest: both are
/// far from any time.
fn integer(text: &str) -> Option<u64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(if digits.len() < text.len() { 0 } else { text.parse().unwrap_or(u64::MAX) })
}

/// Seconds as Python's `float` reads them, without its stranger forms. Negative ones count as zero.
fn parse_seconds(text: &str) -> Option<Duration> {
    let plain = |byte: u8| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E');
    let seconds = text.parse::<f64>().ok().filter(|_| text.bytes().all(plain))?;
    Some(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX))
}

fn is_json(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// A name for a process in the form of a uuid.
fn uuid_of(seed: &str) -> String {
    let digest = hex::encode(Sha256::digest(seed));
    let part = |from: usize, to: usize| digest.get(from..to).unwrap_or_default();
    // Version 1 and its variant, as Python's uuid1 has them.
    format!("{}-{}-1{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

/// Every axon answers a synapse of this name with an empty echo.
const PING: &str = "Synapse";
