use crate::{ExpansionFault, MountFault, Position, Span};

/// What parsing a Dockerfile gives.
pub type Result<T> = std::result::Result<T, Error>;

/// Something that a Dockerfile must not say, and where it says it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{}: {fault}", position.line, position.column)]
pub struct Error {
    /// What.
    pub fault: Fault,
    /// Where, in bytes.
    pub span: Span,
    /// Where, as people count.
    pub position: Position,
}

impl Error {
    pub(crate) fn new(fault: Fault, span: Span, text: &str) -> Self {
        let position = Position::of(text, span.start);
        Self {
            fault,
            span,
            position,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        self.fault.hint()
    }
}

/// What is wrong with an instruction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each text says what the variant means")]
pub enum Fault {
    #[error("the file has no instruction")]
    Empty,
    #[error("unknown instruction {}", quoted(word))]
    UnknownInstruction {
        word: String,
        nearest: Option<&'static str>,
    },
    #[error("{keyword} knows no flag --{flag}")]
    UnknownFlag {
        keyword: &'static str,
        flag: String,
        nearest: Option<&'static str>,
    },
    #[error("flag --{flag} is given twice")]
    DuplicateFlag { flag: String },
    #[error("flag --{flag} wants a value")]
    FlagWithoutValue { flag: String },
    #[error("{} is no value for --{flag}", quoted(value))]
    FlagValue {
        flag: &'static str,
        value: String,
        expected: &'static str,
    },
    #[error("{keyword} says too little")]
    TooFew {
        keyword: &'static str,
        expected: &'static str,
    },
    #[error("{keyword} says too much")]
    TooMany {
        keyword: &'static str,
        expected: &'static str,
    },
    #[error("{} has no `=`", quoted(word))]
    PairWithoutValue { word: String },
    #[error("a name before `=` is empty")]
    EmptyName,
    #[error("a list in brackets may only hold strings")]
    NotStrings,
    #[error("{keyword} wants its words as a list in brackets")]
    NotAList { keyword: &'static str },
    #[error("the document {} never ends", quoted(name))]
    UnterminatedHeredoc { name: String },
    #[error("directive {} is given twice", quoted(name))]
    DuplicateDirective { name: String },
    #[error("{} cannot be an escape character", quoted(value))]
    EscapeDirective { value: String },
    #[error("{} cannot be the name of a stage", quoted(name))]
    StageName { name: String },
    #[error("{keyword} stands before the first FROM")]
    BeforeFrom { keyword: &'static str },
    #[error("ONBUILD may not hold {keyword}")]
    OnbuildOf { keyword: &'static str },
    #[error("{} is no duration", quoted(value))]
    Duration { value: String },
    #[error("HEALTHCHECK knows no {}", quoted(word))]
    HealthCheckKind { word: String },
    #[error("no stage named {}", quoted(name))]
    NoSuchStage {
        name: String,
        nearest: Option<String>,
    },
    #[error("copying several sources wants a folder as the destination")]
    DestinationNotFolder { destination: String },
    #[error("a mount of RUN is wrong")]
    Mount(#[source] MountFault),
    #[error("cannot expand {}", quoted(text))]
    Expansion {
        text: String,
        #[source]
        fault: ExpansionFault,
    },
}

impl Fault {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Empty => "start with FROM and the name of an image".to_owned(),
            Self::UnknownInstruction {
                nearest: Some(nearest),
                ..
            } => format!("did you mean {nearest}?"),
            Self::UnknownFlag {
                nearest: Some(nearest),
                ..
            } => format!("did you mean --{nearest}?"),
            Self::NoSuchStage {
                nearest: Some(nearest),
                ..
            } => format!("did you mean `{nearest}`?"),
            Self::FlagValue { expected, .. }
            | Self::TooFew { expected, .. }
            | Self::TooMany { expected, .. } => format!("write {expected}"),
            Self::PairWithoutValue { .. } => {
                "write NAME=value, and quote values with spaces".to_owned()
            }
            Self::NotStrings => "write [\"program\", \"argument\"] with double quotes".to_owned(),
            Self::NotAList { .. } => "write [\"/bin/sh\", \"-c\"]".to_owned(),
            Self::UnterminatedHeredoc { name } => format!("add a line that holds only {name}"),
            Self::EscapeDirective { .. } => "use \\ or `".to_owned(),
            Self::BeforeFrom { .. } => "only ARG may stand before FROM".to_owned(),
            Self::Duration { .. } => "write it like 30s or 1m30s".to_owned(),
            Self::HealthCheckKind { .. } => "write HEALTHCHECK CMD or HEALTHCHECK NONE".to_owned(),
            Self::DestinationNotFolder { destination } => format!("write {destination}/"),
            Self::StageName { .. } => {
                "use a letter first, then letters, digits, `_`, `-` and `.`".to_owned()
            }
            Self::Mount(fault) => return fault.hint(),
            _ => return None,
        })
    }
}

impl Fault {
    /// Its name, and what it is about, for faces that have texts of their own.
    #[must_use]
    pub fn named(&self) -> Named {
        match self {
            Self::Empty => ("empty", vec![]),
            Self::UnknownInstruction { word, nearest } => (
                "unknownInstruction",
                vec![("word", word.clone()), near(*nearest)],
            ),
            Self::UnknownFlag {
                keyword,
                flag,
                nearest,
            } => (
                "unknownFlag",
                vec![
                    ("keyword", (*keyword).to_owned()),
                    ("flag", flag.clone()),
                    near(*nearest),
                ],
            ),
            Self::DuplicateFlag { flag } => one("duplicateFlag", "flag", flag),
            Self::FlagWithoutValue { flag } => one("flagWithoutValue", "flag", flag),
            Self::FlagValue {
                flag,
                value,
                expected,
            } => (
                "flagValue",
                vec![
                    ("flag", (*flag).to_owned()),
                    ("value", value.clone()),
                    ("expected", (*expected).to_owned()),
                ],
            ),
            Self::TooFew { keyword, expected } => ("tooFew", expecting(keyword, expected)),
            Self::TooMany { keyword, expected } => ("tooMany", expecting(keyword, expected)),
            Self::PairWithoutValue { word } => one("pairWithoutValue", "word", word),
            Self::EmptyName => ("emptyName", vec![]),
            Self::NotStrings => ("notStrings", vec![]),
            Self::NotAList { keyword } => one("notAList", "keyword", keyword),
            Self::UnterminatedHeredoc { name } => one("unterminatedHeredoc", "name", name),
            Self::DuplicateDirective { name } => one("duplicateDirective", "name", name),
            Self::EscapeDirective { value } => one("escapeDirective", "value", value),
            Self::StageName { name } => one("stageName", "name", name),
            Self::BeforeFrom { keyword } => one("beforeFrom", "keyword", keyword),
            Self::OnbuildOf { keyword } => one("onbuildOf", "keyword", keyword),
            Self::Duration { value } => one("duration", "value", value),
            Self::HealthCheckKind { word } => one("healthCheckKind", "word", word),
            Self::NoSuchStage { name, nearest } => (
                "noSuchStage",
                vec![("name", name.clone()), near(nearest.as_deref())],
            ),
            Self::DestinationNotFolder { destination } => {
                one("destinationNotFolder", "destination", destination)
            }
            Self::Mount(fault) => ("mount", vec![("detail", fault.to_string())]),
            Self::Expansion { text, fault } => (
                "expansion",
                vec![("text", text.clone()), ("detail", fault.to_string())],
            ),
        }
    }
}

type Named = (&'static str, Vec<(&'static str, String)>);

fn one(name: &'static str, about: &'static str, value: &str) -> Named {
    (name, vec![(about, value.to_owned())])
}

/// Empty where nothing is near.
fn near(nearest: Option<&str>) -> (&'static str, String) {
    ("nearest", nearest.unwrap_or_default().to_owned())
}

fn expecting(keyword: &str, expected: &str) -> Vec<(&'static str, String)> {
    vec![
        ("keyword", keyword.to_owned()),
        ("expected", expected.to_owned()),
    ]
}

/// Text of others, quoted and of bounded length.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 80;
    if text.chars().count() <= LONGEST {
        return format!("{text:?}");
    }
    let start: String = text.chars().take(LONGEST).collect();
    format!("{start:?}…")
}
