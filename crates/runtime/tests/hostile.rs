//! Bundles that attack: each once stood for a CVE. The host's canaries must stay untouched.

#![allow(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod bundle;

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Stdio;

use bundle::Bundle;
use serde_json::json;

const CORE_PATTERN: &str = "/proc/sys/kernel/core_pattern";

/// Makes the spec leave the image's own `/dev` in place, which several attacks need.
fn without_dev_mounts(bundle: &Bundle) {
    bundle.edit(|spec| {
        spec["root"]["readonly"] = false.into();
        let mounts = spec["mounts"].as_array_mut().unwrap();
        mounts.retain(|mount| !mount["destination"].as_str().unwrap().starts_with("/dev"));
    });
}

/// CVE-2024-21626.
#[test]
fn a_working_directory_cannot_be_a_leaked_descriptor() {
    let Some(bundle) = Bundle::rootful() else {
        return;
    };
    for number in 3..20 {
        bundle.edit(|spec| spec["process"]["cwd"] = json!(format!("/proc/self/fd/{number}")));
        bundle.set_args(&["true"]);
        let output = bundle.runtime(&["run", &bundle.id]);
        assert!(
            !output.status.success(),
            "descriptor {number} became the working directory"
        );
    }
    bundle.edit(|spec| spec["process"]["cwd"] = json!("/"));
    bundle.start_in_background("sleep 100");
    for number in 3..20 {
        let cwd = format!("/proc/self/fd/{number}");
        let output = bundle.runtime(&["exec", "--cwd", &cwd, &bundle.id, "true"]);
        assert_eq!(output.status.code(), Some(127), "descriptor {number}");
    }
}

/// CVE-2019-5736.
#[test]
fn the_runtimes_binary_cannot_be_overwritten_from_inside() {
    let Some(bundle) = Bundle::rootful() else {
        return;
    };
    let before = fs::read(bundle.path("runtime")).unwrap();
    // The container's program is the runtime itself; it prints its usage and ends.
    bundle.set_args(&["/proc/self/exe"]);
    bundle.runtime(&["run", &bundle.id]);
    fs::write(bundle.path("rootfs/evil"), "#!/proc/self/exe\n").unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(bundle.path("rootfs/evil"), executable).unwrap();
    bundle.edit(|spec| {
        let all = json!(["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"]);
        for set in ["bounding", "effective", "permitted"] {
            spec["process"]["capabilities"][set] = all.clone();
        }
    });
    bundle.start_in_background(
        "while true; do for p in /proc/[0-9]*; do [ $p/exe -ef /bin/busybox ] || \
         { echo x >> $p/exe; } 2>/dev/null; done; done",
    );
    for _ in 0..30 {
        bundle.runtime(&["exec", &bundle.id, "/evil"]);
        bundle.runtime(&["exec", &bundle.id, "true"]);
    }
    assert!(
        fs::read(bundle.path("runtime")).unwrap() == before,
        "the binary changed"
    );
}

/// The mount that it runs from leaves with the old root, on a file of which it is laid.
#[test]
fn no_mount_of_the_runtimes_binary_is_left() {
    let Some(bundle) = Bundle::rootful() else {
        return;
    };
    let binary = bundle.path("runtime").display().to_string();
    for propagation in ["rprivate", "rshared"] {
        bundle.edit(|spec| spec["linux"]["rootfsPropagation"] = propagation.into());
        let inside = bundle.output("cat /proc/self/mountinfo");
        assert!(inside.contains(" /proc "), "{inside}");
        let outside = fs::read_to_string("/proc/self/mountinfo").unwrap();
        for mounts in [&inside, &outside] {
            let of_binary = mounts.lines().find(|line| line.contains(&binary));
            assert_eq!(of_binary, None, "{propagation}");
        }
    }
}

