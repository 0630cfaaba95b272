//! The whole story over real sockets in virtual time, on tokio.

use clap::Parser as _;
use tensor_examples::cause::line_of;
use tensor_examples::subnet::args::Args;
use tensor_examples::subnet::board::Board;
use tensor_examples::subnet::cast::Cast;
use tensor_examples::subnet::story::{self, Outcome, StoryError};

async fn play(args: &[&str]) -> Result<Outcome, StoryError> {
    let args = Args::parse_from([&["subnet"], args].concat());
    let cast = Cast::new(args.seed, args.miners).unwrap();
    let board = Board::new(&cast, args.epochs);
    story::play(&args, &cast, &board).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_gets_what_they_earned() {
    let outcome = play(&["--epochs", "8"]).await.unwrap();
    let report = &outcome.report;
    assert_eq!(report.broken(&[]), [], "{report:#?}");
    assert_eq!(report.epochs, 8);
    assert_eq!((report.miners.len(), report.validators.len()), (8, 3));
    // Better models earn more.
    let earned = |kind: &str| -> u64 {
        let miners = report.miners.iter().filter(|miner| miner.kind == kind);
        miners.map(|miner| miner.earned_alpha).min().unwrap()
    };
    assert!(earned("large") > earned("small"), "{report:#?}");
    assert!(report.owner.earned_alpha > 0);
    let share: u32 = report.miners.iter().map(|miner| u32::from(miner.incentive_u16)).sum();
    assert!((65_000..=65_535).contains(&share), "incentives add up to {share}");
    let accuracy = outcome.answers.accuracy().unwrap();
    assert!(accuracy > 0.75, "{accuracy}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_miner_that_dies_stops_earning_and_the_run_goes_on() {
    let outcome = play(&["--epochs", "8", "--kill", "0@3", "--seed", "2"]).await.unwrap();
    let report = &outcome.report;
    assert_eq!(outcome.stopped, [report.miners[0].hotkey.clone()]);
    assert_eq!(report.broken(&outcome.stopped), [], "{report:#?}");
    assert!(report.requests.failed > 0);
    let twin = report.miners.iter().skip(1).find(|miner| miner.kind == "large").unwrap();
    assert!(report.miners[0].earned_alpha < twin.earned_alpha, "{report:#?}");
    assert_eq!(report.customer.labelled, report.customer.lines);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_model_shows_in_answers_and_pay() {
    let folder = std::env::temp_dir().join(format!("broken-model-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let good = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/model/large");
    for file in std::fs::read_dir(good).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), folder.join(file.file_name())).unwrap();
    }
    // The same model with each label called by the next one's name: it answers, and is wrong far more
    // often than a guess, so that no lucky draw of lines pays it.
    let config = folder.join("config.json");
    let text = std::fs::read_to_string(&config).unwrap();
    let turned = text
        .replace("negative", "\u{0}")
        .replace("positive", "negative")
        .replace("neutral", "positive")
        .replace('\u{0}', "neutral");
    assert_ne!(turned, text);
    std::fs::write(&config, turned).unwrap();
    let path = folder.to_str().unwrap();
    let outcome = play(&["--epochs", "5", "--model", path]).await;
    std::fs::remove_dir_all(&folder).unwrap();
    let outcome = outcome.unwrap();
    assert!(outcome.answers.accuracy().unwrap() < 0.5);
    // Answers worse than guessing earn nothing, so honesty with a broken model does not pay.
    assert!(!outcome.report.broken(&[]).is_empty(), "{:#?}", outcome.report);
}

#[tokio::test]
async fn bad_input_is_named_before_anything_starts() {
    let file = std::env::temp_dir().join(format!("bad-input-{}.txt", std::process::id()));
    let path = file.to_str().unwrap().to_owned();
    let mut refusals = Vec::new();
    let missing = play(&["--input", "no/such/file.csv"]).await.unwrap_err();
    refusals.push(line_of(&missing));
    for content in [&b""[..], b"fine\n\xff\n", &[b'x'; 1 << 20], b"text,label\nx,superb\n"] {
        std::fs::write(&file, content).unwrap();
        refusals.push(line_of(&play(&["--input", &path]).await.unwrap_err()));
    }
    std::fs::remove_file(&file).unwrap();
    let expected = ["cannot be read", "no feedback", "not UTF-8", "1048576 bytes", "\"superb\""];
    for (refusal, part) in refusals.iter().zip(expected) {
        assert!(refusal.contains(part), "{refusal}");
    }
    let nobody = play(&["--kill", "9"]).await.unwrap_err();
    assert!(matches!(nobody, StoryError::NoSuchMiner(9)));
}
