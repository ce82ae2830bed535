//! The lamps of telephones: who is told that messages wait (RFC 3842), asked (SUBSCRIBE, RFC 6665) or not.
//!
//! ```text
//!  SUBSCRIBE ── proven, own mailbox ──▶ active ── counts change: NOTIFY ──▶ active ── refreshed …
//!      │ Expires: 0 asks once              └─ Expires: 0, time over, mailbox gone, NOTIFY refused ──▶ terminated, forgotten
//!  REGISTER ── a device that was told something else, or nothing ──▶ NOTIFY without being asked
//! ```
//! One NOTIFY a telephone is on its way at a time; what changes meanwhile is told after its answer. A subscription's NOTIFYs go where
//! its SUBSCRIBE was proven to come from, so nobody can have them sent to others. How many messages there are is the store's to say:
//! [`Output::CountMailbox`] asks, [`crate::Input::Mailbox`] answers, and comes by itself when they change.

use crate::{
    directory::Connection,
    front::{Front, Output},
    identity::Proof,
    limits::{BRANCHES_MAX, LAMP_GONE_AFTER, SUBSCRIPTION_S, SUBSCRIPTION_S_DEFAULT, SUBSCRIPTIONS_A_CONNECTION, SUBSCRIPTIONS_MAX},
};
use registrar::Way;
use sip::{Dialog, Flow, HeaderName, Headers, Method, NameAddr, NextHop, Request, Response, ServerKey, Uri};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};
use terms::{Name, Now};
use voicemail::Waiting;

/// The event package.
pub(crate) const EVENT: &str = "message-summary";
/// Its body (RFC 3842 §5).
const BODY: &str = "application/simple-message-summary";
/// A NOTIFY that nobody asked for belongs to no subscription: there is nothing to refresh or to end.
const UNASKED: &str = "terminated;reason=noresource";

/// A mailbox: its realm and its name.
type Place = (Name, Name);

/// Who is told, and what they were told last.
#[derive(Debug, Default)]
pub(crate) struct Lamps {
    counts: BTreeMap<Place, Waiting>,
    subscriptions: BTreeMap<u64, Subscription>,
    /// By Call-ID and our tag.
    dialogs: BTreeMap<(String, String), u64>,
    of_connection: BTreeMap<Name, Vec<u64>>,
    expiries: BTreeSet<(Instant, u64)>,
    /// Devices that are told without asking: by connection and contact.
    devices: BTreeMap<(Name, String), Told>,
    /// NOTIFYs on their way, by token.
    sent: BTreeMap<u64, About>,
    next: u64,
}

#[derive(Debug)]
struct Subscription {
    connection: Name,
    place: Place,
    dialog: Dialog,
    /// The Event header as it was asked for, with its `id`.
    event: String,
    expires: Instant,
    told: Told,
    /// A NOTIFY is owed whatever was told before (RFC 6665 §4.2.1.2).
    owed: bool,
    /// It is over, for this reason; the last NOTIFY is still to be sent.
    ends: Option<&'static str>,
}

/// What somebody was told last, and whether the answer is still out.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    waiting: Option<Waiting>,
    in_flight: bool,
}

/// Whom a NOTIFY is for.
#[derive(Clone, Debug)]
enum About {
    Subscription(u64),
    Device(Name, String),
}

impl Lamps {
    /// When the next subscription is over.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.expiries.first().map(|(at, _)| *at)
    }

    /// The subscription a request within a dialog is of.
    pub(crate) fn of(&self, headers: &Headers) -> Option<u64> {
        let key = (headers.call_id()?.to_owned(), headers.to_tag()?.to_owned());
        self.dialogs.get(&key).copied()
    }

    /// Subscriptions in being.
    pub(crate) fn len(&self) -> usize {
        self.subscriptions.len()
    }

    fn of_connection(&self, connection: &Name) -> impl Iterator<Item = (u64, &Subscription)> {
        let numbers = self.of_connection.get(connection).map(Vec::as_slice).unwrap_or_default();
        numbers.iter().filter_map(|number| self.subscriptions.get(number).map(|subscription| (*number, subscription)))
    }

    fn expires_at(&mut self, number: u64, at: Instant) {
        if let Some(subscription) = self.subscriptions.get_mut(&number) {
            self.expiries.remove(&(subscription.expires, number));
            subscription.expires = at;
            self.expiries.insert((at, number));
        }
    }

    fn forget(&mut self, number: u64) {
        let Some(gone) = self.subscriptions.remove(&number) else { return };
        self.expiries.remove(&(gone.expires, number));
        self.dialogs.remove(&key_of(&gone.dialog));
        if let Some(numbers) = self.of_connection.get_mut(&gone.connection) {
            numbers.retain(|other| *other != number);
            if numbers.is_empty() {
                self.of_connection.remove(&gone.connection);
            }
        }
    }
}

