//! The database is lost: deleted, or not to be read. What lies in the folders is there again, and what is owed for it is delivered.

use super::disk::{all, begin, by_hand, envelope, finish, leave, meta, name, picture, speak, wav_at};
use crate::{
    Disposition, Finished, LeftOver, Options, Recovered, RecordingMeta, RecordingQuery, Store,
    database::FILE,
    seal::{self, Sealing},
};
use std::{fs, path::Path, sync::Arc, time::Duration};
use tempfile::TempDir;
use voicemail::{EndCause, Envelope, Transcription};

const HOOK: &str = "http://crm.example/hook";

type Loss = fn(&Path);

/// The ways in which a database is lost.
const LOSSES: [(&str, Loss); 2] = [
    ("deleted", |root| {
        for part in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(root.join(format!("{FILE}{part}")));
        }
    }),
    ("corrupt", |root| {
        for part in ["-wal", "-shm"] {
            let _ = fs::remove_file(root.join(format!("{FILE}{part}")));
        }
        fs::write(root.join(FILE), vec![0x5a; 20_000]).unwrap();
    }),
];

fn options() -> Options {
    by_hand().0
}

/// A folder in which four seconds of a message lie in the spool, unfinished.
async fn spoken(envelope: &Envelope) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options()).await.unwrap();
    begin(&store, &meta(envelope));
    speak(&store, envelope.id, 4);
    // A discarded recording after it shows that the thread has written what came before.
    let last = super::disk::envelope(3, "");
    begin(&store, &meta(&last));
    finish(&store, last.id, Disposition::Discard).await;
    let dead = picture(dir.path());
    store.close().await;
    dead
}

/// What is owed: events and their endpoints.
async fn owed(store: &Store) -> Vec<(String, String)> {
    let mut told = Vec::new();
    for owed in store.owed_after(0).await.unwrap() {
        let body: serde_json::Value = serde_json::from_str(&store.delivery_body(owed.seq).await.unwrap().unwrap()).unwrap();
        told.push((body["type"].as_str().unwrap().to_owned(), owed.url));
    }
    told
}

