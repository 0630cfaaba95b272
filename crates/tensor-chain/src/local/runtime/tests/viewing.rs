//! What the runtime APIs answer, on a subnet with neurons, weights and stake.

use parity_scale_codec::{Compact, Decode, Encode};

use super::{Bench, Ruleset, UNIT, account};
use crate::local::runtime::ApiError;

/// A subnet that has run an epoch with votes.
fn busy() -> Bench {
    let mut bench = Bench::new(Ruleset::V461);
    bench.fund(&account("author"), UNIT);
    bench.subnet(2, 1_000 * UNIT, 1_000 * UNIT, 10);
    bench.seat(2, &account("owner"), &account("owner-hot"));
    bench.seat(2, &account("vali"), &account("vali-hot"));
    bench.seat(2, &account("miner"), &account("miner-hot"));
    bench.give_stake(&account("vali-hot"), &account("vali"), 2, 1_000 * UNIT);
    bench.give_stake(&account("vali-hot"), &account("vali"), 0, 10 * UNIT);
    bench.run(|runtime, cx| {
        let items = &runtime.items;
        items.first_emission_block.set(cx.state, 2, &1);
        items.network_registration_allowed.set(cx.state, 2, &true);
        items.stake_threshold.set(cx.state, &0);
        items.root_claimable_threshold.set(cx.state, 2, &1);
    });
    bench.advance(11);
    let vote = (2_u16, vec![2_u16], vec![u16::MAX], 0_u64);
    bench.call(&account("vali-hot"), "set_weights", vote).unwrap();
    let axon = (2_u16, 7_u32, 134_744_072_u128, 8_091_u16, 4_u8, 0_u8, 0_u8, 0_u8);
    bench.call(&account("miner-hot"), "serve_axon", axon).unwrap();
    bench.advance(11);
    bench
}

fn ask(bench: &mut Bench, name: &str, args: &impl Encode) -> Vec<u8> {
    let args = args.encode();
    bench.run(|runtime, cx| runtime.call_api(cx, name, &args).unwrap().unwrap())
}

