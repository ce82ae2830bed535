//! Sender and receiver reports (RFC 3550 §6): when, what, and what the far end's say.

use crate::{
    receiver::{Block, Receiver},
    sender::{Sender, splitmix},
    voip::VoipMetrics,
};
use rtcp_types::{
    Bye, Compound, Packet, ReceiverReport, ReportBlock, ReportBlockBuilder, RtcpPacketWriterExt, Sdes, SdesChunk, SdesItem,
    SenderReport,
};
use std::time::{Duration, Instant};
use terms::{Now, UnixMs};

/// Mean time between reports (RFC 3550 §6.2: the minimum, which two speakers at telephone rates never exceed).
const INTERVAL: Duration = Duration::from_secs(5);
/// Bytes of a CNAME that are used: `user@host` of any sane length, and the report fits [`REPORT_BYTES`].
const CNAME_MAX: usize = 64;
/// Room a caller gives for a report: SR 28 + block 24 + SDES 80 + BYE 8, or XR 44, rounded up.
const REPORT_BYTES: usize = 250;
/// Packets of ours between two of its reports that it must have heard something of (chosen: a second's worth).
const SENT_ENOUGH: u32 = 50;
/// Seconds from 1900 (NTP) to 1970 (Unix).
const NTP_EPOCH: u64 = 2_208_988_800;
/// Packets of one compound that are looked at.
const COMPOUND_MAX: usize = 16;

/// Why bytes are no RTCP compound packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRtcp {
    /// Not a well-formed compound packet.
    #[error("malformed rtcp packet")]
    Malformed,
}

/// What the far end last told about what it hears from us.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RemoteView {
    /// Time there and back, once both sides have reported (RFC 3550 §6.4.1).
    pub round_trip: Option<Duration>,
    /// Share of our packets lost since its previous report, 0.0–1.0.
    pub fraction_lost: Option<f32>,
    /// Packets of ours it missed in all (24 bit signed).
    pub lost: Option<i32>,
    /// Jitter it sees, in timestamp units.
    pub jitter_ticks: Option<u32>,
    /// Reports of its that came.
    pub reports: u32,
    /// Reports in a row by which it received nothing of what we sent since the one before.
    pub deaf_reports: u32,
    /// How it hears us by its own account (RTCP XR).
    pub voip: Option<VoipMetrics>,
    /// It said goodbye (BYE); the SIP dialog decides what that means.
    pub said_bye: bool,
}

/// The far end's last sender report.
#[derive(Clone, Copy, Debug)]
struct Heard {
    ssrc: u32,
    /// Middle 32 bits of its NTP time.
    middle: u32,
    at: Instant,
}

/// Sends our reports about every 5 s and reads theirs. Pure: `poll_timeout` says when, [`Reporter::write`] what.
#[derive(Clone, Debug)]
pub struct Reporter {
    cname: String,
    next: Instant,
    seed: u64,
    packets_reported: u32,
    heard: Option<Heard>,
    remote: RemoteView,
    /// At its last report: what we had sent, and the newest of it that it had received.
    told: (u32, Option<u32>),
}

impl Reporter {
    /// Reports begin about 2.5 s after `now`; `cname` names us (at most 64 bytes are used), `seed` spreads the intervals.
    #[must_use]
    pub fn new(cname: &str, seed: u64, now: Instant) -> Self {
        let mut reporter = Self {
            cname: String::from(cname.get(..cname.floor_char_boundary(CNAME_MAX)).unwrap_or_default()),
            next: now,
            seed,
            packets_reported: 0,
            heard: None,
            remote: RemoteView::default(),
            told: (0, None),
        };
        reporter.next = now + reporter.interval() / 2;
        reporter
    }

    /// 0.5–1.5 times [`INTERVAL`], evenly spread (RFC 3550 §6.3.1).
    fn interval(&mut self) -> Duration {
        self.seed = splitmix(self.seed);
        let thousandths = 500 + (self.seed >> 32) % 1_001;
        INTERVAL * (thousandths as u32) / 1_000
    }

