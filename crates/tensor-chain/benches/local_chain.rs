//! How fast the local chain goes, against the budgets of the design: `cargo bench -p tensor-chain
//! --features local --bench local_chain`.
//!
//! Four figures: blocks per second with one subnet of 256 neurons between its epochs, signed
//! transfers per second on one core (decoding, signature, pool, block, events), and the time of one
//! epoch of that subnet, and a day of a whole network: 64 subnets of 256 neurons with weights, 7,200
//! blocks with an epoch each 360, with what the process holds at its end. All are times on the processor, where the system tells them. `-- --test` runs each briefly, to see that it runs;
//! `-- day` runs the last alone, `-- whale` the same with one coldkey behind all neurons.

#![allow(clippy::unwrap_used, reason = "a bench that cannot set up its chain has nothing to say")]

#[path = "parts/subnet.rs"]
mod subnet;

use std::time::{Duration, Instant};

use parity_scale_codec::{Compact, Encode};
use tensor_chain::local::LocalChain;
use tensor_core::key::{Keypair, Scheme};

use subnet::{Coldkeys, set_up_subnet};

fn main() {
    let brief = std::env::args().any(|arg| arg == "--test");
    for (name, coldkeys) in [("day", Coldkeys::OneEach), ("whale", Coldkeys::OneForAll)] {
        if std::env::args().any(|arg| arg == name) {
            return day(64, 7_200, coldkeys);
        }
    }
    blocks(if brief { 100 } else { 200_000 });
    transfers(if brief { 10 } else { 10_000 });
    epochs(if brief { 1 } else { 50 });
    #[cfg(feature = "durable")]
    kept(if brief { 10 } else { 2_000 });
    let (subnets, count) = if brief { (2, 10) } else { (64, 7_200) };
    day(subnets, count, Coldkeys::OneEach);
    day(subnets, count, Coldkeys::OneForAll);
}

/// A day of a network.
fn day(subnets: u16, blocks: u64, coldkeys: Coldkeys) {
    let chain = LocalChain::builder().build().unwrap();
    for netuid in 1..=subnets {
        set_up_subnet(&chain, netuid, 256, 360, coldkeys);
    }
    let took = time(|| chain.advance(blocks));
    let whose = match coldkeys {
        Coldkeys::OneEach => "",
        Coldkeys::OneForAll => ", one coldkey",
    };
    let name = format!("{blocks} blocks, {subnets} subnets of 256 neurons{whose}");
    println!("{name:<48} {:>12.1} s", took.as_secs_f64());
    if let Some(mib) = resident_mib() {
        println!("{:<48} {mib:>12} MiB", "resident after it, 4,096 blocks of history");
    }
    forks(&chain, 200);
}

/// Forks of that network, each with a block of its own.
fn forks(chain: &LocalChain, count: u32) {
    // Past the blocks in which all those epochs run.
    chain.advance(5);
    drop(chain.fork());
    let took = time(|| (0..count).for_each(|_| drop(chain.fork())));
    let own = time(|| (0..count).for_each(|_| chain.fork().advance(1)));
    let each = |took: Duration| took.as_secs_f64() * 1_000.0 / f64::from(count);
    println!("{:<48} {:>12.3} ms each", "forks of it", each(took));
    println!("{:<48} {:>12.3} ms each", "forks of it that make a block", each(own));
}

fn resident_mib() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4 / 1_024)
}

/// Blocks with a subnet of 256 neurons and no epoch.
fn blocks(count: u64) {
    let chain = with_neurons(256, u16::MAX);
    report("blocks, one subnet of 256 neurons, no epoch", count, || chain.advance(count));
}

