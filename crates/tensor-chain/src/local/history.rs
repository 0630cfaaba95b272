//! The blocks so far, and the state as it was at each of them.
//!
//! The live state is that of the newest block. For every block the history keeps what it overwrote,
//! so an older state is the live one with those values put back.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::{
    block::{Hash, Header},
    state::{Bytes, Key, ReverseDelta, State},
};

/// Blocks and reverse deltas, newest last, at most `depth` of them besides the genesis block.
#[derive(Debug, Clone)]
pub(crate) struct History {
    depth: usize,
    /// Height of the first kept block.
    first: u32,
    blocks: VecDeque<Arc<Block>>,
    /// Hashes of all blocks ever, by height.
    hashes: Vec<Hash>,
    /// Height by the first eight bytes of the hash; the hash itself is compared afterwards.
    by_hash: HashMap<u64, u32>,
    /// The keys in the newest block's delta, once something was written outside any block.
    amended: Option<HashSet<Key>>,
    /// Blocks that were replaced by others, newest last: still to be read, without their state.
    replaced: VecDeque<(Hash, Arc<Block>)>,
    /// Keys that taking blocks back changed.
    reverted: Vec<Key>,
}

/// How many replaced blocks are kept.
const REPLACED: usize = 64;

/// One kept block.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) header: Header,
    /// Encoded extrinsics, the inherent first.
    pub(crate) extrinsics: Vec<Arc<[u8]>>,
    /// What the block overwrote.
    pub(crate) delta: ReverseDelta,
    /// Hash chain over all writes before the block.
    pub(crate) root_before: Hash,
}

/// Where a block hash leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// A kept block of this height.
    Kept(u32),
    /// A block whose state and body are gone.
    Discarded,
    /// No block of this chain.
    Unknown,
}

impl History {
    pub(crate) fn new(depth: usize, genesis: Header) -> Self {
        let hash = genesis.hash();
        let block = Block {
            header: genesis,
            extrinsics: Vec::new(),
            delta: Vec::new(),
            root_before: [0; 32],
        };
        Self {
            depth: depth.max(1),
            first: 0,
            blocks: VecDeque::from([Arc::new(block)]),
            hashes: vec![hash],
            by_hash: HashMap::from([(short(&hash), 0)]),
            amended: None,
            replaced: VecDeque::new(),
            reverted: Vec::new(),
        }
    }

    /// The history of a chain whose kept blocks, none of them yet here, come after these.
    #[cfg(feature = "durable")]
    pub(crate) fn resumed(depth: usize, hashes: Vec<Hash>) -> Self {
        let first = u32::try_from(hashes.len()).unwrap_or(u32::MAX);
        let by_hash = (0..first).zip(&hashes).map(|(number, hash)| (short(hash), number)).collect();
        let (depth, blocks) = (depth.max(1), VecDeque::new());
        let (replaced, reverted) = (VecDeque::new(), Vec::new());
        Self { depth, first, blocks, hashes, by_hash, amended: None, replaced, reverted }
    }

    /// Appends the block that was just built.
    pub(crate) fn push(&mut self, block: Block, hash: Hash) {
        self.amended = None;
        self.by_hash.insert(short(&hash), block.header.number);
        self.hashes.push(hash);
        self.blocks.push_back(Arc::new(block));
        while self.blocks.len() > self.depth.saturating_add(1) {
            self.blocks.pop_front();
            self.first = self.first.saturating_add(1);
        }
    }

    /// Takes the newest block back, its writes with it. Returns its hash and the hash chain before it; nothing
    /// where only one block is kept.
    pub(crate) fn pop(&mut self, state: &mut State) -> Option<(Hash, Hash)> {
        if self.blocks.len() < 2 {
            return None;
        }
        let (hash, block) = (self.hashes.pop()?, self.blocks.pop_back()?);
        self.by_hash.remove(&short(&hash));
        self.amended = None;
        state.apply_reverse(&block.delta);
        let root = block.root_before;
        self.reverted.extend(block.delta.iter().map(|(key, _)| key.clone()));
        if self.replaced.len() >= REPLACED {
            self.replaced.pop_front();
        }
        self.replaced.push_back((hash, block));
        Some((hash, root))
    }

    /// The keys that taking blocks back changed since this was last asked, each once.
    pub(crate) fn take_reverted(&mut self) -> HashSet<Key> {
        std::mem::take(&mut self.reverted).into_iter().collect()
    }

    /// A block that was replaced by another, without its state.
    pub(crate) fn replaced(&self, hash: &Hash) -> Option<&Block> {
        self.replaced.iter().rev().find(|(known, _)| known == hash).map(|(_, block)| &**block)
    }

    /// Adds writes made outside any block to the newest block.
    pub(crate) fn amend(&mut self, delta: ReverseDelta) {
        let Some(block) = self.blocks.back_mut().map(Arc::make_mut) else { return };
        let known = || block.delta.iter().map(|(key, _)| key.clone()).collect();
        let known = self.amended.get_or_insert_with(known);
        for (key, old) in delta {
            if known.insert(key.clone()) {
                block.delta.push((key, old));
            }
        }
    }

    /// The newest block.
    pub(crate) fn head(&self) -> u32 {
        // As many hashes as blocks; the genesis block is always there.
        u32::try_from(self.hashes.len()).unwrap_or(u32::MAX).saturating_sub(1)
    }

