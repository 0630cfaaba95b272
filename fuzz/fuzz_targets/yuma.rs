//! Epochs over any state: an outcome or an error, never a panic; consensus is a proportion, and no more
//! is paid than there is. By the chain's rule the outcome is the naive port's, bit for bit.
#![no_main]

#[path = "../../crates/tensor-yuma/benches/oracle/naive.rs"]
mod naive;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tensor_yuma::RowsBuf;
use tensor_yuma::epoch::{Epoch, Parameters, Rule, Snapshot};

#[derive(Arbitrary, Debug)]
struct Subnet {
    neurons: Vec<Neuron>,
    block: u64,
    last_step: u64,
    rao: u64,
    kappa: u16,
    penalty: u16,
    moving_average: u64,
    alpha_low: u16,
    alpha_high: u16,
    steepness: i16,
    threshold: u64,
    owner: Option<u16>,
    flags: [bool; 3],
    dense: bool,
}

#[derive(Arbitrary, Debug)]
struct Neuron {
    alpha: u64,
    tao: u64,
    update: u64,
    registered: u64,
    permit: bool,
    commit: Option<u64>,
    weights: Vec<(u16, u16)>,
    bonds: Vec<(u16, u16)>,
}

fuzz_target!(|subnet: Subnet| {
    let neurons = &subnet.neurons[..subnet.neurons.len().min(24)];
    let mut state = Snapshot::new(neurons.len());
    state.current_block = subnet.block;
    state.last_mechanism_step_block = subnet.last_step;
    state.rao_emission = subnet.rao;
    state.alpha_stake = neurons.iter().map(|n| n.alpha).collect();
    state.tao_stake = neurons.iter().map(|n| n.tao).collect();
    state.last_update = neurons.iter().map(|n| n.update).collect();
    state.block_at_registration = neurons.iter().map(|n| n.registered).collect();
    state.validator_permit = neurons.iter().map(|n| n.permit).collect();
    state.commit_blocks = neurons.iter().map(|n| n.commit).collect();
    state.weights = RowsBuf::from_pairs(neurons.iter().map(|n| n.weights.as_slice()));
    state.bonds = RowsBuf::from_pairs(neurons.iter().map(|n| n.bonds.as_slice()));
    let mut parameters = Parameters::default();
    parameters.kappa = subnet.kappa;
    parameters.bonds_penalty = subnet.penalty;
    parameters.bonds_moving_average = subnet.moving_average;
    parameters.alpha_low = subnet.alpha_low;
    parameters.alpha_high = subnet.alpha_high;
    parameters.alpha_sigmoid_steepness = subnet.steepness;
    parameters.stake_threshold = subnet.threshold;
    parameters.owner_uid = subnet.owner;
    [parameters.yuma3, parameters.liquid_alpha, parameters.commit_reveal] = subnet.flags;
    let rule = if subnet.dense { Rule::Dense } else { Rule::Sparse };
    if let Ok(outcome) = Epoch::with_rule(rule).run(&parameters, &state.as_input()) {
        let paid: u128 = outcome.emission.iter().map(|rao| u128::from(*rao)).sum();
        assert!(paid <= u128::from(subnet.rao), "{paid} paid of {}", subnet.rao);
        assert!(outcome.consensus.iter().all(|c| (0..=1i64 << 32).contains(&c.to_bits())));
        if rule == Rule::Sparse {
            let expected = naive::epoch(&parameters, &state.as_input());
            assert_eq!(naive::NaiveOutcome::from(outcome), expected);
        }
    }
});
