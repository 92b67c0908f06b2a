//! An IPv4 subnet: arithmetic only.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// An IPv4 network in canonical form: no host bits are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subnet {
    base: u32,
    prefix_len: u8,
}

impl Subnet {
    /// Makes the subnet that an address lies in.
    ///
    /// # Panics
    /// When `prefix_len` is above 32.
    #[must_use]
    pub const fn containing(address: Ipv4Addr, prefix_len: u8) -> Self {
        assert!(prefix_len <= 32, "an IPv4 prefix has at most 32 bits");
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

    /// The address with all host bits zero.
    #[must_use]
    pub const fn base(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.base)
    }

    /// The first address of hosts: the bridge's own.
    #[must_use]
    pub const fn gateway(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.base + 1)
    }

    /// The address with all host bits one.
    #[must_use]
    pub const fn broadcast(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.base | !mask(self.prefix_len))
    }

    /// Tells whether the address lies in it.
    #[must_use]
    pub const fn contains(self, address: Ipv4Addr) -> bool {
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

const fn mask(prefix_len: u8) -> u32 {
    match prefix_len {
        0 => 0,
        bits => u32::MAX << (32 - bits),
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base(), self.prefix_len)
    }
}

impl FromStr for Subnet {
    type Err = Error;

    /// Parses `10.1.2.0/24`; an address with host bits stands for its subnet.
    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = || Error::InvalidSubnet(text.chars().take(64).collect());
        let (address, prefix_len) = text.split_once('/').ok_or_else(invalid)?;
        let address: Ipv4Addr = address.parse().map_err(|_| invalid())?;
        let prefix_len: u8 = prefix_len.parse().map_err(|_| invalid())?;
        if prefix_len > 32 {
            return Err(invalid());
        }
        Ok(Self::containing(address, prefix_len))
    }
}

impl TryFrom<String> for Subnet {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Subnet> for String {
    fn from(subnet: Subnet) -> Self {
        subnet.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(text: &str) -> Subnet {
        text.parse().unwrap()
    }

    #[test]
    fn host_bits_are_dropped() {
        assert_eq!(subnet("10.1.2.3/24").to_string(), "10.1.2.0/24");
        assert_eq!(subnet("0.0.0.0/0").broadcast(), Ipv4Addr::BROADCAST);
        assert_eq!(
            subnet("10.90.16.0/20").broadcast(),
            Ipv4Addr::new(10, 90, 31, 255)
        );
    }

    #[test]
    fn a_text_that_is_no_subnet_is_refused() {
        for bad in [
            "",
            "10.0.0.0",
            "10.0.0.0/33",
            "10.0.0/8",
            "::/0",
            "10.0.0.0/-1",
        ] {
            assert!(bad.parse::<Subnet>().is_err(), "{bad}");
        }
    }

    #[test]
    fn subnets_overlap_when_one_holds_the_other() {
        let check = |a, b, expect| assert_eq!(subnet(a).overlaps(subnet(b)), expect, "{a} {b}");
        check("10.0.0.0/8", "10.90.0.0/20", true);
        check("10.90.0.0/20", "10.90.15.7/32", true);
        check("10.90.0.0/20", "10.90.16.0/20", false);
        check("0.0.0.0/0", "192.168.0.0/16", true);
    }
}
