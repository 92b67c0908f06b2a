use crate::error::Fault;
use crate::lines::{Line, Logical, before_continuation, lines};
use crate::suggest::nearest;
use crate::{
    Arguments, Dockerfile, Error, Item, Keyword, Node, Span, Word, arguments, directive, flags,
    heredoc,
};

impl Dockerfile {
    /// Reads a Dockerfile. Every text gives a tree; what is wrong in it stands in [`Dockerfile::errors`].
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut dockerfile = Self {
            text: text.to_owned(),
            items: Vec::new(),
            directives: Vec::new(),
            escape: '\\',
            errors: Vec::new(),
        };
        let lines = lines(text);
        let mut next = read_directives(&mut dockerfile, &lines);
        while let Some(line) = lines.get(next) {
            let (item, after) = match line {
                line if line.is_blank() => (Item::Blank(line.span), next + 1),
                line if line.is_comment() => (Item::Comment(line.span), next + 1),
                _ => instruction(&mut dockerfile, &lines, next),
            };
            dockerfile.items.push(item);
            next = after;
        }
        dockerfile
    }

    fn fail(&mut self, fault: Fault, span: Span) {
        let error = Error::new(fault, span, &self.text);
        self.errors.push(error);
    }
}

fn read_directives(dockerfile: &mut Dockerfile, lines: &[Line<'_>]) -> usize {
    let mut next = 0;
    while let Some(found) = lines.get(next).and_then(directive::read) {
        dockerfile.items.push(Item::Directive(found.span));
        directive::keep(dockerfile, found);
        next += 1;
    }
    next
}

/// The instruction that starts at a line, and the line after it.
fn instruction(dockerfile: &mut Dockerfile, lines: &[Line<'_>], first: usize) -> (Item, usize) {
    let escape = dockerfile.escape;
    let (logical, blank_lines, mut next) = join(lines, first, escape);
    let mut node = node(dockerfile, &logical);
    let mut end = lines[next - 1].span.end;
    if takes_heredocs(&node) {
        for mut document in heredoc::announced(&node.line, escape) {
            let filled = heredoc::fill(&mut document, lines, next, &dockerfile.text);
            if filled.is_none() {
                let name = document.name.clone();
                dockerfile.fail(Fault::UnterminatedHeredoc { name }, node.word.span);
            }
            next = filled.unwrap_or(lines.len());
            end = lines[next - 1].span.end;
            node.heredocs.push(document);
        }
    }
    node.span = Span::new(lines[first].span.start, end);
    node.blank_lines = blank_lines;
    (Item::Instruction(Box::new(node)), next)
}

fn takes_heredocs(node: &Node) -> bool {
    let innermost = node.trigger.as_deref().unwrap_or(node);
    let listed = matches!(innermost.arguments, Arguments::List { .. });
    !listed && node.line.contains("<<") && innermost.keyword.is_some_and(Keyword::takes_heredocs)
}

/// Joins lines that continue each other. Comments and blank lines between them do not count.
fn join(lines: &[Line<'_>], first: usize, escape: char) -> (Logical, Vec<Span>, usize) {
    let mut logical = Logical::default();
    let mut blank_lines = Vec::new();
    let mut next = first;
    while let Some(line) = lines.get(next) {
        next += 1;
        let is_first = next == first + 1;
        if !is_first && line.is_comment() {
            continue;
        }
        if !is_first && line.is_blank() {
            blank_lines.push(line.span);
            continue;
        }
        let indent = if is_first {
            line.text.len() - line.text.trim_start().len()
        } else {
            0
        };
        let body = &line.text[indent..];
        let continued = before_continuation(body, escape);
        logical.push(continued.unwrap_or(body), line.at + indent);
        if continued.is_none() {
            break;
        }
    }
    (logical, blank_lines, next)
}

/// Reads a joined line, and once more what `ONBUILD` holds.
fn node(dockerfile: &mut Dockerfile, logical: &Logical) -> Node {
    let mut outer = one(dockerfile, logical, 0);
    if outer.keyword == Some(Keyword::Onbuild) && outer.arguments != Arguments::None {
        let start = flags::skip_space(&logical.text, outer.word.text.len());
        outer.trigger = Some(Box::new(one(dockerfile, logical, start)));
    }
    outer
}

fn one(dockerfile: &mut Dockerfile, logical: &Logical, start: usize) -> Node {
    let text = &logical.text;
    let end = start
        + text[start..]
            .find(char::is_whitespace)
            .unwrap_or(text.len() - start);
    let word = Word {
        text: text[start..end].to_owned(),
        span: logical.span(start, end),
    };
    let mut node = Node {
        keyword: Keyword::read(&word.text),
        word,
        flags: Vec::new(),
        arguments: Arguments::None,
        trigger: None,
        heredocs: Vec::new(),
        line: text[start..].trim_end().to_owned(),
        span: logical.span(start, text.len()),
        blank_lines: Vec::new(),
    };
    let Some(keyword) = node.keyword else {
        let near = nearest(
            &node.word.text,
            Keyword::ALL.iter().map(|keyword| keyword.as_str()),
        );
        let word = node.word.text.clone();
        dockerfile.fail(
            Fault::UnknownInstruction {
                word,
                nearest: near,
            },
            node.word.span,
        );
        return node;
    };
    let at = if keyword == Keyword::Onbuild {
        end
    } else {
        let (found, at) = flags::read(logical, end, dockerfile.escape);
        node.flags = found;
        at
    };
    match arguments::read(keyword, logical, at, dockerfile.escape) {
        Ok(arguments) => node.arguments = arguments,
        Err(fault) => dockerfile.fail(fault, node.word.span),
    }
    node
}
