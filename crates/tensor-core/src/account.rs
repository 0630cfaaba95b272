//! Accounts and their SS58 text.
//!
//! An account is 32 bytes, a public key or a derived address. [`Hotkey`] and [`Coldkey`] say which
//! role the account plays; the bytes do not. Text is SS58 with the network prefix 42.

use core::{fmt, str::FromStr};

use blake2::{Blake2b512, Digest};
use serde::{Deserialize, Serialize};

/// The SS58 prefix of Bittensor, the generic Substrate one.
pub const SS58_PREFIX: u16 = 42;

/// An account on the chain: 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId([u8; 32]);

impl AccountId {
    /// The account with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The account's bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The account's bytes, owned.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// SS58 text with any prefix below 16,384.
    ///
    /// # Errors
    /// [`ParseSs58Error::Prefix`] for a prefix that SS58 cannot write.
    pub fn to_ss58(&self, prefix: u16) -> Result<String, ParseSs58Error> {
        encode_ss58(&self.0, prefix)
    }

    /// Reads SS58 text of any prefix and says which one it had.
    ///
    /// # Errors
    /// See [`ParseSs58Error`].
    pub fn from_ss58_any(text: &str) -> Result<(Self, u16), ParseSs58Error> {
        decode_ss58(text).map(|(bytes, prefix)| (Self(bytes), prefix))
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match encode_ss58(&self.0, SS58_PREFIX) {
            Ok(text) => f.pad(&text),
            Err(_) => Err(fmt::Error),
        }
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for AccountId {
    type Err = ParseSs58Error;

    /// Reads SS58 text of prefix 42; another network's address is refused.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match decode_ss58(text)? {
            (bytes, SS58_PREFIX) => Ok(Self(bytes)),
            (_, prefix) => Err(ParseSs58Error::Network(prefix)),
        }
    }
}

/// SS58 text where people read, the 32 bytes in binary formats.
impl Serialize for AccountId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return <[u8; 32]>::deserialize(deserializer).map(Self);
        }
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

macro_rules! role {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(AccountId);

        impl $name {
            /// Gives the account this role.
            pub const fn new(account: AccountId) -> Self {
                Self(account)
            }

            /// The role with the account of these bytes.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(AccountId::from_bytes(bytes))
            }

            /// The account without its role.
            pub const fn account(&self) -> AccountId {
                self.0
            }

            /// The account's bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseSs58Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<$name> for AccountId {
            fn from(role: $name) -> Self {
                role.0
            }
        }
    };
}

role! {
    /// The account of a running neuron: it serves, asks and sets weights, and holds little money.
    Hotkey
}
role! {
    /// The account that owns hotkeys and money.
    Coldkey
}

/// Why a text is no SS58 address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseSs58Error {
    /// A character outside the base-58 alphabet.
    #[error("character {0:?} is not base-58")]
    Alphabet(char),
    /// Not the length of a 32-byte account.
    #[error("an account address holds 32 bytes")]
    Length,
    /// The checksum differs: a typing error.
    #[error("the address checksum does not match; check for a typing error")]
    Checksum,
    /// A prefix that SS58 cannot carry.
    #[error("SS58 prefix {0} is reserved or too large")]
    Prefix(u16),
    /// The address of another network.
    #[error("the address has network prefix {0}, Bittensor has 42")]
    Network(u16),
}

const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

fn checksum(body: &[u8]) -> [u8; 2] {
    let hash = Blake2b512::new().chain_update(b"SS58PRE").chain_update(body).finalize();
    [hash[0], hash[1]]
}

fn encode_ss58(account: &[u8; 32], prefix: u16) -> Result<String, ParseSs58Error> {
    let [low, high] = prefix.to_le_bytes();
    let mut body = Vec::with_capacity(36);
    match prefix {
        46 | 47 => return Err(ParseSs58Error::Prefix(prefix)),
        0..=63 => body.push(low),
        64..=16_383 => {
            body.push(((low & 0b1111_1100) >> 2) | 0b0100_0000);
            body.push(high | ((low & 0b0000_0011) << 6));
        }
        _ => return Err(ParseSs58Error::Prefix(prefix)),
    }
    body.extend_from_slice(account);
    let check = checksum(&body);
    body.extend_from_slice(&check);
    Ok(base58_encode(&body))
}

