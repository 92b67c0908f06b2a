//! The parameters of `POST /build`.

use std::collections::BTreeMap;

use terrarium_engine::BuildImage;

use crate::{
    error::{Failure, Result},
    request::Params,
};

/// Reads what a client asks for; the archive comes in the body.
pub(super) fn read(params: &Params) -> Result<BuildImage> {
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
        secrets: BTreeMap::new(),
    })
}

/// What is asked for and would silently not happen is refused.
fn refuse(params: &Params) -> Result<()> {
    if params
        .text("remote")
        .is_some_and(|remote| remote != "client-session")
    {
        return Err(Failure::not_built("building from an address"));
    }
    if params.flag("squash") {
        return Err(Failure::not_built("squashing layers"));
    }
    if params.text("version") == Some("2") || params.text("session").is_some() {
        return Err(Failure::not_built(
            "building with BuildKit sessions; set DOCKER_BUILDKIT=0",
        ));
    }
    if params
        .text("outputs")
        .is_some_and(|outputs| outputs != "[]" && outputs != "null")
    {
        return Err(Failure::not_built("outputs of builds other than images"));
    }
    Ok(())
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
