//! The diary of a call: everything it is told and everything it says, so that it can be run again from a bundle.
//!
//! It is written at the one seam where a call is fed. Packets are not in it: what the mixer made of them is, as events, and what
//! the caller hears, when that changes. A turn in which nothing happened leaves no word, and without a diary there is nothing
//! but an empty `Option` to look at. When a diary is longer than its bound, it is cut, and says so.

use crate::{
    door::{Answer, Branch, Disposition, Errand, HttpReply, LegEvent, NewCall, Origin, Output, Ticket, ToFront},
    meet::{Met, Tuning},
};
use bundle::{Heard, Input, Said, Seen, Turn};
use media::{Dropped, Event, Hears, PlayerEnd, PlayerId, RecordEnd, RecorderId};
use sip::{FailedWhy, Flow, Message, NextHop, Request, Response};
use std::time::Duration;
use terms::{Codecs, LegId, Name, Now, Secret};

/// Which calls are kept as bundles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Those in which something went wrong.
    Failed,
    /// All.
    All,
}

/// What is kept of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// Which.
    pub what: Keep,
    /// Bytes of a call's diary, about; a longer one is cut.
    pub bytes_max: usize,
}

/// See the head of this file.
#[derive(Debug)]
pub(crate) struct Diary {
    keeping: Keeping,
    began: Now,
    head: bundle::Head,
    turns: Vec<Turn>,
    /// A turn in which nothing has happened yet.
    quiet: Option<(Now, Input)>,
    /// How often the call has looked at its media in this turn.
    round: u32,
    /// Sound of recordings since the last turn that was written: recorder, chunks, and when the last of them came.
    sound: Vec<(RecorderId, u32)>,
    sound_at: Option<Now>,
    /// What the caller hears, as last written.
    ear: Option<Hears>,
    bytes: usize,
    is_cut: bool,
}

/// What a turn costs beside its texts, about.
const TURN_BYTES: usize = 96;
/// What something seen costs, about.
const SEEN_BYTES: usize = 64;

impl Diary {
    pub(crate) fn new(new: &NewCall, keeping: Keeping, now: Now) -> Box<Self> {
        let head = head_of(new, now);
        let bytes = head.invite.len() + 1_024;
        let mut diary = Self {
            keeping,
            began: now,
            head,
            turns: Vec::new(),
            quiet: None,
            round: 0,
            sound: Vec::new(),
            sound_at: None,
            ear: None,
            bytes,
            is_cut: false,
        };
        diary.turn(Input::Begin, now);
        Box::new(diary)
    }

    /// The call is told something.
    pub(crate) fn turn(&mut self, input: Input, now: Now) {
        self.round = 0;
        self.quiet = Some((now, input));
        self.open();
    }

    /// The same, of which nothing is written unless something happens.
    pub(crate) fn quiet_turn(&mut self, input: Input, now: Now) {
        self.round = 0;
        if !self.is_cut {
            self.quiet = Some((now, input));
        }
    }

    /// The call looks at its media again.
    pub(crate) const fn next_round(&mut self) {
        self.round += 1;
    }

    /// Its media told something; `is_secret`: what is keyed in now must not be known.
    pub(crate) fn saw(&mut self, event: &Event, is_secret: bool) {
        if let (Event::Recorded { id, .. }, Some((now, _))) = (event, &self.quiet) {
            // Nothing follows from it but a chunk on its way to the disk: told with the next turn in which something does.
            self.sound_at = Some(*now);
            match self.sound.iter_mut().find(|(known, _)| known == id) {
                Some((_, chunks)) => *chunks += 1,
                None => self.sound.push((*id, 1)),
            }
            return;
        }
        self.write(heard(event, is_secret));
    }

