//! The situations of RFC 4475, written as our own cases: what is valid is read right, what is not gets its answer or silence.

use crate::stage::{HERE, PEER, Stage, udp, wire};
use bytes::Bytes;
use sip::{HeaderName, Input, Malformed, Message, Method, Request, Response};

fn read(text: &str) -> Result<Message, Malformed> {
    Message::parse(wire(text))
}
fn valid(text: &str) -> Request {
    match read(text) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}
fn response(text: &str) -> Option<Response> {
    match read(text) {
        Ok(Message::Response(response)) => Some(response),
        Ok(Message::Request(request)) => panic!("{request:?}"),
        Err(malformed) => {
            assert!(malformed.answer.is_none(), "a response is never answered");
            None
        }
    }
}
/// A request whose start line and some headers are replaced: `"To=<sip:x>"`; an empty value leaves the header out.
fn made(start: &str, changes: &[&str]) -> String {
    let method = start.split(' ').next().unwrap();
    let mut headers = vec![
        ("Via".to_owned(), format!("SIP/2.0/UDP {PEER};branch=z9hG4bKt;rport")),
        ("Max-Forwards".into(), "70".into()),
        ("From".into(), "<sip:alice@example.org>;tag=1".into()),
        ("To".into(), "<sip:bob@example.net>".into()),
        ("Call-ID".into(), "torture".into()),
        ("CSeq".into(), format!("1 {method}")),
        ("Contact".into(), "<sip:alice@192.0.2.9>".into()),
    ];
    for change in changes {
        let (name, value) = change.split_once('=').unwrap();
        match headers.iter_mut().find(|(n, _)| n == name) {
            Some(found) => found.1 = value.to_owned(),
            None => headers.push((name.trim_start_matches('+').to_owned(), value.to_owned())),
        }
    }
    let lines: String = headers.iter().filter(|(_, v)| !v.is_empty()).map(|(n, v)| format!("{n}: {v}\n")).collect();
    format!("{start}\n{lines}\n")
}
fn invite(changes: &[&str]) -> String {
    made("INVITE sip:bob@example.net SIP/2.0", changes)
}
/// What the endpoint says to it: the status codes it sends, and `user`.
fn said(text: &str) -> Vec<String> {
    let mut stage = Stage::new();
    stage.put(Input::Received { flow: udp(PEER), bytes: wire(text) });
    stage.lines.iter().map(|line| line.split_whitespace().nth(2).unwrap().to_owned()).collect()
}
#[track_caller]
fn gets(text: &str, code: &str) {
    let heard = said(text);
    let wanted: Vec<&str> = code.split(' ').filter(|c| !c.is_empty()).collect();
    assert_eq!(heard, wanted, "{text}");
}

#[test]
fn wsinv_short_forms_folds_and_blanks_everywhere() {
    let r = valid(
        "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\nTO :\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\n\
         from   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\n  ;\n  tag = 98asjd8\nMaX-fOrWaRdS: 0068\nCall-ID: wsinv.ndaks@192.0.2.1\n\
         Content-Length   : 4\ncseq: 0009\n  INVITE\nVia  : SIP  /   2.0\n /UDP\n    192.0.2.2;branch=390skdjuw\ns :\n\
         NewFangledHeader:   newfangled value\n continued newfangled value\nUnknownHeaderWithUnusualValue: ;;,,;;,;\n\
         Content-Type: application/sdp\nRoute:\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\n\
         v:  SIP  / 2.0  / TCP     spindle.example.com   ;\n  branch  =   z9hG4bK9ikj8  ,\n SIP  /    2.0   / UDP  192.168.255.111   ; branch=\n z9hG4bK30239\n\
         m:\"Quoted string \\\"\\\"\" <sip:jdrosen@example.com> ; newparam =\n      newvalue ;\n  secondparam ; q = 0.33\n\nbody",
    );
    let h = &r.headers;
    assert_eq!((h.max_forwards(), h.cseq().unwrap().number, h.to_tag(), h.from_tag()), (Some(68), 9, Some("1918181833n"), Some("98asjd8")));
    assert_eq!(h.from().unwrap().display.as_deref(), Some("J Rosenberg \\\""));
    assert_eq!(h.list(HeaderName::Via).count(), 3);
    assert_eq!(h.via().unwrap().param("branch"), Some("390skdjuw"));
    assert_eq!(h.named("newfangledheader"), Some("newfangled value continued newfangled value"));
    assert_eq!(h.named("UNKNOWNheaderWithUnusualValue"), Some(";;,,;;,;"));
    let contact = h.contact().unwrap();
    assert_eq!(contact.params.get("q").as_deref(), Some("0.33"));
    assert_eq!(contact.display.as_deref(), Some("Quoted string \"\""));
    assert_eq!(&r.body[..], b"body");
}

