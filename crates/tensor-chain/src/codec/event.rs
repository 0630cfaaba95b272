//! What happened in a block: `System.Events`.

use tensor_core::call::Value;
use tensor_core::receipt::Event;

use super::decode::DecodeError;

/// An event and when in the block it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventRecord {
    /// When.
    pub phase: Phase,
    /// What.
    pub event: Event,
}

/// When in a block something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Before the extrinsics: epochs, emission, reveals.
    Initialization,
    /// During the extrinsic of that index.
    ApplyExtrinsic(u32),
    /// After the extrinsics.
    Finalization,
}

/// Takes the decoded `System.Events` apart.
pub(crate) fn records(value: Value) -> Result<Vec<EventRecord>, DecodeError> {
    let Value::List(records) = value else { return Err(DecodeError::invalid("list of events")) };
    records
        .into_iter()
        .enumerate()
        .map(|(place, value)| {
            record(value).ok_or_else(|| DecodeError::invalid("event").inside(place.to_string()))
        })
        .collect()
}

fn record(value: Value) -> Option<EventRecord> {
    let Value::Record(fields) = value else { return None };
    let mut phase = None;
    let mut event = None;
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("phase", Value::Variant(name, fields)) => phase = read_phase(&name, &fields),
            // The outer variant is the pallet, its only field the event.
            ("event", Value::Variant(pallet, fields)) => {
                if let Some((_, Value::Variant(name, fields))) = fields.into_iter().next() {
                    event = Some(Event::new(pallet, name, fields));
                }
            }
            _ => {}
        }
    }
    Some(EventRecord { phase: phase?, event: event? })
}

fn read_phase(name: &str, fields: &[(String, Value)]) -> Option<Phase> {
    match (name, fields) {
        ("Initialization", _) => Some(Phase::Initialization),
        ("Finalization", _) => Some(Phase::Finalization),
        ("ApplyExtrinsic", [(_, index)]) => {
            Some(Phase::ApplyExtrinsic(index.as_u128()?.try_into().ok()?))
        }
        _ => None,
    }
}
