//! One phone line: registration and one call at a time, as a pure machine over SIP datagrams.
//!
//! ```text
//! Idle --Dial--> Calling --2xx--> Up --BYE--> Ending --200--> Idle
//!   |               `--3xx-6xx, CANCEL--> Idle   ^
//!   `--INVITE--> Incoming --answer---------------'  (Incoming --refuse, CANCEL--> Idle)
//! ```
//! Requests of our own and their repetition are in `asks.rs`, what the far end asks in `served.rs`.

use crate::account::{Manners, Protocol, Setup};
use crate::asks::{Ask, Purpose};
use crate::chance::Chance;
use crate::description::{self, Description, Saying};
use crate::dialog::Dialog;
use crate::ear::Route;
use crate::limits::{ASKS_MAX, GIVE_UP, T1, T2};
use crate::message;
use crate::served::{Accepting, Reply};
use rsip::headers::UntypedHeader as _;
use rsip::{Header, Request, headers as h};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use terms::{Codec, Direction};

/// What can happen to a line.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A SIP message, or what pretends to be one, arrived.
    Datagram {
        /// Where it came from.
        from: SocketAddr,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// Time passed; harmless when early.
    Timeout,
    /// The user (a script) wants something.
    Command(&'a Command),
}

/// How a key is written in the body of an INFO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InfoBody {
    /// `application/dtmf-relay`: `Signal=5`, with its duration.
    Relay,
    /// `application/dtmf`: the key alone.
    Plain,
}

/// What a user can do with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Register for so many seconds and keep it up; 0 takes the registration back.
    Register {
        /// Seconds.
        expires: u32,
    },
    /// Ask the server for its abilities.
    Options,
    /// Call somebody.
    Dial {
        /// A `sip:` or `tel:` URI.
        target: String,
        /// Whether the INVITE carries a description; otherwise the answer's ACK does.
        offer: bool,
    },
    /// How to behave when called.
    Behave(Manners),
    /// Answer the call that is ringing here.
    Answer,
    /// End whatever call there is: CANCEL, BYE, or 603 to one ringing here.
    HangUp,
    /// Hold (`true`) or resume (`false`) by re-INVITE.
    Hold(bool),
    /// One digit by SIP INFO.
    Info(terms::Digit, InfoBody),
    /// Tell how the call fares that the far end asked for by REFER: this status, as a fragment of a message (RFC 3420).
    Notify {
        /// 100–699; 200 and above end the telling.
        status: u16,
    },
}

/// Which way media may flow after an agreement, for the owner of the media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// Before the answer (183 or 180 with a description).
    Early,
    /// After the answer.
    Answered,
}

/// What happened, for the user.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The registrar accepted the registration for so many seconds (0: it is taken back).
    Registered {
        /// Seconds granted.
        expires: u32,
    },
    /// The registration failed; status 408 stands for no answer.
    RegisterFailed {
        /// The final status.
        status: u16,
    },
    /// OPTIONS was answered (408: not at all).
    OptionsAnswered {
        /// The final status.
        status: u16,
    },
    /// A provisional answer to our INVITE (100–199).
    Progress {
        /// The status.
        status: u16,
    },
    /// Somebody calls.
    Incoming {
        /// The `From` header's value.
        from: String,
        /// The Request-URI.
        target: String,
    },
    /// The call, in either direction, is answered (200 sent or received).
    Answered,
    /// Our call was refused or failed; 408 stands for no answer at all, 487 follows our CANCEL.
    Refused {
        /// The final status.
        status: u16,
        /// The `Reason` header, if any.
        reason: Option<String>,
    },
    /// The caller gave up before we answered.
    Abandoned {
        /// The `Reason` header of the CANCEL, if any.
        reason: Option<String>,
    },
    /// Media may flow like this from now on; `None`: no media.
    Media {
        /// Early or answered.
        hearing: Hearing,
        /// Where and what.
        route: Option<Route>,
    },
    /// A re-INVITE of ours was answered with this status.
    Reinvited {
        /// The final status.
        status: u16,
    },
    /// The far end re-INVITEd us; what it asked is in the following `Media`.
    ReinvitedByPeer {
        /// Whether we may not send now (we are on hold).
        held: bool,
    },
    /// The call ended after the answer.
    HungUp {
        /// Whether the far end sent the BYE.
        by_peer: bool,
        /// The `Reason` header of the BYE, if any.
        reason: Option<String>,
    },
    /// A digit came by SIP INFO.
    InfoDigit(terms::Digit),
    /// The far end asked us to call somebody else.
    Referred {
        /// The `Refer-To` header's value.
        to: String,
        /// What it was answered.
        status: u16,
    },
    /// Something came that this phone could not read.
    Unreadable(String),
}

