//! Which changes are worth proposing. Every proposal is an edit that leaves all other bytes alone.

use terrarium_api::{Cost, Proposal, ProposalKind};
use terrarium_builder::{Files, Kind};
use terrarium_dockerfile::{Arguments, Dockerfile, Edit, Keyword, Mount, Node};

use super::tools::{self, LITTER, RESTS};

/// Litter is worth a word from so many bytes or files on.
const LITTER_BYTES: u64 = 1 << 20;
const LITTER_FILES: u32 = 100;

/// A text, and the files that its build may take.
pub(super) struct Case<'a> {
    pub(super) dockerfile: &'a Dockerfile,
    pub(super) files: &'a Files,
}

impl Case<'_> {
    /// Everything that could be better, in the order of the file.
    pub(super) fn proposals(&self) -> Vec<Proposal> {
        let nodes: Vec<&Node> = self.dockerfile.nodes().collect();
        let mut proposals: Vec<Proposal> = Vec::new();
        proposals.extend(self.leave_out(&nodes));
        for at in 0..nodes.len() {
            proposals.extend(self.install_first(&nodes, at));
            proposals.extend(self.cache_mount(&nodes, at));
            proposals.extend(self.clean_up(&nodes, at));
        }
        proposals.sort_by_key(|proposal| proposal.node);
        proposals
    }

    /// `COPY . .` before an install: every edited file installs everything again.
    fn install_first(&self, nodes: &[&Node], copy: usize) -> Option<Proposal> {
        let to = takes_all(nodes[copy])?;
        let run = copy + 1 + nodes[copy + 1..].iter().position(|node| !only_says(node))?;
        let commands = commands(nodes[run])?;
        // A command that also compiles needs the sources.
        let tools: Option<Vec<_>> = commands.iter().map(|command| tools::of(command)).collect();
        let mut wanted: Vec<String> = Vec::new();
        for (tool, command) in tools?.iter().zip(&commands) {
            wanted.extend(tool.manifests.iter().map(|name| (*name).to_owned()));
            wanted.extend(tools::requirements(command));
        }
        let is_file = |name: &String| {
            let entry = self.files.get(&terrarium_builder::clean(name));
            entry.is_some_and(|entry| matches!(entry.kind, Kind::File(_)))
        };
        let manifests: Vec<String> = wanted.into_iter().filter(is_file).collect();
        // In a folder of their own they would not be found where the install looks.
        if manifests.is_empty() || manifests.iter().any(|name| name.contains('/')) {
            return None;
        }
        let moved = self.dockerfile.edit(&Edit::Move {
            node: run,
            before: copy,
        })?;
        let first = Dockerfile::parse(&moved.text).edit(&Edit::Insert {
            before: copy,
            text: format!("COPY {} {to}", manifests.join(" ")),
        })?;
        Some(proposal(
            ProposalKind::InstallFirst,
            run,
            manifests,
            first.text,
        ))
    }

    /// A tool that downloads the same again whenever its step runs.
    fn cache_mount(&self, nodes: &[&Node], at: usize) -> Option<Proposal> {
        let node = nodes[at];
        let commands = commands(node)?;
        if !is_root(nodes, at) {
            return None;
        }
        let (tool, cache) = commands.iter().find_map(|command| {
            let tool = tools::of(command)?;
            Some((tool, tool.cache?))
        })?;
        if mounts_at(node, cache) {
            return None;
        }
        let at_word = node.word.span.end;
        let mut text = self.dockerfile.text().to_owned();
        // From the end of the text on, so that places before it stay true. With it, pip would not use the cache.
        let flag = " --no-cache-dir";
        let said = node.arguments_span();
        if let Some(found) = text[said.start..said.end].find(flag) {
            let start = said.start + found;
            text.replace_range(start..start + flag.len(), "");
        }
        text.insert_str(at_word, &format!(" --mount=type=cache,target={cache}"));
        let names = vec![tool.words.join(" "), cache.to_owned()];
        Some(proposal(ProposalKind::CacheMount, at, names, text))
    }

    /// Lists of packages that stay in the layer.
    fn clean_up(&self, nodes: &[&Node], at: usize) -> Option<Proposal> {
        let node = nodes[at];
        let commands = commands(node)?;
        let begins = |words: &[&str]| {
            let with = |command: &String| {
                let said: Vec<&str> = command.split_whitespace().collect();
                // Options may stand in between: `apt-get -y update`.
                said.first() == words.first() && words.iter().all(|word| said.contains(word))
            };
            commands.iter().any(with)
        };
        let rest = RESTS.iter().find(|rest| begins(rest.words))?;
        let folder = format!("/{}", rest.folder);
        if node.line.contains(&format!("rm -rf {folder}")) || mounts_at(node, &folder) {
            return None;
        }
        let mut text = self.dockerfile.text().to_owned();
        let said = node.arguments_span();
        let end = said.start + text[said.start..said.end].trim_end().len();
        text.insert_str(end, rest.clean_up);
        Some(proposal(ProposalKind::CleanUp, at, vec![folder], text))
    }

    /// Folders of the build that a `COPY .` takes and nobody wants in an image.
    fn leave_out(&self, nodes: &[&Node]) -> Option<Proposal> {
        let copy = nodes.iter().position(|node| takes_all(node).is_some())?;
        let asked_for = |folder: &str| {
            let from_here = |node: &&&Node| is_transfer(node) && node.flag("from").is_none();
            let mut words = nodes.iter().filter(from_here).flat_map(|node| node.words());
            words.any(|word| terrarium_builder::clean(word).starts_with(folder))
        };
        let mut cost = Cost::default();
        let mut names = Vec::new();
        for folder in LITTER.iter().filter(|folder| !asked_for(folder)) {
            let (files, bytes) = self.sums(folder);
            if bytes >= LITTER_BYTES || files >= LITTER_FILES {
                names.push((*folder).to_owned());
                cost.bytes = Some(cost.bytes.unwrap_or_default() + bytes);
                cost.files = Some(cost.files.unwrap_or_default() + files);
            }
        }
        (!names.is_empty()).then(|| Proposal {
            kind: ProposalKind::LeaveOut,
            node: copy as u32,
            leave_out: names.clone(),
            names,
            text: None,
            cost,
        })
    }

    /// How many files there are in a folder, and their bytes.
    fn sums(&self, folder: &str) -> (u32, u64) {
        let inside = format!("{folder}/");
        let of_folder = self
            .files
            .iter()
            .filter(|(path, _)| path.starts_with(&inside));
        let lens = of_folder.filter_map(|(_, entry)| match &entry.kind {
            Kind::File(content) => Some(content.len()),
            _ => None,
        });
        lens.fold((0, 0), |(files, bytes), len| (files + 1, bytes + len))
    }
}

