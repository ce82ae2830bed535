//! Stories of offers and answers: real phones' descriptions, holds, re-offers, refusals and nonsense.

use super::*;
use crate::Capabilities;
use proptest::prelude::*;
use terms::{Codec, Codecs};

const BARESIP: &str = "v=0\r\no=- 3822 1 IN IP4 10.0.0.7\r\ns=-\r\nc=IN IP4 10.0.0.7\r\nt=0 0\r\na=tool:baresip 1.0.0\r\nm=audio 20482 RTP/AVP 0 8 101\r\nb=AS:125\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=rtcp:20483\r\na=sendrecv\r\na=label:1\r\na=rtcp-rsize\r\na=ssrc:1 cname:sip:a@b\r\na=ptime:20\r\n";
const LINPHONE: &str = "v=0\r\no=toto 1 2 IN IP4 192.168.0.3\r\ns=Talk\r\nc=IN IP4 192.168.0.3\r\nt=0 0\r\na=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics\r\nm=audio 7078 RTP/AVPF 96 97 8 0 101 99\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\na=rtpmap:97 speex/16000\r\na=rtpmap:101 telephone-event/48000\r\na=rtpmap:99 telephone-event/8000\r\na=rtcp-fb:* trr-int 5000\r\nm=video 9078 RTP/AVPF 96\r\na=rtpmap:96 VP8/90000\r\n";
const PJSIP: &str = "v=0\r\no=- 3900 3900 IN IP4 198.51.100.4\r\ns=pjmedia\r\nb=AS:84\r\nt=0 0\r\na=X-nat:0\r\nm=audio 4000 RTP/AVP 9 0 8 120\r\nc=IN IP4 198.51.100.4\r\nb=TIAS:64000\r\na=rtcp:4005 IN IP4 198.51.100.5\r\na=sendrecv\r\na=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:120 telephone-event/8000\r\na=fmtp:120 0-16\r\na=ssrc:12 cname:x\r\n";
const SIPP: &str = "v=0\no=user1 53655765 2353687637 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 6000 RTP/AVP 0\na=rtpmap:0 PCMU/8000\n";
const CHROME: &str = "v=0\r\no=- 46117 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 110 126\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:x\r\na=ice-pwd:y\r\na=fingerprint:sha-256 AA\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:126 telephone-event/8000\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\n";
const SAVP_AND_AVP: &str = "v=0\r\no=- 1 1 IN IP4 10.0.0.7\r\ns=-\r\nc=IN IP4 10.0.0.7\r\nt=0 0\r\nm=audio 5000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\nm=audio 5002 RTP/AVP 8\r\nm=image 5004 udptl t38\r\n";
const IPV6: &str = "v=0\r\no=- 1 1 IN IP6 2001:db8::7\r\ns=-\r\nc=IN IP6 2001:db8::7\r\nt=0 0\r\nm=audio 5000 RTP/AVP 0\r\n";

fn local() -> Local {
    Local { media: "192.0.2.1:30000".parse().unwrap(), capabilities: Capabilities::default(), keys: [MasterKey::new([1; 30]), MasterKey::new([2; 30])] }
}

/// Answers an offer with everything we have; tells codec/number → remote rtp, rtcp, events, direction, ptime.
fn answered(offer: &str) -> String {
    match Negotiation::new(5).answer(offer.as_bytes(), &local(), Direction::SendRecv) {
        Ok((_, agreement)) => told(&agreement),
        Err(refusal) => format!("{} {refusal}", refusal.status()),
    }
}

fn told(a: &Agreement) -> String {
    let events = a.events.map_or("-".to_owned(), |events| match events.clock_rate {
        8_000 => events.payload_type.to_string(),
        clock_rate => format!("{}/{clock_rate}", events.payload_type),
    });
    let more = format!("{}{}", if a.rtcp_mux { " mux" } else { "" }, if a.on_hold_by_remote { " held" } else { "" });
    format!("{}/{} {} {} {events} {} {}ms{more}", a.send.codec, a.send.payload_type, a.remote, a.remote_rtcp.port(), a.direction, a.ptime_ms)
}

