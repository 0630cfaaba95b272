//! What became of a submission: [`Receipt`].

use crate::amount::Tao;
use crate::call::Value;
use crate::network::BlockNumber;

/// A submission that the chain included and that succeeded: its events were checked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// How sure the inclusion is.
    pub stage: Stage,
    /// The block that holds the extrinsic.
    pub block: BlockNumber,
    /// That block's hash.
    pub block_hash: [u8; 32],
    /// The extrinsic's own hash.
    pub extrinsic_hash: [u8; 32],
    /// The fee paid; `None` for calls that are free.
    pub fee: Option<Tao>,
    /// What the extrinsic did, in order.
    pub events: Vec<Event>,
}

impl Receipt {
    /// A receipt without fee and events.
    pub const fn new(stage: Stage, block: BlockNumber, block_hash: [u8; 32]) -> Self {
        Self { stage, block, block_hash, extrinsic_hash: [0; 32], fee: None, events: Vec::new() }
    }

    /// The first event of that pallet and name.
    pub fn event(&self, pallet: &str, name: &str) -> Option<&Event> {
        self.events.iter().find(|event| event.pallet == pallet && event.name == name)
    }
}

/// How far an extrinsic has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// In a block that could still be reverted.
    InBlock,
    /// In a block that stays.
    Finalized,
}

/// Something that happened on the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The pallet it comes from.
    pub pallet: String,
    /// Its name.
    pub name: String,
    /// Its fields: by name, or by position ("0", "1", …) where the chain names none.
    pub fields: Vec<(String, Value)>,
}

impl Event {
    /// An event of that name.
    pub fn new(
        pallet: impl Into<String>,
        name: impl Into<String>,
        fields: Vec<(String, Value)>,
    ) -> Self {
        Self { pallet: pallet.into(), name: name.into(), fields }
    }

    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find_map(|(field, value)| (field == name).then_some(value))
    }
}
