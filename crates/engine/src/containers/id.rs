use std::fmt;

use serde::{Deserialize, Serialize};

/// Names a container: 64 hexadecimal digits, of which people see the first twelve.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct ContainerId(String);

impl ContainerId {
    /// A new one that has at least one letter among its first twelve digits: a short id of digits
    /// alone would be taken for a number by a shell script, and for a process id by a person.
    pub(crate) fn random() -> Self {
        loop {
            let bytes: [u8; 32] = rand::random();
            let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            if text[..12].bytes().any(|digit| digit.is_ascii_alphabetic()) {
                return Self(text);
            }
        }
    }

    /// All digits.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve digits.
    pub(crate) fn short(&self) -> &str {
        &self.0[..12]
    }
}

impl TryFrom<String> for ContainerId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 64 && text.bytes().all(digit) {
            Ok(Self(text))
        } else {
            Err("a container id is 64 hexadecimal digits")
        }
    }
}

impl From<ContainerId> for String {
    fn from(id: ContainerId) -> Self {
        id.0
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_and_nothing_else_is_one() {
        let id = ContainerId::random();
        assert_eq!(ContainerId::try_from(id.to_string()), Ok(id.clone()));
        assert_eq!(id.short().len(), 12);
        for bad in ["", "abc", "../../etc", &"G".repeat(64), &"A".repeat(64)] {
            assert!(ContainerId::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
    }
}
