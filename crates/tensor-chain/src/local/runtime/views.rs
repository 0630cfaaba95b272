//! The runtime APIs: what clients ask about subnets, neurons, stake and prices (chain-interface 2).
//!
//! Composite answers are put together by the field names that the interface has for them, so that a runtime with another order, or with fields that are
//! not known here, fails as a missing API and not as wrong bytes.

use parity_scale_codec::{Compact, Decode, Encode};
use scale_info::TypeDef;

use super::ctx::Ctx;
use super::{Account, Runtime};
use crate::local::state::State;

mod delegates;
mod metagraph;
mod neurons;
mod prices;
mod proxies;
mod stakes;
mod subnets;

/// Why a runtime API fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// The arguments do not decode.
    #[error("Bad input data provided to runtime API")]
    Input,
    /// The interface's answer has a field that is not modelled.
    #[error("the runtime API's answer has a field that this chain does not know")]
    Shape,
}

impl Runtime {
    /// Answers a runtime API by its full name; nothing if it is not modelled.
    ///
    /// The current block is the one that the state says it belongs to.
    #[must_use]
    pub fn call_api(
        &self,
        cx: &Ctx<'_>,
        name: &str,
        args: &[u8],
    ) -> Option<Result<Vec<u8>, ApiError>> {
        let block = self.items.number.try_get(cx.state).map_or(cx.block, u64::from);
        let view = View { runtime: self, state: cx.state, block };
        view.answer(name, args)
    }
}

/// The state at a block, to be asked.
#[derive(Clone, Copy, Debug)]
struct View<'a> {
    runtime: &'a Runtime,
    state: &'a State,
    block: u64,
}

type Answer = Result<Vec<u8>, ApiError>;
/// Origin and destination as hotkey and netuid, each with its coldkey, and the amount.
type FeeQuestion = (Option<(Account, u16)>, Account, Option<(Account, u16)>, Account, u64);

