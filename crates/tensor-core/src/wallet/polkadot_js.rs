//! The JSON that polkadot-js and its browser wallets export: read and written (section 3.5).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use crypto_secretbox::{
    AeadInPlace, KeyInit, XSalsa20Poly1305,
    aead::{Nonce, Tag},
};
use scrypt::Params;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{error::KeyfileError, password::Password};
use crate::{
    account::AccountId,
    key::{Keypair, Scheme, UnsupportedScheme},
};

const VERSION: &str = "3";
/// PKCS#8 around a 64-byte secret and a 32-byte public key.
const HEADER: &[u8] = &[48, 83, 2, 1, 1, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32];
const DIVIDER: &[u8] = &[161, 35, 3, 33, 0];
/// What polkadot-js writes today: 128 MiB and about half a second.
const LOG_N: u8 = 17;
const R: u32 = 8;
const P: u32 = 1;
/// An exported file is some 500 bytes; its `meta` may hold more.
const LIMIT: usize = 256 * 1024;

#[derive(Deserialize, Serialize)]
struct Export {
    encoded: String,
    encoding: Encoding,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<serde_json::Value>,
    #[serde(default)]
    meta: serde_json::Value,
}

#[derive(Deserialize, Serialize)]
struct Encoding {
    content: Vec<String>,
    #[serde(rename = "type")]
    kind: Vec<String>,
    version: String,
}

/// Reads an export with its password. The result knows the key only: no phrase, no seed.
///
/// Takes up to 256 MiB and a second of processor time; costlier files are refused.
///
/// # Errors
/// [`PolkadotJsError`].
pub fn import(json: &[u8], password: &Password) -> Result<Keypair, PolkadotJsError> {
    if json.len() > LIMIT {
        return Err(PolkadotJsError::TooLarge);
    }
    let export: Export = serde_json::from_slice(json).map_err(|_| PolkadotJsError::Json)?;
    if export.encoding.version != VERSION {
        return Err(PolkadotJsError::Version);
    }
    let has = |list: &[String], name: &str| list.iter().any(|item| item == name);
    let scheme = [Scheme::Sr25519, Scheme::Ed25519]
        .into_iter()
        .find(|scheme| has(&export.encoding.content, scheme.name()))
        .ok_or_else(|| unsupported(&export.encoding.content))?;
    if has(&export.encoding.kind, "none") {
        return Err(PolkadotJsError::Unencrypted);
    }
    let encoded = STANDARD.decode(export.encoded.trim()).map_err(|_| PolkadotJsError::Encoded)?;
    let plain = decrypt(&encoded, has(&export.encoding.kind, "scrypt"), password)?;
    let pair = decode(&plain, scheme)?;
    match export.address.as_ref().and_then(|address| address.as_str()).map(AccountId::from_ss58_any)
    {
        Some(Ok((named, _))) if named != pair.account_id() => {
            Err(PolkadotJsError::AddressMismatch { named, found: pair.account_id() })
        }
        _ => Ok(pair),
    }
}

/// Writes a key as polkadot-js does, encrypted with a password of its own; `name` is what browser
/// wallets show.
///
/// # Errors
/// [`PolkadotJsError::Keyfile`] with `EmptyPassword` or `Randomness`.
pub fn export(pair: &Keypair, password: &Password, name: &str) -> Result<String, PolkadotJsError> {
    let mut random = [0; 56];
    getrandom::getrandom(&mut random).map_err(|_| KeyfileError::Randomness)?;
    export_with_random(pair, password, name, &random)
}

/// As [`export`] with given randomness: 32 bytes of salt and 24 of nonce, never to be used twice
/// with one password.
///
/// # Errors
/// [`PolkadotJsError::Keyfile`] with `EmptyPassword`.
pub fn export_with_random(
    pair: &Keypair,
    password: &Password,
    name: &str,
    random: &[u8; 56],
) -> Result<String, PolkadotJsError> {
    if password.is_empty() {
        return Err(KeyfileError::EmptyPassword.into());
    }
    let (salt, nonce) = random.split_at(32);
    let key = scrypt_key(password, salt, LOG_N, R, P)?;
    let account = pair.account_id();
    let secret = pair.to_ed25519_form();
    let mut sealed = Zeroizing::new([HEADER, &secret, DIVIDER, account.as_bytes()].concat());
    let tag = XSalsa20Poly1305::new(key.as_ref().into())
        .encrypt_in_place_detached(Nonce::<XSalsa20Poly1305>::from_slice(nonce), b"", &mut sealed)
        .map_err(|_| PolkadotJsError::Payload)?;
    let n = 1u32 << LOG_N;
    let encoded = [
        salt,
        &n.to_le_bytes(),
        &P.to_le_bytes(),
        &R.to_le_bytes(),
        nonce,
        tag.as_slice(),
        &sealed,
    ]
    .concat();
    let export = Export {
        encoded: STANDARD.encode(encoded),
        encoding: Encoding {
            content: vec!["pkcs8".into(), pair.scheme().name().into()],
            kind: vec!["scrypt".into(), "xsalsa20-poly1305".into()],
            version: VERSION.into(),
        },
        address: Some(account.to_string().into()),
        meta: serde_json::json!({ "name": name }),
    };
    serde_json::to_string(&export).map_err(|_| PolkadotJsError::Json)
}

