//! A subnet's life through the client: register, stake, weigh, earn, read.

use futures::executor::block_on;
use futures::{StreamExt, future};
use tensor_chain::client::{SetWeights, WeightsOutcome, WeightsRefused};
use tensor_chain::intent::{
    AddStake, Batch, BurnedRegister, RegisterSubnet, RemoveStake, ServeAxon, SetCommitment,
    SetHyperparameter, Slippage, StartCall, Sudo, Transfer,
};
use tensor_chain::local::{LocalChain, Sealing};
use tensor_chain::{Error, ErrorCode, Subtensor};
use tensor_core::call::Value;
use tensor_core::chain::{At, Chain};
use tensor_core::key::{Keypair, Scheme};
use tensor_core::receipt::Stage;
use tensor_core::weights::Weights;
use tensor_core::{Alpha, BlockNumber, Coldkey, Hotkey, MechId, NetUid, Tao, Uid};

pub(super) fn key(uri: &str) -> Keypair {
    Keypair::from_uri(uri, Scheme::Sr25519).unwrap()
}

pub(super) fn hotkey(uri: &str) -> Hotkey {
    Hotkey::new(key(uri).account_id())
}

pub(super) fn coldkey(uri: &str) -> Coldkey {
    Coldkey::new(key(uri).account_id())
}

pub(super) const TAO: u64 = 1_000_000_000;

pub(super) fn local() -> LocalChain {
    let chain = LocalChain::builder().sealing(Sealing::Instant).build().unwrap();
    for name in ["//Alice", "//Bob", "//Carol", "//Dave"] {
        chain.fund(&key(name).account_id(), 100_000 * TAO);
    }
    chain
}

/// What must hold after every block held after each that is kept.
pub(super) fn sound(chain: &LocalChain) {
    for number in chain.oldest_number()..=chain.block_number() {
        let now = chain.invariants_at(number).unwrap();
        assert!(now.hold(), "{now:#?}");
    }
}

/// A started subnet of Alice's with plain weights, and two more neurons: `//v` of Bob, `//m` of Carol.
pub(super) async fn subnet(client: &Subtensor) -> NetUid {
    let (alice, bob, carol) = (key("//Alice"), key("//Bob"), key("//Carol"));
    let receipt = client.execute(&RegisterSubnet::new(hotkey("//owner")), &alice).await.unwrap();
    let added = receipt.event("SubtensorModule", "NetworkAdded").unwrap();
    let netuid = NetUid::new(u16::try_from(added.fields[0].1.as_u64().unwrap()).unwrap());
    client.execute(&StartCall::new(netuid), &alice).await.unwrap();
    for (name, value) in [
        ("commit_reveal_weights_enabled", Value::from(false)),
        ("weights_set_rate_limit", Value::from(0u64)),
        ("min_allowed_weights", Value::from(1u16)),
    ] {
        let set = Sudo(SetHyperparameter::new(netuid, name, value));
        client.execute(&set, &alice).await.unwrap();
    }
    client.execute(&BurnedRegister::new(netuid, hotkey("//v")), &bob).await.unwrap();
    client.execute(&BurnedRegister::new(netuid, hotkey("//m")), &carol).await.unwrap();
    netuid
}

#[test]
fn a_transfer_with_its_receipt() {
    block_on(async {
        let chain = local();
        let client = Subtensor::local(&chain).await.unwrap();
        let (alice, dave) = (key("//Alice"), key("//Dave"));
        let before = client.balance(&alice.account_id()).await.unwrap();
        let intent = Transfer::new(dave.account_id(), Tao::from_rao(5 * TAO));
        let plan = client.plan(&intent, &alice.account_id()).await.unwrap();
        assert_eq!(plan.cost, Some(Tao::from_rao(5 * TAO)));
        assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);

        let receipt = client.execute(&intent, &alice).await.unwrap();
        assert_eq!(receipt.stage, Stage::InBlock);
        assert_eq!(receipt.block, BlockNumber::new(chain.block_number()));
        assert_eq!(Some(receipt.block_hash), chain.block_hash(chain.block_number()));
        let fee = receipt.fee.unwrap();
        // A mortal extrinsic is one byte longer than the immortal one that the fee was asked for.
        assert_eq!(fee.rao(), plan.fee.rao() + 1);
        let event = receipt.event("Balances", "Transfer").unwrap();
        assert_eq!(event.field("amount"), Some(&Value::Uint(u128::from(5 * TAO))));
        assert_eq!(event.field("to").unwrap().as_account(), Some(dave.account_id()));
        let after = client.balance(&alice.account_id()).await.unwrap();
        assert_eq!(before.checked_sub(after).unwrap().rao(), 5 * TAO + fee.rao());

        // At the block before, nothing had happened yet.
        let earlier = client.at(At::Number(BlockNumber::new(receipt.block.value() - 1)));
        assert_eq!(earlier.balance(&alice.account_id()).await.unwrap(), before);
        let final_receipt = client.waiting_for(Stage::Finalized).execute(&intent, &alice).await;
        assert_eq!(final_receipt.unwrap().stage, Stage::Finalized);
        sound(&chain);
    });
}

