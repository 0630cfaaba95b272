//! The node's JSON-RPC methods as typed functions, and its errors as ours.
//!
//! Reads that meet a lost connection are asked again, since the reconnecting transport below resumes by
//! itself; a submission never is.

use std::sync::Arc;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use sp_crypto_hashing::blake2_256;
use subxt::rpcs::client::{RawRpcSubscription, RpcParams};
use subxt::rpcs::{Error as RpcError, RpcClient, RpcClientT};
use tensor_core::BlockNumber;
use tensor_core::account::AccountId;
use tensor_core::chain::Header;

use super::endpoints::Disagreement;
use super::memory::Memory;
use crate::codec::{Kind, Missing};
use crate::error::{Error, Rejection};

/// How often a read is asked again after the connection was lost.
const RETRIES: usize = 3;

/// A block's hash.
pub(crate) type Hash = [u8; 32];

#[derive(Clone, Debug)]
pub(crate) struct Rpc {
    client: RpcClient,
    memory: Arc<Memory>,
}

macro_rules! params {
    ($($param:expr),* $(,)?) => {{
        #[allow(unused_mut)]
        let mut params = RpcParams::new();
        $(params.push($param).map_err(|source| answer("parameters", source))?;)*
        params
    }};
}

impl Rpc {
    /// Over that client, remembering at most so many bytes of what cannot change.
    pub(crate) fn new(client: impl RpcClientT, most_remembered: usize) -> Self {
        Self { client: RpcClient::new(client), memory: Arc::new(Memory::new(most_remembered)) }
    }

    /// Over that client, remembering nothing.
    pub(crate) fn from_client(client: RpcClient) -> Self {
        Self { client, memory: Arc::new(Memory::new(0)) }
    }

    pub(crate) const fn client(&self) -> &RpcClient {
        &self.client
    }

    /// Asks; after a lost connection, again.
    pub(crate) async fn request<T: DeserializeOwned>(
        &self,
        method: &str,
        params: RpcParams,
    ) -> Result<T, Error> {
        let answered = self.ask(method, params.build()).await?;
        read(method, &answered)
    }

    /// As [`request`](Self::request); what is asked of a block by its hash is asked once.
    async fn request_at<T: DeserializeOwned>(
        &self,
        method: &str,
        params: RpcParams,
        at: Option<Hash>,
    ) -> Result<T, Error> {
        if at.is_none() || !self.memory.is_on() {
            return self.request(method, params).await;
        }
        let params = params.build();
        let question = Memory::question(method, params.as_deref());
        let answered = self.memory.recall(question, self.ask(method, params)).await?;
        read(method, &answered)
    }

    async fn ask(
        &self,
        method: &str,
        params: Option<Box<RawValue>>,
    ) -> Result<Box<RawValue>, Error> {
        let mut left = RETRIES;
        loop {
            match self.client.request_raw(method, params.clone()).await {
                Err(RpcError::DisconnectedWillReconnect(_)) if left > 0 => left -= 1,
                answered => return answered.map_err(|error| from_rpc(method, error)),
            }
        }
    }

    pub(crate) async fn genesis_hash(&self) -> Result<Hash, Error> {
        self.block_hash(Some(BlockNumber::new(0))).await
    }

    /// The hash of the block of that height; of the newest one without a height.
    pub(crate) async fn block_hash(&self, number: Option<BlockNumber>) -> Result<Hash, Error> {
        let params = match number {
            Some(number) => params![number.value()],
            None => RpcParams::new(),
        };
        let hash: Option<Hex> = self.request("chain_getBlockHash", params).await?;
        hash.ok_or(Error::UnknownBlock)?.hash("chain_getBlockHash")
    }

    pub(crate) async fn finalized_head(&self) -> Result<Hash, Error> {
        let hash: Hex = self.request("chain_getFinalizedHead", RpcParams::new()).await?;
        hash.hash("chain_getFinalizedHead")
    }

    /// The header of a block, of the newest one without a hash.
    pub(crate) async fn header(&self, hash: Option<Hash>) -> Result<Header, Error> {
        let params = match hash {
            Some(hash) => params![to_hex(&hash)],
            None => RpcParams::new(),
        };
        let header: Option<RawHeader> = self.request_at("chain_getHeader", params, hash).await?;
        let header = header.ok_or(Error::UnknownBlock)?.read()?;
        match hash {
            // A header that does not hash to what was asked for is another block's.
            Some(hash) if header.hash != hash => {
                Err(answer("chain_getHeader", "the header is of another block"))
            }
            _ => Ok(header),
        }
    }

    /// The extrinsics of a block.
    pub(crate) async fn body(&self, hash: Hash) -> Result<Vec<Vec<u8>>, Error> {
        let params = params![to_hex(&hash)];
        let block: Option<SignedBlock> =
            self.request_at("chain_getBlock", params, Some(hash)).await?;
        let extrinsics = block.ok_or(Error::UnknownBlock)?.block.extrinsics;
        extrinsics.iter().map(|hex| hex.bytes("chain_getBlock")).collect()
    }

