//! The records that storage holds, field for field as the interface types them.

use parity_scale_codec::{Decode, Encode, Error, Input, Output};

use super::Account;

/// `frame_system::AccountInfo`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct AccountInfo {
    pub(crate) nonce: u32,
    pub(crate) consumers: u32,
    pub(crate) providers: u32,
    pub(crate) sufficients: u32,
    pub(crate) data: AccountData,
}

impl AccountInfo {
    /// Whether the account exists in the sense of the system pallet.
    pub(crate) fn exists(&self) -> bool {
        self.providers > 0 || self.sufficients > 0
    }
}

/// `pallet_balances::types::AccountData`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct AccountData {
    pub(crate) free: u64,
    pub(crate) reserved: u64,
    pub(crate) frozen: u64,
    pub(crate) flags: u128,
}

impl Default for AccountData {
    fn default() -> Self {
        // Every account is of the new logic, which the top bit says.
        Self { free: 0, reserved: 0, frozen: 0, flags: 1 << 127 }
    }
}

/// `share_pool::SafeFloat`, in the chain's fields. The maths is in `tensor-yuma`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct SafeFloatBits {
    pub(crate) mantissa: u128,
    pub(crate) exponent: i64,
}

/// `pallet_subtensor::AxonInfo`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct AxonInfo {
    pub(crate) block: u64,
    pub(crate) version: u32,
    pub(crate) ip: u128,
    pub(crate) port: u16,
    pub(crate) ip_type: u8,
    pub(crate) protocol: u8,
    pub(crate) placeholder1: u8,
    pub(crate) placeholder2: u8,
}

/// `pallet_subtensor::PrometheusInfo`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct PrometheusInfo {
    pub(crate) block: u64,
    pub(crate) version: u32,
    pub(crate) ip: u128,
    pub(crate) port: u16,
    pub(crate) ip_type: u8,
}

/// `pallet_subtensor::NeuronCertificate`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct NeuronCertificate {
    pub(crate) public_key: Vec<u8>,
    pub(crate) algorithm: u8,
}

/// `pallet_subtensor::ChainIdentityV2`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct ChainIdentity {
    pub(crate) name: Vec<u8>,
    pub(crate) url: Vec<u8>,
    pub(crate) github_repo: Vec<u8>,
    pub(crate) image: Vec<u8>,
    pub(crate) discord: Vec<u8>,
    pub(crate) description: Vec<u8>,
    pub(crate) additional: Vec<u8>,
}

/// `pallet_subtensor::SubnetIdentityV3`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct SubnetIdentity {
    pub(crate) subnet_name: Vec<u8>,
    pub(crate) github_repo: Vec<u8>,
    pub(crate) subnet_contact: Vec<u8>,
    pub(crate) subnet_url: Vec<u8>,
    pub(crate) discord: Vec<u8>,
    pub(crate) description: Vec<u8>,
    pub(crate) logo_url: Vec<u8>,
    pub(crate) additional: Vec<u8>,
}

/// `pallet_subtensor::staking::lock::LockState`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct LockState {
    pub(crate) locked_mass: u64,
    pub(crate) conviction: u128,
    pub(crate) last_update: u64,
}

/// `pallet_subtensor::MinerCollateralState`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct MinerCollateralState {
    pub(crate) locked: u64,
    pub(crate) drain_ratio: u128,
    pub(crate) min_locked: u64,
    pub(crate) earned: u64,
}

/// `pallet_crowdloan::CrowdloanInfo`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Crowdloan {
    pub(crate) creator: Account,
    pub(crate) deposit: u64,
    pub(crate) min_contribution: u64,
    pub(crate) end: u32,
    pub(crate) cap: u64,
    pub(crate) funds_account: Account,
    pub(crate) raised: u64,
    pub(crate) target_address: Option<Account>,
    pub(crate) call: Option<BoundedCall>,
    pub(crate) finalized: bool,
    pub(crate) contributors_count: u32,
}

/// `frame_support::traits::Bounded` of a call.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum BoundedCall {
    Legacy([u8; 32]),
    Inline(Vec<u8>),
    Lookup([u8; 32], u32),
}

/// `pallet_subtensor::RateLimitKey`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum RateLimitKey {
    SetSnOwnerHotkey(u16),
    OwnerHyperparamUpdate(u16, u8),
    NetworkLastRegistered,
    LastTxBlock(Account),
    LastTxBlockChildKeyTake(Account),
    LastTxBlockDelegateTake(Account),
    AddStakeBurn(u16),
}

/// One unrevealed hash commit: hash, epoch of the commit, block of the commit, and a word that is always zero.
pub(crate) type HashCommit = ([u8; 32], u64, u64, u64);