#[test]
fn offers_of_real_phones() {
    let cases = [
        ("baresip", BARESIP, "PCMU/0 10.0.0.7:20482 20483 101 sendrecv 20ms"),
        ("linphone", LINPHONE, "opus/96 192.168.0.3:7078 7079 101/48000 sendrecv 20ms"),
        ("pjsip", PJSIP, "G722/9 198.51.100.4:4000 4005 120 sendrecv 20ms"),
        ("sipp", SIPP, "PCMU/0 127.0.0.1:6000 6001 - sendrecv 20ms"),
        ("chrome, DTLS only", CHROME, "488 no acceptable audio: no audio over RTP"),
        ("savp first, avp second", SAVP_AND_AVP, "PCMA/8 10.0.0.7:5002 5003 - sendrecv 20ms"),
        ("another family", IPV6, "488 no acceptable audio: connection address of another family"),
    ];
    for (who, offer, expected) in cases {
        assert_eq!(answered(offer), expected, "{who}");
    }
}

/// A plain offer with lines changed.
fn offer(c: &str, m: &str, more: &str) -> String {
    format!("v=0\r\no=- 1 1 IN IP4 10.0.0.7\r\ns=-\r\n{c}t=0 0\r\n{m}\r\n{more}")
}

#[test]
fn p2_what_an_offer_may_say() {
    let c = "c=IN IP4 10.0.0.7\r\n";
    let m = "m=audio 5000 RTP/AVP 0";
    let cases = [
        ("dynamic number for a static codec", offer(c, "m=audio 5000 RTP/AVP 98 101", "a=rtpmap:98 pcmu/8000/1\r\n"), "PCMU/98 10.0.0.7:5000 5001 - sendrecv 20ms"),
        ("static number renamed", offer(c, "m=audio 5000 RTP/AVP 0 8", "a=rtpmap:0 L16/44100\r\n"), "PCMA/8 10.0.0.7:5000 5001 - sendrecv 20ms"),
        ("hold", offer(c, m, "a=sendonly\r\n"), "PCMU/0 10.0.0.7:5000 5001 - recvonly 20ms held"),
        ("session-level inactive", offer(&format!("{c}a=inactive\r\n"), m, ""), "PCMU/0 10.0.0.7:5000 5001 - inactive 20ms held"),
        ("media over session direction", offer(&format!("{c}a=inactive\r\n"), m, "a=sendrecv\r\n"), "PCMU/0 10.0.0.7:5000 5001 - sendrecv 20ms"),
        ("old hold", offer("c=IN IP4 0.0.0.0\r\n", m, ""), "PCMU/0 0.0.0.0:5000 5001 - recvonly 20ms held"),
        ("listens only", offer(c, m, "a=recvonly\r\n"), "PCMU/0 10.0.0.7:5000 5001 - sendonly 20ms"),
        ("media-level c=", offer(c, m, "c=IN IP4 10.0.0.9\r\n"), "PCMU/0 10.0.0.9:5000 5001 - sendrecv 20ms"),
        ("mux", offer(c, m, "a=rtcp-mux\r\na=rtcp:9\r\n"), "PCMU/0 10.0.0.7:5000 5000 - sendrecv 20ms mux"),
        ("ptime", offer(c, m, "a=ptime:30\r\n"), "PCMU/0 10.0.0.7:5000 5001 - sendrecv 30ms"),
        ("maxptime", offer(c, m, "a=ptime:60\r\na=maxptime:40\r\n"), "PCMU/0 10.0.0.7:5000 5001 - sendrecv 40ms"),
        ("silly ptime", offer(c, m, "a=ptime:0\r\na=maxptime:5000\r\n"), "PCMU/0 10.0.0.7:5000 5001 - sendrecv 20ms"),
        ("huge ptime", offer(c, m, "a=ptime:2000\r\n"), "PCMU/0 10.0.0.7:5000 5001 - sendrecv 60ms"),
        ("last port", offer(c, "m=audio 65535 RTP/AVP 0", ""), "PCMU/0 10.0.0.7:65535 65535 - sendrecv 20ms"),
        ("host name", offer("c=IN IP4 phone.example\r\n", m, ""), "488 no acceptable audio: connection address is not an IP address"),
        ("multicast", offer("c=IN IP4 224.2.1.1/127\r\n", m, ""), "488 no acceptable audio: connection address is a group"),
        ("no c=", offer("", m, ""), "400 malformed session description: no connection address (c=)"),
        ("no common codec", offer(c, "m=audio 5000 RTP/AVP 18 4", ""), "488 no acceptable audio: no common codec: it lists 18, 4; with this peer we speak PCMU, PCMA, G722, opus, GSM"),
        ("gsm", offer(c, "m=audio 5000 RTP/AVP 18 3", ""), "GSM/3 10.0.0.7:5000 5001 - sendrecv 20ms"),
        ("gsm is taken last, whatever the phone says", offer(c, "m=audio 5000 RTP/AVP 3 9 0", ""), "G722/9 10.0.0.7:5000 5001 - sendrecv 20ms"),
        ("opus and events of the wrong clock", offer(c, "m=audio 5000 RTP/AVP 111 110", "a=rtpmap:111 OPUS/48000/2\r\na=fmtp:111 stereo=1; sprop-stereo=1; maxplaybackrate=48000;usedtx=1\r\na=rtpmap:110 telephone-event/8000\r\n"), "opus/111 10.0.0.7:5000 5001 110 sendrecv 20ms"),
        ("opus as a careless phone writes it", offer(c, "m=audio 5000 RTP/AVP 107", "a=rtpmap:107 opus/48000\r\n"), "opus/107 10.0.0.7:5000 5001 - sendrecv 20ms"),
        ("opus of another clock is none", offer(c, "m=audio 5000 RTP/AVP 107", "a=rtpmap:107 opus/16000/2\r\n"), "488 no acceptable audio: no common codec: it lists opus/16000/2; with this peer we speak PCMU, PCMA, G722, opus, GSM"),
        ("a dynamic number without a map", offer(c, "m=audio 5000 RTP/AVP 96", ""), "488 no acceptable audio: no common codec: it lists 96; with this peer we speak PCMU, PCMA, G722, opus, GSM"),
        ("only events", offer(c, "m=audio 5000 RTP/AVP 101", "a=rtpmap:101 telephone-event/8000\r\n"), "488 no acceptable audio: no common codec: it lists none; with this peer we speak PCMU, PCMA, G722, opus, GSM"),
        ("port 0", offer(c, "m=audio 0 RTP/AVP 0", ""), "488 no acceptable audio: no audio over RTP"),
        ("video only", offer(c, "m=video 5000 RTP/AVP 96", ""), "488 no acceptable audio: no audio over RTP"),
        ("srtp only", offer(c, "m=audio 5000 RTP/SAVP 0", ""), "488 no acceptable protection: RTP/SAVP is offered, and srtp is off for this peer"),
        ("stereo is not ours", offer(c, "m=audio 5000 RTP/AVP 97", "a=rtpmap:97 PCMU/8000/2\r\n"), "488 no acceptable audio: no common codec: it lists PCMU/8000/2; with this peer we speak PCMU, PCMA, G722, opus, GSM"),
    ];
    for (what, text, expected) in cases {
        assert_eq!(answered(&text), expected, "{what}");
    }
    for bad in ["", "x", "v=1\r\n", "v=0\r\nm=audio 4294967296 RTP/AVP 0\r\n", "v=0\r\na=fmtp:0 \0\r\n", "v=0\r\nm=\r\n"] {
        assert!(answered(bad).starts_with("400"), "{bad:?}: {}", answered(bad));
    }
}

