//! The official SDK's recorded vectors: storage keys, calls, extrinsics, values.

use serde_json::Value;
use tensor_chain::local::{
    Interface, LocalChain,
    extrinsic::{Era, Extrinsic, MultiSignature},
};
use tensor_core::account::AccountId;

const VECTORS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/chain/golden-vectors.json"));

fn vectors() -> Value {
    serde_json::from_str(VECTORS).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap().trim_start_matches("0x")).unwrap()
}

fn account(text: &str) -> [u8; 32] {
    text.parse::<AccountId>().unwrap().to_bytes()
}

/// A parameter of a storage key: an account, bytes, or a number as wide as the key's type.
fn key_bytes(interface: &Interface, ty: u32, param: &Value) -> Vec<u8> {
    let bytes = match param {
        Value::String(text) if text.starts_with("0x") => bytes(param),
        Value::String(text) => account(text).to_vec(),
        number => {
            let number = number.as_u64().unwrap().to_le_bytes();
            let width = (1..=8).find(|w| interface.is_value(ty, &number[..*w])).unwrap();
            number[..width].to_vec()
        }
    };
    assert!(interface.is_value(ty, &bytes));
    bytes
}

#[test]
fn storage_keys() {
    let interface = Interface::v461().unwrap();
    let vectors = vectors();
    let listed = ["storage_keys", "storage_values"];
    let mut seen = 0;
    for vector in listed.iter().flat_map(|list| vectors[list].as_array().unwrap()) {
        let item = interface
            .storage(
                vector["pallet"].as_str().unwrap(),
                vector["storage_function"].as_str().unwrap(),
            )
            .unwrap();
        let params = vector["params"].as_array().unwrap();
        assert_eq!(params.len(), item.hashers.len());
        let keys: Vec<Vec<u8>> =
            item.keys.iter().zip(params).map(|(ty, p)| key_bytes(&interface, *ty, p)).collect();
        let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        assert_eq!(item.key(&keys), bytes(&vector["key_hex"]), "{vector}");
        if let Some(raw) = vector.get("raw_hex").filter(|raw| raw.is_string()) {
            assert!(interface.is_value(item.value, &bytes(raw)), "{vector}");
        }
        seen += 1;
    }
    assert!(seen >= 7);
    for map in vectors["query_maps"].as_array().unwrap() {
        let item = interface
            .storage(map["pallet"].as_str().unwrap(), map["storage_function"].as_str().unwrap())
            .unwrap();
        let prefix = bytes(&map["prefix_hex"]);
        assert!(prefix.starts_with(&item.prefix));
        for change in map["raw_changes"].as_array().unwrap() {
            assert!(bytes(&change[0]).starts_with(&prefix));
            assert!(interface.is_value(item.value, &bytes(&change[1])));
        }
    }
}

#[test]
fn calls_and_results_have_their_types() {
    let interface = Interface::v461().unwrap();
    let vectors = vectors();
    for call in vectors["calls"].as_array().unwrap() {
        let data = bytes(&call["data_hex"]);
        assert!(interface.is_value(interface.call_type(), &data), "{call}");
        let item = interface.call_by_index(data[0], data[1]).unwrap();
        assert_eq!(item.pallet_name, call["module"].as_str().unwrap());
        assert_eq!(item.name, call["function"].as_str().unwrap());
        if let Some(params) = call["params"].as_object() {
            let names: Vec<_> = params.keys().map(String::as_str).collect();
            let ours: Vec<_> = item.args.iter().map(|a| a.name.as_str()).collect();
            assert_eq!(ours, names);
        }
    }
    for call in vectors["runtime_calls"].as_array().unwrap() {
        let name =
            format!("{}_{}", call["api"].as_str().unwrap(), call["method"].as_str().unwrap());
        let method = interface.api(&name).unwrap();
        let mut args = &bytes(&call["encoded_params_hex"])[..];
        for input in &method.inputs {
            interface.skip(input.ty, &mut args).unwrap();
        }
        assert!(args.is_empty());
        assert!(interface.is_value(method.output, &bytes(&call["raw_hex"])), "{name}");
    }
    for constant in vectors["constants"].as_array().unwrap() {
        let raw = interface
            .constant(constant["module"].as_str().unwrap(), constant["name"].as_str().unwrap())
            .unwrap();
        let mut wide = [0; 8];
        wide[..raw.len()].copy_from_slice(raw);
        assert_eq!(u64::from_le_bytes(wide), constant["decoded"].as_u64().unwrap());
    }
}

#[test]
fn extrinsics_decode_to_what_they_were_made_of() {
    let interface = Interface::v461().unwrap();
    let vectors = vectors();
    for vector in vectors["extrinsics"].as_array().unwrap() {
        let extrinsic = Extrinsic::decode(&bytes(&vector["extrinsic_hex"]), &interface).unwrap();
        assert_eq!(extrinsic.hash.to_vec(), bytes(&vector["extrinsic_hash"]));
        assert_eq!(extrinsic.call(), bytes(&vector["call_data_hex"]));
        let signed = extrinsic.signed.unwrap();
        assert_eq!(signed.who.to_bytes(), account(vector["address"].as_str().unwrap()));
        assert_eq!(signed.nonce, vector["nonce"].as_u64().unwrap() as u32);
        assert_eq!(signed.tip, vector["tip"].as_u64().unwrap());
        if vector["era"] == "00" {
            assert_eq!(signed.era, Era::Immortal);
        }
        let MultiSignature::Sr25519(signature) = signed.signature else { panic!() };
        assert_eq!(signature.to_vec(), bytes(&vector["signature_hex"]));
    }
    for extrinsic in vectors["block"]["extrinsics"].as_array().unwrap() {
        let extrinsic = Extrinsic::decode(&bytes(extrinsic), &interface).unwrap();
        assert_eq!(extrinsic.signed, None);
        let again = Extrinsic::bare(extrinsic.call());
        assert_eq!(again, extrinsic);
    }
}

/// The golden era: period 64 from block 66 is written as `2500`.
#[test]
fn eras_are_read_as_they_are_written() {
    use parity_scale_codec::Decode;
    let era = Era::decode(&mut &[0x25u8, 0][..]).unwrap();
    assert_eq!(era, Era::Mortal { period: 64, phase: 2 });
    assert_eq!(era.birth(66), 66);
    assert_eq!(era.birth(129), 66);
    assert_eq!(era.death(66), 130);
    assert!(Era::decode(&mut &[0x01u8, 0xff][..]).is_err());
}

/// What an absent entry reads as: the default of the metadata.
#[test]
fn absent_values_are_the_recorded_defaults() {
    let chain = LocalChain::builder().build().unwrap();
    for vector in vectors()["storage_values"].as_array().unwrap() {
        if vector["raw_hex"].is_null() {
            let interface = chain.interface();
            let (pallet, name) = (&vector["pallet"], &vector["storage_function"]);
            let item = interface.storage(pallet.as_str().unwrap(), name.as_str().unwrap()).unwrap();
            assert!(!item.optional);
            assert_eq!(vector["decoded"], Value::Bool(false));
            assert_eq!(item.default, [0]);
        }
    }
}
