//! The command line that every host of the engine has, with a window or without.

use std::path::PathBuf;

use clap::Args;
use terrarium_engine::Config;

/// Where a host keeps things, and which registries it uses.
#[derive(Debug, Clone, Args)]
pub struct HostOptions {
    /// Images, containers, volumes and the index [default: the user's data folder, or /var/lib/terrarium as root]
    #[arg(long, value_name = "DIR")]
    pub data_root: Option<PathBuf>,
    /// Sockets and bundles of running containers [default: the user's runtime folder, or /run/terrarium as root]
    #[arg(long, value_name = "DIR")]
    pub run_root: Option<PathBuf>,
    /// The Docker API socket [default: docker.sock in the run root]
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// A mirror of docker.io, tried before it; may be given several times
    #[arg(long, value_name = "URL")]
    pub registry_mirror: Vec<String>,
    /// A registry that may be used without TLS, besides those on loopback; may be given several times
    #[arg(long, value_name = "HOST")]
    pub insecure_registry: Vec<String>,
    /// The OCI runtime [default: terrarium-runtime beside this program]
    #[arg(long, value_name = "PATH")]
    pub runtime: Option<PathBuf>,
}

impl HostOptions {
    /// The configuration of the engine: what was given, over the defaults of this user.
    pub fn config(self) -> Config {
        let defaults = Config::for_this_user();
        let run_root = absolute(self.run_root).unwrap_or(defaults.run_root);
        Config {
            data_root: absolute(self.data_root).unwrap_or(defaults.data_root),
            socket: absolute(self.socket).unwrap_or_else(|| run_root.join("docker.sock")),
            run_root,
            runtime: absolute(self.runtime).unwrap_or(defaults.runtime),
            registry_mirrors: self.registry_mirror,
            insecure_registries: self.insecure_registry,
        }
    }
}

/// Paths outlive the folder that this process was started in: they stand in records and answers.
fn absolute(path: Option<PathBuf>) -> Option<PathBuf> {
    // Only an empty path and a lost working folder have no absolute form.
    path.map(|path| std::path::absolute(&path).unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        host: HostOptions,
    }

    #[test]
    fn the_socket_lies_in_the_run_root_unless_it_is_given() {
        let config = |args: &[&str]| Program::parse_from(args).host.config();
        assert_eq!(
            config(&["x", "--run-root", "/r"]).socket,
            PathBuf::from("/r/docker.sock")
        );
        let given = config(&["x", "--run-root", "/r", "--socket", "/s"]);
        assert_eq!(given.socket, PathBuf::from("/s"));
    }

    #[test]
    fn paths_are_absolute() {
        let config = Program::parse_from(["x", "--data-root", "data"])
            .host
            .config();
        assert!(config.data_root.is_absolute());
        assert!(config.data_root.ends_with("data"));
    }
}
