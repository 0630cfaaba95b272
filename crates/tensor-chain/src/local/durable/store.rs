//! The tables, and the transactions that fill and read them.

use std::path::PathBuf;

use parity_scale_codec::{Decode, Encode};
use redb::{
    Database, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata,
    TableDefinition, TableError, WriteTransaction,
};

use super::error::{DurableError, at, corrupt};
use super::identity::Identity;
use super::record::{decode_block, decode_delta, encode_block, encode_delta};
use super::{SCHEMA, verify};
use crate::local::block::Hash;
use crate::local::history::{Block, History};
use crate::local::node::Node;
use crate::local::state::{Bytes, Key, ReverseDelta, State};

/// One value each: `schema`, `identity`, `base`, `head`.
const META: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("meta");
/// The state after the newest block.
const STATE: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("state");
/// The hash of every block by height.
const HASHES: TableDefinition<'static, u32, &[u8; 32]> = TableDefinition::new("hashes");
/// The kept blocks by height.
const BLOCKS: TableDefinition<'static, u32, &[u8]> = TableDefinition::new("blocks");
/// What was written outside any block: by the height of the block before, and in order.
const AMENDMENTS: TableDefinition<'static, (u32, u32), &[u8]> = TableDefinition::new("amendments");

/// Where a chain stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Head {
    pub(super) number: u32,
    pub(super) root: Hash,
    finalized: u32,
    clock_shift: u64,
}

/// Where a chain stood when it was written down as a whole: the hash chain of states is known from here.
#[derive(Debug, Clone, Copy, Encode, Decode)]
pub(super) struct Base {
    pub(super) number: u32,
    pub(super) root: Hash,
}

/// A chain's tables, open for this process alone.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    database: Database,
    depth: u32,
    /// How often something was written outside any block since the newest one.
    amended: u32,
}

impl Store {
    pub(super) fn new(path: PathBuf, database: Database, depth: usize) -> Self {
        Self { path, database, depth: u32::try_from(depth).unwrap_or(u32::MAX), amended: 0 }
    }

    /// Adds the block that was just made.
    pub(crate) fn append(
        &mut self,
        head: Head,
        block: &Block,
        hash: &Hash,
        state: &State,
    ) -> Result<(), DurableError> {
        self.transact(|tx| {
            let number = block.header.number;
            put_changes(tx, &block.delta, state)?;
            tx.open_table(HASHES)?.insert(number, hash)?;
            let mut blocks = tx.open_table(BLOCKS)?;
            blocks.insert(number, encode_block(block).as_slice())?;
            put_head(tx, head)?;
            let Some(old) = number.checked_sub(self.depth.saturating_add(1)) else { return Ok(()) };
            blocks.retain_in(..=old, |_, _| false)?;
            let mut amendments = tx.open_table(AMENDMENTS)?;
            amendments.retain_in(..=(old, u32::MAX), |_, _| false)?;
            Ok(())
        })?;
        self.amended = 0;
        Ok(())
    }

    /// Adds what was written outside any block.
    pub(crate) fn amend(
        &mut self,
        head: Head,
        delta: &[(Key, Option<Bytes>)],
        state: &State,
    ) -> Result<(), DurableError> {
        self.transact(|tx| {
            put_changes(tx, delta, state)?;
            let mut bytes = Vec::new();
            encode_delta(delta, &mut bytes);
            let key = (head.number, self.amended);
            tx.open_table(AMENDMENTS)?.insert(key, bytes.as_slice())?;
            put_head(tx, head)
        })?;
        self.amended = self.amended.saturating_add(1);
        Ok(())
    }

