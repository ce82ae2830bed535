//! What calls ask of the world: sounds, pages, scripts, mailboxes, recordings.

use crate::{
    agenda::Event,
    disk::Job,
    world::{Lane, World},
};
use call::{Answer, Disposition, Errand, Ticket, ToShard};
use std::time::Duration;
use terms::{CallId, MessageId};

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

impl World {
    pub(crate) fn errand(&mut self, shard: usize, call: CallId, ticket: Ticket, errand: Errand) {
        let faulty = self.dice.permille(self.setup.errand_faults);
        let ill = || "the simulator made it fail".to_owned();
        match errand {
            Errand::Prompt(item) if self.sounds.has(&item) => {
                let answer = Answer::Prompt(Ok(self.sounds.make(&item)));
                self.tell_shard(shard, ToShard::Answer { call, ticket, answer });
            }
            Errand::Prompt(item) => {
                let found = if faulty { Err(ill()) } else { Ok(self.sounds.make(&item)) };
                self.answer(shard, call, ticket, Answer::Prompt(found), 2, 400);
            }
            Errand::Http(http) => {
                let reply = self.setup.web.get(&http.url).cloned().filter(|_| !faulty).ok_or_else(ill);
                self.answer(shard, call, ticket, Answer::Http(reply), 5, 900);
            }
            Errand::Script(job) => {
                let reply = Box::new(job.execute());
                self.answer(shard, call, ticket, Answer::Script(reply), 1, 20);
            }
            Errand::Mailbox { realm: _, mailbox } => {
                let messages = self.disk.count(&mailbox);
                let room = if faulty { Err(ill()) } else { Ok(voicemail::Room { messages, disk_accepts: true }) };
                self.answer(shard, call, ticket, Answer::Mailbox(room), 1, 40);
            }
            Errand::Notify { .. } | Errand::MailboxFull { .. } => {
                let queued = if faulty { Err(ill()) } else { Ok(()) };
                self.answer(shard, call, ticket, Answer::Queued(queued), 1, 40);
            }
            Errand::SpoolBegin { realm: _, id, rate, envelope } => {
                self.note(&format!("recording {id} begins"));
                self.disk.begin(id, rate, envelope);
                self.tell_shard(shard, ToShard::Answer { call, ticket, answer: Answer::SpoolBegun(Ok(())) });
            }
            Errand::SpoolAppend { id, samples } => self.disk.append(id, samples.len()),
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

    fn message_kept(&mut self, id: MessageId) {
        if let Some(kept) = self.disk.messages.get(&id) {
            let text = format!("a message of {:.1} s is safe in mailbox {}", kept.length.as_secs_f32(), kept.mailbox);
            self.trace_say(&text);
            self.ledger.message_acknowledged(id);
        }
    }
}
