//! From text to key, in the order and with the checks of the official reader (section 2.1).

use serde::de::IgnoredAny;
use zeroize::Zeroizing;

use super::{
    super::error::{Corruption, KeyfileError},
    Keyfile, Secret,
    fields::{CryptoType, Fields},
};
use crate::{
    account::AccountId,
    key::{Keypair, Mnemonic, Scheme, UnsupportedScheme},
};

pub(super) fn read(content: &[u8]) -> Result<Keyfile, KeyfileError> {
    if content.is_empty() {
        return Err(Corruption::Empty.into());
    }
    let text = core::str::from_utf8(content).map_err(|_| Corruption::NotText)?;
    if text.starts_with('\u{feff}') {
        return Err(Corruption::ByteOrderMark.into());
    }
    match serde_json::from_str::<Fields>(text) {
        Ok(fields) => from_fields(&fields),
        // A bare seed of digits only is a JSON number, and no other reader takes it for a seed.
        Err(_) if serde_json::from_str::<IgnoredAny>(text).is_ok() => {
            let object = text.trim_start().starts_with('{');
            Err(if object { Corruption::NotJson } else { Corruption::NotAnObject }.into())
        }
        Err(_) => from_bare_text(text.trim()).ok_or_else(|| Corruption::NotJson.into()),
    }
}

/// A bare seed, private key or mnemonic, as the first releases left them; all sr25519.
fn from_bare_text(text: &str) -> Option<Keyfile> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if matches!(digits.len(), 64 | 128) && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let bytes = Zeroizing::new(hex::decode(digits).ok()?);
        let mut secret = secret_of_bytes(&bytes, Scheme::Sr25519)?;
        secret.seed = (bytes.len() == 32).then_some(bytes);
        return Some(Keyfile::of(secret));
    }
    let mnemonic = Mnemonic::parse(text).ok()?;
    Some(Keyfile::from_mnemonic(&mnemonic, None, Scheme::Sr25519))
}

fn from_fields(fields: &Fields) -> Result<Keyfile, KeyfileError> {
    if let Some(name) = fields.duplicate {
        return Err(Corruption::Duplicate(name).into());
    }
    if fields.encoded && fields.encoding {
        return Err(KeyfileError::PolkadotJs);
    }
    let scheme = scheme(fields.crypto_type.as_ref()).map_err(KeyfileError::UnsupportedKey)?;
    let stored = fields.address.as_deref().or(fields.blank_address.as_deref());
    if let Some(phrase) = &fields.phrase {
        let mnemonic = Mnemonic::parse(phrase).map_err(Corruption::Phrase)?;
        return checked("secretPhrase", stored, scheme, |scheme| {
            Keyfile::from_mnemonic(&mnemonic, None, scheme).secret.ok_or(Corruption::NoKey)
        });
    }
    if let Some(text) = &fields.seed {
        return match hex_bytes(text) {
            Some(seed) => {
                checked("secretSeed", stored, scheme, |scheme| secret_of_seed(&seed, scheme))
            }
            None => without_seed(fields, text, stored, scheme),
        };
    }
    if let Some(text) = &fields.private_key {
        return from_private_key(text, stored, scheme);
    }
    // The historic spelling vouches for a secret but does not stand alone, as in other readers.
    let address = fields.address.as_deref().ok_or(Corruption::NoKey)?;
    let (account, _) = AccountId::from_ss58_any(address).map_err(Corruption::Address)?;
    Ok(Keyfile::from_account(account, scheme))
}

/// bittensor-wallet 4 writes a seed whose bytes happen to be UTF-8 as those characters. The private
/// key beside it is right, and an address must vouch for it.
fn without_seed(
    fields: &Fields,
    seed: &str,
    stored: Option<&str>,
    scheme: Scheme,
) -> Result<Keyfile, KeyfileError> {
    let (Some(text), Some(_)) = (&fields.private_key, stored) else {
        return Err(Corruption::Seed.into());
    };
    let mut file = from_private_key(text, stored, scheme)?;
    let raw = Zeroizing::new(seed.strip_prefix("0x").unwrap_or(seed).as_bytes().to_vec());
    let same = secret_of_seed(&raw, file.scheme)
        .is_ok_and(|secret| secret.pair.account_id() == file.account);
    if let (true, Some(secret)) = (same, file.secret.as_mut()) {
        secret.seed = Some(raw);
    }
    Ok(file)
}

