//! What holds for every text, however odd.

use proptest::prelude::*;
use terrarium_dockerfile::{Dockerfile, Edit, Expander, Ignore, Program, Surroundings, check};

const SEEDS: &[&str] = &[
    "# escape=`\nFROM a AS b\nRUN x `\n # c\n\n  y\n",
    "# syntax=docker/dockerfile:1\nARG V=1\nFROM --platform=$BUILDPLATFORM a:${V:-2}\nRUN --mount=type=cache,target=/x <<E\nbody $V\nE\n",
    "FROM scratch\nCOPY --from=0 --chown=1:2 [\"a b\", \"c\"]\nADD <<-'A' <<B /x/\n\tone\nA\ntwo\nB\n",
    "FROM a\nENV A=b C=\"d e\" F=\\$G\nLABEL x y\nONBUILD RUN <<E\nz\nE\nHEALTHCHECK --interval=5s CMD [\"x\"]\n",
    "\u{feff}FROM a\r\nCMD [\"x\"]\r\nEXPOSE 80/TCP $P\r\nSHELL [\"/bin/sh\"]",
];

/// A seed with bytes flipped, cut and doubled.
fn mutated() -> impl Strategy<Value = String> {
    let change = (
        any::<prop::sample::Index>(),
        "[ \\\\`\n\"'$<{}\\[\\]=#:,A-Z]{0,4}",
        0usize..6,
    );
    (0..SEEDS.len(), prop::collection::vec(change, 0..8)).prop_map(|(seed, changes)| {
        let mut characters: Vec<char> = SEEDS[seed].chars().collect();
        for (index, text, removed) in changes {
            let at = index.index(characters.len() + 1);
            let end = (at + removed).min(characters.len());
            characters.splice(at..end, text.chars());
        }
        characters.into_iter().collect()
    })
}

fn covers(text: &str) {
    let dockerfile = Dockerfile::parse(text);
    assert_eq!(dockerfile.text(), text);
    let printed: String = dockerfile
        .items()
        .iter()
        .map(|item| &text[item.span().start..item.span().end])
        .collect();
    assert_eq!(printed, text, "the items cover the text");
    for node in dockerfile.nodes() {
        for span in node
            .flags
            .iter()
            .map(|flag| flag.span)
            .chain([node.word.span, node.arguments_span()])
        {
            assert!(
                text.get(span.start..span.end).is_some(),
                "{span:?} is inside {text:?}"
            );
        }
    }
    for found in check(&dockerfile, &Surroundings::default()) {
        assert!(!found.message().is_empty());
        if let Some(fix) = found.fix {
            assert!(text.get(fix.span.start..fix.span.end).is_some());
        }
    }
    let _ = Program::of(&dockerfile);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_kept(text in any::<String>()) {
        covers(&text);
    }

    #[test]
    fn any_mutation_is_kept(text in mutated()) {
        covers(&text);
    }

    #[test]
    fn formatting_keeps_the_meaning_and_comes_to_rest(text in mutated()) {
        let dockerfile = Dockerfile::parse(&text);
        if Program::of(&dockerfile).is_ok() {
            let formatted = Dockerfile::parse(&dockerfile.formatted());
            let lines = |dockerfile: &Dockerfile| -> Vec<(Vec<String>, usize)> {
                dockerfile.nodes().map(|node| {
                    (node.words().into_iter().map(str::to_owned).collect(), node.heredocs.len())
                }).collect()
            };
            prop_assert_eq!(lines(&dockerfile), lines(&formatted));
            prop_assert_eq!(formatted.formatted(), formatted.text());
        }
    }

    #[test]
    fn an_edit_leaves_the_rest_alone(text in mutated(), node in 0usize..6) {
        let dockerfile = Dockerfile::parse(&text);
        if let Some(edited) = dockerfile.edit(&Edit::Remove { node }) {
            let at = edited.span.start;
            prop_assert_eq!(&edited.text[..at], &text[..at]);
            prop_assert!(text.ends_with(&edited.text[at..]));
        }
        if let Some(edited) = dockerfile.edit(&Edit::Insert { before: node, text: "USER new".into() }) {
            let mut without = edited.text.clone();
            without.replace_range(edited.span.start..edited.span.end, "");
            prop_assert_eq!(without.trim_end(), text.trim_end());
        }
    }

    #[test]
    fn expansion_and_ignoring_end(text in "[ -~\n]{0,200}", path in "[a-z/.*]{0,40}") {
        let _ = Expander::new('\\', &|_| Some("a*b".into())).expand(&text);
        let _ = Ignore::parse(&text).matches(&path);
    }
}
