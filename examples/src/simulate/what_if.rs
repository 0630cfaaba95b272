//! What a change to a real subnet would do.

use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tensor_yuma::epoch::{Parameters, Snapshot};
use tensor_yuma::sim::fork::{Change, Fork, Standing};

use super::report::{Report, alpha};
use super::{SimulateError, source};

/// A subnet and what to change.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct WhatIf {
    /// Hyperparameters.
    parameters: Parameters,
    /// The subnet at the end of an epoch.
    snapshot: Snapshot,
    /// What to change.
    changes: Vec<Change>,
}

/// Continue the subnet of the file with and without its changes.
pub(super) fn run(
    file: &Path,
    epochs: usize,
    cost: Option<u64>,
    only: Option<&[u16]>,
) -> Result<Report, SimulateError> {
    let WhatIf { parameters, snapshot, changes } = source::read(file, "what-if file")?;
    let fork = Fork::new(parameters, snapshot);
    let mut effects = fork
        .compare(&changes, epochs)
        .map_err(|error| SimulateError::Run(file.display().to_string(), error))?;
    effects.retain(|effect| only.is_none_or(|only| only.contains(&effect.uid)));

    let mut text = format!(
        "{:>5} {:>9} {:>9} {:>7} {:>6} {:>16} {:>22}\n",
        "uid", "incentive", "dividends", "trust", "prune", "alpha an epoch", "before"
    );
    for effect in &effects {
        let Standing { incentive, dividends, validator_trust, pruning_rank, emission, .. } =
            effect.after;
        let before =
            effect.before.map_or_else(|| "new".to_owned(), |before| alpha(before.emission));
        let _ = write!(
            text,
            "{:>5} {:>9.5} {:>9.5} {:>7.4} {pruning_rank:>6} {:>16} {before:>22}",
            effect.uid,
            incentive.to_f64_lossy(),
            dividends.to_f64_lossy(),
            validator_trust.to_f64_lossy(),
            alpha(emission),
        );
        if let Some(days) = cost.and_then(|cost| effect.after.days_to_break_even(cost)) {
            let _ = write!(text, "  earned back in {days:.1} days");
        }
        text.push('\n');
    }
    let days: Vec<Option<f64>> = effects
        .iter()
        .map(|effect| cost.and_then(|cost| effect.after.days_to_break_even(cost)))
        .collect();
    Report::new(text, &json!({ "effects": effects, "days_to_break_even": days }))
}

/// A small subnet whose first validator doubles its stake.
#[cfg(test)]
pub(super) fn example() -> Result<String, serde_json::Error> {
    use tensor_yuma::RowsBuf;

    let tao = 1_000_000_000;
    let mut snapshot = Snapshot::new(4);
    snapshot.alpha_stake = vec![1_000 * tao, 2_000 * tao, 0, 0];
    snapshot.validator_permit = vec![true, true, false, false];
    snapshot.last_update = vec![900, 900, 0, 0];
    snapshot.block_at_registration = vec![1; 4];
    snapshot.current_block = 1_000;
    snapshot.rao_emission = 100 * tao;
    let rows: [&[(u16, u16)]; 4] =
        [&[(2, 60_000), (3, 40_000)], &[(2, 50_000), (3, 50_000)], &[], &[]];
    snapshot.weights = RowsBuf::from_pairs(rows.iter().map(|row| row.to_vec()));
    let changes = vec![Change::Stake { uid: 0, rao: 2_000 * tao }];
    serde_json::to_string(&WhatIf { parameters: Parameters::default(), snapshot, changes })
}
