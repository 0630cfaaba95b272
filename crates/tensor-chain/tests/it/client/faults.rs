//! Submissions over connections that break and nodes that lie: none lost, none doubled, no success
//! before the block's events.

use std::future::Future;

use futures::StreamExt;
use futures::executor::block_on;
use futures::future::join_all;
use tensor_chain::intent::Transfer;
use tensor_chain::local::{LocalChain, Sealing};
use tensor_chain::testing::{self, Fault, FaultyRpc};
use tensor_chain::{Config, Error, Subtensor};
use tensor_core::Tao;
use tensor_core::receipt::Stage;

use super::story::{key, local, sound};

/// Runs a future; whenever it waits, a block is made. Panics when so many were not enough.
pub(super) fn with_blocks<T>(chain: &LocalChain, most: u32, future: impl Future<Output = T>) -> T {
    testing::with_blocks(chain, most, future).expect("so many blocks were not enough")
}

pub(super) fn manual() -> LocalChain {
    let chain = local();
    chain.set_sealing(Sealing::Manual);
    chain
}

pub(super) fn gift(rao: u64) -> Transfer {
    Transfer::new(key("//Dave").account_id(), Tao::from_rao(rao))
}

fn client(chain: &LocalChain, faults: &[Fault]) -> Subtensor {
    let rpc = FaultyRpc::new(chain);
    rpc.script(faults.iter().copied());
    block_on(Subtensor::from_rpc(rpc)).unwrap()
}

#[test]
fn what_was_sent_is_found_whatever_becomes_of_the_connection() {
    for fault in [Fault::AnswerLost, Fault::Silent, Fault::Retracted, Fault::FalseDrop] {
        for stage in [Stage::InBlock, Stage::Finalized] {
            let chain = manual();
            let dave = key("//Dave").account_id();
            let before = chain.balance(&dave);
            let client = client(&chain, &[fault]).waiting_for(stage);
            let alice = key("//Alice");
            let receipt = with_blocks(&chain, 20, client.execute(&gift(7), &alice)).unwrap();
            assert!(receipt.stage >= stage, "{fault:?}");
            assert!(receipt.event("Balances", "Transfer").is_some(), "{fault:?}");
            chain.advance(5);
            assert_eq!(chain.balance(&dave), before + 7, "{fault:?}: once");
        }
    }
}

#[test]
fn what_never_arrived_is_known_to_be_nowhere_when_its_era_ends() {
    let chain = manual();
    let mut config = Config::default();
    config.era_period = 8;
    for fault in [Fault::RequestLost, Fault::FalseSuccess, Fault::Stalled] {
        let faulty = FaultyRpc::new(&chain);
        faulty.script([fault]);
        let client = block_on(Subtensor::from_rpc_with(faulty, config.clone())).unwrap();
        let before = chain.balance(&key("//Dave").account_id());
        let alice = key("//Alice");
        let error = with_blocks(&chain, 30, client.execute(&gift(7), &alice)).unwrap_err();
        let Error::Rejected { rejection, .. } = &error else { panic!("{fault:?}: {error:?}") };
        assert!(error.is_retryable(), "{fault:?}: {rejection}");
        assert_eq!(chain.balance(&key("//Dave").account_id()), before);
        // The same nonce serves again.
        with_blocks(&chain, 10, client.execute(&gift(7), &alice)).unwrap();
        assert_eq!(chain.balance(&key("//Dave").account_id()), before + 7);
    }
}

#[test]
fn reads_are_asked_again_submissions_never() {
    let chain = local();
    let faulty = FaultyRpc::new(&chain);
    let client = block_on(Subtensor::from_rpc(faulty.clone())).unwrap();
    faulty.lose(2);
    assert!(block_on(client.balance(&key("//Alice").account_id())).is_ok());
    faulty.lose(100);
    let error = block_on(client.balance(&key("//Alice").account_id())).unwrap_err();
    assert!(matches!(error, Error::Disconnected(_)) && error.is_retryable());
}

#[test]
fn three_programs_with_one_key_lose_and_double_nothing() {
    let chain = manual();
    let (alice, dave) = (key("//Alice"), key("//Dave").account_id());
    let before = chain.balance(&dave);
    let clients: Vec<_> = (0..3).map(|_| client(&chain, &[])).collect();
    let gifts = clients.iter().enumerate().flat_map(|(program, client)| {
        let alice = &alice;
        (0..100u64).map(move |number| {
            let amount = 1 + number + 100 * program as u64;
            async move { client.execute(&gift(amount), alice).await }
        })
    });
    let receipts = with_blocks(&chain, 2_000, join_all(gifts));
    assert_eq!(receipts.len(), 300);
    for receipt in receipts {
        receipt.unwrap();
    }
    assert_eq!(chain.balance(&dave) - before, (1..=300).sum::<u64>());
    let nonce = block_on(clients[0].account(&alice.account_id())).unwrap().nonce;
    assert_eq!(nonce, 300);
}

#[test]
fn heads_that_a_break_hid_are_filled_in() {
    block_on(async {
        let chain = manual();
        let client = Subtensor::local(&chain).await.unwrap();
        let mut heads = client.headers();
        assert_eq!(heads.next().await.unwrap().unwrap().number.value(), 0);
        chain.advance(1);
        assert_eq!(heads.next().await.unwrap().unwrap().number.value(), 1);
        chain.close_subscriptions();
        chain.advance(3);
        assert!(matches!(heads.next().await.unwrap(), Err(Error::Disconnected(_))));
        for expected in 2..=4 {
            assert_eq!(heads.next().await.unwrap().unwrap().number.value(), expected);
        }
        sound(&chain);
    });
}

#[test]
fn what_a_block_holds_is_asked_once() {
    block_on(async {
        let chain = local();
        let rpc = FaultyRpc::new(&chain);
        let client = Subtensor::from_rpc(rpc.clone()).await.unwrap();
        let alice = key("//Alice").account_id();
        let pinned = client.pinned().await.unwrap();
        // The first read learns the block's runtime; from then on a read is one request.
        pinned.block_number().await.unwrap();
        pinned.balance(&key("//Bob").account_id()).await.unwrap();
        let before = rpc.asked("state_getStorage");
        let at_once = join_all((0..8).map(|_| pinned.balance(&alice))).await;
        let first = at_once[0].as_ref().unwrap();
        assert!(at_once.iter().all(|balance| balance.as_ref().unwrap() == first));
        assert_eq!(&pinned.balance(&alice).await.unwrap(), first);
        assert_eq!(rpc.asked("state_getStorage"), before + 1);
        // The newest block is asked for every time, metadata once for all clients of a cache.
        client.balance(&alice).await.unwrap();
        client.balance(&alice).await.unwrap();
        assert_eq!(rpc.asked("state_getStorage"), before + 3);
        let mut config = Config::default();
        Subtensor::from_rpc_with(rpc.clone(), config.clone()).await.unwrap();
        let calls = rpc.asked("state_call");
        Subtensor::from_rpc_with(rpc.clone(), config.clone()).await.unwrap();
        assert_eq!(rpc.asked("state_call"), calls);
        // Where controls change the past, nothing is remembered.
        config.most_remembered = 0;
        let forgetful = Subtensor::from_rpc_with(rpc.clone(), config).await.unwrap();
        let forgetful = forgetful.pinned().await.unwrap();
        let before = forgetful.balance(&alice).await.unwrap();
        chain.fund(&alice, 5);
        assert_eq!(forgetful.balance(&alice).await.unwrap().rao(), before.rao() + 5);
    });
}
