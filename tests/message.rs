//! A message left by a phone is kept, told of, transcribed by the real model, and told of again with its words.

use crate::peers::endpoint::Endpoint;
use crate::peers::exchange::{Exchange, House, must, s};
use crate::peers::process::wait_for;
use crate::peers::speech;
use phone::{Manners, Step, level_dbfs, read_wav};
use std::time::Duration;

/// How long the real Whisper model may take for seven seconds on a busy machine.
const TRANSCRIBED_WITHIN: Duration = Duration::from_secs(120);

#[test]
fn a_spoken_message_arrives_at_the_webhook_with_its_words() {
    let endpoint = Endpoint::start();
    let mut exchange = Exchange::start(&House { webhook: Some(endpoint.url()), ..House::default() });
    let said = speech::sentence();
    let sound = read_wav(&said.file).unwrap();
    let length_ms = u64::try_from(sound.length().as_millis()).unwrap();
    let alice = exchange.device("alice", Manners::Ring);
    must(&alice, Step::Dial(exchange.uri("reception")));
    must(&alice, Step::WaitAnswered { within: s(10) });
    must(&alice, Step::WaitTone { hz: Some(500.0), within: s(5) });
    must(&alice, Step::Press("2".into()));
    must(&alice, Step::WaitTone { hz: Some(640.0), within: s(5) });
    must(&alice, Step::WaitCue { silence: s(1), within: s(10) });
    must(&alice, Step::Speak(sound));
    must(&alice, Step::Press("#".into()));
    must(&alice, Step::WaitTone { hz: Some(820.0), within: s(10) });
    must(&alice, Step::WaitHangUp { within: s(10) });

    let saved = endpoint.expect("voicemail.saved", s(20), |d| d.kind() == "voicemail.saved");
    let message = &saved.payload["data"]["message"];
    assert_eq!((message["mailbox"].as_str(), message["partial"].as_bool()), (Some("box"), Some(false)), "{message:#}");
    let kept_ms = message["duration_ms"].as_u64().unwrap_or(0);
    assert!((length_ms - 300..length_ms + 1_500).contains(&kept_ms), "spoke {length_ms} ms, {kept_ms} ms were kept");

    let done = endpoint.expect("a transcript", TRANSCRIBED_WITHIN, |d| d.kind().starts_with("voicemail.transcri"));
    assert_eq!(done.kind(), "voicemail.transcribed", "{:#}", done.payload);
    let message = &done.payload["data"]["message"];
    let text = message["transcript"]["text"].as_str().unwrap_or("");
    let share = speech::share_heard(said.words, text);
    assert!(share >= 0.75, "only {share:.2} of the words came through: {text:?}");
    assert_ne!(saved.id, done.id);

    let id = message["id"].as_str().unwrap_or("");
    let listed = exchange.messages();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["id"], id);
    let (status, audio) = exchange.request("GET", &format!("/v1/messages/{id}/audio"));
    assert_eq!(status, 200);
    let file = exchange.folder().path().join("fetched.wav");
    std::fs::write(&file, audio).unwrap();
    let fetched = read_wav(&file).unwrap();
    assert!(level_dbfs(fetched.samples()) > -40.0, "the message is silent");
    exchange.must_be_quiet();
}

#[test]
fn a_message_is_kept_when_the_caller_just_hangs_up() {
    let endpoint = Endpoint::start();
    let mut exchange = Exchange::start(&House { webhook: Some(endpoint.url()), ..House::default() });
    let alice = exchange.device("alice", Manners::Ring);
    leave(&exchange, &alice, phone::Sound::tone(300.0, -12.0, s(4)));
    must(&alice, Step::HangUp);
    let saved = endpoint.expect("voicemail.saved", s(20), |d| d.kind() == "voicemail.saved");
    assert!(saved.payload["data"]["message"]["duration_ms"].as_u64().unwrap_or(0) >= 3_000, "{:#}", saved.payload);
    exchange.must_be_quiet();
}

#[test]
fn a_quiet_message_becomes_as_loud_as_the_prompts_and_is_kept_from_the_first_word_to_the_last() {
    let mut exchange = Exchange::start(&House::default());
    let alice = exchange.device("alice", Manners::Ring);
    // Somebody far from the telephone: 20 dB quieter than the others.
    let said = read_wav(&speech::sentence().file).unwrap();
    let quiet: Vec<i16> = said.samples().iter().map(|sample| sample / 10).collect();
    let (before, spoke_ms) = (level_dbfs(&quiet), u64::try_from(said.length().as_millis()).unwrap());
    assert!(before < -36.0, "{before} dBFS");
    leave(&exchange, &alice, phone::Sound::from_samples(quiet));
    must(&alice, Step::Wait(s(2)));
    must(&alice, Step::Press("#".into()));
    must(&alice, Step::WaitTone { hz: Some(820.0), within: s(10) });
    let listed = exchange.messages();
    let (id, kept_ms) = (listed[0]["id"].as_str().unwrap_or("").to_owned(), listed[0]["duration_ms"].as_u64().unwrap_or(0));
    assert!((spoke_ms - 500..spoke_ms + 700).contains(&kept_ms), "spoke {spoke_ms} ms, {kept_ms} ms were kept: the two seconds of silence are no part of it");
    // It is safe, and given to who asks, before it is polished; then it has the loudness of prompts, -23 LUFS.
    let file = exchange.folder().path().join("fetched.wav");
    let level = wait_for("a louder message", s(20), || {
        let (status, audio) = exchange.request("GET", &format!("/v1/messages/{id}/audio"));
        assert_eq!(status, 200);
        std::fs::write(&file, audio).unwrap();
        let fetched = read_wav(&file).unwrap();
        assert!(fetched.length().as_millis().abs_diff(u128::from(kept_ms)) <= 20, "it is as long as the list says, always");
        Some(level_dbfs(fetched.samples())).filter(|level| *level > -30.0)
    });
    assert!(level < -16.0, "{level} dBFS");
    exchange.must_be_quiet();
}

#[test]
fn a_caller_whose_language_no_voice_speaks_hears_english() {
    let flow = "flow: gruss\nspeech: { language: de }\nstart: box\nstates:\n  box: { voicemail: { mailbox: box }, then: { else: end } }\n";
    let mut exchange = Exchange::start_with(&House::default(), &[("flows/gruss.yaml", flow)]);
    let alice = exchange.device("alice", Manners::Ring);
    must(&alice, Step::Dial(exchange.uri("gruss")));
    must(&alice, Step::WaitAnswered { within: s(10) });
    must(&alice, Step::WaitSpeech { heard: s(1), within: s(10) });
    must(&alice, Step::HangUp);
    let record = exchange.records_text(1);
    assert!(record.contains("a text is said in English: no voice has these words"), "{record}");
    assert!(!record.contains("an apology stands in"), "{record}");
    exchange.must_be_quiet();
}

/// Calls the reception and speaks a message until the last word.
#[track_caller]
pub(crate) fn leave(exchange: &Exchange, phone: &phone::Handset, sound: phone::Sound) {
    must(phone, Step::Dial(exchange.uri("reception")));
    must(phone, Step::WaitAnswered { within: s(10) });
    must(phone, Step::WaitTone { hz: Some(500.0), within: s(5) });
    must(phone, Step::Press("2".into()));
    must(phone, Step::WaitTone { hz: Some(640.0), within: s(5) });
    must(phone, Step::WaitCue { silence: s(1), within: s(10) });
    must(phone, Step::Speak(sound));
}
