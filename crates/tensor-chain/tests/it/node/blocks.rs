//! Blocks: hashes that can be recomputed, the clock, history, forks, snapshots, controls.

use parity_scale_codec::{Compact, Decode, Encode};
use serde_json::{Value, json, value::to_raw_value};
use sp_crypto_hashing::blake2_256;
use tensor_chain::local::{Build, LocalChain, LocalChainError};

use super::{
    asking::rpc,
    signing::{Transaction, chain, keypair, transfer},
    transactions::nonce,
};

fn hex_bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap().trim_start_matches("0x")).unwrap()
}

#[test]
fn a_header_hashes_to_its_block_hash() {
    let chain = chain();
    chain.advance(3);
    for number in 0..=3u64 {
        let hash = rpc(&chain, "chain_getBlockHash", json!([number]));
        let header = rpc(&chain, "chain_getHeader", json!([hash]));
        let mut scale = hex_bytes(&header["parentHash"]);
        Compact(number).encode_to(&mut scale);
        scale.extend(hex_bytes(&header["stateRoot"]));
        scale.extend(hex_bytes(&header["extrinsicsRoot"]));
        let logs = header["digest"]["logs"].as_array().unwrap();
        Compact(logs.len() as u32).encode_to(&mut scale);
        logs.iter().for_each(|log| scale.extend(hex_bytes(log)));
        assert_eq!(hex_bytes(&hash), blake2_256(&scale));
        assert_eq!(header["number"], format!("{number:#x}"));
        if number > 0 {
            let parent = rpc(&chain, "chain_getBlockHash", json!([number - 1]));
            assert_eq!(header["parentHash"], parent);
            // The slot is the time over the block time.
            let slot = u64::decode(&mut &hex_bytes(&logs[0])[6..]).unwrap();
            assert_eq!(slot, (chain.config().genesis_ms + number * 250) / 250);
        }
    }
    assert_eq!(rpc(&chain, "chain_getBlockHash", json!([4])), Value::Null);
}

#[test]
fn the_clock_is_the_block_number() {
    let chain = LocalChain::builder()
        .runtime_build(Build::Production)
        .genesis_ms(1_000_000)
        .build()
        .unwrap();
    chain.advance(2);
    assert_eq!(chain.now_ms(), 1_000_000 + 2 * 12_000);
    let now = chain.storage("Timestamp", "Now", &[]).unwrap().unwrap();
    assert_eq!(u64::decode(&mut &now[..]).unwrap(), chain.now_ms());
    let hash = rpc(&chain, "chain_getHead", json!([]));
    let block = rpc(&chain, "chain_getBlock", json!([hash]));
    let extrinsic = hex_bytes(&block["block"]["extrinsics"][0]);
    let expected = [&[0x05u8, 2, 0][..], &Compact(chain.now_ms()).encode()].concat().encode();
    assert_eq!(extrinsic, expected);
    // The clock jumps forward and never back.
    chain.set_time(9_000_000);
    chain.advance(1);
    assert_eq!(chain.now_ms(), 9_000_000);
    chain.set_time(5);
    chain.advance(1);
    assert_eq!(chain.now_ms(), 9_012_000);
}

#[test]
fn old_blocks_read_as_they_were() {
    let chain = LocalChain::builder().history(5).build().unwrap();
    let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
    let key = alice.account_id().to_bytes();
    let mut balances = vec![chain.balance(&alice.account_id())];
    let mut hashes = vec![chain.block_hash(0).unwrap()];
    for nonce in 0..8 {
        let call = transfer(&bob, 1_000);
        chain.submit(&Transaction::new(&chain, &alice, nonce, call).sign()).unwrap();
        chain.advance(1);
        balances.push(chain.balance(&alice.account_id()));
        hashes.push(chain.block_hash(chain.block_number()).unwrap());
    }
    let account = chain.interface();
    let storage_key = account.storage("System", "Account").unwrap().key(&[&key]);
    let storage_key = format!("0x{}", hex::encode(storage_key));
    for number in chain.oldest_number()..=8 {
        let hash = format!("0x{}", hex::encode(hashes[number as usize]));
        let raw = rpc(&chain, "state_getStorage", json!([storage_key, hash]));
        let free = u64::decode(&mut &hex_bytes(&raw)[16..]).unwrap();
        assert_eq!(free, balances[number as usize], "block {number}");
        let nonce_args = format!("0x{}", hex::encode(key));
        let api = json!(["AccountNonceApi_account_nonce", nonce_args, hash]);
        let nonce = u32::decode(&mut &hex_bytes(&rpc(&chain, "state_call", api))[..]).unwrap();
        assert_eq!(u64::from(nonce), number);
        let at = chain.storage_at(number, "System", "Account", &[&key]).unwrap().unwrap();
        assert_eq!(at, hex_bytes(&raw));
    }
    assert_eq!(chain.oldest_number(), 3);
    let discarded = format!("0x{}", hex::encode(hashes[1]));
    let params = to_raw_value(&json!([storage_key, discarded])).unwrap();
    let error = chain.rpc().request("state_getStorage", Some(&params)).unwrap_err();
    assert!(error.message.contains("State already discarded for 0x"), "{error}");
    assert!(matches!(
        chain.storage_at(1, "System", "Number", &[]),
        Err(LocalChainError::NoSuchBlock(1))
    ));
}

