//! `cargo xtask run`: from a fresh machine to an open window.

use std::fs;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::{
    front_end::{build_front_end, check_node},
    machine::{self, has_display, is_root},
    packages::{self, agrees, as_root},
    shell::{root, step},
};

/// Builds all that users get.
pub(crate) const RELEASE: &str =
    "cargo build --release -p terrarium-runtime -p terrarium-docker-api -p terrarium-desktop";

/// How the app is opened.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Installs missing packages and mends the machine without asking
    #[arg(long)]
    yes: bool,
    /// Builds without optimization: ready sooner, slower after
    #[arg(long)]
    dev: bool,
    /// What the app is started with, after `--`
    #[arg(last = true)]
    app: Vec<String>,
}

/// Installs what is missing, builds, and opens the app.
pub(crate) fn run(options: &Options) -> Result<()> {
    packages::ensure(&[packages::BUILD, packages::RUN], options.yes)?;
    check_node()?;
    mend_for_rootless(options.yes)?;
    build_front_end()?;
    let folder = build_binaries(options.dev)?;
    if !has_display() {
        explain_no_display(folder);
        return Ok(());
    }
    println!("\nOpening Terrarium. Closing the window leaves containers running.");
    let app = root().join("target").join(folder).join("terrarium");
    step(&app.display().to_string()).args(&options.app).run()
}

/// Builds all binaries, and gives back the folder below `target`.
fn build_binaries(dev: bool) -> Result<&'static str> {
    if dev {
        step(&RELEASE.replace(" --release", "")).run()?;
        return Ok("debug");
    }
    step(RELEASE).run()?;
    build_static_runtime()?;
    Ok("release")
}

/// Puts the runtime as it is shipped in the place of the plain build, beside the other binaries.
pub(crate) fn build_static_runtime() -> Result<()> {
    // The flags are those of one platform; elsewhere the plain build does the same, only slower.
    if !cfg!(all(target_arch = "x86_64", target_env = "gnu")) {
        return Ok(());
    }
    step("cargo static-runtime").run()?;
    put_static("terrarium-runtime")
}

/// Copies a static build into the place of the plain one.
pub(crate) fn put_static(name: &str) -> Result<()> {
    let built = root()
        .join("target/x86_64-unknown-linux-gnu/release")
        .join(name);
    let place = root().join("target/release").join(name);
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    }
    // A new file: the old one is a hard link to one of cargo's own, and shims may be running it.
    let aside = place.with_extension("new");
    fs::copy(&built, &aside).with_context(|| format!("copy {}", built.display()))?;
    fs::rename(&aside, &place).with_context(|| format!("put {} in place", place.display()))
}

fn mend_for_rootless(yes: bool) -> Result<()> {
    if is_root() {
        return Ok(());
    }
    for obstacle in machine::rootless_obstacles() {
        println!("\n{}.", obstacle.problem);
        if yes || agrees(&format!("sudo {}", obstacle.fix))? {
            as_root(&obstacle.fix)?;
            if obstacle.fix.starts_with("sysctl") {
                println!(
                    "This holds until the machine starts again; a file in /etc/sysctl.d keeps it."
                );
            }
        } else {
            println!("Left as it is. To mend it later: sudo {}", obstacle.fix);
        }
    }
    Ok(())
}

fn explain_no_display(folder: &str) {
    println!(
        "\nEverything is built, but there is no display (DISPLAY and WAYLAND_DISPLAY are empty).\n\
         \n\
         With a window:     log in to a desktop, or come with `ssh -X`, and run this again\n\
         A virtual display: Xvfb :99 -screen 0 1440x900x24 & DISPLAY=:99 target/{folder}/terrarium\n\
         Without a window:  target/{folder}/terrariumd, then\n\
         \u{20}                  docker -H unix://$XDG_RUNTIME_DIR/terrarium/docker.sock ps"
    );
}
