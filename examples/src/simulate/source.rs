//! Where scenarios come from, and whether they can be played.

use std::path::Path;

use tensor_yuma::sim::{Scenario, named};

use super::SimulateError;

/// Numbers that a history may hold: 2 GiB.
const LARGEST: usize = 1 << 28;

/// The scenario of that name, or in that file.
pub(super) fn one(name: &str) -> Result<Scenario, SimulateError> {
    let known = named();
    if let Some(scenario) = known.iter().find(|scenario| scenario.name == name) {
        return Ok(scenario.clone());
    }
    let path = Path::new(name);
    if !path.exists() {
        let names: Vec<&str> = known.iter().map(|scenario| scenario.name.as_str()).collect();
        return Err(SimulateError::Unknown(name.to_owned(), names.join(", ")));
    }
    read(path, "scenario")
}

/// A JSON file of this kind.
pub(super) fn read<T: serde::de::DeserializeOwned>(
    path: &Path,
    kind: &'static str,
) -> Result<T, SimulateError> {
    let bytes = std::fs::read(path).map_err(|error| SimulateError::Read(path.into(), error))?;
    serde_json::from_slice(&bytes).map_err(|source| SimulateError::Parse {
        path: path.into(),
        kind,
        source,
    })
}

/// Refuses what would show nothing, or never end.
pub(super) fn check(scenario: &Scenario) -> Result<(), SimulateError> {
    let refuse = |reason: &str| {
        Err(SimulateError::Unplayable { name: scenario.name.clone(), reason: reason.to_owned() })
    };
    let (validators, miners) = (scenario.validators.len(), scenario.quality.len());
    if scenario.name.is_empty() || scenario.name.contains(['/', '\\', '\0']) {
        return refuse("its name must do for a file");
    }
    if validators == 0 {
        return refuse("it has no validators");
    }
    if miners == 0 {
        return refuse("it has no miners");
    }
    if scenario.epochs == 0 {
        return refuse("it has no epochs");
    }
    if scenario.quality.iter().any(|quality| !(0.0..=2.0).contains(quality)) {
        return refuse("the quality of a miner is between 0 and 2");
    }
    if !(0.0..=1.0).contains(&scenario.drift) {
        return refuse("the drift is between 0 and 1");
    }
    let numbers = validators.saturating_add(5).saturating_mul(miners.saturating_add(8));
    if numbers.saturating_mul(scenario.epochs) > LARGEST {
        return refuse("it would fill the memory: give it fewer epochs, validators or miners");
    }
    Ok(())
}
