//! The command line of `ml`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use tensor_ml::{BackendChoice, Device, diffusion::Solver};

/// Runs models from folders: any folder as Hugging Face Optimum, onnx-community or sentence-transformers lay it out.
///
/// FOLDER is a folder, a .onnx file in one, or the name of a model (`org/name`) that the tools of Hugging Face have put
/// into their cache. Nothing is downloaded. Texts are arguments, or come from --file, or from standard input.
#[derive(Clone, Debug, Parser)]
#[command(
    version,
    about,
    max_term_width = 110,
    after_help = "\
Examples:
  ml embed models/all-MiniLM-L6-v2 \"A man is eating.\" \"A cat sleeps.\" --json
  ml classify models/sentiment --file reviews.txt --backend ort --device cuda --json
  ml classify models/all-MiniLM-L6-v2 \"The goalkeeper was injured.\" --labels sports,politics,weather
  ml generate models/SmolLM2-135M-Instruct \"What is rain?\" --chat --temperature 0.7 --seed 1 --stream
  ml image models/vit photo.png --json
  ml image models/sd-turbo --prompt \"a lighthouse in the fog\" --steps 20 --seed 7 --output lighthouse.png

With --json one object is printed: where the model ran (`backend`, `device`, `passed_over`) and `results`, one for
each input in order, numbers in full precision. Errors are one JSON object on standard error."
)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
    /// Print one JSON object instead of text
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
#[non_exhaustive]
pub enum Command {
    /// Turn texts into vectors
    Embed(Embed),
    /// Classify texts, the tokens of texts, or images; the folder's configuration says which
    Classify(Classify),
    /// Write text after a prompt or to a conversation
    Generate(Generate),
    /// Look at images: classify the files given; or paint them: from a --prompt
    Image(Image),
    /// Measure this library against Python's onnxruntime and against itself
    Bench(super::bench::Bench),
}

/// Which model, and where it runs.
#[derive(Clone, Debug, ClapArgs)]
pub struct Place {
    /// A model's folder, a graph in one, or the name of a model in the cache
    #[arg(value_name = "FOLDER")]
    pub folder: String,
    /// The runtime: ort (native ONNX Runtime), rten (pure Rust), or auto for the first of them that is there
    #[arg(long, default_value = "auto")]
    pub backend: BackendChoice,
    /// Where to run: auto, cpu, cuda, cuda:N, tensorrt, tensorrt:N; a device that is named is used or nothing is
    #[arg(long, default_value = "auto")]
    pub device: Device,
    /// Threads within one run; about one for each core when not given
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// The graph of this element type: fp16, quantized, int8, uint8, q4, q4f16, bnb4
    #[arg(long, value_name = "TYPE", conflicts_with = "graph")]
    pub variant: Option<String>,
    /// The graph of this name, relative to the folder
    #[arg(long, value_name = "FILE")]
    pub graph: Option<PathBuf>,
    /// Branch, tag or commit of a model in the cache
    #[arg(long, value_name = "REVISION")]
    pub revision: Option<String>,
    /// Full precision on GPUs: no TensorFloat-32
    #[arg(long)]
    pub exact: bool,
    /// Refuse a model that is not within the limits for models of strangers
    #[arg(long)]
    pub guard: bool,
}

/// Where texts come from.
#[derive(Clone, Debug, ClapArgs)]
pub struct Texts {
    /// The texts; from standard input, one a line, when there are none
    #[arg(value_name = "TEXT")]
    pub texts: Vec<String>,
    /// A file of texts: .jsonl, .csv, .tsv or .parquet (rows with a text at --field), .json (a list of texts), or else one a
    /// line; - for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "texts")]
    pub file: Option<PathBuf>,
    /// Where the text is in the rows of a file
    #[arg(long, value_name = "NAME", default_value = "text")]
    pub field: String,
    /// So many rows of a .jsonl, .csv, .tsv or .parquet file, drawn by --sample-seed
    #[arg(long, value_name = "N", requires = "file")]
    pub sample: Option<usize>,
    /// Chooses the rows of --sample
    #[arg(long, value_name = "SEED", default_value_t = 0, requires = "sample")]
    pub sample_seed: u64,
}

