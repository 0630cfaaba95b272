//! ECDSA over secp256k1 as the chain uses it: signatures with a recovery byte, from which the key follows.

use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};
use sp_crypto_hashing::{blake2_256, keccak_256};

/// The key that made a signature over a hash; `None` where there is none.
fn recover(signature: &[u8; 65], hash: &[u8; 32]) -> Option<VerifyingKey> {
    let (scalars, recovery) = signature.split_first_chunk::<64>()?;
    let recovery = *recovery.first()?;
    // Ethereum's signers count from 27.
    let recovery = RecoveryId::from_byte(recovery.checked_sub(27).unwrap_or(recovery))?;
    let signature = Signature::from_slice(scalars).ok()?;
    // The chain takes both of the two equivalent forms; the library takes the lower one only.
    let low = signature.normalize_s();
    let recovery = if low == signature {
        recovery
    } else {
        RecoveryId::new(!recovery.is_y_odd(), recovery.is_x_reduced())
    };
    VerifyingKey::recover_from_prehash(hash, &low, recovery).ok()
}

/// Whether an account signed a message: it is the Blake2-256 hash of its compressed key, and signs the
/// Blake2-256 hash of the message.
pub(crate) fn verify(signature: &[u8; 65], message: &[u8], account: &[u8; 32]) -> bool {
    recover(signature, &blake2_256(message)).is_some_and(|key| account_of(&key) == *account)
}

/// The Ethereum address that made a signature over a Keccak-256 hash.
pub(crate) fn ethereum_signer(signature: &[u8; 65], hash: &[u8; 32]) -> Option<[u8; 20]> {
    let key = recover(signature, hash)?;
    let point = key.to_sec1_point(false);
    let hash = keccak_256(point.as_bytes().get(1..)?);
    hash.last_chunk::<20>().copied()
}

fn account_of(key: &VerifyingKey) -> [u8; 32] {
    blake2_256(key.to_sec1_point(true).as_bytes())
}

#[cfg(test)]
mod tests {
    use k256::ecdsa::SigningKey;

    use super::*;

    fn key(seed: &str) -> SigningKey {
        SigningKey::from_slice(&hex::decode(seed).unwrap()).unwrap()
    }

    /// The development key `//Alice` of the reference tools under this scheme: seed, public key, account.
    #[test]
    fn alice_has_the_account_that_other_tools_print() {
        let alice = key("cb6df9de1efca7a3998a8ead4e02159d5fa99c3e0d4fd6432667390bb4726854");
        let public = alice.verifying_key();
        assert_eq!(
            hex::encode(public.to_sec1_point(true).as_bytes()),
            "020a1091341fe5664bfa1782d5e04779689068c916b04cb365ec3153755684d9a1"
        );
        let account = account_of(public);
        let text = "5C7C2Z5sWbytvHpuLTvzKunnnRwQxft1jiqrLD5rhucQ5S9X";
        assert_eq!(tensor_core::account::AccountId::from_bytes(account).to_string(), text);

        let (signature, recovery) = alice.sign_prehash_recoverable(&blake2_256(b"message"));
        let mut bytes = [0; 65];
        bytes[..64].copy_from_slice(&signature.to_bytes());
        bytes[64] = recovery.to_byte();
        assert!(verify(&bytes, b"message", &account));
        assert!(!verify(&bytes, b"another", &account));
        let mut shifted = bytes;
        shifted[64] += 27;
        assert!(verify(&shifted, b"message", &account));
        for at in [0, 40, 64] {
            let mut changed = bytes;
            changed[at] ^= 1;
            assert!(!verify(&changed, b"message", &account), "byte {at}");
        }
        // The equivalent form with the other half of the scalars.
        let order = k256::Scalar::ZERO - *signature.s();
        let high = Signature::from_scalars(signature.r().to_bytes(), order.to_bytes()).unwrap();
        let mut other = [0; 65];
        other[..64].copy_from_slice(&high.to_bytes());
        other[64] = bytes[64] ^ 1;
        assert!(verify(&other, b"message", &account));
        assert!(!verify(&[0; 65], b"message", &account));
        assert!(!verify(&[0xff; 65], b"message", &account));
    }

    /// Key, address and signature of EIP-155's own example transaction.
    #[test]
    fn an_ethereum_signer_is_recovered() {
        let key = key(&"46".repeat(32));
        let hash = hex::decode("daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53");
        let hash: [u8; 32] = hash.unwrap().try_into().unwrap();
        let (signature, recovery) = key.sign_prehash_recoverable(&hash);
        let mut bytes = [0; 65];
        bytes[..64].copy_from_slice(&signature.to_bytes());
        bytes[64] = recovery.to_byte() + 27;
        let r = "28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276";
        assert_eq!(hex::encode(&bytes[..32]), r);
        let address = hex::encode(ethereum_signer(&bytes, &hash).unwrap());
        assert_eq!(address, "9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f");
    }
}