#[test]
fn intmeth_every_character_a_token_and_a_user_may_have() {
    let method = "!interesting-Method0123456789_*+`.%indeed'~";
    let user = "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)";
    let text = made(
        &format!("{method} sip:{user}@example.com SIP/2.0"),
        &[
            "Via=SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~",
            "To=\"BEL:\\\u{7} NUL:\\\0 DEL:\\\u{7f}\" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>",
            "From=token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%=\"работающий\";tag=_token~1'+`*%!-.",
            "+extensionHeader-!.%*+_`'~=\u{fe}",
        ],
    );
    let r = valid(&text);
    assert_eq!(r.method, Method::parse(method).unwrap());
    assert_eq!(r.uri.raw_password.as_deref(), Some("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"));
    assert_eq!(r.headers.from_tag(), Some("_token~1'+`*%!-."));
    assert_eq!(r.headers.from().unwrap().params.get("fromparam''~+*_!.-%").as_deref(), Some("работающий"));
    assert_eq!(r.headers.via().unwrap().branch(), Some("z9hG4bK-.!%66*_+`'~"));
}

#[test]
fn esc01_esc02_escnull_escapes_mean_what_they_stand_for() {
    let r = valid(&made("INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0", &["To=sip:%75se%72@example.com", "From=<sip:I%20have%20spaces@example.net>;tag=938"]));
    assert_eq!(r.uri.user().as_deref(), Some("sips:user@example.com"));
    assert_eq!(r.headers.to().unwrap().uri.user().as_deref(), Some("user"));
    assert!(r.headers.to().unwrap().uri.is_same(&"sip:user@EXAMPLE.com".parse().unwrap()));
    let r = valid(&made("RE%47IST%45R sip:registrar.example.com SIP/2.0", &["To=\"%Z%45\" <sip:resource@example.com>"]));
    assert!(matches!(r.method, Method::Other(_)));
    assert_eq!(r.headers.to().unwrap().display.as_deref(), Some("%Z%45"));
    let r = valid(&made("REGISTER sip:example.com SIP/2.0", &["To=sip:null-%00-null@example.com", "Contact=<sip:%00@host5.example.com>, <sip:%00%00@host5.example.com>"]));
    let contacts = r.headers.contacts().unwrap();
    assert!(contacts.len() == 2 && !contacts[0].uri.is_same(&contacts[1].uri));
}

#[test]
fn lwsdisp_semiuri_and_parameters_inside_and_outside_of_brackets() {
    let r = valid(&made("OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0", &["From=caller<sip:caller@example.com>;tag=323"]));
    assert_eq!((r.uri.user().as_deref(), r.uri.params.is_empty()), (Some("user;par=u@example.net"), true));
    assert_eq!(r.headers.from().unwrap().display.as_deref(), Some("caller"));
    let out = valid(&made("REGISTER sip:example.com SIP/2.0", &["Contact=sip:+19725552222@gw1.example.net;unknownparam"]));
    assert!(out.headers.contact().unwrap().params.has("unknownparam"));
    let within = valid(&made("REGISTER sip:example.com SIP/2.0", &["Contact=<sip:+19725552222@gw1.example.net;unknownparam>"]));
    assert!(within.headers.contact().unwrap().uri.params.has("unknownparam"));
    let escaped = valid(&made("REGISTER sip:example.com SIP/2.0", &["Contact=<sip:user@example.com?Route=%3Csip:sip.example.com%3E>"]));
    assert_eq!(escaped.headers.contact().unwrap().uri.headers.len(), 1);
}

