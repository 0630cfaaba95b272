//! Any call of the interface with any arguments of its types, signed by anybody, also through sudo: no block
//! panics, none breaks an invariant, and two chains that are given the same stay the same to the byte.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use parity_scale_codec::{Compact, Encode};
use proptest::prelude::*;
use scale_info::{TypeDef, TypeDefPrimitive, form::PortableForm};
use serde_json::json;
use tensor_chain::local::{Interface, LocalChain};
use tensor_core::key::Keypair;

use super::asking::rpc;
use super::signing::{Transaction, keypair};

/// Calls that write any bytes anywhere, mint without bound, or take the key away with which everything else is tried.
const LEFT_OUT: &[(&str, &str)] = &[
    ("Balances", "force_set_balance"),
    ("Balances", "force_adjust_total_issuance"),
    ("System", "set_storage"),
    ("System", "kill_storage"),
    ("System", "kill_prefix"),
    ("Sudo", "set_key"),
    ("Sudo", "remove_key"),
];

/// Who signs: coldkeys, then hotkeys.
const SIGNERS: &[&str] =
    &["//Alice", "//Bob", "//Charlie", "//Dave", "//h0", "//h1", "//h2", "//h3"];

/// One call: who signs, whether root makes it, which one, and what its arguments are made from.
type Step = (u8, bool, u16, u64);

struct World {
    chain: LocalChain,
    signers: Vec<Keypair>,
    /// Pallet, call and types of the arguments of every call that is tried.
    calls: Vec<(u8, u8, Vec<u32>)>,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let chain = LocalChain::builder().build().unwrap();
        let signers: Vec<Keypair> = SIGNERS.iter().map(|uri| keypair(uri)).collect();
        let interface = chain.interface();
        let mut nonces = BTreeMap::new();
        let mut send = |who: usize, pallet: &str, call: &str, args: Vec<u8>| {
            let call = interface.call(pallet, call).unwrap();
            let bytes = [vec![call.pallet, call.index], args].concat();
            let nonce = nonces.entry(who).or_insert(0);
            chain.submit(&Transaction::new(&chain, &signers[who], *nonce, bytes).sign()).unwrap();
            *nonce += 1;
            chain.advance(1);
        };
        let key = |who: usize| signers[who].account_id().to_bytes();
        let module = "SubtensorModule";
        for (owner, hotkey, netuid) in [(0, 4, 2_u16), (1, 5, 3)] {
            send(owner, module, "register_network", key(hotkey).encode());
            send(owner, module, "start_call", netuid.encode());
            send(2, module, "burned_register", (netuid, key(6)).encode());
            send(3, module, "burned_register", (netuid, key(7)).encode());
            send(2, module, "add_stake", (key(6), netuid, 100_000_000_000_u64).encode());
            send(3, module, "add_stake", (key(6), netuid, 1_000_000_000_u64).encode());
        }
        assert!(chain.invariants().hold(), "{:?}", chain.invariants());
        let mut calls = Vec::new();
        for pallet in interface.pallets() {
            for call in &pallet.calls {
                if !LEFT_OUT.contains(&(pallet.name.as_str(), call.name.as_str())) {
                    let types = call.args.iter().map(|arg| arg.ty).collect();
                    calls.push((call.pallet, call.index, types));
                }
            }
        }
        assert!(calls.len() > 280, "{}", calls.len());
        World { chain, signers, calls }
    })
}

/// Makes values of any type of the interface; accounts, subnets and amounts mostly such that exist.
struct Maker<'a> {
    world: &'a World,
    interface: &'a Interface,
    state: u64,
    /// Whether accounts of subnets are named. Not to root, which may spend for any account: those have no key,
    /// and the pools rely on that.
    names_subnets: bool,
}

