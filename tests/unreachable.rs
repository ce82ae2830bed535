//! Telephones that packets do not get to, in a network that says so itself: its router sends ICMP, and what it means is told while
//! the call goes on and in its record.

use crate::peers::bare::Bare;
use crate::peers::exchange::{Exchange, House, s};
use crate::peers::network::{ABSENT, FORBIDDEN, HERE, NOWHERE, ROUTER, SWALLOWED, enter};
use crate::peers::process::wait_for;

#[test]
fn who_cannot_be_reached_is_told_apart_by_what_the_router_says() {
    if !enter("unreachable::who_cannot_be_reached_is_told_apart_by_what_the_router_says") {
        return;
    }
    let mut exchange = Exchange::start(&House { address: HERE, ..House::default() });
    // Where each says that its sound goes, and what comes of it.
    let cases = [
        (ABSENT, "unreachable", "no such host answers there (ICMP host unreachable; it is off, or its address is wrong)"),
        (FORBIDDEN, "unreachable", "a firewall forbids it (ICMP administratively prohibited)"),
        (NOWHERE, "unreachable", "there is no way to its network (ICMP network unreachable; a route, or an address that only its own network knows)"),
        (SWALLOWED, "nothing-came", "nothing has come from it, while "),
    ];
    // One after the other: a router tells one host of one packet a second, whomever it was for.
    for (host, _, why) in cases {
        let mut phone = Bare::new("guest", exchange.sip());
        let description = phone.describe("0", "").replace(&format!("c=IN IP4 {HERE}"), &format!("c=IN IP4 {host}"));
        assert_eq!(phone.call(&exchange.uri("radio"), &description).0, 200);
        let shown = wait_for("the reason in the list of calls", s(20), || {
            let leg = exchange.get("/v1/calls")["calls"][0]["legs"][0].clone();
            leg["one_way"].is_string().then_some(leg)
        });
        assert!(shown["one_way"].as_str().is_some_and(|told| told.contains(why) && told.contains(host)), "{shown:#}");
        assert_eq!(shown["state"], "flowing", "it ends no call: {shown:#}");
        phone.hang_up();
        exchange.must_be_quiet();
    }
    for record in exchange.records(cases.len()) {
        let media = &record["media"][0];
        let words = record["quality"][0].as_str().unwrap_or_default();
        let (host, code, why) = cases.into_iter().find(|(host, ..)| words.contains(host)).unwrap_or_else(|| panic!("{record:#}"));
        assert_eq!(media["one_way"], code, "{host}: {record:#}");
        assert!(words.contains(why), "{host}: {words}");
        assert_eq!(words.contains(&format!("{ROUTER} sends them back, because")), code == "unreachable", "{host}: {words}");
        let told = record["timeline"].as_array().unwrap().iter().filter(|line| line["what"].as_str().is_some_and(|line| line.starts_with("leg 0: one-way audio: "))).count();
        assert_eq!(told, 1, "{host}: once, not for each packet: {record:#}");
        assert!(media["packets_sent"].as_u64().is_some_and(|sent| sent > 100), "{host}: it is spoken to all the while: {media:#}");
    }
    let (_, metrics) = exchange.request("GET", "/metrics");
    let metrics = String::from_utf8_lossy(&metrics);
    assert!(metrics.contains("callflow_leg_one_way_total{why=\"unreachable\"} 3") && metrics.contains("callflow_leg_one_way_total{why=\"nothing-came\"} 1"), "{metrics}");
}
