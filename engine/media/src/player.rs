//! A playlist being played: shared encoded frames, one after another.

use crate::{Item, PlayerId, Playlist, Repeat, limits::FRAME};
use audio::silence_frame;
use terms::Codec;

/// Whose end is told, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A player the room above started.
    Play(PlayerId),
    /// Keys sent as tones, for a peer without telephone events.
    Keys,
}

/// Where a playlist is.
#[derive(Debug)]
pub(crate) struct Player {
    pub(crate) purpose: Purpose,
    items: Vec<Item>,
    repeat: Repeat,
    item: usize,
    frame: usize,
}

impl Player {
    pub(crate) fn new(purpose: Purpose, playlist: Playlist) -> Self {
        Self { purpose, items: playlist.items, repeat: playlist.repeat, item: 0, frame: 0 }
    }

    /// Encodes what was never encoded for this codec, so that no tick has to.
    pub(crate) fn prepare(&self, codec: Codec) {
        for item in &self.items {
            if let Item::Prompt(prompt) | Item::Part(prompt, _) = item {
                prompt.prepare(codec);
            }
        }
    }

    /// The next 20 ms; `None` when all is played. A list that holds no sound at all ends, even looped.
    pub(crate) fn next(&mut self, codec: Codec) -> Option<&[u8]> {
        let mut barren = 0;
        loop {
            match self.items.get(self.item) {
                Some(item) if self.frame < frames_of(item) => break,
                Some(_) => {
                    self.item += 1;
                    self.frame = 0;
                    barren += 1;
                }
                None if barren > self.items.len() || self.items.is_empty() => return None,
                None => {
                    self.repeat = match self.repeat {
                        Repeat::Times(0 | 1) => return None,
                        Repeat::Times(times) => Repeat::Times(times - 1),
                        Repeat::Forever => Repeat::Forever,
                    };
                    self.item = 0;
                    self.frame = 0;
                }
            }
        }
        let skipped = match self.items.get(self.item)? {
            Item::Part(_, from) => frames_in(*from),
            Item::Prompt(_) | Item::Silence(_) => 0,
        };
        let at = (skipped + self.frame) * codec.frame_bytes();
        self.frame += 1;
        match self.items.get(self.item)? {
            Item::Prompt(prompt) | Item::Part(prompt, _) => prompt.frames(codec).get(at..at + codec.frame_bytes()),
            Item::Silence(_) => Some(silence_frame(codec)),
        }
    }
}

fn frames_of(item: &Item) -> usize {
    match item {
        Item::Prompt(prompt) => prompt.frame_count(),
        Item::Part(prompt, from) => prompt.frame_count().saturating_sub(frames_in(*from)),
        Item::Silence(length) => length.as_millis().div_ceil(FRAME.as_millis()).min(usize::MAX as u128) as usize,
    }
}

/// Whole frames in a span, at most a day's.
fn frames_in(span: std::time::Duration) -> usize {
    (span.as_millis() / FRAME.as_millis()).min(86_400 * 50) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::{Pcm, Prompt};
    use std::{sync::Arc, time::Duration};

    fn count(items: Vec<Item>, repeat: Repeat) -> usize {
        let mut player = Player::new(Purpose::Keys, Playlist { items, repeat });
        (0..1_000).take_while(|_| player.next(Codec::Pcmu).is_some()).count()
    }

    #[test]
    fn lists_end_when_they_should() {
        let prompt = || Item::Prompt(Prompt::shared("x", &Pcm { rate: 8_000, samples: vec![1; 480] }));
        let nothing = || Item::Prompt(Arc::new(Prompt::new("", &Pcm { rate: 8_000, samples: Vec::new() })));
        let silence = Item::Silence(Duration::from_millis(30));
        assert_eq!(count(vec![], Repeat::Forever), 0);
        assert_eq!(count(vec![nothing(), nothing()], Repeat::Forever), 0);
        assert_eq!(count(vec![prompt()], Repeat::Times(0)), 3);
        assert_eq!(count(vec![prompt(), nothing(), silence, prompt()], Repeat::Times(2)), 16);
        assert_eq!(count(vec![nothing(), prompt()], Repeat::Forever), 1_000);
        let part = |ms| match prompt() {
            Item::Prompt(prompt) => Item::Part(prompt, Duration::from_millis(ms)),
            other @ (Item::Part(..) | Item::Silence(_)) => other,
        };
        assert_eq!([0, 20, 59, 60, 9_000].map(|ms| count(vec![part(ms)], Repeat::Times(1))), [3, 2, 1, 0, 0]);
    }
}
