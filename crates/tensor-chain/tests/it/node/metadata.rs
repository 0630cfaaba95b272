//! The metadata that the chain serves, compared with the recorded interface: names, order, indices,
//! types, hashers, modifiers, defaults, constants, runtime APIs and extensions.
//!
//! The recorded side was decoded by other code than ours. Both are brought into lines of text
//! (`path = value`, in order), so a difference is a line, and the deliberate ones are a list.

use std::fmt::Debug;

use frame_metadata::{
    RuntimeMetadata, RuntimeMetadataPrefixed,
    v15::{self, StorageEntryType},
};
use parity_scale_codec::Decode;
use scale_info::{PortableRegistry, TypeDef, form::PortableForm};
use serde_json::Value;
use tensor_chain::local::{Build, Interface, LocalChain};

const RECORDED: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../testdata/chain/subtensor-v461-interface.json"
));

/// Lines that the served metadata has and the recorded one has not, each for a stated reason.
const ADDED: &[&str] = &[
    // SDK 11.3 reads this map before every set_weights and fails where the metadata lacks it.
    "type 802 = variant 0 Yuma [], 1 Null []",
    "type 802 path = pallet_subtensor::pallet::EpochConsensus",
    "pallet SubtensorModule storage SubnetEpochConsensus = Default [Identity] 41 -> 802, default 0x00",
];

#[test]
fn v15_is_the_recorded_interface() {
    let served = served(15);
    let RuntimeMetadata::V15(metadata) = served.1 else { panic!("not V15") };
    let mut lines = Vec::new();
    let of_pallets = metadata.pallets.iter().map(|p| {
        [
            p.calls.as_ref().map(|t| &t.ty.id),
            p.event.as_ref().map(|t| &t.ty.id),
            p.error.as_ref().map(|t| &t.ty.id),
        ]
    });
    types(&metadata.types, of_pallets, &mut lines);
    for pallet in &metadata.pallets {
        let head = Pallet {
            name: &pallet.name,
            index: pallet.index,
            storage: pallet.storage.as_ref(),
            calls: pallet.calls.as_ref().map(|t| t.ty.id),
            events: pallet.event.as_ref().map(|t| t.ty.id),
            errors: pallet.error.as_ref().map(|t| t.ty.id),
            constants: &pallet.constants,
        };
        head.lines(&metadata.types, &mut lines);
    }
    for api in &metadata.apis {
        lines.push(format!("api {}", api.name));
        for method in &api.methods {
            let inputs: Vec<_> =
                method.inputs.iter().map(|i| format!("{} {}", i.name, i.ty.id)).collect();
            lines.push(format!(
                "api {} {} = [{}] -> {}",
                api.name,
                method.name,
                inputs.join(", "),
                method.output.id
            ));
        }
    }
    let extensions = metadata.extrinsic.signed_extensions.iter();
    for e in extensions {
        lines.push(extension(&e.identifier, e.ty.id, e.additional_signed.id));
    }
    lines.push(format!("extrinsic version = {}", metadata.extrinsic.version));
    let (address, signature) = (&metadata.extrinsic.address_ty, &metadata.extrinsic.signature_ty);
    lines.push(format!("extrinsic address = {}", type_name(&metadata.types, address.id)));
    lines.push(format!("extrinsic signature = {}", type_name(&metadata.types, signature.id)));
    compare(&recorded(true), &lines);
}