/// One unrevealed timelocked commit: hotkey, block, ciphertext, reveal round.
pub(crate) type TimelockedCommit = (Account, u64, Vec<u8>, u64);

/// `pallet_drand::types::Pulse`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Pulse {
    pub(crate) round: u64,
    pub(crate) randomness: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

/// `pallet_commitments::types::Registration`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Commitment {
    pub(crate) deposit: u64,
    pub(crate) block: u32,
    pub(crate) fields: Vec<CommitmentData>,
}

/// `pallet_commitments::types::Data`: the first byte tells the kind, and for raw bytes their length too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CommitmentData {
    None,
    Raw(Vec<u8>),
    /// A 32-byte hash; the tag (130..=133) says which function made it.
    Hash(u8, [u8; 32]),
    TimelockEncrypted {
        encrypted: Vec<u8>,
        reveal_round: u64,
    },
    ResetBonds,
    BigRaw(Vec<u8>),
}

impl CommitmentData {
    /// Bytes that count against the space limit.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::None | Self::ResetBonds => 0,
            Self::Raw(bytes) | Self::BigRaw(bytes) => bytes.len() as u64,
            Self::Hash(..) => 32,
            Self::TimelockEncrypted { encrypted, .. } => encrypted.len() as u64,
        }
    }
}

impl Encode for CommitmentData {
    fn encode_to<T: Output + ?Sized>(&self, dest: &mut T) {
        match self {
            Self::None => dest.push_byte(0),
            Self::Raw(bytes) => {
                // At most 128 bytes, by construction.
                dest.push_byte(u8::try_from(bytes.len().min(128) + 1).unwrap_or(129));
                dest.write(&bytes[..bytes.len().min(128)]);
            }
            Self::Hash(tag, hash) => {
                dest.push_byte(*tag);
                dest.write(hash);
            }
            Self::TimelockEncrypted { encrypted, reveal_round } => {
                dest.push_byte(134);
                encrypted.encode_to(dest);
                reveal_round.encode_to(dest);
            }
            Self::ResetBonds => dest.push_byte(135),
            Self::BigRaw(bytes) => {
                dest.push_byte(136);
                bytes.encode_to(dest);
            }
        }
    }
}

impl Decode for CommitmentData {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        Ok(match input.read_byte()? {
            0 => Self::None,
            tag @ 1..=129 => {
                let mut bytes = vec![0; usize::from(tag) - 1];
                input.read(&mut bytes)?;
                Self::Raw(bytes)
            }
            tag @ 130..=133 => Self::Hash(tag, <[u8; 32]>::decode(input)?),
            134 => {
                let encrypted = Vec::<u8>::decode(input)?;
                Self::TimelockEncrypted { encrypted, reveal_round: u64::decode(input)? }
            }
            135 => Self::ResetBonds,
            136 => {
                let bytes = Vec::<u8>::decode(input)?;
                if bytes.len() > 512 {
                    return Err("more than 512 bytes".into());
                }
                Self::BigRaw(bytes)
            }
            _ => return Err("unknown commitment field".into()),
        })
    }
}

/// `pallet_commitments::types::UsageTracker`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct UsageTracker {
    pub(crate) last_epoch: u64,
    pub(crate) used_space: u64,
}

/// `pallet_subtensor_proxy::ProxyDefinition`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub(crate) struct ProxyDefinition {
    pub(crate) delegate: Account,
    pub(crate) proxy_type: u8,
    pub(crate) delay: u32,
}

/// `pallet_subtensor_proxy::Announcement`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Announcement {
    pub(crate) real: Account,
    pub(crate) call_hash: [u8; 32],
    pub(crate) height: u32,
}

/// `pallet_multisig::Timepoint`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Timepoint {
    pub(crate) height: u32,
    pub(crate) index: u32,
}

/// `pallet_multisig::Multisig`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Multisig {
    pub(crate) when: Timepoint,
    pub(crate) deposit: u64,
    pub(crate) depositor: Account,
    pub(crate) approvals: Vec<Account>,
}

/// An address as calls carry it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address(
    /// The account, or nothing for forms that this chain cannot look up.
    pub(crate) Option<Account>,
);

impl Decode for Address {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        Ok(match input.read_byte()? {
            0 | 3 => Self(Some(Account::decode(input)?)),
            // An index of the unit type takes no further byte.
            1 => Self(None),
            2 => {
                Vec::<u8>::decode(input)?;
                Self(None)
            }
            4 => {
                <[u8; 20]>::decode(input)?;
                Self(None)
            }
            _ => return Err("unknown address form".into()),
        })
    }
}