impl Maker<'_> {
    fn roll(&mut self, sides: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn number(&mut self) -> u64 {
        match self.roll(8) {
            0 => u64::MAX - self.roll(3),
            1 => self.roll(u64::MAX),
            2 => self.roll(400),
            3 => 1_u64 << self.roll(64),
            4 => self.roll(3) * 1_000_000_000_000,
            5 => self.roll(70_000),
            _ => self.roll(40_000_000_000),
        }
    }

    fn account(&mut self) -> [u8; 32] {
        match self.roll(12) {
            0 => [0; 32],
            1 => [u8::try_from(self.roll(3)).unwrap(); 32],
            // The account of a subnet.
            2 if self.names_subnets => {
                let mut account = [0; 32];
                account[..12].copy_from_slice(b"modlsubtensr");
                account[12] = u8::try_from(self.roll(4)).unwrap();
                account
            }
            _ => {
                let which = usize::try_from(self.roll(SIGNERS.len() as u64)).unwrap();
                self.world.signers[which].account_id().to_bytes()
            }
        }
    }

    fn call(&mut self, which: u64, depth: u8, out: &mut Vec<u8>) {
        let calls = &self.world.calls;
        let (pallet, call, types) = &calls[usize::try_from(which).unwrap() % calls.len()];
        let start = out.len();
        out.extend([*pallet, *call]);
        if types.iter().all(|ty| self.value(*ty, depth + 1, out).is_some()) {
            return;
        }
        // An argument of a type that has no values: nobody can make this call.
        out.truncate(start);
        out.extend([0, 0, 0]);
    }

    fn value(&mut self, ty: u32, depth: u8, out: &mut Vec<u8>) -> Option<()> {
        let types = self.interface.types();
        let resolved = types.resolve(ty).unwrap();
        match resolved.path.segments.last().map_or("", String::as_str) {
            "AccountId32" => out.extend(self.account()),
            "MultiAddress" => {
                out.push(0);
                out.extend(self.account());
            }
            "NetUid" => {
                let netuid = [0_u16, 1, 2, 2, 2, 3, 3, 9][usize::try_from(self.roll(8)).unwrap()];
                netuid.encode_to(out);
            }
            // Deep down only remarks, which end it.
            "RuntimeCall" if depth > 4 => out.extend([0, 0, 0]),
            "RuntimeCall" => {
                let which = self.roll(1 << 16);
                self.call(which, depth, out);
            }
            _ => return self.plain(&resolved.type_def, depth, out),
        }
        Some(())
    }

    fn plain(&mut self, def: &TypeDef<PortableForm>, depth: u8, out: &mut Vec<u8>) -> Option<()> {
        match def {
            TypeDef::Composite(composite) => {
                composite.fields.iter().try_for_each(|f| self.value(f.ty.id, depth + 1, out))?;
            }
            TypeDef::Variant(def) => {
                let smallest = def.variants.iter().min_by_key(|v| v.fields.len())?;
                let which = usize::try_from(self.roll(def.variants.len() as u64)).unwrap();
                let variant = if depth > 8 { smallest } else { &def.variants[which] };
                out.push(variant.index);
                variant.fields.iter().try_for_each(|f| self.value(f.ty.id, depth + 1, out))?;
            }
            TypeDef::Sequence(sequence) => {
                let count = self.roll(if depth > 8 { 1 } else { 5 });
                Compact(u32::try_from(count).unwrap()).encode_to(out);
                for _ in 0..count {
                    self.value(sequence.type_param.id, depth + 1, out)?;
                }
            }
            TypeDef::Array(array) => {
                for _ in 0..array.len {
                    self.value(array.type_param.id, depth + 1, out)?;
                }
            }
            TypeDef::Tuple(tuple) => {
                tuple.fields.iter().try_for_each(|f| self.value(f.id, depth + 1, out))?;
            }
            TypeDef::Compact(compact) => self.compact(compact.type_param.id, out),
            TypeDef::Primitive(primitive) => self.primitive(primitive, out),
            TypeDef::BitSequence(_) => out.push(0),
        }
        Some(())
    }

    fn primitive(&mut self, primitive: &TypeDefPrimitive, out: &mut Vec<u8>) {
        let number = self.number();
        let bytes = u128::from(number).to_le_bytes();
        let width = match primitive {
            TypeDefPrimitive::Bool => return out.push(u8::from(number & 1 == 1)),
            TypeDefPrimitive::Str => return out.push(0),
            TypeDefPrimitive::U8 | TypeDefPrimitive::I8 => 1,
            TypeDefPrimitive::U16 | TypeDefPrimitive::I16 => 2,
            TypeDefPrimitive::U32 | TypeDefPrimitive::I32 | TypeDefPrimitive::Char => 4,
            TypeDefPrimitive::U64 | TypeDefPrimitive::I64 => 8,
            TypeDefPrimitive::U128 | TypeDefPrimitive::I128 => 16,
            TypeDefPrimitive::U256 | TypeDefPrimitive::I256 => {
                out.extend(bytes);
                16
            }
        };
        out.extend(&bytes[..width]);
    }

    fn compact(&mut self, ty: u32, out: &mut Vec<u8>) {
        let types = self.interface.types();
        let number = self.number();
        match &types.resolve(ty).unwrap().type_def {
            TypeDef::Composite(composite) => self.compact(composite.fields[0].ty.id, out),
            TypeDef::Primitive(TypeDefPrimitive::U8) => Compact(number as u8).encode_to(out),
            TypeDef::Primitive(TypeDefPrimitive::U16) => Compact(number as u16).encode_to(out),
            TypeDef::Primitive(TypeDefPrimitive::U32) => Compact(number as u32).encode_to(out),
            TypeDef::Primitive(TypeDefPrimitive::U64) => Compact(number).encode_to(out),
            TypeDef::Primitive(TypeDefPrimitive::U128) => {
                Compact(u128::from(number)).encode_to(out);
            }
            other => panic!("a compact of {other:?}"),
        }
    }
}

