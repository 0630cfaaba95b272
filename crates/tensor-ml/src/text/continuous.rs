//! Continuous batching: requests join a running batch and leave it between steps, so that nobody waits for the longest
//! answer of others.

mod cache;
mod running;

use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::Instant,
};

use async_trait::async_trait;
use futures::{
    channel::oneshot,
    stream::{BoxStream, StreamExt},
};

use self::running::Running;
use super::{
    generate::TextGeneration,
    request::{GenerateRequest, Generated},
    stream::{GenerateJob, TextEvent, TextGenerator, TextStream},
};
use crate::{
    control::{CancelToken, RunControl},
    error::Error,
    pool::{Metrics, Pending},
};

/// Limits of a [`ContinuousWorker`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContinuousPolicy {
    /// Most answers that are written at a time.
    pub max_rows: usize,
    /// Most requests that wait to join.
    pub max_queue: usize,
}

impl Default for ContinuousPolicy {
    /// 16 rows, 256 waiting.
    fn default() -> Self {
        Self { max_rows: 16, max_queue: 256 }
    }
}

impl ContinuousPolicy {
    /// Sets the most answers that are written at a time.
    #[must_use]
    pub fn with_max_rows(mut self, max_rows: usize) -> Self {
        self.max_rows = max_rows;
        self
    }

    /// Sets the most requests that wait to join.
    #[must_use]
    pub fn with_max_queue(mut self, max_queue: usize) -> Self {
        self.max_queue = max_queue;
        self
    }
}

/// A thread on which answers are written together, a token of each a step. A request joins after the step in which it
/// arrives, and leaves with its last token or when its caller has gone. Its answer is the one it would get alone, but for
/// the last bits of the arithmetic.
///
/// For models on the processor: when the batch changes, what the model remembers passes through host memory. A model
/// without `attention_mask` writes one answer at a time. Clones share the thread; when the last is dropped, what was
/// accepted is answered and the thread ends.
#[derive(Clone)]
pub struct ContinuousWorker {
    front: Arc<Front>,
}

struct Front {
    queue: Mutex<Option<mpsc::SyncSender<Waiting>>>,
    back: Arc<Back>,
    policy: ContinuousPolicy,
}

/// What the thread shares with its callers.
#[derive(Default)]
struct Back {
    stop: CancelToken,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    metrics: Metrics,
    has_ended: bool,
    drained: Vec<oneshot::Sender<()>>,
}

struct Waiting {
    job: GenerateJob,
    caller: Caller,
}

type Reply = oneshot::Sender<Result<Generated, Error>>;

#[derive(Clone)]
struct Caller {
    cancel: CancelToken,
    reply: Arc<Mutex<Option<Reply>>>,
}

impl ContinuousWorker {
    /// A thread for `model`.
    ///
    /// # Errors
    /// [`Error::Argument`] for a limit of zero, [`Error::Io`] when the system gives no thread.
    pub fn spawn(model: TextGeneration, policy: ContinuousPolicy) -> Result<Self, Error> {
        if policy.max_rows == 0 || policy.max_queue == 0 {
            let reason = "rows and queue must be at least 1".into();
            return Err(Error::Argument { what: "continuous policy", reason });
        }
        let (queue, waiting) = mpsc::sync_channel(policy.max_queue);
        let back = Arc::new(Back::default());
        let rows = if model.decoder.takes_rows() { policy.max_rows } else { 1 };
        let end = End(Arc::clone(&back));
        thread::Builder::new()
            .name("tensor-ml-continuous".into())
            .spawn(move || write(model, &waiting, rows, &end.0))
            .map_err(|error| Error::io("thread", error))?;
        Ok(Self { front: Arc::new(Front { queue: Mutex::new(Some(queue)), back, policy }) })
    }

    /// Lets a request wait to join, and returns at once.
    ///
    /// # Errors
    /// [`Error::Busy`] when too many wait, [`Error::Stopped`] when the worker has ended.
    pub fn submit(&self, request: GenerateRequest) -> Result<Pending<Generated>, Error> {
        self.put(GenerateJob::new(request))
    }

    /// Takes no more requests and resolves when the accepted ones are answered. Requests are refused from the call on.
    pub fn drain(&self) -> impl Future<Output = ()> + Send + use<> {
        let (done, wait) = oneshot::channel();
        drop(lock(&self.front.queue).take());
        let mut state = lock(&self.front.back.state);
        if !state.has_ended {
            state.drained.push(done);
        }
        drop(state);
        async move {
            let _ = wait.await;
        }
    }

    /// Ends the worker now: nobody is answered any more ([`Error::Stopped`]).
    pub fn stop(&self) {
        drop(lock(&self.front.queue).take());
        self.front.back.stop.cancel();
    }

    /// What the worker has done so far; a batch is a step.
    pub fn metrics(&self) -> Metrics {
        lock(&self.front.back.state).metrics.clone()
    }

