//! The devices that a flow rings: each takes its call as the world outside says.

use super::{
    Offline,
    agenda::Due,
    mocks::Manner,
    mouth::Mouth,
    signalling::{End, answer, back},
    story::Who,
};
use call::{Branch, LegEvent, Seat};
use sip::{Method, NextHop, Request};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};
use terms::{Digit, LegId, spell_span};

/// How long a device takes to say that it is busy (chosen: a moment, so that it is seen ringing).
const BUSY_AFTER: Duration = Duration::from_millis(300);
/// How long somebody looks at a ringing telephone before declining.
const DECLINE_AFTER: Duration = Duration::from_secs(1);
/// How long after answering somebody says hello; a key to accept the call goes first.
const HELLO_AFTER: Duration = Duration::from_millis(300);
/// Devices one call may ring in all (chosen: a queue that tries ten for an hour).
const DEVICES_MAX: usize = 4_000;

/// How a device stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stands {
    /// Located, not called yet.
    Idle,
    /// It has the INVITE and no final answer was given.
    Ringing,
    /// It answered.
    Talking,
    /// Nothing more will come of it.
    Over,
}

/// One device that was located.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) target: String,
    manner: Manner,
    end: End,
    leg: Option<(LegId, Seat)>,
    invite: Option<Request>,
    pub(crate) stands: Stands,
    pub(crate) mouth: Mouth,
    cseq: u32,
}

/// What a device does when its time has come.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Gives a final answer other than 2xx.
    Refuse(u16),
    /// Answers.
    Answer,
    /// Says hello.
    Hello,
    /// Presses keys.
    Press(String),
    /// Hangs up.
    HangUp,
}

impl Device {
    fn new(number: usize, target: &str, manner: Manner, seed: u64, now: std::time::Instant) -> Self {
        let number_u32 = u32::try_from(number).unwrap_or(u32::MAX);
        let ip = Ipv4Addr::from_bits(u32::from(Ipv4Addr::new(192, 0, 2, 0)).saturating_add(2 + number_u32));
        let end = End { user: format!("d{number}"), address: SocketAddr::new(IpAddr::V4(ip), 5_060) };
        Self { target: target.to_owned(), manner, end, leg: None, invite: None, stands: Stands::Idle, mouth: Mouth::new(seed, now), cseq: 0 }
    }

    fn branch(&self) -> Branch {
        let contact = End { user: "callflow".to_owned(), address: super::signalling::EXCHANGE }.contact();
        Branch {
            name: self.target.clone(),
            uri: self.end.contact(),
            to: self.end.contact(),
            from: contact.clone(),
            hop: NextHop::Flow(self.end.flow()),
            pinned: true,
            contact,
            route: Vec::new(),
            trusted: false,
            codecs: terms::Codecs::ranked(vec![terms::Codec::Pcmu]),
            srtp: terms::Srtp::Off,
            dtmf: terms::Dtmf::default(),
        }
    }
}

impl Offline {
    /// Where does a target lead?
    pub(super) fn located(&mut self, target: &str) -> Result<Vec<Branch>, String> {
        let manner = self.outside.device(target);
        if manner == Manner::Unreachable || self.devices.len() >= DEVICES_MAX {
            self.story.tell(self.now, Who::World, format!("{target}: no device is there"));
            return Ok(Vec::new());
        }
        let seed = self.dice.word();
        let device = Device::new(self.devices.len(), target, manner, seed, self.now.at);
        let branch = device.branch();
        self.devices.push(device);
        Ok(vec![branch])
    }

    /// The exchange says something to a device.
    pub(super) fn device_hears(&mut self, leg: LegId, request: &Request) {
        if request.method == Method::Invite && self.device_of(leg).is_none() {
            self.device_rings(leg, request);
            return;
        }
        let Some(at) = self.device_of(leg) else { return };
        let code = if request.method == Method::Refer { 202 } else { 200 };
        let response = answer(request, code, &self.devices[at].end, &tag_of(at));
        if request.method == Method::Bye {
            self.devices[at].stands = Stands::Over;
            self.devices[at].mouth.hush();
            let line = format!("{}: the exchange hangs up", self.devices[at].target);
            self.story.tell(self.now, Who::World, line);
        }
        self.leg_event(leg, LegEvent::Response { response, source: self.devices[at].end.flow() });
    }

