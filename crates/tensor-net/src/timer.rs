//! Waiting as an argument: [`Timer`], so that limits in time need no particular runtime.

use core::future::Future;
use core::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, Either, select};

/// Waits. Without one, a service has no limits in time and its listener must have them.
pub trait Timer: Send + Sync {
    /// Completes once `duration` has passed. Dropping the future gives the wait up.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

impl<T: Timer + ?Sized> Timer for &T {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        (**self).sleep(duration)
    }
}

impl<T: Timer + ?Sized> Timer for Box<T> {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        (**self).sleep(duration)
    }
}

impl<T: Timer + ?Sized> Timer for Arc<T> {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        (**self).sleep(duration)
    }
}

/// Waits with tokio's timer; must be used inside a tokio runtime whose time driver is on.
#[cfg(any(feature = "client", feature = "server"))]
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioTimer;

#[cfg(any(feature = "client", feature = "server"))]
impl Timer for TokioTimer {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// The future's output, or `None` if `limit` passes first. Without a timer there is no limit.
pub(crate) async fn within<T>(
    timer: Option<&dyn Timer>,
    limit: Duration,
    future: impl Future<Output = T>,
) -> Option<T> {
    let Some(timer) = timer else { return Some(future.await) };
    match select(pin!(future), timer.sleep(limit)).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}

const _: () = {
    fn _dyn(_: &dyn Timer) {}
};
