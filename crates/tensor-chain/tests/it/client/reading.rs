//! Every read, once, against the local chain; and the client over other executors and a socket.

use futures::executor::block_on;
use tensor_chain::client::READS;
use tensor_chain::intent::{AddStake, ServeAxon, SetCommitment, SetIdentity, Slippage, Transfer};
use tensor_chain::{Error, Subtensor};
use tensor_core::{Alpha, MechId, NetUid, Tao, Uid};

use super::story::{TAO, coldkey, hotkey, key, local, sound, subnet};

#[test]
fn every_read_of_the_catalog_answers() {
    block_on(async {
        let chain = local();
        let client = Subtensor::local(&chain).await.unwrap();
        let netuid = subnet(&client).await;
        let (cold, hot) = (coldkey("//Bob"), hotkey("//v"));
        let stake = AddStake::new(hot, netuid, Tao::from_rao(100 * TAO));
        let stake = stake.with_slippage(Slippage::Unbounded);
        client.execute(&stake, &key("//Bob")).await.unwrap();
        let serve = ServeAxon::new(netuid, "203.0.113.9:80".parse().unwrap());
        client.execute(&serve, &key("//m")).await.unwrap();
        let commitment = SetCommitment { netuid, data: vec![7; 200] };
        client.execute(&commitment, &key("//m")).await.unwrap();
        let identity = SetIdentity::new("Bob", "b.example", "", "", "", "a validator", "");
        client.execute(&identity, &key("//Bob")).await.unwrap();
        chain.advance_to_epoch(netuid.value()).unwrap();

        let (mech, uid) = (MechId::new(0), Uid::new(1));
        let account = cold.account();
        let mut answered = Vec::new();
        let mut failed: Vec<(&str, Error)> = Vec::new();
        macro_rules! ask {
            ($($name:literal: $read:expr;)*) => {$(
                match $read.await {
                    Ok(_) => answered.push($name),
                    Err(error) => failed.push(($name, error)),
                }
            )*};
        }
        ask! {
            "accepts_locked_alpha": client.accepts_locked_alpha(&cold);
            "alpha_price": client.alpha_price(netuid);
            "alpha_prices": client.alpha_prices();
            "associated_evm_key": client.associated_evm_key(netuid, uid);
            "auto_stake": client.auto_stake(&cold, netuid);
            "auto_stake_all": client.auto_stake_all(&cold);
            "balance": client.balance(&account);
            "balances": client.accounts(&[account, key("//Alice").account_id()]);
            "basket_position": client.basket_position(&hot, &cold);
            "basket_trading_status": client.basket_trading_status(&hot);
            "block_info": client.block();
            "block_time": client.block_time();
            "blocks_since_last_step": client.blocks_since_last_step(netuid);
            "blocks_since_last_update": client.blocks_since_last_update(netuid, uid);
            "blocks_until_next_epoch": client.blocks_until_next_epoch(netuid);
            "bonds": client.bonds(netuid, mech);
            "burn": client.burn(netuid);
            "childkey_threshold_suspended": client.childkey_threshold_suspended(&hot);
            "children": client.children(&hot, netuid);
            "coldkey_lock": client.coldkey_lock(&cold, netuid);
            "coldkey_swap_announcement": client.coldkey_swap_announcement(&cold);
            "collateral_policy": client.collateral_policy(netuid);
            "commit_reveal_enabled": client.commit_reveal_enabled(netuid);
            "commitment": client.commitment(netuid, &hotkey("//m"));
            "commitments": client.commitments(netuid);
            "crowdloan": client.crowdloan(0);
            "crowdloan_contributors": client.crowdloan_contributors(0);
            "crowdloans": client.crowdloans();
            "delegate": client.delegate(&hot);
            "delegate_take": client.delegate_take(&hot);
            "delegated": client.delegated(&cold);
            "delegates": client.delegates();
            "difficulty": client.difficulty(netuid);
            "epoch_status": client.epoch_schedule(netuid);
            "existential_deposit": client.existential_deposit();
            "hotkey_conviction": client.hotkey_conviction(&hot, netuid);
            "hotkey_identities": client.hotkey_identities(&[hot, hotkey("//m")]);
            "hotkey_owner": client.hotkey_owner(&hot);
            "identity": client.identity(&cold);
            "immunity_period": client.immunity_period(netuid);
            "is_delegate": client.is_delegate(&hot);
            "is_fast_blocks": client.is_fast_blocks();
            "lease": client.lease(0);
            "leases": client.leases();
            "locks_for_coldkey": client.locks_for_coldkey(&cold);
            "locks_for_hotkey": client.locks_for_hotkey(&hot, netuid);
            "max_weight_limit": client.max_weight_limit(netuid);
            "mechanism_count": client.mechanism_count(netuid);
            "mechanism_emission_split": client.mechanism_emission_split(netuid);
            "metagraph": client.metagraph(netuid);
            "mev_shield_next_key": client.mev_shield_next_key();
            "min_allowed_weights": client.min_allowed_weights(netuid);
            "miner_collateral": client.miner_collateral(netuid, &hot, None);
            "most_convicted_hotkey": client.most_convicted_hotkey(netuid);
            "multisig": client.multisig(&account, [0; 32]);
            "netuids_for_hotkey": client.netuids_for_hotkey(&hot);
            "neurons": client.neurons(netuid);
            "next_epoch_start_block": client.next_epoch_start_block(netuid);
            "owned_hotkeys": client.owned_hotkeys(&cold);
            "parents": client.parents(&hot, netuid);
            "pending_children": client.pending_children(&hot, netuid);
            "proxies": client.proxies(&account);
            "quote_stake": client.quote_stake(netuid, Tao::from_rao(TAO));
            "quote_unstake": client.quote_unstake(netuid, Alpha::from_rao(TAO));
            "reveal_period": client.reveal_period(netuid);
            "revealed_commitment": client.revealed_commitment(netuid, &hot);
            "root_basket_owed": client.root_basket_owed(&cold);
            "root_basket_owed_breakdown": client.root_basket_owed_breakdown(&cold);
            "root_basket_portfolio": client.root_basket_portfolio(&cold);
            "root_basket_total_nav": client.root_basket_total_nav();
            "root_baskets": client.root_baskets();
            "root_claim_threshold": client.root_claim_threshold(netuid);
            "stake": client.stake(&cold, &hot, netuid);
            "stake_availability": client.stake_availability(&cold, Some(&[netuid]));
            "stake_availability_for_coldkey": client.stake_availability(&cold, None);
            "stake_for_coldkey": client.stake_for_coldkey(&cold);
            "stake_for_coldkeys": client.stake_for_coldkeys(&[cold]);
            "stake_value_for_coldkey": client.stake_value_for_coldkey(&cold);
            "stake_value_for_coldkeys": client.stake_value_for_coldkeys(&[cold]);
            "staking_hotkeys": client.staking_hotkeys(&cold);
            "subnet": client.subnet(netuid);
            "subnet_collateral": client.subnet_collateral(netuid);
            "subnet_convictions": client.subnet_convictions(netuid);
            "subnet_emission_enabled": client.subnet_emission_enabled(netuid);
            "subnet_hyperparameters": client.hyperparameters(netuid);
            "subnet_identity": client.subnet_identity(netuid);
            "subnet_names": client.subnet_names();
            "subnet_registration_cost": client.network_registration_cost();
            "subnet_start_schedule": client.subnet_start_schedule(netuid);
            "subnet_tao_flows": client.subnet_tao_flows();
            "subnets": client.subnets();
            "timelocked_weight_commits": client.timelocked_weight_commits(netuid, mech);
            "timestamp": client.timestamp();
            "token_symbols": client.token_symbols();
            "total_alpha_staked": client.total_alpha_staked(netuid);
            "tx_rate_limit": client.tx_rate_limit();
            "uid": client.uid(netuid, &hot);
            "validator_basket": client.validator_basket(&hot);
            "validator_basket_nav": client.validator_basket_nav(&hot);
            "validator_basket_summary": client.validator_basket_summary(&hot);
            "weights": client.weights(netuid, mech);
            "weights_rate_limit": client.weights_rate_limit(netuid);
        }
        // The local chain keeps no root baskets, and says so as a node without them would.
        failed
            .retain(|(_, error)| !error.to_string().contains("runtime API BetaBasketRuntimeApi."));
        assert!(failed.is_empty(), "{failed:#?}");
        let baskets = |name: &&str| name.contains("basket");
        answered.retain(|name| !baskets(name));
        let mut names: Vec<_> = READS.iter().map(|read| read.name).collect();
        names.retain(|name| !baskets(name));
        names.sort_unstable();
        answered.sort_unstable();
        assert_eq!(answered, names);

        // Some of what they say.
        let committed = client.commitments(netuid).await.unwrap();
        let of_miner = &committed[&hotkey("//m")];
        assert_eq!(of_miner.commitment.as_ref().unwrap().data(), Some([7; 200].as_slice()));
        assert_eq!(of_miner.uid, client.uid(netuid, &hotkey("//m")).await.unwrap());
        let (graph, published) = client.metagraph_with_commitments(netuid).await.unwrap();
        assert_eq!(published, committed);
        let miner = graph.by_hotkey(&hotkey("//m")).unwrap();
        assert_eq!(Some(miner.uid), of_miner.uid);
        assert_eq!(client.identity(&cold).await.unwrap().unwrap().description, "a validator");
        let identities = client.hotkey_identities(&[hot, hotkey("//m")]).await.unwrap();
        assert_eq!(identities[0].as_ref().unwrap().name, "Bob");
        assert_eq!(identities[1], None);
        let staked = client.stake(&cold, &hot, netuid).await.unwrap();
        let free = client.stake_availability(&cold, None).await.unwrap()[&netuid];
        assert_eq!((free.total, free.available), (staked, staked));
        let price = client.alpha_price(netuid).await.unwrap();
        let worth = client.stake_value_for_coldkey(&cold).await.unwrap();
        assert_eq!(worth, price.value_of(staked));
        let until = client.blocks_until_next_epoch(netuid).await.unwrap().unwrap();
        assert_eq!(chain.advance_to_epoch(netuid.value()).unwrap(), until);
        let some =
            client.selective_metagraph(netuid, mech, &["hotkeys", "emission"]).await.unwrap();
        assert_eq!(some.keys().collect::<Vec<_>>(), ["emission", "hotkeys"]);
        let none = client.selective_metagraph(netuid, mech, &["hats"]).await.unwrap_err();
        assert!(none.to_string().contains("get_selective_mechagraph.hats"));
        sound(&chain);
    });
}

