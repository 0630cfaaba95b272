//! A simulated subnet: seats, miners, rules, and running it.

use super::agent::{Agent, Behaviour, View};
use super::history::{EpochRecord, History};
use super::noise::Noise;
use super::variants::{self, Matrix, Memory, Settings, Variant};
use crate::epoch::{Epoch, EpochError, Parameters, Snapshot};
use crate::rows::RowsBuf;

/// By which arithmetic an epoch is computed.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum Rules {
    /// The chain's epoch, bit for bit.
    Exact(Box<Parameters>),
    /// A floating-point variant.
    Float(Variant, Settings),
}

/// A validator of a scenario.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Seat {
    /// Its stake in rao.
    pub stake: u64,
    /// What it does.
    pub behaviour: Behaviour,
}

impl Seat {
    /// A validator with this stake and behaviour.
    #[must_use]
    pub const fn new(stake: u64, behaviour: Behaviour) -> Self {
        Self { stake, behaviour }
    }
}

/// A simulated subnet. In JSON with feature `serde`.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Scenario {
    /// Name for tables and files.
    pub name: String,
    /// Validators; they get uids from 0 on.
    pub validators: Vec<Seat>,
    /// Quality of each miner at the start; miners get the uids after the validators.
    pub quality: Vec<f64>,
    /// Deviation by which each quality moves in an epoch.
    pub drift: f64,
    /// Number of epochs.
    pub epochs: usize,
    /// Epochs for which commit-reveal hides weights before they are in force; 0 is plain setting.
    pub concealment: usize,
    /// Alpha units to divide in an epoch.
    pub emission: u64,
    /// Arithmetic.
    pub rules: Rules,
    /// Seed of all randomness.
    pub seed: u64,
}

/// Why a simulation cannot run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// The exact epoch refused the subnet.
    #[error("epoch {epoch} cannot be computed")]
    Epoch {
        /// Epoch, from 0.
        epoch: usize,
        /// The cause.
        #[source]
        source: EpochError,
    },
    /// There must be as many agents as validators.
    #[error("{agents} agents for {validators} validators")]
    Agents {
        /// Agents given.
        agents: usize,
        /// Validators in the scenario.
        validators: usize,
    },
}

impl Scenario {
    /// `miners` miners whose qualities fall evenly from 1, no validators yet, exact arithmetic with Yuma 3.
    #[must_use]
    pub fn new(name: &str, miners: usize, epochs: usize) -> Self {
        let parameters =
            Parameters { yuma3: true, bonds_moving_average: 975_000, ..Parameters::default() };
        Self {
            name: name.to_owned(),
            validators: Vec::new(),
            quality: (0..miners).map(|j| (miners - j) as f64 / miners as f64).collect(),
            drift: 0.05,
            epochs,
            concealment: 0,
            emission: 360_000_000_000,
            rules: Rules::Exact(Box::new(parameters)),
            seed: 1,
        }
    }

    /// Run with each seat's behaviour.
    ///
    /// # Errors
    /// [`SimError::Epoch`] if the exact epoch refuses, as for too many neurons or stakes beyond 2^63.
    pub fn run(&self) -> Result<History, SimError> {
        let mut agents: Vec<Box<dyn Agent>> =
            self.validators.iter().map(|seat| seat.behaviour.agent()).collect();
        self.run_agents(&mut agents, |_| ())
    }

    /// Run with your own agents, one per seat, reporting each epoch as it is done.
    ///
    /// # Errors
    /// As [`Self::run`], and [`SimError::Agents`].
    pub fn run_agents(
        &self,
        agents: &mut [Box<dyn Agent>],
        mut progress: impl FnMut(&EpochRecord),
    ) -> Result<History, SimError> {
        let validators = self.validators.len();
        if agents.len() != validators {
            return Err(SimError::Agents { agents: agents.len(), validators });
        }
        let mut world = World::new(self);
        let names = agents.iter().map(|agent| agent.name().to_owned()).collect();
        let mut history = History::new(self.name.clone(), names, self.quality.len());
        for epoch in 0..self.epochs {
            world.decide(self, agents, epoch);
            let record =
                world.step(self, epoch).map_err(|source| SimError::Epoch { epoch, source })?;
            progress(&record);
            history.epochs.push(record);
        }
        Ok(history)
    }
}

