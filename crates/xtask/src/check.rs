//! `cargo xtask check`: what can be told without a privilege and without a display.

use anyhow::Result;

use crate::{
    Consent,
    front_end::{build_front_end, check_node},
    licenses, packages,
    shell::step,
};

/// One set of features for every build of the checks, so that each crate is built once.
pub(crate) const FEATURES: &str = "--workspace --features terrarium-api/typescript";

/// Formatting, lints, licenses, types of the front end.
pub(crate) fn check(consent: Consent) -> Result<()> {
    packages::ensure(&[packages::BUILD], consent.yes)?;
    check_node()?;
    step("cargo fmt --all --check").run()?;
    licenses::check()?;
    build_front_end()?;
    check_front_end()?;
    lint()
}

/// Types, lints and unit tests of the front end.
pub(crate) fn check_front_end() -> Result<()> {
    step("npm run check").within("ui").run()?;
    step("npm run lint").within("ui").run()?;
    step("npm test").within("ui").run()
}

/// Clippy with every warning an error.
pub(crate) fn lint() -> Result<()> {
    step(&format!(
        "cargo clippy --quiet {FEATURES} --all-targets -- -D warnings"
    ))
    .run()
}
