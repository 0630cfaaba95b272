//! Signed requests over sockets, through hyper: [`Client`].

use core::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::{FutureExt, StreamExt};
use http::header::{HOST, HeaderValue};
use http_body_util::Full;
use hyper::body::Body as _;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tensor_core::transport::{Body, Endpoint, Request, Response, Transport, TransportError};
use tensor_core::{BoxError, Signer};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::address::{is_public, is_usable};
use super::arriving::Arriving;
use super::pool::{Connection, Pool};
use super::{ClientLimits, NotSent, authenticate, read_head, require_proof};
use crate::wire::btauth::BtauthDialect;
use crate::wire::{Dialect, Identity, Message};

/// Carries requests to axons over HTTP/1.1, each attempt signed with a nonce of its own.
///
/// Connections are kept and used again. Nothing is sent twice: an attempt that may have reached the
/// axon is not repeated, and one that certainly has not (the kept connection turned out closed) is
/// signed anew. Redirects are answers like any other and are not followed.
///
/// The request's timeout runs from `send` to the last byte of the body. Cheap to clone; clones share
/// connections and nonces. Needs a tokio runtime, on which it starts one task for each connection.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

pub(super) struct Inner {
    identity: Identity,
    dialect: Box<dyn Dialect>,
    limits: ClientLimits,
    private: bool,
    wanted: Wanted,
    pub(super) pool: Pool,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
}

#[cfg(feature = "tls")]
type Tls = (tokio_rustls::TlsConnector, tokio_rustls::rustls::pki_types::ServerName<'static>);

/// What is asked of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Nothing,
    Proof,
    Only,
}

impl Client {
    /// A client that speaks btauth/1 and dials public addresses only.
    pub fn new(signer: impl Signer + 'static) -> Self {
        Self::builder(Identity::new(signer)).build()
    }

