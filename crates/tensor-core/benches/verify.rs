//! What verification costs beside schnorrkel itself, alone and in batches.
//!
//! `cargo bench -p tensor-core --bench verify` prints divan's table and then the two ratios that the
//! budget names, taken in alternation in this one run: single verification at most 1.05 times
//! schnorrkel's own, a batch of 32 at least 1.6 times faster per signature.

use std::time::{Duration, Instant};

use divan::{Bencher, black_box};
use tensor_core::key::{
    Claim, KeyCache, Keypair, PublicKey, Scheme, Signature, verify, verify_batch, verify_each,
};

const BATCH: usize = 32;

fn main() {
    divan::main();
    if std::env::args().all(|argument| argument != "--test" && argument != "--list") {
        ratios();
    }
}

struct Signed {
    pair: Keypair,
    key: PublicKey,
    message: Vec<u8>,
    signature: Signature,
}

/// Messages as requests sign them, each of another sender.
fn signed(count: usize, scheme: Scheme) -> Vec<Signed> {
    (0..count)
        .map(|index| {
            let pair = Keypair::from_seed(&[index as u8 + 1; 32], scheme);
            let message =
                format!("{index}.5F3sa2TJAWMqDhXG6jhV4N8ko9SxwGy8TpaNS1repo5EYjQX.{index:064}");
            let signature = pair.sign(message.as_bytes());
            let Ok(key) = PublicKey::new(&pair.account_id(), scheme) else {
                unreachable!("a pair's own account is a key")
            };
            Signed { pair, key, message: message.into_bytes(), signature }
        })
        .collect()
}

fn claims(signed: &[Signed]) -> Vec<Claim<'_>> {
    signed
        .iter()
        .map(|one| Claim { key: &one.key, message: &one.message, signature: &one.signature.bytes })
        .collect()
}

/// The bare library: decoded key, decoded signature bytes, Substrate's context.
struct Bare {
    keys: Vec<schnorrkel::PublicKey>,
    signed: Vec<Signed>,
}

impl Bare {
    fn new(count: usize) -> Self {
        let signed = signed(count, Scheme::Sr25519);
        let keys = signed
            .iter()
            .filter_map(|one| {
                schnorrkel::PublicKey::from_bytes(one.pair.account_id().as_bytes()).ok()
            })
            .collect();
        Self { keys, signed }
    }

    fn verify(&self, index: usize) -> bool {
        let one = &self.signed[index];
        schnorrkel::Signature::from_bytes(&one.signature.bytes).is_ok_and(|signature| {
            self.keys[index].verify_simple(b"substrate", &one.message, &signature).is_ok()
        })
    }
}

#[divan::bench]
fn schnorrkel_itself(bencher: Bencher<'_, '_>) {
    let bare = Bare::new(1);
    bencher.bench(|| black_box(&bare).verify(0));
}

#[divan::bench(args = [Scheme::Sr25519, Scheme::Ed25519])]
fn decoded_key(bencher: Bencher<'_, '_>, scheme: Scheme) {
    let one = &signed(1, scheme)[0];
    bencher.bench(|| black_box(&one.key).verify(&one.message, &one.signature.bytes));
}

#[divan::bench(args = [Scheme::Sr25519, Scheme::Ed25519])]
fn address_decoded_each_time(bencher: Bencher<'_, '_>, scheme: Scheme) {
    let one = &signed(1, scheme)[0];
    let account = one.pair.account_id();
    bencher.bench(|| verify(black_box(&account), &one.message, &one.signature));
}

#[divan::bench]
fn through_the_cache(bencher: Bencher<'_, '_>) {
    let one = &signed(1, Scheme::Sr25519)[0];
    let (account, cache) = (one.pair.account_id(), KeyCache::new(1024));
    bencher.bench(|| cache.verify(black_box(&account), &one.message, &one.signature));
}

#[divan::bench(args = [2, 8, 32, 128])]
fn batch(bencher: Bencher<'_, '_>, count: usize) {
    let signed = signed(count, Scheme::Sr25519);
    let claims = claims(&signed);
    bencher
        .counter(divan::counter::ItemsCount::new(count))
        .bench(|| verify_batch(black_box(&claims)));
}

#[divan::bench]
fn batch_of_32_with_one_forgery(bencher: Bencher<'_, '_>) {
    let mut signed = signed(BATCH, Scheme::Sr25519);
    signed[7].message.push(b'!');
    let claims = claims(&signed);
    bencher
        .counter(divan::counter::ItemsCount::new(BATCH))
        .bench(|| verify_each(black_box(&claims)));
}

#[divan::bench(args = [Scheme::Sr25519, Scheme::Ed25519])]
fn sign(bencher: Bencher<'_, '_>, scheme: Scheme) {
    let one = &signed(1, scheme)[0];
    bencher.bench(|| black_box(&one.pair).sign(&one.message));
}

/// The least time of many alternating rounds: what disturbs one kind disturbs the other as well.
fn ratios() {
    let bare = Bare::new(BATCH);
    let claims = claims(&bare.signed);
    let [mut theirs, mut ours, mut together] = [Duration::MAX; 3];
    for _ in 0..400 {
        theirs = theirs.min(time(|| (0..BATCH).all(|index| black_box(&bare).verify(index))));
        ours = ours.min(time(|| {
            black_box(&claims).iter().all(|claim| claim.key.verify(claim.message, claim.signature))
        }));
        together = together.min(time(|| verify_batch(black_box(&claims))));
    }
    let each = |time: Duration| time.as_secs_f64() * 1e6 / BATCH as f64;
    println!(
        "per signature: schnorrkel {:.2} us, ours {:.2} us, in a batch of {BATCH} {:.2} us",
        each(theirs),
        each(ours),
        each(together)
    );
    println!("verify / schnorrkel = {:.3} (at most 1.05)", each(ours) / each(theirs));
    println!("verify / batch of {BATCH} = {:.2} (at least 1.6)", each(ours) / each(together));
}

fn time(work: impl FnOnce() -> bool) -> Duration {
    let start = Instant::now();
    assert!(work(), "a good signature was refused");
    start.elapsed()
}
