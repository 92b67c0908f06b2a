//! A Dockerfile, what it leaves out, and what it asks whoever builds it for.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Read as _,
    sync::Arc,
};

use terrarium_api::{Error, ErrorCode};
use terrarium_builder::{Content, Files, Kind, NamedContext};
use terrarium_dockerfile::{
    Dockerfile, Expander, Ignore, Instruction, Mount, MountKind, Program, Step,
};
use terrarium_oci::Reference;

use super::BuildImage;
use crate::{Result, blocking::blocking};

/// A longer Dockerfile is none.
const DOCKERFILE_BYTES: u64 = 16 << 20;

/// A Dockerfile and the rules of its `.dockerignore`.
#[derive(Debug, Clone)]
pub struct GivenDockerfile {
    pub(super) text: String,
    pub(super) ignore: Ignore,
}

/// What stands for an image or a stage.
#[derive(Debug)]
pub enum GivenContext {
    /// Another image.
    Image(String),
    /// Files, in a tar.
    Files(File),
}

impl GivenContext {
    pub(super) fn read(self) -> std::io::Result<NamedContext> {
        Ok(match self {
            Self::Image(image) => NamedContext::Image(image),
            Self::Files(tar) => NamedContext::Files(Arc::new(Files::of_tars([tar])?)),
        })
    }
}

/// What the `.dockerignore` of an archive leaves out.
///
/// # Errors
/// When it cannot be read.
pub async fn left_out(rules: File) -> Result<Vec<String>> {
    blocking(move || {
        let files = Files::of_tars([rules]).map_err(|error| {
            Error::new(ErrorCode::InvalidArgument, "read the .dockerignore").because(&error)
        })?;
        let rules = text(&files, ".dockerignore").unwrap_or_default();
        Ok(Ignore::parse(&rules).patterns().collect())
    })
    .await
}

/// What a Dockerfile asks whoever builds it for.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The ids of secrets.
    pub secrets: BTreeSet<String>,
    /// The ids of agents for SSH keys.
    pub agents: BTreeSet<String>,
    /// The registries of its images.
    pub registries: BTreeSet<String>,
}

impl GivenDockerfile {
    /// Reads a Dockerfile out of one archive, and the rules beside it or out of another.
    ///
    /// # Errors
    /// When there is none of this name, or it is no text.
    pub async fn read(dockerfile: File, rules: File, name: String) -> Result<Self> {
        blocking(move || {
            let failed = |error: std::io::Error| {
                Error::new(ErrorCode::InvalidArgument, "read the Dockerfile").because(&error)
            };
            let beside = Files::of_tars([dockerfile]).map_err(failed)?;
            let context = Files::of_tars([rules]).map_err(failed)?;
            Self::of(&beside, &context, &name)
        })
        .await
    }

    /// The one among the files of a build.
    pub(super) fn within(files: &Files, name: &str) -> Result<Self> {
        Self::of(files, files, name)
    }

    fn of(beside: &Files, context: &Files, name: &str) -> Result<Self> {
        let name = if name.is_empty() { "Dockerfile" } else { name };
        let own = text(beside, &format!("{name}.dockerignore")).ok();
        let rules = own.or_else(|| text(context, ".dockerignore").ok());
        Ok(Self {
            text: text(beside, name)?,
            ignore: Ignore::parse(&rules.unwrap_or_default()),
        })
    }

    /// How many bytes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The patterns of what is left out.
    #[must_use]
    pub fn left_out(&self) -> Vec<String> {
        self.ignore.patterns().collect()
    }

