//! A mutator of our own, as the stable compiler has no coverage to guide another: it starts from inputs
//! that reach deep, and changes, doubles, cuts and splices pieces of them.

/// How many inputs a test tries: `TERRARIUM_FUZZ_ROUNDS`, or `least` where that is not set.
pub(crate) fn rounds(least: u64) -> u64 {
    let wish = std::env::var("TERRARIUM_FUZZ_ROUNDS").ok();
    wish.and_then(|wish| wish.parse().ok()).unwrap_or(least)
}

/// Gives the same inputs for the same seed (splitmix64).
pub(crate) struct Mutator(pub(crate) u64);

impl Mutator {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// One of `seeds`, changed in one to eight places; `words` are spliced in.
    pub(crate) fn input(&mut self, seeds: &[&[u8]], words: &[&[u8]]) -> Vec<u8> {
        let mut bytes = seeds[self.below(seeds.len())].to_vec();
        for _ in 0..=self.below(8) {
            self.change(&mut bytes, seeds, words);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, seeds: &[&[u8]], words: &[&[u8]]) {
        let at = self.below(bytes.len() + 1);
        let len = self.below(16).min(bytes.len() - at);
        match self.below(8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            1 if at < bytes.len() => bytes[at] = self.next() as u8,
            2 => bytes.insert(at, self.next() as u8),
            3 => drop(bytes.drain(at..at + len)),
            4 => {
                let piece = bytes[at..at + len].to_vec();
                let to = self.below(bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            5 => bytes.truncate(at),
            6 => {
                let other = seeds[self.below(seeds.len())];
                let from = self.below(other.len() + 1);
                bytes.splice(at..at + len, other[from..].iter().copied());
            }
            _ => {
                let word = words[self.below(words.len())];
                bytes.splice(at..at + len, word.iter().copied());
            }
        }
        bytes.truncate(1 << 16);
    }
}
