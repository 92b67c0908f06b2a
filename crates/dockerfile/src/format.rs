use crate::{Dockerfile, Item, Node};

impl Dockerfile {
    /// The text in good order: keywords in capitals with one space after them, no space at the end of lines, at most
    /// one empty line in a row, one line end at the end. Documents and what a command says stay as they are.
    #[must_use]
    pub fn formatted(&self) -> String {
        let mut out = String::with_capacity(self.text.len());
        let mut blank = true;
        for item in &self.items {
            match item {
                Item::Blank(_) if !blank => {
                    out.push('\n');
                    blank = true;
                }
                Item::Blank(_) => {}
                Item::Directive(span) | Item::Comment(span) => {
                    let text = self.text[span.start..span.end].trim();
                    if out.is_empty() && matches!(item, Item::Comment(_)) && would_direct(text) {
                        out.push('\n');
                    }
                    out.push_str(text);
                    out.push('\n');
                    blank = false;
                }
                Item::Instruction(node) => {
                    self.format_instruction(node, &mut out);
                    blank = false;
                }
            }
        }
        let kept = out.trim_end_matches('\n').len();
        out.truncate(kept);
        if !out.is_empty() {
            out.push('\n');
        }
        out
    }

    fn format_instruction(&self, node: &Node, out: &mut String) {
        let body_end = node
            .heredocs
            .iter()
            .map(|document| document.span.start)
            .min();
        let end = body_end.unwrap_or(node.span.end);
        out.push_str(&match node.keyword {
            Some(keyword) => keyword.as_str().to_owned(),
            None => node.word.text.clone(),
        });
        let rest = self.text[node.word.span.end..end].trim_end_matches(['\n', '\r']);
        let mut lines = rest.split('\n');
        let first = lines.next().unwrap_or_default().trim();
        if !first.is_empty() {
            out.push(' ');
            out.push_str(first);
        }
        out.push('\n');
        for line in lines.filter(|line| !line.trim().is_empty()) {
            out.push_str(line.trim_end());
            out.push('\n');
        }
        for document in &node.heredocs {
            out.push_str(&self.text[document.span.start..document.span.end]);
        }
        if !out.ends_with('\n') {
            out.push('\n');
        }
    }
}

/// Whether a comment is one only because an empty line stands before it: at the top it would direct the parser.
fn would_direct(comment: &str) -> bool {
    !Dockerfile::parse(comment).directives.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_put_in_order_and_the_meaning_stays() {
        let text =
            "\n\n# a  \nfrom   x\n\n\n\nrun  a && \\  \n\n    b\ncopy <<E /x\n  body  \nE\n\n";
        let formatted = Dockerfile::parse(text).formatted();
        assert_eq!(
            formatted,
            "# a\nFROM x\n\nRUN a && \\\n    b\nCOPY <<E /x\n  body  \nE\n"
        );
        assert_eq!(Dockerfile::parse(&formatted).formatted(), formatted);
    }
    #[test]
    fn a_comment_that_looks_like_a_directive_does_not_become_one() {
        let text = "\n\n# escape=`\nFROM a\nRUN x `\n # y\n";
        let formatted = Dockerfile::parse(text).formatted();
        assert_eq!(formatted, "\n# escape=`\nFROM a\nRUN x `\n# y\n");
        assert_eq!(Dockerfile::parse(&formatted).formatted(), formatted);
    }
}
