//! Messages at the loudness of prompts: at every moment there is a whole message, and what its description says is true.

use super::disk::{all, by_hand, envelope, finish, leave, meta, picture, wav_at, begin, speak};
use crate::{Disposition, Finished, Options, Polish, Recovered, Store, polish::polish_file, seal::{self, Sealing}};
use std::{
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};
use voicemail::EndCause;

/// Bytes of two seconds of a message.
const BYTES: usize = 44 + 32_000;

/// Makes every sample one louder, and counts.
fn louder(counter: &Arc<AtomicUsize>) -> Polish {
    let counter = Arc::clone(counter);
    Arc::new(move |spoken| {
        counter.fetch_add(1, Ordering::SeqCst);
        Ok(Some(raised(spoken)))
    })
}

fn raised(spoken: &[u8]) -> Vec<u8> {
    let mut louder = spoken.to_vec();
    louder[44..].chunks_exact_mut(2).for_each(|sample| sample[0] = 200);
    louder
}

fn with(polish: Option<Polish>) -> Options {
    Options { polish, ..by_hand().0 }
}

/// Samples of the message's file are those that were polished.
fn is_louder(root: &Path, n: u8) -> bool {
    fs::read(wav_at(root, envelope(n, "").id)).unwrap()[44..].chunks_exact(2).all(|sample| sample[0] == 200)
}