/// Blocks and transfers of a chain in a folder: by the clock, since it is the disk that they wait for.
#[cfg(feature = "durable")]
fn kept(count: u32) {
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let dir = tensor_chain::local::DataDir::open(folder.path()).unwrap();
        LocalChain::builder().history(usize::MAX).open(dir).unwrap()
    };
    let chain = open();
    let start = Instant::now();
    chain.advance(u64::from(count));
    let each = start.elapsed() / count;
    println!("{:<48} {:>12.2} ms each", "blocks in a folder, empty", each.as_secs_f64() * 1_000.0);
    let alice = Keypair::from_uri("//Alice", Scheme::Sr25519).unwrap();
    let transactions: Vec<_> = (0..count).map(|nonce| transfer(&chain, &alice, nonce)).collect();
    let start = Instant::now();
    for batch in transactions.chunks(100) {
        for transaction in batch {
            let _: [u8; 32] = chain.submit(transaction).unwrap();
        }
        chain.advance(1);
    }
    let per_second = f64::from(count) / start.elapsed().as_secs_f64();
    println!("{:<48} {per_second:>12.0} per second", "transfers in a folder, 100 to a block");
    let head = chain.block_number();
    drop(chain);
    let start = Instant::now();
    assert_eq!(open().block_number(), head);
    let took = start.elapsed().as_secs_f64();
    println!("{:<48} {took:>12.2} s", format!("opening a folder of {head} blocks"));
}

/// Transfers from one signer to another, a block for each thousand.
fn transfers(count: u32) {
    let chain = LocalChain::builder().build().unwrap();
    let alice = Keypair::from_uri("//Alice", Scheme::Sr25519).unwrap();
    let transactions: Vec<_> = (0..count).map(|nonce| transfer(&chain, &alice, nonce)).collect();
    report("signed transfers, submitted and included", u64::from(count), || {
        for batch in transactions.chunks(1_000) {
            for transaction in batch {
                chain.submit(transaction).unwrap();
            }
            chain.advance(1);
        }
        assert_eq!(chain.waiting(), 0);
    });
}

/// Epochs of a subnet of 256 neurons in which 64 validators have weights on everybody.
fn epochs(count: u64) {
    let chain = with_neurons(256, 1);
    let with = time(|| chain.advance(count));
    let chain = with_neurons(256, u16::MAX);
    let without = time(|| chain.advance(count));
    let each = with.saturating_sub(without) / u32::try_from(count).unwrap();
    println!("{:<48} {:>12.3} ms each", "epoch step, 256 neurons", each.as_secs_f64() * 1_000.0);
}

fn report(name: &str, count: u64, run: impl FnOnce()) {
    let took = time(run);
    let rate = count as f64 / took.as_secs_f64();
    println!("{name:<48} {rate:>12.0} per second");
}

/// Time on the processor, so that a busy machine does not count; by the clock where the system does
/// not tell it.
fn time(run: impl FnOnce()) -> Duration {
    let (clock, cpu) = (Instant::now(), cpu_time());
    run();
    match (cpu, cpu_time()) {
        (Some(before), Some(after)) => after - before,
        _ => clock.elapsed(),
    }
}

fn cpu_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

fn transfer(chain: &LocalChain, signer: &Keypair, nonce: u32) -> Vec<u8> {
    let mut call = vec![5u8, 3, 0];
    call.extend([7; 32]);
    Compact(1_000u64).encode_to(&mut call);
    let mut extra = vec![0u8];
    Compact(nonce).encode_to(&mut extra);
    extra.extend([0, 0]);
    let mut payload = [call.as_slice(), &extra].concat();
    chain.interface().version().spec_version.encode_to(&mut payload);
    1u32.encode_to(&mut payload);
    payload.extend(chain.genesis_hash());
    payload.extend(chain.genesis_hash());
    payload.push(0);
    let mut body = vec![0x84, 0];
    body.extend(signer.account_id().to_bytes());
    body.push(1);
    body.extend(signer.sign(&payload).bytes);
    body.extend(extra);
    body.extend(call);
    body.encode()
}

/// A chain whose subnet 1 runs, with this many neurons: all have stake, 64 have weights on everybody.
fn with_neurons(count: u16, tempo: u16) -> LocalChain {
    let chain = LocalChain::builder().build().unwrap();
    set_up_subnet(&chain, 1, count, tempo, Coldkeys::OneEach);
    chain
}
