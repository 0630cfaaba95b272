//! Faults on purpose: reorganisations, late blocks, refusals, lost requests, planned upgrades.

use serde_json::{Value, json, value::to_raw_value};
use tensor_chain::local::{Faults, Interface, LocalChain, LocalChainError, pool::PoolError};
use tensor_core::key::{Keypair, Scheme};

use super::{
    asking::{hex, queued, rpc, subscribe},
    signing::{Transaction, keypair, transfer},
};

fn lagging(lag: u32) -> LocalChain {
    LocalChain::builder().finality_lag(lag).build().unwrap()
}

fn hash(chain: &LocalChain, number: u64) -> String {
    hex(&chain.block_hash(number).unwrap())
}

#[test]
fn a_reorganisation_takes_back_and_includes_again() {
    let chain = lagging(4);
    let (alice, dave) = (keypair("//Alice"), keypair("//Dave"));
    let before = chain.balance(&dave.account_id());
    chain.advance(2);
    let mut heads = subscribe(&chain, "chain_subscribeNewHeads", json!([]));
    let account = dave.account_id().to_bytes();
    let key = hex(&chain.interface().storage("System", "Account").unwrap().key(&[&account]));
    let mut values = subscribe(&chain, "state_subscribeStorage", json!([[key]]));
    let gift = Transaction::new(&chain, &alice, 0, transfer(&dave, 7)).sign();
    let mut watch = subscribe(&chain, "author_submitAndWatchExtrinsic", json!([hex(&gift)]));
    chain.advance(2);
    let (old, empty) = (hash(&chain, 3), hash(&chain, 4));
    chain.reorg(2).unwrap();
    let new = hash(&chain, 3);
    assert_ne!(new, old);
    assert_eq!(chain.block_number(), 4);
    chain.finalize();
    let life = [
        json!("ready"),
        json!({ "inBlock": old }),
        json!({ "retracted": old }),
        json!({ "inBlock": new }),
        json!({ "finalized": new }),
    ];
    assert_eq!(queued(&mut watch), life);
    let numbers: Vec<Value> = queued(&mut heads).iter().map(|h| h["number"].clone()).collect();
    assert_eq!(numbers, ["0x2", "0x3", "0x4", "0x3", "0x4"]);
    assert_eq!(chain.balance(&dave.account_id()), before + 7);
    // The value went, and came again.
    assert_eq!(queued(&mut values).len(), 4);
    // Parents lead from the head to the genesis block by hashes that are heads.
    for number in 1..=4 {
        let header = rpc(&chain, "chain_getHeader", json!([hash(&chain, number)]));
        assert_eq!(header["parentHash"], json!(hash(&chain, number - 1)));
    }
    // What was replaced can still be looked at, but not its state.
    for replaced in [&old, &empty] {
        assert!(rpc(&chain, "chain_getBlock", json!([replaced])).is_object());
    }
    let params = to_raw_value(&json!([key, old])).unwrap();
    let error = chain.rpc().request("state_getStorage", Some(&params)).unwrap_err();
    assert!(error.message.contains("State already discarded"), "{error}");
    for number in 0..=4 {
        assert!(chain.invariants_at(number).unwrap().hold());
    }
}

#[test]
fn what_is_final_or_of_an_older_runtime_stays() {
    let chain = lagging(2);
    chain.advance(5);
    assert!(matches!(chain.reorg(3), Err(LocalChainError::Final(3))));
    let third = chain.block_hash(3);
    chain.reorg(2).unwrap();
    assert_eq!(chain.block_hash(3), third);
    let newer = Interface::v461().unwrap().with_spec_version(500).unwrap();
    chain.upgrade_at(7, newer).unwrap();
    chain.advance(1);
    let version = |at: u64| {
        let version = rpc(&chain, "state_getRuntimeVersion", json!([hash(&chain, at)]));
        version["specVersion"].clone()
    };
    assert_eq!(version(6), 461);
    chain.advance(2);
    assert_eq!((version(6), version(7), version(8)), (json!(461), json!(500), json!(500)));
    assert!(matches!(chain.reorg(2), Err(LocalChainError::Final(7))));
    chain.reorg(1).unwrap();
}

#[test]
fn a_transaction_born_in_a_replaced_block_is_invalid() {
    let chain = lagging(4);
    let (alice, dave) = (keypair("//Alice"), keypair("//Dave"));
    let before = chain.balance(&dave.account_id());
    chain.advance(1);
    let gift = Transaction::new(&chain, &alice, 0, transfer(&dave, 7)).mortal(&chain, 8, 1).sign();
    let mut watch = subscribe(&chain, "author_submitAndWatchExtrinsic", json!([hex(&gift)]));
    chain.advance(1);
    let old = hash(&chain, 2);
    chain.reorg(2).unwrap();
    let life =
        [json!("ready"), json!({ "inBlock": old }), json!({ "retracted": old }), json!("invalid")];
    assert_eq!(queued(&mut watch), life);
    assert_eq!(chain.balance(&dave.account_id()), before);
    assert_eq!(chain.waiting(), 0);
}

#[test]
fn equal_seeds_and_calls_give_equal_chains_whatever_goes_wrong() {
    let run = |seed| {
        let chain = lagging(3);
        let mut faults = Faults::rough(seed);
        faults.lose_request = 0;
        chain.set_faults(Some(faults));
        // Signatures of this scheme are the same each time.
        let alice = Keypair::from_uri("//Alice", Scheme::Ed25519).unwrap();
        chain.fund(&alice.account_id(), 1_000_000_000);
        let dave = keypair("//Dave");
        let mut refused = 0;
        for _ in 0..40 {
            let nonce = rpc(&chain, "account_nextIndex", json!([alice.account_id().to_string()]));
            let nonce = u32::try_from(nonce.as_u64().unwrap()).unwrap();
            let gift = Transaction::new(&chain, &alice, nonce, transfer(&dave, 7)).sign();
            match chain.submit(&gift) {
                Ok(_) => {}
                Err(PoolError::Banned | PoolError::Full) => refused += 1,
                Err(other) => panic!("{other}"),
            }
            chain.advance(1);
            assert!(chain.invariants().hold());
        }
        chain.set_faults(None);
        chain.advance(5);
        assert!(refused > 0 && chain.waiting() == 0);
        // Slots were lost, and all that was taken landed once.
        assert!(chain.now_ms() > chain.config().genesis_ms + 45 * chain.config().block_ms());
        assert_eq!(chain.block_number(), 45);
        let got = chain.balance(&dave.account_id());
        let hashes: Vec<_> = (0..=45).map(|number| chain.block_hash(number)).collect();
        (refused, got, hashes)
    };
    // Each submission succeeds or is refused: 40 gifts of 7 less the refused.
    let first = run(11);
    let untouched = LocalChain::builder().build().unwrap().balance(&keypair("//Dave").account_id());
    assert_eq!(first.1, untouched + 7 * (40 - first.0));
    assert_eq!(first, run(11));
    assert_ne!(first.2, run(12).2);
}
