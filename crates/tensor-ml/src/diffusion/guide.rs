//! Prompts for the painter: one or two text encoders, each with its tokenizer.

use crate::{
    control::RunControl,
    device::Placement,
    engine::Engine,
    error::Error,
    folder::ModelFolder,
    model::Model,
    spec::TensorSpec,
    tensor::{Tensor, Tensors},
    tokenizer::{PaddedBatch, Tokenizer},
};

use super::request::DiffusionOptions;

const IDS: &str = "input_ids";
const MASK: &str = "attention_mask";

/// All text encoders of a folder.
pub(super) struct Guide {
    encoders: Vec<TextEncoder>,
    /// Whether an empty prompt is zeros instead of what the encoders make of it.
    zeros_for_empty: bool,
}

/// What a prompt means to the network.
pub(super) struct Meaning {
    /// One vector for each token, `tokens × width`.
    pub(super) tokens: Vec<f32>,
    /// Length of each.
    pub(super) width: usize,
    /// One vector for the whole, where the folder has a second encoder.
    pub(super) whole: Vec<f32>,
}

struct TextEncoder {
    tokenizer: Tokenizer,
    model: Box<dyn Model>,
    inputs: Vec<TensorSpec>,
    /// The output with a vector for each token.
    tokens: String,
    /// The output with one for the whole.
    whole: Option<String>,
    columns: usize,
}

impl Guide {
    pub(super) fn open(
        folder: &ModelFolder,
        engine: &Engine,
        options: &DiffusionOptions,
        zeros_for_empty: bool,
    ) -> Result<Self, Error> {
        let is_double = folder.has_part("text_encoder_2");
        let open = |encoder: &str, tokenizer: &str| {
            let (encoder, tokenizer) = (folder.part(encoder)?, folder.part(tokenizer)?);
            TextEncoder::open(&encoder, &tokenizer, engine, options, is_double)
        };
        let mut encoders = Vec::new();
        if folder.has_part("text_encoder") || !is_double {
            encoders.push(open("text_encoder", "tokenizer")?);
        }
        if is_double {
            encoders.push(open("text_encoder_2", "tokenizer_2")?);
        }
        Ok(Self { encoders, zeros_for_empty })
    }

    pub(super) fn placement(&self) -> Option<&Placement> {
        self.encoders.first()?.model.placement()
    }

    /// What each text means; the vectors of several encoders for a token stand side by side, and the last encoder speaks
    /// for the whole.
    pub(super) fn read(&self, text: &str, control: &RunControl) -> Result<Meaning, Error> {
        let mut parts = Vec::with_capacity(self.encoders.len());
        let mut whole = Vec::new();
        for encoder in &self.encoders {
            let (tokens, width, sum) = encoder.run(text, control)?;
            parts.push((tokens, width));
            whole = sum;
        }
        let mut meaning = join(parts)?;
        meaning.whole = whole;
        Ok(meaning)
    }

    /// What the absence of the prompt means.
    pub(super) fn read_negative(
        &self,
        text: &str,
        prompt: &Meaning,
        control: &RunControl,
    ) -> Result<Meaning, Error> {
        if text.is_empty() && self.zeros_for_empty {
            let zeros = |values: &[f32]| vec![0.0; values.len()];
            return Ok(Meaning {
                tokens: zeros(&prompt.tokens),
                whole: zeros(&prompt.whole),
                width: prompt.width,
            });
        }
        self.read(text, control)
    }
}

impl TextEncoder {
    fn open(
        folder: &ModelFolder,
        tokenizer: &ModelFolder,
        engine: &Engine,
        options: &DiffusionOptions,
        is_double: bool,
    ) -> Result<Self, Error> {
        let positions = folder.config().number(&["max_position_embeddings"]);
        let tokenizer = Tokenizer::open_within(tokenizer, positions)?;
        let model = engine.model(&folder.graph(&options.graph)?, &options.session)?;
        let inputs = model.inputs().to_vec();
        let ids = inputs.iter().find(|input| input.name == IDS);
        let known = inputs.iter().all(|input| [IDS, MASK].contains(&input.name.as_str()));
        let (Some(ids), true) = (ids, known) else {
            let odd = inputs.iter().find(|input| input.name != IDS);
            return Err(Error::Input {
                name: odd.map_or_else(|| IDS.into(), |input| input.name.clone()),
                expected: format!("`{IDS}` and at most `{MASK}`"),
                got: odd.map_or_else(|| "nothing".into(), ToString::to_string),
            });
        };
        let columns = ids.fixed(1).unwrap_or_else(|| tokenizer.max_tokens());
        let outputs: Vec<&str> = model.outputs().iter().map(|out| out.name.as_str()).collect();
        let named =
            |name: &str| outputs.iter().find(|out| **out == name).map(|out| (*out).to_owned());
        let absent = |expected: &str| Error::Output {
            name: folder.root().display().to_string(),
            expected: expected.into(),
            got: outputs.join(", "),
        };
        // Networks that read two encoders were trained on what the last layer but one says.
        let tokens = if is_double {
            before_last(&outputs).ok_or_else(|| absent("hidden_states.0, hidden_states.1, …"))?
        } else {
            named("last_hidden_state")
                .or_else(|| outputs.first().map(|out| (*out).to_owned()))
                .ok_or_else(|| absent("last_hidden_state"))?
        };
        let whole = named("text_embeds").or_else(|| named("pooler_output")).filter(|_| is_double);
        Ok(Self { tokenizer, inputs, tokens, whole, columns, model: Box::new(model) })
    }

