//! `GET /containers/{name}/top`.

use axum::{
    Json,
    extract::{Path, State},
};
use serde_json::{Value, json};
use terrarium_api::{ErrorCode, Process};

use crate::{
    error::{Failure, Result},
    request::Params,
    server::App,
    time,
};

/// A column of ps(1) and its heading.
type Column = (&'static str, fn(&Process) -> String);

pub(super) async fn top(
    State(app): State<App>,
    Path(name): Path<String>,
    params: Params,
) -> Result<Json<Value>> {
    let columns = columns(params.text("ps_args").unwrap_or("-ef"))?;
    let list = app
        .engine
        .container_processes(&name)
        .await
        .map_err(|error| match error.code {
            ErrorCode::WrongState => Failure::conflict(format!("container {name} is not running")),
            _ => error.into(),
        })?;
    let titles: Vec<&str> = columns.iter().map(|(title, _)| *title).collect();
    let rows: Vec<Vec<String>> = list
        .processes
        .iter()
        .map(|process| columns.iter().map(|(_, show)| show(process)).collect())
        .collect();
    Ok(Json(json!({ "Titles": titles, "Processes": rows })))
}

/// The columns of the forms of ps(1) that people use: `-ef`, `aux`, and `-o list`.
fn columns(arguments: &str) -> Result<Vec<Column>> {
    let words: Vec<&str> = arguments.split_whitespace().collect();
    match words.as_slice() {
        [] | ["-ef" | "-f" | "ef" | "-e" | "-A"] => named("uid,pid,ppid,c,stime,tty,time,cmd"),
        ["aux" | "-aux"] => named("user,pid,%cpu,rss,tty,start,time,command"),
        ["-o" | "-eo", list] | ["-e", "-o", list] => named(list),
        [list] if list.starts_with("-o") => named(&list[2..]),
        _ => Err(Failure::bad_request(format!(
            "ps arguments {:?} are not supported; use -ef, aux, or -o with a list of columns",
            arguments.chars().take(80).collect::<String>()
        ))),
    }
}

fn named(list: &str) -> Result<Vec<Column>> {
    list.split(',').map(column).collect()
}

fn column(name: &str) -> Result<Column> {
    Ok(match name {
        "pid" => ("PID", |process| process.pid.to_string()),
        "ppid" => ("PPID", |process| process.parent_pid.to_string()),
        "uid" => ("UID", |process| user(process.uid)),
        "user" => ("USER", |process| user(process.uid)),
        // Its share of the CPU is not kept; ps prints 0 for a process that is mostly idle.
        "c" => ("C", |_| "0".into()),
        "%cpu" | "pcpu" => ("%CPU", |_| "0.0".into()),
        "rss" => ("RSS", |process| (process.resident_bytes / 1024).to_string()),
        "stime" | "start" => ("STIME", |process| clock(process.started_at_ms)),
        "tty" | "tt" => ("TTY", |process| process.tty.clone()),
        "time" => ("TIME", |process| spent(process.cpu_usec)),
        "cmd" => ("CMD", |process| process.command.clone()),
        "args" | "command" => ("COMMAND", |process| process.command.clone()),
        "comm" => ("COMMAND", |process| program(&process.command)),
        other => {
            let shown: String = other.chars().take(40).collect();
            return Err(Failure::bad_request(format!("unknown ps column {shown:?}")));
        }
    })
}

fn user(uid: u32) -> String {
    if uid == 0 {
        "root".into()
    } else {
        uid.to_string()
    }
}

fn program(command: &str) -> String {
    let first = command.split_whitespace().next().unwrap_or_default();
    first.rsplit('/').next().unwrap_or_default().to_owned()
}

/// `HH:MM`, in UTC.
fn clock(ms: u64) -> String {
    time::from_ms(ms).get(11..16).unwrap_or_default().to_owned()
}

/// `HH:MM:SS`.
fn spent(usec: u64) -> String {
    let seconds = usec / 1_000_000;
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(arguments: &str) -> Result<Vec<&'static str>> {
        Ok(columns(arguments)?
            .into_iter()
            .map(|(title, _)| title)
            .collect())
    }

    #[test]
    fn columns_follow_the_arguments() {
        let usual = ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"];
        assert_eq!(titles("-ef").expect("it is known"), usual);
        assert_eq!(
            titles("-o pid,comm").expect("it is known"),
            ["PID", "COMMAND"]
        );
        assert_eq!(titles("-opid").expect("it is known"), ["PID"]);
        assert!(titles("aux").is_ok());
        assert!(titles("-o secret").is_err());
        assert!(titles("; rm -rf /").is_err());
    }

    #[test]
    fn times_look_like_ps_prints_them() {
        assert_eq!(spent(3_725_000_000), "01:02:05");
        assert_eq!(clock(1_700_000_000_000), "22:13");
        assert_eq!(program("/bin/sh -c x"), "sh");
    }
}
