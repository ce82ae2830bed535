//! What leaves by HTTP: the guard, flows' requests and webhooks, over real loopback sockets.

use super::disk::{by_hand, envelope, leave};
use crate::{
    Allowed, Courier, CourierOptions, FetchFault, Fetcher, Guard, HttpFetch, Lookup, Method, Refusal, Signer, Store, WebhookDraft,
    is_public, limits,
};
use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use terms::Secret;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::mpsc,
};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

pub(super) fn open_to_loopback() -> Guard {
    Guard::new(vec!["127.0.0.1".parse().unwrap()])
}

#[test]
fn f2_addresses_that_lead_inside_are_refused_however_they_are_spelt() {
    let guard = Guard::new(Vec::new());
    for bad in [
        "http://127.0.0.1/", "http://127.0.0.1:8080/", "http://[::1]/", "http://0.0.0.0/", "http://0/", "http://[::]/",
        "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://2130706433/", "http://0x7f.1/", "http://0x7f000001/",
        "http://017700000001/", "http://127.1/", "http://10.0.0.1/", "http://172.16.0.1/", "http://172.31.255.255/",
        "http://192.168.1.1/", "http://169.254.169.254/latest/meta-data", "http://100.64.0.1/", "http://198.18.0.1/",
        "http://224.0.0.1/", "http://255.255.255.255/", "http://[fe80::1]/", "http://[fc00::1]/", "http://[fd12::1]/",
        "http://[ff02::1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://[2001:db8::1]/", "http://[::7f00:1]/",
        "http://ok@127.0.0.1/", "http://user:pass@crm.example/", "file:///etc/passwd", "gopher://127.0.0.1:25/", "ftp://x/",
        "", "//127.0.0.1", "http://", "javascript:alert(1)", "http://１２７.0.0.1/",
    ] {
        assert!(guard.check(bad).is_err(), "{bad}");
    }
    for good in ["https://crm.example/hook?x=1", "http://93.184.216.34/", "http://[2606:2800:220:1::1]:8080/", "http://172.32.0.1"] {
        assert!(guard.check(good).is_ok(), "{good}");
    }
}

#[test]
fn the_list_opens_what_it_names_and_no_more() {
    let list = ["127.0.0.1:9000", "10.1.0.0/16", "crm.internal:8080", "fd00::/8"];
    let guard = Guard::new(list.iter().map(|text| text.parse().unwrap()).collect());
    for good in ["http://127.0.0.1:9000/", "http://10.1.255.1/", "http://crm.internal:8080/x", "http://[fd00::1]/"] {
        assert!(guard.check(good).is_ok(), "{good}");
    }
    for bad in ["http://127.0.0.1:9001/", "http://10.2.0.1/", "http://crm.internal/", "http://[fe80::1]/"] {
        assert!(guard.check(bad).is_err(), "{bad}");
    }
    for bad in ["", "10.0.0.0/33", "a b", "host:x", "::1/129", "http://x"] {
        assert!(bad.parse::<Allowed>().is_err(), "{bad}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(512))]

    #[test]
    fn no_text_breaks_the_guard(text in ".{0,60}") {
        let _ = Guard::new(Vec::new()).check(&text);
        let _ = text.parse::<Allowed>();
    }

    #[test]
    fn what_is_private_in_ipv4_is_private_in_ipv6_clothes(bits in proptest::prelude::any::<u32>()) {
        let v4 = std::net::Ipv4Addr::from_bits(bits);
        proptest::prop_assert_eq!(is_public(IpAddr::V4(v4)), is_public(IpAddr::V6(v4.to_ipv6_mapped())));
    }
}

/// A server of one answer for every request, which tells what it was asked.
pub(super) async fn server(answer: impl Fn(usize) -> Vec<u8> + Send + Sync + 'static) -> (SocketAddr, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, asked) = mpsc::channel(1_000);
    let (answer, count) = (Arc::new(answer), Arc::new(AtomicUsize::new(0)));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (answer, tell, count) = (answer.clone(), tell.clone(), count.clone());
            tokio::spawn(async move {
                let mut text = Vec::new();
                let mut block = [0; 4_096];
                loop {
                    let whole = String::from_utf8_lossy(&text).into_owned();
                    if let Some((head, body)) = whole.split_once("\r\n\r\n") {
                        let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
                        if body.len() >= length.unwrap_or(0) {
                            break;
                        }
                    }
                    match stream.read(&mut block).await {
                        Ok(0) | Err(_) => return,
                        Ok(n) => text.extend_from_slice(&block[..n]),
                    }
                }
                let _ = tell.send(String::from_utf8_lossy(&text).into_owned()).await;
                let reply = answer(count.fetch_add(1, Ordering::SeqCst));
                if reply.is_empty() {
                    std::future::pending::<()>().await;
                }
                let _ = stream.write_all(&reply).await;
            });
        }
    });
    (address, asked)
}

