//! Secrets until a round of a drand beacon: what a timelocked commit carries, sealed, opened, a round's signature verified,
//! and beacons of one's own.
//!
//! The bytes are those of the official tools (Boneh-Franklin encryption to the round's identity, AES-256-GCM for the message), except that the
//! published crate writes two fields without their lengths: those are put in and taken out here.

mod envelope;

use ark_ec::PrimeGroup;
use ark_ff::Zero as _;
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use ark_std::rand::{CryptoRng, Error as RandError, RngCore};
use sp_crypto_hashing::{blake2_512, sha2_256};
use timelock::block_ciphers::AESGCMBlockCipherProvider;
use timelock::engines::EngineBLS;
use timelock::engines::drand::TinyBLS381;
use timelock::ibe::fullident::{Ciphertext, Identity};
use timelock::tlock::{TLECiphertext, tld, tle};

pub use envelope::{Envelope, EnvelopeError};

type PublicKey = <TinyBLS381 as EngineBLS>::PublicKeyGroup;
type Signature = <TinyBLS381 as EngineBLS>::SignatureGroup;
type Scalar = <TinyBLS381 as EngineBLS>::Scalar;

/// Public key of drand's quicknet, whose pulses the public chain stores.
pub const QUICKNET: [u8; 96] = [
    0x83, 0xcf, 0x0f, 0x28, 0x96, 0xad, 0xee, 0x7e, 0xb8, 0xb5, 0xf0, 0x1f, 0xca, 0xd3, 0x91, 0x22,
    0x12, 0xc4, 0x37, 0xe0, 0x07, 0x3e, 0x91, 0x1f, 0xb9, 0x00, 0x22, 0xd3, 0xe7, 0x60, 0x18, 0x3c,
    0x8c, 0x4b, 0x45, 0x0b, 0x6a, 0x0a, 0x6c, 0x3a, 0xc6, 0xa5, 0x77, 0x6a, 0x2d, 0x10, 0x64, 0x51,
    0x0d, 0x1f, 0xec, 0x75, 0x8c, 0x92, 0x1c, 0xc2, 0x2b, 0x0e, 0x17, 0xe6, 0x3a, 0xaf, 0x4b, 0xcb,
    0x5e, 0xd6, 0x63, 0x04, 0xde, 0x9c, 0xf8, 0x09, 0xbd, 0x27, 0x4c, 0xa7, 0x3b, 0xab, 0x4a, 0xf5,
    0xa6, 0xe9, 0xc7, 0x6a, 0x4b, 0xc0, 0x9e, 0x76, 0xea, 0xe8, 0x99, 0x1e, 0xf5, 0xec, 0xe4, 0x5a,
];

/// Compressed point of G2.
const U: usize = 96;
/// Compressed point of G1.
const SIGNATURE: usize = 48;
/// Length of a hash, as it stands before it.
const HASH_LENGTH: [u8; 8] = 32_u64.to_le_bytes();
/// Of a nonce, likewise.
const NONCE_LENGTH: u64 = 12;
/// What a ciphertext ends with: the cipher's name with its length.
const SUITE: [u8; 16] = *b"\x08\0\0\0\0\0\0\0AES_GCM_";

/// Why nothing was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// Not a point of the group.
    #[error("the beacon's public key is no point of the curve")]
    PublicKey,
    /// The cipher refuses so much.
    #[error("the message is too long to be encrypted")]
    Message,
}

/// Seals `message` until `round` of the beacon with that public key. `entropy` must be fresh and secret: it is all the randomness there is.
///
/// # Errors
/// [`SealError`]
pub fn seal(
    message: &[u8],
    round: u64,
    public_key: &[u8; 96],
    entropy: &[u8; 32],
) -> Result<Vec<u8>, SealError> {
    let key =
        PublicKey::deserialize_compressed(&public_key[..]).map_err(|_| SealError::PublicKey)?;
    let mut random = Random { seed: *entropy, drawn: 0 };
    let mut secret = [0; 32];
    random.fill_bytes(&mut secret);
    let sealed = tle::<TinyBLS381, AESGCMBlockCipherProvider, _>(
        key,
        secret,
        message,
        identity(round),
        random,
    )
    .map_err(|_| SealError::Message)?;
    let mut out = Vec::with_capacity(260 + message.len());
    // Writing into a vector does not fail; a point always has its 96 bytes.
    sealed.header.u.serialize_compressed(&mut out).map_err(|_| SealError::PublicKey)?;
    out.extend(HASH_LENGTH);
    out.extend(sealed.header.v);
    out.extend(HASH_LENGTH);
    out.extend(sealed.header.w);
    out.extend((sealed.body.len() as u64).to_le_bytes());
    out.extend(sealed.body);
    out.extend(SUITE);
    Ok(out)
}

/// Why nothing was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Whoever gave the signature made it up, or it is of another round or beacon.
    #[error("the signature is not the beacon's of round {0}")]
    Signature(u64),
    /// The bytes were not sealed until that round of that beacon, or are damaged.
    #[error("the bytes are nothing that was sealed until round {0}")]
    Sealed(u64),
}

