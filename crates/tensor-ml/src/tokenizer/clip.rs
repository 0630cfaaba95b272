//! CLIP's tokenizer out of `vocab.json` and `merges.txt`, which is all that text-to-image folders have as a rule.

use serde_json::{Map, Value, json};

use crate::{error::Error, folder::ModelFolder};

/// How CLIP parts a text into words.
const WORDS: &str =
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

/// The tokenizer of the two files, as the `tokenizer.json` that would say the same.
///
/// # Errors
/// [`Error::Config`] when a file is missing or broken, or the folder names another kind of tokenizer.
pub(super) fn of_files(folder: &ModelFolder) -> Result<Vec<u8>, Error> {
    let refuse = |name: &str, reason: String| Error::config(folder.root().join(name), reason);
    let Some(merges) = folder.bytes("merges.txt")? else {
        return Err(refuse("tokenizer.json", "not found".into()));
    };
    let config = folder.json("tokenizer_config.json")?;
    let class = config.get("tokenizer_class").and_then(Value::as_str).unwrap_or("CLIPTokenizer");
    if !class.starts_with("CLIPTokenizer") {
        let reason = format!("not found, and {class} cannot be made of vocab.json and merges.txt");
        return Err(refuse("tokenizer.json", reason));
    }
    let vocab = folder.json("vocab.json")?;
    let merges =
        String::from_utf8(merges).map_err(|error| refuse("merges.txt", error.to_string()))?;
    // The first line may be a version.
    let merges: Vec<&str> = merges
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("#version"))
        .collect();
    let named = |name: &str, default: &str| match config.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Object(token)) => {
            token.get("content").and_then(Value::as_str).unwrap_or(default).to_owned()
        }
        _ => default.to_owned(),
    };
    let begin = named("bos_token", "<|startoftext|>");
    let end = named("eos_token", "<|endoftext|>");
    let unknown = named("unk_token", "<|endoftext|>");
    let pad = named("pad_token", "<|endoftext|>");
    let id = |token: &str| {
        let id = vocab.get(token).and_then(Value::as_u64);
        id.ok_or_else(|| refuse("vocab.json", format!("the special token {token} is missing")))
    };
    let mut special: Vec<(u64, &str)> = Vec::new();
    for token in [&begin, &end, &unknown, &pad] {
        let entry = (id(token)?, token.as_str());
        if !special.contains(&entry) {
            special.push(entry);
        }
    }
    special.sort_unstable();
    let description = json!({
        "version": "1.0",
        "added_tokens": special.iter().map(|(id, token)| json!({
            "id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true,
        })).collect::<Vec<_>>(),
        "padding": {
            "strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": null,
            "pad_id": id(&pad)?, "pad_type_id": 0, "pad_token": pad,
        },
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "NFC"},
            {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "},
            {"type": "Lowercase"},
        ]},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": WORDS}, "behavior": "Removed", "invert": true},
            {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        ]},
        "post_processor": {
            "type": "RobertaProcessing", "sep": [end, id(&end)?], "cls": [begin, id(&begin)?],
            "trim_offsets": false, "add_prefix_space": false,
        },
        "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
        "model": model(vocab.clone(), &merges, &unknown),
    });
    serde_json::to_vec(&description).map_err(|error| refuse("vocab.json", error.to_string()))
}

fn model(vocab: Map<String, Value>, merges: &[&str], unknown: &str) -> Value {
    json!({
        "type": "BPE", "dropout": null, "unk_token": unknown, "continuing_subword_prefix": "",
        "end_of_word_suffix": "</w>", "fuse_unk": false, "byte_fallback": false,
        "vocab": vocab, "merges": merges,
    })
}
