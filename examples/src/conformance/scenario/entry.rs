//! Storage entries as scenarios name them, in expectations and where a step writes them: a list of
//! `{pallet, item, keys, value}`, or objects by name.

use serde_json::{Map, Value as Json};
use tensor_chain::local::Interface;
use tensor_chain::local::interface::StorageItem;

use super::typed::short;
use super::{Place, is_remark};

/// One entry.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Where its value stands in the document.
    pub(super) place: Place,
    pub(super) pallet: String,
    pub(super) item: String,
    pub(super) keys: Vec<Json>,
    /// `None` where the document leaves it out.
    pub(super) value: Option<Json>,
}

const FORMS: &str = "storage is a list of {\"pallet\", \"item\", \"keys\", \"value\"}, or an object such as \
    {\"SubtensorModule.SubnetTAO\": {\"1\": 1000}}, {\"SubtensorModule.SubnetTAO(1)\": 1000}";

/// All entries of a part of the document.
pub(super) fn entries(
    interface: &Interface,
    place: &Place,
    json: &Json,
) -> Result<Vec<Entry>, String> {
    match json {
        Json::Null => Ok(Vec::new()),
        Json::Array(items) => {
            let mut all = Vec::new();
            for (at, item) in items.iter().enumerate() {
                all.extend(listed(interface, &place.item(at), item)?);
            }
            Ok(all)
        }
        Json::Object(fields) => by_name(interface, place, fields),
        _ => Err(format!("{place}: {FORMS}")),
    }
}

/// An entry of a list.
fn listed(interface: &Interface, place: &Place, json: &Json) -> Result<Vec<Entry>, String> {
    let Json::Object(fields) = json else { return Err(format!("{place}: {FORMS}")) };
    let own = ["pallet", "module", "item", "storage", "storage_function", "entry", "name"];
    let values = ["value", "expected", "expect", "equals"];
    let keys = ["keys", "key", "params", "args"];
    if !fields.keys().any(|name| own.contains(&name.as_str())) {
        return by_name(interface, place, fields);
    }
    let known = |name: &str| {
        [&own[..], &values, &keys].iter().any(|list| list.contains(&name)) || is_remark(name)
    };
    if let Some(other) = fields.keys().find(|name| !known(name)) {
        return Err(format!("{place}: unknown field {other:?}; {FORMS}"));
    }
    let text = |names: &[&str]| names.iter().find_map(|name| fields.get(*name)?.as_str());
    let item = text(&["item", "storage_function", "storage", "entry", "name"]);
    let Some(item) = item else { return Err(format!("{place}: the field \"item\" is missing")) };
    let (named, given) = split(item);
    let (pallet, item) = match (text(&["pallet", "module"]), named) {
        (Some(pallet), (None, item)) => (pallet.to_owned(), item),
        (_, (Some(pallet), item)) => (pallet, item),
        (None, (None, item)) => {
            (pallet_of(interface, &item).map_err(|e| format!("{place}: {e}"))?, item)
        }
    };
    let found = storage(interface, &pallet, &item).map_err(|e| format!("{place}: {e}"))?;
    let keys = match keys.iter().find_map(|name| fields.get(*name)) {
        None | Some(Json::Null) => given,
        // One key may be a list itself: of bytes, or a tuple.
        Some(Json::Array(keys)) if keys.len() == found.keys.len() => keys.clone(),
        Some(key) if found.keys.len() == 1 => vec![key.clone()],
        Some(Json::Array(keys)) => keys.clone(),
        Some(key) => vec![key.clone()],
    };
    let name = values.into_iter().find(|name| fields.contains_key(*name)).unwrap_or("value");
    Ok(vec![Entry {
        place: place.field(name),
        pallet: found.pallet.clone(),
        item: found.name.clone(),
        keys,
        value: fields.get(name).cloned(),
    }])
}

/// Entries by the names of their items: `{"Pallet.Item": …}`, `{"Pallet": {"Item": …}}`.
fn by_name(
    interface: &Interface,
    place: &Place,
    fields: &Map<String, Json>,
) -> Result<Vec<Entry>, String> {
    let mut all = Vec::new();
    for (name, json) in fields {
        if is_remark(name) {
            continue;
        }
        let place = place.field(name);
        if let (Some(pallet), Json::Object(items)) = (interface.pallet(name), json) {
            for (item, json) in items {
                let name = format!("{}.{item}", pallet.name);
                all.extend(below(interface, place.field(item), &name, json)?);
            }
            continue;
        }
        all.extend(below(interface, place, name, json)?);
    }
    Ok(all)
}

