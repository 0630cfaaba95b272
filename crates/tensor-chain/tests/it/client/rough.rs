//! The client on a chain where everything goes wrong at once, by seed: the pool refuses, blocks come late
//! and are replaced, subscriptions end, requests and answers are lost.

use futures::executor::block_on;
use futures::future::join_all;
use tensor_chain::intent::Transfer;
use tensor_chain::local::{Faults, LocalChain};
use tensor_chain::{Error, Subtensor};
use tensor_core::Tao;
use tensor_core::account::AccountId;
use tensor_core::receipt::Stage;

use super::faults::with_blocks;
use super::story::{TAO, key};

/// Whom the gift of that number goes to: nobody else gives him anything.
fn receiver(number: u8) -> AccountId {
    AccountId::from_bytes([number.wrapping_add(100); 32])
}

#[test]
fn nothing_is_lost_or_doubled_whatever_goes_wrong() {
    for seed in 1..=6_u64 {
        let chain = LocalChain::builder().finality_lag(3).seed(seed).build().unwrap();
        chain.fund(&key("//Alice").account_id(), 1_000 * TAO);
        chain.advance(1);
        let stage = if seed % 2 == 0 { Stage::Finalized } else { Stage::InBlock };
        let client = block_on(Subtensor::local(&chain)).unwrap().waiting_for(stage);
        let alice = key("//Alice");
        chain.set_faults(Some(Faults::rough(seed)));
        // Half one after the other, half at once.
        let give = |number: u8| {
            let (client, alice) = (&client, &alice);
            async move {
                let gift =
                    Transfer::new(receiver(number), Tao::from_rao(1_000 + u64::from(number)));
                client.execute(&gift, alice).await
            }
        };
        let mut outcomes = Vec::new();
        for number in 0..10 {
            outcomes.push(with_blocks(&chain, 400, give(number)));
        }
        outcomes.extend(with_blocks(&chain, 2_000, join_all((10..20).map(give))));
        chain.set_faults(None);
        chain.advance(200);
        let mut landed = 0;
        for (number, outcome) in (0..).zip(outcomes) {
            let got = chain.balance(&receiver(number));
            let amount = 1_000 + u64::from(number);
            match outcome {
                Ok(receipt) => {
                    assert!(receipt.stage >= stage);
                    assert_eq!(got, amount, "seed {seed}, gift {number}: once");
                    landed += 1;
                }
                // Nobody could say; then at most once.
                Err(Error::FateUnknown { .. }) => assert!(got == 0 || got == amount),
                Err(error) => {
                    assert!(error.is_retryable(), "seed {seed}, gift {number}: {error:?}");
                    assert_eq!(got, 0, "seed {seed}, gift {number}: {error:?}");
                }
            }
        }
        assert!(landed >= 12, "seed {seed}: only {landed} landed");
    }
}

#[test]
fn a_receipt_that_was_final_stays_true_through_reorganisations() {
    let chain = LocalChain::builder().finality_lag(4).build().unwrap();
    chain.fund(&key("//Alice").account_id(), 10 * TAO);
    chain.advance(1);
    let client = block_on(Subtensor::local(&chain)).unwrap().waiting_for(Stage::Finalized);
    let gift = Transfer::new(receiver(1), Tao::from_rao(5_000));
    let alice = key("//Alice");
    let mut step = 0;
    let mut future = std::pin::pin!(client.execute(&gift, &alice));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let receipt = loop {
        if let std::task::Poll::Ready(done) = future.as_mut().poll(&mut context) {
            break done.unwrap();
        }
        step += 1;
        assert!(step < 50);
        chain.advance(1);
        // Each of the first blocks is taken back twice.
        if step < 4 {
            chain.reorg(1).unwrap();
            chain.reorg(1).unwrap();
        }
    };
    assert_eq!(receipt.stage, Stage::Finalized);
    assert_eq!(chain.block_hash(receipt.block.value()), Some(receipt.block_hash));
    assert_eq!(chain.balance(&receiver(1)), 5_000);
}
