//! Signed extrinsics put together by hand, so that every byte can be wrong on purpose.

use parity_scale_codec::{Compact, Encode};
use sp_crypto_hashing::blake2_256;
use tensor_chain::local::LocalChain;
use tensor_core::key::{Keypair, Scheme};

/// What goes into one extrinsic; by default all of it is right.
pub(crate) struct Transaction<'a> {
    pub(crate) signer: &'a Keypair,
    pub(crate) call: Vec<u8>,
    pub(crate) nonce: u32,
    pub(crate) tip: u64,
    /// Period and block at which the era begins; `None`: immortal.
    pub(crate) era: Option<(u64, u64)>,
    pub(crate) mode: u8,
    pub(crate) metadata_hash: Option<[u8; 32]>,
    pub(crate) genesis: [u8; 32],
    pub(crate) birth: [u8; 32],
    pub(crate) spec_version: u32,
}

impl<'a> Transaction<'a> {
    pub(crate) fn new(chain: &LocalChain, signer: &'a Keypair, nonce: u32, call: Vec<u8>) -> Self {
        let genesis = chain.genesis_hash();
        Self {
            signer,
            call,
            nonce,
            tip: 0,
            era: None,
            mode: 0,
            metadata_hash: None,
            genesis,
            birth: genesis,
            spec_version: chain.interface().version().spec_version,
        }
    }

    /// Mortal for `period` blocks from block `at`.
    pub(crate) fn mortal(mut self, chain: &LocalChain, period: u64, at: u64) -> Self {
        self.era = Some((period, at % period));
        self.birth = chain.block_hash(at).unwrap();
        self
    }

    pub(crate) fn sign(&self) -> Vec<u8> {
        let mut extra = match self.era {
            None => vec![0],
            Some((period, phase)) => {
                let quantize = (period >> 12).max(1);
                let low = (period.trailing_zeros() - 1).clamp(1, 15) as u16;
                (low | ((phase / quantize) << 4) as u16).encode()
            }
        };
        Compact(self.nonce).encode_to(&mut extra);
        Compact(self.tip).encode_to(&mut extra);
        extra.push(self.mode);
        let mut payload = [self.call.as_slice(), &extra].concat();
        self.spec_version.encode_to(&mut payload);
        1u32.encode_to(&mut payload);
        payload.extend(self.genesis);
        payload.extend(self.birth);
        self.metadata_hash.encode_to(&mut payload);
        let signature = if payload.len() > 256 {
            self.signer.sign(&blake2_256(&payload))
        } else {
            self.signer.sign(&payload)
        };
        let scheme = match self.signer.scheme() {
            Scheme::Ed25519 => 0,
            _ => 1,
        };
        let mut body = vec![0x84, 0];
        body.extend(self.signer.account_id().to_bytes());
        body.push(scheme);
        body.extend(signature.bytes);
        body.extend(extra);
        body.extend(&self.call);
        body.encode()
    }
}

pub(crate) fn keypair(uri: &str) -> Keypair {
    Keypair::from_uri(uri, Scheme::Sr25519).unwrap()
}

/// `Balances.transfer_keep_alive`.
pub(crate) fn transfer(to: &Keypair, rao: u64) -> Vec<u8> {
    let mut call = vec![5, 3, 0];
    call.extend(to.account_id().to_bytes());
    Compact(rao).encode_to(&mut call);
    call
}

pub(crate) fn chain() -> LocalChain {
    LocalChain::builder().build().unwrap()
}
