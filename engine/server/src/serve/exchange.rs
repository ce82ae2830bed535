//! The exchange as HTTP sees it: questions travel to the front's own thread and back.

use super::{
    reload::{NotBack, Reloader, sources_of},
    wiring::{FrontDoor, FrontIn},
};
use api::{
    Answer, CallView, ConnectionView, ContactView, Exchange, ExchangeFault, FlowView, FlowsView, Readiness, Reloaded, Used,
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use switchboard::{CallState, Front, Input, Untunable};
use terms::{CallId, Name, Now, UnixMs};
use tokio::sync::oneshot;

/// See the head of this file.
pub(super) struct Desk {
    pub(super) front: FrontDoor,
    pub(super) reloader: Arc<Reloader>,
    pub(super) draining: Arc<AtomicBool>,
}

impl Desk {
    /// Asks the front's thread.
    fn ask<T: Send + 'static>(&self, question: impl FnOnce(&mut Front, Now) -> T + Send + 'static) -> Answer<T> {
        let (reply, answer) = oneshot::channel();
        let asked = self.front.try_push(FrontIn::Ask(Box::new(move |front, now| {
            let _ = reply.send(question(front, now));
        })));
        self.front.wake();
        Box::pin(async move {
            asked.map_err(|_| ExchangeFault::Unavailable("the exchange is overloaded".to_owned()))?;
            answer.await.map_err(|_| ExchangeFault::Unavailable("the exchange is stopping".to_owned()))
        })
    }
}

fn connection_view(front: &Front, connection: &switchboard::Connection, now: Now) -> ConnectionView {
    let contacts: Vec<ContactView> = front
        .devices(&connection.name, now)
        .into_iter()
        .map(|device| {
            let mut words = device.source.split(' ');
            let transport = words.next().unwrap_or_default().to_owned();
            let source = words.next().unwrap_or_default().to_owned();
            let ms = |span: std::time::Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
            ContactView {
                uri: device.contact,
                agent: device.agent,
                source,
                transport,
                since: UnixMs(now.unix.0.saturating_sub(ms(device.age))).rfc3339(),
                expires: UnixMs(now.unix.0.saturating_add(ms(device.expires_in))).rfc3339(),
            }
        })
        .collect();
    let kind = match (&connection.passwords, &connection.via) {
        (None, _) => "virtual",
        (Some(_), None) => "device",
        (Some(_), Some(_)) => "external",
    };
    let online = !contacts.is_empty() || connection.passwords.is_none() || connection.via.is_some();
    ConnectionView { realm: connection.realm.clone(), name: connection.name.clone(), kind: kind.to_owned(), online, contacts }
}

fn call_views(front: &Front, now: Now) -> Vec<CallView> {
    let realm = front.directory().default_realm().clone();
    let snapshot = front.snapshot(now);
    snapshot
        .calls
        .into_iter()
        .map(|view| CallView {
            id: view.id,
            realm: realm.clone(),
            from: view.from,
            to: view.to,
            state: state_name(view.state).to_owned(),
            since: view.began.rfc3339(),
            flow: None,
            step: None,
            legs: view.media.into_iter().map(|(leg, look)| leg_view(leg, look)).collect(),
            timeline: Vec::new(),
        })
        .collect()
}

fn conference_view(view: switchboard::ConferenceView) -> api::ConferenceView {
    let person = |person: switchboard::PersonView| api::PersonView {
        call: person.call,
        host: person.host,
        waits: person.waits,
        muted: person.volume.muted,
        talk_gain: person.volume.talk,
        hear_gain: person.volume.hear,
        hears: person.pairs.into_iter().map(|(call, gain)| api::PairGain { call, gain }).collect(),
    };
    api::ConferenceView { realm: view.realm, room: view.room, opened: view.opened, people: view.people.into_iter().map(person).collect() }
}

fn queue_view(view: switchboard::QueueView) -> api::QueueView {
    let caller = |caller: switchboard::WaitingView| api::WaitingView {
        call: caller.call,
        who: caller.who,
        priority: caller.priority,
        ringing: caller.ringing,
        taken: caller.taken,
    };
    api::QueueView { realm: view.realm, queue: view.queue, callers: view.callers.into_iter().map(caller).collect(), takers: view.takers }
}

fn leg_view(leg: terms::LegId, look: call::LegLook) -> api::LegView {
    api::LegView {
        id: leg.0,
        peer: look.peer.map(|peer| peer.to_string()).unwrap_or_default(),
        state: if look.peer.is_some() { "flowing" } else { "held" }.to_owned(),
        codec: Some(look.codec.name().to_owned()),
        protection: look.protection.map(|suite| suite.name().to_owned()),
        mos: look.mos.map(|mos| (mos * 10.0).round() / 10.0),
        one_way: look.one_way,
    }
}

