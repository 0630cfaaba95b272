//! Weights that are committed first: by hash, or locked until a drand round (chain rules 8.4 to 8.6, 8.9).

use parity_scale_codec::{Compact, Decode, Encode};
use sp_crypto_hashing::blake2_256;

use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::error::{DispatchError, errors};
use super::neurons::mechanism_index;
use super::{Account, Runtime};
use crate::local::state::State;
use crate::local::storage::record::HashCommit;

/// Most commits of a hotkey that may wait at once.
const MAX_UNREVEALED: usize = 10;

/// Largest timelocked commit in bytes.
const MAX_COMMIT_SIZE: usize = 5_000;

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "SubtensorModule":
        FREE commit_weights(netuid: u16, commit_hash: [u8; 32]) => commit_weights if check_commit;
        FREE commit_mechanism_weights(netuid: u16, mecid: u8, commit_hash: [u8; 32]) => commit_mechanism_weights if check_mechanism_commit;
        FREE batch_commit_weights(netuids: Vec<Compact<u16>>, commit_hashes: Vec<[u8; 32]>) => batch_commit_weights if check_batch_commit;
        FREE reveal_weights(netuid: u16, uids: Vec<u16>, values: Vec<u16>, salt: Vec<u16>, version_key: u64) => reveal_weights if check_reveal;
        FREE reveal_mechanism_weights(netuid: u16, mecid: u8, uids: Vec<u16>, values: Vec<u16>, salt: Vec<u16>, version_key: u64) => reveal_mechanism_weights if check_mechanism_reveal;
        FREE batch_reveal_weights(netuid: u16, uids_list: Vec<Vec<u16>>, values_list: Vec<Vec<u16>>, salts_list: Vec<Vec<u16>>, version_keys: Vec<u64>) => batch_reveal_weights if check_batch_reveal;
        FREE commit_timelocked_weights(netuid: u16, commit: Vec<u8>, reveal_round: u64, commit_reveal_version: u16) => commit_timelocked_weights if check_timelocked;
        FREE commit_timelocked_mechanism_weights(netuid: u16, mecid: u8, commit: Vec<u8>, reveal_round: u64, commit_reveal_version: u16) => commit_timelocked_mechanism_weights if check_timelocked_mechanism;
        FREE commit_crv3_mechanism_weights(netuid: u16, mecid: u8, commit: Vec<u8>, reveal_round: u64) => commit_crv3_mechanism_weights if check_crv3;
    );
}

/// What a timelocked commit holds.
#[derive(Debug, Decode)]
struct Payload {
    hotkey: Vec<u8>,
    uids: Vec<u16>,
    values: Vec<u16>,
    version_key: u64,
}

/// The older form, without the hotkey.
#[derive(Debug, Decode)]
struct LegacyPayload {
    uids: Vec<u16>,
    values: Vec<u16>,
    version_key: u64,
}

/// Hash commits.
impl Runtime {
    /// The hash that commits a hotkey to weights: blake2-256 of the SCALE of account, storage index, uids, values, salt and version key.
    #[must_use]
    pub fn weights_commit_hash(
        hotkey: &Account,
        storage_index: u16,
        uids: &[u16],
        values: &[u16],
        salt: &[u16],
        version_key: u64,
    ) -> [u8; 32] {
        blake2_256(&(hotkey, storage_index, uids, values, salt, version_key).encode())
    }

    fn commit_weights(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        hash: [u8; 32],
    ) -> DispatchResult {
        self.commit_mechanism_weights(cx, origin, netuid, 0, hash)
    }

    fn commit_mechanism_weights(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        mecid: u8,
        hash: [u8; 32],
    ) -> DispatchResult {
        self.ensure_mechanism(cx.state, netuid, mecid)?;
        let hotkey = origin.signed()?;
        self.do_commit(cx, &hotkey, netuid, mecid, hash)?;
        DONE
    }

