//! The JSON-RPC table: every listed method is there, aliases agree, subscriptions keep their order.

use futures::{FutureExt, StreamExt};
use parity_scale_codec::{Decode, Encode};
use serde_json::{Value, json, value::to_raw_value};
use tensor_chain::local::{LocalChain, LocalRpc, RpcError, Sealing, rpc::Subscription};
use tensor_core::key::Keypair;

use super::{
    asking::{hex, queued, rpc, subscribe},
    signing::{Transaction, chain, keypair, transfer},
};

fn error(chain: &LocalChain, method: &str, params: Value) -> RpcError {
    let params = to_raw_value(&params).unwrap();
    chain.rpc().request(method, Some(&params)).unwrap_err()
}

fn ss58(key: &Keypair) -> String {
    key.account_id().to_string()
}

#[test]
fn every_listed_method_is_answered_and_nothing_else() {
    let chain = chain();
    let listed = rpc(&chain, "rpc_methods", json!([]));
    let listed: Vec<&str> =
        listed["methods"].as_array().unwrap().iter().map(|m| m.as_str().unwrap()).collect();
    for method in LocalRpc::request_methods() {
        assert!(listed.contains(&method));
        // Whatever it answers to no parameters, it is not "not found".
        if let Err(error) = chain.rpc().request(method, None) {
            assert_ne!(error.code, -32_601, "{method}");
        }
    }
    for must in [
        "chain_getHead",
        "state_getStorageAt",
        "state_callAt",
        "system_accountNextIndex",
        "account_nextIndex",
        "chain_subscribeNewHead",
        "author_unwatchExtrinsic",
        "chain_unsubscribeNewHeads",
    ] {
        assert!(listed.contains(&must), "{must}");
    }
    assert!(!listed.iter().any(|m| m.starts_with("chainHead_")));
    assert_eq!(error(&chain, "chainHead_v1_follow", json!([])).code, -32_601);
    assert_eq!(error(&chain, "nonsense", json!([])).code, -32_601);
}

#[test]
fn heads_and_hashes() {
    let chain = LocalChain::builder().finality_lag(2).build().unwrap();
    chain.advance(5);
    let hash = |n: u64| Value::from(hex(&chain.block_hash(n).unwrap()));
    assert_eq!(rpc(&chain, "chain_getBlockHash", json!([])), hash(5));
    assert_eq!(rpc(&chain, "chain_getHead", json!([null])), hash(5));
    assert_eq!(rpc(&chain, "chain_getBlockHash", json!([2])), hash(2));
    assert_eq!(rpc(&chain, "chain_getBlockHash", json!(["0x2"])), hash(2));
    assert_eq!(rpc(&chain, "chain_getBlockHash", json!([[1, "0x2"]])), json!([hash(1), hash(2)]));
    assert_eq!(rpc(&chain, "chain_getFinalizedHead", json!([])), hash(3));
    let unknown = hex(&[9; 32]);
    assert_eq!(rpc(&chain, "chain_getHeader", json!([unknown])), Value::Null);
    assert_eq!(rpc(&chain, "chain_getBlock", json!([unknown])), Value::Null);
    let refused = error(&chain, "state_getStorage", json!(["0x00", unknown]));
    assert!(refused.message.contains("Header was not found"), "{refused}");
}

