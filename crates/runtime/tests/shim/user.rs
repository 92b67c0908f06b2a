//! A user without privileges, with ranges of subordinate ids; gone when dropped.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// Made by `useradd` for one test.
pub(crate) struct User {
    name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) first_subuid: u32,
    pub(crate) first_subgid: u32,
}

impl User {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tsh{}x{number}", std::process::id());
        let made = Command::new("useradd")
            .args(["-M", "-s", "/bin/false", &name])
            .status();
        assert!(made.unwrap().success(), "useradd");
        let user = nix::unistd::User::from_name(&name).unwrap().unwrap();
        Self {
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
            first_subuid: first_of("/etc/subuid", &name),
            first_subgid: first_of("/etc/subgid", &name),
            name,
        }
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _ = Command::new("userdel").arg(&self.name).status();
    }
}

fn first_of(file: &str, name: &str) -> u32 {
    let ranges = fs::read_to_string(file).unwrap();
    let mut own = ranges
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    own.next()
        .and_then(|range| range.split(':').next()?.parse().ok())
        .unwrap()
}