/// CVE-2021-30465, the static variant.
#[test]
fn a_link_as_mount_target_stays_inside() {
    let Some(bundle) = Bundle::rootful() else {
        return;
    };
    let canary = bundle.path("canary");
    fs::create_dir(&canary).unwrap();
    fs::create_dir(bundle.path("rootfs/v")).unwrap();
    symlink(
        format!("../../../../../..{}", canary.display()),
        bundle.path("rootfs/v/up"),
    )
    .unwrap();
    symlink(&canary, bundle.path("rootfs/v/absolute")).unwrap();
    bundle.edit(|spec| {
        spec["root"]["readonly"] = false.into();
        for target in ["/v/up", "/v/absolute"] {
            let mounts = spec["mounts"].as_array_mut().unwrap();
            mounts.push(json!({"destination": target, "type": "tmpfs", "source": "tmpfs"}));
        }
    });
    bundle.output("touch /v/up/x /v/absolute/y");
    assert_eq!(fs::read_dir(&canary).unwrap().count(), 0);
}

/// CVE-2021-30465, the race.
#[test]
fn a_swapped_mount_target_stays_inside() {
    let Some(bundle) = Bundle::rootful() else {
        return;
    };
    let canary = bundle.path("canary");
    fs::create_dir(&canary).unwrap();
    fs::create_dir_all(bundle.path("rootfs/v/a/b")).unwrap();
    symlink(
        format!("../../../../../../..{}", canary.display()),
        bundle.path("rootfs/v/link"),
    )
    .unwrap();
    bundle.edit(|spec| {
        spec["root"]["readonly"] = false.into();
        let mounts = spec["mounts"].as_array_mut().unwrap();
        mounts.push(json!({"destination": "/v/a/b", "type": "tmpfs", "source": "tmpfs"}));
    });
    bundle.set_args(&["touch", "/v/a/b/x"]);
    let (a, link) = (bundle.path("rootfs/v/a"), bundle.path("rootfs/v/link"));
    let racing = std::sync::atomic::AtomicBool::new(true);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while racing.load(std::sync::atomic::Ordering::Relaxed) {
                let flags = nix::fcntl::RenameFlags::RENAME_EXCHANGE;
                let at = nix::fcntl::AT_FDCWD;
                let _ = nix::fcntl::renameat2(at, &a, at, &link, flags);
            }
        });
        for _ in 0..40 {
            bundle.runtime(&["run", &bundle.id]);
        }
        racing.store(false, std::sync::atomic::Ordering::Relaxed);
    });
    let reached = |path: &std::path::Path| fs::read_dir(path).unwrap().count();
    assert_eq!(reached(&canary), 0);
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(canary.to_str().unwrap()));
}

/// CVE-2026-41579.
#[test]
fn proc_and_dev_of_the_image_may_not_be_links() {
    for name in ["proc", "dev", "sys"] {
        let Some(bundle) = Bundle::rootful() else {
            return;
        };
        fs::create_dir(bundle.path("rootfs/elsewhere")).unwrap();
        symlink("elsewhere", bundle.path(&format!("rootfs/{name}"))).unwrap();
        let output = bundle.run("true");
        assert!(!output.status.success(), "/{name} as a link was accepted");
    }
}

/// CVE-2025-31133.
#[test]
fn a_link_as_dev_null_masks_nothing_and_opens_nothing() {
    let Some(bundle) = Bundle::rootful() else {
        return;
    };
    let before = fs::read_to_string(CORE_PATTERN).unwrap();
    without_dev_mounts(&bundle);
    fs::create_dir_all(bundle.path("rootfs/dev")).unwrap();
    symlink(CORE_PATTERN, bundle.path("rootfs/dev/null")).unwrap();
    let output = bundle.run("stat -c %t:%T /dev/null; echo evil > /proc/keys; cat /proc/keys");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1:3\n");
    assert_eq!(fs::read_to_string(CORE_PATTERN).unwrap(), before);
}

/// CVE-2025-52565.
#[test]
fn a_link_as_console_gets_the_terminal_inside() {
    let Some(bundle) = Bundle::rootful() else {
        return;
    };
    let before = fs::read_to_string(CORE_PATTERN).unwrap();
    bundle.edit(|spec| {
        spec["root"]["readonly"] = false.into();
        spec["process"]["terminal"] = true.into();
        let mounts = spec["mounts"].as_array_mut().unwrap();
        mounts.retain(|mount| mount["destination"] != "/dev");
    });
    fs::create_dir_all(bundle.path("rootfs/dev")).unwrap();
    symlink(CORE_PATTERN, bundle.path("rootfs/dev/console")).unwrap();
    bundle.run("echo evil > /dev/console");
    assert_eq!(fs::read_to_string(CORE_PATTERN).unwrap(), before);
}

