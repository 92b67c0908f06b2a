use std::time::Duration;

use crate::error::Fault;
use crate::suggest::nearest;
use crate::{Arguments, Heredoc, Keyword, Mount, Node, Transfer};

/// What an instruction says. Texts are not yet expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are the words of the language")]
pub enum Instruction {
    Run(Run),
    Cmd(Command),
    Label(Vec<(String, String)>),
    Maintainer(String),
    Expose(Vec<String>),
    Env(Vec<(String, String)>),
    Transfer(Transfer),
    Entrypoint(Command),
    Volume(Vec<String>),
    User(String),
    Workdir(String),
    Arg(Vec<(String, Option<String>)>),
    /// The instruction for later, as it is written.
    Onbuild(String),
    Stopsignal(String),
    Healthcheck(HealthCheck),
    Shell(Vec<String>),
}

/// A program and its words, or a line for the shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `["program", "argument"]`
    Exec(Vec<String>),
    /// `program argument`
    Shell(String),
}

/// `RUN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// What runs.
    pub command: Command,
    /// Documents in the lines after it.
    pub documents: Vec<Heredoc>,
    /// `--mount`, each as it is written.
    pub mounts: Vec<String>,
    /// `--network`.
    pub network: Option<String>,
    /// `--security`.
    pub security: Option<String>,
    /// `--device`, each as it is written.
    pub devices: Vec<String>,
}

/// `HEALTHCHECK`. A time that is not given is the default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HealthCheck {
    /// What runs; nothing to switch off the check of the base.
    pub command: Option<Command>,
    /// From one check to the next.
    pub interval: Option<Duration>,
    /// How long one may take.
    pub timeout: Option<Duration>,
    /// How long failures do not count at first.
    pub start_period: Option<Duration>,
    /// From one check to the next in that time.
    pub start_interval: Option<Duration>,
    /// Failures in a row that make it unhealthy.
    pub retries: Option<u32>,
}

/// The flags that an instruction knows, and whether each may be given several times.
pub(crate) fn known_flags(keyword: Keyword) -> &'static [(&'static str, bool)] {
    match keyword {
        Keyword::From => &[("platform", false)],
        Keyword::Run => &[
            ("mount", true),
            ("network", false),
            ("security", false),
            ("device", true),
        ],
        Keyword::Copy => &[
            ("from", false),
            ("chown", false),
            ("chmod", false),
            ("link", false),
            ("parents", false),
            ("exclude", true),
        ],
        Keyword::Add => &[
            ("keep-git-dir", false),
            ("checksum", false),
            ("chown", false),
            ("chmod", false),
            ("link", false),
            ("unpack", false),
            ("exclude", true),
        ],
        Keyword::Healthcheck => &[
            ("interval", false),
            ("timeout", false),
            ("start-period", false),
            ("start-interval", false),
            ("retries", false),
        ],
        _ => &[],
    }
}

/// Flags that may stand alone.
pub(crate) const ALONE: [&str; 4] = ["link", "parents", "keep-git-dir", "unpack"];

pub(crate) fn check_flags(keyword: Keyword, node: &Node) -> Result<(), Fault> {
    let known = known_flags(keyword);
    let mut seen: Vec<&str> = Vec::new();
    for flag in &node.flags {
        let Some((name, repeats)) = known.iter().find(|(name, _)| *name == flag.name) else {
            return Err(Fault::UnknownFlag {
                keyword: keyword.as_str(),
                flag: flag.name.clone(),
                nearest: nearest(&flag.name, known.iter().map(|(name, _)| *name)),
            });
        };
        if seen.contains(name) && !repeats {
            return Err(Fault::DuplicateFlag {
                flag: flag.name.clone(),
            });
        }
        if flag.value.as_deref().unwrap_or_default().is_empty() && !ALONE.contains(name) {
            return Err(Fault::FlagWithoutValue {
                flag: flag.name.clone(),
            });
        }
        seen.push(name);
    }
    Ok(())
}

