//! Reads by name: any storage item, constant, runtime API and event of any pallet.
//!
//! These are what all typed reads are made of. A read at the newest block asks for the value and for
//! the runtime's version at the same time, so it costs one round trip, and is asked again under the
//! new metadata when the chain was upgraded meanwhile.

use std::sync::Arc;

use futures::TryStreamExt;
use serde::de::DeserializeOwned;
use tensor_core::call::Value;

use super::rpc::Hash;
use super::runtime::Runtime;
use super::{Subtensor, map};
use crate::codec::{EventRecord, from_value};
use crate::error::Error;

/// How many keys one request for values carries.
const BATCH: usize = 256;

impl Subtensor {
    /// Calls a runtime API by trait and method, such as `SwapRuntimeApi`, `current_alpha_price`.
    ///
    /// # Errors
    /// [`Error::Missing`] when this runtime has none, [`Error::Encode`] when the arguments do not fit,
    /// [`Error::Decode`] when the answer does not.
    pub async fn runtime_call(
        &self,
        api: &str,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let name = format!("{api}_{method}");
        let (runtime, bytes) = self.runtime_call_bytes(api, method, args).await?;
        let api = runtime.metadata.runtime_api(api, method)?;
        api.decode(&bytes).map_err(|source| Error::decode(name, source))
    }

    /// As [`runtime_call`](Self::runtime_call), read as a Rust type by [`from_value`].
    ///
    /// # Errors
    /// As [`runtime_call`](Self::runtime_call).
    pub async fn runtime_call_as<T: DeserializeOwned>(
        &self,
        api: &str,
        method: &str,
        args: &[Value],
    ) -> Result<T, Error> {
        let value = self.runtime_call(api, method, args).await?;
        from_value(value).map_err(|source| Error::decode(format!("{api}_{method}"), source))
    }

    /// The value of a storage item under these keys; its default where nothing is stored, `None` where
    /// absence is meant. To tell a default from a stored value, see
    /// [`stored`](Self::stored).
    ///
    /// # Errors
    /// [`Error::Missing`] when this runtime has no such item, [`Error::StorageKey`] when the keys do
    /// not fit it.
    pub async fn storage(
        &self,
        pallet: &str,
        item: &str,
        keys: &[Value],
    ) -> Result<Option<Value>, Error> {
        let (runtime, bytes) = self.storage_bytes(pallet, item, keys).await?;
        let entry = runtime.metadata.storage(pallet, item)?;
        let value = match bytes {
            Some(bytes) => entry.decode(&bytes).map(Some),
            None => entry.default(),
        };
        value.map_err(|source| Error::decode(entry.name(), source))
    }

    /// The value that is stored under these keys; `None` where nothing is, whatever the default.
    ///
    /// # Errors
    /// As [`storage`](Self::storage).
    pub async fn stored(
        &self,
        pallet: &str,
        item: &str,
        keys: &[Value],
    ) -> Result<Option<Value>, Error> {
        let (runtime, bytes) = self.storage_bytes(pallet, item, keys).await?;
        let entry = runtime.metadata.storage(pallet, item)?;
        let value = bytes.map(|bytes| entry.decode(&bytes)).transpose();
        value.map_err(|source| Error::decode(entry.name(), source))
    }

    /// As [`storage`](Self::storage), read as a Rust type by [`from_value`]. An item without default
    /// is read as an `Option`.
    ///
    /// # Errors
    /// As [`storage`](Self::storage).
    pub async fn storage_as<T: DeserializeOwned>(
        &self,
        pallet: &str,
        item: &str,
        keys: &[Value],
    ) -> Result<T, Error> {
        let value = self.storage(pallet, item, keys).await?;
        typed(pallet, item, value)
    }