#[test]
fn both_schemes_sign() {
    block_on(async {
        let chain = local();
        let client = Subtensor::local(&chain).await.unwrap();
        let edward = Keypair::from_uri("//Edward", Scheme::Ed25519).unwrap();
        chain.fund(&edward.account_id(), 10 * TAO);
        let gift = Transfer::new(key("//Dave").account_id(), Tao::from_rao(TAO));
        assert!(client.execute(&gift, &edward).await.unwrap().fee.is_some());
        sound(&chain);
    });
}

#[test]
fn failures_have_names_kinds_and_a_receipt() {
    block_on(async {
        let chain = local();
        let client = Subtensor::local(&chain).await.unwrap();
        let bob = key("//Bob");
        let error = client.execute(&StartCall::new(NetUid::new(77)), &bob).await.unwrap_err();
        let Error::Dispatch(failed) = &error else { panic!("{error:?}") };
        assert_eq!(failed.call, "SubtensorModule.start_call");
        assert_eq!(failed.failure.pallet, "SubtensorModule");
        assert!(failed.receipt.fee.is_some());
        assert!(!error.is_retryable());
        assert!(!error.remedy().is_empty());

        // A transfer of too much: the kind is the runtime's, the name the token's.
        let all =
            Transfer::new(key("//Dave").account_id(), Tao::from_coins(1_000_000_000).unwrap());
        let error = client.execute(&all, &bob).await.unwrap_err();
        let Error::Dispatch(failed) = &error else { panic!("{error:?}") };
        assert_eq!(
            (failed.failure.pallet.as_str(), failed.failure.name.as_str()),
            ("Token", "FundsUnavailable")
        );
        assert_eq!(error.code(), ErrorCode::InsufficientBalance);

        // Sudo succeeds where its call fails: a failure all the same.
        let alice = key("//Alice");
        let set = Sudo(SetHyperparameter::new(NetUid::new(77), "tempo", 5u16));
        let error = client.execute(&set, &alice).await.unwrap_err();
        let Error::Dispatch(failed) = &error else { panic!("{error:?}") };
        assert_eq!(failed.failure.nested_in.as_deref(), Some("Sudo.Sudid"));

        // Nobody to pay the fee: refused by the pool, in no block.
        let nobody = key("//Nobody");
        let gift = Transfer::new(bob.account_id(), Tao::from_rao(1));
        let height = chain.block_number();
        let error = client.execute(&gift, &nobody).await.unwrap_err();
        let Error::Rejected { rejection, .. } = &error else { panic!("{error:?}") };
        assert_eq!(rejection.reason.to_string(), "Payment");
        assert_eq!(error.code(), ErrorCode::InsufficientBalance);
        assert_eq!(chain.block_number(), height);
        sound(&chain);
    });
}

