//! Long random sequences of calls: whatever they do, every block must balance, and two chains that get the same calls must stay the same.

use parity_scale_codec::{Compact, Encode};

use super::{Account, Bench, DecodedCall, Ruleset, UNIT, account, address, compact};
use crate::local::runtime::Origin;

/// A small generator of numbers (xorshift64*), so that a seed names a sequence for good.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16) % sides
    }

    fn person(&mut self) -> Account {
        let who = self.roll(6);
        account(&format!("person{who}"))
    }

    fn hotkey(&mut self) -> Account {
        let who = self.roll(9);
        account(&format!("hotkey{who}"))
    }

    fn netuid(&mut self) -> u16 {
        [0, 1, 2, 2, 2, 2, 3, 3, 3, 4][self.roll(10) as usize]
    }

    /// Amounts of every size, round and odd, small and far too large.
    fn amount(&mut self) -> u64 {
        match self.roll(12) {
            0 => self.roll(3_000_000),
            1 => self.roll(2_000) * UNIT,
            2 => u64::MAX,
            _ => self.roll(40 * UNIT),
        }
    }

    fn limit(&mut self) -> u64 {
        self.roll(3 * UNIT)
    }
}

fn world(ruleset: Ruleset) -> Bench {
    let mut bench = Bench::new(ruleset);
    bench.fund(&account("author"), UNIT);
    for person in 0..6 {
        bench.fund(&account(&format!("person{person}")), 3_000 * UNIT);
    }
    for (netuid, tao, alpha) in [(2, 1_000 * UNIT, 1_000 * UNIT), (3, 50 * UNIT, 900 * UNIT)] {
        bench.subnet(netuid, tao, alpha, 7);
        bench.run(|runtime, cx| {
            let items = &runtime.items;
            items.first_emission_block.set(cx.state, netuid, &1);
            items.network_registration_allowed.set(cx.state, netuid, &true);
            items.subnet_emission_enabled.set(cx.state, netuid, &true);
            items.immunity_period.set(cx.state, netuid, &20);
            items.max_allowed_uids.set(cx.state, netuid, &5);
            items.stake_threshold.set(cx.state, &0);
            items.network_rate_limit.set(cx.state, &5);
        });
        bench.seat(netuid, &account("owner"), &account("owner-hot"));
    }
    for pair in 0..4 {
        let (cold, hot) = (account(&format!("person{pair}")), account(&format!("hotkey{pair}")));
        bench.seat(2 + pair % 2, &cold, &hot);
    }
    bench
}

