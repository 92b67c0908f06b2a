//! `RUN`.

use std::sync::Arc;

use terrarium_dockerfile::{Command, Heredoc, Mount, MountKind, Run};

use crate::build::Build;
use crate::key::KeyParts;
use crate::state::State;
use crate::{Executor, Fault, Layer, Process, ProcessMount};

/// Variables that reach commands without a declaration and are no part of what a step is.
const PROXIES: [&str; 10] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// A mount, and what of it a step is recognized by.
type Mounted = (Option<ProcessMount>, String);

impl<E: Executor> Build<'_, E> {
    pub(crate) async fn run(&self, state: &State, run: &Run, node: usize) -> Result<Layer, Fault> {
        refuse(run)?;
        let mut process = self.process(state, run, node);
        let mut parts = recognized(state, &process);
        for written in &run.mounts {
            let mount = state.expand(written, self.request.escape())?;
            let mount = Mount::parse(&mount).map_err(terrarium_dockerfile::Fault::Mount)?;
            let (mount, recognized) = self.mount(state, &mount).await?;
            let name = format!("mount {}", written.split(',').next().unwrap_or_default());
            parts.named(&name, &recognized);
            if let Some(variable) = mount.as_ref().and_then(secret_variable) {
                process.environment.push(variable);
            } else {
                let mount = mount.map(|mount| placed(mount, &mut process));
                process.mounts.extend(mount);
            }
        }
        let key = parts.finish();
        process.environment.extend(self.proxies(state));
        self.cached(state, &key, || async {
            self.executor
                .run(&state.layers, process)
                .await
                .map_err(Fault::Executor)
        })
        .await
    }

    /// The command, without mounts but for a script that it is.
    fn process(&self, state: &State, run: &Run, node: usize) -> Process {
        let working_dir = match state.config.working_dir.as_str() {
            "" => "/".to_owned(),
            folder => folder.to_owned(),
        };
        let network = run.network.clone();
        let (arguments, script) = arguments(state, run);
        Process {
            arguments,
            working_dir,
            user: state.config.user.clone(),
            environment: environment(state),
            network: network.unwrap_or_else(|| self.request.network.clone()),
            mounts: script.into_iter().collect(),
            newest: self.request.epoch,
            node,
        }
    }

    fn proxies(&self, state: &State) -> Vec<String> {
        let given = PROXIES.iter().filter(|name| state.lookup(name).is_none());
        given
            .filter_map(|name| Some(format!("{name}={}", self.request.arguments.get(*name)?)))
            .collect()
    }

    /// A mount, and what of it a step is recognized by.
    async fn mount(&self, state: &State, mount: &Mount) -> Result<Mounted, Fault> {
        let target = mount
            .target
            .as_deref()
            .map(|target| state.absolute(target))
            .unwrap_or_default();
        match mount.kind {
            MountKind::Bind => self.bind(state, mount, target).await,
            MountKind::Cache => {
                if mount.from.is_some() {
                    return Err(Fault::Unsupported {
                        what: "a cache mount with from".to_owned(),
                    });
                }
                let id = mount.id.clone().unwrap_or_else(|| target.clone());
                let recognized = format!("cache {id} {target} {:?}", mount.sharing);
                Ok((
                    Some(ProcessMount::Cache {
                        id,
                        target,
                        read_only: mount.read_only,
                        sharing: mount.sharing,
                        mode: mount.mode.unwrap_or(0o755),
                        uid: mount.uid.unwrap_or(0),
                        gid: mount.gid.unwrap_or(0),
                    }),
                    recognized,
                ))
            }
            MountKind::Tmpfs => {
                let recognized = format!("tmpfs {target}");
                Ok((
                    Some(ProcessMount::Memory {
                        target,
                        size_bytes: mount.size_bytes,
                    }),
                    recognized,
                ))
            }
            MountKind::Secret => self.secret(mount, target),
            MountKind::Ssh => self.agent(mount, target),
        }
    }

    fn agent(&self, mount: &Mount, target: String) -> Result<Mounted, Fault> {
        let id = mount.id.clone().unwrap_or_else(|| "default".to_owned());
        let recognized = format!("ssh {id} {target}");
        if !self.request.agents.contains(&id) {
            return match mount.required {
                true => Err(Fault::NoAgent { id }),
                false => Ok((None, recognized)),
            };
        }
        let agent = ProcessMount::Agent {
            id,
            target,
            mode: mount.mode.unwrap_or(0o600),
            uid: mount.uid.unwrap_or(0),
            gid: mount.gid.unwrap_or(0),
        };
        Ok((Some(agent), recognized))
    }

    async fn bind(&self, state: &State, mount: &Mount, target: String) -> Result<Mounted, Fault> {
        let files = match &mount.from {
            None => Arc::clone(&self.request.context),
            Some(from) => self.files_of(from, state.stage).await?,
        };
        let path = mount.source.clone().unwrap_or_default();
        let Some(source) = files.follow(&path) else {
            let place = mount
                .from
                .clone()
                .unwrap_or_else(|| "the folder of the build".to_owned());
            return Err(Fault::NoFile {
                path,
                place,
                near: None,
            });
        };
        let pack = crate::stage::subtree(&files, &source);
        let recognized = format!("bind {target} {}", pack.key("bind", "")?.as_str());
        Ok((
            Some(ProcessMount::Files {
                files,
                source,
                target,
                read_only: mount.read_only,
            }),
            recognized,
        ))
    }

    fn secret(&self, mount: &Mount, target: String) -> Result<Mounted, Fault> {
        let id = mount.id.clone().unwrap_or_default();
        let recognized = format!("secret {id} {target}");
        let Some(bytes) = self.request.secrets.get(&id).cloned() else {
            return match mount.required {
                true => Err(Fault::NoSecret { id }),
                false => Ok((None, recognized)),
            };
        };
        // A variable travels as a mount without a place, so that no key ever sees its value.
        let target = match &mount.env {
            Some(name) if mount.target.is_none() => format!("{name}="),
            _ => target,
        };
        let (mode, uid, gid) = (
            mount.mode.unwrap_or(0o400),
            mount.uid.unwrap_or(0),
            mount.gid.unwrap_or(0),
        );
        Ok((
            Some(ProcessMount::Bytes {
                bytes,
                target,
                mode,
                uid,
                gid,
            }),
            recognized,
        ))
    }
}

