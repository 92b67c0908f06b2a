//! An instruction as a form shows it, and back into text.

use crate::{Arguments, Dockerfile, Keyword, Node};

/// What an instruction says, in fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Which one.
    pub keyword: Keyword,
    /// Flags, by their names without dashes.
    pub flags: Vec<(String, Option<String>)>,
    /// The rest.
    pub said: Said,
}

/// What follows the flags, in the shape that suits it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// As it is written, all lines and documents.
    Text(String),
    /// Words with space between them.
    Words(Vec<String>),
    /// A list in brackets.
    List(Vec<String>),
    /// `NAME=value`, quotes as written.
    Pairs(Vec<(String, String)>),
}

impl Dockerfile {
    /// An instruction in fields; nothing where there is none, or nobody knows its keyword.
    #[must_use]
    pub fn draft(&self, node: usize) -> Option<Draft> {
        let node = self.nodes().nth(node)?;
        Some(self.draft_of(node, node.keyword?))
    }

    fn draft_of(&self, node: &Node, keyword: Keyword) -> Draft {
        let flags = node.flags.iter();
        Draft {
            keyword,
            flags: flags
                .map(|flag| (flag.name.clone(), flag.value.clone()))
                .collect(),
            said: self.said(node, keyword),
        }
    }

    fn said(&self, node: &Node, keyword: Keyword) -> Said {
        let whole =
            !node.heredocs.is_empty() || matches!(keyword, Keyword::Healthcheck | Keyword::Onbuild);
        match &node.arguments {
            _ if whole => Said::Text(self.raw(node)),
            Arguments::Words(words) => Said::Words(texts(words)),
            Arguments::List { words, .. } => Said::List(texts(words)),
            Arguments::Pairs(pairs) => Said::Pairs(
                pairs
                    .iter()
                    .map(|pair| (pair.name.clone(), pair.value.clone()))
                    .collect(),
            ),
            Arguments::Text(_) => Said::Text(self.raw(node)),
            Arguments::None => empty(keyword),
        }
    }

    /// What follows the flags, byte for byte, without the end of the last line.
    fn raw(&self, node: &Node) -> String {
        let start = node.arguments_span().start;
        let text = &self.text[start.min(node.span.end)..node.span.end];
        text.trim_end_matches(['\n', '\r']).to_owned()
    }

    /// An instruction as a draft says it. What the draft does not change of `node` keeps its bytes.
    #[must_use]
    pub fn written(&self, node: Option<usize>, draft: &Draft) -> String {
        let known = node.and_then(|node| self.nodes().nth(node));
        let Some(old) = known.filter(|node| node.keyword == Some(draft.keyword)) else {
            return joined([
                draft.keyword.as_str().to_owned(),
                flags(draft),
                self.told(draft),
            ]);
        };
        let before = self.draft_of(old, draft.keyword);
        let said = if before.said == draft.said {
            self.raw(old)
        } else {
            self.told(draft)
        };
        if before.flags == draft.flags {
            let start = old.arguments_span().start.max(old.word.span.end);
            let head = &self.text[old.word.span.start..start];
            let gap = if head.ends_with(char::is_whitespace) {
                ""
            } else {
                " "
            };
            return format!("{head}{gap}{said}").trim_end().to_owned();
        }
        joined([old.word.text.clone(), flags(draft), said])
    }

    fn told(&self, draft: &Draft) -> String {
        match &draft.said {
            Said::Text(text) if draft.keyword == Keyword::Run => continued(text, self.escape),
            Said::Text(text) => text.trim().to_owned(),
            // Quotes hold no words together here; only a list can say a space.
            Said::Words(words) if needs_list(draft.keyword, words) => list(words),
            Said::Words(words) if draft.keyword == Keyword::Arg => {
                let declared = words.iter().map(|word| match word.split_once('=') {
                    Some((name, value)) => format!("{name}={}", quoted(value)),
                    None => word.clone(),
                });
                joined(declared)
            }
            Said::Words(words) => joined(words.iter().cloned()),
            Said::List(words) => list(words),
            Said::Pairs(pairs) => {
                let pairs = pairs.iter();
                joined(pairs.map(|(name, value)| format!("{name}={}", quoted(value))))
            }
        }
    }
}

fn texts(words: &[crate::Word]) -> Vec<String> {
    words.iter().map(|word| word.text.clone()).collect()
}

fn empty(keyword: Keyword) -> Said {
    match keyword {
        Keyword::Env | Keyword::Label => Said::Pairs(Vec::new()),
        Keyword::Shell => Said::List(Vec::new()),
        Keyword::From
        | Keyword::Copy
        | Keyword::Add
        | Keyword::Expose
        | Keyword::Volume
        | Keyword::Arg => Said::Words(Vec::new()),
        _ => Said::Text(String::new()),
    }
}