    /// Writes a whole chain in place of what is there.
    pub(crate) fn write_whole(&self, node: &Node) -> Result<(), DurableError> {
        let head = Head::of(node);
        let base = Base { number: head.number, root: head.root };
        self.transact(|tx| {
            tx.delete_table(STATE)?;
            tx.delete_table(HASHES)?;
            tx.delete_table(BLOCKS)?;
            tx.delete_table(AMENDMENTS)?;
            let mut state = tx.open_table(STATE)?;
            for (key, value) in node.state.iter() {
                state.insert(key.as_ref(), value)?;
            }
            let mut hashes = tx.open_table(HASHES)?;
            let mut blocks = tx.open_table(BLOCKS)?;
            for number in 0..=head.number {
                hashes.insert(number, &node.history.hash(number).unwrap_or_default())?;
                if let Some(block) = node.history.block(number) {
                    blocks.insert(number, encode_block(block).as_slice())?;
                }
            }
            tx.open_table(AMENDMENTS)?;
            let mut meta = tx.open_table(META)?;
            meta.insert("schema", SCHEMA.encode().as_slice())?;
            meta.insert("identity", Identity::of(node).encode().as_slice())?;
            meta.insert("base", base.encode().as_slice())?;
            meta.insert("head", head.encode().as_slice())?;
            Ok(())
        })
    }

    /// Brings a node, at its genesis block, to where the chain stands.
    pub(super) fn load(&mut self, node: &mut Node) -> Result<(), DurableError> {
        let loaded = self.read(node.config.history)?;
        let newest = loaded.blocks.last().map_or(0, |(_, amendments)| amendments.len());
        self.amended = u32::try_from(newest).unwrap_or(u32::MAX);
        let genesis = (loaded.base.number == 0).then_some(&node.state);
        verify::verify(&self.path, &loaded, genesis)?;
        let Loaded { head, state, hashes, blocks, first, .. } = loaded;
        let before = usize::try_from(first).unwrap_or(usize::MAX);
        let older = hashes.get(..before).unwrap_or_default().to_vec();
        let mut history = History::resumed(node.config.history, older);
        for ((record, amendments), hash) in blocks.into_iter().zip(hashes.into_iter().skip(before))
        {
            history.push(record, hash);
            for delta in amendments {
                history.amend(delta);
            }
        }
        node.history = history;
        node.state = state;
        node.root = head.root;
        node.finalized = head.finalized;
        node.clock_shift = head.clock_shift;
        Ok(())
    }

    fn read(&self, depth: usize) -> Result<Loaded, DurableError> {
        let read = self.database.begin_read().map_err(|error| at(&self.path, error))?;
        let broken = |what: &str| corrupt(&self.path, what);
        let raw = Raw::read(&read, depth).map_err(|error| at(&self.path, error))?;
        let head = Head::decode(&mut raw.head.as_slice());
        let base = Base::decode(&mut raw.base.as_slice());
        let (Ok(head), Ok(base)) = (head, base) else {
            return Err(broken("where the chain stands does not decode"));
        };
        let mut blocks = Vec::with_capacity(raw.blocks.len());
        for (block, amendments) in &raw.blocks {
            let record = decode_block(block).map_err(|_| broken("a block does not decode"))?;
            let amendments = amendments.iter().map(|delta| decode_delta(&mut delta.as_slice()));
            let amendments = amendments.collect::<Result<Vec<_>, _>>();
            blocks.push((record, amendments.map_err(|_| broken("a write does not decode"))?));
        }
        Ok(Loaded { head, base, state: raw.state, hashes: raw.hashes, first: raw.first, blocks })
    }

    /// All or nothing, on disk when it returns.
    fn transact(
        &self,
        body: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), DurableError> {
        let done = || {
            let tx = self.database.begin_write()?;
            body(&tx)?;
            Ok::<_, redb::Error>(tx.commit()?)
        };
        done().map_err(|error| at(&self.path, error))
    }
}

/// A chain as the tables have it.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) head: Head,
    pub(super) base: Base,
    pub(super) state: State,
    /// Of all blocks.
    pub(super) hashes: Vec<Hash>,
    /// Height of the first of `blocks`.
    pub(super) first: u32,
    /// The kept blocks, each with what was written after it and before the next one.
    pub(super) blocks: Vec<(Block, Vec<ReverseDelta>)>,
}

