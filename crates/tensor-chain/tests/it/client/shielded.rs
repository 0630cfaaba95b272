//! Submission through the shield, on a chain that has one.

use tensor_chain::intent::{BurnedRegister, Transfer};
use tensor_chain::local::LocalChain;
use tensor_chain::{Error, Policy, Subtensor};
use tensor_core::{NetUid, Tao};

use futures::executor::block_on;

use super::faults::with_blocks;
use super::story::{TAO, hotkey, key, local};

#[test]
fn a_shielded_call_is_followed_to_its_own_events() {
    let chain = LocalChain::builder().shield(true).build().unwrap();
    let (alice, dave) = (key("//Alice"), key("//Dave").account_id());
    chain.fund(&alice.account_id(), 1000 * TAO);
    chain.advance(2);
    let client = block_on(Subtensor::local(&chain)).unwrap();
    let before = chain.balance(&dave);
    let gift = Transfer::new(dave, Tao::from_rao(5));
    let receipt = with_blocks(&chain, 30, client.execute_shielded(&gift, &alice)).unwrap();
    assert!(receipt.event("Balances", "Transfer").is_some());
    assert_eq!(chain.balance(&dave), before + 5);
    // Two nonces: the carrier's and the call's.
    assert_eq!(block_on(client.account(&alice.account_id())).unwrap().nonce, 2);
    // The next one, in the open, goes on from there.
    with_blocks(&chain, 10, client.execute(&gift, &alice)).unwrap();

    // Its failure is its own, although the carrier succeeds.
    let bad = BurnedRegister::new(NetUid::new(99), hotkey("//x"));
    let error = with_blocks(&chain, 30, client.execute_shielded(&bad, &alice)).unwrap_err();
    let Error::Dispatch(failed) = &error else { panic!("{error:?}") };
    assert_eq!(failed.call, "SubtensorModule.burned_register");

    // A policy sees through the shield.
    let guarded = client.with_policy(Policy::new());
    let error = block_on(guarded.execute_shielded(&gift, &alice)).unwrap_err();
    assert!(matches!(error, Error::Policy(_)));
}

#[test]
fn each_block_has_its_key_where_they_rotate() {
    let chain = LocalChain::builder().shield(true).shield_rotation(true).build().unwrap();
    let (alice, dave) = (key("//Alice"), key("//Dave").account_id());
    chain.fund(&alice.account_id(), 1000 * TAO);
    chain.advance(3);
    let read = |item: &str, at: u64| chain.storage_at(at, "MevShield", item, &[]).unwrap().unwrap();
    for at in 0..=3 {
        assert_ne!(read("CurrentKey", at), read("PendingKey", at));
        assert_ne!(read("PendingKey", at), read("NextKey", at));
        if at > 0 {
            assert_eq!(read("CurrentKey", at), read("PendingKey", at - 1));
            assert_eq!(read("PendingKey", at), read("NextKey", at - 1));
        }
    }
    let client = block_on(Subtensor::local(&chain)).unwrap();
    let before = chain.balance(&dave);
    let gift = Transfer::new(dave, Tao::from_rao(5));
    for _ in 0..3 {
        with_blocks(&chain, 30, client.execute_shielded(&gift, &alice)).unwrap();
    }
    assert_eq!(chain.balance(&dave), before + 15);
}

#[test]
fn a_chain_without_a_shield_is_an_error_that_says_so() {
    let client = block_on(Subtensor::local(&local())).unwrap();
    let gift = Transfer::new(key("//Dave").account_id(), Tao::from_rao(5));
    let error = block_on(client.execute_shielded(&gift, &key("//Alice"))).unwrap_err();
    assert_eq!(error.to_string(), "the runtime has no storage item MevShield.NextKey");
}
