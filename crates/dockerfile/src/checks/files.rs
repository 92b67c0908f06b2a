//! Files that are asked for and left out.

use super::{CheckCode, Found, Surroundings};
use crate::{Address, Arguments, Dockerfile, Keyword, Transfer};

pub(super) fn check(dockerfile: &Dockerfile, surroundings: &Surroundings, found: &mut Found<'_>) {
    for node in dockerfile.nodes() {
        let copies = matches!(node.keyword, Some(Keyword::Copy | Keyword::Add));
        let (Arguments::Words(words) | Arguments::List { words, .. }) = &node.arguments else {
            continue;
        };
        if !copies || node.flag("from").is_some() {
            continue;
        }
        let sources = &words[..words.len().saturating_sub(1)];
        for source in sources {
            let path = source.text.trim_start_matches(['/', '.']);
            let skip = path.is_empty() || path.contains('$') || path.starts_with("<<");
            if skip || Address::parse(&source.text).is_some() || Transfer::is_pattern(path) {
                continue;
            }
            if let Some((rule, line)) = surroundings.ignore.reason(&source.text) {
                let line = line.to_string();
                let parameters = [
                    ("path", source.text.as_str()),
                    ("line", &line),
                    ("rule", rule),
                ];
                found.add(CheckCode::CopyIgnoredFile, source.span, &parameters);
            }
        }
    }
}
