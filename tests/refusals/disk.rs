//! A data root without room.

use anyhow::Result;
use terrarium_tests::{Host, Layout, Registry, can_run_containers};

use crate::scene::{State, assert_says, names, options};

/// The room for images and containers; busybox takes a few of these.
const MEBIBYTES: u32 = 24;

#[test]
fn a_pull_that_fills_the_disk_is_told_and_gives_the_room_back() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let registry = Registry::with_busybox()?;
    let host = Host::start_on_disk(options(&registry), MEBIBYTES)?;
    push_noise(&registry, &host, 40 << 20)?;
    host.docker(&["pull", "-q", "alpine"]).ok();
    let before = State::of(&host)?;
    let name = registry.address() + "/team/big:1";
    for _ in 0..2 {
        let refused = host.docker(&["pull", &name]);
        let parts = [name.as_str(), "layer 1 of 1", "No space left"];
        assert_says(refused.fails(1), &parts);
        before.comes_back(&host)?;
        assert!(names(&host.data_root().join("content/ingest"))?.is_empty());
    }
    host.docker(&["run", "--rm", "alpine", "true"]).ok();
    Ok(())
}

#[test]
fn a_container_that_fills_the_disk_can_be_removed_and_the_host_goes_on() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let registry = Registry::with_busybox()?;
    let mut host = Host::start_on_disk(options(&registry), MEBIBYTES)?;
    host.docker(&["pull", "-q", "alpine"]).ok();
    let script = "busybox dd if=/dev/zero of=/filled bs=1M count=64; true";
    let filled = host.docker(&["run", "--name", "hog", "alpine", "sh", "-c", script]);
    assert_says(&filled.stderr, &["No space left on device"]);
    let code = host.docker(&["inspect", "-f", "{{.State.ExitCode}}", "hog"]);
    assert_eq!(code.ok(), "0");
    let refused = host.docker(&["run", "--name", "next", "alpine", "true"]);
    if refused.code != Some(0) {
        assert_says(refused.fails(125), &["No space left"]);
    }
    // A host that starts without room has to find what there is.
    host.kill()?;
    host.restart()?;
    host.docker(&["rm", "-f", "hog"]).ok();
    host.docker(&["run", "--rm", "alpine", "true"]).ok();
    Ok(())
}

/// Pushes an image that does not get smaller by compression.
fn push_noise(registry: &Registry, host: &Host, bytes: usize) -> Result<()> {
    let folder = host.scratch().join("noise");
    std::fs::create_dir(&folder)?;
    let mut state = 0x2545_f491_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()
    })
    .take(bytes / 4)
    .flatten()
    .collect();
    std::fs::write(folder.join("noise"), noise)?;
    let layout = Layout::create(&folder.join("layout"))?;
    layout.insert(&folder.join("noise"), "/noise")?;
    registry.push_layout(&layout, "team/big:1")
}
