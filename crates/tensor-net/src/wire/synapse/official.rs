//! The verification of SDK 10.5.0 to the letter, weaknesses included: [`default_verify`]; and the
//! classes of the recorded vectors: [`classes`].
//!
//! For holding implementations against the original, not for serving: there is no limit ahead, the
//! caller chooses how old a request may be, and versions before 7.2.0 are not checked for age at all.

mod classes;
pub(super) mod fault;

use std::collections::HashMap;

use tensor_core::key::{PublicKey, Scheme};
use tensor_core::{AccountId, Hotkey};

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
    let sender = header(HOTKEY)?
        .ok_or_else(|| "No SS58 formatted address or public key provided.".to_owned())?;
    let hotkey = AccountId::from_ss58_any(sender);
    let (hotkey, _) =
        hotkey.map_err(|_| fault::of_hotkey(sender).unwrap_or_default().to_owned())?;
    let nonce = header(NONCE)?.ok_or_else(|| "Missing Nonce".to_owned())?;
    let nonce: u64 = nonce.parse().map_err(|_| "the nonce is not an integer".to_owned())?;
    let key = format!("{sender}:{}", header(UUID)?.unwrap_or("None"));
    let stored = nonces.get(&key).copied();

    let version = header(VERSION)?.and_then(|version| version.parse::<u64>().ok()).unwrap_or(0);
    if version >= SynapseProtocol::MIN_VERSION && stored.is_none() {
        let timeout = header(TIMEOUT)?.and_then(|seconds| seconds.parse::<f64>().ok());
        if is_too_old(nonce, now, timeout) {
            let age = seconds(i128::from(now) - i128::from(nonce));
            let delta = (4e9 + timeout.unwrap_or(0.0) * 1e9) / 1e9;
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
    if let Some(fault) = fault::of_signature(signature) {
        return Err(fault);
    }
    let mut bytes = [0; 64];
    let digits = signature.strip_prefix("0x").unwrap_or_default();
    hex::decode_to_slice(digits, &mut bytes).map_err(|error| error.to_string())?;
    let message = message(nonce, head, &me.to_string());
    let valid = PublicKey::new(&hotkey, Scheme::Sr25519)
        .is_ok_and(|key| key.verify_tolerant(message.as_bytes(), &bytes));
    if !valid {
        return Err(format!("Signature mismatch with {message} and {signature}"));
    }
    nonces.insert(key, nonce);
    Ok(())
}

/// `nonce <= now - 4_000_000_000 - timeout * 1_000_000_000` as Python has it: in integers without a
/// timeout or with one of zero, else the window is a float and the comparison exact.
fn is_too_old(nonce: u64, now: u64, timeout: Option<f64>) -> bool {
    let window = i128::from(now) - 4_000_000_000;
    match timeout {
        Some(timeout) if timeout != 0.0 => {
            let window = window as f64 - timeout * 1e9;
            // An integer is at most a float when it is at most the float's whole part. The conversion
            // saturates, and nothing compares with NaN.
            !window.is_nan() && i128::from(nonce) <= window.floor() as i128
        }
        _ => i128::from(nonce) <= window,
    }
}

/// Nanoseconds as seconds, rounded once.
fn seconds(nanoseconds: i128) -> f64 {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let magnitude = nanoseconds.unsigned_abs();
    let text = format!("{sign}{}.{:09}", magnitude / 1_000_000_000, magnitude % 1_000_000_000);
    // A decimal text always reads, and to the nearest float.
    text.parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What CPython 3.11 says of `nonce <= now - 4_000_000_000 - timeout * 1_000_000_000`.
    #[test]
    fn the_edge_is_where_python_has_it() {
        const NOW: u64 = 1_752_076_816_000_000_123;
        // The first nonce that is young enough, searched for with the original's formula.
        for (timeout, first_inside) in [
            (None, 1_752_076_812_000_000_124),
            (Some(0.0), 1_752_076_812_000_000_124),
            (Some(12.0), 1_752_076_800_000_000_001),
            (Some(0.5), 1_752_076_811_500_000_001),
            (Some(0.1), 1_752_076_811_900_000_001),
            (Some(1e-9), 1_752_076_812_000_000_001),
            (Some(3.3333), 1_752_076_808_666_700_033),
            (Some(86_400.0), 1_751_990_412_000_000_001),
            (Some(1e6), 1_751_076_812_000_000_001),
        ] {
            assert!(is_too_old(first_inside - 1, NOW, timeout), "{timeout:?}");
            assert!(!is_too_old(first_inside, NOW, timeout), "{timeout:?}");
        }
        for never in [f64::NAN, f64::INFINITY] {
            assert!(!is_too_old(0, NOW, Some(never)));
        }
        assert!(is_too_old(u64::MAX, NOW, Some(f64::NEG_INFINITY)));
    }

    #[test]
    fn seconds_are_rounded_once() {
        assert_eq!(seconds(-1_500_000_000), -1.5);
        assert_eq!(seconds(16_000_000_001), 16.000000001);
        assert_eq!(seconds(i128::from(u64::MAX)), 18_446_744_073.709_553);
    }
}
