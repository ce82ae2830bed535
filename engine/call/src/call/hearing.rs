//! What a call makes of what its media tells: keys, ends of sounds, troubles of a leg; and whether its caller hears anything at all.

use super::{Call, Stage};
use crate::{
    action::Event,
    leg::Leg,
    quality::opinion,
    silence::{Act, Hearing},
    tape::Heard,
};
use media::{Hears, Playlist, Wire};
use terms::{Digit, KeyWay, LegId, Now};

impl Call {
    /// The mixer tells something.
    pub(super) fn heard(&mut self, event: media::Event, now: Now) {
        let Heard::NotMine(event) = self.desk.tape_hears(event, now) else { return };
        match event {
            media::Event::PlayerDone { id, end, .. } => self.tell(Event::Played(id, end), now),
            media::Event::Digit { leg, digit, way } => self.key(leg, digit, way, now),
            media::Event::DigitDropped { leg, way, why } => {
                let why = match why {
                    media::Dropped::SameAs(known) => format!("the one that came by {known}"),
                    media::Dropped::NotBelieved => format!("not taken: its dtmf is {}", self.desk.leg(leg).map(Leg::dtmf).unwrap_or_default().word()),
                };
                self.desk.note(now, format!("{leg}: a key by {way} is {why}"));
            }
            media::Event::DigitsSent { leg } => self.tell(Event::KeysSent(leg), now),
            media::Event::Recorded { id, samples } => self.tell(Event::Sound(id, samples), now),
            media::Event::SpeechStarted { id } => self.tell(Event::Speech(id), now),
            media::Event::RecordingDone { id, end, recorded } => self.tell(Event::Recorded(id, end, recorded), now),
            media::Event::Silent { leg, .. } => {
                self.desk.note(now, format!("{leg}: no RTP comes any more"));
                self.desk.with_leg(leg, |leg, out| leg.probe(now.at, out));
            }
            media::Event::Heard { leg } => {
                self.desk.note(now, format!("{leg}: RTP comes again"));
                self.desk.with_leg(leg, |leg, _| leg.heard());
            }
            media::Event::Latched { leg, to } => self.desk.note(now, format!("{leg}: its RTP comes from {to}")),
            media::Event::OneWay { leg, why } => {
                self.desk.note(now, why.map_or_else(|| format!("{leg}: sound goes both ways again"), |why| format!("{leg}: one-way audio: {why}")));
                self.desk.show_media(leg);
            }
            media::Event::Rated { leg, mos } => {
                self.desk.note(now, format!("{leg}: sounds {}", opinion(mos)));
                self.desk.show_media(leg);
            }
        }
    }

    /// A key was pressed. Which one is not written down: it may be of a PIN.
    fn key(&mut self, leg: LegId, digit: Digit, way: KeyWay, now: Now) {
        self.desk.note(now, format!("{leg}: a key by {way}"));
        let is_passed = self.desk.pass_key(leg, digit, way, now);
        if leg == LegId::CALLER {
            if !is_passed {
                self.desk.keyed(digit);
                self.tell(Event::Keyed, now);
            }
        } else {
            self.tell(Event::FarKey(leg, digit), now);
        }
    }

    /// Whoever it talks with in a room for two pressed a key.
    pub(crate) fn key_from_other(&mut self, digit: Digit, way: KeyWay, now: Now, wire: &mut dyn Wire) {
        if let Some(diary) = &mut self.desk.diary {
            diary.turn(bundle::Input::Key { key: digit.as_char(), way: way.to_string() }, now);
        }
        if self.desk.is_talking {
            self.desk.bring_key(LegId::CALLER, digit, way, now);
        }
        self.settle(now, wire);
    }

    /// No caller is left in silence that nobody meant, and no secret is recorded.
    pub(super) fn watch(&mut self, now: Now) {
        self.desk.keep_secret(self.is_secret(), now);
        let hearing = self.hearing();
        match self.silence.look(hearing, now.at) {
            Some(Act::Fill) => {
                let filler = self.desk.fillers.of(self.desk.tongue);
                let player = self.desk.play(LegId::CALLER, Playlist::looped(filler), now);
                self.silence.filling(player);
                let place = self.run.where_am_i();
                let why = if self.script.is_some() { "a script" } else { &*place.action };
                let limit = terms::spell_span(self.silence.limit());
                self.desk.note(now, format!("{}: nothing to hear for {limit} while {why} is waiting: a filler plays", place.state));
            }
            Some(Act::Stop(filler)) => self.desk.mixer.stop(filler, now.at),
            None => {}
        }
    }

    fn hearing(&mut self) -> Hearing {
        if !matches!(self.stage, Stage::Flowing) || !self.desk.can_hear() {
            return Hearing::Content;
        }
        match self.desk.hears(LegId::CALLER) {
            Hears::Unreachable | Hears::Others => Hearing::Content,
            _ if self.doing.as_ref().is_some_and(|action| action.means_silence()) => Hearing::Content,
            Hears::Player(id) => Hearing::Player(id),
            Hears::Nothing => Hearing::Nothing,
        }
    }
}
