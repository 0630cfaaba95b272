//! Text generation on the tiny language model, against what Python's onnxruntime makes of the same graphs.

use std::sync::mpsc;

use futures::{StreamExt, executor::block_on};
use serde_json::Value;
use tensor_ml::{
    BatchPolicy, BatchWorker, Engine, Error, GraphChoice, ModelFolder, RunControl, Worker,
    text::{
        ChatTemplate, FinishReason, GenerateJob, GenerateOptions, GenerateRequest, Message, Prompt,
        Sampling, TextEvent, TextGeneration, TextGenerator, rank_of,
    },
};

use crate::engines;

fn folder() -> ModelFolder {
    ModelFolder::open(engines::data("tiny-lm")).unwrap()
}

fn open(engine: &Engine) -> TextGeneration {
    TextGeneration::open(&folder(), engine, &GenerateOptions::default()).unwrap()
}

fn cases(variant: &str) -> Vec<Value> {
    engines::json("tiny-lm.json")["variants"][variant].as_array().unwrap().clone()
}

fn ids(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
}

fn ask(question: &str) -> GenerateRequest {
    GenerateRequest::chat(vec![Message::user(question)])
}

fn question(case: &Value) -> GenerateRequest {
    ask(case["question"].as_str().unwrap())
}

#[test]
fn tokens_are_those_of_python_for_every_graph_on_every_backend() {
    for (backend, engine) in engines::all() {
        for (variant, choice) in [
            ("model", GraphChoice::Preferred),
            ("model_fp16", GraphChoice::Variant("fp16".into())),
            ("model_quantized", GraphChoice::Variant("quantized".into())),
        ] {
            let options = GenerateOptions::default().with_graph(choice);
            let mut pipeline = TextGeneration::open(&folder(), &engine, &options).unwrap();
            for case in cases(variant) {
                let context = format!("{backend}, {variant}, {}", case["question"]);
                let request = question(&case);
                assert_eq!(
                    pipeline.encode(&request.prompt).unwrap(),
                    ids(&case["prompt_ids"]),
                    "{context}"
                );
                let answer = pipeline.generate(&request).unwrap();
                assert_eq!(answer.ids(), ids(&case["ids"]), "{context}");
                assert_eq!(answer.text, case["text"].as_str().unwrap(), "{context}");
                assert_eq!(answer.finish, FinishReason::Ended, "{context}");
            }
        }
    }
}

