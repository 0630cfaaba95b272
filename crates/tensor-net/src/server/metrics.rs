//! What a service has seen, in numbers: [`MetricsSnapshot`].

use core::fmt::Write;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tensor_core::Hotkey;

use crate::wire::Refusal;

/// Counts while the service runs.
#[derive(Debug)]
pub(super) struct Metrics {
    answered: AtomicU64,
    refused: [AtomicU64; Refusal::CLASSES.len()],
    body_bytes: AtomicU64,
    micros: AtomicU64,
    /// Answers by how long they took, by the bounds below; the last holds all that are slower.
    times: [AtomicU64; BOUNDS_MS.len() + 1],
    clocks: Mutex<BTreeMap<Hotkey, i64>>,
    /// Whether most callers agreed that our clock is wrong when it was last asked.
    #[cfg(feature = "tracing")]
    was_wrong: std::sync::atomic::AtomicBool,
}

impl Metrics {
    pub(super) fn new() -> Self {
        Self {
            answered: AtomicU64::new(0),
            refused: [const { AtomicU64::new(0) }; Refusal::CLASSES.len()],
            body_bytes: AtomicU64::new(0),
            micros: AtomicU64::new(0),
            times: [const { AtomicU64::new(0) }; BOUNDS_MS.len() + 1],
            clocks: Mutex::default(),
            #[cfg(feature = "tracing")]
            was_wrong: false.into(),
        }
    }

    pub(super) fn count(&self, refused: Option<&Refusal>, body: usize, took: Duration) {
        let refused = refused.map(Refusal::class);
        let class = refused.and_then(|class| Refusal::CLASSES.iter().position(|of| *of == class));
        match class.and_then(|class| self.refused.get(class)) {
            Some(count) => count.fetch_add(1, Ordering::Relaxed),
            None => self.answered.fetch_add(1, Ordering::Relaxed),
        };
        self.body_bytes.fetch_add(body as u64, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        let slot = BOUNDS_MS.iter().position(|bound| micros <= bound * 1_000);
        if let Some(count) = self.times.get(slot.unwrap_or(BOUNDS_MS.len())) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Notes by how much a caller's clock seems ahead of ours, in nanoseconds.
    pub(super) fn note_clock(&self, hotkey: Hotkey, difference: i64) {
        let mut clocks = self.clocks.lock().unwrap_or_else(PoisonError::into_inner);
        if clocks.len() >= CLOCKS && !clocks.contains_key(&hotkey) {
            // Whom to forget does not matter, as long as the number is bounded.
            clocks.pop_first();
        }
        clocks.insert(hotkey, difference);
    }

    /// By how much most callers agree that our clock is wrong, if they did not when last asked.
    #[cfg(feature = "tracing")]
    pub(super) fn turned_wrong(&self) -> Option<i64> {
        let wrong = agreed(&self.differences());
        let was = self.was_wrong.swap(wrong.is_some(), Ordering::Relaxed);
        wrong.filter(|_| !was)
    }

    /// What is known of the callers' clocks, in rising order.
    fn differences(&self) -> Vec<i64> {
        let clocks = self.clocks.lock().unwrap_or_else(PoisonError::into_inner);
        let mut differences: Vec<i64> = clocks.values().copied().collect();
        drop(clocks);
        differences.sort_unstable();
        differences
    }

    pub(super) fn snapshot(&self) -> MetricsSnapshot {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let refused = Refusal::CLASSES.iter().zip(&self.refused);
        let differences = self.differences();
        MetricsSnapshot {
            answered: read(&self.answered),
            refused: refused.map(|(class, count)| (*class, read(count))).collect(),
            body_bytes: read(&self.body_bytes),
            total_time: Duration::from_micros(read(&self.micros)),
            times: core::array::from_fn(|slot| self.times.get(slot).map_or(0, read)),
            clock_difference: differences.get(differences.len() / 2).copied(),
            clock_is_wrong: agreed(&differences),
            in_flight: 0,
            running: 0,
            waiting: 0,
        }
    }
}

/// The difference that most clocks agree on, if it is too large for ours to be right.
fn agreed(sorted: &[i64]) -> Option<i64> {
    let median = *sorted.get(sorted.len() / 2)?;
    let close = sorted.iter().filter(|other| other.abs_diff(median) < SECOND).count();
    let most = sorted.len() >= 5 && close * 2 > sorted.len();
    (most && median.unsigned_abs() > SECOND).then_some(median)
}

/// What a service has seen until one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricsSnapshot {
    /// Requests that the miner answered, whatever the status.
    pub answered: u64,
    /// Requests that were refused, by the class of [`Refusal::class`].
    pub refused: BTreeMap<&'static str, u64>,
    /// Bytes of request bodies that were read.
    pub body_bytes: u64,
    /// The time all requests took together.
    pub total_time: Duration,
    /// Requests by how long they took: up to 1, 2, 5, 10, 20, 50, 100, 200, 500, 1,000, 2,000, 5,000
    /// milliseconds each, and longer.
    pub times: [u64; BOUNDS_MS.len() + 1],
    /// By how many nanoseconds the callers' clocks seem ahead of ours (negative: behind), the median
    /// of the last word of each caller. Includes the time that requests travelled.
    pub clock_difference: Option<i64>,
    /// The same, if most of at least five callers agree that our clock is more than a second off: then
    /// it is ours that is wrong.
    pub clock_is_wrong: Option<i64>,
    /// Requests between arrival and answer.
    pub in_flight: usize,
    /// Requests that the miner works on.
    pub running: usize,
    /// Requests that wait for the miner.
    pub waiting: usize,
}

impl MetricsSnapshot {
    /// All requests.
    pub fn requests(&self) -> u64 {
        self.refused.values().fold(self.answered, |sum, count| sum.saturating_add(*count))
    }

