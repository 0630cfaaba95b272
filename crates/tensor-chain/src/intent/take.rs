//! Takes and children: what validators keep, and to whom they hand stake weight.

use async_trait::async_trait;
use tensor_core::call::{Call, Value};
use tensor_core::weights::U16Fraction;
use tensor_core::{Hotkey, NetUid};

use super::{Info, Intent, Role};
use crate::client::Subtensor;
use crate::error::Error;

macro_rules! take {
    ($($(#[$doc:meta])* $name:ident, $label:literal, $call:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            /// The validator.
            pub hotkey: Hotkey,
            /// What it keeps of its nominators' dividends.
            pub take: U16Fraction,
        }

        impl $name {
            /// What kind of intent this is.
            pub const INFO: Info = Info {
                name: $label,
                signer: Role::Coldkey,
                calls: &[concat!("SubtensorModule.", $call)],
            };

            /// The call that does it.
            pub fn to_call(&self) -> Call {
                Call::new("SubtensorModule", $call)
                    .arg("hotkey", self.hotkey)
                    .arg("take", self.take.bits())
            }
        }

        #[async_trait]
        impl Intent for $name {
            fn info(&self) -> Info {
                Self::INFO
            }

            async fn call(&self, _: &Subtensor) -> Result<Call, Error> {
                Ok(self.to_call())
            }
        }
    )*};
}

take! {
    /// Raises what a validator keeps.
    IncreaseTake, "increase_take", "increase_take";
    /// Lowers what a validator keeps.
    DecreaseTake, "decrease_take", "decrease_take";
}

/// Sets what a validator keeps, up or down from what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetTake {
    /// The validator.
    pub hotkey: Hotkey,
    /// What it shall keep.
    pub take: U16Fraction,
}

impl SetTake {
    /// What kind of intent this is.
    pub const INFO: Info = Info {
        name: "set_take",
        signer: Role::Coldkey,
        calls: &["SubtensorModule.increase_take", "SubtensorModule.decrease_take"],
    };
}

#[async_trait]
impl Intent for SetTake {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, chain: &Subtensor) -> Result<Call, Error> {
        let Self { hotkey, take } = *self;
        let now: U16Fraction =
            chain.storage_as("SubtensorModule", "Delegates", &[hotkey.into()]).await?;
        match take.cmp(&now) {
            std::cmp::Ordering::Greater => Ok(IncreaseTake { hotkey, take }.to_call()),
            std::cmp::Ordering::Less => Ok(DecreaseTake { hotkey, take }.to_call()),
            std::cmp::Ordering::Equal => Err(Error::invalid(format!("the take is {take} already"))),
        }
    }
}

/// Sets what a child hotkey keeps of what its parents lend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetChildkeyTake {
    /// The child.
    pub hotkey: Hotkey,
    /// The subnet.
    pub netuid: NetUid,
    /// What it keeps.
    pub take: U16Fraction,
}

impl SetChildkeyTake {
    /// What kind of intent this is.
    pub const INFO: Info = Info {
        name: "set_childkey_take",
        signer: Role::Coldkey,
        calls: &["SubtensorModule.set_childkey_take"],
    };
}

#[async_trait]
impl Intent for SetChildkeyTake {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, _: &Subtensor) -> Result<Call, Error> {
        Ok(Call::new("SubtensorModule", "set_childkey_take")
            .arg("hotkey", self.hotkey)
            .arg("netuid", self.netuid)
            .arg("take", self.take.bits()))
    }
}

/// Lends a hotkey's stake weight on a subnet to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetChildren {
    /// The parent.
    pub hotkey: Hotkey,
    /// The subnet.
    pub netuid: NetUid,
    /// Shares (2⁶⁴ − 1 is all) and children; empty takes everything back.
    pub children: Vec<(u64, Hotkey)>,
}

impl SetChildren {
    /// What kind of intent this is.
    pub const INFO: Info = Info {
        name: "set_children",
        signer: Role::Coldkey,
        calls: &["SubtensorModule.set_children"],
    };
}

#[async_trait]
impl Intent for SetChildren {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, _: &Subtensor) -> Result<Call, Error> {
        let children = self.children.iter();
        let children =
            children.map(|(share, child)| Value::List(vec![(*share).into(), (*child).into()]));
        Ok(Call::new("SubtensorModule", "set_children")
            .arg("hotkey", self.hotkey)
            .arg("netuid", self.netuid)
            .arg("children", Value::list(children)))
    }
}
