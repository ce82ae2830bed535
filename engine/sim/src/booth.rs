//! A telephone booth: a person at the caller's end of an offline call, who says what to do in short commands and reads what happens.
//!
//! ```text
//! 1 12# *        press keys                  wait 5s     let time pass
//! talk 3s        speak for so long           next        skip to the next thing that happens
//! say WORDS      speak these words           hear TEXT   skip until this is heard
//! hangup         hang up                     end         skip to the end of the call
//! ```
//! `callflow phone` is a screen and a keyboard around it.

use crate::{
    limits::{BOOTH_LINE, BOOTH_SKIP, BOOTH_WAIT},
    offline::{Manner, Nobody, Offline, Outside, StoryLine, Web},
};
use std::{collections::BTreeMap, time::Duration};
use terms::{parse_span, spell_span};

/// What a person at the telephone does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Presses these keys.
    Press(String),
    /// Speaks for so long.
    Talk(Duration),
    /// Says these words.
    Say(String),
    /// Lets so much time pass.
    Wait(Duration),
    /// Skips to the next thing that happens.
    Next,
    /// Skips until a sound with this text begins.
    Hear(String),
    /// Skips to the end of the call.
    End,
    /// Hangs up.
    HangUp,
}

impl Act {
    /// Reads one command; see the head of this file. An empty line and a line that begins with `//` are nothing.
    ///
    /// # Errors
    /// What is wrong with it, and what could be written.
    pub fn read(line: &str) -> Result<Option<Self>, String> {
        let line = line.trim();
        if line.is_empty() || line.starts_with("//") {
            return Ok(None);
        }
        if line.len() > BOOTH_LINE {
            return Err(format!("a command has at most {BOOTH_LINE} bytes"));
        }
        let (word, rest) = line.split_once(char::is_whitespace).map_or((line, ""), |(word, rest)| (word, rest.trim()));
        let text = |what: &str| if rest.is_empty() { Err(format!("`{word}` needs {what}")) } else { Ok(rest.to_owned()) };
        let act = match word {
            "press" => keys(rest).map(Self::Press)?,
            "talk" | "t" => Self::Talk(span(rest, Duration::from_secs(2))?),
            "wait" | "w" => Self::Wait(span(rest, Duration::from_secs(1))?),
            "say" => Self::Say(text("words: say This is Ann.")?),
            "hear" => Self::Hear(text("a text: hear after the tone")?),
            "next" | "n" => Self::Next,
            "end" | "e" => Self::End,
            "hangup" | "h" => Self::HangUp,
            _ => keys(line).map(Self::Press).map_err(|_| format!("unknown command `{word}`: write keys, wait, next, talk, say, hear, end or hangup"))?,
        };
        Ok(Some(act))
    }
}

fn keys(text: &str) -> Result<String, String> {
    let keys: String = text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
    let good = !keys.is_empty() && keys.chars().all(|key| terms::Digit::try_from(key).is_ok());
    if good { Ok(keys) } else { Err(format!("{text:?} are no keys: 0-9 * # A-D")) }
}

fn span(text: &str, default: Duration) -> Result<Duration, String> {
    if text.is_empty() {
        return Ok(default);
    }
    let span = parse_span(text).map_err(|error| error.to_string())?;
    if span > BOOTH_WAIT { Err(format!("at most {} at once", spell_span(BOOTH_WAIT))) } else { Ok(span) }
}

/// See the head of this file.
#[derive(Debug)]
pub struct Booth {
    call: Offline,
    told: Vec<StoryLine>,
}

impl Booth {
    /// A person with this call in hand.
    #[must_use]
    pub const fn new(call: Offline) -> Self {
        Self { call, told: Vec::new() }
    }

    /// The call.
    #[must_use]
    pub const fn call(&self) -> &Offline {
        &self.call
    }

    /// Does it. After the call only time passes.
    ///
    /// # Errors
    /// When it was waited for something that never came.
    pub fn act(&mut self, act: &Act) -> Result<(), String> {
        match act {
            Act::Press(keys) => self.call.press(keys),
            Act::Talk(span) => self.call.speak(*span),
            Act::Say(words) => self.call.say(words),
            Act::Wait(span) => self.call.wait(*span),
            Act::Next => self.next(),
            Act::Hear(text) => return self.hear(text),
            Act::End => drop(self.call.wait_until(BOOTH_WAIT, |call| call.record().is_some())),
            Act::HangUp => self.call.hang_up(),
        }
        Ok(())
    }

