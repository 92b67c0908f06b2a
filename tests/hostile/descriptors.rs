//! Descriptors and sockets of the host that a container could reach.

use std::{
    fs,
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixListener},
    },
    process::Command,
};

use serde_json::json;
use terrarium_tests::{Bundle, Ran, run};

use crate::{bundle, weak::naively};

/// Runs with the host's root open as descriptor 7, as a caller that leaks.
pub(crate) fn leaking(bundle: &Bundle, args: &[&str]) -> Ran {
    let runtime = bundle.command(args);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "exec \"$@\" 7< /", "sh"])
        .arg(runtime.get_program());
    shell.args(runtime.get_args()).current_dir(bundle.path(""));
    bundle.attend(&mut shell).unwrap()
}

/// CVE-2024-21626: the working directory is a folder of the host, behind a leaked descriptor.
#[test]
fn a_leaked_descriptor_is_no_way_out() {
    let Some(bundle) = bundle() else { return };
    let canary = bundle.path("canary");
    fs::write(&canary, "secret\n").unwrap();
    let relative = canary.display().to_string();
    let relative = relative.trim_start_matches('/');
    let control = naively(
        &bundle,
        &format!(
            "mount -t proc proc $ROOTFS/proc; exec 7< /; \
         exec chroot $ROOTFS /bin/sh -c 'cd /proc/self/fd/7 && exec /bin/cat {relative}'"
        ),
    );
    assert_eq!(control.ok(), "secret", "the control");

    for cwd in [
        "/proc/self/fd/7",
        "/proc/self/fd/7/../..",
        "/proc/thread-self/fd/7",
    ] {
        let mut config = bundle.config(&["/bin/cat", relative]);
        config["process"]["cwd"] = cwd.into();
        bundle.write(&config).unwrap();
        let ran = leaking(&bundle, &["run", bundle.id()]);
        assert!(
            !ran.stdout.contains("secret") && ran.code != Some(0),
            "{cwd}: {ran:?}"
        );
        bundle.delete().unwrap();
    }
    bundle
        .start(&bundle.config(&["/bin/probe", "sleep"]))
        .unwrap();
    let ran = leaking(
        &bundle,
        &[
            "exec",
            "--cwd",
            "/proc/self/fd/7",
            bundle.id(),
            "/bin/cat",
            relative,
        ],
    );
    assert!(
        !ran.stdout.contains("secret") && ran.code != Some(0),
        "{ran:?}"
    );
}

/// CVE-2020-15257: a supervisor listens on an abstract socket, which belongs to the network namespace.
#[test]
fn no_abstract_socket_of_ours_is_in_the_hosts_network() {
    let Some(bundle) = bundle() else { return };
    let name = format!("{}-canary", bundle.id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let _listener = UnixListener::bind_addr(&address).unwrap();
    let mut config = bundle.config(&["/bin/cat", "/proc/net/unix"]);
    let namespaces = config["linux"]["namespaces"].as_array_mut().unwrap();
    namespaces.retain(|namespace| namespace["type"] != "network");
    let ran = bundle.run(&config).unwrap();
    assert!(
        ran.ok().contains(&format!("@{name}")),
        "the control: it sees the host's"
    );
    let ours = ran
        .stdout
        .lines()
        .filter(|line| line.contains('@') && !line.contains(&name));
    let ours: Vec<&str> = ours
        .filter(|line| line.contains("terrarium") || line.contains(bundle.id()))
        .collect();
    assert_eq!(ours, Vec::<&str>::new());
}

/// CVE-2022-29162 and CVE-2022-24769: what is inheritable makes file capabilities of an image real, for
/// a user who has none.
#[test]
fn file_capabilities_of_an_image_give_nothing_that_the_configuration_does_not_name() {
    let Some(bundle) = bundle() else { return };
    let program = bundle.rootfs("bin/probe");
    let set = run(Command::new("setcap").arg("cap_chown=ei").arg(&program), "").unwrap();
    set.ok();
    let mut config = bundle.config(&["/bin/probe", "facts"]);
    config["process"]["user"] = json!({"uid": 1000, "gid": 1000});
    config["process"]["noNewPrivileges"] = false.into();
    for set in ["bounding", "effective", "permitted", "inheritable"] {
        config["process"]["capabilities"][set] = json!(["CAP_CHOWN"]);
    }
    let gained = |config: &serde_json::Value| {
        let ran = bundle.run(config).unwrap();
        let found: serde_json::Value = serde_json::from_str(ran.ok()).unwrap();
        ["CapInh", "CapPrm", "CapEff"].map(|set| {
            let text = found["status"][set].as_str().unwrap();
            u64::from_str_radix(text, 16).unwrap()
        })
    };
    assert_eq!(
        gained(&config),
        [1, 1, 1],
        "the control: named as inheritable"
    );
    let sets = config["process"]["capabilities"].as_object_mut().unwrap();
    sets.remove("inheritable");
    assert_eq!(gained(&config), [0, 0, 0]);
}
