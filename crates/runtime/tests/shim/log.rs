//! The log on disk.

use std::fs;
use std::path::Path;
use std::process::Command;

use terrarium_runtime::shim::protocol::{Call, Event};

use crate::require_root;
use crate::sandbox::{Recipe, texts};

#[test]
fn a_rotated_and_gzipped_log_is_whole() {
    require_root!();
    let mut sandbox = Recipe::new(&["/bin/seq", "1", "20000"])
        .log(|log| {
            log.max_size_bytes = Some(200_000);
            log.max_files = 100;
            log.compress = true;
        })
        .create();
    sandbox.start();
    assert_eq!(sandbox.wait().code, 0);
    let mut seen = String::new();
    let mut gzipped = 0;
    for number in (1..100).rev() {
        let plain = sandbox.path(&format!("log.{number}"));
        let packed = sandbox.path(&format!("log.{number}.gz"));
        if packed.exists() {
            gzipped += 1;
            seen += &texts(&gunzip(&packed), "stdout");
        } else if plain.exists() {
            seen += &texts(&fs::read_to_string(plain).unwrap(), "stdout");
        }
    }
    seen += &sandbox.logged("stdout");
    let expect: String = (1..=20_000).map(|number| format!("{number}\n")).collect();
    assert!(seen == expect, "{} bytes of {}", seen.len(), expect.len());
    assert!(gzipped > 3, "{gzipped} files are gzipped");
}

#[test]
fn ten_thousand_lines_a_second_are_all_kept() {
    require_root!();
    let script = "i=0; while [ $i -lt 20 ]; do seq $((i * 1000 + 1)) $((i * 1000 + 1000)); \
                  i=$((i + 1)); sleep 0.1; done";
    let mut sandbox = crate::sandbox::script(script).log(|_| {}).create();
    sandbox.start();
    let status = sandbox.wait();
    assert_eq!((status.code, status.lost_log_lines), (0, 0));
    let expect: String = (1..=20_000).map(|number| format!("{number}\n")).collect();
    assert!(sandbox.logged("stdout") == expect, "lines are missing");
}

#[test]
fn a_full_disk_stops_the_log_and_not_the_container() {
    require_root!();
    let mut sandbox = Recipe::new(&["/bin/seq", "1", "1000"])
        .log(|log| log.path = Path::new("/dev/full").to_owned())
        .create();
    sandbox.host.call(Call::Subscribe).unwrap();
    sandbox.start();
    let event = sandbox.host.event();
    assert!(
        matches!(&event, Event::LogLost { cause: Some(_), .. }),
        "{event:?}"
    );
    let status = sandbox.wait();
    assert_eq!((status.code, status.lost_log_lines), (0, 1000));
}

fn gunzip(path: &Path) -> String {
    let output = Command::new("gzip").arg("-dc").arg(path).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}
