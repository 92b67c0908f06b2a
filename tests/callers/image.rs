//! An image for both engines, from a tar of busybox.

use std::{path::Path, process::Command};

use terrarium_tests::{Bundle, run, runtime_path};

/// A bundle whose root file system is imported, and the archive of it.
pub(crate) fn archive() -> (Bundle, String) {
    let bundle = Bundle::with(&runtime_path(), Path::new(env!("CARGO_BIN_EXE_probe"))).unwrap();
    let archive = bundle.path("image.tar").display().to_string();
    let mut tar = Command::new("tar");
    tar.arg("-C")
        .arg(bundle.rootfs(""))
        .args(["-cf", &archive, "."]);
    run(&mut tar, "").unwrap().ok();
    (bundle, archive)
}

/// Whether these programs are there; said aloud if not.
pub(crate) fn can_run(programs: &[&str]) -> bool {
    if !terrarium_tests::can_run_containers() {
        return false;
    }
    let missing = programs.iter().find(|program| !Path::new(program).exists());
    if let Some(program) = missing {
        terrarium_tests::skip(&format!("needs {program}"));
    }
    missing.is_none()
}

/// Removes the cgroups that an engine leaves above those of its containers.
pub(crate) fn remove_cgroups(name: &str) {
    let hierarchies = std::fs::read_dir("/sys/fs/cgroup").into_iter().flatten();
    for hierarchy in hierarchies.flatten() {
        let _ = std::fs::remove_dir(hierarchy.path().join(name));
    }
}
