//! `$ANSIBLE_VAULT;1.1;AES256`: PBKDF2, AES-256-CTR and an HMAC, all in hex (section 3.2).

use aes::Aes256;
use cbc::cipher::{KeyIvInit, StreamCipher};
use ctr::Ctr128BE;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::super::{
    error::{Corruption, KeyfileError},
    password::Password,
};

pub(super) const MAGIC: &[u8] = b"$ANSIBLE_VAULT";
const HEADER: &[u8] = b"$ANSIBLE_VAULT;1.1;AES256";
const ROUNDS: u32 = 10_000;
const BLOCK: u8 = 16;

pub(super) fn decrypt(
    content: &[u8],
    password: &Password,
) -> Result<Zeroizing<Vec<u8>>, KeyfileError> {
    let Vault { salt, mac, sealed: mut plain } = parse(content).ok_or(Corruption::Vault)?;
    let mut keys = Zeroizing::new([0; 80]);
    // The only error is a zero-length key, which HMAC takes as well.
    let _ = pbkdf2::pbkdf2::<Hmac<Sha256>>(password.as_bytes(), &salt, ROUNDS, keys.as_mut());
    let (cipher_key, keys) = keys.split_at(32);
    let (mac_key, iv) = keys.split_at(32);
    let Ok(mut check) = Hmac::<Sha256>::new_from_slice(mac_key) else {
        return Err(Corruption::Vault.into());
    };
    check.update(&plain);
    check.verify_slice(&mac).map_err(|_| KeyfileError::WrongPassword)?;
    Ctr128BE::<Aes256>::new(cipher_key.into(), iv.into()).apply_keystream(&mut plain);
    let padding = plain.last().copied().filter(|last| (1..=BLOCK).contains(last));
    let padding = usize::from(padding.ok_or(Corruption::Vault)?);
    let length = plain.len().checked_sub(padding).ok_or(Corruption::Vault)?;
    plain.truncate(length);
    Ok(plain)
}

struct Vault {
    salt: Vec<u8>,
    mac: Vec<u8>,
    /// Deciphered in place, hence wiped.
    sealed: Zeroizing<Vec<u8>>,
}

/// Line ends may be LF or CRLF.
fn parse(content: &[u8]) -> Option<Vault> {
    let mut lines = content.split(|byte| *byte == b'\n');
    let header = lines.next()?;
    if header.strip_suffix(b"\r").unwrap_or(header) != HEADER {
        return None;
    }
    let digits: Vec<u8> = lines.flatten().copied().filter(|byte| *byte != b'\r').collect();
    let inner = hex::decode(digits).ok()?;
    let mut parts = inner.split(|byte| *byte == b'\n').map(hex::decode);
    let (salt, mac, sealed) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    parts.next().is_none().then_some(Vault { salt, mac, sealed: Zeroizing::new(sealed) })
}
