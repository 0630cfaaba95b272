//! The chain's state: one ordered map from raw storage keys to SCALE bytes, with nested transactions and one reverse delta per block.
//!
//! Values live in a hash map (reads and overwrites cost one hash) and the keys in an ordered set, which is touched only when a key appears or
//! disappears. Every write is journalled once per transaction level, so a failed call costs what it wrote and nothing else, and the end of a block
//! yields the reverse delta from which history is read.

mod key_hasher;

pub use key_hasher::KeyHasher;

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::ops::Bound;
use std::sync::Arc;

use blake2::digest::{Digest as _, consts::U32};
use smallvec::SmallVec;

/// A raw storage key, shared between the map, the index, the journal and the history.
pub type Key = Arc<[u8]>;

/// SCALE bytes of one value; the usual ones need no allocation.
pub type Bytes = SmallVec<[u8; 24]>;

/// What a block changed: for each key the value **before** the block (`None`: it was absent), in the order of the first write.
pub type ReverseDelta = Vec<(Key, Option<Bytes>)>;

/// Raw storage with transactions.
#[derive(Clone, Debug, Default)]
pub struct State {
    entries: HashMap<Key, Entry, BuildHasherDefault<KeyHasher>>,
    order: BTreeSet<Key>,
    journal: Vec<Record>,
    /// Journal length at the begin of each open transaction.
    marks: Vec<usize>,
    /// Distinguishes this block's journal stamps from those of earlier blocks.
    generation: u64,
    /// Bytes of live keys and values, kept for limits and reports.
    size: usize,
}

impl State {
    /// The empty state.
    #[must_use]
    pub fn new() -> Self {
        Self { generation: 1, ..Self::default() }
    }

