//! Networks of a user's own, with the real docker client: who finds whom by which name.

use std::net::TcpStream;

use anyhow::{Context as _, Result};
use terrarium_tests::{Host, Options, Registry, can_run_containers};

/// A host with `alpine` at hand; none where containers cannot run.
fn host() -> Result<Option<(Registry, Host)>> {
    if !can_run_containers() {
        return Ok(None);
    }
    let registry = Registry::with_busybox()?;
    let host = Host::start(Options {
        mirrors: vec![registry.url()],
    })?;
    Ok(Some((registry, host)))
}

/// Starts a container that says its own name to whoever calls its port 80.
fn greeter(host: &Host, name: &str, options: &[&str]) -> String {
    let mut arguments = vec!["run", "-d", "--name", name];
    arguments.extend(options);
    arguments.extend(["alpine", "nc", "-ll", "-p", "80", "-e", "echo", name]);
    host.docker(&arguments).ok().to_owned()
}

/// Calls port 80 of `whom` from inside `from`, until somebody answers.
fn call(host: &Host, from: &str, whom: &str) -> String {
    let ask = format!("until nc {whom} 80 </dev/null; do sleep 0.1; done");
    let ran = host.docker(&["exec", from, "busybox", "timeout", "10", "sh", "-c", &ask]);
    ran.ok().to_owned()
}

/// Whether a name is known inside `from`.
fn knows(host: &Host, from: &str, name: &str) -> bool {
    let ran = host.docker(&["exec", from, "busybox", "nslookup", name, "127.0.0.11"]);
    ran.code == Some(0)
}

fn inspect(host: &Host, what: &str, format: &str) -> String {
    host.docker(&["inspect", "-f", format, what])
        .ok()
        .to_owned()
}

#[test]
fn containers_of_a_network_find_each_other_by_name_alias_and_short_id() -> Result<()> {
    let Some((_registry, host)) = host()? else {
        return Ok(());
    };
    host.docker(&["network", "create", "front"]).ok();
    host.docker(&["network", "create", "back"]).ok();
    let web = greeter(
        &host,
        "web",
        &["--network", "front", "--network-alias", "site"],
    );
    greeter(&host, "other", &["--network", "front"]);
    greeter(&host, "apart", &["--network", "back"]);
    greeter(&host, "plain", &[]);
    for name in ["web", "site", &web[..12], "web.front", "WEB"] {
        assert_eq!(call(&host, "other", name), "web", "{name}");
        assert!(!knows(&host, "apart", name), "{name} across networks");
    }
    let resolver = host.docker(&["exec", "web", "cat", "/etc/resolv.conf"]);
    assert!(resolver.ok().contains("nameserver 127.0.0.11"));
    // As in Docker, the default bridge has no names.
    let plain = host.docker(&["exec", "plain", "cat", "/etc/resolv.conf"]);
    assert!(!plain.ok().contains("127.0.0.11"));
    let address = inspect(
        &host,
        "web",
        "{{.NetworkSettings.Networks.front.IPAddress}}",
    );
    let named = host.docker(&["exec", "other", "nslookup", &address, "127.0.0.11"]);
    assert!(named.ok().contains("web.front"), "{named:?}");
    // Neither by name nor by address.
    let reach = format!("nc -w 1 {address} 80 </dev/null");
    let shut = host.docker(&[
        "exec", "apart", "busybox", "timeout", "2", "sh", "-c", &reach,
    ]);
    assert_eq!(shut.stdout, "", "networks are apart: {shut:?}");
    Ok(())
}