fn decode_ss58(text: &str) -> Result<([u8; 32], u16), ParseSs58Error> {
    // The longest form is 36 bytes, 50 characters: refuse longer input before the quadratic decoder.
    if text.len() > 64 {
        return Err(ParseSs58Error::Length);
    }
    let bytes = base58_decode(text)?;
    let (prefix, skip) = match bytes.as_slice() {
        [first @ 0..=63, ..] => (u16::from(*first), 1),
        [first @ 64..=127, second, ..] => {
            let low = (first << 2) | (second >> 6);
            let high = second & 0b0011_1111;
            (u16::from_le_bytes([low, high]), 2)
        }
        _ => return Err(ParseSs58Error::Length),
    };
    let Some((body, check)) = bytes.split_last_chunk::<2>() else {
        return Err(ParseSs58Error::Length);
    };
    let account = body.get(skip..).and_then(|account| <[u8; 32]>::try_from(account).ok());
    let Some(account) = account else {
        return Err(ParseSs58Error::Length);
    };
    if checksum(body) != *check {
        return Err(ParseSs58Error::Checksum);
    }
    // Reserved: neither written nor read by any tool.
    if let 46 | 47 = prefix {
        return Err(ParseSs58Error::Prefix(prefix));
    }
    Ok((account, prefix))
}

fn base58_encode(bytes: &[u8]) -> String {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let mut digits: Vec<u8> = Vec::with_capacity(bytes.len() * 138 / 100 + 1);
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            carry += u32::from(*digit) << 8;
            *digit = (carry % 58) as u8;
            carry /= 58;
        }
        while carry > 0 {
            digits.push((carry % 58) as u8);
            carry /= 58;
        }
    }
    let ones = core::iter::repeat_n('1', zeros);
    ones.chain(digits.iter().rev().map(|digit| char::from(ALPHABET[usize::from(*digit)]))).collect()
}

fn base58_decode(text: &str) -> Result<Vec<u8>, ParseSs58Error> {
    let zeros = text.bytes().take_while(|byte| *byte == b'1').count();
    let mut bytes: Vec<u8> = Vec::with_capacity(text.len());
    for letter in text.chars() {
        let value = ALPHABET.iter().position(|known| char::from(*known) == letter);
        let Some(mut carry) = value else { return Err(ParseSs58Error::Alphabet(letter)) };
        for byte in &mut bytes {
            carry += usize::from(*byte) * 58;
            *byte = (carry & 0xff) as u8;
            carry >>= 8;
        }
        while carry > 0 {
            bytes.push((carry & 0xff) as u8);
            carry >>= 8;
        }
    }
    bytes.extend(core::iter::repeat_n(0, zeros));
    bytes.reverse();
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

    #[test]
    fn alice_reads_back() {
        let alice: AccountId = ALICE.parse().unwrap();
        assert_eq!(
            hex::encode(alice.as_bytes()),
            "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"
        );
        assert_eq!(alice.to_string(), ALICE);
    }

    #[test]
    fn a_typing_error_is_named() {
        let wrong = ALICE.replace("utQY", "utQZ");
        assert_eq!(wrong.parse::<AccountId>(), Err(ParseSs58Error::Checksum));
        assert_eq!("5Grwva0".parse::<AccountId>(), Err(ParseSs58Error::Alphabet('0')));
        assert_eq!("".parse::<AccountId>(), Err(ParseSs58Error::Length));
        assert_eq!("1".repeat(10_000).parse::<AccountId>(), Err(ParseSs58Error::Length));
    }

    #[test]
    fn another_network_is_refused() {
        let account = AccountId::from_bytes([7; 32]);
        let polkadot = account.to_ss58(0).unwrap();
        assert_eq!(polkadot.parse::<AccountId>(), Err(ParseSs58Error::Network(0)));
    }

    #[test]
    fn reserved_prefixes_are_neither_read_nor_written() {
        assert_eq!(AccountId::from_bytes([0; 32]).to_ss58(46), Err(ParseSs58Error::Prefix(46)));
        let reserved = "5bDMC15QAJ1Pj1Dn5K51LN6M9tU8xnTHJEZYtyrjJPnrhvXR";
        assert_eq!(AccountId::from_ss58_any(reserved), Err(ParseSs58Error::Prefix(46)));
    }

    proptest! {
        #[test]
        fn every_prefix_round_trips(bytes: [u8; 32], prefix in 0u16..16_384) {
            prop_assume!(prefix != 46 && prefix != 47);
            let account = AccountId::from_bytes(bytes);
            let text = account.to_ss58(prefix).unwrap();
            prop_assert_eq!(AccountId::from_ss58_any(&text).unwrap(), (account, prefix));
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = AccountId::from_ss58_any(&text);
        }
    }
}
