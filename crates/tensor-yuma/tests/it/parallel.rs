//! Threads change the time and nothing else.

use proptest::prelude::*;
use tensor_yuma::epoch::{Epoch, Rule};

use crate::networks;

fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn any_number_of_chunks_gives_the_same_bits((p, s) in networks::subnet(30), threads in 2usize..6) {
        for rule in [Rule::Sparse, Rule::Dense] {
            let run = |chunk: usize| {
                let mut epoch = Epoch::with_rule(rule).with_chunk_entries(chunk).keep_intermediates(true);
                epoch.run(&p, &s.as_input()).cloned().map(|o| (o, epoch.intermediates().cloned()))
            };
            let one = run(usize::MAX);
            let many = on_threads(threads, || run(1));
            prop_assert_eq!(one, many);
        }
    }
}