    /// What a leg hears now: the caller, which is looked at all the time, when it changes; another whenever it is asked.
    pub(crate) fn hears(&mut self, leg: LegId, hears: Hears) {
        let ear = match hears {
            Hears::Unreachable => "unreachable".to_owned(),
            Hears::Nothing => "nothing".to_owned(),
            Hears::Others => "others".to_owned(),
            Hears::Player(PlayerId(player)) => player.to_string(),
        };
        if leg != LegId::CALLER {
            self.write(Heard::FarEar { leg: leg.0, ear });
        } else if self.ear != Some(hears) {
            self.ear = Some(hears);
            self.write(Heard::Ear(ear));
        }
    }

    /// The call said something.
    pub(crate) fn said(&mut self, output: &Output) {
        if self.is_cut {
            return;
        }
        if let Some(said) = said(output) {
            self.open();
            self.bytes += said.text().len() + SEEN_BYTES;
            if let Some(turn) = self.turns.last_mut() {
                turn.said.push(said);
            }
        }
    }

    /// The call has to do with this mailbox.
    pub(crate) fn mailbox(&mut self, mailbox: &voicemail::Mailbox) {
        let known = &mut self.head.plan.mailboxes;
        if !known.iter().any(|known| known.name == mailbox.name) {
            known.push(mailbox_of(mailbox));
        }
    }

    /// The call is over. `None` when it is not to be kept.
    pub(crate) fn close(mut self, run: &flow::Run, set: &flow::FlowSet, record: &crate::CallRecord, trouble: Option<String>) -> Option<Box<bundle::Draft>> {
        if trouble.is_none() && self.keeping.what == Keep::Failed {
            return None;
        }
        self.flush_sound();
        let secrets = run.secrets().iter().map(|(name, secret)| (name.clone(), secret.clone())).collect();
        let record = serde_json::to_value(record).unwrap_or_default();
        let end = bundle::End { record, journal: run.journal().to_vec(), cut: self.is_cut, trouble };
        let keyed: Vec<Secret<String>> = run.keyed().to_vec();
        Some(Box::new(bundle::Draft { head: self.head, turns: self.turns, end, set: set.clone(), secrets, keyed }))
    }

    fn write(&mut self, what: Heard) {
        self.open();
        if self.is_cut {
            return;
        }
        let round = self.round;
        self.bytes += SEEN_BYTES;
        if let Some(turn) = self.turns.last_mut() {
            turn.seen.push(Seen { round, what });
        }
    }

    /// The turn under way is written from now on.
    fn open(&mut self) {
        let Some((now, input)) = self.quiet.take() else { return };
        self.flush_sound();
        if self.bytes > self.keeping.bytes_max {
            self.is_cut = true;
        }
        if !self.is_cut {
            self.bytes += TURN_BYTES + size_of_input(&input);
            self.turns.push(self.turn_at(now, input));
        }
    }

    fn flush_sound(&mut self) {
        let Some(now) = self.sound_at.take() else { return };
        let sound = std::mem::take(&mut self.sound);
        if self.is_cut {
            return;
        }
        let mut turn = self.turn_at(now, Input::Media);
        turn.seen = sound.into_iter().map(|(RecorderId(recorder), chunks)| Seen { round: 0, what: Heard::Sound { recorder, chunks } }).collect();
        self.bytes += TURN_BYTES;
        self.turns.push(turn);
    }

    fn turn_at(&self, now: Now, input: Input) -> Turn {
        let at = now.at.saturating_duration_since(self.began.at);
        let ms = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        let unix = |at: terms::UnixMs| i64::try_from(at.0).unwrap_or(i64::MAX);
        let wall = unix(now.unix).saturating_sub(unix(self.began.unix)).saturating_sub(ms(at));
        Turn { at, wall, input, seen: Vec::new(), said: Vec::new() }
    }
}

// --- inputs in words --------------------------------------------------------------------------------------------------

pub(crate) fn request_text(request: &Request) -> String {
    message_text(&Message::Request(request.clone()))
}

pub(crate) fn response_text(response: &Response) -> String {
    message_text(&Message::Response(response.clone()))
}

