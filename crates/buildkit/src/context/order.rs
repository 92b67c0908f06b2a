//! Whether a list of files is one that a walk through a folder gives.

use std::cmp::Ordering;

use super::Stat;
use crate::{Error, Result};

/// More files than anybody builds from.
const FILES: u32 = 4 << 20;
const LONGEST_PATH: usize = 4096;

/// Checks names one after the other.
///
/// Each comes after those before it, a slash counting as the lowest character, and each lies in a folder that was
/// listed. So no name comes twice, and none lies behind a link.
#[derive(Debug, Default)]
pub(super) struct Order {
    last: String,
    /// The folders that the last one lies in, and itself if it is one.
    open: Vec<String>,
    count: u32,
}

impl Order {
    pub(super) fn check(&mut self, stat: &Stat) -> Result<()> {
        let wrong = |what| Error::Files {
            what,
            path: stat.path.chars().take(200).collect(),
        };
        self.count += 1;
        if self.count > FILES {
            return Err(wrong("too many files"));
        }
        if !is_clean(&stat.path) {
            return Err(wrong("a name that leads elsewhere"));
        }
        if !self.last.is_empty() && compare(&self.last, &stat.path) != Ordering::Less {
            return Err(wrong("a file out of order"));
        }
        let folder = stat.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        while self.open.last().is_some_and(|open| !lies_in(folder, open)) {
            self.open.pop();
        }
        if self.open.last().map_or("", String::as_str) != folder {
            return Err(wrong("a file whose folder it did not list"));
        }
        if stat.is(Stat::FOLDER) {
            self.open.push(stat.path.clone());
        }
        self.last.clone_from(&stat.path);
        Ok(())
    }
}

fn is_clean(path: &str) -> bool {
    path.len() <= LONGEST_PATH
        && !path.contains('\0')
        && path.split('/').all(|name| !matches!(name, "" | "." | ".."))
}

fn lies_in(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

pub(super) fn compare(one: &str, other: &str) -> Ordering {
    let rank = |byte: u8| if byte == b'/' { 0 } else { byte };
    one.bytes().map(rank).cmp(other.bytes().map(rank))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(paths: &[&str]) -> std::result::Result<(), String> {
        let mut order = Order::default();
        for path in paths {
            let (path, mode) = match path.strip_suffix('/') {
                Some(path) if !path.is_empty() => (path, Stat::FOLDER),
                _ => (*path, 0),
            };
            let path = path.to_owned();
            let stat = Stat {
                path,
                mode,
                ..Stat::default()
            };
            order.check(&stat).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    #[test]
    fn a_walk_is_taken() {
        let walks: [&[&str]; 4] = [
            &[],
            &["a/", "a/b/", "a/b/c", "a/d", "a-b", "b"],
            &["a/", "a.x", "b/", "b/a"],
            &["..x", ".dockerignore", "가/", "가/나"],
        ];
        for walk in walks {
            assert_eq!(check(walk), Ok(()), "{walk:?}");
        }
    }

    #[test]
    fn what_no_walk_gives_is_refused() {
        let cases: [(&[&str], &str); 12] = [
            (&["../x"], "elsewhere"),
            (&["/etc/passwd"], "elsewhere"),
            (&["a/", "a/../../x"], "elsewhere"),
            (&["./a"], "elsewhere"),
            (&[""], "elsewhere"),
            (&["a//b"], "elsewhere"),
            (&["a\0b"], "elsewhere"),
            (&["b", "a"], "out of order"),
            (&["a", "a"], "out of order"),
            (&["a/b"], "did not list"),
            (&["link", "link/x"], "did not list"),
            (&["a/", "b/", "b/c/d"], "did not list"),
        ];
        for (walk, reason) in cases {
            let refused = check(walk).expect_err("it is refused");
            assert!(refused.contains(reason), "{walk:?}: {refused}");
        }
    }
}
