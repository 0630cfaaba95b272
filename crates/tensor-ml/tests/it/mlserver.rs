//! The Open Inference Protocol against a server that others wrote: MLServer, from PyPI. Runs where `TENSOR_INTEROP=1`, with
//! the Python that has the package in `TENSOR_PY_MLSERVER`; scripts/test brings it.

use std::{
    fs,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::json;
use tensor_ml::{
    Error, ImageClassification, ImageOptions, ImageTransform, Model, ModelFolder, Picture,
    RemoteModel, RemoteOptions, Tensor, Tensors,
};

use crate::engines;

/// The server's process and folder, both gone at the end.
struct Server {
    child: Child,
    root: PathBuf,
    url: String,
}

impl Server {
    fn start(python: &std::ffi::OsStr) -> Self {
        let root = std::env::temp_dir().join(format!("tensor-ml-mlserver-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let model = root.join("shapes");
        fs::create_dir_all(&model).unwrap();
        fs::copy(engines::data("mlserver_runtime.py"), model.join("mlserver_runtime.py")).unwrap();
        // Its ports must be named, so free ones are.
        let ports = [0; 3].map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap());
        let ports = ports.map(|listener| listener.local_addr().unwrap().port());
        let settings = json!({
            "host": "127.0.0.1", "http_port": ports[0], "grpc_port": ports[1], "metrics_port": ports[2],
            "parallel_workers": 0, "debug": false,
        });
        fs::write(root.join("settings.json"), settings.to_string()).unwrap();
        let graph = fs::canonicalize(engines::data("tiny-image/onnx/model.onnx")).unwrap();
        let settings = json!({
            "name": "shapes", "implementation": "mlserver_runtime.OnnxModel", "platform": "onnx",
            "parameters": {"uri": graph},
            "inputs": [{"name": "pixel_values", "datatype": "FP32", "shape": [-1, 3, 24, 24]}],
            "outputs": [{"name": "logits", "datatype": "FP32", "shape": [-1, 3]}],
        });
        fs::write(model.join("model-settings.json"), settings.to_string()).unwrap();
        let log = fs::File::create(root.join("log")).unwrap();
        let child = Command::new(python)
            .args(["-m", "mlserver.cli.main", "start"])
            .arg(&root)
            .current_dir(&root)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { child, root, url: format!("http://127.0.0.1:{}", ports[0]) }
    }

    /// The model, as soon as the server has it.
    fn model(&mut self) -> RemoteModel {
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                let log = fs::read_to_string(self.root.join("log")).unwrap();
                panic!("MLServer ended with {status}: {log}");
            }
            let options = RemoteOptions::new(&self.url).with_retries(0, Duration::ZERO);
            match RemoteModel::open(options, "shapes") {
                Ok(model) => return model,
                Err(_) => std::thread::sleep(Duration::from_millis(100)),
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.root);
    }
}

#[test]
fn a_model_on_mlserver_is_the_model_here() {
    if std::env::var("TENSOR_INTEROP").as_deref() != Ok("1") {
        println!("interop was not asked for: TENSOR_INTEROP is not 1");
        return;
    }
    let Some(python) = std::env::var_os("TENSOR_PY_MLSERVER") else {
        panic!("TENSOR_INTEROP=1 asks for interop, but TENSOR_PY_MLSERVER names no Python");
    };
    let mut server = Server::start(&python);
    let remote = server.model();
    assert_eq!(remote.inputs()[0].to_string(), "f32 [?, 3, 24, 24]");
    assert_eq!(remote.outputs()[0].to_string(), "f32 [?, 3]");
    let wrong = Tensors::new().with("pixels", Tensor::filled([1, 3, 24, 24], 0.0_f32).unwrap());
    assert!(matches!(remote.infer(wrong), Err(Error::Input { .. })));

    // A pipeline on it is the pipeline on a graph in this process.
    let folder = ModelFolder::open(engines::data("tiny-image")).unwrap();
    let (_, engine) = engines::all().remove(0);
    let here = ImageClassification::open(&folder, &engine, &ImageOptions::default()).unwrap();
    let transform = ImageTransform::open(&folder).unwrap();
    let there =
        ImageClassification::new(remote, transform, folder.config().labels(), false).unwrap();
    let golden = engines::json("tiny-image.json");
    let pictures: Vec<Picture> = golden["classify"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| {
            let file = engines::data("tiny-image").join(case["file"].as_str().unwrap());
            Picture::open(file).unwrap()
        })
        .collect();
    let (here, there) = (here.classify(&pictures).unwrap(), there.classify(&pictures).unwrap());
    assert_eq!(here.len(), there.len());
    for (here, there) in here.iter().zip(&there) {
        for (here, there) in here.classes.iter().zip(&there.classes) {
            assert_eq!(here.label, there.label);
            assert!((here.logit - there.logit).abs() < 1e-4, "{here:?} {there:?}");
        }
    }
    let options = RemoteOptions::new(&server.url).with_retries(0, Duration::ZERO);
    let error = RemoteModel::open(options, "absent").unwrap_err();
    assert!(
        matches!(&error, Error::Remote { status: Some(404), reason, .. } if reason.contains("absent")),
        "{error}"
    );
}