#[test]
fn a_container_comes_to_a_network_and_leaves_it_while_it_runs() -> Result<()> {
    let Some((_registry, host)) = host()? else {
        return Ok(());
    };
    host.docker(&["network", "create", "front"]).ok();
    greeter(&host, "web", &["--network", "front"]);
    greeter(&host, "late", &[]);
    host.docker(&["network", "connect", "--alias", "newcomer", "front", "late"])
        .ok();
    assert_eq!(call(&host, "late", "web"), "web");
    assert_eq!(call(&host, "web", "newcomer"), "late");
    let again = host.docker(&["network", "connect", "front", "late"]);
    assert!(again.fails(1).contains("already exists in network"));
    let used = host.docker(&["network", "rm", "front"]);
    assert!(used.fails(1).contains("has active endpoints"), "{used:?}");
    host.docker(&["network", "disconnect", "front", "late"])
        .ok();
    assert!(!knows(&host, "web", "newcomer"));
    let listed = host.docker(&["exec", "late", "ip", "-o", "-4", "addr"]);
    assert_eq!(
        listed.ok().lines().count(),
        2,
        "lo and the bridge: {listed:?}"
    );
    // What was said while it did not run counts at the next start.
    host.docker(&["stop", "-t", "0", "late"]).ok();
    host.docker(&["network", "connect", "front", "late"]).ok();
    host.docker(&["start", "late"]).ok();
    assert_eq!(call(&host, "late", "web"), "web");
    host.docker(&["rm", "-f", "late", "web"]).ok();
    host.docker(&["network", "rm", "front"]).ok();
    assert!(
        host.docker(&["network", "inspect", "front"])
            .fails(1)
            .contains("not found")
    );
    Ok(())
}

/// Makes `fixed`, a network of which everything is wished for.
fn fixed(host: &Host) {
    let wishes = "--subnet 10.217.3.0/24 --gateway 10.217.3.9 --ip-range 10.217.3.128/26 \
                  -o com.docker.network.driver.mtu=1400";
    let mut arguments = vec!["network", "create"];
    arguments.extend(wishes.split_whitespace());
    arguments.push("fixed");
    host.docker(&arguments).ok();
}

#[test]
fn addresses_are_given_as_they_were_wished_for() -> Result<()> {
    let Some((_registry, host)) = host()? else {
        return Ok(());
    };
    fixed(&host);
    let place = "--network fixed --ip 10.217.3.77 --mac-address 02:42:00:00:00:07";
    let wished: Vec<&str> = place.split_whitespace().collect();
    greeter(&host, "one", &wished);
    greeter(&host, "two", &["--network", "fixed"]);
    let place = "{{with index .NetworkSettings.Networks \"fixed\"}}{{.IPAddress}} {{.Gateway}} {{.MacAddress}}{{end}}";
    assert_eq!(
        inspect(&host, "one", place),
        "10.217.3.77 10.217.3.9 02:42:00:00:00:07"
    );
    assert!(inspect(&host, "two", place).starts_with("10.217.3.128 "));
    let link = host.docker(&["exec", "one", "cat", "/sys/class/net/eth0/mtu"]);
    assert_eq!(link.ok(), "1400");
    Ok(())
}

#[test]
fn wishes_that_cannot_be_met_are_refused_with_a_reason() -> Result<()> {
    let Some((_registry, host)) = host()? else {
        return Ok(());
    };
    fixed(&host);
    greeter(&host, "one", &["--network", "fixed", "--ip", "10.217.3.77"]);
    let check = |arguments: &str, code, words: &str| {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let refused = host.docker(&arguments);
        assert!(refused.fails(code).contains(words), "{refused:?}");
    };
    check("network create --subnet 10.217.3.0/25 x", 1, "overlaps");
    check("network create --subnet 10.1.0.0/33 x", 1, "invalid");
    check("network create fixed", 1, "already exists");
    check("network create bridge", 1, "already exists");
    check("network rm bridge", 1, "pre-defined");
    let taken = "another container has it";
    check(
        "run --rm --network fixed --ip 10.217.3.77 alpine true",
        125,
        taken,
    );
    check(
        "run --rm --network lost alpine true",
        125,
        "network lost not found",
    );
    let only = "user defined networks only";
    check("run --rm --ip 10.1.1.1 alpine true", 125, only);
    Ok(())
}

#[test]
fn an_internal_network_answers_its_own_names_and_asks_nobody_else() -> Result<()> {
    let Some((_registry, host)) = host()? else {
        return Ok(());
    };
    host.docker(&["network", "create", "--internal", "vault"])
        .ok();
    greeter(&host, "secret", &["--network", "vault"]);
    greeter(&host, "guard", &["--network", "vault"]);
    assert_eq!(call(&host, "guard", "secret"), "secret");
    let asked = host.docker(&[
        "exec",
        "guard",
        "busybox",
        "timeout",
        "2",
        "nslookup",
        "example.org",
        "127.0.0.11",
    ]);
    assert!(
        format!("{asked:?}").contains("NXDOMAIN"),
        "at once, and not from outside: {asked:?}"
    );
    let routes = host.docker(&["exec", "guard", "ip", "route", "show", "default"]);
    assert!(!routes.ok().contains("default"), "{routes:?}");
    Ok(())
}

