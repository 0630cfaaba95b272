//! A runtime that changes under the client, and pallets that it has never heard of.

use frame_metadata::v15::RuntimeMetadataV15;
use frame_metadata::{RuntimeMetadata, RuntimeMetadataPrefixed};
use futures::executor::block_on;
use parity_scale_codec::{Decode, Encode};
use scale_info::form::PortableForm;
use scale_info::{Field, PortableType, Type, TypeDef, TypeDefVariant, Variant};
use tensor_chain::codec::{Kind, Metadata};
use tensor_chain::intent::Transfer;
use tensor_chain::local::{Interface, LocalChain};
use tensor_chain::{Error, Subtensor};
use tensor_core::Tao;
use tensor_core::call::{Call, Value};
use tensor_core::chain::At;

use super::story::{key, local, sound, subnet};

/// The interface of a chain as metadata that can be changed.
pub(super) fn metadata_of(chain: &LocalChain) -> RuntimeMetadataV15 {
    let bytes = chain.interface().metadata_v15();
    match RuntimeMetadataPrefixed::decode(&mut bytes.as_slice()).unwrap().1 {
        RuntimeMetadata::V15(metadata) => metadata,
        _ => panic!("not V15"),
    }
}

pub(super) fn bytes_of(metadata: RuntimeMetadataV15) -> Vec<u8> {
    RuntimeMetadataPrefixed::from(metadata).encode()
}

fn interface(metadata: RuntimeMetadataV15, spec_version: u32) -> Interface {
    Interface::decode(&bytes_of(metadata)).unwrap().with_spec_version(spec_version).unwrap()
}

pub(super) fn variants(
    metadata: &mut RuntimeMetadataV15,
    id: u32,
) -> &mut Vec<Variant<PortableForm>> {
    let ty = metadata.types.types.iter_mut().find(|ty| ty.id == id).unwrap();
    match &mut ty.ty.type_def {
        TypeDef::Variant(variants) => &mut variants.variants,
        _ => panic!("{id} is no enum"),
    }
}

pub(super) fn calls_of(metadata: &RuntimeMetadataV15, pallet: &str) -> u32 {
    let pallet = metadata.pallets.iter().find(|known| known.name == pallet).unwrap();
    pallet.calls.as_ref().unwrap().ty.id
}

/// Gives a field of a record another name.
fn rename(metadata: &mut RuntimeMetadataV15, record: &str, field: &str, name: &str) {
    let mut found = false;
    for ty in &mut metadata.types.types {
        if ty.ty.path.segments.last().is_none_or(|last| last != record) {
            continue;
        }
        let TypeDef::Composite(composite) = &mut ty.ty.type_def else { continue };
        for known in composite.fields.iter_mut().filter(|f| f.name.as_deref() == Some(field)) {
            known.name = Some(name.to_owned());
            found = true;
        }
    }
    assert!(found, "{record}.{field}");
}

/// An enum type of these variants: name, and fields by name and type.
fn enumeration(path: &[&str], variants: &[(&str, &[(&str, u32)])]) -> Type<PortableForm> {
    let variants = variants.iter().enumerate().map(|(index, (name, fields))| Variant {
        name: (*name).to_owned(),
        fields: fields
            .iter()
            .map(|(name, ty)| Field {
                name: Some((*name).to_owned()),
                ty: (*ty).into(),
                type_name: None,
                docs: Vec::new(),
            })
            .collect(),
        index: index as u8,
        docs: Vec::new(),
    });
    Type {
        path: scale_info::Path {
            segments: path.iter().map(|segment| (*segment).to_owned()).collect(),
        },
        type_params: Vec::new(),
        type_def: TypeDef::Variant(TypeDefVariant { variants: variants.collect() }),
        docs: Vec::new(),
    }
}

fn add_type(metadata: &mut RuntimeMetadataV15, ty: Type<PortableForm>) -> u32 {
    let id = u32::try_from(metadata.types.types.len()).unwrap();
    metadata.types.types.push(PortableType { id, ty });
    id
}

