//! Comparing a vector file with what this crate computes.

use core::fmt;

use super::schema::{Case, Inputs, MechanismCase, Outputs, VectorFile};
use crate::epoch::{
    Epoch, EpochError, MechanismInput, Rule, Snapshot, SplitRule, mechanism_weight,
};

/// An expected value that was not met.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Mismatch {
    /// Name of the case or unit.
    pub case: String,
    /// Where in the case, such as `epochs/1/out/consensus`.
    pub field: String,
    /// First difference, or what went wrong.
    pub detail: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.case, self.field, self.detail)
    }
}

/// Result of a check. A case is an entry of `cases`, of `mechanism_cases` or of a list in `units`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Cases without mismatch.
    pub passed: usize,
    /// Cases with at least one.
    pub failed: usize,
    /// All mismatches in order.
    pub mismatches: Vec<Mismatch>,
}

impl Report {
    pub(super) fn case(&mut self, case: &str, differences: Vec<(String, String)>) {
        if differences.is_empty() {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
        self.mismatches.extend(differences.into_iter().map(|(field, detail)| Mismatch {
            case: case.to_owned(),
            field,
            detail,
        }));
    }
}

impl VectorFile {
    /// The schema this module reads.
    pub const SCHEMA: &'static str = "yuma-vectors/1";

    /// Names of all cases, units included, in the order of [`Self::check`].
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let cases = self.cases.iter().map(|case| case.name.clone());
        let mechanisms = self.mechanism_cases.iter().map(|case| case.name.clone());
        cases.chain(mechanisms).chain(self.units.names()).collect()
    }

    /// Remove every case whose name is not `name`.
    pub fn retain(&mut self, name: &str) {
        self.cases.retain(|case| case.name == name);
        self.mechanism_cases.retain(|case| case.name == name);
        self.units.retain(name);
    }

    /// Compare every expected value in the file with what this crate computes.
    #[must_use]
    pub fn check(&self) -> Report {
        let mut report = Report::default();
        if self.schema != Self::SCHEMA {
            let detail = format!("schema is {:?}, not {:?}", self.schema, Self::SCHEMA);
            report.case("file", vec![("schema".to_owned(), detail)]);
        }
        for case in &self.cases {
            let mut found = Vec::new();
            let mut computed = case.clone();
            match compute_case(&mut computed) {
                Ok(()) => {
                    for (at, (want, got)) in case.epochs.iter().zip(&computed.epochs).enumerate() {
                        for (name, want, got) in [
                            ("out", &want.out, &got.out),
                            ("dense_out", &want.dense_out, &got.dense_out),
                        ] {
                            compare(
                                want.as_ref(),
                                got.as_ref(),
                                &format!("epochs/{at}/{name}"),
                                &mut found,
                            );
                        }
                    }
                }
                Err(problem) => found.push(("epochs".to_owned(), problem)),
            }
            report.case(&case.name, found);
        }
        for case in &self.mechanism_cases {
            let mut found = Vec::new();
            let mut computed = case.clone();
            match compute_mechanisms(&mut computed) {
                Ok(()) => {
                    for (m, (want, got)) in
                        case.mechanisms.iter().zip(&computed.mechanisms).enumerate()
                    {
                        let at = format!("mechanisms/{m}");
                        compare(
                            want.out.as_ref(),
                            got.out.as_ref(),
                            &format!("{at}/out"),
                            &mut found,
                        );
                        value(
                            want.sub_emission,
                            got.sub_emission,
                            &format!("{at}/sub_emission"),
                            &mut found,
                        );
                        value(
                            want.weight_u64f64,
                            got.weight_u64f64,
                            &format!("{at}/weight_u64f64"),
                            &mut found,
                        );
                    }
                    compare(
                        case.aggregate.as_ref(),
                        computed.aggregate.as_ref(),
                        "aggregate",
                        &mut found,
                    );
                }
                Err(problem) => found.push(("mechanisms".to_owned(), problem)),
            }
            report.case(&case.name, found);
        }
        self.units.check(&mut report);
        report
    }

    /// The same file with every expected value replaced by the computed one; where a result is absent it is filled in.
    ///
    /// # Errors
    /// A text naming the first case that cannot be computed.
    pub fn computed(&self) -> Result<Self, String> {
        let mut file = self.clone();
        for case in &mut file.cases {
            compute_case(case).map_err(|problem| format!("{}: {problem}", case.name))?;
        }
        for case in &mut file.mechanism_cases {
            compute_mechanisms(case).map_err(|problem| format!("{}: {problem}", case.name))?;
        }
        file.units.compute();
        Ok(file)
    }
}

fn compare(
    want: Option<&Outputs>,
    got: Option<&Outputs>,
    at: &str,
    found: &mut Vec<(String, String)>,
) {
    if let (Some(want), Some(got)) = (want, got) {
        want.differences(got, |field, detail| found.push((format!("{at}/{field}"), detail)));
    }
}

fn value<T: PartialEq + fmt::Debug>(
    want: Option<T>,
    got: Option<T>,
    at: &str,
    found: &mut Vec<(String, String)>,
) {
    if let (Some(want), Some(got)) = (want, got)
        && want != got
    {
        found.push((at.to_owned(), format!("expected {want:?}, got {got:?}")));
    }
}