#[test]
fn v14_is_the_recorded_interface_without_its_runtime_apis() {
    let served = served(14);
    let RuntimeMetadata::V14(metadata) = served.1 else { panic!("not V14") };
    let mut lines = Vec::new();
    let of_pallets = metadata.pallets.iter().map(|p| {
        [
            p.calls.as_ref().map(|t| &t.ty.id),
            p.event.as_ref().map(|t| &t.ty.id),
            p.error.as_ref().map(|t| &t.ty.id),
        ]
    });
    types(&metadata.types, of_pallets, &mut lines);
    for pallet in &metadata.pallets {
        let head = Pallet {
            name: &pallet.name,
            index: pallet.index,
            storage: pallet.storage.as_ref(),
            calls: pallet.calls.as_ref().map(|t| t.ty.id),
            events: pallet.event.as_ref().map(|t| t.ty.id),
            errors: pallet.error.as_ref().map(|t| t.ty.id),
            constants: &pallet.constants,
        };
        head.lines(&metadata.types, &mut lines);
    }
    for e in &metadata.extrinsic.signed_extensions {
        lines.push(extension(&e.identifier, e.ty.id, e.additional_signed.id));
    }
    lines.push(format!("extrinsic version = {}", metadata.extrinsic.version));
    let whole = metadata.types.resolve(metadata.extrinsic.ty.id).unwrap();
    for (part, at) in [("address", 0), ("signature", 2)] {
        let ty = whole.type_params[at].ty.unwrap();
        lines.push(format!("extrinsic {part} = {}", type_name(&metadata.types, ty.id)));
    }
    compare(&recorded(false), &lines);
    assert_eq!(whole.path.segments.last().unwrap(), "UncheckedExtrinsic");
    let params: Vec<_> = whole.type_params.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(params, ["Address", "Call", "Signature", "Extra"]);
}

#[test]
fn every_difference_is_declared() {
    let fast = Interface::v461().unwrap();
    let declared: Vec<_> = fast.deviations().iter().map(|d| d.item.as_str()).collect();
    assert_eq!(declared, ["SubtensorModule.SubnetEpochConsensus"]);
    // A production build differs in exactly the items that it declares.
    let production = Interface::v461_for(Build::Production).unwrap();
    let mut differing = Vec::new();
    for (ours, theirs) in production.pallets().iter().zip(fast.pallets()) {
        for (a, b) in ours.constants.iter().zip(&theirs.constants) {
            if a != b {
                differing.push(format!("{}.{}", ours.name, a.0));
            }
        }
        for (a, b) in ours.storage.iter().zip(&theirs.storage) {
            if a.default != b.default {
                differing.push(format!("{}.{}", ours.name, a.name));
            }
        }
    }
    let mut declared: Vec<_> =
        production.deviations().iter().skip(1).map(|d| d.item.clone()).collect();
    differing.sort();
    declared.sort();
    assert_eq!(differing, declared);
}

#[test]
fn the_genesis_hash_tells_interfaces_and_presets_apart() {
    let hash = |chain: LocalChain| chain.genesis_hash();
    let base = || LocalChain::builder();
    let hashes = [
        hash(base().build().unwrap()),
        hash(base().preset(tensor_chain::local::Preset::Localnet).build().unwrap()),
        hash(base().runtime_build(Build::Production).build().unwrap()),
        hash(base().seed(1).build().unwrap()),
        hash(base().block_time_ms(1_000).build().unwrap()),
    ];
    for (at, hash) in hashes.iter().enumerate() {
        assert!(!hashes[..at].contains(hash), "{at}");
    }
    assert_eq!(hash(base().build().unwrap()), hashes[0]);
}

/// The metadata as a client gets it: through the runtime API.
fn served(version: u32) -> RuntimeMetadataPrefixed {
    let chain = LocalChain::builder().build().unwrap();
    let params = format!("[\"Metadata_metadata_at_version\",\"0x{:02x}000000\"]", version);
    let params = serde_json::value::RawValue::from_string(params).unwrap();
    let answer = chain.rpc().request("state_call", Some(&params)).unwrap();
    let text: String = serde_json::from_str(answer.get()).unwrap();
    let bytes = hex::decode(text.trim_start_matches("0x")).unwrap();
    let opaque = Option::<Vec<u8>>::decode(&mut &bytes[..]).unwrap().unwrap();
    RuntimeMetadataPrefixed::decode(&mut &opaque[..]).unwrap()
}

