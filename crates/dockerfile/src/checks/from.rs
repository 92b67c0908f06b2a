//! What `FROM` says.

use std::collections::BTreeMap;

use super::{CheckCode, Found, Surroundings};
use crate::{Arguments, Dockerfile, Expander, Keyword, Node, Word};

/// Names that mean something where a stage or an image can stand.
const RESERVED: [&str; 2] = ["scratch", "context"];

/// Arguments that every build has.
pub(super) const BUILT_IN: [&str; 9] = [
    "TARGETPLATFORM",
    "TARGETOS",
    "TARGETARCH",
    "TARGETVARIANT",
    "TARGETSTAGE",
    "BUILDPLATFORM",
    "BUILDOS",
    "BUILDARCH",
    "BUILDVARIANT",
];

pub(super) fn check(dockerfile: &Dockerfile, surroundings: &Surroundings, found: &mut Found<'_>) {
    let mut globals: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut names: Vec<String> = Vec::new();
    let mut started = false;
    for node in dockerfile.nodes() {
        match (node.keyword, &node.arguments) {
            (Some(Keyword::Arg), Arguments::Words(words)) if !started => {
                globals.extend(words.iter().map(|word| declared(&word.text)));
            }
            (Some(Keyword::From), Arguments::Words(words)) => {
                started = true;
                base(dockerfile, surroundings, &globals, &words[0], found);
                platform(node, found);
                if let [_, keyword, name] = words.as_slice() {
                    as_casing(node, keyword, found);
                    stage_name(name, &mut names, found);
                }
            }
            _ => {}
        }
    }
}

fn declared(word: &str) -> (String, Option<String>) {
    match word.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (word.to_owned(), None),
    }
}

fn base(
    dockerfile: &Dockerfile,
    surroundings: &Surroundings,
    globals: &BTreeMap<String, Option<String>>,
    image: &Word,
    found: &mut Found<'_>,
) {
    let known = |name: &str| {
        if let Some(value) = surroundings
            .arguments
            .get(name)
            .filter(|_| globals.contains_key(name))
        {
            return Some(value.clone());
        }
        match globals.get(name) {
            Some(default) => Some(
                default
                    .clone()
                    .unwrap_or_default()
                    .trim_matches('"')
                    .to_owned(),
            ),
            None if BUILT_IN.contains(&name) => Some("linux".to_owned()),
            None => None,
        }
    };
    let Ok(expanded) = Expander::new(dockerfile.escape(), &known).expand(&image.text) else {
        return;
    };
    for name in &expanded.unset {
        found.add(CheckCode::UndefinedArgInFrom, image.span, &[("name", name)]);
    }
    let defaults = |name: &str| {
        globals.get(name).map(|default| {
            default
                .clone()
                .unwrap_or_default()
                .trim_matches('"')
                .to_owned()
        })
    };
    let with_defaults = Expander::new(dockerfile.escape(), &defaults).expand(&image.text);
    let names_one = with_defaults
        .is_ok_and(|found| !found.text.is_empty() && !found.text.ends_with([':', '/', '@']));
    if expanded.unset.is_empty() && image.text.contains('$') && !names_one {
        found.add(
            CheckCode::InvalidDefaultArgInFrom,
            image.span,
            &[("image", &image.text)],
        );
    }
}

fn platform(node: &Node, found: &mut Found<'_>) {
    let Some(flag) = node.flag("platform") else {
        return;
    };
    let Some(value) = flag.value.as_deref() else {
        return;
    };
    let parameters = [("platform", value)];
    match value {
        "$TARGETPLATFORM" | "${TARGETPLATFORM}" => {
            found.add(CheckCode::RedundantTargetPlatform, flag.span, &parameters);
        }
        value if !value.contains('$') => {
            found.add(
                CheckCode::FromPlatformFlagConstDisallowed,
                flag.span,
                &parameters,
            );
        }
        _ => {}
    }
}

fn as_casing(node: &Node, keyword: &Word, found: &mut Found<'_>) {
    let upper = |text: &str| text.chars().all(|c| c.is_ascii_uppercase());
    let lower = |text: &str| text.chars().all(|c| c.is_ascii_lowercase());
    let (from, word) = (&node.word.text, &keyword.text);
    if (upper(from) && !upper(word)) || (lower(from) && !lower(word)) {
        let expected = if upper(from) { "AS" } else { "as" };
        found
            .add(
                CheckCode::FromAsCasing,
                keyword.span,
                &[("as", word), ("from", from)],
            )
            .replace(keyword.span, expected);
    }
}

fn stage_name(name: &Word, names: &mut Vec<String>, found: &mut Found<'_>) {
    let lower = name.text.to_lowercase();
    if lower != name.text {
        found
            .add(
                CheckCode::StageNameCasing,
                name.span,
                &[("name", &name.text)],
            )
            .replace(name.span, lower.clone());
    }
    if RESERVED.contains(&lower.as_str()) {
        found.add(
            CheckCode::ReservedStageName,
            name.span,
            &[("name", &name.text)],
        );
    }
    if names.contains(&lower) {
        found.add(
            CheckCode::DuplicateStageName,
            name.span,
            &[("name", &name.text)],
        );
    }
    names.push(lower);
}
