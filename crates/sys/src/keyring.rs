//! The session keyring of the calling process: keyctl(2).

use std::io;
use std::ptr;

use crate::check;

const JOIN_SESSION_KEYRING: libc::c_int = 1;

/// Starts a new, empty session keyring; what the old one holds is out of reach afterwards.
///
/// # Errors
/// ENOSYS in a kernel without keyrings, EDQUOT when the user has too many.
pub fn start_new_session() -> io::Result<()> {
    let anonymous = ptr::null::<libc::c_char>();
    // SAFETY: a null name is allowed and asks for an anonymous keyring.
    check(unsafe { libc::syscall(libc::SYS_keyctl, JOIN_SESSION_KEYRING, anonymous) }).map(drop)
}
