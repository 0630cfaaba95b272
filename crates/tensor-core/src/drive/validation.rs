//! A validator's rounds: [`Driver`].

use core::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;

use crate::chain::{At, Chain, ChainError, Header};
use crate::clock::{Clock, SystemClock};
use crate::key::Signer;
use crate::network::{BlockNumber, NetUid};
use crate::receipt::Receipt;
use crate::transport::{Transport, TransportError};
use crate::validator::{Query, Reply, Validator};
use crate::weights::Weights;
use crate::{Call, Metagraph};

/// Runs a [`Validator`]: reads the metagraph, sends what it plans, tells it what came back, and sets
/// the weights it decides on.
///
/// Dropping the future of `step` or `run` loses at most the answers under way.
pub struct Driver<V> {
    chain: Arc<dyn Chain>,
    transport: Arc<dyn Transport>,
    signer: Arc<dyn Signer>,
    weights: Arc<dyn WeightSetter>,
    clock: Arc<dyn Clock>,
    netuid: NetUid,
    options: Options,
    validator: V,
}

/// Limits of a driver.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Act on blocks whose height is a multiple of this; 1 acts on all. At least 1.
    pub every: u64,
    /// How many requests may be under way at once.
    pub concurrency: usize,
    /// The longest answer that is read, in bytes.
    pub reply_limit: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { every: 1, concurrency: 256, reply_limit: 1 << 20 }
    }
}

impl Options {
    /// Sets on which blocks to act.
    #[must_use]
    pub const fn with_every(mut self, blocks: u64) -> Self {
        self.every = blocks;
        self
    }

    /// Sets how many requests may be under way at once.
    #[must_use]
    pub const fn with_concurrency(mut self, requests: usize) -> Self {
        self.concurrency = requests;
        self
    }
}

/// What one block's work came to.
#[derive(Debug)]
#[non_exhaustive]
pub struct Step {
    /// The block that was acted on.
    pub block: BlockNumber,
    /// Requests sent.
    pub sent: u64,
    /// Requests answered with success.
    pub ok: u64,
    /// What became of the weights, if any were decided.
    pub weights: Option<Result<Receipt, ChainError>>,
}

impl<V: Validator> Driver<V> {
    /// A driver that sets plain weights with version key 0.
    pub fn new(
        chain: Arc<dyn Chain>,
        transport: Arc<dyn Transport>,
        signer: Arc<dyn Signer>,
        netuid: NetUid,
        validator: V,
    ) -> Self {
        let weights = Arc::new(PlainWeights { chain: chain.clone(), version_key: 0 });
        let clock = Arc::new(SystemClock);
        Self {
            chain,
            transport,
            signer,
            weights,
            clock,
            netuid,
            options: Options::default(),
            validator,
        }
    }

    /// Sets how weights are brought on chain.
    #[must_use]
    pub fn with_weights(mut self, weights: Arc<dyn WeightSetter>) -> Self {
        self.weights = weights;
        self
    }

    /// Sets what measures how long answers take.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the limits.
    #[must_use]
    pub const fn with_options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// The validator inside.
    pub const fn validator(&self) -> &V {
        &self.validator
    }

    /// The validator inside, to change it between steps.
    pub const fn validator_mut(&mut self) -> &mut V {
        &mut self.validator
    }

    /// Gives the validator back.
    pub fn into_validator(self) -> V {
        self.validator
    }

    /// Does one block's work: everything is read at that block.
    ///
    /// # Errors
    /// [`ChainError`] when the metagraph cannot be read. Failing requests and weights are in the
    /// [`Step`], not errors.
    pub async fn step(&mut self, header: &Header) -> Result<Step, ChainError> {
        let graph = self.chain.metagraph(self.netuid, At::Hash(header.hash)).await?;
        let queries = self.validator.plan(&graph, header.number);
        let mut step = Step { block: header.number, sent: 0, ok: 0, weights: None };
        self.ask(queries, header.number, &mut step).await;
        step.weights = self.set_weights(&graph, header.number).await;
        Ok(step)
    }

