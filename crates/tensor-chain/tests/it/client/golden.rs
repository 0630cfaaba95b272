//! The official SDK's recorded vectors, through the client's codec and the recorded metadata.
//!
//! A selection is in the repository. `TENSOR_GOLDEN=FILE` takes the whole file instead
//! (`tests/fixtures/golden.json` of the bittensor 11.3.0 source package), with its own metadata.

use serde_json::Value as Json;
use tensor_chain::codec::{Era, Metadata, SigningContext};
use tensor_core::account::AccountId;
use tensor_core::call::{Call, Value};

const METADATA: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/v461.scale"));
const VECTORS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/chain/golden-vectors.json"));

pub(super) fn metadata() -> Metadata {
    match all()["metadata"]["v15_hex"].as_str() {
        Some(hex) => Metadata::decode(opaque(hex)).unwrap(),
        None => Metadata::decode(METADATA).unwrap(),
    }
}

/// The vectors: those in the repository, or the whole file.
fn all() -> Json {
    match std::env::var_os("TENSOR_GOLDEN") {
        Some(path) => serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap(),
        None => serde_json::from_str(VECTORS).unwrap(),
    }
}

/// Metadata as a node answers: from the `meta` on.
fn opaque(hex: &str) -> Vec<u8> {
    let bytes = hex::decode(hex.trim_start_matches("0x")).unwrap();
    let start = bytes.windows(4).position(|window| window == b"meta").unwrap();
    bytes[start..].to_vec()
}

fn vectors(of: &str) -> Vec<Json> {
    let all = all();
    let list = all[of].as_array().unwrap().clone();
    assert!(!list.is_empty(), "{of}");
    list
}

fn text<'a>(json: &'a Json, name: &str) -> &'a str {
    json[name].as_str().unwrap()
}

fn bytes(json: &Json) -> Vec<u8> {
    hex::decode(json.as_str().unwrap().trim_start_matches("0x")).unwrap()
}

fn hash(json: &Json) -> [u8; 32] {
    bytes(json).try_into().unwrap()
}

/// A parameter as the vectors write it.
fn value(json: &Json) -> Value {
    match json {
        Json::Bool(value) => Value::from(*value),
        Json::Number(_) => Value::Uint(json.to_string().parse().unwrap()),
        Json::String(text) => match text.strip_prefix("0x") {
            Some(hex) => Value::Bytes(hex::decode(hex).unwrap()),
            None => match text.parse::<AccountId>() {
                Ok(account) => Value::Account(account),
                Err(_) => Value::unit(text.clone()),
            },
        },
        Json::Array(items) => Value::List(items.iter().map(value).collect()),
        // A call with its arguments beside its name.
        Json::Object(call) => {
            let part = |name: &str| call[name].as_str().unwrap().to_owned();
            let mut inner = Call::new(part("module"), part("function"));
            for (name, param) in call {
                if name != "module" && name != "function" {
                    inner = inner.arg(name.clone(), value(param));
                }
            }
            inner.into()
        }
        Json::Null => Value::Option(None),
    }
}

/// A decoded value as the vectors write it.
fn json(value: &Value) -> Json {
    match value {
        Value::Bool(value) => Json::from(*value),
        Value::Uint(value) => serde_json::from_str(&value.to_string()).unwrap(),
        Value::Account(account) => Json::from(account.to_string()),
        Value::Bytes(bytes) => Json::from(format!("0x{}", hex::encode(bytes))),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Record(fields) => {
            Json::Object(fields.iter().map(|(name, value)| (name.clone(), json(value))).collect())
        }
        Value::Option(None) => Json::Null,
        Value::Option(Some(value)) => json(value),
        other => panic!("{other:?}"),
    }
}

/// Numbers compare by their digits: a `u128` may be a number of either kind to serde_json.
fn assert_same(ours: &Json, theirs: &Json) {
    match (ours, theirs) {
        (Json::Number(a), Json::Number(b)) => {
            let exact = a.to_string() == b.to_string();
            // Recorded as a double by whoever wrote the file back.
            assert!(exact || a.as_f64() == b.as_f64(), "{a} {b}");
        }
        (Json::Array(a), Json::Array(b)) => {
            assert_eq!(a.len(), b.len());
            a.iter().zip(b).for_each(|(a, b)| assert_same(a, b));
        }
        (Json::Object(a), Json::Object(b)) => {
            assert_eq!(a.len(), b.len(), "{ours} {theirs}");
            a.iter().for_each(|(name, a)| assert_same(a, &b[name]));
        }
        (a, b) => assert_eq!(a, b),
    }
}

