//! Loss in time: bursts and gaps of a received stream (RFC 3611 §4.7.2), and how bunched the loss is.
//!
//! ```text
//! … 1 1 1 1 | 0 1 1 0 0 1 1 1 0 | 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 …     1 came, 0 did not
//!    gap       burst: two losses or more, fewer than 16 packets between them
//! ```
//! A packet is judged when it is 32 packets old, so that one that was only overtaken counts as come.

/// Packets in a row that must come before a burst is over (RFC 3611's recommended Gmin).
pub const GAP_PACKETS: u8 = 16;
/// Packets that are waited for one that was overtaken.
const WAIT: u32 = 32;

/// Counts one stream's losses in time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bursts {
    /// Which of the newest packets came; bit 0 is the newest.
    window: u64,
    /// Packets in the window, to [`WAIT`].
    waiting: u32,
    counts: Counts,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    gap_packets: u32,
    gap_lost: u32,
    burst_packets: u32,
    burst_lost: u32,
    bursts: u32,
    /// Since a loss that may begin a burst: packets and losses of it so far, and what came since its last loss.
    open_packets: u32,
    open_lost: u32,
    tail: u32,
    /// Losses in all, and unbroken rows of them.
    lost: u32,
    runs: u32,
    last_lost: bool,
}

/// Losses in time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BurstView {
    /// Share of packets lost within bursts, 0–1.
    pub burst_density: f32,
    /// Share of packets lost outside of bursts, 0–1.
    pub gap_density: f32,
    /// Mean length of a burst, packets; 0 without one.
    pub burst_packets: f32,
    /// Mean length of what lies between bursts, packets.
    pub gap_packets: f32,
    /// Mean length of unbroken rows of lost packets against that of as much random loss (BurstR of ITU-T G.107); 1 without loss.
    pub burst_ratio: f32,
}

impl Bursts {
    pub(crate) const fn new() -> Self {
        let counts = Counts { gap_packets: 0, gap_lost: 0, burst_packets: 0, burst_lost: 0, bursts: 0, open_packets: 0, open_lost: 0, tail: 0, lost: 0, runs: 0, last_lost: false };
        Self { window: 0, waiting: 0, counts }
    }

    /// The next packet in order came, `ahead` after the last one: 1, or more when some are missing.
    pub(crate) fn advance(&mut self, ahead: u16) {
        for step in (1..=ahead).rev() {
            if self.waiting == WAIT {
                self.counts.judge(self.window >> (WAIT - 1) & 1 == 1);
            } else {
                self.waiting += 1;
            }
            self.window = self.window << 1 | u64::from(step == 1);
        }
    }

    /// A word of what [`Bursts::advance`] touches.
    pub(crate) const fn word(&self) -> u64 {
        self.window
    }

    /// The first packet of a row.
    pub(crate) fn begin(&mut self) {
        self.counts = self.settled();
        (self.window, self.waiting) = (1, 1);
    }

    /// A packet came that many after one younger than it.
    pub(crate) const fn late(&mut self, back: u16) {
        if (back as u32) < self.waiting {
            self.window |= 1 << back;
        }
    }

    /// The counts as if the row ended here.
    fn settled(&self) -> Counts {
        let mut counts = self.counts;
        for at in (0..self.waiting).rev() {
            counts.judge(self.window >> at & 1 == 1);
        }
        counts.close();
        counts
    }

    pub(crate) fn view(&self) -> BurstView {
        let counts = self.settled();
        let share = |part: u32, whole: u32| if whole == 0 { 0.0 } else { part as f32 / whole as f32 };
        let packets = counts.gap_packets + counts.burst_packets;
        let random = 1.0 / (1.0 - share(counts.lost, packets)).max(f32::EPSILON);
        let mean_run = share(counts.lost, counts.runs);
        BurstView {
            burst_density: share(counts.burst_lost, counts.burst_packets),
            gap_density: share(counts.gap_lost, counts.gap_packets),
            burst_packets: share(counts.burst_packets, counts.bursts),
            gap_packets: share(counts.gap_packets, counts.bursts + 1),
            burst_ratio: if counts.lost == 0 { 1.0 } else { (mean_run / random).max(1.0) },
        }
    }
}

impl Counts {
    /// One packet more: did it come?
    const fn judge(&mut self, came: bool) {
        if !came {
            self.lost += 1;
            self.runs += !self.last_lost as u32;
            self.open_packets += if self.open_lost > 0 { self.tail + 1 } else { 1 };
            self.open_lost += 1;
            self.tail = 0;
        } else if self.open_lost > 0 {
            self.tail += 1;
            if self.tail == GAP_PACKETS as u32 {
                self.close();
            }
        } else {
            self.gap_packets += 1;
        }
        self.last_lost = !came;
    }

    /// The stretch since the last gap is a burst, or one lost packet of a gap.
    const fn close(&mut self) {
        if self.open_lost > 1 {
            self.bursts += 1;
            self.burst_packets += self.open_packets;
            self.burst_lost += self.open_lost;
        } else {
            self.gap_packets += self.open_packets;
            self.gap_lost += self.open_lost;
        }
        self.gap_packets += self.tail;
        (self.open_packets, self.open_lost, self.tail) = (0, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `1` came, `0` never, and `<` before a packet: it came after the next one.
    fn view(row: &str) -> BurstView {
        let mut bursts = Bursts::default();
        let (mut ahead, mut overtaken) = (0, false);
        let mut begun = false;
        for sign in row.chars().filter(|sign| !sign.is_whitespace()) {
            match sign {
                '1' if !begun => (begun, ahead) = ({ bursts.begin(); true }, 0),
                '1' => {
                    bursts.advance(ahead + 1);
                    if std::mem::take(&mut overtaken) {
                        bursts.late(1);
                    }
                    ahead = 0;
                }
                '<' => (ahead, overtaken) = (ahead + 1, true),
                _ => ahead += 1,
            }
        }
        bursts.view()
    }

    #[test]
    fn bursts_and_gaps_as_rfc_3611_draws_them() {
        let gap = "1".repeat(40);
        // §4.7.2's idea of a burst: three losses with less than Gmin packets between.
        let one = view(&format!("{gap} 0 111 0 11111 0 {gap}"));
        assert_eq!((one.burst_packets, one.burst_density), (11.0, 3.0 / 11.0));
        assert_eq!((one.gap_packets, one.gap_density), (40.0, 0.0));
        // One lost packet alone is of a gap.
        let alone = view(&format!("{gap} 0 {gap}"));
        assert_eq!((alone.burst_packets, alone.gap_density, alone.burst_ratio), (0.0, 1.0 / 81.0, 1.0));
        // Overtaken is not lost.
        assert_eq!(view(&format!("{gap} < 1 {gap}")), view(&format!("{gap} 11 {gap}")));
        assert_eq!(view(""), BurstView { burst_ratio: 1.0, ..BurstView::default() });
        // Sixteen in a row between two losses part them; fifteen do not.
        let (apart, together) = ("1".repeat(16), "1".repeat(15));
        assert_eq!(view(&format!("{gap} 0 {apart} 0 {gap}")).burst_packets, 0.0);
        assert_eq!(view(&format!("{gap} 0 {together} 0 {gap}")).burst_packets, 17.0);
        // Six lost in a row among 100: rows of 6 where chance would make 1.06.
        let bunched = view(&format!("{gap} 000000 {gap} 11111111111111"));
        assert!((bunched.burst_ratio - 6.0 * 0.94).abs() < 0.01, "{bunched:?}");
    }
}
