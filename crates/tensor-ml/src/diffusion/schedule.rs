//! How much of a picture is left under the noise at each time, and which times a number of steps visits: what
//! `scheduler/scheduler_config.json` states.

use std::{fmt, path::PathBuf};

use serde_json::{Map, Value};

use super::solver::Solver;
use crate::{
    error::Error,
    folder::{ModelFolder, number},
};

/// Times that a schedule may have.
const MAX_TIMES: usize = 10_000;
const FILE: &str = "scheduler_config.json";

/// The schedule of a folder.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NoiseSchedule {
    /// How steps are taken where a request does not say; nothing when the folder names a solver that is not here.
    pub solver: Option<Solver>,
    /// What the network estimates.
    pub prediction: Prediction,
    /// For each time the share of the picture in the variance, ᾱ: near 1 first, near 0 last.
    pub kept: Vec<f64>,
    /// ᾱ before the first time.
    pub kept_first: Option<f64>,
    /// How times are spread; the solver's own way when not stated.
    pub spacing: Option<Spacing>,
    /// Added to the times of [`Spacing::Leading`].
    pub offset: usize,
    /// The range that estimated pictures are cut to by DDIM, if they are.
    pub clip: Option<f64>,
    class: String,
    path: PathBuf,
}

/// What the network estimates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Prediction {
    /// The noise, ε.
    #[default]
    Noise,
    /// √ᾱ ε − √(1 − ᾱ) x₀, "v".
    Velocity,
    /// The picture, x₀.
    Sample,
}

/// How the times of n steps are spread over N (Table 2 of arXiv:2305.08891).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Spacing {
    /// From N − 1 to 0 in equal parts.
    Linspace,
    /// Multiples of ⌊N / n⌋ from 0, and an offset.
    Leading,
    /// N, N − N / n, …, each less 1.
    Trailing,
}

impl NoiseSchedule {
    /// The schedule that a `scheduler_config.json` states.
    ///
    /// # Errors
    /// [`Error::Config`] when it is missing or asks for what is not supported.
    pub fn open(folder: &ModelFolder) -> Result<Self, Error> {
        let path = folder.root().join(FILE);
        let config = folder.json(FILE)?;
        if config.is_empty() {
            return Err(Error::config(path, "not found"));
        }
        Self::read(&config)
            .map_err(|reason| Error::config(path.clone(), reason))
            .map(|schedule| Self { path, ..schedule })
    }

    /// The solver to use.
    ///
    /// # Errors
    /// [`Error::Config`] when none is asked for and the folder's own is not here.
    pub fn solver_or(&self, asked: Option<Solver>) -> Result<Solver, Error> {
        asked.or(self.solver).ok_or_else(|| {
            let reason =
                format!("{} is not supported; ask for one of {}", self.class, Solver::NAMES);
            Error::config(self.path.clone(), reason)
        })
    }

    /// The times of `steps` steps for `solver`, latest first; whole numbers except for Euler's with
    /// [`Spacing::Linspace`].
    ///
    /// # Errors
    /// [`Error::Argument`] when there cannot be so many or so few.
    pub fn times(&self, steps: usize, solver: Solver) -> Result<Vec<f64>, Error> {
        let all = self.kept.len();
        let refuse = |reason: String| Error::Argument { what: "steps", reason };
        if steps == 0 || steps > all {
            return Err(refuse(format!("{steps}, where 1 to {all} are possible")));
        }
        let rounded = !solver.is_euler();
        let mut times: Vec<f64> = match self.spacing.unwrap_or_else(|| solver.spacing()) {
            Spacing::Linspace => {
                let width = (all - 1) as f64 / steps.saturating_sub(1).max(1) as f64;
                let times = (0..steps).map(|step| step as f64 * width);
                times.map(|time| if rounded { time.round_ties_even() } else { time }).collect()
            }
            Spacing::Leading => {
                let ratio = all / steps;
                (0..steps).map(|step| (step.saturating_mul(ratio) + self.offset) as f64).collect()
            }
            Spacing::Trailing => {
                let ratio = all as f64 / steps as f64;
                let time = |step: usize| (all as f64 - step as f64 * ratio).round_ties_even() - 1.0;
                (0..steps).rev().map(time).collect()
            }
        };
        if times.last().is_some_and(|last| *last >= all as f64) {
            return Err(refuse(format!(
                "{steps} steps end beyond the {all} times of the schedule"
            )));
        }
        times.reverse();
        Ok(times)
    }

    /// ᾱ at a time, before the first of which it is `first`.
    pub(super) fn kept_at(&self, time: f64, first: f64) -> f64 {
        let Some(last) = self.kept.len().checked_sub(1) else { return first };
        if time < 0.0 {
            return first;
        }
        self.kept.get((time as usize).min(last)).copied().unwrap_or(first)
    }

    /// √((1 − ᾱ) / ᾱ) at a time, in between by straight lines.
    pub(super) fn sigma_at(&self, time: f64) -> f64 {
        // A schedule that ends in pure noise would be infinite there.
        let sigma = |place: usize| {
            let kept = self.kept.get(place).copied().unwrap_or(1.0).max((-24_f64).exp2());
            ((1.0 - kept) / kept).sqrt()
        };
        let last = self.kept.len().saturating_sub(1);
        let low = (time.max(0.0) as usize).min(last);
        let share = (time - low as f64).clamp(0.0, 1.0);
        sigma(low) + share * (sigma((low + 1).min(last)) - sigma(low))
    }

