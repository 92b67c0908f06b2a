//! On which processors, in what order and from which memory this process runs: sched_setattr(2),
//! sched_setaffinity(2), set_mempolicy(2).

use std::io;

use crate::check;

/// Numbers of processors or memory nodes as the kernel's mask: bit `n` of the whole is number `n`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mask(Vec<u64>);

impl Mask {
    /// Adds a number.
    pub fn insert(&mut self, number: u16) {
        let word = usize::from(number / 64);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (number % 64);
    }

    /// Tells whether no number is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    fn bytes(&self) -> usize {
        self.0.len() * size_of::<u64>()
    }
}

/// `struct sched_attr` of sched_setattr(2) without utilization clamps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scheduler {
    /// `SCHED_*`.
    pub policy: u32,
    /// `SCHED_FLAG_*`.
    pub flags: u64,
    /// For the time-sharing policies.
    pub nice: i32,
    /// For the real-time policies.
    pub priority: u32,
    /// For the deadline policy, as the two below: nanoseconds.
    pub runtime: u64,
    /// See `runtime`.
    pub deadline: u64,
    /// See `runtime`.
    pub period: u64,
}

#[repr(C)]
struct RawAttr {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime: u64,
    deadline: u64,
    period: u64,
}

/// Sets policy and parameters of this process.
///
/// # Errors
/// EPERM without CAP_SYS_NICE, EINVAL for parameters that do not fit the policy, EBUSY for a deadline that
/// cannot be promised.
pub fn set_scheduler(scheduler: &Scheduler) -> io::Result<()> {
    let raw = RawAttr {
        size: size_of::<RawAttr>() as u32,
        policy: scheduler.policy,
        flags: scheduler.flags,
        nice: scheduler.nice,
        priority: scheduler.priority,
        runtime: scheduler.runtime,
        deadline: scheduler.deadline,
        period: scheduler.period,
    };
    // SAFETY: pid 0 is the caller; `raw` says its own size and lives through the call.
    check(unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const raw, 0) }).map(drop)
}

/// Binds this process to processors.
///
/// # Errors
/// EINVAL when none of them is there or allowed by the cpuset.
pub fn set_affinity(cpus: &Mask) -> io::Result<()> {
    let (length, words) = (cpus.bytes(), cpus.0.as_ptr());
    // SAFETY: pid 0 is the caller; length and pointer describe the mask's words.
    check(unsafe { libc::syscall(libc::SYS_sched_setaffinity, 0, length, words) }).map(drop)
}

/// The processors to which this process is bound.
///
/// # Errors
/// EINVAL on a machine with more than 65536 processors.
pub fn affinity() -> io::Result<Mask> {
    let mut mask = Mask(vec![0; 1024]);
    let (length, words) = (mask.bytes(), mask.0.as_mut_ptr());
    // SAFETY: the kernel writes at most `length` bytes behind the pointer, which are the mask's own.
    let written =
        check(unsafe { libc::syscall(libc::SYS_sched_getaffinity, 0, length, words) })? as usize;
    mask.0.truncate(written.div_ceil(size_of::<u64>()));
    Ok(mask)
}

/// Sets from which nodes this process gets its memory; `mode` is `MPOL_*` with its flags.
///
/// # Errors
/// EINVAL for nodes that do not fit the mode or are not there, ENOSYS without NUMA in the kernel.
pub fn set_memory_policy(mode: u32, nodes: &Mask) -> io::Result<()> {
    // One more than the number of bits: the kernel takes the last one off (get_nodes), also of none.
    let bits = nodes.bytes() * 8 + 1;
    let words = nodes.0.as_ptr();
    // SAFETY: the kernel reads `bits - 1` bits behind the pointer, which are the mask's own, or none.
    check(unsafe { libc::syscall(libc::SYS_set_mempolicy, mode, words, bits) }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_grows_by_words() {
        let mut mask = Mask::default();
        assert!(mask.is_empty());
        mask.insert(3);
        mask.insert(64);
        assert_eq!(mask, Mask(vec![8, 1]));
    }

    #[test]
    fn this_process_may_stay_where_it_is() {
        let here = affinity().expect("every thread has an affinity");
        assert!(!here.is_empty());
        set_affinity(&here).expect("nothing changes");
    }
}
