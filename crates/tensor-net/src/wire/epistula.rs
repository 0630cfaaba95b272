//! Epistula, version 2: the header convention of OpenAI-like subnets.
//!
//! Signed are the SHA-256 of the raw body, a uuid, a time in milliseconds and the receiver; not the
//! method or the path. The original remembers nothing and accepts any time in the future, so requests
//! could be replayed for 8 s and longer; this receiver remembers uuids and has a limit ahead.

use std::borrow::Cow;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tensor_core::key::Scheme;
use tensor_core::transport::Response;
use tensor_core::{BoxError, Hotkey};

use super::{
    AuthError, Claim, Dialect, Draft, Exchange, Found, Head, Malformed, Outgoing, Protocol,
    Refusal, Reply,
};

/// The protocol's name.
pub const NAME: &str = "epistula/2";

/// Header: the protocol's version, `2`.
pub const VERSION: &str = "epistula-version";
/// Header: unix milliseconds in decimal.
pub const TIMESTAMP: &str = "epistula-timestamp";
/// Header: names the request.
pub const UUID: &str = "epistula-uuid";
/// Header: the sender's address.
pub const SIGNED_BY: &str = "epistula-signed-by";
/// Header: the receiver's address; absent when the request is for whoever gets it.
pub const SIGNED_FOR: &str = "epistula-signed-for";
/// Header: `0x` and 128 hex digits.
pub const SIGNATURE: &str = "epistula-request-signature";
/// Headers: signatures over the receiver and the time in slices of ten seconds. Sent, never required.
pub const SECRETS: [&str; 3] =
    ["epistula-secret-signature-0", "epistula-secret-signature-1", "epistula-secret-signature-2"];

/// The receiving side for one hotkey.
#[derive(Clone, Debug)]
pub struct Epistula {
    me: String,
    max_age: Duration,
    skew: Duration,
    require_receiver: bool,
}

impl Epistula {
    /// How old a request may be: the original's 8 s.
    pub const MAX_AGE: Duration = Duration::from_secs(8);
    /// How far ahead of our clock a request may be unless said otherwise.
    pub const SKEW: Duration = Duration::from_secs(2);

    /// Accepts requests for this hotkey.
    pub fn new(me: Hotkey) -> Self {
        Self {
            me: me.to_string(),
            max_age: Self::MAX_AGE,
            skew: Self::SKEW,
            require_receiver: true,
        }
    }

    /// Sets how old a request may be.
    #[must_use]
    pub const fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// Sets how far ahead of our clock a request may be. The original has no limit.
    #[must_use]
    pub const fn with_skew(mut self, skew: Duration) -> Self {
        self.skew = skew;
        self
    }

    /// Accepts requests that name no receiver too. Such a request can be passed on to others.
    #[must_use]
    pub const fn allow_unbound(mut self) -> Self {
        self.require_receiver = false;
        self
    }
}

impl Protocol for Epistula {
    fn name(&self) -> &'static str {
        NAME
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        [VERSION, SIGNATURE].iter().any(|name| head.headers.find(name) != Found::Nothing)
    }

    fn claim(&self, head: &Head<'_>, _: u64) -> Result<Claim, Refusal> {
        if optional(head, VERSION)? != Some("2") {
            let reason = "unknown version";
            return Err(Malformed::Invalid { header: VERSION, reason }.into());
        }
        let sender = optional(head, SIGNED_BY)?.ok_or(Malformed::Missing(SIGNED_BY))?;
        let hotkey = sender
            .parse::<Hotkey>()
            .map_err(|_| Malformed::Invalid { header: SIGNED_BY, reason: "not an address" })?;
        let uuid = match optional(head, UUID)? {
            None | Some("") => return Err(Malformed::Missing(UUID).into()),
            Some(uuid) => uuid,
        };
        let time = optional(head, TIMESTAMP)?.ok_or(Malformed::Missing(TIMESTAMP))?;
        if time.is_empty() || !time.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Malformed::NotInteger(TIMESTAMP).into());
        }
        // What does not fit is far in the future, and refused as that.
        let nonce = time.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(NANOS_PER_MILLI);
        let signature = optional(head, SIGNATURE)?.ok_or(Malformed::Missing(SIGNATURE))?;
        let digits = signature.strip_prefix("0x").ok_or(Malformed::NotHex(SIGNATURE))?;
        let bytes = hex::decode(digits).map_err(|_| Malformed::NotHex(SIGNATURE))?;
        let signature = <[u8; 64]>::try_from(bytes).map_err(|_| Malformed::Encoding)?;
        let age = u64::try_from(self.max_age.as_nanos()).unwrap_or(u64::MAX);
        let claim = Claim::new(
            hotkey,
            Scheme::Sr25519,
            signature,
            nonce,
            nonce.saturating_add(age).saturating_add(NANOS_PER_MILLI),
        );
        let digest = Sha256::digest(uuid);
        let token = digest.first_chunk::<16>().copied().unwrap_or_default();
        Ok(claim.with_token(u128::from_be_bytes(token)))
    }

    fn check(&self, claim: &Claim, head: &Head<'_>, now: u64) -> Result<(), Refusal> {
        match optional(head, SIGNED_FOR)? {
            Some(receiver) if receiver == self.me => {}
            None | Some("") if !self.require_receiver => {}
            _ => return Err(AuthError::WrongReceiver.into()),
        }
        let age = now.saturating_sub(claim.nonce);
        // The original compares whole milliseconds.
        if u128::from(age / NANOS_PER_MILLI) > self.max_age.as_millis() {
            return Err(AuthError::TooOld { age, window: self.max_age }.into());
        }
        let ahead = claim.nonce.saturating_sub(now);
        if u128::from(ahead) > self.skew.as_nanos() {
            return Err(AuthError::TooNew { ahead, window: self.skew }.into());
        }
        Ok(())
    }

    fn message(&self, _: &Claim, head: &Head<'_>, body: &[u8]) -> Vec<u8> {
        let text = |name| optional(head, name).ok().flatten().unwrap_or_default();
        message(body, text(UUID), text(TIMESTAMP), text(SIGNED_FOR))
    }

    fn reply(&self, _: &Exchange<'_>, outcome: Result<Response, Refusal>) -> Reply {
        let refusal = match outcome {
            Ok(response) => return Reply::new(response),
            Err(refusal) => refusal,
        };
        // The known texts, and 400 where the convention has it.
        let (status, detail) = match &refusal {
            Refusal::Auth(error) => {
                let detail = match error {
                    AuthError::Malformed(Malformed::Invalid { header: VERSION, .. }) => {
                        "Unknown Epistula version"
                    }
                    AuthError::Malformed(malformed) => match malformed {
                        Malformed::Missing(SIGNED_BY)
                        | Malformed::Invalid { header: SIGNED_BY, .. } => "Invalid Sender key",
                        Malformed::Missing(UUID) => "Invalid uuid",
                        Malformed::Missing(TIMESTAMP) | Malformed::NotInteger(_) => {
                            "Invalid timestamp"
                        }
                        _ => "Invalid Signature",
                    },
                    AuthError::Unbound | AuthError::WrongReceiver => {
                        "Bad Request, message is not intended for self"
                    }
                    AuthError::TooOld { .. } => "Request is too stale",
                    AuthError::TooNew { .. } => "Request is from the future",
                    AuthError::BadSignature => "Signature Mismatch",
                    AuthError::Replayed => "Request was already accepted",
                };
                (400, detail.to_owned())
            }
            other => (other.status(), other.to_string()),
        };
        let mut reply = refusal.to_reply();
        let body = serde_json::json!({ "detail": detail }).to_string();
        reply.response = Response::new(status, body);
        reply
    }
}

