//! What a subnet's owner does.

use async_trait::async_trait;
use tensor_core::call::{Call, Value};
use tensor_core::{MechId, NetUid};

use super::{Info, Intent, Role, intents};
use crate::client::Subtensor;
use crate::codec::Kind;
use crate::error::Error;

/// Sets a hyperparameter by name: `tempo`, `immunity_period`, `max_burn`, … The call is
/// `AdminUtils.sudo_set_` and the name; its value's name and type come from the runtime, so a new one
/// needs no new client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetHyperparameter {
    /// The subnet.
    pub netuid: NetUid,
    /// The name.
    pub name: String,
    /// The value; `alpha_values` takes a list of two.
    pub value: Value,
}

impl SetHyperparameter {
    /// What kind of intent this is.
    pub const INFO: Info = Info {
        name: "set_hyperparameter",
        signer: Role::Coldkey,
        calls: &["AdminUtils.sudo_set_*"],
    };

    /// Names it.
    pub fn new(netuid: NetUid, name: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { netuid, name: name.into(), value: value.into() }
    }

    /// The call's name for a hyperparameter's.
    fn call_name(&self) -> String {
        let name = match self.name.as_str() {
            // Names under which clients and the runtime API know them.
            "weights_version" => "weights_version_key",
            "weights_rate_limit" => "weights_set_rate_limit",
            "commit_reveal_period" => "commit_reveal_weights_interval",
            "bonds_moving_avg" => "bonds_moving_average",
            "max_validators" => "max_allowed_validators",
            "registration_allowed" => "network_registration_allowed",
            "pow_registration_allowed" => "network_pow_registration_allowed",
            "transfers_enabled" => "toggle_transfer",
            name => name,
        };
        format!("sudo_set_{name}")
    }
}

#[async_trait]
impl Intent for SetHyperparameter {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, chain: &Subtensor) -> Result<Call, Error> {
        let name = self.call_name();
        let runtime = chain.runtime().await?;
        let pallet = runtime.metadata.pallet("AdminUtils");
        let variant = pallet.as_ref().and_then(|pallet| pallet.call_variant_by_name(&name));
        let missing = || crate::codec::Missing::new(Kind::Call, format!("AdminUtils.{name}"));
        let fields = &variant.ok_or_else(missing)?.fields;
        let names: Vec<_> = fields.iter().filter_map(|field| field.name.clone()).collect();
        let values = match (&self.value, names.len()) {
            (Value::List(values), count) if count > 2 => values.clone(),
            (value, _) => vec![value.clone()],
        };
        let mut values = values.into_iter();
        let mut call = Call::new("AdminUtils", name.clone());
        for argument in names {
            if argument == "netuid" {
                call = call.arg(argument, self.netuid);
            } else if let Some(value) = values.next() {
                call = call.arg(argument, value);
            }
        }
        Ok(call)
    }
}

intents! {
    /// Says what a subnet is.
    SetSubnetIdentity, "set_subnet_identity", Coldkey, "SubtensorModule"."set_subnet_identity" {
        /// The subnet.
        netuid: NetUid => "netuid",
        /// Its name.
        subnet_name: String => "subnet_name",
        /// Its code.
        github_repo: String => "github_repo",
        /// Whom to ask.
        subnet_contact: String => "subnet_contact",
        /// Its page.
        subnet_url: String => "subnet_url",
        /// Its Discord name.
        discord: String => "discord",
        /// A few words.
        description: String => "description",
        /// Its picture.
        logo_url: String => "logo_url",
        /// Whatever else.
        additional: String => "additional",
    }
    /// Sets how many incentive mechanisms a subnet has.
    SetMechanismCount, "set_mechanism_count", Coldkey, "AdminUtils"."sudo_set_mechanism_count" {
        /// The subnet.
        netuid: NetUid => "netuid",
        /// How many.
        count: MechId => "mechanism_count",
    }
    /// Makes a subnet smaller: the worst neurons lose their slots.
    TrimSubnet, "trim_subnet", Coldkey, "AdminUtils"."sudo_trim_to_max_allowed_uids" {
        /// The subnet.
        netuid: NetUid => "netuid",
        /// How many slots stay.
        max_n: u16 => "max_n",
    }
    /// Trims a subnet under null consensus, a batch at a time. Newer runtimes than 461 have it.
    TrimNullSubnetBatch, "trim_null_subnet_batch", Coldkey,
        "AdminUtils"."sudo_trim_null_uids_batch" {
        /// The subnet.
        netuid: NetUid => "netuid",
        /// How many slots shall stay in the end.
        target: u16 => "target",
    }
    /// Changes the symbol of a subnet's token.
    UpdateSymbol, "update_symbol", Coldkey, "SubtensorModule"."update_symbol" {
        /// The subnet.
        netuid: NetUid => "netuid",
        /// The symbol.
        symbol: String => "symbol",
    }
    /// Changes how long a subnet's epochs are, and starts one anew.
    SetTempo, "set_tempo", Coldkey, "SubtensorModule"."set_tempo" {
        /// The subnet.
        netuid: NetUid => "netuid",
        /// Blocks between epochs, 360 to 50,400.
        tempo: u16 => "tempo",
    }
    /// Orders an epoch for as soon as the chain allows.
    TriggerEpoch, "trigger_epoch", Coldkey, "SubtensorModule"."trigger_epoch" {
        /// The subnet.
        netuid: NetUid => "netuid",
    }
}
