//! btauth/1, the protocol of the official SDK 11: plain HTTP of any shape, identity in headers.
//!
//! Eight lines are signed: protocol, scheme, method, target, SHA-256 of the body, nonce, sender,
//! receiver. The reader is strict: of the Python verifier's leniencies it keeps hex without `0x`, hex
//! in upper case and leading zeros of the nonce, and accepts each header only once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tensor_core::key::Scheme;
use tensor_core::{BoxError, Hotkey};

use super::{
    AuthError, Claim, Dialect, Draft, Found, Head, Malformed, Outgoing, Protocol, Refusal,
};

/// The protocol's name, and the first line of what is signed.
pub const NAME: &str = "btauth/1";

/// Header: the protocol's version, `1`.
pub const VERSION: &str = "X-Bittensor-Version";
/// Header: the sender's address.
pub const HOTKEY: &str = "X-Bittensor-Hotkey";
/// Header: the receiver's address; absent when the request is for whoever gets it.
pub const RECEIVER: &str = "X-Bittensor-Receiver";
/// Header: unix nanoseconds in decimal.
pub const NONCE: &str = "X-Bittensor-Nonce";
/// Header: the signature scheme; absent for sr25519.
pub const CRYPTO: &str = "X-Bittensor-Crypto";
/// Header: `0x` and 128 hex digits.
pub const SIGNATURE: &str = "X-Bittensor-Signature";

/// The receiving side of btauth/1 for one hotkey.
#[derive(Clone, Debug)]
pub struct Btauth {
    me: String,
    max_age: Duration,
    skew: Duration,
    require_receiver: bool,
    pinned: HashMap<Hotkey, Scheme>,
}

impl Btauth {
    /// How old a request may be unless said otherwise.
    pub const MAX_AGE: Duration = Duration::from_secs(10);
    /// How far ahead of our clock a request may be unless said otherwise.
    pub const SKEW: Duration = Duration::from_secs(2);

    /// Accepts requests for this hotkey, with the official limits.
    pub fn new(me: Hotkey) -> Self {
        Self {
            me: me.to_string(),
            max_age: Self::MAX_AGE,
            skew: Self::SKEW,
            require_receiver: true,
            pinned: HashMap::new(),
        }
    }

    /// Sets how old a request may be; exactly that old still passes.
    #[must_use]
    pub const fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// Sets how far ahead of our clock a request may be; exactly that far still passes.
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

    /// Accepts this sender under this scheme only.
    #[must_use]
    pub fn with_pinned(mut self, sender: Hotkey, scheme: Scheme) -> Self {
        self.pinned.insert(sender, scheme);
        self
    }

    fn check_receiver(&self, head: &Head<'_>) -> Result<(), AuthError> {
        match optional(head, RECEIVER)? {
            Some(receiver) if receiver == self.me => Ok(()),
            Some(_) => Err(AuthError::WrongReceiver),
            None if self.require_receiver => Err(AuthError::Unbound),
            None => Ok(()),
        }
    }

    fn check_time(&self, nonce: u64, now: u64) -> Result<(), AuthError> {
        let age = now.saturating_sub(nonce);
        if u128::from(age) > self.max_age.as_nanos() {
            return Err(AuthError::TooOld { age, window: self.max_age });
        }
        let ahead = nonce.saturating_sub(now);
        if u128::from(ahead) > self.skew.as_nanos() {
            return Err(AuthError::TooNew { ahead, window: self.skew });
        }
        Ok(())
    }
}

impl Protocol for Btauth {
    fn name(&self) -> &'static str {
        NAME
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        [VERSION, SIGNATURE].iter().any(|name| find(head, name) != Found::Nothing)
    }

    fn claim(&self, head: &Head<'_>, now: u64) -> Result<Claim, Refusal> {
        if optional(head, VERSION)? != Some("1") {
            return Err(Malformed::Version.into());
        }
        let sender = match optional(head, HOTKEY)? {
            None | Some("") => return Err(Malformed::Missing(HOTKEY).into()),
            Some(sender) => sender,
        };
        let nonce = parse_nonce(required(head, NONCE)?)?;
        let scheme = match optional(head, CRYPTO)? {
            None => Scheme::Sr25519,
            Some(name) => Scheme::from_name(name).ok_or(Malformed::Scheme)?,
        };
        let signature = required(head, SIGNATURE)?;
        let digits = signature.strip_prefix("0x").unwrap_or(signature);
        let signature = hex::decode(digits).map_err(|_| Malformed::NotHex(SIGNATURE))?;

        let decoded = sender.parse::<Hotkey>().ok().zip(<[u8; 64]>::try_from(signature).ok());
        let Some((hotkey, signature)) = decoded else {
            // The order of checks is normative, and this error belongs to the fourth step.
            self.check_receiver(head)?;
            self.check_time(nonce, now)?;
            return Err(Malformed::Encoding.into());
        };
        if self.pinned.get(&hotkey).is_some_and(|pinned| *pinned != scheme) {
            return Err(Malformed::Scheme.into());
        }
        let age = u64::try_from(self.max_age.as_nanos()).unwrap_or(u64::MAX);
        Ok(Claim::new(hotkey, scheme, signature, nonce, nonce.saturating_add(age)))
    }

    fn check(&self, claim: &Claim, head: &Head<'_>, now: u64) -> Result<(), Refusal> {
        self.check_receiver(head)?;
        Ok(self.check_time(claim.nonce, now)?)
    }

    fn message(&self, claim: &Claim, head: &Head<'_>, body: &[u8]) -> Vec<u8> {
        payload(&Payload {
            scheme: claim.scheme,
            method: head.method,
            target: head.target,
            body_sha256: body_digest(body),
            nonce: claim.nonce,
            sender: optional(head, HOTKEY).ok().flatten().unwrap_or_default(),
            receiver: optional(head, RECEIVER).ok().flatten(),
        })
    }
}

