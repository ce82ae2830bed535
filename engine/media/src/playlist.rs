//! What a player plays.

use audio::Prompt;
use std::{sync::Arc, time::Duration};

/// One thing after another, once, several times or for ever.
#[derive(Clone, Debug, Default)]
pub struct Playlist {
    /// In order. An empty list is done at once.
    pub items: Vec<Item>,
    /// How often the whole list is played.
    pub repeat: Repeat,
}

/// One element of a [`Playlist`].
#[derive(Clone, Debug)]
pub enum Item {
    /// Shared sound.
    Prompt(Arc<Prompt>),
    /// Shared sound from a position on, in whole frames of 20 ms.
    Part(Arc<Prompt>, Duration),
    /// Quiet, in whole frames of 20 ms (rounded up).
    Silence(Duration),
}

/// How often a playlist is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// That many times in all; 0 and 1 both mean once.
    Times(u32),
    /// Until stopped.
    Forever,
}

impl Default for Repeat {
    fn default() -> Self {
        Self::Times(1)
    }
}

impl Playlist {
    /// One prompt, once.
    #[must_use]
    pub fn once(prompt: Arc<Prompt>) -> Self {
        Self { items: vec![Item::Prompt(prompt)], repeat: Repeat::Times(1) }
    }
    /// One prompt for ever: ringback, hold music.
    #[must_use]
    pub fn looped(prompt: Arc<Prompt>) -> Self {
        Self { items: vec![Item::Prompt(prompt)], repeat: Repeat::Forever }
    }
}