#[test]
fn storage_reads_agree() {
    let chain = chain();
    let alice = keypair("//Alice");
    let account = alice.account_id().to_bytes();
    let key = chain.interface().storage("System", "Account").unwrap().key(&[&account]);
    let raw = rpc(&chain, "state_getStorage", json!([hex(&key)]));
    assert_eq!(rpc(&chain, "state_getStorageAt", json!([hex(&key), null])), raw);
    // Without 0x, too.
    assert_eq!(rpc(&chain, "state_getStorage", json!([hex::encode(&key)])), raw);
    let head = rpc(&chain, "chain_getHead", json!([]));
    let set = rpc(&chain, "state_queryStorageAt", json!([[hex(&key), "0x1234"], head]));
    let changes = json!([[hex(&key), raw], ["0x1234", null]]);
    assert_eq!(set, json!([{ "block": head, "changes": changes }]));
    assert_eq!(rpc(&chain, "state_getStorageSize", json!([hex(&key)])), json!(56));
    let prefix = &key[..32];
    let all = rpc(&chain, "state_getKeys", json!([hex(prefix), head]));
    let all = all.as_array().unwrap();
    assert!(all.len() >= 3);
    // Pages, from null and from the prefix itself.
    for first in [Value::Null, hex(prefix).into()] {
        let mut pages = Vec::new();
        let mut start = first;
        loop {
            let page = rpc(&chain, "state_getKeysPaged", json!([hex(prefix), 2, start, null]));
            let page = page.as_array().unwrap().clone();
            let Some(last) = page.last() else { break };
            start = last.clone();
            pages.extend(page);
        }
        assert_eq!(&pages, all);
    }
    assert_eq!(error(&chain, "state_getKeysPaged", json!(["0x", 1_001])).code, 4_002);
}

#[test]
fn storage_over_a_range_lists_changes() {
    let chain = chain();
    let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
    chain.advance(1);
    let from = rpc(&chain, "chain_getHead", json!([]));
    chain.advance(1);
    chain.submit(&Transaction::new(&chain, &alice, 0, transfer(&bob, 5)).sign()).unwrap();
    chain.advance(2);
    let account = bob.account_id().to_bytes();
    let key = chain.interface().storage("System", "Account").unwrap().key(&[&account]);
    let sets = rpc(&chain, "state_queryStorage", json!([[hex(&key)], from]));
    let blocks: Vec<_> = sets.as_array().unwrap().iter().map(|s| s["block"].clone()).collect();
    let hash = |n: u64| Value::from(hex(&chain.block_hash(n).unwrap()));
    assert_eq!(blocks, [hash(1), hash(3)]);
}

#[test]
fn runtime_calls_take_hex_with_and_without_prefix() {
    let chain = chain();
    let alice = keypair("//Alice");
    let versions = rpc(&chain, "state_call", json!(["Metadata_metadata_versions", "0x"]));
    assert_eq!(versions, json!(hex(&vec![14u32, 15].encode())));
    let account = hex::encode(alice.account_id().to_bytes());
    for args in [account.clone(), format!("0x{account}")] {
        let nonce = rpc(&chain, "state_call", json!(["AccountNonceApi_account_nonce", args]));
        assert_eq!(nonce, json!("0x00000000"));
    }
    let version = rpc(&chain, "state_call", json!(["Core_version", ""]));
    let recorded = hex(chain.interface().constant("System", "Version").unwrap());
    assert_eq!(version, json!(recorded));
    let refused = error(&chain, "state_call", json!(["Nonsense_call", "0x"]));
    assert!(refused.message.contains("Exported method Nonsense_call is not found"), "{refused}");
    let refused = error(&chain, "state_call", json!(["AccountNonceApi_account_nonce", "0x00"]));
    assert_eq!(refused.code, 4_003);
    let v14 = rpc(&chain, "state_getMetadata", json!([]));
    assert!(v14.as_str().unwrap().starts_with("0x6d6574610e"));
    let version = rpc(&chain, "state_getRuntimeVersion", json!([null]));
    assert_eq!(version["specVersion"], 461);
    assert_eq!(version["specName"], "node-subtensor");
    assert_eq!(version["transactionVersion"], 1);
    assert_eq!(version["apis"].as_array().unwrap().len(), 25);
}

#[test]
fn the_fee_is_told_before_it_is_paid() {
    let chain = chain();
    let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
    let transaction = Transaction::new(&chain, &alice, 0, transfer(&bob, 1_000_000_000));
    let mut bytes = transaction.sign();
    // Clients ask with a signature of zeros.
    bytes[37..101].fill(0);
    let info = rpc(&chain, "payment_queryInfo", json!([hex(&bytes)]));
    assert_eq!(info["partialFee"], "166247");
    assert_eq!(info["weight"], json!({ "ref_time": 224_051_000u64, "proof_size": 7_791 }));
    let args = [&bytes[..], &(bytes.len() as u32).encode()].concat();
    let call = json!(["TransactionPaymentApi_query_info", hex::encode(args)]);
    let answer = rpc(&chain, "state_call", call);
    let answer = hex::decode(&answer.as_str().unwrap()[2..]).unwrap();
    assert_eq!(u64::decode(&mut &answer[answer.len() - 8..]).unwrap(), 166_247);
    let output = chain.interface().api("TransactionPaymentApi_query_info").unwrap().output;
    assert!(chain.interface().is_value(output, &answer));
    let details = rpc(&chain, "payment_queryFeeDetails", json!([hex(&bytes)]));
    assert_eq!(details["inclusionFee"]["baseFee"], "0xd33e");
}