/// CVE-2025-52881.
#[test]
fn mounts_of_the_bundle_cannot_redirect_settings() {
    let Some(bundle) = Bundle::rootful() else {
        return;
    };
    bundle.edit(|spec| {
        spec["linux"]["sysctl"] = json!({"net.ipv4.ip_forward": "1"});
        let mounts = spec["mounts"].as_array_mut().unwrap();
        mounts.push(json!({"destination": "/proc/sys/net", "type": "tmpfs", "source": "tmpfs"}));
    });
    // Set before the first mount of the bundle, through the host's verified /proc.
    let output = bundle.run("ls /proc/sys/net | wc -l");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "0\n");
}

/// CVE-2022-24769: inheritable capabilities would turn file capabilities of an image into real ones.
#[test]
fn nothing_is_inherited_that_the_spec_does_not_name() {
    let Some(bundle) = Bundle::rootful() else {
        return;
    };
    let secret = fs::File::open("/etc/shadow").unwrap();
    nix::fcntl::fcntl(
        &secret,
        nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty()),
    )
    .unwrap();
    let output = bundle
        .output("grep CapInh /proc/self/status; ls -l /proc/self/fd | grep -c shadow || true");
    let _ = &secret;
    assert_eq!(output, "CapInh:\t0000000000000000\n0\n");
}

/// CVE-2016-9962.
#[test]
fn a_process_on_its_way_in_shows_no_descriptor_of_the_host() {
    let Some(bundle) = Bundle::rootful() else {
        return;
    };
    bundle.start_in_background(
        "while true; do for p in /proc/[0-9]*; do ls -l $p/fd; ls -l $p/exe; done; done \
         2>/dev/null | grep -E 'cgroup|runtime|state' >> /dev/shm/seen",
    );
    for _ in 0..60 {
        bundle.expect(&["exec", &bundle.id, "true"]);
    }
    let seen = bundle.expect(&["exec", &bundle.id, "cat", "/dev/shm/seen"]);
    assert_eq!(seen, "");
}

#[test]
fn a_device_that_is_not_listed_cannot_be_used() {
    let Some(bundle) = Bundle::rootful() else {
        return;
    };
    if !std::path::Path::new("/sys/fs/cgroup/devices").exists() {
        return eprintln!("SKIPPED: no v1 devices controller");
    }
    bundle.edit(|spec| {
        for set in ["bounding", "effective", "permitted"] {
            spec["process"]["capabilities"][set] = json!(["CAP_MKNOD"]);
        }
    });
    let output = bundle.run("mknod /dev/kmsg2 c 1 11 && head -c 1 /dev/kmsg2; mknod /dev/n c 1 3 && echo x > /dev/n && echo null");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("not permitted"), "{stderr}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "null\n");
}

#[test]
fn a_killed_create_leaves_nothing_that_delete_cannot_remove() {
    let Some(bundle) = Bundle::rootful() else {
        return;
    };
    bundle.set_args(&["sleep", "100"]);
    for round in 0..20 {
        let mut create = bundle.command(&["create", &bundle.id]);
        let mut child = create
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_micros(round * 700));
        let _ = child.kill();
        let _ = child.wait();
        bundle.expect(&["delete", "-f", &bundle.id]);
        assert_eq!(bundle.expect(&["list", "-q"]), "");
        assert_eq!(
            bundle.cgroups(),
            Vec::<std::path::PathBuf>::new(),
            "round {round}"
        );
    }
}

#[test]
fn a_container_has_a_session_keyring_of_its_own() {
    let Some(bundle) = Bundle::rootful() else {
        return;
    };
    // Not masked here, so that the list of keys can be read.
    bundle.edit(|spec| spec["linux"]["maskedPaths"] = json!([]));
    let before = fs::read_to_string("/proc/keys").unwrap_or_default();
    let inside = bundle.output("grep ' _ses: ' /proc/keys");
    let is_new = |line: &&str| !before.contains(line.split(' ').next().unwrap_or_default());
    assert!(inside.lines().any(|line| is_new(&line)), "{inside}");
}
