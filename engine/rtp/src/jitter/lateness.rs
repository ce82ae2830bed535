//! How late packets come: what delay the network asks for.
//!
//! A packet's *transit* is its arrival less its timestamp; its *lateness* is how much longer that is than the fastest of the last
//! seconds. So neither the sender's clock nor the length of the way matters, and drift is a slow change of the fastest.

use arrayvec::ArrayVec;

/// Transit is remembered in this many buckets …
const BUCKETS: usize = 4;
/// … of one second of received stream each, eighths of a millisecond.
const BUCKET_TICKS: i64 = 8_000;
/// Lateness is counted in classes of 5 ms …
const CLASS_TICKS: i64 = 40;
/// … up to 400 ms.
const CLASSES: usize = 80;
/// So much of the packets shall be in time. The rest is concealed: waiting for the last of them would cost more than it brings.
const IN_TIME: f32 = 0.99;
/// What a packet counts for after another: half of it is forgotten after 140 packets (some 3 s).
const FORGET: f32 = 0.995;
/// Weights are brought back to 1 before they lose precision.
const WEIGHT_MAX: f32 = 1e6;
/// After so many packets it is asked again how late they usually are; at once, when one was later than that.
const ASK_EVERY: u32 = 16;
/// Packets before which little is known.
const KNOWN: u32 = 40;

/// Fastest transit of about a second.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    began: i64,
    fastest: i64,
}

/// See the head of this file. The classes come last: nearly every packet is of the first.
#[derive(Clone, Debug)]
#[repr(C)]
pub(super) struct Lateness {
    transits: ArrayVec<Bucket, BUCKETS>,
    total: f32,
    weight: f32,
    packets: u32,
    /// The class of what is usually late, as last asked.
    usual: usize,
    classes: [f32; CLASSES],
}

impl Lateness {
    pub(super) const fn new() -> Self {
        Self { transits: ArrayVec::new_const(), classes: [0.0; CLASSES], total: 0.0, weight: 1.0, packets: 0, usual: 0 }
    }

    /// The clock of the stream is another now; how uneven the network is stays known.
    pub(super) fn rebase(&mut self) {
        self.transits.clear();
    }

    /// A packet of timestamp `start` came at `at`.
    pub(super) fn note(&mut self, start: i64, at: i64) {
        let transit = at - start;
        match self.transits.last_mut() {
            Some(bucket) if at - bucket.began < BUCKET_TICKS => bucket.fastest = bucket.fastest.min(transit),
            Some(_) | None => {
                if self.transits.is_full() {
                    self.transits.remove(0);
                }
                self.transits.push(Bucket { began: at, fastest: transit });
            }
        }
        let class = usize::try_from((transit - self.fastest()) / CLASS_TICKS).unwrap_or(0).min(CLASSES - 1);
        self.weight /= FORGET;
        if self.weight > WEIGHT_MAX {
            self.classes.iter_mut().for_each(|share| *share /= self.weight);
            self.total /= self.weight;
            self.weight = 1.0;
        }
        self.classes[class] += self.weight;
        self.total += self.weight;
        self.packets = self.packets.saturating_add(1);
        if class > self.usual || self.packets.is_multiple_of(ASK_EVERY) {
            self.usual = self.class_in_time();
        }
    }

    /// The fastest transit of the last seconds, eighths of a millisecond.
    pub(super) fn fastest(&self) -> i64 {
        self.transits.iter().map(|bucket| bucket.fastest).min().unwrap_or(0)
    }

    /// A word of what [`Lateness::note`] touches.
    pub(super) const fn word(&self) -> u64 {
        self.packets as u64
    }

    /// Whether enough has come to believe [`Lateness::usual`].
    pub(super) const fn is_known(&self) -> bool {
        self.packets >= KNOWN
    }

    /// How late packets usually are: all but one in a hundred at most, eighths of a millisecond.
    pub(super) const fn usual(&self) -> i64 {
        // The upper edge of the class, but of the first, in which everything is that is not late.
        if self.usual == 0 { 0 } else { (self.usual as i64 + 1) * CLASS_TICKS }
    }

    /// The class up to which all are in time but one in a hundred.
    fn class_in_time(&self) -> usize {
        let mut later = self.total * (1.0 - IN_TIME);
        let in_time = |share: &f32| {
            later -= share;
            later < 0.0
        };
        CLASSES - 1 - self.classes.iter().rev().position(in_time).unwrap_or(CLASSES - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lateness: impl Fn(i64) -> i64) -> Vec<i64> {
        let mut known = Lateness::new();
        (0..3_000)
            .map(|n| {
                known.note(n * 160, n * 160 + 7_777 + lateness(n));
                known.usual() / 8
            })
            .collect()
    }

    #[test]
    fn what_is_usual_is_learnt_and_forgotten() {
        assert!(told(|_| 0).iter().all(|ms| *ms == 0));
        // Every third 30 ms late.
        assert!(told(|n| if n % 3 == 0 { 240 } else { 0 })[100..].iter().all(|ms| *ms == 35));
        // 1,000 bad ones in the middle: known at once, forgotten within 15 s.
        let middle = told(|n| if (1_000..2_000).contains(&n) { (n % 7) * 160 } else { 0 });
        assert!(middle[999] == 0 && middle[1_060] >= 120 && middle[1_999] >= 120 && middle[2_950] == 0, "{middle:?}");
        // One in two hundred does not count.
        assert!(told(|n| if n % 200 == 100 { 1_600 } else { 0 })[400..].iter().all(|ms| *ms == 0));
    }

    #[test]
    fn drift_is_no_lateness() {
        for ppm in [-500_i64, 500] {
            assert!(told(|n| n * 160 * ppm / 1_000_000).iter().all(|ms| *ms <= 10));
        }
    }
}
