use super::*;

fn lookup(name: &str) -> Option<String> {
    let value = match name {
        "HOME" => "/home",
        "EMPTY" => "",
        "FILE" => "archive.tar.gz",
        "TWO" => "a  b",
        _ => return None,
    };
    Some(value.to_owned())
}

fn check(text: &str, expect: &str) {
    let found = Expander::new('\\', &lookup).expand(text);
    assert_eq!(
        found.as_ref().map(|found| found.text.as_str()),
        Ok(expect),
        "{text}"
    );
}

#[test]
fn variables_are_replaced() {
    for (text, expect) in [
        ("$HOME/x", "/home/x"),
        ("${HOME}x", "/homex"),
        ("\\$HOME", "$HOME"),
        ("'$HOME'", "$HOME"),
        ("\"$HOME\"", "/home"),
        ("${NO:-a b}", "a b"),
        ("${EMPTY:-x}${EMPTY-y}", "x"),
        ("${EMPTY:+x}${EMPTY+y}", "y"),
        ("${NO:-${HOME}}", "/home"),
        ("$NO", ""),
        ("$", "$"),
        ("$.", "$."),
        ("$1x", "x"),
    ] {
        check(text, expect);
    }
}

#[test]
fn patterns_cut_and_replace() {
    for (text, expect) in [
        ("${FILE%.*}", "archive.tar"),
        ("${FILE%%.*}", "archive"),
        ("${FILE#*.}", "tar.gz"),
        ("${FILE##*.}", "gz"),
        ("${FILE/a/o}", "orchive.tar.gz"),
        ("${FILE//a/o}", "orchive.tor.gz"),
        ("${FILE//\\./_}", "archive_tar_gz"),
        ("${FILE/t?r/x}", "archive.x.gz"),
        ("${FILE//./}", "archivetargz"),
        ("${FILE#\\*}", "archive.tar.gz"),
    ] {
        check(text, expect);
    }
}

#[test]
fn words_split_outside_of_quotes_only() {
    let words = |text: &str| Expander::new('\\', &lookup).expand(text).unwrap().words;
    assert_eq!(words("x$TWO y"), ["xa", "b", "y"]);
    assert_eq!(words("\"$TWO\" ''"), ["a  b", ""]);
    assert_eq!(words("a\\ b"), ["a b"]);
    assert_eq!(words("$NO"), Vec::<String>::new());
}

#[test]
fn documents_keep_their_quotes() {
    let expander = Expander::new('\\', &lookup).keep_quotes();
    let text = "it's \"$HOME\" \\$HOME \\n";
    assert_eq!(
        expander.expand(text).unwrap().text,
        "it's \"/home\" $HOME \\n"
    );
}

#[test]
fn what_cannot_expand_says_why() {
    for (text, fault) in [
        ("${", ExpansionFault::NoName),
        ("${}", ExpansionFault::NoName),
        ("${HOME", ExpansionFault::OpenBrace),
        ("${HOME:=x}", ExpansionFault::Operator('=')),
        ("'a", ExpansionFault::OpenQuote('\'')),
        ("\"a", ExpansionFault::OpenQuote('"')),
    ] {
        assert_eq!(
            Expander::new('\\', &lookup).expand(text),
            Err(fault),
            "{text}"
        );
    }
    let deep = format!("{}x{}", "${NO:-".repeat(100_000), "}".repeat(100_000));
    assert_eq!(
        Expander::new('\\', &lookup).expand(&deep),
        Err(ExpansionFault::TooDeep)
    );
}

#[test]
fn a_name_without_a_value_is_noted() {
    let found = Expander::new('\\', &lookup)
        .expand("$NO ${ALSO} ${FINE:-x}")
        .unwrap();
    assert_eq!(found.unset, ["NO", "ALSO"]);
}
