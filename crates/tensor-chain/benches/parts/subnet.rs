//! A subnet out of nothing, for benches: written into storage, so that a large one costs no registrations.

use parity_scale_codec::Encode;
use tensor_chain::local::LocalChain;

/// Who owns the neurons.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Coldkeys {
    /// Each has a coldkey of its own, as most do.
    OneEach,
    /// One coldkey owns them all: its lists of hotkeys are as long as the network.
    OneForAll,
}

/// A running subnet of that many neurons: all have stake, the first 64 have weights on everybody.
pub(crate) fn set_up_subnet(
    chain: &LocalChain,
    number: u16,
    count: u16,
    tempo: u16,
    coldkeys: Coldkeys,
) {
    let netuid = number.encode();
    let set = |item: &str, keys: &[&[u8]], value: Vec<u8>| {
        chain.set_storage("SubtensorModule", item, keys, Some(&value)).unwrap();
    };
    let all = usize::from(count);
    set("SubnetworkN", &[&netuid], count.encode());
    for uid in 0..count {
        let mut hotkey = [1; 32];
        hotkey[..2].copy_from_slice(&uid.to_le_bytes());
        hotkey[2..4].copy_from_slice(&netuid);
        let (key, uid_key) = (hotkey.to_vec(), uid.encode());
        set("Keys", &[&netuid, &uid_key], key.clone());
        set("Uids", &[&netuid, &key], uid.encode());
        let mut coldkey = match coldkeys {
            Coldkeys::OneEach => hotkey,
            Coldkeys::OneForAll => [1; 32],
        };
        coldkey[31] = 2;
        set("Owner", &[&key], coldkey.to_vec());
        set("IsNetworkMember", &[&key, &netuid], vec![1]);
        set("BlockAtRegistration", &[&netuid, &uid_key], 0u64.encode());
        let stake = 1_000_000_000u64 * u64::from(uid % 64 + 1);
        set("TotalHotkeyAlpha", &[&key, &netuid], stake.encode());
        if uid < 64 {
            let weights: Vec<(u16, u16)> = (0..count).map(|to| (to, 1_000 + to * 13)).collect();
            set("Weights", &[&netuid, &uid_key], weights.encode());
        }
    }
    set("Active", &[&netuid], vec![true; all].encode());
    set("ValidatorPermit", &[&netuid], (0..all).map(|uid| uid < 64).collect::<Vec<_>>().encode());
    set("LastUpdate", &[&netuid], vec![1u64; all].encode());
    set("Emission", &[&netuid], vec![0u64; all].encode());
    for item in ["Consensus", "Incentive", "Dividends", "ValidatorTrust", "StakeWeight"] {
        set(item, &[&netuid], vec![0u16; all].encode());
    }
    set("FirstEmissionBlockNumber", &[&netuid], 1u64.encode());
    set("SubtokenEnabled", &[&netuid], vec![1]);
    set("Tempo", &[&netuid], tempo.encode());
    set("CommitRevealWeightsEnabled", &[&netuid], vec![0]);
    set("NetworksAdded", &[&netuid], vec![1]);
    set("SubnetMechanism", &[&netuid], 1u16.encode());
    for item in ["SubnetTAO", "SubnetAlphaIn", "SubnetAlphaOut"] {
        set(item, &[&netuid], 1_000_000_000_000u64.encode());
    }
}