/// Scenarios worth looking at, by name.
#[must_use]
pub fn named() -> Vec<Scenario> {
    let honest = Behaviour::Honest { noise: 0.03 };
    let tao = 1_000_000_000u64;
    let base = |name: &str, last: Vec<Seat>| {
        let mut scenario = Scenario::new(name, 12, 120);
        scenario.validators =
            vec![Seat::new(400 * tao, honest.clone()), Seat::new(300 * tao, honest.clone())];
        scenario.validators.extend(last);
        scenario
    };
    let copier = || Seat::new(200 * tao, Behaviour::Copier { of: None });
    let mut concealed = base("copier-concealed", vec![copier()]);
    concealed.concealment = 5;
    let cabal = || Behaviour::Cabal { miners: vec![10, 11] };
    vec![
        base("honest", vec![Seat::new(200 * tao, honest.clone())]),
        base("lazy", vec![Seat::new(200 * tao, Behaviour::Lazy { noise: 0.03, every: 30 })]),
        base("copier", vec![copier()]),
        concealed,
        base("cabal", vec![Seat::new(200 * tao, cabal()), Seat::new(200 * tao, cabal())]),
        base("cabal-majority", vec![Seat::new(500 * tao, cabal()), Seat::new(500 * tao, cabal())]),
        base(
            "self-dealer",
            vec![Seat::new(
                200 * tao,
                Behaviour::SelfDealer { miner: 11, share: 0.5, noise: 0.03 },
            )],
        ),
        base(
            "late-joiner",
            vec![Seat::new(
                200 * tao,
                Behaviour::LateJoiner { epoch: 60, then: Box::new(honest.clone()) },
            )],
        ),
    ]
}

/// The subnet as it moves from epoch to epoch.
struct World {
    noise: Noise,
    quality: Vec<f64>,
    /// Decided weights that are not in force yet, oldest first.
    pending: std::collections::VecDeque<Vec<Option<Vec<f64>>>>,
    in_force: Matrix,
    consensus: Vec<f64>,
    stake: Vec<u64>,
    epoch: Epoch,
    snapshot: Snapshot,
    memory: Memory,
}

impl World {
    fn new(scenario: &Scenario) -> Self {
        let n = scenario.validators.len() + scenario.quality.len();
        let mut snapshot = Snapshot::new(n);
        snapshot.validator_permit = (0..n).map(|uid| uid < scenario.validators.len()).collect();
        snapshot.rao_emission = scenario.emission;
        Self {
            noise: Noise::new(scenario.seed),
            quality: scenario.quality.clone(),
            pending: std::collections::VecDeque::new(),
            in_force: vec![Vec::new(); scenario.validators.len()],
            consensus: Vec::new(),
            stake: vec![0; scenario.validators.len()],
            epoch: Epoch::new(),
            snapshot,
            memory: Memory::default(),
        }
    }

    /// Let qualities drift, ask everybody for weights, and put those in force whose concealment is over.
    fn decide(&mut self, scenario: &Scenario, agents: &mut [Box<dyn Agent>], epoch: usize) {
        for quality in &mut self.quality {
            *quality = (*quality + scenario.drift * self.noise.normal()).clamp(0.0, 2.0);
        }
        for ((stake, seat), agent) in
            self.stake.iter_mut().zip(&scenario.validators).zip(agents.iter())
        {
            *stake = if agent.has_joined(epoch) { seat.stake } else { 0 };
        }
        let mut decided = Vec::with_capacity(agents.len());
        for (me, agent) in agents.iter_mut().enumerate() {
            let view = View {
                epoch,
                quality: &self.quality,
                public: &self.in_force,
                consensus: &self.consensus,
                stake: &self.stake,
                me,
            };
            decided.push(agent.weights(&view, &mut self.noise));
        }
        self.pending.push_back(decided);
        if self.pending.len() > scenario.concealment
            && let Some(revealed) = self.pending.pop_front()
        {
            for (row, new) in self.in_force.iter_mut().zip(revealed) {
                if let Some(new) = new {
                    *row = new;
                }
            }
        }
    }

