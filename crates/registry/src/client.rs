use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use terrarium_oci::{Descriptor, Document, Platform, Reference};

use crate::auth::Scope;
use crate::endpoint::{Endpoint, Sources, Trust, registry_endpoint, sources};
use crate::manifest;
use crate::parallel::{BlobSource, ParallelBlob};
use crate::resolve::{self, Resolved};
use crate::transport::{Call, Transport};
use crate::{BlobStream, Credential, Error, Keychain, Result, Retry, SignIn};

/// How registries are reached.
#[derive(Debug, Clone)]
pub struct Options {
    /// Addresses of mirrors of Docker Hub, asked before it, in this order.
    pub mirrors: Vec<String>,
    /// Hosts, with or without port, whose certificate is not checked and which may do without TLS. This machine's
    /// loopback needs no entry.
    pub insecure: Vec<String>,
    /// A folder with one folder for each host, whose `*.crt` files are CAs of that host, like Docker's `certs.d`.
    pub certs_dir: Option<PathBuf>,
    /// Where credentials are.
    pub keychain: Arc<Keychain>,
    /// How often a request is sent again.
    pub retry: Retry,
    /// How long a connection may take to stand.
    pub connect_timeout: Duration,
    /// How long nothing may come.
    pub idle_timeout: Duration,
    /// How long a server may take for 64 KiB: whoever sends less holds the connection and serves nobody.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mirrors: Vec::new(),
            insecure: Vec::new(),
            certs_dir: None,
            keychain: Arc::default(),
            retry: Retry::default(),
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            patience: Duration::from_secs(60),
        }
    }
}

impl Options {
    /// The folder with the CAs of `host`, if there is one.
    pub(crate) fn certificates_of(&self, host: &str) -> Option<PathBuf> {
        self.certs_dir
            .as_ref()
            .map(|folder| folder.join(host))
            .filter(|folder| folder.is_dir())
    }
}

/// Talks to registries. Cloning is cheap; clones share connections and authorizations.
///
/// Every call can be dropped at any time; nothing but a connection is lost.
#[derive(Clone)]
pub struct Client {
    pub(crate) transport: Arc<Transport>,
}

impl Client {
    /// A client. Nothing is connected yet.
    pub fn new(options: Options) -> Self {
        Self {
            transport: Arc::new(Transport::new(options)),
        }
    }

    /// Finds the image for `platform` that `reference` names. Every byte it returns is verified.
    ///
    /// # Errors
    /// Every variant of [`Error`] but [`Error::Truncated`].
    pub async fn resolve(&self, reference: &Reference, platform: &Platform) -> Result<Resolved> {
        let Sources { mirrors, registry } = self.sources(reference)?;
        let mut refused = None;
        for mirror in mirrors {
            match resolve::resolve(&self.transport, &mirror, reference, platform).await {
                Ok(resolved) => return Ok(resolved),
                Err(error) => {
                    pass_over(&mirror, &error);
                    refused = Some(error).filter(Error::is_answer).or(refused);
                }
            }
        }
        let resolved = resolve::resolve(&self.transport, &registry, reference, platform).await;
        // Where the registry itself is out of reach, what a mirror said is worth more.
        resolved.map_err(|error| refused.filter(|_| !error.is_answer()).unwrap_or(error))
    }

    /// The one document that `reference` points to, an index or a manifest, verified.
    ///
    /// # Errors
    /// As for [`Client::resolve`], but never [`Error::NoPlatform`].
    pub async fn document(&self, reference: &Reference) -> Result<(Descriptor, Document)> {
        let Sources { mirrors, registry } = self.sources(reference)?;
        for mirror in mirrors {
            match manifest::fetch(&self.transport, &mirror, reference, None).await {
                Ok(found) => return Ok((found.descriptor, found.document)),
                Err(error) => pass_over(&mirror, &error),
            }
        }
        let found = manifest::fetch(&self.transport, &registry, reference, None).await?;
        Ok((found.descriptor, found.document))
    }

    /// What the registry says `reference` points to, without fetching it: its word only, and free of the limit on pulls.
    ///
    /// `None` if the registry does not say.
    ///
    /// # Errors
    /// As for [`Client::resolve`].
    pub async fn head(&self, reference: &Reference) -> Result<Option<Descriptor>> {
        let Sources { mirrors, registry } = self.sources(reference)?;
        for mirror in mirrors {
            match manifest::head(&self.transport, &mirror, reference).await {
                Ok(found) => return Ok(found),
                Err(error) => pass_over(&mirror, &error),
            }
        }
        manifest::head(&self.transport, &registry, reference).await
    }

