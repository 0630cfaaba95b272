//! What tests and tools ask of a chain, and bend in it, beyond its storage and its RPC: runtime APIs, why a call
//! is refused, transactions of accounts whose keys nobody has, root that earns on a small chain.

use tensor_core::account::AccountId;

use super::runtime::{DecodedCall, DispatchError};
use super::{LocalChain, RpcError};

impl LocalChain {
    /// Asks a runtime API by its full name (`SubnetInfoRuntimeApi_get_metagraph`) in the newest block.
    ///
    /// # Errors
    /// The API does not exist, the arguments do not fit it, or it fails.
    pub fn call_api(&self, name: &str, args: &[u8]) -> Result<Vec<u8>, RpcError> {
        let mut node = self.lock();
        let head = node.history.head();
        node.call_api(name, args, head)
    }

    /// Lets root have its part of every subnet's alpha from the next block on, or only where the rule
    /// says so: while the moving prices of all subnets together are above 1, as they are not on a small
    /// chain (chain rules 3.7).
    pub fn set_root_always_sells(&self, on: bool) {
        self.lock().control(|cx, runtime| runtime.set_root_always_sells(cx, on));
    }

    /// From now on transactions of this account are taken with any signature: for those whose key
    /// nobody here has, such as an account of another network.
    pub fn impersonate(&self, account: &AccountId) {
        self.lock().impersonated.insert(account.to_bytes());
    }

    /// Why the checks before inclusion refuse a call of that account in the next block (chain rules
    /// 1.10), by the error's name rather than the code that a client is told; `None` where they do not.
    ///
    /// `call` is what an extrinsic holds: pallet index, call index, arguments.
    #[must_use]
    pub fn refusal(&self, who: &AccountId, call: &[u8]) -> Option<DispatchError> {
        let call = DecodedCall::parse(call)?;
        let mut node = self.lock();
        let head = node.history.head();
        node.simulate_at(head, |cx, runtime| runtime.refusal(cx, who.as_bytes(), &call))
    }
}
