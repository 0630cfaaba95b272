//! The node behind a local chain: state, blocks, pool and the production of blocks.
//!
//! Everything happens inside a call of the owner: there is no thread, no timer and no clock.

mod admission;
mod keeping;
mod limits;
mod production;
mod system;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use parity_scale_codec::{Compact, Encode};
use sp_crypto_hashing::blake2_256;

use super::{
    block::{self, Hash, Header},
    config::LocalChainConfig,
    extrinsic::Extrinsic,
    faults::Draws,
    fee::{CallWeight, Weights},
    history::History,
    interface::{Interface, InterfaceError},
    pool::{Pool, PoolError, Waiting},
    rpc::{
        feeds::Feeds,
        metadata::MetadataCache,
        subscription::{Feed, Item},
    },
    runtime::{Ctx, DecodedCall, EventRecord, ImportedSubnet, Runtime},
    shield::ShieldKeys,
    state::State,
    upgrade::PastRuntime,
};
use limits::BlockLimits;
use system::SystemItems;

/// How many blocks an era may look back: the chain keeps this many block hashes in its storage.
pub(crate) const BLOCK_HASH_COUNT: u32 = 2_400;

/// A whole node.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) config: LocalChainConfig,
    pub(crate) interface: Arc<Interface>,
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) weights: Arc<Weights>,
    pub(crate) metadata: Arc<MetadataCache>,
    pub(crate) state: State,
    pub(crate) history: History,
    pub(crate) pool: Pool,
    pub(crate) feeds: Feeds,
    pub(crate) finalized: u32,
    /// Accounts whose transactions need no valid signature.
    pub(crate) impersonated: HashSet<[u8; 32]>,
    /// Runtimes before the one in force, oldest first.
    pub(crate) past: Vec<PastRuntime>,
    system: Arc<SystemItems>,
    limits: BlockLimits,
    shield: Option<ShieldKeys>,
    /// Hash chain over all writes so far.
    pub(crate) root: Hash,
    /// Shift of the clock in milliseconds.
    pub(crate) clock_shift: u64,
    /// Included transactions of blocks that are not final, by block.
    pub(crate) awaiting_finality: VecDeque<(u32, Vec<Waiting>)>,
    /// Transactions of retracted blocks, on their way back into the pool.
    pub(crate) retracted: Vec<Waiting>,
    /// What goes wrong on purpose.
    pub(crate) faults: Option<Draws>,
    /// Upgrades to come, with the block after which they are in force.
    pub(crate) planned: Vec<(u64, Arc<Interface>)>,
    /// The folder that the chain is kept in, if it is.
    #[cfg(feature = "durable")]
    pub(crate) store: Option<super::durable::Store>,
    /// Why the node makes no more blocks.
    #[cfg(feature = "durable")]
    pub(crate) failure: Option<Arc<super::durable::DurableError>>,
    events: Vec<EventRecord>,
}

impl Node {
    pub(crate) fn new(
        config: LocalChainConfig,
        interface: Arc<Interface>,
        funds: &[([u8; 32], u64)],
        subnets: &[ImportedSubnet],
    ) -> Result<Self, InterfaceError> {
        let runtime = Arc::new(Runtime::new(Arc::clone(&interface), config.ruleset)?);
        let system = Arc::new(SystemItems::resolve(&interface)?);
        let limits = BlockLimits::of(&interface)?;
        let mut state = State::new();
        let mut events = Vec::new();
        let mut genesis = config.preset.genesis();
        genesis.balances.extend_from_slice(funds);
        let mut cx = Ctx::new(&mut state, &mut events, 0, config.genesis_ms);
        runtime.genesis(&mut cx, &genesis);
        for subnet in subnets {
            runtime.import(&mut cx, subnet)?;
        }
        events.clear();
        system.genesis(&mut state, &interface, config.genesis_ms);
        let shield = ShieldKeys::of(&config);
        if let Some(keys) = &shield {
            system.publish_shield_keys(&mut state, keys, 0);
        }
        let root = state.chain_root(&[0; 32]);
        // Two chains of different interface, preset or seed must not share a genesis hash: clients
        // cache metadata by it.
        let seal = (root, interface.hash(), config.preset.name(), config.seed, config.block_ms());
        let state_root = blake2_256(&seal.encode());
        let header = Header {
            parent_hash: [0; 32],
            number: 0,
            state_root,
            extrinsics_root: block::extrinsics_root(&[]),
            slot: None,
        };
        system.set_block_hash(&mut state, 0, &header.hash());
        state.end_block();
        Ok(Self {
            weights: Arc::new(Weights::new(&interface)),
            metadata: Arc::new(MetadataCache::new(Arc::clone(&interface))),
            history: History::new(config.history, header),
            pool: Pool::default(),
            feeds: Feeds::default(),
            finalized: 0,
            impersonated: HashSet::new(),
            past: Vec::new(),
            clock_shift: 0,
            #[cfg(feature = "durable")]
            store: None,
            #[cfg(feature = "durable")]
            failure: None,
            awaiting_finality: VecDeque::new(),
            retracted: Vec::new(),
            faults: None,
            planned: Vec::new(),
            events,
            config,
            interface,
            runtime,
            system,
            limits,
            shield,
            state,
            root: state_root,
        })
    }