/// Where two values of a field differ first, as text.
pub(super) trait Difference {
    fn between(expected: &Self, got: &Self) -> String;
}

impl<T: PartialEq + fmt::Debug> Difference for Vec<T> {
    fn between(expected: &Self, got: &Self) -> String {
        if expected.len() != got.len() {
            return format!("expected {} values, got {}", expected.len(), got.len());
        }
        let differing = expected.iter().zip(got).enumerate().find(|(_, (a, b))| a != b);
        differing
            .map_or_else(String::new, |(at, (a, b))| format!("[{at}]: expected {a:?}, got {b:?}"))
    }
}

impl<V: PartialEq + Copy + fmt::Debug> Difference for crate::rows::RowsBuf<V> {
    fn between(expected: &Self, got: &Self) -> String {
        let (expected, got) = (expected.as_rows(), got.as_rows());
        if expected.len() != got.len() {
            return format!("expected {} rows, got {}", expected.len(), got.len());
        }
        let differing = expected.iter().zip(got.iter()).enumerate().find(|(_, (a, b))| a != b);
        differing
            .map_or_else(String::new, |(at, (a, b))| format!("[{at}]: expected {a:?}, got {b:?}"))
    }
}

fn compute_case(case: &mut Case) -> Result<(), String> {
    let mut snapshot = Snapshot::new(case.n);
    let mut epoch = Epoch::new().keep_intermediates(true);
    let mut dense = Epoch::with_rule(Rule::Dense).keep_intermediates(true);
    for (at, vector) in case.epochs.iter_mut().enumerate() {
        let failed = |error: EpochError| format!("epoch {at}: {error}");
        apply(&vector.inputs, &mut snapshot);
        let input = snapshot.as_input();
        if let Some(expected) = &vector.dense_out {
            let outcome = dense.run(&case.hp, &input).map_err(failed)?.clone();
            vector.dense_out = Some(Outputs::of(&outcome, dense.intermediates()).like(expected));
        }
        let outcome = epoch.run(&case.hp, &input).map_err(failed)?.clone();
        let out = Outputs::of(&outcome, epoch.intermediates());
        vector.out = Some(match &vector.out {
            Some(expected) => out.like(expected),
            None => out,
        });
        snapshot.bonds = outcome.bonds;
        snapshot.validator_permit = outcome.new_validator_permit;
    }
    Ok(())
}

fn compute_mechanisms(case: &mut MechanismCase) -> Result<(), String> {
    let mut snapshot = Snapshot::new(case.n);
    apply(&case.inputs, &mut snapshot);
    snapshot.rao_emission = case.rao_emission;
    let inputs: Vec<_> = case.mechanisms.iter().map(|mechanism| mechanism.inputs.clone()).collect();
    if inputs.len() != case.mechanism_count {
        return Err(format!("{} mechanisms for a count of {}", inputs.len(), case.mechanism_count));
    }
    let borrowed: Vec<MechanismInput<'_>> = inputs
        .iter()
        .map(|input| {
            MechanismInput::new(&input.last_update, input.weights.as_rows(), input.bonds.as_rows())
                .with_commit_blocks(&input.commit_blocks)
        })
        .collect();
    // The vectors are of spec version 425.
    let result = Epoch::new()
        .run_mechanisms(
            &case.hp,
            &snapshot.as_input(),
            &borrowed,
            case.split.as_deref(),
            SplitRule::Padded,
        )
        .map_err(|error| error.to_string())?;
    for (m, ((vector, outcome), &part)) in
        case.mechanisms.iter_mut().zip(&result.outcomes).zip(&result.parts).enumerate()
    {
        vector.sub_emission = Some(part);
        vector.weight_u64f64 = Some(mechanism_weight(part, case.rao_emission, m));
        let out = Outputs::of(outcome, None);
        vector.out = Some(match &vector.out {
            Some(expected) => out.like(expected),
            None => out,
        });
    }
    let aggregate = Outputs::of_aggregate(&result.aggregate);
    case.aggregate = Some(match &case.aggregate {
        Some(expected) => aggregate.like(expected),
        None => aggregate,
    });
    Ok(())
}

/// Overwrite what the vector gives.
fn apply(inputs: &Inputs, snapshot: &mut Snapshot) {
    snapshot.current_block = inputs.current_block;
    snapshot.last_mechanism_step_block = inputs.last_mechanism_step_block;
    let set = |to: &mut Vec<u64>, from: &Option<Vec<u64>>| {
        if let Some(from) = from {
            to.clone_from(from);
        }
    };
    set(&mut snapshot.alpha_stake, &inputs.alpha_stake);
    set(&mut snapshot.tao_stake, &inputs.tao_stake);
    set(&mut snapshot.last_update, &inputs.last_update);
    set(&mut snapshot.block_at_registration, &inputs.block_at_registration);
    if let Some(rao) = inputs.rao_emission {
        snapshot.rao_emission = rao;
    }
    if let Some(commits) = &inputs.commit_blocks {
        snapshot.commit_blocks.clone_from(commits);
    }
    if let Some(permits) = &inputs.validator_permit {
        snapshot.validator_permit = permits.iter().map(|flag| flag.0).collect();
    }
    for (to, from) in
        [(&mut snapshot.weights, &inputs.weights), (&mut snapshot.bonds, &inputs.bonds)]
    {
        if let Some(from) = from {
            to.clone_from(from);
        }
    }
}
