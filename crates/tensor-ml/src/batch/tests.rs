//! The batcher in virtual time: cases by hand, and any sequence of operations against a plain account of requests.

use std::collections::{BTreeMap, BTreeSet};

use futures::executor::block_on;
use proptest::prelude::*;

use super::*;
use crate::control::RunControl;

const MS: Duration = Duration::from_millis(1);

fn batcher(policy: BatchPolicy) -> Batcher<u32> {
    Batcher::new(policy).unwrap()
}

fn of(cost: usize) -> Urgency {
    Urgency { cost, ..Urgency::default() }
}

fn run(next: Next<u32>) -> Vec<u32> {
    match next {
        Next::Run { items, .. } => items,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_lonely_request_waits_for_company_but_not_longer_than_said() {
    let mut queue = batcher(BatchPolicy::default().with_max_batch(4).with_max_delay(5 * MS));
    queue.push(1, of(10), 10 * MS).unwrap();
    assert_eq!(queue.poll(10 * MS), Next::Wait(15 * MS));
    assert_eq!(queue.poll(14 * MS), Next::Wait(15 * MS));
    assert_eq!(run(queue.poll(15 * MS)), [1]);
    assert_eq!(queue.poll(15 * MS), Next::Empty);
    // Half a batch goes at once.
    queue.push(2, of(10), 20 * MS).unwrap();
    queue.push(3, of(10), 20 * MS).unwrap();
    assert_eq!(run(queue.poll(20 * MS)), [2, 3]);
}

#[test]
fn lengths_that_would_be_mostly_padding_do_not_share_a_batch() {
    let mut queue = batcher(BatchPolicy::default().with_max_delay(Duration::ZERO));
    for (item, cost) in [(1, 100), (2, 4), (3, 90), (4, 5), (5, 95)] {
        queue.push(item, of(cost), MS).unwrap();
    }
    assert_eq!(run(queue.poll(MS)), [1, 3, 5]);
    assert_eq!(run(queue.poll(MS)), [2, 4]);
}

#[test]
fn priority_then_deadline_then_arrival() {
    let mut queue = batcher(BatchPolicy::single(10));
    let urgency = |deadline: Option<u64>, priority| Urgency {
        cost: 1,
        deadline: deadline.map(Duration::from_secs),
        priority,
    };
    queue.push(1, urgency(None, 0), MS).unwrap();
    queue.push(2, urgency(Some(9), 0), MS).unwrap();
    queue.push(3, urgency(Some(5), 0), MS).unwrap();
    queue.push(4, urgency(None, 7), MS).unwrap();
    queue.push(5, urgency(None, 0), MS).unwrap();
    let order: Vec<u32> = (0..5).flat_map(|_| run(queue.poll(MS))).collect();
    assert_eq!(order, [4, 3, 2, 1, 5]);
}

#[test]
fn who_cannot_make_it_hears_so_at_once() {
    let mut queue = batcher(BatchPolicy::single(10));
    // 10 ms for each unit of cost.
    queue.finished(10, 100 * MS);
    let until = |deadline: Duration, cost| Urgency { cost, deadline: Some(deadline), priority: 0 };
    queue.push(1, until(60 * MS, 5), Duration::ZERO).unwrap();
    let (_, error) = queue.push(2, until(60 * MS, 5), Duration::ZERO).unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    queue.push(3, until(100 * MS, 5), Duration::ZERO).unwrap();
    let (_, error) = queue.push(4, until(5 * MS, 1), 5 * MS).unwrap_err();
    assert!(matches!(error, Error::DeadlineExceeded), "{error}");
    assert_eq!(queue.expired(60 * MS), [1]);
    assert_eq!(run(queue.poll(60 * MS)), [3]);
}

#[test]
fn impossible_limits_are_refused() {
    assert!(Batcher::<u32>::new(BatchPolicy::single(0)).is_err());
    assert!(Batcher::<u32>::new(BatchPolicy::default().with_max_padding(f64::NAN)).is_err());
    let mut queue = batcher(BatchPolicy::default().with_max_cost(8));
    assert!(matches!(queue.push(1, of(9), MS), Err((1, Error::Argument { .. }))));
    queue.push(2, of(0), MS).unwrap();
}

#[derive(Clone, Debug)]
enum Step {
    Push { cost: usize, deadline: Option<u64>, priority: u32 },
    Advance(u64),
    Poll,
    Cancel,
    Finish { cost: usize, ms: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_usize..60, prop::option::of(1_u64..200), 0_u32..3)
            .prop_map(|(cost, deadline, priority)| Step::Push { cost, deadline, priority }),
        2 => (0_u64..30).prop_map(Step::Advance),
        3 => Just(Step::Poll),
        1 => Just(Step::Cancel),
        1 => (1_usize..100, 0_u64..50).prop_map(|(cost, ms)| Step::Finish { cost, ms }),
    ]
}

proptest! {
    #[test]
    fn limits_hold_and_no_request_is_lost_or_doubled(
        max_batch in 1_usize..9,
        max_queue in 1_usize..20,
        max_cost in 50_usize..300,
        max_delay in 0_u64..20,
        padding in 0_u8..=10,
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let policy = BatchPolicy::default()
            .with_max_batch(max_batch)
            .with_max_queue(max_queue)
            .with_max_cost(max_cost)
            .with_max_delay(Duration::from_millis(max_delay))
            .with_max_padding(f64::from(padding) / 10.0);
        let mut queue = Batcher::new(policy.clone()).unwrap();
        // What should be waiting: cost, deadline, arrival time.
        let mut waiting: BTreeMap<u32, (usize, Option<Duration>, Duration)> = BTreeMap::new();
        let mut gone = BTreeSet::new();
        let (mut next, mut now) = (0_u32, Duration::ZERO);
        for step in steps {
            match step {
                Step::Push { cost, deadline, priority } => {
                    let deadline = deadline.map(|ms| now + Duration::from_millis(ms));
                    let urgency = Urgency { cost, deadline, priority };
                    match queue.push(next, urgency, now) {
                        Ok(()) => {
                            prop_assert!(waiting.len() < max_queue && cost <= max_cost);
                            waiting.insert(next, (cost, deadline, now));
                        }
                        Err((item, error)) => {
                            prop_assert_eq!(item, next);
                            let explained = match error {
                                Error::Busy { queued, limit } => queued == limit || deadline.is_some(),
                                Error::Argument { .. } => cost > max_cost,
                                _ => false,
                            };
                            prop_assert!(explained);
                        }
                    }
                    next += 1;
                }
                Step::Advance(ms) => now += Duration::from_millis(ms),
                Step::Finish { cost, ms } => queue.finished(cost, Duration::from_millis(ms)),
                Step::Cancel => {
                    queue.retain(|item| item % 5 != 0);
                    waiting.retain(|item, _| item % 5 != 0);
                }
                Step::Poll => {
                    for item in queue.expired(now) {
                        let (_, deadline, _) = waiting.remove(&item).unwrap();
                        prop_assert!(deadline.unwrap() <= now && gone.insert(item));
                    }
                    match queue.poll(now) {
                        Next::Empty => prop_assert!(waiting.is_empty()),
                        Next::Wait(until) => {
                            prop_assert!(until > now);
                            for (_, _, since) in waiting.values() {
                                prop_assert!(*since + policy.max_delay > now);
                            }
                        }
                        Next::Run { items, cost } => {
                            prop_assert!(!items.is_empty() && items.len() <= max_batch);
                            let costs: Vec<usize> =
                                items.iter().map(|item| waiting.remove(item).unwrap().0).collect();
                            let padded = costs.iter().max().unwrap() * costs.len();
                            prop_assert_eq!(cost, padded);
                            prop_assert!(padded <= max_cost);
                            let share = 1.0 - costs.iter().sum::<usize>() as f64 / padded as f64;
                            prop_assert!(share <= policy.max_padding + 1e-9);
                            for item in items {
                                prop_assert!(gone.insert(item));
                            }
                        }
                    }
                }
            }
            prop_assert_eq!(queue.len(), waiting.len());
        }
        // Everything that is left comes out.
        while let Next::Run { items, .. } = queue.poll_now() {
            for item in items {
                prop_assert!(waiting.remove(&item).is_some() && gone.insert(item));
            }
        }
        prop_assert!(waiting.is_empty() && queue.is_empty());
    }
}

/// Doubles numbers and reports the size of its batches.
struct Doubler(std::sync::mpsc::Sender<usize>);

impl BatchTask for Doubler {
    type Request = u32;
    type Answer = u32;

    fn cost(_: &u32) -> usize {
        1
    }

    fn run(&mut self, requests: Vec<u32>, _: &RunControl) -> Vec<Result<u32, Error>> {
        let _ = self.0.send(requests.len());
        requests.into_iter().map(|x| x.checked_mul(2).ok_or(Error::Cancelled)).collect()
    }
}

#[test]
fn each_caller_of_a_batch_gets_its_own_answer() {
    let (sizes, seen) = std::sync::mpsc::channel();
    let policy = BatchPolicy::default().with_max_batch(8).with_max_delay(Duration::from_secs(3600));
    let worker = BatchWorker::spawn(Doubler(sizes), policy).unwrap();
    let pending: Vec<_> = [1, u32::MAX, 3, 4]
        .into_iter()
        .map(|x| worker.submit(x, Submit::default()).unwrap())
        .collect();
    let answers: Vec<_> = block_on(futures::future::join_all(pending));
    assert_eq!(answers[0].as_ref().unwrap(), &2);
    assert!(matches!(answers[1], Err(Error::Cancelled)));
    assert_eq!(answers[3].as_ref().unwrap(), &8);
    assert_eq!(
        seen.recv().unwrap(),
        4,
        "half a batch goes at once, an hour before the delay is over"
    );
    let metrics = worker.metrics();
    assert_eq!((metrics.accepted, metrics.answered, metrics.failed, metrics.batches), (4, 3, 1, 1));
}

#[test]
fn draining_does_not_wait_for_company() {
    let (sizes, _seen) = std::sync::mpsc::channel();
    let policy = BatchPolicy::default().with_max_delay(Duration::from_secs(3600));
    let worker = BatchWorker::spawn(Doubler(sizes), policy).unwrap();
    let pending = worker.submit(21, Submit::within(Duration::from_secs(7200))).unwrap();
    block_on(worker.drain());
    assert_eq!(block_on(pending).unwrap(), 42);
}
