//! One step of a decoder: tokens and what it remembers in, logits and what it remembers out.
//!
//! Everything is found from the graph's own names: `input_ids`, and where they are declared `attention_mask`,
//! `position_ids`, `use_cache_branch`, `num_logits_to_keep`, and any number of `past_key_values.*` with their
//! `present.*`. What the model remembers stays in the backend's memory from step to step.

use crate::{
    control::RunControl,
    device::Placement,
    error::Error,
    folder::Config,
    logits::{LOGITS, expect_logits, not_logits},
    session::{Feed, Fetch, Fetched, Kept, Session},
    spec::{self, TensorSpec},
    tensor::{DType, Tensor},
};

const PAST: &str = "past_key_values.";
const PRESENT: &str = "present.";
/// The shape of the logits.
const SHAPE: &str = "[rows, columns, tokens]";

/// A decoder with its memory.
pub(crate) struct Decoder {
    session: Box<dyn Session>,
    inputs: Vec<Input>,
    memory: Vec<Memory>,
    past: Past,
}

/// What a decoder remembers of the columns it has seen.
#[derive(Debug, Default)]
pub(crate) enum Past {
    /// Nothing yet.
    #[default]
    Nothing,
    /// Values in the backend's memory.
    Kept(Vec<Kept>),
    /// Tensors in host memory, where rows can be taken out and put in: `[rows, heads, columns, width]`.
    Host(Vec<Tensor>),
}

/// A batch of prompts that grow together, filled up on the left so that all end in the same column.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    pad: i64,
    /// All tokens of each row, filling included.
    ids: Vec<Vec<i64>>,
    /// How much of each row is filling.
    fill: Vec<usize>,
    /// Columns that the decoder has seen.
    seen: usize,
}

enum Input {
    Ids(TensorSpec),
    Mask(TensorSpec),
    Positions(TensorSpec),
    CacheBranch(TensorSpec),
    LogitsToKeep(TensorSpec),
}

/// One remembered tensor: its names, and its shape with the batch and the length left open.
struct Memory {
    past: String,
    present: String,
    dtype: DType,
    heads: usize,
    width: usize,
}

impl Decoder {
    /// Takes a session apart by its names.
    pub(crate) fn new(session: Box<dyn Session>, config: &Config) -> Result<Self, Error> {
        let (mut inputs, mut memory) = (Vec::new(), Vec::new());
        for spec in session.inputs() {
            inputs.push(match spec.name.as_str() {
                "input_ids" => Input::Ids(spec.clone()),
                "attention_mask" => Input::Mask(spec.clone()),
                "position_ids" => Input::Positions(spec.clone()),
                "use_cache_branch" => Input::CacheBranch(spec.clone()),
                "num_logits_to_keep" => Input::LogitsToKeep(spec.clone()),
                name if name.starts_with(PAST) => {
                    memory.push(Memory::new(spec, session.outputs(), config)?);
                    continue;
                }
                name if name.starts_with("encoder_") => {
                    let alone = "a decoder that stands alone (models with an encoder, as for translation and speech, are \
                                 not supported)";
                    return Err(unusable(spec, alone));
                }
                _ => return Err(unusable(spec, "an input that a text decoder has")),
            });
        }
        if !inputs.iter().any(|input| matches!(input, Input::Ids(_))) {
            return Err(Error::Input {
                name: "input_ids".into(),
                expected: "an input of this name".into(),
                got: "a model without it".into(),
            });
        }
        expect_logits(session.outputs(), SHAPE)?;
        Ok(Self { session, inputs, memory, past: Past::Nothing })
    }

    pub(crate) fn placement(&self) -> &Placement {
        self.session.placement()
    }

    /// Forgets everything, for the next batch.
    pub(crate) fn forget(&mut self) {
        self.past = Past::Nothing;
    }

    /// Whether rows of different length can share a run: without a mask, filling would be read as text.
    pub(crate) fn takes_rows(&self) -> bool {
        self.inputs.iter().any(|input| matches!(input, Input::Mask(_)))
    }

    /// Runs the columns of `rows` that the decoder has not seen. The result has the logits of the last column of each
    /// row, or of all new columns with `all_columns`: `[rows, columns, tokens]`.
    pub(crate) fn step(
        &mut self,
        rows: &mut Rows,
        all_columns: bool,
        control: &RunControl,
    ) -> Result<Tensor, Error> {
        if rows.seen == 0 {
            self.forget();
        }
        let past = std::mem::take(&mut self.past);
        let (logits, past) = self.step_from(rows, past, false, all_columns, control)?;
        self.past = past;
        Ok(logits)
    }

