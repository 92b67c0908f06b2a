use std::fmt;

/// The result of a parser of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a text or a document was refused: the text says what, the source says why, [`Error::hint`] what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A digest that cannot be read.
    #[error("parse digest {}", Quoted(.text))]
    Digest {
        /// The text as it was given.
        text: String,
        /// What is wrong with it.
        #[source]
        why: DigestFault,
    },
    /// An image reference that cannot be read.
    #[error("parse image reference {}", Quoted(.text))]
    Reference {
        /// The text as it was given.
        text: String,
        /// What is wrong with it.
        #[source]
        why: ReferenceFault,
    },
    /// A platform that cannot be read.
    #[error("parse platform {}", Quoted(.text))]
    Platform {
        /// The text as it was given.
        text: String,
        /// What is wrong with it.
        #[source]
        why: PlatformFault,
    },
    /// A JSON document of an image that is refused.
    #[error("parse {kind}")]
    Document {
        /// Which document: `manifest`, `index`, `image config`.
        kind: &'static str,
        /// What is wrong with it.
        #[source]
        why: DocumentFault,
    },
}

/// What is wrong with a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestFault {
    /// There is no colon between an algorithm and its value.
    #[error("it has no `algorithm:` in front")]
    NoAlgorithm,
    /// The algorithm is not one that is verified here.
    #[error("algorithm {} is not supported", Quoted(.0))]
    UnknownAlgorithm(String),
    /// The value is too short or too long for its algorithm.
    #[error("{algorithm} takes {expected} hexadecimal digits, not {found}")]
    Length {
        /// The algorithm's name.
        algorithm: &'static str,
        /// How many digits it takes.
        expected: usize,
        /// How many characters there are.
        found: usize,
    },
    /// The value has a character that is no lower-case hexadecimal digit.
    #[error("{0:?} is not a lower-case hexadecimal digit")]
    NotHex(char),
}

/// What is wrong with a reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceFault {
    /// Nothing was given.
    #[error("it is empty")]
    Empty,
    /// It begins with a scheme, as an address of the web does.
    #[error("a reference has no scheme such as `{0}`")]
    Scheme(String),
    /// It holds white space or a control character.
    #[error("it contains {0:?}")]
    Blank(char),
    /// 64 hexadecimal digits are an image ID, so they cannot be a name.
    #[error("64 hexadecimal digits are an image ID, not a name")]
    LooksLikeId,
    /// The repository has upper-case letters.
    #[error("the repository {} has upper-case letters", Quoted(.0))]
    Uppercase(String),
    /// The registry is no host name, address, or port.
    #[error("{} is not a registry's host and port", Quoted(.0))]
    Registry(String),
    /// Two slashes follow each other, or one is at an end.
    #[error("a part of the path is empty")]
    EmptyComponent,
    /// A part of the path breaks the grammar.
    #[error("the part {} is not lower-case letters and digits joined by `.`, `_`, `__` or `-`", Quoted(.0))]
    Component(String),
    /// The repository's path is too long.
    #[error("the repository has {found} characters, the limit is {limit}")]
    TooLong {
        /// The length of the path.
        found: usize,
        /// The longest path that is allowed.
        limit: usize,
    },
    /// The tag breaks the grammar or is too long.
    #[error("the tag {} is not 1 to 128 letters, digits, `_`, `.` or `-`, or starts with `.` or `-`", Quoted(.0))]
    Tag(String),
    /// The part behind `@` is no digest.
    #[error("the digest behind `@` cannot be read")]
    Digest(#[source] DigestFault),
}

/// What is wrong with a platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlatformFault {
    /// It does not have one to three parts.
    #[error("a platform is os/architecture or os/architecture/variant")]
    Shape,
    /// A part is empty or holds a character that no name has.
    #[error("the part {} is not letters, digits, `.`, `_` or `-`", Quoted(.0))]
    Part(String),
    /// A single word is neither a known system nor a known architecture.
    #[error("{} is neither a known operating system nor a known architecture", Quoted(.0))]
    Unknown(String),
}

/// What is wrong with a JSON document of an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentFault {
    /// It is larger than any honest document.
    #[error("it has {found} bytes, the limit is {limit}")]
    TooLarge {
        /// Its size in bytes.
        found: usize,
        /// The largest size that is read.
        limit: usize,
    },
    /// It is not the JSON that the specification asks for.
    #[error("{0}")]
    Json(String),
    /// It is Docker's image manifest v2 schema 1, which has no config and whose layers cannot be verified.
    #[error("it has the format Docker schema 1, which registries gave up in 2019")]
    Schema1,
    /// `schemaVersion` has a value that no specification gives a meaning.
    #[error("schemaVersion is {0}, not 2")]
    SchemaVersion(u64),
    /// Its media type is one we do not read.
    #[error("the media type {} is not an image manifest or index", Quoted(.0))]
    MediaType(String),
    /// It says to be something else than it was announced as, so that two readers could see two images.
    #[error("it was announced as {} but says it is {}", Quoted(.announced), Quoted(.found))]
    Confused {
        /// What the registry or the descriptor announced.
        announced: String,
        /// What the document says.
        found: String,
    },
    /// It has the members of a manifest and of an index at once.
    #[error("it has the members of a manifest and of an index at once")]
    Ambiguous,
    /// A list is longer than an honest one.
    #[error("it lists {found} {what}, the limit is {limit}")]
    TooMany {
        /// What is listed.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// The most that is read.
        limit: usize,
    },
    /// A descriptor's size is below zero or beyond what a blob may have.
    #[error("blob {digest} claims a size of {size_bytes} bytes")]
    Size {
        /// The blob.
        digest: String,
        /// The size that was claimed.
        size_bytes: u64,
    },
    /// The manifest and the config disagree about how many layers the image has.
    #[error("the manifest has {layers} layers but the config has {diff_ids} diff IDs")]
    LayerCount {
        /// Layers of the manifest.
        layers: usize,
        /// Diff IDs of the config.
        diff_ids: usize,
    },
}

impl Error {
    /// What the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Reference { why, .. } => why.hint(),
            Self::Document {
                why: DocumentFault::Schema1,
                ..
            } => {
                Some("pull a newer tag, or have the image pushed again with a current tool".into())
            }
            Self::Platform { .. } => Some("write it like linux/amd64 or linux/arm/v7".into()),
            Self::Digest { .. } => Some("write it like sha256: and 64 hexadecimal digits".into()),
            Self::Document { .. } => None,
        }
    }
}

impl ReferenceFault {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Uppercase(path) => Some(format!("write `{}`", path.to_lowercase())),
            Self::Scheme(scheme) => Some(format!(
                "leave `{scheme}` away: `registry.example/team/app:tag`"
            )),
            Self::LooksLikeId => Some("put a name in front, like `name@sha256:…`".into()),
            Self::Digest(_) => Some("a digest is sha256: and 64 hexadecimal digits".into()),
            Self::Empty => {
                Some("write a name like `alpine` or `registry.example/team/app:1.2`".into())
            }
            _ => None,
        }
    }
}

/// Text from outside, quoted and cut, so that an error stays one readable line.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LIMIT: usize = 120;
        let cut: String = self
            .0
            .chars()
            .take(LIMIT)
            .flat_map(char::escape_debug)
            .collect();
        let more = if self.0.chars().nth(LIMIT).is_some() {
            "…"
        } else {
            ""
        };
        write!(f, "`{cut}{more}`")
    }
}