    /// Time passes, as a real clock says.
    pub fn pass(&mut self, span: Duration) {
        self.call.wait(span);
    }

    /// What happened since this was asked last, in order.
    pub fn news(&mut self) -> Vec<StoryLine> {
        let all = self.call.timeline();
        let mut told = self.told.iter().peekable();
        // A sound that stopped is told in its place in time, which may be before lines told already.
        let fresh = all.iter().filter(|line| told.next_if(|known| known == line).is_none()).cloned().collect();
        self.told = all;
        fresh
    }

    /// What may be seen of the call at this moment.
    #[must_use]
    pub fn panel(&self) -> Panel {
        let call = &self.call;
        let stands = match (call.ended_by(), call.talking().as_slice(), call.ringing().as_slice()) {
            (Some(by), ..) => format!("over: {by}"),
            (None, ..) if call.is_over() => "over".to_owned(),
            (None, [], []) if call.is_answered() => "answered".to_owned(),
            (None, [], []) => "calling".to_owned(),
            (None, [], ringing) => format!("ringing {}", ringing.join(", ")),
            (None, talking, _) => format!("with {}", talking.join(", ")),
        };
        Panel {
            at: call.elapsed(),
            stands,
            is_over: call.is_over(),
            flow: call.place().map(|place| place.flow.clone()).unwrap_or_default(),
            state: call.state().to_owned(),
            sounding: call.sounding().map(|heard| heard.sound.to_string()),
            choices: call.run().and_then(|run| run.journal().last()).map(choices).unwrap_or_default(),
            vars: call.vars().map(|vars| vars.iter().map(|(name, value)| (name.clone(), value.to_string())).collect()).unwrap_or_default(),
        }
    }

    /// One line on how it went: `welcome > bob > message, over: the flow ended`.
    #[must_use]
    pub fn summary(&self) -> String {
        let states: Vec<&str> = self.call.path().map(|(_, state)| state).collect();
        let path = if states.is_empty() { "no state".to_owned() } else { states.join(" > ") };
        let ended = self.call.ended_by().map_or_else(|| "still on the line".to_owned(), |by| format!("over: {by}"));
        let trouble = self.call.run().and_then(flow::Run::trouble).map(|trouble| format!("; trouble: {trouble}"));
        format!("{path}, {ended}{}", trouble.unwrap_or_default())
    }

    fn next(&mut self) {
        let before = progress(&self.call);
        self.call.wait_until(BOOTH_SKIP, |call| progress(call) != before);
    }

    fn hear(&mut self, text: &str) -> Result<(), String> {
        let wanted = text.to_lowercase();
        // What sounds now counts; what was over before does not.
        let from = self.call.heard_so_far().len() - usize::from(self.call.sounding().is_some());
        let is_heard = |call: &Offline| call.heard_so_far()[from..].iter().any(|heard| heard.sound.name().to_lowercase().contains(&wanted));
        let found = self.call.wait_until(BOOTH_WAIT, |call| is_heard(call) || call.record().is_some());
        if found && is_heard(&self.call) { Ok(()) } else { Err(format!("{text:?} was not heard")) }
    }
}

/// Things that happened so far, counted: a change is news.
fn progress(call: &Offline) -> [usize; 5] {
    let run = call.run();
    [
        call.heard_so_far().len(),
        run.map_or(0, |run| run.journal().len()),
        call.ringing().len() + 100 * call.talking().len(),
        call.webhooks().len() + call.web_requests().len(),
        usize::from(call.is_over()) + usize::from(call.record().is_some()),
    ]
}

/// The keys that a menu still waits for.
fn choices(entry: &flow::JournalEntry) -> Vec<String> {
    let keys = entry.asked.as_ref().filter(|_| entry.outcome.is_none()).and_then(|asked| asked.get("keys")?.as_array());
    keys.into_iter().flatten().filter_map(|key| key.as_str().map(str::to_owned)).collect()
}

/// The world around a booth: devices as somebody said they are; all others ring, and nobody answers. No web server answers.
#[derive(Clone, Debug, Default)]
pub struct Neighbours(pub BTreeMap<String, Manner>);

impl Outside for Neighbours {
    fn http(&mut self, request: &flow::Http) -> Web {
        Nobody.http(request)
    }
    fn device(&mut self, target: &str) -> Manner {
        self.0.get(target).cloned().unwrap_or(Manner::Ring(None))
    }
}

