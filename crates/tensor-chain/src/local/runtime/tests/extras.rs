//! Crowdloans, Ethereum addresses of neurons, voting power.

use k256::ecdsa::SigningKey;
use parity_scale_codec::{Compact, Encode};
use tensor_core::account::AccountId;

use super::{
    Account, Bench, InvalidTransaction, Origin, Ruleset, UNIT, account, address, compact, module,
};
use crate::local::runtime::DispatchError;
use crate::local::runtime::crowdloan::funds_account;
use crate::local::runtime::error::RawBytes;
use crate::local::runtime::evm::proof_hash;

/// Deposit, least contribution and cap in tenths of a TAO, and the last block.
type Terms = (u64, u64, u64, u32);

fn bench() -> Bench {
    let mut bench = Bench::new(Ruleset::V461);
    for who in ["author", "ann", "ben", "cem", "dot"] {
        bench.fund(&account(who), 1_000 * UNIT);
    }
    bench.jump(10);
    bench
}

impl Bench {
    fn crowdloan(&mut self, who: &str, name: &str, args: impl Encode) -> Result<(), DispatchError> {
        self.dispatch(Origin::Signed(account(who)), "Crowdloan", name, args)
    }

    fn create(
        &mut self,
        (deposit, min, cap, end): Terms,
        call: Option<Vec<u8>>,
        target: Option<Account>,
    ) -> Result<(), DispatchError> {
        let tenth = |amount: u64| compact(amount * UNIT / 10);
        let call = match call {
            None => RawBytes(vec![0]),
            Some(call) => RawBytes([vec![1], call].concat()),
        };
        let args = (tenth(deposit), tenth(min), tenth(cap), Compact(end), call, target);
        self.crowdloan("ann", "create", args)
    }
}

fn fails(name: &'static str) -> Result<(), DispatchError> {
    Err(DispatchError::Module { pallet: "Crowdloan", name })
}

#[test]
fn a_crowdloan_is_created_within_bounds() {
    let mut bench = bench();
    let cem = Some(account("cem"));
    let call = Some(vec![0, 0, 0]);
    for (terms, error) in [
        ((99, 1, 200, 100), "DepositTooLow"),
        ((100, 1, 100, 100), "CapTooLow"),
        ((100, 0, 200, 100), "MinimumContributionTooLow"),
        ((100, 1, 200, 10), "CannotEndInPast"),
        ((100, 1, 200, 59), "BlockDurationTooShort"),
        ((100, 1, 200, 20_011), "BlockDurationTooLong"),
        ((20_000, 1, 30_000, 100), "InsufficientBalance"),
    ] {
        assert_eq!(bench.create(terms, None, cem), fails(error), "{terms:?}");
    }
    let good = (100, 1, 200, 60);
    assert_eq!(bench.create(good, None, None), fails("InvalidFinalizationConfig"));
    assert_eq!(bench.create(good, call.clone(), cem), fails("InvalidFinalizationConfig"));
    assert_eq!(bench.create(good, None, cem), Ok(()));
    assert_eq!(bench.create(good, call, None), Ok(()));
    assert_eq!(bench.free(&account("ann")), 980 * UNIT);
    assert_eq!(bench.free(&funds_account(1)), 10 * UNIT);
    // The account of a pallet's child, as the chain derives it: "modl", the pallet's id, the index.
    let funds = AccountId::from_bytes(funds_account(1)).to_string();
    assert_eq!(&hex::encode(funds_account(1))[..32], "6d6f646c62742f636c6f616e01000000", "{funds}");
    bench.check();
}

