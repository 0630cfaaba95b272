//! One runtime's interface as the chain publishes it: [`Metadata`].

use std::fmt;

use subxt::metadata::{PalletMetadata, RuntimeApiMetadata, RuntimeApiMethodMetadata};
use tensor_core::call::{Call, Value};

use super::decode::{DecodeError, Types};
use super::encode::EncodeError;
use super::event::{self, EventRecord};
use super::storage::StorageEntry;

/// Everything that can be said to and heard from one runtime, by name.
///
/// Made from the bytes that a node serves (`Metadata_metadata_at_version`, V14 or later); a few
/// milliseconds for the 150 to 400 kB of Bittensor's. Share it behind an `Arc`.
pub struct Metadata {
    inner: subxt::Metadata,
    bytes: Vec<u8>,
    events: Option<u32>,
}

impl Metadata {
    /// Reads metadata in its prefixed form, starting with `meta`.
    ///
    /// # Errors
    /// [`MetadataError`] when the bytes are no metadata.
    pub fn decode(bytes: impl Into<Vec<u8>>) -> Result<Self, MetadataError> {
        let bytes = bytes.into();
        // subxt tries other wrappings too, and on bytes that begin with their own length it calls
        // itself without end: a node could overflow the stack with two bytes.
        if !bytes.starts_with(MAGIC) {
            return Err(MetadataError("it does not start with `meta`".into()));
        }
        let inner = subxt::Metadata::decode_from(&bytes).map_err(MetadataError)?;
        let events = inner
            .pallet_by_name("System")
            .and_then(|pallet| pallet.storage()?.entry_by_name("Events"))
            .map(|entry| entry.value_ty());
        Ok(Self { inner, bytes, events })
    }

    /// The bytes it was read from.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// subxt's view of it. Outside this crate's semantic versioning.
    pub const fn as_subxt(&self) -> &subxt::Metadata {
        &self.inner
    }

    /// The call's bytes: pallet index, call index, arguments.
    ///
    /// # Errors
    /// [`EncodeError`], which names the argument that is missing, unknown or does not fit.
    pub fn encode_call(&self, call: &Call) -> Result<Vec<u8>, EncodeError> {
        let mut out = Vec::new();
        self.types().encode_call(call, &mut out, 0)?;
        Ok(out)
    }

    /// The call that these bytes are, all of them.
    ///
    /// # Errors
    /// [`DecodeError`] when they are none, or more than one.
    pub fn decode_call(&self, bytes: &[u8]) -> Result<Call, DecodeError> {
        match self.types().decode_all(self.types().call, bytes)? {
            Value::Call(call) => Ok(*call),
            _ => Err(DecodeError::invalid("call")),
        }
    }

    /// A storage item by pallet and name.
    ///
    /// # Errors
    /// [`Missing`] when this runtime has none.
    pub fn storage(&self, pallet: &str, item: &str) -> Result<StorageEntry<'_>, Missing> {
        let missing = || Missing::new(Kind::Storage, format!("{pallet}.{item}"));
        let found = self.pallet(pallet).ok_or_else(missing)?;
        let storage = found.storage().ok_or_else(missing)?;
        let entry = storage.entry_by_name(item).ok_or_else(missing)?;
        Ok(StorageEntry::new(self.types(), storage.prefix(), found.name(), entry))
    }

    /// A constant's value by pallet and name.
    ///
    /// # Errors
    /// [`Missing`] when this runtime has none, [`DecodeError`] inside when its bytes do not fit.
    pub fn constant(
        &self,
        pallet: &str,
        name: &str,
    ) -> Result<Result<Value, DecodeError>, Missing> {
        let constant = self.pallet(pallet).and_then(|pallet| pallet.constant_by_name(name));
        let missing = || Missing::new(Kind::Constant, format!("{pallet}.{name}"));
        let constant = constant.ok_or_else(missing)?;
        Ok(self.types().decode_all(constant.ty(), constant.value()))
    }

    /// A method of a runtime API by trait and name, such as `SubnetInfoRuntimeApi`, `get_metagraph`.
    ///
    /// # Errors
    /// [`Missing`] when this runtime has none.
    pub fn runtime_api(&self, api: &str, method: &str) -> Result<RuntimeApi<'_>, Missing> {
        let method_of = |api: RuntimeApiMetadata<'_>| api.method_by_name(method).is_some();
        let found = self.inner.runtime_api_trait_by_name(api).filter(|api| method_of(*api));
        let method = found
            .and_then(|found| found.method_by_name(method))
            .ok_or_else(|| Missing::new(Kind::RuntimeApi, format!("{api}.{method}")))?;
        Ok(RuntimeApi { types: self.types(), api: api.to_owned(), method })
    }

    /// What happened in a block: the decoded value of `System.Events`.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes do not fit this runtime.
    pub fn decode_events(&self, bytes: &[u8]) -> Result<Vec<EventRecord>, DecodeError> {
        let id = self.events.ok_or_else(|| DecodeError::invalid("System.Events"))?;
        event::records(self.types().decode_all(id, bytes)?)
    }

    /// Pallet and name of a module error: the error index within the pallet of that index.
    pub fn error_name(&self, pallet: u8, error: u8) -> Option<(&str, &str)> {
        let pallet = self.inner.pallet_by_error_index(pallet)?;
        Some((pallet.name(), &pallet.error_variant_by_index(error)?.name))
    }

    /// The documentation of a module error; empty where the runtime gives none.
    pub fn error_docs(&self, pallet: u8, error: u8) -> String {
        let pallet = self.inner.pallet_by_error_index(pallet);
        let error = pallet.and_then(|pallet| pallet.error_variant_by_index(error));
        error.map(|error| error.docs.join(" ").trim().to_owned()).unwrap_or_default()
    }

    /// Whether the runtime has something of that kind and name (`Pallet.item`, `Api.method`).
    pub fn has(&self, kind: Kind, name: &str) -> bool {
        let Some((outer, inner)) = name.split_once('.') else {
            return kind == Kind::Pallet && self.pallet(name).is_some();
        };
        match kind {
            Kind::Pallet => false,
            Kind::Storage => self.storage(outer, inner).is_ok(),
            Kind::RuntimeApi => self.runtime_api(outer, inner).is_ok(),
            Kind::Constant => {
                self.pallet(outer).is_some_and(|pallet| pallet.constant_by_name(inner).is_some())
            }
            Kind::Call => self
                .pallet(outer)
                .is_some_and(|pallet| pallet.call_variant_by_name(inner).is_some()),
            Kind::Event => self.pallet(outer).is_some_and(|pallet| {
                pallet
                    .event_variants()
                    .is_some_and(|all| all.iter().any(|event| event.name == inner))
            }),
            Kind::Error => self.pallet(outer).is_some_and(|pallet| {
                pallet
                    .error_variants()
                    .is_some_and(|all| all.iter().any(|error| error.name == inner))
            }),
            Kind::Extension => false,
        }
    }

    pub(crate) fn types(&self) -> Types<'_> {
        Types { registry: self.inner.types(), call: self.inner.outer_enums().call_enum_ty() }
    }

    pub(crate) fn pallet(&self, name: &str) -> Option<PalletMetadata<'_>> {
        self.inner.pallet_by_name(name)
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Metadata({} pallets)", self.inner.pallets().len())
    }
}

