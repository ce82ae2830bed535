//! Prompts without a voice: every text and file is a tone of its own, about as long as it would take to say.

use audio::{Pcm, Prompt, tone};
use flow::{PromptItem, Tone};
use terms::MessageId;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// The lowest tone, Hz.
const LOWEST_HZ: f32 = 320.0;
/// Each tone is higher than the one before by this much: wider than the ±3 % a phone measures.
const STEP: f32 = 1.07;
/// Tones there are; the next text takes the first again. All but those near the beep's 1 kHz, up to 2.2 kHz.
const TONES: usize = 28;
/// Time a character takes to say.
const A_CHARACTER: Duration = Duration::from_millis(30);
/// The shortest and the longest sound.
const SHORTEST: Duration = Duration::from_millis(400);
const LONGEST: Duration = Duration::from_millis(2_400);

/// All sounds of one world, by what is said.
#[derive(Debug, Default)]
pub struct Sounds {
    shelf: BTreeMap<String, Arc<Prompt>>,
    tones: Vec<(u32, String)>,
}

impl Sounds {
    /// Whether a sound was made before (the exchange's shelf).
    pub(crate) fn has(&self, item: &PromptItem) -> bool {
        self.shelf.contains_key(&key(item))
    }

    /// The sound of an item.
    pub(crate) fn make(&mut self, item: &PromptItem) -> Arc<Prompt> {
        let key = key(item);
        if let Some(prompt) = self.shelf.get(&key) {
            return Arc::clone(prompt);
        }
        let prompt = match item {
            PromptItem::Say(say) => self.spoken(&say.text),
            PromptItem::File(name) => self.spoken(name),
            PromptItem::Url(url) => self.spoken(url),
            PromptItem::Tone(Tone::Beep) => tone::beep(),
            PromptItem::Tone(Tone::Busy | Tone::Congestion) => tone::Country::parse("gb").unwrap_or_default().tone(tone::Signal::Busy),
            PromptItem::Tone(Tone::Dial) => Prompt::shared("dial tone", &tone::sine(425.0, Duration::from_secs(2), -13.0)),
            PromptItem::Ring(_) => tone::Country::parse("gb").unwrap_or_default().tone(tone::Signal::Ringback),
            PromptItem::Silence(span) => Arc::new(tone::silence(*span)),
        };
        self.shelf.insert(key, Arc::clone(&prompt));
        prompt
    }

    /// The sound of a message: a tone that stands for its id.
    pub(crate) fn message(&mut self, id: MessageId, length: Duration) -> Arc<Prompt> {
        let text = format!("message {id}");
        let hz = self.tones.iter().find(|(_, known)| *known == text).map(|(hz, _)| *hz);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a few thousand at most")]
        let hz = hz.unwrap_or_else(|| {
            let hz = frequency(self.tones.len() % TONES) as u32;
            self.tones.push((hz, text));
            hz
        }) as f32;
        Prompt::shared("message", &Pcm { rate: 8_000, samples: sine(hz, length) })
    }

    /// What is said by a tone of this frequency, if any text has it (±3 %).
    #[must_use]
    pub fn said_by(&self, hz: u32) -> Option<&str> {
        let near = |tone: &&(u32, String)| tone.0.abs_diff(hz) * 100 <= tone.0 * 3;
        self.tones.iter().rev().find(near).map(|(_, text)| text.as_str())
    }

    fn spoken(&mut self, text: &str) -> Arc<Prompt> {
        let hz = frequency(self.tones.len() % TONES);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand at most")]
        self.tones.push((hz as u32, text.to_owned()));
        let characters = u32::try_from(text.chars().count()).unwrap_or(u32::MAX).min(1_000);
        let length = (A_CHARACTER * characters).clamp(SHORTEST, LONGEST);
        let mut pcm = Pcm { rate: 8_000, samples: sine(hz, length) };
        pcm.samples.extend(std::iter::repeat_n(0, 800));
        Prompt::shared(text, &pcm)
    }
}

fn frequency(number: usize) -> f32 {
    let mut hz = LOWEST_HZ;
    for _ in 0..number {
        hz *= STEP;
        // The beep is 1 kHz.
        if (960.0..1_045.0).contains(&hz) {
            hz = 1_045.0 * STEP;
        }
    }
    hz
}

#[expect(clippy::cast_possible_truncation, reason = "a sine of a third of full scale")]
fn sine(hz: f32, length: Duration) -> Vec<i16> {
    let step = std::f32::consts::TAU * hz / 8_000.0;
    let count = u32::try_from(length.as_millis() * 8).unwrap_or(0);
    (0..count).map(|n| (10_000.0 * (step * n as f32).sin()) as i16).collect()
}

fn key(item: &PromptItem) -> String {
    match item {
        PromptItem::Say(say) => format!("say {}", say.text),
        PromptItem::File(name) => format!("file {name}"),
        PromptItem::Url(url) => format!("url {url}"),
        PromptItem::Tone(tone) => format!("tone {tone:?}"),
        PromptItem::Ring(_) => "ring".to_owned(),
        PromptItem::Silence(span) => format!("silence {}", span.as_millis()),
    }
}
