//! The chain's state: one ordered map from raw storage keys to SCALE bytes, with nested transactions and one reverse delta per block.
//!
//! Values live in a hash map (reads and overwrites cost one hash) and the keys in an ordered set, which is touched only when a key appears or
//! disappears. Every write is journalled once per transaction level, so a failed call costs what it wrote and nothing else, and the end of a block
//! yields the reverse delta from which history is read.
//!
//! Copies share what they had in common: [`State::freeze`] turns everything into a layer that does not change any more, and a copy made then has
//! that layer and only its own writes above it. Once no copy shares the layer, the writes go back into it.

mod key_hasher;
mod layers;

pub use key_hasher::KeyHasher;

use std::collections::{BTreeSet, HashMap, hash_map};
use std::hash::BuildHasherDefault;
use std::ops::Bound;
use std::sync::Arc;

use blake2::digest::{Digest as _, consts::U32};
use smallvec::SmallVec;

use layers::{Keys, Layer};

/// A raw storage key, shared between the map, the index, the journal and the history.
pub type Key = Arc<[u8]>;

/// SCALE bytes of one value; the usual ones need no allocation.
pub type Bytes = SmallVec<[u8; 24]>;

/// What a block changed: for each key the value **before** the block (`None`: it was absent), in the order of the first write.
pub type ReverseDelta = Vec<(Key, Option<Bytes>)>;

/// Raw storage with transactions.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// What copies share; under everything else.
    base: Option<Arc<Layer>>,
    /// Above the base: written values, and removals of what the base has.
    entries: HashMap<Key, Entry, BuildHasherDefault<KeyHasher>>,
    /// Live keys that the base has not.
    order: BTreeSet<Key>,
    /// How many of the base's keys are removed.
    removed: usize,
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
        match self.entries.get(key) {
            Some(entry) => entry.value.as_deref(),
            None => self.base.as_ref()?.get(key),
        }
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
        self.keys_from(Bound::Included(prefix)).take_while(move |key| key.starts_with(prefix))
    }

    /// All keys with `prefix` strictly after `start`, ascending (the rule of `state_getKeysPaged`).
    pub fn keys_after<'a>(
        &'a self,
        prefix: &'a [u8],
        start: &'a [u8],
    ) -> impl Iterator<Item = &'a Key> {
        let from = if start < prefix { Bound::Included(prefix) } else { Bound::Excluded(start) };
        self.keys_from(from).take_while(move |key| key.starts_with(prefix))
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
        let keys = self.keys_from(Bound::Unbounded);
        keys.filter_map(|key| self.get(key).map(|value| (key, value)))
    }

    /// Number of live keys.
    #[must_use]
    pub fn len(&self) -> usize {
        let shared = self.base.as_ref().map_or(0, |base| base.order.len());
        shared.saturating_sub(self.removed).saturating_add(self.order.len())
    }

    /// Whether nothing is stored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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
            self.forget_if_gone(&record.key);
            delta.push((record.key, record.old));
        }
        self.thaw();
        delta
    }

    /// Makes copies cheap: what is there now is shared with them, and only later writes are not. Does nothing inside a block.
    pub fn freeze(&mut self) {
        if !self.journal.is_empty() || !self.marks.is_empty() {
            return;
        }
        let own = self.entries.len();
        let base = match self.base.take() {
            None => Layer::default(),
            // A few writes are copied faster than the layer is rebuilt.
            Some(base) if own.saturating_mul(4) < base.entries.len() => {
                self.base = Some(base);
                return;
            }
            Some(base) => Arc::unwrap_or_clone(base),
        };
        self.base = Some(Arc::new(self.merged(base)));
    }

    /// Takes the shared layer back where nobody shares it any more.
    fn thaw(&mut self) {
        let Some(base) = self.base.take() else { return };
        match Arc::try_unwrap(base) {
            Ok(base) => {
                let Layer { entries, order } = self.merged(base);
                self.entries = entries;
                self.order = order;
            }
            Err(shared) => self.base = Some(shared),
        }
    }

    /// A layer with all writes applied to it; none are left.
    fn merged(&mut self, mut base: Layer) -> Layer {
        let entries = std::mem::take(&mut self.entries);
        let order = std::mem::take(&mut self.order);
        self.removed = 0;
        if base.entries.is_empty() {
            return Layer { entries, order };
        }
        for (key, entry) in entries {
            if entry.value.is_some() {
                base.entries.insert(key, entry);
            } else {
                base.entries.remove(&key);
                base.order.remove(&key);
            }
        }
        base.order.extend(order);
        base
    }

    fn keys_from<'a>(&'a self, from: Bound<&'a [u8]>) -> Keys<'a> {
        Keys::new(self.base.as_deref(), &self.order, &self.entries, from, self.removed > 0)
    }

    fn is_in_base(&self, key: &[u8]) -> bool {
        self.base.as_ref().is_some_and(|base| base.entries.contains_key(key))
    }

    /// Drops the entry of a key that is in nothing any more. What the base has stays noted as removed.
    fn forget_if_gone(&mut self, key: &Key) {
        let gone = self.entries.get(key).is_some_and(|entry| entry.value.is_none());
        if gone && !self.is_in_base(key) {
            self.entries.remove(key);
        }
    }

    /// A root in the sense of a hash chain: blake2-256 over the previous root and this block's writes in order of first write. Not a Merkle root.
    #[must_use]
    pub fn chain_root(&self, previous: &[u8; 32]) -> [u8; 32] {
        let written = self.journal.iter().filter(|r| r.first);
        Self::root_of(previous, written.map(|r| (&r.key, r.old.as_deref(), self.get(&r.key))))
    }

    /// The root after writes, each with the value before and the one after, in order of first write.
    pub(crate) fn root_of<'a>(
        previous: &[u8; 32],
        writes: impl Iterator<Item = (&'a Key, Option<&'a [u8]>, Option<&'a [u8]>)>,
    ) -> [u8; 32] {
        let mut hasher = blake2::Blake2b::<U32>::new();
        hasher.update(previous);
        for (key, old, value) in writes {
            if value == old {
                continue;
            }
            hasher.update((key.len() as u64).to_le_bytes());
            hasher.update(key);
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
            self.forget_if_gone(key);
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
            None => match self.base.as_ref().and_then(|base| base.entries.get_key_value(key)) {
                Some((shared, entry)) => (shared.clone(), entry.value.clone(), true, 0),
                None => (Key::from(key), None, true, 0),
            },
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
                self.forget_if_gone(&key);
            }
        }
    }

    /// Writes without journalling and keeps the index and the size right. A removed key stays as an empty entry until the block ends.
    fn set_entry(&mut self, key: Key, value: Option<Bytes>) {
        let shared = self.base.as_ref().and_then(|base| base.get(&key)).map(<[u8]>::len);
        let after = value.as_ref().map(SmallVec::len);
        let before = match self.entries.entry(key.clone()) {
            hash_map::Entry::Occupied(mut known) => {
                let before = known.get().value.as_ref().map(SmallVec::len);
                known.get_mut().value = value;
                before
            }
            hash_map::Entry::Vacant(free) => {
                free.insert(Entry { value, ..Entry::default() });
                shared
            }
        };
        if shared.is_some() {
            match (before, after) {
                (Some(_), None) => self.removed += 1,
                (None, Some(_)) => self.removed -= 1,
                _ => {}
            }
        }
        match (before, after) {
            (None, Some(new)) => {
                self.size += key.len() + new;
                if shared.is_none() {
                    self.order.insert(key);
                }
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
mod tests;
