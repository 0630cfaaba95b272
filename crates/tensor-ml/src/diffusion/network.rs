//! One run of the network: what it takes, and what it makes of a sample under guidance.

use super::{
    guide::Meaning,
    painter::{TextToImage, output_name},
    plan::Plan,
};
use crate::{
    control::RunControl,
    error::Error,
    spec::{Dim, TensorSpec},
    tensor::{Tensor, Tensors},
};

impl TextToImage {
    /// What the network makes of a sample, guidance applied.
    pub(super) fn estimate(
        &self,
        sample: &[f32],
        scale: f64,
        time: f64,
        (negative, prompt): (Option<&Meaning>, &Meaning),
        plan: &Plan,
        control: &RunControl,
    ) -> Result<Vec<f32>, Error> {
        let scaled: Vec<f32> = sample.iter().map(|x| (f64::from(*x) * scale) as f32).collect();
        let rows: Vec<&Meaning> = negative.into_iter().chain([prompt]).collect();
        let fixed = expect_inputs(&self.inputs)?.fixed(0);
        let mut estimates: Vec<Vec<f32>> = Vec::with_capacity(rows.len());
        // Graphs for one row at a time are run once for each.
        for group in rows.chunks(fixed.unwrap_or(rows.len()).max(1)) {
            let mut filled = group.to_vec();
            if let (Some(fixed), Some(last)) = (fixed, group.last()) {
                filled.resize(fixed, last);
            }
            let inputs = self.inputs_of(&filled, &scaled, time, plan)?;
            let outputs = self.network.infer_with(inputs, control)?;
            let name = output_name(&*self.network, "out_sample");
            let output = outputs.get(name).ok_or(Error::Stopped)?;
            if output.len() != scaled.len().saturating_mul(filled.len()) {
                return Err(Error::Output {
                    name: name.into(),
                    expected: format!("{} rows of {} numbers", filled.len(), scaled.len()),
                    got: format!("{:?}", output.shape()),
                });
            }
            let values = output.to_f32s()?;
            estimates
                .extend(values.chunks(scaled.len().max(1)).take(group.len()).map(<[f32]>::to_vec));
        }
        let mut estimates = estimates.into_iter();
        let first = estimates.next().unwrap_or_default();
        let Some(second) = estimates.next() else { return Ok(first) };
        let guidance = plan.guidance as f32;
        Ok(first.iter().zip(&second).map(|(no, yes)| no + guidance * (yes - no)).collect())
    }

    fn inputs_of(
        &self,
        rows: &[&Meaning],
        sample: &[f32],
        time: f64,
        plan: &Plan,
    ) -> Result<Tensors, Error> {
        let count = rows.len();
        let mut inputs = Tensors::new();
        let batch = self.inputs.iter().find(|input| input.name == "sample");
        let batch = batch.and_then(|input| input.shape.as_ref()?.first().cloned());
        for spec in &self.inputs {
            let tensor = match spec.name.as_str() {
                "sample" => {
                    let shape =
                        [count, self.channels, plan.height / self.scale, plan.width / self.scale];
                    Tensor::new(shape, sample.repeat(count))?.cast(spec.dtype)?
                }
                "timestep" => {
                    let dims = spec.shape.as_deref().unwrap_or(&[Dim::Any]);
                    let times = match dims {
                        [] => 1,
                        [Dim::Fixed(times), ..] => *times,
                        // One for each row only where the graph says so.
                        [dim, ..]
                            if matches!(dim, Dim::Named(_)) && Some(dim) == batch.as_ref() =>
                        {
                            count
                        }
                        _ => 1,
                    };
                    let shape = if dims.is_empty() { Vec::new() } else { vec![times] };
                    if spec.dtype.is_float() {
                        Tensor::new(shape, vec![time; times])?.cast(spec.dtype)?
                    } else {
                        Tensor::from_ints(spec.dtype, shape, vec![time as i64; times])?
                    }
                }
                "encoder_hidden_states" => Meaning::tensor(rows, spec)?,
                "text_embeds" => {
                    let values: Vec<f32> =
                        rows.iter().flat_map(|row| row.whole.iter().copied()).collect();
                    let width = values.len() / count.max(1);
                    Tensor::new([count, width], values)?.cast(spec.dtype)?
                }
                // Size of the original, corner of the part that is seen, size of the part: all of it.
                _ => {
                    let (high, wide) = (plan.height as f32, plan.width as f32);
                    let row = [high, wide, 0.0, 0.0, high, wide];
                    Tensor::new([count, 6], row.repeat(count))?.cast(spec.dtype)?
                }
            };
            inputs.set(&spec.name, tensor);
        }
        Ok(inputs)
    }
}

/// The sample's input, if the network takes nothing that is not known here.
pub(super) fn expect_inputs(inputs: &[TensorSpec]) -> Result<&TensorSpec, Error> {
    const KNOWN: [&str; 5] =
        ["sample", "timestep", "encoder_hidden_states", "text_embeds", "time_ids"];
    let refuse = |name: &str, got: String| {
        Err(Error::Input {
            name: name.into(),
            expected: format!("one of {}", KNOWN.join(", ")),
            got,
        })
    };
    if let Some(odd) = inputs.iter().find(|input| !KNOWN.contains(&input.name.as_str())) {
        return refuse(&odd.name, odd.to_string());
    }
    for name in KNOWN.iter().take(3) {
        if !inputs.iter().any(|input| input.name == *name) {
            return refuse(name, "a network without it".into());
        }
    }
    match inputs.iter().find(|input| input.name == "sample") {
        Some(sample) if matches!(sample.rank(), None | Some(4)) => Ok(sample),
        Some(sample) => refuse("sample", sample.to_string()),
        None => refuse("sample", "a network without it".into()),
    }
}