fn from_private_key(
    text: &str,
    stored: Option<&str>,
    scheme: Scheme,
) -> Result<Keyfile, KeyfileError> {
    let bytes = hex_bytes(text).ok_or(Corruption::PrivateKey)?;
    checked("privateKey", stored, scheme, |scheme| {
        secret_of_bytes(&bytes, scheme).ok_or(Corruption::PrivateKey)
    })
}

/// The key under the scheme that the file names, if its address agrees; else under the other one,
/// which heals files that name none or the wrong one.
fn checked(
    field: &'static str,
    stored: Option<&str>,
    scheme: Scheme,
    derive: impl Fn(Scheme) -> Result<Secret, Corruption>,
) -> Result<Keyfile, KeyfileError> {
    let file = Keyfile::of(derive(scheme)?);
    let Some(stored) = stored else { return Ok(file) };
    if file.account.to_string() == stored {
        return Ok(file);
    }
    let other = match scheme {
        Scheme::Sr25519 => Scheme::Ed25519,
        Scheme::Ed25519 => Scheme::Sr25519,
    };
    match derive(other).map(Keyfile::of) {
        Ok(healed) if healed.account.to_string() == stored => Ok(healed),
        _ => Err(KeyfileError::AddressMismatch {
            field,
            stored: stored.chars().take(64).collect(),
            derived: file.account,
        }),
    }
}

/// Absent, null and unreadable types mean sr25519, as in other readers.
fn scheme(stored: Option<&CryptoType>) -> Result<Scheme, UnsupportedScheme> {
    match stored {
        None => Ok(Scheme::Sr25519),
        Some(CryptoType::Number(number)) => Scheme::from_crypto_type(*number),
        Some(CryptoType::Text(text)) => match (text.parse(), UnsupportedScheme::from_name(text)) {
            (Ok(number), _) => Scheme::from_crypto_type(number),
            (Err(_), Some(named)) => Err(named),
            (Err(_), None) => Ok(Scheme::Sr25519),
        },
    }
}

fn hex_bytes(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    hex::decode(text.trim_start_matches("0x")).ok().map(Zeroizing::new)
}

fn secret_of_seed(seed: &[u8], scheme: Scheme) -> Result<Secret, Corruption> {
    let pair = match (<&[u8; 32]>::try_from(seed), scheme) {
        (Ok(seed), _) => Keypair::from_seed(seed, scheme),
        (Err(_), Scheme::Sr25519) => {
            Keypair::from_secret(seed, scheme).map_err(|_| Corruption::Seed)?
        }
        (Err(_), Scheme::Ed25519) => return Err(Corruption::Seed),
    };
    Ok(Secret { pair, seed: Some(Zeroizing::new(seed.to_vec())), phrase: None })
}

