//! Making a block: applying what waits, sealing, telling those who watch, finality.

use std::collections::VecDeque;
use std::sync::Arc;

use super::super::{
    block::{self, Hash, Header},
    extrinsic::{Era, Extrinsic},
    faults::Draws,
    history::Block,
    pool::Waiting,
    runtime::{Ctx, EventRecord, Origin, Phase},
};
use super::admission::check_account;
use super::limits::BlockLimits;
use super::{BLOCK_HASH_COUNT, Node, parts, tell};

/// What applying one transaction came to.
enum Applied {
    /// It is in the block, whether or not its call succeeded.
    Included,
    /// Its turn has not come.
    Later,
    /// The block is full.
    Full,
    /// It is no longer valid.
    Invalid,
}

impl Node {
    /// Builds one block from the waiting transactions.
    ///
    /// A node that is halted builds none; then this is the hash of the newest one.
    pub(crate) fn seal(&mut self) -> Hash {
        let parent_hash = self.history.head_hash();
        if self.halted() {
            return parent_hash;
        }
        let number = self.history.head().saturating_add(1);
        let now = self.time_of(number);
        let slot = now.checked_div(self.config.block_ms()).unwrap_or(0);
        let mut events = std::mem::take(&mut self.events);
        let runtime = Arc::clone(&self.runtime);
        let system = Arc::clone(&self.system);
        system.initialize(&mut self.state, number, &parent_hash, slot);
        if let Some(keys) = self.shield.as_ref().filter(|keys| keys.rotate()) {
            system.publish_shield_keys(&mut self.state, keys, u64::from(number));
        }
        let mut cx = Ctx::new(&mut self.state, &mut events, u64::from(number), now);
        cx.author = self.config.author.map(|a| a.to_bytes());
        cx.parent_hash = parent_hash;
        runtime.initialize_block(&mut cx);

        let inherent = system.timestamp(&mut cx, now);
        let mut extrinsics: Vec<Arc<[u8]>> = vec![inherent.bytes.into()];
        let mut hashes = vec![inherent.hash];
        let mut included = Vec::new();
        if !self.pool.is_empty() {
            self.apply_waiting(
                &mut events,
                number,
                now,
                &mut extrinsics,
                &mut hashes,
                &mut included,
            );
        }

        system.finalize(&mut self.state, &events);
        events.clear();
        self.events = events;
        let before = self.root;
        let state_root = self.state.chain_root(&before);
        self.root = state_root;
        let delta = self.state.end_block();
        let extrinsics_root = block::extrinsics_root(&hashes);
        let header = Header { parent_hash, number, state_root, extrinsics_root, slot: Some(slot) };
        let hash = header.hash();
        let block = Block { header, extrinsics, delta, root_before: before };
        if !self.keep_block(&block, &hash) {
            return parent_hash;
        }
        self.history.push(block, hash);
        self.announce(number, hash, included);
        hash
    }

    /// Finalises everything up to the newest block.
    pub(crate) fn finalize_all(&mut self) {
        self.finalize(self.history.head());
    }

    fn apply_waiting(
        &mut self,
        events: &mut Vec<EventRecord>,
        number: u32,
        now: u64,
        extrinsics: &mut Vec<Arc<[u8]>>,
        hashes: &mut Vec<Hash>,
        included: &mut Vec<Waiting>,
    ) {
        let mut queue: VecDeque<u64> = self.pool.orders().into();
        let mut room = self.limits;
        while let Some(order) = queue.pop_front() {
            let Some(waiting) = self.pool.get_mut(order) else { continue };
            let extrinsic = Arc::clone(&waiting.extrinsic);
            let (who, nonce) = (waiting.who, waiting.nonce);
            if self.faults.as_mut().is_some_and(Draws::delays) {
                continue;
            }
            let index = u32::try_from(extrinsics.len()).unwrap_or(u32::MAX);
            match self.apply(&extrinsic, index, number, now, events, &mut room) {
                Applied::Included => {
                    extrinsics.push(extrinsic.bytes.as_slice().into());
                    hashes.push(extrinsic.hash);
                    if let Some(waiting) = self.pool.remove(order) {
                        included.push(waiting);
                    }
                    if let Some(inner) = self.open_carrier(&extrinsic, u64::from(number))
                        && self.apply_inner(
                            &inner,
                            extrinsics.len(),
                            number,
                            now,
                            events,
                            &mut room,
                        )
                    {
                        extrinsics.push(inner.bytes.as_slice().into());
                        hashes.push(inner.hash);
                    }
                    // The successor may have arrived first and been passed over.
                    let next = self.pool.at_nonce(&who, nonce.saturating_add(1));
                    if let Some(next) = next.filter(|next| *next < order) {
                        queue.push_front(next);
                    }
                }
                Applied::Later => {}
                Applied::Full => break,
                Applied::Invalid => {
                    if let Some(waiting) = self.pool.remove(order) {
                        tell(&waiting.watchers, "\"invalid\"");
                    }
                }
            }
        }
    }

