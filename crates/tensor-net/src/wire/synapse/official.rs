//! The verification of SDK 10.5.0 to the letter, weaknesses included: [`default_verify`]; and the
//! classes of the recorded vectors: [`classes`].
//!
//! For holding implementations against the original, not for serving: there is no limit ahead, the
//! caller chooses how old a request may be, and versions before 7.2.0 are not checked for age at all.

mod classes;

use std::collections::HashMap;

use tensor_core::Hotkey;
use tensor_core::key::{PublicKey, Scheme};

use super::{HOTKEY, NONCE, SIGNATURE, SynapseProtocol, TIMEOUT, UUID, VERSION, message, optional};
use crate::wire::Head;

pub use classes::{class, classes};

/// The last nonce of each `{hotkey}:{uuid}`; as in the original, without a bound.
pub type Nonces = HashMap<String, u64>;

/// Verifies a request's headers as `default_verify` does, and stores its nonce if it passes.
///
/// # Errors
/// The original's message.
pub fn default_verify(
    head: &Head<'_>,
    me: &Hotkey,
    now: u64,
    nonces: &mut Nonces,
) -> Result<(), String> {
    let header = |name| optional(head, name).map_err(|error| error.to_string());
    let sender = header(HOTKEY)?.unwrap_or_default();
    if sender.is_empty() {
        return Err("No SS58 formatted address or public key provided.".to_owned());
    }
    let hotkey: Hotkey =
        sender.parse().map_err(|_| "Invalid SS58 address: Length is bad".to_owned())?;
    let nonce = header(NONCE)?.ok_or_else(|| "Missing Nonce".to_owned())?;
    let nonce: u64 = nonce.parse().map_err(|_| "the nonce is not an integer".to_owned())?;
    let key = format!("{sender}:{}", header(UUID)?.unwrap_or("None"));
    let stored = nonces.get(&key).copied();

    let version = header(VERSION)?.and_then(|version| version.parse::<u64>().ok()).unwrap_or(0);
    if version >= SynapseProtocol::MIN_VERSION && stored.is_none() {
        let timeout = header(TIMEOUT)?.and_then(|seconds| seconds.parse::<f64>().ok());
        // The original computes the edge in floats when a timeout is there, and so does this.
        let too_old = match timeout {
            Some(timeout) => nonce as f64 <= (now as f64 - 4e9) - timeout * 1e9,
            None => nonce <= now.saturating_sub(4_000_000_000),
        };
        if too_old {
            let age = now.saturating_sub(nonce) as f64 / 1e9;
            let delta = 4.0 + timeout.unwrap_or(0.0);
            return Err(format!(
                "Nonce is too old: acceptable delta is {delta:.2} seconds but request was {age:.2} \
                 seconds old"
            ));
        }
    }
    if stored.is_some_and(|stored| nonce <= stored) {
        return Err("Nonce is too old, a newer one was last processed".to_owned());
    }

    let signature = header(SIGNATURE)?.unwrap_or_default();
    if signature.is_empty() {
        return Err("Missing Signature".to_owned());
    }
    let digits = signature
        .strip_prefix("0x")
        .ok_or_else(|| "Invalid signature format. Expected hex string.".to_owned())?;
    let bytes = hex::decode(digits).map_err(|error| format!("Invalid hex string: {error}"))?;
    let bytes = <[u8; 64]>::try_from(bytes).map_err(|_| "Invalid SR25519 signature.".to_owned())?;
    let message = message(nonce, head, &me.to_string());
    let valid = PublicKey::new(&hotkey.account(), Scheme::Sr25519)
        .is_ok_and(|key| key.verify_tolerant(message.as_bytes(), &bytes));
    if !valid {
        return Err(format!("Signature mismatch with {message} and {signature}"));
    }
    nonces.insert(key, nonce);
    Ok(())
}
