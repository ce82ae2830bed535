//! `bridge`: ring others, join the caller with the first who takes the call.
//!
//! ```text
//!  Ringing ── somebody answers ──▶ (asked to confirm) ──▶ Joined ── far end hangs up, or `length` ──▶ answered
//!     └── all over: busy · no_answer · declined · unreachable · not_confirmed
//! ```
//! A 6xx stops everything (RFC 3261 §21.6); a 486 ends only its own branch; who loses is cancelled as "completed elsewhere".

mod plan;

use super::{Action, Begun, Event, Progress, hold::HOLD_MUSIC, prompting::Prompting};
use crate::{
    desk::Desk,
    door::{Answer, Branch, Ticket},
    leg::{Leg, News},
    ring::{Act, Cause, Ringing, TargetId},
};
use flow::{Outcome, PromptItem};
use media::Repeat;
use std::{collections::BTreeMap, time::{Duration, Instant}};
use terms::{LegId, Now};

/// RFC 3326 reason for branches that lost.
const ELSEWHERE: &str = "SIP;cause=200;text=\"Call completed elsewhere\"";
/// How long the ringing tone is asked for at a time; it is repeated until somebody answers.
const RING_TONE: Duration = Duration::from_secs(6);

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Bridge {
    spec: flow::Bridge,
    ringing: Ringing,
    targets: BTreeMap<TargetId, Target>,
    ringback: Option<Prompting>,
    /// The caller hears something else while it rings.
    is_quiet: bool,
    /// Whose early media the caller hears.
    early_from: Option<LegId>,
    confirming: Vec<Confirming>,
    joined: Option<Joined>,
}

/// One target of the plan while it rings: some devices.
#[derive(Debug)]
struct Target {
    name: String,
    located_by: Option<Ticket>,
    legs: Vec<LegId>,
    rang: bool,
    cause: Option<Cause>,
}

/// Somebody answered and is asked whether to take the call.
#[derive(Debug)]
struct Confirming {
    leg: LegId,
    prompting: Prompting,
    until: Instant,
}

/// The caller talks with somebody.
#[derive(Debug)]
struct Joined {
    leg: LegId,
    target: String,
    since: Instant,
    until: Option<Instant>,
    /// Hold music: to whom, and its player once it plays.
    music: Option<(LegId, Prompting)>,
}

impl Bridge {
    fn new(spec: flow::Bridge, is_quiet: bool, desk: &mut Desk, now: Now) -> Self {
        let plan = plan::plan_of(&spec, &mut desk.chance);
        Self {
            ringing: Ringing::new(plan, now.at),
            spec,
            targets: BTreeMap::new(),
            ringback: None,
            is_quiet,
            early_from: None,
            confirming: Vec::new(),
            joined: None,
        }
    }

    /// Rings while the caller hears something else, which is to be stopped as soon as [`Bridge::joined_with`] names somebody.
    pub(super) fn ring_quietly(spec: flow::Bridge, desk: &mut Desk, now: Now) -> (Self, Progress) {
        let mut action = Self::new(spec, true, desk, now);
        let progress = action.step(desk, now);
        (action, progress)
    }

    /// With whom the caller talks, once somebody answered.
    pub(super) fn joined_with(&self) -> Option<&str> {
        self.joined.as_ref().map(|joined| joined.target.as_str())
    }

    /// Rings no more; `elsewhere`: somebody else has the caller.
    pub(super) fn call_off(&mut self, elsewhere: bool, desk: &mut Desk, now: Now) {
        self.end_all_but(None, elsewhere.then_some(ELSEWHERE), desk, now);
    }

    pub(super) fn begin(spec: flow::Bridge, desk: &mut Desk, now: Now) -> Begun {
        let mut action = Self::new(spec, false, desk, now);
        if !action.spec.ringback.is_empty() {
            desk.open_early(now);
            let items = action.spec.ringback.clone();
            action.ringback = Some(Prompting::start(&items, LegId::CALLER, Repeat::Forever, desk, now));
        } else if desk.can_hear() {
            action.ring_in_band(desk, now);
        }
        match action.step(desk, now) {
            Progress::Going => Begun::Going(Box::new(action)),
            done @ (Progress::Done(_) | Progress::Failed(_)) => Begun::At(done),
        }
    }

    /// The ringing tone, for a caller who has been answered already.
    fn ring_in_band(&mut self, desk: &mut Desk, now: Now) {
        if self.ringback.is_none() && !self.is_quiet {
            let tone = [PromptItem::Ring(RING_TONE)];
            self.ringback = Some(Prompting::start(&tone, LegId::CALLER, Repeat::Forever, desk, now));
        }
    }

    fn hush(&mut self, desk: &mut Desk, now: Now) {
        if let Some(mut ringback) = self.ringback.take() {
            ringback.stop(desk, now);
        }
    }

