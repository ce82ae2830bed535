//! Nothing acknowledged is lost or doubled; what cannot be read stops nothing.

use crate::{
    BindingChange, BindingRow, Disposition, Finished, JobFate, LeftOver, MessageQuery, Options, RecordingMeta, RecordingQuery, SpoolFault, Store,
    StoreFault, limits,
    seal::{self, Sealing},
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use terms::{CallId, MessageId, Name, UnixMs};
use voicemail::{Caller, EndCause, Envelope, EventKind, Notify, PinTry, Transcript, Transcription};

pub(super) const START: u64 = 1_700_000_000_000;

pub(super) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// Options whose clock is moved by hand.
pub(super) fn by_hand() -> (Options, Arc<AtomicU64>) {
    let clock = Arc::new(AtomicU64::new(START));
    let hand = clock.clone();
    (Options { clock: Arc::new(move || UnixMs(hand.load(Ordering::SeqCst))), ..small() }, clock)
}

/// Options that run on nearly full disks of test machines too.
fn small() -> Options {
    Options { disk_reserve: 1, ..Options::default() }
}

pub(super) fn envelope(n: u8, url: &str) -> Envelope {
    Envelope {
        id: MessageId::new(START + u64::from(n), [n; 10]),
        realm: name("default"),
        mailbox: name("sales"),
        caller: Caller::new("+15550100", "Ada \"the\" Caller"),
        call: CallId::new(START, [9; 10]),
        dialled: "connection/alice".to_owned(),
        began: UnixMs(START),
        keep: Duration::from_secs(86_400),
        transcribe: true,
        language: Some("en".to_owned()),
        notify: vec![Notify { url: url.to_owned(), events: EventKind::ALL.to_vec() }],
        loudness: true,
    }
}

pub(super) fn meta(envelope: &Envelope) -> RecordingMeta {
    RecordingMeta {
        id: envelope.id,
        realm: envelope.realm.clone(),
        call: envelope.call,
        began: envelope.began,
        rate_hz: 8_000,
        channels: 1,
        notify: None,
        keep: None,
        partial: false,
        length_min: Duration::from_secs(2),
        left_over: LeftOver::Message(Box::new(envelope.clone())),
    }
}

pub(super) fn begin(store: &Store, meta: &RecordingMeta) {
    store.spool().try_begin(meta.clone(), Box::new(|id, fault| panic!("{id}: {fault}"))).unwrap();
}

/// Speaks whole seconds of a ramp.
pub(super) fn speak(store: &Store, id: MessageId, seconds: usize) {
    for _ in 0..seconds * 50 {
        store.spool().try_append(id, (0..160).collect()).unwrap();
    }
}

pub(super) async fn finish(store: &Store, id: MessageId, how: Disposition) -> Finished {
    let (tell, told) = tokio::sync::oneshot::channel();
    let reply = Box::new(move |finished| tell.send(finished).unwrap());
    store.spool().try_finish(id, how, reply).unwrap();
    told.await.unwrap()
}

/// Leaves a message of some seconds and waits until it is acknowledged.
pub(super) async fn leave(store: &Store, envelope: &Envelope, seconds: u64) -> Finished {
    begin(store, &meta(envelope));
    speak(store, envelope.id, usize::try_from(seconds).unwrap());
    let draft = envelope.clone().sealed(Duration::from_secs(seconds), None, EndCause::Hangup);
    finish(store, envelope.id, Disposition::Message(Box::new(draft))).await
}

/// A picture of the folder at this instant: what a power cut or `kill -9` leaves behind.
pub(super) fn picture(of: &Path) -> TempDir {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
            let target = to.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                copy(&entry.path(), &target);
            } else {
                fs::copy(entry.path(), target).unwrap();
            }
        }
    }
    let dir = tempfile::tempdir().unwrap();
    copy(of, dir.path());
    dir
}

pub(super) fn wav_at(root: &Path, id: MessageId) -> PathBuf {
    seal::message_path(root, &name("default"), &name("sales"), id)
}

