use crate::error::Fault;
use crate::{Arguments, Glob, Heredoc, Keyword, Node};

/// `COPY` or `ADD`. Texts are not yet expanded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transfer {
    /// Whether it is `ADD`, which unpacks archives and fetches addresses.
    pub adds: bool,
    /// What is copied: paths, patterns, addresses.
    pub sources: Vec<String>,
    /// What is copied out of the Dockerfile itself.
    pub documents: Vec<Heredoc>,
    /// Where to.
    pub destination: String,
    /// The stage, image or context that the sources are in.
    pub from: Option<String>,
    /// `user:group` of everything that is copied.
    pub chown: Option<String>,
    /// Its mode.
    pub chmod: Option<String>,
    /// Whether the layer stands on its own, whatever is below it.
    pub link: bool,
    /// Whether the folders above a source come along.
    pub parents: bool,
    /// What of the sources is left out.
    pub exclude: Vec<String>,
    /// What an address must give.
    pub checksum: Option<String>,
    /// Whether `.git` of a repository comes along.
    pub keep_git_dir: bool,
    /// Whether archives are unpacked; nothing for the default.
    pub unpack: Option<bool>,
}

const TOO_FEW: &str = "a source and a destination";

impl Transfer {
    pub(crate) fn read(node: &Node, documents: &[Heredoc]) -> Result<Self, Fault> {
        let adds = node.keyword == Some(Keyword::Add);
        let keyword = if adds { "ADD" } else { "COPY" };
        let mut words: Vec<String> = node.words().into_iter().map(str::to_owned).collect();
        let destination = words.pop();
        let (Some(destination), false) = (destination, words.is_empty()) else {
            return Err(Fault::TooFew {
                keyword,
                expected: TOO_FEW,
            });
        };
        let mut transfer = Self {
            adds,
            destination,
            ..Self::default()
        };
        transfer.take_sources(words, node, documents);
        transfer.take_flags(node)?;
        transfer.many_want_a_folder()?;
        Ok(transfer)
    }

    /// A source that announces a document is that document.
    fn take_sources(&mut self, words: Vec<String>, node: &Node, documents: &[Heredoc]) {
        let listed = matches!(node.arguments, Arguments::List { .. });
        let mut documents = documents.iter();
        for word in words {
            let announces = !listed && word.starts_with("<<");
            match documents.as_slice().first().filter(|_| announces) {
                Some(document) => {
                    self.documents.push(document.clone());
                    documents.next();
                }
                None => self.sources.push(word),
            }
        }
    }

    fn take_flags(&mut self, node: &Node) -> Result<(), Fault> {
        for flag in &node.flags {
            let value = flag.value.clone();
            match flag.name.as_str() {
                "from" => self.from = value,
                "chown" => self.chown = value,
                "chmod" => self.chmod = value,
                "checksum" => self.checksum = value,
                "exclude" => self.exclude.extend(value),
                "link" => self.link = truth("link", value.as_deref())?,
                "parents" => self.parents = truth("parents", value.as_deref())?,
                "keep-git-dir" => self.keep_git_dir = truth("keep-git-dir", value.as_deref())?,
                "unpack" => self.unpack = Some(truth("unpack", value.as_deref())?),
                _ => {}
            }
        }
        Ok(())
    }

    fn many_want_a_folder(&self) -> Result<(), Fault> {
        let many = self.sources.len() + self.documents.len() > 1;
        let destination = &self.destination;
        let folder =
            destination.ends_with('/') || destination == "." || destination.ends_with("/.");
        if many && !folder && !destination.contains('$') {
            return Err(Fault::DestinationNotFolder {
                destination: destination.clone(),
            });
        }
        Ok(())
    }

    /// Whether a source names several files.
    #[must_use]
    pub fn is_pattern(source: &str) -> bool {
        source.contains(['*', '?', '[']) && Glob::new(source).is_some()
    }
}

fn truth(flag: &'static str, value: Option<&str>) -> Result<bool, Fault> {
    match value {
        None | Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(value) => Err(Fault::FlagValue {
            flag,
            value: value.to_owned(),
            expected: "true or false",
        }),
    }
}
