//! A program that suites run inside containers: it tells what it finds there as one JSON object.
//!
//! `probe facts` tells about itself, `probe files PATH…` about files, and `probe act LINE…` tries
//! each line (`mkdir /x`) and tells what the kernel answered.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "what it finds goes to standard output")]

mod acts;
mod facts;
mod files;

use serde_json::Value;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (verb, rest) = arguments
        .split_first()
        .map_or(("facts", &[][..]), |(verb, rest)| (verb.as_str(), rest));
    let found: Value = match verb {
        "facts" => facts::all(rest),
        "files" => files::all(rest),
        "act" => acts::all(rest),
        "exit" => std::process::exit(acts::number(rest.first())),
        "sleep" => return std::thread::sleep(std::time::Duration::from_secs(1000)),
        other => Value::from(format!("unknown verb {other:?}")),
    };
    println!("{found}");
}
