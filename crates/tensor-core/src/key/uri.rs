//! Secret URIs: `[phrase | 0x…][/soft | //hard]…[///password]`, the grammar of sp-core.

use blake2::{Blake2b, Digest, digest::consts::U32};
use zeroize::Zeroizing;

use super::{Keypair, Mnemonic, MnemonicError, Scheme, Secret};

/// The phrase that an empty one stands for; its keys are public.
const DEVELOPMENT: &str = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";

/// Why a secret URI gives no key. It never repeats the secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// The part before the path is neither a mnemonic nor `0x` and 64 hex digits.
    #[error("the secret phrase does not parse")]
    Phrase(#[source] MnemonicError),
    /// `0x` must be followed by exactly 64 hex digits.
    #[error("a hex seed is 0x and 64 hex digits")]
    Seed,
    /// A line break in the password, or white space other than blanks in the phrase: the grammar has
    /// no place for them, and other tools refuse them.
    #[error("only blanks may stand between words, and the password is one line")]
    LineBreak,
    /// A `/` or `//` without a name behind it.
    #[error("a derivation path step has no name")]
    EmptyStep,
    /// ed25519 knows hard steps only.
    #[error("ed25519 keys derive by hard steps (//) only")]
    SoftStep,
}

enum Step {
    Soft([u8; 32]),
    Hard([u8; 32]),
}

pub(super) fn derive(uri: &str, scheme: Scheme) -> Result<Keypair, UriError> {
    let (rest, password) = match uri.split_once("///") {
        Some((rest, password)) => (rest, password),
        None => (uri, ""),
    };
    let (phrase, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if password.contains('\n')
        || phrase.contains(|letter: char| letter.is_whitespace() && letter != ' ')
    {
        return Err(UriError::LineBreak);
    }
    let steps = parse_path(path)?;
    let seed = match phrase.strip_prefix("0x") {
        // A password on a hex seed has nothing to salt and is ignored, as by every other tool.
        Some(digits) => {
            let mut seed = Zeroizing::new([0; 32]);
            hex::decode_to_slice(digits, seed.as_mut()).map_err(|_| UriError::Seed)?;
            seed
        }
        None => {
            let phrase = if phrase.is_empty() { DEVELOPMENT } else { phrase };
            Mnemonic::parse(phrase).map_err(UriError::Phrase)?.seed(password)
        }
    };
    let root = Keypair::from_seed(&seed, scheme);
    steps.into_iter().try_fold(root, |Keypair(secret), step| {
        Ok(Keypair(match (secret, step) {
            (Secret::Sr25519(pair), Step::Hard(code)) => Secret::Sr25519(pair.hard(code)),
            (Secret::Sr25519(pair), Step::Soft(code)) => Secret::Sr25519(pair.soft(code)),
            (Secret::Ed25519(pair), Step::Hard(code)) => Secret::Ed25519(pair.hard(code)),
            (Secret::Ed25519(_), Step::Soft(_)) => return Err(UriError::SoftStep),
        }))
    })
}

fn parse_path(mut path: &str) -> Result<Vec<Step>, UriError> {
    let mut steps = Vec::new();
    while let Some(rest) = path.strip_prefix('/') {
        let (rest, hard) = match rest.strip_prefix('/') {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let (name, tail) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if name.is_empty() {
            return Err(UriError::EmptyStep);
        }
        let code = chain_code(name);
        steps.push(if hard { Step::Hard(code) } else { Step::Soft(code) });
        path = tail;
    }
    Ok(steps)
}

/// What reads as a 64-bit number, a plus sign included, is a SCALE u64; everything else a SCALE
/// string; padded with zeros to 32 bytes, or hashed when longer.
fn chain_code(name: &str) -> [u8; 32] {
    let mut code = [0; 32];
    if let Ok(number) = name.parse::<u64>() {
        code[..8].copy_from_slice(&number.to_le_bytes());
        return code;
    }
    let encoded = [compact_length(name.len()).as_slice(), name.as_bytes()].concat();
    match code.get_mut(..encoded.len()) {
        Some(head) => head.copy_from_slice(&encoded),
        None => code = Blake2b::<U32>::digest(&encoded).into(),
    }
    code
}

/// SCALE's compact form of a length.
fn compact_length(length: usize) -> Vec<u8> {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    match length {
        0..=0x3f => vec![(length as u8) << 2],
        0x40..=0x3fff => ((length as u16) << 2 | 0b01).to_le_bytes().to_vec(),
        0x4000..=0x3fff_ffff => (length << 2 | 0b10).to_le_bytes().to_vec(),
        _ => [&[0b11][..], &length.to_le_bytes()].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address(uri: &str) -> String {
        Keypair::from_uri(uri, Scheme::Sr25519).unwrap().account_id().to_string()
    }

    #[test]
    fn equal_spellings() {
        assert_eq!(address("//1"), address("//01"));
        assert_eq!(address("//1"), address("//+1"));
        assert_ne!(address("//1"), address("/1"));
        assert_eq!(address(""), address(DEVELOPMENT));
        assert_eq!(address("//Alice///"), address("//Alice"));
        assert_ne!(address("//Alice///pass/word"), address("//Alice"));
    }

    #[test]
    fn errors_say_which_part() {
        let error = |uri: &str, scheme| Keypair::from_uri(uri, scheme).unwrap_err();
        assert_eq!(error("0x12", Scheme::Sr25519), UriError::Seed);
        assert_eq!(error("//", Scheme::Sr25519), UriError::EmptyStep);
        assert_eq!(error("//a/", Scheme::Sr25519), UriError::EmptyStep);
        assert_eq!(error("/soft", Scheme::Ed25519), UriError::SoftStep);
        assert_eq!(error("//a///b\n", Scheme::Sr25519), UriError::LineBreak);
        assert_eq!(error(&DEVELOPMENT.replace(' ', "\t"), Scheme::Sr25519), UriError::LineBreak);
        assert!(matches!(error("no phrase", Scheme::Sr25519), UriError::Phrase(_)));
    }

    proptest! {
        #[test]
        fn no_text_panics(uri: String) {
            let _ = Keypair::from_uri(&uri, Scheme::Ed25519);
        }
    }
}