/// What a line wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send a SIP message.
    Send {
        /// To this address.
        to: SocketAddr,
        /// These bytes.
        bytes: Vec<u8>,
    },
    /// Tell the user.
    Event(Event),
}

/// Whether the user has given up a call that is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Giving {
    No,
    /// Given up, but CANCEL may only follow a provisional answer (RFC 3261 §9.1).
    AtFirstAnswer,
    Cancelled,
}

/// The one call of a line.
#[derive(Debug)]
pub(crate) enum Call {
    Idle,
    Calling { dialog: Dialog, offered: bool, heard: bool, giving: Giving },
    Incoming { dialog: Dialog, invite: Box<Request>, from: SocketAddr, due: Option<Instant> },
    Up { dialog: Dialog, hold: bool, accepting: Option<Accepting> },
    Ending { dialog: Dialog },
}

/// What a line knows of its registration.
#[derive(Debug)]
struct Registration {
    call_id: String,
    tag: String,
    sequence: u32,
    wanted: u32,
    renew_at: Option<Instant>,
}

/// One phone line.
#[derive(Debug)]
pub struct Line {
    pub(crate) setup: Setup,
    pub(crate) chance: Chance,
    pub(crate) call: Call,
    pub(crate) asks: Vec<Ask>,
    pub(crate) replies: VecDeque<Reply>,
    /// ACKs sent, by Call-ID, CSeq and the answer's To tag, for repeated final answers.
    pub(crate) acks: VecDeque<(String, SocketAddr, Vec<u8>)>,
    registration: Registration,
    out: VecDeque<Output>,
}

