//! Options and arguments, with runc's names.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, FromArgMatches, Parser, Subcommand, ValueEnum};

#[derive(Debug, Parser)]
#[command(name = "terrarium-runtime", version = VERSION, about = "Runs OCI containers")]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Parses a command line.
///
/// # Errors
/// What clap says, with a hint; also for `--help` and `--version`.
pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let named = |name: &str| arguments.iter().skip(1).any(|argument| argument == name);
    // To describe all commands takes longer than to run a container's; these are called in a hurry.
    let parsed = if named("run") {
        parse_one("run", Command::Run, &arguments)
    } else if named("create") {
        parse_one("create", Command::Create, &arguments)
    } else if named("exec") {
        parse_one("exec", Command::Exec, &arguments)
    } else {
        None
    };
    // Whatever is odd there is told by the whole description.
    parsed.map_or_else(|| Cli::try_parse_from(&arguments), Ok)
}

fn parse_one<A: Args>(
    name: &'static str,
    command: fn(A) -> Command,
    arguments: &[OsString],
) -> Option<Cli> {
    let one = clap::Command::new("terrarium-runtime").subcommand_required(true);
    let one = Global::augment_args(one).subcommand(A::augment_args(clap::Command::new(name)));
    let matches = one.try_get_matches_from(arguments).ok()?;
    let (_, given) = matches.subcommand()?;
    Some(Cli {
        global: Global::from_arg_matches(&matches).ok()?,
        command: command(A::from_arg_matches(given).ok()?),
    })
}

/// Options of every command.
#[derive(Debug, Args)]
pub(super) struct Global {
    /// Directory of the state of all containers
    #[arg(long, global = true)]
    pub(super) root: Option<PathBuf>,
    /// File that gets a line for every error
    #[arg(long, global = true)]
    pub(super) log: Option<PathBuf>,
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub(super) log_format: LogFormat,
    /// Let systemd make the cgroup, as a scope; `cgroupsPath` is `slice:prefix:name`
    #[arg(long, global = true)]
    pub(super) systemd_cgroup: bool,
    /// Accepted for compatibility; there is no more to say
    #[arg(long, global = true)]
    pub(super) debug: bool,
    /// Accepted for compatibility: who calls is asked of the kernel
    #[arg(id = "rootless-mode", long = "rootless", hide = true)]
    pub(super) rootless: Option<String>,
}

const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\nspec: 1.3.0");

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Table,
    Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Set a container up; `start` executes its program
    Create(CreateArgs),
    /// Create, start, and wait unless detached
    Run(RunArgs),
    /// Execute the program of a created container
    Start { id: String },
    /// Print the state as JSON
    State { id: String },
    /// Send a signal to init
    Kill(KillArgs),
    /// Remove what a stopped container left
    Delete {
        /// Kill it first if it runs; no error if it does not exist
        #[arg(short, long)]
        force: bool,
        id: String,
    },
    /// Run another process in a running container
    Exec(ExecArgs),
    /// Freeze all processes
    Pause { id: String },
    /// Thaw them
    Resume { id: String },
    /// List the containers under the root
    List {
        #[arg(short, long, value_enum, default_value_t = Format::Table)]
        format: Format,
        /// Only the IDs
        #[arg(short, long)]
        quiet: bool,
    },
    /// Show the processes of a container
    Ps {
        #[arg(short, long, value_enum, default_value_t = Format::Table)]
        format: Format,
        id: String,
        /// Options for ps(1)
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Change resource limits
    Update(UpdateArgs),
    /// Write a `config.json` to start from
    Spec {
        #[arg(short, long, default_value = ".")]
        bundle: PathBuf,
        /// For a caller that is not root
        #[arg(long)]
        rootless: bool,
    },
    /// Print what this runtime can do, as JSON
    Features,
    /// Print what a container uses, again and again, and kills for want of memory
    Events(EventsArgs),
    /// Refused: there is no way to freeze a container to disk
    Checkpoint(Unsupported),
    /// Refused, as `checkpoint`
    Restore(Unsupported),
}