#[test]
fn longreq_dblreq_transports_and_a_binary_body() {
    let many: String = (0..34).map(|n| format!(", SIP/2.0/TCP sip{n}.example.com")).collect();
    let long = valid(&invite(&[&format!("Via=SIP/2.0/TCP sip33.example.com{many}"), &format!("Call-ID=longreq.one{}", "really".repeat(40) + "longcallid"),
        &format!("To=\"{}\" <sip:user@example.com:5080;{}=x>", "I have a user name of extreme proportion ".repeat(3), "longparam".repeat(20))]));
    assert_eq!(long.headers.list(HeaderName::Via).count(), 35);
    let double = made("REGISTER sip:example.com SIP/2.0", &["Content-Length=0"]) + &invite(&[]);
    assert!(valid(&double).body.is_empty());
    for transport in ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"] {
        assert_eq!(valid(&invite(&[&format!("Via=SIP/2.0/{transport} t1.example.com;branch=z9hG4bKk")])).headers.via().unwrap().transport, transport);
    }
    let mut bytes = wire(&invite(&["Content-Type=multipart/mixed;boundary=7a9cbec02ceef655", "Content-Length=7"])).to_vec();
    bytes.extend_from_slice(b"\0\xff\xfe\r\n\r\n");
    let Ok(Message::Request(binary)) = Message::parse(Bytes::from(bytes)) else { panic!("a request") };
    assert_eq!(&binary.body[..], b"\0\xff\xfe\r\n\r\n");
}

#[test]
fn unreason_noreason_and_responses_that_are_none() {
    let status = |line: &str, cseq: &str| made("INVITE x", &[&format!("CSeq={cseq}")]).replace("INVITE x\n", &format!("{line}\n"));
    assert_eq!(response(&status("SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять - простое", "1 INVITE")).unwrap().reason.chars().next(), Some('='));
    assert_eq!(response(&status("SIP/2.0 100 ", "1 INVITE")).unwrap().reason, "");
    for (line, cseq) in [
        ("SIP/2.0 4294967301 better not break the receiver", "1 INVITE"),
        ("SIP/2.0 503 Service Unavailable", "9292394834772304023312 OPTIONS"),
        ("SIP/2.0 99 Too Small", "1 INVITE"),
        ("SIP/2.0 700 Too Large", "1 INVITE"),
        ("SIP/7.0 200 OK", "1 INVITE"),
    ] {
        assert!(response(&status(line, cseq)).is_none(), "{line}");
    }
    // bcast: a response that is nobody's is dropped.
    gets(&status("SIP/2.0 200 OK", "1 INVITE").replace(PEER, "255.255.255.255"), "");
}

