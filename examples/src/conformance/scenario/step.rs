//! The steps of a scenario as the document says them.

use serde_json::{Map, Value as Json};

use super::outcome::{ERROR, OK};
use super::typed::short;
use super::{Place, is_remark, number};
use crate::conformance::SchemaError;

/// One step: what is changed by hand, what is called, how far the chain goes, what then must hold.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) place: Place,
    pub(super) at: Option<At>,
    /// Changes by hand, in the order of the document.
    pub(super) controls: Vec<Control>,
    pub(super) call: Option<CallStep>,
    /// Blocks to make.
    pub(super) advance: Option<u64>,
    /// A subnet whose next epoch is to come.
    pub(super) epoch: Option<u16>,
    /// What the document expects of the call.
    pub(super) expect: Option<Json>,
    pub(super) checks: Checks,
}

/// When a step happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// In that block.
    Block(u64),
    /// That many blocks after the newest one.
    After(u64),
    /// In the block of the call before.
    Same,
    /// In the next block in which an epoch of that subnet runs.
    Epoch(u16),
}

/// A change by hand.
#[derive(Clone, Debug)]
pub(super) struct Control {
    pub(super) place: Place,
    pub(super) kind: ControlKind,
    pub(super) value: Json,
}

/// What is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ControlKind {
    Storage,
    Fund,
    Author,
    Fees,
    Time,
    Pulse,
}

/// A call of a step.
#[derive(Clone, Debug)]
pub(super) struct CallStep {
    /// Its name and arguments, as fields.
    pub(super) stated: Map<String, Json>,
    pub(super) signer: Option<Json>,
    pub(super) nonce: Option<u64>,
    pub(super) tip: u64,
    /// Blocks for which the extrinsic is valid; for ever unless said.
    pub(super) period: Option<u64>,
}

/// What must hold after a step or at the end, each with its place.
#[derive(Clone, Debug, Default)]
pub(super) struct Checks {
    pub(super) storage: Option<(Place, Json)>,
    pub(super) events: Option<(Place, Json)>,
    pub(super) balances: Option<(Place, Json)>,
    pub(super) runtime: Option<(Place, Json)>,
    pub(super) compute: Option<(Place, Json)>,
}

/// Fields of a step.
const FIELDS: &str = "at, signer, call (with pallet), args, expect; advance, epoch; storage, fund, author, fees, time, \
    pulse; nonce, tip, period";

impl Step {
    pub(super) fn read(place: &Place, json: &Json) -> Result<Self, SchemaError> {
        let Json::Object(fields) = json else {
            return Err(place.wrong(format!("a step is an object; its fields are {FIELDS}")));
        };
        let mut step = Self {
            place: place.clone(),
            at: None,
            controls: Vec::new(),
            call: None,
            advance: None,
            epoch: None,
            expect: None,
            checks: Checks::default(),
        };
        // What belongs to the call.
        let mut call = Map::new();
        let (mut signer, mut nonce, mut tip, mut period) = (None, None, None, None);
        for (name, value) in fields {
            let at = place.field(name);
            let number = || number::u64_of(value).map_err(|problem| at.wrong(problem));
            let netuid = || {
                let value = number::u64_of(value).ok().and_then(|value| u16::try_from(value).ok());
                value.ok_or_else(|| at.wrong("a netuid is wanted"))
            };
            let control = |kind| Control { place: at.clone(), kind, value: value.clone() };
            match name.as_str() {
                "at" | "block" if value.is_null() => {}
                "at" | "block" => step.at = Some(read_at(&at, value)?),
                "signer" | "who" | "from" | "origin" => signer = Some(value.clone()),
                "call" | "pallet" | "module" | "function" | "method" | "args" | "params" => {
                    call.insert(name.clone(), value.clone());
                }
                "advance" | "blocks" => {
                    let blocks = number::blocks_of(value).map_err(|problem| at.wrong(problem))?;
                    step.advance = Some(blocks);
                }
                "epoch" | "advance_to_epoch" => step.epoch = Some(netuid()?),
                "storage" | "set" | "set_storage" => {
                    step.controls.push(control(ControlKind::Storage));
                }
                "fund" | "funds" => step.controls.push(control(ControlKind::Fund)),
                "author" => step.controls.push(control(ControlKind::Author)),
                "fees" => step.controls.push(control(ControlKind::Fees)),
                "time" | "now_ms" => step.controls.push(control(ControlKind::Time)),
                "pulse" => step.controls.push(control(ControlKind::Pulse)),
                "nonce" => nonce = Some(number()?),
                "tip" => tip = Some(number()?),
                "period" | "era" | "mortality" => period = Some(read_period(&at, value)?),
                "expect" => {
                    step.expect = Some(value.clone());
                    let beside = std::mem::take(&mut step.checks);
                    step.checks = Checks::read(&at, value, true)?;
                    step.checks.events = step.checks.events.take().or(beside.events);
                    step.checks.balances = step.checks.balances.take().or(beside.balances);
                }
                // Beside `storage`, which writes, these can only be expectations.
                "events" if step.checks.events.is_none() => {
                    step.checks.events = Some((at, value.clone()));
                }
                "balances" if step.checks.balances.is_none() => {
                    step.checks.balances = Some((at, value.clone()));
                }
                name if is_remark(name) => {}
                name => {
                    let problem =
                        format!("unknown field {name:?}; the fields of a step are {FIELDS}");
                    return Err(place.wrong(problem));
                }
            }
        }
        let names = ["call", "function", "method"];
        let is_named = |call: &Map<String, Json>| names.iter().any(|name| call.contains_key(*name));
        // With a pallet beside it, the step's name is its call's.
        if let Some(name) = fields.get("name").filter(|_| !is_named(&call) && !call.is_empty()) {
            call.insert("call".to_owned(), name.clone());
        }
        if is_named(&call) {
            let (tip, period) = (tip.unwrap_or(0), period.flatten());
            step.call = Some(CallStep { stated: call, signer, nonce, tip, period });
        } else if !call.is_empty() || signer.is_some() {
            return Err(place.wrong("the field \"call\" is missing"));
        }
        Ok(step)
    }
}

