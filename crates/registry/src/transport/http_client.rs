use std::path::Path;

use reqwest::redirect::{Attempt, Policy};
use reqwest::{Certificate, Client, Url};

use crate::endpoint::{Endpoint, Trust, is_loopback};
use crate::{Broken, Error, Options, Result};

const MAX_REDIRECTS: usize = 10;

/// Builds the client for a host: it has the host's own trust and keeps its connections.
pub(super) fn build(endpoint: &Endpoint, options: &Options) -> Result<Client> {
    provide_tls();
    let mut builder = Client::builder()
        .user_agent(concat!("terrarium/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(options.connect_timeout)
        .read_timeout(options.idle_timeout)
        .redirect(Policy::custom(follow));
    if let Some(folder) = options.certificates_of(&endpoint.host) {
        builder = builder.tls_certs_merge(read_certificates(&folder)?);
    }
    if endpoint.trust == Trust::Anyone {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    if is_loopback(&endpoint.host) {
        // A proxy cannot reach this machine's loopback, whatever the environment says.
        builder = builder.no_proxy();
    }
    let address = endpoint.bases[0].to_string();
    builder.build().map_err(|error| Error::Tls {
        address,
        source: Broken::of(&error),
    })
}

/// Gives this process the cryptography that every TLS connection needs.
pub fn provide_tls() {
    // rustls takes the provider of the process. A second call fails because there is one, which is all we need.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Follows redirects, for registries keep blobs elsewhere. The client drops `Authorization` for another host by itself.
fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let was_encrypted = attempt.previous().iter().any(|url| url.scheme() == "https");
    if attempt.previous().len() > MAX_REDIRECTS {
        attempt.error("too many redirects")
    } else if was_encrypted && attempt.url().scheme() != "https" {
        attempt.error("redirected from https to http")
    } else {
        attempt.follow()
    }
}

/// Reads every `*.crt` of a folder, as Docker's `certs.d/HOST` has them.
fn read_certificates(folder: &Path) -> Result<Vec<Certificate>> {
    let error =
        |path: &Path, source: Box<dyn std::error::Error + Send + Sync>| Error::Configuration {
            path: path.display().to_string(),
            source,
        };
    let mut certificates = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|why| error(folder, why.into()))? {
        let path = entry.map_err(|why| error(folder, why.into()))?.path();
        if path.extension().is_some_and(|extension| extension == "crt") {
            let pem = std::fs::read(&path).map_err(|why| error(&path, why.into()))?;
            certificates.extend(
                Certificate::from_pem_bundle(&pem).map_err(|why| error(&path, why.into()))?,
            );
        }
    }
    Ok(certificates)
}

/// Says what broke a connection to `base`. Nothing of the URL is told but the host: behind a redirect it holds
/// signatures.
pub(crate) fn broken(base: &Url, error: reqwest::Error) -> Error {
    let address = base.origin().ascii_serialization();
    let source = Broken::of(&error);
    if error.is_redirect() {
        let message = format!("a redirect was not followed: {source}");
        return Error::Protocol {
            host: address,
            message,
        };
    }
    match is_tls(&error) {
        true => Error::Tls { address, source },
        false => Error::Unreachable { address, source },
    }
}

/// What a server gets that sends a trickle.
pub(crate) fn too_slow(url: &Url) -> Error {
    Error::Unreachable {
        address: url.origin().ascii_serialization(),
        source: Broken::slow(),
    }
}

/// Whether a TLS error is somewhere among the causes.
fn is_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    if error.is::<rustls::Error>() {
        return true;
    }
    // An I/O error does not name the error it wraps as its source, but that one's source.
    let wrapped = error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref);
    wrapped.is_some_and(|wrapped| is_tls(wrapped)) || error.source().is_some_and(is_tls)
}
