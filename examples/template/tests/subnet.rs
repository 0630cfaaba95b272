//! The subnet on a chain in the process: whoever does the work is paid, whoever does not is not.

use std::sync::Arc;

use futures::executor::block_on;
use tensor_examples::rehearsal::{Rehearsal, Strategy};
use tensor_template::{Checker, miner};

#[test]
fn work_pays_and_nothing_else_does() {
    let mut days = Rehearsal::default();
    days.days = 2;
    let report = block_on(days.play(Checker::new, Arc::new(miner()))).unwrap();
    println!("{}", report.table());
    let honest = report.alpha(Strategy::Honest);
    for strategy in [Strategy::Lazy, Strategy::Copying, Strategy::Ring] {
        let alpha = report.alpha(strategy);
        assert!(alpha < honest / 4 * 3, "{strategy:?} earned {alpha}, the honest {honest}");
    }
}

#[test]
fn sealed_weights_are_worth_less_to_a_copier() {
    let mut days = Rehearsal::default();
    (days.days, days.tempo, days.every) = (2, 120, 40);
    let copying = block_on(days.reveal_periods([0, 4], Checker::new, Arc::new(miner()))).unwrap();
    println!("{copying:?}, stops at {:?}", copying.stops_at(0.02));
    assert!(copying.by_period[&4] < copying.by_period[&0], "{copying:?}");
}
