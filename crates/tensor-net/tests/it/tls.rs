//! The same over TLS.

use std::sync::Arc;

use tensor_core::transport::{Endpoint, Request, Transport, TransportError};
use tensor_net::client::Client;
use tensor_net::server::{AxonService, Server};
use tensor_net::wire::Identity;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::{hotkey, key, shouter};

#[tokio::test]
async fn tls_carries_signed_requests() {
    let made = rcgen::generate_simple_self_signed(vec!["axon.test".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let secret = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let server_config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], secret)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let trusting =
        Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth());

    let service = AxonService::new(hotkey("//Bob"), shouter());
    let server = Server::bind("127.0.0.2:0", service).await.unwrap();
    let server = server.with_tls(Arc::new(server_config));
    let axon = Endpoint { hotkey: hotkey("//Bob"), address: server.local_addr().unwrap() };
    let serving = tokio::spawn(server.serve());

    let client = |config: &Arc<ClientConfig>, name: &'static str| {
        Client::builder(Identity::new(key("//Alice")))
            .with_tls(Arc::clone(config), ServerName::try_from(name).unwrap())
            .allow_private_addresses()
            .build()
    };
    let ask = || Request::synapse("Shout", r#"{"text":"hello"}"#);
    let good = client(&trusting, "axon.test");
    for _ in 0..2 {
        assert_eq!(good.send(&axon, ask()).await.unwrap().status, 200);
    }
    let strangers = ClientConfig::builder()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    for bad in [client(&trusting, "other.test"), client(&Arc::new(strangers), "axon.test")] {
        let error = bad.send(&axon, ask()).await.unwrap_err();
        assert!(matches!(error, TransportError::Unreachable { .. }), "{error:?}");
    }
    let plain = Client::builder(Identity::new(key("//Alice"))).allow_private_addresses().build();
    assert!(plain.send(&axon, ask()).await.is_err());
    serving.abort();
}
