//! Who plays: everybody's keys and what the miners are.

use std::fmt;

use serde::Serialize;
use tensor_core::key::Scheme;
use tensor_core::{AccountId, Coldkey, Hotkey, Keypair};

/// A coldkey with one hotkey.
#[derive(Clone, Debug)]
pub struct Person {
    /// What the table calls it.
    pub name: String,
    /// Holds the money.
    pub coldkey: Keypair,
    /// Does the work.
    pub hotkey: Keypair,
}

impl Person {
    /// The person of that name in the run of that seed: `//subnet//{seed}//{name}`.
    ///
    /// # Errors
    /// Never for the names used here; a URI can be malformed in general.
    fn new(seed: u64, name: &str) -> Result<Self, tensor_core::key::UriError> {
        let base = format!("//subnet//{seed}//{name}");
        let key = |role| Keypair::from_uri(&format!("{base}//{role}"), Scheme::Sr25519);
        Ok(Self { name: name.to_owned(), coldkey: key("cold")?, hotkey: key("hot")? })
    }

    /// The account of the coldkey.
    pub fn coldkey_account(&self) -> AccountId {
        self.coldkey.account_id()
    }

    /// The coldkey as such.
    pub fn cold(&self) -> Coldkey {
        Coldkey::new(self.coldkey.account_id())
    }

    /// The hotkey as such.
    pub fn hot(&self) -> Hotkey {
        Hotkey::new(self.hotkey.account_id())
    }
}

/// What a miner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Runs the best model.
    Large,
    /// Runs a middling model.
    Medium,
    /// Runs a small model.
    Small,
    /// Answers at random.
    Random,
    /// Answers with what it said to the request before, and sometimes not at all.
    Stale,
}

impl Kind {
    /// Whether it does the work it is paid for.
    pub const fn is_honest(self) -> bool {
        matches!(self, Self::Large | Self::Medium | Self::Small)
    }

    /// The folder of its model beside the others.
    pub const fn model(self) -> &'static str {
        match self {
            Self::Large => "large",
            Self::Medium => "medium",
            Self::Small | Self::Random | Self::Stale => "small",
        }
    }

    /// The kinds of `count` miners: good, middling and small in turn; from four on, the last two are
    /// cheats.
    pub fn of_all(count: u16) -> Vec<Self> {
        let cheats: &[Self] = if count >= 4 { &[Self::Random, Self::Stale] } else { &[] };
        let honest = [Self::Large, Self::Medium, Self::Small].into_iter().cycle();
        let mut kinds: Vec<_> = honest.take(usize::from(count) - cheats.len()).collect();
        kinds.extend(cheats);
        kinds
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Large => "large",
            Self::Medium => "medium",
            Self::Small => "small",
            Self::Random => "random",
            Self::Stale => "stale",
        })
    }
}

/// Everybody in the story.
#[derive(Clone, Debug)]
pub struct Cast {
    /// May change anything: the chain's developer key.
    pub sudo: Keypair,
    /// Registers the subnet.
    pub owner: Person,
    /// Judge the miners.
    pub validators: Vec<Person>,
    /// Do the work, each in its way.
    pub miners: Vec<(Person, Kind)>,
    /// Wants feedback analysed.
    pub customer: Person,
}

impl Cast {
    /// How many validators there are.
    pub const VALIDATORS: usize = 3;

    /// The cast of a run.
    ///
    /// # Errors
    /// Never for the names used here.
    pub fn new(seed: u64, miners: u16) -> Result<Self, tensor_core::key::UriError> {
        let validators = (0..Self::VALIDATORS)
            .map(|at| Person::new(seed, &format!("validator-{at}")))
            .collect::<Result<_, _>>()?;
        let miners = Kind::of_all(miners)
            .into_iter()
            .enumerate()
            .map(|(at, kind)| Ok((Person::new(seed, &format!("miner-{at}"))?, kind)))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            sudo: Keypair::from_uri("//Alice", Scheme::Sr25519)?,
            owner: Person::new(seed, "owner")?,
            validators,
            miners,
            customer: Person::new(seed, "customer")?,
        })
    }

    /// Everybody with a coldkey to fund.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        let miners = self.miners.iter().map(|(person, _)| person);
        [&self.owner, &self.customer].into_iter().chain(&self.validators).chain(miners)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_miners_are_six_honest_and_two_cheats() {
        let kinds = Kind::of_all(8);
        assert_eq!(kinds.iter().filter(|kind| kind.is_honest()).count(), 6);
        assert_eq!(&kinds[6..], [Kind::Random, Kind::Stale]);
        assert_eq!(Kind::of_all(1), [Kind::Large]);
    }

    #[test]
    fn seeds_give_other_keys() {
        let hotkey = |seed| Cast::new(seed, 4).unwrap().miners[0].0.hot();
        assert_ne!(hotkey(1), hotkey(2));
        assert_eq!(hotkey(1), hotkey(1));
    }
}
