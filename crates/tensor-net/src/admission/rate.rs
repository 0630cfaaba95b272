//! How often somebody may ask: [`Rate`], kept for many in [`Buckets`].

use core::hash::Hash;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// At most so many requests in so much time; a burst of all of them at once is fine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many; at least one.
    pub requests: u32,
    /// In how much time.
    pub per: Duration,
}

impl Rate {
    /// So many in a second.
    pub const fn per_second(requests: u32) -> Self {
        Self { requests, per: Duration::from_secs(1) }
    }
}

/// Token buckets for many callers, of which a bounded number is remembered.
///
/// A bucket is one number: the time at which it will be full again. Full buckets are forgotten. When
/// all that are remembered are in use, callers that are new share one bucket.
#[derive(Debug)]
pub struct Buckets<K> {
    rate: Rate,
    capacity: usize,
    state: Mutex<State<K>>,
}

#[derive(Debug)]
struct State<K> {
    full_at: HashMap<K, u64>,
    shared: u64,
    swept: u64,
}

impl<K: Eq + Hash> Buckets<K> {
    /// Buckets of this rate for at most `capacity` callers.
    pub fn new(rate: Rate, capacity: usize) -> Self {
        let state = State { full_at: HashMap::new(), shared: 0, swept: 0 };
        Self { rate, capacity, state: Mutex::new(state) }
    }

    /// Takes one token at `now` (unix nanoseconds).
    ///
    /// # Errors
    /// How long to wait for the next token.
    pub fn take(&self, key: K, now: u64) -> Result<(), Duration> {
        let per = u64::try_from(self.rate.per.as_nanos()).unwrap_or(u64::MAX);
        let token = per / u64::from(self.rate.requests.max(1));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.full_at.len() >= self.capacity
            && !state.full_at.contains_key(&key)
            && now.saturating_sub(state.swept) >= token
        {
            // At most once for each token's time, so a flood cannot make every request sweep.
            state.swept = now;
            state.full_at.retain(|_, full_at| *full_at > now);
        }
        let room = state.full_at.len() < self.capacity;
        let State { full_at, shared, .. } = &mut *state;
        let bucket = match room {
            true => full_at.entry(key).or_insert(0),
            false => full_at.get_mut(&key).unwrap_or(shared),
        };
        let next = (*bucket).max(now).saturating_add(token);
        let wait = next.saturating_sub(now).saturating_sub(per);
        if wait > 0 {
            return Err(Duration::from_nanos(wait));
        }
        *bucket = next;
        Ok(())
    }

    /// How many buckets are remembered.
    pub fn len(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).full_at.len()
    }

    /// Whether no bucket is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_burst_and_then_the_rate() {
        let buckets = Buckets::new(Rate::per_second(4), 10);
        let now = 100 * SECOND;
        for _ in 0..4 {
            buckets.take('a', now).unwrap();
        }
        assert_eq!(buckets.take('a', now), Err(Duration::from_millis(250)));
        buckets.take('b', now).unwrap();
        buckets.take('a', now + SECOND / 4).unwrap();
        assert!(buckets.take('a', now + SECOND / 4).is_err());
        for _ in 0..4 {
            buckets.take('a', now + 9 * SECOND).unwrap();
        }
    }

    #[test]
    fn strangers_share_when_there_are_too_many() {
        let buckets = Buckets::new(Rate::per_second(1), 100);
        let now = 100 * SECOND;
        let served = (0..10_000).filter(|key| buckets.take(*key, now).is_ok()).count();
        assert_eq!(served, 101);
        assert_eq!(buckets.len(), 100);
        // Those who are remembered are not served worse for it.
        buckets.take(5, now + 2 * SECOND).unwrap();
        let later = now + 2 * SECOND;
        assert_eq!((20_000..20_050).filter(|key| buckets.take(*key, later).is_ok()).count(), 50);
    }
}