/// One call and who signs it.
fn call(dice: &mut Dice, bench: &Bench) -> (Account, Vec<u8>) {
    let (who, hot, netuid) = (dice.person(), dice.hotkey(), dice.netuid());
    let (amount, other, to) = (dice.amount(), dice.hotkey(), dice.netuid());
    let sub = |name: &str, args: &dyn Fn(&mut Vec<u8>)| -> Vec<u8> {
        let mut bytes = Vec::new();
        args(&mut bytes);
        bench.encode("SubtensorModule", name, &Given(bytes))
    };
    let limit = dice.limit();
    let partial = dice.roll(2) == 0;
    let call = match dice.roll(30) {
        0..4 => sub("add_stake", &|out| (hot, netuid, amount).encode_to(out)),
        4..6 => sub("remove_stake", &|out| (hot, netuid, amount).encode_to(out)),
        6 => sub("add_stake_limit", &|out| (hot, netuid, amount, limit, partial).encode_to(out)),
        7 => sub("remove_stake_limit", &|out| (hot, netuid, amount, limit, partial).encode_to(out)),
        8..12 => sub("burned_register", &|out| (netuid, hot).encode_to(out)),
        12 => sub("register_limit", &|out| (netuid, hot, limit).encode_to(out)),
        13 => sub("move_stake", &|out| (hot, other, netuid, to, amount).encode_to(out)),
        14 => sub("swap_stake", &|out| (hot, netuid, to, amount).encode_to(out)),
        15 => {
            sub("transfer_stake", &|out| (dice_free(other), hot, netuid, to, amount).encode_to(out))
        }
        16 => sub("unstake_all", &|out| hot.encode_to(out)),
        17 => sub("unstake_all_alpha", &|out| hot.encode_to(out)),
        18 => sub("recycle_alpha", &|out| (hot, amount, netuid).encode_to(out)),
        19 => sub("burn_alpha", &|out| (hot, amount, netuid).encode_to(out)),
        20 => sub("root_register", &|out| hot.encode_to(out)),
        21..24 => {
            let n = bench.runtime.items.subnetwork_n.get(&bench.state, netuid);
            let dests: Vec<u16> = (0..n).filter(|_| dice.roll(2) == 0).collect();
            let weights: Vec<u16> = dests.iter().map(|_| dice.roll(65_536) as u16).collect();
            let row = sub("set_weights", &|out| (netuid, &dests, &weights, 0_u64).encode_to(out));
            return (hot, row);
        }
        24 => {
            let children = vec![(dice.roll(u64::MAX), other)];
            sub("set_children", &|out| (hot, netuid, &children).encode_to(out))
        }
        25 => sub("increase_take", &|out| (hot, dice_take(amount)).encode_to(out)),
        26 => sub("register_network", &|out| hot.encode_to(out)),
        27 => bench.encode(
            "Balances",
            "transfer_allow_death",
            &(address(&dice.person()), compact(amount)),
        ),
        28 => bench.encode("Balances", "transfer_all", &(address(&dice.person()), partial)),
        _ => {
            let first = bench.encode("SubtensorModule", "add_stake", &(hot, netuid, amount));
            let second =
                bench.encode("SubtensorModule", "remove_stake", &(hot, netuid, amount / 2));
            let mut bytes = Compact(2_u32).encode();
            bytes.extend([first, second].concat());
            let name = if partial { "batch" } else { "batch_all" };
            bench.encode("Utility", name, &Given(bytes))
        }
    };
    (who, call)
}

fn dice_free(hot: Account) -> Account {
    // Some hotkeys are accounts of their own as well.
    hot
}

fn dice_take(amount: u64) -> u16 {
    (amount % 14_000) as u16
}

/// Bytes that are encoded already.
struct Given(Vec<u8>);

impl Encode for Given {
    fn encode_to<T: parity_scale_codec::Output + ?Sized>(&self, dest: &mut T) {
        dest.write(&self.0);
    }
}

/// Plays a sequence; returns how many calls succeeded and the bytes of the chain.
fn play(ruleset: Ruleset, seed: u64, blocks: u64, check: bool) -> (usize, [u8; 32]) {
    let mut bench = world(ruleset);
    let mut dice = Dice(seed);
    let (mut done, mut root) = (0, [0; 32]);
    for block in 0..blocks {
        bench.next();
        for _ in 0..dice.roll(6) {
            let (who, bytes) = call(&mut dice, &bench);
            let parsed = DecodedCall::parse(&bytes).unwrap();
            let before = (!check).then(|| bench.state.chain_root(&root));
            let result =
                bench.run(|runtime, cx| runtime.dispatch(cx, Origin::Signed(who), &parsed));
            match (result, before) {
                (Ok(_), _) => done += 1,
                (Err(_), Some(before)) => assert_eq!(before, bench.state.chain_root(&root)),
                (Err(_), None) => {}
            }
        }
        if check && (block % 5 == 0 || block + 1 == blocks) {
            bench.check();
        } else if check {
            bench.check_ledgers();
        }
        root = bench.state.chain_root(&root);
    }
    (done, root)
}

#[test]
fn ledgers_close_after_every_block_of_random_calls() {
    for (seed, ruleset) in
        [(1, Ruleset::V461), (2, Ruleset::V461), (3, Ruleset::V425), (4, Ruleset::V425)]
    {
        let (done, _) = play(ruleset, seed * 0x9E37_79B9, 500, true);
        assert!(done > 250, "only {done} calls did anything");
    }
}

#[test]
fn equal_sequences_give_equal_chains() {
    let first = play(Ruleset::V461, 77, 120, false);
    assert_eq!(first, play(Ruleset::V461, 77, 120, false));
    assert_ne!(first.1, play(Ruleset::V461, 78, 120, false).1);
}
