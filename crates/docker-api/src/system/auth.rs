//! `POST /auth`: asks a registry whether it takes a sign-in, which the client keeps.

use axum::{Json, extract::State};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use terrarium_api::{Credentials, ErrorCode};
use terrarium_oci::DEFAULT_REGISTRY;

use crate::{
    error::{Failure, Result},
    request::Body,
    server::App,
};

/// The body; unlike other bodies in lower case.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SignIn {
    username: String,
    password: String,
    serveraddress: String,
}

pub(super) async fn sign_in(State(app): State<App>, body: Body<SignIn>) -> Result<Json<Value>> {
    let body = body.required()?;
    let registry = registry(&body.serveraddress).to_owned();
    let SignIn {
        username, password, ..
    } = body;
    let credentials = Credentials { username, password };
    match app.engine.check_sign_in(&registry, credentials).await {
        Ok(()) => Ok(Json(
            json!({ "IdentityToken": "", "Status": "Login Succeeded" }),
        )),
        Err(error) if error.code == ErrorCode::Unauthorized => Err(Failure::new(
            StatusCode::UNAUTHORIZED,
            format!("{error}: unauthorized: incorrect username or password"),
        )),
        Err(error) => Err(error.into()),
    }
}

/// The host of an address; Docker Hub's old URL, and nothing, stand for `docker.io`.
fn registry(address: &str) -> &str {
    let address = address
        .strip_prefix("https://")
        .or_else(|| address.strip_prefix("http://"))
        .unwrap_or(address);
    match address.split('/').next().unwrap_or_default() {
        "" | "index.docker.io" | "registry-1.docker.io" => DEFAULT_REGISTRY,
        host => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_all_their_forms() {
        let check = |address, expect| assert_eq!(registry(address), expect);
        check("", "docker.io");
        check("https://index.docker.io/v1/", "docker.io");
        check("localhost:5000", "localhost:5000");
        check("http://box:5000/v2/", "box:5000");
    }
}
