//! What a call leaves behind: recordings, messages, webhooks, web requests. The clerk of an offline call writes them.

use super::{Offline, agenda::Due, story::Who};
use audio::Prompt;
use call::{Answer, Disposition, Errand, Ticket, ToShard};
use flow::{PromptItem, Say};
use serde_json::{Value as Json, json};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use terms::{MessageId, Name, spell_span};
use voicemail::{Entry, EventKind, FullBody, FullEvent, Message, MessageEvent, PinVerdict, Transcript, Transcription};

/// How long a recogniser takes.
const TRANSCRIBING: Duration = Duration::from_secs(1);

/// A recording kept as a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// `….wav`.
    pub file: String,
    /// How long it is.
    pub length: Duration,
}

/// A message in a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftMessage {
    /// Where.
    pub mailbox: Name,
    /// How long it is.
    pub length: Duration,
    /// What the recogniser made of it, once it did.
    pub transcript: Option<String>,
}

/// A webhook that was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Webhook {
    /// Where to.
    pub url: String,
    /// Its event's whole name: `voicemail.saved`.
    pub event: String,
    /// The whole payload: `type timestamp data`.
    pub body: Json,
}

/// A web request that a flow made.
#[derive(Clone, Debug, PartialEq)]
pub struct WebRequest {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Where to.
    pub url: String,
    /// What was sent.
    pub body: Option<Json>,
    /// The status, or why there was no answer.
    pub answer: Result<u16, String>,
}

/// A recording in progress.
#[derive(Debug)]
struct Taking {
    /// Samples a second of all channels.
    rate: u32,
    samples: u64,
    words: String,
    /// It is of the whole call: nobody is asked to speak.
    is_of_call: bool,
}

/// See the head of this file.
#[derive(Debug, Default)]
pub(crate) struct Books {
    open: BTreeMap<MessageId, Taking>,
    pub(crate) recordings: Vec<Recording>,
    pub(crate) messages: Vec<LeftMessage>,
    /// The same as endpoints see them, with their endpoints.
    whole: Vec<(voicemail::Envelope, Message, String)>,
    pub(crate) webhooks: Vec<Webhook>,
    pub(crate) requests: Vec<WebRequest>,
}

impl Books {
    /// Whether somebody's voice is being taken down.
    pub(crate) fn is_recording(&self) -> bool {
        self.open.values().any(|taking| !taking.is_of_call)
    }

    /// The caller speaks these words.
    pub(crate) fn words(&mut self, words: &str) {
        for taking in self.open.values_mut() {
            if !taking.words.is_empty() {
                taking.words.push(' ');
            }
            taking.words.push_str(words);
        }
    }
}

