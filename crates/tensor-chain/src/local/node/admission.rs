//! Which transactions may wait: signature, account, era, nonce, fee, and what a carrier holds.

use std::sync::Arc;

use super::super::{
    block::Hash,
    extrinsic::{Era, Extrinsic, Implied, Signed},
    faults::Draws,
    pool::{PoolError, Waiting},
    rpc::subscription::Feed,
    runtime::{Ctx, DecodedCall, InvalidTransaction, Runtime},
    shield::{Shielded, ciphertext_of},
};
use super::{BLOCK_HASH_COUNT, Node, parts, tell};

/// Longest era of a transaction that carries an encrypted one, in blocks.
const LONGEST_CARRIER_ERA: u64 = 8;

impl Node {
    /// Checks a transaction and lets it wait for a block. Says which hash it has.
    pub(crate) fn submit(
        &mut self,
        bytes: &[u8],
        watcher: Option<Feed>,
    ) -> Result<Hash, PoolError> {
        if self.halted() {
            return Err(PoolError::Halted);
        }
        let extrinsic = Extrinsic::decode(bytes, &self.interface)?;
        let hash = extrinsic.hash;
        if self.pool.contains(&hash) {
            return Err(PoolError::AlreadyImported(hash));
        }
        let Some(signed) = extrinsic.signed.clone() else { return Err(PoolError::Unsigned) };
        if let Some(rejection) = self.faults.as_mut().and_then(Draws::rejection) {
            return Err(rejection);
        }
        let who = signed.who.to_bytes();
        let expected = self.validate(&extrinsic, &signed, self.history.head())?;
        let future = signed.nonce > self.pool.next_nonce(&who, expected);
        let watchers = watcher.into_iter().collect::<Vec<_>>();
        let nonce = signed.nonce;
        let extrinsic = Arc::new(extrinsic);
        self.pool.insert(Waiting { extrinsic, who, nonce, future, watchers: watchers.clone() })?;
        tell(&watchers, if future { "\"future\"" } else { "\"ready\"" });
        if !future {
            self.promote(&who, nonce);
        }
        Ok(hash)
    }

    /// The checks before a transaction enters the pool. Returns the account's nonce.
    ///
    /// A nonce ahead of the account's is no error here: such a transaction waits.
    pub(crate) fn validate(
        &mut self,
        extrinsic: &Extrinsic,
        signed: &Signed,
        at: u32,
    ) -> Result<u32, PoolError> {
        let birth = signed.era.birth(u64::from(at).saturating_add(1));
        let birth = u32::try_from(birth).unwrap_or(u32::MAX);
        let aged = at.saturating_sub(birth) >= BLOCK_HASH_COUNT;
        let birth_hash = match signed.era {
            Era::Immortal => self.genesis_hash(),
            _ if aged || birth > at => return Err(InvalidTransaction::AncientBirthBlock.into()),
            _ => self.history.hash(birth).ok_or(InvalidTransaction::AncientBirthBlock)?,
        };
        let metadata_hash = if signed.metadata_hash {
            Some(self.metadata.digest().ok_or(PoolError::CannotLookup)?)
        } else {
            None
        };
        let version = self.interface.version();
        let implied = Implied {
            spec_version: version.spec_version,
            transaction_version: version.transaction_version,
            genesis_hash: &self.genesis_hash(),
            birth_hash: &birth_hash,
            metadata_hash: metadata_hash.as_ref(),
        };
        let impersonated = self.impersonated.contains(signed.who.as_bytes());
        if !impersonated && !extrinsic.verify(implied, &self.interface) {
            return Err(InvalidTransaction::BadProof.into());
        }
        let fee = self.fee(extrinsic, signed.tip);
        let who = signed.who.to_bytes();
        let call = parts(extrinsic)?;
        self.check_carrier(&call, signed, u64::from(at).saturating_add(1))?;
        let nonce = self.simulate_at(at, |cx, runtime| {
            let nonce = check_account(cx, runtime, &who, signed.nonce, fee)?;
            // What a transaction may do is only known once its turn has come.
            if signed.nonce == nonce {
                let _ = runtime.charge_fee(cx, &who, &call, fee)?;
                runtime.validate(cx, &who, &call)?;
            }
            Ok::<_, InvalidTransaction>(nonce)
        })?;
        Ok(nonce)
    }

    /// What the shield asks of a transaction that carries another one (chain-interface 9).
    pub(super) fn check_carrier(
        &self,
        call: &DecodedCall<'_>,
        signed: &Signed,
        block: u64,
    ) -> Result<(), InvalidTransaction> {
        if !self.system.is_carrier(call) {
            return Ok(());
        }
        match signed.era {
            Era::Mortal { period, .. } if period <= LONGEST_CARRIER_ERA => {}
            _ => return Err(InvalidTransaction::Stale),
        }
        let ciphertext = ciphertext_of(call.args).ok_or(InvalidTransaction::Custom(23))?;
        let shielded = Shielded::parse(&ciphertext).ok_or(InvalidTransaction::Custom(23))?;
        let keys = self.shield.as_ref();
        match shielded.key_hash {
            Some(hash) if keys.and_then(|keys| keys.named(hash, block)).is_none() => {
                Err(InvalidTransaction::Custom(24))
            }
            _ => Ok(()),
        }
    }

    /// The transaction inside a carrier; `None` if there is none that this chain can open in that block.
    pub(super) fn open_carrier(&self, carrier: &Extrinsic, block: u64) -> Option<Extrinsic> {
        let call = parts(carrier).ok()?;
        let keys = self.shield.as_ref().filter(|_| self.system.is_carrier(&call))?;
        let ciphertext = ciphertext_of(call.args)?;
        let plaintext = keys.open(&Shielded::parse(&ciphertext)?, block)?;
        Extrinsic::decode(&plaintext, &self.interface).ok()
    }
}

/// Nonce and existence of a signer (chain rules 1.4). Returns the account's nonce.
pub(super) fn check_account(
    cx: &Ctx<'_>,
    runtime: &Runtime,
    who: &[u8; 32],
    nonce: u32,
    fee: u64,
) -> Result<u32, InvalidTransaction> {
    if *who == [0; 32] {
        return Err(InvalidTransaction::BadSigner);
    }
    // An account that nothing provides for may still send what is free.
    if fee > 0 && !runtime.account_exists(cx.state, who) {
        return Err(InvalidTransaction::Payment);
    }
    let expected = runtime.account_nonce(cx.state, who);
    if nonce < expected { Err(InvalidTransaction::Stale) } else { Ok(expected) }
}
