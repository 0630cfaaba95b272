//! What a call does to money, subnets and control: [`Effects`].

use tensor_core::call::{Call, Value};
use tensor_core::{NetUid, Tao};

use super::netuids;

/// What a call does, as far as a guard needs to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Effects {
    /// The TAO that leaves the account by it.
    pub spends: Vec<Spend>,
    /// The subnets it names.
    pub netuids: Vec<NetUid>,
    /// Whether it may touch every subnet.
    pub all_subnets: bool,
    /// Whether alpha goes to another owner or is destroyed.
    pub alpha_leaves: bool,
    /// Whether somebody else may act for the account afterwards, or takes it over.
    pub gives_control: bool,
    /// Whether it acts as root.
    pub as_root: bool,
    /// What a careful person would want to know.
    pub warnings: Vec<String>,
}

/// TAO that leaves an account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Spend {
    /// This amount.
    Exactly(Tao),
    /// The price of a slot in the subnet, as it is then.
    Burn(NetUid),
    /// The price of a subnet, as it is then.
    NetworkLock,
    /// A constant of the runtime, such as a deposit.
    Constant(&'static str, &'static str),
    /// All there is.
    Everything,
}

/// Calls that move nothing, give nothing away, and whose subnets stand in their arguments.
const HARMLESS: &[(&str, &[&str])] = &[
    (
        "SubtensorModule",
        &[
            "set_weights",
            "set_mechanism_weights",
            "batch_set_weights",
            "commit_weights",
            "batch_commit_weights",
            "commit_mechanism_weights",
            "reveal_weights",
            "reveal_mechanism_weights",
            "batch_reveal_weights",
            "commit_timelocked_weights",
            "commit_timelocked_mechanism_weights",
            "commit_crv3_mechanism_weights",
            "serve_axon",
            "serve_axon_tls",
            "serve_prometheus",
            "increase_take",
            "decrease_take",
            "set_children",
            "set_childkey_take",
            "set_identity",
            "set_subnet_identity",
            "start_call",
            "remove_stake",
            "remove_stake_limit",
            "remove_stake_full_limit",
            "move_stake",
            "move_stake_limit",
            "swap_stake",
            "swap_stake_limit",
            "swap_basket",
            "swap_basket_many",
            "lock_stake",
            "move_lock",
            "set_perpetual_lock",
            "set_reject_locked_alpha",
            "set_min_collateral",
            "add_collateral",
            "set_coldkey_auto_stake_hotkey",
            "try_associate_hotkey",
            "associate_evm_key",
            "claim_root",
            "claim_root_with_hotkey",
            "set_tempo",
            "trigger_epoch",
            "update_symbol",
            "clear_coldkey_swap_announcement",
            "dispute_coldkey_swap",
            "terminate_lease",
        ],
    ),
    ("Commitments", &["set_commitment"]),
    (
        "Proxy",
        &[
            "remove_proxy",
            "remove_proxies",
            "announce",
            "remove_announcement",
            "reject_announcement",
        ],
    ),
    ("Multisig", &["cancel_as_multi"]),
    (
        "Crowdloan",
        &[
            "withdraw",
            "finalize",
            "refund",
            "dissolve",
            "update_cap",
            "update_end",
            "update_min_contribution",
            "set_max_contribution",
        ],
    ),
    ("System", &["remark", "remark_with_event"]),
    ("EVM", &["withdraw"]),
];

impl Effects {
    /// What the call does; `None` when this crate does not know it, or cannot read its arguments.
    pub fn of(call: &Call) -> Option<Self> {
        let mut effects = Self::default();
        for (name, value) in &call.args {
            effects.netuids.extend(netuids(name, value));
        }
        effects.read(call)?;
        effects.netuids.sort_unstable();
        effects.netuids.dedup();
        Some(effects)
    }

