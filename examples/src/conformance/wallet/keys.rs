//! Entries that stand for themselves: URIs, mnemonics, signatures, addresses, passwords.

use serde_json::Value;
use tensor_core::account::{AccountId, SS58_PREFIX};
use tensor_core::key::{Keypair, Mnemonic, PublicKey, Scheme, Signature};
use tensor_core::wallet::{Keyfile, password};

use super::{hexadecimal, refused, scheme, string, with_prefix};
use crate::conformance::{Case, Computed, SchemaError};

/// Makes a case of an entry at a place.
pub(super) type Read = fn(String, &Value) -> Result<Case, SchemaError>;

pub(super) fn uri(place: String, entry: &Value) -> Result<Case, SchemaError> {
    let uri = string(&place, entry, "uri")?;
    let scheme: Scheme = string(&place, entry, "type")?
        .parse()
        .map_err(|_| SchemaError::new(&place, "\"type\" is no scheme"))?;
    Ok(Case::new(place.clone(), move || {
        let at = |key: &str, value: String| Computed::new(&format!("{place}/{key}"), value);
        Ok(match Keypair::from_uri(&uri, scheme) {
            Ok(pair) => vec![
                at("ss58", pair.account_id().to_string()),
                at("public", with_prefix(pair.account_id().as_bytes())),
            ],
            Err(error) => vec![refused(at("error", error.to_string()))],
        })
    }))
}

pub(super) fn mnemonic(place: String, entry: &Value) -> Result<Case, SchemaError> {
    let words = string(&place, entry, "mnemonic")?;
    let password = entry.get("password").and_then(Value::as_str).map(str::to_owned);
    let scheme = scheme(&place, entry, "crypto_type")?;
    Ok(Case::new(place.clone(), move || {
        let mnemonic = Mnemonic::parse(&words).map_err(|error| error.to_string())?;
        let key = Keyfile::from_mnemonic(&mnemonic, password.as_deref(), scheme);
        let secret = key.keypair().map_err(|error| error.to_string())?.to_secret();
        let at = |key: &str, value: Value| Computed::new(&format!("{place}/{key}"), value);
        Ok(vec![
            at("ss58", key.account_id().to_string().into()),
            at("seed", key.seed().map(with_prefix).into()),
            at("private_key", with_prefix(&secret).into()),
            at("keeps_phrase", key.phrase().is_some().into()),
        ])
    }))
}

pub(super) fn mnemonic_edge(place: String, entry: &Value) -> Result<Case, SchemaError> {
    let input = string(&place, entry, "input")?;
    Ok(Case::new(place.clone(), move || {
        Ok(match Keypair::from_mnemonic(&input, None, Scheme::Sr25519) {
            Ok(pair) => {
                vec![Computed::new(&format!("{place}/ss58"), pair.account_id().to_string())]
            }
            Err(error) => {
                vec![refused(Computed::new(&format!("{place}/error"), error.to_string()))]
            }
        })
    }))
}

