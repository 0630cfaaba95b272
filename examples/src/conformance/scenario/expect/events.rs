//! Events that must happen, in their order, others between them; events that must not.

mod names;

use serde_json::{Map, Value as Json};
use tensor_chain::codec::{EventRecord, Phase};
use tensor_chain::local::Interface;
use tensor_chain::local::interface::Variant;
use tensor_core::call::Value;

use crate::conformance::Computed;
use crate::conformance::chain::value::to_json;
use crate::conformance::scenario::number;
use crate::conformance::scenario::stage::Stage;
use crate::conformance::scenario::typed::{named_fields, short};
use crate::conformance::scenario::{Place, is_remark};

const FORMS: &str = "an event is \"Pallet.Name\" or {\"event\": \"Pallet.Name\", \"fields\", \"block\", \"phase\", \"absent\", \"count\"}";

/// What one event must be.
struct Wanted<'a> {
    place: Place,
    json: Json,
    pallet: (&'a str, u8),
    event: &'a Variant,
    fields: Map<String, Json>,
    block: Option<u64>,
    phase: Option<Json>,
    absent: bool,
    count: Option<u64>,
}

pub(super) fn check(
    stage: &Stage,
    place: &Place,
    json: &Json,
    own: Option<&[EventRecord]>,
    computed: &mut Vec<Computed>,
) -> Result<(), String> {
    let mut all = Vec::new();
    match json {
        Json::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                all.push(wanted(stage.interface(), &place.item(n), item)?);
            }
        }
        Json::Object(fields) => {
            for (name, item) in fields {
                let single = Json::Object(Map::from_iter([(name.clone(), item.clone())]));
                let mut event = wanted(stage.interface(), &place.field(name), &single)?;
                event.json = item.clone();
                all.push(event);
            }
        }
        _ => return Err(format!("{place}: a list is wanted; {FORMS}")),
    }
    let happened = happened(stage, own, &all)?;
    let mut next = 0;
    for event in &all {
        let right = |(block, record): &&(u64, EventRecord)| event.is(stage, *block, record).is_ok();
        if event.absent || event.count.is_some() {
            let count = happened.iter().filter(right).count() as u64;
            let wanted = event.count.unwrap_or(0);
            let problem = (count != wanted)
                .then(|| format!("expected {wanted} of {}, computed {count}", event.name()));
            let shown = Json::from(count);
            computed.push(event.place.judged(Some(&event.json), shown, problem));
            continue;
        }
        let rest = happened.get(next..).unwrap_or_default();
        match rest.iter().position(|seen| right(&seen)) {
            Some(at) => {
                next += at + 1;
                computed.push(event.place.judged(Some(&event.json), Json::Null, None));
            }
            None => {
                let (problem, shown) = event.missing(stage, rest, &happened);
                computed.push(event.place.judged(Some(&event.json), shown, Some(problem)));
            }
        }
    }
    Ok(())
}

/// Everything that happened under one of the wanted names, with its block.
fn happened(
    stage: &Stage,
    own: Option<&[EventRecord]>,
    all: &[Wanted<'_>],
) -> Result<Vec<(u64, EventRecord)>, String> {
    let is_wanted = |record: &EventRecord| {
        all.iter().any(|event| {
            event.pallet.0 == record.event.pallet && event.event.name == record.event.name
        })
    };
    if let Some(own) = own {
        let head = stage.head();
        return Ok(own.iter().filter(|r| is_wanted(r)).map(|r| (head, r.clone())).collect());
    }
    let mut happened = Vec::new();
    for (block, bytes) in &stage.events {
        // Most blocks hold none of the names: two bytes tell.
        let pair = |event: &Wanted<'_>| [event.pallet.1, event.event.index];
        let any = all.iter().any(|event| bytes.windows(2).any(|window| window == pair(event)));
        if !any {
            continue;
        }
        let records = stage.decode_events(bytes)?;
        happened.extend(records.into_iter().filter(is_wanted).map(|record| (*block, record)));
    }
    Ok(happened)
}

impl Wanted<'_> {
    fn name(&self) -> String {
        format!("{}.{}", self.pallet.0, self.event.name)
    }

    /// Whether an event that happened is the wanted one, or how it differs.
    fn is(&self, stage: &Stage, block: u64, record: &EventRecord) -> Result<(), String> {
        if record.event.pallet != self.pallet.0 || record.event.name != self.event.name {
            return Err("another event".to_owned());
        }
        if let Some(wanted) = self.block
            && wanted != block
        {
            return Err(format!("block: expected {wanted}, computed {block}"));
        }
        if let Some(phase) = &self.phase
            && !is_phase(phase, record.phase)
        {
            return Err(format!("phase: expected {}, computed {:?}", short(phase), record.phase));
        }
        let ids: Vec<u32> = self.event.fields.iter().map(|field| field.ty).collect();
        stage.reader().fields_differ(&ids, &self.fields, &record.event.fields)
    }

    /// Why the event is missing: the nearest of its name, and what is computed there.
    fn missing(
        &self,
        stage: &Stage,
        rest: &[(u64, EventRecord)],
        all: &[(u64, EventRecord)],
    ) -> (String, Json) {
        let named = |seen: &&(u64, EventRecord)| {
            seen.1.event.pallet == self.pallet.0 && seen.1.event.name == self.event.name
        };
        let right = |seen: &&(u64, EventRecord)| self.is(stage, seen.0, &seen.1).is_ok();
        if let Some((block, _)) = all.iter().find(right) {
            let problem = format!(
                "{} happened in block {block}, before the one that it is to follow",
                self.name()
            );
            return (problem, Json::Null);
        }
        // Of several of the name, the one of the wanted block.
        let in_block = |seen: &&(u64, EventRecord)| self.block.is_none_or(|block| block == seen.0);
        let near = rest.iter().filter(named).find(in_block);
        let near = near.or_else(|| rest.iter().find(named)).or_else(|| all.iter().find(named));
        let Some((block, record)) = near else {
            return (format!("{} did not happen", self.name()), Json::Null);
        };
        let problem = match self.is(stage, *block, record) {
            Err(problem) => format!("{} in block {block}: {problem}", self.name()),
            Ok(()) => format!("{} is out of order", self.name()),
        };
        let fields: Vec<(String, Value)> = record.event.fields.clone();
        let fields = match fields.iter().all(|(name, _)| name.parse::<usize>().is_ok()) {
            true => fields.iter().map(|(_, value)| to_json(value)).collect(),
            false => {
                Json::Object(fields.iter().map(|(n, value)| (n.clone(), to_json(value))).collect())
            }
        };
        (problem, serde_json::json!({ "event": self.name(), "block": block, "fields": fields }))
    }
}