#[test]
fn nonces_count_what_waits() {
    let chain = chain();
    let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
    for nonce in 0..3 {
        assert_eq!(rpc(&chain, "account_nextIndex", json!([ss58(&alice)])), json!(nonce));
        let bytes = Transaction::new(&chain, &alice, nonce, transfer(&bob, 5)).sign();
        let hash = rpc(&chain, "author_submitExtrinsic", json!([hex(&bytes)]));
        assert_eq!(hash, json!(hex(&sp_crypto_hashing::blake2_256(&bytes))));
    }
    assert_eq!(rpc(&chain, "author_pendingExtrinsics", json!([])).as_array().unwrap().len(), 3);
    assert_eq!(rpc(&chain, "system_accountNextIndex", json!([ss58(&alice)])), json!(3));
    chain.advance(1);
    assert_eq!(rpc(&chain, "author_pendingExtrinsics", json!([])), json!([]));
    assert_eq!(rpc(&chain, "account_nextIndex", json!([ss58(&alice)])), json!(3));
    assert_eq!(error(&chain, "account_nextIndex", json!(["5F"])).code, -32_602);
}

#[test]
fn a_watched_transaction_tells_its_life_in_order() {
    let chain = LocalChain::builder().finality_lag(2).build().unwrap();
    let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
    let watch = |nonce| {
        let bytes = Transaction::new(&chain, &alice, nonce, transfer(&bob, 5)).sign();
        subscribe(&chain, "author_submitAndWatchExtrinsic", json!([hex(&bytes)]))
    };
    let mut second = watch(1);
    assert_eq!(queued(&mut second), [json!("future")]);
    let mut first = watch(0);
    assert_eq!(queued(&mut first), [json!("ready")]);
    assert_eq!(queued(&mut second), [json!("ready")]);
    assert_eq!(first.notification(), "author_extrinsicUpdate");
    assert_ne!(first.id(), second.id());
    chain.advance(1);
    let block = json!(hex(&chain.block_hash(1).unwrap()));
    for subscription in [&mut first, &mut second] {
        assert_eq!(queued(subscription), [json!({ "inBlock": block })]);
    }
    // What it was told of can be read.
    let body = rpc(&chain, "chain_getBlock", json!([block]));
    assert_eq!(body["block"]["extrinsics"].as_array().unwrap().len(), 3);
    chain.advance(1);
    assert!(queued(&mut first).is_empty());
    chain.advance(1);
    assert_eq!(queued(&mut first), [json!({ "finalized": block })]);
    // It stays open until the client ends it.
    assert!(first.next().now_or_never().is_none());
}

#[test]
fn instant_sealing_makes_a_block_for_each_transaction() {
    let chain = LocalChain::builder().sealing(Sealing::Instant).build().unwrap();
    let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
    let bytes = Transaction::new(&chain, &alice, 0, transfer(&bob, 5)).sign();
    let mut watch = subscribe(&chain, "author_submitAndWatchExtrinsic", json!([hex(&bytes)]));
    let block = json!(hex(&chain.block_hash(1).unwrap()));
    let life = [json!("ready"), json!({ "inBlock": block }), json!({ "finalized": block })];
    assert_eq!(queued(&mut watch), life);
    assert_eq!(chain.block_number(), 1);
}

