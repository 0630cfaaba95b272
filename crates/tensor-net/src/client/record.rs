//! Traffic on file: [`Recorder`] writes what a transport carries, [`Replayer`] gives it again.

use core::fmt;
use std::collections::{HashMap, VecDeque};
use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tensor_core::transport::{Body, Endpoint, Request, Response, Transport, TransportError};
use tensor_core::{BoxError, Hotkey};

use super::answer::body_error;
use crate::wire::Message;

/// One question and what came of it; one line of JSON in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Recorded {
    /// Who was asked.
    pub hotkey: Hotkey,
    /// Where.
    pub address: SocketAddr,
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// SHA-256 of the request's body as it was sent, by which a replay finds the answer.
    pub request_sha256: String,
    /// The request's body in base64; redaction may empty it.
    pub request: String,
    /// The status, if a response came.
    pub status: Option<u16>,
    /// The response's content type.
    pub content_type: String,
    /// The response's body in base64.
    pub response: String,
    /// Why no response came.
    pub error: Option<String>,
}

/// Writes every question and its outcome to `W`, one line each. Signatures and nonces are not part of
/// it, since they are made below; what else must not be on file, a redaction takes out.
pub struct Recorder<T, W> {
    inner: T,
    out: Mutex<W>,
    redact: Box<dyn Fn(&mut Recorded) + Send + Sync>,
    body_bytes: usize,
}

impl<T: Transport, W: Write + Send> Recorder<T, W> {
    /// Records all that `inner` carries.
    pub fn new(inner: T, out: W) -> Self {
        Self { inner, out: Mutex::new(out), redact: Box::new(|_| {}), body_bytes: 64 << 20 }
    }

    /// Changes each entry before it is written.
    #[must_use]
    pub fn with_redaction(
        mut self,
        redact: impl Fn(&mut Recorded) + Send + Sync + 'static,
    ) -> Self {
        self.redact = Box::new(redact);
        self
    }

    /// The writer, with all lines.
    pub fn into_writer(self) -> W {
        self.out.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, mut recorded: Recorded) -> std::io::Result<()> {
        (self.redact)(&mut recorded);
        let mut line = serde_json::to_vec(&recorded)?;
        line.push(b'\n');
        self.out.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line)
    }
}

#[async_trait]
impl<T: Transport, W: Write + Send> Transport for Recorder<T, W> {
    async fn send(&self, to: &Endpoint, request: Request) -> Result<Response, TransportError> {
        let message = Message::collect(request, self.body_bytes).await?;
        let mut recorded = Recorded {
            hotkey: to.hotkey,
            address: to.address,
            method: message.method.as_str().to_owned(),
            target: message.target.clone(),
            request_sha256: hex::encode(Sha256::digest(&message.body)),
            request: STANDARD.encode(&message.body),
            status: None,
            content_type: String::new(),
            response: String::new(),
            error: None,
        };
        let outcome = async {
            let mut response = self.inner.send(to, message.request(message.timeout)).await?;
            let body = core::mem::replace(&mut response.body, Body::empty());
            let body = body.bytes(self.body_bytes).await.map_err(body_error)?;
            recorded.status = Some(response.status);
            recorded.content_type.clone_from(&response.content_type);
            recorded.response = STANDARD.encode(&body);
            response.body = Body::Full(body);
            Ok(response)
        }
        .await;
        recorded.error = outcome.as_ref().err().map(ToString::to_string);
        // A record with holes would be worse than none, so a full disk is an error.
        self.write(recorded).map_err(|error| TransportError::Unsendable(error.into()))?;
        outcome
    }
}

impl<T: fmt::Debug, W> fmt::Debug for Recorder<T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("inner", &self.inner).finish_non_exhaustive()
    }
}

/// Gives recorded outcomes again: for the same axon, method, target and body, in their order.
pub struct Replayer {
    recorded: Mutex<HashMap<Key, VecDeque<Recorded>>>,
    body_bytes: usize,
}

type Key = (Hotkey, String, String, String);

impl Replayer {
    /// Reads lines that a [`Recorder`] wrote.
    ///
    /// # Errors
    /// The JSON error of the first line that is none of them.
    pub fn from_lines(lines: &str) -> Result<Self, serde_json::Error> {
        let mut recorded: HashMap<Key, VecDeque<Recorded>> = HashMap::new();
        for line in lines.lines().filter(|line| !line.trim().is_empty()) {
            let entry: Recorded = serde_json::from_str(line)?;
            let key = (
                entry.hotkey,
                entry.method.clone(),
                entry.target.clone(),
                entry.request_sha256.clone(),
            );
            recorded.entry(key).or_default().push_back(entry);
        }
        Ok(Self { recorded: Mutex::new(recorded), body_bytes: 64 << 20 })
    }
}

#[async_trait]
impl Transport for Replayer {
    async fn send(&self, to: &Endpoint, request: Request) -> Result<Response, TransportError> {
        let message = Message::collect(request, self.body_bytes).await?;
        let hash = hex::encode(Sha256::digest(&message.body));
        let key = (to.hotkey, message.method.as_str().to_owned(), message.target, hash);
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = recorded.get_mut(&key).and_then(VecDeque::pop_front);
        drop(recorded);
        let unreachable =
            |source: BoxError| TransportError::Unreachable { address: to.address, source };
        let entry = entry.ok_or_else(|| unreachable("no such question was recorded".into()))?;
        let Some(status) = entry.status else {
            return Err(unreachable(entry.error.unwrap_or_default().into()));
        };
        let body = STANDARD.decode(entry.response);
        let body = body.map_err(|error| TransportError::Malformed(error.into()))?;
        Ok(Response::new(status, body).with_content_type(entry.content_type))
    }
}

impl fmt::Debug for Replayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        write!(f, "Replayer({} questions)", recorded.len())
    }
}
