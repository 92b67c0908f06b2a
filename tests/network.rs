//! Who reaches whom, asked with the real docker client; on loopback only.

use std::{
    io::Read as _,
    net::{TcpListener, TcpStream},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use terrarium_tests::{Host, Options, Registry, can_run_containers, run};

/// A host with `alpine` at hand.
fn host() -> Result<(Registry, Host)> {
    let registry = Registry::with_busybox()?;
    let host = Host::start(Options {
        mirrors: vec![registry.url()],
    })?;
    Ok((registry, host))
}

/// Starts a container that says `hi` to whoever calls its port 80.
fn greeter(host: &Host, options: &[&str]) -> String {
    let mut arguments = vec!["run", "-d"];
    arguments.extend(options);
    arguments.extend(["alpine", "nc", "-ll", "-p", "80", "-e", "echo", "hi"]);
    host.docker(&arguments).ok().to_owned()
}

/// Calls until somebody answers: a container that was started does not listen at once.
fn call(address: &str) -> Result<String> {
    let started = Instant::now();
    loop {
        let answer = call_once(address);
        if answer.as_ref().is_ok_and(|text| !text.is_empty())
            || started.elapsed() > Duration::from_secs(10)
        {
            return answer.with_context(|| format!("call {address}"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn call_once(address: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn a_published_port_answers_and_is_shut_after_removal() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let (_registry, host) = host()?;
    let id = greeter(&host, &["-p", "127.0.0.1::80"]);
    let listed = host.docker(&["port", &id, "80/tcp"]);
    let address = listed.ok();
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    assert_eq!(call(address)?, "hi\n");
    let shown = host.docker(&["ps", "--format", "{{.Ports}}"]);
    assert_eq!(shown.ok(), format!("{address}->80/tcp"));
    host.docker(&["rm", "-f", &id]).ok();
    assert!(TcpStream::connect(address).is_err());
    TcpListener::bind(address).context("the port is free again")?;
    Ok(())
}

#[test]
fn a_taken_port_is_named_and_the_container_stays_usable() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let (_registry, host) = host()?;
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port();
    let mapping = format!("127.0.0.1:{port}:80");
    let refused = host.docker(&[
        "run", "-d", "--name", "web", "-p", &mapping, "alpine", "true",
    ]);
    let message = refused.fails(125);
    assert!(
        message.contains(&format!("port {port}/tcp on 127.0.0.1 is already in use")),
        "{message}"
    );
    // It is told already where a container is only made.
    let made = host.docker(&[
        "create", "--name", "early", "-p", &mapping, "alpine", "true",
    ]);
    made.ok();
    let holder = format!("port 127.0.0.1:{port}/tcp is in use by `");
    assert!(made.stderr.contains(&holder), "{made:?}");
    drop(taken);
    let _ = host.docker(&["rm", "-f", "web"]);
    let made = host.docker(&["create", "--name", "late", "-p", &mapping, "alpine", "true"]);
    made.ok();
    assert!(
        made.stderr.contains("also asked for by container early"),
        "{made:?}"
    );
    greeter(&host, &["--name", "web", "-p", &mapping]);
    assert_eq!(call(&format!("127.0.0.1:{port}"))?, "hi\n");
    Ok(())
}

#[test]
fn a_published_port_outlives_the_host_that_published_it() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let (_registry, mut host) = host()?;
    let id = greeter(&host, &["-p", "127.0.0.1::80"]);
    let listed = host.docker(&["port", &id, "80/tcp"]);
    let address = listed.ok();
    assert_eq!(call(address)?, "hi\n");
    host.kill()?;
    assert_eq!(call(address)?, "hi\n", "while no host runs");
    host.restart()?;
    assert_eq!(call(address)?, "hi\n");
    assert!(
        TcpListener::bind(address).is_err(),
        "the new host holds the port"
    );
    host.docker(&["rm", "-f", &id]).ok();
    assert!(TcpStream::connect(address).is_err());
    Ok(())
}

#[test]
fn containers_of_the_bridge_reach_each_other_and_know_their_own_name() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let (_registry, host) = host()?;
    let web = greeter(&host, &["--hostname", "web.test"]);
    let inspected = host.docker(&[
        "inspect",
        "-f",
        "{{.NetworkSettings.Networks.bridge.IPAddress}}",
        &web,
    ]);
    let address = inspected.ok();
    let ask = format!("until nc {address} 80 </dev/null; do sleep 0.1; done");
    let answer = host.docker(&[
        "run", "--rm", "alpine", "busybox", "timeout", "10", "sh", "-c", &ask,
    ]);
    assert_eq!(answer.ok(), "hi");
    let hosts = host.docker(&["exec", &web, "cat", "/etc/hosts"]);
    assert!(
        hosts
            .ok()
            .lines()
            .any(|line| line == format!("{address}\tweb.test web")
                || line.starts_with(address) && line.contains("web.test")),
        "{}",
        hosts.ok()
    );
    Ok(())
}

#[test]
fn a_container_that_is_started_again_at_once_is_on_the_network_again() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let (_registry, host) = host()?;
    // Neither publishes a port, so nobody waits until their old links are gone.
    let web = greeter(&host, &[]);
    let other = greeter(&host, &[]);
    let show = "{{.NetworkSettings.Networks.bridge.IPAddress}}";
    for _ in 0..5 {
        host.docker(&["restart", "-t", "0", &web]).ok();
        let address = host.docker(&["inspect", "-f", show, &web]).ok().to_owned();
        let ask = format!("until nc {address} 80 </dev/null; do sleep 0.1; done");
        let answer = host.docker(&["exec", &other, "busybox", "timeout", "10", "sh", "-c", &ask]);
        assert_eq!(answer.ok(), "hi");
    }
    Ok(())
}

#[test]
fn without_a_network_there_is_loopback_only_and_with_the_hosts_there_is_its_own() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let (_registry, host) = host()?;
    let list = |network: &str| {
        host.docker(&[
            "run",
            "--rm",
            "--network",
            network,
            "alpine",
            "ip",
            "-o",
            "link",
        ])
    };
    let none = list("none");
    assert_eq!(none.ok().lines().count(), 1, "{none:?}");
    assert!(none.ok().contains("lo: <LOOPBACK,UP"), "{none:?}");
    let bridge = list("bridge");
    assert!(bridge.ok().contains("eth0@"), "{bridge:?}");
    let shared = host.docker(&[
        "run",
        "--rm",
        "--network",
        "host",
        "alpine",
        "busybox",
        "readlink",
        "/proc/self/ns/net",
    ]);
    let own = std::fs::read_link("/proc/self/ns/net")?;
    assert_eq!(shared.ok(), own.to_string_lossy());
    Ok(())
}

#[test]
fn a_host_that_ends_without_containers_leaves_no_bridge_and_no_rule() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let (_registry, mut host) = host()?;
    let id = greeter(&host, &["-p", "127.0.0.1::80"]);
    let record = host.run_root().join("network/networks/bridge.json");
    let record: serde_json::Value = serde_json::from_slice(&std::fs::read(record)?)?;
    let bridge = record["interface"]
        .as_str()
        .context("the bridge has a name")?;
    let is_there = || -> Result<(bool, bool)> {
        let links = run(Command::new("ip").args(["-o", "link"]), "")?;
        let rules = run(Command::new("nft").args(["list", "ruleset"]), "")?;
        Ok((links.ok().contains(bridge), rules.ok().contains(bridge)))
    };
    assert_eq!(is_there()?, (true, true));
    host.stop()?;
    assert_eq!(is_there()?, (true, true), "the container goes on");
    host.restart()?;
    host.docker(&["rm", "-f", &id]).ok();
    host.stop()?;
    assert_eq!(is_there()?, (false, false));
    Ok(())
}
