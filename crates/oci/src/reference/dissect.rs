use std::ops::Range;

use super::grammar::{MAX_PATH, is_image_id, is_path_component, is_registry, is_tag};
use super::{DEFAULT_REGISTRY, DEFAULT_TAG, Reference};
use crate::{ReferenceFault, digest};

type Parsed<T> = std::result::Result<T, ReferenceFault>;

/// A reference and where each part of it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dissection {
    /// The complete reference.
    pub reference: Reference,
    /// Its parts in the order in which they are written.
    pub parts: Vec<Part>,
}

/// A part of a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Which part it is.
    pub kind: PartKind,
    /// Its text in the canonical form.
    pub text: String,
    /// The bytes of the typed text that say it; none if it was implied.
    pub typed: Option<Range<usize>>,
}

/// Which part of a reference a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartKind {
    /// Host and port.
    Registry,
    /// All of the path but its last component.
    Namespace,
    /// The last component of the path.
    Repository,
    /// The tag.
    Tag,
    /// The digest.
    Digest,
}

/// A piece of the typed text that knows its place in it.
#[derive(Clone, Copy)]
struct Piece<'a> {
    text: &'a str,
    start: usize,
}

impl<'a> Piece<'a> {
    /// Cuts at the first `separator`.
    fn cut(self, separator: char) -> (Self, Option<Self>) {
        match self.text.find(separator) {
            None => (self, None),
            Some(at) => (self.head(at), Some(self.tail(at + separator.len_utf8()))),
        }
    }

    const fn tail(self, at: usize) -> Self {
        Piece {
            text: self.text.split_at(at).1,
            start: self.start + at,
        }
    }

    const fn head(self, at: usize) -> Self {
        Piece {
            text: self.text.split_at(at).0,
            start: self.start,
        }
    }

    fn part(self, kind: PartKind) -> Part {
        let typed = Some(self.start..self.start + self.text.len());
        Part {
            kind,
            text: self.text.to_owned(),
            typed,
        }
    }
}

fn implied(kind: PartKind, text: &str) -> Part {
    Part {
        kind,
        text: text.to_owned(),
        typed: None,
    }
}

pub(super) fn dissect(text: &str) -> Parsed<Dissection> {
    refuse_at_a_glance(text)?;
    let (registry, rest) = split_registry(Piece { text, start: 0 });
    let mut parts = vec![registry_part(registry)?];

    let (named, digest) = rest.cut('@');
    let (path, tag) = named.cut(':');
    parts.extend(path_parts(path, parts[0].text == DEFAULT_REGISTRY)?);
    let tag = match (tag, digest) {
        (Some(tag), _) if is_tag(tag.text) => Some(tag.part(PartKind::Tag)),
        (Some(tag), _) => return Err(ReferenceFault::Tag(tag.text.to_owned())),
        (None, Some(_)) => None,
        (None, None) => Some(implied(PartKind::Tag, DEFAULT_TAG)),
    };
    let parsed_digest = digest.map(|digest| digest::parse(digest.text)).transpose();
    let parsed_digest = parsed_digest.map_err(ReferenceFault::Digest)?;

    let path: Vec<&str> = parts[1..].iter().map(|part| part.text.as_str()).collect();
    let reference = Reference {
        registry: parts[0].text.clone(),
        repository: path.join("/"),
        tag: tag.as_ref().map(|tag| tag.text.clone()),
        digest: parsed_digest,
    };
    parts.extend(tag);
    parts.extend(digest.map(|digest| digest.part(PartKind::Digest)));
    Ok(Dissection { reference, parts })
}

/// What can be told before the text is taken apart, and deserves a better answer than the grammar has.
fn refuse_at_a_glance(text: &str) -> Parsed<()> {
    if text.is_empty() {
        return Err(ReferenceFault::Empty);
    }
    if let Some(blank) = text.chars().find(|c| c.is_whitespace() || c.is_control()) {
        return Err(ReferenceFault::Blank(blank));
    }
    if let Some((scheme, _)) = text.split_once("://") {
        return Err(ReferenceFault::Scheme(format!("{scheme}://")));
    }
    if is_image_id(text) {
        return Err(ReferenceFault::LooksLikeId);
    }
    Ok(())
}

/// Takes the first component for a registry if it cannot be the name of a user: it has a dot, a colon or an upper-case
/// letter, or is `localhost`.
fn split_registry(text: Piece<'_>) -> (Option<Piece<'_>>, Piece<'_>) {
    let (first, rest) = text.cut('/');
    let Some(rest) = rest else {
        return (None, text);
    };
    if is_host(first.text) {
        (Some(first), rest)
    } else {
        (None, text)
    }
}

/// Whether the first component of several names a registry.
pub(super) fn is_host(first: &str) -> bool {
    let has_case = first.chars().any(char::is_uppercase);
    first == "localhost" || first.contains(['.', ':']) || has_case
}

fn registry_part(typed: Option<Piece<'_>>) -> Parsed<Part> {
    let Some(typed) = typed else {
        return Ok(implied(PartKind::Registry, DEFAULT_REGISTRY));
    };
    if !is_registry(typed.text) {
        return Err(ReferenceFault::Registry(typed.text.to_owned()));
    }
    let mut part = typed.part(PartKind::Registry);
    // Docker Hub's index had this name once, and old configurations still use it.
    if part.text == "index.docker.io" {
        part.text = DEFAULT_REGISTRY.to_owned();
    }
    Ok(part)
}

/// The namespace and the repository. Docker Hub keeps its curated images in the namespace `library`.
fn path_parts(path: Piece<'_>, on_docker_hub: bool) -> Parsed<Vec<Part>> {
    check_path(path.text)?;
    let mut parts = Vec::with_capacity(2);
    let repository = match path.text.rfind('/') {
        Some(slash) => {
            parts.push(path.head(slash).part(PartKind::Namespace));
            path.tail(slash + 1)
        }
        None => path,
    };
    if parts.is_empty() && on_docker_hub {
        parts.push(implied(PartKind::Namespace, "library"));
    }
    parts.push(repository.part(PartKind::Repository));
    let length = parts.iter().map(|part| part.text.len() + 1).sum::<usize>() - 1;
    if length > MAX_PATH {
        return Err(ReferenceFault::TooLong {
            found: length,
            limit: MAX_PATH,
        });
    }
    Ok(parts)
}

fn check_path(path: &str) -> Parsed<()> {
    if path.chars().any(char::is_uppercase) {
        return Err(ReferenceFault::Uppercase(path.to_owned()));
    }
    for component in path.split('/') {
        if component.is_empty() {
            return Err(ReferenceFault::EmptyComponent);
        }
        if !is_path_component(component) {
            return Err(ReferenceFault::Component(component.to_owned()));
        }
    }
    Ok(())
}
