//! Accounts, transfers, fees and issuance (scenarios 2 and 3; chain rules 1).

use super::*;

#[test]
fn existential_deposit_of_scenario_3() {
    let mut bench = Bench::new(Ruleset::V461);
    let (a, b) = (account("a"), account("b"));
    bench.fund(&a, 10_000_000);
    bench.fund(&b, 10_000_000);
    let transfer = |bench: &mut Bench, name: &str, amount: u64| {
        let args = (address(&b), compact(amount));
        bench.dispatch(Origin::Signed(a), "Balances", name, args)
    };
    assert_eq!(
        transfer(&mut bench, "transfer_keep_alive", 9_999_501),
        Err(DispatchError::Token(super::super::TokenError::NotExpendable))
    );
    transfer(&mut bench, "transfer_keep_alive", 9_999_500).unwrap();
    assert_eq!(bench.free(&a), 500);
    bench.fund(&a, 9_999_500);
    let issuance = bench.runtime.tao_ledger(&bench.state).issuance;
    transfer(&mut bench, "transfer_allow_death", 9_999_900).unwrap();
    assert_eq!(bench.free(&a), 0);
    assert!(!bench.runtime.account_exists(&bench.state, &a));
    assert_eq!(bench.runtime.tao_ledger(&bench.state).issuance, issuance - 100);
    assert!(bench.event_names().ends_with(&[
        "System.KilledAccount".to_owned(),
        "Balances.DustLost".to_owned(),
        "Balances.Transfer".to_owned(),
    ]));
    bench.check();
}

#[test]
fn a_new_account_must_get_the_deposit() {
    let mut bench = Bench::new(Ruleset::V461);
    let (a, b) = (account("a"), account("b"));
    bench.fund(&a, 10_000_000);
    let args = (address(&b), compact(499));
    let refused = bench.dispatch(Origin::Signed(a), "Balances", "transfer_keep_alive", args);
    assert_eq!(refused, Err(DispatchError::Token(super::super::TokenError::BelowMinimum)));
    let args = (address(&b), compact(500));
    bench.dispatch(Origin::Signed(a), "Balances", "transfer_keep_alive", args).unwrap();
    assert_eq!(
        &bench.event_names()[bench.events.len() - 3..],
        ["System.NewAccount", "Balances.Endowed", "Balances.Transfer"]
    );
    bench.dispatch(Origin::Signed(a), "Balances", "transfer_all", (address(&b), false)).unwrap();
    assert_eq!(bench.free(&a), 0);
    assert_eq!(bench.free(&b), 10_000_000);
    bench.check();
}

#[test]
fn fees_go_to_the_author_or_out_of_the_world() {
    let mut bench = Bench::new(Ruleset::V461);
    let (who, author) = (account("who"), account("author"));
    bench.fund(&who, 10_000_000);
    let issuance = bench.runtime.tao_ledger(&bench.state).issuance;
    bench.run(|runtime, cx| {
        runtime.withdraw_fee(cx, &who, 166_247).unwrap();
        runtime.settle_fee(cx, &who, 166_247, 166_247, 0);
    });
    assert_eq!(bench.free(&author), 166_247);
    assert_eq!(bench.free(&who), 10_000_000 - 166_247);
    assert_eq!(bench.runtime.tao_ledger(&bench.state).issuance, issuance);
    // The recorded receipt of a transfer has this order: withdrawal, call, refund of nothing, the author's deposit, fee paid.
    let names = bench.event_names();
    assert_eq!(names[names.len() - 5..].first().unwrap(), "Balances.Deposit");
    bench.check();

    bench.author = None;
    bench.run(|runtime, cx| {
        runtime.withdraw_fee(cx, &who, 1_000).unwrap();
        runtime.settle_fee(cx, &who, 1_000, 1_000, 0);
    });
    assert_eq!(bench.runtime.tao_ledger(&bench.state).issuance, issuance - 1_000);
    bench.check();

    let poor = account("poor");
    bench.fund(&poor, 600);
    let refused = bench.run(|runtime, cx| runtime.withdraw_fee(cx, &poor, 101));
    assert_eq!(refused, Err(InvalidTransaction::Payment));
    bench.run(|runtime, cx| runtime.withdraw_fee(cx, &poor, 100)).unwrap();
    assert_eq!(bench.free(&poor), 500);
}

