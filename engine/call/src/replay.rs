//! A call run again from its bundle: the same machine is told the same things at the same times; nobody is called.
//!
//! The mixer gets no packets and gives way to what the diary says it told. Scripts are executed again.

use crate::{
    call::Call,
    diary::{self, failure_text},
    door::{Answer, Branch, Command, Errand, HttpReply, LegEvent, Line, NewCall, Origin, Output, Plan, Seat, Ticket},
    filler::Fillers,
    meet::{Met, RoomId, Tuning},
};
use audio::{Pcm, Prompt};
use bundle::{Bundle, Heard, Input, Said, Seen, Trace, Turn};
use media::{Dropped, Event, Hears, Mixer, OneWay, PlayerEnd, PlayerId, RecordEnd, Recorded, RecorderId, SentBack, Unreachable, Wire};
use sip::{FailedWhy, Flow, Message, Method, NextHop, Request, Response, ServerKey, Target, Transport, Uri};
use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use terms::{Codec, Codecs, Digit, Dtmf, KeyWay, LegId, Name, Now, Secret, Srtp, UnixMs};
use voicemail::{Pin, PinVerdict};

/// Stands for the hash of a PIN: whether it is right, the bundle says.
const SOME_PIN: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// No call is longer, whatever a bundle says.
const LENGTH_MAX: Duration = Duration::from_secs(30 * 86_400);

/// Why a bundle cannot be played, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("turn {turn}: {what}")]
pub struct Unplayable {
    /// Which turn, from 0; the head counts as the first.
    pub turn: usize,
    /// What cannot be understood in it.
    pub what: String,
}

/// What a call's media told, from the diary.
#[derive(Debug, Default)]
pub(crate) struct Script {
    seen: VecDeque<Seen>,
    round: u32,
    ear: Option<Hears>,
}

impl Script {
    fn turn(&mut self, turn: &Turn) {
        self.seen = turn.seen.iter().cloned().collect();
        self.round = 0;
    }

    /// What the mixer told at this point; what it tells now is not heard.
    pub(crate) fn poll_event(&mut self, mixer: &mut Mixer, now: Instant) -> Option<Event> {
        while mixer.poll_event().is_some() {}
        let next = self.seen.front_mut().filter(|seen| seen.round <= self.round)?;
        if matches!(next.what, Heard::Ear(_) | Heard::FarEar { .. }) {
            return None;
        }
        if let Heard::Sound { recorder, chunks } = &mut next.what
            && *chunks > 1
        {
            *chunks -= 1;
            return Some(Event::Recorded { id: RecorderId(*recorder), samples: Vec::new() });
        }
        let seen = self.seen.pop_front()?;
        event_of(seen.what, now)
    }

    /// What a leg heard at this point.
    pub(crate) fn hears(&mut self, asked: LegId) -> Hears {
        while let Some(next) = self.seen.front().filter(|seen| seen.round <= self.round) {
            if let Heard::Ear(ear) = &next.what {
                self.ear = Some(hears_of(ear));
                self.seen.pop_front();
                continue;
            }
            if let Heard::FarEar { leg, ear } = &next.what
                && asked == LegId(*leg)
            {
                let ear = hears_of(ear);
                self.seen.pop_front();
                return ear;
            }
            break;
        }
        self.ear.filter(|_| asked == LegId::CALLER).unwrap_or(Hears::Nothing)
    }

    /// The next time the call looks at its media is a new round.
    pub(crate) const fn next_round(&mut self) {
        self.round += 1;
    }

    /// Whether something is to come in a later round of this turn; goes there.
    pub(crate) fn goes_on(&mut self) -> bool {
        while self.seen.front().is_some_and(|seen| seen.round <= self.round) {
            // The call went another way and did not look.
            self.seen.pop_front();
        }
        match self.seen.front() {
            Some(next) => {
                self.round = next.round;
                true
            }
            None => false,
        }
    }
}

/// A sink for packets that nobody gets.
struct Nowhere;

impl Wire for Nowhere {
    fn rtp(&mut self, _leg: LegId, _to: SocketAddr, _packet: &[u8]) {}
    fn rtcp(&mut self, _leg: LegId, _to: SocketAddr, _packet: &[u8]) {}
}

