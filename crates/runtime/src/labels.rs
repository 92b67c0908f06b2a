//! Labels of security modules: whether this kernel can carry out the one that is asked for.
//!
//! A label that nobody enforces is one that somebody relies on in vain, so it is refused.

use std::fs;
use std::path::Path;

use crate::error::{Error, Result};
use crate::plan::ProcessPlan;

/// Says so when a label is asked for whose module this kernel does not run.
pub(crate) fn verify(process: &ProcessPlan, mount_label: Option<&str>) -> Result<()> {
    if let Some(profile) = process.apparmor.as_deref()
        && profile != "unconfined"
        && !has_apparmor()
    {
        return absent("process.apparmorProfile", profile, "AppArmor");
    }
    let selinux = [
        ("process.selinuxLabel", process.selinux.as_deref()),
        ("linux.mountLabel", mount_label),
    ];
    for (field, label) in selinux {
        if let Some(label) = label
            && !has_selinux()
        {
            return absent(field, label, "SELinux");
        }
    }
    Ok(())
}

fn absent(field: &str, label: &str, module: &str) -> Result<()> {
    let text = format!("`{field}` {label:?}: this kernel runs without {module}");
    Err(Error::Unsupported(text))
}

/// Whether AppArmor is part of this kernel and switched on.
pub(crate) fn has_apparmor() -> bool {
    fs::read("/sys/module/apparmor/parameters/enabled").is_ok_and(|text| text.starts_with(b"Y"))
}

/// Whether SELinux is there: its file system is mounted only then.
pub(crate) fn has_selinux() -> bool {
    Path::new("/sys/fs/selinux/enforce").exists()
}