fn proposal(kind: ProposalKind, node: usize, names: Vec<String>, text: String) -> Proposal {
    Proposal {
        kind,
        node: node as u32,
        names,
        text: Some(text),
        leave_out: Vec::new(),
        cost: Cost::default(),
    }
}

fn is_transfer(node: &Node) -> bool {
    matches!(node.keyword, Some(Keyword::Copy | Keyword::Add))
}

/// Where to, for an instruction that copies the whole folder of the build. Its place is written as a folder.
fn takes_all(node: &Node) -> Option<String> {
    if !is_transfer(node) || node.flag("from").is_some() || !node.heredocs.is_empty() {
        return None;
    }
    let Arguments::Words(words) = &node.arguments else {
        return None;
    };
    let [source, to] = words.as_slice() else {
        return None;
    };
    let all = matches!(source.text.as_str(), "." | "./" | "*" | "./*");
    all.then(|| match to.text.as_str() {
        to if to.ends_with('/') => to.to_owned(),
        to => format!("{to}/"),
    })
}

/// Whether an instruction changes nothing that a command would see.
fn only_says(node: &Node) -> bool {
    matches!(
        node.keyword,
        Some(
            Keyword::Label
                | Keyword::Expose
                | Keyword::Cmd
                | Keyword::Entrypoint
                | Keyword::Stopsignal
                | Keyword::Healthcheck
                | Keyword::Maintainer
        )
    )
}