pub(super) async fn all(store: &Store) -> Vec<voicemail::Message> {
    store.messages(&MessageQuery { limit: 200, ..MessageQuery::default() }).await.unwrap().messages
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_safe_with_its_event_and_its_job_before_it_is_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), small()).await.unwrap();
    let envelope = envelope(1, "http://crm.example/hook");
    let told = leave(&store, &envelope, 3).await;
    assert_eq!(told, Finished::Message { id: envelope.id, length: Duration::from_secs(3) });
    let after = picture(dir.path());
    let again = Store::open(after.path(), small()).await.unwrap();
    assert_eq!(*again.recovered(), crate::Recovered::default());
    let messages = all(&again).await;
    assert_eq!(messages.len(), 1);
    assert_eq!((messages[0].duration_ms, messages[0].partial, messages[0].ended_by), (3_000, false, EndCause::Hangup));
    assert_eq!(messages[0].caller.name, "Ada \"the\" Caller");
    let wav = fs::read(again.audio_path(envelope.id).await.unwrap().unwrap()).unwrap();
    assert_eq!(wav.len(), 44 + 3 * 16_000);
    assert_eq!(u32::from_le_bytes(wav[40..44].try_into().unwrap()), 48_000);
    assert_eq!(&wav[44..48], &[0, 0, 1, 0]);
    let owed = again.owed_after(0).await.unwrap();
    assert_eq!(owed.len(), 1);
    let body: serde_json::Value = serde_json::from_str(&again.delivery_body(owed[0].seq).await.unwrap().unwrap()).unwrap();
    assert_eq!(body["type"], "voicemail.saved");
    assert_eq!(body["data"]["message"]["mailbox"], "sales");
    assert_eq!(body["data"]["message"]["transcription"], "pending");
    let job = again.claim_job().await.unwrap().unwrap();
    assert_eq!((job.message, job.language.as_deref(), job.attempt), (envelope.id, Some("en"), 1));
    assert!(fs::read_dir(after.path().join("spool")).unwrap().next().is_none(), "the ticket went");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_engine_dies_in_mid_message_and_the_part_until_then_is_a_message_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), small()).await.unwrap();
    let (long, short) = (envelope(1, "http://crm.example/hook"), envelope(2, "http://crm.example/hook"));
    begin(&store, &meta(&long));
    begin(&store, &meta(&short));
    speak(&store, short.id, 1);
    speak(&store, long.id, 5);
    // A discarded recording after them shows that the thread has written what came before.
    let last = envelope(3, "");
    begin(&store, &meta(&last));
    assert_eq!(finish(&store, last.id, Disposition::Discard).await, Finished::Discarded);
    let dead = picture(dir.path());
    for round in 0..3 {
        let store = Store::open(dead.path(), small()).await.unwrap();
        let told = store.recovered();
        if round == 0 {
            assert_eq!((told.partial.as_slice(), told.discarded.as_slice()), ([long.id].as_slice(), [short.id].as_slice()));
        } else {
            assert_eq!(*told, crate::Recovered::default());
        }
        let messages = all(&store).await;
        assert_eq!(messages.len(), 1);
        assert_eq!((messages[0].duration_ms, messages[0].partial, messages[0].ended_by), (5_000, true, EndCause::Crash));
        assert_eq!(store.owed_after(0).await.unwrap().len(), 1, "told once");
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_any_two_steps_of_the_end_keeps_the_message_whole_and_single() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), small()).await.unwrap();
    let envelope = envelope(1, "http://crm.example/hook");
    begin(&store, &meta(&envelope));
    speak(&store, envelope.id, 4);
    let last = super::disk::envelope(3, "");
    begin(&store, &meta(&last));
    finish(&store, last.id, Disposition::Discard).await;
    let draft = envelope.clone().sealed(Duration::from_secs(3), None, EndCause::Key);
    let sealing = Sealing::new(meta(&envelope), 32_000, Some(draft.length), Some(draft), false);
    let ticket = |root: &Path| seal::write_ticket(root, &sealing.meta, Some(&sealing.sealed)).unwrap();
    type Step<'a> = (&'a str, &'a dyn Fn(&Path));
    let steps: [Step<'_>; 3] = [
        ("sealed", &ticket),
        ("moved", &|root| drop(sealing.make_safe(root).unwrap())),
        ("moved twice", &|root| {
            sealing.make_safe(root).unwrap();
            sealing.make_safe(root).unwrap();
        }),
    ];
    for (step, done) in steps {
        let dead = picture(dir.path());
        done(dead.path());
        for round in 0..2 {
            let store = Store::open(dead.path(), small()).await.unwrap();
            assert_eq!(store.recovered().completed.len(), usize::from(round == 0), "{step}");
            let messages = all(&store).await;
            assert_eq!(messages.len(), 1, "{step}");
            assert_eq!((messages[0].duration_ms, messages[0].partial), (3_000, false), "{step}");
            assert_eq!(fs::metadata(wav_at(dead.path(), envelope.id)).unwrap().len(), 44 + 48_000, "{step}");
            assert_eq!(store.owed_after(0).await.unwrap().len(), 1, "{step}");
            store.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flipped_bits_in_the_spool_stop_no_start_and_what_is_unreadable_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), small()).await.unwrap();
    let envelope = envelope(1, "http://crm.example/hook");
    begin(&store, &meta(&envelope));
    speak(&store, envelope.id, 3);
    let last = super::disk::envelope(3, "");
    begin(&store, &meta(&last));
    finish(&store, last.id, Disposition::Discard).await;
    let ticket = fs::read(seal::ticket_path(dir.path(), envelope.id)).unwrap();
    let (mut kept, mut named) = (0, 0);
    for at in (0..ticket.len()).step_by(11) {
        let dead = picture(dir.path());
        let mut bad = ticket.clone();
        bad[at] ^= 1 << (at % 8);
        fs::write(seal::ticket_path(dead.path(), envelope.id), bad).unwrap();
        let store = Store::open(dead.path(), small()).await.unwrap();
        let (messages, told) = (all(&store).await.len(), store.recovered().clone());
        let lost = told.quarantined.len() + told.discarded.len();
        assert!(messages == 1 || lost > 0, "bit {at}: neither kept nor named: {told:?}");
        kept += messages;
        named += usize::from(!told.quarantined.is_empty());
    }
    assert!(kept > 0 && named > 0, "{kept} kept, {named} named");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nearly_full_disk_refuses_new_recordings_early() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Options { disk_reserve: u64::MAX, ..Options::default() }).await.unwrap();
    let refused = store.spool().try_begin(meta(&envelope(1, "")), Box::new(|_, _| ()));
    assert_eq!(refused, Err(SpoolFault::DiskFull { reserve: u64::MAX }));
    assert!(!store.room(&name("default"), &name("sales")).await.unwrap().disk_accepts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_that_cannot_be_written_says_so_and_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), small()).await.unwrap();
    let (bad, good) = (envelope(1, ""), envelope(2, ""));
    fs::create_dir(seal::part_path(dir.path(), bad.id)).unwrap();
    let (tell, told) = tokio::sync::oneshot::channel();
    store.spool().try_begin(meta(&bad), Box::new(move |id, fault| tell.send((id, fault)).unwrap())).unwrap();
    let (id, fault) = told.await.unwrap();
    assert_eq!(id, bad.id);
    assert!(matches!(fault, SpoolFault::Disk(_)));
    assert!(matches!(finish(&store, bad.id, Disposition::Discard).await, Finished::Failed(_)));
    assert!(matches!(leave(&store, &good, 2).await, Finished::Message { .. }));
    // Messages being spoken count as room taken.
    begin(&store, &meta(&envelope(4, "")));
    finish(&store, bad.id, Disposition::Discard).await;
    assert_eq!(store.room(&name("default"), &name("sales")).await.unwrap().messages, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_change_of_a_mailbox_is_told_once_whatever_changed() {
    let dir = tempfile::tempdir().unwrap();
    let (options, clock) = by_hand();
    let store = Store::open(dir.path(), options).await.unwrap();
    let sales = (name("default"), name("sales"));
    let waits = |new, old| voicemail::Waiting { new, old };
    let count = async || {
        assert_eq!(store.changed_mailbox().await, sales);
        let other = (name("default"), name("other"));
        store.look_at_mailbox(other.0.clone(), other.1.clone());
        assert_eq!(store.changed_mailbox().await, other, "nothing is told twice, and who asks is told");
        store.waiting(&sales.0, &sales.1).await.unwrap()
    };
    for n in [1, 2] {
        leave(&store, &envelope(n, ""), 2).await;
    }
    assert_eq!(count().await, waits(2, 0), "two changes, told at once");
    assert!(store.mark_heard(envelope(1, "").id, true).await.unwrap());
    assert_eq!(count().await, waits(1, 1));
    assert!(store.delete_message(envelope(1, "").id).await.unwrap());
    assert_eq!(count().await, waits(1, 0));
    clock.fetch_add(2 * 86_400_000, Ordering::SeqCst);
    store.sweep().await.unwrap();
    assert_eq!(count().await, waits(0, 0), "swept away");
    // What changes nothing is not told.
    assert!(!store.delete_message(envelope(1, "").id).await.unwrap());
    store.look_at_mailbox(name("default"), name("other"));
    assert_eq!(store.changed_mailbox().await.1, name("other"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_recording_is_kept_and_swept_when_its_time_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let (options, clock) = by_hand();
    let store = Store::open(dir.path(), options).await.unwrap();
    let envelope = envelope(1, "");
    begin(&store, &RecordingMeta { left_over: LeftOver::File, ..meta(&envelope) });
    speak(&store, envelope.id, 2);
    let told = finish(&store, envelope.id, Disposition::File(Some(Duration::from_secs(1)))).await;
    let Finished::File { path, length } = told else { panic!("{told:?}") };
    assert_eq!((length, fs::metadata(&path).unwrap().len()), (Duration::from_secs(1), 44 + 16_000));
    clock.fetch_add(u64::try_from(limits::RECORDING_KEEP.as_millis()).unwrap(), Ordering::SeqCst);
    assert_eq!(store.sweep().await.unwrap().recordings, 1);
    assert!(!path.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_recorded_in_stereo_is_told_of_listed_and_kept_through_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let (options, _) = by_hand();
    let store = Store::open(dir.path(), options.clone()).await.unwrap();
    let (whole, cut) = (envelope(1, ""), envelope(2, ""));
    let of_call = |envelope: &Envelope| RecordingMeta {
        channels: 2,
        notify: Some("http://crm.example/hook".to_owned()),
        left_over: LeftOver::File,
        ..meta(envelope)
    };
    begin(&store, &of_call(&whole));
    speak(&store, whole.id, 4);
    let Finished::File { path, length } = finish(&store, whole.id, Disposition::File(None)).await else { panic!() };
    assert_eq!(length, Duration::from_secs(2), "4 s of samples are 2 s of two channels");
    assert_eq!(fs::read(&path).unwrap()[22], 2);
    begin(&store, &of_call(&cut));
    speak(&store, cut.id, 6);
    store.close().await;

    let store = Store::open(dir.path(), options).await.unwrap();
    assert_eq!(store.recovered().partial, [cut.id]);
    let page = store.recordings(&RecordingQuery::default()).await.unwrap();
    let told: Vec<_> = page.recordings.iter().map(|r| (r.id, r.channels, r.duration_ms, r.partial)).collect();
    assert_eq!(told, [(cut.id, 2, 3_000, true), (whole.id, 2, 2_000, false)]);
    assert_eq!(store.outbox_counts().await.unwrap().waiting, 2, "one `recording.saved` each");
    assert!(store.recording_path(whole.id).await.unwrap().is_some_and(|found| found.ends_with(format!("{}.wav", whole.id))));
    let opus = path.with_extension("opus");
    std::fs::rename(&path, &opus).unwrap();
    assert_eq!(store.recording_path(whole.id).await.unwrap().as_ref(), Some(&opus), "encoded since");
    assert!(store.delete_recording(whole.id).await.unwrap() && !store.delete_recording(whole.id).await.unwrap());
    assert!(!opus.exists() && !path.with_extension("json").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a10_wrong_pins_count_over_calls_and_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let (options, clock) = by_hand();
    let (realm, sales, other) = (name("default"), name("sales"), name("other"));
    let store = Store::open(dir.path(), options.clone()).await.unwrap();
    for _ in 0..6 {
        assert_eq!(store.pin_attempt(&realm, &sales).await.unwrap(), PinTry::Allowed);
    }
    store.close().await;
    let store = Store::open(dir.path(), options).await.unwrap();
    let mut many = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (store, realm, sales) = (store.clone(), realm.clone(), sales.clone());
        many.spawn(async move { store.pin_attempt(&realm, &sales).await.unwrap() });
    }
    let allowed = many.join_all().await.into_iter().filter(|answer| *answer == PinTry::Allowed).count();
    assert_eq!(allowed, 4, "ten in all, however many ask at once");
    assert_eq!(store.pin_attempt(&realm, &other).await.unwrap(), PinTry::Allowed, "another mailbox is not locked");
    clock.fetch_add(15 * 60_000, Ordering::SeqCst);
    assert_eq!(store.pin_attempt(&realm, &sales).await.unwrap(), PinTry::Allowed, "the first lock is over");
    store.pin_right(&realm, &sales).await.unwrap();
    for _ in 0..9 {
        assert_eq!(store.pin_attempt(&realm, &sales).await.unwrap(), PinTry::Allowed, "a right one forgets all");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transcripts_failures_and_deletions_are_told_in_order_and_jobs_outlive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (options, clock) = by_hand();
    let store = Store::open(dir.path(), options.clone()).await.unwrap();
    let (good, bad) = (envelope(1, "http://crm.example/hook"), envelope(2, "http://crm.example/hook"));
    leave(&store, &good, 2).await;
    leave(&store, &bad, 2).await;
    let job = store.claim_job().await.unwrap().unwrap();
    assert_eq!(job.message, good.id);
    let words = Transcript { text: "call me back".into(), language: "en".into(), model: "tiny.en".into(), took_ms: 800 };
    assert!(store.set_transcript(good.id, words.clone()).await.unwrap());
    assert!(!store.set_transcript(good.id, words.clone()).await.unwrap(), "told once");
    store.claim_job().await.unwrap().unwrap();
    store.close().await;
    let store = Store::open(dir.path(), options).await.unwrap();
    let mut attempt = 1;
    loop {
        attempt += 1;
        let job = store.claim_job().await.unwrap().unwrap();
        assert_eq!((job.message, job.attempt), (bad.id, attempt));
        assert_eq!(store.claim_job().await.unwrap(), None, "a claimed job is nobody else's");
        match store.fail_job(&job, "engine is down", true).await.unwrap() {
            JobFate::Again { at } => {
                assert_eq!(store.claim_job().await.unwrap(), None, "not before its time");
                clock.store(at.0, Ordering::SeqCst);
            }
            fate @ (JobFate::GivenUp | JobFate::NoSuchJob) => {
                break assert_eq!((fate, attempt), (JobFate::GivenUp, limits::JOB_TRIES_MAX));
            }
        }
    }
    assert_eq!(store.message(good.id).await.unwrap().unwrap().transcript, Some(words));
    assert_eq!(store.message(bad.id).await.unwrap().unwrap().transcription, Transcription::Failed);
    let file = store.audio_path(good.id).await.unwrap().unwrap();
    assert!(store.delete_message(good.id).await.unwrap());
    assert!(!store.delete_message(good.id).await.unwrap());
    assert!(!file.exists() && !file.with_extension("json").exists());
    assert_eq!(store.audio_path(good.id).await.unwrap(), None);
    clock.fetch_add(2 * 86_400_000, Ordering::SeqCst);
    assert_eq!(store.sweep().await.unwrap().messages, 1);
    let mut told = Vec::new();
    for owed in store.owed_after(0).await.unwrap() {
        let body: serde_json::Value = serde_json::from_str(&store.delivery_body(owed.seq).await.unwrap().unwrap()).unwrap();
        told.push(body["type"].as_str().unwrap().trim_start_matches("voicemail.").to_owned());
    }
    assert_eq!(told, ["saved", "saved", "transcribed", "transcription_failed", "deleted", "deleted"]);
}

fn binding(n: u32) -> BindingRow {
    BindingRow {
        realm: name("default"),
        connection: name(&format!("user{}", n / 2)),
        contact: format!("sip:user@192.0.2.1:{n}"),
        transport: "udp".to_owned(),
        source: "192.0.2.1:5060".to_owned(),
        local: "192.0.2.9:5060".to_owned(),
        path: vec!["<sip:edge;lr>".to_owned()],
        call_id: format!("call-{n}"),
        cseq: n,
        user_agent: Some("phone".to_owned()),
        instance: None,
        q_thousandths: 1_000,
        registered_at: UnixMs(START),
        expires_at: UnixMs(START + 60_000 + u64::from(n)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bindings_are_written_together_and_are_all_back_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), small()).await.unwrap();
    let mut writing = tokio::task::JoinSet::new();
    for n in 0..2_000 {
        let store = store.clone();
        writing.spawn(async move { store.write_bindings(vec![BindingChange::Put(binding(n))]).await });
    }
    while let Some(written) = writing.join_next().await {
        written.unwrap().unwrap();
    }
    assert!(store.commits() < 1_000, "{} transactions for 2,000 writes", store.commits());
    let gone = |n| binding(n).contact;
    let (realm, connection) = (name("default"), name("user0"));
    store
        .write_bindings(vec![
            BindingChange::Put(BindingRow { cseq: 77, ..binding(2) }),
            BindingChange::Remove { realm: realm.clone(), connection: name("user2"), contact: gone(4) },
            BindingChange::RemoveAll { realm, connection },
        ])
        .await
        .unwrap();
    let dead = picture(dir.path());
    let store = Store::open(dead.path(), small()).await.unwrap();
    let rows = store.load_bindings(UnixMs(START)).await.unwrap();
    assert_eq!(rows.len(), 1_997);
    assert!(rows.contains(&BindingRow { cseq: 77, ..binding(2) }));
    assert!(rows.contains(&binding(1_999)));
    assert_eq!(store.load_bindings(UnixMs(START + 61_000)).await.unwrap().len(), 999, "those that are over stay away");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_engine_a_folder_and_no_link_leads_out_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), small()).await.unwrap();
    assert!(matches!(Store::open(dir.path(), small()).await, Err(StoreFault::InUse(_))));
    let envelope = envelope(1, "");
    leave(&store, &envelope, 2).await;
    let wav = wav_at(dir.path(), envelope.id);
    fs::remove_file(&wav).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &wav).unwrap();
    assert_eq!(store.audio_path(envelope.id).await.unwrap(), None);
}

#[tokio::test]
async fn versions_of_flows_are_kept_found_and_thinned_out() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Options { disk_reserve: 1, ..Options::default() }).await.unwrap();
    assert_eq!((store.last_flow_load().await.unwrap(), store.flow_versions().await.unwrap()), (None, vec![]));
    let load = |at: u64, hash: &str, by: &str, instead_of: Option<&str>| crate::FlowLoad {
        at: UnixMs(at),
        hash: hash.to_owned(),
        by: by.to_owned(),
        instead_of: instead_of.map(str::to_owned),
    };
    store.keep_flows(load(1, "aa11", "start", None), "one".into()).await.unwrap();
    store.keep_flows(load(2, "aa22", "a file change", None), "twó".into()).await.unwrap();
    store.keep_flows(load(3, "aa11", "a roll-back by the API", Some("aa22")), "one".into()).await.unwrap();
    let told: Vec<(String, u64, u64, u64, u64)> =
        store.flow_versions().await.unwrap().into_iter().map(|v| (v.hash, v.first_loaded.0, v.loaded.0, v.loads, v.bytes)).collect();
    assert_eq!(told, [("aa11".into(), 1, 3, 2, 3), ("aa22".into(), 2, 2, 1, 4)]);
    assert_eq!(store.last_flow_load().await.unwrap().and_then(|load| load.instead_of).as_deref(), Some("aa22"));
    let found = store.find_flow_version("AA2").await.unwrap();
    assert_eq!(found.iter().map(|v| (v.hash.as_str(), v.texts.as_str(), v.loads.len())).collect::<Vec<_>>(), [("aa22", "twó", 1)]);
    assert_eq!(store.find_flow_version("aa").await.unwrap().len(), 2, "more must be said");
    for nothing in ["", "b", "aa1%", "a_11", "'"] {
        assert_eq!(store.find_flow_version(nothing).await.unwrap(), [], "{nothing}");
    }
    for number in 0..220_u64 {
        store.keep_flows(load(10 + number, &format!("b{number:03x}"), "a file change", None), "more".into()).await.unwrap();
    }
    let kept = store.flow_versions().await.unwrap();
    assert_eq!((kept.len(), kept[0].hash.as_str(), kept[199].hash.as_str()), (200, "b0db", "b014"));
    assert_eq!(store.find_flow_version("aa11").await.unwrap(), [], "the longest unused are gone");
    let mut archive = crate::FlowArchive::open(dir.path()).await.unwrap();
    assert_eq!(archive.versions().await.unwrap(), kept, "read beside a store that is open");
    assert_eq!(archive.last().await.unwrap().map(|load| load.hash).as_deref(), Some("b0db"));
    archive.close().await;
    store.close().await;
    assert!(crate::FlowArchive::open(&dir.path().join("nowhere")).await.is_err());
}
