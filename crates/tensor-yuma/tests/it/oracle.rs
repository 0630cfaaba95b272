//! The epoch against the naive port, on subnets nobody would build.

use proptest::prelude::*;
use tensor_yuma::epoch::{Epoch, Parameters, Snapshot};

use crate::naive::{self, NaiveOutcome};
use crate::networks;

/// Three epochs in a row, each from the bonds and permits of the one before, with one workspace.
fn agree(parameters: &Parameters, mut snapshot: Snapshot, epoch: &mut Epoch) {
    for _ in 0..3 {
        match epoch.run(parameters, &snapshot.as_input()) {
            Ok(_) => {}
            // The port has no overflow check; nothing else is refused here.
            Err(tensor_yuma::epoch::EpochError::BondOverflow) => return,
            Err(error) => panic!("{error}"),
        }
        assert_eq!(
            NaiveOutcome::from(epoch.outcome()),
            naive::epoch(parameters, &snapshot.as_input())
        );
        snapshot.bonds = epoch.outcome().bonds.clone();
        snapshot.validator_permit = epoch.outcome().new_validator_permit.clone();
        snapshot.last_mechanism_step_block = snapshot.current_block;
        snapshot.current_block += u64::from(parameters.tempo);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn small_subnets((parameters, snapshot) in networks::subnet(12)) {
        agree(&parameters, snapshot, &mut Epoch::new());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn larger_subnets((parameters, snapshot) in networks::subnet(120)) {
        agree(&parameters, snapshot, &mut Epoch::new());
    }

    #[test]
    fn one_workspace_for_different_subnets(list in prop::collection::vec(networks::subnet(30), 1..6)) {
        let mut epoch = Epoch::new();
        for (parameters, snapshot) in list {
            agree(&parameters, snapshot, &mut epoch);
        }
    }
}