    /// Carries out what the plan wants now, and looks whether it is over.
    fn step(&mut self, desk: &mut Desk, now: Now) -> Progress {
        while let Some(act) = self.ringing.poll_act() {
            match act {
                Act::Start(id, name) => {
                    desk.note(now, format!("ringing {name}"));
                    let located_by = Some(desk.locate(name.clone()));
                    self.targets.insert(id, Target { name, located_by, legs: Vec::new(), rang: false, cause: None });
                }
                Act::Stop(id) => {
                    if let Some(target) = self.targets.get_mut(&id) {
                        desk.note(now, format!("{} did not answer in time", target.name));
                        target.located_by = None;
                        let legs = std::mem::take(&mut target.legs);
                        // Who is just being asked is not asked any more: a key that crosses our BYE joins nobody.
                        self.confirming.retain(|confirming| !legs.contains(&confirming.leg));
                        for leg in legs {
                            desk.end_leg(leg, 480, None, now);
                        }
                    }
                }
            }
        }
        match self.ringing.verdict() {
            Some(cause) if self.joined.is_none() && self.confirming.is_empty() => self.over(cause, desk, now),
            Some(_) => Progress::Going,
            None => {
                self.fill_the_gap(desk, now);
                Progress::Going
            }
        }
    }

    /// Nobody rings, and later targets are still to come: until then the caller is told that it rings, for silence sounds like a fault.
    fn fill_the_gap(&mut self, desk: &mut Desk, now: Now) {
        let rings = |target: &Target| target.located_by.is_some() || !target.legs.is_empty();
        if self.joined.is_none() && !self.targets.values().any(rings) {
            self.tell_ringing(desk, now);
        }
    }

    fn tell_ringing(&mut self, desk: &mut Desk, now: Now) {
        if desk.can_hear() && self.early_from.is_none() {
            self.ring_in_band(desk, now);
        } else {
            desk.ring_caller();
        }
    }

    fn over(&mut self, cause: Cause, desk: &mut Desk, now: Now) -> Progress {
        self.hush(desk, now);
        self.end_all_but(None, None, desk, now);
        desk.note(now, format!("bridge: {}", cause.outcome()));
        Progress::done(cause.outcome())
    }

    fn end_all_but(&mut self, winner: Option<LegId>, reason: Option<&str>, desk: &mut Desk, now: Now) {
        self.ringing.stop_all();
        self.confirming.retain(|confirming| Some(confirming.leg) == winner);
        for target in self.targets.values_mut() {
            target.located_by = None;
            for leg in std::mem::take(&mut target.legs) {
                if Some(leg) != winner {
                    desk.end_leg(leg, 480, reason, now);
                }
            }
        }
    }

    fn located(&mut self, id: TargetId, found: Result<Vec<Branch>, String>, desk: &mut Desk, now: Now) -> Progress {
        let Some(target) = self.targets.get_mut(&id) else { return Progress::Going };
        target.located_by = None;
        match found {
            Ok(branches) => {
                let (caller_id, headers) = (self.spec.caller_id.clone(), self.spec.headers.clone());
                target.legs = branches.into_iter().filter_map(|branch| desk.dial(branch, caller_id.as_deref(), &headers)).collect();
                if target.legs.is_empty() {
                    desk.note(now, format!("{} has no device to ring", target.name));
                }
            }
            Err(why) => desk.note(now, format!("{} may not be rung: {why}", target.name)),
        }
        if target.legs.is_empty() {
            self.ringing.target_over(id, Cause::Unreachable, now.at);
        }
        self.step(desk, now)
    }

    fn target_of(&self, leg: LegId) -> Option<TargetId> {
        self.targets.iter().find(|(_, target)| target.legs.contains(&leg)).map(|(id, _)| *id)
    }

    /// One branch is over: with the last one its target is.
    fn branch_over(&mut self, leg: LegId, cause: Cause, desk: &mut Desk, now: Now) -> Progress {
        if self.early_from == Some(leg) {
            self.early_from = None;
            desk.mixer.unbridge(leg, now.at);
            self.ring_in_band(desk, now);
        }
        let Some(id) = self.target_of(leg) else { return self.step(desk, now) };
        if let Some(target) = self.targets.get_mut(&id) {
            target.legs.retain(|other| *other != leg);
            target.cause = target.cause.max(Some(cause));
            if target.legs.is_empty() {
                let cause = target.cause.unwrap_or(cause);
                self.ringing.target_over(id, cause, now.at);
            }
        }
        self.step(desk, now)
    }