fn joined(parts: impl IntoIterator<Item = String>) -> String {
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

fn flags(draft: &Draft) -> String {
    joined(draft.flags.iter().map(|(name, value)| match value {
        Some(value) => format!("--{name}={}", quoted(value)),
        None => format!("--{name}"),
    }))
}

fn needs_list(keyword: Keyword, words: &[String]) -> bool {
    let transfers = matches!(keyword, Keyword::Copy | Keyword::Add | Keyword::Volume);
    transfers && words.iter().any(|word| word.contains(char::is_whitespace))
}

fn list(words: &[String]) -> String {
    let quoted = words.iter().map(|word| crate::json::string(word));
    format!("[{}]", quoted.collect::<Vec<_>>().join(", "))
}

/// A value that can stand in a line: quoted where space would end it, and not quoted twice.
fn quoted(value: &str) -> String {
    let already = value.len() > 1
        && (value.starts_with('"') && value.ends_with('"')
            || value.starts_with('\'') && value.ends_with('\''));
    let bare = !value.contains(char::is_whitespace);
    if already || bare {
        return value.to_owned();
    }
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", escaped.replace(['\n', '\r'], " "))
}

/// Lines of commands as one instruction: the next one only runs when the one before went well.
fn continued(text: &str, escape: char) -> String {
    let text = text.trim();
    if !text.contains('\n') || text.contains("<<") {
        return text.to_owned();
    }
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let lines: Vec<&str> = lines.into_iter().filter(|line| !line.is_empty()).collect();
    if lines.iter().any(|line| controls(line)) {
        return format!("<<EOF\nset -e\n{}\nEOF", lines.join("\n"));
    }
    let last = lines.len() - 1;
    let mut out = String::new();
    for (index, line) in lines.iter().enumerate() {
        out.push_str(line);
        if index == last {
            break;
        }
        if !line.trim_start().starts_with('#') && !line.ends_with(escape) {
            out.push_str(if open_ended(line) { " " } else { " && " });
            out.push(escape);
        }
        out.push('\n');
    }
    out
}

/// Whether a line opens something of the shell that cannot be joined to others by `&&`.
fn controls(line: &str) -> bool {
    let first = line.split_whitespace().next().unwrap_or_default();
    matches!(first, "if" | "for" | "while" | "until" | "case" | "{" | "(") && !line.ends_with('\\')
}

/// Whether a line of a shell waits for more.
fn open_ended(line: &str) -> bool {
    ["&&", "||", "|", ";"].iter().any(|end| line.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(text: &str, node: usize, change: impl FnOnce(&mut Draft)) -> String {
        let dockerfile = Dockerfile::parse(text);
        let mut draft = dockerfile.draft(node).unwrap();
        change(&mut draft);
        dockerfile.written(Some(node), &draft)
    }

    #[test]
    fn an_unchanged_draft_gives_back_every_byte() {
        for text in [
            "from   a   as b",
            "RUN  --mount=type=cache,target=/x   one \\\n  # why\n  two",
            "COPY --chown=1:1 <<A <<B /x/\na\nA\nb\nB",
            "ENV A=1   B=\"2 3\"",
            "ENV A b c",
            "CMD [ \"a\",\"b\" ]",
            "HEALTHCHECK --interval=3s CMD curl x || exit 1",
            "ONBUILD RUN x",
            "STOPSIGNAL",
        ] {
            assert_eq!(write(text, 0, |_| {}), text);
        }
    }

    #[test]
    fn a_changed_flag_leaves_the_rest_and_a_changed_rest_the_flags() {
        let text = "run  --network=none   a  b";
        let flag = write(text, 0, |draft| draft.flags.clear());
        assert_eq!(flag, "run a  b");
        let rest = write(text, 0, |draft| draft.said = Said::Text("c".to_owned()));
        assert_eq!(rest, "run  --network=none   c");
    }

    #[test]
    fn values_with_spaces_are_quoted_and_paths_with_spaces_become_a_list() {
        let pairs = write("ENV A=1", 0, |draft| {
            draft.said = Said::Pairs(vec![("A".to_owned(), "say \"hi\"".to_owned())]);
        });
        assert_eq!(pairs, r#"ENV A="say \"hi\"""#);
        let words = write("COPY a b", 0, |draft| {
            draft.said = Said::Words(vec!["a b".to_owned(), "/c".to_owned()]);
        });
        assert_eq!(words, r#"COPY ["a b", "/c"]"#);
    }

    #[test]
    fn lines_of_commands_become_one_that_stops_at_the_first_failure() {
        assert_eq!(
            continued("a\nb &&\nc \\\n  d\n\n", '\\'),
            "a && \\\nb && \\\nc \\\n  d"
        );
        let script = continued("if x\nthen y\nfi\n", '\\');
        assert_eq!(script, "<<EOF\nset -e\nif x\nthen y\nfi\nEOF");
    }

    #[test]
    fn what_is_new_is_written_plainly() {
        let draft = Draft {
            keyword: Keyword::Copy,
            flags: vec![
                ("link".to_owned(), None),
                ("from".to_owned(), Some("b".to_owned())),
            ],
            said: Said::Words(vec!["/a".to_owned(), "/b".to_owned()]),
        };
        let written = Dockerfile::parse("").written(None, &draft);
        assert_eq!(written, "COPY --link --from=b /a /b");
    }
}