    /// A copy with a future of its own: no subscriptions, no waiting transactions.
    pub(crate) fn fork(&self) -> Self {
        Self {
            config: self.config.clone(),
            interface: Arc::clone(&self.interface),
            runtime: Arc::clone(&self.runtime),
            weights: Arc::clone(&self.weights),
            metadata: Arc::clone(&self.metadata),
            state: self.state.clone(),
            history: self.history.clone(),
            pool: Pool::default(),
            feeds: Feeds::default(),
            finalized: self.finalized,
            impersonated: self.impersonated.clone(),
            past: self.past.clone(),
            system: Arc::clone(&self.system),
            limits: self.limits,
            shield: self.shield.clone(),
            root: self.root,
            clock_shift: self.clock_shift,
            #[cfg(feature = "durable")]
            store: None,
            #[cfg(feature = "durable")]
            failure: None,
            awaiting_finality: VecDeque::new(),
            retracted: Vec::new(),
            faults: self.faults.clone(),
            planned: self.planned.clone(),
            events: Vec::new(),
        }
    }

    pub(crate) fn genesis_hash(&self) -> Hash {
        self.history.hash(0).unwrap_or_default()
    }

    /// Time of the block of that height, in milliseconds since the Unix epoch.
    pub(crate) fn time_of(&self, number: u32) -> u64 {
        let elapsed = u64::from(number).saturating_mul(self.config.block_ms());
        self.config.genesis_ms.saturating_add(elapsed).saturating_add(self.clock_shift)
    }

    /// Lets the next block be at least at `now_ms`; the clock never goes back.
    pub(crate) fn set_time(&mut self, now_ms: u64) {
        let next = self.time_of(self.history.head().saturating_add(1));
        self.clock_shift = self.clock_shift.saturating_add(now_ms.saturating_sub(next));
    }

    /// Writes outside any block: they belong to the newest one from then on.
    pub(crate) fn control<R>(&mut self, change: impl FnOnce(&mut Ctx<'_>, &Runtime) -> R) -> R {
        let number = self.history.head();
        let now = self.time_of(number);
        let runtime = Arc::clone(&self.runtime);
        let mut cx = Ctx::new(&mut self.state, &mut self.events, u64::from(number), now);
        cx.author = self.config.author.map(|a| a.to_bytes());
        let out = change(&mut cx, &runtime);
        self.events.clear();
        let previous_root = self.root;
        self.root = self.state.chain_root(&previous_root);
        let delta = self.state.end_block();
        if delta.is_empty() {
            // Nothing was written: there is nothing to amend, and the hash chain stays.
            self.root = previous_root;
        } else if self.keep_amendment(&delta, previous_root) {
            self.history.amend(delta);
        }
        out
    }

    /// Runs `read` on the state after block `number`, in the circumstances of the block after it.
    pub(crate) fn simulate_at<R>(
        &mut self,
        number: u32,
        read: impl FnOnce(&mut Ctx<'_>, &Runtime) -> R,
    ) -> R {
        let next = number.saturating_add(1);
        let now = self.time_of(next);
        let author = self.config.author.map(|a| a.to_bytes());
        let parent_hash = self.history.hash(number).unwrap_or_default();
        let runtime = Arc::clone(&self.runtime);
        let mut events = std::mem::take(&mut self.events);
        let out = self.history.with_state_at(&mut self.state, number, |state| {
            let mut cx = Ctx::new(state, &mut events, u64::from(next), now);
            cx.author = author;
            cx.parent_hash = parent_hash;
            cx.simulate(|cx| read(cx, &runtime))
        });
        events.clear();
        self.events = events;
        out
    }

    /// Weight and class of an extrinsic's call.
    pub(crate) fn weight(&self, extrinsic: &Extrinsic) -> CallWeight {
        let mut weight = self.weights.of_call(extrinsic.call(), &self.interface);
        if let Ok(call) = parts(extrinsic) {
            weight.pays &= self.runtime.pays(&call);
        }
        weight
    }

    /// The fee of an extrinsic, in rao.
    pub(crate) fn fee(&self, extrinsic: &Extrinsic, tip: u64) -> u64 {
        if self.config.fees { self.weight(extrinsic).fee(extrinsic.bytes.len(), tip) } else { 0 }
    }

    /// Resolves the node's own items against another interface.
    pub(crate) fn resolve_system(&mut self, interface: &Interface) -> Result<(), InterfaceError> {
        let limits = BlockLimits::of(interface)?;
        self.system = Arc::new(SystemItems::resolve(interface)?);
        self.limits = limits;
        Ok(())
    }

    /// Writes down that the runtime in force is a new one.
    pub(crate) fn note_upgrade(&mut self) {
        let (system, interface) = (Arc::clone(&self.system), Arc::clone(&self.interface));
        self.control(|cx, _| system.note_upgrade(cx.state, &interface));
    }

    /// Declares every waiting transaction invalid.
    pub(crate) fn drop_waiting(&mut self) {
        for order in self.pool.orders() {
            if let Some(waiting) = self.pool.remove(order) {
                tell(&waiting.watchers, "\"invalid\"");
            }
        }
    }
}

fn parts(extrinsic: &Extrinsic) -> Result<DecodedCall<'_>, PoolError> {
    let call = DecodedCall::parse(extrinsic.call());
    call.ok_or(PoolError::Format(super::extrinsic::ExtrinsicError::Call))
}

pub(crate) fn tell(watchers: &[Feed], status: &str) {
    for watcher in watchers {
        watcher.send(Item::Json(status.into()));
    }
}

/// A compact length and the bytes, as `Vec<u8>` encodes.
pub(crate) fn opaque(bytes: &[u8]) -> Vec<u8> {
    let mut out = Compact(u32::try_from(bytes.len()).unwrap_or(u32::MAX)).encode();
    out.extend_from_slice(bytes);
    out
}
