//! A line for every block: what it is and what is in it.

use std::future::Future;

use futures::StreamExt;
use serde_json::{Value, json};
use tensor_chain::local::{LocalChain, extrinsic::Extrinsic};

/// Writes a line on standard error for every block from this call on, until the chain's subscriptions
/// are closed.
pub(super) fn blocks(chain: LocalChain, as_json: bool) -> impl Future<Output = ()> + Send {
    let heads = chain.rpc().subscribe("chain_subscribeNewHeads", None);
    async move {
        let Ok(mut heads) = heads else { return };
        while let Some(head) = heads.next().await {
            let Some(number) = number(head.get()) else { continue };
            eprintln!("{}", line(&chain, number, as_json));
        }
    }
}

/// The height in a header's JSON.
fn number(head: &str) -> Option<u64> {
    let head: Value = serde_json::from_str(head).ok()?;
    u64::from_str_radix(head["number"].as_str()?.strip_prefix("0x")?, 16).ok()
}

fn line(chain: &LocalChain, number: u64, as_json: bool) -> String {
    let hash = hex::encode(chain.block_hash(number).unwrap_or_default());
    let calls = calls(chain, number);
    if as_json {
        return json!({ "block": number, "hash": format!("0x{hash}"), "calls": calls }).to_string();
    }
    let mut line = format!("block {number} 0x{}", &hash[..16]);
    for call in calls {
        line.push(' ');
        line.push_str(&call);
    }
    line
}

/// The calls that were signed and included, by name.
fn calls(chain: &LocalChain, number: u64) -> Vec<String> {
    let interface = chain.interface();
    let extrinsics = chain.extrinsics(number).unwrap_or_default();
    // The first is the time.
    let signed = extrinsics.iter().skip(1);
    signed
        .map(|bytes| {
            let extrinsic = Extrinsic::decode(bytes, &interface).ok();
            let name = extrinsic.as_ref().and_then(|extrinsic| {
                let (pallet, call, _) = extrinsic.call_parts()?;
                let name = &interface.call_by_index(pallet, call)?.name;
                Some(format!("{}.{name}", interface.pallet_by_index(pallet)?.name))
            });
            // An upgrade may have come in between.
            name.unwrap_or_else(|| "?".to_owned())
        })
        .collect()
}