fn key_of(dialog: &Dialog) -> (String, String) {
    (dialog.id().call_id.clone(), dialog.id().local_tag.clone())
}

/// Whose mailbox it is.
fn place_of(connection: &Connection) -> Option<Place> {
    connection.mailbox.as_ref().map(|mailbox| (connection.realm.clone(), mailbox.clone()))
}

/// `Messages-Waiting: yes`, the account, and how many new and old ones (none is urgent).
fn summary(account: &Uri, waiting: Waiting) -> String {
    let any = if waiting.is_lit() { "yes" } else { "no" };
    format!("Messages-Waiting: {any}\r\nMessage-Account: {account}\r\nVoice-Message: {}/{} (0/0)\r\n", waiting.new, waiting.old)
}

/// Seconds a SUBSCRIBE asks for, within what is granted; `None`: too brief.
fn seconds_of(request: &Request) -> Option<u32> {
    let asked = request.headers.expires().unwrap_or(SUBSCRIPTION_S_DEFAULT).min(*SUBSCRIPTION_S.end());
    (asked == 0 || asked >= *SUBSCRIPTION_S.start()).then_some(asked)
}

/// The Event header, if it is of our package.
fn event_of(request: &Request) -> Option<String> {
    let event = request.headers.get(HeaderName::Event)?;
    let package = event.split(';').next().unwrap_or_default().trim();
    (package.eq_ignore_ascii_case(EVENT) && event.len() <= crate::limits::USER_BYTES_MAX).then(|| event.trim().to_owned())
}

/// Whether the body may be sent: no Accept stands for the package's own (RFC 3842 §3.6).
fn accepts(request: &Request) -> bool {
    let mut types = request.headers.list(HeaderName::Accept).map(|value| value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()).peekable();
    types.peek().is_none() || types.any(|kind| [BODY, "application/*", "*/*"].contains(&kind.as_str()))
}

impl Front {
    /// A SUBSCRIBE outside a dialog.
    pub(crate) fn subscribe(&mut self, transaction: ServerKey, request: Request, source: Flow, now: Now) {
        if self.is_draining {
            return self.shed(transaction, &request, now);
        }
        let realm = self.realm_of(&request);
        let Some(connection) = self.subscriber(transaction, &request, source, &realm, now) else { return };
        let place = match self.own_mailbox(&request, &connection) {
            Ok(place) => place,
            Err(code) => return self.refuse(transaction, &request, code, now),
        };
        let Some(event) = event_of(&request) else { return self.bad_event(transaction, &request, now) };
        if !accepts(&request) {
            let mut response = request.respond(406, "");
            response.headers.push(HeaderName::Accept, BODY);
            return self.stateless(transaction, response, now);
        }
        let Some(seconds) = seconds_of(&request) else { return self.too_brief(transaction, &request, now) };
        let tag = self.chance.token();
        let contact = NameAddr::new(self.contact_for(&NextHop::Flow(source), &request.uri));
        let Some(mut dialog) = Dialog::as_server(&request, &tag, contact) else {
            return self.refuse(transaction, &request, 400, now);
        };
        if self.lamps.len() >= SUBSCRIPTIONS_MAX {
            return self.shed(transaction, &request, now);
        }
        dialog.confirm();
        if dialog.routes().is_empty() {
            dialog.pin_flow(source);
        }
        // The oldest gives way: it is of a telephone that started anew and forgot it.
        let oldest = self.lamps.of_connection(&connection).map(|(number, _)| number).next();
        if self.lamps.of_connection(&connection).count() >= SUBSCRIPTIONS_A_CONNECTION
            && let Some(oldest) = oldest
        {
            self.end_subscription(oldest, "noresource", now);
        }
        let number = self.lamps.next;
        self.lamps.next += 1;
        self.lamps.dialogs.insert(key_of(&dialog), number);
        self.lamps.of_connection.entry(connection.clone()).or_default().push(number);
        let subscription = Subscription { connection, place, dialog, event, expires: now.at, told: Told::default(), owed: true, ends: None };
        self.lamps.subscriptions.insert(number, subscription);
        self.granted(number, transaction, &request, seconds, now);
    }

