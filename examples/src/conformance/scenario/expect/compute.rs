//! Functions of the rules that no call of the chain shows by itself: a list of `{"function", "args", "value"}`.

use serde_json::{Map, Value as Json, json};
use tensor_chain::client::EpochSchedule;
use tensor_chain::client::weights::commit::{Drand, commit_hash, timelocked_payload};
use tensor_chain::local::runtime::root_claim_indices;
use tensor_core::weights::Weights;
use tensor_core::{Hotkey, Uid};

use crate::conformance::Computed;
use crate::conformance::scenario::account::Accounts;
use crate::conformance::scenario::number;
use crate::conformance::scenario::{Place, is_remark};

const FUNCTIONS: &str = "root_claim_indices {hash, count, total}, reveal_block and reveal_round {block, tempo, last_epoch, \
    pending_at, index, blocks_since_last_step, period, now, block_time}, commit_hash {hotkey, netuid, mecid, uids, values, salt, \
    version_key}, timelocked_payload {hotkey, uids, values, version_key}";

pub(super) fn check(
    accounts: &Accounts,
    place: &Place,
    json: &Json,
    computed: &mut Vec<Computed>,
) -> Result<(), String> {
    let items = json.as_array().ok_or_else(|| format!("{place}: a list is wanted"))?;
    for (n, item) in items.iter().enumerate() {
        let at = place.item(n);
        let inside = |problem: String| format!("{at}: {problem}; the functions are {FUNCTIONS}");
        let Json::Object(fields) = item else { return Err(inside("no object".to_owned())) };
        let known = ["function", "args", "value"];
        if let Some(other) = fields.keys().find(|f| !known.contains(&f.as_str()) && !is_remark(f)) {
            return Err(inside(format!("unknown field {other:?}")));
        }
        let function = fields.get("function").and_then(Json::as_str).unwrap_or_default();
        let args = fields.get("args").and_then(Json::as_object).cloned().unwrap_or_default();
        let value = value(accounts, function, &Args(args)).map_err(inside)?;
        let problem = match fields.get("value") {
            Some(expected) if *expected == value => None,
            Some(expected) => Some(format!("expected {expected}, computed {value}")),
            None => Some("the file expects nothing here".to_owned()),
        };
        computed.push(at.field("value").judged(fields.get("value"), value, problem));
    }
    Ok(())
}

fn value(accounts: &Accounts, function: &str, args: &Args) -> Result<Json, String> {
    match function {
        "root_claim_indices" => {
            let hash = args.bytes("hash")?;
            let hash = hash.try_into().map_err(|_| "hash has 32 bytes".to_owned())?;
            let indices = root_claim_indices(&hash, args.number("count")?, args.number("total")?);
            Ok(indices.into_iter().collect())
        }
        "reveal_block" => {
            let block = args.schedule()?.reveal_block(args.number("period")?);
            Ok(block.map_or(Json::Null, |block| Json::from(block.value())))
        }
        "reveal_round" => {
            let seconds = |name| Ok::<u64, String>(args.number(name)?.saturating_mul(1_000));
            // The rounds are quicknet's; the key is not asked for.
            let drand = Drand::dangerous_with_key([0; 96]);
            let (now, block_time) = (seconds("now")?, seconds("block_time")?);
            let period = args.number("period")?;
            Ok(Json::from(args.schedule()?.reveal_round(period, now, block_time, &drand)))
        }
        "commit_hash" => {
            let index = args.optional("mecid", 0)?.saturating_mul(4_096);
            let index = index.saturating_add(args.number("netuid")?);
            let index = u16::try_from(index).map_err(|_| "no storage index".to_owned())?;
            let (hotkey, weights) = (args.hotkey(accounts)?, args.weights()?);
            let key = args.number("version_key")?;
            let hash = commit_hash(&hotkey, index, &weights, &args.list("salt")?, key);
            Ok(json!(format!("0x{}", hex::encode(hash))))
        }
        "timelocked_payload" => {
            let (hotkey, weights) = (args.hotkey(accounts)?, args.weights()?);
            let payload = timelocked_payload(&hotkey, &weights, args.number("version_key")?);
            Ok(json!(format!("0x{}", hex::encode(payload))))
        }
        other => Err(format!("there is no function {other:?}")),
    }
}

/// The arguments of a function.
struct Args(Map<String, Json>);

impl Args {
    fn get(&self, name: &str) -> Result<&Json, String> {
        self.0.get(name).ok_or_else(|| format!("the argument {name:?} is missing"))
    }

    fn number(&self, name: &str) -> Result<u64, String> {
        number::u64_of(self.get(name)?).map_err(|problem| format!("{name}: {problem}"))
    }

    fn optional(&self, name: &str, default: u64) -> Result<u64, String> {
        if self.0.contains_key(name) { self.number(name) } else { Ok(default) }
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, String> {
        let text = self.get(name)?.as_str().unwrap_or_default();
        hex::decode(text.trim_start_matches("0x")).map_err(|_| format!("{name} is no hexadecimal"))
    }

    fn list(&self, name: &str) -> Result<Vec<u16>, String> {
        let items = self.get(name)?.as_array().ok_or_else(|| format!("{name} is no list"))?;
        let item =
            |item| u16::try_from(number::u64_of(item)?).map_err(|_| format!("{name}: no u16"));
        items.iter().map(item).collect()
    }

    fn hotkey(&self, accounts: &Accounts) -> Result<Hotkey, String> {
        accounts.account(self.get("hotkey")?).map(Hotkey::new)
    }

    fn weights(&self) -> Result<Weights, String> {
        let uids = self.list("uids")?.into_iter().map(Uid::new);
        Weights::new(uids.zip(self.list("values")?)).map_err(|error| error.to_string())
    }

    fn schedule(&self) -> Result<EpochSchedule, String> {
        let pending = self.optional("pending_at", 0)?;
        let schedule = json!({
            "block": self.number("block")?,
            "tempo": self.number("tempo")?,
            "last_epoch": self.number("last_epoch")?,
            "pending_at": (pending > 0).then_some(pending),
            "index": self.optional("index", 0)?,
            "blocks_since_last_step": self.optional("blocks_since_last_step", 0)?,
        });
        serde_json::from_value(schedule).map_err(|error| error.to_string())
    }
}
