//! Where a miner stands on its subnet: [`Standing`], for its operator's metrics.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use tensor_core::miner::{Caller, Miner, Priority, Reject};
use tensor_core::transport::{Request, Response};
use tensor_core::{BlockNumber, Hotkey, Metagraph, Uid};

/// What the chain says of a miner's hotkey, and who of the permit holders asked when.
#[derive(Debug)]
pub(super) struct Standing {
    hotkey: Hotkey,
    seen: Mutex<Option<Seen>>,
    /// For each validator with a permit the unix time of its last request, 0 before the first.
    asked: Mutex<BTreeMap<Hotkey, u64>>,
    is_lost: AtomicBool,
    losses: AtomicU64,
    publications: AtomicU64,
}

/// One look at the chain.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Seen {
    block: BlockNumber,
    neurons: usize,
    place: Option<Place>,
}

/// A neuron's place.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Place {
    uid: Uid,
    /// How many neurons would be replaced before this one.
    pruning_rank: usize,
    immunity_blocks_left: u64,
    /// At the last epoch's rate.
    alpha_per_day: f64,
    incentive: f64,
}

impl Standing {
    pub(super) fn new(hotkey: Hotkey) -> Self {
        Self {
            hotkey,
            seen: Mutex::new(None),
            asked: Mutex::default(),
            is_lost: AtomicBool::new(false),
            losses: AtomicU64::new(0),
            publications: AtomicU64::new(0),
        }
    }

    /// Takes over what the metagraph says.
    pub(super) fn update(&self, graph: &Metagraph, immunity_period: u16) {
        if self.is_lost.swap(false, Ordering::Relaxed) {
            eprintln!("miner: the chain answers again, at block {}", graph.block());
        }
        let place = place(graph, &self.hotkey, immunity_period);
        let seen = Seen { block: graph.block(), neurons: graph.len(), place };
        let before = lock(&self.seen).replace(seen);
        let was_registered = before.is_none_or(|before| before.place.is_some());
        if was_registered && place.is_none() {
            eprintln!("miner: {} lost its place on subnet {}", self.hotkey, graph.netuid());
        }
        let mut asked = lock(&self.asked);
        let holders = graph.neurons().filter(|neuron| neuron.validator_permit);
        *asked = holders
            .map(|neuron| (neuron.hotkey, asked.get(&neuron.hotkey).copied().unwrap_or(0)))
            .collect();
    }

    /// Counts a look at the chain that failed, and says so if the last one had not.
    pub(super) fn lost(&self, why: &str) {
        self.losses.fetch_add(1, Ordering::Relaxed);
        if !self.is_lost.swap(true, Ordering::Relaxed) {
            eprintln!("miner: serving on with what was known of the chain, for it is gone: {why}");
        }
    }

    /// Counts a publication of the address.
    pub(super) fn published(&self, block: BlockNumber) {
        self.publications.fetch_add(1, Ordering::Relaxed);
        eprintln!("miner: the address is published, in block {block}");
    }

    fn note(&self, caller: &Hotkey) {
        // Only permit holders have a place here, so strangers cannot fill it.
        if let Some(last) = lock(&self.asked).get_mut(caller) {
            *last = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        }
    }

    /// The numbers in Prometheus' text format; nothing before the first look at a chain.
    pub(super) fn to_prometheus(&self) -> String {
        let mut out = String::new();
        let Some(seen) = *lock(&self.seen) else { return out };
        let mut number = |name: &str, kind: &str, value: f64| {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "# TYPE miner_{name} {kind}\nminer_{name} {value}");
        };
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed) as f64;
        number("chain_block", "gauge", seen.block.value() as f64);
        number("chain_losses_total", "counter", count(&self.losses));
        number("publications_total", "counter", count(&self.publications));
        number("subnet_neurons", "gauge", seen.neurons as f64);
        number("registered", "gauge", f64::from(u8::from(seen.place.is_some())));
        if let Some(place) = seen.place {
            number("uid", "gauge", f64::from(place.uid.value()));
            number("pruning_rank", "gauge", place.pruning_rank as f64);
            number("immunity_blocks_left", "gauge", place.immunity_blocks_left as f64);
            number("alpha_per_day", "gauge", place.alpha_per_day);
            number("incentive", "gauge", place.incentive);
        }
        let asked = lock(&self.asked);
        if !asked.is_empty() {
            let _ = writeln!(out, "# TYPE miner_last_request_seconds gauge");
        }
        for (hotkey, last) in asked.iter() {
            let _ = writeln!(out, "miner_last_request_seconds{{hotkey=\"{hotkey}\"}} {last}");
        }
        out
    }
}

