//! Accounts as scenarios name them: secret URIs, bare names, SS58, hexadecimal, small numbers, and the
//! chain's own accounts.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use tensor_core::account::AccountId;
use tensor_core::key::{Keypair, Scheme};

use crate::conformance::numbers;

/// What is accepted, for error messages.
const FORMS: &str = "an account is a secret URI (\"//Alice\"), a name of \"accounts\", another bare name \
    (\"miner\" is \"//miner\"), an SS58 address, 0x and 64 hexadecimal digits, a small number, or one of \
    \"subnet:NETUID\", \"burn\", \"zero\", \"author\"";

/// The names that a document gives to accounts, and the keys that it can sign with.
#[derive(Clone, Debug, Default)]
pub(super) struct Accounts {
    aliases: BTreeMap<String, String>,
    /// Keys by the account they sign for: of all URIs that were named.
    keys: BTreeMap<AccountId, Keypair>,
    author: Option<AccountId>,
}

impl Accounts {
    /// The development accounts, and what the document calls others.
    pub(super) fn new(aliases: BTreeMap<String, String>) -> Self {
        let mut accounts = Self { aliases, ..Self::default() };
        for name in DEVELOPMENT {
            accounts.learn(&format!("//{name}"));
        }
        for uri in accounts.aliases.values().cloned().collect::<Vec<_>>() {
            accounts.learn(&uri);
        }
        accounts
    }

    /// Who `author` means from now on.
    pub(super) fn set_author(&mut self, author: Option<AccountId>) {
        self.author = author;
    }

    /// Remembers the keys of every URI in the document, so that their accounts can sign when they are
    /// named by address.
    pub(super) fn learn_all(&mut self, document: &Json) {
        match document {
            Json::String(text) if text.starts_with("//") => self.learn(text),
            Json::Array(items) => items.iter().for_each(|item| self.learn_all(item)),
            Json::Object(fields) => fields.iter().for_each(|(name, value)| {
                self.learn_all(&Json::from(name.clone()));
                self.learn_all(value);
            }),
            _ => {}
        }
    }

    fn learn(&mut self, text: &str) {
        if let Some(pair) = key_of(text) {
            self.keys.insert(pair.account_id(), pair);
        }
    }

    /// The account that a value names.
    pub(super) fn account(&self, json: &Json) -> Result<AccountId, String> {
        if let Some(number) = numbers::digits(json).and_then(|digits| digits.parse::<u64>().ok()) {
            return Ok(numbered(number));
        }
        match json {
            Json::String(text) => self.named(text.trim()),
            Json::Object(fields) => match fields.iter().next() {
                Some((name, inner)) if fields.len() == 1 => match name.as_str() {
                    "subnet" | "netuid" => {
                        self.named(&format!("subnet:{}", numbers::to_line(inner)))
                    }
                    "Id" | "id" | "account" | "ss58" | "address" | "uri" | "hex" => {
                        self.account(inner)
                    }
                    _ => Err(FORMS.to_owned()),
                },
                _ => Err(FORMS.to_owned()),
            },
            Json::Array(bytes) if bytes.len() == 32 => {
                let bytes: Option<Vec<u8>> =
                    bytes.iter().map(|byte| byte.as_u64()?.try_into().ok()).collect();
                let bytes: Option<[u8; 32]> = bytes.and_then(|bytes| bytes.try_into().ok());
                bytes.map(AccountId::from_bytes).ok_or_else(|| FORMS.to_owned())
            }
            _ => Err(FORMS.to_owned()),
        }
    }

    /// The account, and its key where it is known.
    pub(super) fn signer(&self, json: &Json) -> Result<(AccountId, Option<Keypair>), String> {
        let account = self.account(json)?;
        if let Some(pair) = self.keys.get(&account) {
            return Ok((account, Some(pair.clone())));
        }
        let text = json.as_str().map(str::trim).unwrap_or_default();
        let pair = self.uri(text).and_then(|uri| key_of(&uri));
        Ok((account, pair.filter(|pair| pair.account_id() == account)))
    }

