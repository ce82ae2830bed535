//! Sounds kept ready to be played, within a bound: what was asked for longest ago goes first.

use audio::Prompt;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Prompts by name, at most so many bytes of them.
pub(super) struct Shelf {
    bytes_max: u64,
    bytes: u64,
    /// Counts every look; the smallest is the oldest.
    clock: u64,
    places: HashMap<String, Place>,
    by_use: BTreeMap<u64, String>,
}

struct Place {
    prompt: Arc<Prompt>,
    bytes: u64,
    used: u64,
}

impl Shelf {
    /// An empty shelf for that many bytes of sound (decoded and encoded).
    pub(super) fn new(bytes_max: u64) -> Self {
        Self { bytes_max, bytes: 0, clock: 0, places: HashMap::new(), by_use: BTreeMap::new() }
    }

    /// A sound, which is now the newest.
    pub(super) fn get(&mut self, name: &str) -> Option<Arc<Prompt>> {
        let place = self.places.get_mut(name)?;
        self.clock += 1;
        if let Some(name) = self.by_use.remove(&place.used) {
            self.by_use.insert(self.clock, name);
        }
        place.used = self.clock;
        Some(Arc::clone(&place.prompt))
    }

    /// Keeps a sound in place of what had its name; the oldest others go. One that is larger than the whole shelf is not kept.
    /// It must have been encoded: its weight is taken now.
    pub(super) fn put(&mut self, name: String, prompt: Arc<Prompt>) {
        self.remove(&name);
        let bytes = prompt.memory_bytes() as u64;
        if bytes > self.bytes_max {
            return;
        }
        while self.bytes + bytes > self.bytes_max {
            let Some((_, oldest)) = self.by_use.pop_first() else { break };
            self.remove(&oldest);
        }
        self.clock += 1;
        self.bytes += bytes;
        self.by_use.insert(self.clock, name.clone());
        self.places.insert(name, Place { prompt, bytes, used: self.clock });
    }

    fn remove(&mut self, name: &str) {
        if let Some(place) = self.places.remove(name) {
            self.bytes -= place.bytes;
            self.by_use.remove(&place.used);
        }
    }

    /// Takes everything off.
    pub(super) fn clear(&mut self) {
        self.places.clear();
        self.by_use.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::Pcm;

    fn sound(seconds: usize) -> Arc<Prompt> {
        let prompt = Prompt::shared("x", &Pcm { rate: 8_000, samples: vec![1; 8_000 * seconds] });
        prompt.prepare(terms::Codec::Pcmu);
        prompt
    }

    #[test]
    fn the_least_asked_for_goes_when_room_is_short() {
        let one = sound(1).memory_bytes() as u64;
        let mut shelf = Shelf::new(one * 3 + one / 2);
        for name in ["a", "b", "c"] {
            shelf.put(name.into(), sound(1));
        }
        assert!(shelf.get("a").is_some());
        shelf.put("d".into(), sound(1));
        let there = |shelf: &mut Shelf| ["a", "b", "c", "d"].map(|name| shelf.get(name).is_some());
        assert_eq!(there(&mut shelf), [true, false, true, true]);
        // Two at once for one large; the same name again takes no second place.
        shelf.put("big".into(), sound(2));
        assert_eq!(there(&mut shelf), [false, false, false, true]);
        shelf.put("big".into(), sound(2));
        assert!(shelf.bytes <= shelf.bytes_max && shelf.places.len() == 2 && shelf.by_use.len() == 2);
        shelf.put("huge".into(), sound(9));
        assert!(shelf.get("huge").is_none() && shelf.get("big").is_some(), "too large to be kept, and nothing goes for it");
        shelf.clear();
        assert!(shelf.get("big").is_none() && shelf.bytes == 0);
    }
}
