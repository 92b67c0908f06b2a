//! Errors of the engine are the contract's: [`terrarium_api::Error`].
//!
//! The engine is where causes from every crate below meet and get a code, so a second enum here
//! would only repeat the first.

use std::io;

use terrarium_api::{Error, ErrorCode};

/// The result of every use case.
pub type Result<T> = std::result::Result<T, Error>;

/// Adds what was being done to an error from below.
pub(crate) trait Context<T> {
    /// `what` says the operation and its object: lower case, no period.
    fn context(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| from_io(what(), &error))
    }
}

impl<T> Context<T> for nix::Result<T> {
    fn context(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|errno| from_io(what(), &io::Error::from(errno)))
    }
}

impl<T> Context<T> for serde_json::Result<T> {
    fn context(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Error::new(ErrorCode::Internal, what()).because(&error))
    }
}

/// Puts a failure below the use case that it ended.
pub(crate) trait Wrap {
    /// `what` says the use case and its object; what was the message becomes the first cause.
    fn wrap(self, what: impl FnOnce() -> String) -> Self;
}

impl<T> Wrap for Result<T> {
    fn wrap(self, what: impl FnOnce() -> String) -> Self {
        self.map_err(|mut error| {
            let below = std::mem::replace(&mut error.message, what());
            error.causes.insert(0, below);
            error
        })
    }
}

fn from_io(what: String, error: &io::Error) -> Error {
    let full = matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    );
    if full {
        Error::new(ErrorCode::DiskFull, what)
            .because(error)
            .hint("free some room, for instance by removing images that nothing uses")
    } else {
        Error::new(ErrorCode::Internal, what).because(error)
    }
}

/// The error of a request that names a container that is not there.
pub(crate) fn no_such_container(name: &str) -> Error {
    Error::new(
        ErrorCode::NoSuchContainer,
        format!("no such container: {}", quoted(name)),
    )
}

/// The error of a request that names an image that is not there.
pub(crate) fn no_such_image(name: &str) -> Error {
    Error::new(
        ErrorCode::NoSuchImage,
        format!("no such image: {}", quoted(name)),
    )
    .hint("pull it first, or check its name")
}

/// Text from outside, bounded, for use within a message.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 200;
    let mut shown: String = text
        .chars()
        .take(LONGEST)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}
