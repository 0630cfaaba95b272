//! Where a wallet's files lie: names that may be part of a path, and their order.

use core::{cmp::Ordering, fmt, str::FromStr};
use std::path::{Path, PathBuf};

/// The variable that names the folder of wallets.
pub const WALLETS_VARIABLE: &str = "BT_WALLET_PATH";

/// The name of a wallet or hotkey, fit to be one part of a path.
///
/// Separators, `.`, `..`, control characters and empty names are refused, and so are endings that
/// mark other files (`pub.txt`, `.lock`, `.tmp`): a hotkey called `xpub.txt` could not be told from
/// the public file of `x`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name(String);

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = |why| Err(NameError { name: text.chars().take(64).collect(), why });
        if text.is_empty() {
            return refuse(NameDefect::Empty);
        }
        // The longest that file systems take, less what is added to it.
        if text.len() > 200 {
            return refuse(NameDefect::TooLong);
        }
        if text == "." || text == ".." {
            return refuse(NameDefect::Dots);
        }
        if text.chars().any(|letter| matches!(letter, '/' | '\\') || letter.is_control()) {
            return refuse(NameDefect::Character);
        }
        if ["pub.txt", ".lock", ".tmp"].iter().any(|ending| text.ends_with(ending)) {
            return refuse(NameDefect::Ending);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Ord for Name {
    /// Digits compare as numbers, so that `hk-9` comes before `hk-10`.
    fn cmp(&self, other: &Self) -> Ordering {
        natural_order(&self.0, &other.0).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A text that is no name of a wallet or hotkey.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no name for a wallet or hotkey: {why}")]
#[non_exhaustive]
pub struct NameError {
    /// The text, at most 64 characters of it.
    pub name: String,
    /// What is wrong with it.
    pub why: NameDefect,
}

/// What is wrong with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameDefect {
    /// No characters.
    #[error("it is empty")]
    Empty,
    /// Over 200 bytes.
    #[error("it is longer than 200 bytes")]
    TooLong,
    /// `.` or `..`.
    #[error("it leads to another folder")]
    Dots,
    /// A separator or control character.
    #[error("it has a separator or control character")]
    Character,
    /// An ending that marks other files.
    #[error("it ends like a file that is no key")]
    Ending,
}

/// Splits `wallet/hotkey`, the short form that command lines take, or a wallet's name alone.
///
/// # Errors
/// [`NameError`] when either part is no name.
pub fn split(text: &str) -> Result<(Name, Option<Name>), NameError> {
    match text.split_once('/') {
        Some((wallet, hotkey)) => Ok((wallet.parse()?, Some(hotkey.parse()?))),
        None => Ok((text.parse()?, None)),
    }
}

/// The folder of wallets: [`WALLETS_VARIABLE`], else `.bittensor/wallets` in the home folder.
/// `None` when the lookup knows no `HOME` (or `USERPROFILE`) and one is needed.
pub fn wallets_folder(lookup: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let named = lookup(WALLETS_VARIABLE).filter(|path| !path.is_empty());
    expand_home(Path::new(named.as_deref().unwrap_or("~/.bittensor/wallets")), lookup)
}

/// Puts the home folder in the place of a leading `~`. `None` when the lookup knows none.
pub fn expand_home(path: &Path, lookup: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let Ok(rest) = path.strip_prefix("~") else { return Some(path.to_owned()) };
    let home = lookup("HOME").or_else(|| lookup("USERPROFILE")).filter(|home| !home.is_empty())?;
    Some(Path::new(&home).join(rest))
}

/// Splits both texts into runs of digits and of others, and compares run by run.
fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    while !a.is_empty() && !b.is_empty() {
        let ((head_a, tail_a), (head_b, tail_b)) = (run(a), run(b));
        let order = match (number(head_a), number(head_b)) {
            (Some(a), Some(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
            _ => head_a.cmp(head_b),
        };
        if order.is_ne() {
            return order;
        }
        (a, b) = (tail_a, tail_b);
    }
    a.len().cmp(&b.len())
}

fn run(text: &str) -> (&str, &str) {
    let digit = text.starts_with(|letter: char| letter.is_ascii_digit());
    let end = text.find(|letter: char| letter.is_ascii_digit() != digit);
    text.split_at(end.unwrap_or(text.len()))
}

/// A run of digits without leading zeros.
fn number(run: &str) -> Option<&str> {
    run.starts_with(|letter: char| letter.is_ascii_digit()).then(|| run.trim_start_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn names_cannot_leave_their_folder() {
        let defect = |text: &str| text.parse::<Name>().unwrap_err().why;
        assert_eq!(defect(""), NameDefect::Empty);
        assert_eq!(defect(".."), NameDefect::Dots);
        assert_eq!(defect("a/b"), NameDefect::Character);
        assert_eq!(defect("a\\b"), NameDefect::Character);
        assert_eq!(defect("a\0"), NameDefect::Character);
        assert_eq!(defect("xpub.txt"), NameDefect::Ending);
        assert_eq!(defect(&"x".repeat(201)), NameDefect::TooLong);
        assert_eq!(name("кошелёк 1").as_str(), "кошелёк 1");
    }

    #[test]
    fn numbers_sort_as_numbers() {
        let mut names: Vec<Name> =
            ["hk-10", "hk-9", "b", "hk-009", "hk", "a2b10", "a2b9"].map(name).into();
        names.sort();
        let sorted: Vec<&str> = names.iter().map(Name::as_str).collect();
        assert_eq!(sorted, ["a2b9", "a2b10", "b", "hk", "hk-009", "hk-9", "hk-10"]);
    }

    #[test]
    fn short_form_and_home() {
        assert_eq!(split("cold/hot").unwrap(), (name("cold"), Some(name("hot"))));
        assert_eq!(split("cold").unwrap(), (name("cold"), None));
        assert!(split("a/b/c").is_err());
        let home = |variable: &str| (variable == "HOME").then(|| "/home/u".to_owned());
        assert_eq!(wallets_folder(home).unwrap(), Path::new("/home/u/.bittensor/wallets"));
        assert_eq!(wallets_folder(|_| None), None);
        assert_eq!(expand_home(Path::new("/x/~"), |_| None).unwrap(), Path::new("/x/~"));
    }

    proptest! {
        #[test]
        fn the_order_is_one(a in "[a0-9]{1,6}", b in "[a0-9]{1,6}", c in "[a0-9]{1,6}") {
            let (a, b, c) = (name(&a), name(&b), name(&c));
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
        }
    }
}