    /// What it asks for, as far as that can be told before it is built.
    #[must_use]
    pub fn asks(&self, arguments: &BTreeMap<String, String>) -> Asked {
        // One that is wrong asks for nothing; the build says why.
        let Ok(program) = Program::of(&Dockerfile::parse(&self.text)) else {
            return Asked::default();
        };
        let value = |name: &str| {
            let declared = program.globals.iter().rev();
            let default = || {
                let mut declared = declared.filter(|argument| argument.name == name);
                declared.find_map(|argument| argument.default.clone())
            };
            arguments.get(name).cloned().or_else(default)
        };
        let expand = |text: &str| {
            let expanded = Expander::new(program.escape, &value).expand(text);
            expanded.map_or_else(|_| text.to_owned(), |expanded| expanded.text)
        };
        let mut asked = Asked::default();
        for stage in &program.stages {
            asked.image(&expand(&stage.base));
            for step in &stage.steps {
                asked.step(step, &expand);
            }
        }
        asked
    }
}

impl Asked {
    /// Sign-ins for the registries of images are needed as well.
    pub fn images(&mut self, names: &[String]) {
        names.iter().for_each(|name| self.image(name));
    }

    fn image(&mut self, name: &str) {
        if let Ok(found) = Reference::dissect(name) {
            let registry = found.reference.registry().to_owned();
            self.registries.insert(registry);
        }
    }

    /// Sign-ins for the registries of caches are needed as well.
    pub fn caches(&mut self, build: &BuildImage) {
        self.images(&build.cache_from);
        for export in &build.cache_to {
            self.image(&export.reference);
        }
    }

    /// Sign-ins for the images that stand for others are needed as well.
    pub fn contexts(&mut self, contexts: &BTreeMap<String, GivenContext>) {
        for context in contexts.values() {
            if let GivenContext::Image(image) = context {
                self.image(image);
            }
        }
    }

    fn step(&mut self, step: &Step, expand: &dyn Fn(&str) -> String) {
        match &step.instruction {
            Instruction::Transfer(transfer) => {
                if let Some(from) = &transfer.from {
                    self.image(&expand(from));
                }
            }
            Instruction::Run(run) => {
                let mounts = run.mounts.iter().map(|mount| expand(mount));
                for mount in mounts.filter_map(|mount| Mount::parse(&mount).ok()) {
                    self.mount(mount);
                }
            }
            _ => {}
        }
    }

    fn mount(&mut self, mount: Mount) {
        if let Some(from) = &mount.from {
            self.image(from);
        }
        match mount.kind {
            MountKind::Secret => self.secrets.extend(mount.id),
            MountKind::Ssh => {
                let id = mount.id.unwrap_or_else(|| "default".to_owned());
                self.agents.insert(id);
            }
            _ => {}
        }
    }
}

fn text(files: &Files, name: &str) -> Result<String> {
    let missing = || {
        Error::new(
            ErrorCode::InvalidArgument,
            format!("the build has no file {name:?}"),
        )
        .hint("name the Dockerfile, relative to the folder of the build")
    };
    let path = files.follow(name).ok_or_else(missing)?;
    let Some(Kind::File(content)) = files.get(&path).map(|entry| &entry.kind) else {
        return Err(missing());
    };
    read(content).map_err(|error| {
        Error::new(ErrorCode::InvalidArgument, format!("read {name:?}")).because(&error)
    })
}

fn read(content: &Content) -> std::io::Result<String> {
    let mut text = String::new();
    if content.len() > DOCKERFILE_BYTES {
        return Err(std::io::ErrorKind::FileTooLarge.into());
    }
    content.open().read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dockerfile_says_what_it_asks_for() {
        let text = "\
ARG HOST=registry.example
FROM $HOST/base AS one
RUN --mount=type=secret,id=key --mount=type=ssh,id=git x
RUN --mount=type=secret,target=/run/pass --mount=type=ssh y
FROM other.example:5000/last
COPY --from=third.example/x / /
";
        let given = GivenDockerfile {
            text: text.to_owned(),
            ignore: Ignore::default(),
        };
        let arguments = BTreeMap::from([("HOST".to_owned(), "mine.example".to_owned())]);
        let asked = given.asks(&arguments);
        let texts = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(texts(&asked.secrets), "key pass");
        assert_eq!(texts(&asked.agents), "default git");
        let registries = "mine.example other.example:5000 third.example";
        assert_eq!(texts(&asked.registries), registries);
    }
}