impl Instruction {
    /// Reads what a node says; `documents` are those of the line, which `ONBUILD` shares with what it holds.
    pub(crate) fn read(
        keyword: Keyword,
        node: &Node,
        documents: &[Heredoc],
    ) -> Result<Self, Fault> {
        check_flags(keyword, node)?;
        Ok(match keyword {
            Keyword::Run => Self::Run(run(node, documents)?),
            Keyword::Cmd => Self::Cmd(command(node).unwrap_or(Command::Exec(Vec::new()))),
            Keyword::Entrypoint => {
                Self::Entrypoint(command(node).unwrap_or(Command::Exec(Vec::new())))
            }
            Keyword::Label => Self::Label(pairs(keyword, node)?),
            Keyword::Env => Self::Env(pairs(keyword, node)?),
            Keyword::Maintainer => Self::Maintainer(one(keyword, node, "a name")?),
            Keyword::User => Self::User(one(keyword, node, "a user")?),
            Keyword::Workdir => Self::Workdir(one(keyword, node, "a path")?),
            Keyword::Stopsignal => Self::Stopsignal(one(keyword, node, "a signal")?),
            Keyword::Expose => Self::Expose(several(keyword, node, "a port")?),
            Keyword::Volume => Self::Volume(several(keyword, node, "a path")?),
            Keyword::Add | Keyword::Copy => Self::Transfer(Transfer::read(node, documents)?),
            Keyword::Arg => Self::Arg(declared(&several(keyword, node, "a name")?)?),
            Keyword::Shell => Self::Shell(shell(node)?),
            Keyword::Healthcheck => Self::Healthcheck(health_check(node)?),
            Keyword::Onbuild => Self::Onbuild(trigger(node)?),
            Keyword::From => return Err(Fault::OnbuildOf { keyword: "FROM" }),
        })
    }
}

fn command(node: &Node) -> Option<Command> {
    match &node.arguments {
        Arguments::List { words, .. } => Some(Command::Exec(
            words.iter().map(|word| word.text.clone()).collect(),
        )),
        Arguments::Text(word) => Some(Command::Shell(word.text.clone())),
        _ => None,
    }
}

fn run(node: &Node, documents: &[Heredoc]) -> Result<Run, Fault> {
    let command = command(node).ok_or(Fault::TooFew {
        keyword: "RUN",
        expected: "a command",
    })?;
    let value = |name: &str| node.flag(name).and_then(|flag| flag.value.clone());
    let mounts = node.flags.iter().filter(|flag| flag.name == "mount");
    let mounts: Vec<String> = mounts.filter_map(|flag| flag.value.clone()).collect();
    for mount in mounts.iter().filter(|mount| !mount.contains('$')) {
        Mount::parse(mount).map_err(Fault::Mount)?;
    }
    one_of(
        "network",
        value("network"),
        &["default", "none", "host"],
        "default, none or host",
    )?;
    one_of(
        "security",
        value("security"),
        &["sandbox", "insecure"],
        "sandbox or insecure",
    )?;
    Ok(Run {
        command,
        documents: documents.to_vec(),
        mounts,
        network: value("network"),
        security: value("security"),
        devices: node
            .flags
            .iter()
            .filter(|flag| flag.name == "device")
            .filter_map(|flag| flag.value.clone())
            .collect(),
    })
}

fn one_of(
    flag: &'static str,
    value: Option<String>,
    allowed: &[&str],
    expected: &'static str,
) -> Result<(), Fault> {
    match value {
        Some(value) if !allowed.contains(&value.as_str()) => Err(Fault::FlagValue {
            flag,
            value,
            expected,
        }),
        _ => Ok(()),
    }
}

fn pairs(keyword: Keyword, node: &Node) -> Result<Vec<(String, String)>, Fault> {
    let Arguments::Pairs(pairs) = &node.arguments else {
        return Err(Fault::TooFew {
            keyword: keyword.as_str(),
            expected: "NAME=value",
        });
    };
    if pairs.iter().any(|pair| pair.name.is_empty()) {
        return Err(Fault::EmptyName);
    }
    Ok(pairs
        .iter()
        .map(|pair| (pair.name.clone(), pair.value.clone()))
        .collect())
}

fn one(keyword: Keyword, node: &Node, expected: &'static str) -> Result<String, Fault> {
    match &node.arguments {
        Arguments::Text(word) => Ok(word.text.clone()),
        _ => Err(Fault::TooFew {
            keyword: keyword.as_str(),
            expected,
        }),
    }
}

fn several(keyword: Keyword, node: &Node, expected: &'static str) -> Result<Vec<String>, Fault> {
    let words: Vec<String> = node.words().into_iter().map(str::to_owned).collect();
    if words.is_empty() {
        return Err(Fault::TooFew {
            keyword: keyword.as_str(),
            expected,
        });
    }
    Ok(words)
}

/// Names with a default or without.
pub(crate) fn declared(words: &[String]) -> Result<Vec<(String, Option<String>)>, Fault> {
    let read = |word: &String| match word.split_once('=') {
        Some(("", _)) => Err(Fault::EmptyName),
        Some((name, value)) => Ok((name.to_owned(), Some(value.to_owned()))),
        None => Ok((word.clone(), None)),
    };
    words.iter().map(read).collect()
}

