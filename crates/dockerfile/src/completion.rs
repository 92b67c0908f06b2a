//! What may stand at a place of the text.

use std::collections::BTreeSet;

use crate::instruction::{ALONE, known_flags};
use crate::{Arguments, Dockerfile, Keyword, Node, Span};

/// What may be written at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// What it replaces: the word up to the place.
    pub span: Span,
    /// That word.
    pub prefix: String,
    /// What the language and the file know.
    pub candidates: Vec<Candidate>,
    /// What only the surroundings know.
    pub wanted: Option<Wanted>,
}

/// Something that may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// As it is written.
    pub text: String,
    /// What it is.
    pub kind: CandidateKind,
}

/// The kinds of what may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are the words of the language")]
pub enum CandidateKind {
    Keyword,
    Flag,
    Value,
    Stage,
    Variable,
}

/// What fits as well and stands in no Dockerfile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The name of an image.
    Image,
    /// A path in the folder of the build.
    Path,
}

const PLATFORMS: [&str; 4] = [
    "$BUILDPLATFORM",
    "$TARGETPLATFORM",
    "linux/amd64",
    "linux/arm64",
];
const MOUNT_KINDS: [&str; 5] = [
    "type=bind",
    "type=cache",
    "type=tmpfs",
    "type=secret",
    "type=ssh",
];

impl Dockerfile {
    /// What may be written at a byte of the text; nothing in comments and documents.
    #[must_use]
    pub fn complete(&self, byte: usize) -> Option<Completion> {
        let before = self.text.get(..byte)?;
        let line = &before[before.rfind('\n').map_or(0, |at| at + 1)..];
        if line.trim_start().starts_with('#') {
            return None;
        }
        let start = before.len() - trailing_word(before).len();
        let place = Place {
            dockerfile: self,
            word: &before[start..],
            start,
        };
        let node = self
            .nodes()
            .filter(|node| node.span.start < byte && byte <= node.span.end)
            .last()
            .filter(|node| !node_ended(node, byte, before));
        match node {
            Some(node) if node.word.span.end < byte => place.inside(node, byte),
            _ if line.trim_start() == place.word => Some(place.keywords()),
            _ => None,
        }
    }
}

/// Whether a place is on the line after an instruction.
fn node_ended(node: &Node, byte: usize, before: &str) -> bool {
    byte == node.span.end && before.ends_with('\n')
}

fn trailing_word(text: &str) -> &str {
    let start = text.rfind(|c: char| c.is_whitespace() || matches!(c, '[' | ',' | '"'));
    start.map_or(text, |at| {
        let width = text[at..].chars().next().map_or(1, char::len_utf8);
        &text[at + width..]
    })
}

struct Place<'a> {
    dockerfile: &'a Dockerfile,
    word: &'a str,
    start: usize,
}

