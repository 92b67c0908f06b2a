use terrarium_api::{
    Credentials, ErrorCode, RegistryCheck, RegistryFinding, RegistryName, RepositoryQuery, SignIn,
    SignInPlace, TagQuery,
};

use crate::{
    docker_registry::{DockerRegistry, Door},
    image::{Image, Layer},
    memory_registry::MemoryRegistry,
    scene::Scene,
};

fn sign_in(registry: &str, password: &str) -> SignIn {
    SignIn {
        registry: registry.into(),
        credentials: Credentials {
            username: "ada".into(),
            password: password.into(),
        },
    }
}

fn named(registry: &str) -> RegistryName {
    RegistryName {
        registry: registry.into(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sign_in_is_kept_only_if_the_registry_takes_it_and_until_it_is_forgotten() {
    let (scene, registry) = (
        Scene::new().await,
        DockerRegistry::start(Door::TlsAndPassword),
    );
    let (engine, host) = (&scene.engine, registry.host());
    let tested = engine.check_registry(named(&host)).await.unwrap();
    assert_eq!(
        refusal(&tested),
        Some(ErrorCode::Unauthorized),
        "{tested:?}"
    );

    let refused = engine.sign_in(sign_in(&host, "wrong")).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Unauthorized);
    assert!(!scene.has_file("sign-ins.json"));

    let address = format!("https://{host}/v2/");
    let row = engine.sign_in(sign_in(&address, "secret")).await.unwrap();
    let kept = row.sign_in.expect("it is kept");
    assert_eq!(kept.username.as_deref(), Some("ada"));
    assert!(matches!(kept.place, SignInPlace::Own { .. }), "{kept:?}");
    let tested = engine.check_registry(named(&host)).await.unwrap();
    let taken = RegistryFinding::Taken {
        username: Some("ada".into()),
    };
    assert_eq!(tested.steps[2].found, Some(taken), "{tested:?}");
    let query = RepositoryQuery {
        registry: host.clone(),
        page: None,
    };
    assert_eq!(
        engine.list_repositories(query).await.unwrap().names,
        [""; 0]
    );
    let query = TagQuery {
        repository: format!("{host}/team/app"),
        page: None,
    };
    let missing = engine.list_tags(query).await.unwrap_err();
    assert_eq!(missing.code, ErrorCode::ReferenceNotFound);

    let row = engine.sign_out(named(&host)).await.unwrap();
    assert_eq!(row.sign_in, None);
    let tested = engine.check_registry(named(&host)).await.unwrap();
    assert_eq!(
        refusal(&tested),
        Some(ErrorCode::Unauthorized),
        "{tested:?}"
    );
    let again = engine.sign_out(named(&host)).await.unwrap_err();
    assert_eq!(again.code, ErrorCode::WrongState);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn registries_are_those_that_images_are_from_and_docker_hub() {
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let image = Image::of(&[Layer::of(&[("base", b"1")])]);
    for tag in ["1", "2"] {
        let name = registry.add("team/app", tag, &image);
        scene.pull(&name).await.unwrap();
    }
    let rows = scene.engine.registries().await.unwrap();
    assert_eq!(rows[0].host, "docker.io");
    let row = rows.iter().find(|row| row.host == registry.host());
    assert_eq!(row.expect("it is known").names, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_test_tells_at_which_step_a_registry_fails() {
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let engine = &scene.engine;
    let tested = engine
        .check_registry(named(&registry.host()))
        .await
        .unwrap();
    let found: Vec<_> = tested.steps.iter().map(|step| step.found.clone()).collect();
    let address = format!("http://{}", registry.host());
    let answer = RegistryFinding::Answer {
        address,
        certificate_checked: None,
    };
    assert_eq!(found[1..], [Some(answer), Some(RegistryFinding::NotAsked)]);

    let nobody = engine.check_registry(named("127.0.0.1:9")).await.unwrap();
    assert_eq!(nobody.steps.len(), 2, "{nobody:?}");
    assert_eq!(refusal(&nobody), Some(ErrorCode::RegistryUnreachable));
}

/// Why the last step of a test failed.
fn refusal(tested: &RegistryCheck) -> Option<ErrorCode> {
    let error = tested.steps.last()?.error.as_ref()?;
    Some(error.code)
}
