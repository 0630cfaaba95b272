//! The protocols without I/O: what a request's headers claim, which bytes the signature must cover,
//! and how an answer looks. Time and nonces are arguments; nothing here reads a clock or a socket.
//!
//! - [`Protocol`] is the receiving side of one protocol, [`Dialect`] the sending side.
//! - [`btauth`] is btauth/1, the protocol of the official SDK 11; [`synapse`] is that of the axons and
//!   dendrites of SDK 10; [`epistula`] the convention of OpenAI-like subnets.
//! - [`response`] signs answers, for peers that ask for it.
//! - [`Identity`] signs attempts; its [`NonceSource`] hands out nonces that never repeat.

mod attempt;
pub mod btauth;
pub mod epistula;
mod error;
mod headers;
mod nonce;
pub mod response;
pub mod synapse;
mod verify;

use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use tensor_core::key::Scheme;
use tensor_core::transport::{Method, Request, Response};
use tensor_core::{BoxError, Hotkey};

pub use attempt::{Attempt, Identity, Message, Proof};
pub use error::{AuthError, Malformed, Refusal};
pub use headers::{Found, Headers};
pub use nonce::NonceSource;
pub use verify::verify;
pub(crate) use verify::{caller, replay_refusal};

/// The receiving side of a protocol: reads what a request claims and says which bytes prove it.
///
/// The server calls the methods in the order in which they stand here and stops at the first error.
/// Nothing may be believed before `message` was verified, so the first three must be cheap.
pub trait Protocol: Send + Sync {
    /// The protocol's name, as in [`Caller::protocol`](tensor_core::miner::Caller::protocol).
    fn name(&self) -> &'static str;