    /// When the next report is due.
    #[must_use]
    pub const fn poll_timeout(&self) -> Instant {
        self.next
    }

    /// Writes the report that is due (SR when we sent since the last, else RR; with SDES CNAME) and plans the next.
    /// `voip` goes along as an extended report (XR), once somebody is heard. Returns its length; 0 when nothing is due yet at
    /// `now` or `into` is shorter than 250 bytes.
    pub fn write(&mut self, sender: &Sender, receiver: &mut Receiver, voip: Option<&VoipMetrics>, now: Now, into: &mut [u8]) -> usize {
        if now.at < self.next {
            return 0;
        }
        self.next = now.at + self.interval();
        let length = self.report(sender, receiver, now, false, into);
        match (voip, receiver.statistics().ssrc) {
            (Some(voip), Some(source)) if length > 0 => length + into.get_mut(length..).map_or(0, |rest| voip.write(sender.ssrc(), source, rest)),
            _ => length,
        }
    }

    /// Writes a last report with BYE, for the end of a stream. Same return as [`Reporter::write`], but always due.
    pub fn write_bye(&mut self, sender: &Sender, receiver: &mut Receiver, now: Now, into: &mut [u8]) -> usize {
        self.report(sender, receiver, now, true, into)
    }

    fn report(&mut self, sender: &Sender, receiver: &mut Receiver, now: Now, bye: bool, into: &mut [u8]) -> usize {
        if into.len() < REPORT_BYTES {
            return 0;
        }
        let block = receiver.block().map(|block| self.block(block, now));
        let counts = sender.counts();
        let spoke = counts.packets != self.packets_reported;
        self.packets_reported = counts.packets;
        let mut compound = Compound::builder();
        match sender.timestamp_at(now.at).filter(|_| spoke) {
            Some(timestamp) => {
                let mut report = SenderReport::builder(sender.ssrc())
                    .ntp_timestamp(ntp(now.unix))
                    .rtp_timestamp(timestamp)
                    .packet_count(counts.packets)
                    .octet_count(counts.octets);
                if let Some(block) = block {
                    report = report.add_report_block(block);
                }
                compound = compound.add_packet(report);
            }
            None => {
                let mut report = ReceiverReport::builder(sender.ssrc());
                if let Some(block) = block {
                    report = report.add_report_block(block);
                }
                compound = compound.add_packet(report);
            }
        }
        let name = SdesItem::builder(SdesItem::CNAME, self.cname.as_str());
        compound = compound.add_packet(Sdes::builder().add_chunk(SdesChunk::builder(sender.ssrc()).add_item(name)));
        if bye {
            compound = compound.add_packet(Bye::builder().add_source(sender.ssrc()));
        }
        compound.write_into(into).unwrap_or(0)
    }

    fn block(&self, block: Block, now: Now) -> ReportBlockBuilder {
        let (last, since) = match self.heard.filter(|heard| heard.ssrc == block.ssrc) {
            Some(heard) => (heard.middle, to_65536ths(now.at.saturating_duration_since(heard.at))),
            None => (0, 0),
        };
        ReportBlock::builder(block.ssrc)
            .fraction_lost(block.fraction)
            .cumulative_lost(block.cumulative)
            .extended_sequence_number(block.extended_sequence)
            .interarrival_jitter(block.jitter)
            .last_sender_report_timestamp(last)
            .delay_since_last_sender_report_timestamp(since)
    }

