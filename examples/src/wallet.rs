//! The program `wallet`: keys and wallets on the command line, compatible with `btcli`.
//!
//! [`run`] does one command and returns what to print; the terminal, the environment and the process
//! stay behind [`Console`], so tests run commands without any of them.

mod args;
mod console;
mod failure;
mod make;
mod message;
mod protect;
mod show;

use serde_json::Value;
use tensor_core::wallet::{Guard, Name, Wallet, layout};

pub use args::{Args, Command};
pub use console::{Console, Terminal};
pub use failure::Failure;

/// What a command has to say, for people and for programs.
#[derive(Debug)]
pub struct Report {
    /// For people.
    pub text: String,
    /// For programs: one JSON object.
    pub json: Value,
}

/// Does one command.
///
/// # Errors
/// [`Failure`], which knows its exit code.
pub fn run(args: &Args, console: &mut dyn Console) -> Result<Report, Failure> {
    let mut context = Context { args, console };
    match &args.command {
        Command::Create(options) => make::create(&mut context, options),
        Command::NewHotkey(options) => make::new_hotkey(&mut context, options),
        Command::Regen(options) => make::regen(&mut context, options),
        Command::List => show::list(&context),
        Command::Inspect(options) => show::inspect(&mut context, options),
        Command::Sign(options) => message::sign(&mut context, options),
        Command::Verify(options) => message::verify(&mut context, options),
        Command::Seal(options) => message::seal(options),
        Command::Unseal(options) => message::unseal(&mut context, options),
        Command::Encrypt(options) => protect::encrypt(&mut context, options),
        Command::Decrypt(options) => protect::decrypt(&mut context, options),
        Command::ChangePassword(options) => protect::change_password(&mut context, options),
        Command::Export(options) => protect::export(&mut context, options),
    }
}

/// One command's surroundings.
struct Context<'a> {
    args: &'a Args,
    console: &'a mut dyn Console,
}

/// A key that a command is about: `wallet` is its coldkey, `wallet/hotkey` that hotkey.
struct Target {
    wallet: Wallet,
    hotkey: Option<Name>,
}

impl Context<'_> {
    fn wallets_folder(&self) -> Result<std::path::PathBuf, Failure> {
        let lookup = |name: &str| self.console.env(name);
        match &self.args.path {
            Some(path) => layout::expand_home(path, lookup),
            None => layout::wallets_folder(lookup),
        }
        .ok_or(Failure::NoHome)
    }

    fn guard(&self) -> Guard {
        Guard::strict()
            .with_symlinks(self.args.allow_symlinks)
            .with_any_mode(self.args.allow_any_mode)
    }

    fn target(&self, text: &str) -> Result<Target, Failure> {
        let (wallet, hotkey) = layout::split(text)?;
        let wallet = Wallet::new(self.wallets_folder()?, wallet.as_str())?.with_guard(self.guard());
        Ok(Target { wallet, hotkey })
    }
}

#[cfg(test)]
mod tests;