/// Whatever is given to a command that is refused.
#[derive(Debug, Args)]
pub(super) struct Unsupported {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    pub(super) rest: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct EventsArgs {
    /// Time between two prints of statistics, e.g. 5s
    #[arg(long, default_value = "5s", value_parser = interval)]
    pub(super) interval: Duration,
    /// Print statistics once
    #[arg(long)]
    pub(super) stats: bool,
    pub(super) id: String,
}

/// `5s`, `500ms`, `1m`; a bare number is seconds.
fn interval(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u32 = digits
        .parse()
        .map_err(|_| "no number of seconds".to_owned())?;
    let unit = match &text[digits.len()..] {
        "ms" => Duration::from_millis(1),
        "" | "s" => Duration::from_secs(1),
        "m" => Duration::from_secs(60),
        "h" => Duration::from_secs(3600),
        other => return Err(format!("{other:?} is no unit of time")),
    };
    match unit * number {
        Duration::ZERO => Err("must be longer than nothing".to_owned()),
        interval => Ok(interval),
    }
}

/// Bytes, also as `64m` or `1GiB`; -1 is no limit.
fn bytes(text: &str) -> Result<i64, String> {
    let lower = text.to_ascii_lowercase();
    let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: i64 = digits
        .parse()
        .map_err(|_| "no number of bytes".to_owned())?;
    let shift = match &lower[digits.len()..] {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        other => return Err(format!("{other:?} is no unit of bytes")),
    };
    let scaled = number.checked_mul(1 << shift);
    scaled.ok_or_else(|| "too many bytes".to_owned())
}

#[derive(Debug, Args)]
pub(super) struct CreateArgs {
    /// Directory of `config.json`
    #[arg(short, long, default_value = ".")]
    pub(super) bundle: PathBuf,
    /// Unix socket that gets the master of the terminal
    #[arg(long)]
    pub(super) console_socket: Option<PathBuf>,
    /// File for the pid of init
    #[arg(long)]
    pub(super) pid_file: Option<PathBuf>,
    /// Number of descriptors from 3 on that the process keeps
    #[arg(long, default_value_t = 0)]
    pub(super) preserve_fds: u32,
    /// Accepted: the root is always changed with pivot_root
    #[arg(long)]
    pub(super) no_pivot: bool,
    /// Accepted: the container always gets a session keyring of its own
    #[arg(long)]
    pub(super) no_new_keyring: bool,
    pub(super) id: String,
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Do not wait for the end
    #[arg(short, long)]
    pub(super) detach: bool,
    /// Accepted: in the foreground this process is the parent of all anyway
    #[arg(long)]
    pub(super) no_subreaper: bool,
    /// Leave the state in place when the process has ended
    #[arg(long)]
    pub(super) keep: bool,
    #[command(flatten)]
    pub(super) create: CreateArgs,
}

#[derive(Debug, Args)]
pub(super) struct KillArgs {
    /// To every process of the container
    #[arg(short, long)]
    pub(super) all: bool,
    pub(super) id: String,
    #[arg(default_value = "SIGTERM")]
    pub(super) signal: String,
}

#[derive(Debug, Args)]
pub(super) struct ExecArgs {
    /// File with an OCI process
    #[arg(short, long)]
    pub(super) process: Option<PathBuf>,
    /// Give it a terminal
    #[arg(short, long)]
    pub(super) tty: bool,
    /// Do not wait for the end
    #[arg(short, long)]
    pub(super) detach: bool,
    /// `NAME=VALUE`, more than once
    #[arg(short, long)]
    pub(super) env: Vec<String>,
    /// `UID[:GID]`
    #[arg(short, long)]
    pub(super) user: Option<String>,
    /// More groups
    #[arg(short = 'g', long)]
    pub(super) additional_gids: Vec<u32>,
    #[arg(long)]
    pub(super) cwd: Option<PathBuf>,
    /// More capabilities, e.g. CAP_NET_ADMIN
    #[arg(short = 'c', long)]
    pub(super) cap: Vec<String>,
    #[arg(long)]
    pub(super) no_new_privs: bool,
    /// AppArmor profile
    #[arg(long)]
    pub(super) apparmor: Option<String>,
    /// SELinux label
    #[arg(long)]
    pub(super) process_label: Option<String>,
    /// In a paused container too: the process runs when it is resumed
    #[arg(long)]
    pub(super) ignore_paused: bool,
    #[arg(long)]
    pub(super) pid_file: Option<PathBuf>,
    #[arg(long)]
    pub(super) console_socket: Option<PathBuf>,
    #[arg(long, default_value_t = 0)]
    pub(super) preserve_fds: u32,
    pub(super) id: String,
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) command: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct UpdateArgs {
    /// File with OCI resources, `-` for standard input
    #[arg(short, long)]
    pub(super) resources: Option<PathBuf>,
    /// Memory limit in bytes, or with a unit as 64m
    #[arg(short, long, allow_hyphen_values = true, value_parser = bytes)]
    pub(super) memory: Option<i64>,
    /// Memory and swap together
    #[arg(long, allow_hyphen_values = true, value_parser = bytes)]
    pub(super) memory_swap: Option<i64>,
    /// Soft memory limit
    #[arg(long, allow_hyphen_values = true, value_parser = bytes)]
    pub(super) memory_reservation: Option<i64>,
    /// Accepted and ignored, as the kernel's own limit is gone
    #[arg(long, allow_hyphen_values = true, value_parser = bytes, hide = true)]
    pub(super) kernel_memory: Option<i64>,
    /// Memory of TCP buffers (v1)
    #[arg(long, allow_hyphen_values = true, value_parser = bytes)]
    pub(super) kernel_memory_tcp: Option<i64>,
    #[arg(long)]
    pub(super) cpu_burst: Option<u64>,
    #[arg(long)]
    pub(super) cpu_idle: Option<i64>,
    #[arg(long)]
    pub(super) cpu_rt_period: Option<u64>,
    #[arg(long, allow_hyphen_values = true)]
    pub(super) cpu_rt_runtime: Option<i64>,
    #[arg(long = "cpu-share")]
    pub(super) cpu_shares: Option<u64>,
    #[arg(long, allow_hyphen_values = true)]
    pub(super) cpu_quota: Option<i64>,
    #[arg(long)]
    pub(super) cpu_period: Option<u64>,
    #[arg(long)]
    pub(super) cpuset_cpus: Option<String>,
    #[arg(long)]
    pub(super) cpuset_mems: Option<String>,
    #[arg(long, allow_hyphen_values = true)]
    pub(super) pids_limit: Option<i64>,
    #[arg(long)]
    pub(super) blkio_weight: Option<u16>,
    pub(super) id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str) {
        let arguments = || {
            std::iter::once("runtime")
                .chain(line.split(' '))
                .map(OsString::from)
        };
        let text = |parsed: Result<Cli, clap::Error>| match parsed {
            Ok(cli) => format!("{cli:?}"),
            Err(error) => error.to_string(),
        };
        let whole = text(Cli::try_parse_from(arguments()));
        assert_eq!(text(parse(arguments())), whole, "{line}");
    }

    #[test]
    fn a_command_in_a_hurry_is_parsed_as_any_other() {
        for line in [
            "run --bundle /b c1",
            "--root /r --log /l --log-format json run -d --keep c1",
            "create --root /r --console-socket /s --pid-file /p c1",
            "exec -t -u 1:2 -e A=b --cap CAP_KILL c1 run create -x",
            "exec run create",
            "--root run create c1",
            "kill exec",
            "run",
            "run --nosuch c1",
            "create --help",
            "--version",
        ] {
            check(line);
        }
    }

    #[test]
    fn amounts_have_units() {
        for (text, expect) in [
            ("64m", Some(64 << 20)),
            ("-1", Some(-1)),
            ("1GiB", Some(1 << 30)),
        ] {
            assert_eq!(bytes(text).ok(), expect, "{text}");
        }
        assert!(bytes("1x").is_err() && bytes("").is_err() && bytes("9999999999t").is_err());
        assert_eq!(interval("500ms"), Ok(Duration::from_millis(500)));
        assert!(interval("0").is_err() && interval("5y").is_err());
    }
}
