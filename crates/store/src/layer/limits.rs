//! Where a layer stops being plausible.

/// The most that a layer may be. The defaults leave room for every image that is seen in practice
/// and stop what would only fill the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Entries of the tar.
    pub entries: u64,
    /// Bytes of the uncompressed tar, and of any one file in it, holes included.
    pub bytes: u64,
    /// How many times larger than the compressed stream the tar may be ...
    pub ratio: u64,
    /// ... once it is larger than this: an honest layer with files of zeros reaches any ratio.
    pub ratio_from_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 4_000_000,
            bytes: 1 << 40,
            ratio: 200,
            ratio_from_bytes: 16 << 30,
        }
    }
}