fn compare(recorded: &[String], served: &[String]) {
    let added: Vec<&String> = served.iter().filter(|line| !recorded.contains(line)).collect();
    let missing: Vec<&String> = recorded.iter().filter(|line| !served.contains(line)).collect();
    assert_eq!(missing, Vec::<&String>::new(), "recorded but not served");
    assert_eq!(added, ADDED, "served but not recorded");
    // The same order, too.
    let kept: Vec<&String> = served.iter().filter(|l| !ADDED.contains(&l.as_str())).collect();
    for (recorded, kept) in recorded.iter().zip(kept) {
        assert_eq!(recorded, kept, "order");
    }
    assert!(recorded.len() > 2_500, "the comparison covers something: {}", recorded.len());
}

struct Pallet<'a> {
    name: &'a str,
    index: u8,
    storage: Option<&'a v15::PalletStorageMetadata<PortableForm>>,
    calls: Option<u32>,
    events: Option<u32>,
    errors: Option<u32>,
    constants: &'a [v15::PalletConstantMetadata<PortableForm>],
}

impl Pallet<'_> {
    fn lines(&self, types: &PortableRegistry, lines: &mut Vec<String>) {
        let name = self.name;
        lines.push(format!("pallet {name} = {}", self.index));
        for (kind, id) in [("call", self.calls), ("event", self.events), ("error", self.errors)] {
            let Some(id) = id else { continue };
            let TypeDef::Variant(def) = &types.resolve(id).unwrap().type_def else { panic!() };
            // The recorded lists are sorted by index.
            let mut variants: Vec<_> = def.variants.iter().collect();
            variants.sort_by_key(|v| v.index);
            for v in variants {
                let fields: Vec<_> = v
                    .fields
                    .iter()
                    .map(|f| format!("{} {}", f.name.as_deref().unwrap_or("_"), f.ty.id))
                    .collect();
                lines.push(item(name, kind, &v.name, v.index.into(), &fields));
            }
        }
        if let Some(storage) = self.storage {
            lines.push(format!("pallet {name} prefix = {}", storage.prefix));
            for entry in &storage.entries {
                let (hashers, key, value) = match &entry.ty {
                    StorageEntryType::Plain(value) => (Vec::new(), None, value.id),
                    StorageEntryType::Map { hashers, key, value } => {
                        (hashers.iter().map(debug).collect(), Some(key.id), value.id)
                    }
                };
                let optional = debug(&entry.modifier) == "Optional";
                lines.push(storage_line(
                    name,
                    &entry.name,
                    &debug(&entry.modifier),
                    &hashers,
                    key,
                    value,
                    (!optional).then(|| format!("0x{}", hex::encode(&entry.default))),
                ));
            }
        }
        for c in self.constants {
            let (ty, value) = (type_name(types, c.ty.id), hex::encode(&c.value));
            lines.push(format!("pallet {name} constant {}: {ty} = 0x{value}", c.name));
        }
    }
}

/// A type as the recording names it: the last part of its path, with what is inside an option.
fn type_name(types: &PortableRegistry, id: u32) -> String {
    let ty = types.resolve(id).unwrap();
    match (ty.path.segments.last(), &ty.type_def) {
        (Some(name), TypeDef::Variant(_)) if name == "Option" => {
            format!("Option<{}>", type_name(types, ty.type_params[0].ty.unwrap().id))
        }
        (Some(name), _) => name.clone(),
        (None, TypeDef::Primitive(primitive)) => debug(primitive).to_lowercase(),
        (None, other) => panic!("a constant of {other:?}"),
    }
}

/// The enums of a pallet's calls, events and errors are compared with the pallet, not with the table.
const SEE_PALLETS: &str = "see pallets";

