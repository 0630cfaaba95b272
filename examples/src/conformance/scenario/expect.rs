//! What must hold: storage, balances and answers of runtime APIs against the chain's newest block; events in
//! a file of their own.

mod compute;
mod events;

use serde_json::Value as Json;
use tensor_chain::codec::EventRecord;
use tensor_core::call::Value;

use super::entry::{self, Entry};
use super::stage::Stage;
use super::step::Checks;
use super::typed::{Reader, Shape, named_fields, short};
use super::{Place, is_remark};
use crate::conformance::Computed;
use crate::conformance::chain::value::to_json;

/// Checks everything; `own` are the events of the call whose step it is, else those of all blocks count.
pub(super) fn check(
    stage: &Stage,
    checks: &Checks,
    own: Option<&[EventRecord]>,
    computed: &mut Vec<Computed>,
) -> Result<(), String> {
    if let Some((place, json)) = &checks.storage {
        for entry in entry::entries(stage.interface(), place, json)? {
            computed.push(stored(stage, &entry)?);
        }
    }
    if let Some((place, json)) = &checks.events {
        events::check(stage, place, json, own, computed)?;
    }
    if let Some((place, json)) = &checks.balances {
        balances(stage, place, json, computed)?;
    }
    if let Some((place, json)) = &checks.runtime {
        runtime(stage, place, json, computed)?;
    }
    if let Some((place, json)) = &checks.compute {
        compute::check(&stage.accounts, place, json, computed)?;
    }
    Ok(())
}

fn stored(stage: &Stage, entry: &Entry) -> Result<Computed, String> {
    let inside = |problem| format!("{}: {}.{}: {problem}", entry.place, entry.pallet, entry.item);
    let (ty, value, is_stored) = stage.value(entry).map_err(inside)?;
    let shown = value.as_ref().map_or(Json::Null, to_json);
    let problem = match (&entry.value, &value) {
        (None, _) => Some("the file expects nothing here".to_owned()),
        (Some(Json::Null), _) if !is_stored => None,
        (Some(Json::String(text)), None) if text == "None" => None,
        (Some(expected), None) => Some(format!("expected {}, computed nothing", short(expected))),
        (Some(expected), Some(value)) => {
            let expected = match expected {
                Json::Object(fields) if fields.len() == 1 && !is_map(stage, ty) => {
                    fields.get("Some").unwrap_or(expected)
                }
                expected => expected,
            };
            stage.reader().differs(ty, expected, value).err()
        }
    };
    let problem = problem.map(|problem| format!("{}.{}: {problem}", entry.pallet, entry.item));
    Ok(entry.place.judged(entry.value.as_ref(), shown, problem))
}

/// Whether objects are written for this type by keys that may be called anything.
fn is_map(stage: &Stage, ty: u32) -> bool {
    matches!(stage.reader().shape(ty), Shape::List(..))
}

fn balances(
    stage: &Stage,
    place: &Place,
    json: &Json,
    computed: &mut Vec<Computed>,
) -> Result<(), String> {
    match json {
        Json::Object(fields) => {
            for (name, expected) in fields {
                let at = place.field(name);
                computed.push(balance(stage, &at, &Json::from(name.clone()), Some(expected))?);
            }
            Ok(())
        }
        Json::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                let at = place.item(n);
                let Json::Object(fields) = item else {
                    return Err(format!("{at}: {{\"account\", \"free\"}} is wanted"));
                };
                let names = ["account", "who", "address", "signer"];
                let who = names.iter().find_map(|name| fields.get(*name));
                let who = who.ok_or_else(|| format!("{at}: the field \"account\" is missing"))?;
                for (name, expected) in fields {
                    if names.contains(&name.as_str()) || is_remark(name) {
                        continue;
                    }
                    let free = ["free", "rao", "balance", "amount", "value"];
                    let part = if free.contains(&name.as_str()) { "free" } else { name };
                    let problem = part_of_account(stage, &at.field(name), who, part, expected)?;
                    computed.push(problem);
                }
            }
            Ok(())
        }
        _ => Err(format!("{place}: an object of accounts and their rao is wanted")),
    }
}

/// An account's free rao, or the parts of it that are named.
fn balance(
    stage: &Stage,
    place: &Place,
    who: &Json,
    expected: Option<&Json>,
) -> Result<Computed, String> {
    let ranges = ["approx", "within", "tolerance", "min", "max"];
    match expected {
        Some(Json::Object(fields))
            if !fields.keys().all(|name| ranges.contains(&name.as_str())) =>
        {
            let mut problems = Vec::new();
            let mut shown = serde_json::Map::new();
            for (name, expected) in fields {
                let (ty, value) = account_part(stage, place, who, name)?;
                shown.insert(name.clone(), to_json(&value));
                if let Err(problem) = stage.reader().differs(ty, expected, &value) {
                    problems.push(format!("{name}: {problem}"));
                }
            }
            let problem = (!problems.is_empty()).then(|| problems.join("; "));
            let expected = Some(Json::Object(fields.clone()));
            Ok(place.judged(expected.as_ref(), Json::Object(shown), problem))
        }
        // An account of nothing.
        Some(Json::Null) => part_of_account(stage, place, who, "free", &Json::from(0)),
        Some(expected) => part_of_account(stage, place, who, "free", expected),
        None => Err(format!("{place}: nothing is expected")),
    }
}