    fn do_commit(
        &self,
        cx: &mut Ctx<'_>,
        hotkey: &Account,
        netuid: u16,
        mecid: u8,
        hash: [u8; 32],
    ) -> Result<(), DispatchError> {
        self.ensure_mechanism(cx.state, netuid, mecid)?;
        let index = mechanism_index(netuid, mecid);
        self.ensure_commit_reveal(cx.state, netuid)?;
        let uid = self.committer_uid(cx, hotkey, netuid, mecid)?;
        let epoch = self.current_epoch(cx.state, netuid, cx.block);
        let mut commits = self.items.weight_commits.get(cx.state, (index, *hotkey));
        self.drop_expired(cx, netuid, &mut commits);
        if commits.len() >= MAX_UNREVEALED {
            return Err(errors::SubtensorModule::TooManyUnrevealedCommits);
        }
        commits.push((hash, epoch, cx.block, 0));
        self.items.weight_commits.set(cx.state, (index, *hotkey), &commits);
        cx.emit(self.events.weights_committed, (*hotkey, index, hash));
        self.set_last_update(cx, index, uid, cx.block);
        Ok(())
    }

    fn batch_commit_weights(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuids: Vec<Compact<u16>>,
        hashes: Vec<[u8; 32]>,
    ) -> DispatchResult {
        let hotkey = origin.signed()?;
        if netuids.len() != hashes.len() {
            return Err(errors::SubtensorModule::InputLengthsUnequal);
        }
        let mut failures = Vec::new();
        for (netuid, hash) in netuids.iter().zip(hashes) {
            let outcome = cx.transact(|cx| self.do_commit(cx, &hotkey, netuid.0, 0, hash));
            if let Err(error) = outcome {
                failures.push((netuid.0, error));
            }
        }
        self.finish_weights_batch(cx, &hotkey, netuids, &failures)
    }

    fn reveal_weights(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        uids: Vec<u16>,
        values: Vec<u16>,
        salt: Vec<u16>,
        version_key: u64,
    ) -> DispatchResult {
        self.reveal_mechanism_weights(cx, origin, netuid, 0, uids, values, salt, version_key)
    }

    fn reveal_mechanism_weights(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        mecid: u8,
        uids: Vec<u16>,
        values: Vec<u16>,
        salt: Vec<u16>,
        version_key: u64,
    ) -> DispatchResult {
        let hotkey = origin.signed()?;
        let index = mechanism_index(netuid, mecid);
        self.ensure_commit_reveal(cx.state, netuid)?;
        let key = (index, hotkey);
        let Some(mut commits) = self.items.weight_commits.try_get(cx.state, key) else {
            return Err(errors::SubtensorModule::NoWeightsCommitFound);
        };
        let expired = self.drop_expired(cx, netuid, &mut commits);
        let hash = Self::weights_commit_hash(&hotkey, index, &uids, &values, &salt, version_key);
        if commits.is_empty() {
            return Err(if expired.contains(&hash) {
                errors::SubtensorModule::ExpiredWeightCommit
            } else {
                errors::SubtensorModule::NoWeightsCommitFound
            });
        }
        let Some(at) = commits.iter().position(|commit| commit.0 == hash) else {
            return Err(if expired.contains(&hash) {
                errors::SubtensorModule::ExpiredWeightCommit
            } else {
                errors::SubtensorModule::InvalidRevealCommitHashNotMatch
            });
        };
        if !commits.get(at).is_some_and(|commit| self.in_reveal_window(cx, netuid, commit.1)) {
            return Err(errors::SubtensorModule::RevealTooEarly);
        }
        commits.drain(..=at);
        self.put_commits(cx, index, &hotkey, &commits);
        self.store_weights(cx, &hotkey, netuid, mecid, &uids, &values, version_key)?;
        cx.emit(self.events.weights_revealed, (hotkey, index, hash));
        DONE
    }

