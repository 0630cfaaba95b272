//! Transactions from strangers: bytes into the pool, then a block. Nothing panics and no rao appears.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tensor_chain::local::LocalChain;

thread_local! {
    static CHAIN: LocalChain = LocalChain::builder().build().expect("the bundled interface is sound");
}

fuzz_target!(|bytes: &[u8]| {
    CHAIN.with(|chain| {
        if chain.submit(bytes).is_ok() {
            chain.advance(1);
            assert!(chain.tao_ledger().closes());
        }
    });
});