/// The entries under one name: its value, or its values by keys.
fn below(
    interface: &Interface,
    place: Place,
    name: &str,
    json: &Json,
) -> Result<Vec<Entry>, String> {
    let inside = |problem: String| format!("{place}: {problem}");
    let (pallet, item) = match split(name) {
        ((Some(pallet), item), _) => (pallet, item),
        ((None, item), _) => (pallet_of(interface, &item).map_err(inside)?, item),
    };
    let keys = split(name).1;
    let found = storage(interface, &pallet, &item).map_err(inside)?;
    let mut all = Vec::new();
    collect(found, place, keys, json, &mut all)?;
    Ok(all)
}

/// Goes down objects (and lists of pairs) until all keys are given.
fn collect(
    item: &StorageItem,
    place: Place,
    keys: Vec<Json>,
    json: &Json,
    all: &mut Vec<Entry>,
) -> Result<(), String> {
    let missing = item.keys.len().saturating_sub(keys.len());
    if missing == 0 {
        let (pallet, name) = (item.pallet.clone(), item.name.clone());
        all.push(Entry { place, pallet, item: name, keys, value: Some(json.clone()) });
        return Ok(());
    }
    match json {
        Json::Object(fields) => {
            for (key, json) in fields {
                let mut keys = keys.clone();
                keys.extend(split_keys(key));
                collect(item, place.field(key), keys, json, all)?;
            }
            Ok(())
        }
        // Pairs of key and value, or all keys and the value in one list.
        Json::Array(pairs) => {
            for (at, pair) in pairs.iter().enumerate() {
                let parts = pair.as_array().map(Vec::as_slice).unwrap_or_default();
                let Some((value, given)) = parts.split_last() else {
                    return Err(format!("{}: a key and a value are wanted", place.item(at)));
                };
                let given = match given {
                    [Json::Array(several)] if several.len() == missing => several.clone(),
                    given => given.to_vec(),
                };
                let mut keys = keys.clone();
                keys.extend(given);
                collect(item, place.item(at).item(parts.len() - 1), keys, value, all)?;
            }
            Ok(())
        }
        other => Err(format!(
            "{place}: {}.{} has {missing} more keys; {} names none",
            item.pallet,
            item.name,
            short(other)
        )),
    }
}

/// `Pallet.Item(key, key)` in its parts.
fn split(name: &str) -> ((Option<String>, String), Vec<Json>) {
    let (name, keys) = match name.split_once(['(', '[']) {
        Some((name, keys)) => (name, split_keys(keys.trim_end_matches([')', ']']))),
        None => (name, Vec::new()),
    };
    let parts = name.split_once('.').or_else(|| name.split_once("::"));
    match parts {
        // `Pallet.Item.key`, too.
        Some((pallet, item)) if keys.is_empty() && item.contains('.') => {
            let (item, rest) = item.split_once('.').unwrap_or((item, ""));
            (
                (Some(pallet.trim().to_owned()), item.trim().to_owned()),
                split_keys(&rest.replace('.', ",")),
            )
        }
        Some((pallet, item)) => ((Some(pallet.trim().to_owned()), item.trim().to_owned()), keys),
        None => ((None, name.trim().to_owned()), keys),
    }
}

/// Keys in one text, by commas. Numbers are numbers, everything else is text.
fn split_keys(text: &str) -> Vec<Json> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| part.parse::<u64>().map_or_else(|_| Json::from(part), Json::from)).collect()
}

fn storage<'a>(
    interface: &'a Interface,
    pallet: &str,
    item: &str,
) -> Result<&'a StorageItem, String> {
    let missing = || format!("the runtime has no storage item {pallet}.{item}");
    interface.storage(pallet, item).ok_or_else(missing)
}

/// The pallet that has an item of that name: the subtensor pallet, or the only one.
fn pallet_of(interface: &Interface, item: &str) -> Result<String, String> {
    if interface.storage("SubtensorModule", item).is_some() {
        return Ok("SubtensorModule".to_owned());
    }
    let pallets = interface.pallets().iter().filter(|p| p.storage.iter().any(|s| s.name == item));
    match pallets.collect::<Vec<_>>().as_slice() {
        [only] => Ok(only.name.clone()),
        [] => Err(format!("the runtime has no storage item {item:?}; {FORMS}")),
        _ => Err(format!("several pallets have an item {item}: name the pallet")),
    }
}
