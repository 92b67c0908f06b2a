//! From intervals of numbers to a balanced tree of BPF instructions.

use terrarium_sys::seccomp::Instruction;

use super::conditions;
use super::numbers::Abi;
use super::{Condition, RET_KILL_PROCESS, Rules};

pub(super) const LOAD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
pub(super) const AND: u16 = 0x54; // BPF_ALU | BPF_AND | BPF_K
pub(super) const JEQ: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
pub(super) const JGT: u16 = 0x25; // BPF_JMP | BPF_JGT | BPF_K
pub(super) const JGE: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const JUMP: u16 = 0x05; // BPF_JMP | BPF_JA
pub(super) const RETURN: u16 = 0x06; // BPF_RET | BPF_K

const NUMBER_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;
const X32_BIT: u32 = 0x4000_0000;

/// What happens to all numbers of one interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Leaf {
    /// One action.
    Return(u32),
    /// Rules with conditions on arguments, then the action that remains.
    Guarded(Vec<(Vec<Condition>, u32)>, u32),
}

impl Leaf {
    pub(super) fn of(rules: Rules, default: u32) -> Self {
        let last = rules.unconditional.unwrap_or(default);
        let mut guarded = rules.guarded;
        guarded.retain(|(_, action)| *action != last);
        if guarded.is_empty() {
            Self::Return(last)
        } else {
            Self::Guarded(guarded, last)
        }
    }

    fn emit(&self) -> Vec<Instruction> {
        let (guarded, last) = match self {
            Self::Return(action) => return vec![ret(*action)],
            Self::Guarded(guarded, last) => (guarded, *last),
        };
        let mut code = Vec::new();
        for (conditions, action) in guarded {
            code.extend(conditions::rule(conditions, *action));
        }
        code.push(ret(last));
        code
    }
}

/// The part of the filter for one ABI: first number of each interval and its treatment.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) abi: Abi,
    pub(super) leaves: Vec<(u32, Leaf)>,
}

/// The whole filter. The first section is tested first; unknown ABIs kill the process.
pub(super) fn program(sections: &[Section]) -> Vec<Instruction> {
    let x32 = sections.iter().find(|section| section.abi == Abi::X32);
    let mut code = vec![instruction(LOAD, ARCHITECTURE_AT, 0, 0)];
    for section in sections.iter().filter(|section| section.abi != Abi::X32) {
        let mut body = vec![instruction(LOAD, NUMBER_AT, 0, 0)];
        let native = tree(&section.leaves);
        if section.abi == Abi::X86_64 {
            let x32 = x32.map_or_else(|| vec![ret(RET_KILL_PROCESS)], x32_tree);
            body.extend(branch(JGE, X32_BIT, native, x32));
        } else {
            body.extend(native);
        }
        // Equal: skip the jump into the section; unequal: jump behind it.
        code.push(instruction(JEQ, section.abi.audit(), 1, 0));
        code.push(instruction(JUMP, body.len() as u32, 0, 0));
        code.extend(body);
    }
    code.push(ret(RET_KILL_PROCESS));
    code
}

/// x32 numbers carry bit 30, so its intervals do too.
fn x32_tree(section: &Section) -> Vec<Instruction> {
    let leaves: Vec<_> = section
        .leaves
        .iter()
        .map(|(start, leaf)| (start | X32_BIT, leaf.clone()))
        .collect();
    tree(&leaves)
}

fn tree(leaves: &[(u32, Leaf)]) -> Vec<Instruction> {
    match leaves {
        [] => Vec::new(),
        [(_, leaf)] => leaf.emit(),
        _ => {
            let (left, right) = leaves.split_at(leaves.len() / 2);
            branch(JGE, right[0].0, tree(left), tree(right))
        }
    }
}

/// `if accumulator OP operand { yes } else { no }`, with `no` first in memory.
fn branch(
    operation: u16,
    operand: u32,
    no: Vec<Instruction>,
    yes: Vec<Instruction>,
) -> Vec<Instruction> {
    let mut code = Vec::with_capacity(no.len() + yes.len() + 2);
    match u8::try_from(no.len()) {
        Ok(distance) => code.push(instruction(operation, operand, distance, 0)),
        Err(_) => {
            // A conditional jump reaches 255 instructions, an unconditional one any distance.
            code.push(instruction(operation, operand, 0, 1));
            code.push(instruction(JUMP, no.len() as u32, 0, 0));
        }
    }
    code.extend(no);
    code.extend(yes);
    code
}

fn ret(action: u32) -> Instruction {
    instruction(RETURN, action, 0, 0)
}

pub(super) fn instruction(code: u16, operand: u32, yes: u8, no: u8) -> Instruction {
    Instruction {
        code,
        jump_true: yes,
        jump_false: no,
        operand,
    }
}
