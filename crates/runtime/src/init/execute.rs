//! The last steps: streams, waiting, execve and its errors.

use std::convert::Infallible;
use std::ffi::{CStr, CString};
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::{AccessFlags, Gid, Uid, access, execve, fchown};
use terrarium_sys::{fdpass, process as attributes};

use crate::channel::{Channel, Report};
use crate::error::{Context, Error, Result};
use crate::plan::ProcessPlan;
use crate::request::Stdio;
use crate::trace::Trace;

/// Puts the standard streams in place; a terminal becomes the controlling one, pipes become the user's.
pub(super) fn place_stdio(
    stdio: &mut Stdio,
    terminal: Option<OwnedFd>,
    process: &ProcessPlan,
) -> Result<()> {
    let place = |fd: &OwnedFd, number| {
        let placed = attributes::place_fd(fd.as_fd(), number);
        placed.doing(|| format!("set up descriptor {number}"))
    };
    match (stdio, terminal) {
        (_, Some(terminal)) => {
            let control = attributes::set_controlling_terminal(terminal.as_fd());
            control.doing(|| "take the terminal")?;
            (0..3).try_for_each(|number| place(&terminal, number))
        }
        (
            Stdio::Fds {
                stdin,
                stdout,
                stderr,
            },
            None,
        ) => {
            for (fd, number) in [(stdin, 0), (stdout, 1), (stderr, 2)] {
                give_pipe(fd, process);
                place(fd, number)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Lets a program that is not root open `/dev/stdout`, which leads through `/proc` to the pipe's inode.
/// Only pipes: a file or a socket of the host keeps its owner. Without a mapping of the user it fails,
/// and the program can still use the descriptors that it has.
fn give_pipe(fd: &OwnedFd, process: &ProcessPlan) {
    let kind = fstat(fd).map(|stat| SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT);
    if kind == Ok(SFlag::S_IFIFO) {
        let _ = fchown(fd, Some(Uid::from_raw(process.uid)), None::<Gid>);
    }
}

/// Waits for the process that will start this one.
pub(super) fn accept(socket: OwnedFd) -> Result<Channel> {
    let connection = fdpass::accept(socket.as_fd()).doing(|| "wait for `start`")?;
    Ok(Channel::from_fd(connection))
}

/// The program to execute, found while no filter forbids to look for it.
#[derive(Debug)]
pub(super) struct Program<'a> {
    command: &'a str,
    args: Vec<CString>,
    env: Vec<CString>,
    /// Files of its name, in the order of `$PATH`.
    candidates: Vec<CString>,
    /// What was searched.
    path: String,
}

impl<'a> Program<'a> {
    /// Looks for the file. That there is none is an error of [`Program::execute`].
    pub(super) fn find(process: &'a ProcessPlan) -> Result<Self> {
        let env = environment(process);
        let command = &process.args[0];
        let path = env.iter().find_map(|entry| entry.strip_prefix("PATH="));
        let path = path.unwrap_or("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        let candidates = if command.contains('/') {
            vec![c_string(command)?]
        } else {
            search(path, command)?
        };
        Ok(Self {
            command,
            args: c_strings(&process.args)?,
            candidates,
            path: path.to_owned(),
            env: c_strings(&env)?,
        })
    }

    /// Executes it. Returns only with an error.
    pub(super) fn execute(&self, channel: &Channel, trace: &mut Trace) -> Result<Infallible> {
        let (steps, notes) = (
            std::mem::take(&mut trace.steps),
            std::mem::take(&mut trace.notes),
        );
        let executing = Report::Executing {
            steps,
            notes,
            at_usec: trace.now(),
            command: self.command.to_owned(),
        };
        channel.report(&executing, None)?;
        let mut refused = None;
        for candidate in &self.candidates {
            match exec(candidate, &self.args, &self.env) {
                // The next one may be permitted.
                Errno::EACCES => refused = refused.or(Some(candidate)),
                errno => return Err(explain(self.command, candidate, errno)),
            }
        }
        match refused {
            Some(candidate) => Err(explain(self.command, candidate, Errno::EACCES)),
            None => Err(Error::CommandNotFound {
                command: self.command.to_owned(),
                reason: format!("executable file not found in $PATH ({})", self.path),
            }),
        }
    }
}

/// The files that a name may mean. Asking is cheaper than a vain execve, which prepares a whole process.
fn search(path: &str, command: &str) -> Result<Vec<CString>> {
    let mut found = Vec::new();
    for directory in path.split(':') {
        let directory = if directory.is_empty() { "." } else { directory };
        let candidate = c_string(&format!("{directory}/{command}"))?;
        match access(candidate.as_c_str(), AccessFlags::F_OK) {
            Err(Errno::ENOENT | Errno::ENOTDIR) if !exists(&candidate) => {}
            // Also what cannot be looked at: execve says why.
            _ => found.push(candidate),
        }
    }
    Ok(found)
}

fn exec(path: &CStr, args: &[CString], env: &[CString]) -> Errno {
    match execve(path, args, env) {
        Ok(never) => match never {},
        Err(errno) => errno,
    }
}

fn exists(path: &CStr) -> bool {
    path.to_str()
        .is_ok_and(|path| fs::symlink_metadata(path).is_ok())
}

/// The kernel has one number for many causes; looks which one it was.
fn explain(command: &str, path: &CStr, errno: Errno) -> Error {
    let shown = path.to_string_lossy();
    let metadata = fs::metadata(shown.as_ref());
    let command = command.to_owned();
    let not_executable = |reason: String| Error::NotExecutable {
        command: command.clone(),
        reason,
    };
    match errno {
        Errno::ENOENT if exists(path) => not_executable(format!(
            "`{shown}` exists, but its interpreter or dynamic linker does not"
        )),
        Errno::ENOENT | Errno::ENOTDIR => {
            let reason = format!("`{shown}`: no such file or directory in the container");
            Error::CommandNotFound { command, reason }
        }
        _ if metadata.is_ok_and(|metadata| metadata.is_dir()) => {
            not_executable(format!("`{shown}` is a directory"))
        }
        Errno::EACCES => not_executable(format!("`{shown}`: permission denied")),
        Errno::ENOEXEC => not_executable(format!(
            "`{shown}` is no program of this machine (exec format error)"
        )),
        other => not_executable(format!("`{shown}`: {}", other.desc())),
    }
}

/// The environment with `HOME` from the container's `/etc/passwd` if it has none.
fn environment(process: &ProcessPlan) -> Vec<String> {
    let mut env = process.env.clone();
    if !env.iter().any(|entry| entry.starts_with("HOME=")) {
        let passwd = fs::read_to_string(Path::new("/etc/passwd")).unwrap_or_default();
        let home = home_of(&passwd, process.uid).unwrap_or("/");
        env.push(format!("HOME={home}"));
    }
    env
}

fn home_of(passwd: &str, uid: u32) -> Option<&str> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':').skip(2);
        let found = fields.next()?.parse::<u32>().ok()? == uid;
        fields.nth(2).filter(|home| found && home.starts_with('/'))
    })
}

fn c_string(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error::InvalidSpec("an argument contains NUL".to_owned()))
}

fn c_strings(texts: &[String]) -> Result<Vec<CString>> {
    texts.iter().map(|text| c_string(text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn home_comes_from_the_line_of_the_user() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:33::/var/www:/bin/false\nbad:x:7\n";
        assert_eq!(home_of(passwd, 0), Some("/root"));
        assert_eq!(home_of(passwd, 33), Some("/var/www"));
        assert_eq!(home_of(passwd, 7), None);
        assert_eq!(home_of(passwd, 1000), None);
    }
}
