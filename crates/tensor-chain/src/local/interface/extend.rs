//! Where the served interface differs from the recorded file, each difference with its reason.
//!
//! Two kinds: items which newer clients read and runtime 461 lacks, and the constants and defaults
//! in which a production build differs from the recorded fast-block build.

use frame_metadata::v15::{
    RuntimeMetadataV15, StorageEntryMetadata, StorageEntryModifier, StorageEntryType, StorageHasher,
};
use parity_scale_codec::Encode;
use scale_info::{
    Field, Path, PortableType, Type, TypeDef, TypeDefPrimitive, TypeDefVariant, Variant,
    form::PortableForm,
};

use super::InterfaceError;

/// Which build of the runtime: they differ in the clock and in a dozen constants.
///
/// Source: chain rules 2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Build {
    /// Blocks of 250 ms, default tempo 10, short cool-downs: the build for development.
    #[default]
    Fast,
    /// Blocks of 12 s, default tempo 360: what the public network runs.
    Production,
}

impl Build {
    /// Milliseconds per block.
    #[must_use]
    pub fn block_ms(self) -> u64 {
        match self {
            Self::Fast => 250,
            Self::Production => 12_000,
        }
    }
}

/// One deliberate difference between the served interface and the recorded one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deviation {
    /// The item, for example `SubtensorModule.SubnetEpochConsensus`.
    pub item: String,
    /// What differs.
    pub kind: &'static str,
    /// Why.
    pub reason: &'static str,
}

/// Adds the storage items that newer clients read and runtime 461 lacks.
pub(super) fn add_items(
    metadata: &mut RuntimeMetadataV15,
) -> Result<Vec<Deviation>, InterfaceError> {
    let net_uid = type_at(metadata, &["subtensor_runtime_common", "NetUid"])?;
    let consensus = push_unit_enum(
        metadata,
        &["pallet_subtensor", "pallet", "EpochConsensus"],
        &["Yuma", "Null"],
    );
    let missing = || InterfaceError::Missing(vec!["SubtensorModule".to_owned()]);
    let pallet = metadata.pallets.iter_mut().find(|p| p.name == "SubtensorModule");
    let storage = pallet.and_then(|p| p.storage.as_mut()).ok_or_else(missing)?;
    storage.entries.push(StorageEntryMetadata {
        name: "SubnetEpochConsensus".to_owned(),
        modifier: StorageEntryModifier::Default,
        ty: StorageEntryType::Map {
            hashers: vec![StorageHasher::Identity],
            key: net_uid.into(),
            value: consensus.into(),
        },
        default: vec![0],
        docs: Vec::new(),
    });
    Ok(vec![Deviation {
        item: "SubtensorModule.SubnetEpochConsensus".to_owned(),
        kind: "added storage item",
        reason: "SDK 11.3 reads it before every set_weights and fails where it is not listed",
    }])
}

/// Adds the call by which work buys a slot, behind all calls that 461 has.
pub(super) fn add_pow_register(
    metadata: &mut RuntimeMetadataV15,
) -> Result<Deviation, InterfaceError> {
    let net_uid = type_at(metadata, &["subtensor_runtime_common", "NetUid"])?;
    let missing = |what: &str| InterfaceError::Missing(vec![what.to_owned()]);
    let account = type_at(metadata, &["sp_core", "crypto", "AccountId32"])?;
    let find = |wanted: &dyn Fn(&TypeDef<PortableForm>) -> bool| {
        metadata.types.types.iter().find(|ty| wanted(&ty.ty.type_def)).map(|ty| ty.id)
    };
    let byte = find(&|def| matches!(def, TypeDef::Primitive(TypeDefPrimitive::U8)));
    let number = find(&|def| matches!(def, TypeDef::Primitive(TypeDefPrimitive::U64)));
    let (byte, number) = byte.zip(number).ok_or_else(|| missing("u8, u64"))?;
    let bytes = find(
        &|def| matches!(def, TypeDef::Array(array) if array.len == 32 && array.type_param.id == byte),
    );
    let bytes = bytes.ok_or_else(|| missing("[u8; 32]"))?;
    let calls = metadata.pallets.iter().find(|pallet| pallet.name == "SubtensorModule");
    let calls = calls.and_then(|pallet| pallet.calls.as_ref()).map(|calls| calls.ty.id);
    let types = &mut metadata.types.types;
    let calls = calls.and_then(|id| types.iter_mut().find(|ty| ty.id == id));
    let Some(TypeDef::Variant(def)) = calls.map(|ty| &mut ty.ty.type_def) else {
        return Err(missing("the calls of SubtensorModule"));
    };
    let index = def.variants.iter().map(|call| call.index).max().unwrap_or(0);
    let fields = [
        ("netuid", net_uid),
        ("work_block", number),
        ("nonce", number),
        ("work", bytes),
        ("hotkey", account),
    ];
    let fields = fields
        .into_iter()
        .map(|(name, ty)| Field::new(Some(name.to_owned()), ty.into(), None, Vec::new()))
        .collect();
    let call = Variant::new("pow_register".to_owned(), fields, index.saturating_add(1), Vec::new());
    def.variants.push(call);
    Ok(Deviation {
        item: "SubtensorModule.pow_register".to_owned(),
        kind: "added call",
        reason: "the owner of the chain wants registration by work, as newer runtimes have it",
    })
}

