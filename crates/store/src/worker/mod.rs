//! The host's side of `terrarium-runtime worker`, which alone touches the files of layers.
//!
//! As root, removing and measuring are done here, by descriptor; a user has to go through a worker
//! in a user namespace, since the files belong to subordinate ids.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use terrarium_sys::tree::Tree;

use crate::config::{Config, Ids};
use crate::error::{Context, Error, Result};
use crate::snapshot::Size;
use crate::view::{Sight, Viewed};

mod feed;
mod listen;
mod protocol;

use listen::{Below, Listener, OnParents, OnProgress, Silent, Unpacking, Watching};

pub use protocol::{Event, Failure, FailureKind, Parents, Progress, Report, Written};

/// A line of a worker is at most this long; more is not from our worker.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// How workers are started.
#[derive(Debug, Clone)]
pub(crate) struct Worker {
    program: PathBuf,
    ids: Ids,
}

impl Worker {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            program: config.worker.clone(),
            ids: config.ids.clone(),
        }
    }

    pub(crate) fn ids(&self) -> &Ids {
        &self.ids
    }

    /// Unpacks a layer into `snapshot/fs`.
    pub(crate) fn apply(
        &self,
        snapshot: &Path,
        source: impl Read + Send,
        progress: OnProgress<'_>,
        parents: OnParents<'_>,
    ) -> Result<Report> {
        let mut command = self.command("apply");
        command.arg("--snapshot").arg(snapshot);
        let mut host = Unpacking { progress, parents };
        match fed("apply", command, source, &mut host)? {
            (Event::Done(report), _) => Ok(report),
            (_, status) => Err(died("apply", status)),
        }
    }

    /// Looks at a path of a tree in use. `confirm` is asked when the tree is open, before anything else is
    /// done with it.
    pub(crate) fn look(&self, viewed: &Viewed, confirm: OnParents<'_>) -> Result<Event> {
        let command = self.view_command(viewed);
        let of = Path::new(&viewed.path);
        let done = drain("view", command, of, &mut Below(confirm), &mut io::sink());
        done.map(|(event, _)| event).map_err(of_files)
    }

    /// Packs a tree in use into `sink`.
    pub(crate) fn pack(
        &self,
        viewed: &Viewed,
        watch: &mut dyn FnMut(Sight) -> Result<()>,
        mut sink: impl Write + Send,
    ) -> Result<Event> {
        let command = self.view_command(viewed);
        let of = Path::new(&viewed.path);
        let done = drain("view", command, of, &mut Watching(watch), &mut sink);
        done.map(|(event, _)| event).map_err(of_files)
    }

    /// Puts `source` into a tree in use.
    pub(crate) fn put(
        &self,
        viewed: &Viewed,
        confirm: OnParents<'_>,
        source: impl Read + Send,
    ) -> Result<Event> {
        let command = self.view_command(viewed);
        let done = fed("view", command, source, &mut Below(confirm));
        done.map(|(event, _)| event).map_err(of_files)
    }

    fn view_command(&self, viewed: &Viewed) -> Command {
        let mut command = self.command("view");
        command.arg(serde_json::to_string(viewed).expect("it is text and numbers"));
        command
    }

    /// Writes the changes in `snapshot/fs` into `sink`, as an uncompressed tar.
    pub(crate) fn diff(
        &self,
        snapshot: &Path,
        parents: OnParents<'_>,
        mut sink: impl Write + Send,
    ) -> Result<Written> {
        let mut command = self.command("diff");
        command.arg("--snapshot").arg(snapshot);
        match drain("diff", command, snapshot, &mut Below(parents), &mut sink)? {
            (Event::Written(written), _) => Ok(written),
            (_, status) => Err(died("diff", status)),
        }
    }

    /// Lists what is in a layer's folder, in the form of [`crate::index`].
    pub(crate) fn index(&self, folder: &Path) -> Result<Vec<u8>> {
        let mut command = self.command("index");
        command.arg(folder);
        let mut list = Vec::new();
        match drain("index", command, folder, &mut Silent, &mut list)? {
            (Event::Listed { .. }, _) => Ok(list),
            (_, status) => Err(died("index", status)),
        }
    }

    /// Writes the content of a file in a layer's folder into `sink`; returns the file's size.
    pub(crate) fn read_file(
        &self,
        folder: &Path,
        path: &Path,
        limit: u64,
        mut sink: impl Write + Send,
    ) -> Result<u64> {
        let mut command = self.command("read");
        command.arg(folder).arg("--file").arg(path);
        command.arg("--limit").arg(limit.to_string());
        match drain("read", command, folder, &mut Silent, &mut sink)? {
            (Event::Read { size_bytes }, _) => Ok(size_bytes),
            (_, status) => Err(died("read", status)),
        }
    }

    /// Removes a folder and all below it; none of that name is fine.
    pub(crate) fn remove_tree(&self, path: &Path) -> Result<()> {
        if self.ids == Ids::Host {
            let (parent, name) = split(path)?;
            return parent.remove_tree(name).context("remove", path);
        }
        if !path.exists() {
            return Ok(());
        }
        self.simple("remove", path).map(drop)
    }

    /// Measures the tree below a folder.
    pub(crate) fn usage(&self, path: &Path) -> Result<Size> {
        if self.ids == Ids::Host {
            let tree = Tree::open(path).context("open", path)?;
            return tree.usage().map(Size::from).context("measure", path);
        }
        self.simple("usage", path)
    }

    fn simple(&self, action: &'static str, path: &Path) -> Result<Size> {
        let mut command = self.command(action);
        command.arg(path);
        let mut session = Session::start(action, command, Stdio::null())?;
        let answer = session.talk(&mut Silent);
        let status = session.finish();
        match answer? {
            Event::Measured(size) => Ok(size),
            Event::Failed(failure) => Err(Error::Layer(failure)),
            _ => Err(Error::WorkerDied { action, status }),
        }
    }

    fn command(&self, action: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("worker").arg(action);
        if let Ids::Mapped(maps) = &self.ids {
            let maps = serde_json::to_string(maps).expect("maps are plain numbers");
            command.arg("--id-maps").arg(maps);
        }
        // Nothing of the host's environment is the worker's business.
        command.env_clear().env(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        );
        command
    }
}

