//! The items that the node itself writes in every block: number, hashes, digest, time, events.

use parity_scale_codec::{Compact, Encode};
use sp_crypto_hashing::twox_64;

use super::BLOCK_HASH_COUNT;
use crate::local::{
    block::{Hash, encode_digest},
    extrinsic::Extrinsic,
    fee::{CallWeight, Class},
    interface::{Interface, InterfaceError},
    runtime::{Ctx, DecodedCall, DispatchError, EventRecord, Phase, PostInfo},
    shield::ShieldKeys,
    state::State,
};

/// Keys and event indices, resolved once.
#[derive(Debug)]
pub(super) struct SystemItems {
    number: [u8; 32],
    parent_hash: [u8; 32],
    block_hash: [u8; 32],
    digest: [u8; 32],
    events: [u8; 32],
    event_count: [u8; 32],
    last_upgrade: [u8; 32],
    now: [u8; 32],
    slot: [u8; 32],
    shield_keys: [[u8; 32]; 3],
    carrier: Option<(u8, u8)>,
    success: (u8, u8),
    failed: (u8, u8),
    timestamp_set: [u8; 2],
    inherent_info: Vec<u8>,
}

impl SystemItems {
    pub(super) fn resolve(interface: &Interface) -> Result<Self, InterfaceError> {
        let mut missing = Vec::new();
        let mut key = |pallet: &str, item: &str| {
            interface.storage(pallet, item).map(|s| s.prefix).unwrap_or_else(|| {
                missing.push(format!("{pallet}.{item}"));
                [0; 32]
            })
        };
        let mut items = Self {
            number: key("System", "Number"),
            parent_hash: key("System", "ParentHash"),
            block_hash: key("System", "BlockHash"),
            digest: key("System", "Digest"),
            events: key("System", "Events"),
            event_count: key("System", "EventCount"),
            last_upgrade: key("System", "LastRuntimeUpgrade"),
            now: key("Timestamp", "Now"),
            slot: key("Aura", "CurrentSlot"),
            shield_keys: [
                key("MevShield", "CurrentKey"),
                key("MevShield", "PendingKey"),
                key("MevShield", "NextKey"),
            ],
            carrier: interface
                .call("MevShield", "submit_encrypted")
                .map(|call| (call.pallet, call.index)),
            success: (0, 0),
            failed: (0, 0),
            timestamp_set: [0; 2],
            inherent_info: CallWeight {
                ref_time: 150_000_000,
                proof_size: 1_493,
                class: Class::Mandatory,
                pays: true,
            }
            .event_info(true),
        };
        let mut event = |name: &str| {
            interface.event_index("System", name).unwrap_or_else(|| {
                missing.push(format!("event System.{name}"));
                (0, 0)
            })
        };
        items.success = event("ExtrinsicSuccess");
        items.failed = event("ExtrinsicFailed");
        match interface.call("Timestamp", "set") {
            Some(call) => items.timestamp_set = [call.pallet, call.index],
            None => missing.push("call Timestamp.set".to_owned()),
        }
        if missing.is_empty() { Ok(items) } else { Err(InterfaceError::Missing(missing)) }
    }

    pub(super) fn genesis(&self, state: &mut State, interface: &Interface, now_ms: u64) {
        state.put(&self.number, &0u32.encode());
        state.put(&self.now, &now_ms.encode());
        self.note_upgrade(state, interface);
    }

    /// Writes down which runtime is in force.
    pub(super) fn note_upgrade(&self, state: &mut State, interface: &Interface) {
        let version = interface.version();
        let upgrade = (Compact(version.spec_version), &version.spec_name);
        state.put(&self.last_upgrade, &upgrade.encode());
    }

    /// Publishes the shield keys of a block's author and of the two after it: current, pending and next one.
    pub(super) fn publish_shield_keys(&self, state: &mut State, keys: &ShieldKeys, block: u64) {
        let [current, pending, next] = &self.shield_keys;
        if block == 0 {
            for (item, key) in [(current, keys.key(0)), (pending, keys.key(1))] {
                state.put(item, &key.public().encode());
            }
        } else {
            for (item, from) in [(current, pending), (pending, next)] {
                let key = state.get(from).map(<[u8]>::to_vec).unwrap_or_default();
                state.put(item, &key);
            }
        }
        let newest = keys.key(block.saturating_add(2));
        state.put(next, &newest.public().encode());
    }

    /// Whether a call carries an encrypted transaction.
    pub(super) fn is_carrier(&self, call: &DecodedCall<'_>) -> bool {
        self.carrier == Some((call.pallet, call.call))
    }

    /// Begins a block.
    pub(super) fn initialize(&self, state: &mut State, number: u32, parent: &Hash, slot: u64) {
        number.using_encoded(|bytes| state.put(&self.number, bytes));
        state.put(&self.parent_hash, parent);
        self.set_block_hash(state, number.saturating_sub(1), parent);
        if let Some(old) = number.checked_sub(BLOCK_HASH_COUNT.saturating_add(1)) {
            state.remove(&self.block_hash_key(old));
        }
        state.put(&self.digest, &encode_digest(Some(slot)));
        slot.using_encoded(|bytes| state.put(&self.slot, bytes));
    }

    /// Applies the timestamp inherent, extrinsic 0 of every block.
    pub(super) fn timestamp(&self, cx: &mut Ctx<'_>, now_ms: u64) -> Extrinsic {
        now_ms.using_encoded(|bytes| cx.state.put(&self.now, bytes));
        let mut call = self.timestamp_set.to_vec();
        Compact(now_ms).encode_to(&mut call);
        cx.events.push(EventRecord {
            phase: Phase::ApplyExtrinsic(0),
            pallet: self.success.0,
            event: self.success.1,
            fields: self.inherent_info.clone(),
        });
        Extrinsic::bare(&call)
    }

    /// Deposits the event that tells how an extrinsic ended.
    pub(super) fn outcome(
        &self,
        cx: &mut Ctx<'_>,
        interface: &Interface,
        outcome: Result<PostInfo, DispatchError>,
        weight: &CallWeight,
        pays: bool,
    ) {
        let info = weight.event_info(pays);
        let ((pallet, event), fields) = match outcome {
            Ok(_) => (self.success, info),
            Err(error) => {
                let mut fields = error.encode_with(interface);
                fields.extend(info);
                (self.failed, fields)
            }
        };
        let phase = cx.phase;
        cx.events.push(EventRecord { phase, pallet, event, fields });
    }

    /// Ends a block: its events become readable.
    pub(super) fn finalize(&self, state: &mut State, events: &[EventRecord]) {
        state.put(&self.events, &events.encode());
        let count = u32::try_from(events.len()).unwrap_or(u32::MAX);
        count.using_encoded(|bytes| state.put(&self.event_count, bytes));
    }

    pub(super) fn set_block_hash(&self, state: &mut State, number: u32, hash: &Hash) {
        state.put(&self.block_hash_key(number), hash);
    }

    /// `System.BlockHash` is hashed with Twox64Concat in every runtime so far.
    fn block_hash_key(&self, number: u32) -> [u8; 44] {
        let mut key = [0; 44];
        let (prefix, rest) = key.split_at_mut(32);
        let (hash, plain) = rest.split_at_mut(8);
        prefix.copy_from_slice(&self.block_hash);
        let number = number.to_le_bytes();
        hash.copy_from_slice(&twox_64(&number));
        plain.copy_from_slice(&number);
        key
    }
}
