//! Dockerfiles as an editor sees them: [`terrarium_dockerfile`] in the words of the contract.

mod blocks;
mod completion;
mod offsets;
mod problems;

use terrarium_api::{
    DockerfileEdit, DockerfileModel, DockerfileText, EditDockerfile, EditedDockerfile, Error,
    ErrorCode, TextRange, TextToken, TextTokenKind,
};
use terrarium_dockerfile::{Dockerfile, Edit, Edited, Span, Surroundings, TokenKind};

use self::offsets::Offsets;
use crate::{Engine, Result, blocking::blocking};

pub(crate) use blocks::needed;

/// Longer texts are built but not edited here.
pub(crate) const EDITABLE_BYTES: usize = 1 << 20;

impl Engine {
    /// What a Dockerfile says: blocks, colors, problems.
    ///
    /// # Errors
    /// `InvalidArgument` for a text that is too long to edit, `NoSuchProject`.
    pub async fn dockerfile_model(&self, request: DockerfileText) -> Result<DockerfileModel> {
        editable(&request.text)?;
        let (surroundings, target) = match &request.project {
            Some(project) => self.surroundings(project).await?,
            None => (Surroundings::default(), None),
        };
        blocking(move || Ok(model(&request.text, &surroundings, target.as_deref()))).await
    }

    /// Changes a Dockerfile and leaves every byte alone that the change is not about.
    ///
    /// # Errors
    /// `InvalidArgument` for an instruction that is not there or not known.
    pub async fn edit_dockerfile(&self, request: EditDockerfile) -> Result<EditedDockerfile> {
        editable(&request.text)?;
        blocking(move || edit(&request.text, request.edit)).await
    }
}

fn editable(text: &str) -> Result<()> {
    if text.len() <= EDITABLE_BYTES {
        return Ok(());
    }
    let error = Error::new(
        ErrorCode::InvalidArgument,
        "the Dockerfile is too long to edit",
    );
    Err(error.hint("files of up to 1 MiB can be edited here"))
}

fn model(text: &str, surroundings: &Surroundings, target: Option<&str>) -> DockerfileModel {
    let dockerfile = Dockerfile::parse(text);
    let offsets = Offsets::of(text);
    DockerfileModel {
        stages: blocks::stages(&dockerfile, target),
        blocks: blocks::blocks(&dockerfile, &offsets),
        tokens: tokens(&dockerfile, &offsets),
        problems: problems::problems(&dockerfile, surroundings, &offsets),
    }
}

fn range(offsets: &Offsets<'_>, span: Span) -> TextRange {
    TextRange {
        start: offsets.unit(span.start),
        end: offsets.unit(span.end),
    }
}

fn tokens(dockerfile: &Dockerfile, offsets: &Offsets<'_>) -> Vec<TextToken> {
    let tokens = dockerfile.tokens().into_iter();
    let told = tokens.map(|token| {
        let TextRange { start, end } = range(offsets, token.span);
        TextToken {
            start,
            end,
            kind: match token.kind {
                TokenKind::Comment => TextTokenKind::Comment,
                TokenKind::Directive => TextTokenKind::Directive,
                TokenKind::Keyword => TextTokenKind::Keyword,
                TokenKind::Flag => TextTokenKind::Flag,
                TokenKind::String => TextTokenKind::String,
                TokenKind::Variable => TextTokenKind::Variable,
                TokenKind::Document => TextTokenKind::Document,
                TokenKind::Continuation => TextTokenKind::Continuation,
            },
        }
    });
    told.collect()
}

fn edit(text: &str, edit: DockerfileEdit) -> Result<EditedDockerfile> {
    let dockerfile = Dockerfile::parse(text);
    let unknown = || Error::new(ErrorCode::InvalidArgument, "there is no such instruction");
    let draft = |draft| blocks::draft(draft).ok_or_else(unknown);
    let edit = match edit {
        DockerfileEdit::Insert { before, draft: new } => Edit::Insert {
            before: before as usize,
            text: dockerfile.written(None, &draft(new)?),
        },
        DockerfileEdit::Remove { node } => Edit::Remove {
            node: node as usize,
        },
        DockerfileEdit::Write { node, draft: new } => Edit::Replace {
            node: node as usize,
            text: dockerfile.written(Some(node as usize), &draft(new)?),
        },
        DockerfileEdit::Move { node, before } => Edit::Move {
            node: node as usize,
            before: before as usize,
        },
        DockerfileEdit::Format => {
            let text = dockerfile.formatted();
            let span = Span::new(0, text.len());
            return Ok(edited(Edited { text, span }));
        }
    };
    dockerfile.edit(&edit).map(edited).ok_or_else(unknown)
}