/// Adds a pallet that votes: a call, an event, a storage item, a constant.
fn add_voting(metadata: &mut RuntimeMetadataV15) {
    use frame_metadata::v15::{
        PalletCallMetadata, PalletConstantMetadata, PalletEventMetadata, PalletMetadata,
        PalletStorageMetadata, StorageEntryMetadata, StorageEntryModifier, StorageEntryType,
        StorageHasher,
    };
    let primitive = |metadata: &RuntimeMetadataV15, wanted: scale_info::TypeDefPrimitive| {
        let found = metadata
            .types
            .types
            .iter()
            .find(|ty| matches!(&ty.ty.type_def, TypeDef::Primitive(p) if *p == wanted));
        found.unwrap().id
    };
    let u32_id = primitive(metadata, scale_info::TypeDefPrimitive::U32);
    let bool_id = primitive(metadata, scale_info::TypeDefPrimitive::Bool);
    let account = metadata.types.types.iter();
    let account = account
        .clone()
        .find(|ty| ty.ty.path.segments.last().is_some_and(|last| last == "AccountId32"));
    let account = account.unwrap().id;
    let call = enumeration(&["voting", "Call"], &[("vote", &[("poll", u32_id), ("aye", bool_id)])]);
    let call = add_type(metadata, call);
    let event =
        enumeration(&["voting", "Event"], &[("Voted", &[("who", account), ("poll", u32_id)])]);
    let event = add_type(metadata, event);
    let (outer_call, outer_event) =
        (metadata.outer_enums.call_enum_ty.id, metadata.outer_enums.event_enum_ty.id);
    for (outer, inner) in [(outer_call, call), (outer_event, event)] {
        variants(metadata, outer).push(Variant {
            name: "Voting".to_owned(),
            fields: vec![Field { name: None, ty: inner.into(), type_name: None, docs: Vec::new() }],
            index: 77,
            docs: Vec::new(),
        });
    }
    metadata.pallets.push(PalletMetadata {
        name: "Voting".to_owned(),
        storage: Some(PalletStorageMetadata {
            prefix: "Voting".to_owned(),
            entries: vec![StorageEntryMetadata {
                name: "Ayes".to_owned(),
                modifier: StorageEntryModifier::Default,
                ty: StorageEntryType::Map {
                    hashers: vec![StorageHasher::Twox64Concat],
                    key: u32_id.into(),
                    value: u32_id.into(),
                },
                default: vec![0; 4],
                docs: Vec::new(),
            }],
        }),
        calls: Some(PalletCallMetadata { ty: call.into() }),
        event: Some(PalletEventMetadata { ty: event.into() }),
        constants: vec![PalletConstantMetadata {
            name: "MostPolls".to_owned(),
            ty: u32_id.into(),
            value: 12u32.encode(),
            docs: Vec::new(),
        }],
        error: None,
        index: 77,
        docs: Vec::new(),
    });
}

#[test]
fn indices_move_a_field_is_added_and_nobody_notices() {
    block_on(async {
        let chain = local();
        let client = Subtensor::local(&chain).await.unwrap();
        let netuid = subnet(&client).await;
        let old = client.runtime().await.unwrap().spec_version;
        let before = client.metagraph(netuid).await.unwrap();
        let upgraded_in = chain.block_number();

        let mut metadata = metadata_of(&chain);
        let calls = calls_of(&metadata, "Balances");
        for variant in variants(&mut metadata, calls) {
            // Indices go elsewhere, all of them.
            variant.index += 100;
        }
        add_voting(&mut metadata);
        chain.upgrade(interface(metadata, old + 1)).unwrap();

        // The first read after it sees the new runtime, the next submission is signed for it.
        let after = client.metagraph(netuid).await.unwrap();
        assert_eq!(after.hotkey(), before.hotkey());
        let gift = Transfer::new(key("//Dave").account_id(), Tao::from_rao(5));
        let receipt = client.execute(&gift, &key("//Alice")).await.unwrap();
        assert!(receipt.event("Balances", "Transfer").is_some());
        assert_eq!(client.runtime().await.unwrap().spec_version, old + 1);
        // Blocks before it keep their runtime, and their extrinsics are read by it.
        let earlier = client.at(At::Number(tensor_core::BlockNumber::new(upgraded_in - 1)));
        assert_eq!(earlier.runtime().await.unwrap().spec_version, old);
        let block = client.at(At::Number(receipt.block)).block().await.unwrap();
        let last = block.extrinsics.last().unwrap();
        assert_eq!(last.call.to_string(), "Balances.transfer_keep_alive");
        assert_eq!(last.signer, Some(key("//Alice").account_id()));
        assert_eq!(block.extrinsics[0].call.to_string(), "Timestamp.set");
        sound(&chain);
    });
}