#[test]
fn probabilities_are_those_of_the_logits_that_python_computed() {
    let case = &cases("model")[0];
    let logits: Vec<f32> = case["first_logits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap() as f32)
        .collect();
    let first = ids(&case["ids"])[0];
    assert_eq!(rank_of(&logits, first), Some(0));
    let max = f64::from(logits[first as usize]);
    let log = -logits.iter().map(|x| (f64::from(*x) - max).exp()).sum::<f64>().ln();
    for (backend, engine) in engines::all() {
        let answer = open(&engine).generate(&question(case).with_log_probabilities()).unwrap();
        let got = answer.tokens[0].log_probability.unwrap();
        assert!((got - log).abs() < 1e-4, "{backend}: {got} for {log}");
    }
}

#[test]
fn a_batch_of_different_lengths_answers_like_each_alone() {
    for (backend, engine) in engines::all() {
        let mut pipeline = open(&engine);
        let cases = cases("model");
        let requests: Vec<_> = cases.iter().map(question).collect();
        let answers = pipeline.generate_batch(&requests, &RunControl::default()).unwrap();
        for (case, answer) in cases.iter().zip(&answers) {
            assert_eq!(answer.text, case["text"].as_str().unwrap(), "{backend}");
            assert_eq!(answer.ids(), ids(&case["ids"]), "{backend}");
        }
        assert!(pipeline.generate_batch(&[], &RunControl::default()).unwrap().is_empty());
    }
}

#[test]
fn sampling_is_replayed_by_its_seed_on_every_backend_and_in_every_batch() {
    let sampling =
        Sampling::greedy().with_temperature(1.5).with_top_p(0.95).with_repetition_penalty(1.1);
    let mut seen: Option<Vec<Vec<u32>>> = None;
    for (backend, engine) in engines::all() {
        let mut pipeline = open(&engine);
        let requests: Vec<_> = (0..6)
            .map(|seed| {
                ask("count from one to six")
                    .with_sampling(sampling.with_seed(seed))
                    .with_max_tokens(24)
            })
            .collect();
        let alone: Vec<Vec<u32>> =
            requests.iter().map(|request| pipeline.generate(request).unwrap().ids()).collect();
        let together = pipeline.generate_batch(&requests, &RunControl::default()).unwrap();
        assert_eq!(
            together.iter().map(|answer| answer.ids()).collect::<Vec<_>>(),
            alone,
            "{backend}"
        );
        let distinct: std::collections::BTreeSet<_> = alone.iter().collect();
        assert!(distinct.len() > 1, "{backend}: seeds make a difference");
        assert_eq!(seen.get_or_insert_with(|| alone.clone()), &alone, "{backend}");
    }
}

#[test]
fn stop_strings_limits_and_least_lengths_are_kept() {
    for (backend, engine) in engines::all() {
        let mut pipeline = open(&engine);
        let request = ask("count from two to six").with_stop("ur f").with_stop("never");
        let answer = pipeline.generate(&request).unwrap();
        assert_eq!(
            (answer.text.as_str(), answer.finish),
            ("two three fo", FinishReason::Stopped),
            "{backend}"
        );

        let answer = pipeline.generate(&ask("count from two to six").with_max_tokens(2)).unwrap();
        assert_eq!((answer.tokens.len(), answer.finish), (2, FinishReason::Length), "{backend}");
        assert!("two three four five six.".starts_with(&answer.text), "{backend}");

        let answer = pipeline
            .generate(&ask("three plus four").with_min_tokens(12).with_max_tokens(12))
            .unwrap();
        assert_eq!(answer.tokens.len(), 12, "{backend}");
        let ends = pipeline.ending_tokens().to_vec();
        assert!(answer.ids().iter().all(|id| !ends.contains(id)), "{backend}");

        // Prompt and answer never exceed the context.
        let options = GenerateOptions::default().with_max_context(12);
        let mut small = TextGeneration::open(&folder(), &engine, &options).unwrap();
        let request = ask("hi").with_min_tokens(99);
        let answer = small.generate(&request).unwrap();
        assert_eq!(answer.prompt_tokens + answer.tokens.len(), 12, "{backend}");
    }
}

#[test]
fn requests_out_of_range_are_errors() {
    let (_, engine) = engines::all().remove(0);
    let mut pipeline = open(&engine);
    let wrong = [
        GenerateRequest::new(Prompt::Tokens(vec![])),
        GenerateRequest::new(Prompt::Tokens(vec![480])),
        GenerateRequest::new(Prompt::Tokens(vec![1; 256])),
        GenerateRequest::text("a ".repeat(2000)),
        ask("x").with_max_tokens(0),
        ask("x").with_sampling(Sampling::greedy().with_temperature(f64::NAN)),
        ask("x").with_sampling(Sampling::greedy().with_top_p(0.0)),
    ];
    for request in wrong {
        let error = pipeline.generate(&request).unwrap_err();
        assert!(matches!(error, Error::Argument { .. }), "{error}");
    }
}

#[test]
fn streams_give_whole_letters_and_then_the_answer() {
    let (_, engine) = engines::all().remove(0);
    let generators: [Box<dyn TextGenerator>; 2] = [
        Box::new(Worker::spawn(open(&engine), 4).unwrap()),
        Box::new(BatchWorker::spawn(open(&engine), BatchPolicy::default()).unwrap()),
    ];
    for generator in generators {
        for (question, expected) in
            [("greet in emoji", "👋🌍🎉"), ("greet in chinese", "你好，世界。")]
        {
            let events: Vec<_> = block_on(
                generator.stream(ask(question).with_stop("。!")).unwrap().collect::<Vec<_>>(),
            );
            let (last, tokens) = events.split_last().unwrap();
            let mut text = String::new();
            let mut count = 0;
            for event in tokens {
                let Ok(TextEvent::Token { token, text: piece }) = event else {
                    panic!("{event:?}")
                };
                assert!(!piece.contains('\u{fffd}'), "{piece}");
                text += piece;
                count += usize::from(token.is_some());
            }
            let Ok(TextEvent::Done(answer)) = last else { panic!("{last:?}") };
            assert_eq!((answer.text.as_str(), text.as_str()), (expected, expected));
            assert_eq!(answer.tokens.len(), count);
            assert!(count > expected.chars().count(), "letters are split among tokens");
            assert_eq!(&block_on(generator.generate(ask(question))).unwrap().text, expected);
        }
    }
}

#[test]
fn a_request_that_is_at_fault_does_not_spoil_its_batch() {
    let (_, engine) = engines::all().remove(0);
    let policy = BatchPolicy::default().with_max_batch(4).with_max_padding(1.0);
    let worker = BatchWorker::spawn(open(&engine), policy).unwrap();
    let requests = [ask("three plus four"), ask("x").with_max_tokens(0), ask("the room was awful")];
    let answers = block_on(futures::future::join_all(
        requests.into_iter().map(|request| worker.call(GenerateJob::new(request))),
    ));
    assert_eq!(answers[0].as_ref().unwrap().text, "seven.");
    assert!(matches!(answers[1], Err(Error::Argument { .. })));
    assert_eq!(answers[2].as_ref().unwrap().text, "negative.");
}

#[test]
fn dropping_the_stream_ends_the_work_within_a_step() {
    for (backend, engine) in engines::all() {
        let worker = Worker::spawn(open(&engine), 1).unwrap();
        let endless = ask("three plus four").with_min_tokens(usize::MAX);
        let mut stream = TextGenerator::stream(&worker, endless).unwrap();
        block_on(stream.next()).unwrap().unwrap();
        drop(stream);
        // The worker is free again, and this answer is complete.
        let answer = block_on(TextGenerator::generate(&worker, ask("three plus four"))).unwrap();
        assert_eq!(answer.text, "seven.", "{backend}");
    }
    // Told in the middle of a run, it stops at the next step.
    let (_, engine) = engines::all().remove(0);
    let control = RunControl::default();
    let (cancel, (told, heard)) = (control.cancel.clone(), mpsc::channel());
    let error = open(&engine)
        .generate_with(&ask("hi").with_min_tokens(usize::MAX), &control, &mut |_, _| {
            told.send(()).unwrap();
            cancel.cancel();
        })
        .unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
    assert_eq!(heard.try_iter().count(), 1);
}

#[test]
fn the_folder_s_chat_template_writes_what_jinja_writes() {
    let golden = engines::json("tiny-lm.json");
    let template = ChatTemplate::open(&folder()).unwrap().unwrap();
    for case in golden["template"].as_array().unwrap() {
        let messages: Vec<Message> = serde_json::from_value(case["messages"].clone()).unwrap();
        let prompts_answer = case["add_generation_prompt"].as_bool().unwrap();
        let text = template.render(&messages, prompts_answer, &serde_json::Map::new()).unwrap();
        assert_eq!(text, case["text"].as_str().unwrap());
    }
}

#[test]
fn a_graph_that_is_no_decoder_is_told() {
    for (backend, engine) in engines::all() {
        for graph in ["state", "dtypes"] {
            let source =
                tensor_ml::ModelSource::file(engines::data(&format!("graphs/{graph}.onnx")));
            let session = engine.load(&source, &tensor_ml::SessionOptions::default()).unwrap();
            let error =
                TextGeneration::with_session(&folder(), session, &GenerateOptions::default())
                    .unwrap_err();
            assert!(matches!(error, Error::Input { .. }), "{backend}: {error}");
        }
    }
}
