//! Texts and documents from outside, for any bytes: an answer or a clear error, never a panic, and what was
//! read says the same when it is written and read again.

#[path = "support/mutate.rs"]
mod mutate;

use mutate::{Mutator, rounds};
use terrarium_oci::{Document, ImageConfig, MediaType, Reference};

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn any_text_is_a_reference_or_is_refused() {
    let seeds: [&[u8]; 6] = [
        b"nginx",
        b"library/nginx:1.25",
        b"localhost:5000/team/app:v1",
        b"[2001:db8::1]:443/a/b:c",
        b"ghcr.io/acme/web@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        b"docker.io/a/b:c@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ];
    let words: [&[u8]; 12] = [
        b":",
        b"/",
        b"@",
        b"sha256:",
        b"..",
        b"__",
        b"-",
        b"A",
        b"\xc3\xa9",
        b" ",
        b"//",
        b"sha512:",
    ];
    let mut mutator = Mutator(1);
    for _ in 0..rounds(100_000) {
        let bytes = mutator.input(&seeds, &words);
        let text = String::from_utf8_lossy(&bytes);
        let Ok(dissected) = Reference::dissect(&text) else {
            continue;
        };
        let reference = dissected.reference;
        for form in [reference.canonical(), reference.familiar()] {
            let again: Reference = form.parse().unwrap();
            assert_eq!(again, reference, "{text:?} as {form:?}");
        }
    }
}

#[test]
fn any_bytes_are_a_document_or_are_refused() {
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{}","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{DIGEST}","size":2}},"layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{DIGEST}","size":7,"annotations":{{"a":"b"}}}}]}}"#,
        MediaType::OciManifest.as_str()
    );
    let index = format!(
        r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{{"mediaType":"{}","digest":"{DIGEST}","size":9,"platform":{{"architecture":"arm64","os":"linux","variant":"v8"}}}}]}}"#,
        MediaType::OciIndex.as_str(),
        MediaType::OciManifest.as_str()
    );
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","config":{{"Env":["A=1"],"Cmd":["sh"],"ExposedPorts":{{"80/tcp":{{}}}},"Labels":null}},"rootfs":{{"type":"layers","diff_ids":["{DIGEST}"]}},"history":[{{"created_by":"x","empty_layer":true}}]}}"#
    );
    let seeds = [manifest.as_bytes(), index.as_bytes(), config.as_bytes()];
    let words: [&[u8]; 12] = [
        b"null",
        b"-1",
        b"18446744073709551616",
        b"[]",
        b"{}",
        b"\"\"",
        b",",
        b"1e400",
        b"\\u0000",
        b"\"sha256:\"",
        b"[[[[",
        b"\"manifests\":",
    ];
    let mut mutator = Mutator(2);
    for _ in 0..rounds(30_000) {
        let bytes = mutator.input(&seeds, &words);
        for kind in [
            None,
            Some(MediaType::OciManifest),
            Some(MediaType::OciIndex),
        ] {
            match Document::parse(kind.as_ref(), &bytes) {
                Ok(Document::Manifest(manifest)) => {
                    let again = Document::parse(None, &manifest.to_bytes());
                    assert!(matches!(again, Ok(Document::Manifest(again)) if again == manifest));
                }
                Ok(Document::Index(index)) => {
                    let again = Document::parse(None, &index.to_bytes());
                    assert!(matches!(again, Ok(Document::Index(again)) if again == index));
                }
                Err(_) => {}
            }
        }
        if let Ok(config) = ImageConfig::parse(&bytes) {
            assert_eq!(ImageConfig::parse(&config.to_bytes()).unwrap(), config);
        }
    }
}