impl Offline {
    /// Does what the call asks of the clerk.
    pub(super) fn errand(&mut self, ticket: Ticket, errand: Errand) {
        let answer = match errand {
            Errand::Prompt(item) => Answer::Prompt(Ok(self.line.hearing.voices.of(&item))),
            Errand::Announcement(say) => Answer::Prompt(Ok(self.line.hearing.voices.of(&flow::PromptItem::Say(say)))),
            Errand::Http(http) => return self.web(ticket, &http),
            Errand::Script(job) => Answer::Script(Box::new(job.execute())),
            Errand::Mailbox { realm: _, mailbox } => {
                let own = self.books.messages.iter().filter(|message| message.mailbox == mailbox).count();
                let messages = self.outside.messages(&mailbox).saturating_add(u32::try_from(own).unwrap_or(u32::MAX));
                Answer::Mailbox(Ok(voicemail::Room { messages, disk_accepts: true }))
            }
            Errand::Notify { realm: _, notify } => {
                let body = json!({ "type": notify.event, "timestamp": self.now.unix.rfc3339(), "data": notify.body });
                self.webhook(notify.url, notify.event, body);
                Answer::Queued(Ok(()))
            }
            Errand::MailboxFull { envelope, messages_max } => {
                self.mailbox_full(&envelope, messages_max);
                Answer::Queued(Ok(()))
            }
            Errand::Messages { realm: _, mailbox } => Answer::Messages(Ok(self.entries(&mailbox))),
            Errand::CheckPin { realm: _, mailbox: _, pin, keyed } => {
                let is_right = pin.is(keyed.expose());
                Answer::Pin(Ok(if is_right { PinVerdict::Right } else { PinVerdict::Wrong }))
            }
            Errand::MessageSound { id } => Answer::Prompt(self.sound_of(id)),
            Errand::MarkHeard { id } => {
                if let Some((_, message, _)) = self.books.whole.iter_mut().find(|(envelope, ..)| envelope.id == id) {
                    message.heard = true;
                }
                Answer::Queued(Ok(()))
            }
            Errand::DeleteMessage { id } => {
                self.deleted(id);
                Answer::Queued(Ok(()))
            }
            Errand::SpoolBegin { realm: _, id, rate, channels, envelope: _, notify: _, keep } => {
                let rate = rate * u32::from(channels);
                let taking = Taking { rate, samples: 0, words: String::new(), is_of_call: keep.is_some() };
                self.books.open.insert(id, taking);
                Answer::SpoolBegun(Ok(()))
            }
            Errand::SpoolAppend { id, samples } => {
                if let Some(taking) = self.books.open.get_mut(&id) {
                    taking.samples += samples.len() as u64;
                }
                return;
            }
            Errand::SpoolFinish { id, disposition } => Answer::SpoolFinished(self.finished(id, disposition)),
        };
        self.tell_shard(ToShard::Answer { call: self.exchange.call, ticket, answer });
    }

    fn entries(&self, mailbox: &Name) -> Vec<Entry> {
        let own = self.books.whole.iter().filter(|(envelope, ..)| envelope.mailbox == *mailbox);
        let entry = |(envelope, message, _): &(voicemail::Envelope, Message, String)| Entry {
            id: envelope.id,
            caller: envelope.caller.clone(),
            began: envelope.began,
            length: Duration::from_millis(message.duration_ms),
            heard: message.heard,
        };
        own.map(entry).collect()
    }

    /// A message sounds like somebody who says its words.
    fn sound_of(&mut self, id: MessageId) -> Result<Arc<Prompt>, String> {
        let words = self.books.whole.iter().find(|(envelope, ..)| envelope.id == id).map(|(.., words)| words.clone());
        let text = self.outside.transcript(&words.ok_or("that message is not there")?);
        let text = if text.trim().is_empty() { "a message".to_owned() } else { text };
        Ok(self.line.hearing.voices.of(&PromptItem::Say(Say::new(text))))
    }

    fn deleted(&mut self, id: MessageId) {
        let Some(at) = self.books.whole.iter().position(|(envelope, ..)| envelope.id == id) else { return };
        let (envelope, message, _) = self.books.whole.remove(at);
        if at < self.books.messages.len() {
            self.books.messages.remove(at);
        }
        self.story.tell(self.now, Who::World, format!("a message of mailbox {} is deleted", envelope.mailbox));
        self.message_event(EventKind::Deleted, &envelope, &message);
    }

    fn web(&mut self, ticket: Ticket, http: &flow::Http) {
        let web = self.outside.http(http);
        let method = match http.method {
            flow::Method::Get => "GET",
            flow::Method::Post => "POST",
        };
        let is_late = web.delay >= http.timeout;
        let reply = if is_late { Err(format!("no answer within {}", spell_span(http.timeout))) } else { web.reply };
        let answer = reply.as_ref().map(|reply| reply.status).map_err(Clone::clone);
        let told = answer.as_ref().map_or_else(Clone::clone, |status| format!("{status} after {}", spell_span(web.delay)));
        self.story.tell(self.now, Who::World, format!("{method} {}: {told}", http.url));
        self.books.requests.push(WebRequest { method, url: http.url.clone(), body: http.body.clone(), answer });
        let message = Box::new(ToShard::Answer { call: self.exchange.call, ticket, answer: Answer::Http(reply) });
        self.later(web.delay.min(http.timeout), Due::Shard(message));
    }

