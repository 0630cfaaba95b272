//! `ml generate`: text after prompts and conversations.

use std::{io::Read, path::Path};

use serde::Serialize;
use tensor_ml::{
    ModelFolder, RunControl,
    text::{
        FinishReason, GenerateOptions, GenerateRequest, Generated, Message, Prompt, Sampling,
        TextGeneration,
    },
};

use super::{
    Failure, Report,
    args::Generate,
    source::{self, Ran},
};

#[derive(Debug, Serialize)]
struct Written {
    text: String,
    ids: Vec<u32>,
    finish: &'static str,
    prompt_ids: Vec<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_probabilities: Option<Vec<Option<f64>>>,
}

#[derive(Debug, Serialize)]
struct Output {
    #[serde(flatten)]
    ran: Ran,
    /// How tokens were chosen.
    sampling: Sampling,
    results: Vec<Written>,
}

#[derive(Debug, Serialize)]
struct Piece<'a> {
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u32>,
}

pub(super) fn generate(args: &Generate, report: &mut Report<'_>) -> Result<(), Failure> {
    let folder: ModelFolder = args.place.open()?;
    let choice = args.place.choice(&folder)?;
    let mut options =
        GenerateOptions::default().with_session(args.place.session()).with_graph(choice.clone());
    options.max_context = args.context;
    let mut model = TextGeneration::open(&folder, &args.place.engine()?, &options)?;
    let sampling = sampling(args, model.default_sampling());
    let prompts = prompts(args, report.input)?;
    let requests: Vec<_> = prompts
        .into_iter()
        .map(|prompt| {
            let mut request = GenerateRequest::new(prompt)
                .with_sampling(sampling)
                .with_max_tokens(args.max_tokens)
                .with_min_tokens(args.min_tokens);
            request.stop.clone_from(&args.stop);
            request.wants_log_probabilities = args.log_probabilities;
            request
        })
        .collect();
    let ran = args.place.ran(&folder, &choice, Some(model.placement()));
    report.note(&ran)?;
    let answers = match requests.as_slice() {
        [one] if args.stream => vec![stream(&mut model, one, report)?],
        _ if args.stream => {
            return Err(Failure::Usage("--stream takes one prompt".into()));
        }
        [one] => vec![model.generate(one)?],
        many => model.generate_batch(many, &RunControl::default())?,
    };
    if !report.json {
        if !args.stream {
            answers.iter().try_for_each(|answer| report.line(&answer.text))?;
        }
        return Ok(());
    }
    let results = requests
        .iter()
        .zip(answers)
        .map(|(request, answer)| Ok(written(model.encode(&request.prompt)?, answer)))
        .collect::<Result<_, Failure>>()?;
    report.json(&Output { ran, sampling, results })
}

fn stream(
    model: &mut TextGeneration,
    request: &GenerateRequest,
    report: &mut Report<'_>,
) -> Result<Generated, Failure> {
    let control = RunControl::default();
    let mut fault = None;
    let answer = model.generate_with(request, &control, &mut |token, text| {
        let told = if report.json {
            report.json(&Piece { text, id: token.map(|token| token.id) })
        } else {
            report.piece(text)
        };
        if let Err(error) = told {
            // Nobody reads any more: the rest need not be computed.
            control.cancel.cancel();
            fault.get_or_insert(error);
        }
    });
    if let Some(error) = fault {
        return Err(error);
    }
    if !report.json {
        report.line("")?;
    }
    Ok(answer?)
}

fn written(prompt_ids: Vec<u32>, answer: Generated) -> Written {
    let ids = answer.ids();
    let has = answer.tokens.iter().any(|token| token.log_probability.is_some());
    Written {
        finish: match answer.finish {
            FinishReason::Ended => "ended",
            FinishReason::Stopped => "stopped",
            FinishReason::Length => "length",
            _ => "other",
        },
        log_probabilities: has
            .then(|| answer.tokens.iter().map(|token| token.log_probability).collect()),
        text: answer.text,
        ids,
        prompt_ids,
    }
}

/// What the folder states, but for what the arguments say.
fn sampling(args: &Generate, stated: Sampling) -> Sampling {
    let mut sampling = if args.greedy {
        let penalty = stated.repetition_penalty;
        Sampling::greedy().with_repetition_penalty(penalty)
    } else {
        stated
    };
    sampling.temperature = args.temperature.unwrap_or(sampling.temperature);
    sampling.top_k = args.top_k.unwrap_or(sampling.top_k);
    sampling.top_p = args.top_p.unwrap_or(sampling.top_p);
    sampling.min_p = args.min_p.unwrap_or(sampling.min_p);
    sampling.repetition_penalty = args.repetition_penalty.unwrap_or(sampling.repetition_penalty);
    sampling.seed = args.seed;
    sampling
}

fn prompts(args: &Generate, input: &mut dyn Read) -> Result<Vec<Prompt>, Failure> {
    if !args.tokens.is_empty() {
        return Ok(vec![Prompt::Tokens(args.tokens.clone())]);
    }
    let mut talk: Vec<Message> = args.system.iter().map(Message::system).collect();
    if let Some(path) = &args.conversation {
        let content = source::all(path, input)?;
        let messages: Vec<Message> = serde_json::from_str(&content).map_err(|error| {
            let reason = format!("a JSON list of {{\"role\", \"content\"}} was expected: {error}");
            Failure::Content { path: path.clone(), reason }
        })?;
        talk.extend(messages);
    }
    for message in &args.messages {
        let Some((role, text)) = message.split_once(':') else {
            return Err(Failure::Usage(format!(
                "--message `{message}`: ROLE:TEXT was expected, such as user:Hello"
            )));
        };
        talk.push(Message::new(role.trim(), text));
    }
    let speaks = args.conversation.is_some() || !args.messages.is_empty();
    let texts = match &args.file {
        Some(path) => source::from_file(path, "prompt", input)?,
        None if args.prompts.is_empty() && !speaks => {
            vec![source::all(Path::new("-"), input)?.trim_end_matches(['\r', '\n']).to_owned()]
        }
        None => args.prompts.clone(),
    };
    if texts.is_empty() && speaks {
        return Ok(vec![Prompt::Chat(talk)]);
    }
    let is_chat = args.chat || !talk.is_empty();
    Ok(texts
        .into_iter()
        .map(|text| {
            if !is_chat {
                return Prompt::Text(text);
            }
            let mut talk = talk.clone();
            talk.push(Message::user(text));
            Prompt::Chat(talk)
        })
        .collect())
}
