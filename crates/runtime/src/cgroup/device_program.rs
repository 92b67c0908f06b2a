//! Device rules as an eBPF program: v2 has no files for them.
//!
//! The last rule that matches decides, so the program asks the last one first. No match allows, as a v1
//! cgroup does that was given no rule.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

use terrarium_sys::bpf::{Instruction, attach_device_program, load_device_program};

use super::devices::{Kind, Rule};
use crate::error::{Context, Result};

const READ: i32 = 2;
const WRITE: i32 = 4;
const MAKE: i32 = 1;

// Registers: the context and scratch, then what the process wants.
const SCRATCH: u8 = 1;
const KIND: u8 = 2;
const ACCESS: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;

const LOAD_WORD: u8 = 0x61;
const AND: u8 = 0x54;
const SHIFT_RIGHT: u8 = 0x74;
const COPY: u8 = 0xbc;
const SET: u8 = 0xb7;
const JUMP_NOT_EQUAL: u8 = 0x55;
const JUMP_NOT_EQUAL_REGISTER: u8 = 0x5d;
const JUMP_EQUAL: u8 = 0x15;
const EXIT: u8 = 0x95;

/// Loads the program and attaches it to the container's cgroup.
pub(super) fn attach(directory: &Path, rules: &[Rule]) -> Result<()> {
    let program = load_device_program(&program(rules)).doing(|| "load the device program")?;
    let cgroup = File::open(directory).doing(|| format!("open {directory:?}"))?;
    attach_device_program(cgroup.as_fd(), program.as_fd())
        .doing(|| format!("attach the device program to {directory:?}"))
}

fn program(rules: &[Rule]) -> Vec<Instruction> {
    // `struct bpf_cgroup_dev_ctx`: access << 16 | type, major, minor.
    let mut code = vec![
        load(KIND, 0),
        immediate(AND, KIND, 0xffff),
        load(ACCESS, 0),
        immediate(SHIFT_RIGHT, ACCESS, 16),
        load(MAJOR, 4),
        load(MINOR, 8),
    ];
    for rule in rules.iter().rev() {
        let block = block(rule);
        let is_final = block.len() == answer(true).len();
        code.extend(block);
        if is_final {
            // What follows can never be reached, and the verifier refuses such programs.
            return code;
        }
    }
    code.extend(answer(true));
    code
}

/// Tests that jump behind the block when they fail, then the answer.
fn block(rule: &Rule) -> Vec<Instruction> {
    let mut tests = Vec::new();
    match rule.kind {
        Kind::All => {}
        Kind::Block => tests.push(immediate(JUMP_NOT_EQUAL, KIND, 1)),
        Kind::Character => tests.push(immediate(JUMP_NOT_EQUAL, KIND, 2)),
    }
    let letters = [('r', READ), ('w', WRITE), ('m', MAKE)];
    let mask: i32 = letters
        .iter()
        .filter(|(letter, _)| rule.access.contains(*letter))
        .map(|(_, bit)| bit)
        .sum();
    if mask != READ | WRITE | MAKE {
        tests.push(instruction(COPY, SCRATCH, ACCESS, 0));
        tests.push(immediate(AND, SCRATCH, mask));
        // Allowed is what asks for nothing more; denied is what asks for any of it.
        tests.push(if rule.allow {
            instruction(JUMP_NOT_EQUAL_REGISTER, SCRATCH, ACCESS, 0)
        } else {
            immediate(JUMP_EQUAL, SCRATCH, 0)
        });
    }
    for (register, number) in [(MAJOR, rule.major), (MINOR, rule.minor)] {
        let number = number.and_then(|number| i32::try_from(number).ok());
        tests.extend(number.map(|number| immediate(JUMP_NOT_EQUAL, register, number)));
    }
    let answer = answer(rule.allow);
    let length = tests.len() + answer.len();
    for (index, test) in tests.iter_mut().enumerate() {
        if [JUMP_NOT_EQUAL, JUMP_NOT_EQUAL_REGISTER, JUMP_EQUAL].contains(&test.code) {
            // At most 8 instructions in a block.
            test.offset = (length - index - 1) as i16;
        }
    }
    tests.extend(answer);
    tests
}

fn answer(allow: bool) -> [Instruction; 2] {
    [immediate(SET, 0, i32::from(allow)), immediate(EXIT, 0, 0)]
}

fn load(register: u8, offset: i16) -> Instruction {
    let mut load = instruction(LOAD_WORD, register, SCRATCH, 0);
    load.offset = offset;
    load
}

fn immediate(code: u8, register: u8, immediate: i32) -> Instruction {
    instruction(code, register, 0, immediate)
}

fn instruction(code: u8, destination: u8, source: u8, immediate: i32) -> Instruction {
    Instruction {
        code,
        registers: destination | source << 4,
        offset: 0,
        immediate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(allow: bool, kind: Kind, major: Option<i64>, access: &str) -> Rule {
        Rule {
            allow,
            kind,
            major,
            minor: None,
            access: access.to_owned(),
        }
    }

    #[test]
    fn failing_tests_jump_exactly_behind_their_block() {
        let block = block(&rule(false, Kind::Character, Some(10), "w"));
        for (index, test) in block
            .iter()
            .enumerate()
            .filter(|(_, test)| test.offset != 0)
        {
            assert_eq!(index + 1 + test.offset as usize, block.len());
        }
        assert_eq!(block.last().map(|last| last.code), Some(EXIT));
    }

    #[test]
    fn the_last_rule_is_asked_first() {
        let rules = [
            rule(false, Kind::All, None, "rwm"),
            rule(true, Kind::Block, None, "rwm"),
        ];
        let code = program(&rules);
        assert_eq!(
            code[6],
            Instruction {
                offset: 2,
                ..immediate(JUMP_NOT_EQUAL, KIND, 1)
            }
        );
        assert_eq!(code[7..9], answer(true));
        assert_eq!(
            code[9..],
            answer(false),
            "nothing behind a rule that always matches"
        );
    }
}
