//! The `docker` line that would ask for the same; shown to people who learn.

use terrarium_api::{
    CreateContainer, LimitKind, Limits, Mount, MountKind, NetworkMode, PortRequest, Protocol,
    RestartPolicy, UpdateContainer,
};

/// `docker create …`.
pub(super) fn create(request: &CreateContainer) -> String {
    let mut line = Line::new("docker create");
    identity(&mut line, request);
    request
        .ports
        .iter()
        .for_each(|port| line.option("-p", &publish(port)));
    request
        .mounts
        .iter()
        .for_each(|mount| line.option("--mount", &mount_text(mount)));
    request
        .env
        .iter()
        .for_each(|entry| line.option("-e", entry));
    limits(&mut line, &request.limits);
    security(&mut line, request);
    line.maybe("--log-driver", request.log.off.then_some("none"));
    restart(&mut line, request.restart);
    for (key, value) in &request.labels {
        line.option("--label", &format!("{key}={value}"));
    }
    let entrypoint = request.entrypoint.as_deref().and_then(<[String]>::first);
    if let Some(program) = entrypoint {
        line.option("--entrypoint", program);
    }
    line.word(&request.image);
    let rest = request.entrypoint.iter().flatten().skip(1);
    rest.chain(request.command.iter().flatten())
        .for_each(|word| line.word(word));
    line.text
}

/// `docker update …`.
pub(super) fn update(name: &str, request: &UpdateContainer) -> String {
    let mut line = Line::new("docker update");
    limits(&mut line, &request.limits);
    for kind in &request.lift {
        // Docker itself can only take the last one away; 0 is how it writes the others.
        match kind {
            LimitKind::Memory => line.option("--memory", "0"),
            LimitKind::Cpu => line.option("--cpus", "0"),
            LimitKind::Pids => line.option("--pids-limit", "-1"),
        }
    }
    if let Some(policy) = request.restart {
        restart(&mut line, policy);
    }
    line.word(name);
    line.text
}

fn identity(line: &mut Line, request: &CreateContainer) {
    line.flag("-i", request.open_stdin);
    line.flag("-t", request.terminal);
    line.flag("--rm", request.auto_remove);
    line.maybe("--name", request.name.as_deref());
    line.maybe("--hostname", request.hostname.as_deref());
    line.maybe("--user", request.user.as_deref());
    line.maybe("--workdir", request.working_dir.as_deref());
    match &request.network {
        NetworkMode::Bridge => {}
        NetworkMode::Host => line.option("--network", "host"),
        NetworkMode::None => line.option("--network", "none"),
        NetworkMode::Container { id } => line.option("--network", &format!("container:{id}")),
        NetworkMode::Named { name } => line.option("--network", name),
    }
    if let Some(first) = request.endpoints.first() {
        line.maybe("--ip", first.address.as_deref());
        line.maybe("--ip6", first.ipv6_address.as_deref());
        line.maybe("--mac-address", first.mac.as_deref());
        for alias in &first.aliases {
            line.option("--network-alias", alias);
        }
        for link in &first.links {
            line.option("--link", link);
        }
    }
}

fn security(line: &mut Line, request: &CreateContainer) {
    line.flag("--read-only", request.read_only);
    line.flag("--init", request.init);
    line.flag("--privileged", request.privileged);
    request
        .cap_add
        .iter()
        .for_each(|name| line.option("--cap-add", name));
    request
        .cap_drop
        .iter()
        .for_each(|name| line.option("--cap-drop", name));
    request
        .security_options
        .iter()
        .for_each(|text| line.option("--security-opt", text));
    request
        .devices
        .iter()
        .for_each(|text| line.option("--device", text));
    request
        .device_rules
        .iter()
        .for_each(|text| line.option("--device-cgroup-rule", text));
}

fn limits(line: &mut Line, limits: &Limits) {
    let number = |value: Option<u64>| value.map(|value| value.to_string());
    line.maybe("--memory", number(limits.memory_bytes).as_deref());
    let swap = limits.memory_swap_bytes.map(|bytes| bytes.to_string());
    line.maybe("--memory-swap", swap.as_deref());
    line.maybe("--cpus", limits.nano_cpus.map(cpus).as_deref());
    line.maybe("--cpu-shares", number(limits.cpu_shares).as_deref());
    line.maybe("--cpuset-cpus", limits.cpuset_cpus.as_deref());
    line.maybe("--pids-limit", number(limits.pids).as_deref());
}

