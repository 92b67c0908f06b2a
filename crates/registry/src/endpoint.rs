use std::net::IpAddr;

use reqwest::Url;
use terrarium_oci::{DEFAULT_REGISTRY, Reference};

use crate::{Error, Options, Result};

/// A server that may have the content of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Host and port: the name in messages, and the key to credentials and certificates.
    pub(crate) host: String,
    /// The addresses to try, in this order; the first that answers is kept.
    pub(crate) bases: Vec<Url>,
    /// Whose certificate is believed.
    pub(crate) trust: Trust,
}

/// Whose certificate is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Trust {
    /// Those the system or the host's own CA vouches for.
    Verified,
    /// Anyone's: the user said so, or the server is on this machine.
    Anyone,
}

/// Who may have what a reference names. A mirror's failure is never final.
pub(crate) struct Sources {
    /// The mirrors of Docker Hub, in the order in which they are asked.
    pub(crate) mirrors: Vec<Endpoint>,
    /// The registry itself, asked last.
    pub(crate) registry: Endpoint,
}

/// Where to ask for what `reference` names.
pub(crate) fn sources(reference: &Reference, options: &Options) -> Result<Sources> {
    let mirrored = reference.registry() == DEFAULT_REGISTRY;
    let mirrors = options.mirrors.iter().filter(|_| mirrored);
    let mirrors = mirrors
        .map(|mirror| mirror_endpoint(mirror, options))
        .collect::<Result<_>>()?;
    Ok(Sources {
        mirrors,
        registry: registry_endpoint(reference.registry(), options)?,
    })
}

/// The server of a registry's name.
pub(crate) fn registry_endpoint(registry: &str, options: &Options) -> Result<Endpoint> {
    // Docker Hub's name is not the host that serves its images.
    let host = if registry == DEFAULT_REGISTRY {
        "registry-1.docker.io"
    } else {
        registry
    };
    let url = |scheme: &str| parse_base(&format!("{scheme}://{host}/"));
    let trust = trust(host, options);
    let bases = match trust {
        Trust::Verified => vec![url("https")?],
        Trust::Anyone => vec![url("https")?, url("http")?],
    };
    Ok(Endpoint {
        host: registry.to_owned(),
        bases,
        trust,
    })
}

/// A mirror is given with its scheme, so `http://` is the user's own word.
fn mirror_endpoint(mirror: &str, options: &Options) -> Result<Endpoint> {
    let base = parse_base(&format!("{}/", mirror.trim_end_matches('/')))?;
    let host = match (base.host_str(), base.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => {
            return Err(Error::BadAddress {
                address: mirror.to_owned(),
            });
        }
    };
    let trust = trust(&host, options);
    Ok(Endpoint {
        host,
        bases: vec![base],
        trust,
    })
}

fn parse_base(text: &str) -> Result<Url> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or_else(|| Error::BadAddress {
        address: text.to_owned(),
    })
}

fn trust(host: &str, options: &Options) -> Trust {
    let listed = options
        .insecure
        .iter()
        .any(|name| name == host || name == without_port(host));
    // Who gave a CA for a server on this machine wants it checked.
    let local = is_loopback(host) && options.certificates_of(host).is_none();
    if listed || local {
        Trust::Anyone
    } else {
        Trust::Verified
    }
}

/// Whether a host with an optional port is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let name = without_port(host);
    let address = name
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    name == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => {
            name
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bases(reference: &str, options: &Options) -> Vec<String> {
        let Sources { mirrors, registry } = sources(&reference.parse().unwrap(), options).unwrap();
        mirrors
            .iter()
            .chain([&registry])
            .flat_map(|endpoint| &endpoint.bases)
            .map(Url::to_string)
            .collect()
    }

    #[test]
    fn docker_hub_is_asked_behind_its_mirrors() {
        let mirrors = vec![
            "http://10.0.0.1:5000".into(),
            "https://mirror.example/hub/".into(),
        ];
        let options = Options {
            mirrors,
            ..Options::default()
        };
        assert_eq!(
            bases("ubuntu", &options),
            [
                "http://10.0.0.1:5000/",
                "https://mirror.example/hub/",
                "https://registry-1.docker.io/",
            ]
        );
        assert_eq!(bases("ghcr.io/a/b", &options), ["https://ghcr.io/"]);
    }

    #[test]
    fn only_this_machine_and_listed_hosts_may_do_without_tls() {
        let options = Options {
            insecure: vec!["lab.example".into()],
            ..Options::default()
        };
        let plain = |name: &str| {
            bases(name, &options)
                .iter()
                .any(|base| base.starts_with("http:"))
        };
        for name in [
            "localhost:5000/a",
            "127.0.0.1:5000/a",
            "[::1]:5000/a",
            "lab.example:80/a",
            "127.1.2.3/a",
        ] {
            assert!(plain(name), "{name}");
        }
        for name in [
            "ubuntu",
            "ghcr.io/a",
            "localhost.example/a",
            "10.0.0.1:5000/a",
            "[2001:db8::1]/a",
        ] {
            assert!(!plain(name), "{name}");
        }
    }
}