fn message_text(message: &Message) -> String {
    let mut bytes = Vec::new();
    message.write(&mut bytes);
    String::from_utf8(bytes).unwrap_or_else(|broken| String::from_utf8_lossy(broken.as_bytes()).into_owned())
}

pub(crate) fn flow_text(flow: &Flow) -> String {
    format!("{} {} at {} {}", flow.transport, flow.peer, flow.local, flow.connection)
}

fn hop_text(hop: &NextHop) -> String {
    match hop {
        NextHop::Flow(flow) => format!("flow {}", flow_text(flow)),
        NextHop::Target(target) => format!("target {} {}", target.transport, target.addr),
        NextHop::Uri(uri) => format!("uri {uri}"),
    }
}

pub(crate) fn leg_input(leg: LegId, event: &LegEvent, is_secret: bool) -> Input {
    let LegId(leg) = leg;
    match event {
        LegEvent::Request { transaction, request, source } => {
            let secret = is_secret && request.method == sip::Method::Info;
            Input::Request { leg, transaction: transaction.0, from: flow_text(source), text: request_text(request), secret }
        }
        LegEvent::Ack(request) => Input::Ack { leg, text: request_text(request) },
        LegEvent::Cancelled => Input::Cancelled { leg },
        LegEvent::Response { response, source } => Input::Response { leg, from: flow_text(source), text: response_text(response) },
        LegEvent::Failed { method, why } => Input::Failed { leg, method: method.to_string(), why: failure_text(*why).to_owned() },
    }
}

pub(crate) const fn failure_text(why: FailedWhy) -> &'static str {
    match why {
        FailedWhy::Timeout => "timeout",
        FailedWhy::Transport => "transport",
        FailedWhy::Unresolvable => "unresolvable",
        FailedWhy::Cancelled => "cancelled",
        FailedWhy::Overload => "overload",
    }
}

pub(crate) fn answer_input(ticket: Ticket, answer: &Answer) -> Input {
    Input::Answer { ticket: ticket.0, answer: answer_of(answer) }
}

fn answer_of(answer: &Answer) -> bundle::Answer {
    match answer {
        Answer::Prompt(found) => bundle::Answer::Prompt(found.as_ref().map(|prompt| bundle::Sound { label: prompt.label().to_owned(), ms: ms(prompt.duration()) }).map_err(Clone::clone)),
        Answer::Http(reply) => bundle::Answer::Http(reply.as_ref().map(reply_of).map_err(Clone::clone)),
        Answer::Script(reply) => bundle::Answer::Script(reply.not_done_because().map_or(Ok(()), |why| Err(why.to_owned()))),
        Answer::Mailbox(room) => bundle::Answer::Mailbox(room.as_ref().map(|room| (room.messages, room.disk_accepts)).map_err(Clone::clone)),
        Answer::Messages(entries) => bundle::Answer::Messages(entries.as_ref().map(|entries| entries.iter().map(entry_of).collect()).map_err(Clone::clone)),
        Answer::Pin(verdict) => bundle::Answer::Pin(verdict.as_ref().map(|verdict| verdict_of(*verdict)).map_err(Clone::clone)),
        Answer::ReferTo(uri) => bundle::Answer::ReferTo(uri.as_ref().map(ToString::to_string).map_err(Clone::clone)),
        Answer::SpoolBegun(begun) => bundle::Answer::SpoolBegun(begun.clone()),
        Answer::SpoolFinished(kept) => bundle::Answer::SpoolFinished(kept.clone()),
        Answer::Queued(queued) => bundle::Answer::Queued(queued.clone()),
        Answer::Located(ways) => bundle::Answer::Located(ways.as_ref().map(|ways| ways.iter().map(branch_of).collect()).map_err(Clone::clone)),
        Answer::Met(met) => bundle::Answer::Met(meeting_of(met)),
    }
}

fn reply_of(reply: &HttpReply) -> bundle::HttpReply {
    let is_same = |json: &serde_json::Value| serde_json::from_str::<serde_json::Value>(&reply.text).is_ok_and(|read| read == *json);
    bundle::HttpReply {
        status: reply.status,
        text: reply.text.clone(),
        is_json: reply.json.is_some(),
        json: reply.json.clone().filter(|json| !is_same(json)),
    }
}

