//! The 20 ms of a call: what is heard is decoded, transcoded and recorded; then every leg is sent what is due.
//!
//! Where sound is only recorded, nobody waits for it: its slots are made up for when a packet comes or an order is given that would
//! change them, before it does, and else two slots late. They come out the same, and most of what a tick touches is at hand when a
//! packet was just taken in.

use crate::{
    Mixer, Wire,
    limits::{CATCH_UP_MAX, FRAME},
    mixer::Queued,
    recorder::Recorder,
    stream::Stream,
};
use std::time::Instant;

impl Mixer {
    /// Reads a word of each place that a tick or a packet touches. For many mixers in a row, before their turns: the processor then waits
    /// for their memory side by side and not one after another.
    pub fn fetch_memory(&self) {
        let streams = self.streams.iter().map(Stream::words).fold(0, u64::wrapping_add);
        let recorders = self.recorders.iter().map(Recorder::words).fold(0, u64::wrapping_add);
        std::hint::black_box(streams ^ recorders);
    }

    /// A word of the mixer itself: to be asked of many in a row, before [`Mixer::fetch_memory`] follows what stands there.
    #[must_use]
    pub const fn glance(&self) -> usize {
        self.streams.len()
    }

    /// Does all that is due; harmless when early.
    pub fn tick(&mut self, now: Instant, wire: &mut dyn Wire) {
        self.hear(now, wire);
        for at in 0..self.streams.len() {
            self.speak(at, now, wire);
            let clock = self.clock(now);
            if let Some(event) = self.streams[at].chores(clock, wire) {
                self.tell(event);
            }
        }
    }

    /// Decodes 20 ms of every leg that somebody listens to, once for every 20 ms that passed.
    fn hear(&mut self, now: Instant, wire: &mut dyn Wire) {
        self.catch_up(now);
        let mut sent = 0;
        while let Some(slot) = self.ears_due.filter(|due| *due <= now) {
            self.ears_due = Some(slot + FRAME);
            self.hear_slot(slot, (sent < CATCH_UP_MAX).then_some((now, &mut *wire)));
            sent += 1;
        }
    }

    /// Makes up for the slots of sound that is only recorded: to be called before anything changes what they are.
    pub(crate) fn catch_up(&mut self, now: Instant) {
        while let Some(slot) = self.ears_due.filter(|due| self.is_patient && *due <= now) {
            self.ears_due = Some(slot + FRAME);
            self.hear_slot(slot, None);
        }
    }

    /// Decodes the 20 ms of `slot`; what is transcoded goes on by the wire, if there is one.
    pub(crate) fn hear_slot(&mut self, slot: Instant, mut goes_on: Option<(Instant, &mut dyn Wire)>) {
        for at in 0..self.streams.len() {
            let stream = &mut self.streams[at];
            if let Some(monitor) = &mut stream.monitor {
                monitor.turn();
            }
            let receive = &stream.setup.receive;
            let Some(ear) = &mut stream.ear else { continue };
            ear.listen(slot, |payload_type| receive.iter().find(|(known, _)| *known == payload_type).map(|(_, codec)| *codec));
            if let Some((now, wire)) = &mut goes_on {
                self.transcode(at, slot, *now, *wire);
            }
        }
        self.record_frame();
    }

    fn record_frame(&mut self) {
        let (streams, events) = (&self.streams, &mut self.events);
        for recorder in self.recorders.iter_mut().filter(|recorder| !recorder.ended) {
            let step = recorder.frame(streams);
            if step.speech {
                events.push_back(Queued::Speech(recorder.id));
            }
            if let Some(end) = step.end {
                recorder.ended = true;
                events.push_back(Queued::RecorderEnded(recorder.id, end));
            } else if step.chunk {
                events.push_back(Queued::Sound(recorder.id));
            }
        }
    }

    /// Sends what players and keys have for the slots that are due: at most three at once, the rest later.
    fn speak(&mut self, at: usize, now: Instant, wire: &mut dyn Wire) {
        let mut sent = 0;
        while let Some(slot) = self.streams[at].due.filter(|due| *due <= now) {
            if sent == CATCH_UP_MAX {
                let behind = now.saturating_duration_since(slot).as_nanos() / FRAME.as_nanos() + 1;
                self.streams[at].due = Some(slot + FRAME * u32::try_from(behind).unwrap_or(u32::MAX));
                return;
            }
            if sent == 0 && now.saturating_duration_since(slot) >= FRAME {
                self.streams[at].late_ticks += 1;
            }
            sent += 1;
            if let Some(event) = self.streams[at].slot(slot, now, wire) {
                self.tell(event);
            }
        }
    }
}