fn edited(edited: Edited) -> EditedDockerfile {
    let range = range(&Offsets::of(&edited.text), edited.span);
    EditedDockerfile {
        range,
        text: edited.text,
    }
}

#[cfg(test)]
mod tests {
    use terrarium_api::{BlockSaid, DOCKERFILE_PROBLEMS};
    use terrarium_dockerfile::CheckCode;

    use super::*;

    fn of(text: &str) -> DockerfileModel {
        model(text, &Surroundings::default(), None)
    }

    #[test]
    fn every_check_has_a_place_in_the_contract() {
        for code in CheckCode::ALL {
            assert!(DOCKERFILE_PROBLEMS.contains(&code.as_str()), "{code:?}");
        }
        for text in [
            "X",
            "FROM a\nRUN --x b",
            "FROM",
            "FROM a b c d",
            "FROM a\nENV A=1 b",
            "FROM a\nSHELL x",
            "RUN x",
            "FROM a\nHEALTHCHECK x",
            "FROM a\nCOPY a b c",
            "FROM a\nRUN --mount=type=x b",
        ] {
            let problems = of(text).problems;
            let code = &problems
                .iter()
                .find(|problem| problem.is_error)
                .unwrap()
                .code;
            assert!(
                DOCKERFILE_PROBLEMS.contains(&code.as_str()),
                "{text}: {code}"
            );
        }
    }

    #[test]
    fn blocks_know_their_stage_lines_and_comments() {
        let text = "ARG V=1\n# 베이스\nFROM a:$V AS one\n\n# no\n\nRUN x \\\n  y\nFROM b\nCOPY --from=one /a /b\n";
        let model = of(text);
        let seen: Vec<_> = model
            .blocks
            .iter()
            .map(|block| {
                (
                    block.stage,
                    block.first_line,
                    block.last_line,
                    block.comments.len(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                (None, 1, 1, 0),
                (Some(0), 3, 3, 1),
                (Some(0), 7, 8, 0),
                (Some(1), 9, 9, 0),
                (Some(1), 10, 10, 0)
            ]
        );
        assert_eq!(model.blocks[1].comments, ["베이스"]);
        assert_eq!(model.stages[1].needs, [0]);
        assert!(model.stages.iter().all(|stage| stage.needed));
        let words = BlockSaid::Words {
            words: vec!["/a".to_owned(), "/b".to_owned()],
        };
        assert_eq!(model.blocks[4].said, words);
    }

    #[test]
    fn only_what_the_target_needs_is_needed() {
        let text = "FROM a AS one\nRUN x\nFROM b AS two\nFROM c\nRUN --mount=type=bind,from=one,target=/x y\n";
        let dockerfile = Dockerfile::parse(text);
        assert_eq!(
            needed(&dockerfile, None).into_iter().collect::<Vec<_>>(),
            [0, 1, 3, 4]
        );
        assert_eq!(
            needed(&dockerfile, Some("two"))
                .into_iter()
                .collect::<Vec<_>>(),
            [2]
        );
    }

    #[test]
    fn a_new_file_begins_without_a_complaint() {
        assert_eq!(of("").problems, []);
        assert_eq!(of("# syntax=docker/dockerfile:1\n").problems, []);
    }

    #[test]
    fn a_form_changes_its_instruction_only() {
        let text = "FROM a\n# why\nRUN one   two\nCMD [\"x\"]";
        let edit = DockerfileEdit::Write {
            node: 1,
            draft: terrarium_api::BlockDraft {
                keyword: "RUN".to_owned(),
                flags: Vec::new(),
                said: BlockSaid::Text {
                    text: "three".to_owned(),
                },
            },
        };
        let edited = super::edit(text, edit).unwrap();
        assert_eq!(edited.text, "FROM a\n# why\nRUN three\nCMD [\"x\"]");
        assert!(super::edit(text, DockerfileEdit::Remove { node: 7 }).is_err());
    }
}