    /// As [`step`](Self::step), with what is remembered in the caller's hands; with `to_host` it comes back in host memory.
    pub(crate) fn step_from(
        &mut self,
        rows: &mut Rows,
        past: Past,
        to_host: bool,
        all_columns: bool,
        control: &RunControl,
    ) -> Result<(Tensor, Past), Error> {
        let from = if self.memory.is_empty() { 0 } else { rows.seen };
        let is_first = rows.seen == 0;
        let columns = rows.columns();
        let mut host = Vec::with_capacity(self.inputs.len());
        for input in &self.inputs {
            host.push(match input {
                Input::Ids(spec) => {
                    (spec, rows.tensor(spec, from, |row, column| rows.id(row, column))?)
                }
                Input::Mask(spec) => {
                    let tensor =
                        rows.tensor(spec, 0, |row, column| i64::from(column >= rows.filling(row)))?;
                    (spec, tensor)
                }
                Input::Positions(spec) => {
                    let position =
                        |row, column: usize| column.saturating_sub(rows.filling(row)) as i64;
                    (spec, rows.tensor(spec, from, position)?)
                }
                Input::CacheBranch(spec) => (spec, flag(spec, !is_first)?),
                Input::LogitsToKeep(spec) => {
                    (spec, Tensor::scalar(i64::from(!all_columns)).cast(spec.dtype)?)
                }
            });
        }
        let (kept, tensors) = match past {
            Past::Kept(kept) => (kept, Vec::new()),
            Past::Host(tensors) => (Vec::new(), tensors),
            Past::Nothing => {
                let empty = self.memory.iter().map(|memory| memory.empty(rows.len()));
                (Vec::new(), empty.collect::<Result<_, _>>()?)
            }
        };
        let mut feeds: Vec<(&str, Feed<'_>)> =
            host.iter().map(|(spec, tensor)| (spec.name.as_str(), Feed::Host(tensor))).collect();
        let names = || self.memory.iter().map(|memory| memory.past.as_str());
        feeds.extend(names().zip(tensors.iter().map(Feed::Host)));
        feeds.extend(names().zip(kept.into_iter().map(Feed::Kept)));
        let mut wanted = vec![Fetch::Host(LOGITS)];
        wanted.extend(self.memory.iter().map(|memory| match to_host {
            true => Fetch::Host(&memory.present),
            false => Fetch::Keep(&memory.present),
        }));
        let mut values = self.session.run(feeds, &wanted, control)?.into_iter();
        let logits = values.next().ok_or_else(|| not_logits(SHAPE, "nothing"))?.into_host()?;
        let past = match to_host {
            true => Past::Host(values.map(Fetched::into_host).collect::<Result<_, _>>()?),
            false => Past::Kept(values.map(Fetched::into_kept).collect::<Result<_, _>>()?),
        };
        rows.seen = columns;
        match *logits.shape() {
            [count, _, tokens] if count == rows.len() && tokens > 0 => Ok((logits, past)),
            _ => Err(not_logits(SHAPE, &format!("{:?}", logits.shape()))),
        }
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder")
            .field("placement", self.placement())
            .field("memory", &self.memory.len())
            .finish_non_exhaustive()
    }
}

impl Memory {
    fn new(past: &TensorSpec, outputs: &[TensorSpec], config: &Config) -> Result<Self, Error> {
        let suffix = past.name.strip_prefix(PAST).unwrap_or_default();
        let present = format!("{PRESENT}{suffix}");
        if spec::find(outputs, &present).is_none() {
            return Err(unusable(past, "an input with an output to match"));
        }
        if past.rank() != Some(4) {
            return Err(unusable(past, "a tensor of [batch, heads, length, width]"));
        }
        let heads = || config.number(&["num_key_value_heads", "num_attention_heads", "n_head"]);
        let width = || {
            config.number(&["head_dim"]).or_else(|| {
                let heads = config.number(&["num_attention_heads", "n_head"])?;
                config.number(&["hidden_size", "n_embd"])?.checked_div(heads)
            })
        };
        let known = |size: Option<usize>| {
            size.ok_or_else(|| {
                unusable(past, "a number of heads and a width, here or in config.json")
            })
        };
        Ok(Self {
            heads: known(past.fixed(1).or_else(heads))?,
            width: known(past.fixed(3).or_else(width))?,
            dtype: past.dtype,
            past: past.name.clone(),
            present,
        })
    }

