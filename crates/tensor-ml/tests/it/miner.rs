//! Every pipeline as a miner, asked as a validator asks.

use futures::executor::block_on;
use serde_json::{Value, json};
use tensor_core::{
    account::Hotkey,
    key::Scheme,
    miner::{Caller, Miner, Reject},
    transport::Request,
};
use tensor_ml::{
    Engine, ModelFolder, TextClassification, TextEmbedding, TokenClassification, miner::MAX_TEXTS,
    text::TextGeneration,
};

use crate::engines;

fn folder(name: &str) -> ModelFolder {
    ModelFolder::open(engines::data(name)).unwrap()
}

fn ask(miner: &dyn Miner, name: &str, body: &Value) -> Result<Value, Reject> {
    let caller = Caller::new(Hotkey::from_bytes([7; 32]), Scheme::Sr25519, "btauth/1");
    let request = Request::synapse(name, body.to_string().into_bytes());
    let response = block_on(miner.handle(&caller, request))?;
    assert_eq!(response.status, 200);
    let bytes = block_on(response.body.bytes(1 << 20)).unwrap();
    Ok(serde_json::from_slice(&bytes).unwrap())
}

fn miners(engine: &Engine) -> [Box<dyn Miner>; 4] {
    let options = Default::default();
    let sentiment = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/assets/model/small");
    let sentiment = ModelFolder::open(sentiment).unwrap();
    [
        Box::new(
            TextEmbedding::open(&folder("tiny-embed"), engine, &Default::default())
                .unwrap()
                .into_miner()
                .unwrap(),
        ),
        Box::new(
            TextClassification::open(&sentiment, engine, &options).unwrap().into_miner().unwrap(),
        ),
        Box::new(
            TokenClassification::open(&folder("tiny-ner"), engine, &options)
                .unwrap()
                .into_miner()
                .unwrap(),
        ),
        Box::new(
            TextGeneration::open(&folder("tiny-lm"), engine, &Default::default())
                .unwrap()
                .into_miner()
                .unwrap(),
        ),
    ]
}

#[test]
fn miners_answer_what_python_answers_and_turn_nonsense_away() {
    let encoders = engines::json("tiny-encoder.json");
    for (_, engine) in engines::all() {
        let [embed, classify, entities, generate] = miners(&engine);
        let case = &encoders["embed"][0];
        let vectors = ask(&*embed, "Embed", &json!({"texts": [case["text"]]})).unwrap();
        let (got, expected) = (vectors[0].as_array().unwrap(), case["mean"].as_array().unwrap());
        assert_eq!(got.len(), expected.len());
        for (got, expected) in got.iter().zip(expected) {
            assert!((got.as_f64().unwrap() - expected.as_f64().unwrap()).abs() < 2e-5);
        }
        let classes = ask(&*classify, "Classify", &json!({"texts": ["great food"]})).unwrap();
        let classes = classes[0].as_array().unwrap();
        assert_eq!(classes.len(), 3);
        let best = classes.iter().max_by(|a, b| a[1].as_f64().partial_cmp(&b[1].as_f64()).unwrap());
        assert_eq!(best.unwrap()[0], "positive");
        let case = &encoders["ner"][0];
        let found = ask(&*entities, "Entities", &json!({"texts": [case["text"]]})).unwrap();
        assert_eq!(found[0].as_array().unwrap().len(), case["entities"].as_array().unwrap().len());
        assert_eq!(found[0][0]["label"], case["entities"][0]["tag"]);
        let talk = json!({"messages": [{"role": "user", "content": "three plus four"}]});
        let answer = ask(&*generate, "Generate", &talk).unwrap();
        assert_eq!(answer, json!({"text": "seven.", "ids": [364, 18, 4], "is_complete": true}));

        let many = json!({"texts": vec!["x"; MAX_TEXTS + 1]});
        for (miner, name, body) in [
            (&embed, "Embed", many),
            (&embed, "Embed", json!({"texts": []})),
            (&classify, "Classify", json!({"text": "x"})),
            (&generate, "Generate", json!({})),
            (&generate, "Generate", json!({"prompt": "x", "max_tokens": 1_000_000})),
            (&generate, "Generate", json!({"prompt": "x", "temperature": -1.0})),
            (&generate, "Generate", json!({"prompt": "x", "messages": talk["messages"]})),
        ] {
            assert!(matches!(ask(&**miner, name, &body), Err(Reject::BadRequest(_))), "{body}");
        }
        assert!(matches!(
            ask(&*embed, "Classify", &json!({"texts": ["x"]})),
            Err(Reject::UnknownSynapse(_))
        ));
    }
}
