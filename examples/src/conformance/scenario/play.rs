//! Playing a scenario: step by step, block by block, and then what must hold.

use serde_json::{Map, Value as Json};
use tensor_chain::codec::{DispatchFailure, EventRecord, Phase};
use tensor_chain::local::extrinsic::Extrinsic;
use tensor_core::account::AccountId;
use tensor_core::call::{Call, Value};

use super::outcome::{self, Outcome};
use super::setup::{amounts, flag};
use super::stage::Stage;
use super::step::{At, CallStep, Control, ControlKind, Step};
use super::{Scenario, call, entry, expect, number};
use crate::conformance::Computed;

/// Plays the scenario and says what came of everything that it expects.
pub(super) fn play(scenario: &Scenario) -> Result<Vec<Computed>, String> {
    let stage = Stage::new(&scenario.setup, scenario.checks.events.is_some())?;
    let mut play = Play { stage, block: Vec::new(), computed: Vec::new() };
    for (place, json) in &scenario.setup.storage {
        for entry in entry::entries(play.stage.interface(), place, json)? {
            play.stage.write(&entry).map_err(|problem| format!("{}: {problem}", entry.place))?;
        }
    }
    for step in &scenario.steps {
        // A problem may lie in the step before, whose block is made now, or in a part of this one.
        play.step(step).map_err(|problem| match problem.contains("steps/") {
            true => problem,
            false => format!("{}: {problem}", step.place),
        })?;
    }
    play.flush()?;
    if let Some(until) = scenario.until {
        play.stage.advance(until.saturating_sub(play.stage.head()));
    }
    expect::check(&play.stage, &scenario.checks, None, &mut play.computed)?;
    Ok(play.computed)
}

/// A scenario under way.
struct Play<'a> {
    stage: Stage,
    /// The calls of the block to come.
    block: Vec<Called<'a>>,
    computed: Vec<Computed>,
}

/// A call that was sent.
struct Called<'a> {
    step: &'a Step,
    signer: Option<AccountId>,
    /// Whether an error inside is the step's own: root's calls go through `Sudo.sudo`.
    sudo: bool,
    sent: Sent,
}

enum Sent {
    Waiting { extrinsic: Vec<u8>, call: Vec<u8> },
    Refused(Outcome),
}

impl<'a> Play<'a> {
    fn step(&mut self, step: &'a Step) -> Result<(), String> {
        self.go(step)?;
        for control in &step.controls {
            self.control(control).map_err(|problem| format!("{}: {problem}", control.place))?;
        }
        match &step.call {
            Some(call) => self.send(step, call)?,
            None => self.reach(step)?,
        }
        if let Some(blocks) = step.advance {
            self.flush()?;
            self.stage.advance(blocks);
        }
        if let Some(netuid) = step.epoch {
            self.flush()?;
            self.stage.advance_to_epoch(netuid)?;
        }
        if step.call.is_none() && !step.checks.is_empty() {
            let newest = self.stage.newest_events()?;
            expect::check(&self.stage, &step.checks, Some(&newest), &mut self.computed)?;
        }
        Ok(())
    }

    /// Makes the blocks before the step's own.
    fn go(&mut self, step: &Step) -> Result<(), String> {
        let head = self.stage.head();
        let target = match step.at {
            Some(At::Same) => return Ok(()),
            // The first block takes what is to be called at genesis.
            Some(At::Block(0)) if step.call.is_some() => Some(1),
            Some(At::Block(block)) => Some(block),
            Some(At::After(blocks)) => {
                self.flush()?;
                Some(self.stage.head().saturating_add(blocks))
            }
            Some(At::Epoch(netuid)) => {
                self.flush()?;
                Some(self.epoch_block(netuid)?)
            }
            None => None,
        };
        let Some(target) = target else { return self.flush() };
        if target != head.saturating_add(1) {
            self.flush()?;
        }
        let head = self.stage.head();
        // What changes nothing may look at the block that was just made.
        if target < head || (target == head && step.call.is_some()) {
            return Err(format!("block {target} is made already: the newest is {head}"));
        }
        self.stage.advance(target.saturating_sub(head).saturating_sub(1));
        Ok(())
    }

