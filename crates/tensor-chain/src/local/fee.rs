//! What a call weighs and what an extrinsic costs.
//!
//! Weights are benchmark data, kept as a table by pallet and call name; the fee formula is that of
//! chain rules 1.6.

use std::collections::HashMap;

use parity_scale_codec::{Compact, Decode, Encode};
use scale_info::TypeDef;

use super::interface::{Interface, WalkError};

/// Weight of the extrinsic frame itself, for calls of the normal class.
pub const BASE_REF_TIME: u64 = 108_157_000;

/// The table: `pallet,call,ref_time,proof_size,class,pays`.
const TABLE: &str = include_str!("../../assets/weights.csv");

/// What a call without an entry weighs: about one that reads and writes a few items.
const DEFAULT: CallWeight =
    CallWeight { ref_time: 250_000_000, proof_size: 4_000, class: Class::Normal, pays: true };

/// The weight of one call and how it is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallWeight {
    /// Picoseconds of computation, extensions included: the value that `query_info` reports.
    pub ref_time: u64,
    /// Bytes of proof.
    pub proof_size: u64,
    /// The dispatch class.
    pub class: Class,
    /// Whether the call pays a fee.
    pub pays: bool,
}

/// Class of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Calls of users.
    Normal = 0,
    /// Calls that run the network.
    Operational = 1,
    /// Inherents.
    Mandatory = 2,
}

/// All weights, by pallet and call index.
#[derive(Debug, Clone)]
pub struct Weights(HashMap<(u8, u8), CallWeight>);

impl Weights {
    /// Resolves the table against an interface; rows of calls which it lacks are left out.
    #[must_use]
    pub fn new(interface: &Interface) -> Self {
        let rows = TABLE.lines().skip(1).filter_map(parse_row);
        let rows = rows.filter_map(|(pallet, call, weight)| {
            let item = interface.call(pallet, call)?;
            Some(((item.pallet, item.index), weight))
        });
        Self(rows.collect())
    }

    /// The weight of a call by itself.
    #[must_use]
    pub fn of(&self, pallet: u8, call: u8) -> CallWeight {
        self.0.get(&(pallet, call)).copied().unwrap_or(DEFAULT)
    }

    /// The weight of an encoded call and of the calls inside it (sudo, batch, proxy, multisig).
    ///
    /// The bytes must be a call of `interface`; of anything else the part that decodes is weighed.
    #[must_use]
    pub fn of_call(&self, call: &[u8], interface: &Interface) -> CallWeight {
        let Some((&[pallet, index], mut args)) = call.split_first_chunk::<2>() else {
            return DEFAULT;
        };
        let mut weight = self.of(pallet, index);
        let Some(item) = interface.call_by_index(pallet, index) else { return weight };
        let mut inner = Vec::new();
        for arg in &item.args {
            if self.nested(arg.ty, &mut args, interface, &mut inner).is_err() {
                break;
            }
        }
        if !inner.is_empty() && inner.iter().all(|w| w.class == Class::Operational) {
            weight.class = Class::Operational;
        }
        for call in inner {
            weight.ref_time = weight.ref_time.saturating_add(call.ref_time);
            weight.proof_size = weight.proof_size.saturating_add(call.proof_size);
        }
        weight
    }

    /// Moves past one argument and weighs it where it is a call or a list of calls.
    fn nested(
        &self,
        ty: u32,
        args: &mut &[u8],
        interface: &Interface,
        inner: &mut Vec<CallWeight>,
    ) -> Result<(), WalkError> {
        let start = *args;
        if ty == interface.call_type() {
            interface.skip(ty, args)?;
            let length = start.len().saturating_sub(args.len());
            inner.push(self.of_call(start.get(..length).unwrap_or_default(), interface));
            return Ok(());
        }
        let def = interface.types().resolve(ty).map(|t| &t.type_def);
        if let Some(TypeDef::Sequence(list)) = def
            && list.type_param.id == interface.call_type()
        {
            let count = Compact::<u32>::decode(args).map_err(|_| WalkError::Malformed)?;
            for _ in 0..count.0 {
                self.nested(interface.call_type(), args, interface, inner)?;
            }
            return Ok(());
        }
        interface.skip(ty, args)
    }
}

impl CallWeight {
    /// The fee in rao of an extrinsic of `length` bytes with this call, tip included; a free call
    /// costs its tip.
    #[must_use]
    pub fn fee(&self, length: usize, tip: u64) -> u64 {
        self.inclusion_fee(length).saturating_add(tip)
    }

