//! Chance from a seed.

/// SplitMix64: small, fast, the same for the same seed. Two of its outputs are mixed with a second secret word for texts that peers see.
#[derive(Clone, Debug)]
pub struct Chance {
    state: u64,
    secret: u64,
}

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// SplitMix64's finaliser: a bijection that spreads every bit.
pub(crate) const fn mix(word: u64) -> u64 {
    let a = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let b = (a ^ (a >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    b ^ (b >> 31)
}

impl Chance {
    /// A stream of random words from a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed, secret: mix(seed ^ 0x9e37_79b9_7f4a_7c15) }
    }
    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }
    /// A seed for another stream that may become known: nothing of this one can be told from it.
    pub const fn next_seed(&mut self) -> u64 {
        mix(self.next_u64() ^ self.secret)
    }
    /// Appends 26 characters of `a-z2-7` that carry 128 bits: a tag, a branch or a Call-ID.
    pub fn append_token(&mut self, out: &mut String) {
        for _ in 0..2 {
            let mut word = mix(self.next_u64() ^ self.secret);
            for _ in 0..13 {
                out.push(char::from(ALPHABET[(word & 31) as usize]));
                word >>= 5;
            }
        }
    }
    /// 26 characters of `a-z2-7` that carry 128 bits.
    pub fn token(&mut self) -> String {
        let mut out = String::with_capacity(26);
        self.append_token(&mut out);
        out
    }
}
