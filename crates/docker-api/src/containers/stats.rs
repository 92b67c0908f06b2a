//! `GET /containers/{name}/stats`.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use futures_util::stream;
use serde_json::{Value, json};
use terrarium_api::{Counters, InterfaceCounters};

use crate::{error::Result, request::Params, server::App, stream::json_lines, time};

/// Docker's interval.
const INTERVAL: Duration = Duration::from_secs(1);

/// Whose counters, and the ones before.
struct Watched {
    app: App,
    id: String,
    name: String,
    before: Option<Counters>,
}

impl Watched {
    /// The next reading; none when the container is gone.
    async fn read(&mut self) -> Option<Value> {
        let now = self.app.engine.counters(&self.id).await.ok()?;
        let shown = show(&self.id, &self.name, now.as_ref(), self.before.as_ref());
        self.before = now;
        Some(shown)
    }
}

pub(super) async fn stats(
    State(app): State<App>,
    Path(name): Path<String>,
    params: Params,
) -> Result<Response> {
    let summary = app.engine.inspect_container(&name).await?.summary;
    let closing = app.closing.clone();
    let mut watched = Watched {
        app,
        id: summary.id,
        name: summary.name,
        before: None,
    };
    if params.flag_or("stream", "1") {
        let first = watched.read().await;
        let rest = stream::unfold(watched, |mut watched| async {
            tokio::time::sleep(INTERVAL).await;
            Some((watched.read().await?, watched))
        });
        use futures_util::StreamExt as _;
        return Ok(json_lines(closing, stream::iter(first).chain(rest)));
    }
    watched.before = watched.app.engine.counters(&watched.id).await?;
    // A rate needs two readings; a stopped container and a client that asks for one have none.
    if watched.before.is_some() && !params.flag("one-shot") {
        tokio::time::sleep(INTERVAL).await;
    } else {
        watched.before = None;
    }
    let shown = watched.read().await;
    Ok(Json(shown.unwrap_or_else(|| show(&watched.id, &watched.name, None, None))).into_response())
}

fn show(id: &str, name: &str, now: Option<&Counters>, before: Option<&Counters>) -> Value {
    let read = |counters: Option<&Counters>| {
        counters.map_or_else(
            || time::ZERO.to_owned(),
            |counters| time::from_ns(counters.at_ns),
        )
    };
    let counters = now.cloned().unwrap_or_default();
    let mut shown = json!({
        "id": id,
        "name": format!("/{name}"),
        "read": read(now),
        "preread": read(before),
        "num_procs": 0,
        "storage_stats": {},
        "pids_stats": {},
        "cpu_stats": now.map_or_else(no_cpu, cpu),
        "precpu_stats": before.map_or_else(no_cpu, cpu),
        "memory_stats": {},
        "blkio_stats": blkio(now),
        "networks": networks(&counters.interfaces),
    });
    if now.is_some() {
        shown["pids_stats"] = json!({ "current": counters.pids, "limit": counters.pids_limit });
        shown["memory_stats"] = memory(&counters);
    }
    shown
}

fn cpu(counters: &Counters) -> Value {
    let ns = |usec: u64| usec.saturating_mul(1000);
    json!({
        "cpu_usage": {
            "total_usage": ns(counters.cpu_usec),
            "usage_in_kernelmode": ns(counters.cpu_system_usec),
            "usage_in_usermode": ns(counters.cpu_user_usec),
        },
        "system_cpu_usage": ns(counters.host_cpu_usec),
        "online_cpus": counters.online_cpus,
        "throttling_data": {
            "periods": counters.periods,
            "throttled_periods": counters.throttled_periods,
            "throttled_time": ns(counters.throttled_usec),
        },
    })
}

fn no_cpu() -> Value {
    json!({
        "cpu_usage": { "total_usage": 0, "usage_in_kernelmode": 0, "usage_in_usermode": 0 },
        "throttling_data": { "periods": 0, "throttled_periods": 0, "throttled_time": 0 },
    })
}

fn memory(counters: &Counters) -> Value {
    json!({
        "usage": counters.memory_bytes,
        "max_usage": counters.memory_peak_bytes,
        "limit": counters.memory_limit_bytes,
        "failcnt": counters.memory_failures,
        "stats": {
            "cache": counters.cache_bytes,
            "file": counters.cache_bytes,
            "anon": counters.memory_bytes.saturating_sub(counters.cache_bytes),
            "inactive_file": counters.inactive_file_bytes,
        },
    })
}

fn blkio(counters: Option<&Counters>) -> Value {
    let bytes = counters.map(|counters| {
        let entry =
            |op: &str, value: u64| json!({ "major": 0, "minor": 0, "op": op, "value": value });
        [
            entry("read", counters.block_read_bytes),
            entry("write", counters.block_write_bytes),
        ]
    });
    json!({
        "io_service_bytes_recursive": bytes,
        "io_serviced_recursive": null,
        "io_queue_recursive": null,
        "io_service_time_recursive": null,
        "io_wait_time_recursive": null,
        "io_merged_recursive": null,
        "io_time_recursive": null,
        "sectors_recursive": null,
    })
}

fn networks(interfaces: &[InterfaceCounters]) -> BTreeMap<&str, Value> {
    let shown = interfaces.iter().map(|interface| {
        let counters = json!({
            "rx_bytes": interface.rx_bytes,
            "rx_packets": interface.rx_packets,
            "rx_errors": 0,
            "rx_dropped": 0,
            "tx_bytes": interface.tx_bytes,
            "tx_packets": interface.tx_packets,
            "tx_errors": 0,
            "tx_dropped": 0,
        });
        (interface.name.as_str(), counters)
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_in_dockers_units() {
        let before = Counters {
            at_ns: 1_000_000_000,
            cpu_usec: 10,
            ..Counters::default()
        };
        let now = Counters {
            at_ns: 2_000_000_000,
            cpu_usec: 30,
            host_cpu_usec: 2_000_000,
            online_cpus: 2,
            memory_bytes: 100,
            inactive_file_bytes: 40,
            memory_limit_bytes: 1000,
            pids: 3,
            interfaces: vec![InterfaceCounters {
                name: "eth0".into(),
                rx_bytes: 5,
                ..Default::default()
            }],
            ..Counters::default()
        };
        let shown = show("c", "web", Some(&now), Some(&before));
        assert_eq!(shown["name"], "/web");
        assert_eq!(shown["read"], "1970-01-01T00:00:02Z");
        assert_eq!(shown["preread"], "1970-01-01T00:00:01Z");
        assert_eq!(shown["cpu_stats"]["cpu_usage"]["total_usage"], 30_000);
        assert_eq!(shown["precpu_stats"]["cpu_usage"]["total_usage"], 10_000);
        assert_eq!(shown["memory_stats"]["stats"]["inactive_file"], 40);
        assert_eq!(shown["pids_stats"]["current"], 3);
        assert_eq!(shown["networks"]["eth0"]["rx_bytes"], 5);
    }

    #[test]
    fn a_stopped_container_has_empty_figures() {
        let shown = show("c", "web", None, None);
        assert_eq!(shown["read"], time::ZERO);
        assert_eq!(shown["memory_stats"], json!({}));
        assert_eq!(shown["cpu_stats"]["cpu_usage"]["total_usage"], 0);
    }
}