    fn webhook(&mut self, url: String, event: String, body: Json) {
        self.story.tell(self.now, Who::World, format!("webhook {event} to {url}"));
        self.books.webhooks.push(Webhook { url, event, body });
    }

    fn mailbox_full(&mut self, envelope: &voicemail::Envelope, messages_max: u32) {
        let body = FullBody {
            realm: envelope.realm.clone(),
            mailbox: envelope.mailbox.clone(),
            messages_max,
            caller: envelope.caller.clone(),
            call: envelope.call,
        };
        let event = serde_json::to_value(FullEvent::new(self.now.unix, body)).unwrap_or_default();
        for url in envelope.wanting(EventKind::Full).map(str::to_owned).collect::<Vec<_>>() {
            self.webhook(url, EventKind::Full.name().to_owned(), event.clone());
        }
    }

    fn finished(&mut self, id: MessageId, disposition: Disposition) -> Result<Option<String>, String> {
        let Some(taking) = self.books.open.remove(&id) else { return Err("that recording was never begun".to_owned()) };
        let taken = Duration::from_micros(taking.samples * 1_000_000 / u64::from(taking.rate.max(1)));
        match disposition {
            Disposition::Discard => Ok(None),
            Disposition::Keep { from, until, loudness: _, format } => {
                let file = match format {
                    flow::FileFormat::Wav => format!("{id}.wav"),
                    flow::FileFormat::Opus => format!("{id}.opus"),
                };
                self.books.recordings.push(Recording { file: file.clone(), length: until.unwrap_or(taken).min(taken).saturating_sub(from) });
                Ok(Some(file))
            }
            Disposition::Message(draft) => {
                let message = Message::fresh(&draft, None);
                let envelope = draft.envelope.clone();
                self.story.tell(self.now, Who::World, format!("a message of {:.1} s is in mailbox {}", draft.length.as_secs_f32(), envelope.mailbox));
                self.books.messages.push(LeftMessage { mailbox: envelope.mailbox.clone(), length: draft.length, transcript: None });
                self.message_event(EventKind::Saved, &envelope, &message);
                if envelope.transcribe {
                    self.later(TRANSCRIBING, Due::Transcribed(id));
                }
                self.books.whole.push((envelope, message, taking.words));
                Ok(None)
            }
        }
    }

    fn message_event(&mut self, kind: EventKind, envelope: &voicemail::Envelope, message: &Message) {
        let event = MessageEvent::new(kind, self.now.unix, message.clone(), None);
        let body = serde_json::to_value(event).unwrap_or_default();
        for url in envelope.wanting(kind).map(str::to_owned).collect::<Vec<_>>() {
            self.webhook(url, kind.name().to_owned(), body.clone());
        }
    }

    /// A message has been written down.
    pub(super) fn transcribed(&mut self, id: MessageId) {
        let Some(at) = self.books.whole.iter().position(|(envelope, ..)| envelope.id == id) else { return };
        let text = self.outside.transcript(&self.books.whole[at].2);
        let (envelope, message, _) = &mut self.books.whole[at];
        message.transcription = Transcription::Done;
        let language = envelope.language.clone().unwrap_or_else(|| "en".to_owned());
        message.transcript = Some(Transcript { text: text.clone(), language, model: "offline".to_owned(), took_ms: 0 });
        let (envelope, message) = (envelope.clone(), message.clone());
        if let Some(left) = self.books.messages.get_mut(at) {
            left.transcript = Some(text);
        }
        self.message_event(EventKind::Transcribed, &envelope, &message);
    }
}
