//! What breaks a silence nobody meant: for each language a sound that is in memory, so that it plays while disk, web and voices are stuck.

use audio::Prompt;
use std::sync::{Arc, OnceLock};
use terms::Tongue;

/// The fillers of an exchange, shared by its shards. At first there is one for all languages; whoever has a voice adds others. Which of
/// them plays decides nothing: a filler is looped until something else is heard.
#[derive(Debug)]
pub struct Fillers {
    standard: Arc<Prompt>,
    own: [OnceLock<Arc<Prompt>>; Tongue::ALL.len()],
}

impl Fillers {
    /// One sound for every language. It must itself be silent for less than [`Plan::silence`](crate::Plan) at a time.
    #[must_use]
    pub fn new(standard: Arc<Prompt>) -> Self {
        Self { standard, own: Default::default() }
    }

    /// Whether a language has a sound of its own.
    #[must_use]
    pub fn has(&self, tongue: Tongue) -> bool {
        self.slot(tongue).get().is_some()
    }

    /// Gives a language its own, encoded for every codec; the first that was given stays.
    pub fn add(&self, tongue: Tongue, sound: Arc<Prompt>) {
        let _ = self.slot(tongue).set(sound);
    }

    /// What a caller of this language hears.
    #[must_use]
    pub fn of(&self, tongue: Tongue) -> Arc<Prompt> {
        Arc::clone(self.slot(tongue).get().unwrap_or(&self.standard))
    }

    fn slot(&self, tongue: Tongue) -> &OnceLock<Arc<Prompt>> {
        let [english, german, french, spanish] = &self.own;
        tongue.pick([english, german, french, spanish])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::Pcm;

    #[test]
    fn each_language_has_its_own_filler_once_there_is_one() {
        let sound = |label: &str| Prompt::shared(label, &Pcm { rate: 8_000, samples: vec![1; 160] });
        let fillers = Fillers::new(sound("standard"));
        assert!(Tongue::ALL.iter().all(|tongue| fillers.of(*tongue).label() == "standard"));
        fillers.add(Tongue::German, sound("deutsch"));
        fillers.add(Tongue::German, sound("too late"));
        assert_eq!(Tongue::ALL.map(|tongue| fillers.of(tongue).label().to_owned()), ["standard", "deutsch", "standard", "standard"]);
        assert_eq!(Tongue::ALL.map(|tongue| fillers.has(tongue)), [false, true, false, false]);
    }
}
