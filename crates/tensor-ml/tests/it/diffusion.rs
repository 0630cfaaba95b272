//! Text to image against diffusers' own ONNX pipeline, its schedulers and transformers' tokenizer.

use std::{fs, path::PathBuf};

use futures::executor::block_on;
use serde_json::Value;
use tensor_ml::{
    BatchPolicy, BatchWorker, CancelToken, Engine, Error, ModelFolder, RunControl, Tensor,
    Tokenizer, Worker,
    diffusion::{
        Denoising, DiffusionOptions, ImageGenerator, ImageRequest, NoiseSchedule, Solver,
        TextToImage, normal,
    },
};

use crate::engines;

fn golden() -> Value {
    engines::json("tiny-diffusion.json")
}

fn folder() -> ModelFolder {
    ModelFolder::open(engines::data("tiny-diffusion")).unwrap()
}

fn painter(engine: &Engine) -> TextToImage {
    TextToImage::open(&folder(), engine, &DiffusionOptions::default()).unwrap()
}

fn cases<'a>(golden: &'a Value, name: &str) -> &'a [Value] {
    golden[name].as_array().unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn close(got: &[f32], expected: &Value, tolerance: f64, what: &str) {
    let expected = numbers(expected);
    assert_eq!(got.len(), expected.len(), "{what}");
    for (place, (got, expected)) in got.iter().zip(&expected).enumerate() {
        let apart = (f64::from(*got) - expected).abs();
        assert!(apart < tolerance, "{what}: {got} for {expected} at {place}");
    }
}

