//! `ml bench`: this library against Python's onnxruntime on the same native library, its backends against each other,
//! batches against single runs. Sides take turns in one run, and each figure is a ratio of medians.

mod peer;
mod timing;

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use serde_json::json;
use tensor_ml::{
    Device, Engine, GraphChoice, ModelFolder, ModelSource, Session, SessionModel, SessionOptions,
    backend::ort::LibrarySearch,
    text::{GenerateOptions, TextGeneration},
};

use self::{
    peer::{Drawn, Peer},
    timing::median,
};
use super::{Failure, Report};

/// Rows and columns of the encoder's runs.
const SHAPES: [(usize, usize); 3] = [(1, 16), (1, 128), (8, 32)];
const PAST: usize = 32;
const STEPS: usize = 64;

/// Options of `bench`.
#[derive(Clone, Debug, ClapArgs)]
pub struct Bench {
    /// A Python with onnxruntime 1.24 or newer; TENSOR_PY_ORT when not given, then that of $VIRTUAL_ENV, then python3
    #[arg(long, value_name = "FILE")]
    pub python: Option<PathBuf>,
    /// A folder with MiniLM or another text encoder; when not given, MiniLM's graph is written with random weights
    #[arg(long, value_name = "FOLDER")]
    pub minilm: Option<PathBuf>,
    /// A folder with a small decoder; the one of the test data when not given
    #[arg(long, value_name = "FOLDER", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/ml/tiny-lm"))]
    pub lm: PathBuf,
    /// Threads within one run, on all sides
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
    /// How often the sides take turns
    #[arg(long, default_value_t = 15)]
    pub rounds: usize,
}

/// Times of one kind of run on all sides, in nanoseconds.
#[derive(Default)]
struct Sides {
    python: Vec<u64>,
    ort: Vec<u64>,
    rten: Vec<u64>,
}

impl Sides {
    /// Adds the times of a round; those of the first are for warming up.
    fn add(&mut self, new: Self, round: usize) {
        if round > 0 {
            self.python.extend(new.python);
            self.ort.extend(new.ort);
            self.rten.extend(new.rten);
        }
    }

    fn ort_vs_python(&self) -> f64 {
        median(self.ort.clone()) / median(self.python.clone())
    }

    fn rten_vs_ort(&self) -> f64 {
        median(self.rten.clone()) / median(self.ort.clone())
    }

    fn to_json(&self) -> serde_json::Value {
        let us = |times: &[u64]| median(times.to_vec()) / 1e3;
        json!({"python_us": us(&self.python), "ort_us": us(&self.ort), "rten_us": us(&self.rten)})
    }
}

