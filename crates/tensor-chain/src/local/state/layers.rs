//! What copies of a state share, and the walk over the keys of a state in two layers.

use std::collections::{BTreeSet, HashMap, btree_set};
use std::hash::BuildHasherDefault;
use std::iter::Peekable;
use std::ops::Bound;

use super::{Entry, Key, KeyHasher};

/// Entries by key.
pub(super) type Entries = HashMap<Key, Entry, BuildHasherDefault<KeyHasher>>;

/// Entries that do not change while they are shared; every one has a value.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    pub(super) entries: Entries,
    pub(super) order: BTreeSet<Key>,
}

impl Layer {
    pub(super) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.entries.get(key).and_then(|entry| entry.value.as_deref())
    }
}

/// Live keys in order: the base's that are not removed, and those above it.
#[derive(Debug)]
pub(super) struct Keys<'a> {
    base: Option<Peekable<btree_set::Range<'a, Key>>>,
    above: Peekable<btree_set::Range<'a, Key>>,
    /// Where removals of the base's keys are noted; nothing where there are none.
    removals: Option<&'a Entries>,
}

impl<'a> Keys<'a> {
    pub(super) fn new(
        base: Option<&'a Layer>,
        above: &'a BTreeSet<Key>,
        entries: &'a Entries,
        from: Bound<&[u8]>,
        some_removed: bool,
    ) -> Self {
        let range =
            |order: &'a BTreeSet<Key>| order.range::<[u8], _>((from, Bound::Unbounded)).peekable();
        Self {
            base: base.map(|base| range(&base.order)),
            above: range(above),
            removals: some_removed.then_some(entries),
        }
    }
}

impl<'a> Iterator for Keys<'a> {
    type Item = &'a Key;

    fn next(&mut self) -> Option<&'a Key> {
        let Some(base) = &mut self.base else { return self.above.next() };
        if let Some(entries) = self.removals {
            let removed =
                |key: &&Key| entries.get(&***key).is_some_and(|entry| entry.value.is_none());
            while base.next_if(removed).is_some() {}
        }
        match (base.peek(), self.above.peek()) {
            (Some(shared), Some(own)) if shared < own => base.next(),
            (Some(_), None) => base.next(),
            _ => self.above.next(),
        }
    }
}