fn spool_is_empty(root: &Path) -> bool {
    fs::read_dir(root.join("spool")).unwrap().next().is_none()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_acknowledged_as_it_was_spoken_and_polished_after_that() {
    let dir = tempfile::tempdir().unwrap();
    let (go, wait) = mpsc::sync_channel::<()>(4);
    let wait = Mutex::new(wait);
    let polish: Polish = Arc::new(move |spoken| {
        wait.lock().unwrap().recv().unwrap();
        Ok(Some(raised(spoken)))
    });
    let store = Store::open(dir.path(), with(Some(polish))).await.unwrap();
    assert!(matches!(leave(&store, &envelope(1, "http://crm.example/hook"), 2).await, Finished::Message { .. }), "it waits for no polish");
    // Whoever comes now gets the message as it was spoken; a crash now leaves it and its ticket.
    let path = store.audio_path(envelope(1, "").id).await.unwrap().unwrap();
    assert_eq!((fs::metadata(&path).unwrap().len(), is_louder(dir.path(), 1)), (BYTES as u64, false));
    let dead = picture(dir.path());
    go.send(()).unwrap();
    store.polished().await;
    assert!(is_louder(dir.path(), 1) && spool_is_empty(dir.path()));
    store.close().await;
    let counter = Arc::new(AtomicUsize::new(0));
    for round in 0..2 {
        let store = Store::open(dead.path(), with(Some(louder(&counter)))).await.unwrap();
        assert_eq!(*store.recovered(), Recovered::default(), "it was kept before");
        store.polished().await;
        assert!(is_louder(dead.path(), 1) && spool_is_empty(dead.path()), "round {round}");
        assert_eq!(counter.load(Ordering::SeqCst), 1, "once");
        assert_eq!((all(&store).await.len(), store.owed_after(0).await.unwrap().len()), (1, 1), "told once");
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_any_two_steps_of_the_polish_keeps_the_message() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), with(None)).await.unwrap();
    leave(&store, &envelope(1, "http://crm.example/hook"), 2).await;
    let wav = |root: &Path| wav_at(root, envelope(1, "").id);
    let spoken = fs::read(wav(dir.path())).unwrap();
    // The ticket is there until all is done: as `Store` writes it before it acknowledges.
    let draft = envelope(1, "http://crm.example/hook").sealed(Duration::from_secs(2), None, EndCause::Hangup);
    let sealing = Sealing::new(meta(&draft.envelope), 16_000, Some(draft.length), Some(draft), false);
    type Step<'a> = (&'a str, &'a dyn Fn(&Path));
    let half = |root: &Path| fs::write(wav(root).with_extension("tmp"), &raised(&spoken)[..9_000]).unwrap();
    let steps: [Step<'_>; 5] = [
        ("acknowledged", &|_| ()),
        ("half written", &half),
        ("written", &|root| fs::write(wav(root).with_extension("tmp"), raised(&spoken)).unwrap()),
        ("renamed", &|root| assert!(polish_file(&wav(root), &louder(&Arc::default())).unwrap())),
        ("done again", &|root| {
            half(root);
            polish_file(&wav(root), &louder(&Arc::default())).unwrap();
            polish_file(&wav(root), &louder(&Arc::default())).unwrap();
        }),
    ];
    for (step, done) in steps {
        for polishes in [true, false] {
            let dead = picture(dir.path());
            seal::write_ticket(dead.path(), &sealing.meta, Some(&sealing.sealed)).unwrap();
            done(dead.path());
            let store = Store::open(dead.path(), with(polishes.then(|| louder(&Arc::default())))).await.unwrap();
            assert_eq!(*store.recovered(), Recovered::default(), "{step}");
            store.polished().await;
            let messages = all(&store).await;
            assert_eq!((messages.len(), messages[0].duration_ms), (1, 2_000), "{step}");
            assert_eq!(fs::metadata(wav(dead.path())).unwrap().len(), BYTES as u64, "{step}");
            assert!(is_louder(dead.path(), 1) == polishes || step == "renamed" || step == "done again", "{step}");
            assert!(spool_is_empty(dead.path()), "{step}");
            assert_eq!(store.owed_after(0).await.unwrap().len(), 1, "{step}: told once");
            assert!(store.delete_message(messages[0].id).await.unwrap());
            assert!(fs::read_dir(wav(dead.path()).parent().unwrap()).unwrap().next().is_none(), "{step}: nothing of it is left");
            store.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_polished_stays_as_it_was_spoken() {
    type Case = (&'static str, Polish);
    let cases: [Case; 4] = [
        ("refused", Arc::new(|_| Err("no sound".to_owned()))),
        ("right as it is", Arc::new(|_| Ok(None))),
        ("another length", Arc::new(|spoken: &[u8]| Ok(Some(spoken[..60].to_vec())))),
        ("a panic", Arc::new(|_| panic!("a fault of the polish"))),
    ];
    for (what, polish) in cases {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), with(Some(polish))).await.unwrap();
        for n in [1, 2] {
            assert!(matches!(leave(&store, &envelope(n, ""), 2).await, Finished::Message { .. }), "{what}");
        }
        store.polished().await;
        assert_eq!(all(&store).await.len(), 2, "{what}");
        assert_eq!(fs::metadata(wav_at(dir.path(), envelope(1, "").id)).unwrap().len(), BYTES as u64, "{what}");
        assert!(!is_louder(dir.path(), 1) && spool_is_empty(dir.path()), "{what}: it is not tried for ever");
    }
    // A disk that does not take the new file: at the next start, then.
    let dir = tempfile::tempdir().unwrap();
    let counter = Arc::new(AtomicUsize::new(0));
    let store = Store::open(dir.path(), with(Some(louder(&counter)))).await.unwrap();
    let block = wav_at(dir.path(), envelope(1, "").id).with_extension("tmp");
    let polish = louder(&counter);
    leave(&store, &envelope(2, ""), 2).await;
    store.polished().await;
    // `<id>.tmp` is needed by the seal as well, so the message is made first and the ticket put back.
    let unpolished = with(None);
    store.close().await;
    let store = Store::open(dir.path(), unpolished).await.unwrap();
    leave(&store, &envelope(1, ""), 2).await;
    store.close().await;
    fs::create_dir(&block).unwrap();
    let draft = envelope(1, "").sealed(Duration::from_secs(2), None, EndCause::Hangup);
    let sealing = Sealing::new(meta(&draft.envelope), 16_000, Some(draft.length), Some(draft), false);
    seal::write_ticket(dir.path(), &sealing.meta, Some(&sealing.sealed)).unwrap();
    for is_blocked in [true, false] {
        if !is_blocked {
            fs::remove_dir(&block).unwrap();
        }
        let store = Store::open(dir.path(), with(Some(Arc::clone(&polish)))).await.unwrap();
        store.polished().await;
        assert_eq!((is_louder(dir.path(), 1), spool_is_empty(dir.path())), (!is_blocked, !is_blocked));
        assert_eq!(all(&store).await.len(), 2);
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_wants_no_polish_gets_none_and_what_is_deleted_meanwhile_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (begun, went) = mpsc::sync_channel::<()>(4);
    let (go, wait) = mpsc::sync_channel::<()>(4);
    let wait = Mutex::new(wait);
    let polish: Polish = Arc::new(move |spoken| {
        begun.send(()).unwrap();
        wait.lock().unwrap().recv().unwrap();
        Ok(Some(raised(spoken)))
    });
    let store = Store::open(dir.path(), with(Some(polish))).await.unwrap();
    let plain = voicemail::Envelope { loudness: false, ..envelope(1, "") };
    leave(&store, &plain, 2).await;
    assert!(!is_louder(dir.path(), 1) && spool_is_empty(dir.path()), "nobody polishes it");
    // One is deleted in the middle of its turn, one while it waits for it.
    leave(&store, &envelope(2, ""), 2).await;
    leave(&store, &envelope(3, ""), 2).await;
    tokio::task::spawn_blocking(move || went.recv()).await.unwrap().unwrap();
    for n in [2, 3] {
        assert!(store.delete_message(envelope(n, "").id).await.unwrap());
    }
    assert!(spool_is_empty(dir.path()), "a crash now finds no ticket without sound");
    go.send(()).unwrap();
    store.polished().await;
    for n in [2, 3] {
        let wav = wav_at(dir.path(), envelope(n, "").id);
        assert!(!wav.exists() && !wav.with_extension("tmp").exists() && !wav.with_extension("json").exists(), "message {n}");
    }
    assert_eq!(all(&store).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_before_the_first_word_is_cut_off_and_the_length_is_true() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), with(None)).await.unwrap();
    let id = envelope(1, "").id;
    begin(&store, &meta(&envelope(1, "")));
    speak(&store, id, 5);
    let whole = envelope(1, "").sealed(Duration::from_secs(5), None, EndCause::Hangup);
    let draft = whole.clone().trimmed(Duration::from_millis(1_001), Duration::from_millis(3_001));
    let before = picture(dir.path());
    let told = finish(&store, id, Disposition::Message(Box::new(draft.clone()))).await;
    assert_eq!(told, Finished::Message { id, length: Duration::from_secs(2) });
    let sound = |root: &Path| fs::read(wav_at(root, id)).unwrap();
    let bytes = sound(dir.path());
    // 1.001 s are 8,008 samples: eight into the second ramp of 160.
    assert_eq!((bytes.len(), &bytes[44..48]), (BYTES, &[8, 0, 9, 0][..]));
    assert_eq!(u32::from_le_bytes(bytes[40..44].try_into().unwrap()), 32_000);
    assert_eq!(all(&store).await[0].duration_ms, 2_000);
    // A crash between any two of its steps, and each of them twice.
    let sealing = Sealing::new(meta(&envelope(1, "")), 40_000, Some(draft.from + draft.length), Some(draft.clone()), false);
    let part = |root: &Path| seal::part_path(root, id);
    let spoken: Vec<u8> = crate::wav::head(8_000, 1, None).into_iter().chain((0..40_000_i32).flat_map(|n| ((n % 160) as i16).to_le_bytes())).collect();
    let target = |root: &Path| wav_at(root, id);
    type Step<'a> = (&'a str, &'a dyn Fn(&Path));
    let steps: [Step<'_>; 4] = [
        ("sealed", &|_| ()),
        ("half copied", &|root| {
            fs::create_dir_all(target(root).parent().unwrap()).unwrap();
            fs::write(target(root).with_extension("tmp"), [0; 900]).unwrap();
        }),
        ("copied", &|root| {
            sealing.make_safe(root).unwrap();
            fs::write(part(root), &spoken).unwrap();
        }),
        ("moved", &|root| drop(sealing.make_safe(root).unwrap())),
    ];
    for (step, done) in steps {
        let dead = picture(before.path());
        fs::write(part(dead.path()), &spoken).unwrap();
        seal::write_ticket(dead.path(), &sealing.meta, Some(&sealing.sealed)).unwrap();
        done(dead.path());
        for round in 0..2 {
            let store = Store::open(dead.path(), with(None)).await.unwrap();
            assert_eq!(store.recovered().completed.len(), usize::from(round == 0), "{step}");
            assert_eq!((all(&store).await.len(), all(&store).await[0].duration_ms), (1, 2_000), "{step}");
            assert_eq!(sound(dead.path()), bytes, "{step}");
            assert!(spool_is_empty(dead.path()), "{step}");
            store.close().await;
        }
    }
    // A recording that broke off before its first word is all of it.
    let broken = Sealing::new(meta(&envelope(1, "")), 4_000, Some(draft.from + draft.length), Some(draft), true);
    assert_eq!(broken.length(), Duration::from_millis(500));
}
