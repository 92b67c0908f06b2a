//! Networks of an ordinary user, with the real docker client: names, ways, published ports, Compose.

use std::{
    fs,
    io::Read as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use terrarium_tests::{
    Host, Options, Registry, SHOP, User, can_run_containers, compose, own_address, run, skip,
};

/// How long something may take that nobody tells about when it is done.
const PATIENCE: Duration = Duration::from_secs(20);

fn as_a_user(test: impl FnOnce(&User, &mut Host) -> Result<()> + Send) -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    User::with(|user| {
        let registry = Registry::with_busybox()?;
        let mirrors = vec![registry.url()];
        let mut host = Host::start_as(user, Options { mirrors })?;
        test(user, &mut host)
    })
}

/// Starts a container that says its own name to whoever calls its port 80.
fn greeter(host: &Host, name: &str, options: &[&str]) {
    let mut arguments = vec!["run", "-d", "--name", name];
    arguments.extend(options);
    arguments.extend(["alpine", "nc", "-ll", "-p", "80", "-e", "echo", name]);
    host.docker(&arguments).ok();
}

/// Calls port 80 of `whom` from inside `from`, until somebody answers.
fn call(host: &Host, from: &str, whom: &str) -> String {
    let ask = format!("until nc {whom} 80 </dev/null; do sleep 0.1; done");
    let ran = host.docker(&["exec", from, "busybox", "timeout", "20", "sh", "-c", &ask]);
    ran.ok().to_owned()
}

fn knows(host: &Host, from: &str, name: &str) -> bool {
    let ran = host.docker(&["exec", from, "busybox", "nslookup", name, "127.0.0.11"]);
    ran.code == Some(0)
}

fn address(host: &Host, name: &str) -> String {
    let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    let address = host.docker(&["inspect", "-f", format, name]);
    address.ok().to_owned()
}

/// Whether a connection from inside `from` is taken; who must not get through is not waited for long.
fn reaches(host: &Host, from: &str, address: &str) -> bool {
    let ask = ["exec", from, "busybox", "timeout", "1", "nc", address, "80"];
    !host.docker(&ask).stdout.is_empty()
}

