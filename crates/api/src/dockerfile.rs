//! A Dockerfile as an editor sees it.
//!
//! Places in a text count UTF-16 units, as the window does. Instructions are counted from 0 over all of the file.

use std::collections::BTreeMap;

wire! {
    /// The text of a Dockerfile.
    #[derive(Eq)]
    pub struct DockerfileText {
        /// All of it.
        pub text: String,
        /// The project whose `.dockerignore` and arguments count.
        pub project: Option<String>,
    }

    /// A part of a text.
    #[derive(Copy, Eq)]
    pub struct TextRange {
        /// The first unit.
        pub start: u32,
        /// The unit after the last one.
        pub end: u32,
    }

    /// What a Dockerfile says.
    #[derive(Eq)]
    pub struct DockerfileModel {
        /// Its stages, in order.
        pub stages: Vec<StageModel>,
        /// Its instructions, in order.
        pub blocks: Vec<Block>,
        /// What stands out in the text.
        pub tokens: Vec<TextToken>,
        /// Errors and what is questionable, in the order of the text.
        pub problems: Vec<TextProblem>,
    }

    /// `FROM` and what follows it.
    #[derive(Eq)]
    pub struct StageModel {
        /// Its name, if it has one.
        pub name: Option<String>,
        /// The image or the stage that it starts from, as it is written.
        pub base: String,
        /// The `FROM`.
        pub node: u32,
        /// The stages that it takes from, by their place.
        pub needs: Vec<u32>,
        /// Whether the target needs it.
        pub needed: bool,
    }

    /// An instruction.
    #[derive(Eq)]
    pub struct Block {
        /// Its number.
        pub node: u32,
        /// The stage that it stands in; none before the first `FROM`.
        pub stage: Option<u32>,
        /// In capitals; none where nobody knows it.
        pub keyword: Option<String>,
        /// As it is written, in one line.
        pub line: String,
        /// The comments right above it, without `#`.
        pub comments: Vec<String>,
        /// All of its lines.
        pub range: TextRange,
        /// Its first line, from 1.
        pub first_line: u32,
        /// Its last line.
        pub last_line: u32,
        /// `--name=value`.
        pub flags: Vec<BlockFlag>,
        /// The rest.
        pub said: BlockSaid,
        /// Whether it adds files to the image; others only set something.
        pub makes_layer: bool,
    }

    /// A flag of an instruction.
    #[derive(Eq)]
    pub struct BlockFlag {
        /// Without the dashes.
        pub name: String,
        /// What follows `=`.
        pub value: Option<String>,
    }

    /// What follows the flags.
    #[derive(Eq)]
    #[serde(tag = "kind", rename_all_fields = "camelCase")]
    pub enum BlockSaid {
        /// As it is written, all lines and documents.
        Text {
            /// All of it.
            text: String,
        },
        /// Words with space between them.
        Words {
            /// The words.
            words: Vec<String>,
        },
        /// A list in brackets.
        List {
            /// Its strings.
            words: Vec<String>,
        },
        /// `NAME=value`.
        Pairs {
            /// The pairs.
            pairs: Vec<NamedValue>,
        },
    }

    /// A name and its value.
    #[derive(Eq)]
    pub struct NamedValue {
        /// The name.
        pub name: String,
        /// The value, with quotes as they are written.
        pub value: String,
    }

    /// A piece of the text that stands out.
    #[derive(Copy, Eq)]
    pub struct TextToken {
        /// The first unit.
        pub start: u32,
        /// The unit after the last one.
        pub end: u32,
        /// What it is.
        pub kind: TextTokenKind,
    }

    /// What a piece of a Dockerfile is.
    #[derive(Copy, Eq)]
    pub enum TextTokenKind {
        /// After `#`.
        Comment,
        /// A line for the parser.
        Directive,
        /// The first word of an instruction.
        Keyword,
        /// `--name=value`.
        Flag,
        /// In quotes.
        String,
        /// `$NAME`.
        Variable,
        /// Between `<<NAME` and `NAME`.
        Document,
        /// What joins two lines.
        Continuation,
    }

    /// Something that is wrong or questionable.
    #[derive(Eq)]
    pub struct TextProblem {
        /// An error keeps the file from being built.
        pub is_error: bool,
        /// Which one, of [`DOCKERFILE_PROBLEMS`].
        pub code: String,
        /// What it is about.
        pub values: BTreeMap<String, String>,
        /// What it says, in English.
        pub message: String,
        /// Where.
        pub range: TextRange,
        /// In which line, from 1.
        pub line: u32,
        /// In which instruction.
        pub node: Option<u32>,
        /// What settles it.
        pub fix: Option<TextFix>,
    }

    /// A replacement in the text.
    #[derive(Eq)]
    pub struct TextFix {
        /// What goes away.
        pub range: TextRange,
        /// What comes.
        pub text: String,
    }

    /// Changes a Dockerfile and leaves every byte alone that the change is not about.
    #[derive(Eq)]
    pub struct EditDockerfile {
        /// The text.
        pub text: String,
        /// The change.
        pub edit: DockerfileEdit,
    }

    /// A change of a Dockerfile.
    #[derive(Eq)]
    #[serde(tag = "kind", rename_all_fields = "camelCase")]
    pub enum DockerfileEdit {
        /// Puts in an instruction.
        Insert {
            /// The instruction that will come after it; the count of all to put it at the end.
            before: u32,
            /// What it says.
            draft: BlockDraft,
        },
        /// Takes an instruction away, and the comments above it.
        Remove {
            /// Which.
            node: u32,
        },
        /// Says something else in an instruction.
        Write {
            /// Which.
            node: u32,
            /// What it says now.
            draft: BlockDraft,
        },
        /// Carries an instruction and the comments above it to another place.
        Move {
            /// Which.
            node: u32,
            /// The instruction that will come after it, counted before the move.
            before: u32,
        },
        /// Puts the layout in order.
        Format,
    }

    /// What an instruction is to say.
    #[derive(Eq)]
    pub struct BlockDraft {
        /// Which one.
        pub keyword: String,
        /// `--name=value`.
        pub flags: Vec<BlockFlag>,
        /// The rest.
        pub said: BlockSaid,
    }

    /// A text after a change.
    #[derive(Eq)]
    pub struct EditedDockerfile {
        /// All of it.
        pub text: String,
        /// What is new in it.
        pub range: TextRange,
    }

    /// Asks what may stand at a place.
    #[derive(Eq)]
    pub struct CompleteDockerfile {
        /// The text.
        pub text: String,
        /// The place.
        pub at: u32,
        /// The project whose files and images may be named.
        pub project: Option<String>,
    }

    /// What may stand there.
    #[derive(Eq)]
    pub struct DockerfileCompletion {
        /// What it replaces.
        pub range: TextRange,
        /// At most 200.
        pub candidates: Vec<TextCandidate>,
    }

    /// Something that may be written.
    #[derive(Eq)]
    pub struct TextCandidate {
        /// As it is written.
        pub text: String,
        /// What it is.
        pub kind: TextCandidateKind,
    }

    /// The kinds of what may be written.
    #[derive(Copy, Eq)]
    pub enum TextCandidateKind {
        /// An instruction.
        Keyword,
        /// A flag.
        Flag,
        /// A value of a flag, or a fixed word.
        Value,
        /// A stage of this file.
        Stage,
        /// A variable that is set above.
        Variable,
        /// An image of this machine.
        Image,
        /// A file or a folder of the build.
        Path,
    }
}

