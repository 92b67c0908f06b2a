//! The text in pieces that an editor colors.

use crate::{Dockerfile, Item, Node, Span};

/// A piece of the text that stands out. Pieces come in order and do not overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Where.
    pub span: Span,
    /// As what.
    pub kind: TokenKind,
}

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "they are the words of the language")]
pub enum TokenKind {
    Comment,
    Directive,
    Keyword,
    Flag,
    String,
    Variable,
    Document,
    Continuation,
}

impl Dockerfile {
    /// What stands out in the text.
    #[must_use]
    pub fn tokens(&self) -> Vec<Token> {
        let mut scan = Scan {
            text: &self.text,
            escape: self.escape,
            tokens: Vec::new(),
        };
        for item in &self.items {
            match item {
                Item::Directive(span) => scan.line(*span, TokenKind::Directive),
                Item::Comment(span) => scan.line(*span, TokenKind::Comment),
                Item::Instruction(node) => scan.node(node),
                Item::Blank(_) => {}
            }
        }
        scan.tokens
    }
}

struct Scan<'a> {
    text: &'a str,
    escape: char,
    tokens: Vec<Token>,
}

impl Scan<'_> {
    fn push(&mut self, start: usize, end: usize, kind: TokenKind) {
        if end > start {
            let span = Span::new(start, end);
            self.tokens.push(Token { span, kind });
        }
    }

    fn line(&mut self, span: Span, kind: TokenKind) {
        let text = &self.text[span.start..span.end];
        let end = span.start + text.trim_end().len();
        self.push(span.start + text.len() - text.trim_start().len(), end, kind);
    }

    fn node(&mut self, node: &Node) {
        self.push(node.word.span.start, node.word.span.end, TokenKind::Keyword);
        let documents = node.heredocs.iter().map(|document| document.span.start);
        let end = documents.min().unwrap_or(node.span.end);
        let mut flags: Vec<Span> = node.flags.iter().map(|flag| flag.span).collect();
        if let Some(trigger) = &node.trigger {
            flags.push(trigger.word.span);
            flags.extend(trigger.flags.iter().map(|flag| flag.span));
        }
        self.arguments(node.word.span.end, end, &flags);
        for document in &node.heredocs {
            self.push(document.span.start, document.span.end, TokenKind::Document);
        }
    }

    /// Line by line: comments may stand between the lines of an instruction.
    fn arguments(&mut self, start: usize, end: usize, flags: &[Span]) {
        let mut at = start;
        for (index, line) in self.text[start..end].split_inclusive('\n').enumerate() {
            let stop = at + line.len();
            if index > 0 && line.trim_start().starts_with('#') {
                self.line(Span::new(at, stop), TokenKind::Comment);
            } else {
                self.words(at, at + line.trim_end().len(), flags);
            }
            at = stop;
        }
    }

    fn words(&mut self, mut at: usize, end: usize, flags: &[Span]) {
        while at < end {
            if let Some(flag) = flags.iter().find(|flag| flag.start == at) {
                let stop = flag.end.min(end);
                self.push(at, stop, TokenKind::Flag);
                at = stop;
                continue;
            }
            let rest = &self.text[at..end];
            let first = rest.chars().next().unwrap_or_default();
            at = match first {
                '"' | '\'' => self.string(at, end, first),
                '$' => self.variable(at, end),
                escape if escape == self.escape => {
                    if rest.len() == escape.len_utf8() {
                        self.push(at, end, TokenKind::Continuation);
                    }
                    // What it takes the meaning from is passed over.
                    at + rest.chars().take(2).map(char::len_utf8).sum::<usize>()
                }
                other => at + other.len_utf8(),
            };
        }
    }

    /// A quoted text, in which variables stand out where they expand. It ends with its line at the latest.
    fn string(&mut self, start: usize, end: usize, quote: char) -> usize {
        let mut from = start;
        let mut at = start + 1;
        while at < end {
            let Some(next) = self.text[at..end].chars().next() else {
                break;
            };
            if next == quote {
                at += 1;
                break;
            }
            if next == '$' && quote == '"' {
                self.push(from, at, TokenKind::String);
                at = self.variable(at, end);
                from = at;
            } else if next == self.escape && quote == '"' {
                let both = self.text[at..end].chars().take(2);
                at += both.map(char::len_utf8).sum::<usize>();
            } else {
                at += next.len_utf8();
            }
        }
        self.push(from, at, TokenKind::String);
        at
    }

    fn variable(&mut self, at: usize, end: usize) -> usize {
        let rest = &self.text[at + 1..end];
        let len = if rest.starts_with('{') {
            rest.find('}').map_or(rest.len(), |close| close + 1)
        } else {
            let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            rest.find(|c| !name(c)).unwrap_or(rest.len())
        };
        let stop = at + 1 + len;
        if len > 0 {
            self.push(at, stop, TokenKind::Variable);
        }
        stop
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_in_order_and_say_what_they_are() {
        let text = "# syntax=x\n# hi\nFROM a AS b\nCOPY --from=b \"a $X\" ${Y} /c\nRUN x \\\n # why\n 'y'\nRUN <<E\nz\nE\n";
        let dockerfile = Dockerfile::parse(text);
        let seen: Vec<_> = dockerfile
            .tokens()
            .iter()
            .map(|token| (&text[token.span.start..token.span.end], token.kind))
            .collect();
        use TokenKind as T;
        assert_eq!(
            seen,
            [
                ("# syntax=x", T::Directive),
                ("# hi", T::Comment),
                ("FROM", T::Keyword),
                ("COPY", T::Keyword),
                ("--from=b", T::Flag),
                ("\"a ", T::String),
                ("$X", T::Variable),
                ("\"", T::String),
                ("${Y}", T::Variable),
                ("RUN", T::Keyword),
                ("\\", T::Continuation),
                ("# why", T::Comment),
                ("'y'", T::String),
                ("RUN", T::Keyword),
                ("z\nE\n", T::Document),
            ]
        );
    }

    #[test]
    fn odd_texts_give_pieces_inside_the_text() {
        for text in [
            "RUN \"",
            "RUN $",
            "RUN ${",
            "RUN \\",
            "RUN '\\",
            "ONBUILD RUN \"é$é\" \\é",
            "\u{feff}RUN é\"$é",
        ] {
            let mut last = 0;
            for token in Dockerfile::parse(text).tokens() {
                assert!(
                    token.span.start >= last && token.span.end <= text.len(),
                    "{text}"
                );
                assert!(text.is_char_boundary(token.span.end), "{text}");
                last = token.span.end;
            }
        }
    }
}