/// Everything at once, between signing and submitting: version, indices, a renamed field, a new pallet.
#[cfg(feature = "testing")]
#[test]
fn an_upgrade_in_flight_costs_one_more_signature() {
    use tensor_chain::testing::FaultyRpc;
    block_on(async {
        let chain = local();
        let rpc = FaultyRpc::new(&chain);
        let client = Subtensor::from_rpc(rpc.clone()).await.unwrap();
        let netuid = subnet(&client).await;
        let old = client.runtime().await.unwrap().spec_version;
        let mut metadata = metadata_of(&chain);
        let calls = calls_of(&metadata, "Balances");
        for variant in variants(&mut metadata, calls) {
            variant.index += 100;
        }
        rename(&mut metadata, "AxonInfo", "ip", "address");
        add_voting(&mut metadata);
        let upgraded = interface(metadata, old + 1);
        let sent = rpc.asked("author_submitAndWatchExtrinsic");
        rpc.before_submission(move |chain| chain.upgrade(upgraded).unwrap());

        let dave = key("//Dave").account_id();
        let before = chain.balance(&dave);
        let gift = Transfer::new(dave, Tao::from_rao(5));
        let receipt = client.execute(&gift, &key("//Alice")).await.unwrap();
        assert!(receipt.event("Balances", "Transfer").is_some());
        assert_eq!(chain.balance(&dave), before + 5);
        assert_eq!(rpc.asked("author_submitAndWatchExtrinsic"), sent + 2, "refused, signed anew");
        let runtime = client.runtime().await.unwrap();
        assert_eq!(runtime.spec_version, old + 1);
        assert!(runtime.metadata.has(Kind::Call, "Voting.vote"));
        // What does not need the renamed field goes on; what does names it.
        assert!(client.hyperparameters(netuid).await.is_ok());
        let error = client.metagraph(netuid).await.unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("ip"), "{error}: {source}");
    });
}

#[test]
fn a_renamed_field_is_an_error_that_names_it() {
    block_on(async {
        let chain = local();
        let client = Subtensor::local(&chain).await.unwrap();
        let netuid = subnet(&client).await;
        let alice = key("//Alice").account_id();
        assert!(client.balance(&alice).await.is_ok());
        let old = client.runtime().await.unwrap().spec_version;
        let mut metadata = metadata_of(&chain);
        rename(&mut metadata, "AccountData", "free", "spendable");
        chain.upgrade(interface(metadata, old + 1)).unwrap();
        let error = client.balance(&alice).await.unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(error.to_string(), "System.Account cannot be read");
        assert!(source.contains("missing field `free`"), "{source}");
        // By name it is still there, and everything else goes on.
        let raw = client.storage("System", "Account", &[alice.into()]).await.unwrap().unwrap();
        assert!(raw.field("data").unwrap().field("spendable").is_some());
        assert!(client.metagraph(netuid).await.is_ok());
        sound(&chain);
    });
}

#[test]
fn pallets_that_nobody_heard_of_work_by_name() {
    block_on(async {
        let chain = local();
        let client = Subtensor::local(&chain).await.unwrap();
        let old = client.runtime().await.unwrap().spec_version;
        let mut metadata = metadata_of(&chain);
        add_voting(&mut metadata);
        let bytes = bytes_of(metadata.clone());
        chain.upgrade(interface(metadata, old + 1)).unwrap();
        chain.set_storage("Voting", "Ayes", &[&3u32.encode()], Some(&41u32.encode())).unwrap();

        let ayes: u32 = client.storage_as("Voting", "Ayes", &[3u32.into()]).await.unwrap();
        assert_eq!(ayes, 41);
        let none: u32 = client.storage_as("Voting", "Ayes", &[4u32.into()]).await.unwrap();
        assert_eq!(none, 0);
        let all = client.storage_map("Voting", "Ayes", &[]).await.unwrap();
        assert_eq!(all, [(vec![Value::Uint(3)], Value::Uint(41))]);
        let most: u32 = client.constant_as("Voting", "MostPolls").await.unwrap();
        assert_eq!(most, 12);
        let runtime = client.runtime().await.unwrap();
        assert!(runtime.metadata.has(Kind::Call, "Voting.vote"));

        // The chain takes the call apart as it was meant, and has no rule for it.
        let vote = Call::new("Voting", "vote").arg("aye", true).arg("poll", 3u8);
        let error = client.submit(&vote, &key("//Alice")).await.unwrap_err();
        let Error::Dispatch(failed) = &error else { panic!("{error:?}") };
        assert_eq!(
            (failed.call.as_str(), failed.failure.name.as_str()),
            ("Voting.vote", "CallFiltered")
        );
        let block = client.block().await.unwrap();
        let seen = &block.extrinsics.last().unwrap().call;
        assert_eq!(
            seen.args,
            [("poll".to_owned(), Value::Uint(3)), ("aye".to_owned(), Value::Bool(true))]
        );

        // An event of it, as the chain would write it: phase, pallet, event, fields, no topics.
        let metadata = Metadata::decode(bytes).unwrap();
        let mut event = vec![4, 0];
        event.extend(1u32.encode());
        event.extend([77, 0]);
        event.extend([5; 32]);
        event.extend(3u32.encode());
        event.push(0);
        let events = metadata.decode_events(&event).unwrap();
        assert_eq!(
            (events[0].event.pallet.as_str(), events[0].event.name.as_str()),
            ("Voting", "Voted")
        );
        assert_eq!(events[0].event.field("poll"), Some(&Value::Uint(3)));
    });
}
