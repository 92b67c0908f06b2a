//! The patterns of the `reference` filter, as Go's `path.Match`.

/// `pattern` matches all of `text`; `*` and `?` do not match a slash.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    // Where the pattern goes on, and where the text does, when the last star takes one more.
    let mut star: Option<(usize, usize)> = None;
    let (mut at, mut read) = (0, 0);
    while read < text.len() {
        if pattern.get(at) == Some(&'*') {
            star = Some((at + 1, read));
            at += 1;
            continue;
        }
        if let Some(length) = one(&pattern[at..], text[read]) {
            at += length;
            read += 1;
            continue;
        }
        match star {
            Some((after, taken)) if text[taken] != '/' => {
                star = Some((after, taken + 1));
                (at, read) = (after, taken + 1);
            }
            _ => return false,
        }
    }
    pattern[at..].iter().all(|char| *char == '*')
}

/// How many characters of the pattern match this one character.
fn one(pattern: &[char], char: char) -> Option<usize> {
    match pattern.first()? {
        '?' => (char != '/').then_some(1),
        '\\' => (pattern.get(1) == Some(&char)).then_some(2),
        '[' => {
            let end = pattern.iter().skip(2).position(|char| *char == ']')? + 2;
            let (negated, set) = match pattern[1] {
                '^' => (true, &pattern[2..end]),
                _ => (false, &pattern[1..end]),
            };
            (in_set(set, char) != negated).then_some(end + 1)
        }
        plain => (*plain == char).then_some(1),
    }
}

fn in_set(set: &[char], char: char) -> bool {
    let mut rest = set;
    while let Some(first) = rest.first() {
        if let [low, '-', high, ..] = rest {
            if (low..=high).contains(&&char) {
                return true;
            }
            rest = &rest[3..];
        } else {
            if *first == char {
                return true;
            }
            rest = &rest[1..];
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_like_go_matches_them() {
        let check =
            |pattern, text, expect| assert_eq!(matches(pattern, text), expect, "{pattern} {text}");
        check("alpine", "alpine", true);
        check("al*", "alpine", true);
        check("*:3.?", "alpine:3.9", true);
        check("*", "acme/web", false);
        check("*/*", "acme/web", true);
        check("a*c*e", "abcde", true);
        check("a*c*e", "abcd", false);
        check("[a-c]x", "bx", true);
        check("[^a-c]x", "bx", false);
        check("[", "[", false);
        check("\\*", "*", true);
        check("", "", true);
        check("", "a", false);
        check("**", "abc", true);
    }

    #[test]
    fn no_pattern_takes_long() {
        let pattern = "a*".repeat(50) + "b";
        assert!(!matches(&pattern, &"a".repeat(2000)));
    }
}
