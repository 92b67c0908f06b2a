//! Identity, limits and privileges of the process, in the order in which each is still permitted.

use std::ffi::CString;
use std::os::fd::AsFd;
use std::path::Path;

use nix::fcntl::{OFlag, open};
use nix::sys::prctl;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Uid, fchdir, getcwd, setgroups, setresgid, setresuid};
use terrarium_sys::caps::{self, CAP_SYS_ADMIN, CapSet};
use terrarium_sys::openat2::{IN_ROOT, NO_MAGICLINKS, openat2};
use terrarium_sys::{keyring, process as attributes, scheduling, seccomp};

use super::ProcFs;
use super::rootfs::path_cstring;
use crate::channel::Channel;
use crate::error::{Context, Error, Result};
use crate::hooks::HookState;
use crate::labels::has_apparmor;
use crate::listener;
use crate::plan::{Capabilities, ProcessPlan, capability_names};
use crate::trace::Trace;

const CAP_SETPCAP: u8 = 8;

/// Sets the score through `/proc` of the host.
pub(crate) fn set_oom_score(process: &ProcessPlan, trace: &mut Trace) -> Result<()> {
    let Some(score) = process.oom_score_adj else {
        return Ok(());
    };
    match ProcFs::open()?.write("self/oom_score_adj", score.to_string().as_bytes()) {
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::PermissionDenied => {
            let text = format!("{score} not set: lowering it needs CAP_SYS_RESOURCE");
            trace.note("oom_score_adj", text);
            Ok(())
        }
        other => other,
    }
}

/// Leaves the caller's session keyring: its keys (of a login, of an encrypted disk) are the host's.
pub(crate) fn leave_keyring(trace: &mut Trace) {
    if let Err(error) = keyring::start_new_session() {
        trace.note(
            "keyring",
            format!("the caller's session keyring stays: {error}"),
        );
    }
}

impl ProcessPlan {
    /// Limits, working directory, labels, user. Keeps what loading a filter later needs.
    pub(super) fn limit_and_identify(&self, trace: &mut Trace) -> Result<()> {
        let start = trace.now();
        self.set_labels()?;
        self.set_rlimits(trace)?;
        self.set_scheduling()?;
        // As root: a user may be unable to pass through a parent directory that is not its own.
        enter_cwd(&self.cwd)?;
        let host = caps::bounding().doing(|| "read the bounding set")?;
        let wanted = self.capabilities.within(host, trace);
        // While CAP_SETPCAP is still there.
        for cap in host.difference(wanted.bounding).numbers() {
            let dropped = caps::drop_bounding(cap);
            dropped.doing(|| format!("drop capability {cap} from the bounding set"))?;
        }
        self.change_user(trace)?;
        raise_to(&wanted, self.seccomp.is_some() && !self.no_new_privileges)?;
        umask(Mode::from_bits_truncate(self.umask));
        attributes::reset_signals().doing(|| "reset signals")?;
        trace.end(
            "credentials",
            start,
            format!("uid {} gid {}", self.uid, self.gid),
        );
        Ok(())
    }