/// Runs the call of a bundle again, through these flows (those of the bundle, or others), and tells what it did. `start`: any moment.
///
/// Executes scripts: give the thread [`flow::limits::SCRIPT_STACK`] bytes of stack.
///
/// # Errors
/// [`Unplayable`] when the bundle says something that no call was ever told.
pub fn replay(bundle: &Bundle, flows: flow::FlowSet, start: Instant) -> Result<Trace, Unplayable> {
    let new = new_call(bundle, flows).map_err(|what| Unplayable { turn: 0, what })?;
    let began = Now { at: start, unix: bundle.head.began };
    let silence = Prompt::shared("(sound)", &Pcm { rate: 8_000, samples: vec![0; 160] });
    let mut play = Play { call: Call::played(Box::new(new), Arc::new(Fillers::new(Arc::clone(&silence))), began), scripts: BTreeMap::new(), said: Vec::new(), silence };
    for (at, turn) in bundle.turns.iter().enumerate() {
        let now = moment(began, turn);
        play.turn(turn, now).map_err(|what| Unplayable { turn: at, what })?;
    }
    let look = play.call.look();
    let line = |line: &Line| (line.at_ms, line.what.clone());
    let journal = look.run.journal().to_vec();
    let timeline = look.record.timeline.iter().map(line).collect();
    Ok(Trace { began: began.unix, journal, timeline, said: play.said, is_cut: bundle.end.cut })
}

fn moment(began: Now, turn: &Turn) -> Now {
    let ms = i64::try_from(turn.at.as_millis()).unwrap_or(i64::MAX).saturating_add(turn.wall);
    Now { at: began.at + turn.at, unix: UnixMs(began.unix.0.saturating_add_signed(ms)) }
}

struct Play {
    call: Call,
    /// Steps of scripts that were asked for.
    scripts: BTreeMap<u32, flow::ScriptJob>,
    said: Vec<(Duration, Vec<Said>)>,
    silence: Arc<Prompt>,
}

impl Play {
    fn turn(&mut self, turn: &Turn, now: Now) -> Result<(), String> {
        if let Some(script) = self.call.script_mut() {
            script.turn(turn);
        }
        let wire = &mut Nowhere;
        match &turn.input {
            Input::Begin => {}
            Input::Sockets { leg, address } => self.call.media_opened(LegId(*leg), *address, now, wire),
            Input::HangUp { why } => self.call.command(&Command::HangUp { why: why.clone().into() }, now, wire),
            Input::Key { key, way } => {
                let digit = Digit::try_from(*key).map_err(|_| format!("{key:?} is no key"))?;
                let way = way_of(way).ok_or_else(|| format!("{way:?} is no way of keys"))?;
                self.call.key_from_other(digit, way, now, wire);
            }
            Input::Time => drop(self.call.handle_timeout(now, wire)),
            Input::Media => self.call.stirred(now, wire),
            Input::Answer { ticket, answer } => {
                if let Some(answer) = self.answer(*ticket, answer)? {
                    self.call.answer(Ticket(*ticket), answer, now, wire);
                }
            }
            Input::Request { leg, .. } | Input::Ack { leg, .. } | Input::Cancelled { leg } | Input::Response { leg, .. } | Input::Failed { leg, .. } => {
                let event = leg_event(&turn.input)?;
                self.call.leg_event(LegId(*leg), event, now, wire);
            }
        }
        let mut said = Vec::new();
        while let Some(output) = self.call.poll_output() {
            said.extend(diary::said(&output));
            if let Output::Errand { ticket, errand: Errand::Script(job), .. } = output {
                self.scripts.insert(ticket.0, job);
            }
        }
        while self.call.poll_room().is_some() {}
        self.said.push((turn.at, said));
        Ok(())
    }

