//! Pictures against what Pillow, numpy and onnxruntime make of them in Python.

use futures::executor::block_on;
use tensor_ml::{
    BatchPolicy, BatchWorker, Error, ImageClassification, ImageClassifier, ImageOptions,
    ImageTransform, ModelFolder, Picture, Worker,
};

use crate::engines;

fn folder() -> ModelFolder {
    ModelFolder::open(engines::data("tiny-image")).unwrap()
}

#[test]
fn scaled_pictures_are_those_of_pillow_to_the_last_bit() {
    let resize = &engines::json("tiny-image.json")["resize"];
    let file = engines::data("tiny-image").join(resize["file"].as_str().unwrap());
    let picture = Picture::open(file).unwrap();
    for case in resize["cases"].as_array().unwrap() {
        let transform = format!(
            r#"{{"size": {{"width": {}, "height": {}}}, "resample": {}, "do_rescale": false, "do_normalize": false}}"#,
            case["width"], case["height"], case["filter"]
        );
        let root = std::env::temp_dir().join(format!("tensor-ml-resize-{}", std::process::id()));
        std::fs::create_dir_all(&root).unwrap();
        std::fs::write(root.join("preprocessor_config.json"), transform).unwrap();
        let transform = ImageTransform::open(&ModelFolder::open(&root).unwrap()).unwrap();
        let (planes, height, width) = transform.apply(&picture).unwrap();
        let rows: Vec<i64> = (0..height)
            .map(|row| {
                let byte = |column: usize, channel: usize| {
                    planes[channel * height * width + row * width + column] as i64
                };
                (0..width * 3).map(|place| byte(place / 3, place % 3) * (place as i64 + 1)).sum()
            })
            .collect();
        let expected: Vec<i64> =
            case["rows"].as_array().unwrap().iter().map(|sum| sum.as_i64().unwrap()).collect();
        assert_eq!(rows, expected, "{case}");
        std::fs::remove_dir_all(&root).unwrap();
    }
}

#[test]
fn classes_are_those_of_python_on_every_backend() {
    let golden = engines::json("tiny-image.json");
    let cases = golden["classify"].as_array().unwrap();
    let pictures: Vec<_> = cases
        .iter()
        .map(|case| {
            let file = engines::data("tiny-image").join(case["file"].as_str().unwrap());
            Picture::open(file).unwrap()
        })
        .collect();
    for (backend, engine) in engines::all() {
        let pipeline = || {
            let options = ImageOptions::default().with_max_batch(4);
            ImageClassification::open(&folder(), &engine, &options).unwrap()
        };
        let together = pipeline().classify(&pictures).unwrap();
        for ((case, found), picture) in cases.iter().zip(&together).zip(&pictures) {
            let (planes, height, width) = pipeline().transform().apply(picture).unwrap();
            assert_eq!((height, width), (24, 24));
            let sum: f64 = planes.iter().map(|x| f64::from(*x)).sum();
            assert!((sum - case["pixel_sum"].as_f64().unwrap()).abs() < 1e-3, "{backend} {case}");
            assert_eq!(found.best().unwrap().label, case["label"].as_str().unwrap());
            assert_eq!(case["label"], case["drawn"]);
            assert_eq!(found.classes.len(), case["logits"].as_array().unwrap().len());
            for (place, class) in found.classes.iter().enumerate() {
                let logit = case["logits"][place].as_f64().unwrap();
                let score = case["scores"][place].as_f64().unwrap();
                assert!((f64::from(class.logit) - logit).abs() < 1e-4, "{backend} {case}");
                assert!((f64::from(class.score) - score).abs() < 1e-5, "{backend} {case}");
            }
        }
        let classifiers: [Box<dyn ImageClassifier>; 2] = [
            Box::new(Worker::spawn(pipeline(), 2).unwrap()),
            Box::new(BatchWorker::spawn(pipeline(), BatchPolicy::default()).unwrap()),
        ];
        for classifier in classifiers {
            let found = block_on(classifier.classify(pictures.clone())).unwrap();
            let labels = |list: &[tensor_ml::Classification]| -> Vec<String> {
                list.iter().map(|found| found.best().unwrap().label.clone()).collect()
            };
            assert_eq!(labels(&found), labels(&together));
        }
    }
}

#[test]
fn what_is_not_for_pictures_is_refused() {
    let (_, engine) = engines::all().remove(0);
    let options = ImageOptions::default();
    let text = ModelFolder::open(engines::data("tiny-embed")).unwrap();
    let error = ImageClassification::open(&text, &engine, &options).unwrap_err();
    assert!(
        matches!(&error, Error::Config { path, .. } if path.ends_with("preprocessor_config.json")),
        "{error}"
    );
    let file = engines::data("tiny-image.json");
    let error = Picture::open(&file).unwrap_err().to_string();
    assert!(error.contains("tiny-image.json"), "{error}");
}
