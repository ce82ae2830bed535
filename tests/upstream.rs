//! Kamailio in front: devices register there, a call through it reaches a flow, and a bridge goes back out through it.

use crate::peers::exchange::{Exchange, House, ms, must, s};
use crate::peers::kamailio::Kamailio;
use crate::peers::process::free_port;
use phone::{Account, Handset, Manners, Sound, Step, Wire};
use std::time::Duration;
use terms::Secret;

#[test]
fn a_call_through_kamailio_reaches_a_flow_and_its_bridge_goes_back_through_it() {
    let front = free_port();
    let mut exchange = Exchange::start(&House { upstream: Some(front), ..House::default() });
    let kamailio = Kamailio::start(front, exchange.sip_port());
    let device = |user: &str, manners| {
        let server = ([127, 0, 0, 1], front).into();
        let account = Account { user: user.into(), password: Secret::new(format!("secret-{user}")), domain: format!("127.0.0.1:{front}"), server };
        let phone = Handset::start(Wire { manners, ..Wire::new(account) }).unwrap();
        if let Err(why) = phone.step(Step::Register { expires: 120 }) {
            panic!("{why}\n{}", kamailio.log());
        }
        phone
    };
    let alice = device("alice", Manners::Ring);
    let bob = device("bob", Manners::Answer { after: ms(300) });
    must(&alice, Step::Dial(format!("sip:reception@127.0.0.1:{front}")));
    if let Err(why) = alice.step(Step::WaitAnswered { within: s(10) }) {
        panic!("{why}\n{}\n{}", exchange.log(), kamailio.log());
    }
    must(&alice, Step::WaitTone { hz: Some(500.0), within: s(5) });
    must(&alice, Step::Press("1".into()));
    if let Err(why) = bob.step(Step::WaitAnswered { within: s(10) }) {
        panic!("{why}\n{}\n{}", exchange.log(), kamailio.log());
    }
    must(&alice, Step::SpeakOn(Sound::tone(1_100.0, -12.0, Duration::from_secs(1))));
    must(&bob, Step::SpeakOn(Sound::tone(700.0, -12.0, Duration::from_secs(1))));
    must(&alice, Step::WaitTone { hz: Some(700.0), within: s(5) });
    must(&bob, Step::WaitTone { hz: Some(1_100.0), within: s(5) });
    must(&bob, Step::HangUp);
    must(&alice, Step::WaitHangUp { within: s(5) });
    exchange.must_be_quiet();
}