    /// The fee without the tip.
    #[must_use]
    pub fn inclusion_fee(&self, length: usize) -> u64 {
        let (base, length, weight) = self.inclusion_parts(length).unwrap_or_default();
        base.saturating_add(length).saturating_add(weight)
    }

    /// Base, length and weight fee; `None` for a free call.
    #[must_use]
    pub fn inclusion_parts(&self, length: usize) -> Option<(u64, u64, u64)> {
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        self.pays.then(|| (weight_to_fee(BASE_REF_TIME), length, weight_to_fee(self.ref_time)))
    }

    /// `DispatchEventInfo` as the events carry it: the frame's own weight is added.
    #[must_use]
    pub fn event_info(&self, pays: bool) -> Vec<u8> {
        let mut out = self.weight(self.ref_time.saturating_add(BASE_REF_TIME));
        out.push(self.class as u8);
        out.push(u8::from(!pays));
        out
    }

    /// `RuntimeDispatchInfo` with a fee of 8 bytes, as `query_info` answers.
    #[must_use]
    pub fn dispatch_info(&self, fee: u64) -> Vec<u8> {
        let mut out = self.weight(self.ref_time);
        out.push(self.class as u8);
        fee.encode_to(&mut out);
        out
    }

    fn weight(&self, ref_time: u64) -> Vec<u8> {
        let mut out = Compact(ref_time).encode();
        Compact(self.proof_size).encode_to(&mut out);
        out
    }
}

/// `weight * 0.0005`, to the nearest rao, an exact half going down (`Perbill` of 500,000 parts).
pub(crate) fn weight_to_fee(weight: u64) -> u64 {
    let product = u128::from(weight) * 500_000;
    let (whole, part) = (product / 1_000_000_000, product % 1_000_000_000);
    let rounded = if part > 500_000_000 { whole + 1 } else { whole };
    u64::try_from(rounded).unwrap_or(u64::MAX)
}

fn parse_row(line: &str) -> Option<(&str, &str, CallWeight)> {
    let mut columns = line.split(',');
    let (pallet, call) = (columns.next()?, columns.next()?);
    let ref_time = columns.next()?.parse().ok()?;
    let proof_size = columns.next()?.parse().ok()?;
    let class = match columns.next()? {
        "normal" => Class::Normal,
        "operational" => Class::Operational,
        "mandatory" => Class::Mandatory,
        _ => return None,
    };
    let pays = match columns.next()? {
        "yes" => true,
        "no" => false,
        _ => return None,
    };
    Some((pallet, call, CallWeight { ref_time, proof_size, class, pays }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The receipt recorded on a 461 node, and the same transfer with a tip.
    #[test]
    fn the_recorded_transfer_costs_what_it_cost() {
        let interface = Interface::v461().unwrap();
        let weights = Weights::new(&interface);
        let call = interface.call("Balances", "transfer_keep_alive").unwrap();
        let weight = weights.of(call.pallet, call.index);
        assert_eq!(weight.fee(144, 0), 166_247);
        assert_eq!(weight.fee(145, 1_000), 167_248);
        assert_eq!((weight.ref_time, weight.proof_size), (224_051_000, 7_791));
    }

    #[test]
    fn inner_calls_are_weighed() {
        let interface = Interface::v461().unwrap();
        let weights = Weights::new(&interface);
        let remark = [0u8, 0, 0];
        let one = weights.of_call(&remark, &interface);
        assert_eq!(one, weights.of(0, 0));
        let batch = [&[11u8, 2, 8][..], &remark, &remark].concat();
        let both = weights.of_call(&batch, &interface);
        assert_eq!(both.ref_time, weights.of(11, 2).ref_time + 2 * one.ref_time);
        let sudo = [&[12u8, 0][..], &batch].concat();
        let outer = weights.of_call(&sudo, &interface);
        assert_eq!(outer.ref_time, weights.of(12, 0).ref_time + both.ref_time);
    }

    #[test]
    fn a_half_goes_down() {
        assert_eq!(weight_to_fee(BASE_REF_TIME), 54_078);
        assert_eq!(weight_to_fee(108_157_200), 54_079);
        assert_eq!(weight_to_fee(1_000), 0);
        assert_eq!(weight_to_fee(1_001), 1);
    }

    #[test]
    fn every_row_parses_and_names_a_known_call() {
        let interface = Interface::v461().unwrap();
        for line in TABLE.lines().skip(1) {
            let (pallet, call, _) = parse_row(line).unwrap_or_else(|| panic!("{line}"));
            assert!(interface.call(pallet, call).is_some(), "{line}");
        }
    }
}
