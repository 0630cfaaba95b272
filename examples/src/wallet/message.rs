//! `sign`, `verify`, `seal` and `unseal`: what keys do to messages.

use serde_json::json;
use tensor_core::{
    account::AccountId,
    key::{PublicKey, Scheme, Signature, SignerSync},
    wallet::sealed,
};

use super::{
    Context, Failure, Report,
    args::{Seal, Sign, Unseal, Verify},
};

pub(super) fn sign(context: &mut Context<'_>, options: &Sign) -> Result<Report, Failure> {
    let message = message(&options.message, options.hex)?;
    let target = context.target(&options.name)?;
    let key = context.unlock(&target)?;
    let signature = key.keypair().sign(&message).to_hex();
    let json = json!({
        "key": target.name(),
        "address": key.account_id().to_string(),
        "scheme": key.scheme().name(),
        "signature": signature,
    });
    Ok(Report { text: format!("{signature}\n"), json })
}

pub(super) fn verify(context: &mut Context<'_>, options: &Verify) -> Result<Report, Failure> {
    let message = message(&options.message, options.hex)?;
    let account = address(&options.address)?;
    let scheme: Scheme = options.scheme.into();
    let text = match options.signature.as_str() {
        "-" => context.console.input().map_err(Failure::Input)?.trim().to_owned(),
        given => given.to_owned(),
    };
    let signature = Signature::from_hex(&text, scheme)?;
    let key = PublicKey::new(&account, scheme)?;
    let valid = match options.exact {
        true => key.verify(&message, &signature.bytes),
        false => key.verify_tolerant(&message, &signature.bytes),
    };
    if !valid {
        return Err(Failure::NotValid);
    }
    let json = json!({ "address": account.to_string(), "scheme": scheme.name(), "valid": true });
    Ok(Report { text: "valid\n".into(), json })
}

pub(super) fn seal(options: &Seal) -> Result<Report, Failure> {
    let account = address(&options.address)?;
    let sealed = sealed::seal(&account, Scheme::Ed25519, options.message.as_bytes())?;
    let text = hex::encode(sealed);
    let json = json!({ "address": account.to_string(), "sealed": text });
    Ok(Report { text: format!("{text}\n"), json })
}

pub(super) fn unseal(context: &mut Context<'_>, options: &Unseal) -> Result<Report, Failure> {
    let digits = options.sealed.trim();
    let bytes = hex::decode(digits.strip_prefix("0x").unwrap_or(digits));
    let bytes = bytes.map_err(|_| Failure::Hex("the sealed message"))?;
    let target = context.target(&options.name)?;
    let key = context.unlock(&target)?;
    let message = sealed::open(key.keypair(), &bytes)?;
    let text = String::from_utf8_lossy(&message);
    let json = json!({ "key": target.name(), "message": text, "hex": hex::encode(&*message) });
    Ok(Report { text: format!("{text}\n"), json })
}

fn message(text: &str, hex: bool) -> Result<Vec<u8>, Failure> {
    if !hex {
        return Ok(text.as_bytes().to_vec());
    }
    hex::decode(text.strip_prefix("0x").unwrap_or(text)).map_err(|_| Failure::Hex("the message"))
}

fn address(text: &str) -> Result<AccountId, Failure> {
    text.parse().map_err(|source| Failure::Address { address: text.to_owned(), source })
}
