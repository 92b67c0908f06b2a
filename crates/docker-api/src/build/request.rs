//! The parameters of `POST /build`.

use std::collections::BTreeMap;

use http::HeaderMap;
use serde::de::DeserializeOwned;
use terrarium_engine::BuildImage;

use crate::{
    buildkit,
    containers::{Limit, Resources, limits_of, ulimit},
    error::{Failure, Result},
    images::all_credentials,
    request::Params,
};

/// Reads what a client asks for; the archive comes in the body.
pub(super) fn read(params: &Params, headers: &HeaderMap) -> Result<BuildImage> {
    refuse(params)?;
    Ok(BuildImage {
        context: None,
        dockerfile: params.text("dockerfile").unwrap_or_default().to_owned(),
        tags: params
            .all("t")
            .filter(|tag| !tag.is_empty())
            .map(str::to_owned)
            .collect(),
        arguments: map(params, "buildargs")?,
        labels: map(params, "labels")?,
        target: params.text("target").map(str::to_owned),
        platform: params.text("platform").map(str::to_owned),
        network: params.text("networkmode").unwrap_or_default().to_owned(),
        no_cache: params.flag("nocache"),
        pull: params.flag("pull"),
        extra_hosts: hosts(params),
        shm_bytes: params.number("shmsize")?.filter(|bytes| *bytes > 0),
        limits: limits_of(&resources(params)?)?,
        ulimits: list::<Limit>(params, "ulimits")?
            .iter()
            .map(ulimit)
            .collect(),
        credentials: all_credentials(headers),
        secrets: BTreeMap::new(),
        agents: BTreeMap::new(),
        given: None,
        cache_from: Vec::new(),
        cache_to: Vec::new(),
        contexts: BTreeMap::new(),
        outputs: Vec::new(),
    })
}

/// What is asked for and would silently not happen is refused.
fn refuse(params: &Params) -> Result<()> {
    if params
        .text("remote")
        .is_some_and(|remote| !matches!(remote, "client-session" | "upload-request"))
    {
        return Err(Failure::not_built("building from an address"));
    }
    // What builds before gave is found by content, whatever image it is in: `cachefrom` has nothing to add.
    if params
        .text("cgroupparent")
        .is_some_and(|parent| !parent.is_empty())
    {
        return Err(Failure::not_built("cgroup parents of builds"));
    }
    if !list::<String>(params, "securityopt")?.is_empty() {
        return Err(Failure::not_built("security options of builds"));
    }
    if params
        .text("isolation")
        .is_some_and(|isolation| !matches!(isolation, "" | "default"))
    {
        return Err(Failure::not_built("isolation technologies"));
    }
    if params.flag("squash") {
        return Err(Failure::not_built("squashing layers"));
    }
    // BuildKit's clients bring a session that takes them.
    if params.text("version") != Some("2") && !buildkit::outputs(params)?.is_empty() {
        return Err(Failure::not_built("outputs without a session"));
    }
    Ok(())
}

/// The limits, which come as parameters of their own.
fn resources(params: &Params) -> Result<Resources> {
    let number = |name: &str| Ok::<i64, Failure>(params.number(name)?.unwrap_or_default());
    let text = |name: &str| params.text(name).unwrap_or_default().to_owned();
    Ok(Resources {
        memory: number("memory")?,
        memory_swap: number("memswap")?,
        cpu_shares: number("cpushares")?,
        cpu_quota: number("cpuquota")?,
        cpu_period: number("cpuperiod")?,
        cpuset_cpus: text("cpusetcpus"),
        cpuset_mems: text("cpusetmems"),
        ..Resources::default()
    })
}

/// A JSON list; `null` is an empty one.
fn list<T: DeserializeOwned>(params: &Params, name: &str) -> Result<Vec<T>> {
    let Some(text) = params.text(name).filter(|text| !text.is_empty()) else {
        return Ok(Vec::new());
    };
    let read: Option<Vec<T>> = serde_json::from_str(text)
        .map_err(|error| Failure::bad_request(format!("invalid value for {name}: {error}")))?;
    Ok(read.unwrap_or_default())
}

/// A JSON object of strings. A name without a value is an argument that the client does not have.
fn map(params: &Params, name: &str) -> Result<BTreeMap<String, String>> {
    let Some(text) = params.text(name) else {
        return Ok(BTreeMap::new());
    };
    let read: Option<BTreeMap<String, Option<String>>> = serde_json::from_str(text)
        .map_err(|error| Failure::bad_request(format!("invalid value for {name}: {error}")))?;
    let pairs = read.unwrap_or_default().into_iter();
    Ok(pairs
        .filter_map(|(name, value)| Some((name, value?)))
        .collect())
}

/// The client joins them by commas, or sends the parameter several times.
fn hosts(params: &Params) -> Vec<String> {
    let all = params.all("extrahosts").flat_map(|list| list.split(','));
    all.filter(|host| !host.is_empty())
        .map(|host| host.replacen('=', ":", 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(query: &str) -> Result<BuildImage> {
        let encoded = [
            ('"', "%22"),
            ('{', "%7B"),
            ('}', "%7D"),
            ('[', "%5B"),
            (']', "%5D"),
        ];
        let query = encoded
            .iter()
            .fold(query.to_owned(), |query, (plain, code)| {
                query.replace(*plain, code)
            });
        read(&Params::of(&query), &HeaderMap::new())
    }

    fn asked(query: &str) -> BuildImage {
        match ask(query) {
            Ok(request) => request,
            Err(_) => panic!("{query} was refused"),
        }
    }

    #[test]
    fn what_a_client_asks_for_reaches_the_commands() {
        let request = asked(
            "memory=67108864&memswap=-1&cpushares=512&cpuquota=5000&cpuperiod=10000&cpusetcpus=0&shmsize=1048576\
             &ulimits=[{\"Name\":\"nofile\",\"Hard\":20,\"Soft\":10}]&extrahosts=a:1.2.3.4,b=5.6.7.8&networkmode=none",
        );
        assert_eq!(request.limits.memory_bytes, Some(64 << 20));
        assert_eq!(request.limits.memory_swap_bytes, Some(-1));
        assert_eq!(request.limits.cpu_shares, Some(512));
        assert_eq!(request.limits.cpu_quota_usec, Some(5000));
        assert_eq!(request.limits.cpuset_cpus.as_deref(), Some("0"));
        assert_eq!(request.shm_bytes, Some(1 << 20));
        assert_eq!((request.ulimits[0].soft, request.ulimits[0].hard), (10, 20));
        assert_eq!(request.extra_hosts, ["a:1.2.3.4", "b:5.6.7.8"]);
        assert_eq!(request.network, "none");
        // What the client sends when nothing is asked for.
        let plain =
            asked("memory=0&memswap=0&cpusetcpus=&shmsize=0&ulimits=null&cachefrom=[]&isolation=");
        assert_eq!(plain.limits, Default::default());
    }

    #[test]
    fn what_would_silently_not_happen_is_refused() {
        for query in [
            "squash=1",
            "remote=https://h/x.tar",
            "cgroupparent=x",
            "securityopt=[\"label=x\"]",
            "isolation=hyperv",
            "ulimits={",
            "memory=x",
            "memory=1024",
        ] {
            assert!(ask(query).is_err(), "{query}");
        }
    }
}