    /// A SUBSCRIBE within the dialog of a subscription: it goes on, or ends.
    pub(crate) fn resubscribe(&mut self, number: u64, transaction: ServerKey, request: Request, source: Flow, now: Now) {
        let Some(subscription) = self.lamps.subscriptions.get(&number) else {
            return self.refuse(transaction, &request, 481, now);
        };
        let (owner, realm) = (subscription.connection.clone(), subscription.place.0.clone());
        let Some(connection) = self.subscriber(transaction, &request, source, &realm, now) else { return };
        if connection != owner {
            return self.refuse(transaction, &request, 403, now);
        }
        if event_of(&request).is_none() {
            return self.bad_event(transaction, &request, now);
        }
        let Some(seconds) = seconds_of(&request) else { return self.too_brief(transaction, &request, now) };
        let Some(subscription) = self.lamps.subscriptions.get_mut(&number) else { return };
        if let Err(refusal) = subscription.dialog.receive(&request) {
            return self.refuse(transaction, &request, refusal.code(), now);
        }
        if subscription.dialog.routes().is_empty() {
            subscription.dialog.pin_flow(source);
        }
        self.granted(number, transaction, &request, seconds, now);
    }

    /// Who subscribes; everybody else has been answered.
    fn subscriber(&mut self, transaction: ServerKey, request: &Request, source: Flow, realm: &Name, now: Now) -> Option<Name> {
        match self.proof(request, source, realm, now) {
            Proof::Connection(connection) => return Some(connection),
            Proof::Absent | Proof::Wrong => self.challenge(transaction, request, source, realm, false, now),
            Proof::Stale => self.challenge(transaction, request, source, realm, true, now),
            Proof::Blocked | Proof::Virtual => self.refuse(transaction, request, 403, now),
        }
        None
    }

    /// The mailbox of who asks, if it is that which is asked for: by the own address, or by the mailbox's name.
    fn own_mailbox(&self, request: &Request, connection: &Name) -> Result<Place, u16> {
        let own = self.directory.connection(connection.as_str()).ok_or(403_u16)?;
        let asked = request.uri.user();
        let is_own = asked.as_deref().is_none_or(|asked| asked == own.user || own.mailbox.as_ref().is_some_and(|mailbox| mailbox.as_str() == asked));
        match asked {
            Some(asked) if !is_own && self.directory.user(&own.realm, &asked).is_some() => {
                tracing::warn!(%connection, "SUBSCRIBE to somebody else's mailbox: refused");
                Err(403)
            }
            Some(_) if !is_own => Err(404),
            Some(_) | None => place_of(own).ok_or(404),
        }
    }

    fn bad_event(&mut self, transaction: ServerKey, request: &Request, now: Now) {
        let mut response = request.respond(489, "");
        response.headers.push(HeaderName::AllowEvents, EVENT);
        self.stateless(transaction, response, now);
    }

    fn too_brief(&mut self, transaction: ServerKey, request: &Request, now: Now) {
        let mut response = request.respond(423, "");
        response.headers.push(HeaderName::MinExpires, SUBSCRIPTION_S.start().to_string());
        self.stateless(transaction, response, now);
    }

    /// 200, then the NOTIFY that each SUBSCRIBE causes.
    fn granted(&mut self, number: u64, transaction: ServerKey, request: &Request, seconds: u32, now: Now) {
        let Some(subscription) = self.lamps.subscriptions.get_mut(&number) else { return };
        subscription.owed = true;
        let mut response = request.respond(200, "");
        response.set_to_tag(&subscription.dialog.id().local_tag);
        let hop = subscription.dialog.next_hop();
        let contact = self.contact_for(&hop, &request.uri);
        response.headers.push(HeaderName::Contact, NameAddr::new(contact).to_string());
        response.headers.push(HeaderName::Expires, seconds.to_string());
        self.endpoint.handle(sip::Input::Respond { transaction, response }, now.at);
        if seconds == 0 {
            return self.end_subscription(number, "timeout", now);
        }
        self.lamps.expires_at(number, now.at + Duration::from_secs(u64::from(seconds)));
        self.notify_subscriber(number, now);
    }

