//! Work for a slot: the puzzle of `SubtensorModule.pow_register`, and a solver.
//!
//! The puzzle binds subnet, block, hotkey and coldkey, so a solution is of use to nobody else and only
//! for a few blocks: `seal = keccak256(sha256(domain ‖ netuid ‖ block hash ‖ hotkey ‖ coldkey ‖ nonce))`,
//! and the seal as a little-endian number times the difficulty must stay below 2²⁵⁶. Runtimes after 461
//! have it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sha2::{Digest, Sha256};
use sp_crypto_hashing::keccak_256;
use tensor_core::{BlockNumber, Coldkey, Hotkey, NetUid};

use crate::intent::PowRegister;

/// What the puzzle starts with.
const DOMAIN: &[u8] = b"subtensor-pow-register-v1";

/// How many nonces a thread tries between two looks at whether it shall stop.
const BATCH: u64 = 4096;

/// A puzzle without its nonce.
#[derive(Clone)]
pub struct Puzzle {
    /// The state after everything but the nonce.
    prefix: Sha256,
    difficulty: u64,
    netuid: NetUid,
    block: BlockNumber,
    hotkey: Hotkey,
}

/// A nonce that solves a puzzle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Solution {
    /// The nonce.
    pub nonce: u64,
    /// What it gives.
    pub seal: [u8; 32],
}

/// How far a solver has come; share it with whoever shows it or stops it.
#[derive(Debug, Default)]
pub struct Progress {
    tried: AtomicU64,
    stop: AtomicBool,
}

impl Progress {
    /// Nothing tried.
    pub const fn new() -> Self {
        Self { tried: AtomicU64::new(0), stop: AtomicBool::new(false) }
    }

    /// How many nonces were tried.
    pub fn tried(&self) -> u64 {
        self.tried.load(Ordering::Relaxed)
    }

    /// Makes the solver give up: the block is too old, or somebody has had enough.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Puzzle {
    /// The puzzle for a slot, on that block. A difficulty of 0 counts as 1.
    pub fn new(
        netuid: NetUid,
        block: BlockNumber,
        block_hash: &[u8; 32],
        hotkey: Hotkey,
        coldkey: &Coldkey,
        difficulty: u64,
    ) -> Self {
        let mut prefix = Sha256::new();
        prefix.update(DOMAIN);
        prefix.update(netuid.value().to_le_bytes());
        prefix.update(block_hash);
        prefix.update(hotkey.as_bytes());
        prefix.update(coldkey.as_bytes());
        Self { prefix, difficulty: difficulty.max(1), netuid, block, hotkey }
    }

    /// What a nonce gives.
    pub fn seal(&self, nonce: u64) -> [u8; 32] {
        let mut hash = self.prefix.clone();
        hash.update(nonce.to_le_bytes());
        keccak_256(&hash.finalize())
    }

    /// Whether a nonce's seal solves the puzzle.
    pub fn is_solved_by(&self, seal: &[u8; 32]) -> bool {
        let mut carry = 0u128;
        for limb in seal.chunks_exact(8) {
            let limb = limb.try_into().map(u64::from_le_bytes).unwrap_or(u64::MAX);
            carry = (u128::from(limb) * u128::from(self.difficulty) + carry) >> 64;
        }
        carry == 0
    }

    /// Tries nonces from `start` on in that many threads, until one solves it or `progress` says stop.
    /// Blocks its thread.
    pub fn solve(&self, start: u64, threads: usize, progress: &Progress) -> Option<Solution> {
        let next = AtomicU64::new(0);
        let found = std::sync::Mutex::new(None);
        std::thread::scope(|scope| {
            for _ in 0..threads.max(1) {
                scope.spawn(|| {
                    while !progress.stop.load(Ordering::Relaxed) {
                        let offset = next.fetch_add(BATCH, Ordering::Relaxed);
                        let solution = self.try_batch(start.wrapping_add(offset));
                        progress.tried.fetch_add(BATCH, Ordering::Relaxed);
                        if let Some(solution) = solution {
                            let mut found = found.lock().unwrap_or_else(|e| e.into_inner());
                            found.get_or_insert(solution);
                            progress.stop();
                        }
                    }
                });
            }
        });
        found.into_inner().unwrap_or_else(|error| error.into_inner())
    }

    /// The registration that a solution pays for.
    pub fn registration(&self, solution: &Solution) -> PowRegister {
        let work = solution.seal.to_vec();
        PowRegister::new(self.netuid, self.block, solution.nonce, work, self.hotkey)
    }

    fn try_batch(&self, from: u64) -> Option<Solution> {
        (0..BATCH).map(|offset| from.wrapping_add(offset)).find_map(|nonce| {
            let seal = self.seal(nonce);
            self.is_solved_by(&seal).then_some(Solution { nonce, seal })
        })
    }
}

impl std::fmt::Debug for Puzzle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Puzzle(subnet {}, difficulty {})", self.netuid, self.difficulty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn puzzle(difficulty: u64) -> Puzzle {
        let (hotkey, coldkey) = (Hotkey::from_bytes([0x22; 32]), Coldkey::from_bytes([0x33; 32]));
        let block = BlockNumber::new(10);
        Puzzle::new(NetUid::new(7), block, &[0x11; 32], hotkey, &coldkey, difficulty)
    }

    /// Seals of an independent program (Keccak written out, hashlib's SHA-256).
    #[test]
    fn seals_of_another_program() {
        for (nonce, seal) in SEALS {
            assert_eq!(hex::encode(puzzle(1).seal(nonce)), seal);
        }
    }

    const SEALS: [(u64, &str); 3] = [
        (0, "51e1169c52309c243f659cff05c24cd8989d990049651bdfda476870f1b7606f"),
        (1, "202c62e2a48401b58d004aa61658c5344f134e27a6b1daf7d9ebf5e5877852e1"),
        (u64::MAX, "d2eb19d491dac0a8dad6eb56f82c3b002cb0f252038a6edf1cb9deaa0d0e9cc0"),
    ];

    #[test]
    fn difficulty_bounds_the_seal() {
        let half = puzzle(2);
        let mut seal = [0xff; 32];
        assert!(!half.is_solved_by(&seal));
        seal[31] = 0x7f;
        assert!(half.is_solved_by(&seal));
        seal[31] = 0x80;
        assert!(!half.is_solved_by(&seal));
        assert!(puzzle(1).is_solved_by(&[0xff; 32]));
        assert!(puzzle(u64::MAX).is_solved_by(&[0; 32]));
    }

    #[test]
    fn solutions_are_found_and_stop_everybody() {
        let puzzle = puzzle(20_000);
        let progress = Progress::new();
        let solution = puzzle.solve(u64::MAX - 5, 2, &progress).unwrap();
        assert_eq!(puzzle.seal(solution.nonce), solution.seal);
        assert!(puzzle.is_solved_by(&solution.seal));
        assert!(progress.tried() >= BATCH);
        let call = puzzle.registration(&solution).to_call();
        assert_eq!(call.to_string(), "SubtensorModule.pow_register");

        let hard = self::puzzle(u64::MAX);
        let stopped = Progress::new();
        stopped.stop();
        assert_eq!(hard.solve(0, 2, &stopped), None);
    }
}
