//! The oldest releases' Fernet token: PBKDF2 with ten million rounds, AES-128-CBC, HMAC (3.3).

use aes::Aes128;
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use cbc::cipher::{BlockDecryptMut, KeyIvInit, block_padding::Pkcs7};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::super::{
    error::{Corruption, KeyfileError},
    password::Password,
};

/// Version 0x80 and a time before the year 2106, in base64.
pub(super) const MAGIC: &[u8] = b"gAAAAA";
const SALT: &[u8] = b"Iguesscyborgslikemyselfhaveatendencytobeparanoidaboutourorigins";
const ROUNDS: u32 = 10_000_000;
/// Version, time, initial vector, one block, authentication code.
const LEAST: usize = 1 + 8 + 16 + 16 + 32;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(in super::super) fn derive_key(password: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    // The only error is a zero-length key, which HMAC takes as well.
    let _ = pbkdf2::pbkdf2::<Hmac<Sha256>>(password, SALT, ROUNDS, key.as_mut());
    key
}

pub(super) fn decrypt(
    content: &[u8],
    password: &Password,
) -> Result<Zeroizing<Vec<u8>>, KeyfileError> {
    // Checked before the password's key is derived, so that a broken file fails at once.
    let token = BASE64.decode(content).map_err(|_| Corruption::Fernet)?;
    if token.len() < LEAST {
        return Err(Corruption::Truncated { length: token.len(), least: LEAST }.into());
    }
    let parts = token.split_last_chunk::<32>().and_then(|(signed, mac)| {
        let (&[0x80, _, _, _, _, _, _, _, _], rest) = signed.split_first_chunk::<9>()? else {
            return None;
        };
        let (iv, sealed) = rest.split_first_chunk::<16>()?;
        Some((signed, mac, iv, sealed))
    });
    let (signed, mac, iv, sealed) = parts.ok_or(Corruption::Fernet)?;
    let (mac_key, cipher_key) = password.fernet_key().split_at(16);
    let Ok(mut check) = Hmac::<Sha256>::new_from_slice(mac_key) else {
        return Err(Corruption::Fernet.into());
    };
    check.update(signed);
    check.verify_slice(mac).map_err(|_| KeyfileError::WrongPassword)?;
    let mut plain = Zeroizing::new(sealed.to_vec());
    let length = cbc::Decryptor::<Aes128>::new(cipher_key.into(), iv.into())
        .decrypt_padded_mut::<Pkcs7>(&mut plain)
        .map(<[u8]>::len)
        .map_err(|_| Corruption::Fernet)?;
    plain.truncate(length);
    Ok(plain)
}
