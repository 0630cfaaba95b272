//! subxt, unchanged, over the in-memory chain and without any async runtime.

use std::sync::Arc;

use futures::executor::block_on;
use subxt::{
    OnlineClient,
    backend::LegacyBackend,
    config::SubstrateConfig,
    dynamic,
    tx::Signer,
    utils::{AccountId32, MultiAddress, MultiSignature},
};
use tensor_chain::local::{LocalChain, Sealing};
use tensor_core::key::Keypair;

use super::signing::keypair;

struct Key(Keypair);

impl Signer<SubstrateConfig> for Key {
    fn account_id(&self) -> AccountId32 {
        AccountId32(self.0.account_id().to_bytes())
    }

    fn sign(&self, payload: &[u8]) -> MultiSignature {
        MultiSignature::Sr25519(self.0.sign(payload).bytes)
    }
}

async fn client(chain: &LocalChain) -> OnlineClient<SubstrateConfig> {
    let backend = LegacyBackend::builder().build(subxt::rpcs::RpcClient::new(chain.rpc()));
    OnlineClient::from_backend(Arc::new(backend)).await.unwrap()
}

#[test]
fn reads_and_a_transfer_to_finality() {
    block_on(async {
        let chain = LocalChain::builder().sealing(Sealing::Instant).build().unwrap();
        let (alice, bob) = (Key(keypair("//Alice")), keypair("//Bob"));
        let api = client(&chain).await;
        let at = api.at_current_block().await.unwrap();
        let deposit = dynamic::constant::<u64>("Balances", "ExistentialDeposit");
        assert_eq!(at.constants().entry(deposit).unwrap(), 500);
        let now = dynamic::storage::<(), u64>("Timestamp", "Now");
        let now = at.storage().fetch(now, ()).await.unwrap().decode().unwrap();
        assert_eq!(now, chain.now_ms());

        let before = chain.balance(&bob.account_id());
        let to = MultiAddress::<AccountId32, ()>::Id(AccountId32(bob.account_id().to_bytes()));
        let call = dynamic::transaction("Balances", "transfer_keep_alive", (to, 12_345u64));
        for _ in 0..3 {
            let tx = api.tx().await.unwrap();
            let mut tx = tx;
            let events = tx
                .sign_and_submit_then_watch_default(&call, &alice)
                .await
                .unwrap()
                .wait_for_finalized_success()
                .await
                .unwrap();
            let names: Vec<_> = events
                .iter()
                .map(|e| {
                    let e = e.unwrap();
                    format!("{}.{}", e.pallet_name(), e.event_name())
                })
                .collect();
            assert_eq!(names.first().unwrap(), "Balances.Withdraw");
            assert_eq!(names.last().unwrap(), "System.ExtrinsicSuccess");
            assert!(names.contains(&"Balances.Transfer".to_owned()));
            assert!(names.contains(&"TransactionPayment.TransactionFeePaid".to_owned()));
        }
        assert_eq!(chain.balance(&bob.account_id()), before + 3 * 12_345);
        assert_eq!(chain.block_number(), 3);
    });
}

#[test]
fn a_refusal_keeps_its_code() {
    block_on(async {
        let chain = LocalChain::builder().build().unwrap();
        let poor = Key(keypair("//Poor"));
        let api = client(&chain).await;
        let call = dynamic::transaction("System", "remark", (vec![1u8],));
        let error =
            api.tx().await.unwrap().sign_and_submit_default(&call, &poor).await.unwrap_err();
        let text = format!("{error:?}");
        assert!(text.contains("1010") && text.contains("Inability to pay some fees"), "{text}");
    });
}

#[test]
fn heads_stream_as_blocks_are_made() {
    block_on(async {
        let chain = LocalChain::builder().build().unwrap();
        let api = client(&chain).await;
        let mut blocks = api.stream_blocks().await.unwrap();
        assert_eq!(blocks.next().await.unwrap().unwrap().number(), 0);
        chain.advance(3);
        for number in 1..=3 {
            assert_eq!(blocks.next().await.unwrap().unwrap().number(), number);
        }
    });
}
