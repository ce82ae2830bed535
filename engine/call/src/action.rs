//! Actions: what a call does for one effect of its flow, from its beginning to its outcome.
//!
//! One file an action; [`begin`] is the table. An action hears [`Event`]s and answers [`Progress`].

mod bridge;
mod collect;
mod conference;
mod errand;
mod hold;
mod keys;
mod mailbox;
mod menu;
mod park;
mod pause;
mod pickup;
mod play;
mod prompting;
mod question;
mod queue;
mod record_call;
mod naming;
mod recording;
mod refer;
mod talk;

use crate::{
    desk::Desk,
    door::{Answer, Ticket},
    leg::News,
};
use flow::{Effect, Outcome};
use media::{PlayerEnd, PlayerId, RecordEnd, Recorded, RecorderId};
use std::{fmt, time::Instant};
use terms::{Digit, LegId, Now};

/// Something happened while an action was being done.
#[derive(Debug)]
pub(crate) enum Event {
    /// The caller pressed a key: it waits in [`Desk::digits`].
    Keyed,
    /// Somebody else on the call pressed a key.
    FarKey(LegId, Digit),
    /// A player ended.
    Played(PlayerId, PlayerEnd),
    /// All keys of a `keys` were sent.
    KeysSent(LegId),
    /// Sound of a recorder.
    Sound(RecorderId, Vec<i16>),
    /// Speech began in a recorder.
    Speech(RecorderId),
    /// A recorder ended.
    Recorded(RecorderId, RecordEnd, Recorded),
    /// The recording of the whole call is over: safe on disk, or why not.
    TapeSaved(Result<(), String>),
    /// An errand is done.
    Answer(Ticket, Answer),
    /// A leg tells something. Refusals and ends of the caller's own leg are not told: see [`Action::caller_left`].
    Leg(LegId, News),
    /// A leg's sockets could not be opened.
    NoMedia(LegId),
    /// A deadline of [`Action::poll_timeout`] may have passed.
    Time,
}

/// How an action stands.
#[derive(Debug)]
pub(crate) enum Progress {
    /// It waits for more.
    Going,
    /// It is done.
    Done(Outcome),
    /// It failed in a way its outcomes do not name.
    Failed(String),
}

impl Progress {
    /// Done, with an outcome without result fields.
    pub(crate) fn done(name: &str) -> Self {
        Self::Done(Outcome::new(name))
    }
}

/// One action being done.
pub(crate) trait Action: Send + fmt::Debug {
    /// Something happened.
    fn handle(&mut self, event: Event, desk: &mut Desk, now: Now) -> Progress;
    /// When time decides next.
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
    /// Whether it is right that the caller hears nothing now: a pause, a recording, the wait for a key after a prompt. Else a
    /// filler plays before long.
    fn means_silence(&self) -> bool {
        false
    }
    /// Whether what is keyed in now must not be heard in a recording of the call.
    fn is_secret(&self) -> bool {
        false
    }
    /// The caller is gone. What must be kept is kept: `Going` when that takes a moment. The outcome is not told to the flow.
    fn caller_left(&mut self, desk: &mut Desk, now: Now) -> Progress {
        let _ = (desk, now);
        Progress::done("caller_left")
    }
}

/// What beginning an effect came to.
pub(crate) enum Begun {
    /// It takes a while.
    Going(Box<dyn Action>),
    /// It is done already.
    At(Progress),
    /// The flow wants the call over: with this status when the caller was never answered.
    End {
        /// SIP status.
        code: u16,
        /// Its reason phrase, if another than the usual.
        reason: Option<String>,
    },
}

/// The table of actions.
pub(crate) fn begin(effect: Effect, desk: &mut Desk, now: Now) -> Begun {
    match effect {
        Effect::Answer => {
            desk.answer_caller(now);
            Begun::At(Progress::done("done"))
        }
        Effect::Reject(reject) => Begun::End { code: reject.status, reason: reject.reason },
        Effect::Hangup => Begun::End { code: 480, reason: None },
        Effect::Play(play) => play::Play::begin(play, desk, now),
        Effect::Menu(menu) => menu::Menu::begin(menu, desk, now),
        Effect::Collect(collect) => collect::Collect::begin(collect, desk, now),
        Effect::Pause(span) => Begun::Going(Box::new(pause::Pause::new(span, now))),
        Effect::Keys(keys) => keys::Keys::begin(&keys.keys, desk, now),
        Effect::Bridge(bridge) => pickup::PickUp::begin(&bridge, desk, now).unwrap_or_else(|| bridge::Bridge::begin(bridge, desk, now)),
        Effect::Voicemail(voicemail) => recording::Recording::begin_message(voicemail, desk, now),
        Effect::Mailbox(mailbox) => mailbox::Listening::begin(&mailbox, desk, now),
        Effect::RecordCall(order) => record_call::begin(order, desk, now),
        Effect::Refer(refer) => refer::Refer::begin(&refer, desk, now),
        Effect::Record(record) => recording::Recording::begin_file(record, desk, now),
        Effect::Http(http) => errand::Fetch::begin(http, desk, now),
        Effect::Notify(notify) => errand::Post::begin(notify, desk, now),
        Effect::Conference(conference) => conference::Conference::begin(conference, desk, now),
        Effect::Park(park) => park::Park::begin(park, desk, now),
        Effect::Queue(queue) => queue::Queue::begin(queue, desk, now),
    }
}
