//! The world outside a test: what it says of devices, web servers, the recogniser, the network, mailboxes, conferences and queues.

use super::{
    shape,
    table::TARGETS,
    value::{Fields, Item},
    wanted::glob,
};
use crate::{
    Weather,
    offline::{Answering, Crowd, Manner, Outside, Venue, Web},
};
use call::HttpReply;
use notation::{Reader, Span};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use terms::Name;

/// How long a web server takes unless the test says.
const WEB_DELAY: Duration = Duration::from_millis(20);
/// Messages in a mailbox that is `full`: more than any limit.
pub(crate) const FULL: u32 = u32::MAX;

/// What a test says of the world.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mocks {
    pub(crate) http: Vec<HttpMock>,
    /// Target (with `*`), and its manners call by call.
    pub(crate) devices: Vec<(String, Vec<Manner>)>,
    pub(crate) transcripts: Vec<String>,
    pub(crate) weather: Option<Weather>,
    pub(crate) mailboxes: BTreeMap<String, u32>,
    pub(crate) crowds: BTreeMap<(Venue, String), Crowd>,
    /// Every target and mailbox (`mailbox/NAME`) that is named, and where.
    pub(crate) named: Vec<(String, Span)>,
}

/// One kind of request and its answers.
#[derive(Clone, Debug)]
pub(crate) struct HttpMock {
    pub(crate) method: flow::Method,
    pub(crate) url: String,
    pub(crate) replies: Vec<Web>,
}

impl Mocks {
    pub(crate) fn of(fields: &Fields, press_after: Duration, reader: &mut Reader) -> Self {
        let mut mocks = Self::default();
        for (name, span, item) in &fields.0 {
            match name.as_str() {
                "http" => {
                    for item in item.items() {
                        mocks.http.extend(http(item, reader));
                    }
                }
                "transcript" => mocks.transcripts = item.items().iter().filter_map(|item| item.text().map(str::to_owned)).collect(),
                "network" => mocks.weather = item.fields().map(weather),
                "mailbox" => {
                    for (mailbox, span, item) in item.fields().map(|fields| &fields.0[..]).unwrap_or_default() {
                        if let Err(error) = Name::new(mailbox) {
                            reader.error("wrong-type", *span, error.to_string());
                        }
                        let messages = match item.text() {
                            Some("full") => FULL,
                            Some(_) => 0,
                            None => item.fields().and_then(|fields| fields.count("messages")).unwrap_or(0),
                        };
                        mocks.named.push((format!("mailbox/{mailbox}"), *span));
                        mocks.mailboxes.insert(mailbox.clone(), messages);
                    }
                }
                "conference" => mocks.crowds.extend(crowds(Venue::Conference, item, reader)),
                "queue" => mocks.crowds.extend(crowds(Venue::Queue, item, reader)),
                target if TARGETS.iter().any(|prefix| target.starts_with(prefix)) => {
                    let manners: Vec<Manner> = item.items().iter().map(|item| manner(item, press_after, reader)).collect();
                    if manners.is_empty() {
                        reader.error("wrong-type", *span, format!("`{target}` needs to do something")).help("busy, decline, unreachable, ring, answer, or a map");
                    }
                    mocks.named.push((target.to_owned(), *span));
                    mocks.devices.push((target.to_owned(), manners));
                }
                _ => {}
            }
        }
        mocks
    }

    /// What a file says for all its tests comes after what the test says.
    pub(crate) fn put_under(&mut self, under: &Self) {
        self.http.extend(under.http.iter().cloned());
        self.devices.extend(under.devices.iter().cloned());
        self.named.extend(under.named.iter().cloned());
        if self.transcripts.is_empty() {
            self.transcripts.clone_from(&under.transcripts);
        }
        self.weather = self.weather.or(under.weather);
        for (mailbox, messages) in &under.mailboxes {
            self.mailboxes.entry(mailbox.clone()).or_insert(*messages);
        }
        for (place, crowd) in &under.crowds {
            self.crowds.entry(place.clone()).or_insert(*crowd);
        }
    }
}

fn crowds(venue: Venue, item: &Item, reader: &mut Reader) -> Vec<((Venue, String), Crowd)> {
    let mut crowds = Vec::new();
    for (name, span, item) in item.fields().map(|fields| &fields.0[..]).unwrap_or_default() {
        if let Err(error) = Name::new(name) {
            reader.error("wrong-type", *span, error.to_string());
        }
        match (item.text(), item.fields().and_then(|fields| fields.span("host"))) {
            (Some(_), _) => crowds.push(((venue, name.clone()), Crowd::Full)),
            (None, Some(stay)) => crowds.push(((venue, name.clone()), Crowd::Host(stay))),
            (None, None) => {
                reader.error("missing-field", item.span, "a conference needs `host`").help("write { host: 20s }, or full");
            }
        }
    }
    crowds
}

fn http(item: &Item, reader: &mut Reader) -> Option<HttpMock> {
    let fields = item.fields()?;
    let (method, url) = match (fields.text("get"), fields.text("post")) {
        (Some(url), None) => (flow::Method::Get, url),
        (None, Some(url)) => (flow::Method::Post, url),
        (Some(_), Some(_)) | (None, None) => {
            reader.error("missing-field", item.span, "a web server needs `get` or `post`, and only one of them").help("write { get: \"https://crm.example/*\", reply: { json: { } } }");
            return None;
        }
    };
    let mut replies: Vec<Web> = fields.list("reply").iter().filter_map(|reply| reply.fields().map(web)).collect();
    if replies.is_empty() {
        replies.push(web(&Fields::default()));
    }
    Some(HttpMock { method, url: url.to_owned(), replies })
}

