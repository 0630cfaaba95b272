//! The table of `benches/README.md`: times of the epoch and of the naive oracle in one run, and their ratio.
//!
//! `cargo bench -p tensor-yuma --bench ratio` measures; with `-- --test` every size runs once and is only compared.

#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

#[path = "oracle/hot.rs"]
mod hot;
#[path = "oracle/naive.rs"]
mod naive;
#[path = "oracle/null.rs"]
mod naive_null;

use std::hint::black_box;
use std::time::{Duration, Instant};

use tensor_yuma::epoch::{Epoch, Parameters};
use tensor_yuma::null::{NullConsensus, NullInput};

fn main() {
    let test = std::env::args().any(|argument| argument == "--test");
    let only: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    println!("| n, rows, hot columns | mode | oracle ms | epoch ms | ratio |");
    println!("|---|---|---|---|---|");
    let sizes: &[(usize, usize, f64)] = if test {
        &[(64, 16, 0.5), (256, 64, 0.5)]
    } else {
        &[
            (256, 64, 0.5),
            (1_024, 64, 0.1),
            (1_024, 1_024, 0.1),
            (4_096, 64, 0.1),
            (4_096, 4_096, 0.1),
        ]
    };
    if only.is_empty() || only.iter().any(|part| part == "null") {
        null_consensus(test);
    }
    for &(n, validators, share) in sizes {
        let network = hot::network(n, validators, share, 42);
        for (mode, parameters) in hot::modes(n) {
            let label = format!("{n}/{validators} {mode}");
            if !only.is_empty() && !only.iter().any(|part| label.contains(part)) {
                continue;
            }
            let subnet = hot::settled(&parameters, &network);
            let input = subnet.as_input();
            let mut epoch = one_thread();
            let expected = naive::epoch(&parameters, &input);
            match epoch.run(&parameters, &input) {
                Ok(outcome) => assert_eq!(outcome.bonds, expected.bonds, "{n} {mode}"),
                Err(error) => panic!("{error}"),
            }
            let (slow, fast) = if test {
                (Duration::ZERO, Duration::ZERO)
            } else {
                best_of_both(
                    || {
                        black_box(naive::epoch(&parameters, black_box(&input)));
                    },
                    || {
                        let _ = black_box(epoch.run(&parameters, black_box(&input)));
                    },
                )
            };
            let ms = |time: Duration| time.as_secs_f64() * 1e3;
            println!(
                "| {n}, {validators}, {:.0} % | {mode} | {:.2} | {:.3} | {:.1} |",
                share * 100.0,
                ms(slow),
                ms(fast),
                ms(slow) / ms(fast)
            );
        }
    }
    #[cfg(feature = "parallel")]
    if !test && (only.is_empty() || only.iter().any(|part| part == "parallel")) {
        parallel();
    }
}

/// An epoch that keeps to the calling thread.
fn one_thread() -> Epoch {
    #[cfg(feature = "parallel")]
    return Epoch::new().with_chunk_entries(usize::MAX);
    #[cfg(not(feature = "parallel"))]
    Epoch::new()
}

/// Wall time on one thread and on the current pool.
#[cfg(feature = "parallel")]
fn parallel() {
    println!(
        "\n| n, rows, hot columns | mode | one thread ms | {} threads ms | ratio |",
        rayon::current_num_threads()
    );
    println!("|---|---|---|---|---|");
    let network = hot::network(4_096, 4_096, 0.1, 42);
    for (mode, parameters) in hot::modes(4_096) {
        let subnet = hot::settled(&parameters, &network);
        let input = subnet.as_input();
        let (mut alone, mut together) = (one_thread(), Epoch::new());
        let mut best = (Duration::MAX, Duration::MAX);
        for _ in 0..40 {
            let start = Instant::now();
            let _ = black_box(alone.run(&parameters, black_box(&input)));
            best.0 = best.0.min(start.elapsed());
            let start = Instant::now();
            let _ = black_box(together.run(&parameters, black_box(&input)));
            best.1 = best.1.min(start.elapsed());
        }
        assert_eq!(alone.outcome(), together.outcome());
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let (a, b) = (ms(best.0), ms(best.1));
        println!("| 4096, 4096, 10 % | {mode} | {a:.2} | {b:.2} | {:.2} |", a / b);
    }
}

/// 32,768 miners, 64 validators, 1 % dense.
fn null_consensus(test: bool) {
    let n = if test { 512 } else { 32_768 };
    let network = hot::scores(n, 64, 7);
    let mut parameters = Parameters::default();
    parameters.max_allowed_validators = 64;
    let zeros = vec![0; n];
    let blocks = vec![5; n];
    let updates = vec![9_990; n];
    let mut input = NullInput::new(
        &network.alpha_stake,
        &zeros,
        &blocks,
        &network.permits,
        &updates,
        network.scores.as_rows(),
    );
    (input.current_block, input.rao_emission) = (10_000, 360_000_000_000);
    let mut consensus = NullConsensus::default();
    let expected = naive_null::epoch(&parameters, &input);
    match consensus.run(&parameters, &input) {
        Ok(outcome) => assert_eq!(outcome.emission, expected.3),
        Err(error) => panic!("{error}"),
    }
    let (slow, fast) = if test {
        (Duration::ZERO, Duration::ZERO)
    } else {
        best_of_both(
            || {
                black_box(naive_null::epoch(&parameters, black_box(&input)));
            },
            || {
                let _ = black_box(consensus.run(&parameters, black_box(&input)));
            },
        )
    };
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "| {n}, 64, 1 % | null | {:.2} | {:.3} | {:.1} |",
        ms(slow),
        ms(fast),
        ms(slow) / ms(fast)
    );
}

/// The shortest of several runs of each, taken in turns so that both meet the same machine.
fn best_of_both(mut slow: impl FnMut(), mut fast: impl FnMut()) -> (Duration, Duration) {
    let mut best = (Duration::MAX, Duration::MAX);
    let start = Instant::now();
    let mut round = 0;
    while round < 3 || (round < 200 && start.elapsed() < Duration::from_secs(4)) {
        best.0 = best.0.min(time(&mut slow));
        for _ in 0..5 {
            best.1 = best.1.min(time(&mut fast));
        }
        round += 1;
    }
    best
}

/// Processor time of this thread, because other work may share the machine.
fn time(work: &mut impl FnMut()) -> Duration {
    let before = cpu_time();
    work();
    cpu_time().saturating_sub(before)
}

fn cpu_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}
