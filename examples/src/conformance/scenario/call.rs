//! Calls as scenarios name them: by pallet and name, or by the name alone where one pallet has it, with
//! their arguments by name.

use serde_json::{Map, Value as Json};
use tensor_chain::local::Interface;
use tensor_chain::local::interface::CallItem;
use tensor_core::call::Call;

use super::typed::{Reader, named_fields, short};

/// The call that a text names: `Pallet.call`, `Pallet::call`, or `call`.
///
/// A name that several pallets have is the subtensor pallet's, if that has it.
fn find<'a>(interface: &'a Interface, name: &str) -> Result<&'a CallItem, String> {
    let parts = name.split_once('.').or_else(|| name.split_once("::"));
    let parts = parts.or_else(|| name.split_once('/'));
    if let Some((pallet, call)) = parts {
        let found = interface.call(pallet, call).or_else(|| {
            let pallet =
                interface.pallets().iter().find(|p| p.name.eq_ignore_ascii_case(pallet))?;
            interface.call(&pallet.name, call)
        });
        return found.ok_or_else(|| format!("the runtime has no call {name}"));
    }
    let own = interface.call("SubtensorModule", name);
    let mut all = interface.pallets().iter().flat_map(|pallet| &pallet.calls);
    if let Some(own) = own {
        return Ok(own);
    }
    let named: Vec<&CallItem> = all.by_ref().filter(|call| call.name == name).collect();
    match named.as_slice() {
        [only] => Ok(only),
        [] => Err(format!("the runtime has no call {name:?}; a call is \"Pallet.name\"")),
        several => {
            let names: Vec<_> =
                several.iter().map(|call| format!("{}.{name}", call.pallet_name)).collect();
            Err(format!("{name} may be {}", names.join(" or ")))
        }
    }
}

/// The call of that name with these arguments: an object by name, or a list in the call's order.
fn read(reader: &Reader<'_>, name: &str, args: Option<&Json>) -> Result<Call, String> {
    let item = find(reader.interface, name)?;
    let mut call = Call::new(item.pallet_name.clone(), item.name.clone());
    let names: Vec<String> = item.args.iter().map(|arg| arg.name.clone()).collect();
    let inside = |problem: String| format!("{}.{}: {problem}", item.pallet_name, item.name);
    let given = named_fields(&names, args.unwrap_or(&Json::Null)).map_err(inside)?;
    for arg in &item.args {
        let json = match given.get(&arg.name) {
            Some(json) => json,
            // What may be absent is absent.
            None if matches!(reader.shape(arg.ty), super::typed::Shape::Option(_)) => &Json::Null,
            None => {
                let problem = format!(
                    "the argument {:?} is missing; the arguments are {}",
                    arg.name,
                    names.join(", ")
                );
                return Err(inside(problem));
            }
        };
        let value = reader.read(arg.ty, json);
        let value = value.map_err(|problem| inside(format!("argument {}: {problem}", arg.name)))?;
        call = call.arg(arg.name.clone(), value);
    }
    Ok(call)
}

/// The call of a step, in its fields.
pub(super) fn stated(reader: &Reader<'_>, fields: &Map<String, Json>) -> Result<Call, String> {
    if let Some(inner @ Json::Object(object)) = fields.get("call")
        && Named::of(object)?.is_none()
    {
        return nested(reader, inner);
    }
    let named = Named::of(fields)?.ok_or("the field \"call\" is missing")?;
    read(reader, &named.name, named.args)
}

/// A call inside another one: `{"call": name, "args": …}`, or `{name: args}`.
pub(super) fn nested(reader: &Reader<'_>, json: &Json) -> Result<Call, String> {
    match json {
        Json::String(name) => read(reader, name, None),
        Json::Object(fields) => {
            if let Some(parts) = Named::of(fields)? {
                return read(reader, &parts.name, parts.args);
            }
            match fields.iter().next() {
                Some((name, args)) if fields.len() == 1 => match args {
                    // The pallet, then the call.
                    Json::Object(inner)
                        if !name.contains('.') && reader.interface.pallet(name).is_some() =>
                    {
                        match inner.iter().next() {
                            Some((call, args)) if inner.len() == 1 => {
                                read(reader, &format!("{name}.{call}"), Some(args))
                            }
                            _ => Err(format!("{} names no call", short(json))),
                        }
                    }
                    args => read(reader, name, Some(args)),
                },
                _ => Err(format!("{} names no call", short(json))),
            }
        }
        _ => Err(format!(
            "{} is no call ({{\"call\": \"Pallet.name\", \"args\": {{…}}}})",
            short(json)
        )),
    }
}

/// A call's name and arguments in the fields of an object.
struct Named<'a> {
    name: String,
    args: Option<&'a Json>,
}

/// Fields that may name a call.
const CALL: [&str; 5] = ["call", "function", "call_function", "method", "name"];
/// Fields that may name its pallet.
const PALLET: [&str; 4] = ["pallet", "module", "call_module", "section"];
/// Fields that may hold its arguments.
const ARGS: [&str; 4] = ["args", "params", "call_args", "arguments"];

impl<'a> Named<'a> {
    /// `None` where no field names a call.
    fn of(fields: &'a Map<String, Json>) -> Result<Option<Self>, String> {
        let one = |names: &[&str]| names.iter().find_map(|name| fields.get(*name));
        let Some(call) = one(&CALL) else { return Ok(None) };
        let args = one(&ARGS);
        let pallet = one(&PALLET).and_then(Json::as_str);
        let known = |name: &str| [&CALL[..], &PALLET, &ARGS].iter().any(|l| l.contains(&name));
        if let Some(other) = fields.keys().find(|name| !known(name)) {
            return Err(format!("unknown field {other:?} in a call"));
        }
        match call {
            Json::String(name) => {
                let name = match pallet {
                    Some(pallet) if !name.contains('.') => format!("{pallet}.{name}"),
                    _ => name.clone(),
                };
                Ok(Some(Self { name, args }))
            }
            Json::Object(inner) => Self::of(inner),
            other => Err(format!("{} names no call", short(other))),
        }
    }
}
