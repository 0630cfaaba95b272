//! Embeddings and token classification against what Python makes of the same graphs.

use futures::executor::block_on;
use serde_json::Value;
use tensor_ml::{
    BatchPolicy, BatchWorker, ClassifyOptions, DType, EmbedOptions, Embedder, Engine, Error,
    ModelFolder, Pooling, Tensor, TensorSpec, Tensors, TextClassifier, TextEmbedding,
    TokenClassification, TokenClassifier, Tokenizer, Worker, ZeroShot, ZeroShotOptions, cosine,
    testing::ConstModel,
};

use crate::engines;

fn folder(name: &str) -> ModelFolder {
    ModelFolder::open(engines::data(name)).unwrap()
}

fn cases(kind: &str) -> Vec<Value> {
    engines::json("tiny-encoder.json")[kind].as_array().unwrap().clone()
}

fn texts(cases: &[Value]) -> Vec<String> {
    cases.iter().map(|case| case["text"].as_str().unwrap().to_owned()).collect()
}

fn embed(engine: &Engine, options: &EmbedOptions) -> TextEmbedding {
    TextEmbedding::open(&folder("tiny-embed"), engine, options).unwrap()
}

fn assert_close(got: &[f32], expected: &Value, context: &str) {
    let expected = expected.as_array().unwrap();
    assert_eq!(got.len(), expected.len(), "{context}");
    for (got, expected) in got.iter().zip(expected) {
        let expected = expected.as_f64().unwrap() as f32;
        assert!((got - expected).abs() < 2e-5, "{context}: {got} for {expected}");
    }
}

#[test]
fn vectors_are_those_of_python_for_every_pooling_on_every_backend() {
    let cases = cases("embed");
    let texts = texts(&cases);
    for (backend, engine) in engines::all() {
        let stated = embed(&engine, &EmbedOptions::default());
        assert_eq!((stated.pooling(), stated.is_normalized()), (Pooling::Mean, true));
        let plain = EmbedOptions::default().with_normalized(false).with_max_batch(2);
        let pipelines = [
            ("mean", stated),
            ("cls", embed(&engine, &plain.clone().with_pooling(Pooling::Cls))),
            ("last", embed(&engine, &plain.clone().with_pooling(Pooling::Last))),
            ("max", embed(&engine, &plain.with_pooling(Pooling::Max))),
        ];
        for (kind, pipeline) in pipelines {
            let together = pipeline.embed(&texts).unwrap();
            for (place, case) in cases.iter().enumerate() {
                let context = format!("{backend}, {kind}, {}", texts[place]);
                assert_close(&together[place], &case[kind], &context);
                assert_close(
                    &pipeline.embed(&texts[place..=place]).unwrap()[0],
                    &case[kind],
                    &context,
                );
            }
        }
    }
}

#[test]
fn workers_and_batchers_are_embedders() {
    let cases = cases("embed");
    let (_, engine) = engines::all().remove(0);
    let pipeline = || embed(&engine, &EmbedOptions::default());
    let embedders: [Box<dyn Embedder>; 2] = [
        Box::new(Worker::spawn(pipeline(), 2).unwrap()),
        Box::new(BatchWorker::spawn(pipeline(), BatchPolicy::default()).unwrap()),
    ];
    for embedder in embedders {
        let vectors = block_on(embedder.embed(texts(&cases))).unwrap();
        for (vector, case) in vectors.iter().zip(&cases) {
            assert_close(vector, &case["mean"], "worker");
            assert!((cosine(vector, vector) - 1.0).abs() < 1e-6);
        }
    }
}

