//! Commits by hash, opened by their maker in the reveal window (chain rules 8.4, 8.5).

use parity_scale_codec::{Compact, Encode};
use sp_crypto_hashing::blake2_256;

use super::super::ctx::{Ctx, Origin};
use super::super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::super::error::{DispatchError, errors};
use super::super::neurons::mechanism_index;
use super::super::{Account, Runtime};
use super::MAX_UNREVEALED;
use crate::local::storage::record::HashCommit;

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "SubtensorModule":
        FREE commit_weights(netuid: u16, commit_hash: [u8; 32]) => commit_weights if check_commit;
        FREE commit_mechanism_weights(netuid: u16, mecid: u8, commit_hash: [u8; 32]) => commit_mechanism_weights if check_mechanism_commit;
        FREE batch_commit_weights(netuids: Vec<Compact<u16>>, commit_hashes: Vec<[u8; 32]>) => batch_commit_weights if check_batch_commit;
        FREE reveal_weights(netuid: u16, uids: Vec<u16>, values: Vec<u16>, salt: Vec<u16>, version_key: u64) => reveal_weights if check_reveal;
        FREE reveal_mechanism_weights(netuid: u16, mecid: u8, uids: Vec<u16>, values: Vec<u16>, salt: Vec<u16>, version_key: u64) => reveal_mechanism_weights if check_mechanism_reveal;
        FREE batch_reveal_weights(netuid: u16, uids_list: Vec<Vec<u16>>, values_list: Vec<Vec<u16>>, salts_list: Vec<Vec<u16>>, version_keys: Vec<u64>) => batch_reveal_weights if check_batch_reveal;
    );
}

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

    /// A commit may be revealed in exactly one epoch.
    fn in_reveal_window(&self, cx: &Ctx<'_>, netuid: u16, epoch: u64) -> bool {
        let period = self.items.reveal_period.get(cx.state, netuid);
        self.current_epoch(cx.state, netuid, cx.block) == epoch.saturating_add(period)
    }
}

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
}
