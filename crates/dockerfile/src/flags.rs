use crate::Flag;
use crate::lines::Logical;

/// Reads the flags from byte `at` on, and says where they end.
pub(crate) fn read(logical: &Logical, at: usize, escape: char) -> (Vec<Flag>, usize) {
    let text = &logical.text;
    let mut flags = Vec::new();
    let mut at = skip_space(text, at);
    while text[at..].starts_with("--") {
        let (word, end) = unquoted(text, at, escape);
        if word == "--" {
            return (flags, skip_space(text, end));
        }
        let (name, value) = match word[2..].split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (word[2..].to_owned(), None),
        };
        flags.push(Flag {
            name,
            value,
            span: logical.span(at, end),
        });
        at = skip_space(text, end);
    }
    (flags, at)
}

pub(crate) fn skip_space(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start().len()
}

/// A word without its quotes, and where it ends.
fn unquoted(text: &str, start: usize, escape: char) -> (String, usize) {
    let mut word = String::new();
    let mut quote = None;
    let mut characters = text[start..].char_indices();
    while let Some((offset, character)) = characters.next() {
        match character {
            c if quote.is_none() && c.is_whitespace() => return (word, start + offset),
            '"' | '\'' if quote.is_none() => quote = Some(character),
            c if quote == Some(c) => quote = None,
            c if c == escape && quote != Some('\'') => {
                if let Some((_, next)) = characters.next() {
                    word.push(next);
                }
            }
            c => word.push(c),
        }
    }
    (word, text.len())
}