    fn batch_reveal_weights(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        uids_list: Vec<Vec<u16>>,
        values_list: Vec<Vec<u16>>,
        salts_list: Vec<Vec<u16>>,
        version_keys: Vec<u64>,
    ) -> DispatchResult {
        let count = uids_list.len();
        if [values_list.len(), salts_list.len(), version_keys.len()] != [count; 3] {
            return Err(errors::SubtensorModule::InputLengthsUnequal);
        }
        let hotkey = origin.signed()?;
        self.ensure_commit_reveal(cx.state, netuid)?;
        let Some(mut commits) = self.items.weight_commits.try_get(cx.state, (netuid, hotkey))
        else {
            return Err(errors::SubtensorModule::NoWeightsCommitFound);
        };
        let expired = self.drop_expired(cx, netuid, &mut commits);
        let items = uids_list.iter().zip(&values_list).zip(&salts_list).zip(&version_keys);
        let reveals: Vec<_> = items
            .map(|(((uids, values), salt), key)| {
                let hash = Self::weights_commit_hash(&hotkey, netuid, uids, values, salt, *key);
                (uids, values, *key, hash)
            })
            .collect();
        let mut hashes = Vec::with_capacity(count);
        for (_, _, _, hash) in &reveals {
            let Some(commit) = commits.iter().find(|commit| commit.0 == *hash) else {
                return Err(if expired.contains(hash) {
                    errors::SubtensorModule::ExpiredWeightCommit
                } else {
                    errors::SubtensorModule::InvalidRevealCommitHashNotMatch
                });
            };
            if !self.in_reveal_window(cx, netuid, commit.1) {
                return Err(errors::SubtensorModule::RevealTooEarly);
            }
        }
        for (uids, values, key, hash) in reveals {
            let Some(at) = commits.iter().position(|commit| commit.0 == hash) else {
                return Err(errors::SubtensorModule::InvalidRevealCommitHashNotMatch);
            };
            commits.remove(at);
            self.store_weights(cx, &hotkey, netuid, 0, uids, values, key)?;
            hashes.push(hash);
        }
        self.put_commits(cx, netuid, &hotkey, &commits);
        cx.emit(self.events.weights_batch_revealed, (hotkey, netuid, hashes));
        DONE
    }

    fn put_commits(
        &self,
        cx: &mut Ctx<'_>,
        index: u16,
        hotkey: &Account,
        commits: &Vec<HashCommit>,
    ) {
        if commits.is_empty() {
            self.items.weight_commits.remove(cx.state, (index, *hotkey));
        } else {
            self.items.weight_commits.set(cx.state, (index, *hotkey), commits);
        }
    }

    /// Removes expired commits from the front; returns their hashes.
    fn drop_expired(
        &self,
        cx: &Ctx<'_>,
        netuid: u16,
        commits: &mut Vec<HashCommit>,
    ) -> Vec<[u8; 32]> {
        let live = commits.iter().position(|commit| !self.is_expired(cx, netuid, commit.1));
        let expired = live.unwrap_or(commits.len());
        commits.drain(..expired).map(|commit| commit.0).collect()
    }

    fn is_expired(&self, cx: &Ctx<'_>, netuid: u16, epoch: u64) -> bool {
        let period = self.items.reveal_period.get(cx.state, netuid);
        self.current_epoch(cx.state, netuid, cx.block) > epoch.saturating_add(period)
    }

    /// A commit may be revealed in exactly one epoch.
    fn in_reveal_window(&self, cx: &Ctx<'_>, netuid: u16, epoch: u64) -> bool {
        let period = self.items.reveal_period.get(cx.state, netuid);
        self.current_epoch(cx.state, netuid, cx.block) == epoch.saturating_add(period)
    }

    fn ensure_commit_reveal(&self, state: &State, netuid: u16) -> Result<(), DispatchError> {
        if self.items.commit_reveal_enabled.get(state, netuid) {
            Ok(())
        } else {
            Err(errors::SubtensorModule::CommitRevealDisabled)
        }
    }

