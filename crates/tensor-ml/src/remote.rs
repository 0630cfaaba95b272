//! Engines on other machines: requests over HTTP with limits, retries and a key that is never shown.

mod inference;
mod openai;

use std::{fmt, io::Read, time::Duration};

use serde_json::Value;
use ureq::{
    Agent, Body, RequestBuilder,
    http::{Response, header},
};

pub use self::{inference::RemoteModel, openai::OpenAi};
use crate::{control::RunControl, error::Error};

/// Where an engine is, and the limits of talking to it.
#[derive(Clone)]
#[non_exhaustive]
pub struct RemoteOptions {
    /// The beginning of its addresses, such as `http://127.0.0.1:8000/v1` for an OpenAI-compatible server and
    /// `http://127.0.0.1:8000` for one of the Open Inference Protocol.
    pub url: String,
    /// Longest time for one attempt, an answer's last token included.
    pub timeout: Duration,
    /// How often a request is sent again after no answer, or status 408, 429, 502, 503 or 504. An answer that has
    /// begun is never asked for again.
    pub max_retries: usize,
    /// The pause before the first retry; it doubles each time. A longer one that the server asks for is kept, up to
    /// `timeout`.
    pub pause: Duration,
    /// Most bytes of an answer.
    pub max_answer: u64,
    /// Most requests at a time; each has a thread.
    pub connections: usize,
    /// Most requests waiting for a thread; more are refused with [`Error::Busy`].
    pub queue: usize,
    key: Option<String>,
}

impl RemoteOptions {
    /// An engine at this address: 120 s, 2 retries from 250 ms on, 64 MiB, 8 connections, 256 waiting.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into().trim_end_matches('/').to_owned(),
            timeout: Duration::from_secs(120),
            max_retries: 2,
            pause: Duration::from_millis(250),
            max_answer: 64 << 20,
            connections: 8,
            queue: 256,
            key: None,
        }
    }

    /// Sets the key that is sent as bearer token. It is not part of any message; a redirect is not followed with it.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets the longest time for one attempt.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how often a request is sent again, and the pause before the first time.
    #[must_use]
    pub fn with_retries(mut self, max_retries: usize, pause: Duration) -> Self {
        self.max_retries = max_retries;
        self.pause = pause;
        self
    }

    /// Sets the most bytes of an answer.
    #[must_use]
    pub fn with_max_answer(mut self, max_answer: u64) -> Self {
        self.max_answer = max_answer;
        self
    }
}

impl fmt::Debug for RemoteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteOptions")
            .field("url", &self.url)
            .field("key", &self.key.as_ref().map(|_| "…"))
            .field("timeout", &self.timeout)
            .field("max_retries", &self.max_retries)
            .field("max_answer", &self.max_answer)
            .finish_non_exhaustive()
    }
}

/// The client. Blocking, like every model; the engines put it on threads of their own.
#[derive(Clone, Debug)]
struct Http {
    agent: Agent,
    options: RemoteOptions,
}

impl Http {
    fn new(options: RemoteOptions) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // A redirect could lead the key and the prompt anywhere.
            .max_redirects(0)
            .timeout_global(Some(options.timeout))
            .user_agent(concat!("tensor-ml/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.into(), options }
    }

    /// Sends a request until it is answered with success or retries are used up.
    fn send(
        &self,
        path: &str,
        body: Option<&Value>,
        control: &RunControl,
    ) -> Result<Response<Body>, Error> {
        let mut pause = self.options.pause;
        for attempt in 0_usize.. {
            control.check()?;
            let (error, wanted) = match self.attempt(path, body) {
                Ok(response) if response.status().is_success() => return Ok(response),
                Ok(response) => self.refused(response),
                Err(error) => (self.broken(error), None),
            };
            // After a timeout the server may still be at work: once more would double it.
            let is_late = matches!(error, Error::DeadlineExceeded);
            if attempt >= self.options.max_retries || is_late || !error.is_retryable() {
                return Err(error);
            }
            rest(pause.max(wanted.unwrap_or_default()).min(self.options.timeout), control)?;
            pause = pause.saturating_mul(2);
        }
        Err(Error::Stopped)
    }

    /// Sends a request and reads its answer as JSON.
    fn json(&self, path: &str, body: Option<&Value>, control: &RunControl) -> Result<Value, Error> {
        let response = self.send(path, body, control)?;
        let limit = self.options.max_answer;
        let bytes = response.into_body().into_with_config().limit(limit).read_to_vec();
        let bytes = bytes.map_err(|error| self.broken(error))?;
        serde_json::from_slice(&bytes).map_err(|error| self.error(None, error.to_string()))
    }

    fn attempt(&self, path: &str, body: Option<&Value>) -> Result<Response<Body>, ureq::Error> {
        let url = format!("{}{path}", self.options.url);
        match body {
            None => self.keyed(self.agent.get(url)).call(),
            Some(body) => self
                .keyed(self.agent.post(url))
                .header(header::CONTENT_TYPE, "application/json")
                .send(body.to_string()),
        }
    }

    fn keyed<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.options.key {
            Some(key) => request.header(header::AUTHORIZATION, format!("Bearer {key}")),
            None => request,
        }
    }

    /// The error that a server tells, and when it wants to be asked again.
    fn refused(&self, response: Response<Body>) -> (Error, Option<Duration>) {
        let status = response.status().as_u16();
        let wanted = response.headers().get(header::RETRY_AFTER);
        let wanted = wanted.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let mut text = String::new();
        // As much as a message has; the rest is of no interest.
        let _ = response.into_body().into_reader().take(4096).read_to_string(&mut text);
        let told: Option<Value> = serde_json::from_str(&text).ok();
        let told = told.as_ref().and_then(|value| {
            let error = value.get("error")?;
            error.as_str().or_else(|| error.get("message")?.as_str())
        });
        let mut reason = told.unwrap_or(&text).trim().to_owned();
        if let Some(key) = self.options.key.as_ref().filter(|key| !key.is_empty()) {
            // Some servers say which key they did not like.
            reason = reason.replace(key.as_str(), "…");
        }
        (self.error(Some(status), reason), wanted.map(Duration::from_secs))
    }

    fn broken(&self, error: ureq::Error) -> Error {
        match error {
            ureq::Error::Timeout(_) => Error::DeadlineExceeded,
            error => self.error(None, crate::error::chain_of(&error)),
        }
    }

    fn error(&self, status: Option<u16>, reason: String) -> Error {
        Error::Remote { url: self.options.url.clone(), status, reason }
    }
}

/// Waits, in pieces so that a caller who goes away is noticed.
fn rest(time: Duration, control: &RunControl) -> Result<(), Error> {
    let piece = Duration::from_millis(20);
    let mut left = time;
    while !left.is_zero() {
        control.check()?;
        std::thread::sleep(left.min(piece));
        left = left.saturating_sub(piece);
    }
    control.check()
}
