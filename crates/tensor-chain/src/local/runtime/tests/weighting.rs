//! Setting, committing and revealing weights, and commitments.

use parity_scale_codec::{Compact, Encode};

use super::{Bench, Build, Interface, Ruleset, UNIT, account, module};
use crate::local::runtime::{InvalidTransaction, Runtime};

/// A subnet of tempo 10 with four neurons, of which `a` (uid 0) has a permit.
fn four() -> Bench {
    let mut bench = Bench::with(Build::Production, Ruleset::V461);
    bench.fund(&account("author"), UNIT);
    bench.subnet(2, 1_000 * UNIT, 1_000 * UNIT, 10);
    for name in ["a", "b", "c", "d"] {
        bench.seat(2, &account("cold"), &account(name));
    }
    bench.give_stake(&account("a"), &account("cold"), 2, 10 * UNIT);
    bench.run(|runtime, cx| {
        let items = &runtime.items;
        items.stake_threshold.set(cx.state, &0);
        items.validator_permit.set(cx.state, 2, &vec![true, false, false, false]);
        items.subnet_owner_hotkey.set(cx.state, 2, &account("owner-hot"));
    });
    bench
}

fn set(
    bench: &mut Bench,
    who: &str,
    dests: &[u16],
    weights: &[u16],
    key: u64,
) -> Result<(), super::DispatchError> {
    bench.call(&account(who), "set_weights", (2_u16, dests.to_vec(), weights.to_vec(), key))
}

#[test]
fn errors_of_scenario_34_come_in_order() {
    let mut bench = four();
    bench.jump(1_000);
    let on = |bench: &mut Bench, on: bool| {
        bench.run(|runtime, cx| runtime.items.commit_reveal_enabled.set(cx.state, 2, &on));
    };
    on(&mut bench, true);
    assert_eq!(set(&mut bench, "x", &[0, 0], &[1], 0), Err(module("CommitRevealEnabled")));
    on(&mut bench, false);
    assert_eq!(set(&mut bench, "x", &[0, 0], &[1], 0), Err(module("WeightVecNotEqualSize")));
    assert_eq!(
        set(&mut bench, "x", &[0; 5], &[1; 5], 0),
        Err(module("UidsLengthExceedUidsInSubNet"))
    );
    assert_eq!(set(&mut bench, "x", &[0], &[1], 0), Err(module("HotKeyNotRegisteredInSubNet")));
    bench.run(|runtime, cx| runtime.items.weights_version_key.set(cx.state, 2, &2));
    assert_eq!(set(&mut bench, "a", &[1], &[1], 1), Err(module("IncorrectWeightVersionKey")));
    assert_eq!(set(&mut bench, "a", &[1], &[1], 3), Ok(()));
    assert_eq!(set(&mut bench, "d", &[5], &[1], 3), Err(module("NeuronNoValidatorPermit")));
    assert_eq!(set(&mut bench, "d", &[3], &[1], 3), Ok(()));
    assert_eq!(set(&mut bench, "a", &[1, 1], &[1, 1], 3), Err(module("DuplicateUids")));
    assert_eq!(set(&mut bench, "a", &[1, 9], &[1, 1], 3), Err(module("UidVecContainInvalidOne")));
    bench.run(|runtime, cx| runtime.items.min_allowed_weights.set(cx.state, 2, &3));
    assert_eq!(set(&mut bench, "a", &[1, 2], &[1, 1], 3), Err(module("WeightVecLengthIsLow")));
    bench.run(|runtime, cx| runtime.items.commit_reveal_enabled.set(cx.state, 0, &false));
    let root = bench.call(&account("a"), "set_weights", (0_u16, vec![1_u16], vec![1_u16], 3_u64));
    assert_eq!(root, Err(module("CanNotSetRootNetworkWeights")));
    let missing = (2_u16, 1_u8, vec![1_u16], vec![1_u16], 3_u64);
    let missing = bench.call(&account("a"), "set_mechanism_weights", missing);
    assert_eq!(missing, Err(module("MechanismDoesNotExist")));
}

#[test]
fn the_rate_limit_of_scenario_34() {
    let mut bench = four();
    bench.run(|runtime, cx| runtime.items.weights_set_rate_limit.set(cx.state, 2, &100));
    bench.jump(1_000);
    assert_eq!(set(&mut bench, "a", &[1], &[1], 0), Ok(()));
    let call = (2_u16, vec![1_u16], vec![1_u16], 0_u64);
    for (block, passes) in [(1_099, false), (1_100, true)] {
        bench.jump(block);
        let early = bench.validate(&account("a"), "SubtensorModule", "set_weights", call.clone());
        let expected = if passes { Ok(()) } else { Err(InvalidTransaction::Custom(6)) };
        assert_eq!(early, expected);
        let expected = if passes { Ok(()) } else { Err(module("SettingWeightsTooFast")) };
        assert_eq!(set(&mut bench, "a", &[1], &[1], 0), expected);
    }
    bench.run(|runtime, cx| runtime.items.stake_threshold.set(cx.state, &(11 * UNIT)));
    let poor = bench.validate(&account("a"), "SubtensorModule", "set_weights", call);
    assert_eq!(poor, Err(InvalidTransaction::Custom(1)));
    assert_eq!(set(&mut bench, "a", &[1], &[1], 0), Err(module("NotEnoughStakeToSetWeights")));
}

