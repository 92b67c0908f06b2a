//! An IPv6 subnet: arithmetic only.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::subnet::Subnet;

/// An IPv6 network in canonical form: no host bits are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subnet6 {
    base: u128,
    prefix_len: u8,
}

impl Subnet6 {
    /// Makes the subnet that an address lies in.
    ///
    /// # Panics
    /// When `prefix_len` is above 128.
    #[must_use]
    pub const fn containing(address: Ipv6Addr, prefix_len: u8) -> Self {
        assert!(prefix_len <= 128, "an IPv6 prefix has at most 128 bits");
        Self {
            base: address.to_bits() & mask(prefix_len),
            prefix_len,
        }
    }

    /// The number of leading bits that all its addresses share.
    #[must_use]
    pub const fn prefix_len(self) -> u8 {
        self.prefix_len
    }

    /// The address with all host bits zero; that of any router (RFC 4291, section 2.6.1).
    #[must_use]
    pub const fn base(self) -> Ipv6Addr {
        Ipv6Addr::from_bits(self.base)
    }

    /// The first address of hosts: the bridge's own.
    #[must_use]
    pub const fn gateway(self) -> Ipv6Addr {
        Ipv6Addr::from_bits(self.base | 1)
    }

    /// The last address; IPv6 has no broadcast.
    #[must_use]
    pub const fn last(self) -> Ipv6Addr {
        Ipv6Addr::from_bits(self.base | !mask(self.prefix_len))
    }

    /// Tells whether the address lies in it.
    #[must_use]
    pub const fn contains(self, address: Ipv6Addr) -> bool {
        address.to_bits() & mask(self.prefix_len) == self.base
    }

    /// Tells whether two subnets share an address.
    #[must_use]
    pub const fn overlaps(self, other: Self) -> bool {
        let shorter = if self.prefix_len < other.prefix_len {
            self.prefix_len
        } else {
            other.prefix_len
        };
        (self.base ^ other.base) & mask(shorter) == 0
    }
}

const fn mask(prefix_len: u8) -> u128 {
    match prefix_len {
        0 => 0,
        bits => u128::MAX << (128 - bits),
    }
}

impl fmt::Display for Subnet6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base(), self.prefix_len)
    }
}

impl FromStr for Subnet6 {
    type Err = Error;

    /// Parses `fd00:1::/64`; an address with host bits stands for its subnet.
    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = || Error::InvalidSubnet(text.chars().take(64).collect());
        let (address, prefix_len) = text.split_once('/').ok_or_else(invalid)?;
        let address: Ipv6Addr = address.parse().map_err(|_| invalid())?;
        let prefix_len: u8 = prefix_len.parse().map_err(|_| invalid())?;
        if prefix_len > 128 {
            return Err(invalid());
        }
        Ok(Self::containing(address, prefix_len))
    }
}

impl TryFrom<String> for Subnet6 {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Subnet6> for String {
    fn from(subnet: Subnet6) -> Self {
        subnet.to_string()
    }
}

/// A subnet of either family, as errors name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnySubnet {
    /// Of IPv4.
    V4(Subnet),
    /// Of IPv6.
    V6(Subnet6),
}

impl fmt::Display for AnySubnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(subnet) => subnet.fmt(f),
            Self::V6(subnet) => subnet.fmt(f),
        }
    }
}

impl From<Subnet> for AnySubnet {
    fn from(subnet: Subnet) -> Self {
        Self::V4(subnet)
    }
}

impl From<Subnet6> for AnySubnet {
    fn from(subnet: Subnet6) -> Self {
        Self::V6(subnet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(text: &str) -> Subnet6 {
        text.parse().unwrap()
    }

    #[test]
    fn host_bits_are_dropped_and_the_first_host_is_the_gateway() {
        let odd = subnet("fd00:1:2:3::9/64");
        assert_eq!(odd.to_string(), "fd00:1:2:3::/64");
        assert_eq!(odd.gateway().to_string(), "fd00:1:2:3::1");
        assert_eq!(odd.last().to_string(), "fd00:1:2:3:ffff:ffff:ffff:ffff");
        assert!(odd.contains("fd00:1:2:3::9".parse().unwrap()));
        assert!(!odd.contains("fd00:1:2:4::9".parse().unwrap()));
    }

    #[test]
    fn a_text_that_is_no_subnet_is_refused() {
        for bad in ["", "fd00::", "fd00::/129", "10.0.0.0/8", "fd00::/-1"] {
            assert!(bad.parse::<Subnet6>().is_err(), "{bad}");
        }
    }

    #[test]
    fn subnets_overlap_when_one_holds_the_other() {
        let check = |a, b, expect| assert_eq!(subnet(a).overlaps(subnet(b)), expect, "{a} {b}");
        check("fd00::/8", "fd00:1::/64", true);
        check("fd00:1::/64", "fd00:2::/64", false);
        check("::/0", "2001:db8::/32", true);
    }
}