#[test]
fn names_are_answered_also_while_no_host_runs_and_by_the_next_one() -> Result<()> {
    let Some((_registry, mut host)) = host()? else {
        return Ok(());
    };
    host.docker(&["network", "create", "front"]).ok();
    let web = greeter(&host, "web", &["--network", "front"]);
    greeter(
        &host,
        "other",
        &["--network", "front", "-p", "127.0.0.1::80"],
    );
    assert_eq!(call(&host, "other", "web"), "web");
    let pid = inspect(&host, "other", "{{.State.Pid}}");
    host.kill()?;
    let ask = ["-t", &pid, "-n", "busybox", "nslookup", "web", "127.0.0.11"];
    let mut command = std::process::Command::new("nsenter");
    let alone = terrarium_tests::run(command.args(ask), "")?;
    assert!(alone.ok().contains("web"), "{alone:?}");
    host.restart()?;
    assert_eq!(call(&host, "other", "web"), "web");
    assert!(knows(&host, "other", &web[..12]));
    greeter(&host, "third", &["--network", "front"]);
    assert_eq!(call(&host, "third", "other"), "other");
    host.docker(&["rm", "-f", "web", "other", "third"]).ok();
    host.docker(&["network", "prune", "-f"]).ok();
    assert!(
        !host
            .docker(&["network", "ls", "--format", "{{.Name}}"])
            .ok()
            .contains("front")
    );
    Ok(())
}

#[test]
fn a_published_port_is_reached_over_ipv4_and_ipv6() -> Result<()> {
    let Some((_registry, host)) = host()? else {
        return Ok(());
    };
    host.docker(&["network", "create", "front"]).ok();
    greeter(&host, "web", &["--network", "front", "-p", "0:80"]);
    let port: u16 = host
        .docker(&[
            "inspect",
            "-f",
            "{{(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort}}",
            "web",
        ])
        .ok()
        .parse()
        .context("a port")?;
    call(&host, "web", "127.0.0.1");
    TcpStream::connect(("127.0.0.1", port)).context("over IPv4")?;
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        eprintln!("SKIPPED: this machine has no IPv6");
        return Ok(());
    }
    TcpStream::connect(("::1", port)).context("over IPv6")?;
    host.docker(&["rm", "-f", "web"]).ok();
    assert!(
        TcpStream::connect(("::1", port)).is_err(),
        "the door is shut"
    );
    Ok(())
}

/// Two containers on `six`; they find each other by name and address.
fn web_and_other_on_six(host: &Host) {
    // It listens in both families.
    let serve = "run -d --name web --network six --ip6 fd00:217:3::80 -p 80 \
                 --add-host machine:host-gateway alpine nc -ll -p 80 -e echo web";
    let serve: Vec<_> = serve.split_whitespace().collect();
    host.docker(&serve).ok();
    greeter(host, "other", &["--network", "six"]);
    let place =
        "{{with .NetworkSettings.Networks.six}}{{.GlobalIPv6Address}} {{.IPv6Gateway}}{{end}}";
    assert_eq!(inspect(host, "web", place), "fd00:217:3::80 fd00:217:3::9");
    let hosts = host.docker(&["exec", "web", "cat", "/etc/hosts"]);
    for line in ["fd00:217:3::80\t", "fd00:217:3::9\tmachine"] {
        assert!(hosts.ok().contains(line), "{line} in {hosts:?}");
    }
    let asked = host.docker(&[
        "exec",
        "other",
        "nslookup",
        "-type=aaaa",
        "web",
        "127.0.0.11",
    ]);
    assert!(asked.ok().contains("fd00:217:3::80"), "{asked:?}");
    for whom in ["web", "fd00:217:3::80"] {
        assert_eq!(call(host, "other", whom), "web", "{whom}");
    }
}

fn listed_in_both_families(host: &Host) -> Result<()> {
    let listed = host.docker(&["port", "web", "80"]);
    let ports: Vec<_> = listed.ok().lines().collect();
    assert!(
        ports.len() == 2 && ports[1].starts_with("[::]:"),
        "one line for each family: {listed:?}"
    );
    let (_, port) = ports[0].rsplit_once(':').context("address:port")?;
    for address in ["127.0.0.1", "[::1]"] {
        TcpStream::connect(format!("{address}:{port}")).context(address)?;
    }
    Ok(())
}

