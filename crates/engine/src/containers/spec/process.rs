use terrarium_api::{CreateContainer, Error, ErrorCode, ExecRequest, Ulimit};
use terrarium_oci::runtime::{
    Box as Size, BoxBuilder, LinuxCapabilities, PosixRlimit, PosixRlimitBuilder, PosixRlimitType,
    Process, User,
};

use super::{Facts, capabilities};
use crate::{
    Result,
    containers::{record::Record, user::Account},
    error::quoted,
};

const DEFAULT_PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The container's main process.
pub(super) fn init(record: &Record, facts: &Facts<'_>) -> Result<Process> {
    let request = &record.request;
    let args = record.command_line();
    if args.first().is_none_or(String::is_empty) {
        return Err(
            Error::new(ErrorCode::InvalidArgument, "no command specified")
                .hint("the image names none: say what shall run"),
        );
    }
    let wanted_dir = request.working_dir.as_deref().filter(|dir| !dir.is_empty());
    let working_dir = wanted_dir.unwrap_or(&record.image.config.working_dir);
    let mut process = Process::default();
    process.set_args(Some(args));
    process.set_env(Some(at_home(environment(record), &facts.account.home)));
    process.set_cwd(directory(working_dir).into());
    process.set_user(user(facts.account));
    process.set_terminal(Some(request.terminal));
    process.set_console_size(size(request.console_size));
    let allowed = capabilities::allowed(request)?;
    process.set_capabilities(Some(capabilities::of_user(facts.account.uid, allowed)));
    process.set_no_new_privileges(Some(no_new_privileges(request)));
    process.set_rlimits(Some(rlimits(&request.ulimits)?));
    process.set_oom_score_adj(request.oom_score_adj);
    Ok(process)
}

/// One more process in a container whose init runs as `init` says.
///
/// # Errors
/// `InvalidArgument` without a command.
pub(crate) fn exec(
    record: &Record,
    request: &ExecRequest,
    account: &Account,
    console_size: Option<(u16, u16)>,
) -> Result<Process> {
    if request.command.first().is_none_or(String::is_empty) {
        return Err(Error::new(
            ErrorCode::InvalidArgument,
            "no exec command specified",
        ));
    }
    let own = &record.request;
    let mut env = at_home(environment(record), &account.home);
    if request.terminal {
        set(&mut env, "TERM=xterm");
    }
    request.env.iter().for_each(|entry| set(&mut env, entry));
    let working_dir = request.working_dir.as_deref().filter(|dir| !dir.is_empty());
    let working_dir = working_dir
        .or(own.working_dir.as_deref())
        .filter(|dir| !dir.is_empty())
        .unwrap_or(&record.image.config.working_dir);
    let allowed = if request.privileged {
        capabilities::all()
    } else {
        capabilities::allowed(own)?
    };
    let mut process = Process::default();
    process.set_args(Some(request.command.clone()));
    process.set_env(Some(env));
    process.set_cwd(directory(working_dir).into());
    process.set_user(user(account));
    process.set_terminal(Some(request.terminal));
    process.set_console_size(size(console_size));
    let sets: LinuxCapabilities = capabilities::of_user(account.uid, allowed);
    process.set_capabilities(Some(sets));
    process.set_no_new_privileges(Some(no_new_privileges(own)));
    process.set_rlimits(Some(rlimits(&own.ulimits)?));
    process.set_oom_score_adj(own.oom_score_adj);
    Ok(process)
}

/// Docker's defaults, the image's entries over them, the request's over those; without `HOME`, which
/// only the account tells.
pub(crate) fn environment(record: &Record) -> Vec<String> {
    let mut env = vec![
        DEFAULT_PATH.to_owned(),
        format!("HOSTNAME={}", record.hostname()),
    ];
    if record.request.terminal {
        env.push("TERM=xterm".to_owned());
    }
    let asked = record.image.config.env.iter().chain(&record.request.env);
    asked.for_each(|entry| set(&mut env, entry));
    env
}

fn at_home(mut env: Vec<String>, home: &str) -> Vec<String> {
    if !env.iter().any(|entry| entry.starts_with("HOME=")) {
        env.push(format!("HOME={home}"));
    }
    env
}

/// Sets `NAME=value`; a name alone takes the variable away, as in Docker's API.
fn set(env: &mut Vec<String>, entry: &str) {
    let (name, value) = match entry.split_once('=') {
        Some((name, _)) => (name, Some(entry)),
        None => (entry, None),
    };
    let place = env
        .iter()
        .position(|known| known.split('=').next() == Some(name));
    match (place, value) {
        (Some(at), Some(entry)) => entry.clone_into(&mut env[at]),
        (Some(at), None) => drop(env.remove(at)),
        (None, Some(entry)) => env.push(entry.to_owned()),
        (None, None) => {}
    }
}

fn directory(path: &str) -> &str {
    if path.is_empty() { "/" } else { path }
}

fn user(account: &Account) -> User {
    let mut user = User::default();
    user.set_uid(account.uid);
    user.set_gid(account.gid);
    user.set_additional_gids(Some(account.groups.clone()).filter(|groups| !groups.is_empty()));
    user
}

fn size(rows_and_columns: Option<(u16, u16)>) -> Option<Size> {
    let (rows, columns) = rows_and_columns?;
    let size = BoxBuilder::default().height(rows).width(columns);
    Some(size.build().expect("both fields have values"))
}

pub(super) fn no_new_privileges(request: &CreateContainer) -> bool {
    request.security_options.iter().any(|option| {
        let value = option.strip_prefix("no-new-privileges");
        value.is_some_and(|value| matches!(value, "" | ":true" | "=true"))
    })
}

/// Limits by the names of `docker run --ulimit`.
pub(super) fn rlimits(ulimits: &[Ulimit]) -> Result<Vec<PosixRlimit>> {
    ulimits.iter().map(rlimit).collect()
}

fn rlimit(ulimit: &Ulimit) -> Result<PosixRlimit> {
    let name = format!("RLIMIT_{}", ulimit.name.to_ascii_uppercase());
    let kind: PosixRlimitType = name.parse().map_err(|_| {
        Error::new(
            ErrorCode::InvalidArgument,
            format!("unknown ulimit {}", quoted(&ulimit.name)),
        )
        .hint("use a name of setrlimit(2) in lower case, such as nofile")
    })?;
    let limits = PosixRlimitBuilder::default()
        .typ(kind)
        .soft(unlimited_if_negative(ulimit.soft))
        .hard(unlimited_if_negative(ulimit.hard));
    Ok(limits.build().expect("every field has a value"))
}

fn unlimited_if_negative(value: i64) -> u64 {
    // RLIM_INFINITY.
    u64::try_from(value).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_replaces_in_place_and_a_name_alone_removes() {
        let mut env = vec!["A=1".to_owned(), "B=2".to_owned()];
        for entry in ["A=3", "C=4=5", "B", "D"] {
            set(&mut env, entry);
        }
        assert_eq!(env, ["A=3", "C=4=5"]);
    }

    #[test]
    fn an_unknown_ulimit_is_refused_and_minus_one_is_unlimited() {
        let ulimit = |name: &str| Ulimit {
            name: name.into(),
            soft: 5,
            hard: -1,
        };
        assert!(rlimits(&[ulimit("wings")]).is_err());
        let limits = rlimits(&[ulimit("nofile")]).unwrap();
        assert_eq!((limits[0].soft(), limits[0].hard()), (5, u64::MAX));
    }
}
