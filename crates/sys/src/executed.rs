//! The file that this program was started from by its descriptor: execveat(2), getauxval(3).

use std::ffi::CStr;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::check;

/// How the kernel names a program that it was given by descriptor alone.
const BY_DESCRIPTOR: &[u8] = b"/dev/fd/";

/// Takes the descriptor that execveat(2) was given, if the program was started so and it was left open.
///
/// To be called before anything is opened, as one that was closed on the way has left its number free.
/// Later calls find nothing. It does not stay open across another execve.
pub fn take_descriptor() -> Option<OwnedFd> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    let number = number_in(name()?)?;
    if number < 3 || TAKEN.swap(true, Ordering::Relaxed) {
        return None;
    }
    // SAFETY: takes integers; fails on a number that is not open.
    let kept = unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
    check(kept.into()).ok()?;
    // SAFETY: it is open, came with the program, and only this call makes an owner of it.
    Some(unsafe { OwnedFd::from_raw_fd(number) })
}

/// What the program was executed as.
fn name() -> Option<&'static CStr> {
    // SAFETY: takes an integer; the answer is zero or an address that the kernel has put there.
    let address = unsafe { libc::getauxval(libc::AT_EXECFN) };
    if address == 0 {
        return None;
    }
    // SAFETY: the kernel puts a terminated string above the stack, where it stays (getauxval(3)).
    Some(unsafe { CStr::from_ptr(address as *const libc::c_char) })
}

fn number_in(name: &CStr) -> Option<RawFd> {
    let digits = name.to_bytes().strip_prefix(BY_DESCRIPTOR)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_was_started_by_its_path_has_no_descriptor() {
        assert!(name().is_some_and(|name| name.to_bytes().len() > 1));
        assert!(take_descriptor().is_none());
    }

    #[test]
    fn the_kernel_tells_the_number() {
        for (name, number) in [
            (c"/dev/fd/17", Some(17)),
            (c"/dev/fd/17/x", None),
            (c"/usr/bin/terrarium-runtime", None),
            (c"/dev/fd/", None),
        ] {
            assert_eq!(number_in(name), number, "{name:?}");
        }
    }
}