#[test]
fn what_the_runtime_lacks_is_told() {
    block_on(async {
        let client = Subtensor::local(&local()).await.unwrap();
        let lacks = client.lacks().await.unwrap();
        let names: Vec<_> = lacks.iter().map(|missing| missing.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "AdminUtils.sudo_trim_null_uids_batch",
                "SubtensorModule.pow_register",
                "SubtensorModule.swap_basket_many",
            ]
        );
    });
}

#[test]
fn maps_come_page_by_page() {
    use futures::StreamExt;
    block_on(async {
        let chain = local();
        for n in 0..1200u32 {
            let mut bytes = [3; 32];
            bytes[..4].copy_from_slice(&n.to_le_bytes());
            chain.fund(&tensor_core::AccountId::from_bytes(bytes), TAO);
        }
        let client = Subtensor::local(&chain).await.unwrap();
        let all = client.storage_map("System", "Account", &[]).await.unwrap();
        assert!(all.len() >= 1200);
        let first: Vec<_> =
            client.storage_stream("System", "Account", &[]).take(600).collect().await;
        assert_eq!(first.len(), 600);
        let accounts: Vec<_> = all.iter().map(|(keys, _)| keys[0].as_account().unwrap()).collect();
        let read = client.accounts(&accounts).await.unwrap();
        assert!(read.iter().all(|account| account.exists));
        let gone = client.accounts(&[tensor_core::AccountId::from_bytes([9; 32])]).await.unwrap();
        assert!(!gone[0].exists);
        assert!(client.storage_map("System", "Account", &[NetUid::new(1).into()]).await.is_err());
        sound(&chain);
    });
}