#[test]
fn storage_keys() {
    let metadata = metadata();
    for vector in vectors("storage_keys").into_iter().chain(vectors("storage_values")) {
        let entry =
            metadata.storage(text(&vector, "pallet"), text(&vector, "storage_function")).unwrap();
        let params: Vec<_> = vector["params"].as_array().unwrap().iter().map(value).collect();
        let key = entry.key(&params).unwrap();
        assert_eq!(key, bytes(&vector["key_hex"]), "{}", entry.name());
        let decoded = entry.decode_key(&key).unwrap();
        // An account's bytes may have been written as hexadecimal.
        assert_eq!(decoded, params, "{}", entry.name());
    }
}

#[test]
fn storage_values_and_maps() {
    let metadata = metadata();
    for vector in vectors("storage_values") {
        let entry =
            metadata.storage(text(&vector, "pallet"), text(&vector, "storage_function")).unwrap();
        let read = match vector["raw_hex"].is_null() {
            true => entry.default().unwrap().unwrap(),
            false => entry.decode(&bytes(&vector["raw_hex"])).unwrap(),
        };
        assert_same(&json(&read), &vector["decoded"]);
    }
    for vector in vectors("query_maps") {
        let entry =
            metadata.storage(text(&vector, "pallet"), text(&vector, "storage_function")).unwrap();
        let params: Vec<_> = vector["params"].as_array().unwrap().iter().map(value).collect();
        assert_eq!(entry.key(&params).unwrap(), bytes(&vector["prefix_hex"]));
        let changes = vector["raw_changes"].as_array().unwrap();
        let pairs = vector["pairs"].as_array().unwrap();
        assert_eq!(changes.len(), pairs.len());
        for change in changes {
            let keys = entry.decode_key(&bytes(&change[0])).unwrap();
            let value = json(&entry.decode(&bytes(&change[1])).unwrap());
            let [.., key] = keys.as_slice() else { panic!("{keys:?}") };
            let pair = pairs.iter().find(|pair| pair[0] == json(key)).unwrap();
            assert_same(&value, &pair[1]);
        }
    }
}

#[test]
fn calls_there_and_back() {
    let metadata = metadata();
    // What the file says in words.
    let told = |text: &str| {
        let (amount, to) = match text {
            "transfer 1 to bob" => (1u8, "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"),
            "transfer 2 to charlie" => (2, "5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y"),
            _ => return None,
        };
        Some(
            Call::new("Balances", "transfer_keep_alive")
                .arg("value", amount)
                .arg("dest", to.parse::<AccountId>().unwrap()),
        )
    };
    for vector in vectors("calls") {
        let mut call = Call::new(text(&vector, "module"), text(&vector, "function"));
        for (name, param) in vector["params"].as_object().unwrap() {
            let calls = |param: &Json| param.as_str().and_then(told);
            call = match param {
                Json::String(_) if calls(param).is_some() => {
                    call.arg(name.clone(), calls(param).unwrap())
                }
                Json::Array(all)
                    if all.iter().all(|one| calls(one).is_some()) && !all.is_empty() =>
                {
                    call.arg(name.clone(), all.iter().filter_map(calls).collect::<Vec<_>>())
                }
                _ => call.arg(name.clone(), value(param)),
            };
        }
        let encoded = metadata.encode_call(&call).unwrap();
        assert_eq!(encoded, bytes(&vector["data_hex"]), "{call}");
        let decoded = metadata.decode_call(&encoded).unwrap();
        assert_eq!((&decoded.pallet, &decoded.name), (&call.pallet, &call.name));
        assert_eq!(metadata.encode_call(&decoded).unwrap(), encoded);
    }
}

fn context(vector: &Json) -> SigningContext {
    let all = all();
    let network = &all["network"];
    let genesis_hash = hash(&network["genesis_hash"]);
    let (era, era_hash) = match vector["era"].as_str() {
        Some("00") => (Era::Immortal, genesis_hash),
        _ => (
            Era::mortal(
                vector["era"]["period"].as_u64().unwrap(),
                vector["era"]["current"].as_u64().unwrap(),
            ),
            // Of use for payloads only; extrinsics do not carry it.
            vector.get("era_birth_block_hash").map_or(genesis_hash, hash),
        ),
    };
    SigningContext {
        spec_version: u32::try_from(network["spec_version"].as_u64().unwrap()).unwrap(),
        transaction_version: u32::try_from(network["transaction_version"].as_u64().unwrap())
            .unwrap(),
        genesis_hash,
        era,
        era_hash,
        nonce: u32::try_from(vector["nonce"].as_u64().unwrap()).unwrap(),
        tip: vector["tip"].as_u64().unwrap(),
        metadata_hash: None,
    }
}

