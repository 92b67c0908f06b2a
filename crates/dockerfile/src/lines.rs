use crate::Span;

/// One line of the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    /// Without its end, `\n` or `\r\n`, and without the mark of byte order of a first line.
    pub(crate) text: &'a str,
    /// Where that text starts.
    pub(crate) at: usize,
    /// All of the line.
    pub(crate) span: Span,
}

impl Line<'_> {
    pub(crate) fn is_comment(&self) -> bool {
        self.text.trim_start().starts_with('#')
    }

    pub(crate) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

pub(crate) fn lines(text: &str) -> Vec<Line<'_>> {
    let mut start = 0;
    let mut found = Vec::new();
    for raw in text.split_inclusive('\n') {
        let end = start + raw.len();
        let mark = if start == 0 && raw.starts_with('\u{feff}') {
            3
        } else {
            0
        };
        let body = raw[mark..].trim_end_matches('\n').trim_end_matches('\r');
        found.push(Line {
            text: body,
            at: start + mark,
            span: Span::new(start, end),
        });
        start = end;
    }
    found
}

/// What a line says before the escape character at its end; nothing where it does not go on in the next line.
///
/// A doubled escape character is a character and continues nothing.
pub(crate) fn before_continuation(line: &str, escape: char) -> Option<&str> {
    let trimmed = line.trim_end_matches([' ', '\t']);
    let body = trimmed.strip_suffix(escape)?;
    // The reference only looks at the one character before.
    (!body.ends_with('\\') || body.is_empty()).then_some(body)
}

/// Lines that continue each other, joined, with the way back to the file.
#[derive(Debug, Default, Clone)]
pub(crate) struct Logical {
    pub(crate) text: String,
    /// Pairs of (byte here, byte in the file), ascending.
    pieces: Vec<(usize, usize)>,
}

impl Logical {
    pub(crate) fn push(&mut self, text: &str, at: usize) {
        self.pieces.push((self.text.len(), at));
        self.text.push_str(text);
    }

    fn in_file(&self, byte: usize) -> usize {
        let after = self.pieces.partition_point(|(here, _)| *here <= byte);
        let (here, there) = self.pieces[after.saturating_sub(1)];
        there + byte - here
    }

    /// The span in the file of a range that is not empty, or the place of an empty one.
    pub(crate) fn span(&self, start: usize, end: usize) -> Span {
        if self.pieces.is_empty() {
            return Span::default();
        }
        let first = self.in_file(start);
        let last = if end > start {
            self.in_file(end - 1) + 1
        } else {
            first
        };
        Span::new(first, last.max(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_single_escape_at_the_end_continues() {
        for (line, expect) in [
            ("RUN a \\", Some("RUN a ")),
            ("RUN a \\ \t", Some("RUN a ")),
            ("\\", Some("")),
            ("ENV C a\\\\", None),
            ("RUN a", None),
        ] {
            assert_eq!(before_continuation(line, '\\'), expect, "{line}");
        }
        assert_eq!(before_continuation("ENV A `", '`'), Some("ENV A "));
    }

    #[test]
    fn joined_lines_know_where_they_came_from() {
        let mut logical = Logical::default();
        logical.push("RUN a ", 0);
        logical.push("b", 20);
        assert_eq!(logical.span(4, 7), Span::new(4, 21));
        assert_eq!(logical.span(6, 7), Span::new(20, 21));
    }
}