    pub(crate) async fn runtime_version(&self, at: Option<Hash>) -> Result<Version, Error> {
        self.request_at("state_getRuntimeVersion", at_params(at)?, at).await
    }

    pub(crate) async fn metadata(&self, at: Option<Hash>) -> Result<Vec<u8>, Error> {
        let hex: Hex = self.request_at("state_getMetadata", at_params(at)?, at).await?;
        hex.bytes("state_getMetadata")
    }

    pub(crate) async fn call(
        &self,
        function: &str,
        args: &[u8],
        at: Option<Hash>,
    ) -> Result<Vec<u8>, Error> {
        let args = format!("0x{}", hex::encode(args));
        let params = match at {
            Some(at) => params![function, args, to_hex(&at)],
            None => params![function, args],
        };
        let hex: Hex = self.request_at("state_call", params, at).await?;
        hex.bytes(function)
    }

    pub(crate) async fn storage(
        &self,
        key: &[u8],
        at: Option<Hash>,
    ) -> Result<Option<Vec<u8>>, Error> {
        let key = format!("0x{}", hex::encode(key));
        let params = match at {
            Some(at) => params![key, to_hex(&at)],
            None => params![key],
        };
        let hex: Option<Hex> = self.request_at("state_getStorage", params, at).await?;
        hex.map(|hex| hex.bytes("state_getStorage")).transpose()
    }

    /// The values of many keys at once, in the order of the keys.
    pub(crate) async fn storage_many(
        &self,
        keys: &[Vec<u8>],
        at: Option<Hash>,
    ) -> Result<Vec<Option<Vec<u8>>>, Error> {
        const METHOD: &str = "state_queryStorageAt";
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let texts: Vec<_> = keys.iter().map(|key| format!("0x{}", hex::encode(key))).collect();
        let params = match at {
            Some(at) => params![&texts, to_hex(&at)],
            None => params![&texts],
        };
        let sets: Vec<ChangeSet> = self.request_at(METHOD, params, at).await?;
        let mut changes = std::collections::HashMap::new();
        for (key, value) in sets.into_iter().flat_map(|set| set.changes) {
            let value = value.map(|value| value.bytes(METHOD)).transpose()?;
            changes.insert(key.bytes(METHOD)?, value);
        }
        Ok(keys.iter().map(|key| changes.get(key).cloned().flatten()).collect())
    }

    /// The keys after `start` that begin with the prefix, at most `count`.
    pub(crate) async fn keys_paged(
        &self,
        prefix: &[u8],
        count: u32,
        start: Option<&[u8]>,
        at: Option<Hash>,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let prefix = format!("0x{}", hex::encode(prefix));
        let start = start.map(|start| format!("0x{}", hex::encode(start)));
        let params = match at {
            Some(at) => params![prefix, count, start, to_hex(&at)],
            None => params![prefix, count, start],
        };
        let keys: Vec<Hex> = self.request_at("state_getKeysPaged", params, at).await?;
        keys.iter().map(|key| key.bytes("state_getKeysPaged")).collect()
    }

    /// The nonce after those in the chain and in the node's pool.
    pub(crate) async fn next_nonce(&self, account: &AccountId) -> Result<u32, Error> {
        self.request("system_accountNextIndex", params![account.to_string()]).await
    }

    /// Submits and follows. Never asked twice.
    pub(crate) async fn submit_and_watch(
        &self,
        extrinsic: &[u8],
    ) -> Result<RawRpcSubscription, SubmitError> {
        const METHOD: &str = "author_submitAndWatchExtrinsic";
        let mut params = RpcParams::new();
        params
            .push(format!("0x{}", hex::encode(extrinsic)))
            .map_err(|source| SubmitError::Other(answer(METHOD, source)))?;
        let subscribed =
            self.client.subscribe_raw(METHOD, params.build(), "author_unwatchExtrinsic").await;
        subscribed.map_err(|error| match error {
            RpcError::User(error) => {
                let data = error.data.as_ref().map(|data| plain(data.get()));
                match Rejection::from_rpc(error.code, &error.message, data.as_deref()) {
                    Some(rejection) => SubmitError::Rejected(rejection),
                    None => SubmitError::Other(from_rpc(METHOD, RpcError::User(error))),
                }
            }
            error @ (RpcError::Serialization(_) | RpcError::InsecureUrl(_)) => {
                SubmitError::Other(from_rpc(METHOD, error))
            }
            // Everything else may have reached the node.
            _ => SubmitError::Unknown,
        })
    }