impl Place<'_> {
    fn answer(&self, skip: usize, candidates: Vec<Candidate>) -> Completion {
        let prefix = &self.word[skip..];
        let fits = |candidate: &Candidate| {
            let (text, prefix) = (candidate.text.to_lowercase(), prefix.to_lowercase());
            text.starts_with(&prefix) && text != prefix
        };
        Completion {
            span: Span::new(self.start + skip, self.start + self.word.len()),
            prefix: prefix.to_owned(),
            candidates: candidates.into_iter().filter(fits).collect(),
            wanted: None,
        }
    }

    fn keywords(&self) -> Completion {
        let lower = self.word.starts_with(|c: char| c.is_ascii_lowercase());
        let words = Keyword::ALL
            .iter()
            .filter(|word| **word != Keyword::Maintainer);
        let words = words.map(|word| match lower {
            true => word.as_str().to_lowercase(),
            false => word.as_str().to_owned(),
        });
        self.answer(0, all(words, CandidateKind::Keyword))
    }

    fn inside(&self, node: &Node, byte: usize) -> Option<Completion> {
        if node
            .heredocs
            .iter()
            .any(|document| document.span.start <= byte)
        {
            return None;
        }
        let keyword = node.keyword?;
        if let Some(dollar) = self.word.rfind('$') {
            let skip = dollar + 1 + usize::from(self.word[dollar + 1..].starts_with('{'));
            let names = self.variables(node);
            return Some(self.answer(skip, all(names, CandidateKind::Variable)));
        }
        match self
            .word
            .strip_prefix("--")
            .map(|flag| flag.split_once('='))
        {
            Some(None) => Some(self.flags(keyword)),
            Some(Some((flag, _))) => Some(self.values(keyword, flag, node)),
            None => self.argument(keyword, node),
        }
    }

    fn flags(&self, keyword: Keyword) -> Completion {
        let known = known_flags(keyword).iter();
        let names = known.map(|(name, _)| match ALONE.contains(name) {
            true => format!("--{name}"),
            false => format!("--{name}="),
        });
        self.answer(0, all(names, CandidateKind::Flag))
    }

    fn values(&self, keyword: Keyword, flag: &str, node: &Node) -> Completion {
        let skip = "--".len() + flag.len() + "=".len();
        let plain = |values: &[&str]| {
            let values = values.iter().map(|value| (*value).to_owned());
            self.answer(skip, all(values, CandidateKind::Value))
        };
        match (keyword, flag) {
            (_, "from") => Completion {
                wanted: Some(Wanted::Image),
                ..self.answer(skip, all(self.stages(node), CandidateKind::Stage))
            },
            (_, "platform") => plain(&PLATFORMS),
            (Keyword::Run, "network") => plain(&["default", "none", "host"]),
            (Keyword::Run, "mount") => plain(&MOUNT_KINDS),
            _ => self.answer(skip, Vec::new()),
        }
    }

    fn argument(&self, keyword: Keyword, node: &Node) -> Option<Completion> {
        let position = words_before(node, self.start);
        match (keyword, position) {
            (Keyword::From, 0) => Some(Completion {
                wanted: Some(Wanted::Image),
                ..self.answer(0, all(self.stages(node), CandidateKind::Stage))
            }),
            (Keyword::From, 1) => {
                Some(self.answer(0, all(["AS".to_owned()], CandidateKind::Value)))
            }
            (Keyword::Copy | Keyword::Add, _) if node.flag("from").is_none() => Some(Completion {
                wanted: Some(Wanted::Path),
                ..self.answer(0, Vec::new())
            }),
            (Keyword::Healthcheck, 0) => {
                let kinds = ["CMD", "NONE"].map(str::to_owned);
                Some(self.answer(0, all(kinds, CandidateKind::Value)))
            }
            _ => None,
        }
    }

    /// The names of the stages before an instruction.
    fn stages(&self, node: &Node) -> Vec<String> {
        let before = self.dockerfile.nodes();
        let before = before.take_while(|other| other.span.start < node.span.start);
        let stages = before.filter(|other| other.keyword == Some(Keyword::From));
        let names = stages.enumerate().map(|(index, stage)| {
            let words = stage.words();
            words
                .get(2)
                .map_or(index.to_string(), |name| (*name).to_owned())
        });
        names.collect()
    }

    /// The variables that are set above an instruction.
    fn variables(&self, node: &Node) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let before = self.dockerfile.nodes();
        for other in before.take_while(|other| other.span.start < node.span.start) {
            match (other.keyword, &other.arguments) {
                (Some(Keyword::Arg), Arguments::Words(words)) => {
                    let declared = words.iter().map(|word| word.text.split('=').next());
                    names.extend(declared.flatten().map(str::to_owned));
                }
                (Some(Keyword::Env), Arguments::Pairs(pairs)) => {
                    names.extend(pairs.iter().map(|pair| pair.name.clone()));
                }
                _ => {}
            }
        }
        names
    }
}

fn words_before(node: &Node, start: usize) -> usize {
    match &node.arguments {
        Arguments::Words(words) => words.iter().filter(|word| word.span.end <= start).count(),
        _ => 0,
    }
}

fn all(texts: impl IntoIterator<Item = String>, kind: CandidateKind) -> Vec<Candidate> {
    let texts = texts.into_iter();
    texts.map(|text| Candidate { text, kind }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Completes at the `|`.
    fn at(text: &str) -> (Vec<String>, Option<Wanted>) {
        let byte = text.find('|').unwrap();
        let found = Dockerfile::parse(&text.replace('|', "")).complete(byte);
        found.map_or((vec!["-".to_owned()], None), |found| {
            let texts = found.candidates.into_iter().map(|candidate| candidate.text);
            (texts.collect(), found.wanted)
        })
    }

    fn texts(text: &str) -> Vec<String> {
        at(text).0
    }

    #[test]
    fn keywords_stand_at_the_start_of_a_line() {
        assert_eq!(texts("FROM a\nEN|"), ["ENV", "ENTRYPOINT"]);
        assert_eq!(texts("FROM a\nen|"), ["env", "entrypoint"]);
        assert_eq!(texts("FROM a\n|").len(), 17);
        assert_eq!(texts("FROM a\nRUN a \\\n  EN|"), ["-"]);
        assert_eq!(texts("# EN|"), ["-"]);
    }

    #[test]
    fn flags_and_their_values_follow_the_instruction() {
        assert_eq!(texts("FROM a\nCOPY --ch|"), ["--chown=", "--chmod="]);
        assert_eq!(texts("FROM a\nCOPY --l| x y"), ["--link"]);
        assert_eq!(texts("FROM a\nRUN --network=n|"), ["none"]);
        assert_eq!(
            texts("FROM a AS one\nFROM b\nFROM c\nCOPY --from=|"),
            ["one", "1", "2"]
        );
    }

    #[test]
    fn what_the_file_does_not_know_is_asked_for() {
        assert_eq!(at("FROM a AS one\nFROM |").1, Some(Wanted::Image));
        assert_eq!(at("FROM a\nCOPY src/|").1, Some(Wanted::Path));
        assert_eq!(at("FROM a AS b\nCOPY --from=b src/|").1, None);
        assert_eq!(texts("FROM a |"), ["AS"]);
    }

    #[test]
    fn variables_are_those_set_above() {
        let text = "ARG V=1\nFROM a\nENV PORT=1 HOME=2\nRUN echo ${P|";
        assert_eq!(texts(text), ["PORT"]);
        assert_eq!(texts("FROM a\nRUN <<E\necho $P|\nE"), ["-"]);
    }
}
