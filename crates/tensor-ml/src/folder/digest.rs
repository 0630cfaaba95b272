//! A model's identity: one SHA-256 over everything that decides its answers.

use std::{fmt, fs::File, io, path::Path, str::FromStr};

use sha2::{Digest, Sha256};

use super::{GraphChoice, ModelFolder};
use crate::error::Error;

/// Files beside the graph that decide a model's answers.
const FILES: [&str; 14] = [
    "1_Pooling/config.json",
    "added_tokens.json",
    "chat_template.jinja",
    "config.json",
    "generation_config.json",
    "merges.txt",
    "modules.json",
    "preprocessor_config.json",
    "sentence_bert_config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
];

/// The identity of a model, short enough to be committed on chain.
///
/// It is the SHA-256 of a list with one entry for each file, sorted by name as bytes: the length of the name (8 bytes,
/// little endian), the name, the length of the file (8 bytes, little endian), the SHA-256 of the file. The files are the
/// graph (named `graph`), its external data (`external/` and the location written in the graph), and those of
/// `1_Pooling/config.json`, `added_tokens.json`, `chat_template.jinja`, `config.json`, `generation_config.json`,
/// `merges.txt`, `modules.json`, `preprocessor_config.json`, `sentence_bert_config.json`, `special_tokens_map.json`,
/// `tokenizer.json`, `tokenizer_config.json`, `vocab.json`, `vocab.txt` that are there. So the folder may lie anywhere and the graph file
/// have any name; any other change makes another model.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelDigest([u8; 32]);

impl ModelDigest {
    /// The digest with these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first eight bytes in hexadecimal: enough to tell models apart by eye, not enough to prove anything.
    pub fn short(&self) -> String {
        self.to_string().chars().take(16).collect()
    }
}

impl fmt::Display for ModelDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ModelDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ModelDigest({self})")
    }
}

impl FromStr for ModelDigest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = || Error::Argument {
            what: "model digest",
            reason: "must be 64 hexadecimal digits".into(),
        };
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(refuse());
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| refuse())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| refuse())?;
        }
        Ok(Self(bytes))
    }
}

impl ModelFolder {
    /// The identity of the model that `choice` loads.
    ///
    /// # Errors
    /// As [`graph`](Self::graph) and [`ModelSource::read`](crate::ModelSource::read).
    pub fn digest(&self, choice: &GraphChoice) -> Result<ModelDigest, Error> {
        let source = self.graph(choice)?.read()?;
        let mut entries = vec![("graph".to_owned(), entry(&mut &*source.graph)?)];
        for (location, data) in &source.external {
            entries.push((format!("external/{location}"), entry(&mut &**data)?));
        }
        for name in FILES {
            if let Some(path) = self.file(name) {
                let mut file = File::open(&path).map_err(|error| Error::io(&path, error))?;
                entries.push((name.to_owned(), entry_of(&mut file, &path)?));
            }
        }
        entries.sort();
        let mut hash = Sha256::new();
        for (name, (length, digest)) in entries {
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(name.as_bytes());
            hash.update(length.to_le_bytes());
            hash.update(digest);
        }
        Ok(ModelDigest(hash.finalize().into()))
    }
}

fn entry(bytes: &mut &[u8]) -> Result<(u64, [u8; 32]), Error> {
    entry_of(bytes, Path::new("memory"))
}

fn entry_of(reader: &mut dyn io::Read, path: &Path) -> Result<(u64, [u8; 32]), Error> {
    let mut hash = Sha256::new();
    let length = io::copy(reader, &mut hash).map_err(|error| Error::io(path, error))?;
    Ok((length, hash.finalize().into()))
}