    /// For a step without a call: makes its block, unless the step only prepares it.
    fn reach(&mut self, step: &Step) -> Result<(), String> {
        let Some(at) = step.at else { return self.flush() };
        let prepares = !step.controls.is_empty() && step.checks.is_empty();
        if prepares {
            return Ok(());
        }
        let target = match at {
            At::Block(block) => block,
            At::Same => self.stage.head(),
            At::After(_) | At::Epoch(_) => self.stage.head().saturating_add(1),
        };
        self.flush()?;
        self.stage.advance(target.saturating_sub(self.stage.head()));
        Ok(())
    }

    /// The block in which the subnet's next epoch runs, found on a copy of the chain.
    fn epoch_block(&self, netuid: u16) -> Result<u64, String> {
        let copy = self.stage.chain.fork();
        let blocks = copy.advance_to_epoch(netuid).map_err(|error| error.to_string())?;
        Ok(self.stage.head().saturating_add(blocks))
    }

    fn control(&mut self, control: &Control) -> Result<(), String> {
        let chain = self.stage.chain.clone();
        let value = &control.value;
        match control.kind {
            ControlKind::Storage => {
                for entry in entry::entries(self.stage.interface(), &control.place, value)? {
                    let written = self.stage.write(&entry);
                    written
                        .map_err(|problem| format!("{}.{}: {problem}", entry.pallet, entry.item))?;
                }
            }
            ControlKind::Fund => {
                for (account, rao) in amounts(&self.stage.accounts, &control.place, value)? {
                    chain.fund(&account, rao);
                }
            }
            ControlKind::Author => {
                let none = value.is_null() || matches!(value.as_str(), Some("none" | "nobody"));
                let author = if none { None } else { Some(self.stage.accounts.account(value)?) };
                chain.set_author(author);
                self.stage.accounts.set_author(author);
            }
            ControlKind::Fees => {
                chain.set_fees(flag(value).ok_or("true or false is wanted")?);
            }
            ControlKind::Time => chain.set_time(number::u64_of(value)?),
            ControlKind::Pulse => {
                let part = |name: &str| value.get(name).unwrap_or(&Json::Null);
                let bytes = |name: &str| {
                    let text = part(name).as_str().unwrap_or_default();
                    let text = text.strip_prefix("0x").unwrap_or(text);
                    hex::decode(text).map_err(|_| format!("{name} is no hexadecimal"))
                };
                let round = number::u64_of(part("round"))?;
                chain.store_pulse(round, &bytes("randomness")?, &bytes("signature")?);
            }
        }
        Ok(())
    }

    fn send(&mut self, step: &'a Step, sent: &CallStep) -> Result<(), String> {
        let mut inner = call::stated(&self.stage.reader(), &sent.stated)?;
        let signer = sent.signer.as_ref().ok_or(
            "the field \"signer\" is missing: an account, \"root\" for the sudo key, or \"none\"",
        )?;
        let role = signer.as_str().map(str::trim).unwrap_or_default();
        let unsigned = signer.is_null() || matches!(role, "none" | "None" | "unsigned" | "nobody");
        let sudo = matches!(role, "root" | "Root" | "sudo" | "Sudo");
        if sudo {
            inner = Call::new("Sudo", "sudo").arg("call", Value::Call(Box::new(inner)));
        }
        let bytes = self.stage.encode(&inner)?;
        let (extrinsic, account) = if unsigned {
            (Extrinsic::bare(&bytes).bytes, None)
        } else {
            let who = match sudo {
                true => self.stage.accounts.signer(&Json::from(self.stage.sudo()?.to_string()))?,
                false => self.stage.accounts.signer(signer)?,
            };
            let account = who.0;
            let waiting = self.block.iter().filter(|called| {
                called.signer == Some(account) && matches!(called.sent, Sent::Waiting { .. })
            });
            let waiting = u32::try_from(waiting.count()).unwrap_or(u32::MAX);
            (self.stage.sign(who, &bytes, sent, waiting)?, Some(account))
        };
        let sent = match self.stage.chain.submit(&extrinsic) {
            Ok(_) => Sent::Waiting { extrinsic, call: bytes },
            Err(error) => {
                let cause = account.and_then(|who| self.stage.chain.refusal(&who, &bytes));
                Sent::Refused(Outcome::rejected(&error, cause))
            }
        };
        self.block.push(Called { step, signer: account, sudo, sent });
        Ok(())
    }

