use crate::error::Fault;
use crate::instruction::{check_flags, declared};
use crate::suggest::nearest;
use crate::{Dockerfile, Error, Instruction, Keyword, Node, Span};

/// What a Dockerfile means: stages of steps.
#[derive(Debug, Clone)]
pub struct Program {
    /// `ARG` before the first `FROM`.
    pub globals: Vec<Argument>,
    /// The stages, in order.
    pub stages: Vec<Stage>,
    /// The escape character.
    pub escape: char,
}

/// A variable of the build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// Its value where the build gives none.
    pub default: Option<String>,
    /// Where it is declared.
    pub span: Span,
}

/// `FROM` and what follows it.
#[derive(Debug, Clone)]
pub struct Stage {
    /// `AS name`, in lower case.
    pub name: Option<String>,
    /// The image or stage that it starts from, not yet expanded.
    pub base: String,
    /// `--platform`.
    pub platform: Option<String>,
    /// The `FROM`.
    pub span: Span,
    /// The `FROM` as one line.
    pub line: String,
    /// The number of that instruction in the file, from 0.
    pub node: usize,
    /// What comes after.
    pub steps: Vec<Step>,
}

/// One instruction of a stage.
#[derive(Debug, Clone)]
pub struct Step {
    /// What it says.
    pub instruction: Instruction,
    /// As one line.
    pub line: String,
    /// Where it stands.
    pub span: Span,
    /// Its number in the file, from 0.
    pub node: usize,
}

impl Program {
    /// Understands a Dockerfile.
    ///
    /// # Errors
    ///
    /// Everything in it that is wrong, in the order of the text.
    pub fn of(dockerfile: &Dockerfile) -> std::result::Result<Self, Vec<Error>> {
        let mut reader = Reader {
            program: Self {
                globals: Vec::new(),
                stages: Vec::new(),
                escape: dockerfile.escape(),
            },
            errors: dockerfile.errors().to_vec(),
            text: dockerfile.text(),
        };
        for (index, node) in dockerfile.nodes().enumerate() {
            if let Some(keyword) = node.keyword
                && let Err(fault) = reader.node(keyword, node, index)
            {
                reader.fail(fault, node.word.span);
            }
        }
        if reader.program.stages.is_empty() && reader.errors.is_empty() {
            reader.fail(Fault::Empty, Span::default());
        }
        reader.errors.sort_by_key(|error| error.span.start);
        // What could not be read gives one error, not a second one for what it therefore does not say.
        reader.errors.dedup_by_key(|error| error.span);
        if reader.errors.is_empty() {
            Ok(reader.program)
        } else {
            Err(reader.errors)
        }
    }

    /// The triggers that a base image left, as steps of the `FROM` at `span`.
    ///
    /// # Errors
    ///
    /// For a trigger that is no instruction, or one that may not stand there.
    pub fn triggers(
        texts: &[String],
        span: Span,
        node: usize,
    ) -> std::result::Result<Vec<Step>, Error> {
        let mut steps = Vec::new();
        for text in texts {
            let dockerfile = Dockerfile::parse(text);
            if let Some(error) = dockerfile.errors().first() {
                return Err(Error {
                    span,
                    ..error.clone()
                });
            }
            for inner in dockerfile.nodes() {
                let keyword = inner
                    .keyword
                    .expect("a tree without errors knows its keywords");
                let refused = matches!(
                    keyword,
                    Keyword::Onbuild | Keyword::From | Keyword::Maintainer
                );
                let read = if refused {
                    Err(Fault::OnbuildOf {
                        keyword: keyword.as_str(),
                    })
                } else {
                    Instruction::read(keyword, inner, &inner.heredocs)
                };
                let instruction = read.map_err(|fault| Error::new(fault, span, ""))?;
                steps.push(Step {
                    instruction,
                    line: inner.line.clone(),
                    span,
                    node,
                });
            }
        }
        Ok(steps)
    }

    /// The stage that a name or a number means.
    #[must_use]
    pub fn stage(&self, name: &str) -> Option<usize> {
        let lower = name.to_lowercase();
        let named = self
            .stages
            .iter()
            .rposition(|stage| stage.name.as_deref() == Some(&lower));
        named.or_else(|| name.parse().ok().filter(|index| *index < self.stages.len()))
    }

    /// The stage to build: the last one unless a name is given.
    ///
    /// # Errors
    ///
    /// For a name that no stage has, with the nearest one.
    pub fn target(&self, name: Option<&str>) -> std::result::Result<usize, Fault> {
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return Ok(self.stages.len() - 1);
        };
        self.stage(name).ok_or_else(|| {
            let names = self.stages.iter().filter_map(|stage| stage.name.as_deref());
            Fault::NoSuchStage {
                name: name.to_owned(),
                nearest: nearest(name, names).map(str::to_owned),
            }
        })
    }
}

struct Reader<'a> {
    program: Program,
    errors: Vec<Error>,
    text: &'a str,
}

impl Reader<'_> {
    fn fail(&mut self, fault: Fault, span: Span) {
        self.errors.push(Error::new(fault, span, self.text));
    }

    fn node(
        &mut self,
        keyword: Keyword,
        node: &Node,
        index: usize,
    ) -> std::result::Result<(), Fault> {
        if keyword == Keyword::From {
            let stage = stage(node, index)?;
            self.program.stages.push(stage);
            return Ok(());
        }
        let Some(stage) = self.program.stages.last_mut() else {
            return self.before_from(keyword, node);
        };
        let instruction = Instruction::read(keyword, node, &node.heredocs)?;
        stage.steps.push(Step {
            instruction,
            line: node.line.clone(),
            span: node.span,
            node: index,
        });
        Ok(())
    }

    fn before_from(&mut self, keyword: Keyword, node: &Node) -> std::result::Result<(), Fault> {
        if keyword != Keyword::Arg {
            return Err(Fault::BeforeFrom {
                keyword: keyword.as_str(),
            });
        }
        check_flags(keyword, node)?;
        let words: Vec<String> = node.words().into_iter().map(str::to_owned).collect();
        let span = node.span;
        let declared = declared(&words)?.into_iter();
        self.program
            .globals
            .extend(declared.map(|(name, default)| Argument {
                name,
                default,
                span,
            }));
        Ok(())
    }
}

fn stage(node: &Node, index: usize) -> std::result::Result<Stage, Fault> {
    check_flags(Keyword::From, node)?;
    let words = node.words();
    let expected = "FROM image, or FROM image AS name";
    let name = match words.as_slice() {
        [] => {
            return Err(Fault::TooFew {
                keyword: "FROM",
                expected,
            });
        }
        [_] => None,
        [_, word, name] if word.eq_ignore_ascii_case("as") => Some(stage_name(name)?),
        _ => {
            return Err(Fault::TooMany {
                keyword: "FROM",
                expected,
            });
        }
    };
    Ok(Stage {
        name,
        base: words[0].to_owned(),
        platform: node.flag("platform").and_then(|flag| flag.value.clone()),
        span: node.span,
        line: node.line.clone(),
        node: index,
        steps: Vec::new(),
    })
}

fn stage_name(name: &str) -> std::result::Result<String, Fault> {
    let lower = name.to_lowercase();
    let mut characters = lower.chars();
    let first = characters.next().is_some_and(|c| c.is_ascii_lowercase());
    if first && characters.all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
        return Ok(lower);
    }
    Err(Fault::StageName {
        name: name.to_owned(),
    })
}
