//! The Docker Engine API over a unix socket, and the headless host

mod host;
pub use host::HostOptions;
