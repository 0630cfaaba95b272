//! A key in another process: one line of JSON each way over a unix socket.
//!
//! [`serve`] holds the key and signs for whoever may open the socket (mode 0600). [`SocketSigner`] is a
//! [`Signer`] like any other, so a miner or validator does not know that its key is elsewhere. It needs no
//! async runtime, and checks every signature before it passes it on.
//!
//! ```text
//! -> {"op":"who"}                        <- {"address":"5F..","scheme":"sr25519"}
//! -> {"op":"sign","message":"68656c"}    <- {"signature":"ab.."}  or  {"refused":"why"}
//! ```

use std::{
    fmt,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::{
        fs::PermissionsExt as _,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use futures::channel::oneshot;
use serde::{Deserialize, Serialize};
use tensor_core::{
    BoxError,
    account::AccountId,
    key::{Scheme, SignError, Signature, Signer, SignerSync, UnsupportedScheme, verify},
};

/// The longest line, in bytes: a message of about half a megabyte.
const LIMIT: u64 = 1024 * 1024;
/// How long either side waits for the other.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
enum Ask {
    Who,
    Sign { message: String },
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheme: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

/// Opens a socket that only this user may connect to. A socket left by an earlier process is
/// replaced, anything else is not.
///
/// # Errors
/// What the file system says; `AlreadyExists` for a file that is no socket, or a socket that answers.
pub fn listen(path: &Path) -> io::Result<UnixListener> {
    use std::os::unix::fs::FileTypeExt as _;
    if let Ok(there) = std::fs::symlink_metadata(path) {
        if !there.file_type().is_socket() || UnixStream::connect(path).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers one connection after the other, until the listener fails. `allow` sees every message
/// before it is signed and may refuse with a reason.
///
/// # Errors
/// What accepting a connection gives. A client that misbehaves ends its own connection only.
pub fn serve(
    listener: &UnixListener,
    key: &dyn SignerSync,
    allow: &dyn Fn(&[u8]) -> Result<(), String>,
) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        if let Err(error) = answer(&stream, key, allow) {
            eprintln!("signer: a client went away: {error}");
        }
    }
}

fn answer(
    stream: &UnixStream,
    key: &dyn SignerSync,
    allow: &dyn Fn(&[u8]) -> Result<(), String>,
) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let refused = |why: String| Answer { refused: Some(why), ..Answer::default() };
    let answer = match serde_json::from_str(&read_line(stream)?) {
        Ok(Ask::Who) => Answer {
            address: Some(key.account_id().to_string()),
            scheme: Some(key.scheme().to_string()),
            ..Answer::default()
        },
        Ok(Ask::Sign { message }) => match hex::decode(&message) {
            Ok(message) => match allow(&message).map(|()| key.sign_sync(&message)) {
                Ok(Ok(signature)) => {
                    Answer { signature: Some(signature.to_hex()), ..Answer::default() }
                }
                Ok(Err(error)) => refused(error.to_string()),
                Err(why) => refused(why),
            },
            Err(_) => refused("the message is not hex".into()),
        },
        Err(_) => refused("the request is not understood".into()),
    };
    write_line(stream, &answer)
}

/// Signs by asking the process behind a socket.
#[derive(Clone)]
pub struct SocketSigner {
    socket: PathBuf,
    account: AccountId,
    scheme: Scheme,
}

impl SocketSigner {
    /// Asks the process behind the socket whose key it holds.
    ///
    /// # Errors
    /// [`SignError::Unreachable`] when nobody answers sensibly.
    pub fn connect(socket: impl Into<PathBuf>) -> Result<Self, SignError> {
        let socket = socket.into();
        let answer = exchange(&socket, &Ask::Who).map_err(unreachable)?;
        let (Some(address), Some(scheme)) = (answer.address, answer.scheme) else {
            return Err(nonsense());
        };
        let account = address.parse().map_err(|_| nonsense())?;
        let scheme = scheme.parse().map_err(|error: UnsupportedScheme| unreachable(error))?;
        Ok(Self { socket, account, scheme })
    }

    fn ask(&self, message: &[u8]) -> Result<Signature, SignError> {
        let ask = Ask::Sign { message: hex::encode(message) };
        let answer = exchange(&self.socket, &ask).map_err(unreachable)?;
        if let Some(why) = answer.refused {
            return Err(SignError::Refused(why));
        }
        let text = answer.signature.ok_or_else(nonsense)?;
        let signature = Signature::from_hex(&text, self.scheme).map_err(unreachable)?;
        // Another process may sit behind the socket by now, with another key.
        match verify(&self.account, message, &signature) {
            true => Ok(signature),
            false => Err(nonsense()),
        }
    }
}

#[async_trait]
impl Signer for SocketSigner {
    fn account_id(&self) -> AccountId {
        self.account
    }

    fn scheme(&self) -> Scheme {
        self.scheme
    }

    async fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        let (sender, receiver) = oneshot::channel();
        let (signer, message) = (self.clone(), message.to_vec());
        // Blocking belongs on a thread; signing is rare enough for a new one each time.
        std::thread::spawn(move || {
            // Nobody listens any more if the future was dropped.
            let _ = sender.send(signer.ask(&message));
        });
        receiver.await.unwrap_or_else(|error| Err(unreachable(error)))
    }
}

impl fmt::Debug for SocketSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SocketSigner({}, {})", self.socket.display(), self.account)
    }
}