#[test]
fn the_same_client_runs_on_smol() {
    let receipt = smol::block_on(smol::spawn(async {
        let chain = local();
        let client = Subtensor::local(&chain).await.unwrap();
        let gift = Transfer::new(key("//Dave").account_id(), Tao::from_rao(TAO));
        client.execute(&gift, &key("//Alice")).await.unwrap()
    }));
    assert!(receipt.fee.is_some());
}

#[cfg(all(feature = "ws", feature = "ws-server"))]
#[test]
fn the_same_client_runs_over_a_socket() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let chain = local();
        let server = chain.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
        let client = Subtensor::connect(&server.url()).await.unwrap();
        let netuid = subnet(&client).await;
        assert_eq!(client.metagraph(netuid).await.unwrap().len(), 3);
        // Nothing listens at the first address: the second serves.
        let urls = ["ws://127.0.0.1:9".to_owned(), server.url()];
        let any = Subtensor::connect_any(urls).await.unwrap();
        assert_eq!(any.genesis_hash(), client.genesis_hash());
        let gift = Transfer::new(key("//Dave").account_id(), Tao::from_rao(TAO));
        any.execute(&gift, &key("//Alice")).await.unwrap();
        server.stop().await;
        sound(&chain);
    });
}

#[cfg(all(feature = "ws", feature = "ws-server"))]
#[test]
fn a_socket_that_closed_comes_back_with_its_subscriptions() {
    use futures::StreamExt;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let chain = local();
        let server = chain.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = server.local_addr();
        let client = Subtensor::connect(&server.url()).await.unwrap();
        let mut heads = client.headers();
        let height = heads.next().await.unwrap().unwrap().number;
        server.stop().await;
        chain.advance(2);
        let server = chain.serve(address).await.unwrap();
        assert!(matches!(heads.next().await, Some(Err(Error::Disconnected(_)))));
        let mut told = Vec::new();
        while told.len() < 2 {
            // It may be dialled before the socket is there again.
            if let Ok(head) = heads.next().await.unwrap() {
                told.push(head.number.since(height));
            }
        }
        assert_eq!(told, [1, 2]);
        assert!(client.balance(&key("//Alice").account_id()).await.is_ok());
        server.stop().await;
        // Where nothing is, a start fails at once.
        let error = Subtensor::connect(&server_url(address)).await.unwrap_err();
        assert!(matches!(error, Error::Disconnected(_)), "{error:?}");
    });
}

#[cfg(all(feature = "ws", feature = "ws-server"))]
fn server_url(address: std::net::SocketAddr) -> String {
    format!("ws://{address}")
}
