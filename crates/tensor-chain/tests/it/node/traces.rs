//! Everything that the official clients were recorded to ask of a node, asked here in the same order: each
//! answer has the shape that a node gives it.

use std::collections::BTreeSet;

use futures::{FutureExt, StreamExt};
use parity_scale_codec::Encode;
use scale_info::{TypeDef, TypeDefPrimitive};
use serde_json::{Value, json, value::to_raw_value};
use tensor_chain::local::{Interface, LocalChain, RpcError, Sealing};

use super::asking::hex;
use super::signing::{Transaction, keypair, transfer};

const TRACES: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../testdata/chain/client-rpc-traces.json"
));

#[test]
fn every_recorded_question_is_answered_in_its_shape() {
    let traces: Value = serde_json::from_str(TRACES).unwrap();
    let mut asked = BTreeSet::new();
    for (client, operations) in traces.as_object().unwrap() {
        for (operation, steps) in operations.as_object().unwrap() {
            let replay = Replay::new();
            for step in steps.as_array().unwrap() {
                let (what, times) = repeated(step.as_str().unwrap());
                for _ in 0..times {
                    if let Err(problem) = replay.step(what) {
                        panic!("{client}, {operation}, {what}: {problem}");
                    }
                }
                asked.insert(what.to_owned());
            }
        }
    }
    assert!(asked.len() > 120, "{} kinds of question", asked.len());
}

/// `chain_getHeader x3` is asked thrice.
fn repeated(step: &str) -> (&str, usize) {
    let times = step.rsplit_once(" x").and_then(|(what, n)| Some((what, n.parse().ok()?)));
    times.unwrap_or((step, 1))
}

/// A chain, asked by one client.
struct Replay {
    chain: LocalChain,
    interface: std::sync::Arc<Interface>,
}

impl Replay {
    fn new() -> Self {
        let chain = LocalChain::builder().sealing(Sealing::Instant).build().unwrap();
        chain.advance(3);
        let interface = chain.interface();
        Self { chain, interface }
    }

    fn step(&self, step: &str) -> Result<(), String> {
        let (method, what) = step.split_once(' ').unwrap_or((step, ""));
        match method {
            // Not served and not listed: clients that know both kinds take the other one.
            _ if ["chainHead_", "chainSpec_", "transactionWatch_"]
                .iter()
                .any(|new| method.starts_with(new)) =>
            {
                let refused = self.ask(method, json!([])).expect_err("it is not served");
                check(refused.code == -32_601, &json!(refused.to_string()))
            }
            // The transport ends subscriptions; that it can stands in the list of methods.
            _ if method.contains("unsubscribe") || method.contains("unwatch") => {
                let listed = self.ask("rpc_methods", json!([])).map_err(|e| e.to_string())?;
                let methods = listed["methods"].as_array().ok_or("no list")?;
                check(methods.contains(&json!(method)), &json!(method))
            }
            "state_call" => self.api(what),
            "state_getStorage" | "state_getStorageAt" => {
                let (pallet, item) = named(what);
                let value = self.result(method, json!([hex(&self.key(pallet, item)), null]))?;
                self.stored(pallet, item, &value)
            }
            "state_queryStorageAt" => self.query(what),
            "state_getKeys" | "state_getKeysPaged" => self.keys(method, what),
            "state_subscribeStorage" => {
                let keys = what.split(',').map(|one| named(one.split('*').next().unwrap_or(one)));
                let keys: Vec<_> = keys.map(|(p, i)| hex(&self.key(p, i))).collect();
                let first = self.first(method, json!([keys]))?;
                let changes = first["changes"].as_array().map(Vec::len);
                check(is_hash(&first["block"]) && changes == Some(keys.len()), &first)
            }
            "author_submitExtrinsic" | "author_submitAndWatchExtrinsic" => {
                self.submit(method, what.trim_start_matches("=> "))
            }
            _ if method.contains("subscribe") => {
                let first = self.first(method, json!([]))?;
                match method {
                    "state_subscribeRuntimeVersion" => version(&first),
                    _ => header(&first),
                }
            }
            _ => self.plain(method),
        }
    }

    /// Methods whose answer has one shape.
    fn plain(&self, method: &str) -> Result<(), String> {
        let alice = keypair("//Alice").account_id().to_string();
        let params = match method {
            "account_nextIndex" => json!([alice]),
            "chain_getBlockHash" => json!([0]),
            _ => json!([]),
        };
        let answer = self.result(method, params)?;
        match method {
            "chain_getBlockHash" | "chain_getHead" | "chain_getFinalizedHead" => {
                check(is_hash(&answer), &answer)
            }
            "chain_getHeader" => header(&answer),
            "chain_getBlock" => {
                header(&answer["block"]["header"])?;
                let extrinsics = answer["block"]["extrinsics"].as_array();
                let bytes = extrinsics.is_some_and(|all| all.iter().all(is_hex));
                check(bytes && answer["justifications"].is_null(), &answer)
            }
            "state_getRuntimeVersion" => version(&answer),
            "rpc_methods" => {
                let methods = answer["methods"].as_array();
                check(methods.is_some_and(|all| all.iter().all(Value::is_string)), &answer)
            }
            "account_nextIndex" => check(answer.is_u64(), &answer),
            "system_chain" => check(answer.is_string(), &answer),
            "system_chainType" => check(answer.is_string() || answer.is_object(), &answer),
            "system_properties" => {
                let expected =
                    json!({ "ss58Format": 42, "tokenDecimals": 9, "tokenSymbol": "TAO" });
                let fields = expected.as_object().unwrap();
                check(fields.iter().all(|(name, value)| answer[name] == *value), &answer)
            }
            other => Err(format!("{other} has no shape here")),
        }
    }

