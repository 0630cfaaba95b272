//! Simulations: what each behaviour earns, and what a change does.

use tensor_yuma::RowsBuf;
use tensor_yuma::epoch::{Parameters, Snapshot};
use tensor_yuma::sim::copiers::suspects;
use tensor_yuma::sim::fork::{Change, Fork};
use tensor_yuma::sim::variants::{Settings, Variant};
use tensor_yuma::sim::{
    Agent, Behaviour, History, Noise, Rules, Scenario, Seat, SimError, View, named,
};

fn scenario(name: &str) -> Scenario {
    named().into_iter().find(|s| s.name == name).unwrap()
}

fn run(name: &str) -> History {
    scenario(name).run().unwrap()
}

#[test]
fn every_named_scenario_runs_and_repeats() {
    for scenario in named() {
        let history = scenario.run().unwrap();
        assert_eq!(history.epochs.len(), scenario.epochs);
        assert_eq!(history, scenario.run().unwrap());
        let csv = history.to_csv();
        let lines = 1 + scenario.epochs * (scenario.validators.len() + scenario.quality.len());
        assert_eq!(csv.lines().count(), lines);
        assert!(csv.lines().all(|line| line.split(',').count() == 11));
    }
}

#[test]
fn honest_stake_earns_alike_and_the_best_miner_most() {
    let history = run("honest");
    for total in history.totals() {
        assert!((total.per_stake - 1.0).abs() < 0.05, "{total:?}");
    }
    let first = &history.epochs[0];
    assert!(first.incentive[0] > first.incentive[11]);
}

#[test]
fn concealment_hurts_a_copier() {
    let open = run("copier").totals();
    let concealed = run("copier-concealed").totals();
    let (open, concealed) = (&open[2], &concealed[2]);
    assert!(concealed.validator_trust < open.validator_trust, "{open:?} {concealed:?}");
}

#[test]
fn a_minority_cabal_is_clipped_and_a_majority_is_not() {
    let pay = |name: &str| -> f64 {
        let history = run(name);
        history.epochs.iter().map(|e| e.incentive[10] + e.incentive[11]).sum::<f64>()
            / history.epochs.len() as f64
    };
    assert!(pay("cabal") < 0.35);
    assert!(pay("cabal-majority") > 0.6);
    let totals = run("cabal").totals();
    assert!(totals[2].per_stake < totals[0].per_stake);
}

#[test]
fn a_self_dealer_loses_trust_and_a_lazy_validator_too() {
    for name in ["self-dealer", "lazy"] {
        let totals = run(name).totals();
        assert!(totals[2].validator_trust < totals[0].validator_trust, "{name} {totals:?}");
    }
}

#[test]
fn a_late_joiner_earns_nothing_before_and_something_after() {
    let history = run("late-joiner");
    assert!(history.epochs[..60].iter().all(|e| e.dividends[2] == 0.0 && e.stake[2] == 0));
    assert!(history.epochs[100].dividends[2] > 0.1);
}

#[test]
fn copiers_are_found_and_honest_validators_are_not() {
    let mut scenario = scenario("copier");
    scenario.validators[2].behaviour = Behaviour::Copier { of: Some(0) };
    let found = suspects(&scenario.run().unwrap(), 3, 0.5);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].copier, found[0].source, found[0].lag), (2, Some(0), 1));
    let by_consensus = suspects(&run("copier"), 3, 0.5);
    assert_eq!((by_consensus.len(), by_consensus[0].source), (1, None));
    assert!(suspects(&run("honest"), 3, 0.5).is_empty());
}

#[test]
fn float_rules_run_the_same_scenarios() {
    for variant in
        [Variant::Yuma1, Variant::Yuma2, Variant::Yuma2B, Variant::Yuma2C, Variant::Yuma3]
    {
        let mut scenario = scenario("honest");
        scenario.rules = Rules::Float(variant, Settings::default());
        let history = scenario.run().unwrap();
        for total in history.totals() {
            assert!((total.per_stake - 1.0).abs() < 0.1, "{variant:?} {total:?}");
        }
    }
}

#[test]
fn the_float_form_is_near_the_exact_epoch_where_they_should_agree() {
    // Agreement of all validators: consensus cancels, dividends follow stake in both.
    let mut scenario = scenario("honest");
    (scenario.drift, scenario.epochs) = (0.0, 3);
    for seat in &mut scenario.validators {
        seat.behaviour = Behaviour::Honest { noise: 0.0 };
    }
    let exact = scenario.run().unwrap();
    scenario.rules = Rules::Float(Variant::Yuma3, Settings::default());
    let float = scenario.run().unwrap();
    for (a, b) in exact.epochs.iter().zip(&float.epochs) {
        for (x, y) in
            a.incentive.iter().zip(&b.incentive).chain(a.dividends.iter().zip(&b.dividends))
        {
            assert!((x - y).abs() < 1e-3, "{x} {y}");
        }
    }
}

#[derive(Debug)]
struct OnlyTheFirst;

