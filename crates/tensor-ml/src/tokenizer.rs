//! Text to token ids and back, with the limits and special tokens that the model folder states.

mod clip;

use std::{fmt, sync::Arc};

use serde_json::{Map, Value};
use tokenizers::{EncodeInput, TruncationDirection, TruncationParams, TruncationStrategy};

use crate::{
    error::Error,
    folder::{ModelFolder, number},
    tensor::{DType, Tensor},
};

/// Where nothing in the folder states a limit.
const DEFAULT_MAX_TOKENS: usize = 512;
/// A stated limit above this means "none", as in `model_max_length: 1e30`.
const MEANINGLESS: usize = 1 << 24;

/// A tokenizer as a `tokenizer.json` describes it.
#[derive(Clone)]
pub struct Tokenizer {
    inner: Arc<tokenizers::Tokenizer>,
    max_tokens: usize,
    pad: Pad,
}

/// How shorter texts of a batch are filled up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pad {
    /// The filling token.
    pub id: u32,
    /// Its type id.
    pub type_id: u32,
    /// Whether it goes before the text, as decoders need it.
    pub is_left: bool,
}

/// One text as tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Encoding {
    /// Token ids, special tokens included.
    pub ids: Vec<u32>,
    /// Which of two texts each token belongs to.
    pub type_ids: Vec<u32>,
    /// Start and end of each token in the text, in bytes; empty for special tokens.
    pub offsets: Vec<(usize, usize)>,
    /// Whether each token is a special one, of the model and not of the text.
    pub is_special: Vec<bool>,
}

impl Tokenizer {
    /// The tokenizer of a folder: `tokenizer.json`, or `vocab.json` and `merges.txt` of CLIP.
    ///
    /// The limit of tokens is the first that is stated of `max_seq_length` (sentence_bert_config.json),
    /// `model_max_length` (tokenizer_config.json) and the truncation in tokenizer.json, but never above
    /// `max_position_embeddings` (config.json); 512 where none of them is stated.
    ///
    /// # Errors
    /// [`Error::Config`] when there is neither, [`Error::Tokenizer`] when it cannot be used.
    pub fn open(folder: &ModelFolder) -> Result<Self, Error> {
        let bytes = match folder.bytes("tokenizer.json")? {
            Some(bytes) => bytes,
            None => clip::of_files(folder)?,
        };
        let mut inner = tokenizers::Tokenizer::from_bytes(bytes).map_err(Error::Tokenizer)?;
        let config = folder.json("tokenizer_config.json")?;
        let limits = [
            folder.json("sentence_bert_config.json")?.get("max_seq_length").and_then(number),
            config.get("model_max_length").and_then(number),
            inner.get_truncation().map(|truncation| truncation.max_length),
        ];
        let means_something = |limit: &usize| (1..MEANINGLESS).contains(limit);
        let stated = limits.into_iter().flatten().find(means_something);
        let positions = folder.config().number(&["max_position_embeddings", "n_positions"]);
        let limit = stated.into_iter().chain(positions.filter(means_something)).min();
        let pad = pad_of(&inner, &config, folder);
        // Both are done here: padding depends on the batch, truncation on the caller.
        inner.with_padding(None);
        let max_tokens = limit.unwrap_or(DEFAULT_MAX_TOKENS);
        Self { inner: Arc::new(inner), max_tokens, pad }.with_max_tokens(max_tokens)
    }

    /// As [`open`](Self::open), with a limit of tokens that can only be lower than what the files state.
    pub(crate) fn open_within(
        folder: &ModelFolder,
        max_tokens: Option<usize>,
    ) -> Result<Self, Error> {
        let tokenizer = Self::open(folder)?;
        let limit = tokenizer.max_tokens();
        match max_tokens {
            Some(max_tokens) => tokenizer.with_max_tokens(max_tokens.min(limit)),
            None => Ok(tokenizer),
        }
    }

