//! Docker's default profile: an allow-list, with more for some capabilities.

use oci_spec::runtime::{
    Arch, Capabilities, Capability, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg,
    LinuxSeccompArgBuilder, LinuxSeccompBuilder, LinuxSeccompOperator, LinuxSyscall,
    LinuxSyscallBuilder,
};

/// Flags that make a namespace: clone(2) with any of them needs CAP_SYS_ADMIN.
const CLONE_NAMESPACES: u64 = 0x7e02_0000;

const BY_CAPABILITY: [(Capability, &str); 13] = [
    (Capability::DacReadSearch, "open_by_handle_at"),
    (
        Capability::SysAdmin,
        "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie \
         lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount \
         open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog \
         umount umount2 unshare",
    ),
    (Capability::SysBoot, "reboot"),
    (Capability::SysChroot, "chroot"),
    (
        Capability::SysModule,
        "delete_module init_module finit_module",
    ),
    (Capability::SysPacct, "acct"),
    (
        Capability::SysPtrace,
        "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace",
    ),
    (Capability::SysRawio, "iopl ioperm"),
    (
        Capability::SysTime,
        "settimeofday stime clock_settime clock_settime64",
    ),
    (Capability::SysTtyConfig, "vhangup"),
    (
        Capability::SysNice,
        "get_mempolicy mbind set_mempolicy set_mempolicy_home_node",
    ),
    (Capability::Syslog, "syslog"),
    (Capability::Perfmon, "perf_event_open"),
];

/// Docker's default profile for a process with these capabilities in its bounding set.
#[must_use]
pub fn docker_default(capabilities: &Capabilities) -> LinuxSeccomp {
    let allow = LinuxSeccompAction::ScmpActAllow;
    let text = include_str!("default_allow.txt")
        .lines()
        .filter(|line| !line.starts_with('#'));
    let names: Vec<_> = text.flat_map(str::split_whitespace).collect();
    let mut rules = vec![rule(&names, allow, None)];
    // No AF_ALG (38) and no AF_VSOCK (40): both reach beyond the namespaces.
    for (operator, value) in [("LT", 38), ("EQ", 39), ("GT", 40)] {
        rules.push(rule(&["socket"], allow, Some(argument(0, value, operator))));
    }
    for persona in [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff] {
        rules.push(rule(
            &["personality"],
            allow,
            Some(argument(0, persona, "EQ")),
        ));
    }
    #[cfg(target_arch = "x86_64")]
    rules.push(rule(&["arch_prctl", "modify_ldt"], allow, None));
    for (capability, names) in BY_CAPABILITY {
        if capabilities.contains(&capability) {
            let names: Vec<_> = names.split_whitespace().collect();
            rules.push(rule(&names, allow, None));
        }
    }
    if capabilities.contains(&Capability::Bpf) {
        rules.push(rule(&["bpf"], allow, None));
    }
    if !capabilities.contains(&Capability::SysAdmin) {
        rules.push(rule(
            &["clone"],
            allow,
            Some(argument(0, CLONE_NAMESPACES, "MASKED_EQ")),
        ));
        // The flags of clone3 lie in memory, out of a filter's sight; ENOSYS makes libc use clone.
        let mut clone3 = rule(&["clone3"], LinuxSeccompAction::ScmpActErrno, None);
        clone3.set_errno_ret(Some(libc::ENOSYS as u32));
        rules.push(clone3);
    }
    LinuxSeccompBuilder::default()
        .default_action(LinuxSeccompAction::ScmpActErrno)
        .default_errno_ret(libc::EPERM as u32)
        .architectures(architectures())
        .syscalls(rules)
        .build()
        .expect("all fields that the builder requires are set")
}

fn architectures() -> Vec<Arch> {
    if cfg!(target_arch = "x86_64") {
        vec![Arch::ScmpArchX86_64, Arch::ScmpArchX86, Arch::ScmpArchX32]
    } else {
        vec![Arch::ScmpArchAarch64]
    }
}

fn rule(
    names: &[&str],
    action: LinuxSeccompAction,
    argument: Option<LinuxSeccompArg>,
) -> LinuxSyscall {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut builder = LinuxSyscallBuilder::default().names(names).action(action);
    if let Some(argument) = argument {
        builder = builder.args(vec![argument]);
    }
    builder
        .build()
        .expect("all fields that the builder requires are set")
}

fn argument(index: usize, value: u64, operator: &str) -> LinuxSeccompArg {
    let op = match operator {
        "LT" => LinuxSeccompOperator::ScmpCmpLt,
        "GT" => LinuxSeccompOperator::ScmpCmpGt,
        "MASKED_EQ" => LinuxSeccompOperator::ScmpCmpMaskedEq,
        _ => LinuxSeccompOperator::ScmpCmpEq,
    };
    let mut builder = LinuxSeccompArgBuilder::default()
        .index(index)
        .value(value)
        .op(op);
    if operator == "MASKED_EQ" {
        builder = builder.value_two(0_u64);
    }
    builder
        .build()
        .expect("all fields that the builder requires are set")
}