#[test]
fn signature_payloads() {
    let metadata = metadata();
    for vector in vectors("signature_payloads") {
        let extensions = metadata.extensions(&context(&vector)).unwrap();
        let call = bytes(&vector["call_data_hex"]);
        let payload = [call, extensions.extra, extensions.implied].concat();
        assert_eq!(payload, bytes(&vector["payload_hex"]));
    }
}

#[test]
fn extrinsics() {
    let metadata = metadata();
    for vector in vectors("extrinsics") {
        let extensions = metadata.extensions(&context(&vector)).unwrap();
        let encoded = bytes(&vector["extrinsic_hex"]);
        // The extensions stand between signature and call.
        let call = bytes(&vector["call_data_hex"]);
        let tail = [extensions.extra.as_slice(), &call].concat();
        assert!(encoded.ends_with(&tail));
        let decoded = metadata.decode_extrinsic(&encoded).unwrap();
        assert_eq!(decoded.hash, hash(&vector["extrinsic_hash"]));
        assert_eq!(decoded.signer.unwrap().to_string(), text(&vector, "address"));
        assert_eq!(decoded.nonce.map(u64::from), vector["nonce"].as_u64());
        assert_eq!(metadata.encode_call(&decoded.call).unwrap(), call);
    }
}

#[test]
fn runtime_calls() {
    let metadata = metadata();
    for vector in vectors("runtime_calls") {
        let api = metadata.runtime_api(text(&vector, "api"), text(&vector, "method")).unwrap();
        let params: Vec<_> = vector["params"].as_array().unwrap().iter().map(value).collect();
        assert_eq!(api.encode_args(&params).unwrap(), bytes(&vector["encoded_params_hex"]));
        let decoded = api.decode(&bytes(&vector["raw_hex"])).unwrap();
        assert_same(&json(&decoded), &vector["decoded"]);
    }
}

#[test]
fn constants() {
    let metadata = metadata();
    for vector in vectors("constants") {
        let constant = metadata.constant(text(&vector, "module"), text(&vector, "name"));
        assert_same(&json(&constant.unwrap().unwrap()), &vector["decoded"]);
    }
}

#[test]
fn a_block() {
    let metadata = metadata();
    let all = all();
    let block = &all["block"];
    let raw = if block["raw"].is_object() { &block["raw"]["block"] } else { block };
    for (raw, decoded) in raw["extrinsics"]
        .as_array()
        .unwrap()
        .iter()
        .zip(block["decoded_extrinsics"].as_array().unwrap())
    {
        let ours = metadata.decode_extrinsic(&bytes(raw)).unwrap();
        assert_eq!(ours.hash, hash(&decoded["extrinsic_hash"]));
        assert_eq!(ours.call.pallet, decoded["call"]["call_module"].as_str().unwrap());
        assert_eq!(ours.call.name, decoded["call"]["call_function"].as_str().unwrap());
        for (ours, theirs) in
            ours.call.args.iter().zip(decoded["call"]["call_args"].as_array().unwrap())
        {
            assert_eq!(ours.0, theirs["name"].as_str().unwrap());
            assert_same(&json(&ours.1), &theirs["value"]);
        }
    }
}

/// In the whole file only.
#[test]
fn events_and_a_receipt() {
    let all = all();
    if all["events"].is_null() {
        return;
    }
    let metadata = metadata();
    let records = metadata.decode_events(&bytes(&all["events"]["raw_hex"])).unwrap();
    let expected = all["events"]["decoded"].as_array().unwrap();
    assert_eq!(records.len(), expected.len());
    for (record, expected) in records.iter().zip(expected) {
        let event = &record.event;
        assert_eq!(event.pallet, expected["event"]["module_id"].as_str().unwrap());
        assert_eq!(event.name, expected["event"]["event_id"].as_str().unwrap());
    }
    let receipt = &all["receipt"];
    let index = u32::try_from(receipt["extrinsic_idx"].as_u64().unwrap()).unwrap();
    let phase = tensor_chain::codec::Phase::ApplyExtrinsic(index);
    let own: Vec<_> =
        records.iter().filter(|record| record.phase == phase).map(|record| &record.event).collect();
    assert_eq!(own.len(), receipt["triggered_events"].as_array().unwrap().len());
    let failure = tensor_chain::codec::DispatchFailure::find(&metadata, own.iter().copied());
    assert_eq!(failure.is_none(), receipt["is_success"].as_bool().unwrap());
    let paid = own.iter().find(|event| event.name == "TransactionFeePaid").unwrap();
    let fee = paid.field("actual_fee").unwrap().as_u64();
    assert_eq!(fee, receipt["total_fee_amount"].as_u64());
}