pub(super) fn sign(place: String, entry: &Value) -> Result<Case, SchemaError> {
    let uri = string(&place, entry, "uri")?;
    let scheme = scheme(&place, entry, "crypto_type")?;
    let message = hexadecimal(&string(&place, entry, "message_hex")?)
        .map_err(|problem| SchemaError::new(format!("{place}/message_hex"), problem))?;
    let plain = string(&place, entry, "signature")?;
    let of_wrapped = string(&place, entry, "signature_of_wrapped")?;
    Ok(Case::new(place.clone(), move || {
        let pair = Keypair::from_uri(&uri, scheme).map_err(|error| error.to_string())?;
        let account = pair.account_id();
        let verify = |scheme, message: &[u8], signature: &str| {
            let key = PublicKey::new(&account, scheme).ok();
            let signature = Signature::from_hex(signature, scheme).ok();
            key.zip(signature)
                .is_some_and(|(key, signature)| key.verify_tolerant(message, &signature.bytes))
        };
        let other = if scheme == Scheme::Sr25519 { Scheme::Ed25519 } else { Scheme::Sr25519 };
        let wrapped = [b"<Bytes>", message.as_slice(), b"</Bytes>"].concat();
        let again = pair.sign(&message);
        if !PublicKey::new(&account, scheme)
            .is_ok_and(|key| key.verify_tolerant(&message, &again.bytes))
        {
            return Err("our own signature does not verify".to_owned());
        }
        let deterministic = pair.sign(&message) == again;
        let equal = Signature::from_hex(&plain, scheme).is_ok_and(|plain| plain == again);
        if deterministic && !equal {
            return Err("a deterministic signature differs from the given one".to_owned());
        }
        let at = |key: &str, value: Value| Computed::new(&format!("{place}/{key}"), value);
        let on_plain = verify(scheme, &message, &of_wrapped);
        let on_wrapped = verify(scheme, &wrapped, &plain);
        Ok(vec![
            at("ss58", account.to_string().into()),
            at("verify_plain", verify(scheme, &message, &plain).into()),
            at("verify_wrapped_against_plain_message", on_plain.into()),
            at("verify_plain_signature_against_wrapped_message", on_wrapped.into()),
            at("verify_under_other_scheme", verify(other, &message, &plain).into()),
            at("deterministic", deterministic.into()),
        ])
    }))
}

pub(super) fn ss58(place: String, entry: &Value) -> Result<Case, SchemaError> {
    let prefix = entry.get("prefix").and_then(Value::as_u64);
    let prefix = prefix.and_then(|prefix| u16::try_from(prefix).ok());
    let prefix = prefix.ok_or_else(|| SchemaError::new(&place, "\"prefix\" is no prefix"))?;
    let public = hexadecimal(&string(&place, entry, "public")?).ok();
    let public: [u8; 32] = public
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| SchemaError::new(&place, "\"public\" is not 32 bytes"))?;
    Ok(Case::new(place.clone(), move || {
        let account = AccountId::from_bytes(public);
        let address = account.to_ss58(prefix).map_err(|error| error.to_string())?;
        match AccountId::from_ss58_any(&address) {
            Ok(decoded) if decoded == (account, prefix) => {}
            other => return Err(format!("{address} decodes to {other:?}")),
        }
        Ok(vec![Computed::new(&format!("{place}/ss58"), address)])
    }))
}

pub(super) fn ss58_edge(place: String, entry: &Value) -> Result<Case, SchemaError> {
    let address = string(&place, entry, "address")?;
    Ok(Case::new(place.clone(), move || {
        let at = |key: &str, value: Value| Computed::new(&format!("{place}/{key}"), value);
        let decoded = AccountId::from_ss58_any(&address);
        let ours = decoded.as_ref().is_ok_and(|(_, prefix)| *prefix == SS58_PREFIX);
        if ours != address.parse::<AccountId>().is_ok() {
            return Err("strict and general parsing disagree".to_owned());
        }
        Ok(vec![
            match decoded {
                Ok((account, _)) => at("decoded", hex::encode(account.as_bytes()).into()),
                Err(error) => refused(at("decode_error", error.to_string().into())),
            },
            at("is_bittensor_address", ours.into()),
        ])
    }))
}

pub(super) fn password_env(place: String, entry: &Value) -> Result<Case, SchemaError> {
    let path = string(&place, entry, "path")?;
    let plain = string(&place, entry, "password")?;
    Ok(Case::new(place.clone(), move || {
        let variable = password::variable_name(path.as_ref());
        let value = password::encode(&plain, &variable);
        let read_back = password::decode(&value, &variable).map_err(|error| error.to_string())?;
        let read_back = read_back.map(|password| password.expose().to_owned());
        let at = |key: &str, value: Value| Computed::new(&format!("{place}/{key}"), value);
        Ok(vec![
            at("variable", variable.into()),
            at("value", value.into()),
            at("read_back", read_back.into()),
        ])
    }))
}