#[test]
fn a_crowdloan_that_is_full_pays_and_one_that_is_not_gives_back() {
    let mut bench = bench();
    let cem = account("cem");
    bench.create((100, 5, 200, 500), None, Some(cem)).unwrap();
    let give = |id: u32, tenths: u64| (Compact(id), compact(tenths * UNIT / 10));
    let id = Compact(0_u32);
    assert_eq!(bench.crowdloan("ben", "contribute", give(0, 4)), fails("ContributionTooLow"));
    assert_eq!(bench.crowdloan("ben", "contribute", give(7, 40)), fails("InvalidCrowdloanId"));
    bench.crowdloan("ben", "contribute", give(0, 60)).unwrap();
    assert_eq!(bench.crowdloan("ann", "finalize", id), fails("CapNotRaised"));
    // More than is left is cut to what is left.
    bench.crowdloan("dot", "contribute", give(0, 500)).unwrap();
    assert_eq!(bench.free(&account("dot")), 996 * UNIT);
    assert_eq!(bench.crowdloan("ben", "contribute", give(0, 60)), fails("CapRaised"));
    assert_eq!(bench.crowdloan("ben", "finalize", id), fails("InvalidOrigin"));
    bench.crowdloan("ann", "finalize", id).unwrap();
    assert_eq!((bench.free(&cem), bench.free(&funds_account(0))), (1_020 * UNIT, 0));
    assert_eq!(bench.crowdloan("ann", "finalize", id), fails("AlreadyFinalized"));
    assert_eq!(bench.crowdloan("ben", "withdraw", id), fails("AlreadyFinalized"));
    let names = bench.event_names();
    assert_eq!(names.last().unwrap(), "Crowdloan.Finalized");

    // Another carries out a call in its creator's name, and a third is given up.
    let call = bench.encode("Balances", "transfer_keep_alive", &(address(&cem), compact(UNIT)));
    bench.create((100, 5, 150, 500), Some(call), None).unwrap();
    bench.crowdloan("ben", "contribute", give(1, 50)).unwrap();
    bench.crowdloan("ann", "finalize", Compact(1_u32)).unwrap();
    assert_eq!(bench.free(&cem), 1_021 * UNIT);

    bench.create((100, 5, 900, 500), None, Some(cem)).unwrap();
    let third = Compact(2_u32);
    let most = (third, Some(10 * UNIT));
    bench.crowdloan("ann", "set_max_contribution", most).unwrap();
    bench.crowdloan("ben", "contribute", give(2, 300)).unwrap();
    assert_eq!(bench.crowdloan("ben", "contribute", give(2, 300)), fails("MaxContributionReached"));
    bench.crowdloan("dot", "contribute", give(2, 30)).unwrap();
    bench.crowdloan("dot", "withdraw", third).unwrap();
    assert_eq!(bench.crowdloan("dot", "withdraw", third), fails("NoContribution"));
    assert_eq!(bench.crowdloan("ann", "withdraw", third), fails("DepositCannotBeWithdrawn"));
    assert_eq!(bench.crowdloan("ann", "dissolve", third), fails("NotReadyToDissolve"));
    bench.crowdloan("ann", "refund", third).unwrap();
    assert_eq!(bench.event_names().last().unwrap(), "Crowdloan.AllRefunded");
    bench.crowdloan("ann", "dissolve", third).unwrap();
    assert_eq!(bench.crowdloan("ann", "dissolve", third), fails("InvalidCrowdloanId"));
    assert_eq!(bench.free(&account("dot")), 996 * UNIT);
    bench.check();
}

#[test]
fn a_crowdloan_changes_while_it_runs_and_ends() {
    let mut bench = bench();
    bench.create((100, 5, 200, 100), None, Some(account("cem"))).unwrap();
    let id = Compact(0_u32);
    bench.crowdloan("ann", "update_min_contribution", (id, compact(UNIT))).unwrap();
    bench.crowdloan("ann", "update_cap", (id, compact(30 * UNIT))).unwrap();
    let low = (id, compact(9 * UNIT));
    assert_eq!(bench.crowdloan("ann", "update_cap", low), fails("CapTooLow"));
    let early = (id, Compact(30_u32));
    assert_eq!(bench.crowdloan("ann", "update_end", early), fails("BlockDurationTooShort"));
    bench.crowdloan("ann", "update_end", (id, Compact(90_u32))).unwrap();
    let most = (id, Some(UNIT - 1));
    let refused = bench.crowdloan("ann", "set_max_contribution", most);
    assert_eq!(refused, fails("MaximumContributionTooLow"));
    bench.jump(90);
    let late = bench.crowdloan("ben", "contribute", (id, compact(2 * UNIT)));
    assert_eq!(late, fails("ContributionPeriodEnded"));
    bench.check();
}