#[test]
fn a_folder_with_a_pooling_that_is_not_known_is_an_error() {
    let root = std::env::temp_dir().join(format!("tensor-ml-pooling-{}", std::process::id()));
    std::fs::create_dir_all(root.join("1_Pooling")).unwrap();
    for name in ["config.json", "tokenizer.json", "tokenizer_config.json"] {
        std::fs::copy(engines::data("tiny-embed").join(name), root.join(name)).unwrap();
    }
    std::fs::copy(engines::data("tiny-embed/onnx/model.onnx"), root.join("model.onnx")).unwrap();
    let (_, engine) = engines::all().remove(0);
    let open = |modes: &str| {
        std::fs::write(root.join("1_Pooling/config.json"), modes).unwrap();
        let folder = ModelFolder::open(&root).unwrap();
        TextEmbedding::open(&folder, &engine, &EmbedOptions::default())
    };
    assert_eq!(open(r#"{"pooling_mode_cls_token": true}"#).unwrap().pooling(), Pooling::Cls);
    for modes in [
        r#"{"pooling_mode_weightedmean_tokens": true}"#,
        r#"{"pooling_mode_cls_token": true, "pooling_mode_max_tokens": true}"#,
    ] {
        let error = open(modes).unwrap_err();
        assert!(
            matches!(&error, Error::Config { path, .. } if path.ends_with("1_Pooling/config.json")),
            "{error}"
        );
    }
    std::fs::remove_dir_all(&root).unwrap();
}

#[test]
fn a_ready_vector_for_each_text_is_taken_as_it_is() {
    let inputs = vec![TensorSpec::new("input_ids", DType::I64, None)];
    let vector = Tensor::new([1, 2], vec![3.0_f32, 4.0]).unwrap();
    let tokens = Tensor::filled([1, 2, 2], 0.0_f32).unwrap();
    let answer =
        Tensors::new().with("last_hidden_state", tokens).with("sentence_embedding", vector);
    let tokenizer = Tokenizer::open(&folder("tiny-embed")).unwrap();
    let model = ConstModel::new(inputs.clone(), answer);
    let pipeline = TextEmbedding::new(model, tokenizer.clone(), Pooling::Mean, true).unwrap();
    assert_eq!(pipeline.embed(&["bob"]).unwrap(), [[0.6, 0.8]]);
    let logits = Tensors::new().with("logits", Tensor::filled([1, 2], 0.0_f32).unwrap());
    let classifier = ConstModel::new(inputs, logits);
    let error = TextEmbedding::new(classifier, tokenizer, Pooling::Mean, true).unwrap_err();
    assert!(matches!(error, Error::Output { .. }), "{error}");
}

#[test]
fn labels_and_entities_are_those_of_python_on_every_backend() {
    let cases = cases("ner");
    let texts = texts(&cases);
    for (backend, engine) in engines::all() {
        let options = ClassifyOptions::default();
        let pipeline = TokenClassification::open(&folder("tiny-ner"), &engine, &options).unwrap();
        let labels = pipeline.label(&texts).unwrap();
        let entities = pipeline.entities(&texts).unwrap();
        for (place, case) in cases.iter().enumerate() {
            let context = format!("{backend}, {}", texts[place]);
            let special = case["special"].as_array().unwrap().iter().map(|flag| flag == 1);
            let expected: Vec<&str> = case["labels"]
                .as_array()
                .unwrap()
                .iter()
                .zip(special)
                .filter(|(_, is_special)| !is_special)
                .map(|(label, _)| label.as_str().unwrap())
                .collect();
            let got: Vec<&str> = labels[place].iter().map(|token| token.label.as_str()).collect();
            assert_eq!(got, expected, "{context}");
            let expected = case["entities"].as_array().unwrap();
            assert_eq!(entities[place].len(), expected.len(), "{context}");
            for (got, expected) in entities[place].iter().zip(expected) {
                assert_eq!(got.label, expected["tag"].as_str().unwrap(), "{context}");
                assert_eq!(got.text, expected["text"].as_str().unwrap(), "{context}");
                assert!(
                    (f64::from(got.score) - expected["score"].as_f64().unwrap()).abs() < 1e-5,
                    "{context}"
                );
                assert_eq!(&texts[place][got.range.clone()], got.text, "{context}");
            }
        }
        let worker = Worker::spawn(pipeline, 1).unwrap();
        assert_eq!(block_on(TokenClassifier::entities(&worker, texts.clone())).unwrap(), entities);
    }
}

#[test]
fn labels_that_are_only_words_are_ranked_by_the_cosine_of_their_vectors() {
    for (backend, engine) in engines::all() {
        let embedding = || {
            let folder = ModelFolder::open(engines::data("tiny-embed")).unwrap();
            TextEmbedding::open(&folder, &engine, &EmbedOptions::default()).unwrap()
        };
        let labels = ["the big dog", "acme corp", "new york"];
        let options = ZeroShotOptions::default().with_template("in {}").with_scale(5.0);
        let pipeline = ZeroShot::new(embedding(), &labels, options).unwrap();
        let text = "Anna lives in New York";
        let found = pipeline.classify(&[text]).unwrap().remove(0);
        let vectors = embedding().embed(&["in the big dog", "in acme corp", "in new york", text]);
        let vectors = vectors.unwrap();
        let powers: Vec<f64> = vectors[..3]
            .iter()
            .map(|vector| (5.0 * f64::from(cosine(vector, &vectors[3]))).exp())
            .collect();
        for ((class, label), power) in found.classes.iter().zip(labels).zip(&powers) {
            assert_eq!(class.label, label);
            let score = power / powers.iter().sum::<f64>();
            assert!((f64::from(class.score) - score).abs() < 1e-4, "{backend}: {found:?}");
        }
        let several = ZeroShotOptions::default().with_multi_label(true);
        let pipeline = ZeroShot::new(embedding(), &labels, several).unwrap();
        let alike = pipeline.classify(&["acme corp"]).unwrap().remove(0);
        assert_eq!(alike.best().unwrap().label, "acme corp");
        assert!((alike.best().unwrap().logit - 20.0).abs() < 1e-3);
        let classifier: Box<dyn TextClassifier> = Box::new(Worker::spawn(pipeline, 1).unwrap());
        assert_eq!(block_on(classifier.classify(vec!["acme corp".into()])).unwrap(), [alike]);

        let refused = |labels: &[&str], options| {
            let error = ZeroShot::new(embedding(), labels, options).unwrap_err();
            assert!(matches!(error, Error::Argument { .. }), "{error}");
        };
        refused(&[], ZeroShotOptions::default());
        refused(&["a", " a "], ZeroShotOptions::default());
        refused(&["a", ""], ZeroShotOptions::default());
        refused(&["a"], ZeroShotOptions::default().with_template("no slot"));
        refused(&["a"], ZeroShotOptions::default().with_scale(f32::NAN));
    }
}
