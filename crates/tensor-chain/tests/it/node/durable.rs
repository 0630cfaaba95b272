//! A chain in a folder: it goes on where it was, its hash chains hold, and what does not fit is refused.

use std::path::Path;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use tensor_chain::local::{
    DataDir, DurableError, LocalChain, LocalChainBuilder, Preset, pool::PoolError,
};

use super::signing::{Transaction, keypair, transfer};

const STATE: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("state");
const META: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("meta");

fn builder() -> LocalChainBuilder {
    LocalChain::builder().seed(3).history(50)
}

fn open(folder: &Path) -> Result<LocalChain, DurableError> {
    builder().open(DataDir::open(folder)?)
}

/// A transfer in a block of its own, and an epoch's worth of blocks. The same bytes for all, since no
/// two signatures are alike.
fn live(chains: &[&LocalChain], nonce: u32) {
    let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
    let call = transfer(&bob, 1_000 + u64::from(nonce));
    let signed = Transaction::new(chains[0], &alice, nonce, call).sign();
    for chain in chains {
        chain.submit(&signed).unwrap();
        chain.advance(12);
    }
}

fn heads(chain: &LocalChain) -> Vec<Option<[u8; 32]>> {
    (0..=chain.block_number()).map(|number| chain.block_hash(number)).collect()
}

#[test]
fn a_chain_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    // The same life in memory, uninterrupted.
    let twin = builder().build().unwrap();
    for round in 0..6u32 {
        let chain = open(folder.path()).unwrap();
        assert_eq!(heads(&chain), heads(&twin));
        assert_eq!(chain.oldest_number(), twin.oldest_number());
        assert_eq!(chain.finalized_number(), twin.finalized_number());
        assert_eq!(chain.now_ms(), twin.now_ms());
        assert!(chain.invariants().hold(), "{:?}", chain.invariants());
        for chain in [&chain, &twin] {
            // Writes outside any block: their order, and that a key may be written twice, count.
            chain.fund(&keypair("//Dave").account_id(), 5);
            chain.fund(&keypair("//Dave").account_id(), u64::from(round));
            chain.set_time(chain.now_ms() + 60_000);
        }
        live(&[&chain, &twin], round);
    }
    let chain = open(folder.path()).unwrap();
    assert_eq!(heads(&chain), heads(&twin));
    for number in chain.oldest_number()..=chain.block_number() {
        assert_eq!(chain.extrinsics(number), twin.extrinsics(number));
        for item in ["Number", "Events", "Digest"] {
            let read = |chain: &LocalChain| chain.storage_at(number, "System", item, &[]).unwrap();
            assert_eq!(read(&chain), read(&twin), "{item} at {number}");
        }
    }
    let balance = |chain: &LocalChain| chain.balance(&keypair("//Dave").account_id());
    assert_eq!(balance(&chain), balance(&twin));
}

#[test]
fn a_chain_from_memory_is_written_whole_and_may_go_back() {
    let folder = tempfile::tempdir().unwrap();
    let chain = builder().build().unwrap();
    live(&[&chain], 0);
    chain.fund(&keypair("//Dave").account_id(), 7);
    let snapshot = chain.snapshot();
    chain.keep_in(DataDir::open(folder.path()).unwrap()).unwrap();
    live(&[&chain], 1);
    let head = chain.block_hash(chain.block_number());
    drop(chain);
    let chain = open(folder.path()).unwrap();
    assert_eq!(chain.block_hash(chain.block_number()), head);
    chain.restore(&snapshot);
    chain.advance(1);
    let heads_then = heads(&chain);
    drop(chain);
    assert_eq!(heads(&open(folder.path()).unwrap()), heads_then);
    let refused = builder().build().unwrap().keep_in(DataDir::open(folder.path()).unwrap());
    assert!(matches!(refused, Err(DurableError::NotEmpty { .. })), "{refused:?}");
}

#[test]
fn another_chain_is_refused_by_what_differs() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    let with = |builder: LocalChainBuilder| builder.open(DataDir::open(folder.path()).unwrap());
    let dave = keypair("//Dave").account_id();
    for (other, expected) in [
        (builder().preset(Preset::Localnet), "preset"),
        (builder().seed(4), "seed"),
        (builder().block_time_ms(100), "block time"),
        (builder().fund(dave, 1), "genesis block"),
    ] {
        match with(other) {
            Err(DurableError::OtherChain { what, .. }) => assert_eq!(what, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
    // What only concerns this run may be another.
    assert!(with(builder().genesis_ms(1).history(9).finality_lag(2).author(None)).is_ok());
}

#[test]
fn a_folder_is_for_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path()).unwrap();
    assert!(matches!(open(folder.path()), Err(DurableError::Locked { .. })));
    drop(chain);
    assert!(open(folder.path()).is_ok());
}

#[test]
fn what_is_no_sound_chain_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path()).unwrap();
    chain.advance(5);
    drop(chain);
    let file = folder.path().join("chain.redb");
    let change = |key: &[u8], value: &[u8]| {
        let database = Database::create(&file).unwrap();
        let tx = database.begin_write().unwrap();
        tx.open_table(STATE).unwrap().insert(key, value).unwrap();
        tx.commit().unwrap();
    };
    // Any value of the state, changed behind the chain's back.
    let (key, value) = {
        let database = Database::create(&file).unwrap();
        let table = database.begin_read().unwrap().open_table(STATE).unwrap();
        let entry = table.iter().unwrap().nth(7).unwrap().unwrap();
        (entry.0.value().to_vec(), entry.1.value().to_vec())
    };
    let mut wrong = value.clone();
    wrong[0] ^= 1;
    change(&key, &wrong);
    assert!(matches!(open(folder.path()), Err(DurableError::Corrupt { .. })));
    change(&key, &value);
    assert_eq!(open(folder.path()).unwrap().block_number(), 5);

    let database = Database::create(&file).unwrap();
    let tx = database.begin_write().unwrap();
    let version = 99u32.to_le_bytes();
    tx.open_table(META).unwrap().insert("schema", version.as_slice()).unwrap();
    tx.commit().unwrap();
    drop(database);
    let refused = open(folder.path());
    assert!(
        matches!(refused, Err(DurableError::Schema { found: 99, known: 1, .. })),
        "{refused:?}"
    );

    std::fs::write(&file, "no database").unwrap();
    assert!(matches!(open(folder.path()), Err(DurableError::Corrupt { .. })));
    let not_a_folder = DataDir::open(&file);
    assert!(matches!(not_a_folder, Err(DurableError::Io { .. })), "{not_a_folder:?}");
}

#[test]
fn a_kept_chain_keeps_its_interface() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path()).unwrap();
    let next = tensor_chain::local::Interface::clone(&chain.interface());
    let next = next.with_spec_version(462).unwrap();
    assert!(chain.upgrade(next).is_err());
    chain.advance(1);
    assert_eq!(chain.failure().map(|error| error.to_string()), None);
    let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
    let signed = Transaction::new(&chain, &alice, 9, transfer(&bob, 1));
    assert!(!matches!(chain.submit(&signed.sign()), Err(PoolError::Halted)));
}