    fn step(&mut self, scenario: &Scenario, epoch: usize) -> Result<EpochRecord, EpochError> {
        match &scenario.rules {
            Rules::Exact(parameters) => self.exact(parameters, scenario, epoch),
            Rules::Float(variant, settings) => Ok(self.float(*variant, settings, scenario, epoch)),
        }
    }

    fn exact(
        &mut self,
        parameters: &Parameters,
        scenario: &Scenario,
        epoch: usize,
    ) -> Result<EpochRecord, EpochError> {
        let validators = scenario.validators.len();
        let s = &mut self.snapshot;
        // Every neuron registered in block 1 and every weight is fresh.
        let tempo = u64::from(parameters.tempo.max(1));
        let block = 1_000_000 + tempo * (epoch as u64 + 1);
        s.last_mechanism_step_block = if epoch == 0 { block - tempo } else { s.current_block };
        s.current_block = block;
        s.last_update.fill(block);
        s.block_at_registration.fill(1);
        s.alpha_stake[..validators].copy_from_slice(&self.stake);
        let mut rows = RowsBuf::new();
        for uid in 0..s.n() {
            let row = self.in_force.get(uid).map_or(&[][..], Vec::as_slice);
            let miners = (validators as u16..=u16::MAX).zip(quantise(row));
            rows.push_row(miners.filter(|(_, w)| *w > 0));
        }
        s.weights = rows;
        let outcome = self.epoch.run(parameters, &s.as_input())?;
        let float = |column: &[crate::fixed::I32F32]| {
            column.iter().map(|x| x.to_f64_lossy()).collect::<Vec<f64>>()
        };
        let record = EpochRecord {
            epoch,
            quality: self.quality.clone(),
            weights: self.in_force.clone(),
            consensus: float(&outcome.consensus[validators..]),
            incentive: float(&outcome.incentive[validators..]),
            validator_trust: float(&outcome.validator_trust[..validators]),
            dividends: float(&outcome.dividends[..validators]),
            validator_emission: outcome.validator_emission[..validators].to_vec(),
            server_emission: outcome.server_emission[validators..].to_vec(),
            stake: self.stake.clone(),
        };
        s.bonds.clone_from(&outcome.bonds);
        s.validator_permit.clone_from(&outcome.new_validator_permit);
        self.consensus.clone_from(&record.consensus);
        Ok(record)
    }

    fn float(
        &mut self,
        variant: Variant,
        settings: &Settings,
        scenario: &Scenario,
        epoch: usize,
    ) -> EpochRecord {
        let stake: Vec<f64> = self.stake.iter().map(|stake| *stake as f64).collect();
        let mut weights = self.in_force.clone();
        weights.iter_mut().for_each(|row| row.resize(scenario.quality.len(), 0.0));
        let out = variants::epoch(variant, settings, &weights, &stake, &mut self.memory);
        let half = scenario.emission as f64 / 2.0;
        let pay = |shares: &[f64]| shares.iter().map(|share| (share * half) as u64).collect();
        self.consensus.clone_from(&out.consensus);
        EpochRecord {
            epoch,
            quality: self.quality.clone(),
            weights: self.in_force.clone(),
            validator_emission: pay(&out.dividends),
            server_emission: pay(&out.incentive),
            consensus: out.consensus,
            incentive: out.incentive,
            validator_trust: out.validator_trust,
            dividends: out.dividends,
            stake: self.stake.clone(),
        }
    }
}

/// Weights as a validator submits them: the largest becomes 65535. Values that are no numbers count as 0.
fn quantise(weights: &[f64]) -> impl Iterator<Item = u16> {
    let max = weights.iter().copied().filter(|w| w.is_finite()).fold(0.0f64, f64::max);
    // A conversion from float saturates and turns NaN into 0.
    weights.iter().map(move |w| if max > 0.0 { (w / max * 65_535.0).round() as u16 } else { 0 })
}