fn types<'a>(
    registry: &PortableRegistry,
    of_pallets: impl Iterator<Item = [Option<&'a u32>; 3]>,
    lines: &mut Vec<String>,
) {
    let of_pallets: Vec<u32> = of_pallets.flatten().flatten().copied().collect();
    for ty in &registry.types {
        let id = ty.id;
        let text = match &ty.ty.type_def {
            TypeDef::Variant(_) if of_pallets.contains(&id) => SEE_PALLETS.to_owned(),
            TypeDef::Composite(c) => {
                let field = |f: &scale_info::Field<PortableForm>| {
                    format!("{} {}", f.name.as_deref().unwrap_or("_"), f.ty.id)
                };
                format!("composite {}", c.fields.iter().map(field).collect::<Vec<_>>().join(", "))
            }
            TypeDef::Variant(v) => {
                let variant = |v: &scale_info::Variant<PortableForm>| {
                    let field = |f: &scale_info::Field<PortableForm>| {
                        format!("{} {}", f.name.as_deref().unwrap_or("_"), f.ty.id)
                    };
                    let fields: Vec<_> = v.fields.iter().map(field).collect();
                    format!("{} {} [{}]", v.index, v.name, fields.join(", "))
                };
                format!("variant {}", v.variants.iter().map(variant).collect::<Vec<_>>().join(", "))
            }
            TypeDef::Sequence(s) => format!("seq {}", s.type_param.id),
            TypeDef::Array(a) => format!("array {} {}", a.len, a.type_param.id),
            TypeDef::Tuple(t) => {
                let ids: Vec<_> = t.fields.iter().map(|f| f.id.to_string()).collect();
                format!("tuple {}", ids.join(", "))
            }
            TypeDef::Primitive(p) => format!("prim {}", debug(p).to_lowercase()),
            TypeDef::Compact(c) => format!("compact {}", c.type_param.id),
            TypeDef::BitSequence(_) => "bits".to_owned(),
        };
        lines.push(format!("type {id} = {text}"));
        if !ty.ty.path.segments.is_empty() {
            lines.push(format!("type {id} path = {}", ty.ty.path.segments.join("::")));
        }
    }
}

fn recorded(with_apis: bool) -> Vec<String> {
    let json: Value = serde_json::from_str(RECORDED).unwrap();
    let mut lines = Vec::new();
    for (id, ty) in json["types"].as_object().unwrap() {
        lines.push(format!("type {id} = {}", recorded_type(ty)));
        if let Some(path) = ty.get("p").filter(|p| *p != "") {
            lines.push(format!("type {id} path = {}", path.as_str().unwrap()));
        }
    }
    for pallet in json["pallets"].as_array().unwrap() {
        let name = pallet["name"].as_str().unwrap();
        lines.push(format!("pallet {name} = {}", pallet["index"]));
        for (kind, list) in [("call", "calls"), ("event", "events"), ("error", "errors")] {
            for v in pallet.get(list).and_then(Value::as_array).into_iter().flatten() {
                let args = v.get("args").and_then(Value::as_array).into_iter().flatten();
                let fields: Vec<_> =
                    args.map(|a| format!("{} {}", a[0].as_str().unwrap_or("_"), a[2])).collect();
                let index = v["index"].as_u64().unwrap();
                lines.push(item(name, kind, v["name"].as_str().unwrap(), index, &fields));
            }
        }
        if let Some(prefix) = pallet.get("storage_prefix") {
            lines.push(format!("pallet {name} prefix = {}", prefix.as_str().unwrap()));
        }
        for s in pallet.get("storage").and_then(Value::as_array).into_iter().flatten() {
            let hashers = s.get("hashers").and_then(Value::as_array).into_iter().flatten();
            lines.push(storage_line(
                name,
                s["name"].as_str().unwrap(),
                s["modifier"].as_str().unwrap(),
                &hashers.map(|h| h.as_str().unwrap().to_owned()).collect::<Vec<_>>(),
                s.get("key_ty").map(|k| u32::try_from(k.as_u64().unwrap()).unwrap()),
                u32::try_from(s["value_ty"].as_u64().unwrap()).unwrap(),
                s.get("default").map(|d| d.as_str().unwrap().to_owned()),
            ));
        }
        for c in pallet.get("constants").and_then(Value::as_array).into_iter().flatten() {
            let text = |key: &str| c[key].as_str().unwrap();
            let (constant, ty, value) = (text("name"), text("type"), text("value"));
            lines.push(format!("pallet {name} constant {constant}: {ty} = {value}"));
        }
    }
    for api in json["runtime_apis"].as_array().unwrap().iter().filter(|_| with_apis) {
        let name = api["name"].as_str().unwrap();
        lines.push(format!("api {name}"));
        for method in api["methods"].as_array().unwrap() {
            let inputs: Vec<_> = method["inputs"]
                .as_array()
                .unwrap()
                .iter()
                .map(|i| format!("{} {}", i[0].as_str().unwrap(), i[2]))
                .collect();
            let (method, output) = (method["name"].as_str().unwrap(), &method["output_ty"]);
            lines.push(format!("api {name} {method} = [{}] -> {output}", inputs.join(", ")));
        }
    }
    for e in json["extrinsic"]["extensions"].as_array().unwrap() {
        let id = |key: &str| u32::try_from(e[key].as_u64().unwrap()).unwrap();
        let name = e["identifier"].as_str().unwrap();
        lines.push(extension(name, id("extra_ty"), id("additional_ty")));
    }
    lines.push(format!("extrinsic version = {}", json["extrinsic"]["version"]));
    for part in ["address", "signature"] {
        let text = json["extrinsic"][part].as_str().unwrap();
        lines.push(format!("extrinsic {part} = {}", text.split('<').next().unwrap()));
    }
    lines
}

