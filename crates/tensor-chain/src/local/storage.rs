//! Typed handles on the storage items that the runtime uses, resolved once from the interface data.
//!
//! A handle knows the item's 32-byte prefix, hashers and default; reading one is a key on the stack and a look-up. Values that do not decode (they can
//! be planted through the storage controls) read as the default, so no stored byte can stop a block.

use std::marker::PhantomData;

use parity_scale_codec::{Compact, Decode, Encode};
use smallvec::SmallVec;

use super::interface::{Hasher, Interface};
use super::state::State;

mod hashed;
pub(crate) mod items;
pub(crate) mod record;

/// The bytes of an account inside the runtime, where keys of all roles are the same 32 bytes.
pub(crate) type Account = [u8; 32];

/// A storage key under construction; large enough for three hashed accounts.
pub(crate) type KeyBuf = SmallVec<[u8; 192]>;

/// A single value.
#[derive(Clone, Debug)]
pub(crate) struct Value<V> {
    key: [u8; 32],
    default: V,
}

impl<V: Decode + Encode + Clone + Default> Value<V> {
    pub(crate) fn get(&self, state: &State) -> V {
        self.try_get(state).unwrap_or_else(|| self.default.clone())
    }

    pub(crate) fn try_get(&self, state: &State) -> Option<V> {
        state.get(&self.key).and_then(|mut bytes| V::decode(&mut bytes).ok())
    }

    pub(crate) fn set(&self, state: &mut State, value: &V) {
        value.using_encoded(|bytes| state.put(&self.key, bytes));
    }

    pub(crate) fn kill(&self, state: &mut State) {
        state.remove(&self.key);
    }
}

impl Value<u64> {
    pub(crate) fn add(&self, state: &mut State, by: u64) {
        let value = self.get(state).saturating_add(by);
        self.set(state, &value);
    }

    pub(crate) fn sub(&self, state: &mut State, by: u64) {
        let value = self.get(state).saturating_sub(by);
        self.set(state, &value);
    }
}

/// A map; its key is one part or a tuple of up to three, each hashed as the interface says.
#[derive(Clone, Debug)]
pub(crate) struct Map<K, V> {
    prefix: [u8; 32],
    hashers: SmallVec<[Hasher; 3]>,
    default: V,
    key: PhantomData<fn(K)>,
}

impl<K: MapKey, V: Decode + Encode + Clone + Default> Map<K, V> {
    pub(crate) fn get(&self, state: &State, key: K) -> V {
        self.try_get(state, key).unwrap_or_else(|| self.default.clone())
    }

    pub(crate) fn try_get(&self, state: &State, key: K) -> Option<V> {
        state.get(&self.key(&key)).and_then(|mut bytes| V::decode(&mut bytes).ok())
    }

    pub(crate) fn contains(&self, state: &State, key: K) -> bool {
        state.contains(&self.key(&key))
    }

    pub(crate) fn set(&self, state: &mut State, key: K, value: &V) {
        let key = self.key(&key);
        value.using_encoded(|bytes| state.put(&key, bytes));
    }

    pub(crate) fn remove(&self, state: &mut State, key: K) {
        state.remove(&self.key(&key));
    }

    pub(crate) fn take(&self, state: &mut State, key: K) -> Option<V> {
        let value = self.try_get(state, key);
        if value.is_some() {
            self.remove(state, key);
        }
        value
    }

    pub(crate) fn mutate<R>(
        &self,
        state: &mut State,
        key: K,
        change: impl FnOnce(&mut V) -> R,
    ) -> R {
        let mut value = self.get(state, key);
        let out = change(&mut value);
        self.set(state, key, &value);
        out
    }

    /// All entries in the order of the raw keys, which for identity-hashed netuids is little-endian byte order.
    pub(crate) fn entries(&self, state: &State) -> Vec<(K, V)> {
        self.collect(state, &self.prefix)
    }

    /// Raw key of one entry.
    pub(crate) fn key(&self, key: &K) -> KeyBuf {
        let mut out = KeyBuf::from_slice(&self.prefix);
        key.append(&self.hashers, &mut out);
        out
    }

    pub(crate) fn prefix(&self) -> &[u8; 32] {
        &self.prefix
    }

    /// Removes all entries.
    pub(crate) fn clear(&self, state: &mut State) -> usize {
        state.remove_prefix(&self.prefix)
    }

    fn collect(&self, state: &State, prefix: &[u8]) -> Vec<(K, V)> {
        state
            .iter_prefix(prefix)
            .filter_map(|(raw, mut value)| {
                let mut rest = raw.get(32..)?;
                let key = K::parse(&self.hashers, &mut rest)?;
                Some((key, V::decode(&mut value).ok()?))
            })
            .collect()
    }
}

