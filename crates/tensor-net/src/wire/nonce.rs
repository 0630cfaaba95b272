//! Nonces that never repeat: [`NonceSource`].

use std::sync::atomic::{AtomicU64, Ordering};

/// Hands out nonces for one key: the time, but always later than the one before.
///
/// Two requests in one nanosecond, or a clock that was set back, would otherwise repeat a nonce, and
/// the second request would be refused as a replay. One source per key and process.
#[derive(Debug, Default)]
pub struct NonceSource(AtomicU64);

impl NonceSource {
    /// A source that has handed out nothing.
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// The next nonce: `now` in unix nanoseconds, or one more than the last if that is not earlier.
    pub fn next(&self, now: u64) -> u64 {
        let step = |last: u64| Some(now.max(last.saturating_add(1)));
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step) {
            Ok(last) | Err(last) => now.max(last.saturating_add(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_clock_that_stands_still_or_goes_back_repeats_nothing() {
        let source = NonceSource::new();
        assert_eq!(source.next(100), 100);
        assert_eq!(source.next(100), 101);
        assert_eq!(source.next(50), 102);
        assert_eq!(source.next(1_000), 1_000);
    }

    #[test]
    fn threads_share_a_source() {
        let source = NonceSource::new();
        let all: Vec<u64> = std::thread::scope(|scope| {
            let run = || (0..1_000).map(|_| source.next(7)).collect::<Vec<_>>();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 4_000);
    }
}