fn cpus(nano_cpus: u64) -> String {
    let text = format!(
        "{}.{:09}",
        nano_cpus / 1_000_000_000,
        nano_cpus % 1_000_000_000
    );
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn restart(line: &mut Line, policy: RestartPolicy) {
    match policy {
        RestartPolicy::No => {}
        RestartPolicy::Always => line.option("--restart", "always"),
        RestartPolicy::UnlessStopped => line.option("--restart", "unless-stopped"),
        RestartPolicy::OnFailure { max_retries: 0 } => line.option("--restart", "on-failure"),
        RestartPolicy::OnFailure { max_retries } => {
            line.option("--restart", &format!("on-failure:{max_retries}"));
        }
    }
}

fn publish(port: &PortRequest) -> String {
    let address = port.host_address.as_deref().filter(|text| !text.is_empty());
    let address = address.map(|text| format!("{text}:")).unwrap_or_default();
    let host = match port.host_port {
        // An address needs the place of the port, even if that is open.
        0 if address.is_empty() => String::new(),
        0 => ":".to_owned(),
        host_port => format!("{host_port}:"),
    };
    let protocol = match port.protocol {
        Protocol::Tcp => "",
        Protocol::Udp => "/udp",
    };
    format!("{address}{host}{}{protocol}", port.container_port)
}

fn mount_text(mount: &Mount) -> String {
    let kind = match mount.kind {
        MountKind::Bind => "bind",
        MountKind::Volume => "volume",
        MountKind::Tmpfs => "tmpfs",
    };
    let mut text = format!("type={kind}");
    if !mount.source.is_empty() {
        text.push_str(&format!(",source={}", mount.source));
    }
    text.push_str(&format!(",target={}", mount.target));
    if mount.read_only {
        text.push_str(",readonly");
    }
    text
}

/// A line for a shell.
struct Line {
    text: String,
}

impl Line {
    fn new(command: &str) -> Self {
        Self {
            text: command.to_owned(),
        }
    }

    fn word(&mut self, word: &str) {
        self.text.push(' ');
        self.text.push_str(&shell_word(word));
    }

    fn flag(&mut self, name: &str, given: bool) {
        if given {
            self.word(name);
        }
    }

    fn option(&mut self, name: &str, value: &str) {
        self.word(name);
        self.word(value);
    }

    fn maybe(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.option(name, value);
        }
    }
}

/// The word as a POSIX shell reads it back.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_asks_docker_for_the_same() {
        let request = CreateContainer {
            name: Some("web".into()),
            image: "nginx:1".into(),
            auto_remove: true,
            entrypoint: Some(vec!["sh".into(), "-c".into()]),
            command: Some(vec!["echo 'hi' $HOME".into()]),
            env: vec!["A=b c".into()],
            ports: vec![PortRequest {
                container_port: 80,
                host_port: 8080,
                host_address: Some("127.0.0.1".into()),
                protocol: Protocol::Tcp,
            }],
            limits: Limits {
                nano_cpus: Some(1_500_000_000),
                ..Default::default()
            },
            restart: RestartPolicy::OnFailure { max_retries: 3 },
            ..Default::default()
        };
        assert_eq!(
            create(&request),
            "docker create --rm --name web -p 127.0.0.1:8080:80 -e 'A=b c' --cpus 1.5 \
             --restart on-failure:3 --entrypoint sh nginx:1 -c 'echo '\\''hi'\\'' $HOME'"
        );
    }

    #[test]
    fn a_port_without_a_wish_is_written_short() {
        let port = |host_port, host_address: Option<&str>| {
            publish(&PortRequest {
                container_port: 53,
                host_port,
                host_address: host_address.map(str::to_owned),
                protocol: Protocol::Udp,
            })
        };
        assert_eq!(port(0, None), "53/udp");
        assert_eq!(port(0, Some("127.0.0.1")), "127.0.0.1::53/udp");
        assert_eq!(port(5353, None), "5353:53/udp");
    }
}
