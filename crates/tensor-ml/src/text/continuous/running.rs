//! A batch that requests join and leave between steps.

use super::{super::stream::GenerateJob, cache};
use crate::{
    control::RunControl,
    error::Error,
    text::{
        answer::Answer,
        decoder::{Past, Rows},
        generate::{TextGeneration, last_columns},
        request::{Generated, Token},
    },
};

/// The rows that are being written. `C` is what the owner remembers of each.
pub(super) struct Running<C> {
    seats: Vec<Seat<C>>,
    rows: Rows,
    past: Past,
}

/// Answers that are complete, and whose they are.
pub(super) type Done<C> = Vec<(C, Result<Generated, Error>)>;

struct Seat<C> {
    /// Where its events go; nothing once it is done, since its stream ends with it.
    job: Option<GenerateJob>,
    answer: Answer,
    owner: C,
    /// Whether it is done, or nobody wants it any more.
    is_left: bool,
}

impl<C> Seat<C> {
    fn is_written(&self) -> bool {
        !self.is_left
    }
}

impl<C> Running<C> {
    pub(super) fn new() -> Self {
        Self { seats: Vec::new(), rows: Rows::new(&[], 0), past: Past::Nothing }
    }

    /// Rows that are still being written.
    pub(super) fn len(&self) -> usize {
        self.seats.iter().filter(|seat| seat.is_written()).count()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lets go of rows whose owners have gone.
    pub(super) fn leave(&mut self, is_gone: impl Fn(&C) -> bool) {
        for seat in self.seats.iter_mut().filter(|seat| is_gone(&seat.owner)) {
            seat.is_left = true;
            seat.job = None;
        }
    }

    /// Whether the next step should bring what is remembered to the host: rows are done, or `more` want to join.
    fn wants_change(&self, more: bool) -> bool {
        more || self.seats.iter().any(|seat| !seat.is_written())
    }

    /// One more token for every row. With `more` requests waiting the rows are ready to be joined afterwards. Gives the
    /// answers that are complete.
    pub(super) fn step(
        &mut self,
        model: &mut TextGeneration,
        more: bool,
        control: &RunControl,
    ) -> Result<Done<C>, Error>
    where
        C: Clone,
    {
        let to_host = self.wants_change(more);
        let past = std::mem::take(&mut self.past);
        let (logits, past) =
            model.decoder.step_from(&mut self.rows, past, to_host, false, control)?;
        self.past = past;
        let done = self.read(model, &last_columns(&logits)?);
        if to_host {
            self.tidy()?;
        }
        Ok(done)
    }

    /// Lets requests in: their prompts are read in a run of their own, their first tokens chosen. A request that cannot be
    /// answered is told so.
    pub(super) fn join(
        &mut self,
        model: &mut TextGeneration,
        jobs: Vec<(GenerateJob, C)>,
        control: &RunControl,
    ) -> Result<Done<C>, Error>
    where
        C: Clone,
    {
        let mut done = Vec::new();
        let mut fresh = Self::new();
        for (job, owner) in jobs {
            match model.begin(&job.request) {
                Ok(answer) => {
                    fresh.seats.push(Seat { job: Some(job), answer, owner, is_left: false });
                }
                Err(error) => done.push((owner, Err(error))),
            }
        }
        if fresh.seats.is_empty() {
            return Ok(done);
        }
        let prompts: Vec<&[u32]> =
            fresh.seats.iter().map(|seat| seat.answer.context.as_slice()).collect();
        fresh.rows = Rows::new(&prompts, model.tokenizer().pad().id);
        done.extend(fresh.step(model, true, control)?);
        self.merge(fresh)?;
        Ok(done)
    }

    /// Chooses the next token of each row.
    fn read(&mut self, model: &TextGeneration, logits: &[Vec<f32>]) -> Done<C>
    where
        C: Clone,
    {
        let mut done = Vec::new();
        let mut next = vec![None; self.seats.len()];
        for ((seat, logits), next) in self.seats.iter_mut().zip(logits).zip(&mut next) {
            if !seat.is_written() {
                continue;
            }
            let mut tell = |token: Option<Token>, text: &str| {
                if let Some(job) = &seat.job {
                    job.tell(token, text);
                }
            };
            let ends = model.ending_tokens();
            let answer = match seat.answer.advance(logits, model.tokenizer(), ends, &mut tell) {
                Ok(Some(id)) => {
                    *next = Some(id);
                    continue;
                }
                Ok(None) => seat.answer.taken(),
                Err(error) => Err(error),
            };
            seat.is_left = true;
            seat.job = None;
            done.push((seat.owner.clone(), answer));
        }
        self.rows.push(&next);
        done
    }

    /// Drops the rows that are done.
    fn tidy(&mut self) -> Result<(), Error> {
        let stays: Vec<bool> = self.seats.iter().map(Seat::is_written).collect();
        self.seats.retain(Seat::is_written);
        let spare = self.rows.retain(&stays);
        if let Past::Host(past) = std::mem::take(&mut self.past) {
            self.past = match self.seats.is_empty() {
                true => Past::Nothing,
                false => Past::Host(cache::retain(past, &stays, spare)?),
            };
        }
        Ok(())
    }

    /// Takes in rows that have been read. What both remember is in host memory.
    fn merge(&mut self, mut other: Self) -> Result<(), Error> {
        if other.seats.is_empty() {
            return Ok(());
        }
        if self.is_empty() {
            *self = other;
            return Ok(());
        }
        self.rows.join(other.rows);
        let columns = self.rows.seen();
        self.past = match (std::mem::take(&mut self.past), other.past) {
            (Past::Host(old), Past::Host(new)) => Past::Host(cache::join(old, new, columns)?),
            _ => {
                return Err(Error::Tensor {
                    expected: "what is remembered, in host memory".into(),
                    got: "values in the backend's".into(),
                });
            }
        };
        self.seats.append(&mut other.seats);
        Ok(())
    }

    /// Everybody in the batch, for telling them of a fault.
    pub(super) fn into_owners(self) -> impl Iterator<Item = C> {
        self.seats.into_iter().filter(Seat::is_written).map(|seat| seat.owner)
    }
}