impl Line {
    /// A line that has not done anything yet.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let mut chance = Chance::new(setup.seed);
        let registration = Registration { call_id: chance.token(), tag: chance.token(), sequence: 0, wanted: 0, renew_at: None };
        Self { setup, chance, call: Call::Idle, asks: Vec::new(), replies: VecDeque::new(), acks: VecDeque::new(), registration, out: VecDeque::new() }
    }

    /// One thing happened.
    pub fn handle(&mut self, input: Input<'_>, now: Instant) {
        match input {
            Input::Datagram { from, bytes } => match message::read(bytes) {
                Ok(rsip::SipMessage::Request(request)) => self.serve(request, from, now),
                Ok(rsip::SipMessage::Response(response)) => self.take_answer(&response, now),
                // Keep-alives of NAT and TCP are no messages.
                Err(_) if bytes.iter().all(|b| matches!(b, b'\r' | b'\n' | 0)) => {}
                Err(why) => self.tell(Event::Unreadable(why.chars().take(200).collect())),
            },
            Input::Timeout => self.pass_time(now),
            Input::Command(command) => self.obey(command, now),
        }
    }

    /// When to come back with [`Input::Timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let asks = self.asks.iter().filter_map(Ask::next);
        let replies = self.replies.iter().filter_map(Reply::next);
        let call = match &self.call {
            Call::Incoming { due, .. } => *due,
            Call::Up { accepting: Some(accepting), .. } => Some(accepting.next),
            Call::Idle | Call::Calling { .. } | Call::Up { .. } | Call::Ending { .. } => None,
        };
        asks.chain(replies).chain(call).chain(self.registration.renew_at).min()
    }

    /// What to do next; drain to `None` after each `handle`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// Whether there is a call, ringing, answered or just ending, in either direction.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        !matches!(self.call, Call::Idle)
    }

    /// Gives back what was taken out and is still to be sent, before anything that follows.
    pub(crate) fn put_back(&mut self, outputs: Vec<Output>) {
        for output in outputs.into_iter().rev() {
            self.out.push_front(output);
        }
    }

    pub(crate) fn tell(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }

    pub(crate) fn send(&mut self, to: SocketAddr, bytes: Vec<u8>) {
        self.out.push_back(Output::Send { to, bytes });
    }

    pub(crate) const fn repeats(&self) -> bool {
        matches!(self.setup.protocol, Protocol::Udp)
    }

    fn pass_time(&mut self, now: Instant) {
        self.repeat_asks(now);
        self.repeat_replies(now);
        if self.registration.renew_at.is_some_and(|at| at <= now) {
            self.registration.renew_at = None;
            self.register(self.registration.wanted, now);
        }
        if let Call::Incoming { due: Some(due), .. } = &self.call && *due <= now {
            match self.setup.manners {
                Manners::Answer { .. } | Manners::Early { .. } => self.accept_call(now),
                Manners::Refuse { status, .. } => self.refuse_call(status, now),
                Manners::Ring | Manners::Deaf => {}
            }
        }
    }

    fn obey(&mut self, command: &Command, now: Instant) {
        match command {
            Command::Register { expires } => self.register(*expires, now),
            Command::Options => self.ask_options(now),
            Command::Dial { target, offer } => self.dial(target, *offer, now),
            Command::Behave(manners) => self.setup.manners = *manners,
            Command::Answer => {
                if matches!(self.call, Call::Incoming { .. }) {
                    self.accept_call(now);
                }
            }
            Command::HangUp => self.hang_up(now),
            Command::Hold(hold) => self.reinvite(*hold, now),
            Command::Info(digit, body) => {
                if let Call::Up { dialog, .. } = &mut self.call {
                    let (kind, text) = match body {
                        InfoBody::Relay => ("application/dtmf-relay", format!("Signal={digit}\r\nDuration=160\r\n")),
                        InfoBody::Plain => ("application/dtmf", digit.to_string()),
                    };
                    let (request, to) = dialog.request(rsip::Method::Info, vec![h::ContentType::new(kind).into()], text.into_bytes());
                    self.ask(Purpose::Info, request, to, now);
                }
            }
            Command::Notify { status } => {
                if let Call::Up { dialog, .. } = &mut self.call {
                    let state = if *status < 200 { "active;expires=60" } else { "terminated;reason=noresource" };
                    let headers = vec![
                        Header::Other("Event".to_owned(), "refer".to_owned()),
                        Header::Other("Subscription-State".to_owned(), state.to_owned()),
                        h::ContentType::new("message/sipfrag;version=2.0").into(),
                    ];
                    let body = format!("SIP/2.0 {status} As The New Call\r\n").into_bytes();
                    let (request, to) = dialog.request(rsip::Method::Notify, headers, body);
                    self.ask(Purpose::Notify, request, to, now);
                }
            }
        }
    }

    // ---- registration ----

    fn register(&mut self, expires: u32, now: Instant) {
        self.registration.wanted = expires;
        self.registration.sequence += 1;
        self.registration.renew_at = None;
        let account = &self.setup.account;
        let own = format!("<sip:{}@{}>", account.user, account.domain);
        let headers: Vec<Header> = vec![
            h::MaxForwards::new("70").into(),
            h::From::new(format!("{own};tag={}", self.registration.tag)).into(),
            h::To::new(own).into(),
            h::CallId::new(self.registration.call_id.clone()).into(),
            h::CSeq::new(format!("{} REGISTER", self.registration.sequence)).into(),
            h::Contact::new(self.contact()).into(),
            h::Expires::new(expires.to_string()).into(),
        ];
        let request = message::request(rsip::Method::Register, &format!("sip:{}", account.domain), headers, Vec::new());
        self.ask(Purpose::Register { expires }, request, self.setup.account.server, now);
    }

    pub(crate) fn registered(&mut self, response: Option<&rsip::Response>, status: u16, asked: u32, sequence: u32, now: Instant) {
        self.registration.sequence = self.registration.sequence.max(sequence);
        if !(200..300).contains(&status) {
            self.tell(Event::RegisterFailed { status });
            return;
        }
        let own = self.setup.local.to_string();
        let granted = response.map_or(asked, |response| {
            let contacts = message::members(message::values(&response.headers, "Contact"));
            let ours = contacts.iter().find(|c| message::uri_of(c).contains(&own));
            let parameter = ours.and_then(|c| message::parameter(c, "expires")).and_then(|e| e.parse().ok());
            let header = message::value(&response.headers, "Expires").and_then(|e| e.parse().ok());
            if asked == 0 { 0 } else { parameter.or(header).unwrap_or(asked) }
        });
        self.registration.renew_at = (granted > 0).then(|| now + Duration::from_secs(u64::from(granted)) / 2);
        self.tell(Event::Registered { expires: granted });
    }

    fn ask_options(&mut self, now: Instant) {
        let account = &self.setup.account;
        let (user, domain) = (account.user.clone(), account.domain.clone());
        let headers: Vec<Header> = vec![
            h::MaxForwards::new("70").into(),
            h::From::new(format!("<sip:{user}@{domain}>;tag={}", self.chance.token())).into(),
            h::To::new(format!("<sip:{domain}>")).into(),
            h::CallId::new(self.chance.token()).into(),
            h::CSeq::new("1 OPTIONS").into(),
            h::Contact::new(self.contact()).into(),
        ];
        let request = message::request(rsip::Method::Options, &format!("sip:{domain}"), headers, Vec::new());
        self.ask(Purpose::Options, request, self.setup.account.server, now);
    }

    // ---- calling ----

    pub(crate) fn contact(&self) -> String {
        let more = if self.repeats() { "" } else { ";transport=tcp" };
        format!("<sip:{}@{}{more}>", self.setup.account.user, self.setup.local)
    }

    fn dial(&mut self, target: &str, offer: bool, now: Instant) {
        if self.is_busy() {
            self.tell(Event::Refused { status: 491, reason: Some("this line already has a call".to_owned()) });
            return;
        }
        let account = &self.setup.account;
        let has_scheme = ["sip:", "sips:", "tel:"].iter().any(|s| target.to_ascii_lowercase().starts_with(s));
        let target = if has_scheme {
            target.to_owned()
        } else if target.contains('@') {
            format!("sip:{target}")
        } else {
            format!("sip:{target}@{}", account.domain)
        };
        let local = format!("<sip:{}@{}>;tag={}", account.user, account.domain, self.chance.token());
        let mut dialog = Dialog {
            call_id: self.chance.token(),
            local,
            remote: format!("<{target}>"),
            target,
            routes: Vec::new(),
            sequence: 0,
            peer_sequence: None,
            session: self.chance.next() >> 33,
            version: 0,
            hop: self.setup.account.server,
            through_hop: true,
        };
        let mut headers: Vec<Header> = vec![h::Contact::new(self.contact()).into(), h::Allow::new(crate::served::ALLOW).into()];
        let mut body = Vec::new();
        if offer {
            body = self.offer(&mut dialog, Direction::SendRecv);
            headers.push(h::ContentType::new("application/sdp").into());
        }
        let (request, to) = dialog.request(rsip::Method::Invite, headers, body);
        self.call = Call::Calling { dialog, offered: offer, heard: false, giving: Giving::No };
        self.ask(Purpose::Invite, request, to, now);
    }

    fn hang_up(&mut self, now: Instant) {
        match std::mem::replace(&mut self.call, Call::Idle) {
            Call::Idle => {}
            Call::Calling { dialog, offered, heard, giving } => {
                let giving = match giving {
                    Giving::No if heard => {
                        self.cancel(now);
                        Giving::Cancelled
                    }
                    Giving::No | Giving::AtFirstAnswer => Giving::AtFirstAnswer,
                    Giving::Cancelled => Giving::Cancelled,
                };
                self.call = Call::Calling { dialog, offered, heard, giving };
            }
            Call::Incoming { dialog, invite, from, due } => {
                self.call = Call::Incoming { dialog, invite, from, due };
                self.refuse_call(603, now);
            }
            Call::Up { mut dialog, .. } => {
                let (request, to) = dialog.request(rsip::Method::Bye, Vec::new(), Vec::new());
                self.call = Call::Ending { dialog };
                self.ask(Purpose::Bye, request, to, now);
            }
            ending @ Call::Ending { .. } => self.call = ending,
        }
    }

    fn cancel(&mut self, now: Instant) {
        let Some(ask) = self.asks.iter_mut().find(|a| a.purpose == Purpose::Invite) else { return };
        ask.resend = None;
        ask.give_up = Some(now + GIVE_UP);
        let invite = &ask.request;
        let mut headers: Vec<Header> = Vec::new();
        for header in invite.headers.iter() {
            if matches!(header, Header::Via(_) | Header::From(_) | Header::To(_) | Header::CallId(_) | Header::Route(_) | Header::MaxForwards(_)) {
                headers.push(header.clone());
            }
        }
        let number = message::sequence(&invite.headers).unwrap_or(1);
        headers.push(h::CSeq::new(format!("{number} CANCEL")).into());
        let request = message::request(rsip::Method::Cancel, &invite.uri.to_string(), headers, Vec::new());
        let (branch, to) = (ask.branch.clone(), ask.to);
        self.ask_as(Purpose::Cancel, request, to, branch, 0, now);
    }

    fn reinvite(&mut self, hold: bool, now: Instant) {
        let contact = self.contact();
        let Call::Up { dialog, hold: held, .. } = &mut self.call else { return };
        *held = hold;
        let mut dialog = dialog.clone();
        let direction = if hold { Direction::SendOnly } else { Direction::SendRecv };
        let body = self.offer(&mut dialog, direction);
        let headers: Vec<Header> = vec![h::Contact::new(contact).into(), h::ContentType::new("application/sdp").into()];
        let (request, to) = dialog.request(rsip::Method::Invite, headers, body);
        if let Call::Up { dialog: own, .. } = &mut self.call {
            *own = dialog;
        }
        self.ask(Purpose::Reinvite { hold }, request, to, now);
    }

    // ---- answers to our INVITE ----

    pub(crate) fn progress(&mut self, response: &rsip::Response, now: Instant) {
        let status = response.status_code.code();
        let Call::Calling { heard, giving, offered, .. } = &mut self.call else { return };
        *heard = true;
        let offered = *offered;
        if *giving == Giving::AtFirstAnswer {
            *giving = Giving::Cancelled;
            self.cancel(now);
        }
        self.tell(Event::Progress { status });
        if offered && let Some(description) = description::read(&response.body) {
            let route = self.agreed(&description, Direction::SendRecv);
            self.tell(Event::Media { hearing: Hearing::Early, route });
        }
    }

    /// A 2xx to an INVITE: ACK it, and take the call up (or end it at once, when it was given up or is a second fork's).
    pub(crate) fn accepted(&mut self, ask: &Ask, response: &rsip::Response, now: Instant) {
        let reinvite = matches!(ask.purpose, Purpose::Reinvite { .. });
        let (mut dialog, offered, giving, hold) = match std::mem::replace(&mut self.call, Call::Idle) {
            Call::Calling { dialog, offered, giving, .. } if !reinvite => (dialog, offered, giving, false),
            Call::Up { dialog, hold, .. } if reinvite => (dialog, true, Giving::No, hold),
            other @ (Call::Idle | Call::Calling { .. } | Call::Incoming { .. } | Call::Up { .. } | Call::Ending { .. }) => {
                self.call = other;
                return;
            }
        };
        dialog.learn_from_answer(response, !reinvite);
        let description = description::read(&response.body);
        let mut body = Vec::new();
        let mut headers: Vec<Header> = Vec::new();
        let direction = if hold { Direction::SendOnly } else { Direction::SendRecv };
        let route = match (&description, offered) {
            (Some(description), true) => self.agreed(description, direction),
            (Some(description), false) => {
                let (text, route) = self.answered_description(description, direction, &mut dialog);
                headers.push(h::ContentType::new("application/sdp").into());
                body = text;
                route
            }
            (None, _) => None,
        };
        let (ack, to) = dialog.ack(message::sequence(&ask.request.headers).unwrap_or(1), headers, body);
        let bytes = self.with_via(ack, None).to_string().into_bytes();
        self.remember_ack(&response.headers, to, bytes.clone());
        self.send(to, bytes);
        self.call = Call::Up { dialog, hold, accepting: None };
        if reinvite {
            self.tell(Event::Reinvited { status: response.status_code.code() });
        } else {
            self.tell(Event::Answered);
        }
        self.tell(Event::Media { hearing: Hearing::Answered, route });
        if giving != Giving::No {
            self.hang_up(now);
        }
    }

    /// A final refusal, or none at all (408), to something we asked in or for the call.
    pub(crate) fn refused(&mut self, ask: &Ask, status: u16, reason: Option<String>) {
        match (&ask.purpose, &mut self.call) {
            (Purpose::Invite, Call::Calling { .. }) => {
                self.call = Call::Idle;
                self.tell(Event::Media { hearing: Hearing::Answered, route: None });
                self.tell(Event::Refused { status, reason });
            }
            (Purpose::Reinvite { hold: asked }, Call::Up { hold, .. }) => {
                *hold = !asked;
                self.tell(Event::Reinvited { status });
            }
            (Purpose::Bye, Call::Ending { .. }) => self.ended(false, None),
            (
                Purpose::Invite | Purpose::Reinvite { .. } | Purpose::Bye | Purpose::Cancel | Purpose::Info | Purpose::Notify | Purpose::Options | Purpose::Register { .. },
                Call::Idle | Call::Calling { .. } | Call::Incoming { .. } | Call::Up { .. } | Call::Ending { .. },
            ) => {}
        }
    }

    pub(crate) fn ended(&mut self, by_peer: bool, reason: Option<String>) {
        self.call = Call::Idle;
        self.tell(Event::Media { hearing: Hearing::Answered, route: None });
        self.tell(Event::HungUp { by_peer, reason });
    }

    // ---- media ----

    fn codecs(&self) -> Vec<(Codec, u8)> {
        let spoken = self.setup.codecs.iter().filter(|c| matches!(c, Codec::Pcmu | Codec::Pcma));
        spoken.map(|c| (*c, c.payload_type())).collect()
    }

    pub(crate) fn offer(&self, dialog: &mut Dialog, direction: Direction) -> Vec<u8> {
        dialog.version += 1;
        description::write(&Saying {
            rtp: self.setup.rtp,
            session: dialog.session,
            version: dialog.version,
            codecs: &self.codecs(),
            event_type: self.setup.events.then_some(description::EVENT_TYPE),
            direction,
            refused_before: &[],
            refused_after: &[],
        })
    }

    /// What the far end's answer to our offer makes possible.
    pub(crate) fn agreed(&self, answer: &Description, ours: Direction) -> Option<Route> {
        let (codec, payload_type) = *answer.codecs.iter().find(|(codec, _)| self.setup.codecs.contains(codec))?;
        Some(Route {
            remote: answer.remote?,
            codec,
            payload_type,
            event_type: answer.event_type.filter(|_| self.setup.events),
            sends: ours.sends() && answer.direction.receives(),
            receives: ours.receives() && answer.direction.sends(),
        })
    }

    /// Our answer to the far end's offer, and what it makes possible. No common codec: port 0.
    pub(crate) fn answered_description(&self, offer: &Description, ours: Direction, dialog: &mut Dialog) -> (Vec<u8>, Option<Route>) {
        dialog.version += 1;
        let route = self.agreed(offer, ours);
        let (codecs, rtp): (Vec<(Codec, u8)>, SocketAddr) = match &route {
            Some(route) => (vec![(route.codec, route.payload_type)], self.setup.rtp),
            None => (offer.codecs.first().copied().into_iter().collect(), SocketAddr::new(self.setup.rtp.ip(), 0)),
        };
        let audio = offer.streams.iter().position(|line| line.starts_with("m=audio")).unwrap_or(0);
        let text = description::write(&Saying {
            rtp,
            session: dialog.session,
            version: dialog.version,
            codecs: &codecs,
            event_type: offer.event_type.filter(|_| self.setup.events),
            direction: Direction::new(ours.sends() && offer.direction.receives(), ours.receives() && offer.direction.sends()),
            refused_before: offer.streams.get(..audio).unwrap_or(&[]),
            refused_after: offer.streams.get(audio + 1..).unwrap_or(&[]),
        });
        (text, route)
    }

    // ---- our own requests, in general ----

    pub(crate) fn ask(&mut self, purpose: Purpose, request: Request, to: SocketAddr, now: Instant) {
        let branch = format!("z9hG4bK{}", self.chance.token());
        let request = self.with_via(request, Some(&branch));
        self.ask_as(purpose, request, to, branch, 0, now);
    }

    /// The request with our Via (a fresh branch unless one is given) and Content-Length.
    pub(crate) fn with_via(&mut self, mut request: Request, branch: Option<&str>) -> Request {
        let branch = branch.map_or_else(|| format!("z9hG4bK{}", self.chance.token()), str::to_owned);
        let via = format!("SIP/2.0/{} {};rport;branch={branch}", self.setup.protocol.name(), self.setup.local);
        let mut headers: Vec<Header> = vec![h::Via::new(via).into()];
        headers.extend(request.headers.iter().filter(|x| !matches!(x, Header::Via(_) | Header::ContentLength(_))).cloned());
        headers.push(h::ContentLength::new(request.body.len().to_string()).into());
        request.headers = headers.into();
        request
    }

    pub(crate) fn ask_as(&mut self, purpose: Purpose, request: Request, to: SocketAddr, branch: String, tries: u8, now: Instant) {
        if self.asks.len() >= ASKS_MAX {
            self.asks.remove(0);
        }
        let bytes = request.to_string().into_bytes();
        self.send(to, bytes.clone());
        let resend = self.repeats().then(|| (now + T1, T1));
        self.asks.push(Ask { purpose, method: request.method.to_string(), request, branch, to, bytes, resend, give_up: Some(now + GIVE_UP), tries });
    }

    /// Timers A, B, E, F of RFC 3261 §17.1.
    fn repeat_asks(&mut self, now: Instant) {
        let mut again = Vec::new();
        let mut dead = Vec::new();
        for ask in &mut self.asks {
            if let Some((at, interval)) = ask.resend && at <= now {
                let longest = if ask.purpose.is_invite() { GIVE_UP } else { T2 };
                let interval = (interval * 2).min(longest);
                ask.resend = Some((now + interval, interval));
                again.push((ask.to, ask.bytes.clone()));
            }
        }
        self.asks.retain(|ask| {
            let over = ask.give_up.is_some_and(|at| at <= now);
            if over {
                dead.push(ask.clone());
            }
            !over
        });
        for (to, bytes) in again {
            self.send(to, bytes);
        }
        for ask in dead {
            self.conclude(&ask, None, 408, now);
        }
    }
}
