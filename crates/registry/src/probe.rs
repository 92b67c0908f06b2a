//! A test of a registry, one step after the other, so that a person sees at which one it fails.

use std::time::{Duration, Instant};

use reqwest::Response;

use crate::auth::{Credential, Scope};
use crate::endpoint::{Endpoint, Trust, registry_endpoint};
use crate::transport::Call;
use crate::{Broken, Client, Error, Result};

/// The steps of a test, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Looking up its name.
    Address,
    /// Connecting and asking whether it speaks the protocol.
    Answer,
    /// Telling it who asks.
    SignIn,
}

/// What a step found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Where the name leads.
    Addresses(Vec<String>),
    /// It is there.
    Answer {
        /// Scheme, host and port that answered.
        address: String,
        /// Whether its certificate was checked; none without TLS.
        certificate_checked: Option<bool>,
    },
    /// It serves whoever asks and wants no sign-in for the protocol's entrance.
    NotAsked,
    /// It let nobody in particular in.
    Anonymous,
    /// It took the sign-in that is kept.
    Taken {
        /// Who signed in, unless only a token knows.
        username: Option<String>,
    },
}

/// A step and what became of it.
#[derive(Debug)]
pub struct Probe {
    /// Which step.
    pub step: Step,
    /// How long it took.
    pub took: Duration,
    /// What it found.
    pub found: Result<Finding>,
}

impl Probe {
    async fn of(step: Step, work: impl Future<Output = Result<Finding>>) -> Self {
        let began = Instant::now();
        let found = work.await;
        Self {
            step,
            took: began.elapsed(),
            found,
        }
    }
}

impl Client {
    /// Tests a registry. A name that is not found does not end the test, for a proxy may know it; any other failure does.
    ///
    /// # Errors
    /// [`Error::BadAddress`]; what a step met is told with the step.
    pub async fn probe(&self, registry: &str) -> Result<Vec<Probe>> {
        let endpoint = registry_endpoint(registry, &self.transport.options)?;
        let call = Call::get("v2/".into(), "registry".into(), Scope::pull(""));
        let mut probes = vec![Probe::of(Step::Address, self.look_up(&endpoint)).await];

        let mut asks = false;
        let answer = Probe::of(Step::Answer, async {
            let response = self.transport.greet(&endpoint, &call).await?;
            asks = response.status() == http::StatusCode::UNAUTHORIZED;
            Ok(answered(&endpoint, &response))
        });
        probes.push(answer.await);
        if probes.iter().any(answer_failed) {
            return Ok(probes);
        }
        let sign_in = async {
            match asks {
                true => self.show_who_asks(&endpoint, &call).await,
                false => Ok(Finding::NotAsked),
            }
        };
        probes.push(Probe::of(Step::SignIn, sign_in).await);
        Ok(probes)
    }

    async fn look_up(&self, endpoint: &Endpoint) -> Result<Finding> {
        let base = &endpoint.bases[0];
        let host = base.host_str().unwrap_or_default();
        // An IPv6 address has brackets in a URL, and none for the resolver.
        let name = host.trim_start_matches('[').trim_end_matches(']');
        let port = base.port_or_known_default().unwrap_or(443);
        let asked = tokio::net::lookup_host((name, port));
        let patience = self.transport.options.connect_timeout;
        let found = tokio::time::timeout(patience, asked).await;
        let found = found.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
        let addresses = found.map_err(|error| Error::Unreachable {
            address: host.to_owned(),
            source: Broken::lookup(&error),
        })?;
        let mut addresses: Vec<String> = addresses.map(|found| found.ip().to_string()).collect();
        addresses.dedup();
        Ok(Finding::Addresses(addresses))
    }

    async fn show_who_asks(&self, endpoint: &Endpoint, call: &Call) -> Result<Finding> {
        let keychain = &self.transport.options.keychain;
        let known = keychain.find(&endpoint.host, "").await?;
        self.transport.send_once(endpoint, call).await?;
        Ok(match known {
            None => Finding::Anonymous,
            Some(Credential::Password { username, .. }) => Finding::Taken {
                username: Some(username),
            },
            Some(_) => Finding::Taken { username: None },
        })
    }
}

fn answered(endpoint: &Endpoint, response: &Response) -> Finding {
    let url = response.url();
    Finding::Answer {
        address: url.origin().ascii_serialization(),
        certificate_checked: (url.scheme() == "https").then_some(endpoint.trust == Trust::Verified),
    }
}

fn answer_failed(probe: &Probe) -> bool {
    probe.step == Step::Answer && probe.found.is_err()
}
