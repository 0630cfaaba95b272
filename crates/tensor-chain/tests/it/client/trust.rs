//! Policies, and nodes that lie about what a call is.

use futures::executor::block_on;
use serde_json::value::{RawValue, to_raw_value};
use subxt::rpcs::client::{RawRpcFuture, RawRpcSubscription, RpcClientT};
use tensor_chain::intent::{AddProxy, Batch, BurnedRegister, Proxied, ProxyType, Transfer};
use tensor_chain::local::{LocalChain, LocalRpc};
use tensor_chain::policy::Violation;
use tensor_chain::{Error, ErrorCode, Policy, Subtensor};
use tensor_core::call::Call;
use tensor_core::{NetUid, Tao};

use super::story::{TAO, hotkey, key, local, subnet};
use super::upgrades::{bytes_of, calls_of, metadata_of, variants};

fn violation(error: Error) -> Violation {
    match error {
        Error::Policy(violation) => violation,
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_goes_around_a_policy() {
    block_on(async {
        let chain = local();
        let open = Subtensor::local(&chain).await.unwrap();
        let netuid = subnet(&open).await;
        let (alice, dave) = (key("//Alice"), key("//Dave").account_id());
        let policy = Policy::new()
            .with_spend_cap(Tao::from_rao(10 * TAO))
            .with_budget(Tao::from_rao(15 * TAO))
            .with_netuids([netuid]);
        let client = open.with_policy(policy.clone());
        let gift = |tao: u64| Transfer::new(dave, Tao::from_rao(tao * TAO));

        client.execute(&gift(9), &alice).await.unwrap();
        assert_eq!(policy.left(), Some(Tao::from_rao(6 * TAO)));
        let over = violation(client.execute(&gift(11), &alice).await.unwrap_err());
        assert!(matches!(over, Violation::Spend { .. }));
        let over = violation(client.execute(&gift(7), &alice).await.unwrap_err());
        assert!(matches!(over, Violation::Budget { .. }));
        // Neither as a raw call, nor in a batch, nor through a proxy.
        let raw = violation(client.submit(&gift(11).to_call(), &alice).await.unwrap_err());
        assert!(matches!(raw, Violation::Spend { .. }));
        let batch = Batch::new().with(gift(6)).with(gift(6));
        assert!(matches!(
            violation(client.execute(&batch, &alice).await.unwrap_err()),
            Violation::Spend { .. }
        ));
        let proxied = Proxied { real: dave, kind: None, intent: gift(11) };
        assert!(matches!(
            violation(client.execute(&proxied, &alice).await.unwrap_err()),
            Violation::Spend { .. }
        ));
        let proxy = AddProxy::new(dave, ProxyType::any(), 0u32);
        assert_eq!(
            violation(client.execute(&proxy, &alice).await.unwrap_err()),
            Violation::Control
        );
        let unknown = Call::new("Scheduler", "cancel").arg("when", 1u8).arg("index", 0u8);
        assert!(matches!(
            violation(client.submit(&unknown, &alice).await.unwrap_err()),
            Violation::Raw { .. }
        ));
        let elsewhere = BurnedRegister::new(NetUid::new(99), hotkey("//x"));
        assert_eq!(
            violation(client.execute(&elsewhere, &alice).await.unwrap_err()),
            Violation::Subnet(NetUid::new(99))
        );

        // What a slot costs is asked of the chain, and counts.
        let price = client.burn(netuid).await.unwrap();
        let left = policy.left().unwrap();
        client.execute(&BurnedRegister::new(netuid, hotkey("//x")), &alice).await.unwrap();
        assert_eq!(policy.left(), left.checked_sub(price));
        // What was refused by the pool is in no block, and is not spent.
        let left = policy.left();
        let nobody = key("//Nobody");
        client.execute(&gift(1), &nobody).await.unwrap_err();
        assert_eq!(policy.left(), left);
        let plan = client.plan(&gift(11), &alice.account_id()).await.unwrap();
        assert!(matches!(plan.violation, Some(Violation::Spend { .. })));
        assert_eq!(Error::from(plan.violation.unwrap()).code(), ErrorCode::PolicyViolation);
    });
}

/// A node whose metadata is another chain's.
struct Liar {
    inner: LocalRpc,
    metadata: Vec<u8>,
    /// Whether it also says that the chain does not check digests.
    denies_digests: bool,
}

impl RpcClientT for Liar {
    fn request_raw<'a>(
        &'a self,
        method: &'a str,
        params: Option<Box<RawValue>>,
    ) -> RawRpcFuture<'a, Box<RawValue>> {
        use parity_scale_codec::Encode;
        let asks = params.as_ref().map(|params| params.get().to_owned()).unwrap_or_default();
        if method == "state_call" && asks.contains("Metadata_metadata_at_version") {
            let answer = Some(self.metadata.clone()).encode();
            let answer = to_raw_value(&format!("0x{}", hex::encode(answer))).unwrap();
            return Box::pin(async { Ok(answer) });
        }
        self.inner.request_raw(method, params)
    }

    fn subscribe_raw<'a>(
        &'a self,
        sub: &'a str,
        params: Option<Box<RawValue>>,
        unsub: &'a str,
    ) -> RawRpcFuture<'a, RawRpcSubscription> {
        let asks = params.as_ref().map(|params| params.get().to_owned()).unwrap_or_default();
        // The last byte of the extensions, before the call, says whether a digest was signed.
        if sub == "author_submitAndWatchExtrinsic" && self.denies_digests && has_digest(&asks) {
            return Box::pin(async {
                Err(subxt::rpcs::Error::User(subxt::rpcs::UserError {
                    code: 1011,
                    message: "Unknown Transaction Validity".to_owned(),
                    data: Some(
                        to_raw_value(
                            "Could not lookup information required to validate the transaction",
                        )
                        .unwrap(),
                    ),
                }))
            });
        }
        self.inner.subscribe_raw(sub, params, unsub)
    }
}