    /// `None`: the call went another way and never asked.
    fn answer(&mut self, ticket: u32, answer: &bundle::Answer) -> Result<Option<Answer>, String> {
        Ok(Some(match answer {
            bundle::Answer::Prompt(found) => Answer::Prompt(found.as_ref().map(|_| Arc::clone(&self.silence)).map_err(Clone::clone)),
            bundle::Answer::Http(reply) => Answer::Http(reply.as_ref().map(reply_of).map_err(Clone::clone)),
            bundle::Answer::Script(Err(why)) => Answer::Script(Box::new(flow::ScriptReply::not_done(why))),
            bundle::Answer::Script(Ok(())) => match self.scripts.remove(&ticket) {
                Some(job) => Answer::Script(Box::new(job.execute())),
                None => return Ok(None),
            },
            bundle::Answer::Mailbox(room) => {
                Answer::Mailbox(room.as_ref().map(|(messages, disk_accepts)| voicemail::Room { messages: *messages, disk_accepts: *disk_accepts }).map_err(Clone::clone))
            }
            bundle::Answer::Messages(entries) => Answer::Messages(entries.as_ref().map(|entries| entries.iter().map(entry_of).collect()).map_err(Clone::clone)),
            bundle::Answer::Pin(verdict) => Answer::Pin(verdict.as_ref().map(|verdict| verdict_of(*verdict)).map_err(Clone::clone)),
            bundle::Answer::ReferTo(Ok(text)) => Answer::ReferTo(Ok(uri(text)?)),
            bundle::Answer::ReferTo(Err(why)) => Answer::ReferTo(Err(why.clone())),
            bundle::Answer::SpoolBegun(begun) => Answer::SpoolBegun(begun.clone()),
            bundle::Answer::SpoolFinished(kept) => Answer::SpoolFinished(kept.clone()),
            bundle::Answer::Queued(queued) => Answer::Queued(queued.clone()),
            bundle::Answer::Located(Ok(ways)) => Answer::Located(Ok(ways.iter().map(branch_of).collect::<Result<_, _>>()?)),
            bundle::Answer::Located(Err(why)) => Answer::Located(Err(why.clone())),
            bundle::Answer::Met(meeting) => Answer::Met(met_of(meeting)),
        }))
    }
}

// --- words back into values -------------------------------------------------------------------------------------------

/// `now` stands for moments that a call does not look at.
fn event_of(heard: Heard, now: Instant) -> Option<Event> {
    let ms = Duration::from_millis;
    Some(match heard {
        Heard::Played { player, leg, end } => Event::PlayerDone {
            id: PlayerId(player),
            leg: LegId(leg),
            end: match end {
                bundle::PlayerEnd::Finished => PlayerEnd::Finished,
                bundle::PlayerEnd::Stopped => PlayerEnd::Stopped,
                bundle::PlayerEnd::Replaced => PlayerEnd::Replaced,
            },
        },
        Heard::Key { leg, key, way, .. } => Event::Digit { leg: LegId(leg), digit: Digit::try_from(key).ok()?, way: way_of(&way)? },
        Heard::KeyDropped { leg, way, same_as } => Event::DigitDropped {
            leg: LegId(leg),
            way: way_of(&way)?,
            why: match same_as {
                Some(known) => Dropped::SameAs(way_of(&known)?),
                None => Dropped::NotBelieved,
            },
        },
        Heard::KeysSent { leg } => Event::DigitsSent { leg: LegId(leg) },
        Heard::Sound { recorder, .. } => Event::Recorded { id: RecorderId(recorder), samples: Vec::new() },
        Heard::Speech { recorder } => Event::SpeechStarted { id: RecorderId(recorder) },
        Heard::Recorded { recorder, end, recorded } => Event::RecordingDone {
            id: RecorderId(recorder),
            end: match end {
                bundle::RecordEnd::Silence => RecordEnd::Silence,
                bundle::RecordEnd::Length => RecordEnd::Length,
                bundle::RecordEnd::Stopped => RecordEnd::Stopped,
            },
            recorded: Recorded {
                duration: ms(recorded.ms),
                speech: ms(recorded.speech_ms),
                speech_from: recorded.speech_from_ms.map(ms),
                speech_until: ms(recorded.speech_until_ms),
                lost_frames: recorded.lost_frames,
            },
        },
        Heard::Silent { leg } => Event::Silent { leg: LegId(leg), since: now },
        Heard::Heard { leg } => Event::Heard { leg: LegId(leg) },
        Heard::OneWay { leg, why } => Event::OneWay { leg: LegId(leg), why: why.map(one_way_of) },
        Heard::Rated { leg, mos } => Event::Rated { leg: LegId(leg), mos },
        Heard::Latched { leg, to } => Event::Latched { leg: LegId(leg), to },
        Heard::Ear(_) | Heard::FarEar { .. } => return None,
    })
}