fn shell(node: &Node) -> Result<Vec<String>, Fault> {
    match &node.arguments {
        Arguments::List { words, .. } if words.is_empty() => Err(Fault::TooFew {
            keyword: "SHELL",
            expected: "a list in brackets",
        }),
        Arguments::List { words, .. } => Ok(words.iter().map(|word| word.text.clone()).collect()),
        _ => Err(Fault::NotAList { keyword: "SHELL" }),
    }
}

fn trigger(node: &Node) -> Result<String, Fault> {
    let expected = "an instruction";
    let Some(inner) = node.trigger.as_deref() else {
        return Err(Fault::TooFew {
            keyword: "ONBUILD",
            expected,
        });
    };
    match inner.keyword {
        Some(keyword @ (Keyword::From | Keyword::Onbuild | Keyword::Maintainer)) => {
            Err(Fault::OnbuildOf {
                keyword: keyword.as_str(),
            })
        }
        // What the base of a later build says has to be right when it is kept.
        Some(keyword) => Instruction::read(keyword, inner, &node.heredocs)
            .map(|_| written(inner, &node.heredocs)),
        None => Err(Fault::UnknownInstruction {
            word: inner.word.text.clone(),
            nearest: None,
        }),
    }
}

/// A line with its documents after it, as a later build reads it.
fn written(inner: &Node, documents: &[Heredoc]) -> String {
    let mut text = inner.line.clone();
    for document in documents {
        text.push('\n');
        text.push_str(&document.content);
        text.push_str(&document.name);
    }
    text
}

fn health_check(node: &Node) -> Result<HealthCheck, Fault> {
    let words = node.words();
    let Some(kind) = words.first() else {
        return Err(Fault::TooFew {
            keyword: "HEALTHCHECK",
            expected: "CMD or NONE",
        });
    };
    let mut check = HealthCheck::default();
    match kind.to_ascii_uppercase().as_str() {
        "NONE" if words.len() == 1 && node.flags.is_empty() => return Ok(check),
        "NONE" => {
            return Err(Fault::TooMany {
                keyword: "HEALTHCHECK NONE",
                expected: "nothing after NONE",
            });
        }
        "CMD" if words.len() == 1 => {
            return Err(Fault::TooFew {
                keyword: "HEALTHCHECK CMD",
                expected: "a command",
            });
        }
        "CMD" => {}
        _ => {
            return Err(Fault::HealthCheckKind {
                word: (*kind).to_owned(),
            });
        }
    }
    check.command = Some(if matches!(node.arguments, Arguments::List { .. }) {
        Command::Exec(words[1..].iter().map(|word| (*word).to_owned()).collect())
    } else {
        Command::Shell(words[1].to_owned())
    });
    for flag in &node.flags {
        let value = flag.value.clone().unwrap_or_default();
        match flag.name.as_str() {
            "interval" => check.interval = Some(duration(&value)?),
            "timeout" => check.timeout = Some(duration(&value)?),
            "start-period" => check.start_period = Some(duration(&value)?),
            "start-interval" => check.start_interval = Some(duration(&value)?),
            _ => check.retries = Some(retries(value)?),
        }
    }
    Ok(check)
}

fn retries(value: String) -> Result<u32, Fault> {
    let expected = "a whole number that is not negative";
    value.parse().map_err(|_| Fault::FlagValue {
        flag: "retries",
        value,
        expected,
    })
}

/// A time as Go writes it: `1m30s`, `1.5h`, `100ms`.
fn duration(text: &str) -> Result<Duration, Fault> {
    let fault = || Fault::Duration {
        value: text.to_owned(),
    };
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(fault)?;
        let number: f64 = rest[..digits].parse().map_err(|_| fault())?;
        let after = &rest[digits..];
        let unit = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        seconds += number
            * match &after[..unit] {
                "ns" => 1e-9,
                "us" | "µs" | "μs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return Err(fault()),
            };
        rest = &after[unit..];
    }
    if text.is_empty() {
        return Err(fault());
    }
    let time = Duration::try_from_secs_f64(seconds).map_err(|_| fault())?;
    // The documents of an image count nanoseconds in 63 bits.
    let fits = time.as_nanos() < i64::MAX as u128;
    if fits { Ok(time) } else { Err(fault()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        assert_eq!(duration("1m30s").unwrap(), Duration::from_secs(90));
        assert_eq!(duration("1.5h").unwrap(), Duration::from_secs(5400));
        assert_eq!(duration("100ms").unwrap(), Duration::from_millis(100));
        for bad in [
            "",
            "5",
            "s",
            "-1s",
            "1x",
            "1e99h",
            "99999999999999h",
            "1..2s",
        ] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
