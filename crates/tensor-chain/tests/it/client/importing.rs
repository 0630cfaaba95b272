//! A subnet carried from one chain to another: read as a metagraph, saved, and begun with.

use futures::executor::block_on;
use tensor_chain::Subtensor;
use tensor_chain::intent::{AddStake, ServeAxon, Slippage};
use tensor_chain::local::{ImportedSubnet, LocalChain};
use tensor_core::Metagraph;
use tensor_core::NetUid;

use super::story::{TAO, hotkey, key, local, subnet};

#[test]
fn a_saved_metagraph_is_a_subnet_to_begin_with() {
    block_on(async {
        let chain = local();
        let client = Subtensor::local(&chain).await.unwrap();
        let netuid = subnet(&client).await;
        let bob = key("//Bob");
        let stake = AddStake::new(hotkey("//v"), netuid, tensor_core::Tao::from_rao(50 * TAO))
            .with_slippage(Slippage::Unbounded);
        client.execute(&stake, &bob).await.unwrap();
        let axon = ServeAxon::new(netuid, "8.8.4.4:8091".parse().unwrap());
        client.execute(&axon, &key("//m")).await.unwrap();
        chain.advance_to_epoch(netuid.value()).unwrap();
        chain.advance(3);
        let before = client.metagraph(netuid).await.unwrap();
        assert!(before.validator_permit().contains(&true));

        let saved = Metagraph::from_json(&before.to_json()).unwrap();
        let copy = LocalChain::builder().import(saved.clone()).build().unwrap();
        let reader = Subtensor::local(&copy).await.unwrap();
        let after = reader.metagraph(netuid).await.unwrap();
        assert_eq!(after.hotkey(), before.hotkey());
        assert_eq!(after.coldkey(), before.coldkey());
        assert_eq!(after.alpha_stake(), before.alpha_stake());
        assert_eq!(after.tao_stake(), before.tao_stake());
        assert_eq!(after.validator_permit(), before.validator_permit());
        assert_eq!(after.active(), before.active());
        assert_eq!(after.incentive(), before.incentive());
        assert_eq!(after.dividends(), before.dividends());
        assert_eq!(after.emission(), before.emission());
        assert_eq!(after.tempo(), before.tempo());
        let addresses = |metagraph: &Metagraph| -> Vec<_> {
            metagraph.axon().iter().map(|axon| axon.and_then(|axon| axon.address())).collect()
        };
        assert_eq!(addresses(&after), addresses(&before));
        assert!(addresses(&after).iter().any(Option::is_some));

        // It lives on, and its epoch comes when it would have come: three blocks after one, of ten.
        let made = copy.advance_to_epoch(netuid.value()).unwrap();
        assert_eq!(made, u64::from(before.tempo().value()) - 3);
        for _ in 0..60 {
            copy.advance(1);
            assert!(copy.invariants().hold(), "{:?}", copy.invariants());
        }
        let later = reader.metagraph(netuid).await.unwrap();
        let total = |metagraph: &Metagraph| -> u64 {
            metagraph.alpha_stake().iter().map(|alpha| alpha.rao()).sum()
        };
        assert!(total(&later) > total(&before));

        // What it is begun with is in the genesis hash; weights and pool can be given.
        let plain = LocalChain::builder().build().unwrap();
        assert_ne!(plain.genesis_hash(), copy.genesis_hash());
        let row = vec![(2, u16::MAX)];
        let more = ImportedSubnet::new(saved.clone())
            .with_pool(7 * TAO, 9 * TAO)
            .with_weights(1, row.clone());
        let other = LocalChain::builder().import(more).build().unwrap();
        let reader = Subtensor::local(&other).await.unwrap();
        let weights = reader.weights(netuid, tensor_core::MechId::new(0)).await.unwrap();
        assert!(!weights.is_empty());
        assert!(other.invariants().hold(), "{:?}", other.invariants());
        assert_eq!(ImportedSubnet::new(saved).netuid(), netuid.value());
    });
}

#[test]
fn root_is_not_imported() {
    block_on(async {
        let chain = local();
        let client = Subtensor::local(&chain).await.unwrap();
        let root = client.metagraph(NetUid::new(0)).await.unwrap();
        assert!(LocalChain::builder().import(root).build().is_err());
    });
}