/// What is said at an address, once somebody is there.
fn said(address: impl Into<IpAddr>, port: u16) -> Result<String> {
    let (address, started) = (SocketAddr::new(address.into(), port), Instant::now());
    loop {
        let mut text = String::new();
        let heard = TcpStream::connect(address).and_then(|mut stream| {
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.read_to_string(&mut text)
        });
        match heard {
            Ok(length) if length > 0 => return Ok(text.trim().to_owned()),
            heard if started.elapsed() > PATIENCE => {
                return heard
                    .map(|_| text)
                    .with_context(|| format!("call {address}"));
            }
            _ => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// The host's port that leads to a port of a container.
fn published(host: &Host, name: &str, port: &str) -> Result<u16> {
    let said = host.docker(&["port", name, port]);
    let first = said.ok().lines().next().unwrap_or_default();
    let (_, port) = first.rsplit_once(':').context("address and port")?;
    Ok(port.parse()?)
}

#[test]
fn a_user_s_containers_find_each_other_by_name_and_only_on_their_own_networks() -> Result<()> {
    as_a_user(|_, host| {
        host.docker(&["network", "create", "front"]).ok();
        host.docker(&[
            "network",
            "create",
            "--internal",
            "--subnet",
            "10.97.3.0/24",
            "back",
        ])
        .ok();
        greeter(
            host,
            "web",
            &["--network", "front", "--network-alias", "site"],
        );
        greeter(host, "other", &["--network", "front"]);
        let fixed = ["--network", "back", "--ip", "10.97.3.7"];
        greeter(host, "db", &fixed);
        for name in ["web", "site", "web.front"] {
            assert_eq!(call(host, "other", name), "web", "{name}");
        }
        assert_eq!(call(host, "web", "other"), "other");
        assert_eq!(address(host, "db"), "10.97.3.7");
        assert!(!knows(host, "web", "db"), "names stay on their network");
        assert!(!reaches(host, "web", "10.97.3.7"), "and so do packets");

        host.docker(&["network", "connect", "--alias", "store", "back", "web"])
            .ok();
        assert_eq!(call(host, "web", "store.back"), "web");
        assert_eq!(call(host, "web", "db"), "db");
        host.docker(&["network", "disconnect", "back", "web"]).ok();
        assert!(!knows(host, "web", "db"));
        let links = host.docker(&["exec", "web", "ip", "link"]);
        assert!(
            links.ok().contains("eth0") && !links.ok().contains("eth1"),
            "{links:?}"
        );

        // Who shares a namespace is in the user namespace of whom it shares it with.
        let sharing = ["run", "--rm", "--network", "container:db", "alpine"];
        let own = [&sharing[..], &["nc", "127.0.0.1", "80"]].concat();
        assert_eq!(host.docker(&own).ok(), "db");
        let used = host.docker(&["network", "rm", "front"]);
        assert!(used.fails(1).contains("in use"), "{used:?}");
        host.docker(&["rm", "-f", "web", "other", "db"]).ok();
        host.docker(&["network", "rm", "front", "back"]).ok();
        Ok(())
    })
}

#[test]
fn published_ports_lead_in_from_every_address_and_outlive_the_host() -> Result<()> {
    as_a_user(|_, host| {
        host.docker(&["network", "create", "front"]).ok();
        greeter(host, "web", &["--network", "front", "-p", "80"]);
        greeter(host, "asker", &["--network", "front"]);
        let port = published(host, "web", "80/tcp")?;
        assert_eq!(said(Ipv4Addr::LOCALHOST, port)?, "web");
        if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
            assert_eq!(said(Ipv6Addr::LOCALHOST, port)?, "web");
        }
        if let Some(own) = own_address() {
            assert_eq!(said(own, port)?, "web", "{own}");
        }

        let taken = format!("{port}:80");
        let taken = host.docker(&["run", "-d", "-p", &taken, "alpine", "sleep", "9"]);
        assert!(
            taken.fails(125).contains("in use by container"),
            "{taken:?}"
        );
        let low = host.docker(&["run", "-d", "-p", "127.0.0.1:79:80", "alpine", "sleep", "9"]);
        assert!(low.fails(125).contains("bind port 79/tcp"), "{low:?}");

        host.kill()?;
        assert_eq!(said(Ipv4Addr::LOCALHOST, port)?, "web", "without a host");
        host.restart()?;
        assert_eq!(said(Ipv4Addr::LOCALHOST, port)?, "web");
        assert_eq!(call(host, "asker", "web"), "web");
        greeter(host, "late", &["--network", "front"]);
        assert_eq!(call(host, "web", "late"), "late");
        host.docker(&["rm", "-f", "web"]).ok();
        TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).context("the port is free again")?;
        Ok(())
    })
}

#[test]
fn datagrams_find_their_way_in_and_back() -> Result<()> {
    as_a_user(|_, host| {
        // The starter image has no server of datagrams; every Debian has Perl.
        let serve = "socket(S, PF_INET, SOCK_DGRAM, 17); bind(S, sockaddr_in(53, INADDR_ANY)); \
                     while ($who = recv(S, $_, 64, 0)) { send(S, \"datagram\", 0, $who) }";
        let machine = ["/usr:/usr:ro", "/usr/lib:/lib:ro", "/usr/lib64:/lib64:ro"];
        let volumes = machine.iter().flat_map(|volume| ["-v", volume]);
        let mut run = vec!["run", "-d", "--name", "web", "-p", "127.0.0.1::53/udp"];
        run.extend(volumes);
        run.extend(["alpine", "/usr/bin/perl", "-MSocket", "-e", serve]);
        host.docker(&run).ok();
        let port = published(host, "web", "53/udp")?;
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_read_timeout(Some(Duration::from_millis(200)))?;
        let (mut answer, started) = ([0; 64], Instant::now());
        let length = loop {
            socket.send_to(b"?", (Ipv4Addr::LOCALHOST, port))?;
            match socket.recv(&mut answer) {
                Ok(length) => break length,
                Err(error) if started.elapsed() > PATIENCE => return Err(error.into()),
                Err(_) => {}
            }
        };
        assert_eq!(&answer[..length], b"datagram");
        Ok(())
    })
}

#[test]
fn compose_brings_up_services_that_talk_by_name() -> Result<()> {
    let version = Command::new("docker-compose").arg("version").output();
    if !version.is_ok_and(|version| version.status.success()) {
        eprintln!("SKIPPED: docker-compose is not installed");
        return Ok(());
    }
    as_a_user(|user, host| {
        let folder = user.home.join("shop");
        fs::create_dir(&folder)?;
        fs::write(folder.join("docker-compose.yml"), SHOP)?;
        user.give(&folder)?;
        let compose =
            |arguments: &[&str]| run(compose(host).args(arguments).current_dir(&folder), "");
        compose(&["up", "-d"])?.ok();
        let names = host.docker(&["ps", "--format", "{{.Names}}"]);
        let web = names.ok().lines().find(|name| name.contains("web"));
        let web = web.context("the service runs")?;
        assert_eq!(call(host, web, "store"), "db");
        let port = published(host, web, "80/tcp")?;
        assert_eq!(said(Ipv4Addr::LOCALHOST, port)?, "web");
        compose(&["down", "-t", "0"])?.ok();
        let left = host.docker(&["network", "ls", "--format", "{{.Name}}"]);
        assert!(!left.ok().contains("shop"), "{left:?}");
        Ok(())
    })
}

#[test]
fn nothing_of_a_user_s_networks_is_left_without_containers() -> Result<()> {
    as_a_user(|user, host| {
        host.docker(&["run", "--rm", "alpine", "true"]).ok();
        let kept = processes_of(user.uid, host);
        assert!(
            !kept.is_empty(),
            "networks are kept ready for the next container"
        );
        host.stop()?;
        let started = Instant::now();
        while !processes_of(user.uid, host).is_empty() {
            let left = processes_of(user.uid, host);
            assert!(started.elapsed() < PATIENCE, "left behind: {left:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    })
}

/// The command lines of a user's processes, but for the host itself.
fn processes_of(uid: u32, host: &Host) -> Vec<String> {
    let own = host.run_root().display().to_string();
    let lines = fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = lines.filter_map(|entry| {
        let owner = std::os::unix::fs::MetadataExt::uid(&entry.metadata().ok()?);
        let line = fs::read_to_string(entry.path().join("cmdline")).ok()?;
        let is_other = owner == uid && !line.contains("terrariumd");
        (is_other && (line.contains(&own) || line.contains("pasta"))).then_some(line)
    });
    lines.collect()
}

/// Whether this machine lets a user's networks lead out is no matter of these tests, but is said once.
#[test]
fn the_way_out_leads_to_the_machine_s_own_network_or_is_said_to_be_missing() -> Result<()> {
    as_a_user(|_, host| {
        let Some(IpAddr::V4(own)) = own_address() else {
            skip("this machine has no address of its own");
            return Ok(());
        };
        let warnings = host.docker(&["info", "-f", "{{.Warnings}}"]);
        if warnings.ok().contains("network:") {
            skip(warnings.ok());
            return Ok(());
        }
        let listener = TcpListener::bind((own, 0))?;
        let port = listener.local_addr()?.port().to_string();
        let serving = std::thread::spawn(move || {
            // Until the test is over: the passt of Debian 12 now and then loses a connection.
            for stream in listener.incoming().flatten() {
                let _ = std::io::Write::write_all(&mut &stream, b"outside\n");
            }
        });
        let own = own.to_string();
        let ask = "until timeout 2 nc $0 $1 </dev/null | grep outside; do sleep 0.1; done";
        let ask = [
            "run", "--rm", "alpine", "busybox", "timeout", "20", "sh", "-c", ask, &own, &port,
        ];
        assert_eq!(host.docker(&ask).ok(), "outside");
        drop(serving);
        Ok(())
    })
}