const fn one_way_of(why: bundle::OneWay) -> OneWay {
    match why {
        bundle::OneWay::WrongKey => OneWay::WrongKey,
        bundle::OneWay::OtherAddress { from, signalled } => OneWay::OtherAddress { from, signalled },
        bundle::OneWay::WrongPayloadType(number) => OneWay::WrongPayloadType(number),
        bundle::OneWay::PortClosed { target, by } => OneWay::PortClosed(SentBack { target, what: Unreachable::Port, by }),
        bundle::OneWay::Unreachable { target, what, by } => OneWay::Unreachable(SentBack { target, what: unreachable_of(what), by }),
        bundle::OneWay::NothingCame { sent, target } => OneWay::NothingCame { sent, target },
        bundle::OneWay::Stopped { seconds } => OneWay::Stopped { seconds },
        bundle::OneWay::OnlyComfortNoise => OneWay::OnlyComfortNoise,
        bundle::OneWay::FarHearsNothing { sent, target } => OneWay::FarHearsNothing { sent, target },
    }
}

const fn unreachable_of(what: bundle::Unreachable) -> Unreachable {
    match what {
        bundle::Unreachable::Port => Unreachable::Port,
        bundle::Unreachable::Host => Unreachable::Host,
        bundle::Unreachable::Network => Unreachable::Network,
        bundle::Unreachable::Prohibited => Unreachable::Prohibited,
    }
}

fn way_of(text: &str) -> Option<KeyWay> {
    KeyWay::ALL.into_iter().find(|way| way.to_string() == text)
}

fn hears_of(text: &str) -> Hears {
    match text {
        "nothing" => Hears::Nothing,
        "others" => Hears::Others,
        number => number.parse().map_or(Hears::Unreachable, |player| Hears::Player(PlayerId(player))),
    }
}

fn reply_of(reply: &bundle::HttpReply) -> HttpReply {
    let json = reply.json.clone().or_else(|| serde_json::from_str(&reply.text).ok().filter(|_| reply.is_json));
    HttpReply { status: reply.status, text: reply.text.clone(), json }
}

fn entry_of(entry: &bundle::Entry) -> voicemail::Entry {
    voicemail::Entry {
        id: entry.id,
        caller: voicemail::Caller { number: entry.caller.number.clone(), name: entry.caller.name.clone() },
        began: entry.began,
        length: Duration::from_millis(entry.ms),
        heard: entry.heard,
    }
}

const fn verdict_of(verdict: bundle::Verdict) -> PinVerdict {
    match verdict {
        bundle::Verdict::Right => PinVerdict::Right,
        bundle::Verdict::Wrong => PinVerdict::Wrong,
        bundle::Verdict::Locked => PinVerdict::Locked,
    }
}

fn branch_of(branch: &bundle::Branch) -> Result<Branch, String> {
    if let Some(unknown) = branch.more.keys().next() {
        return Err(format!("a way with {unknown:?}, which this callflow does not know"));
    }
    Ok(Branch {
        name: branch.name.clone(),
        uri: uri(&branch.uri)?,
        to: uri(&branch.to)?,
        from: uri(&branch.from)?,
        hop: hop(&branch.hop)?,
        pinned: branch.pinned,
        contact: uri(&branch.contact)?,
        route: branch.route.clone(),
        trusted: branch.trusted,
        codecs: codecs(&branch.codecs, branch.codecs_ranked)?,
        srtp: srtp(&branch.srtp)?,
        dtmf: dtmf(&branch.dtmf)?,
    })
}

