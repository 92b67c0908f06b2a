//! Unpacking a layer in the sandbox.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

use terrarium_store::Ids;
use terrarium_store::index::{self, Writer};
use terrarium_store::layer::{self, Host, Lowers, Marks, Options, Source};
use terrarium_store::worker::{Event, Progress, Report};
use terrarium_sys::tree::Tree;

use super::Error;
use super::sandbox;
use super::talk::Talk;

/// So often the host is told how far it is.
const PROGRESS: Duration = Duration::from_millis(100);

/// Unpacks standard input into `snapshot/fs`, and lists beside it what came of it.
pub(super) fn apply(snapshot: &Path, ids: &Ids, talk: &mut Talk) -> Result<Report, Error> {
    let snapshots = snapshot.parent().ok_or(Error::Usage)?;
    // Open before the doors close: in the sandbox nothing but `fs` can be reached.
    let list_path = snapshot.join(index::KEPT);
    let list =
        File::create(&list_path).map_err(|error| Error::path("create", &list_path, error))?;
    let (root, below) = sandbox::enter_beside(&snapshot.join("fs"), snapshots, ids)?;
    let stdin = io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .map_err(|error| Error::system("read standard input", error))?;
    let options = Options::of(ids);
    let mut host = Told {
        talk,
        below,
        marks: options.marks,
        last: Instant::now(),
    };
    let source = Source::open(File::from(stdin));
    let report = layer::apply(&root, source, &options, &mut host)?;
    if keep_list(&root, options.marks, &list).is_err() {
        // An empty list is none: the first look makes it.
        let _ = list.set_len(0);
    }
    Ok(report)
}

/// Lists the layer while the kernel still has all of its names in memory: a person who looks into
/// the image does not wait for it.
fn keep_list(root: &Tree, marks: Marks, list: &File) -> io::Result<()> {
    let mut writer = Writer::new(BufWriter::with_capacity(256 * 1024, list))?;
    index::walk(root, marks, &mut writer)?;
    writer.finish().map(drop)
}

/// The host at the other end of the socket.
struct Told<'a> {
    talk: &'a mut Talk,
    /// All snapshots, through a read-only mount.
    below: Tree,
    marks: Marks,
    last: Instant,
}

impl Host for Told<'_> {
    fn progress(&mut self, progress: Progress) {
        if self.last.elapsed() >= PROGRESS {
            self.last = Instant::now();
            // A host that is gone closes standard input as well, which ends the work.
            let _ = self.talk.say(&Event::Progress(progress));
        }
    }

    fn parents(&mut self) -> io::Result<Lowers> {
        let answer = self.talk.ask_parents()?;
        let open = |folder: &String| {
            // A folder name only: the answer of the host is believed, but not its spelling.
            self.below
                .child(OsStr::new(folder))?
                .child(OsStr::new("fs"))
        };
        let trees = answer.folders.iter().map(open).collect::<io::Result<_>>()?;
        Ok(Lowers::new(trees, self.marks))
    }
}
