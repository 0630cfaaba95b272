//! Hostile input: whatever bytes and JSON arrive, the chain answers with an error and goes on.

use proptest::prelude::*;
use serde_json::{Value, json, value::RawValue};
use tensor_chain::local::{Interface, LocalChain, LocalRpc, extrinsic::Extrinsic};

use super::signing::{Transaction, chain, keypair, transfer};

/// JSON of any shape, with the strings that decoders look for.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|f| json!(f)),
        "[a-zA-Z0-9é ]{0,20}".prop_map(Value::from),
        "(0x)?[0-9a-fA-F]{0,130}".prop_map(Value::from),
        Just(json!("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY")),
        prop::sample::select(vec![
            "Metadata_metadata_at_version",
            "TransactionPaymentApi_query_info",
            "TaggedTransactionQueue_validate_transaction",
            "AccountNonceApi_account_nonce",
            "NeuronInfoRuntimeApi_get_neurons_lite",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| prop::collection::vec(inner, 0..6).prop_map(Value::from))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_parameters_to_any_method(params in prop::collection::vec(any_json(), 0..4)) {
        let chain = chain();
        let raw = RawValue::from_string(Value::from(params).to_string()).unwrap();
        for method in LocalRpc::request_methods() {
            let _ = chain.rpc().request(method, Some(&raw));
        }
        for (open, ..) in LocalRpc::subscription_methods() {
            let _ = chain.rpc().subscribe(open[0], Some(&raw));
        }
        chain.advance(1);
        prop_assert_eq!(chain.block_number(), 1);
    }

    #[test]
    fn any_bytes_as_an_extrinsic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let interface = Interface::v461().unwrap();
        let _ = Extrinsic::decode(&bytes, &interface);
        // Framed rightly, so that decoding gets further.
        let framed = parity_scale_codec::Encode::encode(&[&[0x84u8, 0][..], &bytes].concat());
        let _ = Extrinsic::decode(&framed, &interface);
    }

    /// A right transaction with a few bytes changed is refused, or is the same one.
    #[test]
    fn a_changed_transaction_is_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let chain = chain();
        let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
        let right = Transaction::new(&chain, &alice, 0, transfer(&bob, 1_000)).sign();
        let mut changed = right.clone();
        for (at, byte) in changes {
            let at = at.index(changed.len());
            changed[at] = byte;
        }
        prop_assert_eq!(chain.submit(&changed).is_ok(), changed == right);
    }

    /// Arguments of every runtime API, cut and mixed.
    #[test]
    fn any_arguments_to_every_runtime_api(args in prop::collection::vec(any::<u8>(), 0..80)) {
        let chain = LocalChain::builder().build().unwrap();
        let interface = chain.interface();
        let args = hex::encode(args);
        for (name, _) in interface.apis() {
            let params = RawValue::from_string(json!([name, args]).to_string()).unwrap();
            let _ = chain.rpc().request("state_call", Some(&params));
        }
        chain.advance(1);
    }
}

#[test]
fn parameters_that_are_no_array_are_refused() {
    let chain = chain();
    for bad in ["{}", "7", "\"x\"", "{\"hash\":\"0x\"}"] {
        let params = RawValue::from_string(bad.to_owned()).unwrap();
        for method in LocalRpc::request_methods() {
            assert_eq!(chain.rpc().request(method, Some(&params)).unwrap_err().code, -32_602);
        }
    }
    let null = RawValue::from_string("null".to_owned()).unwrap();
    assert!(chain.rpc().request("chain_getHead", Some(&null)).is_ok());
}

#[test]
fn the_pool_is_bounded() {
    let chain = chain();
    let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
    let big = |nonce: u32| {
        let remark = parity_scale_codec::Encode::encode(&(0u8, 0u8, vec![0u8; 4_000_000]));
        Transaction::new(&chain, &alice, nonce, remark).sign()
    };
    for nonce in 0..5 {
        chain.submit(&big(nonce)).unwrap();
    }
    let full = chain.submit(&Transaction::new(&chain, &alice, 5, big(5)).sign());
    assert!(full.is_err());
    let small = chain.submit(&Transaction::new(&chain, &alice, 5, transfer(&bob, 1)).sign());
    assert!(small.is_ok());
    // One block holds 7.8 MB of them.
    chain.advance(1);
    assert_eq!(chain.waiting(), 5);
    chain.advance(5);
    assert_eq!(chain.waiting(), 0);
}
