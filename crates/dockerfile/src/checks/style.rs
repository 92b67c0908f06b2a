//! How a Dockerfile is written.

use super::{CheckCode, Found};
use crate::{Arguments, Dockerfile, Item, Keyword, Node, Span};

pub(super) fn check(dockerfile: &Dockerfile, found: &mut Found<'_>) {
    let upper = prefers_upper_case(dockerfile);
    for node in dockerfile.nodes() {
        let Some(keyword) = node.keyword else {
            continue;
        };
        casing(node, upper, found);
        for blank in &node.blank_lines {
            found
                .add(CheckCode::NoEmptyContinuation, *blank, &[])
                .replace(*blank, "");
        }
        match keyword {
            Keyword::Maintainer => maintainer(node, found),
            Keyword::Cmd | Keyword::Entrypoint => shell_form(keyword, node, found),
            Keyword::Workdir => workdir(node, found),
            Keyword::Env | Keyword::Label => legacy_pairs(node, found),
            Keyword::Expose => expose(node, found),
            _ => {}
        }
    }
    repeated(dockerfile, found);
    descriptions(dockerfile, found);
}

fn prefers_upper_case(dockerfile: &Dockerfile) -> bool {
    let known = || dockerfile.nodes().filter(|node| node.keyword.is_some());
    let lower = known()
        .filter(|node| !node.word.text.contains(char::is_uppercase))
        .count();
    lower * 2 <= known().count()
}

fn casing(node: &Node, upper: bool, found: &mut Found<'_>) {
    let word = &node.word.text;
    let expected = if upper {
        word.to_ascii_uppercase()
    } else {
        word.to_ascii_lowercase()
    };
    if *word != expected {
        let parameters = [("word", word.as_str()), ("expected", expected.as_str())];
        found
            .add(
                CheckCode::ConsistentInstructionCasing,
                node.word.span,
                &parameters,
            )
            .replace(node.word.span, expected);
    }
}

fn maintainer(node: &Node, found: &mut Found<'_>) {
    let check = found.add(CheckCode::MaintainerDeprecated, node.word.span, &[]);
    if let Arguments::Text(word) = &node.arguments {
        let value = word
            .text
            .trim_matches('"')
            .replace('\\', "\\\\")
            .replace('"', "\\\"");
        let span = Span::new(node.word.span.start, word.span.end);
        check.replace(
            span,
            format!("LABEL org.opencontainers.image.authors=\"{value}\""),
        );
    }
}

fn shell_form(keyword: Keyword, node: &Node, found: &mut Found<'_>) {
    let Arguments::Text(word) = &node.arguments else {
        return;
    };
    let check = found.add(
        CheckCode::JSONArgsRecommended,
        node.word.span,
        &[("keyword", keyword.as_str())],
    );
    // Only words that mean the same to a shell and without one can be rewritten.
    let plain = |c: char| c.is_alphanumeric() || " ./:_-=,@+%".contains(c);
    let alone = word
        .text
        .split_whitespace()
        .next()
        .is_some_and(|first| !first.contains('='));
    if alone && word.text.chars().all(plain) {
        let words: Vec<String> = word
            .text
            .split_whitespace()
            .map(|word| format!("\"{word}\""))
            .collect();
        check.replace(word.span, format!("[{}]", words.join(", ")));
    }
}

fn workdir(node: &Node, found: &mut Found<'_>) {
    let Arguments::Text(word) = &node.arguments else {
        return;
    };
    if !word
        .text
        .trim_matches(['"', '\''])
        .starts_with(['/', '$', '\\'])
    {
        found.add(
            CheckCode::WorkdirRelativePath,
            word.span,
            &[("path", &word.text)],
        );
    }
}

fn legacy_pairs(node: &Node, found: &mut Found<'_>) {
    let Arguments::Pairs(pairs) = &node.arguments else {
        return;
    };
    for pair in pairs.iter().filter(|pair| pair.legacy) {
        let check = found.add(
            CheckCode::LegacyKeyValueFormat,
            pair.span,
            &[("name", &pair.name)],
        );
        let spaces = pair.value.contains(char::is_whitespace);
        // Quotes inside would have to be escaped, and escapes would change their meaning.
        if !spaces {
            check.replace(pair.span, format!("{}={}", pair.name, pair.value));
        } else if !pair.value.contains(['"', '\'', '\\']) {
            check.replace(pair.span, format!("{}=\"{}\"", pair.name, pair.value));
        }
    }
}

fn expose(node: &Node, found: &mut Found<'_>) {
    let Arguments::Words(words) = &node.arguments else {
        return;
    };
    for word in words {
        if word.text.contains(':') && !word.text.contains('$') {
            found.add(
                CheckCode::ExposeInvalidFormat,
                word.span,
                &[("port", &word.text)],
            );
        }
        let protocol = word
            .text
            .split_once('/')
            .map_or("", |(_, protocol)| protocol);
        if !protocol.contains('$') && protocol.contains(char::is_uppercase) {
            found
                .add(
                    CheckCode::ExposeProtoCasing,
                    word.span,
                    &[("port", &word.text)],
                )
                .replace(word.span, word.text.to_lowercase());
        }
    }
}

/// `CMD`, `ENTRYPOINT` and `HEALTHCHECK` that a later one of the same stage replaces.
fn repeated(dockerfile: &Dockerfile, found: &mut Found<'_>) {
    let mut last: Vec<(Keyword, Span)> = Vec::new();
    for node in dockerfile.nodes() {
        match node.keyword {
            Some(Keyword::From) => last.clear(),
            Some(keyword @ (Keyword::Cmd | Keyword::Entrypoint | Keyword::Healthcheck)) => {
                if let Some(at) = last.iter().position(|(other, _)| *other == keyword) {
                    let (_, span) = last.remove(at);
                    let parameters = [("keyword", keyword.as_str())];
                    found.add(CheckCode::MultipleInstructionsDisallowed, span, &parameters);
                }
                last.push((keyword, node.word.span));
            }
            _ => {}
        }
    }
}

/// Comments right above an argument or a named stage describe it, and then start with its name.
fn descriptions(dockerfile: &Dockerfile, found: &mut Found<'_>) {
    let asked = dockerfile
        .directive("check")
        .unwrap_or_default()
        .contains("InvalidDefinitionDescription");
    if !asked
        || !dockerfile
            .directive("check")
            .unwrap_or_default()
            .contains("experimental=")
    {
        return;
    }
    for pair in dockerfile.items().windows(2) {
        let [Item::Comment(comment), Item::Instruction(node)] = pair else {
            continue;
        };
        let words = node.words();
        let name = match node.keyword {
            Some(Keyword::Arg) => words
                .first()
                .map(|word| word.split('=').next().unwrap_or(word)),
            Some(Keyword::From) => words.get(2).copied(),
            _ => None,
        };
        let text =
            dockerfile.text()[comment.start..comment.end].trim_start_matches(['#', ' ', '\t']);
        if let Some(name) = name
            && text.split_whitespace().next() != Some(name)
        {
            found.add(
                CheckCode::InvalidDefinitionDescription,
                *comment,
                &[("name", name)],
            );
        }
    }
}