    fn refused(&mut self, leg: LegId, code: u16, reason: &str, desk: &mut Desk, now: Now) -> Progress {
        let target = self.target_of(leg).and_then(|id| self.targets.get(&id));
        let rang = target.is_some_and(|target| target.rang);
        let name = target.map_or_else(|| leg.to_string(), |target| target.name.clone());
        desk.note(now, format!("{name}: {code} {reason}"));
        let cause = plan::cause_of(code, rang);
        if cause == Cause::Declined {
            return self.over(cause, desk, now);
        }
        self.branch_over(leg, cause, desk, now)
    }

    fn rings(&mut self, leg: LegId, desk: &mut Desk, now: Now) {
        if let Some(target) = self.target_of(leg).and_then(|id| self.targets.get_mut(&id)) {
            target.rang = true;
        }
        self.tell_ringing(desk, now);
    }

    /// The far end sends sound before it answers: the first one to do so is heard, unless the flow has its own ringback.
    fn early(&mut self, leg: LegId, agreement: &sdp::Agreement, desk: &mut Desk, now: Now) {
        if let Some(target) = self.target_of(leg).and_then(|id| self.targets.get_mut(&id)) {
            target.rang = true;
        }
        desk.set_stream(leg, agreement, now);
        if self.spec.ringback.is_empty() && !self.is_quiet && self.early_from.is_none() && self.targets.len() == 1 {
            self.hush(desk, now);
            desk.suit_caller(agreement);
            desk.open_early(now);
            desk.mixer.bridge(LegId::CALLER, leg, now.at);
            self.early_from = Some(leg);
        }
    }

    fn answered(&mut self, leg: LegId, agreement: &sdp::Agreement, desk: &mut Desk, now: Now) -> Progress {
        desk.set_stream(leg, agreement, now);
        let Some(confirm) = self.spec.confirm.clone() else {
            return self.join(leg, desk, now);
        };
        let prompting = Prompting::start(&confirm.prompt, leg, Repeat::Times(1), desk, now);
        desk.note(now, format!("{leg} answered and is asked to press {}", confirm.key));
        self.confirming.push(Confirming { leg, prompting, until: now.at + confirm.wait });
        Progress::Going
    }

    fn join(&mut self, leg: LegId, desk: &mut Desk, now: Now) -> Progress {
        let target = self.target_of(leg).and_then(|id| self.targets.get(&id)).map(|target| target.name.clone());
        let target = target.unwrap_or_default();
        self.hush(desk, now);
        self.end_all_but(Some(leg), Some(ELSEWHERE), desk, now);
        self.confirming.clear();
        if let Some(agreement) = desk.leg(leg).and_then(Leg::agreement).cloned() {
            desk.suit_caller(&agreement);
        }
        desk.answer_caller(now);
        desk.mixer.bridge(LegId::CALLER, leg, now.at);
        desk.note(now, format!("joined with {target}"));
        let until = self.spec.length.map(|length| now.at + length);
        self.joined = Some(Joined { leg, target, since: now.at, until, music: None });
        Progress::Going
    }

    fn parted(&mut self, desk: &mut Desk, now: Now) -> Progress {
        let Some(mut joined) = self.joined.take() else { return Progress::Going };
        if let Some((_, mut music)) = joined.music.take() {
            music.stop(desk, now);
        }
        desk.mixer.unbridge(LegId::CALLER, now.at);
        let seconds = now.at.saturating_duration_since(joined.since).as_secs_f64();
        desk.note(now, format!("{} talked {seconds:.1} s", joined.target));
        let result = serde_json::json!({ "target": joined.target, "duration_s": seconds });
        Progress::Done(Outcome::with("answered", result))
    }

    /// A party's media changed: who is put on hold hears music until it is over.
    fn media_changed(&mut self, leg: LegId, agreement: &sdp::Agreement, desk: &mut Desk, now: Now) {
        let Some(joined) = &mut self.joined else { return };
        let other = if leg == LegId::CALLER { joined.leg } else { LegId::CALLER };
        if agreement.on_hold_by_remote {
            if joined.music.is_none() {
                let file = [PromptItem::File(HOLD_MUSIC.into())];
                joined.music = Some((other, Prompting::start(&file, other, Repeat::Forever, desk, now)));
                desk.note(now, format!("{leg} put {other} on hold"));
            }
        } else if joined.music.as_ref().is_some_and(|(to, _)| *to == other)
            && let Some((_, mut music)) = joined.music.take()
        {
            music.stop(desk, now);
            desk.note(now, format!("{leg} took {other} back"));
        }
        if desk.leg(other).is_some() {
            desk.mixer.bridge(LegId::CALLER, joined.leg, now.at);
        }
    }

    fn far_key(&mut self, leg: LegId, key: terms::Digit, desk: &mut Desk, now: Now) -> Progress {
        let wanted = self.spec.confirm.as_ref().map(|confirm| confirm.key.clone()).unwrap_or_default();
        let Some(at) = self.confirming.iter().position(|confirming| confirming.leg == leg) else { return Progress::Going };
        if wanted != key.as_char().to_string() {
            return Progress::Going;
        }
        let mut confirming = self.confirming.swap_remove(at);
        confirming.prompting.stop(desk, now);
        desk.note(now, format!("{leg} took the call"));
        self.join(leg, desk, now)
    }

