//! Shielded submission (MEV shield): an extrinsic that nobody reads before it is in a block.
//!
//! The extrinsic is signed with the nonce after next, encrypted to the key of the author of a coming
//! block (`MevShield.NextKey`), and carried by another one with the next nonce. The author decrypts it
//! and applies it right after its carrier, or the chain does within a few blocks.
//!
//! Ciphertext: `twox128(key) (16) | u16 LE 1088 | ML-KEM-768 ciphertext (1088) | nonce (24) |
//! XChaCha20-Poly1305` under the raw shared secret, without associated data.

use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce, aead::Aead};
use ml_kem::{EncapsulationKey, MlKem768};
use sp_crypto_hashing::twox_128;
use tensor_core::call::Call;
use tensor_core::key::Signer;
use tensor_core::receipt::{Receipt, Stage};

use super::Subtensor;
use super::follow::Sent;
use super::rpc::SubmitError;
use crate::error::Error;
use crate::intent::Intent;

/// How many blocks the chain gives a shielded extrinsic and its carrier.
const ERA: u64 = 8;

/// The most bytes of ciphertext that the chain takes.
const MOST: usize = 8192;

impl Subtensor {
    /// Does what the intent says, unseen until it is done.
    ///
    /// # Errors
    /// As [`submit_shielded`](Self::submit_shielded).
    pub async fn execute_shielded(
        &self,
        intent: &(impl Intent + ?Sized),
        signer: &dyn Signer,
    ) -> Result<Receipt, Error> {
        let call = intent.call(self).await?;
        self.submit_shielded(&call, signer).await
    }

    /// Signs the call, submits it encrypted, and follows it until it is in a block and its events are
    /// checked. The receipt is that of the call; the carrier's fee comes on top.
    ///
    /// Nothing is signed anew: whether the encrypted extrinsic is still to come cannot be known before
    /// its eight blocks are over.
    ///
    /// # Errors
    /// [`Error::Missing`] where the chain has no shield or publishes no key, otherwise as
    /// [`submit`](Self::submit) for carrier and call.
    pub async fn submit_shielded(
        &self,
        call: &Call,
        signer: &dyn Signer,
    ) -> Result<Receipt, Error> {
        let mut chain = self.clone();
        chain.config.era_period = ERA;
        let mut authorised = chain.authorise(call).await?;
        let account = signer.account_id();
        let rpc = &chain.inner.rpc;
        let lane = chain.inner.nonces.lane(account);
        let mut lane = lane.lock().await;
        let key = chain.at(tensor_core::chain::At::Head).mev_shield_next_key().await?;
        let key = key.ok_or_else(|| {
            crate::codec::Missing::new(crate::codec::Kind::Storage, "MevShield.NextKey")
        })?;
        let (pooled, version, finalized) = futures::try_join!(
            rpc.next_nonce(&account),
            rpc.runtime_version(None),
            rpc.finalized_head()
        )?;
        let (runtime, anchor) = futures::try_join!(
            chain.inner.runtimes.get(rpc, version, None),
            rpc.header(Some(finalized))
        )?;
        let nonce = lane.next(pooled, anchor.number.value());
        let inner = nonce.saturating_add(1);
        let inner = chain.sign(&authorised, signer, &runtime, anchor, inner).await?;
        let ciphertext = encrypt(&key, &inner.bytes)?;
        // What it carries was authorised; the carrier itself moves nothing.
        let carrier = authorised
            .carrier(Call::new("MevShield", "submit_encrypted").arg("ciphertext", ciphertext));
        let signed = chain.sign(&carrier, signer, &runtime, anchor, nonce).await?;
        let until = signed.until;
        let name = carrier.name();
        let carrier = Sent { call: name.clone(), account, signed };
        let updates = match rpc.submit_and_watch(&carrier.signed.bytes).await {
            Ok(updates) => Some(updates),
            Err(SubmitError::Unknown) => None,
            Err(SubmitError::Rejected(rejection)) => {
                lane.forget();
                authorised.refund();
                return Err(Error::Rejected { call: name, rejection });
            }
            Err(SubmitError::Other(error)) => {
                lane.forget();
                authorised.refund();
                return Err(error);
            }
        };
        lane.took(inner.nonce, until);
        drop(lane);
        chain.waiting_for(Stage::InBlock).follow(carrier, updates).await?;
        let inner = Sent { call: call.to_string(), account, signed: inner };
        chain.follow(inner, None).await
    }
}

