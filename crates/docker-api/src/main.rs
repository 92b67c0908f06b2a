//! `terrariumd`: the headless host. Opens the engine, serves the Docker API, leaves containers
//! running when it ends.

#![forbid(unsafe_code)]

use std::{
    io::{IsTerminal as _, Write as _},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::Parser;
use terrarium_docker_api::{HostOptions, Listening};
use terrarium_engine::Engine;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// The container engine of Terrarium, with the Docker API on a unix socket
#[derive(Debug, Parser)]
#[command(name = "terrariumd", version)]
struct Options {
    #[command(flatten)]
    host: HostOptions,
    /// What is logged: error, warn, info, debug or trace, also by crate as `terrarium_engine=debug`
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log: EnvFilter,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    tracing_subscriber::fmt()
        .with_env_filter(options.log)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    match run(options.host).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(host: HostOptions) -> anyhow::Result<()> {
    let config = host.config();
    let socket = config.socket.clone();
    // Before the engine opens: a signal during a long reconciliation must not be the default one.
    let shutdown = shutdown().context("listen for signals")?;
    let engine = Engine::open(config).await?;
    let listening = Listening::bind(&socket)?;
    // Whoever started this process may wait for the line; that nobody reads it is no error.
    let _ = writeln!(
        std::io::stdout(),
        "terrariumd {} is ready on unix://{}",
        env!("CARGO_PKG_VERSION"),
        socket.display()
    );
    listening.serve(engine.clone(), shutdown).await;
    engine.close().await?;
    tracing::info!("stopped; containers go on");
    Ok(())
}

/// Canceled at the first SIGTERM or SIGINT.
fn shutdown() -> std::io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let token = CancellationToken::new();
    let canceled = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        canceled.cancel();
    });
    Ok(token)
}

/// What failed, why, and what to do, each on a line of its own.
fn report(error: &anyhow::Error) {
    let mut stderr = std::io::stderr().lock();
    let Some(known) = error.downcast_ref::<terrarium_api::Error>() else {
        let _ = writeln!(stderr, "error: {error}");
        for cause in error.chain().skip(1) {
            let _ = writeln!(stderr, "  because: {cause}");
        }
        return;
    };
    let _ = writeln!(stderr, "error: {}", known.message);
    for cause in &known.causes {
        let _ = writeln!(stderr, "  because: {cause}");
    }
    if let Some(hint) = &known.hint {
        let _ = writeln!(stderr, "hint: {hint}");
    }
}