/// Everything that [`TextProblem::code`] can be: BuildKit's checks first, then errors of the language.
pub const DOCKERFILE_PROBLEMS: &[&str] = &[
    "StageNameCasing",
    "FromAsCasing",
    "NoEmptyContinuation",
    "ConsistentInstructionCasing",
    "DuplicateStageName",
    "ReservedStageName",
    "JSONArgsRecommended",
    "MaintainerDeprecated",
    "UndefinedArgInFrom",
    "WorkdirRelativePath",
    "UndefinedVar",
    "MultipleInstructionsDisallowed",
    "LegacyKeyValueFormat",
    "InvalidBaseImagePlatform",
    "RedundantTargetPlatform",
    "SecretsUsedInArgOrEnv",
    "InvalidDefaultArgInFrom",
    "FromPlatformFlagConstDisallowed",
    "CopyIgnoredFile",
    "InvalidDefinitionDescription",
    "ExposeProtoCasing",
    "ExposeInvalidFormat",
    "empty",
    "unknownInstruction",
    "unknownFlag",
    "duplicateFlag",
    "flagWithoutValue",
    "flagValue",
    "tooFew",
    "tooMany",
    "pairWithoutValue",
    "emptyName",
    "notStrings",
    "notAList",
    "unterminatedHeredoc",
    "duplicateDirective",
    "escapeDirective",
    "stageName",
    "beforeFrom",
    "onbuildOf",
    "duration",
    "healthCheckKind",
    "noSuchStage",
    "destinationNotFolder",
    "mount",
    "expansion",
];
