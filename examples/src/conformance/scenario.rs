//! The suite `scenario`: whole stories on the local chain, as data.
//!
//! A file is one scenario, a list of them, or `{"scenarios": […]}`. A scenario is
//!
//! ```json
//! {
//!   "preset": "dev",
//!   "steps": [
//!     {"at": 2, "signer": "//Alice", "call": "SubtensorModule.register_network", "args": {"hotkey": "//Alice//hot"}},
//!     {"at": 3, "signer": "//Bob", "call": "add_stake",
//!      "args": {"hotkey": "//Alice//hot", "netuid": 2, "amount_staked": 5}, "expect": {"error": "AmountTooLow"}}
//!   ],
//!   "expect": {
//!     "storage": [{"pallet": "SubtensorModule", "item": "SubnetworkN", "keys": [2], "value": 1}],
//!     "events": [{"event": "SubtensorModule.NetworkAdded", "fields": [2, 1]}],
//!     "balances": {"//Bob": 1000000000000000}
//!   }
//! }
//! ```
//!
//! Everything of the chain goes by the names of its metadata: calls, arguments, storage items, events,
//! errors, runtime APIs. An unknown field is an error, except texts for the reader: `name` (which names
//! the case, else the file does), `title`, `description`, `comment`, `note`, `source`, `spec` and such.
//!
//! # The chain
//!
//! `preset` is `"dev"` (the default), `"localnet"`, either with a ruleset (`"dev-425"`), or an object with the `name` and what differs: `ruleset`
//! (`"V461"`, `"V425"`), `build` (`"fast"`, `"prod"`), `fees` (**off unless said**, or unless `TransactionFeePaid` is expected), `author` (an account; `null`
//! for nobody; `//One` unless said), `seed`, `block_ms`, `genesis_ms`, `history`, `shield`, `root_sells` (root earns
//! whatever the prices), `funds` (rao by account),
//! `storage` (written before the first block), `accounts` (names for secret URIs or addresses; a wallet's
//! `{"coldkey", "hotkey", "rao"}` are `name`, `name.hotkey` and what it has). These fields may
//! as well stand beside `preset`.
//!
//! # Steps
//!
//! `at` is the block **in which** the call is included: a number, `"+5"` (blocks after the newest), `"same"` (as
//! the call before), `"next"`, `{"epoch": NETUID}` (the block of that subnet's next epoch). Left out, a call has the
//! next block for itself; at 0 it goes into block 1. Calls of one block are applied in the order of the document, after the block's own
//! work: its epochs have run.
//!
//! `signer` is an account that signs; a secret URI really does, an address whose key is not in the document
//! does so by a control of the local chain. `"root"` (or `"sudo"`) sends the call through `Sudo.sudo` and stands for
//! the error inside; `"none"` sends it unsigned. `call` is `Pallet.name`, or the name alone where it is the
//! subtensor pallet's or only one pallet has it, or `{"pallet", "name", "args"}`; `args` are by name, or a list in
//! the call's order. `nonce`, `tip` and `period` (blocks of validity) may be given.
//!
//! A step may instead (or, before its call, also) change the chain by hand: `storage` writes entries, `fund` mints
//! rao, `author`, `fees`, `time` (milliseconds), `pulse` (`{"round", "randomness", "signature"}`). With `at` N that
//! happens before block N is made. `advance` makes blocks, `epoch` makes them until an epoch of that subnet
//! has run; a step of nothing but `at` makes them up to that one.
//!
//! `expect` is `"ok"` or `{"ok": true}` (also when it is left out), or `{"error": …}`: `"Name"`, `"Pallet.Name"`,
//! `{"pallet", "name"}`; for a transaction that never enters a block also `{"custom": 6}`, `"Custom 6"`, the code's
//! own name, the name of the error behind it, or the refusal's kind (`"Payment"`, `"Stale"`, `"BadProof"`, …); `true` for
//! any. A batch, proxy or sudo call that succeeds while what it carries fails is `ok`, and the inner error is accepted
//! as well. Beside `ok` and `error` may stand `storage`, `events` (of that step's call; without a call, of the newest
//! block) and `balances`, which must hold after the step's block.
//!
//! # Expectations
//!
//! - `storage`: a list of `{pallet, item, keys, value}`, or objects by name: `{"SubtensorModule.SubnetTAO": {"1": 5}}`,
//!   `{"SubtensorModule.Uids(1, //Alice)": 0}`, `{"SubtensorModule": {"TotalStake": 5}}`. A value that is not stored is the
//!   item's default; `null` says that nothing is stored.
//! - `events`: those named must happen in this order, others may lie between. Each is `"Pallet.Name"` or `{"event", "fields",
//!   "block", "phase"}`; of named fields only those asked for are compared, and the
//!   subtensor pallet's nameless ones go by the rules' names (`coldkey`, `tao`, `fee`, …) or by place; `"absent": true` forbids the event, `"count": n` counts it.
//! - `balances`: by account the free rao, or `{"free", "reserved", "frozen", "total", "nonce", …}`.
//! - `runtime`: a list of `{"api": "Trait.method", "args", "value"}`.
//! - `compute`: a list of `{"function", "args", "value"}` for functions of the rules that no call shows by itself:
//!   `root_claim_indices`, `reveal_block`, `reveal_round`, `commit_hash`, `timelocked_payload`.
//!
//! # Values
//!
//! By the type that is wanted: integers as numbers, `"1_000"`, `"1000e9"`, `"0x3e8"`, `"u64::MAX"`; accounts as secret URI, bare
//! name (`"miner"` is `//miner`), SS58, hexadecimal, small number (little-endian bytes), `"subnet:1"`, `"burn"`, `"author"`; bytes as
//! `"0x…"`, text, list, `{"zeros": 500}`; variants as `"Name"`, `{"Name": fields}`, `{"variant": "Name", "fields": …}`; options as `null` or
//! the value; maps as objects or pairs; fixed-point numbers as their bits (an integer) or their value (with a
//! point: compared to as many places as it has). An expected number may be `{"approx": x, "within": d}` or
//! `{"min": a, "max": b}`; of an expected record only the fields given are compared.

