//! The program is judged by running it, in a small machine of our own, over all numbers.

use oci_spec::runtime::{Capabilities, Capability, LinuxSeccomp};
use terrarium_sys::seccomp::Instruction;

use super::*;

const X86_64: u32 = 0xc000_003e;
const I386: u32 = 0x4000_0003;
const EPERM: u32 = RET_ERRNO | 1;
const ENOSYS: u32 = RET_ERRNO | 38;

/// Runs the filter and counts its steps.
fn run(program: &[Instruction], arch: u32, number: u32, args: [u64; 6]) -> (u32, usize) {
    let mut data = [0_u8; 64];
    data[0..4].copy_from_slice(&number.to_le_bytes());
    data[4..8].copy_from_slice(&arch.to_le_bytes());
    for (index, arg) in args.iter().enumerate() {
        data[16 + 8 * index..24 + 8 * index].copy_from_slice(&arg.to_le_bytes());
    }
    let (mut pc, mut accumulator, mut steps) = (0, 0_u32, 0);
    loop {
        let Instruction {
            code,
            jump_true,
            jump_false,
            operand,
        } = program[pc];
        pc += 1;
        steps += 1;
        let mut jump = |taken: bool| pc += usize::from(if taken { jump_true } else { jump_false });
        match code {
            assemble::LOAD => {
                let at = operand as usize;
                accumulator = u32::from_le_bytes(data[at..at + 4].try_into().unwrap());
            }
            assemble::AND => accumulator &= operand,
            assemble::JEQ => jump(accumulator == operand),
            assemble::JGT => jump(accumulator > operand),
            assemble::JGE => jump(accumulator >= operand),
            0x05 => pc += operand as usize,
            assemble::RETURN => return (operand, steps),
            other => panic!("unknown operation {other:#x}"),
        }
    }
}

fn docker(capabilities: &[Capability]) -> Vec<Instruction> {
    let set: Capabilities = capabilities.iter().copied().collect();
    compile(&docker_default(&set)).unwrap().program
}

fn call(program: &[Instruction], name: &str, args: &[u64]) -> u32 {
    let number = number_in(numbers::row(name).unwrap(), Abi::X86_64).unwrap();
    let mut all = [0; 6];
    all[..args.len()].copy_from_slice(args);
    run(program, X86_64, number, all).0
}

#[test]
fn dockers_profile_allows_what_programs_need_and_refuses_what_breaks_out() {
    let program = docker(&[Capability::Chown]);
    for (name, args, expect) in [
        ("read", &[][..], RET_ALLOW),
        ("execve", &[], RET_ALLOW),
        ("ptrace", &[], RET_ALLOW),
        ("mount", &[], EPERM),
        ("unshare", &[], EPERM),
        ("keyctl", &[], EPERM),
        ("clone3", &[], ENOSYS),
        ("clone", &[17], RET_ALLOW),
        ("clone", &[0x1000_0011], EPERM),
        ("socket", &[2], RET_ALLOW),
        ("socket", &[38], EPERM),
        ("socket", &[39], RET_ALLOW),
        ("socket", &[40], EPERM),
        ("socket", &[41], RET_ALLOW),
        ("personality", &[8], RET_ALLOW),
        ("personality", &[9], EPERM),
        ("personality", &[0xffff_ffff], RET_ALLOW),
    ] {
        assert_eq!(call(&program, name, args), expect, "{name} {args:x?}");
    }
}

#[test]
fn capabilities_open_their_calls() {
    let program = docker(&[Capability::SysAdmin]);
    assert_eq!(call(&program, "mount", &[]), RET_ALLOW);
    assert_eq!(call(&program, "clone", &[0x1000_0011]), RET_ALLOW);
    assert_eq!(call(&program, "clone3", &[]), RET_ALLOW);
    assert_eq!(call(&program, "reboot", &[]), EPERM);
}

#[test]
fn calls_newer_than_the_profile_look_absent() {
    assert_eq!(run(&docker(&[]), X86_64, 1000, [0; 6]).0, ENOSYS);
}