fn met_of(meeting: &bundle::Meeting) -> Met {
    match meeting {
        bundle::Meeting::Full => Met::Full,
        bundle::Meeting::Nobody => Met::Nobody,
        bundle::Meeting::Inside { room, open } => Met::Inside { room: RoomId(*room), open: *open },
        bundle::Meeting::Opened => Met::Opened,
        bundle::Meeting::Alone(alone) => Met::Alone(*alone),
        bundle::Meeting::Tune { muted, talk, hear, pairs } => Met::Tune(Tuning { muted: *muted, talk: *talk, hear: *hear, pairs: pairs.clone() }),
        bundle::Meeting::Left { people_max } => Met::Left { people_max: *people_max },
        bundle::Meeting::Parked { place } => Met::Parked { place: *place },
        bundle::Meeting::Position(position) => Met::Position(*position),
        bundle::Meeting::Ring { agents } => Met::Ring { agents: agents.clone() },
        bundle::Meeting::Wanted => Met::Wanted,
        bundle::Meeting::Resume => Met::Resume,
        bundle::Meeting::Talk { room, with } => Met::Talk { room: RoomId(*room), with: with.clone() },
        bundle::Meeting::Over { people_max } => Met::Over { people_max: *people_max },
    }
}

fn leg_event(input: &Input) -> Result<LegEvent, String> {
    Ok(match input {
        Input::Request { transaction, from, text, .. } => LegEvent::Request { transaction: ServerKey(*transaction), request: request(text)?, source: flow(from)? },
        Input::Ack { text, .. } => LegEvent::Ack(request(text)?),
        Input::Response { from, text, .. } => LegEvent::Response { response: response(text)?, source: flow(from)? },
        Input::Failed { method, why, .. } => {
            let all = [FailedWhy::Timeout, FailedWhy::Transport, FailedWhy::Unresolvable, FailedWhy::Cancelled, FailedWhy::Overload];
            let why = all.into_iter().find(|known| failure_text(*known) == why).ok_or_else(|| format!("{why:?} is no failure"))?;
            LegEvent::Failed { method: Method::parse(method).ok_or_else(|| format!("{method:?} is no method"))?, why }
        }
        Input::Cancelled { .. } | Input::Begin | Input::Sockets { .. } | Input::Answer { .. } | Input::HangUp { .. } | Input::Key { .. } | Input::Time | Input::Media => LegEvent::Cancelled,
    })
}

fn message(text: &str) -> Result<Message, String> {
    Message::parse(text.to_owned().into()).map_err(|why| why.to_string())
}

fn request(text: &str) -> Result<Request, String> {
    match message(text)? {
        Message::Request(request) => Ok(request),
        Message::Response(_) => Err("a response where a request belongs".to_owned()),
    }
}

fn response(text: &str) -> Result<Response, String> {
    match message(text)? {
        Message::Response(response) => Ok(response),
        Message::Request(_) => Err("a request where a response belongs".to_owned()),
    }
}

fn uri(text: &str) -> Result<Uri, String> {
    Uri::parse(text).map_err(|why| format!("{text:?}: {why}"))
}

fn flow(text: &str) -> Result<Flow, String> {
    let bad = || format!("{text:?} is no way of a packet");
    let [transport, peer, "at", local, connection] = text.split(' ').collect::<Vec<_>>()[..] else { return Err(bad()) };
    let transport = Transport::parse(transport).ok_or_else(bad)?;
    let (peer, local) = (peer.parse().map_err(|_| bad())?, local.parse().map_err(|_| bad())?);
    Ok(Flow { transport, local, peer, connection: connection.parse().map_err(|_| bad())? })
}

fn hop(text: &str) -> Result<NextHop, String> {
    let bad = || format!("{text:?} is no next hop");
    match text.split_once(' ').ok_or_else(bad)? {
        ("flow", rest) => flow(rest).map(NextHop::Flow),
        ("uri", rest) => uri(rest).map(NextHop::Uri),
        ("target", rest) => {
            let (transport, addr) = rest.split_once(' ').ok_or_else(bad)?;
            Ok(NextHop::Target(Target { transport: Transport::parse(transport).ok_or_else(bad)?, addr: addr.parse().map_err(|_| bad())? }))
        }
        _ => Err(bad()),
    }
}

fn dtmf(text: &str) -> Result<Dtmf, String> {
    Dtmf::of_word(text).ok_or_else(|| format!("{text:?} is no way of keys"))
}

