//! Decoded public keys of callers that have proven themselves: [`KeyCache`].

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use tensor_core::Hotkey;
use tensor_core::key::{PublicKey, Scheme};

use crate::wire::Claim;

/// Saves the decoding of a key that is seen again. Holds at most as many as it was made for, and
/// learns only from verified signatures, so strangers cannot fill it for free.
#[derive(Debug)]
pub(super) struct KeyCache {
    keys: RwLock<HashMap<(Hotkey, Scheme), PublicKey>>,
    capacity: usize,
}

impl KeyCache {
    pub(super) fn new(capacity: usize) -> Self {
        Self { keys: RwLock::new(HashMap::new()), capacity }
    }

    pub(super) fn find(&self, claim: &Claim) -> Option<PublicKey> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.get(&(claim.hotkey, claim.scheme)).cloned()
    }

    pub(super) fn keep(&self, claim: &Claim, key: PublicKey) {
        if self.capacity == 0 {
            return;
        }
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= self.capacity {
            // A miss costs microseconds, so which one goes hardly matters.
            let victim = keys.keys().next().copied();
            victim.and_then(|victim| keys.remove(&victim));
        }
        keys.insert((claim.hotkey, claim.scheme), key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tensor_core::key::Keypair;

    #[test]
    fn the_cache_is_bounded() {
        let cache = KeyCache::new(3);
        for i in 0..10 {
            let pair = Keypair::from_uri(&format!("//{i}"), Scheme::Sr25519).unwrap();
            let claim = Claim::new(Hotkey::new(pair.account_id()), Scheme::Sr25519, [0; 64], 0, 0);
            cache.keep(&claim, PublicKey::new(&pair.account_id(), Scheme::Sr25519).unwrap());
            assert!(cache.find(&claim).is_some());
        }
        assert_eq!(cache.keys.read().unwrap().len(), 3);
    }
}