/// A method of a runtime API.
pub struct RuntimeApi<'a> {
    types: Types<'a>,
    api: String,
    method: RuntimeApiMethodMetadata<'a>,
}

impl RuntimeApi<'_> {
    /// The name under which `state_call` finds it, such as `SubnetInfoRuntimeApi_get_metagraph`.
    pub fn function(&self) -> String {
        format!("{}_{}", self.api, self.method.name())
    }

    /// The arguments' bytes, in the order the runtime wants them.
    ///
    /// # Errors
    /// [`EncodeError`] when there are too many or too few, or one does not fit.
    pub fn encode_args(&self, args: &[Value]) -> Result<Vec<u8>, EncodeError> {
        let inputs: Vec<_> = self.method.inputs().collect();
        if inputs.len() != args.len() {
            return Err(EncodeError::length(args.len(), inputs.len()).inside(self.function()));
        }
        let mut out = Vec::new();
        for (input, value) in inputs.iter().zip(args) {
            self.types
                .encode(input.id, value, &mut out)
                .map_err(|error| error.inside(input.name.to_string()).inside(self.function()))?;
        }
        Ok(out)
    }

    /// The answer.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes do not fit this runtime.
    pub fn decode(&self, bytes: &[u8]) -> Result<Value, DecodeError> {
        self.types
            .decode_all(self.method.output_ty(), bytes)
            .map_err(|error| error.inside(self.function()))
    }

    pub(crate) fn output(&self) -> u32 {
        self.method.output_ty()
    }
}

impl fmt::Debug for RuntimeApi<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RuntimeApi({})", self.function())
    }
}

/// What metadata starts with.
const MAGIC: &[u8] = b"meta";

/// The bytes are no metadata.
#[derive(Debug, thiserror::Error)]
#[error("the metadata does not decode")]
pub struct MetadataError(#[source] parity_scale_codec::Error);

/// The runtime lacks something by name, after an upgrade perhaps.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the runtime has no {kind} {name}")]
#[non_exhaustive]
pub struct Missing {
    /// What kind of thing.
    pub kind: Kind,
    /// Its name: `Pallet.item` or `Api.method`.
    pub name: String,
}

impl Missing {
    pub(crate) fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

/// The kinds of things that a runtime offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A pallet.
    Pallet,
    /// A storage item.
    Storage,
    /// A call.
    Call,
    /// A constant.
    Constant,
    /// A method of a runtime API.
    RuntimeApi,
    /// An event.
    Event,
    /// An error.
    Error,
    /// A transaction extension.
    Extension,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pallet => "pallet",
            Self::Storage => "storage item",
            Self::Call => "call",
            Self::Constant => "constant",
            Self::RuntimeApi => "runtime API",
            Self::Event => "event",
            Self::Error => "error",
            Self::Extension => "transaction extension",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_begin_with_their_own_length_are_refused() {
        for length in 0..64u8 {
            let mut bytes = vec![0; usize::from(length)];
            if let Some(first) = bytes.first_mut() {
                *first = length << 2;
            }
            assert!(Metadata::decode(bytes).is_err());
        }
        assert!(Metadata::decode(*b"meta").is_err());
    }
}
