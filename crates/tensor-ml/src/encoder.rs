//! Running a text encoder: from texts to the graph's inputs, whatever of the usual ones it declares.

use crate::{
    control::RunControl,
    error::Error,
    model::Model,
    spec::{self, TensorSpec},
    tensor::{Tensor, Tensors},
    tokenizer::{Encoding, Pad, PaddedBatch, Tokenizer},
};

/// A model that takes token ids, with its tokenizer. The common part of classification, token classification and
/// embedding.
pub(crate) struct TextEncoder {
    model: Box<dyn Model>,
    tokenizer: Tokenizer,
    columns: Option<usize>,
    rows: Option<usize>,
}

impl TextEncoder {
    /// Checks that every input of the model is one that a text can fill.
    pub(crate) fn new(model: Box<dyn Model>, tokenizer: Tokenizer) -> Result<Self, Error> {
        let Some(ids) = spec::find(model.inputs(), "input_ids") else {
            return Err(unusable("input_ids", "an input of this name", "a model without it"));
        };
        let (rows, columns) = (ids.fixed(0), ids.fixed(1));
        for input in model.inputs() {
            if !matches!(
                input.name.as_str(),
                "input_ids" | "attention_mask" | "token_type_ids" | "position_ids"
            ) {
                return Err(unusable(
                    &input.name,
                    "an input that a text can fill",
                    &input.to_string(),
                ));
            }
        }
        let tokenizer = match columns {
            Some(columns) if columns < tokenizer.max_tokens() => {
                tokenizer.with_max_tokens(columns)?
            }
            _ => tokenizer,
        };
        Ok(Self { model, tokenizer, columns, rows })
    }

    pub(crate) fn model(&self) -> &dyn Model {
        &*self.model
    }

    pub(crate) fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Runs the model on texts of one batch. Rows that only a graph of fixed batch size needs are in the outputs too,
    /// after those of the texts.
    fn run(
        &self,
        encodings: &[Encoding],
        control: &RunControl,
    ) -> Result<(PaddedBatch, Tensors), Error> {
        // An encoder is filled up on the right: some compute positions from the column.
        let pad = Pad { is_left: false, ..self.tokenizer.pad() };
        let mut filled;
        let mut encodings = encodings;
        if let Some(rows) = self.rows.filter(|rows| *rows > encodings.len()) {
            filled = encodings.to_vec();
            // Copies of a real text rather than empty rows, on which some models divide by zero.
            let last = encodings.last().cloned().unwrap_or_default();
            filled.resize(rows, last);
            encodings = &filled;
        }
        let batch = PaddedBatch::new(encodings, pad, self.columns)?;
        let mut inputs = Tensors::new();
        for spec in self.model.inputs() {
            let positions;
            let values = match spec.name.as_str() {
                "attention_mask" => &batch.mask,
                "token_type_ids" => &batch.type_ids,
                "position_ids" => {
                    positions = batch.positions();
                    &positions
                }
                _ => &batch.ids,
            };
            inputs.set(spec.name.clone(), masked(spec, &batch, values)?);
        }
        let outputs = self.model.infer_with(inputs, control)?;
        Ok((batch, outputs))
    }

    /// Runs the model on any number of texts and returns what `read` makes of each, in order.
    ///
    /// Texts of similar length share a run, so that little is computed for nothing. `read` gets the outputs of a run and
    /// how many of its rows are texts; what it gives for the rows beyond is not used.
    pub(crate) fn run_grouped<R: Clone>(
        &self,
        encodings: &[Encoding],
        max_batch: usize,
        control: &RunControl,
        read: impl Fn(&PaddedBatch, &mut Tensors, usize) -> Result<Vec<R>, Error>,
    ) -> Result<Vec<R>, Error> {
        let mut order: Vec<usize> = (0..encodings.len()).collect();
        order.sort_by_key(|place| encodings[*place].ids.len());
        let mut results = vec![None; encodings.len()];
        for places in order.chunks(self.rows.unwrap_or(max_batch).max(1)) {
            control.check()?;
            let group: Vec<_> = places.iter().map(|place| encodings[*place].clone()).collect();
            let (batch, mut outputs) = self.run(&group, control)?;
            for (place, result) in places.iter().zip(read(&batch, &mut outputs, places.len())?) {
                results[*place] = Some(result);
            }
        }
        let few = || unusable("texts", "a result for each", "fewer");
        results.into_iter().map(|result| result.ok_or_else(few)).collect()
    }
}

/// Some exports take the mask as floating-point numbers.
fn masked(spec: &TensorSpec, batch: &PaddedBatch, values: &[i64]) -> Result<Tensor, Error> {
    if spec.dtype.is_float() {
        let data: Vec<f32> = values.iter().map(|value| *value as f32).collect();
        return Tensor::new([batch.rows, batch.columns], data)?.cast(spec.dtype);
    }
    batch.tensor(spec.dtype, values)
}

pub(crate) fn unusable(name: &str, expected: &str, got: &str) -> Error {
    Error::Input { name: name.into(), expected: expected.into(), got: got.into() }
}
