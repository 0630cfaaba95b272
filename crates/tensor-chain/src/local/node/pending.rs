//! temporary
use crate::local::runtime::{Ctx, Runtime};
use tensor_core::key::{Keypair, Scheme};
pub(crate) trait Pending {
    fn genesis(&self, cx: &mut Ctx<'_>, g: &());
    fn initialize_block(&self, _cx: &mut Ctx<'_>) {}
    fn call_api(
        &self,
        _cx: &mut Ctx<'_>,
        _name: &str,
        _args: &[u8],
    ) -> Option<Result<Vec<u8>, String>> {
        None
    }
}
impl Pending for Runtime {
    fn genesis(&self, cx: &mut Ctx<'_>, _: &()) {
        for name in ["//Alice", "//Bob", "//Charlie"] {
            let k = Keypair::from_uri(name, Scheme::Sr25519).unwrap();
            self.endow(cx, k.account_id().as_bytes(), 1_000_000_000_000_000);
        }
    }
}
impl crate::local::config::Preset {
    pub(crate) fn genesis(self) {}
}