    /// Reads what the far end reports. Only blocks about our SSRC count.
    ///
    /// # Errors
    /// [`NotRtcp`] for anything that is no compound packet; nothing is changed then.
    pub fn handle(&mut self, bytes: &[u8], sender: &Sender, now: Now) -> Result<(), NotRtcp> {
        let mut remote = self.remote;
        let mut heard = self.heard;
        let mut told = None;
        for packet in Compound::parse(bytes).map_err(|_| NotRtcp::Malformed)?.take(COMPOUND_MAX) {
            match packet.map_err(|_| NotRtcp::Malformed)? {
                Packet::Sr(report) => {
                    let middle = (report.ntp_timestamp() >> 16) as u32;
                    heard = Some(Heard { ssrc: report.ssrc(), middle, at: now.at });
                    let about_us = report.report_blocks().filter(|b| b.ssrc() == sender.ssrc());
                    told = Some(about_us.map(|b| remote.learn(&b, now)).last());
                }
                Packet::Rr(report) => {
                    let about_us = report.report_blocks().filter(|b| b.ssrc() == sender.ssrc());
                    told = Some(about_us.map(|b| remote.learn(&b, now)).last());
                }
                Packet::Bye(_) => remote.said_bye = true,
                Packet::App(_)
                | Packet::Sdes(_)
                | Packet::TransportFeedback(_)
                | Packet::PayloadFeedback(_)
                | Packet::Unknown(_) => {}
                Packet::Xr(_) => remote.voip = VoipMetrics::read(bytes, sender.ssrc()).or(remote.voip),
            }
        }
        if let Some(newest) = told {
            remote.reports = remote.reports.saturating_add(1);
            let sent = sender.counts().packets;
            let (sent_before, newest_before) = self.told;
            // Between a few packets and its report there is the way.
            if newest.is_some() && newest != newest_before {
                remote.deaf_reports = 0;
                self.told = (sent, newest);
            } else if sent.wrapping_sub(sent_before) >= SENT_ENOUGH {
                remote.deaf_reports = remote.deaf_reports.saturating_add(1);
                self.told = (sent, newest.or(newest_before));
            }
        }
        self.remote = remote;
        self.heard = heard;
        Ok(())
    }

    /// What is known of the far end.
    #[must_use]
    pub const fn remote(&self) -> RemoteView {
        self.remote
    }
}

impl RemoteView {
    /// Answers the newest packet of ours that it received, with its wraps.
    fn learn(&mut self, block: &ReportBlock<'_>, now: Now) -> u32 {
        self.fraction_lost = Some(f32::from(block.fraction_lost()) / 256.0);
        // Sign of 24 bits.
        self.lost = Some((block.cumulative_lost() << 8).cast_signed() >> 8);
        self.jitter_ticks = Some(block.interarrival_jitter());
        let last = block.last_sender_report_timestamp();
        if last != 0 {
            let middle = (ntp(now.unix) >> 16) as u32;
            let trip = middle.wrapping_sub(last).wrapping_sub(block.delay_since_last_sender_report_timestamp());
            // Negative: clocks of coarse grain on a short way; above 60 s: a lie or a stepped clock.
            self.round_trip = match trip.cast_signed() {
                ..0 if trip.cast_signed() > -655 => Some(Duration::ZERO),
                0..3_932_160 => Some(Duration::from_nanos(u64::from(trip) * 1_000_000_000 / 65_536)),
                i32::MIN..0 | 3_932_160.. => self.round_trip,
            };
        }
        block.extended_sequence_number()
    }
}

/// NTP's 64 bits: seconds since 1900 and 2^-32 fractions (RFC 3550 §4).
const fn ntp(unix: UnixMs) -> u64 {
    let seconds = (unix.0 / 1_000).wrapping_add(NTP_EPOCH);
    let fraction = ((unix.0 % 1_000) << 32) / 1_000;
    (seconds << 32) | fraction
}

