//! Which containers a list shows.

use std::cmp::Reverse;

use terrarium_api::{ContainerStatus, ContainerSummary, ImageSummary};

use super::{health, list::state, ports};
use crate::{
    error::{Failure, Result},
    filters::Filters,
    networks,
};

/// Which containers are listed.
pub(super) struct Selection<'a> {
    pub(super) filters: &'a Filters,
    /// All images, for the ancestor filter.
    pub(super) images: &'a [ImageSummary],
    pub(super) stopped_too: bool,
}

impl Selection<'_> {
    /// The matching ones, newest first.
    pub(super) fn select(&self, mut all: Vec<ContainerSummary>) -> Result<Vec<ContainerSummary>> {
        self.check()?;
        all.sort_by_key(|container| Reverse(container.created_at_ms));
        let since = self.reference("since", &all)?;
        let before = self.reference("before", &all)?;
        all.retain(|container| {
            since.is_none_or(|at| container.created_at_ms > at)
                && before.is_none_or(|at| container.created_at_ms < at)
                && self.matches(container)
        });
        Ok(all)
    }

    fn check(&self) -> Result<()> {
        const STATES: [&str; 7] = [
            "created",
            "running",
            "paused",
            "restarting",
            "removing",
            "exited",
            "dead",
        ];
        if let Some(state) = self
            .filters
            .values("status")
            .find(|state| !STATES.contains(state))
        {
            let text = format!("invalid filter 'status={}'", state.escape_debug());
            return Err(Failure::bad_request(text));
        }
        let mut codes = self.filters.values("exited");
        match codes.find(|code| code.parse::<i32>().is_err()) {
            Some(code) => Err(Failure::bad_request(format!(
                "invalid filter 'exited={}'",
                code.escape_debug()
            ))),
            None => Ok(()),
        }
    }

    /// When the container that a `since` or `before` names was created.
    fn reference(&self, filter: &str, all: &[ContainerSummary]) -> Result<Option<u64>> {
        let Some(name) = self.filters.values(filter).next() else {
            return Ok(None);
        };
        let named = |container: &&ContainerSummary| {
            container.name == name.trim_start_matches('/') || container.id.starts_with(name)
        };
        match all.iter().find(named) {
            Some(container) => Ok(Some(container.created_at_ms)),
            None => Err(Failure::not_found(format!("No such container: {name}"))),
        }
    }

    fn matches(&self, container: &ContainerSummary) -> bool {
        let filters = self.filters;
        let code = container.exit.as_ref().map(|exit| exit.code);
        let is_stopped = container.status == ContainerStatus::Stopped;
        (self.stopped_too || is_up(container.status))
            && filters.any("status", |status| status == state(container.status))
            && filters.any("id", |id| container.id.starts_with(id))
            && filters.any("name", |pattern| name_matches(pattern, &container.name))
            && filters.any("exited", |text| is_stopped && text.parse().ok() == code)
            && filters.any("network", |network| in_network(network, container))
            && filters.any("volume", |volume| mounts_it(volume, container))
            && filters.any("publish", |port| publishes(port, container, false))
            && filters.any("expose", |port| publishes(port, container, true))
            && filters.any("health", |word| word == health::word(container.health))
            && filters.any("is-task", |flag| matches!(flag, "false" | "0"))
            && filters.any("ancestor", |image| self.descends_from(image, container))
            && filters.labels(&container.labels)
    }

    /// The container's image is this one, or has all of its layers.
    fn descends_from(&self, ancestor: &str, container: &ContainerSummary) -> bool {
        let with_tag = format!("{ancestor}:latest");
        let named = |image: &&ImageSummary| {
            let id = image.id.strip_prefix("sha256:").unwrap_or(&image.id);
            let is_id =
                ancestor.len() >= 4 && id.starts_with(ancestor.trim_start_matches("sha256:"));
            is_id
                || image
                    .references
                    .iter()
                    .any(|name| name == ancestor || *name == with_tag)
        };
        let Some(ancestor) = self.images.iter().find(named) else {
            return container.image == ancestor || container.image == with_tag;
        };
        let own = self
            .images
            .iter()
            .find(|image| image.id == container.image_id);
        let layers = own.map_or(&[][..], |image| &image.layers);
        let top = ancestor.layers.last().map(|layer| &layer.chain_id);
        container.image_id == ancestor.id
            || top.is_some_and(|top| layers.iter().any(|layer| layer.chain_id == *top))
    }
}

fn is_up(status: ContainerStatus) -> bool {
    matches!(
        status,
        ContainerStatus::Running | ContainerStatus::Paused | ContainerStatus::Restarting
    )
}

/// Docker takes a regular expression; its anchors and plain text are what clients use.
fn name_matches(pattern: &str, name: &str) -> bool {
    let (start, rest) = match pattern.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let (end, text) = match rest.strip_suffix('$') {
        Some(text) => (true, text),
        None => (false, rest),
    };
    let test = |name: &str| match (start, end) {
        (true, true) => name == text,
        (true, false) => name.starts_with(text),
        (false, true) => name.ends_with(text),
        (false, false) => name.contains(text),
    };
    test(name) || test(&format!("/{name}"))
}

fn in_network(network: &str, container: &ContainerSummary) -> bool {
    let is_it = |name: &str| name == network || networks::id(name).starts_with(network);
    networks::of(container).keys().any(|name| is_it(name))
}

fn mounts_it(volume: &str, container: &ContainerSummary) -> bool {
    let named = |mount: &terrarium_api::Mount| mount.source == volume || mount.target == volume;
    container.mounts.iter().any(named)
}

/// `80`, `80/tcp`, `8000-8010/udp`: within the ports inside, or those on the host.
fn publishes(text: &str, container: &ContainerSummary, inside: bool) -> bool {
    let (range, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let (Ok(first), Ok(last)) = (first.parse::<u16>(), last.parse::<u16>()) else {
        return false;
    };
    container.ports.iter().any(|port| {
        let number = if inside {
            port.container_port
        } else {
            port.host_port
        };
        ports::protocol(port.protocol) == protocol && (first..=last).contains(&number)
    })
}
