//! Weights that survive a restart: [`Keeper`], one file per validator.
//!
//! The file says what was last set or committed to, and what came of it. It is replaced at once or not
//! at all, and locked while a keeper holds it: a second one does not start.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tensor_core::key::Signer;
use tensor_core::weights::Weights;
use tensor_core::{BlockNumber, Hotkey, MechId, NetUid, Uid};

use super::{SetWeights, WeightsOutcome};
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
    /// Where it was included.
    pub included: BlockNumber,
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

    /// Sets weights and remembers it, before anything else can go wrong.
    ///
    /// # Errors
    /// As [`Subtensor::set_weights`], or the file cannot be written.
    pub async fn set(
        &mut self,
        chain: &Subtensor,
        set: &SetWeights,
        signer: &dyn Signer,
    ) -> Result<WeightsOutcome, KeeperError> {
        let outcome = chain.set_weights(set, signer).await?;
        let (weights, receipt, visible, confirmed) = match &outcome {
            WeightsOutcome::Set { weights, receipt, .. } => {
                (weights, receipt, receipt.block, Some(true))
            }
            WeightsOutcome::Committed { weights, receipt, reveal_block, .. } => {
                (weights, receipt, *reveal_block, None)
            }
            WeightsOutcome::TooSoon { .. } => return Ok(outcome),
        };
        self.write(Record {
            netuid: set.netuid,
            mechanism: set.mechanism,
            hotkey: Hotkey::new(signer.account_id()),
            weights: weights.iter().collect(),
            included: receipt.block,
            visible,
            confirmed,
            next_allowed: outcome.next_allowed(),
        })?;
        Ok(outcome)
    }

    /// Looks at the chain: whether what was last done is visible, and how old the weights are.
    ///
    /// # Errors
    /// The chain cannot be read, or the file not written.
    pub async fn health(&mut self, chain: &Subtensor) -> Result<Health, KeeperError> {
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

    fn write(&mut self, record: Record) -> Result<(), KeeperError> {
        let bytes = serde_json::to_vec_pretty(&record)
            .map_err(|source| KeeperError::Format { path: self.path.clone(), source })?;
        replace(&self.path, &bytes)
            .map_err(|source| KeeperError::File { path: self.path.clone(), source })?;
        self.record = Some(record);
        Ok(())
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