    /// The values of one item under many keys, in few requests and at one block; each as by
    /// [`storage`](Self::storage).
    ///
    /// # Errors
    /// As [`storage`](Self::storage).
    pub async fn storage_many(
        &self,
        pallet: &str,
        item: &str,
        keys: &[Vec<Value>],
    ) -> Result<Vec<Option<Value>>, Error> {
        let pinned = if keys.len() > BATCH { self.pinned().await? } else { self.clone() };
        let at = pinned.resolve().await?;
        let mut values = Vec::with_capacity(keys.len());
        for keys in keys.chunks(BATCH) {
            let (runtime, found) = pinned
                .read_at(at, |runtime| {
                    let entry = runtime.metadata.storage(pallet, item)?;
                    let keys = keys.iter().map(|keys| entry.key(keys)).collect::<Result<_, _>>();
                    Ok(Question::Values(keys?))
                })
                .await?;
            let entry = runtime.metadata.storage(pallet, item)?;
            for bytes in found {
                let value = match bytes {
                    Some(bytes) => entry.decode(&bytes).map(Some),
                    None => entry.default(),
                };
                values.push(value.map_err(|source| Error::decode(entry.name(), source))?);
            }
        }
        Ok(values)
    }

    /// Many storage items, whatever they are, in one request and at one block. Each is pallet, item,
    /// keys; each answer as by [`storage`](Self::storage).
    ///
    /// # Errors
    /// As [`storage`](Self::storage).
    pub async fn storage_batch(
        &self,
        items: &[(&str, &str, &[Value])],
    ) -> Result<Vec<Option<Value>>, Error> {
        let at = self.resolve().await?;
        let (runtime, found) = self
            .read_at(at, |runtime| {
                let keys = items.iter().map(|(pallet, item, keys)| {
                    Ok::<_, Error>(runtime.metadata.storage(pallet, item)?.key(keys)?)
                });
                Ok(Question::Values(keys.collect::<Result<_, _>>()?))
            })
            .await?;
        let mut values = Vec::with_capacity(items.len());
        for ((pallet, item, _), bytes) in items.iter().zip(found) {
            let entry = runtime.metadata.storage(pallet, item)?;
            let value = match bytes {
                Some(bytes) => entry.decode(&bytes).map(Some),
                None => entry.default(),
            };
            values.push(value.map_err(|source| Error::decode(entry.name(), source))?);
        }
        Ok(values)
    }

    /// All values of an item below these keys (none: the whole item), with the keys that lead to each,
    /// at one block. For items of many entries see [`storage_stream`](Self::storage_stream).
    ///
    /// # Errors
    /// As [`storage`](Self::storage).
    pub async fn storage_map(
        &self,
        pallet: &str,
        item: &str,
        keys: &[Value],
    ) -> Result<Vec<(Vec<Value>, Value)>, Error> {
        self.storage_stream(pallet, item, keys).try_collect().await
    }

    /// All values of an item below these keys, page by page as they are asked for, at one block.
    pub fn storage_stream(&self, pallet: &str, item: &str, keys: &[Value]) -> map::StorageStream {
        map::stream(self.clone(), pallet, item, keys)
    }

    /// A constant of the runtime.
    ///
    /// # Errors
    /// [`Error::Missing`] when this runtime has none.
    pub async fn constant(&self, pallet: &str, name: &str) -> Result<Value, Error> {
        let runtime = self.runtime().await?;
        let value = runtime.metadata.constant(pallet, name)?;
        value.map_err(|source| Error::decode(format!("{pallet}.{name}"), source))
    }

    /// As [`constant`](Self::constant), read as a Rust type by [`from_value`].
    ///
    /// # Errors
    /// As [`constant`](Self::constant).
    pub async fn constant_as<T: DeserializeOwned>(
        &self,
        pallet: &str,
        name: &str,
    ) -> Result<T, Error> {
        typed(pallet, name, Some(self.constant(pallet, name).await?))
    }

    /// What happened in the block that is read.
    ///
    /// # Errors
    /// [`Error::Decode`] when the events do not fit the runtime's metadata.
    pub async fn events(&self) -> Result<Vec<EventRecord>, Error> {
        // A block's events were written by the runtime before it: an upgrade in it counts from the
        // next one on.
        let hash = self.block_hash().await?;
        let header = self.inner.rpc.header(Some(hash)).await?;
        let parent = if header.number.value() == 0 { hash } else { header.parent };
        let runtime = self.runtime_at(Some(parent)).await?;
        let key = runtime.metadata.storage("System", "Events")?.key(&[])?;
        let Some(bytes) = self.inner.rpc.storage(&key, Some(hash)).await? else {
            return Ok(Vec::new());
        };
        let events = runtime.metadata.decode_events(&bytes);
        events.map_err(|source| Error::decode("System.Events", source))
    }

