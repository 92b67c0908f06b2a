//! The engine without a window: what it holds, and what looking at fifty containers costs.

use std::{thread, time::Duration};

use anyhow::Result;
use terrarium_tests::{Host, Options, Registry};

use crate::{
    budget::Budget,
    process::{self, Threads},
};

const CONTAINERS: usize = 50;
const SETTLE: Duration = Duration::from_secs(5);
const SPAN: Duration = Duration::from_secs(20);

/// Memory at rest and with containers, and the sampler's share of a core.
pub(crate) fn measure() -> Result<Vec<Budget>> {
    let registry = Registry::with_busybox()?;
    let mirrors = vec![registry.url()];
    let host = Host::start(Options { mirrors })?;
    host.docker(&["pull", "-q", "busybox"]).ok();
    let pid = [u32::try_from(host.pid().as_raw())?];
    thread::sleep(SETTLE);
    let at_rest = process::pss_mib(&pid)?;
    let line = format!("seq {CONTAINERS} | xargs -P 4 -I _ docker run -d busybox sleep 1000");
    let mut shell = host.program("sh");
    terrarium_tests::run(shell.args(["-c", &line]), "")?.ok();
    thread::sleep(SETTLE);
    let before = Threads::of(&pid)?;
    thread::sleep(SPAN);
    let used = Threads::of(&pid)?.since(&before);
    let share = used.seconds / SPAN.as_secs_f64() * 100.0;
    let busy = process::pss_mib(&pid)?;
    Ok(vec![
        Budget::at_most(
            40.0,
            "MiB",
            "memory of the engine (PSS), after a pull",
            at_rest,
        ),
        Budget::at_most(40.0, "MiB", format!("  with {CONTAINERS} containers"), busy),
        Budget::at_most(
            1.0,
            "%",
            format!("sampling {CONTAINERS} containers, of a core"),
            share,
        ),
    ])
}
