/// A pattern of paths.
///
/// `*` and `?` match inside one name, `[a-z]` one character of it, `\` takes the meaning from the next character. Where
/// asked for, `**` matches any number of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    names: Vec<Name>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    /// `**`
    Deep,
    Pattern(Vec<Piece>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Any,
    One,
    Exactly(char),
    Class {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
}

impl Glob {
    /// Reads a pattern; nothing where a bracket is not closed.
    #[must_use]
    pub fn new(pattern: &str) -> Option<Self> {
        let names = pattern
            .split('/')
            .filter(|name| !name.is_empty() && *name != ".");
        let names: Option<Vec<_>> = names
            .map(|name| {
                if name == "**" {
                    Some(Name::Deep)
                } else {
                    pieces(name).map(Name::Pattern)
                }
            })
            .collect();
        names.map(|names| Self { names })
    }

    /// Whether it matches all of a path, whose names are joined by `/`.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        self.reach(&parts)[parts.len()]
    }

    /// Whether it matches a path or a folder above it.
    #[must_use]
    pub fn matches_in(&self, path: &str) -> bool {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        self.reach(&parts).iter().skip(1).any(|reached| *reached)
    }

    /// Whether something below a folder can match.
    #[must_use]
    pub fn can_match_below(&self, folder: &str) -> bool {
        let parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
        let mut states = vec![false; self.names.len() + 1];
        states[0] = true;
        self.skip_deep(&mut states);
        for part in parts {
            states = self.step(&states, part);
        }
        states.iter().take(self.names.len()).any(|open| *open)
    }

    /// For every number of leading parts, whether the whole pattern matches exactly those.
    fn reach(&self, parts: &[&str]) -> Vec<bool> {
        let mut states = vec![false; self.names.len() + 1];
        states[0] = true;
        self.skip_deep(&mut states);
        let mut found = vec![states[self.names.len()]];
        for part in parts {
            states = self.step(&states, part);
            found.push(states[self.names.len()]);
        }
        found
    }

    /// A `**` may match no name at all.
    fn skip_deep(&self, states: &mut [bool]) {
        for (index, name) in self.names.iter().enumerate() {
            // A last `**` stands for something inside: `a/**` is not `a`.
            let last = index + 1 == self.names.len() && self.names.len() > 1;
            if states[index] && *name == Name::Deep && !last {
                states[index + 1] = true;
            }
        }
    }

    fn step(&self, states: &[bool], part: &str) -> Vec<bool> {
        let mut next = vec![false; states.len()];
        for (index, name) in self.names.iter().enumerate() {
            if !states[index] {
                continue;
            }
            match name {
                Name::Deep => {
                    next[index] = true;
                    next[index + 1] = true;
                }
                Name::Pattern(pieces) => next[index + 1] |= matches(pieces, part),
            }
        }
        self.skip_deep(&mut next);
        next
    }
}

fn pieces(name: &str) -> Option<Vec<Piece>> {
    let mut characters = name.chars();
    let mut found = Vec::new();
    while let Some(character) = characters.next() {
        found.push(match character {
            '*' if found.last() == Some(&Piece::Any) => continue,
            '*' => Piece::Any,
            '?' => Piece::One,
            '\\' => Piece::Exactly(characters.next().unwrap_or('\\')),
            '[' => class(&mut characters)?,
            other => Piece::Exactly(other),
        });
    }
    Some(found)
}

fn class(characters: &mut std::str::Chars<'_>) -> Option<Piece> {
    let mut ranges = Vec::new();
    let mut negated = false;
    if let Some(rest) = characters.as_str().strip_prefix('^') {
        negated = true;
        *characters = rest.chars();
    }
    loop {
        let low = match characters.next()? {
            ']' if !ranges.is_empty() => return Some(Piece::Class { ranges, negated }),
            '\\' => characters.next()?,
            other => other,
        };
        let rest = characters.as_str();
        if rest.starts_with('-') && !rest[1..].starts_with(']') {
            characters.next();
            let high = match characters.next()? {
                '\\' => characters.next()?,
                other => other,
            };
            ranges.push((low, high));
        } else {
            ranges.push((low, low));
        }
    }
}

/// Whether the pieces match a name. Going back to the last `*` only keeps this from taking exponential time.
fn matches(pieces: &[Piece], name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let (mut piece, mut at) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while at < name.len() {
        let fits = match pieces.get(piece) {
            Some(Piece::Any) => {
                back = Some((piece + 1, at));
                piece += 1;
                continue;
            }
            Some(Piece::One) => true,
            Some(Piece::Exactly(character)) => *character == name[at],
            Some(Piece::Class { ranges, negated }) => {
                ranges
                    .iter()
                    .any(|(low, high)| (low..=high).contains(&&name[at]))
                    != *negated
            }
            None => false,
        };
        if fits {
            piece += 1;
            at += 1;
        } else if let Some((after, from)) = back {
            back = Some((after, from + 1));
            piece = after;
            at = from + 1;
        } else {
            return false;
        }
    }
    pieces[piece..].iter().all(|piece| *piece == Piece::Any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_paths() {
        for (pattern, path, expect) in [
            ("*.go", "main.go", true),
            ("*.go", "a/main.go", false),
            ("**/*.go", "main.go", true),
            ("**/*.go", "a/b/main.go", true),
            ("a/**/z", "a/z", true),
            ("a/**/z", "a/b/c/z", true),
            ("a/**", "a", false),
            ("a/**", "a/b/c", true),
            ("**", "a/b", true),
            ("fi?e", "file", true),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("a\\*b", "a*b", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXbY", false),
        ] {
            assert_eq!(
                Glob::new(pattern).unwrap().matches(path),
                expect,
                "{pattern} {path}"
            );
        }
        assert_eq!(Glob::new("[a"), None);
    }

    #[test]
    fn a_hostile_pattern_takes_no_time() {
        let pattern = Glob::new(&"*a".repeat(2000)).unwrap();
        assert!(!pattern.matches(&"a".repeat(1999)));
    }

    #[test]
    fn a_folder_that_can_hold_a_match_is_worth_a_look() {
        let pattern = Glob::new("src/**/*.rs").unwrap();
        assert!(pattern.can_match_below("src/a/b"));
        assert!(!pattern.can_match_below("docs"));
    }
}
