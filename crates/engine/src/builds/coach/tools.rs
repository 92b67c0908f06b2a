//! What package tools are called, which files they read, and where they keep what they download.

/// A command that installs dependencies.
pub(super) struct Tool {
    /// The words that it begins with.
    pub(super) words: &'static [&'static str],
    /// The files that say what it installs; those that a project has are copied first.
    pub(super) manifests: &'static [&'static str],
    /// The folder where root's downloads last.
    pub(super) cache: Option<&'static str>,
}

const NODE: &[&str] = &[
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    ".npmrc",
];
const RUBY: &[&str] = &["Gemfile", "Gemfile.lock"];
const GO: &[&str] = &["go.mod", "go.sum"];

const fn tool(
    words: &'static [&'static str],
    manifests: &'static [&'static str],
    cache: Option<&'static str>,
) -> Tool {
    Tool {
        words,
        manifests,
        cache,
    }
}

/// The files of `pip install -r` stand in the command itself.
const TOOLS: &[Tool] = &[
    tool(&["npm", "ci"], NODE, Some("/root/.npm")),
    tool(&["npm", "install"], NODE, Some("/root/.npm")),
    tool(
        &["pnpm", "install"],
        NODE,
        Some("/root/.local/share/pnpm/store"),
    ),
    tool(
        &["yarn", "install"],
        NODE,
        Some("/usr/local/share/.cache/yarn"),
    ),
    tool(&["pip", "install"], &[], Some("/root/.cache/pip")),
    tool(&["pip3", "install"], &[], Some("/root/.cache/pip")),
    tool(
        &["python", "-m", "pip", "install"],
        &[],
        Some("/root/.cache/pip"),
    ),
    tool(
        &["python3", "-m", "pip", "install"],
        &[],
        Some("/root/.cache/pip"),
    ),
    tool(&["go", "mod", "download"], GO, Some("/go/pkg/mod")),
    tool(&["go", "build"], &[], Some("/root/.cache/go-build")),
    tool(&["bundle", "install"], RUBY, None),
    tool(
        &["composer", "install"],
        &["composer.json", "composer.lock"],
        Some("/root/.composer/cache"),
    ),
    tool(&["cargo", "build"], &[], Some("/usr/local/cargo/registry")),
    tool(&["mvn"], &[], Some("/root/.m2")),
];

/// The tool that a command line is of.
pub(super) fn of(command: &str) -> Option<&'static Tool> {
    let words: Vec<&str> = command.split_whitespace().collect();
    TOOLS.iter().find(|tool| words.starts_with(tool.words))
}

/// Files that `-r` or `--requirement` names.
pub(super) fn requirements(command: &str) -> Vec<String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let named = words
        .windows(2)
        .filter(|pair| matches!(pair[0], "-r" | "--requirement"));
    named.map(|pair| pair[1].to_owned()).collect()
}

/// What a step leaves in its layer.
pub(super) struct Rest {
    /// What a command that leaves it begins with.
    pub(super) words: &'static [&'static str],
    /// Where it is.
    pub(super) folder: &'static str,
    /// What is written to the end of the command.
    pub(super) clean_up: &'static str,
}

/// The lists of packages that are here from `update` on.
pub(super) const RESTS: &[Rest] = &[
    Rest {
        words: &["apt-get", "update"],
        folder: "var/lib/apt/lists",
        clean_up: " && rm -rf /var/lib/apt/lists/*",
    },
    Rest {
        words: &["apt", "update"],
        folder: "var/lib/apt/lists",
        clean_up: " && rm -rf /var/lib/apt/lists/*",
    },
    Rest {
        words: &["apk", "update"],
        folder: "var/cache/apk",
        clean_up: " && rm -rf /var/cache/apk/*",
    },
    Rest {
        words: &["dnf", "install"],
        folder: "var/cache/dnf",
        clean_up: " && rm -rf /var/cache/dnf/*",
    },
    Rest {
        words: &["yum", "install"],
        folder: "var/cache/yum",
        clean_up: " && rm -rf /var/cache/yum/*",
    },
];

/// Folders that tools make beside the sources, and that no build should take.
pub(super) const LITTER: &[&str] = &[
    ".git",
    "node_modules",
    ".venv",
    "venv",
    "target",
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".gradle",
    ".next",
    ".cache",
];
