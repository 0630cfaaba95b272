//! `encrypt`, `decrypt`, `change-password` and `export`: the same key, kept another way.

use serde_json::json;
use tensor_core::wallet::{Encryption, Password, Unlocked, WalletKey, polkadot_js};

use super::{
    Context, Failure, Report, Target,
    args::{Key, Rekey},
};

pub(super) fn encrypt(context: &mut Context<'_>, options: &Key) -> Result<Report, Failure> {
    let target = context.target(&options.name)?;
    if target.load()?.encryption().is_some_and(Encryption::is_current) {
        return Err(Failure::Encrypted(target.name()));
    }
    // Of an old encryption, the person proves the password first and may then keep it.
    let key = context.unlock(&target)?;
    let password = context.first_password(&target)?;
    rewritten(&target, key, Some(&password))
}

pub(super) fn decrypt(context: &mut Context<'_>, options: &Key) -> Result<Report, Failure> {
    let target = context.target(&options.name)?;
    let key = encrypted(context, &target)?;
    rewritten(&target, key, None)
}

pub(super) fn change_password(
    context: &mut Context<'_>,
    options: &Rekey,
) -> Result<Report, Failure> {
    let target = context.target(&options.name)?;
    let key = encrypted(context, &target)?;
    // The stored one is the old one.
    let password = context.new_password(&target, options.new_password_file.as_deref())?;
    rewritten(&target, key, Some(&password))
}

pub(super) fn export(context: &mut Context<'_>, options: &Rekey) -> Result<Report, Failure> {
    let target = context.target(&options.name)?;
    let key = context.unlock(&target)?;
    let password = context.new_password(&target, options.new_password_file.as_deref())?;
    let text = polkadot_js::export(key.keypair(), &password, &target.name())?;
    let json = serde_json::from_str(&text).unwrap_or_else(|_| json!({}));
    Ok(Report { text: format!("{text}\n"), json })
}

fn encrypted(context: &mut Context<'_>, target: &Target) -> Result<WalletKey<Unlocked>, Failure> {
    if target.load()?.encryption().is_none() {
        return Err(Failure::NotEncrypted(target.name()));
    }
    context.unlock(target)
}

fn rewritten(
    target: &Target,
    key: WalletKey<Unlocked>,
    password: Option<&Password>,
) -> Result<Report, Failure> {
    let key = key.rewrite(password)?;
    let stored = key.encryption().map(Encryption::name);
    let json = json!({
        "key": target.name(),
        "address": key.account_id().to_string(),
        "encryption": stored,
    });
    let how =
        stored.map_or_else(|| "in the clear".to_owned(), |name| format!("encrypted ({name})"));
    Ok(Report { text: format!("{} is {how} now\n", target.name()), json })
}
