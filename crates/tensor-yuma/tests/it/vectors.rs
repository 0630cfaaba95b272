//! Every value of the recorded epochs, bit for bit.

use serde_json::Value;
use tensor_yuma::epoch::Snapshot;
use tensor_yuma::vectors::{Flag, VectorFile};

use crate::naive;

const VECTORS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/yuma/yuma_vectors.json"));

fn file() -> VectorFile {
    serde_json::from_str(VECTORS).unwrap()
}

#[test]
fn all_values_are_reproduced() {
    let file = file();
    assert!(file.cases.len() >= 28 && file.mechanism_cases.len() >= 2);
    let report = file.check();
    let shown: Vec<String> = report.mismatches.iter().map(ToString::to_string).collect();
    assert_eq!(report.failed, 0, "{} passed\n{}", report.passed, shown.join("\n"));
    assert_eq!(report.passed, file.names().len());
}

#[test]
fn the_computed_file_equals_the_recorded_one() {
    let computed = serde_json::to_value(file().computed().unwrap()).unwrap();
    let recorded: Value = serde_json::from_str(VECTORS).unwrap();
    assert_eq!(computed, recorded);
}

#[test]
fn the_oracle_reproduces_the_recorded_epochs_too() {
    for case in file().cases {
        let mut snapshot = Snapshot::new(case.n);
        for epoch in case.epochs {
            let inputs = epoch.inputs;
            (snapshot.current_block, snapshot.last_mechanism_step_block) =
                (inputs.current_block, inputs.last_mechanism_step_block);
            let set = |to: &mut Vec<u64>, from: Option<Vec<u64>>| {
                *to = from.unwrap_or_else(|| to.clone())
            };
            set(&mut snapshot.alpha_stake, inputs.alpha_stake);
            set(&mut snapshot.tao_stake, inputs.tao_stake);
            set(&mut snapshot.last_update, inputs.last_update);
            set(&mut snapshot.block_at_registration, inputs.block_at_registration);
            snapshot.rao_emission = inputs.rao_emission.unwrap_or(snapshot.rao_emission);
            snapshot.commit_blocks = inputs.commit_blocks.unwrap_or(snapshot.commit_blocks);
            snapshot.weights = inputs.weights.unwrap_or(snapshot.weights);
            snapshot.bonds = inputs.bonds.unwrap_or(snapshot.bonds);
            let permits = inputs.validator_permit.map(|p| p.iter().map(|flag| flag.0).collect());
            snapshot.validator_permit = permits.unwrap_or(snapshot.validator_permit);

            let got = naive::epoch(&case.hp, &snapshot.as_input());
            let want = epoch.out.unwrap();
            let raw = |v: Option<Vec<tensor_yuma::fixed::I32F32>>| -> Vec<i64> {
                v.unwrap().iter().map(|v| v.to_bits()).collect()
            };
            assert_eq!(got.consensus, raw(want.consensus), "{}", case.name);
            assert_eq!(got.validator_trust, raw(want.validator_trust), "{}", case.name);
            assert_eq!(got.incentive, raw(want.incentive), "{}", case.name);
            assert_eq!(got.dividends, raw(want.dividends), "{}", case.name);
            assert_eq!(got.emission, want.emission.unwrap(), "{}", case.name);
            assert_eq!(&got.bonds, want.bonds.as_ref().unwrap(), "{}", case.name);
            snapshot.bonds = got.bonds;
            snapshot.validator_permit = got.new_validator_permit;
            let flags: Vec<Flag> = snapshot.validator_permit.iter().map(|&p| Flag(p)).collect();
            assert_eq!(flags, want.new_validator_permit.unwrap());
        }
    }
}

#[test]
fn one_altered_bit_is_found_in_its_case_and_nowhere_else() {
    let mut file = file();
    let out = file.cases[3].epochs[0].out.as_mut().unwrap();
    let incentive = out.incentive.as_mut().unwrap();
    incentive[1] = tensor_yuma::fixed::I32F32::from_bits(incentive[1].to_bits() ^ 1);
    let report = file.check();
    assert_eq!((report.failed, report.mismatches.len()), (1, 1));
    assert_eq!(report.mismatches[0].case, file.cases[3].name);
    assert_eq!(report.mismatches[0].field, "epochs/0/out/incentive");

    let mut file = self::file();
    file.cases[0].epochs[0].dense_out.as_mut().unwrap().emission.as_mut().unwrap()[0] ^= 1;
    file.mechanism_cases[1].aggregate.as_mut().unwrap().emission.as_mut().unwrap()[0] ^= 1;
    file.mechanism_cases[0].mechanisms[1].sub_emission = Some(1);
    file.units.max_upscale[4].limited = file.units.max_upscale[4].limited.map(|limited| !limited);
    file.units.exp_safe[7].outputs.as_mut().unwrap()[0] ^= 1;
    let report = file.check();
    assert_eq!(report.failed, 5);
    assert!(report.mismatches.iter().any(|m| m.case == "max_upscale/4"));
    file.retain("exp_safe/7");
    assert_eq!((file.names().len(), file.check().failed), (1, 1));
}

#[test]
fn unknown_fields_and_odd_lists_are_errors() {
    let text = |from: &str, to: &str| VECTORS.replacen(from, to, 1);
    for broken in [
        text("\"kappa\"", "\"kappa_\""),
        text("\"schema\"", "\"scheme\""),
        text("\"dense_out\":{", "\"dense_out\":{\"extra\":1,"),
        text("\"units\":{", "\"units\":{\"extra\":[],"),
    ] {
        assert_ne!(broken, VECTORS);
        assert!(serde_json::from_str::<VectorFile>(&broken).is_err());
    }
    assert!(serde_json::from_str::<tensor_yuma::RowsBuf>("[[1,2,3]]").is_err());
}

#[test]
fn a_file_without_results_is_filled_in() {
    let mut stripped = file();
    for case in &mut stripped.cases {
        for epoch in &mut case.epochs {
            epoch.out = None;
        }
    }
    for unit in &mut stripped.units.exp_safe {
        unit.outputs = None;
    }
    assert_eq!(stripped.check().failed, 0);
    let filled = stripped.computed().unwrap();
    for (case, recorded) in filled.cases.iter().zip(file().cases) {
        for (epoch, recorded) in case.epochs.iter().zip(recorded.epochs) {
            let (out, recorded) = (epoch.out.clone().unwrap(), recorded.out.unwrap());
            assert_eq!(out.like(&recorded), recorded);
        }
    }
    assert_eq!(filled.units.exp_safe, file().units.exp_safe);
}
