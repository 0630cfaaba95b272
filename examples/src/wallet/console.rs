//! The terminal and the environment, behind a trait.

use std::{
    io::{self, IsTerminal, Read},
    path::Path,
};

use tensor_core::wallet::{Locked, Password, Unlocked, WalletKey};
use zeroize::Zeroizing;

use super::{Context, Failure, Target};

/// How much is read from standard input, in bytes.
const LIMIT: u64 = 64 * 1024;

/// What a command may ask of its surroundings.
pub trait Console {
    /// The value of an environment variable.
    fn env(&self, name: &str) -> Option<String>;

    /// Asks the person for a secret without showing it; `None` if nobody is there.
    fn ask(&mut self, prompt: &str) -> Option<Zeroizing<String>>;

    /// All of standard input.
    ///
    /// # Errors
    /// What reading gives.
    fn input(&mut self) -> io::Result<Zeroizing<String>>;
}

/// The process's own terminal and environment.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Terminal;

impl Console for Terminal {
    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn ask(&mut self, prompt: &str) -> Option<Zeroizing<String>> {
        if !io::stdin().is_terminal() {
            return None;
        }
        rpassword::prompt_password(prompt).ok().map(Zeroizing::new)
    }

    fn input(&mut self) -> io::Result<Zeroizing<String>> {
        let mut text = Zeroizing::new(String::with_capacity(LIMIT as usize));
        io::stdin().take(LIMIT).read_to_string(&mut text)?;
        Ok(text)
    }
}

impl Target {
    pub(super) fn name(&self) -> String {
        match &self.hotkey {
            Some(hotkey) => format!("{}/{hotkey}", self.wallet.name()),
            None => self.wallet.name().to_string(),
        }
    }

    pub(super) fn load(&self) -> Result<WalletKey<Locked>, Failure> {
        Ok(match &self.hotkey {
            Some(hotkey) => self.wallet.hotkey(hotkey.as_str())?,
            None => self.wallet.coldkey()?,
        })
    }
}

impl Context<'_> {
    /// Opens a key, finding its password where the help text says.
    pub(super) fn unlock(&mut self, target: &Target) -> Result<WalletKey<Unlocked>, Failure> {
        let locked = target.load()?;
        if locked.encryption().is_none() {
            return Ok(locked.open()?);
        }
        if let Some(password) = self.stored_for(target)? {
            return Ok(locked.unlock(&password)?);
        }
        let prompt = format!("Password of {}: ", target.name());
        match self.console.ask(&prompt) {
            Some(text) => Ok(locked.unlock(&Password::new(text.as_str()))?),
            None => Err(Failure::NoPassword(target.name())),
        }
    }

    /// A key's password for the first time: where the help text says, else asked for twice.
    pub(super) fn first_password(&mut self, target: &Target) -> Result<Password, Failure> {
        match self.stored_for(target)? {
            Some(password) => Ok(password),
            None => self.new_password(target, None),
        }
    }

    /// A password that is stored nowhere yet: from this file, else asked for twice.
    pub(super) fn new_password(
        &mut self,
        target: &Target,
        file: Option<&Path>,
    ) -> Result<Password, Failure> {
        if let Some(password) = file.map(Password::from_file).transpose()?.flatten() {
            return Ok(password);
        }
        let name = target.name();
        let ask = |context: &mut Self, prompt: String| {
            context.console.ask(&prompt).ok_or_else(|| Failure::NoPassword(name.clone()))
        };
        let first = ask(self, format!("New password of {name}: "))?;
        // What bittensor-wallet asks for as well, and less than anybody should choose.
        if first.chars().count() < 6 {
            return Err(Failure::ShortPassword);
        }
        if *first != *ask(self, format!("New password of {name}, again: "))? {
            return Err(Failure::PasswordsDiffer);
        }
        Ok(Password::new(first.as_str()))
    }

    fn stored_for(&self, target: &Target) -> Result<Option<Password>, Failure> {
        if let Some(file) = &self.args.password_file {
            return Ok(Password::from_file(file)?);
        }
        let lookup = |name: &str| self.console.env(name);
        Ok(match &target.hotkey {
            Some(hotkey) => Password::for_file(&target.wallet.hotkey_path(hotkey), lookup)?,
            None => Password::for_coldkey(&target.wallet.coldkey_path(), lookup)?,
        })
    }
}