    fn read(&mut self, call: &Call) -> Option<()> {
        match (call.pallet.as_str(), call.name.as_str()) {
            ("Balances", "transfer_keep_alive" | "transfer_allow_death") => {
                self.spend(call, "value")?;
                if call.name == "transfer_allow_death" {
                    self.warn("the account may be left empty and be removed");
                }
            }
            ("Balances", "transfer_all") => {
                self.spends.push(Spend::Everything);
                self.warn("it sends all there is");
            }
            ("Balances", "burn") => {
                self.spend(call, "value")?;
                self.warn("it destroys the amount");
            }
            ("SubtensorModule", "add_stake" | "add_stake_limit") => {
                self.spend(call, "amount_staked")?;
                if call.name == "add_stake" {
                    self.warn("there is no price limit: the pool may give much less than expected");
                }
            }
            ("SubtensorModule", "add_stake_burn") => {
                self.spend(call, "amount")?;
                self.warn("the stake that it buys is burned");
            }
            ("SubtensorModule", "stake_into_basket") => self.spend(call, "amount_staked")?,
            ("SubtensorModule", "burned_register") => {
                let netuid = *self.netuids.first()?;
                self.spends.push(Spend::Burn(netuid));
            }
            ("SubtensorModule", "register_limit") => self.spend(call, "limit_price")?,
            ("SubtensorModule", "root_register") => {
                self.spends.push(Spend::Burn(NetUid::ROOT));
                self.netuids.push(NetUid::ROOT);
            }
            ("SubtensorModule", "register" | "pow_register") => {}
            (
                "SubtensorModule",
                "register_network" | "register_network_with_identity" | "register_leased_network",
            ) => {
                self.spends.push(Spend::NetworkLock);
                self.all_subnets = true;
                self.warn("the price of a subnet is locked and may be higher by then");
            }
            ("SubtensorModule", "unstake_all" | "unstake_all_alpha") => {
                self.all_subnets = true;
                self.warn("there is no price limit");
            }
            ("SubtensorModule", "transfer_stake" | "transfer_stake_and_hotkey") => {
                self.alpha_leaves = true;
            }
            ("SubtensorModule", "burn_alpha" | "recycle_alpha") => {
                self.alpha_leaves = true;
                self.warn("it destroys the stake");
            }
            ("SubtensorModule", "swap_hotkey" | "swap_hotkey_v2") => {
                self.spends.push(Spend::Constant("SubtensorModule", "KeySwapCost"));
                self.all_subnets = self.netuids.is_empty();
                self.warn("the old hotkey loses its slots");
            }
            ("SubtensorModule", "announce_coldkey_swap" | "swap_coldkey_announced") => {
                self.all_subnets = true;
                self.gives_control = true;
                self.warn("everything goes to another coldkey");
            }
            ("Proxy", "add_proxy") => {
                self.spends.push(Spend::Constant("Proxy", "ProxyDepositBase"));
                self.spends.push(Spend::Constant("Proxy", "ProxyDepositFactor"));
                self.gives_control = true;
                self.warn("the delegate may act for this account");
            }
            ("Proxy", "create_pure") => {
                self.spends.push(Spend::Constant("Proxy", "ProxyDepositBase"));
                self.spends.push(Spend::Constant("Proxy", "ProxyDepositFactor"));
            }
            ("Proxy", "kill_pure") => {
                self.warn("what the proxy account still holds is lost");
                self.spends.push(Spend::Everything);
            }
            ("Proxy", "proxy" | "proxy_announced") => self.nested(call, "call")?,
            ("Multisig", "as_multi" | "as_multi_threshold_1") => {
                self.nested(call, "call")?;
                if call.name == "as_multi" {
                    self.spends.push(Spend::Constant("Multisig", "DepositBase"));
                }
            }
            // Only the hash is there: what it approves cannot be seen.
            ("Multisig", "approve_as_multi") => return None,
            ("Utility", "batch" | "batch_all" | "force_batch") => self.nested(call, "calls")?,
            ("Sudo", "sudo") => {
                self.nested(call, "call")?;
                self.as_root = true;
            }
            ("AdminUtils", _) => {}
            ("SubtensorModule", name) if name.starts_with("sudo_") => {}
            ("Crowdloan", "create") => {
                self.spend(call, "deposit")?;
                if let Some(Value::Option(Some(_))) = argument(call, "call") {
                    // A call that runs later, with the raised funds.
                    self.gives_control = true;
                }
            }
            ("Crowdloan", "contribute") => self.spend(call, "amount")?,
            (pallet, name) => {
                let known =
                    HARMLESS.iter().any(|(known, names)| *known == pallet && names.contains(&name));
                return known.then_some(());
            }
        }
        Some(())
    }

    fn spend(&mut self, call: &Call, name: &str) -> Option<()> {
        let amount = argument(call, name)?.as_u64()?;
        self.spends.push(Spend::Exactly(Tao::from_rao(amount)));
        Some(())
    }

    fn nested(&mut self, call: &Call, name: &str) -> Option<()> {
        let calls: Vec<&Call> = match argument(call, name)? {
            Value::Call(inner) => vec![inner],
            Value::List(all) => {
                let calls = all.iter().map(|value| match value {
                    Value::Call(call) => Some(&**call),
                    _ => None,
                });
                calls.collect::<Option<_>>()?
            }
            _ => return None,
        };
        for inner in calls {
            let inner = Self::of(inner)?;
            self.spends.extend(inner.spends);
            self.netuids.extend(inner.netuids);
            self.all_subnets |= inner.all_subnets;
            self.alpha_leaves |= inner.alpha_leaves;
            self.gives_control |= inner.gives_control;
            self.as_root |= inner.as_root;
            self.warnings.extend(inner.warnings);
        }
        Some(())
    }

    fn warn(&mut self, warning: &str) {
        self.warnings.push(warning.to_owned());
    }
}

fn argument<'a>(call: &'a Call, name: &str) -> Option<&'a Value> {
    call.args.iter().find_map(|(known, value)| (known == name).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tensor_core::AccountId;

    fn transfer(rao: u64) -> Call {
        Call::new("Balances", "transfer_keep_alive")
            .arg("dest", AccountId::from_bytes([1; 32]))
            .arg("value", rao)
    }

    #[test]
    fn nested_calls_count() {
        let batch = Call::new("Utility", "batch_all").arg("calls", vec![transfer(3), transfer(4)]);
        let sudo = Call::new("Sudo", "sudo").arg("call", batch);
        let effects = Effects::of(&sudo).unwrap();
        let spends = [3, 4].map(|rao| Spend::Exactly(Tao::from_rao(rao)));
        assert_eq!(effects.spends, spends);
        assert!(effects.as_root);
    }

    #[test]
    fn what_is_not_known_has_no_effects() {
        assert_eq!(Effects::of(&Call::new("Voting", "vote")), None);
        let hidden = Call::new("Utility", "batch").arg("calls", vec![Call::new("Voting", "vote")]);
        assert_eq!(Effects::of(&hidden), None);
        assert_eq!(Effects::of(&Call::new("Balances", "transfer_keep_alive")), None);
    }

    #[test]
    fn subnets_are_read_from_the_arguments() {
        let call = Call::new("SubtensorModule", "swap_stake")
            .arg("hotkey", AccountId::from_bytes([1; 32]))
            .arg("origin_netuid", NetUid::new(7))
            .arg("destination_netuid", NetUid::new(3))
            .arg("alpha_amount", 1u64);
        assert_eq!(Effects::of(&call).unwrap().netuids, [NetUid::new(3), NetUid::new(7)]);
    }
}
