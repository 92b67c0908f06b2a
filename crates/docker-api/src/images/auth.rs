//! The `X-Registry-Auth` header, and the `X-Registry-Config` of builds.

use std::collections::BTreeMap;

use base64::{
    Engine as _,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use http::HeaderMap;
use serde::Deserialize;
use terrarium_api::Credentials;

/// Padded or not: clients differ.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// A sign-in as clients keep it.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct AuthConfig {
    username: String,
    password: String,
    /// `username:password` in base64.
    auth: String,
    identitytoken: String,
}

/// The credentials for one request. A header that cannot be read is none, as in Docker.
pub(super) fn credentials(headers: &HeaderMap) -> Option<Credentials> {
    let value = headers.get("x-registry-auth")?.as_bytes();
    read(serde_json::from_slice(&decode(value)?).ok()?)
}

/// The sign-ins that a build may use, by their registries as the client writes them.
pub(crate) fn all_credentials(headers: &HeaderMap) -> BTreeMap<String, Credentials> {
    let value = headers
        .get("x-registry-config")
        .map(|value| value.as_bytes());
    let configs: BTreeMap<String, AuthConfig> = value
        .and_then(decode)
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    let all = configs.into_iter();
    all.filter_map(|(host, config)| Some((host, read(config)?)))
        .collect()
}

fn read(config: AuthConfig) -> Option<Credentials> {
    if !config.identitytoken.is_empty() {
        // The user name by which registries know a refresh token.
        let username = "<token>".to_owned();
        return Some(Credentials {
            username,
            password: config.identitytoken,
        });
    }
    if !config.username.is_empty() {
        return Some(Credentials {
            username: config.username,
            password: config.password,
        });
    }
    let pair = String::from_utf8(decode(config.auth.as_bytes())?).ok()?;
    let (username, password) = pair.split_once(':')?;
    Some(Credentials {
        username: username.to_owned(),
        password: password.to_owned(),
    })
}

fn decode(text: &[u8]) -> Option<Vec<u8>> {
    [URL_SAFE, STANDARD]
        .iter()
        .find_map(|alphabet| GeneralPurpose::new(alphabet, LENIENT).decode(text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

    fn one(value: String) -> Option<(String, String)> {
        let mut headers = HeaderMap::new();
        headers.insert("x-registry-auth", value.parse().expect("it is a header"));
        credentials(&headers).map(|found| (found.username, found.password))
    }

    #[test]
    fn sign_ins_are_read_in_all_their_forms() {
        let expect = Some(("me".to_owned(), "pa?s>".to_owned()));
        let json = r#"{"username":"me","password":"pa?s>","serveraddress":"localhost:5000"}"#;
        assert_eq!(one(BASE64_STANDARD.encode(json)), expect);
        assert_eq!(one(BASE64_URL_SAFE_NO_PAD.encode(json)), expect);
        let auth = format!(r#"{{"auth":"{}"}}"#, BASE64_STANDARD.encode("me:pa?s>"));
        assert_eq!(one(BASE64_STANDARD.encode(auth)), expect);
        let token = BASE64_STANDARD.encode(r#"{"identitytoken":"t"}"#);
        assert_eq!(one(token), Some(("<token>".into(), "t".into())));
    }

    #[test]
    fn a_build_gets_the_sign_ins_of_several_registries() {
        let json = r#"{"localhost:5000":{"username":"me","password":"p"},"ghcr.io":{}}"#;
        let mut headers = HeaderMap::new();
        let value = BASE64_STANDARD.encode(json).parse();
        headers.insert("x-registry-config", value.expect("it is a header"));
        let all = all_credentials(&headers);
        assert_eq!(all.len(), 1, "nothing is no sign-in");
        assert_eq!(all["localhost:5000"].username, "me");
        assert!(all_credentials(&HeaderMap::new()).is_empty());
    }

    #[test]
    fn nothing_and_nonsense_are_anonymous() {
        // What docker 28.2 sends without a sign-in: an empty object.
        assert_eq!(one("e30=".into()), None);
        assert_eq!(one("%%%".into()), None);
        assert_eq!(one(BASE64_STANDARD.encode("[1]")), None);
        assert_eq!(credentials(&HeaderMap::new()), None);
    }
}
