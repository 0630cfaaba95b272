//! Several synapses on one axon: [`Router`].

use core::fmt;
use std::collections::BTreeMap;

use async_trait::async_trait;
use tensor_core::Miner;
use tensor_core::miner::{Caller, Priority, Reject};
use tensor_core::transport::{Request, Response};

/// A miner of many: each request goes to the one of its synapse's name.
///
/// Admission happens before the synapse is known, so the router asks a miner of its own for that, if it
/// was given one; the routes' `admit` is asked when a request reaches them.
#[derive(Default)]
pub struct Router {
    routes: BTreeMap<String, Box<dyn Miner>>,
    fallback: Option<Box<dyn Miner>>,
}

impl Router {
    /// A router without routes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends requests for the synapse of that name to this miner.
    #[must_use]
    pub fn route(mut self, synapse: impl Into<String>, miner: impl Miner + 'static) -> Self {
        self.routes.insert(synapse.into(), Box::new(miner));
        self
    }

    /// Sends all other requests to this miner; without one they are unknown.
    #[must_use]
    pub fn fallback(mut self, miner: impl Miner + 'static) -> Self {
        self.fallback = Some(Box::new(miner));
        self
    }
}

#[async_trait]
impl Miner for Router {
    async fn handle(&self, caller: &Caller, request: Request) -> Result<Response, Reject> {
        let miner = self.routes.get(request.name()).or(self.fallback.as_ref());
        let Some(miner) = miner else {
            return Err(Reject::UnknownSynapse(request.name().to_owned()));
        };
        let _: Priority = miner.admit(caller)?;
        miner.handle(caller, request).await
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.routes.keys()).finish()
    }
}
