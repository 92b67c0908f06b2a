use crate::with_alpine;

#[test]
fn inspect_shows_what_was_asked_for() {
    let Some(setup) = with_alpine() else { return };
    let options = [
        "-e",
        "A=1",
        "-l",
        "app=web",
        "-p",
        "127.0.0.1:18080:80",
        "--restart",
        "unless-stopped",
        "-v",
        "data:/d",
        "--tmpfs",
        "/t",
    ];
    setup.sleeper("c1", &options);
    let check = |template: &str, expect: &str| assert_eq!(setup.field("c1", template), expect);
    check("{{.Path}} {{index .Args 0}}", "sh -c");
    check(
        "{{.State.Running}} {{.State.FinishedAt}}",
        "true 0001-01-01T00:00:00Z",
    );
    check(
        "{{.Config.Image}} {{json .Config.Cmd}}",
        &format!("alpine {}", serde_json::json!(["sh", "-c", crate::SLEEP])),
    );
    check("{{json .Config.Labels}}", r#"{"app":"web"}"#);
    check("{{.HostConfig.RestartPolicy.Name}}", "unless-stopped");
    check(
        "{{json .HostConfig.PortBindings}}",
        r#"{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"18080"}]}"#,
    );
    check(
        "{{json .NetworkSettings.Ports}}",
        r#"{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"18080"}]}"#,
    );
    check(
        "{{range .Mounts}}{{.Type}} {{.Name}} {{.Destination}} {{.RW}};{{end}}",
        "volume data /d true;tmpfs  /t true;",
    );
    assert!(
        setup
            .field("c1", "{{json .Config.Env}}")
            .contains("\"A=1\"")
    );
    let sizes = setup.ok(&["inspect", "-s", "--format", "{{.SizeRootFs}}", "c1"]);
    assert!(sizes.parse::<u64>().expect("it is a number") > 1_000_000);
}

#[test]
fn ps_filters_and_shows_sizes() {
    let Some(setup) = with_alpine() else { return };
    setup.sleeper("up", &["-l", "tier=web", "-p", "127.0.0.1::80"]);
    setup.ok(&["create", "--name", "idle", "-l", "tier=db", "alpine"]);
    let names =
        |filter: &str| setup.ok(&["ps", "-a", "--format", "{{.Names}}", "--filter", filter]);
    assert_eq!(names("status=running"), "up");
    assert_eq!(names("status=created"), "idle");
    assert_eq!(names("label=tier=db"), "idle");
    assert_eq!(names("name=^/up$"), "up");
    assert_eq!(names("ancestor=alpine"), "idle\nup");
    assert_eq!(names("expose=80"), "up");
    let row = setup.ok(&[
        "ps",
        "-s",
        "--format",
        "{{.Status}}|{{.Ports}}|{{.Size}}|{{.Command}}",
    ]);
    assert!(
        row.starts_with("Up ") && row.contains("->80/tcp|") && row.contains("virtual"),
        "{row}"
    );
    setup.fails(1, &["ps", "--filter", "color=red"]);
}
