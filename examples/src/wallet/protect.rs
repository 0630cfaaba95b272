//! `encrypt`, `decrypt`, `change-password` and `export`: the same key, kept another way.

use serde_json::json;
use tensor_core::wallet::{Encryption, Password, Unlocked, WalletKey, polkadot_js};

use super::{
    Failure, Report, Session, Target,
    args::{Key, Rekey},
};

pub(super) fn encrypt(session: &mut Session<'_>, options: &Key) -> Result<Report, Failure> {
    let target = session.target(&options.name)?;
    if target.load()?.encryption().is_some_and(Encryption::is_current) {
        return Err(Failure::Encrypted(target.name()));
    }
    // Of an old encryption, the person proves the password first and may then keep it.
    let key = session.unlock(&target)?;
    let password = session.first_password(&target)?;
    rewritten(&target, key, Some(&password))
}

pub(super) fn decrypt(session: &mut Session<'_>, options: &Key) -> Result<Report, Failure> {
    let target = session.target(&options.name)?;
    let key = encrypted(session, &target)?;
    rewritten(&target, key, None)
}

pub(super) fn change_password(
    session: &mut Session<'_>,
    options: &Rekey,
) -> Result<Report, Failure> {
    let target = session.target(&options.name)?;
    let key = encrypted(session, &target)?;
    // The stored one is the old one.
    let password = session.new_password(&target, options.new_password_file.as_deref())?;
    rewritten(&target, key, Some(&password))
}

pub(super) fn export(session: &mut Session<'_>, options: &Rekey) -> Result<Report, Failure> {
    let target = session.target(&options.name)?;
    let key = session.unlock(&target)?;
    let password = session.new_password(&target, options.new_password_file.as_deref())?;
    let text = polkadot_js::export(key.keypair(), &password, &target.name())?;
    let json = serde_json::from_str(&text).unwrap_or_else(|_| json!({}));
    Ok(Report { text: format!("{text}\n"), json })
}

fn encrypted(session: &mut Session<'_>, target: &Target) -> Result<WalletKey<Unlocked>, Failure> {
    if target.load()?.encryption().is_none() {
        return Err(Failure::NotEncrypted(target.name()));
    }
    session.unlock(target)
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
    let how = stored.map_or_else(|| "in the clear".to_owned(), |name| format!("encrypted ({name})"));
    Ok(Report { text: format!("{} is {how} now\n", target.name()), json })
}