#[test]
fn head_subscriptions_begin_with_the_head() {
    let chain = LocalChain::builder().finality_lag(1).build().unwrap();
    chain.advance(3);
    let mut new = subscribe(&chain, "chain_subscribeNewHead", json!([]));
    let mut all = subscribe(&chain, "chain_subscribeAllHeads", json!([]));
    let mut finalized = subscribe(&chain, "chain_subscribeFinalizedHeads", json!([]));
    let numbers = |items: Vec<Value>| -> Vec<String> {
        items.iter().map(|h| h["number"].as_str().unwrap().to_owned()).collect()
    };
    chain.advance(2);
    assert_eq!(numbers(queued(&mut new)), ["0x3", "0x4", "0x5"]);
    assert_eq!(numbers(queued(&mut all)), ["0x3", "0x4", "0x5"]);
    assert_eq!(numbers(queued(&mut finalized)), ["0x2", "0x3", "0x4"]);
    assert_eq!(new.notification(), "chain_newHead");
    assert_eq!(all.notification(), "chain_allHead");
    chain.finalize();
    assert_eq!(numbers(queued(&mut finalized)), ["0x5"]);
    let mut version = subscribe(&chain, "state_subscribeRuntimeVersion", json!([]));
    assert_eq!(queued(&mut version)[0]["specVersion"], 461);
}

#[test]
fn a_storage_subscription_tells_changes_only() {
    let chain = chain();
    let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
    let account = bob.account_id().to_bytes();
    let key = hex(&chain.interface().storage("System", "Account").unwrap().key(&[&account]));
    let mut watch = subscribe(&chain, "state_subscribeStorage", json!([[key, "0x1234"]]));
    let first = queued(&mut watch);
    assert_eq!(first.len(), 1);
    assert_eq!(first[0]["changes"].as_array().unwrap().len(), 2);
    chain.advance(2);
    assert!(queued(&mut watch).is_empty());
    chain.submit(&Transaction::new(&chain, &alice, 0, transfer(&bob, 5)).sign()).unwrap();
    chain.advance(2);
    let changes = queued(&mut watch);
    assert_eq!(changes.len(), 1);
    let now = rpc(&chain, "state_getStorage", json!([key]));
    assert_eq!(changes[0]["changes"], json!([[key, now]]));
}

#[test]
fn a_reader_who_does_not_read_loses_the_oldest_heads() {
    let chain = chain();
    let mut heads = subscribe(&chain, "chain_subscribeNewHeads", json!([]));
    let more = Subscription::MAX_QUEUED as u64 + 10;
    chain.advance(more);
    assert_eq!(heads.dropped(), 11);
    let first = &queued(&mut heads)[0]["number"];
    assert_eq!(*first, json!(format!("{:#x}", 11)));
}

#[test]
fn what_the_node_says_of_itself() {
    let chain = chain();
    let properties = json!({ "ss58Format": 42, "tokenDecimals": 9, "tokenSymbol": "TAO" });
    assert_eq!(rpc(&chain, "system_properties", json!([])), properties);
    assert_eq!(rpc(&chain, "system_chain", json!([])), json!("Bittensor local"));
    assert_eq!(rpc(&chain, "system_chainType", json!([])), json!("Local"));
    assert_eq!(rpc(&chain, "system_health", json!([]))["isSyncing"], json!(false));
}

#[test]
fn a_dry_run_changes_nothing() {
    let chain = chain();
    let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
    let fits = Transaction::new(&chain, &alice, 0, transfer(&bob, 5)).sign();
    let fails = Transaction::new(&chain, &alice, 0, transfer(&bob, u64::MAX / 2)).sign();
    let early = Transaction::new(&chain, &alice, 1, transfer(&bob, 5)).sign();
    assert_eq!(rpc(&chain, "system_dryRun", json!([hex(&fits)])), json!("0x0000"));
    let failed = rpc(&chain, "system_dryRun", json!([hex(&fails)]));
    assert!(failed.as_str().unwrap().starts_with("0x0001"));
    assert_eq!(rpc(&chain, "system_dryRun", json!([hex(&early)])), json!("0x010002"));
    let output = chain.interface().api("BlockBuilder_apply_extrinsic").unwrap().output;
    let failed = hex::decode(&failed.as_str().unwrap()[2..]).unwrap();
    assert!(chain.interface().is_value(output, &failed));
    assert_eq!(rpc(&chain, "account_nextIndex", json!([ss58(&alice)])), json!(0));
}
