//! The files that tell a container about its network; texts in, texts out.

use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};

/// What Docker's default servers are, when the machine names none that a container can reach.
const FALLBACK_SERVERS: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8)),
    IpAddr::V4(Ipv4Addr::new(8, 8, 4, 4)),
];

/// The names that every machine has; see `hosts(5)`.
const LOCAL_NAMES: &str = "\
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
";

/// One line of `/etc/hosts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostEntry {
    /// The address.
    pub address: IpAddr,
    /// Its names, the canonical one first.
    pub names: Vec<String>,
}

/// Makes `/etc/hosts`: the local names, then the entries in the given order. An entry without a name
/// that can stand in the file is left out; so is a single name with blanks or control characters.
#[must_use]
pub fn hosts(entries: &[HostEntry]) -> String {
    let mut text = LOCAL_NAMES.to_owned();
    for entry in entries {
        let names: Vec<_> = entry
            .names
            .iter()
            .map(String::as_str)
            .filter(|n| is_word(n))
            .collect();
        if !names.is_empty() {
            writeln!(text, "{}\t{}", entry.address, names.join(" "))
                .expect("writing to a string cannot fail");
        }
    }
    text
}

/// Makes `/etc/hostname`.
#[must_use]
pub fn hostname(name: &str) -> String {
    format!("{name}\n")
}

/// What a container's resolver is to ask; empty lists mean "as the machine does".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolver {
    /// Name servers.
    pub servers: Vec<IpAddr>,
    /// Domains to try for short names.
    pub search: Vec<String>,
    /// Options, such as `ndots:1`.
    pub options: Vec<String>,
}

/// Makes `/etc/resolv.conf` from the machine's own and what the user asked for; see `resolv.conf(5)`.
///
/// Servers on the machine's loopback are left out, as the container has a loopback of its own. If none is
/// left, public servers stand in, as Docker has it.
#[must_use]
pub fn resolv_conf(machine: &str, wanted: &Resolver) -> String {
    let own = parse_resolv_conf(machine);
    let pick = |wanted: &[String], own: Vec<String>| {
        if wanted.is_empty() {
            own
        } else {
            wanted.to_vec()
        }
    };
    let mut servers = wanted.servers.clone();
    if servers.is_empty() {
        servers = own
            .servers
            .into_iter()
            .filter(|server| !server.is_loopback())
            .collect();
    }
    if servers.is_empty() {
        servers = FALLBACK_SERVERS.to_vec();
    }
    let mut text = String::new();
    for server in servers {
        writeln!(text, "nameserver {server}").expect("writing to a string cannot fail");
    }
    let lists = [
        ("search", pick(&wanted.search, own.search)),
        ("options", pick(&wanted.options, own.options)),
    ];
    for (keyword, words) in lists {
        // `--dns-search .` means no search domain at all.
        let words: Vec<_> = words
            .iter()
            .map(String::as_str)
            .filter(|w| is_word(w) && *w != ".")
            .collect();
        if !words.is_empty() {
            writeln!(text, "{keyword} {}", words.join(" "))
                .expect("writing to a string cannot fail");
        }
    }
    text
}

/// Reads the machine's `resolv.conf`; where systemd-resolved's stub stands in it, the file with the
/// servers behind the stub. Empty when there is none.
#[must_use]
pub fn machine_resolv_conf() -> String {
    let text = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let servers = parse_resolv_conf(&text).servers;
    if !servers.is_empty() && servers.iter().all(IpAddr::is_loopback) {
        return fs::read_to_string("/run/systemd/resolve/resolv.conf").unwrap_or(text);
    }
    text
}

/// The servers that the machine asks, its own stub among them: for a process on the machine.
pub(crate) fn machine_servers() -> Vec<IpAddr> {
    let text = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let servers = parse_resolv_conf(&text).servers;
    if servers.is_empty() {
        FALLBACK_SERVERS.to_vec()
    } else {
        servers
    }
}

/// Makes `/etc/resolv.conf` for a container that asks the engine's own name server.
#[must_use]
pub fn resolv_conf_of_names(machine: &str, wanted: &Resolver) -> String {
    let mut wanted = Resolver {
        servers: vec![crate::resident::NAME_SERVER.into()],
        ..wanted.clone()
    };
    if wanted.options.is_empty() {
        wanted.options = parse_resolv_conf(machine).options;
    }
    if !wanted
        .options
        .iter()
        .any(|option| option.starts_with("ndots:"))
    {
        // A container's name is complete as it stands.
        wanted.options.push("ndots:0".into());
    }
    resolv_conf(machine, &wanted)
}

fn parse_resolv_conf(text: &str) -> Resolver {
    let mut resolver = Resolver::default();
    for line in text.lines() {
        let line = line.split(['#', ';']).next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let keyword = words.next();
        let rest = words.map(str::to_owned);
        match keyword {
            // A scope (`fe80::1%eth0`) does not parse, and means nothing inside the container.
            Some("nameserver") => resolver
                .servers
                .extend(rest.take(1).filter_map(|w| w.parse::<IpAddr>().ok())),
            // The last `search` or `domain` counts.
            Some("search" | "domain") => resolver.search = rest.collect(),
            Some("options") => resolver.options.extend(rest),
            _ => {}
        }
    }
    resolver
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('#') && text.chars().all(|c| c.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_names_the_container_after_the_local_names() {
        let entry = |address: &str, names: &[&str]| HostEntry {
            address: address.parse().unwrap(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        let text = hosts(&[
            entry("10.90.0.2", &["web", "web.local"]),
            entry("10.90.0.1", &["a\nb"]),
        ]);
        assert!(text.starts_with("127.0.0.1\tlocalhost\n"), "{text}");
        assert!(text.ends_with("\n10.90.0.2\tweb web.local\n"), "{text}");
    }

    #[test]
    fn resolv_conf_follows_the_machine_unless_told_otherwise() {
        let check = |machine: &str, wanted: Resolver, expect: &str| {
            assert_eq!(resolv_conf(machine, &wanted), expect, "{machine}");
        };
        let machine =
            "# x\nnameserver 127.0.0.53\nnameserver 192.0.2.1 # y\nsearch a b\noptions edns0\n";
        check(
            machine,
            Resolver::default(),
            "nameserver 192.0.2.1\nsearch a b\noptions edns0\n",
        );
        check(
            "nameserver 127.0.0.1\n",
            Resolver::default(),
            "nameserver 8.8.8.8\nnameserver 8.8.4.4\n",
        );
        check(
            "",
            Resolver::default(),
            "nameserver 8.8.8.8\nnameserver 8.8.4.4\n",
        );
        let wanted = Resolver {
            servers: vec!["9.9.9.9".parse().unwrap()],
            search: vec![".".into()],
            options: vec!["ndots:0".into()],
        };
        check(machine, wanted, "nameserver 9.9.9.9\noptions ndots:0\n");
    }
}
