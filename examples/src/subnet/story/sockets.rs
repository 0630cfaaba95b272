//! Servers at addresses that the chain accepts, and clients that reach them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use tensor_core::Keypair;
use tensor_net::wire::Identity;
use tensor_net::{AxonService, Client, Server};

use super::StoryError;

/// An HTTP client that signs with this key. The subnet's axons are on this machine, hence private.
pub(super) fn client(key: &Keypair) -> Client {
    Client::builder(Identity::new(key.clone())).allow_private_addresses().build()
}

/// A server at an address that the chain accepts. It refuses 127.0.0.1, so that is 127.0.0.2; where a
/// system has no such address, all interfaces are bound and the machine's own address is published.
pub(super) async fn bind(service: AxonService) -> Result<(Server, SocketAddr), StoryError> {
    let loopback = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), 0));
    if let Ok(server) = Server::bind(loopback, service.clone()).await {
        let address = server.local_addr()?;
        return Ok((server, address));
    }
    let server = Server::bind((Ipv4Addr::UNSPECIFIED, 0), service).await?;
    let port = server.local_addr()?.port();
    Ok((server, SocketAddr::new(own_address()?, port)))
}

/// The address by which others reach this machine: that of the socket that would go out. Nothing is
/// sent; 192.0.2.1 is reserved for documentation.
fn own_address() -> std::io::Result<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
    Ok(socket.local_addr()?.ip())
}
