//! JSON-RPC from strangers: any method with any parameters gets an answer or an error, never a panic.
#![no_main]

use futures::executor::block_on;
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use subxt::rpcs::RpcClientT as _;
use tensor_chain::local::{LocalChain, LocalRpc};

thread_local! {
    static RPC: (LocalRpc, Vec<String>) = {
        let rpc = LocalChain::builder().build().expect("the bundled interface is sound").rpc();
        let methods = block_on(rpc.request_raw("rpc_methods", None)).expect("methods are listed");
        let methods: serde_json::Value = serde_json::from_str(methods.get()).expect("JSON");
        let names = methods["methods"].as_array().into_iter().flatten();
        (rpc.clone(), names.filter_map(|name| name.as_str().map(str::to_owned)).collect())
    };
}

fuzz_target!(|input: (u8, &str)| {
    let (choice, params) = input;
    let Ok(params) = RawValue::from_string(params.to_owned()) else { return };
    RPC.with(|(rpc, methods)| {
        let method = &methods[usize::from(choice) % methods.len()];
        let _ = block_on(rpc.request_raw(method, Some(params.clone())));
    });
});
