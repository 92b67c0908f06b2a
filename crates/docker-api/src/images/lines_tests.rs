use super::*;

fn blob(digest: &str, phase: BlobPhase, downloaded_bytes: u64) -> BlobProgress {
    BlobProgress {
        digest: format!("sha256:{digest:0<64}"),
        layer: Some(1),
        size_bytes: 2000,
        downloaded_bytes,
        phase,
        download: None,
        verify: None,
        unpack: None,
        shared_with: Vec::new(),
    }
}

fn at(stage: PullStage, blobs: Vec<BlobProgress>) -> PullProgress {
    PullProgress {
        activity: "1".into(),
        reference: "docker.io/library/alpine:3.18".into(),
        stage,
        documents: Vec::new(),
        blobs,
        downloaded_bytes: 0,
        to_download_bytes: 0,
        saved_bytes: 0,
        elapsed_usec: 0,
        image_id: None,
        manifest_digest: None,
        up_to_date: false,
    }
}

fn lines() -> Lines {
    let dissection = Reference::dissect("alpine:3.18").expect("it is valid");
    Lines::new(dissection.reference)
}

/// `id status current`, the parts that clients show.
fn words(lines: Vec<Value>) -> Vec<String> {
    let word = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    lines
        .iter()
        .map(|line| {
            let current = &line["progressDetail"]["current"];
            format!("{} {} {current}", word(line, "id"), word(line, "status")).replace(" null", "")
        })
        .collect()
}

#[test]
fn a_layer_is_told_step_by_step_and_never_twice() {
    let mut lines = lines();
    let mut step = |phase, bytes| {
        words(lines.advance(&at(PullStage::Fetching, vec![blob("ab", phase, bytes)])))
    };
    let first = step(BlobPhase::Waiting, 0);
    assert_eq!(
        first,
        [
            "3.18 Pulling from library/alpine",
            "ab0000000000 Pulling fs layer"
        ]
    );
    assert_eq!(
        step(BlobPhase::Downloading, 500),
        ["ab0000000000 Downloading 500"]
    );
    assert_eq!(step(BlobPhase::Downloading, 500), [""; 0]);
    assert_eq!(
        step(BlobPhase::Downloading, 900),
        ["ab0000000000 Downloading 900"]
    );
    let verified = step(BlobPhase::Verifying, 2000);
    assert_eq!(
        verified,
        [
            "ab0000000000 Verifying Checksum",
            "ab0000000000 Download complete"
        ]
    );
    assert_eq!(
        step(BlobPhase::Unpacking, 2000),
        ["ab0000000000 Extracting 2000"]
    );
    assert_eq!(step(BlobPhase::Done, 2000), ["ab0000000000 Pull complete"]);
    assert_eq!(step(BlobPhase::Done, 2000), [""; 0]);
}

#[test]
fn milestones_between_two_snapshots_are_not_lost() {
    let blobs = vec![
        blob("ab", BlobPhase::Done, 2000),
        blob("cd", BlobPhase::AlreadyHere, 0),
    ];
    let told = words(lines().advance(&at(PullStage::Committing, blobs)));
    let expect = [
        "3.18 Pulling from library/alpine",
        "ab0000000000 Pulling fs layer",
        "ab0000000000 Verifying Checksum",
        "ab0000000000 Download complete",
        "ab0000000000 Pull complete",
        "cd0000000000 Already exists",
    ];
    assert_eq!(told, expect);
}

#[test]
fn an_announced_layer_may_turn_out_to_be_here() {
    let mut lines = lines();
    let mut step =
        |phase| words(lines.advance(&at(PullStage::Fetching, vec![blob("ab", phase, 0)])));
    step(BlobPhase::Waiting);
    assert_eq!(
        step(BlobPhase::AlreadyHere),
        ["ab0000000000 Already exists"]
    );
    assert_eq!(step(BlobPhase::AlreadyHere), [""; 0]);
}

#[test]
fn nothing_is_told_before_the_registry_has_answered() {
    assert_eq!(
        lines().advance(&at(PullStage::Resolving, Vec::new())),
        [Value::Null; 0]
    );
}

#[test]
fn the_end_says_whether_anything_was_new() {
    let new = words(lines().finish("sha256:1", false));
    let expect = [
        "3.18 Pulling from library/alpine",
        " Digest: sha256:1",
        " Status: Downloaded newer image for alpine:3.18",
    ];
    assert_eq!(new, expect);
    let old = words(lines().finish("sha256:1", true));
    assert_eq!(old[2], " Status: Image is up to date for alpine:3.18");
}

#[test]
fn bars_are_as_long_as_dockers() {
    assert_eq!(bar(0, 0), format!("[>{}]  0B/0B", " ".repeat(49)));
    assert_eq!(
        bar(1_500_000, 3_000_000),
        format!("[{}>{}]  1.5MB/3MB", "=".repeat(25), " ".repeat(24))
    );
    assert_eq!(bar(7, 5), format!("[{}]  7B/5B", "=".repeat(50)));
}
