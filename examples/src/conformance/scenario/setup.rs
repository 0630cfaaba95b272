//! What a scenario's chain begins with: the preset, by name or with what differs from it.

use serde_json::{Map, Value as Json};
use tensor_chain::local::runtime::Ruleset;
use tensor_chain::local::{Build, LocalChain, LocalChainConfig, Preset};
use tensor_core::account::AccountId;

use super::account::Accounts;
use super::typed::short;
use super::{Place, is_remark, number};
use crate::conformance::SchemaError;

/// Fields of the preset; those of a scenario's own top level too.
pub(super) const FIELDS: [&str; 18] = [
    "ruleset",
    "build",
    "fees",
    "author",
    "seed",
    "block_ms",
    "block_time_ms",
    "genesis_ms",
    "history",
    "shield",
    "root_sells",
    "funds",
    "fund",
    "storage",
    "set",
    "set_storage",
    "accounts",
    "wallets",
];

/// Names of fields that name the preset inside its object.
const NAMES: [&str; 4] = ["name", "preset", "base", "kind"];

/// What the chain begins with, as the document says it.
#[derive(Clone, Debug, Default)]
pub(super) struct Setup {
    preset: Preset,
    ruleset: Ruleset,
    build: Build,
    /// `None` where the document does not say.
    fees: Option<bool>,
    /// `None` where the document leaves it to the preset.
    author: Option<Json>,
    seed: Option<u64>,
    block_ms: Option<u64>,
    genesis_ms: Option<u64>,
    history: Option<u64>,
    shield: bool,
    root_sells: bool,
    aliases: Vec<(String, String)>,
    accounts: Accounts,
    /// Accounts and their TAO, with their place.
    funds: Vec<(Place, Json)>,
    /// What is written into storage before the first block.
    pub(super) storage: Vec<(Place, Json)>,
}

impl Setup {
    /// Reads the preset of a scenario, and the fields beside it.
    pub(super) fn read(place: &Place, scenario: &Map<String, Json>) -> Result<Self, SchemaError> {
        let mut setup = Self::default();
        let at = place.field("preset");
        match scenario.get("preset") {
            None | Some(Json::Null) => {}
            Some(Json::String(name)) => setup.name(&at, name)?,
            Some(Json::Object(fields)) => {
                for (name, value) in fields {
                    if NAMES.contains(&name.as_str()) {
                        setup.name(&at.field(name), value.as_str().unwrap_or_default())?;
                    } else {
                        setup.field(&at, name, value)?;
                    }
                }
            }
            Some(_) => return Err(at.wrong(PRESETS)),
        }
        for (name, value) in scenario {
            if FIELDS.contains(&name.as_str()) {
                setup.field(place, name, value)?;
            }
        }
        Ok(setup)
    }

    /// A preset by name, which may name the ruleset as well: `localnet`, `V425`, `dev-425`.
    fn name(&mut self, place: &Place, text: &str) -> Result<(), SchemaError> {
        let text = text.to_ascii_lowercase();
        let mut words: Vec<&str> = text.split(['-', '/', '@', ' ', '_', ':']).collect();
        for (word, ruleset) in [("425", Ruleset::V425), ("461", Ruleset::V461)] {
            if words.iter().any(|known| known.trim_start_matches('v') == word) {
                self.ruleset = ruleset;
            }
        }
        words.retain(|word| !matches!(word.trim_start_matches('v'), "425" | "461" | ""));
        match words.as_slice() {
            [] | ["dev" | "development" | "default"] => self.preset = Preset::Dev,
            ["localnet" | "local" | "genesis"] => self.preset = Preset::Localnet,
            _ => return Err(place.wrong(PRESETS)),
        }
        Ok(())
    }

    fn field(&mut self, place: &Place, name: &str, value: &Json) -> Result<(), SchemaError> {
        let at = place.field(name);
        let number = || number::u64_of(value).map_err(|problem| at.wrong(problem));
        let flag = || flag(value).ok_or_else(|| at.wrong("true or false is wanted"));
        match name {
            "ruleset" => self.ruleset = ruleset(&at, value)?,
            "build" => {
                self.build = match value.as_str() {
                    Some("fast") => Build::Fast,
                    Some("prod" | "production" | "release") => Build::Production,
                    _ => return Err(at.wrong("the builds are \"fast\" and \"prod\"")),
                }
            }
            "fees" => self.fees = Some(flag()?),
            "author" => self.author = Some(value.clone()),
            "seed" => self.seed = Some(number()?),
            "block_ms" | "block_time_ms" => self.block_ms = Some(number()?),
            "genesis_ms" => self.genesis_ms = Some(number()?),
            "history" => self.history = Some(number()?),
            "shield" => self.shield = flag()?,
            "root_sells" => self.root_sells = flag()?,
            "funds" | "fund" => self.funds.push((at, value.clone())),
            "storage" | "set" | "set_storage" => self.storage.push((at, value.clone())),
            "accounts" | "wallets" => {
                let Json::Object(names) = value else {
                    return Err(
                        at.wrong("an object of names and secret URIs or addresses is wanted")
                    );
                };
                for (name, key) in names {
                    self.alias(&at.field(name), name, key)?;
                }
            }
            name if is_remark(name) => {}
            name => {
                let known = FIELDS.join(", ");
                return Err(place.wrong(format!("unknown field {name:?}; the fields are {known}")));
            }
        }
        Ok(())
    }