/// Why a polkadot-js export gives no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolkadotJsError {
    /// Far more bytes than an export has.
    #[error("no export is this large")]
    TooLarge,
    /// Not the JSON of an export.
    #[error("this is not the JSON of a polkadot-js export")]
    Json,
    /// Another version than 3.
    #[error("only version 3 of the export format is known")]
    Version,
    /// The key is of a scheme that this crate does not know.
    #[error("the exported key cannot be used")]
    UnsupportedKey(#[source] UnsupportedScheme),
    /// The secret is not encrypted; no tool of the network takes such a file.
    #[error("the export is not encrypted; export it again with a password")]
    Unencrypted,
    /// The encoded part is no base64 or too short.
    #[error("the encoded part is damaged")]
    Encoded,
    /// Opening the file would cost more than 256 MiB or a second: N up to 2^18, r up to 8, p of 1.
    #[error("the file asks for too much work (scrypt N {n}, r {r}, p {p})")]
    Cost {
        /// Rounds, a power of two.
        n: u32,
        /// Block size.
        r: u32,
        /// Parallel parts.
        p: u32,
    },
    /// The password is not the one, or the file was tampered with.
    #[error("wrong password (or a damaged file)")]
    WrongPassword,
    /// What came out of the encryption is no key, or secret and public key do not belong together.
    #[error("the decrypted key is damaged")]
    Payload,
    /// The address beside the encrypted key is another one.
    #[error("the export is for {named} but holds the key of {found}")]
    AddressMismatch {
        /// The account that the file names.
        named: AccountId,
        /// The account of the key in it.
        found: AccountId,
    },
    /// What encrypting gave.
    #[error(transparent)]
    Keyfile(#[from] KeyfileError),
}

fn unsupported(content: &[String]) -> PolkadotJsError {
    let name = content.iter().map(String::as_str).find(|name| *name != "pkcs8").unwrap_or_default();
    let scheme = UnsupportedScheme::from_name(name)
        .unwrap_or_else(|| UnsupportedScheme::Name(name.chars().take(32).collect()));
    PolkadotJsError::UnsupportedKey(scheme)
}

fn decrypt(
    encoded: &[u8],
    scrypt: bool,
    password: &Password,
) -> Result<Zeroizing<Vec<u8>>, PolkadotJsError> {
    let (key, rest) = if scrypt {
        let (salt, rest) = encoded.split_first_chunk::<32>().ok_or(PolkadotJsError::Encoded)?;
        // The order in the file is N, p, r.
        let (n, rest) = take_u32(rest)?;
        let (p, rest) = take_u32(rest)?;
        let (r, rest) = take_u32(rest)?;
        if !n.is_power_of_two() || n > 1 << 18 || !(1..=8).contains(&r) || p != 1 {
            return Err(PolkadotJsError::Cost { n, r, p });
        }
        (scrypt_key(password, salt, n.ilog2() as u8, r, p)?, rest)
    } else {
        // A password that does not fit cannot have made the file.
        let mut key = Zeroizing::new([0; 32]);
        let head = key.get_mut(..password.as_bytes().len());
        head.ok_or(PolkadotJsError::WrongPassword)?.copy_from_slice(password.as_bytes());
        (key, encoded)
    };
    let (nonce, rest) = rest.split_at_checked(24).ok_or(PolkadotJsError::Encoded)?;
    let (tag, sealed) = rest.split_at_checked(16).ok_or(PolkadotJsError::Encoded)?;
    let mut plain = Zeroizing::new(sealed.to_vec());
    XSalsa20Poly1305::new(key.as_ref().into())
        .decrypt_in_place_detached(
            Nonce::<XSalsa20Poly1305>::from_slice(nonce),
            b"",
            &mut plain,
            Tag::<XSalsa20Poly1305>::from_slice(tag),
        )
        .map_err(|_| PolkadotJsError::WrongPassword)?;
    Ok(plain)
}

fn take_u32(bytes: &[u8]) -> Result<(u32, &[u8]), PolkadotJsError> {
    let (head, rest) = bytes.split_first_chunk().ok_or(PolkadotJsError::Encoded)?;
    Ok((u32::from_le_bytes(*head), rest))
}

fn scrypt_key(
    password: &Password,
    salt: &[u8],
    log_n: u8,
    r: u32,
    p: u32,
) -> Result<Zeroizing<[u8; 32]>, PolkadotJsError> {
    let cost = || PolkadotJsError::Cost { n: 1u32.checked_shl(log_n.into()).unwrap_or(0), r, p };
    let params = Params::new(log_n, r, p, 32).map_err(|_| cost())?;
    let mut key = Zeroizing::new([0; 32]);
    scrypt::scrypt(password.as_bytes(), salt, &params, key.as_mut()).map_err(|_| cost())?;
    Ok(key)
}

/// PKCS#8 header, secret, divider, public key; more may follow.
fn decode(plain: &[u8], scheme: Scheme) -> Result<Keypair, PolkadotJsError> {
    let body = plain.strip_prefix(HEADER).and_then(|rest| rest.split_first_chunk::<64>());
    let (secret, rest) = body.ok_or(PolkadotJsError::Payload)?;
    let public = rest.strip_prefix(DIVIDER).and_then(|rest| rest.first_chunk::<32>());
    let public = public.ok_or(PolkadotJsError::Payload)?;
    let pair = Keypair::from_ed25519_form(secret, scheme).map_err(|_| PolkadotJsError::Payload)?;
    if pair.account_id().as_bytes() != public {
        return Err(PolkadotJsError::Payload);
    }
    Ok(pair)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exported(scheme: Scheme) -> (Keypair, Password, serde_json::Value) {
        let pair = Keypair::from_uri("//Alice//stash", scheme).unwrap();
        let password = Password::new("pw");
        let json = export(&pair, &password, "stash").unwrap();
        (pair, password, serde_json::from_str(&json).unwrap())
    }

    fn read(json: &serde_json::Value, password: &Password) -> Result<Keypair, PolkadotJsError> {
        import(json.to_string().as_bytes(), password)
    }

    #[test]
    fn both_schemes_read_back_and_defects_are_named() {
        for scheme in [Scheme::Sr25519, Scheme::Ed25519] {
            let (pair, password, json) = exported(scheme);
            let again = read(&json, &password).unwrap();
            assert_eq!(again.account_id(), pair.account_id());
            assert_eq!(*again.to_secret(), *pair.to_secret());
        }
        let (pair, password, json) = exported(Scheme::Sr25519);
        assert_eq!(read(&json, &"no".into()).unwrap_err(), PolkadotJsError::WrongPassword);
        let change = |path: &str, value: serde_json::Value| {
            let mut changed = json.clone();
            *changed.pointer_mut(path).unwrap() = value;
            read(&changed, &password).unwrap_err()
        };
        assert_eq!(change("/encoding/version", "2".into()), PolkadotJsError::Version);
        assert_eq!(change("/encoding/type/0", "none".into()), PolkadotJsError::Unencrypted);
        assert_eq!(
            change("/encoding/content/1", "ethereum".into()),
            PolkadotJsError::UnsupportedKey(UnsupportedScheme::Ecdsa)
        );
        // The right password opens it, but the secret is of the other scheme.
        assert_eq!(change("/encoding/content/1", "ed25519".into()), PolkadotJsError::Payload);
        assert_eq!(change("/encoded", "AAAA".into()), PolkadotJsError::Encoded);
        let costly = STANDARD.encode(
            [
                [0; 32].as_slice(),
                &(1u32 << 20).to_le_bytes(),
                &1u32.to_le_bytes(),
                &8u32.to_le_bytes(),
                &[0; 150],
            ]
            .concat(),
        );
        assert_eq!(
            change("/encoded", costly.into()),
            PolkadotJsError::Cost { n: 1 << 20, r: 8, p: 1 }
        );
        let bob = Keypair::from_uri("//Bob", Scheme::Sr25519).unwrap().account_id();
        assert_eq!(
            change("/address", bob.to_string().into()),
            PolkadotJsError::AddressMismatch { named: bob, found: pair.account_id() }
        );
        assert_eq!(
            export(&pair, &"".into(), "").unwrap_err(),
            PolkadotJsError::Keyfile(KeyfileError::EmptyPassword)
        );
    }

    #[test]
    fn the_older_form_pads_the_password() {
        let pair = Keypair::from_uri("//Alice", Scheme::Ed25519).unwrap();
        let secret = pair.to_ed25519_form();
        let mut sealed = [HEADER, &secret, DIVIDER, pair.account_id().as_bytes()].concat();
        let mut key = [0; 32];
        key[..2].copy_from_slice(b"pw");
        let tag = XSalsa20Poly1305::new(&key.into())
            .encrypt_in_place_detached(&[7; 24].into(), b"", &mut sealed)
            .unwrap();
        let encoded = STANDARD.encode([[7; 24].as_slice(), &tag, &sealed].concat());
        let json = serde_json::json!({
            "encoded": encoded,
            "encoding": { "content": ["pkcs8", "ed25519"], "type": ["xsalsa20-poly1305"], "version": "3" },
        });
        assert_eq!(read(&json, &"pw".into()).unwrap().account_id(), pair.account_id());
        assert_eq!(read(&json, &"pW".into()).unwrap_err(), PolkadotJsError::WrongPassword);
        let long = Password::new("p".repeat(33));
        assert_eq!(read(&json, &long).unwrap_err(), PolkadotJsError::WrongPassword);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, payload in prop::collection::vec(any::<u8>(), 0..200)) {
            let password = Password::new("pw");
            let _ = import(&bytes, &password);
            let _ = decode(&payload, Scheme::Sr25519);
            let text = format!(r#"{{"encoded":"{}","encoding":{{"content":["sr25519"],"type":[],"version":"3"}}}}"#, STANDARD.encode(&payload));
            let _ = import(text.as_bytes(), &password);
        }
    }
}