/// Whether `signature` is the signature of `round` by the beacon with that public key: BLS over `BLS12-381`, signatures in the small group, rounds
/// not chained to one another, as quicknet has it.
#[must_use]
pub fn verify(round: u64, signature: &[u8], public_key: &[u8; 96]) -> bool {
    let Ok(key) = PublicKey::deserialize_compressed(&public_key[..]) else { return false };
    let (true, Ok(signature)) =
        (signature.len() == SIGNATURE, Signature::deserialize_compressed(signature))
    else {
        return false;
    };
    // The neutral elements would satisfy the equation for every round.
    if key.is_zero() || signature.is_zero() {
        return false;
    }
    let round = identity(round).public::<TinyBLS381>();
    TinyBLS381::pairing(PublicKey::generator(), signature) == TinyBLS381::pairing(key, round)
}

/// Opens what was sealed until `round`, after it was checked that the signature is the beacon's.
///
/// # Errors
/// [`OpenError::Signature`] says whom not to trust, [`OpenError::Sealed`] that the bytes are of no use.
pub fn open_verified(
    sealed: &[u8],
    round: u64,
    signature: &[u8],
    public_key: &[u8; 96],
) -> Result<Vec<u8>, OpenError> {
    if !verify(round, signature, public_key) {
        return Err(OpenError::Signature(round));
    }
    open(sealed, signature).ok_or(OpenError::Sealed(round))
}

/// Opens what was sealed until a round with that round's signature; nothing if it is not such a thing, or of another round or beacon. The
/// signature is taken as it is: one from strangers goes through [`open_verified`].
#[must_use]
pub fn open(sealed: &[u8], signature: &[u8]) -> Option<Vec<u8>> {
    let (u, rest) = sealed.split_at_checked(U)?;
    let (v, rest) = hash(rest)?;
    let (w, rest) = hash(rest)?;
    let (body, rest) = prefixed(rest)?;
    // The body is a ciphertext and a nonce. Lengths are checked here, because the decoder behind would allocate whatever they claim.
    let (_, nonce) = prefixed(body)?;
    if rest != SUITE || nonce.len() != 20 || !nonce.starts_with(&NONCE_LENGTH.to_le_bytes()) {
        return None;
    }
    let header = Ciphertext { u: PublicKey::deserialize_compressed(u).ok()?, v, w };
    let sealed = TLECiphertext { header, body: body.to_vec(), cipher_suite: SUITE[8..].to_vec() };
    let signature = Signature::deserialize_compressed(signature).ok()?;
    tld::<TinyBLS381, AESGCMBlockCipherProvider>(sealed, signature).ok()
}

/// A beacon whose key is known, for local chains: it has every round's signature at once.
#[derive(Clone)]
pub struct Beacon(Scalar);

impl std::fmt::Debug for Beacon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Beacon").finish_non_exhaustive()
    }
}

impl Beacon {
    /// The beacon of a seed.
    #[must_use]
    pub fn new(seed: &[u8; 32]) -> Self {
        use ark_ff::PrimeField as _;
        Self(Scalar::from_le_bytes_mod_order(&blake2_512(seed)))
    }

    /// Its public key, to seal for.
    #[must_use]
    pub fn public_key(&self) -> [u8; 96] {
        compressed(&(PublicKey::generator() * self.0))
    }

    /// The signature of a round, which opens everything that was sealed until then.
    #[must_use]
    pub fn signature(&self, round: u64) -> [u8; 48] {
        compressed(&identity(round).extract::<TinyBLS381>(self.0).0)
    }
}

/// A round's name in the encryption.
fn identity(round: u64) -> Identity {
    Identity::new(b"", &sha2_256(&round.to_be_bytes()))
}

fn compressed<const N: usize>(point: &impl CanonicalSerialize) -> [u8; N] {
    let mut out = [0; N];
    // The arrays have the sizes of the compressed points.
    let written = point.serialize_compressed(&mut out[..]);
    debug_assert!(written.is_ok());
    out
}

fn hash(bytes: &[u8]) -> Option<([u8; 32], &[u8])> {
    bytes.strip_prefix(&HASH_LENGTH)?.split_first_chunk::<32>().map(|(hash, rest)| (*hash, rest))
}

/// A run of bytes behind its length.
fn prefixed(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)
}

/// Random numbers out of one seed: hashes of it and a counter.
struct Random {
    seed: [u8; 32],
    drawn: u64,
}

impl RngCore for Random {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        for chunk in dest.chunks_mut(64) {
            let mut input = [0; 40];
            input[..32].copy_from_slice(&self.seed);
            input[32..].copy_from_slice(&self.drawn.to_le_bytes());
            self.drawn += 1;
            chunk.copy_from_slice(&blake2_512(&input)[..chunk.len()]);
        }
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), RandError> {
        self.fill_bytes(dest);
        Ok(())
    }
}

