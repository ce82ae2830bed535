//! A disk in memory: bindings, recordings and messages, with what a crash leaves of them.

use crate::{dice::Dice, limits::LEFT_OVER_MIN};
use call::{Disposition, Ticket};
use std::{collections::BTreeMap, time::Duration};
use switchboard::Row;
use terms::{CallId, MessageId, Name, UnixMs};
use voicemail::{Caller, Entry, Envelope, Pin, PinGuard, PinTry, PinVerdict, Waiting};

/// Something the disk was asked and will have done after a while.
#[derive(Debug)]
pub(crate) enum Job {
    /// Keep exactly these rows.
    Bindings { ticket: switchboard::Ticket, connection: Name, rows: Vec<Row> },
    /// End a recording.
    Finish { shard: usize, call: CallId, ticket: Ticket, id: MessageId, disposition: Disposition },
}

/// A recording in progress.
#[derive(Debug)]
struct Recording {
    /// Samples a second of all channels.
    rate: u32,
    samples: u64,
    /// The samples themselves, of plain recordings: tests listen to them.
    sound: Vec<i16>,
    envelope: Option<Box<Envelope>>,
    notify: Option<String>,
    ending: bool,
}

/// A message that is safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) mailbox: Name,
    pub(crate) length: Duration,
    pub(crate) partial: bool,
    pub(crate) heard: bool,
    pub(crate) caller: Caller,
    pub(crate) began: UnixMs,
}

/// A plain recording that is safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptFile {
    pub(crate) length: Duration,
    pub(crate) partial: bool,
    /// The webhook told of it.
    pub(crate) notify: Option<String>,
    /// All samples, those of two channels in turn.
    pub(crate) sound: Vec<i16>,
}

/// See the head of this file.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    bindings: BTreeMap<Name, Vec<Row>>,
    open: BTreeMap<MessageId, Recording>,
    pub(crate) messages: BTreeMap<MessageId, Kept>,
    pub(crate) files: BTreeMap<MessageId, KeptFile>,
    /// Wrong PINs of each mailbox.
    pins: BTreeMap<Name, PinGuard>,
    /// What it was asked that cannot be.
    pub(crate) faults: Vec<String>,
}

impl Disk {
    pub(crate) fn rows(&self) -> Vec<Row> {
        self.bindings.values().flatten().cloned().collect()
    }

    pub(crate) fn keep(&mut self, connection: Name, rows: Vec<Row>) {
        self.bindings.insert(connection, rows);
    }

    /// Messages of a mailbox, recordings in progress included.
    pub(crate) fn count(&self, mailbox: &Name) -> u32 {
        let kept = self.messages.values().filter(|kept| kept.mailbox == *mailbox).count();
        let open = self.open.values().filter(|recording| recording.envelope.as_ref().is_some_and(|e| e.mailbox == *mailbox)).count();
        u32::try_from(kept + open).unwrap_or(u32::MAX)
    }

    /// New and old messages of a mailbox.
    pub(crate) fn waiting(&self, mailbox: &Name) -> Waiting {
        let own = || self.messages.values().filter(|kept| kept.mailbox == *mailbox);
        let count = |heard: bool| u32::try_from(own().filter(|kept| kept.heard == heard).count()).unwrap_or(u32::MAX);
        Waiting { new: count(false), old: count(true) }
    }

    /// Messages of a mailbox, for who listens.
    pub(crate) fn entries(&self, mailbox: &Name) -> Vec<Entry> {
        let own = self.messages.iter().filter(|(_, kept)| kept.mailbox == *mailbox);
        own.map(|(id, kept)| Entry { id: *id, caller: kept.caller.clone(), began: kept.began, length: kept.length, heard: kept.heard }).collect()
    }

    /// Looks at a PIN, unless too many were wrong of late.
    pub(crate) fn try_pin(&mut self, mailbox: &Name, pin: &Pin, keyed: &str, now: UnixMs) -> PinVerdict {
        let guard = self.pins.entry(mailbox.clone()).or_default();
        match guard.attempt(now) {
            PinTry::Locked { .. } => PinVerdict::Locked,
            PinTry::Allowed if pin.is(keyed) => {
                guard.right();
                PinVerdict::Right
            }
            PinTry::Allowed => PinVerdict::Wrong,
        }
    }

    pub(crate) fn begin(&mut self, id: MessageId, rate: u32, envelope: Option<Box<Envelope>>, notify: Option<String>) {
        if self.open.insert(id, Recording { rate, samples: 0, sound: Vec::new(), envelope, notify, ending: false }).is_some() {
            self.faults.push(format!("recording {id} was begun twice"));
        }
    }

    pub(crate) fn append(&mut self, id: MessageId, samples: &[i16]) {
        match self.open.get_mut(&id) {
            Some(recording) if !recording.ending => {
                recording.samples += samples.len() as u64;
                if recording.envelope.is_none() {
                    recording.sound.extend_from_slice(samples);
                }
            }
            Some(_) => self.faults.push(format!("sound for recording {id} after its end")),
            None => self.faults.push(format!("sound for recording {id}, which was not begun")),
        }
    }

    /// No more sound comes.
    pub(crate) fn ending(&mut self, id: MessageId) {
        match self.open.get_mut(&id) {
            Some(recording) if !recording.ending => recording.ending = true,
            Some(_) => self.faults.push(format!("recording {id} was ended twice")),
            None => self.faults.push(format!("recording {id} was ended without having begun")),
        }
    }

    /// The end of a recording is safe; what the caller is told.
    pub(crate) fn finish(&mut self, id: MessageId, disposition: Disposition) -> Option<String> {
        let recording = self.open.remove(&id)?;
        match disposition {
            Disposition::Discard => None,
            Disposition::Keep { from, until, loudness: _, format: _ } => {
                let length = until.map_or(recording.length(), |until| until.min(recording.length())).saturating_sub(from);
                self.files.insert(id, KeptFile { length, partial: false, notify: recording.notify, sound: recording.sound });
                Some(format!("{id}.wav"))
            }
            Disposition::Message(draft) => {
                let recorded = recording.length();
                if draft.from + draft.length > recorded + Duration::from_millis(20) {
                    self.faults.push(format!("message {id} claims {:?} but {recorded:?} were written", draft.length));
                }
                self.messages.insert(id, kept(draft.envelope, draft.length, draft.partial));
                None
            }
        }
    }

    /// Recordings begun and not ended.
    pub(crate) fn open_now(&self) -> impl Iterator<Item = MessageId> {
        self.open.keys().copied()
    }

    /// What a start does with what a crash left: the last second may be lost, the rest becomes partial messages.
    pub(crate) fn recover(&mut self, dice: &mut Dice) -> usize {
        let left = std::mem::take(&mut self.open);
        let mut partial = 0;
        for (id, mut recording) in left {
            recording.samples = recording.samples.saturating_sub(dice.below(u64::from(recording.rate)));
            let length = recording.length();
            if length < LEFT_OVER_MIN {
                continue;
            }
            partial += 1;
            match recording.envelope {
                Some(envelope) => drop(self.messages.insert(id, kept(*envelope, length, true))),
                None => drop(self.files.insert(id, KeptFile { length, partial: true, notify: recording.notify, sound: recording.sound })),
            }
        }
        partial
    }
}

fn kept(envelope: Envelope, length: Duration, partial: bool) -> Kept {
    Kept { mailbox: envelope.mailbox, length, partial, heard: false, caller: envelope.caller, began: envelope.began }
}

impl Recording {
    fn length(&self) -> Duration {
        Duration::from_micros(self.samples * 1_000_000 / u64::from(self.rate.max(1)))
    }
}
