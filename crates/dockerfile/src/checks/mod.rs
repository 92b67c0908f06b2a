mod codes;
mod files;
mod from;
mod style;
#[cfg(test)]
mod tests;
mod variables;

pub use codes::CheckCode;

use std::collections::BTreeMap;

use crate::{Dockerfile, Ignore, Position, Span};

/// Something in a Dockerfile that is allowed and questionable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Which one.
    pub code: CheckCode,
    /// What it is about, to be put into the text of the code.
    pub parameters: BTreeMap<&'static str, String>,
    /// Where.
    pub span: Span,
    /// Where, as people count.
    pub position: Position,
    /// The change that settles it.
    pub fix: Option<Fix>,
}

/// A replacement that settles a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What goes away.
    pub span: Span,
    /// What comes.
    pub text: String,
}

/// What of a Dockerfile's surroundings matters for checks.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// What `.dockerignore` says.
    pub ignore: Ignore,
    /// Arguments that the build gives.
    pub arguments: BTreeMap<String, String>,
}

/// All checks of a Dockerfile that it does not switch off, in the order of the text.
#[must_use]
pub fn check(dockerfile: &Dockerfile, surroundings: &Surroundings) -> Vec<Check> {
    let mut found = Found {
        text: dockerfile.text(),
        checks: Vec::new(),
    };
    style::check(dockerfile, &mut found);
    from::check(dockerfile, surroundings, &mut found);
    variables::check(dockerfile, &mut found);
    files::check(dockerfile, surroundings, &mut found);
    let skipped = skipped(dockerfile);
    let all = skipped.iter().any(|name| name.eq_ignore_ascii_case("all"));
    found.checks.retain(|check| {
        !all && !skipped
            .iter()
            .any(|name| name.eq_ignore_ascii_case(check.code.as_str()))
    });
    found.checks.sort_by_key(|check| check.span.start);
    found.checks
}

impl Dockerfile {
    /// Whether its `check` directive turns what is questionable into errors.
    #[must_use]
    pub fn checks_are_errors(&self) -> bool {
        let value = self.directive("check").unwrap_or_default();
        value
            .split(';')
            .any(|part| part.trim().eq_ignore_ascii_case("error=true"))
    }
}

fn skipped(dockerfile: &Dockerfile) -> Vec<String> {
    let value = dockerfile.directive("check").unwrap_or_default();
    let lists = value
        .split(';')
        .filter_map(|part| part.trim().strip_prefix("skip="));
    lists
        .flat_map(|list| list.split(','))
        .map(|name| name.trim().to_owned())
        .collect()
}

struct Found<'a> {
    text: &'a str,
    checks: Vec<Check>,
}

impl Found<'_> {
    fn add(
        &mut self,
        code: CheckCode,
        span: Span,
        parameters: &[(&'static str, &str)],
    ) -> &mut Check {
        let parameters = parameters
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        self.checks.push(Check {
            code,
            parameters: parameters.collect(),
            span,
            position: Position::of(self.text, span.start),
            fix: None,
        });
        self.checks.last_mut().expect("one was pushed")
    }
}

impl Check {
    fn replace(&mut self, span: Span, text: impl Into<String>) {
        self.fix = Some(Fix {
            span,
            text: text.into(),
        });
    }
}
