//! The chain that a scenario is played on, and what is read from it.

use std::sync::Arc;

use serde_json::Value as Json;
use tensor_chain::codec::{Era, EventRecord, Metadata, SigningContext};
use tensor_chain::local::{Interface, LocalChain};
use tensor_core::account::AccountId;
use tensor_core::call::{Call, Value};
use tensor_core::key::Keypair;

use super::account::Accounts;
use super::entry::Entry;
use super::setup::Setup;
use super::step::CallStep;
use super::typed::Reader;
use crate::conformance::chain::encode::compact;

/// A chain, the metadata it serves, and the accounts of the document.
pub(super) struct Stage {
    pub(super) chain: LocalChain,
    pub(super) accounts: Accounts,
    pub(super) metadata: Metadata,
    interface: Arc<Interface>,
    /// The encoded events of every block so far, where somebody will ask for them.
    pub(super) events: Vec<(u64, Vec<u8>)>,
    keeps_events: bool,
}

impl Stage {
    pub(super) fn new(setup: &Setup, keeps_events: bool) -> Result<Self, String> {
        let mut accounts = setup.accounts();
        let (chain, author) = setup.build(&accounts)?;
        accounts.set_author(author);
        let interface = chain.interface();
        let metadata = Metadata::decode(interface.metadata_v15()).map_err(|e| e.to_string())?;
        Ok(Self { chain, accounts, metadata, interface, events: Vec::new(), keeps_events })
    }