fn event(kind: &str) -> (String, String) {
    (kind.to_owned(), HOOK.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_whose_ticket_lies_in_the_spool_is_told_of_though_the_database_is_lost() {
    let envelope = envelope(1, HOOK);
    let dead = spoken(&envelope).await;
    let draft = envelope.clone().sealed(Duration::from_secs(3), None, EndCause::Key);
    let sealing = Sealing::new(meta(&envelope), 32_000, Some(draft.length), Some(draft), false);
    type Step<'a> = (&'a str, bool, &'a dyn Fn(&Path));
    let steps: [Step<'_>; 3] = [
        ("spoken", false, &|_| ()),
        ("sealed", true, &|root| seal::write_ticket(root, &sealing.meta, Some(&sealing.sealed)).unwrap()),
        ("moved", true, &|root| drop(sealing.make_safe(root).unwrap())),
    ];
    for (step, whole, done) in steps {
        for (loss, lose) in LOSSES {
            let dead = picture(dead.path());
            done(dead.path());
            lose(dead.path());
            for round in 0..2 {
                let store = Store::open(dead.path(), options()).await.unwrap();
                let (told, first) = (store.recovered(), round == 0);
                assert_eq!((told.completed.len(), told.partial.len()), (usize::from(first && whole), usize::from(first && !whole)), "{step}, {loss}");
                let messages = all(&store).await;
                assert_eq!(messages.len(), 1, "{step}, {loss}");
                assert_eq!((messages[0].duration_ms, messages[0].partial), if whole { (3_000, false) } else { (4_000, true) }, "{step}, {loss}");
                assert_eq!(messages[0].transcription, Transcription::Pending, "{step}, {loss}");
                assert_eq!(owed(&store).await, [event("voicemail.saved")], "{step}, {loss}");
                if first {
                    assert_eq!(store.claim_job().await.unwrap().map(|job| job.message), Some(envelope.id), "{step}, {loss}");
                }
                store.close().await;
            }
        }
    }
}

/// A message is acknowledged and waits for its polish, so that its ticket is still there: nothing but the database knew that its webhook
/// is owed, so it is owed again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_acknowledged_just_before_the_loss_is_told_of() {
    let dir = tempfile::tempdir().unwrap();
    let (go, wait) = std::sync::mpsc::sync_channel::<()>(1);
    let wait = std::sync::Mutex::new(wait);
    let polish: crate::Polish = Arc::new(move |_| {
        wait.lock().unwrap().recv().unwrap();
        Ok(None)
    });
    let store = Store::open(dir.path(), Options { polish: Some(polish), ..options() }).await.unwrap();
    assert!(matches!(leave(&store, &envelope(1, HOOK), 2).await, Finished::Message { .. }));
    let dead = picture(dir.path());
    go.send(()).unwrap();
    store.close().await;
    let (_, delete) = LOSSES[0];
    delete(dead.path());
    let store = Store::open(dead.path(), options()).await.unwrap();
    assert_eq!((all(&store).await.len(), owed(&store).await), (1, vec![event("voicemail.saved")]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_told_long_ago_comes_back_untold_and_what_happens_to_it_then_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options()).await.unwrap();
    let envelope = envelope(1, HOOK);
    leave(&store, &envelope, 3).await;
    store.close().await;
    for (loss, lose) in LOSSES {
        let after = picture(dir.path());
        lose(after.path());
        let store = Store::open(after.path(), options()).await.unwrap();
        assert_eq!(store.recovered().quarantined.len(), usize::from(loss == "corrupt"), "the unreadable one is set aside");
        let messages = all(&store).await;
        assert_eq!((messages.len(), messages[0].id, messages[0].duration_ms), (1, envelope.id, 3_000), "{loss}");
        assert_eq!(messages[0].transcription, Transcription::Off, "{loss}");
        assert!(store.claim_job().await.unwrap().is_none(), "{loss}");
        assert_eq!(owed(&store).await, [], "{loss}: nobody is told again");
        assert!(store.delete_message(envelope.id).await.unwrap());
        assert_eq!(owed(&store).await, [event("voicemail.deleted")], "{loss}");
        assert!(!wav_at(after.path(), envelope.id).exists());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_dies_while_it_makes_the_rows_again_is_made_up_for_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options()).await.unwrap();
    for n in 1..=3 {
        leave(&store, &envelope(n, HOOK), 2).await;
    }
    store.close().await;
    for (loss, lose) in LOSSES {
        let after = picture(dir.path());
        lose(after.path());
        // The first start gets as far as a new database.
        let opened = crate::database::open(after.path(), &mut Recovered::default()).await.unwrap();
        assert!(opened.is_new, "{loss}");
        opened.readers.close().await;
        drop(opened.writer);
        for round in 0..2 {
            let store = Store::open(after.path(), options()).await.unwrap();
            assert_eq!(all(&store).await.len(), 3, "{loss}, round {round}");
            store.close().await;
        }
        assert!(!crate::database::open(after.path(), &mut Recovered::default()).await.unwrap().is_new, "{loss}: it is whole now");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recordings_come_back_with_their_lengths_and_are_swept_in_their_time() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options()).await.unwrap();
    let of_call = |n| RecordingMeta { channels: 2, notify: Some(HOOK.to_owned()), left_over: LeftOver::File, ..meta(&envelope(n, "")) };
    for n in [1, 2, 3] {
        begin(&store, &of_call(n));
        speak(&store, of_call(n).id, 4);
        assert!(matches!(finish(&store, of_call(n).id, Disposition::File(None)).await, Finished::File { .. }));
    }
    store.close().await;
    let path = |n| seal::recording_path(dir.path(), &name("default"), of_call(n).id);
    fs::write(path(2).with_extension("json"), "{").unwrap();
    fs::remove_file(path(3)).unwrap();
    let opus = [b"OggS".as_slice(), &[0; 24], b"OpusHead\x01\x02", &312_u16.to_le_bytes(), b"OggS\0\0", &72_312_u64.to_le_bytes()].concat();
    fs::write(path(3).with_extension("opus"), opus).unwrap();
    let (_, delete) = LOSSES[0];
    delete(dir.path());
    let (options, clock) = by_hand();
    let store = Store::open(dir.path(), options).await.unwrap();
    let page = store.recordings(&RecordingQuery::default()).await.unwrap();
    let told: Vec<_> = page.recordings.iter().map(|r| (r.id, r.channels, r.duration_ms)).collect();
    assert_eq!(told, [(of_call(3).id, 2, 1_500), (of_call(1).id, 2, 2_000)]);
    assert_eq!(store.recovered().quarantined.len(), 1, "the one whose description cannot be read");
    assert_eq!(store.outbox_counts().await.unwrap().waiting, 0, "nobody is told again");
    clock.fetch_add(u64::try_from(crate::limits::RECORDING_KEEP.as_millis()).unwrap(), std::sync::atomic::Ordering::SeqCst);
    assert_eq!(store.sweep().await.unwrap().recordings, 2);
    assert!(!path(1).exists() && !path(3).with_extension("opus").exists());
}
