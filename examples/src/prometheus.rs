//! Metrics for Prometheus on a socket of their own: [`Endpoint`].

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Answers `GET /metrics`, and nothing else.
#[derive(Debug)]
pub struct Endpoint {
    listener: TcpListener,
}

impl Endpoint {
    /// Binds the address; port 0 picks a free one.
    ///
    /// # Errors
    /// Whatever the system says, mostly that the port is taken.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await? })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers with what `render` writes, for as long as it is polled.
    pub async fn serve(&self, render: impl Fn() -> String) {
        let mut talks = FuturesUnordered::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if talks.len() < CONNECTIONS => match accepted {
                    Ok((stream, _)) => talks.push(talk(stream, &render)),
                    // Out of descriptors: not a busy loop.
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                },
                Some(_) = talks.next() => {}
            }
        }
    }
}

/// One question and its answer, in a bounded time.
async fn talk(mut stream: TcpStream, render: &impl Fn() -> String) {
    let exchange = async {
        let target = target(&mut stream).await?;
        let (status, body) = match target.as_str() {
            "/metrics" => ("200 OK", render()),
            _ => ("404 Not Found", "the metrics are at /metrics\n".to_owned()),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).await?;
        stream.shutdown().await
    };
    // Whoever asks is gone or too slow; there is nobody to tell.
    let _ = tokio::time::timeout(PATIENCE, exchange).await;
}

/// Reads a head to its end, and gives what it asks for.
async fn target(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut part = [0; 1_024];
        let read = stream.read(&mut part).await?;
        head.extend_from_slice(part.get(..read).unwrap_or_default());
        if read == 0 || head.len() > HEAD_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    let line = String::from_utf8_lossy(&head);
    let mut words = line.lines().next().unwrap_or_default().split(' ');
    match (words.next(), words.next()) {
        (Some("GET"), Some(target)) => Ok(target.to_owned()),
        _ => Ok(String::new()),
    }
}

/// Connections at once.
const CONNECTIONS: usize = 16;
/// Bytes of a question.
const HEAD_BYTES: usize = 8 << 10;
/// Time for a question and its answer.
const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(address: SocketAddr, question: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(question).await.unwrap();
        let mut answer = String::new();
        // Closed without an answer is no answer.
        let _ = stream.read_to_string(&mut answer).await;
        answer
    }

    #[tokio::test]
    async fn metrics_are_answered_and_nothing_else() {
        let endpoint = Endpoint::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = endpoint.address().unwrap();
        let asking = async {
            let answer = ask(address, b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").await;
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
            assert!(answer.ends_with("\r\ncontent-length: 4\r\nconnection: close\r\n\r\nx 1\n"));
            assert!(ask(address, b"GET / HTTP/1.1\r\n\r\n").await.starts_with("HTTP/1.1 404"));
            assert!(
                ask(address, b"POST /metrics HTTP/1.1\r\n\r\n").await.starts_with("HTTP/1.1 404")
            );
            assert_eq!(ask(address, &[b'x'; 9_000]).await, "");
        };
        tokio::select! {
            () = endpoint.serve(|| "x 1\n".to_owned()) => {}
            () = asking => {}
        }
    }
}