#[test]
fn p2_limits_hold() {
    let lines = |n: usize| offer("c=IN IP4 10.0.0.7\r\n", &vec!["m=video 9 RTP/AVP 96"; n].join("\r\n"), "m=audio 5000 RTP/AVP 0\r\n");
    let mut negotiation = Negotiation::new(1);
    let (answer, _) = negotiation.answer(lines(31).as_bytes(), &local(), Direction::SendRecv).unwrap();
    assert_eq!(answer.matches("m=video 0 RTP/AVP 96").count(), 31);
    assert!(answered(&lines(32)).starts_with("400"));
    let formats = |n: usize| offer("c=IN IP4 10.0.0.7\r\n", &format!("m=audio 5000 RTP/AVP{} 0", " 100".repeat(n)), "");
    assert!(answered(&formats(63)).starts_with("PCMU"));
    assert!(answered(&formats(64)).starts_with("488"), "the 65th format is not looked at");
    let long = format!("{SIPP}{}", "a=x\n".repeat(5_000));
    assert!(answered(&long).starts_with("400"));
}

#[test]
fn the_answer_as_written() {
    let (answer, agreement) = Negotiation::new(77).answer(SAVP_AND_AVP.as_bytes(), &local(), Direction::SendRecv).unwrap();
    assert_eq!(
        answer,
        "v=0\r\no=- 77 1 IN IP4 192.0.2.1\r\ns=callflow\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 0 RTP/SAVP 0\r\nm=audio 30000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=ptime:20\r\na=sendrecv\r\nm=image 0 udptl t38\r\n"
    );
    assert_eq!(agreement.receive.as_slice(), [Format { codec: Codec::Pcma, payload_type: 8 }]);
}

