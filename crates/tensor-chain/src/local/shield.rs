//! The block author's side of the MEV shield: its key, and the opening of what was encrypted to it.
//!
//! A ciphertext is `twox128(key) (16) | u16 LE 1088 | ML-KEM-768 ciphertext (1088) | nonce (24) |
//! XChaCha20-Poly1305`, under the raw shared secret and without associated data; the leading hash may
//! be absent. The plaintext is a whole signed extrinsic.

use std::sync::Arc;

use super::config::LocalChainConfig;

/// Bytes of the hash that names the key.
const KEY_HASH: usize = 16;
/// Bytes of an ML-KEM-768 ciphertext.
const KEM: usize = 1_088;
/// Bytes of the cipher's nonce.
const NONCE: usize = 24;
/// Bytes of the cipher's tag, the least that can follow.
const TAG: usize = 16;

/// The parts of a ciphertext.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shielded<'a> {
    pub(crate) key_hash: Option<&'a [u8]>,
    pub(crate) kem: &'a [u8],
    pub(crate) nonce: &'a [u8],
    pub(crate) sealed: &'a [u8],
}

impl<'a> Shielded<'a> {
    /// Takes a ciphertext apart; `None` if it has neither of the two forms.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (hash, rest) = bytes.split_at_checked(KEY_HASH)?;
        Self::parse_body(Some(hash), rest).or_else(|| Self::parse_body(None, bytes))
    }

    fn parse_body(key_hash: Option<&'a [u8]>, bytes: &'a [u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        if usize::from(u16::from_le_bytes(*length)) != KEM {
            return None;
        }
        let (kem, rest) = rest.split_at_checked(KEM)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE)?;
        (sealed.len() >= TAG).then_some(Self { key_hash, kem, nonce, sealed })
    }
}

/// The ciphertext in the arguments of `MevShield.submit_encrypted`.
pub(crate) fn ciphertext_of(mut args: &[u8]) -> Option<Vec<u8>> {
    use parity_scale_codec::Decode;
    Vec::<u8>::decode(&mut args).ok()
}

/// The author's key pair.
#[cfg(feature = "shield")]
pub(crate) struct ShieldKey {
    key: Box<ml_kem::DecapsulationKey<ml_kem::MlKem768>>,
    public: Vec<u8>,
}

/// Without feature `shield` there is no key, and nothing that could hold one.
#[cfg(not(feature = "shield"))]
pub(crate) enum ShieldKey {}

/// The keys of the authors of all blocks: one for ever, or one for each block.
#[derive(Debug, Clone)]
pub(crate) struct ShieldKeys {
    #[cfg_attr(not(feature = "shield"), allow(dead_code, reason = "there are no keys to make"))]
    seed: u64,
    /// The key of every block, where it does not rotate.
    fixed: Option<Arc<ShieldKey>>,
}

/// How many blocks after its publication a key is current.
const AHEAD: u64 = 2;

impl ShieldKeys {
    /// The keys of a chain that is to have a shield.
    #[cfg(feature = "shield")]
    pub(crate) fn of(config: &LocalChainConfig) -> Option<Self> {
        let fixed = (!config.shield_rotation).then(|| Arc::new(key_of(config.seed, None)));
        config.shield.then_some(Self { seed: config.seed, fixed })
    }

    /// Without feature `shield` no chain has one.
    #[cfg(not(feature = "shield"))]
    pub(crate) fn of(_: &LocalChainConfig) -> Option<Self> {
        None
    }

    /// Whether each block has a key of its own.
    pub(crate) fn rotate(&self) -> bool {
        self.fixed.is_none()
    }

    /// The key of a block's author.
    pub(crate) fn key(&self, block: u64) -> Arc<ShieldKey> {
        match &self.fixed {
            Some(key) => Arc::clone(key),
            None => self.own_key(block),
        }
    }

    #[cfg(feature = "shield")]
    fn own_key(&self, block: u64) -> Arc<ShieldKey> {
        Arc::new(key_of(self.seed, Some(block)))
    }

    #[cfg(not(feature = "shield"))]
    fn own_key(&self, block: u64) -> Arc<ShieldKey> {
        // Never reached: `of` gives no keys. A fixed one is all that could be there.
        self.key(block)
    }

    /// The key of that name among those published in a block.
    pub(crate) fn named(&self, hash: &[u8], block: u64) -> Option<Arc<ShieldKey>> {
        self.published(block).find(|key| sp_crypto_hashing::twox_128(key.public()) == *hash)
    }