#[test]
fn requests_with_a_malformed_line_or_header_get_400() {
    for start in [
        "INVITE <sip:user@example.com> SIP/2.0",
        "INVITE sip:user@example.com; lr SIP/2.0",
        "INVITE  sip:user@example.com  SIP/2.0",
        "INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0",
        "INVITE sip:user@exa mple.com SIP/2.0",
        "INVITE sip:user@ SIP/2.0",
        "INVITE sip:bob@example.net:0 SIP/2.0",
        "INVITE nouri SIP/2.0",
    ] {
        gets(&made(start, &[]), "400");
    }
    for change in [
        "Via=SIP/2.0/UDP 192.0.2.15;;,;,,",
        "Contact=\"Joe\" <sip:joe@example.org>;;;;,,,\"",
        "Contact=sip:user@example.com?Route=%3Csip:sip.example.com%3E",
        "To=\"Watson, Thomas\" < sip:t.watson@example.org >",
        "From=Bell, Alexander <sip:a.g.bell@example.com>;tag=43",
        "To=\"Mr. J. User <sip:j.user@example.com>",
        "To=",
        "From=",
        "Call-ID=",
        "CSeq=8 OPTIONS",
        "CSeq=36893488147419103232 INVITE",
        "CSeq=INVITE",
        "Max-Forwards=300",
        "Max-Forwards=-1",
        "Max-Forwards=many",
        "Content-Length=-999",
        "Content-Length=9999",
        "Content-Length=12 34",
        "+CSeq=2 INVITE",
        "+To=<sip:other@example.net>",
        "+From=<sip:other@example.net>;tag=2",
        "+Call-ID=another",
        "+Max-Forwards=5",
        "not a header=x",
    ] {
        gets(&invite(&[change]), "400");
    }
    gets(&invite(&["Content-Length=0", "+Content-Length=5"]), "400");
    gets(&invite(&["Subject=x"]).replace("Subject: x", "a line without the sign"), "400");
    // mismatch02: an unknown method whose CSeq says another.
    gets(&made("NEWMETHOD sip:user@example.com SIP/2.0", &["CSeq=8 INVITE"]), "400");
}

#[test]
fn what_cannot_be_answered_is_silent() {
    gets(&invite(&["Via="]), "");
    gets(&made("ACK sip:bob@example.net SIP/2.0", &["To="]), "");
    gets(&made("ACK <sip:bob@example.net> SIP/2.0", &[]), "");
    gets("GET / HTTP/1.1\nHost: x\n\n", "");
    gets("INVITE\n\n", "");
    gets("\0\0\0\0", "");
}

#[test]
fn other_versions_schemes_extensions_and_bodies() {
    gets(&made("OPTIONS sip:t.watson@example.org SIP/7.0", &[]), "505");
    gets(&made("OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0", &[]), "416");
    gets(&made("OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0", &[]), "416");
    gets(&made("REGISTER sip:example.com SIP/2.0", &["To=isbn:2983792873", "Contact=<name:John_Smith>"]), "REGISTER");
    gets(&made("OPTIONS sip:user@example.com SIP/2.0", &["Require=nothingSupportsThis, nothingSupportsThisEither"]), "420");
    gets(&(invite(&["Content-Type=application/unknownformat", "Content-Length=3"]) + "abc"), "415");
    gets(&made("REGISTER sip:example.com SIP/2.0", &["Authorization=NoOneKnowsThisScheme opaque-data=here"]), "REGISTER");
    gets(&made("INVITE sip:bob@example.net SIP/2.0", &["Accept=text/nobodyKnowsThis"]), "INVITE");
    gets(&made("OPTIONS sip:bob@example.net SIP/2.0", &["Max-Forwards=0"]), "OPTIONS");
    gets(&invite(&["Max-Forwards=0"]), "483");
    gets(&made("SUBSCRIBE sip:bob@example.net SIP/2.0", &[]), "405");
    // baddate: a date we do not need is nobody's harm.
    gets(&invite(&["Date=Fri, 01 Jan 2010 16:00:00 EST"]), "INVITE");
}

#[test]
fn badbranch_and_inv2543_are_matched_the_old_way() {
    for via in ["Via=SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK", "Via=SIP/2.0/UDP 192.0.2.9:5060", "Via=SIP/2.0/UDP 192.0.2.9:5060;branch="] {
        let mut s = Stage::new();
        let old = |method: &str| wire(&made(&format!("{method} sip:bob@example.net SIP/2.0"), &[via, "From=<sip:old@example.org>", "Max-Forwards="]));
        for method in ["INVITE", "INVITE", "CANCEL"] {
            s.put(Input::Received { flow: udp(PEER), bytes: old(method) });
        }
        s.respond(0, 487);
        s.put(Input::Received { flow: udp(PEER), bytes: old("ACK") });
        s.pass(60_000);
        s.expect(&format!("0 user: INVITE\n0 UDP 200 OK to {PEER}\n0 user: cancelled\n0 UDP 487 Request Terminated to {PEER}"));
    }
    assert_ne!(PEER, HERE);
}
