use std::{
    fs,
    process::Command,
    sync::{Arc, atomic::AtomicU64},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use terrarium_oci::{Descriptor, Digest, Manifest, MediaType, Platform, Reference};
use terrarium_registry::{Client, Options, PublicKey, Upload, Verdict};

use crate::docker_registry::{DockerRegistry, Door};
use crate::image::Image;

/// Has openssl sign, as cosign does: SHA-256 and ECDSA on P-256.
fn sign(folder: &std::path::Path, payload: &[u8]) -> (String, Vec<u8>) {
    let path = |name: &str| folder.join(name).display().to_string();
    fs::write(path("payload"), payload).unwrap();
    let openssl = |arguments: &[&str]| {
        let ran = Command::new("openssl").args(arguments).output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
        ran.stdout
    };
    let (key, public, signed) = (path("key"), path("public"), path("signed"));
    openssl(&[
        "ecparam",
        "-name",
        "prime256v1",
        "-genkey",
        "-noout",
        "-out",
        &key,
    ]);
    openssl(&["ec", "-in", &key, "-pubout", "-out", &public]);
    openssl(&[
        "dgst",
        "-sha256",
        "-sign",
        &key,
        "-out",
        &signed,
        &path("payload"),
    ]);
    (
        fs::read_to_string(public).unwrap(),
        fs::read(signed).unwrap(),
    )
}

async fn push(client: &Client, reference: &Reference, bytes: &[u8], kind: &str) -> Descriptor {
    let descriptor = Descriptor::of(MediaType::parse(kind), bytes);
    let content = bytes.to_vec();
    let upload = Upload {
        descriptor: descriptor.clone(),
        open: Arc::new(move |offset| {
            let rest = content[usize::try_from(offset).unwrap()..].to_vec();
            Ok(Box::pin(std::io::Cursor::new(rest)))
        }),
        neighbor: None,
        sent_bytes: Arc::new(AtomicU64::new(0)),
    };
    client.push_blob(reference, &upload).await.unwrap();
    descriptor
}

#[tokio::test]
async fn a_signature_of_a_key_pair_is_found_beside_the_image_and_checked() {
    let image = Image::new();
    let registry = DockerRegistry::start(Door::Plain);
    let name = format!("{}/library/thing:1", registry.host());
    let layout = registry.folder().join("layout");
    image.push(&layout, &name, &["--dest-tls-verify=false"]);
    let reference: Reference = name.parse().unwrap();
    let client = Client::new(Options::default());
    let amd64 = Platform::new("linux", "amd64");
    let digest = client
        .resolve(&reference, &amd64)
        .await
        .unwrap()
        .root
        .digest;
    assert_eq!(client.signatures(&reference, &digest).await.unwrap(), []);

    let payload = format!(
        r#"{{"critical":{{"identity":{{"docker-reference":"{name}"}},"image":{{"docker-manifest-digest":"{digest}"}},"type":"cosign container image signature"}},"optional":null}}"#
    );
    let (public, signature) = sign(registry.folder(), payload.as_bytes());
    let mut layer = push(
        &client,
        &reference,
        payload.as_bytes(),
        "application/vnd.dev.cosign.simplesigning.v1+json",
    )
    .await;
    layer.annotations.insert(
        "dev.cosignproject.cosign/signature".to_owned(),
        BASE64_STANDARD.encode(&signature),
    );
    let config = push(&client, &reference, b"{}", MediaType::OciConfig.as_str()).await;
    let manifest = Manifest::new(config, vec![layer]).to_bytes();
    let tag = format!("{}.sig", digest.as_str().replace(':', "-"));
    let kind = MediaType::OciManifest;
    client
        .push_document(&reference, &tag, &kind, manifest)
        .await
        .unwrap();

    let found = client.signatures(&reference, &digest).await.unwrap();
    assert_eq!(found.len(), 1);
    let key = PublicKey::parse(&public).expect("openssl's key is read");
    let reference = name;
    assert_eq!(key.check(&found[0], &digest), Verdict::Valid { reference });
    let other = Digest::sha256_of(b"another image");
    assert_eq!(key.check(&found[0], &other), Verdict::OtherContent);
    let (stranger, _) = sign(registry.folder(), b"x");
    let stranger = PublicKey::parse(&stranger).expect("openssl's key is read");
    assert_eq!(stranger.check(&found[0], &digest), Verdict::WrongKey);
}
