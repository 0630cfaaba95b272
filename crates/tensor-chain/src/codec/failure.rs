//! Dispatch errors by name, from the metadata of the block that produced them.
//!
//! Indices of errors move between runtimes, so a name never comes from a table of ours. An extrinsic
//! that carries others (sudo, proxy, multisig, batch) reports success when one of those failed; here a
//! nested failure is a failure.

use tensor_core::call::Value;
use tensor_core::receipt::Event;

use super::metadata::Metadata;
use crate::error::ErrorCode;

/// A rule of the runtime that a call broke.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DispatchFailure {
    /// The pallet whose rule it was; `Token`, `Arithmetic`, … for the runtime's own kinds, and
    /// `Dispatch` for those without a kind.
    pub pallet: String,
    /// The rule's name.
    pub name: String,
    /// What the runtime says about it; empty where it says nothing.
    pub docs: String,
    /// The event that told of a failure inside a successful extrinsic.
    pub nested_in: Option<String>,
    /// The error as the chain gave it.
    pub raw: Value,
}

impl DispatchFailure {
    /// Names a decoded `sp_runtime::DispatchError`.
    pub fn new(metadata: &Metadata, error: &Value) -> Self {
        let (pallet, name, docs) = describe(metadata, error);
        Self { pallet, name, docs, nested_in: None, raw: error.clone() }
    }

    /// The failure that an extrinsic's events tell of, nested ones included; `None` on success.
    pub fn find<'a>(
        metadata: &Metadata,
        events: impl IntoIterator<Item = &'a Event>,
    ) -> Option<Self> {
        let mut nested = None;
        for event in events {
            if (event.pallet.as_str(), event.name.as_str()) == ("System", "ExtrinsicFailed") {
                let error = event.field("dispatch_error").or_else(|| event.field("0"));
                return Some(Self::new(metadata, error.unwrap_or(&Value::Bool(false))));
            }
            if nested.is_none() {
                nested = nested_error(event).map(|error| Self {
                    nested_in: Some(format!("{}.{}", event.pallet, event.name)),
                    ..Self::new(metadata, &error)
                });
            }
        }
        nested
    }

    /// The kind of failure, the same for all rules of one kind.
    pub fn code(&self) -> ErrorCode {
        ErrorCode::of_chain_error(&self.pallet, &self.name)
    }
}

fn describe(metadata: &Metadata, error: &Value) -> (String, String, String) {
    let plain = |name: &str| ("Dispatch".to_owned(), name.to_owned(), String::new());
    let Some((variant, fields)) = error.as_variant() else { return plain("Unknown") };
    match (variant, fields) {
        ("Module", [(_, module)]) => {
            let index = module.field("index").and_then(Value::as_u64);
            let error = match module.field("error") {
                Some(Value::Bytes(bytes)) => bytes.first().copied(),
                Some(value) => value.as_u64().and_then(|value| u8::try_from(value).ok()),
                None => None,
            };
            let (Some(pallet), Some(error)) = (index.and_then(|i| u8::try_from(i).ok()), error)
            else {
                return plain("Module");
            };
            let docs = metadata.error_docs(pallet, error);
            match metadata.error_name(pallet, error) {
                Some((pallet, name)) => (pallet.to_owned(), name.to_owned(), docs),
                None => (format!("Pallet{pallet}"), format!("Error{error}"), docs),
            }
        }
        // Token, Arithmetic, Transactional, Trie: the inner name says what happened.
        (kind, [(_, Value::Variant(name, _))]) => (kind.to_owned(), name.clone(), String::new()),
        (name, _) => plain(name),
    }
}

/// The dispatch error that an event of a successful extrinsic carries.
fn nested_error(event: &Event) -> Option<Value> {
    // Any event may carry a result: Sudo.Sudid, Proxy.ProxyExecuted, Multisig.MultisigExecuted, and
    // whatever pallet comes next.
    for (_, value) in &event.fields {
        if let Value::Variant(name, fields) = value
            && name == "Err"
            && let Some((_, error)) = fields.first()
        {
            return Some(error.clone());
        }
    }
    let failed = matches!(
        (event.pallet.as_str(), event.name.as_str()),
        ("Utility", "BatchInterrupted" | "ItemFailed")
            | ("SubtensorModule", "BatchWeightItemFailed")
            | (
                "MevShield",
                "ExtrinsicDispatchFailed" | "ExtrinsicDecodeFailed" | "ExtrinsicExpired"
            )
    );
    failed.then(|| {
        let error =
            event.field("error").or_else(|| event.fields.iter().map(|(_, v)| v).find(is_error));
        error.cloned().unwrap_or_else(|| Value::unit(event.name.clone()))
    })
}

fn is_error(value: &&Value) -> bool {
    matches!(value, Value::Variant(..))
}
