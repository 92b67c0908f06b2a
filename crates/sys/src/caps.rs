//! Capability sets of the calling thread: capget(2), capset(2) and the bounding and ambient prctls.

use std::io;

use crate::check;

/// A set of capabilities as the kernel's 64-bit mask: bit `n` is capability number `n`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CapSet(pub u64);

impl CapSet {
    /// Tells whether capability number `cap` is in the set.
    #[must_use]
    pub fn contains(self, cap: u8) -> bool {
        cap < 64 && self.0 & (1 << cap) != 0
    }

    /// The capabilities that are in both sets.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The capabilities of this set that `other` lacks.
    #[must_use]
    pub fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The numbers in the set, ascending.
    pub fn numbers(self) -> impl Iterator<Item = u8> {
        (0..64).filter(move |&cap| self.contains(cap))
    }
}

/// The names of capabilities without `CAP_`, in the order of their numbers (linux/capability.h).
pub const NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// Number of CAP_SYS_ADMIN.
pub const CAP_SYS_ADMIN: u8 = 21;

#[repr(C)]
struct Header {
    version: u32,
    pid: libc::c_int,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Data {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// `_LINUX_CAPABILITY_VERSION_3`: two 32-bit words per set.
const VERSION_3: u32 = 0x2008_0522;

/// The bounding set of this thread, and with it the capabilities that the kernel knows.
///
/// # Errors
/// Never for a kernel with capabilities; the first number beyond the last one ends the set.
pub fn bounding() -> io::Result<CapSet> {
    let mut set = 0_u64;
    for cap in 0..64_u8 {
        // SAFETY: PR_CAPBSET_READ takes integers only and touches no memory of ours.
        let read = unsafe { libc::prctl(libc::PR_CAPBSET_READ, libc::c_ulong::from(cap), 0, 0, 0) };
        match read {
            1 => set |= 1 << cap,
            0 => {}
            _ => break,
        }
    }
    Ok(CapSet(set))
}

/// Removes one capability from the bounding set; it cannot come back.
///
/// # Errors
/// EPERM without CAP_SETPCAP, EINVAL for a number that the kernel does not know.
pub fn drop_bounding(cap: u8) -> io::Result<()> {
    // SAFETY: PR_CAPBSET_DROP takes integers only.
    let result = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, libc::c_ulong::from(cap), 0, 0, 0) };
    check(result.into()).map(drop)
}

/// Effective, permitted and inheritable set of this thread.
///
/// # Errors
/// EINVAL if the kernel does not speak version 3 (older than 2.6.26).
pub fn get() -> io::Result<(CapSet, CapSet, CapSet)> {
    let mut header = Header {
        version: VERSION_3,
        pid: 0,
    };
    let mut data = [Data::default(); 2];
    // SAFETY: version 3 makes the kernel write exactly two `Data`; both pointers live through the call.
    let result = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, data.as_mut_ptr()) };
    check(result)?;
    let join = |low: u32, high: u32| CapSet(u64::from(low) | u64::from(high) << 32);
    Ok((
        join(data[0].effective, data[1].effective),
        join(data[0].permitted, data[1].permitted),
        join(data[0].inheritable, data[1].inheritable),
    ))
}

/// Sets effective, permitted and inheritable set of this thread.
///
/// # Errors
/// EPERM when the new permitted set is not within the old one.
pub fn set(effective: CapSet, permitted: CapSet, inheritable: CapSet) -> io::Result<()> {
    let mut header = Header {
        version: VERSION_3,
        pid: 0,
    };
    let word = |set: CapSet, shift: u32| (set.0 >> shift) as u32;
    let data = [0, 32].map(|shift| Data {
        effective: word(effective, shift),
        permitted: word(permitted, shift),
        inheritable: word(inheritable, shift),
    });
    // SAFETY: version 3 makes the kernel read exactly two `Data`; both pointers live through the call.
    check(unsafe { libc::syscall(libc::SYS_capset, &raw mut header, data.as_ptr()) }).map(drop)
}

/// Raises one ambient capability; it must be permitted and inheritable already.
///
/// # Errors
/// EPERM when it is not, or when `SECBIT_NO_CAP_AMBIENT_RAISE` is set.
pub fn raise_ambient(cap: u8) -> io::Result<()> {
    let raise = libc::PR_CAP_AMBIENT_RAISE as libc::c_ulong;
    // SAFETY: PR_CAP_AMBIENT takes integers only.
    let result =
        unsafe { libc::prctl(libc::PR_CAP_AMBIENT, raise, libc::c_ulong::from(cap), 0, 0) };
    check(result.into()).map(drop)
}

/// Empties the ambient set.
///
/// # Errors
/// EINVAL on a kernel before 4.3, which has no ambient set.
pub fn clear_ambient() -> io::Result<()> {
    let clear = libc::PR_CAP_AMBIENT_CLEAR_ALL as libc::c_ulong;
    // SAFETY: PR_CAP_AMBIENT takes integers only.
    check(unsafe { libc::prctl(libc::PR_CAP_AMBIENT, clear, 0, 0, 0) }.into()).map(drop)
}
