//! Weights that survive a restart: [`Keeper`], one file per validator.
//!
//! The file says what was last set or committed to, and what came of it. It is written before anything is
//! sent and again after, so a process that dies between the two finds out, when it is back, what became of
//! what it sent. It is replaced at once or not at all, and locked while a keeper holds it: a second one
//! does not start.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tensor_core::key::Signer;
use tensor_core::weights::Weights;
use tensor_core::{BlockNumber, Hotkey, MechId, NetUid, Uid};

use super::prepare::{Prepared, Ready};
use super::{SetWeights, WeightsOutcome, storage_index};
use crate::client::Subtensor;
use crate::error::Error;

/// Keeps one hotkey's weights on one mechanism of one subnet.
#[derive(Debug)]
pub struct Keeper {
    path: PathBuf,
    /// Held, not read: the operating system lets go of it with the process.
    _lock: File,
    record: Option<Record>,
}

/// What was last done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Record {
    /// The subnet.
    pub netuid: NetUid,
    /// The mechanism.
    pub mechanism: MechId,
    /// The hotkey.
    pub hotkey: Hotkey,
    /// Uids and values.
    pub weights: Vec<(Uid, u16)>,
    /// Where it was included; while it is pending, the newest block before it was sent.
    pub included: BlockNumber,
    /// It was about to be sent, and whether it was included is not known yet.
    #[serde(default)]
    pub pending: bool,
    /// The drand round that opens it, if it is a commitment.
    #[serde(default)]
    pub reveal_round: Option<u64>,
    /// Where it becomes visible: the block of inclusion, or that of the reveal.
    pub visible: BlockNumber,
    /// Whether it was seen on chain; `None` while it cannot be yet.
    pub confirmed: Option<bool>,
    /// The first block that takes weights again.
    pub next_allowed: BlockNumber,
}

/// How a validator's weights are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Health {
    /// What was last set is on chain and fresh.
    Good,
    /// What was last committed to opens at that block.
    Waiting(BlockNumber),
    /// Nothing was set for more than two epochs, or never.
    Stale {
        /// The last time, by the chain; `None` for never.
        last: Option<BlockNumber>,
    },
    /// What was set or committed to is not on chain although it should be.
    Lost {
        /// Since which block it should be.
        expected: BlockNumber,
    },
}

impl Health {
    /// Whether something must be done.
    pub const fn is_red(self) -> bool {
        matches!(self, Self::Stale { .. } | Self::Lost { .. })
    }
}

/// Why a keeper's file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeeperError {
    /// Another keeper holds it.
    #[error("{0} is in use by another instance")]
    InUse(PathBuf),
    /// It cannot be read or written.
    #[error("{path} cannot be used")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It does not hold what a keeper writes.
    #[error("{path} is no keeper's file")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// The chain.
    #[error(transparent)]
    Chain(#[from] Error),
}