pub(super) fn reply(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}", body.len()).into_bytes()
}

fn ask(url: String) -> HttpFetch {
    HttpFetch { method: Method::Get, url, headers: Vec::new(), body: None, timeout: Duration::from_secs(20) }
}

#[tokio::test]
async fn a_flow_asks_and_reads_json() {
    let (at, mut asked) = server(|_| reply("200 OK", "X-Kind: crm\r\n", r#"{"vip": true}"#)).await;
    let fetcher = Fetcher::new(open_to_loopback()).unwrap();
    let mut request = ask(format!("http://{at}/caller/1"));
    request.method = Method::Post;
    request.headers = vec![("X-Token".to_owned(), "abc".to_owned())];
    request.body = Some(b"hello".to_vec());
    let answer = fetcher.fetch(request).await.unwrap();
    assert_eq!((answer.status, &answer.json.unwrap()["vip"]), (200, &serde_json::json!(true)));
    assert!(answer.headers.contains(&("x-kind".to_owned(), "crm".to_owned())));
    let heard = asked.recv().await.unwrap();
    assert!(heard.starts_with("POST /caller/1 ") && heard.contains("x-token: abc") && heard.ends_with("hello"), "{heard}");
}

#[tokio::test]
async fn f2_a_redirect_is_an_answer_and_is_not_followed() {
    let (inner, mut asked) = server(|_| reply("200 OK", "", "secret")).await;
    let (outer, _) = server(move |_| reply("302 Found", &format!("Location: http://{inner}/\r\n"), "")).await;
    let guard = Guard::new(vec![Allowed::Address(outer.ip(), outer.port())]);
    let answer = Fetcher::new(guard).unwrap().fetch(ask(format!("http://{outer}/"))).await.unwrap();
    assert_eq!(answer.status, 302);
    assert!(asked.try_recv().is_err(), "nobody was asked behind it");
}

#[tokio::test]
async fn f2_too_much_and_too_late_are_faults_and_not_memory() {
    let (large, _) = server(|_| reply("200 OK", "", &"x".repeat(limits::FETCH_ANSWER_MAX + 1))).await;
    let (silent, _) = server(|_| Vec::new()).await;
    let fetcher = Fetcher::new(open_to_loopback()).unwrap();
    assert_eq!(fetcher.fetch(ask(format!("http://{large}/"))).await, Err(FetchFault::TooLarge(limits::FETCH_ANSWER_MAX)));
    let brief = Duration::from_millis(100);
    let late = HttpFetch { timeout: brief, ..ask(format!("http://{silent}/")) };
    assert_eq!(fetcher.fetch(late).await, Err(FetchFault::Timeout(brief)));
    for (name, value) in [("Host", "x"), ("bad name", "x"), ("X", "a\r\nb")] {
        let request = HttpFetch { headers: vec![(name.to_owned(), value.to_owned())], ..ask(format!("http://{silent}/")) };
        assert!(matches!(fetcher.fetch(request).await, Err(FetchFault::BadRequest(_))), "{name}");
    }
    assert_eq!(fetcher.fetch(ask("http://10.0.0.1/".into())).await, Err(Refusal::NotAllowed("10.0.0.1".into()).into()));
}

#[tokio::test]
async fn f2_a_name_that_turns_inside_between_two_looks_is_never_followed() {
    // The stub answers public first and loopback afterwards; the guard sees exactly what is connected to.
    let (inside, mut asked) = server(|_| reply("200 OK", "", "secret")).await;
    let lookup: Lookup = Arc::new(|_| Box::pin(async { Ok(vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()]) }));
    let fetcher = Fetcher::new(Guard::with_lookup(Vec::new(), lookup.clone())).unwrap();
    let url = format!("http://rebound.example:{}/", inside.port());
    let fault = fetcher.fetch(ask(url.clone())).await.unwrap_err();
    assert!(matches!(fault, FetchFault::Unreachable(ref why) if why.contains("not allowed")), "{fault}");
    assert!(asked.try_recv().is_err());
    let listed = Guard::with_lookup(vec!["rebound.example".parse().unwrap()], lookup);
    assert_eq!(Fetcher::new(listed).unwrap().fetch(ask(url)).await.unwrap().text, "secret");
}

fn verified(heard: &str) -> (String, serde_json::Value) {
    let (head, body) = heard.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap().to_owned();
    let hook = standardwebhooks::Webhook::new(SECRET).unwrap();
    let timestamp: i64 = header("webhook-timestamp").parse().unwrap();
    let signature = hook.sign(&header("webhook-id"), timestamp, body.as_bytes()).unwrap();
    assert_eq!(signature, header("webhook-signature"), "as the reference library signs");
    (header("webhook-id"), serde_json::from_str(body).unwrap())
}

fn courier(store: &Store, guard: Guard) -> Courier {
    let signer = Signer::new(&Secret::new(SECRET.to_owned())).unwrap();
    Courier::new(store.clone(), CourierOptions { signer, guard, seed: 1 }).unwrap()
}

async fn settled(store: &Store, done: impl Fn(crate::OutboxCounts) -> bool) {
    while !done(store.outbox_counts().await.unwrap()) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_reaches_its_endpoint_signed_and_in_order_with_the_same_id_at_every_try_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (options, clock) = by_hand();
    let store = Store::open(dir.path(), options.clone()).await.unwrap();
    let (at, mut asked) = server(|n| reply(if n == 0 { "500 Oh" } else { "204 Done" }, "", "")).await;
    for n in 1..=3 {
        leave(&store, &envelope(n, &format!("http://{at}/hook")), 2).await;
    }
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(courier(&store, open_to_loopback()).run(async move { drop(stopped.await) }));
    let (first, event) = verified(&asked.recv().await.unwrap());
    assert_eq!((event["type"].as_str(), event["data"]["message"]["duration_ms"].as_u64()), (Some("voicemail.saved"), Some(2_000)));
    stop.send(()).unwrap();
    running.await.unwrap();
    assert_eq!(store.outbox_counts().await.unwrap().waiting, 3, "in order: the others wait behind the first");
    store.close().await;
    let store = Store::open(dir.path(), options).await.unwrap();
    clock.fetch_add(10_000, Ordering::SeqCst);
    let running = tokio::spawn(courier(&store, open_to_loopback()).run(std::future::pending()));
    let (again, _) = verified(&asked.recv().await.unwrap());
    assert_eq!(again, first);
    for n in 2..=3 {
        let (_, event) = verified(&asked.recv().await.unwrap());
        assert_eq!(event["data"]["message"]["id"], envelope(n, "").id.to_string());
    }
    settled(&store, |counts| counts.done == 3 && counts.waiting == 0).await;
    running.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guarded_or_gone_endpoint_gets_nothing_and_others_do() {
    let dir = tempfile::tempdir().unwrap();
    let (options, _) = by_hand();
    let store = Store::open(dir.path(), options).await.unwrap();
    let (good, mut heard) = server(|_| reply("200 OK", "", "")).await;
    let (inside, mut never) = server(|_| reply("200 OK", "", "")).await;
    let (gone, _) = server(|_| reply("410 Gone", "", "")).await;
    let guard = Guard::new([good, gone].map(|at| Allowed::Address(at.ip(), at.port())).to_vec());
    for (at, n) in [(inside, 1), (gone, 2), (gone, 3), (good, 4)] {
        let (url, body) = (format!("http://{at}/hook"), format!("{{\"n\": {n}}}"));
        let draft = WebhookDraft { realm: super::disk::name("default"), url, event: "test".into(), body, order_key: "k".into() };
        store.enqueue(draft).await.unwrap();
    }
    let running = tokio::spawn(courier(&store, guard).run(std::future::pending()));
    assert_eq!(verified(&heard.recv().await.unwrap()).1["n"], 4);
    settled(&store, |counts| counts.done == 1 && counts.lost == 2).await;
    assert_eq!(store.outbox_counts().await.unwrap().waiting, 1, "a refused address is tried again: the list may change");
    assert!(never.try_recv().is_err());
    running.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), by_hand().0).await.unwrap();
    let body = "x".repeat(limits::DELIVERY_BODY_MAX + 1);
    let realm = super::disk::name("default");
    let draft = WebhookDraft { realm, url: "http://x/".into(), event: "test".into(), body, order_key: String::new() };
    assert!(store.enqueue(draft).await.is_err());
}