/// Limits of a run.
#[derive(Clone, Debug, ClapArgs)]
pub struct Limits {
    /// Most tokens of a text; what the folder states when not given. Longer texts are cut
    #[arg(long, value_name = "N")]
    pub max_tokens: Option<usize>,
    /// Most inputs in one run
    #[arg(long, value_name = "N", default_value_t = 32)]
    pub batch: usize,
}

/// Options of `embed`.
#[derive(Clone, Debug, ClapArgs)]
pub struct Embed {
    /// Which model, and where it runs.
    #[command(flatten)]
    pub place: Place,
    /// The texts.
    #[command(flatten)]
    pub texts: Texts,
    /// Limits of a run.
    #[command(flatten)]
    pub limits: Limits,
    /// How the vectors of tokens become one; what the folder states when not given, and the mean where it states nothing
    #[arg(long)]
    pub pooling: Option<Pool>,
    /// Whether vectors are scaled to length 1; what the folder states when not given, and yes where it states nothing
    #[arg(long, value_name = "BOOL")]
    pub normalize: Option<bool>,
}

/// How the vectors of tokens become one.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Pool {
    /// The mean over the tokens
    Mean,
    /// The first token's
    Cls,
    /// The last token's
    Last,
    /// The largest of each component
    Max,
}

/// Options of `classify`.
#[derive(Clone, Debug, ClapArgs)]
pub struct Classify {
    /// Which model, and where it runs.
    #[command(flatten)]
    pub place: Place,
    /// The texts, or the paths of images.
    #[command(flatten)]
    pub texts: Texts,
    /// Limits of a run.
    #[command(flatten)]
    pub limits: Limits,
    /// What is classified; found from the folder when not given
    #[arg(long)]
    pub task: Option<Task>,
    /// Classes that are only words, separated by commas: FOLDER is then an embedding model, and the class nearest to a text
    /// is taken
    #[arg(long, value_name = "LABELS", value_delimiter = ',', conflicts_with_all = ["task", "pair"])]
    pub labels: Vec<String>,
    /// The text of a label, with {} where the label goes
    #[arg(long, value_name = "TEXT", default_value = "{}", requires = "labels")]
    pub template: String,
    /// The second text of each pair, for models that compare two: rerankers, entailment. As often as there are texts
    #[arg(long, value_name = "TEXT")]
    pub pair: Vec<String>,
}

/// What is classified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Task {
    /// Whole texts
    Text,
    /// The tokens of texts, and what they make up
    Token,
    /// Images, given by their paths
    Image,
}

/// Options of `image`.
#[derive(Clone, Debug, ClapArgs)]
pub struct Image {
    /// Which model, and where it runs.
    #[command(flatten)]
    pub place: Place,
    /// Paths of images: PNG, JPEG, WebP, GIF, BMP
    #[arg(value_name = "FILE", required_unless_present = "prompt", conflicts_with = "prompt")]
    pub files: Vec<PathBuf>,
    /// Most images in one run
    #[arg(long, value_name = "N", default_value_t = 32)]
    pub batch: usize,
    /// Paint what this says; FOLDER is a text-to-image folder as diffusers lays it out
    #[arg(long, value_name = "TEXT")]
    pub prompt: Option<String>,
    /// How a prompt is painted.
    #[command(flatten)]
    pub paint: Paint,
}