    /// The numbers in Prometheus' text format.
    pub fn to_prometheus(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.write_prometheus(&mut out);
        out
    }

    fn write_prometheus(&self, out: &mut String) -> core::fmt::Result {
        writeln!(out, "# TYPE axon_requests_total counter")?;
        writeln!(out, "axon_requests_total{{outcome=\"answered\"}} {}", self.answered)?;
        for (class, count) in &self.refused {
            writeln!(out, "axon_requests_total{{outcome=\"{class}\"}} {count}")?;
        }
        writeln!(out, "# TYPE axon_body_bytes_total counter")?;
        writeln!(out, "axon_body_bytes_total {}", self.body_bytes)?;
        writeln!(out, "# TYPE axon_request_seconds histogram")?;
        let mut below = 0;
        for (bound, count) in BOUNDS_MS.iter().zip(&self.times) {
            below += count;
            let seconds = Duration::from_millis(*bound).as_secs_f64();
            writeln!(out, "axon_request_seconds_bucket{{le=\"{seconds}\"}} {below}")?;
        }
        let all: u64 = self.times.iter().sum();
        writeln!(out, "axon_request_seconds_bucket{{le=\"+Inf\"}} {all}")?;
        writeln!(out, "axon_request_seconds_sum {}", self.total_time.as_secs_f64())?;
        writeln!(out, "axon_request_seconds_count {all}")?;
        for (name, value) in
            [("in_flight", self.in_flight), ("running", self.running), ("waiting", self.waiting)]
        {
            writeln!(out, "# TYPE axon_{name} gauge\naxon_{name} {value}")?;
        }
        if let Some(difference) = self.clock_difference {
            let seconds = difference as f64 / SECOND as f64;
            writeln!(out, "# TYPE axon_clock_difference_seconds gauge")?;
            writeln!(out, "axon_clock_difference_seconds {seconds}")?;
        }
        let wrong = u8::from(self.clock_is_wrong.is_some());
        writeln!(out, "# TYPE axon_clock_is_wrong gauge\naxon_clock_is_wrong {wrong}")
    }
}

/// Upper bounds of the times that are told apart, in milliseconds.
const BOUNDS_MS: [u64; 12] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];

/// How many callers' clocks are remembered.
const CLOCKS: usize = 256;

const SECOND: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_clock_is_wrong_when_most_others_say_so() {
        let second = SECOND as i64;
        assert_eq!(agreed(&[]), None);
        assert_eq!(agreed(&[9 * second; 4]), None);
        assert_eq!(agreed(&[9 * second; 5]), Some(9 * second));
        let mixed = [-30 * second, -second / 100, 0, 0, 40 * second];
        assert_eq!(agreed(&mixed), None);
        let most = [0, -60 * second, -60 * second, -60 * second, -60 * second - 5, 7 * second];
        let mut most = most.to_vec();
        most.sort_unstable();
        assert_eq!(agreed(&most), Some(-60 * second));
    }

    #[test]
    fn clocks_are_bounded() {
        let metrics = Metrics::new();
        for byte in 0..=255 {
            for other in 0..4 {
                let mut account = [byte; 32];
                account[31] = other;
                metrics.note_clock(Hotkey::from_bytes(account), 5);
            }
        }
        assert_eq!(metrics.clocks.lock().unwrap().len(), CLOCKS);
        assert_eq!(metrics.snapshot().clock_difference, Some(5));
    }

    #[test]
    fn prometheus_text() {
        let metrics = Metrics::new();
        metrics.count(None, 10, Duration::from_micros(1_500));
        metrics.count(Some(&Refusal::Method), 0, Duration::from_secs(60));
        let text = metrics.snapshot().to_prometheus();
        for line in [
            "axon_requests_total{outcome=\"answered\"} 1",
            "axon_requests_total{outcome=\"MethodNotAllowed\"} 1",
            "axon_request_seconds_bucket{le=\"0.001\"} 0",
            "axon_request_seconds_bucket{le=\"0.002\"} 1",
            "axon_request_seconds_bucket{le=\"+Inf\"} 2",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        assert_eq!(metrics.snapshot().requests(), 2);
    }
}