fn to_65536ths(span: Duration) -> u32 {
    u32::try_from(span.as_micros().saturating_mul(65_536) / 1_000_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Packet as Rtp;
    use proptest::prelude::*;

    #[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning; only differences are used")]
    fn start() -> Now {
        Now { at: Instant::now(), unix: UnixMs(1_790_000_000_123) }
    }

    #[test]
    fn two_ends_learn_their_round_trip_and_loss() {
        let begin = start();
        let at = |ms| begin.later(Duration::from_millis(ms));
        let (mut ours, mut theirs) = (Sender::new(1), Sender::new(2));
        let (mut our_ear, mut their_ear) = (Receiver::new(), Receiver::new());
        let mut us = Reporter::new("callflow@192.0.2.1", 1, begin.at);
        let mut they = Reporter::new("phone@192.0.2.2", 2, begin.at);
        let mut bytes = [0; 400];
        for n in 0..100_u64 {
            let now = at(n * 20).at;
            for (sender, ear, drops) in [(&mut ours, &mut their_ear, n % 10 == 5), (&mut theirs, &mut our_ear, false)] {
                let length = sender.write(0, &[0; 160], 160, now, &mut bytes);
                if !drops {
                    ear.receive(&Rtp::parse(&bytes[..length]).unwrap(), now);
                }
            }
        }
        assert_eq!(us.write(&ours, &mut our_ear, None, begin, &mut bytes), 0, "not due");
        // Our report takes 30 ms, they answer 1 s later, theirs takes 30 ms.
        let length = us.write(&ours, &mut our_ear, None, at(8_000), &mut bytes);
        assert_eq!(bytes[1], 200, "a sender report");
        they.handle(&bytes[..length], &theirs, at(8_030)).unwrap();
        let length = they.write(&theirs, &mut their_ear, None, at(9_030), &mut bytes);
        us.handle(&bytes[..length], &ours, at(9_060)).unwrap();
        let remote = us.remote();
        let trip = remote.round_trip.unwrap();
        assert!(trip.abs_diff(Duration::from_millis(60)) < Duration::from_millis(2), "{trip:?}");
        assert_eq!(remote.lost, Some(10));
        assert!((remote.fraction_lost.unwrap() - 0.1).abs() < 0.01);
        assert!(us.poll_timeout() >= at(10_500).at && us.poll_timeout() <= at(15_500).at);
        // Nothing sent since: a receiver report; then goodbye.
        us.write(&ours, &mut our_ear, None, at(20_000), &mut bytes);
        assert_eq!(bytes[1], 201);
        let length = us.write_bye(&ours, &mut our_ear, at(20_001), &mut bytes);
        they.handle(&bytes[..length], &theirs, at(20_031)).unwrap();
        assert!(they.remote().said_bye);
    }

    /// A report of oRTP 5.1.64 (Linphone's) to whom this exchange sent PCMU with 5 % lost on the way: SR, SDES, and three extended
    /// reports: receiver reference time, statistics summary, VoIP metrics.
    const ORTP: &str = "81c8000c0a0b0c0deeb26897a3afb7e90002bfc00000042f00029d60270be9ac0a00003c00005de3000000017e95b7ce000118f3\
        81ca00090a0b0c0d010f756e6b6e6f776e40756e6b6e6f776e060b6f5254502d352e312e36340000\
        80cf00040a0b0c0d04000002eeb26897a3afc8b0\
        80cf000b0a0b0c0d06e80009270be9ac5d585de4000000060000000000000000000000a0000000020000004540404000\
        80cf000a0a0b0c0d07000008270be9ac0d0000000000000000380000ecc47f10547f292ab00000500050ffff";

    #[test]
    fn what_another_stack_reports_of_us_is_understood() {
        let begin = start();
        let (mut us, ours) = (Reporter::new("us", 1, begin.at), Sender::new(1));
        let mut bytes: Vec<u8> = (0..ORTP.len() / 2).map(|at| u8::from_str_radix(&ORTP[2 * at..2 * at + 2], 16).unwrap()).collect();
        us.handle(&bytes, &ours, begin).unwrap();
        assert_eq!((us.remote().lost, us.remote().voip), (None, None), "about somebody else");
        for at in 0..bytes.len() - 3 {
            if bytes[at..at + 4] == 0x270b_e9ac_u32.to_be_bytes() {
                bytes[at..at + 4].copy_from_slice(&ours.ssrc().to_be_bytes());
            }
        }
        us.handle(&bytes, &ours, begin).unwrap();
        // As tshark 4.0 reads the same bytes.
        let remote = us.remote();
        assert_eq!((remote.fraction_lost, remote.lost, remote.jitter_ticks), (Some(10.0 / 256.0), Some(60), Some(1)));
        let wanted = VoipMetrics { loss: 13.0 / 256.0, round_trip_ms: 56, r_factor: Some(84), mos: Some(4.1), jitter_buffer_ms: (80, 80), ..VoipMetrics::default() };
        assert_eq!(remote.voip, Some(wanted));
    }

    #[test]
    fn a_far_end_that_hears_nothing_says_so_by_its_reports() {
        let begin = start();
        let at = |ms| begin.later(Duration::from_millis(ms));
        let (mut ours, theirs) = (Sender::new(1), Sender::new(2));
        let mut their_ear = Receiver::new();
        let mut us = Reporter::new("us", 1, begin.at);
        let mut they = Reporter::new("they", 2, begin.at);
        let mut bytes = [0; 400];
        let mut deaf = Vec::new();
        for n in 0..3_000_u64 {
            let length = ours.write(0, &[0; 160], 160, at(n * 20).at, &mut bytes);
            // It hears us from the tenth second to the thirtieth.
            if (500..1_500).contains(&n) {
                their_ear.receive(&Rtp::parse(&bytes[..length]).unwrap(), at(n * 20).at);
            }
            let voip = VoipMetrics { mos: Some(3.5), ..VoipMetrics::default() };
            let length = they.write(&theirs, &mut their_ear, Some(&voip), at(n * 20), &mut bytes);
            if length > 0 {
                us.handle(&bytes[..length], &ours, at(n * 20)).unwrap();
                deaf.push((n / 50, us.remote().deaf_reports, us.remote().voip.and_then(|voip| voip.mos)));
            }
        }
        let of = |from: u64, to: u64| deaf.iter().filter(|(s, ..)| (from..to).contains(s)).map(|(_, deaf, _)| *deaf).max();
        assert!(of(5, 10) >= Some(1) && of(20, 30) == Some(0) && of(45, 60) >= Some(2), "{deaf:?}");
        let told: Vec<_> = deaf.iter().map(|(_, _, mos)| *mos).collect();
        assert_eq!((told[0], told.last()), (None, Some(&Some(3.5))), "an account of us begins when we are heard");
    }

    #[test]
    fn m1_four_bytes_are_no_report() {
        let begin = start();
        let mut us = Reporter::new("x", 1, begin.at);
        for bytes in [&[][..], &[0x80], &[0x80, 200, 0, 0], &[0x81, 201, 0, 1, 0, 0, 0, 1], &[0; 4]] {
            assert_eq!(us.handle(bytes, &Sender::new(1), begin), Err(NotRtcp::Malformed), "{bytes:?}");
        }
        assert_eq!(us.remote(), RemoteView::default());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn any_bytes_are_read_without_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 200_u8..208) {
            let begin = start();
            let mut us = Reporter::new("x", 1, begin.at);
            let _ = us.handle(&bytes, &Sender::new(1), begin);
            // Nearer to a true one: right version, kind and length.
            let words = (bytes.len() / 4).max(1) - 1;
            bytes.truncate(bytes.len() / 4 * 4);
            if let [first, second, third, fourth, ..] = bytes.as_mut_slice() {
                (*first, *second, *third, *fourth) = (0x80 | (*first & 0x3f), kind, 0, words as u8);
            }
            let _ = us.handle(&bytes, &Sender::new(1), begin);
        }
    }
}
