//! The rules against the scenarios of the specification (chain rules 16), each check order, roll-backs, and random sequences.

use std::collections::BTreeMap;
use std::sync::Arc;

use parity_scale_codec::{Compact, Encode};

use super::ctx::{Ctx, EventRecord, Origin, Phase};
use super::{Account, DecodedCall, DispatchError, Genesis, InvalidTransaction, Ruleset, Runtime};
use crate::local::interface::{Build, Interface};
use crate::local::state::State;

mod accounts;
mod decode;
mod economy;
mod epochs;
mod extras;
mod governance;
mod keys;
mod random;
mod registering;
mod stakes;
mod table;
mod viewing;
mod weighting;

/// One TAO, or one alpha.
const UNIT: u64 = 1_000_000_000;

/// A chain of only the runtime: no transactions, no fees, no hashes.
struct Bench {
    runtime: Arc<Runtime>,
    state: State,
    events: Vec<EventRecord>,
    block: u64,
    author: Option<Account>,
    parent_hash: [u8; 32],
}

/// The account `name` of these tests: its bytes, padded.
fn account(name: &str) -> Account {
    let mut account = [0xAA; 32];
    account[..name.len()].copy_from_slice(name.as_bytes());
    account
}

impl Bench {
    fn new(ruleset: Ruleset) -> Self {
        Self::with(Build::Fast, ruleset)
    }

    fn with(build: Build, ruleset: Ruleset) -> Self {
        let interface = Arc::new(Interface::v461_for(build).unwrap());
        let runtime = Arc::new(Runtime::new(interface, ruleset).unwrap());
        let mut bench = Self {
            runtime,
            state: State::new(),
            events: Vec::new(),
            block: 0,
            author: Some(account("author")),
            parent_hash: [0; 32],
        };
        let genesis = Genesis::dev();
        bench.run(|runtime, cx| runtime.genesis(cx, &genesis));
        bench.state.end_block();
        bench.events.clear();
        bench
    }

