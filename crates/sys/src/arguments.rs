//! What this process shows as its command line: `/proc/PID/cmdline`, which anybody may read.

use std::fs;
use std::io;
use std::ptr;

use crate::clone::SingleThreaded;

/// Overwrites the arguments that this process was started with by `line`, as far as it fits.
///
/// Arguments that are asked for afterwards (`std::env::args`) are those of `line`, or empty.
///
/// # Errors
/// Without a `/proc` of this process's own pid namespace or one above.
pub fn replace(_witness: SingleThreaded, line: &[u8]) -> io::Result<()> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (start, end) = area(&stat).ok_or(io::ErrorKind::InvalidData)?;
    let mut text = line.to_vec();
    // The last byte stays zero: it ends the last argument.
    text.resize(end - start, 0);
    text[end - start - 1] = 0;
    // SAFETY: the kernel says that its copy of our arguments lies there: writable memory at the top of
    // the stack, of this length. Nobody holds a reference: `std` makes copies, and no other thread runs.
    unsafe { ptr::copy_nonoverlapping(text.as_ptr(), start as *mut u8, text.len()) };
    Ok(())
}

/// `arg_start` and `arg_end`, fields 48 and 49 (proc_pid_stat(5)); none where they are hidden.
fn area(stat: &str) -> Option<(usize, usize)> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(45);
    let start: usize = fields.next()?.parse().ok()?;
    let end: usize = fields.next()?.parse().ok()?;
    (start != 0 && end > start).then_some((start, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_the_arguments_is_read_from_behind_the_name() {
        let rest = (3..=52)
            .map(|n| n.to_string())
            .collect::<Vec<_>>()
            .join(" ");
        assert_eq!(area(&format!("7 (a) b) {rest}")), Some((48, 49)));
        assert_eq!(area("7 (a) 0 0"), None);
    }
}