    fn committer_uid(
        &self,
        cx: &Ctx<'_>,
        hotkey: &Account,
        netuid: u16,
        mecid: u8,
    ) -> Result<u16, DispatchError> {
        let Some(uid) = self.uid_of(cx.state, netuid, hotkey) else {
            return Err(errors::SubtensorModule::HotKeyNotRegisteredInSubNet);
        };
        if !self.weights_rate_passes(cx, netuid, mecid, uid) {
            return Err(errors::SubtensorModule::CommittingWeightsTooFast);
        }
        Ok(uid)
    }
}

/// Timelocked commits.
impl Runtime {
    fn commit_timelocked_weights(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        commit: Vec<u8>,
        round: u64,
        version: u16,
    ) -> DispatchResult {
        self.commit_timelocked_mechanism_weights(cx, origin, netuid, 0, commit, round, version)
    }

    fn commit_crv3_mechanism_weights(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        mecid: u8,
        commit: Vec<u8>,
        round: u64,
    ) -> DispatchResult {
        let version = self.items.commit_reveal_version.get(cx.state);
        self.commit_timelocked_mechanism_weights(cx, origin, netuid, mecid, commit, round, version)
    }

    fn commit_timelocked_mechanism_weights(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        mecid: u8,
        commit: Vec<u8>,
        round: u64,
        version: u16,
    ) -> DispatchResult {
        if commit.len() > MAX_COMMIT_SIZE {
            // A bounded vector of this length does not decode on the chain.
            return Err(DispatchError::Other);
        }
        self.ensure_mechanism(cx.state, netuid, mecid)?;
        let index = mechanism_index(netuid, mecid);
        let hotkey = origin.signed()?;
        self.ensure_commit_reveal(cx.state, netuid)?;
        if version != self.items.commit_reveal_version.get(cx.state) {
            return Err(errors::SubtensorModule::IncorrectCommitRevealVersion);
        }
        let uid = self.committer_uid(cx, &hotkey, netuid, mecid)?;
        let epoch = self.current_epoch(cx.state, netuid, cx.block);
        let mut commits = self.items.timelocked_commits.get(cx.state, (index, epoch));
        let waiting = commits.iter().filter(|commit| commit.0 == hotkey).count();
        if waiting >= MAX_UNREVEALED {
            return Err(errors::SubtensorModule::TooManyUnrevealedCommits);
        }
        let hash = blake2_256(&commit);
        commits.push((hotkey, cx.block, commit, round));
        self.items.timelocked_commits.set(cx.state, (index, epoch), &commits);
        cx.emit(self.events.timelocked_weights_committed, (hotkey, index, hash, round));
        self.set_last_update(cx, index, uid, cx.block);
        DONE
    }

    /// Reveals what has become due, before this block's epochs, so that it counts in them.
    pub(crate) fn reveal_timelocked_weights(&self, cx: &mut Ctx<'_>, subnets: &[u16]) {
        if cx.state.keys_with_prefix(self.items.timelocked_commits.prefix()).next().is_none() {
            return;
        }
        let deferred = self.deferred_epochs(cx, subnets);
        for netuid in subnets.iter().copied().filter(|netuid| !deferred.contains(netuid)) {
            let epoch = self.current_epoch(cx.state, netuid, cx.block);
            let period = self.items.reveal_period.get(cx.state, netuid);
            let due = epoch.saturating_sub(period);
            for mecid in 0..self.mechanisms(cx.state, netuid) {
                let index = mechanism_index(netuid, mecid);
                for (old, _) in self.items.timelocked_commits.under(cx.state, index) {
                    if old < due {
                        self.items.timelocked_commits.remove(cx.state, (index, old));
                    }
                }
                if epoch < period {
                    break;
                }
                self.reveal_due(cx, netuid, mecid, due);
            }
        }
    }