    /// The bytes of a runtime API's answer, and the runtime that gave them.
    pub(crate) async fn runtime_call_bytes(
        &self,
        api: &str,
        method: &str,
        args: &[Value],
    ) -> Result<(Arc<Runtime>, Vec<u8>), Error> {
        let at = self.resolve().await?;
        let (runtime, answer) = self
            .read_at(at, |runtime| {
                let api = runtime.metadata.runtime_api(api, method)?;
                let function = api.function();
                let args = api.encode_args(args);
                let args = args.map_err(|source| Error::encode(function.clone(), source))?;
                Ok(Question::Call(function, args))
            })
            .await?;
        Ok((runtime, answer.into_iter().next().flatten().unwrap_or_default()))
    }

    /// The bytes under a storage key, and the runtime that they belong to.
    pub(crate) async fn storage_bytes(
        &self,
        pallet: &str,
        item: &str,
        keys: &[Value],
    ) -> Result<(Arc<Runtime>, Option<Vec<u8>>), Error> {
        let at = self.resolve().await?;
        let (runtime, answer) = self
            .read_at(at, |runtime| {
                let key = runtime.metadata.storage(pallet, item)?.key(keys)?;
                Ok(Question::Value(key))
            })
            .await?;
        Ok((runtime, answer.into_iter().next().flatten()))
    }

    /// Asks under the runtime that the block has. At a block whose runtime is not known yet, the
    /// newest is assumed and checked at the same time.
    async fn read_at(
        &self,
        at: Option<Hash>,
        question: impl Fn(&Runtime) -> Result<Question, Error> + Send + Sync,
    ) -> Result<(Arc<Runtime>, Vec<Option<Vec<u8>>>), Error> {
        if let Some(runtime) = at.and_then(|at| self.inner.runtimes.known(at)) {
            let answer = self.ask(question(&runtime)?, at).await?;
            return Ok((runtime, answer));
        }
        if let Some(assumed) = self.inner.runtimes.newest()
            && let Ok(asked) = question(&assumed)
        {
            let version = self.inner.rpc.runtime_version(at);
            let (answer, version) = futures::join!(self.ask(asked, at), version);
            let runtime = self.inner.runtimes.get(&self.inner.rpc, version?, at).await?;
            if runtime.spec_version == assumed.spec_version {
                return Ok((runtime, answer?));
            }
        }
        // Another runtime: pin the block, so that no second upgrade comes between.
        let at = match at {
            Some(at) => at,
            None => self.inner.rpc.block_hash(None).await?,
        };
        let runtime = self.runtime_at(Some(at)).await?;
        let answer = self.ask(question(&runtime)?, Some(at)).await?;
        Ok((runtime, answer))
    }

    async fn ask(
        &self,
        question: Question,
        at: Option<Hash>,
    ) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let rpc = &self.inner.rpc;
        match question {
            Question::Call(function, args) => Ok(vec![Some(rpc.call(&function, &args, at).await?)]),
            Question::Value(key) => Ok(vec![rpc.storage(&key, at).await?]),
            Question::Values(keys) => rpc.storage_many(&keys, at).await,
        }
    }
}

/// What a read asks the node.
enum Question {
    /// A runtime API by full name, with its arguments' bytes.
    Call(String, Vec<u8>),
    /// The value under a key.
    Value(Vec<u8>),
    /// The values under many.
    Values(Vec<Vec<u8>>),
}

pub(crate) fn typed<T: DeserializeOwned>(
    pallet: &str,
    item: &str,
    value: Option<Value>,
) -> Result<T, Error> {
    let value = value.unwrap_or(Value::Option(None));
    from_value(value).map_err(|source| Error::decode(format!("{pallet}.{item}"), source))
}
