//! Many signatures at once: one equation over all of them, and who was wrong when it fails.

use super::{Point, PublicKey, sr25519};

/// One statement to check: this key signed this message.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Who is said to have signed.
    pub key: &'a PublicKey,
    /// Exactly what is said to be signed.
    pub message: &'a [u8],
    /// The signature.
    pub signature: &'a [u8; 64],
}

impl Claim<'_> {
    fn holds(&self) -> bool {
        self.key.verify(self.message, self.signature)
    }
}

/// Whether all claims hold. None at all hold trivially.
///
/// sr25519 claims are checked together, which costs well under two thirds of checking each alone
/// once there are a few dozen. ed25519 claims are checked one by one: a batch of those may accept
/// what the single check refuses, and the answer must not depend on the company.
#[must_use]
pub fn verify_batch(claims: &[Claim<'_>]) -> bool {
    let (mut together, mut count) = (Vec::with_capacity(claims.len()), 0usize);
    for claim in claims {
        match &claim.key.0 {
            Point::Sr25519(point) => {
                together.push((point, claim.message, claim.signature));
                count += 1;
            }
            Point::Ed25519(_) if claim.holds() => {}
            Point::Ed25519(_) => return false,
        }
    }
    match count {
        0 => true,
        // The batch of one costs more than the plain check.
        1 => together.iter().all(|(point, message, signature)| point.verify(message, signature)),
        _ => sr25519::verify_all(together.into_iter()),
    }
}

/// Which claims hold, in their order.
///
/// Halves what fails until single claims are left. A few bad ones among many stay cheap; when most
/// are bad it costs up to about two single checks a claim, so drop senders that keep forging.
#[must_use]
pub fn verify_each(claims: &[Claim<'_>]) -> Vec<bool> {
    let mut held = vec![true; claims.len()];
    mark(claims, &mut held);
    held
}

fn mark(claims: &[Claim<'_>], held: &mut [bool]) {
    match (claims, &mut *held) {
        ([claim], [one]) => *one = claim.holds(),
        _ if verify_batch(claims) => {}
        _ => {
            let middle = claims.len() / 2;
            let (claims, more_claims) = claims.split_at(middle);
            let (held, more_held) = held.split_at_mut(middle);
            mark(claims, held);
            mark(more_claims, more_held);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{Keypair, Scheme};
    use proptest::prelude::*;

    fn signed(count: usize, ed25519_every: usize) -> Vec<(PublicKey, Vec<u8>, [u8; 64])> {
        (0..count)
            .map(|index| {
                let ed25519 = ed25519_every > 0 && index % ed25519_every == 0;
                let scheme = if ed25519 { Scheme::Ed25519 } else { Scheme::Sr25519 };
                let pair = Keypair::from_uri(&format!("//{}", index % 5), scheme).unwrap();
                let message = format!("message {index}").into_bytes();
                let signature = pair.sign(&message).bytes;
                (PublicKey::new(&pair.account_id(), scheme).unwrap(), message, signature)
            })
            .collect()
    }

    fn claims(signed: &[(PublicKey, Vec<u8>, [u8; 64])]) -> Vec<Claim<'_>> {
        signed.iter().map(|(key, message, signature)| Claim { key, message, signature }).collect()
    }

    #[test]
    fn honest_batches_of_every_size_hold() {
        for count in [0, 1, 2, 3, 32] {
            assert!(verify_batch(&claims(&signed(count, 0))), "{count} of sr25519");
            assert!(verify_batch(&claims(&signed(count, 3))), "{count} of both schemes");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_wrong_ones_are_found(count in 1usize..20, wrong in prop::collection::vec(0usize..20, 0..4), every in 0usize..4) {
            let mut signed = signed(count, every);
            let mut expected = vec![true; count];
            for index in wrong.into_iter().filter(|index| *index < count) {
                signed[index].1.push(b'!');
                expected[index] = false;
            }
            // Marking one twice changes its message again, which stays wrong.
            prop_assert_eq!(verify_batch(&claims(&signed)), expected.iter().all(|held| *held));
            prop_assert_eq!(verify_each(&claims(&signed)), expected);
        }

        #[test]
        fn no_signature_bytes_panic(bytes: [u8; 32], more: [u8; 32]) {
            let mut signed = signed(3, 0);
            signed[1].2[..32].copy_from_slice(&bytes);
            signed[1].2[32..].copy_from_slice(&more);
            prop_assert_eq!(verify_each(&claims(&signed)), vec![true, false, true]);
        }
    }
}
