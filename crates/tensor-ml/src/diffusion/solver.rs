//! Steps from noise to picture: DDIM (arXiv:2010.02502), PNDM without its Runge-Kutta start (arXiv:2202.09778), Euler and
//! ancestral Euler (arXiv:2206.00364, and k-diffusion's rule for the noise that is added again).

use std::{fmt, str::FromStr};

use super::schedule::{NoiseSchedule, Prediction, Spacing};
use crate::error::Error;

/// How a step is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Solver {
    /// DDIM without added noise (η = 0).
    Ddim,
    /// Euler's method over σ.
    Euler,
    /// Euler's method that goes further down and adds noise.
    EulerAncestral,
    /// Linear multistep of up to four estimates, what folders of old state.
    Pndm,
}

impl Solver {
    pub(super) const NAMES: &'static str = "ddim, euler, euler-a, pndm";

    pub(super) fn of_class(class: &str) -> Option<Self> {
        Some(match class {
            "DDIMScheduler" => Self::Ddim,
            "EulerDiscreteScheduler" => Self::Euler,
            "EulerAncestralDiscreteScheduler" => Self::EulerAncestral,
            "PNDMScheduler" => Self::Pndm,
            _ => return None,
        })
    }

    pub(super) fn is_euler(self) -> bool {
        matches!(self, Self::Euler | Self::EulerAncestral)
    }

    pub(super) fn spacing(self) -> Spacing {
        if self.is_euler() { Spacing::Linspace } else { Spacing::Leading }
    }
}

impl fmt::Display for Solver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ddim => "ddim",
            Self::Euler => "euler",
            Self::EulerAncestral => "euler-a",
            Self::Pndm => "pndm",
        })
    }
}

impl FromStr for Solver {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(match text {
            "ddim" => Self::Ddim,
            "euler" => Self::Euler,
            "euler-a" => Self::EulerAncestral,
            "pndm" => Self::Pndm,
            _ => {
                let reason = format!("`{text}` is none of {}", Self::NAMES);
                return Err(Error::Argument { what: "solver", reason });
            }
        })
    }
}

/// One picture on its way out of the noise. Ask for [`time`](Self::time) and [`scale`](Self::scale), run the network, give
/// its estimate to [`step`](Self::step), until there is no time left.
#[derive(Clone, Debug)]
pub struct Denoising<'a> {
    schedule: &'a NoiseSchedule,
    solver: Solver,
    times: Vec<f64>,
    /// For Euler: σ of each time, and 0 at last.
    sigmas: Vec<f64>,
    /// ⌊N / n⌋.
    stride: f64,
    place: usize,
    /// PNDM's latest estimates of the noise, and the sample of its first step.
    estimates: Vec<Vec<f32>>,
    first: Vec<f32>,
}

impl<'a> Denoising<'a> {
    /// The way of `steps` steps.
    ///
    /// # Errors
    /// As [`NoiseSchedule::times`].
    pub fn new(schedule: &'a NoiseSchedule, solver: Solver, steps: usize) -> Result<Self, Error> {
        let mut times = schedule.times(steps, solver)?;
        let mut sigmas = Vec::new();
        if solver.is_euler() {
            sigmas = times.iter().map(|time| schedule.sigma_at(*time)).collect();
            sigmas.push(0.0);
        }
        // The second time is visited twice, for want of an earlier estimate.
        if let (Solver::Pndm, Some(second)) = (solver, times.get(1).copied()) {
            times.insert(1, second);
        }
        Ok(Self {
            stride: (schedule.kept.len() / steps.max(1)) as f64,
            place: 0,
            estimates: Vec::new(),
            first: Vec::new(),
            schedule,
            solver,
            times,
            sigmas,
        })
    }

    /// Times of all steps, latest first.
    pub fn times(&self) -> &[f64] {
        &self.times
    }

    /// The time of the next step; nothing at the end.
    pub fn time(&self) -> Option<f64> {
        self.times.get(self.place).copied()
    }

    /// What the first noise is multiplied by.
    pub fn initial_scale(&self) -> f64 {
        let largest = self.sigmas.first().copied().unwrap_or(1.0);
        let spacing = self.schedule.spacing.unwrap_or_else(|| self.solver.spacing());
        match (self.solver.is_euler(), spacing) {
            (false, _) => 1.0,
            (true, Spacing::Leading) => largest.hypot(1.0),
            (true, _) => largest,
        }
    }

    /// What the sample is multiplied by before the network sees it.
    pub fn scale(&self) -> f64 {
        match self.sigmas.get(self.place) {
            Some(sigma) => 1.0 / sigma.hypot(1.0),
            None => 1.0,
        }
    }

    /// Whether [`step`](Self::step) adds noise.
    pub fn wants_noise(&self) -> bool {
        self.solver == Solver::EulerAncestral
            && self.sigmas.get(self.place + 1).is_some_and(|next| *next > 0.0)
    }