fn has_digest(params: &str) -> bool {
    let hex = params.trim_matches(['[', ']', '"']).trim_start_matches("0x");
    let bytes = hex::decode(hex).unwrap();
    // Length, version, address, signature, era, nonce and tip in one byte each, mode.
    let length = if bytes[0] & 3 == 0 { 1 } else { 2 };
    bytes[length + 1 + 33 + 65 + 2 + 1 + 1] == 1
}

/// Metadata in which a transfer that keeps the sender alive is the one that does not, and serving an axon
/// is another call of the same arguments' lengths.
fn lie(chain: &LocalChain) -> Vec<u8> {
    let mut metadata = metadata_of(chain);
    for (pallet, one, other) in [
        ("Balances", "transfer_keep_alive", "transfer_allow_death"),
        ("SubtensorModule", "serve_axon", "serve_prometheus"),
    ] {
        let calls = calls_of(&metadata, pallet);
        let index = |metadata: &mut _, name: &str| {
            variants(metadata, calls).iter().find(|variant| variant.name == name).unwrap().index
        };
        let (first, second) = (index(&mut metadata, one), index(&mut metadata, other));
        for variant in variants(&mut metadata, calls) {
            if variant.name == one {
                variant.index = second;
            } else if variant.name == other {
                variant.index = first;
            }
        }
    }
    bytes_of(metadata)
}

#[test]
fn a_node_that_lies_about_metadata_chooses_nothing() {
    block_on(async {
        for denies_digests in [false, true] {
            let chain = local();
            let honest = Subtensor::local(&chain).await.unwrap();
            subnet(&honest).await;
            let liar = Liar { inner: chain.rpc(), metadata: lie(&chain), denies_digests };
            let client = Subtensor::from_rpc(liar).await.unwrap();
            let height = chain.block_number();
            let gift = Transfer::new(key("//Dave").account_id(), Tao::from_rao(5));
            let error = client.execute(&gift, &key("//Alice")).await.unwrap_err();
            // With the digest signed the chain refuses it; without it nothing is signed.
            assert!(
                matches!(&error, Error::Policy(Violation::UnknownRuntime { .. })),
                "{denies_digests}: {error:?}"
            );
            assert_eq!(chain.block_number(), height, "nothing was included");
        }
    });
}

#[test]
fn a_chain_that_knows_no_digests_is_served_where_the_layout_is_known() {
    block_on(async {
        let chain = local();
        let metadata = chain.interface().metadata_v15();
        let honest = Liar { inner: chain.rpc(), metadata, denies_digests: true };
        let client = Subtensor::from_rpc(honest).await.unwrap();
        assert!(client.runtime().await.unwrap().is_pinned());
        let gift = Transfer::new(key("//Dave").account_id(), Tao::from_rao(5));
        client.execute(&gift, &key("//Alice")).await.unwrap();
        assert!(client.runtime().await.unwrap().signed_digest().is_none());
    });
}
