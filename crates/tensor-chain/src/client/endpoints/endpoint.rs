//! One endpoint: its connection, and the rest that it gets after a failure.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Either, Shared, select};
use subxt::rpcs::{Error as RpcError, RpcClient};

use super::{Dial, Endpoints, Patience, Sleep};

/// An endpoint and the connection to it, if there is one.
pub(super) struct Endpoint {
    pub(super) dial: Box<dyn Dial>,
    state: Mutex<State>,
    dialing: futures::lock::Mutex<()>,
}

#[derive(Default)]
struct State {
    connection: Option<RpcClient>,
    /// Rises with every connection that was made, lost, or not made.
    generation: u64,
    /// How many failures came in a row.
    failures: u32,
    /// What to wait for before dialling again; it runs since the failure.
    rest: Option<Shared<BoxFuture<'static, ()>>>,
    /// What the last failure was.
    last: String,
}

/// An open connection.
pub(super) struct Connection {
    pub(super) client: RpcClient,
    pub(super) generation: u64,
}

/// No connection was made.
pub(super) struct Unconnected {
    pub(super) error: RpcError,
    /// How many attempts failed while this one waited its turn, its own among them.
    pub(super) attempts: u32,
}

impl From<Unconnected> for RpcError {
    fn from(unconnected: Unconnected) -> Self {
        unconnected.error
    }
}

/// How to wait, and for how long.
#[derive(Clone)]
pub(super) struct Waiting {
    pub(super) sleep: Option<Sleep>,
    pub(super) patience: Patience,
}

impl Waiting {
    /// The future's output; an error when it took too long, if time can be told.
    pub(super) async fn within<T>(
        &self,
        limit: Duration,
        what: &str,
        future: impl Future<Output = Result<T, RpcError>> + Unpin,
    ) -> Result<T, RpcError> {
        let Some(sleep) = &self.sleep else { return future.await };
        match select(future, sleep(limit)).await {
            Either::Left((output, _)) => output,
            Either::Right(_) => {
                let seconds = limit.as_secs();
                Err(RpcError::Client(format!("{what} within {seconds} s").into()))
            }
        }
    }

    /// The pause after that many failures in a row.
    fn pause(failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(5);
        Endpoints::PAUSE.saturating_mul(1 << doublings).min(Endpoints::LONGEST_PAUSE)
    }

    /// Waits as after that many failures.
    pub(super) async fn rest(&self, failures: u32) {
        if let Some(sleep) = &self.sleep {
            sleep(Self::pause(failures)).await;
        }
    }
}

impl Endpoint {
    pub(super) fn new(dial: Box<dyn Dial>) -> Self {
        Self { dial, state: Mutex::default(), dialing: futures::lock::Mutex::new(()) }
    }

    /// The open connection, or a new one that `check` accepts. Several that need one share the attempt,
    /// and its failure; after a failure the endpoint rests before it is dialled again.
    pub(super) async fn connect<'a>(
        &self,
        waiting: &Waiting,
        check: impl FnOnce(RpcClient) -> BoxFuture<'a, Result<(), RpcError>>,
    ) -> Result<Connection, Unconnected> {
        let seen = match self.open() {
            Ok(connection) => return Ok(connection),
            Err(generation) => generation,
        };
        let _alone = self.dialing.lock().await;
        match self.open() {
            Ok(connection) => return Ok(connection),
            Err(generation) if generation != seen => {
                let attempts = u32::try_from(generation.saturating_sub(seen)).unwrap_or(u32::MAX);
                let error = RpcError::Client(self.state().last.clone().into());
                return Err(Unconnected { error, attempts });
            }
            Err(_) => {}
        }
        let rest = self.state().rest.clone();
        if let Some(rest) = rest {
            rest.await;
        }
        let dialled = async {
            let client = self.dial.dial().await.map_err(RpcError::Client)?;
            check(client.clone()).await?;
            Ok(client)
        };
        let name = self.dial.name();
        let dialled = Box::pin(dialled);
        let dialled = waiting.within(waiting.patience.dial, "no connection", dialled).await;
        match dialled {
            Ok(client) => {
                let mut state = self.state();
                state.generation += 1;
                state.connection = Some(client.clone());
                Ok(Connection { client, generation: state.generation })
            }
            Err(error) => {
                self.fail(seen, waiting, &format!("{name}: {error}"));
                Err(Unconnected { error, attempts: 1 })
            }
        }
    }

    /// The connection of that generation failed, or none was made after it. Whether nobody had said so.
    pub(super) fn fail(&self, generation: u64, waiting: &Waiting, why: &str) -> bool {
        let mut state = self.state();
        if state.generation != generation {
            return false;
        }
        state.connection = None;
        state.generation += 1;
        state.failures = state.failures.saturating_add(1);
        state.last = why.to_owned();
        let pause = Waiting::pause(state.failures);
        state.rest = waiting.sleep.as_ref().map(|sleep| sleep(pause).shared());
        true
    }

    /// It answered: what failed before is forgotten.
    pub(super) fn works(&self) {
        let mut state = self.state();
        if state.failures != 0 {
            state.failures = 0;
            state.rest = None;
        }
    }

    /// The connection, or the generation in which there is none.
    fn open(&self) -> Result<Connection, u64> {
        let state = self.state();
        let generation = state.generation;
        match &state.connection {
            Some(client) => Ok(Connection { client: client.clone(), generation }),
            None => Err(generation),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
