//! Stopping work that has begun: a token that a caller keeps and a run watches.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::error::Error;

/// What a caller may say about one run.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RunControl {
    /// Cancels the run. ONNX Runtime stops within the graph; rten only between runs.
    pub cancel: CancelToken,
}

impl RunControl {
    /// A run that `cancel` can stop.
    pub fn cancelled_by(cancel: CancelToken) -> Self {
        Self { cancel }
    }

    /// Errs once the run has been cancelled; loops call it between steps.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn check(&self) -> Result<(), Error> {
        if self.cancel.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }
}

/// A switch that goes from off to on once. Clones are the same switch.
#[derive(Clone, Default)]
pub struct CancelToken(Arc<Shared>);

#[derive(Default)]
struct Shared {
    cancelled: AtomicBool,
    hooks: Mutex<Hooks>,
}

#[derive(Default)]
struct Hooks {
    next: u64,
    list: Vec<(u64, Box<dyn FnOnce() + Send>)>,
}

impl CancelToken {
    /// A token that is not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels; the second time does nothing.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::SeqCst);
        // Called outside the lock, since a hook may drop a guard that takes it.
        let hooks = std::mem::take(&mut self.hooks().list);
        for (_, hook) in hooks {
            hook();
        }
    }

    /// Whether [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    /// Whether this is the same switch as `other`.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Calls `hook` when the token is cancelled, at once if it is already; not any more after the guard is dropped.
    /// This is how a backend learns of it in the middle of a run.
    pub fn on_cancel(&self, hook: impl FnOnce() + Send + 'static) -> CancelGuard {
        let mut hooks = self.hooks();
        // Read under the lock: `cancel` sets the flag before it takes the list.
        if self.is_cancelled() {
            drop(hooks);
            hook();
            return CancelGuard { token: self.clone(), id: None };
        }
        let id = hooks.next;
        hooks.next = hooks.next.wrapping_add(1);
        hooks.list.push((id, Box::new(hook)));
        drop(hooks);
        CancelGuard { token: self.clone(), id: Some(id) }
    }

    fn hooks(&self) -> MutexGuard<'_, Hooks> {
        self.0.hooks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CancelToken").field(&self.is_cancelled()).finish()
    }
}

/// Keeps a hook of [`CancelToken::on_cancel`] in place.
#[derive(Debug)]
#[must_use = "dropping the guard removes the hook"]
pub struct CancelGuard {
    token: CancelToken,
    id: Option<u64>,
}

impl Drop for CancelGuard {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.token.hooks().list.retain(|(known, _)| *known != id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn hooks_run_once_and_only_while_guarded() {
        let calls = Arc::new(AtomicUsize::new(0));
        let hook = || {
            let calls = Arc::clone(&calls);
            move || {
                calls.fetch_add(1, Ordering::SeqCst);
            }
        };
        let token = CancelToken::new();
        drop(token.on_cancel(hook()));
        let kept = token.on_cancel(hook());
        assert_eq!(calls.load(Ordering::SeqCst), 0);
        token.cancel();
        token.cancel();
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        let late = token.on_cancel(hook());
        assert_eq!(calls.load(Ordering::SeqCst), 2);
        drop((kept, late));
        let control = RunControl::cancelled_by(token);
        assert!(matches!(control.check(), Err(Error::Cancelled)));
    }
}
