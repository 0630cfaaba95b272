//! In steady state an epoch allocates nothing. Apart from the other tests, because it counts for the whole process.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "../benches/oracle/hot.rs"]
mod hot;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use tensor_yuma::epoch::{Epoch, Parameters};
use tensor_yuma::null::{NullConsensus, NullSnapshot};

struct Counting;

static COUNT: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(mut work: impl FnMut()) -> usize {
    let before = COUNT.load(Ordering::Relaxed);
    work();
    COUNT.load(Ordering::Relaxed) - before
}

#[test]
fn steady_state_allocates_nothing() {
    // One test, so that no other thread of the harness works meanwhile.
    let n = 300;
    let network = hot::network(n, 80, 0.2, 3);
    for (mode, parameters) in hot::modes(n) {
        let subnet = hot::settled(&parameters, &network);
        let mut epoch = Epoch::new();
        for _ in 0..3 {
            epoch.run(&parameters, &subnet.as_input()).unwrap();
        }
        let count = allocations(|| {
            epoch.run(&parameters, &subnet.as_input()).unwrap();
        });
        assert_eq!(count, 0, "{mode}");
    }
    let scores = hot::scores(n, 20, 3);
    let mut state = NullSnapshot::new(n);
    (state.current_block, state.rao_emission) = (10, 1_000);
    (state.alpha_stake, state.validator_permit, state.scores) =
        (scores.alpha_stake, scores.permits, scores.scores);
    state.last_update = vec![9; n];
    let mut consensus = NullConsensus::default();
    consensus.run(&Parameters::default(), &state.as_input()).unwrap();
    let count = allocations(|| {
        consensus.run(&Parameters::default(), &state.as_input()).unwrap();
    });
    assert_eq!(count, 0);
}
