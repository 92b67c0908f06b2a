//! What is wrong or questionable in a Dockerfile.

use terrarium_api::{TextFix, TextProblem};
use terrarium_dockerfile::{Check, Dockerfile, Error, Fix, Program, Span, Surroundings, check};

use super::{offsets::Offsets, range};

/// Errors and checks, in the order of the text.
pub(super) fn problems(
    dockerfile: &Dockerfile,
    surroundings: &Surroundings,
    offsets: &Offsets<'_>,
) -> Vec<TextProblem> {
    let place = Place {
        dockerfile,
        offsets,
    };
    let errors = Program::of(dockerfile).err().unwrap_or_default();
    // A file that only begins is no mistake yet.
    let bare = dockerfile.nodes().next().is_none();
    let errors = errors.into_iter().filter(|_| !bare);
    let mut found: Vec<TextProblem> = errors.map(|error| place.error(&error)).collect();
    let strict = dockerfile.checks_are_errors();
    for questionable in check(dockerfile, surroundings) {
        found.push(place.check(questionable, strict));
    }
    found.sort_by_key(|problem| (problem.range.start, !problem.is_error));
    found
}

struct Place<'a> {
    dockerfile: &'a Dockerfile,
    offsets: &'a Offsets<'a>,
}

impl Place<'_> {
    fn error(&self, error: &Error) -> TextProblem {
        let (code, values) = error.fault.named();
        let values = values.into_iter();
        TextProblem {
            is_error: true,
            code: code.to_owned(),
            values: values
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            message: error.fault.to_string(),
            fix: error.fix(self.dockerfile).map(|fix| self.fix(fix)),
            ..self.at(error.span)
        }
    }

    fn check(&self, check: Check, strict: bool) -> TextProblem {
        let values = check.parameters.iter();
        TextProblem {
            is_error: strict,
            code: check.code.as_str().to_owned(),
            values: values
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            message: check.message(),
            fix: check.fix.clone().map(|fix| self.fix(fix)),
            ..self.at(check.span)
        }
    }

    fn fix(&self, fix: Fix) -> TextFix {
        TextFix {
            range: range(self.offsets, fix.span),
            text: fix.text,
        }
    }

    fn at(&self, span: Span) -> TextProblem {
        let holds = |node: &terrarium_dockerfile::Node| {
            node.span.start <= span.start && span.start < node.span.end
        };
        TextProblem {
            is_error: false,
            code: String::new(),
            values: Default::default(),
            message: String::new(),
            range: range(self.offsets, span),
            line: self.offsets.line(span.start),
            node: self
                .dockerfile
                .nodes()
                .position(holds)
                .map(|node| node as u32),
            fix: None,
        }
    }
}