#[test]
fn a_subnet_from_registration_to_emission() {
    block_on(async {
        let chain = local();
        let client = Subtensor::local(&chain).await.unwrap();
        let netuid = subnet(&client).await;
        let (bob, validator, miner) = (key("//Bob"), key("//v"), key("//m"));

        // Too much for so young a pool: the usual limit keeps the price.
        let stake = AddStake::new(hotkey("//v"), netuid, Tao::from_rao(500 * TAO));
        let error = client.execute(&stake, &bob).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InsufficientLiquidity, "{error}");
        let stake = stake.with_slippage(Slippage::Unbounded);
        let receipt = client.execute(&stake, &bob).await.unwrap();
        assert!(receipt.event("SubtensorModule", "StakeAdded").is_some());
        let staked = client.stake(&coldkey("//Bob"), &hotkey("//v"), netuid).await.unwrap();
        assert!(staked > Alpha::ZERO);
        let all = client.stake_for_coldkey(&coldkey("//Bob")).await.unwrap();
        assert!(all.iter().any(|info| info.netuid == netuid && info.stake == staked));

        // Serving costs nothing, so a hotkey without any TAO does it.
        let serve = ServeAxon::new(netuid, "203.0.113.7:8091".parse().unwrap());
        assert_eq!(client.execute(&serve, &miner).await.unwrap().fee, None);
        let commitment = SetCommitment { netuid, data: b"tiny-sentiment-v1".to_vec() };
        client.execute(&commitment, &miner).await.unwrap();

        let graph = client.metagraph(netuid).await.unwrap();
        assert_eq!(graph.len(), 3);
        assert_eq!(graph.block(), BlockNumber::new(chain.block_number()));
        let found = graph.by_hotkey(&hotkey("//m")).unwrap();
        assert_eq!(found.coldkey, coldkey("//Carol"));
        assert_eq!(found.axon.unwrap().address().unwrap().to_string(), "203.0.113.7:8091");
        let uid = client.uid(netuid, &hotkey("//m")).await.unwrap().unwrap();
        assert_eq!(uid, found.uid);
        assert_eq!(client.hotkey_owner(&hotkey("//m")).await.unwrap(), Some(coldkey("//Carol")));
        assert_eq!(client.netuids_for_hotkey(&hotkey("//m")).await.unwrap(), [netuid]);

        // No stake, no permit: the pipeline says so before the chain would.
        let weights = Weights::from_scores([(found.uid, 0.8), (Uid::new(0), 0.4)]).unwrap();
        let set = SetWeights::new(netuid, weights.clone());
        let refused = client.set_weights(&set, &miner).await.unwrap_err();
        assert!(matches!(refused, Error::Weights(WeightsRefused::NoPermit(_))), "{refused:?}");
        chain.advance_to_epoch(netuid.value()).unwrap();
        let outcome = client.set_weights(&set, &validator).await.unwrap();
        let WeightsOutcome::Set { receipt, .. } = &outcome else { panic!("{outcome:?}") };
        assert!(receipt.event("SubtensorModule", "WeightsSet").is_some());
        let rows = client.weights(netuid, MechId::new(0)).await.unwrap();
        assert_eq!(rows[0].values, weights.iter().collect::<Vec<_>>());

        chain.advance_to_epoch(netuid.value()).unwrap();
        chain.advance_to_epoch(netuid.value()).unwrap();
        let graph = client.metagraph(netuid).await.unwrap();
        let paid = graph.by_hotkey(&hotkey("//m")).unwrap();
        assert!(paid.emission > Alpha::ZERO && paid.incentive.bits() > 0, "{paid:?}");
        let validator = graph.by_hotkey(&hotkey("//v")).unwrap();
        assert!(validator.validator_trust.bits() > 0 && validator.dividends.bits() > 0);
        let neurons = client.neurons(netuid).await.unwrap();
        assert_eq!(neurons.len(), 3);
        for neuron in &neurons {
            let row = graph.neuron(neuron.uid).unwrap();
            assert_eq!((neuron.hotkey, neuron.emission), (row.hotkey, row.emission));
            assert_eq!(neuron.validator_trust, row.validator_trust);
        }

        let unstake = RemoveStake::new(hotkey("//v"), netuid, Alpha::from_rao(staked.rao() / 2))
            .with_slippage(Slippage::Unbounded);
        // Three epochs of dividends came on top of what was staked.
        let grown = client.stake(&coldkey("//Bob"), &hotkey("//v"), netuid).await.unwrap();
        client.execute(&unstake, &bob).await.unwrap();
        let left = client.stake(&coldkey("//Bob"), &hotkey("//v"), netuid).await.unwrap();
        assert!(left < grown);
        sound(&chain);
    });
}

