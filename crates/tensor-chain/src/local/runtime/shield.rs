//! The carrier of a shielded transaction (chain-interface 9). Opening it is the block builder's work.

use sp_crypto_hashing::blake2_256;

use super::Runtime;
use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::error::DispatchError;
use parity_scale_codec::Encode;

/// Largest ciphertext in bytes.
const MAX_CIPHERTEXT: usize = 8_192;

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "MevShield":
        PAID submit_encrypted(ciphertext: Vec<u8>) => submit_encrypted;
    );
}

impl Runtime {
    /// Takes note of a ciphertext: event `EncryptedSubmitted` with the hash of sender and ciphertext.
    fn submit_encrypted(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        ciphertext: Vec<u8>,
    ) -> DispatchResult {
        let who = origin.signed()?;
        if ciphertext.len() > MAX_CIPHERTEXT {
            return Err(DispatchError::Other);
        }
        let id = blake2_256(&(who, ciphertext).encode());
        cx.emit(self.events.encrypted_submitted, (id, who));
        DONE
    }
}
