//! A validator checks tokens that another runtime, another seed or nobody at all has generated.

use tensor_ml::{
    Error, ModelFolder, RunControl,
    text::{Claim, GenerateOptions, GenerateRequest, Message, Prompt, Sampling, TextGeneration},
};

use crate::engines;

fn pipelines() -> Vec<(&'static str, TextGeneration)> {
    let folder = ModelFolder::open(engines::data("tiny-lm")).unwrap();
    engines::all()
        .into_iter()
        .map(|(name, engine)| {
            (name, TextGeneration::open(&folder, &engine, &GenerateOptions::default()).unwrap())
        })
        .collect()
}

fn prompt() -> Prompt {
    Prompt::Chat(vec![Message::user("count from one to seven")])
}

fn sampled(seed: u64) -> Sampling {
    Sampling::greedy()
        .with_temperature(1.4)
        .with_top_k(50)
        .with_repetition_penalty(1.05)
        .with_seed(seed)
}

#[test]
fn honest_tokens_pass_on_every_backend_whoever_made_them() {
    let control = RunControl::default();
    for sampling in [Sampling::greedy(), sampled(5), sampled(6)] {
        for (maker, mut miner) in pipelines() {
            // Longer than one piece of the check.
            let request = GenerateRequest::new(prompt())
                .with_sampling(sampling)
                .with_min_tokens(150)
                .with_max_tokens(150)
                .with_log_probabilities();
            let answer = miner.generate(&request).unwrap();
            for (judge, mut validator) in pipelines() {
                let claim = Claim::new(sampling).with_min_tokens(150);
                let result = validator.verify(&prompt(), &answer.ids(), &claim, &control).unwrap();
                assert_eq!(result.first_implausible(), None, "{maker} by {judge}: {sampling:?}");
                assert_eq!((result.score(), result.tokens.len()), (1.0, 150));
                for (token, check) in answer.tokens.iter().zip(&result.tokens) {
                    let log = token.log_probability.unwrap();
                    assert!((log - check.log_probability).abs() < 1e-3, "{maker} by {judge}");
                }
            }
        }
    }
}

#[test]
fn a_changed_token_is_found_where_it_is() {
    let control = RunControl::default();
    for (backend, mut pipeline) in pipelines() {
        let answer = pipeline.generate(&GenerateRequest::new(prompt())).unwrap();
        let claim = Claim::new(Sampling::greedy());
        for place in 0..answer.tokens.len() {
            let mut ids = answer.ids();
            ids[place] = (ids[place] + 200) % 480;
            let result = pipeline.verify(&prompt(), &ids, &claim, &control).unwrap();
            assert_eq!(result.first_implausible(), Some(place), "{backend}");
            assert!(result.tokens[place].rank > 0 && result.score() < 1.0);
            assert_eq!(result.tokens[place].replayed, Some(answer.ids()[place]));
        }
    }
}

#[test]
fn another_seed_or_rule_is_found_out() {
    let control = RunControl::default();
    let (_, mut pipeline) = pipelines().remove(0);
    let request = GenerateRequest::new(prompt())
        .with_sampling(sampled(1).with_temperature(3.0))
        .with_min_tokens(60)
        .with_max_tokens(60);
    let ids = pipeline.generate(&request).unwrap().ids();
    let judge = |pipeline: &mut TextGeneration, sampling| {
        let claim = Claim::new(sampling).with_min_tokens(60);
        pipeline.verify(&prompt(), &ids, &claim, &control).unwrap()
    };
    assert_eq!(judge(&mut pipeline, sampled(1).with_temperature(3.0)).score(), 1.0);
    for wrong in
        [sampled(2).with_temperature(3.0), sampled(1).with_temperature(1.0), Sampling::greedy()]
    {
        let result = judge(&mut pipeline, wrong);
        assert!(result.score() < 0.8, "{wrong:?}: {}", result.score());
    }
    // An answer that the model would never give is unlikely, whatever is claimed.
    let honest = judge(&mut pipeline, sampled(1).with_temperature(3.0)).mean_log_probability();
    let greedy = pipeline.generate(&GenerateRequest::new(prompt())).unwrap().ids();
    let claim = Claim::new(Sampling::greedy());
    let likely =
        pipeline.verify(&prompt(), &greedy, &claim, &control).unwrap().mean_log_probability();
    assert!(likely > honest);
}

#[test]
fn claims_out_of_range_are_errors() {
    let control = RunControl::default();
    let (_, mut pipeline) = pipelines().remove(0);
    let claim = Claim::new(Sampling::greedy());
    assert_eq!(pipeline.verify(&prompt(), &[], &claim, &control).unwrap().score(), 1.0);
    for ids in [vec![480], vec![1; 256]] {
        let error = pipeline.verify(&prompt(), &ids, &claim, &control).unwrap_err();
        assert!(matches!(error, Error::Argument { .. }), "{error}");
    }
    let wrong = Claim::new(Sampling::greedy().with_temperature(-1.0));
    assert!(pipeline.verify(&prompt(), &[1], &wrong, &control).is_err());
}