    /// Whether the head looks like this protocol, well-formed or not.
    fn recognises(&self, head: &Head<'_>) -> bool;

    /// Reads who claims to ask.
    ///
    /// # Errors
    /// [`Refusal`], mostly [`AuthError::Malformed`]: a header is missing or cannot be read.
    fn claim(&self, head: &Head<'_>, now: u64) -> Result<Claim, Refusal>;

    /// Whether the request is for us and fresh at `now` (unix nanoseconds).
    ///
    /// # Errors
    /// [`Refusal`], mostly an [`AuthError`], names the reason.
    fn check(&self, claim: &Claim, head: &Head<'_>, now: u64) -> Result<(), Refusal>;

    /// Whether `message` needs the body. If not, the signature is verified before the body is read.
    fn signs_body(&self) -> bool {
        true
    }

    /// The bytes that the signature must cover. `body` is empty if [`Self::signs_body`] says no.
    fn message(&self, claim: &Claim, head: &Head<'_>, body: &[u8]) -> Vec<u8>;

    /// Turns the proven request into what the miner sees; the place to check a body against a hash
    /// that was signed apart.
    ///
    /// # Errors
    /// [`Refusal`] when the body is not what was signed, or the request has no meaning.
    fn open(&self, head: &Head<'_>, body: Bytes) -> Result<Request, Refusal> {
        head.to_request(body)
    }

    /// Answers a proven request that miners need not know, such as a ping.
    fn answer(&self, request: &Request) -> Option<Response> {
        let _ = request;
        None
    }

    /// Writes the outcome as the protocol's clients expect it.
    fn reply(&self, exchange: &Exchange<'_>, outcome: Result<Response, Refusal>) -> Reply {
        let _ = exchange;
        Reply::plain(outcome)
    }
}

/// The sending side of a protocol: turns a request into headers and bytes to sign.
pub trait Dialect: Send + Sync {
    /// The protocol's name.
    fn name(&self) -> &'static str;

    /// Lays out one attempt. The caller signs every message of the draft and sends it.
    ///
    /// # Errors
    /// Whatever makes the request one that this protocol cannot carry.
    fn draft(&self, outgoing: &Outgoing<'_>) -> Result<Draft, BoxError>;

    /// Reads the head of an answer: the status that counts, if the protocol has one of its own.
    ///
    /// # Errors
    /// Whatever makes the answer unreadable.
    fn status(&self, status: u16, headers: &dyn Headers) -> Result<u16, BoxError> {
        let _ = headers;
        Ok(status)
    }
}

/// One attempt at a request, before it is laid out.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// Who signs.
    pub sender: &'a Hotkey,
    /// The scheme of its key.
    pub scheme: Scheme,
    /// Who must answer.
    pub receiver: &'a Hotkey,
    /// Where the receiver listens.
    pub address: SocketAddr,
    /// How.
    pub method: Method,
    /// Path and query.
    pub target: &'a str,
    /// What the body is.
    pub content_type: &'a str,
    /// The payload.
    pub body: &'a Bytes,
    /// How long the caller waits.
    pub timeout: Duration,
    /// Unix nanoseconds, never used before by this sender.
    pub nonce: u64,
}

/// An attempt laid out: everything but the signatures.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The method on the request line.
    pub method: Method,
    /// The target on the request line.
    pub target: String,
    /// All headers that carry no signature.
    pub headers: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    /// Headers whose values are `0x` and the signature of these bytes in hex. The first proves the
    /// sender.
    pub signatures: Vec<(&'static str, Vec<u8>)>,
    /// The body as it is sent.
    pub body: Bytes,
    /// The nonce as the receiver reads it, in unix nanoseconds.
    pub nonce: u64,
}

/// The head of a received request.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// The method as received.
    pub method: &'a str,
    /// Path and query exactly as on the request line.
    pub target: &'a str,
    /// The headers.
    pub headers: &'a dyn Headers,
    /// Where the connection comes from, if it is one.
    pub peer: Option<SocketAddr>,
}

impl<'a> Head<'a> {
    /// The head with these parts and no peer address.
    pub const fn new(method: &'a str, target: &'a str, headers: &'a dyn Headers) -> Self {
        Self { method, target, headers, peer: None }
    }

    /// The request with this body as miners see it.
    ///
    /// # Errors
    /// [`Refusal::Method`] for a method that miners do not know.
    pub fn to_request(&self, body: Bytes) -> Result<Request, Refusal> {
        let method = match self.method {
            "GET" => Method::Get,
            "POST" => Method::Post,
            "PUT" => Method::Put,
            "DELETE" => Method::Delete,
            _ => return Err(Refusal::Method),
        };
        let request = Request::new(method, self.target, body);
        Ok(match self.headers.find("content-type") {
            Found::One(value) => request.with_content_type(String::from_utf8_lossy(value)),
            Found::Nothing | Found::Many => request.with_content_type(""),
        })
    }
}

/// What a head claims. Nothing of it is proven until the signature verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claim {
    /// Who claims to have signed.
    pub hotkey: Hotkey,
    /// The scheme of its key; exactly this one is tried.
    pub scheme: Scheme,
    /// The signature.
    pub signature: [u8; 64],
    /// When it says it was signed, in unix nanoseconds.
    pub nonce: u64,
    /// Tells requests with the same hotkey and nonce apart, where the protocol signs more than that.
    pub token: u128,
    /// Until when, in unix nanoseconds, the same request would still be fresh: as long must its
    /// nonce be remembered.
    pub expires: u64,
}

impl Claim {
    /// A claim with token zero.
    pub const fn new(
        hotkey: Hotkey,
        scheme: Scheme,
        signature: [u8; 64],
        nonce: u64,
        expires: u64,
    ) -> Self {
        Self { hotkey, scheme, signature, nonce, token: 0, expires }
    }

    /// Sets the token.
    #[must_use]
    pub const fn with_token(mut self, token: u128) -> Self {
        self.token = token;
        self
    }
}

/// What is known of a request when its answer is written.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Exchange<'a> {
    /// The request's head.
    pub head: &'a Head<'a>,
    /// The request's body; empty if the request was refused before it was read.
    pub body: &'a Bytes,
    /// Who asked, if that is proven.
    pub proven: Option<&'a Claim>,
    /// Our time, in unix nanoseconds.
    pub now: u64,
    /// How long the answer took.
    pub elapsed: Duration,
}

impl<'a> Exchange<'a> {
    /// An exchange that ends at once, at `now`.
    pub const fn new(head: &'a Head<'a>, body: &'a Bytes, now: u64) -> Self {
        Self { head, body, proven: None, now, elapsed: Duration::ZERO }
    }
}

/// An answer as it goes on the wire: the miner's response and the protocol's headers.
#[derive(Debug)]
#[non_exhaustive]
pub struct Reply {
    /// Status, content type and body.
    pub response: Response,
    /// Further headers, names in lower case.
    pub headers: Vec<(Cow<'static, str>, String)>,
}

impl Reply {
    /// An answer without further headers.
    pub const fn new(response: Response) -> Self {
        Self { response, headers: Vec::new() }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<String>,
    ) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The response as it is; a refusal as JSON with `error` (its class) and `message`.
    pub fn plain(outcome: Result<Response, Refusal>) -> Self {
        match outcome {
            Ok(response) => Self::new(response),
            Err(refusal) => refusal.to_reply(),
        }
    }
}

const _: () = {
    fn _dyn(_: &dyn Protocol, _: &dyn Dialect) {}
};