    /// What a ciphertext hides, if it is to a key published in that block.
    pub(crate) fn open(&self, shielded: &Shielded<'_>, block: u64) -> Option<Vec<u8>> {
        match shielded.key_hash {
            Some(hash) => self.named(hash, block)?.open(shielded),
            None => self.published(block).find_map(|key| key.open(shielded)),
        }
    }

    fn published(&self, block: u64) -> impl Iterator<Item = Arc<ShieldKey>> + '_ {
        let last = if self.rotate() { block.saturating_add(AHEAD) } else { block };
        (block..=last).map(|block| self.key(block))
    }
}

/// The key that follows from a chain's seed, of one block or of all.
#[cfg(feature = "shield")]
fn key_of(seed: u64, block: Option<u64>) -> ShieldKey {
    use parity_scale_codec::Encode;
    let half = |name: &str| match block {
        None => sp_crypto_hashing::blake2_256(&(name, seed).encode()),
        Some(block) => sp_crypto_hashing::blake2_256(&(name, seed, block).encode()),
    };
    let mut seeds = [0; 64];
    let (d, z) = seeds.split_at_mut(32);
    d.copy_from_slice(&half("shield d"));
    z.copy_from_slice(&half("shield z"));
    ShieldKey::from_seed(seeds)
}

#[cfg(feature = "shield")]
impl ShieldKey {
    /// The key pair of FIPS-203 seeds `d` and `z`, one after the other.
    pub(crate) fn from_seed(seed: [u8; 64]) -> Self {
        use ml_kem::KeyExport;
        let key = Box::new(ml_kem::DecapsulationKey::<ml_kem::MlKem768>::from_seed(seed.into()));
        let public = key.encapsulation_key().to_bytes().to_vec();
        Self { key, public }
    }

    /// The encapsulation key, as `MevShield.NextKey` publishes it.
    pub(crate) fn public(&self) -> &[u8] {
        &self.public
    }

    /// The plaintext; `None` if it was not encrypted to this key, or was changed.
    pub(crate) fn open(&self, shielded: &Shielded<'_>) -> Option<Vec<u8>> {
        use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce, aead::Aead};
        use ml_kem::Decapsulate;
        let secret = self.key.decapsulate_slice(shielded.kem).ok()?;
        let cipher = XChaCha20Poly1305::new_from_slice(&secret).ok()?;
        cipher.decrypt(XNonce::from_slice(shielded.nonce), shielded.sealed).ok()
    }
}

#[cfg(not(feature = "shield"))]
impl ShieldKey {
    pub(crate) fn public(&self) -> &[u8] {
        match *self {}
    }

    pub(crate) fn open(&self, _: &Shielded<'_>) -> Option<Vec<u8>> {
        match *self {}
    }
}

impl std::fmt::Debug for ShieldKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ShieldKey(..)")
    }
}

#[cfg(all(test, feature = "shield"))]
mod tests {
    use super::*;

    const VECTORS: &str = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../testdata/chain/chain-crypto-vectors.json"
    ));

    /// A ciphertext of the official encryptor, to the key of known seeds.
    #[test]
    fn the_official_ciphertext_opens() {
        let vectors: serde_json::Value = serde_json::from_str(VECTORS).unwrap();
        let vector = &vectors["mev_shield"];
        let bytes = |name: &str| hex::decode(vector[name].as_str().unwrap()).unwrap();
        let seed = [bytes("keygen_seed_d"), bytes("keygen_seed_z")].concat();
        let key = ShieldKey::from_seed(seed.try_into().unwrap());
        let hash = sp_crypto_hashing::blake2_256(key.public());
        assert_eq!(hash.to_vec(), bytes("encapsulation_key_blake2_256"));
        let ciphertext = bytes("ciphertext_hex");
        let shielded = Shielded::parse(&ciphertext).unwrap();
        assert_eq!(shielded.key_hash.unwrap(), bytes("key_hash_twox128"));
        assert_eq!(shielded.key_hash.unwrap(), sp_crypto_hashing::twox_128(key.public()));
        assert_eq!(key.open(&shielded).unwrap(), bytes("plaintext_hex"));
        // The form without the hash.
        let short = Shielded::parse(&ciphertext[16..]).unwrap();
        assert_eq!(short.key_hash, None);
        assert_eq!(key.open(&short).unwrap(), bytes("plaintext_hex"));
        for at in [16, 20, 1_106, 1_140] {
            let mut changed = ciphertext.clone();
            changed[at] ^= 1;
            let opened = Shielded::parse(&changed).and_then(|s| key.open(&s));
            assert_eq!(opened, None, "byte {at}");
        }
        for length in 0..ciphertext.len().min(1_150) {
            let _ = Shielded::parse(&ciphertext[..length]);
        }
    }
}
