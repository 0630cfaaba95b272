//! Threads behind a bounded queue: the machinery that `Worker` and `BatchWorker` are typed fronts of.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    thread,
    time::{Duration, Instant},
};

use futures::channel::oneshot;

use crate::{
    batch::{BatchPolicy, Batcher, Next, Urgency},
    control::{CancelToken, RunControl},
    error::Error,
};

/// A request in the queue, with the way back to its caller.
pub(crate) struct Job<R, A> {
    request: R,
    cancel: CancelToken,
    reply: oneshot::Sender<Result<A, Error>>,
}

/// Answers a batch: one result for each request, in order.
pub(crate) type Handler<R, A> = Box<dyn FnMut(Vec<R>, &RunControl) -> Vec<Result<A, Error>> + Send>;

pub(crate) struct Pool<R, A> {
    shared: Arc<Shared<R, A>>,
    _closer: Arc<Closer<R, A>>,
}

impl<R: Send + 'static, A: Send + 'static> Pool<R, A> {
    /// One thread for each handler, all on one queue.
    pub(crate) fn start(
        name: &str,
        policy: BatchPolicy,
        handlers: Vec<Handler<R, A>>,
    ) -> Result<Self, Error> {
        if handlers.is_empty() {
            return Err(Error::Argument {
                what: "tasks",
                reason: "there must be at least one".into(),
            });
        }
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                queue: Batcher::new(policy)?,
                closed: false,
                threads: handlers.len(),
                running: Vec::new(),
                drained: Vec::new(),
                metrics: Metrics::default(),
            }),
            wake: Condvar::new(),
            start: Instant::now(),
        });
        let pool = Self { _closer: Arc::new(Closer(Arc::clone(&shared))), shared };
        for (number, handler) in handlers.into_iter().enumerate() {
            let shared = Arc::clone(&pool.shared);
            let spawned = thread::Builder::new()
                .name(format!("{name}-{number}"))
                .spawn(move || serve(&Present(shared), handler));
            if let Err(error) = spawned {
                // Counted as gone, so that draining does not wait for it; those that run stop with the pool.
                pool.shared.lock().threads = number;
                pool.stop();
                return Err(Error::io("thread", error));
            }
        }
        Ok(pool)
    }

    /// Puts a request into the queue.
    pub(crate) fn submit(
        &self,
        request: R,
        cost: usize,
        timeout: Option<Duration>,
        priority: u32,
    ) -> Result<Pending<A>, Error> {
        let (reply, answer) = oneshot::channel();
        let cancel = CancelToken::new();
        let job = Job { request, cancel: cancel.clone(), reply };
        let mut state = self.shared.lock();
        if state.closed {
            return Err(Error::Stopped);
        }
        let now = self.shared.now();
        state.forget_cancelled();
        let deadline = timeout.map(|timeout| now.saturating_add(timeout));
        if let Err((_, error)) = state.queue.push(job, Urgency { cost, deadline, priority }, now) {
            state.metrics.refused = state.metrics.refused.saturating_add(1);
            return Err(error);
        }
        state.metrics.accepted = state.metrics.accepted.saturating_add(1);
        drop(state);
        self.shared.wake.notify_one();
        Ok(Pending { answer, cancel })
    }

    /// Takes no more requests and resolves when those that were accepted are answered.
    pub(crate) fn drain(&self) -> impl Future<Output = ()> + Send + use<R, A> {
        let (done, wait) = oneshot::channel();
        let mut state = self.shared.lock();
        state.closed = true;
        if state.threads > 0 {
            state.drained.push(done);
        }
        drop(state);
        self.shared.wake.notify_all();
        async move {
            // An error means that the sender is gone, and with it the last thread.
            let _ = wait.await;
        }
    }

    /// Takes no more requests, drops those that wait and cancels those that run.
    pub(crate) fn stop(&self) {
        let mut state = self.shared.lock();
        state.closed = true;
        let waiting = state.queue.clear();
        let running = state.running.clone();
        drop(state);
        drop(waiting);
        for cancel in running {
            cancel.cancel();
        }
        self.shared.wake.notify_all();
    }

    pub(crate) fn metrics(&self) -> Metrics {
        let state = self.shared.lock();
        let mut metrics = state.metrics.clone();
        metrics.queued = state.queue.len();
        metrics.running = state.running.len();
        metrics
    }
}

impl<R, A> Clone for Pool<R, A> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), _closer: Arc::clone(&self._closer) }
    }
}

/// What a worker has done since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// Requests taken into the queue.
    pub accepted: u64,
    /// Requests refused as too many or too late.
    pub refused: u64,
    /// Requests answered with a result.
    pub answered: u64,
    /// Requests answered with an error.
    pub failed: u64,
    /// Requests whose deadline passed in the queue.
    pub expired: u64,
    /// Requests whose caller went away before they ran.
    pub cancelled: u64,
    /// Batches run.
    pub batches: u64,
    /// Time spent running them, over all threads.
    pub busy: Duration,
    /// Requests waiting now.
    pub queued: usize,
    /// Batches running now.
    pub running: usize,
}

/// An answer to come. Works on any executor; dropping it cancels the request.
#[derive(Debug)]
#[must_use = "dropping this cancels the request"]
pub struct Pending<A> {
    answer: oneshot::Receiver<Result<A, Error>>,
    cancel: CancelToken,
}

impl<A> Pending<A> {
    /// An answer that comes by `answer`; `cancel` is what its caller's going switches.
    pub(crate) fn new(answer: oneshot::Receiver<Result<A, Error>>, cancel: CancelToken) -> Self {
        Self { answer, cancel }
    }
}

impl<A> Future for Pending<A> {
    type Output = Result<A, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // A sender that went away was dropped with the queue or by a task that panicked.
        Pin::new(&mut self.answer).poll(context).map(|answer| answer.unwrap_or(Err(Error::Stopped)))
    }
}

