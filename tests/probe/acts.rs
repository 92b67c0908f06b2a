//! Single acts, and the kernel's answers to them.

use std::{
    fs, io, net::TcpListener, os::unix::fs as unix, os::unix::net::UnixDatagram, str::FromStr,
};

use nix::{
    errno::Errno,
    mount::{MntFlags, MsFlags, mount, umount2},
    sched::{CloneFlags, unshare},
    sys::stat::{Mode, SFlag, makedev, mknod},
    unistd::{Gid, Uid, setgid, sethostname, setuid},
};
use serde_json::{Map, Value};

/// Does each line in turn: an object of answers, `ok` or the name of the error.
pub(crate) fn all(lines: &[String]) -> Value {
    let answers: Map<String, Value> = lines
        .iter()
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let answer = match act(&words) {
                Ok(answer) => answer,
                Err(error) => errno(&error),
            };
            (line.clone(), Value::from(answer))
        })
        .collect();
    answers.into()
}

/// `EPERM` and the like.
pub(crate) fn errno(error: &io::Error) -> String {
    error.raw_os_error().map_or_else(
        || error.to_string(),
        |raw| format!("{:?}", Errno::from_raw(raw)),
    )
}

/// A number or 0.
pub(crate) fn number(word: Option<&String>) -> i32 {
    word.and_then(|word| word.parse().ok()).unwrap_or(0)
}

fn act(words: &[&str]) -> io::Result<String> {
    let done = match *words {
        ["mkdir", path] => fs::create_dir(path),
        ["rmdir", path] => fs::remove_dir(path),
        ["create", path] => fs::File::create(path).map(drop),
        ["write", path, text] => fs::write(path, text),
        ["read", path] => return fs::read_to_string(path).map(|text| text.trim().to_owned()),
        ["link", target, path] => unix::symlink(target, path),
        ["chmod", path, mode] => chmod(path, parse_octal(mode)?),
        ["chown", path, owner] => unix::chown(path, Some(parse(owner)?), None),
        ["mknod", path, major, minor] => device(path, parse(major)?, parse(minor)?),
        ["mount", kind, path] => {
            let none = None::<&str>;
            Ok(mount(Some(kind), path, Some(kind), MsFlags::empty(), none)?)
        }
        ["remount-rw", path] => {
            let none = None::<&str>;
            let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND;
            Ok(mount(none, path, none, flags, none)?)
        }
        ["umount", path] => Ok(umount2(path, MntFlags::MNT_DETACH)?),
        ["unshare", kind] => Ok(unshare(namespace(kind)?)?),
        ["sethostname", name] => Ok(sethostname(name)?),
        ["setuid", id] => Ok(setuid(Uid::from_raw(parse(id)?))?),
        ["setgid", id] => Ok(setgid(Gid::from_raw(parse(id)?))?),
        ["socket", "unix"] => UnixDatagram::unbound().map(drop),
        ["socket", "inet"] => TcpListener::bind("127.0.0.1:0").map(drop),
        ["bind", port] => TcpListener::bind(("127.0.0.1", parse(port)?)).map(drop),
        ["execute", program] => return execute(program),
        ["allocate", megabytes] => allocate(parse(megabytes)?),
        ["spawn", count] => return Ok(spawn(parse(count)?)),
        _ => Err(io::Error::other(format!("unknown act {words:?}"))),
    };
    done.map(|()| "ok".to_owned())
}

fn parse<T: FromStr>(word: &str) -> io::Result<T> {
    let parsed = word.parse();
    parsed.map_err(|_| io::Error::other(format!("no number: {word:?}")))
}

fn parse_octal(word: &str) -> io::Result<u32> {
    u32::from_str_radix(word, 8).map_err(io::Error::other)
}

fn chmod(path: &str, mode: u32) -> io::Result<()> {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
    fs::set_permissions(path, mode)
}

fn device(path: &str, major: u64, minor: u64) -> io::Result<()> {
    let mode = Mode::from_bits_truncate(0o600);
    Ok(mknod(path, SFlag::S_IFCHR, mode, makedev(major, minor))?)
}

fn namespace(kind: &str) -> io::Result<CloneFlags> {
    Ok(match kind {
        "user" => CloneFlags::CLONE_NEWUSER,
        "mount" => CloneFlags::CLONE_NEWNS,
        "net" => CloneFlags::CLONE_NEWNET,
        "uts" => CloneFlags::CLONE_NEWUTS,
        _ => return Err(io::Error::other(format!("no namespace {kind:?}"))),
    })
}

/// Its first line of output.
fn execute(program: &str) -> io::Result<String> {
    let output = std::process::Command::new(program).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// Takes memory and touches every page of it.
fn allocate(megabytes: usize) -> io::Result<()> {
    let mut taken: Vec<u8> = Vec::new();
    taken
        .try_reserve_exact(megabytes << 20)
        .map_err(|_| io::Error::from(Errno::ENOMEM))?;
    taken.resize(megabytes << 20, 1);
    std::hint::black_box(&taken);
    Ok(())
}

/// How many of so many children could be had at once.
fn spawn(count: usize) -> String {
    let child = || {
        let mut command = std::process::Command::new("/bin/sleep");
        command.arg("100").spawn()
    };
    let children: Vec<_> = (0..count).map_while(|_| child().ok()).collect();
    let had = children.len();
    for mut child in children {
        let _ = child.kill();
        let _ = child.wait();
    }
    had.to_string()
}
