//! Entries that stand for files beside the index: wallets and single keyfiles.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde_json::Value;
use tensor_core::key::{Mnemonic, Scheme};
use tensor_core::wallet::{Encryption, Guard, Keyfile, Wallet, WalletKey, polkadot_js};

use super::{Passwords, refused, string};
use crate::conformance::{Case, Computed, Rule, SchemaError};

/// A wallet: every file there opens, secret and public files agree, and the keys are those described.
pub(super) fn wallet(
    folder: &Path,
    name: &str,
    entry: Value,
    about: &Rc<Value>,
    passwords: &Rc<Passwords>,
) -> Case {
    let path = folder.join(name);
    let (about, passwords, name) = (Rc::clone(about), Rc::clone(passwords), name.to_owned());
    Case::new(format!("wallets/{name}"), move || {
        let opened = Opened { path: &path, entry: &entry, about: &about, passwords: &passwords };
        let at = |key: &str, value: String| {
            Computed::at(["wallets", &name, key], value).with_rule(Rule::EqualIfPresent)
        };
        let mut computed = Vec::new();
        if let Some(address) = opened.coldkey()? {
            computed.push(at("coldkey_ss58", address));
        }
        // A wallet with several hotkeys gives the address of one of them.
        let hotkeys = opened.hotkeys()?;
        let given = entry.get("hotkey_ss58").and_then(Value::as_str);
        let hotkey = hotkeys.iter().find(|address| Some(address.as_str()) == given);
        if let Some(address) = hotkey.or_else(|| hotkeys.first()) {
            computed.push(at("hotkey_ss58", address.clone()));
        }
        if let Some(password) = opened.encrypted_with() {
            let password = passwords.of(password);
            let key = password.nacl_key().map_err(|error| error.to_string())?;
            computed.push(at("nacl_key_hex", hex::encode(key)));
        }
        Ok(computed)
    })
}

/// A single file: what reading it gives, or that it is refused.
pub(super) fn keyfile(
    folder: &Path,
    name: &str,
    entry: &Value,
    passwords: &Rc<Passwords>,
) -> Result<Case, SchemaError> {
    let polkadot = string(name, entry, "kind")?.starts_with("polkadot-js");
    let password = entry.get("password").and_then(Value::as_str).map(str::to_owned);
    let path = folder.join(name);
    let (passwords, name) = (Rc::clone(passwords), name.to_owned());
    Ok(Case::new(format!("files/{name}"), move || {
        let content = read(&path)?;
        if polkadot {
            let password = password.as_deref().ok_or("a polkadot-js file needs a password")?;
            return from_polkadot_js(&name, &content, password, &passwords);
        }
        let at =
            |key: &str, value: Value| Computed::at(["files", &name, "read_by_v11", key], value);
        let method = Encryption::detect(&content).map_or("unknown", Encryption::name);
        let mut computed = vec![at("method", method.into())];
        let key = match &password {
            Some(password) => Keyfile::decrypt(&content, &passwords.of(password)),
            None => Keyfile::read(&content),
        };
        let key = match key {
            Ok(key) => key,
            Err(error) => {
                computed.push(refused(at("error", error.to_string().into())));
                return Ok(computed);
            }
        };
        let again = Keyfile::read(key.to_json().as_bytes()).map_err(|error| error.to_string())?;
        if again.to_json() != key.to_json() {
            return Err("written and read again, it is another key".to_owned());
        }
        let fields: BTreeSet<&str> = key.fields().into_iter().collect();
        let values = [
            at("ss58", key.account_id().to_string().into()),
            at("crypto", key.scheme().crypto_type().into()),
            at("can_sign", key.keypair().is_ok().into()),
            at("rewritten_fields", fields.into_iter().collect::<Vec<_>>().into()),
        ];
        // The official package stops at a seed that is no hexadecimal; the key beside it is right.
        let lenient = seed_is_not_hex(&content);
        computed.extend(values.into_iter().map(|value| match lenient {
            true => value.with_rule(Rule::EqualIfPresent),
            false => value,
        }));
        Ok(computed)
    }))
}

fn from_polkadot_js(
    name: &str,
    content: &[u8],
    password: &str,
    passwords: &Passwords,
) -> Result<Vec<Computed>, String> {
    let at = |side: &str, key: &str, value: Value| {
        Computed::at(["files", name, "read_by_v11", side, key], value)
    };
    let mut computed = Vec::new();
    let wrong = format!("{password} but wrong");
    for (side, password) in [("right", password), ("wrong", wrong.as_str())] {
        match polkadot_js::import(content, &passwords.of(password)) {
            Ok(pair) => {
                computed.push(at(side, "ss58", pair.account_id().to_string().into()));
                computed.push(at(side, "crypto", pair.scheme().crypto_type().into()));
            }
            Err(error) => computed.push(refused(at(side, "error", error.to_string().into()))),
        }
    }
    Ok(computed)
}

