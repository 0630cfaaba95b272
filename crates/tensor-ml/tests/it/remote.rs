//! Remote engines against a server written to the public specifications: OpenAI's API reference (completions, chat
//! completions, embeddings, server-sent events) and the Open Inference Protocol, version 2.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{StreamExt, executor::block_on};
use serde_json::{Value, json};
use tensor_ml::{
    DType, Embedder, Error, Model, OpenAi, RemoteModel, RemoteOptions, Tensor, Tensors,
    text::{FinishReason, GenerateRequest, Message, Sampling, TextEvent, TextGenerator},
};

/// What the server was asked: path, bearer token and body.
type Asked = Arc<Mutex<Vec<(String, String, Value)>>>;
/// Status, further headers and body for each request in turn.
type Answer = (u16, &'static str, String);

fn serve(answers: Vec<Answer>) -> (RemoteOptions, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Asked::default();
    let log = Arc::clone(&asked);
    std::thread::spawn(move || {
        for answer in answers {
            let (stream, _) = listener.accept().unwrap();
            one(stream, answer, &log);
        }
    });
    let options = RemoteOptions::new(format!("http://{address}/v1/"))
        .with_key("sk-secret")
        .with_timeout(Duration::from_secs(20))
        .with_retries(2, Duration::from_millis(1));
    (options, asked)
}

fn one(stream: TcpStream, (status, headers, body): Answer, log: &Asked) {
    let mut reader = BufReader::new(stream);
    let (mut path, mut token, mut length) = (String::new(), String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim_end();
        if path.is_empty() {
            path = line.split(' ').nth(1).unwrap().to_owned();
        } else if let Some((name, value)) = line.split_once(": ") {
            match name.to_ascii_lowercase().as_str() {
                "authorization" => token = value.to_owned(),
                "content-length" => length = value.parse().unwrap(),
                _ => {}
            }
        } else {
            break;
        }
    }
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes).unwrap();
    log.lock().unwrap().push((path, token, serde_json::from_slice(&bytes).unwrap_or_default()));
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n",
        body.len()
    );
    // Whoever asked may have gone.
    let _ = reader.get_mut().write_all((head + &body).as_bytes());
}

fn chat_answer(text: &str, reason: &str) -> String {
    json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}})
    .to_string()
}

#[test]
fn answers_come_whole_and_say_what_was_asked() {
    let completion = json!({"choices": [{"text": " five", "finish_reason": "length"}]}).to_string();
    let (options, asked) = serve(vec![
        (200, "", chat_answer("seven.", "stop")),
        (200, "", completion.clone()),
        (200, "", completion),
    ]);
    let engine = OpenAi::new(options, "tiny").unwrap();
    let sampling = Sampling::greedy().with_temperature(0.5).with_seed(3);
    let talk = vec![Message::system("Be short."), Message::user("three plus four")];
    let request = GenerateRequest::chat(talk).with_sampling(sampling).with_max_tokens(5);
    let answer = block_on(engine.generate(request.with_stop("x"))).unwrap();
    assert_eq!((answer.text.as_str(), answer.prompt_tokens), ("seven.", 9));
    assert_eq!(answer.finish, FinishReason::Ended);
    let answer = block_on(engine.generate(GenerateRequest::text("count to"))).unwrap();
    assert_eq!((answer.text.as_str(), answer.finish), (" five", FinishReason::Length));
    let tokens = GenerateRequest::new(tensor_ml::text::Prompt::Tokens(vec![4, 5]));
    block_on(engine.generate(tokens)).unwrap();
    let asked = asked.lock().unwrap();
    assert!(asked.iter().all(|(_, token, _)| token == "Bearer sk-secret"));
    assert_eq!(asked[0].0, "/v1/chat/completions");
    assert_eq!(
        asked[0].2,
        json!({"model": "tiny", "messages": [{"role": "system", "content": "Be short."},
            {"role": "user", "content": "three plus four"}], "max_tokens": 5, "stop": ["x"],
            "temperature": 0.5, "top_p": 1.0, "seed": 3})
    );
    assert_eq!(asked[1].0, "/v1/completions");
    assert_eq!(asked[1].2, json!({"model": "tiny", "prompt": "count to"}));
    assert_eq!(asked[2].2["prompt"], json!([4, 5]));
}