    /// Height of the oldest block whose state can be read.
    pub(crate) fn oldest(&self) -> u32 {
        self.first
    }

    pub(crate) fn head_hash(&self) -> Hash {
        self.hashes.last().copied().unwrap_or_default()
    }

    /// The hash of any block so far, kept or not.
    pub(crate) fn hash(&self, number: u32) -> Option<Hash> {
        self.hashes.get(usize::try_from(number).ok()?).copied()
    }

    pub(crate) fn block(&self, number: u32) -> Option<&Block> {
        self.blocks
            .get(usize::try_from(number.checked_sub(self.first)?).ok()?)
            .map(|block| &**block)
    }

    pub(crate) fn lookup(&self, hash: &Hash) -> Lookup {
        match self.by_hash.get(&short(hash)) {
            Some(&number) if self.hash(number).as_ref() == Some(hash) => {
                if number >= self.first {
                    Lookup::Kept(number)
                } else {
                    Lookup::Discarded
                }
            }
            _ if self.replaced(hash).is_some() => Lookup::Discarded,
            _ => Lookup::Unknown,
        }
    }

    /// The value under `key` after block `number`, which must be kept.
    pub(crate) fn value_at(&self, state: &State, key: &[u8], number: u32) -> Option<Bytes> {
        // The first later block that wrote the key knows what was there before.
        let later = self.blocks.iter().skip(self.position_after(number));
        for block in later {
            if let Some((_, old)) = block.delta.iter().find(|(known, _)| **known == *key) {
                return old.clone();
            }
        }
        state.get(key).map(Bytes::from_slice)
    }

    /// Runs `read` on the state as it was after block `number`, which must be kept.
    pub(crate) fn with_state_at<R>(
        &self,
        state: &mut State,
        number: u32,
        read: impl FnOnce(&mut State) -> R,
    ) -> R {
        let keep = self.position_after(number);
        let mut redo: Vec<(Key, Option<Bytes>)> = Vec::new();
        for block in self.blocks.iter().skip(keep).rev() {
            let now = |key: &Key| (key.clone(), state.get(key).map(Bytes::from_slice));
            redo.extend(block.delta.iter().map(|(key, _)| now(key)));
            state.apply_reverse(&block.delta);
        }
        let out = read(state);
        // `apply_reverse` goes from the back, so the newest value of a key is written last.
        state.apply_reverse(&redo);
        out
    }

    /// The keys that the newest block wrote.
    pub(crate) fn newest_keys(&self) -> impl Iterator<Item = &Key> {
        self.blocks.back().into_iter().flat_map(|block| block.delta.iter().map(|(key, _)| key))
    }

    /// Position in `blocks` of the block after `number`.
    fn position_after(&self, number: u32) -> usize {
        usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX).saturating_add(1)
    }
}

fn short(hash: &Hash) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(hash.first_chunk::<8>().unwrap_or(&[0; 8]));
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(number: u32) -> Header {
        Header {
            parent_hash: [0; 32],
            number,
            state_root: [0; 32],
            extrinsics_root: [0; 32],
            slot: Some(u64::from(number)),
        }
    }

    /// Against copies of the whole state, one per block, with an outside write in between.
    #[test]
    fn every_kept_state_reads_as_it_was() {
        let mut state = State::new();
        state.put(b"a", b"0");
        state.end_block();
        let mut history = History::new(4, header(0));
        let mut copies = vec![state.clone()];
        for number in 1..=7u32 {
            state.put(b"a", &[u8::try_from(number).unwrap()]);
            if number % 2 == 0 {
                state.put(&[b'k', u8::try_from(number).unwrap()], b"x");
            } else {
                state.remove(&[b'k', u8::try_from(number - 1).unwrap()]);
            }
            let delta = state.end_block();
            let header = header(number);
            let hash = header.hash();
            let (extrinsics, root_before) = (Vec::new(), [0; 32]);
            history.push(Block { header, extrinsics, delta, root_before }, hash);
            if number == 5 {
                state.put(b"outside", b"1");
                state.put(b"a", b"outside");
                history.amend(state.end_block());
            }
            copies.push(state.clone());
        }
        assert_eq!((history.head(), history.oldest()), (7, 3));
        assert_eq!(history.lookup(&header(2).hash()), Lookup::Discarded);
        assert_eq!(history.lookup(&[9; 32]), Lookup::Unknown);
        for number in 3..=7u32 {
            let copy: Vec<_> = copies[number as usize].iter().collect();
            let was = history.with_state_at(&mut state, number, |state| {
                let pairs = state.iter().map(|(k, v)| (k.to_vec(), v.to_vec()));
                pairs.collect::<Vec<_>>()
            });
            let expected: Vec<_> = copy.iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
            assert_eq!(was, expected, "block {number}");
            for key in [&b"a"[..], b"k\x02", b"k\x04", b"outside", b"none"] {
                let value = history.value_at(&state, key, number);
                let expected = copies[number as usize].get(key);
                assert_eq!(value.as_deref(), expected, "block {number} {key:?}");
            }
        }
        // The live state came back.
        let now: Vec<_> = state.iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
        let then: Vec<_> = copies[7].iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
        assert_eq!(now, then);
    }
}
