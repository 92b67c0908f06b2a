mod pattern;
#[cfg(test)]
mod tests;

use std::iter::Peekable;
use std::str::Chars;

/// Why a text does not expand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each text says what the variant means")]
pub enum ExpansionFault {
    #[error("a quote {0} is not closed")]
    OpenQuote(char),
    #[error("`${{` is not closed")]
    OpenBrace,
    #[error("there is no name after `${{`")]
    NoName,
    #[error("`{0}` is no operator in `${{…}}`")]
    Operator(char),
    #[error("{name}: {message}")]
    Required { name: String, message: String },
    #[error("the result is longer than 1 MiB")]
    TooLong,
    #[error("`${{…}}` is nested more than 64 times")]
    TooDeep,
}

/// A text with its variables replaced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expanded {
    /// In one piece.
    pub text: String,
    /// As the words that a shell would make of it.
    pub words: Vec<String>,
    /// Variables that were asked for, have no value and no replacement.
    pub unset: Vec<String>,
}

/// Replaces variables and removes quotes, as instructions other than `RUN`, `CMD` and `ENTRYPOINT` do.
pub struct Expander<'a> {
    escape: char,
    keeps_quotes: bool,
    lookup: &'a dyn Fn(&str) -> Option<String>,
}

const LONGEST: usize = 1 << 20;
const DEEPEST: usize = 64;

impl<'a> Expander<'a> {
    /// Asks `lookup` for the values.
    #[must_use]
    pub fn new(escape: char, lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            escape,
            keeps_quotes: false,
            lookup,
        }
    }

    /// Leaves quotes where they are, as in the text of a document.
    #[must_use]
    pub fn keep_quotes(mut self) -> Self {
        self.keeps_quotes = true;
        self
    }

    /// Expands a text.
    ///
    /// # Errors
    ///
    /// For an open quote or brace, a bad `${…}`, and a required variable without a value.
    pub fn expand(&self, text: &str) -> Result<Expanded, ExpansionFault> {
        let mut run = Run {
            expander: self,
            rest: text.chars().peekable(),
            unset: Vec::new(),
            depth: 0,
            keeps_escapes: false,
        };
        let mut out = Output::default();
        run.until(None, &mut out)?;
        out.end_word();
        Ok(Expanded {
            text: out.text,
            words: out.words,
            unset: run.unset,
        })
    }
}

/// The text, and its words as far as they are known.
#[derive(Default)]
struct Output {
    text: String,
    words: Vec<String>,
    word: Option<String>,
}

impl Output {
    /// Text from inside of quotes: it stays one word, even an empty one.
    fn quoted(&mut self, character: char) {
        self.text.push(character);
        self.word.get_or_insert_default().push(character);
    }

    fn open_word(&mut self) {
        self.word.get_or_insert_default();
    }

    fn plain(&mut self, character: char) {
        self.text.push(character);
        if character.is_whitespace() {
            self.end_word();
        } else {
            self.word.get_or_insert_default().push(character);
        }
    }

    fn end_word(&mut self) {
        self.words.extend(self.word.take());
    }
}

struct Run<'a, 'e> {
    expander: &'e Expander<'e>,
    rest: Peekable<Chars<'a>>,
    unset: Vec<String>,
    depth: usize,
    /// Whether escapes stay in front of their character: a pattern gives them a meaning of its own.
    keeps_escapes: bool,
}

impl Run<'_, '_> {
    /// Expands up to a character, which is taken, or to the end.
    fn until(&mut self, stop: Option<char>, out: &mut Output) -> Result<(), ExpansionFault> {
        while let Some(character) = self.rest.next() {
            if Some(character) == stop {
                return Ok(());
            }
            if out.text.len() > LONGEST {
                return Err(ExpansionFault::TooLong);
            }
            match character {
                '\'' => self.single_quotes(out)?,
                '"' => self.double_quotes(out)?,
                '$' => {
                    for character in self.variable()?.chars() {
                        out.plain(character);
                    }
                }
                c if c == self.expander.escape => self.escaped(out),
                c => out.plain(c),
            }
        }
        match stop {
            Some(_) => Err(ExpansionFault::OpenBrace),
            None => Ok(()),
        }
    }

    fn escaped(&mut self, out: &mut Output) {
        if let Some(next) = self.rest.next() {
            if self.keeps_escapes || (self.expander.keeps_quotes && next != '$') {
                out.quoted(self.expander.escape);
            }
            out.quoted(next);
        } else if self.keeps_escapes || self.expander.keeps_quotes {
            out.quoted(self.expander.escape);
        }
    }

    fn single_quotes(&mut self, out: &mut Output) -> Result<(), ExpansionFault> {
        if self.expander.keeps_quotes {
            // In a document a quote is a character like any other.
            out.quoted('\'');
            return Ok(());
        }
        out.open_word();
        loop {
            match self.rest.next() {
                Some('\'') => return Ok(()),
                Some(character) => out.quoted(character),
                None => return Err(ExpansionFault::OpenQuote('\'')),
            }
        }
    }

