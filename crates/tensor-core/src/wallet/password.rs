//! Passwords: kept in memory that is wiped, found through a lookup that the caller passes.
//!
//! The library never asks a person and never reads the process environment. A program passes
//! `|name| std::env::var(name).ok()` or whatever else knows its secrets.

use core::fmt;
use std::{path::Path, sync::OnceLock};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::{Zeroize, Zeroizing};

use super::{
    encryption::{fernet, nacl},
    error::{KeyfileError, WalletError},
    file,
};

/// The variable that holds the coldkeys' password in the clear.
pub const PASSWORD_VARIABLE: &str = "BT_WALLET_PASSWORD";
/// The variable that names a file with the coldkeys' password.
pub const PASSWORD_FILE_VARIABLE: &str = "BT_WALLET_PASSWORD_FILE";

/// The password of one or more keyfiles.
///
/// Turning a password into a key takes seconds and 512 MiB. One value does it once, however many
/// files it opens (all files of one password share one key: the format's salt is fixed). Both are
/// wiped when the last user drops it.
pub struct Password {
    text: Zeroizing<String>,
    nacl: OnceLock<Zeroizing<[u8; 32]>>,
    fernet: OnceLock<Zeroizing<[u8; 32]>>,
}

impl Password {
    /// Takes the text over; it is used as UTF-8 without any normalisation.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: Zeroizing::new(text.into()), nacl: OnceLock::new(), fernet: OnceLock::new() }
    }

    /// Whether there are no characters at all.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Finds a coldkey's password: [`PASSWORD_VARIABLE`], the file's own variable
    /// ([`variable_name`]), then the file that [`PASSWORD_FILE_VARIABLE`] names, trimmed.
    ///
    /// # Errors
    /// [`WalletError::Password`] when the file's variable does not decode, and what reading the
    /// password file gives. Empty values count as unset.
    pub fn for_coldkey(
        path: &Path,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, WalletError> {
        if let Some(text) = lookup(PASSWORD_VARIABLE).filter(|text| !text.is_empty()) {
            return Ok(Some(Self::new(text)));
        }
        if let Some(own) = Self::for_file(path, &lookup)? {
            return Ok(Some(own));
        }
        match lookup(PASSWORD_FILE_VARIABLE).filter(|path| !path.is_empty()) {
            Some(path) => Self::from_file(Path::new(&path)),
            None => Ok(None),
        }
    }

    /// Finds a keyfile's password in its own variable only ([`variable_name`]), as hotkeys have it.
    ///
    /// # Errors
    /// [`PasswordError`] when the variable does not decode. An empty value counts as unset.
    pub fn for_file(
        path: &Path,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, PasswordError> {
        let variable = variable_name(path);
        match lookup(&variable) {
            Some(value) => decode(&Zeroizing::new(value), &variable),
            None => Ok(None),
        }
    }

    /// The trimmed content of a file; `None` if nothing is left.
    ///
    /// # Errors
    /// What reading gives; [`PasswordError::Utf8`] for content that is no text.
    pub fn from_file(path: &Path) -> Result<Option<Self>, WalletError> {
        let bytes = file::read(path, file::Guard::none())?;
        let text = core::str::from_utf8(&bytes).map_err(|_| PasswordError::Utf8)?;
        Ok(Some(Self::new(text.trim())).filter(|password| !password.is_empty()))
    }

    /// The password itself, for programs that hand it on. `Debug` never shows it.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The key that `$NACL` files of this password are encrypted with, derived on first use: seconds of
    /// processor time and 512 MiB, one at a time in the whole process. As secret as the password.
    ///
    /// # Errors
    /// [`KeyfileError::Memory`].
    pub fn nacl_key(&self) -> Result<&[u8; 32], KeyfileError> {
        if let Some(key) = self.nacl.get() {
            return Ok(key);
        }
        let key = nacl::derive_key(self.as_bytes(), || self.nacl.get().cloned())?;
        Ok(self.nacl.get_or_init(|| key))
    }

    /// The key of the oldest files' Fernet tokens, derived on first use: seconds of processor time.
    pub fn fernet_key(&self) -> &[u8; 32] {
        self.fernet.get_or_init(|| fernet::derive_key(self.as_bytes()))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

impl From<&str> for Password {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

/// The environment variable of one keyfile: `BT_PW_` and the path with `/` and `.` as `_`, in upper
/// case. Give the full path, as other tools do. Hyphens stay, though most shells cannot export such
/// a name.
pub fn variable_name(path: &Path) -> String {
    let path = path.to_string_lossy().replace([std::path::MAIN_SEPARATOR, '.'], "_");
    format!("BT_PW_{}", path.to_uppercase())
}

/// The value that [`decode`] reads back: the password XOR the variable's name, in base64. This
/// hides a password from a glance and from nothing else.
pub fn encode(password: &str, variable: &str) -> String {
    STANDARD.encode(Zeroizing::new(xor(password.as_bytes(), variable)))
}

/// Reads a keyfile variable's value; `None` if the password in it is empty.
///
/// # Errors
/// [`PasswordError`] when the value is no base64 or gives no text.
pub fn decode(value: &str, variable: &str) -> Result<Option<Password>, PasswordError> {
    let mixed = STANDARD.decode(value.trim()).map(Zeroizing::new);
    let mixed = mixed.map_err(|_| PasswordError::Base64)?;
    match String::from_utf8(xor(&mixed, variable)) {
        Ok(text) => Ok(Some(Password::new(text)).filter(|password| !password.is_empty())),
        Err(wrong) => {
            wrong.into_bytes().zeroize();
            Err(PasswordError::Utf8)
        }
    }
}

/// Why a password from the environment or a file is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// The variable's value is no base64.
    #[error("the password variable does not hold base64")]
    Base64,
    /// The bytes are no UTF-8; most likely the variable was made for another path.
    #[error("the stored password is no text; was it saved for another path?")]
    Utf8,
}

fn xor(bytes: &[u8], name: &str) -> Vec<u8> {
    bytes.iter().zip(name.bytes().cycle()).map(|(byte, mask)| byte ^ mask).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PATH: &str = "/home/u/.bittensor/wallets/my-wallet/coldkey";
    const VARIABLE: &str = "BT_PW__HOME_U__BITTENSOR_WALLETS_MY-WALLET_COLDKEY";

    fn found(variables: &[(&str, &str)]) -> Option<String> {
        let lookup = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let found = Password::for_coldkey(Path::new(PATH), lookup).unwrap();
        found.map(|password| password.text.to_string())
    }

    #[test]
    fn the_order_of_sources() {
        let own = (VARIABLE, "NjEsJD4xOGUfLHBq");
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[own]).as_deref(), Some("testing-Pa55"));
        assert_eq!(found(&[own, (PASSWORD_VARIABLE, "first")]).as_deref(), Some("first"));
        assert_eq!(found(&[own, (PASSWORD_VARIABLE, "")]).as_deref(), Some("testing-Pa55"));
        assert_eq!(found(&[(VARIABLE, "")]), None);
    }

    #[test]
    fn a_value_of_another_path_is_an_error() {
        let lookup = |value: &'static str| move |_: &str| Some(value.to_owned());
        let read = |value| Password::for_file(Path::new(PATH), lookup(value)).map(|_| ());
        assert_eq!(read("%%"), Err(PasswordError::Base64));
        assert_eq!(read("////"), Err(PasswordError::Utf8));
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Password::new("hunter2")), "Password(..)");
    }

    proptest! {
        #[test]
        fn variables_round_trip(password in ".{1,40}", path in "(/[a-z.-]{1,9}){1,4}") {
            let variable = variable_name(Path::new(&path));
            let back = decode(&encode(&password, &variable), &variable).unwrap().unwrap();
            prop_assert_eq!(back.text.as_str(), password);
        }
    }
}