impl Bench {
    pub(super) fn run(&self, report: &mut Report<'_>) -> Result<(), Failure> {
        let python = self.python();
        let mut peer = Peer::start(&python)?;
        let drawn;
        let minilm = graph(match &self.minilm {
            Some(folder) => folder,
            None => {
                drawn = Drawn::write(&python)?;
                drawn.folder()
            }
        })?;
        let lm = graph(&self.lm)?;
        // The very library that Python has.
        let ort = Engine::ort(&LibrarySearch::only(peer.library()))?;
        let rten = Engine::rten();
        let options = SessionOptions::on(Device::Cpu).with_threads(self.threads);
        peer.load("minilm", &minilm, self.threads)?;
        peer.load("lm", &lm, self.threads)?;
        let source = |path: &Path| ModelSource::file(path);

        let on_ort = ort.model(&source(&minilm), &options)?;
        let on_rten = rten.model(&source(&minilm), &options)?;
        let texts = self.texts(&mut peer, &on_ort, &on_rten)?;
        drop(on_rten);
        let (steps, plain) = self.steps(
            &mut peer,
            &mut *ort.load(&source(&lm), &options)?,
            &mut *rten.load(&source(&lm), &options)?,
        )?;
        let (single, together) = timing::batches_of_texts(on_ort, 32, self.rounds)?;
        let texts_gain = median(single) / median(together);
        let folder = ModelFolder::open(&lm)?;
        let generate = GenerateOptions::default().with_session(options);
        let open = || TextGeneration::open(&folder, &ort, &generate);
        let (alone, batched) =
            timing::batches_of_answers(open()?, open()?, (64, 32), self.rounds.div_ceil(3))?;
        let (alone, batched) = (median(alone), median(batched));

        // Over kinds of runs that differ in length: the geometric mean of their ratios.
        let mean = |ratios: Vec<f64>| {
            let count = ratios.len() as f64;
            ratios.into_iter().product::<f64>().powf(1.0 / count)
        };
        let ort_vs_python = mean(texts.iter().chain([&steps]).map(Sides::ort_vs_python).collect());
        let rten_vs_ort = mean(texts.iter().map(Sides::rten_vs_ort).collect());
        let iobinding_vs_run = median(steps.ort.clone()) / median(plain.clone());
        let batch_gain_decode = alone / batched;
        if !report.json {
            for (what, figure) in [
                ("Rust ort against Python, mean over MiniLM and a small decoder", ort_vs_python),
                ("rten against ort, mean over MiniLM", rten_vs_ort),
                ("batches of 32 against single texts on MiniLM", texts_gain),
                ("batches of 64 against single answers of a small decoder", batch_gain_decode),
                ("steps with memory kept against brought to the host", iobinding_vs_run),
            ] {
                report.line(&format!("{figure:6.3}  {what}"))?;
            }
            return Ok(());
        }
        let shapes = SHAPES
            .iter()
            .zip(&texts)
            .map(|((rows, columns), sides)| (format!("{rows}x{columns}"), sides.to_json()));
        report.json(&json!({
            "ort_vs_python": ort_vs_python,
            "rten_vs_ort": rten_vs_ort,
            "batch_gain_minilm": texts_gain,
            "batch_gain_decode": batch_gain_decode,
            "iobinding_vs_run": iobinding_vs_run,
            "threads": self.threads,
            "onnxruntime": peer.version(),
            "minilm": shapes.collect::<serde_json::Map<_, _>>(),
            "decode_step": {
                "sides": steps.to_json(), "ort_plain_us": median(plain) / 1e3,
                "single_us_per_token": alone / 1e3, "batched_us_per_token": batched / 1e3,
            },
        }))
    }

    /// Times of MiniLM, in the order of [`SHAPES`].
    fn texts(
        &self,
        peer: &mut Peer,
        ort: &SessionModel,
        rten: &SessionModel,
    ) -> Result<Vec<Sides>, Failure> {
        let mut times: Vec<Sides> = SHAPES.iter().map(|_| Sides::default()).collect();
        for round in 0..=self.rounds {
            for (shape, sides) in SHAPES.into_iter().zip(&mut times) {
                let new = Sides {
                    python: peer.encode("minilm", shape, 4)?,
                    ort: timing::encode(ort, shape, 4)?,
                    rten: timing::encode(rten, shape, 4)?,
                };
                sides.add(new, round);
            }
        }
        Ok(times)
    }

    /// Times of the decoder's steps, and on ort also of those whose memory comes to the host.
    fn steps(
        &self,
        peer: &mut Peer,
        ort: &mut dyn Session,
        rten: &mut dyn Session,
    ) -> Result<(Sides, Vec<u64>), Failure> {
        let (mut steps, mut plain) = (Sides::default(), Vec::new());
        for round in 0..=self.rounds {
            let new = Sides {
                python: peer.decode("lm", PAST, STEPS)?,
                ort: timing::decode(ort, PAST, STEPS, true)?,
                rten: timing::decode(rten, PAST, STEPS, true)?,
            };
            steps.add(new, round);
            let times = timing::decode(ort, PAST, STEPS, false)?;
            if round > 0 {
                plain.extend(times);
            }
        }
        Ok((steps, plain))
    }

    fn python(&self) -> PathBuf {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        self.python
            .clone()
            .or_else(|| set("TENSOR_PY_ORT").map(PathBuf::from))
            .or_else(|| set("VIRTUAL_ENV").map(|root| Path::new(&root).join("bin/python")))
            .unwrap_or_else(|| "python3".into())
    }
}

fn graph(folder: &Path) -> Result<PathBuf, Failure> {
    Ok(ModelFolder::open(folder)?.graph_path(&GraphChoice::Preferred)?)
}
