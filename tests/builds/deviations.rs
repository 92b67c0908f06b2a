//! Where an image of ours is not the one that a peer makes, and why.

use std::{collections::BTreeMap, fmt};

use crate::{case::Case, facts::Facts};

/// A difference that is meant.
struct Deviation {
    /// The peer, or `*`.
    peer: &'static str,
    /// What differs: `config`, `history`, `layers`, `tree`, `refusal`.
    fields: &'static [&'static str],
    /// The names of the cases.
    cases: &'static [&'static str],
    reason: &'static str,
}

const DEVIATIONS: &[Deviation] = &[
    Deviation {
        peer: "classic",
        fields: &["refusal"],
        cases: &["a path that leads up"],
        reason: "paths end at the folder of the build, as in BuildKit; the classic builder refuses them",
    },
    Deviation {
        peer: "classic",
        fields: &["history"],
        cases: &["a command as a list", "a list is no shell"],
        reason: "the classic builder writes the words of a list into the history, we write RUN, as BuildKit does",
    },
    Deviation {
        peer: "*",
        fields: &["refusal"],
        cases: &["env takes defaults and alternatives"],
        reason: "the forms ${x-y} and ${x+y} without a colon are younger than these versions",
    },
    Deviation {
        peer: "classic",
        fields: &["history"],
        cases: &["labels of the command line"],
        reason: "labels of the command line are no instruction; BuildKit does not tell of them either",
    },
    Deviation {
        peer: "buildah",
        fields: &["history"],
        cases: &["labels of the command line"],
        reason: "labels of the command line are no instruction; BuildKit does not tell of them either",
    },
    Deviation {
        peer: "buildkit",
        fields: &["layers", "tree"],
        cases: &["an archive with another owner"],
        reason: "--chown counts for what an archive holds, as in the classic builder",
    },
    Deviation {
        peer: "buildkit",
        fields: &["refusal"],
        cases: &["a pattern over folders"],
        reason: "its client fails over a link to a file that the first part of the pattern meets",
    },
    Deviation {
        peer: "*",
        fields: &["refusal"],
        cases: &["several files to a file"],
        reason: "several files need a folder, as the reference says; later versions of BuildKit refuse it as well",
    },
    Deviation {
        peer: "buildkit",
        fields: &["refusal"],
        cases: &["a user that is not there"],
        reason: "a user that is not there is a mistake, as in the classic builder and in buildah",
    },
    Deviation {
        peer: "buildkit",
        fields: &["layers", "tree"],
        cases: &[
            "a mount of the context",
            "a mount that can be written",
            "memory for a command",
            "a cache for a command",
            "a cache that is seen again",
        ],
        reason: "places of mounts do not stay in the layer; later versions of BuildKit remove them as well",
    },
    Deviation {
        peer: "buildkit",
        fields: &["history"],
        cases: &["instructions for later", "triggers of a stage"],
        reason: "instructions for later stand in the history, as in the classic builder and in buildah",
    },
    Deviation {
        peer: "buildkit",
        fields: &["config"],
        cases: &[
            "scratch",
            "from a stage to scratch",
            "from an image",
            "a pattern in a stage",
            "names of stages in any case",
            "stages in a diamond",
            "hard links of a stage",
        ],
        reason: "an image without a working directory starts in / all the same",
    },
    Deviation {
        peer: "buildkit",
        fields: &["refusal"],
        cases: &["triggers of a stage that take from another"],
        reason: "instructions for later may take from stages; later versions of BuildKit let them",
    },
    Deviation {
        peer: "buildah",
        fields: &["layers", "tree"],
        cases: &["stages that go on know their arguments"],
        reason: "a stage on another one inherits its arguments, as the reference says and BuildKit does",
    },
    Deviation {
        peer: "buildah",
        fields: &["layers", "tree"],
        cases: &["patterns", "brackets that are escaped"],
        reason: "buildah takes brackets in the names of files for patterns",
    },
    Deviation {
        peer: "buildah",
        fields: &["layers", "tree"],
        cases: &["a file over a link"],
        reason: "a file goes through a link, as in the classic builder and in BuildKit",
    },
    Deviation {
        peer: "buildah",
        fields: &["refusal"],
        cases: &["rules with comments and spaces"],
        reason: "spaces around rules do not count; buildah then finds no file",
    },
    Deviation {
        peer: "buildah",
        fields: &["config"],
        cases: &["another escape character"],
        reason: "with another escape character a backslash is a letter; buildah removes it",
    },
    Deviation {
        peer: "buildah",
        fields: &["refusal"],
        cases: &["a port that is none"],
        reason: "what is no port is a mistake; buildah keeps it as it is",
    },
    Deviation {
        peer: "buildah",
        fields: &["config"],
        cases: &["ports"],
        reason: "a range of ports is several ports; buildah keeps its text",
    },
    Deviation {
        peer: "buildah",
        fields: &["layers", "tree"],
        cases: &["working directories", "a working directory by a variable"],
        reason: "WORKDIR makes the folder at once; this buildah does only when a command runs",
    },
    Deviation {
        peer: "buildah",
        fields: &["config"],
        cases: &["another shell"],
        reason: "SHELL counts for CMD and ENTRYPOINT as well; buildah uses /bin/sh",
    },
    Deviation {
        peer: "buildah",
        fields: &["refusal"],
        cases: &["names of stages in any case"],
        reason: "names of stages are the same in any case; buildah tells them apart",
    },
    Deviation {
        peer: "*",
        fields: &["layers", "tree"],
        cases: &["the last rule counts"],
        reason: "a client does not send a folder that is left out; a layer holds what is in it, and unpacking makes it",
    },
];

