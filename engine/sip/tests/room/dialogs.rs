//! Dialogs, and whole calls between two endpoints.

use crate::stage::{Stage, config, parsed, request, udp, wire};
use sip::{Dialog, DialogRefusal, Endpoint, HeaderName, Input, Message, Method, NameAddr, NextHop, Output, Request, Target, Transport};
use std::time::{Duration, Instant};

fn contact() -> NameAddr {
    NameAddr::parse("<sip:us@192.0.2.1>").unwrap()
}

#[test]
fn a_server_dialog_writes_its_requests_along_the_route() {
    let invite = parsed(&request("INVITE", "z9hG4bKa", 7, "Record-Route: <sip:p2.example.net;lr>, <sip:p1.example.net;lr>\n"));
    let mut dialog = Dialog::as_server(&invite, "ours", contact()).unwrap();
    let bye = dialog.request(Method::Bye);
    assert_eq!(bye.uri.to_string(), "sip:alice@192.0.2.9:5060");
    let routes: Vec<_> = bye.headers.routes().collect();
    assert_eq!(routes, ["<sip:p2.example.net;lr>", "<sip:p1.example.net;lr>"]);
    assert_eq!(bye.headers.get(HeaderName::From), Some("<sip:bob@192.0.2.1>;tag=ours"));
    assert_eq!(bye.headers.get(HeaderName::To), Some("<sip:alice@example.org>;tag=a1"));
    assert_eq!(bye.headers.get(HeaderName::CSeq), Some("1 BYE"));
    assert_eq!(dialog.next_hop(), NextHop::Uri("sip:p2.example.net;lr".parse().unwrap()));
    dialog.pin_flow(udp("203.0.113.7:40000"));
    assert_eq!(dialog.next_hop(), NextHop::Flow(udp("203.0.113.7:40000")));
}

#[test]
fn a_strict_router_becomes_the_request_uri() {
    let invite = parsed(&request("INVITE", "z9hG4bKa", 7, "Record-Route: <sip:strict.example.net>\n"));
    let mut dialog = Dialog::as_server(&invite, "ours", contact()).unwrap();
    let info = dialog.request(Method::Info);
    assert_eq!(info.uri.to_string(), "sip:strict.example.net");
    assert_eq!(info.headers.get(HeaderName::Route), Some("<sip:alice@192.0.2.9:5060>"));
}

#[test]
fn forks_make_one_dialog_a_tag_and_the_2xx_confirms() {
    let invite = parsed(&request("INVITE", "z9hG4bKa", 7, ""));
    let answer = |code, tag: &str, more: &str| {
        let text = String::from_utf8(Stage::answer_to(&invite, code, tag).to_vec()).unwrap().replace("Content-Length", &format!("{more}Content-Length"));
        match Message::parse(wire(&text)).unwrap() {
            Message::Response(response) => response,
            Message::Request(_) => panic!("a response"),
        }
    };
    let mut b = Dialog::as_client(&invite, &answer(180, "b", "")).unwrap();
    let c = Dialog::as_client(&invite, &answer(183, "c", "")).unwrap();
    assert!(b.is_early() && b.id() != c.id());
    assert!(Dialog::as_client(&invite, &answer(100, "", "")).is_none());
    assert!(Dialog::as_client(&invite, &answer(486, "b", "")).is_none());
    let ok = answer(200, "b", "Record-Route: <sip:p1;lr>\nRecord-Route: <sip:p2;lr>\n");
    assert!(b.is_of(&ok) && !c.is_of(&ok));
    b.refresh_target(&ok);
    assert!(!b.is_early());
    let ack = b.ack(7);
    assert_eq!(ack.headers.get(HeaderName::CSeq), Some("7 ACK"));
    assert_eq!(ack.headers.routes().collect::<Vec<_>>(), ["<sip:p2;lr>", "<sip:p1;lr>"]);
    assert_eq!(ack.uri.to_string(), "sip:b@192.0.2.9");
    assert_eq!(b.request(Method::Bye).headers.cseq().unwrap().number, 8);
}

#[test]
fn in_dialog_requests_are_checked() {
    let invite = parsed(&request("INVITE", "z9hG4bKa", 7, ""));
    let mut dialog = Dialog::as_server(&invite, "ours", contact()).unwrap();
    let within = |method: &str, cseq, tag: &str| {
        let text = String::from_utf8(request(method, "z9hG4bKb", cseq, "").to_vec()).unwrap();
        parsed(&text.replace("To: <sip:bob@192.0.2.1>", &format!("To: <sip:bob@192.0.2.1>;tag={tag}")).replace("alice@192.0.2.9", "moved@192.0.2.9").into())
    };
    assert_eq!(dialog.receive(&within("BYE", 8, "wrong")), Err(DialogRefusal::NotThisDialog));
    assert_eq!(dialog.receive(&within("BYE", 7, "ours")), Err(DialogRefusal::OutOfOrder));
    assert_eq!(dialog.receive(&within("INVITE", 9, "ours")), Ok(()));
    assert_eq!(dialog.remote_target().to_string(), "sip:moved@192.0.2.9:5060");
    assert_eq!(dialog.receive(&within("ACK", 9, "ours")), Ok(()));
    assert_eq!(dialog.receive(&within("BYE", 8, "ours")).unwrap_err().code(), 500);
}

