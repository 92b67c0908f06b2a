//! The harness that every suite stands on: real binaries in temporary folders.
//!
//! Owns starting and ending them, and nothing that asserts. Start from [`Host`], a running
//! `terrariumd`, and [`Registry`], a real registry server on loopback.
//!
//! Whatever a test starts is ended by the process ids that it has, also when it fails.

#![forbid(unsafe_code)]

mod bundle;
mod command;
mod display;
mod element;
mod host;
mod image;
mod layout;
mod leaks;
mod registry;
mod shop;
mod terminal;
mod user;
mod window;

pub use bundle::{Bundle, runtime_name, runtime_path};
pub use command::{Ran, run, run_within};
pub use element::Element;
pub use host::{Host, Options};
pub use image::Image;
pub use layout::Layout;
pub use registry::Registry;
pub use shop::{SHOP, compose};
pub use terminal::Terminal;
pub use user::User;
pub use window::{Window, WindowOptions};

use leaks::Leaks;

use std::{
    net::{IpAddr, Ipv4Addr, UdpSocket},
    path::PathBuf,
};

/// The folder of the binaries under test: `TERRARIUM_BIN_DIR`, else the workspace's debug build.
pub fn binaries() -> PathBuf {
    match std::env::var_os("TERRARIUM_BIN_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/debug"),
    }
}

/// The address at which others on its network reach this machine; none where it has none.
pub fn own_address() -> Option<IpAddr> {
    // Connecting a datagram socket looks up the route and sends nothing.
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(198, 51, 100, 1), 9)).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|address| !address.is_loopback())
}

/// Whether containers can be run as root here. A skip is loud, and with `REQUIRE_PRIVILEGED=1`, as
/// in continuous integration, a failure.
///
/// # Panics
/// When it cannot be and `REQUIRE_PRIVILEGED=1` is set.
pub fn can_run_containers() -> bool {
    let reason = if !nix::unistd::Uid::effective().is_root() {
        "needs root"
    } else if !binaries().join("terrariumd").exists() {
        "needs terrariumd: cargo build"
    } else {
        return true;
    };
    skip(reason);
    false
}

/// Says that a test is skipped, loudly.
///
/// # Panics
/// When `REQUIRE_PRIVILEGED=1` is set, as in continuous integration.
pub fn skip(reason: &str) {
    let required = std::env::var("REQUIRE_PRIVILEGED").is_ok_and(|value| value == "1");
    assert!(!required, "a required test was skipped: {reason}");
    eprintln!("SKIPPED: {reason}");
}