mod account;
mod call;
mod compare;
mod entry;
mod expect;
mod number;
mod outcome;
mod play;
mod setup;
mod stage;
mod step;
mod typed;

use std::fmt;

use serde_json::{Map, Value as Json};

use super::{Case, Computed, Rule, SchemaError};
use setup::Setup;
use step::{Checks, Step};

/// A scenario, read.
#[derive(Debug)]
struct Scenario {
    setup: Setup,
    steps: Vec<Step>,
    checks: Checks,
    /// The last block that is made, if the document says so.
    until: Option<u64>,
}

/// The cases of a file: one for each scenario. `file` names one that does not name itself.
pub(super) fn cases(document: &Json, file: &str) -> Result<Vec<Case>, SchemaError> {
    let top = Place::default();
    let list = match document {
        Json::Array(items) => Some((top.clone(), items)),
        Json::Object(fields) => {
            let name = ["scenarios", "cases"].into_iter().find(|name| fields.contains_key(*name));
            match name {
                Some(name) => {
                    let known = |field: &str| field == name || is_remark(field);
                    if let Some(other) = fields.keys().find(|field| !known(field)) {
                        return Err(top.wrong(format!("unknown field {other:?} beside {name:?}")));
                    }
                    let items = fields.get(name).and_then(Json::as_array);
                    let items = items.ok_or_else(|| top.field(name).wrong("a list is wanted"))?;
                    Some((top.field(name), items))
                }
                None => None,
            }
        }
        _ => return Err(top.wrong("a scenario is an object")),
    };
    let Some((place, items)) = list else {
        return Ok(vec![case(&top, document, file)?]);
    };
    let case = |(at, item): (usize, &Json)| case(&place.item(at), item, &format!("{file}/{at}"));
    items.iter().enumerate().map(case).collect()
}

/// A file that cannot be used, as a case that fails and says why.
pub(super) fn unusable(file: &str, problem: String) -> Case {
    Case::new(file, move || Err(problem.clone()))
}

fn case(place: &Place, document: &Json, unnamed: &str) -> Result<Case, SchemaError> {
    let mut scenario = Scenario::read(place, document)?;
    scenario.setup.learn(document);
    let name = document.get("name").and_then(Json::as_str).unwrap_or(unnamed).to_owned();
    Ok(Case::new(name, move || play::play(&scenario)))
}

impl Scenario {
    fn read(place: &Place, document: &Json) -> Result<Self, SchemaError> {
        let Json::Object(fields) = document else {
            return Err(place.wrong("a scenario is an object"));
        };
        let known = ["preset", "steps", "expect", "until"];
        for name in fields.keys() {
            let name = name.as_str();
            if !known.contains(&name) && !setup::FIELDS.contains(&name) && !is_remark(name) {
                return Err(place.wrong(format!(
                    "unknown field {name:?}; the fields of a scenario are {}, {}",
                    known.join(", "),
                    setup::FIELDS.join(", ")
                )));
            }
        }
        let checks = match fields.get("expect") {
            None | Some(Json::Null) => Checks::default(),
            Some(expect) => Checks::read(&place.field("expect"), expect, false)?,
        };
        let until = fields.get("until").map(number::blocks_of).transpose();
        Ok(Self {
            setup: Setup::read(place, fields)?,
            steps: steps(place, fields)?,
            checks,
            until: until.map_err(|problem| place.field("until").wrong(problem))?,
        })
    }
}

fn steps(place: &Place, fields: &Map<String, Json>) -> Result<Vec<Step>, SchemaError> {
    let at = place.field("steps");
    match fields.get("steps") {
        None | Some(Json::Null) => Ok(Vec::new()),
        Some(Json::Array(steps)) => {
            steps.iter().enumerate().map(|(n, step)| Step::read(&at.item(n), step)).collect()
        }
        Some(_) => Err(at.wrong("a list of steps is wanted")),
    }
}

/// Fields that hold texts for the reader.
fn is_remark(name: &str) -> bool {
    name.starts_with('$')
        || name == "//"
        || name.starts_with('_')
        || [
            "name",
            "title",
            "description",
            "comment",
            "comments",
            "note",
            "notes",
            "source",
            "spec",
            "reference",
            "provenance",
            "schema",
            "version",
            "id",
            "level",
            "why",
            "label",
            "tags",
            "rule",
        ]
        .contains(&name)
}

/// A place in a document.
#[derive(Clone, Debug, Default)]
struct Place(Vec<String>);

impl Place {
    fn field(&self, name: &str) -> Self {
        let mut parts = self.0.clone();
        parts.push(name.to_owned());
        Self(parts)
    }

    fn item(&self, at: usize) -> Self {
        self.field(&at.to_string())
    }

    fn wrong(&self, problem: impl Into<String>) -> SchemaError {
        SchemaError::new(self.to_string(), problem)
    }

    /// A value that was judged where it was computed: what stands there stays if it is right.
    fn judged(&self, expected: Option<&Json>, computed: Json, problem: Option<String>) -> Computed {
        let value = match (expected, &problem) {
            (Some(expected), None) => expected.clone(),
            _ => computed,
        };
        Computed::at(self.0.iter().map(String::as_str), value).with_rule(Rule::Judged(problem))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.is_empty() {
            true => f.write_str("scenario"),
            false => f.write_str(&self.0.join("/")),
        }
    }
}