    /// Makes the block of the calls that wait, and says what came of each.
    fn flush(&mut self) -> Result<(), String> {
        if self.block.is_empty() {
            return Ok(());
        }
        self.stage.advance(1);
        let events = self.stage.newest_events()?;
        let extrinsics = self.stage.chain.extrinsics(self.stage.head()).unwrap_or_default();
        for called in std::mem::take(&mut self.block) {
            let (outcome, own) = match called.sent {
                Sent::Refused(outcome) => (outcome, Vec::new()),
                Sent::Waiting { ref extrinsic, ref call } => {
                    let place = extrinsics.iter().position(|known| **known == **extrinsic);
                    match place.and_then(|place| u32::try_from(place).ok()) {
                        Some(index) => {
                            let own = of_extrinsic(&events, index);
                            (self.outcome(&own, called.sudo), own)
                        }
                        None => (self.left_out(&called, extrinsic, call), Vec::new()),
                    }
                }
            };
            let step = called.step;
            self.judge(step, &outcome);
            expect::check(&self.stage, &step.checks, Some(&own), &mut self.computed)
                .map_err(|problem| format!("{}: {problem}", step.place))?;
        }
        Ok(())
    }

    fn outcome(&self, events: &[EventRecord], sudo: bool) -> Outcome {
        let events = events.iter().map(|record| &record.event);
        match DispatchFailure::find(&self.stage.metadata, events) {
            None => Outcome::Ok,
            Some(failure) => Outcome::Failed {
                inside: failure.nested_in.is_some() && !sudo,
                pallet: failure.pallet,
                name: failure.name,
            },
        }
    }

    /// Why a transaction that had waited is not in the block.
    fn left_out(&self, called: &Called<'_>, extrinsic: &[u8], call: &[u8]) -> Outcome {
        match self.stage.chain.fork().submit(extrinsic) {
            Err(error) => {
                let cause = called.signer.and_then(|who| self.stage.chain.refusal(&who, call));
                Outcome::rejected(&error, cause)
            }
            // Its nonce has not come.
            Ok(_) => Outcome::Rejected { kind: "Future".to_owned(), code: None, cause: None },
        }
    }

    /// Holds the outcome against what the step expects.
    fn judge(&mut self, step: &Step, outcome: &Outcome) {
        let problem = outcome.differs(step.expect.as_ref()).err();
        let place = step.place.field("expect");
        // What else stands in the expectation stays.
        let mut computed = match &step.expect {
            Some(Json::Object(fields)) => fields.clone(),
            _ => Map::new(),
        };
        computed.retain(|name, _| {
            !outcome::OK.contains(&name.as_str()) && !outcome::ERROR.contains(&name.as_str())
        });
        if let Json::Object(fields) = outcome.to_json() {
            computed.extend(fields);
        }
        self.computed.push(place.judged(step.expect.as_ref(), Json::Object(computed), problem));
    }
}

fn of_extrinsic(events: &[EventRecord], index: u32) -> Vec<EventRecord> {
    let own = events.iter().filter(|record| record.phase == Phase::ApplyExtrinsic(index));
    own.cloned().collect()
}
