//! What types of proxy there are and which calls each may make.

use parity_scale_codec::Encode;
use scale_info::{TypeDef, Variant, form::PortableForm};

use super::{ApiError, View};
use crate::local::runtime::DecodedCall;
use crate::local::runtime::proxies::{ANY, SMALL, SMALL_TRANSFER};

/// Types of institutions that are gone: they allow nothing.
const DEPRECATED: [&str; 5] =
    ["Senate", "Triumvirate", "Governance", "RootWeights", "SudoUncheckedSetCode"];

/// Calls that a type allows below an amount only: pallet, call, and the argument that is the amount.
const BELOW: [(&str, &str, &str); 3] = [
    ("Balances", "transfer_keep_alive", "value"),
    ("Balances", "transfer_allow_death", "value"),
    ("SubtensorModule", "transfer_stake", "alpha_amount"),
];

/// `CallInfo`: pallet by name and index, call by name and index, and a constraint on an argument.
type CallInfo = (Vec<u8>, u8, Vec<u8>, u8, Option<(u8, Vec<u8>, u128)>);

impl View<'_> {
    /// `ProxyTypeInfo` of every type.
    pub(super) fn proxy_types(&self) -> Result<Vec<u8>, ApiError> {
        Ok(self.kinds()?.encode())
    }

    /// `ProxyFilterInfo` of the types asked for, or of all.
    pub(super) fn proxy_filters(&self, asked: Option<Vec<u8>>) -> Result<Vec<u8>, ApiError> {
        let asked_for = |kind: u8| asked.as_ref().is_none_or(|asked| asked.contains(&kind));
        let kinds = self.kinds()?.into_iter().filter(|(_, kind, _)| asked_for(*kind));
        let filters = kinds.map(|(name, kind, deprecated)| {
            // `FilterMode::AllowAll`, or `Allow` with a list.
            let mode = if kind == ANY { vec![0] } else { (1_u8, self.allowed(kind)).encode() };
            let mut info = (kind, name, deprecated).encode();
            info.extend(mode);
            crate::local::runtime::error::RawBytes(info)
        });
        Ok(filters.collect::<Vec<_>>().encode())
    }

    /// Name, index and whether it is deprecated, of every type that the interface has.
    fn kinds(&self) -> Result<Vec<(Vec<u8>, u8, bool)>, ApiError> {
        let call = self.runtime.interface().call("Proxy", "add_proxy").ok_or(ApiError::Shape)?;
        let kind = call.args.iter().find(|arg| arg.name == "proxy_type").ok_or(ApiError::Shape)?;
        let kind = self.runtime.interface().types().resolve(kind.ty).ok_or(ApiError::Shape)?;
        let TypeDef::Variant(def) = &kind.type_def else { return Err(ApiError::Shape) };
        let info = |variant: &Variant<PortableForm>| {
            let deprecated = DEPRECATED.contains(&variant.name.as_str());
            (variant.name.clone().into_bytes(), variant.index, deprecated)
        };
        Ok(def.variants.iter().map(info).collect())
    }

    fn allowed(&self, kind: u8) -> Vec<CallInfo> {
        let mut allowed = Vec::new();
        for pallet in self.runtime.interface().pallets() {
            for call in &pallet.calls {
                let names = (pallet.name.as_str(), call.name.as_str());
                let below =
                    BELOW.iter().find(|(p, c, _)| kind == SMALL_TRANSFER && names == (*p, *c));
                let plain = DecodedCall::new(pallet.index, call.index, &[]);
                if below.is_none() && !self.runtime.proxy_allows(kind, &plain) {
                    continue;
                }
                // `ParamLessThan`.
                let below = below.map(|(_, _, param)| (0, param.as_bytes().to_vec(), SMALL.into()));
                let (pallet_name, call_name) = (pallet.name.clone(), call.name.clone());
                let (pallet_name, call_name) = (pallet_name.into_bytes(), call_name.into_bytes());
                allowed.push((pallet_name, pallet.index, call_name, call.index, below));
            }
        }
        allowed
    }
}