/// A hotkey's place, if it has one.
fn place(graph: &Metagraph, hotkey: &Hotkey, immunity_period: u16) -> Option<Place> {
    let me = graph.by_hotkey(hotkey)?;
    let block = graph.block().value();
    let left = |registered: BlockNumber| {
        (registered.value() + u64::from(immunity_period)).saturating_sub(block)
    };
    // Who earns least is replaced first, of equals the oldest; the immune after all others.
    let order = |uid: Uid| {
        graph.neuron(uid).map(|neuron| {
            (left(neuron.registered_at) > 0, neuron.emission, neuron.registered_at, uid)
        })
    };
    let mine = order(me.uid);
    let before = graph.neurons().filter(|neuron| order(neuron.uid) < mine).count();
    let blocks_per_epoch = f64::from(graph.tempo().value()) + 1.0;
    Some(Place {
        uid: me.uid,
        pruning_rank: before,
        immunity_blocks_left: left(me.registered_at),
        alpha_per_day: me.emission.rao() as f64 / 1e9 * BLOCKS_PER_DAY / blocks_per_epoch,
        incentive: me.incentive.to_f64_lossy(),
    })
}

/// Of twelve seconds each.
const BLOCKS_PER_DAY: f64 = 7_200.0;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A miner that notes when each permit holder asked last.
pub(super) struct Attended<M> {
    miner: M,
    standing: Arc<Standing>,
}

impl<M: Miner> Attended<M> {
    pub(super) const fn new(miner: M, standing: Arc<Standing>) -> Self {
        Self { miner, standing }
    }
}

#[async_trait]
impl<M: Miner> Miner for Attended<M> {
    async fn handle(&self, caller: &Caller, request: Request) -> Result<Response, Reject> {
        self.standing.note(&caller.hotkey);
        self.miner.handle(caller, request).await
    }

    fn admit(&self, caller: &Caller) -> Result<Priority, Reject> {
        self.miner.admit(caller)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tensor_core::metagraph::Neuron;
    use tensor_core::{Alpha, Coldkey, NetUid, Tempo};

    fn hotkey(byte: u8) -> Hotkey {
        Hotkey::from_bytes([byte; 32])
    }

    #[test]
    fn the_place_is_that_of_the_metagraph() {
        let rows = [(5, 0, true), (1_000_000_000, 0, false), (3, 0, false), (0, 95, false)];
        let neurons = rows.into_iter().enumerate().map(|(uid, (emission, registered, permit))| {
            let uid = u8::try_from(uid).unwrap();
            let coldkey = Coldkey::from_bytes([9; 32]);
            let mut neuron = Neuron::new(Uid::new(uid.into()), hotkey(uid), coldkey);
            neuron.emission = Alpha::from_rao(emission);
            neuron.registered_at = BlockNumber::new(registered);
            neuron.validator_permit = permit;
            neuron
        });
        let (netuid, block) = (NetUid::new(1), BlockNumber::new(100));
        let graph = Metagraph::new(netuid, block, Tempo::new(99), neurons).unwrap();
        let rank = |byte| place(&graph, &hotkey(byte), 10).unwrap().pruning_rank;
        assert_eq!([0, 1, 2, 3].map(rank), [1, 2, 0, 3], "the immune one is last");
        let place = place(&graph, &hotkey(1), 10).unwrap();
        assert_eq!((place.alpha_per_day, place.immunity_blocks_left), (72.0, 0));

        let standing = Standing::new(hotkey(3));
        assert_eq!(standing.to_prometheus(), "");
        standing.update(&graph, 10);
        standing.note(&hotkey(0));
        standing.note(&hotkey(1));
        let text = standing.to_prometheus();
        for line in ["miner_registered 1", "miner_uid 3", "miner_immunity_blocks_left 5"] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        let asked: Vec<_> = text.lines().filter(|line| line.contains("hotkey=")).collect();
        assert_eq!(asked.len(), 1, "{text}");
        assert!(!asked[0].ends_with(" 0"), "{text}");
    }
}
