//! The dendrite's side: [`SynapseDialect`].

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tensor_core::BoxError;
use tensor_core::key::Scheme;
use tensor_core::transport::Method;

use super::echo::Members;
use super::python::float_repr;
use super::{
    AXON_HOTKEY, BODY_HASH, HOTKEY, NAME, NONCE, SDK_VERSION, SIGNATURE, STATUS, SYNAPSE_NAME,
    SynapseSpec, TIMEOUT, UUID, VERSION, Value, hash, uuid_of,
};
use crate::wire::{Dialect, Draft, Found, Headers, Outgoing};

/// Speaks to axons of SDK 10 as a dendrite does.
///
/// The request's target is `/{synapse}`, its body a JSON object of the synapse's own fields. Axons take
/// nonces in rising order per uuid only, so requests on their way at the same time use different uuids,
/// from a fixed number of them: each is a row in every axon's memory.
#[derive(Debug)]
pub struct SynapseDialect {
    synapses: BTreeMap<String, SynapseSpec>,
    ip: IpAddr,
    version: u64,
    uuids: Vec<String>,
    next: AtomicUsize,
}

impl SynapseDialect {
    /// How many requests of one client to one axon may be on their way unless said otherwise.
    pub const UUIDS: usize = 64;

    /// A dendrite whose uuids are made from `seed`, which should differ between processes: a random
    /// text, or the time.
    pub fn new(seed: &str) -> Self {
        let uuids = (0..Self::UUIDS).map(|index| uuid_of(&format!("{index} {seed}"))).collect();
        Self {
            synapses: BTreeMap::new(),
            ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            version: SDK_VERSION,
            uuids,
            next: AtomicUsize::new(0),
        }
    }

    /// Declares a synapse. One that is not declared is taken to have no hashed and no required fields.
    #[must_use]
    pub fn with_synapse(mut self, spec: SynapseSpec) -> Self {
        self.synapses.insert(spec.name().to_owned(), spec);
        self
    }

    /// Uses these uuids instead of made ones. With one, requests to an axon must not overlap.
    #[must_use]
    pub fn with_uuids(mut self, uuids: impl IntoIterator<Item = String>) -> Self {
        self.uuids = uuids.into_iter().collect();
        self
    }

    /// Sets the external address that the requests mention; axons do not look at it.
    #[must_use]
    pub const fn with_ip(mut self, ip: IpAddr) -> Self {
        self.ip = ip;
        self
    }
}

impl Dialect for SynapseDialect {
    fn name(&self) -> &'static str {
        NAME
    }

    fn draft(&self, outgoing: &Outgoing<'_>) -> Result<Draft, BoxError> {
        if outgoing.scheme != Scheme::Sr25519 {
            return Err("axons of SDK 10 verify sr25519 signatures only".into());
        }
        let name = outgoing.target.strip_prefix('/').unwrap_or(outgoing.target);
        let fields = if outgoing.body.is_empty() {
            Members::default()
        } else {
            Members::parse(outgoing.body)?
        };
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        let uuid = next.checked_rem(self.uuids.len()).and_then(|index| self.uuids.get(index));
        let uuid = uuid.map_or("", String::as_str);
        let timeout = outgoing.timeout.as_secs_f64();
        let address = outgoing.address;
        let (sender, receiver) = (outgoing.sender.to_string(), outgoing.receiver.to_string());

        // The synapse as the class dumps it: base fields first, then its own, defaults filled in.
        let mut synapse = Members::default();
        synapse.set_to("name", &name);
        synapse.set_to("timeout", &timeout);
        synapse.set_to("total_size", &0);
        synapse.set_to("header_size", &0);
        synapse.set_to(
            "dendrite",
            &serde_json::json!({
                "status_code": null, "status_message": null, "process_time": null,
                "ip": self.ip, "port": null, "version": self.version, "nonce": outgoing.nonce,
                "uuid": uuid, "hotkey": sender, "signature": null,
            }),
        );
        synapse.set_to(
            "axon",
            &serde_json::json!({
                "status_code": null, "status_message": null, "process_time": null,
                "ip": address.ip(), "port": address.port(), "version": null, "nonce": null,
                "uuid": null, "hotkey": receiver, "signature": null,
            }),
        );
        synapse.set_to("computed_body_hash", &"");
        synapse.merge(fields);
        let body = synapse.to_json();

        let value = Value::parse(&body)?;
        let mut headers = vec![
            ("content-type", Cow::from("application/json")),
            (SYNAPSE_NAME, name.to_owned().into()),
            (TIMEOUT, float_repr(timeout).into()),
            ("bt_header_axon_ip", address.ip().to_string().into()),
            ("bt_header_axon_port", address.port().to_string().into()),
            (AXON_HOTKEY, receiver.clone().into()),
            ("bt_header_dendrite_ip", self.ip.to_string().into()),
            (VERSION, self.version.to_string().into()),
            (NONCE, outgoing.nonce.to_string().into()),
            (UUID, uuid.to_owned().into()),
            (HOTKEY, sender.clone().into()),
        ];
        let mut fields = Vec::new();
        let hash = match self.synapses.get(name) {
            Some(spec) => {
                for (field, dummy) in spec.dummies(&value) {
                    fields.push((field.to_owned(), STANDARD.encode(dummy)));
                }
                spec.body_hash(&value)?
            }
            None => hash(""),
        };
        let head: usize = headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        headers.push(("header_size", head.to_string().into()));
        headers.push(("total_size", body.len().to_string().into()));
        let message = format!("{}.{sender}.{receiver}.{uuid}.{hash}", outgoing.nonce);
        headers.push((BODY_HASH, hash.into()));
        let headers = headers.into_iter().map(|(name, value)| (Cow::from(name), value));
        let fields = fields
            .into_iter()
            .map(|(field, dummy)| (format!("bt_header_input_obj_{field}").into(), dummy.into()));
        Ok(Draft {
            method: Method::Post,
            target: outgoing.target.to_owned(),
            headers: headers.chain(fields).collect(),
            signatures: vec![(SIGNATURE, message.into_bytes())],
            body: body.into(),
            nonce: outgoing.nonce,
        })
    }

    fn status(&self, status: u16, headers: &dyn Headers) -> Result<u16, BoxError> {
        // A refusal stays one, whatever the headers say.
        if status != 200 {
            return Ok(status);
        }
        match headers.find(STATUS) {
            Found::Nothing => Ok(status),
            Found::One(value) => Ok(core::str::from_utf8(value)?.parse()?),
            Found::Many => Err("the answer has more than one status".into()),
        }
    }
}
