use crate::{Setup, with_alpine};

/// Waits, through the events, until the health of a container has this word.
fn becomes(setup: &Setup, container: &str, word: &str) {
    let until = format!("health_status: {word}");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while setup.field(container, "{{.State.Health.Status}}") != word {
        let late = std::time::Instant::now() > deadline;
        assert!(
            !late,
            "{until}: {}",
            setup.field(container, "{{json .State}}")
        );
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[test]
fn a_container_is_healthy_as_long_as_its_check_succeeds() {
    let Some(setup) = with_alpine() else { return };
    let check = [
        "--health-cmd",
        "echo looked; test ! -e /tmp/ill",
        "--health-interval",
        "200ms",
        "--health-retries",
        "2",
    ];
    setup.sleeper("c1", &check);
    assert_eq!(
        setup.ok(&[
            "ps",
            "--filter",
            "health=starting",
            "--format",
            "{{.Names}}"
        ]),
        "c1"
    );
    becomes(&setup, "c1", "healthy");
    let status = setup.ok(&["ps", "--format", "{{.Status}}"]);
    assert!(status.ends_with("(healthy)"), "{status}");
    let log = setup.field("c1", "{{(index .State.Health.Log 0).Output}}");
    assert_eq!(log, "looked");

    setup.ok(&["exec", "c1", "touch", "/tmp/ill"]);
    becomes(&setup, "c1", "unhealthy");
    let streak = setup.field("c1", "{{.State.Health.FailingStreak}}");
    assert!(streak.parse::<u32>().expect("a number") >= 2, "{streak}");
    setup.ok(&["exec", "c1", "rm", "/tmp/ill"]);
    becomes(&setup, "c1", "healthy");
    let now = std::time::UNIX_EPOCH.elapsed().expect("it is after 1970");
    let soon = (now.as_secs() + 1).to_string();
    let asked = [
        "events",
        "--since",
        "1m",
        "--until",
        &soon,
        "--filter",
        "container=c1",
    ];
    let events = setup.ok(&[&asked[..], &["--format", "{{.Action}}"]].concat());
    let told: Vec<&str> = events
        .lines()
        .filter(|line| line.starts_with("health_status"))
        .collect();
    assert_eq!(
        told,
        [
            "health_status: healthy",
            "health_status: unhealthy",
            "health_status: healthy"
        ]
    );
}

#[test]
fn a_check_that_takes_too_long_is_killed_and_counts_as_failed() {
    let Some(setup) = with_alpine() else { return };
    let check = [
        "--health-cmd",
        "sleep 500",
        "--health-interval",
        "100ms",
        "--health-timeout",
        "200ms",
        "--health-retries",
        "1",
    ];
    setup.sleeper("c1", &check);
    becomes(&setup, "c1", "unhealthy");
    let log = setup.field("c1", "{{(index .State.Health.Log 0).Output}}");
    assert!(log.starts_with("Health check exceeded timeout"), "{log}");
    let code = setup.field("c1", "{{(index .State.Health.Log 0).ExitCode}}");
    assert_eq!(code, "-1");
}

#[test]
fn senseless_checks_are_refused() {
    let Some(setup) = with_alpine() else { return };
    let create = |options: &[&str]| {
        let words = [&["create"], options, &["alpine", "true"]].concat();
        setup.fails(1, &words)
    };
    let said = create(&["--health-cmd", "true", "--health-interval", "5us"]);
    assert!(said.contains("Interval"), "{said}");
}
