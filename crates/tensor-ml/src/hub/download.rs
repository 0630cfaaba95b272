//! One file: fetched, taken up again, checked, and put where the cache has it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::{Hub, io, listing::HubFile, make_folder};
use crate::{control::RunControl, error::Error};

/// Bytes between two reports.
const STEP: u64 = 1 << 20;

impl Hub {
    /// The path of a file's content, fetched if it is not there.
    pub(super) fn blob(
        &self,
        name: &str,
        commit: &str,
        store: &Path,
        file: &HubFile,
        control: &RunControl,
        tell: &mut dyn FnMut(u64),
    ) -> Result<PathBuf, Error> {
        let blobs = store.join("blobs");
        let target = blobs.join(&file.digest);
        make_folder(&blobs)?;
        let part = blobs.join(format!("{}.incomplete", file.digest));
        if !target.is_file() {
            let mut options = OpenOptions::new();
            let mut into =
                options.create(true).read(true).append(true).open(&part).map_err(io(&part))?;
            // Whoever else fetches it is waited for, and has then done it.
            into.lock().map_err(io(&part))?;
            if target.is_file() {
                let _ = fs::remove_file(&part);
            } else {
                let path = format!("/{name}/resolve/{commit}/{}", file.path);
                self.fill(&path, &mut into, &part, file, control, tell)?;
                check(&mut into, &part, file)?;
                into.sync_all().map_err(io(&part))?;
                fs::rename(&part, &target).map_err(io(&target))?;
            }
        }
        tell(file.size);
        Ok(target)
    }

    /// Brings what is missing of a file, again and again until all is there.
    fn fill(
        &self,
        path: &str,
        into: &mut File,
        part: &Path,
        file: &HubFile,
        control: &RunControl,
        tell: &mut dyn FnMut(u64),
    ) -> Result<(), Error> {
        let mut pause = self.options.pause;
        let mut tries = 0;
        loop {
            control.check()?;
            let before = into.metadata().map_err(io(part))?.len();
            if before > file.size {
                // Not a beginning of it.
                into.set_len(0).map_err(io(part))?;
                continue;
            }
            if before == file.size {
                return Ok(());
            }
            let Err(error) = self.pull(path, before, into, part, file, control, tell) else {
                continue;
            };
            let after = into.metadata().map_err(io(part))?.len();
            // Progress earns new tries: a large file over a bad line comes in pieces.
            tries = if after > before { 1 } else { tries + 1 };
            if tries > self.options.max_retries || !error.is_retryable() {
                return Err(error);
            }
            std::thread::sleep(pause.min(self.options.timeout));
            pause = pause.saturating_mul(2);
        }
    }

    /// One request, from `from` on.
    #[allow(clippy::too_many_arguments, reason = "the parts of one download, used once")]
    fn pull(
        &self,
        path: &str,
        from: u64,
        into: &mut File,
        part: &Path,
        file: &HubFile,
        control: &RunControl,
        tell: &mut dyn FnMut(u64),
    ) -> Result<(), Error> {
        let response = self.get(path, (from > 0).then_some(from))?;
        let mut done = from;
        match response.status().as_u16() {
            206 if from > 0 => {}
            // The server begins anew, and so do we; also when it finds nothing to go on with.
            200 | 416 if from > 0 => {
                into.set_len(0).map_err(io(part))?;
                done = 0;
                if response.status().as_u16() == 416 {
                    return Err(self.error(None, format!("{} cannot be taken up", file.path)));
                }
            }
            200 => {}
            _ => return Err(self.refused(response)),
        }
        let mut reader = response.into_body().into_reader().take(file.size.saturating_sub(done));
        let mut buffer = vec![0; 64 << 10];
        let mut told = done;
        while done < file.size {
            control.check()?;
            let read = match reader.read(&mut buffer) {
                Ok(0) => return Err(self.error(None, format!("{} broke off", file.path))),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.error(None, error.to_string())),
            };
            let bytes = buffer.get(..read).unwrap_or_default();
            into.write_all(bytes).map_err(io(part))?;
            done += read as u64;
            if done - told >= STEP {
                tell(done);
                told = done;
            }
        }
        Ok(())
    }
}

/// Holds a file against its digest; what is not it goes.
fn check(file: &mut File, path: &Path, expected: &HubFile) -> Result<(), Error> {
    file.seek(SeekFrom::Start(0)).map_err(io(path))?;
    let got = if expected.is_large() {
        let mut hash = Sha256::new();
        io::copy(file, &mut hash).map_err(io(path))?;
        hex(&hash.finalize())
    } else {
        // As git names a blob.
        let mut hash = Sha1::new();
        hash.update(format!("blob {}\0", expected.size));
        io::copy(file, &mut hash).map_err(io(path))?;
        hex(&hash.finalize())
    };
    if got == expected.digest {
        return Ok(());
    }
    fs::remove_file(path).map_err(io(path))?;
    Err(Error::Checksum { file: expected.path.clone(), expected: expected.digest.clone(), got })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Puts content into a snapshot, as a relative link where there are links.
pub(super) fn link(snapshot: &Path, path: &str, blob: &Path) -> Result<(), Error> {
    let place = snapshot.join(path);
    let folder = place.parent().unwrap_or(snapshot);
    make_folder(folder)?;
    #[cfg(unix)]
    {
        let above = "../".repeat(path.matches('/').count().saturating_add(2));
        let name = blob.file_name().unwrap_or_default();
        let target = Path::new(&above).join("blobs").join(name);
        if fs::read_link(&place).is_ok_and(|there| there == target) {
            return Ok(());
        }
        let fresh = folder.join(format!(".{}.{}", name.display(), std::process::id()));
        let _ = fs::remove_file(&fresh);
        std::os::unix::fs::symlink(target, &fresh).map_err(io(&fresh))?;
        fs::rename(&fresh, &place).map_err(io(&place))
    }
    #[cfg(not(unix))]
    {
        if place.is_file() {
            return Ok(());
        }
        fs::copy(blob, &place).map(drop).map_err(io(&place))
    }
}

/// Writes a small file so that it is there whole or not at all.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let fresh = path.with_file_name(name);
    fs::write(&fresh, bytes).map_err(io(&fresh))?;
    fs::rename(&fresh, path).map_err(io(path))
}