    /// The same tokenizer with another limit of tokens for a text, special tokens included. Longer texts are cut,
    /// unless the limit is `usize::MAX`.
    ///
    /// # Errors
    /// [`Error::Argument`] when the limit leaves no room beside the special tokens.
    pub fn with_max_tokens(mut self, max_tokens: usize) -> Result<Self, Error> {
        let inner = Arc::make_mut(&mut self.inner);
        inner.with_truncation(None).map_err(Error::Tokenizer)?;
        let special = special_tokens(inner)?;
        if max_tokens <= special {
            return Err(Error::Argument {
                what: "token limit",
                reason: format!("{max_tokens} leaves no room beside {special} special tokens"),
            });
        }
        // Above any text there is, so nothing is cut.
        if max_tokens >= MEANINGLESS {
            self.max_tokens = usize::MAX;
            return Ok(self);
        }
        let truncation = TruncationParams {
            direction: TruncationDirection::Right,
            max_length: max_tokens,
            strategy: TruncationStrategy::LongestFirst,
            stride: 0,
        };
        inner.with_truncation(Some(truncation)).map_err(Error::Tokenizer)?;
        self.max_tokens = max_tokens;
        Ok(self)
    }

    /// Most tokens of one text, special tokens included.
    pub fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// How shorter texts of a batch are filled up.
    pub fn pad(&self) -> Pad {
        self.pad
    }

    /// Number of tokens that there are.
    pub fn vocabulary_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// The id of a token given by its text.
    pub fn id_of(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// The text of a token, in the vocabulary's spelling.
    pub fn token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// Tokenizes texts with the model's special tokens.
    ///
    /// # Errors
    /// [`Error::Tokenizer`].
    pub fn encode<S: AsRef<str>>(&self, texts: &[S]) -> Result<Vec<Encoding>, Error> {
        texts.iter().map(|text| self.encode_input(text.as_ref().into(), true)).collect()
    }

    /// Tokenizes a pair of texts with the model's special tokens, as rerankers and entailment models take it.
    ///
    /// # Errors
    /// [`Error::Tokenizer`].
    pub fn encode_pair(&self, first: &str, second: &str) -> Result<Encoding, Error> {
        self.encode_input((first, second).into(), true)
    }

    /// Tokenizes a text without adding special tokens, as prompts that contain them need it.
    ///
    /// # Errors
    /// [`Error::Tokenizer`].
    pub fn encode_bare(&self, text: &str) -> Result<Encoding, Error> {
        self.encode_input(text.into(), false)
    }

    /// The text of tokens.
    ///
    /// # Errors
    /// [`Error::Tokenizer`].
    pub fn decode(&self, ids: &[u32], skip_special_tokens: bool) -> Result<String, Error> {
        self.inner.decode(ids, skip_special_tokens).map_err(Error::Tokenizer)
    }

    /// The tokenizer of the `tokenizers` crate. The type is that of the pinned version and may change with it.
    pub fn as_tokenizers(&self) -> &tokenizers::Tokenizer {
        &self.inner
    }

    fn encode_input(&self, input: EncodeInput<'_>, special: bool) -> Result<Encoding, Error> {
        let encoding = self.inner.encode(input, special).map_err(Error::Tokenizer)?;
        Ok(Encoding {
            ids: encoding.get_ids().to_vec(),
            type_ids: encoding.get_type_ids().to_vec(),
            offsets: encoding.get_offsets().to_vec(),
            is_special: encoding.get_special_tokens_mask().iter().map(|flag| *flag == 1).collect(),
        })
    }
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokenizer")
            .field("vocabulary", &self.vocabulary_size())
            .field("max_tokens", &self.max_tokens)
            .field("pad", &self.pad)
            .finish()
    }
}

/// Texts of a batch, filled up to one length: rows of ids, type ids and the mask that is 1 where there is text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PaddedBatch {
    /// Number of texts.
    pub rows: usize,
    /// Tokens of each.
    pub columns: usize,
    /// Token ids, row by row.
    pub ids: Vec<i64>,
    /// Type ids, row by row.
    pub type_ids: Vec<i64>,
    /// 1 for tokens, 0 for filling.
    pub mask: Vec<i64>,
}

