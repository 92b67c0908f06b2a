//! The names that one engine uses in the kernel, which all engines of a machine share.

use std::fs;
use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};

use crate::subnet6::Subnet6;

/// The run root of the system's own engine; it gets the plain names.
const SYSTEM_RUN_ROOT: &str = "/run/terrarium";
/// Its plain names.
pub(crate) const SYSTEM_TABLE: &str = "terrarium";
const SYSTEM_BRIDGE: &str = "terrarium0";

/// Kernel names derived from the run root: two engines on one machine (a test beside the real one)
/// never touch each other's links or rules.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    run_root: PathBuf,
    system: bool,
}

impl Instance {
    pub(crate) fn of(run_root: &Path) -> Self {
        Self {
            run_root: run_root.to_owned(),
            system: run_root == Path::new(SYSTEM_RUN_ROOT),
        }
    }

    /// The packet filter table.
    pub(crate) fn table(&self) -> String {
        if self.system {
            SYSTEM_TABLE.into()
        } else {
            format!("{SYSTEM_TABLE}_{:08x}", self.hash(&[]) as u32)
        }
    }

    /// The bridge of a network; at most 15 bytes (`IFNAMSIZ`).
    pub(crate) fn bridge(&self, network: &str) -> String {
        if self.system && network == crate::DEFAULT_NETWORK {
            return SYSTEM_BRIDGE.into();
        }
        format!("tb{:012x}", self.hash(&[network]) & 0xffff_ffff_ffff)
    }

    /// The host's end of a container's veth pair; at most 15 bytes.
    pub(crate) fn veth(&self, network: &str, id: &str) -> String {
        format!("tv{:012x}", self.hash(&[network, id]) & 0xffff_ffff_ffff)
    }

    /// Says whose a network's bridge is.
    pub(crate) fn describe(&self, network: &str) -> String {
        format!("terrarium network {network} of {}", self.run_root.display())
    }

    /// Where in the pool of subnets to begin, so that engines that start at the same time do not pick
    /// the same one before either has a route.
    pub(crate) fn pool_offset(&self) -> usize {
        if self.system {
            0
        } else {
            self.hash(&["pool"]) as u16 as usize
        }
    }

    /// This engine's own part of the unique local addresses (RFC 4193), the same at every start: of 40
    /// bits that no other machine is likely to have.
    pub(crate) fn local_prefix(&self) -> Subnet6 {
        let machine = fs::read_to_string("/etc/machine-id").unwrap_or_default();
        let global = u128::from(self.hash(&["local", machine.trim()]) & 0xff_ffff_ffff);
        Subnet6::containing(Ipv6Addr::from_bits(0xfd << 120 | global << 80), 48)
    }

    fn hash(&self, parts: &[&str]) -> u64 {
        let root = self.run_root.as_os_str().as_encoded_bytes();
        let parts = parts.iter().flat_map(|part| [&[0][..], part.as_bytes()]);
        fnv1a(std::iter::once(root).chain(parts))
    }
}

/// FNV-1a, 64 bits: names must stay the same over releases, which std's hasher does not promise.
fn fnv1a<'a>(parts: impl Iterator<Item = &'a [u8]>) -> u64 {
    parts.flatten().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_engine_has_plain_names_and_others_have_their_own() {
        let system = Instance::of(Path::new("/run/terrarium"));
        let other = Instance::of(Path::new("/tmp/x"));
        assert_eq!(system.bridge("bridge"), "terrarium0");
        assert_eq!(system.table(), "terrarium");
        assert_ne!(other.bridge("bridge"), "terrarium0");
        assert_ne!(other.table(), system.table());
        assert_ne!(other.veth("bridge", "a"), other.veth("bridge", "b"));
    }

    #[test]
    fn link_names_fit_the_kernel() {
        let other = Instance::of(Path::new("/tmp/x"));
        for name in [
            other.bridge("some-long-network-name"),
            other.veth("bridge", &"f".repeat(64)),
        ] {
            assert!(name.len() <= 15, "{name}");
        }
    }
}
