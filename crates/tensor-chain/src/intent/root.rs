//! Acting as root, where this account is the chain's sudo key: on chains of one's own.

use async_trait::async_trait;
use tensor_core::call::{Call, Value};
use tensor_core::{NetUid, Tao};

use super::{Info, Intent, Role};
use crate::client::Subtensor;
use crate::error::Error;

/// Does something as root.
pub struct Sudo<T>(pub T);

impl<T: Intent> std::fmt::Debug for Sudo<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sudo({})", self.0.info().name)
    }
}

#[async_trait]
impl<T: Intent> Intent for Sudo<T> {
    fn info(&self) -> Info {
        Info { name: "sudo", signer: Role::Coldkey, calls: &["Sudo.sudo"] }
    }

    async fn call(&self, chain: &Subtensor) -> Result<Call, Error> {
        Ok(sudo(self.0.call(chain).await?))
    }
}

/// Wraps a call for root.
pub fn sudo(call: Call) -> Call {
    Call::new("Sudo", "sudo").arg("call", call)
}

/// Sets from how much on root dividends are claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetRootClaimThreshold {
    /// The subnet.
    pub netuid: NetUid,
    /// How much.
    pub threshold: Tao,
}

impl SetRootClaimThreshold {
    /// What kind of intent this is.
    pub const INFO: Info = Info {
        name: "set_root_claim_threshold",
        signer: Role::Coldkey,
        calls: &["SubtensorModule.sudo_set_root_claim_threshold", "Sudo.sudo"],
    };
}

#[async_trait]
impl Intent for SetRootClaimThreshold {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, _: &Subtensor) -> Result<Call, Error> {
        Ok(sudo(
            Call::new("SubtensorModule", "sudo_set_root_claim_threshold")
                .arg("netuid", self.netuid)
                .arg("new_value", self.threshold),
        ))
    }
}

/// Lets subnets emit, or keeps them from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetSubnetEmissionEnabled {
    /// The subnets.
    pub netuids: Vec<NetUid>,
    /// Whether they emit.
    pub enabled: bool,
}

impl SetSubnetEmissionEnabled {
    /// What kind of intent this is.
    pub const INFO: Info = Info {
        name: "set_subnet_emission_enabled",
        signer: Role::Coldkey,
        calls: &["AdminUtils.sudo_set_subnet_emission_enabled", "Sudo.sudo"],
    };
}

#[async_trait]
impl Intent for SetSubnetEmissionEnabled {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, _: &Subtensor) -> Result<Call, Error> {
        let one = |netuid: &NetUid| {
            Call::new("AdminUtils", "sudo_set_subnet_emission_enabled")
                .arg("netuid", *netuid)
                .arg("enabled", self.enabled)
        };
        match self.netuids.as_slice() {
            [] => Err(Error::invalid("no subnet is named")),
            [netuid] => Ok(sudo(one(netuid))),
            netuids => {
                let calls = Value::list(netuids.iter().map(one));
                Ok(sudo(Call::new("Utility", "batch_all").arg("calls", calls)))
            }
        }
    }
}