#[test]
fn a_network_with_ipv6_has_addresses_names_and_ports_in_both_families() -> Result<()> {
    let Some((_registry, host)) = host()? else {
        return Ok(());
    };
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        let refused = host.docker(&["network", "create", "--ipv6", "six"]);
        assert!(refused.fails(1).contains("has no IPv6"), "{refused:?}");
        return Ok(());
    }
    let wishes = "network create --ipv6 --subnet fd00:217:3::/64 --gateway fd00:217:3::9 six";
    host.docker(&wishes.split(' ').collect::<Vec<_>>()).ok();
    host.docker(&["network", "create", "--ipv6", "chosen"]).ok();
    let plan = "{{.EnableIPv6}} {{range .IPAM.Config}}{{.Subnet}} {{.Gateway}},{{end}}";
    let shown = host.docker(&["network", "inspect", "-f", plan, "six"]);
    assert!(
        shown.ok().starts_with("true ") && shown.ok().contains("fd00:217:3::/64 fd00:217:3::9,"),
        "{shown:?}"
    );
    let shown = host.docker(&["network", "inspect", "-f", plan, "chosen"]);
    assert!(shown.ok().contains(" fd"), "unique local ones: {shown:?}");

    web_and_other_on_six(&host);
    listed_in_both_families(&host)?;
    let taken = host.docker(&[
        "run",
        "--network",
        "six",
        "--ip6",
        "fd00:217:3::80",
        "alpine",
    ]);
    assert!(
        taken.code != Some(0),
        "one address, one container: {taken:?}"
    );
    Ok(())
}

#[test]
fn links_and_extra_hosts_name_others() -> Result<()> {
    let Some((_registry, host)) = host()? else {
        return Ok(());
    };
    greeter(&host, "db", &[]);
    greeter(
        &host,
        "app",
        &[
            "--link",
            "db:store",
            "--add-host",
            "far:192.0.2.7",
            "--add-host",
            "machine:host-gateway",
        ],
    );
    assert_eq!(call(&host, "app", "store"), "db");
    let hosts = host.docker(&["exec", "app", "cat", "/etc/hosts"]);
    assert!(hosts.ok().contains("192.0.2.7\tfar"), "{hosts:?}");
    let gateway = inspect(&host, "app", "{{.NetworkSettings.Networks.bridge.Gateway}}");
    assert!(
        hosts.ok().contains(&format!("{gateway}\tmachine")),
        "{hosts:?}"
    );
    Ok(())
}

#[test]
fn a_hundred_containers_find_each_other() -> Result<()> {
    const CROWD: usize = 100;
    let Some((_registry, host)) = host()? else {
        return Ok(());
    };
    host.docker(&["network", "create", "crowd"]).ok();
    let names: Vec<String> = (0..CROWD).map(|number| format!("c{number}")).collect();
    for name in &names {
        let run = [
            "run",
            "-d",
            "--name",
            name,
            "--network",
            "crowd",
            "alpine",
            "sleep",
            "1000",
        ];
        host.docker(&run).ok();
    }
    let mut inspect = vec!["inspect", "-f", "{{.State.Pid}}"];
    inspect.extend(names.iter().map(String::as_str));
    let pids = host.docker(&inspect);
    // From inside each one's network, without a process in it for every question: each asks for its ten
    // neighbors, and the first one for all.
    for (number, pid) in pids.ok().lines().enumerate() {
        let many = if number == 0 { CROWD } else { 10 };
        let asked: Vec<String> = (1..=many)
            .map(|n| format!("c{}", (number + n) % CROWD))
            .collect();
        let script = "for name; do nslookup $name 127.0.0.11 >/dev/null || echo $name; done";
        let mut command = std::process::Command::new("nsenter");
        command
            .args(["-t", pid, "-n", "busybox", "sh", "-c", script, "ask"])
            .args(&asked);
        assert_eq!(
            terrarium_tests::run(&mut command, "")?.ok(),
            "",
            "not found by c{number}"
        );
    }
    let mut remove = vec!["rm", "-f"];
    remove.extend(names.iter().map(String::as_str));
    host.docker(&remove).ok();
    host.docker(&["network", "rm", "crowd"]).ok();
    Ok(())
}