impl PaddedBatch {
    /// Fills encodings up to the longest of them, or to `columns` where a graph takes only that length.
    ///
    /// # Errors
    /// [`Error::Argument`] when an encoding is longer than `columns`.
    pub fn new(encodings: &[Encoding], pad: Pad, columns: Option<usize>) -> Result<Self, Error> {
        let longest = encodings.iter().map(|encoding| encoding.ids.len()).max().unwrap_or(0);
        // A graph cannot run on no token at all, which is what an empty text may come to.
        let columns = columns.unwrap_or_else(|| longest.max(1));
        if longest > columns {
            return Err(Error::Argument {
                what: "text length",
                reason: format!("{longest} tokens where the model takes {columns}"),
            });
        }
        let mut batch = Self {
            rows: encodings.len(),
            columns,
            ids: Vec::with_capacity(encodings.len().saturating_mul(columns)),
            type_ids: Vec::new(),
            mask: Vec::new(),
        };
        for encoding in encodings {
            let fill = columns.saturating_sub(encoding.ids.len());
            let row = |values: &mut Vec<i64>, filling: u32, data: &mut dyn Iterator<Item = i64>| {
                let filling = std::iter::repeat_n(i64::from(filling), fill);
                if pad.is_left {
                    values.extend(filling);
                    values.extend(data);
                } else {
                    values.extend(data);
                    values.extend(filling);
                }
            };
            row(&mut batch.ids, pad.id, &mut encoding.ids.iter().map(|id| i64::from(*id)));
            row(
                &mut batch.type_ids,
                pad.type_id,
                &mut encoding.type_ids.iter().map(|id| i64::from(*id)),
            );
            row(&mut batch.mask, 0, &mut encoding.ids.iter().map(|_| 1));
        }
        Ok(batch)
    }

    /// Rows of this batch as a tensor of `dtype`.
    ///
    /// # Errors
    /// [`Error::Tensor`] when an id does not fit.
    pub fn tensor(&self, dtype: DType, values: &[i64]) -> Result<Tensor, Error> {
        Tensor::from_ints(dtype, [self.rows, self.columns], values.to_vec())
    }

    /// The place of each token among the text's, filling aside: 0, 1, 2, …
    pub fn positions(&self) -> Vec<i64> {
        let mut positions = Vec::with_capacity(self.mask.len());
        for row in self.mask.chunks(self.columns.max(1)) {
            let mut seen = 0;
            for mask in row {
                seen += mask;
                positions.push((seen - 1).max(0));
            }
        }
        positions
    }
}

fn special_tokens(inner: &tokenizers::Tokenizer) -> Result<usize, Error> {
    let empty = inner.encode("", true).map_err(Error::Tokenizer)?;
    Ok(empty.get_special_tokens_mask().iter().filter(|flag| **flag == 1).count())
}

fn pad_of(inner: &tokenizers::Tokenizer, config: &Map<String, Value>, folder: &ModelFolder) -> Pad {
    // A token is written as text, or as an object that has its text as `content`.
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(token) => token.get("content")?.as_str().map(str::to_owned),
        _ => None,
    };
    let by_name =
        config.get("pad_token").and_then(text).and_then(|token| inner.token_to_id(&token));
    let padding = inner.get_padding();
    let id = by_name
        .or_else(|| padding.map(|padding| padding.pad_id))
        .or_else(|| u32::try_from(folder.config().number(&["pad_token_id"])?).ok())
        .or_else(|| u32::try_from(folder.config().number(&["eos_token_id"])?).ok())
        .unwrap_or(0);
    let type_id =
        config.get("pad_token_type_id").and_then(number).and_then(|id| u32::try_from(id).ok());
    Pad {
        id,
        type_id: type_id.or_else(|| padding.map(|padding| padding.pad_type_id)).unwrap_or(0),
        is_left: config.get("padding_side").and_then(Value::as_str) == Some("left"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoding(ids: &[u32]) -> Encoding {
        Encoding { ids: ids.to_vec(), type_ids: vec![0; ids.len()], ..Encoding::default() }
    }

    #[test]
    fn batches_are_filled_on_the_side_asked_for() {
        let pad = Pad { id: 9, type_id: 0, is_left: false };
        let texts = [encoding(&[1, 2, 3]), encoding(&[4])];
        let right = PaddedBatch::new(&texts, pad, None).unwrap();
        assert_eq!(right.ids, [1, 2, 3, 4, 9, 9]);
        assert_eq!(right.mask, [1, 1, 1, 1, 0, 0]);
        let left = PaddedBatch::new(&texts, Pad { is_left: true, ..pad }, None).unwrap();
        assert_eq!(left.ids, [1, 2, 3, 9, 9, 4]);
        assert_eq!(left.positions(), [0, 1, 2, 0, 0, 0]);
        let fixed = PaddedBatch::new(&texts, pad, Some(4)).unwrap();
        assert_eq!((fixed.columns, fixed.ids.len()), (4, 8));
        assert!(PaddedBatch::new(&texts, pad, Some(2)).is_err());
        assert_eq!(PaddedBatch::new(&[encoding(&[])], pad, None).unwrap().mask, [0]);
    }
}