fn exchange(socket: &Path, ask: &Ask) -> io::Result<Answer> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write_line(&stream, ask)?;
    Ok(serde_json::from_str(&read_line(&stream)?)?)
}

fn read_line(stream: &UnixStream) -> io::Result<String> {
    let mut line = String::new();
    BufReader::new(stream.take(LIMIT)).read_line(&mut line)?;
    if line.ends_with('\n') { Ok(line) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn write_line(mut stream: &UnixStream, value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_string(value)?;
    line.push('\n');
    stream.write_all(line.as_bytes())
}

fn unreachable(cause: impl Into<BoxError>) -> SignError {
    SignError::Unreachable(cause.into())
}

fn nonsense() -> SignError {
    unreachable("the process behind the socket does not sign as it says")
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;
    use tensor_core::key::Keypair;

    fn pair() -> Keypair {
        Keypair::from_uri("//Alice", Scheme::Sr25519).unwrap()
    }

    /// Serves on a thread that ends with the process.
    fn start(key: impl SignerSync + 'static) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signer");
        let listener = listen(&path).unwrap();
        std::thread::spawn(move || {
            let allow = |message: &[u8]| {
                if message == b"no" { Err("not that".into()) } else { Ok(()) }
            };
            serve(&listener, &key, &allow)
        });
        (folder, path)
    }

    #[test]
    fn a_key_elsewhere_signs_like_one_here() {
        let (_folder, path) = start(pair());
        let signer: Box<dyn Signer> = Box::new(SocketSigner::connect(&path).unwrap());
        assert_eq!(signer.account_id(), pair().account_id());
        for message in [b"".as_slice(), b"hello", &[0xff; 100_000]] {
            let signature = block_on(signer.sign(message)).unwrap();
            assert!(verify(&signer.account_id(), message, &signature));
        }
        assert!(
            matches!(block_on(signer.sign(b"no")), Err(SignError::Refused(why)) if why == "not that")
        );
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(listen(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn a_false_signature_is_not_passed_on() {
        struct Liar(Keypair);
        impl SignerSync for Liar {
            fn account_id(&self) -> AccountId {
                self.0.account_id()
            }
            fn scheme(&self) -> Scheme {
                self.0.scheme()
            }
            fn sign_sync(&self, _: &[u8]) -> Result<Signature, SignError> {
                Ok(self.0.sign(b"something else"))
            }
        }
        let (_folder, path) = start(Liar(pair()));
        let signer = SocketSigner::connect(&path).unwrap();
        assert!(matches!(block_on(signer.sign(b"hello")), Err(SignError::Unreachable(_))));
    }

    #[test]
    fn nonsense_ends_one_connection_only() {
        let (_folder, path) = start(pair());
        for line in ["", "\n", "{}\n", "{\"op\":\"sign\",\"message\":\"zz\"}\n", "no end"] {
            let mut stream = UnixStream::connect(&path).unwrap();
            stream.write_all(line.as_bytes()).unwrap();
            drop(stream);
        }
        assert!(SocketSigner::connect(&path).is_ok());
        assert!(SocketSigner::connect(path.with_file_name("nobody")).is_err());
    }
}
