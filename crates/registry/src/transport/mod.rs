//! One request to one server: address, TLS, sign-in, and what an answer means.

mod authorize;
mod content;
mod http_client;
mod pace;
mod reply;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use http::{HeaderMap, Method, StatusCode, header};
use reqwest::{Response, Url};

use crate::auth::{Authorization, Authorizations, Scope, usable};
use crate::endpoint::{Endpoint, Trust};
use crate::{Error, Options, Result};

pub(crate) use content::{Content, Streamed};
pub use http_client::provide_tls;
pub(crate) use http_client::{broken, too_slow};
pub(crate) use pace::Pace;
pub(crate) use reply::read_body;

/// What is asked of a server.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Behind the address of the server, without a slash in front; or a whole URL that the server gave.
    pub(crate) path: String,
    /// What is asked for, in words, for errors.
    pub(crate) what: String,
    pub(crate) scope: Scope,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Content>,
}

impl Call {
    /// Asks to read.
    pub(crate) fn get(path: String, what: String, scope: Scope) -> Self {
        Self {
            method: Method::GET,
            path,
            what,
            scope,
            headers: HeaderMap::new(),
            body: None,
        }
    }
}

/// The state that requests share: connections, addresses that answered, and authorizations.
pub(crate) struct Transport {
    pub(crate) options: Options,
    clients: Mutex<HashMap<(String, Trust), reqwest::Client>>,
    bases: Mutex<HashMap<String, Url>>,
    authorizations: Authorizations,
}

impl Transport {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            options,
            clients: Mutex::default(),
            bases: Mutex::default(),
            authorizations: Authorizations::default(),
        }
    }

    /// Sends a call until it succeeds or its failure is final. The answer is a success or 416.
    pub(crate) async fn send(&self, endpoint: &Endpoint, call: &Call) -> Result<Response> {
        let mut failures = 0;
        loop {
            match self.send_once(endpoint, call).await {
                Ok(response) => return Ok(response),
                Err(error) => {
                    failures += 1;
                    self.options.retry.wait(failures, error).await?;
                }
            }
        }
    }

    /// Sends a call once, and once more with a new authorization if the server asks for one.
    pub(crate) async fn send_once(&self, endpoint: &Endpoint, call: &Call) -> Result<Response> {
        let slot = self.authorizations.slot(&endpoint.host, &call.scope);
        let known = usable(&*slot.lock().await, None, Instant::now());
        let response = self.exchange(endpoint, call, known.as_ref()).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return reply::check(response, &endpoint.host, call).await;
        }
        let mut kept = slot.lock().await;
        let fresh = match usable(&kept, known.as_ref(), Instant::now()) {
            Some(renewed_by_another_call) => renewed_by_another_call,
            None => {
                *kept = None;
                let fresh = self.authorize(endpoint, call, response).await?;
                kept.insert(fresh).clone()
            }
        };
        drop(kept);
        let response = self.exchange(endpoint, call, Some(&fresh)).await?;
        reply::check(response, &endpoint.host, call).await
    }

    /// Asks without a sign-in, once. The answer is a success or 401.
    pub(crate) async fn greet(&self, endpoint: &Endpoint, call: &Call) -> Result<Response> {
        let response = self.exchange(endpoint, call, None).await?;
        match response.status() {
            StatusCode::UNAUTHORIZED => Ok(response),
            _ => reply::check(response, &endpoint.host, call).await,
        }
    }

    /// Forgets how to sign in to `host`, because the user's credentials changed.
    pub(crate) fn forget(&self, host: &str) {
        self.authorizations.forget(host);
    }

    /// Sends a call to the address of the endpoint that answers.
    async fn exchange(
        &self,
        endpoint: &Endpoint,
        call: &Call,
        authorization: Option<&Authorization>,
    ) -> Result<Response> {
        let known = lock(&self.bases).get(&endpoint.host).cloned();
        let candidates = known.map_or_else(|| endpoint.bases.clone(), |base| vec![base]);
        let mut last = None;
        for base in candidates {
            match self.request(endpoint, &base, call, authorization).await {
                Ok(response) => {
                    lock(&self.bases).insert(endpoint.host.clone(), base);
                    return Ok(response);
                }
                Err(error @ (Error::Unreachable { .. } | Error::Tls { .. })) => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        // The server may come back under its other scheme.
        lock(&self.bases).remove(&endpoint.host);
        Err(last.expect("an endpoint has an address, and each that fails leaves an error"))
    }

    async fn request(
        &self,
        endpoint: &Endpoint,
        base: &Url,
        call: &Call,
        authorization: Option<&Authorization>,
    ) -> Result<Response> {
        let bad_path = |_| Error::Protocol {
            host: endpoint.host.clone(),
            message: format!("`{}` is no address", crate::quote::quote(&call.path)),
        };
        let url = base.join(&call.path).map_err(bad_path)?;
        // A place that the server named for an upload may be another server's, which must not learn the token.
        let same_server = url.origin() == base.origin();
        let mut request = self
            .client(endpoint)?
            .request(call.method.clone(), url)
            .headers(call.headers.clone());
        if let Some(authorization) = authorization.filter(|_| same_server) {
            request = request.header(header::AUTHORIZATION, authorization.header());
        }
        if let Some(body) = &call.body {
            request = body.attach(request);
        }
        request
            .send()
            .await
            .map_err(|source| http_client::broken(base, source))
    }

    fn client(&self, endpoint: &Endpoint) -> Result<reqwest::Client> {
        let key = (endpoint.host.clone(), endpoint.trust);
        if let Some(client) = lock(&self.clients).get(&key) {
            return Ok(client.clone());
        }
        let client = http_client::build(endpoint, &self.options)?;
        lock(&self.clients).insert(key, client.clone());
        Ok(client)
    }

    /// The address of `endpoint` that answered last.
    fn base_in_use(&self, endpoint: &Endpoint) -> Url {
        let known = lock(&self.bases).get(&endpoint.host).cloned();
        known.unwrap_or_else(|| endpoint.bases[0].clone())
    }
}

/// These maps are never half changed, so a panic elsewhere does not spoil them.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
