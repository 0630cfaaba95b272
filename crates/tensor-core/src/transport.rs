//! Requests, responses, and the trait that carries them: [`Transport`].
//!
//! A request is unsigned here. The innermost transport signs each attempt with a nonce of its own, so
//! decorators above it (retry, hedge, record) can never resend a used one.

use core::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::{BoxError, account::Hotkey};

/// Carries one request to one axon and brings the answer back.
///
/// Dropping the future gives the request up; the axon may still have seen it.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no transport",
    note = "use a client of tensor-net, its in-memory transport, or implement `Transport`"
)]
pub trait Transport: Send + Sync {
    /// Sends the request, signed afresh, and waits for the head of the response.
    ///
    /// # Errors
    /// [`TransportError`] when no response came. A refusal by the axon is a response: see
    /// [`Response::status`].
    async fn send(&self, to: &Endpoint, request: Request) -> Result<Response, TransportError>;
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        #[async_trait]
        impl<T: Transport + ?Sized> Transport for $pointer {
            async fn send(
                &self,
                to: &Endpoint,
                request: Request,
            ) -> Result<Response, TransportError> {
                (**self).send(to, request).await
            }
        }
    )*};
}

forward!(&T, Box<T>, Arc<T>);

/// Where a neuron listens, and for whom the request is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// The hotkey that must answer.
    pub hotkey: Hotkey,
    /// The address it published.
    pub address: SocketAddr,
}

/// How a request uses HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Reads.
    Get,
    /// Asks for work; what synapses use.
    #[default]
    Post,
    /// Replaces.
    Put,
    /// Removes.
    Delete,
}

impl Method {
    /// The method's name on the request line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A request as the caller means it and as the miner sees it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Request {
    /// How; synapses post.
    pub method: Method,
    /// Path and query as on the request line, starting with `/`.
    pub target: String,
    /// What the body is; JSON unless said.
    pub content_type: String,
    /// The payload.
    pub body: Body,
    /// How long the caller waits, from sending to the last byte of the response.
    pub timeout: Duration,
}

impl Request {
    /// How long a request may take unless said otherwise.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(12);

    /// A posted request for the synapse of that name (`/{name}`).
    pub fn synapse(name: &str, body: impl Into<Body>) -> Self {
        Self {
            method: Method::Post,
            target: format!("/{name}"),
            content_type: "application/json".to_owned(),
            body: body.into(),
            timeout: Self::DEFAULT_TIMEOUT,
        }
    }

    /// A request of any shape.
    pub fn new(method: Method, target: impl Into<String>, body: impl Into<Body>) -> Self {
        Self { method, target: target.into(), ..Self::synapse("", body) }
    }

    /// Sets how long the caller waits.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets what the body is.
    #[must_use]
    pub fn with_content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = content_type.into();
        self
    }

    /// The synapse's name: the first segment of the path.
    pub fn name(&self) -> &str {
        let path = self.target.split(['?', '#']).next().unwrap_or_default();
        path.trim_start_matches('/').split('/').next().unwrap_or_default()
    }
}

/// What an axon answered.
#[derive(Debug)]
#[non_exhaustive]
pub struct Response {
    /// The HTTP status: 200 is success, everything else a refusal or failure.
    pub status: u16,
    /// What the body is.
    pub content_type: String,
    /// The payload.
    pub body: Body,
    /// Whether the axon proved that its hotkey gave this answer.
    pub authenticity: Authenticity,
}

impl Response {
    /// A successful answer in JSON.
    pub fn ok(body: impl Into<Body>) -> Self {
        Self::new(200, body)
    }

    /// An answer with that status.
    pub fn new(status: u16, body: impl Into<Body>) -> Self {
        Self {
            status,
            content_type: "application/json".to_owned(),
            body: body.into(),
            authenticity: Authenticity::Unsigned,
        }
    }

    /// Sets what the body is.
    #[must_use]
    pub fn with_content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = content_type.into();
        self
    }

    /// Whether the axon did what was asked.
    pub const fn is_success(&self) -> bool {
        self.status == 200
    }
}

