use crate::error::Fault;
use crate::json::{self, List};
use crate::lines::Logical;
use crate::{Arguments, Keyword, Pair, Word};

/// What stands at byte `at` and after it, in the form that the instruction has.
pub(crate) fn read(
    keyword: Keyword,
    logical: &Logical,
    at: usize,
    escape: char,
) -> Result<Arguments, Fault> {
    match keyword {
        Keyword::Run | Keyword::Cmd | Keyword::Entrypoint | Keyword::Shell => {
            Ok(list(logical, at)?.unwrap_or_else(|| text(logical, at)))
        }
        Keyword::Add | Keyword::Copy | Keyword::Volume => {
            Ok(list(logical, at)?.unwrap_or_else(|| words(logical, at)))
        }
        Keyword::From | Keyword::Expose => Ok(words(logical, at)),
        Keyword::Env | Keyword::Label => pairs(keyword, logical, at, escape),
        Keyword::Arg => Ok(declarations(logical, at, escape)),
        Keyword::Healthcheck => health_check(logical, at),
        Keyword::Maintainer
        | Keyword::User
        | Keyword::Workdir
        | Keyword::Stopsignal
        | Keyword::Onbuild => Ok(text(logical, at)),
    }
}

fn word(logical: &Logical, start: usize, end: usize) -> Word {
    Word {
        text: logical.text[start..end].to_owned(),
        span: logical.span(start, end),
    }
}

/// Where the rest without space around it is.
fn trimmed(text: &str, at: usize) -> (usize, usize) {
    let start = text.len() - text[at..].trim_start().len();
    (start, start + text[start..].trim_end().len())
}

fn text(logical: &Logical, at: usize) -> Arguments {
    let (start, end) = trimmed(&logical.text, at);
    if start >= end {
        Arguments::None
    } else {
        Arguments::Text(word(logical, start, end))
    }
}

fn words(logical: &Logical, at: usize) -> Arguments {
    let found = split(&logical.text, at);
    if found.is_empty() {
        return Arguments::None;
    }
    Arguments::Words(
        found
            .into_iter()
            .map(|(start, end)| word(logical, start, end))
            .collect(),
    )
}

/// Words between spaces, quotes meaning nothing.
fn split(text: &str, at: usize) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = None;
    for (offset, character) in text[at..].char_indices() {
        match (start, character.is_whitespace()) {
            (None, false) => start = Some(at + offset),
            (Some(from), true) => {
                found.push((from, at + offset));
                start = None;
            }
            _ => {}
        }
    }
    found.extend(start.map(|from| (from, text.len())));
    found
}

fn list(logical: &Logical, at: usize) -> Result<Option<Arguments>, Fault> {
    let (start, end) = trimmed(&logical.text, at);
    let span = logical.span(start, end.max(start));
    match json::list(&logical.text[start..end.max(start)]) {
        List::Strings(strings) => {
            let words = strings
                .into_iter()
                .map(|text| Word { text, span })
                .collect();
            Ok(Some(Arguments::List { words, span }))
        }
        List::Others => Err(Fault::NotStrings),
        List::No => Ok(None),
    }
}

/// Words in which quotes and escapes hold space together, both kept as written.
pub(crate) fn raw_words(text: &str, escape: char) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = None;
    let mut quote: Option<char> = None;
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        let Some(from) = start else {
            if !character.is_whitespace() {
                start = Some(at);
                quote = matches!(character, '"' | '\'').then_some(character);
                skip_escaped(&mut characters, character == escape);
            }
            continue;
        };
        match (quote, character) {
            (None, c) if c.is_whitespace() => {
                found.push((from, at));
                start = None;
            }
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), c) if open == c => quote = None,
            (open, c) => skip_escaped(&mut characters, c == escape && open != Some('\'')),
        }
    }
    found.extend(start.map(|from| (from, text.len())));
    found
}

fn skip_escaped(characters: &mut std::str::CharIndices<'_>, escaped: bool) {
    if escaped {
        characters.next();
    }
}

/// As [`raw_words`], from a byte on. An escape with nothing after it is dropped.
fn raw_words_from(text: &str, at: usize, escape: char) -> Vec<(usize, usize)> {
    let found = raw_words(&text[at..], escape);
    let words = found.into_iter().map(|(start, end)| (at + start, at + end));
    words
        .map(|(start, end)| {
            let word = &text[start..end];
            let escapes = word.len() - word.trim_end_matches(escape).len();
            let dangling = end == text.len() && escapes % 2 == 1 && escape.len_utf8() == 1;
            (start, if dangling { end - 1 } else { end })
        })
        .collect()
}

fn pairs(keyword: Keyword, logical: &Logical, at: usize, escape: char) -> Result<Arguments, Fault> {
    let text = &logical.text;
    let words = raw_words_from(text, at, escape);
    let Some((start, end)) = words.first().copied() else {
        return Ok(Arguments::None);
    };
    if !text[start..end].contains('=') {
        return legacy_pair(keyword, logical, at);
    }
    let read = |(start, end): (usize, usize)| {
        let (name, value) =
            text[start..end]
                .split_once('=')
                .ok_or_else(|| Fault::PairWithoutValue {
                    word: text[start..end].to_owned(),
                })?;
        Ok(Pair {
            name: name.to_owned(),
            value: value.to_owned(),
            span: logical.span(start, end),
            legacy: false,
        })
    };
    Ok(Arguments::Pairs(
        words.into_iter().map(read).collect::<Result<_, Fault>>()?,
    ))
}

fn legacy_pair(keyword: Keyword, logical: &Logical, at: usize) -> Result<Arguments, Fault> {
    let (start, end) = trimmed(&logical.text, at);
    let rest = &logical.text[start..end];
    let (name, value) = rest.split_once(char::is_whitespace).ok_or(Fault::TooFew {
        keyword: keyword.as_str(),
        expected: "NAME=value",
    })?;
    Ok(Arguments::Pairs(vec![Pair {
        name: name.to_owned(),
        value: value.trim_start().to_owned(),
        span: logical.span(start, end),
        legacy: true,
    }]))
}

fn declarations(logical: &Logical, at: usize, escape: char) -> Arguments {
    let words = raw_words_from(&logical.text, at, escape);
    if words.is_empty() {
        return Arguments::None;
    }
    Arguments::Words(
        words
            .into_iter()
            .map(|(start, end)| word(logical, start, end))
            .collect(),
    )
}

/// The kind first, then a list or all of the line.
fn health_check(logical: &Logical, at: usize) -> Result<Arguments, Fault> {
    let (start, end) = trimmed(&logical.text, at);
    let rest = &logical.text[start..end.max(start)];
    if rest.is_empty() {
        return Ok(Arguments::None);
    }
    let kind_end = start + rest.find(char::is_whitespace).unwrap_or(rest.len());
    let kind = word(logical, start, kind_end);
    if kind.text.eq_ignore_ascii_case("CMD")
        && let Some(Arguments::List { mut words, span }) = list(logical, kind_end)?
    {
        words.insert(0, kind);
        return Ok(Arguments::List { words, span });
    }
    let mut words = vec![kind];
    if let Arguments::Text(rest) = text(logical, kind_end) {
        words.push(rest);
    }
    Ok(Arguments::Words(words))
}
