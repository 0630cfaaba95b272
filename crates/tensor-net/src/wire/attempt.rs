//! One signed attempt at a request: [`Identity`] signs, [`Attempt`] is what goes out.

use core::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use tensor_core::clock::SystemClock;
use tensor_core::key::Scheme;
use tensor_core::transport::{BodyError, Endpoint, Request, TransportError};
use tensor_core::{BoxError, Clock, Hotkey, Signer};

use super::{Dialect, NonceSource, Outgoing};

/// Who signs requests: a key, the clock that its nonces follow, and the nonces used so far.
///
/// Cheap to clone; clones share the nonces. Use one per key and process, since two that do not know
/// of each other can hand out the same nonce.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

struct Inner {
    signer: Box<dyn Signer>,
    clock: Box<dyn Clock>,
    nonces: NonceSource,
    hotkey: Hotkey,
    scheme: Scheme,
}

impl Identity {
    /// Signs with this key, by the machine's clock.
    pub fn new(signer: impl Signer + 'static) -> Self {
        Self::with_clock(signer, SystemClock)
    }

    /// Signs with this key, by this clock.
    pub fn with_clock(signer: impl Signer + 'static, clock: impl Clock + 'static) -> Self {
        let (hotkey, scheme) = (Hotkey::new(signer.account_id()), signer.scheme());
        Self(Arc::new(Inner {
            signer: Box::new(signer),
            clock: Box::new(clock),
            nonces: NonceSource::new(),
            hotkey,
            scheme,
        }))
    }

    /// The hotkey that requests are signed by.
    pub fn hotkey(&self) -> Hotkey {
        self.0.hotkey
    }

    /// Signs one attempt with a nonce never used before. Every attempt needs its own.
    ///
    /// # Errors
    /// [`TransportError::Sign`] when the key refuses, [`TransportError::Unsendable`] when the
    /// dialect cannot carry the request.
    pub async fn attempt(
        &self,
        dialect: &dyn Dialect,
        to: &Endpoint,
        message: &Message,
    ) -> Result<Attempt, TransportError> {
        let identity = &*self.0;
        let target = wire_target(&message.target).ok_or_else(|| {
            TransportError::Unsendable("the target must be a path that starts with /".into())
        })?;
        let nonce = identity.nonces.next(identity.clock.unix_nanos());
        let outgoing = Outgoing {
            sender: &identity.hotkey,
            scheme: identity.scheme,
            receiver: &to.hotkey,
            address: to.address,
            method: message.method,
            target: &target,
            content_type: &message.content_type,
            body: &message.body,
            timeout: message.timeout,
            nonce,
        };
        let draft = dialect.draft(&outgoing).map_err(TransportError::Unsendable)?;
        let mut proof = Proof { sender: identity.hotkey, nonce: draft.nonce, signature: [0; 64] };
        let unsendable = |error: http::Error| TransportError::Unsendable(error.into());
        let mut request = http::Request::builder()
            .method(draft.method.as_str())
            .uri(&draft.target)
            .body(draft.body)
            .map_err(unsendable)?;
        for (name, value) in &draft.headers {
            insert(&mut request, name, value).map_err(unsendable)?;
        }
        for (index, (name, message)) in draft.signatures.iter().enumerate() {
            let signature = identity.signer.sign(message).await?;
            if index == 0 {
                proof.signature = signature.bytes;
            }
            let value = format!("0x{}", hex::encode(signature.bytes));
            insert(&mut request, name, &value).map_err(unsendable)?;
        }
        Ok(Attempt { request, proof })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({}, {})", self.0.scheme, self.0.hotkey)
    }
}

/// A request whose body is all there, so that it can be sent again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Message {
    /// How.
    pub method: tensor_core::transport::Method,
    /// Path and query.
    pub target: String,
    /// What the body is.
    pub content_type: String,
    /// The payload.
    pub body: Bytes,
    /// How long the caller waits.
    pub timeout: std::time::Duration,
}

impl Message {
    /// Collects the request's body, of at most `limit` bytes.
    ///
    /// # Errors
    /// [`TransportError::Unsendable`] when the body is longer or breaks off.
    pub async fn collect(request: Request, limit: usize) -> Result<Self, TransportError> {
        let Request { method, target, content_type, body, timeout, .. } = request;
        let unsendable = |error: BodyError| TransportError::Unsendable(BoxError::from(error));
        let body = body.bytes(limit).await.map_err(unsendable)?;
        Ok(Self { method, target, content_type, body, timeout })
    }
}

/// A signed request, good for being sent once.
#[derive(Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// The request: target in origin form, no `host` yet.
    pub request: http::Request<Bytes>,
    /// What names it.
    pub proof: Proof,
}

/// What names a signed request: an answer is proven by a signature over this too.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Proof {
    /// Who signed the request.
    pub sender: Hotkey,
    /// Its nonce as the receiver reads it.
    pub nonce: u64,
    /// Its signature.
    pub signature: [u8; 64],
}

impl Attempt {
    /// Asks for a signed answer; see [`response`](super::response).
    #[must_use]
    pub fn ask_for_signature(mut self) -> Self {
        let name = HeaderName::from_static(super::response::ASK);
        self.request.headers_mut().insert(name, HeaderValue::from_static("1"));
        self
    }
}

/// The target as it stands on the request line, which is what is signed: what a line cannot hold is
/// percent-encoded, and a fragment is not sent.
fn wire_target(target: &str) -> Option<String> {
    let target = target.split('#').next().filter(|target| target.starts_with('/'))?;
    let mut out = String::with_capacity(target.len());
    for byte in target.bytes() {
        match byte {
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => {
                out.push_str(&format!("%{byte:02X}"));
            }
            b'!'..=b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    Some(out)
}

fn insert(request: &mut http::Request<Bytes>, name: &str, value: &str) -> Result<(), http::Error> {
    let name = HeaderName::from_bytes(name.as_bytes())?;
    request.headers_mut().insert(name, HeaderValue::from_str(value)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_signed_as_they_are_sent() {
        for (target, wire) in [
            ("/a?b=c&d=%20", "/a?b=c&d=%20"),
            ("/x?", "/x?"),
            ("/a b/é#part", "/a%20b/%C3%A9"),
            ("/{id}", "/%7Bid%7D"),
        ] {
            assert_eq!(wire_target(target).as_deref(), Some(wire));
            assert_eq!(wire.parse::<http::Uri>().unwrap().to_string(), wire);
        }
        assert_eq!(wire_target("a"), None);
        assert_eq!(wire_target(""), None);
        assert_eq!(wire_target("*"), None);
    }
}
