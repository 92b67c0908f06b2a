//! The real docker client against a real `terrariumd`, by group of commands.

mod archives;
mod attach;
mod build;
mod copy;
mod exec;
mod health;
mod images;
mod inspect;
mod lifecycle;
mod logs;
mod options;
mod run;
mod stats;
mod system;
mod volumes;

use terrarium_tests::{Host, Options, Registry, can_run_containers};

/// Without handlers a first process would ignore these signals.
const SLEEP: &str = "trap 'exit 143' TERM; trap 'exit 129' HUP; sleep 1000 & wait";

/// A host, and the registry that its images come from.
struct Setup {
    host: Host,
    registry: Registry,
}

/// A host whose docker.io is a registry with busybox and alpine; none where it cannot run.
fn setup() -> Option<Setup> {
    if !can_run_containers() {
        return None;
    }
    let registry = Registry::with_busybox().expect("a registry starts");
    let mirrors = vec![registry.url()];
    let host = Host::start(Options { mirrors }).expect("a host starts");
    Some(Setup { host, registry })
}

/// As [`setup`], with alpine pulled.
fn with_alpine() -> Option<Setup> {
    let setup = setup()?;
    setup.host.docker(&["pull", "-q", "alpine"]).ok();
    Some(setup)
}

impl Setup {
    /// Runs a docker command that must end well; what it printed.
    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        self.host.docker(arguments).ok().to_owned()
    }

    /// Runs a docker command that must end with this code; what it complained of.
    #[track_caller]
    fn fails(&self, code: i32, arguments: &[&str]) -> String {
        self.host.docker(arguments).fails(code).to_owned()
    }

    /// One field of an object.
    #[track_caller]
    fn field(&self, object: &str, template: &str) -> String {
        self.ok(&["inspect", "--format", template, object])
    }

    /// A container that runs until it is stopped, and stops at once when asked to.
    #[track_caller]
    fn sleeper(&self, name: &str, options: &[&str]) -> String {
        let mut arguments = vec!["run", "-d", "--name", name];
        arguments.extend(options);
        arguments.extend(["alpine", "sh", "-c", SLEEP]);
        self.ok(&arguments)
    }
}
