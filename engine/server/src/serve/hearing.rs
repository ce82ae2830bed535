//! How legs sounded, for `/metrics`: histograms and counters with a fixed set of labels, fed by the records of calls.

use call::LegMedia;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Mutex, PoisonError},
};

/// Upper bounds of buckets: mean opinion score.
const MOS: &[f64] = &[1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.2];
/// Share of packets lost or too late.
const LOSS: &[f64] = &[0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2];
/// Seconds of jitter.
const JITTER: &[f64] = &[0.001, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16];
/// Seconds there and back.
const ROUND_TRIP: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0];
/// The longest list of bounds.
const BOUNDS_MAX: usize = 8;

/// The histograms: name, help, bounds, and what of a leg is counted.
type Row = (&'static str, &'static str, &'static [f64], fn(&LegMedia) -> Option<f64>);
const ROWS: [Row; 4] = [
    ("callflow_leg_mos", "How legs were heard here (mean opinion score, ITU-T G.107).", MOS, |leg| leg.mos.map(f64::from)),
    ("callflow_leg_loss_ratio", "Share of a leg's packets lost or too late.", LOSS, |leg| (leg.packets_received > 0).then_some(f64::from(leg.loss))),
    ("callflow_leg_jitter_seconds", "Interarrival jitter at the end of a leg.", JITTER, |leg| {
        (leg.packets_received > 0).then_some(f64::from(leg.jitter_ms) / 1_000.0)
    }),
    ("callflow_leg_round_trip_seconds", "Round trip of a leg by RTCP.", ROUND_TRIP, |leg| leg.round_trip_ms.map(|ms| f64::from(ms) / 1_000.0)),
];

/// One histogram of one codec.
#[derive(Clone, Copy, Debug, Default)]
struct Histogram {
    buckets: [u64; BOUNDS_MAX],
    count: u64,
    sum: f64,
}

/// All that was heard since the start. Labels are codecs' names and the words of [`LegMedia`]: a handful.
#[derive(Debug, Default)]
pub(super) struct Hearing(Mutex<Heard>);

#[derive(Debug, Default)]
struct Heard {
    histograms: BTreeMap<(usize, &'static str), Histogram>,
    one_way: BTreeMap<&'static str, u64>,
    refused: [u64; 5],
}

/// The labels of refused packets, in the order they are kept.
const REFUSED: [&str; 5] = ["stranger", "unknown-payload", "unauthentic", "replayed", "malformed"];

impl Hearing {
    /// A leg is over.
    pub(super) fn add(&self, leg: &LegMedia) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (row, (_, _, bounds, of)) in ROWS.iter().enumerate() {
            let Some(value) = of(leg) else { continue };
            let histogram = heard.histograms.entry((row, leg.codec_heard)).or_default();
            histogram.count += 1;
            histogram.sum += value;
            for (bucket, _) in histogram.buckets.iter_mut().zip(*bounds).filter(|(_, bound)| value <= **bound) {
                *bucket += 1;
            }
        }
        if let Some(why) = leg.one_way {
            *heard.one_way.entry(why).or_default() += 1;
        }
        let refused = &leg.refused;
        let counts = [refused.strangers, refused.unknown_payload, refused.unauthentic, refused.replayed, refused.malformed];
        heard.refused.iter_mut().zip(counts).for_each(|(total, more)| *total += more);
    }

    /// Appends the page's lines.
    pub(super) fn write(&self, text: &mut String) {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (row, (name, help, bounds, _)) in ROWS.iter().enumerate() {
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} histogram\n");
            for ((_, codec), histogram) in heard.histograms.range((row, "")..(row + 1, "")) {
                for (bound, bucket) in bounds.iter().zip(histogram.buckets) {
                    let _ = writeln!(text, "{name}_bucket{{codec=\"{codec}\",le=\"{bound}\"}} {bucket}");
                }
                let Histogram { count, sum, .. } = histogram;
                let _ = writeln!(text, "{name}_bucket{{codec=\"{codec}\",le=\"+Inf\"}} {count}");
                let _ = write!(text, "{name}_sum{{codec=\"{codec}\"}} {sum}\n{name}_count{{codec=\"{codec}\"}} {count}\n");
            }
        }
        text.push_str("# HELP callflow_leg_one_way_total Legs at whose end one side heard nothing, by why.\n# TYPE callflow_leg_one_way_total counter\n");
        for (why, count) in &heard.one_way {
            let _ = writeln!(text, "callflow_leg_one_way_total{{why=\"{why}\"}} {count}");
        }
        text.push_str("# HELP callflow_rtp_refused_total Packets not accepted, by why.\n# TYPE callflow_rtp_refused_total counter\n");
        for (why, count) in REFUSED.iter().zip(heard.refused) {
            let _ = writeln!(text, "callflow_rtp_refused_total{{why=\"{why}\"}} {count}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use call::RefusedPackets;

    fn leg(mos: Option<f32>, loss: f32) -> LegMedia {
        let refused = RefusedPackets { strangers: 3, unknown_payload: 0, unauthentic: 0, replayed: 0, malformed: 1 };
        LegMedia {
            leg: 0,
            codec_sent: "PCMU",
            codec_heard: "PCMA",
            direction: "sendrecv",
            protection: None,
            remote: None,
            packets_sent: 100,
            packets_received: if mos.is_some() { 100 } else { 0 },
            packets_lost: 0,
            packets_late: 0,
            comfort_noise: 0,
            refused,
            loss,
            burst_density: 0.0,
            gap_density: 0.0,
            burst_packets: 0.0,
            jitter_ms: 7.0,
            round_trip_ms: None,
            end_system_ms: 40.0,
            r_factor: None,
            mos,
            far_loss: None,
            far: None,
            late_ticks: 0,
            one_way: mos.is_none().then_some("nothing-came"),
        }
    }

    #[test]
    fn legs_are_counted_in_the_buckets_they_belong_to() {
        let hearing = Hearing::default();
        [leg(Some(4.3), 0.0), leg(Some(3.2), 0.05), leg(None, 0.0)].iter().for_each(|leg| hearing.add(leg));
        let mut text = String::new();
        hearing.write(&mut text);
        for line in [
            "callflow_leg_mos_bucket{codec=\"PCMA\",le=\"3\"} 0",
            "callflow_leg_mos_bucket{codec=\"PCMA\",le=\"3.5\"} 1",
            "callflow_leg_mos_bucket{codec=\"PCMA\",le=\"+Inf\"} 2",
            "callflow_leg_loss_ratio_bucket{codec=\"PCMA\",le=\"0.001\"} 1",
            "callflow_leg_loss_ratio_count{codec=\"PCMA\"} 2",
            "callflow_leg_jitter_seconds_bucket{codec=\"PCMA\",le=\"0.01\"} 2",
            "callflow_leg_one_way_total{why=\"nothing-came\"} 1",
            "callflow_rtp_refused_total{why=\"stranger\"} 9",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        assert!(!text.contains("round_trip_seconds_count"), "nobody told one");
    }
}
