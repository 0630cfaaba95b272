//! One model, one thread, one bounded queue: waiting for a synchronous model without blocking an executor.

use std::{fmt, future::Future, time::Duration};

pub use crate::pool::{Metrics, Pending};
use crate::{
    batch::BatchPolicy,
    control::RunControl,
    error::Error,
    model::Model,
    pool::{Handler, Pool},
    tensor::Tensors,
};

/// Work done one request at a time on a thread of its own. Pipelines are tasks, and so is every [`Model`] by way of
/// [`ModelTask`].
#[diagnostic::on_unimplemented(note = "implement `run`, or use `task_fn`")]
pub trait Task: Send + 'static {
    /// What is asked.
    type Request: Send + 'static;
    /// What comes back.
    type Answer: Send + 'static;

    /// Answers one request. `control` is cancelled when the caller has gone or the worker is stopped.
    ///
    /// # Errors
    /// Whatever the task reports; it reaches the caller unchanged.
    fn run(&mut self, request: Self::Request, control: &RunControl) -> Result<Self::Answer, Error>;
}

/// A handle on a thread that runs a [`Task`]. Clones share the queue.
///
/// No runtime is needed: [`Pending`] wakes whatever executor polls it. When the last handle is dropped the thread
/// answers what it has accepted and ends. A task that panics ends its thread; callers then get [`Error::Stopped`].
pub struct Worker<T: Task> {
    pool: Pool<T::Request, T::Answer>,
}

impl<T: Task> Worker<T> {
    /// A thread for `task`. At most `depth` requests wait; more are refused with [`Error::Busy`].
    ///
    /// # Errors
    /// [`Error::Argument`] for a depth of zero, [`Error::Io`] when the system gives no thread.
    pub fn spawn(task: T, depth: usize) -> Result<Self, Error> {
        Self::pool(vec![task], depth)
    }

    /// One thread for each task, all on one queue: several sessions of a model, on one device or on several.
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn), and [`Error::Argument`] for no task at all.
    pub fn pool(tasks: Vec<T>, depth: usize) -> Result<Self, Error> {
        let handlers = tasks
            .into_iter()
            .map(|mut task| {
                let handler: Handler<T::Request, T::Answer> = Box::new(move |requests, control| {
                    requests.into_iter().map(|request| task.run(request, control)).collect()
                });
                handler
            })
            .collect();
        Ok(Self { pool: Pool::start("tensor-ml-worker", BatchPolicy::single(depth), handlers)? })
    }

    /// Puts a request into the queue and returns at once.
    ///
    /// # Errors
    /// [`Error::Busy`] when the queue is full, [`Error::Stopped`] when the worker has ended.
    pub fn submit(&self, request: T::Request) -> Result<Pending<T::Answer>, Error> {
        self.pool.submit(request, 1, None, 0)
    }

    /// Puts a request into the queue that is of no use after `timeout`.
    ///
    /// # Errors
    /// As [`submit`](Self::submit); the answer is [`Error::DeadlineExceeded`] when the time passes in the queue.
    pub fn submit_within(
        &self,
        request: T::Request,
        timeout: Duration,
    ) -> Result<Pending<T::Answer>, Error> {
        self.pool.submit(request, 1, Some(timeout), 0)
    }

    /// Submits a request and waits for the answer.
    ///
    /// # Errors
    /// As [`submit`](Self::submit), and the task's own.
    pub async fn call(&self, request: T::Request) -> Result<T::Answer, Error> {
        self.submit(request)?.await
    }

    /// Takes no more requests and resolves when the accepted ones are answered. Requests are refused from the call on.
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

impl<M: Model + 'static> Worker<ModelTask<M>> {
    /// A thread for a model.
    ///
    /// # Errors
    /// As [`Worker::spawn`].
    pub fn of_model(model: M, depth: usize) -> Result<Self, Error> {
        Self::spawn(ModelTask(model), depth)
    }
}

impl<T: Task> Clone for Worker<T> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone() }
    }
}

impl<T: Task> fmt::Debug for Worker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("metrics", &self.metrics()).finish()
    }
}

/// A model as a task: tensors in, tensors out.
#[derive(Clone, Debug)]
pub struct ModelTask<M>(pub M);

impl<M: Model + 'static> Task for ModelTask<M> {
    type Request = Tensors;
    type Answer = Tensors;

    fn run(&mut self, request: Tensors, control: &RunControl) -> Result<Tensors, Error> {
        self.0.infer_with(request, control)
    }
}

/// A closure as a task.
pub fn task_fn<R, A, F>(run: F) -> TaskFn<R, F>
where
    R: Send + 'static,
    A: Send + 'static,
    F: FnMut(R, &RunControl) -> Result<A, Error> + Send + 'static,
{
    TaskFn { run, request: std::marker::PhantomData }
}

/// The task that [`task_fn`] makes.
pub struct TaskFn<R, F> {
    run: F,
    request: std::marker::PhantomData<fn(R)>,
}

impl<R, A, F> Task for TaskFn<R, F>
where
    R: Send + 'static,
    A: Send + 'static,
    F: FnMut(R, &RunControl) -> Result<A, Error> + Send + 'static,
{
    type Request = R;
    type Answer = A;

    fn run(&mut self, request: R, control: &RunControl) -> Result<A, Error> {
        (self.run)(request, control)
    }
}

