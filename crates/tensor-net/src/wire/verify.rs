//! All checks of a request in their order, for callers that hold everything at once: [`verify`].

use tensor_core::key::PublicKey;
use tensor_core::miner::{Caller, Reject};

use super::{AuthError, Claim, Head, Protocol, Refusal};
use crate::replay::{NonceWindow, ReplayError};

/// Verifies one request as the server does, without admission and limits: claim, receiver and
/// freshness, signature, replay.
///
/// # Errors
/// [`Refusal`], mostly [`Refusal::Auth`]. A refused request uses up no nonce.
pub fn verify(
    protocol: &dyn Protocol,
    head: &Head<'_>,
    body: &[u8],
    now: u64,
    window: &mut NonceWindow,
) -> Result<Caller, Refusal> {
    let claim = protocol.claim(head, now)?;
    protocol.check(&claim, head, now)?;
    let signed: &[u8] = if protocol.signs_body() { body } else { &[] };
    let message = protocol.message(&claim, head, signed);
    // An account that is no point of the curve has no key, so nobody signed.
    let key = PublicKey::new(&claim.hotkey.account(), claim.scheme);
    if !key.is_ok_and(|key| key.verify(&message, &claim.signature)) {
        return Err(AuthError::BadSignature.into());
    }
    window.record(&claim, true, now).map_err(|error| replay_refusal(error, &claim, now))?;
    Ok(caller(protocol, &claim, head))
}

/// The caller that a claim names.
pub(crate) fn caller(protocol: &dyn Protocol, claim: &Claim, head: &Head<'_>) -> Caller {
    Caller::new(claim.hotkey, claim.scheme, protocol.name())
        .with_address(head.peer)
        .with_nonce(claim.nonce)
}

/// How a store's refusal is told to the caller.
pub(crate) fn replay_refusal(error: ReplayError, claim: &Claim, now: u64) -> Refusal {
    let live = std::time::Duration::from_nanos(claim.expires.saturating_sub(claim.nonce));
    match error {
        ReplayError::Replayed => AuthError::Replayed.into(),
        ReplayError::Forgotten => {
            AuthError::TooOld { age: now.saturating_sub(claim.nonce), window: live }.into()
        }
        ReplayError::ShareFull => Reject::TooMany { retry_after: live }.into(),
        ReplayError::Full => Reject::Busy { retry_after: live }.into(),
        ReplayError::Unavailable(source) => Refusal::Store(source),
    }
}
