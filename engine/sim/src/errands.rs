//! What calls ask of the world: sounds, pages, scripts, mailboxes, recordings.

use crate::{
    Helper, Ill,
    agenda::Event,
    disk::Job,
    world::{Lane, World},
};
use call::{Answer, Disposition, Errand, Ticket, ToShard};
use flow::PromptItem;
use std::time::Duration;
use terms::{CallId, MessageId};

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Who does an errand; tones are made by nobody.
fn helper_of(errand: &Errand) -> Option<Helper> {
    match errand {
        Errand::Announcement(say) if say.english.is_some() => Some(Helper::Tongues),
        Errand::Prompt(PromptItem::Say(_)) | Errand::Announcement(_) => Some(Helper::Voice),
        Errand::Prompt(PromptItem::File(_) | PromptItem::Url(_)) => Some(Helper::Files),
        Errand::Prompt(PromptItem::Tone(_) | PromptItem::Ring(_) | PromptItem::Silence(_)) => None,
        Errand::Http(_) => Some(Helper::Web),
        Errand::Script(_) => Some(Helper::Scripts),
        Errand::Mailbox { .. }
        | Errand::Messages { .. }
        | Errand::CheckPin { .. }
        | Errand::MessageSound { .. }
        | Errand::MarkHeard { .. }
        | Errand::DeleteMessage { .. }
        | Errand::Notify { .. }
        | Errand::MailboxFull { .. }
        | Errand::SpoolBegin { .. }
        | Errand::SpoolAppend { .. }
        | Errand::SpoolFinish { .. } => Some(Helper::Disk),
    }
}

impl World {
    fn prompt(&mut self, shard: usize, call: CallId, ticket: Ticket, item: &PromptItem, fault: Option<String>) {
        match fault {
            None if self.sounds.has(item) => {
                let answer = Answer::Prompt(Ok(self.sounds.make(item)));
                self.tell_shard(shard, ToShard::Answer { call, ticket, answer });
            }
            None => {
                let found = Ok(self.sounds.make(item));
                self.answer(shard, call, ticket, Answer::Prompt(found), 2, 400);
            }
            Some(why) => self.answer(shard, call, ticket, Answer::Prompt(Err(why)), 2, 400),
        }
    }

