//! Files that are whole or not there.

use std::io::Write as _;
use std::path::Path;
use std::{fs, io};

/// Writes the file so that whoever reads it sees the old content or the new, never a part: into a
/// temporary file beside it, synced, then renamed over it.
///
/// # Errors
/// What the file system says; the old file is then untouched.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = fs::File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}
