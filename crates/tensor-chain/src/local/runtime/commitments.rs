//! The Commitments pallet: what a neuron publishes about itself, in the clear or until a drand round (chain rules 11).

use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::error::errors;
use super::{Account, Runtime};
use crate::local::storage::record::{Commitment, CommitmentData};

/// Fields of one commitment.
const MAX_FIELDS: usize = 3;

/// Bytes that even the smallest commitment counts for.
const MIN_SPACE: u64 = 100;

/// Revealed texts kept for each neuron.
const MAX_REVEALS: usize = 10;

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "Commitments":
        FREE set_commitment(netuid: u16, info: Vec<CommitmentData>) => set_commitment;
        PAID set_max_space(new_limit: u32) => set_max_space;
    );
}

impl Runtime {
    fn set_commitment(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        fields: Vec<CommitmentData>,
    ) -> DispatchResult {
        let items = &self.items;
        let who = origin.signed()?;
        let registered = items.networks_added.get(cx.state, netuid)
            && items.uids.contains(cx.state, (netuid, who));
        if !registered {
            return Err(errors::Commitments::AccountNotAllowedCommit);
        }
        if fields.len() > MAX_FIELDS {
            return Err(errors::Commitments::TooManyFieldsInCommitmentInfo);
        }
        let required = fields.iter().map(CommitmentData::len).sum::<u64>().max(MIN_SPACE);
        let mut usage = items.used_space.get(cx.state, (netuid, who));
        let epoch = items.subnet_epoch_index.get(cx.state, netuid);
        if usage.last_epoch != epoch {
            usage.last_epoch = epoch;
            usage.used_space = 0;
        }
        usage.used_space = usage.used_space.saturating_add(required);
        if usage.used_space > u64::from(items.max_space.get(cx.state)) {
            return Err(errors::Commitments::SpaceLimitExceeded);
        }
        let block = u32::try_from(cx.block).unwrap_or(u32::MAX);
        if fields.contains(&CommitmentData::ResetBonds) {
            items.last_bonds_reset.set(cx.state, (netuid, who), &block);
            self.reset_bonds(cx, netuid, &who);
        }
        items.used_space.set(cx.state, (netuid, who), &usage);
        let round = fields.iter().find_map(|field| match field {
            CommitmentData::TimelockEncrypted { reveal_round, .. } => Some(*reveal_round),
            _ => None,
        });
        let commitment = Commitment { deposit: 0, block, fields };
        items.commitment_of.set(cx.state, (netuid, who), &commitment);
        items.last_commitment.set(cx.state, (netuid, who), &block);
        let mut index = items.timelocked_index.get(cx.state);
        match round {
            Some(round) => {
                cx.emit(self.events.timelock_commitment, (netuid, who, round));
                index.insert((netuid, who));
            }
            None => {
                cx.emit(self.events.commitment, (netuid, who));
                index.remove(&(netuid, who));
            }
        }
        items.timelocked_index.set(cx.state, &index);
        DONE
    }

    fn set_max_space(&self, cx: &mut Ctx<'_>, origin: Origin, limit: u32) -> DispatchResult {
        origin.root()?;
        self.items.max_space.set(cx.state, &limit);
        DONE
    }

    /// Removes a neuron's column from everybody's bonds, where the subnet allows that.
    fn reset_bonds(&self, cx: &mut Ctx<'_>, netuid: u16, who: &Account) {
        let items = &self.items;
        if !items.bonds_reset_on.get(cx.state, netuid) {
            return;
        }
        let Some(uid) = self.uid_of(cx.state, netuid, who) else { return };
        for index in self.mechanism_indices(cx.state, netuid) {
            for (holder, mut row) in items.bonds.under(cx.state, index) {
                let before = row.len();
                row.retain(|(target, _)| *target != uid);
                if row.len() != before {
                    items.bonds.set(cx.state, (index, holder), &row);
                }
            }
        }
    }

    /// Opens the timelocked fields whose round has come.
    pub(crate) fn reveal_commitments(&self, cx: &mut Ctx<'_>) {
        let items = &self.items;
        let mut index = match items.timelocked_index.try_get(cx.state) {
            Some(index) if !index.is_empty() => index,
            _ => return,
        };
        let Some(open) = self.timelock else { return };
        let mut index_changed = false;
        for (netuid, who) in index.clone() {
            let Some(mut commitment) = items.commitment_of.try_get(cx.state, (netuid, who)) else {
                index_changed |= index.remove(&(netuid, who));
                continue;
            };
            let mut kept = Vec::new();
            let mut revealed = Vec::new();
            let mut opened = false;
            let mut waits = false;
            for field in commitment.fields {
                let CommitmentData::TimelockEncrypted { encrypted, reveal_round } = field else {
                    kept.push(field);
                    continue;
                };
                match items.pulses.try_get(cx.state, reveal_round) {
                    None => {
                        waits = true;
                        kept.push(CommitmentData::TimelockEncrypted { encrypted, reveal_round });
                    }
                    Some(pulse) => {
                        opened = true;
                        // What does not open, or opens to nothing, is dropped.
                        revealed.extend(
                            open(&encrypted, &pulse.signature).filter(|plain| !plain.is_empty()),
                        );
                    }
                }
            }
            if !waits {
                index_changed |= index.remove(&(netuid, who));
            }
            if !opened {
                continue;
            }
            self.note_reveals(cx, netuid, &who, revealed);
            if kept.is_empty() {
                items.commitment_of.remove(cx.state, (netuid, who));
            } else {
                commitment.fields = kept;
                items.commitment_of.set(cx.state, (netuid, who), &commitment);
            }
        }
        if index_changed {
            items.timelocked_index.set(cx.state, &index);
        }
    }

    fn note_reveals(&self, cx: &mut Ctx<'_>, netuid: u16, who: &Account, plain: Vec<Vec<u8>>) {
        if plain.is_empty() {
            return;
        }
        let mut all = self.items.revealed_commitments.get(cx.state, (netuid, *who));
        for text in plain {
            all.push((text, cx.block));
            cx.emit(self.events.commitment_revealed, (netuid, *who));
        }
        let surplus = all.len().saturating_sub(MAX_REVEALS);
        all.drain(..surplus);
        self.items.revealed_commitments.set(cx.state, (netuid, *who), &all);
    }

    /// Forgets a dissolved subnet's commitments.
    pub(crate) fn purge_commitments(&self, cx: &mut Ctx<'_>, netuid: u16) {
        let items = &self.items;
        items.commitment_of.clear_under(cx.state, netuid);
        items.last_commitment.clear_under(cx.state, netuid);
        items.last_bonds_reset.clear_under(cx.state, netuid);
        items.revealed_commitments.clear_under(cx.state, netuid);
        items.used_space.clear_under(cx.state, netuid);
        let mut index = items.timelocked_index.get(cx.state);
        index.retain(|(on, _)| *on != netuid);
        items.timelocked_index.set(cx.state, &index);
    }
}
