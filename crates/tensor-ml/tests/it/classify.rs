//! Text classification against what Python's onnxruntime and tokenizers say about the committed sentiment models.

use std::path::PathBuf;

use futures::executor::block_on;
use tensor_ml::{
    BatchPolicy, BatchWorker, ClassifyOptions, DType, Device, Dim, Engine, Error, ModelFolder,
    SessionOptions, Submit, Tensor, TensorSpec, Tensors, TextClassification, TextClassifier,
    Tokenizer, Worker, testing::ConstModel,
};

use crate::engines;

fn assets(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/assets")).join(path)
}

fn folder(size: &str) -> ModelFolder {
    ModelFolder::open(assets("model").join(size)).unwrap()
}

fn open(engine: &Engine, size: &str) -> TextClassification {
    TextClassification::open(&folder(size), engine, &ClassifyOptions::default()).unwrap()
}

fn golden() -> (Vec<String>, serde_json::Value, f32) {
    let golden: serde_json::Value =
        serde_json::from_slice(&std::fs::read(assets("train/golden.json")).unwrap()).unwrap();
    let texts = golden["texts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_str().unwrap().to_owned())
        .collect();
    let tolerance = golden["tolerance"].as_f64().unwrap() as f32;
    (texts, golden, tolerance)
}

#[test]
fn ids_and_logits_are_those_of_python_on_every_backend() {
    let (texts, golden, tolerance) = golden();
    for (backend, engine) in engines::all() {
        for (size, cases) in golden["variants"].as_object().unwrap() {
            let pipeline = open(&engine, size);
            assert_eq!(pipeline.labels(), ["negative", "neutral", "positive"]);
            let encodings = pipeline.tokenizer().encode(&texts).unwrap();
            let together = pipeline.classify(&texts).unwrap();
            for (place, case) in cases.as_array().unwrap().iter().enumerate() {
                let context = format!("{backend}, {size}, {}", texts[place]);
                let ids: Vec<u64> =
                    case["ids"].as_array().unwrap().iter().map(|x| x.as_u64().unwrap()).collect();
                let got: Vec<u64> = encodings[place].ids.iter().map(|id| u64::from(*id)).collect();
                assert_eq!(got, ids, "{context}");
                let alone = pipeline.classify(&texts[place..=place]).unwrap();
                for (class, logit) in case["logits"].as_array().unwrap().iter().enumerate() {
                    let logit = logit.as_f64().unwrap() as f32;
                    for result in [&alone[0], &together[place]] {
                        let got = result.classes[class].logit;
                        assert!((got - logit).abs() <= tolerance, "{context}: {got} for {logit}");
                    }
                }
            }
        }
    }
}

#[test]
fn batches_of_any_size_give_the_same_answers() {
    let (texts, _, tolerance) = golden();
    for (backend, engine) in engines::all() {
        let reference = open(&engine, "small").classify(&texts).unwrap();
        for max_batch in [1, 2, 7] {
            let options = ClassifyOptions::default().with_max_batch(max_batch);
            let pipeline = TextClassification::open(&folder("small"), &engine, &options).unwrap();
            let results = pipeline.classify(&texts).unwrap();
            for (one, other) in reference.iter().zip(&results) {
                assert_eq!(one.best().unwrap().label, other.best().unwrap().label, "{backend}");
                for (one, other) in one.classes.iter().zip(&other.classes) {
                    assert!((one.logit - other.logit).abs() <= tolerance, "{backend}");
                }
            }
        }
        assert!(open(&engine, "small").classify::<&str>(&[]).unwrap().is_empty());
    }
}

#[test]
fn long_texts_are_cut_at_the_limit() {
    let long = "good bad ".repeat(10_000);
    for (backend, engine) in engines::all() {
        let pipeline = open(&engine, "small");
        let limit = pipeline.tokenizer().max_tokens();
        assert_eq!(limit, 160, "{backend}");
        assert_eq!(pipeline.tokenizer().encode(&[&long]).unwrap()[0].ids.len(), limit);
        pipeline.classify(&[&long]).unwrap();
        let options = ClassifyOptions::default().with_max_tokens(8);
        let short = TextClassification::open(&folder("small"), &engine, &options).unwrap();
        assert_eq!(short.tokenizer().encode(&[&long]).unwrap()[0].ids.len(), 8);
        for too_few in [0, 1, 2] {
            let options = ClassifyOptions::default().with_max_tokens(too_few);
            let error = TextClassification::open(&folder("small"), &engine, &options).unwrap_err();
            assert!(matches!(error, Error::Argument { .. }), "{error}");
        }
    }
}

#[test]
fn workers_and_batchers_are_text_classifiers() {
    let (texts, _, _) = golden();
    let (_, engine) = engines::all().remove(0);
    let expected = open(&engine, "small").classify(&texts).unwrap();
    let classifiers: [Box<dyn TextClassifier>; 2] = [
        Box::new(Worker::spawn(open(&engine, "small"), 4).unwrap()),
        Box::new(BatchWorker::spawn(open(&engine, "small"), BatchPolicy::default()).unwrap()),
    ];
    for classifier in classifiers {
        let got = block_on(classifier.classify(texts.clone())).unwrap();
        for (expected, got) in expected.iter().zip(&got) {
            assert_eq!(expected.best().unwrap().label, got.best().unwrap().label);
        }
    }
    let batcher = BatchWorker::spawn(open(&engine, "small"), BatchPolicy::default()).unwrap();
    let one = block_on(batcher.submit("not good".into(), Submit::default()).unwrap()).unwrap();
    assert_eq!(one.classes.len(), 3);
}

#[test]
fn a_device_asked_for_by_name_is_not_replaced() {
    let (_, engine) = engines::all().remove(0);
    let options = ClassifyOptions::default().with_session(SessionOptions::on(Device::Cuda(63)));
    let error = TextClassification::open(&folder("small"), &engine, &options).unwrap_err();
    assert!(
        matches!(error, Error::ProviderUnavailable { device: Device::Cuda(63), .. }),
        "{error}"
    );
    let pipeline = open(&engine, "small");
    assert_eq!(pipeline.placement().unwrap().device, Device::Cpu);
}

/// A pipeline over a model that gives `logits` and takes batches of two texts of eight tokens only.
fn constant(logits: Tensor, is_multi_label: bool) -> Result<TextClassification, Error> {
    let shape = Some(vec![Dim::Fixed(2), Dim::Fixed(8)]);
    let inputs = ["input_ids", "attention_mask", "token_type_ids"]
        .map(|name| TensorSpec::new(name, DType::I32, shape.clone()));
    let model = ConstModel::new(inputs.to_vec(), Tensors::new().with("logits", logits));
    let tokenizer = Tokenizer::open(&folder("small")).unwrap();
    TextClassification::new(model, tokenizer, vec!["a".into(), "b".into()], is_multi_label)
}

#[test]
fn graphs_of_fixed_size_are_filled_up() {
    let logits = Tensor::new([2, 2], vec![0.0_f32, 1.0, 2.0, -1.0]).unwrap();
    let pipeline = constant(logits, true).unwrap();
    let texts = ["good, ".repeat(30), "bad".into(), "x".into()];
    let results = pipeline.classify(&texts).unwrap();
    assert_eq!(results.len(), 3);
    // Several labels may apply: each has its own probability.
    assert_eq!(results[1].score("a").unwrap(), 0.5);
    let best: Vec<_> = results.iter().map(|result| result.best().unwrap().label.as_str()).collect();
    assert_eq!(best.iter().filter(|label| **label == "b").count(), 2);
}

#[test]
fn a_model_that_is_no_classifier_is_told() {
    for shape in [vec![4], vec![1, 4], vec![2, 1, 2], vec![4, 1]] {
        let logits = Tensor::filled(shape, 0.0_f32).unwrap();
        let error = constant(logits, false).unwrap().classify(&["x", "y"]).unwrap_err();
        assert!(matches!(&error, Error::Output { name, .. } if name == "logits"), "{error}");
    }
    let integers = constant(Tensor::filled([2, 2], 1_i64).unwrap(), false).unwrap();
    assert!(integers.classify(&["x"]).is_err());

    let tokenizer = || Tokenizer::open(&folder("small")).unwrap();
    let spec = |name: &str| TensorSpec::new(name, DType::I64, None);
    let answer = Tensors::new().with("logits", Tensor::filled([1, 2], 0.0_f32).unwrap());
    let image = ConstModel::new(vec![spec("pixel_values")], answer.clone());
    assert!(matches!(
        TextClassification::new(image, tokenizer(), vec![], false),
        Err(Error::Input { .. })
    ));
    let strange = ConstModel::new(vec![spec("input_ids"), spec("pixel_values")], answer);
    assert!(
        matches!(TextClassification::new(strange, tokenizer(), vec![], false), Err(Error::Input { name, .. }) if name == "pixel_values")
    );
    let other = Tensors::new().with("embedding", Tensor::filled([1, 2], 0.0_f32).unwrap());
    let embedder = ConstModel::new(vec![spec("input_ids")], other);
    assert!(matches!(
        TextClassification::new(embedder, tokenizer(), vec![], false),
        Err(Error::Output { .. })
    ));
}