#[test]
fn our_offer_and_what_answers_come_to() {
    let mut us = Negotiation::new(9);
    let prefer = Local { capabilities: Capabilities { first: Some(Codec::G722), ..Capabilities::default() }, ..local() };
    let offer = us.offer(&prefer, Direction::SendRecv);
    assert!(offer.contains("m=audio 30000 RTP/AVP 9 0 8 96 3 101 102\r\n"), "{offer}");
    assert!(offer.contains("a=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\na=rtpmap:3 GSM/8000\r\n"), "{offer}");
    assert!(offer.contains("a=rtpmap:102 telephone-event/48000\r\na=fmtp:102 0-15\r\n"), "{offer}");
    assert!(offer.contains("a=fmtp:101 0-15\r\n"));
    assert!(us.is_offering());
    // Early answer, then the same again.
    let agreement = us.accept(BARESIP.as_bytes()).unwrap();
    assert_eq!(told(&agreement), "PCMU/0 10.0.0.7:20482 20483 101 sendrecv 20ms");
    assert_eq!(agreement.receive.iter().map(|f| f.codec).collect::<Vec<_>>(), [Codec::Pcmu, Codec::Pcma]);
    assert!(!us.is_offering());
    assert_eq!(us.accept(BARESIP.as_bytes()).unwrap(), agreement);
    // Numbers of its own: we send by the peer's, hear by ours.
    let own = "v=0\r\no=- 1 1 IN IP4 10.0.0.7\r\ns=-\r\nc=IN IP4 10.0.0.7\r\nt=0 0\r\nm=audio 6000 RTP/AVP 97 96\r\na=rtpmap:97 PCMA/8000\r\na=rtpmap:96 telephone-event/8000\r\na=rtcp-mux\r\n";
    let agreement = us.accept(own.as_bytes()).unwrap();
    assert_eq!((agreement.send.payload_type, agreement.receive[0].payload_type), (97, 8));
    let narrow = |payload_type| EventFormat { payload_type, clock_rate: 8_000 };
    assert_eq!((agreement.events, agreement.event_receive.as_slice()), (Some(narrow(96)), &[narrow(101)][..]), "96 is opus here");
    assert!(!agreement.rtcp_mux, "it was not offered");
    assert_eq!(agreement.remote_rtcp.port(), 6001);
    // Events repeated without their map.
    let bare = "v=0\r\nc=IN IP4 10.0.0.7\r\nm=audio 6000 RTP/AVP 0 101\r\n";
    assert_eq!(us.accept(bare.as_bytes()).unwrap().events, Some(narrow(101)));
}

