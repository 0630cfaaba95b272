//! What the pool refuses, in the standard words, and what a transfer costs.

use parity_scale_codec::{Decode, Encode};
use tensor_chain::local::{
    LocalChain, pool::PoolError, rpc::RpcError, runtime::InvalidTransaction,
};
use tensor_core::key::{Keypair, Scheme};

use super::signing::{Transaction, chain, keypair, transfer};

/// Code and data of a refusal as JSON-RPC tells it.
fn refusal(error: PoolError) -> (i32, String) {
    let error = RpcError::from(error);
    (error.code, error.data.unwrap_or(error.message))
}

#[test]
fn a_transfer_costs_what_the_recorded_one_cost() {
    let chain = chain();
    let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
    let before = (chain.balance(&alice.account_id()), chain.balance(&bob.account_id()));
    // 144 bytes with its length prefix: an immortal era and a compact value of 4 bytes.
    let transaction = Transaction::new(&chain, &alice, 0, transfer(&bob, 1_000_000_000));
    let bytes = transaction.sign();
    assert_eq!(bytes.len(), 144);
    chain.submit(&bytes).unwrap();
    assert_eq!(chain.waiting(), 1);
    chain.advance(1);
    assert_eq!(chain.waiting(), 0);
    let paid = before.0 - chain.balance(&alice.account_id());
    assert_eq!(paid, 1_000_000_000 + 166_247);
    assert_eq!(chain.balance(&bob.account_id()), before.1 + 1_000_000_000);
    let author = chain.config().author.unwrap();
    let events = chain.storage("System", "Events", &[]).unwrap().unwrap();
    // Fee to the author, TransactionFeePaid { who, actual_fee, tip }.
    let fee_paid = (6u8, 0u8, alice.account_id().to_bytes(), 166_247u64, 0u64).encode();
    assert!(events.windows(fee_paid.len()).any(|w| w == fee_paid));
    let to_author = (author.to_bytes(), 166_247u64).encode();
    assert!(events.windows(to_author.len()).any(|w| w == to_author));
}

#[test]
fn a_tip_is_paid_and_its_bytes_too() {
    let chain = chain();
    let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
    let before = chain.balance(&alice.account_id());
    let mut transaction = Transaction::new(&chain, &alice, 0, transfer(&bob, 1_000_000_000));
    transaction.tip = 1_000;
    chain.submit(&transaction.sign()).unwrap();
    chain.advance(1);
    assert_eq!(before - chain.balance(&alice.account_id()), 1_000_000_000 + 167_248);
}

#[test]
fn wrong_signatures_are_refused() {
    let chain = chain();
    let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
    let right = || Transaction::new(&chain, &alice, 0, transfer(&bob, 1_000));
    let bad_proof = (1_010, "Transaction has a bad signature".to_owned());

    let mut genesis = right();
    genesis.genesis = [7; 32];
    genesis.birth = [7; 32];
    let mut version = right();
    version.spec_version += 1;
    let mut birth = right().mortal(&chain, 64, 0);
    birth.birth = [7; 32];
    let mut flipped = right().sign();
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    let mut other = right().sign();
    // Another account in the place of the signer's.
    other[4..36].copy_from_slice(bob.account_id().as_bytes());
    for (name, bytes) in [
        ("another chain", genesis.sign()),
        ("another runtime", version.sign()),
        ("another birth block", birth.sign()),
        ("another call", flipped),
        ("another signer", other),
    ] {
        assert_eq!(refusal(chain.submit(&bytes).unwrap_err()), bad_proof, "{name}");
    }
    assert_eq!(chain.waiting(), 0);
    chain.submit(&right().sign()).unwrap();
}

#[test]
fn nonces_are_strict() {
    let chain = chain();
    let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
    let at = |nonce| Transaction::new(&chain, &alice, nonce, transfer(&bob, 1_000)).sign();
    let zero = at(0);
    chain.submit(&zero).unwrap();
    let (code, _) = refusal(chain.submit(&zero).unwrap_err());
    assert_eq!(code, 1_013);
    let same = Transaction::new(&chain, &alice, 0, transfer(&bob, 2_000)).sign();
    assert_eq!(refusal(chain.submit(&same).unwrap_err()).0, 1_014);
    chain.advance(1);
    let stale = (1_010, "Transaction is outdated".to_owned());
    assert_eq!(refusal(chain.submit(&zero).unwrap_err()), stale);
    // Ahead of its turn: waits, and goes in together with the one before it.
    chain.submit(&at(2)).unwrap();
    chain.advance(1);
    assert_eq!(chain.waiting(), 1);
    chain.submit(&at(1)).unwrap();
    chain.advance(1);
    assert_eq!(chain.waiting(), 0);
    assert_eq!(nonce(&chain, &alice), 3);
}