fn seed_is_not_hex(content: &[u8]) -> bool {
    let fields: Option<Value> = serde_json::from_slice(content).ok();
    let seed = fields.as_ref().and_then(|fields| fields.get("secretSeed")?.as_str());
    seed.is_some_and(|seed| super::hexadecimal(seed).is_err())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

/// A wallet being opened file by file.
struct Opened<'a> {
    path: &'a Path,
    entry: &'a Value,
    about: &'a Value,
    passwords: &'a Passwords,
}

impl Opened<'_> {
    /// The coldkey's address, if there is a secret or a public file.
    fn coldkey(&self) -> Result<Option<String>, String> {
        let wallet = self.wallet()?;
        let secret = self.has("coldkey").then(|| wallet.coldkey());
        let public = self.has("coldkeypub.txt").then(|| wallet.coldkey_public());
        self.address("coldkey", secret, public)
    }

    /// The addresses of all hotkeys, by name.
    fn hotkeys(&self) -> Result<Vec<String>, String> {
        let Ok(entries) = fs::read_dir(self.path.join("hotkeys")) else { return Ok(Vec::new()) };
        let mut names = BTreeSet::new();
        for entry in entries {
            let file = entry.map_err(|error| error.to_string())?.file_name();
            let file = file.to_str().ok_or("a hotkey's name is not UTF-8")?;
            if !file.ends_with(".lock") {
                names.insert(file.strip_suffix("pub.txt").unwrap_or(file).to_owned());
            }
        }
        let wallet = self.wallet()?;
        let mut addresses = Vec::new();
        for name in names {
            let file = format!("hotkeys/{name}");
            let secret = self.has(&file).then(|| wallet.hotkey(&name));
            let public = self.has(&format!("{file}pub.txt")).then(|| wallet.hotkey_public(&name));
            addresses.extend(self.address(&file, secret, public)?);
        }
        Ok(addresses)
    }

    fn address<E: std::fmt::Display>(
        &self,
        file: &str,
        secret: Option<Result<WalletKey, E>>,
        public: Option<Result<Keyfile, E>>,
    ) -> Result<Option<String>, String> {
        let said = |error: E| format!("{file}: {error}");
        let public = public.transpose().map_err(said)?.map(|key| key.account_id());
        let Some(secret) = secret.transpose().map_err(said)? else {
            return Ok(public.map(|account| account.to_string()));
        };
        let described = self.description(file);
        let password = self.passwords.of(password_in(described));
        let key = secret.unlock(&password).map_err(|error| format!("{file}: {error}"))?;
        if public.is_some_and(|public| public != key.account_id()) {
            return Err(format!("{file}: the public file names another account"));
        }
        match derived(self.about, described) {
            Some(expected) if expected.account_id() != key.account_id() => {
                Err(format!("{file}: holds {}, not the key described", key.account_id()))
            }
            _ => Ok(Some(key.account_id().to_string())),
        }
    }

    /// The password of the files that are encrypted, if any is.
    fn encrypted_with(&self) -> Option<&str> {
        let fields = self.entry.as_object()?;
        let mut texts = fields.values().filter_map(Value::as_str);
        texts.find(|text| text.contains("$NACL")).map(password_in)
    }

    fn description(&self, file: &str) -> &str {
        self.entry.get(file).and_then(Value::as_str).unwrap_or_default()
    }

    fn has(&self, file: &str) -> bool {
        self.path.join(file).is_file()
    }

    fn wallet(&self) -> Result<Wallet, String> {
        let name = self.path.file_name().and_then(|name| name.to_str());
        let (folder, name) = self
            .path
            .parent()
            .map(PathBuf::from)
            .zip(name)
            .ok_or("a wallet's path has no folder")?;
        // A checkout does not keep modes.
        let guard = Guard::strict().with_any_mode(true);
        Wallet::new(folder, name).map(|wallet| wallet.with_guard(guard)).map_err(|e| e.to_string())
    }
}

/// The password that a description names: of the vectors' two.
fn password_in(description: &str) -> &'static str {
    if description.contains("пароль") { "пароль 密码" } else { "testing-Pa55" }
}

/// The key that a description says a file holds: `mnemonic_a`, a URI, or `seed 0x11 x 32`.
fn derived(about: &Value, description: &str) -> Option<Keyfile> {
    let scheme = if description.contains("ed25519") { Scheme::Ed25519 } else { Scheme::Sr25519 };
    let mut words = description.split([' ', ',']);
    match words.next()? {
        "seed" => {
            let bytes = super::hexadecimal(words.next()?).ok()?;
            let seed: [u8; 32] = match bytes.as_slice() {
                [byte] => [*byte; 32],
                bytes => bytes.try_into().ok()?,
            };
            Some(Keyfile::from_seed(&seed, scheme))
        }
        uri if uri.starts_with("//") => Keyfile::from_uri(uri, scheme).ok(),
        name => {
            let mnemonic = Mnemonic::parse(about.get(name)?.as_str()?).ok()?;
            Some(Keyfile::from_mnemonic(&mnemonic, None, scheme))
        }
    }
}