impl Checks {
    /// What an `expect` asks for besides the outcome of a call, which only a step's may.
    pub(super) fn read(place: &Place, json: &Json, of_step: bool) -> Result<Self, SchemaError> {
        let mut checks = Self::default();
        let Json::Object(fields) = json else {
            return match of_step {
                true => Ok(checks),
                false => Err(place.wrong("an object of storage, events, balances is wanted")),
            };
        };
        for (name, value) in fields {
            let part = Some((place.field(name), value.clone()));
            match name.as_str() {
                "storage" => checks.storage = part,
                "events" => checks.events = part,
                "balances" | "balance" => checks.balances = part,
                "runtime" | "runtime_api" | "apis" => checks.runtime = part,
                "compute" | "functions" => checks.compute = part,
                name if of_step && OK.contains(&name) => {
                    if let Json::Object(inner) = value
                        && !inner.is_empty()
                    {
                        checks = Self::read(&place.field(name), value, false)?;
                    }
                }
                name if of_step && ERROR.contains(&name) => {}
                name if is_remark(name) => {}
                name => {
                    let also = if of_step { "ok, error, " } else { "" };
                    return Err(place.wrong(format!(
                        "unknown field {name:?}; the fields are {also}storage, events, balances, runtime, compute"
                    )));
                }
            }
        }
        Ok(checks)
    }

    /// Whether nothing is asked for.
    pub(super) fn is_empty(&self) -> bool {
        let Self { storage, events, balances, runtime, compute } = self;
        storage.is_none()
            && events.is_none()
            && balances.is_none()
            && runtime.is_none()
            && compute.is_none()
    }
}

fn read_at(place: &Place, json: &Json) -> Result<At, SchemaError> {
    let wrong = || {
        place.wrong(format!(
            "{} is no time of a step: a block's number, \"+5\", \"same\", \"next\", {{\"block\": N}}, \
             {{\"after\": N}}, {{\"epoch\": NETUID}}",
            short(json)
        ))
    };
    let number = |json: &Json| {
        let blocks = number::blocks_of(json);
        // What is no number at all is none of the forms.
        blocks.map_err(|problem| match number::u64_of(json) {
            Ok(_) => place.wrong(problem),
            Err(_) => wrong(),
        })
    };
    match json {
        Json::String(text) => match text.trim() {
            "same" => Ok(At::Same),
            "next" => Ok(At::After(1)),
            "genesis" | "start" => Ok(At::Block(0)),
            text => match text.strip_prefix('+') {
                Some(blocks) => number(&Json::from(blocks)).map(At::After),
                None => number(json).map(At::Block),
            },
        },
        Json::Object(fields) => match fields.iter().next() {
            Some((name, value)) if fields.len() == 1 => match name.as_str() {
                "block" | "at" => number(value).map(At::Block),
                "after" | "blocks" => number(value).map(At::After),
                "epoch" => number(value)?.try_into().map(At::Epoch).map_err(|_| wrong()),
                _ => Err(wrong()),
            },
            _ => Err(wrong()),
        },
        json => number(json).map(At::Block),
    }
}

fn read_period(place: &Place, json: &Json) -> Result<Option<u64>, SchemaError> {
    match json {
        Json::Null => Ok(None),
        Json::String(text) if text == "immortal" => Ok(None),
        Json::Object(fields) => match fields.get("period") {
            Some(period) => read_period(place, period),
            None => Err(place.wrong("a period in blocks, or \"immortal\"")),
        },
        json => number::u64_of(json).map(Some).map_err(|problem| place.wrong(problem)),
    }
}
