/// What a text in brackets is.
pub(crate) enum List {
    /// A list of strings.
    Strings(Vec<String>),
    /// JSON, but with something else in it.
    Others,
    /// No JSON; it is meant for a shell.
    No,
}

/// Reads `["a", "b"]`, strictly as JSON has it.
pub(crate) fn list(text: &str) -> List {
    let text = text.trim();
    if !text.starts_with('[') {
        return List::No;
    }
    let mut reader = Reader { rest: &text[1..] };
    match reader.strings() {
        Some(strings) if reader.rest.is_empty() => List::Strings(strings),
        Some(_) => List::No,
        None if reader.is_other_value() => List::Others,
        None => List::No,
    }
}

/// Writes a string so that [`list`] reads it back.
pub(crate) fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn eat(&mut self, expected: char) -> bool {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        match self.rest.strip_prefix(expected) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// The strings up to the closing bracket.
    fn strings(&mut self) -> Option<Vec<String>> {
        let mut found = Vec::new();
        if self.eat(']') {
            return Some(found);
        }
        loop {
            found.push(self.string()?);
            if self.eat(']') {
                return Some(found);
            }
            if !self.eat(',') {
                return None;
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        if !self.eat('"') {
            return None;
        }
        let mut text = String::new();
        loop {
            let character = self.next()?;
            match character {
                '"' => return Some(text),
                '\\' => text.push(self.escaped()?),
                c if c < ' ' => return None,
                c => text.push(c),
            }
        }
    }

    fn next(&mut self) -> Option<char> {
        let character = self.rest.chars().next()?;
        self.rest = &self.rest[character.len_utf8()..];
        Some(character)
    }

    fn escaped(&mut self) -> Option<char> {
        Some(match self.next()? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.unicode(),
            c @ ('"' | '\\' | '/') => c,
            _ => return None,
        })
    }

    /// Halves of a pair that stand alone become the replacement character, as in the peers.
    fn unicode(&mut self) -> Option<char> {
        let first = self.hex()?;
        if (0xd800..0xdc00).contains(&first) && self.rest.starts_with("\\u") {
            let before = self.rest;
            self.rest = &self.rest[2..];
            let second = self.hex()?;
            if (0xdc00..0xe000).contains(&second) {
                return char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00));
            }
            self.rest = before;
        }
        Some(char::from_u32(first).unwrap_or('\u{fffd}'))
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.rest.get(..4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.rest = &self.rest[4..];
        u32::from_str_radix(digits, 16).ok()
    }

    /// Whether a list, an object, a number or a word of JSON stands where a string should, and the list is closed.
    fn is_other_value(&mut self) -> bool {
        let rest = self.rest.trim_start();
        let starts = rest.starts_with([
            '[', '{', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
        ]) || ["true", "false", "null"]
            .iter()
            .any(|word| rest.starts_with(word));
        // `[ -f x ]` and `[[ a ]]` are commands of a shell; only what can be JSON to its end is a list.
        starts && rest.trim_end().ends_with(']') && self.plausible()
    }

    fn plausible(&self) -> bool {
        let plain = |c: char| c.is_ascii_digit() || " \t,[]{}:\"-+.eE".contains(c);
        let mut inside = false;
        let mut bare = String::new();
        for character in self.rest.chars() {
            match character {
                '"' => inside = !inside,
                _ if inside => {}
                c if c.is_ascii_alphabetic() => bare.push(c),
                c if !plain(c) => return false,
                _ => {
                    if !matches!(bare.as_str(), "" | "true" | "false" | "null" | "e" | "E") {
                        return false;
                    }
                    bare.clear();
                }
            }
        }
        // `[[ "$a" ]]` has its inner list end where the outer one does, and no comma between values.
        !inside && !self.rest.contains("]]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<&[&str]>) {
        let found = match list(text) {
            List::Strings(strings) => Some(strings),
            _ => None,
        };
        let expect = expect.map(|words| words.iter().map(|word| (*word).to_owned()).collect());
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn lists_are_read_as_json_and_nothing_else() {
        check("[]", Some(&[]));
        check(" [ \"a\" , \"b\\n\\u2665\" ] ", Some(&["a", "b\n♥"]));
        check("[\"\\ud83d\\ude00\"]", Some(&["😀"]));
        for other in [
            "['a']",
            "[\"a\"",
            "[\"a\",]",
            "[\"a\"] && b",
            "[ -f x ] && y",
            "a",
        ] {
            check(other, None);
            assert!(matches!(list(other), List::No), "{other}");
        }
        assert!(matches!(list("[ \"echo\", [ \"nested\" ] ]"), List::Others));
        assert!(matches!(list("[ \"a\", 1 ]"), List::Others));
    }
}
