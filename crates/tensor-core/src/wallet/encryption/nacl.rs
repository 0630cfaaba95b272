//! `$NACL`: Argon2i with libsodium's "sensitive" limits, then XSalsa20-Poly1305 (section 3.1).

use std::sync::{Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use crypto_secretbox::{
    AeadInPlace, KeyInit, XSalsa20Poly1305,
    aead::{Nonce, Tag},
};
use zeroize::{Zeroize, Zeroizing};

use super::super::{
    error::{Corruption, KeyfileError},
    password::Password,
};

pub(super) const MAGIC: &[u8] = b"$NACL";
const NONCE: usize = 24;
const TAG: usize = 16;

/// The same for everybody and for good: no parameter stands in the file.
const SALT: [u8; 16] = [
    0x13, 0x71, 0x83, 0xdf, 0xf1, 0x5a, 0x09, 0xbc, 0x9c, 0x90, 0xb5, 0x51, 0x87, 0x39, 0xe9, 0xb1,
];
const PASSES: u32 = 8;
const MEMORY_KIB: u32 = 512 * 1024;

/// Several at once would ask for gigabytes. This holds no data, only the turn.
static TURN: Mutex<()> = Mutex::new(());

/// Derives the key when its turn comes, unless `known` has it by then.
pub(in super::super) fn derive_key(
    password: &[u8],
    known: impl FnOnce() -> Option<Zeroizing<[u8; 32]>>,
) -> Result<Zeroizing<[u8; 32]>, KeyfileError> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(key) = known() {
        return Ok(key);
    }
    let no_memory = KeyfileError::Memory(MEMORY_KIB as usize * 1024);
    // Fixed numbers inside Argon2's limits: this cannot fail.
    let Ok(params) = Params::new(MEMORY_KIB, PASSES, 1, Some(32)) else { return Err(no_memory) };
    let mut memory: Vec<Block> = Vec::new();
    if memory.try_reserve_exact(params.block_count()).is_err() {
        return Err(no_memory);
    }
    memory.resize(params.block_count(), Block::default());
    let mut key = Zeroizing::new([0; 32]);
    let derived = Argon2::new(Algorithm::Argon2i, Version::V0x13, params)
        .hash_password_into_with_memory(password, &SALT, key.as_mut(), &mut memory);
    memory.iter_mut().for_each(Zeroize::zeroize);
    derived.map(|()| key).map_err(|_| no_memory)
}

pub(super) fn decrypt(
    content: &[u8],
    password: &Password,
) -> Result<Zeroizing<Vec<u8>>, KeyfileError> {
    let body = content.get(MAGIC.len()..).unwrap_or_default();
    let truncated =
        || Corruption::Truncated { length: content.len(), least: MAGIC.len() + NONCE + TAG };
    // Checked before the password's key is derived, so that a broken file fails at once.
    let (nonce, body) = body.split_at_checked(NONCE).ok_or_else(truncated)?;
    let (tag, body) = body.split_at_checked(TAG).ok_or_else(truncated)?;
    let mut plain = Zeroizing::new(body.to_vec());
    XSalsa20Poly1305::new(password.nacl_key()?.into())
        .decrypt_in_place_detached(
            Nonce::<XSalsa20Poly1305>::from_slice(nonce),
            b"",
            &mut plain,
            Tag::<XSalsa20Poly1305>::from_slice(tag),
        )
        .map_err(|_| KeyfileError::WrongPassword)?;
    Ok(plain)
}

pub(super) fn encrypt(
    content: &[u8],
    password: &Password,
    nonce: [u8; NONCE],
) -> Result<Vec<u8>, KeyfileError> {
    let mut sealed = Zeroizing::new(content.to_vec());
    let tag = XSalsa20Poly1305::new(password.nacl_key()?.into())
        .encrypt_in_place_detached(&nonce.into(), b"", &mut sealed)
        // The only error is a message of 256 GiB.
        .map_err(|_| KeyfileError::Memory(content.len()))?;
    Ok([MAGIC, &nonce, &tag, &sealed].concat())
}