    fn reveal_due(&self, cx: &mut Ctx<'_>, netuid: u16, mecid: u8, epoch: u64) {
        let index = mechanism_index(netuid, mecid);
        let Some(commits) = self.items.timelocked_commits.take(cx.state, (index, epoch)) else {
            return;
        };
        let mut waiting = Vec::new();
        for commit in commits {
            let Some(pulse) = self.items.pulses.try_get(cx.state, commit.3) else {
                // The pulse may still come within this epoch.
                waiting.push(commit);
                continue;
            };
            let Some(open) = self.timelock else {
                waiting.push(commit);
                continue;
            };
            let hotkey = commit.0;
            let Some(weights) =
                open(&commit.2, &pulse.signature).and_then(|plain| read_payload(&plain, &hotkey))
            else {
                continue;
            };
            let (uids, values, version_key) = weights;
            let stored = cx.transact(|cx| {
                self.store_weights(cx, &hotkey, netuid, mecid, &uids, &values, version_key)
            });
            if stored.is_ok() {
                cx.emit(self.events.timelocked_weights_revealed, (index, hotkey));
            }
        }
        if !waiting.is_empty() {
            self.items.timelocked_commits.set(cx.state, (index, epoch), &waiting);
        }
    }

    /// For each uid the block of its earliest commit that may still be revealed; the epoch hides newer neurons from older commits.
    pub(crate) fn live_commit_blocks(
        &self,
        cx: &Ctx<'_>,
        netuid: u16,
        index: u16,
        hotkeys: &[Account],
    ) -> Vec<Option<u64>> {
        let mut timelocked: std::collections::HashMap<Account, u64> =
            std::collections::HashMap::new();
        for (epoch, commits) in self.items.timelocked_commits.under(cx.state, index) {
            if self.is_expired(cx, netuid, epoch) {
                continue;
            }
            for commit in commits {
                let earliest = timelocked.entry(commit.0).or_insert(commit.1);
                *earliest = (*earliest).min(commit.1);
            }
        }
        let hashed = self.items.weight_commits.under(cx.state, index);
        let hashed: std::collections::HashMap<Account, u64> = hashed
            .into_iter()
            .filter_map(|(hotkey, commits)| {
                let live = commits.iter().find(|commit| !self.is_expired(cx, netuid, commit.1))?;
                Some((hotkey, live.2))
            })
            .collect();
        if timelocked.is_empty() && hashed.is_empty() {
            return Vec::new();
        }
        hotkeys
            .iter()
            .map(|hotkey| {
                [timelocked.get(hotkey), hashed.get(hotkey)].into_iter().flatten().min().copied()
            })
            .collect()
    }
}

/// The checks before inclusion.
impl Runtime {
    fn check_commit(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        netuid: &u16,
        hash: &[u8; 32],
    ) -> Result<(), DispatchError> {
        self.check_mechanism_commit(cx, who, netuid, &0, hash)
    }

    fn check_mechanism_commit(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        netuid: &u16,
        mecid: &u8,
        _hash: &[u8; 32],
    ) -> Result<(), DispatchError> {
        self.ensure_weights_stake(cx.state, who, *netuid)?;
        let too_fast = errors::SubtensorModule::CommittingWeightsTooFast;
        self.check_weights_rate(cx, who, *netuid, *mecid, too_fast)
    }

    fn check_batch_commit(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        netuids: &[Compact<u16>],
        hashes: &[[u8; 32]],
    ) -> Result<(), DispatchError> {
        if netuids.len() != hashes.len() {
            return Err(errors::SubtensorModule::InputLengthsUnequal);
        }
        netuids.iter().try_for_each(|netuid| self.ensure_weights_stake(cx.state, who, netuid.0))
    }

    fn check_reveal(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        netuid: &u16,
        uids: &[u16],
        values: &[u16],
        salt: &[u16],
        version_key: &u64,
    ) -> Result<(), DispatchError> {
        self.check_mechanism_reveal(cx, who, netuid, &0, uids, values, salt, version_key)
    }

