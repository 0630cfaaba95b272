//! A mutation of the chain in neutral words: [`Call`].
//!
//! tensor-core knows no codec. A call names a pallet, a function and its arguments; whoever speaks to
//! a chain encodes it against that chain's metadata and reports what does not fit.

use core::fmt;

use crate::account::AccountId;

/// A call of the chain's runtime by name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// The pallet, such as `SubtensorModule`.
    pub pallet: String,
    /// The call, such as `set_weights`.
    pub name: String,
    /// The arguments by name, in any order.
    pub args: Vec<(String, Value)>,
}

impl Call {
    /// A call without arguments yet.
    pub fn new(pallet: impl Into<String>, name: impl Into<String>) -> Self {
        Self { pallet: pallet.into(), name: name.into(), args: Vec::new() }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.args.push((name.into(), value.into()));
        self
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.pallet, self.name)
    }
}

/// An argument, or a part of one. Integers fit any width that holds them; newtypes are transparent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// An unsigned integer.
    Uint(u128),
    /// A signed integer.
    Int(i128),
    /// Bytes.
    Bytes(Vec<u8>),
    /// An account, also where the chain wants an address.
    Account(AccountId),
    /// Several of one kind, or a tuple.
    List(Vec<Self>),
    /// Named fields.
    Record(Vec<(String, Self)>),
    /// An enum's variant by name, with its fields.
    Variant(String, Vec<(String, Self)>),
    /// An optional value.
    Option(Option<Box<Self>>),
    /// Another call: what sudo, proxies and batches carry.
    Call(Box<Call>),
}

impl Value {
    /// A list or tuple.
    pub fn list<T: Into<Self>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }

    /// A record of named fields.
    pub fn record<N: Into<String>>(fields: impl IntoIterator<Item = (N, Self)>) -> Self {
        Self::Record(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// A variant without fields.
    pub fn unit(name: impl Into<String>) -> Self {
        Self::Variant(name.into(), Vec::new())
    }

    /// The integer, if it is one and not negative.
    pub const fn as_u128(&self) -> Option<u128> {
        match self {
            Self::Uint(value) => Some(*value),
            Self::Int(value) if *value >= 0 => Some(value.unsigned_abs()),
            _ => None,
        }
    }

    /// The integer, if it is one and fits.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_u128()?.try_into().ok()
    }

    /// The yes or no.
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The account.
    pub const fn as_account(&self) -> Option<AccountId> {
        match self {
            Self::Account(account) => Some(*account),
            _ => None,
        }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The items of a list or tuple.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The variant's name and fields.
    pub fn as_variant(&self) -> Option<(&str, &[(String, Self)])> {
        match self {
            Self::Variant(name, fields) => Some((name, fields)),
            _ => None,
        }
    }

    /// A field of a record or variant by name.
    pub fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Record(fields) | Self::Variant(_, fields) => {
                fields.iter().find_map(|(field, value)| (field == name).then_some(value))
            }
            _ => None,
        }
    }
}

macro_rules! from_integer {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Value {
            fn from(value: $integer) -> Self {
                Self::Uint(value.into())
            }
        }
    )*};
}

from_integer!(u8, u16, u32, u64, u128);

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<AccountId> for Value {
    fn from(value: AccountId) -> Self {
        Self::Account(value)
    }
}

impl From<crate::Hotkey> for Value {
    fn from(value: crate::Hotkey) -> Self {
        Self::Account(value.account())
    }
}

impl From<crate::Coldkey> for Value {
    fn from(value: crate::Coldkey) -> Self {
        Self::Account(value.account())
    }
}

impl From<crate::NetUid> for Value {
    fn from(value: crate::NetUid) -> Self {
        Self::Uint(value.value().into())
    }
}

impl From<crate::MechId> for Value {
    fn from(value: crate::MechId) -> Self {
        Self::Uint(value.value().into())
    }
}

impl From<crate::Tao> for Value {
    fn from(value: crate::Tao) -> Self {
        Self::Uint(value.rao().into())
    }
}

impl From<crate::Alpha> for Value {
    fn from(value: crate::Alpha) -> Self {
        Self::Uint(value.rao().into())
    }
}

impl From<Call> for Value {
    fn from(value: Call) -> Self {
        Self::Call(Box::new(value))
    }
}

impl From<crate::Uid> for Value {
    fn from(value: crate::Uid) -> Self {
        Self::Uint(value.value().into())
    }
}

impl From<crate::BlockNumber> for Value {
    fn from(value: crate::BlockNumber) -> Self {
        Self::Uint(value.value().into())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(bytes: [u8; N]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<&str> for Value {
    /// The text's UTF-8 bytes, which is how the chain keeps text.
    fn from(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Bytes(text.into_bytes())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        Self::Option(value.map(|value| Box::new(value.into())))
    }
}

impl From<Vec<u16>> for Value {
    fn from(values: Vec<u16>) -> Self {
        Self::List(values.into_iter().map(Self::from).collect())
    }
}

impl From<Vec<Call>> for Value {
    fn from(calls: Vec<Call>) -> Self {
        Self::List(calls.into_iter().map(Self::from).collect())
    }
}
