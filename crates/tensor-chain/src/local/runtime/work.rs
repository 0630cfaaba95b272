//! Registration for work instead of a burn, as runtimes after 461 have it (chain rules 7.11).

use tensor_core::{BlockNumber, Coldkey, Hotkey, NetUid};

use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::error::{DispatchError, errors};
use super::{Account, Runtime};
use crate::pow::Puzzle;

/// Blocks after which work is too old.
const LONGEST_AGE: u64 = 3;

pub(super) fn register(calls: &mut Registrar<'_>) {
    // An interface that was recorded from 461 itself has no such call.
    if calls.knows("SubtensorModule", "pow_register") {
        calls!(calls, "SubtensorModule":
            FREE pow_register(netuid: u16, work_block: u64, nonce: u64, work: [u8; 32], hotkey: Account) => pow_register;
        );
    }
}

impl Runtime {
    fn pow_register(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        work_block: u64,
        nonce: u64,
        work: [u8; 32],
        hotkey: Account,
    ) -> DispatchResult {
        let items = &self.items;
        let coldkey = origin.signed()?;
        if netuid == 0 {
            return Err(errors::SubtensorModule::RegistrationNotPermittedOnRootSubnet);
        }
        self.ensure_exists(cx.state, netuid)?;
        let open = items.network_registration_allowed.get(cx.state, netuid)
            && items.network_pow_registration_allowed.get(cx.state, netuid);
        if !open {
            return Err(errors::SubtensorModule::SubNetRegistrationDisabled);
        }
        if items.uids.contains(cx.state, (netuid, hotkey)) {
            return Err(errors::SubtensorModule::HotKeyAlreadyRegisteredInSubNet);
        }
        let most = items.max_allowed_uids.get(cx.state, netuid);
        let full = items.subnetwork_n.get(cx.state, netuid) >= most;
        let replaced = if full { self.neuron_to_prune(cx.state, netuid, cx.block) } else { None };
        if most == 0 || (full && replaced.is_none()) {
            return Err(errors::SubtensorModule::NoNeuronIdAvailable);
        }
        let this_block = items.registrations_this_block.get(cx.state, netuid);
        if this_block >= items.max_registrations_per_block.get(cx.state, netuid) {
            return Err(errors::SubtensorModule::TooManyRegistrationsThisBlock);
        }
        let block_hash = self.hash_to_work_on(cx, work_block, &hotkey)?;
        let difficulty = items
            .difficulty
            .get(cx.state, netuid)
            .min(items.max_difficulty.get(cx.state, netuid))
            .max(items.min_difficulty.get(cx.state, netuid));
        let puzzle = Puzzle::new(
            NetUid::new(netuid),
            BlockNumber::new(work_block),
            &block_hash,
            Hotkey::from_bytes(hotkey),
            &Coldkey::from_bytes(coldkey),
            difficulty,
        );
        if puzzle.seal(nonce) != work {
            return Err(errors::SubtensorModule::InvalidSeal);
        }
        if !puzzle.is_solved_by(&work) {
            return Err(errors::SubtensorModule::InvalidDifficulty);
        }
        self.create_hotkey(cx, &coldkey, &hotkey)?;
        if !self.owns(cx.state, &coldkey, &hotkey) {
            return Err(errors::SubtensorModule::NonAssociatedColdKey);
        }
        let uid = match replaced {
            None => self.append_neuron(cx, netuid, &hotkey),
            Some(uid) => {
                self.replace_neuron(cx, netuid, uid, &hotkey);
                uid
            }
        };
        items.registrations_this_block.set(cx.state, netuid, &this_block.saturating_add(1));
        self.note_work(cx, &hotkey, work_block);
        cx.emit(self.events.neuron_registered, (netuid, uid, hotkey));
        DONE
    }

    /// The hash of a block that is new enough, and newer than what the hotkey worked on last.
    fn hash_to_work_on(
        &self,
        cx: &Ctx<'_>,
        work_block: u64,
        hotkey: &Account,
    ) -> Result<[u8; 32], DispatchError> {
        let age = cx.block.checked_sub(work_block).filter(|age| *age > 0);
        let recent = age.is_some_and(|age| age < LONGEST_AGE);
        let used = self.last_work(cx.state, hotkey).is_some_and(|last| work_block <= last);
        let number = u32::try_from(work_block).ok().filter(|_| recent && !used);
        number
            .and_then(|number| self.items.block_hash.try_get(cx.state, number))
            .ok_or(errors::SubtensorModule::InvalidWorkBlock)
    }
}