fn part_of_account(
    stage: &Stage,
    place: &Place,
    who: &Json,
    part: &str,
    expected: &Json,
) -> Result<Computed, String> {
    let (ty, value) = account_part(stage, place, who, part)?;
    let problem = stage.reader().differs(ty, expected, &value).err();
    Ok(place.judged(Some(expected), to_json(&value), problem))
}

/// A part of an account, of its data or of itself, and that part's type.
fn account_part(
    stage: &Stage,
    place: &Place,
    who: &Json,
    part: &str,
) -> Result<(u32, Value), String> {
    let inside = |problem: String| format!("{place}: {problem}");
    let account = stage.accounts.account(who).map_err(inside)?;
    let entry = Entry {
        place: place.clone(),
        pallet: "System".to_owned(),
        item: "Account".to_owned(),
        keys: vec![Json::from(account.to_string())],
        value: None,
    };
    let (ty, info, _) = stage.value(&entry).map_err(inside)?;
    let info = info.ok_or_else(|| inside("there is no account".to_owned()))?;
    let reader = stage.reader();
    let data = field(&reader, ty, &info, "data");
    let of_data = |name: &str| {
        let (ty, data) = data.as_ref()?;
        field(&reader, *ty, data, name)
    };
    if part == "total" {
        let sum = |name| of_data(name).and_then(|(ty, value)| Some((ty, value.as_u128()?)));
        if let (Some((ty, free)), Some((_, reserved))) = (sum("free"), sum("reserved")) {
            return Ok((ty, Value::Uint(free.saturating_add(reserved))));
        }
    }
    let found = of_data(part).or_else(|| field(&reader, ty, &info, part));
    found.ok_or_else(|| {
        inside(format!(
            "no part {part:?} of an account: free, reserved, frozen, total, nonce, providers"
        ))
    })
}

/// A field of a record with its type.
fn field(reader: &Reader<'_>, ty: u32, value: &Value, name: &str) -> Option<(u32, Value)> {
    let Shape::Record(fields) = reader.shape(ty) else { return None };
    let field = fields.iter().find(|field| field.name.as_deref() == Some(name))?;
    Some((field.ty.id, value.field(name)?.clone()))
}

/// Answers of runtime APIs.
fn runtime(
    stage: &Stage,
    place: &Place,
    json: &Json,
    computed: &mut Vec<Computed>,
) -> Result<(), String> {
    let forms = "runtime is a list of {\"api\": \"Trait.method\", \"args\", \"value\"}";
    let items = json.as_array().ok_or_else(|| format!("{place}: {forms}"))?;
    for (n, item) in items.iter().enumerate() {
        let at = place.item(n);
        let inside = |problem: String| format!("{at}: {problem}");
        let Json::Object(fields) = item else { return Err(inside(forms.to_owned())) };
        let known = ["api", "method", "args", "params", "value", "result"];
        if let Some(other) = fields.keys().find(|f| !known.contains(&f.as_str()) && !is_remark(f)) {
            return Err(inside(format!("unknown field {other:?}; {forms}")));
        }
        let text = |name: &str| fields.get(name).and_then(Json::as_str);
        let api = text("api").ok_or_else(|| inside(forms.to_owned()))?;
        let full = match text("method") {
            Some(method) => format!("{api}_{method}"),
            None => api.replacen(['.', ':'], "_", 1).replace(':', ""),
        };
        let interface = stage.interface();
        let method = interface.api(&full);
        let method = method.ok_or_else(|| inside(format!("the runtime has no API {api}")))?;
        let reader = stage.reader();
        let names: Vec<String> = method.inputs.iter().map(|input| input.name.clone()).collect();
        let args = fields.get("args").or_else(|| fields.get("params")).unwrap_or(&Json::Null);
        let given = named_fields(&names, args).map_err(inside)?;
        let mut values = Vec::new();
        for input in &method.inputs {
            let json = given.get(&input.name).unwrap_or(&Json::Null);
            let value = reader.read(input.ty, json);
            values.push(value.map_err(|problem| inside(format!("{}: {problem}", input.name)))?);
        }
        let codec = stage.metadata.runtime_api(&method.api, &method.method);
        let codec = codec.map_err(|error| inside(error.to_string()))?;
        let args = codec.encode_args(&values).map_err(|error| inside(error.to_string()))?;
        let answer = stage.chain.call_api(&full, &args);
        let answer = answer.map_err(|error| inside(error.to_string()))?;
        let value = codec.decode(&answer).map_err(|error| inside(error.to_string()))?;
        let name = if fields.contains_key("result") { "result" } else { "value" };
        let problem = match fields.get(name) {
            Some(expected) => reader.differs(method.output, expected, &value).err(),
            None => Some("the file expects nothing here".to_owned()),
        };
        computed.push(at.field(name).judged(fields.get(name), to_json(&value), problem));
    }
    Ok(())
}