/// What the signature of a btauth/1 request covers.
#[derive(Clone, Copy, Debug)]
pub struct Payload<'a> {
    /// The scheme of the sender's key.
    pub scheme: Scheme,
    /// The method; signed in upper case.
    pub method: &'a str,
    /// Path and query exactly as on the request line.
    pub target: &'a str,
    /// SHA-256 of the body's bytes.
    pub body_sha256: [u8; 32],
    /// Unix nanoseconds.
    pub nonce: u64,
    /// The sender's address as its header has it.
    pub sender: &'a str,
    /// The receiver's address as its header has it.
    pub receiver: Option<&'a str>,
}

/// SHA-256 of a body, as [`Payload::body_sha256`] wants it.
pub fn body_digest(body: &[u8]) -> [u8; 32] {
    Sha256::digest(body).into()
}

/// The exact bytes that are signed.
pub fn payload(of: &Payload<'_>) -> Vec<u8> {
    [
        NAME,
        of.scheme.name(),
        &of.method.to_uppercase(),
        of.target,
        &hex::encode(of.body_sha256),
        &of.nonce.to_string(),
        of.sender,
        of.receiver.unwrap_or("-"),
    ]
    .join("\n")
    .into_bytes()
}

/// The sending side of btauth/1.
#[derive(Clone, Copy, Debug, Default)]
pub struct BtauthDialect {
    unbound: bool,
}

impl BtauthDialect {
    /// Signs for the receiver that the endpoint names.
    pub const fn new() -> Self {
        Self { unbound: false }
    }

    /// Names no receiver: for servers whose hotkey is not known. Whoever sees such a request can pass
    /// it on while it is fresh.
    #[must_use]
    pub const fn unbound(mut self) -> Self {
        self.unbound = true;
        self
    }
}

impl Dialect for BtauthDialect {
    fn name(&self) -> &'static str {
        NAME
    }

    fn draft(&self, outgoing: &Outgoing<'_>) -> Result<Draft, BoxError> {
        let sender = outgoing.sender.to_string();
        let receiver = (!self.unbound).then(|| outgoing.receiver.to_string());
        let message = payload(&Payload {
            scheme: outgoing.scheme,
            method: outgoing.method.as_str(),
            target: outgoing.target,
            body_sha256: body_digest(outgoing.body),
            nonce: outgoing.nonce,
            sender: &sender,
            receiver: receiver.as_deref(),
        });
        let mut headers = vec![
            (Cow::from("content-type"), Cow::from(outgoing.content_type.to_owned())),
            (Cow::from(VERSION), Cow::from("1")),
            (Cow::from(HOTKEY), sender.into()),
            (Cow::from(NONCE), outgoing.nonce.to_string().into()),
        ];
        if outgoing.scheme != Scheme::Sr25519 {
            headers.push((CRYPTO.into(), outgoing.scheme.name().into()));
        }
        if let Some(receiver) = receiver {
            headers.push((RECEIVER.into(), receiver.into()));
        }
        Ok(Draft {
            method: outgoing.method,
            target: outgoing.target.to_owned(),
            headers,
            signatures: vec![(SIGNATURE, message)],
            body: outgoing.body.clone(),
            nonce: outgoing.nonce,
        })
    }
}

/// Reads a nonce: decimal digits, perhaps after a minus. What does not fit is clamped, and so stale.
fn parse_nonce(text: &str) -> Result<u64, Malformed> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Malformed::NotInteger(NONCE));
    }
    if digits.len() < text.len() {
        return Ok(0);
    }
    // All digits, so the only error is overflow.
    Ok(text.parse().unwrap_or(u64::MAX))
}

fn find<'a>(head: &Head<'a>, name: &str) -> Found<'a> {
    // Names are short, and the lower-case form is what header maps look up without a copy.
    let mut lower = [0; 32];
    let Some(lower) = lower.get_mut(..name.len()) else { return Found::Nothing };
    lower.copy_from_slice(name.as_bytes());
    lower.make_ascii_lowercase();
    core::str::from_utf8(lower).map_or(Found::Nothing, |name| head.headers.find(name))
}

fn optional<'a>(head: &Head<'a>, name: &'static str) -> Result<Option<&'a str>, AuthError> {
    match find(head, name) {
        Found::Nothing => Ok(None),
        // No value that is not text can be right, and the reader of the field names what is wrong.
        Found::One(value) => Ok(Some(core::str::from_utf8(value).unwrap_or("\u{fffd}"))),
        Found::Many => Err(Malformed::Repeated(name).into()),
    }
}

fn required<'a>(head: &Head<'a>, name: &'static str) -> Result<&'a str, AuthError> {
    optional(head, name)?.ok_or_else(|| Malformed::Missing(name).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces_of_any_size_are_well_formed() {
        assert_eq!(parse_nonce("0017").unwrap(), 17);
        assert_eq!(parse_nonce("-5").unwrap(), 0);
        assert_eq!(parse_nonce(&"9".repeat(4_000)).unwrap(), u64::MAX);
        for wrong in ["", "-", "+1", " 1", "1_0", "1.0", "0x1", "٣"] {
            assert!(parse_nonce(wrong).is_err(), "{wrong}");
        }
    }
}