    /// Reads values of this chain's types.
    pub(super) fn reader(&self) -> Reader<'_> {
        Reader { interface: &self.interface, accounts: &self.accounts }
    }

    pub(super) fn interface(&self) -> &Interface {
        &self.interface
    }

    pub(super) fn head(&self) -> u64 {
        self.chain.block_number()
    }

    /// Makes blocks.
    pub(super) fn advance(&mut self, count: u64) {
        if !self.keeps_events {
            return self.chain.advance(count);
        }
        for _ in 0..count {
            self.chain.advance(1);
            if let Ok(Some(events)) = self.chain.storage("System", "Events", &[]) {
                self.events.push((self.head(), events));
            }
        }
    }

    /// Makes blocks until an epoch of the subnet has run in one.
    pub(super) fn advance_to_epoch(&mut self, netuid: u16) -> Result<(), String> {
        let key = netuid.to_le_bytes();
        let index =
            |stage: &Self| stage.chain.storage("SubtensorModule", "SubnetEpochIndex", &[&key]);
        let before = index(self).map_err(|error| error.to_string())?;
        // The largest tempo.
        for _ in 0..=u16::MAX {
            self.advance(1);
            if index(self).map_err(|error| error.to_string())? != before {
                return Ok(());
            }
        }
        Err(format!("subnet {netuid} has no epochs"))
    }

    /// The events of the newest block.
    pub(super) fn newest_events(&self) -> Result<Vec<EventRecord>, String> {
        let bytes = self.chain.storage("System", "Events", &[]).map_err(|e| e.to_string())?;
        self.decode_events(&bytes.unwrap_or_else(|| vec![0]))
    }

    pub(super) fn decode_events(&self, bytes: &[u8]) -> Result<Vec<EventRecord>, String> {
        self.metadata.decode_events(bytes).map_err(|error| error.to_string())
    }

    /// The value of an entry and its type; `None` where nothing is stored and nothing is meant by it.
    pub(super) fn value(&self, entry: &Entry) -> Result<(u32, Option<Value>, bool), String> {
        let keys = self.keys(entry)?;
        let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        let (pallet, item) = (&entry.pallet, &entry.item);
        let stored = self.chain.storage(pallet, item, &keys).map_err(|e| e.to_string())?;
        let entry = self.metadata.storage(pallet, item).map_err(|e| e.to_string())?;
        let ty = self.interface.storage(pallet, item).map_or(0, |item| item.value);
        let value = match &stored {
            Some(bytes) => Some(entry.decode(bytes).map_err(|error| error.to_string())?),
            None => entry.default().map_err(|error| error.to_string())?,
        };
        Ok((ty, value, stored.is_some()))
    }

    /// Writes an entry by hand.
    pub(super) fn write(&self, entry: &Entry) -> Result<(), String> {
        let keys = self.keys(entry)?;
        let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        let (pallet, item) = (&entry.pallet, &entry.item);
        let bytes = match &entry.value {
            None => return Err("the value to write is missing".to_owned()),
            Some(Json::Null) => None,
            Some(json) => {
                let ty = self.interface.storage(pallet, item).map_or(0, |item| item.value);
                let value = self.reader().read(ty, json)?;
                let entry = self.metadata.storage(pallet, item).map_err(|e| e.to_string())?;
                Some(entry.encode(&value).map_err(|error| error.to_string())?)
            }
        };
        let written = self.chain.set_storage(pallet, item, &keys, bytes.as_deref());
        written.map_err(|error| error.to_string())
    }

    fn keys(&self, entry: &Entry) -> Result<Vec<Vec<u8>>, String> {
        let (pallet, item) = (&entry.pallet, &entry.item);
        let missing = || format!("the runtime has no storage item {pallet}.{item}");
        let types = &self.interface.storage(pallet, item).ok_or_else(missing)?.keys;
        if types.len() != entry.keys.len() {
            let (wanted, given) = (types.len(), entry.keys.len());
            return Err(format!("{pallet}.{item} takes {wanted} keys, {given} are given"));
        }
        let storage = self.metadata.storage(pallet, item).map_err(|e| e.to_string())?;
        let key = |(place, (ty, json)): (usize, (&u32, &Json))| {
            let value = self.reader().read(*ty, json);
            let value = value.map_err(|problem| format!("key {place}: {problem}"))?;
            storage.encode_key(place, &value).map_err(|error| error.to_string())
        };
        types.iter().zip(&entry.keys).enumerate().map(key).collect()
    }

    /// The account of the chain's sudo key.
    pub(super) fn sudo(&self) -> Result<AccountId, String> {
        let key = self.chain.storage("Sudo", "Key", &[]).map_err(|error| error.to_string())?;
        let key: Option<[u8; 32]> = key.and_then(|bytes| bytes.try_into().ok());
        key.map(AccountId::from_bytes).ok_or_else(|| "the chain has no sudo key".to_owned())
    }

    /// An extrinsic of that account, signed with its key or, without one, taken on trust.
    pub(super) fn sign(
        &self,
        (account, pair): (AccountId, Option<Keypair>),
        call: &[u8],
        step: &CallStep,
        waiting: u32,
    ) -> Result<Vec<u8>, String> {
        let key = account.to_bytes();
        let info = self.chain.storage("System", "Account", &[&key]).map_err(|e| e.to_string())?;
        let nonce =
            info.and_then(|info| info.first_chunk::<4>().copied()).map_or(0, u32::from_le_bytes);
        let nonce = match step.nonce {
            Some(nonce) => u32::try_from(nonce).map_err(|_| "a nonce has 32 bits".to_owned())?,
            None => nonce.saturating_add(waiting),
        };
        let version = self.interface.version();
        let genesis_hash = self.chain.genesis_hash();
        let (era, era_hash) = match step.period {
            Some(period) => {
                let head = self.head();
                let era = Era::mortal(period, head);
                (era, self.chain.block_hash(era.birth(head)).unwrap_or(genesis_hash))
            }
            None => (Era::Immortal, genesis_hash),
        };
        let context = SigningContext {
            spec_version: version.spec_version,
            transaction_version: version.transaction_version,
            genesis_hash,
            era,
            era_hash,
            nonce,
            tip: step.tip,
            metadata_hash: None,
        };
        let extensions = self.metadata.extensions(&context).map_err(|error| error.to_string())?;
        let payload = [call, &extensions.extra, &extensions.implied].concat();
        let signature = match &pair {
            Some(pair) => {
                let signed = match payload.len() > 256 {
                    true => pair.sign(&blake2_256(&payload)),
                    false => pair.sign(&payload),
                };
                signed.bytes
            }
            None => {
                self.chain.impersonate(&account);
                [0; 64]
            }
        };
        // Signed, version 4; the account by its id; sr25519.
        let head = [&[0x84, 0x00], account.as_bytes().as_slice(), &[1], &signature].concat();
        let body = [head.as_slice(), &extensions.extra, call].concat();
        Ok([compact(body.len() as u64), body].concat())
    }

    /// The bytes of a call.
    pub(super) fn encode(&self, call: &Call) -> Result<Vec<u8>, String> {
        self.metadata.encode_call(call).map_err(|error| error.to_string())
    }
}

fn blake2_256(bytes: &[u8]) -> [u8; 32] {
    use blake2::digest::Digest as _;
    blake2::Blake2b::<blake2::digest::consts::U32>::digest(bytes).into()
}
