//! What a client tells the reader of Dockerfiles, as a build of the engine.

use std::collections::BTreeMap;

use terrarium_buildkit::{
    grpc::Status,
    messages::{CacheEntry, Exporter, FrontendRequest, SolveRequest},
};
use terrarium_engine::{BuildImage, CacheExport, Destination, GivenContext};

use super::Answer;
use crate::buildkit::outputs::Wanted;

/// The reader of Dockerfiles.
const DOCKERFILE: &str = "dockerfile.v0";

pub(super) fn read(
    solve: &SolveRequest,
    asked: &FrontendRequest,
) -> Answer<(BuildImage, Vec<Wanted>)> {
    if asked.frontend != DOCKERFILE || asked.definition.is_some() {
        return Err(refused("building from anything but a Dockerfile"));
    }
    let (wanted, tags) = outputs(solve)?;
    let mut request = BuildImage {
        tags,
        ..BuildImage::default()
    };
    // Who wants nothing wants the cache to be filled.
    if wanted.is_empty() {
        request.outputs.push(Destination::Nowhere);
    }
    caches(solve, &mut request)?;
    for (key, value) in &asked.attributes {
        option(&mut request, key, value)?;
    }
    Ok((request, wanted))
}

/// Caches that are read and written. One that is not written would be missed; one that is not read is only slower.
fn caches(solve: &SolveRequest, request: &mut BuildImage) -> Answer<()> {
    let Some(cache) = &solve.cache else {
        return Ok(());
    };
    for CacheEntry { kind, attributes } in &cache.exports {
        let attribute = |name: &str| attributes.get(name).map(String::as_str);
        let reference = attribute("ref").filter(|_| kind == "registry");
        let reference = reference.ok_or_else(|| refused(&format!("the cache export {kind:?}")))?;
        request.cache_to.push(CacheExport {
            reference: reference.to_owned(),
            all_steps: attribute("mode") == Some("max"),
            ignores_errors: attribute("ignore-error") == Some("true"),
        });
    }
    let imports = cache
        .imports
        .iter()
        .filter(|entry| entry.kind == "registry");
    let names = imports.filter_map(|entry| entry.attributes.get("ref"));
    request.cache_from.extend(names.cloned());
    Ok(())
}

/// What becomes of the result, and the names of the image.
fn outputs(solve: &SolveRequest) -> Answer<(Vec<Wanted>, Vec<String>)> {
    let only = Exporter {
        kind: solve.exporter.clone(),
        attributes: solve.exporter_attributes.clone(),
    };
    let exporters = match solve.exporters.as_slice() {
        [] if only.kind.is_empty() => &[],
        [] => std::slice::from_ref(&only),
        several => several,
    };
    let (mut wanted, mut tags) = (Vec::new(), Vec::new());
    for Exporter { kind, attributes } in exporters {
        wanted.push(Wanted::read(kind, attributes).map_err(|what| refused(&what))?);
        let names = attributes.get("name").map(String::as_str);
        for name in names.unwrap_or_default().split(',') {
            if !name.is_empty() && !tags.iter().any(|tag| tag == name) {
                tags.push(name.to_owned());
            }
        }
    }
    Ok((wanted, tags))
}

fn option(request: &mut BuildImage, key: &str, value: &str) -> Answer<()> {
    let value = value.to_owned();
    match key {
        "filename" => request.dockerfile = value,
        "target" => request.target = Some(value),
        "platform" if value.contains(',') => {
            return Err(refused("building for several platforms at once"));
        }
        "platform" => request.platform = Some(value),
        "no-cache" if value.is_empty() => request.no_cache = true,
        "no-cache" => return Err(refused("--no-cache-filter")),
        "image-resolve-mode" => request.pull = value == "pull",
        "force-network-mode" => request.network = value,
        "shm-size" => request.shm_bytes = Some(number(key, &value)?),
        "add-hosts" => request.extra_hosts = hosts(&value),
        "context" => return Err(refused("building from an address")),
        "requestid" => return Err(refused("asking a Dockerfile for more than its image")),
        "cgroup-parent" => return Err(refused("cgroup parents of builds")),
        "ulimit" => return Err(refused("ulimits of builds over BuildKit")),
        "cmdline" | "source" => {}
        key => pair(request, key, value)?,
    }
    Ok(())
}

/// Options that name something else.
fn pair(request: &mut BuildImage, key: &str, value: String) -> Answer<()> {
    let mut put = |kind: fn(&mut BuildImage) -> &mut BTreeMap<String, String>, name: &str| {
        kind(request).insert(name.to_owned(), value.clone());
        Ok(())
    };
    match key.split_once(':') {
        Some(("build-arg", name)) => put(|request| &mut request.arguments, name),
        Some(("label", name)) => put(|request| &mut request.labels, name),
        Some(("context", name)) => context(request, name, &value),
        // Clients ask by themselves for one that only images in a registry could carry inline.
        Some(("attest", _)) if value.contains("inline-only=true") => Ok(()),
        Some(("attest", kind)) => Err(refused(&format!("the attestation {kind:?}"))),
        // What is not known changes nothing of the image that is asked for.
        _ => Ok(()),
    }
}