    /// Takes a step with the network's estimate for `sample`; `noise` is used where [`wants_noise`](Self::wants_noise)
    /// says so.
    pub fn step(&mut self, estimate: &[f32], sample: &mut Vec<f32>, noise: &[f32]) {
        let Some(time) = self.time() else { return };
        match self.solver {
            Solver::Ddim => self.ddim(time, estimate, sample),
            Solver::Euler | Solver::EulerAncestral => self.euler(estimate, sample, noise),
            Solver::Pndm => self.pndm(time, estimate, sample),
        }
        self.place += 1;
    }

    fn ddim(&self, time: f64, estimate: &[f32], sample: &mut [f32]) {
        let first = self.schedule.kept_first.unwrap_or(1.0);
        let now = self.schedule.kept_at(time, first);
        let next = self.schedule.kept_at(time - self.stride, first);
        let (a, b) = (now.sqrt(), (1.0 - now).sqrt());
        for (x, y) in sample.iter_mut().zip(estimate) {
            let (now, guess) = (f64::from(*x), f64::from(*y));
            let (mut picture, noise) = match self.schedule.prediction {
                Prediction::Noise => ((now - b * guess) / a, guess),
                Prediction::Velocity => (a * now - b * guess, a * guess + b * now),
                Prediction::Sample => (guess, (now - a * guess) / b),
            };
            if let Some(range) = self.schedule.clip {
                picture = picture.clamp(-range.abs(), range.abs());
            }
            *x = (next.sqrt() * picture + (1.0 - next).sqrt() * noise) as f32;
        }
    }

    fn euler(&self, estimate: &[f32], sample: &mut [f32], noise: &[f32]) {
        let from = self.sigmas.get(self.place).copied().unwrap_or(0.0);
        let to = self.sigmas.get(self.place + 1).copied().unwrap_or(0.0);
        let mut down = to;
        let mut up = 0.0;
        if self.solver == Solver::EulerAncestral {
            up = (to * to * (from * from - to * to) / (from * from)).max(0.0).sqrt();
            down = (to * to - up * up).max(0.0).sqrt();
        }
        let square = from * from + 1.0;
        let noise = noise.iter().copied().chain(std::iter::repeat(0.0));
        for ((x, y), noise) in sample.iter_mut().zip(estimate).zip(noise) {
            let (now, guess) = (f64::from(*x), f64::from(*y));
            let picture = match self.schedule.prediction {
                Prediction::Noise => now - from * guess,
                Prediction::Velocity => now / square - guess * from / square.sqrt(),
                Prediction::Sample => guess,
            };
            let slope = (now - picture) / from;
            *x = (now + slope * (down - from) + f64::from(noise) * up) as f32;
        }
    }

    fn pndm(&mut self, time: f64, estimate: &[f32], sample: &mut Vec<f32>) {
        let (mut from, mut to) = (time, time - self.stride);
        if self.place == 1 {
            // The first step again, by the mean of the estimates at its two ends.
            (from, to) = (time + self.stride, time);
        } else {
            self.estimates.truncate(3);
            self.estimates.insert(0, estimate.to_vec());
        }
        let weights: &[f64] = match (self.place, self.estimates.len()) {
            (0, _) => &[1.0],
            (1, _) => &[0.5],
            (_, 1) => &[1.0],
            (_, 2) => &[1.5, -0.5],
            (_, 3) => &[23.0 / 12.0, -16.0 / 12.0, 5.0 / 12.0],
            _ => &[55.0 / 24.0, -59.0 / 24.0, 37.0 / 24.0, -9.0 / 24.0],
        };
        if self.place == 0 {
            self.first.clone_from(sample);
        } else if self.place == 1 {
            sample.clone_from(&self.first);
        }
        let first = self.schedule.kept_first.unwrap_or(1.0);
        let (now, next) = (self.schedule.kept_at(from, first), self.schedule.kept_at(to, first));
        let along = (next / now).sqrt();
        let across = (next - now) / (now * (1.0 - next).sqrt() + (now * (1.0 - now) * next).sqrt());
        for (place, x) in sample.iter_mut().enumerate() {
            let of = |estimate: &[f32]| f64::from(estimate.get(place).copied().unwrap_or(0.0));
            let mut guess: f64 = self
                .estimates
                .iter()
                .zip(weights)
                .map(|(estimate, weight)| weight * of(estimate))
                .sum();
            if self.place == 1 {
                guess += 0.5 * of(estimate);
            }
            let here = f64::from(*x);
            let noise = match self.schedule.prediction {
                Prediction::Noise => guess,
                Prediction::Velocity => now.sqrt() * guess + (1.0 - now).sqrt() * here,
                Prediction::Sample => (here - now.sqrt() * guess) / (1.0 - now).sqrt(),
            };
            *x = (along * here - across * noise) as f32;
        }
    }
}
