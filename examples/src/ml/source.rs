//! From arguments to folders, engines and texts.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_json::Value;
use tensor_ml::{
    Engine, Error, GraphChoice, HubCache, Intake, ModelFolder, Placement, SessionOptions,
    dataset::{Dataset, Row},
};

use super::{
    Failure,
    args::{Place, Texts},
};

/// Where a model ran, as JSON has it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Ran {
    model: String,
    graph: String,
    backend: String,
    device: String,
    passed_over: Vec<String>,
}

impl Place {
    /// The folder, by its path or by its name in the cache.
    ///
    /// # Errors
    /// When it is neither.
    pub fn open(&self) -> Result<ModelFolder, Failure> {
        let path = Path::new(&self.folder);
        if path.exists() && self.revision.is_none() {
            return Ok(ModelFolder::open(path)?);
        }
        let is_name = self.folder.split('/').count() <= 2 && !self.folder.starts_with(['.', '/']);
        let cache = HubCache::find(&|name| std::env::var_os(name)).filter(|_| is_name);
        let Some(cache) = cache else {
            return Err(Failure::Usage(format!("{}: there is no such folder", self.folder)));
        };
        cache.model(&self.folder, self.revision.as_deref()).map_err(|error| {
            let line = Failure::from(error).to_line();
            Failure::Usage(format!(
                "{}: neither a folder nor a model in the cache {}: {line}",
                self.folder,
                cache.root().display()
            ))
        })
    }

    /// The runtimes to use.
    ///
    /// # Errors
    /// When the one asked for is not there.
    pub fn engine(&self) -> Result<Engine, Failure> {
        Ok(Engine::choose(self.backend, &|name| std::env::var_os(name))?)
    }

    /// Device and threads.
    pub fn session(&self) -> SessionOptions {
        let options = SessionOptions::on(self.device).with_exact(self.exact);
        match self.threads {
            Some(threads) => options.with_threads(threads),
            None => options,
        }
    }

    /// The graph asked for, within the limits for strangers' models if these are asked for.
    ///
    /// # Errors
    /// When it is not within them.
    pub fn choice(&self, folder: &ModelFolder) -> Result<GraphChoice, Failure> {
        let choice = match (&self.graph, &self.variant) {
            (Some(file), _) => GraphChoice::File(file.clone()),
            (None, Some(variant)) => GraphChoice::Variant(variant.clone()),
            (None, None) => GraphChoice::Preferred,
        };
        if self.guard {
            Intake::default().admit(&folder.graph(&choice)?)?;
        }
        Ok(choice)
    }

    /// What JSON says of where the model ran.
    pub fn ran(
        &self,
        folder: &ModelFolder,
        choice: &GraphChoice,
        placement: Option<&Placement>,
    ) -> Ran {
        let graph = folder.graph_path(choice).unwrap_or_default();
        let graph = graph.strip_prefix(folder.root()).unwrap_or(&graph).display().to_string();
        let mut ran = Ran { model: self.folder.clone(), graph, ..Ran::default() };
        if let Some(placement) = placement {
            ran.backend.clone_from(&placement.backend);
            ran.device = placement.device.to_string();
            ran.passed_over.clone_from(&placement.passed_over);
        }
        ran
    }
}

impl Ran {
    /// For people.
    pub fn to_line(&self) -> String {
        let mut line =
            format!("{} ({}) by {} on {}", self.model, self.graph, self.backend, self.device);
        for reason in &self.passed_over {
            line += &format!("\n  passed over: {reason}");
        }
        line
    }
}

impl Texts {
    /// The texts, from wherever they come.
    ///
    /// # Errors
    /// When a file cannot be read or there is no text.
    pub fn read(&self, input: &mut dyn Read) -> Result<Vec<String>, Failure> {
        let texts = match &self.file {
            Some(path) => match (Dataset::open(path), self.sample) {
                (Ok(rows), Some(count)) => {
                    column(rows.sample(count, self.sample_seed)?.into_iter().map(Ok), &self.field)?
                }
                (Err(error), Some(_)) => return Err(error.into()),
                (_, None) => from_file(path, &self.field, input)?,
            },
            None if self.texts.is_empty() => lines(&all(Path::new("-"), input)?),
            None => self.texts.clone(),
        };
        if texts.is_empty() {
            return Err(Failure::Usage("no text: give some as arguments or by --file".into()));
        }
        Ok(texts)
    }
}