impl<R, F> fmt::Debug for TaskFn<R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskFn").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, mpsc};

    use futures::executor::block_on;

    use super::*;

    /// A task that reports when it starts and waits to be let go.
    fn gated()
    -> (Worker<impl Task<Request = u32, Answer = u32>>, mpsc::Receiver<u32>, mpsc::Sender<()>) {
        let (started, starts) = mpsc::channel();
        let (let_go, gate) = mpsc::channel::<()>();
        let task = task_fn(move |request: u32, _: &RunControl| {
            started.send(request).unwrap();
            let _ = gate.recv();
            Ok(request * 2)
        });
        (Worker::spawn(task, 2).unwrap(), starts, let_go)
    }

    #[test]
    fn answers_come_back_and_a_full_queue_says_so() {
        let (worker, starts, gate) = gated();
        let first = worker.submit(1).unwrap();
        assert_eq!(starts.recv().unwrap(), 1);
        let second = worker.submit(2).unwrap();
        let third = worker.submit(3).unwrap();
        let error = worker.submit(4).unwrap_err();
        assert!(matches!(error, Error::Busy { queued: 2, limit: 2 }), "{error}");
        assert!(error.is_retryable());
        for _ in 0..3 {
            gate.send(()).unwrap();
        }
        assert_eq!(block_on(async { (first.await, second.await, third.await) }).2.unwrap(), 6);
        let metrics = worker.metrics();
        assert_eq!((metrics.accepted, metrics.refused), (3, 1));
    }

    #[test]
    fn a_dropped_answer_frees_its_place_and_is_never_run() {
        let (worker, starts, gate) = gated();
        let first = worker.submit(1).unwrap();
        starts.recv().unwrap();
        let second = worker.submit(2).unwrap();
        drop(worker.submit(3).unwrap());
        let fourth = worker.submit(4).unwrap();
        drop(gate);
        block_on(async {
            first.await.unwrap();
            second.await.unwrap();
            fourth.await.unwrap();
        });
        block_on(worker.drain());
        assert_eq!(starts.iter().collect::<Vec<_>>(), [2, 4]);
        assert_eq!(worker.metrics().cancelled, 1);
    }

    #[test]
    fn a_running_request_learns_that_its_caller_has_gone() {
        let (started, starts) = mpsc::channel();
        let worker = Worker::spawn(
            task_fn(move |(): (), control: &RunControl| {
                started.send(()).unwrap();
                while control.check().is_ok() {
                    std::thread::yield_now();
                }
                started.send(()).unwrap();
                Ok(())
            }),
            1,
        )
        .unwrap();
        let pending = worker.submit(()).unwrap();
        starts.recv().unwrap();
        drop(pending);
        starts.recv().unwrap();
    }

    #[test]
    fn draining_answers_what_was_accepted_and_refuses_the_rest() {
        let (worker, starts, gate) = gated();
        let first = worker.submit(1).unwrap();
        let second = worker.submit(2).unwrap();
        starts.recv().unwrap();
        let drained = worker.drain();
        assert!(matches!(worker.submit(3), Err(Error::Stopped)));
        drop(gate);
        block_on(drained);
        assert_eq!(block_on(first).unwrap(), 2);
        assert_eq!(block_on(second).unwrap(), 4);
        block_on(worker.drain());
    }

    #[test]
    fn the_last_handle_leaves_an_orderly_end() {
        let (worker, starts, gate) = gated();
        let other = worker.clone();
        let pending = worker.submit(5).unwrap();
        drop((worker, other));
        drop(gate);
        assert_eq!(block_on(pending).unwrap(), 10);
        assert_eq!(starts.iter().count(), 1);
    }

    #[test]
    fn stopping_and_panicking_are_typed_errors() {
        let (worker, starts, gate) = gated();
        let first = worker.submit(1).unwrap();
        starts.recv().unwrap();
        let second = worker.submit(2).unwrap();
        worker.stop();
        assert!(matches!(block_on(second), Err(Error::Stopped)));
        drop(gate);
        assert_eq!(block_on(first).unwrap(), 2);

        let worker = Worker::spawn(
            task_fn(|(): (), _: &RunControl| -> Result<(), Error> { panic!("meant") }),
            4,
        )
        .unwrap();
        let pending = worker.submit(()).unwrap();
        assert!(matches!(block_on(pending), Err(Error::Stopped)));
        block_on(worker.drain());
        assert!(matches!(worker.submit(()), Err(Error::Stopped)));
    }

    /// Sends or receives: neither ends unless both happen at the same time.
    struct Meeting(mpsc::SyncSender<()>, Arc<Mutex<mpsc::Receiver<()>>>);

    impl Task for Meeting {
        type Request = bool;
        type Answer = ();

        fn run(&mut self, sends: bool, _: &RunControl) -> Result<(), Error> {
            if sends {
                self.0.send(()).unwrap();
            } else {
                self.1.lock().unwrap().recv().unwrap();
            }
            Ok(())
        }
    }

    #[test]
    fn a_pool_runs_as_many_requests_at_once_as_it_has_tasks() {
        let (meet, met) = mpsc::sync_channel(0);
        let met = Arc::new(Mutex::new(met));
        let tasks = (0..2).map(|_| Meeting(meet.clone(), Arc::clone(&met))).collect();
        let worker = Worker::pool(tasks, 4).unwrap();
        let pair = (worker.submit(true).unwrap(), worker.submit(false).unwrap());
        block_on(async { (pair.0.await.unwrap(), pair.1.await.unwrap()) });
    }
}
