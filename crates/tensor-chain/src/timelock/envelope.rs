//! Sealed bytes with the round that opens them, in one piece: [`Envelope`], the official tools' portable form.

use parity_scale_codec::{Compact, Decode, Encode};

use super::{OpenError, SealError};

/// Something sealed, and until when.
///
/// As bytes: the sealed bytes behind their length (SCALE), and the round in eight bytes, little-endian.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Envelope {
    /// What [`seal`](super::seal) made; the chain stores this.
    pub sealed: Vec<u8>,
    /// The round whose signature opens it.
    pub round: u64,
}

/// Why bytes are no envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// The length before the sealed bytes is not theirs.
    #[error("an envelope is a length, that many sealed bytes, and eight bytes of a round")]
    Length,
}

impl Envelope {
    /// Seals a message until `round` of the beacon with that public key. `entropy` must be fresh and secret.
    ///
    /// # Errors
    /// [`SealError`]
    pub fn seal(
        message: &[u8],
        round: u64,
        public_key: &[u8; 96],
        entropy: &[u8; 32],
    ) -> Result<Self, SealError> {
        Ok(Self { sealed: super::seal(message, round, public_key, entropy)?, round })
    }

    /// Takes bytes apart. Lengths are checked against the bytes before anything is copied.
    ///
    /// # Errors
    /// [`EnvelopeError`]
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let mut rest = bytes;
        let length = Compact::<u32>::decode(&mut rest).map_err(|_| EnvelopeError::Length)?.0;
        let length = usize::try_from(length).map_err(|_| EnvelopeError::Length)?;
        let (sealed, round) = rest.split_at_checked(length).ok_or(EnvelopeError::Length)?;
        let round = round.try_into().map_err(|_| EnvelopeError::Length)?;
        Ok(Self { sealed: sealed.to_vec(), round: u64::from_le_bytes(round) })
    }

    /// The bytes that [`parse`](Self::parse) takes apart.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.sealed.encode();
        bytes.extend(self.round.to_le_bytes());
        bytes
    }

    /// Opens it, if the signature is that of its round by the beacon with that public key.
    ///
    /// # Errors
    /// [`OpenError`]
    pub fn open(&self, signature: &[u8], public_key: &[u8; 96]) -> Result<Vec<u8>, OpenError> {
        super::open_verified(&self.sealed, self.round, signature, public_key)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Beacon, QUICKNET};
    use super::*;

    #[test]
    fn the_official_envelope_opens() {
        let path =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/chain/chain-crypto-vectors.json");
        let vectors: serde_json::Value =
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let vector = &vectors["timelock_envelope_round_1000"];
        let bytes = |name: &str| hex::decode(vector[name].as_str().unwrap()).unwrap();
        let envelope = Envelope::parse(&bytes("envelope_hex")).unwrap();
        assert_eq!(envelope.round, 1_000);
        assert_eq!(envelope.sealed, bytes("inner_tle_hex"));
        assert_eq!(envelope.to_bytes(), bytes("envelope_hex"));
        let opened = envelope.open(&bytes("round_signature"), &QUICKNET).unwrap();
        assert_eq!(opened, vector["plaintext_utf8"].as_str().unwrap().as_bytes());
    }

    #[test]
    fn lengths_that_are_not_there_are_refused() {
        let beacon = Beacon::new(&[1; 32]);
        let envelope = Envelope::seal(b"soon", 9, &beacon.public_key(), &[2; 32]).unwrap();
        let bytes = envelope.to_bytes();
        assert_eq!(Envelope::parse(&bytes), Ok(envelope.clone()));
        for length in 0..bytes.len() {
            assert_eq!(Envelope::parse(&bytes[..length]), Err(EnvelopeError::Length), "{length}");
        }
        // A length of four gigabytes in front of nothing.
        assert_eq!(Envelope::parse(&[3, 255, 255, 255, 255]), Err(EnvelopeError::Length));
        assert_eq!(Envelope::parse(&[bytes, vec![0]].concat()), Err(EnvelopeError::Length));
        let other = Beacon::new(&[4; 32]);
        let forged = envelope.open(&other.signature(9), &beacon.public_key());
        assert_eq!(forged, Err(OpenError::Signature(9)));
    }
}
