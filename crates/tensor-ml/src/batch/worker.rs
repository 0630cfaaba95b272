//! A thread that runs batches.

use std::{fmt, future::Future, time::Duration};

use futures::future::try_join_all;

use crate::{
    batch::BatchPolicy,
    control::RunControl,
    error::Error,
    pool::{Handler, Metrics, Pending, Pool},
};

/// Work that is cheaper done for several requests together.
#[diagnostic::on_unimplemented(note = "implement `cost` and `run`")]
pub trait BatchTask: Send + 'static {
    /// What is asked.
    type Request: Send + 'static;
    /// What comes back.
    type Answer: Send + 'static;

    /// Length of a request in the unit of [`BatchPolicy::max_cost`]; requests of similar length are run together.
    fn cost(request: &Self::Request) -> usize;

    /// Answers a batch: one result for each request, in order. `control` is cancelled when all callers have gone.
    fn run(
        &mut self,
        requests: Vec<Self::Request>,
        control: &RunControl,
    ) -> Vec<Result<Self::Answer, Error>>;
}

/// How a request wants to be treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Submit {
    /// After this time the answer is of no use.
    pub timeout: Option<Duration>,
    /// Higher goes first.
    pub priority: u32,
}

impl Submit {
    /// A request whose answer is of no use after `timeout`.
    pub fn within(timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..Self::default() }
    }

    /// Sets the priority.
    #[must_use]
    pub fn with_priority(mut self, priority: u32) -> Self {
        self.priority = priority;
        self
    }
}

/// A handle on threads that run batches. Clones share the queue; when the last is dropped, what was accepted is
/// answered and the threads end.
pub struct BatchWorker<T: BatchTask> {
    pool: Pool<T::Request, T::Answer>,
}

impl<T: BatchTask> BatchWorker<T> {
    /// A thread for `task`.
    ///
    /// # Errors
    /// [`Error::Argument`] for a policy that cannot be, [`Error::Io`] when the system gives no thread.
    pub fn spawn(task: T, policy: BatchPolicy) -> Result<Self, Error> {
        Self::pool(vec![task], policy)
    }

    /// One thread for each task, all on one queue.
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn), and [`Error::Argument`] for no task at all.
    pub fn pool(tasks: Vec<T>, policy: BatchPolicy) -> Result<Self, Error> {
        let handlers = tasks
            .into_iter()
            .map(|mut task| {
                let handler: Handler<T::Request, T::Answer> =
                    Box::new(move |requests, control| task.run(requests, control));
                handler
            })
            .collect();
        Ok(Self { pool: Pool::start("tensor-ml-batch", policy, handlers)? })
    }

    /// Puts a request into the queue and returns at once.
    ///
    /// # Errors
    /// [`Error::Busy`] when the queue is full or the answer would come too late, [`Error::Stopped`] when the worker has
    /// ended, [`Error::Argument`] when the request is larger than a batch may be.
    pub fn submit(&self, request: T::Request, how: Submit) -> Result<Pending<T::Answer>, Error> {
        let cost = T::cost(&request);
        self.pool.submit(request, cost, how.timeout, how.priority)
    }

    /// Submits a request and waits for the answer.
    ///
    /// # Errors
    /// As [`submit`](Self::submit), and the task's own.
    pub async fn call(&self, request: T::Request) -> Result<T::Answer, Error> {
        self.submit(request, Submit::default())?.await
    }

    /// Submits requests, which may share runs, and waits for the answers; in order.
    ///
    /// # Errors
    /// As [`submit`](Self::submit) for any of them, and the first of the task's own.
    pub async fn call_all(&self, requests: Vec<T::Request>) -> Result<Vec<T::Answer>, Error> {
        let pending: Vec<_> = requests
            .into_iter()
            .map(|request| self.submit(request, Submit::default()))
            .collect::<Result<_, _>>()?;
        try_join_all(pending).await
    }

    /// Takes no more requests and resolves when the accepted ones are answered.
    pub fn drain(&self) -> impl Future<Output = ()> + Send + use<T> {
        self.pool.drain()
    }

    /// Ends the worker now: what waits is dropped ([`Error::Stopped`]), what runs is cancelled.
    pub fn stop(&self) {
        self.pool.stop();
    }

    /// What the worker has done so far.
    pub fn metrics(&self) -> Metrics {
        self.pool.metrics()
    }
}

impl<T: BatchTask> Clone for BatchWorker<T> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone() }
    }
}

impl<T: BatchTask> fmt::Debug for BatchWorker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchWorker").field("metrics", &self.metrics()).finish()
    }
}