    fn run(&self, text: &str, control: &RunControl) -> Result<(Vec<f32>, usize, Vec<f32>), Error> {
        let encodings = self.tokenizer.encode(&[text])?;
        let batch = PaddedBatch::new(&encodings, self.tokenizer.pad(), Some(self.columns))?;
        let mut inputs = Tensors::new();
        for input in &self.inputs {
            let values = if input.name == IDS { &batch.ids } else { &batch.mask };
            inputs.set(&input.name, batch.tensor(input.dtype, values)?);
        }
        let mut outputs = self.model.infer_with(inputs, control)?;
        let tokens = outputs.take(&self.tokens)?;
        let width = match *tokens.shape() {
            [1, columns, width] if columns == self.columns && width > 0 => width,
            ref other => {
                return Err(Error::Output {
                    name: self.tokens.clone(),
                    expected: format!("[1, {}, width]", self.columns),
                    got: format!("{other:?}"),
                });
            }
        };
        let whole = match &self.whole {
            Some(name) => outputs.take(name)?.to_f32s()?.into_owned(),
            None => Vec::new(),
        };
        Ok((tokens.to_f32s()?.into_owned(), width, whole))
    }
}

impl Meaning {
    /// Rows of vectors for each token as the network takes them.
    pub(super) fn tensor(rows: &[&Self], spec: &TensorSpec) -> Result<Tensor, Error> {
        let width = rows.first().map_or(1, |row| row.width).max(1);
        let length = rows.first().map_or(0, |row| row.tokens.len() / width);
        let values: Vec<f32> = rows.iter().flat_map(|row| row.tokens.iter().copied()).collect();
        Tensor::new([rows.len(), length, width], values)?.cast(spec.dtype)
    }
}

/// `hidden_states.N` with the largest N but one.
fn before_last(outputs: &[&str]) -> Option<String> {
    let mut layers: Vec<usize> = outputs
        .iter()
        .filter_map(|name| name.strip_prefix("hidden_states.")?.parse().ok())
        .collect();
    layers.sort_unstable();
    let layer = layers.get(layers.len().checked_sub(2)?)?;
    Some(format!("hidden_states.{layer}"))
}

/// Vectors of the same token side by side.
fn join(mut parts: Vec<(Vec<f32>, usize)>) -> Result<Meaning, Error> {
    if parts.len() == 1 {
        let (tokens, width) = parts.remove(0);
        return Ok(Meaning { tokens, width, whole: Vec::new() });
    }
    let width = parts.iter().map(|(_, width)| width).sum();
    let lengths: Vec<usize> =
        parts.iter().map(|(tokens, width)| tokens.len() / (*width).max(1)).collect();
    let length = lengths.first().copied().unwrap_or(0);
    if lengths.iter().any(|other| *other != length) {
        return Err(Error::Output {
            name: "text encoders".into(),
            expected: "as many tokens from each".into(),
            got: format!("{lengths:?}"),
        });
    }
    let mut tokens = Vec::with_capacity(length.saturating_mul(width));
    for place in 0..length {
        for (values, width) in &parts {
            let start = place.saturating_mul(*width);
            tokens.extend_from_slice(values.get(start..start + width).unwrap_or_default());
        }
    }
    Ok(Meaning { tokens, width, whole: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_encoders_stand_side_by_side() {
        let meaning = join(vec![(vec![1.0, 2.0], 1), (vec![3.0, 4.0, 5.0, 6.0], 2)]).unwrap();
        assert_eq!((meaning.tokens, meaning.width), (vec![1.0, 3.0, 4.0, 2.0, 5.0, 6.0], 3));
        assert!(join(vec![(vec![1.0], 1), (vec![1.0, 2.0], 1)]).is_err());
        let names = ["text_embeds", "hidden_states.2", "hidden_states.10", "hidden_states.9"];
        assert_eq!(before_last(&names).as_deref(), Some("hidden_states.9"));
        assert_eq!(before_last(&["hidden_states.0"]), None);
    }
}
