use crate::{Error, Heredoc, Keyword, Span};

/// A Dockerfile: its text, and items that cover every byte of it in order.
#[derive(Debug, Clone)]
pub struct Dockerfile {
    pub(crate) text: String,
    pub(crate) items: Vec<Item>,
    pub(crate) directives: Vec<Directive>,
    pub(crate) escape: char,
    pub(crate) errors: Vec<Error>,
}

impl Dockerfile {
    /// Its text, byte for byte as it was read.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it is made of. The spans of the items join without a gap and cover the text.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Its instructions, in order.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.items.iter().filter_map(|item| match item {
            Item::Instruction(node) => Some(&**node),
            _ => None,
        })
    }

    /// What its first lines tell the parser.
    #[must_use]
    pub fn directives(&self) -> &[Directive] {
        &self.directives
    }

    /// The value of one of those.
    #[must_use]
    pub fn directive(&self, name: &str) -> Option<&str> {
        let found = self
            .directives
            .iter()
            .find(|directive| directive.name == name);
        found.map(|directive| directive.value.as_str())
    }

    /// The character that joins lines and takes the meaning from the next character.
    #[must_use]
    pub fn escape(&self) -> char {
        self.escape
    }

    /// What could not be understood. The tree is whole all the same.
    #[must_use]
    pub fn errors(&self) -> &[Error] {
        &self.errors
    }
}

/// A piece of a Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A line for the parser at the start.
    Directive(Span),
    /// A line that starts with `#`.
    Comment(Span),
    /// A line with nothing on it.
    Blank(Span),
    /// An instruction with its continued lines and documents.
    Instruction(Box<Node>),
}

impl Item {
    /// The bytes that it covers, the end of its last line included.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Self::Directive(span) | Self::Comment(span) | Self::Blank(span) => *span,
            Self::Instruction(node) => node.span,
        }
    }
}

/// A line like `# escape=\``.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// In lower case.
    pub name: String,
    /// What it is set to.
    pub value: String,
    /// Its line.
    pub span: Span,
}

/// An instruction as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Which one; nothing where nobody knows it.
    pub keyword: Option<Keyword>,
    /// The word it starts with, in the case of the author.
    pub word: Word,
    /// `--name=value`.
    pub flags: Vec<Flag>,
    /// The rest.
    pub arguments: Arguments,
    /// The instruction that `ONBUILD` keeps for later.
    pub trigger: Option<Box<Node>>,
    /// Documents in the lines after it.
    pub heredocs: Vec<Heredoc>,
    /// Its lines joined into one, without comments between them and without documents.
    pub line: String,
    /// All of its lines.
    pub span: Span,
    /// Empty lines inside it, which a later version of the language may refuse.
    pub blank_lines: Vec<Span>,
}

impl Node {
    /// A flag by its name.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<&Flag> {
        self.flags.iter().find(|flag| flag.name == name)
    }

    /// Its words, whatever form they are written in.
    #[must_use]
    pub fn words(&self) -> Vec<&str> {
        match &self.arguments {
            Arguments::Words(words) | Arguments::List { words, .. } => {
                words.iter().map(|word| word.text.as_str()).collect()
            }
            Arguments::Text(word) => vec![&word.text],
            Arguments::Pairs(_) | Arguments::None => Vec::new(),
        }
    }

    /// Where what follows the keyword and the flags stands.
    #[must_use]
    pub fn arguments_span(&self) -> Span {
        match &self.arguments {
            Arguments::Words(words) => Span::new(
                words
                    .first()
                    .map_or(self.word.span.end, |word| word.span.start),
                words
                    .last()
                    .map_or(self.word.span.end, |word| word.span.end),
            ),
            Arguments::List { span, .. } => *span,
            Arguments::Text(word) => word.span,
            Arguments::Pairs(pairs) => Span::new(
                pairs
                    .first()
                    .map_or(self.word.span.end, |pair| pair.span.start),
                pairs
                    .last()
                    .map_or(self.word.span.end, |pair| pair.span.end),
            ),
            Arguments::None => Span::new(self.word.span.end, self.word.span.end),
        }
    }
}

/// What follows an instruction's flags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arguments {
    /// Nothing.
    None,
    /// Words with space between them.
    Words(Vec<Word>),
    /// A list in brackets.
    List {
        /// Its strings, decoded. All have the span of the list.
        words: Vec<Word>,
        /// From bracket to bracket.
        span: Span,
    },
    /// All of the line.
    Text(Word),
    /// `NAME=value`.
    Pairs(Vec<Pair>),
}

/// Some text and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The text.
    pub text: String,
    /// Its bytes in the file.
    pub span: Span,
}

/// A name and a value, not yet expanded and with quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
    /// Both.
    pub span: Span,
    /// Whether a space and not `=` is between them, the form that is no longer recommended.
    pub legacy: bool,
}

/// A flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// Without the dashes.
    pub name: String,
    /// What follows `=`, quotes removed.
    pub value: Option<String>,
    /// All of it.
    pub span: Span,
}
