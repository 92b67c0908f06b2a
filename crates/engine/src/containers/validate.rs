//! What a request may hold; said before anything is done.

use std::path::{Component, Path};

use terrarium_api::{CreateContainer, Error, ErrorCode, Limits, Mount, MountKind, RestartPolicy};

use super::{health, network, record::Record, signal, spec};
use crate::{Result, error::quoted};

/// Docker's least memory: a process needs some pages to begin.
const LEAST_MEMORY_BYTES: u64 = 6 << 20;

/// Checks a request that stands alone.
///
/// # Errors
/// `InvalidArgument` with what is wrong.
pub(super) fn request(request: &CreateContainer) -> Result<()> {
    texts(request)?;
    limits(&request.limits)?;
    spec::check(request)?;
    request.mounts.iter().try_for_each(mount)?;
    network::ports(&request.ports)?;
    request
        .health_check
        .as_ref()
        .map_or(Ok(()), health::validate)?;
    if let Some(signal) = request
        .stop_signal
        .as_deref()
        .filter(|text| !text.is_empty())
    {
        signal::parse(signal)?;
    }
    if request.auto_remove && request.restart != RestartPolicy::No {
        return Err(invalid(
            "a container that is removed when it ends cannot be restarted",
        ));
    }
    if request.privileged && request.read_only {
        // Allowed, and meant: the root is read-only, the rest of the machine is not.
        tracing::debug!("a privileged container with a read-only root");
    }
    Ok(())
}

/// Checks that something would run.
pub(super) fn command(record: &Record) -> Result<()> {
    match record.command_line().first() {
        Some(program) if !program.is_empty() => Ok(()),
        _ => Err(invalid("no command specified").hint("the image names none: say what shall run")),
    }
}

/// Checks limits against each other and against sense.
pub(super) fn limits(limits: &Limits) -> Result<()> {
    let memory = limits.memory_bytes;
    if memory.is_some_and(|bytes| bytes < LEAST_MEMORY_BYTES) {
        return Err(invalid("minimum memory limit allowed is 6MB"));
    }
    if let (Some(total), Some(memory)) = (limits.memory_swap_bytes, memory)
        && u64::try_from(total).is_ok_and(|total| total < memory)
    {
        return Err(invalid(
            "minimum memoryswap limit should be larger than memory limit",
        ));
    }
    if limits.memory_swap_bytes.is_some_and(|total| total > 0) && memory.is_none() {
        return Err(invalid(
            "you should always set the memory limit when using memoryswap limit",
        ));
    }
    if let (Some(soft), Some(memory)) = (limits.memory_reservation_bytes, memory)
        && soft > memory
    {
        let text = "minimum memory limit can not be less than memory reservation limit";
        return Err(invalid(text));
    }
    if limits.nano_cpus.is_some() && limits.cpu_quota_usec.is_some() {
        return Err(invalid(
            "conflicting options: CPUs and CPU quota cannot both be set",
        ));
    }
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get()) as u64;
    if let Some(nano_cpus) = limits.nano_cpus
        && nano_cpus > cores * 1_000_000_000
    {
        let text =
            format!("range of CPUs is from 0.01 to {cores}.00, as there are only {cores} CPUs");
        return Err(invalid(&text));
    }
    if limits
        .blkio_weight
        .is_some_and(|weight| !(10..=1_000).contains(&weight))
    {
        return Err(invalid("range of blkio weight is from 10 to 1000"));
    }
    Ok(())
}

fn texts(request: &CreateContainer) -> Result<()> {
    let words = request.command.iter().chain(&request.entrypoint).flatten();
    if words.chain(&request.env).any(|text| text.contains('\0')) {
        return Err(invalid(
            "a command or environment entry contains a NUL byte",
        ));
    }
    if let Some(bad) = request.env.iter().find(|entry| entry.starts_with('=')) {
        let text = format!("invalid environment variable: {}", quoted(bad));
        return Err(invalid(&text));
    }
    let dir = request.working_dir.as_deref().filter(|dir| !dir.is_empty());
    if let Some(dir) = dir.filter(|dir| !dir.starts_with('/')) {
        let text = format!(
            "the working directory {} is invalid, it needs to be an absolute path",
            quoted(dir)
        );
        return Err(invalid(&text));
    }
    let names = request.hostname.iter().chain(&request.domainname);
    for name in names {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        if name.len() > 63 || !name.chars().all(fits) {
            return Err(invalid(&format!("invalid hostname: {}", quoted(name))));
        }
    }
    if let Some(bad) = request
        .dns
        .iter()
        .find(|text| text.parse::<std::net::IpAddr>().is_err())
    {
        return Err(invalid(&format!(
            "invalid DNS server address: {}",
            quoted(bad)
        )));
    }
    Ok(())
}

fn mount(mount: &Mount) -> Result<()> {
    let target = Path::new(&mount.target);
    let shown = quoted(&mount.target);
    if !target.is_absolute() {
        let text = format!("invalid mount path: {shown} mount path must be absolute");
        return Err(invalid(&text));
    }
    if target
        .components()
        .any(|component| component == Component::ParentDir)
    {
        return Err(invalid(&format!("invalid mount path: {shown} contains ..")));
    }
    if target.parent().is_none() {
        return Err(invalid("invalid mount path: destination can't be '/'"));
    }
    let source = &mount.source;
    if mount.kind == MountKind::Bind && !source.starts_with('/') {
        let text = format!("invalid mount source {}: must be absolute", quoted(source));
        return Err(invalid(&text));
    }
    let known = [
        "private", "rprivate", "shared", "rshared", "slave", "rslave",
    ];
    match mount.propagation.as_deref() {
        Some(word) if !known.contains(&word) => Err(invalid(&format!(
            "invalid propagation mode: {}",
            quoted(word)
        ))),
        _ => Ok(()),
    }
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorCode::InvalidArgument, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut CreateContainer), valid: bool) {
        let mut asked = CreateContainer::default();
        change(&mut asked);
        assert_eq!(request(&asked).is_ok(), valid, "{asked:?}");
    }

    #[test]
    fn a_request_is_refused_before_anything_is_done() {
        check(|_| {}, true);
        check(|asked| asked.limits.memory_bytes = Some(1 << 20), false);
        check(
            |asked| asked.limits.memory_swap_bytes = Some(1 << 30),
            false,
        );
        check(|asked| asked.working_dir = Some("srv".into()), false);
        check(|asked| asked.env = vec!["=x".into()], false);
        check(|asked| asked.command = Some(vec!["a\0b".into()]), false);
        check(|asked| asked.hostname = Some("a b".into()), false);
        check(|asked| asked.dns = vec!["localhost".into()], false);
        check(|asked| asked.cap_add = vec!["FLY".into()], false);
        check(|asked| asked.devices = vec!["fuse".into()], false);
        check(|asked| asked.security_options = vec!["magic".into()], false);
        check(|asked| asked.stop_signal = Some("SIGNONE".into()), false);
        check(
            |asked| {
                asked.auto_remove = true;
                asked.restart = RestartPolicy::Always;
            },
            false,
        );
    }

    #[test]
    fn a_mount_goes_to_a_clean_absolute_path_below_the_root() {
        let bind = |target: &str, source: &str| Mount::new(MountKind::Bind, source, target);
        assert!(mount(&bind("/data", "/srv")).is_ok());
        for (target, source) in [
            ("data", "/srv"),
            ("/", "/srv"),
            ("/a/../b", "/"),
            ("/a", "b"),
        ] {
            assert!(mount(&bind(target, source)).is_err(), "{source}:{target}");
        }
    }
}
