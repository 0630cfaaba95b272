//! Every pipeline as a miner, asked as a validator asks.

use futures::executor::block_on;
use serde_json::{Value, json};
use tensor_core::{
    account::Hotkey,
    key::Scheme,
    miner::{Caller, Miner, Reject},
    transport::{Body, Request},
};
use tensor_ml::{
    Engine, ModelFolder, TextClassification, TextEmbedding, TokenClassification,
    miner::{MAX_TEXTS, Piece},
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

/// The events of a streamed answer.
fn stream(miner: &dyn Miner, body: &Value) -> Vec<Piece> {
    let caller = Caller::new(Hotkey::from_bytes([7; 32]), Scheme::Sr25519, "btauth/1");
    let request = Request::synapse("Generate", body.to_string().into_bytes());
    let response = block_on(miner.handle(&caller, request)).unwrap();
    assert_eq!((response.status, &*response.content_type), (200, "text/event-stream"));
    assert!(matches!(response.body, Body::Stream(_)));
    let bytes = block_on(response.body.bytes(1 << 20)).unwrap();
    let text = std::str::from_utf8(&bytes).unwrap().strip_suffix("\n\n").unwrap();
    text.split("\n\n")
        .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
        .collect()
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

#[test]
fn answers_are_streamed_when_the_caller_asks_for_it() {
    for (_, engine) in engines::all() {
        let [_, _, _, generate] = miners(&engine);
        let ask = json!({"messages": [{"role": "user", "content": "three plus four"}]});
        let mut streamed = ask.clone();
        streamed["stream"] = true.into();
        let mut pieces = stream(&*generate, &streamed);
        let done = pieces.pop().unwrap().done.unwrap();
        assert_eq!(
            serde_json::to_value(&done).unwrap(),
            self::ask(&*generate, "Generate", &ask).unwrap()
        );
        assert!(pieces.iter().all(|piece| piece.done.is_none() && piece.error.is_none()));
        let text: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
        let ids: Vec<u32> = pieces.iter().filter_map(|piece| piece.id).collect();
        assert_eq!((text, ids), (done.text, done.ids));
        // A fault that is only found at work is told in the stream.
        let long = json!({"prompt": "one ".repeat(5_000), "stream": true});
        let pieces = stream(&*generate, &long);
        assert!(matches!(&pieces[..], [Piece { error: Some(_), .. }]), "{pieces:?}");
    }
}

#[cfg(feature = "image")]
#[test]
fn pictures_are_classified_and_painted() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use tensor_ml::{
        ImageClassification, Picture,
        diffusion::{ImageRequest, TextToImage},
    };
    let golden = engines::json("tiny-image.json");
    let case = &golden["classify"][0];
    let file = engines::data("tiny-image").join(case["file"].as_str().unwrap());
    let picture = STANDARD.encode(std::fs::read(file).unwrap());
    for (_, engine) in engines::all() {
        let classify =
            ImageClassification::open(&folder("tiny-image"), &engine, &Default::default())
                .unwrap()
                .into_miner()
                .unwrap();
        let body = json!({"pictures": [picture]});
        let classes = ask(&classify, "ClassifyPictures", &body).unwrap();
        for (class, score) in
            classes[0].as_array().unwrap().iter().zip(case["scores"].as_array().unwrap())
        {
            assert!((class[1].as_f64().unwrap() - score.as_f64().unwrap()).abs() < 1e-5);
        }
        for body in
            [json!({"pictures": []}), json!({"pictures": ["%"]}), json!({"pictures": ["AAAA"]})]
        {
            let refused = ask(&classify, "ClassifyPictures", &body);
            assert!(matches!(refused, Err(Reject::BadRequest(_))), "{body}");
        }
        let painter =
            || TextToImage::open(&folder("tiny-diffusion"), &engine, &Default::default()).unwrap();
        let paint = painter().into_miner().unwrap();
        let body = json!({"prompt": "a red circle on white", "steps": 3, "seed": 5});
        let drawn = ask(&paint, "Paint", &body).unwrap();
        let png = STANDARD.decode(drawn["png"].as_str().unwrap()).unwrap();
        let request = ImageRequest::new("a red circle on white").with_steps(3).with_seed(5);
        let expected = painter().paint(&request).unwrap().remove(0);
        assert_eq!(Picture::decode(&png).unwrap(), expected.picture);
        let body = json!({"prompt": "x", "width": 100_000});
        assert!(matches!(ask(&paint, "Paint", &body), Err(Reject::BadRequest(_))));
    }
}
