//! The crates import only what `ARCHITECTURE.md` allows, and so do the layers of the front end.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

/// Each crate, and which crates of the workspace it may import. Down only.
const ALLOWED: &[(&str, &[&str])] = &[
    ("oci", &[]),
    ("sys", &[]),
    ("store", &["oci", "sys"]),
    // `terrarium-runtime worker` unpacks layers, inside the user namespace that owns their files;
    // `terrarium-runtime network` answers names when no host runs.
    ("runtime", &["network", "oci", "store", "sys"]),
    ("registry", &["oci"]),
    ("network", &["sys"]),
    ("dockerfile", &[]),
    ("builder", &["dockerfile", "oci"]),
    ("api", &["oci"]),
    (
        "engine",
        &[
            "api",
            "builder",
            "dockerfile",
            "network",
            "oci",
            "registry",
            "runtime",
            "store",
            "sys",
        ],
    ),
    ("buildkit", &[]),
    ("docker-api", &["api", "buildkit", "engine", "oci", "sys"]),
    ("desktop", &["api", "docker-api", "engine"]),
    ("tests", &["api"]),
    ("xtask", &[]),
];

/// Crates in which nothing may be async.
const BLOCKING: &[&str] = &[
    "oci",
    "sys",
    "store",
    "runtime",
    "network",
    "dockerfile",
    "api",
];

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

fn short(name: &str) -> Option<&str> {
    name.strip_prefix("terrarium-")
}

/// Names of the dependencies of one kind: `null` is what is linked in.
fn dependencies(package: &Value, kind: &Value) -> Vec<String> {
    let all = package["dependencies"].as_array().expect("dependencies");
    let of_kind = all.iter().filter(|dependency| &dependency["kind"] == kind);
    of_kind
        .filter_map(|dependency| dependency["name"].as_str().map(str::to_owned))
        .collect()
}

#[test]
fn crates_import_downward_only() {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    for package in packages() {
        let name = short(package["name"].as_str().expect("a name"))
            .expect("our prefix")
            .to_owned();
        let may = allowed
            .get(name.as_str())
            .unwrap_or_else(|| panic!("{name} is not in the table"));
        for dependency in dependencies(&package, &Value::Null) {
            let Some(dependency) = short(&dependency) else {
                continue;
            };
            assert!(
                may.contains(&dependency),
                "{name} must not import {dependency}"
            );
        }
    }
}

#[test]
fn the_table_has_no_crate_that_is_gone() {
    let there: BTreeSet<String> = packages()
        .iter()
        .filter_map(|package| short(package["name"].as_str()?).map(str::to_owned))
        .collect();
    for (name, _) in ALLOWED {
        assert!(
            there.contains(*name),
            "{name} is in the table and not in the workspace"
        );
    }
}

#[test]
fn crates_that_block_link_no_async_runtime() {
    for package in packages() {
        let name = short(package["name"].as_str().expect("a name"))
            .expect("our prefix")
            .to_owned();
        if BLOCKING.contains(&name.as_str()) {
            let linked = dependencies(&package, &Value::Null);
            assert!(
                !linked.iter().any(|dependency| dependency == "tokio"),
                "{name} must not know tokio"
            );
        }
    }
}
