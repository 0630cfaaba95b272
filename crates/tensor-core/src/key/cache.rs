//! Decoded public keys kept for the next message of the same sender, in bounded memory.

use core::fmt;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{PublicKey, PublicKeyError, Scheme, Signature};
use crate::account::AccountId;

/// Public keys of senders that have proven themselves, decoded.
///
/// Decoding a key costs about a tenth of verifying with it. Only a signature that verified brings
/// a key in, so strangers cannot push known senders out with made-up addresses. When half of the
/// capacity is new since the last time, the older half is dropped, except what was used since.
///
/// A key takes about 250 bytes.
pub struct KeyCache {
    half: usize,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    young: HashMap<(AccountId, Scheme), PublicKey>,
    old: HashMap<(AccountId, Scheme), PublicKey>,
}

impl KeyCache {
    /// Keeps at most `capacity` keys, at least 2.
    pub fn new(capacity: usize) -> Self {
        Self { half: (capacity / 2).max(1), entries: Mutex::default() }
    }

    /// Whether `signature` is `account`'s over exactly `message`; remembers the key if so.
    #[must_use]
    pub fn verify(&self, account: &AccountId, message: &[u8], signature: &Signature) -> bool {
        if let Some(known) = self.get(account, signature.scheme) {
            return known.verify(message, &signature.bytes);
        }
        let Ok(key) = PublicKey::new(account, signature.scheme) else { return false };
        let good = key.verify(message, &signature.bytes);
        if good {
            self.insert(key);
        }
        good
    }

    /// The account's key from the cache, or decoded now without being remembered: for batches, after
    /// which [`Self::insert`] brings in those that verified.
    ///
    /// # Errors
    /// [`PublicKeyError`] when the account is no key of that scheme.
    pub fn key(&self, account: &AccountId, scheme: Scheme) -> Result<PublicKey, PublicKeyError> {
        self.get(account, scheme).map_or_else(|| PublicKey::new(account, scheme), Ok)
    }

    /// Remembers a key whose owner has proven to hold it.
    pub fn insert(&self, key: PublicKey) {
        let id = (key.account_id(), key.scheme());
        let mut entries = self.lock();
        entries.old.remove(&id);
        entries.young.insert(id, key);
        entries.age(self.half);
    }

    /// How many keys are remembered.
    pub fn len(&self) -> usize {
        let entries = self.lock();
        entries.young.len() + entries.old.len()
    }

    /// Whether no key is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn get(&self, account: &AccountId, scheme: Scheme) -> Option<PublicKey> {
        let id = (*account, scheme);
        let mut entries = self.lock();
        if let Some(key) = entries.young.get(&id) {
            return Some(key.clone());
        }
        let key = entries.old.remove(&id)?;
        entries.young.insert(id, key.clone());
        entries.age(self.half);
        Some(key)
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // Every state between two operations is valid, so a panic elsewhere poisons nothing.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyCache").field("capacity", &(self.half * 2)).finish_non_exhaustive()
    }
}

impl Entries {
    fn age(&mut self, half: usize) {
        if self.young.len() >= half {
            self.old = core::mem::take(&mut self.young);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Keypair;

    fn pair(index: usize) -> Keypair {
        Keypair::from_uri(&format!("//{index}"), Scheme::Sr25519).unwrap()
    }

    #[test]
    fn only_proven_senders_are_remembered() {
        let cache = KeyCache::new(8);
        let (alice, mallory) = (pair(1), pair(2));
        let signature = alice.sign(b"hi");
        assert!(cache.verify(&alice.account_id(), b"hi", &signature));
        assert!(cache.verify(&alice.account_id(), b"hi", &signature), "from the cache");
        assert!(!cache.verify(&alice.account_id(), b"ho", &signature), "from the cache");
        assert!(!cache.verify(&mallory.account_id(), b"hi", &signature));
        assert!(!cache.verify(&AccountId::from_bytes([0xff; 32]), b"hi", &signature));
        assert_eq!(cache.len(), 1);
    }

    #[test]
    fn one_account_may_be_a_key_of_either_scheme() {
        let cache = KeyCache::new(8);
        let alice = pair(1);
        let signature = alice.sign(b"hi");
        assert!(cache.verify(&alice.account_id(), b"hi", &signature));
        let other = Signature { scheme: Scheme::Ed25519, ..signature };
        assert!(!cache.verify(&alice.account_id(), b"hi", &other));
    }

    #[test]
    fn memory_stays_bounded_and_the_used_stay() {
        let cache = KeyCache::new(8);
        let regular = pair(1000);
        cache.insert(PublicKey::new(&regular.account_id(), Scheme::Sr25519).unwrap());
        for index in 0..50 {
            cache.insert(PublicKey::new(&pair(index).account_id(), Scheme::Sr25519).unwrap());
            assert!(cache.get(&regular.account_id(), Scheme::Sr25519).is_some(), "at {index}");
            assert!(cache.len() <= 8, "{} keys", cache.len());
        }
        assert!(cache.get(&pair(0).account_id(), Scheme::Sr25519).is_none());
    }
}
