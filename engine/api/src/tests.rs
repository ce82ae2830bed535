//! The HTTP side over real loopback sockets, on a real store.

use crate::{
    Answer, ApiOptions, CallView, ConferenceView, ConnectionView, ContactView, Exchange, ExchangeFault, FlowsView, LegView, PairGain, PersonView, QueueView, Readiness, Reloaded, Tuned, Tuning, Used, WaitingView, serve,
    sink,
};
use reqwest::{Client, Method, StatusCode, header};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use store::{
    AudioLinks, Courier, CourierOptions, Disposition, Finished, Guard, LeftOver, Options, RecordingMeta, Signer, Store,
};
use tempfile::TempDir;
use terms::{CallId, Gain, MessageId, Name, Secret, UnixMs};
use tokio::net::TcpListener;
use voicemail::{Caller, EndCause, Envelope, EventKind, Notify};

const CALL: &str = "018bcfe5-6800-7909-8909-090909090909";

struct Desk;

fn say<T: Send + 'static>(value: T) -> Answer<T> {
    Box::pin(async move { Ok(value) })
}

impl Desk {
    fn alice() -> ConnectionView {
        let contact = ContactView {
            uri: "sip:alice@192.0.2.1".into(),
            agent: Some("phone".into()),
            source: "192.0.2.1:5060".into(),
            transport: "udp".into(),
            since: UnixMs(0).rfc3339(),
            expires: UnixMs(1).rfc3339(),
        };
        let name = |text| Name::new(text).unwrap();
        ConnectionView { realm: name("default"), name: name("alice"), kind: "device".into(), online: true, contacts: vec![contact] }
    }
    fn call() -> CallView {
        CallView {
            id: CallId::parse(CALL).unwrap(),
            realm: Name::new("default").unwrap(),
            from: "alice".into(),
            to: "reception".into(),
            state: "answered".into(),
            since: UnixMs(0).rfc3339(),
            flow: None,
            step: None,
            legs: vec![LegView { id: 0, peer: "sip:alice".into(), state: "answered".into(), codec: Some("PCMU".into()), protection: None, mos: Some(4.3), one_way: None }],
            timeline: Vec::new(),
        }
    }
}

impl Exchange for Desk {
    fn connections(&self) -> Answer<Vec<ConnectionView>> {
        say(vec![Self::alice()])
    }
    fn connection(&self, name: Name) -> Answer<Option<ConnectionView>> {
        say((name.as_str() == "alice").then(Self::alice))
    }
    fn calls(&self) -> Answer<Vec<CallView>> {
        say(vec![Self::call()])
    }
    fn call(&self, id: CallId) -> Answer<Option<CallView>> {
        say((id == Self::call().id).then(Self::call))
    }
    fn hang_up(&self, id: CallId) -> Answer<bool> {
        say(id == Self::call().id)
    }
    fn conferences(&self) -> Answer<Vec<ConferenceView>> {
        let name = |text| Name::new(text).unwrap();
        let people = vec![PersonView { call: Self::call().id, host: true, waits: false, muted: false, talk_gain: Gain::NONE, hear_gain: Gain::NONE.louder(-6), hears: vec![PairGain { call: Self::call().id, gain: Gain::MOST }] }];
        say(vec![ConferenceView { realm: name("default"), room: name("board"), opened: true, people }])
    }
    fn tune(&self, id: CallId, tuning: Tuning) -> Answer<Tuned> {
        let stranger = tuning.hears.iter().find(|pair| pair.gain.is_off()).map(|pair| Tuned::Stranger(pair.call));
        say(if id == Self::call().id { stranger.unwrap_or(Tuned::Done) } else { Tuned::NotInside })
    }
    fn queues(&self) -> Answer<Vec<QueueView>> {
        let name = |text| Name::new(text).unwrap();
        let caller = WaitingView { call: Self::call().id, who: "alice".into(), priority: 2, ringing: vec!["connection/bob".into()], taken: false };
        say(vec![QueueView { realm: name("default"), queue: name("sales"), callers: vec![caller], takers: Vec::new() }])
    }
    fn flows(&self) -> Answer<FlowsView> {
        Box::pin(async { Err(ExchangeFault::Unavailable("starting".into())) })
    }
    fn reload(&self) -> Answer<Reloaded> {
        say(Reloaded::Refused { faults: "flows/a.yaml:1:1: no".into() })
    }
    fn use_flows(&self, texts: String) -> Answer<Used> {
        say(match texts.contains("bad") {
            true => Used::Refused { faults: "flows/a.yaml:1:1: bad".into() },
            false => Used::Accepted { version: 7 },
        })
    }
    fn readiness(&self) -> Readiness {
        Readiness::NotReady("draining".into())
    }
}

