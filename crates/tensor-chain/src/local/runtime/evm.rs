//! Ethereum addresses of neurons: what their holders prove by a signature (chain rules 7.12). The EVM itself is not modelled.

use parity_scale_codec::Encode;
use sp_crypto_hashing::keccak_256;

use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::error::{DispatchError, errors};
use super::{Account, Runtime};
use crate::local::ecdsa::ethereum_signer;
use crate::local::interface::Build;
use crate::local::state::State;

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "SubtensorModule":
        FREE associate_evm_key(netuid: u16, evm_key: [u8; 20], block_number: u64, signature: [u8; 65]) => associate_evm_key if check_evm_key;
    );
}

impl Runtime {
    fn associate_evm_key(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        evm_key: [u8; 20],
        block_number: u64,
        signature: [u8; 65],
    ) -> DispatchResult {
        let hotkey = origin.signed()?;
        let uid = self.ensure_evm_key_rate(cx.state, cx.block, netuid, &hotkey)?;
        let proof = proof_hash(&hotkey, block_number);
        let signer = ethereum_signer(&signature, &proof)
            .ok_or(errors::SubtensorModule::UnableToRecoverPublicKey)?;
        if signer != evm_key {
            return Err(errors::SubtensorModule::InvalidRecoveredPublicKey);
        }
        self.forget_evm_key(cx, netuid, uid);
        self.items.evm_address.set(cx.state, (netuid, uid), &(evm_key, cx.block));
        self.items
            .uids_by_evm_address
            .mutate(cx.state, (netuid, evm_key), |uids| uids.push((uid, cx.block)));
        cx.emit(self.events.evm_key_associated, (netuid, hotkey, evm_key, cx.block));
        DONE
    }

    fn check_evm_key(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        netuid: &u16,
        _evm_key: &[u8; 20],
        _block_number: &u64,
        _signature: &[u8; 65],
    ) -> Result<(), DispatchError> {
        self.ensure_evm_key_rate(cx.state, cx.block, *netuid, who).map(drop)
    }

    /// The uid of a hotkey whose address may change now.
    fn ensure_evm_key_rate(
        &self,
        state: &State,
        block: u64,
        netuid: u16,
        hotkey: &Account,
    ) -> Result<u16, DispatchError> {
        let uid = self.uid_of(state, netuid, hotkey);
        let uid = uid.ok_or(errors::SubtensorModule::HotKeyNotRegisteredInSubNet)?;
        let interval = if self.interface.build() == Build::Fast { 1 } else { 7_200 };
        match self.items.evm_address.try_get(state, (netuid, uid)) {
            Some((_, last)) if block.saturating_sub(last) < interval => {
                Err(errors::SubtensorModule::EvmKeyAssociateRateLimitExceeded)
            }
            _ => Ok(uid),
        }
    }

    /// Takes a uid's address away: it has a new holder, or its holder a new address.
    pub(crate) fn forget_evm_key(&self, cx: &mut Ctx<'_>, netuid: u16, uid: u16) {
        let Some((address, _)) = self.items.evm_address.take(cx.state, (netuid, uid)) else {
            return;
        };
        let mut uids = self.items.uids_by_evm_address.get(cx.state, (netuid, address));
        uids.retain(|(known, _)| *known != uid);
        if uids.is_empty() {
            self.items.uids_by_evm_address.remove(cx.state, (netuid, address));
        } else {
            self.items.uids_by_evm_address.set(cx.state, (netuid, address), &uids);
        }
    }
}

/// What the holder of the address signs, as a wallet's personal message (EIP-191): hotkey and the hash of a block number.
pub(crate) fn proof_hash(hotkey: &Account, block_number: u64) -> [u8; 32] {
    let block = keccak_256(&block_number.encode());
    let mut message = b"\x19Ethereum Signed Message:\n64".to_vec();
    message.extend_from_slice(hotkey);
    message.extend_from_slice(&block);
    keccak_256(&message)
}