    fn timeouts(&mut self, desk: &mut Desk, now: Now) -> Progress {
        if self.joined.as_ref().is_some_and(|joined| joined.until.is_some_and(|until| until <= now.at)) {
            let leg = self.joined.as_ref().map(|joined| joined.leg);
            desk.note(now, "the longest talk the flow allows is over");
            if let Some(leg) = leg {
                desk.end_leg(leg, 480, None, now);
            }
            return self.parted(desk, now);
        }
        let late: Vec<LegId> = self.confirming.iter().filter(|c| c.until <= now.at).map(|c| c.leg).collect();
        for leg in late {
            self.confirming.retain(|confirming| confirming.leg != leg);
            desk.note(now, format!("{leg} did not confirm"));
            desk.end_leg(leg, 480, None, now);
            let progress = self.branch_over(leg, Cause::NotConfirmed, desk, now);
            if !matches!(progress, Progress::Going) {
                return progress;
            }
        }
        if self.joined.is_none() {
            self.ringing.handle_timeout(now.at);
        }
        self.step(desk, now)
    }

    fn news(&mut self, leg: LegId, news: News, desk: &mut Desk, now: Now) -> Progress {
        match news {
            News::Ringing => self.rings(leg, desk, now),
            News::Early(agreement) => self.early(leg, &agreement, desk, now),
            News::Answered(agreement) => return self.answered(leg, &agreement, desk, now),
            News::Media(agreement) => self.media_changed(leg, &agreement, desk, now),
            News::Refused { code, reason } => return self.refused(leg, code, &reason, desk, now),
            News::HungUp { .. } if self.joined.as_ref().is_some_and(|joined| joined.leg == leg) => {
                return self.parted(desk, now);
            }
            News::HungUp { .. } => {
                self.confirming.retain(|confirming| confirming.leg != leg);
                return self.branch_over(leg, Cause::NotConfirmed, desk, now);
            }
            News::Cancelled | News::Digit(_) | News::KeysSent | News::Transfer(_) => {}
        }
        Progress::Going
    }

    fn players(&mut self) -> impl Iterator<Item = &mut Prompting> {
        let music = self.joined.iter_mut().filter_map(|joined| joined.music.as_mut().map(|(_, music)| music));
        self.ringback.iter_mut().chain(self.confirming.iter_mut().map(|confirming| &mut confirming.prompting)).chain(music)
    }
}

impl Action for Bridge {
    fn handle(&mut self, mut event: Event, desk: &mut Desk, now: Now) -> Progress {
        for prompting in self.players() {
            prompting.handle(&mut event, desk, now);
        }
        match event {
            Event::Leg(leg, news) => self.news(leg, news, desk, now),
            Event::Answer(ticket, Answer::Located(found)) => {
                let id = self.targets.iter().find(|(_, target)| target.located_by == Some(ticket)).map(|(id, _)| *id);
                id.map_or(Progress::Going, |id| self.located(id, found, desk, now))
            }
            Event::NoMedia(leg) => self.branch_over(leg, Cause::Unreachable, desk, now),
            Event::FarKey(leg, key) => self.far_key(leg, key, desk, now),
            Event::Time => self.timeouts(desk, now),
            Event::Keyed
            | Event::Played(..)
            | Event::KeysSent(_)
            | Event::Sound(..)
            | Event::Speech(_)
            | Event::Recorded(..)
            | Event::TapeSaved(_)
            | Event::Answer(..) => Progress::Going,
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let ringing = if self.joined.is_none() { self.ringing.poll_timeout() } else { None };
        let confirming = self.confirming.iter().map(|confirming| confirming.until).min();
        let prompts = self.ringback.iter().chain(self.confirming.iter().map(|c| &c.prompting)).filter_map(Prompting::poll_timeout).min();
        let length = self.joined.as_ref().and_then(|joined| joined.until);
        ringing.into_iter().chain(confirming).chain(prompts).chain(length).min()
    }

    fn means_silence(&self) -> bool {
        self.joined.is_some()
    }

    fn caller_left(&mut self, desk: &mut Desk, now: Now) -> Progress {
        if let Some(joined) = &self.joined {
            desk.end_leg(joined.leg, 480, None, now);
            let _ = self.parted(desk, now);
        }
        let asked: Vec<LegId> = self.confirming.iter().map(|confirming| confirming.leg).collect();
        for leg in asked {
            desk.end_leg(leg, 480, None, now);
        }
        self.end_all_but(None, None, desk, now);
        Progress::done("caller_left")
    }
}

