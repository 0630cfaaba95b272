//! Remembering which requests were accepted, so that none is accepted twice.
//!
//! - [`NonceWindow`] is the memory itself: bounded, without a clock or a lock.
//! - [`ReplayStore`] is what the server asks; [`MemoryReplay`] is a window behind a lock. Several
//!   servers of one hotkey need a store that they share.

#[cfg(feature = "redis")]
mod redis;
mod window;

use std::sync::Mutex;

use async_trait::async_trait;
use tensor_core::BoxError;

use crate::wire::Claim;

#[cfg(feature = "redis")]
pub use self::redis::RedisReplay;
pub use window::{NonceWindow, WindowLimits};

/// Remembers accepted requests for as long as they are fresh.
///
/// Asked last, when the signature has been verified, so forged requests cannot use up nonces.
/// Dropping the future leaves it open whether the request was recorded.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no replay store",
    note = "use `MemoryReplay`, or implement `ReplayStore`"
)]
pub trait ReplayStore: Send + Sync {
    /// Records the request, unless the same hotkey, nonce and token were recorded before.
    ///
    /// `known` says whether the caller is one that admission gave priority; a store that runs short
    /// keeps room for those.
    ///
    /// # Errors
    /// [`ReplayError`]; the request must not be served then.
    async fn record(&self, claim: &Claim, known: bool, now: u64) -> Result<(), ReplayError>;
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        #[async_trait]
        impl<T: ReplayStore + ?Sized> ReplayStore for $pointer {
            async fn record(&self, claim: &Claim, known: bool, now: u64) -> Result<(), ReplayError> {
                (**self).record(claim, known, now).await
            }
        }
    )*};
}

forward!(&T, Box<T>, std::sync::Arc<T>);

/// Why a request was not recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// It was accepted before.
    #[error("this nonce was already accepted from this hotkey")]
    Replayed,
    /// It is from before this store began to remember, or before what it has forgotten.
    #[error("the nonce is older than what the store remembers")]
    Forgotten,
    /// The hotkey has as many live nonces as one hotkey may have.
    #[error("this hotkey has too many requests in the freshness window")]
    ShareFull,
    /// All room is taken by live nonces.
    #[error("too many requests in the freshness window")]
    Full,
    /// The store cannot be reached.
    #[error("the replay store is not available")]
    Unavailable(#[source] BoxError),
}

/// A [`NonceWindow`] in this process's memory.
#[derive(Debug)]
pub struct MemoryReplay(Mutex<NonceWindow>);

impl MemoryReplay {
    /// A store that treats nonces before `started` (unix nanoseconds) as stale: they may have been
    /// accepted by the process that ran before.
    pub fn new(limits: WindowLimits, started: u64) -> Self {
        Self(Mutex::new(NonceWindow::new(limits, started)))
    }

    /// How many nonces are remembered.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether no nonce is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, NonceWindow> {
        // The window's invariants hold between any two of its statements that can panic.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[async_trait]
impl ReplayStore for MemoryReplay {
    async fn record(&self, claim: &Claim, known: bool, now: u64) -> Result<(), ReplayError> {
        self.lock().record(claim, known, now)
    }
}

const _: () = {
    fn _dyn(_: &dyn ReplayStore) {}
};