/// What may be seen of a call at one moment, for a screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panel {
    /// Since the call began.
    pub at: Duration,
    /// `ringing connection/bob`, `answered`, `over: the flow ended`.
    pub stands: String,
    /// Whether the caller is on the hook.
    pub is_over: bool,
    /// The flow it is in.
    pub flow: String,
    /// The state it is in.
    pub state: String,
    /// What sounds now.
    pub sounding: Option<String>,
    /// Keys that a menu offers now.
    pub choices: Vec<String>,
    /// Variables of the flow, as JSON.
    pub vars: Vec<(String, String)>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offline::Options;
    use std::time::Instant;
    use terms::{Name, Now, UnixMs};

    #[expect(clippy::disallowed_methods, reason = "virtual time must begin somewhere")]
    fn booth() -> Booth {
        let source = notation::Source::new("flows/reception.yaml", include_str!("../../../flows/reception.yaml"));
        let flows = flow::FlowSet::load(vec![source], &flow::World::default()).unwrap();
        let now = Now { at: Instant::now(), unix: UnixMs(1_793_614_500_000) };
        let home = Name::new("home").unwrap();
        let reception = Name::new("reception").unwrap();
        let boxes = [(reception.clone(), voicemail::Mailbox::new(home.clone(), reception))];
        let options = Options { mailboxes: std::sync::Arc::new(boxes.into()), ..Options::new("reception", now, home) };
        Booth::new(Offline::new(&flows, options, Box::new(Nobody)))
    }

    fn play(booth: &mut Booth, commands: &[&str]) -> Vec<String> {
        let mut lines = Vec::new();
        for command in commands {
            let act = Act::read(command).unwrap().unwrap();
            booth.act(&act).unwrap_or_else(|why| lines.push(why));
            lines.extend(booth.news().into_iter().map(|line| line.what));
        }
        lines
    }

    #[test]
    fn commands_are_short_and_mistakes_are_told() {
        let read = |line: &str| Act::read(line).unwrap();
        assert_eq!(read(" 12#"), Some(Act::Press("12#".to_owned())));
        assert_eq!(read("press 1 2"), Some(Act::Press("12".to_owned())));
        assert_eq!(read("wait 1500ms"), Some(Act::Wait(Duration::from_millis(1_500))));
        assert_eq!(read("t"), Some(Act::Talk(Duration::from_secs(2))));
        assert_eq!(read("say Hello there."), Some(Act::Say("Hello there.".to_owned())));
        assert_eq!((read(""), read("// a note")), (None, None));
        for (line, told) in [
            ("dance", "unknown command `dance`"),
            ("say", "`say` needs words"),
            ("press x", "are no keys"),
            ("wait 5", "5"),
            ("wait 90d", "at most 1h at once"),
        ] {
            assert!(Act::read(line).unwrap_err().contains(told), "{line}: {:?}", Act::read(line));
        }
    }

    #[test]
    fn a_message_is_left_from_the_booth() {
        let mut booth = booth();
        let lines = play(&mut booth, &["hear press 2", "2", "hear beep", "wait 500ms", "say This is Ann. Please call me back about the meeting on Thursday.", "#", "end", "wait 5s"]);
        for wanted in ["presses 2", "state message", "a message of", "state message.saved"] {
            assert!(lines.iter().any(|line| line.contains(wanted)), "{wanted}: {lines:#?}");
        }
        assert_eq!(booth.summary(), "welcome > message > message.saved, over: the flow ended");
        assert!(booth.news().is_empty(), "each line is told once");
        let mut all = booth.call().timeline().into_iter().map(|line| line.what).collect::<Vec<_>>();
        let mut told = lines;
        all.sort();
        told.sort();
        assert_eq!(told, all);
    }

    #[test]
    fn the_panel_shows_what_can_be_done_now() {
        let mut booth = booth();
        booth.act(&Act::Next).unwrap();
        let panel = booth.panel();
        assert_eq!((panel.state.as_str(), panel.choices.as_slice()), ("welcome", ["1".to_owned(), "2".to_owned()].as_slice()));
        assert!(panel.sounding.is_some() && !panel.is_over, "{panel:?}");
        assert_eq!(booth.act(&Act::Hear("no such words".to_owned())), Err("\"no such words\" was not heard".to_owned()));
        booth.act(&Act::HangUp).unwrap();
        assert!(booth.panel().is_over);
    }
}
