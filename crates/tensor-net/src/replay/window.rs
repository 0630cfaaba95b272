//! The bounded memory of accepted nonces: [`NonceWindow`].

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use tensor_core::Hotkey;

use super::ReplayError;
use crate::wire::Claim;

/// How much a [`NonceWindow`] may hold. One live nonce costs about 170 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowLimits {
    /// Live nonces of all hotkeys together.
    pub capacity: usize,
    /// How many of `capacity` only known callers may use.
    pub reserved: usize,
    /// Live nonces of one hotkey.
    pub share: usize,
}

impl Default for WindowLimits {
    /// 262,144 nonces, half of them for known callers, 65,536 for one hotkey: about 45 MiB when full.
    fn default() -> Self {
        Self { capacity: 1 << 18, reserved: 1 << 17, share: 1 << 16 }
    }
}

impl WindowLimits {
    /// Sets how many live nonces are remembered.
    #[must_use]
    pub const fn with_capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    /// Sets how much of the capacity only known callers may use.
    #[must_use]
    pub const fn with_reserved(mut self, reserved: usize) -> Self {
        self.reserved = reserved;
        self
    }

    /// Sets how many live nonces one hotkey may have.
    #[must_use]
    pub const fn with_share(mut self, share: usize) -> Self {
        self.share = share;
        self
    }
}

/// Remembers accepted nonces until they are stale. When full it refuses; it never forgets a live one.
///
/// Time may go backwards: what has been forgotten as stale stays stale.
#[derive(Debug)]
pub struct NonceWindow {
    limits: WindowLimits,
    live: HashSet<Key>,
    /// The live nonces again, by the time slice in which they expire.
    expiring: BTreeMap<u64, Vec<Key>>,
    /// How many live nonces each hotkey has.
    shares: HashMap<Hotkey, usize>,
    /// Nonces before this may have been accepted by a process that ran earlier.
    started: u64,
    /// The first time slice that has not been forgotten.
    remembered: u64,
}

impl NonceWindow {
    /// An empty window that treats nonces before `started` (unix nanoseconds) as stale.
    pub fn new(limits: WindowLimits, started: u64) -> Self {
        Self {
            limits,
            live: HashSet::new(),
            expiring: BTreeMap::new(),
            shares: HashMap::new(),
            started,
            remembered: 0,
        }
    }

    /// Records the claim's nonce at time `now` (unix nanoseconds). `known` callers may use the
    /// reserved part as well.
    ///
    /// # Errors
    /// [`ReplayError`]; nothing was recorded then.
    pub fn record(&mut self, claim: &Claim, known: bool, now: u64) -> Result<(), ReplayError> {
        self.forget(now);
        let key = Key::of(claim);
        if self.live.contains(&key) {
            return Err(ReplayError::Replayed);
        }
        let slice = claim.expires / SLICE;
        if claim.nonce < self.started || slice < self.remembered {
            return Err(ReplayError::Forgotten);
        }
        let reserved = if known { 0 } else { self.limits.reserved };
        if self.live.len() >= self.limits.capacity.saturating_sub(reserved) {
            return Err(ReplayError::Full);
        }
        let share = self.shares.get(&key.hotkey).copied().unwrap_or(0);
        if share >= self.limits.share {
            return Err(ReplayError::ShareFull);
        }
        self.shares.insert(key.hotkey, share + 1);
        self.expiring.entry(slice).or_default().push(key);
        self.live.insert(key);
        Ok(())
    }

    /// How many nonces are remembered.
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// Whether no nonce is remembered.
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// Drops what expired before the time slice of `now`.
    fn forget(&mut self, now: u64) {
        self.remembered = self.remembered.max(now / SLICE);
        while let Some(first) = self.expiring.first_entry() {
            if *first.key() >= self.remembered {
                break;
            }
            for key in first.remove() {
                self.live.remove(&key);
                if let Entry::Occupied(mut share) = self.shares.entry(key.hotkey) {
                    *share.get_mut() -= 1;
                    if *share.get() == 0 {
                        share.remove();
                    }
                }
            }
        }
        if self.live.is_empty() && self.live.capacity() > KEPT {
            // A flood is over: give its memory back.
            self.live.shrink_to(KEPT);
            self.shares.shrink_to(KEPT);
        }
    }
}

/// What makes two requests the same. When it expires is no part of it, since a protocol may derive
/// that from something unsigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    hotkey: Hotkey,
    nonce: u64,
    // In halves, since a u128 would align the key to 16 bytes and pad it.
    token: [u64; 2],
}

impl Key {
    const fn of(claim: &Claim) -> Self {
        let token = [(claim.token >> 64) as u64, claim.token as u64];
        Self { hotkey: claim.hotkey, nonce: claim.nonce, token }
    }
}

/// The width of a time slice in nanoseconds. Nonces live up to this much longer than they must.
const SLICE: u64 = 250_000_000;

