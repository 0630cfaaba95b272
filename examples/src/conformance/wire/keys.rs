//! The keys that a file names in `about.keys`, and signing anew in their name.

use serde_json::{Map, Value, json};
use tensor_core::key::{Scheme, Signature, verify};
use tensor_core::{AccountId, Keypair};

use super::super::{Case, Computed, Object, SchemaError};

/// The development keys that any file may use.
const KNOWN: [&str; 7] = ["//Alice", "//Bob", "//Charlie", "//Dave", "//Eve", "//Ferdie", "//One"];

/// Keys by address.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys(std::rc::Rc<std::collections::BTreeMap<String, Keypair>>);

impl Keys {
    /// The keys of the file, and a case for each that says what it should be.
    pub(super) fn read(about: Option<&Value>) -> Result<(Self, Vec<Case>), SchemaError> {
        let empty = Value::Object(Map::new());
        let named = about.and_then(|about| about.get("keys")).unwrap_or(&empty);
        let named = named
            .as_object()
            .ok_or_else(|| SchemaError::new("about/keys", "an object is wanted"))?;
        let uris = named.keys().map(String::as_str).chain(KNOWN);
        let schemes = [Scheme::Sr25519, Scheme::Ed25519];
        let pairs = uris.flat_map(|uri| schemes.map(|scheme| Keypair::from_uri(uri, scheme)));
        let keys = pairs.flatten().map(|pair| (pair.account_id().to_string(), pair)).collect();
        let cases = named.iter().map(|(uri, entry)| case(uri, entry));
        Ok((Self(std::rc::Rc::new(keys)), cases.collect::<Result<_, _>>()?))
    }

    /// Says whether `signature`, as the file writes it, is `signer`'s over `message`.
    pub(super) fn check(signer: &str, message: &[u8], signature: &str) -> Result<(), String> {
        let account: AccountId = signer.parse().map_err(|_| format!("{signer} is no address"))?;
        let digits = signature.strip_prefix("0x").unwrap_or(signature);
        let bytes = hex::decode(digits).ok().and_then(|bytes| bytes.try_into().ok());
        let bytes: [u8; 64] = bytes.ok_or_else(|| format!("{signature} is no signature"))?;
        match verify(&account, message, &Signature { scheme: Scheme::Sr25519, bytes }) {
            true => Ok(()),
            false => Err(format!("the signature is not {signer}'s over what is signed")),
        }
    }

    /// A signature of our own, where the signer's key is known.
    pub(super) fn sign(&self, signer: &str, message: &[u8]) -> Option<[u8; 64]> {
        self.0.get(signer).map(|pair| pair.sign(message).bytes)
    }

    /// As [`Self::sign`], as headers have it; where the key is not known, what the file has.
    pub(super) fn signature(&self, signer: &str, message: &[u8], given: Option<&str>) -> Value {
        match (self.sign(signer, message), given) {
            (Some(bytes), _) => json!(format!("0x{}", hex::encode(bytes))),
            (None, Some(given)) => json!(given),
            (None, None) => Value::Null,
        }
    }
}

fn case(uri: &str, entry: &Value) -> Result<Case, SchemaError> {
    let place = format!("about/keys/{}", uri.replace('/', "~"));
    let entry = Object::new(place, entry, &["sr25519", "ed25519"])?;
    for scheme in ["sr25519", "ed25519"] {
        if let Some(key) = entry.optional(scheme) {
            Object::new(format!("{}/{scheme}", entry.place()), key, &["ss58", "public"])?;
        }
    }
    let uri = uri.to_owned();
    Ok(Case::new(format!("about/keys {uri}"), move || {
        let both = [Scheme::Sr25519, Scheme::Ed25519].map(|scheme| {
            let pair = Keypair::from_uri(&uri, scheme).map_err(|error| error.to_string())?;
            let account = pair.account_id();
            let public = format!("0x{}", hex::encode(account.as_bytes()));
            let key = json!({"ss58": account.to_string(), "public": public});
            Ok(Computed::at(["about", "keys", &uri, scheme.name()], key))
        });
        both.into_iter().collect()
    }))
}
