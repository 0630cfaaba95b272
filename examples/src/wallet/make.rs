//! `create`, `new-hotkey` and `regen`: commands that write a key that was not there.

use std::{fmt::Write as _, fs, io::Read as _};

use serde_json::{Value, json};
use tensor_core::{
    account::AccountId,
    key::{Keypair, Mnemonic, Scheme},
    wallet::{Keyfile, Overwrite, Password, polkadot_js},
};
use zeroize::Zeroizing;

use super::{
    Context, Failure, Report, Target,
    args::{Create, Fresh, NewHotkey, Regen, Source},
};

/// Far more than any seed, mnemonic or export has, in bytes.
const LIMIT: u64 = 256 * 1024;

pub(super) fn create(context: &mut Context<'_>, options: &Create) -> Result<Report, Failure> {
    let target = context.target(&options.name)?;
    let cold = Target { wallet: target.wallet.clone(), hotkey: None };
    let hotkey = target.hotkey.map_or_else(|| "default".parse(), Ok)?;
    let hot = Target { wallet: target.wallet, hotkey: Some(hotkey) };
    let mut made = Made::new(options.show_mnemonic);
    // Both mnemonics before either file, so that a wrong word count leaves nothing behind.
    let (cold_words, hot_words) =
        (Mnemonic::generate(options.words)?, Mnemonic::generate(options.words)?);
    made.write(context, &cold, &cold_words, !options.no_password, &options.fresh)?;
    made.write(context, &hot, &hot_words, false, &options.fresh)?;
    Ok(made.report())
}

pub(super) fn new_hotkey(
    context: &mut Context<'_>,
    options: &NewHotkey,
) -> Result<Report, Failure> {
    let target = context.target(&options.name)?;
    if target.hotkey.is_none() {
        return Err(Failure::NoHotkey);
    }
    let mut made = Made::new(options.show_mnemonic);
    let words = Mnemonic::generate(options.words)?;
    made.write(context, &target, &words, options.with_password, &options.fresh)?;
    Ok(made.report())
}

pub(super) fn regen(context: &mut Context<'_>, options: &Regen) -> Result<Report, Failure> {
    let target = context.target(&options.name)?;
    let key = source(context, options)?;
    let locked = options.with_password || (target.hotkey.is_none() && !options.no_password);
    let locked = locked && key.keypair().is_ok();
    let mut made = Made::new(false);
    made.keep(context, &target, &key, locked, &options.fresh)?;
    Ok(made.report())
}

/// The key that the person has, read from a file or asked for.
fn source(context: &mut Context<'_>, options: &Regen) -> Result<Keyfile, Failure> {
    let scheme: Scheme = options.fresh.scheme.into();
    let text = secret(context, options)?;
    let text = text.trim();
    Ok(match options.from {
        Source::Mnemonic => Keyfile::from_mnemonic(&Mnemonic::parse(text)?, None, scheme),
        Source::Seed => {
            let seed = hex_bytes(text, "the seed")?;
            let seed =
                <&[u8; 32]>::try_from(seed.as_slice()).map_err(|_| Failure::Hex("the seed"))?;
            Keyfile::from_seed(seed, scheme)
        }
        Source::PrivateKey => {
            let bytes = hex_bytes(text, "the private key")?;
            Keyfile::from_keypair(Keypair::from_secret(&bytes, scheme)?)
        }
        Source::Uri => Keyfile::from_keypair(Keypair::from_uri(text, scheme)?),
        Source::Json => {
            let file = options.export_password_file.as_deref();
            let stored = file.map(Password::from_file).transpose()?.flatten();
            let mut asked = || context.console.ask("Password of the export: ");
            let password = stored.or_else(|| asked().map(|text| Password::new(text.as_str())));
            let password = password.ok_or_else(|| Failure::NoPassword("the export".into()))?;
            Keyfile::from_keypair(polkadot_js::import(text.as_bytes(), &password)?)
        }
        Source::Address => {
            let account: AccountId = text
                .parse()
                .map_err(|source| Failure::Address { address: text.to_owned(), source })?;
            Keyfile::from_account(account, scheme)
        }
    })
}

fn secret(context: &mut Context<'_>, options: &Regen) -> Result<Zeroizing<String>, Failure> {
    let Some(path) = &options.file else {
        let prompt = match options.from {
            Source::Mnemonic => "Mnemonic: ",
            Source::Seed => "Seed: ",
            Source::PrivateKey => "Private key: ",
            Source::Uri => "Secret URI: ",
            Source::Json => return Err(Failure::NoSource),
            Source::Address => "Address: ",
        };
        return context.console.ask(prompt).ok_or(Failure::NoSource);
    };
    let failed = |source| Failure::Read { path: path.clone(), source };
    let mut text = Zeroizing::new(String::with_capacity(LIMIT as usize));
    let file = fs::File::open(path).map_err(failed)?;
    file.take(LIMIT).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

fn hex_bytes(text: &str, what: &'static str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    hex::decode(digits).map(Zeroizing::new).map_err(|_| Failure::Hex(what))
}

/// What was written, for the report.
struct Made {
    text: String,
    keys: Vec<Value>,
    show_mnemonic: bool,
}

impl Made {
    fn new(show_mnemonic: bool) -> Self {
        Self { text: String::new(), keys: Vec::new(), show_mnemonic }
    }

    fn write(
        &mut self,
        context: &mut Context<'_>,
        target: &Target,
        words: &Mnemonic,
        locked: bool,
        fresh: &Fresh,
    ) -> Result<(), Failure> {
        let key = Keyfile::from_mnemonic(words, None, fresh.scheme.into());
        self.keep(context, target, &key, locked, fresh)
    }

    fn keep(
        &mut self,
        context: &mut Context<'_>,
        target: &Target,
        key: &Keyfile,
        locked: bool,
        fresh: &Fresh,
    ) -> Result<(), Failure> {
        let overwrite = if fresh.overwrite { Overwrite::Replace } else { Overwrite::Never };
        let password = if locked { Some(context.first_password(target)?) } else { None };
        match &target.hotkey {
            Some(hotkey) => {
                target.wallet.write_hotkey(hotkey.as_str(), key, password.as_ref(), overwrite)?;
            }
            None => target.wallet.write_coldkey(key, password.as_ref(), overwrite)?,
        }
        let address = key.account_id().to_string();
        let mut value = json!({
            "key": target.name(),
            "address": address,
            "scheme": key.scheme().name(),
            "encrypted": locked,
        });
        let _ = writeln!(self.text, "{:<24} {address}", target.name());
        if let (true, Some(phrase)) = (self.show_mnemonic, key.phrase()) {
            let _ = writeln!(self.text, "{:<24} {phrase}", "");
            value["mnemonic"] = phrase.into();
        }
        self.keys.push(value);
        Ok(())
    }

    fn report(mut self) -> Report {
        let phrase = !self.show_mnemonic && self.keys.len() > 1;
        if phrase {
            self.text
                .push_str("Write the mnemonics down: `wallet inspect NAME --reveal` shows them.\n");
        }
        Report { text: self.text, json: json!({ "keys": self.keys }) }
    }
}