/// All modelled APIs with arguments.
fn questions() -> Vec<(&'static str, Vec<u8>)> {
    let (hot, cold) = (account("vali-hot"), account("vali"));
    let some_fields: Vec<u16> = (0..80).collect();
    vec![
        ("ProxyFilterRuntimeApi_get_proxy_types", vec![]),
        ("ProxyFilterRuntimeApi_get_proxy_filters", None::<Vec<u8>>.encode()),
        ("ProxyFilterRuntimeApi_get_proxy_filters", Some(vec![0_u8, 11]).encode()),
        ("SubnetInfoRuntimeApi_get_metagraph", 2_u16.encode()),
        ("SubnetInfoRuntimeApi_get_metagraph", 99_u16.encode()),
        ("SubnetInfoRuntimeApi_get_mechagraph", (2_u16, 0_u8).encode()),
        ("SubnetInfoRuntimeApi_get_all_metagraphs", vec![]),
        ("SubnetInfoRuntimeApi_get_all_mechagraphs", vec![]),
        ("SubnetInfoRuntimeApi_get_selective_metagraph", (2_u16, &some_fields).encode()),
        ("SubnetInfoRuntimeApi_get_selective_metagraph", (2_u16, vec![0_u16, 52, 59]).encode()),
        ("SubnetInfoRuntimeApi_get_selective_mechagraph", (2_u16, 0_u8, &some_fields).encode()),
        ("SubnetInfoRuntimeApi_get_subnet_state", 2_u16.encode()),
        ("SubnetInfoRuntimeApi_get_dynamic_info", 2_u16.encode()),
        ("SubnetInfoRuntimeApi_get_dynamic_info", 0_u16.encode()),
        ("SubnetInfoRuntimeApi_get_all_dynamic_info", vec![]),
        ("SubnetInfoRuntimeApi_get_subnet_info", 2_u16.encode()),
        ("SubnetInfoRuntimeApi_get_subnets_info", vec![]),
        ("SubnetInfoRuntimeApi_get_subnet_info_v2", 2_u16.encode()),
        ("SubnetInfoRuntimeApi_get_subnets_info_v2", vec![]),
        ("SubnetInfoRuntimeApi_get_subnet_hyperparams", 2_u16.encode()),
        ("SubnetInfoRuntimeApi_get_subnet_hyperparams_v2", 2_u16.encode()),
        ("SubnetInfoRuntimeApi_get_subnet_hyperparams_v3", 2_u16.encode()),
        ("SubnetInfoRuntimeApi_get_coldkey_auto_stake_hotkey", (cold, 2_u16).encode()),
        ("SubnetInfoRuntimeApi_get_subnet_to_prune", vec![]),
        ("SubnetInfoRuntimeApi_get_subnet_account_id", 2_u16.encode()),
        ("SubnetInfoRuntimeApi_get_next_epoch_start_block", 2_u16.encode()),
        ("SubnetInfoRuntimeApi_get_block_emission", vec![]),
        ("SubnetRegistrationRuntimeApi_get_network_registration_cost", vec![]),
        ("NeuronInfoRuntimeApi_get_neurons", 2_u16.encode()),
        ("NeuronInfoRuntimeApi_get_neurons_lite", 2_u16.encode()),
        ("NeuronInfoRuntimeApi_get_neuron", (2_u16, 1_u16).encode()),
        ("NeuronInfoRuntimeApi_get_neuron", (2_u16, 9_u16).encode()),
        ("NeuronInfoRuntimeApi_get_neuron_lite", (2_u16, 1_u16).encode()),
        ("StakeInfoRuntimeApi_get_stake_info_for_coldkey", cold.encode()),
        ("StakeInfoRuntimeApi_get_stake_info_for_coldkeys", vec![cold, hot].encode()),
        (
            "StakeInfoRuntimeApi_get_stake_info_for_hotkey_coldkey_netuid",
            (hot, cold, 2_u16).encode(),
        ),
        (
            "StakeInfoRuntimeApi_get_stake_availability_for_coldkeys",
            (vec![cold], None::<Vec<u16>>).encode(),
        ),
        (
            "StakeInfoRuntimeApi_get_stake_fee",
            (Some((hot, 2_u16)), cold, None::<([u8; 32], u16)>, cold, UNIT).encode(),
        ),
        ("StakeInfoRuntimeApi_get_coldkey_lock", (cold, 2_u16).encode()),
        ("StakeInfoRuntimeApi_get_hotkey_conviction", (hot, 2_u16).encode()),
        ("SwapRuntimeApi_current_alpha_price", 2_u16.encode()),
        ("SwapRuntimeApi_current_alpha_price_all", vec![]),
        ("SwapRuntimeApi_sim_swap_tao_for_alpha", (2_u16, UNIT).encode()),
        ("SwapRuntimeApi_sim_swap_alpha_for_tao", (2_u16, UNIT).encode()),
        ("DelegateInfoRuntimeApi_get_delegates", vec![]),
        ("DelegateInfoRuntimeApi_get_delegate", hot.encode()),
        ("DelegateInfoRuntimeApi_get_delegated", cold.encode()),
    ]
}

#[test]
fn every_answer_is_of_its_type() {
    let mut bench = busy();
    bench.check();
    for (name, args) in questions() {
        let answer = bench.run(|runtime, cx| runtime.call_api(cx, name, &args));
        let answer = answer.unwrap_or_else(|| panic!("{name} is not answered"));
        let answer = answer.unwrap_or_else(|error| panic!("{name}: {error}"));
        let interface = bench.runtime.interface();
        let output = interface.api(name).unwrap().output;
        assert!(interface.is_value(output, &answer), "{name}: {} bytes", answer.len());
    }
}

#[test]
fn arguments_that_do_not_fit_are_refused() {
    let mut bench = busy();
    let name = "SubnetInfoRuntimeApi_get_metagraph";
    for args in [&[][..], &[1], &[1, 0, 0]] {
        let answer = bench.run(|runtime, cx| runtime.call_api(cx, name, args));
        assert_eq!(answer, Some(Err(ApiError::Input)));
    }
    let unknown = bench.run(|runtime, cx| runtime.call_api(cx, "NoApi_at_all", &[]));
    assert_eq!(unknown, None);
}