/// How a peer's images compare.
#[derive(Default)]
pub(crate) struct Tally {
    same: usize,
    explained: BTreeMap<&'static str, usize>,
    pub(crate) unexplained: Vec<String>,
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "{} facts agree, {} do not and nobody knows why",
            self.same,
            self.unexplained.len()
        )?;
        for (reason, count) in &self.explained {
            writeln!(formatter, "  {count:>3} {reason}")?;
        }
        Ok(())
    }
}

/// What is compared, and with whom.
#[derive(Clone, Copy)]
struct Fact<'a> {
    peer: &'static str,
    field: &'static str,
    case: &'a Case,
}

pub(crate) fn compare(
    peer: &'static str,
    cases: &[Case],
    ours: &BTreeMap<usize, Option<Facts>>,
    known: &[Case],
    theirs: &BTreeMap<usize, Option<Facts>>,
) -> Tally {
    let mut tally = Tally::default();
    for (number, case) in known.iter().enumerate() {
        let same = |other: &Case| other.group == case.group && other.name == case.name;
        let fact = |field| Fact { peer, field, case };
        let own = cases
            .iter()
            .position(same)
            .and_then(|own| ours[&own].as_ref());
        let (own, their) = match (own, theirs[&number].as_ref()) {
            (Some(own), Some(their)) => (own, their),
            (own, their) => {
                let (own, their) = (own.is_some(), their.is_some());
                tally.count(
                    fact("refusal"),
                    &[&format!("built {own}")],
                    &[&format!("built {their}")],
                );
                continue;
            }
        };
        let text = |layers: &[Vec<String>]| {
            layers
                .iter()
                .map(|layer| layer.join(" ; "))
                .collect::<Vec<_>>()
        };
        let their = &without_traces(peer, their);
        tally.count(fact("config"), &own.config, &their.config);
        tally.count(fact("history"), &own.history, &their.history);
        tally.count(fact("layers"), &text(&own.layers), &text(&their.layers));
        tally.count(fact("tree"), &own.tree, &their.tree);
    }
    tally
}

/// buildah leaves a folder `/run` behind wherever a command ran.
fn without_traces(peer: &str, their: &Facts) -> Facts {
    let mut their = their.clone();
    if peer == "buildah" {
        let lines = their.layers.iter_mut().chain([&mut their.tree]);
        lines.for_each(|lines| lines.retain(|line| line != "run d 755 0:0"));
    }
    their
}

impl Tally {
    fn count<T: AsRef<str> + PartialEq>(&mut self, fact: Fact<'_>, ours: &[T], theirs: &[T]) {
        let Fact { peer, field, case } = fact;
        if ours == theirs {
            self.same += 1;
            return;
        }
        let known = DEVIATIONS.iter().find(|known| {
            (known.peer == peer || known.peer == "*")
                && known.fields.contains(&field)
                && known.cases.contains(&case.name.as_str())
        });
        if let Some(known) = known {
            *self.explained.entry(known.reason).or_default() += 1;
            return;
        }
        let only = |these: &[T], those: &[T]| {
            let only = these.iter().filter(|one| !those.contains(one));
            let text: Vec<&str> = only.map(AsRef::as_ref).collect();
            text.join(" | ").chars().take(600).collect::<String>()
        };
        let (mine, other) = (only(ours, theirs), only(theirs, ours));
        let (mine, other) = match (mine.is_empty(), other.is_empty()) {
            // The same in another order, or one twice.
            (true, true) => {
                let all = |these: &[T]| {
                    these
                        .iter()
                        .map(AsRef::as_ref)
                        .collect::<Vec<_>>()
                        .join(" ")
                };
                (all(ours), all(theirs))
            }
            _ => (mine, other),
        };
        self.unexplained.push(format!(
            "{peer} {field} of {}: {}\n    ours:   {mine}\n    theirs: {other}",
            case.group, case.name
        ));
    }
}
