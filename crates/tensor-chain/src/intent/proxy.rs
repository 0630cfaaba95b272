//! Proxies: others that may act for an account.

use async_trait::async_trait;
use tensor_core::account::AccountId;
use tensor_core::call::{Call, Value};

use super::{Info, Intent, Role};
use crate::client::Subtensor;
use crate::error::Error;

/// What a proxy may do, by the runtime's name: `Any`, `Staking`, `NonTransfer`, …
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProxyType(pub String);

impl ProxyType {
    /// Everything.
    pub fn any() -> Self {
        Self("Any".to_owned())
    }

    /// That of the runtime's name.
    pub fn named(name: impl Into<String>) -> Self {
        Self(name.into())
    }
}

impl From<ProxyType> for Value {
    fn from(kind: ProxyType) -> Self {
        Self::unit(kind.0)
    }
}

super::intents! {
    /// Lets another account act for this one.
    AddProxy, "add_proxy", Coldkey, "Proxy"."add_proxy" {
        /// Who.
        delegate: AccountId => "delegate",
        /// In what.
        kind: ProxyType => "proxy_type",
        /// How many blocks it must announce a call before making it.
        delay: u32 => "delay",
    }
    /// Stops another account from acting for this one.
    RemoveProxy, "remove_proxy", Coldkey, "Proxy"."remove_proxy" {
        /// Who.
        delegate: AccountId => "delegate",
        /// In what.
        kind: ProxyType => "proxy_type",
        /// With which delay.
        delay: u32 => "delay",
    }
    /// Stops all others from acting for this account.
    RemoveProxies, "remove_proxies", Coldkey, "Proxy"."remove_proxies" {}
    /// Makes an account without a key that only this one can act for.
    CreatePureProxy, "create_pure_proxy", Coldkey, "Proxy"."create_pure" {
        /// In what.
        kind: ProxyType => "proxy_type",
        /// How many blocks calls must be announced.
        delay: u32 => "delay",
        /// Tells several of one block apart.
        index: u16 => "index",
    }
    /// Removes an account without a key. What it holds is lost.
    KillPureProxy, "kill_pure_proxy", Coldkey, "Proxy"."kill_pure" {
        /// Who made it.
        spawner: AccountId => "spawner",
        /// In what it acts.
        kind: ProxyType => "proxy_type",
        /// Its index within the block.
        index: u16 => "index",
        /// The block that made it.
        height: u32 => "height",
        /// The extrinsic that made it.
        ext_index: u32 => "ext_index",
    }
}

/// Makes a call for another account.
pub struct Proxied<T> {
    /// For whom.
    pub real: AccountId,
    /// In what capacity; any that fits, without one.
    pub kind: Option<ProxyType>,
    /// What to do.
    pub intent: T,
}

impl<T: Intent> std::fmt::Debug for Proxied<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proxied({} for {})", self.intent.info().name, self.real)
    }
}

#[async_trait]
impl<T: Intent> Intent for Proxied<T> {
    fn info(&self) -> Info {
        Info { name: "proxy", signer: Role::Coldkey, calls: &["Proxy.proxy"] }
    }

    async fn call(&self, chain: &Subtensor) -> Result<Call, Error> {
        Ok(Call::new("Proxy", "proxy")
            .arg("real", self.real)
            .arg("force_proxy_type", self.kind.clone())
            .arg("call", self.intent.call(chain).await?))
    }
}

/// Makes a call for another account that was announced long enough ago.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecuteProxyAnnounced {
    /// Who announced it.
    pub delegate: AccountId,
    /// For whom.
    pub real: AccountId,
    /// In what capacity; any that fits, without one.
    pub kind: Option<ProxyType>,
    /// The call.
    pub inner: Call,
}

impl ExecuteProxyAnnounced {
    /// What kind of intent this is.
    pub const INFO: Info = Info {
        name: "execute_proxy_announced",
        signer: Role::Coldkey,
        calls: &["Proxy.proxy_announced"],
    };

    /// The call that does it.
    pub fn to_call(&self) -> Call {
        Call::new("Proxy", "proxy_announced")
            .arg("delegate", self.delegate)
            .arg("real", self.real)
            .arg("force_proxy_type", self.kind.clone())
            .arg("call", self.inner.clone())
    }
}

#[async_trait]
impl Intent for ExecuteProxyAnnounced {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, _: &Subtensor) -> Result<Call, Error> {
        Ok(self.to_call())
    }
}