    /// Starts a client that signs as this identity.
    pub fn builder(identity: Identity) -> ClientBuilder {
        ClientBuilder {
            identity,
            dialect: Box::new(BtauthDialect::new()),
            limits: ClientLimits::default(),
            private: false,
            wanted: Wanted::Proof,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Who signs.
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    async fn send_until(
        &self,
        to: &Endpoint,
        message: &Message,
        deadline: Instant,
    ) -> Result<Response, TransportError> {
        let inner = &*self.0;
        loop {
            let kept = self.kept(to.address).await;
            let reused = kept.is_some();
            let mut connection = match kept {
                Some(connection) => connection,
                None => self.connect(to.address).await?,
            };
            let attempt = inner.identity.attempt(inner.dialect.as_ref(), to, message).await?;
            let attempt = match inner.wanted {
                Wanted::Nothing => attempt,
                Wanted::Proof | Wanted::Only => attempt.ask_for_signature(),
            };
            let proof = attempt.proof;
            let mut request = attempt.request.map(Full::new);
            let host = HeaderValue::from_str(&to.address.to_string())
                .map_err(|error| TransportError::Unsendable(error.into()))?;
            request.headers_mut().insert(HOST, host);
            let (head, body) = match connection.try_send_request(request).await {
                Ok(response) => response.into_parts(),
                // Given back unsent, as a closed connection does.
                Err(error) if reused && error.message().is_some() => continue,
                Err(error) => return Err(broken(to.address, error.into_error())),
            };
            let arriving = Arriving {
                body,
                back: Some((Arc::clone(&self.0), to.address, connection)),
                left: inner.limits.response_bytes,
                deadline: tokio::time::sleep_until(deadline).boxed(),
                timeout: message.timeout,
            };
            let body = if arriving.body.is_end_stream() {
                arriving.done();
                Body::empty()
            } else {
                Body::Stream(arriving.boxed())
            };
            let limit = inner.limits.response_bytes;
            let response = read_head(inner.dialect.as_ref(), &head, body, limit)?;
            if inner.wanted == Wanted::Nothing {
                return Ok(response);
            }
            let response = authenticate(response, &head, to, &proof, limit).await?;
            if inner.wanted == Wanted::Only {
                require_proof(&response, to)?;
            }
            return Ok(response);
        }
    }

    /// A kept connection that is ready for the next request.
    async fn kept(&self, address: SocketAddr) -> Option<Connection> {
        while let Some(mut connection) = self.0.pool.take(address) {
            if connection.ready().await.is_ok() {
                return Some(connection);
            }
        }
        None
    }

    async fn connect(&self, address: SocketAddr) -> Result<Connection, TransportError> {
        let limits = &self.0.limits;
        let unreachable = |source: BoxError| TransportError::Unreachable {
            address,
            source: NotSent(source).into(),
        };
        let stream = tokio::time::timeout(limits.connect_time, TcpStream::connect(address)).await;
        let stream = stream
            .map_err(|_| unreachable("no connection in time".into()))?
            .map_err(|error| unreachable(error.into()))?;
        // Requests are small and complete: waiting to fill a packet only costs time.
        let _ = stream.set_nodelay(true);
        #[cfg(feature = "tls")]
        if let Some((connector, name)) = &self.0.tls {
            let stream = connector.connect(name.clone(), stream);
            let stream = tokio::time::timeout(limits.connect_time, stream).await;
            let stream = stream
                .map_err(|_| unreachable("no TLS in time".into()))?
                .map_err(|error| unreachable(error.into()))?;
            return self.shake_hands(stream).await.map_err(|error| unreachable(error.into()));
        }
        self.shake_hands(stream).await.map_err(|error| unreachable(error.into()))
    }

    async fn shake_hands<S>(&self, stream: S) -> hyper::Result<Connection>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let (connection, driver) = http1::Builder::new()
            .max_buf_size(self.0.limits.head_bytes.max(8 << 10))
            .handshake(TokioIo::new(stream))
            .await?;
        // Ends with the connection, whose errors reach whoever waits for an answer.
        tokio::spawn(driver.map(drop));
        Ok(connection)
    }
}

#[async_trait]
impl Transport for Client {
    async fn send(&self, to: &Endpoint, request: Request) -> Result<Response, TransportError> {
        let inner = &*self.0;
        let may_dial = inner.private || is_public(to.address.ip());
        if !is_usable(to.address) || !may_dial {
            return Err(TransportError::NoEndpoint(to.hotkey));
        }
        let timeout = request.timeout;
        let deadline = Instant::now() + timeout.min(LONGEST);
        let work = async {
            let message = Message::collect(request, inner.limits.request_bytes).await?;
            self.send_until(to, &message, deadline).await
        };
        match tokio::time::timeout_at(deadline, work).await {
            Ok(outcome) => outcome,
            Err(_) => Err(TransportError::Timeout(timeout)),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("identity", &self.0.identity)
            .field("dialect", &self.0.dialect.name())
            .finish_non_exhaustive()
    }
}

/// Settings of a [`Client`] before it begins.
#[must_use]
pub struct ClientBuilder {
    identity: Identity,
    dialect: Box<dyn Dialect>,
    limits: ClientLimits,
    private: bool,
    wanted: Wanted,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
}

impl ClientBuilder {
    /// Speaks TLS with every axon, expecting a certificate for this name: for axons behind a gateway,
    /// since neurons of the network speak plain HTTP.
    #[cfg(feature = "tls")]
    pub fn with_tls(
        mut self,
        config: Arc<tokio_rustls::rustls::ClientConfig>,
        name: tokio_rustls::rustls::pki_types::ServerName<'static>,
    ) -> Self {
        self.tls = Some((config.into(), name));
        self
    }

    /// Takes only answers that the axon's hotkey signed; others are
    /// [`Forged`](TransportError::Forged). Streams are never signed.
    pub const fn require_signed_answers(mut self) -> Self {
        self.wanted = Wanted::Only;
        self
    }

    /// Neither asks for signed answers nor looks at signatures.
    pub const fn ignore_signatures(mut self) -> Self {
        self.wanted = Wanted::Nothing;
        self
    }

    /// Speaks this protocol instead of btauth/1.
    pub fn with_dialect(mut self, dialect: impl Dialect + 'static) -> Self {
        self.dialect = Box::new(dialect);
        self
    }

    /// Sets the limits.
    pub fn with_limits(mut self, limits: ClientLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Dials private and loopback addresses too: for axons whose addresses you know. With addresses
    /// from a public metagraph, strangers could direct requests into your own network.
    pub fn allow_private_addresses(mut self) -> Self {
        self.private = true;
        self
    }

    /// The client.
    pub fn build(self) -> Client {
        let limits = self.limits;
        Client(Arc::new(Inner {
            identity: self.identity,
            dialect: self.dialect,
            private: self.private,
            wanted: self.wanted,
            pool: Pool::new(limits.idle_per_axon, limits.idle, limits.idle_time),
            #[cfg(feature = "tls")]
            tls: self.tls,
            limits,
        }))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("identity", &self.identity).finish_non_exhaustive()
    }
}

fn broken(address: SocketAddr, error: hyper::Error) -> TransportError {
    if error.is_parse() {
        TransportError::Malformed(error.into())
    } else {
        TransportError::Unreachable { address, source: error.into() }
    }
}

/// Deadlines further away are cut to this, so that adding them to the time cannot overflow.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3_600);