#[test]
fn rows_are_scaled_as_in_scenario_31() {
    let cases: [(&[u16], &[u16]); 4] = [
        (&[1, 2, 3], &[21_845, 43_690, 65_535]),
        (&[40_000, 20_000, 10_000], &[65_535, 32_767, 16_384]),
        (&[100, 0, 50], &[65_535, 0, 32_768]),
        (&[10, 20, 30, 40], &[16_384, 32_768, 49_151, 65_535]),
    ];
    let mut bench = four();
    for (given, expected) in cases {
        let uids: Vec<u16> = (0..given.len() as u16).collect();
        set(&mut bench, "a", &uids, given, 0).unwrap();
        let row = bench.runtime.items.weights.get(&bench.state, (2, 0));
        assert_eq!(row.iter().map(|(_, value)| *value).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn hashes_of_scenario_32() {
    let alice =
        hex::decode("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d").unwrap();
    let alice: [u8; 32] = alice.try_into().unwrap();
    let salt: Vec<u16> = (1..=8).collect();
    let hash = |index| {
        hex::encode(Runtime::weights_commit_hash(
            &alice,
            index,
            &[0, 1],
            &[65_535, 32_768],
            &salt,
            0,
        ))
    };
    assert_eq!(hash(1), "15d1d763685dfce22d8650296059d5767f0932787b33a80c31d996c3d36b6eef");
    assert_eq!(hash(4_097), "f56c91559338c6be700b2c2d0ce59d9bdef46abd0ad6a4406c64fbcb60ea2360");
}

/// Commit-reveal with the clocks of scenario 33.
fn committing() -> Bench {
    let mut bench = four();
    bench.jump(104);
    bench.run(|runtime, cx| {
        let items = &runtime.items;
        items.commit_reveal_enabled.set(cx.state, 2, &true);
        items.last_epoch_block.set(cx.state, 2, &100);
        items.subnet_epoch_index.set(cx.state, 2, &7);
        items.reveal_period.set(cx.state, 2, &1);
    });
    bench.next();
    bench
}

type Reveal = (u16, Vec<u16>, Vec<u16>, Vec<u16>, u64);

fn reveal(salt: u16) -> Reveal {
    (2, vec![1, 2], vec![u16::MAX, 32_768], vec![salt], 0)
}

fn hash(salt: u16) -> [u8; 32] {
    let (_, uids, values, salt, key) = reveal(salt);
    Runtime::weights_commit_hash(&account("a"), 2, &uids, &values, &salt, key)
}

#[test]
fn the_window_of_scenario_33() {
    let a = account("a");
    let mut bench = committing();
    assert_eq!(bench.block, 105);
    bench.call(&a, "commit_weights", (2_u16, hash(1))).unwrap();
    bench.call(&a, "commit_weights", (2_u16, hash(2))).unwrap();
    let early = |bench: &mut Bench, salt| {
        bench.validate(&a, "SubtensorModule", "reveal_weights", reveal(salt))
    };
    bench.advance(4);
    assert_eq!(early(&mut bench, 1), Err(InvalidTransaction::Custom(17)));
    assert_eq!(bench.call(&a, "reveal_weights", reveal(1)), Err(module("RevealTooEarly")));
    bench.next();
    assert_eq!(early(&mut bench, 1), Ok(()));
    assert_eq!(early(&mut bench, 3), Err(InvalidTransaction::Custom(16)));
    let unknown = bench.call(&a, "reveal_weights", reveal(3));
    assert_eq!(unknown, Err(module("InvalidRevealCommitHashNotMatch")));
    bench.call(&a, "commit_weights", (2_u16, hash(4))).unwrap();
    bench.call(&a, "reveal_weights", reveal(1)).unwrap();
    assert_eq!(bench.runtime.items.weights.get(&bench.state, (2, 0)), [(1, 65_535), (2, 32_768)]);
    bench.check();
    bench.advance(10);
    assert_eq!(bench.block, 120);
    assert_eq!(early(&mut bench, 2), Err(InvalidTransaction::Custom(17)));
    assert_eq!(bench.call(&a, "reveal_weights", reveal(2)), Err(module("ExpiredWeightCommit")));
    assert_eq!(early(&mut bench, 4), Ok(()));
}

#[test]
fn commits_have_their_own_errors() {
    let a = account("a");
    let mut bench = committing();
    for salt in 0..10 {
        bench.call(&a, "commit_weights", (2_u16, hash(salt))).unwrap();
    }
    let many = bench.call(&a, "commit_weights", (2_u16, hash(10)));
    assert_eq!(many, Err(module("TooManyUnrevealedCommits")));
    let stranger = bench.call(&account("x"), "commit_weights", (2_u16, hash(1)));
    assert_eq!(stranger, Err(module("HotKeyNotRegisteredInSubNet")));
    bench.run(|runtime, cx| runtime.items.commit_reveal_enabled.set(cx.state, 2, &false));
    let off = bench.call(&a, "commit_weights", (2_u16, hash(1)));
    assert_eq!(off, Err(module("CommitRevealDisabled")));
    assert_eq!(bench.call(&a, "reveal_weights", reveal(1)), Err(module("CommitRevealDisabled")));
    bench.check();
}

#[test]
fn commits_are_revealed_together() {
    let a = account("a");
    let mut bench = committing();
    bench.call(&a, "commit_weights", (2_u16, hash(1))).unwrap();
    bench.call(&a, "commit_weights", (2_u16, hash(2))).unwrap();
    bench.advance(5);
    let (_, uids, values, _, _) = reveal(1);
    let batch = (
        2_u16,
        vec![uids.clone(), uids],
        vec![values.clone(), values],
        vec![vec![1_u16], vec![2]],
        vec![0_u64, 0],
    );
    bench.call(&a, "batch_reveal_weights", batch).unwrap();
    assert!(!bench.runtime.items.weight_commits.contains(&bench.state, (2, a)));
    let batch = (vec![Compact(2_u16), Compact(9)], vec![hash(1), hash(2)]);
    bench.call(&a, "batch_commit_weights", batch).unwrap();
    assert!(bench.event_names().contains(&"SubtensorModule.BatchWeightItemFailed".to_owned()));
    bench.check();
}

/// Opens what the test sealed: the plaintext with every byte turned around.
fn open(sealed: &[u8], _signature: &[u8]) -> Option<Vec<u8>> {
    Some(sealed.iter().map(|byte| !byte).collect())
}

#[test]
fn timelocked_commits_open_when_due() {
    let a = account("a");
    let mut bench = committing();
    let interface = Interface::v461_for(Build::Production).unwrap();
    let runtime = Runtime::new(interface.into(), Ruleset::V461).unwrap();
    bench.runtime = runtime.with_timelock(open).into();
    let seal = |who: [u8; 32], uids: &[u16]| -> Vec<u8> {
        let payload = (who.to_vec(), uids.to_vec(), vec![u16::MAX; uids.len()], 0_u64);
        payload.encode().iter().map(|byte| !byte).collect()
    };
    let good = (2_u16, seal(a, &[3]), 500_u64, 4_u16);
    bench.call(&a, "commit_timelocked_weights", good.clone()).unwrap();
    let stolen = (2_u16, seal(account("b"), &[2]), 500_u64, 4_u16);
    bench.call(&a, "commit_timelocked_weights", stolen).unwrap();
    let version = (2_u16, good.1.clone(), 500_u64, 3_u16);
    let version = bench.call(&a, "commit_timelocked_weights", version);
    assert_eq!(version, Err(module("IncorrectCommitRevealVersion")));
    bench.run(|runtime, cx| runtime.store_pulse(cx, 500, &[1; 32], &[2; 48]));
    bench.advance(4);
    assert!(bench.runtime.items.weights.get(&bench.state, (2, 0)).is_empty());
    bench.next();
    assert_eq!(bench.block, 110);
    assert_eq!(bench.runtime.items.weights.get(&bench.state, (2, 0)), [(3, 65_535)]);
    assert_eq!(bench.runtime.items.subnet_epoch_index.get(&bench.state, 2), 8);
    bench.check();
}

/// `BigRaw` of `length` bytes.
fn info(lengths: &[u32]) -> Vec<u8> {
    let count = Compact(lengths.len() as u32).encode();
    let fields = lengths.iter().flat_map(|length| {
        let tag = if *length <= 128 {
            vec![1 + *length as u8]
        } else {
            [vec![136], Compact(*length).encode()].concat()
        };
        [tag, vec![7; *length as usize]].concat()
    });
    count.into_iter().chain(fields).collect()
}

/// Bytes that are arguments already.
struct Given(Vec<u8>);

impl Encode for Given {
    fn encode_to<T: parity_scale_codec::Output + ?Sized>(&self, dest: &mut T) {
        dest.write(&self.0);
    }
}

#[test]
fn commitments_of_scenario_40() {
    let a = account("a");
    let mut bench = four();
    bench.run(|runtime, cx| runtime.items.last_epoch_block.set(cx.state, 2, &1));
    bench.next();
    let commit = |bench: &mut Bench, lengths: &[u32]| {
        let args = (2_u16, Given(info(lengths)));
        bench.dispatch(
            crate::local::runtime::Origin::Signed(a),
            "Commitments",
            "set_commitment",
            args,
        )
    };
    commit(&mut bench, &[500, 500, 500]).unwrap();
    commit(&mut bench, &[500, 500, 500]).unwrap();
    let full = super::DispatchError::Module { pallet: "Commitments", name: "SpaceLimitExceeded" };
    assert_eq!(commit(&mut bench, &[101]), Err(full));
    commit(&mut bench, &[10]).unwrap();
    assert_eq!(commit(&mut bench, &[1]), Err(full));
    bench.check();
    bench.advance(10);
    commit(&mut bench, &[1]).unwrap();
    bench.check();
}