#[test]
fn weights_that_would_be_refused_are_refused_with_numbers() {
    block_on(async {
        let chain = local();
        let client = Subtensor::local(&chain).await.unwrap();
        let netuid = subnet(&client).await;
        let owner = key("//owner");
        let set = |pairs: &[(u16, f64)]| {
            let pairs = pairs.iter().map(|(uid, score)| (Uid::new(*uid), *score));
            SetWeights::new(netuid, Weights::from_scores(pairs).unwrap())
        };
        let refused = async |set: SetWeights, by: &Keypair| match client.set_weights(&set, by).await
        {
            Err(Error::Weights(refused)) => refused,
            other => panic!("{other:?}"),
        };
        let unknown = refused(set(&[(9, 1.0)]), &owner).await;
        assert_eq!(unknown, WeightsRefused::UnknownUid { uid: Uid::new(9), neurons: 3 });
        let few = refused(set(&[]), &owner).await;
        assert_eq!(few, WeightsRefused::TooFew { got: 0, least: 1 });
        let stranger = refused(set(&[(0, 1.0)]), &key("//Dave")).await;
        assert_eq!(stranger, WeightsRefused::NotRegistered(hotkey("//Dave")));
        let root = SetWeights::new(NetUid::ROOT, Weights::default());
        assert_eq!(refused(root, &owner).await, WeightsRefused::Root);
        let mechanism = refused(set(&[(0, 1.0)]).with_mechanism(MechId::new(3)), &owner).await;
        assert!(matches!(mechanism, WeightsRefused::NoMechanism { count: 1, .. }));

        // A rate limit is no refusal: the outcome says when.
        let alice = key("//Alice");
        let limit = Sudo(SetHyperparameter::new(netuid, "weights_rate_limit", 50u64));
        client.execute(&limit, &alice).await.unwrap();
        let first = match client.set_weights(&set(&[(1, 1.0)]), &owner).await.unwrap() {
            WeightsOutcome::TooSoon { next_allowed } => next_allowed,
            outcome => panic!("{outcome:?}"),
        };
        chain.advance(first.value() - chain.block_number() - 1);
        let outcome = client.set_weights(&set(&[(1, 1.0)]), &owner).await.unwrap();
        assert_eq!(outcome.receipt().unwrap().block, first);
        assert_eq!(outcome.next_allowed(), first.saturating_add(50));
        let again = client.set_weights(&set(&[(2, 1.0)]), &owner).await.unwrap();
        assert_eq!(again, WeightsOutcome::TooSoon { next_allowed: first.saturating_add(50) });
        sound(&chain);
    });
}

#[test]
fn many_at_once_keep_their_nonces() {
    block_on(async {
        let chain = local();
        chain.set_sealing(Sealing::Manual);
        let client = Subtensor::local(&chain).await.unwrap();
        let (alice, dave) = (key("//Alice"), key("//Dave").account_id());
        let before = client.balance(&dave).await.unwrap();
        let gifts = (1..=40u64).map(|amount| {
            let (client, alice) = (&client, &alice);
            async move { client.execute(&Transfer::new(dave, Tao::from_rao(amount)), alice).await }
        });
        let blocks = async {
            // Blocks come while the submissions wait for theirs.
            for _ in 0..200 {
                future::poll_fn(|cx| {
                    cx.waker().wake_by_ref();
                    chain.advance(u64::from(chain.waiting() > 0));
                    std::task::Poll::Ready(())
                })
                .await;
                futures::pending!();
            }
        };
        let all = future::join_all(gifts);
        futures::pin_mut!(all, blocks);
        let receipts = match future::select(all, blocks).await {
            future::Either::Left((receipts, _)) => receipts,
            future::Either::Right(_) => panic!("not all were included"),
        };
        for receipt in receipts {
            receipt.unwrap();
        }
        let after = client.balance(&dave).await.unwrap();
        assert_eq!(after.rao() - before.rao(), (1..=40).sum::<u64>());
        assert_eq!(client.account(&alice.account_id()).await.unwrap().nonce, 40);
        sound(&chain);
    });
}

#[test]
fn batches_do_all_or_nothing() {
    block_on(async {
        let chain = local();
        let client = Subtensor::local(&chain).await.unwrap();
        let (alice, dave) = (key("//Alice"), key("//Dave").account_id());
        let before = client.balance(&dave).await.unwrap().rao();
        let gift = |amount| Transfer::new(dave, Tao::from_rao(amount));
        let both = Batch::new().with(gift(3)).with(gift(4));
        client.execute(&both, &alice).await.unwrap();
        assert_eq!(client.balance(&dave).await.unwrap().rao(), before + 7);
        let bad = Batch::new().with(gift(3)).with(gift(u64::MAX));
        client.execute(&bad, &alice).await.unwrap_err();
        assert_eq!(client.balance(&dave).await.unwrap().rao(), before + 7);
        sound(&chain);
    });
}

