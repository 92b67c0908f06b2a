//! Interfaces of the host that move into the container (OCI runtime spec 1.3, "Network Devices").

use std::collections::HashMap;

use oci_spec::runtime::LinuxNetDevice;

use super::namespaces::{NEW_NET, Namespaces};
use crate::error::{Error, Result};

/// One interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NetDevice {
    /// Its name on the host.
    pub(crate) outside: String,
    /// Its name in the container.
    pub(crate) inside: String,
}

pub(super) fn plan(
    devices: Option<&HashMap<String, LinuxNetDevice>>,
    namespaces: &Namespaces,
) -> Result<Vec<NetDevice>> {
    let mut planned = Vec::new();
    for (outside, device) in devices.into_iter().flatten() {
        let inside = device.name().as_ref().filter(|name| !name.is_empty());
        let inside = inside.unwrap_or(outside);
        for name in [outside, inside] {
            if !is_name(name) {
                let text = format!("`linux.netDevices`: {name:?} is no name of an interface");
                return Err(Error::InvalidSpec(text));
            }
        }
        planned.push(NetDevice {
            outside: outside.clone(),
            inside: inside.clone(),
        });
    }
    if !planned.is_empty() && !namespaces.has(NEW_NET) {
        let text = "`linux.netDevices` needs a `network` namespace".to_owned();
        return Err(Error::InvalidSpec(text));
    }
    planned.sort_by(|one, other| one.inside.cmp(&other.inside));
    if let Some(twice) = planned
        .windows(2)
        .find(|two| two[0].inside == two[1].inside)
    {
        let text = format!("`linux.netDevices`: two would be {:?}", twice[0].inside);
        return Err(Error::InvalidSpec(text));
    }
    Ok(planned)
}

/// As the kernel's dev_valid_name: fits IFNAMSIZ, no blank, slash or colon, no dot names.
fn is_name(name: &str) -> bool {
    let odd = |byte: u8| byte == b'/' || byte == b':' || byte == 0 || byte.is_ascii_whitespace();
    !name.is_empty() && name.len() < 16 && ![".", ".."].contains(&name) && !name.bytes().any(odd)
}
