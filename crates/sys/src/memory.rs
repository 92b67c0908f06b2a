//! Memory that is not needed any more, given back: malloc_trim(3), madvise(2).

use std::fs;
use std::hint::black_box;

use crate::clone::SingleThreaded;

/// How far below the caller's frame the stack is given back: more than any call here has used.
const STACK_BYTES: usize = 512 * 1024;
const PAGE_BYTES: usize = 4096;

/// Returns free memory of the heap, the stack below the caller's frame and the program's code to the
/// kernel; code that is needed again is mapped again, from the page cache.
///
/// For a process that has done its work and will wait for long, maybe one of many.
#[inline(never)]
pub fn give_back(_witness: SingleThreaded) {
    #[cfg(target_env = "gnu")]
    // SAFETY: takes an integer; glibc locks its heap itself.
    unsafe {
        libc::malloc_trim(0);
    }
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for (start, length) in maps.lines().filter_map(code) {
        // SAFETY: a private mapping of a file that is executable and not writable: all its pages are
        // the file's own, as nothing we run has text relocations, and come back when they are touched.
        unsafe {
            libc::madvise(start as *mut libc::c_void, length, libc::MADV_DONTNEED);
        }
    }
    drop(maps);
    let here = 0_u8;
    let frame = black_box(&raw const here) as usize;
    // The frames of this call and of madvise lie within the two pages that stay.
    let end = (frame & !(PAGE_BYTES - 1)) - PAGE_BYTES;
    let start = end - STACK_BYTES;
    // SAFETY: nothing lives on the stack below the frames of this call. This is the main thread's, as
    // there is no other, and below it the kernel keeps 128 MB free of other mappings (mmap_base). What
    // was never touched is no part of the mapping: the kernel skips it, and says so in the result.
    unsafe {
        libc::madvise(start as *mut libc::c_void, STACK_BYTES, libc::MADV_DONTNEED);
    }
}

/// Start and length of a mapping of code, from its line in `/proc/self/maps`.
fn code(line: &str) -> Option<(usize, usize)> {
    let mut fields = line.split_ascii_whitespace();
    let (range, rights) = (fields.next()?, fields.next()?);
    let file = fields.nth(3)?;
    if rights != "r-xp" || !file.starts_with('/') {
        return None;
    }
    let (start, end) = range.split_once('-')?;
    let start = usize::from_str_radix(start, 16).ok()?;
    Some((start, usize::from_str_radix(end, 16).ok()? - start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_of_files_is_given_back() {
        let code_of = |rights: &str, file: &str| {
            code(&format!(
                "00401000-00403000 {rights} 00001000 08:01 42   {file}"
            ))
        };
        assert_eq!(code_of("r-xp", "/usr/bin/x y"), Some((0x40_1000, 0x2000)));
        for (rights, file) in [
            ("r--p", "/usr/bin/x"),
            ("rw-p", "/usr/bin/x"),
            ("rwxp", "/usr/bin/x"),
            ("r-xs", "/usr/bin/x"),
            ("r-xp", "[vdso]"),
            ("r-xp", ""),
        ] {
            assert_eq!(code_of(rights, file), None, "{rights} {file}");
        }
    }
}
