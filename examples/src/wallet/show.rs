//! `list` and `inspect`: commands that change nothing.

use std::fmt::Write as _;

use qrcode::{QrCode, render::unicode::Dense1x2};
use serde_json::{Value, json};
use tensor_core::wallet::{Keyfile, KeyfileError, Name, Wallet, WalletError};
use zeroize::Zeroizing;

use super::{Context, Failure, Report, args::Inspect};

pub(super) fn list(context: &Context<'_>) -> Result<Report, Failure> {
    let folder = context.wallets_folder()?;
    let wallets: Vec<Wallet> = Wallet::list(&folder)?
        .into_iter()
        .map(|wallet| wallet.with_guard(context.guard()))
        .collect();
    let mut text = format!("{}\n", folder.display());
    let mut values = Vec::new();
    for (position, wallet) in wallets.iter().enumerate() {
        let last = position + 1 == wallets.len();
        let (branch, stem) = if last { ("└── ", "    ") } else { ("├── ", "│   ") };
        let cold = line(wallet.coldkey_public());
        let _ = writeln!(text, "{branch}{}  {}", wallet.name(), cold.text);
        let hotkeys = wallet.hotkeys()?;
        let mut hot_values = Vec::new();
        for (position, hotkey) in hotkeys.iter().enumerate() {
            let branch = if position + 1 == hotkeys.len() { "└── " } else { "├── " };
            let hot = line(wallet.hotkey_public(hotkey.as_str()));
            let _ = writeln!(text, "{stem}{branch}{hotkey}  {}", hot.text);
            hot_values.push(with_name(hotkey, hot.json));
        }
        let mut value = with_name(wallet.name(), cold.json);
        value["hotkeys"] = hot_values.into();
        values.push(value);
    }
    if wallets.is_empty() {
        text.push_str("no wallets; `wallet create NAME` makes one\n");
    }
    Ok(Report { text, json: json!({ "path": folder, "wallets": values }) })
}

pub(super) fn inspect(context: &mut Context<'_>, options: &Inspect) -> Result<Report, Failure> {
    let target = context.target(&options.name)?;
    let public = match &target.hotkey {
        Some(hotkey) => target.wallet.hotkey_public(hotkey.as_str()),
        None => target.wallet.coldkey_public(),
    };
    let (key, path, encryption) = match target.load() {
        // A wallet may hold public files only.
        Err(Failure::Wallet(WalletError::NotFound { path })) if public.is_ok() => {
            (public?, path, None)
        }
        Err(other) => return Err(other),
        Ok(locked) => {
            let (path, encryption) = (locked.path().to_owned(), locked.encryption());
            let key = match public {
                Ok(public) if !options.reveal => public,
                Err(error) if !options.reveal && !needs_password(&error) => {
                    return Err(error.into());
                }
                _ => context.unlock(&target)?.keyfile().clone(),
            };
            (key, path, Some(encryption))
        }
    };
    let address = key.account_id().to_string();
    let stored = match encryption {
        None => "public only".to_owned(),
        Some(None) => "in the clear".to_owned(),
        Some(Some(encryption)) if encryption.is_current() => format!("encrypted ({encryption})"),
        Some(Some(old)) => format!("encrypted the old way ({old}); `wallet encrypt` renews it"),
    };
    let public_key = format!("0x{}", hex::encode(key.account_id().as_bytes()));
    let mut text = String::new();
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<12} {value}");
    };
    row("key", &target.name());
    row("address", &address);
    row("scheme", key.scheme().name());
    row("public key", &public_key);
    row("file", &path.display().to_string());
    row("stored", &stored);
    let mut json = json!({
        "key": target.name(), "address": address, "scheme": key.scheme().name(), "public_key": public_key,
        "file": path, "secret": encryption.is_some(), "encryption": encryption.flatten().map(|known| known.name()),
    });
    if options.reveal {
        for (name, field, secret) in secrets(&key) {
            row(name, &secret);
            json[field] = secret.as_str().into();
        }
    }
    if options.qr {
        // Most terminals are dark: there the blanks are the dark modules.
        let code = QrCode::new(&address)?
            .render::<Dense1x2>()
            .dark_color(Dense1x2::Light)
            .light_color(Dense1x2::Dark)
            .build();
        let _ = writeln!(text, "{code}");
    }
    Ok(Report { text, json })
}

fn secrets(key: &Keyfile) -> Vec<(&'static str, &'static str, Zeroizing<String>)> {
    let hex = |bytes: &[u8]| Zeroizing::new(format!("0x{}", *Zeroizing::new(hex::encode(bytes))));
    let mut secrets = Vec::new();
    secrets.extend(
        key.phrase().map(|phrase| ("mnemonic", "mnemonic", Zeroizing::new(phrase.to_owned()))),
    );
    secrets.extend(key.seed().map(|seed| ("seed", "seed", hex(seed))));
    secrets.extend(
        key.keypair().ok().map(|pair| ("private key", "private_key", hex(&pair.to_secret()))),
    );
    secrets
}

/// One key in the tree. What is wrong with it does not keep the others from being listed.
fn line(public: Result<Keyfile, WalletError>) -> Report {
    match public {
        Ok(key) => {
            let address = key.account_id().to_string();
            let scheme = match key.scheme().name() {
                "sr25519" => String::new(),
                other => format!("  {other}"),
            };
            Report {
                text: format!("{address}{scheme}"),
                json: json!({ "address": address, "scheme": key.scheme().name() }),
            }
        }
        Err(error) => {
            let text = match &error {
                WalletError::NotFound { .. } => "(no key)".to_owned(),
                error if needs_password(error) => "(encrypted, no public file)".to_owned(),
                error => format!("({error})"),
            };
            Report {
                json: json!({ "address": null, "error": text.trim_matches(['(', ')']) }),
                text,
            }
        }
    }
}

fn needs_password(error: &WalletError) -> bool {
    matches!(error, WalletError::Keyfile { source: KeyfileError::Encrypted(_), .. })
}

fn with_name(name: &Name, value: Value) -> Value {
    let mut named = json!({ "name": name.as_str() });
    if let (Some(named), Value::Object(value)) = (named.as_object_mut(), value) {
        named.extend(value);
    }
    named
}
