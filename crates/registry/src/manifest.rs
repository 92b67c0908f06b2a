use http::{HeaderMap, HeaderValue, Method, header};
use terrarium_oci::{Descriptor, Digest, Document, MAX_DOCUMENT_BYTES, MediaType, Reference};

use crate::auth::Scope;
use crate::endpoint::Endpoint;
use crate::quote::quote;
use crate::transport::{Call, Transport, read_body};
use crate::{Error, RateLimit, Result};

/// The documents that we read.
const ACCEPT: HeaderValue = HeaderValue::from_static(
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json",
);

/// A document that was fetched and verified.
pub(crate) struct Fetched {
    pub(crate) descriptor: Descriptor,
    pub(crate) document: Document,
    pub(crate) bytes: Vec<u8>,
    pub(crate) rate_limit: Option<RateLimit>,
}

/// Asks what `reference` points to. The answer is the registry's word.
pub(crate) async fn head(
    transport: &Transport,
    endpoint: &Endpoint,
    reference: &Reference,
) -> Result<Option<Descriptor>> {
    let mut call = manifest_call(reference, reference.target());
    call.method = Method::HEAD;
    let response = transport.send(endpoint, &call).await?;
    Ok(announced(response.headers()))
}

/// The descriptor in the headers of a manifest.
fn announced(headers: &HeaderMap) -> Option<Descriptor> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let digest = text("docker-content-digest")?.parse().ok()?;
    let size_bytes = text(header::CONTENT_LENGTH.as_str())?.parse().ok()?;
    let media_type = MediaType::parse(text(header::CONTENT_TYPE.as_str())?);
    Some(Descriptor::new(media_type, digest, size_bytes))
}

/// The request for a manifest by tag or digest.
fn manifest_call(reference: &Reference, target: &str) -> Call {
    let repository = reference.repository();
    let what = match target.contains(':') {
        true => format!("manifest {target} of repository `{repository}`"),
        false => format!("tag `{target}` of repository `{repository}`"),
    };
    let mut call = Call::get(
        format!("v2/{repository}/manifests/{target}"),
        what,
        Scope::pull(repository),
    );
    call.headers.insert(header::ACCEPT, ACCEPT);
    call
}

/// Fetches what `descriptor` describes, or what the reference points to, and believes nothing of it unverified.
pub(crate) async fn fetch(
    transport: &Transport,
    endpoint: &Endpoint,
    reference: &Reference,
    descriptor: Option<Descriptor>,
) -> Result<Fetched> {
    let host = &endpoint.host;
    let target = descriptor
        .as_ref()
        .map_or(reference.target(), |descriptor| descriptor.digest.as_str());
    let call = manifest_call(reference, target);
    let response = transport.send(endpoint, &call).await?;

    let header = |name: &str| response.headers().get(name)?.to_str().ok();
    let media_type = header(header::CONTENT_TYPE.as_str()).map(MediaType::parse);
    let stated = header("docker-content-digest").map(str::to_owned);
    let rate_limit = RateLimit::from_headers(response.headers());
    let bytes = read_body(response, host, &call.what, MAX_DOCUMENT_BYTES).await?;

    let wanted = descriptor
        .as_ref()
        .map(|descriptor| &descriptor.digest)
        .or(reference.digest());
    let digest = settle_digest(host, wanted, stated.as_deref(), &bytes)?;
    let announced = match &descriptor {
        Some(descriptor) => Some(descriptor.media_type.clone()),
        None => check_media_type(host, media_type)?,
    };
    let document =
        Document::parse(announced.as_ref(), &bytes).map_err(|source| Error::Document {
            what: reference.familiar(),
            source,
        })?;
    let descriptor = match descriptor {
        Some(descriptor) => check_size(host, descriptor, &bytes)?,
        None => Descriptor::new(kind_of(&document, announced), digest, bytes.len() as u64),
    };
    Ok(Fetched {
        descriptor,
        document,
        bytes,
        rate_limit,
    })
}

/// The digest of a document: the one it was asked for by, else the one the registry states, else our own.
fn settle_digest(
    host: &str,
    wanted: Option<&Digest>,
    stated: Option<&str>,
    bytes: &[u8],
) -> Result<Digest> {
    let stated = match stated.map(str::parse::<Digest>) {
        Some(Err(_)) => {
            let message = "the header Docker-Content-Digest holds no digest".to_owned();
            return Err(Error::Protocol {
                host: host.to_owned(),
                message,
            });
        }
        Some(Ok(digest)) => Some(digest),
        None => None,
    };
    if let Some(expected) = wanted.or(stated.as_ref()) {
        verify(host, expected, bytes)?;
        return Ok(expected.clone());
    }
    Ok(Digest::sha256_of(bytes))
}

/// Checks that `bytes` are what `expected` names.
pub(crate) fn verify(host: &str, expected: &Digest, bytes: &[u8]) -> Result<()> {
    let mut hasher = expected.hasher();
    hasher.update(bytes);
    let found = hasher.finish();
    if found == *expected {
        return Ok(());
    }
    Err(Error::BadDigest {
        host: host.to_owned(),
        expected: expected.clone(),
        found,
    })
}

fn check_size(host: &str, descriptor: Descriptor, bytes: &[u8]) -> Result<Descriptor> {
    if descriptor.size_bytes == bytes.len() as u64 {
        return Ok(descriptor);
    }
    let (expected, found) = (descriptor.size_bytes, bytes.len());
    let message = format!(
        "{} has {found} bytes, but the index says {expected}",
        descriptor.digest
    );
    Err(Error::Protocol {
        host: host.to_owned(),
        message,
    })
}

/// Refuses what is no image at all, such as the sign-in page of a hotel. JSON without a name may be one.
fn check_media_type(host: &str, media_type: Option<MediaType>) -> Result<Option<MediaType>> {
    const UNNAMED: &[&str] = &[
        "application/json",
        "application/octet-stream",
        "text/plain",
        "",
    ];
    match media_type {
        Some(MediaType::Other(text)) if UNNAMED.contains(&text.to_lowercase().as_str()) => Ok(None),
        Some(kind) if kind.is_index() || kind.is_manifest() || kind == MediaType::DockerSchema1 => {
            Ok(Some(kind))
        }
        None => Ok(None),
        Some(other) => {
            let media_type = quote(other.as_str());
            Err(Error::UnsupportedMediaType {
                host: host.to_owned(),
                media_type,
            })
        }
    }
}

fn kind_of(document: &Document, announced: Option<MediaType>) -> MediaType {
    let (stated, default) = match document {
        Document::Manifest(manifest) => (manifest.media_type.clone(), MediaType::OciManifest),
        Document::Index(index) => (index.media_type.clone(), MediaType::OciIndex),
    };
    announced.or(stated).unwrap_or(default)
}
