use crate::Fault;

/// A change of permissions, in octal or as `u+x,go-w`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Permissions(Vec<Change>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Change {
    Exactly(u32),
    Symbolic {
        who: u32,
        operator: char,
        what: String,
    },
}

impl Permissions {
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        let fault = || Fault::FlagValue {
            flag: "chmod",
            value: text.to_owned(),
        };
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            let mode = u32::from_str_radix(text, 8)
                .ok()
                .filter(|mode| *mode <= 0o7777);
            return Ok(Self(vec![Change::Exactly(mode.ok_or_else(fault)?)]));
        }
        let changes: Option<Vec<Change>> = text.split(',').map(change).collect();
        changes.map(Self).ok_or_else(fault)
    }

    pub(crate) fn apply(&self, mode: u32, is_folder: bool) -> u32 {
        self.0.iter().fold(mode, |mode, change| match change {
            Change::Exactly(exactly) => *exactly,
            Change::Symbolic {
                who,
                operator,
                what,
            } => {
                let bits = bits(what, mode, is_folder) & who;
                match operator {
                    '+' => mode | bits,
                    '-' => mode & !bits,
                    _ => (mode & !who) | bits,
                }
            }
        })
    }
}

fn change(text: &str) -> Option<Change> {
    let at = text.find(['+', '-', '='])?;
    let (people, rest) = text.split_at(at);
    let (operator, what) = rest.split_at(1);
    let mut who = 0;
    for person in people.chars() {
        who |= match person {
            'u' => 0o4700,
            'g' => 0o2070,
            'o' => 0o1007,
            'a' => 0o7777,
            _ => return None,
        };
    }
    let known = what.chars().all(|c| "rwxXst".contains(c));
    known.then(|| Change::Symbolic {
        who: if who == 0 { 0o7777 } else { who },
        operator: operator.chars().next().expect("it was split after one"),
        what: what.to_owned(),
    })
}

fn bits(what: &str, mode: u32, is_folder: bool) -> u32 {
    what.chars().fold(0, |bits, c| {
        bits | match c {
            'r' => 0o444,
            'w' => 0o222,
            'x' => 0o111,
            'X' if is_folder || mode & 0o111 != 0 => 0o111,
            's' => 0o6000,
            't' => 0o1000,
            _ => 0,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_changed_as_chmod_does() {
        for (text, before, after) in [
            ("755", 0o600, 0o755),
            ("+x", 0o644, 0o755),
            ("u+x,go-r", 0o644, 0o700),
            ("a=rX", 0o640, 0o444),
            ("g=u", 0, 0),
        ] {
            match Permissions::parse(text) {
                Ok(permissions) => assert_eq!(permissions.apply(before, false), after, "{text}"),
                Err(_) => assert_eq!(text, "g=u"),
            }
        }
        assert!(Permissions::parse("99").is_err());
        assert_eq!(Permissions::parse("a+X").unwrap().apply(0o644, true), 0o755);
    }
}
