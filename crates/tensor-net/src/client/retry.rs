//! Asking again when that is safe, and asking twice when that is quicker: [`Retry`] and [`Hedge`].
//!
//! Both stand above the transport that signs, so every attempt has a nonce of its own.

use core::fmt;
use core::pin::pin;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::future::{Either, select};
use tensor_core::BoxError;
use tensor_core::transport::{Body, Endpoint, Request, Response, Transport, TransportError};

use crate::timer::{Timer, within};
use crate::wire::Message;

/// Marks a source of [`TransportError::Unreachable`]: the request was certainly not sent.
#[derive(Debug, thiserror::Error)]
#[error("the request was not sent")]
pub struct NotSent(#[source] pub BoxError);

impl NotSent {
    /// Whether the error says that the request was certainly not sent.
    pub fn is_source_of(error: &TransportError) -> bool {
        matches!(error, TransportError::Unreachable { source, .. } if source.is::<Self>())
    }
}

/// Tries again where the axon has certainly not done the work: nobody was reached, or the axon said
/// that it is busy (429, 503). All attempts share the request's timeout.
pub struct Retry<T> {
    inner: T,
    timer: Box<dyn Timer>,
    attempts: u32,
    pause: Duration,
    idempotent: bool,
    body_bytes: usize,
}

impl<T: Transport> Retry<T> {
    /// Three attempts, the second after 100 ms, the third after 200 ms more.
    pub fn new(inner: T, timer: impl Timer + 'static) -> Self {
        Self {
            inner,
            timer: Box::new(timer),
            attempts: 3,
            pause: Duration::from_millis(100),
            idempotent: false,
            body_bytes: 64 << 20,
        }
    }

    /// Sets how often to try, at least once.
    #[must_use]
    pub const fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets the pause after the first attempt; it doubles after each.
    #[must_use]
    pub const fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Tries again after broken connections too: the work may then be done twice.
    #[must_use]
    pub const fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    fn may_retry(&self, outcome: &Result<Response, TransportError>) -> bool {
        match outcome {
            Ok(response) => matches!(response.status, 429 | 503),
            Err(error @ TransportError::Unreachable { .. }) => {
                self.idempotent || NotSent::is_source_of(error)
            }
            Err(_) => false,
        }
    }
}

#[async_trait]
impl<T: Transport> Transport for Retry<T> {
    async fn send(&self, to: &Endpoint, request: Request) -> Result<Response, TransportError> {
        let begin = Instant::now();
        let message = Message::collect(request, self.body_bytes).await?;
        let mut pause = self.pause;
        for attempt in 1.. {
            let left = message.timeout.saturating_sub(begin.elapsed());
            let outcome = self.inner.send(to, message.request(left)).await;
            let left = message.timeout.saturating_sub(begin.elapsed());
            if attempt >= self.attempts || left <= pause || !self.may_retry(&outcome) {
                return outcome;
            }
            self.timer.sleep(pause).await;
            pause = pause.saturating_mul(2);
        }
        Err(TransportError::Timeout(message.timeout))
    }
}

impl<T: fmt::Debug> fmt::Debug for Retry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("inner", &self.inner)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

/// Asks a second time when the first answer is late, and takes the first success.
///
/// The axon may do the work twice: for questions that cost it little or change nothing.
pub struct Hedge<T> {
    inner: T,
    timer: Box<dyn Timer>,
    after: Duration,
    body_bytes: usize,
}

impl<T: Transport> Hedge<T> {
    /// Asks again when no answer began within `after`.
    pub fn new(inner: T, timer: impl Timer + 'static, after: Duration) -> Self {
        Self { inner, timer: Box::new(timer), after, body_bytes: 64 << 20 }
    }
}

#[async_trait]
impl<T: Transport> Transport for Hedge<T> {
    async fn send(&self, to: &Endpoint, request: Request) -> Result<Response, TransportError> {
        let message = Message::collect(request, self.body_bytes).await?;
        let mut first = pin!(self.inner.send(to, message.request(message.timeout)));
        if let Some(outcome) = within(Some(&*self.timer), self.after, first.as_mut()).await {
            return outcome;
        }
        let left = message.timeout.saturating_sub(self.after);
        let second = pin!(self.inner.send(to, message.request(left)));
        // The first to fail does not decide; the other may still succeed.
        match select(first, second).await {
            Either::Left((outcome, _)) | Either::Right((outcome, _)) if succeeded(&outcome) => {
                outcome
            }
            Either::Left((_, other)) => other.await,
            Either::Right((_, other)) => other.await,
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Hedge<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hedge")
            .field("inner", &self.inner)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}

fn succeeded(outcome: &Result<Response, TransportError>) -> bool {
    outcome.as_ref().is_ok_and(Response::is_success)
}

impl Message {
    /// The request again, with that much time.
    pub(crate) fn request(&self, timeout: Duration) -> Request {
        Request::new(self.method, self.target.clone(), Body::Full(self.body.clone()))
            .with_content_type(self.content_type.clone())
            .with_timeout(timeout)
    }
}
