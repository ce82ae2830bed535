//! Sound files from URLs: kept, validated, bounded, guarded.

use super::web::{open_to_loopback, reply, server};
use crate::{Allowed, FetchFault, Fetcher, Guard, Sounds, limits};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

const WAIT: Duration = Duration::from_secs(10);

fn sounds(guard: Guard) -> Sounds {
    Sounds::new(Fetcher::new(guard).unwrap())
}

#[tokio::test]
async fn a_file_is_fetched_once_while_it_is_fresh_and_validated_afterwards() {
    let (at, mut asked) = server(|n| match n {
        0 => reply("200 OK", "ETag: \"one\"\r\nLast-Modified: Sat, 21 Nov 2026 10:00:00 GMT\r\nCache-Control: public, max-age=60\r\n", "first"),
        1 => reply("304 Not Modified", "Cache-Control: max-age=60\r\n", ""),
        2 => reply("200 OK", "ETag: \"two\"\r\n", "second"),
        _ => reply("503 Later", "", ""),
    })
    .await;
    let (sounds, seconds) = by_hand();
    let later = |span: Duration| seconds.fetch_add(span.as_secs(), Ordering::SeqCst);
    let url = format!("http://{at}/a.wav");
    // A crowd makes one request.
    let crowd: Vec<_> = (0..50).map(|_| (sounds.clone(), url.clone())).map(|(sounds, url)| tokio::spawn(async move { sounds.get(&url, WAIT).await })).collect();
    let mut version = None;
    for one in crowd {
        let file = one.await.unwrap().unwrap();
        assert_eq!(&*file.bytes, b"first");
        assert_eq!(*version.get_or_insert(file.version), file.version);
    }
    assert!(asked.recv().await.unwrap().starts_with("GET /a.wav "));
    assert!(asked.try_recv().is_err(), "once");
    later(Duration::from_secs(61));
    assert_eq!(sounds.get(&url, WAIT).await.unwrap().version, version.unwrap(), "304: the same");
    let question = asked.recv().await.unwrap();
    assert!(question.contains("if-none-match: \"one\"") && question.contains("if-modified-since: Sat, 21 Nov 2026 10:00:00 GMT"), "{question}");
    later(Duration::from_secs(61));
    let second = sounds.get(&url, WAIT).await.unwrap();
    assert_eq!(&*second.bytes, b"second");
    assert_ne!(Some(second.version), version);
    // The server fails: the sound of before is played for a day.
    later(Duration::from_secs(3_600));
    assert_eq!(sounds.get(&url, WAIT).await.unwrap().version, second.version);
    later(limits::SOUND_STALE_MAX);
    assert_eq!(sounds.get(&url, WAIT).await.unwrap_err(), FetchFault::Unreachable("status 503".into()));
}

/// Sounds with a clock that is set by hand, in seconds.
fn by_hand() -> (Sounds, Arc<AtomicU64>) {
    let seconds = Arc::new(AtomicU64::new(0));
    let hand = Arc::clone(&seconds);
    (Sounds::with_clock(Fetcher::new(open_to_loopback()).unwrap(), Arc::new(move || Duration::from_secs(hand.load(Ordering::SeqCst)))), seconds)
}