    /// A name for a key, or for the keys of a wallet: `miner.hotkey`, `miner/hotkey`, and `miner` for its coldkey.
    fn alias(&mut self, place: &Place, name: &str, key: &Json) -> Result<(), SchemaError> {
        let fund = |rao: &Json| Json::Object(Map::from_iter([(name.to_owned(), rao.clone())]));
        match key {
            Json::String(uri) => self.aliases.push((name.to_owned(), uri.clone())),
            // What an account has.
            rao if number::integer(rao).is_some() => self.funds.push((place.clone(), fund(rao))),
            Json::Object(keys) => {
                for (part, key) in keys {
                    if matches!(part.as_str(), "rao" | "free" | "balance") {
                        self.funds.push((place.field(part), fund(key)));
                        continue;
                    }
                    let uri = key.as_str().ok_or_else(|| place.field(part).wrong("no text"))?;
                    let names = [format!("{name}.{part}"), format!("{name}/{part}")];
                    self.aliases.extend(names.map(|name| (name, uri.to_owned())));
                    if matches!(part.as_str(), "coldkey" | "uri" | "ss58" | "address") {
                        self.aliases.push((name.to_owned(), uri.to_owned()));
                    }
                }
            }
            _ => {
                return Err(place.wrong("a secret URI, an address, or an object of such is wanted"));
            }
        }
        Ok(())
    }

    /// Learns the keys of all accounts that the document names by URI, and whether it is about fees.
    pub(super) fn learn(&mut self, document: &Json) {
        // Who expects an event of the fees' pallet wants them.
        let about_fees = document.to_string().contains("TransactionFeePaid");
        self.fees = self.fees.or(Some(about_fees));
        self.accounts = Accounts::new(self.aliases.iter().cloned().collect());
        self.accounts.learn_all(document);
    }

    /// The names that the document gives to accounts.
    pub(super) fn accounts(&self) -> Accounts {
        self.accounts.clone()
    }

    /// Builds the chain, and says who its author is.
    pub(super) fn build(
        &self,
        accounts: &Accounts,
    ) -> Result<(LocalChain, Option<AccountId>), String> {
        let mut config = LocalChainConfig::default();
        config.shield = self.shield;
        let mut builder = LocalChain::builder()
            .config(config)
            .preset(self.preset)
            .ruleset(self.ruleset)
            .runtime_build(self.build)
            .fees(self.fees.unwrap_or(false));
        // No step looks back further than the block that was just made.
        builder = builder.history(usize::try_from(self.history.unwrap_or(64)).unwrap_or(64));
        if let Some(author) = &self.author {
            let none = matches!(author, Json::Null | Json::Bool(false))
                || matches!(author.as_str(), Some("none" | "nobody"));
            let account = if none { None } else { Some(accounts.account(author)?) };
            builder = builder.author(account);
        }
        if let Some(seed) = self.seed {
            builder = builder.seed(seed);
        }
        if let Some(ms) = self.block_ms {
            builder = builder.block_time_ms(ms);
        }
        if let Some(ms) = self.genesis_ms {
            builder = builder.genesis_ms(ms);
        }
        for (place, funds) in &self.funds {
            for (account, rao) in amounts(accounts, place, funds)? {
                builder = builder.fund(account, rao);
            }
        }
        let chain = builder.build().map_err(|error| error.to_string())?;
        if self.root_sells {
            chain.set_root_always_sells(true);
        }
        let author = chain.config().author;
        Ok((chain, author))
    }
}

const PRESETS: &str =
    "a preset is \"dev\", \"localnet\", or an object with its \"name\" and what differs";

fn ruleset(place: &Place, value: &Json) -> Result<Ruleset, SchemaError> {
    let text = match value {
        Json::String(text) => text.trim_start_matches(['v', 'V']).to_owned(),
        other => short(other),
    };
    match text.as_str() {
        "425" => Ok(Ruleset::V425),
        "461" => Ok(Ruleset::V461),
        _ => Err(place.wrong("the rulesets are \"V425\" and \"V461\"")),
    }
}

/// Yes or no in any of its forms.
pub(super) fn flag(json: &Json) -> Option<bool> {
    match json {
        Json::Bool(flag) => Some(*flag),
        Json::String(text) => match text.trim() {
            "on" | "true" | "yes" => Some(true),
            "off" | "false" | "no" => Some(false),
            _ => None,
        },
        json => match json.as_u64() {
            Some(number @ 0..=1) => Some(number == 1),
            _ => None,
        },
    }
}

/// Accounts and amounts: an object by account, or a list of `{account, rao}`.
pub(super) fn amounts(
    accounts: &Accounts,
    place: &Place,
    json: &Json,
) -> Result<Vec<(AccountId, u64)>, String> {
    let amount = |place: &Place, value: &Json| {
        number::u64_of(value).map_err(|problem| format!("{place}: {problem}"))
    };
    let account = |place: &Place, value: &Json| {
        accounts.account(value).map_err(|problem| format!("{place}: {problem}"))
    };
    match json {
        Json::Object(fields) => {
            let each = fields.iter().map(|(name, value)| {
                let place = place.field(name);
                Ok((account(&place, &Json::from(name.clone()))?, amount(&place, value)?))
            });
            each.collect()
        }
        Json::Array(items) => {
            let each = items.iter().enumerate().map(|(at, item)| {
                let place = place.item(at);
                let pair = item.as_array().and_then(|pair| match pair.as_slice() {
                    [account, rao] => Some((account, rao)),
                    _ => None,
                });
                let part = |names: &[&str]| names.iter().find_map(|name| item.get(*name));
                let named = part(&["account", "who", "address"])
                    .zip(part(&["rao", "amount", "free", "balance"]));
                let Some((who, rao)) = pair.or(named) else {
                    return Err(format!("{place}: {{\"account\", \"rao\"}} is wanted"));
                };
                Ok((account(&place, who)?, amount(&place, rao)?))
            });
            each.collect()
        }
        _ => Err(format!("{place}: funds are an object of accounts and rao")),
    }
}
