//! What a validator knows and how far it got: [`State`], one file that is whole or not there.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tensor_core::score::ScoreBook;
use tensor_core::{BlockNumber, Hotkey, NetUid};

use crate::atomic;

/// What outlives the process. Scores and the round that they include are one file, so no round is
/// lost, and none counts twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    netuid: NetUid,
    hotkey: Hotkey,
    /// The last round that the scores include: its block divided by the rounds' distance.
    pub(super) round: Option<u64>,
    /// The epoch, by its first block, for which weights were set last.
    pub(super) weighed: Option<BlockNumber>,
    pub(super) book: ScoreBook,
}

/// Why a state cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The file cannot be read or written.
    #[error("{} cannot be used", .0.display())]
    File(PathBuf, #[source] std::io::Error),
    /// It is no state.
    #[error("{} is no state of a validator", .0.display())]
    Format(PathBuf, #[source] serde_json::Error),
    /// It is that of another hotkey or subnet.
    #[error(
        "{} is the state of {hotkey} on subnet {netuid}: name another file with --state", path.display()
    )]
    Other {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        hotkey: Hotkey,
        /// Of which subnet.
        netuid: NetUid,
    },
}

impl State {
    /// Takes up the state in that file, or begins one.
    pub(super) fn open(
        path: &Path,
        netuid: NetUid,
        hotkey: Hotkey,
        book: ScoreBook,
    ) -> Result<Self, StateError> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { netuid, hotkey, round: None, weighed: None, book });
            }
            Err(source) => return Err(StateError::File(path.into(), source)),
        };
        let state: Self = serde_json::from_slice(&bytes)
            .map_err(|source| StateError::Format(path.into(), source))?;
        if (state.netuid, state.hotkey) != (netuid, hotkey) {
            let Self { netuid, hotkey, .. } = state;
            return Err(StateError::Other { path: path.into(), hotkey, netuid });
        }
        Ok(state)
    }

    /// Writes the file anew.
    pub(super) fn save(&self, path: &Path) -> Result<(), StateError> {
        let bytes = serde_json::to_vec_pretty(self)
            .map_err(|source| StateError::Format(path.into(), source))?;
        atomic::write(path, &bytes).map_err(|source| StateError::File(path.into(), source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_taken_up_by_its_own_validator_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("v.json");
        let open = |netuid, hotkey| {
            let book = ScoreBook::new(0.2).unwrap();
            State::open(&path, NetUid::new(netuid), Hotkey::from_bytes([hotkey; 32]), book)
        };
        let mut state = open(1, 1).unwrap();
        state.round = Some(7);
        state.save(&path).unwrap();
        assert_eq!(open(1, 1).unwrap(), state);
        assert!(matches!(open(2, 1), Err(StateError::Other { .. })));
        assert!(matches!(open(1, 2), Err(StateError::Other { .. })));
        std::fs::write(&path, "{").unwrap();
        assert!(matches!(open(1, 1), Err(StateError::Format(..))));
    }
}
