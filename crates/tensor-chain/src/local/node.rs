//! The node behind a local chain: state, blocks, pool and the production of blocks.
//!
//! Everything happens inside a call of the owner: there is no thread, no timer and no clock.

use std::collections::VecDeque;
use std::sync::Arc;

use parity_scale_codec::{Compact, Encode};
use sp_crypto_hashing::{blake2_256, twox_128};

use super::{
    block::{self, Hash, Header},
    config::LocalChainConfig,
    extrinsic::{Era, Extrinsic, Implied, Signed},
    fee::{CallWeight, Weights},
    history::History,
    interface::{Interface, InterfaceError},
    pool::{Pool, PoolError, Waiting},
    rpc::{
        feeds::Feeds,
        metadata::MetadataCache,
        subscription::{Feed, Item},
    },
    runtime::{Ctx, DecodedCall, EventRecord, InvalidTransaction, Origin, Phase, Runtime},
    shield::{ShieldKey, Shielded, ciphertext_of},
    state::State,
    upgrade::PastRuntime,
};

mod limits;
mod system;

use limits::BlockLimits;
use system::SystemItems;

/// How many blocks an era may look back: the chain keeps this many block hashes in its storage.
pub(crate) const BLOCK_HASH_COUNT: u32 = 2_400;

/// Longest era of a transaction that carries an encrypted one, in blocks.
const LONGEST_CARRIER_ERA: u64 = 8;

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
    /// Runtimes before the one in force, oldest first.
    pub(crate) past: Vec<PastRuntime>,
    system: Arc<SystemItems>,
    limits: BlockLimits,
    shield: Option<Arc<ShieldKey>>,
    /// Hash chain over all writes so far.
    root: Hash,
    /// Shift of the clock in milliseconds.
    clock_shift: u64,
    /// Watchers of included transactions, by block.
    awaiting_finality: VecDeque<(u32, Vec<Feed>)>,
    events: Vec<EventRecord>,
}

/// What applying one transaction came to.
enum Applied {
    /// It is in the block, whether or not its call succeeded.
    Included,
    /// Its turn has not come.
    Later,
    /// The block is full.
    Full,
    /// It is no longer valid.
    Invalid,
}

