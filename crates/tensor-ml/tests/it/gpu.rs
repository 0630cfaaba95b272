//! The graphics card: only where `TENSOR_GPU=1` says that there is one, with CUDA and the library of onnxruntime-gpu; not run
//! anywhere else, and said so.

use std::time::Instant;

use tensor_ml::{
    Device, Feed, Fetch, Fetched, GraphChoice, ModelFolder, RunControl, Session, SessionOptions,
    Tensor,
    text::{GenerateOptions, GenerateRequest, Message, TextGeneration},
};

use crate::engines;

fn load(device: Device) -> Box<dyn Session> {
    let folder = ModelFolder::open(engines::data("tiny-lm")).unwrap();
    let graph = folder.graph(&GraphChoice::Preferred).unwrap();
    engines::ort().load(&graph, &SessionOptions::on(device).with_exact(true)).unwrap()
}

/// Logits of one prompt and of a token after it; what is remembered in between stays where it is.
fn logits(session: &mut dyn Session, device: Device) -> Vec<f32> {
    let mut past: Vec<(String, Fetched)> = Vec::new();
    let mut all = Vec::new();
    for (from, ids) in [(0, vec![5_i64, 9, 33]), (3, vec![7])] {
        let (to, count) = (from + ids.len(), ids.len());
        let positions = (from..to).map(|place| place as i64).collect();
        let mut host = vec![
            ("input_ids", Tensor::new([1, count], ids).unwrap()),
            ("attention_mask", Tensor::new([1, to], vec![1_i64; to]).unwrap()),
            ("position_ids", Tensor::new([1, count], positions).unwrap()),
        ];
        host.retain(|(name, _)| session.inputs().iter().any(|input| input.name == *name));
        let pasts: Vec<_> = session
            .inputs()
            .iter()
            .filter(|input| input.name.starts_with("past_"))
            .cloned()
            .collect();
        let empty: Vec<Tensor> = pasts
            .iter()
            .map(|spec| {
                let shape = [1, spec.fixed(1).unwrap(), 0, spec.fixed(3).unwrap()];
                Tensor::new(shape, Vec::<f32>::new()).unwrap()
            })
            .collect();
        let mut feeds: Vec<(&str, Feed<'_>)> =
            host.iter().map(|(name, tensor)| (*name, Feed::Host(tensor))).collect();
        if past.is_empty() {
            feeds.extend(
                pasts.iter().zip(&empty).map(|(spec, empty)| (&*spec.name, Feed::Host(empty))),
            );
        }
        let names: Vec<String> = past.iter().map(|(name, _)| name.clone()).collect();
        let kept = std::mem::take(&mut past);
        for (name, (_, value)) in names.iter().zip(kept) {
            let kept = value.into_kept().unwrap();
            assert_eq!(kept.device(), device, "{name} left the device");
            feeds.push((name, Feed::Kept(kept)));
        }
        let presents: Vec<String> =
            pasts.iter().map(|spec| spec.name.replace("past_key_values.", "present.")).collect();
        let mut wanted = vec![Fetch::Host("logits")];
        wanted.extend(presents.iter().map(|name| Fetch::Keep(name)));
        let mut values = session.run(feeds, &wanted, &RunControl::default()).unwrap().into_iter();
        all.extend(values.next().unwrap().into_host().unwrap().to_f32s().unwrap().iter());
        past = pasts.iter().map(|spec| spec.name.clone()).zip(values).collect();
    }
    all
}

#[test]
fn the_graphics_card_computes_what_the_processor_computes() {
    if std::env::var("TENSOR_GPU").as_deref() != Ok("1") {
        println!("not run: TENSOR_GPU is not 1, so no graphics card was looked for");
        return;
    }
    let device = Device::Cuda(0);
    let here = logits(&mut *load(Device::Cpu), Device::Cpu);
    let there = logits(&mut *load(device), device);
    assert_eq!(here.len(), there.len());
    let apart = here.iter().zip(&there).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!("logits: {apart:e} apart");
    assert!(apart < 1e-3, "{apart}");
    let folder = ModelFolder::open(engines::data("tiny-lm")).unwrap();
    let mut texts = Vec::new();
    for device in [Device::Cpu, device] {
        let options = GenerateOptions::default().with_session(SessionOptions::on(device));
        let mut model = TextGeneration::open(&folder, &engines::ort(), &options).unwrap();
        assert_eq!(model.placement().device, device);
        for rows in [1, 8, 64] {
            let request = GenerateRequest::chat(vec![Message::user("count from two")])
                .with_max_tokens(64)
                .with_min_tokens(64);
            let began = Instant::now();
            let answers =
                model.generate_batch(&vec![request; rows], &RunControl::default()).unwrap();
            let rate = (64 * rows) as f64 / began.elapsed().as_secs_f64();
            println!("{device}: {rows} rows, {rate:.0} tokens a second");
            texts.push(answers[0].text.clone());
        }
    }
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
}
