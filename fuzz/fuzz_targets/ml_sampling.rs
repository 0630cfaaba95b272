//! Any logits and parameters: never a panic, the same token again, and one that there is and may be taken.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tensor_ml::text::{Sampling, draw, log_probabilities, rank_of};

#[derive(Arbitrary, Debug)]
struct Case {
    logits: Vec<f32>,
    context: Vec<u32>,
    barred: Vec<u32>,
    temperature: f64,
    top_k: usize,
    top_p: f64,
    min_p: f64,
    repetition_penalty: f64,
    seed: u64,
    step: u64,
}

fuzz_target!(|case: Case| {
    let sampling = Sampling::greedy()
        .with_temperature(case.temperature)
        .with_top_k(case.top_k)
        .with_top_p(case.top_p)
        .with_min_p(case.min_p)
        .with_repetition_penalty(case.repetition_penalty)
        .with_seed(case.seed);
    let token = || draw(&case.logits, &case.context, &case.barred, &sampling, case.step);
    let drawn = token();
    assert_eq!(drawn, token());
    if let (Some(id), Ok(())) = (drawn, sampling.check()) {
        assert!((id as usize) < case.logits.len());
        assert!(!case.logits[id as usize].is_nan());
        assert!(rank_of(&case.logits, id).is_some());
    }
    assert_eq!(log_probabilities(&case.logits).len(), case.logits.len());
});
