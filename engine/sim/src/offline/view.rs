//! What can be seen of an offline call: what the caller heard, where the flow is, what the call left behind.

use super::{
    Heard, HeardEnd, LeftMessage, Offline, Recording, Silence, StoryLine, WebRequest, Webhook, Who,
    devices::Stands,
    story,
    CallerStands,
};
use call::CallRecord;
use flow::{JournalEntry, Run};
use serde_json::Value as Json;
use std::{collections::BTreeMap, time::Duration};
use terms::Now;

impl Offline {
    /// Time since the call began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.now.at.saturating_duration_since(self.began.at)
    }

    /// The call's clock.
    #[must_use]
    pub const fn now(&self) -> Now {
        self.now
    }

    /// Whether the caller is on the line no more: hung up, was hung up on, or was refused.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.caller.stands == CallerStands::Over
    }

    /// The record, once every leg is over.
    #[must_use]
    pub fn record(&self) -> Option<&CallRecord> {
        self.seen.record.as_deref()
    }

    /// How it ended, in the record's words (`the flow ended`, `the caller: hung up`); `None` while it goes on.
    #[must_use]
    pub fn ended_by(&self) -> Option<&str> {
        self.record().map(|record| record.ended_by.as_str())
    }

    /// Whether the caller was answered.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.with_record(|record| record.answered.is_some()).unwrap_or(false)
    }

    /// All that reached the caller's ear, in order; the last may still sound.
    #[must_use]
    pub fn heard_so_far(&self) -> &[Heard] {
        self.line.hearing.heard()
    }

    /// What sounds at this moment.
    #[must_use]
    pub fn sounding(&self) -> Option<&Heard> {
        self.line.hearing.sounding(self.now.at)
    }

    /// The longest silence so far. Not counted: while the caller speaks, talks with somebody or is recorded, while the caller's
    /// telephone makes its own ringing, during a `pause`, and when the call is over.
    #[must_use]
    pub const fn silent_for(&self) -> Silence {
        self.line.hearing.longest()
    }

    /// The longest silence in which the flow did not even wait for the caller (in a `menu` or `collect`).
    #[must_use]
    pub const fn dead_for(&self) -> Silence {
        self.line.hearing.longest_dead()
    }

    /// Where the flow is, or was last: flow, state (`message.saved`, `welcome[1]`, a script's `step 3`), action.
    #[must_use]
    pub fn place(&self) -> Option<&flow::Place> {
        self.seen.place.as_ref()
    }

    /// The state the flow is in, or was in last; empty before the first.
    #[must_use]
    pub fn state(&self) -> &str {
        self.place().map_or("", |place| &place.state)
    }

    /// Every step of the flow: flow and state; those that only decide too.
    pub fn path(&self) -> impl Iterator<Item = (&str, &str)> {
        self.journal().iter().map(|entry| (entry.place.flow.as_str(), entry.place.state.as_str()))
    }

    /// All that the flow did, with the ways it took.
    #[must_use]
    pub fn journal(&self) -> &[JournalEntry] {
        self.run().map(Run::journal).unwrap_or_default()
    }

    /// The flow's effect that is out now.
    fn awaited(&self) -> Option<&JournalEntry> {
        self.journal().last().filter(|entry| entry.outcome.is_none() && entry.asked.is_some())
    }

    /// The keys a `menu` offers now.
    #[must_use]
    pub fn choices(&self) -> Vec<&str> {
        let menu = self.awaited().filter(|entry| entry.place.action == "menu");
        let keys = menu.and_then(|entry| entry.asked.as_ref()?.get("keys")?.as_array());
        keys.into_iter().flatten().filter_map(Json::as_str).collect()
    }

    /// Whether this key stops what is being said now.
    #[must_use]
    pub fn yields_to(&self, key: char) -> bool {
        let Some(entry) = self.awaited() else { return false };
        let asked = |pointer: &str| entry.asked.as_ref().and_then(|asked| asked.pointer(pointer)).and_then(Json::as_str);
        match &*entry.place.action {
            "menu" | "collect" => true,
            "say" | "play" => matches!(asked("/barge_in"), Some("keys" | "any")),
            "voicemail" | "record" => asked("/stop/key").is_some_and(|stop| stop.chars().eq([key])),
            _ => false,
        }
    }

    /// `result` of the last action that has ended, with its outcome's name as `outcome`.
    #[must_use]
    pub fn result(&self) -> Json {
        let Some(entry) = self.journal().iter().rev().find(|entry| entry.outcome.is_some() && entry.asked.is_some()) else { return Json::Null };
        let mut fields = entry.result.as_object().cloned().unwrap_or_default();
        fields.insert("outcome".to_owned(), entry.outcome.clone().into());
        Json::Object(fields)
    }

    /// The flow's run: its journal, what it is doing, its trouble.
    #[must_use]
    pub fn run(&self) -> Option<&Run> {
        self.seen.run.as_ref().or_else(|| self.exchange.shard.look(self.exchange.call).map(|look| look.run))
    }

    /// The variables of the flow the call began with.
    #[must_use]
    pub fn vars(&self) -> Option<&BTreeMap<String, serde_json::Value>> {
        self.run().map(Run::vars)
    }

    /// Targets that ring now, in the order they were rung.
    #[must_use]
    pub fn ringing(&self) -> Vec<&str> {
        self.devices.iter().filter(|device| device.stands == Stands::Ringing).map(|device| device.target.as_str()).collect()
    }

    /// Targets that talk with the caller, or are asked whether they want to.
    #[must_use]
    pub fn talking(&self) -> Vec<&str> {
        self.devices.iter().filter(|device| device.stands == Stands::Talking).map(|device| device.target.as_str()).collect()
    }

    /// Recordings kept as files.
    #[must_use]
    pub fn recordings(&self) -> &[Recording] {
        &self.books.recordings
    }

    /// Messages left in mailboxes.
    #[must_use]
    pub fn voicemails(&self) -> &[LeftMessage] {
        &self.books.messages
    }

    /// Webhooks sent, in order.
    #[must_use]
    pub fn webhooks(&self) -> &[Webhook] {
        &self.books.webhooks
    }

    /// Web requests made, in order.
    #[must_use]
    pub fn web_requests(&self) -> &[WebRequest] {
        &self.books.requests
    }

    /// Everything that happened, in order: the caller's acts, what was heard, where the flow went and why.
    #[must_use]
    pub fn timeline(&self) -> Vec<StoryLine> {
        let mut lines = self.story.lines().to_vec();
        for heard in self.heard_so_far() {
            lines.push(StoryLine { at: heard.from, who: Who::Ear, what: heard.sound.to_string() });
            if heard.end == HeardEnd::Stopped {
                let after = (heard.until.saturating_sub(heard.from)).as_secs_f32();
                lines.push(StoryLine { at: heard.until, who: Who::Ear, what: format!("{} stops after {after:.1} s", heard.sound) });
            }
        }
        lines.sort_by_key(|line| line.at);
        lines
    }

    /// The whole history as one number.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let heard = self.heard_so_far().iter().fold(self.story.fingerprint(), |print, heard| {
            story::mixed(print, heard.from, format!("{} {:?} {:?}", heard.sound, heard.until, heard.end).as_bytes())
        });
        story::mixed(heard, self.elapsed(), &self.line.packets.to_le_bytes())
    }

    pub(super) fn with_record<T>(&self, read: impl FnOnce(&CallRecord) -> T) -> Option<T> {
        let record = self.record().or_else(|| self.exchange.shard.look(self.exchange.call).map(|look| look.record));
        record.map(read)
    }
}
