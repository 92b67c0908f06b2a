use proptest::prelude::*;

use super::*;
use crate::ReferenceFault;

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Typed, canonical and familiar forms.
const FORMS: &[(&str, &str, &str)] = &[
    ("ubuntu", "docker.io/library/ubuntu:latest", "ubuntu:latest"),
    (
        "ubuntu:24.04",
        "docker.io/library/ubuntu:24.04",
        "ubuntu:24.04",
    ),
    ("acme/web", "docker.io/acme/web:latest", "acme/web:latest"),
    (
        "docker.io/ubuntu",
        "docker.io/library/ubuntu:latest",
        "ubuntu:latest",
    ),
    (
        "index.docker.io/ubuntu",
        "docker.io/library/ubuntu:latest",
        "ubuntu:latest",
    ),
    (
        "docker.io/library/a/b",
        "docker.io/library/a/b:latest",
        "library/a/b:latest",
    ),
    // A repository of Docker Hub that would look like another registry.
    (
        "docker.io/ghcr.io/web",
        "docker.io/ghcr.io/web:latest",
        "docker.io/ghcr.io/web:latest",
    ),
    (
        "ghcr.io/acme/web:1",
        "ghcr.io/acme/web:1",
        "ghcr.io/acme/web:1",
    ),
    (
        "localhost/web",
        "localhost/web:latest",
        "localhost/web:latest",
    ),
    (
        "localhost:5000/web:1",
        "localhost:5000/web:1",
        "localhost:5000/web:1",
    ),
    ("[::1]:5000/web:1", "[::1]:5000/web:1", "[::1]:5000/web:1"),
    (
        "[2001:db8::1]/web",
        "[2001:db8::1]/web:latest",
        "[2001:db8::1]/web:latest",
    ),
    ("Registry/web", "Registry/web:latest", "Registry/web:latest"),
    (
        "192.168.0.1/a__b/c",
        "192.168.0.1/a__b/c:latest",
        "192.168.0.1/a__b/c:latest",
    ),
    (
        "a---b.c_d",
        "docker.io/library/a---b.c_d:latest",
        "a---b.c_d:latest",
    ),
];

#[test]
fn names_are_completed_and_shortened_like_docker_does() {
    for (text, canonical, familiar) in FORMS {
        let reference: Reference = text
            .parse()
            .unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert_eq!(reference.canonical(), *canonical);
        assert_eq!(reference.familiar(), *familiar);
    }
}

#[test]
fn a_digest_takes_the_place_of_the_implied_tag() {
    for text in [format!("ubuntu@{DIGEST}"), format!("ubuntu:1@{DIGEST}")] {
        let reference: Reference = text.parse().unwrap();
        assert_eq!(reference.familiar(), text);
        assert_eq!(reference.canonical(), format!("docker.io/library/{text}"));
        assert_eq!(reference.target(), DIGEST);
    }
}

#[test]
fn names_outside_the_grammar_are_refused_with_the_reason() {
    let check = |text: &str, expect: fn(&ReferenceFault) -> bool| {
        let error = text.parse::<Reference>().expect_err(text);
        let Error::Reference { why, .. } = &error else {
            panic!("{text}: {error:?}")
        };
        assert!(expect(why), "{text}: {why:?}");
    };
    check("", |why| matches!(why, ReferenceFault::Empty));
    check("Ubuntu", |why| matches!(why, ReferenceFault::Uppercase(_)));
    check("acme/Web", |why| {
        matches!(why, ReferenceFault::Uppercase(_))
    });
    check("https://ghcr.io/a/b", |why| {
        matches!(why, ReferenceFault::Scheme(_))
    });
    check("a b", |why| matches!(why, ReferenceFault::Blank(' ')));
    check("a//b", |why| matches!(why, ReferenceFault::EmptyComponent));
    check("/a", |why| matches!(why, ReferenceFault::EmptyComponent));
    check("a/", |why| matches!(why, ReferenceFault::EmptyComponent));
    check(":tag", |why| matches!(why, ReferenceFault::EmptyComponent));
    check("a:", |why| matches!(why, ReferenceFault::Tag(_)));
    check("a:-x", |why| matches!(why, ReferenceFault::Tag(_)));
    check("a:b:c", |why| matches!(why, ReferenceFault::Tag(_)));
    check("a@sha256:abc", |why| {
        matches!(why, ReferenceFault::Digest(_))
    });
    check("a@", |why| matches!(why, ReferenceFault::Digest(_)));
    check("-a", |why| matches!(why, ReferenceFault::Component(_)));
    check("a..b", |why| matches!(why, ReferenceFault::Component(_)));
    check("a___b", |why| matches!(why, ReferenceFault::Component(_)));
    check("../../etc/passwd", |why| {
        matches!(why, ReferenceFault::Registry(_))
    });
    check("a.b:port/c", |why| {
        matches!(why, ReferenceFault::Registry(_))
    });
    check("a.b:99999/c", |why| {
        matches!(why, ReferenceFault::Registry(_))
    });
    check("[::1/c", |why| matches!(why, ReferenceFault::Registry(_)));
    check(&DIGEST[7..], |why| {
        matches!(why, ReferenceFault::LooksLikeId)
    });
    check(&format!("a/{}", "b".repeat(255)), |why| {
        matches!(why, ReferenceFault::TooLong { .. })
    });
    check(&format!("a:{}", "b".repeat(129)), |why| {
        matches!(why, ReferenceFault::Tag(_))
    });
}

