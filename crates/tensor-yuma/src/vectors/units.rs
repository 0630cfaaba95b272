//! The single functions of a vector file.

use serde::{Deserialize, Serialize};

use super::check::Report;
use super::schema::Flag;
use crate::epoch::{SplitRule, alpha_sigmoid, is_topk_nonzero, split_emission, weighted_median};
use crate::fixed::{I32F32, exp_safe};
use crate::weights::{is_max_weight_limited, max_upscale};

/// Values of single functions, as lists of inputs and expected outputs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Units {
    /// `[x, exp(x)]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exp_safe: Vec<Tuple<1, 1>>,
    /// `[a, b, a * b, a / b, a + b, a - b]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub i32f32_mul_div_add_sub: Vec<Tuple<2, 4>>,
    /// `[consensus, weight, bond, low, high, steepness, speed]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alpha_sigmoid: Vec<Tuple<6, 1>>,
    /// `[proportion, u16]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fixed_proportion_to_u16: Vec<Tuple<1, 1>>,
    /// Medians of one column.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weighted_median: Vec<Median>,
    /// Emission by mechanism.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub split_emissions: Vec<Split>,
    /// Weight rows at submission.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub max_upscale: Vec<Upscale>,
    /// Permits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub is_topk_nonzero: Vec<TopK>,
}

/// A flat list of `I` inputs and, unless absent, `O` outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tuple<const I: usize, const O: usize> {
    /// Raw inputs.
    pub inputs: [i64; I],
    /// Raw expected outputs.
    pub outputs: Option<[i64; O]>,
}

/// See [`weighted_median`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the names are those of the function")]
pub struct Median {
    pub stake: Vec<I32F32>,
    pub score: Vec<I32F32>,
    pub kappa: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median: Option<I32F32>,
}

/// See [`split_emission`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the names are those of the function")]
pub struct Split {
    pub mechanism_count: usize,
    pub split: Option<Vec<u16>>,
    pub emission: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_pad: Option<Vec<u64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_even: Option<Vec<u64>>,
}

/// See [`max_upscale`] and [`is_max_weight_limited`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the names are those of the function")]
pub struct Upscale {
    #[serde(rename = "in")]
    pub input: Vec<u16>,
    pub max_limit: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out: Option<Vec<u16>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limited: Option<bool>,
}

/// See [`is_topk_nonzero`]; the values are small integers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the names are those of the function")]
pub struct TopK {
    pub v: Vec<i64>,
    pub k: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out: Option<Vec<Flag>>,
}

impl Units {
    pub(super) fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut list =
            |name: &str, len: usize| names.extend((0..len).map(|at| format!("{name}/{at}")));
        list("exp_safe", self.exp_safe.len());
        list("i32f32_mul_div_add_sub", self.i32f32_mul_div_add_sub.len());
        list("alpha_sigmoid", self.alpha_sigmoid.len());
        list("fixed_proportion_to_u16", self.fixed_proportion_to_u16.len());
        list("weighted_median", self.weighted_median.len());
        list("split_emissions", self.split_emissions.len());
        list("max_upscale", self.max_upscale.len());
        list("is_topk_nonzero", self.is_topk_nonzero.len());
        names
    }

    pub(super) fn retain(&mut self, name: &str) {
        keep(&mut self.exp_safe, "exp_safe", name);
        keep(&mut self.i32f32_mul_div_add_sub, "i32f32_mul_div_add_sub", name);
        keep(&mut self.alpha_sigmoid, "alpha_sigmoid", name);
        keep(&mut self.fixed_proportion_to_u16, "fixed_proportion_to_u16", name);
        keep(&mut self.weighted_median, "weighted_median", name);
        keep(&mut self.split_emissions, "split_emissions", name);
        keep(&mut self.max_upscale, "max_upscale", name);
        keep(&mut self.is_topk_nonzero, "is_topk_nonzero", name);
    }

    pub(super) fn check(&self, report: &mut Report) {
        let mut computed = self.clone();
        computed.compute();
        compare(report, "exp_safe", &self.exp_safe, &computed.exp_safe);
        compare(
            report,
            "i32f32_mul_div_add_sub",
            &self.i32f32_mul_div_add_sub,
            &computed.i32f32_mul_div_add_sub,
        );
        compare(report, "alpha_sigmoid", &self.alpha_sigmoid, &computed.alpha_sigmoid);
        compare(
            report,
            "fixed_proportion_to_u16",
            &self.fixed_proportion_to_u16,
            &computed.fixed_proportion_to_u16,
        );
        compare(report, "weighted_median", &self.weighted_median, &computed.weighted_median);
        compare(report, "split_emissions", &self.split_emissions, &computed.split_emissions);
        compare(report, "max_upscale", &self.max_upscale, &computed.max_upscale);
        compare(report, "is_topk_nonzero", &self.is_topk_nonzero, &computed.is_topk_nonzero);
    }

    /// Replace every output by the computed one.
    pub(super) fn compute(&mut self) {
        let fixed = I32F32::from_bits;
        for unit in &mut self.exp_safe {
            unit.outputs = Some([exp_safe(fixed(unit.inputs[0])).to_bits()]);
        }
        for unit in &mut self.i32f32_mul_div_add_sub {
            let [a, b] = unit.inputs.map(fixed);
            let results =
                [a.saturating_mul(b), a.safe_div(b), a.saturating_add(b), a.saturating_sub(b)];
            unit.outputs = Some(results.map(I32F32::to_bits));
        }
        for unit in &mut self.alpha_sigmoid {
            let [c, w, b, low, high] = [0, 1, 2, 3, 4].map(|at| fixed(unit.inputs[at]));
            // The steepness is a 16-bit parameter; anything else has no answer.
            let steepness = i16::try_from(unit.inputs[5]);
            unit.outputs = steepness.ok().map(|s| [alpha_sigmoid(c, w, b, low, high, s).to_bits()]);
        }
        for unit in &mut self.fixed_proportion_to_u16 {
            unit.outputs = Some([i64::from(fixed(unit.inputs[0]).to_u16_proportion())]);
        }
        for unit in &mut self.weighted_median {
            let kappa = I32F32::from_u16_proportion(unit.kappa);
            unit.median = Some(weighted_median(&unit.stake, &unit.score, kappa));
        }
        for unit in &mut self.split_emissions {
            let split = |rule| {
                split_emission(unit.emission, unit.mechanism_count, unit.split.as_deref(), rule)
            };
            (unit.out_pad, unit.out_even) =
                (Some(split(SplitRule::Padded)), Some(split(SplitRule::Exact)));
        }
        for unit in &mut self.max_upscale {
            unit.out = Some(max_upscale(&unit.input));
            unit.limited = Some(is_max_weight_limited(&unit.input, unit.max_limit));
        }
        for unit in &mut self.is_topk_nonzero {
            let values: Vec<I32F32> = unit.v.iter().map(|&value| I32F32::from_int(value)).collect();
            unit.out = Some(is_topk_nonzero(&values, unit.k).into_iter().map(Flag).collect());
        }
    }
}