#[test]
fn opus_is_answered_as_its_rfc_says() {
    let (answer, agreement) = Negotiation::new(7).answer(LINPHONE.as_bytes(), &local(), Direction::SendRecv).unwrap();
    let audio = answer.split("m=").nth(1).unwrap();
    assert_eq!(
        audio,
        "audio 30000 RTP/AVPF 96 101\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\na=rtpmap:101 telephone-event/48000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=rtcp-xr:voip-metrics\r\na=sendrecv\r\n"
    );
    assert!(agreement.voip_metrics, "Linphone asks for them for the whole session");
    assert_eq!(agreement.event_receive.as_slice(), [EventFormat { payload_type: 101, clock_rate: 48_000 }]);
    // Chrome's numbers stay Chrome's in our own later offer (RFC 3264 §8.3.2), and ours keep away from them.
    let plain = "v=0\r\nc=IN IP4 10.0.0.7\r\nm=audio 6000 RTP/AVP 111 0 126 96\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:126 telephone-event/8000\r\na=rtpmap:96 red/48000/2\r\n";
    let mut us = Negotiation::new(8);
    us.answer(plain.as_bytes(), &local(), Direction::SendRecv).unwrap();
    let offer = us.offer(&local(), Direction::SendRecv);
    assert!(offer.contains("RTP/AVP 0 8 9 111 3 126 102\r\n"), "{offer}");
    // Answered with both clocks: keys go out by the codec's, and are heard by either.
    let both = "v=0\r\nc=IN IP4 10.0.0.7\r\nm=audio 6000 RTP/AVP 98 99 100\r\na=rtpmap:98 opus/48000/2\r\na=rtpmap:99 telephone-event/8000\r\na=rtpmap:100 telephone-event/48000\r\na=ptime:60\r\n";
    let agreement = us.accept(both.as_bytes()).unwrap();
    assert_eq!(told(&agreement), "opus/98 10.0.0.7:6000 6001 100/48000 sendrecv 60ms");
    assert_eq!(agreement.receive.as_slice(), [111, 98].map(|payload_type| Format { codec: Codec::Opus, payload_type }));
    assert_eq!(agreement.event_receive.iter().map(|format| format.payload_type).collect::<Vec<_>>(), [126, 102]);
}

#[test]
fn what_the_near_leg_speaks_is_sent_when_the_answer_takes_it_at_all() {
    let both = "v=0\r\nc=IN IP4 10.0.0.7\r\nm=audio 6000 RTP/AVP 8 0\r\n";
    for (near, sent) in [(Codec::Pcmu, Codec::Pcmu), (Codec::Pcma, Codec::Pcma), (Codec::G722, Codec::Pcma)] {
        let mut us = Negotiation::new(1);
        us.offer(&Local { capabilities: Capabilities { first: Some(near), ..Capabilities::default() }, ..local() }, Direction::SendRecv);
        let agreement = us.accept(both.as_bytes()).unwrap();
        assert_eq!((agreement.send.codec, agreement.receive.len()), (sent, 2), "near {near}");
    }
}

#[test]
fn comfort_noise_is_taken_where_it_is_offered() {
    let noisy = offer("c=IN IP4 10.0.0.7\r\n", "m=audio 5000 RTP/AVP 0 13 101", "a=rtpmap:101 telephone-event/8000\r\n");
    let (answer, agreement) = Negotiation::new(1).answer(noisy.as_bytes(), &local(), Direction::SendRecv).unwrap();
    assert_eq!(agreement.comfort_noise, Some(13));
    assert!(answer.contains("m=audio 30000 RTP/AVP 0 13 101\r\n") && answer.contains("a=rtpmap:13 CN/8000\r\n"), "{answer}");
    assert!(!Negotiation::new(1).offer(&local(), Direction::SendRecv).contains("CN/8000"), "not asked for");
}

#[test]
fn answers_that_do_not_fit() {
    assert_eq!(Negotiation::new(1).accept(SIPP.as_bytes()), Err(Refusal::Mismatch("there is no offer")));
    let mut us = Negotiation::new(1);
    us.offer(&local(), Direction::SendRecv);
    for bad in [
        "v=0\r\n",
        "v=0\r\nc=IN IP4 10.0.0.7\r\nm=audio 0 RTP/AVP 0\r\n",
        "v=0\r\nc=IN IP4 10.0.0.7\r\nm=audio 5000 RTP/AVP 18\r\n",
        "v=0\r\nc=IN IP4 10.0.0.7\r\nm=video 5000 RTP/AVP 0\r\n",
        "nonsense",
    ] {
        assert!(us.accept(bad.as_bytes()).is_err(), "{bad}");
        assert!(us.is_offering() && us.agreement().is_none());
    }
    assert!(us.accept(SIPP.as_bytes()).is_ok(), "the offer stays open for a good answer");
}

