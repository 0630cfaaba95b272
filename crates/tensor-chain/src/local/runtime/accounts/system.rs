//! The calls of the pallet System.

use super::super::Runtime;
use super::super::ctx::{Ctx, Origin};
use super::super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::super::error::DispatchError;

/// The System calls.
pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "System":
        PAID remark(remark: Vec<u8>) => remark;
        PAID remark_with_event(remark: Vec<u8>) => remark_with_event;
        PAID set_storage(items: Vec<(Vec<u8>, Vec<u8>)>) => set_storage;
        PAID kill_storage(keys: Vec<Vec<u8>>) => kill_storage;
    );
}

impl Runtime {
    fn remark(&self, _: &mut Ctx<'_>, origin: Origin, _remark: Vec<u8>) -> DispatchResult {
        if origin == Origin::None {
            return Err(DispatchError::BadOrigin);
        }
        DONE
    }

    fn remark_with_event(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        remark: Vec<u8>,
    ) -> DispatchResult {
        let who = origin.signed()?;
        cx.emit(self.events.remarked, (who, sp_crypto_hashing::blake2_256(&remark)));
        DONE
    }

    fn set_storage(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        items: Vec<(Vec<u8>, Vec<u8>)>,
    ) -> DispatchResult {
        origin.root()?;
        for (key, value) in items {
            cx.state.put(&key, &value);
        }
        DONE
    }

    fn kill_storage(&self, cx: &mut Ctx<'_>, origin: Origin, keys: Vec<Vec<u8>>) -> DispatchResult {
        origin.root()?;
        for key in keys {
            cx.state.remove(&key);
        }
        DONE
    }
}
