//! Turns an OCI bundle into a process: validate, plan, execute, supervise

pub mod shim;
