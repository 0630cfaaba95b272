//! The suite `wallet`: a folder with `wallet-vectors.json` and the wallets and keyfiles it names.
//!
//! Unknown fields inside an entry are information and ignored, as the schema says.

mod files;
mod keys;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde_json::Value;
use tensor_core::key::Scheme;
use tensor_core::wallet::Password;

use super::{Case, Computed, Object, Rule, SchemaError};

const PARTS: [&str; 11] = [
    "about",
    "made_by",
    "wallets",
    "files",
    "uri",
    "mnemonic",
    "mnemonic_edge",
    "sign",
    "ss58",
    "ss58_edge",
    "password_env",
];

/// The vector file of what the command line names: the file itself, or the folder it lies in.
pub(super) fn index(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("wallet-vectors.json") } else { path.to_owned() }
}

/// The cases of a wallet vector file whose other files lie in `folder`.
///
/// # Errors
/// [`SchemaError`] where the file departs from the schema.
pub fn cases(document: &Value, folder: &Path) -> Result<Vec<Case>, SchemaError> {
    let top = Object::new("file", document, &PARTS)?;
    let about = Rc::new(top.optional("about").cloned().unwrap_or_default());
    let passwords = Rc::new(Passwords::default());
    let mut cases = Vec::new();
    for (path, entry) in named(&top, "wallets")? {
        cases.push(files::wallet(folder, path, entry.clone(), &about, &passwords));
    }
    for (path, entry) in named(&top, "files")? {
        cases.push(files::keyfile(folder, path, entry, &passwords)?);
    }
    let lists: [(&str, keys::Read); 7] = [
        ("uri", keys::uri),
        ("mnemonic", keys::mnemonic),
        ("mnemonic_edge", keys::mnemonic_edge),
        ("sign", keys::sign),
        ("ss58", keys::ss58),
        ("ss58_edge", keys::ss58_edge),
        ("password_env", keys::password_env),
    ];
    for (list, read) in lists {
        for (at, (_, entry)) in top.entries(list)?.into_iter().enumerate() {
            cases.push(read(format!("{list}/{at}"), entry)?);
        }
    }
    Ok(cases)
}

/// The entries of an object that may be missing.
fn named<'a>(top: &Object<'a>, key: &str) -> Result<Vec<(&'a String, &'a Value)>, SchemaError> {
    match top.optional(key) {
        None => Ok(Vec::new()),
        Some(Value::Object(entries)) => Ok(entries.iter().collect()),
        Some(_) => Err(SchemaError::new(key, "an object is wanted")),
    }
}

/// Passwords by their text. Each is made once: turning one into a key takes half a second and 256 MiB.
#[derive(Default)]
struct Passwords(RefCell<HashMap<String, Rc<Password>>>);

impl Passwords {
    fn of(&self, text: &str) -> Rc<Password> {
        let mut known = self.0.borrow_mut();
        let made = known.entry(text.to_owned()).or_insert_with(|| Rc::new(Password::new(text)));
        Rc::clone(made)
    }
}

/// A string of an entry.
fn string(place: &str, entry: &Value, key: &str) -> Result<String, SchemaError> {
    let text = entry.get(key).and_then(Value::as_str);
    let missing = || SchemaError::new(place, format!("a string {key:?} is wanted"));
    text.map(str::to_owned).ok_or_else(missing)
}

/// A scheme by the number that keyfiles and pallets use.
fn scheme(place: &str, entry: &Value, key: &str) -> Result<Scheme, SchemaError> {
    let number =
        entry.get(key).and_then(Value::as_u64).and_then(|number| u8::try_from(number).ok());
    let scheme = number.and_then(|number| Scheme::from_crypto_type(number).ok());
    scheme.ok_or_else(|| SchemaError::new(place, format!("{key:?} is no scheme's number")))
}

/// Hexadecimal, with or without `0x`.
fn hexadecimal(text: &str) -> Result<Vec<u8>, String> {
    hex::decode(text.strip_prefix("0x").unwrap_or(text)).map_err(|error| error.to_string())
}

fn with_prefix(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// An error where an error is expected; its words are our own.
fn refused(computed: Computed) -> Computed {
    let text =
        |value: &Value| value.is_string().then_some(()).ok_or_else(|| "no error text".to_owned());
    computed.with_rule(Rule::Satisfies(Box::new(text)))
}