/// Sets the constants and defaults of one build. The recorded file is of the fast build.
pub(super) fn set_build(
    metadata: &mut RuntimeMetadataV15,
    build: Build,
) -> Result<Vec<Deviation>, InterfaceError> {
    if build == Build::Fast {
        return Ok(Vec::new());
    }
    let constants: [(&str, &str, Vec<u8>); 10] = [
        ("Aura", "SlotDuration", 12_000u64.encode()),
        ("Timestamp", "MinimumPeriod", 6_000u64.encode()),
        ("SubtensorModule", "InitialTempo", 360u16.encode()),
        ("SubtensorModule", "InitialMaxEpochsPerBlock", 2u8.encode()),
        ("SubtensorModule", "InitialTxChildKeyTakeRateLimit", 216_000u64.encode()),
        ("SubtensorModule", "InitialColdkeySwapAnnouncementDelay", 36_000u32.encode()),
        ("SubtensorModule", "InitialColdkeySwapReannouncementDelay", 7_200u32.encode()),
        ("SubtensorModule", "HotkeySwapOnSubnetInterval", 7_200u64.encode()),
        ("Crowdloan", "MinimumBlockDuration", 50_400u32.encode()),
        ("Crowdloan", "MaximumBlockDuration", 432_000u32.encode()),
    ];
    let defaults: [(&str, &str, Vec<u8>); 6] = [
        ("SubtensorModule", "Tempo", 360u16.encode()),
        ("SubtensorModule", "MaxEpochsPerBlock", 2u8.encode()),
        ("SubtensorModule", "TxChildkeyTakeRateLimit", 216_000u64.encode()),
        ("SubtensorModule", "PendingChildKeyCooldown", 7_200u64.encode()),
        ("SubtensorModule", "ColdkeySwapAnnouncementDelay", 36_000u32.encode()),
        ("SubtensorModule", "ColdkeySwapReannouncementDelay", 7_200u32.encode()),
    ];
    let reason = "the recorded interface is of the fast-block build";
    let mut deviations = Vec::new();
    for (pallet, name, value) in constants {
        set_constant(metadata, pallet, name, value)?;
        let item = format!("{pallet}.{name}");
        deviations.push(Deviation { item, kind: "constant value", reason });
    }
    for (pallet, name, value) in defaults {
        set_default(metadata, pallet, name, value)?;
        let item = format!("{pallet}.{name}");
        deviations.push(Deviation { item, kind: "storage default", reason });
    }
    Ok(deviations)
}

/// Sets the block time: the slot's duration and half of it as the least distance of timestamps.
pub(super) fn set_block_ms(
    metadata: &mut RuntimeMetadataV15,
    ms: u64,
) -> Result<[Deviation; 2], InterfaceError> {
    set_constant(metadata, "Aura", "SlotDuration", ms.encode())?;
    set_constant(metadata, "Timestamp", "MinimumPeriod", (ms / 2).encode())?;
    let deviation = |item: &str| Deviation {
        item: item.to_owned(),
        kind: "constant value",
        reason: "the owner of the chain chose another block time",
    };
    Ok([deviation("Aura.SlotDuration"), deviation("Timestamp.MinimumPeriod")])
}

/// Replaces the value of a constant.
pub(super) fn set_constant(
    metadata: &mut RuntimeMetadataV15,
    pallet: &str,
    name: &str,
    value: Vec<u8>,
) -> Result<(), InterfaceError> {
    let constant = metadata
        .pallets
        .iter_mut()
        .find(|p| p.name == pallet)
        .and_then(|p| p.constants.iter_mut().find(|c| c.name == name))
        .ok_or_else(|| InterfaceError::Missing(vec![format!("{pallet}.{name}")]))?;
    constant.value = value;
    Ok(())
}

fn set_default(
    metadata: &mut RuntimeMetadataV15,
    pallet: &str,
    name: &str,
    value: Vec<u8>,
) -> Result<(), InterfaceError> {
    let entry = metadata
        .pallets
        .iter_mut()
        .find(|p| p.name == pallet)
        .and_then(|p| p.storage.as_mut())
        .and_then(|s| s.entries.iter_mut().find(|e| e.name == name))
        .ok_or_else(|| InterfaceError::Missing(vec![format!("{pallet}.{name}")]))?;
    entry.default = value;
    Ok(())
}

fn type_at(metadata: &RuntimeMetadataV15, path: &[&str]) -> Result<u32, InterfaceError> {
    let found = metadata.types.types.iter().find(|t| t.ty.path.segments == path);
    found.map(|t| t.id).ok_or_else(|| InterfaceError::Missing(vec![path.join("::")]))
}

/// Appends an enum without fields; its variants get the indices 0, 1, ...
fn push_unit_enum(metadata: &mut RuntimeMetadataV15, path: &[&str], names: &[&str]) -> u32 {
    let variant = |(index, name): (u8, &&str)| {
        Variant::<PortableForm>::new((*name).to_owned(), Vec::new(), index, Vec::new())
    };
    let def = TypeDefVariant::new((0u8..).zip(names).map(variant));
    let path = Path::from_segments_unchecked(path.iter().map(|s| (*s).to_owned()));
    let types = &mut metadata.types.types;
    // A table of more than 4 billion types cannot have been decoded.
    let id = u32::try_from(types.len()).unwrap_or(u32::MAX);
    types.push(PortableType::new(id, Type::new(path, Vec::new(), def, Vec::new())));
    id
}