#[test]
fn every_abi_of_the_profile_is_filtered_and_any_other_is_killed() {
    let program = docker(&[]);
    assert_eq!(run(&program, I386, 3, [0; 6]).0, RET_ALLOW, "i386 read");
    assert_eq!(run(&program, I386, 21, [0; 6]).0, EPERM, "i386 mount");
    assert_eq!(
        run(&program, X86_64, 0x4000_0000, [0; 6]).0,
        RET_ALLOW,
        "x32 read"
    );
    assert_eq!(
        run(&program, X86_64, 0x4000_0000 | 165, [0; 6]).0,
        EPERM,
        "x32 mount"
    );
    assert_eq!(run(&program, 0x1234, 0, [0; 6]).0, RET_KILL_PROCESS);
}

#[test]
fn the_tree_is_shallow() {
    let program = docker(&[]);
    assert!(program.len() < 800, "{} instructions", program.len());
    let guarded = [41, 56, 135]; // socket, clone, personality walk their conditions
    for number in (0..470).filter(|number| !guarded.contains(number)) {
        let (_, steps) = run(&program, X86_64, number, [0; 6]);
        assert!(steps <= 14, "system call {number} takes {steps} steps");
    }
}

#[test]
fn operators_compare_all_64_bits() {
    let high = 1_u64 << 40;
    for (operator, value, two, argument, holds) in [
        ("SCMP_CMP_EQ", high, 0, high, true),
        ("SCMP_CMP_EQ", high, 0, high + 1, false),
        ("SCMP_CMP_EQ", 0, 0, high, false),
        ("SCMP_CMP_NE", high, 0, 0, true),
        ("SCMP_CMP_NE", high, 0, high, false),
        ("SCMP_CMP_LT", high, 0, high - 1, true),
        ("SCMP_CMP_LT", high, 0, high, false),
        ("SCMP_CMP_LT", 5, 0, high, false),
        ("SCMP_CMP_LE", high, 0, high, true),
        ("SCMP_CMP_LE", high, 0, high + 1, false),
        ("SCMP_CMP_GE", high, 0, high, true),
        ("SCMP_CMP_GE", high, 0, high - 1, false),
        ("SCMP_CMP_GT", 5, 0, high, true),
        ("SCMP_CMP_GT", high, 0, high, false),
        ("SCMP_CMP_MASKED_EQ", high | 1, high, high | 2, true),
        ("SCMP_CMP_MASKED_EQ", high | 1, high, high | 3, false),
    ] {
        let profile: LinuxSeccomp = serde_json::from_str(&format!(
            r#"{{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{{"names":["kill"],
                "action":"SCMP_ACT_ERRNO","errnoRet":7,
                "args":[{{"index":1,"value":{value},"valueTwo":{two},"op":"{operator}"}}]}}]}}"#
        ))
        .unwrap();
        let program = compile(&profile).unwrap().program;
        let expect = if holds { RET_ERRNO | 7 } else { RET_ALLOW };
        assert_eq!(
            call(&program, "kill", &[0, argument]),
            expect,
            "{argument} {operator} {value}"
        );
    }
}

#[test]
fn a_filter_that_notifies_has_a_listener_that_can_be_handed_over() {
    let profile = |default: &str, name: &str, path: &str| -> LinuxSeccomp {
        serde_json::from_str(&format!(
            r#"{{"defaultAction":"{default}","listenerPath":"{path}","listenerMetadata":"who",
                "flags":["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],
                "syscalls":[{{"names":["{name}"],"action":"SCMP_ACT_NOTIFY"}}]}}"#
        ))
        .unwrap()
    };
    let filter = compile(&profile("SCMP_ACT_ALLOW", "mount", "/run/agent")).unwrap();
    assert_eq!(call(&filter.program, "mount", &[]), RET_NOTIFY);
    assert_eq!(filter.flags, FLAG_WAIT_KILLABLE);
    let listener = filter.listener.unwrap();
    assert_eq!(
        (listener.path.to_str(), listener.metadata.as_str()),
        (Some("/run/agent"), "who")
    );
    for (default, name, path, word) in [
        ("SCMP_ACT_ALLOW", "mount", "", "listenerPath"),
        ("SCMP_ACT_ALLOW", "mount", "run/agent", "listenerPath"),
        ("SCMP_ACT_ALLOW", "sendmsg", "/run/agent", "sendmsg"),
        ("SCMP_ACT_NOTIFY", "mount", "/run/agent", "defaultAction"),
    ] {
        let error = compile(&profile(default, name, path))
            .unwrap_err()
            .to_string();
        assert!(error.contains(word), "{default} {name} {path}: {error}");
    }
}