    pub(crate) async fn subscribe_heads(&self) -> Result<RawRpcSubscription, Error> {
        const METHOD: &str = "chain_subscribeNewHeads";
        let mut left = RETRIES;
        loop {
            match self.client.subscribe_raw(METHOD, None, "chain_unsubscribeNewHeads").await {
                Err(RpcError::DisconnectedWillReconnect(_)) if left > 0 => left -= 1,
                subscribed => return subscribed.map_err(|error| from_rpc(METHOD, error)),
            }
        }
    }
}

/// What can come of a submission.
#[derive(Debug)]
pub(crate) enum SubmitError {
    /// The node has it not.
    Rejected(Rejection),
    /// The node may have it.
    Unknown,
    /// It was not sent.
    Other(Error),
}

/// What `state_getRuntimeVersion` says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Version {
    pub(crate) spec_name: String,
    pub(crate) spec_version: u32,
    pub(crate) transaction_version: u32,
}

/// A header in JSON.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RawHeader {
    parent_hash: Hex,
    number: Hex,
    state_root: Hex,
    extrinsics_root: Hex,
    digest: Digest,
}

#[derive(Debug, Deserialize)]
struct Digest {
    logs: Vec<Hex>,
}

impl RawHeader {
    /// Number, parent, and the hash that these fields give.
    pub(crate) fn read(&self) -> Result<Header, Error> {
        use parity_scale_codec::{Compact, Encode};
        const WHAT: &str = "header";
        let number = self.number.0.strip_prefix("0x").unwrap_or(&self.number.0);
        let number = u64::from_str_radix(number, 16).map_err(|source| answer(WHAT, source))?;
        let parent = self.parent_hash.hash(WHAT)?;
        let mut bytes = parent.to_vec();
        Compact(number).encode_to(&mut bytes);
        bytes.extend(self.state_root.hash(WHAT)?);
        bytes.extend(self.extrinsics_root.hash(WHAT)?);
        Compact(self.digest.logs.len() as u64).encode_to(&mut bytes);
        for log in &self.digest.logs {
            bytes.extend(log.bytes(WHAT)?);
        }
        Ok(Header::new(BlockNumber::new(number), blake2_256(&bytes), parent))
    }
}

#[derive(Debug, Deserialize)]
struct SignedBlock {
    block: Block,
}

#[derive(Debug, Deserialize)]
struct Block {
    extrinsics: Vec<Hex>,
}

#[derive(Debug, Deserialize)]
struct ChangeSet {
    changes: Vec<(Hex, Option<Hex>)>,
}

/// Bytes as hexadecimal text with `0x`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Hex(String);

impl Hex {
    pub(crate) fn bytes(&self, what: &str) -> Result<Vec<u8>, Error> {
        let text = self.0.strip_prefix("0x").unwrap_or(&self.0);
        hex::decode(text).map_err(|source| answer(what, source))
    }

    pub(crate) fn hash(&self, what: &str) -> Result<Hash, Error> {
        let bytes = self.bytes(what)?;
        bytes.try_into().map_err(|_| answer(what, "a hash has 32 bytes"))
    }
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn at_params(at: Option<Hash>) -> Result<RpcParams, Error> {
    Ok(match at {
        Some(at) => params![to_hex(&at)],
        None => RpcParams::new(),
    })
}

fn read<T: DeserializeOwned>(method: &str, answered: &RawValue) -> Result<T, Error> {
    serde_json::from_str(answered.get()).map_err(|source| answer(method, source))
}

pub(crate) fn answer(method: &str, source: impl Into<tensor_core::BoxError>) -> Error {
    Error::Answer { method: method.to_owned(), source: source.into() }
}

/// What stands between two texts.
fn text_between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

/// A JSON text without its quotes.
fn plain(json: &str) -> String {
    serde_json::from_str(json).unwrap_or_else(|_| json.to_owned())
}

pub(crate) fn from_rpc(method: &str, error: RpcError) -> Error {
    match error {
        RpcError::User(error) => {
            let data = error.data.as_ref().map(|data| plain(data.get())).unwrap_or_default();
            let message = match data.as_str() {
                "" => error.message,
                data => format!("{}: {data}", error.message),
            };
            let text = message.to_ascii_lowercase();
            let unknown_block = ["unknown block", "unknownblock", "state already discarded"];
            if unknown_block.iter().any(|words| text.contains(words)) {
                return Error::UnknownBlock;
            }
            if let Some(function) = text_between(&message, "Exported method ", " is not found") {
                return Missing::new(Kind::RuntimeApi, function.replacen('_', ".", 1)).into();
            }
            Error::Rpc { method: method.to_owned(), code: error.code, message }
        }
        RpcError::Deserialization(source) | RpcError::Serialization(source) => {
            answer(method, source)
        }
        RpcError::Decode(source) => answer(method, source),
        RpcError::Client(source) => match source.downcast::<Disagreement>() {
            Ok(disagreement) => (*disagreement).into(),
            Err(source) => Error::Disconnected(source),
        },
        error => Error::Disconnected(error.into()),
    }
}
