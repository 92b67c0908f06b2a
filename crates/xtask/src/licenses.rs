//! Licenses and sources of everything that is linked in, from `cargo metadata`.
//!
//! cargo-deny says the same and more where it is installed; building it takes longer than
//! building the engine, so the rule that must never be broken is checked here always.

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::shell::{is_installed, step};

/// Licenses under which a crate may be linked in, as in `deny.toml`.
const ALLOWED: &[&str] = &[
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "bzip2-1.0.6",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "OpenSSL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "0BSD",
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
}

/// Fails on a license or a source that is not allowed.
pub(crate) fn check() -> Result<()> {
    let text = step("cargo metadata --format-version 1 --locked").output()?;
    let metadata: Metadata =
        serde_json::from_str(&text).context("read the output of cargo metadata")?;
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        let license = package.license.as_deref().unwrap_or("none");
        let from_registry = package
            .source
            .as_deref()
            .is_none_or(|source| source.starts_with("registry+"));
        if !is_allowed(license) || !from_registry {
            wrong.push(format!(
                "{} {}: license {license}, source {:?}",
                package.name, package.version, package.source
            ));
        }
    }
    if !wrong.is_empty() {
        bail!(
            "these crates may not be linked in:\n  {}",
            wrong.join("\n  ")
        );
    }
    println!("\nlicenses of {} crates are fine", metadata.packages.len());
    if is_installed("cargo-deny") {
        step("cargo deny --log-level error check licenses bans sources").run()?;
    }
    Ok(())
}

/// Whether an SPDX expression can be satisfied with the allowed licenses.
fn is_allowed(expression: &str) -> bool {
    // `/` is what crates wrote before SPDX expressions were asked for; it means OR.
    let expression = expression.replace('/', " OR ").replace(['(', ')'], " ");
    let allowed = |license: &str| {
        ALLOWED.contains(
            &license
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .as_str(),
        )
    };
    // AND binds stronger than OR. With the parentheses gone, `(A OR B) AND C` reads as
    // `A OR (B AND C)`, which allows no more unless A alone is allowed; all such crates are listed
    // by cargo-deny as well.
    expression
        .split(" OR ")
        .any(|choice| choice.split(" AND ").all(allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str, allowed: bool) {
        assert_eq!(is_allowed(expression), allowed, "{expression}");
    }

    #[test]
    fn an_expression_needs_one_choice_that_is_allowed() {
        check("MIT", true);
        check("MIT OR GPL-3.0", true);
        check("MIT/Apache-2.0", true);
        check("GPL-2.0-only", false);
        check("MIT AND GPL-2.0-only", false);
        check("Apache-2.0 WITH LLVM-exception OR Apache-2.0", true);
        check("none", false);
    }
}
