//! `testdata/wallets`: every entry of `wallet-vectors.json`, by the schema of the wallet format.

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde_json::Value;
use tensor_core::{
    account::{AccountId, SS58_PREFIX},
    key::{Keypair, Mnemonic, PublicKey, Scheme, Signature},
    wallet::{
        Encryption, Guard, Keyfile, KeyfileError, Wallet, WalletError, password, polkadot_js,
    },
};

use crate::passwords;

fn folder() -> PathBuf {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/wallets").into()
}

fn vectors() -> Value {
    let text = fs::read(folder().join("wallet-vectors.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry[key].as_str().unwrap_or_else(|| panic!("no text {key} in {entry}"))
}

fn bytes(entry: &Value, key: &str) -> Vec<u8> {
    hex::decode(text(entry, key).trim_start_matches("0x")).unwrap()
}

fn scheme(number: &Value) -> Scheme {
    Scheme::from_crypto_type(number.as_u64().unwrap() as u8).unwrap()
}

fn entries(vectors: &Value, list: &str) -> Vec<Value> {
    let entries = vectors[list].as_array().unwrap().clone();
    assert!(!entries.is_empty(), "{list} is empty");
    entries
}

/// The key that the description of a wallet's file names, derived anew.
fn described(about: &Value, description: &str) -> Keyfile {
    let scheme = if description.contains("ed25519") { Scheme::Ed25519 } else { Scheme::Sr25519 };
    let first = description.split([' ', ',']).next().unwrap();
    match first {
        "seed" => Keyfile::from_seed(&[0x11; 32], scheme),
        uri if uri.starts_with("//") => Keyfile::from_uri(uri, scheme).unwrap(),
        name => {
            let mnemonic = Mnemonic::parse(text(about, name)).unwrap();
            Keyfile::from_mnemonic(&mnemonic, None, scheme)
        }
    }
}

#[test]
fn wallets_open_with_the_keys_they_are_said_to_hold() {
    let vectors = vectors();
    let mut opened = 0;
    let latin = passwords::shared("testing-Pa55");
    for (path, entry) in vectors["wallets"].as_object().unwrap() {
        let path = folder().join(path);
        let name = path.file_name().unwrap().to_str().unwrap();
        // A checkout does not keep modes.
        let guard = Guard::strict().with_any_mode(true);
        let wallet = Wallet::new(path.parent().unwrap(), name).unwrap().with_guard(guard);
        if let Some(key) = entry.get("nacl_key_hex") {
            assert_eq!(hex::encode(latin.nacl_key().unwrap()), key.as_str().unwrap());
        }
        for (file, description) in entry.as_object().unwrap() {
            let description = description.as_str().unwrap();
            let (locked, public, ss58) = match file.strip_prefix("hotkeys/") {
                Some(hotkey) => {
                    (wallet.hotkey(hotkey), wallet.hotkey_public(hotkey), "hotkey_ss58")
                }
                None if file == "coldkey" => {
                    (wallet.coldkey(), wallet.coldkey_public(), "coldkey_ss58")
                }
                None => continue,
            };
            let password = if description.contains("пароль") {
                "пароль 密码"
            } else {
                "testing-Pa55"
            };
            let locked = locked.unwrap();
            assert_eq!(locked.encryption().is_some(), description.contains("$NACL"));
            let key = locked.unlock(passwords::shared(password)).unwrap();
            assert_eq!(key.account_id().to_string(), text(entry, ss58), "{path:?} {file}");
            assert_eq!(public.unwrap().account_id(), key.account_id());
            let expected = described(&vectors["about"], description);
            assert_eq!(key.keyfile().to_json(), expected.to_json(), "{path:?} {file}");
            opened += 1;
        }
    }
    assert_eq!(opened, 7);
}

#[test]
fn keyfiles_are_read_as_the_official_package_reads_them() {
    for (path, entry) in vectors()["files"].as_object().unwrap() {
        let content = fs::read(folder().join(path)).unwrap();
        let password = entry["password"].as_str().map(passwords::shared);
        let expected = &entry["read_by_v11"];
        if text(entry, "kind") != "keyfile" {
            check_polkadot_js(path, entry, &content);
            continue;
        }
        let method = Encryption::detect(&content).map_or("unknown", Encryption::name);
        assert_eq!(method, text(expected, "method"), "{path}");
        let read = match password {
            Some(password) => Keyfile::decrypt(&content, password),
            None => Keyfile::read(&content),
        };
        match (read, expected.get("error")) {
            (Ok(key), None) => check_keyfile(path, &key, expected),
            (Err(_), Some(_)) => {}
            // A seed that bittensor-wallet wrote as characters: the key beside it is right.
            (Ok(key), Some(error)) if error.as_str().unwrap().contains("invalid secret seed") => {
                assert_eq!(
                    key.account_id(),
                    Keyfile::from_seed(&[0x11; 32], key.scheme()).account_id()
                );
                assert_eq!(key.seed(), Some([0x11; 32].as_slice()), "the seed is recovered");
            }
            (Ok(key), Some(error)) => panic!("{path}: {key:?}, expected {error}"),
            (Err(error), None) => panic!("{path}: {error:?}"),
        }
    }
}

fn check_keyfile(path: &str, key: &Keyfile, expected: &Value) {
    assert_eq!(key.account_id().to_string(), text(expected, "ss58"), "{path}");
    assert_eq!(key.scheme(), scheme(&expected["crypto"]), "{path}");
    assert_eq!(key.keypair().is_ok(), expected["can_sign"].as_bool().unwrap(), "{path}");
    let names: BTreeSet<&str> = key.fields().into_iter().collect();
    let wanted: BTreeSet<&str> = expected["rewritten_fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    assert_eq!(names, wanted, "{path}");
    let written: Value = serde_json::from_str(&key.to_json()).unwrap();
    let written: BTreeSet<&str> = written.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(written, wanted, "{path}");
    assert_eq!(Keyfile::read(key.to_json().as_bytes()).unwrap().to_json(), key.to_json());
}

fn check_polkadot_js(path: &str, entry: &Value, content: &[u8]) {
    let right = polkadot_js::import(content, passwords::shared(text(entry, "password"))).unwrap();
    let expected = &entry["read_by_v11"]["right"];
    assert_eq!(right.account_id().to_string(), text(expected, "ss58"), "{path}");
    assert_eq!(right.scheme(), scheme(&expected["crypto"]), "{path}");
    let derived = Keypair::from_uri(text(entry, "uri"), right.scheme()).unwrap();
    assert_eq!(*right.to_secret(), *derived.to_secret(), "{path}");
    let wrong = polkadot_js::import(content, passwords::wrong()).unwrap_err();
    assert_eq!(wrong, polkadot_js::PolkadotJsError::WrongPassword);
    assert_eq!(Keyfile::read(content).unwrap_err(), KeyfileError::PolkadotJs);
}

#[test]
fn a_wrong_password_is_told_from_a_broken_file() {
    for (path, wrong) in [
        ("bittensor-wallet-4.1.1/sr-encrypted/coldkey", KeyfileError::WrongPassword),
        ("cases/ansible-vault", KeyfileError::WrongPassword),
        ("cases/fernet-legacy", KeyfileError::WrongPassword),
    ] {
        let content = fs::read(folder().join(path)).unwrap();
        assert_eq!(Keyfile::decrypt(&content, passwords::wrong()).unwrap_err(), wrong, "{path}");
        assert!(matches!(Keyfile::read(&content), Err(KeyfileError::Encrypted(_))), "{path}");
        // Cut anywhere, a file is an error and never a key. (The last two bytes may be padding.)
        for length in [6, 28, 44, content.len() / 2, content.len() - 3] {
            let cut = Keyfile::decrypt(&content[..length], passwords::shared("testing-Pa55"));
            assert!(cut.is_err(), "{path} cut to {length}");
        }
    }
}

/// What bittensor 11.3.0 makes of these forms, each tried once; `true` opens.
#[test]
fn forms_of_old_encryptions() {
    let password = passwords::shared("testing-Pa55");
    let known = "2a2bcca269964983552f71ffc1881bd02d4a48ad8c860b399a76b3b32f47469d";
    assert_eq!(hex::encode(password.fernet_key()), known);
    let vault = fs::read_to_string(folder().join("cases/ansible-vault")).unwrap();
    let (header, body) = vault.split_once('\n').unwrap();
    let token = fs::read_to_string(folder().join("cases/fernet-legacy")).unwrap();
    for (content, opens) in [
        (vault.replace('\n', "\r\n"), true),
        (format!("{header}\n{}", body.replace('\n', "")), true),
        (format!("{vault}\n\n"), true),
        (vault.trim_end().to_owned(), true),
        (format!("{header}\n{}", body.to_uppercase()), true),
        (vault.replace("1.1;AES256", "1.2;AES256;id"), false),
        (vault.replacen("AES256", "AES256  ", 1), false),
        (header.to_owned(), false),
        (format!("{header}\n0a0a"), false),
        (token.trim_end_matches('=').to_owned(), true),
        (format!("{token}\n"), false),
        (token.replacen("gAAAAA", "gAAAAA!", 1), false),
    ] {
        let read = Keyfile::decrypt(content.as_bytes(), password);
        assert_eq!(read.is_ok(), opens, "{read:?} of {content}");
    }
}

#[test]
fn the_wallet_says_which_account_it_expected() {
    let folder = tempfile::tempdir().unwrap();
    let wallet = Wallet::new(folder.path(), "w").unwrap();
    let key = |uri: &str| Keyfile::from_uri(uri, Scheme::Sr25519).unwrap();
    let overwrite = tensor_core::wallet::Overwrite::Replace;
    wallet.write_hotkey("h", &key("//Alice"), None, overwrite).unwrap();
    wallet.write_hotkey("h", &key("//Bob").to_public(), None, overwrite).unwrap();
    let error = wallet.hotkey("h").unwrap().open().unwrap_err();
    let WalletError::AddressMismatch { expected, found, .. } = error else { panic!("{error:?}") };
    assert_eq!((expected, found), (key("//Bob").account_id(), key("//Alice").account_id()));
}

#[test]
fn secret_uris() {
    for entry in entries(&vectors(), "uri") {
        let scheme = text(&entry, "type").parse().unwrap();
        match (Keypair::from_uri(text(&entry, "uri"), scheme), entry.get("error")) {
            (Ok(pair), None) => {
                assert_eq!(pair.account_id().to_string(), text(&entry, "ss58"), "{entry}");
                assert_eq!(pair.account_id().as_bytes().as_slice(), bytes(&entry, "public"));
            }
            (Err(_), Some(_)) => {}
            (other, _) => panic!("{other:?} for {entry}"),
        }
    }
}

#[test]
fn mnemonics() {
    let vectors = vectors();
    for entry in entries(&vectors, "mnemonic") {
        let mnemonic = Mnemonic::parse(text(&entry, "mnemonic")).unwrap();
        let key = Keyfile::from_mnemonic(
            &mnemonic,
            entry["password"].as_str(),
            scheme(&entry["crypto_type"]),
        );
        assert_eq!(key.account_id().to_string(), text(&entry, "ss58"), "{entry}");
        assert_eq!(key.seed().unwrap(), bytes(&entry, "seed"), "{entry}");
        assert_eq!(*key.keypair().unwrap().to_secret(), bytes(&entry, "private_key"), "{entry}");
        assert_eq!(key.phrase().is_some(), entry["keeps_phrase"].as_bool().unwrap(), "{entry}");
    }
    for entry in entries(&vectors, "mnemonic_edge") {
        match (
            Keypair::from_mnemonic(text(&entry, "input"), None, Scheme::Sr25519),
            entry.get("error"),
        ) {
            (Ok(pair), None) => assert_eq!(pair.account_id().to_string(), text(&entry, "ss58")),
            (Err(_), Some(_)) => {}
            (other, _) => panic!("{other:?} for {entry}"),
        }
    }
}

#[test]
fn signatures() {
    for entry in entries(&vectors(), "sign") {
        let scheme = scheme(&entry["crypto_type"]);
        let pair = Keypair::from_uri(text(&entry, "uri"), scheme).unwrap();
        assert_eq!(pair.account_id().to_string(), text(&entry, "ss58"));
        let message = bytes(&entry, "message_hex");
        let wrapped = [b"<Bytes>", message.as_slice(), b"</Bytes>"].concat();
        let plain = Signature::from_hex(text(&entry, "signature"), scheme).unwrap();
        let of_wrapped = Signature::from_hex(text(&entry, "signature_of_wrapped"), scheme).unwrap();
        let verify = |scheme, message: &[u8], signature: &Signature| {
            PublicKey::new(&pair.account_id(), scheme)
                .is_ok_and(|key| key.verify_tolerant(message, &signature.bytes))
        };
        let other = match scheme {
            Scheme::Sr25519 => Scheme::Ed25519,
            _ => Scheme::Sr25519,
        };
        for (name, got) in [
            ("verify_plain", verify(scheme, &message, &plain)),
            ("verify_wrapped_against_plain_message", verify(scheme, &message, &of_wrapped)),
            ("verify_plain_signature_against_wrapped_message", verify(scheme, &wrapped, &plain)),
            ("verify_under_other_scheme", verify(other, &message, &plain)),
        ] {
            assert_eq!(got, entry[name].as_bool().unwrap(), "{name} of {entry}");
        }
        let again = pair.sign(&message);
        assert!(verify(scheme, &message, &again));
        assert_eq!(again == plain, entry["deterministic"].as_bool().unwrap());
    }
}

#[test]
fn addresses() {
    let vectors = vectors();
    for entry in entries(&vectors, "ss58") {
        let account = AccountId::from_bytes(bytes(&entry, "public").try_into().unwrap());
        let prefix = entry["prefix"].as_u64().unwrap() as u16;
        assert_eq!(account.to_ss58(prefix).unwrap(), text(&entry, "ss58"));
        assert_eq!(AccountId::from_ss58_any(text(&entry, "ss58")).unwrap(), (account, prefix));
    }
    for entry in entries(&vectors, "ss58_edge") {
        let address = text(&entry, "address");
        let decoded = AccountId::from_ss58_any(address);
        assert_eq!(decoded.is_err(), entry.get("decode_error").is_some(), "{entry}");
        if let Ok((account, prefix)) = decoded {
            assert_eq!(account.as_bytes().as_slice(), bytes(&entry, "decoded"));
            assert_eq!(prefix == SS58_PREFIX, entry["is_bittensor_address"].as_bool().unwrap());
        }
        assert_eq!(
            address.parse::<AccountId>().is_ok(),
            entry["is_bittensor_address"].as_bool().unwrap()
        );
    }
}

#[test]
fn passwords_from_the_environment() {
    for entry in entries(&vectors(), "password_env") {
        let variable = password::variable_name(text(&entry, "path").as_ref());
        assert_eq!(variable, text(&entry, "variable"));
        assert_eq!(password::encode(text(&entry, "password"), &variable), text(&entry, "value"));
        let read_back = password::decode(text(&entry, "value"), &variable).unwrap().unwrap();
        assert_eq!(read_back.expose(), text(&entry, "read_back"));
    }
}