    fn read(config: &Map<String, Value>) -> Result<Self, String> {
        let text = |name: &str| config.get(name).and_then(Value::as_str);
        let is_set = |name: &str| config.get(name).and_then(Value::as_bool);
        for name in
            ["thresholding", "use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas"]
        {
            if is_set(name) == Some(true) {
                return Err(format!("{name} is not supported"));
            }
        }
        for (name, known) in [
            ("interpolation_type", "linear"),
            ("timestep_type", "discrete"),
            ("final_sigmas_type", "zero"),
        ] {
            if text(name).is_some_and(|value| value != known) {
                return Err(format!("{name} may only be {known}"));
            }
        }
        let class = text("_class_name").unwrap_or("a scheduler without _class_name").to_owned();
        let solver = Solver::of_class(&class);
        if solver == Some(Solver::Pndm) && is_set("skip_prk_steps") != Some(true) {
            return Err("PNDMScheduler is supported with skip_prk_steps only".into());
        }
        let prediction = match text("prediction_type") {
            None | Some("epsilon") => Prediction::Noise,
            Some("v_prediction") => Prediction::Velocity,
            Some("sample") => Prediction::Sample,
            Some(other) => return Err(format!("prediction_type {other} is not supported")),
        };
        let spacing = match text("timestep_spacing") {
            None => None,
            Some("linspace") => Some(Spacing::Linspace),
            Some("leading") => Some(Spacing::Leading),
            Some("trailing") => Some(Spacing::Trailing),
            Some(other) => return Err(format!("timestep_spacing {other} is not supported")),
        };
        let kept = kept(config)?;
        // PNDM takes the first ᾱ where DDIM takes 1.
        let to_one = is_set("set_alpha_to_one").unwrap_or_else(|| solver != Some(Solver::Pndm));
        let range = config.get("clip_sample_range").and_then(Value::as_f64).unwrap_or(1.0);
        let clips = is_set("clip_sample").unwrap_or_else(|| solver == Some(Solver::Ddim));
        Ok(Self {
            kept_first: if to_one { None } else { kept.first().copied() },
            offset: config.get("steps_offset").and_then(number).unwrap_or(0).min(MAX_TIMES),
            clip: Some(range).filter(|_| clips),
            path: PathBuf::new(),
            solver,
            prediction,
            kept,
            spacing,
            class,
        })
    }
}

/// ᾱ of each time: products of 1 − β.
fn kept(config: &Map<String, Value>) -> Result<Vec<f64>, String> {
    let stated =
        |name: &str, default: f64| config.get(name).and_then(Value::as_f64).unwrap_or(default);
    let count = config.get("num_train_timesteps").map_or(Some(1_000), number);
    let count = count.filter(|count| (2..=MAX_TIMES).contains(count));
    let count = count.ok_or_else(|| format!("num_train_timesteps must be 2 to {MAX_TIMES}"))?;
    let (start, end) = (stated("beta_start", 1e-4), stated("beta_end", 0.02));
    let line = |start: f64, end: f64| {
        let width = (end - start) / (count - 1) as f64;
        (0..count).map(move |place| start + place as f64 * width)
    };
    let schedule = config.get("beta_schedule").and_then(Value::as_str).unwrap_or("linear");
    let mut betas: Vec<f64> = match (config.get("trained_betas"), schedule) {
        (Some(Value::Array(betas)), _) => {
            let betas: Option<Vec<f64>> = betas.iter().map(Value::as_f64).collect();
            betas
                .filter(|betas| (2..=MAX_TIMES).contains(&betas.len()))
                .ok_or("trained_betas must be numbers")?
        }
        (_, "linear") => line(start, end).collect(),
        (_, "scaled_linear") => line(start.sqrt(), end.sqrt()).map(|root| root * root).collect(),
        (_, "squaredcos_cap_v2") => {
            let bar = |t: f64| ((t + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2).cos().powi(2);
            let part = |place: usize| place as f64 / count as f64;
            (0..count).map(|at| (1.0 - bar(part(at + 1)) / bar(part(at))).min(0.999)).collect()
        }
        (_, other) => return Err(format!("beta_schedule {other} is not supported")),
    };
    if !betas.iter().all(|beta| (0.0..1.0).contains(beta)) {
        return Err("betas must be from 0 to below 1".into());
    }
    if config.get("rescale_betas_zero_snr").and_then(Value::as_bool) == Some(true) {
        betas = to_pure_noise(&betas);
    }
    Ok(products(&betas))
}

fn products(betas: &[f64]) -> Vec<f64> {
    let mut kept = 1.0;
    betas
        .iter()
        .map(|beta| {
            kept *= 1.0 - beta;
            kept
        })
        .collect()
}

/// Betas that end in pure noise: √ᾱ shifted so that the last is 0 and scaled so that the first stays (algorithm 1 of
/// arXiv:2305.08891).
fn to_pure_noise(betas: &[f64]) -> Vec<f64> {
    let roots: Vec<f64> = products(betas).into_iter().map(f64::sqrt).collect();
    let (Some(first), Some(last)) = (roots.first().copied(), roots.last().copied()) else {
        return betas.to_vec();
    };
    let kept: Vec<f64> =
        roots.iter().map(|root| ((root - last) * first / (first - last)).powi(2)).collect();
    let before = std::iter::once(1.0).chain(kept.iter().copied());
    kept.iter().zip(before).map(|(kept, before)| 1.0 - kept / before).collect()
}

impl fmt::Display for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Noise => "epsilon",
            Self::Velocity => "v_prediction",
            Self::Sample => "sample",
        })
    }
}
