//! Models from a hub: fetched into the cache that its own tools use, and from then on opened offline.
//!
//! ```no_run
//! use tensor_ml::{HubCache, RunControl, hub::{Hub, HubOptions, Selection}};
//! # fn main() -> Result<(), tensor_ml::Error> {
//! let lookup = |name: &str| std::env::var_os(name);
//! let cache = HubCache::find(&lookup).expect("HOME is set");
//! let hub = Hub::new(cache, HubOptions::find(&lookup));
//! let folder = hub.fetch(
//!     "sentence-transformers/all-MiniLM-L6-v2", "main", &Selection::default(), &RunControl::default(),
//!     &mut |progress| eprintln!("{} {}/{}", progress.file, progress.done, progress.size),
//! )?;
//! # Ok(())
//! # }
//! ```
//!
//! Files are checked against the hub's own digests (SHA-256 of large files, git's of the others), appear whole or not at
//! all, and what was broken off is taken up again where it ended. A file that is there is not fetched again.

mod download;
mod listing;
mod select;

use std::{fmt, fs, io::Read as _, path::Path, time::Duration};

use ureq::{
    Agent, Body,
    config::RedirectAuthHeaders,
    http::{Response, header},
};

pub use self::{
    listing::{HubFile, Listing},
    select::Selection,
};
use crate::{
    control::RunControl,
    engine::Lookup,
    error::Error,
    folder::{HubCache, ModelFolder},
};

/// Where the hub is, and the limits of fetching from it.
#[derive(Clone)]
#[non_exhaustive]
pub struct HubOptions {
    /// The beginning of its addresses.
    pub endpoint: String,
    /// Longest time without a byte.
    pub timeout: Duration,
    /// How often a file is taken up again after a connection broke.
    pub max_retries: usize,
    /// The pause before the first of them; it doubles each time.
    pub pause: Duration,
    /// Most bytes of all files of a model.
    pub max_bytes: u64,
    token: Option<String>,
}

impl Default for HubOptions {
    /// `https://huggingface.co`, 60 s, 5 retries from 500 ms on, 64 GiB, no token.
    fn default() -> Self {
        Self {
            endpoint: "https://huggingface.co".into(),
            timeout: Duration::from_secs(60),
            max_retries: 5,
            pause: Duration::from_millis(500),
            max_bytes: 64 << 30,
            token: None,
        }
    }
}

impl HubOptions {
    /// Those that the hub's own tools would use: `HF_ENDPOINT`, `HF_TOKEN`.
    pub fn find(lookup: Lookup<'_>) -> Self {
        let set =
            |name: &str| lookup(name)?.into_string().ok().filter(|value| !value.trim().is_empty());
        let mut options = Self::default();
        if let Some(endpoint) = set("HF_ENDPOINT") {
            options = options.with_endpoint(endpoint);
        }
        options.token = set("HF_TOKEN");
        options
    }

    /// Sets where the hub is.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = endpoint.into().trim_end_matches('/').to_owned();
        self
    }

    /// Sets the token for models that are not public. It goes to the hub alone, not to where it redirects, and is part of
    /// no message.
    #[must_use]
    pub fn with_token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Sets how often a file is taken up again, and the pause before the first time.
    #[must_use]
    pub fn with_retries(mut self, max_retries: usize, pause: Duration) -> Self {
        (self.max_retries, self.pause) = (max_retries, pause);
        self
    }

    /// Sets the most bytes of all files of a model.
    #[must_use]
    pub fn with_max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = max_bytes;
        self
    }
}

impl fmt::Debug for HubOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubOptions")
            .field("endpoint", &self.endpoint)
            .field("token", &self.token.as_ref().map(|_| "…"))
            .field("timeout", &self.timeout)
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}

/// How far a fetch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// The file, as it is called in the model's folder.
    pub file: &'a str,
    /// Bytes of it that are here.
    pub done: u64,
    /// Bytes that it has.
    pub size: u64,
    /// Bytes of all files that are here.
    pub all_done: u64,
    /// Bytes of all files.
    pub all: u64,
}

/// A hub and the cache that its models go into. Blocking; put it on a thread of its own to wait for it.
#[derive(Clone, Debug)]
pub struct Hub {
    cache: HubCache,
    options: HubOptions,
    agent: Agent,
}

