//! Unmodified models from PyPI packages on every backend, against Python's onnxruntime in the same run. `scripts/test`
//! brings packages and Python; a plain `cargo test` says so by failing.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use serde_json::Value;
use tensor_ml::{
    EmbedOptions, GraphChoice, Intake, Model, ModelFolder, SessionOptions, Tensor, Tensors,
    TextEmbedding, cosine,
};

use crate::engines;

/// What Python made of the models, computed once for all tests of the process.
fn golden() -> &'static (PathBuf, Value) {
    static GOLDEN: OnceLock<(PathBuf, Value)> = OnceLock::new();
    GOLDEN.get_or_init(|| {
        let of = |name: &str| {
            std::env::var_os(name).unwrap_or_else(|| {
                panic!(
                    "tests on real models need {name}: run scripts/test, or name a Python with onnxruntime in \
                     TENSOR_PY_ORT and in TENSOR_ML_MODELS a folder with the packages of testdata/ml/real_models.py"
                )
            })
        };
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("real-models");
        let output = Command::new(of("TENSOR_PY_ORT"))
            .arg(engines::data("real_models.py"))
            .arg(of("TENSOR_ML_MODELS"))
            .arg(&out)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let cases = serde_json::from_slice(&fs::read(out.join("cases.json")).unwrap()).unwrap();
        (out, cases)
    })
}

fn tensor(out: &Path, port: &Value) -> Tensor {
    let bytes = fs::read(out.join(port["file"].as_str().unwrap())).unwrap();
    let shape: Vec<usize> = port["shape"]
        .as_array()
        .unwrap()
        .iter()
        .map(|side| side.as_u64().unwrap() as usize)
        .collect();
    match port["dtype"].as_str().unwrap() {
        "float32" => {
            let values = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
            Tensor::new(shape, values.collect::<Vec<_>>()).unwrap()
        }
        "int32" => {
            let values = bytes.chunks_exact(4).map(|b| i32::from_le_bytes(b.try_into().unwrap()));
            Tensor::new(shape, values.collect::<Vec<_>>()).unwrap()
        }
        "int64" => {
            let values = bytes.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()));
            Tensor::new(shape, values.collect::<Vec<_>>()).unwrap()
        }
        other => panic!("{other}"),
    }
}

#[test]
fn models_from_packages_compute_what_onnxruntime_computes_in_python() {
    let (out, golden) = golden();
    for (backend, engine) in engines::all() {
        for case in golden["cases"].as_array().unwrap() {
            let what = format!("{} on {backend}", case["name"]);
            let folder = ModelFolder::open(case["graph"].as_str().unwrap()).unwrap();
            let source = folder.graph(&GraphChoice::Preferred).unwrap();
            Intake::default().admit(&source).unwrap();
            let options = SessionOptions::default().with_threads(1);
            let model = engine.model(&source, &options).unwrap();
            let inputs: Tensors = case["inputs"]
                .as_array()
                .unwrap()
                .iter()
                .map(|port| (port["name"].as_str().unwrap(), tensor(out, port)))
                .collect();
            let outputs = model.infer(inputs).unwrap();
            for port in case["outputs"].as_array().unwrap() {
                let expected = tensor(out, port);
                let got = outputs.get(port["name"].as_str().unwrap()).unwrap();
                assert_eq!(got.shape(), expected.shape(), "{what}");
                let (got, expected) = (got.to_f32s().unwrap(), expected.to_f32s().unwrap());
                let largest = expected.iter().fold(1.0_f32, |largest, x| largest.max(x.abs()));
                let apart = got.iter().zip(&*expected).map(|(a, b)| (a - b).abs());
                let apart = apart.fold(0.0_f32, f32::max);
                println!("{what}: {apart:e} of {largest}");
                assert!(apart <= 1e-4 * largest, "{what}: {apart} of {largest}");
            }
            if case["name"] == "magika" {
                let output = &outputs.iter().next().unwrap().1;
                let labels = golden["magika_labels"].as_array().unwrap();
                let scores = output.to_f32s().unwrap();
                for (row, expected) in
                    scores.chunks(labels.len()).zip(golden["magika_expected"].as_array().unwrap())
                {
                    let best = (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap();
                    assert_eq!(&labels[best], expected, "{what}");
                }
            }
        }
    }
}

/// Figures from the model's published page.
#[test]
fn sentences_are_as_near_as_published() {
    let (_, golden) = golden();
    let folder = ModelFolder::open(golden["minilm"].as_str().unwrap()).unwrap();
    for (backend, engine) in engines::all() {
        let options = EmbedOptions::default();
        let pipeline = TextEmbedding::open(&folder, &engine, &options).unwrap();
        let vectors = pipeline
            .embed(&["A man is eating food.", "A man is eating a piece of bread."])
            .unwrap();
        let near = cosine(&vectors[0], &vectors[1]);
        assert!((near - 0.75534).abs() < 1e-4, "{backend}: {near}");
        for (got, expected) in
            vectors[0].iter().zip([0.03324, 0.00441, -0.00628, 0.04838, -0.13870])
        {
            assert!((got - expected).abs() < 2e-5, "{backend}: {got} for {expected}");
        }
    }
}