impl Agent for OnlyTheFirst {
    fn name(&self) -> &str {
        "only the first"
    }

    fn weights(&mut self, view: &View<'_>, _: &mut Noise) -> Option<Vec<f64>> {
        let mut weights = vec![0.0; view.quality.len()];
        weights[0] = f64::INFINITY;
        weights[1] = f64::NAN;
        weights[2] = 1.0;
        Some(weights)
    }
}

#[test]
fn agents_of_ones_own_and_progress() {
    let mut scenario = Scenario::new("own", 3, 4);
    scenario.validators = vec![Seat::new(1_000, Behaviour::Honest { noise: 0.0 })];
    let mut seen = 0;
    let mut agents: Vec<Box<dyn Agent>> = vec![Box::new(OnlyTheFirst)];
    let history = scenario.run_agents(&mut agents, |record| seen += record.epoch + 1).unwrap();
    assert_eq!(seen, 10);
    assert_eq!(history.validators, ["only the first"]);
    assert_eq!(
        scenario.run_agents(&mut [], |_| ()).unwrap_err(),
        SimError::Agents { agents: 0, validators: 1 }
    );
}

fn subnet() -> Fork {
    let mut s = Snapshot::new(4);
    s.current_block = 10_000;
    s.last_mechanism_step_block = 9_640;
    s.rao_emission = 1_000_000_000;
    s.alpha_stake = vec![600_000, 400_000, 0, 0];
    s.last_update = vec![9_990; 4];
    s.block_at_registration = vec![1, 2, 3, 4];
    s.validator_permit = vec![true, true, false, false];
    s.weights = RowsBuf::from_pairs([
        vec![(2, 65_535), (3, 21_845)],
        vec![(2, 21_845), (3, 65_535)],
        vec![],
        vec![],
    ]);
    Fork::new(Parameters::default(), s)
}

#[test]
fn changing_my_weights_to_the_majoritys_raises_my_trust() {
    let change = Change::Weights { uid: 1, row: vec![(2, 3), (3, 1)] };
    let effects = subnet().compare(&[change], 5).unwrap();
    let me = &effects[1];
    assert!(me.after.validator_trust > me.before.unwrap().validator_trust);
    assert!(me.after.dividends > me.before.unwrap().dividends);
}

#[test]
fn more_stake_takes_over_the_consensus() {
    let effects = subnet().compare(&[Change::Stake { uid: 1, rao: 4_000_000 }], 5).unwrap();
    assert!(effects[1].after.dividends > effects[1].before.unwrap().dividends);
    assert!(effects[3].after.incentive > effects[3].before.unwrap().incentive);
    assert_eq!(effects[3].before.unwrap().pruning_rank + 1, effects[3].after.pruning_rank);
}

#[test]
fn a_new_miner_earns_back_its_cost() {
    let change = Change::Miner { weights: vec![(0, 65_535), (1, 65_535)] };
    let effects = subnet().compare(&[change], 3).unwrap();
    let miner = &effects[4];
    assert_eq!(miner.before, None);
    assert!(miner.after.emission > 0);
    let per_day = miner.after.emission as f64 * 20.0;
    assert!((miner.after.days_to_break_even(1_000_000_000).unwrap() - 1e9 / per_day).abs() < 1e-6);
    let idle = &effects[0].after;
    assert_eq!(idle.days_to_break_even(5).is_some(), idle.emission > 0);
}

#[test]
fn parameters_can_be_changed() {
    let mut parameters = Parameters::default();
    parameters.kappa = 19_660;
    let effects =
        subnet().compare(&[Change::Parameters { parameters: Box::new(parameters) }], 1).unwrap();
    // 30 % of the stake now suffice: uid 1 is heard.
    assert!(effects[3].after.incentive > effects[3].before.unwrap().incentive);
}

#[cfg(feature = "serde")]
#[test]
fn scenarios_are_json() {
    for scenario in named() {
        let text = serde_json::to_string(&scenario).unwrap();
        let back: Scenario = serde_json::from_str(&text).unwrap();
        assert_eq!(back, scenario);
    }
    assert!(serde_json::from_str::<Scenario>("{\"name\":\"x\",\"extra\":1}").is_err());
    let history = run("lazy");
    let back: History = serde_json::from_str(&serde_json::to_string(&history).unwrap()).unwrap();
    assert_eq!(back.validators, history.validators);
}

#[cfg(feature = "plot")]
#[test]
fn plots_are_svg() {
    use tensor_yuma::sim::plot::{PlotError, Quantity, svg};
    let history = run("cabal");
    for quantity in [
        Quantity::Dividends,
        Quantity::DividendsPerStake,
        Quantity::ValidatorTrust,
        Quantity::Incentive,
        Quantity::Consensus,
    ] {
        let text = svg(&history, quantity).unwrap();
        assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"));
        assert!(text.contains(quantity.title()));
        assert!(text.matches("<polyline").count() >= 3);
    }
    assert_eq!(svg(&History::default(), Quantity::Dividends), Err(PlotError::Empty));
}