    fn double_quotes(&mut self, out: &mut Output) -> Result<(), ExpansionFault> {
        if self.expander.keeps_quotes {
            out.quoted('"');
            return Ok(());
        }
        out.open_word();
        loop {
            match self.rest.next() {
                Some('"') => return Ok(()),
                Some('$') => self
                    .variable()?
                    .chars()
                    .for_each(|character| out.quoted(character)),
                Some(c) if c == self.expander.escape => self.escaped_in_quotes(out)?,
                Some(character) => out.quoted(character),
                None => return Err(ExpansionFault::OpenQuote('"')),
            }
            if out.text.len() > LONGEST {
                return Err(ExpansionFault::TooLong);
            }
        }
    }

    /// Inside quotes an escape only acts on what is special there.
    fn escaped_in_quotes(&mut self, out: &mut Output) -> Result<(), ExpansionFault> {
        let escape = self.expander.escape;
        match self.rest.next() {
            Some(next) if next == '"' || next == '$' || next == escape => {
                if self.keeps_escapes {
                    out.quoted(escape);
                }
                out.quoted(next);
            }
            Some(next) => {
                out.quoted(escape);
                out.quoted(next);
            }
            None => return Err(ExpansionFault::OpenQuote('"')),
        }
        Ok(())
    }

    /// What stands for a variable; the dollar sign is taken.
    fn variable(&mut self) -> Result<String, ExpansionFault> {
        if self.rest.next_if_eq(&'{').is_some() {
            self.depth += 1;
            if self.depth > DEEPEST {
                return Err(ExpansionFault::TooDeep);
            }
            let value = self.braces();
            self.depth -= 1;
            return value;
        }
        let name = self.name();
        if name.is_empty() {
            return Ok("$".to_owned());
        }
        Ok(self.value_or_note(&name))
    }

    fn value_or_note(&mut self, name: &str) -> String {
        (self.expander.lookup)(name).unwrap_or_else(|| {
            self.unset.push(name.to_owned());
            String::new()
        })
    }

    fn name(&mut self) -> String {
        let is_special = |c: &char| "@*#?-$!".contains(*c);
        if let Some(special) = self.rest.next_if(is_special) {
            return special.to_string();
        }
        let digits = self.rest.peek().is_some_and(char::is_ascii_digit);
        let mut name = String::new();
        while let Some(character) = self.rest.next_if(|c| {
            if digits {
                c.is_ascii_digit()
            } else {
                c.is_alphanumeric() || *c == '_'
            }
        }) {
            name.push(character);
        }
        name
    }

    fn braces(&mut self) -> Result<String, ExpansionFault> {
        let name = self.name();
        if name.is_empty() {
            return Err(ExpansionFault::NoName);
        }
        match self.rest.next() {
            None => Err(ExpansionFault::OpenBrace),
            Some('}') => Ok(self.value_or_note(&name)),
            Some(':') => match self.rest.next() {
                Some(operator @ ('+' | '-' | '?')) => {
                    self.conditional(&name, operator, Empty::IsUnset)
                }
                Some(other) => Err(ExpansionFault::Operator(other)),
                None => Err(ExpansionFault::OpenBrace),
            },
            Some(operator @ ('+' | '-' | '?')) => self.conditional(&name, operator, Empty::IsSet),
            Some(operator @ ('#' | '%')) => self.cut(&name, operator),
            Some('/') => self.replace(&name),
            Some(other) => Err(ExpansionFault::Operator(other)),
        }
    }

    fn word(&mut self, stop: char) -> Result<String, ExpansionFault> {
        let mut out = Output::default();
        self.until(Some(stop), &mut out)?;
        Ok(out.text)
    }

    fn pattern(&mut self, stop: char) -> Result<String, ExpansionFault> {
        let before = std::mem::replace(&mut self.keeps_escapes, true);
        let pattern = self.word(stop);
        self.keeps_escapes = before;
        pattern
    }

    fn conditional(
        &mut self,
        name: &str,
        operator: char,
        empty: Empty,
    ) -> Result<String, ExpansionFault> {
        let word = self.word('}')?;
        let value = (self.expander.lookup)(name);
        let counts = value
            .as_ref()
            .is_some_and(|value| empty == Empty::IsSet || !value.is_empty());
        match (operator, counts) {
            ('+', true) | ('-', false) => Ok(word),
            ('?', false) => {
                let message = if word.is_empty() {
                    "is not set".to_owned()
                } else {
                    word
                };
                Err(ExpansionFault::Required {
                    name: name.to_owned(),
                    message,
                })
            }
            ('+', false) => Ok(String::new()),
            _ => Ok(value.unwrap_or_default()),
        }
    }

    fn cut(&mut self, name: &str, operator: char) -> Result<String, ExpansionFault> {
        let longest = self.rest.next_if_eq(&operator).is_some();
        let pattern = self.pattern('}')?;
        let value = self.value_or_note(name);
        let end = if operator == '#' {
            pattern::End::Front
        } else {
            pattern::End::Back
        };
        Ok(pattern::cut(
            &value,
            &pattern,
            self.expander.escape,
            end,
            longest,
        ))
    }

    fn replace(&mut self, name: &str) -> Result<String, ExpansionFault> {
        let all = self.rest.next_if_eq(&'/').is_some();
        let pattern = self.pattern('/')?;
        let with = self.word('}')?;
        let value = self.value_or_note(name);
        let replaced = pattern::replace(&value, &pattern, self.expander.escape, &with, all);
        if replaced.len() > LONGEST {
            return Err(ExpansionFault::TooLong);
        }
        Ok(replaced)
    }
}

/// What an operator makes of a variable that is set to nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Empty {
    IsSet,
    IsUnset,
}