#[test]
fn the_version_rises_only_with_the_text() {
    let version = |text: &str| text.split_whitespace().find_map(|w| w.parse::<u64>().ok().filter(|n| *n > 0 && *n < 100)).unwrap();
    let mut us = Negotiation::new(1_000);
    let (first, _) = us.answer(BARESIP.as_bytes(), &local(), Direction::SendRecv).unwrap();
    let (again, _) = us.answer(BARESIP.as_bytes(), &local(), Direction::SendRecv).unwrap();
    assert_eq!(first, again, "a session refresh");
    let held = BARESIP.replace("a=sendrecv", "a=sendonly");
    let (hold, agreement) = us.answer(held.as_bytes(), &local(), Direction::SendRecv).unwrap();
    assert_eq!((version(&first), version(&hold)), (1, 2));
    assert!(hold.contains("a=recvonly\r\n") && agreement.on_hold_by_remote);
    let (resumed, agreement) = us.answer(BARESIP.as_bytes(), &local(), Direction::SendRecv).unwrap();
    assert_eq!(version(&resumed), 3);
    assert!(!agreement.on_hold_by_remote);
}

#[test]
fn a_re_offer_keeps_every_line_in_place_and_can_be_rolled_back() {
    let mut us = Negotiation::new(1);
    us.answer(SAVP_AND_AVP.as_bytes(), &local(), Direction::SendRecv).unwrap();
    let agreed = us.agreement().cloned();
    let text = us.offer(&local(), Direction::SendOnly);
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(lines, ["m=audio 0 RTP/SAVP 0", "m=audio 30000 RTP/AVP 0 8 9 96 3 101 102", "m=image 0 udptl t38"]);
    assert!(text.contains("a=sendonly\r\n"));
    us.roll_back();
    assert_eq!(us.agreement().cloned(), agreed);
    assert!(!us.is_offering());
    // And again, accepted this time: the answer's second line counts.
    us.offer(&local(), Direction::SendOnly);
    let answer = "v=0\r\nc=IN IP4 10.0.0.8\r\nm=audio 0 RTP/SAVP 0\r\nm=audio 7000 RTP/AVP 8\r\na=recvonly\r\nm=image 0 udptl t38\r\n";
    let agreement = us.accept(answer.as_bytes()).unwrap();
    assert_eq!(told(&agreement), "PCMA/8 10.0.0.8:7000 7001 - sendonly 20ms");
    // A re-INVITE we answered but whose answer was never taken.
    us.answer(SAVP_AND_AVP.replace("5002", "5010").as_bytes(), &local(), Direction::SendRecv).unwrap();
    us.roll_back();
    assert_eq!(us.agreement(), Some(&agreement));
}

#[test]
fn audio_switched_off_in_a_re_offer_and_on_again() {
    let mut us = Negotiation::new(1);
    us.answer(SIPP.as_bytes(), &local(), Direction::SendRecv).unwrap();
    let off = SIPP.replace("audio 6000", "audio 0");
    let (text, agreement) = us.answer(off.as_bytes(), &local(), Direction::SendRecv).unwrap();
    assert!(text.contains("m=audio 0 RTP/AVP 0\r\n"), "{text}");
    assert_eq!(told(&agreement), "PCMU/0 127.0.0.1:0 0 - inactive 20ms held");
    let (_, agreement) = us.answer(SIPP.as_bytes(), &local(), Direction::SendRecv).unwrap();
    assert_eq!(agreement.direction, Direction::SendRecv);
}

#[test]
fn a_bad_re_offer_changes_nothing() {
    let mut us = Negotiation::new(1);
    let (text, agreement) = us.answer(BARESIP.as_bytes(), &local(), Direction::SendRecv).unwrap();
    for bad in ["junk", "v=0\r\n", CHROME, "v=0\r\nc=IN IP4 10.0.0.7\r\nm=audio 1 RTP/AVP 18\r\n"] {
        assert!(us.answer(bad.as_bytes(), &local(), Direction::SendRecv).is_err());
        assert_eq!(us.agreement(), Some(&agreement));
    }
    assert_eq!(us.answer(BARESIP.as_bytes(), &local(), Direction::SendRecv).unwrap().0, text);
}