    /// Steps through the chain's blocks until the stream ends, telling `observe` each outcome.
    ///
    /// A step or stream error is observed as well and does not end the loop.
    pub async fn run(&mut self, mut observe: impl FnMut(Result<Step, ChainError>)) {
        let mut headers = self.chain.headers();
        while let Some(header) = headers.next().await {
            match header {
                Ok(header) if self.is_due(&header) => observe(self.step(&header).await),
                Ok(_) => {}
                Err(gap) => observe(Err(gap)),
            }
        }
    }

    fn is_due(&self, header: &Header) -> bool {
        header.number.value().is_multiple_of(self.options.every.max(1))
    }

    async fn ask(&mut self, queries: Vec<Query>, now: BlockNumber, step: &mut Step) {
        let (transport, clock, limit) = (&*self.transport, &*self.clock, self.options.reply_limit);
        let exchanges = queries.into_iter().map(|query| {
            let asked = query.asked(now);
            async move { (asked, exchange(transport, clock, query, limit).await) }
        });
        let concurrency = self.options.concurrency.max(1);
        let mut answers = futures::stream::iter(exchanges).buffer_unordered(concurrency);
        while let Some((asked, outcome)) = answers.next().await {
            step.sent += 1;
            step.ok += u64::from(outcome.as_ref().is_ok_and(Reply::is_success));
            self.validator.observe(&asked, outcome);
        }
    }

    async fn set_weights(
        &mut self,
        graph: &Metagraph,
        now: BlockNumber,
    ) -> Option<Result<Receipt, ChainError>> {
        let weights = self.validator.weights(graph, now)?;
        Some(self.weights.set_weights(self.netuid, &weights, &*self.signer).await)
    }
}

impl<V: fmt::Debug> fmt::Debug for Driver<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("netuid", &self.netuid)
            .field("options", &self.options)
            .field("validator", &self.validator)
            .finish_non_exhaustive()
    }
}

async fn exchange(
    transport: &dyn Transport,
    clock: &dyn Clock,
    query: Query,
    limit: usize,
) -> Result<Reply, TransportError> {
    let started = clock.unix_nanos();
    let response = transport.send(&query.to, query.request).await?;
    let (status, authenticity) = (response.status, response.authenticity);
    let body = response.body.bytes(limit).await;
    let body = body.map_err(|error| TransportError::Malformed(error.into()))?;
    let elapsed = Duration::from_nanos(clock.unix_nanos().saturating_sub(started));
    Ok(Reply::new(status, body, elapsed).with_authenticity(authenticity))
}

/// Brings a validator's weights on chain.
///
/// tensor-chain implements it with the whole pipeline (commit-reveal, rate limits, version key);
/// [`PlainWeights`] is the bare call.
#[async_trait]
pub trait WeightSetter: Send + Sync {
    /// Sets the weights of `signer`'s hotkey.
    ///
    /// # Errors
    /// [`ChainError`] when they are not on chain.
    async fn set_weights(
        &self,
        netuid: NetUid,
        weights: &Weights,
        signer: &dyn Signer,
    ) -> Result<Receipt, ChainError>;
}

/// `SubtensorModule.set_weights`, for subnets without commit-reveal.
pub struct PlainWeights<C> {
    /// The chain to submit to.
    pub chain: C,
    /// The version of the validator's code; the subnet may demand a least one.
    pub version_key: u64,
}

impl<C> fmt::Debug for PlainWeights<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlainWeights")
            .field("version_key", &self.version_key)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl<C: Chain> WeightSetter for PlainWeights<C> {
    async fn set_weights(
        &self,
        netuid: NetUid,
        weights: &Weights,
        signer: &dyn Signer,
    ) -> Result<Receipt, ChainError> {
        let call = Call::new("SubtensorModule", "set_weights")
            .arg("netuid", netuid)
            .arg("dests", weights.uids())
            .arg("weights", weights.values())
            .arg("version_key", self.version_key);
        self.chain.submit(call, signer).await
    }
}
