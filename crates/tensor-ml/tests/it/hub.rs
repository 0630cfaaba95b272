//! Fetching from a hub, against a server on loopback with the hub's addresses: `/api/models/…`, `/…/resolve/…`, redirects to
//! where large files lie, ranges.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use sha1::Digest as _;
use tensor_ml::{
    CancelToken, Engine, Error, GraphChoice, HubCache, ModelFolder, RunControl, TextEmbedding,
    hub::{Hub, HubOptions, Selection},
};

use crate::engines;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const NAME: &str = "acme/embed";

/// A hub with one model.
#[derive(Default)]
struct Shop {
    files: BTreeMap<String, Vec<u8>>,
    /// The token that it wants, if any.
    token: Option<String>,
    /// Connections that break after so many bytes of a file.
    breaks: Vec<usize>,
    /// Whether it answers ranges.
    ranges: bool,
    /// Requests: path, range, whether a token came with it.
    asked: Vec<(String, Option<String>, bool)>,
}

struct Hall {
    address: String,
    shop: Arc<Mutex<Shop>>,
    root: PathBuf,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Hall {
    /// The tiny embedding model, its graph kept as a large file.
    fn open(test: &str) -> Self {
        let mut shop = Shop { ranges: true, ..Shop::default() };
        let folder = engines::data("tiny-embed");
        for name in [
            "config.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "modules.json",
            "1_Pooling/config.json",
            "onnx/model.onnx",
        ] {
            shop.files.insert(name.into(), fs::read(folder.join(name)).unwrap());
        }
        shop.files.insert("README.md".into(), b"nobody needs this".to_vec());
        let shop = Arc::new(Mutex::new(shop));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (inside, own) = (Arc::clone(&shop), address.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), &inside, &own);
            }
        });
        let root =
            std::env::temp_dir().join(format!("tensor-ml-fetch-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        Self { address, shop, root }
    }

    fn hub(&self) -> Hub {
        self.hub_with(|options| options)
    }

    fn hub_with(&self, more: impl Fn(HubOptions) -> HubOptions) -> Hub {
        let options = HubOptions::default()
            .with_endpoint(format!("http://{}/", self.address))
            .with_retries(2, Duration::from_millis(1));
        Hub::new(HubCache::at(&self.root), more(options))
    }

    fn fetch(&self, hub: &Hub, revision: &str) -> Result<ModelFolder, Error> {
        hub.fetch(NAME, revision, &Selection::default(), &RunControl::default(), &mut |_| {})
    }

    fn asked(&self) -> Vec<(String, Option<String>, bool)> {
        std::mem::take(&mut self.shop.lock().unwrap().asked)
    }
}

impl Drop for Hall {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn answer(mut stream: TcpStream, shop: &Mutex<Shop>, own: &str) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut path, mut range, mut token) = (String::new(), None, None);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let line = line.trim_end();
        if path.is_empty() {
            path = line.split(' ').nth(1).unwrap().to_owned();
        } else if let Some((name, value)) = line.split_once(": ") {
            match name.to_ascii_lowercase().as_str() {
                "range" => range = Some(value.to_owned()),
                "authorization" => token = Some(value.to_owned()),
                _ => {}
            }
        } else {
            break;
        }
    }
    let mut shop = shop.lock().unwrap();
    shop.asked.push((path.clone(), range.clone(), token.is_some()));
    let mut reply = |status: &str, headers: &str, body: &[u8], length: usize| {
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n"
        );
        let _ = stream.write_all(&[head.as_bytes(), body].concat());
    };
    if let Some(wanted) = &shop.token
        && !path.starts_with("/far/")
        && token.as_deref() != Some(&format!("Bearer {wanted}"))
    {
        let text = format!("X-Error-Message: {token:?} is not welcome\r\n");
        return reply("401 Unauthorized", &text, b"", 0);
    }
    let list = format!("/api/models/{NAME}/revision/");
    if let Some(revision) = path.strip_prefix(&list) {
        if !["main", "refs%2Fpr%2F1", COMMIT].contains(&revision.split('?').next().unwrap()) {
            return reply("404 Not Found", "X-Error-Code: RevisionNotFound\r\n", b"no", 2);
        }
        let siblings: Vec<Value> = shop.files.iter().map(|(name, content)| {
            let mut blob = sha1::Sha1::new();
            blob.update(format!("blob {}\0", content.len()));
            blob.update(content);
            let mut entry = json!({"rfilename": name, "size": content.len(), "blobId": hex(&blob.finalize())});
            if name.ends_with(".onnx") {
                let digest = hex(&sha2::Sha256::digest(content));
                entry["lfs"] = json!({"sha256": digest, "size": content.len(), "pointerSize": 1});
            }
            entry
        }).collect();
        let body = json!({"id": NAME, "sha": COMMIT, "siblings": siblings}).to_string();
        return reply("200 OK", "Content-Type: application/json\r\n", body.as_bytes(), body.len());
    }
    if let Some(file) = path.strip_prefix(&format!("/{NAME}/resolve/{COMMIT}/"))
        && file.ends_with(".onnx")
    {
        // Large files lie elsewhere: the same server by another name, which is another host to the client.
        let far = own.replace("127.0.0.1", "localhost");
        return reply("302 Found", &format!("Location: http://{far}/far/{file}\r\n"), b"", 0);
    }
    let file = path
        .strip_prefix(&format!("/{NAME}/resolve/{COMMIT}/"))
        .or_else(|| path.strip_prefix("/far/"));
    let Some(content) = file.and_then(|file| shop.files.get(file).cloned()) else {
        return reply("404 Not Found", "", b"no", 2);
    };
    let from = range
        .filter(|_| shop.ranges)
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let rest = &content[from.unwrap_or(0)..];
    let status = if from.is_some() { "206 Partial Content" } else { "200 OK" };
    let sent = match path.starts_with("/far/").then(|| shop.breaks.pop()).flatten() {
        Some(limit) => &rest[..limit.min(rest.len())],
        None => rest,
    };
    reply(status, "", sent, rest.len());
}

