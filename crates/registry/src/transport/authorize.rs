use std::time::Instant;

use http::{Method, StatusCode, header};
use reqwest::{Response, Url};

use super::{Call, Transport, http_client, read_body, reply};
use crate::auth::{Authorization, Challenge, Credential, TokenAnswer, parse_challenges};
use crate::endpoint::{Endpoint, is_loopback};
use crate::quote::quote;
use crate::{Error, Result};

/// Tokens of some clouds have some kilobytes; no honest answer has a megabyte.
const MAX_TOKEN_BYTES: usize = 1 << 20;

/// Where tokens are had, as the challenge said.
struct TokenServer {
    realm: Url,
    service: Option<String>,
    scopes: Vec<String>,
}

impl Transport {
    /// Does what the server asked for in its refusal `response`.
    pub(super) async fn authorize(
        &self,
        endpoint: &Endpoint,
        call: &Call,
        response: Response,
    ) -> Result<Authorization> {
        let challenges = read_challenges(&response);
        let credential = self
            .options
            .keychain
            .find(&endpoint.host, &call.scope.repository)
            .await?;
        let bearer = challenges
            .iter()
            .find(|challenge| matches!(challenge, Challenge::Bearer { .. }));
        if let Some(Challenge::Bearer {
            realm,
            service,
            scope,
        }) = bearer
        {
            if let Some(Credential::RegistryToken(token)) = credential {
                return Ok(Authorization::lasting(format!("Bearer {token}")));
            }
            let server = TokenServer {
                realm: self.check_realm(endpoint, realm)?,
                service: service.clone(),
                scopes: match call.scope.parameters() {
                    none if none.is_empty() => scope.iter().cloned().collect(),
                    scopes => scopes,
                },
            };
            return self
                .fetch_token(endpoint, call, &server, credential.as_ref())
                .await;
        }
        let basic = challenges.contains(&Challenge::Basic);
        match credential
            .as_ref()
            .and_then(Credential::basic_header)
            .filter(|_| basic)
        {
            Some(header) => Ok(Authorization::lasting(header)),
            None => Err(reply::refusal(response, &endpoint.host, call).await),
        }
    }

    /// The realm's URL, unless the password would travel less protected than the registry's own traffic.
    fn check_realm(&self, endpoint: &Endpoint, realm: &str) -> Result<Url> {
        let protocol = |message: String| Error::Protocol {
            host: endpoint.host.clone(),
            message,
        };
        let url = Url::parse(realm).map_err(|_| {
            protocol(format!(
                "`{}` is not the address of a token server",
                quote(realm)
            ))
        })?;
        let plain_is_fine = self.base_in_use(endpoint).scheme() == "http"
            || url.host_str().is_some_and(is_loopback);
        match url.scheme() {
            "https" => Ok(url),
            "http" if plain_is_fine => Ok(url),
            _ => Err(protocol(format!(
                "the token server {} does without TLS",
                quote(realm)
            ))),
        }
    }

    async fn fetch_token(
        &self,
        endpoint: &Endpoint,
        call: &Call,
        server: &TokenServer,
        credential: Option<&Credential>,
    ) -> Result<Authorization> {
        let client = self.client(endpoint)?;
        let request = match credential {
            Some(Credential::IdentityToken(token)) => client
                .request(Method::POST, server.realm.clone())
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(server.exchange_form(token)),
            other => {
                let request = client.request(Method::GET, server.query(other));
                match other.and_then(Credential::basic_header) {
                    Some(basic) => request.header(header::AUTHORIZATION, basic),
                    None => request,
                }
            }
        };
        let response = request
            .send()
            .await
            .map_err(|why| http_client::broken(&server.realm, why))?;
        if response.status() == StatusCode::UNAUTHORIZED {
            let message = "the name or the password is wrong".to_owned();
            return Err(Error::Unauthorized {
                host: endpoint.host.clone(),
                message,
            });
        }
        let response = reply::check(response, &endpoint.host, call).await?;
        let body = read_body(response, &endpoint.host, "a token", MAX_TOKEN_BYTES).await?;
        let answer: Option<TokenAnswer> = serde_json::from_slice(&body).ok();
        answer
            .and_then(|answer| answer.authorization(Instant::now()))
            .ok_or_else(|| Error::Protocol {
                host: endpoint.host.clone(),
                message: "the token server's answer has no token".to_owned(),
            })
    }
}

impl TokenServer {
    /// The request of the "Docker Registry v2 authentication" document.
    fn query(&self, credential: Option<&Credential>) -> Url {
        let mut url = self.realm.clone();
        let mut query = url.query_pairs_mut();
        if let Some(service) = &self.service {
            query.append_pair("service", service);
        }
        for scope in &self.scopes {
            query.append_pair("scope", scope);
        }
        if let Some(Credential::Password { username, .. }) = credential {
            query.append_pair("account", username);
        }
        drop(query);
        url
    }

    /// The form that exchanges an identity token ("Docker Registry v2 OAuth2").
    fn exchange_form(&self, token: &str) -> String {
        let mut form = Url::parse("form:").expect("a scheme is a URL");
        let mut pairs = form.query_pairs_mut();
        pairs
            .append_pair("grant_type", "refresh_token")
            .append_pair("refresh_token", token)
            .append_pair("client_id", "terrarium");
        if let Some(service) = &self.service {
            pairs.append_pair("service", service);
        }
        if !self.scopes.is_empty() {
            // OAuth2 has one parameter, with spaces between (RFC 6749, 3.3).
            pairs.append_pair("scope", &self.scopes.join(" "));
        }
        drop(pairs);
        form.query().unwrap_or_default().to_owned()
    }
}

fn read_challenges(response: &Response) -> Vec<Challenge> {
    let headers = response.headers().get_all(header::WWW_AUTHENTICATE);
    headers
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(parse_challenges)
        .collect()
}
