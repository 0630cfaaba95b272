//! The same graphs give the same answers on every backend, and the same mistakes the same errors.

use std::{thread, time::Duration};

use serde_json::Value;
use tensor_ml::{
    CancelToken, DType, Device, Error, Feed, Fetch, Model, ModelSource, RunControl, SessionOptions,
    Tensor, Tensors, run_all,
};

use crate::engines;

fn source(name: &str) -> ModelSource {
    ModelSource::file(engines::data(&format!("graphs/{name}.onnx")))
}

/// A tensor as `graphs.py` writes it.
fn tensor(value: &Value) -> Tensor {
    let shape: Vec<usize> =
        value["shape"].as_array().unwrap().iter().map(|x| x.as_u64().unwrap() as usize).collect();
    let data: Vec<f64> =
        value["data"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
    let ints = || data.iter().map(|x| *x as i64).collect::<Vec<_>>();
    match value["dtype"].as_str().unwrap() {
        "float32" => Tensor::new(shape, data).unwrap().cast(DType::F32).unwrap(),
        "float16" => Tensor::new(shape, data).unwrap().cast(DType::F16).unwrap(),
        "int64" => Tensor::from_ints(DType::I64, shape, ints()).unwrap(),
        "int32" => Tensor::from_ints(DType::I32, shape, ints()).unwrap(),
        "bool" => Tensor::from_ints(DType::Bool, shape, ints()).unwrap(),
        other => panic!("{other}"),
    }
}

fn tensors(value: &Value) -> Tensors {
    value.as_object().unwrap().iter().map(|(name, value)| (name.clone(), tensor(value))).collect()
}

/// Types, shapes and whole numbers are equal; floating-point numbers to `tolerance`.
fn assert_close(got: &Tensors, expected: &Tensors, tolerance: f32, context: &str) {
    assert_eq!(got.len(), expected.len(), "{context}");
    for (name, expected) in expected.iter() {
        let got = got.get(name).unwrap_or_else(|| panic!("{context}: no {name}"));
        assert_eq!(
            (got.dtype(), got.shape()),
            (expected.dtype(), expected.shape()),
            "{context}: {name}"
        );
        if !expected.dtype().is_float() {
            assert_eq!(got, expected, "{context}: {name}");
            continue;
        }
        let (got, expected) = (got.to_f32s().unwrap(), expected.to_f32s().unwrap());
        for (got, expected) in got.iter().zip(expected.iter()) {
            assert!((got - expected).abs() <= tolerance, "{context}: {name}: {got} for {expected}");
        }
    }
}

#[test]
fn every_graph_answers_as_python_says() {
    let golden = engines::json("graphs.json");
    for (backend, engine) in engines::all() {
        for (name, cases) in golden.as_object().unwrap() {
            let model = engine.model(&source(name), &SessionOptions::on(Device::Cpu)).unwrap();
            for (number, case) in cases.as_array().unwrap().iter().enumerate() {
                let context = format!("{backend}, {name} {number}");
                let outputs = model.infer(tensors(&case["inputs"])).unwrap();
                // Half precision is computed in single precision by rten and rounded once.
                let tolerance = if name == "halves" { 4e-3 } else { 1e-5 };
                assert_close(&outputs, &tensors(&case["outputs"]), tolerance, &context);
            }
        }
    }
}

#[test]
fn a_graph_from_memory_is_the_same_graph() {
    let golden = engines::json("graphs.json");
    let case = &golden["external"][0];
    let graph = std::fs::read(engines::data("graphs/external.onnx")).unwrap();
    let weights = std::fs::read(engines::data("graphs/external.onnx_data")).unwrap();
    for (backend, engine) in engines::all() {
        let bare = ModelSource::bytes("external", graph.clone());
        let error = engine.load(&bare, &SessionOptions::default()).unwrap_err();
        assert!(matches!(error, Error::ExternalData { .. }), "{backend}: {error}");
        let source = bare.with_external("external.onnx_data", weights.clone());
        let model = engine.model(&source, &SessionOptions::default()).unwrap();
        let outputs = model.infer(tensors(&case["inputs"])).unwrap();
        assert_close(&outputs, &tensors(&case["outputs"]), 1e-5, backend);
    }
}

#[test]
fn types_and_names_are_those_of_the_graph() {
    for (backend, engine) in engines::all() {
        let session = engine.load(&source("dtypes"), &SessionOptions::default()).unwrap();
        let inputs: Vec<String> =
            session.inputs().iter().map(|spec| format!("{} {spec}", spec.name)).collect();
        let expected =
            ["ids i64 [batch, tokens]", "flags bool [n]", "x f32 [batch, 3]", "small i32 [2]"];
        assert_eq!(inputs, expected, "{backend}");
        let outputs: Vec<String> = session.outputs().iter().map(ToString::to_string).collect();
        let expected = ["i64 [batch, tokens]", "bool [n]", "f32 [batch, 5]", "i32 [2]", "f32 []"];
        assert_eq!(outputs, expected, "{backend}");
        // What format 3 lists as an input and gives a value for is none.
        let old = engine.load(&source("old"), &SessionOptions::default()).unwrap();
        assert_eq!(old.inputs().len(), 1, "{backend}");
    }
}

#[test]
fn wrong_inputs_are_named_before_the_run() {
    let golden = engines::json("graphs.json");
    let good = tensors(&golden["dtypes"][0]["inputs"]);
    for (backend, engine) in engines::all() {
        let model = engine.model(&source("dtypes"), &SessionOptions::default()).unwrap();
        let mut missing = good.clone();
        missing.take("flags").unwrap();
        let cases = [
            (missing, "flags"),
            (good.clone().with("extra", Tensor::scalar(1.0_f32)), "extra"),
            (good.clone().with("ids", Tensor::filled([2, 3], 1_i32).unwrap()), "ids"),
            (good.clone().with("x", Tensor::filled([2, 4], 1.0_f32).unwrap()), "x"),
            (good.clone().with("small", Tensor::filled([2, 1], 1_i32).unwrap()), "small"),
        ];
        for (inputs, culprit) in cases {
            let error = model.infer(inputs).unwrap_err();
            assert!(
                matches!(&error, Error::Input { name, .. } if name == culprit),
                "{backend}: {error}"
            );
        }
        assert!(model.infer(good.clone()).is_ok(), "{backend}");
    }
}

#[test]
fn outputs_are_given_in_the_order_and_number_wanted() {
    let golden = engines::json("graphs.json");
    let inputs = tensors(&golden["dtypes"][0]["inputs"]);
    for (backend, engine) in engines::all() {
        let mut session = engine.load(&source("dtypes"), &SessionOptions::default()).unwrap();
        let feeds = || inputs.iter().map(|(name, tensor)| (name, Feed::Host(tensor))).collect();
        let control = RunControl::default();
        let wanted = [Fetch::Host("total"), Fetch::Host("next_ids")];
        let values = session.run(feeds(), &wanted, &control).unwrap();
        let tensors: Vec<Tensor> = values.into_iter().map(|v| v.into_host().unwrap()).collect();
        assert_eq!(tensors[0].shape(), [0_usize; 0], "{backend}");
        assert_eq!(tensors[1].data::<i64>().unwrap()[3], i64::from(i32::MAX), "{backend}");
        let error = session.run(feeds(), &[Fetch::Host("none")], &control).unwrap_err();
        assert!(matches!(error, Error::Output { .. }), "{backend}: {error}");
        assert!(session.run(feeds(), &[], &control).unwrap().is_empty(), "{backend}");
    }
}

#[test]
fn state_stays_with_the_backend_from_run_to_run() {
    for (backend, engine) in engines::all() {
        let mut session = engine.load(&source("state"), &SessionOptions::default()).unwrap();
        let control = RunControl::default();
        let wanted = [Fetch::Host("total"), Fetch::Keep("present")];
        let empty = Tensor::new([1, 0], Vec::<f32>::new()).unwrap();
        let mut kept = None;
        for step in 1..=20_u16 {
            let x = Tensor::new([1, 1], vec![f32::from(step)]).unwrap();
            let past = kept.take().map_or(Feed::Host(&empty), Feed::Kept);
            let values = session
                .run(vec![("x", Feed::Host(&x)), ("past", past)], &wanted, &control)
                .unwrap();
            let [total, present] = <[_; 2]>::try_from(values).unwrap();
            let total = total.into_host().unwrap().data::<f32>().unwrap()[0];
            assert_eq!(total, f32::from(step * (step + 1) / 2), "{backend}");
            let present = present.into_kept().unwrap();
            assert_eq!(present.shape(), [1, usize::from(step)], "{backend}");
            assert_eq!(present.device(), Device::Cpu, "{backend}");
            kept = Some(present);
        }
    }
}

#[test]
fn a_value_of_another_backend_is_refused() {
    let control = RunControl::default();
    let foreign = tensor_ml::Kept::new(DType::F32, vec![1, 1], Device::Cpu, Box::new("foreign"));
    let mut foreign = Some(foreign);
    let (backend, engine) = engines::all().remove(0);
    let mut session = engine.load(&source("state"), &SessionOptions::default()).unwrap();
    let x = Tensor::new([1, 1], vec![1.0_f32]).unwrap();
    let feeds = vec![("x", Feed::Host(&x)), ("past", Feed::Kept(foreign.take().unwrap()))];
    let error = session.run(feeds, &[Fetch::Host("total")], &control).unwrap_err();
    assert!(matches!(error, Error::Tensor { .. }), "{backend}: {error}");
}

#[cfg(feature = "rten")]
#[test]
fn integers_that_rten_cannot_hold_are_an_error() {
    let golden = engines::json("graphs.json");
    let inputs = tensors(&golden["dtypes"][0]["inputs"]);
    let big = Tensor::new([1, 1], vec![i64::from(i32::MAX) + 1]).unwrap();
    let model =
        tensor_ml::Engine::rten().model(&source("dtypes"), &SessionOptions::default()).unwrap();
    let error = model.infer(inputs.with("ids", big)).unwrap_err();
    assert!(
        matches!(&error, Error::Input { name, got, .. } if name == "ids" && got == "2147483648"),
        "{error}"
    );
}

#[test]
fn a_cancelled_run_says_so() {
    for (backend, engine) in engines::all() {
        let mut session = engine.load(&source("endless"), &SessionOptions::default()).unwrap();
        // On rten a run ends by itself before the token is looked at; so it gets fewer steps.
        let steps = if backend == "ort" { i64::from(i32::MAX) } else { 1000 };
        let inputs = Tensors::new()
            .with("steps", Tensor::scalar(steps))
            .with("x", Tensor::filled([16, 16], 0.1_f32).unwrap());
        let cancel = CancelToken::new();
        let switch = cancel.clone();
        let stopper = thread::spawn(move || {
            thread::sleep(Duration::from_millis(30));
            switch.cancel();
        });
        let control = RunControl::cancelled_by(cancel);
        // The first run may be over before the switch; the next ones are not begun any more.
        let error = loop {
            if let Err(error) = run_all(&mut *session, &inputs, &control) {
                break error;
            }
        };
        assert!(matches!(error, Error::Cancelled), "{backend}: {error}");
        stopper.join().unwrap();
        // The session is none the worse for it.
        let inputs = inputs.with("steps", Tensor::scalar(1_i64));
        assert!(run_all(&mut *session, &inputs, &RunControl::default()).is_ok(), "{backend}");
    }
}

#[test]
fn external_data_outside_the_folder_is_refused() {
    for (backend, engine) in engines::all() {
        for name in ["escape", "absolute"] {
            let error = engine.load(&source(name), &SessionOptions::default()).unwrap_err();
            assert!(matches!(&error, Error::ExternalData { .. }), "{backend}: {error}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_folder_is_followed_only_where_allowed() {
    let root = std::env::temp_dir().join(format!("tensor-ml-links-{}", std::process::id()));
    let (snapshot, blobs) = (root.join("snapshot"), root.join("blobs"));
    std::fs::create_dir_all(&snapshot).unwrap();
    std::fs::create_dir_all(&blobs).unwrap();
    for name in ["external.onnx", "external.onnx_data"] {
        std::fs::copy(engines::data("graphs").join(name), blobs.join(name)).unwrap();
        std::os::unix::fs::symlink(blobs.join(name), snapshot.join(name)).unwrap();
    }
    let source = ModelSource::file(snapshot.join("external.onnx"));
    for (backend, engine) in engines::all() {
        let error = engine.load(&source, &SessionOptions::default()).unwrap_err();
        assert!(
            matches!(&error, Error::ExternalData { reason, .. } if reason.contains("link")),
            "{error}"
        );
        let allowed = source.clone().with_links_under(&root);
        assert!(engine.load(&allowed, &SessionOptions::default()).is_ok(), "{backend}");
    }
    std::fs::remove_dir_all(&root).unwrap();
}

#[test]
fn what_is_no_model_is_an_error_and_never_a_panic() {
    for (backend, engine) in engines::all() {
        let garbage = ModelSource::bytes("garbage", b"not a model at all".to_vec());
        let error = engine.load(&garbage, &SessionOptions::default()).unwrap_err();
        assert!(matches!(error, Error::Model { .. }), "{backend}: {error}");
        let absent = ModelSource::file("/no/such/model.onnx");
        let error = engine.load(&absent, &SessionOptions::default()).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{backend}: {error}");
        // A real model with any byte changed loads or is refused.
        let graph = std::fs::read(engines::data("graphs/dtypes.onnx")).unwrap();
        for place in 0..graph.len() {
            let mut changed = graph.clone();
            changed[place] ^= 0x15;
            let _ =
                engine.load(&ModelSource::bytes("changed", changed), &SessionOptions::default());
        }
    }
}

#[test]
fn a_device_that_is_not_there_is_an_error_and_auto_tells_what_it_took() {
    for (backend, engine) in engines::all() {
        for device in [Device::Cuda(0), Device::TensorRt(0)] {
            // On a machine that has it, there is nothing to refuse.
            match engine.load(&source("old"), &SessionOptions::on(device)) {
                Ok(session) => assert_eq!(session.placement().device, device, "{backend}"),
                Err(error) => {
                    let is_meant = matches!(&error, Error::ProviderUnavailable { device: named, reason } if *named == device && !reason.is_empty());
                    assert!(is_meant, "{backend}: {error}");
                }
            }
        }
        let session = engine.load(&source("old"), &SessionOptions::default()).unwrap();
        let placement = session.placement();
        assert_eq!(placement.backend, backend);
        if backend == "ort" && cfg!(feature = "cuda") && placement.device == Device::Cpu {
            assert!(placement.passed_over[0].starts_with("ort on cuda:0"), "{placement}");
        }
    }
}

#[test]
fn sessions_share_weights_where_the_backend_can() {
    for (backend, engine) in engines::all() {
        let options = SessionOptions::default().with_threads(1);
        let session = engine.load(&source("old"), &options).unwrap();
        let Some(mut other) = session.share() else {
            assert_eq!(backend, "ort");
            continue;
        };
        drop(session);
        let inputs = Tensors::new().with("x", Tensor::filled([1, 2], 1.0_f32).unwrap());
        let outputs = run_all(&mut *other, &inputs, &RunControl::default()).unwrap();
        assert_eq!(outputs.get("y").unwrap().data::<f32>().unwrap(), [2.0, 3.0], "{backend}");
    }
}