    /// The last step before execve: the filter, and capabilities that only served to load it.
    ///
    /// `state` and `status` are for the agent that answers for a filter's notifications.
    pub(super) fn confine(
        &self,
        channel: &Channel,
        (state, status): (&HookState<'_>, &str),
        trace: &mut Trace,
    ) -> Result<()> {
        if self.no_new_privileges {
            prctl::set_no_new_privs().doing(|| "set no_new_privs")?;
        }
        if let Some(filter) = &self.seccomp {
            let start = trace.now();
            let op = || "load the seccomp filter";
            match &filter.listener {
                None => seccomp::load(&filter.program, filter.flags).doing(op)?,
                Some(listener) => {
                    let offer = listener.offer(state, status);
                    let notifications = seccomp::load_listening(&filter.program, filter.flags);
                    listener::hand_over(channel, &offer, &notifications.doing(op)?)?;
                }
            }
            let detail = format!("{} instructions", filter.program.len());
            trace.end("seccomp", start, detail);
        }
        let wanted = &self.capabilities;
        let (_, permitted, inheritable) = caps::get().doing(|| "read capabilities")?;
        let permitted = wanted.permitted.intersection(permitted);
        let effective = wanted.effective.intersection(permitted);
        let set = caps::set(effective, permitted, inheritable);
        set.doing(|| "drop capabilities")?;
        Ok(())
    }

    fn change_user(&self, trace: &mut Trace) -> Result<()> {
        // Or the change of user would empty the permitted set that ambient capabilities build on.
        prctl::set_keepcaps(true).doing(|| "keep capabilities across setuid")?;
        let groups: Vec<_> = self.groups.iter().map(|gid| Gid::from_raw(*gid)).collect();
        match setgroups(&groups) {
            // user_namespaces(7): a namespace with a map written by its user forbids it.
            Err(nix::errno::Errno::EPERM) if groups.is_empty() => {}
            Err(nix::errno::Errno::EPERM) => {
                trace.note(
                    "groups",
                    "additional groups not set: this user namespace forbids it",
                );
            }
            other => other.doing(|| format!("set additional groups {:?}", self.groups))?,
        }
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        setresgid(gid, gid, gid).doing(|| format!("become group {gid}"))?;
        setresuid(uid, uid, uid).doing(|| format!("become user {uid}"))?;
        prctl::set_keepcaps(false).doing(|| "stop keeping capabilities")
    }

    fn set_rlimits(&self, trace: &mut Trace) -> Result<()> {
        for limit in &self.rlimits {
            let op = || format!("set resource limit {}", limit.name);
            match attributes::set_rlimit(limit.number, limit.soft, limit.hard) {
                Err(error) if error.raw_os_error() == Some(libc::EPERM) => {
                    let (_, hard) = attributes::get_rlimit(limit.number).doing(op)?;
                    let soft = limit.soft.min(hard);
                    attributes::set_rlimit(limit.number, soft, hard).doing(op)?;
                    let text = format!(
                        "{} {} clamped to {hard}: raising it needs CAP_SYS_RESOURCE",
                        limit.name, limit.hard
                    );
                    trace.note("rlimits", text);
                }
                other => other.doing(op)?,
            }
        }
        Ok(())
    }

    /// While the privileges for it are there: CAP_SYS_NICE is rarely among those that stay.
    fn set_scheduling(&self) -> Result<()> {
        if let Some(persona) = self.personality {
            attributes::set_personality(persona).doing(|| "set the personality")?;
        }
        if let Some((class, level)) = self.io_priority {
            attributes::set_io_priority(class, level).doing(|| "set the I/O priority")?;
        }
        if let Some(scheduler) = &self.scheduler {
            scheduling::set_scheduler(scheduler).doing(|| "set the scheduler")?;
        }
        if let Some(policy) = &self.memory_policy {
            scheduling::set_memory_policy(policy.mode, &policy.nodes)
                .doing(|| "set `linux.memoryPolicy`")?;
        }
        Ok(())
    }

    /// Security modules label the process at its next execve.
    fn set_labels(&self) -> Result<()> {
        // `unconfined` is all there is without the module; any other profile was refused.
        if let Some(profile) = self.apparmor.as_ref().filter(|_| has_apparmor()) {
            let value = format!("exec {profile}");
            let proc = ProcFs::open()?;
            let stacked = proc.write("thread-self/attr/apparmor/exec", value.as_bytes());
            stacked.or_else(|_| proc.write("thread-self/attr/exec", value.as_bytes()))?;
        }
        if let Some(label) = &self.selinux {
            ProcFs::open()?.write("thread-self/attr/exec", label.as_bytes())?;
        }
        Ok(())
    }
}

impl Capabilities {
    /// What this host can give: nothing beyond its bounding set. Each loss is a note.
    fn within(self, host: CapSet, trace: &mut Trace) -> Self {
        let all = CapSet(self.bounding.0 | self.permitted.0 | self.effective.0 | self.ambient.0);
        let lost = all.difference(host);
        if lost != CapSet::default() {
            let text = format!("not available on this host: {}", capability_names(lost));
            trace.note("capabilities", text);
        }
        let permitted = self.permitted.intersection(host);
        let inheritable = self.inheritable.intersection(host);
        Self {
            bounding: self.bounding.intersection(host),
            effective: self.effective.intersection(permitted),
            permitted,
            inheritable,
            ambient: self
                .ambient
                .intersection(permitted)
                .intersection(inheritable),
        }
    }
}

/// Sets the sets, plus CAP_SYS_ADMIN for as long as a filter is still to be loaded with it.
fn raise_to(wanted: &Capabilities, filter_needs_admin: bool) -> Result<()> {
    let (_, permitted, _) = caps::get().doing(|| "read capabilities")?;
    let extra = if filter_needs_admin {
        1 << CAP_SYS_ADMIN
    } else {
        0
    };
    // CAP_SETPCAP lets inheritable gain what the bounding set still has.
    let raised = CapSet(wanted.permitted.0 | extra | 1 << CAP_SETPCAP).intersection(permitted);
    let inheritable = wanted.inheritable;
    caps::set(raised, raised, inheritable).doing(|| "set capabilities")?;
    let _ = caps::clear_ambient();
    for cap in wanted.ambient.numbers() {
        caps::raise_ambient(cap).doing(|| format!("raise ambient capability {cap}"))?;
    }
    Ok(())
}

/// Enters the working directory, and makes sure that it lies inside (CVE-2024-21626).
fn enter_cwd(cwd: &Path) -> Result<()> {
    let bad = |reason: String| Error::BadCwd {
        cwd: cwd.display().to_string(),
        reason,
    };
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let root = open("/", flags, Mode::empty()).doing(|| "open the container's root")?;
    let below = cwd.strip_prefix("/").unwrap_or(cwd);
    let name = if below.as_os_str().is_empty() {
        CString::from(c".")
    } else {
        path_cstring(below)?
    };
    // No magic link: `/proc/self/fd/N` could be a directory of the host that leaked to us.
    let directory = openat2(
        root.as_fd(),
        &name,
        flags.bits(),
        0,
        IN_ROOT | NO_MAGICLINKS,
    )
    .map_err(|error| bad(reason(&error)))?;
    fchdir(&directory).map_err(|error| bad(reason(&error.into())))?;
    match getcwd() {
        Ok(path) if path.is_absolute() => Ok(()),
        _ => Err(bad("lies outside of the container".to_owned())),
    }
}

fn reason(error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::ENOENT) => "no such directory".to_owned(),
        Some(libc::ENOTDIR) => "not a directory".to_owned(),
        Some(libc::ELOOP) => "leads through a magic or endless link".to_owned(),
        Some(libc::EACCES) => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}
