//! The same servers on networks: nginx from every side, PostgreSQL and its client in two containers.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use terrarium_tests::{Host, Options, User, own_address, run_within};

use crate::{
    debian::{LONG, with_debian},
    servers::POSTGRESQL,
};

const PAGE: &str = "a page of ours\n";
/// Until a server that was started listens.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn nginx_and_postgresql_are_found_as_root() -> Result<()> {
    with_debian(|mirrors| {
        let host = Host::start(Options { mirrors })?;
        are_found(&host)
    })
}

#[test]
fn nginx_and_postgresql_are_found_by_an_ordinary_user() -> Result<()> {
    with_debian(|mirrors| {
        User::with(|user| {
            let host = Host::start_as(user, Options { mirrors })?;
            are_found(&host)
        })
    })
}

fn are_found(host: &Host) -> Result<()> {
    run_within(&mut host.command(&["pull", "-q", "debian"]), "", LONG)?.ok();
    host.docker(&["network", "create", "shop"]).ok();
    start(
        host,
        "web",
        &["-p", "80"],
        "echo a page of ours >/var/www/html/index.html; exec nginx -g 'daemon off;'",
    );
    let serve = format!(
        "{POSTGRESQL} initdb -A trust >/dev/null && \
         echo 'host all all all trust' >>$PGDATA/pg_hba.conf && \
         exec postgres -c unix_socket_directories=/tmp -c listen_addresses='*'"
    );
    start(host, "db", &["--user", "postgres"], &serve);
    start(host, "client", &[], "exec sleep 1000");

    let port = host.docker(&["port", "web", "80/tcp"]);
    let port = port
        .ok()
        .lines()
        .next()
        .and_then(|line| line.rsplit(':').next());
    let port: u16 = port.context("a published port")?.parse()?;
    for address in addresses() {
        assert_eq!(page(SocketAddr::new(address, port))?, PAGE, "{address}");
    }
    let by_name = "until exec 3<>/dev/tcp/web/80; do sleep 0.1; done 2>/dev/null; \
        printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3";
    let page = host.docker(&["exec", "client", "timeout", "20", "bash", "-c", by_name]);
    assert!(page.ok().ends_with(PAGE.trim()), "{page:?}");

    let ask = format!(
        "{POSTGRESQL} for i in $(seq 300); do pg_isready -q -h db && break; sleep 0.1; done; \
         exec psql -h db -U postgres -At -c 'select sum(n) from generate_series(1, 1000) as n'"
    );
    let sum = host.docker(&["exec", "client", "sh", "-c", &ask]);
    assert_eq!(sum.ok(), "500500", "{sum:?}");
    Ok(())
}

fn start(host: &Host, name: &str, options: &[&str], script: &str) {
    let run = ["run", "-d", "--name", name, "--network", "shop"];
    let command = ["debian", "sh", "-c", script];
    host.docker(&[&run[..], options, &command].concat()).ok();
}

/// Where a person on this machine, or beside it, would look for a published port.
fn addresses() -> Vec<IpAddr> {
    let mut addresses = vec![Ipv4Addr::LOCALHOST.into()];
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
        addresses.push(Ipv6Addr::LOCALHOST.into());
    }
    addresses.extend(own_address());
    addresses
}

fn page(address: SocketAddr) -> Result<String> {
    let (url, started) = (format!("http://{address}/"), Instant::now());
    let mut page = ureq::get(&url).call();
    while page.is_err() && started.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(50));
        page = ureq::get(&url).call();
    }
    let mut page = page.with_context(|| format!("ask {url}"))?;
    Ok(page.body_mut().read_to_string()?)
}