impl<A> Drop for Pending<A> {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

struct Shared<R, A> {
    state: Mutex<State<R, A>>,
    wake: Condvar,
    start: Instant,
}

struct State<R, A> {
    queue: Batcher<Job<R, A>>,
    closed: bool,
    threads: usize,
    running: Vec<CancelToken>,
    drained: Vec<oneshot::Sender<()>>,
    metrics: Metrics,
}

impl<R, A> Shared<R, A> {
    fn lock(&self) -> MutexGuard<'_, State<R, A>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

impl<R, A> State<R, A> {
    fn forget_cancelled(&mut self) {
        let before = self.queue.len();
        self.queue.retain(|job| !job.cancel.is_cancelled());
        let gone = before.saturating_sub(self.queue.len()) as u64;
        self.metrics.cancelled = self.metrics.cancelled.saturating_add(gone);
    }
}

/// Closes the queue when the last handle goes. Accepted requests are still answered.
struct Closer<R, A>(Arc<Shared<R, A>>);

impl<R, A> Drop for Closer<R, A> {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.wake.notify_all();
    }
}

/// A thread that serves the queue; its end is noticed also when it panics.
struct Present<R, A>(Arc<Shared<R, A>>);

impl<R, A> Drop for Present<R, A> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.threads = state.threads.saturating_sub(1);
        if state.threads > 0 {
            return;
        }
        // Nobody is left to answer: callers learn it from their dropped senders.
        state.closed = true;
        let waiting = state.queue.clear();
        let drained = std::mem::take(&mut state.drained);
        drop(state);
        drop((waiting, drained));
    }
}

fn serve<R, A>(present: &Present<R, A>, mut handler: Handler<R, A>) {
    let shared = &*present.0;
    while let Some(Batch { jobs, cost, control }) = next_batch(shared) {
        let running = Running { shared, cancel: control.cancel.clone() };
        let began = shared.now();
        let answers = answers(jobs, &control, &mut handler);
        let took = shared.now().saturating_sub(began);
        drop(running);
        // Counted before the callers hear, so that who has an answer finds it in the metrics.
        let failed = answers.iter().filter(|(_, answer)| answer.is_err()).count() as u64;
        let mut state = shared.lock();
        state.queue.finished(cost, took);
        let metrics = &mut state.metrics;
        metrics.batches = metrics.batches.saturating_add(1);
        metrics.busy = metrics.busy.saturating_add(took);
        metrics.failed = metrics.failed.saturating_add(failed);
        let answered = (answers.len() as u64).saturating_sub(failed);
        metrics.answered = metrics.answered.saturating_add(answered);
        drop(state);
        for (reply, answer) in answers {
            let _ = reply.send(answer);
        }
    }
}

/// Requests to run together, and the switch that stops them.
struct Batch<R, A> {
    jobs: Vec<Job<R, A>>,
    cost: usize,
    control: RunControl,
}

/// Waits for a batch; nothing when the queue is closed and empty.
fn next_batch<R, A>(shared: &Shared<R, A>) -> Option<Batch<R, A>> {
    let mut state = shared.lock();
    loop {
        state.forget_cancelled();
        let now = shared.now();
        for job in state.queue.expired(now) {
            state.metrics.expired = state.metrics.expired.saturating_add(1);
            let _ = job.reply.send(Err(Error::DeadlineExceeded));
        }
        // Nothing more will come to a closed queue, so waiting for company is pointless.
        let next = if state.closed { state.queue.poll_now() } else { state.queue.poll(now) };
        state = match next {
            Next::Run { items, cost } => {
                // Under the same lock, so that `stop` finds it either waiting or running.
                let control = RunControl::default();
                state.running.push(control.cancel.clone());
                return Some(Batch { jobs: items, cost, control });
            }
            Next::Wait(until) => {
                let (state, _) = shared
                    .wake
                    .wait_timeout(state, until.saturating_sub(now))
                    .unwrap_or_else(PoisonError::into_inner);
                state
            }
            Next::Empty if state.closed => return None,
            Next::Empty => shared.wake.wait(state).unwrap_or_else(PoisonError::into_inner),
        };
    }
}

type Answers<A> = Vec<(oneshot::Sender<Result<A, Error>>, Result<A, Error>)>;

fn answers<R, A>(
    jobs: Vec<Job<R, A>>,
    control: &RunControl,
    handler: &mut Handler<R, A>,
) -> Answers<A> {
    // A batch is stopped when all its callers have gone.
    let callers: Arc<[CancelToken]> = jobs.iter().map(|job| job.cancel.clone()).collect();
    let guards: Vec<_> = callers
        .iter()
        .map(|caller| {
            let (all, batch) = (Arc::clone(&callers), control.cancel.clone());
            caller.on_cancel(move || {
                if all.iter().all(CancelToken::is_cancelled) {
                    batch.cancel();
                }
            })
        })
        .collect();
    let (requests, replies): (Vec<_>, Vec<_>) =
        jobs.into_iter().map(|job| (job.request, job.reply)).unzip();
    let mut answers = handler(requests, control).into_iter();
    drop(guards);
    // A task that gives too few answers owes the rest.
    replies
        .into_iter()
        .map(|reply| (reply, answers.next().unwrap_or(Err(Error::Stopped))))
        .collect()
}

/// Keeps a run's token findable for `stop`, also when the task panics.
struct Running<'a, R, A> {
    shared: &'a Shared<R, A>,
    cancel: CancelToken,
}

impl<R, A> Drop for Running<'_, R, A> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if let Some(place) = state.running.iter().position(|cancel| cancel.is(&self.cancel)) {
            state.running.swap_remove(place);
        }
    }
}
