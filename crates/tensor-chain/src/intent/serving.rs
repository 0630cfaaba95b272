//! Telling the network where a neuron is and what it has to say.

use std::net::SocketAddr;

use async_trait::async_trait;
use tensor_core::NetUid;
use tensor_core::call::{Call, Value};

use super::{Info, Intent, Role};
use crate::client::Subtensor;
use crate::error::Error;

/// Publishes where an axon listens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServeAxon {
    /// The subnet.
    pub netuid: NetUid,
    /// Where.
    pub address: SocketAddr,
    /// The software's version, by its own numbering.
    pub version: u32,
    /// The protocol, by the software's numbering; 4 as Python writes it.
    pub protocol: u8,
}

impl ServeAxon {
    /// What kind of intent this is.
    pub const INFO: Info =
        Info { name: "serve_axon", signer: Role::Hotkey, calls: &["SubtensorModule.serve_axon"] };

    /// An axon at that address.
    pub const fn new(netuid: NetUid, address: SocketAddr) -> Self {
        Self { netuid, address, version: 0, protocol: 4 }
    }

    /// Sets the software's version.
    #[must_use]
    pub const fn with_version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// The call that does it.
    pub fn to_call(&self) -> Call {
        self.fill(Call::new("SubtensorModule", "serve_axon"))
    }

    fn fill(&self, call: Call) -> Call {
        let (ip, ip_type) = in_numbers(&self.address);
        call.arg("netuid", self.netuid)
            .arg("version", self.version)
            .arg("ip", ip)
            .arg("port", self.address.port())
            .arg("ip_type", ip_type)
            .arg("protocol", self.protocol)
            .arg("placeholder1", 0u8)
            .arg("placeholder2", 0u8)
    }
}

#[async_trait]
impl Intent for ServeAxon {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, _: &Subtensor) -> Result<Call, Error> {
        Ok(self.to_call())
    }
}

/// Publishes where an axon listens, with its TLS certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServeAxonTls {
    /// The axon.
    pub axon: ServeAxon,
    /// The certificate: an algorithm byte and at most 64 bytes of public key.
    pub certificate: Vec<u8>,
}

impl ServeAxonTls {
    /// What kind of intent this is.
    pub const INFO: Info = Info {
        name: "serve_axon_tls",
        signer: Role::Hotkey,
        calls: &["SubtensorModule.serve_axon_tls"],
    };

    /// The call that does it.
    pub fn to_call(&self) -> Call {
        let call = self.axon.fill(Call::new("SubtensorModule", "serve_axon_tls"));
        call.arg("certificate", self.certificate.clone())
    }
}

#[async_trait]
impl Intent for ServeAxonTls {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, _: &Subtensor) -> Result<Call, Error> {
        Ok(self.to_call())
    }
}

/// Takes a published axon back. The entry stays; its address becomes 0.0.0.0, which nobody dials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResetAxon {
    /// The subnet.
    pub netuid: NetUid,
}

impl ResetAxon {
    /// What kind of intent this is.
    pub const INFO: Info =
        Info { name: "reset_axon", signer: Role::Hotkey, calls: &["SubtensorModule.serve_axon"] };

    /// The call that does it.
    pub fn to_call(&self) -> Call {
        ServeAxon::new(self.netuid, SocketAddr::from(([0, 0, 0, 0], 1))).to_call()
    }
}

#[async_trait]
impl Intent for ResetAxon {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, _: &Subtensor) -> Result<Call, Error> {
        Ok(self.to_call())
    }
}

/// Publishes where metrics are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServePrometheus {
    /// The subnet.
    pub netuid: NetUid,
    /// Where.
    pub address: SocketAddr,
    /// The software's version, by its own numbering.
    pub version: u32,
}

impl ServePrometheus {
    /// What kind of intent this is.
    pub const INFO: Info = Info {
        name: "serve_prometheus",
        signer: Role::Hotkey,
        calls: &["SubtensorModule.serve_prometheus"],
    };

    /// The call that does it.
    pub fn to_call(&self) -> Call {
        let (ip, ip_type) = in_numbers(&self.address);
        Call::new("SubtensorModule", "serve_prometheus")
            .arg("netuid", self.netuid)
            .arg("version", self.version)
            .arg("ip", ip)
            .arg("port", self.address.port())
            .arg("ip_type", ip_type)
    }
}

#[async_trait]
impl Intent for ServePrometheus {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, _: &Subtensor) -> Result<Call, Error> {
        Ok(self.to_call())
    }
}

/// Publishes bytes about a neuron: an endpoint, a model's name, a hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetCommitment {
    /// The subnet.
    pub netuid: NetUid,
    /// The bytes; at most 512.
    pub data: Vec<u8>,
}

impl SetCommitment {
    /// What kind of intent this is.
    pub const INFO: Info = Info {
        name: "set_commitment",
        signer: Role::Hotkey,
        calls: &["Commitments.set_commitment"],
    };

    /// The call that does it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for more than 512 bytes.
    pub fn to_call(&self) -> Result<Call, Error> {
        // Up to 128 bytes the length is the variant's name.
        let name = match self.data.len() {
            length @ 0..=128 => format!("Raw{length}"),
            129..=512 => "BigRaw".to_owned(),
            length => {
                return Err(Error::invalid(format!("a commitment of {length} bytes; 512 at most")));
            }
        };
        let field = Value::Variant(name, vec![("0".to_owned(), self.data.clone().into())]);
        let info = Value::record([("fields", Value::List(vec![field]))]);
        Ok(Call::new("Commitments", "set_commitment").arg("netuid", self.netuid).arg("info", info))
    }
}

#[async_trait]
impl Intent for SetCommitment {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, _: &Subtensor) -> Result<Call, Error> {
        self.to_call()
    }
}

/// Publishes bytes that nobody reads before a drand round.
#[cfg(feature = "timelock")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetTimelockedCommitment {
    /// The subnet.
    pub netuid: NetUid,
    /// The sealed bytes, by [`timelock::seal`](crate::timelock::seal).
    pub encrypted: Vec<u8>,
    /// The round that opens them.
    pub reveal_round: u64,
}

#[cfg(feature = "timelock")]
impl SetTimelockedCommitment {
    /// What kind of intent this is.
    pub const INFO: Info = Info {
        name: "set_timelocked_commitment",
        signer: Role::Hotkey,
        calls: &["Commitments.set_commitment"],
    };

    /// The call that does it.
    pub fn to_call(&self) -> Call {
        let fields = vec![
            ("encrypted".to_owned(), self.encrypted.clone().into()),
            ("reveal_round".to_owned(), self.reveal_round.into()),
        ];
        let field = Value::Variant("TimelockEncrypted".to_owned(), fields);
        let info = Value::record([("fields", Value::List(vec![field]))]);
        Call::new("Commitments", "set_commitment").arg("netuid", self.netuid).arg("info", info)
    }
}

#[cfg(feature = "timelock")]
#[async_trait]
impl Intent for SetTimelockedCommitment {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, _: &Subtensor) -> Result<Call, Error> {
        Ok(self.to_call())
    }
}

fn in_numbers(address: &SocketAddr) -> (u128, u8) {
    match address {
        SocketAddr::V4(address) => (u32::from(*address.ip()).into(), 4),
        SocketAddr::V6(address) => (u128::from(*address.ip()), 6),
    }
}
