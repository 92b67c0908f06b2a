//! What settles an error, where one edit does.

use crate::{Arguments, Dockerfile, Error, Fault, Fix, Node, Span};

impl Error {
    /// The edit that most likely settles it.
    #[must_use]
    pub fn fix(&self, dockerfile: &Dockerfile) -> Option<Fix> {
        let node = dockerfile
            .nodes()
            .find(|node| node.span.contains(self.span.start));
        match &self.fault {
            Fault::UnknownInstruction { nearest, .. } => {
                Some(replace(self.span, (*nearest)?.to_owned()))
            }
            Fault::UnknownFlag { flag, nearest, .. } => flag_name(node?, flag, (*nearest)?),
            Fault::DuplicateFlag { flag } => without_last(dockerfile, node?, flag),
            Fault::UnterminatedHeredoc { name } => Some(end_document(dockerfile, name)),
            Fault::DestinationNotFolder { destination } => {
                let last = last_word(node?)?;
                Some(replace(last, format!("{destination}/")))
            }
            Fault::HealthCheckKind { .. } => {
                let at = node?.arguments_span().start;
                Some(replace(Span::new(at, at), "CMD ".to_owned()))
            }
            _ => None,
        }
    }
}

fn replace(span: Span, text: String) -> Fix {
    Fix { span, text }
}

fn flag_name(node: &Node, flag: &str, near: &str) -> Option<Fix> {
    let found = node.flag(flag)?;
    let start = found.span.start + "--".len();
    Some(replace(
        Span::new(start, start + flag.len()),
        near.to_owned(),
    ))
}

/// Takes the second of two equal flags away, with the space before it.
fn without_last(dockerfile: &Dockerfile, node: &Node, flag: &str) -> Option<Fix> {
    let last = node.flags.iter().rfind(|other| other.name == flag)?;
    let before = &dockerfile.text()[..last.span.start];
    let start = before.trim_end_matches([' ', '\t']).len();
    Some(replace(Span::new(start, last.span.end), String::new()))
}

fn end_document(dockerfile: &Dockerfile, name: &str) -> Fix {
    let text = dockerfile.text();
    let glue = if text.ends_with('\n') { "" } else { "\n" };
    replace(Span::new(text.len(), text.len()), format!("{glue}{name}\n"))
}

fn last_word(node: &Node) -> Option<Span> {
    match &node.arguments {
        Arguments::Words(words) => words.last().map(|word| word.span),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Program;

    fn settled(text: &str) -> String {
        let dockerfile = Dockerfile::parse(text);
        let errors = Program::of(&dockerfile).unwrap_err();
        let fix = errors[0].fix(&dockerfile).unwrap();
        let mut text = text.to_owned();
        text.replace_range(fix.span.start..fix.span.end, &fix.text);
        assert!(Program::of(&Dockerfile::parse(&text)).is_ok(), "{text}");
        text
    }

    #[test]
    fn one_edit_settles_what_a_slip_broke() {
        for (broken, whole) in [
            ("FROM a\nRNU b\n", "FROM a\nRUN b\n"),
            (
                "FROM a\nCOPY --chwon=1 b c\n",
                "FROM a\nCOPY --chown=1 b c\n",
            ),
            (
                "FROM a\nRUN --network=none --network=none b\n",
                "FROM a\nRUN --network=none b\n",
            ),
            ("FROM a\nRUN <<E\nb", "FROM a\nRUN <<E\nb\nE\n"),
            ("FROM a\nCOPY b c /d\n", "FROM a\nCOPY b c /d/\n"),
            (
                "FROM a\nHEALTHCHECK curl x\n",
                "FROM a\nHEALTHCHECK CMD curl x\n",
            ),
        ] {
            assert_eq!(settled(broken), whole);
        }
    }
}
