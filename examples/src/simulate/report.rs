//! What the program prints and writes.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::json;
use tensor_yuma::sim::plot::{Quantity, svg};
use tensor_yuma::sim::{History, Scenario};

use super::SimulateError;
use super::args::Outputs;
use crate::atomic;

/// An outcome for people and for programs.
#[derive(Clone, Debug)]
pub struct Report {
    /// Tables.
    pub text: String,
    /// One JSON document.
    pub json: String,
}

impl Report {
    pub(super) fn new(text: String, value: &impl serde::Serialize) -> Result<Self, SimulateError> {
        let json = serde_json::to_string_pretty(value).map_err(SimulateError::Json)?;
        Ok(Self { text, json })
    }
}

/// The scenarios, a line each.
pub(super) fn list(scenarios: &[Scenario]) -> Result<Report, SimulateError> {
    let mut text =
        format!("{:18} {:>6} {:>7} {:>8}  validators\n", "name", "miners", "epochs", "conceal");
    let mut values = Vec::new();
    for scenario in scenarios {
        let behaviours: Vec<String> = scenario
            .validators
            .iter()
            .map(|seat| seat.behaviour.agent().name().to_owned())
            .collect();
        let (miners, epochs) = (scenario.quality.len(), scenario.epochs);
        let Scenario { name, concealment, .. } = scenario;
        let _ = writeln!(
            text,
            "{name:18} {miners:>6} {epochs:>7} {concealment:>8}  {}",
            behaviours.join(", ")
        );
        values.push(json!({
            "name": name, "miners": miners, "epochs": epochs, "concealment": concealment,
            "validators": behaviours,
        }));
    }
    Report::new(text, &values)
}

/// A scenario to change and run: JSON either way.
pub(super) fn scenario(scenario: &Scenario) -> Result<Report, SimulateError> {
    let mut report = Report::new(String::new(), scenario)?;
    report.text = format!("{}\n", report.json);
    Ok(report)
}

/// Who earned what in each history.
pub(super) fn histories(histories: &[History]) -> Result<Report, SimulateError> {
    let mut text = String::new();
    let mut values = Vec::new();
    for history in histories {
        let totals = history.totals();
        let miners = miners(history);
        let _ = writeln!(text, "{}, {} epochs", history.name, history.epochs.len());
        let _ = writeln!(
            text,
            "  {:>9}  {:12} {:>10} {:>7} {:>10} {:>18}",
            "validator", "behaviour", "dividends", "trust", "per stake", "alpha"
        );
        for (index, total) in totals.iter().enumerate() {
            let _ = writeln!(
                text,
                "  {index:>9}  {:12} {:>9.2}% {:>7.3} {:>10.3} {:>18}",
                total.behaviour,
                total.dividends * 100.0,
                total.validator_trust,
                total.per_stake,
                alpha(total.emission),
            );
        }
        let _ = writeln!(
            text,
            "  {:>9}  {:12} {:>10} {:>37}",
            "miner", "quality", "incentive", "alpha"
        );
        for (index, miner) in miners.iter().enumerate() {
            let _ = writeln!(
                text,
                "  {index:>9}  {:<12.2} {:>9.2}% {:>37}",
                miner.quality,
                miner.incentive * 100.0,
                alpha(miner.emission)
            );
        }
        text.push('\n');
        values.push(json!({
            "name": history.name, "epochs": history.epochs.len(),
            "validators": totals, "miners": miners,
        }));
    }
    Report::new(text, &values)
}

/// What one miner got over a whole simulation.
#[derive(serde::Serialize)]
struct Mined {
    /// Mean quality.
    quality: f64,
    /// Mean incentive.
    incentive: f64,
    /// Alpha units in all.
    emission: u64,
}

fn miners(history: &History) -> Vec<Mined> {
    let count = history.epochs.len().max(1) as f64;
    let mean = |column: &dyn Fn(&tensor_yuma::sim::EpochRecord) -> f64| {
        history.epochs.iter().map(column).sum::<f64>() / count
    };
    (0..history.miners)
        .map(|j| Mined {
            quality: mean(&|epoch| epoch.quality[j]),
            incentive: mean(&|epoch| epoch.incentive[j]),
            emission: history
                .epochs
                .iter()
                .fold(0, |sum: u64, epoch| sum.saturating_add(epoch.server_emission[j])),
        })
        .collect()
}

/// Alpha units with their point.
pub(super) fn alpha(units: u64) -> String {
    format!("{}.{:09}", units / 1_000_000_000, units % 1_000_000_000)
}

/// Write the files asked for: in a folder, named after the scenario, if there are several.
pub(super) fn write(
    history: &History,
    outputs: &Outputs,
    several: bool,
) -> Result<(), SimulateError> {
    let place = |given: &Path, ending: &str| {
        if several { given.join(format!("{}.{ending}", history.name)) } else { given.to_owned() }
    };
    if let Some(csv) = &outputs.csv {
        file(place(csv, "csv"), history.to_csv().as_bytes())?;
    }
    if let Some(path) = &outputs.history {
        let json = serde_json::to_vec(history).map_err(SimulateError::Json)?;
        file(place(path, "json"), &json)?;
    }
    let Some(folder) = &outputs.plots else { return Ok(()) };
    for (quantity, word) in [
        (Quantity::Dividends, "dividends"),
        (Quantity::DividendsPerStake, "dividends-per-stake"),
        (Quantity::ValidatorTrust, "validator-trust"),
        (Quantity::Incentive, "incentive"),
        (Quantity::Consensus, "consensus"),
    ] {
        let drawn = svg(history, quantity)
            .map_err(|error| SimulateError::Plot(history.name.clone(), error))?;
        file(folder.join(format!("{}-{word}.svg", history.name)), drawn.as_bytes())?;
    }
    Ok(())
}

fn file(path: PathBuf, bytes: &[u8]) -> Result<(), SimulateError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| atomic::write(&path, bytes))
        .map_err(|error| SimulateError::Write(path, error))
}
