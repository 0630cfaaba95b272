//! Grouping requests into batches: which wait, which go together, which cannot make it in time.
//!
//! [`Batcher`] is a state machine without clock or thread; time is an argument, counted from any fixed moment.
//! [`BatchWorker`] drives it with a thread and the real clock.

mod worker;

use std::time::Duration;

pub use self::worker::{BatchTask, BatchWorker, Submit};
use crate::error::Error;

/// Limits of a [`Batcher`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BatchPolicy {
    /// Most requests in one batch.
    pub max_batch: usize,
    /// Most requests waiting; more are refused.
    pub max_queue: usize,
    /// Highest cost of a batch: requests times the longest one's cost, since all are padded to it.
    pub max_cost: usize,
    /// How long a request waits for company. It waits only while less than half a batch is there.
    pub max_delay: Duration,
    /// Largest share of a batch's cost that may be padding, from 0 to 1.
    pub max_padding: f64,
}

impl Default for BatchPolicy {
    fn default() -> Self {
        Self {
            max_batch: 32,
            max_queue: 256,
            max_cost: 16_384,
            max_delay: Duration::from_millis(2),
            max_padding: 0.25,
        }
    }
}

impl BatchPolicy {
    /// One request at a time in order of arrival, `depth` waiting at most.
    pub fn single(depth: usize) -> Self {
        Self {
            max_batch: 1,
            max_queue: depth,
            max_cost: usize::MAX,
            max_delay: Duration::ZERO,
            max_padding: 0.0,
        }
    }

    /// Sets the most requests in one batch.
    #[must_use]
    pub fn with_max_batch(mut self, max_batch: usize) -> Self {
        self.max_batch = max_batch;
        self
    }

    /// Sets the most requests waiting.
    #[must_use]
    pub fn with_max_queue(mut self, max_queue: usize) -> Self {
        self.max_queue = max_queue;
        self
    }

    /// Sets the highest cost of a batch.
    #[must_use]
    pub fn with_max_cost(mut self, max_cost: usize) -> Self {
        self.max_cost = max_cost;
        self
    }

    /// Sets how long a request waits for company.
    #[must_use]
    pub fn with_max_delay(mut self, max_delay: Duration) -> Self {
        self.max_delay = max_delay;
        self
    }

    /// Sets the largest share of padding.
    #[must_use]
    pub fn with_max_padding(mut self, max_padding: f64) -> Self {
        self.max_padding = max_padding;
        self
    }
}

/// What the batcher knows of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Urgency {
    /// Length in the unit of [`BatchPolicy::max_cost`], usually tokens; at least 1 is counted.
    pub cost: usize,
    /// When an answer stops being of use.
    pub deadline: Option<Duration>,
    /// Higher goes first.
    pub priority: u32,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next<T> {
    /// Run these together.
    Run {
        /// The requests, most urgent first.
        items: Vec<T>,
        /// Cost of the batch, padding included, to be reported with [`Batcher::finished`].
        cost: usize,
    },
    /// Ask again at this time, or when another request has come.
    Wait(Duration),
    /// There is nothing to do.
    Empty,
}

/// Groups requests into batches.
///
/// The most urgent request (highest priority, then earliest deadline, then first come) is always in the next batch, so
/// none waits for ever behind better company; others join in the same order where the limits allow.
#[derive(Debug)]
pub struct Batcher<T> {
    policy: BatchPolicy,
    queue: Vec<Waiting<T>>,
    arrivals: u64,
    /// Moving average of the time per unit of cost.
    pace: Option<f64>,
}

#[derive(Debug)]
struct Waiting<T> {
    item: T,
    urgency: Urgency,
    since: Duration,
    arrival: u64,
}

impl<T> Batcher<T> {
    /// An empty batcher.
    ///
    /// # Errors
    /// [`Error::Argument`] when a limit is zero or the padding share is not within 0 to 1.
    pub fn new(policy: BatchPolicy) -> Result<Self, Error> {
        let zero = [
            ("max_batch", policy.max_batch),
            ("max_queue", policy.max_queue),
            ("max_cost", policy.max_cost),
        ];
        if let Some((what, _)) = zero.into_iter().find(|(_, limit)| *limit == 0) {
            return Err(Error::Argument { what, reason: "must be at least 1".into() });
        }
        if !(0.0..=1.0).contains(&policy.max_padding) {
            return Err(Error::Argument {
                what: "max_padding",
                reason: format!("must be from 0 to 1, not {}", policy.max_padding),
            });
        }
        Ok(Self { policy, queue: Vec::new(), arrivals: 0, pace: None })
    }

    /// Number of requests waiting.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Takes a request, or returns it with the reason.
    ///
    /// # Errors
    /// [`Error::Busy`] when the queue is full or, by the pace seen so far, the answer would come after the deadline;
    /// [`Error::DeadlineExceeded`] when that has passed already; [`Error::Argument`] when the request alone is larger
    /// than a batch may be.
    pub fn push(&mut self, item: T, urgency: Urgency, now: Duration) -> Result<(), (T, Error)> {
        let urgency = Urgency { cost: urgency.cost.max(1), ..urgency };
        if urgency.cost > self.policy.max_cost {
            let reason = format!(
                "{} is more than a batch may cost ({})",
                urgency.cost, self.policy.max_cost
            );
            return Err((item, Error::Argument { what: "request size", reason }));
        }
        let busy = Error::Busy { queued: self.queue.len(), limit: self.policy.max_queue };
        if self.queue.len() >= self.policy.max_queue {
            return Err((item, busy));
        }
        if let Some(deadline) = urgency.deadline {
            if deadline <= now {
                return Err((item, Error::DeadlineExceeded));
            }
            if self.ready_at(&urgency, now).is_some_and(|ready| ready > deadline) {
                return Err((item, busy));
            }
        }
        let arrival = self.arrivals;
        self.arrivals = self.arrivals.wrapping_add(1);
        self.queue.push(Waiting { item, urgency, since: now, arrival });
        Ok(())
    }

