//! What a container has changed, as Docker tells it.

use terrarium_api::{ChangedPath, ContainerChanges, FileChange, FilesOf};
use terrarium_store::index::{Change, NodeId, Stack, View};

use super::name;
use crate::{Engine, Result, blocking::blocking};

/// More than anybody reads in a window.
const SHOWN: usize = 5_000;

impl Engine {
    /// The files that a container has added, modified and deleted, those of deleted folders not one by one.
    ///
    /// # Errors
    /// `NoSuchContainer`, or what could not be read.
    pub async fn container_changes(&self, container: &str) -> Result<ContainerChanges> {
        let mut changes = self.all_changes(container).await?;
        let total = u32::try_from(changes.len()).unwrap_or(u32::MAX);
        changes.truncate(SHOWN);
        let shown = changes.into_iter().map(|(path, change)| ChangedPath {
            path: name::escape(&path),
            change,
        });
        Ok(ContainerChanges {
            changes: shown.collect(),
            total,
        })
    }

    /// The same without a limit, paths as they are.
    ///
    /// # Errors
    /// As [`Engine::container_changes`].
    pub async fn all_changes(&self, container: &str) -> Result<Vec<(Vec<u8>, FileChange)>> {
        let of = FilesOf::Container {
            container: container.to_owned(),
        };
        let layers = self.layers(&of).await?;
        blocking(move || {
            let Some(top) = layers.stack.layers().checked_sub(1) else {
                return Ok(Vec::new());
            };
            let view = layers.view(u32::from(top))?;
            let mut found = Vec::new();
            walk(&layers.stack, &view, NodeId::ROOT, &mut found);
            Ok(without_own(found))
        })
        .await
    }
}

/// What the engine puts into every container to mount something on; as in Docker, that is no change of
/// the container's.
const OWN: [&str; 10] = [
    "/dev",
    "/dev/console",
    "/dev/mqueue",
    "/dev/pts",
    "/dev/shm",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/proc",
    "/sys",
];

fn without_own(mut found: Vec<(Vec<u8>, FileChange)>) -> Vec<(Vec<u8>, FileChange)> {
    let is_own = |path: &[u8]| OWN.iter().any(|own| own.as_bytes() == path);
    found.retain(|(path, change)| !(*change == FileChange::Added && is_own(path)));
    let in_etc = |path: &[u8]| path.starts_with(b"/etc/");
    if !found.iter().any(|(path, _)| in_etc(path)) {
        // Only for what is left out it was told, or made.
        found.retain(|(path, change)| path != b"/etc" || *change == FileChange::Deleted);
    }
    found
}

/// Folders come before what is in them. One into which something came, or out of which something went,
/// counts as modified; one whose files only changed does not.
fn walk(stack: &Stack, view: &View, folder: NodeId, found: &mut Vec<(Vec<u8>, FileChange)>) {
    for node in stack.children(folder) {
        let Some(row) = view.row(stack, node).filter(|row| row.changes > 0) else {
            continue;
        };
        let comes_or_goes = |node| {
            let row = view.row(stack, node);
            row.is_some_and(|row| matches!(row.change, Change::Added | Change::Deleted))
        };
        let change = match row.change {
            Change::Added => Some(FileChange::Added),
            Change::Deleted => Some(FileChange::Deleted),
            Change::Modified => Some(FileChange::Modified),
            Change::Same if stack.children(node).any(comes_or_goes) => Some(FileChange::Modified),
            Change::Same => None,
        };
        found.extend(change.map(|change| (stack.path(node), change)));
        if change != Some(FileChange::Deleted) {
            walk(stack, view, node, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: &[(&str, FileChange)], expect: &[&str]) {
        let found = found
            .iter()
            .map(|(path, change)| (path.as_bytes().to_vec(), *change));
        let left = without_own(found.collect());
        let left: Vec<_> = left
            .iter()
            .map(|(path, _)| String::from_utf8_lossy(path))
            .collect();
        assert_eq!(left, expect);
    }

    #[test]
    fn what_the_engine_mounts_on_is_no_change_of_the_container() {
        use FileChange::{Added, Modified};
        let own = [
            ("/dev", Added),
            ("/etc", Modified),
            ("/etc/hosts", Added),
            ("/proc", Added),
        ];
        check(&own, &[]);
        check(&[("/etc", Added), ("/etc/hosts", Added)], &[]);
        let more = [&own[..], &[("/etc/passwd", Modified)]].concat();
        check(&more, &["/etc", "/etc/passwd"]);
        check(
            &[("/etc", Modified), ("/etc/hosts", Modified)],
            &["/etc", "/etc/hosts"],
        );
    }
}
