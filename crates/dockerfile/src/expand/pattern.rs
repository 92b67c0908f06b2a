//! Patterns of `${name#…}`, `${name%…}` and `${name/…/…}`: `*`, `?` and escaped characters.

#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    Any,
    One,
    Exactly(char),
}

/// The side that a pattern is cut from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Front,
    Back,
}

fn pieces(pattern: &str, escape: char) -> Vec<Piece> {
    let mut characters = pattern.chars();
    let mut found = Vec::new();
    while let Some(character) = characters.next() {
        found.push(match character {
            '*' if found.last() == Some(&Piece::Any) => continue,
            '*' => Piece::Any,
            '?' => Piece::One,
            c if c == escape => Piece::Exactly(characters.next().unwrap_or(c)),
            c => Piece::Exactly(c),
        });
    }
    found
}

/// How many characters at the start of `text` the pieces match: all answers, shortest first.
fn matched(pieces: &[Piece], text: &[char]) -> Vec<usize> {
    let mut at = vec![false; text.len() + 1];
    at[0] = true;
    for piece in pieces {
        let mut next = vec![false; text.len() + 1];
        let mut open = false;
        for position in 0..=text.len() {
            match piece {
                Piece::Any => {
                    open |= at[position];
                    next[position] = open;
                }
                Piece::One => next[position] = position > 0 && at[position - 1],
                Piece::Exactly(character) => {
                    next[position] =
                        position > 0 && at[position - 1] && text[position - 1] == *character;
                }
            }
        }
        at = next;
    }
    (0..=text.len()).filter(|position| at[*position]).collect()
}

/// Cuts what the pattern matches from one side.
pub(super) fn cut(value: &str, pattern: &str, escape: char, end: End, longest: bool) -> String {
    let mut text: Vec<char> = value.chars().collect();
    let mut pieces = pieces(pattern, escape);
    if end == End::Back {
        text.reverse();
        pieces.reverse();
    }
    let lengths = matched(&pieces, &text);
    let length = if longest {
        lengths.last()
    } else {
        lengths.first()
    };
    let mut kept = text.split_off(length.copied().unwrap_or(0));
    if end == End::Back {
        kept.reverse();
    }
    kept.into_iter().collect()
}

/// Replaces the first or every match, the longest at each place.
pub(super) fn replace(value: &str, pattern: &str, escape: char, with: &str, all: bool) -> String {
    let text: Vec<char> = value.chars().collect();
    let pieces = pieces(pattern, escape);
    let mut out = String::new();
    let mut at = 0;
    let mut done = pieces.is_empty();
    while at < text.len() {
        let length = if done {
            None
        } else {
            matched(&pieces, &text[at..]).last().copied()
        };
        match length.filter(|length| *length > 0) {
            Some(length) => {
                out.push_str(with);
                at += length;
                done = !all;
            }
            None => {
                out.push(text[at]);
                at += 1;
            }
        }
    }
    out
}
