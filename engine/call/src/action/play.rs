//! `say` and `play`: sounds to the caller, interrupted by a key or by speech where the flow allows it.

use super::{Action, Begun, Event, Progress, prompting::{Prompting, Said}};
use crate::desk::Desk;
use flow::BargeIn;
use media::{RecordSpec, RecorderId, Repeat, Source};
use std::time::Instant;
use terms::{LegId, Now};

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Play {
    prompting: Prompting,
    barge_in: BargeIn,
    /// Listens for speech; its sound is thrown away.
    ear: Option<RecorderId>,
}

impl Play {
    pub(super) fn begin(play: flow::Play, desk: &mut Desk, now: Now) -> Begun {
        desk.open_early(now);
        if is_by_key(play.barge_in) && !desk.digits.is_empty() {
            return Begun::At(Progress::done("interrupted"));
        }
        let repeat = if play.repeat == 0 { Repeat::Forever } else { Repeat::Times(play.repeat) };
        let ear = matches!(play.barge_in, BargeIn::Speech | BargeIn::Any)
            .then(|| desk.mixer.record(Source::leg(LegId::CALLER), RecordSpec::default(), now.at));
        let prompting = Prompting::start(&play.items, LegId::CALLER, repeat, desk, now);
        let action = Self { prompting, barge_in: play.barge_in, ear };
        match action.prompting.said() {
            Said::Going => Begun::Going(Box::new(action)),
            Said::Finished => Begun::At(Progress::done("done")),
            Said::Failed => Begun::At(Progress::done("failed")),
        }
    }

    fn interrupted(&mut self, desk: &mut Desk, now: Now) -> Progress {
        self.prompting.stop(desk, now);
        self.close(desk, now);
        Progress::done("interrupted")
    }

    fn close(&mut self, desk: &mut Desk, now: Now) {
        if let Some(ear) = self.ear.take() {
            desk.mixer.stop_recording(ear, now.at);
        }
    }
}

impl Action for Play {
    #[expect(clippy::wildcard_enum_match_arm, reason = "every action hears everything and takes only what is its own")]
    fn handle(&mut self, mut event: Event, desk: &mut Desk, now: Now) -> Progress {
        match event {
            Event::Keyed if is_by_key(self.barge_in) => return self.interrupted(desk, now),
            Event::Speech(id) if self.ear == Some(id) => return self.interrupted(desk, now),
            _ => {}
        }
        match self.prompting.handle(&mut event, desk, now) {
            Said::Going => Progress::Going,
            Said::Finished => {
                self.close(desk, now);
                Progress::done("done")
            }
            Said::Failed => {
                self.close(desk, now);
                Progress::done("failed")
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.prompting.poll_timeout()
    }
}

const fn is_by_key(barge_in: BargeIn) -> bool {
    matches!(barge_in, BargeIn::Keys | BargeIn::Any)
}