/// Whether a response is proven to be the axon's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Authenticity {
    /// The axon did not sign: whoever sat on the wire may have answered.
    #[default]
    Unsigned,
    /// The axon's hotkey signed status and body for this very request, and it verified.
    Verified,
}

/// A payload: all there, or arriving.
pub enum Body {
    /// All bytes.
    Full(Bytes),
    /// Bytes as they come. Chunk borders mean nothing.
    Stream(BoxStream<'static, Result<Bytes, BoxError>>),
}

impl Body {
    /// Nothing.
    pub const fn empty() -> Self {
        Self::Full(Bytes::new())
    }

    /// All bytes of the payload, at most `limit`.
    ///
    /// # Errors
    /// [`BodyError::TooLarge`] once more than `limit` bytes have come, [`BodyError::Broken`] when the
    /// stream failed.
    pub async fn bytes(self, limit: usize) -> Result<Bytes, BodyError> {
        let mut stream = match self {
            Self::Full(bytes) if bytes.len() > limit => return Err(BodyError::TooLarge { limit }),
            Self::Full(bytes) => return Ok(bytes),
            Self::Stream(stream) => stream,
        };
        let mut all = BytesMut::new();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(BodyError::Broken)?;
            if chunk.len() > limit.saturating_sub(all.len()) {
                return Err(BodyError::TooLarge { limit });
            }
            all.extend_from_slice(&chunk);
        }
        Ok(all.freeze())
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            Self::Stream(_) => f.write_str("Body(stream)"),
        }
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self::Full(bytes.into())
    }
}

/// Why a payload did not arrive whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// It is longer than the reader allows.
    #[error("the body is longer than {limit} bytes")]
    TooLarge {
        /// The most bytes that were allowed.
        limit: usize,
    },
    /// It broke off.
    #[error("the body broke off")]
    Broken(#[source] BoxError),
}

/// Why no response came.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// Nobody listens there, or the connection broke before the response.
    #[error("{address} is not reachable")]
    Unreachable {
        /// Where the request went.
        address: SocketAddr,
        /// What the network said.
        #[source]
        source: BoxError,
    },
    /// The response did not come in time.
    #[error("no response within {0:?}")]
    Timeout(Duration),
    /// The response's signature is there and wrong: somebody else answered.
    #[error("the response is not from {0}")]
    Forged(Hotkey),
    /// The response is no HTTP, or its body broke off or is too long.
    #[error("the response cannot be read")]
    Malformed(#[source] BoxError),
    /// The request is one that this transport cannot carry: its own body broke off or is too long, or
    /// the protocol has no place for it.
    #[error("the request cannot be sent as it is")]
    Unsendable(#[source] BoxError),
    /// The request could not be signed.
    #[error("the request could not be signed")]
    Sign(#[from] crate::key::SignError),
    /// The neuron has published no address, or one that cannot be dialled.
    #[error("{0} has published no usable address")]
    NoEndpoint(Hotkey),
}

impl TransportError {
    /// Whether asking again, with a fresh nonce, may help.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Timeout(_))
    }
}

const _: () = {
    fn _dyn(_: &dyn Transport) {}
};

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;

    #[test]
    fn a_synapse_is_the_first_path_segment() {
        assert_eq!(Request::synapse("Sentiment", Bytes::new()).name(), "Sentiment");
        assert_eq!(Request::new(Method::Get, "/a/b?c=/d", Bytes::new()).name(), "a");
        assert_eq!(Request::new(Method::Get, "/?q", Bytes::new()).name(), "");
    }

    #[test]
    fn bodies_are_bounded() {
        let chunks = || {
            let parts = ["ab", "cd", "e"].map(|part| Ok(Bytes::from(part)));
            Body::Stream(futures::stream::iter(parts).boxed())
        };
        assert_eq!(block_on(chunks().bytes(5)).unwrap(), "abcde");
        assert!(matches!(block_on(chunks().bytes(4)), Err(BodyError::TooLarge { limit: 4 })));
        assert!(block_on(Body::from("abc").bytes(2)).is_err());
    }
}