/// The same before its bytes are understood.
struct Raw {
    head: Vec<u8>,
    base: Vec<u8>,
    state: State,
    hashes: Vec<Hash>,
    first: u32,
    blocks: Vec<(Vec<u8>, Vec<Vec<u8>>)>,
}

impl Raw {
    fn read(read: &ReadTransaction, depth: usize) -> Result<Self, redb::Error> {
        let meta = read.open_table(META)?;
        let get = |key: &str| {
            let value = meta.get(key)?.map(|value| value.value().to_vec());
            Ok::<_, redb::Error>(value.unwrap_or_default())
        };
        let mut state = State::new();
        for entry in read.open_table(STATE)?.iter()? {
            let (key, value) = entry?;
            state.put(key.value(), value.value());
        }
        state.end_block();
        let hashes = read.open_table(HASHES)?;
        let hashes = hashes.iter()?.map(|entry| Ok::<_, redb::Error>(*entry?.1.value()));
        let hashes = hashes.collect::<Result<Vec<_>, _>>()?;
        let table = read.open_table(BLOCKS)?;
        let amendments = read.open_table(AMENDMENTS)?;
        // A depth that is smaller than it was leaves older blocks unread.
        let kept = u64::try_from(depth).unwrap_or(u64::MAX).saturating_add(1);
        let skipped = usize::try_from(table.len()?.saturating_sub(kept)).unwrap_or(usize::MAX);
        let mut first = None;
        let mut blocks = Vec::new();
        for entry in table.iter()?.skip(skipped) {
            let (number, block) = entry?;
            let number = number.value();
            first.get_or_insert(number);
            let mut later = Vec::new();
            for entry in amendments.range((number, 0)..=(number, u32::MAX))? {
                later.push(entry?.1.value().to_vec());
            }
            blocks.push((block.value().to_vec(), later));
        }
        let first = first.unwrap_or_default();
        Ok(Self { head: get("head")?, base: get("base")?, state, hashes, first, blocks })
    }
}

impl Head {
    pub(crate) fn of(node: &Node) -> Self {
        Self {
            number: node.history.head(),
            root: node.root,
            finalized: node.finalized,
            clock_shift: node.clock_shift,
        }
    }

    /// Where the node will stand with its next block.
    pub(crate) fn after(node: &Node, number: u32) -> Self {
        let finalized = number.saturating_sub(node.config.finality_lag).max(node.finalized);
        Self { number, finalized, ..Self::of(node) }
    }
}

/// Schema version and identity of the chain in a database; `None` in a new one.
pub(super) fn identity(read: &ReadTransaction) -> Result<Option<(u32, Vec<u8>)>, redb::Error> {
    let meta = match read.open_table(META) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        meta => meta?,
    };
    let get = |key: &str| {
        let value = meta.get(key)?.map(|value| value.value().to_vec());
        Ok::<_, redb::Error>(value.unwrap_or_default())
    };
    let schema = u32::decode(&mut get("schema")?.as_slice()).unwrap_or_default();
    Ok(Some((schema, get("identity")?)))
}

/// The values that the writes have now.
fn put_changes(
    tx: &WriteTransaction,
    delta: &[(Key, Option<Bytes>)],
    state: &State,
) -> Result<(), redb::Error> {
    let mut table = tx.open_table(STATE)?;
    for (key, old) in delta {
        match state.get(key) {
            Some(value) if old.as_deref() == Some(value) => {}
            Some(value) => drop(table.insert(key.as_ref(), value)?),
            None => drop(table.remove(key.as_ref())?),
        }
    }
    Ok(())
}

fn put_head(tx: &WriteTransaction, head: Head) -> Result<(), redb::Error> {
    tx.open_table(META)?.insert("head", head.encode().as_slice())?;
    Ok(())
}