impl Keeper {
    /// Takes the file, or starts it.
    ///
    /// # Errors
    /// [`KeeperError::InUse`] while another keeper holds it, or what keeps it from being read.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, KeeperError> {
        let path = path.into();
        let file = |source| KeeperError::File { path: path.clone(), source };
        let lock = lock_path(&path);
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(lock);
        let lock = lock.map_err(file)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(KeeperError::InUse(path)),
            Err(TryLockError::Error(source)) => return Err(file(source)),
        }
        let record = match std::fs::read(&path) {
            Ok(bytes) => Some(
                serde_json::from_slice(&bytes)
                    .map_err(|source| KeeperError::Format { path: path.clone(), source })?,
            ),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(file(source)),
        };
        Ok(Self { path, _lock: lock, record })
    }

    /// What was last done.
    pub const fn record(&self) -> Option<&Record> {
        self.record.as_ref()
    }

    /// Sets weights, and notes it before anything is sent and again when it is included. While it is not
    /// known what became of what an earlier process sent, nothing new is.
    ///
    /// # Errors
    /// As [`Subtensor::set_weights`], or the file cannot be written.
    pub async fn set(
        &mut self,
        chain: &Subtensor,
        set: &SetWeights,
        signer: &dyn Signer,
    ) -> Result<WeightsOutcome, KeeperError> {
        if let Some(wait) = self.settle(chain).await? {
            return Ok(WeightsOutcome::TooSoon { next_allowed: wait });
        }
        let hotkey = Hotkey::new(signer.account_id());
        let ready = match chain.prepare_weights(set, &hotkey).await? {
            Prepared::TooSoon(next_allowed) => return Ok(WeightsOutcome::TooSoon { next_allowed }),
            Prepared::Ready(ready) => ready,
        };
        let before = self.record.clone();
        let mut record = Record::about_to_send(set, hotkey, &ready);
        self.write(record.clone())?;
        let receipt = match chain.submit(&ready.call, signer).await {
            Ok(receipt) => receipt,
            Err(error) => {
                // Of anything else it is proven that nothing came of it.
                if !matches!(error, Error::FateUnknown { .. }) {
                    self.restore(before)?;
                }
                return Err(error.into());
            }
        };
        record.pending = false;
        record.included = receipt.block;
        record.next_allowed = receipt.block.saturating_add(ready.rate_limit);
        if ready.reveal.is_none() {
            record.visible = receipt.block;
        }
        self.write(record.clone())?;
        let outcome = chain.weights_outcome(set, ready, receipt).await;
        if record.reveal_round.is_none() {
            record.confirmed = Some(outcome.is_ok());
            self.write(record)?;
        }
        Ok(outcome?)
    }

    /// Looks at the chain: whether what was last done is visible, and how old the weights are.
    ///
    /// # Errors
    /// The chain cannot be read, or the file not written.
    pub async fn health(&mut self, chain: &Subtensor) -> Result<Health, KeeperError> {
        if let Some(until) = self.settle(chain).await? {
            return Ok(Health::Waiting(until));
        }
        let Some(mut record) = self.record.clone() else {
            return Ok(Health::Stale { last: None });
        };
        let chain = chain.pinned().await?;
        let (now, tempo, uid) = futures::try_join!(
            chain.block_number(),
            chain.tempo(record.netuid),
            chain.uid(record.netuid, &record.hotkey)
        )?;
        // The last block of the epoch is the last chance of a commitment to open.
        let tempo = u64::from(tempo.value());
        let last_chance = record.visible.saturating_add(tempo);
        if record.confirmed.is_none() && now >= record.visible {
            let seen = match (uid, Weights::new(record.weights.iter().copied())) {
                (Some(uid), Ok(weights)) => {
                    chain.confirm_weights(record.netuid, record.mechanism, uid, &weights).await?
                }
                _ => false,
            };
            if seen || now > last_chance {
                record.confirmed = Some(seen);
                self.write(record.clone())?;
            }
        }
        Ok(match record.confirmed {
            Some(false) => Health::Lost { expected: record.visible },
            None => Health::Waiting(record.visible),
            Some(true) if now.since(record.included) > tempo.saturating_mul(2) => {
                Health::Stale { last: Some(record.included) }
            }
            Some(true) => Health::Good,
        })
    }

    /// Finds out what became of what an earlier process was about to send; until when to wait, while
    /// nobody can know.
    async fn settle(&mut self, chain: &Subtensor) -> Result<Option<BlockNumber>, KeeperError> {
        let Some(mut record) = self.record.clone().filter(|record| record.pending) else {
            return Ok(None);
        };
        let chain = chain.pinned().await?;
        let (now, found) = futures::try_join!(chain.block_number(), record.find(&chain))?;
        // Its era began with a final block, some before the newest one of then.
        let over = record.included.saturating_add(chain.era_period());
        match found {
            Some(included) => {
                let delay = included.since(record.included);
                record.next_allowed = record.next_allowed.saturating_add(delay);
                record.included = included;
                if record.reveal_round.is_none() {
                    record.visible = included;
                }
            }
            None if now <= over => return Ok(Some(over.saturating_add(1))),
            None => record.confirmed = Some(false),
        }
        record.pending = false;
        self.write(record)?;
        Ok(None)
    }

    /// Back to what was noted before.
    fn restore(&mut self, record: Option<Record>) -> Result<(), KeeperError> {
        if let Some(record) = record {
            return self.write(record);
        }
        std::fs::remove_file(&self.path)
            .map_err(|source| KeeperError::File { path: self.path.clone(), source })?;
        self.record = None;
        Ok(())
    }

    fn write(&mut self, record: Record) -> Result<(), KeeperError> {
        let bytes = serde_json::to_vec_pretty(&record)
            .map_err(|source| KeeperError::Format { path: self.path.clone(), source })?;
        replace(&self.path, &bytes)
            .map_err(|source| KeeperError::File { path: self.path.clone(), source })?;
        self.record = Some(record);
        Ok(())
    }
}

impl Record {
    fn about_to_send(set: &SetWeights, hotkey: Hotkey, ready: &Ready) -> Self {
        let visible = ready.reveal.map(|reveal| reveal.block);
        Self {
            netuid: set.netuid,
            mechanism: set.mechanism,
            hotkey,
            weights: ready.weights.iter().collect(),
            included: ready.block,
            pending: true,
            reveal_round: ready.reveal.map(|reveal| reveal.round),
            visible: visible.unwrap_or_else(|| ready.block.saturating_add(1)),
            confirmed: None,
            next_allowed: ready.block.saturating_add(ready.rate_limit),
        }
    }

    /// The block that included it, if one did: a commitment to its round, or weights newer than it.
    async fn find(&self, chain: &Subtensor) -> Result<Option<BlockNumber>, Error> {
        if let Some(round) = self.reveal_round {
            let commits = chain.timelocked_weight_commits(self.netuid, self.mechanism).await?;
            let own = commits.iter().find(|commit| {
                let same = (commit.hotkey, commit.reveal_round) == (self.hotkey, round);
                same && commit.block > self.included
            });
            if let Some(commit) = own {
                return Ok(Some(commit.block));
            }
        }
        let Some(uid) = chain.uid(self.netuid, &self.hotkey).await? else { return Ok(None) };
        let keys = [storage_index(self.netuid, self.mechanism)?];
        let updates: Vec<u64> = chain.storage_as("SubtensorModule", "LastUpdate", &keys).await?;
        let last = updates.get(uid.index()).copied().map(BlockNumber::new);
        Ok(last.filter(|last| *last > self.included))
    }
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    path.with_file_name(name)
}

/// Whoever reads sees the old file or the new one.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}