/// Runs a worker that reads `source` as its standard input; returns its last word and how it ended.
fn fed(
    action: &'static str,
    command: Command,
    source: impl Read + Send,
    host: &mut dyn Listener,
) -> Result<(Event, String)> {
    let mut session = Session::start(action, command, Stdio::piped())?;
    let stdin = session.child.stdin.take();
    let stdin = stdin.expect("it was asked to be piped");
    let (answer, fed) = thread::scope(|scope| {
        let feeder = scope.spawn(move || feed::feed(source, stdin));
        let answer = session.talk(host);
        if answer.is_err() {
            // Otherwise the feeder would wait for a worker that no one listens to.
            session.kill();
        }
        (answer, feeder.join())
    });
    let ended = session.finish();
    match (answer, fed) {
        // The source is the cause, whatever the worker made of its early end.
        (_, Ok(Err(error))) => Err(error),
        (Ok(Event::Failed(failure)), _) => Err(Error::Layer(failure)),
        (Ok(event), _) => Ok((event, ended)),
        (Err(error), _) => Err(error),
    }
}

/// Runs a worker that writes to its standard input, since its standard output is where it
/// talks; returns its last word and how it ended.
fn drain(
    action: &'static str,
    command: Command,
    of: &Path,
    host: &mut dyn Listener,
    sink: &mut (impl Write + Send),
) -> Result<(Event, String)> {
    let (mut pipe, theirs) = io::pipe().context("make pipe for", of)?;
    let mut session = Session::start(action, command, Stdio::from(theirs))?;
    let (answer, drained) = thread::scope(|scope| {
        let drain = scope.spawn(move || io::copy(&mut pipe, sink).and_then(|_| sink.flush()));
        let answer = session.talk(host);
        if answer.is_err() {
            session.kill();
        }
        (answer, drain.join())
    });
    let status = session.finish();
    if let Ok(drained) = drained {
        drained.context("write what was read of", of)?;
    }
    match answer? {
        Event::Failed(failure) => Err(Error::Layer(failure)),
        event => Ok((event, status)),
    }
}

/// A running worker.
struct Session {
    action: &'static str,
    child: Child,
    lines: BufReader<UnixStream>,
}

impl Session {
    fn start(action: &'static str, mut command: Command, stdin: Stdio) -> Result<Self> {
        let program = PathBuf::from(command.get_program());
        let (ours, theirs) = UnixStream::pair().context("connect to", &program)?;
        command
            .stdin(stdin)
            .stdout(OwnedFd::from(theirs))
            .stderr(Stdio::piped());
        let child = command.spawn().context("start", &program)?;
        // `command` holds the worker's end; with it open, the end of the worker would not be seen.
        drop(command);
        Ok(Self {
            action,
            child,
            lines: BufReader::new(ours),
        })
    }

    /// Talks until the last event. An early end gives an event that is none of the last ones.
    fn talk(&mut self, host: &mut dyn Listener) -> Result<Event> {
        loop {
            let mut line = String::new();
            let read = self
                .lines
                .by_ref()
                .take(MAX_LINE_BYTES)
                .read_line(&mut line);
            let Ok(event) = serde_json::from_str(&line) else {
                read.context("listen to", Path::new("worker"))?;
                return Ok(Event::NeedParents);
            };
            match event {
                Event::Progress(now) => {
                    if host.progress(now).is_break() {
                        let stopped = io::Error::from(io::ErrorKind::Interrupted);
                        return Err(Error::io("unpack layer of", Path::new("worker"), stopped));
                    }
                }
                Event::NeedParents => {
                    let folders = host.parents()?;
                    let mut answer =
                        serde_json::to_vec(&Parents { folders }).expect("folder names are text");
                    answer.push(b'\n');
                    // A worker that died meanwhile is seen at the next line.
                    let _ = self.lines.get_mut().write_all(&answer);
                }
                Event::Found(stat) => host.found(stat)?,
                last => return Ok(last),
            }
        }
    }

    fn kill(&mut self) {
        // It may have ended by itself; not reaped yet, so its id is still its own.
        let _ = self.child.kill();
    }

    /// Waits for the end and says how it was.
    fn finish(mut self) -> String {
        let _ = self.lines.get_mut().shutdown(std::net::Shutdown::Both);
        let mut said = String::new();
        if let Some(stderr) = self.child.stderr.take() {
            let _ = stderr.take(4096).read_to_string(&mut said);
        }
        match self.child.wait() {
            Ok(status) => format!("{status} {}", said.trim()).trim_end().to_owned(),
            Err(error) => format!("{} {error}", self.action),
        }
    }
}

/// What failed was no layer.
fn of_files(error: Error) -> Error {
    match error {
        Error::Layer(failure) => Error::Files(failure),
        error => error,
    }
}

fn died(action: &'static str, status: String) -> Error {
    Error::WorkerDied { action, status }
}

fn split(path: &Path) -> Result<(Tree, &OsStr)> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    let name = path.file_name().unwrap_or_default();
    Ok((Tree::open(parent).context("open", parent)?, name))
}