impl<const I: usize, const O: usize> Serialize for Tuple<I, O> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.inputs.iter().chain(self.outputs.iter().flatten()))
    }
}

impl<'de, const I: usize, const O: usize> Deserialize<'de> for Tuple<I, O> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let all = Vec::<i64>::deserialize(deserializer)?;
        let wrong = || {
            serde::de::Error::custom(format_args!(
                "{} numbers instead of {I} or {}",
                all.len(),
                I + O
            ))
        };
        let (inputs, outputs) = all.split_at_checked(I).ok_or_else(wrong)?;
        let inputs = inputs.try_into().map_err(|_| wrong())?;
        let outputs =
            if outputs.is_empty() { None } else { Some(outputs.try_into().map_err(|_| wrong())?) };
        Ok(Self { inputs, outputs })
    }
}

/// What of a unit was expected and is not met.
trait Expected {
    fn met_by(&self, computed: &Self) -> bool;
}

fn met<T: PartialEq>(expected: Option<&T>, computed: Option<&T>) -> bool {
    expected.is_none() || expected == computed
}

impl<const I: usize, const O: usize> Expected for Tuple<I, O> {
    fn met_by(&self, computed: &Self) -> bool {
        met(self.outputs.as_ref(), computed.outputs.as_ref())
    }
}

impl Expected for Median {
    fn met_by(&self, computed: &Self) -> bool {
        met(self.median.as_ref(), computed.median.as_ref())
    }
}

impl Expected for Split {
    fn met_by(&self, computed: &Self) -> bool {
        met(self.out_pad.as_ref(), computed.out_pad.as_ref())
            && met(self.out_even.as_ref(), computed.out_even.as_ref())
    }
}

impl Expected for Upscale {
    fn met_by(&self, computed: &Self) -> bool {
        met(self.out.as_ref(), computed.out.as_ref())
            && met(self.limited.as_ref(), computed.limited.as_ref())
    }
}

impl Expected for TopK {
    fn met_by(&self, computed: &Self) -> bool {
        met(self.out.as_ref(), computed.out.as_ref())
    }
}

fn compare<T: Expected + core::fmt::Debug>(
    report: &mut Report,
    name: &str,
    expected: &[T],
    computed: &[T],
) {
    for (at, (expected, computed)) in expected.iter().zip(computed).enumerate() {
        let differences = if expected.met_by(computed) {
            Vec::new()
        } else {
            vec![("units".to_owned(), format!("expected {expected:?}, got {computed:?}"))]
        };
        report.case(&format!("{name}/{at}"), differences);
    }
}

fn keep<T>(list: &mut Vec<T>, name: &str, wanted: &str) {
    let mut at = 0;
    list.retain(|_| {
        let kept = format!("{name}/{at}") == wanted;
        at += 1;
        kept
    });
}
