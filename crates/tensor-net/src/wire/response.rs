//! Signed answers: the axon proves that it gave this answer to this request.
//!
//! None of the existing protocols has this. It is asked for by a header, so peers that do not know it
//! are not affected.
//!
//! # The rules (btauth-response/1)
//!
//! 1. A caller that wants a signed answer sends `X-Bittensor-Sign-Response: 1` with a signed request of
//!    any protocol. The header itself is not signed: taking it away only makes the answer unsigned,
//!    which the caller sees.
//! 2. An axon that can sign answers such a request, once it has verified it, with the header
//!    `X-Bittensor-Response-Signature`: `0x` and the lower-case hex of the signature of its hotkey; and
//!    `X-Bittensor-Response-Crypto` with the scheme's name unless that is `sr25519`. It signs answers of
//!    every status, but none to a request that it has not verified, and none whose body streams.
//! 3. Signed are these eight lines, joined by one LF, without a trailing one:
//!    `btauth-response/1`; the scheme; the HTTP status in decimal; the lower-case hex of the SHA-256 of
//!    the body; the request's nonce in decimal unix nanoseconds; the lower-case hex of the request's
//!    signature, without `0x`; the caller's address; the axon's address. Addresses are SS58 of prefix
//!    42. An Epistula timestamp is multiplied by a million.
//! 4. The caller verifies with the nonce and signature it sent, its own address and the address it
//!    asked. A signature that is there and wrong means that somebody else answered. The request was
//!    accepted once only, so an answer cannot be given to another request.

use sha2::{Digest, Sha256};
use tensor_core::Hotkey;
use tensor_core::key::{PublicKey, Scheme, Signature};
use tensor_core::transport::Authenticity;

use super::{Found, Headers};

/// Header of requests: asks for a signed answer.
pub const ASK: &str = "x-bittensor-sign-response";
/// Header of answers: the signature.
pub const SIGNATURE: &str = "x-bittensor-response-signature";
/// Header of answers: the signature's scheme; absent for sr25519.
pub const CRYPTO: &str = "x-bittensor-response-crypto";

/// What the signature of an answer covers.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The whole body.
    pub body: &'a [u8],
    /// The request's nonce.
    pub nonce: u64,
    /// The request's signature.
    pub request_signature: &'a [u8; 64],
    /// Who asked.
    pub caller: &'a Hotkey,
    /// Who answered.
    pub axon: &'a Hotkey,
}

/// The exact bytes that are signed.
pub fn payload(scheme: Scheme, of: &Answered<'_>) -> Vec<u8> {
    let Answered { status, body, nonce, request_signature, caller, axon } = of;
    let hash = hex::encode(Sha256::digest(body));
    let asked = hex::encode(request_signature);
    format!("btauth-response/1\n{scheme}\n{status}\n{hash}\n{nonce}\n{asked}\n{caller}\n{axon}")
        .into_bytes()
}

/// The headers that carry a signature.
pub fn headers(signature: &Signature) -> Vec<(&'static str, String)> {
    let mut headers = vec![(SIGNATURE, format!("0x{}", hex::encode(signature.bytes)))];
    if signature.scheme != Scheme::Sr25519 {
        headers.push((CRYPTO, signature.scheme.name().to_owned()));
    }
    headers
}

/// Whether the headers carry a signature.
pub fn is_signed(headers: &dyn Headers) -> bool {
    headers.find(SIGNATURE) != Found::Nothing
}

/// Checks an answer's signature, if it has one.
///
/// # Errors
/// [`Forged`] when it has one that is not the axon's over this answer.
pub fn verify(headers: &dyn Headers, of: &Answered<'_>) -> Result<Authenticity, Forged> {
    let text = |name| match headers.find(name) {
        Found::Nothing => Ok(None),
        Found::One(value) => core::str::from_utf8(value).map(Some).map_err(|_| Forged),
        Found::Many => Err(Forged),
    };
    let Some(signature) = text(SIGNATURE)? else { return Ok(Authenticity::Unsigned) };
    let scheme = match text(CRYPTO)? {
        None => Scheme::Sr25519,
        Some(name) => Scheme::from_name(name).ok_or(Forged)?,
    };
    let bytes = hex::decode(signature.strip_prefix("0x").ok_or(Forged)?).map_err(|_| Forged)?;
    let bytes = <[u8; 64]>::try_from(bytes).map_err(|_| Forged)?;
    let key = PublicKey::new(&of.axon.account(), scheme).map_err(|_| Forged)?;
    if key.verify(&payload(scheme, of), &bytes) { Ok(Authenticity::Verified) } else { Err(Forged) }
}

/// An answer whose signature is not the axon's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer's signature is not the axon's over this answer")]
pub struct Forged;
