//! Supervises one container: owns its standard streams, its log and its exit status, and outlives
//! the host that started it.
//!
//! It must never know images, networks or records: a bundle folder is all it sees. Start reading at
//! [`protocol`].

pub mod protocol;
