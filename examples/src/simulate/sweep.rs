//! From which reveal period on copying stops paying.

use std::fmt::Write as _;

use serde_json::json;
use tensor_yuma::sim::Scenario;

use super::args::Outputs;
use super::report::{self, Report};
use super::{SimulateError, play};

/// Play the scenario with every concealment from 0 to `up_to` epochs.
pub(super) fn run(
    scenario: &Scenario,
    up_to: usize,
    outputs: &Outputs,
) -> Result<Report, SimulateError> {
    let mut periods = Vec::new();
    let mut names = Vec::new();
    for concealment in 0..=up_to {
        let mut scenario = scenario.clone();
        scenario.concealment = concealment;
        scenario.name = format!("{}-{concealment}", scenario.name);
        let history = play(&scenario)?;
        report::write(&history, outputs, true)?;
        let totals = history.totals();
        periods.push(totals.iter().map(|total| total.per_stake).collect::<Vec<f64>>());
        names = totals.into_iter().map(|total| total.behaviour).collect();
    }
    let stops = stops_paying(&names, &periods);

    let mut text = format!("{}: dividends per stake by epochs of concealment\n", scenario.name);
    let _ = write!(text, "  {:>7}", "conceal");
    for (index, name) in names.iter().enumerate() {
        let _ = write!(text, " {:>14}", format!("{index} {name}"));
    }
    text.push('\n');
    for (concealment, pay) in periods.iter().enumerate() {
        let _ = write!(text, "  {concealment:>7}");
        for one in pay {
            let _ = write!(text, " {one:>14.4}");
        }
        text.push('\n');
    }
    text.push_str(&match stops {
        Some(period) => format!("Copying earns less than measuring from {period} epochs on.\n"),
        None if names.iter().any(|name| name == COPIER) => {
            format!("Copying pays even with {up_to} epochs.\n")
        }
        None => "Nobody copies in this scenario.\n".to_owned(),
    });
    let rows: Vec<_> = periods
        .iter()
        .enumerate()
        .map(|(concealment, pay)| json!({ "concealment": concealment, "per_stake": pay }))
        .collect();
    Report::new(
        text,
        &json!({
            "name": scenario.name, "validators": names, "periods": rows, "stops_paying_at": stops,
        }),
    )
}

const COPIER: &str = "copier";

/// The least concealment from which on the best copier earns less per stake than the worst validator
/// that measures, and keeps doing so.
fn stops_paying(names: &[String], periods: &[Vec<f64>]) -> Option<usize> {
    let loses = |pay: &Vec<f64>| {
        let of = |word: &str| {
            let named = names.iter().zip(pay).filter(move |(name, _)| name.as_str() == word);
            named.map(|(_, pay)| *pay).collect::<Vec<f64>>()
        };
        let best = of(COPIER).into_iter().reduce(f64::max);
        let worst = of("honest").into_iter().reduce(f64::min);
        best.zip(worst).is_some_and(|(best, worst)| best < worst)
    };
    let last_paying = periods.iter().rposition(|pay| !loses(pay));
    let first = last_paying.map_or(0, |last| last + 1);
    (first < periods.len()).then_some(first)
}