    pub(crate) fn errand(&mut self, shard: usize, call: CallId, ticket: Ticket, errand: Errand) {
        let ill = helper_of(&errand).and_then(|helper| self.setup.ill.get(&helper)).copied();
        if ill == Some(Ill::Hangs) {
            return self.note("an errand is never answered");
        }
        let faulty = self.dice.permille(self.setup.errand_faults) || ill == Some(Ill::Refuses);
        let why = || "the simulator made it fail".to_owned();
        match errand {
            Errand::Prompt(item) => self.prompt(shard, call, ticket, &item, faulty.then(why)),
            // A voice has all words here, or none.
            Errand::Announcement(say) => self.prompt(shard, call, ticket, &PromptItem::Say(say), faulty.then(why)),
            Errand::Http(http) => {
                let reply = self.setup.web.get(&http.url).cloned().filter(|_| !faulty).ok_or_else(why);
                self.answer(shard, call, ticket, Answer::Http(reply), 5, 900);
            }
            Errand::Script(job) => {
                let reply = Box::new(if ill.is_some() { flow::ScriptReply::not_done("the simulator made it fail") } else { job.execute() });
                self.answer(shard, call, ticket, Answer::Script(reply), 1, 20);
            }
            Errand::Mailbox { realm: _, mailbox } => {
                let messages = self.disk.count(&mailbox);
                let room = if faulty { Err(why()) } else { Ok(voicemail::Room { messages, disk_accepts: true }) };
                self.answer(shard, call, ticket, Answer::Mailbox(room), 1, 40);
            }
            Errand::Messages { realm: _, mailbox } => {
                let entries = if faulty { Err(why()) } else { Ok(self.disk.entries(&mailbox)) };
                self.answer(shard, call, ticket, Answer::Messages(entries), 1, 40);
            }
            Errand::CheckPin { realm: _, mailbox, pin, keyed } => {
                let verdict = if faulty { Err(why()) } else { Ok(self.disk.try_pin(&mailbox, &pin, keyed.expose(), self.now.unix)) };
                self.answer(shard, call, ticket, Answer::Pin(verdict), 5, 60);
            }
            Errand::MessageSound { id } => {
                let kept = self.disk.messages.get(&id).filter(|_| !faulty).map(|kept| kept.length);
                let found = kept.map(|length| self.sounds.message(id, length)).ok_or_else(why);
                self.answer(shard, call, ticket, Answer::Prompt(found), 2, 60);
            }
            Errand::MarkHeard { id } => {
                if let Some(kept) = self.disk.messages.get_mut(&id).filter(|_| !faulty) {
                    kept.heard = true;
                    let mailbox = kept.mailbox.clone();
                    self.trace_say("a message is marked heard");
                    self.lamp(mailbox);
                }
                self.answer(shard, call, ticket, Answer::Queued(if faulty { Err(why()) } else { Ok(()) }), 1, 40);
            }
            Errand::DeleteMessage { id } => {
                if let Some(kept) = Some(id).filter(|_| !faulty).and_then(|id| self.disk.messages.remove(&id)) {
                    self.lamp(kept.mailbox);
                    self.ledger.message_deleted(id);
                    self.trace_say("a message is deleted");
                }
                self.answer(shard, call, ticket, Answer::Queued(if faulty { Err(why()) } else { Ok(()) }), 1, 40);
            }
            Errand::Notify { .. } | Errand::MailboxFull { .. } => {
                let queued = if faulty { Err(why()) } else { Ok(()) };
                self.answer(shard, call, ticket, Answer::Queued(queued), 1, 40);
            }
            Errand::SpoolBegin { realm: _, id, rate, channels, envelope, notify, keep: _ } => {
                self.note(&format!("recording {id} begins"));
                self.disk.begin(id, rate * u32::from(channels), envelope, notify);
                self.tell_shard(shard, ToShard::Answer { call, ticket, answer: Answer::SpoolBegun(Ok(())) });
            }
            Errand::SpoolAppend { id, samples } => self.disk.append(id, &samples),
            Errand::SpoolFinish { id, disposition } => {
                self.disk.ending(id);
                let delay = self.dice.between(ms(1), ms(300));
                let job = Box::new(Job::Finish { shard, call, ticket, id, disposition });
                self.later(Lane::Disk, delay, move |life| Event::Disk { life, job });
            }
        }
    }

    fn answer(&mut self, shard: usize, call: CallId, ticket: Ticket, answer: Answer, least_ms: u64, most_ms: u64) {
        let delay = self.dice.between(ms(least_ms), ms(most_ms));
        let message = Box::new(ToShard::Answer { call, ticket, answer });
        self.later(Lane::None, delay, move |life| Event::Shard { life, shard, message });
    }

    /// The disk has done a job: it is safe, and those who asked are told if they still live.
    pub(crate) fn disk_done(&mut self, life: u32, job: Job) {
        match job {
            Job::Bindings { ticket, connection, rows } => {
                self.disk.keep(connection, rows);
                let input = Box::new(switchboard::Input::Stored { ticket, kept: true });
                self.later(Lane::Front, Duration::ZERO, move |_| Event::Front { life, input });
            }
            Job::Finish { shard, call, ticket, id, disposition } => {
                let is_message = matches!(disposition, Disposition::Message(_));
                let file = self.disk.finish(id, disposition);
                if is_message {
                    self.message_kept(id);
                }
                let answer = Answer::SpoolFinished(Ok(file));
                let message = Box::new(ToShard::Answer { call, ticket, answer });
                self.later(Lane::None, Duration::ZERO, move |_| Event::Shard { life, shard, message });
            }
        }
    }

    /// Its messages are others now.
    fn lamp(&mut self, mailbox: terms::Name) {
        let realm = self.setup.directory.default_realm().clone();
        self.mailbox_changed(realm, mailbox);
    }

    fn message_kept(&mut self, id: MessageId) {
        if let Some(kept) = self.disk.messages.get(&id) {
            let text = format!("a message of {:.1} s is safe in mailbox {}", kept.length.as_secs_f32(), kept.mailbox);
            let mailbox = kept.mailbox.clone();
            self.trace_say(&text);
            self.ledger.message_acknowledged(id);
            self.lamp(mailbox);
        }
    }
}