/// What is signed: the body's hash, and three headers as they are sent.
pub fn message(body: &[u8], uuid: &str, timestamp: &str, signed_for: &str) -> Vec<u8> {
    format!("{}.{uuid}.{timestamp}.{signed_for}", hex::encode(Sha256::digest(body))).into_bytes()
}

/// The sending side.
#[derive(Clone, Copy, Debug, Default)]
pub struct EpistulaDialect {
    unbound: bool,
}

impl EpistulaDialect {
    /// Signs for the receiver that the endpoint names.
    pub const fn new() -> Self {
        Self { unbound: false }
    }

    /// Names no receiver.
    #[must_use]
    pub const fn unbound(mut self) -> Self {
        self.unbound = true;
        self
    }
}

impl Dialect for EpistulaDialect {
    fn name(&self) -> &'static str {
        NAME
    }

    fn draft(&self, outgoing: &Outgoing<'_>) -> Result<Draft, BoxError> {
        if outgoing.scheme != Scheme::Sr25519 {
            return Err("Epistula has sr25519 signatures only".into());
        }
        let sender = outgoing.sender.to_string();
        let receiver = if self.unbound { String::new() } else { outgoing.receiver.to_string() };
        let millis = outgoing.nonce / NANOS_PER_MILLI;
        // The nonce never repeats, so neither does this.
        let seed = Sha256::digest(format!("{} {sender}", outgoing.nonce));
        let uuid = uuid4(seed.first_chunk::<16>().copied().unwrap_or_default());
        let mut headers = vec![
            (Cow::from("content-type"), Cow::from(outgoing.content_type.to_owned())),
            (VERSION.into(), "2".into()),
            (TIMESTAMP.into(), millis.to_string().into()),
            (UUID.into(), uuid.clone().into()),
            (SIGNED_BY.into(), sender.into()),
        ];
        let signed = message(outgoing.body, &uuid, &millis.to_string(), &receiver);
        let mut signatures = vec![(SIGNATURE, signed)];
        if !self.unbound {
            let slice = millis.div_ceil(10_000);
            for (header, slice) in SECRETS.into_iter().zip(slice.saturating_sub(1)..) {
                signatures.push((header, format!("{slice}.{receiver}").into_bytes()));
            }
            headers.push((SIGNED_FOR.into(), receiver.into()));
        }
        Ok(Draft {
            method: outgoing.method,
            target: outgoing.target.to_owned(),
            headers,
            signatures,
            body: outgoing.body.clone(),
            nonce: millis.saturating_mul(NANOS_PER_MILLI),
        })
    }
}

fn optional<'a>(head: &Head<'a>, name: &'static str) -> Result<Option<&'a str>, Malformed> {
    match head.headers.find(name) {
        Found::Nothing => Ok(None),
        Found::One(value) => Ok(Some(core::str::from_utf8(value).unwrap_or("\u{fffd}"))),
        Found::Many => Err(Malformed::Repeated(name)),
    }
}

fn uuid4(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let digits = hex::encode(bytes);
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

const NANOS_PER_MILLI: u64 = 1_000_000;
