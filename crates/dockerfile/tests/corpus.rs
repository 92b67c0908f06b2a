//! Compares with the data of another parser, where `DOCKERFILE_CORPUS` names a folder with it.

use std::fs;
use std::path::{Path, PathBuf};

use terrarium_dockerfile::{Arguments, Dockerfile, Expander, Keyword, Node, Program};

fn corpus() -> Option<PathBuf> {
    let found = std::env::var_os("DOCKERFILE_CORPUS").map(PathBuf::from);
    if found.is_none() {
        eprintln!("skipped: DOCKERFILE_CORPUS is not set");
    }
    found
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0' => out.push_str("\\x00"),
            c => out.push(c),
        }
    }
    out + "\""
}

fn dump(node: &Node) -> String {
    let mut out = format!("({}", node.word.text.to_lowercase());
    if !node.flags.is_empty() {
        let flags = node.flags.iter().map(|flag| match &flag.value {
            Some(value) => quoted(&format!("--{}={value}", flag.name)),
            None => quoted(&format!("--{}", flag.name)),
        });
        out += &format!(" [{}]", flags.collect::<Vec<_>>().join(" "));
    }
    if let Some(trigger) = &node.trigger {
        return out + " " + &dump(trigger) + ")";
    }
    if let Arguments::Pairs(pairs) = &node.arguments {
        for pair in pairs {
            let between = if pair.legacy { "" } else { "=" };
            out += &format!(
                " {} {} {}",
                quoted(&pair.name),
                quoted(&pair.value),
                quoted(between)
            );
        }
    }
    for word in node.words() {
        out += &format!(" {}", quoted(word));
    }
    out + ")"
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn trees_agree() {
    let Some(corpus) = corpus() else { return };
    let mut wrong = Vec::new();
    for entry in fs::read_dir(corpus.join("parser")).unwrap() {
        let folder = entry.unwrap().path();
        let dockerfile = Dockerfile::parse(&text(&folder.join("Dockerfile")));
        let found: Vec<String> = dockerfile.nodes().map(dump).collect();
        let expect = text(&folder.join("result"));
        if found.join("\n").trim() != expect.trim() {
            wrong.push(format!(
                "{}\n{}\n--\n{}",
                folder.display(),
                found.join("\n"),
                expect
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn what_others_refuse_is_refused() {
    let Some(corpus) = corpus() else { return };
    for entry in fs::read_dir(corpus.join("parser-negative")).unwrap() {
        let path = entry.unwrap().path().join("Dockerfile");
        assert!(
            Program::of(&Dockerfile::parse(&text(&path))).is_err(),
            "{}",
            path.display()
        );
    }
}

#[test]
fn expansion_agrees() {
    let Some(corpus) = corpus() else { return };
    let lookup = |name: &str| {
        let value = match name {
            "PWD" => "/home",
            "SHELL" => "bash",
            "KOREAN" => "한국어",
            "NULL" => "",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let mut wrong = Vec::new();
    for line in text(&corpus.join("envVarTest")).lines() {
        let line = line.split(" #").next().unwrap_or_default();
        let mut parts = line.splitn(3, '|');
        let (Some("A" | "U"), Some(input), Some(expect)) =
            (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let found = Expander::new('\\', &lookup).expand(input.trim());
        let shown = found.map_or("error".to_owned(), |found| found.text);
        if shown != expect.trim() {
            wrong.push(format!(
                "{}: {shown:?}, not {:?}",
                input.trim(),
                expect.trim()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn words_agree() {
    let Some(corpus) = corpus() else { return };
    let mut set = std::collections::HashMap::new();
    let mut wrong = Vec::new();
    for line in text(&corpus.join("wordsTest"))
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        if let Some((name, value)) = line
            .strip_prefix("ENV ")
            .and_then(|rest| rest.split_once('='))
        {
            set.insert(name.to_owned(), value.to_owned());
            continue;
        }
        let Some((input, expect)) = line.split_once(" | ").or_else(|| line.split_once('|')) else {
            continue;
        };
        let lookup = |name: &str| set.get(name).cloned();
        let found = Expander::new('\\', &lookup).expand(input.trim());
        let shown = found.map_or("error".to_owned(), |found| found.words.join(","));
        if shown != expect.trim_start() {
            wrong.push(format!("{input}: {shown:?}, not {expect:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn arguments_of_every_keyword_are_reached() {
    for keyword in Keyword::ALL {
        assert_eq!(
            Keyword::read(&keyword.as_str().to_lowercase()),
            Some(*keyword)
        );
    }
}
