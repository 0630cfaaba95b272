//! What a miner serves: a [`Served`] model, by what its folder says it does.

use async_trait::async_trait;
use clap::ValueEnum;
use serde_json::value::RawValue;
use tensor_core::miner::{Caller, Miner, Priority, Reject, Synapse as _};
use tensor_core::transport::{Body, Request, Response};
use tensor_ml::miner::{Classify, Embed, Entities, Generate};
use tensor_ml::text::{GenerateOptions, TextGeneration};
use tensor_ml::{
    ClassifyOptions, EmbedOptions, Engine, ModelFolder, SessionOptions, TextClassification,
    TextEmbedding, TokenClassification,
};
use tensor_net::interop::{self, InteropMiner};
use tensor_net::wire::synapse::{Kind, NAME, SynapseSpec, Value};

use super::Failure;
use super::args::{Model, ModelArgs};

/// What a model does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Task {
    /// Turns texts into vectors: synapse Embed.
    Embed,
    /// Classifies texts: synapse Classify.
    Classify,
    /// Finds entities in texts: synapse Entities.
    Entities,
    /// Writes text: synapse Generate.
    Generate,
    /// Classifies pictures: synapse ClassifyPictures. Needs a build with feature `ml`.
    Image,
}

/// A miner, and the synapses it answers as SDK 10 must know them.
pub(super) struct Served {
    pub(super) miner: Box<dyn Miner>,
    pub(super) synapses: Vec<SynapseSpec>,
    /// What it is, for people.
    pub(super) says: String,
}

impl ModelArgs {
    /// Loads what is to be served.
    pub(super) fn open(&self) -> Result<Served, Failure> {
        let path = match &self.model {
            Model::Interop => {
                return Ok(Served {
                    miner: Box::new(InteropMiner::new()),
                    synapses: interop::synapses(),
                    says: "the interop synapses".into(),
                });
            }
            Model::Folder(path) => path,
        };
        let folder = ModelFolder::open(path)?;
        let Some(task) = self.task.or_else(|| Task::of(&folder)) else {
            return Err(Failure::Task(path.clone()));
        };
        let engine = Engine::choose(self.backend, &|name| std::env::var_os(name))?;
        let miner = self.miner(task, &folder, &engine)?;
        let says = format!("{} as {}", path.display(), task.synapse());
        Ok(Served { miner: Box::new(Enveloped(miner)), synapses: vec![task.spec()], says })
    }

    fn miner(
        &self,
        task: Task,
        folder: &ModelFolder,
        engine: &Engine,
    ) -> Result<Box<dyn Miner>, Failure> {
        let session = SessionOptions::on(self.device);
        let session = match self.threads {
            Some(threads) => session.with_threads(threads),
            None => session,
        };
        let classify = || ClassifyOptions::default().with_session(session.clone());
        Ok(match task {
            Task::Embed => {
                let options = EmbedOptions::default().with_session(session);
                Box::new(TextEmbedding::open(folder, engine, &options)?.into_miner()?)
            }
            Task::Classify => {
                Box::new(TextClassification::open(folder, engine, &classify())?.into_miner()?)
            }
            Task::Entities => {
                Box::new(TokenClassification::open(folder, engine, &classify())?.into_miner()?)
            }
            Task::Generate => {
                let options = GenerateOptions::default().with_session(session);
                Box::new(TextGeneration::open(folder, engine, &options)?.into_miner()?)
            }
            #[cfg(feature = "ml")]
            Task::Image => {
                let options = tensor_ml::ImageOptions::default().with_session(session);
                let pipeline = tensor_ml::ImageClassification::open(folder, engine, &options)?;
                Box::new(pipeline.into_miner()?)
            }
            #[cfg(not(feature = "ml"))]
            Task::Image => return Err(Failure::NoImages),
        })
    }
}

impl Task {
    /// What the folder's model does, by the architecture that its configuration names.
    fn of(folder: &ModelFolder) -> Option<Self> {
        let architectures = folder.config().value("architectures").and_then(|list| list.as_array());
        let names = || architectures.into_iter().flatten().filter_map(|name| name.as_str());
        let known = [
            ("ForSequenceClassification", Self::Classify),
            ("ForTokenClassification", Self::Entities),
            ("ForCausalLM", Self::Generate),
            ("LMHeadModel", Self::Generate),
            ("ForImageClassification", Self::Image),
        ];
        let named = known.iter().find(|(part, _)| names().any(|name| name.contains(part)));
        match named {
            Some((_, task)) => Some(*task),
            // What sentence-transformers lays out; an encoder alone embeds as well.
            None if folder.file("modules.json").is_some() => Some(Self::Embed),
            None => names().any(|name| name.ends_with("Model")).then_some(Self::Embed),
        }
    }

    /// The synapse's name.
    pub(crate) const fn synapse(self) -> &'static str {
        match self {
            Self::Embed => Embed::NAME,
            Self::Classify => Classify::NAME,
            Self::Entities => Entities::NAME,
            Self::Generate => Generate::NAME,
            Self::Image => "ClassifyPictures",
        }
    }

    /// The synapse as a Python class would declare it. What is asked is hashed, so that it is signed.
    pub(crate) fn spec(self) -> SynapseSpec {
        let spec = SynapseSpec::new(self.synapse());
        let listed = |spec: SynapseSpec, field: &str| {
            spec.with_field(field, Kind::Str.list())
                .with_default("answer", Kind::Any.optional(), Value::None)
                .with_hashed([field])
        };
        match self {
            Self::Embed | Self::Classify | Self::Entities => listed(spec, "texts"),
            Self::Image => listed(spec, "pictures"),
            Self::Generate => spec
                .with_default("prompt", Kind::Str.optional(), Value::None)
                .with_default("messages", Kind::Any, Value::List(Vec::new()))
                .with_default("max_tokens", Kind::Int.optional(), Value::None)
                .with_default("temperature", Kind::Float, Value::Float(0.0))
                .with_default("top_p", Kind::Float.optional(), Value::None)
                .with_default("top_k", Kind::Int, Value::Int("0".into()))
                .with_default("seed", Kind::Int, Value::Int("0".into()))
                .with_default("stop", Kind::Str.list(), Value::List(Vec::new()))
                .with_default("text", Kind::Str.optional(), Value::None)
                .with_default("ids", Kind::Any.optional(), Value::None)
                .with_default("is_complete", Kind::Bool.optional(), Value::None)
                .with_hashed(["prompt", "messages"]),
        }
    }
}

/// Puts answers that are lists into the field `answer` for SDK 10, whose answers are objects.
struct Enveloped(Box<dyn Miner>);

#[async_trait]
impl Miner for Enveloped {
    async fn handle(&self, caller: &Caller, request: Request) -> Result<Response, Reject> {
        let mut response = self.0.handle(caller, request).await?;
        if let Body::Full(body) = &response.body
            && caller.protocol == NAME
            && body.first() == Some(&b'[')
        {
            let answer: Box<RawValue> =
                serde_json::from_slice(body).map_err(|error| Reject::Internal(error.into()))?;
            let answer = serde_json::json!({ "answer": answer });
            response.body = Body::Full(answer.to_string().into());
        }
        Ok(response)
    }

    fn admit(&self, caller: &Caller) -> Result<Priority, Reject> {
        self.0.admit(caller)
    }
}