/// What stands for an image or a stage. The files of a folder come later, when the client is asked for them.
fn context(request: &mut BuildImage, name: &str, value: &str) -> Answer<()> {
    // One for a single platform has it behind its name.
    let name = name.split("::").next().unwrap_or(name);
    match value.split_once(':') {
        Some(("docker-image", image)) => {
            let image = GivenContext::Image(image.trim_start_matches("//").to_owned());
            request.contexts.insert(name.to_owned(), image);
            Ok(())
        }
        Some(("local", _)) => Ok(()),
        _ => Err(refused(&format!("the context {name}={value}"))),
    }
}

/// The folders of the client that stand for images or stages, by the names that they have in the Dockerfile.
pub(super) fn folders(asked: &FrontendRequest) -> BTreeMap<String, String> {
    let options = asked.attributes.iter();
    let folders = options.filter_map(|(key, value)| {
        let name = key.strip_prefix("context:")?.split("::").next()?;
        let folder = value.strip_prefix("local:")?;
        Some((name.to_owned(), folder.to_owned()))
    });
    folders.collect()
}

/// `name=address`, in a list.
fn hosts(list: &str) -> Vec<String> {
    let all = list.split(',').filter(|host| !host.is_empty());
    all.map(|host| host.replacen('=', ":", 1)).collect()
}

fn number(key: &str, text: &str) -> Answer<u64> {
    text.parse().map_err(|_| {
        let text = format!("{text:?} is no value for {key}");
        Status::new(Status::INVALID_ARGUMENT, text)
    })
}

fn refused(what: &str) -> Status {
    let text = format!("{what} is not supported by this version of Terrarium");
    Status::new(Status::UNIMPLEMENTED, text)
}

#[cfg(test)]
mod tests {
    use terrarium_buildkit::messages::CacheOptions;

    use super::*;

    fn solve(exporter: &str) -> SolveRequest {
        let names = ("name".to_owned(), "acme/a:1,acme/b".to_owned());
        SolveRequest {
            exporters: vec![Exporter {
                kind: exporter.to_owned(),
                attributes: [names].into(),
            }],
            ..SolveRequest::default()
        }
    }

    fn ask(solve: &SolveRequest, options: &[(&str, &str)]) -> Answer<(BuildImage, Vec<Wanted>)> {
        let options = options.iter();
        let asked = FrontendRequest {
            frontend: DOCKERFILE.to_owned(),
            attributes: options
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            definition: None,
        };
        read(solve, &asked)
    }

    #[test]
    fn what_a_client_tells_reaches_the_build() {
        let request = ask(
            &solve("moby"),
            &[
                ("filename", "Other"),
                ("build-arg:WHO", "me"),
                ("label:a.b:c", "d"),
                ("no-cache", ""),
                ("attest:provenance", "mode=min,inline-only=true"),
                ("add-hosts", "a=1.2.3.4,b=::1"),
                ("context:base", "docker-image://alpine:3"),
                ("context:more::linux/amd64", "local:more"),
            ],
        );
        let (request, wanted) = request.expect("it is understood");
        assert_eq!(wanted, [Wanted::Image { push: false }]);
        assert!(request.outputs.is_empty());
        assert_eq!(request.tags, ["acme/a:1", "acme/b"]);
        assert_eq!(request.dockerfile, "Other");
        assert_eq!(request.arguments["WHO"], "me");
        assert_eq!(request.labels["a.b:c"], "d");
        assert!(request.no_cache && !request.pull);
        let [(name, GivenContext::Image(image))] = &Vec::from_iter(&request.contexts)[..] else {
            panic!("{:?}", request.contexts)
        };
        assert_eq!([name.as_str(), image], ["base", "alpine:3"]);
        assert_eq!(request.extra_hosts, ["a:1.2.3.4", "b:::1"]);
    }

    #[test]
    fn what_would_silently_not_happen_is_refused() {
        assert!(ask(&solve("frobnicate"), &[]).is_err());
        let nothing = ask(&SolveRequest::default(), &[]).expect("it is understood");
        assert!(matches!(nothing.0.outputs[..], [Destination::Nowhere]));
        let export = CacheEntry {
            kind: "local".to_owned(),
            ..CacheEntry::default()
        };
        let mut exporting = solve("moby");
        exporting.cache = Some(CacheOptions {
            exports: vec![export],
            ..CacheOptions::default()
        });
        assert!(ask(&exporting, &[]).is_err());
        let options = [
            ("context", "https://h/x.git"),
            ("context:base", "oci-layout://x@sha256:0"),
            ("context:base", "https://h/x.git"),
            ("requestid", "frontend.outline"),
            ("no-cache", "stage"),
            ("shm-size", "much"),
            ("platform", "linux/amd64,linux/arm64"),
            ("attest:sbom", ""),
            ("attest:provenance", "mode=max"),
        ];
        for option in options {
            assert!(ask(&solve("moby"), &[option]).is_err(), "{option:?}");
        }
    }
}
