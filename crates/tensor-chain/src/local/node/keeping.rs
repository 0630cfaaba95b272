//! What the node does with its disk, if it has one: every block goes there before anybody hears of it.

use super::Node;
use crate::local::block::Hash;
use crate::local::history::Block;
use crate::local::state::ReverseDelta;

#[cfg(feature = "durable")]
impl Node {
    /// Whether the disk failed: then no more blocks are made.
    pub(crate) fn halted(&self) -> bool {
        self.failure.is_some()
    }

    /// Writes the block that was just made. If that fails, the state is what it was before the block
    /// and the node is halted; says so by `false`.
    pub(super) fn keep_block(&mut self, block: &Block, hash: &Hash) -> bool {
        let Some(mut store) = self.store.take() else { return true };
        let head = crate::local::durable::Head::after(self, block.header.number);
        let kept = store.append(head, block, hash, &self.state);
        self.settle(store, kept, &block.delta, block.root_before)
    }

    /// Writes what changed outside any block, as [`keep_block`](Self::keep_block).
    pub(super) fn keep_amendment(&mut self, delta: &ReverseDelta, previous_root: Hash) -> bool {
        let Some(mut store) = self.store.take() else { return true };
        let head = crate::local::durable::Head::of(self);
        let kept = store.amend(head, delta, &self.state);
        self.settle(store, kept, delta, previous_root)
    }

    /// Writes the whole chain anew, after it was put back to a snapshot.
    pub(crate) fn keep_whole(&mut self) {
        let Some(store) = self.store.take() else { return };
        let kept = store.write_whole(self);
        self.store = Some(store);
        if let Err(error) = kept {
            self.halt(error);
        }
    }

    fn settle(
        &mut self,
        store: crate::local::durable::Store,
        kept: Result<(), crate::local::durable::DurableError>,
        delta: &ReverseDelta,
        previous_root: Hash,
    ) -> bool {
        self.store = Some(store);
        let Err(error) = kept else { return true };
        self.state.apply_reverse(delta);
        self.root = previous_root;
        self.halt(error);
        false
    }
}

#[cfg(not(feature = "durable"))]
impl Node {
    pub(crate) fn halted(&self) -> bool {
        false
    }

    pub(super) fn keep_block(&mut self, _: &Block, _: &Hash) -> bool {
        true
    }

    pub(super) fn keep_amendment(&mut self, _: &ReverseDelta, _: Hash) -> bool {
        true
    }

    pub(crate) fn keep_whole(&mut self) {}
}