impl Hub {
    /// A hub by these options.
    pub fn new(cache: HubCache, options: HubOptions) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(5)
            // Files lie with others, who need not know the token.
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            .timeout_connect(Some(options.timeout))
            .timeout_recv_response(Some(options.timeout))
            .user_agent(concat!("tensor-ml/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { cache, options, agent: config.into() }
    }

    /// The cache.
    pub fn cache(&self) -> &HubCache {
        &self.cache
    }

    /// What a model has at a branch, tag or commit.
    ///
    /// # Errors
    /// [`Error::Argument`] for a name or revision that cannot be one, [`Error::Remote`] with the hub's status (401 and 403:
    /// a token is needed; 404: there is no such model or revision) or for a list that cannot be read.
    pub fn listing(&self, name: &str, revision: &str) -> Result<Listing, Error> {
        self.cache.store(name, revision)?;
        let revision = revision.replace('/', "%2F");
        let path = format!("/api/models/{name}/revision/{revision}?blobs=true");
        let response = self.get(&path, None)?;
        if !response.status().is_success() {
            return Err(self.refused(response));
        }
        let reader = response.into_body().into_with_config().limit(listing::MAX_BYTES);
        let bytes = reader.read_to_vec().map_err(|error| self.broken(&error))?;
        Listing::read(&bytes).map_err(|reason| self.error(None, reason))
    }

    /// Fetches the files of a model that `selection` takes, as far as they are not here, and opens its folder.
    ///
    /// # Errors
    /// As [`listing`](Self::listing); [`Error::Checksum`] for a file that is not what the hub says it is,
    /// [`Error::Refused`] for more bytes than allowed, [`Error::Io`], [`Error::Cancelled`]. What was fetched stays and
    /// is taken up by the next try.
    pub fn fetch(
        &self,
        name: &str,
        revision: &str,
        selection: &Selection,
        control: &RunControl,
        on_progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<ModelFolder, Error> {
        let listing = self.listing(name, revision)?;
        let files = selection.of(&listing.files);
        let refuse = |reason: String| Error::Refused { model: name.into(), reason };
        if files.is_empty() {
            return Err(refuse("the selection takes none of its files".into()));
        }
        let all = files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.size));
        if all > self.options.max_bytes {
            let most = self.options.max_bytes;
            return Err(refuse(format!("{all} bytes, where at most {most} are fetched")));
        }
        let store = self.cache.store(name, revision)?;
        let mut before = 0;
        for file in files {
            let mut tell = |done: u64| {
                let all_done = before + done;
                on_progress(Progress { file: &file.path, done, size: file.size, all_done, all });
            };
            let blob = self.blob(name, &listing.commit, &store, file, control, &mut tell)?;
            let snapshot = store.join("snapshots").join(&listing.commit);
            download::link(&snapshot, &file.path, &blob)?;
            before += file.size;
        }
        if revision != listing.commit {
            // Last, so that the name never stands for what is not there.
            let path = store.join("refs").join(revision);
            download::write_whole(&path, listing.commit.as_bytes())?;
        }
        self.cache.model(name, Some(revision))
    }

    fn get(&self, path: &str, from: Option<u64>) -> Result<Response<Body>, Error> {
        let mut request = self.agent.get(format!("{}{path}", self.options.endpoint));
        if let Some(token) = &self.options.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(from) = from {
            request = request.header(header::RANGE, format!("bytes={from}-"));
        }
        request.call().map_err(|error| self.broken(&error))
    }

    fn refused(&self, response: Response<Body>) -> Error {
        let status = response.status().as_u16();
        let told = |name: &str| response.headers().get(name)?.to_str().ok().map(str::to_owned);
        let mut reason = told("x-error-message").unwrap_or_default();
        if reason.is_empty() {
            let reader = response.into_body().into_reader();
            let _ = reader.take(1024).read_to_string(&mut reason);
        }
        if let Some(token) = self.options.token.as_ref().filter(|token| !token.is_empty()) {
            reason = reason.replace(token.as_str(), "…");
        }
        self.error(Some(status), reason.trim().to_owned())
    }

    fn broken(&self, error: &ureq::Error) -> Error {
        self.error(None, crate::error::chain_of(error))
    }

    fn error(&self, status: Option<u16>, reason: String) -> Error {
        Error::Remote { url: self.options.endpoint.clone(), status, reason }
    }
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> Error + '_ {
    move |error| Error::io(path, error)
}

fn make_folder(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(io(path))
}
