//! The program `ml` on both backends, against what Python makes of the same folders.

use std::path::PathBuf;

use clap::Parser as _;
use serde_json::Value;
use tensor_examples::ml::{Args, Failure, run};

fn data(path: &str) -> String {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/ml"));
    root.join(path).display().to_string()
}

fn golden(path: &str) -> Value {
    serde_json::from_slice(&std::fs::read(data(path)).unwrap()).unwrap()
}

fn call(args: &[&str], mut input: &[u8]) -> Result<String, Failure> {
    let args = Args::try_parse_from([&["ml"], args].concat()).unwrap();
    let mut output = Vec::new();
    run(&args, &mut input, &mut output)?;
    Ok(String::from_utf8(output).unwrap())
}

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&call(&[&["--json"], args].concat(), b"").unwrap()).unwrap()
}

fn close(got: &Value, expected: &Value, tolerance: f64) {
    let numbers = |value: &Value| -> Vec<f64> {
        value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
    };
    let (got, expected) = (numbers(got), numbers(expected));
    assert_eq!(got.len(), expected.len());
    for (got, expected) in got.iter().zip(&expected) {
        assert!((got - expected).abs() < tolerance, "{got} for {expected}");
    }
}

#[test]
fn vectors_classes_labels_and_pictures_are_those_of_python() {
    let encoders = golden("tiny-encoder.json");
    let images = golden("tiny-image.json");
    for backend in ["ort", "rten"] {
        let on = ["--backend", backend, "--device", "cpu"];
        for case in encoders["embed"].as_array().unwrap() {
            let text = case["text"].as_str().unwrap();
            let folder = data("tiny-embed");
            let got = json(&[&["embed", &folder], &on[..], &["--", text]].concat());
            close(&got["results"][0]["embedding"], &case["mean"], 2e-5);
            let cls = [&["embed", &folder, "--pooling", "cls", "--normalize", "false"], &on[..]];
            let got = json(&[&cls.concat()[..], &["--", text]].concat());
            assert_eq!((&got["backend"], &got["pooling"]), (&backend.into(), &"cls".into()));
            close(&got["results"][0]["embedding"], &case["cls"], 2e-5);
        }
        for case in encoders["ner"].as_array().unwrap() {
            let text = case["text"].as_str().unwrap();
            let got = json(&[&["classify", &data("tiny-ner")], &on[..], &["--", text]].concat());
            assert_eq!(got["task"], "token");
            let found = got["results"][0]["entities"].as_array().unwrap();
            let expected = case["entities"].as_array().unwrap();
            assert_eq!(found.len(), expected.len(), "{text}");
            for (found, expected) in found.iter().zip(expected) {
                assert_eq!(
                    (&found["label"], &found["text"]),
                    (&expected["tag"], &expected["text"])
                );
            }
        }
        for case in images["classify"].as_array().unwrap() {
            let file = data(&format!("tiny-image/{}", case["file"].as_str().unwrap()));
            for command in ["image", "classify"] {
                let got = json(&[&[command, &data("tiny-image"), &file], &on[..]].concat());
                assert_eq!(
                    (&got["task"], &got["results"][0]["label"]),
                    (&"image".into(), &case["label"])
                );
                let logits = got["results"][0]["classes"].as_array().unwrap();
                let logits = logits.iter().map(|class| class["logit"].clone()).collect();
                close(&Value::Array(logits), &case["logits"], 1e-4);
            }
        }
    }
}

#[test]
fn answers_are_those_of_python_and_come_in_pieces() {
    let cases = golden("tiny-lm.json");
    let folder = data("tiny-lm");
    for backend in ["ort", "rten"] {
        for case in cases["variants"]["model"].as_array().unwrap() {
            let question = case["question"].as_str().unwrap();
            let got = json(&["generate", &folder, "--chat", "--backend", backend, "--", question]);
            let answer = &got["results"][0];
            assert_eq!(answer["ids"], case["ids"], "{backend}: {question}");
            let tokens: Vec<String> =
                answer["prompt_ids"].as_array().unwrap().iter().map(Value::to_string).collect();
            let again =
                json(&["generate", &folder, "--backend", backend, "--tokens", &tokens.join(",")]);
            assert_eq!(again["results"][0]["ids"], answer["ids"]);
        }
        let args = ["generate", &folder, "--backend", backend, "--stream", "--json", "--chat"];
        let lines = call(&args, b"three plus four\n").unwrap();
        let lines: Vec<Value> =
            lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let (whole, pieces) = lines.split_last().unwrap();
        let text: String = pieces.iter().map(|piece| piece["text"].as_str().unwrap()).collect();
        assert_eq!((text.as_str(), &whole["results"][0]["text"]), ("seven.", &"seven.".into()));
        let stopped = ["--chat", "--stop", "v", "three plus four"];
        let stopped = json(&[&["generate", &folder, "--backend", backend], &stopped[..]].concat());
        assert_eq!(stopped["results"][0]["text"], "se");
        assert_eq!(stopped["results"][0]["finish"], "stopped");
    }
    let drawn = |seed: &str| {
        let sampling = ["--temperature", "5", "--seed", seed, "--max-tokens", "20"];
        json(&[&["generate", &folder, "count"], &sampling[..]].concat())["results"].clone()
    };
    assert_eq!(drawn("7"), drawn("7"));
    assert_ne!(drawn("7"), drawn("8"));
}

