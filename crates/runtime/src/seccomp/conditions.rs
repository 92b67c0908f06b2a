//! Comparisons of 64-bit arguments in a machine of 32-bit words.

use oci_spec::runtime::{LinuxSeccompArg, LinuxSeccompOperator};
use terrarium_sys::seccomp::Instruction;

use super::assemble::{AND, JEQ, JGE, JGT, LOAD, RETURN, instruction};
use crate::error::{Error, Result};

/// `argument[index] OP value`, for `MaskedEqual` `argument[index] & value == expected`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) index: u32,
    operator: Operator,
    value: u64,
    expected: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    NotEqual,
    Less,
    LessEqual,
    Equal,
    GreaterEqual,
    Greater,
    MaskedEqual,
}

/// Where a jump inside one condition goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Label {
    /// The next instruction.
    Next,
    /// The condition holds: behind it.
    Pass,
    /// It does not: behind the whole rule.
    Fail,
}

type Line = (u16, u32, Label, Label);

impl Condition {
    pub(super) fn new(arg: &LinuxSeccompArg) -> Result<Self> {
        let index = u32::try_from(arg.index()).ok().filter(|index| *index < 6);
        let no_such = || Error::InvalidSpec(format!("seccomp argument {} of 0 to 5", arg.index()));
        let operator = match arg.op() {
            LinuxSeccompOperator::ScmpCmpNe => Operator::NotEqual,
            LinuxSeccompOperator::ScmpCmpLt => Operator::Less,
            LinuxSeccompOperator::ScmpCmpLe => Operator::LessEqual,
            LinuxSeccompOperator::ScmpCmpEq => Operator::Equal,
            LinuxSeccompOperator::ScmpCmpGe => Operator::GreaterEqual,
            LinuxSeccompOperator::ScmpCmpGt => Operator::Greater,
            LinuxSeccompOperator::ScmpCmpMaskedEq => Operator::MaskedEqual,
        };
        Ok(Self {
            index: index.ok_or_else(no_such)?,
            operator,
            value: arg.value(),
            expected: arg.value_two().unwrap_or(0),
        })
    }

    fn lines(&self) -> Vec<Line> {
        use Label::{Fail, Next, Pass};
        // `struct seccomp_data`: the arguments start at 16; both architectures are little-endian.
        let low_at = 16 + 8 * self.index;
        let high_at = low_at + 4;
        let (high, low) = ((self.value >> 32) as u32, self.value as u32);
        let load = |offset: u32| (LOAD, offset, Next, Next);
        match self.operator {
            Operator::Equal => vec![
                load(high_at),
                (JEQ, high, Next, Fail),
                load(low_at),
                (JEQ, low, Pass, Fail),
            ],
            Operator::NotEqual => vec![
                load(high_at),
                (JEQ, high, Next, Pass),
                load(low_at),
                (JEQ, low, Fail, Pass),
            ],
            Operator::Greater | Operator::GreaterEqual => vec![
                load(high_at),
                (JGT, high, Pass, Next),
                (JEQ, high, Next, Fail),
                load(low_at),
                (
                    if self.operator == Operator::Greater {
                        JGT
                    } else {
                        JGE
                    },
                    low,
                    Pass,
                    Fail,
                ),
            ],
            Operator::Less | Operator::LessEqual => vec![
                load(high_at),
                (JGT, high, Fail, Next),
                (JEQ, high, Next, Pass),
                load(low_at),
                (
                    if self.operator == Operator::Less {
                        JGE
                    } else {
                        JGT
                    },
                    low,
                    Fail,
                    Pass,
                ),
            ],
            Operator::MaskedEqual => vec![
                load(high_at),
                (AND, high, Next, Next),
                (JEQ, (self.expected >> 32) as u32, Next, Fail),
                load(low_at),
                (AND, low, Next, Next),
                (JEQ, self.expected as u32, Pass, Fail),
            ],
        }
    }
}

/// One rule: returns `action` when all conditions hold, else falls through behind itself.
pub(super) fn rule(conditions: &[Condition], action: u32) -> Vec<Instruction> {
    let blocks: Vec<_> = conditions.iter().map(Condition::lines).collect();
    // At most 6 arguments of 6 lines: every distance fits the 8 bits of a jump.
    let total: usize = blocks.iter().map(Vec::len).sum();
    let mut code = Vec::with_capacity(total + 1);
    for block in &blocks {
        let end = code.len() + block.len();
        for (operation, operand, yes, no) in block {
            let here = code.len() + 1;
            let distance = |label: Label| match label {
                Label::Next => 0,
                Label::Pass => (end - here) as u8,
                Label::Fail => (total + 1 - here) as u8,
            };
            code.push(instruction(
                *operation,
                *operand,
                distance(*yes),
                distance(*no),
            ));
        }
    }
    code.push(instruction(RETURN, action, 0, 0));
    code
}