#[test]
fn an_ethereum_address_is_proven_by_its_signature() {
    let mut bench = bench();
    bench.subnet(2, 1_000 * UNIT, 1_000 * UNIT, 10);
    let (hotkey, stranger) = (account("hot"), account("stranger"));
    let uid = bench.seat(2, &account("ann"), &hotkey);
    let key = SigningKey::from_slice(&[0x46; 32]).unwrap();
    let evm: [u8; 20] =
        hex::decode("9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f").unwrap().try_into().unwrap();
    let sign = |hotkey: &Account, block: u64| {
        let (signature, recovery) = key.sign_prehash_recoverable(&proof_hash(hotkey, block));
        let mut bytes = [0; 65];
        bytes[..64].copy_from_slice(&signature.to_bytes());
        bytes[64] = recovery.to_byte() + 27;
        bytes
    };
    let args = (2_u16, evm, 7_u64, sign(&hotkey, 7));
    let name = "associate_evm_key";
    let unregistered = bench.validate(&stranger, "SubtensorModule", name, args);
    assert_eq!(unregistered, Err(InvalidTransaction::Custom(19)));
    let other = (2_u16, [1_u8; 20], 7_u64, sign(&hotkey, 7));
    assert_eq!(bench.call(&hotkey, name, other), Err(module("InvalidRecoveredPublicKey")));
    // Signed for another block.
    let stale = (2_u16, evm, 8_u64, sign(&hotkey, 7));
    assert_eq!(bench.call(&hotkey, name, stale), Err(module("InvalidRecoveredPublicKey")));
    let garbage = (2_u16, evm, 7_u64, [0_u8; 65]);
    assert_eq!(bench.call(&hotkey, name, garbage), Err(module("UnableToRecoverPublicKey")));
    bench.call(&hotkey, name, args).unwrap();
    let items = &bench.runtime.items;
    assert_eq!(items.evm_address.get(&bench.state, (2, uid)), (evm, 10));
    assert_eq!(items.uids_by_evm_address.get(&bench.state, (2, evm)), [(uid, 10)]);
    let again = bench.validate(&hotkey, "SubtensorModule", name, args);
    assert_eq!(again, Err(InvalidTransaction::Custom(20)));
    bench.jump(11);
    bench.call(&hotkey, name, args).unwrap();
    bench.check_types();
    // Who takes the uid has no address.
    bench.run(|runtime, cx| runtime.replace_neuron(cx, 2, uid, &stranger));
    assert!(!bench.runtime.items.evm_address.contains(&bench.state, (2, uid)));
    assert!(!bench.runtime.items.uids_by_evm_address.contains(&bench.state, (2, evm)));
}

#[test]
fn voting_power_follows_stake_slowly_and_ends_after_its_grace() {
    let mut bench = bench();
    bench.subnet(2, 1_000 * UNIT, 1_000 * UNIT, 5);
    let (ann, hotkey) = (account("ann"), account("hot"));
    bench.seat(2, &ann, &hotkey);
    bench.give_stake(&hotkey, &ann, 2, 1_000 * UNIT);
    let owner = account("owner");
    let disable = "disable_voting_power_tracking";
    assert_eq!(bench.call(&owner, disable, 2_u16), Err(module("VotingPowerTrackingNotEnabled")));
    let enable = "enable_voting_power_tracking";
    assert_eq!(bench.call(&ann, enable, 2_u16), Err(DispatchError::BadOrigin));
    bench.call(&owner, enable, 2_u16).unwrap();
    let alpha = |bench: &mut Bench, alpha: u64| {
        bench.dispatch(
            Origin::Root,
            "SubtensorModule",
            "sudo_set_voting_power_ema_alpha",
            (2_u16, alpha),
        )
    };
    let too_much = alpha(&mut bench, 1_000_000_000_000_000_001);
    assert_eq!(too_much, Err(module("InvalidVotingPowerEmaAlpha")));
    alpha(&mut bench, 500_000_000_000_000_000).unwrap();
    let power = |bench: &Bench| bench.runtime.items.voting_power.get(&bench.state, (2, hotkey));
    let stake = |bench: &Bench| bench.runtime.stake_weight(&bench.state, &hotkey, 2);
    let mut seen = vec![power(&bench)];
    for _ in 0..4 {
        bench.advance(5);
        seen.push(power(&bench));
    }
    assert_eq!(seen[0], 0);
    assert!(seen[1] > 0 && seen.is_sorted() && seen[4] < stake(&bench), "{seen:?}");
    let total = bench.runtime.items.total_voting_power.get(&bench.state, 2);
    assert!(total >= seen[4]);
    bench.call(&owner, disable, 2_u16).unwrap();
    bench.run(|runtime, cx| runtime.items.voting_power_ends_at.set(cx.state, 2, &(cx.block + 3)));
    bench.advance(10);
    assert_eq!(power(&bench), 0);
    assert_eq!(bench.call(&owner, disable, 2_u16), Err(module("VotingPowerTrackingNotEnabled")));
    bench.check();
}