    fn check_mechanism_reveal(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        netuid: &u16,
        mecid: &u8,
        uids: &[u16],
        values: &[u16],
        salt: &[u16],
        version_key: &u64,
    ) -> Result<(), DispatchError> {
        self.ensure_weights_stake(cx.state, who, *netuid)?;
        let index = mechanism_index(*netuid, *mecid);
        let hash = Self::weights_commit_hash(who, index, uids, values, salt, *version_key);
        self.check_revealable(cx, who, *netuid, index, &hash)
    }

    fn check_batch_reveal(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        netuid: &u16,
        uids_list: &[Vec<u16>],
        values_list: &[Vec<u16>],
        salts_list: &[Vec<u16>],
        version_keys: &[u64],
    ) -> Result<(), DispatchError> {
        let count = uids_list.len();
        if [values_list.len(), salts_list.len(), version_keys.len()] != [count; 3] {
            return Err(errors::SubtensorModule::InputLengthsUnequal);
        }
        self.ensure_weights_stake(cx.state, who, *netuid)?;
        if !self.items.weight_commits.contains(cx.state, (*netuid, *who)) {
            return Err(errors::SubtensorModule::NoWeightsCommitFound);
        }
        let items = uids_list.iter().zip(values_list).zip(salts_list).zip(version_keys);
        for (((uids, values), salt), version_key) in items {
            let hash = Self::weights_commit_hash(who, *netuid, uids, values, salt, *version_key);
            self.check_revealable(cx, who, *netuid, *netuid, &hash)?;
        }
        Ok(())
    }

    fn check_revealable(
        &self,
        cx: &Ctx<'_>,
        who: &Account,
        netuid: u16,
        index: u16,
        hash: &[u8; 32],
    ) -> Result<(), DispatchError> {
        let commits = self.items.weight_commits.try_get(cx.state, (index, *who));
        let commit = commits.iter().flatten().find(|commit| commit.0 == *hash);
        match commit {
            None => Err(errors::SubtensorModule::NoWeightsCommitFound),
            Some(commit) if self.in_reveal_window(cx, netuid, commit.1) => Ok(()),
            Some(_) => Err(errors::SubtensorModule::RevealTooEarly),
        }
    }

    fn check_timelocked(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        netuid: &u16,
        _commit: &[u8],
        round: &u64,
        _version: &u16,
    ) -> Result<(), DispatchError> {
        self.check_round(cx, who, *netuid, *round)
    }

    fn check_timelocked_mechanism(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        netuid: &u16,
        _mecid: &u8,
        _commit: &[u8],
        round: &u64,
        _version: &u16,
    ) -> Result<(), DispatchError> {
        self.check_round(cx, who, *netuid, *round)
    }

    fn check_crv3(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        netuid: &u16,
        _mecid: &u8,
        _commit: &[u8],
        round: &u64,
    ) -> Result<(), DispatchError> {
        self.check_round(cx, who, *netuid, *round)
    }

    fn check_round(
        &self,
        cx: &Ctx<'_>,
        who: &Account,
        netuid: u16,
        round: u64,
    ) -> Result<(), DispatchError> {
        self.ensure_weights_stake(cx.state, who, netuid)?;
        if round < self.items.last_stored_round.get(cx.state) {
            return Err(errors::SubtensorModule::InvalidRevealRound);
        }
        Ok(())
    }
}

/// Weights of a decrypted commit, if it was made by `hotkey`.
fn read_payload(plain: &[u8], hotkey: &Account) -> Option<(Vec<u16>, Vec<u16>, u64)> {
    let legacy = || {
        let payload = LegacyPayload::decode(&mut &plain[..]).ok()?;
        Some((payload.uids, payload.values, payload.version_key))
    };
    match Payload::decode(&mut &plain[..]) {
        Ok(payload) if payload.hotkey.get(..32) == Some(hotkey) => {
            Some((payload.uids, payload.values, payload.version_key))
        }
        Ok(payload) if payload.hotkey.len() < 32 => legacy(),
        Ok(_) => None,
        Err(_) => legacy(),
    }
}