/// Plays the steps on a chain of its own, and the same bytes on a second one where `twice`. Returns how many calls
/// were taken.
fn play(steps: &[Step], twice: bool) -> usize {
    let world = world();
    let chain = world.chain.fork();
    let twin = twice.then(|| world.chain.fork());
    let interface = chain.interface();
    let advance = |blocks: u64, at: &dyn std::fmt::Display| {
        chain.advance(blocks);
        let Some(twin) = &twin else {
            let now = chain.invariants();
            return assert!(now.hold(), "{at}: {now:#?}");
        };
        twin.advance(blocks);
        // The root in it chains all writes, events among them.
        let hash = |chain: &LocalChain| chain.block_hash(chain.block_number());
        assert_eq!(hash(&chain), hash(twin), "{at}");
    };
    let mut taken = 0;
    for (at, (who, root, which, seed)) in steps.iter().enumerate() {
        let is_sudo = *root || usize::from(*who).is_multiple_of(SIGNERS.len());
        let names_subnets = !is_sudo;
        let mut maker = Maker { world, interface: &interface, state: *seed, names_subnets };
        let mut call = Vec::new();
        maker.call(u64::from(*which), 0, &mut call);
        assert!(interface.is_value(interface.call_type(), &call), "the maker errs: {call:02x?}");
        let mut signer = &world.signers[usize::from(*who) % SIGNERS.len()];
        if *root {
            signer = &world.signers[0];
            let sudo = interface.call("Sudo", "sudo").unwrap();
            call = [vec![sudo.pallet, sudo.index], call].concat();
        }
        let nonce = rpc(&chain, "account_nextIndex", json!([signer.account_id().to_string()]));
        let nonce = u32::try_from(nonce.as_u64().unwrap()).unwrap();
        let bytes = Transaction::new(&chain, signer, nonce, call).sign();
        let outcome = chain.submit(&bytes);
        if let Some(twin) = &twin {
            assert_eq!(twin.submit(&bytes), outcome);
        }
        taken += usize::from(outcome.is_ok());
        if at % 3 == 2 {
            advance(1 + seed % 3, &format_args!("after step {at}"));
        }
    }
    advance(25, &"at the end");
    if let Some(twin) = &twin {
        let keys = rpc(&chain, "state_getKeys", json!(["0x"]));
        assert_eq!(keys, rpc(twin, "state_getKeys", json!(["0x"])));
        let values = |chain: &LocalChain| rpc(chain, "state_queryStorageAt", json!([keys]));
        assert_eq!(values(&chain), values(twin));
    }
    taken
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_is_called_panics_or_breaks_an_invariant(
        steps in prop::collection::vec(any::<Step>(), 1..90),
    ) {
        play(&steps, false);
    }

    #[test]
    fn chains_that_are_given_the_same_are_the_same(
        steps in prop::collection::vec(any::<Step>(), 1..40),
    ) {
        play(&steps, true);
    }
}

#[test]
fn most_of_what_is_tried_is_taken() {
    let steps: Vec<Step> = (0..300_u64)
        .map(|n| (n as u8, n % 2 == 0, (n * 7_919) as u16, n.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
        .collect();
    let taken = play(&steps, false);
    assert!(taken > 150, "{taken} of 300 were taken");
}
