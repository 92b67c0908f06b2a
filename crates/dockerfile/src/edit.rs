use crate::{Dockerfile, Item, Span};

/// A change of one instruction. Instructions are counted from 0, comments right above one belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Puts text before an instruction, or at the end.
    Insert {
        /// The instruction that will come after it.
        before: usize,
        /// Lines of a Dockerfile.
        text: String,
    },
    /// Takes an instruction away, and its comments.
    Remove {
        /// Which.
        node: usize,
    },
    /// Writes an instruction anew. Its comments stay.
    Replace {
        /// Which.
        node: usize,
        /// Lines of a Dockerfile.
        text: String,
    },
    /// Carries an instruction and its comments to another place.
    Move {
        /// Which.
        node: usize,
        /// The instruction that will come after it, counted before the move.
        before: usize,
    },
}

/// The outcome of an edit: the text, and where in it the change is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// All of the new text.
    pub text: String,
    /// What was put in.
    pub span: Span,
}

impl Dockerfile {
    /// Edits the text and leaves every byte alone that the edit is not about; nothing where there is no such
    /// instruction.
    #[must_use]
    pub fn edit(&self, edit: &Edit) -> Option<Edited> {
        match edit {
            Edit::Insert { before, text } => Some(self.insert(self.place_before(*before)?, text)),
            Edit::Remove { node } => Some(self.splice(self.with_comments(*node)?, "")),
            Edit::Replace { node, text } => {
                let span = self.nodes().nth(*node)?.span;
                let ended = self.text[span.start..span.end].ends_with('\n');
                Some(self.splice(
                    span,
                    &line_ended(text, ended || text.contains("<<"), self.line_end()),
                ))
            }
            Edit::Move { node, before } => self.carry(*node, *before),
        }
    }

    /// An instruction with the comments right above it.
    fn with_comments(&self, node: usize) -> Option<Span> {
        let (at, item) = self.indexed().nth(node)?;
        let comments = self.items[..at].iter().rev();
        let first = comments
            .take_while(|item| matches!(item, Item::Comment(_)))
            .last();
        Some(Span::new(
            first.unwrap_or(item).span().start,
            item.span().end,
        ))
    }

    fn indexed(&self) -> impl Iterator<Item = (usize, &Item)> {
        let items = self.items.iter().enumerate();
        items.filter(|(_, item)| matches!(item, Item::Instruction(_)))
    }

    fn place_before(&self, node: usize) -> Option<usize> {
        let count = self.nodes().count();
        match node {
            node if node < count => Some(self.with_comments(node)?.start),
            node if node == count => Some(
                self.nodes()
                    .last()
                    .map_or(self.text.len(), |last| last.span.end),
            ),
            _ => None,
        }
    }

    fn insert(&self, at: usize, text: &str) -> Edited {
        let end = self.line_end();
        let glue = if at > 0 && !self.text[..at].ends_with('\n') {
            end
        } else {
            ""
        };
        let text = line_ended(text, true, end);
        let mut edited = self.splice(Span::new(at, at), &format!("{glue}{text}"));
        edited.span.start += glue.len();
        edited
    }

    fn carry(&self, node: usize, before: usize) -> Option<Edited> {
        let span = self.with_comments(node)?;
        let at = self.place_before(before)?;
        let block = &self.text[span.start..span.end];
        if at >= span.start && at <= span.end {
            return Some(Edited {
                text: self.text.clone(),
                span,
            });
        }
        let (removed, at) = {
            let mut rest = self.text.clone();
            rest.replace_range(span.start..span.end, "");
            (
                rest,
                if at > span.start {
                    at - (span.end - span.start)
                } else {
                    at
                },
            )
        };
        Some(
            Self {
                text: removed,
                ..self.clone()
            }
            .insert(at, block),
        )
    }

    fn splice(&self, span: Span, with: &str) -> Edited {
        let mut text = self.text.clone();
        text.replace_range(span.start..span.end, with);
        Edited {
            text,
            span: Span::new(span.start, span.start + with.len()),
        }
    }

    /// What ends lines here.
    fn line_end(&self) -> &'static str {
        if self.text.contains("\r\n") {
            "\r\n"
        } else {
            "\n"
        }
    }
}

fn line_ended(text: &str, wanted: bool, end: &str) -> String {
    let text = text.trim_end_matches(['\n', '\r']);
    if wanted {
        format!("{text}{end}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# syntax=x\n\n# base\nFROM a\n\n# first\n# part\nRUN one \\\n  # why\n  two\nRUN <<E\nbody\nE\nCMD [\"x\"]";

    fn edit(edit: &Edit) -> String {
        Dockerfile::parse(TEXT).edit(edit).unwrap().text
    }

    #[test]
    fn an_instruction_moves_with_its_comments_and_documents() {
        let moved = edit(&Edit::Move { node: 1, before: 3 });
        assert_eq!(
            moved,
            "# syntax=x\n\n# base\nFROM a\n\nRUN <<E\nbody\nE\n# first\n# part\nRUN one \\\n  # why\n  two\nCMD [\"x\"]"
        );
        let back = Dockerfile::parse(&moved)
            .edit(&Edit::Move { node: 2, before: 1 })
            .unwrap();
        assert_eq!(back.text, TEXT);
    }

    #[test]
    fn the_last_line_may_lack_its_end() {
        assert!(
            edit(&Edit::Insert {
                before: 4,
                text: "USER x".to_owned()
            })
            .ends_with("CMD [\"x\"]\nUSER x\n")
        );
        assert!(edit(&Edit::Move { node: 3, before: 1 }).contains("CMD [\"x\"]\n# first"));
    }

    #[test]
    fn comments_stay_where_an_instruction_is_replaced() {
        let text = edit(&Edit::Replace {
            node: 1,
            text: "RUN three".to_owned(),
        });
        assert!(text.contains("# first\n# part\nRUN three\nRUN <<E"));
    }

    #[test]
    fn nothing_is_edited_that_is_not_there() {
        assert_eq!(
            Dockerfile::parse(TEXT).edit(&Edit::Remove { node: 4 }),
            None
        );
    }
}
