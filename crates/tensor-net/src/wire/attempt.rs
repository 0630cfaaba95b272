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
        let nonce = identity.nonces.next(identity.clock.unix_nanos());
        let outgoing = Outgoing {
            sender: &identity.hotkey,
            scheme: identity.scheme,
            receiver: &to.hotkey,
            address: to.address,
            method: message.method,
            target: &message.target,
            content_type: &message.content_type,
            body: &message.body,
            timeout: message.timeout,
            nonce,
        };
        let draft = dialect.draft(&outgoing).map_err(TransportError::Unsendable)?;
        let unsendable = |error: http::Error| TransportError::Unsendable(error.into());
        let mut request = http::Request::builder()
            .method(draft.method.as_str())
            .uri(&draft.target)
            .body(draft.body)
            .map_err(unsendable)?;
        for (name, value) in &draft.headers {
            insert(&mut request, name, value).map_err(unsendable)?;
        }
        for (name, message) in &draft.signatures {
            let signature = identity.signer.sign(message).await?;
            let value = format!("0x{}", hex::encode(signature.bytes));
            insert(&mut request, name, &value).map_err(unsendable)?;
        }
        Ok(Attempt { request, nonce })
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
    /// Its nonce.
    pub nonce: u64,
}

fn insert(request: &mut http::Request<Bytes>, name: &str, value: &str) -> Result<(), http::Error> {
    let name = HeaderName::from_bytes(name.as_bytes())?;
    request.headers_mut().insert(name, HeaderValue::from_str(value)?);
    Ok(())
}
