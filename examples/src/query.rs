//! The program `query`: signed requests to one axon, and what is to be made of its answers.

mod failure;
mod outcome;

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use clap::{Parser, ValueEnum};
use futures::StreamExt;
use serde_json::{Value as Json, json};
use tensor_core::Hotkey;
use tensor_core::transport::{Endpoint, Request, Transport};
use tensor_net::client::{Client, ClientLimits};
use tensor_net::interop;
use tensor_net::wire::Identity;
use tensor_net::wire::epistula::EpistulaDialect;
use tensor_net::wire::synapse::{Kind, SynapseDialect, SynapseSpec};

pub use failure::Failure;
use outcome::{Expected, judge};

use crate::hotkey::HotkeyArgs;

/// Asks an axon, checks what it answers, and says who is to blame when it fails.
///
/// Prints one line of JSON for each request: status, body, timing, whether the axon's hotkey signed the
/// answer, and on failure its kind and whose fault it is.
#[derive(Debug, Parser)]
#[command(name = "query", version)]
#[command(after_help = "Example:\n  query --uri //Alice --axon 127.0.0.1:8091 \
    --to 5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty \\\n    --synapse Prompt \
    --json '{\"prompt\": \"hello\"}' --protocol synapse")]
pub struct Args {
    /// Who asks.
    #[command(flatten)]
    pub key: HotkeyArgs,
    /// Where the axon listens.
    #[arg(long, value_name = "IP:PORT")]
    pub axon: SocketAddr,
    /// The hotkey that must answer, for which the request is signed.
    #[arg(long, value_name = "SS58")]
    pub to: Hotkey,
    /// The synapse's name; for btauth and epistula any path.
    #[arg(long, value_name = "NAME")]
    pub synapse: String,
    /// The request's body.
    #[arg(long, value_name = "BODY", default_value = "{}")]
    pub json: String,
    /// How the request is signed.
    #[arg(long, value_enum, default_value_t = Protocol::Btauth)]
    pub protocol: Protocol,
    /// The hashed fields of a synapse that this program does not know, in their order.
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    pub hashed: Vec<String>,
    /// The answer streams: take it as bytes.
    #[arg(long)]
    pub stream: bool,
    /// How many requests.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub count: u32,
    /// How many of them at a time.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pub concurrency: u16,
    /// Seconds until the last byte of an answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 12.0)]
    pub timeout: f64,
    /// Bytes of an answer.
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 20)]
    pub limit: usize,
    /// Take only answers that the axon's hotkey signed.
    #[arg(long)]
    pub require_signature: bool,
}

/// How a request is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum Protocol {
    /// btauth/1, the protocol of SDK 11.
    Btauth,
    /// Axon and dendrite of SDK 10.
    Synapse,
    /// Epistula 2.
    Epistula,
}

impl Protocol {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Btauth => "btauth",
            Self::Synapse => "synapse",
            Self::Epistula => "epistula",
        }
    }
}

/// Sends the requests and hands each line to `print`. Says whether every answer was good.
///
/// # Errors
/// [`Failure`] when nothing can be sent, or a line cannot be written.
pub async fn run(
    args: &Args,
    mut print: impl FnMut(&str) -> std::io::Result<()>,
) -> Result<bool, Failure> {
    let timeout = Duration::try_from_secs_f64(args.timeout)
        .ok()
        .filter(|timeout| !timeout.is_zero())
        .ok_or_else(|| Failure::Usage("--timeout takes a positive number of seconds".into()))?;
    serde_json::from_str::<serde::de::IgnoredAny>(&args.json).map_err(Failure::Body)?;
    let name = args.synapse.trim_start_matches('/');
    let client = client(args, name)?;
    let expected = Expected {
        protocol: args.protocol,
        streaming: args.stream || is_streaming(name),
        limit: args.limit,
    };
    let body = Bytes::from(args.json.clone());
    let to = Endpoint { hotkey: args.to, address: args.axon };
    let asks = futures::stream::iter(0..args.count).map(|index| {
        let request = Request::synapse(name, body.clone()).with_timeout(timeout);
        let client = &client;
        async move {
            let begun = Instant::now();
            let sent = client.send(&to, request).await;
            let head = begun.elapsed();
            (index, head, judge(sent, &to, expected).await, begun.elapsed())
        }
    });
    let mut asks = asks.buffer_unordered(usize::from(args.concurrency));
    let mut good = true;
    while let Some((index, head, outcome, total)) = asks.next().await {
        good &= outcome.problem.is_none();
        let mut line = json!({
            "index": index, "ok": outcome.problem.is_none(),
            "axon": args.axon, "hotkey": args.to, "synapse": name,
            "protocol": args.protocol.as_str(), "status": outcome.status,
            "signature": outcome.signature,
            "timing": { "head_ms": milliseconds(head), "total_ms": milliseconds(total) },
            "bytes": outcome.bytes, "body": outcome.body,
        });
        if let (Some(problem), Json::Object(members)) = (&outcome.problem, &mut line) {
            members.insert("error".into(), json!(problem));
        }
        print(&line.to_string()).map_err(Failure::Output)?;
    }
    Ok(good)
}

fn client(args: &Args, name: &str) -> Result<Client, Failure> {
    let limits = ClientLimits::default().with_response_bytes(args.limit);
    // The address is the user's own, not one from a metagraph.
    let builder = Client::builder(Identity::new(args.key.open()?))
        .with_limits(limits)
        .allow_private_addresses();
    let builder = match args.require_signature {
        true => builder.require_signed_answers(),
        false => builder,
    };
    Ok(match args.protocol {
        Protocol::Btauth => builder.build(),
        Protocol::Epistula => builder.with_dialect(EpistulaDialect::default()).build(),
        Protocol::Synapse => builder.with_dialect(dialect(args, name)).build(),
    })
}

/// A dendrite that knows the interop classes, and this one from what the arguments say of it.
fn dialect(args: &Args, name: &str) -> SynapseDialect {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seed = format!("query {} {}", std::process::id(), since.as_nanos());
    let known = interop::synapses();
    let is_known = known.iter().any(|spec| spec.name() == name);
    let dialect = known.into_iter().fold(SynapseDialect::new(&seed), SynapseDialect::with_synapse);
    if is_known && args.hashed.is_empty() {
        return dialect;
    }
    let mut spec = SynapseSpec::new(name);
    if let Ok(Json::Object(fields)) = serde_json::from_str(&args.json) {
        for field in fields.keys() {
            spec = spec.with_field(field, Kind::Any);
        }
    }
    dialect.with_synapse(spec.with_hashed(args.hashed.iter().map(String::as_str)))
}

fn is_streaming(name: &str) -> bool {
    interop::synapses().iter().any(|spec| spec.name() == name && spec.is_streaming())
}

/// To the microsecond.
fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1_000.0
}
