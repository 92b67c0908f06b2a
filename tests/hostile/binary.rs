//! The runtime's own process on its way into a container: its binary and what it has open.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use serde_json::{Value, json};
use terrarium_tests::{Bundle, runtime_path};

use crate::{bundle, descriptors::leaking, weak::naively};

/// How often a process enters the container while the attacker lies in wait.
const ENTRIES: usize = 30;

/// Everything that a container's root may ask for without being the host's.
fn armed(config: &mut Value) {
    let all = json!(["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"]);
    for set in ["bounding", "effective", "permitted"] {
        config["process"]["capabilities"][set] = all.clone();
    }
    config["process"]["noNewPrivileges"] = false.into();
}

/// CVE-2019-5736: a process that executes `/proc/self/exe` runs the runtime's binary inside, where others
/// hold on to it until nobody executes it any more, and write.
#[test]
fn the_runtimes_binary_cannot_be_written_from_inside() {
    let Some(plain) = bundle() else { return };
    fs::create_dir(plain.rootfs("opt")).unwrap();
    symlink("/proc/self/exe", plain.rootfs("opt/sleep")).unwrap();
    // Busybox wants to be called so.
    let victim = plain.path("busybox-of-the-host");
    fs::copy("/bin/busybox", &victim).unwrap();
    let write = "while ! { echo pwned > /proc/self/fd/9; } 2> /dev/null; do sleep 0.05; done";
    // Not before it executes the victim: until then it is a shell of the machine.
    let script = format!(
        "mount -t proc proc $ROOTFS/proc; {victim} chroot $ROOTFS /opt/sleep 1 & \
         until [ \"$(readlink /proc/$!/exe)\" = {victim} ]; do :; done; \
         exec chroot $ROOTFS /bin/sh -c \"exec 9< /proc/$!/exe; {write}\"",
        victim = victim.display()
    );
    naively(&plain, &script).ok();
    assert_eq!(
        fs::read_to_string(&victim).unwrap(),
        "pwned\n",
        "the control"
    );

    // A copy, so that a failure of this test does not overwrite what is tested.
    let copy = plain.path("runtime");
    fs::copy(runtime_path(), &copy).unwrap();
    let bundle = Bundle::with(&copy, Path::new(env!("CARGO_BIN_EXE_probe"))).unwrap();
    fs::write(bundle.rootfs("evil"), "#!/proc/self/exe\n").unwrap();
    fs::set_permissions(bundle.rootfs("evil"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(bundle.rootfs("opt")).unwrap();
    symlink("/proc/self/exe", bundle.rootfs("opt/self")).unwrap();
    let attack = "hold() { exec 9< $1/exe; for i in 0 1 2 3 4 5 6 7; do echo pwned > /proc/self/fd/9; done; }; \
                  while true; do for p in /proc/[0-9]*; do \
                  [ $p/exe -ef /bin/busybox ] || ( hold $p ) 2> /dev/null; done; done";
    let mut config = bundle.config(&["/bin/sh", "-c", attack]);
    armed(&mut config);
    bundle.start(&config).unwrap();
    for _ in 0..ENTRIES {
        for program in ["/evil", "/opt/self", "true"] {
            bundle.runtime(&["exec", bundle.id(), program]).unwrap();
        }
    }
    let is_whole = fs::read(&copy).unwrap() == fs::read(runtime_path()).unwrap();
    assert!(is_whole, "the binary was overwritten");
}

/// CVE-2016-9962: what a process has open on its way in is seen by those that are inside already.
#[test]
fn a_process_on_its_way_in_shows_nothing_of_the_host() {
    let Some(bundle) = bundle() else { return };
    let canary = bundle.path("canary");
    fs::write(&canary, "secret\n").unwrap();
    let below = canary.display().to_string();
    let below = below.trim_start_matches('/');
    let script = format!(
        "mount -t proc proc $ROOTFS/proc; chroot $ROOTFS /bin/sleep 100 7< / & \
         chroot $ROOTFS /bin/sh -c \"until cat /proc/$!/fd/7/{below}; do sleep 0.05; done\" 2> /dev/null; kill $!"
    );
    assert_eq!(naively(&bundle, &script).ok(), "secret", "the control");

    let attack = format!(
        "while true; do for p in /proc/[0-9]*; do cat $p/fd/*/{below} >> /tmp/seen; \
         ls -l $p/fd $p/exe $p/cwd | grep -E 'cgroup|runtime|state' >> /tmp/seen; done; done 2> /dev/null"
    );
    let mut config = bundle.config(&["/bin/sh", "-c", &attack]);
    armed(&mut config);
    bundle.start(&config).unwrap();
    for _ in 0..ENTRIES {
        leaking(&bundle, &["exec", bundle.id(), "true"]).ok();
    }
    let seen = fs::read_to_string(bundle.rootfs("tmp/seen")).unwrap_or_default();
    assert_eq!(seen, "");
}
