//! Variables, and what should not be one.

use std::collections::{BTreeMap, BTreeSet};

use super::from::BUILT_IN;
use super::{CheckCode, Found};
use crate::{Arguments, Dockerfile, Expander, Keyword, Node, Word};

/// Variables that are there without a declaration: the shell's and the base image's own, and proxies.
const GIVEN: [&str; 13] = [
    "PATH",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "FTP_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "ftp_proxy",
    "no_proxy",
    "all_proxy",
    "HOME",
    "SOURCE_DATE_EPOCH",
];

/// Parts of names that stand for secrets, and parts that take that back.
const SECRET: [&str; 8] = [
    "apikey",
    "auth",
    "credential",
    "credentials",
    "key",
    "password",
    "pword",
    "passwd",
];
const SECRET_TOO: [&str; 2] = ["secret", "token"];
const NOT_SECRET: [&str; 2] = ["public", "file"];

pub(super) fn check(dockerfile: &Dockerfile, found: &mut Found<'_>) {
    let mut stages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut known = BTreeSet::new();
    // What another image sets cannot be known here: only stages on `scratch` or on other stages are sure.
    let mut sure = false;
    let mut name = None;
    for node in dockerfile.nodes() {
        match (node.keyword, &node.arguments) {
            (Some(Keyword::From), Arguments::Words(words)) => {
                stages.extend(
                    name.take()
                        .map(|name: String| (name, std::mem::take(&mut known))),
                );
                let base = words[0].text.to_lowercase();
                known = stages.get(&base).cloned().unwrap_or_default();
                sure = base == "scratch" || (sure && stages.contains_key(&base));
                name = words.get(2).map(|word| word.text.to_lowercase());
            }
            (Some(Keyword::Arg), Arguments::Words(words)) => {
                for word in words {
                    let declared = word.text.split('=').next().unwrap_or_default();
                    secret("ARG", declared, word, found);
                    known.insert(declared.to_owned());
                }
            }
            _ => uses(dockerfile, node, &known, sure, found),
        }
        if let (Some(Keyword::Env), Arguments::Pairs(pairs)) = (node.keyword, &node.arguments) {
            for pair in pairs {
                let word = Word {
                    text: pair.name.clone(),
                    span: pair.span,
                };
                secret("ENV", &pair.name, &word, found);
                known.insert(pair.name.clone());
            }
        }
    }
}

fn secret(keyword: &str, name: &str, word: &Word, found: &mut Found<'_>) {
    let lower = name.to_lowercase();
    let mut parts = lower.split(['_', '-']);
    let is = |part: &str| SECRET.contains(&part) || SECRET_TOO.contains(&part);
    if parts.clone().any(|part| NOT_SECRET.contains(&part)) || !parts.any(is) {
        return;
    }
    found.add(
        CheckCode::SecretsUsedInArgOrEnv,
        word.span,
        &[("name", name), ("keyword", keyword)],
    );
}

/// Reports variables in what expands here that no line above sets.
fn uses(
    dockerfile: &Dockerfile,
    node: &Node,
    known: &BTreeSet<String>,
    sure: bool,
    found: &mut Found<'_>,
) {
    let lookup = |name: &str| {
        let there = known.contains(name) || GIVEN.contains(&name);
        there.then(|| "x".to_owned())
    };
    for (text, span) in expanding(node) {
        let Ok(expanded) = Expander::new(dockerfile.escape(), &lookup).expand(text) else {
            continue;
        };
        for name in expanded.unset {
            let near = crate::suggest::nearest(&name, known.iter().map(String::as_str));
            let undeclared = BUILT_IN.contains(&name.as_str());
            if sure || near.is_some() || undeclared {
                found.add(CheckCode::UndefinedVar, span, &[("name", &name)]);
            }
        }
    }
}

/// The texts of an instruction in which variables are replaced.
fn expanding(node: &Node) -> Vec<(&str, crate::Span)> {
    let here = matches!(
        node.keyword,
        Some(
            Keyword::Add
                | Keyword::Copy
                | Keyword::Env
                | Keyword::Expose
                | Keyword::Label
                | Keyword::Stopsignal
                | Keyword::User
                | Keyword::Volume
                | Keyword::Workdir
        )
    );
    if !here {
        return Vec::new();
    }
    match &node.arguments {
        Arguments::Words(words) | Arguments::List { words, .. } => words
            .iter()
            .map(|word| (word.text.as_str(), word.span))
            .collect(),
        Arguments::Text(word) => vec![(&word.text, word.span)],
        Arguments::Pairs(pairs) => pairs
            .iter()
            .map(|pair| (pair.value.as_str(), pair.span))
            .collect(),
        Arguments::None => Vec::new(),
    }
}
