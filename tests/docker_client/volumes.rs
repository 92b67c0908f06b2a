use std::fs;

use crate::with_alpine;

#[test]
fn a_volume_outlives_its_containers() {
    let Some(setup) = with_alpine() else { return };
    setup.ok(&["volume", "create", "--label", "of=test", "data"]);
    setup.ok(&[
        "run",
        "--rm",
        "-v",
        "data:/d",
        "alpine",
        "sh",
        "-c",
        "echo kept > /d/file",
    ]);
    let read = [
        "run",
        "--rm",
        "--mount",
        "type=volume,src=data,dst=/d,readonly",
        "alpine",
        "cat",
        "/d/file",
    ];
    assert_eq!(setup.ok(&read), "kept");
    setup.fails(
        1,
        &["run", "--rm", "-v", "data:/d:ro", "alpine", "touch", "/d/x"],
    );
    assert_eq!(
        setup.ok(&["volume", "ls", "-q", "-f", "label=of=test"]),
        "data"
    );
    setup.ok(&["create", "--name", "user", "-v", "data:/d", "alpine"]);
    let said = setup.fails(1, &["volume", "rm", "data"]);
    assert!(said.contains("volume is in use"), "{said}");
    setup.ok(&["rm", "user"]);
    setup.ok(&["volume", "rm", "data"]);
    let said = setup.fails(1, &["volume", "inspect", "data"]);
    assert!(said.contains("no such volume"), "{said}");
}

#[test]
fn a_new_volume_is_filled_from_the_image_once() {
    let Some(setup) = with_alpine() else { return };
    let passwd = |volume: &str, script: &str| {
        setup.ok(&["run", "--rm", "-v", volume, "alpine", "sh", "-c", script])
    };
    let shown = passwd(
        "conf:/etc",
        "cat /etc/passwd; rm /etc/group; echo mine > /etc/passwd",
    );
    assert!(shown.contains("root:x:0:0"), "{shown}");
    // It has content now, which is the user's.
    assert_eq!(
        passwd(
            "conf:/etc",
            "cat /etc/passwd; ls /etc/group 2>/dev/null || true"
        ),
        "mine"
    );
    let empty = passwd(
        "empty:/etc:nocopy",
        "ls /etc/passwd 2>/dev/null || echo none",
    );
    assert_eq!(empty, "none");
    // What the image has is as it was.
    let other = setup.ok(&["run", "--rm", "alpine", "cat", "/etc/group"]);
    assert!(other.contains("root"), "{other}");
}

#[test]
fn an_anonymous_volume_goes_with_its_container() {
    let Some(setup) = with_alpine() else { return };
    setup.ok(&["run", "--rm", "-v", "/d", "alpine", "touch", "/d/x"]);
    assert_eq!(setup.ok(&["volume", "ls", "-q"]), "");
    setup.ok(&["create", "--name", "c1", "-v", "/d", "alpine"]);
    assert_eq!(setup.ok(&["volume", "ls", "-q"]).len(), 64);
    setup.ok(&["rm", "c1"]);
    let said = setup.ok(&["volume", "prune", "-f"]);
    assert!(said.contains("Deleted Volumes"), "{said}");
    assert_eq!(setup.ok(&["volume", "ls", "-q"]), "");
}

#[test]
fn a_folder_of_the_host_is_mounted() {
    let Some(setup) = with_alpine() else { return };
    let folder = setup.host.scratch().join("shared");
    fs::create_dir(&folder).expect("it is new");
    fs::write(folder.join("in"), "from outside").expect("it is written");
    let bind = format!("{}:/s", folder.display());
    let script = "cat /s/in; echo from inside > /s/out";
    assert_eq!(
        setup.ok(&["run", "--rm", "-v", &bind, "alpine", "sh", "-c", script]),
        "from outside"
    );
    let out = fs::read_to_string(folder.join("out")).expect("it was written");
    assert_eq!(out, "from inside\n");
}

#[test]
fn mounts_are_taken_over_from_another_container() {
    let Some(setup) = with_alpine() else { return };
    setup.ok(&[
        "run",
        "--name",
        "first",
        "-v",
        "data:/d",
        "alpine",
        "sh",
        "-c",
        "echo x > /d/f",
    ]);
    assert_eq!(
        setup.ok(&[
            "run",
            "--rm",
            "--volumes-from",
            "first",
            "alpine",
            "cat",
            "/d/f"
        ]),
        "x"
    );
    setup.fails(
        1,
        &[
            "run",
            "--rm",
            "--volumes-from",
            "first:ro",
            "alpine",
            "touch",
            "/d/y",
        ],
    );
}