/// Room for this many nonces is kept when the window is empty.
const KEPT: usize = 1 << 12;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tensor_core::key::Scheme;

    const SECOND: u64 = 1_000_000_000;

    fn claim(hotkey: u8, nonce: u64) -> Claim {
        let hotkey = Hotkey::from_bytes([hotkey; 32]);
        Claim::new(hotkey, Scheme::Sr25519, [0; 64], nonce, nonce + 10 * SECOND)
    }

    #[test]
    fn a_nonce_counts_once_per_hotkey_and_token() {
        let mut window = NonceWindow::new(WindowLimits::default(), 0);
        let now = 100 * SECOND;
        window.record(&claim(1, now), false, now).unwrap();
        assert!(matches!(window.record(&claim(1, now), false, now), Err(ReplayError::Replayed)));
        // Another expiry does not make it another request.
        let mut other = claim(1, now);
        other.expires += 60 * SECOND;
        assert!(matches!(window.record(&other, false, now), Err(ReplayError::Replayed)));
        window.record(&claim(2, now), false, now).unwrap();
        window.record(&claim(1, now).with_token(7), false, now).unwrap();
        assert_eq!(window.len(), 3);
    }

    #[test]
    fn what_was_before_the_start_is_stale() {
        let mut window = NonceWindow::new(WindowLimits::default(), 100 * SECOND);
        let before = claim(1, 100 * SECOND - 1);
        let now = 101 * SECOND;
        assert!(matches!(window.record(&before, false, now), Err(ReplayError::Forgotten)));
        window.record(&claim(1, 100 * SECOND), false, now).unwrap();
    }

    #[test]
    fn a_clock_set_back_revives_nothing() {
        let mut window = NonceWindow::new(WindowLimits::default(), 0);
        let old = claim(1, 100 * SECOND);
        window.record(&old, false, 100 * SECOND).unwrap();
        window.record(&claim(1, 200 * SECOND), false, 200 * SECOND).unwrap();
        assert_eq!(window.len(), 1);
        assert!(matches!(window.record(&old, false, 101 * SECOND), Err(ReplayError::Forgotten)));
    }

    #[test]
    fn a_full_window_refuses_and_keeps_room_for_known_callers() {
        let limits = WindowLimits::default().with_capacity(10).with_reserved(4).with_share(3);
        let mut window = NonceWindow::new(limits, 0);
        let now = 100 * SECOND;
        for nonce in 0..3 {
            window.record(&claim(1, now + nonce), false, now).unwrap();
        }
        let fourth = claim(1, now + 3);
        assert!(matches!(window.record(&fourth, false, now), Err(ReplayError::ShareFull)));
        for hotkey in 2..5 {
            window.record(&claim(hotkey, now), false, now).unwrap();
        }
        assert!(matches!(window.record(&claim(9, now), false, now), Err(ReplayError::Full)));
        for hotkey in 9..13 {
            window.record(&claim(hotkey, now), true, now).unwrap();
        }
        assert!(matches!(window.record(&claim(20, now), true, now), Err(ReplayError::Full)));
        assert!(matches!(window.record(&claim(1, now), false, now), Err(ReplayError::Replayed)));
        // Once they are stale there is room again.
        let later = now + 20 * SECOND;
        window.record(&claim(20, later), false, later).unwrap();
        assert_eq!(window.len(), 1);
    }

    proptest! {
        /// Against a memory that never forgets: nothing is accepted twice, and the bounds hold,
        /// whatever the clock does.
        #[test]
        fn nothing_is_accepted_twice(
            steps in proptest::collection::vec((0u8..4, 0u64..40, 0i64..8, any::<bool>()), 1..400),
        ) {
            let limits = WindowLimits::default().with_capacity(20).with_reserved(5).with_share(8);
            let mut window = NonceWindow::new(limits, 10 * SECOND);
            let mut accepted = HashSet::new();
            let mut now = 30 * SECOND;
            for (hotkey, nonce, step, known) in steps {
                now = now.saturating_add_signed((step - 2) * 1_000_000_000);
                let claim = claim(hotkey, now.saturating_add(nonce * SECOND / 4) - 5 * SECOND);
                if claim.expires < now {
                    continue;
                }
                if window.record(&claim, known, now).is_ok() {
                    prop_assert!(accepted.insert((claim.hotkey, claim.nonce)));
                    prop_assert!(claim.nonce >= 10 * SECOND);
                }
                prop_assert!(window.len() <= 20);
                prop_assert!(window.shares.values().all(|share| *share <= 8 && *share > 0));
                prop_assert_eq!(window.shares.values().sum::<usize>(), window.len());
                prop_assert_eq!(
                    window.expiring.values().map(Vec::len).sum::<usize>(),
                    window.len()
                );
            }
        }
    }
}
