//! What is known of a run while it runs: written by the story, read by the view.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tensor_core::{Hotkey, Metagraph};

use super::cast::{Cast, Kind};
use super::report::Requests;

/// Shared between the story and the view. Clones are the same board.
#[derive(Clone, Debug, Default)]
pub struct Board(Arc<Mutex<State>>);

/// Everything a view may want to show.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The newest block.
    pub block: u64,
    /// Epochs since the subnet started, and how many there will be.
    pub epoch: (u64, u64),
    /// Price of one alpha, in rao.
    pub price_rao: u64,
    /// TAO in existence, in rao.
    pub issuance_rao: u64,
    /// The neurons by uid.
    pub rows: BTreeMap<u16, Row>,
    /// Signed requests so far.
    pub requests: Requests,
    /// The customer's lines, done and wanted.
    pub customer: (u64, u64),
    /// The last things that were said, oldest first, and how many were said in all.
    pub lines: Vec<String>,
    /// How many lines were ever said.
    pub said: usize,
    /// Whether the run is over.
    pub over: bool,
    names: BTreeMap<Hotkey, (String, String)>,
}

/// One neuron as the table shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What the story calls it.
    pub name: String,
    /// A miner's kind, or `validator`, or `owner`.
    pub kind: String,
    /// Its hotkey, shortened.
    pub hotkey: String,
    /// Its moving score in the first validator's book, 0..=1.
    pub score: Option<f64>,
    /// The last epoch's incentive, 0..=1.
    pub incentive: f64,
    /// The last epoch's dividends, 0..=1.
    pub dividends: f64,
    /// What the last epoch paid it, in alpha units.
    pub emission: u64,
    /// Its stake on the subnet, in alpha units.
    pub stake: u64,
    /// Whether it was stopped.
    pub stopped: bool,
}

/// How many lines are kept for views that show the end of the log.
const KEPT: usize = 500;

impl Board {
    /// A board that knows everybody's names.
    pub fn new(cast: &Cast, epochs: u64) -> Self {
        let board = Self::default();
        let mut state = board.lock();
        state.epoch = (0, epochs);
        let owner = (cast.owner.hot(), (cast.owner.name.clone(), "owner".to_owned()));
        state.names.extend([owner]);
        let validators = cast.validators.iter();
        state.names.extend(validators.map(|p| (p.hot(), (p.name.clone(), "validator".to_owned()))));
        let miners = cast.miners.iter();
        let named =
            |(p, kind): &(super::cast::Person, Kind)| (p.hot(), (p.name.clone(), kind.to_string()));
        state.names.extend(miners.map(named));
        drop(state);
        board
    }

    /// Adds a line to the log.
    pub fn say(&self, line: impl Into<String>) {
        let mut state = self.lock();
        state.lines.push(line.into());
        state.said += 1;
        if state.lines.len() > KEPT {
            state.lines.remove(0);
        }
    }

    /// Changes the board.
    pub fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.lock())
    }

    /// Takes over a metagraph; `score` tells a hotkey's moving score.
    pub fn show(&self, graph: &Metagraph, score: impl Fn(&Hotkey) -> Option<f64>) {
        let mut state = self.lock();
        let State { rows, names, .. } = &mut *state;
        for neuron in graph.neurons() {
            let (name, kind) = names.get(&neuron.hotkey).cloned().unwrap_or_default();
            let address = neuron.hotkey.to_string();
            let uid = neuron.uid.value();
            let row = Row {
                name,
                kind,
                hotkey: address.chars().take(8).collect(),
                score: score(&neuron.hotkey),
                incentive: neuron.incentive.to_f64_lossy(),
                dividends: neuron.dividends.to_f64_lossy(),
                emission: neuron.emission.rao(),
                stake: neuron.alpha_stake.rao(),
                stopped: rows.get(&uid).is_some_and(|row| row.stopped),
            };
            rows.insert(uid, row);
        }
    }

    /// Marks a miner as stopped.
    pub fn stopped(&self, name: &str) {
        let mut state = self.lock();
        let row = state.rows.values_mut().find(|row| row.name == name);
        if let Some(row) = row {
            row.stopped = true;
        }
    }

    /// A copy of everything.
    pub fn snapshot(&self) -> State {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