fn entry_of(entry: &voicemail::Entry) -> bundle::Entry {
    bundle::Entry {
        id: entry.id,
        caller: bundle::Caller { number: entry.caller.number.clone(), name: entry.caller.name.clone() },
        began: entry.began,
        ms: ms(entry.length),
        heard: entry.heard,
    }
}

const fn verdict_of(verdict: voicemail::PinVerdict) -> bundle::Verdict {
    match verdict {
        voicemail::PinVerdict::Right => bundle::Verdict::Right,
        voicemail::PinVerdict::Wrong => bundle::Verdict::Wrong,
        voicemail::PinVerdict::Locked => bundle::Verdict::Locked,
    }
}

fn branch_of(branch: &Branch) -> bundle::Branch {
    let Branch { name, uri, to, from, hop, pinned, contact, route, trusted, codecs, srtp, dtmf } = branch;
    bundle::Branch {
        name: name.clone(),
        uri: uri.to_string(),
        to: to.to_string(),
        from: from.to_string(),
        hop: hop_text(hop),
        pinned: *pinned,
        contact: contact.to_string(),
        route: route.clone(),
        trusted: *trusted,
        codecs: codecs_of(codecs),
        codecs_ranked: codecs.is_ranked,
        srtp: srtp.name().to_owned(),
        dtmf: dtmf.word().to_owned(),
        more: std::collections::BTreeMap::new(),
    }
}

fn codecs_of(codecs: &Codecs) -> Vec<String> {
    codecs.list.iter().map(|codec| codec.name().to_owned()).collect()
}

fn meeting_of(met: &Met) -> bundle::Meeting {
    match met {
        Met::Full => bundle::Meeting::Full,
        Met::Nobody => bundle::Meeting::Nobody,
        Met::Inside { room, open } => bundle::Meeting::Inside { room: room.0, open: *open },
        Met::Opened => bundle::Meeting::Opened,
        Met::Alone(alone) => bundle::Meeting::Alone(*alone),
        Met::Tune(Tuning { muted, talk, hear, pairs }) => bundle::Meeting::Tune { muted: *muted, talk: *talk, hear: *hear, pairs: pairs.clone() },
        Met::Left { people_max } => bundle::Meeting::Left { people_max: *people_max },
        Met::Parked { place } => bundle::Meeting::Parked { place: *place },
        Met::Position(position) => bundle::Meeting::Position(*position),
        Met::Ring { agents } => bundle::Meeting::Ring { agents: agents.clone() },
        Met::Wanted => bundle::Meeting::Wanted,
        Met::Resume => bundle::Meeting::Resume,
        Met::Talk { room, with } => bundle::Meeting::Talk { room: room.0, with: with.clone() },
        Met::Over { people_max } => bundle::Meeting::Over { people_max: *people_max },
    }
}

fn size_of_input(input: &Input) -> usize {
    match input {
        Input::Request { text, .. } | Input::Ack { text, .. } | Input::Response { text, .. } => text.len(),
        Input::Answer { answer, .. } => size_of_answer(answer),
        Input::Begin | Input::Sockets { .. } | Input::Cancelled { .. } | Input::Failed { .. } | Input::HangUp { .. } | Input::Key { .. } | Input::Time | Input::Media => 0,
    }
}

fn size_of_answer(answer: &bundle::Answer) -> usize {
    match answer {
        bundle::Answer::Http(Ok(reply)) => reply.text.len() + reply.json.as_ref().map_or(0, |json| json.to_string().len()),
        bundle::Answer::Prompt(Ok(sound)) => sound.label.len(),
        bundle::Answer::Messages(Ok(entries)) => entries.len() * 160,
        bundle::Answer::Located(Ok(ways)) => ways.len() * 512,
        bundle::Answer::Http(_)
        | bundle::Answer::Prompt(_)
        | bundle::Answer::Messages(_)
        | bundle::Answer::Located(_)
        | bundle::Answer::Script(_)
        | bundle::Answer::Mailbox(_)
        | bundle::Answer::Pin(_)
        | bundle::Answer::ReferTo(_)
        | bundle::Answer::SpoolBegun(_)
        | bundle::Answer::SpoolFinished(_)
        | bundle::Answer::Queued(_)
        | bundle::Answer::Met(_) => SEEN_BYTES,
    }
}

fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

// --- what the media told ----------------------------------------------------------------------------------------------

fn heard(event: &Event, is_secret: bool) -> Heard {
    match event {
        Event::PlayerDone { id, leg, end } => Heard::Played {
            player: id.0,
            leg: leg.0,
            end: match end {
                PlayerEnd::Finished => bundle::PlayerEnd::Finished,
                PlayerEnd::Stopped => bundle::PlayerEnd::Stopped,
                PlayerEnd::Replaced => bundle::PlayerEnd::Replaced,
            },
        },
        Event::Digit { leg, digit, way } => {
            Heard::Key { leg: leg.0, key: digit.as_char(), way: way.to_string(), secret: is_secret && *leg == LegId::CALLER }
        }
        Event::DigitDropped { leg, way, why } => Heard::KeyDropped {
            leg: leg.0,
            way: way.to_string(),
            same_as: match why {
                Dropped::SameAs(known) => Some(known.to_string()),
                Dropped::NotBelieved => None,
            },
        },
        Event::DigitsSent { leg } => Heard::KeysSent { leg: leg.0 },
        Event::Recorded { id, .. } => Heard::Sound { recorder: id.0, chunks: 1 },
        Event::SpeechStarted { id } => Heard::Speech { recorder: id.0 },
        Event::RecordingDone { id, end, recorded } => Heard::Recorded {
            recorder: id.0,
            end: match end {
                RecordEnd::Silence => bundle::RecordEnd::Silence,
                RecordEnd::Length => bundle::RecordEnd::Length,
                RecordEnd::Stopped => bundle::RecordEnd::Stopped,
            },
            recorded: bundle::Recorded {
                ms: ms(recorded.duration),
                speech_ms: ms(recorded.speech),
                speech_from_ms: recorded.speech_from.map(ms),
                speech_until_ms: ms(recorded.speech_until),
                lost_frames: recorded.lost_frames,
            },
        },
        Event::Silent { leg, .. } => Heard::Silent { leg: leg.0 },
        Event::Heard { leg } => Heard::Heard { leg: leg.0 },
        Event::OneWay { leg, why } => Heard::OneWay { leg: leg.0, why: why.map(one_way_of) },
        Event::Rated { leg, mos } => Heard::Rated { leg: leg.0, mos: *mos },
        Event::Latched { leg, to } => Heard::Latched { leg: leg.0, to: *to },
    }
}

const fn one_way_of(why: media::OneWay) -> bundle::OneWay {
    use media::OneWay;
    match why {
        OneWay::WrongKey => bundle::OneWay::WrongKey,
        OneWay::OtherAddress { from, signalled } => bundle::OneWay::OtherAddress { from, signalled },
        OneWay::WrongPayloadType(number) => bundle::OneWay::WrongPayloadType(number),
        OneWay::PortClosed(media::SentBack { target, by, .. }) => bundle::OneWay::PortClosed { target, by },
        OneWay::Unreachable(media::SentBack { target, what, by }) => bundle::OneWay::Unreachable { target, what: unreachable_of(what), by },
        OneWay::NothingCame { sent, target } => bundle::OneWay::NothingCame { sent, target },
        OneWay::Stopped { seconds } => bundle::OneWay::Stopped { seconds },
        OneWay::OnlyComfortNoise => bundle::OneWay::OnlyComfortNoise,
        OneWay::FarHearsNothing { sent, target } => bundle::OneWay::FarHearsNothing { sent, target },
    }
}