/// How a prompt is painted.
#[derive(Clone, Debug, ClapArgs)]
pub struct Paint {
    /// The file to write, a PNG; of several images each gets its number before the extension
    #[arg(long, short, value_name = "FILE", default_value = "image.png", requires = "prompt")]
    pub output: PathBuf,
    /// What is not to be seen
    #[arg(long, value_name = "TEXT", default_value = "", requires = "prompt")]
    pub negative: String,
    /// Pixels in a row; the folder's own size when not given
    #[arg(long, value_name = "PIXELS", requires = "prompt")]
    pub width: Option<usize>,
    /// Rows of pixels; the folder's own size when not given
    #[arg(long, value_name = "PIXELS", requires = "prompt")]
    pub height: Option<usize>,
    /// Steps from noise to image
    #[arg(long, value_name = "N", default_value_t = 30, requires = "prompt")]
    pub steps: usize,
    /// How much more the prompt counts than its absence; 1 for no guidance
    #[arg(long, value_name = "SCALE", default_value_t = 7.5, requires = "prompt")]
    pub guidance: f64,
    /// Chooses the noise; the second image has the seed that follows, and so on
    #[arg(long, default_value_t = 0, requires = "prompt")]
    pub seed: u64,
    /// Images
    #[arg(long, value_name = "N", default_value_t = 1, requires = "prompt")]
    pub count: usize,
    /// How steps are taken: ddim, euler, euler-a, pndm; as the folder states when not given
    #[arg(long, requires = "prompt")]
    pub solver: Option<Solver>,
    /// A JSON file of what to start from instead of the seed's noise: a flat list of numbers of variance 1
    #[arg(long, value_name = "FILE", requires = "prompt")]
    pub latents: Option<PathBuf>,
}

/// Options of `generate`.
#[derive(Clone, Debug, ClapArgs)]
pub struct Generate {
    /// Which model, and where it runs.
    #[command(flatten)]
    pub place: Place,
    /// The prompts; from standard input, all of it as one, when there is no other
    #[arg(value_name = "PROMPT")]
    pub prompts: Vec<String>,
    /// A file of prompts: .json (a list), .jsonl, or else one a line
    #[arg(long, value_name = "FILE", conflicts_with = "prompts")]
    pub file: Option<PathBuf>,
    /// Each prompt is what a user says, written out by the folder's chat template
    #[arg(long)]
    pub chat: bool,
    /// Instructions above the conversation; implies --chat
    #[arg(long, value_name = "TEXT")]
    pub system: Option<String>,
    /// A message of the conversation, for instance `user:Hello`; may be repeated, and is followed by the prompt if there
    /// is one. Implies --chat
    #[arg(long = "message", value_name = "ROLE:TEXT")]
    pub messages: Vec<String>,
    /// A .json file with the conversation: a list of {"role", "content"}; - for standard input. Implies --chat
    #[arg(long = "messages", value_name = "FILE")]
    pub conversation: Option<PathBuf>,
    /// The prompt as token ids, separated by commas
    #[arg(long, value_name = "IDS", value_delimiter = ',', conflicts_with_all = ["prompts", "file", "chat"])]
    pub tokens: Vec<u32>,
    /// Most tokens of an answer
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub max_tokens: usize,
    /// Least tokens of an answer
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub min_tokens: usize,
    /// Most tokens of prompt and answer together; what the folder states when not given
    #[arg(long, value_name = "N")]
    pub context: Option<usize>,
    /// Always the likeliest token, whatever the folder states
    #[arg(long, conflicts_with_all = ["temperature", "top_k", "top_p", "min_p"])]
    pub greedy: bool,
    /// 0 takes the likeliest token, 1 samples as the model says; what the folder states when not given
    #[arg(long, value_name = "T")]
    pub temperature: Option<f64>,
    /// Most tokens to choose from; 0 for no limit
    #[arg(long, value_name = "K")]
    pub top_k: Option<usize>,
    /// Share of the probability to choose from
    #[arg(long, value_name = "P")]
    pub top_p: Option<f64>,
    /// Least probability relative to the likeliest token's
    #[arg(long, value_name = "P")]
    pub min_p: Option<f64>,
    /// Divides the logits of tokens that occurred
    #[arg(long, value_name = "R")]
    pub repetition_penalty: Option<f64>,
    /// Chooses the random numbers
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// A text that ends the answer; may be repeated
    #[arg(long, value_name = "TEXT")]
    pub stop: Vec<String>,
    /// Print the answer as it comes; with --json one object a line: {"text", "id"} for each piece, at last the whole
    #[arg(long)]
    pub stream: bool,
    /// Give the logarithm of each token's probability
    #[arg(long)]
    pub log_probabilities: bool,
}