#[test]
fn a_failed_call_leaves_no_trace() {
    let mut bench = Bench::new(Ruleset::V461);
    let who = account("who");
    bench.fund(&who, 5 * UNIT);
    bench.subnet(2, 1_000 * UNIT, 1_000, 10);
    bench.state.end_block();
    let before: Vec<_> =
        bench.state.iter().map(|(key, value)| (key.clone(), value.to_vec())).collect();
    let events = bench.events.len();
    // The pool is too poor in alpha: the hotkey is associated and the burn paid before the swap refuses.
    let refused = bench.call(&who, "burned_register", (2_u16, account("hot")));
    assert_eq!(refused, Err(DispatchError::Module { pallet: "Swap", name: "ReservesTooLow" }));
    let after: Vec<_> =
        bench.state.iter().map(|(key, value)| (key.clone(), value.to_vec())).collect();
    assert_eq!(before, after);
    assert_eq!(bench.events.len(), events);
    assert_eq!(bench.state.changes().count(), 0);
}

#[test]
fn forced_balances_keep_the_ledger_closed() {
    let mut bench = Bench::new(Ruleset::V461);
    let who = account("who");
    for amount in [7 * UNIT, 3 * UNIT, 499, 500, 0] {
        let args = (address(&who), compact(amount));
        bench.dispatch(Origin::Root, "Balances", "force_set_balance", args).unwrap();
        assert_eq!(bench.free(&who), if amount < 500 { 0 } else { amount });
        bench.check();
    }
}

#[test]
fn genesis_balances_are_the_reference_networks() {
    let interface = Arc::new(Interface::v461().unwrap());
    let runtime = Runtime::new(interface, Ruleset::V461).unwrap();
    let (mut state, mut events) = (State::new(), Vec::new());
    let genesis = Genesis::localnet();
    runtime.genesis(&mut Ctx::new(&mut state, &mut events, 0, 0), &genesis);
    let ledger = runtime.tao_ledger(&state);
    assert!(ledger.closes());
    assert_eq!(ledger.issuance, 3_012_000 * UNIT);
    assert_eq!(ledger.pallet_issuance, 0);
    let alice = runtime.items.sudo_key.get(&state);
    assert_eq!(
        hex::encode(alice),
        "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"
    );
    assert_eq!(runtime.free_balance(&state, &alice), 1_000_000 * UNIT);
    assert!(!runtime.items.subtoken_enabled.get(&state, 0));
    assert!(runtime.alpha_ledgers(&state).iter().all(super::super::AlphaLedger::closes));
    // The recorded node reports this cut-off for subnet 1 (chain rules 15.1).
    assert_eq!(runtime.activity_cutoff(&state, 1), 1_388);
}

#[test]
fn a_fee_may_be_paid_in_alpha() {
    let mut bench = Bench::new(Ruleset::V461);
    let (cold, hot) = (account("cold"), account("hot"));
    bench.subnet(2, 1_000 * UNIT, 1_000 * UNIT, 10);
    bench.fund(&account("author"), UNIT);
    bench.fund(&cold, 1_000);
    bench.run(|runtime, cx| runtime.create_hotkey(cx, &cold, &hot).unwrap());
    bench.give_stake(&hot, &cold, 2, 10 * UNIT);
    let sale = bench.encode("SubtensorModule", "remove_stake", &(hot, 2_u16, UNIT));
    let sale = DecodedCall::parse(&sale).unwrap();
    let other = bench.encode("System", "remark", &vec![1_u8]);
    let other = DecodedCall::parse(&other).unwrap();
    let fee = 1_000_000;
    let refused = bench.run(|runtime, cx| runtime.charge_fee(cx, &cold, &other, fee));
    assert_eq!(refused, Err(InvalidTransaction::Payment));
    let charge = bench.run(|runtime, cx| runtime.charge_fee(cx, &cold, &sale, fee)).unwrap();
    assert_eq!(bench.stake(&hot, &cold, 2), 10 * UNIT - fee);
    let paid: (Account, u16, u64, u64) =
        bench.last_event("SubtensorModule.TransactionFeePaidWithAlpha");
    assert_eq!((paid.1, paid.2, paid.3), (2, fee, 999_999));
    bench.run(|runtime, cx| runtime.settle_charge(cx, charge, fee, 0));
    assert_eq!((bench.free(&cold), bench.free(&account("author"))), (1_000, UNIT + 999_999));
    bench.check();
}