    fn apply(
        &mut self,
        extrinsic: &Extrinsic,
        index: u32,
        number: u32,
        now: u64,
        events: &mut Vec<EventRecord>,
        room: &mut BlockLimits,
    ) -> Applied {
        let Some(signed) = &extrinsic.signed else { return Applied::Invalid };
        let Ok(call) = parts(extrinsic) else { return Applied::Invalid };
        let who = signed.who.to_bytes();
        let parent = number.saturating_sub(1);
        if let Era::Mortal { .. } = signed.era {
            // The hash that was signed is the birth block's as seen from here, or the signature no
            // longer covers the extrinsic.
            let seen = signed.era.birth(u64::from(number));
            let age = u64::from(parent).saturating_sub(seen);
            if seen > u64::from(parent) || age >= u64::from(BLOCK_HASH_COUNT) {
                return Applied::Invalid;
            }
        }
        // What it is encrypted to may have rotated away while it waited.
        if self.check_carrier(&call, signed, u64::from(number)).is_err() {
            return Applied::Invalid;
        }
        let weight = self.weight(extrinsic);
        let fee = self.fee(extrinsic, signed.tip);
        let runtime = Arc::clone(&self.runtime);
        let mut cx = Ctx::new(&mut self.state, events, u64::from(number), now);
        cx.author = self.config.author.map(|a| a.to_bytes());
        cx.parent_hash = self.history.head_hash();
        cx.phase = Phase::ApplyExtrinsic(index);
        cx.extrinsic_index = index;
        match check_account(&cx, &runtime, &who, signed.nonce, fee) {
            Ok(nonce) if nonce < signed.nonce => return Applied::Later,
            Ok(_) => {}
            Err(_) => return Applied::Invalid,
        }
        if runtime.validate(&mut cx, &who, &call).is_err() {
            return Applied::Invalid;
        }
        if !room.take(&weight, extrinsic.bytes.len()) {
            return Applied::Full;
        }
        let Ok(charge) = runtime.charge_fee(&mut cx, &who, &call, fee) else {
            return Applied::Invalid;
        };
        runtime.bump_nonce(&mut cx, &who);
        let outcome = runtime.dispatch(&mut cx, Origin::Signed(who), &call);
        let free = outcome.is_ok_and(|post| post.free);
        let tip = signed.tip.min(fee);
        runtime.settle_charge(&mut cx, charge, if free { tip } else { fee }, tip);
        let pays = weight.pays && !free;
        self.system.outcome(&mut cx, &self.interface, outcome, &weight, pays);
        Applied::Included
    }

    /// Applies what a carrier carried, right after it. An invalid one is left out.
    fn apply_inner(
        &mut self,
        inner: &Extrinsic,
        index: usize,
        number: u32,
        now: u64,
        events: &mut Vec<EventRecord>,
        room: &mut BlockLimits,
    ) -> bool {
        let Some(signed) = &inner.signed else { return false };
        // A carrier in a carrier is not opened, and does nothing but cost.
        if self.validate(inner, signed, number.saturating_sub(1)).is_err() {
            return false;
        }
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        matches!(self.apply(inner, index, number, now, events, room), Applied::Included)
    }

    /// Tells watchers that a transaction, and those of the same signer after it, may run now.
    pub(super) fn promote(&mut self, who: &[u8; 32], mut nonce: u32) {
        loop {
            nonce = nonce.saturating_add(1);
            let Some(order) = self.pool.at_nonce(who, nonce) else { return };
            let Some(waiting) = self.pool.get_mut(order) else { return };
            if !std::mem::replace(&mut waiting.future, false) {
                return;
            }
            tell(&waiting.watchers, "\"ready\"");
        }
    }

    /// Notifies everybody of a new block, and of what it finalised.
    fn announce(&mut self, number: u32, hash: Hash, included: Vec<Waiting>) {
        if let Some(block) = self.history.block(number) {
            self.feeds.new_head(&block.header);
        }
        let history = &self.history;
        self.feeds.storage(&self.state, hash, || history.newest_keys());
        if !included.is_empty() {
            let text = format!("{{\"inBlock\":\"{}\"}}", crate::local::rpc::json::hex(&hash));
            included.iter().for_each(|waiting| tell(&waiting.watchers, &text));
            self.awaiting_finality.push_back((number, included));
        }
        self.finalize(number.saturating_sub(self.config.finality_lag));
    }

    pub(super) fn finalize(&mut self, up_to: u32) {
        while self.finalized < up_to {
            self.finalized = self.finalized.saturating_add(1);
            if let Some(block) = self.history.block(self.finalized) {
                self.feeds.finalized_head(&block.header);
            }
            let hash = self.history.hash(self.finalized).unwrap_or_default();
            while let Some((number, _)) = self.awaiting_finality.front() {
                if *number > self.finalized {
                    break;
                }
                if let Some((_, included)) = self.awaiting_finality.pop_front() {
                    let text =
                        format!("{{\"finalized\":\"{}\"}}", crate::local::rpc::json::hex(&hash));
                    included.iter().for_each(|waiting| tell(&waiting.watchers, &text));
                }
            }
        }
    }
}
