//! Explanations must add up to what the epoch paid.

use proptest::prelude::*;
use tensor_yuma::RowsBuf;
use tensor_yuma::epoch::{Epoch, ExplainError, Parameters, Snapshot};
use tensor_yuma::fixed::I32F32;

use crate::networks;

#[test]
fn a_small_subnet_in_words() {
    let mut s = Snapshot::new(4);
    s.current_block = 1_000;
    s.last_mechanism_step_block = 640;
    s.rao_emission = 1_000_000_000;
    s.alpha_stake = vec![600_000_000_000, 400_000_000_000, 0, 0];
    s.last_update = vec![990; 4];
    s.validator_permit = vec![true, true, false, false];
    // Uid 1 overrates uid 3, which 60 % of the stake do not follow.
    s.weights = RowsBuf::from_pairs([
        vec![(2, 65_535), (3, 21_845)],
        vec![(2, 21_845), (3, 65_535)],
        vec![],
        vec![],
    ]);
    let mut epoch = Epoch::new().keep_intermediates(true);
    epoch.run(&Parameters::default(), &s.as_input()).unwrap();

    let miner = epoch.explain(3).unwrap();
    assert_eq!(miner.miner.voters, 2);
    assert_eq!(miner.miner.votes[0].validator, 0);
    let quarter = I32F32::from_bits(1 << 30);
    assert_eq!(miner.miner.consensus, quarter);
    assert_eq!(miner.miner.votes[1].clipped, quarter);
    let text = miner.to_string();
    for line in [
        "uid 3 is paid 0.156249999 alpha: 0.156249999 as a miner",
        "uid     1 with stake 40.0000 % gives 75.0000 %, 25.0000 % after clipping",
        "consensus 25.0000 %",
        "stake     0.000000000 = 0.0000 % of all; not counted: no permit, or no stake",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    let validator = epoch.explain(1).unwrap();
    assert_eq!(validator.validator.bonded, 2);
    assert!(validator.to_string().contains("trust 50.0000 %"));

    assert_eq!(epoch.explain(4), Err(ExplainError::UnknownUid { uid: 4, n: 4 }));
    assert_eq!(Epoch::new().explain(0), Err(ExplainError::NotKept));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn steps_lead_to_the_outcome((p, s) in networks::subnet(14)) {
        let mut epoch = Epoch::new().keep_intermediates(true);
        if epoch.run(&p, &s.as_input()).is_err() {
            return Ok(());
        }
        let o = epoch.outcome();
        let all: Vec<_> = (0..s.n() as u16).map(|uid| epoch.explain(uid).unwrap()).collect();
        for (i, e) in all.iter().enumerate() {
            prop_assert_eq!(e.emission, o.emission[i]);
            // Incentive is the rank's part of all ranks.
            prop_assert_eq!(e.miner.rank.safe_div(e.miner.rank_of_all), o.incentive[i]);
            prop_assert!(!e.to_string().is_empty());
        }
        // Dividends are what was earned (times stake with absolute bonds) among all.
        let weighted = |e: &tensor_yuma::epoch::Explanation| {
            if p.yuma3 { e.validator.earned.saturating_mul(e.active_stake) } else { e.validator.earned }
        };
        let total = all.iter().fold(I32F32::ZERO, |sum, e| sum.saturating_add(weighted(e)));
        for (i, e) in all.iter().enumerate() {
            prop_assert_eq!(weighted(e).safe_div(total), o.dividends[i]);
        }
    }
}
