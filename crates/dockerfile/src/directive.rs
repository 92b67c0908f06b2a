use crate::error::Fault;
use crate::lines::Line;
use crate::{Directive, Dockerfile, Error};

const KNOWN: [&str; 3] = ["syntax", "escape", "check"];

/// Reads a line as a directive. Any other line ends the directives.
pub(crate) fn read(line: &Line<'_>) -> Option<Directive> {
    let body = line.text.trim_start().strip_prefix('#')?.trim_start();
    let (name, value) = body.split_once('=')?;
    let (name, value) = (name.trim_end().to_ascii_lowercase(), value.trim());
    let known = KNOWN.contains(&name.as_str()) && !value.is_empty();
    known.then(|| Directive {
        name,
        value: value.to_owned(),
        span: line.span,
    })
}

/// Keeps a directive, and lets it act.
pub(crate) fn keep(dockerfile: &mut Dockerfile, directive: Directive) {
    let fault = if dockerfile.directive(&directive.name).is_some() {
        Some(Fault::DuplicateDirective {
            name: directive.name.clone(),
        })
    } else if directive.name == "escape" {
        set_escape(dockerfile, &directive.value)
    } else {
        None
    };
    if let Some(fault) = fault {
        let error = Error::new(fault, directive.span, &dockerfile.text);
        dockerfile.errors.push(error);
    }
    dockerfile.directives.push(directive);
}

fn set_escape(dockerfile: &mut Dockerfile, value: &str) -> Option<Fault> {
    match value {
        "\\" => dockerfile.escape = '\\',
        "`" => dockerfile.escape = '`',
        _ => {
            return Some(Fault::EscapeDirective {
                value: value.to_owned(),
            });
        }
    }
    None
}
