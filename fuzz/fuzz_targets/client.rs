//! A client whose node answers with whatever the fuzzer says: every read and submission ends, with an
//! error or without.
#![no_main]

use std::sync::Mutex;

use futures::executor::block_on;
use futures::{StreamExt, stream};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use subxt::rpcs::Error;
use subxt::rpcs::client::{RawRpcFuture, RawRpcSubscription, RpcClientT};
use tensor_chain::Subtensor;
use tensor_chain::local::{LocalChain, LocalRpc, Sealing};
use tensor_core::{AccountId, Coldkey, Hotkey, MechId, NetUid};

/// A local chain that answers truly until the fuzzer's answers begin.
struct Hostile {
    inner: LocalRpc,
    honest: Mutex<usize>,
    answers: Mutex<Vec<Box<RawValue>>>,
}

impl Hostile {
    fn next(&self) -> Option<Box<RawValue>> {
        let mut honest = self.honest.lock().unwrap();
        if *honest > 0 {
            *honest -= 1;
            return None;
        }
        self.answers.lock().unwrap().pop()
    }
}

impl RpcClientT for Hostile {
    fn request_raw<'a>(
        &'a self,
        method: &'a str,
        params: Option<Box<RawValue>>,
    ) -> RawRpcFuture<'a, Box<RawValue>> {
        match self.next() {
            Some(answer) => Box::pin(async { Ok(answer) }),
            None => self.inner.request_raw(method, params),
        }
    }

    fn subscribe_raw<'a>(
        &'a self,
        _: &'a str,
        _: Option<Box<RawValue>>,
        _: &'a str,
    ) -> RawRpcFuture<'a, RawRpcSubscription> {
        let items: Vec<Result<_, Error>> = std::iter::from_fn(|| self.next()).map(Ok).collect();
        Box::pin(async { Ok(RawRpcSubscription { stream: stream::iter(items).boxed(), id: None }) })
    }
}

fuzz_target!(|data: (u8, Vec<String>)| {
    let (honest, answers) = data;
    let answers: Vec<_> =
        answers.into_iter().filter_map(|text| RawValue::from_string(text).ok()).collect();
    let Ok(chain) = LocalChain::builder().sealing(Sealing::Instant).build() else { return };
    let hostile = Hostile {
        inner: chain.rpc(),
        honest: Mutex::new(3 + usize::from(honest % 16)),
        answers: Mutex::new(answers),
    };
    block_on(async {
        let Ok(client) = Subtensor::from_rpc(hostile).await else { return };
        let (hotkey, coldkey) = (Hotkey::from_bytes([1; 32]), Coldkey::from_bytes([2; 32]));
        let netuid = NetUid::new(1);
        let _ = client.balance(&AccountId::from_bytes([1; 32])).await;
        let _ = client.metagraph(netuid).await;
        let _ = client.subnets().await;
        let _ = client.hyperparameters(netuid).await;
        let _ = client.stake_for_coldkey(&coldkey).await;
        let _ = client.weights(netuid, MechId::new(0)).await;
        let _ = client.commitments(netuid).await;
        let _ = client.hotkey_owner(&hotkey).await;
        let _ = client.block().await;
        let _ = client.events().await;
        let mut heads = client.headers();
        for _ in 0..4 {
            let _ = heads.next().await;
        }
    });
});