#[test]
fn events_numbers_do_not_change_their_meaning() {
    let mut us = Negotiation::new(1);
    us.answer(PJSIP.as_bytes(), &local(), Direction::SendRecv).unwrap();
    assert!(us.offer(&local(), Direction::SendRecv).contains("a=rtpmap:120 telephone-event/8000"));
    let taken = offer("c=IN IP4 10.0.0.7\r\n", "m=audio 5000 RTP/AVP 0 101", "a=rtpmap:101 opus/48000/2\r\n");
    let mut us = Negotiation::new(1);
    us.answer(taken.as_bytes(), &local(), Direction::SendRecv).unwrap();
    let offer = us.offer(&local(), Direction::SendRecv);
    assert!(offer.contains("a=rtpmap:101 opus/48000/2\r\n") && offer.contains("a=rtpmap:96 telephone-event/8000"), "{offer}");
}

/// Answers an offer of all codecs, under numbers of the peer's own, by the codecs that may be spoken with it.
fn answered_with(codecs: Codecs, first: Option<Codec>, offered: &str) -> String {
    let capabilities = Capabilities { codecs, first, ..Capabilities::default() };
    let maps = "a=rtpmap:107 opus/48000/2\r\na=rtpmap:99 telephone-event/8000\r\n";
    let text = offer("c=IN IP4 10.0.0.7\r\n", &format!("m=audio 5000 RTP/AVP {offered}"), maps);
    let local = Local { capabilities, ..local() };
    match Negotiation::new(1).answer(text.as_bytes(), &local, Direction::SendRecv) {
        Ok((answer, agreement)) => {
            assert_eq!(Negotiation::new(1).choices(text.as_bytes(), &local).first(), Some(&agreement.send.codec));
            answer.split("RTP/AVP ").nth(1).unwrap().lines().next().unwrap().to_owned()
        }
        Err(why) => {
            assert!(Negotiation::new(1).choices(text.as_bytes(), &local).is_empty());
            why.to_string()
        }
    }
}

#[test]
fn a_written_order_decides_and_the_peers_where_none_was_written() {
    use Codec::{G722, Gsm, Opus, Pcma, Pcmu};
    let many = "107 3 0 8 9 99";
    let ranked = |list: &[Codec]| Codecs::ranked(list.to_vec());
    let cases = [
        (Codecs::all(), None, "107 99"),
        (ranked(&[G722, Pcma]), None, "9 99"),
        (ranked(&[Pcma, G722]), None, "8 99"),
        (ranked(&[Gsm, Pcmu]), None, "3 99"),
        (ranked(&[Opus]), None, "107 99"),
        // The other side of a bridge comes first, where both may speak it.
        (ranked(&[Pcma, G722]), Some(G722), "9 99"),
        (ranked(&[Pcma, G722]), Some(Opus), "8 99"),
        (Codecs::all(), Some(Pcmu), "0 99"),
    ];
    for (codecs, first, answer) in cases {
        let what = format!("{codecs:?} {first:?}");
        assert_eq!(answered_with(codecs, first, many), answer, "{what}");
    }
    assert_eq!(
        answered_with(ranked(&[G722]), None, "107 0 18 99"),
        "no acceptable audio: no common codec: it lists opus, PCMU, 18; with this peer we speak G722"
    );
}