#[tokio::test]
async fn a_crowd_before_a_server_that_hangs_or_fails_asks_once_and_waits_once() {
    let (silent, mut asked) = server(|_| Vec::new()).await;
    let (open, _) = by_hand();
    let brief = Duration::from_millis(200);
    let crowd: Vec<_> = (0..20).map(|_| open.clone()).map(|open| tokio::spawn(async move { open.get(&format!("http://{silent}/"), brief).await })).collect();
    for one in crowd {
        assert_eq!(one.await.unwrap().unwrap_err(), FetchFault::Timeout(brief));
    }
    asked.recv().await.unwrap();
    assert!(asked.try_recv().is_err(), "one after the other they would wait for minutes");

    let (missing, mut asked) = server(|_| reply("404 Not Found", "", "")).await;
    let (open, seconds) = by_hand();
    for (later, is_asked) in [(0, true), (0, false), (4, false), (2, true)] {
        seconds.fetch_add(later, Ordering::SeqCst);
        assert_eq!(open.get(&format!("http://{missing}/"), WAIT).await.unwrap_err(), FetchFault::BadRequest("status 404".into()));
        assert_eq!(asked.try_recv().is_ok(), is_asked, "{later} s later");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_known_sound_is_played_while_its_server_hangs_and_renewed_behind() {
    let (open_gate, gate) = std::sync::mpsc::sync_channel::<()>(1);
    let gate = std::sync::Mutex::new(gate);
    let (at, mut asked) = server(move |n| match n {
        0 => reply("200 OK", "", "first"),
        _ => {
            // The thread may be the one that keeps the runtime's clock: it hands that on before it stands still.
            let opened = tokio::task::block_in_place(|| gate.lock().unwrap().recv());
            assert!(opened.is_err(), "it opens when the other end goes");
            reply("200 OK", "", "second")
        }
    })
    .await;
    let (open, seconds) = by_hand();
    let url = format!("http://{at}/");
    assert_eq!(&*open.get(&url, WAIT).await.unwrap().bytes, b"first");
    seconds.fetch_add(60, Ordering::SeqCst);
    let brief = Duration::from_millis(50);
    assert_eq!(&*open.get(&url, brief).await.unwrap().bytes, b"first", "nobody waits for what is there");
    drop(open_gate);
    while &*open.get(&url, brief).await.unwrap().bytes != b"second" {
        seconds.fetch_add(1, Ordering::SeqCst);
    }
    for _ in 0..2 {
        asked.recv().await.unwrap();
    }
    assert!(asked.try_recv().is_err(), "one look brought it, although its caller had gone");
}

#[tokio::test]
async fn f2_three_redirects_are_followed_and_none_of_them_leads_inside() {
    let (end, _) = server(|_| reply("200 OK", "", "sound")).await;
    let hop = |to: String| server(move |_| reply("302 Found", &format!("Location: {to}\r\n"), ""));
    let (third, _) = hop(format!("http://{end}/x.wav")).await;
    let (second, _) = hop(format!("http://{third}/")).await;
    let (first, _) = hop(format!("http://{second}/")).await;
    let (zeroth, _) = hop(format!("http://{first}/")).await;
    let open = sounds(open_to_loopback());
    assert_eq!(&*open.get(&format!("http://{first}/"), WAIT).await.unwrap().bytes, b"sound");
    assert_eq!(open.get(&format!("http://{zeroth}/"), WAIT).await.unwrap_err(), FetchFault::BadRequest("over 3 redirects".into()));
    // The first address is allowed, what it points to is not.
    let (secret, mut asked) = server(|_| reply("200 OK", "", "secret")).await;
    for to in [format!("http://{secret}/"), "http://169.254.169.254/".into(), "file:///etc/passwd".into(), "http://[::1]/".into(), "//127.0.0.1/".into(), "http://ok@127.0.0.1/".into()] {
        let (door, _) = hop(to.clone()).await;
        let guarded = sounds(Guard::new(vec![Allowed::Address(door.ip(), door.port())]));
        let fault = guarded.get(&format!("http://{door}/"), WAIT).await.unwrap_err();
        assert!(matches!(fault, FetchFault::Refused(_)), "{to}: {fault}");
    }
    assert!(asked.try_recv().is_err(), "nobody was asked behind it");
    let (nowhere, _) = server(|_| reply("302 Found", "", "")).await;
    assert!(open.get(&format!("http://{nowhere}/"), WAIT).await.is_err());
}

#[tokio::test]
async fn f2_what_is_too_large_too_slow_or_not_there_is_a_fault() {
    let (large, _) = server(|_| reply("200 OK", "", &"x".repeat(limits::FETCH_SOUND_MAX + 1))).await;
    let (endless, _) = server(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 9000000000\r\n\r\nxxxx".to_vec()).await;
    let (silent, _) = server(|_| Vec::new()).await;
    let (missing, _) = server(|_| reply("404 Not Found", "", "")).await;
    let open = sounds(open_to_loopback());
    let brief = Duration::from_millis(200);
    assert_eq!(open.get(&format!("http://{large}/"), WAIT).await.unwrap_err(), FetchFault::TooLarge(limits::FETCH_SOUND_MAX));
    assert!(matches!(open.get(&format!("http://{endless}/"), brief).await.unwrap_err(), FetchFault::Timeout(_) | FetchFault::Unreachable(_)));
    assert_eq!(open.get(&format!("http://{silent}/"), brief).await.unwrap_err(), FetchFault::Timeout(brief));
    assert_eq!(open.get(&format!("http://{missing}/"), WAIT).await.unwrap_err(), FetchFault::BadRequest("status 404".into()));
    assert!(matches!(open.get("http://10.0.0.1/a.wav", WAIT).await.unwrap_err(), FetchFault::Refused(_)));
}

#[tokio::test]
async fn old_sounds_make_room_for_new_ones() {
    let (at, mut asked) = server(|_| reply("200 OK", "Cache-Control: max-age=3600\r\n", &"x".repeat(10 * 1_024 * 1_024))).await;
    let open = sounds(open_to_loopback());
    for n in 0..8 {
        open.get(&format!("http://{at}/{n}"), WAIT).await.unwrap();
        asked.recv().await.unwrap();
    }
    open.get(&format!("http://{at}/7"), WAIT).await.unwrap();
    assert!(asked.try_recv().is_err(), "the newest is there");
    open.get(&format!("http://{at}/0"), WAIT).await.unwrap();
    assert!(asked.try_recv().is_ok(), "the oldest was forgotten: eighty megabytes are over the bound");
}
