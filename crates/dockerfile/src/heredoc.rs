use crate::lines::Line;
use crate::{Span, arguments};

/// A document in the lines after an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc {
    /// The word that ends it, and the name of the file that it becomes.
    pub name: String,
    /// Whether variables in it expand: the word is not quoted.
    pub expands: bool,
    /// Whether tabs at the start of its lines go away (`<<-`).
    pub strips_tabs: bool,
    /// The descriptor of the shell that it feeds, where one is named.
    pub descriptor: Option<u32>,
    /// Its lines.
    pub content: String,
    /// Where those are, the line that ends them included.
    pub span: Span,
}

/// The documents that a line announces.
pub(crate) fn announced(line: &str, escape: char) -> Vec<Heredoc> {
    let words = arguments::raw_words(line, escape);
    words
        .iter()
        .filter_map(|(start, end)| read(&line[*start..*end]))
        .collect()
}

fn read(word: &str) -> Option<Heredoc> {
    let digits = word.len() - word.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let rest = word[digits..].strip_prefix("<<")?;
    let (strips_tabs, rest) = match rest.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let name: String = rest.chars().filter(|c| !matches!(c, '"' | '\'')).collect();
    if rest.contains('<') || name.is_empty() || name.contains(char::is_whitespace) {
        return None;
    }
    Some(Heredoc {
        expands: name.len() == rest.len(),
        name,
        strips_tabs,
        descriptor: word[..digits].parse().ok(),
        content: String::new(),
        span: Span::default(),
    })
}

/// Fills a document from the lines after `next`. Returns the line after it; nothing where it never ends.
pub(crate) fn fill(
    heredoc: &mut Heredoc,
    lines: &[Line<'_>],
    next: usize,
    text: &str,
) -> Option<usize> {
    let start = lines.get(next).map_or(text.len(), |line| line.span.start);
    for (index, line) in lines.iter().enumerate().skip(next) {
        let raw = &text[line.span.start..line.span.end];
        let (body, bare) = if heredoc.strips_tabs {
            (
                raw.trim_start_matches('\t'),
                line.text.trim_start_matches('\t'),
            )
        } else {
            (raw, line.text)
        };
        if bare == heredoc.name {
            heredoc.span = Span::new(start, line.span.end);
            return Some(index + 1);
        }
        heredoc.content.push_str(body);
    }
    heredoc.span = Span::new(start, text.len());
    None
}