impl<A: KeyPart, B: KeyPart, V: Decode + Encode + Clone + Default> Map<(A, B), V> {
    /// All entries under a first part, in raw key order.
    pub(crate) fn under(&self, state: &State, first: A) -> Vec<(B, V)> {
        let prefix = self.first_prefix(&first);
        self.collect(state, &prefix).into_iter().map(|((_, b), v)| (b, v)).collect()
    }

    pub(crate) fn clear_under(&self, state: &mut State, first: A) -> usize {
        let prefix = self.first_prefix(&first);
        state.remove_prefix(&prefix)
    }

    fn first_prefix(&self, first: &A) -> KeyBuf {
        let mut out = KeyBuf::from_slice(&self.prefix);
        if let Some(hasher) = self.hashers.first() {
            first.with_bytes(|bytes| append(*hasher, bytes, &mut out));
        }
        out
    }
}

impl<A: KeyPart, B: KeyPart, C: KeyPart, V: Decode + Encode + Clone + Default> Map<(A, B, C), V> {
    /// All entries under a first part, in raw key order.
    pub(crate) fn under_first(&self, state: &State, first: A) -> Vec<((B, C), V)> {
        let mut prefix = KeyBuf::from_slice(&self.prefix);
        if let Some(hasher) = self.hashers.first() {
            first.with_bytes(|bytes| append(*hasher, bytes, &mut prefix));
        }
        self.collect(state, &prefix).into_iter().map(|((_, b, c), v)| ((b, c), v)).collect()
    }
}

impl<K: MapKey> Map<K, Vec<(u16, u16)>> {
    /// The pairs of one row, read in place.
    pub(crate) fn row<'a>(
        &self,
        state: &'a State,
        key: K,
    ) -> impl Iterator<Item = (u16, u16)> + use<'a, K> {
        let mut bytes = state.get(&self.key(&key)).unwrap_or_default();
        let count = Compact::<u32>::decode(&mut bytes).map_or(0, |count| count.0);
        let pairs = bytes.as_chunks::<4>().0.iter().take(count as usize);
        pairs.map(|[a, b, c, d]| (u16::from_le_bytes([*a, *b]), u16::from_le_bytes([*c, *d])))
    }
}

impl<K: MapKey> Map<K, Vec<Account>> {
    /// Appends an account to a list that has it not yet. The list is read in place: some have thousands of accounts.
    pub(crate) fn append_new(&self, state: &mut State, key: K, account: &Account) {
        let raw = self.key(&key);
        let mut bytes = state.get(&raw).unwrap_or_default();
        let count = Compact::<u32>::decode(&mut bytes).map_or(0, |count| count.0);
        if bytes.as_chunks::<32>().0.iter().take(count as usize).any(|known| known == account) {
            return;
        }
        self.mutate(state, key, |list| list.push(*account));
    }
}

impl<K: MapKey> Map<K, u64> {
    pub(crate) fn add(&self, state: &mut State, key: K, by: u64) {
        self.mutate(state, key, |value| *value = value.saturating_add(by));
    }

    pub(crate) fn sub(&self, state: &mut State, key: K, by: u64) {
        self.mutate(state, key, |value| *value = value.saturating_sub(by));
    }
}

/// One part of a map key.
pub(crate) trait KeyPart: Encode + Decode + Copy {
    fn with_bytes<R>(&self, body: impl FnOnce(&[u8]) -> R) -> R {
        self.using_encoded(body)
    }
}

impl<T: Encode + Decode + Copy> KeyPart for T {}

/// A whole map key.
pub(crate) trait MapKey: Copy {
    /// Number of parts, which must equal the number of hashers.
    const PARTS: usize;
    fn append(&self, hashers: &[Hasher], out: &mut KeyBuf);
    fn parse(hashers: &[Hasher], rest: &mut &[u8]) -> Option<Self>;
}

macro_rules! single_part_keys {
    ($($ty:ty),*) => { $(
        impl MapKey for $ty {
            const PARTS: usize = 1;
            fn append(&self, hashers: &[Hasher], out: &mut KeyBuf) {
                if let Some(hasher) = hashers.first() {
                    self.with_bytes(|bytes| append(*hasher, bytes, out));
                }
            }
            fn parse(hashers: &[Hasher], rest: &mut &[u8]) -> Option<Self> {
                parse_part(hashers.first()?, rest)
            }
        }
    )* };
}
single_part_keys!(u16, u32, u64, Account, record::RateLimitKey);

