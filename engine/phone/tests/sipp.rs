//! The shell against an independent SIP stack: SIPp's built-in scenarios on loopback, and a peer that goes away. Says so
//! and passes when SIPp is not installed (`tests/install.sh` installs it).

#![expect(clippy::unwrap_used, reason = "a test may end at what it did not expect")]

use phone::{Account, CallOptions, Handset, Manners, Outcome, Protocol, Sound, Step, Wire, call};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use terms::Secret;

/// A SIPp that is ended with the test.
struct Sipp(Child);

impl Drop for Sipp {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn sipp(arguments: &[&str]) -> Option<Sipp> {
    let child = Command::new("sipp").args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    match child {
        Ok(child) => Some(Sipp(child)),
        Err(e) => {
            #[expect(clippy::print_stderr, reason = "a skipped test must say so")]
            {
                eprintln!("SKIPPED: sipp cannot be started: {e}");
            }
            None
        }
    }
}

fn free_udp() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn free_tcp() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn account(server: SocketAddr) -> Account {
    Account { user: "alice".into(), password: Secret::new("x".into()), domain: server.to_string(), server }
}

/// Calls until SIPp listens: its start takes a moment.
fn dial(wire: &Wire, target: &str) -> Handset {
    let phone = Handset::start(wire.clone()).unwrap();
    phone.step(Step::Dial(target.into())).unwrap();
    phone.step(Step::WaitAnswered { within: Duration::from_secs(10) }).unwrap();
    phone
}

#[test]
fn calls_sipp_over_udp_with_rtp_echo() {
    let (port, media) = (free_udp(), free_udp() & !1);
    let Some(_sipp) = sipp(&["-sn", "uas", "-i", "127.0.0.1", "-p", &port.to_string(), "-mp", &media.to_string(), "-rtp_echo", "-nostdin", "-m", "1", "-timeout", "30"]) else { return };
    let phone = dial(&Wire::new(account(([127, 0, 0, 1], port).into())), &format!("sip:service@127.0.0.1:{port}"));
    phone.step(Step::SpeakOn(Sound::tone(600.0, -10.0, Duration::from_secs(1)))).unwrap();
    phone.step(Step::WaitTone { hz: Some(600.0), within: Duration::from_secs(5) }).unwrap();
    phone.step(Step::HangUp).unwrap();
    assert!(!phone.report().in_call);
}

#[test]
fn a_connection_that_the_far_end_closes_fails_the_call_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    let phone = Handset::start(Wire { protocol: Protocol::Tcp, ..Wire::new(account(server)) }).unwrap();
    drop(listener.accept().unwrap());
    phone.begin(Step::Dial(format!("sip:service@{server}")));
    let why = phone.step(Step::WaitAnswered { within: Duration::from_secs(10) }).unwrap_err().to_string();
    assert!(why.contains("connection"), "{why}");
    assert!(phone.report().timeline.iter().all(|entry| entry.at < Duration::from_secs(5)), "{}", phone.timeline());
}

#[test]
fn calls_sipp_over_tcp() {
    let port = free_tcp();
    let Some(mut sipp) = sipp(&["-sn", "uas", "-t", "t1", "-i", "127.0.0.1", "-p", &port.to_string(), "-nostdin", "-m", "1", "-timeout", "30"]) else { return };
    let server: SocketAddr = ([127, 0, 0, 1], port).into();
    let wire = Wire { protocol: Protocol::Tcp, ..Wire::new(account(server)) };
    let mut tries = 0;
    let phone = loop {
        match Handset::start(wire.clone()) {
            Ok(phone) => break phone,
            Err(why) if tries > 100 => panic!("SIPp never listened: {why}"),
            Err(_) => tries += 1,
        }
        std::thread::park_timeout(Duration::from_millis(50));
    };
    phone.step(Step::Dial(format!("sip:service@127.0.0.1:{port}"))).unwrap();
    if let Err(why) = phone.step(Step::WaitAnswered { within: Duration::from_secs(10) }) {
        panic!("{why}; SIPp has ended: {:?}", sipp.0.try_wait());
    }
    phone.step(Step::HangUp).unwrap();
}

#[test]
fn is_called_by_sipp() {
    let phone = Handset::start(Wire { manners: Manners::Answer { after: Duration::from_millis(200) }, ..Wire::new(account(([127, 0, 0, 1], 9).into())) }).unwrap();
    let target = phone.sip_address().to_string();
    let own = free_udp().to_string();
    let Some(mut sipp) = sipp(&["-sn", "uac", &target, "-s", "alice", "-i", "127.0.0.1", "-p", &own, "-m", "1", "-d", "500", "-nostdin", "-timeout", "20"]) else { return };
    phone.step(Step::WaitAnswered { within: Duration::from_secs(10) }).unwrap();
    phone.step(Step::WaitHangUp { within: Duration::from_secs(10) }).unwrap();
    let status = sipp.0.wait().unwrap();
    assert!(status.success(), "SIPp is not content: {status}");
}

#[test]
fn the_verb_call_reports_what_happened() {
    let port = free_udp();
    let Some(_sipp) = sipp(&["-sn", "uas", "-i", "127.0.0.1", "-p", &port.to_string(), "-nostdin", "-m", "1", "-timeout", "30"]) else { return };
    let options = CallOptions { stay: Duration::from_secs(1), ..CallOptions::new(format!("sip:service@127.0.0.1:{port}")) };
    let mut out = Vec::new();
    let outcome = call(&options, &mut out);
    let text = String::from_utf8(out).unwrap();
    assert_eq!(outcome, Outcome::Done, "{text}");
    assert!(text.contains("answered") && text.contains("hung up"), "{text}");
}
