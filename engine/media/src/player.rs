//! A playlist being played: shared encoded frames, one after another.

use crate::{
    Item, PlayerId, Playlist, Repeat,
    limits::{FRAME, KEYS_WAITING_MAX, PACKET_MS_MAX},
};
use audio::silence;
use std::time::Duration;
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
    /// How far into the item, milliseconds, in tens.
    at_ms: u32,
}

impl Player {
    pub(crate) fn new(purpose: Purpose, playlist: Playlist) -> Self {
        Self { purpose, items: playlist.items, repeat: playlist.repeat, item: 0, at_ms: 0 }
    }

    /// Puts a sound behind all others; one too many is left out.
    pub(crate) fn add(&mut self, item: Item) {
        if self.items.len() - self.item.min(self.items.len()) < KEYS_WAITING_MAX {
            self.items.push(item);
        }
    }

    /// Encodes what was never encoded for this codec, so that no tick has to.
    pub(crate) fn prepare(&self, codec: Codec) {
        for item in &self.items {
            if let Item::Prompt(prompt) | Item::Part(prompt, _) = item {
                prompt.prepare(codec);
            }
        }
    }

    /// A word of each place that [`Player::next`] touches.
    pub(crate) fn words(&self) -> u64 {
        let first = self.items.first().map_or(0, |item| u64::from(matches!(item, Item::Silence(_))));
        first ^ u64::from(self.at_ms)
    }

    /// The next packet's payload, of at most `most_ms` (10–60), and how many milliseconds it lasts; `None` when all is played.
    /// A list that holds no sound at all ends, even looped. Frames that must be joined are in `scratch`.
    pub(crate) fn next<'a>(&'a mut self, codec: Codec, most_ms: u16, scratch: &'a mut [u8]) -> Option<(&'a [u8], u16)> {
        let mut barren = 0;
        loop {
            match self.items.get(self.item) {
                Some(item) if self.at_ms < length_ms(item) => break,
                Some(_) => {
                    self.item += 1;
                    self.at_ms = 0;
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
                    self.at_ms = 0;
                }
            }
        }
        let item = self.items.get(self.item)?;
        let most_ms = most_ms.min(PACKET_MS_MAX);
        let (payload, ms) = match item {
            Item::Prompt(prompt) => prompt.packet(codec, self.at_ms, most_ms, scratch)?,
            Item::Part(prompt, from) => prompt.packet(codec, whole_ms(frames_in(*from)) + self.at_ms, most_ms, scratch)?,
            Item::Silence(_) => silence(codec, (length_ms(item) - self.at_ms).min(u32::from(most_ms)) as u16),
        };
        self.at_ms += u32::from(ms);
        Some((payload, ms))
    }
}

/// Whole frames of 20 ms.
fn length_ms(item: &Item) -> u32 {
    whole_ms(match item {
        Item::Prompt(prompt) => prompt.frame_count() as u128,
        Item::Part(prompt, from) => (prompt.frame_count() as u128).saturating_sub(frames_in(*from)),
        Item::Silence(length) => length.as_millis().div_ceil(FRAME.as_millis()),
    })
}

/// Whole frames in a span.
const fn frames_in(span: Duration) -> u128 {
    span.as_millis() / FRAME.as_millis()
}

fn whole_ms(frames: u128) -> u32 {
    u32::try_from(frames * FRAME.as_millis()).unwrap_or(u32::MAX - u32::from(PACKET_MS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::{Pcm, Prompt};
    use std::sync::Arc;

    fn count(items: Vec<Item>, repeat: Repeat) -> usize {
        let mut player = Player::new(Purpose::Keys, Playlist { items, repeat });
        (0..1_000).take_while(|_| player.next(Codec::Pcmu, 20, &mut []).is_some()).count()
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

    #[test]
    fn packets_of_any_length_add_up_to_the_list() {
        let items = || vec![Item::Silence(Duration::from_millis(70)), Item::Prompt(Prompt::shared("x", &Pcm { rate: 8_000, samples: vec![1; 800] }))];
        for codec in Codec::ALL {
            for most in [10, 20, 30, 40, 50, 60] {
                let mut player = Player::new(Purpose::Keys, Playlist { items: items(), repeat: Repeat::Times(2) });
                player.prepare(codec);
                let mut scratch = [0; 1_024];
                let mut total = 0;
                while let Some((payload, ms)) = player.next(codec, codec.packet_ms(most), &mut scratch) {
                    assert!(!payload.is_empty() && ms <= 60);
                    total += ms;
                }
                assert_eq!(total, 2 * (80 + 100), "{codec} {most}");
            }
        }
    }
}
