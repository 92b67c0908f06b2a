//! The way from one container to another, tried step by step from inside the first.

use std::{
    net::Ipv4Addr,
    os::fd::{AsFd as _, BorrowedFd},
    time::Instant,
};

use terrarium_api::{
    Attachment, Error, ErrorCode, PortVerdict, ProbeNetwork, ProbeOutcome, ProbeReason, ProbeStage,
    ProbeStep, Protocol,
};
use terrarium_network::{
    DEFAULT_NETWORK, Network, open_netns,
    probe::{Lookup, Reached},
};

use super::{network, ports::Listening, record::Record};
use crate::{Engine, Result, blocking::blocking, error::quoted};

impl Engine {
    /// Tries the way from one running container to a port of another: name, route, connection.
    ///
    /// # Errors
    /// `NoSuchContainer`, `WrongState` where one of them does not run.
    pub async fn probe_network(&self, request: ProbeNetwork) -> Result<Vec<ProbeStep>> {
        let (from, to) = (self.probed(&request.from)?, self.probed(&request.to)?);
        let network = self.network();
        blocking(move || {
            let netns = open_netns(from.pid).map_err(network::failed)?;
            let way = Way {
                network: &network,
                netns: netns.as_fd(),
                from: &from,
                to: &to,
                port: request.port,
            };
            way.steps()
        })
        .await
    }

    fn probed(&self, name: &str) -> Result<End> {
        let container = self.inner.containers.find(name)?;
        let state = container.state();
        let record = state.record.clone();
        let run = record.run.as_ref().filter(|_| state.live.is_some());
        match run.and_then(|run| run.pid) {
            Some(pid) => Ok(End {
                pid,
                places: record.places(true),
                record,
            }),
            None => Err(Error::new(
                ErrorCode::WrongState,
                format!("container {} is not running", quoted(&record.name)),
            )),
        }
    }
}

/// A container at one end of the way.
struct End {
    pid: u32,
    places: Vec<Attachment>,
    record: Record,
}

struct Way<'a> {
    network: &'a Network,
    netns: BorrowedFd<'a>,
    from: &'a End,
    to: &'a End,
    port: u16,
}