const fn unreachable_of(what: media::Unreachable) -> bundle::Unreachable {
    match what {
        media::Unreachable::Port => bundle::Unreachable::Port,
        media::Unreachable::Host => bundle::Unreachable::Host,
        media::Unreachable::Network => bundle::Unreachable::Network,
        media::Unreachable::Prohibited => bundle::Unreachable::Prohibited,
    }
}

// --- what the call said -----------------------------------------------------------------------------------------------

/// In words; `None`: of no matter for the run of a call (sound on its way to the disk, the record, the bundle itself).
pub(crate) fn said(output: &Output) -> Option<Said> {
    Some(match output {
        Output::Front(message) => Said::Front(front_text(message)?),
        Output::Errand { ticket, errand, .. } => Said::Errand(format!("{}: {}", ticket.0, errand_text(errand)?)),
        Output::OpenMedia { leg, .. } => Said::Errand(format!("sockets for {leg}")),
        Output::CloseMedia { leg, .. } => Said::Errand(format!("no more sockets for {leg}")),
        Output::HandOver { .. } | Output::Forward { .. } | Output::Bundle(_) => return None,
    })
}

/// Our keys of protected media are not the same when a call is run again, and nobody's business.
fn shown(text: &str) -> String {
    sdp::masked(text)
}

/// An INFO without the key it brings.
fn without_keys(text: &str) -> String {
    let line = |line: &str| if line.starts_with("Signal=") { "Signal=(key)\r\n".to_owned() } else { line.to_owned() };
    text.split_inclusive('\n').map(line).collect()
}

fn front_text(message: &ToFront) -> Option<String> {
    Some(match message {
        ToFront::Respond { transaction, response } => format!("responds to {}\r\n{}", transaction.0, shown(&response_text(response))),
        ToFront::Repeat { transaction, response } => format!("repeats to {}: {}", transaction.0, response.code),
        ToFront::Send { leg, request, hop, .. } => {
            let text = shown(&request_text(request));
            // A key that a flow presses may be of a secret.
            let text = if request.method == sip::Method::Info { without_keys(&text) } else { text };
            format!("{leg}: sends to {}\r\n{text}", hop_text(hop))
        }
        ToFront::Ack { request, hop } => format!("acknowledges to {}\r\n{}", hop_text(hop), request_text(request)),
        ToFront::Cancel { leg, reason, .. } => format!("{leg}: cancels {}", reason.as_deref().unwrap_or_default()).trim_end().to_owned(),
        ToFront::Locate { ticket, target, .. } => format!("{}: where is {target}", ticket.0),
        ToFront::Meet { ticket, meet, .. } => format!("{}: {meet:?}", ticket.0),
        ToFront::ReferTo { ticket, target, .. } => format!("{}: where may the caller be sent for {target}", ticket.0),
        ToFront::Answered { .. } => "the caller is answered".to_owned(),
        ToFront::LegEnded { leg, .. } => format!("{leg} is over"),
        // What is shown of media is measured, and of no matter for the run of a call.
        ToFront::Ended(_) | ToFront::Media { .. } => return None,
    })
}

fn errand_text(errand: &Errand) -> Option<String> {
    let item = |item: &flow::PromptItem| serde_json::to_string(item).unwrap_or_default();
    Some(match errand {
        Errand::Prompt(wanted) => format!("sound {}", item(wanted)),
        Errand::Announcement(say) => format!("announcement {:?}", say.text),
        Errand::Http(http) => format!("http {:?} {}", http.method, http.url),
        Errand::Script(_) => "a script's step".to_owned(),
        Errand::Mailbox { mailbox, .. } => format!("how full is mailbox {mailbox}"),
        Errand::Messages { mailbox, .. } => format!("the messages of mailbox {mailbox}"),
        Errand::CheckPin { mailbox, .. } => format!("a PIN for mailbox {mailbox}"),
        Errand::MessageSound { id } => format!("the sound of message {id}"),
        Errand::MarkHeard { id } => format!("message {id} is heard"),
        Errand::DeleteMessage { id } => format!("delete message {id}"),
        Errand::SpoolBegin { id, .. } => format!("begin recording {id}"),
        Errand::SpoolAppend { .. } => return None,
        Errand::SpoolFinish { id, disposition } => match disposition {
            Disposition::Discard => format!("discard recording {id}"),
            Disposition::Keep { .. } => format!("keep recording {id}"),
            Disposition::Message(_) => format!("make recording {id} a message"),
        },
        Errand::Notify { notify, .. } => format!("webhook to {}", notify.url),
        Errand::MailboxFull { envelope, .. } => format!("tell that mailbox {} is full", envelope.mailbox),
    })
}