/// One side of a call that drives itself: the caller hangs up once answered.
struct Side {
    endpoint: Endpoint,
    dialog: Option<Dialog>,
    sent: Option<Request>,
    /// The callee's 2xx until its ACK, with the time of its next repeat.
    pending: Option<(sip::ServerKey, sip::Response, Instant, u64)>,
    over: bool,
}

impl Side {
    fn new(address: &str, seed: u64) -> Self {
        let mut config = config();
        for listener in &mut config.listeners {
            listener.local = address.parse().unwrap();
            listener.advertised = address.to_owned();
        }
        Self { endpoint: Endpoint::new(config, seed), dialog: None, sent: None, pending: None, over: false }
    }

    fn user(&mut self, output: Output, now: Instant) {
        match output {
            Output::Request { transaction, request, .. } if request.method == Method::Invite => {
                let mut response = request.respond(200, "");
                response.set_to_tag("callee");
                response.headers.push(HeaderName::Contact, "<sip:bob@192.0.2.9>");
                self.dialog = Dialog::as_server(&request, "callee", contact());
                self.endpoint.handle(Input::Respond { transaction, response: response.clone() }, now);
                self.pending = Some((transaction, response, now + sip::timers::T1, 1));
            }
            Output::Request { transaction, request, .. } => {
                let code = match self.dialog.as_mut().unwrap().receive(&request) {
                    Ok(()) => 200,
                    Err(refusal) => refusal.code(),
                };
                self.over = true;
                self.endpoint.handle(Input::Respond { transaction, response: request.respond(code, "") }, now);
            }
            Output::Ack { .. } => self.pending = None,
            Output::Response { token: 1, response, .. } if response.is_success() => {
                let first = self.dialog.is_none();
                let dialog = self.dialog.get_or_insert_with(|| Dialog::as_client(self.sent.as_ref().unwrap(), &response).unwrap());
                let hop = dialog.next_hop();
                self.endpoint.handle(Input::SendAck { request: dialog.ack(1), hop: hop.clone() }, now);
                if first {
                    let request = dialog.request(Method::Bye);
                    self.endpoint.handle(Input::Send { token: 2, request, hop }, now);
                }
            }
            Output::Response { token: 2, response, .. } if !response.is_provisional() => {
                assert_eq!(response.code, 200);
                self.over = true;
            }
            Output::Failed { why, .. } => panic!("{why:?}"),
            Output::Response { .. } | Output::Transmit { .. } | Output::Connect { .. } | Output::Close { .. } | Output::Resolve { .. }
            | Output::Cancelled { .. } => {}
        }
    }
}

/// A whole call in which the datagram number `lost` never arrives.
#[expect(clippy::disallowed_methods, reason = "virtual time begins somewhere")]
pub(crate) fn call_with_loss(lost: usize) {
    let names = ["192.0.2.1:5060", "192.0.2.9:5060"];
    let mut sides = [Side::new(names[0], 1), Side::new(names[1], 2)];
    let mut now = Instant::now();
    let mut invite = Request::new(Method::Invite, "sip:bob@192.0.2.9".parse().unwrap());
    for (name, value) in [
        (HeaderName::From, "<sip:alice@192.0.2.1>;tag=caller"),
        (HeaderName::To, "<sip:bob@192.0.2.9>"),
        (HeaderName::CallId, "loss"),
        (HeaderName::CSeq, "1 INVITE"),
        (HeaderName::Contact, "<sip:alice@192.0.2.1>"),
    ] {
        invite.headers.push(name, value);
    }
    sides[0].sent = Some(invite.clone());
    let hop = NextHop::Target(Target { transport: Transport::Udp, addr: names[1].parse().unwrap() });
    sides[0].endpoint.handle(Input::Send { token: 1, request: invite, hop }, now);
    let (mut count, end) = (0, now + Duration::from_secs(120));
    while now < end {
        let mut quiet = true;
        for at in 0..2 {
            while let Some(output) = sides[at].endpoint.poll_output() {
                quiet = false;
                if let Output::Transmit { flow, bytes } = output {
                    count += 1;
                    if count - 1 != lost {
                        let arrived = sip::Flow { local: flow.peer, peer: flow.local, ..flow };
                        sides[1 - at].endpoint.handle(Input::Received { flow: arrived, bytes }, now);
                    }
                } else {
                    sides[at].user(output, now);
                }
            }
        }
        if !quiet {
            continue;
        }
        let repeat = sides[1].pending.as_ref().map(|p| p.2);
        let next = sides.iter().filter_map(|s| s.endpoint.poll_timeout()).chain(repeat).min();
        let Some(next) = next else { break };
        now = now.max(next);
        if let Some((transaction, response, at, step)) = sides[1].pending.as_mut().filter(|p| p.2 <= now) {
            *step *= 2;
            *at = now + (sip::timers::T1 * u32::try_from(*step).unwrap()).min(sip::timers::T2);
            let (transaction, response) = (*transaction, response.clone());
            sides[1].endpoint.handle(Input::Retransmit { transaction, response }, now);
        }
        for side in &mut sides {
            side.endpoint.handle_timeout(now);
        }
    }
    assert!(sides[0].over && sides[1].over, "datagram {lost} lost: the call did not end");
    assert!(sides[1].pending.is_none(), "datagram {lost} lost: no ACK came");
    for side in &sides {
        let counts = side.endpoint.snapshot();
        let living = counts.invite_servers + counts.plain_servers + counts.invite_clients + counts.plain_clients;
        assert_eq!(living, 0, "datagram {lost} lost: something was left behind");
    }
}
