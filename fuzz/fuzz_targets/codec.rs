//! Bytes from a node that lies: metadata, storage values, events, calls and extrinsics never panic, and
//! a call that decodes encodes to the same bytes.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tensor_chain::codec::Metadata;

static METADATA: LazyLock<Metadata> = LazyLock::new(|| {
    let bytes = include_bytes!("../../crates/tensor-chain/assets/v461.scale");
    Metadata::decode(bytes.as_slice()).unwrap()
});

const ITEMS: [(&str, &str); 6] = [
    ("System", "Account"),
    ("System", "Events"),
    ("Commitments", "CommitmentOf"),
    ("SubtensorModule", "TimelockedWeightCommits"),
    ("SubtensorModule", "SubnetIdentitiesV3"),
    ("Proxy", "Proxies"),
];

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    match kind % 6 {
        0 => {
            let _ = Metadata::decode(data);
        }
        1 => {
            let _ = METADATA.decode_events(data);
        }
        2 => {
            if let Ok(call) = METADATA.decode_call(data) {
                assert_eq!(METADATA.encode_call(&call).unwrap(), data);
            }
        }
        3 => {
            let _ = METADATA.decode_extrinsic(data);
        }
        4 => {
            for (pallet, item) in ITEMS {
                let entry = METADATA.storage(pallet, item).unwrap();
                let _ = entry.decode(data);
                let _ = entry.decode_key(data);
            }
        }
        _ => {
            for (api, method) in [
                ("SubnetInfoRuntimeApi", "get_metagraph"),
                ("SubnetInfoRuntimeApi", "get_subnet_hyperparams_v3"),
                ("StakeInfoRuntimeApi", "get_stake_info_for_coldkey"),
            ] {
                let _ = METADATA.runtime_api(api, method).unwrap().decode(data);
            }
        }
    }
});
