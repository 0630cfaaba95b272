//! One websocket connection, frame by frame, so that nothing is hidden by a client library.

use serde_json::Value;
use soketto::{
    Receiver, Sender,
    handshake::{Client, ServerResponse},
};
use tensor_chain::serve::Server;
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

pub(super) struct Socket {
    sender: Sender<Compat<TcpStream>>,
    receiver: Receiver<Compat<TcpStream>>,
}

impl Socket {
    pub(super) async fn connect(server: &Server) -> Self {
        Self::try_connect(server).await.expect("the server accepts")
    }

    /// A connection, unless the server refuses it.
    pub(super) async fn try_connect(server: &Server) -> Option<Self> {
        let stream = TcpStream::connect(server.local_addr()).await.ok()?;
        let mut client = Client::new(stream.compat(), "127.0.0.1", "/");
        let ServerResponse::Accepted { .. } = client.handshake().await.ok()? else { return None };
        let (sender, receiver) = client.into_builder().finish();
        Some(Self { sender, receiver })
    }

    /// Sends one frame and awaits the next one.
    pub(super) async fn ask(&mut self, request: Value) -> Value {
        self.sender.send_text(request.to_string()).await.unwrap();
        self.sender.flush().await.unwrap();
        self.next().await
    }

    pub(super) async fn next(&mut self) -> Value {
        let mut frame = Vec::new();
        self.receiver.receive_data(&mut frame).await.unwrap();
        serde_json::from_slice(&frame).unwrap()
    }
}
