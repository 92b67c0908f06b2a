//! Who we are to a registry, and how it wants to be told.

mod challenge;
mod credential;
mod docker_config;
mod helper;
mod keychain;
mod token;

pub use credential::Credential;
pub use keychain::{Keychain, SignIn};

pub(crate) use challenge::{Challenge, parse as parse_challenges};
pub(crate) use token::{Authorization, Authorizations, Scope, TokenAnswer, usable};