    /// Removes the requests whose deadline has passed.
    pub fn expired(&mut self, now: Duration) -> Vec<T> {
        let is_late =
            |waiting: &Waiting<T>| waiting.urgency.deadline.is_some_and(|deadline| deadline <= now);
        self.queue.extract_if(.., |waiting| is_late(waiting)).map(|waiting| waiting.item).collect()
    }

    /// Keeps the requests for which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.queue.retain(|waiting| keep(&waiting.item));
    }

    /// Removes everything.
    pub fn clear(&mut self) -> Vec<T> {
        self.queue.drain(..).map(|waiting| waiting.item).collect()
    }

    /// The next batch, or how long to wait for it.
    pub fn poll(&mut self, now: Duration) -> Next<T> {
        let chosen = self.choose();
        let Some(oldest) = self.queue.iter().map(|waiting| waiting.since).min() else {
            return Next::Empty;
        };
        let is_half_full = chosen.len().saturating_mul(2) >= self.policy.max_batch;
        let mut until = oldest.saturating_add(self.policy.max_delay);
        for waiting in &self.queue {
            if let Some(deadline) = waiting.urgency.deadline {
                let work = self.duration_of(waiting.urgency.cost).unwrap_or_default();
                until = until.min(deadline.saturating_sub(work));
            }
        }
        if !is_half_full && now < until {
            return Next::Wait(until);
        }
        self.take(chosen)
    }

    /// The next batch without waiting for company.
    pub fn poll_now(&mut self) -> Next<T> {
        let chosen = self.choose();
        self.take(chosen)
    }

    /// Reports how long a batch of `cost` took; deadlines are judged by it.
    pub fn finished(&mut self, cost: usize, took: Duration) {
        let sample = took.as_secs_f64() / cost.max(1) as f64;
        // The weight of a fifth follows a change of load within some ten batches and rides out a single hiccup.
        self.pace = Some(self.pace.map_or(sample, |pace| pace + (sample - pace) / 5.0));
    }

    /// Indices of the next batch, most urgent first.
    fn choose(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.queue.len()).collect();
        order.sort_by_key(|place| {
            let waiting = &self.queue[*place];
            let deadline = waiting.urgency.deadline.unwrap_or(Duration::MAX);
            (std::cmp::Reverse(waiting.urgency.priority), deadline, waiting.arrival)
        });
        let mut chosen = Vec::new();
        let (mut longest, mut total) = (0_usize, 0_usize);
        for place in order {
            if chosen.len() >= self.policy.max_batch {
                break;
            }
            let cost = self.queue[place].urgency.cost;
            let (with_longest, with_total) = (longest.max(cost), total.saturating_add(cost));
            let padded = with_longest.saturating_mul(chosen.len().saturating_add(1));
            let padding = padded.saturating_sub(with_total) as f64 / padded.max(1) as f64;
            let fits = padded <= self.policy.max_cost && padding <= self.policy.max_padding;
            if chosen.is_empty() || fits {
                chosen.push(place);
                (longest, total) = (with_longest, with_total);
            }
        }
        chosen
    }

    fn take(&mut self, chosen: Vec<usize>) -> Next<T> {
        if chosen.is_empty() {
            return Next::Empty;
        }
        let longest = chosen.iter().map(|place| self.queue[*place].urgency.cost).max();
        let cost = longest.unwrap_or(1).saturating_mul(chosen.len());
        let mut slots: Vec<Option<Waiting<T>>> =
            std::mem::take(&mut self.queue).into_iter().map(Some).collect();
        let items = chosen
            .into_iter()
            .filter_map(|place| slots[place].take())
            .map(|waiting| waiting.item)
            .collect();
        self.queue = slots.into_iter().flatten().collect();
        Next::Run { items, cost }
    }

    /// When a new request would be answered, judged by the pace: what is more urgent comes first.
    fn ready_at(&self, urgency: &Urgency, now: Duration) -> Option<Duration> {
        let rank = |urgency: &Urgency| {
            (std::cmp::Reverse(urgency.priority), urgency.deadline.unwrap_or(Duration::MAX))
        };
        let ahead = self
            .queue
            .iter()
            .filter(|waiting| rank(&waiting.urgency) <= rank(urgency))
            .fold(urgency.cost, |sum, waiting| sum.saturating_add(waiting.urgency.cost));
        self.duration_of(ahead).map(|work| now.saturating_add(work))
    }

    fn duration_of(&self, cost: usize) -> Option<Duration> {
        Duration::try_from_secs_f64(self.pace? * cost as f64).ok()
    }
}

#[cfg(test)]
mod tests;
