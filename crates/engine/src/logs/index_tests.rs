use std::{fs, io::Write as _, path::Path, sync::Arc};

use flate2::{Compression, write::GzEncoder};
use terrarium_api::{FindInLog, LogExtent};
use tokio::sync::watch as value;

use super::*;

fn json(number: u64) -> String {
    let stream = if number.is_multiple_of(2) {
        "stdout"
    } else {
        "stderr"
    };
    format!(
        "{{\"log\":\"\\u001b[31mline\\u001b[0m {number}\\n\",\"stream\":\"{stream}\",\"time\":\"2026-01-01T00:00:00.5Z\"}}\n"
    )
}

fn append(path: &Path, numbers: std::ops::Range<u64>) {
    let mut file = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    let text = numbers.map(json).collect::<String>();
    file.write_all(text.as_bytes()).unwrap();
}

fn pack(from: &Path, to: &Path) {
    let mut packed = GzEncoder::new(fs::File::create(to).unwrap(), Compression::fast());
    packed.write_all(&fs::read(from).unwrap()).unwrap();
    packed.finish().unwrap();
    fs::remove_file(from).unwrap();
}

struct Scene {
    folder: tempfile::TempDir,
    indexes: LogIndexes,
}

impl Scene {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            indexes: LogIndexes::default(),
        }
    }

    fn path(&self, suffix: &str) -> PathBuf {
        self.folder.path().join(format!("log{suffix}"))
    }

    fn index(&self) -> Arc<SharedIndex> {
        self.indexes.of(&self.path(""))
    }

    /// The edition, and the numbers that the lines themselves tell.
    fn read(&self, from: u64, count: u64) -> (u32, Vec<u64>) {
        let slice = self.index().slice(from, count).unwrap();
        let told = slice.lines.iter().map(|line| {
            let number = line.text.trim().rsplit(' ').next().unwrap();
            number.parse().unwrap()
        });
        (slice.edition, told.collect())
    }

    fn find(&self, text: &str, from: u64) -> Vec<u64> {
        let wanted = FindInLog {
            container: String::new(),
            text: text.into(),
            stdout: true,
            stderr: false,
            from,
        };
        self.index().find(&wanted).unwrap().lines
    }
}

#[test]
fn lines_are_read_by_their_numbers_wherever_they_are() {
    let scene = Scene::new();
    append(&scene.path(".2"), 0..700);
    pack(&scene.path(".2"), &scene.path(".2.gz"));
    append(&scene.path(".1"), 700..2000);
    append(&scene.path(""), 2000..3500);
    for from in [0, 511, 512, 513, 699, 700, 1211, 1999, 2000, 2600, 3499] {
        let (_, lines) = scene.read(from, 3);
        let expected: Vec<u64> = (from..(from + 3).min(3500)).collect();
        assert_eq!(lines, expected);
    }
    assert_eq!(scene.read(3500, 3).1, [] as [u64; 0]);
    assert_eq!(scene.read(1998, 4).1, [1998, 1999, 2000, 2001]);
}

#[test]
fn a_line_counts_when_it_is_complete() {
    let scene = Scene::new();
    append(&scene.path(""), 0..3);
    let (begin, end) = (json(3), json(4));
    let write = |text: &str| {
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(scene.path(""))
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    };
    write(&begin[..10]);
    assert_eq!(scene.read(0, 9).1, [0, 1, 2]);
    write(&begin[10..]);
    write(&end);
    assert_eq!(scene.read(2, 9).1, [2, 3, 4]);
}

#[test]
fn numbers_stay_when_files_move_and_the_oldest_goes() {
    let scene = Scene::new();
    append(&scene.path(".1"), 0..10);
    append(&scene.path(""), 10..20);
    let (edition, _) = scene.read(0, 1);
    // What was written to the file before it moved is seen after it.
    append(&scene.path(""), 20..25);
    fs::rename(scene.path(""), scene.path(".1")).unwrap();
    append(&scene.path(""), 25..30);
    let (after, lines) = scene.read(18, 99);
    assert_eq!((after, lines), (edition, (18..30).collect()));
    assert_eq!(scene.read(0, 1).1, [10], "what is gone is skipped");
}

#[test]
fn lines_are_numbered_anew_when_nobody_can_tell_which_went() {
    let scene = Scene::new();
    append(&scene.path(".1"), 0..10);
    append(&scene.path(""), 10..20);
    let (edition, _) = scene.read(0, 1);
    pack(&scene.path(".1"), &scene.path(".1.gz"));
    assert_eq!(scene.find("line 12", 0), [12]);
    let (packed, lines) = scene.read(9, 2);
    assert_ne!(packed, edition);
    assert_eq!(lines, [9, 10]);
    fs::write(scene.path(""), json(77)).unwrap();
    assert_eq!(scene.find("line 77", 0), [] as [u64; 0]);
    assert_ne!(scene.read(99, 1).0, packed, "a file became shorter");
}

#[test]
fn finding_ignores_case_and_colors_and_knows_streams() {
    let scene = Scene::new();
    append(&scene.path(""), 0..30);
    assert_eq!(scene.find("LINE 1", 0), [10, 12, 14, 16, 18]);
    assert_eq!(scene.find("", 24), [24, 26, 28]);
    assert_eq!(scene.find("[31m", 0), [] as [u64; 0]);
}

#[test]
fn what_a_crash_left_keeps_its_number() {
    let scene = Scene::new();
    fs::write(scene.path(""), format!("{}broken 1\n{}", json(0), json(2))).unwrap();
    assert_eq!(scene.read(0, 9).1, [0, 1, 2]);
}

#[tokio::test]
async fn a_watcher_gets_what_is_new_and_is_told_the_end() {
    let scene = Scene::new();
    append(&scene.path(""), 0..2000);
    let (running, watched) = value::channel(true);
    let source = LogSource {
        path: scene.path(""),
        running: watched,
    };
    let mut extents = watch(source, scene.index());
    let mut next = async || -> LogExtent { extents.recv().await.unwrap().unwrap() };
    let extent = next().await;
    assert_eq!((extent.first, extent.end, extent.ended), (0, 2000, false));
    assert_eq!(extent.last.len(), 500);
    append(&scene.path(""), 2000..2003);
    let mut extent = next().await;
    let mut new = extent.last.len();
    while extent.end < 2003 {
        extent = next().await;
        new += extent.last.len();
    }
    assert_eq!(new, 3);
    running.send_replace(false);
    while !extent.ended {
        extent = next().await;
    }
    assert_eq!((extent.end, extent.last.len()), (2003, 0));
}
