//! Commits locked until a drand round, opened by the chain (chain rules 8.6).

use parity_scale_codec::Decode;
use sp_crypto_hashing::blake2_256;

use super::super::ctx::{Ctx, Origin};
use super::super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::super::error::{DispatchError, errors};
use super::super::neurons::mechanism_index;
use super::super::{Account, Runtime};
use super::MAX_UNREVEALED;

/// Largest timelocked commit in bytes.
const MAX_COMMIT_SIZE: usize = 5_000;

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

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "SubtensorModule":
        FREE commit_timelocked_weights(netuid: u16, commit: Vec<u8>, reveal_round: u64, commit_reveal_version: u16) => commit_timelocked_weights if check_timelocked;
        FREE commit_timelocked_mechanism_weights(netuid: u16, mecid: u8, commit: Vec<u8>, reveal_round: u64, commit_reveal_version: u16) => commit_timelocked_mechanism_weights if check_timelocked_mechanism;
        FREE commit_crv3_mechanism_weights(netuid: u16, mecid: u8, commit: Vec<u8>, reveal_round: u64) => commit_crv3_mechanism_weights if check_crv3;
    );
}

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
}

impl Runtime {
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