impl Way<'_> {
    fn steps(&self) -> Result<Vec<ProbeStep>> {
        let (resolved, address) = self.resolve()?;
        let Some(address) = address else {
            return Ok(vec![
                resolved,
                skipped(ProbeStage::Route),
                skipped(ProbeStage::Connect),
            ]);
        };
        let routed = self.route(address)?;
        let connected = if routed.outcome == ProbeOutcome::Passed {
            self.connect(address)?
        } else {
            skipped(ProbeStage::Connect)
        };
        Ok(vec![resolved, routed, connected])
    }

    /// The name by which the name server knows the other; else its address, to go on with.
    fn resolve(&self) -> Result<(ProbeStep, Option<Ipv4Addr>)> {
        let known = self.address_in_common().or_else(|| self.any_address());
        let fail = |reason, started| {
            let found = known.map(|address| address.to_string()).unwrap_or_default();
            (
                step(ProbeStage::Resolve, started, found, Some(reason)),
                known,
            )
        };
        let started = Instant::now();
        if self.from.record.id == self.to.record.id {
            let here = Ipv4Addr::LOCALHOST;
            let done = step(ProbeStage::Resolve, started, here.to_string(), None);
            return Ok((done, Some(here)));
        }
        if !self.from.record.asks_for_names() {
            let reason = match self.address_in_common() {
                Some(_) => ProbeReason::NoNamesHere,
                None => ProbeReason::NoSharedNetwork,
            };
            return Ok(fail(reason, started));
        }
        let name = &self.to.record.name;
        let looked = self.network.look_up(self.netns, name);
        let looked = looked.map_err(network::failed)?;
        Ok(match looked {
            Lookup::Found(addresses) => {
                let found: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                let done = step(ProbeStage::Resolve, started, found.join(", "), None);
                (done, addresses.first().copied())
            }
            Lookup::Unknown if self.address_in_common().is_none() => {
                fail(ProbeReason::NoSharedNetwork, started)
            }
            Lookup::Unknown if self.shares_only_the_default() => {
                fail(ProbeReason::NoNamesHere, started)
            }
            Lookup::Unknown => fail(ProbeReason::NameUnknown, started),
            Lookup::Silent => fail(ProbeReason::NameServerSilent, started),
        })
    }

    fn route(&self, address: Ipv4Addr) -> Result<ProbeStep> {
        let started = Instant::now();
        let source = self.network.source_toward(self.netns, address);
        let source = source.map_err(network::failed)?;
        Ok(match source {
            Some(source) => {
                let found = format!("{} {source} → {address}", self.interface(source));
                step(ProbeStage::Route, started, found, None)
            }
            None => {
                let reason = Some(ProbeReason::NoRoute);
                step(ProbeStage::Route, started, address.to_string(), reason)
            }
        })
    }

    fn connect(&self, address: Ipv4Addr) -> Result<ProbeStep> {
        let started = Instant::now();
        let reached = self.network.connect(self.netns, address, self.port);
        let reached = reached.map_err(network::failed)?;
        let reason = match reached {
            Reached::Accepted => None,
            Reached::Refused => Some(self.why_refused()),
            Reached::Silent if self.address_in_common().is_none() => {
                Some(ProbeReason::NoSharedNetwork)
            }
            Reached::Silent => Some(ProbeReason::NoAnswer),
            Reached::NoWay => Some(ProbeReason::NoRoute),
        };
        let found = format!("{address}:{}", self.port);
        Ok(step(ProbeStage::Connect, started, found, reason))
    }

    fn why_refused(&self) -> ProbeReason {
        let listening: Listening = super::ports::listening(self.to.pid);
        let addresses = listening.get(&(self.port, Protocol::Tcp));
        match super::ports::heard(addresses.map(Vec::as_slice).unwrap_or_default()) {
            PortVerdict::LoopbackOnly => ProbeReason::LoopbackOnly,
            _ => ProbeReason::NobodyListens,
        }
    }

    /// The address of the other on a network that both are on; one with names first.
    fn address_in_common(&self) -> Option<Ipv4Addr> {
        let shared = self.shared();
        let named = shared.iter().find(|place| place.network != DEFAULT_NETWORK);
        let place = named.or(shared.first())?;
        place.address.parse().ok()
    }

    fn shares_only_the_default(&self) -> bool {
        self.shared()
            .iter()
            .all(|place| place.network == DEFAULT_NETWORK)
    }

    fn shared(&self) -> Vec<&Attachment> {
        let mine = |place: &&Attachment| {
            let is_it = |own: &Attachment| own.network == place.network;
            self.from.places.iter().any(is_it)
        };
        self.to.places.iter().filter(mine).collect()
    }

    fn any_address(&self) -> Option<Ipv4Addr> {
        let mut addresses = self.to.places.iter().map(|place| place.address.parse());
        addresses.find_map(std::result::Result::ok)
    }

    fn interface(&self, source: Ipv4Addr) -> &str {
        let source = source.to_string();
        let place = self
            .from
            .places
            .iter()
            .find(|place| place.address == source);
        place.map_or("lo", |place| place.interface.as_str())
    }
}

fn step(
    stage: ProbeStage,
    started: Instant,
    found: String,
    reason: Option<ProbeReason>,
) -> ProbeStep {
    ProbeStep {
        stage,
        outcome: if reason.is_some() {
            ProbeOutcome::Failed
        } else {
            ProbeOutcome::Passed
        },
        found,
        took_usec: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        reason,
    }
}

fn skipped(stage: ProbeStage) -> ProbeStep {
    ProbeStep {
        stage,
        outcome: ProbeOutcome::Skipped,
        found: String::new(),
        took_usec: 0,
        reason: None,
    }
}