    /// Opens a blob from byte `offset` on. The stream continues by itself where a connection breaks.
    ///
    /// The digest is not verified: whoever continues a download has hashed the bytes before `offset`, so only they can.
    ///
    /// # Errors
    /// As for [`Client::resolve`].
    pub async fn fetch_blob(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
        offset: u64,
    ) -> Result<BlobStream> {
        let Sources { mirrors, registry } = self.sources(reference)?;
        let open = |endpoint: Endpoint| {
            BlobStream::new(
                self.transport.clone(),
                endpoint,
                reference,
                descriptor,
                offset,
            )
        };
        for mirror in mirrors {
            let mut stream = open(mirror.clone());
            match stream.connect().await {
                Ok(()) => return Ok(stream),
                Err(error) => pass_over(&mirror, &error),
            }
        }
        let mut stream = open(registry);
        stream.connect().await?;
        Ok(stream)
    }

    /// As [`Client::fetch_blob`]; a large blob comes in parts that are fetched beside each other, where the
    /// server has parts.
    ///
    /// # Errors
    /// As for [`Client::resolve`].
    pub async fn fetch_parallel(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
        offset: u64,
    ) -> Result<ParallelBlob> {
        let Sources { mirrors, registry } = self.sources(reference)?;
        for mirror in mirrors {
            let source = self.blob_source(mirror.clone(), reference, descriptor);
            match ParallelBlob::open(source, offset).await {
                Ok(blob) => return Ok(blob),
                Err(error) => pass_over(&mirror, &error),
            }
        }
        let source = self.blob_source(registry, reference, descriptor);
        ParallelBlob::open(source, offset).await
    }

    fn blob_source(
        &self,
        endpoint: Endpoint,
        reference: &Reference,
        descriptor: &Descriptor,
    ) -> BlobSource {
        BlobSource {
            transport: self.transport.clone(),
            endpoint,
            reference: reference.clone(),
            descriptor: descriptor.clone(),
        }
    }

    /// Reads a small blob, such as a config, and verifies it.
    ///
    /// # Errors
    /// As for [`Client::resolve`]; [`Error::TooLarge`] beyond `limit` bytes.
    pub async fn fetch_small(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
        limit: usize,
    ) -> Result<Vec<u8>> {
        if descriptor.size_bytes > limit as u64 {
            return Err(Error::TooLarge {
                host: reference.registry().to_owned(),
                what: format!("blob {}", descriptor.digest),
                limit_bytes: limit as u64,
            });
        }
        let mut stream = self.fetch_blob(reference, descriptor, 0).await?;
        let mut bytes = Vec::with_capacity(descriptor.size_bytes as usize);
        while let Some(chunk) = stream.chunk().await? {
            bytes.extend_from_slice(&chunk);
        }
        manifest::verify(stream.host(), &descriptor.digest, &bytes)?;
        Ok(bytes)
    }

    /// Checks that `registry` takes `credential`, and uses it from then on.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] if it does not; the credential is forgotten then.
    pub async fn sign_in(&self, registry: &str, credential: Credential) -> Result<()> {
        let keychain = &self.transport.options.keychain;
        self.transport.forget(registry);
        keychain.insert(registry, credential);
        let checked = self.ping(registry).await;
        if checked.is_err() {
            keychain.remove(registry);
            self.transport.forget(registry);
        }
        checked
    }

    /// Forgets how to sign in to `registry`.
    pub fn sign_out(&self, registry: &str) {
        self.transport.options.keychain.remove(registry);
        self.transport.forget(registry);
    }

    /// Forgets what `registry` was told and answered about who asks, because a file of the keychain changed.
    pub fn forget(&self, registry: &str) {
        self.transport.forget(registry);
    }

    /// The sign-ins that the files of the keychain know of.
    pub fn sign_ins(&self) -> Vec<SignIn> {
        self.transport.options.keychain.sign_ins()
    }

    /// Whether `registry` has to prove who it is: nobody said otherwise, and it is not on this machine.
    pub fn checks_certificate(&self, registry: &str) -> bool {
        let endpoint = registry_endpoint(registry, &self.transport.options);
        endpoint.is_ok_and(|endpoint| endpoint.trust == Trust::Verified)
    }

    /// Checks that `registry` speaks the protocol and takes what we have to sign in with.
    ///
    /// # Errors
    /// As for [`Client::resolve`].
    pub async fn ping(&self, registry: &str) -> Result<()> {
        let endpoint = registry_endpoint(registry, &self.transport.options)?;
        let call = Call::get("v2/".into(), "registry".into(), Scope::pull(""));
        self.transport.send(&endpoint, &call).await.map(drop)
    }

    fn sources(&self, reference: &Reference) -> Result<Sources> {
        sources(reference, &self.transport.options)
    }
}

/// Notes that a mirror was no help; the next one is asked, and at last the registry itself.
fn pass_over(mirror: &Endpoint, error: &Error) {
    tracing::warn!(mirror = %mirror.host, %error, "the mirror could not help");
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}
