//! A signature and its hex text.

use core::fmt;

use super::Scheme;

/// A signature with the scheme that made it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature {
    /// The scheme of the key that signed.
    pub scheme: Scheme,
    /// The signature itself.
    pub bytes: [u8; 64],
}

impl Signature {
    /// Reads 64 bytes as hex, with or without `0x` in front. The text does not say the scheme.
    ///
    /// # Errors
    /// [`ParseSignatureError`]: a wrong length is an error, never merely a signature that fails.
    pub fn from_hex(text: &str, scheme: Scheme) -> Result<Self, ParseSignatureError> {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        if digits.len() != 128 {
            return Err(ParseSignatureError::Length(digits.len()));
        }
        let mut bytes = [0; 64];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| ParseSignatureError::Digit)?;
        Ok(Self { scheme, bytes })
    }

    /// Lower-case hex without `0x`, as `btcli wallet sign` prints it.
    pub fn to_hex(&self) -> String {
        hex::encode(self.bytes)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:0x{}", self.scheme, self.to_hex())
    }
}

/// Why a text is no signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseSignatureError {
    /// Not 128 hex digits.
    #[error("a signature has 128 hex digits, this text has {0}")]
    Length(usize),
    /// Something that is no hex digit.
    #[error("a signature is written in hex digits")]
    Digit,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_read_back() {
        let signature = Signature { scheme: Scheme::Ed25519, bytes: [0xab; 64] };
        let plain = signature.to_hex();
        assert_eq!(Signature::from_hex(&plain, Scheme::Ed25519), Ok(signature));
        assert_eq!(Signature::from_hex(&format!("0x{plain}"), Scheme::Ed25519), Ok(signature));
    }

    #[test]
    fn a_wrong_length_is_an_error() {
        let read = |text: &str| Signature::from_hex(text, Scheme::Sr25519).unwrap_err();
        assert_eq!(read(&"ab".repeat(63)), ParseSignatureError::Length(126));
        assert_eq!(read(""), ParseSignatureError::Length(0));
        assert_eq!(read(&"zz".repeat(64)), ParseSignatureError::Digit);
        assert_eq!(read(&"é".repeat(64)), ParseSignatureError::Digit);
    }
}