#[test]
fn a_model_is_fetched_once_and_opened_offline() {
    let hall = Hall::open("once");
    let hub = hall.hub();
    let mut seen = Vec::new();
    let folder = hub
        .fetch(NAME, "main", &Selection::default(), &RunControl::default(), &mut |progress| {
            seen.push((progress.file.to_owned(), progress.all_done, progress.all));
        })
        .unwrap();
    let (_, last, all) = seen.last().unwrap().clone();
    assert!(last == all && seen.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{seen:?}");
    assert!(!folder.root().join("README.md").exists());
    assert_eq!(hall.asked().len(), 8);
    // The layout is that of the hub's own tools.
    let store = hall.root.join("models--acme--embed");
    assert_eq!(fs::read_to_string(store.join("refs/main")).unwrap(), COMMIT);
    assert_eq!(folder.root(), store.join("snapshots").join(COMMIT));
    let graph = folder.root().join("onnx/model.onnx");
    let digest = hex(&sha2::Sha256::digest(fs::read(&graph).unwrap()));
    #[cfg(unix)]
    assert_eq!(fs::read_link(&graph).unwrap(), PathBuf::from("../../../blobs").join(&digest));
    assert!(store.join("blobs").join(&digest).is_file());
    // Offline from here on.
    let offline = HubCache::at(&hall.root).model(NAME, None).unwrap();
    assert_eq!(
        offline.digest(&GraphChoice::Preferred).unwrap(),
        ModelFolder::open(engines::data("tiny-embed"))
            .unwrap()
            .digest(&GraphChoice::Preferred)
            .unwrap()
    );
    let (_, engine): (_, Engine) = engines::all().remove(0);
    let pipeline = TextEmbedding::open(&offline, &engine, &Default::default()).unwrap();
    assert_eq!(pipeline.embed(&["Bob"]).unwrap()[0].len(), 8);
    // Nothing is fetched twice; another revision of the same commit asks for the list alone.
    hall.fetch(&hub, "main").unwrap();
    hall.fetch(&hub, "refs/pr/1").unwrap();
    assert_eq!(hall.asked().len(), 2);
    assert_eq!(fs::read_to_string(store.join("refs/refs/pr/1")).unwrap(), COMMIT);
    assert!(hub.fetch(NAME, COMMIT, &Selection::All, &RunControl::default(), &mut |_| {}).is_ok());
    assert!(folder.root().join("README.md").is_file());
    let leftovers: Vec<_> = fs::read_dir(store.join("blobs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains('.'))
        .collect();
    assert!(leftovers.is_empty(), "{leftovers:?}");
}

#[test]
fn what_broke_off_is_taken_up_where_it_ended() {
    let hall = Hall::open("resume");
    hall.shop.lock().unwrap().breaks = vec![2000, 1000];
    hall.fetch(&hall.hub(), "main").unwrap();
    let ranges: Vec<Option<String>> = hall
        .asked()
        .into_iter()
        .filter(|(path, _, _)| path.starts_with("/far/"))
        .map(|(_, range, _)| range)
        .collect();
    assert_eq!(ranges, [None, Some("bytes=1000-".into()), Some("bytes=3000-".into())]);

    // Also by the next run, and where the server does not know ranges from the beginning.
    for ranges in [true, false] {
        let hall = Hall::open(if ranges { "later" } else { "anew" });
        hall.shop.lock().unwrap().breaks = vec![700];
        hall.shop.lock().unwrap().ranges = ranges;
        let impatient = hall.hub_with(|options| options.with_retries(0, Duration::ZERO));
        let error = hall.fetch(&impatient, "main").unwrap_err();
        assert!(matches!(&error, Error::Remote { status: None, .. }), "{error}");
        assert!(HubCache::at(&hall.root).model(NAME, None).is_err());
        hall.asked();
        hall.fetch(&impatient, "main").unwrap();
        let asked = hall.asked();
        let far = asked.iter().find(|(path, _, _)| path.starts_with("/far/")).unwrap();
        assert_eq!(far.1.as_deref(), Some("bytes=700-"));
    }
}

#[test]
fn tokens_stay_with_the_hub_and_lies_are_found_out() {
    let hall = Hall::open("token");
    hall.shop.lock().unwrap().token = Some("hf_secret".into());
    let error = hall.fetch(&hall.hub(), "main").unwrap_err();
    assert!(matches!(&error, Error::Remote { status: Some(401), .. }), "{error}");
    let wrong = hall.hub_with(|options| options.with_token("hf_wrong"));
    let error = hall.fetch(&wrong, "main").unwrap_err().to_string();
    assert!(error.contains("not welcome") && !error.contains("hf_wrong"), "{error}");
    assert!(!format!("{wrong:?}").contains("hf_wrong"));
    hall.asked();
    hall.fetch(&hall.hub_with(|options| options.with_token("hf_secret")), "main").unwrap();
    for (path, _, has_token) in hall.asked() {
        assert_eq!(has_token, !path.starts_with("/far/"), "{path}");
    }

    // A file that changes between list and download.
    for name in ["config.json", "onnx/model.onnx"] {
        let hall = Hall::open("lies");
        let hub = hall.hub();
        let mut first = true;
        let shop = Arc::clone(&hall.shop);
        let result =
            hub.fetch(NAME, "main", &Selection::default(), &RunControl::default(), &mut |_| {
                if std::mem::take(&mut first) {
                    let mut shop = shop.lock().unwrap();
                    shop.files.get_mut(name).unwrap()[0] ^= 1;
                }
            });
        let error = result.unwrap_err();
        if let Error::Checksum { file, .. } = &error {
            assert_eq!(file, name);
        } else {
            panic!("{error}");
        }
        let blobs = hall.root.join("models--acme--embed/blobs");
        assert!(fs::read_dir(blobs).unwrap().count() < 6);
        assert!(HubCache::at(&hall.root).model(NAME, None).is_err());
    }
}

#[test]
fn limits_and_nonsense_end_a_fetch_before_it_begins() {
    let hall = Hall::open("limits");
    let small = hall.hub_with(|options| options.with_max_bytes(10));
    let error = hall.fetch(&small, "main").unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    let error = hall
        .hub()
        .fetch(NAME, "main", &Selection::variant("q4"), &RunControl::default(), &mut |_| {})
        .unwrap();
    // Configurations alone: there is no such graph, which opening it says.
    assert!(error.graph_path(&GraphChoice::Preferred).is_err());
    let error = hall.fetch(&hall.hub(), "dev").unwrap_err();
    assert!(matches!(&error, Error::Remote { status: Some(404), .. }), "{error}");
    for (name, revision) in [("a/b/c", "main"), ("../a", "main"), (NAME, "../main"), (NAME, "a?b")]
    {
        let error = hall.hub().listing(name, revision).unwrap_err();
        assert!(matches!(error, Error::Argument { .. }), "{error}");
    }
    let control = RunControl::cancelled_by(CancelToken::new());
    control.cancel.cancel();
    let fresh = Hall::open("cancel");
    let error =
        fresh.hub().fetch(NAME, "main", &Selection::default(), &control, &mut |_| {}).unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
    let set = [("HF_ENDPOINT", "http://mirror/"), ("HF_TOKEN", "hf_x")];
    let found = HubOptions::find(&|name| {
        set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
    });
    assert_eq!(found.endpoint, "http://mirror");
    assert!(!format!("{found:?}").contains("hf_x"));
}
