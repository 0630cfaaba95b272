//! One question to many axons at once: [`fan_out`].

use core::future::poll_fn;
use core::task::Poll;
use std::time::{Duration, Instant};

use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tensor_core::transport::{Body, Endpoint, Request, Response, Transport, TransportError};

use super::answer::body_error;

/// How [`fan_out`] waits.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FanOut {
    /// Enough successful answers to stop waiting for the others; all unless said.
    pub quorum: Option<usize>,
    /// Bytes of one answer's body; 16 MiB.
    pub response_bytes: usize,
}

impl Default for FanOut {
    fn default() -> Self {
        Self { quorum: None, response_bytes: 16 << 20 }
    }
}

impl FanOut {
    /// Stops waiting once this many axons answered successfully.
    #[must_use]
    pub const fn with_quorum(mut self, quorum: usize) -> Self {
        self.quorum = Some(quorum);
        self
    }

    /// Sets the bytes of one answer's body.
    #[must_use]
    pub const fn with_response_bytes(mut self, bytes: usize) -> Self {
        self.response_bytes = bytes;
        self
    }
}

/// What became of the question to one axon.
#[derive(Debug)]
#[non_exhaustive]
pub struct Answer {
    /// Whom it was sent to.
    pub endpoint: Endpoint,
    /// The response with its whole body, why there is none, or nothing if the quorum was complete
    /// before it came.
    pub outcome: Option<Result<Response, TransportError>>,
    /// When this request began, counted from the first.
    pub started: Duration,
    /// When its outcome was there, counted from the first request's start.
    pub ended: Duration,
}

impl Answer {
    /// The response, if it came and says success.
    pub fn success(&self) -> Option<&Response> {
        match &self.outcome {
            Some(Ok(response)) if response.is_success() => Some(response),
            _ => None,
        }
    }
}

/// Asks all axons at once and waits for the whole answers, which come back in the order of
/// `endpoints`.
///
/// `request` makes the question for each; its timeout is that axon's own deadline. No axon's slowness
/// costs another one time: all requests begin before any is waited for.
pub async fn fan_out<T: Transport + ?Sized>(
    transport: &T,
    endpoints: &[Endpoint],
    options: &FanOut,
    mut request: impl FnMut(&Endpoint) -> Request,
) -> Vec<Answer> {
    let begin = Instant::now();
    let requests: Vec<Request> = endpoints.iter().map(&mut request).collect();
    let mut asks: Vec<_> = endpoints
        .iter()
        .zip(requests)
        .enumerate()
        .map(|(index, (endpoint, request))| {
            let ask = async move {
                let started = begin.elapsed();
                let outcome = ask(transport, endpoint, request, options.response_bytes).await;
                (index, started, outcome, begin.elapsed())
            };
            ask.boxed()
        })
        .collect();
    // All begin in one go; the collection below lets others run after every few.
    let mut ended = Vec::new();
    poll_fn(|context| {
        asks.retain_mut(|ask| match ask.as_mut().poll(context) {
            Poll::Ready(outcome) => {
                ended.push(outcome);
                false
            }
            Poll::Pending => true,
        });
        Poll::Ready(())
    })
    .await;
    let asked: FuturesUnordered<_> = asks.into_iter().collect();
    let mut asked = futures::stream::iter(ended).chain(asked);

    let mut answers: Vec<Answer> = endpoints
        .iter()
        .map(|endpoint| Answer {
            endpoint: *endpoint,
            outcome: None,
            started: Duration::ZERO,
            ended: Duration::ZERO,
        })
        .collect();
    let quorum = options.quorum.unwrap_or(usize::MAX);
    let mut successes = 0;
    while successes < quorum {
        let Some((index, started, outcome, ended)) = asked.next().await else { break };
        successes += usize::from(outcome.as_ref().is_ok_and(Response::is_success));
        if let Some(answer) = answers.get_mut(index) {
            let endpoint = answer.endpoint;
            *answer = Answer { endpoint, outcome: Some(outcome), started, ended };
        }
    }
    answers
}

async fn ask<T: Transport + ?Sized>(
    transport: &T,
    to: &Endpoint,
    request: Request,
    limit: usize,
) -> Result<Response, TransportError> {
    let mut response = transport.send(to, request).await?;
    let body = core::mem::replace(&mut response.body, Body::empty());
    response.body = Body::Full(body.bytes(limit).await.map_err(body_error)?);
    Ok(response)
}