/// The whole of a file as text; `-` is standard input.
///
/// # Errors
/// When it cannot be read or is not UTF-8.
pub(super) fn all(path: &Path, input: &mut dyn Read) -> Result<String, Failure> {
    let read = |source| Failure::Read { path: PathBuf::from(path), source };
    if path == Path::new("-") {
        let mut text = String::new();
        input.read_to_string(&mut text).map_err(read)?;
        return Ok(text);
    }
    fs::read_to_string(path).map_err(read)
}

/// The texts of a file: rows of a dataset, a JSON list, or lines.
///
/// # Errors
/// When it cannot be read or has another form.
pub(super) fn from_file(
    path: &Path,
    field: &str,
    input: &mut dyn Read,
) -> Result<Vec<String>, Failure> {
    // Only what is not the name of a dataset is an argument out of range.
    match Dataset::open(path) {
        Ok(rows) => return column(rows.rows()?, field),
        Err(Error::Argument { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let content = all(path, input)?;
    if path.extension().is_none_or(|extension| extension != "json") {
        return Ok(lines(&content));
    }
    let wrong = |reason: String| Failure::Content { path: path.to_path_buf(), reason };
    let list: Vec<Value> = serde_json::from_str(&content)
        .map_err(|error| wrong(format!("a JSON list of texts was expected: {error}")))?;
    let text = |(place, value): (usize, &Value)| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Object(entry) => match entry.get(field).and_then(Value::as_str) {
            Some(text) => Ok(text.to_owned()),
            None => Err(wrong(format!("entry {place} has no text at `{field}` (see --field)"))),
        },
        _ => Err(wrong(format!("entry {place} is neither a text nor an object"))),
    };
    list.iter().enumerate().map(text).collect()
}

/// The texts of one field.
fn column(
    rows: impl Iterator<Item = Result<Row, Error>>,
    field: &str,
) -> Result<Vec<String>, Failure> {
    let text = |row: Row| match row.fields().len() {
        // A line that is nothing but a text has no other name for it.
        1 => {
            row.text(field).or_else(|error| row.text("text").map_err(|_| error)).map(str::to_owned)
        }
        _ => row.text(field).map(str::to_owned),
    };
    rows.map(|row| Ok(text(row?)?)).collect()
}

/// Lines that are not empty.
fn lines(content: &str) -> Vec<String> {
    content.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_from_arguments_files_and_standard_input() {
        let folder = tempfile::tempdir().unwrap();
        let mut texts = Texts {
            texts: vec!["a".into()],
            file: None,
            field: "body".into(),
            sample: None,
            sample_seed: 0,
        };
        assert_eq!(texts.read(&mut &b"unread"[..]).unwrap(), ["a"]);
        texts.texts.clear();
        assert_eq!(texts.read(&mut &b"x\r\n\n y \n"[..]).unwrap(), ["x", " y "]);
        assert_eq!(texts.read(&mut &b"\n"[..]).unwrap_err().exit_code(), 2);
        for (name, content) in [
            ("a.json", r#"["x\ny", {"body": "z"}]"#),
            ("a.jsonl", "{\"body\": \"x\\ny\"}\n\n{\"body\": \"z\"}\n"),
            ("a.csv", "id,body\n1,\"x\ny\"\n2,z\n"),
        ] {
            let path = folder.path().join(name);
            fs::write(&path, content).unwrap();
            texts.file = Some(path);
            assert_eq!(texts.read(&mut &b""[..]).unwrap(), ["x\ny", "z"]);
        }
        texts.sample = Some(1);
        let one = texts.read(&mut &b""[..]).unwrap();
        assert!(one == ["z"] || one == ["x\ny"], "{one:?}");
        texts.sample = None;
        texts.field = "text".into();
        let line = texts.read(&mut &b""[..]).unwrap_err().to_line();
        assert!(line.contains("line 2: no field `text`; there are"), "{line}");
        texts.file = Some(folder.path().join("a.json"));
        let line = texts.read(&mut &b""[..]).unwrap_err().to_line();
        assert!(line.contains("entry 1 has no text at `text`"), "{line}");
        texts.file = Some(folder.path().join("absent"));
        assert!(texts.read(&mut &b""[..]).unwrap_err().to_line().contains("absent"));
    }
}
