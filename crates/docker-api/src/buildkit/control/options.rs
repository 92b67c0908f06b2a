//! What a client tells the reader of Dockerfiles, as a build of the engine.

use std::collections::BTreeMap;

use terrarium_buildkit::{
    grpc::Status,
    messages::{Exporter, FrontendRequest, SolveRequest},
};
use terrarium_engine::BuildImage;

use super::Answer;

/// The reader of Dockerfiles.
const DOCKERFILE: &str = "dockerfile.v0";
/// What makes an image of this engine, by the names that clients give it.
const IMAGE: [&str; 3] = ["moby", "image", ""];

pub(super) fn read(solve: &SolveRequest, asked: &FrontendRequest) -> Answer<BuildImage> {
    if asked.frontend != DOCKERFILE || asked.definition.is_some() {
        return Err(refused("building from anything but a Dockerfile"));
    }
    exports_nothing(solve)?;
    let mut request = BuildImage {
        tags: tags(solve)?,
        ..BuildImage::default()
    };
    for (key, value) in &asked.attributes {
        option(&mut request, key, value)?;
    }
    Ok(request)
}

/// A cache that is not written would be missed; one that is not read is only slower.
fn exports_nothing(solve: &SolveRequest) -> Answer<()> {
    let mut exports = solve.cache.iter().flat_map(|cache| &cache.exports);
    match exports.next() {
        Some(export) => Err(refused(&format!("the cache export {:?}", export.kind))),
        None => Ok(()),
    }
}

/// The names of the image; what else could become of a result is refused.
fn tags(solve: &SolveRequest) -> Answer<Vec<String>> {
    let only = Exporter {
        kind: solve.exporter.clone(),
        attributes: solve.exporter_attributes.clone(),
    };
    let exporters = match solve.exporters.as_slice() {
        [] => std::slice::from_ref(&only),
        several => several,
    };
    let mut tags = Vec::new();
    for exporter in exporters {
        if !IMAGE.contains(&exporter.kind.as_str()) {
            return Err(refused(&format!("the output {:?}", exporter.kind)));
        }
        let attribute = |name: &str| exporter.attributes.get(name).map(String::as_str);
        if attribute("push") == Some("true") {
            return Err(refused("pushing with a build; use docker push after it"));
        }
        let names = attribute("name").unwrap_or_default().split(',');
        tags.extend(names.filter(|name| !name.is_empty()).map(str::to_owned));
    }
    Ok(tags)
}

fn option(request: &mut BuildImage, key: &str, value: &str) -> Answer<()> {
    let value = value.to_owned();
    match key {
        "filename" => request.dockerfile = value,
        "target" => request.target = Some(value),
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
        Some(("context", _)) => Err(refused("contexts with names")),
        // Clients ask by themselves for one that only images in a registry could carry inline.
        Some(("attest", _)) if value.contains("inline-only=true") => Ok(()),
        Some(("attest", kind)) => Err(refused(&format!("the attestation {kind:?}"))),
        // What is not known changes nothing of the image that is asked for.
        _ => Ok(()),
    }
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
    use terrarium_buildkit::messages::{CacheEntry, CacheOptions};

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

    fn ask(solve: &SolveRequest, options: &[(&str, &str)]) -> Answer<BuildImage> {
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
            ],
        );
        let request = request.expect("it is understood");
        assert_eq!(request.tags, ["acme/a:1", "acme/b"]);
        assert_eq!(request.dockerfile, "Other");
        assert_eq!(request.arguments["WHO"], "me");
        assert_eq!(request.labels["a.b:c"], "d");
        assert!(request.no_cache && !request.pull);
        assert_eq!(request.extra_hosts, ["a:1.2.3.4", "b:::1"]);
    }

    #[test]
    fn what_would_silently_not_happen_is_refused() {
        assert!(ask(&solve("local"), &[]).is_err());
        let export = CacheEntry {
            kind: "local".to_owned(),
        };
        let mut exporting = solve("moby");
        exporting.cache = Some(CacheOptions {
            exports: vec![export],
        });
        assert!(ask(&exporting, &[]).is_err());
        let options = [
            ("context", "https://h/x.git"),
            ("context:base", "docker-image://alpine"),
            ("requestid", "frontend.outline"),
            ("no-cache", "stage"),
            ("shm-size", "much"),
            ("attest:sbom", ""),
            ("attest:provenance", "mode=max"),
        ];
        for option in options {
            assert!(ask(&solve("moby"), &[option]).is_err(), "{option:?}");
        }
    }
}
