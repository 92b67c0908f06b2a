/// A range of bytes in the text of a Dockerfile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

impl Span {
    /// The range from `start` up to `end`.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// Whether a byte lies in it.
    #[must_use]
    pub fn contains(&self, byte: usize) -> bool {
        (self.start..self.end).contains(&byte)
    }
}

/// A place in a text as people count: both from 1, columns in characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in it.
    pub column: usize,
}

impl Position {
    /// Where a byte of a text is. A byte past its end or inside a character counts as the place before.
    #[must_use]
    pub fn of(text: &str, byte: usize) -> Self {
        let mut byte = byte.min(text.len());
        while !text.is_char_boundary(byte) {
            byte -= 1;
        }
        let before = &text[..byte];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_not_bytes() {
        let text = "FROM a\nRUN 안녕 x";
        let at = text.find('x').unwrap();
        assert_eq!(Position::of(text, at), Position { line: 2, column: 8 });
        assert_eq!(Position::of(text, at - 2).line, 2);
        assert_eq!(Position::of(text, 999).line, 2);
    }
}
