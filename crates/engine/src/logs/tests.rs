use std::{fs, io::Write as _, path::Path};

use super::*;

fn query(follow: bool, tail: Option<u64>) -> LogQuery {
    LogQuery {
        container: String::new(),
        follow,
        tail,
        since_ns: None,
        until_ns: None,
        stdout: true,
        stderr: true,
    }
}

fn json(number: usize) -> String {
    let stream = if number.is_multiple_of(2) {
        "stdout"
    } else {
        "stderr"
    };
    let second = number % 60;
    format!(
        "{{\"log\":\"{number}\\n\",\"stream\":\"{stream}\",\"time\":\"2026-01-01T00:00:{second:02}.5Z\"}}\n"
    )
}

fn append(path: &Path, numbers: std::ops::Range<usize>) {
    let mut file = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    file.write_all(numbers.map(json).collect::<String>().as_bytes())
        .unwrap();
}

async fn numbers(receiver: &mut mpsc::Receiver<Result<LogBatch>>, count: usize) -> Vec<usize> {
    let mut numbers = Vec::new();
    while numbers.len() < count {
        let Some(batch) = receiver.recv().await else {
            break;
        };
        let batch = batch.unwrap();
        numbers.extend(
            batch
                .lines
                .iter()
                .map(|line| line.text.trim().parse::<usize>().unwrap()),
        );
        if batch.ended {
            break;
        }
    }
    numbers
}

/// Reads a log of 10 rotated and 30 current lines.
async fn check(query: LogQuery, expected: impl IntoIterator<Item = usize>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    append(&folder.path().join("log.1"), 0..10);
    append(&path, 10..40);
    let source = LogSource {
        path,
        running: watch::channel(false).1,
    };
    let mut receiver = stream(source, query);
    let expected: Vec<usize> = expected.into_iter().collect();
    assert_eq!(numbers(&mut receiver, usize::MAX).await, expected);
}

#[tokio::test]
async fn all_lines_come_oldest_first_across_rotated_files() {
    check(query(false, None), 0..40).await;
}

#[tokio::test]
async fn the_tail_counts_from_the_end() {
    check(query(false, Some(5)), 35..40).await;
    check(query(false, Some(0)), []).await;
}

#[tokio::test]
async fn a_long_tail_reaches_into_rotated_files() {
    check(query(false, Some(33)), 7..40).await;
    check(query(false, Some(99)), 0..40).await;
}

#[tokio::test]
async fn one_stream_alone_can_be_asked_for() {
    let query = LogQuery {
        stderr: false,
        ..query(false, None)
    };
    check(query, (0..40).step_by(2)).await;
}

#[tokio::test]
async fn since_and_until_bound_the_time() {
    let second = |s: u64| Some((1_767_225_600 + s) * 1_000_000_000);
    let query = LogQuery {
        since_ns: second(10),
        until_ns: second(13),
        ..query(false, None)
    };
    check(query, 10..13).await;
}

#[tokio::test]
async fn a_follower_sees_new_lines_and_ends_with_the_container() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    append(&path, 0..3);
    let (running, watch) = watch::channel(true);
    let mut receiver = stream(
        LogSource {
            path: path.clone(),
            running: watch,
        },
        query(true, None),
    );
    assert_eq!(numbers(&mut receiver, 3).await, [0, 1, 2]);
    append(&path, 3..5);
    assert_eq!(numbers(&mut receiver, 2).await, [3, 4]);
    append(&path, 5..6);
    running.send(false).unwrap();
    assert_eq!(numbers(&mut receiver, usize::MAX).await, [5]);
}

#[tokio::test]
async fn a_follower_goes_on_in_the_new_file_after_a_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    append(&path, 0..2);
    let (_running, watch) = watch::channel(true);
    let mut receiver = stream(
        LogSource {
            path: path.clone(),
            running: watch,
        },
        query(true, None),
    );
    assert_eq!(numbers(&mut receiver, 2).await, [0, 1]);
    append(&path, 2..3);
    fs::rename(&path, folder.path().join("log.1")).unwrap();
    append(&path, 3..4);
    assert_eq!(numbers(&mut receiver, 2).await, [2, 3]);
}

#[tokio::test]
async fn half_a_line_waits_for_its_other_half() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let text = json(7);
    fs::write(&path, &text[..20]).unwrap();
    let (_running, watch) = watch::channel(true);
    let mut receiver = stream(
        LogSource {
            path: path.clone(),
            running: watch,
        },
        query(true, None),
    );
    fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(&text.as_bytes()[20..])
        .unwrap();
    assert_eq!(numbers(&mut receiver, 1).await, [7]);
}

#[tokio::test]
async fn a_container_that_never_wrote_has_an_empty_log() {
    let folder = tempfile::tempdir().unwrap();
    let source = LogSource {
        path: folder.path().join("log"),
        running: watch::channel(false).1,
    };
    let mut receiver = stream(source, query(true, Some(10)));
    assert!(numbers(&mut receiver, usize::MAX).await.is_empty());
}
