use crate::Glob;

/// What `.dockerignore` leaves out of a build's files. The last line that matches decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ignore {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    text: String,
    line: usize,
    glob: Glob,
    keeps: bool,
}

impl Ignore {
    /// Reads the file. A line that is no pattern is skipped, as the peers do.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text.lines().enumerate();
        Self {
            rules: lines
                .filter_map(|(index, line)| rule(line, index + 1))
                .collect(),
        }
    }

    /// Adds patterns after those that are there.
    #[must_use]
    pub fn of<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Self {
        let patterns = patterns.into_iter().enumerate();
        Self {
            rules: patterns
                .filter_map(|(index, line)| rule(line, index + 1))
                .collect(),
        }
    }

    /// Its patterns as they are matched, without what only writes them: for whoever matches elsewhere.
    pub fn patterns(&self) -> impl Iterator<Item = String> {
        self.rules.iter().map(|rule| {
            let pattern = rule.text.trim_start_matches('!').trim();
            format!("{}{}", if rule.keeps { "!" } else { "" }, clean(pattern))
        })
    }

    /// Whether it leaves nothing out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether a path, relative to the folder of the build, is left out.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.deciding(path).is_some_and(|rule| !rule.keeps)
    }

    /// The line that leaves a path out, and its number.
    #[must_use]
    pub fn reason(&self, path: &str) -> Option<(&str, usize)> {
        let rule = self.deciding(path).filter(|rule| !rule.keeps)?;
        Some((&rule.text, rule.line))
    }

    /// Whether all of a folder is left out, so that nobody has to look inside.
    #[must_use]
    pub fn prunes(&self, folder: &str) -> bool {
        self.matches(folder)
            && !self
                .rules
                .iter()
                .any(|rule| rule.keeps && rule.glob.can_match_below(folder))
    }

    fn deciding(&self, path: &str) -> Option<&Rule> {
        self.rules
            .iter()
            .rev()
            .find(|rule| rule.glob.matches_in(path))
    }
}

fn rule(line: &str, number: usize) -> Option<Rule> {
    if line.starts_with('#') {
        return None;
    }
    let line = line.trim();
    let (keeps, pattern) = match line.strip_prefix('!') {
        Some(pattern) => (true, pattern.trim()),
        None => (false, line),
    };
    let pattern = clean(pattern);
    if pattern.is_empty() {
        return None;
    }
    Some(Rule {
        text: line.to_owned(),
        line: number,
        glob: Glob::new(&pattern)?,
        keeps,
    })
}

/// A path without `.`, `..` and doubled or leading slashes.
fn clean(path: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    names.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_that_matches_decides() {
        let ignore = Ignore::parse(
            "# note\n*.md\n!README.md\n/build/\n node_modules \n**/*.tmp\nsub\n!sub/keep\n",
        );
        for (path, left_out) in [
            ("a.md", true),
            ("README.md", false),
            ("docs/a.md", false),
            ("build", true),
            ("build/x/y", true),
            ("node_modules/a", true),
            ("x/y.tmp", true),
            ("sub/a", true),
            ("sub/keep", false),
        ] {
            assert_eq!(ignore.matches(path), left_out, "{path}");
        }
        assert!(ignore.prunes("build"));
        assert!(!ignore.prunes("sub"));
        assert_eq!(ignore.reason("a.md"), Some(("*.md", 2)));
        let patterns: Vec<String> = ignore.patterns().collect();
        let expect = [
            "*.md",
            "!README.md",
            "build",
            "node_modules",
            "**/*.tmp",
            "sub",
            "!sub/keep",
        ];
        assert_eq!(patterns, expect);
    }

    #[test]
    fn everything_but_one_file_can_be_left_out() {
        let ignore = Ignore::parse("*\n!app/main.py\n");
        assert!(ignore.matches("x"));
        assert!(!ignore.matches("app/main.py"));
        assert!(!ignore.prunes("app"));
        assert!(ignore.prunes("other"));
    }
}