/// In the whole file only: V14, which describes no runtime APIs, does for everything else.
#[test]
fn metadata_of_version_14() {
    let all = all();
    let Some(hex) = all["metadata"]["v14_hex"].as_str() else { return };
    let metadata = Metadata::decode(opaque(hex)).unwrap();
    assert!(metadata.runtime_api("Core", "version").is_err());
    for vector in vectors("calls") {
        let call = metadata.decode_call(&bytes(&vector["data_hex"])).unwrap();
        assert_eq!(metadata.encode_call(&call).unwrap(), bytes(&vector["data_hex"]));
    }
}

#[test]
fn multisig_accounts() {
    for vector in vectors("multisig") {
        let signatories = vector["signatories"].as_array().unwrap();
        let signatories: Vec<AccountId> =
            signatories.iter().map(|account| account.as_str().unwrap().parse().unwrap()).collect();
        let threshold = u16::try_from(vector["threshold"].as_u64().unwrap()).unwrap();
        let account = tensor_chain::intent::multisig_account(&signatories, threshold);
        assert_eq!(account.to_string(), text(&vector, "ss58_address"));
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let metadata = metadata();
    let error = |call: Call| metadata.encode_call(&call).unwrap_err().to_string();
    let alice = AccountId::from_bytes([1; 32]);
    let add = || Call::new("SubtensorModule", "add_stake").arg("hotkey", alice);
    let all = || add().arg("netuid", 1u16).arg("amount_staked", 5u64);
    assert!(metadata.encode_call(&all()).is_ok());
    let missing = error(add().arg("netuid", 1u16));
    assert_eq!(missing, "SubtensorModule.add_stake: argument amount_staked is missing");
    let unknown = error(all().arg("amonut", 1u8));
    assert!(unknown.contains("no argument amonut; the arguments are hotkey, netuid"), "{unknown}");
    let twice = error(all().arg("netuid", 1u8));
    assert!(twice.contains("netuid is given twice"), "{twice}");
    let wide = error(add().arg("netuid", 70_000u32).arg("amount_staked", 5u64));
    assert_eq!(wide, "SubtensorModule.add_stake.netuid: 70000 does not fit u16");
    let kind = error(add().arg("netuid", true).arg("amount_staked", 5u64));
    assert!(kind.ends_with("netuid: true does not fit u16"), "{kind}");
    let nested = error(Call::new("Sudo", "sudo").arg("call", add()));
    assert!(nested.contains("Sudo.sudo.call.SubtensorModule.add_stake"), "{nested}");
    let pallet = metadata.encode_call(&Call::new("Voting", "vote")).unwrap_err();
    assert_eq!(pallet.missing().unwrap(), "pallet Voting");
    let name = metadata.encode_call(&Call::new("System", "vote")).unwrap_err();
    assert_eq!(name.missing().unwrap(), "call System.vote");
    let variant = Call::new("Proxy", "add_proxy")
        .arg("delegate", alice)
        .arg("proxy_type", Value::unit("Everything"))
        .arg("delay", 0u8);
    let variant = error(variant);
    assert!(variant.contains("proxy_type: Everything is not one of Any, Owner"), "{variant}");
}

#[test]
fn hostile_bytes_are_errors() {
    let metadata = metadata();
    let entry = metadata.storage("System", "Events").unwrap();
    // A list that claims a billion events, and every cut of a real value.
    assert!(entry.decode(&[0x02, 0x94, 0x35, 0x77]).is_err());
    let call = bytes(&vectors("calls")[3]["data_hex"]);
    for end in 0..call.len() {
        assert!(metadata.decode_call(&call[..end]).is_err());
    }
    assert!(metadata.decode_call(&[call.as_slice(), &[0]].concat()).is_err());
    // Batches in batches until the stack would be gone.
    let deep: Vec<u8> = std::iter::repeat_n([11u8, 0, 4], 10_000).flatten().collect();
    let error = metadata.decode_call(&deep).unwrap_err().to_string();
    assert!(error.contains("nested deeper"), "{error}");
    assert!(Metadata::decode(&b"meta\x0f"[..]).is_err());
}