    /// The value under `key`, if there is one.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.entries.get(key).and_then(|entry| entry.value.as_deref())
    }

    /// Whether there is a value under `key`.
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        self.get(key).is_some()
    }

    /// Stores `value` under `key`.
    pub fn put(&mut self, key: &[u8], value: &[u8]) {
        if self.get(key) == Some(value) {
            return;
        }
        self.write(key, Some(Bytes::from_slice(value)));
    }

    /// Removes the value under `key`, if any.
    pub fn remove(&mut self, key: &[u8]) {
        if self.contains(key) {
            self.write(key, None);
        }
    }

    /// Removes every key that starts with `prefix`; returns how many there were.
    pub fn remove_prefix(&mut self, prefix: &[u8]) -> usize {
        let keys: Vec<Key> = self.keys_with_prefix(prefix).cloned().collect();
        for key in &keys {
            self.write(key, None);
        }
        keys.len()
    }

    /// All keys that start with `prefix`, ascending.
    pub fn keys_with_prefix<'a>(&'a self, prefix: &'a [u8]) -> impl Iterator<Item = &'a Key> {
        self.order
            .range::<[u8], _>((Bound::Included(prefix), Bound::Unbounded))
            .take_while(move |key| key.starts_with(prefix))
    }

    /// All keys with `prefix` strictly after `start`, ascending (the rule of `state_getKeysPaged`).
    pub fn keys_after<'a>(
        &'a self,
        prefix: &'a [u8],
        start: &'a [u8],
    ) -> impl Iterator<Item = &'a Key> {
        let from = if start < prefix { Bound::Included(prefix) } else { Bound::Excluded(start) };
        self.order
            .range::<[u8], _>((from, Bound::Unbounded))
            .take_while(move |key| key.starts_with(prefix))
    }

    /// All pairs whose key starts with `prefix`, ascending by key.
    pub fn iter_prefix<'a>(
        &'a self,
        prefix: &'a [u8],
    ) -> impl Iterator<Item = (&'a Key, &'a [u8])> {
        self.keys_with_prefix(prefix).filter_map(|key| self.get(key).map(|value| (key, value)))
    }

    /// All pairs, ascending by key.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &[u8])> {
        self.order.iter().filter_map(|key| self.get(key).map(|value| (key, value)))
    }

    /// Number of live keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether nothing is stored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Bytes of all live keys and values, without the maps' own overhead.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Opens a transaction. Every `begin` needs one [`commit`](Self::commit) or [`rollback`](Self::rollback).
    pub fn begin(&mut self) {
        self.marks.push(self.journal.len());
    }

    /// Keeps what was written since the matching [`begin`](Self::begin).
    pub fn commit(&mut self) {
        self.marks.pop();
    }

    /// Undoes what was written since the matching [`begin`](Self::begin).
    pub fn rollback(&mut self) {
        let Some(mark) = self.marks.pop() else { return };
        while self.journal.len() > mark {
            let Some(record) = self.journal.pop() else { return };
            self.restore(record);
        }
    }

    /// Number of open transactions.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.marks.len()
    }

    /// Runs `body` in a transaction that survives only if it returns `Ok`.
    ///
    /// # Errors
    /// Whatever `body` returns.
    pub fn transact<T, E>(&mut self, body: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        self.begin();
        let outcome = body(self);
        match outcome {
            Ok(_) => self.commit(),
            Err(_) => self.rollback(),
        }
        outcome
    }

    /// The keys written since the last [`end_block`](Self::end_block), each once, with the value it had then. Open transactions count as kept.
    pub fn changes(&self) -> impl Iterator<Item = (&Key, Option<&[u8]>)> {
        self.journal.iter().filter(|r| r.first).map(|r| (&r.key, r.old.as_deref()))
    }

    /// Closes the block: returns its reverse delta and forgets the journal. Any transaction still open is kept.
    pub fn end_block(&mut self) -> ReverseDelta {
        self.marks.clear();
        self.generation += 1;
        let journal = std::mem::take(&mut self.journal);
        let mut delta = Vec::with_capacity(journal.len());
        for record in journal {
            if !record.first {
                continue;
            }
            if self.entries.get(&record.key).is_some_and(|entry| entry.value.is_none()) {
                self.entries.remove(&record.key);
            }
            delta.push((record.key, record.old));
        }
        delta
    }

    /// A root in the sense of a hash chain: blake2-256 over the previous root and this block's writes in order of first write. Not a Merkle root.
    #[must_use]
    pub fn chain_root(&self, previous: &[u8; 32]) -> [u8; 32] {
        let mut hasher = blake2::Blake2b::<U32>::new();
        hasher.update(previous);
        for record in self.journal.iter().filter(|r| r.first) {
            let value = self.get(&record.key);
            if value == record.old.as_deref() {
                continue;
            }
            hasher.update((record.key.len() as u64).to_le_bytes());
            hasher.update(&record.key);
            match value {
                Some(value) => {
                    hasher.update((value.len() as u64 + 1).to_le_bytes());
                    hasher.update(value);
                }
                None => hasher.update(0_u64.to_le_bytes()),
            }
        }
        hasher.finalize().into()
    }

    /// Applies a reverse delta: the state becomes what it was before that block. Not journalled; meant for stepping back outside a block.
    pub fn apply_reverse(&mut self, delta: &[(Key, Option<Bytes>)]) {
        for (key, old) in delta.iter().rev() {
            self.set_entry(key.clone(), old.clone());
            if old.is_none() {
                self.entries.remove(key);
            }
        }
    }

    fn write(&mut self, key: &[u8], value: Option<Bytes>) {
        let mark = self.marks.last().copied().unwrap_or(0);
        let at = self.journal.len();
        let (key, old, first, previous) = match self.entries.get_key_value(key) {
            Some((shared, entry)) => {
                let fresh = entry.generation != self.generation;
                if !fresh && entry.journalled_at > mark {
                    // This transaction level already knows the value to return to.
                    let shared = shared.clone();
                    self.set_entry(shared, value);
                    return;
                }
                let previous = if fresh { 0 } else { entry.journalled_at };
                (shared.clone(), entry.value.clone(), previous == 0, previous)
            }
            None => (Key::from(key), None, true, 0),
        };
        self.journal.push(Record { key: key.clone(), old, first, previous });
        self.set_entry(key.clone(), value);
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.generation = self.generation;
            entry.journalled_at = at + 1;
        }
    }

    fn restore(&mut self, record: Record) {
        let Record { key, old, previous, .. } = record;
        self.set_entry(key.clone(), old);
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.journalled_at = previous;
            if previous == 0 {
                entry.generation = 0;
                if entry.value.is_none() {
                    self.entries.remove(&key);
                }
            }
        }
    }

    /// Writes without journalling and keeps the index and the size right. A removed key stays as an empty entry until the block ends.
    fn set_entry(&mut self, key: Key, value: Option<Bytes>) {
        let entry = self.entries.entry(key.clone()).or_default();
        let before = entry.value.as_ref().map(SmallVec::len);
        let after = value.as_ref().map(SmallVec::len);
        entry.value = value;
        match (before, after) {
            (None, Some(new)) => {
                self.size += key.len() + new;
                self.order.insert(key);
            }
            (Some(old), None) => {
                self.size -= key.len() + old;
                self.order.remove(&key);
            }
            (Some(old), Some(new)) => self.size = self.size + new - old,
            (None, None) => {}
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Entry {
    value: Option<Bytes>,
    /// Block in which `journalled_at` is meaningful.
    generation: u64,
    /// One more than the index of the newest journal record of this key in this block; 0 for none.
    journalled_at: usize,
}

#[derive(Clone, Debug)]
struct Record {
    key: Key,
    old: Option<Bytes>,
    /// Whether this is the key's first record in the block.
    first: bool,
    /// `journalled_at` to return to when the record is undone.
    previous: usize,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn rollback_restores_values_order_and_size() {
        let mut state = State::new();
        state.put(b"a", b"1");
        state.put(b"b", b"2");
        let size = state.size();
        state.begin();
        state.put(b"a", b"longer");
        state.begin();
        state.remove(b"b");
        state.put(b"c", b"3");
        state.rollback();
        assert_eq!(state.get(b"b"), Some(&b"2"[..]));
        assert_eq!(state.get(b"c"), None);
        assert_eq!(state.get(b"a"), Some(&b"longer"[..]));
        state.rollback();
        assert_eq!(state.get(b"a"), Some(&b"1"[..]));
        assert_eq!(state.size(), size);
        assert_eq!(state.len(), 2);
    }

    #[test]
    fn delta_names_each_key_once_with_the_value_before_the_block() {
        let mut state = State::new();
        state.put(b"a", b"1");
        state.end_block();
        state.put(b"a", b"2");
        state.begin();
        state.put(b"a", b"3");
        state.put(b"b", b"x");
        state.commit();
        state.remove(b"b");
        let delta = state.end_block();
        assert_eq!(delta.len(), 2);
        assert_eq!(delta[0].1.as_deref(), Some(&b"1"[..]));
        assert_eq!(delta[1].1, None);
        state.apply_reverse(&delta);
        assert_eq!(state.get(b"a"), Some(&b"1"[..]));
        assert_eq!(state.len(), 1);
    }

    #[test]
    fn paging_is_strictly_after_the_start() {
        let mut state = State::new();
        for key in [&b"pa"[..], b"pb", b"pc", b"q"] {
            state.put(key, b"v");
        }
        let names = |start: &[u8]| -> Vec<Vec<u8>> {
            state.keys_after(b"p", start).map(|k| k.to_vec()).collect()
        };
        assert_eq!(names(b"p"), [b"pa".to_vec(), b"pb".to_vec(), b"pc".to_vec()]);
        assert_eq!(names(b"pa"), [b"pb".to_vec(), b"pc".to_vec()]);
        assert_eq!(names(b""), [b"pa".to_vec(), b"pb".to_vec(), b"pc".to_vec()]);
    }

    /// Against a plain map with a stack of copies, over a seeded sequence of operations.
    #[test]
    fn agrees_with_a_naive_model() {
        let mut seed = 0x1234_5678_u64;
        let mut next = move |bound: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % bound
        };
        let mut state = State::new();
        let mut model: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        let mut stack: Vec<BTreeMap<Vec<u8>, Vec<u8>>> = Vec::new();
        let mut block_start = model.clone();
        for _ in 0..20_000 {
            let key = vec![b'k', next(12) as u8];
            match next(9) {
                0..=3 => {
                    let value = vec![next(250) as u8; next(40) as usize];
                    state.put(&key, &value);
                    model.insert(key, value);
                }
                4 => {
                    state.remove(&key);
                    model.remove(&key);
                }
                5 => {
                    state.begin();
                    stack.push(model.clone());
                }
                6 => {
                    if stack.pop().is_some() {
                        state.commit();
                    }
                }
                7 => {
                    if let Some(old) = stack.pop() {
                        state.rollback();
                        model = old;
                    }
                }
                _ => {
                    if stack.is_empty() {
                        let delta = state.end_block();
                        let mut past = state.clone();
                        past.apply_reverse(&delta);
                        let past: BTreeMap<_, _> =
                            past.iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
                        assert_eq!(past, block_start);
                        block_start = model.clone();
                    }
                }
            }
            let now: BTreeMap<_, _> = state.iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
            assert_eq!(now, model);
            assert_eq!(state.size(), model.iter().map(|(k, v)| k.len() + v.len()).sum::<usize>());
        }
    }
}