/// The commands that a `RUN` joins by `&&`; nothing for other forms, whose ends are not known.
fn commands(node: &Node) -> Option<Vec<String>> {
    let Arguments::Text(word) = &node.arguments else {
        return None;
    };
    let odd = |text: &str| text.contains(['|', ';', '#', '`', '\'', '"', '<', '>']);
    if node.keyword != Some(Keyword::Run) || !node.heredocs.is_empty() || odd(&word.text) {
        return None;
    }
    let parts = word.text.split("&&").map(|part| part.trim().to_owned());
    Some(parts.collect())
}

/// Whether a step runs as root, as far as its stage says.
fn is_root(nodes: &[&Node], at: usize) -> bool {
    let stage = nodes[..at].iter().rev();
    let mut own = stage.take_while(|node| node.keyword != Some(Keyword::From));
    let user = own.find(|node| node.keyword == Some(Keyword::User));
    user.is_none_or(|node| matches!(node.words().as_slice(), ["root" | "0"]))
}

fn mounts_at(node: &Node, folder: &str) -> bool {
    let mounts = node.flags.iter().filter(|flag| flag.name == "mount");
    let mounts = mounts.filter_map(|flag| Mount::parse(flag.value.as_deref()?).ok());
    let mut targets = mounts.filter_map(|mount| mount.target);
    targets.any(|target| folder.starts_with(target.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use terrarium_builder::{Content, Entry};

    use super::*;

    fn files(names: &[(&str, usize)]) -> Files {
        let mut files = Files::default();
        for (name, len) in names {
            let entry = Entry {
                kind: Kind::File(Content::Bytes(Arc::from(vec![0; *len]))),
                mode: 0o644,
                uid: 0,
                gid: 0,
                modified: 0,
            };
            files.replace((*name).to_owned(), entry);
        }
        files
    }

    fn of(text: &str, names: &[(&str, usize)]) -> Vec<Proposal> {
        let (dockerfile, files) = (Dockerfile::parse(text), files(names));
        let case = Case {
            dockerfile: &dockerfile,
            files: &files,
        };
        case.proposals()
    }

    fn text(text: &str, names: &[(&str, usize)], kind: ProposalKind) -> Option<String> {
        let found = of(text, names).into_iter().find(|one| one.kind == kind);
        found.and_then(|proposal| proposal.text)
    }

    #[test]
    fn dependencies_come_before_sources_and_comments_stay() {
        let before = "FROM node\nWORKDIR /app\n# all of it\nCOPY . .\nEXPOSE 80\n# packages\nRUN npm ci # strict\nCMD [\"node\", \"a.js\"]\n";
        assert_eq!(
            of(before, &[("package.json", 1)]).len(),
            0,
            "a comment hides the end"
        );
        let before = before.replace(" # strict", "");
        let after = text(
            &before,
            &[("package.json", 1), ("package-lock.json", 1), ("a.js", 1)],
            ProposalKind::InstallFirst,
        );
        assert_eq!(
            after.as_deref(),
            Some(
                "FROM node\nWORKDIR /app\nCOPY package.json package-lock.json ./\n# packages\nRUN npm ci\n# all of it\nCOPY . .\nEXPOSE 80\nCMD [\"node\", \"a.js\"]\n"
            )
        );
    }

    #[test]
    fn an_install_that_needs_the_sources_stays() {
        let names = [("package.json", 1), ("requirements.txt", 1)];
        for kept in [
            "COPY . .\nRUN npm ci && npm run build",
            "COPY . .\nRUN make",
            "COPY . .\nWORKDIR /app\nRUN npm ci",
            "COPY src .\nRUN npm ci",
            "COPY --from=x . .\nRUN npm ci",
            "COPY . .\nRUN pip install -r deploy/requirements.txt",
            "COPY . .\nRUN pip install .",
        ] {
            let of = text(
                &format!("FROM a AS x\n{kept}\n"),
                &names,
                ProposalKind::InstallFirst,
            );
            assert_eq!(of, None, "{kept}");
        }
        let pip = "FROM a\nCOPY . /app\nRUN pip install -r requirements.txt\n";
        let after = text(pip, &names, ProposalKind::InstallFirst).unwrap();
        assert!(
            after.contains("COPY requirements.txt /app/\nRUN pip install"),
            "{after}"
        );
    }

    #[test]
    fn a_cache_is_mounted_where_the_tool_keeps_it() {
        let after = text(
            "FROM a\nRUN pip install --no-cache-dir \\\n  # web\n  flask\n",
            &[],
            ProposalKind::CacheMount,
        );
        assert_eq!(
            after.as_deref(),
            Some(
                "FROM a\nRUN --mount=type=cache,target=/root/.cache/pip pip install \\\n  # web\n  flask\n"
            )
        );
        for kept in [
            "RUN --mount=type=cache,target=/root/.cache/pip pip install x",
            "RUN --mount=type=cache,target=/root/.cache pip install x",
            "USER app\nRUN pip install x",
            "RUN [\"pip\", \"install\", \"x\"]",
            "RUN <<E\npip install x\nE",
        ] {
            let of = text(&format!("FROM a\n{kept}\n"), &[], ProposalKind::CacheMount);
            assert_eq!(of, None, "{kept}");
        }
    }

    #[test]
    fn lists_of_packages_go_at_the_end_of_their_step() {
        let after = text(
            "FROM a\nRUN apt-get -qq update && apt-get install -y \\\n    curl\nCMD x",
            &[],
            ProposalKind::CleanUp,
        );
        assert_eq!(
            after.as_deref(),
            Some(
                "FROM a\nRUN apt-get -qq update && apt-get install -y \\\n    curl && rm -rf /var/lib/apt/lists/*\nCMD x"
            )
        );
        for kept in [
            "RUN apt-get update && apt-get install x && rm -rf /var/lib/apt/lists/*",
            "RUN --mount=type=cache,target=/var/lib/apt apt-get update && apt-get install x",
            "RUN apt-get install x",
        ] {
            assert_eq!(
                text(&format!("FROM a\n{kept}\n"), &[], ProposalKind::CleanUp),
                None,
                "{kept}"
            );
        }
    }

    #[test]
    fn litter_is_counted_and_left_out_unless_it_is_asked_for() {
        let names = [
            ("node_modules/a.js", 2 << 20),
            ("node_modules/b.js", 5),
            ("src/a.js", 4 << 20),
            (".git/x", 9),
        ];
        let found = of("FROM a\nCOPY . .\n", &names);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].leave_out, ["node_modules"]);
        assert_eq!(
            (found[0].cost.files, found[0].cost.bytes),
            (Some(2), Some((2 << 20) + 5))
        );
        assert!(of("FROM a\nCOPY . .\nCOPY node_modules /m\n", &names).is_empty());
        assert!(of("FROM a\nCOPY src .\n", &names).is_empty());
    }

    #[test]
    fn any_text_is_taken() {
        for odd in [
            "",
            "RUN",
            "COPY",
            "COPY .",
            "FROM",
            "RUN &&",
            "X . .\nRUN npm ci",
            "COPY . .",
            "COPY . .\nRUN",
        ] {
            let _ = of(odd, &[("package.json", 1)]);
        }
    }
}
