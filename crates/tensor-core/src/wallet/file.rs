//! The one place of the crate that touches the file system: guarded reads, atomic writes, listings.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::error::WalletError;

/// No keyfile is longer: the largest seen, in hex of hex, has 3 KiB.
const LIMIT: u64 = 64 * 1024;

/// What a secret key's file must be like before it is read.
///
/// The default is strict. Containers that mount secrets as links, or with modes of their own, need
/// exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Guard {
    /// Whether the file itself may be a symbolic link. Folders above it always may.
    pub allow_symlinks: bool,
    /// Whether others than the owner may have access to the file. Unix only.
    pub allow_any_mode: bool,
}

impl Guard {
    /// No links, and access for the owner only.
    pub const fn strict() -> Self {
        Self { allow_symlinks: false, allow_any_mode: false }
    }

    /// Reads whatever can be read; for files without secrets.
    pub const fn none() -> Self {
        Self { allow_symlinks: true, allow_any_mode: true }
    }

    /// Sets [`Self::allow_symlinks`].
    #[must_use]
    pub const fn with_symlinks(self, allow_symlinks: bool) -> Self {
        Self { allow_symlinks, ..self }
    }

    /// Sets [`Self::allow_any_mode`].
    #[must_use]
    pub const fn with_any_mode(self, allow_any_mode: bool) -> Self {
        Self { allow_any_mode, ..self }
    }
}

impl Default for Guard {
    fn default() -> Self {
        Self::strict()
    }
}

/// Whether a file that is there may be replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overwrite {
    /// An existing file is an error and stays as it is.
    #[default]
    Never,
    /// An existing file is replaced.
    Replace,
}

/// Reads a file of at most 64 KiB under the guard's conditions.
pub(super) fn read(path: &Path, guard: Guard) -> Result<Zeroizing<Vec<u8>>, WalletError> {
    let before = fs::symlink_metadata(path).map_err(|source| error(path, source))?;
    if before.is_symlink() && !guard.allow_symlinks {
        return Err(WalletError::Symlink { path: path.to_owned() });
    }
    if !before.is_file() && !before.is_symlink() {
        return Err(WalletError::NotAFile { path: path.to_owned() });
    }
    let file = File::open(path).map_err(|source| error(path, source))?;
    let opened = file.metadata().map_err(|source| error(path, source))?;
    if !opened.is_file() {
        return Err(WalletError::NotAFile { path: path.to_owned() });
    }
    // A link put there between the two looks has another identity.
    if !guard.allow_symlinks && !same_file(&before, &opened) {
        return Err(WalletError::Symlink { path: path.to_owned() });
    }
    check_mode(path, &opened, guard)?;
    if opened.len() > LIMIT {
        return Err(WalletError::TooLarge { path: path.to_owned(), limit: LIMIT });
    }
    // Room for all of it: growing would leave unwiped copies behind.
    let mut content = Zeroizing::new(Vec::with_capacity(LIMIT as usize + 1));
    file.take(LIMIT + 1).read_to_end(&mut content).map_err(|source| error(path, source))?;
    if content.len() as u64 > LIMIT {
        return Err(WalletError::TooLarge { path: path.to_owned(), limit: LIMIT });
    }
    Ok(content)
}

/// Writes a file of mode 0600 in one step: whoever looks sees the old file or the whole new one.
///
/// Folders above it are made with mode 0700. Without leave to replace, an existing file stays, even
/// one that appears at the last moment.
pub(super) fn write(path: &Path, content: &[u8], overwrite: Overwrite) -> Result<(), WalletError> {
    if overwrite == Overwrite::Never && fs::symlink_metadata(path).is_ok() {
        return Err(WalletError::Exists { path: path.to_owned() });
    }
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    make_folder(folder)?;
    let draft = Draft::new(path)?;
    draft.fill(content)?;
    match overwrite {
        Overwrite::Replace => draft.replace(path)?,
        Overwrite::Never => draft.place(path)?,
    }
    sync_folder(folder);
    Ok(())
}

/// The names in a folder for which `wanted` holds, in no order. A missing folder has none.
pub(super) fn list(
    folder: &Path,
    wanted: impl Fn(&fs::FileType) -> bool,
) -> Result<Vec<String>, WalletError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(error(folder, source)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|source| error(folder, source))?;
        // A link is listed as what it leads to; opening a key behind it is another matter.
        let Ok(kind) = fs::metadata(entry.path()) else { continue };
        if wanted(&kind.file_type()) {
            names.extend(entry.file_name().into_string().ok());
        }
    }
    Ok(names)
}

pub(super) fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// A file beside the one to be written, removed unless it took its place.
struct Draft {
    path: PathBuf,
}

impl Draft {
    fn new(target: &Path) -> Result<Self, WalletError> {
        let mut salt = [0; 8];
        getrandom::getrandom(&mut salt).map_err(|source| error(target, source.into()))?;
        let mut name = target.file_name().unwrap_or_default().to_owned();
        // Other tools skip names that end so when they list hotkeys.
        name.push(format!(".{}.lock", hex::encode(salt)));
        Ok(Self { path: target.with_file_name(name) })
    }

    fn fill(&self, content: &[u8]) -> Result<(), WalletError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
            .open(&self.path)
            .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
            .map_err(|source| error(&self.path, source))
    }

    fn replace(&self, target: &Path) -> Result<(), WalletError> {
        fs::rename(&self.path, target).map_err(|source| error(target, source))
    }

    /// A hard link fails where something is, which a rename does not. File systems without hard
    /// links get a second look and a rename.
    fn place(&self, target: &Path) -> Result<(), WalletError> {
        match fs::hard_link(&self.path, target) {
            Ok(()) => Ok(()),
            Err(_) if exists(target) => Err(WalletError::Exists { path: target.to_owned() }),
            Err(_) => self.replace(target),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Gone already if it was renamed.
        let _ = fs::remove_file(&self.path);
    }
}

fn make_folder(folder: &Path) -> Result<(), WalletError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|source| error(folder, source))
}

/// Makes the new name last through a power cut. Not every file system can; the file is whole anyway.
fn sync_folder(folder: &Path) {
    #[cfg(unix)]
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    #[cfg(not(unix))]
    let _ = folder;
}

#[cfg(unix)]
fn same_file(a: &fs::Metadata, b: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn same_file(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    true
}

#[cfg(unix)]
fn check_mode(path: &Path, metadata: &fs::Metadata, guard: Guard) -> Result<(), WalletError> {
    use std::os::unix::fs::MetadataExt;
    let mode = metadata.mode() & 0o7777;
    if guard.allow_any_mode || mode & 0o077 == 0 {
        Ok(())
    } else if mode & 0o007 != 0 {
        Err(WalletError::WorldReadable { path: path.to_owned(), mode })
    } else {
        Err(WalletError::WrongMode { path: path.to_owned(), mode })
    }
}

#[cfg(not(unix))]
fn check_mode(_: &Path, _: &fs::Metadata, _: Guard) -> Result<(), WalletError> {
    Ok(())
}

fn error(path: &Path, source: io::Error) -> WalletError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => WalletError::NotFound { path },
        io::ErrorKind::PermissionDenied => WalletError::Permission { path, source },
        _ => WalletError::Io { path, source },
    }
}