    /// It is over: the last NOTIFY says why.
    fn end_subscription(&mut self, number: u64, why: &'static str, now: Now) {
        if let Some(subscription) = self.lamps.subscriptions.get_mut(&number).filter(|subscription| subscription.ends.is_none()) {
            subscription.ends = Some(why);
            self.lamps.expires_at(number, now.at + LAMP_GONE_AFTER);
            self.notify_subscriber(number, now);
        }
    }

    pub(crate) fn expire_subscriptions(&mut self, now: Now) {
        while let Some((_, number)) = self.lamps.expiries.first().copied().filter(|(at, _)| *at <= now.at) {
            match self.lamps.subscriptions.get(&number).map(|subscription| subscription.ends) {
                Some(None) => self.end_subscription(number, "timeout", now),
                // Its last word could not be said.
                Some(Some(_)) | None => {
                    self.lamps.expiries.pop_first();
                    self.lamps.forget(number);
                }
            }
        }
    }

    /// Tells a subscriber what is owed or new, unless it has a NOTIFY to answer.
    fn notify_subscriber(&mut self, number: u64, now: Now) {
        let Some(subscription) = self.lamps.subscriptions.get_mut(&number).filter(|subscription| !subscription.told.in_flight) else { return };
        let waiting = self.lamps.counts.get(&subscription.place).copied();
        let is_gone = subscription.ends == Some("noresource");
        if waiting.is_none() && !is_gone {
            let (realm, mailbox) = subscription.place.clone();
            return self.outputs.push_back(Output::CountMailbox { realm, mailbox });
        }
        if !subscription.owed && subscription.ends.is_none() && subscription.told.waiting == waiting {
            return;
        }
        let left = subscription.expires.saturating_duration_since(now.at).as_secs();
        let state = subscription.ends.map_or_else(|| format!("active;expires={left}"), |why| format!("terminated;reason={why}"));
        let mut request = subscription.dialog.request(Method::Notify);
        request.headers.push(HeaderName::Event, &subscription.event);
        request.headers.push(HeaderName::SubscriptionState, state);
        let (hop, is_over) = (subscription.dialog.next_hop(), subscription.ends.is_some());
        subscription.owed = false;
        subscription.told = Told { waiting, in_flight: true };
        let owner = subscription.connection.clone();
        if let (Some(waiting), Some(account)) = (waiting.filter(|_| !is_gone), self.account_of(&owner)) {
            request.set_body(BODY, summary(&account, waiting));
        }
        self.send_notify(About::Subscription(number), request, hop, now);
        if is_over {
            self.lamps.forget(number);
        }
    }

    /// Tells the devices of a connection that were told something else last, or nothing; those that subscribed are told so.
    pub(crate) fn light(&mut self, connection: &Name, now: Now) {
        let directory = self.directory.clone();
        let Some((own, place)) = directory.connection(connection.as_str()).and_then(|own| Some((own, place_of(own)?))) else { return };
        let reaches = self.registrar.contacts(connection, now);
        let contacts: BTreeSet<String> = reaches.iter().map(|reach| reach.uri.to_string()).collect();
        let known = self.lamps.devices.range((connection.clone(), String::new())..).take_while(|((owner, _), _)| owner == connection);
        let gone: Vec<_> = known.filter(|((_, contact), _)| !contacts.contains(contact)).map(|(key, _)| key.clone()).collect();
        gone.iter().for_each(|key| _ = self.lamps.devices.remove(key));
        if reaches.is_empty() {
            return;
        }
        let Some(waiting) = self.lamps.counts.get(&place).copied() else {
            let (realm, mailbox) = place;
            return self.outputs.push_back(Output::CountMailbox { realm, mailbox });
        };
        let aor = Uri::sip(&own.user, self.host_of(&own.realm), None);
        for reach in reaches.into_iter().take(BRANCHES_MAX) {
            let is_same = |other: &Uri| other.host == reach.uri.host && other.port == reach.uri.port && other.user() == reach.uri.user();
            if self.lamps.of_connection(connection).any(|(_, subscription)| is_same(subscription.dialog.remote_target())) {
                continue;
            }
            let about = (connection.clone(), reach.uri.to_string());
            let told = self.lamps.devices.entry(about.clone()).or_default();
            if told.in_flight || told.waiting == Some(waiting) {
                continue;
            }
            *told = Told { waiting: Some(waiting), in_flight: true };
            let (hop, route) = match reach.way {
                Way::Flow(flow) => (NextHop::Flow(flow), Vec::new()),
                Way::Contact => (NextHop::Uri(reach.uri.clone()), Vec::new()),
                Way::Path(path) => {
                    let first = path.first().and_then(|hop| NameAddr::parse(hop)).map(|hop| hop.uri);
                    (NextHop::Uri(first.unwrap_or_else(|| reach.uri.clone())), path)
                }
            };
            let mut request = Request { method: Method::Notify, uri: reach.uri, headers: Headers::new(), body: bytes::Bytes::new() };
            let headers = &mut request.headers;
            route.iter().for_each(|hop| headers.push(HeaderName::Route, hop));
            headers.push(HeaderName::MaxForwards, "70");
            headers.push(HeaderName::From, format!("<{aor}>;tag={}", self.chance.token()));
            headers.push(HeaderName::To, format!("<{aor}>"));
            headers.push(HeaderName::CallId, self.chance.token());
            headers.push(HeaderName::CSeq, "1 NOTIFY");
            headers.push(HeaderName::Contact, NameAddr::new(self.contact_for(&hop, &aor)).to_string());
            headers.push(HeaderName::Event, EVENT);
            headers.push(HeaderName::SubscriptionState, UNASKED);
            request.set_body(BODY, summary(&aor, waiting));
            self.send_notify(About::Device(about.0, about.1), request, hop, now);
        }
    }