/// Encrypts bytes to a key that the chain publishes.
fn encrypt(key: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Error> {
    let random = |bytes: &mut [u8]| {
        getrandom::fill(bytes).map_err(|error| Error::invalid(format!("no randomness: {error}")))
    };
    let (mut seed, mut nonce) = ([0; 32], [0; 24]);
    random(&mut seed)?;
    random(&mut nonce)?;
    encrypt_with(key, plaintext, seed, nonce)
}

fn encrypt_with(
    key: &[u8],
    plaintext: &[u8],
    seed: [u8; 32],
    nonce: [u8; 24],
) -> Result<Vec<u8>, Error> {
    let wrong = || Error::decode("MevShield.NextKey", "it is no ML-KEM-768 key");
    let encoded = key.try_into().map_err(|_| wrong())?;
    let encapsulation = EncapsulationKey::<MlKem768>::new(encoded).map_err(|_| wrong())?;
    let (kem, secret) = encapsulation.encapsulate_deterministic(&seed.into());
    let cipher = XChaCha20Poly1305::new_from_slice(&secret).map_err(|_| wrong())?;
    let sealed = cipher
        .encrypt(XNonce::from_slice(&nonce), plaintext)
        .map_err(|_| Error::invalid("the extrinsic cannot be encrypted"))?;
    let length = u16::try_from(kem.len()).map_err(|_| wrong())?;
    let ciphertext = [&twox_128(key)[..], &length.to_le_bytes(), &kem, &nonce, &sealed].concat();
    if ciphertext.len() > MOST {
        let length = ciphertext.len();
        return Err(Error::invalid(format!("{length} bytes of ciphertext; {MOST} at most")));
    }
    Ok(ciphertext)
}

#[cfg(test)]
#[path = "../../tests/clients/official.rs"]
mod official;

#[cfg(test)]
mod tests {
    use super::*;
    use ml_kem::{Decapsulate, DecapsulationKey, KeyExport};

    /// What the block's author makes of it.
    fn open(key: &DecapsulationKey<MlKem768>, sealed: &[u8]) -> Vec<u8> {
        let secret = key.decapsulate_slice(&sealed[18..18 + 1088]).unwrap();
        let cipher = XChaCha20Poly1305::new_from_slice(&secret).unwrap();
        cipher.decrypt(XNonce::from_slice(&sealed[1106..1130]), &sealed[1130..]).unwrap()
    }

    #[test]
    fn what_is_encrypted_has_the_form_that_authors_open() {
        let mut seed = [0u8; 64];
        seed.iter_mut().zip(0u8..).for_each(|(byte, value)| *byte = value);
        let key = DecapsulationKey::<MlKem768>::from_seed(seed.into());
        let public = key.encapsulation_key().to_bytes();
        let sealed = encrypt_with(&public, b"an extrinsic", [7; 32], [9; 24]).unwrap();
        assert_eq!(sealed.len(), 16 + 2 + 1088 + 24 + 12 + 16);
        assert_eq!(sealed[..16], twox_128(&public));
        assert_eq!(sealed[16..18], 1088u16.to_le_bytes());
        assert_eq!(open(&key, &sealed), b"an extrinsic");
        assert!(encrypt_with(&public[1..], b"", [7; 32], [9; 24]).is_err());
        assert!(encrypt_with(&public, &[0; 8000], [7; 32], [9; 24]).is_err());
    }

    /// What the official packages encrypt has the form of what this one does, and opens the same way. Runs
    /// where `TENSOR_INTEROP=1`, with their interpreters in `TENSOR_PY_V11` and `TENSOR_PY_V10`.
    #[test]
    fn what_the_official_packages_encrypt_opens_likewise() {
        let key = DecapsulationKey::<MlKem768>::from_seed([5; 64].into());
        let public = key.encapsulation_key().to_bytes();
        let message = b"a signed extrinsic";
        let task = serde_json::json!({
            "do": "shield", "key": hex::encode(public), "message": hex::encode(message),
        });
        for variable in ["TENSOR_PY_V11", "TENSOR_PY_V10"] {
            let Some(answers) = official::official(variable, std::slice::from_ref(&task)) else {
                return;
            };
            let theirs = answers[0].as_str().unwrap();
            let theirs = hex::decode(theirs).unwrap();
            let own = encrypt_with(&public, message, [7; 32], [9; 24]).unwrap();
            assert_eq!((theirs.len(), &theirs[..18]), (own.len(), &own[..18]), "{variable}");
            for sealed in [theirs, own] {
                assert_eq!(open(&key, &sealed), message);
            }
        }
    }
}