#[test]
fn heads_come_once_and_rising() {
    block_on(async {
        let chain = local();
        let client = Subtensor::local(&chain).await.unwrap();
        chain.advance(2);
        let mut heads = Chain::headers(&client);
        let mut seen = vec![heads.next().await.unwrap().unwrap()];
        chain.advance(3);
        for _ in 0..3 {
            seen.push(heads.next().await.unwrap().unwrap());
        }
        let numbers: Vec<_> = seen.iter().map(|head| head.number.value()).collect();
        assert_eq!(numbers, [2, 3, 4, 5]);
        for pair in seen.windows(2) {
            assert_eq!(pair[1].parent, pair[0].hash);
        }
        assert_eq!(Some(seen[3].hash), chain.block_hash(5));
        sound(&chain);
    });
}

#[test]
fn anything_is_reached_by_name() {
    block_on(async {
        let chain = local();
        let client = Subtensor::local(&chain).await.unwrap();
        let netuid = subnet(&client).await;
        let tempo: u16 =
            client.storage_as("SubtensorModule", "Tempo", &[netuid.into()]).await.unwrap();
        let parameters = client.hyperparameters(netuid).await.unwrap();
        assert_eq!(parameters.tempo().unwrap().value(), tempo);
        assert_eq!(parameters.flag("commit_reveal_weights_enabled"), Some(false));
        let absent = client.stored("SubtensorModule", "Tempo", &[Value::from(999u16)]).await;
        assert_eq!(absent.unwrap(), None);
        let default = client.storage("SubtensorModule", "Tempo", &[Value::from(999u16)]).await;
        assert!(default.unwrap().is_some());
        let keys = client.storage_map("SubtensorModule", "Keys", &[netuid.into()]).await.unwrap();
        assert_eq!(keys.len(), 3);
        let deposit = client.existential_deposit().await.unwrap();
        assert_eq!(deposit, Tao::from_rao(500));
        let missing = client.storage("SubtensorModule", "Temper", &[]).await.unwrap_err();
        assert_eq!(missing.to_string(), "the runtime has no storage item SubtensorModule.Temper");
        let missing = client.runtime_call("SwapRuntimeApi", "price", &[]).await.unwrap_err();
        assert!(missing.to_string().contains("runtime API SwapRuntimeApi.price"));
        let many =
            client.storage("System", "Account", &[1u8.into(), 2u8.into()]).await.unwrap_err();
        assert!(many.to_string().contains("System.Account takes 1 keys, not 2"));
        let unknown = client.at(At::Hash([9; 32])).balance(&key("//Bob").account_id()).await;
        assert!(matches!(unknown, Err(Error::UnknownBlock)), "{unknown:?}");
        let none = client.metagraph(NetUid::new(999)).await.unwrap_err();
        assert!(matches!(none, Error::NoSuchSubnet(_)));
        let subnets = client.subnets().await.unwrap();
        let listed = subnets.iter().find(|subnet| subnet.netuid == netuid).unwrap();
        assert_eq!((listed.neurons, listed.tempo.value()), (3, tempo));
        let info = client.subnet(netuid).await.unwrap();
        assert_eq!(info.owner_coldkey, coldkey("//Alice"));
        let prices = client.alpha_prices().await.unwrap();
        let price = client.alpha_price(netuid).await.unwrap();
        assert!(prices.contains(&(netuid, price)));
        let schedule = client.epoch_schedule(netuid).await.unwrap();
        let next = schedule.next().unwrap().value();
        let made = chain.advance_to_epoch(netuid.value()).unwrap();
        assert_eq!(next, schedule.block.value() + made);
        sound(&chain);
    });
}

#[test]
fn the_same_client_runs_on_tokio() {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let handle = runtime.spawn(async {
        let chain = local();
        let client = Subtensor::local(&chain).await.unwrap();
        let gift = Transfer::new(key("//Dave").account_id(), Tao::from_rao(TAO));
        client.execute(&gift, &key("//Alice")).await.unwrap()
    });
    assert!(runtime.block_on(handle).unwrap().fee.is_some());
}