const fn state_name(state: CallState) -> &'static str {
    match state {
        CallState::Ringing => "ringing",
        CallState::Answered => "answered",
    }
}

impl Exchange for Desk {
    fn connections(&self) -> Answer<Vec<ConnectionView>> {
        self.ask(|front, now| {
            let directory = Arc::clone(front.directory());
            directory.connections().map(|connection| connection_view(front, connection, now)).collect()
        })
    }

    fn connection(&self, name: Name) -> Answer<Option<ConnectionView>> {
        self.ask(move |front, now| {
            let directory = Arc::clone(front.directory());
            directory.connection(name.as_str()).map(|connection| connection_view(front, connection, now))
        })
    }

    fn calls(&self) -> Answer<Vec<CallView>> {
        self.ask(|front, now| call_views(front, now))
    }

    fn call(&self, id: CallId) -> Answer<Option<CallView>> {
        self.ask(move |front, now| call_views(front, now).into_iter().find(|view| view.id == id))
    }

    fn conferences(&self) -> Answer<Vec<api::ConferenceView>> {
        self.ask(|front, _| front.meetings().conferences().into_iter().map(conference_view).collect())
    }

    fn tune(&self, id: CallId, tuning: api::Tuning) -> Answer<api::Tuned> {
        let door = self.front.clone();
        let asked = self.ask(move |front, _| {
            let pairs = tuning.hears.into_iter().map(|pair| (pair.call, pair.gain)).collect();
            let tuning = call::Tuning { muted: tuning.muted, talk: tuning.talk_gain, hear: tuning.hear_gain, pairs };
            match front.meetings().tunable(id, &tuning) {
                // As with an order to hang up.
                Ok(_) => door.try_push(FrontIn::Input(Box::new(Input::Tune { call: id, tuning }))).ok().map(|()| api::Tuned::Done),
                Err(Untunable::NotInside) => Some(api::Tuned::NotInside),
                Err(Untunable::Stranger(other)) => Some(api::Tuned::Stranger(other)),
            }
        });
        Box::pin(async move { asked.await?.ok_or_else(|| ExchangeFault::Unavailable("the exchange is overloaded".to_owned())) })
    }

    fn queues(&self) -> Answer<Vec<api::QueueView>> {
        self.ask(|front, _| front.meetings().queues().into_iter().map(queue_view).collect())
    }

    fn hang_up(&self, id: CallId) -> Answer<bool> {
        let door = self.front.clone();
        self.ask(move |front, now| {
            let is_there = front.snapshot(now).calls.iter().any(|call| call.id == id);
            if is_there {
                let order = FrontIn::Input(Box::new(Input::HangUp { call: id, why: "hung up by the API" }));
                // The front's own queue, from its own thread: it must not wait for itself.
                return door.try_push(order).is_ok();
            }
            false
        })
    }

    fn flows(&self) -> Answer<FlowsView> {
        let status = self.reloader.status();
        Box::pin(async move {
            Ok(FlowsView {
                version: status.number,
                hash: status.version,
                held: status.held.map(|held| format!("{} holds since {}: the files have {}, which stays unused until flow files change", held.by, held.since.rfc3339(), held.instead_of)),
                loaded_at: status.loaded_at.rfc3339(),
                last_fault: status.last_fault,
                flows: status.flows.into_iter().map(|name| FlowView { file: name.clone(), name }).collect(),
            })
        })
    }

    fn reload(&self) -> Answer<Reloaded> {
        let reloader = Arc::clone(&self.reloader);
        Box::pin(async move {
            let work = tokio::task::spawn_blocking(move || reloader.reload("the API"));
            let result = work.await.map_err(|fault| ExchangeFault::Failed(fault.to_string()))?;
            Ok(match result {
                Ok(version) => Reloaded::Accepted { version },
                Err(faults) => Reloaded::Refused { faults },
            })
        })
    }

    fn use_flows(&self, texts: String) -> Answer<Used> {
        let reloader = Arc::clone(&self.reloader);
        Box::pin(async move {
            let sources = sources_of(&texts).ok_or_else(|| ExchangeFault::Failed("the files of this version cannot be read".to_owned()))?;
            let work = tokio::task::spawn_blocking(move || reloader.roll_back(sources, "the API"));
            let result = work.await.map_err(|fault| ExchangeFault::Failed(fault.to_string()))?;
            Ok(match result {
                Ok(version) => Used::Accepted { version },
                Err(NotBack::InUse) => Used::AlreadyInUse,
                Err(NotBack::Faults(faults)) => Used::Refused { faults },
            })
        })
    }

    fn readiness(&self) -> Readiness {
        if self.draining.load(Ordering::Relaxed) { Readiness::NotReady("draining".to_owned()) } else { Readiness::Ready }
    }
}
