//! Where an image of ours is not the one that a peer makes, and why.

use std::{collections::BTreeMap, fmt};

use crate::{case::Case, facts::Facts};

/// A difference that is meant.
struct Deviation {
    /// The peer, or `*`.
    peer: &'static str,
    /// What differs: `config`, `history`, `layers`, `tree`, `refusal`.
    field: &'static str,
    /// The start of the names of the cases, or nothing for all.
    cases: &'static [&'static str],
    reason: &'static str,
}

const DEVIATIONS: &[Deviation] = &[];

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
        tally.count(fact("config"), &own.config, &their.config);
        tally.count(fact("history"), &own.history, &their.history);
        tally.count(fact("layers"), &text(&own.layers), &text(&their.layers));
        tally.count(fact("tree"), &own.tree, &their.tree);
    }
    tally
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
                && known.field == field
                && (known.cases.is_empty()
                    || known.cases.iter().any(|name| case.name.starts_with(name)))
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