fn recorded_type(ty: &Value) -> String {
    let list = |key: &str| ty.get(key).and_then(Value::as_array);
    let fields = |fields: &Value| {
        let field = |f: &Value| format!("{} {}", f[0].as_str().unwrap_or("_"), f[1]);
        fields.as_array().into_iter().flatten().map(field).collect::<Vec<_>>().join(", ")
    };
    if let Some(composite) = ty.get("composite") {
        return format!("composite {}", fields(composite));
    }
    if ty["variant"] == "see pallets" {
        return SEE_PALLETS.to_owned();
    }
    if let Some(variants) = list("variant") {
        let variant = |v: &Value| {
            let none = Value::Null;
            let inner = fields(v.get(2).unwrap_or(&none));
            format!("{} {} [{inner}]", v[0], v[1].as_str().unwrap())
        };
        return format!("variant {}", variants.iter().map(variant).collect::<Vec<_>>().join(", "));
    }
    if let Some(array) = list("array") {
        return format!("array {} {}", array[0], array[1]);
    }
    if let Some(tuple) = list("tuple") {
        let ids: Vec<_> = tuple.iter().map(ToString::to_string).collect();
        return format!("tuple {}", ids.join(", "));
    }
    for kind in ["seq", "compact"] {
        if let Some(inner) = ty.get(kind) {
            return format!("{kind} {inner}");
        }
    }
    let prim = ty["prim"].as_str();
    format!("prim {}", prim.unwrap_or_else(|| panic!("{ty}")))
}

fn item(pallet: &str, kind: &str, name: &str, index: u64, fields: &[String]) -> String {
    format!("pallet {pallet} {kind} {name} = {index} [{}]", fields.join(", "))
}

fn storage_line(
    pallet: &str,
    name: &str,
    modifier: &str,
    hashers: &[String],
    key: Option<u32>,
    value: u32,
    default: Option<String>,
) -> String {
    let key = key.map_or_else(|| "-".to_owned(), |key| key.to_string());
    let default = default.unwrap_or_else(|| "-".to_owned());
    format!(
        "pallet {pallet} storage {name} = {modifier} [{}] {key} -> {value}, default {default}",
        hashers.join(", ")
    )
}

fn extension(name: &str, extra: u32, additional: u32) -> String {
    format!("extension {name} = {extra}, {additional}")
}

fn debug(value: &impl Debug) -> String {
    format!("{value:?}")
}
