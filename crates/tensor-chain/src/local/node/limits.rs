//! How much fits into one block, from the interface's own constants.

use parity_scale_codec::{Compact, Decode};

use crate::local::{
    fee::{BASE_REF_TIME, CallWeight, Class},
    interface::{Interface, InterfaceError},
};

/// What is left of a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockLimits {
    /// Weight for calls of the normal class.
    normal: u64,
    /// Weight for all calls.
    total: u64,
    bytes: usize,
}

impl BlockLimits {
    pub(super) fn of(interface: &Interface) -> Result<Self, InterfaceError> {
        let name = "System.BlockWeights";
        let missing = || InterfaceError::Missing(vec![name.to_owned()]);
        let mut weights = interface.constant("System", "BlockWeights").ok_or_else(missing)?;
        let weights = BlockWeights::decode(&mut weights).map_err(InterfaceError::Decode)?;
        let mut length = interface.constant("System", "BlockLength").ok_or_else(missing)?;
        let (normal_length, ..) =
            <(u32, u32, u32)>::decode(&mut length).map_err(InterfaceError::Decode)?;
        let total = weights.max_block.0.0;
        Ok(Self {
            normal: weights.normal.max_total.map_or(total, |w| w.0.0),
            total,
            bytes: usize::try_from(normal_length).unwrap_or(usize::MAX),
        })
    }

    /// Takes room for one extrinsic; false, taking nothing, where there is none.
    pub(super) fn take(&mut self, weight: &CallWeight, length: usize) -> bool {
        let needed = weight.ref_time.saturating_add(BASE_REF_TIME);
        let normal = if weight.class == Class::Normal { needed } else { 0 };
        let (Some(left), Some(total), Some(bytes)) = (
            self.normal.checked_sub(normal),
            self.total.checked_sub(needed),
            self.bytes.checked_sub(length),
        ) else {
            return false;
        };
        *self = Self { normal: left, total, bytes };
        true
    }
}

/// Reference time and proof size.
type Weight = (Compact<u64>, Compact<u64>);

/// The head of `frame_system::limits::BlockWeights`.
#[derive(Decode)]
struct BlockWeights {
    _base_block: Weight,
    max_block: Weight,
    normal: PerClass,
}

#[derive(Decode)]
struct PerClass {
    _base_extrinsic: Weight,
    _max_extrinsic: Option<Weight>,
    max_total: Option<Weight>,
    _reserved: Option<Weight>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constants_are_read() {
        let limits = BlockLimits::of(&Interface::v461().unwrap()).unwrap();
        assert_eq!(limits.normal, 3_000_000_000_000);
        assert_eq!(limits.total, 4_000_000_000_000);
        assert_eq!(limits.bytes, 7_864_320);
    }
}