fn web(reply: &Fields) -> Web {
    let delay = reply.span("delay").unwrap_or(WEB_DELAY);
    if let Some(why) = reply.text("fail") {
        return Web { delay, reply: Err(why.to_owned()) };
    }
    let json = reply.tree("json").map(shape::json);
    let text = match (reply.text("text"), &json) {
        (Some(text), _) => text.to_owned(),
        (None, Some(json)) => json.to_string(),
        (None, None) => String::new(),
    };
    let json = json.or_else(|| serde_json::from_str(&text).ok());
    let status = u16::try_from(reply.count("status").unwrap_or(200)).unwrap_or(200);
    Web { delay, reply: Ok(HttpReply { status, text, json }) }
}

fn weather(network: &Fields) -> Weather {
    Weather {
        loss: network.permille("loss").unwrap_or(0),
        delay: network.span("delay").unwrap_or(Weather::FAIR.delay),
        jitter: network.span("jitter").unwrap_or(Duration::ZERO),
        ..Weather::FAIR
    }
}

fn manner(item: &Item, press_after: Duration, reader: &mut Reader) -> Manner {
    match (item.text(), item.fields()) {
        (Some("busy"), _) => Manner::Busy,
        (Some("decline"), _) => Manner::Decline,
        (Some("unreachable"), _) => Manner::Unreachable,
        (Some("answer"), _) => Manner::Answer(Answering::default()),
        (Some(_), _) | (None, None) => Manner::Ring(None),
        (None, Some(fields)) => match (fields.span("ring"), fields.span("answer")) {
            (Some(span), None) => Manner::Ring(Some(span)),
            (None, Some(after)) => Manner::Answer(Answering {
                after,
                talk: fields.span("talk"),
                press: fields.text("press").unwrap_or_default().to_owned(),
                press_after: fields.span("press_after").unwrap_or(press_after),
            }),
            (Some(_), Some(_)) | (None, None) => {
                reader.error("missing-field", item.span, "a device needs `ring` or `answer`, and only one of them").help("write { ring: 20s } or { answer: 3s, talk: 30s }");
                Manner::Ring(None)
            }
        },
    }
}

/// A test's world while its call runs: counts what was asked, and keeps what nobody answered.
#[derive(Debug)]
pub(crate) struct MockWorld {
    mocks: Mocks,
    asked: BTreeMap<usize, usize>,
    rung: BTreeMap<usize, usize>,
    written: usize,
    unanswered: Arc<Mutex<Vec<String>>>,
}

impl MockWorld {
    /// The world, and the list it will put requests on that no mock answers.
    pub(crate) fn new(mocks: Mocks) -> (Self, Arc<Mutex<Vec<String>>>) {
        let unanswered = Arc::new(Mutex::new(Vec::new()));
        let world = Self { mocks, asked: BTreeMap::new(), rung: BTreeMap::new(), written: 0, unanswered: unanswered.clone() };
        (world, unanswered)
    }
}

/// The next of several, the last again and again.
fn next<'a, T>(list: &'a [T], counts: &mut BTreeMap<usize, usize>, which: usize) -> Option<&'a T> {
    let count = counts.entry(which).or_default();
    let found = list.get(*count).or_else(|| list.last());
    *count += 1;
    found
}

impl Outside for MockWorld {
    fn http(&mut self, request: &flow::Http) -> Web {
        let fits = |mock: &HttpMock| mock.method == request.method && glob(&mock.url, &request.url);
        if let Some(at) = self.mocks.http.iter().position(fits)
            && let Some(web) = next(&self.mocks.http[at].replies, &mut self.asked, at)
        {
            return web.clone();
        }
        let method = if request.method == flow::Method::Get { "GET" } else { "POST" };
        // Without any web server in the test there is no web: that is a world too.
        if !self.mocks.http.is_empty() {
            self.unanswered.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{method} {}", request.url));
        }
        Web::silent(format!("no mock answers {method} {}", request.url))
    }

    fn device(&mut self, target: &str) -> Manner {
        let Some(at) = self.mocks.devices.iter().position(|(pattern, _)| glob(pattern, target)) else { return Manner::Unreachable };
        next(&self.mocks.devices[at].1, &mut self.rung, at).cloned().unwrap_or(Manner::Unreachable)
    }

    fn transcript(&mut self, words: &str) -> String {
        self.written += 1;
        let mocked = self.mocks.transcripts.get(self.written - 1).or_else(|| self.mocks.transcripts.last());
        mocked.map_or_else(|| words.to_owned(), Clone::clone)
    }

    fn messages(&mut self, mailbox: &Name) -> u32 {
        self.mocks.mailboxes.get(mailbox.as_str()).copied().unwrap_or(0)
    }

    fn crowd(&mut self, venue: Venue, name: &Name) -> Option<Crowd> {
        self.mocks.crowds.get(&(venue, name.to_string())).copied()
    }
}