fn is_phase(wanted: &Json, phase: Phase) -> bool {
    match (wanted, phase) {
        (Json::String(text), phase) => {
            format!("{phase:?}").split('(').next() == Some(text.as_str())
        }
        (Json::Object(fields), Phase::ApplyExtrinsic(index)) => {
            fields.get("ApplyExtrinsic").and_then(Json::as_u64) == Some(u64::from(index))
        }
        (json, Phase::ApplyExtrinsic(index)) => json.as_u64() == Some(u64::from(index)),
        _ => false,
    }
}

fn wanted<'a>(interface: &'a Interface, place: &Place, json: &Json) -> Result<Wanted<'a>, String> {
    let inside = |problem: String| format!("{place}: {problem}");
    let mut fields = Json::Null;
    let (mut block, mut phase, mut absent, mut count) = (None, None, false, None);
    let name = match json {
        Json::String(name) => name.clone(),
        Json::Object(object) => {
            let text = |names: &[&str]| names.iter().find_map(|name| object.get(*name)?.as_str());
            let name = text(&["event", "name", "variant", "event_id"]);
            match (name, object.iter().next()) {
                (Some(name), _) => {
                    for (field, value) in object {
                        match field.as_str() {
                            "event" | "name" | "variant" | "event_id" | "pallet" | "module"
                            | "module_id" => {}
                            "fields" | "args" | "data" | "attributes" | "values" => {
                                fields = value.clone();
                            }
                            "block" | "at" => block = Some(number::u64_of(value).map_err(inside)?),
                            "phase" | "extrinsic" => phase = Some(value.clone()),
                            "absent" | "not" | "never" => absent = value.as_bool().unwrap_or(true),
                            "count" | "times" => {
                                count = Some(number::u64_of(value).map_err(inside)?)
                            }
                            field if is_remark(field) => {}
                            field => {
                                return Err(inside(format!("unknown field {field:?}; {FORMS}")));
                            }
                        }
                    }
                    match text(&["pallet", "module", "module_id"]) {
                        Some(pallet) if !name.contains('.') => format!("{pallet}.{name}"),
                        _ => name.to_owned(),
                    }
                }
                (None, Some((name, value))) if object.len() == 1 => {
                    fields = value.clone();
                    name.clone()
                }
                _ => return Err(inside(FORMS.to_owned())),
            }
        }
        _ => return Err(inside(FORMS.to_owned())),
    };
    let (pallet, event) = find(interface, &name).map_err(inside)?;
    let position = |(at, name): (usize, &str)| match name {
        "" => at.to_string(),
        name => name.to_owned(),
    };
    let names = event.fields.iter().map(|field| field.name.as_str()).enumerate().map(position);
    let names: Vec<String> = names.collect();
    // A field without a name of its own goes by the rules'.
    let own = |field: String| match names::place(&event.name, &field) {
        Some(place) if !names.contains(&field) => place,
        _ => field,
    };
    let fields = match fields {
        Json::Object(given) => {
            given.into_iter().map(|(field, value)| (own(field), value)).collect()
        }
        fields => fields,
    };
    let fields = match fields {
        Json::Bool(true) => Map::new(),
        fields => named_fields(&names, &fields).map_err(|p| inside(format!("{name}: {p}")))?,
    };
    // In a list, `null` stands for a field that does not matter; by name it is an expectation.
    let listed = matches!(json, Json::Object(object) if object.values().any(Json::is_array));
    let fields = fields.into_iter().filter(|(_, value)| !(listed && value.is_null())).collect();
    let (place, json) = (place.clone(), json.clone());
    Ok(Wanted { place, json, pallet, event, fields, block, phase, absent, count })
}

/// The event of that name, and its pallet's name and index.
fn find<'a>(interface: &'a Interface, name: &str) -> Result<((&'a str, u8), &'a Variant), String> {
    let parts = name.split_once('.').or_else(|| name.split_once("::"));
    let named = |pallet: &'a tensor_chain::local::interface::Pallet, name: &str| {
        let event = pallet.events.iter().find(|event| event.name == name)?;
        Some(((pallet.name.as_str(), pallet.index), event))
    };
    if let Some((pallet, event)) = parts {
        let found = interface.pallet(pallet).and_then(|pallet| named(pallet, event));
        return found.ok_or_else(|| format!("the runtime has no event {name}"));
    }
    let own = interface.pallet("SubtensorModule").and_then(|pallet| named(pallet, name));
    if let Some(own) = own {
        return Ok(own);
    }
    let found: Vec<_> =
        interface.pallets().iter().filter_map(|pallet| named(pallet, name)).collect();
    match found.as_slice() {
        [only] => Ok(*only),
        [] => Err(format!("the runtime has no event {name:?}; {FORMS}")),
        _ => Err(format!("several pallets have an event {name}: name the pallet")),
    }
}
