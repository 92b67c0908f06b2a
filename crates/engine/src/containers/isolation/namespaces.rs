//! Namespaces by inode, see namespaces(7).

use std::fs;

use terrarium_api::{NamespaceFact, NamespaceKind, NamespaceView};

use crate::containers::processes;

const KINDS: [(NamespaceKind, &str); 8] = [
    (NamespaceKind::Mnt, "mnt"),
    (NamespaceKind::Pid, "pid"),
    (NamespaceKind::Net, "net"),
    (NamespaceKind::Ipc, "ipc"),
    (NamespaceKind::Uts, "uts"),
    (NamespaceKind::Cgroup, "cgroup"),
    (NamespaceKind::User, "user"),
    (NamespaceKind::Time, "time"),
];

/// The namespaces of a process; without inode where it must not be looked at.
pub(super) fn of(pid: u32) -> Vec<NamespaceFact> {
    let fact = |(kind, name): &(NamespaceKind, &str)| NamespaceFact {
        kind: *kind,
        inode: fs::read_link(format!("/proc/{pid}/ns/{name}"))
            .ok()
            .and_then(|link| inode(link.to_str()?)),
    };
    KINDS.iter().map(fact).collect()
}

/// `net:[4026531840]`
fn inode(link: &str) -> Option<u64> {
    let (_, rest) = link.split_once(":[")?;
    rest.strip_suffix(']')?.parse().ok()
}

/// One column of the matrix; nothing when the process is gone.
pub(super) fn view(container: Option<String>, name: &str, pid: u32) -> Option<NamespaceView> {
    let folder = format!("/proc/{pid}");
    let program = fs::read_to_string(format!("{folder}/comm")).ok()?;
    Some(NamespaceView {
        container,
        name: name.to_owned(),
        pid,
        command: processes::command(&folder, program.trim()),
        namespaces: of(pid),
    })
}

/// The host's: those of its first process, or, where an ordinary user must not look at that one,
/// those of the engine itself.
pub(super) fn of_host() -> NamespaceView {
    let name = nix::unistd::gethostname().unwrap_or_default();
    let name = name.to_string_lossy();
    let own = std::process::id();
    let readable = fs::read_link("/proc/1/ns/mnt").is_ok();
    let pid = if readable { 1 } else { own };
    view(None, &name, pid).unwrap_or_else(|| NamespaceView {
        container: None,
        name: name.into_owned(),
        pid,
        command: String::new(),
        namespaces: of(own),
    })
}

/// Where `other` is known to be elsewhere than `own`.
pub(super) fn apart(own: &[NamespaceFact], other: &[NamespaceFact]) -> Vec<NamespaceFact> {
    let pairs = own.iter().zip(other);
    pairs
        .filter(|(own, other)| {
            own.inode.is_some() && other.inode.is_some() && own.inode != other.inode
        })
        .map(|(_, other)| other.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inode_is_read_from_the_link() {
        assert_eq!(inode("net:[4026531840]"), Some(4_026_531_840));
        assert_eq!(inode("net:[]"), None);
        assert_eq!(inode("/tmp"), None);
    }

    #[test]
    fn what_is_unknown_is_not_called_different() {
        let fact = |kind, inode| NamespaceFact { kind, inode };
        let own = [
            fact(NamespaceKind::Net, Some(1)),
            fact(NamespaceKind::Pid, Some(2)),
            fact(NamespaceKind::Ipc, Some(3)),
        ];
        let other = [
            fact(NamespaceKind::Net, Some(1)),
            fact(NamespaceKind::Pid, Some(9)),
            fact(NamespaceKind::Ipc, None),
        ];
        assert_eq!(apart(&own, &other), [fact(NamespaceKind::Pid, Some(9))]);
    }
}