#[test]
fn forks_and_snapshots_are_independent() {
    let chain = chain();
    let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
    chain.advance(2);
    let snapshot = chain.snapshot();
    let fork = chain.fork();
    chain.submit(&Transaction::new(&chain, &alice, 0, transfer(&bob, 1_000)).sign()).unwrap();
    chain.advance(3);
    assert_eq!((chain.block_number(), fork.block_number()), (5, 2));
    assert_eq!((nonce(&chain, &alice), nonce(&fork, &alice)), (1, 0));
    let hash = chain.block_hash(5);
    chain.restore(&snapshot);
    assert_eq!((chain.block_number(), nonce(&chain, &alice)), (2, 0));
    // The same again comes to the same block.
    chain.submit(&Transaction::new(&chain, &alice, 0, transfer(&bob, 1_000)).sign()).unwrap();
    fork.submit(&Transaction::new(&fork, &alice, 0, transfer(&bob, 1_000)).sign()).unwrap();
    chain.advance(3);
    fork.advance(3);
    // sr25519 signatures are randomised, so the blocks differ in their extrinsics alone.
    assert_eq!(chain.balance(&bob.account_id()), fork.balance(&bob.account_id()));
    assert_ne!(chain.block_hash(5), None);
    assert_ne!(hash, None);
}

#[test]
fn two_chains_fed_alike_are_alike() {
    let (one, two) = (chain(), chain());
    let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
    for nonce in 0..5 {
        let bytes = Transaction::new(&one, &alice, nonce, transfer(&bob, 1_000)).sign();
        for chain in [&one, &two] {
            chain.submit(&bytes).unwrap();
            chain.fund(&bob.account_id(), 77_000);
            chain.advance(2);
        }
    }
    for number in 0..=one.block_number() {
        assert_eq!(one.block_hash(number), two.block_hash(number));
    }
}

#[test]
fn controls_write_by_name_and_by_type() {
    let chain = chain();
    let netuid = 7u16.encode();
    assert_eq!(chain.storage("SubtensorModule", "Tempo", &[&netuid]).unwrap(), None);
    chain.set_storage("SubtensorModule", "Tempo", &[&netuid], Some(&99u16.encode())).unwrap();
    let tempo = |chain: &LocalChain| chain.storage("SubtensorModule", "Tempo", &[&netuid]).unwrap();
    assert_eq!(tempo(&chain), Some(99u16.encode()));
    // The write belongs to the block before it, not to the next one.
    chain.advance(1);
    chain.set_storage("SubtensorModule", "Tempo", &[&netuid], None).unwrap();
    assert_eq!(tempo(&chain), None);
    let at = |number| chain.storage_at(number, "SubtensorModule", "Tempo", &[&netuid]).unwrap();
    assert_eq!((at(0), at(1)), (Some(99u16.encode()), None));
    for (keys, value) in [
        (vec![&netuid[..]], &[1u8][..]),
        (vec![], &[1, 0][..]),
        (vec![&netuid[..1]], &[1, 0][..]),
        (vec![&netuid[..], &netuid[..]], &[1, 0][..]),
    ] {
        assert!(chain.set_storage("SubtensorModule", "Tempo", &keys, Some(value)).is_err());
    }
    assert!(matches!(
        chain.storage("SubtensorModule", "Tempos", &[]),
        Err(LocalChainError::NoSuchItem { .. })
    ));
}

#[test]
fn the_ledgers_close_after_every_block() {
    let chain = chain();
    let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
    assert!(chain.invariants().hold(), "{:#?}", chain.invariants());
    for nonce in 0..5 {
        let call = transfer(&bob, 1_000_000 * u64::from(nonce));
        chain.submit(&Transaction::new(&chain, &alice, nonce, call).sign()).unwrap();
        chain.fund(&bob.account_id(), 5_000);
        chain.advance(2);
        let now = chain.invariants();
        assert!(now.hold(), "{now:#?}");
        assert_eq!(now.block, chain.block_number());
    }
    let early = chain.invariants_at(1).unwrap();
    assert!(early.hold());
    assert!(early.tao.issuance < chain.invariants().tao.issuance);
    // A balance from nowhere is noticed.
    let key = bob.account_id().to_bytes();
    let mut account = chain.storage("System", "Account", &[&key]).unwrap().unwrap();
    account[16] ^= 1;
    chain.set_storage("System", "Account", &[&key], Some(&account)).unwrap();
    assert!(!chain.invariants().hold());
}

#[test]
fn an_upgrade_changes_version_and_metadata_from_its_block_on() {
    let chain = chain();
    let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
    chain.advance(2);
    let old = Transaction::new(&chain, &alice, 0, transfer(&bob, 1_000)).sign();
    chain.submit(&old).unwrap();
    let next = chain.interface().as_ref().clone().with_spec_version(462).unwrap();
    chain.upgrade(next).unwrap();
    assert_eq!(chain.waiting(), 0);
    assert!(chain.submit(&old).is_err());
    let version = |number: u64| {
        let hash = format!("0x{}", hex::encode(chain.block_hash(number).unwrap()));
        let version = rpc(&chain, "state_getRuntimeVersion", json!([hash]));
        let core = rpc(&chain, "state_call", json!(["Core_version", "0x", hash]));
        assert!(hex_bytes(&core).windows(4).any(|w| {
            u32::from_le_bytes(w.try_into().unwrap())
                == version["specVersion"].as_u64().unwrap() as u32
        }));
        version["specVersion"].clone()
    };
    chain.advance(1);
    assert_eq!((version(1), version(2), version(3)), (json!(461), json!(462), json!(462)));
    let new = Transaction::new(&chain, &alice, 0, transfer(&bob, 1_000)).sign();
    chain.submit(&new).unwrap();
    chain.advance(1);
    assert_eq!(nonce(&chain, &alice), 1);
}
