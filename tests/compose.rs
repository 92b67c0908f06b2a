//! The Compose that Debian 12 has, version 1.29, over our socket.

use std::{fs, process::Command};

use anyhow::Result;
use terrarium_tests::{Host, Options, Ran, Registry, SHOP, can_run_containers, compose, run};

#[test]
fn two_services_come_up_talk_by_name_and_go_without_a_trace() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let version = Command::new("docker-compose")
        .args(["version", "--short"])
        .output();
    if !version.is_ok_and(|version| version.stdout.starts_with(b"1.29")) {
        // Newer distributions have another one, which needs nothing else of us.
        eprintln!("SKIPPED: docker-compose 1.29 is not installed");
        return Ok(());
    }
    let registry = Registry::with_busybox()?;
    let host = Host::start(Options {
        mirrors: vec![registry.url()],
    })?;
    fs::write(host.scratch().join("docker-compose.yml"), SHOP)?;
    let compose = |arguments: &[&str]| -> Result<Ran> {
        let mut command = compose(&host);
        run(command.args(arguments).current_dir(host.scratch()), "")
    };
    compose(&["up", "-d"])?.ok();
    let call = |from: &str, whom: &str| {
        let ask = format!("until nc {whom} </dev/null; do sleep 0.1; done");
        let container = format!("shop_{from}_1");
        let ask = [
            "exec", &container, "busybox", "timeout", "10", "sh", "-c", &ask,
        ];
        host.docker(&ask).ok().to_owned()
    };
    for name in ["db", "store", "shop_db_1"] {
        assert_eq!(call("web", &format!("{name} 80")), "db", "{name}");
    }
    assert_eq!(call("db", "web 80"), "web");
    // Compose finds what it made, and leaves alone what has not changed.
    let again = compose(&["up", "-d"])?;
    again.ok();
    assert!(again.stderr.contains("up-to-date"), "{again:?}");
    assert!(
        compose(&["port", "web", "80"])?
            .ok()
            .starts_with("127.0.0.1:")
    );
    compose(&["down", "-t", "0"])?.ok();
    let left = host.docker(&["network", "ls", "--format", "{{.Name}}"]);
    assert!(!left.ok().contains("shop"), "{left:?}");
    assert_eq!(host.docker(&["ps", "-aq"]).ok(), "");
    Ok(())
}
