//! The desktop application.

#![forbid(unsafe_code)]

use clap::Parser;
use terrarium_docker_api::HostOptions;
use tracing_subscriber::EnvFilter;

mod commands;
mod host;
mod streams;
mod window;

/// Containers you can see into.
#[derive(Debug, Parser)]
#[command(name = "terrarium", version)]
struct Options {
    #[command(flatten)]
    host: HostOptions,
}

fn main() {
    let options = Options::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    window::run(options.host.config());
}
