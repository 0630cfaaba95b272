//! Commitments: what neurons publish about themselves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tensor_core::call::Value;
use tensor_core::{BlockNumber, Hotkey, NetUid, Tao, Uid};

use super::super::Subtensor;
use crate::codec::from_value;
use crate::error::Error;

/// What a hotkey has published on a subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Commitment {
    /// When.
    pub block: BlockNumber,
    /// What was set aside for it.
    pub deposit: Tao,
    /// The fields.
    pub fields: Vec<CommitmentField>,
}

impl Commitment {
    /// The bytes of the first field that has some in the open.
    pub fn data(&self) -> Option<&[u8]> {
        self.fields.iter().find_map(|field| match field {
            CommitmentField::Raw(bytes) => Some(bytes.as_slice()),
            _ => None,
        })
    }
}

/// One field of a commitment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum CommitmentField {
    /// Nothing.
    None,
    /// Bytes in the open.
    Raw(Vec<u8>),
    /// A hash, by the name of its function.
    Hash(String, [u8; 32]),
    /// Bytes that a drand round opens.
    Timelocked {
        /// The ciphertext.
        encrypted: Vec<u8>,
        /// The round.
        reveal_round: u64,
    },
    /// A mark without bytes, or a kind that this crate does not know, by name.
    Other(String),
}

/// Bytes that were timelocked and have been opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RevealedCommitment {
    /// The bytes.
    pub data: Vec<u8>,
    /// When they were opened.
    pub block: BlockNumber,
}

/// All that a hotkey has published on a subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NeuronCommitments {
    /// The hotkey's slot, while it has one.
    pub uid: Option<Uid>,
    /// What stands there now.
    pub commitment: Option<Commitment>,
    /// What was opened, oldest first.
    pub revealed: Vec<RevealedCommitment>,
}

const PALLET: &str = "Commitments";

impl Subtensor {
    /// What a hotkey has published on a subnet.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn commitment(
        &self,
        netuid: NetUid,
        hotkey: &Hotkey,
    ) -> Result<Option<Commitment>, Error> {
        let keys = [netuid.into(), Value::from(*hotkey)];
        let value = self.stored(PALLET, "CommitmentOf", &keys).await?;
        value.map(|value| read(&value)).transpose()
    }

    /// What a hotkey had timelocked on a subnet and has been opened, oldest first.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn revealed_commitment(
        &self,
        netuid: NetUid,
        hotkey: &Hotkey,
    ) -> Result<Vec<RevealedCommitment>, Error> {
        let keys = [netuid.into(), Value::from(*hotkey)];
        match self.stored(PALLET, "RevealedCommitments", &keys).await? {
            Some(value) => read_revealed(value),
            None => Ok(Vec::new()),
        }
    }

    /// All that was published on a subnet, by hotkey, at one block.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn commitments(
        &self,
        netuid: NetUid,
    ) -> Result<BTreeMap<Hotkey, NeuronCommitments>, Error> {
        let chain = self.pinned().await?;
        let keys = [Value::from(netuid)];
        let (current, revealed, uids) = futures::try_join!(
            chain.storage_map(PALLET, "CommitmentOf", &keys),
            chain.storage_map(PALLET, "RevealedCommitments", &keys),
            chain.storage_map("SubtensorModule", "Uids", &keys)
        )?;
        let hotkey = |keys: &[Value]| {
            let account = keys.get(1).and_then(Value::as_account).map(Hotkey::new);
            account.ok_or_else(|| Error::decode("Commitments", "a key holds no account"))
        };
        let mut all: BTreeMap<Hotkey, NeuronCommitments> = BTreeMap::new();
        let empty = || NeuronCommitments { uid: None, commitment: None, revealed: Vec::new() };
        for (keys, value) in current {
            all.entry(hotkey(&keys)?).or_insert_with(empty).commitment = Some(read(&value)?);
        }
        for (keys, value) in revealed {
            all.entry(hotkey(&keys)?).or_insert_with(empty).revealed = read_revealed(value)?;
        }
        for (keys, value) in uids {
            if let Some(neuron) = all.get_mut(&hotkey(&keys)?) {
                let uid = value.as_u64().and_then(|uid| u16::try_from(uid).ok());
                neuron.uid = uid.map(Uid::new);
            }
        }
        Ok(all)
    }
}

fn read(value: &Value) -> Result<Commitment, Error> {
    let wrong = || Error::decode("Commitments.CommitmentOf", "it has another shape");
    let number = |name: &str| value.field(name).and_then(Value::as_u64).ok_or_else(wrong);
    let info = value.field("info").and_then(|info| info.field("fields")).unwrap_or(value);
    let fields = info.as_list().ok_or_else(wrong)?;
    Ok(Commitment {
        block: BlockNumber::new(number("block")?),
        deposit: Tao::from_rao(number("deposit")?),
        fields: fields.iter().map(field).collect(),
    })
}

fn field(value: &Value) -> CommitmentField {
    let Some((name, fields)) = value.as_variant() else {
        return CommitmentField::Other(String::new());
    };
    let bytes = || fields.first().and_then(|(_, value)| value.as_bytes());
    match (name, bytes()) {
        ("None", _) => CommitmentField::None,
        (name, Some(bytes)) if name == "BigRaw" || is_raw(name) => {
            CommitmentField::Raw(bytes.to_vec())
        }
        (name, Some(encrypted)) if name.starts_with("Timelock") => CommitmentField::Timelocked {
            encrypted: encrypted.to_vec(),
            reveal_round: value.field("reveal_round").and_then(Value::as_u64).unwrap_or_default(),
        },
        (name, Some(bytes)) => match bytes.try_into() {
            Ok(hash) => CommitmentField::Hash(name.to_owned(), hash),
            Err(_) => CommitmentField::Other(name.to_owned()),
        },
        (name, None) => CommitmentField::Other(name.to_owned()),
    }
}

fn is_raw(name: &str) -> bool {
    name.strip_prefix("Raw").is_some_and(|length| length.bytes().all(|b| b.is_ascii_digit()))
}

fn read_revealed(value: Value) -> Result<Vec<RevealedCommitment>, Error> {
    let all: Vec<(Vec<u8>, BlockNumber)> = from_value(value)
        .map_err(|source| Error::decode("Commitments.RevealedCommitments", source))?;
    Ok(all.into_iter().map(|(data, block)| RevealedCommitment { data, block }).collect())
}
