//! A bounded queue in front of the miner that really goes by priority: [`Queue`].

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::channel::oneshot;
use tensor_core::miner::Priority;

/// Lets a number of requests run at once and a number wait; who is more urgent goes first, and among
/// equals who came first.
///
/// When the queue is full, a more urgent request pushes out the least urgent one that waits.
/// Needs no runtime: a slot that is given back wakes the next.
#[derive(Clone, Debug)]
pub struct Queue(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    running: usize,
    waiting: usize,
}

#[derive(Debug, Default)]
struct State {
    running: usize,
    arrivals: u64,
    waiting: BTreeMap<(Reverse<Priority>, u64), oneshot::Sender<Slot>>,
}

impl Queue {
    /// A queue of `running` requests at once (at least one) and at most `waiting` more.
    pub fn new(running: usize, waiting: usize) -> Self {
        let state = Mutex::new(State::default());
        Self(Arc::new(Shared { state, running: running.max(1), waiting }))
    }

    /// Waits for a slot. Dropping the future gives up the place.
    ///
    /// # Errors
    /// [`QueueFull`] at once when more urgent requests fill the queue, and later if they push this
    /// one out.
    pub async fn enter(&self, priority: Priority) -> Result<Slot, QueueFull> {
        let turn = {
            let mut state = self.0.lock();
            if state.running < self.0.running {
                state.running += 1;
                return Ok(Slot { shared: Some(Arc::clone(&self.0)) });
            }
            if state.waiting.len() >= self.0.waiting {
                // Those who gave up waiting leave their place behind.
                state.waiting.retain(|_, turn| !turn.is_canceled());
            }
            if state.waiting.len() >= self.0.waiting {
                match state.waiting.last_entry() {
                    Some(last) if last.key().0.0 < priority => drop(last.remove()),
                    _ => return Err(QueueFull),
                }
            }
            let place = (Reverse(priority), state.arrivals);
            state.arrivals += 1;
            let (sender, turn) = oneshot::channel();
            state.waiting.insert(place, sender);
            turn
        };
        turn.await.map_err(|_| QueueFull)
    }

    /// How many requests run.
    pub fn running(&self) -> usize {
        self.0.lock().running
    }

    /// How many requests wait; those that gave up count until their place is needed.
    pub fn waiting(&self) -> usize {
        self.0.lock().waiting.len()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to run; given back when dropped.
#[derive(Debug)]
pub struct Slot {
    shared: Option<Arc<Shared>>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Some(shared) = self.shared.take() else { return };
        let mut state = shared.lock();
        // The slot passes from hand to hand, so that nobody can slip in between.
        while let Some(((_, _), turn)) = state.waiting.pop_first() {
            match turn.send(Self { shared: Some(Arc::clone(&shared)) }) {
                Ok(()) => return,
                // It gave up waiting. Its slot must not be dropped while the lock is held.
                Err(mut unused) => unused.shared = None,
            }
        }
        state.running -= 1;
    }
}

/// More urgent requests fill the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the queue is full of more urgent requests")]
pub struct QueueFull;

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use futures::executor::block_on;
    use futures::future::BoxFuture;

    fn enter(queue: &Queue, priority: u64) -> BoxFuture<'static, Result<Slot, QueueFull>> {
        let queue = queue.clone();
        let mut waits = async move { queue.enter(Priority(priority)).await }.boxed();
        // Polled once, it has taken its place.
        match (&mut waits).now_or_never() {
            Some(done) => futures::future::ready(done).boxed(),
            None => waits,
        }
    }

    #[test]
    fn the_urgent_go_first_and_equals_in_order() {
        let queue = Queue::new(1, 10);
        let running = block_on(enter(&queue, 0)).unwrap();
        let mut waits: Vec<_> = [1, 5, 5, 3].map(|priority| enter(&queue, priority)).into();
        assert_eq!(queue.waiting(), 4);
        drop(running);
        let mut order = Vec::new();
        while !waits.is_empty() {
            let ready = waits.iter_mut().position(|wait| {
                // Whoever holds the slot now gives it back at once.
                wait.now_or_never().is_some_and(|slot| slot.is_ok())
            });
            let ready = ready.unwrap();
            order.push(
                [1, 2, 3, 4].iter().filter(|n| !order.contains(*n)).nth(ready).copied().unwrap(),
            );
            drop(waits.remove(ready));
        }
        assert_eq!(order, [2, 3, 4, 1]);
        assert_eq!(queue.running(), 0);
    }

    #[test]
    fn a_full_queue_pushes_out_the_least_urgent() {
        let queue = Queue::new(1, 2);
        let _running = block_on(enter(&queue, 0)).unwrap();
        let (low, _mid) = (enter(&queue, 1), enter(&queue, 2));
        assert_eq!(block_on(enter(&queue, 1)).unwrap_err(), QueueFull);
        let _high = enter(&queue, 9);
        assert_eq!(block_on(low).unwrap_err(), QueueFull);
        assert_eq!(queue.waiting(), 2);
    }

    #[test]
    fn who_gives_up_costs_nobody_a_slot() {
        let queue = Queue::new(1, 2);
        let running = block_on(enter(&queue, 0)).unwrap();
        drop(enter(&queue, 7));
        drop(enter(&queue, 7));
        let waits = enter(&queue, 1);
        drop(running);
        drop(block_on(waits).unwrap());
        assert_eq!((queue.running(), queue.waiting()), (0, 0));
        // A slot that was granted and never picked up is given back too.
        let running = block_on(enter(&queue, 0)).unwrap();
        let waits = enter(&queue, 1);
        drop(running);
        drop(waits);
        assert_eq!(queue.running(), 0);
    }
}