    fn api(&self, name: &str) -> Result<(), String> {
        let method = self.interface.api(name).ok_or("the interface has no such API")?;
        let args = match name {
            "Metadata_metadata_at_version" => 15u32.encode(),
            "TransactionPaymentApi_query_info" => {
                let mut bytes = self.signed(&transfer(&keypair("//Bob"), 1));
                let length = u32::try_from(bytes.len()).unwrap();
                length.encode_to(&mut bytes);
                bytes
            }
            _ => method.inputs.iter().flat_map(|input| self.sample(input.ty)).collect(),
        };
        // Without the prefix, as two of the clients send it.
        let answer = self.result("state_call", json!([name, hex::encode(args), null]))?;
        let bytes = bytes(&answer)?;
        check(self.interface.is_value(method.output, &bytes), &answer)
    }

    /// A value that the item may hold, or nothing.
    fn stored(&self, pallet: &str, item: &str, value: &Value) -> Result<(), String> {
        if value.is_null() {
            return Ok(());
        }
        let ty = self.interface.storage(pallet, item).map(|item| item.value);
        let bytes = bytes(value)?;
        check(ty.is_some_and(|ty| self.interface.is_value(ty, &bytes)), value)
    }

    fn query(&self, what: &str) -> Result<(), String> {
        let (name, count) = what.split_once('*').unwrap_or(("System.Account", "1"));
        let (pallet, item) = named(name);
        let count: usize = count.parse().map_err(|_| "no number".to_owned())?;
        let keys = vec![hex(&self.key(pallet, item)); count];
        let answer = self.result("state_queryStorageAt", json!([keys, null]))?;
        let [set] = answer.as_array().map(Vec::as_slice).unwrap_or_default() else {
            return Err(answer.to_string());
        };
        check(is_hash(&set["block"]), &answer)?;
        let changes = set["changes"].as_array().ok_or("no changes")?;
        for change in changes {
            check(keys.iter().any(|key| change[0] == **key), change)?;
            self.stored(pallet, item, &change[1])?;
        }
        check(!changes.is_empty(), &answer)
    }

    fn keys(&self, method: &str, what: &str) -> Result<(), String> {
        let (pallet, item) = named(what);
        let prefix = self.interface.storage(pallet, item).ok_or("no such item")?.prefix;
        let prefix = hex(&prefix);
        let params = match method {
            "state_getKeys" => json!([prefix, null]),
            _ => json!([prefix, 100, prefix, null]),
        };
        let answer = self.result(method, params)?;
        let keys = answer.as_array().ok_or("no list")?;
        let keys: Vec<&str> = keys.iter().filter_map(Value::as_str).collect();
        let all = keys.iter().all(|key| key.starts_with(&prefix) && key.len() >= prefix.len());
        check(all && keys.is_sorted(), &answer)
    }

    /// A call of that name, signed: taken into a block, or refused by the pool for what it asks.
    fn submit(&self, method: &str, what: &str) -> Result<(), String> {
        let (pallet, name) = named(what);
        let item = self.interface.call(pallet, name).ok_or("no such call")?;
        let mut call = vec![item.pallet, item.index];
        match what {
            "Balances.transfer_keep_alive" => call = transfer(&keypair("//Bob"), 1),
            _ => item.args.iter().for_each(|arg| call.extend(self.sample(arg.ty))),
        }
        let params = json!([hex(&self.signed(&call))]);
        if method == "author_submitExtrinsic" {
            return match self.ask(method, params) {
                Ok(hash) => check(is_hash(&hash), &hash),
                Err(refused) => check(refused.code == 1_010, &json!(refused.to_string())),
            };
        }
        let params = to_raw_value(&params).unwrap();
        let mut statuses = match self.chain.rpc().subscribe(method, Some(&params)) {
            Ok(statuses) => statuses,
            Err(refused) if what != "Balances.transfer_keep_alive" => {
                return check(refused.code == 1_010, &json!(refused.to_string()));
            }
            Err(refused) => return Err(refused.to_string()),
        };
        let mut said = Vec::new();
        while let Some(Some(status)) = statuses.next().now_or_never() {
            said.push(serde_json::from_str::<Value>(status.get()).unwrap());
        }
        let in_block = said.iter().position(|status| is_hash(&status["inBlock"]));
        let finalized = said.iter().position(|status| is_hash(&status["finalized"]));
        check(said.first() == Some(&json!("ready")), &json!(said))?;
        check(in_block.is_some() && in_block < finalized, &json!(said))
    }

