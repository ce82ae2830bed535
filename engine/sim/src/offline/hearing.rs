//! What the caller hears: packets become sounds with a beginning and an end, and the silences between them are measured.

use super::voices::{Mark, Sound, Voices};
use std::time::{Duration, Instant};

/// Packets of one sound that are further apart are two hearings of it (chosen: three lost packets are one hearing still).
const GAP_MAX: Duration = Duration::from_millis(80);
/// How long one packet sounds.
const FRAME: Duration = Duration::from_millis(20);
/// Sounds kept of one call (chosen: an hour of prompts).
const HEARD_MAX: usize = 4_000;

/// One sound that was heard, or is being heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// What.
    pub sound: Sound,
    /// Since the call began.
    pub from: Duration,
    /// When its last packet was over, so far.
    pub until: Duration,
    /// How it stands.
    pub end: HeardEnd,
}

/// How a sound stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeardEnd {
    /// It may go on.
    Sounding,
    /// It was heard to its end.
    Whole,
    /// It stopped before its end.
    Stopped,
}

/// See the head of this file.
#[derive(Debug)]
pub(crate) struct Hearing {
    pub(crate) voices: Voices,
    began: Instant,
    heard: Vec<Heard>,
    /// The last of `heard`, while it sounds.
    now: Option<Sounding>,
    /// Silences, whatever their reason.
    all: Hush,
    /// Silences while nobody waits for the caller to press or say something.
    dead: Hush,
}

#[derive(Debug)]
struct Sounding {
    mark: Mark,
    frames: u32,
    last: Instant,
}

/// A silence: when it began, since the call did, and how long it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Silence {
    /// When it began.
    pub from: Duration,
    /// How long it was.
    pub length: Duration,
}

/// Measures silences of one kind.
#[derive(Debug)]
struct Hush {
    noise_until: Instant,
    longest: Silence,
}

impl Hush {
    fn measure(&mut self, began: Instant, now: Instant) {
        let length = now.saturating_duration_since(self.noise_until);
        if length > self.longest.length {
            self.longest = Silence { from: self.noise_until.saturating_duration_since(began), length };
        }
    }

    fn noise(&mut self, began: Instant, now: Instant, until: Instant) {
        self.measure(began, now);
        self.noise_until = self.noise_until.max(until);
    }
}

/// Why silence is as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excuse {
    /// There is none.
    Nothing,
    /// The flow waits for a key or a word, as long as its author said.
    Listening,
    /// Somebody else is to be heard, or the author wants it quiet: a talk, a recording, a pause, the telephone's own ringing.
    Meant,
}

impl Hearing {
    pub(crate) fn new(voices: Voices, began: Instant) -> Self {
        let hush = || Hush { noise_until: began, longest: Silence { from: Duration::ZERO, length: Duration::ZERO } };
        Self { voices, began, heard: Vec::new(), now: None, all: hush(), dead: hush() }
    }

    /// A packet reached the caller's ear.
    pub(crate) fn packet(&mut self, payload: &[u8], now: Instant) {
        let Some(mark) = Mark::read(payload) else { return };
        if !self.now.as_ref().is_some_and(|sounding| sounding.goes_on(mark, now)) {
            self.close();
            let Some((sound, frames)) = self.voices.said(mark) else { return };
            if self.heard.len() >= HEARD_MAX {
                return;
            }
            let from = now.saturating_duration_since(self.began);
            self.heard.push(Heard { sound, from, until: from, end: HeardEnd::Sounding });
            self.now = Some(Sounding { mark, frames, last: now });
        }
        if let (Some(sounding), Some(heard)) = (&mut self.now, self.heard.last_mut()) {
            sounding.mark = mark;
            sounding.last = now;
            heard.until = now.saturating_duration_since(self.began) + FRAME;
        }
        self.noise(now, now + FRAME);
    }

    /// The line is not silent from `now` to `until`.
    pub(crate) fn noise(&mut self, now: Instant, until: Instant) {
        self.all.noise(self.began, now, until);
        self.dead.noise(self.began, now, until);
    }

    /// Time passed, and silence had this excuse: a sound whose packets no longer come is over.
    pub(crate) fn settle(&mut self, now: Instant, excuse: Excuse) {
        if self.now.as_ref().is_some_and(|sounding| now.saturating_duration_since(sounding.last) > GAP_MAX) {
            self.close();
        }
        match excuse {
            Excuse::Meant => {
                self.all.noise_until = self.all.noise_until.max(now);
                self.dead.noise_until = self.dead.noise_until.max(now);
            }
            Excuse::Listening => self.dead.noise_until = self.dead.noise_until.max(now),
            Excuse::Nothing => {}
        }
        self.all.measure(self.began, now);
        self.dead.measure(self.began, now);
    }

    /// The call is over: nothing sounds any more.
    pub(crate) fn close(&mut self) {
        if let (Some(sounding), Some(heard)) = (self.now.take(), self.heard.last_mut()) {
            heard.end = if sounding.is_at_its_end() { HeardEnd::Whole } else { HeardEnd::Stopped };
        }
    }

    pub(crate) fn heard(&self) -> &[Heard] {
        &self.heard
    }

    /// What sounds at this moment.
    pub(crate) fn sounding(&self, now: Instant) -> Option<&Heard> {
        let sounding = self.now.as_ref()?;
        (now.saturating_duration_since(sounding.last) <= FRAME).then(|| self.heard.last()).flatten()
    }

    /// The longest silence, whatever its reason but a meant one.
    pub(crate) const fn longest(&self) -> Silence {
        self.all.longest
    }

    /// The longest silence in which nobody even waited for the caller.
    pub(crate) const fn longest_dead(&self) -> Silence {
        self.dead.longest
    }
}

impl Sounding {
    /// Whether this packet belongs to it: a later one of the same sound, or its beginning again at once (a loop).
    fn goes_on(&self, mark: Mark, now: Instant) -> bool {
        self.mark.prompt == mark.prompt
            && now.saturating_duration_since(self.last) <= GAP_MAX
            && (mark.frame > self.mark.frame || (mark.frame == 0 && self.is_at_its_end()))
    }

    const fn is_at_its_end(&self) -> bool {
        self.mark.frame + 1 >= self.frames
    }
}
