use terrarium_oci::{Digest, Platform, Reference};
use terrarium_registry::{BlobStream, Client, Credential, Error, Options};

use crate::docker_registry::{DockerRegistry, Door};
use crate::image::{Image, LAYER_BYTES};

fn amd64() -> Platform {
    Platform::new("linux", "amd64")
}

async fn read(mut stream: BlobStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.chunk().await.expect("the blob is whole") {
        bytes.extend_from_slice(&chunk);
    }
    bytes
}

fn registry_with_image(image: &Image) -> (DockerRegistry, Reference) {
    let registry = DockerRegistry::start(Door::Plain);
    let name = format!("{}/library/thing:1", registry.host());
    image.push(
        &registry.folder().join("layout"),
        &name,
        &["--dest-tls-verify=false"],
    );
    (registry, name.parse().unwrap())
}

#[tokio::test]
async fn an_image_is_resolved_to_the_platform_and_every_byte_arrives() {
    let image = Image::new();
    let (_registry, reference) = registry_with_image(&image);
    let client = Client::new(Options::default());

    let resolved = client.resolve(&reference, &amd64()).await.unwrap();
    assert_eq!(resolved.root.digest, image.index_digest());
    assert_eq!(resolved.indexes[0].2, image.index);
    assert!(resolved.manifest_bytes == image.manifest);
    let config = client
        .fetch_small(&reference, &resolved.manifest.config, 4 << 20)
        .await
        .unwrap();
    assert_eq!(config, image.config);
    let stream = client
        .fetch_blob(&reference, &resolved.manifest.layers[0], 0)
        .await
        .unwrap();
    assert!(read(stream).await == image.layer);
    let rest = client
        .fetch_blob(&reference, &resolved.manifest.layers[0], 1_000_000)
        .await
        .unwrap();
    assert!(read(rest).await == image.layer[1_000_000..]);
    let end = client
        .fetch_blob(&reference, &resolved.manifest.layers[0], LAYER_BYTES as u64)
        .await
        .unwrap();
    assert!(read(end).await.is_empty());

    assert_eq!(
        client.head(&reference).await.unwrap().unwrap(),
        resolved.root
    );
    assert_eq!(client.tags(&reference, None).await.unwrap().names, ["1"]);
    let by_digest = reference.at_digest(image.index_digest());
    assert_eq!(
        client
            .resolve(&by_digest, &amd64())
            .await
            .unwrap()
            .manifest_bytes,
        image.manifest
    );
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    let image = Image::new();
    let (registry, reference) = registry_with_image(&image);
    let client = Client::new(Options::default());
    let fail = async |name: String, platform: &str| {
        let error = client
            .resolve(&name.parse().unwrap(), &platform.parse().unwrap())
            .await
            .expect_err("absent");
        error.to_string().replace(&registry.host(), "HOST")
    };
    let name = reference.name();
    assert_eq!(
        fail(format!("{name}:2"), "linux/amd64").await,
        "HOST has no tag `2` of repository `library/thing`"
    );
    let other = format!("{}/nothing:1", registry.host());
    let told = fail(other, "linux/amd64").await;
    assert!(
        told.starts_with("HOST has no") && told.ends_with("`nothing`"),
        "{told}"
    );
    assert_eq!(
        fail(format!("{name}:1"), "linux/s390x").await,
        "HOST/library/thing:1 has no image for linux/s390x, only for linux/amd64, linux/arm64"
    );
    let digest = Digest::sha256_of(b"nothing");
    assert!(
        fail(format!("{name}@{digest}"), "linux/amd64")
            .await
            .contains("has no manifest sha256:")
    );
}

#[tokio::test]
async fn a_registry_that_is_damaged_on_disk_is_noticed() {
    let image = Image::new();
    let (registry, reference) = registry_with_image(&image);
    let client = Client::new(Options::default());
    let config = image.config_descriptor();
    let damaged = vec![b'x'; config.size_bytes as usize];
    std::fs::write(registry.blob_file(config.digest.hex()), damaged).unwrap();
    let error = client
        .fetch_small(&reference, &config, 4 << 20)
        .await
        .expect_err("damaged");
    assert!(matches!(error, Error::BadDigest { .. }), "{error}");
}

#[tokio::test]
async fn docker_hub_is_replaced_by_a_mirror_that_works() {
    let image = Image::new();
    let (registry, _) = registry_with_image(&image);
    let options = Options {
        // Nobody listens on port 1, so the first mirror fails and the second helps.
        mirrors: vec![
            "http://127.0.0.1:1".into(),
            format!("http://{}", registry.host()),
        ],
        ..Options::default()
    };
    let client = Client::new(options);
    let reference: Reference = "thing:1".parse().unwrap();
    let resolved = client.resolve(&reference, &amd64()).await.unwrap();
    assert_eq!(resolved.host, registry.host());
    assert_eq!(resolved.root.digest, image.index_digest());
    let stream = client
        .fetch_blob(&reference, &resolved.manifest.layers[0], 0)
        .await
        .unwrap();
    assert!(read(stream).await == image.layer);
}

#[tokio::test]
async fn tls_with_the_hosts_own_ca_and_a_password() {
    let image = Image::new();
    let registry = DockerRegistry::start(Door::TlsAndPassword);
    let name = format!("{}/team/app:1", registry.host());
    let extra = ["--dest-tls-verify=false", "--dest-creds=ada:secret"];
    image.push(&registry.folder().join("layout"), &name, &extra);
    let reference: Reference = name.parse().unwrap();
    let certificates = |ca: &str| {
        let folder = registry.folder().join(format!("certs-{ca}"));
        std::fs::create_dir_all(folder.join(registry.host())).unwrap();
        let from = registry.folder().join(format!("{ca}.crt"));
        std::fs::copy(from, folder.join(registry.host()).join("ca.crt")).unwrap();
        Options {
            certs_dir: Some(folder),
            ..Options::default()
        }
    };

    let client = Client::new(certificates("ca"));
    let error = client
        .resolve(&reference, &amd64())
        .await
        .expect_err("nobody signed in");
    assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
    let wrong = client
        .sign_in(&registry.host(), Credential::password("ada", "wrong"))
        .await;
    assert!(
        matches!(wrong, Err(Error::Unauthorized { .. })),
        "{wrong:?}"
    );
    client
        .sign_in(&registry.host(), Credential::password("ada", "secret"))
        .await
        .unwrap();
    let resolved = client.resolve(&reference, &amd64()).await.unwrap();
    assert!(resolved.manifest_bytes == image.manifest);
    client.sign_out(&registry.host());
    assert!(client.resolve(&reference, &amd64()).await.is_err());

    let stranger = Client::new(certificates("other"));
    let error = stranger
        .ping(&registry.host())
        .await
        .expect_err("another CA");
    assert!(matches!(error, Error::Tls { .. }), "{error:?}");
}

#[tokio::test]
async fn nobody_there_is_told_with_the_address_and_soon() {
    let start = std::time::Instant::now();
    let error = Client::new(Options::default())
        .ping("127.0.0.1:1")
        .await
        .expect_err("nobody listens");
    assert_eq!(error.to_string(), "reach http://127.0.0.1:1");
    let why = std::error::Error::source(&error).map(ToString::to_string);
    assert_eq!(why.as_deref(), Some("Connection refused (os error 111)"));
    assert!(error.hint().is_some() && start.elapsed().as_secs() < 5);
}