#[test]
fn streams_come_in_pieces_and_broken_ones_are_told_from_whole_ones() {
    let delta = |text: &str, reason: Value| {
        json!({"choices": [{"delta": {"content": text}, "finish_reason": reason}]}).to_string()
    };
    let whole = format!(
        ": a comment\r\n\r\ndata: {}\r\n\r\ndata:{}\n\nevent: x\ndata: {}\n\ndata: {}\n\ndata: [DONE]\n\n",
        delta("se", Value::Null),
        delta("vén", Value::Null),
        delta("", json!("stop")),
        json!({"choices": [], "usage": {"prompt_tokens": 4}}),
    );
    let broken = format!("data: {}\n\n", delta("se", Value::Null));
    let fault = "data: {\"error\": {\"message\": \"overloaded\"}}\n\n".to_owned();
    let endless = format!("data: {}", "x".repeat(2 << 20));
    let (options, asked) =
        serve([whole, broken, fault, endless].map(|body| (200, "", body)).to_vec());
    let engine = OpenAi::new(options, "tiny").unwrap();
    let stream = || {
        let events = engine.stream(GenerateRequest::chat(vec![Message::user("hi")])).unwrap();
        block_on(events.collect::<Vec<_>>())
    };
    let events: Vec<TextEvent> = stream().into_iter().map(Result::unwrap).collect();
    let texts: Vec<&str> = events
        .iter()
        .filter_map(|event| match event {
            TextEvent::Token { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(texts, ["se", "vén"]);
    let Some(TextEvent::Done(answer)) = events.last() else { panic!("{events:?}") };
    assert_eq!((answer.text.as_str(), answer.prompt_tokens), ("sevén", 4));
    for reason in ["broke off", "overloaded", "too long"] {
        let events = stream();
        let error = events.last().unwrap().as_ref().unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    assert_eq!(asked.lock().unwrap()[0].2["stream"], true);
}

#[test]
fn what_may_pass_is_tried_again_and_the_key_is_never_told() {
    let no = json!({"error": {"message": "Incorrect API key provided: sk-secret"}}).to_string();
    let (options, asked) = serve(vec![
        (503, "retry-after: 0\r\n", String::new()),
        (429, "", String::new()),
        (200, "", chat_answer("yes", "stop")),
        (401, "", no),
        (302, "location: http://127.0.0.1:9/\r\n", String::new()),
        (502, "", String::new()),
        (502, "", String::new()),
        (502, "", "still".into()),
        (200, "", chat_answer(&"x".repeat(4096), "stop")),
    ]);
    assert!(!format!("{options:?}").contains("secret"));
    let engine = OpenAi::new(options.with_max_answer(2048), "tiny").unwrap();
    assert!(!format!("{engine:?}").contains("secret"));
    let ask = || block_on(engine.generate(GenerateRequest::text("hi")));
    assert_eq!(ask().unwrap().text, "yes");
    let error = ask().unwrap_err();
    assert!(matches!(error, Error::Remote { status: Some(401), .. }) && !error.is_retryable());
    assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
    assert!(matches!(ask().unwrap_err(), Error::Remote { status: Some(302), .. }));
    let error = ask().unwrap_err();
    assert!(matches!(error, Error::Remote { status: Some(502), .. }) && error.is_retryable());
    assert!(error.to_string().contains("still"));
    assert!(matches!(ask().unwrap_err(), Error::Remote { status: None, .. }));
    assert_eq!(asked.lock().unwrap().len(), 9);
    let bad = Sampling::greedy().with_temperature(-1.0);
    let request = GenerateRequest::text("hi").with_sampling(bad);
    assert!(matches!(block_on(engine.generate(request)), Err(Error::Argument { .. })));
}

#[test]
fn vectors_are_put_in_order() {
    let vectors =
        json!({"data": [{"index": 1, "embedding": [3, 4.5]}, {"index": 0, "embedding": [1, 2]}]});
    let few = json!({"data": [{"index": 0, "embedding": [1, 2]}]});
    let (options, asked) = serve(vec![(200, "", vectors.to_string()), (200, "", few.to_string())]);
    let engine = OpenAi::new(options, "tiny").unwrap();
    let texts = || vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(block_on(engine.embed(texts())).unwrap(), [[1.0, 2.0], [3.0, 4.5]]);
    assert!(matches!(block_on(engine.embed(texts())), Err(Error::Remote { .. })));
    assert_eq!(asked.lock().unwrap()[0].2["input"], json!(["a", "b"]));
}

#[test]
fn tensors_go_to_inference_servers_and_back() {
    let metadata = json!({"name": "m", "platform": "onnx",
        "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 2]}],
        "outputs": [{"name": "y", "datatype": "INT64", "shape": [-1]}]});
    let answer =
        json!({"outputs": [{"name": "y", "datatype": "INT64", "shape": [2], "data": [7, -8]}]});
    let nested = json!({"outputs": [{"name": "y", "datatype": "INT64", "shape": [2, 1], "data": [[7], [8]]}]});
    let wrong =
        json!({"outputs": [{"name": "y", "datatype": "INT64", "shape": [3], "data": [7, 8]}]});
    let bodies = [metadata, answer, nested, wrong].map(|body| (200, "", body.to_string()));
    let (options, asked) = serve(bodies.to_vec());
    let model = RemoteModel::open(options.clone(), "m").unwrap();
    assert_eq!(model.inputs()[0].to_string(), "f32 [?, 2]");
    assert_eq!(model.outputs()[0].dtype, DType::I64);
    let inputs = || Tensors::new().with("x", Tensor::new([1, 2], vec![0.1_f32, 1e-30]).unwrap());
    let outputs = model.infer(inputs()).unwrap();
    assert_eq!(outputs.get("y").unwrap().data::<i64>().unwrap(), [7, -8]);
    assert_eq!(model.infer(inputs()).unwrap().get("y").unwrap().shape(), [2, 1]);
    assert!(model.infer(inputs()).unwrap_err().to_string().contains("`y`"));
    let asked = asked.lock().unwrap();
    assert_eq!(
        (asked[0].0.as_str(), asked[1].0.as_str()),
        ("/v1/v2/models/m", "/v1/v2/models/m/infer")
    );
    let sent = &asked[1].2["inputs"][0];
    assert_eq!((&sent["datatype"], &sent["shape"]), (&json!("FP32"), &json!([1, 2])));
    let sent: Vec<f32> = serde_json::from_value(sent["data"].clone()).unwrap();
    assert_eq!(sent, [0.1, 1e-30]);
    // Refused before anything is sent.
    let wide = Tensors::new().with("x", Tensor::new([1, 3], vec![0.0_f32; 3]).unwrap());
    assert!(matches!(model.infer(wide), Err(Error::Input { .. })));
    let nan = Tensors::new().with("x", Tensor::new([1, 2], vec![f32::NAN; 2]).unwrap());
    assert!(matches!(model.infer(nan), Err(Error::Input { .. })));
    for name in ["", "../x", "a/b", "a b"] {
        assert!(matches!(RemoteModel::open(options.clone(), name), Err(Error::Argument { .. })));
    }
}
