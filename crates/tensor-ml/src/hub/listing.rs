//! What a hub says a model has: its commit, and name, size and digest of each file.

use std::path::{Component, Path};

use serde::Deserialize;

/// Longest list that is read, in bytes.
pub(super) const MAX_BYTES: u64 = 32 << 20;
/// Most files of a model.
const MAX_FILES: usize = 20_000;

/// A model at a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing {
    /// The commit: 40 hexadecimal digits.
    pub commit: String,
    /// Its files, sorted by path.
    pub files: Vec<HubFile>,
}

/// A file of a model on the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HubFile {
    /// Its path in the folder.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its bytes where it is large, and else git's SHA-1 of a blob, in hexadecimal. It is the file's name in
    /// the cache, too.
    pub digest: String,
}

#[derive(Deserialize)]
struct Answer {
    sha: String,
    #[serde(default)]
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    blob_id: Option<String>,
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    sha256: Option<String>,
    size: Option<u64>,
}

impl Listing {
    /// Reads the answer of `/api/models/NAME/revision/REVISION?blobs=true`. Nothing in it can lead out of the folder.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let answer: Answer = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if !is_hex(&answer.sha, 40) {
            return Err("the list names no commit".into());
        }
        if answer.siblings.len() > MAX_FILES {
            return Err(format!("more than {MAX_FILES} files"));
        }
        let mut files =
            answer.siblings.into_iter().map(HubFile::read).collect::<Result<Vec<_>, _>>()?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { commit: answer.sha, files })
    }
}

impl HubFile {
    /// Whether the digest is SHA-256.
    pub(super) fn is_large(&self) -> bool {
        self.digest.len() == 64
    }

    fn read(file: Sibling) -> Result<Self, String> {
        let path = file.rfilename;
        let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
        let odd = |letter: char| letter.is_control() || "\\:*?\"<>|#%".contains(letter);
        if path.is_empty() || path.contains(odd) || !Path::new(&path).components().all(is_plain) {
            return Err(format!("`{}` is not the path of a file", path.escape_debug()));
        }
        let (size, digest) = match file.lfs {
            Some(lfs) => (lfs.size.or(file.size), lfs.sha256.filter(|digest| is_hex(digest, 64))),
            None => (file.size, file.blob_id.filter(|digest| is_hex(digest, 40))),
        };
        match (size, digest) {
            (Some(size), Some(digest)) => Ok(Self { path, size, digest }),
            _ => Err(format!("`{path}` has no size or no digest")),
        }
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length
        && text.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(path: &str, digest: &str) -> Result<Listing, String> {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let text = format!(
            r#"{{"sha": "{commit}", "siblings": [{{"rfilename": {path:?}, "size": 3, "blobId": "{digest}"}}]}}"#
        );
        Listing::read(text.as_bytes())
    }

    #[test]
    fn nothing_in_a_list_leads_out_of_the_folder() {
        let digest = "89abcdef0123456789abcdef0123456789abcdef";
        assert_eq!(listing("onnx/model.onnx", digest).unwrap().files.len(), 1);
        for path in ["", "../a", "/a", "a/../b", "a\\b", "./a", "a\nb", "C:a"] {
            assert!(listing(path, digest).is_err(), "{path}");
        }
        for digest in ["", "../../../../../../../../../../etc/passwd", &"g".repeat(40)] {
            assert!(listing("a", digest).is_err(), "{digest}");
        }
        assert!(Listing::read(br#"{"sha": "main"}"#).is_err());
        assert!(Listing::read(b"[]").is_err());
    }
}