#[test]
fn a_peer_may_send_under_the_numbers_it_answered_with() {
    let mut us = Negotiation::new(1);
    us.offer(&Local { capabilities: Capabilities { codecs: Codecs::ranked(vec![Codec::Opus, Codec::Pcmu]), ..Capabilities::default() }, ..local() }, Direction::SendRecv);
    let answer = "v=0\r\nc=IN IP4 10.0.0.7\r\nm=audio 6000 RTP/AVP 107 99 98\r\na=rtpmap:107 opus/48000/2\r\na=rtpmap:99 telephone-event/48000\r\na=rtpmap:98 telephone-event/8000\r\n";
    let agreement = us.accept(answer.as_bytes()).unwrap();
    assert_eq!(agreement.send, Format { codec: Codec::Opus, payload_type: 107 });
    assert_eq!(agreement.receive.as_slice(), [96, 107].map(|payload_type| Format { codec: Codec::Opus, payload_type }));
    let events: Vec<_> = agreement.event_receive.iter().map(|event| (event.payload_type, event.clock_rate)).collect();
    assert_eq!((agreement.events.map(|event| event.payload_type), events), (Some(99), vec![(101, 8_000), (102, 48_000)]));
    // A number of ours keeps our meaning, whatever the answer calls it.
    let crossed = "v=0\r\nc=IN IP4 10.0.0.7\r\nm=audio 6000 RTP/AVP 101 96\r\na=rtpmap:101 opus/48000/2\r\na=rtpmap:96 telephone-event/48000\r\n";
    let agreement = us.accept(crossed.as_bytes()).unwrap();
    assert_eq!(agreement.receive.as_slice(), [Format { codec: Codec::Opus, payload_type: 96 }]);
    assert_eq!(agreement.event_receive.iter().map(|event| event.payload_type).collect::<Vec<_>>(), [102]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn p2_any_bytes_are_answered_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut us = Negotiation::new(1);
        let _ = us.answer(&bytes, &local(), Direction::SendRecv);
        us.offer(&local(), Direction::SendRecv);
        let _ = us.accept(&bytes);
    }

    /// Real descriptions with bytes changed, lines doubled, lost and swapped; whatever we answer, we can read.
    #[test]
    fn p2_mutated_descriptions_are_answered_without_panic(which in 0_usize..7, edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 0..12)) {
        let seed = [BARESIP, LINPHONE, PJSIP, SIPP, CHROME, SAVP_AND_AVP, IPV6][which];
        let mut bytes = seed.as_bytes().to_vec();
        for (at, byte, kind) in edits {
            let place = at.index(bytes.len().max(1));
            match kind {
                0 if place < bytes.len() => bytes[place] = byte,
                1 => bytes.insert(place.min(bytes.len()), byte),
                2 if place < bytes.len() => { bytes.remove(place); }
                _ => {
                    let mut lines: Vec<Vec<u8>> = bytes.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
                    let (from, to) = (at.index(lines.len()), usize::from(byte) % lines.len());
                    let line = lines[from].clone();
                    lines.insert(to, line);
                    bytes = lines.join(&b'\n');
                }
            }
        }
        let mut us = Negotiation::new(1);
        if let Ok((text, agreement)) = us.answer(&bytes, &local(), Direction::SendRecv) {
            let read = crate::reading::parse(text.as_bytes());
            prop_assert!(read.is_ok(), "{text}");
            prop_assert!((10..=60).contains(&agreement.ptime_ms));
            // Another of us accepts what we answered, when it offered the same.
            prop_assert_eq!(agreement.receive[0].codec, agreement.send.codec);
        }
        us.offer(&local(), Direction::Inactive);
        let _ = us.accept(&bytes);
    }

    /// Two of us always agree, and see the same thing.
    #[test]
    fn offer_and_answer_are_two_views_of_one_thing(first in 0_usize..5, direction in 0_usize..4, wanted in 0_usize..4, dtmf: bool, is_optional: bool) {
        let directions = [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive];
        let mut a = Negotiation::new(1);
        let mut b = Negotiation::new(2);
        let there = Local {
            media: "192.0.2.2:40000".parse().unwrap(),
            capabilities: Capabilities { first: Some(Codec::ALL[first]), dtmf, srtp: Srtp::Required, ..Capabilities::default() },
            keys: [MasterKey::new([3; 30]), MasterKey::new([4; 30])],
        };
        let mut here = local();
        here.capabilities.srtp = if is_optional { Srtp::Optional } else { Srtp::Required };
        let offer = a.offer(&there, directions[direction]);
        let (answer, theirs) = b.answer(offer.as_bytes(), &here, directions[wanted]).unwrap();
        let ours = a.accept(answer.as_bytes()).unwrap();
        let (own, far) = (ours.crypto.clone().unwrap(), theirs.crypto.clone().unwrap());
        prop_assert_eq!((own.suite, own.send, own.receive), (far.suite, far.receive, far.send));
        prop_assert_eq!(ours.send, theirs.receive[0]);
        prop_assert_eq!(theirs.send, ours.receive[0]);
        prop_assert_eq!(ours.direction, theirs.direction.seen_from_afar());
        prop_assert_eq!(ours.events, theirs.event_receive.first().copied());
        prop_assert_eq!(theirs.events, ours.event_receive.first().copied());
        prop_assert!(ours.send.codec == Codec::ALL[first] || Codec::ALL[first].is_last_resort());
        prop_assert_eq!(ours.send.codec, theirs.send.codec);
    }
}