#[test]
fn prices_and_simulations_agree_with_trades() {
    let mut bench = busy();
    let cold = account("buyer");
    bench.fund(&cold, 100 * UNIT);
    let simulated = ask(&mut bench, "SwapRuntimeApi_sim_swap_tao_for_alpha", &(2_u16, 10 * UNIT));
    let (_, alpha) = <(u64, u64)>::decode(&mut &simulated[..]).unwrap();
    let hot = account("vali-hot");
    bench.call(&cold, "add_stake", (hot, 2_u16, 10 * UNIT)).unwrap();
    assert!(alpha.abs_diff(bench.stake(&hot, &cold, 2)) <= 1);
    let price = ask(&mut bench, "SwapRuntimeApi_current_alpha_price", &2_u16);
    let price = u64::decode(&mut &price[..]).unwrap();
    let (tao, alpha) = bench.pool(2);
    assert!(
        price.abs_diff((u128::from(tao) * u128::from(UNIT) / u128::from(alpha)) as u64) < UNIT / 50
    );
}

#[test]
fn a_staker_sees_its_stake() {
    let mut bench = busy();
    let (hot, cold) = (account("vali-hot"), account("vali"));
    let args = (hot, cold, 2_u16);
    let answer =
        ask(&mut bench, "StakeInfoRuntimeApi_get_stake_info_for_hotkey_coldkey_netuid", &args);
    type Entry = ([u8; 32], [u8; 32], Compact<u16>, Compact<u64>);
    let (_, (hotkey, coldkey, netuid, stake)) = <(u8, Entry)>::decode(&mut &answer[..]).unwrap();
    assert_eq!((hotkey, coldkey, netuid.0), (hot, cold, 2));
    assert_eq!(stake.0, bench.stake(&hot, &cold, 2));
    let next = ask(&mut bench, "SubnetInfoRuntimeApi_get_next_epoch_start_block", &2_u16);
    let next = <Option<u64>>::decode(&mut &next[..]).unwrap().unwrap();
    let index = bench.runtime.items.subnet_epoch_index.get(&bench.state, 2);
    bench.advance(next - bench.block - 1);
    assert_eq!(bench.runtime.items.subnet_epoch_index.get(&bench.state, 2), index);
    bench.next();
    assert_eq!(bench.runtime.items.subnet_epoch_index.get(&bench.state, 2), index + 1);
}

#[test]
fn proxy_types_tell_what_they_allow() {
    type Info = (Vec<u8>, u8, Vec<u8>, u8, Option<(u8, Vec<u8>, u128)>);
    let mut bench = Bench::new(Ruleset::V461);
    let types = ask(&mut bench, "ProxyFilterRuntimeApi_get_proxy_types", &());
    let types = Vec::<(Vec<u8>, u8, bool)>::decode(&mut &types[..]).unwrap();
    assert_eq!(types.len(), 19);
    assert_eq!(types[8], (b"Staking".to_vec(), 8, false));
    assert!(types[4].2, "the senate is gone");
    let small = ask(&mut bench, "ProxyFilterRuntimeApi_get_proxy_filters", &Some(vec![11_u8]));
    let small = Vec::<(u8, Vec<u8>, bool, u8, Vec<Info>)>::decode(&mut &small[..]).unwrap();
    let [(11, name, false, 1, calls)] = &small[..] else { panic!("{small:?}") };
    assert_eq!(name, b"SmallTransfer");
    let limit = |param: &str| Some((0, param.as_bytes().to_vec(), 500_000_000));
    let named = |call: &str| calls.iter().find(|info| info.2 == call.as_bytes()).unwrap().4.clone();
    assert_eq!(calls.len(), 3);
    assert_eq!(named("transfer_keep_alive"), limit("value"));
    assert_eq!(named("transfer_stake"), limit("alpha_amount"));
}