impl View<'_> {
    fn answer(&self, name: &str, args: &[u8]) -> Option<Answer> {
        let args = Args(args);
        Some(match name {
            "SubnetInfoRuntimeApi_get_metagraph" => args.read(|netuid| self.metagraph(netuid)),
            "SubnetInfoRuntimeApi_get_mechagraph" => {
                args.read(|(netuid, mecid)| self.mechagraph(netuid, mecid))
            }
            "SubnetInfoRuntimeApi_get_all_metagraphs" => args.read(|()| self.all_metagraphs()),
            "SubnetInfoRuntimeApi_get_all_mechagraphs" => args.read(|()| self.all_mechagraphs()),
            "SubnetInfoRuntimeApi_get_selective_metagraph" => {
                args.read(|(netuid, fields): (u16, Vec<u16>)| {
                    self.selective_metagraph(netuid, 0, &fields)
                })
            }
            "SubnetInfoRuntimeApi_get_selective_mechagraph" => {
                args.read(|(netuid, mecid, fields): (u16, u8, Vec<u16>)| {
                    self.selective_metagraph(netuid, mecid, &fields)
                })
            }
            "SubnetInfoRuntimeApi_get_subnet_state" => {
                args.read(|netuid| self.subnet_state(netuid))
            }
            "SubnetInfoRuntimeApi_get_dynamic_info" => {
                args.read(|netuid| self.dynamic_info(netuid))
            }
            "SubnetInfoRuntimeApi_get_all_dynamic_info" => args.read(|()| self.all_dynamic_info()),
            "SubnetInfoRuntimeApi_get_subnet_info" => {
                args.read(|netuid| self.subnet_info(netuid, name))
            }
            "SubnetInfoRuntimeApi_get_subnets_info" => args.read(|()| self.subnets_info(name)),
            "SubnetInfoRuntimeApi_get_subnet_info_v2" => {
                args.read(|netuid| self.subnet_info(netuid, name))
            }
            "SubnetInfoRuntimeApi_get_subnets_info_v2" => args.read(|()| self.subnets_info(name)),
            "SubnetInfoRuntimeApi_get_subnet_hyperparams"
            | "SubnetInfoRuntimeApi_get_subnet_hyperparams_v2" => {
                args.read(|netuid| self.hyperparams(netuid, name))
            }
            "SubnetInfoRuntimeApi_get_subnet_hyperparams_v3" => {
                args.read(|netuid| Ok(self.hyperparams_v3(netuid)))
            }
            "SubnetInfoRuntimeApi_get_coldkey_auto_stake_hotkey" => {
                args.read(|(coldkey, netuid): (Account, u16)| {
                    let items = &self.runtime.items;
                    Ok(items.auto_stake_destination.try_get(self.state, (coldkey, netuid)).encode())
                })
            }
            "SubnetInfoRuntimeApi_get_subnet_to_prune" => {
                args.read(|()| Ok(self.runtime.subnet_to_prune(self.state, self.block).encode()))
            }
            "SubnetInfoRuntimeApi_get_subnet_account_id" => args.read(|netuid| {
                let account = self.exists(netuid).then(|| Runtime::subnet_account(netuid));
                Ok(account.encode())
            }),
            "SubnetInfoRuntimeApi_get_next_epoch_start_block" => {
                args.read(|netuid| Ok(self.runtime.next_epoch_start(self.state, netuid).encode()))
            }
            "SubnetInfoRuntimeApi_get_block_emission" => args.read(|()| Ok(self.block_emission())),
            "SubnetRegistrationRuntimeApi_get_network_registration_cost" => {
                args.read(|()| Ok(self.runtime.network_lock_cost(self.state, self.block).encode()))
            }
            "NeuronInfoRuntimeApi_get_neurons" => args.read(|netuid| self.neurons(netuid, name)),
            "NeuronInfoRuntimeApi_get_neurons_lite" => {
                args.read(|netuid| self.neurons(netuid, name))
            }
            "NeuronInfoRuntimeApi_get_neuron" | "NeuronInfoRuntimeApi_get_neuron_lite" => {
                args.read(|(netuid, uid)| self.neuron(netuid, uid, name))
            }
            "StakeInfoRuntimeApi_get_stake_info_for_coldkey" => {
                args.read(|coldkey| Ok(self.stake_info(&coldkey).encode()))
            }
            "StakeInfoRuntimeApi_get_stake_info_for_coldkeys" => {
                args.read(|coldkeys: Vec<Account>| Ok(self.stake_info_of_all(&coldkeys)))
            }
            "StakeInfoRuntimeApi_get_stake_info_for_hotkey_coldkey_netuid" => {
                args.read(|(hotkey, coldkey, netuid)| {
                    Ok(Some(self.stake_entry(&hotkey, &coldkey, netuid)).encode())
                })
            }
            "StakeInfoRuntimeApi_get_stake_availability_for_coldkeys" => {
                args.read(|(coldkeys, netuids): (Vec<Account>, Option<Vec<u16>>)| {
                    Ok(self.stake_availability(&coldkeys, netuids))
                })
            }
            "StakeInfoRuntimeApi_get_stake_fee" => {
                args.read(|(origin, _, destination, _, amount): FeeQuestion| {
                    Ok(self.stake_fee(origin, destination, amount))
                })
            }
            "StakeInfoRuntimeApi_get_coldkey_lock" => args
                .read(|(coldkey, netuid): (Account, u16)| Ok(self.coldkey_lock(&coldkey, netuid))),
            "StakeInfoRuntimeApi_get_hotkey_conviction" => {
                args.read(|(_, _): (Account, u16)| Ok(0_u128.encode()))
            }
            "SwapRuntimeApi_current_alpha_price" => {
                args.read(|netuid| Ok(self.rao_price(netuid).encode()))
            }
            "SwapRuntimeApi_current_alpha_price_all" => args.read(|()| Ok(self.rao_prices())),
            "SwapRuntimeApi_sim_swap_tao_for_alpha" => {
                args.read(|(netuid, tao)| Ok(self.simulate_buy(netuid, tao)))
            }
            "SwapRuntimeApi_sim_swap_alpha_for_tao" => {
                args.read(|(netuid, alpha)| Ok(self.simulate_sale(netuid, alpha)))
            }
            "ProxyFilterRuntimeApi_get_proxy_types" => args.read(|()| self.proxy_types()),
            "ProxyFilterRuntimeApi_get_proxy_filters" => {
                args.read(|kinds: Option<Vec<u8>>| self.proxy_filters(kinds))
            }
            "DelegateInfoRuntimeApi_get_delegates" => args.read(|()| Ok(self.delegates())),
            "DelegateInfoRuntimeApi_get_delegate" => args.read(|who| Ok(self.delegate(&who))),
            "DelegateInfoRuntimeApi_get_delegated" => args.read(|who| Ok(self.delegated(&who))),
            _ => return None,
        })
    }

    fn exists(&self, netuid: u16) -> bool {
        self.runtime.items.networks_added.get(self.state, netuid)
    }

    /// Field names of the composite that an API returns, inside whatever options and lists it is wrapped in.
    fn fields_of(&self, api: &str) -> Result<Vec<&str>, ApiError> {
        let interface = self.runtime.interface();
        let types = interface.types();
        let mut id = interface.api(api).ok_or(ApiError::Shape)?.output;
        loop {
            match &types.resolve(id).ok_or(ApiError::Shape)?.type_def {
                TypeDef::Composite(composite) => {
                    let names = composite.fields.iter().map(|field| field.name.as_deref());
                    return names.collect::<Option<Vec<&str>>>().ok_or(ApiError::Shape);
                }
                TypeDef::Sequence(sequence) => id = sequence.type_param.id,
                TypeDef::Variant(variant) => {
                    let some = variant.variants.iter().find(|v| v.name == "Some");
                    let field = some.and_then(|v| v.fields.first()).ok_or(ApiError::Shape)?;
                    id = field.ty.id;
                }
                _ => return Err(ApiError::Shape),
            }
        }
    }

    /// A composite from its fields by name.
    fn compose(
        &self,
        fields: &[&str],
        out: &mut Vec<u8>,
        mut field: impl FnMut(&str, &mut Vec<u8>) -> Option<()>,
    ) -> Result<(), ApiError> {
        fields.iter().try_for_each(|name| field(name, out)).ok_or(ApiError::Shape)
    }
}

/// The arguments of a call.
#[derive(Clone, Copy, Debug)]
struct Args<'a>(&'a [u8]);

impl Args<'_> {
    /// Decodes them, all of them, and answers.
    fn read<T: Decode>(self, answer: impl FnOnce(T) -> Answer) -> Answer {
        let mut rest = self.0;
        let args = T::decode(&mut rest).map_err(|_| ApiError::Input)?;
        if rest.is_empty() { answer(args) } else { Err(ApiError::Input) }
    }
}

/// A list of compact numbers, as answers carry columns.
fn compact_list<T: Copy>(values: &[T]) -> Vec<Compact<T>> {
    values.iter().copied().map(Compact).collect()
}
