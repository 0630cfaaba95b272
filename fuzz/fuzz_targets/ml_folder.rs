//! A folder's files from a stranger: tokenizer, configuration, chat template. Never a panic, whatever is in them.
#![no_main]

use std::{fs, path::PathBuf, sync::OnceLock};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tensor_ml::{
    ModelFolder, Tokenizer,
    text::{ChatTemplate, Message},
};

#[derive(Arbitrary, Debug)]
struct Files<'a> {
    which: u8,
    content: &'a [u8],
    text: &'a str,
}

/// A whole folder, of which each case replaces one file.
fn root() -> &'static PathBuf {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let root = std::env::temp_dir().join(format!("tensor-fuzz-folder-{}", std::process::id()));
        fs::create_dir_all(root.join("1_Pooling")).expect("a folder can be made");
        root
    })
}

const NAMES: [&str; 4] =
    ["tokenizer.json", "tokenizer_config.json", "config.json", "chat_template.jinja"];

fuzz_target!(|files: Files<'_>| {
    let root = root();
    for (place, name) in NAMES.into_iter().enumerate() {
        let whole =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/ml/tiny-lm/").to_owned() + name;
        let content = if place == usize::from(files.which % 4) {
            files.content.to_vec()
        } else {
            fs::read(whole).unwrap_or_else(|_| b"{{ messages[0].content }}".to_vec())
        };
        fs::write(root.join(name), content).expect("a file can be written");
    }
    let Ok(folder) = ModelFolder::open(root) else { return };
    let _ = (folder.config().labels(), folder.config().is_multi_label());
    if let Ok(tokenizer) = Tokenizer::open(&folder) {
        if let Ok(encodings) = tokenizer.encode(&[files.text]) {
            let _ = tokenizer.decode(&encodings[0].ids, false);
        }
    }
    if let Ok(Some(template)) = ChatTemplate::open(&folder) {
        let _ = template.render(&[Message::user(files.text)], true, &serde_json::Map::new());
    }
});