/// What would silently not happen.
fn refuse(run: &Run) -> Result<(), Fault> {
    let insecure = run.security.as_deref() == Some("insecure");
    let what = match run.devices.first() {
        Some(device) => format!("RUN --device={device}"),
        None if insecure => "RUN --security=insecure".to_owned(),
        None => return Ok(()),
    };
    Err(Fault::Unsupported { what })
}

/// By what a command is recognized, its mounts left out.
fn recognized(state: &State, process: &Process) -> KeyParts {
    let below = state.chain().map_or_else(String::new, ToString::to_string);
    let mut parts = KeyParts::new("run");
    parts.named("below", &below);
    parts.all(&process.arguments).all(&process.environment);
    parts.note("command", &process.arguments.join(" "));
    let set = process.environment.iter();
    for (name, value) in set.filter_map(|set| set.split_once('=')) {
        parts.note(&format!("env {name}"), value);
    }
    parts
        .named("folder", &process.working_dir)
        .named("user", &process.user)
        .named("network", &process.network);
    if let Some(ProcessMount::Bytes { bytes, .. }) = process.mounts.first() {
        parts.named("script", &String::from_utf8_lossy(bytes));
    }
    parts
}

/// An agent without a place gets one, and the first one is what programs find.
fn placed(mut mount: ProcessMount, process: &mut Process) -> ProcessMount {
    if let ProcessMount::Agent { target, .. } = &mut mount {
        let mounts = process.mounts.iter();
        let before = mounts.filter(|mount| matches!(mount, ProcessMount::Agent { .. }));
        let number = before.count();
        if target.is_empty() {
            *target = format!("/run/buildkit/ssh_agent.{number}");
        }
        if number == 0 {
            process.environment.push(format!("SSH_AUTH_SOCK={target}"));
        }
    }
    mount
}

fn secret_variable(mount: &ProcessMount) -> Option<String> {
    match mount {
        ProcessMount::Bytes { bytes, target, .. } if !target.starts_with('/') => {
            Some(format!("{target}{}", String::from_utf8_lossy(bytes)))
        }
        _ => None,
    }
}

/// `ENV` and declared arguments, as a command sees them.
fn environment(state: &State) -> Vec<String> {
    let mut all = state.config.env.clone();
    for (name, value) in &state.arguments {
        let set = all
            .iter()
            .any(|entry| entry.split('=').next() == Some(name));
        if !set {
            all.push(format!("{name}={value}"));
        }
    }
    all
}

/// What is executed, and a script that it needs.
fn arguments(state: &State, run: &Run) -> (Vec<String>, Option<ProcessMount>) {
    match &run.command {
        Command::Exec(words) => (words.clone(), None),
        Command::Shell(line) => match run.documents.as_slice() {
            [document] if is_only(line) => body(state, document),
            documents => (shell(state, with_documents(line, documents)), None),
        },
    }
}

fn shell(state: &State, line: String) -> Vec<String> {
    let mut arguments = state.shell();
    arguments.push(line);
    arguments
}

/// Whether a line is nothing but the announcement of a document.
fn is_only(line: &str) -> bool {
    line.starts_with("<<") && !line.contains(char::is_whitespace)
}

/// A document alone is what the shell runs, or a program of its own where it says which.
fn body(state: &State, document: &Heredoc) -> (Vec<String>, Option<ProcessMount>) {
    let content = if document.strips_tabs {
        let lines = document.content.split_inclusive('\n');
        lines.map(|line| line.trim_start_matches('\t')).collect()
    } else {
        document.content.clone()
    };
    if !content.starts_with("#!") {
        return (shell(state, content), None);
    }
    let target = format!("/dev/pipes/{}", document.name);
    let bytes = content.into_bytes();
    let script = ProcessMount::Bytes {
        bytes,
        target: target.clone(),
        mode: 0o755,
        uid: 0,
        gid: 0,
    };
    (vec![target], Some(script))
}

/// The shell reads the documents itself, so it gets them as they are written.
fn with_documents(line: &str, documents: &[Heredoc]) -> String {
    let mut text = line.to_owned();
    for document in documents {
        text.push('\n');
        text.push_str(&document.content);
        text.push_str(&document.name);
    }
    text
}
