//! Bridges and tables of engines that never start again.
//!
//! An engine that is killed leaves them for its next start. Where its run root is gone there will be none.
//! What is removed here by mistake does no harm: an engine makes bridge and table anew for its next
//! container, and what a container hangs on is never touched.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::instance::{Instance, SYSTEM_TABLE};
use crate::link::Link;
use crate::netlink::Rtnl;
use crate::network::Network;
use crate::nft;

impl Network {
    /// Removes what other engines have left for good; gives back the names of links and tables.
    pub(crate) fn clear_orphans(&self, rtnl: &mut Rtnl) -> Result<Vec<String>> {
        let links = rtnl.links()?;
        let mut cleared = Vec::new();
        for link in links.iter().filter(|link| self.is_orphan(link, &links)) {
            rtnl.delete_link(&link.name)?;
            cleared.push(link.name.clone());
        }
        let left: HashSet<&str> = links
            .iter()
            .map(|link| link.name.as_str())
            .filter(|name| !cleared.iter().any(|gone| gone == name))
            .collect();
        let mut tables = Vec::new();
        for table in nft::tables().unwrap_or_default() {
            if is_ours(&table)
                && table != self.instance.table()
                && is_idle(&nft::list(&table)?, &left)
            {
                nft::remove(&table)?;
                tables.push(table);
            }
        }
        cleared.extend(tables);
        Ok(cleared)
    }

    /// A bridge that says it belongs to a run root that is gone, and on which nobody hangs.
    fn is_orphan(&self, bridge: &Link, links: &[Link]) -> bool {
        let Some((network, root)) = bridge.alias.as_deref().and_then(Instance::described) else {
            return false;
        };
        let owner = Instance::of(&root);
        // The name is made from the root, so that nobody's text is believed alone.
        owner.bridge(network) == bridge.name
            && owner.table() != self.instance.table()
            && is_gone(&root)
            && !links.iter().any(|link| link.bridge == Some(bridge.index))
    }
}

fn is_gone(root: &Path) -> bool {
    fs::symlink_metadata(root).is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

fn is_ours(table: &str) -> bool {
    let of_other = table
        .strip_prefix(SYSTEM_TABLE)
        .and_then(|rest| rest.strip_prefix('_'))
        .is_some_and(|hash| hash.len() == 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
    table == SYSTEM_TABLE || of_other
}

/// A table of which no bridge is there any more translates and filters nothing for anybody.
fn is_idle(text: &str, links: &HashSet<&str>) -> bool {
    let mut quoted = text.split('"').skip(1).step_by(2);
    !quoted.any(|name| links.contains(name))
}

impl Instance {
    /// Reads what [`Instance::describe`] wrote: the network and the run root.
    fn described(alias: &str) -> Option<(&str, PathBuf)> {
        let (network, root) = alias
            .strip_prefix("terrarium network ")?
            .split_once(" of ")?;
        root.starts_with('/').then(|| (network, root.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_read_back_and_a_strangers_is_not() {
        let instance = Instance::of(Path::new("/tmp/a of b"));
        let text = instance.describe("front");
        let (network, root) = Instance::described(&text).unwrap();
        assert_eq!(
            (network, root.as_path()),
            ("front", Path::new("/tmp/a of b"))
        );
        for strange in ["", "uplink of the house", "terrarium network x of y"] {
            assert!(Instance::described(strange).is_none(), "{strange}");
        }
    }

    #[test]
    fn tables_are_known_by_their_names_and_are_idle_without_links() {
        assert!(is_ours("terrarium") && is_ours("terrarium_0123abcd"));
        assert!(!is_ours("terrarium_x") && !is_ours("filter") && !is_ours("terrarium_0123abcg"));
        let text = "chain guard { iifname \"tb00\" ip daddr 127.0.0.0/8 drop }";
        assert!(is_idle(text, &HashSet::from(["lo", "eth0"])));
        assert!(!is_idle(text, &HashSet::from(["lo", "tb00"])));
    }
}
