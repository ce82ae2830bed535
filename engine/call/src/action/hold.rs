//! Waiting with music, which an announcement may interrupt.

use super::{Event, prompting::{Prompting, Said}};
use crate::desk::Desk;
use flow::PromptItem;
use media::Repeat;
use std::time::{Duration, Instant};
use terms::{LegId, Now, Text};

/// The music of whoever waits, when the flow names none.
pub(super) const HOLD_MUSIC: &str = "system/hold.wav";
/// When no music can be had, the ringing tone tells that the line lives; asked for in pieces of this length.
const LAST_RESORT: Duration = Duration::from_secs(6);

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Hold {
    music: Vec<PromptItem>,
    player: Prompting,
    part: Part,
}

/// What is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Music,
    Announcement,
    LastResort,
    Silence,
}

impl Hold {
    /// Begins with music; an empty list is the standard one.
    pub(super) fn start(music: &[PromptItem], desk: &mut Desk, now: Now) -> Self {
        let music = if music.is_empty() { vec![PromptItem::File(HOLD_MUSIC.into())] } else { music.to_vec() };
        let player = Prompting::start(&music, LegId::CALLER, Repeat::Forever, desk, now);
        Self { music, player, part: Part::Music }
    }

    /// Says something; then the music goes on.
    pub(super) fn say(&mut self, text: &Text, desk: &mut Desk, now: Now) {
        self.player.stop(desk, now);
        self.player = Prompting::tell(std::slice::from_ref(text), LegId::CALLER, desk, now);
        self.part = Part::Announcement;
    }

    /// Silence from now on.
    pub(super) fn stop(&mut self, desk: &mut Desk, now: Now) {
        self.player.stop(desk, now);
        self.part = Part::Silence;
    }

    /// Takes what concerns it.
    pub(super) fn handle(&mut self, event: &mut Event, desk: &mut Desk, now: Now) {
        if self.part == Part::Silence {
            return;
        }
        let said = self.player.handle(event, desk, now);
        match (self.part, said) {
            (_, Said::Going) | (Part::Silence, _) => {}
            (Part::Announcement, Said::Finished | Said::Failed) => {
                self.player = Prompting::start(&self.music, LegId::CALLER, Repeat::Forever, desk, now);
                self.part = Part::Music;
            }
            (Part::Music, Said::Failed) => {
                let tone = [PromptItem::Ring(LAST_RESORT)];
                self.player = Prompting::start(&tone, LegId::CALLER, Repeat::Forever, desk, now);
                self.part = Part::LastResort;
            }
            (Part::Music | Part::LastResort, Said::Finished) | (Part::LastResort, Said::Failed) => self.part = Part::Silence,
        }
    }

    /// When it decides by time.
    pub(super) const fn poll_timeout(&self) -> Option<Instant> {
        self.player.poll_timeout()
    }
}
