//! Saying what became of a request, through `tracing`.

use crate::wire::{Exchange, Refusal};

/// Says what became of a request. Its id is what names it: nonce and hotkey.
pub(super) fn log(protocol: &str, exchange: &Exchange<'_>, refusal: Option<&Refusal>) {
    let (method, target) = (exchange.head.method, exchange.head.target);
    let peer = exchange.head.peer.map(tracing::field::display);
    let hotkey = exchange.proven.map(|claim| tracing::field::display(claim.hotkey));
    let nonce = exchange.proven.map(|claim| claim.nonce);
    let elapsed = exchange.elapsed;
    let Some(refusal) = refusal else {
        return tracing::debug!(
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