fn number(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

/// A folder that is gone at the end of a test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let root =
            std::env::temp_dir().join(format!("tensor-ml-paint-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).unwrap();
        Self(root)
    }

    fn put(&self, name: &str, content: &str) {
        fs::write(self.0.join(name), content).unwrap();
    }

    fn schedule(&self, config: &Value) -> Result<NoiseSchedule, Error> {
        self.put("scheduler_config.json", &config.to_string());
        NoiseSchedule::open(&ModelFolder::open(&self.0).unwrap())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn prompts_are_tokenized_as_transformers_does_it() {
    let tokenizer = Tokenizer::open(&folder().part("tokenizer").unwrap()).unwrap();
    assert_eq!(tokenizer.max_tokens(), 16);
    for case in cases(&golden(), "tokens") {
        let text = case["text"].as_str().unwrap();
        let mut ids = tokenizer.encode(&[text]).unwrap().remove(0).ids;
        ids.resize(16, tokenizer.pad().id);
        let expected: Vec<u32> = numbers(&case["ids"]).iter().map(|id| *id as u32).collect();
        assert_eq!(ids, expected, "{text}");
    }
    // A folder of another kind is not taken for CLIP's.
    let scratch = Scratch::new("tokenizer");
    for name in ["vocab.json", "merges.txt"] {
        let file = engines::data("tiny-diffusion/tokenizer").join(name);
        fs::copy(file, scratch.0.join(name)).unwrap();
    }
    scratch.put("tokenizer_config.json", r#"{"tokenizer_class": "GPT2Tokenizer"}"#);
    let error = Tokenizer::open(&ModelFolder::open(&scratch.0).unwrap()).unwrap_err();
    assert!(error.to_string().contains("GPT2Tokenizer"), "{error}");
}

#[test]
fn every_solver_takes_the_steps_of_diffusers() {
    let golden = golden();
    for case in cases(&golden, "noise") {
        let got = normal(case["seed"].as_u64().unwrap(), case["step"].as_u64().unwrap(), 9);
        close(&got, &case["values"], 1e-6, "noise");
    }
    let scratch = Scratch::new("schedules");
    for case in cases(&golden, "schedules") {
        let what = format!("{} {} steps, {}", case["solver"], case["steps"], case["config"]);
        let schedule = scratch.schedule(&case["config"]).unwrap();
        let solver: Solver = case["solver"].as_str().unwrap().parse().unwrap();
        assert_eq!(schedule.solver_or(None).unwrap(), solver, "{what}");
        let mut way = Denoising::new(&schedule, solver, number(&case["steps"])).unwrap();
        let times: Vec<f32> = way.times().iter().map(|time| *time as f32).collect();
        close(&times, &case["times"], 1e-3, &what);
        let scale = case["scale"].as_f64().unwrap();
        assert!(
            (way.initial_scale() / scale - 1.0).abs() < 1e-4,
            "{what}: {}",
            way.initial_scale()
        );
        let mut sample: Vec<f32> =
            normal(3, 0, 6).iter().map(|x| (f64::from(*x) * way.initial_scale()) as f32).collect();
        let mut step = 0;
        while way.time().is_some() {
            let scale = way.scale();
            let guess: Vec<f32> = sample
                .iter()
                .enumerate()
                .map(|(place, x)| (f64::from(*x) * scale / 2.0 + place as f64 / 10.0).tanh() as f32)
                .collect();
            step += 1;
            let noise = if way.wants_noise() { normal(3, step, 6) } else { Vec::new() };
            way.step(&guess, &mut sample, &noise);
        }
        close(&sample, &case["sample"], 1e-3, &what);
    }
}

#[test]
fn pictures_are_those_of_diffusers_on_every_backend() {
    let golden = golden();
    for (backend, engine) in engines::all() {
        let painter = painter(&engine);
        assert_eq!(painter.size(), (64, 64));
        assert_eq!(painter.placements().count(), 3);
        for case in cases(&golden, "pictures") {
            let what = format!("{backend}, {}, {}", case["solver"], case["prompt"]);
            let (width, height) = (number(&case["width"]), number(&case["height"]));
            let request = ImageRequest::new(case["prompt"].as_str().unwrap())
                .with_negative(case["negative"].as_str().unwrap())
                .with_size(width, height)
                .with_steps(number(&case["steps"]))
                .with_guidance(case["guidance"].as_f64().unwrap())
                .with_seed(case["seed"].as_u64().unwrap())
                .with_solver(case["solver"].as_str().unwrap().parse().unwrap());
            let painted = painter.paint(&request).unwrap().remove(0);
            close(painted.latents.data().unwrap(), &case["latents"], 2e-3, &what);
            let pixels = painted.pixels.data::<f32>().unwrap();
            assert_eq!(painted.pixels.shape(), [3, height, width]);
            let mut blocks = vec![0.0; pixels.len() / 64];
            for (place, pixel) in pixels.iter().enumerate() {
                let (plane, row, column) =
                    (place / (width * height), place / width % height, place % width);
                blocks[(plane * (height / 8) + row / 8) * (width / 8) + column / 8] += pixel / 64.0;
            }
            close(&blocks, &case["blocks"], 2e-3, &what);
            let rgb = painted.picture.rgb();
            let corner: Vec<f32> =
                (0..12).map(|at| f32::from(rgb[at / 6 * width * 3 + at % 6]) / 255.0).collect();
            close(&corner, &case["corner"], 6e-3, &what);
            // The noise that was given is the noise of the seed.
            let shape = painter.latent_shape(&request).unwrap();
            let noise = normal(request.seed, 0, shape.iter().product());
            let given = request.with_latents(Tensor::new(shape, noise).unwrap());
            assert_eq!(painter.paint(&given).unwrap().remove(0), painted);
        }
    }
}

#[test]
fn what_is_painted_is_what_was_asked_for() {
    let (_, engine) = engines::all().remove(0);
    let painter = painter(&engine);
    let colour = |prompt: &str, seed| {
        let request = ImageRequest::new(prompt).with_steps(15).with_guidance(3.0).with_seed(seed);
        let painted = painter.paint(&request).unwrap().remove(0);
        // The middle and a corner.
        let at = |row: usize, column: usize| {
            let start = (row * 64 + column) * 3;
            <[u8; 3]>::try_from(&painted.picture.rgb()[start..start + 3]).unwrap()
        };
        (at(32, 32), at(1, 62))
    };
    for seed in [11, 12] {
        let ([r, g, b], [x, y, z]) = colour("a red circle on white", seed);
        assert!(r > 150 && g < 110 && b < 110 && x > 180 && y > 180 && z > 180, "{r} {g} {b}");
        let ([r, g, b], [x, y, z]) = colour("a blue square on black", seed);
        assert!(b > 150 && r < 110 && g < 120 && x < 70 && y < 70 && z < 70, "{r} {g} {b}");
    }
}

#[test]
fn seeds_follow_each_other_and_workers_paint_the_same() {
    let (_, engine) = engines::all().remove(0);
    let painter = painter(&engine);
    let request = ImageRequest::new("a green circle on black").with_steps(3).with_seed(u64::MAX);
    let mut steps = Vec::new();
    let control = RunControl::default();
    let both = painter
        .paint_with(&request.clone().with_pictures(2), &control, &mut |done, all| {
            steps.push((done, all));
        })
        .unwrap();
    assert_eq!(steps, (1..=6).map(|done| (done, 6)).collect::<Vec<_>>());
    assert_eq!((both[0].seed, both[1].seed), (u64::MAX, 0));
    let alone = |seed| painter.paint(&request.clone().with_seed(seed)).unwrap().remove(0);
    assert_eq!(both, [alone(u64::MAX), alone(0)]);
    assert_ne!(both[0].picture, both[1].picture);
    let generators: [Box<dyn ImageGenerator>; 2] = [
        Box::new(Worker::spawn(self::painter(&engine), 2).unwrap()),
        Box::new(BatchWorker::spawn(self::painter(&engine), BatchPolicy::default()).unwrap()),
    ];
    for generator in generators {
        let painted = block_on(generator.paint(vec![request.clone(), request.clone()])).unwrap();
        assert_eq!(painted, [both[..1].to_vec(), both[..1].to_vec()]);
    }
}

#[test]
fn requests_beyond_the_limits_and_folders_of_other_kinds_are_refused() {
    let (_, engine) = engines::all().remove(0);
    let painter = painter(&engine);
    let ask = || ImageRequest::new("a red circle on white").with_steps(2);
    for (request, culprit) in [
        (ask().with_size(63, 64), "width"),
        (ask().with_size(64, 0), "height"),
        (ask().with_size(64, 4096), "height"),
        (ask().with_size(usize::MAX - 7, 64), "width"),
        (ask().with_size(2048, 2048), "size"),
        (ask().with_steps(0), "steps"),
        (ask().with_steps(251), "steps"),
        (ask().with_pictures(0), "pictures"),
        (ask().with_pictures(9), "pictures"),
        (ask().with_guidance(f64::NAN), "guidance"),
        (ask().with_guidance(-1.0), "guidance"),
        (ask().with_latents(Tensor::new([1, 4, 8, 9], vec![0.0_f32; 288]).unwrap()), "latents"),
    ] {
        let error = painter.paint(&request).unwrap_err();
        assert!(matches!(&error, Error::Argument { what, .. } if *what == culprit), "{error}");
    }
    let cancel = CancelToken::new();
    cancel.cancel();
    let mut control = RunControl::default();
    control.cancel = cancel;
    let error = painter.paint_with(&ask(), &control, &mut |_, _| {}).unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");

    let options = DiffusionOptions::default();
    let text = ModelFolder::open(engines::data("tiny-embed")).unwrap();
    let error = TextToImage::open(&text, &engine, &options).unwrap_err().to_string();
    assert!(error.contains("model_index.json"), "{error}");
    let scratch = Scratch::new("kinds");
    scratch.put("model_index.json", r#"{"transformer": ["diffusers", "Flux"]}"#);
    let other = ModelFolder::open(&scratch.0).unwrap();
    let error = TextToImage::open(&other, &engine, &options).unwrap_err().to_string();
    assert!(error.contains("unet"), "{error}");
    for (config, word) in [
        (r#"{"use_karras_sigmas": true}"#, "use_karras_sigmas"),
        (r#"{"_class_name": "PNDMScheduler"}"#, "skip_prk_steps"),
        (r#"{"prediction_type": "flow"}"#, "flow"),
        (r#"{"beta_schedule": "exp"}"#, "exp"),
        (r#"{"beta_end": 7}"#, "betas"),
        (r#"{"num_train_timesteps": 99999999}"#, "num_train_timesteps"),
        (r#"{"timestep_spacing": 3, "trained_betas": ["x"]}"#, "trained_betas"),
        ("{}", "not found"),
    ] {
        let error = scratch.schedule(&serde_json::from_str(config).unwrap()).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
    // A solver that is not here can be replaced by one that is.
    let config = serde_json::json!({"_class_name": "DPMSolverMultistepScheduler"});
    let schedule = scratch.schedule(&config).unwrap();
    let error = schedule.solver_or(None).unwrap_err().to_string();
    assert!(error.contains("DPMSolverMultistepScheduler") && error.contains("euler-a"), "{error}");
    assert_eq!(schedule.solver_or(Some(Solver::Euler)).unwrap(), Solver::Euler);
}

#[test]
fn folders_of_two_encoders_and_networks_of_one_row_paint_as_python_does() {
    let folder = ModelFolder::open(engines::data("tiny-diffusion-xl")).unwrap();
    let golden = engines::json("tiny-diffusion-xl.json");
    for (backend, engine) in engines::all() {
        let painter = TextToImage::open(&folder, &engine, &DiffusionOptions::default()).unwrap();
        assert_eq!(painter.size(), (12, 12));
        for case in golden.as_array().unwrap() {
            let request = ImageRequest::new(case["prompt"].as_str().unwrap())
                .with_negative(case["negative"].as_str().unwrap())
                .with_size(number(&case["width"]), number(&case["height"]))
                .with_steps(number(&case["steps"]))
                .with_guidance(case["guidance"].as_f64().unwrap())
                .with_seed(case["seed"].as_u64().unwrap());
            let painted = painter.paint(&request).unwrap().remove(0);
            close(painted.latents.data().unwrap(), &case["latents"], 1e-3, backend);
            close(painted.pixels.data().unwrap(), &case["pixels"], 1e-2, backend);
        }
    }
}
