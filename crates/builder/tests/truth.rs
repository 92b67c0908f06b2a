//! The cache says the truth: what is the same is found, and what is not is made again.

#![allow(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod machine;

use std::fs::File;
use std::io::Write as _;

use machine::{Machine, request, run, tar_of};
use proptest::prelude::*;

/// A file of the build: its folder, name, content and permissions.
type One = (usize, String, Vec<u8>, u32);

const FOLDERS: [&str; 3] = ["one", "two", "other"];
/// Two layers of files and a command after them.
const DOCKERFILE: &str = "FROM a\nCOPY one /one/\nCOPY two /two/\nRUN use\n";

fn files() -> impl Strategy<Value = Vec<One>> {
    let one = (
        0..FOLDERS.len(),
        "[a-d]{1,3}(/[e-h]{1,2})?",
        prop::collection::vec(any::<u8>(), 0..20),
        prop::sample::select(vec![0o644_u32, 0o755, 0o600]),
    );
    prop::collection::vec(one, 1..12).prop_map(|mut files| {
        // A file cannot also be a folder.
        for (number, (_, name, ..)) in files.iter_mut().enumerate() {
            *name = format!("{number}{name}");
        }
        files
    })
}

fn archive<'a>(files: impl Iterator<Item = &'a One>, modified: u64) -> File {
    let mut builder = tar::Builder::new(Vec::new());
    let mut add = |path: &str, content: &[u8], mode: u32| {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(mode);
        header.set_mtime(modified);
        builder.append_data(&mut header, path, content).unwrap();
    };
    for folder in FOLDERS {
        add(&format!("{folder}/always"), b"", 0o644);
    }
    for (folder, name, content, mode) in files {
        add(&format!("{}/{name}", FOLDERS[*folder]), content, *mode);
    }
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&builder.into_inner().unwrap()).unwrap();
    file
}

/// Layers that are made and commands that run for these files.
fn work(machine: &Machine, archive: File) -> (usize, usize) {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.build().unwrap();
    let mut asked = request(DOCKERFILE, tar_of("a", "x", 1));
    asked.context = std::sync::Arc::new(terrarium_builder::Files::of_tars([archive]).unwrap());
    asked.epoch = None;
    let before = machine.kept.lock().unwrap().len();
    runtime.block_on(run(machine, &asked)).unwrap();
    (
        machine.kept.lock().unwrap().len() - before,
        machine.ran().len(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_same_files_at_another_time_in_another_order_are_the_same(files in files(), time in any::<u32>()) {
        let machine = Machine::default();
        prop_assert_eq!(work(&machine, archive(files.iter(), 1)), (3, 1));
        prop_assert_eq!(work(&machine, archive(files.iter().rev(), time.into())), (0, 0));
    }

    #[test]
    fn a_change_is_made_again_from_where_it_matters(
        files in files(),
        which in any::<prop::sample::Index>(),
        what in 0..4_u8,
    ) {
        let machine = Machine::default();
        work(&machine, archive(files.iter(), 1));
        let mut changed = files;
        let at = which.index(changed.len());
        let folder = changed[at].0;
        match what {
            0 => changed[at].2.push(7),
            1 => changed[at].1.push('x'),
            2 => changed[at].3 ^= 0o100,
            _ => drop(changed.remove(at)),
        }
        // The first folder is below all, the second one below the command, and nobody copies the third.
        let expected = [(3, 1), (2, 1), (0, 0)][folder];
        prop_assert_eq!(work(&machine, archive(changed.iter(), 2)), expected);
    }
}