    /// Runs code in the present block.
    fn run<T>(&mut self, body: impl FnOnce(&Runtime, &mut Ctx<'_>) -> T) -> T {
        let runtime = Arc::clone(&self.runtime);
        let mut cx = Ctx::new(&mut self.state, &mut self.events, self.block, self.block * 250);
        cx.author = self.author;
        cx.parent_hash = self.parent_hash;
        cx.phase = Phase::ApplyExtrinsic(0);
        body(&runtime, &mut cx)
    }

    /// Closes the block and opens the next one with all that comes before extrinsics.
    fn next(&mut self) {
        self.state.end_block();
        self.block += 1;
        self.events.clear();
        self.run(|runtime, cx| {
            cx.phase = Phase::Initialization;
            runtime.initialize_block(cx);
        });
    }

    fn advance(&mut self, blocks: u64) {
        (0..blocks).for_each(|_| self.next());
    }

    /// Stands in a block without having run those before.
    fn jump(&mut self, block: u64) {
        self.state.end_block();
        self.block = block;
    }

    fn fund(&mut self, who: &Account, rao: u64) {
        self.run(|runtime, cx| runtime.endow(cx, who, rao));
    }

    fn encode(&self, pallet: &str, name: &str, args: &impl Encode) -> Vec<u8> {
        let call = self.runtime.interface().call(pallet, name).unwrap();
        let mut bytes = vec![call.pallet, call.index];
        args.encode_to(&mut bytes);
        let whole = self.runtime.interface().call_type();
        assert!(self.runtime.interface().is_value(whole, &bytes), "{pallet}.{name} is ill-typed");
        bytes
    }

    /// Dispatches without the checks before inclusion.
    fn dispatch(
        &mut self,
        origin: Origin,
        pallet: &str,
        name: &str,
        args: impl Encode,
    ) -> Result<(), DispatchError> {
        let bytes = self.encode(pallet, name, &args);
        let call = DecodedCall::parse(&bytes).unwrap();
        self.run(|runtime, cx| runtime.dispatch(cx, origin, &call)).map(drop)
    }

    /// A call of the subtensor pallet by a signer.
    fn call(&mut self, who: &Account, name: &str, args: impl Encode) -> Result<(), DispatchError> {
        self.dispatch(Origin::Signed(*who), "SubtensorModule", name, args)
    }

    /// A call of the admin pallet by root.
    fn admin(&mut self, name: &str, args: impl Encode) {
        self.dispatch(Origin::Root, "AdminUtils", name, args).unwrap();
    }

    /// The checks before inclusion.
    fn validate(
        &mut self,
        who: &Account,
        pallet: &str,
        name: &str,
        args: impl Encode,
    ) -> Result<(), InvalidTransaction> {
        let bytes = self.encode(pallet, name, &args);
        let call = DecodedCall::parse(&bytes).unwrap();
        self.run(|runtime, cx| runtime.validate(cx, who, &call)).map(drop)
    }

    fn free(&self, who: &Account) -> u64 {
        self.runtime.free_balance(&self.state, who)
    }

    /// Names of the events of this block, in order.
    fn event_names(&self) -> Vec<String> {
        self.events.iter().map(|event| self.name_of(event)).collect()
    }

    fn name_of(&self, event: &EventRecord) -> String {
        let pallet = self.runtime.interface().pallet_by_index(event.pallet).unwrap();
        let variant = pallet.events.iter().find(|v| v.index == event.event).unwrap();
        format!("{}.{}", pallet.name, variant.name)
    }

    /// The fields of the last event of that name.
    fn last_event<T: parity_scale_codec::Decode>(&self, name: &str) -> T {
        let event = self.events.iter().rev().find(|event| self.name_of(event) == name).unwrap();
        T::decode(&mut &event.fields[..]).unwrap()
    }

    /// A subnet in the state as the scenarios want it, without a registration: pool as given, dynamic, enabled, owner and hotkey known.
    fn subnet(&mut self, netuid: u16, tao: u64, alpha: u64, tempo: u16) {
        let (owner, hotkey) = (account("owner"), account("owner-hot"));
        let account = Runtime::subnet_account(netuid);
        self.fund(&account, tao + 500);
        self.run(|runtime, cx| {
            runtime.init_subnet(cx, netuid, tempo);
            let items = &runtime.items;
            items.subnet_mechanism.set(cx.state, netuid, &1);
            items.subnet_tao.set(cx.state, netuid, &tao);
            items.subnet_alpha_in.set(cx.state, netuid, &alpha);
            items.total_stake.add(cx.state, tao);
            items.total_alpha_issuance.set(cx.state, netuid, &alpha);
            items.subtoken_enabled.set(cx.state, netuid, &true);
            items.subnet_owner.set(cx.state, netuid, &owner);
            items.subnet_owner_hotkey.set(cx.state, netuid, &hotkey);
            items.commit_reveal_enabled.set(cx.state, netuid, &false);
            items.weights_set_rate_limit.set(cx.state, netuid, &0);
            runtime.create_hotkey(cx, &owner, &hotkey).unwrap();
        });
    }

    /// Seats a hotkey without paying.
    fn seat(&mut self, netuid: u16, coldkey: &Account, hotkey: &Account) -> u16 {
        self.run(|runtime, cx| {
            runtime.create_hotkey(cx, coldkey, hotkey).unwrap();
            runtime.append_neuron(cx, netuid, hotkey)
        })
    }

    /// Gives stake that comes from nowhere, as outstanding alpha.
    fn give_stake(&mut self, hotkey: &Account, coldkey: &Account, netuid: u16, alpha: u64) {
        self.run(|runtime, cx| {
            runtime.increase_stake(cx, hotkey, coldkey, netuid, alpha);
            runtime.items.subnet_alpha_out.add(cx.state, netuid, alpha);
            runtime.items.total_alpha_issuance.add(cx.state, netuid, alpha);
            if netuid == 0 {
                runtime.items.subnet_tao.add(cx.state, 0, alpha);
                runtime.endow(cx, &Runtime::subnet_account(0), alpha + 500);
            }
        });
    }

    fn stake(&self, hotkey: &Account, coldkey: &Account, netuid: u16) -> u64 {
        self.runtime.stake(&self.state, hotkey, coldkey, netuid)
    }

    fn total(&self, hotkey: &Account, netuid: u16) -> u64 {
        self.runtime.hotkey_stake(&self.state, hotkey, netuid)
    }

    fn pool(&self, netuid: u16) -> (u64, u64) {
        let items = &self.runtime.items;
        (items.subnet_tao.get(&self.state, netuid), items.subnet_alpha_in.get(&self.state, netuid))
    }

    fn alpha_out(&self, netuid: u16) -> u64 {
        self.runtime.items.subnet_alpha_out.get(&self.state, netuid)
    }

    /// Everything that must hold after every block (chain rules 15.4), and that all bytes are of the types that the interface names.
    fn check(&self) {
        self.check_ledgers();
        self.check_shares();
        self.check_types();
    }

    fn check_ledgers(&self) {
        let runtime = &self.runtime;
        let ledger = runtime.tao_ledger(&self.state);
        assert!(ledger.closes(), "block {}: {ledger:?}", self.block);
        for ledger in runtime.alpha_ledgers(&self.state) {
            assert!(ledger.closes(), "block {}: {ledger:?}", self.block);
            let staked = runtime.items.total_alpha_staked.get(&self.state, ledger.netuid);
            assert_eq!(u128::from(staked), ledger.staked, "netuid {}", ledger.netuid);
            self.check_uids(ledger.netuid);
            if ledger.netuid != 1 {
                let (tao, _) = self.pool(ledger.netuid);
                let held = self.free(&Runtime::subnet_account(ledger.netuid));
                assert!(tao <= held, "subnet {} claims {tao} and has {held}", ledger.netuid);
            }
        }
        for (_, info) in runtime.items.account.entries(&self.state) {
            let total = info.total();
            assert!(total == 0 || total >= 500, "an account of {total}");
        }
    }

    fn check_uids(&self, netuid: u16) {
        let items = &self.runtime.items;
        let n = items.subnetwork_n.get(&self.state, netuid);
        let keys = items.keys.under(&self.state, netuid);
        assert_eq!(keys.len(), usize::from(n));
        for (uid, hotkey) in keys {
            assert!(uid < n);
            assert_eq!(items.uids.try_get(&self.state, (netuid, hotkey)), Some(uid));
            assert!(items.is_network_member.get(&self.state, (hotkey, netuid)));
        }
        assert_eq!(items.uids.under(&self.state, netuid).len(), usize::from(n));
        assert_eq!(items.active.get(&self.state, netuid).len(), usize::from(n));
        assert_eq!(items.emission.get(&self.state, netuid).len(), usize::from(n));
    }

    fn check_shares(&self) {
        let mut sums: BTreeMap<(Account, u16), u64> = BTreeMap::new();
        for ((hotkey, coldkey, netuid), _) in self.runtime.items.alpha_shares.entries(&self.state) {
            *sums.entry((hotkey, netuid)).or_default() += self.stake(&hotkey, &coldkey, netuid);
        }
        for ((hotkey, netuid), sum) in sums {
            let value = self.total(&hotkey, netuid);
            assert!(sum <= value, "shares of {sum} in a pool of {value}");
        }
    }

    /// Every stored value and every event is exactly one value of its type.
    fn check_types(&self) {
        let interface = self.runtime.interface();
        let own = sp_crypto_hashing::twox_128(b"LocalLedger");
        for (key, value) in self.state.iter() {
            if key.starts_with(&own) {
                continue;
            }
            let item = interface
                .pallets()
                .iter()
                .flat_map(|pallet| &pallet.storage)
                .find(|item| key.starts_with(&item.prefix))
                .expect("a key of some item");
            let place = format!("{}.{}", item.pallet, item.name);
            assert!(interface.is_value(item.value, value), "{place}: {value:02x?}");
            let mut rest = &key[32..];
            for (hasher, ty) in item.hashers.iter().zip(&item.keys) {
                rest = &rest[hasher.concat_offset().unwrap()..];
                interface.skip(*ty, &mut rest).unwrap();
            }
            assert!(rest.is_empty(), "{place} has a key of another type");
        }
        for event in &self.events {
            let pallet = interface.pallet_by_index(event.pallet).unwrap();
            let variant = pallet.events.iter().find(|v| v.index == event.event).unwrap();
            let mut rest = &event.fields[..];
            for field in &variant.fields {
                interface.skip(field.ty, &mut rest).unwrap_or_else(|error| {
                    panic!("{}.{}.{}: {error}", pallet.name, variant.name, field.name)
                });
            }
            assert!(
                rest.is_empty(),
                "{}.{} carries more than its fields",
                pallet.name,
                variant.name
            );
        }
    }
}

/// A module error by name.
fn module(name: &'static str) -> DispatchError {
    DispatchError::Module { pallet: "SubtensorModule", name }
}

/// `MultiAddress::Id`.
fn address(who: &Account) -> (u8, Account) {
    (0, *who)
}

fn compact(value: u64) -> Compact<u64> {
    Compact(value)
}