#[test]
fn eras_begin_and_end() {
    let chain = chain();
    let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
    chain.advance(10);
    let mortal = |at| {
        Transaction::new(&chain, &alice, 0, transfer(&bob, 1_000)).mortal(&chain, 8, at).sign()
    };
    let from_ten = mortal(10);
    let from_two = mortal(2);
    // Born in block 2, dead in block 10.
    let refused = refusal(chain.submit(&from_two).unwrap_err());
    assert!(
        refused == (1_010, "Transaction has a bad signature".to_owned())
            || refused == (1_010, "Transaction has an ancient birth block".to_owned()),
        "{refused:?}"
    );
    chain.submit(&from_ten).unwrap();
    let fork = chain.fork();
    fork.advance(7);
    // The last block of its era is 17; for block 18 the birth block would be 18 itself.
    assert!(fork.submit(&from_ten).is_err());
    chain.advance(1);
    assert_eq!(nonce(&chain, &alice), 1);
}

#[test]
fn an_era_that_ends_while_waiting_drops_the_transaction() {
    let chain = chain();
    let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
    chain.advance(10);
    let waits = Transaction::new(&chain, &alice, 1, transfer(&bob, 1_000)).mortal(&chain, 8, 10);
    chain.submit(&waits.sign()).unwrap();
    chain.advance(7);
    assert_eq!(chain.waiting(), 1);
    chain.advance(1);
    assert_eq!(chain.waiting(), 0);
    assert_eq!(nonce(&chain, &alice), 0);
}

#[test]
fn fees_need_an_account_with_money() {
    let chain = chain();
    let (nobody, bob) = (keypair("//Nobody"), keypair("//Bob"));
    let payment = (1_010, "Inability to pay some fees (e.g. account balance too low)".to_owned());
    let transaction = Transaction::new(&chain, &nobody, 0, transfer(&bob, 1)).sign();
    assert_eq!(refusal(chain.submit(&transaction).unwrap_err()), payment);
    chain.fund(&nobody.account_id(), 100_000);
    assert_eq!(refusal(chain.submit(&transaction).unwrap_err()), payment);
    chain.fund(&nobody.account_id(), 100_000);
    chain.submit(&transaction).unwrap();
    chain.advance(1);
    assert_eq!(nonce(&chain, &nobody), 1);
}

#[test]
fn both_key_schemes_sign() {
    let chain = chain();
    let bob = keypair("//Bob");
    let ed = Keypair::from_uri("//Ed", Scheme::Ed25519).unwrap();
    chain.fund(&ed.account_id(), 10_000_000_000);
    let transaction = Transaction::new(&chain, &ed, 0, transfer(&bob, 1_000)).sign();
    chain.submit(&transaction).unwrap();
    chain.advance(1);
    assert_eq!(nonce(&chain, &ed), 1);
}

#[test]
fn a_long_payload_is_signed_by_its_hash() {
    let chain = chain();
    let alice = keypair("//Alice");
    let remark = (0u8, 0u8, vec![7u8; 400]).encode();
    chain.submit(&Transaction::new(&chain, &alice, 0, remark).sign()).unwrap();
    chain.advance(1);
    assert_eq!(nonce(&chain, &alice), 1);
}

#[test]
fn the_metadata_hash_may_be_signed() {
    let chain = chain();
    let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
    let digest = chain.interface().metadata_digest().unwrap();
    let mut transaction = Transaction::new(&chain, &alice, 0, transfer(&bob, 1_000));
    transaction.mode = 1;
    transaction.metadata_hash = Some([1; 32]);
    assert!(matches!(
        chain.submit(&transaction.sign()),
        Err(PoolError::Invalid(InvalidTransaction::BadProof))
    ));
    transaction.metadata_hash = Some(digest);
    chain.submit(&transaction.sign()).unwrap();
    chain.advance(1);
    assert_eq!(nonce(&chain, &alice), 1);
}

#[test]
fn a_failed_call_costs_its_fee_and_nothing_else() {
    let chain = chain();
    let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
    let before = (chain.balance(&alice.account_id()), chain.balance(&bob.account_id()));
    let too_much = Transaction::new(&chain, &alice, 0, transfer(&bob, u64::MAX / 2)).sign();
    chain.submit(&too_much).unwrap();
    chain.advance(1);
    let paid = before.0 - chain.balance(&alice.account_id());
    assert_eq!(paid, 54_078 + 112_025 + too_much.len() as u64);
    assert_eq!(chain.balance(&bob.account_id()), before.1);
    assert_eq!(nonce(&chain, &alice), 1);
    let events = chain.storage("System", "Events", &[]).unwrap().unwrap();
    // System.ExtrinsicFailed with a token or module error in extrinsic 1.
    assert!(events.windows(7).any(|w| w == [0, 1, 0, 0, 0, 0, 1]));
}

#[test]
fn fees_can_be_turned_off() {
    let chain = LocalChain::builder().fees(false).build().unwrap();
    let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
    let before = chain.balance(&alice.account_id());
    chain.submit(&Transaction::new(&chain, &alice, 0, transfer(&bob, 1_000)).sign()).unwrap();
    chain.advance(1);
    assert_eq!(before - chain.balance(&alice.account_id()), 1_000);
}

/// The account's nonce as `System.Account` stores it.
pub(crate) fn nonce(chain: &LocalChain, of: &Keypair) -> u32 {
    let key = of.account_id().to_bytes();
    let bytes = chain.storage("System", "Account", &[&key]).unwrap();
    bytes.map_or(0, |bytes| u32::decode(&mut &bytes[..]).unwrap())
}