    fn account_of(&self, connection: &Name) -> Option<Uri> {
        let own = self.directory.connection(connection.as_str())?;
        Some(Uri::sip(&own.user, self.host_of(&own.realm), None))
    }

    fn send_notify(&mut self, about: About, request: Request, hop: NextHop, now: Now) {
        let token = self.table.token();
        self.lamps.sent.insert(token, about);
        self.endpoint.handle(sip::Input::Send { token, request, hop }, now.at);
    }

    /// Whether a response is to a NOTIFY of ours; then it is dealt with.
    pub(crate) fn lamp_answered(&mut self, token: u64, response: &Response, now: Now) -> bool {
        self.lamps.sent.contains_key(&token) && (response.is_provisional() || self.lamp_settled(token, response.is_success(), now))
    }

    /// The same for one that nobody answered (`is_good`: not), or whose answer is final.
    pub(crate) fn lamp_settled(&mut self, token: u64, is_good: bool, now: Now) -> bool {
        match self.lamps.sent.remove(&token) {
            None => return false,
            // Who refuses a NOTIFY, or does not answer it, knows of no subscription (RFC 6665 §4.2.2).
            Some(About::Subscription(number)) if !is_good => self.lamps.forget(number),
            Some(About::Subscription(number)) => {
                if let Some(subscription) = self.lamps.subscriptions.get_mut(&number) {
                    subscription.told.in_flight = false;
                }
                self.notify_subscriber(number, now);
            }
            Some(About::Device(connection, contact)) => {
                if let Some(told) = self.lamps.devices.get_mut(&(connection.clone(), contact)) {
                    told.in_flight = false;
                    self.light(&connection, now);
                }
            }
        }
        true
    }

    /// So many messages are in a mailbox now.
    pub(crate) fn counted(&mut self, place: Place, waiting: Waiting, now: Now) {
        let directory = self.directory.clone();
        if !directory.mailboxes(&place.0).contains_key(&place.1) {
            return;
        }
        self.lamps.counts.insert(place.clone(), waiting);
        let numbers: Vec<u64> = self.lamps.subscriptions.iter().filter(|(_, subscription)| subscription.place == place).map(|(number, _)| *number).collect();
        numbers.into_iter().for_each(|number| self.notify_subscriber(number, now));
        for connection in directory.connections().filter(|connection| place_of(connection).as_ref() == Some(&place)) {
            self.light(&connection.name, now);
        }
    }

    /// Other resources: what is gone is told of no more.
    pub(crate) fn lamps_of_directory(&mut self, now: Now) {
        let directory = self.directory.clone();
        let place = |name: &Name| directory.connection(name.as_str()).filter(|own| own.passwords.is_some()).and_then(place_of);
        let gone = self.lamps.subscriptions.iter().filter(|(_, subscription)| place(&subscription.connection).as_ref() != Some(&subscription.place));
        let gone: Vec<u64> = gone.map(|(number, _)| *number).collect();
        gone.into_iter().for_each(|number| self.end_subscription(number, "noresource", now));
        self.lamps.devices.retain(|(connection, _), _| place(connection).is_some());
        self.lamps.counts.retain(|(realm, mailbox), _| directory.mailboxes(realm).contains_key(mailbox));
    }
}
