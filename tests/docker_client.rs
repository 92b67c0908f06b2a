//! The real docker client against a real `terrariumd`, by group of commands.

use anyhow::Result;
use terrarium_tests::{Host, Options, Registry, can_run_containers};

fn host() -> Result<(Registry, Host)> {
    let registry = Registry::with_busybox()?;
    let host = Host::start(Options {
        mirrors: vec![registry.url()],
    })?;
    Ok((registry, host))
}

#[test]
fn run_attaches_to_the_output_and_hands_the_exit_code_on() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let (_registry, host) = host()?;
    assert_eq!(
        host.docker(&["run", "--rm", "alpine", "echo", "hi"]).ok(),
        "hi"
    );
    host.docker(&["run", "--rm", "alpine", "sh", "-c", "exit 3"])
        .fails(3);
    Ok(())
}