    fn put(&self, job: GenerateJob) -> Result<Pending<Generated>, Error> {
        let (reply, answer) = oneshot::channel();
        let cancel = CancelToken::new();
        let caller = Caller { cancel: cancel.clone(), reply: Arc::new(Mutex::new(Some(reply))) };
        let queue = lock(&self.front.queue);
        let queue = queue.as_ref().ok_or(Error::Stopped)?;
        // Counted first, since the thread may be done before this one goes on.
        let mut state = lock(&self.front.back.state);
        match queue.try_send(Waiting { job, caller }) {
            Ok(()) => {
                state.metrics.accepted = state.metrics.accepted.saturating_add(1);
                state.metrics.queued = state.metrics.queued.saturating_add(1);
                Ok(Pending::new(answer, cancel))
            }
            Err(mpsc::TrySendError::Full(_)) => {
                state.metrics.refused = state.metrics.refused.saturating_add(1);
                let limit = self.front.policy.max_queue;
                Err(Error::Busy { queued: limit, limit })
            }
            Err(mpsc::TrySendError::Disconnected(_)) => Err(Error::Stopped),
        }
    }
}

#[async_trait]
impl TextGenerator for ContinuousWorker {
    async fn generate(&self, request: GenerateRequest) -> Result<Generated, Error> {
        self.submit(request)?.await
    }

    fn stream(
        &self,
        request: GenerateRequest,
    ) -> Result<BoxStream<'static, Result<TextEvent, Error>>, Error> {
        let (job, events) = GenerateJob::streaming(request);
        Ok(TextStream::new(events, self.put(job)?).boxed())
    }
}

impl fmt::Debug for ContinuousWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContinuousWorker")
            .field("policy", &self.front.policy)
            .field("metrics", &self.metrics())
            .finish()
    }
}

/// Says that the thread has ended, also when it panics.
struct End(Arc<Back>);

impl Drop for End {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.has_ended = true;
        (state.metrics.queued, state.metrics.running) = (0, 0);
        let drained = std::mem::take(&mut state.drained);
        drop(state);
        drop(drained);
    }
}

impl Caller {
    fn is_gone(&self) -> bool {
        self.cancel.is_cancelled()
    }

    fn answer(&self, answer: Result<Generated, Error>) {
        if let Some(reply) = lock(&self.reply).take() {
            let _ = reply.send(answer);
        }
    }
}

/// The thread's work.
fn write(
    mut model: TextGeneration,
    waiting: &mpsc::Receiver<Waiting>,
    max_rows: usize,
    back: &Back,
) {
    let control = RunControl::cancelled_by(back.stop.clone());
    let mut running: Running<Caller> = Running::new();
    let mut next: Option<Waiting> = None;
    loop {
        running.leave(Caller::is_gone);
        if running.is_empty() && next.is_none() {
            // Nothing to do until somebody comes; nobody will once the last handle is gone.
            match waiting.recv() {
                Ok(first) => next = Some(first),
                Err(_) => return,
            }
        }
        if back.stop.is_cancelled() {
            return;
        }
        let began = Instant::now();
        let mut result = Ok(Vec::new());
        let mut is_open = false;
        if !running.is_empty() {
            next = next.or_else(|| waiting.try_recv().ok());
            is_open = next.is_some() && running.len() < max_rows;
            result = running.step(&mut model, is_open, &control);
        }
        let mut joined = 0;
        // Rows that a step was not prepared to be joined by wait for the next.
        if let Ok(done) = &mut result
            && (is_open || running.is_empty())
            && next.is_some()
        {
            let free = max_rows.saturating_sub(running.len());
            let jobs: Vec<_> = next
                .take()
                .into_iter()
                .chain(std::iter::from_fn(|| waiting.try_recv().ok()))
                .take(free)
                .inspect(|_| joined += 1)
                .filter(|waiting| !waiting.caller.is_gone())
                .map(|waiting| (waiting.job, waiting.caller))
                .collect();
            let callers: Vec<Caller> = jobs.iter().map(|(_, caller)| caller.clone()).collect();
            match running.join(&mut model, jobs, &control) {
                Ok(more) => done.extend(more),
                Err(error) => {
                    // Those who were to join may not be among the rows yet.
                    let told = error.chain();
                    callers.iter().for_each(|caller| caller.answer(Err(again(&error, &told))));
                    result = Err(error);
                }
            }
        }
        let done = match result {
            Ok(done) => done,
            Err(error) => {
                // What the model remembers may be half changed: everybody is told, and the next ones start afresh.
                let told = error.chain();
                let rows = std::mem::replace(&mut running, Running::new());
                rows.into_owners().map(|caller| (caller, Err(again(&error, &told)))).collect()
            }
        };
        // Counted before the callers hear, so that who has an answer finds it in the metrics.
        let failed = done.iter().filter(|(_, answer)| answer.is_err()).count();
        let mut state = lock(&back.state);
        let metrics = &mut state.metrics;
        metrics.batches = metrics.batches.saturating_add(1);
        metrics.busy = metrics.busy.saturating_add(began.elapsed());
        metrics.queued = metrics.queued.saturating_sub(joined);
        metrics.running = running.len();
        metrics.failed = metrics.failed.saturating_add(failed as u64);
        let answered = done.len().saturating_sub(failed) as u64;
        metrics.answered = metrics.answered.saturating_add(answered);
        drop(state);
        for (caller, answer) in done {
            caller.answer(answer);
        }
    }
}

/// The fault of a batch for each of its callers.
fn again(error: &Error, told: &str) -> Error {
    match error {
        Error::Cancelled => Error::Stopped,
        _ => Error::Backend { backend: "batch", source: told.into() },
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
