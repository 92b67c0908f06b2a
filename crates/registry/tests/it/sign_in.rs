use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use terrarium_oci::{Platform, Reference};
use terrarium_registry::{Client, Credential, Error, Keychain, Options};

use crate::image::Image;
use crate::server::{Answer, Asked, Server};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn reference(server: &Server) -> Reference {
    format!("{}/a/b:1", server.host()).parse().unwrap()
}

/// A registry that hands out numbered tokens and takes only the newest.
async fn token_registry(image: &Image, refuse_first: usize) -> Server {
    let (manifest, layer) = (image.manifest.clone(), image.layer.clone());
    let issued = Arc::new(AtomicUsize::new(0));
    let refusals = AtomicUsize::new(refuse_first);
    Server::start(move |asked| {
        if asked.path.starts_with("/token") {
            let number = issued.fetch_add(1, Ordering::SeqCst) + 1;
            return Answer::new(200, format!(r#"{{"token":"t{number}","expires_in":300}}"#));
        }
        let newest = format!("Bearer t{}", issued.load(Ordering::SeqCst));
        let known = asked.header("authorization") == Some(&newest);
        let refuse = known
            && refusals
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
                .is_ok();
        if !known || refuse {
            let host = asked.header("host").unwrap();
            let challenge = format!(
                r#"Bearer realm="http://{host}/token",service="s",scope="repository:a/b:pull""#
            );
            return Answer::new(401, "").with("www-authenticate", &challenge);
        }
        match asked.path.contains("/manifests/") {
            true => Answer::new(200, manifest.clone()).with("content-type", MANIFEST),
            false => Answer::new(200, layer.clone()),
        }
    })
    .await
}

fn with_keychain(keychain: Keychain) -> Client {
    Client::new(Options {
        keychain: Arc::new(keychain),
        ..Options::default()
    })
}

#[tokio::test]
async fn an_anonymous_pull_asks_for_one_token_and_all_fetches_use_it() {
    let image = Image::new();
    let server = token_registry(&image, 0).await;
    let (client, reference) = (Client::new(Options::default()), reference(&server));
    let blob = image.layer_descriptor();
    let platform = Platform::new("linux", "amd64");
    let (resolved, one, two) = tokio::join!(
        client.resolve(&reference, &platform),
        client.fetch_blob(&reference, &blob, 0),
        client.fetch_blob(&reference, &blob, 0),
    );
    assert!(resolved.is_ok() && one.is_ok() && two.is_ok());
    let tokens = server.asked("/token");
    assert_eq!(tokens.len(), 1);
    assert_eq!(
        tokens[0].path,
        "/token?service=s&scope=repository%3Aa%2Fb%3Apull"
    );
    assert_eq!(tokens[0].header("authorization"), None);
}

#[tokio::test]
async fn a_token_that_is_refused_is_renewed_once() {
    let image = Image::new();
    let server = token_registry(&image, 0).await;
    let (client, reference) = (Client::new(Options::default()), reference(&server));
    let platform = Platform::new("linux", "amd64");
    client.resolve(&reference, &platform).await.unwrap();
    // Somebody else's token makes ours an old one.
    let other = Client::new(Options::default());
    other.resolve(&reference, &platform).await.unwrap();
    client.resolve(&reference, &platform).await.unwrap();
    assert_eq!(server.asked("/token").len(), 3);

    let stubborn = token_registry(&image, 99).await;
    let error = client
        .resolve(&self::reference(&stubborn), &platform)
        .await
        .expect_err("refused for good");
    assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
    assert_eq!(stubborn.asked("/token").len(), 1);
}

#[tokio::test]
async fn a_password_goes_to_the_token_server_and_an_identity_token_as_a_form() {
    let image = Image::new();
    let server = token_registry(&image, 0).await;
    let keychain = Keychain::default();
    keychain.insert(&server.host(), Credential::password("ada", "secret"));
    let platform = Platform::new("linux", "amd64");
    with_keychain(keychain)
        .resolve(&reference(&server), &platform)
        .await
        .unwrap();
    let asked = &server.asked("/token")[0];
    assert_eq!(
        asked.header("authorization"),
        Some("Basic YWRhOnNlY3JldA==")
    );
    assert!(asked.path.ends_with("&account=ada"));

    let keychain = Keychain::default();
    keychain.insert(&server.host(), Credential::IdentityToken("id".into()));
    with_keychain(keychain)
        .resolve(&reference(&server), &platform)
        .await
        .unwrap();
    let asked = &server.asked("/token")[1];
    assert_eq!(
        (asked.method.as_str(), asked.header("authorization")),
        ("POST", None)
    );
    assert!(
        asked
            .body
            .starts_with("grant_type=refresh_token&refresh_token=id&client_id=terrarium&service=s")
    );
}

#[tokio::test]
async fn a_redirect_to_another_host_does_not_carry_the_authorization() {
    let image = Image::new();
    let layer = image.layer.clone();
    let store = Server::start(move |_| Answer::new(200, layer.clone())).await;
    let elsewhere = format!("http://{}/bucket?signature=1", store.host());
    let registry = Server::start(move |asked: &Asked| match asked.header("authorization") {
        None => Answer::new(401, "").with("www-authenticate", "Basic realm=x"),
        Some(_) => Answer::new(307, "").with("location", &elsewhere),
    })
    .await;
    let keychain = Keychain::default();
    keychain.insert(&registry.host(), Credential::password("ada", "secret"));
    let client = with_keychain(keychain);
    client
        .fetch_blob(&reference(&registry), &image.layer_descriptor(), 0)
        .await
        .unwrap();
    assert!(
        registry
            .asked("blobs")
            .iter()
            .any(|asked| asked.header("authorization").is_some())
    );
    let stored = store.asked("bucket");
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].header("authorization"), None);
}

#[tokio::test]
async fn a_password_is_found_in_dockers_file_and_with_its_helper() {
    let image = Image::new();
    let server = token_registry(&image, 0).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json");
    let write = |json: String| std::fs::write(&file, json).unwrap();
    let platform = Platform::new("linux", "amd64");
    let client = || {
        with_keychain(Keychain::from_files(vec![
            folder.path().join("none.json"),
            file.clone(),
        ]))
    };

    write(format!(
        r#"{{"auths":{{"{}":{{"auth":"YWRhOnNlY3JldA=="}}}}}}"#,
        server.host()
    ));
    client()
        .resolve(&reference(&server), &platform)
        .await
        .unwrap();
    assert_eq!(
        server.asked("/token")[0].header("authorization"),
        Some("Basic YWRhOnNlY3JldA==")
    );

    write(r#"{"credsStore":"does-not-exist-here"}"#.to_owned());
    let error = client()
        .resolve(&reference(&server), &platform)
        .await
        .expect_err("no such helper");
    assert!(matches!(error, Error::CredentialHelper { .. }), "{error}");
    write(r#"{"credsStore":"../../bin/sh"}"#.to_owned());
    let error = client()
        .resolve(&reference(&server), &platform)
        .await
        .expect_err("a path is no helper");
    assert!(
        error.to_string().contains("no name of a program"),
        "{error}"
    );
    write("{".to_owned());
    let error = client()
        .resolve(&reference(&server), &platform)
        .await
        .expect_err("broken file");
    assert!(matches!(error, Error::Configuration { .. }), "{error}");
}
