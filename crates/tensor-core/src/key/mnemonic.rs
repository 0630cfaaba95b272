//! Mnemonics: BIP-39 words, Substrate's way from words to seed.

use core::fmt;

use hmac::Hmac;
use sha2::Sha512;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// 12, 15, 18, 21 or 24 English BIP-39 words with a valid checksum. Wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Mnemonic(bip39::Mnemonic);

impl Mnemonic {
    /// Reads lower-case words; any white space may stand between them.
    ///
    /// # Errors
    /// [`MnemonicError`] names the wrong word, word count or checksum.
    pub fn parse(phrase: &str) -> Result<Self, MnemonicError> {
        let words = Zeroizing::new(phrase.split_whitespace().collect::<Vec<_>>().join(" "));
        bip39::Mnemonic::parse_in_normalized(bip39::Language::English, &words)
            .map(Self)
            .map_err(MnemonicError::from)
    }

    /// The mnemonic of fresh entropy: 16, 20, 24, 28 or 32 bytes give 12 to 24 words.
    ///
    /// # Errors
    /// [`MnemonicError::WordCount`] for another length.
    pub fn from_entropy(entropy: &[u8]) -> Result<Self, MnemonicError> {
        bip39::Mnemonic::from_entropy(entropy).map(Self).map_err(MnemonicError::from)
    }

    /// A new mnemonic of 12, 15, 18, 21 or 24 words from the operating system's randomness.
    ///
    /// # Errors
    /// [`MnemonicError::WordCount`] for another count, [`MnemonicError::Randomness`] when the system
    /// gives none.
    pub fn generate(words: usize) -> Result<Self, MnemonicError> {
        let (12 | 15 | 18 | 21 | 24) = words else { return Err(MnemonicError::WordCount) };
        let mut entropy = Zeroizing::new(vec![0; words / 3 * 4]);
        getrandom::getrandom(&mut entropy).map_err(|_| MnemonicError::Randomness)?;
        Self::from_entropy(&entropy)
    }

    /// The words, one blank between them, wiped when dropped.
    pub fn phrase(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.to_string())
    }

    /// The 32-byte seed: PBKDF2-HMAC-SHA512 of the *entropy*, salted with `mnemonic` and the
    /// password, 2,048 rounds, first half. The same for both schemes (wallet format, section 4).
    pub fn seed(&self, password: &str) -> Zeroizing<[u8; 32]> {
        let entropy = Zeroizing::new(self.0.to_entropy());
        let salt = Zeroizing::new(format!("mnemonic{password}"));
        let mut long = Zeroizing::new([0; 64]);
        // The only error is a zero-length key, which HMAC takes as well.
        let _ = pbkdf2::pbkdf2::<Hmac<Sha512>>(&entropy, salt.as_bytes(), 2048, long.as_mut());
        let mut seed = Zeroizing::new([0; 32]);
        seed.copy_from_slice(&long[..32]);
        seed
    }
}

impl fmt::Debug for Mnemonic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mnemonic({} words)", self.0.word_count())
    }
}

/// Why a phrase is no mnemonic. It never repeats the words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MnemonicError {
    /// Not 12, 15, 18, 21 or 24 words.
    #[error("a mnemonic has 12, 15, 18, 21 or 24 words")]
    WordCount,
    /// The word at this place, counted from 1, is not in the English list.
    #[error("word {0} is not in the English word list")]
    UnknownWord(usize),
    /// All words are known but they do not belong together.
    #[error("the mnemonic's checksum does not match; check the words and their order")]
    Checksum,
    /// The operating system gave no randomness for a new mnemonic.
    #[error("the operating system gives no randomness")]
    Randomness,
}

impl From<bip39::Error> for MnemonicError {
    fn from(error: bip39::Error) -> Self {
        match error {
            bip39::Error::UnknownWord(index) => Self::UnknownWord(index + 1),
            bip39::Error::InvalidChecksum => Self::Checksum,
            _ => Self::WordCount,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABANDON: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

    #[test]
    fn seed_is_derived_from_entropy() {
        let seed = Mnemonic::parse(ABANDON).unwrap().seed("");
        assert_eq!(
            hex::encode(*seed),
            "4ed8d4b17698ddeaa1f1559f152f87b5d472f725ca86d341bd0276f1b61197e2"
        );
    }

    #[test]
    fn new_ones_differ_and_read_back() {
        for words in [12, 15, 18, 21, 24] {
            let one = Mnemonic::generate(words).unwrap().phrase();
            assert_eq!(one.split(' ').count(), words);
            assert_eq!(*Mnemonic::parse(&one).unwrap().phrase(), *one);
            assert_ne!(*one, *Mnemonic::generate(words).unwrap().phrase());
        }
        assert_eq!(Mnemonic::generate(13).unwrap_err(), MnemonicError::WordCount);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |phrase: &str| Mnemonic::parse(phrase).unwrap_err();
        assert_eq!(error("abandon"), MnemonicError::WordCount);
        assert_eq!(error(&ABANDON.replace("about", "zzz")), MnemonicError::UnknownWord(12));
        assert_eq!(error(&ABANDON.replace("about", "abandon")), MnemonicError::Checksum);
        assert_eq!(error(&ABANDON.replace("about", "About")), MnemonicError::UnknownWord(12));
    }
}
