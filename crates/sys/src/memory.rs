//! Memory that is not needed any more, given back: malloc_trim(3), madvise(2).

use std::hint::black_box;

use crate::clone::SingleThreaded;

/// How far below the caller's frame the stack is given back: more than any call here has used.
const STACK_BYTES: usize = 512 * 1024;
const PAGE_BYTES: usize = 4096;

/// Returns free memory of the heap, and the stack below the caller's frame, to the kernel.
///
/// For a process that has done its work and will wait for long, maybe one of many.
#[inline(never)]
pub fn give_back(_witness: SingleThreaded) {
    #[cfg(target_env = "gnu")]
    // SAFETY: takes an integer; glibc locks its heap itself.
    unsafe {
        libc::malloc_trim(0);
    }
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