    fn device_rings(&mut self, leg: LegId, invite: &Request) {
        let number = invite.uri.user().and_then(|user| user.strip_prefix('d').and_then(|number| number.parse::<usize>().ok()));
        let Some((at, device)) = number.and_then(|at| Some((at, self.devices.get_mut(at)?))) else { return };
        let seat = self.exchange.seats.iter().find(|(known, _)| *known == leg).map(|(_, seat)| *seat);
        device.leg = seat.map(|seat| (leg, seat));
        device.invite = Some(invite.clone());
        device.stands = Stands::Ringing;
        let (manner, target) = (device.manner.clone(), device.target.clone());
        self.story.tell(self.now, Who::World, format!("{target} rings"));
        match manner {
            Manner::Unreachable => self.later(Duration::ZERO, Due::Device(at, Act::Refuse(404))),
            Manner::Busy => self.later(BUSY_AFTER, Due::Device(at, Act::Refuse(486))),
            Manner::Decline => {
                self.device_says(at, 180);
                self.later(DECLINE_AFTER, Due::Device(at, Act::Refuse(603)));
            }
            Manner::Ring(span) => {
                self.device_says(at, 180);
                if let Some(span) = span {
                    self.later(span, Due::Device(at, Act::Refuse(480)));
                }
            }
            Manner::Answer(answering) => {
                self.device_says(at, 180);
                self.later(answering.after, Due::Device(at, Act::Answer));
            }
        }
    }

    fn device_says(&mut self, at: usize, code: u16) {
        let device = &self.devices[at];
        if let (Some(invite), Some((leg, _))) = (&device.invite, device.leg) {
            let response = answer(invite, code, &device.end, &tag_of(at));
            self.leg_event(leg, LegEvent::Response { response, source: device.end.flow() });
        }
    }

    /// The exchange gives a ringing device up.
    pub(super) fn device_cancelled(&mut self, leg: LegId) {
        let Some(at) = self.device_of(leg) else { return };
        if self.devices[at].stands == Stands::Ringing {
            self.devices[at].stands = Stands::Over;
            let line = format!("{} stops ringing", self.devices[at].target);
            self.story.tell(self.now, Who::World, line);
            self.device_says(at, 487);
        }
    }

    /// A device's time has come.
    pub(super) fn device_acts(&mut self, at: usize, act: Act) {
        let Some(device) = self.devices.get_mut(at) else { return };
        match (act, device.stands) {
            (Act::Refuse(code), Stands::Ringing) => {
                device.stands = Stands::Over;
                let line = format!("{} answers {code}", device.target);
                self.story.tell(self.now, Who::World, line);
                self.device_says(at, code);
            }
            (Act::Answer, Stands::Ringing) => self.device_answers(at),
            (Act::Hello, Stands::Talking) => {
                let hello = self.line.hearing.voices.hello(&device.target);
                device.mouth.say(hello);
                self.mouth_opens(Some(at));
            }
            (Act::Press(keys), Stands::Talking) => {
                for digit in keys.chars().filter_map(|key| Digit::try_from(key).ok()) {
                    device.mouth.press(digit);
                }
                let line = format!("{} presses {keys}", device.target);
                self.story.tell(self.now, Who::World, line);
                self.mouth_opens(Some(at));
            }
            (Act::HangUp, Stands::Talking) => {
                device.stands = Stands::Over;
                device.mouth.hush();
                device.cseq += 1;
                let request = device.invite.as_ref().map(|invite| back(invite, Method::Bye, device.cseq, &tag_of(at)));
                let (leg, source, line) = (device.leg, device.end.flow(), format!("{} hangs up", device.target));
                self.story.tell(self.now, Who::World, line);
                if let (Some(request), Some((leg, _))) = (request, leg) {
                    let transaction = self.transaction();
                    self.leg_event(leg, LegEvent::Request { transaction, request, source });
                }
            }
            (Act::Refuse(_) | Act::Answer | Act::Hello | Act::Press(_) | Act::HangUp, _) => {}
        }
    }

    fn device_answers(&mut self, at: usize) {
        let device = &mut self.devices[at];
        device.stands = Stands::Talking;
        let Manner::Answer(answering) = device.manner.clone() else { return };
        let line = format!("{} answers", device.target);
        self.story.tell(self.now, Who::World, line);
        self.device_says(at, 200);
        if answering.press.is_empty() {
            self.later(HELLO_AFTER, Due::Device(at, Act::Hello));
        } else {
            self.later(answering.press_after, Due::Device(at, Act::Press(answering.press)));
            self.later(answering.press_after + HELLO_AFTER, Due::Device(at, Act::Hello));
        }
        if let Some(talk) = answering.talk {
            self.story.tell(self.now, Who::World, format!("{} will talk for {}", self.devices[at].target, spell_span(talk)));
            self.later(talk, Due::Device(at, Act::HangUp));
        }
    }

    /// A packet of a device to the exchange.
    pub(super) fn device_packet(&mut self, at: usize, packet: &[u8]) {
        let Some(Device { leg: Some((leg, seat)), end, .. }) = self.devices.get(at) else { return };
        self.exchange.shard.packet((*seat, *leg, false), end.media(), packet, self.now, &mut self.line);
    }

    /// A leg's dialog is forgotten.
    pub(super) fn device_gone(&mut self, leg: LegId) {
        if let Some(at) = self.device_of(leg) {
            self.devices[at].stands = Stands::Over;
            self.devices[at].mouth.hush();
        }
    }

    fn device_of(&self, leg: LegId) -> Option<usize> {
        self.devices.iter().rposition(|device| device.leg.is_some_and(|(own, _)| own == leg))
    }
}

fn tag_of(at: usize) -> String {
    format!("device{at}")
}