    /// The memory of nothing.
    fn empty(&self, rows: usize) -> Result<Tensor, Error> {
        Tensor::new([rows, self.heads, 0, self.width], Vec::<f32>::new())?.cast(self.dtype)
    }
}

impl Rows {
    /// Prompts, filled up with `pad` to the longest.
    pub(crate) fn new(prompts: &[&[u32]], pad: u32) -> Self {
        let longest = prompts.iter().map(|prompt| prompt.len()).max().unwrap_or(0);
        let pad = i64::from(pad);
        let fill: Vec<usize> =
            prompts.iter().map(|prompt| longest.saturating_sub(prompt.len())).collect();
        let ids = prompts
            .iter()
            .zip(&fill)
            .map(|(prompt, fill)| {
                let tokens = prompt.iter().map(|id| i64::from(*id));
                std::iter::repeat_n(pad, *fill).chain(tokens).collect()
            })
            .collect();
        Self { pad, ids, fill, seen: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Adds a column; rows without a token, whose answers are complete, get filling that nobody looks at.
    pub(crate) fn push(&mut self, tokens: &[Option<u32>]) {
        for (row, token) in self.ids.iter_mut().zip(tokens) {
            row.push(token.map_or(self.pad, i64::from));
        }
    }

    /// Takes other rows in behind these; both are filled up on the left to the longer.
    pub(crate) fn join(&mut self, mut other: Self) {
        let columns = self.columns().max(other.columns());
        for rows in [&mut *self, &mut other] {
            let more = columns.saturating_sub(rows.columns());
            for (ids, fill) in rows.ids.iter_mut().zip(&mut rows.fill) {
                ids.splice(0..0, std::iter::repeat_n(rows.pad, more));
                *fill += more;
            }
            rows.seen += more;
        }
        self.ids.append(&mut other.ids);
        self.fill.append(&mut other.fill);
    }

    /// Lets go of all rows but those marked, and of the columns that are filling in each of these. Gives the number of
    /// those columns.
    pub(crate) fn retain(&mut self, stays: &[bool]) -> usize {
        let mut marks = stays.iter();
        self.ids.retain(|_| marks.next().is_some_and(|stays| *stays));
        let mut marks = stays.iter();
        self.fill.retain(|_| marks.next().is_some_and(|stays| *stays));
        let spare = self.fill.iter().copied().min().unwrap_or(0).min(self.seen);
        for (ids, fill) in self.ids.iter_mut().zip(&mut self.fill) {
            ids.drain(..spare);
            *fill -= spare;
        }
        self.seen -= spare;
        spare
    }

    /// Columns that the decoder has seen.
    pub(crate) fn seen(&self) -> usize {
        self.seen
    }

    fn columns(&self) -> usize {
        self.ids.first().map_or(0, Vec::len)
    }

    fn id(&self, row: usize, column: usize) -> i64 {
        self.ids.get(row).and_then(|row| row.get(column)).copied().unwrap_or(self.pad)
    }

    fn filling(&self, row: usize) -> usize {
        self.fill.get(row).copied().unwrap_or(0)
    }

    /// Columns from `from` on as a tensor.
    fn tensor(
        &self,
        spec: &TensorSpec,
        from: usize,
        value: impl Fn(usize, usize) -> i64,
    ) -> Result<Tensor, Error> {
        let columns = self.columns();
        let values = (0..self.len())
            .flat_map(|row| (from..columns).map(move |column| (row, column)))
            .map(|(row, column)| value(row, column))
            .collect();
        Tensor::from_ints(spec.dtype, [self.len(), columns.saturating_sub(from)], values)
    }
}

fn flag(spec: &TensorSpec, value: bool) -> Result<Tensor, Error> {
    let shape = if spec.rank() == Some(0) { Vec::new() } else { vec![1] };
    Tensor::new(shape, vec![value])?.cast(spec.dtype)
}

fn unusable(spec: &TensorSpec, expected: &str) -> Error {
    Error::Input { name: spec.name.clone(), expected: expected.into(), got: spec.to_string() }
}
