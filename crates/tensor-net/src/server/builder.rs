//! Settings of a service before it begins: [`AxonBuilder`].

use core::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tensor_core::clock::SystemClock;
use tensor_core::{Clock, Hotkey, Miner, Signer};

use super::body::Gauge;
use super::keys::KeyCache;
use super::metrics::Metrics;
use super::{AxonService, Inner, Limits};
use crate::admission::{Buckets, Queue};
use crate::replay::{MemoryReplay, ReplayStore, WindowLimits};
use crate::timer::Timer;
use crate::wire::Protocol;
use crate::wire::btauth::Btauth;
use crate::wire::synapse::SynapseProtocol;

/// Settings of an [`AxonService`] before it begins.
#[must_use]
pub struct AxonBuilder {
    hotkey: Hotkey,
    protocols: Option<Vec<Box<dyn Protocol>>>,
    replay: Option<Box<dyn ReplayStore>>,
    window: WindowLimits,
    clock: Box<dyn Clock>,
    timer: Option<Arc<dyn Timer>>,
    limits: Limits,
    signer: Option<Box<dyn Signer>>,
}

impl AxonBuilder {
    pub(super) fn new(hotkey: Hotkey) -> Self {
        Self {
            hotkey,
            protocols: None,
            replay: None,
            window: WindowLimits::default(),
            clock: Box::new(SystemClock),
            timer: None,
            limits: Limits::default(),
            signer: None,
        }
    }

    pub(super) fn with_signer(mut self, signer: Box<dyn Signer>) -> Self {
        self.signer = Some(signer);
        self
    }

    /// Sets the limits.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Speaks this protocol; with the first call the usual ones are gone. Asked in order of addition
    /// which one a request is of.
    pub fn with_protocol(mut self, protocol: impl Protocol + 'static) -> Self {
        self.protocols.get_or_insert_default().push(Box::new(protocol));
        self
    }

    /// Remembers accepted requests there instead of in this process.
    pub fn with_replay_store(mut self, store: impl ReplayStore + 'static) -> Self {
        self.replay = Some(Box::new(store));
        self
    }

    /// Sets how many accepted requests this process remembers.
    pub fn with_replay_limits(mut self, limits: WindowLimits) -> Self {
        self.window = limits;
        self
    }

    /// Tells the time by this clock.
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Keeps the limits in time with this timer. `Server` brings tokio's if none is set.
    pub fn with_timer(mut self, timer: impl Timer + 'static) -> Self {
        self.timer = Some(Arc::new(timer));
        self
    }

    /// The service. Requests signed before this moment are stale.
    pub fn build(self, miner: impl Miner + 'static) -> AxonService {
        let Self { hotkey, protocols, replay, window, clock, timer, limits, signer } = self;
        let started = clock.unix_nanos();
        let inner = Inner {
            hotkey,
            miner: Box::new(miner),
            protocols: protocols.unwrap_or_else(|| {
                vec![Box::new(Btauth::new(hotkey)), Box::new(SynapseProtocol::new(hotkey))]
            }),
            replay: replay.unwrap_or_else(|| Box::new(MemoryReplay::new(window, started))),
            clock,
            queue: Queue::new(limits.running, limits.waiting),
            keys: KeyCache::new(limits.known_keys),
            in_flight: Gauge::new(limits.in_flight),
            body_bytes: Gauge::new(limits.all_body_bytes),
            draining: AtomicBool::new(false),
            metrics: Metrics::new(),
            #[cfg(feature = "tracing")]
            ids: super::log::RequestIds::new(started),
            signer,
            address_rate: limits.address_rate.map(|rate| Buckets::new(rate, limits.rated)),
            hotkey_rate: limits.hotkey_rate.map(|rate| Buckets::new(rate, limits.rated)),
            limits,
        };
        AxonService { inner: Arc::new(inner), timer }
    }
}

impl fmt::Debug for AxonBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AxonBuilder").field("hotkey", &self.hotkey).finish_non_exhaustive()
    }
}
