//! Many quick executions on random and mangled input: nothing panics, nothing is lost, everything ends.
//!
//! A normal run takes a moment; `FUZZ_ROUNDS=10000000 cargo test --release -p terrarium-dockerfile --test fuzz` takes
//! its time.

use terrarium_dockerfile::{Dockerfile, Expander, Glob, Ignore, Mount, Program};

/// Pieces that mean something to some reader.
const PIECES: &[&str] = &[
    "FROM ",
    "RUN ",
    "COPY ",
    "ADD ",
    "ENV ",
    "ARG ",
    "LABEL ",
    "ONBUILD ",
    "HEALTHCHECK ",
    "SHELL ",
    "EXPOSE ",
    "# escape=`\n",
    "# syntax=x\n",
    "# check=skip=all\n",
    "scratch",
    " AS b",
    "--from=0 ",
    "--mount=type=",
    "cache",
    ",target=/x",
    "--chmod=u+x ",
    "<<EOF",
    "<<-\"E\"",
    "\nEOF\n",
    "\nE\n",
    "[\"a\", ",
    "\"b\"]",
    "\\\n",
    "`\n",
    "\r\n",
    "\n",
    " ",
    "\t",
    "$",
    "${",
    "}",
    ":-",
    ":+",
    ":?",
    "##",
    "%%",
    "//",
    "/",
    "*",
    "?",
    "[",
    "]",
    "!",
    "**/",
    "^",
    "-",
    "'",
    "\"",
    "\\",
    "a",
    "B",
    "9",
    "=",
    ":",
    ",",
    "@",
    "\u{feff}",
    "\u{0}",
    "안",
    "💥",
    "\u{85}",
    "\u{2028}",
];

/// A fixed sequence: what fails once fails again.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        // Xorshift of Marsaglia, 64 bits.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (end as u64)).expect("it is below a length")
    }

    fn text(&mut self, pieces: usize) -> String {
        let count = self.below(pieces + 1);
        let mut text = String::new();
        for _ in 0..count {
            match self.below(12) {
                0 => text.extend(char::from_u32(
                    u32::try_from(self.below(0x3000)).expect("small"),
                )),
                _ => text.push_str(PIECES[self.below(PIECES.len())]),
            }
        }
        text
    }
}

fn rounds() -> u64 {
    let rounds = std::env::var("FUZZ_ROUNDS").ok();
    rounds
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(20_000)
}

#[test]
fn reading_keeps_every_byte() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..rounds() {
        let text = random.text(24);
        let dockerfile = Dockerfile::parse(&text);
        let mut at = 0;
        for item in dockerfile.items() {
            let span = item.span();
            assert_eq!(span.start, at, "round {round}: {text:?}");
            at = span.end;
        }
        assert_eq!(at, text.len(), "round {round}: {text:?}");
        let _ = Program::of(&dockerfile);
    }
}

#[test]
fn expansion_ends_and_cuts_no_character() {
    let mut random = Random(0xdead_beef_cafe_f00d);
    for round in 0..rounds() {
        let text = random.text(16);
        let value = random.text(4);
        let escape = if round % 2 == 0 { '\\' } else { '`' };
        let known = |name: &str| (name.len() % 2 == 1).then(|| value.clone());
        let plain = Expander::new(escape, &known).expand(&text);
        let quoted = Expander::new(escape, &known).keep_quotes().expand(&text);
        if !text.contains(['$', '\\', '`', '\'', '"']) {
            assert_eq!(plain.expect("there is nothing to go wrong").text, text);
            assert_eq!(quoted.expect("here neither").text, text);
        }
    }
}

#[test]
fn rules_and_patterns_and_mounts_end() {
    let mut random = Random(0x0123_4567_89ab_cdef);
    for _ in 0..rounds() {
        let (rules, path) = (random.text(12), random.text(8));
        let ignore = Ignore::parse(&rules);
        let left_out = ignore.matches(&path);
        assert_eq!(left_out, ignore.matches(&path));
        if rules.trim().is_empty() {
            assert!(!left_out, "no rule leaves {path:?} out");
        }
        if let Some(glob) = Glob::new(&rules) {
            let _ = glob.matches(&path);
        }
        let _ = Mount::parse(&rules);
    }
}

#[test]
fn many_stars_take_no_time() {
    let pattern = "a*".repeat(40) + "b";
    let path = "a".repeat(4000);
    let glob = Glob::new(&pattern).expect("it is a pattern");
    assert!(!glob.matches(&path));
    let deep = "**/".repeat(30) + "x";
    let path = "d/".repeat(60) + "y";
    assert!(!Ignore::parse(&deep).matches(&path));
}