impl Node {
    pub(crate) fn new(
        config: LocalChainConfig,
        interface: Arc<Interface>,
        funds: &[([u8; 32], u64)],
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
        events.clear();
        system.genesis(&mut state, &interface, config.genesis_ms);
        let shield = shield_key(&config);
        if let Some(key) = &shield {
            system.publish_shield_key(&mut state, key.public());
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
            past: Vec::new(),
            clock_shift: 0,
            awaiting_finality: VecDeque::new(),
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

    /// A copy that shares nothing: no subscriptions, no waiting transactions.
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
            past: self.past.clone(),
            system: Arc::clone(&self.system),
            limits: self.limits,
            shield: self.shield.clone(),
            root: self.root,
            clock_shift: self.clock_shift,
            awaiting_finality: VecDeque::new(),
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
        self.root = self.state.chain_root(&self.root);
        let delta = self.state.end_block();
        self.history.amend(delta);
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

    /// Checks a transaction and lets it wait for a block. Says which hash it has.
    pub(crate) fn submit(
        &mut self,
        bytes: &[u8],
        watcher: Option<Feed>,
    ) -> Result<Hash, PoolError> {
        let extrinsic = Extrinsic::decode(bytes, &self.interface)?;
        let hash = extrinsic.hash;
        if self.pool.contains(&hash) {
            return Err(PoolError::AlreadyImported(hash));
        }
        let Some(signed) = extrinsic.signed.clone() else { return Err(PoolError::Unsigned) };
        let who = signed.who.to_bytes();
        let expected = self.validate(&extrinsic, &signed, self.history.head())?;
        let future = signed.nonce > self.pool.next_nonce(&who, expected);
        let watchers = watcher.into_iter().collect::<Vec<_>>();
        let nonce = signed.nonce;
        let extrinsic = Arc::new(extrinsic);
        self.pool.insert(Waiting { extrinsic, who, nonce, future, watchers: watchers.clone() })?;
        tell(&watchers, if future { "\"future\"" } else { "\"ready\"" });
        if !future {
            self.promote(&who, nonce);
        }
        Ok(hash)
    }

    /// The checks before a transaction enters the pool. Returns the account's nonce.
    ///
    /// A nonce ahead of the account's is no error here: such a transaction waits.
    pub(crate) fn validate(
        &mut self,
        extrinsic: &Extrinsic,
        signed: &Signed,
        at: u32,
    ) -> Result<u32, PoolError> {
        let birth = signed.era.birth(u64::from(at).saturating_add(1));
        let birth = u32::try_from(birth).unwrap_or(u32::MAX);
        let aged = at.saturating_sub(birth) >= BLOCK_HASH_COUNT;
        let birth_hash = match signed.era {
            Era::Immortal => self.genesis_hash(),
            _ if aged || birth > at => return Err(InvalidTransaction::AncientBirthBlock.into()),
            _ => self.history.hash(birth).ok_or(InvalidTransaction::AncientBirthBlock)?,
        };
        let metadata_hash = if signed.metadata_hash {
            Some(self.metadata.digest().ok_or(PoolError::CannotLookup)?)
        } else {
            None
        };
        let version = self.interface.version();
        let implied = Implied {
            spec_version: version.spec_version,
            transaction_version: version.transaction_version,
            genesis_hash: &self.genesis_hash(),
            birth_hash: &birth_hash,
            metadata_hash: metadata_hash.as_ref(),
        };
        if !extrinsic.verify(implied, &self.interface) {
            return Err(InvalidTransaction::BadProof.into());
        }
        let fee = self.fee(extrinsic, signed.tip);
        let who = signed.who.to_bytes();
        let call = parts(extrinsic)?;
        self.check_carrier(&call, signed)?;
        let nonce = self.simulate_at(at, |cx, runtime| {
            let nonce = check_account(cx, runtime, &who, signed.nonce, fee)?;
            // What a transaction may do is only known once its turn has come.
            if signed.nonce == nonce {
                let _ = runtime.charge_fee(cx, &who, &call, fee)?;
                runtime.validate(cx, &who, &call)?;
            }
            Ok::<_, InvalidTransaction>(nonce)
        })?;
        Ok(nonce)
    }

    /// What the shield asks of a transaction that carries another one (chain-interface 9).
    fn check_carrier(
        &self,
        call: &DecodedCall<'_>,
        signed: &Signed,
    ) -> Result<(), InvalidTransaction> {
        if !self.system.is_carrier(call) {
            return Ok(());
        }
        match signed.era {
            Era::Mortal { period, .. } if period <= LONGEST_CARRIER_ERA => {}
            _ => return Err(InvalidTransaction::Stale),
        }
        let ciphertext = ciphertext_of(call.args).ok_or(InvalidTransaction::Custom(23))?;
        let shielded = Shielded::parse(&ciphertext).ok_or(InvalidTransaction::Custom(23))?;
        let known =
            |hash: &[u8]| self.shield.as_ref().is_some_and(|key| twox_128(key.public()) == *hash);
        match shielded.key_hash {
            Some(hash) if !known(hash) => Err(InvalidTransaction::Custom(24)),
            _ => Ok(()),
        }
    }

    /// The transaction inside a carrier; `None` if there is none that this chain can open.
    fn open_carrier(&self, carrier: &Extrinsic) -> Option<Extrinsic> {
        let call = parts(carrier).ok()?;
        let key = self.shield.as_ref().filter(|_| self.system.is_carrier(&call))?;
        let ciphertext = ciphertext_of(call.args)?;
        let plaintext = key.open(&Shielded::parse(&ciphertext)?)?;
        Extrinsic::decode(&plaintext, &self.interface).ok()
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

    /// Builds one block from the waiting transactions.
    pub(crate) fn seal(&mut self) -> Hash {
        let parent_hash = self.history.head_hash();
        let number = self.history.head().saturating_add(1);
        let now = self.time_of(number);
        let slot = now.checked_div(self.config.block_ms()).unwrap_or(0);
        let mut events = std::mem::take(&mut self.events);
        let runtime = Arc::clone(&self.runtime);
        let system = Arc::clone(&self.system);
        system.initialize(&mut self.state, number, &parent_hash, slot);
        let mut cx = Ctx::new(&mut self.state, &mut events, u64::from(number), now);
        cx.author = self.config.author.map(|a| a.to_bytes());
        cx.parent_hash = parent_hash;
        runtime.initialize_block(&mut cx);

        let inherent = system.timestamp(&mut cx, now);
        let mut extrinsics: Vec<Arc<[u8]>> = vec![inherent.bytes.into()];
        let mut hashes = vec![inherent.hash];
        let mut included = Vec::new();
        if !self.pool.is_empty() {
            self.apply_waiting(
                &mut events,
                number,
                now,
                &mut extrinsics,
                &mut hashes,
                &mut included,
            );
        }

        system.finalize(&mut self.state, &events);
        events.clear();
        self.events = events;
        let state_root = self.state.chain_root(&self.root);
        self.root = state_root;
        let delta = self.state.end_block();
        let extrinsics_root = block::extrinsics_root(&hashes);
        let header = Header { parent_hash, number, state_root, extrinsics_root, slot: Some(slot) };
        let hash = header.hash();
        self.history.push(header, hash, extrinsics, delta);
        self.announce(number, hash, included);
        hash
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

    /// Finalises everything up to the newest block.
    pub(crate) fn finalize_all(&mut self) {
        self.finalize(self.history.head());
    }

    fn apply_waiting(
        &mut self,
        events: &mut Vec<EventRecord>,
        number: u32,
        now: u64,
        extrinsics: &mut Vec<Arc<[u8]>>,
        hashes: &mut Vec<Hash>,
        included: &mut Vec<Feed>,
    ) {
        let mut queue: VecDeque<u64> = self.pool.orders().into();
        let mut room = self.limits;
        while let Some(order) = queue.pop_front() {
            let Some(waiting) = self.pool.get_mut(order) else { continue };
            let extrinsic = Arc::clone(&waiting.extrinsic);
            let (who, nonce) = (waiting.who, waiting.nonce);
            let index = u32::try_from(extrinsics.len()).unwrap_or(u32::MAX);
            match self.apply(&extrinsic, index, number, now, events, &mut room) {
                Applied::Included => {
                    extrinsics.push(extrinsic.bytes.as_slice().into());
                    hashes.push(extrinsic.hash);
                    if let Some(waiting) = self.pool.remove(order) {
                        included.extend(waiting.watchers);
                    }
                    if let Some(inner) = self.open_carrier(&extrinsic)
                        && self.apply_inner(
                            &inner,
                            extrinsics.len(),
                            number,
                            now,
                            events,
                            &mut room,
                        )
                    {
                        extrinsics.push(inner.bytes.as_slice().into());
                        hashes.push(inner.hash);
                    }
                    // The successor may have arrived first and been passed over.
                    let next = self.pool.at_nonce(&who, nonce.saturating_add(1));
                    if let Some(next) = next.filter(|next| *next < order) {
                        queue.push_front(next);
                    }
                }
                Applied::Later => {}
                Applied::Full => break,
                Applied::Invalid => {
                    if let Some(waiting) = self.pool.remove(order) {
                        tell(&waiting.watchers, "\"invalid\"");
                    }
                }
            }
        }
    }

    fn apply(
        &mut self,
        extrinsic: &Extrinsic,
        index: u32,
        number: u32,
        now: u64,
        events: &mut Vec<EventRecord>,
        room: &mut BlockLimits,
    ) -> Applied {
        let Some(signed) = &extrinsic.signed else { return Applied::Invalid };
        let Ok(call) = parts(extrinsic) else { return Applied::Invalid };
        let who = signed.who.to_bytes();
        let parent = number.saturating_sub(1);
        if let Era::Mortal { .. } = signed.era {
            // The hash that was signed is the birth block's as seen from here, or the signature no
            // longer covers the extrinsic.
            let seen = signed.era.birth(u64::from(number));
            let age = u64::from(parent).saturating_sub(seen);
            if seen > u64::from(parent) || age >= u64::from(BLOCK_HASH_COUNT) {
                return Applied::Invalid;
            }
        }
        let weight = self.weight(extrinsic);
        let fee = self.fee(extrinsic, signed.tip);
        let runtime = Arc::clone(&self.runtime);
        let mut cx = Ctx::new(&mut self.state, events, u64::from(number), now);
        cx.author = self.config.author.map(|a| a.to_bytes());
        cx.parent_hash = self.history.head_hash();
        cx.phase = Phase::ApplyExtrinsic(index);
        cx.extrinsic_index = index;
        match check_account(&cx, &runtime, &who, signed.nonce, fee) {
            Ok(nonce) if nonce < signed.nonce => return Applied::Later,
            Ok(_) => {}
            Err(_) => return Applied::Invalid,
        }
        if runtime.validate(&mut cx, &who, &call).is_err() {
            return Applied::Invalid;
        }
        if !room.take(&weight, extrinsic.bytes.len()) {
            return Applied::Full;
        }
        let Ok(charge) = runtime.charge_fee(&mut cx, &who, &call, fee) else {
            return Applied::Invalid;
        };
        runtime.bump_nonce(&mut cx, &who);
        let outcome = runtime.dispatch(&mut cx, Origin::Signed(who), &call);
        let free = outcome.is_ok_and(|post| post.free);
        let tip = signed.tip.min(fee);
        runtime.settle_charge(&mut cx, charge, if free { tip } else { fee }, tip);
        let pays = weight.pays && !free;
        self.system.outcome(&mut cx, &self.interface, outcome, &weight, pays);
        Applied::Included
    }

    /// Applies what a carrier carried, right after it. An invalid one is left out.
    fn apply_inner(
        &mut self,
        inner: &Extrinsic,
        index: usize,
        number: u32,
        now: u64,
        events: &mut Vec<EventRecord>,
        room: &mut BlockLimits,
    ) -> bool {
        let Some(signed) = &inner.signed else { return false };
        // A carrier in a carrier is not opened, and does nothing but cost.
        if self.validate(inner, signed, number.saturating_sub(1)).is_err() {
            return false;
        }
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        matches!(self.apply(inner, index, number, now, events, room), Applied::Included)
    }

    /// Tells watchers that a transaction, and those of the same signer after it, may run now.
    fn promote(&mut self, who: &[u8; 32], mut nonce: u32) {
        loop {
            nonce = nonce.saturating_add(1);
            let Some(order) = self.pool.at_nonce(who, nonce) else { return };
            let Some(waiting) = self.pool.get_mut(order) else { return };
            if !std::mem::replace(&mut waiting.future, false) {
                return;
            }
            tell(&waiting.watchers, "\"ready\"");
        }
    }

    /// Notifies everybody of a new block, and of what it finalised.
    fn announce(&mut self, number: u32, hash: Hash, included: Vec<Feed>) {
        if let Some(block) = self.history.block(number) {
            self.feeds.new_head(&block.header);
        }
        let history = &self.history;
        self.feeds.storage(&self.state, hash, || history.newest_keys());
        if !included.is_empty() {
            tell(&included, &format!("{{\"inBlock\":\"{}\"}}", super::rpc::json::hex(&hash)));
            self.awaiting_finality.push_back((number, included));
        }
        self.finalize(number.saturating_sub(self.config.finality_lag));
    }

    fn finalize(&mut self, up_to: u32) {
        while self.finalized < up_to {
            self.finalized = self.finalized.saturating_add(1);
            if let Some(block) = self.history.block(self.finalized) {
                self.feeds.finalized_head(&block.header);
            }
            let hash = self.history.hash(self.finalized).unwrap_or_default();
            while let Some((number, _)) = self.awaiting_finality.front() {
                if *number > self.finalized {
                    break;
                }
                if let Some((_, feeds)) = self.awaiting_finality.pop_front() {
                    let text = format!("{{\"finalized\":\"{}\"}}", super::rpc::json::hex(&hash));
                    tell(&feeds, &text);
                }
            }
        }
    }
}

/// The author's shield key, from the chain's seed; none unless the owner asked for one.
#[cfg(feature = "shield")]
fn shield_key(config: &LocalChainConfig) -> Option<Arc<ShieldKey>> {
    config.shield.then(|| {
        let half = |name: &str| blake2_256(&(name, config.seed).encode());
        let mut seed = [0; 64];
        let (d, z) = seed.split_at_mut(32);
        d.copy_from_slice(&half("shield d"));
        z.copy_from_slice(&half("shield z"));
        Arc::new(ShieldKey::from_seed(seed))
    })
}

#[cfg(not(feature = "shield"))]
fn shield_key(_: &LocalChainConfig) -> Option<Arc<ShieldKey>> {
    None
}

/// Nonce and existence of a signer (chain rules 1.4). Returns the account's nonce.
fn check_account(
    cx: &Ctx<'_>,
    runtime: &Runtime,
    who: &[u8; 32],
    nonce: u32,
    fee: u64,
) -> Result<u32, InvalidTransaction> {
    if *who == [0; 32] {
        return Err(InvalidTransaction::BadSigner);
    }
    // An account that nothing provides for may still send what is free.
    if fee > 0 && !runtime.account_exists(cx.state, who) {
        return Err(InvalidTransaction::Payment);
    }
    let expected = runtime.account_nonce(cx.state, who);
    if nonce < expected { Err(InvalidTransaction::Stale) } else { Ok(expected) }
}

fn parts(extrinsic: &Extrinsic) -> Result<DecodedCall<'_>, PoolError> {
    let call = DecodedCall::parse(extrinsic.call());
    call.ok_or(PoolError::Format(super::extrinsic::ExtrinsicError::Call))
}

fn tell(watchers: &[Feed], status: &str) {
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
