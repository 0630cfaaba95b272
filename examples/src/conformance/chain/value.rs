//! Values of the chain as the vectors write them: accounts in ss58, bytes in hexadecimal, integers as
//! numbers of any size, enums as a name or an object of one field.

use serde_json::{Map, Value as Json};
use tensor_core::account::AccountId;
use tensor_core::call::{Call, Value};

use crate::conformance::numbers;

/// A parameter.
pub(super) fn from_json(json: &Json) -> Result<Value, String> {
    if let Some(digits) = numbers::digits(json) {
        let integer = digits.parse().map(Value::Uint).or_else(|_| digits.parse().map(Value::Int));
        return integer.map_err(|_| format!("{digits} is no integer of 128 bits"));
    }
    Ok(match json {
        Json::Bool(value) => Value::from(*value),
        Json::String(text) => match text.strip_prefix("0x").map(hex::decode) {
            Some(Ok(bytes)) => Value::Bytes(bytes),
            _ => match text.parse::<AccountId>() {
                Ok(account) => Value::Account(account),
                Err(_) => Value::unit(text.clone()),
            },
        },
        Json::Array(items) => Value::List(items.iter().map(from_json).collect::<Result<_, _>>()?),
        // A call with its arguments beside its name.
        Json::Object(call) => {
            let part = |name: &str| {
                let text = call.get(name).and_then(Json::as_str);
                text.ok_or_else(|| format!("a nested call without its {name}"))
            };
            let mut inner = Call::new(part("module")?, part("function")?);
            for (name, param) in call {
                if name != "module" && name != "function" {
                    inner = inner.arg(name.clone(), from_json(param)?);
                }
            }
            inner.into()
        }
        Json::Null | Json::Number(_) => Value::Option(None),
    })
}

/// A decoded value.
pub(in crate::conformance) fn to_json(value: &Value) -> Json {
    match value {
        Value::Bool(value) => Json::from(*value),
        Value::Uint(value) => numbers::integer(value),
        Value::Int(value) => numbers::integer(value),
        Value::Account(account) => Json::from(account.to_string()),
        Value::Bytes(bytes) => Json::from(super::entry::hexadecimal(bytes)),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Record(fields) => fields_to_json(fields),
        Value::Option(value) => value.as_ref().map_or(Json::Null, |value| to_json(value)),
        Value::Variant(name, fields) => match fields.as_slice() {
            [] => Json::from(name.clone()),
            // A field without a name stands for itself.
            [(position, value)] if position == "0" => one(name, to_json(value)),
            fields => one(name, fields_to_json(fields)),
        },
        Value::Call(call) => {
            let mut object = Map::new();
            object.insert("call_module".to_owned(), Json::from(call.pallet.clone()));
            object.insert("call_function".to_owned(), Json::from(call.name.clone()));
            object.insert("call_args".to_owned(), fields_to_json(&call.args));
            Json::Object(object)
        }
        other => Json::from(format!("{other:?}")),
    }
}

pub(in crate::conformance) fn fields_to_json(fields: &[(String, Value)]) -> Json {
    Json::Object(fields.iter().map(|(name, value)| (name.clone(), to_json(value))).collect())
}

fn one(name: &str, value: Json) -> Json {
    Json::Object(Map::from_iter([(name.to_owned(), value)]))
}