/// sr25519: an expanded key, or a seed. ed25519: the seed, with or without the public key behind it.
fn secret_of_bytes(bytes: &[u8], scheme: Scheme) -> Option<Secret> {
    let pair = match (bytes.len(), scheme) {
        (32, _) => Keypair::from_seed(bytes.try_into().ok()?, scheme),
        (64, Scheme::Ed25519) => Keypair::from_seed(bytes.first_chunk()?, scheme),
        (64, Scheme::Sr25519) => Keypair::from_secret(bytes, scheme).ok()?,
        _ => return None,
    };
    Some(Secret { pair, seed: None, phrase: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SEED: &str = "0x4ed8d4b17698ddeaa1f1559f152f87b5d472f725ca86d341bd0276f1b61197e2";
    const SR: &str = "5EPCUjPxiHAcNooYipQFWr9NmmXJKpNG5RhcntXwbtUySrgH";
    const ED: &str = "5FM25N8HGtacre9TnWQGRK32d1kUp1Gs6Dd7YiYpSPZLjmj6";

    fn corruption(text: &str) -> Corruption {
        match read(text.as_bytes()).unwrap_err() {
            KeyfileError::Corrupt { what } => what,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn account(text: &str) -> (String, Scheme) {
        let file = read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        (file.account_id().to_string(), file.scheme())
    }

    #[test]
    fn each_defect_has_its_name() {
        assert_eq!(corruption(""), Corruption::Empty);
        assert_eq!(corruption("\u{feff}{}"), Corruption::ByteOrderMark);
        assert_eq!(corruption("nothing"), Corruption::NotJson);
        assert_eq!(corruption("[]"), Corruption::NotAnObject);
        assert_eq!(corruption(&"1".repeat(64)), Corruption::NotAnObject);
        assert_eq!(corruption("{}"), Corruption::NoKey);
        assert_eq!(corruption(r#"{"publicKey":"0x00"}"#), Corruption::NoKey);
        assert_eq!(corruption(r#"{"secretSeed":"0x12"}"#), Corruption::Seed);
        assert_eq!(corruption(r#"{"secretSeed":"zz"}"#), Corruption::Seed);
        assert_eq!(corruption(r#"{"privateKey":"0x12"}"#), Corruption::PrivateKey);
        assert!(matches!(corruption(r#"{"secretPhrase":"x"}"#), Corruption::Phrase(_)));
        assert!(matches!(corruption(r#"{"ss58Address":"x"}"#), Corruption::Address(_)));
        assert_eq!(
            corruption(&format!(r#"{{"secretSeed":"{SEED}","secretSeed":"{SEED}"}}"#)),
            Corruption::Duplicate("secretSeed")
        );
        let bytes = read(b"\xff\xfe").unwrap_err();
        assert_eq!(bytes, Corruption::NotText.into());
    }

    #[test]
    fn the_address_decides_between_schemes() {
        let sr = (SR.to_owned(), Scheme::Sr25519);
        let ed = (ED.to_owned(), Scheme::Ed25519);
        assert_eq!(account(&format!(r#"{{"secretSeed":"{SEED}"}}"#)), sr);
        assert_eq!(account(&format!(r#"{{"secretSeed":"{SEED}","cryptoType":0}}"#)), ed);
        assert_eq!(account(&format!(r#"{{"secretSeed":"{SEED}","ss58Address":"{ED}"}}"#)), ed);
        assert_eq!(account(&format!(r#"{{"secretSeed":"{SEED}"," ss58Address":"{ED}"}}"#)), ed);
        let wrong = format!(r#"{{"secretSeed":"{SEED}","ss58Address":"5GrwvaEF5zXb"}}"#);
        let error = read(wrong.as_bytes()).unwrap_err();
        assert!(matches!(error, KeyfileError::AddressMismatch { field: "secretSeed", .. }));
    }

    #[test]
    fn schemes_to_come_are_refused_by_name() {
        let refused = |crypto_type: &str| {
            let text = format!(r#"{{"secretSeed":"{SEED}","cryptoType":{crypto_type}}}"#);
            match read(text.as_bytes()).unwrap_err() {
                KeyfileError::UnsupportedKey(scheme) => scheme,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(refused("7"), UnsupportedScheme::MlDsa);
        assert_eq!(refused("\"4\""), UnsupportedScheme::Hashed);
        assert_eq!(refused("\"mldsa\""), UnsupportedScheme::MlDsa);
        assert_eq!(refused("200"), UnsupportedScheme::Number(200));
    }

    #[test]
    fn an_error_never_repeats_a_secret() {
        for text in [
            format!(r#"{{"secretSeed":"{SEED}00"}}"#),
            format!(r#"{{"secretSeed":"{SEED}","ss58Address":"{SEED}"}}"#).replace(
                &format!(r#""ss58Address":"{SEED}""#),
                r#""ss58Address":"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY""#,
            ),
            format!(r#"{{"privateKey":"{SEED}0""#),
        ] {
            let error = read(text.as_bytes()).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("4ed8d4b1"), "{shown}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }

        #[test]
        fn no_object_panics(name in "(secretPhrase|secretSeed|privateKey|ss58Address|cryptoType)", value in "(\"[0x]{0,2}[a-f0-9]{0,130}\"|[0-9.-]{1,9}|null|\\[\\]|\\{\\})") {
            let _ = read(format!(r#"{{"{name}":{value}}}"#).as_bytes());
        }
    }
}
