//! One entry of a list of vectors: its fields, and the case it makes.

use std::rc::Rc;

use serde_json::Value as Json;
use tensor_chain::codec::{Era, Metadata, SigningContext, StorageEntry};
use tensor_core::call::Value;

use super::value;
use crate::conformance::{Case, Computed, numbers};

/// What all entries share.
pub(super) struct Context {
    pub(super) metadata: Rc<Metadata>,
    pub(super) network: Option<Json>,
}

/// Computes what an entry expects.
pub(super) type Compute = fn(&Context, &Entry) -> Result<Vec<Computed>, String>;

/// An entry and its place.
pub(super) struct Entry {
    place: String,
    json: Json,
}

pub(super) fn case(context: &Rc<Context>, place: String, json: Json, compute: Compute) -> Case {
    let (context, name) = (Rc::clone(context), place.clone());
    let entry = Entry { place, json };
    Case::new(name, move || compute(&context, &entry))
}

impl Entry {
    /// A computed value for a field.
    pub(super) fn at(&self, field: &str, value: impl Into<Json>) -> Computed {
        Computed::new(&format!("{}/{field}", self.place), value)
    }

    pub(super) fn json(&self, field: &str) -> Result<&Json, String> {
        self.json.get(field).ok_or_else(|| format!("the field {field:?} is missing"))
    }

    pub(super) fn text(&self, field: &str) -> Result<&str, String> {
        self.json(field)?.as_str().ok_or_else(|| format!("{field:?} is no string"))
    }

    pub(super) fn number<T: std::str::FromStr>(&self, field: &str) -> Result<T, String> {
        let digits = numbers::digits(self.json(field)?);
        let number = digits.and_then(|digits| digits.parse().ok());
        number.ok_or_else(|| format!("{field:?} is no unsigned integer of that width"))
    }

    pub(super) fn bytes(&self, field: &str) -> Result<Vec<u8>, String> {
        bytes(self.json(field)?).map_err(|problem| format!("{field}: {problem}"))
    }

    pub(super) fn list(&self, field: &str) -> Result<&Vec<Json>, String> {
        self.json(field)?.as_array().ok_or_else(|| format!("{field:?} is no list"))
    }

    /// The parameters as values of the chain.
    pub(super) fn params(&self) -> Result<Vec<Value>, String> {
        self.list("params")?.iter().map(value::from_json).collect()
    }

    /// The storage item that the entry names.
    pub(super) fn storage<'a>(&self, context: &'a Context) -> Result<StorageEntry<'a>, String> {
        let (pallet, item) = (self.text("pallet")?, self.text("storage_function")?);
        context.metadata.storage(pallet, item).map_err(|error| error.to_string())
    }

    /// What the extensions of this entry's extrinsic need to know.
    pub(super) fn signing(&self, context: &Context) -> Result<SigningContext, String> {
        let network = context.network.clone().ok_or("the file names no network")?;
        let network = Self { place: "network".to_owned(), json: network };
        let genesis_hash = hash(network.json("genesis_hash")?)?;
        let (era, era_hash) = match self.json("era")? {
            Json::String(era) if era == "00" => (Era::Immortal, genesis_hash),
            era => {
                let part = |name: &str| {
                    era.get(name).and_then(Json::as_u64).ok_or_else(|| format!("no {name} in era"))
                };
                // Of use for payloads only; an extrinsic does not carry it.
                let birth = self.json.get("era_birth_block_hash").map_or(Ok(genesis_hash), hash)?;
                (Era::mortal(part("period")?, part("current")?), birth)
            }
        };
        Ok(SigningContext {
            spec_version: network.number("spec_version")?,
            transaction_version: network.number("transaction_version")?,
            genesis_hash,
            era,
            era_hash,
            nonce: self.number("nonce")?,
            tip: self.number("tip")?,
            metadata_hash: None,
        })
    }
}

/// Hexadecimal as bytes.
pub(super) fn bytes(json: &Json) -> Result<Vec<u8>, String> {
    let text = json.as_str().ok_or("no hexadecimal string")?;
    super::unhex(text).ok_or_else(|| "no hexadecimal".to_owned())
}

pub(super) fn hash(json: &Json) -> Result<[u8; 32], String> {
    bytes(json)?.try_into().map_err(|_| "a hash has 32 bytes".to_owned())
}

/// Bytes as the vectors write most of them.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}
