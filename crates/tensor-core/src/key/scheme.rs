//! Signature schemes: the two that sign here, and the names of those that do not yet.

use core::{fmt, str::FromStr};

/// A signature scheme that an account's key may be of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// Schnorr signatures on Ristretto, context `substrate`; what nearly all of the network uses.
    #[default]
    Sr25519,
    /// Ed25519 as in RFC 8032; deterministic.
    Ed25519,
}

impl Scheme {
    /// The scheme's name on the wire and in keyfiles.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sr25519 => "sr25519",
            Self::Ed25519 => "ed25519",
        }
    }

    /// The scheme of that exact name. [`str::parse`] says why there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "sr25519" => Some(Self::Sr25519),
            "ed25519" => Some(Self::Ed25519),
            _ => None,
        }
    }

    /// The number of the scheme in keyfiles (`cryptoType`).
    pub const fn crypto_type(self) -> u8 {
        match self {
            Self::Ed25519 => 0,
            Self::Sr25519 => 1,
        }
    }

    /// The scheme of that number in keyfiles.
    ///
    /// # Errors
    /// [`UnsupportedScheme`] names the scheme if the number is known to mean one.
    pub const fn from_crypto_type(number: u8) -> Result<Self, UnsupportedScheme> {
        match number {
            0 => Ok(Self::Ed25519),
            1 => Ok(Self::Sr25519),
            2 => Err(UnsupportedScheme::Ecdsa),
            4..=6 => Err(UnsupportedScheme::Hashed),
            7 => Err(UnsupportedScheme::MlDsa),
            other => Err(UnsupportedScheme::Number(other)),
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Scheme {
    type Err = UnsupportedScheme;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::from_name(name).ok_or_else(|| {
            UnsupportedScheme::from_name(name)
                .unwrap_or_else(|| UnsupportedScheme::Name(name.chars().take(32).collect()))
        })
    }
}

/// A scheme that keys of this crate cannot have.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum UnsupportedScheme {
    /// ECDSA on secp256k1, as Ethereum has it.
    #[error("ecdsa keys are not supported")]
    Ecdsa,
    /// Registered accounts whose signing key rotates (`hashed`; key types 4 to 6 of keyfiles).
    #[error("hashed (rotating) keys are not supported")]
    Hashed,
    /// Post-quantum ML-DSA-65 (`mldsa`; key type 7 of keyfiles).
    #[error("mldsa keys are not supported")]
    MlDsa,
    /// A key type that keyfiles are not known to have.
    #[error("key type {0} is unknown")]
    Number(u8),
    /// A name that no scheme is known by; at most 32 characters of it.
    #[error("signature scheme {0:?} is unknown")]
    Name(String),
}

impl UnsupportedScheme {
    /// The known but unsupported scheme of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "ecdsa" | "ethereum" => Some(Self::Ecdsa),
            "hashed" => Some(Self::Hashed),
            "mldsa" => Some(Self::MlDsa),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_read_back() {
        for scheme in [Scheme::Sr25519, Scheme::Ed25519] {
            assert_eq!(scheme.name().parse(), Ok(scheme));
            assert_eq!(Scheme::from_crypto_type(scheme.crypto_type()), Ok(scheme));
        }
    }

    #[test]
    fn what_is_not_supported_is_named() {
        assert_eq!("mldsa".parse::<Scheme>(), Err(UnsupportedScheme::MlDsa));
        assert_eq!("hashed".parse::<Scheme>(), Err(UnsupportedScheme::Hashed));
        assert_eq!("x".parse::<Scheme>(), Err(UnsupportedScheme::Name("x".into())));
        assert_eq!(Scheme::from_crypto_type(7), Err(UnsupportedScheme::MlDsa));
        assert_eq!(Scheme::from_crypto_type(99), Err(UnsupportedScheme::Number(99)));
        assert!(UnsupportedScheme::MlDsa.to_string().contains("mldsa"));
    }
}