impl CryptoRng for Random {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quicknet's signature of round 1,000.
    const ROUND_1000: &str = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39";
    /// And of round 123.
    const ROUND_123: &str = "b75c69d0b72a5d906e854e808ba7e2accb1542ac355ae486d591aa9d43765482e26cd02df835d3546d23c4b13e0dfc92";
    /// "the answer is 42", sealed until that round by bittensor_core 0.1.5.
    const OFFICIAL: &str = "8616b8659cbf6bd4e1fa0ecd470a6bcaecd288742fa8aeaec29e95755ead0b2122ee5608cd80d6de3817fc43267294911317974b7687d5e415d73cb3ba0ce0f46ea5f1c35646ea28d4e9a8ac5f6e67282094862f60aada51ca439012edfd71de20000000000000003eb87d65ca096f7866067e0a84621c63c68d03e1659d2dd38a45dc076d8a88bc2000000000000000b38d0c19611d2f2f1d3565583f069fad4f60476a2982245caa265cefdb2c28713c000000000000002000000000000000e56262fe97d9634b5016368360b6dd58e7d5f6bbb03f1ed3153b30f9ee3770ad0c000000000000007a40c6b8a546c816f2c725c808000000000000004145535f47434d5f";

    #[test]
    fn what_the_official_package_sealed_opens() {
        let sealed = hex::decode(OFFICIAL).unwrap();
        let signature = hex::decode(ROUND_1000).unwrap();
        assert_eq!(open(&sealed, &signature).unwrap(), b"the answer is 42");
    }

    #[test]
    fn what_is_sealed_for_quicknet_opens_with_its_round_only() {
        let sealed = seal(b"hello", 1_000, &QUICKNET, &[7; 32]).unwrap();
        let signature = hex::decode(ROUND_1000).unwrap();
        assert_eq!(open(&sealed, &signature).unwrap(), b"hello");
        let other = seal(b"hello", 1_001, &QUICKNET, &[7; 32]).unwrap();
        assert_eq!(open(&other, &signature), None);
        assert_eq!(seal(b"", 1, &[1; 96], &[0; 32]), Err(SealError::PublicKey));
    }

    /// Rounds as the beacon published them; the second is the example of its documentation.
    #[test]
    fn rounds_of_quicknet_are_told_from_others() {
        let signature = hex::decode(ROUND_1000).unwrap();
        let round_123 = hex::decode(ROUND_123).unwrap();
        assert!(verify(1_000, &signature, &QUICKNET));
        assert!(verify(123, &round_123, &QUICKNET));
        assert!(!verify(1_001, &signature, &QUICKNET));
        assert!(!verify(1_000, &round_123, &QUICKNET));
        assert!(!verify(1_000, &signature, &Beacon::new(&[3; 32]).public_key()));
        let mut other = signature.clone();
        other[0] ^= 0x20;
        assert!(!verify(1_000, &other, &QUICKNET), "the point on the other side");
        assert!(!verify(1_000, &[&signature[..], &[0]].concat(), &QUICKNET));
        // The neutral points, compressed.
        let (mut key, mut point) = ([0; 96], [0; 48]);
        (key[0], point[0]) = (0xC0, 0xC0);
        assert!(!verify(1_000, &point, &QUICKNET));
        assert!(!verify(1_000, &point, &key));
        assert!(!verify(1_000, &signature, &[0xFF; 96]));
    }

    #[test]
    fn a_made_up_signature_opens_nothing_and_is_named() {
        let sealed = seal(b"hello", 1_000, &QUICKNET, &[7; 32]).unwrap();
        let signature = hex::decode(ROUND_1000).unwrap();
        let open = |round, signature: &[u8]| open_verified(&sealed, round, signature, &QUICKNET);
        assert_eq!(open(1_000, &signature).unwrap(), b"hello");
        let forged = Beacon::new(&[3; 32]).signature(1_000);
        assert_eq!(open(1_000, &forged), Err(OpenError::Signature(1_000)));
        let round_123 = hex::decode(ROUND_123).unwrap();
        assert_eq!(open(123, &round_123), Err(OpenError::Sealed(123)));
    }

    #[test]
    fn an_own_beacon_signs_any_round() {
        let beacon = Beacon::new(&[3; 32]);
        let sealed = seal(&[5; 1_000], 77, &beacon.public_key(), &[9; 32]).unwrap();
        assert_eq!(open(&sealed, &beacon.signature(77)).unwrap(), [5; 1_000]);
        assert!(verify(77, &beacon.signature(77), &beacon.public_key()));
        assert_eq!(open(&sealed, &beacon.signature(78)), None);
    }

    #[test]
    fn damaged_bytes_open_to_nothing() {
        let beacon = Beacon::new(&[3; 32]);
        let signature = beacon.signature(5);
        let sealed = seal(b"weights", 5, &beacon.public_key(), &[1; 32]).unwrap();
        for length in 0..sealed.len() {
            assert_eq!(open(&sealed[..length], &signature), None, "{length} bytes");
        }
        for at in (0..sealed.len()).step_by(7).chain(96..104).chain(136..144).chain(176..200) {
            let mut damaged = sealed.clone();
            damaged[at] ^= 0xFF;
            assert_eq!(open(&damaged, &signature), None, "byte {at}");
        }
        assert_eq!(open(&sealed, &signature[..47]), None);
        assert_eq!(open(&sealed, &[0xFF; 48]), None);
    }
}