impl<A: KeyPart, B: KeyPart> MapKey for (A, B) {
    const PARTS: usize = 2;
    fn append(&self, hashers: &[Hasher], out: &mut KeyBuf) {
        if let [first, second] = hashers {
            self.0.with_bytes(|bytes| append(*first, bytes, out));
            self.1.with_bytes(|bytes| append(*second, bytes, out));
        }
    }
    fn parse(hashers: &[Hasher], rest: &mut &[u8]) -> Option<Self> {
        let [first, second] = hashers else { return None };
        Some((parse_part(first, rest)?, parse_part(second, rest)?))
    }
}

impl<A: KeyPart, B: KeyPart, C: KeyPart> MapKey for (A, B, C) {
    const PARTS: usize = 3;
    fn append(&self, hashers: &[Hasher], out: &mut KeyBuf) {
        if let [first, second, third] = hashers {
            self.0.with_bytes(|bytes| append(*first, bytes, out));
            self.1.with_bytes(|bytes| append(*second, bytes, out));
            self.2.with_bytes(|bytes| append(*third, bytes, out));
        }
    }
    fn parse(hashers: &[Hasher], rest: &mut &[u8]) -> Option<Self> {
        let [first, second, third] = hashers else { return None };
        Some((parse_part(first, rest)?, parse_part(second, rest)?, parse_part(third, rest)?))
    }
}

/// [`Hasher::append`] onto a key on the stack.
fn append(hasher: Hasher, bytes: &[u8], out: &mut KeyBuf) {
    match hasher {
        Hasher::Identity => {}
        Hasher::Blake2_128Concat => out.extend_from_slice(&hashed::blake2_128(bytes)),
        Hasher::Twox64Concat => out.extend_from_slice(&sp_crypto_hashing::twox_64(bytes)),
        other => {
            let mut hashed = Vec::new();
            other.append(bytes, &mut hashed);
            return out.extend_from_slice(&hashed);
        }
    }
    out.extend_from_slice(bytes);
}

fn parse_part<T: Decode>(hasher: &Hasher, rest: &mut &[u8]) -> Option<T> {
    *rest = rest.get(hasher.concat_offset()?..)?;
    T::decode(rest).ok()
}

/// Resolves handles and collects the names of everything that the interface lacks.
#[derive(Debug)]
pub(crate) struct Resolver<'a> {
    interface: &'a Interface,
    missing: Vec<String>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(interface: &'a Interface) -> Self {
        Self { interface, missing: Vec::new() }
    }

    /// Everything asked for and not found, each as `Pallet.Item (reason)`.
    pub(crate) fn into_missing(self) -> Vec<String> {
        self.missing
    }
}

/// A handle that can be resolved by name.
pub(crate) trait Handle: Sized {
    fn resolve(resolver: &mut Resolver<'_>, pallet: &str, item: &str) -> Self;
}

impl<V: Decode + Encode + Clone + Default> Handle for Value<V> {
    fn resolve(resolver: &mut Resolver<'_>, pallet: &str, item: &str) -> Self {
        let (key, _, default) = lookup(resolver, pallet, item, 0);
        Self { key, default }
    }
}

impl<K: MapKey, V: Decode + Encode + Clone + Default> Handle for Map<K, V> {
    fn resolve(resolver: &mut Resolver<'_>, pallet: &str, item: &str) -> Self {
        let (prefix, hashers, default) = lookup(resolver, pallet, item, K::PARTS);
        Self { prefix, hashers, default, key: PhantomData }
    }
}

fn lookup<V: Decode + Default>(
    resolver: &mut Resolver<'_>,
    pallet: &str,
    item: &str,
    parts: usize,
) -> ([u8; 32], SmallVec<[Hasher; 3]>, V) {
    let Some(found) = resolver.interface.storage(pallet, item) else {
        resolver.missing.push(format!("{pallet}.{item}"));
        return ([0; 32], SmallVec::new(), V::default());
    };
    if found.hashers.len() != parts {
        let have = found.hashers.len();
        resolver.missing.push(format!("{pallet}.{item} ({have} key parts, not {parts})"));
    }
    let mut bytes = found.default.as_slice();
    let default = if found.optional {
        V::default()
    } else {
        let decoded = V::decode(&mut bytes).ok().filter(|_| bytes.is_empty());
        decoded.unwrap_or_else(|| {
            resolver.missing.push(format!("{pallet}.{item} (its default is of another type)"));
            V::default()
        })
    };
    (found.prefix, found.hashers.iter().copied().collect(), default)
}