struct House {
    at: SocketAddr,
    store: Store,
    client: Client,
    _dir: TempDir,
}

impl House {
    async fn open(tokens: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let links = AudioLinks {
            base_url: format!("http://{at}"),
            key: Secret::new(vec![7; 32]),
            life: Duration::from_secs(3_600),
        };
        let options = Options { disk_reserve: 1, audio_links: Some(links), ..Options::default() };
        let store = Store::open(dir.path(), options).await.unwrap();
        let tokens = tokens.iter().map(|token| Secret::new((*token).to_owned())).collect();
        let options = ApiOptions { tokens, metrics: Arc::new(|| "calls 1\n".to_owned()) };
        tokio::spawn(serve(listener, options, Arc::new(Desk), store.clone(), std::future::pending()));
        Self { at, store, client: Client::builder().no_proxy().build().unwrap(), _dir: dir }
    }
    fn ask(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.at))
    }
    async fn get(&self, path: &str) -> (StatusCode, serde_json::Value) {
        let answer = self.ask(Method::GET, path).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }
    async fn leave(&self, n: u8, url: &str) -> MessageId {
        let name = |text| Name::new(text).unwrap();
        let envelope = Envelope {
            id: MessageId::new(1_700_000_000_000 + u64::from(n), [n; 10]),
            realm: name("default"),
            mailbox: name("sales"),
            caller: Caller::new("+15550100", "Ada"),
            call: CallId::parse(CALL).unwrap(),
            dialled: "connection/alice".into(),
            began: store::wall_clock(),
            keep: Duration::from_secs(86_400),
            transcribe: false,
            language: None,
            notify: vec![Notify { url: url.into(), events: EventKind::ALL.to_vec() }],
            loudness: true,
        };
        let meta = RecordingMeta {
            id: envelope.id,
            realm: envelope.realm.clone(),
            call: envelope.call,
            began: envelope.began,
            rate_hz: 8_000,
            channels: 1,
            notify: None,
            keep: None,
            partial: false,
            length_min: Duration::ZERO,
            left_over: LeftOver::Message(Box::new(envelope.clone())),
        };
        let (spool, id) = (self.store.spool(), envelope.id);
        spool.try_begin(meta, Box::new(|_, fault| panic!("{fault}"))).unwrap();
        spool.try_append(id, vec![1; 8_000]).unwrap();
        let (tell, told) = tokio::sync::oneshot::channel();
        let draft = envelope.sealed(Duration::from_secs(1), None, EndCause::Hangup);
        let reply = Box::new(move |finished| tell.send(finished).unwrap());
        spool.try_finish(id, Disposition::Message(Box::new(draft)), reply).unwrap();
        assert!(matches!(told.await.unwrap(), Finished::Message { .. }));
        id
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_exchange_is_shown() {
    let house = House::open(&[]).await;
    let (status, all) = house.get("/v1/connections").await;
    assert_eq!((status, &all["connections"][0]["contacts"][0]["agent"]), (StatusCode::OK, &"phone".into()));
    assert_eq!(house.get("/v1/connections/alice").await.1["online"], true);
    assert_eq!(house.get("/v1/calls").await.1["calls"][0]["legs"][0]["codec"], "PCMU");
    assert_eq!(house.get(&format!("/v1/calls/{CALL}")).await.1["to"], "reception");
    assert_eq!(house.get("/v1/conferences").await.1["conferences"][0]["people"][0]["call"], CALL);
    let queues = house.get("/v1/queues").await.1;
    assert_eq!((&queues["queues"][0]["queue"], &queues["queues"][0]["callers"][0]["ringing"][0]), (&"sales".into(), &"connection/bob".into()));
    let ended = house.ask(Method::DELETE, &format!("/v1/calls/{CALL}")).send().await.unwrap();
    assert_eq!(ended.status(), StatusCode::NO_CONTENT);
    assert!(ended.headers().contains_key("x-request-id"));
    let metrics = house.ask(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    assert_eq!(metrics, "calls 1\n");
    assert_eq!(house.ask(Method::GET, "/healthz").send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_loud_somebody_in_a_conference_is_and_hears_is_shown_and_changed() {
    let house = House::open(&[]).await;
    let person = house.get("/v1/conferences").await.1["conferences"][0]["people"][0].clone();
    assert_eq!((&person["muted"], &person["talk_gain"], &person["hear_gain"]), (&false.into(), &0.into(), &(-6).into()));
    assert_eq!((&person["hears"][0]["call"], &person["hears"][0]["gain"]), (&CALL.into(), &12.into()));
    let other = "018bcfe5-6800-7909-8909-000000000000";
    let many = format!(r#"{{"hears":[{}]}}"#, vec![format!(r#"{{"call":"{other}","gain":1}}"#); 100].join(","));
    let off = format!(r#"{{"hears":[{{"call":"{other}","gain":-60}}]}}"#);
    let table = [
        (CALL, r#"{"muted":true,"talk_gain":-6,"hear_gain":12}"#, 204, ""),
        (CALL, "{}", 204, ""),
        (other, r#"{"muted":true}"#, 404, "no such call in a conference"),
        ("7", r#"{"muted":true}"#, 404, "no such call"),
        (CALL, r#"{"talk_gain":13}"#, 422, "13 dB is not from -60 (off) to 12"),
        (CALL, r#"{"talk_gain":-61}"#, 422, "-61 dB is not from -60 (off) to 12"),
        (CALL, r#"{"talk_gain":1.5}"#, 422, "1.5"),
        (CALL, r#"{"volume":1}"#, 422, "volume"),
        (CALL, "{", 400, ""),
        (CALL, &many, 422, "at most 99 others"),
        (CALL, &off, 422, "is not one of the others"),
    ];
    for (call, body, status, says) in table {
        let request = house.ask(Method::PATCH, &format!("/v1/calls/{call}/conference")).header(header::CONTENT_TYPE, "application/json");
        let answer = request.body(body.to_owned()).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{body}");
        let text = answer.text().await.unwrap();
        assert!(text.contains(says), "{body}: {text}");
    }
    let plain = house.ask(Method::PATCH, &format!("/v1/calls/{CALL}/conference")).body("{}").send().await.unwrap();
    assert_eq!(plain.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_error_is_a_problem() {
    let house = House::open(&[]).await;
    let large = "x".repeat(crate::limits::BODY_MAX + 1);
    let table = [
        (Method::GET, "/nothing", "", 404),
        (Method::GET, "/v1/connections/bob", "", 404),
        (Method::GET, "/v1/connections/..%2f..%2fetc", "", 404),
        (Method::GET, "/v1/connections/%ff", "", 404),
        (Method::GET, "/v1/calls/7", "", 404),
        (Method::DELETE, "/v1/calls/018bcfe5-6800-7909-8909-000000000000", "", 404),
        (Method::GET, "/v1/messages/018bcfe5-6800-7909-8909-000000000000", "", 404),
        (Method::GET, "/v1/messages/..%2f..%2fcallflow.db/audio", "", 404),
        (Method::DELETE, "/v1/messages/x", "", 404),
        (Method::POST, "/v1/calls", "", 405),
        (Method::PUT, "/v1/messages", "", 405),
        (Method::GET, "/v1/messages?limit=0", "", 400),
        (Method::GET, "/v1/messages?limit=many", "", 400),
        (Method::GET, "/v1/messages?after=x", "", 400),
        (Method::GET, "/v1/messages?mailbox=../x", "", 400),
        (Method::GET, "/v1/messages?unknown=1", "", 400),
        (Method::POST, "/v1/reload", large.as_str(), 413),
        (Method::POST, "/v1/reload", "", 422),
        (Method::GET, "/v1/flows", "", 503),
        (Method::GET, "/readyz", "", 503),
    ];
    for (method, path, body, status) in table {
        let answer = house.ask(method.clone(), path).body(body.to_owned()).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{method} {path}");
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/problem+json", "{method} {path}");
        assert_eq!(answer.headers().contains_key(header::ALLOW), status == 405, "{method} {path}");
        let problem: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(problem["status"], status, "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_asked_of_everybody_but_the_probes() {
    let house = House::open(&["right-token"]).await;
    let paths = ["/v1/connections", "/v1/calls", "/v1/messages", "/v1/flows", "/v1/reload", "/metrics", "/nothing"];
    for path in paths {
        for authorization in ["", "Bearer ", "Bearer wrong", "Basic cmlnaHQtdG9rZW4=", "Bearer right-token2", "right-token"] {
            let answer = house.ask(Method::GET, path).header(header::AUTHORIZATION, authorization).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path} {authorization}");
            assert_eq!(answer.headers()[header::WWW_AUTHENTICATE], "Bearer");
        }
    }
    let answer = house.ask(Method::GET, "/v1/calls").bearer_auth("right-token").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(house.ask(Method::GET, "/healthz").send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_token_no_page_of_another_site_may_ask() {
    let house = House::open(&[]).await;
    let ask = |header: header::HeaderName, value: &'static str| {
        let request = house.ask(Method::GET, "/v1/calls").header(header, value);
        async { request.send().await.unwrap().status() }
    };
    assert_eq!(ask(header::ORIGIN, "https://evil.example").await, StatusCode::FORBIDDEN);
    assert_eq!(ask(header::HOST, "evil.example").await, StatusCode::FORBIDDEN);
    assert_eq!(ask(header::HOST, "localhost").await, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_are_listed_heard_in_parts_and_deleted() {
    let house = House::open(&["right-token"]).await;
    let ids = [house.leave(1, "").await, house.leave(2, "").await, house.leave(3, "").await];
    let get = |path: String| {
        let request = house.ask(Method::GET, &path).bearer_auth("right-token");
        async { request.send().await.unwrap().json::<serde_json::Value>().await.unwrap() }
    };
    let page = get("/v1/messages?mailbox=sales&limit=2".into()).await;
    assert_eq!(page["messages"][0]["id"], ids[2].to_string());
    assert_eq!(page["next"], ids[1].to_string());
    let rest = get(format!("/v1/messages?limit=2&after={}", ids[1])).await;
    assert_eq!((rest["messages"].as_array().unwrap().len(), &rest["next"]), (1, &serde_json::Value::Null));
    assert_eq!(get("/v1/messages?mailbox=other".into()).await["messages"], serde_json::json!([]));
    let message = get(format!("/v1/messages/{}", ids[0])).await;
    let link = message["audio_url"].as_str().unwrap();
    let whole = house.client.get(link).send().await.unwrap();
    assert_eq!((whole.status(), &whole.headers()[header::CONTENT_TYPE]), (StatusCode::OK, &"audio/wav".parse().unwrap()));
    let whole = whole.bytes().await.unwrap();
    assert_eq!((whole.len(), &whole[..4]), (44 + 16_000, b"RIFF".as_slice()));
    let part = house.client.get(link).header(header::RANGE, "bytes=44-47").send().await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.headers()[header::CONTENT_RANGE], "bytes 44-47/16044");
    assert_eq!(part.bytes().await.unwrap().as_ref(), [1, 0, 1, 0]);
    let beyond = house.client.get(link).header(header::RANGE, "bytes=99999-").send().await.unwrap();
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    let other = link.replace(&ids[0].to_string(), &ids[1].to_string());
    for bad in [link.replace("signature=", "signature=0"), link.replace("expires=", "expires=9"), other] {
        assert_eq!(house.client.get(&bad).send().await.unwrap().status(), StatusCode::UNAUTHORIZED, "{bad}");
    }
    assert_eq!(house.client.delete(link).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let path = format!("/v1/messages/{}", ids[0]);
    let deleted = house.ask(Method::DELETE, &path).bearer_auth("right-token").send().await.unwrap();
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
    assert_eq!(house.client.get(link).send().await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_travels_from_the_outbox_to_a_sink_and_its_link_gives_the_audio() {
    let house = House::open(&["right-token"]).await;
    let signer = Signer::new(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned())).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let (tell, mut told) = tokio::sync::mpsc::channel(10);
    let on_event: sink::OnEvent = Arc::new(move |received| {
        tell.try_send(received).unwrap();
        StatusCode::NO_CONTENT
    });
    tokio::spawn(sink::serve(listener, signer.clone(), on_event, std::future::pending()));
    let guard = Guard::new(vec![at.to_string().parse().unwrap()]);
    let courier = Courier::new(house.store.clone(), CourierOptions { signer, guard, seed: 1 }).unwrap();
    let running = tokio::spawn(courier.run(std::future::pending()));
    house.leave(1, &format!("http://{at}/hook")).await;
    let event = told.recv().await.unwrap();
    assert_eq!((event.kind.as_str(), event.id.starts_with("msg_")), ("voicemail.saved", true));
    let link = event.payload["data"]["message"]["audio_url"].as_str().unwrap();
    assert_eq!(house.client.get(link).send().await.unwrap().bytes().await.unwrap().len(), 16_044);
    let forged = house.client.post(format!("http://{at}/")).header("webhook-id", "x").body("{}").send().await.unwrap();
    assert_eq!(forged.status(), StatusCode::UNAUTHORIZED);
    assert!(told.try_recv().is_err());
    running.abort();
}

#[tokio::test]
async fn versions_are_read_and_taken_into_use_again() {
    let house = House::open(&[]).await;
    for (at, hash, texts) in [(1_000, "aa11", "{\"files\":[{\"path\":\"flows/a.yaml\",\"text\":\"flow: a\"}]}"), (2_000, "aa22", "{\"files\":[\"bad\"]}")] {
        let load = store::FlowLoad { at: UnixMs(at), hash: hash.into(), by: "start".into(), instead_of: None };
        house.store.keep_flows(load, texts.into()).await.unwrap();
    }
    assert_eq!(house.get("/v1/flows/versions").await.0, StatusCode::SERVICE_UNAVAILABLE, "as /v1/flows says itself");
    for (path, status, detail) in [
        ("bb", StatusCode::NOT_FOUND, "no such version of the flows"),
        ("aa", StatusCode::CONFLICT, "more than one version begins with aa: write more of its hash"),
        ("aa2", StatusCode::UNPROCESSABLE_ENTITY, "flows/a.yaml:1:1: bad"),
    ] {
        let answer = house.ask(Method::POST, &format!("/v1/flows/versions/{path}/use")).send().await.unwrap();
        let (told, problem): (_, serde_json::Value) = (answer.status(), answer.json().await.unwrap());
        assert_eq!((told, problem["detail"].as_str()), (status, Some(detail)), "{path}");
    }
    let answer = house.ask(Method::POST, "/v1/flows/versions/aa1/use").send().await.unwrap();
    let taken: serde_json::Value = answer.json().await.unwrap();
    assert_eq!((taken["version"].as_u64(), taken["hash"].as_str()), (Some(7), Some("aa11")), "{taken}");
    assert_eq!(house.ask(Method::GET, "/v1/flows/versions/aa1/use").send().await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
}
