//! One row of a metagraph: a neuron and where it serves.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::account::{Coldkey, Hotkey};
use crate::amount::{Alpha, Tao};
use crate::network::{BlockNumber, Uid};
use crate::weights::U16Fraction;

/// A neuron at one block. The fields' meaning stands at the columns of [`super::Metagraph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs)]
pub struct Neuron {
    pub uid: Uid,
    pub hotkey: Hotkey,
    pub coldkey: Coldkey,
    pub axon: Option<AxonInfo>,
    pub active: bool,
    pub validator_permit: bool,
    pub alpha_stake: Alpha,
    pub tao_stake: Tao,
    pub total_stake: Alpha,
    pub incentive: U16Fraction,
    pub dividends: U16Fraction,
    pub consensus: U16Fraction,
    pub validator_trust: U16Fraction,
    pub emission: Alpha,
    pub last_update: BlockNumber,
    pub registered_at: BlockNumber,
}

impl Neuron {
    /// A neuron that has just registered: active, everything else zero.
    pub fn new(uid: Uid, hotkey: Hotkey, coldkey: Coldkey) -> Self {
        Self {
            uid,
            hotkey,
            coldkey,
            axon: None,
            active: true,
            validator_permit: false,
            alpha_stake: Alpha::ZERO,
            tao_stake: Tao::ZERO,
            total_stake: Alpha::ZERO,
            incentive: U16Fraction::default(),
            dividends: U16Fraction::default(),
            consensus: U16Fraction::default(),
            validator_trust: U16Fraction::default(),
            emission: Alpha::ZERO,
            last_update: BlockNumber::default(),
            registered_at: BlockNumber::default(),
        }
    }
}

/// Where a neuron serves, as it published (`SubtensorModule.Axons`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AxonInfo {
    /// When it published.
    pub block: BlockNumber,
    /// The version of the software that published it, by that software's numbering.
    pub version: u32,
    /// The address; unspecified means that it does not serve.
    pub ip: IpAddr,
    /// The port.
    pub port: u16,
    /// The transport in that software's numbering; 4 is what Python writes.
    pub protocol: u8,
}

impl AxonInfo {
    /// An axon at that address, published now.
    pub const fn new(address: SocketAddr, version: u32) -> Self {
        Self {
            block: BlockNumber::new(0),
            version,
            ip: address.ip(),
            port: address.port(),
            protocol: 4,
        }
    }

    /// Reads the chain's form: an IPv4 address in the low 32 bits or an IPv6 address, by `ip_type`.
    /// `None` when the number is no address of that kind.
    pub fn from_chain(
        block: BlockNumber,
        version: u32,
        ip: u128,
        port: u16,
        ip_type: u8,
        protocol: u8,
    ) -> Option<Self> {
        let ip = match ip_type {
            4 => IpAddr::V4(Ipv4Addr::from(u32::try_from(ip).ok()?)),
            6 => IpAddr::V6(Ipv6Addr::from(ip)),
            _ => return None,
        };
        Some(Self { block, version, ip, port, protocol })
    }

    /// The chain's form of the address: number and type.
    pub fn to_chain(&self) -> (u128, u8) {
        match self.ip {
            IpAddr::V4(ip) => (u32::from(ip).into(), 4),
            IpAddr::V6(ip) => (ip.into(), 6),
        }
    }

    /// Where to dial; `None` when the neuron published no address or port.
    pub fn address(&self) -> Option<SocketAddr> {
        (!self.ip.is_unspecified() && self.port != 0).then(|| SocketAddr::new(self.ip, self.port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_their_kind() {
        for text in ["127.0.0.2:8091", "[2001:db8::7]:80"] {
            let axon = AxonInfo::new(text.parse().unwrap(), 1);
            let (ip, kind) = axon.to_chain();
            let again = AxonInfo::from_chain(axon.block, 1, ip, axon.port, kind, 4).unwrap();
            assert_eq!(again, axon);
            assert_eq!(again.address().unwrap().to_string(), text);
        }
        let block = BlockNumber::new(1);
        assert_eq!(AxonInfo::from_chain(block, 1, 1 << 32, 80, 4, 4), None);
        assert_eq!(AxonInfo::from_chain(block, 1, 1, 80, 5, 4), None);
        assert_eq!(AxonInfo::from_chain(block, 1, 0, 80, 4, 4).unwrap().address(), None);
    }
}
