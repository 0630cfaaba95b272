//! The program `simulate`: what pays under a subnet's rules, and what a change would do.

mod args;
mod report;
mod source;
mod sweep;
mod what_if;

use std::path::PathBuf;

pub use args::{Args, Command};
pub use report::Report;

use tensor_yuma::sim::plot::PlotError;
use tensor_yuma::sim::{Agent, History, Scenario, SimError, named};

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulateError {
    /// Neither a scenario's name nor a file.
    #[error("there is no scenario or file {0:?}; the scenarios are {1}")]
    Unknown(String, String),
    /// A file could not be read.
    #[error("{} cannot be read", .0.display())]
    Read(PathBuf, #[source] std::io::Error),
    /// A file is not what it should be.
    #[error("{} is no {kind}; see `simulate {} --help`", path.display(), if *kind == "scenario" { "show" } else { "what-if" })]
    Parse {
        /// The file.
        path: PathBuf,
        /// What it should be.
        kind: &'static str,
        /// Where it is not.
        #[source]
        source: serde_json::Error,
    },
    /// A scenario that cannot be played.
    #[error("scenario {name:?}: {reason}")]
    Unplayable {
        /// Its name.
        name: String,
        /// What to change.
        reason: String,
    },
    /// The epoch refused.
    #[error("scenario {0:?} stops")]
    Run(String, #[source] SimError),
    /// A plot could not be drawn.
    #[error("scenario {0:?} cannot be drawn")]
    Plot(String, #[source] PlotError),
    /// A file could not be written.
    #[error("{} cannot be written", .0.display())]
    Write(PathBuf, #[source] std::io::Error),
    /// What should be printed is no JSON.
    #[error("the outcome cannot be written as JSON")]
    Json(#[source] serde_json::Error),
}

/// Do what the command line asks.
///
/// # Errors
/// [`SimulateError`]; files written before the error stay whole.
pub fn run(args: &Args) -> Result<Report, SimulateError> {
    match &args.command {
        Command::List => report::list(&named()),
        Command::Show { scenario } => report::scenario(&source::one(scenario)?),
        Command::Run { scenarios, rule, outputs, changes } => {
            let mut histories = Vec::new();
            for name in scenarios {
                let mut scenario = source::one(name)?;
                changes.apply(&mut scenario);
                if let Some(rule) = rule {
                    scenario.rules = rule.rules();
                }
                source::check(&scenario)?;
                let history = play(&scenario)?;
                report::write(&history, outputs, scenarios.len() > 1)?;
                histories.push(history);
            }
            report::histories(&histories)
        }
        Command::Sweep { scenario, up_to, outputs, changes } => {
            let mut scenario = source::one(scenario)?;
            changes.apply(&mut scenario);
            source::check(&scenario)?;
            sweep::run(&scenario, *up_to, outputs)
        }
        Command::WhatIf { file, epochs, cost, uid } => {
            what_if::run(file, *epochs, *cost, uid.as_deref())
        }
    }
}

/// Play a scenario with a bar for the epochs.
fn play(scenario: &Scenario) -> Result<History, SimulateError> {
    let length = u64::try_from(scenario.epochs).unwrap_or(u64::MAX);
    let bar = indicatif::ProgressBar::new(length).with_message(scenario.name.clone());
    if let Ok(style) =
        indicatif::ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} epochs, {eta} left")
    {
        bar.set_style(style);
    }
    let seats = scenario.validators.iter();
    let mut agents: Vec<Box<dyn Agent>> = seats.map(|seat| seat.behaviour.agent()).collect();
    let history = scenario.run_agents(&mut agents, |_| bar.inc(1));
    bar.finish_and_clear();
    history.map_err(|error| SimulateError::Run(scenario.name.clone(), error))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;
    use crate::cause::line_of;

    fn simulate(args: &[&str]) -> Result<Report, SimulateError> {
        run(&Args::try_parse_from([&["simulate"], args].concat()).unwrap())
    }

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_named_scenario_runs_and_writes_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let names: Vec<String> = named().into_iter().map(|scenario| scenario.name).collect();
        let (csv, history, plots) = (path("csv"), path("history"), path("plots"));
        let mut args = vec!["run", "--epochs", "12", "--csv", &csv, "--history", &history];
        args.extend(["--plots", &plots]);
        args.extend(names.iter().map(String::as_str));
        let report = simulate(&args).unwrap();
        let json: serde_json::Value = serde_json::from_str(&report.json).unwrap();
        assert_eq!(json.as_array().unwrap().len(), names.len());
        for name in &names {
            assert!(report.text.contains(name.as_str()));
            let table =
                std::fs::read_to_string(folder.path().join(format!("csv/{name}.csv"))).unwrap();
            assert_eq!(table.lines().count(), 1 + 12 * (12 + json_validators(&json, name)));
            let text = std::fs::read_to_string(folder.path().join(format!("history/{name}.json")))
                .unwrap();
            let history: History = serde_json::from_str(&text).unwrap();
            assert_eq!(history.epochs.len(), 12);
            let drawn =
                std::fs::read_to_string(folder.path().join(format!("plots/{name}-incentive.svg")));
            assert!(drawn.unwrap().starts_with("<svg"));
        }
    }

    fn json_validators(json: &serde_json::Value, name: &str) -> usize {
        let one = json.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap();
        one["validators"].as_array().unwrap().len()
    }

    #[test]
    fn a_printed_scenario_can_be_changed_and_played() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.json");
        let shown = simulate(&["show", "copier"]).unwrap().json;
        std::fs::write(
            &file,
            shown.replace("\"copier\",\n  \"validators\"", "\"mine\",\n  \"validators\""),
        )
        .unwrap();
        let file = file.to_str().unwrap();
        let same = simulate(&["run", "copier", "--epochs", "9"]).unwrap();
        let mine = simulate(&["run", file, "--epochs", "9"]).unwrap();
        assert!(mine.json.contains("\"mine\""));
        assert_eq!(mine.json.replace("\"mine\"", "\"copier\""), same.json);
        for rule in ["yuma1", "yuma2", "yuma2b", "yuma2c", "yuma3"] {
            let other = simulate(&["run", file, "--epochs", "9", "--rule", rule]).unwrap();
            assert_ne!(other.json, mine.json, "{rule}");
        }
    }

    #[test]
    fn concealment_takes_the_pay_of_copying() {
        let report = simulate(&["sweep", "copier", "--up-to", "6", "--epochs", "80"]).unwrap();
        let json: serde_json::Value = serde_json::from_str(&report.json).unwrap();
        let pay = |at: usize| json["periods"][at]["per_stake"][2].as_f64().unwrap();
        assert!(pay(6) < pay(0), "{}", report.text);
        assert!(json["stops_paying_at"].is_u64(), "{}", report.text);
    }

    #[test]
    fn more_stake_earns_more_dividends() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("what-if.json");
        std::fs::write(&file, what_if::example().unwrap()).unwrap();
        let args = ["what-if", file.to_str().unwrap(), "--epochs", "3", "--cost", "1000000000"];
        let report = simulate(&args).unwrap();
        let json: serde_json::Value = serde_json::from_str(&report.json).unwrap();
        let of = |side: &str| json["effects"][0][side]["emission"].as_u64().unwrap();
        assert!(of("after") > of("before"), "{}", report.text);
        assert!(report.text.contains("days"));
    }

    #[test]
    fn what_cannot_be_played_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bad.json");
        let path = file.to_str().unwrap();
        let unknown = simulate(&["run", "no-such"]).unwrap_err();
        assert!(line_of(&unknown).contains("copier"), "{unknown}");
        let shown = simulate(&["show", "copier"]).unwrap().json;
        let of = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut value = serde_json::from_str(&shown).unwrap();
            change(&mut value);
            std::fs::write(&file, value.to_string()).unwrap();
            line_of(&simulate(&["run", path]).unwrap_err())
        };
        assert!(of(&|v| v["surprise"] = 1.into()).contains("surprise"));
        assert!(of(&|v| v["quality"] = serde_json::json!([])).contains("no miners"));
        assert!(of(&|v| v["validators"] = serde_json::json!([])).contains("no validators"));
        assert!(of(&|v| v["quality"] = serde_json::json!([-1.0])).contains("quality"));
        assert!(of(&|v| v["epochs"] = 1_000_000_000_000u64.into()).contains("memory"));
        assert!(of(&|v| v["validators"][0]["stake"] = u64::MAX.into()).contains("stops"));
    }
}