#[test]
fn what_cannot_be_done_says_what_to_do() {
    let line = |args: &[&str]| {
        let failure = call(args, b"").unwrap_err();
        (failure.exit_code(), failure.to_line())
    };
    let (code, text) = line(&["embed", "/no/such/folder", "x"]);
    assert!(code == 2 && text.contains("/no/such/folder"), "{text}");
    let (code, text) = line(&["classify", &data("tiny-lm"), "x"]);
    assert!(code == 2 && text.contains("ml generate"), "{text}");
    let (_, text) = line(&["classify", &data("tiny-embed"), "x"]);
    assert!(text.contains("ml embed"), "{text}");
    let (code, text) =
        line(&["embed", &data("tiny-embed"), "x", "--backend", "rten", "--device", "cuda"]);
    assert!(code == 1 && text.contains("cuda:0") && text.contains("--device auto"), "{text}");
    let (_, text) = line(&["embed", &data("tiny-embed"), "x", "--variant", "q4"]);
    assert!(text.contains("q4") && text.contains("model.onnx"), "{text}");
    let (_, text) = line(&["generate", &data("tiny-lm"), "x", "--top-p", "0"]);
    assert!(text.contains("top_p"), "{text}");
    let (_, text) = line(&["generate", &data("tiny-lm"), "--message", "hello"]);
    assert!(text.contains("user:Hello"), "{text}");
}

#[test]
fn labels_without_a_model_of_their_own_are_ranked() {
    for backend in ["ort", "rten"] {
        let folder = data("tiny-embed");
        let got = json(&[
            "classify",
            &folder,
            "--labels",
            "acme corp,new york",
            "--backend",
            backend,
            "acme corp",
        ]);
        assert_eq!(got["task"], "zero-shot");
        let result = &got["results"][0];
        assert_eq!(
            (&result["label"], result["classes"].as_array().unwrap().len()),
            (&"acme corp".into(), 2)
        );
    }
    let failure =
        call(&["classify", &data("tiny-embed"), "--labels", "a,a", "x"], b"").unwrap_err();
    assert!(failure.to_line().contains("twice"), "{}", failure.to_line());
}

#[test]
fn pictures_are_painted_from_words() {
    let golden = golden("tiny-diffusion.json");
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("out.png").display().to_string();
    for backend in ["ort", "rten"] {
        let case = &golden["pictures"][0];
        let text = |name: &str| case[name].to_string();
        let got = json(&[
            "image",
            &data("tiny-diffusion"),
            "--prompt",
            case["prompt"].as_str().unwrap(),
            "--steps",
            &text("steps"),
            "--guidance",
            &text("guidance"),
            "--seed",
            &text("seed"),
            "--output",
            &file,
            "--backend",
            backend,
        ]);
        let painted = &got["results"][0];
        assert_eq!(
            (&got["backend"], &got["task"], &got["solver"]),
            (&backend.into(), &"paint".into(), &"ddim".into())
        );
        let mean: f64 =
            painted["mean"].as_array().unwrap().iter().map(|mean| mean.as_f64().unwrap()).sum();
        assert!((mean * 64.0 * 64.0 - case["sum"].as_f64().unwrap()).abs() < 8.0, "{mean}");
        let picture = tensor_ml::Picture::open(&file).unwrap();
        assert_eq!((picture.width(), picture.height()), (64, 64));
        let digest = painted["rgb_sha256"].as_str().unwrap();
        assert_eq!(digest, hex::encode(<sha2::Sha256 as sha2::Digest>::digest(picture.rgb())));
    }
    // The same noise from a file, and several pictures.
    let noise = scratch.path().join("noise.json");
    std::fs::write(
        &noise,
        serde_json::to_string(&tensor_ml::diffusion::normal(3, 0, 512)).unwrap(),
    )
    .unwrap();
    let on = [
        "image",
        &data("tiny-diffusion"),
        "--prompt",
        "a blue square on black",
        "--steps",
        "2",
        "--output",
        &file,
        "--backend",
        "rten",
        "--solver",
        "euler",
    ];
    let two =
        json(&[&on[..], &["--count", "2", "--latents", &noise.display().to_string()]].concat());
    let one = json(&[&on[..], &["--seed", "3"]].concat());
    assert_eq!(two["results"][0]["rgb_sha256"], one["results"][0]["rgb_sha256"]);
    assert!(scratch.path().join("out-1.png").is_file());
    let line = |args: &[&str]| call(&[&["image"], args].concat(), b"").unwrap_err().to_line();
    let folder = data("tiny-diffusion");
    assert!(line(&[&folder, "--prompt", "x", "--width", "65"]).contains("multiple of 8"));
    assert!(line(&[&data("tiny-image"), "--prompt", "x"]).contains("model_index.json"));
    let nowhere = scratch.path().join("absent/x.png").display().to_string();
    assert!(
        line(&[&folder, "--prompt", "x", "--steps", "1", "-o", &nowhere]).contains("absent/x.png")
    );
}

/// In a process of its own: it loads the library that Python has.
#[test]
fn the_bench_measures_every_ratio() {
    let Some(python) = std::env::var_os("TENSOR_PY_ORT") else {
        panic!("this test needs a Python with onnxruntime in TENSOR_PY_ORT: run scripts/test");
    };
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_ml"))
        .args(["bench", "--json", "--rounds", "1", "--python"])
        .arg(python)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
    for name in [
        "ort_vs_python",
        "rten_vs_ort",
        "batch_gain_minilm",
        "batch_gain_decode",
        "iobinding_vs_run",
    ] {
        let figure = figures[name].as_f64().unwrap();
        assert!(figure.is_finite() && figure > 0.0, "{name}: {figure}");
    }
    let absent = std::process::Command::new(env!("CARGO_BIN_EXE_ml"))
        .args(["bench", "--python", "/no/such/python"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&absent.stderr).into_owned();
    assert!(!absent.status.success() && text.contains("TENSOR_PY_ORT"), "{text}");
}