    fn named(&self, text: &str) -> Result<AccountId, String> {
        if let Some(alias) = self.aliases.get(text) {
            // An alias of itself ends here rather than never.
            let plain = Self { aliases: BTreeMap::new(), ..self.clone() };
            return plain.named(alias);
        }
        if let Some(netuid) = text.strip_prefix("subnet:").or_else(|| text.strip_prefix("subnet/"))
        {
            let netuid = netuid.trim().parse::<u16>().map_err(|_| FORMS.to_owned())?;
            return Ok(system(b"subtensr", &netuid.to_le_bytes()));
        }
        match text {
            "burn" => return Ok(system(b"burntnsr", &[])),
            "zero" | "nobody" => return Ok(AccountId::from_bytes([0; 32])),
            "author" => return self.author.ok_or_else(|| "the chain has no author".to_owned()),
            _ => {}
        }
        if let Some(digits) = text.strip_prefix("0x") {
            let bytes: Option<[u8; 32]> = hex::decode(digits).ok().and_then(|b| b.try_into().ok());
            return bytes.map(AccountId::from_bytes).ok_or_else(|| FORMS.to_owned());
        }
        if let Ok((account, _)) = AccountId::from_ss58_any(text) {
            return Ok(account);
        }
        // As the key of an object, a number is a text.
        if let Ok(number) = text.parse::<u64>() {
            return Ok(numbered(number));
        }
        let pair = self.uri(text).and_then(|uri| key_of(&uri));
        pair.map(|pair| pair.account_id()).ok_or_else(|| format!("{text:?}: {FORMS}"))
    }

    /// The secret URI behind a text, if it may be one.
    fn uri(&self, text: &str) -> Option<String> {
        if let Some(alias) = self.aliases.get(text) {
            return Some(alias.clone());
        }
        if text.starts_with('/') || text.contains(' ') {
            return Some(text.to_owned());
        }
        let bare = |letter: char| letter.is_ascii_alphanumeric() || "_-/.".contains(letter);
        let begins = text.starts_with(|letter: char| letter.is_ascii_alphabetic());
        if !begins || !text.chars().all(bare) {
            return None;
        }
        // `alice` is Alice: the development accounts under any capitals.
        let known = DEVELOPMENT.iter().find(|name| name.eq_ignore_ascii_case(text));
        Some(format!("//{}", known.copied().unwrap_or(text)))
    }
}

/// The accounts of the reference local network.
const DEVELOPMENT: [&str; 10] =
    ["Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie", "One", "Two", "Three", "Alice_hk"];

fn key_of(uri: &str) -> Option<Keypair> {
    Keypair::from_uri(uri, Scheme::Sr25519).ok()
}

/// The account of a number, as the pallets' own tests make them: little-endian, 32 bytes.
fn numbered(number: u64) -> AccountId {
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(number.to_le_bytes()).for_each(|(to, from)| *to = from);
    AccountId::from_bytes(bytes)
}

/// An account of the chain's own (chain rules 1.11).
fn system(name: &[u8], rest: &[u8]) -> AccountId {
    let mut bytes = [0; 32];
    let all = b"modl".iter().chain(name).chain(rest);
    bytes.iter_mut().zip(all).for_each(|(to, from)| *to = *from);
    AccountId::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_names_alice() {
        let aliases = BTreeMap::from([("owner".to_owned(), "//Alice".to_owned())]);
        let accounts = Accounts::new(aliases);
        let alice = key_of("//Alice").unwrap().account_id();
        let hex = format!("0x{}", hex::encode(alice.as_bytes()));
        for form in ["//Alice", "Alice", "alice", "owner", &alice.to_string(), &hex] {
            let (account, pair) = accounts.signer(&Json::from(form)).unwrap();
            assert_eq!((account, pair.is_some()), (alice, true), "{form}");
        }
        let subnet = accounts.account(&serde_json::json!({"subnet": 1})).unwrap();
        assert!(hex::encode(subnet.as_bytes()).starts_with("6d6f646c73756274656e73720100"));
        assert_eq!(accounts.account(&Json::from(1)).unwrap().as_bytes()[..2], [1, 0]);
        assert!(accounts.account(&Json::from("5xyz!")).unwrap_err().contains("SS58"));
    }
}