// --- the head ---------------------------------------------------------------------------------------------------------

fn head_of(new: &NewCall, now: Now) -> bundle::Head {
    let plan = &new.plan;
    let origin = match &plan.origin {
        Origin::Connection(name) => format!("connection {name}"),
        Origin::Trunk(name) => format!("trunk {name}"),
        Origin::Unknown => "unknown".to_owned(),
    };
    let facts = &plan.facts;
    let mut mailboxes: Vec<bundle::Mailbox> = Vec::new();
    let line_mailbox = facts.line.mailbox.as_deref().and_then(|name| Name::new(name).ok());
    for name in line_mailbox.iter().chain(&plan.own_mailbox) {
        if let Some(mailbox) = plan.mailboxes.get(name).filter(|mailbox| mailboxes.iter().all(|known| known.name != mailbox.name)) {
            mailboxes.push(mailbox_of(mailbox));
        }
    }
    bundle::Head {
        format: bundle::FORMAT,
        software: concat!("callflow ", env!("CARGO_PKG_VERSION")).to_owned(),
        call: new.id,
        began: now.unix,
        version: plan.flows.version().to_owned(),
        seed: new.seed,
        invite: request_text(&new.invite),
        transaction: new.transaction.0,
        source: flow_text(&new.source),
        tag: new.local_tag.clone(),
        contact: new.contact.to_string(),
        plan: bundle::Plan {
            flow: plan.flow.clone(),
            parties: bundle::Parties {
                caller: bundle::Caller { number: facts.caller.number.clone(), name: facts.caller.name.clone() },
                caller_connection: facts.caller.connection.clone(),
                connection: facts.line.connection.clone(),
                number: facts.line.number.clone(),
                mailbox: facts.line.mailbox.clone(),
                started: facts.line.started,
            },
            settings: facts.settings.clone(),
            secrets: std::collections::BTreeMap::new(),
            realm: plan.realm.clone(),
            connection: plan.connection.clone(),
            origin,
            length_max: plan.length_max,
            silence: plan.silence,
            codecs: codecs_of(&plan.codecs),
            codecs_ranked: plan.codecs.is_ranked,
            opus_complexity: plan.opus_complexity,
            srtp: plan.srtp.name().to_owned(),
            dtmf: plan.dtmf.word().to_owned(),
            own_mailbox: plan.own_mailbox.clone(),
            mailboxes,
        },
    }
}

fn mailbox_of(mailbox: &voicemail::Mailbox) -> bundle::Mailbox {
    bundle::Mailbox {
        name: mailbox.name.clone(),
        greeting: match &mailbox.greeting {
            voicemail::Greeting::Standard => bundle::Greeting::Standard,
            voicemail::Greeting::Play(file) => bundle::Greeting::Play(file.clone()),
            voicemail::Greeting::Say(text) => bundle::Greeting::Say(text.clone()),
        },
        messages_max: mailbox.limits.messages_max,
        length_max: mailbox.limits.length_max,
        discard_under: mailbox.limits.discard_under,
        announce_only: mailbox.announce_only,
        has_pin: mailbox.pin.is_some(),
        pin_for_owner: mailbox.pin_for_owner,
        zone: mailbox.zone.iana_name().unwrap_or("UTC").to_owned(),
    }
}
