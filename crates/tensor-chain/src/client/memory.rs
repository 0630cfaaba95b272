//! Answers that stay true: [`Memory`].
//!
//! What a node says of a block by its hash never changes, so it is asked once: several that ask the same
//! at the same time share one request, and who asks later gets what is remembered. The memory is bounded
//! in bytes and forgets what was not used for longest, by halves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::value::RawValue;
use sp_crypto_hashing::blake2_256;

/// A question, hashed.
pub(super) type Question = [u8; 32];

/// Remembered answers, at most so many bytes of them.
#[derive(Debug)]
pub(super) struct Memory {
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What was used lately, and its size.
    young: HashMap<Question, Arc<RawValue>>,
    bytes: usize,
    /// What was used before; it is forgotten when the young are half of all that may be.
    old: HashMap<Question, Arc<RawValue>>,
    /// Who asks holds the question's gate.
    asking: HashMap<Question, Arc<futures::lock::Mutex<()>>>,
}

impl Memory {
    pub(super) fn new(most: usize) -> Self {
        Self { most, state: Mutex::default() }
    }

    /// Whether anything is remembered at all.
    pub(super) const fn is_on(&self) -> bool {
        self.most > 0
    }

    pub(super) fn question(method: &str, params: Option<&RawValue>) -> Question {
        let params = params.map(RawValue::get).unwrap_or_default();
        blake2_256(format!("{method} {params}").as_bytes())
    }

    /// What is remembered, or what `ask` gives. `null` is not remembered: a block that is unknown now may
    /// be known later.
    pub(super) async fn recall<E>(
        &self,
        question: Question,
        ask: impl Future<Output = Result<Box<RawValue>, E>>,
    ) -> Result<Arc<RawValue>, E> {
        let gate = {
            let mut state = self.lock();
            if let Some(known) = state.find(&question) {
                return Ok(known);
            }
            Arc::clone(state.asking.entry(question).or_default())
        };
        let _alone = gate.lock().await;
        if let Some(known) = self.lock().find(&question) {
            return Ok(known);
        }
        // Also when this is dropped midway: the next in the queue asks itself.
        let _open = Gate { memory: self, question };
        let answer: Arc<RawValue> = ask.await?.into();
        let size = answer.get().len();
        if answer.get() != "null" && size <= self.most / 16 {
            let mut state = self.lock();
            if state.bytes.saturating_add(size) > self.most / 2 {
                state.old = std::mem::take(&mut state.young);
                state.bytes = 0;
            }
            state.bytes += size;
            state.young.insert(question, Arc::clone(&answer));
        }
        Ok(answer)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What is remembered; what was old is young again.
    fn find(&mut self, question: &Question) -> Option<Arc<RawValue>> {
        if let Some(known) = self.young.get(question) {
            return Some(Arc::clone(known));
        }
        let known = self.old.remove(question)?;
        self.bytes += known.get().len();
        self.young.insert(*question, Arc::clone(&known));
        Some(known)
    }
}

/// Takes a question's gate away again.
struct Gate<'a> {
    memory: &'a Memory,
    question: Question,
}

impl Drop for Gate<'_> {
    fn drop(&mut self) {
        self.memory.lock().asking.remove(&self.question);
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use futures::future::{join_all, ready};

    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn a_question_is_asked_once_and_a_failure_is_not_remembered() {
        let memory = Memory::new(1_000);
        let question = Memory::question("state_call", Some(&raw("[1]")));
        assert_ne!(question, Memory::question("state_call", Some(&raw("[2]"))));
        let failed = block_on(memory.recall(question, ready(Err("lost"))));
        assert_eq!(failed.unwrap_err(), "lost");
        let asked = Mutex::new(0);
        let ask = || {
            memory.recall(question, async {
                *asked.lock().unwrap() += 1;
                futures::pending!();
                Ok::<_, ()>(raw("7"))
            })
        };
        // One is dropped while it asks; the others share the next request.
        let mut dropped = Box::pin(ask());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(dropped.as_mut().poll(&mut context).is_pending());
        let mut rest = Box::pin(join_all([ask(), ask(), ask()]));
        assert!(rest.as_mut().poll(&mut context).is_pending());
        drop(dropped);
        for _ in 0..8 {
            if let std::task::Poll::Ready(answers) = rest.as_mut().poll(&mut context) {
                assert!(answers.iter().all(|answer| answer.as_ref().unwrap().get() == "7"));
                assert_eq!(*asked.lock().unwrap(), 2);
                assert!(memory.lock().asking.is_empty());
                return;
            }
        }
        panic!("nobody answers");
    }

    #[test]
    fn the_memory_is_bounded_and_keeps_what_is_used() {
        let memory = Memory::new(160);
        let question = |n: usize| Memory::question(&n.to_string(), None);
        let ten = |n: usize| raw(&format!("{:010}", 1_000_000_000 + n));
        let recall = |n: usize| {
            let mut asked = false;
            let ask = async {
                asked = true;
                Ok::<_, ()>(ten(n))
            };
            block_on(memory.recall(question(n), ask)).unwrap();
            asked
        };
        for n in 0..100 {
            recall(n);
            recall(0);
            let state = memory.lock();
            assert!(state.young.len() + state.old.len() <= 18, "{n}");
        }
        assert!(!recall(0), "it was used all the time");
        assert!(recall(1), "it was not");
        // What is large, and what is nothing, is not kept.
        let large = format!("\"{}\"", "x".repeat(100));
        for text in [large.as_str(), "null"] {
            let question = Memory::question(text, None);
            block_on(memory.recall(question, ready(Ok::<_, ()>(raw(text))))).unwrap();
            assert!(memory.lock().find(&question).is_none());
        }
    }
}
