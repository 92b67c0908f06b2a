/// Something that `ADD` fetches over the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A file, by `http` or `https`.
    Web(String),
    /// The files of a repository.
    Git(GitAddress),
}

/// A repository, and what of it is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitAddress {
    /// Where it is, as git takes it.
    pub remote: String,
    /// A branch, a tag or a commit; what the repository calls its head without.
    pub reference: Option<String>,
    /// The folder in it.
    pub folder: Option<String>,
}

impl Address {
    /// What a source of `ADD` means; nothing for a path.
    ///
    /// A repository is what is reached by `git://` or `ssh://`, written as `user@host:path`, or an address whose path
    /// ends with `.git`; `#reference:folder` may follow.
    #[must_use]
    pub fn parse(source: &str) -> Option<Self> {
        let (remote, fragment) = match source.split_once('#') {
            Some((remote, fragment)) => (remote, Some(fragment)),
            None => (source, None),
        };
        let on_the_web = remote.starts_with("http://") || remote.starts_with("https://");
        let path = remote.split('?').next().unwrap_or(remote);
        let is_repository = remote.starts_with("git://")
            || remote.starts_with("ssh://")
            || (on_the_web && path.ends_with(".git"))
            || (!remote.contains("://") && is_user_at_host(remote));
        if !is_repository {
            return on_the_web.then(|| Self::Web(source.to_owned()));
        }
        let (reference, folder) = fragment
            .and_then(|fragment| fragment.split_once(':'))
            .unwrap_or((fragment.unwrap_or_default(), ""));
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Some(Self::Git(GitAddress {
            remote: remote.to_owned(),
            reference: some(reference),
            folder: some(folder.trim_matches('/')),
        }))
    }

    /// What a file is called by the last part of its address; nothing where there is none.
    #[must_use]
    pub fn file_name(url: &str) -> Option<&str> {
        let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
        let (_, path) = after_scheme.split(['?', '#']).next()?.split_once('/')?;
        let name = path.rsplit('/').next()?;
        Some(name).filter(|name| !name.is_empty() && *name != "." && *name != "..")
    }
}

/// `user@host:path`, as `scp` writes it.
fn is_user_at_host(text: &str) -> bool {
    let Some((user, rest)) = text.split_once('@') else {
        return false;
    };
    let Some((host, path)) = rest.split_once(':') else {
        return false;
    };
    let plain = |word: &str, more: &str| {
        !word.is_empty()
            && !word.starts_with('-')
            && word
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    plain(user, "-_") && plain(host, "-.") && !path.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(remote: &str, reference: Option<&str>, folder: Option<&str>) -> Option<Address> {
        Some(Address::Git(GitAddress {
            remote: remote.to_owned(),
            reference: reference.map(str::to_owned),
            folder: folder.map(str::to_owned),
        }))
    }

    #[test]
    fn sources_are_paths_files_of_the_web_and_repositories() {
        for path in [
            "a/b.git",
            "./x",
            "github.com/a/b",
            "a@b",
            "@x:y",
            "-o@h:p",
            "c:/x",
            "",
        ] {
            assert_eq!(Address::parse(path), None, "{path}");
        }
        let web = "https://example.com/a.tar.gz#x";
        assert_eq!(Address::parse(web), Some(Address::Web(web.to_owned())));
        let remote = "https://example.com/a.git";
        assert_eq!(Address::parse(remote), git(remote, None, None));
        let tagged = Address::parse("https://example.com/a.git#v1:sub/dir/");
        assert_eq!(tagged, git(remote, Some("v1"), Some("sub/dir")));
        let folder = Address::parse("git@example.com:a/b#:sub");
        assert_eq!(folder, git("git@example.com:a/b", None, Some("sub")));
        let ssh = "ssh://git@example.com:22/a";
        assert_eq!(Address::parse(ssh), git(ssh, None, None));
        assert_eq!(
            Address::parse("git://h/a"),
            git("git://h/a", None, None),
            "no ending is needed"
        );
    }

    #[test]
    fn files_are_called_by_the_last_part_of_their_address() {
        for (url, name) in [
            ("http://h/a/b.txt?x=/y#z", Some("b.txt")),
            ("http://h/b", Some("b")),
            ("http://h/a/", None),
            ("http://h/", None),
            ("http://h", None),
            ("http://h/a/..", None),
        ] {
            assert_eq!(Address::file_name(url), name, "{url}");
        }
    }
}