fn srtp(text: &str) -> Result<Srtp, String> {
    Srtp::ALL.into_iter().find(|srtp| srtp.name() == text).ok_or_else(|| format!("{text:?} is no protection of media"))
}

fn codecs(names: &[String], is_ranked: bool) -> Result<Codecs, String> {
    let list: Result<Vec<Codec>, String> = names.iter().map(|name| name.parse().map_err(|()| format!("{name:?} is no codec"))).collect();
    Ok(Codecs { list: list?, is_ranked })
}

fn new_call(bundle: &Bundle, flows: flow::FlowSet) -> Result<NewCall, String> {
    let head = &bundle.head;
    let plan = &head.plan;
    let name = |text: &str| Name::new(text).map_err(|why| why.to_string());
    let origin = match plan.origin.split_once(' ') {
        Some(("connection", connection)) => Origin::Connection(name(connection)?),
        Some(("trunk", trunk)) => Origin::Trunk(name(trunk)?),
        Some(_) | None => Origin::Unknown,
    };
    let parties = &plan.parties;
    let facts = flow::CallFacts {
        caller: flow::Caller { number: parties.caller.number.clone(), name: parties.caller.name.clone(), connection: parties.caller_connection.clone() },
        line: flow::Line {
            id: head.call.to_string(),
            connection: parties.connection.clone(),
            number: parties.number.clone(),
            mailbox: parties.mailbox.clone(),
            started: parties.started,
        },
        settings: plan.settings.clone(),
        secrets: Arc::new(plan.secrets.iter().map(|(name, stand_in)| (name.clone(), Secret::new(stand_in.clone()))).collect()),
    };
    let mut mailboxes = BTreeMap::new();
    for mailbox in &plan.mailboxes {
        mailboxes.insert(mailbox.name.clone(), mailbox_of(mailbox, &plan.realm)?);
    }
    Ok(NewCall {
        id: head.call,
        invite: request(&head.invite)?,
        transaction: ServerKey(head.transaction),
        source: flow(&head.source)?,
        local_tag: head.tag.clone(),
        contact: uri(&head.contact)?,
        plan: Plan {
            flows,
            flow: plan.flow.clone(),
            facts,
            realm: plan.realm.clone(),
            connection: plan.connection.clone(),
            origin,
            length_max: plan.length_max.min(LENGTH_MAX),
            silence: plan.silence.min(LENGTH_MAX),
            codecs: codecs(&plan.codecs, plan.codecs_ranked)?,
            opus_complexity: plan.opus_complexity.min(10),
            srtp: srtp(&plan.srtp)?,
            dtmf: dtmf(&plan.dtmf)?,
            // Our keys are in no bundle, and nobody hears this call.
            media_secret: Secret::new([0; 32]),
            own_mailbox: plan.own_mailbox.clone(),
            mailboxes: Arc::new(mailboxes),
        },
        seed: head.seed,
    })
}

fn mailbox_of(mailbox: &bundle::Mailbox, realm: &Name) -> Result<voicemail::Mailbox, String> {
    let mut made = voicemail::Mailbox::new(realm.clone(), mailbox.name.clone());
    made.greeting = match &mailbox.greeting {
        bundle::Greeting::Standard => voicemail::Greeting::Standard,
        bundle::Greeting::Play(file) => voicemail::Greeting::Play(file.clone()),
        bundle::Greeting::Say(text) => voicemail::Greeting::Say(text.clone()),
    };
    made.limits.messages_max = mailbox.messages_max;
    made.limits.length_max = mailbox.length_max;
    made.limits.discard_under = mailbox.discard_under;
    made.announce_only = mailbox.announce_only;
    made.pin_for_owner = mailbox.pin_for_owner;
    if mailbox.has_pin {
        made.pin = Some(Pin::from_hash(SOME_PIN).map_err(|why| why.to_string())?);
    }
    if let Some(fault) = made.check().first() {
        return Err(fault.to_string());
    }
    if !made.set_zone(&mailbox.zone) {
        return Err(format!("{:?} is no time zone", mailbox.zone));
    }
    Ok(made)
}

/// A call's place where there is no shard.
pub(crate) const NO_SEAT: Seat = Seat(0);
