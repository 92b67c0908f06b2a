//! Places in a text, as Rust counts them and as the window does.

use std::cell::Cell;

/// Bytes to UTF-16 units and to lines, and back.
pub(super) struct Offsets<'a> {
    text: &'a str,
    /// Where each line starts, in bytes and in units.
    lines: Vec<(usize, u32)>,
    /// The place that was asked for last: questions come in the order of the text.
    last: Cell<(usize, u32)>,
}

fn units(text: &str) -> u32 {
    text.chars().map(char::len_utf16).sum::<usize>() as u32
}

impl<'a> Offsets<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let mut lines = vec![(0, 0)];
        let (mut byte, mut unit) = (0, 0);
        for line in text.split_inclusive('\n') {
            byte += line.len();
            unit += units(line);
            lines.push((byte, unit));
        }
        let last = Cell::new((0, 0));
        Self { text, lines, last }
    }

    /// The unit at a byte. A byte past the end or inside a character counts as the place before.
    pub(super) fn unit(&self, byte: usize) -> u32 {
        let byte = self.text.floor_char_boundary(byte.min(self.text.len()));
        let after = self.lines.partition_point(|(start, _)| *start <= byte);
        let line = self.lines[after - 1];
        let (near, last) = (line, self.last.get());
        let (from, unit) = if last.0 <= byte && last.0 > near.0 {
            last
        } else {
            near
        };
        let found = (byte, unit + units(&self.text[from..byte]));
        self.last.set(found);
        found.1
    }

    /// The byte at a unit, at most the end of the text.
    pub(super) fn byte(&self, unit: u32) -> usize {
        let after = self.lines.partition_point(|(_, start)| *start <= unit);
        let (mut byte, mut at) = self.lines[after - 1];
        for character in self.text[byte..].chars() {
            if at >= unit {
                break;
            }
            at += character.len_utf16() as u32;
            byte += character.len_utf8();
        }
        byte
    }

    /// The line of a byte, from 1.
    pub(super) fn line(&self, byte: usize) -> u32 {
        let after = self.lines.partition_point(|(start, _)| *start <= byte);
        let ended = byte >= self.text.len() && byte > 0 && self.text.ends_with('\n');
        (after - usize::from(ended && after > 1)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_as_the_window_counts() {
        let text = "a안\n😀b\nc";
        let offsets = Offsets::of(text);
        for (byte, unit, line) in [
            (0, 0, 1),
            (1, 1, 1),
            (4, 2, 1),
            (5, 3, 2),
            (9, 5, 2),
            (10, 6, 2),
            (11, 7, 3),
        ] {
            assert_eq!((offsets.unit(byte), offsets.byte(unit)), (unit, byte));
            assert_eq!(offsets.line(byte), line);
        }
        assert_eq!(offsets.unit(2), 1);
        assert_eq!((offsets.unit(99), offsets.byte(99)), (8, 12));
        // Backwards as well.
        assert_eq!((offsets.unit(10), offsets.unit(4)), (6, 2));
    }
}
