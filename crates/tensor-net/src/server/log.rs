//! Saying what became of a request, through `tracing`, and naming it: [`RequestIds`].

use std::sync::atomic::{AtomicU64, Ordering};

use super::metrics::Metrics;
use crate::wire::{Exchange, Refusal};

/// The header of answers that names the request, as the log does.
pub(super) const REQUEST_ID: &str = "x-request-id";

/// Hands out names for requests: when the service began, and a count.
#[derive(Debug)]
pub(super) struct RequestIds {
    started: u64,
    next: AtomicU64,
}

impl RequestIds {
    pub(super) const fn new(started: u64) -> Self {
        Self { started, next: AtomicU64::new(0) }
    }

    /// Names a request and says what became of it.
    pub(super) fn log(
        &self,
        protocol: &str,
        exchange: &Exchange<'_>,
        refusal: Option<&Refusal>,
    ) -> String {
        let id = format!("{:x}-{:x}", self.started, self.next.fetch_add(1, Ordering::Relaxed));
        log(&id, protocol, exchange, refusal);
        id
    }
}

/// Says that our clock is wrong, once most callers agree that it is.
pub(super) fn clock(metrics: &Metrics) {
    if let Some(difference) = metrics.turned_wrong() {
        let seconds = difference as f64 / 1e9;
        tracing::warn!(seconds, "our clock is wrong: most callers' clocks are ahead of it by that");
    }
}

fn log(id: &str, protocol: &str, exchange: &Exchange<'_>, refusal: Option<&Refusal>) {
    let (method, target) = (exchange.head.method, exchange.head.target);
    let peer = exchange.head.peer.map(tracing::field::display);
    let hotkey = exchange.proven.map(|claim| tracing::field::display(claim.hotkey));
    let nonce = exchange.proven.map(|claim| claim.nonce);
    let elapsed = exchange.elapsed;
    let Some(refusal) = refusal else {
        return tracing::debug!(
            id,
            protocol,
            method,
            target,
            peer,
            hotkey,
            nonce,
            ?elapsed,
            "answered"
        );
    };
    let clock_difference = match refusal {
        Refusal::Auth(error) => error.clock_difference(),
        _ => None,
    };
    let (class, status) = (refusal.class(), refusal.status());
    if status == 500 {
        // The caller learns nothing of this, so it must be said here.
        let cause = core::error::Error::source(refusal).map(tracing::field::display);
        tracing::error!(
            id,
            protocol,
            method,
            target,
            peer,
            hotkey,
            nonce,
            ?elapsed,
            cause,
            "the miner failed"
        );
    } else {
        tracing::debug!(
            id,
            protocol,
            method,
            target,
            peer,
            hotkey,
            nonce,
            ?elapsed,
            class,
            status,
            clock_difference,
            "refused"
        );
    }
}