#[test]
fn an_upper_case_name_is_answered_with_the_lower_case_one() {
    let error = "acme/Web:1".parse::<Reference>().expect_err("upper case");
    assert_eq!(error.hint().as_deref(), Some("write `acme/web`"));
    assert_eq!(error.to_string(), "parse image reference `acme/Web:1`");
}

#[test]
fn a_dissection_tells_typed_parts_from_implied_ones() {
    let dissected = Reference::dissect("ubuntu:24.04").unwrap();
    let told: Vec<_> = dissected
        .parts
        .iter()
        .map(|part| (part.kind, part.text.as_str(), part.typed.clone()))
        .collect();
    assert_eq!(
        told,
        [
            (PartKind::Registry, "docker.io", None),
            (PartKind::Namespace, "library", None),
            (PartKind::Repository, "ubuntu", Some(0..6)),
            (PartKind::Tag, "24.04", Some(7..12)),
        ]
    );
    let text = format!("index.docker.io/acme/team/web@{DIGEST}");
    let dissected = Reference::dissect(&text).unwrap();
    let told: Vec<_> = dissected
        .parts
        .iter()
        .map(|part| (part.text.as_str(), &text[part.typed.clone().unwrap()]))
        .collect();
    assert_eq!(
        told,
        [
            ("docker.io", "index.docker.io"),
            ("acme/team", "acme/team"),
            ("web", "web"),
            (DIGEST, DIGEST)
        ]
    );
}

prop_compose! {
    fn any_reference()(
        registry in "(|localhost:[1-9][0-9]{0,3}|[a-z][a-z0-9]{0,8}\\.[a-z]{2,3}|\\[[0-9a-f]{1,4}::1\\]:80)",
        // Without a registry a first component with a dot would be one.
        path in "[a-z0-9]{1,5}((_|__|--)[a-z0-9]{1,3}){0,2}(/[a-z0-9]{1,5}(\\.[a-z0-9]{1,3})?){0,3}",
        tag in "(|:[A-Za-z0-9_][A-Za-z0-9_.-]{0,10})",
        digest in prop_oneof![Just(String::new()), Just(format!("@{DIGEST}"))],
    ) -> String {
        let slash = if registry.is_empty() { "" } else { "/" };
        format!("{registry}{slash}{path}{tag}{digest}")
    }
}

proptest! {
    #[test]
    fn canonical_and_familiar_forms_name_the_same_image(text in any_reference()) {
        let reference: Reference = text.parse().expect("inside the grammar");
        prop_assert_eq!(&reference.canonical().parse::<Reference>().expect("canonical"), &reference);
        prop_assert_eq!(&reference.familiar().parse::<Reference>().expect("familiar"), &reference);
        let json = serde_json::to_string(&reference).expect("a string");
        prop_assert_eq!(&serde_json::from_str::<Reference>(&json).expect("its own form"), &reference);
    }

    #[test]
    fn typed_parts_lie_in_the_text_and_follow_each_other(text in any_reference()) {
        let mut end = 0;
        for part in Reference::dissect(&text).expect("inside the grammar").parts {
            let Some(typed) = part.typed else { continue };
            prop_assert!(typed.start >= end && typed.end <= text.len());
            end = typed.end;
        }
    }

    #[test]
    fn any_text_is_read_or_refused_without_a_panic(text in ".{0,80}") {
        if let Ok(reference) = text.parse::<Reference>() {
            prop_assert!(reference.canonical().parse::<Reference>().is_ok());
        }
    }
}
