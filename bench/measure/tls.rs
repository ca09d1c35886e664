//! Certificates for one run, made by OpenSSL.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What a Linux trusts: Lambda's images have as long a list, and reading it is a part of the
/// first call.
const SYSTEM: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A server that the holder of the bundle believes.
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    /// The system's certificates and the one that signed the server's.
    pub(crate) bundle: PathBuf,
}

/// Makes an authority and a certificate of 127.0.0.1's in this folder.
pub(crate) fn make(folder: &Path) -> Tls {
    std::fs::create_dir_all(folder).unwrap();
    let openssl = |arguments: &str| {
        let mut command = Command::new("openssl");
        command.args(arguments.split(' ')).current_dir(folder);
        let done = command.output().unwrap();
        assert!(done.status.success(), "openssl {arguments}: {done:?}");
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc";
    openssl(&format!(
        "req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=bench"
    ));
    openssl(&format!(
        "req -x509 {key} -keyout own.key -out own.pem -days 2 -subj /CN=127.0.0.1 -CA ca.pem \
         -CAkey ca.key -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=CA:FALSE"
    ));
    let certificates = CertificateDer::pem_file_iter(folder.join("own.pem")).unwrap();
    let certificates = certificates.map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(folder.join("own.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .unwrap();
    let bundle = folder.join("bundle.pem");
    let system = std::fs::read(SYSTEM).unwrap_or_default();
    let own = std::fs::read(folder.join("ca.pem")).unwrap();
    std::fs::write(&bundle, [system, own].concat()).unwrap();
    Tls {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        bundle: bundle.canonicalize().unwrap(),
    }
}