    fn signed(&self, call: &[u8]) -> Vec<u8> {
        let alice = keypair("//Alice");
        let params = json!([alice.account_id().to_string()]);
        let nonce = self.result("account_nextIndex", params).unwrap().as_u64().unwrap();
        let nonce = u32::try_from(nonce).unwrap();
        Transaction::new(&self.chain, &alice, nonce, call.to_vec()).sign()
    }

    fn key(&self, pallet: &str, item: &str) -> Vec<u8> {
        let item = self.interface.storage(pallet, item).expect("the interface has the item");
        let keys: Vec<_> = item.keys.iter().map(|ty| self.sample(*ty)).collect();
        item.key(&keys.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// Some value of a type: //Alice for accounts, 1 for numbers, the first of variants, one of lists.
    fn sample(&self, ty: u32) -> Vec<u8> {
        let ty = self.interface.types().resolve(ty).expect("the interface has the type");
        if ty.path.segments.last().is_some_and(|name| name == "AccountId32") {
            return keypair("//Alice").account_id().to_bytes().to_vec();
        }
        match &ty.type_def {
            TypeDef::Composite(def) => {
                def.fields.iter().flat_map(|f| self.sample(f.ty.id)).collect()
            }
            TypeDef::Tuple(def) => def.fields.iter().flat_map(|f| self.sample(f.id)).collect(),
            TypeDef::Array(def) => {
                (0..def.len).flat_map(|_| self.sample(def.type_param.id)).collect()
            }
            TypeDef::Sequence(def) => [vec![4], self.sample(def.type_param.id)].concat(),
            TypeDef::Variant(def) => {
                let first = def.variants.iter().min_by_key(|v| v.index).expect("it has a variant");
                let fields = first.fields.iter().flat_map(|f| self.sample(f.ty.id));
                [first.index].into_iter().chain(fields).collect()
            }
            TypeDef::Compact(_) => vec![4],
            TypeDef::Primitive(primitive) => match primitive {
                TypeDefPrimitive::Bool | TypeDefPrimitive::U8 | TypeDefPrimitive::I8 => vec![1],
                TypeDefPrimitive::U16 | TypeDefPrimitive::I16 => 1u16.encode(),
                TypeDefPrimitive::U32 | TypeDefPrimitive::I32 => 1u32.encode(),
                TypeDefPrimitive::U64 | TypeDefPrimitive::I64 => 1u64.encode(),
                TypeDefPrimitive::U128 | TypeDefPrimitive::I128 => 1u128.encode(),
                other => panic!("no sample of {other:?}"),
            },
            TypeDef::BitSequence(_) => panic!("no sample of bits"),
        }
    }

    fn ask(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        let params = to_raw_value(&params).unwrap();
        let answer = self.chain.rpc().request(method, Some(&params))?;
        Ok(serde_json::from_str(answer.get()).unwrap())
    }

    fn result(&self, method: &str, params: Value) -> Result<Value, String> {
        self.ask(method, params).map_err(|error| error.to_string())
    }

    /// The first notification of a subscription, which must be there at once.
    fn first(&self, method: &str, params: Value) -> Result<Value, String> {
        let params = to_raw_value(&params).unwrap();
        let subscription = self.chain.rpc().subscribe(method, Some(&params));
        let mut subscription = subscription.map_err(|error| error.to_string())?;
        let first = subscription.next().now_or_never().flatten().ok_or("no notification")?;
        Ok(serde_json::from_str(first.get()).unwrap())
    }
}

fn named(name: &str) -> (&str, &str) {
    name.split_once('.').expect("a pallet and a name")
}

fn check(holds: bool, answer: &Value) -> Result<(), String> {
    if holds { Ok(()) } else { Err(answer.to_string()) }
}

fn bytes(value: &Value) -> Result<Vec<u8>, String> {
    let text = value.as_str().and_then(|text| text.strip_prefix("0x"));
    text.and_then(|text| hex::decode(text).ok()).ok_or_else(|| value.to_string())
}

fn is_hex(value: &Value) -> bool {
    bytes(value).is_ok()
}

fn is_hash(value: &Value) -> bool {
    bytes(value).is_ok_and(|bytes| bytes.len() == 32)
}

fn header(value: &Value) -> Result<(), String> {
    let hashes = ["parentHash", "stateRoot", "extrinsicsRoot"].iter().all(|n| is_hash(&value[n]));
    let number = value["number"].as_str().is_some_and(|number| number.starts_with("0x"));
    let logs = value["digest"]["logs"].as_array();
    check(hashes && number && logs.is_some_and(|logs| logs.iter().all(is_hex)), value)
}

fn version(value: &Value) -> Result<(), String> {
    let texts = ["specName", "implName"].iter().all(|name| value[name].is_string());
    let numbers = ["authoringVersion", "specVersion", "implVersion", "transactionVersion"];
    let numbers = numbers.iter().chain(&["stateVersion"]).all(|name| value[name].is_u64());
    let apis = value["apis"].as_array().is_some_and(|apis| {
        !apis.is_empty() && apis.iter().all(|api| api[0].is_string() && api[1].is_u64())
    });
    check(texts && numbers && apis, value)
}
