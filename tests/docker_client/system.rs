use std::{os::unix::net::UnixStream, process::Stdio};

use terrarium_tests::{Host, Options, can_run_containers};

use crate::with_alpine;

#[test]
fn events_tell_the_life_of_a_container() {
    let Some(setup) = with_alpine() else { return };
    setup.fails(
        3,
        &[
            "run", "--rm", "--name", "c1", "alpine", "sh", "-c", "exit 3",
        ],
    );
    // The client cuts times to seconds, and this second is not over.
    let now = std::time::UNIX_EPOCH.elapsed().expect("it is after 1970");
    let soon = (now.as_secs() + 1).to_string();
    let format = "{{.Action}} {{index .Actor.Attributes \"exitCode\"}}";
    let said = setup.ok(&[
        "events",
        "--since",
        "1m",
        "--until",
        &soon,
        "--filter",
        "container=c1",
        "--format",
        format,
    ]);
    let actions: Vec<&str> = said.lines().map(str::trim).collect();
    assert_eq!(actions, ["create", "attach", "start", "die 3", "destroy"]);
    let pulls = setup.ok(&[
        "events",
        "--since",
        "1m",
        "--until",
        &soon,
        "--filter",
        "event=pull",
        "--format",
        "{{.Type}} {{.Actor.ID}}",
    ]);
    assert_eq!(pulls, "image alpine:latest");
}

#[test]
fn events_come_as_they_happen() {
    let Some(setup) = with_alpine() else { return };
    let mut watch = setup
        .host
        .command(&[
            "events",
            "--filter",
            "event=start",
            "--format",
            "{{.Actor.Attributes.name}}",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .expect("docker starts");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(
        watch.stdout.take().expect("it has a pipe"),
    ));
    // The client subscribes at its own time: starts are made until one is seen.
    let seen = std::thread::spawn(move || lines.next());
    for number in 0..50 {
        setup.ok(&[
            "run",
            "--rm",
            "--name",
            &format!("c{number}"),
            "alpine",
            "true",
        ]);
        if seen.is_finished() {
            break;
        }
    }
    watch.kill().expect("it is our child");
    watch.wait().expect("it is our child");
    let name = seen
        .join()
        .expect("it does not panic")
        .expect("there is a line")
        .expect("it is text");
    assert!(name.starts_with('c'), "{name}");
}

#[test]
fn the_host_tells_about_itself_and_what_it_holds() {
    let Some(setup) = with_alpine() else { return };
    setup.sleeper("c1", &[]);
    assert_eq!(
        setup.ok(&[
            "info",
            "--format",
            "{{.Containers}} {{.ContainersRunning}} {{.Images}}"
        ]),
        "1 1 1"
    );
    assert_eq!(
        setup.ok(&[
            "version",
            "--format",
            "{{.Server.APIVersion}} {{.Server.Os}}"
        ]),
        "1.50 linux"
    );
    let said = setup.ok(&[
        "system",
        "df",
        "--format",
        "{{.Type}} {{.TotalCount}} {{.Active}}",
    ]);
    assert_eq!(
        said,
        "Images 1 1\nContainers 1 1\nLocal Volumes 0 0\nBuild Cache 0 0"
    );
    setup.ok(&["system", "df", "-v"]);
    let networks = setup.ok(&["network", "ls", "--format", "{{.Name}} {{.Driver}}"]);
    assert_eq!(networks, "bridge bridge\nhost host\nnone null");
    let members = setup.ok(&[
        "network",
        "inspect",
        "bridge",
        "--format",
        "{{range .Containers}}{{.Name}}{{end}}",
    ]);
    assert_eq!(members, "c1");
    let said = setup.ok(&["system", "prune", "-f"]);
    assert!(said.contains("Total reclaimed space"), "{said}");
}

#[test]
fn what_is_not_built_says_so() {
    let Some(setup) = with_alpine() else { return };
    let said = setup.fails(1, &["network", "create", "-d", "macvlan", "mine"]);
    assert!(said.contains("macvlan"), "{said}");
    let said = setup.fails(1, &["node", "ls"]);
    assert!(said.contains("not a swarm manager"), "{said}");
}

#[test]
fn containers_go_on_while_the_host_is_away() {
    let Some(mut setup) = with_alpine() else {
        return;
    };
    setup.sleeper("c1", &[]);
    let pid = setup.field("c1", "{{.State.Pid}}");
    setup.host.stop().expect("it ends");
    assert!(
        UnixStream::connect(setup.host.socket()).is_err(),
        "the socket is gone"
    );
    setup.host.restart().expect("it starts again");
    assert_eq!(
        setup.field("c1", "{{.State.Pid}} {{.State.Status}}"),
        format!("{pid} running")
    );
    setup.host.kill().expect("it ends");
    setup
        .host
        .restart()
        .expect("the stale socket is in nobody's way");
    assert_eq!(setup.ok(&["exec", "c1", "echo", "here"]), "here");
    setup.ok(&["stop", "c1"]);
}

#[test]
fn a_second_host_for_the_same_data_root_is_refused() {
    if !can_run_containers() {
        return;
    }
    let host = Host::start(Options::default()).expect("a host starts");
    let mut second = std::process::Command::new(terrarium_tests::binaries().join("terrariumd"));
    second
        .arg("--data-root")
        .arg(host.data_root())
        .arg("--run-root")
        .arg(host.scratch().join("other"));
    let ran = terrarium_tests::run(&mut second, "").expect("it ends");
    let said = ran.fails(1);
    assert!(
        said.contains("is in use by process") && said.contains("hint:"),
        "{said}"
    );
}
