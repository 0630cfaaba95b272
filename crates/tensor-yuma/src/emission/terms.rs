//! What one block's emission means for one subnet: liquidity for its pool, a chain buy, and alpha for its neurons.

use crate::fixed::{U64F64, U96F32};

/// `TaoWeight` at genesis: 0.0527 of `u64::MAX`.
pub const DEFAULT_TAO_WEIGHT: u64 = 971_718_665_099_567_868;

/// `SubnetOwnerCut` unless root changed it: 18 % of 65535.
pub const DEFAULT_OWNER_CUT: u16 = 11_796;

const HALF: U96F32 = U96F32::from_bits(1 << 31);

/// Amounts of one block for one subnet, with 32 fractional bits; the runtime floors each when it moves it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SubnetTerms {
    /// Rao injected into the pool.
    pub tao_in: U96F32,
    /// Alpha injected into the pool.
    pub alpha_in: U96F32,
    /// Alpha created for the owner, miners, validators and root.
    pub alpha_out: U96F32,
    /// Rao with which the chain buys alpha from the pool, without fee.
    pub excess_tao: U96F32,
}

impl SubnetTerms {
    /// The terms of a subnet that gets `tao_emission` rao (from [`super::shares::tao_emissions`]) in this block.
    ///
    /// `alpha_emission` is [`super::issuance::block_emission`] of the subnet's alpha issuance, `price` the spot price in
    /// TAO per alpha. Alpha injected is `min(tao / price, root_proportion * alpha_emission)`; TAO that cannot be injected
    /// at the price becomes the excess. Without root stake nothing is injected. Source: `coinbase/run_coinbase.rs`,
    /// `get_subnet_terms`; chain rules 3.5.
    #[must_use]
    pub fn new(
        tao_emission: U96F32,
        price: U64F64,
        alpha_emission: u64,
        root_proportion: U96F32,
    ) -> Self {
        let price = price.to_u96f32();
        let alpha_out = U96F32::from_int(alpha_emission);
        let cap = root_proportion.saturating_mul(alpha_out);
        let wanted = tao_emission.safe_div(price);
        let (tao_in, alpha_in) =
            if wanted > cap { (cap.saturating_mul(price), cap) } else { (tao_emission, wanted) };
        Self { tao_in, alpha_in, alpha_out, excess_tao: tao_emission.saturating_sub(tao_in) }
    }
}

/// Root's part of a subnet: `R*w / (R*w + alpha_issuance)` with `R` the TAO staked on root and `w` the TAO weight.
///
/// `tao_weight` is the stored value, a proportion of `u64::MAX`. Chain rules 3.5.
#[must_use]
pub fn root_proportion(root_tao: u64, alpha_issuance: u64, tao_weight: u64) -> U96F32 {
    let weighted =
        U96F32::from_int(root_tao).saturating_mul(U96F32::from_u64_proportion(tao_weight));
    weighted.safe_div(weighted.saturating_add(U96F32::from_int(alpha_issuance)))
}

/// Whole alpha units that one block adds to each pending pot of a subnet. What truncation loses stays outstanding
/// without an owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AlphaSplit {
    /// For the subnet owner (`PendingOwnerCut`).
    pub owner: u64,
    /// For miners (`PendingServerEmission`).
    pub server: u64,
    /// For validators (`PendingValidatorEmission`); root's part is already taken out.
    pub validator: u64,
    /// For root (`PendingRootAlphaDivs`), or recycled when root is not selling ([`super::shares::root_sell_flag`]).
    pub root: u64,
}

impl AlphaSplit {
    /// Split `alpha_out`: owner cut (a proportion of 65535, `None` when disabled), then half of the rest to miners and half
    /// to validators and root. Source: `coinbase/run_coinbase.rs`, `emit_to_subnets`; chain rules 3.7.
    ///
    /// ```
    /// use tensor_yuma::emission::terms::{AlphaSplit, DEFAULT_OWNER_CUT};
    /// use tensor_yuma::fixed::U96F32;
    /// let split = AlphaSplit::new(1_000_000_000, Some(DEFAULT_OWNER_CUT), U96F32::ZERO);
    /// assert_eq!((split.owner, split.server, split.validator), (179_995_422, 410_002_288, 410_002_288));
    /// ```
    #[must_use]
    pub fn new(alpha_out: u64, owner_cut: Option<u16>, root_proportion: U96F32) -> Self {
        let out = U96F32::from_int(alpha_out);
        let owner = owner_cut
            .map_or(U96F32::ZERO, |cut| out.saturating_mul(U96F32::from_u16_proportion(cut)));
        let rest = out.saturating_sub(owner);
        let root = root_proportion.saturating_mul(rest).saturating_mul(HALF);
        let server = rest.saturating_mul(HALF);
        let validator = rest.saturating_sub(server).saturating_sub(root);
        Self {
            owner: owner.to_u64(),
            server: server.to_u64(),
            validator: validator.to_u64(),
            root: root.to_u64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Chain rules 16, scenario 19.
    #[test]
    fn alpha_split_without_root() {
        let split = |a| AlphaSplit::new(a, Some(DEFAULT_OWNER_CUT), U96F32::ZERO);
        let expected =
            AlphaSplit { owner: 179_995_422, server: 410_002_288, validator: 410_002_288, root: 0 };
        assert_eq!(split(1_000_000_000), expected);
        let half =
            AlphaSplit { owner: 89_997_711, server: 205_001_144, validator: 205_001_144, root: 0 };
        assert_eq!(split(500_000_000), half);
        assert_eq!(
            AlphaSplit::new(1_000, None, U96F32::ZERO),
            AlphaSplit { owner: 0, server: 500, validator: 500, root: 0 }
        );
    }

    // Chain rules 16, scenario 20.
    #[test]
    fn root_takes_from_validators_and_caps_injection() {
        let rp = root_proportion(1_000_000_000_000, 1_000_000_000_000, DEFAULT_TAO_WEIGHT);
        assert_eq!(rp.to_bits(), 214_924_319);
        let split = AlphaSplit::new(1_000_000_000, Some(DEFAULT_OWNER_CUT), rp);
        assert_eq!((split.root, split.validator), (20_516_911, 389_485_377));
        let terms =
            SubnetTerms::new(U96F32::from_int(1_000_000_000), U64F64::ONE, 1_000_000_000, rp);
        assert_eq!(terms.alpha_in.to_u64(), 50_040_967);
        assert_eq!(terms.tao_in.to_u64(), 50_040_967);
        assert_eq!(terms.excess_tao.to_u64(), 949_959_032);
        let big = root_proportion(6_000_000_000_000_000, 1_000_000_000_000_000, DEFAULT_TAO_WEIGHT);
        let split = AlphaSplit::new(1_000_000_000, Some(DEFAULT_OWNER_CUT), big);
        assert_eq!((split.root, split.validator), (98_465_038, 311_537_250));
    }

    #[test]
    fn without_root_stake_everything_is_an_excess_buy() {
        let terms = SubnetTerms::new(U96F32::from_int(5), U64F64::ONE, 1_000, U96F32::ZERO);
        assert_eq!((terms.tao_in, terms.alpha_in), (U96F32::ZERO, U96F32::ZERO));
        assert_eq!(terms.excess_tao, U96F32::from_int(5));
        assert_eq!(root_proportion(0, 0, u64::MAX), U96F32::ZERO);
    }
}
