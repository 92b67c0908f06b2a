use crate::with_alpine;

#[test]
fn stats_show_memory_and_processes() {
    let Some(setup) = with_alpine() else { return };
    setup.sleeper("c1", &["-m", "64m"]);
    let row = setup.ok(&[
        "stats",
        "--no-stream",
        "--format",
        "{{.Name}}|{{.MemUsage}}|{{.PIDs}}|{{.CPUPerc}}",
    ]);
    let parts: Vec<&str> = row.split('|').collect();
    assert_eq!((parts[0], parts[2]), ("c1", "2"), "{row}");
    assert!(
        parts[1].ends_with("/ 64MiB") && !parts[1].starts_with("0B"),
        "{row}"
    );
    assert!(parts[3].ends_with('%'), "{row}");
}

#[test]
fn top_lists_the_processes_inside() {
    let Some(setup) = with_alpine() else { return };
    setup.sleeper("c1", &[]);
    let said = setup.ok(&["top", "c1"]);
    assert!(
        said.starts_with("UID") && said.contains("sleep 1000"),
        "{said}"
    );
    let pids = setup.ok(&["top", "c1", "-o", "pid,args"]);
    assert!(
        pids.contains(&setup.field("c1", "{{.State.Pid}}")),
        "{pids}"
    );
}
