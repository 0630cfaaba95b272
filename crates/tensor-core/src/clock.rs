//! Time as an argument: [`Clock`].

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Tells the time. Protocols sign and check unix nanoseconds, so that is what it tells.
pub trait Clock: Send + Sync {
    /// Nanoseconds since 1970-01-01 UTC.
    fn unix_nanos(&self) -> u64;
}

impl<T: Clock + ?Sized> Clock for &T {
    fn unix_nanos(&self) -> u64 {
        (**self).unix_nanos()
    }
}

impl<T: Clock + ?Sized> Clock for Box<T> {
    fn unix_nanos(&self) -> u64 {
        (**self).unix_nanos()
    }
}

impl<T: Clock + ?Sized> Clock for Arc<T> {
    fn unix_nanos(&self) -> u64 {
        (**self).unix_nanos()
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn unix_nanos(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }
}
